//! `generator`, `coroutine` and the object that `coroutine.__await__()` gives. Async generators are in `async_generator_type`,
//! which shares `send`, `throw` and `close` with them.

use crate::dispatch::Exit;
use crate::frame::{self, Frame};
use crate::frame_object;
use crate::generator::{
    Generator, Input, State, generator_next, generator_of, resume, resume_after_delegate,
    stop_iteration, stop_value,
};
use std::cell::{Cell, RefCell};
use std::sync::atomic::Ordering::Relaxed;
use taipan_core::dict_object::Dict;
use taipan_core::payload::{Payload, Tracer};
use taipan_core::str_object::{is_str, new_str, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::weakref::{park_pending, unpark_pending};
use taipan_core::{
    GetSetDef, Layout, MethodDef, Obj, Py, Raised, Slots, Type, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, alloc, builtin_types, exception, f0, f1, getset, getter, name, slice,
};
use taipan_types::check::class_getitem_row;

pub use crate::async_generator_type::{anext_awaitable, wrap_async_value};

/// What `sys` can set on a thread about coroutines and async generators.
#[derive(Default)]
pub struct AsyncHooks {
    /// `sys.set_coroutine_origin_tracking_depth()`
    pub origin_depth: Cell<u32>,
    /// `sys.set_asyncgen_hooks(firstiter=..., finalizer=...)`
    pub first_iter: RefCell<Option<Value>>,
    pub finalizer: RefCell<Option<Value>>,
}

/// This thread's hooks.
pub fn async_hooks(vm: &Vm) -> &'static AsyncHooks {
    vm.thread_state::<AsyncHooks>()
}

pub(crate) fn generator(vm: &mut Vm, value: &Value) -> Py<&'static Obj<Generator>> {
    match generator_of(value) {
        // SAFETY: the callers hold `value` for as long as they use the reference.
        Some(generator) => Ok(unsafe { &*std::ptr::from_ref(generator) }),
        None => Err(vm.system_error("not a generator")),
    }
}

// ---- send, throw, close ----

/// What leaving a generator means for the caller of `send()` or `throw()`: a value, or the end as an exception.
pub(crate) fn deliver(vm: &mut Vm, object: &Value, exit: Exit) -> Py {
    match exit {
        Exit::Yield(value) => Ok(value),
        Exit::Return(_) if object.is_exact(&builtin_types::ASYNC_GENERATOR) => {
            Err(vm.raise_with(&builtin_types::STOP_ASYNC_ITERATION, &[]))
        }
        Exit::Return(value) => Err(stop_iteration(vm, value)),
    }
}

/// `generator.send(value)`
pub fn send(vm: &mut Vm, object: &Value, value: &Value) -> Py {
    let exit = resume(vm, object, Input::Value(value.clone()))?;
    deliver(vm, object, exit)
}

fn is_generator_exit(value: &Value) -> bool {
    match value.cast::<Type>() {
        Some(ty) => ty.is_subtype(&builtin_types::GENERATOR_EXIT),
        None => value.is_instance(&builtin_types::GENERATOR_EXIT),
    }
}

/// Throws into a generator: into what it delegates to first. `args` are `throw()`'s one to three arguments; without
/// `close_on_exit` a `GeneratorExit` is thrown into the delegate as anything else is, instead of closing it.
pub fn throw(vm: &mut Vm, object: &Value, close_on_exit: bool, args: &[Value]) -> Py<Exit> {
    vm.check_stack()?;
    let this = generator(vm, object)?;
    let Some(what) = args.first() else {
        return Err(vm.type_error("throw expected at least 1 argument, got 0"));
    };
    if let Some(delegate) = this.delegate() {
        this.begin_delegate(vm)?;
        let outcome = if close_on_exit && is_generator_exit(what) {
            close_iterator(vm, &delegate).map(|()| None)
        } else {
            throw_into(vm, &delegate, close_on_exit, args)
        };
        this.end_delegate(vm);
        match outcome {
            Ok(Some(Exit::Yield(value))) => return Ok(Exit::Yield(value)),
            Ok(Some(Exit::Return(value))) => return resume_after_delegate(vm, object, value),
            Ok(None) => {}
            Err(raised) => {
                let exception = vm.take_raised(raised);
                return resume(vm, object, Input::Throw(exception));
            }
        }
    }
    let exception = thrown_exception(vm, args)?;
    if this.state() == State::Closed && object.is_exact(&builtin_types::COROUTINE) {
        return Err(vm.runtime_error("cannot reuse already awaited coroutine"));
    }
    resume(vm, object, Input::Throw(exception))
}

