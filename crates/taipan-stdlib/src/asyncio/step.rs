//! How a task runs: one step resumes its coroutine until it waits for something, and sees to it that the next one comes.

use super::future::{self, FUTURE, Outcome, Status, own};
use super::task::{self, TASK, own_task};
use super::task_methods::cancel_awaited;
use super::{awaited_by, imports, running};
use crate::contextvars;
use crate::support::native_type;
use taipan_core::alloc::new_object;
use taipan_core::lock::Locked;
use taipan_core::native_function::new_native_function;
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Py, Raised, Slots, TypeFlags, TypeSpec, Value, Vm,
    builtin_types, f1, getter, name,
};
use taipan_interp::dispatch::Exit;
use taipan_interp::generator::{self, Input, generator_of, stop_value};
use taipan_interp::generator_type;

// ---- what the loop calls ----

native_type! {
    /// Payload of the callable that takes a task's next step.
    STEP "_asyncio.TaskStepMethWrapper" Step { task: Value, exception: Option<Value> }
    StepState {}
}

static STEP_LAYOUT: Layout = Layout::of::<Step>();
static STEP_SPEC: TypeSpec = TypeSpec {
    name: "_asyncio.TaskStepMethWrapper",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&STEP_LAYOUT),
    slots: Slots {
        call: Some(call_step),
        ..Slots::NONE
    },
    getset: &STEP_GETSET,
    ..TypeSpec::DEFAULT
};
static STEP_GETSET: [GetSetDef; 1] = [getter(
    "__self__",
    |_, this| Ok(this.expect::<Step>().task.clone()),
    "",
)];

/// What a future calls when a task waits for it.
static WAKE_UP: MethodDef = f1("task_wakeup(future, /)", wake_up, "");

pub(super) fn define() {
    STEP.define(&STEP_SPEC);
}

fn call_step(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    if args.has_keywords() {
        return Err(vm.type_error("function takes no keyword arguments"));
    }
    if !args.is_empty() {
        return Err(vm.type_error("function takes no positional arguments"));
    }
    let this = this.expect::<Step>();
    step(vm, &this.task, this.exception.clone())
}

/// Has the loop take the next step, which begins with `exception` if there is one.
pub(super) fn call_soon(vm: &mut Vm, task: &Value, exception: Option<Value>) -> Py<()> {
    let event_loop = future::event_loop_of(vm, task)?;
    let context = context_of(vm, task);
    let next = new_object(Step {
        task: task.clone(),
        exception,
        state: Locked::new(StepState {}),
    });
    future::call_soon(vm, &event_loop, next, None, context)
}

fn context_of(vm: &mut Vm, task: &Value) -> Value {
    let context = own_task(task).lock(vm).context.clone();
    context.unwrap_or_else(Value::none)
}

/// The next step begins with a `RuntimeError`.
#[cold]
fn fail_soon(vm: &mut Vm, task: &Value, message: &str) -> Py<()> {
    let class = builtin_types::RUNTIME_ERROR.to_value();
    let exception = vm.call(&class, &[new_str(message)])?;
    call_soon(vm, task, Some(exception))
}

/// A future that the task waited for is done.
fn wake_up(vm: &mut Vm, task: &Value, awaited: &Value) -> Py {
    awaited_by::discard(vm, awaited, task)?;
    let outcome = if is_ours(awaited) {
        future::outcome(vm, awaited)
    } else {
        vm.call_method(awaited, name!("result"), &[])
            .map(Outcome::Result)
    };
    match outcome {
        Ok(Outcome::Result(_)) => step(vm, task, None),
        Ok(Outcome::Exception(exception)) => step(vm, task, Some(exception)),
        Err(raised) => {
            let exception = vm.take_raised(raised);
            step(vm, task, Some(exception))
        }
    }
}

/// A future or task whose methods are surely those of this module.
fn is_ours(value: &Value) -> bool {
    value.is_exact(&FUTURE) || value.is_exact(&TASK)
}

// ---- a step ----

/// Takes a step as the thread's current task.
fn step(vm: &mut Vm, task: &Value, exception: Option<Value>) -> Py {
    let event_loop = future::event_loop_of(vm, task)?;
    running::enter_task(vm, &event_loop, task)?;
    let outcome = run(vm, task, exception);
    after(vm, outcome, |vm| running::leave_task(vm, &event_loop, task))?;
    Ok(Value::none())
}

/// Does what must be done after a step, whether it failed or not; the first failure counts.
fn after(vm: &mut Vm, outcome: Py<()>, then: impl FnOnce(&mut Vm) -> Py<()>) -> Py<()> {
    let Err(raised) = outcome else {
        return then(vm);
    };
    let exception = vm.take_raised(raised);
    if let Err(raised) = then(vm) {
        drop(vm.take_raised(raised));
    }
    Err(vm.set_pending(exception))
}

