//! `async_generator`, the awaitables that its methods give, and the one behind `anext(iterator, default)`.
//!
//! What an async generator yields is wrapped, so that it can be told from what it awaits: a wrapped value ends the awaitable
//! (`StopIteration(value)`), anything else is passed on to the event loop.

use crate::dispatch::Exit;
use crate::generator::{Generator, Input, State, resume, stop_iteration};
use crate::generator_type::{
    async_hooks, check_throw_arguments, deliver, finalize, generator, get_code, get_delegate,
    get_frame, get_name, get_qualname, get_suspended, ignored_exit, lossy, repr, set_name,
    set_qualname, throw,
};
use crate::ops::coroutine::awaitable_iter;
use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;
use taipan_core::payload::{Payload, Tracer};
use taipan_core::weakref::{park_pending, unpark_pending};
use taipan_core::{
    GetSetDef, Layout, MethodDef, Obj, Py, Raised, Slots, Type, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, alloc, builtin_types, f0, f1, getset, getter, name, slice,
};
use taipan_types::check::class_getitem_row;

// ---- wrapped values ----

static WRAPPED_VALUE: TypeObject = Type::declare("async_generator_wrapped_value");

/// Payload of a value that an async generator yields.
struct WrappedValue {
    value: Value,
}

// SAFETY: the reference is reported.
unsafe impl Payload for WrappedValue {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &WRAPPED_VALUE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.value);
    }
}

/// Wraps what an async generator yields.
pub fn wrap_async_value(value: Value) -> Value {
    alloc::new_object(WrappedValue { value })
}

static WRAPPED_VALUE_SPEC: TypeSpec = TypeSpec {
    name: "async_generator_wrapped_value",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<WrappedValue>() }),
    ..TypeSpec::DEFAULT
};

// ---- the awaitables ----

static ASEND: TypeObject = Type::declare("async_generator_asend");
static ATHROW: TypeObject = Type::declare("async_generator_athrow");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Created,
    Running,
    Done,
}

/// Payload of what `__anext__()` and `asend()` give.
struct Asend {
    generator: Value,
    value: Value,
    progress: Cell<Progress>,
}

/// Payload of what `athrow()` and `aclose()` give.
struct Athrow {
    generator: Value,
    /// `athrow()`'s arguments; none for `aclose()`.
    args: Vec<Value>,
    progress: Cell<Progress>,
}

// SAFETY: the cells are one word and guarded by the generator's `async_running`.
unsafe impl Sync for Asend {}
// SAFETY: as above.
unsafe impl Sync for Athrow {}

// SAFETY: both references are reported.
unsafe impl Payload for Asend {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ASEND
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.generator);
        tracer.visit(&self.value);
    }
}

// SAFETY: all references are reported.
unsafe impl Payload for Athrow {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ATHROW
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.generator);
        tracer.visit_all(&self.args);
    }
}

impl Athrow {
    fn is_close(&self) -> bool {
        self.args.is_empty()
    }

    fn name(&self) -> &'static str {
        if self.is_close() { "aclose" } else { "athrow" }
    }
}

fn asend_of(value: &Value) -> &Obj<Asend> {
    value.expect::<Asend>()
}

fn athrow_of(value: &Value) -> &Obj<Athrow> {
    value.expect::<Athrow>()
}

/// Does the pending exception mean that the async generator has ended?
fn ended(vm: &Vm) -> bool {
    vm.pending_is(&builtin_types::STOP_ASYNC_ITERATION)
        || vm.pending_is(&builtin_types::GENERATOR_EXIT)
}

/// What a step of the generator means for the awaitable: a yielded value ends it, anything else goes to the event loop.
fn unwrap(vm: &mut Vm, this: &Generator, result: Py) -> Py {
    match result {
        Ok(value) => match value.cast_exact::<WrappedValue>() {
            Some(wrapped) => {
                this.async_running.store(false, Relaxed);
                Err(stop_iteration(vm, wrapped.value.clone()))
            }
            None => Ok(value),
        },
        Err(raised) => {
            if ended(vm) {
                this.async_closed.store(true, Relaxed);
            }
            this.async_running.store(false, Relaxed);
            Err(raised)
        }
    }
}

fn is_wrapped(value: &Value) -> bool {
    value.is_exact(&WRAPPED_VALUE)
}

/// Sends to the generator itself; its end is `StopAsyncIteration`.
fn step(vm: &mut Vm, object: &Value, value: &Value) -> Py {
    let exit = resume(vm, object, Input::Value(value.clone()))?;
    deliver(vm, object, exit)
}

