//! `_thread.lock`: taken once, given back by anybody.

use super::{timeout, wait};
use crate::locks::Gate;
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, Bound, Layout, MethodDef, Payload, Py, Slots, Type, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, alloc, bound, f0, slice,
};

/// The type `_thread.lock`.
pub static LOCK: TypeObject = Type::declare("_thread.lock");

/// Payload of locks.
#[derive(Default)]
pub struct Lock(Gate);

// SAFETY: holds no references.
unsafe impl Payload for Lock {
    fn type_object() -> &'static TypeObject {
        &LOCK
    }
}

fn gate(this: &Value) -> &Gate {
    &this.expect::<Lock>().0
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if !args.is_empty() {
        return Err(vm.type_error("lock() takes no arguments"));
    }
    Ok(alloc::new_instance(cls, Lock::default()))
}

pub(super) fn allocate(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(alloc::new_object(Lock::default()))
}

fn acquire(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let blocking = match args.get(0) {
        Some(flag) => vm.truth(flag)?,
        None => true,
    };
    let limit = timeout(vm, blocking, args.get(1))?;
    let gate = gate(this);
    wait(vm, limit, |step| gate.take_within(Some(step))).map(Value::bool)
}

fn enter(vm: &mut Vm, this: &Value) -> Py {
    let gate = gate(this);
    wait(vm, None, |step| gate.take_within(Some(step))).map(Value::bool)
}

fn release(vm: &mut Vm, this: &Value) -> Py {
    if gate(this).give() {
        return Ok(Value::none());
    }
    Err(vm.runtime_error("release unlocked lock"))
}

fn exit(vm: &mut Vm, this: &Value, _args: &[Value]) -> Py {
    release(vm, this)
}

fn locked(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(gate(this).is_held()))
}

fn reinit(_vm: &mut Vm, this: &Value) -> Py {
    gate(this).reset();
    Ok(Value::none())
}

fn repr(_vm: &mut Vm, this: &Value) -> Py {
    let state = if gate(this).is_held() {
        "locked"
    } else {
        "unlocked"
    };
    Ok(new_str(&format!(
        "<{state} {} object at {:#x}>",
        this.type_of().full_name(),
        this.bits()
    )))
}

static METHODS: [MethodDef; 9] = [
    bound(
        "acquire(self, /, blocking=True, timeout=-1)",
        acquire,
        "Lock the lock.\n\nWithout argument, this blocks if the lock is already locked\n(even by the same thread), waiting for another thread to release\nthe lock, and return True once the lock is acquired.\nWith an argument, this will only block if the argument is true,\nand the return value reflects whether the lock is acquired.\nThe blocking operation is interruptible.",
    ),
    bound(
        "acquire_lock(self, /, blocking=True, timeout=-1)",
        acquire,
        "An obsolete synonym of acquire().",
    ),
    f0(
        "release(self, /)",
        release,
        "Release the lock.\n\nAllows another thread that is blocked waiting for\nthe lock to acquire the lock.  The lock must be in the locked state,\nbut it needn't be locked by the same thread that unlocks it.",
    ),
    f0(
        "release_lock(self, /)",
        release,
        "An obsolete synonym of release().",
    ),
    f0(
        "locked(self, /)",
        locked,
        "Return whether the lock is in the locked state.",
    ),
    f0(
        "locked_lock(self, /)",
        locked,
        "An obsolete synonym of locked().",
    ),
    f0("__enter__(self, /)", enter, "Lock the lock."),
    slice("__exit__(self, *exc_info)", exit, "Release the lock."),
    f0("_at_fork_reinit(self, /)", reinit, ""),
];

static LAYOUT: Layout = Layout::of::<Lock>();
static SPEC: TypeSpec = TypeSpec {
    name: "_thread.lock",
    flags: TypeFlags::WEAKREF,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        ..Slots::NONE
    },
    methods: &METHODS,
    doc: "A lock object is a synchronization primitive.  To create a lock,\ncall threading.Lock().",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    LOCK.define(&SPEC);
}