/// Throws into a delegate. `None`: it has no `throw`, so the exception is raised in the delegating generator itself.
fn throw_into(
    vm: &mut Vm,
    delegate: &Value,
    close_on_exit: bool,
    args: &[Value],
) -> Py<Option<Exit>> {
    if generator_of(delegate).is_some() && !delegate.is_exact(&builtin_types::ASYNC_GENERATOR) {
        return throw(vm, delegate, close_on_exit, args).map(Some);
    }
    let Some(method) = vm.get_attr_opt(delegate, name!("throw"))? else {
        return Ok(None);
    };
    match vm.call(&method, args) {
        Ok(value) => Ok(Some(Exit::Yield(value))),
        Err(raised) => {
            let stop = vm.catch(raised, &builtin_types::STOP_ITERATION)?;
            Ok(Some(Exit::Return(stop_value(vm, &stop))))
        }
    }
}

/// The exception that `throw(type[, value[, traceback]])` means.
fn thrown_exception(vm: &mut Vm, args: &[Value]) -> Py {
    let what = &args[0];
    let value = args.get(1).filter(|value| !value.is_none());
    let traceback = args.get(2).filter(|traceback| !traceback.is_none());
    if traceback.is_some_and(|traceback| !traceback.is_exact(&builtin_types::TRACEBACK)) {
        return Err(vm.type_error("throw() third argument must be a traceback object"));
    }
    let exception = if let Some(ty) = what
        .cast::<Type>()
        .filter(|ty| ty.is_subtype(&builtin_types::BASE_EXCEPTION))
    {
        // An error in making it is what is thrown.
        match instantiate(vm, what, ty, value) {
            Ok(exception) => exception,
            Err(raised) => vm.take_raised(raised),
        }
    } else if what.is_instance(&builtin_types::BASE_EXCEPTION) {
        if value.is_some() {
            return Err(vm.type_error("instance exception may not have a separate value"));
        }
        what.clone()
    } else {
        let message = format!(
            "exceptions must be classes or instances deriving from BaseException, not {}",
            what.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    if let Some(traceback) = traceback {
        exception::set_traceback(vm, &exception, Some(traceback.clone()));
    }
    Ok(exception)
}

/// An instance of an exception class from the loose value that goes with it.
fn instantiate(vm: &mut Vm, class: &Value, ty: &TypeObject, value: Option<&Value>) -> Py {
    let made = match value {
        None => vm.call(class, &[])?,
        Some(value) if value.is_instance(ty) => value.clone(),
        Some(value) => match taipan_core::tuple_object::items(value) {
            Some(items) => vm.call(class, items)?,
            None => vm.call(class, std::slice::from_ref(value))?,
        },
    };
    if made.is_instance(&builtin_types::BASE_EXCEPTION) {
        return Ok(made);
    }
    let message = format!(
        "calling {} should have returned an instance of BaseException, not {}",
        vm.repr_string(class)?,
        made.type_of().name()
    );
    Err(vm.type_error(message))
}

/// Closes what a generator delegates to.
fn close_iterator(vm: &mut Vm, delegate: &Value) -> Py<()> {
    if generator_of(delegate).is_some() && !delegate.is_exact(&builtin_types::ASYNC_GENERATOR) {
        close(vm, delegate)?;
    } else if let Some(method) = vm.get_attr_opt(delegate, name!("close"))? {
        vm.call(&method, &[])?;
    }
    Ok(())
}

/// `generator.close()`: the value it returned, or `None`.
pub fn close(vm: &mut Vm, object: &Value) -> Py {
    vm.check_stack()?;
    let this = generator(vm, object)?;
    match this.state() {
        State::Created => {
            this.discard();
            return Ok(Value::none());
        }
        State::Closed => return Ok(Value::none()),
        State::Suspended if vm.thread().tracing.get() == 0 && this.exits_quietly() => {
            this.discard();
            return Ok(Value::none());
        }
        State::Suspended | State::Running => {}
    }
    let mut exception = None;
    if let Some(delegate) = this.delegate() {
        this.begin_delegate(vm)?;
        let closed = close_iterator(vm, &delegate);
        this.end_delegate(vm);
        if let Err(raised) = closed {
            exception = Some(vm.take_raised(raised));
        }
    }
    let exception = match exception {
        Some(exception) => exception,
        None => vm.call(&builtin_types::GENERATOR_EXIT.to_value(), &[])?,
    };
    match resume(vm, object, Input::Throw(exception)) {
        Ok(Exit::Return(value)) => Ok(value),
        Ok(Exit::Yield(value)) => {
            drop(value);
            Err(ignored_exit(vm, object))
        }
        Err(raised) => {
            if vm.pending_is(&builtin_types::STOP_ITERATION)
                || vm.pending_is(&builtin_types::GENERATOR_EXIT)
            {
                drop(vm.take_raised(raised));
                return Ok(Value::none());
            }
            Err(raised)
        }
    }
}

/// The error of a generator that yields instead of ending.
#[cold]
pub(crate) fn ignored_exit(vm: &mut Vm, object: &Value) -> Raised {
    vm.runtime_error(if object.is_exact(&builtin_types::COROUTINE) {
        "coroutine ignored GeneratorExit"
    } else if object.is_exact(&builtin_types::ASYNC_GENERATOR) {
        "async generator ignored GeneratorExit"
    } else {
        "generator ignored GeneratorExit"
    })
}

/// Warns about the old form of `throw` (or `athrow`).
pub(crate) fn check_throw_arguments(vm: &mut Vm, function: &str, args: &[Value]) -> Py<()> {
    if args.len() > 1 {
        let message = format!(
            "the (type, exc, tb) signature of {function}() is deprecated, use the single-arg signature instead."
        );
        vm.warn(&builtin_types::DEPRECATION_WARNING, &message, 1)?;
    }
    Ok(())
}

fn method_throw(vm: &mut Vm, object: &Value, args: &[Value]) -> Py {
    check_throw_arguments(vm, "throw", args)?;
    let exit = throw(vm, object, true, args)?;
    deliver(vm, object, exit)
}

fn method_next(vm: &mut Vm, object: &Value) -> Py {
    send(vm, object, &Value::none())
}

// ---- dying ----

/// The `finalize` slot: a suspended generator is closed, a coroutine that nobody awaited is reported.
pub(crate) fn finalize(vm: &mut Vm, object: &Value) {
    let Some(this) = generator_of(object) else {
        return;
    };
    if matches!(this.state(), State::Closed | State::Running) {
        return;
    }
    let parked = park_pending(vm);
    if object.is_exact(&builtin_types::ASYNC_GENERATOR)
        && !this.async_closed.load(Relaxed)
        && let Some(finalizer) = this.take_extra()
    {
        if let Err(raised) = vm.call(&finalizer, std::slice::from_ref(object)) {
            vm.unraisable(raised, "", Some(object));
        }
    } else if this.state() == State::Created {
        if object.is_exact(&builtin_types::COROUTINE) {
            warn_never_awaited(vm, object);
        }
    } else if let Err(raised) = close(vm, object) {
        report(vm, raised, "closing generator", object);
    }
    unpark_pending(vm, parked);
}

fn report(vm: &mut Vm, raised: Raised, doing: &str, object: &Value) {
    let kept = vm.take_raised(raised);
    let shown = match vm.repr_string(object) {
        Ok(text) => text,
        Err(raised) => {
            drop(vm.take_raised(raised));
            format!(
                "<{} object at {:#x}>",
                object.type_of().name(),
                object.bits()
            )
        }
    };
    let raised = vm.set_pending(kept);
    vm.unraisable(
        raised,
        &format!("Exception ignored while {doing} {shown}"),
        None,
    );
}

fn warn_never_awaited(vm: &mut Vm, object: &Value) {
    if let Err(raised) = try_warn_never_awaited(vm, object) {
        report(vm, raised, "finalizing coroutine", object);
    }
}

fn try_warn_never_awaited(vm: &mut Vm, object: &Value) -> Py<()> {
    let modules = vm.interpreter().modules.get();
    let warnings = modules.and_then(|modules| modules.cast::<Dict>()?.get_name(name!("warnings")));
    if let Some(warnings) = warnings
        && let Some(warn) = vm.get_attr_opt(&warnings, name!("_warn_unawaited_coroutine"))?
    {
        match vm.call(&warn, std::slice::from_ref(object)) {
            Ok(_) => return Ok(()),
            // The warning itself, made an error.
            Err(raised) if vm.pending_is(&builtin_types::RUNTIME_WARNING) => return Err(raised),
            Err(raised) => report(vm, raised, "finalizing coroutine", object),
        }
    }
    let qualname = generator(vm, object)?.qualname();
    let message = format!("coroutine '{}' was never awaited", lossy(&qualname));
    vm.warn(&builtin_types::RUNTIME_WARNING, &message, 1)
}

/// Notes where a coroutine is made, if `sys` asked for it: a tuple of `(filename, line, function)`.
pub fn record_origin(vm: &mut Vm, coroutine: &Value) {
    let depth = async_hooks(vm).origin_depth.get();
    if depth == 0 {
        return;
    }
    let mut entries = Vec::new();
    let mut at: *mut Frame = frame::top(vm);
    while !at.is_null() && entries.len() < depth as usize {
        // SAFETY: the chain of running frames.
        let this = unsafe { &*at };
        let code = this.code();
        entries.push(new_tuple([
            code.filename.clone(),
            Value::int(i64::from(this.line())),
            code.name.clone(),
        ]));
        at = this.previous;
    }
    if let Some(this) = generator_of(coroutine) {
        this.set_extra(Some(new_tuple(entries)));
    }
}

// ---- attributes ----

pub(crate) fn lossy(value: &Value) -> String {
    str_of(value)
        .map(|text| text.to_lossy())
        .unwrap_or_default()
}

fn or_none(value: Option<Value>) -> Value {
    value.unwrap_or_else(Value::none)
}

pub(crate) fn get_name(vm: &mut Vm, object: &Value) -> Py {
    Ok(generator(vm, object)?.name())
}

pub(crate) fn set_name(vm: &mut Vm, object: &Value, new: Option<&Value>) -> Py<()> {
    let Some(new) = new.filter(|new| is_str(new)) else {
        return Err(vm.type_error("__name__ must be set to a string object"));
    };
    generator(vm, object)?.set_name(new.clone());
    Ok(())
}

pub(crate) fn get_qualname(vm: &mut Vm, object: &Value) -> Py {
    Ok(generator(vm, object)?.qualname())
}

pub(crate) fn set_qualname(vm: &mut Vm, object: &Value, new: Option<&Value>) -> Py<()> {
    let Some(new) = new.filter(|new| is_str(new)) else {
        return Err(vm.type_error("__qualname__ must be set to a string object"));
    };
    generator(vm, object)?.set_qualname(new.clone());
    Ok(())
}

pub(crate) fn get_delegate(vm: &mut Vm, object: &Value) -> Py {
    Ok(or_none(generator(vm, object)?.delegate()))
}

fn get_running(vm: &mut Vm, object: &Value) -> Py {
    Ok(Value::bool(
        generator(vm, object)?.state() == State::Running,
    ))
}

pub(crate) fn get_suspended(vm: &mut Vm, object: &Value) -> Py {
    Ok(Value::bool(
        generator(vm, object)?.state() == State::Suspended,
    ))
}

pub(crate) fn get_frame(vm: &mut Vm, object: &Value) -> Py {
    Ok(match generator(vm, object)?.frame() {
        Some(frame) => frame_object::object_of(vm, frame),
        None => Value::none(),
    })
}

pub(crate) fn get_code(vm: &mut Vm, object: &Value) -> Py {
    Ok(generator(vm, object)?.code.clone())
}

fn get_origin(vm: &mut Vm, object: &Value) -> Py {
    Ok(or_none(generator(vm, object)?.extra()))
}

pub(crate) fn repr(vm: &mut Vm, object: &Value) -> Py {
    let qualname = generator(vm, object)?.qualname();
    let text = format!(
        "<{} object {} at {:#x}>",
        object.type_of().name(),
        lossy(&qualname),
        object.bits()
    );
    Ok(new_str(&text))
}

fn itself(_vm: &mut Vm, object: &Value) -> Py {
    Ok(object.clone())
}

const SEND_DOC: &str = "send(value) -> send 'value' into generator,\nreturn next yielded value or raise StopIteration.";
const THROW_DOC: &str = "throw(value)\nthrow(type[,value[,tb]])\n\nRaise exception in generator, return next yielded value or raise\n\
                         StopIteration.\nthe (type, val, tb) signature is deprecated,\nand may be removed in a future \
                         version of Python.";
const CLOSE_DOC: &str = "close() -> raise GeneratorExit inside generator.";

static GENERATOR_METHODS: [MethodDef; 5] = [
    f0("__next__(self, /)", method_next, "Implement next(self)."),
    f1("send(self, value, /)", send, SEND_DOC),
    slice(
        "throw(self, type, value=None, traceback=None, /)",
        method_throw,
        THROW_DOC,
    ),
    f0("close(self, /)", close, CLOSE_DOC),
    class_getitem_row(),
];

static GENERATOR_GETSET: [GetSetDef; 7] = [
    getset("__name__", get_name, set_name, "name of the generator"),
    getset(
        "__qualname__",
        get_qualname,
        set_qualname,
        "qualified name of the generator",
    ),
    getter(
        "gi_yieldfrom",
        get_delegate,
        "object being iterated by yield from, or None",
    ),
    getter("gi_running", get_running, ""),
    getter("gi_frame", get_frame, ""),
    getter("gi_suspended", get_suspended, ""),
    getter("gi_code", get_code, ""),
];

static GENERATOR_SPEC: TypeSpec = TypeSpec {
    name: "generator",
    flags: TypeFlags::WEAKREF.union(TypeFlags::NO_INSTANTIATION),
    layout: Some(const { &Layout::of::<Generator>() }),
    slots: Slots {
        finalize: Some(finalize),
        repr: Some(repr),
        iter: Some(itself),
        next: Some(generator_next),
        ..Slots::NONE
    },
    methods: &GENERATOR_METHODS,
    getset: &GENERATOR_GETSET,
    ..TypeSpec::DEFAULT
};

static COROUTINE_METHODS: [MethodDef; 4] = [
    f1(
        "send(self, value, /)",
        send,
        "send(value) -> send 'value' into coroutine,\nreturn next iterated value or raise StopIteration.",
    ),
    slice(
        "throw(self, type, value=None, traceback=None, /)",
        method_throw,
        "throw(value)\nthrow(type[,value[,traceback]])\n\nRaise exception in coroutine, return next iterated value or \
         raise\nStopIteration.\nthe (type, val, tb) signature is deprecated,\nand may be removed in a future version \
         of Python.",
    ),
    f0(
        "close(self, /)",
        close,
        "close() -> raise GeneratorExit inside coroutine.",
    ),
    class_getitem_row(),
];

static COROUTINE_GETSET: [GetSetDef; 8] = [
    getset("__name__", get_name, set_name, "name of the coroutine"),
    getset(
        "__qualname__",
        get_qualname,
        set_qualname,
        "qualified name of the coroutine",
    ),
    getter("cr_await", get_delegate, "object being awaited on, or None"),
    getter("cr_running", get_running, ""),
    getter("cr_frame", get_frame, ""),
    getter("cr_code", get_code, ""),
    getter("cr_origin", get_origin, ""),
    getter("cr_suspended", get_suspended, ""),
];

static COROUTINE_SPEC: TypeSpec = TypeSpec {
    name: "coroutine",
    flags: TypeFlags::WEAKREF.union(TypeFlags::NO_INSTANTIATION),
    layout: Some(const { &Layout::of::<Generator>() }),
    slots: Slots {
        finalize: Some(finalize),
        repr: Some(repr),
        await_: Some(coroutine_await),
        ..Slots::NONE
    },
    methods: &COROUTINE_METHODS,
    getset: &COROUTINE_GETSET,
    ..TypeSpec::DEFAULT
};

// ---- coroutine.__await__() ----

/// Payload of what `coroutine.__await__()` gives: the coroutine as an iterator.
pub struct CoroutineWrapper {
    coroutine: Value,
}

// SAFETY: the reference is reported.
unsafe impl Payload for CoroutineWrapper {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &builtin_types::COROUTINE_WRAPPER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.coroutine);
    }
}

