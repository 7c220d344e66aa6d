//! Futures: their state, and what happens to it. What Python sees is in `future_methods`.
#![expect(unsafe_code, reason = "the contract of payloads")]

use super::awaited_by::Waiters;
use super::imports;
use super::running;
use super::shortcut;
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Obj, Payload, Py, Raised, Tracer, Type, TypeFlags, TypeObject, Value, Vm, builtin_types,
    exception, instance, name,
};

/// The type `_asyncio.Future`.
pub(super) static FUTURE: TypeObject = Type::declare("_asyncio.Future");

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    Cancelled,
    Finished,
}

/// What changes in a future.
pub(super) struct FutureState {
    pub status: Status,
    /// An iterator has just given the future to a task, which has not taken it yet.
    pub blocking: bool,
    /// Nobody has looked at the exception yet.
    pub log_traceback: bool,
    /// None in an object that was not initialised.
    pub event_loop: Option<Value>,
    /// The first function to call, with its context: most futures have no other.
    pub callback: Option<(Value, Value)>,
    pub callbacks: Vec<(Value, Value)>,
    pub result: Option<Value>,
    pub exception: Option<Value>,
    /// The exception's traceback when it was set: it is raised with that one.
    pub traceback: Option<Value>,
    pub source_traceback: Option<Value>,
    pub cancel_message: Option<Value>,
    /// The `CancelledError` that ended a task, for the first who asks.
    pub cancelled_error: Option<Value>,
    pub waiters: Waiters,
}

impl FutureState {
    pub(super) fn new(event_loop: Option<Value>) -> FutureState {
        FutureState {
            status: Status::Pending,
            blocking: false,
            log_traceback: false,
            event_loop,
            callback: None,
            callbacks: Vec::new(),
            result: None,
            exception: None,
            traceback: None,
            source_traceback: None,
            cancel_message: None,
            cancelled_error: None,
            waiters: Waiters::None,
        }
    }
}

/// Payload of futures.
pub(super) struct Future {
    state: Locked<FutureState>,
}

impl Future {
    pub(super) fn new() -> Future {
        Future {
            state: Locked::new(FutureState::new(None)),
        }
    }
}

impl HasState for Future {
    type State = FutureState;
    fn cell(&self) -> &Locked<FutureState> {
        &self.state
    }
}

// SAFETY: all references are in the state.
unsafe impl Payload for Future {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &FUTURE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        for (callback, context) in state.callback.iter().chain(&state.callbacks) {
            tracer.visit(callback);
            tracer.visit(context);
        }
        tracer.visit_option(&state.event_loop);
        tracer.visit_option(&state.result);
        tracer.visit_option(&state.exception);
        tracer.visit_option(&state.traceback);
        tracer.visit_option(&state.source_traceback);
        tracer.visit_option(&state.cancel_message);
        tracer.visit_option(&state.cancelled_error);
        tracer.visit_all(state.waiters.value());
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        let state = unsafe { self.state.get_unlocked() };
        for (callback, context) in state
            .callback
            .take()
            .into_iter()
            .chain(state.callbacks.drain(..))
        {
            out.push(callback);
            out.push(context);
        }
        out.extend(state.event_loop.take());
        out.extend(state.result.take());
        out.extend(state.exception.take());
        out.extend(state.traceback.take());
        out.extend(state.source_traceback.take());
        out.extend(state.cancel_message.take());
        out.extend(state.cancelled_error.take());
        out.extend(state.waiters.take());
    }
    fn outside_size(&self) -> usize {
        // SAFETY: reads a size only.
        let state = unsafe { self.state.get_unlocked() };
        state.callbacks.capacity() * size_of::<(Value, Value)>()
    }
}

/// The future behind `self` of a method.
pub(super) fn own(this: &Value) -> &Obj<Future> {
    this.expect::<Future>()
}

/// `__init__`: a pending future of `event_loop`, or of the current one.
pub(super) fn initialize(vm: &mut Vm, this: &Value, event_loop: Option<&Value>) -> Py<()> {
    let event_loop = match event_loop {
        Some(event_loop) => event_loop.clone(),
        None => running::get_event_loop(vm)?,
    };
    let fresh = FutureState::new(Some(event_loop.clone()));
    let old = std::mem::replace(&mut *own(this).lock(vm), fresh);
    drop(old);
    if shortcut::surely_not_debugging(vm, &event_loop) {
        return Ok(());
    }
    let debug = call_method(vm, &event_loop, name!("get_debug"), [], &[])?;
    if vm.truth(&debug)? {
        let extract = imports::extract_stack(vm)?;
        let stack = vm.call(&extract, &[])?;
        own(this).lock(vm).source_traceback = Some(stack);
    }
    Ok(())
}

/// The future's loop; an error if it has not been initialised.
pub(super) fn event_loop_of(vm: &mut Vm, this: &Value) -> Py {
    let event_loop = own(this).lock(vm).event_loop.clone();
    match event_loop {
        Some(event_loop) => Ok(event_loop),
        None => Err(not_initialized(vm)),
    }
}

