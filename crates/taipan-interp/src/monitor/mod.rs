//! Watching a program run: `sys.settrace`, `sys.setprofile` (in `trace`) and `sys.monitoring` (in `tools`).
//!
//! `Thread::tracing` says whether anybody watches. The dispatch loop exists twice, and the copy that runs while somebody watches
//! calls the hooks here; the other copy has no trace of them. Switching happens where the breaker is looked at. While a callback
//! runs, `tracing` is 0, so callbacks are not watched.

pub mod tools;
pub mod trace;

use crate::dispatch::Exit;
use crate::frame::Frame;
use crate::generator::{self, Input};
use crate::quick::{Instr, Quick, QuickCode};
use std::cell::Cell;
use taipan_core::vm::breaker;
use taipan_core::{Py, Raised, Value, Vm, builtin_types, exception, tuple_object};
use tools::Event;

/// Bits of `Thread::tracing`.
pub(crate) const TRACE: u32 = 1;
pub(crate) const PROFILE: u32 = 2;
pub(crate) const TOOLS: u32 = 4;

/// Callbacks under way on this thread.
#[derive(Default)]
struct Depth {
    inside: Cell<u32>,
}

/// What `Thread::tracing` is outside of callbacks.
fn bits(vm: &Vm) -> u32 {
    trace::wanted(vm) | if tools::active(vm) { TOOLS } else { 0 }
}

/// Works out anew whether this thread is watched. To be called when something was switched on or off, and by new threads.
pub fn refresh(vm: &Vm) {
    if vm.thread_state::<Depth>().inside.get() > 0 {
        return;
    }
    let bits = bits(vm);
    if vm.thread().tracing.replace(bits) != bits {
        vm.request(breaker::TRACE);
    }
}

/// Runs a callback, unwatched.
pub(crate) fn unwatched<T>(vm: &mut Vm, run: impl FnOnce(&mut Vm) -> T) -> T {
    let inside = &vm.thread_state::<Depth>().inside;
    inside.set(inside.get() + 1);
    let before = vm.thread().tracing.replace(0);
    let result = run(vm);
    inside.set(inside.get() - 1);
    if inside.get() == 0 {
        let bits = bits(vm);
        vm.thread().tracing.set(bits);
        if (bits == 0) != (before == 0) {
            vm.request(breaker::TRACE);
        }
    }
    result
}

/// `sys.call_tracing(function, args)`: calls with watching switched on, from within a callback.
pub fn call_tracing(vm: &mut Vm, function: &Value, args: &[Value]) -> Py {
    let inside = &vm.thread_state::<Depth>().inside;
    let saved = inside.replace(0);
    let before = vm.thread().tracing.replace(bits(vm));
    let result = vm.call(function, args);
    inside.set(saved);
    vm.thread().tracing.set(before);
    result
}

/// Where a frame last was, as far as line events go.
#[derive(Clone, Copy, Default)]
pub struct Place {
    /// 0: anywhere; the next instruction with a line begins a new one.
    line: u32,
    unit: u32,
    /// The jump that ran last: its unit and quick index.
    jump: Option<(u32, u32)>,
}

impl Place {
    /// The place of the instruction that ran last in the frame.
    ///
    /// # Safety
    /// The frame is live.
    pub(crate) unsafe fn of(frame: *mut Frame) -> Place {
        // SAFETY: the caller's promise.
        let this = unsafe { &*frame };
        let quick = this.code().quick();
        match quick.index(this.ip) {
            0 => Place::default(),
            index => {
                let (unit, line) = place_of(this, quick, index - 1, true);
                Place {
                    line,
                    unit,
                    jump: None,
                }
            }
        }
    }
}

/// Unit and line of a quick instruction; of the second half of a fused one if wanted.
fn place_of(frame: &Frame, quick: &QuickCode, index: u32, second: bool) -> (u32, u32) {
    let lines = quick.lines(&frame.code().code);
    let unit = if second {
        quick.last_unit(index)
    } else {
        quick.first_unit(index)
    };
    (unit, lines.get(unit as usize).copied().unwrap_or(0))
}

