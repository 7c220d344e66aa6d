//! `TypeVar`, `ParamSpec` and `TypeVarTuple`.

use super::generic::no_default;
use super::{
    call_typing, calling_module, evaluator, flag, name_argument, no_base, param_spec_args,
    set_module, take_apart, union_or, unpacked,
};
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::{new_str, str_of};
use taipan_core::tuple_object::{empty_tuple, items, new_tuple};
use taipan_core::{
    Args, BinaryOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, Type, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, alloc, f0, f1, f2, getter, name,
};

const VAR: u8 = 0;
const SPEC: u8 = 1;
const TUPLE: u8 = 2;

/// The type `typing.TypeVar`.
pub static TYPE_VAR: TypeObject = Type::declare("typing.TypeVar");
/// The type `typing.ParamSpec`.
pub static PARAM_SPEC: TypeObject = Type::declare("typing.ParamSpec");
/// The type `typing.TypeVarTuple`.
pub static TYPE_VAR_TUPLE: TypeObject = Type::declare("typing.TypeVarTuple");

/// A value that may be worked out later.
#[derive(Default)]
struct Lazy {
    value: Option<Value>,
    evaluate: Option<Value>,
}

impl Lazy {
    fn known(value: Option<Value>) -> Lazy {
        Lazy {
            value,
            evaluate: None,
        }
    }

    fn later(evaluate: &Value) -> Lazy {
        Lazy {
            value: None,
            evaluate: Some(evaluate.clone()).filter(|evaluate| !evaluate.is_none()),
        }
    }
}

/// What is evaluated late.
#[derive(Default)]
struct ParamState {
    bound: Lazy,
    constraints: Lazy,
    default: Lazy,
}

#[derive(Clone, Copy)]
enum Part {
    Bound,
    Constraints,
    Default,
}

impl ParamState {
    fn part(&mut self, part: Part) -> &mut Lazy {
        match part {
            Part::Bound => &mut self.bound,
            Part::Constraints => &mut self.constraints,
            Part::Default => &mut self.default,
        }
    }
}

/// Variance as declared.
#[derive(Clone, Copy, Default)]
struct Variance {
    covariant: bool,
    contravariant: bool,
    infer: bool,
}

/// Payload of the three kinds of type parameters.
struct Param<const KIND: u8> {
    name: Value,
    variance: Variance,
    state: Locked<ParamState>,
}

impl<const KIND: u8> HasState for Param<KIND> {
    type State = ParamState;
    fn cell(&self) -> &Locked<ParamState> {
        &self.state
    }
}

// SAFETY: all references are reported.
unsafe impl<const KIND: u8> Payload for Param<KIND> {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        match KIND {
            VAR => &TYPE_VAR,
            SPEC => &PARAM_SPEC,
            _ => &TYPE_VAR_TUPLE,
        }
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.name);
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        for lazy in [&state.bound, &state.constraints, &state.default] {
            tracer.visit_option(&lazy.value);
            tracer.visit_option(&lazy.evaluate);
        }
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        let state = unsafe { self.state.get_unlocked() };
        for lazy in [&mut state.bound, &mut state.constraints, &mut state.default] {
            out.extend(lazy.value.take());
            out.extend(lazy.evaluate.take());
        }
    }
}

fn create<const KIND: u8>(
    cls: &TypeObject,
    name: Value,
    variance: Variance,
    state: ParamState,
) -> Value {
    alloc::new_instance(
        cls,
        Param::<KIND> {
            name,
            variance,
            state: Locked::new(state),
        },
    )
}

// ---- what the syntax makes ----

const INFERRED: Variance = Variance {
    covariant: false,
    contravariant: false,
    infer: true,
};

pub(super) fn make_typevar(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let [name, bound, constraints] = args else {
        return Err(vm.system_error("a type variable needs three parts"));
    };
    let state = ParamState {
        bound: Lazy::later(bound),
        constraints: Lazy::later(constraints),
        default: Lazy::default(),
    };
    Ok(create::<VAR>(&TYPE_VAR, name.clone(), INFERRED, state))
}

pub(super) fn make_paramspec(_vm: &mut Vm, _module: &Value, name: &Value) -> Py {
    let state = ParamState::default();
    Ok(create::<SPEC>(&PARAM_SPEC, name.clone(), INFERRED, state))
}

