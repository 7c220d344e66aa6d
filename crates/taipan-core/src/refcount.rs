//! Biased reference counts (PEP 703; Choi, Shull, Torrellas 2018).
//!
//! The owner thread counts in `local` with plain arithmetic, other threads in `shared` with atomics. When the owner's
//! count reaches zero while others still hold references, the object is *merged*: from then on `shared` alone counts.
//! Immortal objects have an owner that no thread has, so the fast path needs no test of its own for them.

use crate::header::{BIT_WEAKLY_REFERENCED, Header, OWNER_IMMORTAL, OWNER_MERGED};
use std::cell::Cell;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

/// `shared` flag: the owner has given up its side.
const MERGED: u32 = 1;
/// One reference in `shared`.
const ONE: u32 = 4;

thread_local! {
    static OWNER: Cell<u16> = const { Cell::new(OWNER_MERGED) };
}

/// The owner id of the current thread; 0 if it is not attached.
#[inline(always)]
pub fn current_owner() -> u16 {
    OWNER.with(Cell::get)
}

pub(crate) fn set_current_owner(id: u16) {
    OWNER.with(|owner| owner.set(id));
}

/// Counts a reference.
#[inline(always)]
pub fn incref(header: &Header) {
    if header.owner.get() == current_owner() {
        match header.local.get().checked_add(1) {
            Some(count) => header.local.set(count),
            None => header.make_immortal(),
        }
    } else {
        incref_foreign(header);
    }
}

#[inline(never)]
fn incref_foreign(header: &Header) {
    if header.owner.get() != OWNER_IMMORTAL {
        let before = header.shared.fetch_add(ONE, Relaxed);
        if before >> 2 == (1 << 29) - 1 {
            header.make_immortal();
        }
    }
}

/// Gives a reference back; the last one destroys the object at once.
///
/// # Safety
/// `ptr` points to a live object and the caller owns one reference, which is used up.
#[inline(always)]
pub unsafe fn decref(ptr: *const Header) {
    // SAFETY: live, by the caller's promise.
    let header = unsafe { &*ptr };
    if header.owner.get() == current_owner() {
        let count = header.local.get().wrapping_sub(1);
        header.local.set(count);
        if count == 0 {
            // SAFETY: the owner's last reference is gone.
            unsafe { local_zero(ptr) }
        }
    } else {
        // SAFETY: passed on.
        unsafe { decref_foreign(ptr) }
    }
}

/// The owner holds no reference any more.
#[inline(never)]
unsafe fn local_zero(ptr: *const Header) {
    // SAFETY: the memory is still there: nobody else destroys an unmerged object.
    let header = unsafe { &*ptr };
    // A weakly referenced object must be merged: another thread may be about to make a reference from a weak one.
    if header.shared.load(Acquire) == 0 && !header.has_bit(BIT_WEAKLY_REFERENCED) {
        // SAFETY: no reference is left anywhere.
        unsafe { crate::destroy::destroy(ptr) }
        return;
    }
    header.owner.set(OWNER_MERGED);
    let before = header.shared.fetch_or(MERGED, AcqRel);
    if before >> 2 == 0 {
        // SAFETY: merged, and no reference is left.
        unsafe { crate::destroy::destroy(ptr) }
    }
}

#[inline(never)]
unsafe fn decref_foreign(ptr: *const Header) {
    // SAFETY: live, by the caller's promise.
    let header = unsafe { &*ptr };
    if header.owner.get() == OWNER_IMMORTAL {
        return;
    }
    let mut old = header.shared.load(Relaxed);
    loop {
        // An owned object may see more foreign decrefs than increfs: the count goes below zero and is merged.
        let below_zero = old >> 2 == 0 && old & MERGED == 0;
        let new = old.wrapping_sub(ONE);
        match header
            .shared
            .compare_exchange_weak(old, new, AcqRel, Relaxed)
        {
            Ok(_) => {
                if below_zero {
                    // SAFETY: just gone below zero.
                    unsafe { merge(ptr) }
                } else if new >> 2 == 0 && new & MERGED != 0 {
                    // SAFETY: merged, and this was the last reference.
                    unsafe { crate::destroy::destroy(ptr) }
                }
                return;
            }
            Err(now) => old = now,
        }
    }
}

/// Adds the owner's side to the shared one and ends the ownership. The owner may be another thread: it does not run, as this one has
/// the turn (see `turn`), or it has ended.
///
/// # Safety
/// `ptr` points to an object whose shared count has just gone below zero; that keeps it alive until it is merged.
#[cold]
unsafe fn merge(ptr: *const Header) {
    // SAFETY: by the caller's promise.
    let header = unsafe { &*ptr };
    let local = header.local.replace(0);
    header.owner.set(OWNER_MERGED);
    let before = header
        .shared
        .fetch_add(local.wrapping_mul(ONE) | MERGED, AcqRel);
    if (before >> 2).wrapping_add(local) & (u32::MAX >> 2) == 0 {
        // SAFETY: merged, and no reference is left.
        unsafe { crate::destroy::destroy(ptr) }
    }
}

/// All references to an object, as `sys.getrefcount` reports them.
pub fn count(header: &Header) -> u64 {
    if header.is_immortal() {
        return u32::MAX as u64;
    }
    let shared = (header.shared.load(Relaxed) as i32 >> 2) as i64;
    (header.local.get() as i64 + shared).max(0) as u64
}

/// Counts a reference unless the object's last one is gone already: how weak references make strong ones.
#[inline]
pub(crate) fn try_incref(header: &Header) -> bool {
    if header.owner.get() == current_owner() && current_owner() != OWNER_MERGED {
        let alive = header.local.get() > 0;
        if alive {
            incref(header);
        }
        return alive;
    }
    if header.is_immortal() {
        return true;
    }
    let mut old = header.shared.load(Relaxed);
    loop {
        if old & MERGED != 0 && old >> 2 == 0 {
            return false;
        }
        match header
            .shared
            .compare_exchange_weak(old, old.wrapping_add(ONE), AcqRel, Relaxed)
        {
            Ok(_) => return true,
            Err(now) => old = now,
        }
    }
}
