//! `_multiprocessing`: semaphores that processes share, by name.
//!
//! A semaphore without a name (its name is taken away at once) reaches the children of forks only. `SemLock._rebuild` accepts a bare
//! handle if it belongs to a semaphore that this interpreter has open, so no number makes the process touch foreign memory.

use crate::ModuleDef;
use crate::locks::thread_ident;
use crate::path::errno;
use crate::support::{add, add_type, c_text_argument, int_argument, signature};
use crate::thread::wait;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use taipan_core::alloc::new_instance;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::number::int_from_u64;
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Payload, Py, Raised, Slots, Type, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, bound, builtin_types, f0, f1, getter, slice,
};
use taipan_types::exceptions::os_error::raise_errno;

static FUNCTIONS: [MethodDef; 1] = [f1(
    "sem_unlink($module, name, /)",
    unlink,
    "Take a semaphore's name away. The semaphore goes when nobody has it open any more.",
)];

/// The module `_multiprocessing`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_multiprocessing",
    doc: "",
    functions: &FUNCTIONS,
    init,
};

static SEM_LOCK: TypeObject = Type::declare("_multiprocessing.SemLock");

/// The kind of locks that the thread which holds them may take again.
const RECURSIVE_MUTEX: i32 = 0;
const SEMAPHORE: i32 = 1;

/// The greatest value that the systems' `<limits.h>` allow.
const SEM_VALUE_MAX: i32 = i32::MAX;

/// An open semaphore of the system.
struct Semaphore(*mut libc::sem_t);

// SAFETY: the functions on semaphores may be called by any thread at any time.
unsafe impl Send for Semaphore {}
// SAFETY: as above.
unsafe impl Sync for Semaphore {}

impl Drop for Semaphore {
    fn drop(&mut self) {
        // SAFETY: opened in `open`, and closed here only.
        unsafe { libc::sem_close(self.0) };
    }
}

impl Semaphore {
    /// What `sem_open` gave, or the number of its error.
    fn opened(raw: *mut libc::sem_t) -> Result<Semaphore, i32> {
        if raw == libc::SEM_FAILED {
            Err(errno())
        } else {
            Ok(Semaphore(raw))
        }
    }

    /// A new semaphore; its name must not exist.
    fn create(name: &CString, value: i32) -> Result<Semaphore, i32> {
        const MODE: libc::mode_t = 0o600;
        let flags = libc::O_CREAT | libc::O_EXCL;
        // SAFETY: a C string; O_CREAT takes mode and value.
        Semaphore::opened(unsafe {
            libc::sem_open(name.as_ptr(), flags, MODE, value as libc::c_uint)
        })
    }

    fn open(name: &CString) -> Result<Semaphore, i32> {
        // SAFETY: a C string.
        Semaphore::opened(unsafe { libc::sem_open(name.as_ptr(), 0) })
    }

    fn handle(&self) -> u64 {
        self.0.expose_provenance() as u64
    }

    fn value(&self) -> Result<i32, i32> {
        let mut value = 0;
        // SAFETY: an open semaphore, and room for a number.
        match unsafe { libc::sem_getvalue(self.0, &mut value) } {
            // Some systems count those who wait below zero.
            0 => Ok(value.max(0)),
            _ => Err(errno()),
        }
    }

    fn post(&self) -> Result<(), i32> {
        // SAFETY: an open semaphore.
        match unsafe { libc::sem_post(self.0) } {
            0 => Ok(()),
            _ => Err(errno()),
        }
    }

