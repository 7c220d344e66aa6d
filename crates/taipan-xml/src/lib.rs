//! A push parser for XML 1.0 that does what expat does: bytes go in as they come, events come out, errors have expat's numbers,
//! words and places.
//!
//! [`Parser::feed`] takes bytes, [`Parser::next`] gives one event after the other until it needs more. An event's text is lent
//! from the parser's own buffers: nothing is allocated for it. Between two calls the parser is at rest, so whoever handles an
//! event may change what events are wanted, ask for places, or drop everything.
//!
//! Nothing here recurses: elements, entities and groups of content models nest on stacks in memory.

#![forbid(unsafe_code)]

mod chars;
mod decode;
mod document;
mod dtd;
mod error;
mod event;
mod limits;
mod names;
mod parser;
mod place;
mod roles;
mod scan;
mod scan_prolog;

pub use dtd::{ContentKind, ContentPart};
pub use error::ErrorCode;
pub use event::{Attribute, Event, ExternalId, Name, interest};
pub use limits::Limits;
pub use names::NameId;
pub use parser::{Attributes, Options, ParamEntityParsing, Parser};
pub use place::Place;
pub use roles::Quantifier;
