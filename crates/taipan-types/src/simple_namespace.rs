//! `types.SimpleNamespace`.

use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of};
use taipan_core::instance::{self, Stored};
use taipan_core::payload::Empty;
use taipan_core::str_object::{self, is_str, new_str};
use taipan_core::tuple_object::{empty_tuple, new_tuple};
use taipan_core::{
    Args, CompareOp, GetSetDef, MethodDef, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    f0, getter, raw,
};

fn namespace_new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(taipan_core::alloc::new_instance(cls, Empty))
}

/// Sets an attribute past `__setattr__`.
fn store(vm: &mut Vm, this: &Value, key: &Value, value: Value) -> Py<()> {
    let name = vm.attribute_name(key)?;
    match instance::set(this, &name, value.clone()) {
        Stored::Done(old) => drop(old),
        Stored::InDict(dict) => {
            dict.expect::<Dict>().insert(vm, &name, value)?;
        }
        Stored::NoDict => {}
    }
    Ok(())
}

fn namespace_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    match args.pos() {
        [] => {}
        [source] => {
            let dict = vm.call(&types::DICT.to_value(), std::slice::from_ref(source))?;
            let items = dict.expect::<Dict>().items();
            if !items.iter().all(|(key, _)| is_str(key)) {
                return Err(vm.type_error("keywords must be strings"));
            }
            for (key, value) in items {
                store(vm, this, &key, value)?;
            }
        }
        more => {
            let message = format!(
                "SimpleNamespace expected at most 1 argument, got {}",
                more.len()
            );
            return Err(vm.type_error(message));
        }
    }
    for (key, value) in args.keywords() {
        store(vm, this, key, value.clone())?;
    }
    Ok(())
}

fn namespace_repr(vm: &mut Vm, this: &Value) -> Py {
    let name = if this.is_exact(&types::SIMPLE_NAMESPACE) {
        "namespace"
    } else {
        this.type_of().name()
    };
    if !vm.repr_enter(this) {
        return Ok(new_str(&format!("{name}(...)")));
    }
    let text = attributes_text(vm, this);
    vm.repr_leave();
    Ok(new_str(&format!("{name}({})", text?)))
}

fn attributes_text(vm: &mut Vm, this: &Value) -> Py<String> {
    let mut parts = Vec::new();
    let dict = instance::dict(this);
    for (key, value) in dict_of(&dict).map(|dict| dict.items()).unwrap_or_default() {
        let Some(text) = str_object::str_of(&key) else {
            continue;
        };
        if !text.is_empty() {
            let value = vm.repr_string(&value)?;
            parts.push(format!("{}={value}", text.to_lossy()));
        }
    }
    Ok(parts.join(", "))
}

fn namespace_compare(vm: &mut Vm, left: &Value, right: &Value, op: CompareOp) -> Py {
    if !left.is_instance(&types::SIMPLE_NAMESPACE) || !right.is_instance(&types::SIMPLE_NAMESPACE) {
        return Ok(Value::not_implemented());
    }
    vm.compare(&instance::dict(left), &instance::dict(right), op)
}

fn namespace_reduce(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new_tuple([
        this.type_of().to_value(),
        empty_tuple(),
        instance::dict(this),
    ]))
}

fn namespace_replace(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    if !args.pos().is_empty() {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    let made = vm.call(&this.type_of().to_value(), &[])?;
    if !made.is_instance(&types::SIMPLE_NAMESPACE) {
        let message = format!(
            "expect types.SimpleNamespace type, but {}() returned '{}' object",
            taipan_core::type_methods::fully_qualified_name(this.type_of()),
            made.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let dict = instance::dict(this);
    for (key, value) in dict_of(&dict).map(|dict| dict.items()).unwrap_or_default() {
        if is_str(&key) {
            store(vm, &made, &key, value)?;
        }
    }
    for (key, value) in args.keywords() {
        store(vm, &made, key, value.clone())?;
    }
    Ok(made)
}

static METHODS: [MethodDef; 2] = [
    f0(
        "__reduce__(self, /)",
        namespace_reduce,
        "Return state information for pickling",
    ),
    raw(
        "__replace__(self, /, **changes)",
        namespace_replace,
        "Return a copy of the namespace object with new values for the specified attributes.",
    ),
];

static GETSET: [GetSetDef; 1] = [getter("__dict__", |_, this| Ok(instance::dict(this)), "")];

static SPEC: TypeSpec = TypeSpec {
    name: "types.SimpleNamespace",
    flags: TypeFlags::BASE.union(TypeFlags::DICT),
    slots: Slots {
        new: Some(namespace_new),
        init: Some(namespace_init),
        repr: Some(namespace_repr),
        compare: Some(namespace_compare),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "SimpleNamespace(mapping_or_iterable=(), /, **kwargs)\n--\n\nA simple attribute-based namespace.",
    ..TypeSpec::DEFAULT
};

/// Defines `types.SimpleNamespace`.
pub fn define_all() {
    types::SIMPLE_NAMESPACE.define(&SPEC);
}
