//! `Generic`, and the mark for "no default".

use super::{call_typing, param};
use crate::builtins::import::import_module;
use std::sync::OnceLock;
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, Layout, MethodDef, Payload, Py, Slots, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    alloc, f0, name, raw,
};

/// The type `typing.Generic`.
pub static GENERIC: TypeObject = Type::declare("typing.Generic");

/// The class and arguments, for a function of module `typing`.
fn forward(vm: &mut Vm, function: &Value, cls: &Value, args: Args<'_>) -> Py {
    let typing = import_module(vm, "typing")?;
    let function = vm.get_attr(&typing, function)?;
    let mut row = Vec::with_capacity(args.all().len() + 1);
    row.push(cls.clone());
    row.extend_from_slice(args.all());
    vm.call_args(&function, Args::new(&row, args.names()))
}

fn class_getitem(vm: &mut Vm, cls: &Value, args: Args<'_>) -> Py {
    forward(vm, name!("_generic_class_getitem"), cls, args)
}

fn init_subclass(vm: &mut Vm, cls: &Value, args: Args<'_>) -> Py {
    forward(vm, name!("_generic_init_subclass"), cls, args)
}

/// `Generic[params]` as the base of a class with type parameters.
pub(super) fn subscript(vm: &mut Vm, _module: &Value, params: &Value) -> Py {
    let params = param::unpack_tuples(vm, params)?;
    call_typing(vm, name!("_GenericAlias"), &[GENERIC.to_value(), params])
}

static METHODS: [MethodDef; 2] = [
    raw(
        "__class_getitem__(cls, /, *args, **kwargs)",
        class_getitem,
        "Parameterizes a generic class.\n\nAt least, parameterizing a generic class is the *main* thing this\nmethod does.",
    )
    .class_method(),
    raw(
        "__init_subclass__(cls, /, *args, **kwargs)",
        init_subclass,
        "Function to initialize subclasses.",
    )
    .class_method(),
];

static SPEC: TypeSpec = TypeSpec {
    name: "typing.Generic",
    flags: TypeFlags::BASE,
    methods: &METHODS,
    doc: "Abstract base class for generic types.\n\nOn Python 3.12 and newer, generic classes implicitly inherit from\nGeneric when they declare a parameter list after the class's name.",
    ..TypeSpec::DEFAULT
};

// ---- NoDefault ----

static NO_DEFAULT_TYPE: TypeObject = Type::declare("NoDefaultType");

struct NoDefault;

// SAFETY: holds no references.
unsafe impl Payload for NoDefault {
    fn type_object() -> &'static TypeObject {
        &NO_DEFAULT_TYPE
    }
}

/// `typing.NoDefault`
pub(super) fn no_default() -> Value {
    static NO_DEFAULT: OnceLock<Value> = OnceLock::new();
    NO_DEFAULT
        .get_or_init(|| alloc::new_immortal(NoDefault))
        .clone()
}

fn new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    if !args.is_empty() {
        return Err(vm.type_error("NoDefaultType takes no arguments"));
    }
    Ok(no_default())
}

fn repr(_vm: &mut Vm, _this: &Value) -> Py {
    Ok(new_str("typing.NoDefault"))
}

fn reduce(_vm: &mut Vm, _this: &Value) -> Py {
    Ok(new_str("NoDefault"))
}

static NO_DEFAULT_METHODS: [MethodDef; 1] = [f0("__reduce__(self, /)", reduce, "")];

static NO_DEFAULT_LAYOUT: Layout = Layout::of::<NoDefault>();
static NO_DEFAULT_SPEC: TypeSpec = TypeSpec {
    name: "NoDefaultType",
    layout: Some(&NO_DEFAULT_LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        ..Slots::NONE
    },
    methods: &NO_DEFAULT_METHODS,
    doc: "The type of the NoDefault singleton.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    GENERIC.define(&SPEC);
    NO_DEFAULT_TYPE.define(&NO_DEFAULT_SPEC);
}
