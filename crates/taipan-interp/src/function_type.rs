//! `types.FunctionType` and `types.CellType`: what Python sees of functions and cells. Bound methods are core's
//! (`taipan_core::method`); calling is in `call`.

use crate::code_object::CodeObject;
use crate::function::{Cell, Function, FunctionState};
use crate::ops::build::{builtins_of, make_function};
use taipan_bytecode::code::CodeFlags;
use taipan_core::dict_object::new_dict;
use taipan_core::str_object::{is_str, new_str, str_of};
use taipan_core::tuple_object::{self, empty_tuple};
use taipan_core::{
    Args, CompareOp, GetSetDef, Layout, MethodDef, Obj, Py, Raised, Slots, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, bind, builtin_types, getset, method, raw,
};

fn function(value: &Value) -> &Obj<Function> {
    value.expect::<Function>()
}

fn lossy(value: &Value) -> String {
    str_of(value)
        .map(|text| text.to_lossy())
        .unwrap_or_default()
}

/// Reads a field of the function's state.
fn read<T>(vm: &mut Vm, value: &Value, get: impl FnOnce(&FunctionState) -> T) -> T {
    get(&function(value).lock(vm))
}

/// Exchanges a field of the function's state; the old value dies when the lock is free again.
fn exchange<T>(vm: &mut Vm, value: &Value, put: impl FnOnce(&mut FunctionState) -> T) {
    let old = function(value).change(vm, put);
    drop(old);
}

fn or_none(value: Option<Value>) -> Value {
    value.unwrap_or_else(Value::none)
}

// ---- attributes ----

fn readonly(vm: &mut Vm, _value: &Value, _new: Option<&Value>) -> Py<()> {
    Err(vm.attribute_error("readonly attribute"))
}

fn get_code(_vm: &mut Vm, value: &Value) -> Py {
    Ok(function(value).code().to_value())
}

fn free_count(code: &Value) -> usize {
    code.expect::<CodeObject>().code.freevars.len()
}

fn set_code(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let Some(code) = new.filter(|new| new.is_exact(&builtin_types::CODE)) else {
        return Err(vm.type_error("__code__ must be set to a code object"));
    };
    let wanted = function(value)
        .closure
        .as_ref()
        .and_then(tuple_object::items)
        .map_or(0, <[Value]>::len);
    let got = free_count(code);
    if got != wanted {
        let name = read(vm, value, |state| state.name.clone());
        let message = format!(
            "{}() requires a code object with {wanted} free vars, not {got}",
            lossy(&name)
        );
        return Err(vm.value_error(message));
    }
    let kinds = CodeFlags::GENERATOR_LIKE;
    let new_kind = code.expect::<CodeObject>().flags() & kinds;
    if function(value).code().flags() & kinds != new_kind {
        vm.warn(
            &builtin_types::DEPRECATION_WARNING,
            "Assigning a code object of non-matching type is deprecated (e.g., from a generator to a plain function)",
            1,
        )?;
    }
    function(value).set_code(vm, code.clone());
    Ok(())
}

fn get_name(vm: &mut Vm, value: &Value) -> Py {
    Ok(read(vm, value, |state| state.name.clone()))
}

fn set_name(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let Some(name) = new.filter(|new| is_str(new)) else {
        return Err(vm.type_error("__name__ must be set to a string object"));
    };
    exchange(vm, value, |state| {
        std::mem::replace(&mut state.name, name.clone())
    });
    Ok(())
}

fn get_qualname(vm: &mut Vm, value: &Value) -> Py {
    Ok(read(vm, value, |state| state.qualname.clone()))
}

fn set_qualname(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let Some(name) = new.filter(|new| is_str(new)) else {
        return Err(vm.type_error("__qualname__ must be set to a string object"));
    };
    exchange(vm, value, |state| {
        std::mem::replace(&mut state.qualname, name.clone())
    });
    Ok(())
}

fn get_module(vm: &mut Vm, value: &Value) -> Py {
    Ok(or_none(read(vm, value, |state| state.module.clone())))
}

fn set_module(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    exchange(vm, value, |state| {
        std::mem::replace(&mut state.module, new.cloned())
    });
    Ok(())
}