pub(super) fn make_typevartuple(_vm: &mut Vm, _module: &Value, name: &Value) -> Py {
    let state = ParamState::default();
    let none = Variance::default();
    Ok(create::<TUPLE>(&TYPE_VAR_TUPLE, name.clone(), none, state))
}

/// Gives a type parameter the function of its default.
pub(super) fn set_default(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let [param, evaluate] = args else {
        return Err(vm.system_error("a default needs a type parameter"));
    };
    let old = with_state(vm, param, |state| {
        std::mem::replace(&mut state.default, Lazy::later(evaluate))
    });
    drop(old);
    Ok(param.clone())
}

// ---- access, whatever the kind ----

fn with_state<R>(vm: &mut Vm, this: &Value, work: impl FnOnce(&mut ParamState) -> R) -> R {
    if let Some(param) = this.cast::<Param<VAR>>() {
        work(&mut param.lock(vm))
    } else if let Some(param) = this.cast::<Param<SPEC>>() {
        work(&mut param.lock(vm))
    } else {
        work(&mut this.expect::<Param<TUPLE>>().lock(vm))
    }
}

fn fixed(this: &Value) -> (&Value, Variance) {
    if let Some(param) = this.cast::<Param<VAR>>() {
        (&param.name, param.variance)
    } else if let Some(param) = this.cast::<Param<SPEC>>() {
        (&param.name, param.variance)
    } else {
        let param = this.expect::<Param<TUPLE>>();
        (&param.name, param.variance)
    }
}

/// Is it one of the three kinds?
pub(super) fn is_param(value: &Value) -> bool {
    value.is_exact(&TYPE_VAR) || value.is_exact(&PARAM_SPEC) || value.is_exact(&TYPE_VAR_TUPLE)
}

/// A lazy part's value, worked out now if need be; `None` if there is none at all.
fn force(vm: &mut Vm, this: &Value, part: Part) -> Py<Option<Value>> {
    let (value, evaluate) = with_state(vm, this, |state| {
        let lazy = state.part(part);
        (lazy.value.clone(), lazy.evaluate.clone())
    });
    let (None, Some(evaluate)) = (&value, evaluate) else {
        return Ok(value);
    };
    let value = vm.call(&evaluate, &[Value::from_i32(1)])?;
    let old = with_state(vm, this, |state| {
        state.part(part).value.replace(value.clone())
    });
    drop(old);
    Ok(Some(value))
}

/// The function that works a lazy part out.
fn evaluate_function(vm: &mut Vm, this: &Value, part: Part) -> Py {
    let (value, evaluate) = with_state(vm, this, |state| {
        let lazy = state.part(part);
        (lazy.value.clone(), lazy.evaluate.clone())
    });
    Ok(match (evaluate, value) {
        (Some(evaluate), _) => evaluate,
        (None, Some(value)) => evaluator::create(value),
        (None, None) => Value::none(),
    })
}

fn get_name(_vm: &mut Vm, this: &Value) -> Py {
    Ok(fixed(this).0.clone())
}

/// The name of a type parameter, for messages.
pub(super) fn name_of(this: &Value) -> Value {
    fixed(this).0.clone()
}

fn get_bound(vm: &mut Vm, this: &Value) -> Py {
    Ok(force(vm, this, Part::Bound)?.unwrap_or_else(Value::none))
}

fn get_constraints(vm: &mut Vm, this: &Value) -> Py {
    Ok(force(vm, this, Part::Constraints)?.unwrap_or_else(empty_tuple))
}

fn get_default(vm: &mut Vm, this: &Value) -> Py {
    Ok(force(vm, this, Part::Default)?.unwrap_or_else(no_default))
}

fn evaluate_bound(vm: &mut Vm, this: &Value) -> Py {
    evaluate_function(vm, this, Part::Bound)
}

fn evaluate_constraints(vm: &mut Vm, this: &Value) -> Py {
    evaluate_function(vm, this, Part::Constraints)
}

fn evaluate_default(vm: &mut Vm, this: &Value) -> Py {
    evaluate_function(vm, this, Part::Default)
}

