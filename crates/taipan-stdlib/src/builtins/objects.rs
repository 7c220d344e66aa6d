//! Builtin functions about objects in general: attributes, classes, text.

use taipan_core::str_object::{empty_str, is_str};
use taipan_core::{Args, Py, Value, Vm, build_class, name};
use taipan_interp::function::Function;
use taipan_interp::scope;
use taipan_types::list::{self, list_of, new_list};

pub(super) fn callable(vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    Ok(Value::bool(vm.is_callable(object)))
}

pub(super) fn repr(vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    vm.repr(object)
}

pub(super) fn ascii(vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    taipan_types::str::format::ascii(vm, object)
}

pub(super) fn format(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    match args {
        [value, spec] if is_str(spec) => vm.format(value, spec),
        [_, other] => {
            let message = format!(
                "format() argument 2 must be str, not {}",
                other.type_of().name()
            );
            Err(vm.type_error(message))
        }
        [value] => vm.format(value, &empty_str()),
        _ => Err(vm.type_error("format expected at least 1 argument, got 0")),
    }
}

// ---- attributes ----

pub(super) fn getattr(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    match args {
        [object, name] => vm.get_attr(object, name),
        [object, name, default] => {
            let name = vm.attribute_name(name)?;
            Ok(vm
                .get_attr_opt(object, &name)?
                .unwrap_or_else(|| default.clone()))
        }
        _ => Err(vm.type_error("getattr expected at least 2 arguments")),
    }
}

pub(super) fn hasattr(vm: &mut Vm, _module: &Value, object: &Value, name: &Value) -> Py {
    let name = vm.attribute_name(name)?;
    Ok(Value::bool(vm.get_attr_opt(object, &name)?.is_some()))
}

pub(super) fn setattr(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    if let [object, name, value] = args {
        vm.set_attr(object, name, Some(value))?;
    }
    Ok(Value::none())
}

pub(super) fn delattr(vm: &mut Vm, _module: &Value, object: &Value, name: &Value) -> Py {
    vm.set_attr(object, name, None)?;
    Ok(Value::none())
}

pub(super) fn dir(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let names = match args {
        [object] => match vm.call_special(object, name!("__dir__"), &[])? {
            Some(names) => names,
            None => return Err(vm.type_error("object does not provide __dir__")),
        },
        _ => {
            let locals = current_locals(vm)?;
            vm.call_method(&locals, name!("keys"), &[])?
        }
    };
    list::sorted(vm, &names, None, false)
}

pub(super) fn vars(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let [object] = args else {
        return current_locals(vm);
    };
    match vm.get_attr_opt(object, name!("__dict__"))? {
        Some(dict) => Ok(dict),
        None => Err(vm.type_error("vars() argument must have __dict__ attribute")),
    }
}

fn current_locals(vm: &mut Vm) -> Py {
    match scope::locals(vm)? {
        Some(locals) => Ok(locals),
        None => Err(vm.system_error("frame does not exist")),
    }
}

pub(super) fn locals(vm: &mut Vm, _module: &Value) -> Py {
    current_locals(vm)
}

pub(super) fn globals(vm: &mut Vm, _module: &Value) -> Py {
    match scope::globals(vm) {
        Some(globals) => Ok(globals),
        None => Err(vm.system_error("globals(): no frame")),
    }
}

// ---- classes ----

pub(super) fn isinstance(vm: &mut Vm, _module: &Value, object: &Value, class: &Value) -> Py {
    vm.is_instance(object, class).map(Value::bool)
}

pub(super) fn issubclass(vm: &mut Vm, _module: &Value, sub: &Value, class: &Value) -> Py {
    vm.is_subclass(sub, class).map(Value::bool)
}

/// The class statement.
pub(super) fn build_class_function(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let [function, name, ..] = args.pos() else {
        return Err(vm.type_error("__build_class__: not enough arguments"));
    };
    if function.cast::<Function>().is_none() {
        return Err(vm.type_error("__build_class__: func must be a function"));
    }
    if !is_str(name) {
        return Err(vm.type_error("__build_class__: name is not a string"));
    }
    let rest = args.skip_first().skip_first();
    build_class::build_class(vm, name, rest, |vm, namespace| {
        taipan_interp::call::run_with_locals(vm, function, namespace.clone())
    })
}

// ---- iteration ----

pub(super) fn all(vm: &mut Vm, _module: &Value, iterable: &Value) -> Py {
    let iterator = vm.iter(iterable)?;
    while let Some(item) = vm.next(&iterator)? {
        if !vm.truth(&item)? {
            return Ok(Value::bool(false));
        }
    }
    Ok(Value::bool(true))
}

pub(super) fn any(vm: &mut Vm, _module: &Value, iterable: &Value) -> Py {
    let iterator = vm.iter(iterable)?;
    while let Some(item) = vm.next(&iterator)? {
        if vm.truth(&item)? {
            return Ok(Value::bool(true));
        }
    }
    Ok(Value::bool(false))
}

pub(super) fn iter(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    match args {
        [callable, sentinel] => {
            if !vm.is_callable(callable) {
                return Err(vm.type_error("iter(v, w): v must be callable"));
            }
            Ok(taipan_types::iterators::new_callable_iterator(
                callable, sentinel,
            ))
        }
        [object] => vm.iter(object),
        _ => Err(vm.type_error("iter expected at least 1 argument, got 0")),
    }
}

pub(super) fn next(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    match args {
        [iterator, default] => Ok(vm.next(iterator)?.unwrap_or_else(|| default.clone())),
        [iterator] => taipan_interp::generator::next_or_raise(vm, iterator),
        _ => Err(vm.type_error("next expected at least 1 argument, got 0")),
    }
}

pub(super) fn sorted(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let [iterable] = args.pos() else {
        let given = args.pos().len();
        return Err(vm.type_error(format!("sorted expected 1 argument, got {given}")));
    };
    let made = new_list(vm.to_vec(iterable)?);
    // The list is sorted by its own method, whose name its messages have.
    let (key, reverse) = list::sort_arguments(vm, "sort", args)?;
    if let Some(object) = list_of(&made) {
        list::sort::sort(vm, object, key.as_ref(), reverse)?;
    }
    Ok(made)
}
