//! `_thread.RLock`: may be taken again by the thread that holds it.

use super::{timeout, wait};
use crate::locks::Reentrant;
use taipan_core::number::int_from_u64;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{
    Args, Bound, Layout, MethodDef, Payload, Py, Slots, Type, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, alloc, bound, f0, f1, slice,
};

/// The type `_thread.RLock`.
pub static RLOCK: TypeObject = Type::declare("_thread.RLock");

/// Payload of reentrant locks.
#[derive(Default)]
pub struct RLock(Reentrant);

// SAFETY: holds no references.
unsafe impl Payload for RLock {
    fn type_object() -> &'static TypeObject {
        &RLOCK
    }
}

fn lock(this: &Value) -> &Reentrant {
    &this.expect::<RLock>().0
}

// Arguments are of no interest: `threading.RLock` warns of them.
fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(alloc::new_instance(cls, RLock::default()))
}

fn acquire(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let blocking = match args.get(0) {
        Some(flag) => vm.truth(flag)?,
        None => true,
    };
    let limit = timeout(vm, blocking, args.get(1))?;
    let lock = lock(this);
    wait(vm, limit, |step| lock.acquire(Some(step))).map(Value::bool)
}

fn enter(vm: &mut Vm, this: &Value) -> Py {
    let lock = lock(this);
    wait(vm, None, |step| lock.acquire(Some(step))).map(Value::bool)
}

fn release(vm: &mut Vm, this: &Value) -> Py {
    if lock(this).release() {
        return Ok(Value::none());
    }
    Err(vm.runtime_error("cannot release un-acquired lock"))
}

fn exit(vm: &mut Vm, this: &Value, _args: &[Value]) -> Py {
    release(vm, this)
}

fn is_owned(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(lock(this).is_mine()))
}

fn locked(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(lock(this).holder().1 > 0))
}

fn recursion_count(_vm: &mut Vm, this: &Value) -> Py {
    let count = if lock(this).is_mine() {
        lock(this).holder().1
    } else {
        0
    };
    Ok(Value::int(count as i64))
}

fn release_save(vm: &mut Vm, this: &Value) -> Py {
    match lock(this).release_all() {
        Some((owner, count)) => Ok(new_tuple([Value::int(count as i64), int_from_u64(owner)])),
        None => Err(vm.runtime_error("cannot release un-acquired lock")),
    }
}

fn acquire_restore(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let Some([count, owner]) = items(state) else {
        return Err(vm.type_error("state must be a 2-tuple"));
    };
    let count = vm.index_i64(count)?;
    let owner = owner.as_big().and_then(|big| u64::try_from(big).ok());
    let lock = lock(this);
    wait(vm, None, |step| lock.acquire(Some(step)))?;
    lock.restore(
        owner.unwrap_or_else(crate::locks::thread_ident),
        count.max(0) as usize,
    );
    Ok(Value::none())
}

fn reinit(_vm: &mut Vm, this: &Value) -> Py {
    lock(this).reset();
    Ok(Value::none())
}

fn repr(_vm: &mut Vm, this: &Value) -> Py {
    let (owner, count) = lock(this).holder();
    let state = if count > 0 { "locked" } else { "unlocked" };
    Ok(new_str(&format!(
        "<{state} {} object owner={owner} count={count} at {:#x}>",
        this.type_of().full_name(),
        this.bits()
    )))
}

static METHODS: [MethodDef; 10] = [
    bound(
        "acquire(self, /, blocking=True, timeout=-1)",
        acquire,
        "Lock the lock.\n\n`blocking` indicates whether we should wait for the lock to be\navailable or not.  If `blocking` is False and another thread holds the\nlock, the method will return False immediately.",
    ),
    f0(
        "release(self, /)",
        release,
        "Release the lock.\n\nAllows another thread that is blocked waiting for the lock to acquire\nthe lock.  The lock must be in the locked state, and must be locked by\nthe same thread that unlocks it.",
    ),
    f0("__enter__(self, /)", enter, "Lock the lock."),
    slice("__exit__(self, *exc_info)", exit, "Release the lock."),
    f0(
        "locked(self, /)",
        locked,
        "Return a boolean indicating whether this object is locked right now.",
    ),
    f0(
        "_is_owned(self, /)",
        is_owned,
        "For internal use by `threading.Condition`.",
    ),
    f0(
        "_recursion_count(self, /)",
        recursion_count,
        "For internal use by reentrancy checks.",
    ),
    f0(
        "_release_save(self, /)",
        release_save,
        "For internal use by `threading.Condition`.",
    ),
    f1(
        "_acquire_restore(self, state, /)",
        acquire_restore,
        "For internal use by `threading.Condition`.",
    ),
    f0("_at_fork_reinit(self, /)", reinit, ""),
];

static LAYOUT: Layout = Layout::of::<RLock>();
static SPEC: TypeSpec = TypeSpec {
    name: "_thread.RLock",
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    RLOCK.define(&SPEC);
}