    /// Tries to take it for as long as `step`. False: it was not to be had, or a signal came.
    fn attempt(&self, step: Duration) -> bool {
        if step.is_zero() {
            // SAFETY: an open semaphore.
            return unsafe { libc::sem_trywait(self.0) } == 0;
        }
        let mut now = MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: room for a time; the call cannot fail for this clock.
        let now = unsafe {
            libc::clock_gettime(libc::CLOCK_REALTIME, now.as_mut_ptr());
            now.assume_init()
        };
        let nanos = now.tv_nsec as u64 + u64::from(step.subsec_nanos());
        let until = libc::timespec {
            tv_sec: now
                .tv_sec
                .saturating_add(step.as_secs() as i64 + (nanos / 1_000_000_000) as i64),
            tv_nsec: (nanos % 1_000_000_000) as i64,
        };
        // SAFETY: an open semaphore and a time.
        unsafe { libc::sem_timedwait(self.0, &until) == 0 }
    }
}

/// The semaphores that are open, for [`rebuild`] with a handle.
#[derive(Default)]
struct Open(Mutex<Vec<Weak<Semaphore>>>);

impl Open {
    fn add(&self, semaphore: Semaphore) -> Arc<Semaphore> {
        let semaphore = Arc::new(semaphore);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The list doubles before it is swept, so each new semaphore costs the same.
        if known.len() == known.capacity() {
            known.retain(|other| other.strong_count() > 0);
        }
        known.push(Arc::downgrade(&semaphore));
        semaphore
    }

    fn find(&self, handle: u64) -> Option<Arc<Semaphore>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .iter()
            .filter_map(Weak::upgrade)
            .find(|semaphore| semaphore.handle() == handle)
    }
}

/// Payload of semaphores.
struct SemLock {
    semaphore: Arc<Semaphore>,
    kind: i32,
    max_value: i32,
    name: Option<Box<str>>,
    /// Times taken less times given back, by this process.
    count: AtomicI32,
    /// The thread that took it last.
    owner: AtomicU64,
}

// SAFETY: holds no references.
unsafe impl Payload for SemLock {
    fn type_object() -> &'static TypeObject {
        &SEM_LOCK
    }
}

impl SemLock {
    fn is_mine(&self) -> bool {
        self.count.load(Relaxed) > 0 && self.owner.load(Relaxed) == thread_ident()
    }

    fn took(&self) {
        self.count.fetch_add(1, Relaxed);
        self.owner.store(thread_ident(), Relaxed);
    }
}

fn lock(this: &Value) -> &SemLock {
    this.expect::<SemLock>()
}

#[cold]
fn failed(vm: &mut Vm, error: i32) -> Raised {
    raise_errno(vm, error, None)
}

// ---- making ----

static NEW: MethodDef = signature("SemLock(kind, value, maxvalue, name, unlink)");

fn made(
    cls: &TypeObject,
    semaphore: Arc<Semaphore>,
    (kind, max_value): (i32, i32),
    name: Option<&CString>,
) -> Value {
    let lock = SemLock {
        semaphore,
        kind,
        max_value,
        name: name.map(|name| name.to_string_lossy().into()),
        count: AtomicI32::new(0),
        owner: AtomicU64::new(0),
    };
    new_instance(cls, lock)
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = taipan_core::bind::bind(vm, &NEW, args)?;
    let kind = int_argument(vm, args.req(0))?;
    let value = int_argument(vm, args.req(1))?;
    let max_value = int_argument(vm, args.req(2))?;
    let name = name_argument(vm, "SemLock", "argument 'name'", args.req(3))?;
    let unlinks = vm.truth(args.req(4))?;
    if kind != RECURSIVE_MUTEX && kind != SEMAPHORE {
        return Err(vm.value_error("unrecognized kind"));
    }
    let semaphore = Semaphore::create(&name, value).map_err(|error| failed(vm, error))?;
    // SAFETY: a C string.
    if unlinks && unsafe { libc::sem_unlink(name.as_ptr()) } < 0 {
        return Err(failed(vm, errno()));
    }
    let semaphore = vm.interpreter_state::<Open>().add(semaphore);
    let name = (!unlinks).then_some(&name);
    Ok(made(cls, semaphore, (kind, max_value), name))
}

