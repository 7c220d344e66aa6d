//! `mmap`: files and anonymous memory mapped into the process.
//!
//! `mapping` owns the memory, `object` is the type, `constants` the numbers.

mod constants;
mod mapping;
mod object;

use crate::ModuleDef;
use crate::support::{add, add_type};
use taipan_core::{Py, Value, Vm, builtin_types};

/// The module `mmap`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "mmap",
    doc: "",
    functions: &[],
    init,
};

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    object::define();
    add_type(dict, &object::MMAP);
    add(dict, "error", builtin_types::OS_ERROR.to_value());
    constants::define(dict);
    Ok(())
}
