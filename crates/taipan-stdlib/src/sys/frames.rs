//! Looking at the call stack.

use crate::audit::audit;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::number::int_from_u64;
use taipan_core::{Bound, Py, Thread, Value, Vm};
use taipan_interp::frame_object::{self, FrameObject};
use taipan_interp::function::Function;

/// The frame object `depth` calls up.
pub fn frame_at(vm: &mut Vm, depth: usize) -> Option<Value> {
    frame_object::nth(vm, depth)
}

/// A depth argument; negative ones mean 0.
fn depth(vm: &mut Vm, depth: Option<&Value>) -> Py<usize> {
    match depth {
        Some(depth) => Ok(vm.index_i64(depth)?.max(0) as usize),
        None => Ok(0),
    }
}

pub(super) fn getframe(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let depth = depth(vm, args.first())?;
    match frame_at(vm, depth) {
        Some(frame) => {
            audit(vm, "sys._getframe", || vec![frame.clone()])?;
            Ok(frame)
        }
        None => Err(vm.value_error("call stack is not deep enough")),
    }
}

pub(super) fn getframemodulename(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let depth = depth(vm, args.get(0))?;
    audit(vm, "sys._getframemodulename", || {
        vec![Value::int(depth as i64)]
    })?;
    let Some(found) = frame_at(vm, depth) else {
        return Ok(Value::none());
    };
    let module = found.cast::<FrameObject>().and_then(|frame| {
        let function = frame.function.cast::<Function>()?;
        function.lock(vm).module.clone()
    });
    Ok(module.unwrap_or_else(Value::none))
}

/// A dict from each thread's ident to what `show` gives for it.
fn by_thread(vm: &mut Vm, mut show: impl FnMut(&mut Vm, &'static Thread) -> Option<Value>) -> Py {
    let dict = new_dict();
    // What the threads are at is looked at while they stand still.
    let shown = vm.stop_the_world(|vm| {
        let threads = vm.interpreter().threads().clone();
        let mut shown = Vec::with_capacity(threads.len());
        for thread in threads {
            if let Some(value) = show(vm, thread) {
                shown.push((thread, value));
            }
        }
        shown
    });
    for (thread, value) in shown {
        let ident = int_from_u64(thread.ident.get());
        dict.expect::<Dict>().insert(vm, &ident, value)?;
    }
    Ok(dict)
}

pub(super) fn current_frames(vm: &mut Vm, _module: &Value) -> Py {
    audit(vm, "sys._current_frames", Vec::new)?;
    by_thread(vm, |vm, thread| {
        taipan_interp::frame_object::top_of(vm, thread)
    })
}

pub(super) fn current_exceptions(vm: &mut Vm, _module: &Value) -> Py {
    audit(vm, "sys._current_exceptions", Vec::new)?;
    by_thread(vm, |_, thread| {
        Some(thread.handled().unwrap_or_else(Value::none))
    })
}
