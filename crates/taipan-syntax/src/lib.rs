//! The front end: source text to a checked syntax tree.
//!
//! The tree itself is the one of `ruff_python_ast`, re-exported as [`ast`]. This crate adds what a
//! Python implementation needs around it: decoding of source files ([`source`]), literal values
//! with lone surrogates ([`literal`]), CPython's limits and error texts, and positions.
#![forbid(unsafe_code)]

mod chars;
pub mod depth;
mod detour;
pub mod diagnostics;
pub mod error;
pub mod lexer;
pub mod literal;
pub mod position;
pub mod source;
pub mod tokenize;

mod parse;

pub use error::{ErrorKind, SyntaxError, SyntaxWarning};
pub use literal::{StrValue, decode_bytes_literal, decode_middle, decode_string_literal};
pub use parse::{FuncType, Mode, Options, Parsed, Tree, parse, parse_func_type, refused_warnings};
pub use position::{LineIndex, Position};
pub use ruff_python_ast as ast;
pub use ruff_text_size::{Ranged, TextRange, TextSize};
pub use source::{Decoded, decode_source};
