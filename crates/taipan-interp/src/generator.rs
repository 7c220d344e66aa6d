//! Generators, coroutines and async generators: frames that are set aside. What Python sees of them is in `generator_type`.

use crate::dispatch::{self, Exit};
use crate::frame::{self, DELEGATE, ENTRY, Frame, INLINE_GENERATOR};
use crate::quick::Quick;
use std::cell::UnsafeCell;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8,
    Ordering::{AcqRel, Acquire, Relaxed, Release},
};
use taipan_bytecode::code::CodeFlags;
use taipan_bytecode::ops::Intrinsic1;
use taipan_core::latch::Latch;
use taipan_core::payload::{Payload, Tracer};
use taipan_core::world;
use taipan_core::{
    Handling, Obj, Py, Raised, TypeObject, Value, Vm, alloc, builtin_types, exception, name,
};

/// What a generator is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum State {
    Created,
    Suspended,
    Running,
    Closed,
}

/// A [`State`] that threads may look at, and of which one at a time makes it `Running`.
struct Course(AtomicU8);

impl Course {
    #[inline(always)]
    fn get(&self) -> State {
        match self.0.load(Acquire) {
            0 => State::Created,
            1 => State::Suspended,
            2 => State::Running,
            _ => State::Closed,
        }
    }

    #[inline(always)]
    fn set(&self, state: State) {
        self.0.store(state as u8, Release);
    }

    /// Makes a generator that is created or suspended a running one, for this thread; gives what it was.
    #[inline(always)]
    fn claim(&self) -> Option<State> {
        let state = self.get();
        if matches!(state, State::Running | State::Closed) {
            return None;
        }
        if !world::is_shared() {
            self.set(State::Running);
            return Some(state);
        }
        self.0
            .compare_exchange(state as u8, State::Running as u8, AcqRel, Relaxed)
            .is_ok()
            .then_some(state)
    }
}

/// Payload of generators, coroutines and async generators alike.
pub struct Generator {
    frame: AtomicPtr<Frame>,
    words: usize,
    state: Course,
    /// The code object, which outlives the frame.
    pub code: Value,
    name: Latch<Value>,
    qualname: Latch<Value>,
    /// The exception being handled inside, while suspended.
    handled: UnsafeCell<Option<Value>>,
    /// The caller's exception being handled, while running.
    caller_handled: UnsafeCell<Handling>,
    /// Where a coroutine was made (`cr_origin`), or an async generator's finaliser hook.
    extra: Latch<Option<Value>>,
    /// Async generators: hooks were called / closed / an `asend` or `athrow` is under way.
    pub hooks_called: AtomicBool,
    pub async_closed: AtomicBool,
    pub async_running: AtomicBool,
}

// SAFETY: frame and cells belong to the thread that has made the state `Running`.
unsafe impl Sync for Generator {}

// SAFETY: all references are reported, those in the suspended frame too; a running frame's are on the stack, thus roots.
unsafe impl Payload for Generator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &builtin_types::GENERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        unsafe {
            tracer.visit(&self.code);
            tracer.visit(&self.name.borrow());
            tracer.visit(&self.qualname.borrow());
            tracer.visit_option(&*self.handled.get());
            (*self.caller_handled.get()).trace(tracer);
            tracer.visit_option(&self.extra.borrow());
            let frame = self.frame.load(Acquire);
            if !frame.is_null() && self.state.get() != State::Running {
                frame::trace(frame, tracer);
            }
        }
    }
}

impl Drop for Generator {
    fn drop(&mut self) {
        let frame = self.frame.load(Acquire);
        if !frame.is_null() {
            // SAFETY: the generator is dead, its frame does not run.
            unsafe {
                frame::clear_frame(frame, (*frame).depth as usize);
                frame::free_heap_frame(frame, self.words);
            }
        }
    }
}

impl Generator {
    pub fn state(&self) -> State {
        self.state.get()
    }

