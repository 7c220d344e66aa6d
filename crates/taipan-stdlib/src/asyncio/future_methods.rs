//! `_asyncio.Future` as Python sees it, and what tasks share of it.

use super::future::{self, FUTURE, Future, Status, own};
use super::{awaited_by, imports, iterator};
use crate::contextvars;
use crate::support::signature;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value,
    Vm, bound, f0, f1, getset, getter, name,
};
use taipan_types::check::class_getitem_row;
use taipan_types::list::new_list;

static LAYOUT: Layout = Layout::of::<Future>();

static SPEC: TypeSpec = TypeSpec {
    name: "_asyncio.Future",
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        finalize: Some(finalize),
        repr: Some(repr),
        iter: Some(iterator::iterate),
        await_: Some(iterator::iterate),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Future(*, loop=None)\n--\n\n\
          The result of something that is not done yet, of the loop that will know when it is.\n\n\
          It resembles concurrent.futures.Future. But result() and exception() take no timeout:\n\
          they raise an exception as long as the future is not done. Callbacks are called by the\n\
          loop, one of its turns later. And wait() and as_completed() of concurrent.futures do\n\
          not take it.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    FUTURE.define(&SPEC);
}

static INIT: MethodDef = signature("Future($self, /, *, loop=None)");

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(cls, Future::new()))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let bound = bind(vm, &INIT, args)?;
    future::initialize(vm, this, bound.get_not_none(0))
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    future::event_loop_of(vm, this)?;
    let function = imports::future_repr(vm)?;
    vm.call(&function, std::slice::from_ref(this))
}

/// An exception that nobody has looked at is reported.
pub(super) fn finalize(vm: &mut Vm, this: &Value) {
    let mut state = own(this).lock(vm);
    if !state.log_traceback {
        return;
    }
    state.log_traceback = false;
    let exception = state.exception.clone().unwrap_or_else(Value::none);
    drop(state);
    let message = format!(
        "{} exception was never retrieved",
        this.type_of().short_name()
    );
    let pairs = [
        ("message", new_str(&message)),
        ("exception", exception),
        ("future", this.clone()),
    ];
    future::call_exception_handler(vm, this, &pairs);
}

// ---- methods ----

fn is_initialized(vm: &mut Vm, this: &Value) -> bool {
    own(this).lock(vm).event_loop.is_some()
}

fn require_initialized_state(vm: &mut Vm, this: &Value) -> Py<()> {
    if is_initialized(vm, this) {
        return Ok(());
    }
    Err(imports::invalid_state(
        vm,
        "Future object is not initialized.",
    ))
}

pub(super) fn result(vm: &mut Vm, this: &Value) -> Py {
    require_initialized_state(vm, this)?;
    future::result(vm, this)
}

pub(super) fn exception(vm: &mut Vm, this: &Value) -> Py {
    require_initialized_state(vm, this)?;
    let mut state = own(this).lock(vm);
    match state.status {
        Status::Cancelled => {
            drop(state);
            let exception = future::make_cancelled_error(vm, this)?;
            Err(vm.raise_value(exception))
        }
        Status::Pending => {
            drop(state);
            Err(imports::invalid_state(vm, "Exception is not set."))
        }
        Status::Finished => {
            if state.exception.is_some() {
                state.log_traceback = false;
            }
            Ok(state.exception.clone().unwrap_or_else(Value::none))
        }
    }
}

fn set_result(vm: &mut Vm, this: &Value, result: &Value) -> Py {
    future::set_result(vm, this, result.clone())?;
    Ok(Value::none())
}

fn set_exception(vm: &mut Vm, this: &Value, exception: &Value) -> Py {
    future::set_exception(vm, this, exception)?;
    Ok(Value::none())
}

pub(super) fn add_done_callback(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let context = match args.get(1) {
        Some(context) => context.clone(),
        None => contextvars::copy_current(vm),
    };
    future::add_done_callback(vm, this, args.req(0).clone(), context)?;
    Ok(Value::none())
}

