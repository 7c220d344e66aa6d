//! `P.args` and `P.kwargs` of a `ParamSpec`.

use super::{no_base, take_apart};
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, Type, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, alloc, f1, getter, name,
};

/// The type `typing.ParamSpecArgs`.
pub static ARGS: TypeObject = Type::declare("typing.ParamSpecArgs");
/// The type `typing.ParamSpecKwargs`.
pub static KWARGS: TypeObject = Type::declare("typing.ParamSpecKwargs");

/// Payload of both.
struct Half<const KEYWORDS: bool> {
    origin: Value,
}

// SAFETY: the reference is reported.
unsafe impl<const KEYWORDS: bool> Payload for Half<KEYWORDS> {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        if KEYWORDS { &KWARGS } else { &ARGS }
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.origin);
    }
}

pub(super) fn new_args(origin: Value) -> Value {
    alloc::new_object(Half::<false> { origin })
}

pub(super) fn new_kwargs(origin: Value) -> Value {
    alloc::new_object(Half::<true> { origin })
}

fn new<const KEYWORDS: bool>(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let function = if KEYWORDS {
        "paramspeckwargs"
    } else {
        "paramspecargs"
    };
    let [origin] = take_apart(vm, function, args, ["origin"], 1, None)?;
    let origin = origin.unwrap_or_else(Value::none);
    Ok(alloc::new_instance(cls, Half::<KEYWORDS> { origin }))
}

fn get_origin<const KEYWORDS: bool>(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.expect::<Half<KEYWORDS>>().origin.clone())
}

fn repr<const KEYWORDS: bool>(vm: &mut Vm, this: &Value) -> Py {
    let origin = &this.expect::<Half<KEYWORDS>>().origin;
    let shown = match vm.get_attr_opt(origin, name!("__name__"))? {
        Some(name) => vm.str_string(&name)?,
        None => vm.repr_string(origin)?,
    };
    let part = if KEYWORDS { "kwargs" } else { "args" };
    Ok(new_str(&format!("{shown}.{part}")))
}

fn compare<const KEYWORDS: bool>(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (a.cast::<Half<KEYWORDS>>(), b.cast::<Half<KEYWORDS>>()) else {
        return Ok(Value::not_implemented());
    };
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let (left, right) = (left.origin.clone(), right.origin.clone());
    vm.compare(&left, &right, op)
}

static METHODS: [MethodDef; 1] = [f1("__mro_entries__(self, object, /)", no_base, "")];

static ARGS_GETSET: [GetSetDef; 1] = [getter("__origin__", get_origin::<false>, "")];
static KWARGS_GETSET: [GetSetDef; 1] = [getter("__origin__", get_origin::<true>, "")];

static ARGS_LAYOUT: Layout = Layout::of::<Half<false>>();
static ARGS_SPEC: TypeSpec = TypeSpec {
    name: "typing.ParamSpecArgs",
    flags: TypeFlags::WEAKREF,
    layout: Some(&ARGS_LAYOUT),
    slots: Slots {
        new: Some(new::<false>),
        repr: Some(repr::<false>),
        compare: Some(compare::<false>),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &ARGS_GETSET,
    doc: "The args for a ParamSpec object.",
    ..TypeSpec::DEFAULT
};

static KWARGS_LAYOUT: Layout = Layout::of::<Half<true>>();
static KWARGS_SPEC: TypeSpec = TypeSpec {
    name: "typing.ParamSpecKwargs",
    flags: TypeFlags::WEAKREF,
    layout: Some(&KWARGS_LAYOUT),
    slots: Slots {
        new: Some(new::<true>),
        repr: Some(repr::<true>),
        compare: Some(compare::<true>),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &KWARGS_GETSET,
    doc: "The kwargs for a ParamSpec object.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    ARGS.define(&ARGS_SPEC);
    KWARGS.define(&KWARGS_SPEC);
}
