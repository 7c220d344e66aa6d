//! The builtin types: one file or folder for each, all in the same order: payload, `TypeSpec`, slots, methods, helpers.

pub mod arguments;
pub mod bool;
pub mod buffer;
pub mod bytes;
pub mod check;
pub mod codec;
pub mod complex;
pub mod dict;
pub mod exceptions;
pub mod float;
mod format;
pub mod generic_alias;
pub mod int;
pub mod iterators;
pub mod list;
pub mod memory_format;
pub mod memoryview;
mod number;
pub mod property;
pub mod python_buffer;
pub mod range;
pub mod set;
pub mod simple_namespace;
pub mod singleton_types;
pub mod slice;
pub mod str;
pub mod template;
pub mod text;
pub mod tuple;
pub mod union_type;

/// Defines all builtin types. Bases come first; doing it a second time changes nothing.
pub fn define_types() {
    taipan_core::object_methods::define();
    taipan_core::type_methods::define();
    taipan_core::descriptor::define();
    taipan_core::method::define();
    taipan_core::super_object::define();
    taipan_core::weakref::define();
    exceptions::define_all();
    property::define_all();
    simple_namespace::define_all();
    generic_alias::define_all();
    union_type::define_all();
    int::define();
    bool::define();
    float::define();
    complex::define();
    singleton_types::define();
    slice::define_all();
    tuple::define_all();
    list::define_all();
    dict::define_all();
    set::define_all();
    range::define_all();
    iterators::define_all();
    str::define();
    bytes::define();
    memoryview::define();
    python_buffer::define();
    template::define();
}
