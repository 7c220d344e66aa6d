//! Starting threads, what a thread does from its first moment to its last, and waiting for all of them at the end.

use super::handle::{self, Course, HANDLE, Handle};
use super::{StackSize, local, wait};
use crate::locks::thread_ident;
use std::os::unix::thread::JoinHandleExt;
use std::sync::atomic::{
    AtomicBool,
    Ordering::{Relaxed, Release},
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use taipan_core::dict_object::Dict;
use taipan_core::number::int_from_u64;
use taipan_core::{
    Args, Bound, Interpreter, Py, Value, Vm, builtin_types as types, str_object, tuple_object, vm,
};
use taipan_interp::shareable;

/// Bytes of native stack for a thread, unless the program asks for another size.
const STACK: usize = 8 << 20;
/// What is kept back of it for dealing with its exhaustion.
const RESERVE: usize = 256 * 1024;

/// The threads that are known; whether the interpreter waits for them before it ends. One that has ended stays for a
/// while: its last steps are taken detached, and a fork meanwhile must find it here.
#[derive(Default)]
struct Courses(Mutex<Vec<(Arc<Course>, bool)>>);

impl Courses {
    fn list(&self) -> MutexGuard<'_, Vec<(Arc<Course>, bool)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, course: &Arc<Course>, awaited: bool) {
        let mut courses = self.list();
        // One that only this list knows has neither a thread nor a handle any more.
        // The list doubles before it is swept, so each thread costs the same.
        if courses.len() == courses.capacity() {
            courses.retain(|(course, _)| !course.is_done() && Arc::strong_count(course) > 1);
        }
        courses.push((course.clone(), awaited));
    }

    fn remove(&self, course: &Arc<Course>) {
        self.list().retain(|(other, _)| !Arc::ptr_eq(other, course));
    }

    /// A thread that the interpreter waits for, other than this one.
    fn next_awaited(&self) -> Option<Arc<Course>> {
        let me = thread_ident();
        let courses = self.list();
        let mut others = courses
            .iter()
            .filter(|(course, awaited)| *awaited && !course.is_done() && course.ident() != me);
        others.next().map(|(course, _)| course.clone())
    }
}

fn courses(vm: &Vm) -> &'static Courses {
    vm.interpreter_state::<Courses>()
}

/// A thread that was started by somebody else: after a fork, its handle has to tell that it is gone.
pub(super) fn know(vm: &Vm, course: &Arc<Course>) {
    courses(vm).add(course, false);
}

/// In the child of a fork: all other threads have ended.
pub fn after_fork(vm: &mut Vm) {
    let me = thread_ident();
    let gone = |course: &Arc<Course>| course.ident() != me;
    let mut known = courses(vm).list();
    known
        .iter()
        .filter(|(course, _)| gone(course))
        .for_each(|(course, _)| course.end());
    known.retain(|(course, _)| !gone(course));
}

/// What a new thread is to do.
struct Task {
    interpreter: &'static Interpreter,
    function: Value,
    /// Positional arguments, then those of `names`.
    values: Vec<Value>,
    names: Vec<Value>,
    course: Arc<Course>,
    stack: usize,
}

/// A task on its way to its thread.
struct Parcel(Task);

// SAFETY: the references it holds move to the new thread.
#[expect(unsafe_code, reason = "a new thread is given its arguments")]
unsafe impl Send for Parcel {}

impl Parcel {
    fn open(self) -> Task {
        self.0
    }
}

/// Starts the thread of a task.
fn start(vm: &mut Vm, task: Task, awaited: bool) -> Py<()> {
    crate::sys::hooks::refuse_when_finalizing(
        vm,
        "can't create new thread at interpreter shutdown",
    )?;
    let interpreter = vm.interpreter();
    let course = task.course.clone();
    let builder = std::thread::Builder::new().stack_size(task.stack);
    let handed = shareable::handed(vm, &task.function, &task.values);
    vm.announce_thread(handed, shareable::common);
    courses(vm).add(&course, awaited);
    let left = Arc::new(AtomicBool::new(false));
    let parcel = Parcel(task);
    let leaving = left.clone();
    match builder.spawn(move || run(parcel.open(), &leaving)) {
        Ok(thread) => {
            course.runs_as(thread.as_pthread_t());
            interpreter.keep_native(thread, left);
            Ok(())
        }
        Err(_) => {
            interpreter.retract_thread();
            courses(vm).remove(&course);
            course.failed();
            Err(vm.runtime_error("can't start new thread"))
        }
    }
}