fn throw_step(vm: &mut Vm, object: &Value, close_on_exit: bool, args: &[Value]) -> Py {
    let exit: Exit = throw(vm, object, close_on_exit, args)?;
    deliver(vm, object, exit)
}

#[cold]
fn already_running(vm: &mut Vm, method: &str) -> Raised {
    vm.runtime_error(format!(
        "{method}(): asynchronous generator is already running"
    ))
}

fn asend_send(vm: &mut Vm, object: &Value, value: &Value) -> Py {
    let asend = asend_of(object);
    let this = generator(vm, &asend.generator)?;
    let mut value = value;
    match asend.progress.get() {
        Progress::Done => return Err(asend_reused(vm)),
        Progress::Created => {
            if this.async_running.load(Relaxed) {
                asend.progress.set(Progress::Done);
                return Err(already_running(vm, "anext"));
            }
            if value.is_none() {
                value = &asend.value;
            }
            asend.progress.set(Progress::Running);
        }
        Progress::Running => {}
    }
    this.async_running.store(true, Relaxed);
    let result = step(vm, &asend.generator, value);
    let result = unwrap(vm, this, result);
    if result.is_err() {
        asend.progress.set(Progress::Done);
    }
    result
}

#[cold]
fn asend_reused(vm: &mut Vm) -> Raised {
    vm.runtime_error("cannot reuse already awaited __anext__()/asend()")
}

fn asend_throw(vm: &mut Vm, object: &Value, args: &[Value]) -> Py {
    let asend = asend_of(object);
    let this = generator(vm, &asend.generator)?;
    match asend.progress.get() {
        Progress::Done => return Err(asend_reused(vm)),
        Progress::Created => {
            if this.async_running.load(Relaxed) {
                asend.progress.set(Progress::Done);
                return Err(already_running(vm, "anext"));
            }
            asend.progress.set(Progress::Running);
            this.async_running.store(true, Relaxed);
        }
        Progress::Running => {}
    }
    check_throw_arguments(vm, "throw", args)?;
    let result = throw_step(vm, &asend.generator, true, args);
    let result = unwrap(vm, this, result);
    if result.is_err() {
        asend.progress.set(Progress::Done);
    }
    result
}

/// `close()` of an awaitable: throws `GeneratorExit` and wants it, or the end, back.
fn close_awaitable(vm: &mut Vm, object: &Value, throw: fn(&mut Vm, &Value, &[Value]) -> Py) -> Py {
    match throw(vm, object, &[builtin_types::GENERATOR_EXIT.to_value()]) {
        Ok(value) => {
            drop(value);
            Err(vm.runtime_error("coroutine ignored GeneratorExit"))
        }
        Err(raised) => {
            if ended(vm) || vm.pending_is(&builtin_types::STOP_ITERATION) {
                drop(vm.take_raised(raised));
                return Ok(Value::none());
            }
            Err(raised)
        }
    }
}

fn asend_close(vm: &mut Vm, object: &Value) -> Py {
    if asend_of(object).progress.get() == Progress::Done {
        return Ok(Value::none());
    }
    close_awaitable(vm, object, asend_throw)
}

/// The `finalize` slot of both awaitables: warns if it was never awaited.
fn warn_never_awaited(vm: &mut Vm, object: &Value) {
    let (generator_value, method) = match object.cast_exact::<Asend>() {
        Some(asend) if asend.progress.get() == Progress::Created => (&asend.generator, "asend"),
        Some(_) => return,
        None => match object.cast_exact::<Athrow>() {
            Some(athrow) if athrow.progress.get() == Progress::Created => {
                (&athrow.generator, athrow.name())
            }
            _ => return,
        },
    };
    let Ok(qualname) = generator(vm, generator_value).map(|this| this.qualname()) else {
        return;
    };
    let parked = park_pending(vm);
    let shown = vm.repr_string(&qualname);
    let warned = shown.and_then(|shown| {
        let message = format!("coroutine method '{method}' of {shown} was never awaited");
        vm.warn(&builtin_types::RUNTIME_WARNING, &message, 1)
    });
    if let Err(raised) = warned {
        let doing = format!(
            "Exception ignored while finalizing coroutine method '{method}' of '{}'",
            lossy(&qualname)
        );
        vm.unraisable(raised, &doing, None);
    }
    unpark_pending(vm, parked);
}

#[cold]
fn athrow_reused(vm: &mut Vm) -> Raised {
    vm.runtime_error("cannot reuse already awaited aclose()/athrow()")
}

