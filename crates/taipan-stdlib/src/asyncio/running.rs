//! The event loop and the task that a thread runs. They belong to the thread; other threads look at them in `current_task(loop)` only.

use super::imports;
use std::cell::OnceCell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use taipan_core::{Py, Raised, Value, Vm, name};

/// What a thread runs.
#[derive(Default)]
struct Running {
    event_loop: Option<Value>,
    task: Option<Value>,
}

/// Held for an exchange of references only: no Python code runs meanwhile, so none is dropped.
type Shared = Mutex<Running>;

/// A thread's own.
#[derive(Default)]
struct Side(OnceCell<Arc<Shared>>);

/// Those of all threads that ever ran a loop.
#[derive(Default)]
struct Sides(Mutex<Vec<Weak<Shared>>>);

fn enter(shared: &Shared) -> MutexGuard<'_, Running> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn side(vm: &Vm) -> &'static Arc<Shared> {
    let side = vm.thread_state::<Side>();
    side.0.get_or_init(|| {
        let shared = Arc::new(Shared::default());
        let all = &vm.interpreter_state::<Sides>().0;
        let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&shared));
        shared
    })
}

// ---- the running loop ----

pub(super) fn running_loop(vm: &mut Vm) -> Option<Value> {
    enter(side(vm)).event_loop.clone()
}

pub(super) fn require_running_loop(vm: &mut Vm) -> Py {
    match running_loop(vm) {
        Some(event_loop) => Ok(event_loop),
        None => Err(vm.runtime_error("no running event loop")),
    }
}

pub(super) fn set_running_loop(vm: &mut Vm, _module: &Value, event_loop: &Value) -> Py {
    let new = (!event_loop.is_none()).then(|| event_loop.clone());
    let old = std::mem::replace(&mut enter(side(vm)).event_loop, new);
    drop(old);
    Ok(Value::none())
}

/// The child of a fork runs neither loop nor task of its parent's, in no thread.
pub fn after_fork(vm: &mut Vm) {
    let own = side(vm).clone();
    let all = &vm.interpreter_state::<Sides>().0;
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    // What other threads ran is given up with them.
    all.retain(|other| other.ptr_eq(&Arc::downgrade(&own)));
    drop(all);
    let old = std::mem::take(&mut *enter(&own));
    drop(old);
}

/// The running loop, or the policy's.
pub(super) fn get_event_loop(vm: &mut Vm) -> Py {
    if let Some(event_loop) = running_loop(vm) {
        return Ok(event_loop);
    }
    let get_policy = imports::get_event_loop_policy(vm)?;
    let policy = vm.call(&get_policy, &[])?;
    vm.call_method(&policy, name!("get_event_loop"), &[])
}

// ---- the current task ----

#[cold]
fn not_running(vm: &mut Vm, event_loop: &Value) -> Raised {
    match vm.repr_string(event_loop) {
        Ok(shown) => vm.runtime_error(format!("loop {shown} is not the running loop")),
        Err(raised) => raised,
    }
}

/// The thread's state, if `event_loop` runs in it.
fn running<'a>(shared: &'a Shared, event_loop: &Value) -> Option<MutexGuard<'a, Running>> {
    let state = enter(shared);
    match &state.event_loop {
        Some(own) if own.is(event_loop) => Some(state),
        _ => None,
    }
}

/// `task` begins a step.
pub(super) fn enter_task(vm: &mut Vm, event_loop: &Value, task: &Value) -> Py<()> {
    let Some(mut state) = running(side(vm), event_loop) else {
        return Err(not_running(vm, event_loop));
    };
    let Some(other) = state.task.clone() else {
        state.task = Some(task.clone());
        return Ok(());
    };
    drop(state);
    let (task, other) = (vm.repr_string(task)?, vm.repr_string(&other)?);
    Err(vm.runtime_error(format!(
        "Cannot enter into task {task} while another task {other} is being executed."
    )))
}

/// `task` ends its step.
pub(super) fn leave_task(vm: &mut Vm, event_loop: &Value, task: &Value) -> Py<()> {
    let Some(mut state) = running(side(vm), event_loop) else {
        return Err(not_running(vm, event_loop));
    };
    if state.task.as_ref().is_some_and(|own| own.is(task)) {
        let own = state.task.take();
        drop(state);
        drop(own);
        return Ok(());
    }
    let entered = state.task.clone().unwrap_or_else(Value::none);
    drop(state);
    let (task, entered) = (vm.repr_string(task)?, vm.repr_string(&entered)?);
    Err(vm.runtime_error(format!(
        "Invalid attempt to leave task {task} while task {entered} is entered."
    )))
}

/// Makes another task the current one; gives the one that was.
pub(super) fn swap_task(vm: &mut Vm, event_loop: &Value, task: Option<Value>) -> Py<Option<Value>> {
    match running(side(vm), event_loop) {
        Some(mut state) => Ok(std::mem::replace(&mut state.task, task)),
        None => Err(not_running(vm, event_loop)),
    }
}

/// `current_task()`; the loop may be another thread's.
pub(super) fn current_task(vm: &mut Vm, event_loop: Option<&Value>) -> Py {
    let own = enter(side(vm));
    let Some(event_loop) = event_loop else {
        if own.event_loop.is_some() {
            return Ok(own.task.clone().unwrap_or_else(Value::none));
        }
        drop(own);
        return Err(vm.runtime_error("no running event loop"));
    };
    drop(own);
    let all = &vm.interpreter_state::<Sides>().0;
    let all = all.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let found = all
        .iter()
        .filter_map(Weak::upgrade)
        .find_map(|shared| running(&shared, event_loop).map(|state| state.task.clone()));
    Ok(found.flatten().unwrap_or_else(Value::none))
}
