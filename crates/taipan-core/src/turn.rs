//! Whose turn it is. The threads of an interpreter take turns: one runs Python code, others wait or are in a blocking call.
//!
//! A turn changes hands at safepoints (never under a guard) and around blocking calls, so whatever holds between two safepoints
//! holds as if there were one thread. It is also what a collection needs: the world is stopped for whoever has the turn.
//! `docs/internals/threads.md` tells what is still to be made safe before threads run at the same time.

use crate::vm::{Interpreter, Thread, Vm, breaker};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Who has the turn, and who wants it.
pub(crate) struct Turn {
    state: Mutex<State>,
    /// The turn is to be had.
    free: Condvar,
    /// Somebody has taken it.
    taken: Condvar,
    /// Microseconds after which one who waits asks for it (`sys.setswitchinterval`).
    interval: AtomicU64,
}

struct State {
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
            interval: AtomicU64::new(5000),
        }
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
            let interval = Duration::from_micros(self.interval.load(Relaxed).max(1));
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
    fn pass(&self, thread: &'static Thread) {
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

/// For threads that outlive their interpreter: what they would go on with is gone.
fn sleep_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

impl Vm {
    /// Runs `call`, which may block and touches no Python object, while other threads have the turn. `errno` is what `call`
    /// left it at.
    #[inline]
    pub fn detached<R>(&mut self, call: impl FnOnce() -> R) -> R {
        let thread = self.thread();
        if !thread.shared_process() {
            return call();
        }
        let turn = &thread.interpreter.turn;
        turn.leave();
        let result = call();
        let errno = errno();
        turn.take(thread);
        set_errno(errno);
        result
    }

    /// Lets other threads run, for the safepoint.
    pub fn yield_turn(&mut self) {
        let thread = self.thread();
        thread.interpreter.turn.pass(thread);
    }

    /// Ends all other threads: they never get the turn again.
    pub fn close_turns(&mut self) {
        let thread = self.thread();
        thread.interpreter.turn.state().closed_by = address(thread);
    }

    /// Runs `fork`; in the child (it gives 0) no other thread is left, and this one is the main thread.
    pub fn fork(&mut self, fork: impl FnOnce() -> i32) -> i32 {
        let thread = self.thread();
        let interpreter = thread.interpreter;
        let mut threads = interpreter.threads();
        let mut state = interpreter.turn.state();
        let result = fork();
        if result == 0 {
            state.waiting = 0;
            thread.is_main.set(true);
            threads.retain(|other| std::ptr::eq(*other, thread));
            interpreter.forget_other_threads();
        }
        result
    }
}

impl Interpreter {
    /// The threads that are attached.
    pub fn threads(&self) -> MutexGuard<'_, Vec<&'static Thread>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seconds after which a thread that waits for its turn asks for it.
    pub fn switch_interval(&self) -> f64 {
        self.turn.interval.load(Relaxed) as f64 / 1e6
    }

    /// Sets [`Interpreter::switch_interval`].
    pub fn set_switch_interval(&self, seconds: f64) {
        self.turn.interval.store((seconds * 1e6) as u64, Relaxed);
    }
}

fn errno() -> i32 {
    // SAFETY: the C library's own cell of this thread.
    unsafe { *libc::__errno_location() }
}

fn set_errno(number: i32) {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = number }
}