    /// The frame, unless closed.
    pub fn frame(&self) -> Option<*mut Frame> {
        let frame = self.frame.load(Acquire);
        if frame.is_null() { None } else { Some(frame) }
    }

    pub fn name(&self) -> Value {
        self.name.borrow().clone()
    }

    pub fn qualname(&self) -> Value {
        self.qualname.borrow().clone()
    }

    pub fn set_name(&self, name: Value) {
        drop(self.name.replace(name));
    }

    pub fn set_qualname(&self, name: Value) {
        drop(self.qualname.replace(name));
    }

    /// What it awaits or delegates to: the iterator of the `YIELD_FROM` it is suspended at.
    pub fn delegate(&self) -> Option<Value> {
        let frame = self.frame()?;
        if self.state.get() != State::Suspended {
            return None;
        }
        if !world::is_shared() {
            return Generator::delegate_of(frame);
        }
        let before = self.state.claim()?;
        let delegate = Generator::delegate_of(frame);
        self.state.set(before);
        delegate
    }

    fn delegate_of(frame: *mut Frame) -> Option<Value> {
        // SAFETY: a suspended frame that no other thread resumes now; at a YIELD_FROM the iterator is on top of its stack.
        unsafe {
            if (*(*frame).ip).op != Quick::YieldFrom || (*frame).depth == 0 {
                return None;
            }
            let top = Frame::stack(frame).add((*frame).depth as usize - 1);
            if *top == 0 {
                None
            } else {
                Some((*top.cast::<Value>()).clone())
            }
        }
    }
}

/// The generator-like object behind a value.
#[inline]
pub fn generator_of(value: &Value) -> Option<&Obj<Generator>> {
    if !value.is_object() {
        return None;
    }
    let ty = value.type_of();
    if std::ptr::eq(ty, &builtin_types::GENERATOR)
        || std::ptr::eq(ty, &builtin_types::COROUTINE)
        || std::ptr::eq(ty, &builtin_types::ASYNC_GENERATOR)
    {
        // SAFETY: the three types share the payload and cannot be subclassed.
        Some(unsafe { value.cast_unchecked::<Generator>() })
    } else {
        None
    }
}

/// Makes the object for a fresh heap frame.
pub(crate) fn create(vm: &mut Vm, frame: *mut Frame) -> Value {
    // SAFETY: a live frame.
    let (function, flags, code, words) = unsafe {
        let code = (*frame).code();
        (
            (*frame).function.clone(),
            code.flags(),
            code.to_value(),
            frame::frame_words(code),
        )
    };
    let function = function.expect::<crate::function::Function>();
    let ty = if flags.contains(CodeFlags::COROUTINE) {
        &builtin_types::COROUTINE
    } else if flags.contains(CodeFlags::ASYNC_GENERATOR) {
        &builtin_types::ASYNC_GENERATOR
    } else {
        &builtin_types::GENERATOR
    };
    let value = alloc::new_instance(
        ty,
        Generator {
            frame: AtomicPtr::new(frame),
            words,
            state: Course(AtomicU8::new(State::Created as u8)),
            code,
            name: Latch::new(function.name()),
            qualname: Latch::new(function.qualname()),
            handled: UnsafeCell::new(None),
            caller_handled: UnsafeCell::new(Handling::default()),
            extra: Latch::new(None),
            hooks_called: AtomicBool::new(false),
            async_closed: AtomicBool::new(false),
            async_running: AtomicBool::new(false),
        },
    );
    // SAFETY: the frame starts with the None of the first send missing: it is pushed when that send comes.
    unsafe { (*frame).generator = value.bits() };
    if flags.contains(CodeFlags::COROUTINE) {
        crate::generator_type::record_origin(vm, &value);
    }
    value
}

fn owner<'a>(frame: *mut Frame) -> &'a Obj<Generator> {
    // SAFETY: a generator's frame names its owner, which lives while the frame runs: whoever resumed it holds it.
    unsafe { &*((*frame).generator as *const Obj<Generator>) }
}

