//! "Did you mean": names like the one that was not found, from where it was looked for.

use super::{attribute, lossy, sys_item};
use taipan_core::dict_object::Dict;
use taipan_core::{Py, Value, Vm, builtin_types, name, str_object};
use taipan_interp::frame_object::FrameObject;
use taipan_interp::suggest::closest;
use taipan_interp::traceback::Traceback;

/// More names than these are not searched.
const MOST: usize = 750;

/// What to append to the message of an `ImportError`, `NameError` or `AttributeError`; often nothing.
pub(super) fn suffix(vm: &mut Vm, exception: &Value, traceback: Option<&Value>) -> String {
    if exception.is_instance(&builtin_types::IMPORT_ERROR) {
        let Some(wrong) =
            attribute(vm, exception, name!("name_from")).and_then(|text| lossy(&text))
        else {
            return String::new();
        };
        let names = import_names(vm, exception, &wrong);
        return phrase(find(vm, names, &wrong));
    }
    let is_name = exception.is_instance(&builtin_types::NAME_ERROR);
    if !is_name && !exception.is_instance(&builtin_types::ATTRIBUTE_ERROR) {
        return String::new();
    }
    let Some(wrong) = attribute(vm, exception, name!("name")).and_then(|text| lossy(&text)) else {
        return String::new();
    };
    if !is_name {
        let names = attribute_names(vm, exception, traceback, &wrong);
        return phrase(find(vm, names, &wrong));
    }
    let found = match traceback.and_then(last_frame) {
        Some(frame) => name_suggestion(vm, &frame, &wrong),
        None => None,
    };
    let mut text = phrase(found.clone());
    if is_stdlib_module(vm, &wrong) {
        text.push_str(&if found.is_some() {
            format!(" Or did you forget to import '{wrong}'?")
        } else {
            format!(". Did you forget to import '{wrong}'?")
        });
    }
    text
}

fn phrase(found: Option<String>) -> String {
    found.map_or_else(String::new, |found| format!(". Did you mean: '{found}'?"))
}

/// The closest name; an error while collecting the names means none.
fn find(vm: &mut Vm, names: Py<Vec<String>>, wrong: &str) -> Option<String> {
    let names = match names {
        Ok(names) => names,
        Err(raised) => {
            drop(vm.take_raised(raised));
            return None;
        }
    };
    if names.len() > MOST {
        return None;
    }
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    closest(wrong, &known).map(str::to_owned)
}

fn is_stdlib_module(vm: &mut Vm, wrong: &str) -> bool {
    let Some(names) = sys_item(vm, name!("stdlib_module_names")) else {
        return false;
    };
    match vm.contains(&names, &str_object::new_str(wrong)) {
        Ok(found) => found,
        Err(raised) => {
            drop(vm.take_raised(raised));
            false
        }
    }
}

/// The names of `dir(object)`, sorted.
fn dir(vm: &mut Vm, object: &Value) -> Py<Vec<String>> {
    let names = match object.cast::<taipan_core::Type>() {
        Some(_) => {
            let Some(method) = vm.lookup_special(object, name!("__dir__")) else {
                return Ok(Vec::new());
            };
            vm.call_unbound(&method, object, &[])?
        }
        None => vm.call_method(object, name!("__dir__"), &[])?,
    };
    let mut names: Vec<String> = vm.to_vec(&names)?.iter().filter_map(lossy).collect();
    names.sort();
    Ok(names)
}

fn without_underscored(names: Vec<String>) -> Vec<String> {
    names
        .into_iter()
        .filter(|name| !name.starts_with('_'))
        .collect()
}

fn import_names(vm: &mut Vm, exception: &Value, wrong: &str) -> Py<Vec<String>> {
    let Some(module_name) = attribute(vm, exception, name!("name")) else {
        return Ok(Vec::new());
    };
    let modules = vm.interpreter().modules.get();
    let Some(module) = modules.and_then(|modules| modules.cast::<Dict>()?.get_name(&module_name))
    else {
        return Ok(Vec::new());
    };
    let names = dir(vm, &module)?;
    Ok(if wrong.starts_with('_') {
        names
    } else {
        without_underscored(names)
    })
}

fn attribute_names(
    vm: &mut Vm,
    exception: &Value,
    traceback: Option<&Value>,
    wrong: &str,
) -> Py<Vec<String>> {
    let object = vm
        .get_attr_opt(exception, name!("obj"))?
        .unwrap_or_else(Value::none);
    let names = dir(vm, &object)?;
    let mut hide = !wrong.starts_with('_');
    if hide
        && let Some(frame) = traceback.and_then(last_frame)
        && let Some(own) = local(vm, &frame, "self")?
    {
        hide = !own.is(&object);
    }
    Ok(if hide {
        without_underscored(names)
    } else {
        names
    })
}

/// The frame where the exception was raised.
fn last_frame(traceback: &Value) -> Option<Value> {
    let mut at = traceback.clone();
    while let Some(next) = at.cast::<Traceback>()?.next() {
        at = next;
    }
    Some(at.cast::<Traceback>()?.frame.clone())
}

fn local(vm: &mut Vm, frame: &Value, text: &str) -> Py<Option<Value>> {
    let locals = locals(vm, frame)?;
    match locals.cast::<Dict>() {
        Some(dict) => dict.get(vm, &str_object::name(text)),
        None => Ok(None),
    }
}

fn locals(vm: &mut Vm, frame: &Value) -> Py {
    match frame.expect::<FrameObject>().locals_map() {
        Some(map) => Ok(map),
        None => taipan_interp::frame_locals::snapshot(vm, frame),
    }
}

fn name_suggestion(vm: &mut Vm, frame: &Value, wrong: &str) -> Option<String> {
    if let Ok(Some(own)) = local(vm, frame, "self")
        && attribute(vm, &own, &str_object::name(wrong)).is_some()
    {
        return Some(format!("self.{wrong}"));
    }
    let names = scope_names(vm, frame);
    find(vm, names, wrong)
}

fn scope_names(vm: &mut Vm, frame: &Value) -> Py<Vec<String>> {
    let function = &frame.expect::<FrameObject>().function;
    let target = function.expect::<taipan_interp::function::Function>();
    let scopes = [
        locals(vm, frame)?,
        target.globals.clone(),
        target.builtins.clone(),
    ];
    let mut names = Vec::new();
    for scope in scopes {
        match scope.cast::<Dict>() {
            Some(dict) => names.extend(dict.keys().iter().filter_map(lossy)),
            None => {
                let keys = vm.to_vec(&scope)?;
                names.extend(keys.iter().filter_map(lossy));
            }
        }
    }
    Ok(names)
}