/// The first step, at once and in the task's context.
pub(super) fn start_eagerly(vm: &mut Vm, task: &Value) -> Py<()> {
    let event_loop = future::event_loop_of(vm, task)?;
    let before = running::swap_task(vm, &event_loop, Some(task.clone()))?;
    let outcome = run_eagerly(vm, task);
    after(vm, outcome, |vm| {
        running::swap_task(vm, &event_loop, before)?;
        if own(task).lock(vm).status == Status::Pending {
            task::register(vm, task)?;
        } else {
            let coroutine = own_task(task).lock(vm).coroutine.take();
            drop(coroutine);
        }
        Ok(())
    })
}

fn run_eagerly(vm: &mut Vm, task: &Value) -> Py<()> {
    task::register_eager(vm, task)?;
    let context = context_of(vm, task);
    let outcome = match contextvars::enter_checked(vm, &context) {
        Ok(()) => {
            let outcome = run(vm, task, None);
            contextvars::leave(vm, &context);
            outcome
        }
        Err(raised) => Err(raised),
    };
    after(vm, outcome, |vm| {
        task::unregister_eager(vm, task)?;
        Ok(())
    })
}

/// Resumes the coroutine and deals with what comes of it.
fn run(vm: &mut Vm, task: &Value, exception: Option<Value>) -> Py<()> {
    if own(task).lock(vm).status != Status::Pending {
        return Err(already_done(vm, task, exception));
    }
    let mut state = own_task(task).lock(vm);
    let must_cancel = state.must_cancel;
    let waited_for = state.waits_for.take();
    let coroutine = state.coroutine.clone();
    drop(state);
    drop(waited_for);
    let Some(coroutine) = coroutine else {
        return Err(vm.runtime_error("uninitialized Task object"));
    };
    let exception = if must_cancel {
        Some(cancellation(vm, task, exception)?)
    } else {
        exception
    };
    let exit = match exception {
        None => send_none(vm, &coroutine),
        Some(exception) => throw(vm, &coroutine, exception),
    };
    match exit {
        Ok(Exit::Yield(awaited)) => wait_for(vm, task, &awaited),
        Ok(Exit::Return(value)) => end(vm, task, value),
        Err(raised) => fail(vm, task, raised),
    }
}

#[cold]
fn already_done(vm: &mut Vm, task: &Value, exception: Option<Value>) -> Raised {
    let shown = match vm.repr_string(task) {
        Ok(shown) => shown,
        Err(raised) => return raised,
    };
    let exception = match exception {
        Some(exception) => vm.repr_string(&exception),
        None => vm.repr_string(&taipan_core::str_object::empty_str()),
    };
    match exception {
        Ok(exception) => {
            imports::invalid_state(vm, &format!("__step(): already done: {shown} {exception}"))
        }
        Err(raised) => raised,
    }
}

/// The exception to begin with when the task was asked to cancel itself.
fn cancellation(vm: &mut Vm, task: &Value, exception: Option<Value>) -> Py {
    let exception = match exception {
        Some(exception) if imports::is_cancellation(vm, &exception)? => exception,
        _ => future::make_cancelled_error(vm, task)?,
    };
    own_task(task).lock(vm).must_cancel = false;
    Ok(exception)
}

/// `coroutine.send(None)`
fn send_none(vm: &mut Vm, coroutine: &Value) -> Py<Exit> {
    if generator_of(coroutine).is_some() && !coroutine.is_exact(&builtin_types::ASYNC_GENERATOR) {
        return generator::resume(vm, coroutine, Input::Value(Value::none()));
    }
    if coroutine.type_of().slots().next.is_some() {
        return generator::send_to(vm, coroutine, &Value::none());
    }
    let sent = vm.call_method(coroutine, name!("send"), &[Value::none()]);
    unless_stopped(vm, sent)
}

/// `coroutine.throw(exception)`
fn throw(vm: &mut Vm, coroutine: &Value, exception: Value) -> Py<Exit> {
    if coroutine.is_exact(&builtin_types::COROUTINE) {
        return generator_type::throw(vm, coroutine, true, &[exception]);
    }
    let sent = vm.call_method(coroutine, name!("throw"), &[exception]);
    unless_stopped(vm, sent)
}

/// A `StopIteration` is the return of a value.
fn unless_stopped(vm: &mut Vm, sent: Py) -> Py<Exit> {
    match sent {
        Ok(value) => Ok(Exit::Yield(value)),
        Err(raised) => {
            let stop = vm.catch(raised, &builtin_types::STOP_ITERATION)?;
            Ok(Exit::Return(stop_value(vm, &stop)))
        }
    }
}

/// The coroutine has returned.
fn end(vm: &mut Vm, task: &Value, value: Value) -> Py<()> {
    let must_cancel = std::mem::take(&mut own_task(task).lock(vm).must_cancel);
    if must_cancel {
        let message = own(task).lock(vm).cancel_message.clone();
        future::cancel(vm, task, message)?;
        return Ok(());
    }
    future::set_result(vm, task, value)
}

/// The coroutine has raised.
fn fail(vm: &mut Vm, task: &Value, raised: Raised) -> Py<()> {
    let cancelled = imports::pending_is_cancellation(vm)?;
    let fatal = vm.pending_is(&builtin_types::KEYBOARD_INTERRUPT)
        || vm.pending_is(&builtin_types::SYSTEM_EXIT);
    let exception = vm.take_raised(raised);
    if cancelled {
        let old = own(task).lock(vm).cancelled_error.replace(exception);
        drop(old);
        future::cancel(vm, task, None)?;
        return Ok(());
    }
    future::set_exception(vm, task, &exception)?;
    if fatal {
        return Err(vm.set_pending(exception));
    }
    Ok(())
}