/// The halves of a fused instruction that may lie on two lines.
pub(crate) fn split(instr: Instr) -> Option<(Instr, Instr)> {
    let (first, second) = match instr.op {
        Quick::LoadFastLoadFast => (Quick::LoadFast, Quick::LoadFast),
        Quick::LoadFastLoadConst => (Quick::LoadFast, Quick::LoadConst),
        Quick::StoreFastLoadFast => (Quick::StoreFast, Quick::LoadFast),
        _ => return None,
    };
    Some((
        Instr {
            op: first,
            arg: instr.arg & 0xFFFF,
            ..instr
        },
        Instr {
            op: second,
            arg: instr.arg >> 16,
            ..instr
        },
    ))
}

fn on(vm: &Vm, bits: u32) -> bool {
    vm.thread().tracing.get() & bits != 0
}

// ---- the hooks of the watched loop ----

/// How a frame comes to run.
pub(crate) enum Entry<'a> {
    Start,
    Resume,
    Throw(&'a Value),
}

/// Is the frame new, or does it go on after a yield?
///
/// # Safety
/// The frame is live.
pub(crate) unsafe fn entry_of<'a>(frame: *mut Frame) -> Entry<'a> {
    // SAFETY: the caller's promise.
    let this = unsafe { &*frame };
    if this.code().quick().index(this.ip) == 0 {
        Entry::Start
    } else {
        Entry::Resume
    }
}

/// A frame begins to run.
#[cold]
#[inline(never)]
pub(crate) fn entered(vm: &mut Vm, frame: *mut Frame, entry: Entry<'_>) -> Py<()> {
    if on(vm, TOOLS) {
        match entry {
            Entry::Start => tools::at(vm, frame, Event::PyStart, &[])?,
            Entry::Resume => tools::at(vm, frame, Event::PyResume, &[])?,
            Entry::Throw(error) => {
                tools::at(vm, frame, Event::PyThrow, std::slice::from_ref(error))?
            }
        }
    }
    if on(vm, PROFILE) {
        trace::profile(vm, frame, "call", Value::none())?;
    }
    if on(vm, TRACE) {
        trace::call(vm, frame)?;
    }
    Ok(())
}

/// An instruction is about to run; `frame.ip` is behind it.
#[cold]
#[inline(never)]
pub(crate) fn instruction(
    vm: &mut Vm,
    frame: *mut Frame,
    place: &mut Place,
    second: bool,
) -> Py<()> {
    // SAFETY: the running frame.
    let this = unsafe { &*frame };
    let quick = this.code().quick();
    let index = quick.index(this.ip) - 1;
    let (unit, line) = place_of(this, quick, index, second);
    // SAFETY: an instruction of this code.
    let op = unsafe { (*quick.at(index)).op };
    let backward = unit <= place.unit && place.line != 0;
    let new_line = line != 0 && line != place.line;
    let jump = place.jump.take();
    place.unit = unit;
    if line != 0 {
        place.line = line;
    }
    if on(vm, TOOLS) {
        if let Some((from, from_index)) = jump {
            tools::jumped(vm, frame, from, from_index, unit, index)?;
        }
        // A line begins at its first unit, wherever control comes from.
        if new_line || line != 0 && quick.starts_line(&this.code().code, unit) {
            tools::line(vm, frame, unit, line)?;
        }
        tools::at(vm, frame, Event::Instruction, &[])?;
        if is_jump(op) {
            place.jump = Some((unit, index));
        }
    }
    if on(vm, TRACE) && op != Quick::GenStart {
        trace::instruction(vm, frame, line, new_line || backward && line != 0)?;
    }
    Ok(())
}

/// Is it a jump, conditional or not?
fn is_jump(op: Quick) -> bool {
    matches!(
        op,
        Quick::JumpAbsolute
            | Quick::PopJumpIfFalse
            | Quick::PopJumpIfTrue
            | Quick::PopJumpIfNone
            | Quick::PopJumpIfNotNone
            | Quick::JumpIfFalseOrPop
            | Quick::JumpIfTrueOrPop
            | Quick::ForIter
            | Quick::ForIterStoreFast
            | Quick::CompareJumpIfFalse
            | Quick::CompareJumpIfTrue
    )
}

