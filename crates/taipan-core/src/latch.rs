//! State that threads share outside of objects: cells with the methods of `std::cell`, that several threads may use.
//!
//! A latch is held for a few instructions, never while Python code runs. Threads that want it meanwhile spin; one that has it and
//! wants it again for writing panics, as with `RefCell`.

use crate::world::Backoff;
use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

const WRITING: u32 = u32::MAX;

/// As `RefCell`.
#[derive(Default)]
pub struct Latch<T> {
    /// Number of readers, or `WRITING`.
    state: AtomicU32,
    /// Who writes: an address in the thread's own memory.
    writer: AtomicUsize,
    value: UnsafeCell<T>,
}

// SAFETY: reached through the guards only, of which there are several readers or one writer.
unsafe impl<T: Send + Sync> Sync for Latch<T> {}

thread_local! {
    static ME: u8 = const { 0 };
}

fn me() -> usize {
    ME.with(|me| std::ptr::from_ref(me).addr())
}

impl<T> Latch<T> {
    pub const fn new(value: T) -> Latch<T> {
        Latch {
            state: AtomicU32::new(0),
            writer: AtomicUsize::new(0),
            value: UnsafeCell::new(value),
        }
    }

    fn check_writer(&self) {
        assert!(
            self.writer.load(Relaxed) != me(),
            "a latch is wanted by the thread that writes to it"
        );
    }

    /// The value, for reading.
    pub fn borrow(&self) -> Reading<'_, T> {
        let mut backoff = Backoff::new();
        loop {
            let state = self.state.load(Relaxed);
            if state == WRITING {
                self.check_writer();
                backoff.wait();
            } else if self
                .state
                .compare_exchange_weak(state, state + 1, Acquire, Relaxed)
                .is_ok()
            {
                return Reading(self);
            }
        }
    }

    /// The value, for writing.
    pub fn borrow_mut(&self) -> Writing<'_, T> {
        let mut backoff = Backoff::new();
        while self
            .state
            .compare_exchange_weak(0, WRITING, Acquire, Relaxed)
            .is_err()
        {
            self.check_writer();
            backoff.wait();
        }
        self.writer.store(me(), Relaxed);
        Writing(self)
    }

    /// Replaces the value; gives the former one.
    pub fn replace(&self, value: T) -> T {
        std::mem::replace(&mut *self.borrow_mut(), value)
    }

    /// The value, exclusively owned.
    pub fn get_mut(&mut self) -> &mut T {
        self.value.get_mut()
    }

    /// The value, taken out for good.
    pub fn into_inner(self) -> T {
        self.value.into_inner()
    }
}

impl<T: Default> Latch<T> {
    /// Takes the value out.
    pub fn take(&self) -> T {
        self.replace(T::default())
    }
}

/// Read access to a [`Latch`].
pub struct Reading<'a, T>(&'a Latch<T>);

impl<T> Deref for Reading<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: there is no writer while this lives.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> Drop for Reading<'_, T> {
    fn drop(&mut self) {
        self.0.state.fetch_sub(1, Release);
    }
}

/// Write access to a [`Latch`].
pub struct Writing<'a, T>(&'a Latch<T>);

impl<T> Deref for Writing<'_, T> {
    type Target = T;
    fn deref(&self) -> &T {
        // SAFETY: this is the only access.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Writing<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Writing<'_, T> {
    fn drop(&mut self) {
        self.0.writer.store(0, Relaxed);
        self.0.state.store(0, Release);
    }
}

/// As `Cell`.
#[derive(Default)]
pub struct LatchCell<T>(Latch<T>);

impl<T> LatchCell<T> {
    pub const fn new(value: T) -> LatchCell<T> {
        LatchCell(Latch::new(value))
    }

    /// Replaces the value.
    pub fn set(&self, value: T) {
        drop(self.replace(value));
    }

    /// Replaces the value; gives the former one.
    pub fn replace(&self, value: T) -> T {
        self.0.replace(value)
    }
}

impl<T: Copy> LatchCell<T> {
    /// A copy of the value.
    pub fn get(&self) -> T {
        *self.0.borrow()
    }
}

impl<T: Default> LatchCell<T> {
    /// Takes the value out.
    pub fn take(&self) -> T {
        self.0.take()
    }
}