pub(super) fn remove_done_callback(vm: &mut Vm, this: &Value, callback: &Value) -> Py {
    let count = future::remove_done_callback(vm, this, callback)?;
    Ok(Value::int(count as i64))
}

fn cancel(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    future::event_loop_of(vm, this)?;
    let cancelled = future::cancel(vm, this, args.get_not_none(0).cloned())?;
    Ok(Value::bool(cancelled))
}

pub(super) fn cancelled(vm: &mut Vm, this: &Value) -> Py {
    let state = own(this).lock(vm);
    Ok(Value::bool(
        state.event_loop.is_some() && state.status == Status::Cancelled,
    ))
}

pub(super) fn done(vm: &mut Vm, this: &Value) -> Py {
    let state = own(this).lock(vm);
    Ok(Value::bool(
        state.event_loop.is_some() && state.status != Status::Pending,
    ))
}

pub(super) const RESULT_DOC: &str = "Return the result this future stands for.\n\n\
     A future that was cancelled raises CancelledError, one that is not done\n\
     InvalidStateError, and one with an exception that exception.";
pub(super) const EXCEPTION_DOC: &str = "Return the exception that was set on this future, or None.\n\n\
     A future that was cancelled raises CancelledError, and one that is not done\n\
     InvalidStateError.";
pub(super) const ADD_DOC: &str = "Have a function called when the future is done.\n\n\
     It is called with the future as its only argument, by the loop. If the future\n\
     is done already, that is scheduled at once.";
pub(super) const REMOVE_DOC: &str = "Take a callback out, however often it was added.\n\n\
     Returns how often that was.";
pub(super) const CANCELLED_DOC: &str = "Return True if the future was cancelled.";
pub(super) const DONE_DOC: &str =
    "Return True if the future is done: it has a result or an exception, or was cancelled.";
pub(super) const MAKE_CANCELLED_DOC: &str = "Make the CancelledError to raise if it was cancelled.\n\n\
     To be called once: it gives away the exception that was kept.";
pub(super) const ADD_SIGNATURE: &str =
    "add_done_callback($self, fn, /, *, context=<unrepresentable>)";

static METHODS: [MethodDef; 12] = [
    f0("result($self, /)", result, RESULT_DOC),
    f0("exception($self, /)", exception, EXCEPTION_DOC),
    f1(
        "set_result($self, result, /)",
        set_result,
        "Mark the future done and set its result.\n\n\
         If it is done already, raises InvalidStateError.",
    ),
    f1(
        "set_exception($self, exception, /)",
        set_exception,
        "Mark the future done and set an exception.\n\n\
         If it is done already, raises InvalidStateError.",
    ),
    bound(ADD_SIGNATURE, add_done_callback, ADD_DOC),
    f1(
        "remove_done_callback($self, fn, /)",
        remove_done_callback,
        REMOVE_DOC,
    ),
    bound(
        "cancel($self, /, msg=None)",
        cancel,
        "Cancel the future and schedule its callbacks.\n\n\
         If it is done already, return False; otherwise True.",
    ),
    f0("cancelled($self, /)", cancelled, CANCELLED_DOC),
    f0("done($self, /)", done, DONE_DOC),
    f0(
        "get_loop($self, /)",
        future::event_loop_of,
        "Return the event loop the Future is bound to.",
    ),
    f0(
        "_make_cancelled_error($self, /)",
        future::make_cancelled_error,
        MAKE_CANCELLED_DOC,
    ),
    class_getitem_row(),
];

// ---- attributes ----

fn get_state(vm: &mut Vm, this: &Value) -> Py {
    future::event_loop_of(vm, this)?;
    Ok(match own(this).lock(vm).status {
        Status::Pending => name!("PENDING").clone(),
        Status::Cancelled => name!("CANCELLED").clone(),
        Status::Finished => name!("FINISHED").clone(),
    })
}

fn get_blocking(vm: &mut Vm, this: &Value) -> Py {
    let state = own(this).lock(vm);
    Ok(Value::bool(state.event_loop.is_some() && state.blocking))
}

