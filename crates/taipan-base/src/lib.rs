//! Pure helpers that every other crate of Taipan may use: number text, hashing, Unicode data,
//! the text model behind `str`, codecs, format mini-languages, the Mersenne Twister.
//!
//! Architecture invariant: this crate knows no Python object, raises no exception and holds no
//! state. Errors are plain enums that carry the pieces of CPython's message.

#![forbid(unsafe_code)]

pub mod codecs;
pub mod float_text;
pub mod format_spec;
pub mod hash;
pub mod int_text;
pub mod mt19937;
pub mod normalization;
pub mod percent_format;
pub mod text;
pub mod unicode;
pub mod unicode_names;
