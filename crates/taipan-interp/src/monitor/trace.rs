//! `sys.settrace` and `sys.setprofile`: one function for each thread, called with frame, event and argument.

use super::moment::{Moment, during};
use super::{PROFILE, TRACE, refresh};
use crate::frame_object::{FrameObject, object_of};
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};
use taipan_core::{Py, Value, Vm, str_object};

/// This thread's functions.
#[derive(Default)]
struct Functions {
    trace: RefCell<Option<Value>>,
    profile: RefCell<Option<Value>>,
    /// Which of the functions for all threads it has adopted, or was born after.
    seen: Cell<[u64; 2]>,
}

/// The functions that were set for all threads last, each with the number of the call that set it. A thread adopts them itself:
/// nobody else touches its functions.
#[derive(Default)]
struct ForAll(Mutex<[(u64, Option<Value>); 2]>);

impl ForAll {
    fn slots(&self) -> MutexGuard<'_, [(u64, Option<Value>); 2]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const TRACE_SLOT: usize = 0;
const PROFILE_SLOT: usize = 1;

/// A thread begins: what was set for all threads is not for it.
pub(super) fn begin(vm: &Vm) {
    let numbers = {
        let slots = vm.interpreter_state::<ForAll>().slots();
        [slots[TRACE_SLOT].0, slots[PROFILE_SLOT].0]
    };
    vm.thread_state::<Functions>().seen.set(numbers);
}

/// Takes over what was set for all threads since it last looked.
pub(super) fn adopt(vm: &Vm) {
    let functions = vm.thread_state::<Functions>();
    let seen = functions.seen.get();
    let new = {
        let slots = vm.interpreter_state::<ForAll>().slots();
        if seen == [slots[TRACE_SLOT].0, slots[PROFILE_SLOT].0] {
            return;
        }
        slots.clone()
    };
    functions.seen.set([new[TRACE_SLOT].0, new[PROFILE_SLOT].0]);
    let [trace, profile] = new;
    let old = [
        (trace.0 != seen[TRACE_SLOT]).then(|| functions.trace.replace(trace.1)),
        (profile.0 != seen[PROFILE_SLOT]).then(|| functions.profile.replace(profile.1)),
    ];
    refresh(vm);
    drop(old);
}

fn set_for_all(vm: &mut Vm, slot: usize, function: Option<Value>) {
    let old = {
        let mut slots = vm.interpreter_state::<ForAll>().slots();
        let number = slots[slot].0 + 1;
        std::mem::replace(&mut slots[slot], (number, function))
    };
    adopt(vm);
    super::ask_all(vm);
    drop(old);
}

/// `sys._settraceallthreads(function)`
pub fn set_trace_for_all(vm: &mut Vm, function: Option<Value>) {
    set_for_all(vm, TRACE_SLOT, function);
}

/// `sys._setprofileallthreads(function)`
pub fn set_profile_for_all(vm: &mut Vm, function: Option<Value>) {
    set_for_all(vm, PROFILE_SLOT, function);
}

/// The bits of `Thread::tracing` that the functions ask for.
pub(super) fn wanted(vm: &Vm) -> u32 {
    let functions = vm.thread_state::<Functions>();
    let trace = if functions.trace.borrow().is_some() {
        TRACE
    } else {
        0
    };
    let profile = if functions.profile.borrow().is_some() {
        PROFILE
    } else {
        0
    };
    trace | profile
}

/// `sys.settrace(function)`
pub fn set_trace(vm: &mut Vm, function: Option<Value>) {
    adopt(vm);
    let old = vm.thread_state::<Functions>().trace.replace(function);
    refresh(vm);
    drop(old);
}

/// `sys.gettrace()`
pub fn get_trace(vm: &Vm) -> Option<Value> {
    adopt(vm);
    vm.thread_state::<Functions>().trace.borrow().clone()
}

/// `sys.setprofile(function)`
pub fn set_profile(vm: &mut Vm, function: Option<Value>) {
    adopt(vm);
    let old = vm.thread_state::<Functions>().profile.replace(function);
    refresh(vm);
    drop(old);
}

/// `sys.getprofile()`
pub fn get_profile(vm: &Vm) -> Option<Value> {
    adopt(vm);
    vm.thread_state::<Functions>().profile.borrow().clone()
}

fn trace_function(frame: &Value) -> Option<Value> {
    frame.expect::<FrameObject>().trace.borrow().clone()
}

fn set_trace_function(frame: &Value, function: Option<Value>) {
    drop(frame.expect::<FrameObject>().trace.replace(function));
}

/// Calls a trace function; what it gives is the frame's own one from then on. A trace function that fails is switched off.
fn call_trace(
    vm: &mut Vm,
    function: &Value,
    moment: Moment,
    frame: &Value,
    event: &str,
    argument: Value,
) -> Py<()> {
    let args = [frame.clone(), str_object::name(event), argument];
    match during(vm, moment, |vm| vm.call(function, &args)) {
        Ok(result) => {
            if !result.is_none() {
                set_trace_function(frame, Some(result));
            }
            Ok(())
        }
        Err(raised) => {
            let error = vm.take_raised(raised);
            set_trace(vm, None);
            set_trace_function(frame, None);
            Err(vm.set_pending(error))
        }
    }
}

/// A frame begins to run: the thread's function decides whether it is traced.
pub(super) fn call(vm: &mut Vm, moment: Moment) -> Py<()> {
    let Some(function) = vm.thread_state::<Functions>().trace.borrow().clone() else {
        return Ok(());
    };
    let object = object_of(vm, moment.frame);
    call_trace(vm, &function, moment, &object, "call", Value::none())
}

/// The frame's object, if it has its own function.
fn traced(moment: Moment) -> Option<(Value, Value)> {
    // SAFETY: a live frame.
    let object = unsafe { (*moment.frame).frame_object.clone() }?;
    let function = trace_function(&object)?;
    Some((object, function))
}

/// An event for the frame's own function.
pub(super) fn local(vm: &mut Vm, moment: Moment, event: &str, argument: Value) -> Py<()> {
    match traced(moment) {
        Some((object, function)) => call_trace(vm, &function, moment, &object, event, argument),
        None => Ok(()),
    }
}

/// A line begins, or a loop on one line begins anew.
pub(super) fn line(vm: &mut Vm, moment: Moment) -> Py<()> {
    match traced(moment) {
        Some((object, function)) if object.expect::<FrameObject>().trace_lines.load(Relaxed) => {
            call_trace(vm, &function, moment, &object, "line", Value::none())
        }
        _ => Ok(()),
    }
}

/// An instruction is about to run.
pub(super) fn opcode(vm: &mut Vm, moment: Moment) -> Py<()> {
    match traced(moment) {
        Some((object, function)) if object.expect::<FrameObject>().trace_opcodes.load(Relaxed) => {
            call_trace(vm, &function, moment, &object, "opcode", Value::none())
        }
        _ => Ok(()),
    }
}

/// An event for the profile function. A profile function that fails is switched off.
pub(super) fn profile(vm: &mut Vm, moment: Moment, event: &str, argument: Value) -> Py<()> {
    let Some(function) = vm.thread_state::<Functions>().profile.borrow().clone() else {
        return Ok(());
    };
    let args = [
        object_of(vm, moment.frame),
        str_object::name(event),
        argument,
    ];
    match during(vm, moment, |vm| vm.call(&function, &args)) {
        Ok(_) => Ok(()),
        Err(raised) => {
            let error = vm.take_raised(raised);
            set_profile(vm, None);
            Err(vm.set_pending(error))
        }
    }
}