#[cold]
pub(super) fn not_initialized(vm: &mut Vm) -> Raised {
    vm.runtime_error("Future object is not initialized.")
}

// ---- calling the loop ----

/// `object.name(*args)`, the last of `args` under `names`; without an object for the method where the type has a plain function and
/// the instance nothing in front of it.
pub(super) fn call_method<const N: usize>(
    vm: &mut Vm,
    object: &Value,
    name: &Value,
    args: [Value; N],
    names: &[Value],
) -> Py {
    let class = object.type_of();
    let plain = class.slots().get_attr.is_none();
    if plain
        && let Some(function) = class.lookup(vm, name)
        && function.type_of().has(TypeFlags::METHOD_DESCRIPTOR)
        && instance::get(object, name).is_none()
    {
        let mut row: smallvec::SmallVec<[Value; 5]> = smallvec::SmallVec::new();
        row.push(object.clone());
        row.extend(args);
        return vm.call_args(&function, Args::new(&row, names));
    }
    let method = vm.get_attr(object, name)?;
    vm.call_args(&method, Args::new(&args, names))
}

/// `event_loop.call_soon(callback, *argument, context=context)`
pub(super) fn call_soon(
    vm: &mut Vm,
    event_loop: &Value,
    callback: Value,
    argument: Option<&Value>,
    context: Value,
) -> Py<()> {
    if shortcut::call_soon(vm, event_loop, &callback, argument, &context)? {
        return Ok(());
    }
    let names = std::slice::from_ref(name!("context"));
    let method = name!("call_soon");
    let handle = match argument {
        Some(argument) => {
            let args = [callback, argument.clone(), context];
            call_method(vm, event_loop, method, args, names)?
        }
        None => call_method(vm, event_loop, method, [callback, context], names)?,
    };
    drop(handle);
    Ok(())
}

/// Hands all callbacks of a future that is done to the loop.
fn schedule_callbacks(vm: &mut Vm, this: &Value) -> Py<()> {
    let mut state = own(this).lock(vm);
    let first = state.callback.take();
    let rest = std::mem::take(&mut state.callbacks);
    if first.is_none() && rest.is_empty() {
        return Ok(());
    }
    let Some(event_loop) = state.event_loop.clone() else {
        return Ok(());
    };
    drop(state);
    for (callback, context) in first.into_iter().chain(rest) {
        call_soon(vm, &event_loop, callback, Some(this), context)?;
    }
    Ok(())
}

// ---- ending ----

pub(super) fn set_result(vm: &mut Vm, this: &Value, result: Value) -> Py<()> {
    let mut state = own(this).lock(vm);
    if state.event_loop.is_none() {
        drop(state);
        return Err(not_initialized(vm));
    }
    if state.status != Status::Pending {
        drop(state);
        return Err(imports::invalid_state(vm, "invalid state"));
    }
    state.result = Some(result);
    state.status = Status::Finished;
    drop(state);
    schedule_callbacks(vm, this)
}

fn require_pending(vm: &mut Vm, this: &Value) -> Py<()> {
    if own(this).lock(vm).status == Status::Pending {
        return Ok(());
    }
    Err(imports::invalid_state(vm, "invalid state"))
}

/// `set_exception(exception)`: an instance, or a class to make one of.
pub(super) fn set_exception(vm: &mut Vm, this: &Value, exception: &Value) -> Py<()> {
    event_loop_of(vm, this)?;
    require_pending(vm, this)?;
    let class = exception.cast::<Type>();
    let mut exception = match class {
        Some(class) if class.is_subtype(&builtin_types::BASE_EXCEPTION) => {
            let made = vm.call(exception, &[])?;
            require_pending(vm, this)?;
            made
        }
        _ => exception.clone(),
    };
    if !exception.is_instance(&builtin_types::BASE_EXCEPTION) {
        return Err(vm.type_error("invalid exception object"));
    }
    if exception.is_instance(&builtin_types::STOP_ITERATION) {
        exception = wrapped_stop(vm, exception)?;
    }
    let traceback = exception::traceback(vm, &exception);
    let mut state = own(this).lock(vm);
    state.exception = Some(exception);
    state.traceback = traceback;
    state.status = Status::Finished;
    drop(state);
    schedule_callbacks(vm, this)?;
    own(this).lock(vm).log_traceback = true;
    Ok(())
}

#[cold]
fn wrapped_stop(vm: &mut Vm, stop: Value) -> Py {
    let message =
        "StopIteration interacts badly with generators and cannot be raised into a Future";
    let text = taipan_core::str_object::new_str(message);
    let error = vm.call(&builtin_types::RUNTIME_ERROR.to_value(), &[text])?;
    exception::set_cause(vm, &error, Some(stop.clone()));
    exception::set_context(vm, &error, Some(stop));
    Ok(error)
}

/// Cancels a future (a task that ends too); false if it is done already.
pub(super) fn cancel(vm: &mut Vm, this: &Value, message: Option<Value>) -> Py<bool> {
    let mut state = own(this).lock(vm);
    state.log_traceback = false;
    if state.status != Status::Pending {
        return Ok(false);
    }
    state.status = Status::Cancelled;
    let old = std::mem::replace(&mut state.cancel_message, message);
    drop(state);
    drop(old);
    schedule_callbacks(vm, this)?;
    Ok(true)
}

