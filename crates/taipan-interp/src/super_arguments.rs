//! `super()` without arguments where the compiler did not see that it is `super`: class and receiver come from the calling frame.

use crate::frame::{self, Frame};
use crate::function::Cell;
use std::mem::ManuallyDrop;
use taipan_core::type_object::Type;
use taipan_core::{Py, Value, Vm};

/// `__class__` and the first argument of the running function.
pub fn super_arguments(vm: &mut Vm) -> Py<(Value, Value)> {
    let top = frame::top(vm);
    if top.is_null() {
        return Err(vm.runtime_error("super(): no current frame"));
    }
    // SAFETY: the thread's top frame is live while it runs.
    let code = unsafe { (*top).code() };
    if code.code.argcount == 0 {
        return Err(vm.runtime_error("super(): no arguments"));
    }
    // A captured argument has moved to its cell.
    let captured = code
        .code
        .varnames
        .first()
        .and_then(|name| code.code.cellvars.iter().position(|cell| cell == name));
    let first = match captured {
        Some(at) => slot(top, 0)
            .or_else(|| slot(top, code.code.varnames.len() + at))
            .and_then(contents),
        None => slot(top, 0),
    };
    let Some(first) = first else {
        return Err(vm.runtime_error("super(): arg[0] deleted"));
    };
    let Some(at) = code
        .code
        .freevars
        .iter()
        .position(|name| &**name == "__class__")
    else {
        return Err(vm.runtime_error("super(): __class__ cell not found"));
    };
    let cell = slot(
        top,
        code.code.varnames.len() + code.code.cellvars.len() + at,
    );
    let Some(class) = cell.and_then(contents) else {
        return Err(vm.runtime_error("super(): empty __class__ cell"));
    };
    if class.cast::<Type>().is_none() {
        let given = class.type_of().name();
        return Err(vm.runtime_error(format!("super(): __class__ is not a type ({given})")));
    }
    Ok((class, first))
}

/// What is in a slot of the frame's locals.
fn slot(frame: *mut Frame, index: usize) -> Option<Value> {
    // SAFETY: `index` is within the slots of the frame's code; the word stays the frame's, the clone counts its own reference.
    unsafe {
        let word = *Frame::locals(frame).wrapping_add(index);
        if word == 0 {
            return None;
        }
        let value = ManuallyDrop::new(Value::from_bits(word));
        Some(Value::clone(&value))
    }
}

/// The value itself, or what the cell holds that has it.
fn contents(value: Value) -> Option<Value> {
    match value.cast::<Cell>() {
        Some(cell) => cell.get(),
        None => Some(value),
    }
}