fn rebuild(vm: &mut Vm, cls: &Value, args: &Bound) -> Py {
    let handle = vm.index(args.req(0))?;
    let kind = int_argument(vm, args.req(1))?;
    let max_value = int_argument(vm, args.req(2))?;
    let open = vm.interpreter_state::<Open>();
    let (semaphore, name) = match args.get_not_none(3) {
        Some(name) => {
            let name = name_argument(vm, "_rebuild", "argument 4", name)?;
            let semaphore = Semaphore::open(&name).map_err(|error| failed(vm, error))?;
            (open.add(semaphore), Some(name))
        }
        None => {
            let number = handle.as_i64().map(|handle| handle as u64);
            match number.and_then(|number| open.find(number)) {
                Some(semaphore) => (semaphore, None),
                None => return Err(failed(vm, libc::EINVAL)),
            }
        }
    };
    let cls = cls.expect::<Type>();
    Ok(made(cls, semaphore, (kind, max_value), name.as_ref()))
}

fn name_argument(vm: &mut Vm, function: &str, place: &str, value: &Value) -> Py<CString> {
    if taipan_core::str_object::str_of(value).is_none() {
        let given = value.type_of().name();
        return Err(vm.type_error(format!("{function}() {place} must be str, not {given}")));
    }
    c_text_argument(vm, function, None, value)
}

fn unlink(vm: &mut Vm, _module: &Value, name: &Value) -> Py {
    let name = name_argument(vm, "sem_unlink", "argument", name)?;
    // SAFETY: a C string.
    if unsafe { libc::sem_unlink(name.as_ptr()) } < 0 {
        return Err(failed(vm, errno()));
    }
    Ok(Value::none())
}

// ---- taking and giving back ----

/// A time to wait in seconds, as the system's own calls take it.
fn span(vm: &mut Vm, timeout: &Value) -> Py<Duration> {
    // Not `max`, which makes 0 of a NaN.
    let seconds = match vm.to_f64(timeout)? {
        seconds if seconds < 0.0 => 0.0,
        seconds => seconds,
    };
    match Duration::try_from_secs_f64(seconds) {
        Ok(span) if seconds < i64::MAX as f64 / 2.0 => Ok(span),
        _ => Err(failed(vm, libc::EINVAL)),
    }
}

fn take(vm: &mut Vm, this: &Value, limit: Option<Duration>) -> Py {
    let lock = lock(this);
    if lock.kind == RECURSIVE_MUTEX && lock.is_mine() {
        lock.count.fetch_add(1, Relaxed);
        return Ok(Value::bool(true));
    }
    let taken = wait(vm, limit, |step| lock.semaphore.attempt(step))?;
    if taken {
        lock.took();
    }
    Ok(Value::bool(taken))
}

fn acquire(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let blocks = match args.get(0) {
        Some(flag) => vm.truth(flag)?,
        None => true,
    };
    let limit = match args.get_not_none(1) {
        _ if !blocks => Some(Duration::ZERO),
        Some(timeout) => Some(span(vm, timeout)?),
        None => None,
    };
    take(vm, this, limit)
}

fn enter(vm: &mut Vm, this: &Value) -> Py {
    take(vm, this, None)
}

fn release(vm: &mut Vm, this: &Value) -> Py {
    let lock = lock(this);
    if lock.kind == RECURSIVE_MUTEX {
        if !lock.is_mine() {
            return Err(vm.raise(
                &builtin_types::ASSERTION_ERROR,
                "attempt to release recursive lock not owned by thread",
            ));
        }
        if lock.count.load(Relaxed) > 1 {
            lock.count.fetch_sub(1, Relaxed);
            return Ok(Value::none());
        }
    } else {
        let value = lock.semaphore.value().map_err(|error| failed(vm, error))?;
        if value >= lock.max_value {
            return Err(vm.value_error("semaphore or lock released too many times"));
        }
    }
    // First the count: once the semaphore is free, another thread may take it and count that.
    lock.count.fetch_sub(1, Relaxed);
    if let Err(error) = lock.semaphore.post() {
        lock.count.fetch_add(1, Relaxed);
        return Err(failed(vm, error));
    }
    Ok(Value::none())
}

