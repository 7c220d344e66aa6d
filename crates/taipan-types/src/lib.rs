//! The builtin types: one file or folder for each, all in the same order: payload, `TypeSpec`, slots, methods, helpers.

pub mod arguments;
pub mod bool;
pub mod buffer;
pub mod bytes;
pub mod check;
pub mod codec;
pub mod complex;
pub mod dict;
pub mod float;
mod format;
pub mod int;
pub mod iterators;
pub mod list;
mod number;
pub mod range;
pub mod set;
pub mod slice;
pub mod str;
pub mod text;
pub mod tuple;

/// Defines all builtin types. Bases come first; doing it a second time changes nothing.
pub fn define_types() {
    int::define();
    bool::define();
    float::define();
    complex::define();
    slice::define_all();
    tuple::define_all();
    list::define_all();
    dict::define_all();
    set::define_all();
    range::define_all();
    iterators::define_all();
    str::define();
    bytes::define();
}
pub mod stubs;
pub use stubs::{complex, dict, exceptions, set, template};
