//! Subscripts, unpacking, iteration.

use super::{Top, drop_top, finish, view};
use crate::frame::Frame;
use std::ptr::NonNull;
use taipan_core::dict_object::Dict;
use taipan_core::{Py, Value, Vm, builtin_types, tuple_object};
use taipan_types::list::{self, List, ListExt};

/// `a[b]` of any operands.
#[inline(never)]
pub fn subscript(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    if a.is_object() {
        if a.is_exact(&builtin_types::DICT) {
            // SAFETY: just tested.
            if let Some(value) = unsafe { a.cast_unchecked::<Dict>() }.get(vm, b)? {
                return Ok(value);
            }
        } else if let Some(index) = b.small_int()
            && a.is_exact(&builtin_types::TUPLE)
            && let Some(items) = tuple_object::items(a)
        {
            let at = if index < 0 {
                index + items.len() as i64
            } else {
                index
            };
            if let Some(item) = items.get(at as usize) {
                return Ok(item.clone());
            }
        }
    }
    vm.get_item(a, b)
}

/// `STORE_SUBSCR`
///
/// # Safety
/// The loop's contract.
pub unsafe fn store_subscript(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let (value, container, key) = (view(sp, 3), view(sp, 2), view(sp, 1));
        if container.is_object() && container.is_exact(&builtin_types::DICT) {
            let old = container
                .cast_unchecked::<Dict>()
                .insert(vm, key, value.clone())?;
            drop(old);
        } else {
            vm.set_item(container, key, value)?;
        }
        drop_top(sp, 3)
    }
}

/// `DELETE_SUBSCR`
///
/// # Safety
/// The loop's contract.
pub unsafe fn delete_subscript(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        vm.del_item(view(sp, 2), view(sp, 1))?;
        drop_top(sp, 2)
    }
}

/// `GET_ITER`
#[inline(never)]
pub fn get_iter(vm: &mut Vm, value: &Value) -> Py {
    vm.iter(value)
}

/// `next` for `FOR_ITER`: a `StopIteration` that an iterator raised itself is exhaustion too.
#[inline]
pub fn for_iter(vm: &mut Vm, iterator: &Value) -> Py<Option<Value>> {
    vm.next(iterator)
}

/// Pushes items so that the first is on top.
unsafe fn push_reversed(sp: *mut u64, items: Vec<Value>) -> Top {
    // SAFETY: the iterable's slot and the room above it belong to this instruction; the verifier counted.
    unsafe {
        let iterable = *sp.sub(1);
        let mut at = sp.sub(1);
        for item in items.into_iter().rev() {
            *at = item.into_bits();
            at = at.add(1);
        }
        drop(Value::from_bits(iterable));
        Ok(NonNull::new_unchecked(at))
    }
}

/// `UNPACK_SEQUENCE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn unpack_sequence(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let wanted = arg as usize;
        let iterable = view(sp, 1);
        if iterable.is_exact(&builtin_types::TUPLE)
            && let Some(items) = tuple_object::items(iterable)
            && items.len() == wanted
        {
            let word = *sp.sub(1);
            let mut at = sp.sub(1);
            for item in items.iter().rev() {
                *at = item.clone().into_bits();
                at = at.add(1);
            }
            drop(Value::from_bits(word));
            return Ok(NonNull::new_unchecked(at));
        }
        if iterable.is_exact(&builtin_types::LIST) {
            let list = iterable.cast_unchecked::<List>();
            let storage = list.lock(vm);
            if storage.len() == wanted {
                // The list leaves the stack last: its end may run code.
                let word = *sp.sub(1);
                let mut at = sp.sub(1);
                for index in (0..wanted).rev() {
                    *at = match storage.get(index) {
                        Some(item) => item.into_bits(),
                        None => Value::none().into_bits(),
                    };
                    at = at.add(1);
                }
                drop(storage);
                drop(Value::from_bits(word));
                return Ok(NonNull::new_unchecked(at));
            }
            drop(storage);
        }
        let items = exactly(vm, iterable, wanted)?;
        push_reversed(sp, items)
    }
}