/// A frame returns.
#[cold]
#[inline(never)]
pub(crate) fn returned(vm: &mut Vm, frame: *mut Frame, value: &Value) -> Py<()> {
    left(vm, frame, Event::PyReturn, value)
}

/// A generator's frame yields.
#[cold]
#[inline(never)]
pub(crate) fn yielded(vm: &mut Vm, frame: *mut Frame, value: &Value) -> Py<()> {
    left(vm, frame, Event::PyYield, value)
}

fn left(vm: &mut Vm, frame: *mut Frame, event: Event, value: &Value) -> Py<()> {
    if on(vm, TOOLS) {
        tools::at(vm, frame, event, std::slice::from_ref(value))?;
    }
    if on(vm, PROFILE) {
        trace::profile(vm, frame, "return", value.clone())?;
    }
    if on(vm, TRACE) {
        trace::local(vm, frame, "return", value.clone())?;
    }
    Ok(())
}

/// What a hook that failed makes of the exception on its way: the hook's own one takes its place.
fn replaced(vm: &mut Vm, result: Py<()>) -> Option<Value> {
    result.err().map(|raised: Raised| vm.take_raised(raised))
}

/// An exception is raised in, or comes into, a frame. The exception that goes on instead, if any.
#[cold]
#[inline(never)]
pub(crate) fn raised(vm: &mut Vm, frame: *mut Frame, error: &Value, again: bool) -> Option<Value> {
    let result = (|| {
        if on(vm, TOOLS) {
            let event = if again { Event::Reraise } else { Event::Raise };
            tools::at(vm, frame, event, std::slice::from_ref(error))?;
        }
        if on(vm, TRACE) && !again {
            let traceback = exception::traceback(vm, error).unwrap_or_else(Value::none);
            let row =
                tuple_object::new_tuple([error.type_of().to_value(), error.clone(), traceback]);
            trace::local(vm, frame, "exception", row)?;
        }
        Ok(())
    })();
    replaced(vm, result)
}

/// A handler takes an exception.
#[cold]
#[inline(never)]
pub(crate) fn handled(vm: &mut Vm, frame: *mut Frame, error: &Value) -> Option<Value> {
    let result = if on(vm, TOOLS) {
        tools::at(
            vm,
            frame,
            Event::ExceptionHandled,
            std::slice::from_ref(error),
        )
    } else {
        Ok(())
    };
    replaced(vm, result)
}

/// A frame is left by an exception.
#[cold]
#[inline(never)]
pub(crate) fn unwound(vm: &mut Vm, frame: *mut Frame, error: &Value) -> Option<Value> {
    let result = (|| {
        if on(vm, TOOLS) {
            tools::at(vm, frame, Event::PyUnwind, std::slice::from_ref(error))?;
        }
        if on(vm, PROFILE) {
            trace::profile(vm, frame, "return", Value::none())?;
        }
        if on(vm, TRACE) {
            trace::local(vm, frame, "return", Value::none())?;
        }
        Ok(())
    })();
    replaced(vm, result)
}

/// Is it implemented in Rust, so that profilers are told of its calls?
fn is_native(callable: &Value) -> bool {
    callable.is_exact(&builtin_types::NATIVE_FUNCTION)
        || callable.is_exact(&builtin_types::METHOD_DESCRIPTOR)
        || callable.is_exact(&builtin_types::METHOD_WRAPPER)
        || callable.is_exact(&builtin_types::WRAPPER_DESCRIPTOR)
        || callable.is_exact(&builtin_types::CLASSMETHOD_DESCRIPTOR)
}

/// What a profiler is shown of a method descriptor that is called with its object: the bound method.
fn bound(vm: &mut Vm, callable: &Value, first: &Value) -> Py {
    if callable.is_exact(&builtin_types::METHOD_DESCRIPTOR)
        && let Some(get) = callable.type_of().slots().descr_get
    {
        match get(vm, callable, Some(first), first.type_of()) {
            Ok(method) => return Ok(method),
            Err(raised) => drop(vm.catch(raised, &builtin_types::TYPE_ERROR)?),
        }
    }
    Ok(callable.clone())
}

