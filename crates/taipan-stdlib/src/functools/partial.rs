//! `partial` and its `Placeholder`.

use crate::support::{native_type, qualified_name};
use smallvec::SmallVec;
use std::sync::OnceLock;
use taipan_core::alloc::{new_immortal, new_instance};
use taipan_core::dict_object::{self, Dict};
use taipan_core::lock::Locked;
use taipan_core::method::{get_dict, new_method, set_dict};
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::{self, new_tuple};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    f0, f1, getset, getter,
};
use taipan_types::check;
use taipan_types::text::Builder;

// ---- Placeholder ----

native_type! {
    /// Payload of `Placeholder`.
    PLACEHOLDER_TYPE "functools._PlaceholderType" PlaceholderObject {}
    PlaceholderState {}
}

static PLACEHOLDER_SPEC: TypeSpec = TypeSpec {
    name: "functools._PlaceholderType",
    layout: Some(&PLACEHOLDER_LAYOUT),
    slots: Slots {
        new: Some(placeholder_new),
        repr: Some(placeholder_name),
        ..Slots::NONE
    },
    methods: &PLACEHOLDER_METHODS,
    doc: "The type of the Placeholder singleton.\n\nUsed as a placeholder for partial arguments.",
    ..TypeSpec::DEFAULT
};
static PLACEHOLDER_LAYOUT: Layout = Layout::of::<PlaceholderObject>();
static PLACEHOLDER_METHODS: [MethodDef; 1] = [f0("__reduce__(self, /)", placeholder_name, "")];

/// The one `Placeholder`.
pub(super) fn placeholder() -> Value {
    static PLACEHOLDER: OnceLock<Value> = OnceLock::new();
    PLACEHOLDER
        .get_or_init(|| {
            new_immortal(PlaceholderObject {
                state: Locked::new(PlaceholderState {}),
            })
        })
        .clone()
}

fn is_placeholder(value: &Value) -> bool {
    value.is_exact(&PLACEHOLDER_TYPE)
}

fn placeholder_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    if !args.is_empty() {
        return Err(vm.type_error("PlaceholderType takes no arguments"));
    }
    Ok(placeholder())
}

fn placeholder_name(_vm: &mut Vm, _this: &Value) -> Py {
    Ok(new_str("Placeholder"))
}

// ---- partial ----