fn get_doc(vm: &mut Vm, value: &Value) -> Py {
    match read(vm, value, |state| state.doc.clone()) {
        Some(doc) => Ok(doc),
        None => Ok(value.expect::<Function>().code().docstring()),
    }
}

fn set_doc(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let new = or_none(new.cloned());
    exchange(vm, value, |state| state.doc.replace(new));
    Ok(())
}

fn get_defaults(vm: &mut Vm, value: &Value) -> Py {
    Ok(or_none(read(vm, value, |state| state.defaults.clone())))
}

/// A value to be stored in an optional field: `None` and deletion empty it; other types than `ty` are refused.
fn optional(vm: &mut Vm, new: Option<&Value>, ty: &TypeObject, message: &str) -> Py<Option<Value>> {
    match new.filter(|new| !new.is_none()) {
        None => Ok(None),
        Some(new) if new.is_instance(ty) => Ok(Some(new.clone())),
        Some(_) => Err(vm.type_error(message)),
    }
}

fn set_defaults(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let new = optional(
        vm,
        new,
        &builtin_types::TUPLE,
        "__defaults__ must be set to a tuple object",
    )?;
    exchange(vm, value, |state| {
        std::mem::replace(&mut state.defaults, new)
    });
    Ok(())
}

fn get_kwdefaults(vm: &mut Vm, value: &Value) -> Py {
    Ok(or_none(read(vm, value, |state| state.kwdefaults.clone())))
}

fn set_kwdefaults(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let new = optional(
        vm,
        new,
        &builtin_types::DICT,
        "__kwdefaults__ must be set to a dict object",
    )?;
    exchange(vm, value, |state| {
        std::mem::replace(&mut state.kwdefaults, new)
    });
    Ok(())
}

/// `__annotations__`: worked out by `__annotate__(1)` when first asked for.
fn get_annotations(vm: &mut Vm, value: &Value) -> Py {
    let (known, annotate) = read(vm, value, |state| {
        (state.annotations.clone(), state.annotate.clone())
    });
    if let Some(known) = known {
        return Ok(known);
    }
    let made = match annotate.filter(|annotate| vm.is_callable(annotate)) {
        None => new_dict(),
        Some(annotate) => {
            let made = vm.call(&annotate, &[Value::int(1)])?;
            if !made.is_instance(&builtin_types::DICT) {
                let message = format!(
                    "__annotate__ returned non-dict of type '{}'",
                    made.type_of().name()
                );
                return Err(vm.type_error(message));
            }
            made
        }
    };
    let kept = made.clone();
    exchange(vm, value, |state| state.annotations.replace(kept));
    Ok(made)
}

fn set_annotations(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let new = optional(
        vm,
        new,
        &builtin_types::DICT,
        "__annotations__ must be set to a dict object",
    )?;
    exchange(vm, value, |state| {
        (
            std::mem::replace(&mut state.annotations, new),
            state.annotate.take(),
        )
    });
    Ok(())
}

fn get_annotate(vm: &mut Vm, value: &Value) -> Py {
    Ok(or_none(read(vm, value, |state| state.annotate.clone())))
}

fn set_annotate(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let Some(new) = new else {
        return Err(vm.type_error("__annotate__ cannot be deleted"));
    };
    if new.is_none() {
        exchange(vm, value, |state| state.annotate.take());
        return Ok(());
    }
    if !vm.is_callable(new) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    exchange(vm, value, |state| {
        (
            state.annotate.replace(new.clone()),
            state.annotations.take(),
        )
    });
    Ok(())
}

fn get_type_params(vm: &mut Vm, value: &Value) -> Py {
    Ok(read(vm, value, |state| state.type_params.clone()).unwrap_or_else(empty_tuple))
}

fn set_type_params(vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    let Some(new) = new.filter(|new| new.is_instance(&builtin_types::TUPLE)) else {
        return Err(vm.type_error("__type_params__ must be set to a tuple"));
    };
    exchange(vm, value, |state| state.type_params.replace(new.clone()));
    Ok(())
}

