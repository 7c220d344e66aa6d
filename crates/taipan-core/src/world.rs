//! The threads of an interpreter as a whole: who runs, stopping all of them, and when memory that one of them may still be looking at
//! can be given back.
//!
//! A thread is *inside* while it may touch Python objects, and *outside* in a blocking call ([`Vm::detached`]). To stop the world is to
//! wait until every other thread is outside, or waits at a safepoint, and to keep it there. Threads that are inside answer at their
//! next safepoint, which is never under a guard.
//!
//! Reads without a lock (list items, dict look-ups, attributes) look at blocks that another thread may be replacing. Such blocks, and
//! the memory of objects, are not freed at once while there are several threads: they are *retired*, and freed when each
//! thread has passed a safepoint or was outside (quiescent-state-based reclamation). I-READ-1: what was read without being counted stays
//! readable until the reader's next safepoint, or until it waits for a lock.

use crate::shared_counts;
use crate::turn::Turn;
use crate::vm::{Interpreter, Thread, Vm, breaker};
use std::sync::atomic::{
    AtomicBool, AtomicU32, AtomicU64,
    Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Native threads, and whether they have left.
pub(crate) type Native = Vec<(JoinHandle<()>, Arc<AtomicBool>)>;

/// Are there several threads?
static SHARED: AtomicBool = AtomicBool::new(false);
/// Counts the demands for a quiescent state.
static EPOCH: AtomicU64 = AtomicU64::new(1);

/// Are there several threads, so that locks must be taken?
#[inline(always)]
pub fn is_shared() -> bool {
    SHARED.load(Relaxed)
}

/// Where a thread is.
pub(crate) struct Place {
    status: AtomicU32,
    /// The last demand for a quiescent state that the thread has answered.
    seen: AtomicU64,
}

const OUTSIDE: u32 = 0;
const INSIDE: u32 = 1;
/// Outside, and kept there.
const HELD: u32 = 2;
/// Waits at a safepoint.
const PARKED: u32 = 3;

impl Place {
    pub(crate) const fn new() -> Place {
        Place {
            status: AtomicU32::new(OUTSIDE),
            seen: AtomicU64::new(0),
        }
    }
}

/// What the threads of an interpreter agree upon.
pub(crate) struct World {
    state: Mutex<State>,
    /// The world goes on, or a thread that was held may come in.
    resumed: Condvar,
    /// A thread has stopped.
    stopped: Condvar,
    /// Do threads take turns (`PYTHON_GIL=1`)?
    turns: AtomicBool,
    turn: Turn,
    /// When the second thread started, and how long it took to find what threads use in common.
    begun: Mutex<Option<(Instant, Duration)>>,
    /// One thread is left, but going back to what is done for one thread was put off.
    put_off: AtomicBool,
}

struct State {
    /// The thread that has stopped the world, as an address; 0 for none.
    stopper: usize,
    /// The interpreter ends: nobody but the thread that ends it runs any more.
    closed_by: usize,
}

fn address(thread: &Thread) -> usize {
    std::ptr::from_ref(thread).addr()
}

/// For threads that outlive their interpreter: what they would go on with is gone.
pub(crate) fn sleep_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

impl World {
    pub(crate) fn new() -> World {
        World {
            state: Mutex::new(State {
                stopper: 0,
                closed_by: 0,
            }),
            resumed: Condvar::new(),
            stopped: Condvar::new(),
            turns: AtomicBool::new(false),
            turn: Turn::new(),
            begun: Mutex::new(None),
            put_off: AtomicBool::new(false),
        }
    }

    fn begun(&self) -> MutexGuard<'_, Option<(Instant, Duration)>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What threads take turns with, if they do.
    #[inline]
    fn turn(&self) -> Option<&Turn> {
        self.turns.load(Relaxed).then_some(&self.turn)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.resumed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A new thread comes in for the first time. `list` puts it among the threads.
    pub(crate) fn join(&self, thread: &'static Thread, list: impl FnOnce()) {
        if let Some(turn) = self.turn() {
            turn.take(thread);
        }
        let me = address(thread);
        let mut state = self.state();
        while state.stopper != 0 || state.closed_by != 0 && state.closed_by != me {
            if state.closed_by != 0 && state.stopper == 0 {
                drop(state);
                sleep_for_ever();
            }
            state = self.wait(state);
        }
        list();
        self.come_in(thread);
    }

    fn come_in(&self, thread: &Thread) {
        thread.place.status.store(INSIDE, SeqCst);
        thread.place.seen.store(EPOCH.load(SeqCst), Release);
    }

    /// Comes in after a blocking call. Does not come back if the interpreter has ended meanwhile.
    #[inline]
    pub(crate) fn enter(&self, thread: &'static Thread) {
        if let Some(turn) = self.turn() {
            turn.take(thread);
        }
        self.step_in(thread, || {});
    }

    #[cold]
    fn enter_slowly(&self, thread: &'static Thread, instead: impl FnOnce()) {
        let me = address(thread);
        let mut state = self.state();
        loop {
            if state.closed_by != 0 && state.closed_by != me {
                drop(state);
                instead();
                sleep_for_ever();
            }
            if thread.place.status.load(SeqCst) == OUTSIDE {
                self.come_in(thread);
                return;
            }
            state = self.wait(state);
        }
    }

    /// Goes outside.
    #[inline]
    pub(crate) fn leave(&self, thread: &Thread) {
        self.step_out(thread);
        if let Some(turn) = self.turn() {
            turn.leave();
        }
    }

    /// Goes outside to wait for a lock, keeping its turn.
    pub(crate) fn step_out(&self, thread: &Thread) {
        thread.place.status.store(OUTSIDE, SeqCst);
        if thread.breaker.load(Relaxed) & breaker::STOP != 0 {
            drop(self.state());
            self.stopped.notify_all();
        }
    }

    /// Comes in again. If the interpreter has ended meanwhile it does not, but does `instead`.
    #[inline]
    pub(crate) fn step_in(&self, thread: &'static Thread, instead: impl FnOnce()) {
        match thread
            .place
            .status
            .compare_exchange(OUTSIDE, INSIDE, SeqCst, Relaxed)
        {
            Ok(_) => thread.place.seen.store(EPOCH.load(SeqCst), Release),
            Err(_) => self.enter_slowly(thread, instead),
        }
    }

    /// At a safepoint: waits as long as another thread wants the world stopped.
    fn park(&self, thread: &Thread) {
        let me = address(thread);
        let mut state = self.state();
        thread.breaker.fetch_and(!breaker::STOP, Relaxed);
        while state.stopper != 0 && state.stopper != me {
            thread.place.status.store(PARKED, SeqCst);
            self.stopped.notify_all();
            state = self.wait(state);
            if state.closed_by != 0 && state.closed_by != me {
                drop(state);
                sleep_for_ever();
            }
        }
        self.come_in(thread);
    }

    /// Stops all threads but `thread`; false if it has stopped them already.
    fn stop(&self, thread: &Thread, threads: &Mutex<Vec<&'static Thread>>) -> bool {
        let me = address(thread);
        let mut state = self.state();
        if state.stopper == me {
            return false;
        }
        while state.stopper != 0 {
            thread.place.status.store(PARKED, SeqCst);
            self.stopped.notify_all();
            state = self.wait(state);
        }
        thread.place.status.store(INSIDE, SeqCst);
        state.stopper = me;
        loop {
            let mut running = false;
            for other in threads
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
            {
                if std::ptr::eq(*other, thread) {
                    continue;
                }
                let status = &other.place.status;
                if status.compare_exchange(OUTSIDE, HELD, SeqCst, SeqCst) == Err(INSIDE) {
                    other.breaker.fetch_or(breaker::STOP, SeqCst);
                    running = true;
                }
            }
            if !running {
                return true;
            }
            state = self
                .stopped
                .wait_timeout(state, Duration::from_millis(1))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Lets the world go on.
    fn resume(&self, threads: &Mutex<Vec<&'static Thread>>) {
        let mut state = self.state();
        for other in threads
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            let _ = other
                .place
                .status
                .compare_exchange(HELD, OUTSIDE, SeqCst, SeqCst);
        }
        state.stopper = 0;
        drop(state);
        self.resumed.notify_all();
    }

    /// Runs `work` if `thread` is outside, and keeps it there meanwhile.
    pub(crate) fn while_outside<R>(&self, thread: &Thread, work: impl FnOnce() -> R) -> Option<R> {
        let status = &thread.place.status;
        if status.load(SeqCst) == INSIDE {
            return None;
        }
        let state = self.state();
        let held = match status.compare_exchange(OUTSIDE, HELD, SeqCst, SeqCst) {
            Ok(_) => true,
            // Stopped by this thread or another one: it stays where it is as long as the lock is held.
            Err(HELD | PARKED) => false,
            Err(_) => return None,
        };
        let result = work();
        if held {
            status.store(OUTSIDE, SeqCst);
        }
        drop(state);
        if held {
            self.resumed.notify_all();
        }
        Some(result)
    }
}

// ---- quiescent states ----

/// Waits until `thread` has passed a safepoint or is outside. The caller is inside and waits for nothing else.
pub(crate) fn await_safepoint(thread: &Thread) {
    let demand = EPOCH.fetch_add(1, SeqCst) + 1;
    thread.breaker.fetch_or(breaker::EPOCH, SeqCst);
    let mut backoff = Backoff::new();
    while thread.place.status.load(SeqCst) == INSIDE && thread.place.seen.load(Acquire) < demand {
        backoff.wait();
    }
}

/// Waits a little longer each time.
pub(crate) struct Backoff(u32);

impl Backoff {
    pub(crate) const fn new() -> Backoff {
        Backoff(0)
    }

    pub(crate) fn wait(&mut self) {
        self.0 += 1;
        match self.0 {
            0..50 => std::hint::spin_loop(),
            50..100 => std::thread::yield_now(),
            _ => std::thread::sleep(Duration::from_micros(20)),
        }
    }
}

/// Asks all other threads for a quiescent state; gives the number of the demand.
pub(crate) fn demand(thread: &Thread) -> u64 {
    let demand = EPOCH.fetch_add(1, SeqCst) + 1;
    for other in thread.interpreter.threads().iter() {
        if !std::ptr::eq(*other, thread) {
            other.breaker.fetch_or(breaker::EPOCH, Release);
        }
    }
    demand
}

/// Have all other threads answered that demand (or are outside)?
pub(crate) fn is_answered(thread: &Thread, demand: u64) -> bool {
    thread.interpreter.threads().iter().all(|other| {
        std::ptr::eq(*other, thread)
            || other.place.status.load(SeqCst) != INSIDE
            || other.place.seen.load(Acquire) >= demand
    })
}

// ---- what others see ----

/// The world, stopped by a thread; it goes on when this is dropped, a panic included.
struct Stopped(&'static Thread);

impl Drop for Stopped {
    fn drop(&mut self) {
        let interpreter = self.0.interpreter;
        self.0.has_stopped_world.set(false);
        interpreter.world.resume(&interpreter.threads);
    }
}

impl Vm {
    /// Runs `call`, which may block and touches no Python object, outside. `errno` is what `call` left it at.
    #[inline]
    pub fn detached<R>(&mut self, call: impl FnOnce() -> R) -> R {
        if !is_shared() {
            return call();
        }
        let thread = self.thread();
        let world = &thread.interpreter.world;
        world.leave(thread);
        let result = call();
        let errno = errno();
        world.enter(thread);
        set_errno(errno);
        self.ask_whether_alone();
        result
    }

    /// If going back to what is done for one thread was put off, tries it again at the next safepoint.
    #[inline]
    pub(crate) fn ask_whether_alone(&self) {
        if self.interpreter().world.put_off.load(Relaxed) {
            self.request(breaker::ALONE);
        }
    }

    /// Runs `work`, which runs no Python code, while no other thread of the interpreter runs.
    pub fn stop_the_world<R>(&mut self, work: impl FnOnce(&mut Vm) -> R) -> R {
        let thread = self.thread();
        let interpreter = thread.interpreter;
        if !is_shared() || !interpreter.world.stop(thread, &interpreter.threads) {
            return work(self);
        }
        thread.has_stopped_world.set(true);
        let _stopped = Stopped(thread);
        work(self)
    }

    /// From now on threads take turns. For the first thread, before there is a second.
    pub fn take_turns(&mut self) {
        let thread = self.thread();
        let world = &thread.interpreter.world;
        if !world.turns.swap(true, Relaxed) {
            world.turn.take(thread);
        }
    }

    /// Serves what other threads ask for, at a safepoint: `asked` are the bits of the breaker.
    pub fn serve_threads(&mut self, asked: u32) {
        let thread = self.thread();
        thread.place.seen.store(EPOCH.load(SeqCst), Release);
        if asked & breaker::STOP != 0 {
            thread.interpreter.world.park(thread);
        }
        if asked & breaker::MERGE != 0 {
            crate::refcount::merge_queue(thread);
        }
        if asked & breaker::TRASH != 0 {
            crate::destroy::drain_trash();
            shared_counts::end_unreferenced(self);
        }
        if asked & breaker::ALONE != 0 {
            self.be_alone();
        }
        if asked & breaker::YIELD != 0
            && let world = &thread.interpreter.world
            && let Some(turn) = world.turn()
        {
            world.step_out(thread);
            turn.pass(thread);
            world.step_in(thread, || {});
        }
    }

    /// Another thread is about to start. `handed` are objects that it is given, for threads to use in common; `common` finds those
    /// that all threads use, if it is the second thread.
    pub fn announce_thread(
        &mut self,
        mut handed: Vec<crate::Value>,
        common: impl FnOnce(&mut Vm, &mut Vec<crate::Value>),
    ) {
        let interpreter = self.interpreter();
        interpreter.others.fetch_add(1, AcqRel);
        if !is_shared() {
            let started = Instant::now();
            common(self, &mut handed);
            // The references of the list itself are counted as all others are.
            shared_counts::share(&handed);
            SHARED.store(true, SeqCst);
            *interpreter.world.begun() = Some((started, started.elapsed()));
        } else {
            self.stop_the_world(|_| shared_counts::share(&handed));
        }
    }

    /// Goes back to what is done for one thread, if this is the last one. A program that starts one short thread after another stays
    /// where it is most of the time: beginning anew each time would take longer than the threads do.
    fn be_alone(&mut self) {
        let thread = self.thread();
        let world = &thread.interpreter.world;
        // What ends now may run Python code, which may start threads: so this comes first.
        crate::refcount::merge_queue(thread);
        if thread.interpreter.other_threads() != 0
            || !is_shared()
            || thread.interpreter.threads().len() != 1
        {
            world.put_off.store(false, Relaxed);
            return;
        }
        let soon = |(begun, effort): (Instant, Duration)| begun.elapsed() < effort * 10;
        let soon = world.begun().is_some_and(soon);
        world.put_off.store(soon, Relaxed);
        if soon {
            return;
        }
        SHARED.store(false, SeqCst);
        crate::retire::free_all(thread);
        for ptr in shared_counts::unshare() {
            // SAFETY: nobody refers to it.
            unsafe { crate::destroy::destroy(ptr) }
        }
    }

    /// Ends all other threads: they never come in again. Waits for those that run to come to a safepoint.
    pub fn close_world(&mut self) {
        let thread = self.thread();
        let interpreter = thread.interpreter;
        if let Some(turn) = interpreter.world.turn() {
            turn.close(thread);
        }
        interpreter.world.state().closed_by = address(thread);
        if is_shared() && interpreter.world.stop(thread, &interpreter.threads) {
            // Threads that were held outside stay held.
            interpreter.world.state().stopper = 0;
            interpreter.world.resumed.notify_all();
        }
    }

    /// Runs `fork`; in the child (it gives 0) no other thread is left, and this one is the main thread.
    pub fn fork(&mut self, fork: impl FnOnce() -> i32) -> i32 {
        let thread = self.thread();
        let interpreter = thread.interpreter;
        let world = &interpreter.world;
        // Nobody else runs, so nobody else holds a lock that the child would find taken.
        let stopped = is_shared() && world.stop(thread, &interpreter.threads);
        let turn = world.turn().map(Turn::lock);
        let mut state = world.state();
        let mut threads = interpreter.threads();
        let result = fork();
        if result == 0 {
            // The native threads are not there: they cannot be waited for.
            std::mem::take(&mut *interpreter.native())
                .into_iter()
                .for_each(std::mem::forget);
            state.stopper = 0;
            if let Some(mut turn) = turn {
                turn.only_one();
            }
            thread.is_main.set(true);
            let gone = threads.extract_if(.., |other| !std::ptr::eq(*other, thread));
            let dead: Vec<_> = gone.flat_map(crate::refcount::forget_owner).collect();
            interpreter.others.store(0, Relaxed);
            drop((state, threads));
            for object in dead {
                // SAFETY: its counts were merged, and no reference is left.
                unsafe { crate::destroy::destroy(object) }
            }
            if is_shared() {
                self.request(breaker::ALONE);
            }
            return 0;
        }
        drop((turn, state, threads));
        if stopped {
            world.resume(&interpreter.threads);
        }
        result
    }
}

impl Interpreter {
    /// The threads that are attached.
    pub fn threads(&self) -> MutexGuard<'_, Vec<&'static Thread>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the handle of a native thread that runs Python code, which says in `left` that it does no more.
    pub fn keep_native(&self, thread: JoinHandle<()>, left: Arc<AtomicBool>) {
        self.await_leaving();
        self.native().push((thread, left));
    }

    fn native(&self) -> MutexGuard<'_, Native> {
        self.native.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for native threads that run no Python code any more to be gone. What the allocator does at their end must not coincide
    /// with a walk over the heap.
    pub(crate) fn await_leaving(&self) {
        let mut native = self.native();
        let mut at = 0;
        while at < native.len() {
            let own = native[at].0.thread().id() == std::thread::current().id();
            if native[at].1.load(Acquire) && !own {
                // A thread that panicked is gone, too.
                let _ = native.swap_remove(at).0.join();
            } else {
                at += 1;
            }
        }
    }

    /// Threads besides the first.
    pub fn other_threads(&self) -> u32 {
        self.others.load(Acquire)
    }

    /// A thread that was announced has ended or did not start.
    pub fn retract_thread(&self) {
        if self.others.fetch_sub(1, AcqRel) == 1 {
            for thread in self.threads().iter() {
                thread.breaker.fetch_or(breaker::ALONE, Release);
            }
        }
    }

    /// Do threads take turns?
    pub fn takes_turns(&self) -> bool {
        self.world.turn().is_some()
    }

    /// Seconds after which a thread that waits for its turn asks for it.
    pub fn switch_interval(&self) -> f64 {
        self.switch_interval.load(Relaxed) as f64 / 1e6
    }

    /// Sets [`Interpreter::switch_interval`].
    pub fn set_switch_interval(&self, seconds: f64) {
        self.switch_interval.store((seconds * 1e6) as u64, Relaxed);
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