/// The new value of an attribute that cannot be deleted.
pub(super) fn not_deleted<'a>(
    vm: &mut Vm,
    this: &Value,
    attribute: &str,
    new: Option<&'a Value>,
) -> Py<&'a Value> {
    match new {
        Some(new) => Ok(new),
        None => {
            let message = format!(
                "attribute '{attribute}' of '{}' objects cannot be deleted",
                this.type_of().name()
            );
            Err(vm.attribute_error(message))
        }
    }
}

fn set_blocking(vm: &mut Vm, this: &Value, new: Option<&Value>) -> Py<()> {
    let new = not_deleted(vm, this, "_asyncio_future_blocking", new)?;
    future::event_loop_of(vm, this)?;
    let blocking = vm.truth(new)?;
    own(this).lock(vm).blocking = blocking;
    Ok(())
}

fn or_none(value: Option<Value>) -> Value {
    value.unwrap_or_else(Value::none)
}

fn get_loop(vm: &mut Vm, this: &Value) -> Py {
    Ok(or_none(own(this).lock(vm).event_loop.clone()))
}

fn get_callbacks(vm: &mut Vm, this: &Value) -> Py {
    future::event_loop_of(vm, this)?;
    let state = own(this).lock(vm);
    let pairs: Vec<(Value, Value)> = state
        .callback
        .iter()
        .chain(&state.callbacks)
        .cloned()
        .collect();
    drop(state);
    if pairs.is_empty() {
        return Ok(Value::none());
    }
    let pairs = pairs
        .into_iter()
        .map(|(callback, context)| new_tuple([callback, context]));
    Ok(new_list(pairs.collect()))
}

fn get_result(vm: &mut Vm, this: &Value) -> Py {
    future::event_loop_of(vm, this)?;
    Ok(or_none(own(this).lock(vm).result.clone()))
}

fn get_exception(vm: &mut Vm, this: &Value) -> Py {
    future::event_loop_of(vm, this)?;
    Ok(or_none(own(this).lock(vm).exception.clone()))
}

fn get_log_traceback(vm: &mut Vm, this: &Value) -> Py {
    future::event_loop_of(vm, this)?;
    Ok(Value::bool(own(this).lock(vm).log_traceback))
}

fn set_log_traceback(vm: &mut Vm, this: &Value, new: Option<&Value>) -> Py<()> {
    let new = not_deleted(vm, this, "_log_traceback", new)?;
    if vm.truth(new)? {
        return Err(vm.value_error("_log_traceback can only be set to False"));
    }
    own(this).lock(vm).log_traceback = false;
    Ok(())
}

fn get_source_traceback(vm: &mut Vm, this: &Value) -> Py {
    Ok(or_none(own(this).lock(vm).source_traceback.clone()))
}

fn get_cancel_message(vm: &mut Vm, this: &Value) -> Py {
    Ok(or_none(own(this).lock(vm).cancel_message.clone()))
}

fn set_cancel_message(vm: &mut Vm, this: &Value, new: Option<&Value>) -> Py<()> {
    let new = not_deleted(vm, this, "_cancel_message", new)?;
    let new = Some(new.clone());
    let old = std::mem::replace(&mut own(this).lock(vm).cancel_message, new);
    drop(old);
    Ok(())
}

static GETSET: [GetSetDef; 10] = [
    getter("_state", get_state, ""),
    getset("_asyncio_future_blocking", get_blocking, set_blocking, ""),
    getter("_loop", get_loop, ""),
    getter("_callbacks", get_callbacks, ""),
    getter("_result", get_result, ""),
    getter("_exception", get_exception, ""),
    getset("_log_traceback", get_log_traceback, set_log_traceback, ""),
    getter("_source_traceback", get_source_traceback, ""),
    getset(
        "_cancel_message",
        get_cancel_message,
        set_cancel_message,
        "",
    ),
    getter("_asyncio_awaited_by", awaited_by::get, ""),
];
