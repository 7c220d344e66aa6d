//! `CALL_INTRINSIC_1` and `CALL_INTRINSIC_2`: rare operations with one or two operands.

use super::{Top, finish, view};
use crate::frame::Frame;
use crate::function::Function;
use taipan_bytecode::code::CodeFlags;
use taipan_bytecode::ops::{Intrinsic1, Intrinsic2};
use taipan_core::{Py, Value, Vm, builtin_types, exception};

/// `CALL_INTRINSIC_1`
///
/// # Safety
/// The loop's contract.
pub unsafe fn call_1(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let operand = view(sp, 1);
        let result = match Intrinsic1::from_operand(arg) {
            Some(Intrinsic1::AsyncGenWrap) => {
                crate::generator_type::wrap_async_value(operand.clone())
            }
            Some(Intrinsic1::StopIterationError) => stop_iteration_error(vm, frame, operand)?,
            Some(Intrinsic1::TypeVar) => typing(
                vm,
                "_make_typevar",
                &[operand.clone(), Value::none(), Value::none()],
            )?,
            Some(Intrinsic1::ParamSpec) => {
                typing(vm, "_make_paramspec", std::slice::from_ref(operand))?
            }
            Some(Intrinsic1::TypeVarTuple) => {
                typing(vm, "_make_typevartuple", std::slice::from_ref(operand))?
            }
            Some(Intrinsic1::SubscriptGeneric) => {
                typing(vm, "_subscript_generic", std::slice::from_ref(operand))?
            }
            Some(Intrinsic1::TypeAlias) => {
                typing(vm, "_make_typealias", std::slice::from_ref(operand))?
            }
            None => return Err(vm.system_error("unknown intrinsic")),
        };
        finish(sp, 1, result)
    }
}

/// `CALL_INTRINSIC_2`
///
/// # Safety
/// The loop's contract.
pub unsafe fn call_2(vm: &mut Vm, _frame: *mut Frame, sp: *mut u64, arg: u32) -> Top {
    // SAFETY: as the loop's.
    unsafe {
        let (a, b) = (view(sp, 2), view(sp, 1));
        let result = match Intrinsic2::from_operand(arg) {
            Some(Intrinsic2::TypeVarWithBound) => {
                typing(vm, "_make_typevar", &[a.clone(), b.clone(), Value::none()])?
            }
            Some(Intrinsic2::TypeVarWithConstraints) => {
                typing(vm, "_make_typevar", &[a.clone(), Value::none(), b.clone()])?
            }
            Some(Intrinsic2::SetFunctionTypeParams) => {
                let old = a
                    .expect::<Function>()
                    .lock(vm)
                    .type_params
                    .replace(b.clone());
                drop(old);
                a.clone()
            }
            Some(Intrinsic2::SetTypeparamDefault) => {
                typing(vm, "_set_typeparam_default", &[a.clone(), b.clone()])?
            }
            None => return Err(vm.system_error("unknown intrinsic")),
        };
        finish(sp, 2, result)
    }
}

/// Calls a function of the native module `_typing`, which makes type parameters.
fn typing(vm: &mut Vm, function: &str, args: &[Value]) -> Py {
    let make = (vm.interpreter().hooks.typing)(vm, function)?;
    vm.call(&make, args)
}

/// A `StopIteration` that leaves a generator's body is a `RuntimeError` (PEP 479).
fn stop_iteration_error(vm: &mut Vm, frame: *mut Frame, raised: &Value) -> Py {
    // SAFETY: a live frame.
    let flags = unsafe { &*frame }.code().flags();
    let stop = raised.is_instance(&builtin_types::STOP_ITERATION);
    let stop_async = raised.is_instance(&builtin_types::STOP_ASYNC_ITERATION);
    let message = if flags.contains(CodeFlags::ASYNC_GENERATOR) {
        match (stop, stop_async) {
            (true, _) => "async generator raised StopIteration",
            (_, true) => "async generator raised StopAsyncIteration",
            _ => return Ok(raised.clone()),
        }
    } else if !stop {
        return Ok(raised.clone());
    } else if flags.contains(CodeFlags::COROUTINE) {
        "coroutine raised StopIteration"
    } else {
        "generator raised StopIteration"
    };
    let text = taipan_core::str_object::new_str(message);
    let error = vm.call(&builtin_types::RUNTIME_ERROR.to_value(), &[text])?;
    exception::set_cause(vm, &error, Some(raised.clone()));
    exception::set_context(vm, &error, Some(raised.clone()));
    Ok(error)
}
