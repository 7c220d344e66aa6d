//! `_asyncio`: futures and tasks, and what a thread knows about the event loop it runs.
//!
//! A future is a state behind a lock, as any object's; a task is a future that drives a coroutine. The loop itself is Python
//! (`asyncio.base_events`): tasks ask it to call them with `call_soon`. What is here comes up many times for each turn of the loop, so
//! a coroutine is resumed without a call of its `send`, and no exception is made for the value that it returns.

mod awaited_by;
mod future;
mod future_methods;
mod imports;
mod iterator;
mod running;
mod shortcut;
mod step;
mod task;
mod task_methods;

pub use running::after_fork;

use crate::ModuleDef;
use crate::support::add_type;
use taipan_core::{MethodDef, Py, Value, Vm, bound, f0, f1, f2};

/// The module `_asyncio`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_asyncio",
    doc: "Accelerator module for asyncio",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 15] = [
    f0(
        "get_event_loop($module, /)",
        |vm, _| running::get_event_loop(vm),
        "Return an asyncio event loop.\n\n\
         From a coroutine or a callback that a loop runs, this is the running loop. Elsewhere\n\
         it is what `get_event_loop_policy().get_event_loop()` gives.",
    ),
    f0(
        "get_running_loop($module, /)",
        |vm, _| running::require_running_loop(vm),
        "Return the event loop that runs in this thread.  Raise a RuntimeError if there is none.",
    ),
    f0(
        "_get_running_loop($module, /)",
        |vm, _| Ok(running::running_loop(vm).unwrap_or_else(Value::none)),
        "Return the event loop that runs in this thread, or None.\n\nFor event loops only.",
    ),
    f1(
        "_set_running_loop($module, loop, /)",
        running::set_running_loop,
        "Set the event loop that runs in this thread.\n\nFor event loops only.",
    ),
    bound(
        "_register_task($module, /, task)",
        |vm, _, args| task::register(vm, args.req(0)),
        "Make a task known to all_tasks().\n\nReturns None.",
    ),
    bound(
        "_unregister_task($module, /, task)",
        |vm, _, args| task::unregister(vm, args.req(0)),
        "Take back _register_task().\n\nReturns None.",
    ),
    bound(
        "_register_eager_task($module, /, task)",
        |vm, _, args| task::register_eager(vm, args.req(0)),
        "Make a task that is about to take its first step known to all_tasks().\n\nReturns None.",
    ),
    bound(
        "_unregister_eager_task($module, /, task)",
        |vm, _, args| task::unregister_eager(vm, args.req(0)),
        "Take back _register_eager_task().\n\nReturns None.",
    ),
    bound(
        "_enter_task($module, /, loop, task)",
        |vm, _, args| {
            running::enter_task(vm, args.req(0), args.req(1))?;
            Ok(Value::none())
        },
        "Enter into task execution or resume suspended task.\n\nTask belongs to loop.\n\nReturns None.",
    ),
    bound(
        "_leave_task($module, /, loop, task)",
        |vm, _, args| {
            running::leave_task(vm, args.req(0), args.req(1))?;
            Ok(Value::none())
        },
        "Leave task execution or suspend a task.\n\nTask belongs to loop.\n\nReturns None.",
    ),
    bound(
        "_swap_current_task($module, /, loop, task)",
        |vm, _, args| {
            let task = args.req(1);
            let task = (!task.is_none()).then(|| task.clone());
            let before = running::swap_task(vm, args.req(0), task)?;
            Ok(before.unwrap_or_else(Value::none))
        },
        "Make another task (or None) the current one for a while; return the one that was.\n\n\
         For tasks that start eagerly.",
    ),
    bound(
        "current_task($module, /, loop=None)",
        |vm, _, args| running::current_task(vm, args.get_not_none(0)),
        "Return the task that is executed now, or None.",
    ),
    bound(
        "all_tasks($module, /, loop=None)",
        |vm, _, args| task::all_tasks(vm, args.get_not_none(0)),
        "Return a set of all tasks for the loop.",
    ),
    f2(
        "future_add_to_awaited_by($module, fut, waiter, /)",
        |vm, _, future, waiter| {
            awaited_by::add(vm, future, waiter)?;
            Ok(Value::none())
        },
        "Note that `fut` is awaited by `waiter`.",
    ),
    f2(
        "future_discard_from_awaited_by($module, fut, waiter, /)",
        |vm, _, future, waiter| {
            awaited_by::discard(vm, future, waiter)?;
            Ok(Value::none())
        },
        "",
    ),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    future_methods::define();
    iterator::define();
    step::define();
    task_methods::define();
    add_type(dict, &future::FUTURE);
    add_type(dict, &task::TASK);
    Ok(())
}
