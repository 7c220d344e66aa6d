//! The iterator of `await future`: gives the future to the task once, then ends with its result.

use super::future::{self, Status, own};
use crate::support::native_type;
use taipan_core::alloc::new_object;
use taipan_core::lock::Locked;
use taipan_core::{
    Args, Layout, MethodDef, Py, Slots, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    builtin_types, exception, f0, f1, slice,
};
use taipan_interp::generator::stop_iteration;

native_type! {
    /// Payload of the iterator.
    FUTURE_ITERATOR "_asyncio.FutureIter" FutureIterator {}
    FutureIteratorState {
        // None once it was closed.
        future: Option<Value>,
    }
}

static LAYOUT: Layout = Layout::of::<FutureIterator>();
static SPEC: TypeSpec = TypeSpec {
    name: "_asyncio.FutureIter",
    layout: Some(&LAYOUT),
    flags: TypeFlags::empty(),
    slots: Slots {
        new: Some(new),
        iter: Some(|_, this| Ok(this.clone())),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};
static METHODS: [MethodDef; 3] = [
    f1("send($self, value, /)", send, ""),
    slice("throw($self, type, val=None, tb=None, /)", throw, ""),
    f0("close($self, /)", close, ""),
];

pub(super) fn define() {
    FUTURE_ITERATOR.define(&SPEC);
}

fn make(future: Option<Value>) -> Value {
    new_object(FutureIterator {
        state: Locked::new(FutureIteratorState { future }),
    })
}

fn new(_vm: &mut Vm, _cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(make(None))
}

/// `iter(future)`, `future.__await__()`
pub(super) fn iterate(vm: &mut Vm, future: &Value) -> Py {
    if own(future).lock(vm).event_loop.is_none() {
        return Err(future::not_initialized(vm));
    }
    Ok(make(Some(future.clone())))
}

/// The result None ends it without an exception, as it ends any iterator.
fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let future = this.expect::<FutureIterator>().lock(vm).future.clone();
    let Some(future) = future else {
        return Ok(None);
    };
    let mut state = own(&future).lock(vm);
    if state.status == Status::Pending {
        if state.blocking {
            drop(state);
            return Err(vm.runtime_error("await wasn't used with future"));
        }
        state.blocking = true;
        drop(state);
        return Ok(Some(future));
    }
    drop(state);
    let result = future::result(vm, &future)?;
    if result.is_none() {
        return Ok(None);
    }
    Err(stop_iteration(vm, result))
}

fn send(vm: &mut Vm, this: &Value, _value: &Value) -> Py {
    match next(vm, this)? {
        Some(future) => Ok(future),
        None => Err(stop_iteration(vm, Value::none())),
    }
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    let old = this.expect::<FutureIterator>().lock(vm).future.take();
    drop(old);
    Ok(Value::none())
}

/// `throw(type[, value[, traceback]])`: the exception comes straight back.
fn throw(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    if args.len() > 1 {
        let message = "the (type, exc, tb) signature of throw() is deprecated, use the single-arg signature instead.";
        vm.warn(&builtin_types::DEPRECATION_WARNING, message, 1)?;
    }
    let what = &args[0];
    let value = args.get(1).filter(|value| !value.is_none());
    let traceback = args.get(2).filter(|traceback| !traceback.is_none());
    if traceback.is_some_and(|traceback| !traceback.is_exact(&builtin_types::TRACEBACK)) {
        return Err(vm.type_error("throw() third argument must be a traceback"));
    }
    let class = what
        .cast::<Type>()
        .filter(|class| class.is_subtype(&builtin_types::BASE_EXCEPTION));
    let exception = if let Some(class) = class {
        match value {
            None => vm.call(what, &[])?,
            Some(value) if value.is_instance(class) => value.clone(),
            Some(value) => match taipan_core::tuple_object::items(value) {
                Some(items) => vm.call(what, items)?,
                None => vm.call(what, std::slice::from_ref(value))?,
            },
        }
    } else if what.is_instance(&builtin_types::BASE_EXCEPTION) {
        if value.is_some() {
            return Err(vm.type_error("instance exception may not have a separate value"));
        }
        what.clone()
    } else {
        return Err(vm.type_error(
            "exceptions must be classes deriving BaseException or instances of such a class",
        ));
    };
    if !exception.is_instance(&builtin_types::BASE_EXCEPTION) {
        return Err(vm.type_error("exceptions must derive from BaseException"));
    }
    if let Some(traceback) = traceback {
        exception::set_traceback(vm, &exception, Some(traceback.clone()));
    }
    close(vm, this)?;
    Err(vm.set_pending(exception))
}
