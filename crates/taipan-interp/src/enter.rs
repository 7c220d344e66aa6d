//! The ways into the loop: calling, throwing, and changing between its plain and its watched copy.

use crate::dispatch::run_loop;
use crate::frame::{self, Frame};
use crate::{monitor, unwind};
use taipan_core::vm::breaker;
use taipan_core::{Py, Raised, Value, Vm};

/// How a frame was left.
pub enum Exit {
    Return(Value),
    /// The generator's frame is suspended.
    Yield(Value),
}

/// Runs `frame`, which is the thread's top frame and flagged ENTRY, until it returns, yields or raises.
/// After a return or an error the frame is gone (or, a generator's, cleared).
#[inline]
pub fn run(vm: &mut Vm, entry: *mut Frame) -> Py<Exit> {
    if vm.thread().tracing.get() != 0 {
        return run_watched(vm, entry);
    }
    run_from(vm, entry, entry)
}

/// [`run`] with the event of the frame's beginning.
#[cold]
fn run_watched(vm: &mut Vm, entry: *mut Frame) -> Py<Exit> {
    // SAFETY: a live frame.
    let kind = unsafe { monitor::entry_of(entry) };
    match monitor::entered(vm, entry, kind) {
        Ok(None) => run_from(vm, entry, entry),
        Ok(Some(landing)) => {
            // SAFETY: the top frame, for which the callback was.
            unsafe { monitor::land_outside(vm, entry, landing) };
            match run_loop::<true>(vm, entry, entry)? {
                Some(exit) => Ok(exit),
                None => {
                    let top = frame::top(vm);
                    run_from(vm, top, entry)
                }
            }
        }
        Err(raised) => handle(vm, entry, raised),
    }
}

/// Like [`run`] for a frame that goes on by raising the pending exception (`throw()`).
pub fn run_raising(vm: &mut Vm, entry: *mut Frame, raised: Raised) -> Py<Exit> {
    if vm.thread().tracing.get() == 0 {
        return handle(vm, entry, raised);
    }
    let error = vm.take_raised(raised);
    let raised = match monitor::entered(vm, entry, monitor::Entry::Throw(&error)) {
        Ok(_) => vm.set_pending(error),
        Err(raised) => raised,
    };
    handle(vm, entry, raised)
}

/// Goes on where the pending exception is handled.
fn handle(vm: &mut Vm, entry: *mut Frame, raised: Raised) -> Py<Exit> {
    let mut frame = entry;
    // SAFETY: a live frame.
    let sp = unsafe { Frame::stack(frame).add((*frame).depth as usize) };
    unwind::find_handler(vm, &mut frame, sp, raised, entry, true, None)?;
    run_from(vm, frame, entry)
}

/// Runs the copy of the loop that fits: it ends early when watching is switched on or off. Then the loop that called this one is
/// told too: it may be the wrong one now.
#[inline]
fn run_from(vm: &mut Vm, start: *mut Frame, entry: *mut Frame) -> Py<Exit> {
    let mut frame = start;
    let watched = vm.thread().tracing.get() != 0;
    let result = loop {
        let exit = if vm.thread().tracing.get() == 0 {
            run_loop::<false>(vm, frame, entry)
        } else {
            run_loop::<true>(vm, frame, entry)
        };
        match exit {
            Ok(Some(exit)) => break Ok(exit),
            Ok(None) => frame = frame::top(vm),
            Err(raised) => break Err(raised),
        }
    };
    if watched != (vm.thread().tracing.get() != 0) {
        vm.request(breaker::TRACE);
    }
    result
}

/// Serves the breaker. Being watched or not is settled by the caller.
#[cold]
#[inline(never)]
pub(crate) fn poll(vm: &mut Vm) -> Py<()> {
    use std::sync::atomic::Ordering::Relaxed;
    let breaker = &vm.thread().breaker;
    let before = breaker.fetch_and(!taipan_core::vm::breaker::TRACE, Relaxed);
    if before & taipan_core::vm::breaker::TRACE != 0 {
        monitor::asked(vm);
    }
    vm.safepoint()
}
