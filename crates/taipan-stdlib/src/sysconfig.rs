//! `_sysconfig`: what `sysconfig` asks the interpreter itself about how it was built.

use crate::ModuleDef;
use crate::support::add;
use taipan_core::dict_object::new_dict;
use taipan_core::{MethodDef, Py, Value, Vm, f0};

static FUNCTIONS: [MethodDef; 1] = [f0(
    "config_vars($module, /)",
    config_vars,
    "Returns a dictionary containing build variables intended to be exposed by sysconfig.",
)];

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_sysconfig",
    doc: "A helper for the sysconfig module.",
    functions: &FUNCTIONS,
    init: |_vm, _dict| Ok(()),
};

fn config_vars(_vm: &mut Vm, _module: &Value) -> Py {
    let vars = new_dict();
    // There is no global lock.
    add(&vars, "Py_GIL_DISABLED", Value::from_i32(1));
    Ok(vars)
}
