//! The stack machine: code objects, frames, the dispatch loop, calls, generators, tracebacks.
//!
//! See `docs/internals/interpreter.md`.

pub mod call;
pub mod code_object;
pub mod dispatch;
pub mod frame;
pub mod frame_object;
pub mod function;
pub mod generator;
pub mod generator_type;
pub mod module;
pub mod ops;
pub mod quick;
pub mod suggest;
pub mod traceback;
mod unwind;
