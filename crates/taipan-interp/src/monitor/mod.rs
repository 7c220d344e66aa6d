//! Watching a program run: `sys.settrace`, `sys.setprofile` (in `trace`) and `sys.monitoring` (in `tools`).
//!
//! `Thread::tracing` says whether anybody watches. The dispatch loop exists twice, and the copy that runs while somebody watches
//! calls the hooks here; the other copy has no trace of them. Switching happens where the breaker is looked at. While a callback
//! runs, `tracing` is 0, so callbacks are not watched.

mod moment;
pub(crate) mod parts;
pub mod tools;
pub mod trace;

use crate::dispatch::Exit;
use crate::frame::Frame;
use crate::generator::{self, Input};
use crate::ops::{self, Top};
use crate::quick::{Instr, Quick};
use moment::Moment;
pub(crate) use moment::{land, land_outside, set_line, take_part, unit_of};
use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;
use taipan_bytecode::Op;
use taipan_bytecode::landing::Landing;
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

/// To be called by a new thread.
pub fn begin(vm: &Vm) {
    trace::begin(vm);
    refresh(vm);
}

/// Has all threads work out whether they are watched.
fn ask_all(vm: &Vm) {
    for thread in vm.interpreter().threads().iter() {
        thread.breaker.fetch_or(breaker::TRACE, Relaxed);
    }
}

/// The breaker asks to look whether this thread is watched.
pub(crate) fn asked(vm: &Vm) {
    trace::adopt(vm);
    refresh(vm);
}

/// Works out anew whether this thread is watched. To be called when something was switched on or off.
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
    /// The line of the instruction that ran last; 0 at the beginning and where there is none.
    line: u32,
    /// A conditional jump that ran last: its unit.
    branch: Option<u32>,
}

impl Place {
    /// The place of the instruction that ran last in the frame.
    ///
    /// # Safety
    /// The frame is live.
    pub(crate) unsafe fn of(frame: *mut Frame) -> Place {
        // SAFETY: the caller's promise.
        let this = unsafe { &*frame };
        match this.quick().index(this.ip) {
            0 => Place::default(),
            // SAFETY: the caller's promise.
            index => unsafe { Place::at(frame, index - 1) },
        }
    }

    /// The place of the instruction with a quick index.
    ///
    /// # Safety
    /// The frame is live.
    pub(crate) unsafe fn at(frame: *mut Frame, index: u32) -> Place {
        // SAFETY: the caller's promise.
        let (code, quick) = unsafe { ((*frame).code(), (*frame).quick()) };
        Place {
            line: quick.line(&code.code, quick.unit(index)),
            branch: None,
        }
    }

    /// The place of a frame that was moved: no line begins there.
    ///
    /// # Safety
    /// The frame is live.
    pub(crate) unsafe fn landed(frame: *mut Frame, landing: Landing) -> Place {
        // SAFETY: the caller's promise.
        let code = unsafe { (*frame).code() };
        Place {
            line: code.quick().line(&code.code, landing.unit),
            branch: None,
        }
    }
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
    if this.quick().index(this.ip) == 0 {
        Entry::Start
    } else {
        Entry::Resume
    }
}

/// A frame begins to run, or goes on. Where else it has to go on, if a callback wants so.
#[cold]
#[inline(never)]
pub(crate) fn entered(vm: &mut Vm, frame: *mut Frame, entry: Entry<'_>) -> Py<Option<Landing>> {
    let (event, error) = match entry {
        Entry::Start => (Event::PyStart, None),
        Entry::Resume => (Event::PyResume, None),
        Entry::Throw(error) => (Event::PyThrow, Some(error)),
    };
    let moment = Moment::here(frame, event);
    if on(vm, TOOLS) {
        tools::at(
            vm,
            moment,
            error.map(std::slice::from_ref).unwrap_or_default(),
        )?;
    }
    if on(vm, PROFILE) {
        trace::profile(vm, moment, "call", Value::none())?;
    }
    if on(vm, TRACE) {
        trace::call(vm, moment)?;
    }
    Ok(moment::take_landing(vm))
}

