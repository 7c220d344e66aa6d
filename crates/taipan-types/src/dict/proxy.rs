//! `mappingproxy`: a read-only view of a mapping.

use crate::check::{self, class_getitem_row};
use crate::text::Builder;
use taipan_core::alloc::new_object;
use taipan_core::builtin_types::{LIST, MAPPING_PROXY, TUPLE};
use taipan_core::dict_object::dict_of;
use taipan_core::{
    Args, BinaryOp, CompareOp, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, f0, name, slice,
};

/// Payload of `mappingproxy`.
pub struct MappingProxy {
    mapping: Value,
}

// SAFETY: the mapping is the only reference.
unsafe impl Payload for MappingProxy {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &MAPPING_PROXY
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.mapping);
    }
}

/// A read-only view of `mapping`.
pub fn new_proxy(_vm: &mut Vm, mapping: &Value) -> Py {
    Ok(new_object(MappingProxy {
        mapping: mapping.clone(),
    }))
}

fn mapping(this: &Value) -> &Value {
    &this.expect::<MappingProxy>().mapping
}

fn new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    let [mapping] = check::bind(vm, "mappingproxy", args, ["mapping"], 1)?;
    let mapping = mapping.unwrap_or_else(Value::none);
    if mapping.type_of().slots().get_item.is_none()
        || mapping.is_instance(&LIST)
        || mapping.is_instance(&TUPLE)
    {
        let message = format!(
            "mappingproxy() argument must be a mapping, not {}",
            mapping.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    new_proxy(vm, &mapping)
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let inner = vm.repr(mapping(this))?;
    let mut text = Builder::new();
    text.push_str("mappingproxy(");
    text.push_value(&inner);
    text.push_str(")");
    text.finish(vm)
}

fn str(vm: &mut Vm, this: &Value) -> Py {
    vm.str(mapping(this))
}

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    vm.hash(mapping(this))
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let other = b.cast::<MappingProxy>().map_or(b, |proxy| &proxy.mapping);
    vm.compare(mapping(a), other, op)
}

fn iter(vm: &mut Vm, this: &Value) -> Py {
    vm.iter(mapping(this))
}

fn len(vm: &mut Vm, this: &Value) -> Py<usize> {
    vm.length(mapping(this))
}

fn contains(vm: &mut Vm, this: &Value, key: &Value) -> Py<bool> {
    match dict_of(mapping(this)) {
        Some(dict) if mapping(this).is_exact(&taipan_core::builtin_types::DICT) => {
            dict.contains(vm, key)
        }
        _ => vm.contains(mapping(this), key),
    }
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    vm.get_item(mapping(this), key)
}

fn or(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let plain = |value: &Value| {
        value
            .cast::<MappingProxy>()
            .map_or_else(|| value.clone(), |p| p.mapping.clone())
    };
    vm.binary(BinaryOp::Or, &plain(a), &plain(b))
}

fn inplace_or(vm: &mut Vm, this: &Value, _other: &Value) -> Py {
    let message = format!(
        "'|=' is not supported by {}; use '|' instead",
        this.type_of().name()
    );
    Err(vm.type_error(message))
}

fn get(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let Some(key) = args.first() else {
        return Err(vm.type_error("get expected at least 1 argument, got 0"));
    };
    let default = args.get(1).cloned().unwrap_or_else(Value::none);
    vm.call_method(mapping(this), name!("get"), &[key.clone(), default])
}

fn reversed(vm: &mut Vm, this: &Value) -> Py {
    match vm.call_special(mapping(this), name!("__reversed__"), &[])? {
        Some(iterator) => Ok(iterator),
        None => {
            let message = format!(
                "'{}' object is not reversible",
                mapping(this).type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

static METHODS: [MethodDef; 7] = [
    slice(
        "get(self, key, default=None, /)",
        get,
        "Return the value for key if key is in the mapping, else default.",
    ),
    f0(
        "keys(self, /)",
        |vm, this| vm.call_method(mapping(this), name!("keys"), &[]),
        "D.keys() -> a set-like object providing a view on D's keys",
    ),
    f0(
        "values(self, /)",
        |vm, this| vm.call_method(mapping(this), name!("values"), &[]),
        "D.values() -> an object providing a view on D's values",
    ),
    f0(
        "items(self, /)",
        |vm, this| vm.call_method(mapping(this), name!("items"), &[]),
        "D.items() -> a set-like object providing a view on D's items",
    ),
    f0(
        "copy(self, /)",
        |vm, this| vm.call_method(mapping(this), name!("copy"), &[]),
        "D.copy() -> a shallow copy of D",
    ),
    f0(
        "__reversed__(self, /)",
        reversed,
        "D.__reversed__() -> reverse iterator",
    ),
    class_getitem_row(),
];

static LAYOUT: Layout = Layout::of::<MappingProxy>();
static SPEC: TypeSpec = TypeSpec {
    name: "mappingproxy",
    flags: TypeFlags::MAPPING,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(str),
        hash: Some(hash),
        compare: Some(compare),
        iter: Some(iter),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, or)
    .with_inplace(BinaryOp::Or, inplace_or),
    methods: &METHODS,
    doc: "mappingproxy(mapping)\n--\n\nRead-only proxy of a mapping.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    MAPPING_PROXY.define(&SPEC);
}