/// Has the parameter a default?
pub(super) fn has_default_value(vm: &mut Vm, this: &Value) -> bool {
    with_state(vm, this, |state| {
        state.default.value.is_some() || state.default.evaluate.is_some()
    })
}

fn has_default(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(has_default_value(vm, this)))
}

fn get_covariant(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(fixed(this).1.covariant))
}

fn get_contravariant(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(fixed(this).1.contravariant))
}

fn get_infer(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(fixed(this).1.infer))
}

fn repr(_vm: &mut Vm, this: &Value) -> Py {
    let (name, variance) = fixed(this);
    let sign = match variance {
        _ if this.is_exact(&TYPE_VAR_TUPLE) => "",
        Variance { infer: true, .. } => "",
        Variance {
            covariant: true, ..
        } => "+",
        Variance {
            contravariant: true,
            ..
        } => "-",
        _ => "~",
    };
    let name = str_of(name).map(|name| name.to_lossy()).unwrap_or_default();
    Ok(new_str(&format!("{sign}{name}")))
}

// ---- constructors ----

/// A bound that was given as a value.
fn checked_bound(vm: &mut Vm, bound: Option<Value>) -> Py<Lazy> {
    match bound.filter(|bound| !bound.is_none()) {
        Some(bound) => {
            let bound = evaluator::type_check(vm, &bound, "Bound must be a type.")?;
            Ok(Lazy::known(Some(bound)))
        }
        None => Ok(Lazy::default()),
    }
}

fn given_default(default: Option<Value>) -> Lazy {
    Lazy::known(default.filter(|default| !default.is(&no_default())))
}

fn checked_variance(vm: &mut Vm, flags: [Option<&Value>; 3]) -> Py<Variance> {
    let variance = Variance {
        covariant: flag(vm, flags[0])?,
        contravariant: flag(vm, flags[1])?,
        infer: flag(vm, flags[2])?,
    };
    if variance.covariant && variance.contravariant {
        return Err(vm.value_error("Bivariant types are not supported."));
    }
    if variance.infer && (variance.covariant || variance.contravariant) {
        return Err(vm.value_error("Variance cannot be specified with infer_variance."));
    }
    Ok(variance)
}

fn new_typevar(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let names = [
        "name",
        "bound",
        "default",
        "covariant",
        "contravariant",
        "infer_variance",
    ];
    let mut constraints = Vec::new();
    let [name, bound, default, covariant, contravariant, infer] =
        take_apart(vm, "typevar", args, names, 1, Some(&mut constraints))?;
    let name = name_argument(vm, "typevar", name)?;
    let flags = [covariant.as_ref(), contravariant.as_ref(), infer.as_ref()];
    let variance = checked_variance(vm, flags)?;
    let bound = checked_bound(vm, bound)?;
    if constraints.len() == 1 {
        return Err(vm.type_error("A single constraint is not allowed"));
    }
    if !constraints.is_empty() && bound.value.is_some() {
        return Err(vm.type_error("Constraints cannot be combined with bound=..."));
    }
    let constraints = Some(constraints).filter(|row| !row.is_empty());
    let state = ParamState {
        bound,
        constraints: Lazy::known(constraints.map(new_tuple)),
        default: given_default(default),
    };
    let made = create::<VAR>(cls, name, variance, state);
    set_module(&made, calling_module(vm));
    Ok(made)
}

fn new_paramspec(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let names = [
        "name",
        "bound",
        "default",
        "covariant",
        "contravariant",
        "infer_variance",
    ];
    let [name, bound, default, covariant, contravariant, infer] =
        take_apart(vm, "paramspec", args, names, 1, None)?;
    let name = name_argument(vm, "paramspec", name)?;
    let flags = [covariant.as_ref(), contravariant.as_ref(), infer.as_ref()];
    let variance = checked_variance(vm, flags)?;
    let state = ParamState {
        bound: Lazy::known(bound.filter(|bound| !bound.is_none())),
        constraints: Lazy::default(),
        default: given_default(default),
    };
    let made = create::<SPEC>(cls, name, variance, state);
    set_module(&made, calling_module(vm));
    Ok(made)
}