/// An instruction is about to run; `frame.ip` is behind it. `part` says which one of those that are fused into it. Where the
/// frame has to go on instead, if a callback wants so.
#[cold]
#[inline(never)]
pub(crate) fn instruction(
    vm: &mut Vm,
    frame: *mut Frame,
    place: &mut Place,
    part: usize,
) -> Py<Option<Landing>> {
    // SAFETY: the running frame.
    let this = unsafe { &*frame };
    let code = this.code();
    let (code, quick) = (&code.code, this.quick());
    let index = quick.index(this.ip) - 1;
    let own = parts::part(quick, code, index, part);
    let line = quick.line(code, own.start);
    let new_line = line != place.line && quick.starts_line(code, own.start);
    place.line = line;
    let before = |event| Moment::before(frame, event, own.at, own.start);
    if let Some(from) = place.branch.take()
        && on(vm, TOOLS)
    {
        tools::branched(vm, frame, from, own.start)?;
    }
    if new_line {
        if on(vm, TOOLS) {
            tools::line(vm, before(Event::Line), line)?;
        }
        if let Some(landing) = moment::take_landing(vm) {
            return Ok(Some(landing));
        }
        if on(vm, TRACE) {
            trace::line(vm, before(Event::Line))?;
        }
    }
    if let Some(landing) = moment::take_landing(vm) {
        return Ok(Some(landing));
    }
    if !(own.start == 0 && own.op == Op::GenStart) {
        if on(vm, TOOLS) {
            tools::at(vm, before(Event::Instruction), &[])?;
        }
        if on(vm, TRACE) {
            trace::opcode(vm, before(Event::Instruction))?;
        }
    }
    if own.op == Op::JumpAbsolute {
        // SAFETY: the running frame; an instruction of its code.
        let target = unsafe { (*this.ip.sub(1)).arg };
        let to = quick.first_unit(target);
        if on(vm, TOOLS) {
            tools::jumped(vm, before(Event::Jump), to)?;
        }
        // A loop on one line.
        if on(vm, TRACE) && to <= own.start && quick.line(code, to) == line {
            trace::line(vm, before(Event::Jump))?;
        }
    } else if own.op.jumps() {
        place.branch = Some(own.at);
    } else if on(vm, TOOLS) {
        place.branch = parts::async_for(code, own.op, own.at);
    }
    Ok(moment::take_landing(vm))
}

/// Part number `part` of the instruction of a frame as one of its own, and the number of the part after it, 0 if there is none.
///
/// # Safety
/// The frame is live, `instr` is an instruction of its code.
pub(crate) unsafe fn next_part(
    frame: *mut Frame,
    instr: *mut Instr,
    part: usize,
) -> (Instr, usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if matches!(
            (*instr).op,
            Quick::LoadFastAttrSlot | Quick::LoadFastAttrType
        ) {
            // The attribute's half looks at the operand in the general form.
            (*instr).op = Quick::LoadFastAttr;
        }
        parts::split((*frame).quick(), *instr, part)
    }
}

/// A frame returns.
#[cold]
#[inline(never)]
pub(crate) fn returned(vm: &mut Vm, frame: *mut Frame, value: &Value) -> Py<()> {
    left(vm, Moment::here(frame, Event::PyReturn), value)
}

/// A generator's frame yields. Where it has to go on instead, if a callback wants so.
#[cold]
#[inline(never)]
pub(crate) fn yielded(vm: &mut Vm, frame: *mut Frame, value: &Value) -> Py<Option<Landing>> {
    left(vm, Moment::here(frame, Event::PyYield), value)?;
    Ok(moment::take_landing(vm))
}

fn left(vm: &mut Vm, moment: Moment, value: &Value) -> Py<()> {
    if on(vm, TOOLS) {
        tools::at(vm, moment, std::slice::from_ref(value))?;
    }
    if on(vm, PROFILE) {
        trace::profile(vm, moment, "return", value.clone())?;
    }
    if on(vm, TRACE) {
        trace::local(vm, moment, "return", value.clone())?;
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
            tools::at(vm, Moment::here(frame, event), std::slice::from_ref(error))?;
        }
        if on(vm, TRACE) && !again {
            trace_exception(vm, frame, error)?;
        }
        Ok(())
    })();
    replaced(vm, result)
}

