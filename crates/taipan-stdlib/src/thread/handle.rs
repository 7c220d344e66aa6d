//! `_thread._ThreadHandle`: what is known of a thread from outside, and waiting for its end.

use super::{timeout, wait};
use crate::locks::{sleep_while, thread_ident, wake};
use std::sync::Arc;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::{Duration, Instant};
use taipan_core::number::int_from_u64;
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Type, TypeObject, TypeSpec,
    Value, Vm, alloc, bound, f0, getter,
};

pub(super) static HANDLE: TypeObject = Type::declare("_thread._ThreadHandle");

/// How far a thread is. The order of the numbers is the order in time.
type Stage = u32;
const NEW: Stage = 0;
const STARTING: Stage = 1;
const RUNNING: Stage = 2;
const DONE: Stage = 3;

/// A thread's course, shared by its handle and the thread itself.
pub(super) struct Course {
    stage: AtomicU32,
    ident: AtomicU64,
}

impl Course {
    fn new(stage: Stage, ident: u64) -> Arc<Course> {
        Arc::new(Course {
            stage: AtomicU32::new(stage),
            ident: AtomicU64::new(ident),
        })
    }

    fn stage(&self) -> Stage {
        self.stage.load(Acquire)
    }

    fn advance(&self, from: Stage, to: Stage) -> bool {
        self.stage
            .compare_exchange(from, to, AcqRel, Acquire)
            .is_ok()
    }

    /// Notes that somebody starts the thread; false if that has happened before.
    pub(super) fn begin(&self) -> bool {
        self.advance(NEW, STARTING)
    }

    /// The system refused to make the thread.
    pub(super) fn failed(&self) {
        self.advance(STARTING, NEW);
    }

    /// The thread exists.
    pub(super) fn runs_as(&self, ident: u64) {
        self.ident.store(ident, Release);
        self.advance(STARTING, RUNNING);
    }

    /// The thread has ended.
    pub(super) fn end(&self) {
        self.stage.store(DONE, Release);
        wake(&self.stage, i32::MAX);
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage() == DONE
    }

    pub(super) fn ident(&self) -> u64 {
        self.ident.load(Acquire)
    }

    /// Waits for the end; false if that is not within `step`.
    pub(super) fn ends_within(&self, step: Duration) -> bool {
        let end = Instant::now().checked_add(step);
        loop {
            let stage = self.stage();
            let left = end.map(|end| end.saturating_duration_since(Instant::now()));
            if stage == DONE || left == Some(Duration::ZERO) {
                return stage == DONE;
            }
            sleep_while(&self.stage, stage, left);
        }
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
    with(&HANDLE, NEW, 0)
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(with(cls, NEW, 0))
}

/// A handle of a thread that was started by somebody else.
pub(super) fn make(vm: &mut Vm, _module: &Value, ident: &Value) -> Py {
    let ident = vm.index(ident)?;
    let ident = ident
        .as_big()
        .and_then(|big| u64::try_from(big).ok())
        .or_else(|| ident.as_i64().map(|ident| ident as u64));
    match ident {
        Some(ident) => {
            let made = with(&HANDLE, RUNNING, ident);
            super::start::know(vm, course(&made));
            Ok(made)
        }
        None => Err(vm.type_error("ident must be an integer")),
    }
}

fn course(this: &Value) -> &Arc<Course> {
    &this.expect::<Handle>().course
}

fn set_done(vm: &mut Vm, this: &Value) -> Py {
    if matches!(course(this).stage(), NEW | STARTING) {
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
    match course.stage() {
        NEW | STARTING => return Err(vm.runtime_error("thread not started")),
        RUNNING if course.ident() == thread_ident() => {
            return Err(vm.runtime_error("Cannot join current thread"));
        }
        // Other threads do not run any more, so this one would never end.
        RUNNING => crate::sys::hooks::refuse_when_finalizing(
            vm,
            "cannot join thread at interpreter shutdown",
        )?,
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
        |_, this| Ok(Value::bool(course(this).is_done())),
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
