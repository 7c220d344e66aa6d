//! What every exception has: arguments, traceback, context, cause, notes.

use super::own_dict;
use crate::list::{list_of, new_list};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::{BASE_EXCEPTION, DICT, TRACEBACK};
use taipan_core::dict_object::Dict;
use taipan_core::exception::{self, Exception};
use taipan_core::str_object::{is_str, new_str};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{
    Args, GetSetDef, MethodDef, Py, TypeObject, Value, Vm, f0, f1, getset, instance, name,
};

/// `BaseException.__new__`: keeps the positional arguments, leaves keyword arguments to `__init__`.
pub(super) fn new(_vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    Ok(new_instance(
        cls,
        Exception::new(new_tuple(args.pos().iter().cloned())),
    ))
}

/// `BaseException.__init__`
pub(super) fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    no_keywords(vm, this, args)?;
    set_args(vm, this, args.pos());
    Ok(())
}

/// Refuses keyword arguments in the name of the exception's class.
pub(super) fn no_keywords(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    if args.has_keywords() {
        let message = format!(
            "{}() takes no keyword arguments",
            this.type_of().full_name()
        );
        return Err(vm.type_error(message));
    }
    Ok(())
}

/// Stores the arguments, unless they are those that `__new__` has put there.
pub(super) fn set_args(vm: &mut Vm, this: &Value, args: &[Value]) {
    let mut state = this.expect::<Exception>().lock(vm);
    let same = items(&state.args).is_some_and(|old| {
        old.len() == args.len() && old.iter().zip(args).all(|(old, new)| old.is(new))
    });
    if same {
        return;
    }
    let old = std::mem::replace(&mut state.args, new_tuple(args.iter().cloned()));
    drop(state);
    drop(old);
}

/// `BaseException.__str__`
pub(super) fn str(vm: &mut Vm, this: &Value) -> Py {
    let args = exception::args(vm, this);
    match items(&args) {
        Some([]) | None => Ok(taipan_core::str_object::empty_str()),
        Some([only]) => vm.str(only),
        Some(_) => vm.str(&args),
    }
}

/// `BaseException.__repr__`
pub(super) fn repr(vm: &mut Vm, this: &Value) -> Py {
    let args = exception::args(vm, this);
    let mut out = crate::text::Builder::new();
    out.push_str(this.type_of().short_name());
    match items(&args) {
        Some([only]) => {
            let shown = vm.repr(only)?;
            out.push_str("(");
            out.push_value(&shown);
            out.push_str(")");
        }
        _ => {
            let shown = vm.repr(&args)?;
            out.push_value(&shown);
        }
    }
    out.finish(vm)
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let args = exception::args(vm, this);
    let class = this.type_of().to_value();
    Ok(match own_dict(this) {
        Some(dict) => new_tuple([class, args, dict]),
        None => new_tuple([class, args]),
    })
}

fn set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    if state.is_none() {
        return Ok(Value::none());
    }
    let Some(dict) = state.cast::<Dict>() else {
        return Err(vm.type_error("state is not a dictionary"));
    };
    for (key, value) in dict.items() {
        vm.set_attr(this, &key, Some(&value))?;
    }
    Ok(Value::none())
}

fn with_traceback(vm: &mut Vm, this: &Value, traceback: &Value) -> Py {
    set_traceback(vm, this, Some(traceback))?;
    Ok(this.clone())
}

