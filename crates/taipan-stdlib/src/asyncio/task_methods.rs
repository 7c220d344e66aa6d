//! `_asyncio.Task` as Python sees it.

use super::future::{self, Status, own};
use super::future_methods as shared;
use super::imports;
use super::task::{self, Name, New, TASK, Task, own_task};
use crate::support::signature;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value,
    Vm, bound, f0, f1, getset, getter, name,
};
use taipan_types::check::class_getitem_row;

static LAYOUT: Layout = Layout::of::<Task>();

static SPEC: TypeSpec = TypeSpec {
    name: "_asyncio.Task",
    base: Some(&future::FUTURE),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        finalize: Some(task::finalize),
        repr: Some(repr),
        iter: Some(super::iterator::iterate),
        await_: Some(super::iterator::iterate),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Task(coro, *, loop=None, name=None, context=None, eager_start=False)\n--\n\nA coroutine wrapped in a Future.",
};

pub(super) fn define() {
    TASK.define(&SPEC);
}

static INIT: MethodDef =
    signature("Task($self, /, coro, *, loop=None, name=None, context=None, eager_start=False)");

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(cls, Task::new()))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let bound = bind(vm, &INIT, args)?;
    let eager = match bound.get(4) {
        Some(flag) => vm.truth(flag)?,
        None => false,
    };
    let new = New {
        coroutine: bound.req(0),
        event_loop: bound.get_not_none(1),
        name: bound.get_not_none(2),
        context: bound.get_not_none(3),
        eager,
    };
    task::initialize(vm, this, new)
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    future::event_loop_of(vm, this)?;
    let function = imports::task_repr(vm)?;
    vm.call(&function, std::slice::from_ref(this))
}

fn set_result(vm: &mut Vm, _this: &Value, _result: &Value) -> Py {
    Err(vm.runtime_error("Task does not support set_result operation"))
}

fn set_exception(vm: &mut Vm, _this: &Value, _exception: &Value) -> Py {
    Err(vm.runtime_error("Task does not support set_exception operation"))
}

/// Cancels what the task waits for, or else notes that the next step has to begin with the cancellation.
fn cancel(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let message = args.get(0).cloned().unwrap_or_else(Value::none);
    let mut state = own(this).lock(vm);
    state.log_traceback = false;
    if state.status != Status::Pending {
        return Ok(Value::bool(false));
    }
    drop(state);
    let mut state = own_task(this).lock(vm);
    state.cancels = state.cancels.saturating_add(1);
    let waits_for = state.waits_for.clone();
    drop(state);
    if let Some(waits_for) = waits_for
        && cancel_awaited(vm, &waits_for, message.clone())?
    {
        return Ok(Value::bool(true));
    }
    own_task(this).lock(vm).must_cancel = true;
    let old = own(this).lock(vm).cancel_message.replace(message);
    drop(old);
    Ok(Value::bool(true))
}

/// `future.cancel(msg=message)`
pub(super) fn cancel_awaited(vm: &mut Vm, future: &Value, message: Value) -> Py<bool> {
    let names = std::slice::from_ref(name!("msg"));
    let answer = future::call_method(vm, future, name!("cancel"), [message], names)?;
    vm.truth(&answer)
}

fn cancelling(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::int(own_task(this).lock(vm).cancels))
}

fn uncancel(vm: &mut Vm, this: &Value) -> Py {
    let mut state = own_task(this).lock(vm);
    if state.cancels > 0 {
        state.cancels -= 1;
        if state.cancels == 0 {
            state.must_cancel = false;
        }
    }
    Ok(Value::int(state.cancels))
}

fn or_none(value: Option<&Value>) -> Value {
    value.cloned().unwrap_or_else(Value::none)
}

fn get_stack(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let function = imports::task_get_stack(vm)?;
    vm.call(&function, &[this.clone(), or_none(args.get(0))])
}

fn print_stack(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let function = imports::task_print_stack(vm)?;
    let args = [this.clone(), or_none(args.get(0)), or_none(args.get(1))];
    vm.call(&function, &args)
}

fn set_name(vm: &mut Vm, this: &Value, name: &Value) -> Py {
    let text = task::name_text(vm, name)?;
    let old = std::mem::replace(&mut own_task(this).lock(vm).name, Name::Text(text));
    drop(old);
    Ok(Value::none())
}

