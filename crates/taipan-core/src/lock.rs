//! The one way to an object's mutable state: a cell whose guard takes the lock byte of the object's header.
//!
//! A guard borrows the `&mut Vm` token, so while it lives no Python code can be called: the type checker sees to it. The hole is
//! `Drop`: while a guard lives, destruction of objects is put off to the thread's queue (see `destroy`).

use crate::header::{Header, Obj};
use crate::vm::{Thread, Vm, breaker, current_thread};
use crate::world::{self, Backoff};
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// Only the owner thread has used the lock yet.
const BIASED: u8 = 0;
const FREE: u8 = 0x80;
const HELD: u8 = 0x81;

/// Mutable state of an object.
pub struct Locked<T>(UnsafeCell<T>);

// SAFETY: reached through the guard only (I-LOCK-1).
unsafe impl<T: Send> Sync for Locked<T> {}

impl<T> Locked<T> {
    pub const fn new(state: T) -> Locked<T> {
        Locked(UnsafeCell::new(state))
    }

    /// The state while nobody else can reach it: construction, destruction, or a stopped world.
    ///
    /// # Safety
    /// No guard is alive and no other thread can take one; the reference does not outlive that.
    #[inline(always)]
    #[expect(clippy::mut_from_ref, reason = "a cell's inside, as UnsafeCell::get")]
    pub unsafe fn get_unlocked(&self) -> &mut T {
        // SAFETY: the caller's promise.
        unsafe { &mut *self.0.get() }
    }

    /// Where the state is, for readers without a lock.
    #[inline(always)]
    pub fn as_ptr(&self) -> *const T {
        self.0.get()
    }

    /// The state, exclusively owned.
    pub fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

/// A payload whose state sits in one [`Locked`] cell.
pub trait HasState {
    type State;
    fn cell(&self) -> &Locked<Self::State>;
}

impl<T: HasState> Obj<T> {
    /// Takes the object's lock. While the guard lives, Python code cannot run on this thread.
    #[inline(always)]
    pub fn lock<'a>(&'a self, vm: &'a mut Vm) -> Guard<'a, T::State> {
        let thread = vm.thread();
        let header = if world::is_shared() && acquire(thread, self.header()) {
            Some(self.header())
        } else {
            None
        };
        thread.guards.set(thread.guards.get() + 1);
        // SAFETY: I-LOCK-1: this thread holds the lock byte, or is the only one that need not (see `acquire`); and a second
        // guard on this thread would need a second `&mut Vm`.
        let state = unsafe { &mut *self.cell().0.get() };
        Guard { state, header, vm }
    }
}

/// Access to an object's state.
pub struct Guard<'a, T> {
    state: &'a mut T,
    header: Option<&'a Header>,
    vm: &'a mut Vm,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        self.state
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut T {
        self.state
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(header) = self.header {
            release(header);
        }
        let thread = self.vm.thread();
        let guards = thread.guards.get() - 1;
        thread.guards.set(guards);
        if guards == 0 && thread.has_trash() {
            crate::destroy::drain_trash();
        }
    }
}

/// Takes the lock of an object's header; true if it must be given back.
///
/// Locks are *biased*: as long as no thread but the owner has ever taken it, the owner needs no atomic operation, for it cannot be
/// interrupted between two safepoints. The first other thread sets the byte for good and waits for the owner's next safepoint.
#[inline(always)]
fn acquire(thread: &'static Thread, header: &Header) -> bool {
    if header.lock.load(Relaxed) == BIASED && header.owner() == thread.owner {
        return false;
    }
    acquire_shared(thread, header)
}

#[inline]
fn acquire_shared(thread: &'static Thread, header: &Header) -> bool {
    header
        .lock
        .compare_exchange(FREE, HELD, Acquire, Relaxed)
        .is_ok()
        || acquire_slow(thread, header)
}

#[cold]
fn acquire_slow(thread: &'static Thread, header: &Header) -> bool {
    if thread.has_stopped_world.get() {
        // No other thread is between taking a lock and giving it back; one that has it waits to come in.
        return false;
    }
    // Under another guard this thread must not go outside: its owner's side is open.
    let outside = thread.guards.get() == 0;
    if outside {
        thread.interpreter.world.step_out(thread);
    }
    let mut backoff = Backoff::new();
    loop {
        match header.lock.compare_exchange(FREE, HELD, SeqCst, SeqCst) {
            Ok(_) => break,
            Err(BIASED) => {
                if header
                    .lock
                    .compare_exchange(BIASED, HELD, SeqCst, SeqCst)
                    .is_ok()
                {
                    if let Some(owner) = crate::refcount::thread_of(header.owner())
                        && !std::ptr::eq(owner, thread)
                    {
                        world::await_safepoint(owner);
                    }
                    break;
                }
            }
            Err(_) => backoff.wait(),
        }
    }
    if outside {
        thread.interpreter.world.step_in(thread, || release(header));
    }
    true
}

#[inline(always)]
fn release(header: &Header) {
    header.lock.store(FREE, Release);
}

/// The lock of an object for code without a token, which runs no Python code while it holds it and takes no other lock.
pub(crate) struct Held<'a> {
    header: Option<&'a Header>,
    thread: Option<&'static Thread>,
}

impl<'a> Held<'a> {
    #[inline(always)]
    pub(crate) fn new(header: &'a Header) -> Held<'a> {
        if !world::is_shared() {
            return Held {
                header: None,
                thread: None,
            };
        }
        Held::shared(header)
    }

    #[inline(never)]
    fn shared(header: &'a Header) -> Held<'a> {
        let Some(thread) = current_thread() else {
            return Held {
                header: None,
                thread: None,
            };
        };
        let header = acquire(thread, header).then_some(header);
        thread.guards.set(thread.guards.get() + 1);
        Held {
            header,
            thread: Some(thread),
        }
    }
}

impl Drop for Held<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if let Some(thread) = self.thread {
            if let Some(header) = self.header {
                release(header);
            }
            thread.guards.set(thread.guards.get() - 1);
            if thread.has_trash() {
                thread.breaker.fetch_or(breaker::TRASH, Relaxed);
            }
        }
    }
}