fn add_note(vm: &mut Vm, this: &Value, note: &Value) -> Py {
    if !is_str(note) {
        let message = format!(
            "add_note() argument must be str, not {}",
            note.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let notes = match vm.get_attr_opt(this, name!("__notes__"))? {
        Some(notes) => notes,
        None => {
            let notes = new_list(Vec::new());
            vm.set_attr(this, name!("__notes__"), Some(&notes))?;
            notes
        }
    };
    let Some(list) = list_of(&notes) else {
        return Err(vm.type_error("Cannot add note: __notes__ is not a list"));
    };
    let pushed = list.lock(vm).push(note.clone());
    match pushed {
        Ok(()) => Ok(Value::none()),
        Err(_) => Err(vm.memory_error()),
    }
}

fn get_args(vm: &mut Vm, this: &Value) -> Py {
    Ok(exception::args(vm, this))
}

fn assign_args(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let Some(value) = value else {
        return Err(vm.type_error("args may not be deleted"));
    };
    let args = vm.to_vec(value)?;
    set_args(vm, this, &args);
    Ok(())
}

fn get_traceback(vm: &mut Vm, this: &Value) -> Py {
    Ok(exception::traceback(vm, this).unwrap_or_else(Value::none))
}

fn set_traceback(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let Some(value) = value else {
        return Err(vm.type_error("__traceback__ may not be deleted"));
    };
    if !value.is_none() && !value.is_instance(&TRACEBACK) {
        return Err(vm.type_error("__traceback__ must be a traceback or None"));
    }
    let traceback = Some(value.clone()).filter(|value| !value.is_none());
    exception::set_traceback(vm, this, traceback);
    Ok(())
}

/// An exception or `None`, as assigned to `__context__` and `__cause__`.
fn linked(vm: &mut Vm, value: Option<&Value>, attribute: &str, role: &str) -> Py<Option<Value>> {
    match value {
        None => Err(vm.type_error(format!("{attribute} may not be deleted"))),
        Some(value) if value.is_none() => Ok(None),
        Some(value) if value.is_instance(&BASE_EXCEPTION) => Ok(Some(value.clone())),
        Some(_) => Err(vm.type_error(format!(
            "exception {role} must be None or derive from BaseException"
        ))),
    }
}

fn get_context(vm: &mut Vm, this: &Value) -> Py {
    Ok(exception::context(vm, this).unwrap_or_else(Value::none))
}

fn set_context(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let context = linked(vm, value, "__context__", "context")?;
    exception::set_context(vm, this, context);
    Ok(())
}

fn get_cause(vm: &mut Vm, this: &Value) -> Py {
    Ok(exception::cause(vm, this).unwrap_or_else(Value::none))
}

fn set_cause(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let cause = linked(vm, value, "__cause__", "cause")?;
    exception::set_cause(vm, this, cause);
    Ok(())
}

fn get_suppress(vm: &mut Vm, this: &Value) -> Py {
    let suppress = this.expect::<Exception>().lock(vm).suppress_context;
    Ok(Value::bool(suppress))
}

fn set_suppress(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let suppress = match value {
        None => return Err(vm.type_error("can't delete numeric/char attribute")),
        Some(value) if value.is_true() => true,
        Some(value) if value.is_false() => false,
        Some(_) => return Err(vm.type_error("attribute value type must be bool")),
    };
    this.expect::<Exception>().lock(vm).suppress_context = suppress;
    Ok(())
}

fn get_dict(_vm: &mut Vm, this: &Value) -> Py {
    Ok(instance::dict(this))
}

fn set_dict(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let Some(value) = value else {
        return Err(vm.type_error("cannot delete __dict__"));
    };
    if !value.is_instance(&DICT) {
        let message = format!(
            "__dict__ must be set to a dictionary, not a '{}'",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    drop(instance::set_dict(this, value.clone()));
    Ok(())
}

pub(super) static METHODS: [MethodDef; 4] = [
    f0("__reduce__(self, /)", reduce, ""),
    f1("__setstate__(self, state, /)", set_state, ""),
    f1(
        "with_traceback(self, tb, /)",
        with_traceback,
        "Set self.__traceback__ to tb and return self.",
    ),
    f1(
        "add_note(self, note, /)",
        add_note,
        "Add a note to the exception",
    ),
];

pub(super) static GETSET: [GetSetDef; 6] = [
    getset("__suppress_context__", get_suppress, set_suppress, ""),
    getset("__dict__", get_dict, set_dict, ""),
    getset("args", get_args, assign_args, ""),
    getset("__traceback__", get_traceback, set_traceback, ""),
    getset("__context__", get_context, set_context, ""),
    getset("__cause__", get_cause, set_cause, ""),
];

/// `KeyError.__str__`: a single argument shows as its `repr`, so that a missing `''` can be seen.
pub(super) fn key_error_str(vm: &mut Vm, this: &Value) -> Py {
    let args = exception::args(vm, this);
    match items(&args) {
        Some([only]) => vm.repr(only),
        _ => str(vm, this),
    }
}

/// The text of an exception without a message of its own.
pub(super) fn text(text: &str) -> Py {
    Ok(new_str(text))
}