fn new_typevartuple(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let [name, default] = take_apart(vm, "typevartuple", args, ["name", "default"], 1, None)?;
    let name = name_argument(vm, "typevartuple", name)?;
    let state = ParamState {
        default: given_default(default),
        ..ParamState::default()
    };
    let made = create::<TUPLE>(cls, name, Variance::default(), state);
    set_module(&made, calling_module(vm));
    Ok(made)
}

// ---- substitution ----

fn typevar_subst(vm: &mut Vm, this: &Value, argument: &Value) -> Py {
    call_typing(
        vm,
        name!("_typevar_subst"),
        &[this.clone(), argument.clone()],
    )
}

/// Adds the default if the arguments end just before this parameter.
fn typevar_prepare(vm: &mut Vm, this: &Value, alias: &Value, args: &Value) -> Py {
    let parameters = vm.get_attr(alias, name!("__parameters__"))?;
    let parameters = vm.to_vec(&parameters)?;
    let given = vm.length(args)?;
    let index = parameters.iter().position(|own| own.is(this)).unwrap_or(0);
    if index < given {
        return Ok(args.clone());
    }
    if index == given
        && let Some(default) = force(vm, this, Part::Default)?
    {
        let mut row = vm.to_vec(args)?;
        row.push(default);
        return Ok(new_tuple(row));
    }
    let mut least = 0;
    for parameter in &parameters {
        let default = vm.call_method(parameter, name!("has_default"), &[])?;
        least += !vm.truth(&default)? as usize;
    }
    let alias = vm.str_string(alias)?;
    Err(vm.type_error(format!(
        "Too few arguments for {alias}; actual {given}, expected at least {least}"
    )))
}

fn paramspec_subst(vm: &mut Vm, this: &Value, argument: &Value) -> Py {
    call_typing(
        vm,
        name!("_paramspec_subst"),
        &[this.clone(), argument.clone()],
    )
}

fn paramspec_prepare(vm: &mut Vm, this: &Value, alias: &Value, args: &Value) -> Py {
    let row = [this.clone(), alias.clone(), args.clone()];
    call_typing(vm, name!("_paramspec_prepare_subst"), &row)
}

fn tuple_subst(vm: &mut Vm, _this: &Value, _argument: &Value) -> Py {
    Err(vm.type_error("Substitution of bare TypeVarTuple is not supported"))
}

fn tuple_prepare(vm: &mut Vm, this: &Value, alias: &Value, args: &Value) -> Py {
    let row = [this.clone(), alias.clone(), args.clone()];
    call_typing(vm, name!("_typevartuple_prepare_subst"), &row)
}

/// Unpacking a `TypeVarTuple` gives one item: its `Unpack[...]`.
fn tuple_iter(vm: &mut Vm, this: &Value) -> Py {
    let item = unpacked(vm, this)?;
    vm.iter(&new_tuple([item]))
}

fn paramspec_args(_vm: &mut Vm, this: &Value) -> Py {
    Ok(param_spec_args::new_args(this.clone()))
}

fn paramspec_kwargs(_vm: &mut Vm, this: &Value) -> Py {
    Ok(param_spec_args::new_kwargs(this.clone()))
}

/// A row of parameters with each `TypeVarTuple` unpacked.
pub(super) fn unpack_tuples(vm: &mut Vm, params: &Value) -> Py {
    let Some(row) = items(params) else {
        return Ok(params.clone());
    };
    if !row.iter().any(|param| param.is_exact(&TYPE_VAR_TUPLE)) {
        return Ok(params.clone());
    }
    let mut out = Vec::with_capacity(row.len());
    for param in row {
        out.push(if param.is_exact(&TYPE_VAR_TUPLE) {
            unpacked(vm, param)?
        } else {
            param.clone()
        });
    }
    Ok(new_tuple(out))
}

// ---- declarations ----

static VAR_METHODS: [MethodDef; 5] = [
    f1("__typing_subst__(self, arg, /)", typevar_subst, ""),
    f2(
        "__typing_prepare_subst__(self, alias, args, /)",
        typevar_prepare,
        "",
    ),
    f0("__reduce__(self, /)", get_name, ""),
    f0("has_default(self, /)", has_default, ""),
    f1("__mro_entries__(self, object, /)", no_base, ""),
];