fn coroutine_await(_vm: &mut Vm, object: &Value) -> Py {
    Ok(alloc::new_object(CoroutineWrapper {
        coroutine: object.clone(),
    }))
}

fn wrapped(value: &Value) -> &Value {
    &value.expect::<CoroutineWrapper>().coroutine
}

/// A returned value goes out in a `StopIteration`.
fn wrapper_next(vm: &mut Vm, object: &Value) -> Py<Option<Value>> {
    match resume(vm, wrapped(object), Input::Value(Value::none()))? {
        Exit::Yield(value) => Ok(Some(value)),
        Exit::Return(value) if value.is_none() => Ok(None),
        Exit::Return(value) => Err(stop_iteration(vm, value)),
    }
}

static WRAPPER_METHODS: [MethodDef; 3] = [
    f1(
        "send(self, value, /)",
        |vm, object, value| send(vm, wrapped(object), value),
        SEND_DOC,
    ),
    slice(
        "throw(self, type, value=None, traceback=None, /)",
        |vm, object, args| method_throw(vm, wrapped(object), args),
        THROW_DOC,
    ),
    f0(
        "close(self, /)",
        |vm, object| close(vm, wrapped(object)),
        CLOSE_DOC,
    ),
];

static WRAPPER_SPEC: TypeSpec = TypeSpec {
    name: "coroutine_wrapper",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<CoroutineWrapper>() }),
    slots: Slots {
        iter: Some(itself),
        next: Some(wrapper_next),
        ..Slots::NONE
    },
    methods: &WRAPPER_METHODS,
    doc: "A wrapper object implementing __await__ for coroutines.",
    ..TypeSpec::DEFAULT
};

/// Defines `generator`, `coroutine`, `coroutine_wrapper` and the types of `async_generator_type`.
pub fn define() {
    builtin_types::GENERATOR.define(&GENERATOR_SPEC);
    builtin_types::COROUTINE.define(&COROUTINE_SPEC);
    builtin_types::COROUTINE_WRAPPER.define(&WRAPPER_SPEC);
    crate::async_generator_type::define();
}
