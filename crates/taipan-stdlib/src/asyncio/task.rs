//! Tasks: their state, and the lists of those that are under way. What Python sees is in `task_methods`, how they run in `step`.
#![expect(
    unsafe_code,
    reason = "the contract of payloads, and of lists of members"
)]

use super::future::{self, Future, own};
use super::{imports, running, shortcut, step};
use crate::contextvars;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::{is_exact_str, new_str};
use taipan_core::weakref::Members;
use taipan_core::{Obj, Payload, Py, Tracer, Type, TypeObject, Value, Vm, builtin_types, name};
use taipan_types::set::{self, any_set};

/// The type `_asyncio.Task`.
pub(super) static TASK: TypeObject = Type::declare("_asyncio.Task");

/// A task's name; numbers become text only when somebody asks.
pub(super) enum Name {
    Unset,
    Number(u64),
    Text(Value),
}

/// What changes in a task, besides what changes in a future.
pub(super) struct TaskState {
    pub coroutine: Option<Value>,
    pub context: Option<Value>,
    /// The future it waits for.
    pub waits_for: Option<Value>,
    pub name: Name,
    /// Requests to cancel it.
    pub cancels: i64,
    /// The next step begins with a `CancelledError`.
    pub must_cancel: bool,
    pub log_destroy_pending: bool,
    /// The list of tasks under way that has it, and its place there.
    listed: Option<(&'static Tasks, usize)>,
}

impl TaskState {
    fn new(coroutine: Option<Value>, context: Option<Value>, name: Name) -> TaskState {
        TaskState {
            coroutine,
            context,
            waits_for: None,
            name,
            cancels: 0,
            must_cancel: false,
            log_destroy_pending: true,
            listed: None,
        }
    }
}

/// Payload of tasks: a future's first.
#[repr(C)]
pub(super) struct Task {
    future: Future,
    state: Locked<TaskState>,
}

impl Task {
    pub(super) fn new() -> Task {
        let mut state = TaskState::new(None, None, Name::Unset);
        state.log_destroy_pending = false;
        Task {
            future: Future::new(),
            state: Locked::new(state),
        }
    }
}

impl HasState for Task {
    type State = TaskState;
    fn cell(&self) -> &Locked<TaskState> {
        &self.state
    }
}

// SAFETY: the references are those of the future and of the state.
unsafe impl Payload for Task {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TASK
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        self.future.trace(tracer);
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        tracer.visit_option(&state.coroutine);
        tracer.visit_option(&state.context);
        tracer.visit_option(&state.waits_for);
        if let Name::Text(text) = &state.name {
            tracer.visit(text);
        }
    }
    fn clear(&self, out: &mut Vec<Value>) {
        self.future.clear(out);
        // SAFETY: the object is garbage.
        let state = unsafe { self.state.get_unlocked() };
        out.extend(state.coroutine.take());
        out.extend(state.context.take());
        out.extend(state.waits_for.take());
    }
    fn outside_size(&self) -> usize {
        self.future.outside_size()
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if let Some((tasks, place)) = self.state.get_mut().listed.take() {
            tasks.scheduled.leave(place);
        }
    }
}

/// The task behind `self` of a method.
pub(super) fn own_task(this: &Value) -> &Obj<Task> {
    this.expect::<Task>()
}

/// The tasks that an interpreter knows.
#[derive(Default)]
struct Tasks {
    scheduled: Members,
    /// A set: those that take their first step now.
    eager: OnceLock<Value>,
    /// A `WeakSet`: those of other classes than ours.
    others: OnceLock<Value>,
    numbers: AtomicU64,
}

/// The arguments of `Task()`.
pub(super) struct New<'a> {
    pub coroutine: &'a Value,
    pub event_loop: Option<&'a Value>,
    pub name: Option<&'a Value>,
    pub context: Option<&'a Value>,
    pub eager: bool,
}

/// `__init__`
pub(super) fn initialize(vm: &mut Vm, this: &Value, args: New<'_>) -> Py<()> {
    future::initialize(vm, this, args.event_loop)?;
    if !is_coroutine(vm, args.coroutine)? {
        own_task(this).lock(vm).log_destroy_pending = false;
        let shown = vm.repr_string(args.coroutine)?;
        return Err(vm.type_error(format!("a coroutine was expected, got {shown}")));
    }
    let context = match args.context {
        Some(context) => context.clone(),
        None => contextvars::copy_current(vm),
    };
    let name = match args.name {
        None => {
            let numbers = &vm.interpreter_state::<Tasks>().numbers;
            Name::Number(numbers.fetch_add(1, Relaxed) + 1)
        }
        Some(name) => Name::Text(name_text(vm, name)?),
    };
    let fresh = TaskState::new(Some(args.coroutine.clone()), Some(context), name);
    let mut state = own_task(this).lock(vm);
    let listed = state.listed.take();
    let old = std::mem::replace(&mut *state, fresh);
    state.listed = listed;
    drop(state);
    drop(old);
    if args.eager {
        let event_loop = future::event_loop_of(vm, this)?;
        if is_running(vm, &event_loop)? {
            return step::start_eagerly(vm, this);
        }
    }
    step::call_soon(vm, this, None)?;
    register(vm, this)?;
    Ok(())
}

