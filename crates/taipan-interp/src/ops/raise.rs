//! Raising, matching and the `with` statement.

use super::{Top, finish, view};
use crate::frame::Frame;
use taipan_core::{Py, Raised, Type, Value, Vm, builtin_types, exception, name, tuple_object};
use taipan_types::exceptions::group;

/// `RAISE_VARARGS`: the error, and how many operands it used up.
///
/// # Safety
/// The operands are on the stack.
pub unsafe fn raise(vm: &mut Vm, sp: *mut u64, arg: u32) -> (Raised, usize) {
    if arg == 0 {
        let raised = match vm.handled() {
            Some(exception) => vm.set_pending(exception),
            None => vm.runtime_error("No active exception to reraise"),
        };
        return (raised, 0);
    }
    // SAFETY: the caller's promise.
    let (raised, operands) = unsafe {
        if arg == 1 {
            (raise_value(vm, view(sp, 1), None), 1)
        } else {
            (raise_value(vm, view(sp, 2), Some(view(sp, 1))), 2)
        }
    };
    let _ = operands;
    // The operands stay on the stack: the unwinder drops them.
    (raised, 0)
}

/// `raise value from cause`
pub fn raise_value(vm: &mut Vm, value: &Value, cause: Option<&Value>) -> Raised {
    let exception = match instance(vm, value) {
        Ok(Some(exception)) => exception,
        Ok(None) => return vm.type_error("exceptions must derive from BaseException"),
        Err(raised) => return raised,
    };
    if let Some(cause) = cause {
        let cause = if cause.is_none() {
            None
        } else {
            match instance(vm, cause) {
                Ok(Some(cause)) => Some(cause),
                Ok(None) => {
                    return vm.type_error("exception causes must derive from BaseException");
                }
                Err(raised) => return raised,
            }
        };
        exception::set_cause(vm, &exception, cause);
    }
    vm.raise_value(exception)
}

/// An exception instance from a class or an instance.
fn instance(vm: &mut Vm, value: &Value) -> Py<Option<Value>> {
    if let Some(ty) = value.cast::<Type>()
        && ty.is_subtype(&builtin_types::BASE_EXCEPTION)
    {
        let made = vm.call(value, &[])?;
        if !made.is_instance(&builtin_types::BASE_EXCEPTION) {
            let message = format!(
                "calling {} should have returned an instance of BaseException, not {}",
                vm.repr_string(value)?,
                vm.repr_string(&made.type_of().to_value())?
            );
            return Err(vm.type_error(message));
        }
        return Ok(Some(made));
    }
    if value.is_instance(&builtin_types::BASE_EXCEPTION) {
        Ok(Some(value.clone()))
    } else {
        Ok(None)
    }
}

fn is_exception_class(value: &Value) -> bool {
    value
        .cast::<Type>()
        .is_some_and(|ty| ty.is_subtype(&builtin_types::BASE_EXCEPTION))
}

/// Does an exception match an `except` clause?
fn matches(vm: &mut Vm, raised: &Value, class: &Value) -> Py<bool> {
    const MESSAGE: &str = "catching classes that do not inherit from BaseException is not allowed";
    if let Some(classes) = tuple_object::items(class) {
        if !classes.iter().all(is_exception_class) {
            return Err(vm.type_error(MESSAGE));
        }
        return Ok(classes.iter().any(|class| {
            class
                .cast::<Type>()
                .is_some_and(|ty| raised.is_instance(ty))
        }));
    }
    if !is_exception_class(class) {
        return Err(vm.type_error(MESSAGE));
    }
    Ok(class
        .cast::<Type>()
        .is_some_and(|ty| raised.is_instance(ty)))
}

/// `CHECK_EXC_MATCH`
///
/// # Safety
/// The loop's contract.
pub unsafe fn check_match(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let found = matches(vm, view(sp, 2), view(sp, 1))?;
        finish(sp, 1, Value::bool(found))
    }
}

/// `CHECK_EG_MATCH`
///
/// # Safety
/// The loop's contract.
pub unsafe fn check_group_match(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let (raised, class) = (view(sp, 2), view(sp, 1));
        check_star_class(vm, class)?;
        let (matched, rest) = group::split_for_except_star(vm, raised, class)?;
        if let Some(matched) = &matched {
            let old = vm.swap_handled(Some(matched.clone()));
            drop(old);
        }
        let (old_raised, old_class) = (*sp.sub(2), *sp.sub(1));
        *sp.sub(2) = rest.unwrap_or_else(Value::none).into_bits();
        *sp.sub(1) = matched.unwrap_or_else(Value::none).into_bits();
        drop(Value::from_bits(old_class));
        drop(Value::from_bits(old_raised));
        super::drop_top(sp, 0)
    }
}