/// No generator runs deeper than this, whatever the recursion limit: their frames are on the heap, so that nothing else would
/// stop a generator that iterates over itself before memory is full.
const MAX_DEPTH: u32 = 1 << 20;

/// Makes the frame of a generator that this thread has claimed the running one. The value to send is on its stack already, or it will raise.
/// The caller has seen that there is room for it ([`has_room`]).
fn link(vm: &mut Vm, generator: &Obj<Generator>, frame: *mut Frame, flags: u32) {
    let thread = vm.thread();
    thread.depth.set(thread.depth.get() + 1);
    // SAFETY: a claimed generator's frame is this thread's.
    unsafe { frame::bring_to(thread, frame) };
    // SAFETY: a suspended frame that only this thread resumes.
    unsafe {
        (*frame).previous = thread.frame.get() as *mut Frame;
        (*frame).flags = frame::GENERATOR | flags;
        let own = (*generator.handled.get()).take();
        *generator.caller_handled.get() = vm.enter_handling(own);
    }
    thread.frame.set(frame.cast());
}

/// The opposite of [`link`], on suspension.
fn unlink(vm: &mut Vm, generator: &Obj<Generator>, frame: *mut Frame) -> *mut Frame {
    unlink_as(vm, generator, frame, State::Suspended)
}

fn unlink_as(
    vm: &mut Vm,
    generator: &Obj<Generator>,
    frame: *mut Frame,
    state: State,
) -> *mut Frame {
    let thread = vm.thread();
    // SAFETY: the frame just ran on this thread.
    unsafe {
        let previous = (*frame).previous;
        (*frame).previous = std::ptr::null_mut();
        thread.frame.set(previous.cast());
        thread.depth.set(thread.depth.get() - 1);
        let before = std::mem::take(&mut *generator.caller_handled.get());
        *generator.handled.get() = vm.leave_handling(before);
        // From here on another thread may resume it.
        generator.state.set(state);
        previous
    }
}

/// Ends a generator whose frame returned or raised: clears and frees the frame.
pub(crate) fn finish(vm: &mut Vm, frame: *mut Frame, left: usize) {
    let generator = owner(frame);
    // The object must outlive the clearing of its frame.
    let keep = generator.to_value();
    unlink_as(vm, generator, frame, State::Running);
    generator.frame.store(std::ptr::null_mut(), Release);
    generator.state.set(State::Closed);
    // SAFETY: nobody else knows the frame any more, but a frame object, which detaches.
    unsafe {
        drop((*generator.handled.get()).take());
        frame::clear_frame(frame, left);
        frame::free_heap_frame(frame, generator.words);
    }
    drop(keep);
}

/// Is there room for one more frame? No generator runs deeper than [`MAX_DEPTH`], whatever the recursion limit.
#[inline]
fn has_room(vm: &Vm) -> bool {
    let thread = vm.thread();
    let limit = thread
        .interpreter
        .recursion_limit
        .load(Relaxed)
        .min(MAX_DEPTH);
    thread.depth.get() < limit
}

/// The frame of a generator that can be resumed now, and is claimed.
#[inline]
fn resumable(vm: &mut Vm, generator: &Obj<Generator>) -> Option<*mut Frame> {
    if !has_room(vm) {
        return None;
    }
    generator.state.claim()?;
    generator.frame()
}

/// `FOR_ITER` over a generator that can be resumed now: its frame, linked, to run in the same loop.
#[inline]
pub(crate) fn resume_inline(vm: &mut Vm, iterator: &Value) -> Option<*mut Frame> {
    if !iterator.is_object() || !iterator.is_exact(&builtin_types::GENERATOR) {
        return None;
    }
    // SAFETY: just tested.
    let generator = unsafe { iterator.cast_unchecked::<Generator>() };
    let frame = resumable(vm, generator)?;
    push_sent(generator, frame, Value::none());
    link(vm, generator, frame, INLINE_GENERATOR);
    Some(frame)
}