fn stop(vm: &mut Vm) -> Raised {
    stop_iteration(vm, Value::none())
}

/// The end of an `aclose()` or `athrow()`: the errors that mean "has ended" are what `aclose()` wants.
fn athrow_failed(vm: &mut Vm, athrow: &Athrow, this: &Generator, raised: Raised) -> Raised {
    this.async_running.store(false, Relaxed);
    athrow.progress.set(Progress::Done);
    if ended(vm) && athrow.is_close() {
        drop(vm.take_raised(raised));
        return stop(vm);
    }
    raised
}

fn ignored_close(vm: &mut Vm, athrow: &Athrow, this: &Generator) -> Raised {
    this.async_running.store(false, Relaxed);
    athrow.progress.set(Progress::Done);
    ignored_exit(vm, &athrow.generator)
}

fn athrow_send(vm: &mut Vm, object: &Value, value: &Value) -> Py {
    let athrow = athrow_of(object);
    let this = generator(vm, &athrow.generator)?;
    if athrow.progress.get() == Progress::Done {
        return Err(athrow_reused(vm));
    }
    if this.state() == State::Closed {
        athrow.progress.set(Progress::Done);
        return Err(stop(vm));
    }
    if athrow.progress.get() == Progress::Created {
        return athrow_start(vm, athrow, this, value);
    }
    let result = step(vm, &athrow.generator, value);
    if !athrow.is_close() {
        return unwrap(vm, this, result);
    }
    match result {
        Ok(value) if is_wrapped(&value) => Err(ignored_close(vm, athrow, this)),
        Ok(value) => Ok(value),
        Err(raised) => Err(athrow_failed(vm, athrow, this, raised)),
    }
}

/// The first step of an `aclose()` or `athrow()`.
fn athrow_start(vm: &mut Vm, athrow: &Athrow, this: &Generator, value: &Value) -> Py {
    if this.async_running.load(Relaxed) {
        athrow.progress.set(Progress::Done);
        return Err(already_running(vm, athrow.name()));
    }
    if this.async_closed.load(Relaxed) {
        athrow.progress.set(Progress::Done);
        return Err(vm.raise_with(&builtin_types::STOP_ASYNC_ITERATION, &[]));
    }
    if !value.is_none() {
        return Err(vm.runtime_error("can't send non-None value to a just-started coroutine"));
    }
    athrow.progress.set(Progress::Running);
    this.async_running.store(true, Relaxed);
    let result = if athrow.is_close() {
        this.async_closed.store(true, Relaxed);
        let result = throw_step(
            vm,
            &athrow.generator,
            false,
            &[builtin_types::GENERATOR_EXIT.to_value()],
        );
        if result.as_ref().is_ok_and(is_wrapped) {
            return Err(ignored_close(vm, athrow, this));
        }
        result
    } else {
        let result = throw_step(vm, &athrow.generator, false, &athrow.args);
        unwrap(vm, this, result)
    };
    result.map_err(|raised| athrow_failed(vm, athrow, this, raised))
}

fn athrow_throw(vm: &mut Vm, object: &Value, args: &[Value]) -> Py {
    let athrow = athrow_of(object);
    let this = generator(vm, &athrow.generator)?;
    match athrow.progress.get() {
        Progress::Done => return Err(athrow_reused(vm)),
        Progress::Created => {
            if this.async_running.load(Relaxed) {
                athrow.progress.set(Progress::Done);
                return Err(already_running(vm, athrow.name()));
            }
            athrow.progress.set(Progress::Running);
            this.async_running.store(true, Relaxed);
        }
        Progress::Running => {}
    }
    check_throw_arguments(vm, "throw", args)?;
    let result = throw_step(vm, &athrow.generator, true, args);
    if !athrow.is_close() {
        let result = unwrap(vm, this, result);
        if result.is_err() {
            athrow.progress.set(Progress::Done);
        }
        return result;
    }
    match result {
        Ok(value) if is_wrapped(&value) => Err(ignored_close(vm, athrow, this)),
        Ok(value) => Ok(value),
        Err(raised) => Err(athrow_failed(vm, athrow, this, raised)),
    }
}

fn athrow_close(vm: &mut Vm, object: &Value) -> Py {
    if athrow_of(object).progress.get() == Progress::Done {
        return Ok(Value::none());
    }
    close_awaitable(vm, object, athrow_throw)
}

fn itself(_vm: &mut Vm, object: &Value) -> Py {
    Ok(object.clone())
}