// ---- waiting ----

/// The loop of a future of any kind.
pub(super) fn loop_of(vm: &mut Vm, future: &Value) -> Py {
    if is_ours(future) {
        return future::event_loop_of(vm, future);
    }
    match vm.get_attr_opt(future, name!("get_loop"))? {
        Some(get_loop) => vm.call(&get_loop, &[]),
        None => vm.get_attr(future, name!("_loop")),
    }
}

/// The coroutine has given out `awaited`: wakes the task when that is done.
fn wait_for(vm: &mut Vm, task: &Value, awaited: &Value) -> Py<()> {
    if awaited.is(task) {
        let message = format!("Task cannot await on itself: {}", vm.repr_string(task)?);
        return fail_soon(vm, task, &message);
    }
    if is_ours(awaited) {
        let mut state = own(awaited).lock(vm);
        let blocking = std::mem::take(&mut state.blocking);
        let event_loop = state.event_loop.clone();
        drop(state);
        let own_loop = future::event_loop_of(vm, task)?;
        if !event_loop.is_some_and(|event_loop| event_loop.is(&own_loop)) {
            own(awaited).lock(vm).blocking = blocking;
            return fail_foreign(vm, task, awaited);
        }
        if !blocking {
            return fail_yielded(vm, task, awaited);
        }
        awaited_by::add(vm, awaited, task)?;
        let context = context_of(vm, task);
        future::add_done_callback(vm, awaited, wake_up_of(task), context)?;
        return now_waits_for(vm, task, awaited);
    }
    if awaited.is_none() {
        // A bare `yield` lets the others have one turn.
        return call_soon(vm, task, None);
    }
    wait_for_other(vm, task, awaited)
}

fn wake_up_of(task: &Value) -> Value {
    new_native_function(&WAKE_UP, Some(task.clone()), None)
}

/// The task waits for `awaited` from now on; a cancellation that came while it ran goes there.
fn now_waits_for(vm: &mut Vm, task: &Value, awaited: &Value) -> Py<()> {
    let mut state = own_task(task).lock(vm);
    let old = state.waits_for.replace(awaited.clone());
    let must_cancel = state.must_cancel;
    drop(state);
    drop(old);
    if must_cancel {
        let message = own(task).lock(vm).cancel_message.clone();
        let message = message.unwrap_or_else(Value::none);
        if cancel_awaited(vm, awaited, message)? {
            own_task(task).lock(vm).must_cancel = false;
        }
    }
    Ok(())
}

/// Waits for what says of itself that it is a future; anything else is an error.
#[cold]
fn wait_for_other(vm: &mut Vm, task: &Value, awaited: &Value) -> Py<()> {
    let attribute = name!("_asyncio_future_blocking");
    let blocking = vm.get_attr_opt(awaited, attribute)?;
    let Some(blocking) = blocking.filter(|blocking| !blocking.is_none()) else {
        return fail_wrong_yield(vm, task, awaited);
    };
    let blocking = vm.truth(&blocking)?;
    let event_loop = loop_of(vm, awaited)?;
    if !event_loop.is(&future::event_loop_of(vm, task)?) {
        return fail_foreign(vm, task, awaited);
    }
    if !blocking {
        return fail_yielded(vm, task, awaited);
    }
    awaited_by::add(vm, awaited, task)?;
    vm.set_attr(awaited, attribute, Some(&Value::bool(false)))?;
    let context = context_of(vm, task);
    let add = vm.get_attr(awaited, name!("add_done_callback"))?;
    let args = [wake_up_of(task), context];
    let names = std::slice::from_ref(name!("context"));
    vm.call_args(&add, Args::new(&args, names))?;
    now_waits_for(vm, task, awaited)
}

#[cold]
fn fail_foreign(vm: &mut Vm, task: &Value, awaited: &Value) -> Py<()> {
    let message = format!(
        "Task {} got Future {} attached to a different loop",
        vm.repr_string(task)?,
        vm.repr_string(awaited)?
    );
    fail_soon(vm, task, &message)
}

#[cold]
fn fail_yielded(vm: &mut Vm, task: &Value, awaited: &Value) -> Py<()> {
    let message = format!(
        "yield was used instead of yield from in task {} with {}",
        vm.repr_string(task)?,
        vm.repr_string(awaited)?
    );
    fail_soon(vm, task, &message)
}

#[cold]
fn fail_wrong_yield(vm: &mut Vm, task: &Value, awaited: &Value) -> Py<()> {
    let shown = vm.repr_string(awaited)?;
    let message = if awaited.is_exact(&builtin_types::GENERATOR) {
        format!(
            "yield was used instead of yield from for generator in task {} with {shown}",
            vm.repr_string(task)?
        )
    } else {
        format!("Task got bad yield: {shown}")
    };
    fail_soon(vm, task, &message)
}
