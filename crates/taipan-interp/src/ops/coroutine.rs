//! Awaiting and delegating.

use super::{Top, drop_top, finish, push, view};
use crate::frame::Frame;
use crate::generator::generator_of;
use taipan_bytecode::code::CodeFlags;
use taipan_core::{Py, Value, Vm, builtin_types, exception};

/// `GET_YIELD_FROM_ITER`
///
/// # Safety
/// The loop's contract.
pub unsafe fn get_yield_from_iter(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let value = view(sp, 1);
        if value.is_exact(&builtin_types::COROUTINE) {
            if !(*frame)
                .code()
                .flags()
                .intersects(CodeFlags::COROUTINE | CodeFlags::ITERABLE_COROUTINE)
            {
                return Err(vm.type_error(
                    "cannot 'yield from' a coroutine object in a non-coroutine generator",
                ));
            }
            return drop_top(sp, 0);
        }
        if value.is_exact(&builtin_types::GENERATOR) {
            return drop_top(sp, 0);
        }
        let iterator = vm.iter(value)?;
        finish(sp, 1, iterator)
    }
}

/// The iterator to await a value with; `None` if it cannot be awaited.
pub fn awaitable_iter(vm: &mut Vm, value: &Value) -> Py<Option<Value>> {
    if value.is_exact(&builtin_types::COROUTINE) {
        return Ok(Some(value.clone()));
    }
    if value.is_exact(&builtin_types::GENERATOR)
        && generator_of(value).is_some_and(|generator| {
            generator
                .code
                .expect::<crate::code_object::CodeObject>()
                .flags()
                .contains(CodeFlags::ITERABLE_COROUTINE)
        })
    {
        return Ok(Some(value.clone()));
    }
    let Some(slot) = value.type_of().slots().await_ else {
        return Ok(None);
    };
    let iterator = slot(vm, value)?;
    if iterator.is_exact(&builtin_types::COROUTINE) {
        return Err(vm.type_error("__await__() returned a coroutine"));
    }
    if iterator.type_of().slots().next.is_none() {
        let message = format!(
            "__await__() returned non-iterator of type '{}'",
            iterator.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    Ok(Some(iterator))
}

/// `GET_AWAITABLE`
///
/// # Safety
/// The loop's contract.
pub unsafe fn get_awaitable(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let value = view(sp, 1);
        let Some(iterator) = awaitable_iter(vm, value)? else {
            let ty = value.type_of().name();
            let message = match arg {
                1 => format!(
                    "'async with' received an object from __aenter__ that does not implement __await__: {ty}"
                ),
                2 => format!(
                    "'async with' received an object from __aexit__ that does not implement __await__: {ty}"
                ),
                _ => format!("'{ty}' object can't be awaited"),
            };
            return Err(vm.type_error(message));
        };
        if iterator.is_exact(&builtin_types::COROUTINE)
            && generator_of(&iterator).is_some_and(|generator| generator.delegate().is_some())
        {
            return Err(vm.runtime_error("coroutine is being awaited already"));
        }
        finish(sp, 1, iterator)
    }
}

/// `GET_AITER`
///
/// # Safety
/// The loop's contract.
pub unsafe fn get_aiter(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let value = view(sp, 1);
        let Some(aiter) = value.type_of().slots().aiter else {
            let message = format!(
                "'async for' requires an object with __aiter__ method, got {}",
                value.type_of().name()
            );
            return Err(vm.type_error(message));
        };
        let iterator = aiter(vm, value)?;
        if iterator.type_of().slots().anext.is_none() {
            let message = format!(
                "'async for' received an object from __aiter__ that does not implement __anext__: {}",
                iterator.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        finish(sp, 1, iterator)
    }
}

/// `GET_ANEXT`
///
/// # Safety
/// The loop's contract.
pub unsafe fn get_anext(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let iterator = view(sp, 1);
        let Some(anext) = iterator.type_of().slots().anext else {
            let message = format!(
                "'async for' requires an iterator with __anext__ method, got {}",
                iterator.type_of().name()
            );
            return Err(vm.type_error(message));
        };
        let next: Value = anext(vm, iterator)?;
        let cause = match awaitable_iter(vm, &next) {
            Ok(Some(awaiter)) => return push(sp, awaiter),
            Ok(None) => None,
            Err(raised) => Some(vm.take_raised(raised)),
        };
        let message = format!(
            "'async for' received an invalid object from __anext__: {}",
            next.type_of().name()
        );
        let raised = vm.type_error(message);
        if cause.is_none() {
            return Err(raised);
        }
        let error = vm.take_raised(raised);
        exception::set_context(vm, &error, cause.clone());
        exception::set_cause(vm, &error, cause);
        Err(vm.set_pending(error))
    }
}
