//! The one way to an object's mutable state: a cell whose guard takes the lock byte of the object's header.
//!
//! A guard borrows the `&mut Vm` token, so while it lives no Python code can be called: the type checker sees to it. The hole is
//! `Drop`: while a guard lives, destruction of objects is put off to the thread's queue (see `destroy`).

use crate::header::{Header, Obj};
use crate::vm::Vm;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

const FREE: u8 = 0;
const HELD: u8 = 1;
const CONTENDED: u8 = 3;

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
        thread.guards.set(thread.guards.get() + 1);
        let header = if thread.shared_process() {
            acquire(self.header());
            Some(self.header())
        } else {
            None
        };
        // SAFETY: I-LOCK-1: this thread holds the lock byte, or is the only one; and a second guard on this thread would
        // need a second `&mut Vm`.
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

#[inline]
fn acquire(header: &Header) {
    if header
        .lock
        .compare_exchange(FREE, HELD, Acquire, Relaxed)
        .is_err()
    {
        acquire_slow(header);
    }
}

#[cold]
fn acquire_slow(header: &Header) {
    let key = &header.lock as *const _ as usize;
    loop {
        if header.lock.swap(CONTENDED, Acquire) == FREE {
            return;
        }
        // SAFETY: the key is the address of the lock byte; the closures neither park nor panic.
        unsafe {
            parking_lot_core::park(
                key,
                || header.lock.load(Relaxed) == CONTENDED,
                || {},
                |_, _| {},
                parking_lot_core::DEFAULT_PARK_TOKEN,
                None,
            );
        }
    }
}

#[inline]
fn release(header: &Header) {
    if header.lock.swap(FREE, Release) == CONTENDED {
        // SAFETY: the key is the address of the lock byte; the closure does not panic.
        unsafe {
            parking_lot_core::unpark_one(&header.lock as *const _ as usize, |_| {
                parking_lot_core::DEFAULT_UNPARK_TOKEN
            });
        }
    }
}