/// The handler at a unit takes an exception.
#[cold]
#[inline(never)]
pub(crate) fn handled(
    vm: &mut Vm,
    frame: *mut Frame,
    error: &Value,
    handler: u32,
) -> Option<Value> {
    let result = if on(vm, TOOLS) {
        let moment = Moment::before(frame, Event::ExceptionHandled, handler, handler);
        tools::at(vm, moment, std::slice::from_ref(error))
    } else {
        Ok(())
    };
    replaced(vm, result)
}

/// A frame is left by an exception.
#[cold]
#[inline(never)]
pub(crate) fn unwound(vm: &mut Vm, frame: *mut Frame, error: &Value) -> Option<Value> {
    let moment = Moment::here(frame, Event::PyUnwind);
    let result = (|| {
        if on(vm, TOOLS) {
            tools::at(vm, moment, std::slice::from_ref(error))?;
        }
        if on(vm, PROFILE) {
            trace::profile(vm, moment, "return", Value::none())?;
        }
        if on(vm, TRACE) {
            trace::local(vm, moment, "return", Value::none())?;
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
    let (function, first) = unbind(vm, callable, first);
    let moment = Moment::here(frame, Event::Call);
    if on(vm, TOOLS) {
        tools::at(vm, moment, &[function.clone(), first.clone()])?;
    }
    if on(vm, PROFILE) && is_native(&function) {
        let shown = bound(vm, &function, &first)?;
        trace::profile(vm, moment, "c_call", shown)?;
    }
    let native = !function.is_exact(&builtin_types::FUNCTION);
    Ok(native.then_some((function, first)))
}

/// A bound method is told as its function with its object.
fn unbind(vm: &mut Vm, callable: &Value, first: Option<&Value>) -> (Value, Value) {
    if let Some(method) = callable.cast::<taipan_core::method::Method>() {
        return (method.function.clone(), method.receiver.clone());
    }
    let first = first.cloned().unwrap_or_else(|| tools::missing(vm));
    (callable.clone(), first)
}

/// A call that [`calling`] announced has ended.
#[cold]
#[inline(never)]
pub(crate) fn called(vm: &mut Vm, frame: *mut Frame, call: &(Value, Value), ok: bool) -> Py<()> {
    let (callable, first) = call;
    let (event, text) = if ok {
        (Event::CReturn, "c_return")
    } else {
        (Event::CRaise, "c_exception")
    };
    let moment = Moment::here(frame, event);
    if on(vm, TOOLS) {
        tools::at(vm, moment, &[callable.clone(), first.clone()])?;
    }
    if on(vm, PROFILE) && is_native(callable) {
        let shown = bound(vm, callable, first)?;
        trace::profile(vm, moment, text, shown)?;
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

/// What becomes of a `StopIteration` that ends an iteration: a hook may raise another exception.
fn iteration_ended(vm: &mut Vm, frame: *mut Frame, stop: &Value) -> Py<()> {
    match raised(vm, frame, stop, false) {
        None => Ok(()),
        Some(error) => Err(vm.set_pending(error)),
    }
}

/// A generator has returned, and no `StopIteration` was raised for it: tools are told of the one spared by an event of its own, a trace
/// function as of any other exception. Of a loop's generator that just ends, it hears nothing.
fn stopped(vm: &mut Vm, frame: *mut Frame, value: &Value, in_loop: bool) -> Py<()> {
    let stop = crate::generator::stop_iteration(vm, value.clone());
    let stop = vm.take_raised(stop);
    if on(vm, TRACE) && !(in_loop && value.is_none()) {
        trace_exception(vm, frame, &stop)?;
    }
    if on(vm, TOOLS) {
        let moment = Moment::here(frame, Event::StopIteration);
        tools::at(vm, moment, std::slice::from_ref(&stop))?;
    }
    Ok(())
}

fn trace_exception(vm: &mut Vm, frame: *mut Frame, error: &Value) -> Py<()> {
    let traceback = exception::traceback(vm, error).unwrap_or_else(Value::none);
    let row = tuple_object::new_tuple([error.type_of().to_value(), error.clone(), traceback]);
    trace::local(vm, Moment::here(frame, Event::Raise), "exception", row)
}

/// `LOAD_SUPER_ATTR`, told as the call of `super` that it spares.
///
/// # Safety
/// The loop's contract.
#[cold]
pub(crate) unsafe fn load_super_attr(
    vm: &mut Vm,
    frame: *mut Frame,
    sp: *mut u64,
    arg: u32,
) -> Top {
    // SAFETY: the caller's promise.
    unsafe { load_super(vm, frame, sp, arg, ops::attribute::load_super_attr) }
}

/// `LOAD_SUPER_METHOD`, likewise.
///
/// # Safety
/// The loop's contract.
#[cold]
pub(crate) unsafe fn load_super_method(
    vm: &mut Vm,
    frame: *mut Frame,
    sp: *mut u64,
    arg: u32,
) -> Top {
    // SAFETY: the caller's promise.
    unsafe { load_super(vm, frame, sp, arg, ops::attribute::load_super_method) }
}

type Load = unsafe fn(&mut Vm, *mut Frame, *mut u64, u32) -> Top;

unsafe fn load_super(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, arg: u32, load: Load) -> Top {
    // SAFETY: the loop's contract: `super`, the class and the object are on top of the stack.
    unsafe {
        if !on(vm, TOOLS) {
            return load(vm, frame, sp, arg);
        }
        let function = ops::view(sp, 3).clone();
        let first = if arg & 1 == 1 {
            ops::view(sp, 2).clone()
        } else {
            tools::missing(vm)
        };
        let moment = Moment::here(frame, Event::Call);
        tools::at(vm, moment, &[function.clone(), first.clone()])?;
        let python = function.is_exact(&builtin_types::FUNCTION);
        let call = (function, first);
        match load(vm, frame, sp, arg) {
            result if python => result,
            Ok(top) => called(vm, frame, &call, true)
                .map(|()| top)
                .inspect_err(|_| {
                    // The loop's top is still the old one: nothing is left there.
                    for at in 0..3 {
                        let slot = sp.sub(3 - at);
                        let word = std::mem::replace(&mut *slot, 0);
                        if slot < top.as_ptr() && word != 0 {
                            drop(Value::from_bits(word));
                        }
                    }
                }),
            Err(raised) => Err(call_failed(vm, frame, &call, raised)),
        }
    }
}

/// `FOR_ITER`: the next item. A generator's returned value is told, and a `StopIteration` that an iterator raised.
#[cold]
#[inline(never)]
pub(crate) fn for_iter(vm: &mut Vm, frame: *mut Frame, iterator: &Value) -> Py<Option<Value>> {
    if iterator.is_exact(&builtin_types::GENERATOR) {
        return match generator::resume(vm, iterator, Input::Value(Value::none()))? {
            Exit::Yield(value) => Ok(Some(value)),
            Exit::Return(value) => {
                stopped(vm, frame, &value, true)?;
                Ok(None)
            }
        };
    }
    if !iterator.type_of().is_heap() {
        return crate::ops::container::for_iter(vm, iterator);
    }
    match generator::next_or_raise(vm, iterator) {
        Ok(value) => Ok(Some(value)),
        Err(raised) => {
            let stop = vm.catch(raised, &builtin_types::STOP_ITERATION)?;
            iteration_ended(vm, frame, &stop)?;
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
    if generator::generator_of(delegate).is_some() {
        return stopped(vm, frame, value, false);
    }
    // Those of C that just end do not raise.
    if !delegate.type_of().is_heap() && value.is_none() {
        return Ok(());
    }
    let raised = generator::stop_iteration(vm, value.clone());
    let stop = vm.take_raised(raised);
    iteration_ended(vm, frame, &stop)
}
