//! What native code may know of the Python code that called it: globals, builtins, locals, code. All of it is of the thread's
//! running frame; without one (a call from outside of Python) there is nothing.

use crate::code_object::CodeObject;
use crate::frame::{self, Frame};
use crate::function::Cell;
use taipan_bytecode::code::CodeFlags;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::{Obj, Py, Value, Vm};

fn running(vm: &Vm) -> Option<&Frame> {
    let top = frame::top(vm);
    // SAFETY: the top frame is live, or null; it stays the top one while the token is borrowed.
    unsafe { top.as_ref() }
}

/// The globals of the running code.
pub fn globals(vm: &Vm) -> Option<Value> {
    running(vm).map(|frame| frame.globals().to_value())
}

/// The builtins of the running code.
pub fn builtins(vm: &Vm) -> Option<Value> {
    running(vm).map(|frame| frame.builtins().to_value())
}

/// The flags of the running code.
pub fn flags(vm: &Vm) -> Option<CodeFlags> {
    running(vm).map(|frame| frame.code().flags())
}

/// The line that runs.
pub fn line(vm: &Vm) -> Option<u32> {
    running(vm).map(Frame::line)
}

/// `locals()` of the running code: the namespace itself, or for functions a fresh dict of the bound variables.
pub fn locals(vm: &mut Vm) -> Py<Option<Value>> {
    let object = running(vm).and_then(|frame| frame.frame_object.clone());
    if let Some(object) = object
        && crate::frame_locals::has_extra(&object)
    {
        return crate::frame_locals::snapshot(vm, &object).map(Some);
    }
    Ok(own_locals(vm))
}

fn own_locals(vm: &Vm) -> Option<Value> {
    let frame = running(vm)?;
    if let Some(map) = &frame.locals_map {
        return Some(map.clone());
    }
    if !frame.code().flags().contains(CodeFlags::OPTIMIZED) {
        return Some(frame.globals().to_value());
    }
    Some(snapshot(frame::top(vm), frame.code()))
}

/// A dict of the bound variables of a function's frame.
fn snapshot(frame: *mut Frame, code: &Obj<CodeObject>) -> Value {
    let slot = |index: usize| {
        // SAFETY: the frame is live and has a slot for each name.
        unsafe {
            let word = Frame::locals(frame).add(index);
            if *word == 0 {
                None
            } else {
                Some((*word.cast::<Value>()).clone())
            }
        }
    };
    let variables = code.code.varnames.len();
    let in_cell = |index: usize| {
        let cell = slot(index)?;
        match cell.cast::<Cell>() {
            Some(cell) => cell.get(),
            None => None,
        }
    };
    let dict = new_dict();
    let target = dict.expect::<Dict>();
    for (index, name) in code.slot_names.iter().enumerate() {
        let value = if index >= variables {
            in_cell(index)
        } else {
            // A parameter that has become a cell keeps its place in the order.
            slot(index).or_else(|| {
                let cell = code
                    .cell_to_arg
                    .iter()
                    .position(|arg| *arg == Some(index as u32))?;
                in_cell(variables + cell)
            })
        };
        // The variable of an inlined comprehension hides one in a cell.
        if let Some(value) = value
            && (index < variables || target.get_name(name).is_none())
        {
            drop(target.set_name(name, value));
        }
    }
    dict
}