fn get_coroutine(vm: &mut Vm, this: &Value) -> Py {
    Ok(or_none(own_task(this).lock(vm).coroutine.as_ref()))
}

fn get_context(vm: &mut Vm, this: &Value) -> Py {
    Ok(or_none(own_task(this).lock(vm).context.as_ref()))
}

static METHODS: [MethodDef; 19] = [
    f0("result($self, /)", shared::result, shared::RESULT_DOC),
    f0(
        "exception($self, /)",
        shared::exception,
        shared::EXCEPTION_DOC,
    ),
    bound(
        shared::ADD_SIGNATURE,
        shared::add_done_callback,
        shared::ADD_DOC,
    ),
    f1(
        "remove_done_callback($self, fn, /)",
        shared::remove_done_callback,
        shared::REMOVE_DOC,
    ),
    f0(
        "cancelled($self, /)",
        shared::cancelled,
        shared::CANCELLED_DOC,
    ),
    f0("done($self, /)", shared::done, shared::DONE_DOC),
    f1("set_result($self, result, /)", set_result, ""),
    f1("set_exception($self, exception, /)", set_exception, ""),
    bound(
        "cancel($self, /, msg=None)",
        cancel,
        "Ask the task to cancel itself.\n\n\
         The coroutine is resumed with a CancelledError in the next turn of the loop. It may\n\
         clean up, and even deny the request, with try/except/finally: so a task may be\n\
         cancelled later than Future.cancel() would do it, or never, and may return a value\n\
         or raise another exception.\n\n\
         After this call cancelled() does not return True at once. It does when the coroutine\n\
         ends with a CancelledError, whether or not cancel() was called.\n\n\
         The requests are counted.",
    ),
    f0(
        "cancelling($self, /)",
        cancelling,
        "Return how often the task was asked to cancel itself.\n\n\
         cancel() counts up, uncancel() counts down.",
    ),
    f0(
        "uncancel($self, /)",
        uncancel,
        "Take back one request to cancel the task.\n\n\
         For tasks that catch CancelledError and mean to go on until they are cancelled again.\n\n\
         Returns how many requests remain.",
    ),
    bound(
        "get_stack($self, /, *, limit=None)",
        get_stack,
        "Return the list of stack frames for this task's coroutine.\n\n\
         That is the frame where the coroutine is suspended. It is nothing if the coroutine has\n\
         returned or was cancelled. If it raised an exception, it is the frames of the traceback.\n\n\
         The oldest frame comes first. With a limit the newest frames of a stack are returned, but\n\
         the oldest of a traceback.",
    ),
    bound(
        "print_stack($self, /, *, limit=None, file=None)",
        print_stack,
        "Print the stack or traceback for this task's coroutine.\n\n\
         It looks as the traceback module would print the frames of get_stack(), which gets the\n\
         limit. The file is a stream to write to, sys.stderr if there is none.",
    ),
    f0(
        "_make_cancelled_error($self, /)",
        future::make_cancelled_error,
        shared::MAKE_CANCELLED_DOC,
    ),
    f0("get_name($self, /)", task::get_name, ""),
    f1("set_name($self, value, /)", set_name, ""),
    f0("get_coro($self, /)", get_coroutine, ""),
    f0("get_context($self, /)", get_context, ""),
    class_getitem_row(),
];

fn get_log_destroy_pending(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(own_task(this).lock(vm).log_destroy_pending))
}

fn set_log_destroy_pending(vm: &mut Vm, this: &Value, new: Option<&Value>) -> Py<()> {
    let new = shared::not_deleted(vm, this, "_log_destroy_pending", new)?;
    let flag = vm.truth(new)?;
    own_task(this).lock(vm).log_destroy_pending = flag;
    Ok(())
}

fn get_must_cancel(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(own_task(this).lock(vm).must_cancel))
}

fn get_waits_for(vm: &mut Vm, this: &Value) -> Py {
    Ok(or_none(own_task(this).lock(vm).waits_for.as_ref()))
}

static GETSET: [GetSetDef; 4] = [
    getset(
        "_log_destroy_pending",
        get_log_destroy_pending,
        set_log_destroy_pending,
        "",
    ),
    getter("_must_cancel", get_must_cancel, ""),
    getter("_coro", get_coroutine, ""),
    getter("_fut_waiter", get_waits_for, ""),
];