fn is_running(vm: &mut Vm, event_loop: &Value) -> Py<bool> {
    if shortcut::surely_running(vm, event_loop) {
        return Ok(true);
    }
    let running = vm.call_method(event_loop, name!("is_running"), &[])?;
    vm.truth(&running)
}

fn is_coroutine(vm: &mut Vm, value: &Value) -> Py<bool> {
    if value.is_exact(&builtin_types::COROUTINE) {
        return Ok(true);
    }
    let test = imports::is_coroutine(vm)?;
    let answer = vm.call(&test, std::slice::from_ref(value))?;
    vm.truth(&answer)
}

/// A name as text.
pub(super) fn name_text(vm: &mut Vm, name: &Value) -> Py {
    if is_exact_str(name) {
        return Ok(name.clone());
    }
    vm.str(name)
}

/// `get_name()`
pub(super) fn get_name(vm: &mut Vm, this: &Value) -> Py {
    let mut state = own_task(this).lock(vm);
    let text = match &state.name {
        Name::Unset => return Ok(Value::none()),
        Name::Text(text) => return Ok(text.clone()),
        Name::Number(number) => new_str(&format!("Task-{number}")),
    };
    state.name = Name::Text(text.clone());
    Ok(text)
}

// ---- the tasks under way ----

/// `_register_task(task)`
pub(super) fn register(vm: &mut Vm, task: &Value) -> Py {
    let tasks = vm.interpreter_state::<Tasks>();
    let Some(this) = task.cast::<Task>() else {
        let others = others(vm)?;
        return vm.call_method(&others, name!("add"), std::slice::from_ref(task));
    };
    let mut state = this.lock(vm);
    if state.listed.is_none() {
        // SAFETY: `Task::drop` and `unregister` leave the list.
        let place = unsafe { tasks.scheduled.enter(task) };
        state.listed = place.map(|place| (tasks, place));
    }
    Ok(Value::none())
}

/// `_unregister_task(task)`
pub(super) fn unregister(vm: &mut Vm, task: &Value) -> Py {
    let Some(this) = task.cast::<Task>() else {
        let others = others(vm)?;
        return vm.call_method(&others, name!("discard"), std::slice::from_ref(task));
    };
    if let Some((tasks, place)) = this.lock(vm).listed.take() {
        tasks.scheduled.leave(place);
    }
    Ok(Value::none())
}

fn others(vm: &mut Vm) -> Py {
    let tasks = vm.interpreter_state::<Tasks>();
    if let Some(others) = tasks.others.get() {
        return Ok(others.clone());
    }
    let class = imports::weak_set(vm)?;
    let made = vm.call(&class, &[])?;
    Ok(tasks.others.get_or_init(|| made).clone())
}

fn eager(vm: &mut Vm) -> &'static Value {
    let tasks = vm.interpreter_state::<Tasks>();
    tasks.eager.get_or_init(set::new_empty)
}

/// `_register_eager_task(task)`
pub(super) fn register_eager(vm: &mut Vm, task: &Value) -> Py {
    if let Some(members) = any_set(eager(vm)) {
        set::add(vm, members, task)?;
    }
    Ok(Value::none())
}

/// `_unregister_eager_task(task)`
pub(super) fn unregister_eager(vm: &mut Vm, task: &Value) -> Py {
    if let Some(members) = any_set(eager(vm)) {
        set::discard(vm, members, task)?;
    }
    Ok(Value::none())
}

/// `all_tasks(loop)`: those that are not done.
pub(super) fn all_tasks(vm: &mut Vm, event_loop: Option<&Value>) -> Py {
    let event_loop = match event_loop {
        Some(event_loop) => event_loop.clone(),
        None => running::require_running_loop(vm)?,
    };
    let tasks = vm.interpreter_state::<Tasks>();
    let mut all = tasks.scheduled.alive();
    if let Some(members) = any_set(eager(vm)) {
        all.extend(set::keys(vm, members));
    }
    if let Some(others) = tasks.others.get() {
        all.extend(taipan_types::list::items_of(vm, others)?);
    }
    let found = set::new_empty();
    for task in &all {
        let done = vm.call_method(task, name!("done"), &[])?;
        if vm.truth(&done)? || !step::loop_of(vm, task)?.is(&event_loop) {
            continue;
        }
        if let Some(members) = any_set(&found) {
            set::add(vm, members, task)?;
        }
    }
    Ok(found)
}

/// A task that is destroyed while it is under way is reported.
pub(super) fn finalize(vm: &mut Vm, this: &Value) {
    let pending = own(this).lock(vm).status == future::Status::Pending;
    if pending && own_task(this).lock(vm).log_destroy_pending {
        let message = new_str("Task was destroyed but it is pending!");
        let pairs = [("task", this.clone()), ("message", message)];
        future::call_exception_handler(vm, this, &pairs);
    }
    super::future_methods::finalize(vm, this);
}
