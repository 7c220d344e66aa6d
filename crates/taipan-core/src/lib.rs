//! Taipan's object model: values, headers, counts, types, shapes, the collector, and the protocols that work on any object.
//!
//! No builtin type's behaviour is here (that is `taipan-types`) and no bytecode is run here (`taipan-interp`). See
//! `docs/internals/values.md` and `docs/internals/objects.md`.

pub mod alloc;
pub mod args;
pub mod bind;
pub mod buffer;
pub mod build_class;
pub mod builtin_types;
pub mod class;
pub mod descriptor;
mod destroy;
pub mod dict_object;
pub mod exception;
pub mod gc;
pub mod header;
pub mod instance;
pub mod latch;
pub mod lock;
pub mod method;
pub mod names;
pub mod native;
pub mod native_function;
pub mod number;
pub mod object_methods;
pub mod payload;
pub mod protocol;
pub mod raise;
pub mod refcount;
pub mod retire;
pub mod shape;
pub mod shared_counts;
pub mod singletons;
pub mod slot_generic;
pub mod slot_table;
pub mod slots;
pub mod str_object;
pub mod super_object;
pub mod tuple_object;
mod turn;
pub mod type_methods;
pub mod type_object;
pub mod value;
pub mod vm;
pub mod weakref;
pub mod world;

pub use args::Args;
pub use bind::Bound;
pub use header::Obj;
pub use native::{GetSetDef, MethodDef, bound, f0, f1, f2, getset, getter, raw, slice};
pub use payload::{Layout, Payload, Tracer};
pub use protocol::attribute::{generic_get_attr, generic_set_attr};
pub use raise::{Py, Raised};
pub use slots::{BinaryOp, CompareOp, Slots};
pub use type_object::{Type, TypeFlags, TypeObject, TypeSpec};
pub use value::Value;
pub use vm::{Handling, Hooks, Interpreter, Thread, Vm};
