//! `import`, and what the prompt prints.

use super::{Top, drop_top, finish, push, view};
use crate::frame::Frame;
use crate::module::Module;
use crate::module_type::{is_initializing, is_stdlib_name, shadows, spec_origin};
use taipan_core::dict_object::Dict;
use taipan_core::{Py, Value, Vm, builtin_types, exception, name, str_object};

/// `IMPORT_NAME`
///
/// # Safety
/// The loop's contract.
pub unsafe fn import_name(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let text = (&(*frame).code().names)[arg as usize].clone();
        let Some(import) = (*frame).builtins().get_name(name!("__import__")) else {
            return Err(vm.raise(&builtin_types::IMPORT_ERROR, "__import__ not found"));
        };
        let globals = (*frame).globals().to_value();
        let locals = (*frame).locals_map.clone().unwrap_or_else(Value::none);
        let (level, from) = (view(sp, 2).clone(), view(sp, 1).clone());
        let module = vm.call(&import, &[text, globals, locals, from, level])?;
        finish(sp, 2, module)
    }
}

/// `IMPORT_FROM`
///
/// # Safety
/// The loop's contract.
pub unsafe fn import_from(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let text = (&(*frame).code().names)[arg as usize].clone();
        let value = from_module(vm, view(sp, 1), &text)?;
        push(sp, value)
    }
}

fn lossy(value: &Value) -> Option<String> {
    str_object::str_of(value).map(|text| text.to_lossy())
}

fn from_module(vm: &mut Vm, module: &Value, text: &Value) -> Py {
    if let Some(value) = vm.get_attr_opt(module, text)? {
        return Ok(value);
    }
    let module_name = vm.get_attr_opt(module, name!("__name__"))?;
    let module_text = module_name.as_ref().and_then(lossy);
    let wanted = lossy(text).unwrap_or_default();
    if let Some(module_text) = &module_text {
        let full = str_object::new_str(&format!("{module_text}.{wanted}"));
        let modules = vm.interpreter().modules.get();
        if let Some(modules) = modules {
            let found = match modules.cast_exact::<Dict>() {
                Some(dict) => dict.get(vm, &full)?,
                None => match vm.get_item(&modules, &full) {
                    Ok(found) => Some(found),
                    Err(raised) => {
                        vm.catch(raised, &builtin_types::KEY_ERROR)?;
                        None
                    }
                },
            };
            if let Some(found) = found {
                return Ok(found);
            }
        }
    }
    Err(cannot_import(vm, module, module_name, text)?)
}

/// `ImportError: cannot import name ...`, with its members set.
#[cold]
fn cannot_import(
    vm: &mut Vm,
    module: &Value,
    module_name: Option<Value>,
    text: &Value,
) -> Py<taipan_core::Raised> {
    let shown = module_name
        .as_ref()
        .and_then(lossy)
        .unwrap_or_else(|| "<unknown module name>".into());
    let wanted = lossy(text).unwrap_or_default();
    let spec = vm
        .get_attr_opt(module, name!("__spec__"))?
        .filter(|spec| !spec.is_none());
    let (initializing, place) = match &spec {
        Some(spec) => (is_initializing(vm, spec)?, spec_origin(vm, spec)?),
        None => (false, None),
    };
    let shadowing = match &place {
        Some(place) => shadows(vm, place)?,
        None => false,
    };
    let hides_library = match &module_name {
        Some(module_name) if shadowing => is_stdlib_name(vm, module_name)?,
        _ => false,
    };
    let origin = match place {
        Some(place) => Some(taipan_core::str_object::new_str(&place)),
        None => vm.get_attr_opt(module, name!("__file__"))?,
    };
    let place = origin
        .as_ref()
        .and_then(lossy)
        .unwrap_or_else(|| "unknown location".into());
    let message = if hides_library {
        format!(
            "cannot import name '{wanted}' from '{shown}' (consider renaming '{place}' since it has the same name as the standard \
             library module named '{shown}' and prevents importing that standard library module)"
        )
    } else if initializing && shadowing {
        format!(
            "cannot import name '{wanted}' from '{shown}' (consider renaming '{place}' if it has the same name as a library you \
             intended to import)"
        )
    } else if initializing {
        format!(
            "cannot import name '{wanted}' from partially initialized module '{shown}' (most likely due to a circular import) ({place})"
        )
    } else {
        format!("cannot import name '{wanted}' from '{shown}' ({place})")
    };
    let raised = vm.raise(&builtin_types::IMPORT_ERROR, message);
    if !vm.pending_is(&builtin_types::IMPORT_ERROR) {
        return Ok(raised);
    }
    let error = vm.take_raised(raised);
    taipan_types::exceptions::set_import_error(vm, &error, module_name, origin, Some(text.clone()));
    let _ = exception::args(vm, &error);
    Ok(vm.set_pending(error))
}

/// `IMPORT_STAR`
///
/// # Safety
/// The loop's contract.
pub unsafe fn import_star(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let module = view(sp, 1);
        let locals = crate::ops::names::locals_of(frame);
        let all = vm.get_attr_opt(module, name!("__all__"))?;
        let names = match &all {
            Some(all) => vm.to_vec(all)?,
            None => {
                let dict = match module.cast::<Module>() {
                    Some(module) => module.dict().to_value(),
                    None => vm.get_attr(module, name!("__dict__"))?,
                };
                let keys = vm.call_method(&dict, name!("keys"), &[])?;
                vm.to_vec(&keys)?
            }
        };
        for text in names {
            let Some(shown) = lossy(&text) else {
                let module_name = vm
                    .get_attr_opt(module, name!("__name__"))?
                    .as_ref()
                    .and_then(lossy)
                    .unwrap_or_default();
                let what = if all.is_some() { "Item in" } else { "Key in" };
                let place = if all.is_some() { "__all__" } else { "__dict__" };
                let message = format!(
                    "{what} {module_name}.{place} must be str, not {}",
                    text.type_of().name()
                );
                return Err(vm.type_error(message));
            };
            if all.is_none() && shown.starts_with('_') {
                continue;
            }
            let value = vm.get_attr(module, &text)?;
            vm.set_item(&locals, &text, &value)?;
        }
        drop_top(sp, 1)
    }
}

/// `PRINT_EXPR`
///
/// # Safety
/// The loop's contract.
pub unsafe fn print_expr(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let sys = vm.interpreter().sys_dict.get();
        let hook = sys
            .as_ref()
            .and_then(|sys| sys.cast::<Dict>()?.get_name(name!("displayhook")));
        let Some(hook) = hook else {
            return Err(vm.runtime_error("lost sys.displayhook"));
        };
        vm.call(&hook, std::slice::from_ref(view(sp, 1)))?;
        drop_top(sp, 1)
    }
}