fn exit(vm: &mut Vm, this: &Value, _args: &[Value]) -> Py {
    release(vm, this)
}

// ---- asking ----

fn get_value(vm: &mut Vm, this: &Value) -> Py {
    let value = lock(this).semaphore.value();
    value
        .map(Value::from_i32)
        .map_err(|error| failed(vm, error))
}

fn is_zero(vm: &mut Vm, this: &Value) -> Py {
    let value = lock(this).semaphore.value();
    value
        .map(|value| Value::bool(value == 0))
        .map_err(|error| failed(vm, error))
}

fn after_fork(_vm: &mut Vm, this: &Value) -> Py {
    lock(this).count.store(0, Relaxed);
    Ok(Value::none())
}

static METHODS: [MethodDef; 10] = [
    bound(
        "acquire($self, /, block=True, timeout=None)",
        acquire,
        "Take the semaphore; say whether it was to be had in time.",
    ),
    f0("release($self, /)", release, "Give the semaphore back."),
    f0("__enter__($self, /)", enter, "Take the semaphore."),
    slice(
        "__exit__($self, exc_type=None, exc_value=None, exc_tb=None, /)",
        exit,
        "Give the semaphore back.",
    ),
    f0(
        "_count($self, /)",
        |_, this| Ok(Value::from_i32(lock(this).count.load(Relaxed))),
        "How often this process took it and has not given it back.",
    ),
    f0(
        "_is_mine($self, /)",
        |_, this| Ok(Value::bool(lock(this).is_mine())),
        "Does this thread hold it?",
    ),
    f0("_get_value($self, /)", get_value, "The semaphore's value."),
    f0(
        "_is_zero($self, /)",
        is_zero,
        "Would taking it have to wait?",
    ),
    bound(
        "_rebuild($type, handle, kind, maxvalue, name, /)",
        rebuild,
        "The semaphore of another process.",
    )
    .class_method(),
    f0(
        "_after_fork($self, /)",
        after_fork,
        "Forget, in the child of a fork, what its parent took.",
    ),
];

static GETSET: [GetSetDef; 4] = [
    getter(
        "handle",
        |_, this| Ok(int_from_u64(lock(this).semaphore.handle())),
        "",
    )
    .member(),
    getter("kind", |_, this| Ok(Value::from_i32(lock(this).kind)), "").member(),
    getter(
        "maxvalue",
        |_, this| Ok(Value::from_i32(lock(this).max_value)),
        "",
    )
    .member(),
    getter(
        "name",
        |_, this| Ok(lock(this).name.as_deref().map_or(Value::none(), new_str)),
        "",
    )
    .member(),
];

static LAYOUT: Layout = Layout::of::<SemLock>();
static SPEC: TypeSpec = TypeSpec {
    name: "_multiprocessing.SemLock",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Semaphore/Mutex type",
    ..TypeSpec::DEFAULT
};

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    SEM_LOCK.define(&SPEC);
    let name = taipan_core::str_object::name("SEM_VALUE_MAX");
    if !SEM_LOCK.namespace().contains_name(&name) {
        SEM_LOCK
            .namespace()
            .set_name(&name, Value::from_i32(SEM_VALUE_MAX));
        SEM_LOCK.changed();
    }
    add_type(dict, &SEM_LOCK);
    let flags = new_dict();
    for flag in ["HAVE_SEM_OPEN", "HAVE_SEM_TIMEDWAIT"] {
        let name = taipan_core::str_object::name(flag);
        flags.expect::<Dict>().set_name(&name, Value::from_i32(1));
    }
    add(dict, "flags", flags);
    Ok(())
}
