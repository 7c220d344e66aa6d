//! The types of `None`, `...` and `NotImplemented`.

use taipan_core::builtin_types::{ELLIPSIS_TYPE, NONE_TYPE, NOT_IMPLEMENTED_TYPE};
use taipan_core::singletons::{self, EllipsisObject, NoneObject, NotImplementedObject};
use taipan_core::{
    Args, CompareOp, Layout, MethodDef, Py, Slots, TypeObject, TypeSpec, Value, Vm, f0, str_object,
};

static NONE_LAYOUT: Layout = Layout::of::<NoneObject>();
static ELLIPSIS_LAYOUT: Layout = Layout::of::<EllipsisObject>();
static NOT_IMPLEMENTED_LAYOUT: Layout = Layout::of::<NotImplementedObject>();

static NONE_SPEC: TypeSpec = TypeSpec {
    name: "NoneType",
    layout: Some(&NONE_LAYOUT),
    slots: Slots {
        new: Some(none_new),
        repr: Some(|_, _| Ok(str_object::name("None"))),
        bool: Some(|_, _| Ok(false)),
        hash: Some(|_, _| Ok(0xfca8_6420)),
        compare: Some(none_compare),
        ..Slots::NONE
    },
    doc: "NoneType()\n--\n\nThe type of the None singleton.",
    ..TypeSpec::DEFAULT
};

static ELLIPSIS_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    |_, _| Ok(str_object::name("Ellipsis")),
    "Helper for pickle.",
)];

static ELLIPSIS_SPEC: TypeSpec = TypeSpec {
    name: "ellipsis",
    layout: Some(&ELLIPSIS_LAYOUT),
    slots: Slots {
        new: Some(ellipsis_new),
        repr: Some(|_, _| Ok(str_object::name("Ellipsis"))),
        ..Slots::NONE
    },
    methods: &ELLIPSIS_METHODS,
    doc: "EllipsisType()\n--\n\nThe type of the Ellipsis singleton.",
    ..TypeSpec::DEFAULT
};

static NOT_IMPLEMENTED_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    |_, _| Ok(str_object::name("NotImplemented")),
    "Helper for pickle.",
)];

static NOT_IMPLEMENTED_SPEC: TypeSpec = TypeSpec {
    name: "NotImplementedType",
    layout: Some(&NOT_IMPLEMENTED_LAYOUT),
    slots: Slots {
        new: Some(not_implemented_new),
        repr: Some(|_, _| Ok(str_object::name("NotImplemented"))),
        bool: Some(not_implemented_bool),
        ..Slots::NONE
    },
    methods: &NOT_IMPLEMENTED_METHODS,
    doc: "NotImplementedType()\n--\n\nThe type of the NotImplemented singleton.",
    ..TypeSpec::DEFAULT
};

fn no_arguments(vm: &mut Vm, cls: &TypeObject, args: Args<'_>, singleton: Value) -> Py {
    if args.is_empty() {
        return Ok(singleton);
    }
    let message = format!("{} takes no arguments", cls.name());
    Err(vm.type_error(message))
}

fn none_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    no_arguments(vm, cls, args, Value::none())
}

fn ellipsis_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    no_arguments(vm, cls, args, Value::ellipsis())
}

fn not_implemented_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    no_arguments(vm, cls, args, Value::not_implemented())
}

fn none_compare(_vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    match op {
        CompareOp::Eq if a.is(b) => Ok(Value::bool(true)),
        CompareOp::Ne if a.is(b) => Ok(Value::bool(false)),
        _ => Ok(Value::not_implemented()),
    }
}

fn not_implemented_bool(vm: &mut Vm, _value: &Value) -> Py<bool> {
    Err(vm.type_error("NotImplemented should not be used in a boolean context"))
}

/// Defines the three types and gives the singletons their shapes.
pub fn define() {
    NONE_TYPE.define(&NONE_SPEC);
    ELLIPSIS_TYPE.define(&ELLIPSIS_SPEC);
    NOT_IMPLEMENTED_TYPE.define(&NOT_IMPLEMENTED_SPEC);
    singletons::define();
}