/// A call instruction is about to call. The callable, if the end of the call is of interest too.
#[cold]
#[inline(never)]
pub(crate) fn calling(
    vm: &mut Vm,
    frame: *mut Frame,
    callable: &Value,
    first: Option<&Value>,
) -> Py<Option<(Value, Value)>> {
    let native =
        !callable.is_exact(&builtin_types::FUNCTION) && !callable.is_exact(&builtin_types::METHOD);
    let first = first.cloned().unwrap_or_else(|| tools::missing(vm));
    if on(vm, TOOLS) {
        tools::at(vm, frame, Event::Call, &[callable.clone(), first.clone()])?;
    }
    if on(vm, PROFILE) && is_native(callable) {
        let shown = bound(vm, callable, &first)?;
        trace::profile(vm, frame, "c_call", shown)?;
    }
    Ok(if native {
        Some((callable.clone(), first))
    } else {
        None
    })
}

/// A call that [`calling`] announced has ended.
#[cold]
#[inline(never)]
pub(crate) fn called(vm: &mut Vm, frame: *mut Frame, call: &(Value, Value), ok: bool) -> Py<()> {
    let (callable, first) = call;
    if on(vm, TOOLS) {
        let event = if ok { Event::CReturn } else { Event::CRaise };
        tools::at(vm, frame, event, &[callable.clone(), first.clone()])?;
    }
    if on(vm, PROFILE) && is_native(callable) {
        let shown = bound(vm, callable, first)?;
        trace::profile(
            vm,
            frame,
            if ok { "c_return" } else { "c_exception" },
            shown,
        )?;
    }
    Ok(())
}

/// A call that [`calling`] announced has failed; the error that goes on.
#[cold]
#[inline(never)]
pub(crate) fn call_failed(
    vm: &mut Vm,
    frame: *mut Frame,
    call: &(Value, Value),
    raised: Raised,
) -> Raised {
    let error = vm.take_raised(raised);
    match called(vm, frame, call, false) {
        Ok(()) => vm.set_pending(error),
        Err(raised) => raised,
    }
}

/// The `StopIteration` that the end of a generator would be, had it not been spared.
fn stopped(vm: &mut Vm, frame: *mut Frame, value: &Value) -> Py<()> {
    let raised = crate::generator::stop_iteration(vm, value.clone());
    let error = vm.take_raised(raised);
    if on(vm, TOOLS) {
        tools::at(
            vm,
            frame,
            Event::StopIteration,
            std::slice::from_ref(&error),
        )?;
    }
    if on(vm, TRACE) {
        let row = tuple_object::new_tuple([error.type_of().to_value(), error, Value::none()]);
        trace::local(vm, frame, "exception", row)?;
    }
    Ok(())
}

/// `FOR_ITER`: the next item. A generator's returned value is told.
#[cold]
#[inline(never)]
pub(crate) fn for_iter(vm: &mut Vm, frame: *mut Frame, iterator: &Value) -> Py<Option<Value>> {
    if !iterator.is_exact(&builtin_types::GENERATOR) {
        return crate::ops::container::for_iter(vm, iterator);
    }
    match generator::resume(vm, iterator, Input::Value(Value::none()))? {
        Exit::Yield(value) => Ok(Some(value)),
        Exit::Return(value) => {
            if !value.is_none() {
                stopped(vm, frame, &value)?;
            }
            Ok(None)
        }
    }
}

/// What a generator or coroutine delegates to has returned.
#[cold]
#[inline(never)]
pub(crate) fn delegate_ended(
    vm: &mut Vm,
    frame: *mut Frame,
    delegate: &Value,
    value: &Value,
) -> Py<()> {
    if generator::generator_of(delegate).is_none() {
        return Ok(());
    }
    stopped(vm, frame, value)
}