static VAR_GETSET: [GetSetDef; 10] = [
    getter("__name__", get_name, ""),
    getter("__covariant__", get_covariant, ""),
    getter("__contravariant__", get_contravariant, ""),
    getter("__infer_variance__", get_infer, ""),
    getter("__bound__", get_bound, ""),
    getter("__constraints__", get_constraints, ""),
    getter("__default__", get_default, ""),
    getter("evaluate_bound", evaluate_bound, ""),
    getter("evaluate_constraints", evaluate_constraints, ""),
    getter("evaluate_default", evaluate_default, ""),
];

static SPEC_METHODS: [MethodDef; 5] = [
    f1("__typing_subst__(self, arg, /)", paramspec_subst, ""),
    f2(
        "__typing_prepare_subst__(self, alias, args, /)",
        paramspec_prepare,
        "",
    ),
    f0("__reduce__(self, /)", get_name, ""),
    f0("has_default(self, /)", has_default, ""),
    f1("__mro_entries__(self, object, /)", no_base, ""),
];

static SPEC_GETSET: [GetSetDef; 9] = [
    getter("__name__", get_name, ""),
    getter("__covariant__", get_covariant, ""),
    getter("__contravariant__", get_contravariant, ""),
    getter("__infer_variance__", get_infer, ""),
    getter("__bound__", get_bound, ""),
    getter("args", paramspec_args, "Represents positional arguments."),
    getter("kwargs", paramspec_kwargs, "Represents keyword arguments."),
    getter("__default__", get_default, ""),
    getter("evaluate_default", evaluate_default, ""),
];

static TUPLE_METHODS: [MethodDef; 5] = [
    f1("__typing_subst__(self, arg, /)", tuple_subst, ""),
    f2(
        "__typing_prepare_subst__(self, alias, args, /)",
        tuple_prepare,
        "",
    ),
    f0("__reduce__(self, /)", get_name, ""),
    f0("has_default(self, /)", has_default, ""),
    f1("__mro_entries__(self, object, /)", no_base, ""),
];

static TUPLE_GETSET: [GetSetDef; 3] = [
    getter("__name__", get_name, ""),
    getter("__default__", get_default, ""),
    getter("evaluate_default", evaluate_default, ""),
];

const FLAGS: TypeFlags = TypeFlags::DICT.union(TypeFlags::WEAKREF);

static VAR_LAYOUT: Layout = Layout::of::<Param<VAR>>();
static VAR_SPEC: TypeSpec = TypeSpec {
    name: "typing.TypeVar",
    flags: FLAGS,
    layout: Some(&VAR_LAYOUT),
    slots: Slots {
        new: Some(new_typevar),
        repr: Some(repr),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, union_or),
    methods: &VAR_METHODS,
    getset: &VAR_GETSET,
    doc: "Type variable.\n\nThe preferred way to construct a type variable is via the dedicated\nsyntax for generic functions, classes, and type aliases.",
    ..TypeSpec::DEFAULT
};

static SPEC_LAYOUT: Layout = Layout::of::<Param<SPEC>>();
static PARAM_SPEC_SPEC: TypeSpec = TypeSpec {
    name: "typing.ParamSpec",
    flags: FLAGS,
    layout: Some(&SPEC_LAYOUT),
    slots: Slots {
        new: Some(new_paramspec),
        repr: Some(repr),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, union_or),
    methods: &SPEC_METHODS,
    getset: &SPEC_GETSET,
    doc: "Parameter specification variable.",
    ..TypeSpec::DEFAULT
};

static TUPLE_LAYOUT: Layout = Layout::of::<Param<TUPLE>>();
static TUPLE_SPEC: TypeSpec = TypeSpec {
    name: "typing.TypeVarTuple",
    flags: FLAGS,
    layout: Some(&TUPLE_LAYOUT),
    slots: Slots {
        new: Some(new_typevartuple),
        repr: Some(repr),
        iter: Some(tuple_iter),
        ..Slots::NONE
    },
    methods: &TUPLE_METHODS,
    getset: &TUPLE_GETSET,
    doc: "Type variable tuple. A specialized form of type variable that enables\nvariadic generics.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    TYPE_VAR.define(&VAR_SPEC);
    PARAM_SPEC.define(&PARAM_SPEC_SPEC);
    TYPE_VAR_TUPLE.define(&TUPLE_SPEC);
}