native_type! {
    /// Payload of `partial`. The state changes in `__setstate__` only.
    PARTIAL "functools.partial" Partial {}
    PartialState {
        function: Value,
        // A tuple.
        arguments: Value,
        // A dict.
        keywords: Value,
        placeholders: usize,
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "functools.partial",
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        call: Some(call),
        repr: Some(repr),
        descr_get: Some(descr_get),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "partial(func, /, *args, **keywords)\n--\n\nCreate a new function with partial application of the given arguments\nand keywords.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Partial>();
static METHODS: [MethodDef; 3] = [
    f0("__reduce__(self, /)", reduce, ""),
    f1("__setstate__(self, state, /)", setstate, ""),
    check::class_getitem_row(),
];
static GETSET: [GetSetDef; 4] = [
    getter(
        "func",
        |vm, this| Ok(parts(vm, this).0),
        "function object to use in future partial calls",
    ),
    getter(
        "args",
        |vm, this| Ok(parts(vm, this).1),
        "tuple of arguments to future partial calls",
    ),
    getter(
        "keywords",
        |vm, this| Ok(parts(vm, this).2),
        "dictionary of keyword arguments to future partial calls",
    ),
    getset("__dict__", get_dict, set_dict, ""),
];

pub(super) fn define() {
    PLACEHOLDER_TYPE.define(&PLACEHOLDER_SPEC);
    PARTIAL.define(&SPEC);
}

/// Function, arguments, keywords, and how many arguments are placeholders.
fn parts(vm: &mut Vm, this: &Value) -> (Value, Value, Value, usize) {
    let state = this.expect::<Partial>().lock(vm);
    (
        state.function.clone(),
        state.arguments.clone(),
        state.keywords.clone(),
        state.placeholders,
    )
}

/// A partial that a new one can take over: called as partials are, without attributes of its own.
fn as_plain_partial<'a>(vm: &mut Vm, function: &'a Value) -> Py<Option<&'a Obj<Partial>>> {
    let Some(partial) = function.cast::<Partial>() else {
        return Ok(None);
    };
    let called = function.type_of().slots().call.map(|call| call as usize);
    if called != Some(call as fn(&mut Vm, &Value, Args<'_>) -> Py as usize) {
        return Ok(None);
    }
    let attributes = get_dict(vm, function)?;
    let empty = dict_object::dict_of(&attributes).is_none_or(|dict| dict.is_empty());
    Ok(empty.then_some(partial))
}

/// The arguments of an inner partial with its placeholders filled from `new`, and the rest of `new` behind them.
fn merge(inner: &[Value], new: &[Value]) -> Vec<Value> {
    let mut rest = new.iter();
    let mut row: Vec<Value> = inner
        .iter()
        .map(|value| {
            if is_placeholder(value) {
                rest.next().unwrap_or(value).clone()
            } else {
                value.clone()
            }
        })
        .collect();
    row.extend(rest.cloned());
    row
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let Some(function) = args.pos().first() else {
        return Err(vm.type_error("type 'partial' takes at least one argument"));
    };
    if !vm.is_callable(function) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let given = &args.pos()[1..];
    if given.last().is_some_and(is_placeholder) {
        return Err(vm.type_error("trailing Placeholders are not allowed"));
    }
    if args.keywords().any(|(_, value)| is_placeholder(value)) {
        return Err(vm.type_error("Placeholder cannot be passed as a keyword argument"));
    }
    let (function, arguments, keywords) = match as_plain_partial(vm, function)? {
        Some(_) => {
            let (inner, own, keywords, _) = parts(vm, function);
            let row = merge(tuple_object::items(&own).unwrap_or(&[]), given);
            let keywords = match dict_object::dict_of(&keywords) {
                Some(dict) => dict.copy(vm),
                None => dict_object::new_dict(),
            };
            (inner, row, keywords)
        }
        None => (function.clone(), given.to_vec(), dict_object::new_dict()),
    };
    for (name, value) in args.keywords() {
        keywords.expect::<Dict>().insert(vm, name, value.clone())?;
    }
    let placeholders = arguments
        .iter()
        .filter(|value| is_placeholder(value))
        .count();
    let partial = Partial {
        state: Locked::new(PartialState {
            function,
            arguments: new_tuple(arguments),
            keywords,
            placeholders,
        }),
    };
    Ok(new_instance(cls, partial))
}

type Row = SmallVec<[Value; 8]>;

fn call(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let (function, arguments, keywords, placeholders) = parts(vm, this);
    let own = tuple_object::items(&arguments).unwrap_or(&[]);
    let given = args.pos();
    if given.len() < placeholders {
        let message = format!(
            "missing positional arguments in 'partial' call; expected at least {placeholders}, got {}",
            given.len()
        );
        return Err(vm.type_error(message));
    }
    let mut row = Row::with_capacity(own.len() + args.all().len());
    let mut rest = given.iter();
    for value in own {
        let filled = if placeholders > 0 && is_placeholder(value) {
            rest.next().unwrap_or(value)
        } else {
            value
        };
        row.push(filled.clone());
    }
    row.extend(rest.cloned());
    let keywords = dict_object::dict_of(&keywords).map_or_else(Vec::new, |dict| dict.items());
    if keywords.is_empty() {
        row.extend(args.all()[given.len()..].iter().cloned());
        return vm.call_args(&function, Args::new(&row, args.names()));
    }
    let mut names = Row::new();
    let mut values = Row::new();
    for (name, value) in keywords {
        if !taipan_core::str_object::is_str(&name) {
            return Err(vm.type_error("keywords must be strings"));
        }
        names.push(name);
        values.push(value);
    }
    let own_names = names.len();
    for (name, value) in args.keywords() {
        let known = names[..own_names]
            .iter()
            .position(|own| own.is(name) || taipan_core::str_object::str_eq(own, name));
        match known {
            Some(at) => values[at] = value.clone(),
            None => {
                names.push(name.clone());
                values.push(value.clone());
            }
        }
    }
    row.extend(values);
    vm.call_args(&function, Args::new(&row, &names))
}

fn descr_get(_vm: &mut Vm, this: &Value, object: Option<&Value>, _ty: &TypeObject) -> Py {
    Ok(match object {
        Some(object) if !object.is_none() => new_method(this.clone(), object.clone()),
        _ => this.clone(),
    })
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let name = qualified_name(vm, this.type_of())?;
    if !vm.repr_enter(this) {
        return Ok(new_str("..."));
    }
    let result = repr_parts(vm, this, &name);
    vm.repr_leave();
    result
}

fn repr_parts(vm: &mut Vm, this: &Value, name: &str) -> Py {
    let (function, arguments, keywords, _) = parts(vm, this);
    let mut out = Builder::new();
    out.push_str(name);
    out.push_str("(");
    out.push_value(&vm.repr(&function)?);
    for value in tuple_object::items(&arguments).unwrap_or(&[]) {
        out.push_str(", ");
        out.push_value(&vm.repr(value)?);
    }
    let keywords = dict_object::dict_of(&keywords).map_or_else(Vec::new, |dict| dict.items());
    for (name, value) in keywords {
        out.push_str(", ");
        out.push_value(&vm.str(&name)?);
        out.push_str("=");
        out.push_value(&vm.repr(&value)?);
    }
    out.push_str(")");
    out.finish(vm)
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let (function, arguments, keywords, _) = parts(vm, this);
    let attributes = get_dict(vm, this)?;
    let attributes = match dict_object::dict_of(&attributes) {
        Some(dict) if !dict.is_empty() => attributes,
        _ => Value::none(),
    };
    let state = new_tuple([function.clone(), arguments, keywords, attributes]);
    Ok(new_tuple([
        this.type_of().to_value(),
        new_tuple([function]),
        state,
    ]))
}

fn setstate(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    const INVALID: &str = "invalid partial state";
    let Some([function, arguments, keywords, attributes]) = tuple_object::items(state) else {
        return Err(vm.type_error(INVALID));
    };
    let keywords_fit = keywords.is_none() || dict_object::dict_of(keywords).is_some();
    if !vm.is_callable(function) || tuple_object::items(arguments).is_none() || !keywords_fit {
        return Err(vm.type_error(INVALID));
    }
    let row = tuple_object::items(arguments).unwrap_or(&[]);
    if row.last().is_some_and(is_placeholder) {
        return Err(vm.type_error("trailing Placeholders are not allowed"));
    }
    let placeholders = row.iter().filter(|value| is_placeholder(value)).count();
    let arguments = if arguments.is_exact(&taipan_core::builtin_types::TUPLE) {
        arguments.clone()
    } else {
        new_tuple(row.iter().cloned())
    };
    let keywords = match dict_object::dict_of(keywords) {
        None => dict_object::new_dict(),
        Some(_) if keywords.is_exact(&taipan_core::builtin_types::DICT) => keywords.clone(),
        Some(dict) => dict.copy(vm),
    };
    let emptied = dict_object::new_dict();
    let attributes = Some(attributes).filter(|dict| !dict.is_none());
    set_dict(vm, this, Some(attributes.unwrap_or(&emptied)))?;
    let new = PartialState {
        function: function.clone(),
        arguments,
        keywords,
        placeholders,
    };
    let old = std::mem::replace(&mut *this.expect::<Partial>().lock(vm), new);
    drop(old);
    Ok(Value::none())
}
