//! Biased reference counts (PEP 703; Choi, Shull, Torrellas 2018).
//!
//! The owner thread counts in `local` with plain arithmetic, other threads in `shared` with atomics. When the owner's count
//! reaches zero while others still hold references, the object is *merged*: from then on `shared` alone counts. A thread that gives
//! back more references than it took leaves the last one in the *queue* of the owner, who merges the object at its next safepoint;
//! while the owner is in a blocking call, or has ended, it is merged on the spot. Immortal objects have an owner that no thread
//! has, so the fast path needs no test of its own for them.

use crate::header::{
    BIT_WEAKLY_REFERENCED, Header, OWNER_FREED, OWNER_IMMORTAL, OWNER_MERGED, OWNER_SHARED,
};
use crate::shared_counts;
use crate::value::Value;
use crate::vm::{Thread, breaker};
use crate::world;
use std::cell::Cell;
use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// `shared` flag: the owner has given up its side.
const MERGED: u32 = 1;
/// `shared` flag: the object is in its owner's queue, which holds one reference.
const QUEUED: u32 = 2;
const FLAGS: u32 = MERGED | QUEUED;
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
    if header.owner() == current_owner() {
        match header.local().checked_add(1) {
            Some(count) => header.set_local(count),
            None => header.make_immortal(),
        }
    } else {
        incref_foreign(header);
    }
}

#[inline(never)]
fn incref_foreign(header: &Header) {
    match header.owner() {
        OWNER_IMMORTAL => {}
        OWNER_SHARED => shared_counts::add(header.local()),
        OWNER_FREED => counts_are_wrong(header),
        _ => {
            let before = header.shared.fetch_add(ONE, Relaxed);
            if before >> 2 == (1 << 29) - 1 {
                header.make_immortal();
            }
        }
    }
}

/// Memory safety is lost: nothing that goes on from here can be trusted.
#[cold]
#[inline(never)]
fn counts_are_wrong(header: &Header) -> ! {
    eprintln!("taipan: a reference to a freed object at {header:p} was counted");
    std::process::abort()
}