fn asend_next(vm: &mut Vm, object: &Value) -> Py<Option<Value>> {
    asend_send(vm, object, &Value::none()).map(Some)
}

fn athrow_next(vm: &mut Vm, object: &Value) -> Py<Option<Value>> {
    athrow_send(vm, object, &Value::none()).map(Some)
}

static ASEND_METHODS: [MethodDef; 3] = [
    f1("send(self, value, /)", asend_send, ""),
    slice(
        "throw(self, type, value=None, traceback=None, /)",
        asend_throw,
        "",
    ),
    f0("close(self, /)", asend_close, ""),
];

static ASEND_SPEC: TypeSpec = TypeSpec {
    name: "async_generator_asend",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<Asend>() }),
    slots: Slots {
        finalize: Some(warn_never_awaited),
        await_: Some(itself),
        iter: Some(itself),
        next: Some(asend_next),
        ..Slots::NONE
    },
    methods: &ASEND_METHODS,
    ..TypeSpec::DEFAULT
};

static ATHROW_METHODS: [MethodDef; 3] = [
    f1("send(self, value, /)", athrow_send, ""),
    slice(
        "throw(self, type, value=None, traceback=None, /)",
        athrow_throw,
        "",
    ),
    f0("close(self, /)", athrow_close, ""),
];

static ATHROW_SPEC: TypeSpec = TypeSpec {
    name: "async_generator_athrow",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<Athrow>() }),
    slots: Slots {
        finalize: Some(warn_never_awaited),
        await_: Some(itself),
        iter: Some(itself),
        next: Some(athrow_next),
        ..Slots::NONE
    },
    methods: &ATHROW_METHODS,
    ..TypeSpec::DEFAULT
};

// ---- async generators ----

/// The first use of an async generator tells the event loop about it.
fn call_hooks(vm: &mut Vm, object: &Value) -> Py<()> {
    let this = generator(vm, object)?;
    if this.hooks_called.swap(true, Relaxed) {
        return Ok(());
    }
    let hooks = async_hooks(vm);
    let finalizer = hooks.finalizer.borrow().clone();
    if finalizer.is_some() {
        this.set_extra(finalizer);
    }
    let first_iter = hooks.first_iter.borrow().clone();
    if let Some(first_iter) = first_iter {
        vm.call(&first_iter, std::slice::from_ref(object))?;
    }
    Ok(())
}

fn asend(vm: &mut Vm, object: &Value, value: &Value) -> Py {
    call_hooks(vm, object)?;
    Ok(alloc::new_object(Asend {
        generator: object.clone(),
        value: value.clone(),
        progress: Cell::new(Progress::Created),
    }))
}

fn anext(vm: &mut Vm, object: &Value) -> Py {
    asend(vm, object, &Value::none())
}

fn new_athrow(vm: &mut Vm, object: &Value, args: &[Value]) -> Py {
    call_hooks(vm, object)?;
    Ok(alloc::new_object(Athrow {
        generator: object.clone(),
        args: args.to_vec(),
        progress: Cell::new(Progress::Created),
    }))
}

fn athrow(vm: &mut Vm, object: &Value, args: &[Value]) -> Py {
    check_throw_arguments(vm, "athrow", args)?;
    new_athrow(vm, object, args)
}

fn aclose(vm: &mut Vm, object: &Value) -> Py {
    new_athrow(vm, object, &[])
}

fn get_running(vm: &mut Vm, object: &Value) -> Py {
    Ok(Value::bool(
        generator(vm, object)?.async_running.load(Relaxed),
    ))
}

static ASYNC_GENERATOR_METHODS: [MethodDef; 4] = [
    f1(
        "asend(self, value, /)",
        asend,
        "asend(v) -> send 'v' in generator.",
    ),
    slice(
        "athrow(self, type, value=None, traceback=None, /)",
        athrow,
        "athrow(value)\nathrow(type[,value[,tb]])\n\nraise exception in generator.\nthe (type, val, tb) signature is \
         deprecated, \nand may be removed in a future version of Python.",
    ),
    f0(
        "aclose(self, /)",
        aclose,
        "aclose() -> raise GeneratorExit inside generator.",
    ),
    class_getitem_row(),
];

static ASYNC_GENERATOR_GETSET: [GetSetDef; 7] = [
    getset(
        "__name__",
        get_name,
        set_name,
        "name of the async generator",
    ),
    getset(
        "__qualname__",
        get_qualname,
        set_qualname,
        "qualified name of the async generator",
    ),
    getter("ag_await", get_delegate, "object being awaited on, or None"),
    getter("ag_code", get_code, ""),
    getter("ag_frame", get_frame, ""),
    getter("ag_suspended", get_suspended, ""),
    getter("ag_running", get_running, ""),
];