/// `YIELD_FROM` of a generator or coroutine that can be resumed now with `sent`: its frame, linked, to run in the same loop.
#[inline]
pub(crate) fn resume_delegate(vm: &mut Vm, iterator: &Value, sent: &Value) -> Option<*mut Frame> {
    if !iterator.is_object()
        || !(iterator.is_exact(&builtin_types::GENERATOR)
            || iterator.is_exact(&builtin_types::COROUTINE))
    {
        return None;
    }
    // SAFETY: just tested.
    let generator = unsafe { iterator.cast_unchecked::<Generator>() };
    if generator.state.get() == State::Created && !sent.is_none() {
        return None;
    }
    let frame = resumable(vm, generator)?;
    push_sent(generator, frame, sent.clone());
    link(vm, generator, frame, DELEGATE);
    Some(frame)
}

/// A generator resumed in the same loop yields: back to the caller's frame.
#[inline]
pub(crate) fn suspend_inline(vm: &mut Vm, frame: *mut Frame) -> *mut Frame {
    unlink(vm, owner(frame), frame)
}

/// Puts a value to be sent on the suspended frame's stack.
fn push_sent(_generator: &Obj<Generator>, frame: *mut Frame, value: Value) {
    // SAFETY: the verifier counted this slot: GEN_START and the yields expect one more item.
    unsafe {
        *Frame::stack(frame).add((*frame).depth as usize) = value.into_bits();
        (*frame).depth += 1;
    }
}

/// What is sent into a generator.
pub enum Input {
    Value(Value),
    /// An exception instance to raise at the yield.
    Throw(Value),
}

fn kind(value: &Value) -> &'static str {
    if value.is_exact(&builtin_types::COROUTINE) {
        "coroutine"
    } else if value.is_exact(&builtin_types::ASYNC_GENERATOR) {
        "async generator"
    } else {
        "generator"
    }
}

/// Claims a generator for this thread, and sees to it that there is room for its frame.
fn claim_or_raise(vm: &mut Vm, object: &Value, generator: &Obj<Generator>) -> Py<()> {
    if !has_room(vm) {
        return Err(frame::too_deep(vm));
    }
    if generator.state.claim().is_some() {
        return Ok(());
    }
    let message = format!("{} already executing", kind(object));
    Err(vm.value_error(message))
}

/// Resumes a generator until it yields or returns.
pub fn resume(vm: &mut Vm, object: &Value, input: Input) -> Py<Exit> {
    vm.check_stack()?;
    let Some(generator) = generator_of(object) else {
        return Err(vm.system_error("not a generator"));
    };
    match generator.state.get() {
        State::Running => {
            let message = format!("{} already executing", kind(object));
            return Err(vm.value_error(message));
        }
        State::Closed => {
            return match input {
                Input::Throw(exception) => Err(vm.set_pending(exception)),
                Input::Value(_) if object.is_exact(&builtin_types::COROUTINE) => {
                    Err(vm.runtime_error("cannot reuse already awaited coroutine"))
                }
                Input::Value(_) => Ok(Exit::Return(Value::none())),
            };
        }
        State::Created => {
            if let Input::Value(value) = &input
                && !value.is_none()
            {
                let message = format!(
                    "can't send non-None value to a just-started {}",
                    kind(object)
                );
                return Err(vm.type_error(message));
            }
        }
        State::Suspended => {}
    }
    let Some(frame) = generator.frame() else {
        return Ok(Exit::Return(Value::none()));
    };
    let _keep = object.clone();
    claim_or_raise(vm, object, generator)?;
    let exit = match input {
        Input::Value(value) => {
            link(vm, generator, frame, ENTRY);
            push_sent(generator, frame, value);
            dispatch::run(vm, frame)?
        }
        Input::Throw(exception) => {
            // SAFETY: only this thread resumes the generator.
            let handles = unsafe { (*generator.handled.get()).is_some() };
            link(vm, generator, frame, ENTRY);
            // The frame goes on as if the suspended instruction had raised.
            // SAFETY: suspended frames have an instruction before `ip`, or raise at their first.
            unsafe {
                let quick = (*frame).quick();
                if quick.index((*frame).ip) == 0 || (*(*frame).ip).op == Quick::YieldFrom {
                    (*frame).ip = (*frame).ip.add(1);
                }
            }
            // Only what the generator itself is handling becomes the context.
            let raised = if handles {
                vm.raise_value(exception)
            } else {
                vm.set_pending(exception)
            };
            dispatch::run_raising(vm, frame, raised)?
        }
    };
    if let Exit::Yield(_) = exit {
        unlink(vm, generator, frame);
    }
    Ok(exit)
}