/// Exactly `wanted` items.
fn exactly(vm: &mut Vm, iterable: &Value, wanted: usize) -> Py<Vec<Value>> {
    let iterator = iterator_to_unpack(vm, iterable)?;
    let mut items = Vec::with_capacity(wanted.min(1 << 16));
    while items.len() < wanted {
        match for_iter(vm, &iterator)? {
            Some(item) => items.push(item),
            None => {
                let message = format!(
                    "not enough values to unpack (expected {wanted}, got {})",
                    items.len()
                );
                return Err(vm.value_error(message));
            }
        }
    }
    match for_iter(vm, &iterator)? {
        None => Ok(items),
        Some(_) => {
            let sized = iterable.is_exact(&builtin_types::LIST)
                || iterable.is_exact(&builtin_types::TUPLE)
                || iterable.is_exact(&builtin_types::DICT);
            let message = if sized {
                format!(
                    "too many values to unpack (expected {wanted}, got {})",
                    vm.length(iterable)?
                )
            } else {
                format!("too many values to unpack (expected {wanted})")
            };
            Err(vm.value_error(message))
        }
    }
}

fn iterator_to_unpack(vm: &mut Vm, iterable: &Value) -> Py {
    let slots = iterable.type_of().slots();
    if slots.iter.is_none() && slots.get_item.is_none() {
        let message = format!(
            "cannot unpack non-iterable {} object",
            iterable.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    vm.iter(iterable)
}

/// `UNPACK_EX`
///
/// # Safety
/// The loop's contract.
pub unsafe fn unpack_ex(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let (before, after) = ((arg & 255) as usize, (arg >> 8) as usize);
        let iterator = iterator_to_unpack(vm, view(sp, 1))?;
        let mut items = Vec::new();
        while let Some(item) = for_iter(vm, &iterator)? {
            items.push(item);
        }
        if items.len() < before + after {
            let message = format!(
                "not enough values to unpack (expected at least {}, got {})",
                before + after,
                items.len()
            );
            return Err(vm.value_error(message));
        }
        let tail = items.split_off(items.len() - after);
        let middle = items.split_off(before);
        items.push(list::new_list(middle));
        items.extend(tail);
        push_reversed(sp, items)
    }
}

/// Builds a list of the `n` topmost values.
///
/// # Safety
/// The loop's contract.
pub unsafe fn take_list(sp: *mut u64, n: usize) -> Value {
    // SAFETY: as the loop's.
    list::new_list(unsafe { super::take(sp, n) })
}

/// The items of a list, as a tuple.
pub fn list_tuple(vm: &mut Vm, value: &Value) -> Value {
    match value.cast::<List>() {
        Some(list) => tuple_object::new_tuple(list.to_vec(vm)),
        None => tuple_object::empty_tuple(),
    }
}

/// Replaces the top by a value.
///
/// # Safety
/// The loop's contract.
pub unsafe fn replace_top(sp: *mut u64, value: Value) -> Top {
    // SAFETY: as the loop's.
    unsafe { finish(sp, 1, value) }
}

/// `list[index] = value` for an exact list and an immediate int in range: gives the old element.
///
/// # Safety
/// `pair` points to list and index on the stack, `value` to the value.
#[inline(always)]
pub unsafe fn list_store(vm: &mut Vm, pair: *mut u64, value: *mut u64) -> Option<Value> {
    // SAFETY: the caller's promise.
    let (list, index, value) = unsafe {
        (
            (*pair.cast::<Value>()).cast_unchecked::<List>(),
            (*pair.add(1).cast::<Value>()).small_int_unchecked(),
            (*value.cast::<Value>()).clone(),
        )
    };
    let at = if index < 0 {
        index + list.len(vm) as i64
    } else {
        index
    };
    match list.set(vm, usize::try_from(at).ok()?, value) {
        Ok(old) => old,
        // Out of memory while widening: the general path meets it again and reports it.
        Err(raised) => {
            drop(vm.take_raised(raised));
            None
        }
    }
}