/// All that a thread does. It sets `leaving` before it does no more for Python.
fn run(task: Task, leaving: &AtomicBool) {
    let Task {
        interpreter,
        function,
        values,
        names,
        course,
        stack,
    } = task;
    let mut vm = vm::attach(interpreter, stack.saturating_sub(RESERVE));
    course.runs_as(thread_ident());
    taipan_interp::monitor::begin(&vm);
    if let Err(raised) = vm.call_args(&function, Args::new(&values, &names)) {
        if vm.pending_is(&types::SYSTEM_EXIT) {
            drop(vm.take_raised(raised));
        } else {
            vm.unraisable_in(raised, "Exception ignored in thread started by", &function);
        }
    }
    drop((function, values, names));
    local::forget(&mut vm);
    vm::let_go(&mut vm);
    taipan_interp::frame::release_stack(&mut vm);
    leaving.store(true, Release);
    vm::detach(vm);
    course.end();
}

fn stack_size(vm: &Vm) -> usize {
    match vm.interpreter_state::<StackSize>().0.load(Relaxed) {
        0 => STACK,
        size => (size as usize).max(2 * RESERVE),
    }
}

fn callable(vm: &mut Vm, function: &Value) -> Py<()> {
    if vm.is_callable(function) {
        Ok(())
    } else {
        Err(vm.type_error("first arg must be callable"))
    }
}

/// `start_new_thread(function, args, kwargs={})`
pub(super) fn new(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    if args.len() < 2 || args.len() > 3 {
        let bound = if args.len() < 2 {
            ("at least", 2)
        } else {
            ("at most", 3)
        };
        let message = format!(
            "start_new_thread expected {} {} arguments, got {}",
            bound.0,
            bound.1,
            args.len()
        );
        return Err(vm.type_error(message));
    }
    callable(vm, &args[0])?;
    let Some(items) = tuple_object::items(&args[1]) else {
        return Err(vm.type_error("2nd arg must be a tuple"));
    };
    let mut values = items.to_vec();
    let mut names = Vec::new();
    if let Some(keywords) = args.get(2) {
        let Some(keywords) = keywords.cast::<Dict>() else {
            return Err(vm.type_error("optional 3rd arg must be a dictionary"));
        };
        for (name, value) in keywords.items() {
            if !str_object::is_str(&name) {
                return Err(vm.type_error("keywords must be strings"));
            }
            names.push(name);
            values.push(value);
        }
    }
    crate::audit::audit(vm, "_thread.start_new_thread", || {
        let keywords = args.get(2).cloned().unwrap_or_else(Value::none);
        vec![args[0].clone(), args[1].clone(), keywords]
    })?;
    let made = handle::fresh();
    let course = made.expect::<Handle>().course.clone();
    course.begin();
    let task = Task {
        interpreter: vm.interpreter(),
        function: args[0].clone(),
        values,
        names,
        course: course.clone(),
        stack: stack_size(vm),
    };
    start(vm, task, false)?;
    Ok(int_from_u64(course.ident()))
}

/// `start_joinable_thread(function, handle=None, daemon=True)`
pub(super) fn joinable(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let function = args.req(0);
    if !vm.is_callable(function) {
        return Err(vm.type_error("thread function must be callable"));
    }
    let made = match args.get_not_none(1) {
        Some(given) if given.is_instance(&HANDLE) => given.clone(),
        Some(_) => return Err(vm.type_error("'handle' must be a _ThreadHandle")),
        None => handle::fresh(),
    };
    let daemon = match args.get(2) {
        Some(daemon) => vm.truth(daemon)?,
        None => true,
    };
    crate::audit::audit(vm, "_thread.start_joinable_thread", || {
        vec![function.clone(), Value::bool(daemon), made.clone()]
    })?;
    let course = made.expect::<Handle>().course.clone();
    if !course.begin() {
        return Err(vm.runtime_error("thread already started"));
    }
    let task = Task {
        interpreter: vm.interpreter(),
        function: function.clone(),
        values: Vec::new(),
        names: Vec::new(),
        course: course.clone(),
        stack: stack_size(vm),
    };
    start(vm, task, !daemon)?;
    Ok(made)
}

/// `_count()`
pub(super) fn count(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::int(vm.interpreter().other_threads().into()))
}

/// `_shutdown()`: waits for all threads that are no daemons.
pub(super) fn shutdown(vm: &mut Vm, _module: &Value) -> Py {
    while let Some(course) = courses(vm).next_awaited() {
        wait(vm, None, |step| course.ends_within(step))?;
    }
    Ok(Value::none())
}