static FUNCTION_GETSET: [GetSetDef; 14] = [
    getset("__code__", get_code, set_code, ""),
    getset("__defaults__", get_defaults, set_defaults, ""),
    getset("__kwdefaults__", get_kwdefaults, set_kwdefaults, ""),
    getset(
        "__annotations__",
        get_annotations,
        set_annotations,
        "Dict of annotations in a function object.",
    ),
    getset(
        "__annotate__",
        get_annotate,
        set_annotate,
        "Get the code object for a function.",
    ),
    getset("__dict__", method::get_dict, method::set_dict, ""),
    getset("__name__", get_name, set_name, ""),
    getset("__qualname__", get_qualname, set_qualname, ""),
    getset(
        "__type_params__",
        get_type_params,
        set_type_params,
        "Get the declared type parameters for a function.",
    ),
    getset(
        "__closure__",
        |_, value| Ok(or_none(function(value).closure.clone())),
        readonly,
        "",
    )
    .member(),
    getset("__doc__", get_doc, set_doc, "").member(),
    getset(
        "__globals__",
        |_, value| Ok(function(value).globals.clone()),
        readonly,
        "",
    )
    .member(),
    getset("__module__", get_module, set_module, "").member(),
    getset(
        "__builtins__",
        |_, value| Ok(function(value).builtins.clone()),
        readonly,
        "",
    )
    .member(),
];

// ---- making, binding, showing ----

static NEW: MethodDef = raw(
    "function(code, globals, name=None, argdefs=None, closure=None, kwdefaults=None)",
    |vm, _, _| Err(vm.system_error("not a function to call")),
    "",
);

fn wrong_argument(vm: &mut Vm, argument: &str, wanted: &str, got: &Value) -> Raised {
    let message = format!(
        "function() argument '{argument}' must be {wanted}, not {}",
        got.type_of().name()
    );
    vm.type_error(message)
}

fn function_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    let bound = bind::bind(vm, &NEW, args)?;
    let (code, globals) = (bound.req(0), bound.req(1));
    if !code.is_exact(&builtin_types::CODE) {
        return Err(wrong_argument(vm, "code", "code", code));
    }
    if !globals.is_instance(&builtin_types::DICT) {
        return Err(wrong_argument(vm, "globals", "dict", globals));
    }
    if bound.get_not_none(2).is_some_and(|name| !is_str(name)) {
        return Err(vm.type_error("arg 3 (name) must be None or string"));
    }
    let defaults = optional(
        vm,
        bound.get(3),
        &builtin_types::TUPLE,
        "arg 4 (defaults) must be None or tuple",
    )?;
    let closure = closure_argument(vm, code, bound.get_not_none(4))?;
    let kwdefaults = optional(
        vm,
        bound.get(5),
        &builtin_types::DICT,
        "arg 6 (kwdefaults) must be None or dict",
    )?;
    let builtins = builtins_of(vm, globals)?;
    let made = make_function(code.clone(), globals.clone(), builtins, closure);
    let name = bound.get_not_none(2).cloned();
    exchange(vm, &made, |state| {
        state.defaults = defaults;
        state.kwdefaults = kwdefaults;
        name.map(|name| std::mem::replace(&mut state.name, name))
    });
    Ok(made)
}

