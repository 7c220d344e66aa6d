//! The end of an object: finaliser, weak references, contents, memory; at once, and never deep in native recursion.

use crate::header::{BIT_DYING, BIT_FINALIZED, BIT_GC, BIT_WEAKLY_REFERENCED, Header};
use crate::instance;
use crate::value::Value;
use crate::vm::{Vm, current_thread};
use std::mem::ManuallyDrop;

/// Nested destructions before the rest is queued.
const MAX_DEPTH: u32 = 40;

/// Destroys an object whose last reference is gone (now, or when guards and nesting allow).
///
/// # Safety
/// No counted reference to the object is left.
#[inline(never)]
pub(crate) unsafe fn destroy(ptr: *const Header) {
    // SAFETY: the memory is still there.
    let header = unsafe { &*ptr };
    let Some(thread) = current_thread() else {
        // SAFETY: no reference is left; without a thread state there is no Python code to run.
        unsafe { destroy_now(ptr) };
        return;
    };
    // What cannot run Python code and holds no references may go at once, even under a guard.
    let layout = header.type_object().layout();
    let leaf = !header.has_bit(BIT_GC | BIT_WEAKLY_REFERENCED)
        && !layout.gc
        && header.type_object().slots().finalize.is_none();
    if !leaf && (thread.guards.get() > 0 || thread.destroy_depth.get() >= MAX_DEPTH) {
        // SAFETY: only this thread touches its queue.
        unsafe { (*thread.trash.get()).push(ptr) };
        return;
    }
    thread.destroy_depth.set(thread.destroy_depth.get() + 1);
    // SAFETY: passed on.
    unsafe { destroy_now(ptr) };
    thread.destroy_depth.set(thread.destroy_depth.get() - 1);
    if thread.destroy_depth.get() == 0 && thread.has_trash() {
        drain_trash();
    }
}

/// Destroys what was put off.
#[cold]
#[inline(never)]
pub(crate) fn drain_trash() {
    let Some(thread) = current_thread() else {
        return;
    };
    if thread.guards.get() > 0 || thread.destroy_depth.get() > 0 {
        return;
    }
    thread.destroy_depth.set(1);
    // SAFETY: only this thread touches its queue; the reference ends with the expression.
    while let Some(ptr) = unsafe { (*thread.trash.get()).pop() } {
        // SAFETY: queued when its last reference went.
        unsafe { destroy_now(ptr) };
    }
    thread.destroy_depth.set(0);
}

/// # Safety
/// No counted reference to the object is left, and Python code may run.
unsafe fn destroy_now(ptr: *const Header) {
    // SAFETY: the memory is there until freed below.
    let header = unsafe { &*ptr };
    let ty = header.type_object();
    if let Some(finalize) = ty.slots().finalize
        && !header.has_bit(BIT_FINALIZED)
    {
        // SAFETY: still whole.
        if unsafe { run_finalizer(ptr, finalize) } {
            return;
        }
    }
    if header.has_bit(BIT_WEAKLY_REFERENCED) {
        crate::weakref::clear_all(header);
        // A callback cannot reach the object: the references were cleared before the callbacks ran.
    }
    header.set_bit(BIT_DYING);
    // SAFETY: nobody refers to the object any more; contents first, memory last.
    unsafe {
        instance::drop_storage(header, ty);
        (ty.layout().drop)((ptr as *mut u8).add(size_of::<Header>()));
        crate::alloc::free(ptr);
    }
}

/// Runs the finaliser on the still whole object; true if it was resurrected.
///
/// # Safety
/// The object is whole and has no reference.
pub(crate) unsafe fn run_finalizer(ptr: *const Header, finalize: crate::slots::FinalizeFn) -> bool {
    // SAFETY: whole, so live.
    let header = unsafe { &*ptr };
    header.set_bit(BIT_FINALIZED);
    // SAFETY: destruction happens where Python code may run.
    let Some(mut vm) = (unsafe { Vm::current() }) else {
        return false;
    };
    // One reference for the duration of the call, owned by this thread.
    header.set_owner(crate::refcount::current_owner());
    header.shared.store(0, std::sync::atomic::Ordering::Relaxed);
    header.set_local(1);
    // SAFETY: that reference; it is given back by hand below.
    let object = ManuallyDrop::new(unsafe { Value::steal(ptr) });
    // The object may die while an exception is on its way: a finaliser must neither see nor replace it.
    let suspended = crate::weakref::park_pending(&mut vm);
    finalize(&mut vm, &object);
    crate::weakref::unpark_pending(&mut vm, suspended);
    let left = header.local() - 1;
    header.set_local(left);
    left != 0 || !crate::refcount::give_up(header)
}
