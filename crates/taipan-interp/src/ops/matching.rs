//! The `match` statement.

use super::{Top, finish, push, view};
use crate::frame::Frame;
use taipan_core::dict_object::{self, Dict};
use taipan_core::{Py, Type, TypeFlags, Value, Vm, builtin_types, name, str_object, tuple_object};

/// `GET_LEN`
///
/// # Safety
/// The loop's contract.
pub unsafe fn get_len(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let len = vm.length(view(sp, 1))?;
        push(sp, Value::int(len as i64))
    }
}

/// `MATCH_MAPPING`
///
/// # Safety
/// The loop's contract.
pub unsafe fn mapping(_vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let answer = view(sp, 1).type_of().has(TypeFlags::MAPPING);
        push(sp, Value::bool(answer))
    }
}

/// `MATCH_SEQUENCE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn sequence(_vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let answer = view(sp, 1).type_of().has(TypeFlags::SEQUENCE);
        push(sp, Value::bool(answer))
    }
}

/// `MATCH_KEYS`
///
/// # Safety
/// The loop's contract.
pub unsafe fn keys(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let values = mapping_values(vm, view(sp, 2), view(sp, 1))?;
        push(sp, values)
    }
}

fn mapping_values(vm: &mut Vm, subject: &Value, keys: &Value) -> Py {
    let get = vm.get_attr(subject, name!("get"))?;
    let missing =
        taipan_core::alloc::new_instance(&builtin_types::OBJECT, taipan_core::payload::Empty);
    let seen_value = dict_object::new_dict();
    let seen = seen_value.expect::<Dict>();
    let mut values = Vec::new();
    for key in tuple_object::items(keys).unwrap_or(&[]) {
        if seen.insert(vm, key, Value::none())?.is_some() {
            let message = format!(
                "mapping pattern checks duplicate key ({})",
                vm.repr_string(key)?
            );
            return Err(vm.value_error(message));
        }
        let value = vm.call(&get, &[key.clone(), missing.clone()])?;
        if value.is(&missing) {
            return Ok(Value::none());
        }
        values.push(value);
    }
    Ok(tuple_object::new_tuple(values))
}

/// `COPY_DICT_WITHOUT_KEYS`
///
/// # Safety
/// The loop's contract.
pub unsafe fn copy_dict_without_keys(
    vm: &mut Vm,
    _frame: *mut Frame,
    sp: *mut u64,
    _arg: u32,
) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let rest = dict_object::new_dict();
        taipan_types::dict::update(vm, rest.expect::<Dict>(), view(sp, 2))?;
        for key in tuple_object::items(view(sp, 1)).unwrap_or(&[]) {
            let old = rest.expect::<Dict>().remove(vm, key)?;
            drop(old);
        }
        finish(sp, 1, rest)
    }
}

/// `MATCH_CLASS`
///
/// # Safety
/// The loop's contract.
pub unsafe fn class(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let attributes = class_attributes(vm, view(sp, 3), view(sp, 2), arg as usize, view(sp, 1))?;
        finish(
            sp,
            3,
            attributes.map_or_else(Value::none, tuple_object::new_tuple),
        )
    }
}

fn class_attributes(
    vm: &mut Vm,
    subject: &Value,
    class: &Value,
    positional: usize,
    names: &Value,
) -> Py<Option<Vec<Value>>> {
    let Some(ty) = class.cast::<Type>() else {
        return Err(vm.type_error("called match pattern must be a class"));
    };
    if !vm.is_instance(subject, class)? {
        return Ok(None);
    }
    let mut seen: Vec<Value> = Vec::new();
    let mut attributes = Vec::new();
    if positional > 0 {
        let match_args = vm.get_attr_opt(class, name!("__match_args__"))?;
        let (match_args, match_self) = match &match_args {
            Some(match_args) => match tuple_object::items(match_args) {
                Some(items) => (items.to_vec(), false),
                None => {
                    let message = format!(
                        "{}.__match_args__ must be a tuple (got {})",
                        ty.name(),
                        match_args.type_of().name()
                    );
                    return Err(vm.type_error(message));
                }
            },
            None => (Vec::new(), ty.has(TypeFlags::MATCH_SELF)),
        };
        let allowed = if match_self { 1 } else { match_args.len() };
        if allowed < positional {
            let message = format!(
                "{}() accepts {allowed} positional sub-pattern{} ({positional} given)",
                ty.name(),
                if allowed == 1 { "" } else { "s" }
            );
            return Err(vm.type_error(message));
        }
        if match_self {
            attributes.push(subject.clone());
        } else {
            for text in match_args.into_iter().take(positional) {
                if !str_object::is_str(&text) {
                    let message = format!(
                        "__match_args__ elements must be strings (got {})",
                        text.type_of().name()
                    );
                    return Err(vm.type_error(message));
                }
                match attribute(vm, ty.name(), subject, &text, &mut seen)? {
                    Some(value) => attributes.push(value),
                    None => return Ok(None),
                }
            }
        }
    }
    for text in tuple_object::items(names).unwrap_or(&[]) {
        match attribute(vm, ty.name(), subject, text, &mut seen)? {
            Some(value) => attributes.push(value),
            None => return Ok(None),
        }
    }
    Ok(Some(attributes))
}

fn attribute(
    vm: &mut Vm,
    class: &str,
    subject: &Value,
    text: &Value,
    seen: &mut Vec<Value>,
) -> Py<Option<Value>> {
    if seen.iter().any(|own| str_object::str_eq(own, text)) {
        let message = format!(
            "{class}() got multiple sub-patterns for attribute {}",
            vm.repr_string(text)?
        );
        return Err(vm.type_error(message));
    }
    seen.push(text.clone());
    vm.get_attr_opt(subject, text)
}
