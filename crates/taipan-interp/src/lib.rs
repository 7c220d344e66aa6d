//! The stack machine: code objects, frames, the dispatch loop, calls, generators, tracebacks.
//!
//! See `docs/internals/interpreter.md`.

pub mod async_generator_type;
pub mod call;
pub mod code_object;
pub mod code_type;
pub mod dispatch;
mod enter;
mod fast;
pub mod frame;
pub mod frame_locals;
pub mod frame_object;
pub mod frame_type;
pub mod function;
pub mod function_type;
pub mod generator;
pub mod generator_type;
pub mod module;
pub mod module_type;
pub mod monitor;
pub mod ops;
pub mod quick;
pub mod scope;
pub mod shareable;
pub mod stack_dump;
pub mod suggest;
pub mod super_arguments;
pub mod traceback;
mod unwind;

/// Defines the types of the machine itself. The builtin types come first; doing it a second time changes nothing.
pub fn define_types() {
    function_type::define();
    code_type::define();
    frame_type::define();
    generator_type::define();
    module_type::define();
    // Setting it a second time changes nothing.
    let _ = taipan_core::super_object::IMPLICIT_ARGUMENTS.set(super_arguments::super_arguments);
}