/// Gives a reference back; the last one destroys the object at once.
///
/// # Safety
/// `ptr` points to a live object and the caller owns one reference, which is used up.
#[inline(always)]
pub unsafe fn decref(ptr: *const Header) {
    // SAFETY: live, by the caller's promise.
    let header = unsafe { &*ptr };
    if header.owner() == current_owner() {
        let count = header.local().wrapping_sub(1);
        header.set_local(count);
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
    if unsafe { give_up(&*ptr) } {
        // SAFETY: no reference is left anywhere.
        unsafe { crate::destroy::destroy(ptr) }
    }
}

/// Ends the ownership of an object of which the owner, this thread, holds no reference; true if nobody else does.
#[inline]
pub(crate) fn give_up(header: &Header) -> bool {
    if !world::is_shared() {
        if header.shared.load(Acquire) == 0 && !header.has_bit(BIT_WEAKLY_REFERENCED) {
            return true;
        }
    } else if header
        .shared
        .compare_exchange(0, MERGED, AcqRel, Relaxed)
        .is_ok()
    {
        // From here on nobody can make a reference out of one that is not counted.
        header.set_owner(OWNER_MERGED);
        return true;
    }
    header.set_owner(OWNER_MERGED);
    let mut old = header.shared.load(Relaxed);
    loop {
        let new = old & !FLAGS | MERGED;
        match header
            .shared
            .compare_exchange_weak(old, new, AcqRel, Relaxed)
        {
            Ok(_) => return new == MERGED,
            Err(now) => old = now,
        }
    }
}

#[inline(never)]
unsafe fn decref_foreign(ptr: *const Header) {
    // SAFETY: live, by the caller's promise.
    let header = unsafe { &*ptr };
    match header.owner() {
        OWNER_IMMORTAL => return,
        OWNER_SHARED => return shared_counts::subtract(header.local()),
        OWNER_FREED => counts_are_wrong(header),
        _ => {}
    }
    let mut old = header.shared.load(Relaxed);
    loop {
        // More foreign decrefs than increfs: the owner's side holds this reference. It goes to the owner's queue.
        let queued = old == 0;
        let new = if queued {
            QUEUED
        } else {
            old.wrapping_sub(ONE)
        };
        match header
            .shared
            .compare_exchange_weak(old, new, AcqRel, Relaxed)
        {
            Ok(_) => {
                if queued {
                    // SAFETY: the reference keeps the object alive.
                    unsafe { queue(ptr) }
                } else if new == MERGED {
                    // SAFETY: merged, and this was the last reference.
                    unsafe { crate::destroy::destroy(ptr) }
                }
                return;
            }
            Err(now) => old = now,
        }
    }
}

// ---- owners ----

/// References whose objects their owner is to merge.
#[derive(Default)]
pub(crate) struct Queue(Mutex<Vec<Queued>>);

/// A reference to an object, of the queue.
struct Queued(*const Header);
// SAFETY: the reference keeps the object alive; whoever takes it out of the queue has it.
unsafe impl Send for Queued {}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Vec<Queued>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread that has an owner id, one row for each id there can be. All zeros at first, so pages nobody looks at are not even
/// touched.
static OWNERS: [Mutex<Option<&'static Thread>>; OWNER_FREED as usize] =
    [const { Mutex::new(None) }; OWNER_FREED as usize];

fn owner(id: u16) -> MutexGuard<'static, Option<&'static Thread>> {
    OWNERS[id as usize]
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// The thread that has an owner id now.
pub(crate) fn thread_of(id: u16) -> Option<&'static Thread> {
    if id == OWNER_MERGED || id >= OWNER_FREED {
        return None;
    }
    *owner(id)
}

/// From now on `thread` owns what its id says.
pub(crate) fn take_ownership(thread: &'static Thread) {
    *owner(thread.owner) = Some(thread);
}

/// The thread ends: what it owned has no owner until another thread gets its id.
pub(crate) fn end_ownership(thread: &Thread) {
    loop {
        let mut own = owner(thread.owner);
        if thread.queue.lock().is_empty() {
            *own = None;
            return;
        }
        drop(own);
        merge_queue(thread);
    }
}

/// For a forked process: the thread is not there any more. Gives the objects of its queue without references, for the caller to
/// destroy.
pub(crate) fn forget_owner(thread: &Thread) -> Vec<*const Header> {
    *owner(thread.owner) = None;
    take_zeros(thread)
}

/// Merges what waits in the thread's queue. The caller is that thread.
pub fn merge_queue(thread: &Thread) {
    for ptr in take_zeros(thread) {
        // SAFETY: merged, and no reference is left.
        unsafe { crate::destroy::destroy(ptr) }
    }
}

/// Merges the queue of an owner who does not run; gives the objects without references, for the caller to destroy.
pub(crate) fn take_zeros(thread: &Thread) -> Vec<*const Header> {
    let queue = std::mem::take(&mut *thread.queue.lock());
    queue
        .into_iter()
        // SAFETY: the queue's reference keeps the object alive.
        .filter(|queued| unsafe { merge(&*queued.0, thread.owner) })
        .map(|queued| queued.0)
        .collect()
}

/// Adds the owner's side to the shared one, and gives the queue's reference back; true if that was the last. The owner is this
/// thread, or does not run.
fn merge(header: &Header, id: u16) -> bool {
    match header.owner() {
        // Made so while it was in the queue.
        OWNER_IMMORTAL => return false,
        OWNER_SHARED => {
            shared_counts::subtract(header.local());
            return false;
        }
        _ => {}
    }
    let local = if header.owner() == id {
        let local = header.local();
        header.set_local(0);
        header.set_owner(OWNER_MERGED);
        local
    } else {
        // Merged meanwhile, when the owner's own count went down to zero.
        0
    };
    let mut old = header.shared.load(Relaxed);
    loop {
        let count = (old >> 2).wrapping_add(local).wrapping_sub(1) & (u32::MAX >> 2);
        let new = count << 2 | MERGED;
        match header
            .shared
            .compare_exchange_weak(old, new, AcqRel, Relaxed)
        {
            Ok(_) => return count == 0,
            Err(now) => old = now,
        }
    }
}

/// Hands a reference over to the owner of its object.
///
/// # Safety
/// The object is marked QUEUED, and the reference is the caller's, who gives it up.
#[cold]
unsafe fn queue(ptr: *const Header) {
    // SAFETY: alive by the caller's reference.
    let header = unsafe { &*ptr };
    let id = header.owner();
    if id == OWNER_IMMORTAL {
        return;
    }
    if id == OWNER_MERGED {
        // Merged meanwhile: the reference counts in `shared` now.
        if merge(header, id) {
            // SAFETY: merged, and no reference is left.
            unsafe { crate::destroy::destroy(ptr) }
        }
        return;
    }
    let own = owner(id);
    let Some(thread) = *own else {
        // Nobody has the id, and nobody gets it while it is locked.
        let last = merge(header, id);
        drop(own);
        if last {
            // SAFETY: merged, and no reference is left.
            unsafe { crate::destroy::destroy(ptr) }
        }
        return;
    };
    thread.queue.lock().push(Queued(ptr));
    drop(own);
    thread.breaker.fetch_or(breaker::MERGE, AcqRel);
    let zeros = thread
        .interpreter
        .world
        .while_outside(thread, || take_zeros(thread));
    for ptr in zeros.unwrap_or_default() {
        // SAFETY: merged, and no reference is left.
        unsafe { crate::destroy::destroy(ptr) }
    }
}

// ---- looking ----

/// All references to an object, as `sys.getrefcount` reports them.
pub fn count(header: &Header) -> u64 {
    match header.owner() {
        OWNER_IMMORTAL => u32::MAX as u64,
        OWNER_SHARED => shared_counts::count(header.local()).max(0) as u64,
        _ => {
            let shared = (header.shared.load(Relaxed) as i32 >> 2) as i64;
            (header.local() as i64 + shared).max(0) as u64
        }
    }
}

/// Is the object in no queue?
pub(crate) fn is_settled(header: &Header) -> bool {
    header.shared.load(Relaxed) & QUEUED == 0
}

/// Makes this thread the owner of an object with `count` references. Nobody else uses it.
pub(crate) fn own(header: &Header, count: u32) {
    header.shared.store(0, Relaxed);
    header.set_local(count);
    header.set_owner(current_owner());
}

/// Marks what is left where an object was before it moved: nobody can make a reference to it.
pub(crate) fn end(header: &Header) {
    header.shared.store(MERGED, Relaxed);
    header.set_owner(OWNER_FREED);
}

/// Is the caller's reference, owned by this thread, the only one?
#[inline]
pub(crate) fn is_only(header: &Header) -> bool {
    header.owner() == current_owner() && header.local() == 1 && header.shared.load(Acquire) == 0
}

/// Counts a reference unless the object's last one is gone already: how references that are not counted become counted ones. The
/// memory is an object's still, though perhaps a dying one's.
#[inline]
pub fn try_incref(header: &Header) -> bool {
    if header.owner() == current_owner() && current_owner() != OWNER_MERGED {
        let alive = header.local() > 0;
        if alive {
            incref(header);
        }
        return alive;
    }
    try_incref_foreign(header)
}

/// The value of a word that another thread may be replacing, counted anew; `None` for 0, or if the object is dying (then the word's
/// place holds another one already).
///
/// # Safety
/// The word was read from a place that holds values, since this thread's last safepoint (I-READ-1).
#[inline]
pub unsafe fn count_word(word: u64) -> Option<Value> {
    if word == 0 {
        return None;
    }
    // SAFETY: not 0, so a value's word.
    let value = ManuallyDrop::new(unsafe { Value::from_bits(word) });
    match value.header() {
        Some(header) if !try_incref(header) => None,
        _ => Some(ManuallyDrop::into_inner(value)),
    }
}

#[inline(never)]
fn try_incref_foreign(header: &Header) -> bool {
    match header.owner() {
        OWNER_IMMORTAL => return true,
        OWNER_SHARED => {
            shared_counts::add(header.local());
            return true;
        }
        OWNER_FREED => return false,
        _ => {}
    }
    let mut old = header.shared.load(Relaxed);
    loop {
        if old == MERGED {
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
