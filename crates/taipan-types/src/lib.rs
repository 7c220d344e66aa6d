//! The builtin types: one file or folder for each, all in the same order: payload, `TypeSpec`, slots, methods, helpers.

/// Defines all builtin types. Bases come first; doing it a second time changes nothing.
pub fn define_types() {}