fn check_star_class(vm: &mut Vm, class: &Value) -> Py<()> {
    let one = std::slice::from_ref(class);
    for class in tuple_object::items(class).unwrap_or(one) {
        if !is_exception_class(class) {
            return Err(vm.type_error(
                "catching classes that do not inherit from BaseException is not allowed",
            ));
        }
        if class
            .cast::<Type>()
            .is_some_and(|ty| ty.is_subtype(&builtin_types::BASE_EXCEPTION_GROUP))
        {
            return Err(vm.type_error(
                "catching ExceptionGroup with except* is not allowed. Use except instead.",
            ));
        }
    }
    Ok(())
}

/// `PREP_RERAISE_STAR`
///
/// # Safety
/// The loop's contract.
pub unsafe fn prep_reraise_star(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let results = vm.to_vec(view(sp, 1))?;
        let made = group::prepare_reraise_star(vm, view(sp, 2), &results)?;
        finish(sp, 2, made.unwrap_or_else(Value::none))
    }
}

/// The special methods of a context manager, bound: enter and exit.
fn manager_methods(vm: &mut Vm, manager: &Value, is_async: bool) -> Py<(Value, Value)> {
    let (enter, exit) = if is_async {
        (name!("__aenter__"), name!("__aexit__"))
    } else {
        (name!("__enter__"), name!("__exit__"))
    };
    let word = if is_async {
        "asynchronous context manager"
    } else {
        "context manager"
    };
    let mut bound = Vec::with_capacity(2);
    for text in [exit, enter] {
        let Some(method) = vm.lookup_special(manager, text) else {
            let ty = manager.type_of().name();
            let missing = taipan_core::str_object::str_of(text)
                .map(|text| text.to_lossy())
                .unwrap_or_default();
            let other = if is_async {
                [name!("__enter__"), name!("__exit__")]
            } else {
                [name!("__aenter__"), name!("__aexit__")]
            };
            let has_other = other
                .into_iter()
                .all(|text| vm.lookup_special(manager, text).is_some());
            let hint = match (has_other, is_async) {
                (true, false) => {
                    " but it supports the asynchronous context manager protocol. Did you mean to use 'async with'?"
                }
                (true, true) => {
                    " but it supports the context manager protocol. Did you mean to use 'with'?"
                }
                (false, _) => "",
            };
            let message = format!(
                "'{ty}' object does not support the {word} protocol (missed {missing} method){hint}"
            );
            return Err(vm.type_error(message));
        };
        let ty = manager.type_of().to_value();
        let method = match method.type_of().slots().descr_get {
            Some(get) => get(vm, &method, Some(manager), ty.expect::<Type>())?,
            None => method,
        };
        bound.push(method);
    }
    let enter = bound.pop().unwrap_or_else(Value::none);
    let exit = bound.pop().unwrap_or_else(Value::none);
    Ok((enter, exit))
}

unsafe fn before(vm: &mut Vm, sp: *mut u64, is_async: bool) -> Top {
    // SAFETY: the manager is on top.
    unsafe {
        let (enter, exit) = manager_methods(vm, view(sp, 1), is_async)?;
        let entered = vm.call(&enter, &[])?;
        let manager = *sp.sub(1);
        *sp.sub(1) = exit.into_bits();
        drop(Value::from_bits(manager));
        super::push(sp, entered)
    }
}

/// `BEFORE_WITH`
///
/// # Safety
/// The loop's contract.
pub unsafe fn before_with(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe { before(vm, sp, false) }
}

/// `BEFORE_ASYNC_WITH`
///
/// # Safety
/// The loop's contract.
pub unsafe fn before_async_with(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe { before(vm, sp, true) }
}

/// `WITH_EXCEPT_START`
///
/// # Safety
/// The loop's contract.
pub unsafe fn with_except_start(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, _arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let (exit, raised) = (view(sp, 4), view(sp, 1));
        let traceback = exception::traceback(vm, raised).unwrap_or_else(Value::none);
        let result = vm.call(
            exit,
            &[raised.type_of().to_value(), raised.clone(), traceback],
        )?;
        super::push(sp, result)
    }
}