static ASYNC_GENERATOR_SPEC: TypeSpec = TypeSpec {
    name: "async_generator",
    flags: TypeFlags::WEAKREF.union(TypeFlags::NO_INSTANTIATION),
    layout: Some(const { &Layout::of::<Generator>() }),
    slots: Slots {
        finalize: Some(finalize),
        repr: Some(repr),
        aiter: Some(itself),
        anext: Some(anext),
        ..Slots::NONE
    },
    methods: &ASYNC_GENERATOR_METHODS,
    getset: &ASYNC_GENERATOR_GETSET,
    ..TypeSpec::DEFAULT
};

// ---- anext(iterator, default) ----

static ANEXT_AWAITABLE: TypeObject = Type::declare("anext_awaitable");

/// Payload of what `anext(iterator, default)` gives.
struct AnextAwaitable {
    wrapped: Value,
    default: Value,
}

// SAFETY: both references are reported.
unsafe impl Payload for AnextAwaitable {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ANEXT_AWAITABLE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.wrapped);
        tracer.visit(&self.default);
    }
}

/// The awaitable of `anext(iterator, default)`; `wrapped` is what `__anext__()` gave.
pub fn anext_awaitable(wrapped: Value, default: Value) -> Value {
    alloc::new_object(AnextAwaitable { wrapped, default })
}

/// The iterator to await the wrapped awaitable with.
fn inner_iterator(vm: &mut Vm, object: &Value) -> Py {
    let wrapped = &object.expect::<AnextAwaitable>().wrapped;
    let Some(iterator) = awaitable_iter(vm, wrapped)? else {
        let message = format!("'{}' object can't be awaited", wrapped.type_of().name());
        return Err(vm.type_error(message));
    };
    if iterator.type_of().slots().next.is_some() {
        return Ok(iterator);
    }
    match iterator.type_of().slots().await_ {
        Some(slot) => slot(vm, &iterator),
        None => {
            let message = format!("'{}' object can't be awaited", wrapped.type_of().name());
            Err(vm.type_error(message))
        }
    }
}

/// The end of the wrapped awaitable becomes the default.
fn with_default<T>(vm: &mut Vm, object: &Value, result: Py<T>) -> Py<T> {
    match result {
        Err(raised) if vm.pending_is(&builtin_types::STOP_ASYNC_ITERATION) => {
            drop(vm.take_raised(raised));
            let default = object.expect::<AnextAwaitable>().default.clone();
            Err(stop_iteration(vm, default))
        }
        other => other,
    }
}

fn anext_next(vm: &mut Vm, object: &Value) -> Py<Option<Value>> {
    let iterator = inner_iterator(vm, object)?;
    let result = crate::generator::next_or_raise(vm, &iterator);
    with_default(vm, object, result).map(Some)
}

fn anext_proxy(vm: &mut Vm, object: &Value, method: &Value, args: &[Value]) -> Py {
    let iterator = inner_iterator(vm, object)?;
    let result = vm.call_method(&iterator, method, args);
    with_default(vm, object, result)
}

static ANEXT_METHODS: [MethodDef; 3] = [
    f1(
        "send(self, value, /)",
        |vm, object, value| anext_proxy(vm, object, name!("send"), std::slice::from_ref(value)),
        "",
    ),
    slice(
        "throw(self, type, value=None, traceback=None, /)",
        |vm, object, args| anext_proxy(vm, object, name!("throw"), args),
        "",
    ),
    f0(
        "close(self, /)",
        |vm, object| anext_proxy(vm, object, name!("close"), &[]),
        "",
    ),
];

static ANEXT_SPEC: TypeSpec = TypeSpec {
    name: "anext_awaitable",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<AnextAwaitable>() }),
    slots: Slots {
        await_: Some(itself),
        iter: Some(itself),
        next: Some(anext_next),
        ..Slots::NONE
    },
    methods: &ANEXT_METHODS,
    ..TypeSpec::DEFAULT
};

/// Defines `async_generator` and its awaitables.
pub fn define() {
    WRAPPED_VALUE.define(&WRAPPED_VALUE_SPEC);
    ASEND.define(&ASEND_SPEC);
    ATHROW.define(&ATHROW_SPEC);
    builtin_types::ASYNC_GENERATOR.define(&ASYNC_GENERATOR_SPEC);
    ANEXT_AWAITABLE.define(&ANEXT_SPEC);
}