/// The value of a `StopIteration`.
pub fn stop_value(vm: &mut Vm, stop: &Value) -> Value {
    exception::field(vm, stop, 0).unwrap_or_else(Value::none)
}

/// `YIELD_FROM`: sends a value to any iterator.
pub fn send_to(vm: &mut Vm, iterator: &Value, value: &Value) -> Py<Exit> {
    if generator_of(iterator).is_some() && !iterator.is_exact(&builtin_types::ASYNC_GENERATOR) {
        return resume(vm, iterator, Input::Value(value.clone()));
    }
    let sent = if value.is_none() {
        next_or_raise(vm, iterator)
    } else {
        vm.call_method(iterator, name!("send"), std::slice::from_ref(value))
    };
    match sent {
        Ok(value) => Ok(Exit::Yield(value)),
        Err(raised) => {
            let stop = vm.catch(raised, &builtin_types::STOP_ITERATION)?;
            Ok(Exit::Return(stop_value(vm, &stop)))
        }
    }
}

/// `next(iterator)` with a real `StopIteration` at the end, which carries the iterator's value.
pub fn next_or_raise(vm: &mut Vm, iterator: &Value) -> Py {
    if generator_of(iterator).is_some() && !iterator.is_exact(&builtin_types::ASYNC_GENERATOR) {
        return match resume(vm, iterator, Input::Value(Value::none()))? {
            Exit::Yield(value) => Ok(value),
            Exit::Return(value) => Err(stop_iteration(vm, value)),
        };
    }
    if iterator.type_of().is_heap()
        && let Some(method) = vm.lookup_special(iterator, name!("__next__"))
    {
        return vm.call_unbound(&method, iterator, &[]);
    }
    match vm.next_or_stop(iterator)? {
        Some(value) => Ok(value),
        None => Err(stop_iteration(vm, Value::none())),
    }
}

/// Raises `StopIteration(value)`, or without arguments for None.
pub fn stop_iteration(vm: &mut Vm, value: Value) -> Raised {
    if value.is_none() {
        vm.raise_with(&builtin_types::STOP_ITERATION, &[])
    } else {
        vm.raise_with(&builtin_types::STOP_ITERATION, &[value])
    }
}

/// The `next` slot of generators: a return value is lost, as `for` loses it.
pub fn generator_next(vm: &mut Vm, object: &Value) -> Py<Option<Value>> {
    match resume(vm, object, Input::Value(Value::none()))? {
        Exit::Yield(value) => Ok(Some(value)),
        Exit::Return(_) => Ok(None),
    }
}

// ---- throw() and close() of a generator that delegates ----

impl Generator {
    /// Marks a suspended generator as running while its delegate is thrown into or closed: its frame calls the delegate.
    pub(crate) fn begin_delegate(&self, vm: &mut Vm) -> Py<()> {
        if self.state.claim().is_none() {
            return Err(vm.value_error("generator already executing"));
        }
        if let Some(frame) = self.frame() {
            let thread = vm.thread();
            // SAFETY: the suspended frame of this generator, which runs nowhere else.
            unsafe {
                frame::bring_to(thread, frame);
                (*frame).previous = thread.frame.get() as *mut Frame;
            }
            thread.frame.set(frame.cast());
        }
        Ok(())
    }