/// The `CancelledError` to raise: the one that ended the task, once, and new ones after that.
pub(super) fn make_cancelled_error(vm: &mut Vm, this: &Value) -> Py {
    let mut state = own(this).lock(vm);
    if let Some(known) = state.cancelled_error.take() {
        return Ok(known);
    }
    let message = state.cancel_message.clone();
    drop(state);
    let class = imports::cancelled_error(vm)?;
    match message.filter(|message| !message.is_none()) {
        Some(message) => vm.call(&class, &[message]),
        None => vm.call(&class, &[]),
    }
}

/// How a future ended.
pub(super) enum Outcome {
    Result(Value),
    /// To be raised.
    Exception(Value),
}

/// How the future ended, which somebody hereby knows; raises if it was cancelled or is not done.
pub(super) fn outcome(vm: &mut Vm, this: &Value) -> Py<Outcome> {
    let mut state = own(this).lock(vm);
    match state.status {
        Status::Pending => {
            drop(state);
            Err(imports::invalid_state(vm, "Result is not set."))
        }
        Status::Cancelled => {
            drop(state);
            let exception = make_cancelled_error(vm, this)?;
            Err(vm.raise_value(exception))
        }
        Status::Finished => {
            state.log_traceback = false;
            if let Some(exception) = state.exception.clone() {
                let traceback = state.traceback.take();
                drop(state);
                exception::set_traceback(vm, &exception, traceback);
                return Ok(Outcome::Exception(exception));
            }
            let result = state.result.clone();
            Ok(Outcome::Result(result.unwrap_or_else(Value::none)))
        }
    }
}

/// `result()`
pub(super) fn result(vm: &mut Vm, this: &Value) -> Py {
    match outcome(vm, this)? {
        Outcome::Result(value) => Ok(value),
        Outcome::Exception(exception) => Err(vm.raise_value(exception)),
    }
}

/// Has `callback` called in `context` when the future is done.
pub(super) fn add_done_callback(
    vm: &mut Vm,
    this: &Value,
    callback: Value,
    context: Value,
) -> Py<()> {
    let mut state = own(this).lock(vm);
    let Some(event_loop) = &state.event_loop else {
        drop(state);
        return Err(vm.runtime_error("uninitialized Future object"));
    };
    if state.status != Status::Pending {
        let event_loop = event_loop.clone();
        drop(state);
        return call_soon(vm, &event_loop, callback, Some(this), context);
    }
    if state.callback.is_none() && state.callbacks.is_empty() {
        state.callback = Some((callback, context));
        return Ok(());
    }
    let fits = state.callbacks.try_reserve(1).is_ok();
    if fits {
        state.callbacks.push((callback, context));
    }
    drop(state);
    if fits { Ok(()) } else { Err(vm.memory_error()) }
}

/// Takes out all callbacks that equal `callback`; gives their number.
pub(super) fn remove_done_callback(vm: &mut Vm, this: &Value, callback: &Value) -> Py<usize> {
    event_loop_of(vm, this)?;
    let state = own(this).lock(vm);
    let all: Vec<Value> = state
        .callback
        .iter()
        .chain(&state.callbacks)
        .map(|(callback, _)| callback.clone())
        .collect();
    drop(state);
    // A comparison may change the callbacks: what it took out itself is not counted here.
    let mut equal = std::collections::HashSet::new();
    for other in &all {
        if vm.equal(other, callback)? {
            equal.insert(other.bits());
        }
    }
    let mut state = own(this).lock(vm);
    let mut gone = Vec::new();
    if let Some((first, _)) = &state.callback
        && equal.contains(&first.bits())
    {
        gone.extend(state.callback.take());
    }
    let rest = std::mem::take(&mut state.callbacks);
    let (out, kept): (Vec<_>, Vec<_>) = rest
        .into_iter()
        .partition(|(callback, _)| equal.contains(&callback.bits()));
    state.callbacks = kept;
    drop(state);
    Ok(gone.len() + out.len())
}

/// Tells the loop of something that went wrong where nobody could be told: the pairs make up the context.
pub(super) fn call_exception_handler(vm: &mut Vm, this: &Value, pairs: &[(&str, Value)]) {
    let (event_loop, source) = {
        let state = own(this).lock(vm);
        (state.event_loop.clone(), state.source_traceback.clone())
    };
    let Some(event_loop) = event_loop else { return };
    let context = taipan_core::dict_object::new_dict();
    for (key, value) in pairs {
        crate::support::add(&context, key, value.clone());
    }
    if let Some(source) = source {
        crate::support::add(&context, "source_traceback", source);
    }
    let handler = match vm.get_attr(&event_loop, name!("call_exception_handler")) {
        Ok(handler) => handler,
        Err(raised) => return vm.unraisable(raised, "", Some(this)),
    };
    if let Err(raised) = vm.call(&handler, &[context]) {
        vm.unraisable(raised, "", Some(&handler));
    }
}
