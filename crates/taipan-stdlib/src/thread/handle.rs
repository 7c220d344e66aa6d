//! `_thread._ThreadHandle`: what is known of a thread from outside, and waiting for its end.

use super::{timeout, wait};
use crate::locks::thread_ident;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use taipan_core::number::int_from_u64;
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Type, TypeObject, TypeSpec,
    Value, Vm, alloc, bound, f0, getter,
};

pub(super) static HANDLE: TypeObject = Type::declare("_thread._ThreadHandle");

/// How far a thread is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    Starting,
    Running,
    Done,
}

struct State {
    stage: Stage,
    ident: u64,
}

/// A thread's course, shared by its handle and the thread itself.
pub(super) struct Course {
    state: Mutex<State>,
    changed: Condvar,
}

impl Course {
    fn new(stage: Stage, ident: u64) -> Arc<Course> {
        Arc::new(Course {
            state: Mutex::new(State { stage, ident }),
            changed: Condvar::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, stage: Stage, ident: Option<u64>) {
        let mut state = self.state();
        state.stage = stage;
        state.ident = ident.unwrap_or(state.ident);
        drop(state);
        self.changed.notify_all();
    }

    /// Notes that somebody starts the thread; false if that has happened before.
    pub(super) fn begin(&self) -> bool {
        let mut state = self.state();
        let is_new = state.stage == Stage::New;
        if is_new {
            state.stage = Stage::Starting;
        }
        is_new
    }

    /// The system refused to make the thread.
    pub(super) fn failed(&self) {
        self.set(Stage::New, None);
    }

    /// The thread exists.
    pub(super) fn runs_as(&self, ident: u64) {
        let mut state = self.state();
        state.ident = ident;
        if state.stage == Stage::Starting {
            state.stage = Stage::Running;
        }
    }

    /// The thread has ended.
    pub(super) fn end(&self) {
        self.set(Stage::Done, None);
    }

    pub(super) fn ident(&self) -> u64 {
        self.state().ident
    }

    /// Waits for the end; false if that is not within `step`.
    pub(super) fn ends_within(&self, step: Duration) -> bool {
        let state = self.state();
        if step.is_zero() || state.stage == Stage::Done {
            return state.stage == Stage::Done;
        }
        let waited = self
            .changed
            .wait_timeout_while(state, step, |state| state.stage != Stage::Done);
        waited.unwrap_or_else(PoisonError::into_inner).0.stage == Stage::Done
    }
}

/// Payload of handles.
pub(super) struct Handle {
    pub(super) course: Arc<Course>,
}

// SAFETY: holds no references.
unsafe impl Payload for Handle {
    fn type_object() -> &'static TypeObject {
        &HANDLE
    }
}

fn with(cls: &TypeObject, stage: Stage, ident: u64) -> Value {
    let course = Course::new(stage, ident);
    alloc::new_instance(cls, Handle { course })
}

/// A handle of a thread that is not started yet.
pub(super) fn fresh() -> Value {
    with(&HANDLE, Stage::New, 0)
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(with(cls, Stage::New, 0))
}

/// A handle of a thread that was started by somebody else.
pub(super) fn make(vm: &mut Vm, _module: &Value, ident: &Value) -> Py {
    let ident = vm.index(ident)?;
    let ident = ident
        .as_big()
        .and_then(|big| u64::try_from(big).ok())
        .or_else(|| ident.as_i64().map(|ident| ident as u64));
    match ident {
        Some(ident) => Ok(with(&HANDLE, Stage::Running, ident)),
        None => Err(vm.type_error("ident must be an integer")),
    }
}

fn course(this: &Value) -> &Arc<Course> {
    &this.expect::<Handle>().course
}

fn set_done(vm: &mut Vm, this: &Value) -> Py {
    if matches!(course(this).state().stage, Stage::New | Stage::Starting) {
        return Err(vm.runtime_error("thread not started"));
    }
    course(this).end();
    Ok(Value::none())
}

fn join(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = match args.get_not_none(0) {
        Some(limit) if vm.to_f64(limit)? >= 0.0 => timeout(vm, true, Some(limit))?,
        _ => None,
    };
    let course = course(this);
    let (stage, ident) = {
        let state = course.state();
        (state.stage, state.ident)
    };
    match stage {
        Stage::New | Stage::Starting => return Err(vm.runtime_error("thread not started")),
        Stage::Running if ident == thread_ident() => {
            return Err(vm.runtime_error("Cannot join current thread"));
        }
        _ => {}
    }
    wait(vm, limit, |step| course.ends_within(step))?;
    Ok(Value::none())
}

fn repr(_vm: &mut Vm, this: &Value) -> Py {
    let ident = course(this).ident();
    Ok(new_str(&format!("<_ThreadHandle object: ident={ident}>")))
}

static METHODS: [MethodDef; 3] = [
    bound("join(self, timeout=None, /)", join, ""),
    f0(
        "is_done(self, /)",
        |_, this| Ok(Value::bool(course(this).ends_within(Duration::ZERO))),
        "",
    ),
    f0("_set_done(self, /)", set_done, ""),
];

static GETSET: [GetSetDef; 1] = [getter(
    "ident",
    |_, this| Ok(int_from_u64(course(this).ident())),
    "",
)];

static LAYOUT: Layout = Layout::of::<Handle>();
static SPEC: TypeSpec = TypeSpec {
    name: "_thread._ThreadHandle",
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    HANDLE.define(&SPEC);
}