/// The closure for code, checked: a call copies as many cells as the code has free variables.
pub fn closure_argument(vm: &mut Vm, code: &Value, closure: Option<&Value>) -> Py<Option<Value>> {
    let wanted = free_count(code);
    let cells = match closure {
        None if wanted > 0 => return Err(vm.type_error("arg 5 (closure) must be tuple")),
        None => return Ok(None),
        Some(closure) => match tuple_object::items(closure) {
            Some(cells) => cells,
            None if wanted > 0 => return Err(vm.type_error("arg 5 (closure) must be tuple")),
            None => return Err(vm.type_error("arg 5 (closure) must be None or tuple")),
        },
    };
    if cells.len() != wanted {
        let name = lossy(&code.expect::<CodeObject>().name);
        let message = format!(
            "{name} requires closure of length {wanted}, not {}",
            cells.len()
        );
        return Err(vm.value_error(message));
    }
    if let Some(other) = cells
        .iter()
        .find(|cell| !cell.is_exact(&builtin_types::CELL))
    {
        let message = format!(
            "arg 5 (closure) expected cell, found {}",
            other.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    Ok(if wanted == 0 { None } else { closure.cloned() })
}

fn function_get(_vm: &mut Vm, value: &Value, object: Option<&Value>, _ty: &TypeObject) -> Py {
    Ok(match object.filter(|object| !object.is_none()) {
        Some(object) => method::new_method(value.clone(), object.clone()),
        None => value.clone(),
    })
}

fn function_repr(vm: &mut Vm, value: &Value) -> Py {
    let qualname = read(vm, value, |state| state.qualname.clone());
    Ok(new_str(&format!(
        "<function {} at {:#x}>",
        lossy(&qualname),
        value.bits()
    )))
}

static FUNCTION_SPEC: TypeSpec = TypeSpec {
    name: "function",
    flags: TypeFlags::METHOD_DESCRIPTOR
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    layout: Some(const { &Layout::of::<Function>() }),
    slots: Slots {
        new: Some(function_new),
        call: Some(crate::call::function_call),
        descr_get: Some(function_get),
        repr: Some(function_repr),
        ..Slots::NONE
    },
    getset: &FUNCTION_GETSET,
    doc: "function(code, globals, name=None, argdefs=None, closure=None,\n         kwdefaults=None)\n--\n\n\
          Create a function object.\n\n  code\n    a code object\n  globals\n    the globals dictionary\n  name\n    \
          a string that overrides the name from the code object\n  argdefs\n    a tuple that specifies the default \
          argument values\n  closure\n    a tuple that supplies the bindings for free variables\n  kwdefaults\n    \
          a dictionary that specifies the default keyword argument values",
    ..TypeSpec::DEFAULT
};

// ---- cells ----

fn cell_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    taipan_types::check::no_keywords(vm, "cell", args)?;
    taipan_types::check::count(vm, "cell", args.pos().len(), 0, 1)?;
    Ok(Cell::create(args.pos().first().cloned()))
}

fn cell_contents(vm: &mut Vm, value: &Value) -> Py {
    match value.expect::<Cell>().get() {
        Some(contents) => Ok(contents),
        None => Err(vm.value_error("Cell is empty")),
    }
}

fn set_cell_contents(_vm: &mut Vm, value: &Value, new: Option<&Value>) -> Py<()> {
    drop(value.expect::<Cell>().set(new.cloned()));
    Ok(())
}

fn cell_compare(vm: &mut Vm, left: &Value, right: &Value, op: CompareOp) -> Py {
    let (Some(a), Some(b)) = (left.cast::<Cell>(), right.cast::<Cell>()) else {
        return Ok(Value::not_implemented());
    };
    match (a.get(), b.get()) {
        (Some(a), Some(b)) => vm.compare(&a, &b, op),
        (a, b) => Ok(Value::bool(op.holds(a.is_some().cmp(&b.is_some())))),
    }
}

fn cell_repr(_vm: &mut Vm, value: &Value) -> Py {
    let text = match value.expect::<Cell>().get() {
        None => format!("<cell at {:#x}: empty>", value.bits()),
        Some(inner) => {
            format!(
                "<cell at {:#x}: {} object at {:#x}>",
                value.bits(),
                inner.type_of().name(),
                inner.bits()
            )
        }
    };
    Ok(new_str(&text))
}

static CELL_SPEC: TypeSpec = TypeSpec {
    name: "cell",
    layout: Some(const { &Layout::of::<Cell>() }),
    slots: Slots {
        new: Some(cell_new),
        compare: Some(cell_compare),
        repr: Some(cell_repr),
        ..Slots::NONE
    },
    getset: const {
        &[getset(
            "cell_contents",
            cell_contents,
            set_cell_contents,
            "",
        )]
    },
    doc: "cell([contents])\n--\n\nCreate a new cell object.\n\n  contents\n    the contents of the cell. If not \
          specified, the cell will be empty,\n    and further attempts to access its cell_contents attribute will\n    \
          raise a ValueError.",
    ..TypeSpec::DEFAULT
};

/// Defines `function` and `cell`.
pub fn define() {
    builtin_types::FUNCTION.define(&FUNCTION_SPEC);
    builtin_types::CELL.define(&CELL_SPEC);
}
