//! Turns: with `PYTHON_GIL=1` one thread at a time runs Python code, others wait for their turn or are in a blocking call.
//!
//! A turn changes hands at safepoints (never under a guard) and around blocking calls, so whatever holds between two safepoints
//! holds as if there were one thread.

use crate::vm::{Thread, breaker};
use crate::world::sleep_for_ever;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Who has the turn, and who wants it.
pub(crate) struct Turn {
    state: Mutex<State>,
    /// The turn is to be had.
    free: Condvar,
    /// Somebody has taken it.
    taken: Condvar,
}

pub(crate) struct State {
    /// The thread whose turn it is, as an address; 0 for none.
    holder: usize,
    waiting: usize,
    /// How often the turn was taken.
    count: u64,
    /// The interpreter ends: nobody but the thread that ends it runs any more.
    closed_by: usize,
}

fn address(thread: &Thread) -> usize {
    (thread as *const Thread).expose_provenance()
}

impl Turn {
    pub(crate) const fn new() -> Turn {
        Turn {
            state: Mutex::new(State {
                holder: 0,
                waiting: 0,
                count: 0,
                closed_by: 0,
            }),
            free: Condvar::new(),
            taken: Condvar::new(),
        }
    }

    /// Keeps whose turn it is from changing.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state()
    }

    /// Nobody but `thread` gets the turn any more.
    pub(crate) fn close(&self, thread: &Thread) {
        self.state().closed_by = address(thread);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn. Does not come back if the interpreter has ended meanwhile.
    pub(crate) fn take(&self, thread: &'static Thread) {
        let me = address(thread);
        let mut state = self.state();
        state.waiting += 1;
        while state.holder != 0 || !(state.closed_by == 0 || state.closed_by == me) {
            if state.closed_by != 0 && state.closed_by != me {
                drop(state);
                sleep_for_ever();
            }
            let interval =
                Duration::from_micros(thread.interpreter.switch_interval.load(Relaxed).max(1));
            let (next, waited) = self
                .free
                .wait_timeout(state, interval)
                .unwrap_or_else(PoisonError::into_inner);
            state = next;
            if waited.timed_out() && state.holder != 0 {
                let holder = std::ptr::with_exposed_provenance::<Thread>(state.holder);
                // SAFETY: thread states are leaked.
                unsafe { &*holder }
                    .breaker
                    .fetch_or(breaker::YIELD, Relaxed);
            }
        }
        state.waiting -= 1;
        state.holder = me;
        state.count += 1;
        drop(state);
        self.taken.notify_all();
    }

    /// Gives the turn back.
    pub(crate) fn leave(&self) {
        let mut state = self.state();
        state.holder = 0;
        let wanted = state.waiting > 0;
        drop(state);
        if wanted {
            self.free.notify_one();
        }
    }

    /// Lets another thread that waits have the turn, then takes it again.
    pub(crate) fn pass(&self, thread: &'static Thread) {
        let mut state = self.state();
        if state.waiting == 0 {
            return;
        }
        state.holder = 0;
        let count = state.count;
        self.free.notify_one();
        while state.count == count && state.waiting > 0 {
            state = self
                .taken
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        drop(state);
        self.take(thread);
    }
}

impl State {
    /// In the child of a fork: nobody waits.
    pub(crate) fn only_one(&mut self) {
        self.waiting = 0;
    }
}