    /// `cr_origin`, or an async generator's finaliser hook.
    pub(crate) fn extra(&self) -> Option<Value> {
        self.extra.borrow().clone()
    }

    pub(crate) fn set_extra(&self, extra: Option<Value>) {
        drop(self.extra.replace(extra));
    }

    pub(crate) fn take_extra(&self) -> Option<Value> {
        self.extra.take()
    }

    /// Undoes [`Generator::begin_delegate`].
    pub(crate) fn end_delegate(&self, vm: &mut Vm) {
        if let Some(frame) = self.frame() {
            // SAFETY: as above; frames that ran meanwhile are gone, so this one is the topmost.
            unsafe {
                vm.thread().frame.set((*frame).previous.cast());
                (*frame).previous = std::ptr::null_mut();
            }
        }
        self.state.set(State::Suspended);
    }

    /// Is it suspended where an exception would meet no handler of the program's, so that closing it runs none of its code?
    pub(crate) fn exits_quietly(&self) -> bool {
        let Some(frame) = self.frame() else {
            return false;
        };
        if self.state.get() != State::Suspended || self.delegate().is_some() {
            return false;
        }
        let Some(before) = self.state.claim() else {
            return false;
        };
        // SAFETY: a suspended frame, claimed.
        let quietly = unsafe { Generator::leaves_quietly(frame) };
        self.state.set(before);
        quietly
    }

    /// # Safety
    /// The frame is suspended, and no other thread resumes it.
    unsafe fn leaves_quietly(frame: *mut Frame) -> bool {
        // SAFETY: a suspended frame, behind the instruction that suspended it.
        unsafe {
            let quick = (*frame).quick();
            let index = quick.index((*frame).ip).saturating_sub(1);
            match quick.handler(index) {
                None => true,
                // All of the body is guarded by what turns StopIteration into RuntimeError.
                Some(entry) => {
                    let handler = *quick.at(entry.target);
                    handler.op == Quick::CallIntrinsic1
                        && handler.arg == Intrinsic1::StopIterationError as u32
                }
            }
        }
    }

    /// Ends a generator that was never started (or is suspended where nothing can run on its exit): its frame is freed.
    pub(crate) fn discard(&self) {
        if self.state.claim().is_none() {
            return;
        }
        let frame = self.frame.swap(std::ptr::null_mut(), AcqRel);
        self.state.set(State::Closed);
        if frame.is_null() {
            return;
        }
        // SAFETY: the frame does not run, and nobody else knows it but a frame object, which detaches.
        unsafe {
            frame::clear_frame(frame, (*frame).depth as usize);
            frame::free_heap_frame(frame, self.words);
        }
    }
}

/// Resumes a generator behind the `YIELD_FROM` it is suspended at: its delegate has returned `value`.
pub(crate) fn resume_after_delegate(vm: &mut Vm, object: &Value, value: Value) -> Py<Exit> {
    vm.check_stack()?;
    let Some(generator) = generator_of(object) else {
        return Err(vm.system_error("not a generator"));
    };
    let Some(frame) = generator.frame() else {
        return Ok(Exit::Return(Value::none()));
    };
    let _keep = object.clone();
    claim_or_raise(vm, object, generator)?;
    link(vm, generator, frame, ENTRY);
    // SAFETY: `delegate` has seen the iterator on top of the suspended frame's stack; the value takes its place.
    let old = unsafe {
        let top = Frame::stack(frame).add((*frame).depth as usize - 1);
        (*frame).ip = (*frame).ip.add(1);
        Value::from_bits(std::mem::replace(&mut *top, value.into_bits()))
    };
    drop(old);
    let exit = dispatch::run(vm, frame)?;
    if let Exit::Yield(_) = exit {
        unlink(vm, generator, frame);
    }
    Ok(exit)
}
