//! What a parser tells.

use crate::dtd::ContentPart;
use crate::names::NameId;

/// The kinds of events, as bits: a parser produces only those that somebody wants.
pub mod interest {
    pub const START_ELEMENT: u32 = 1;
    pub const END_ELEMENT: u32 = 1 << 1;
    pub const TEXT: u32 = 1 << 2;
    pub const PI: u32 = 1 << 3;
    pub const COMMENT: u32 = 1 << 4;
    pub const START_CDATA: u32 = 1 << 5;
    pub const END_CDATA: u32 = 1 << 6;
    /// What no other bit asks for, as it was written.
    pub const DEFAULT: u32 = 1 << 7;
    pub const START_DOCTYPE: u32 = 1 << 8;
    pub const END_DOCTYPE: u32 = 1 << 9;
    pub const ENTITY_DECL: u32 = 1 << 10;
    pub const UNPARSED_ENTITY: u32 = 1 << 11;
    pub const NOTATION: u32 = 1 << 12;
    pub const START_NAMESPACE: u32 = 1 << 13;
    pub const END_NAMESPACE: u32 = 1 << 14;
    pub const NOT_STANDALONE: u32 = 1 << 15;
    pub const EXTERNAL_ENTITY: u32 = 1 << 16;
    pub const XML_DECL: u32 = 1 << 17;
    pub const ELEMENT_DECL: u32 = 1 << 18;
    pub const ATTLIST_DECL: u32 = 1 << 19;
    pub const SKIPPED_ENTITY: u32 = 1 << 20;
    /// Events for encodings that the parser does not know itself.
    pub const UNKNOWN_ENCODING: u32 = 1 << 21;
    /// Whole runs of text instead of a piece for each line.
    pub const MERGED_TEXT: u32 = 1 << 22;
    /// References to internal entities are events (as skipped ones) instead of being expanded.
    pub const KEEP_ENTITIES: u32 = 1 << 23;
}

/// A name: its number and its text.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    pub id: NameId,
    pub text: &'a str,
}

/// An attribute of a start tag.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'a> {
    pub name: Name<'a>,
    pub value: &'a str,
}

/// An external entity or subset, as declared.
#[derive(Clone, Copy, Debug)]
pub struct ExternalId<'a> {
    pub base: Option<&'a str>,
    pub system_id: Option<&'a str>,
    pub public_id: Option<&'a str>,
}

/// One thing that a document says. Text is lent until the next call.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    StartElement {
        name: Name<'a>,
        attributes: crate::parser::Attributes<'a>,
    },
    EndElement {
        name: Name<'a>,
    },
    Text(&'a str),
    Pi {
        target: &'a str,
        data: &'a str,
    },
    Comment(&'a str),
    StartCdata,
    EndCdata,
    /// What nobody asked for, as it was written.
    Default(&'a str),
    StartDoctype {
        name: &'a str,
        system_id: Option<&'a str>,
        public_id: Option<&'a str>,
        has_internal_subset: bool,
    },
    EndDoctype,
    EntityDecl {
        name: &'a str,
        is_parameter: bool,
        value: Option<&'a str>,
        external: ExternalId<'a>,
        notation: Option<&'a str>,
    },
    UnparsedEntityDecl {
        name: &'a str,
        external: ExternalId<'a>,
        notation: &'a str,
    },
    NotationDecl {
        name: &'a str,
        external: ExternalId<'a>,
    },
    StartNamespace {
        prefix: Option<&'a str>,
        uri: Option<&'a str>,
    },
    EndNamespace {
        prefix: Option<&'a str>,
    },
    /// Answer with [`crate::Parser::answer`] whether to go on.
    NotStandalone,
    /// Answer with [`crate::Parser::answer`] whether it went well. `context` is for
    /// [`crate::Parser::external_entity_parser`].
    ExternalEntityRef {
        context: Option<&'a str>,
        external: ExternalId<'a>,
    },
    XmlDecl {
        version: Option<&'a str>,
        encoding: Option<&'a str>,
        standalone: Option<bool>,
    },
    ElementDecl {
        name: &'a str,
        model: &'a [ContentPart],
    },
    AttlistDecl {
        element: &'a str,
        attribute: &'a str,
        kind: &'a str,
        default: Option<&'a str>,
        required: bool,
    },
    SkippedEntity {
        name: &'a str,
        is_parameter: bool,
    },
    /// Answer with [`crate::Parser::set_encoding_table`], or not at all if the encoding is unknown.
    UnknownEncoding {
        name: &'a str,
    },
}
