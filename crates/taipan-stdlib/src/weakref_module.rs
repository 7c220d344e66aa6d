//! `_weakref`: weak references and proxies, whose types are in `taipan_core::weakref`.

use crate::ModuleDef;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of};
use taipan_core::weakref::{self, WeakRef};
use taipan_core::{MethodDef, Py, Value, Vm, f1, f2, name, slice};
use taipan_types::list::new_list;

/// The module `_weakref`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_weakref",
    doc: "Weak-reference support module.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 4] = [
    f1(
        "getweakrefcount(module, object, /)",
        |_vm, _module, object| Ok(Value::int(weakref::count(object) as i64)),
        "Return the number of weak references to 'object'.",
    ),
    f1(
        "getweakrefs(module, object, /)",
        |_vm, _module, object| Ok(new_list(weakref::references(object))),
        "Return a list of all weak references that point to 'object'.",
    ),
    slice(
        "proxy(module, *args)",
        |vm, _module, args| weakref::proxy_function(vm, args),
        "proxy(object, callback=None, /)\n\nMake an object that forwards to 'object' without keeping it alive.\n\n\
         'callback' is called with the proxy when 'object' is about to go.",
    ),
    f2(
        "_remove_dead_weakref(module, dct, key, /)",
        remove_dead_weakref,
        "Remove a key from a dict if its value is a weak reference to something dead.",
    ),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    let module = dict.expect::<Dict>();
    module.set_name(name!("ref"), types::WEAKREF_TYPE.to_value());
    module.set_name(name!("ReferenceType"), types::WEAKREF_TYPE.to_value());
    module.set_name(name!("ProxyType"), types::WEAK_PROXY_TYPE.to_value());
    module.set_name(
        name!("CallableProxyType"),
        types::WEAK_CALLABLE_PROXY_TYPE.to_value(),
    );
    Ok(())
}

fn remove_dead_weakref(vm: &mut Vm, _module: &Value, dict: &Value, key: &Value) -> Py {
    let Some(dict) = dict_of(dict) else {
        let message = format!(
            "_remove_dead_weakref() argument 1 must be dict, not {}",
            dict.type_of().full_name()
        );
        return Err(vm.type_error(message));
    };
    let Some(value) = dict.get(vm, key)? else {
        return Ok(Value::none());
    };
    let Some(reference) = value.cast::<WeakRef>() else {
        return Err(vm.type_error("not a weakref"));
    };
    if reference.is_dead() {
        dict.remove(vm, key)?;
    }
    Ok(Value::none())
}
