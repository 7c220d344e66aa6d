//! Locks for native code: one that a thread may take again while it holds it.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use taipan_core::Vm;

/// A lock with an owner and a depth.
#[derive(Default)]
pub struct Reentrant {
    state: Mutex<Held>,
    freed: Condvar,
}

#[derive(Default, Clone, Copy)]
struct Held {
    owner: u64,
    count: usize,
    /// Threads that wait: without any, nobody has to be woken, which would be a system call.
    waiting: usize,
}

/// A number of this thread, never 0.
pub fn thread_ident() -> u64 {
    // SAFETY: asks for the calling thread's handle, which needs nothing.
    #[expect(unsafe_code, reason = "the identity of a thread is the C library's")]
    unsafe {
        libc::pthread_self() as u64
    }
}

impl Reentrant {
    /// Takes the lock. `wait`: `None` waits for ever, zero does not wait. False: it was not to be had in time.
    pub fn acquire(&self, wait: Option<Duration>) -> bool {
        let me = thread_ident();
        let deadline = wait.and_then(|wait| Instant::now().checked_add(wait));
        let mut held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if held.count == 0 || held.owner == me {
                held.owner = me;
                held.count += 1;
                return true;
            }
            match (wait, deadline) {
                (Some(Duration::ZERO), _) => return false,
                (Some(_), Some(deadline)) => {
                    let now = Instant::now();
                    if now >= deadline {
                        return false;
                    }
                    held.waiting += 1;
                    held = self
                        .freed
                        .wait_timeout(held, deadline - now)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0;
                    held.waiting -= 1;
                }
                _ => {
                    held.waiting += 1;
                    held = self
                        .freed
                        .wait(held)
                        .unwrap_or_else(PoisonError::into_inner);
                    held.waiting -= 1;
                }
            }
        }
    }

    /// Takes the lock, however long that takes; other threads run meanwhile.
    pub fn acquire_detached(&self, vm: &mut Vm) {
        if !self.acquire(Some(Duration::ZERO)) {
            vm.detached(|| self.acquire(None));
        }
    }

    /// Gives back one level; false if this thread does not hold it.
    pub fn release(&self) -> bool {
        let mut held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if held.count == 0 || held.owner != thread_ident() {
            return false;
        }
        held.count -= 1;
        if held.count == 0 {
            held.owner = 0;
            if held.waiting > 0 {
                self.freed.notify_one();
            }
        }
        true
    }

    /// Owner (0: none) and depth.
    pub fn holder(&self) -> (u64, usize) {
        let held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        (held.owner, held.count)
    }

    /// Does this thread hold it?
    pub fn is_mine(&self) -> bool {
        let (owner, count) = self.holder();
        count > 0 && owner == thread_ident()
    }

    /// Gives all levels back (or takes them again): for condition variables.
    pub fn release_all(&self) -> Option<(u64, usize)> {
        let mut held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if held.count == 0 {
            return None;
        }
        let saved = (held.owner, held.count);
        held.owner = 0;
        held.count = 0;
        if held.waiting > 0 {
            self.freed.notify_one();
        }
        Some(saved)
    }

    /// Gives the lock, which this thread holds, a former owner and depth.
    pub fn restore(&self, owner: u64, count: usize) {
        let mut held = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        held.owner = owner;
        held.count = count;
    }

    /// Makes it free, whoever holds it: after a fork.
    pub fn reset(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Held::default();
    }
}

/// Wakes those who wait for something to happen; what it is they look at themselves.
#[derive(Default)]
pub struct Bell {
    rings: Mutex<u64>,
    rang: Condvar,
}

impl Bell {
    /// Something happened: one who waits goes on.
    pub fn ring(&self) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        *rings = rings.wrapping_add(1);
        self.rang.notify_one();
    }

    /// How often it rang. Ask before looking, and give the answer to [`Bell::wait_after`].
    pub fn count(&self) -> u64 {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it rings again after the `seen`-th time, at most for `span`.
    pub fn wait_after(&self, seen: u64, span: Duration) {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        drop(
            self.rang
                .wait_timeout_while(rings, span, |rings| *rings == seen),
        );
    }
}
