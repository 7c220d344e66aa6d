//! Locks for native code. Each is a word or two that the system can wait on: no lock inside guards them, so a fork at any moment
//! leaves nothing half done for the child.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize};
use std::time::{Duration, Instant};
use taipan_core::Vm;

/// A number of this thread, never 0.
pub fn thread_ident() -> u64 {
    // SAFETY: asks for the calling thread's handle, which needs nothing.
    #[expect(unsafe_code, reason = "the identity of a thread is the C library's")]
    unsafe {
        libc::pthread_self() as u64
    }
}

// ---- words to wait on ----

/// Sleeps while `word` is `seen`, at most for `span` (`None`: for ever). May come back early, for a signal for one.
pub fn sleep_while(word: &AtomicU32, seen: u32, span: Option<Duration>) {
    // A wait that the system cannot express is cut; callers look again anyway.
    let span = span.map(|span| libc::timespec {
        tv_sec: span.as_secs().min(1 << 30) as libc::time_t,
        tv_nsec: span.subsec_nanos().into(),
    });
    let limit: *const libc::timespec = span.as_ref().map_or(std::ptr::null(), |span| span);
    let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the word and the time live during the call.
    #[expect(unsafe_code, reason = "waiting on a word is a system call")]
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), operation, seen, limit);
    }
}

/// Wakes up to `count` of those who sleep on `word`.
pub fn wake(word: &AtomicU32, count: i32) {
    let operation = libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG;
    // SAFETY: the address is a key for the system, which does not look at what is there.
    #[expect(unsafe_code, reason = "waking is a system call")]
    unsafe {
        libc::syscall(libc::SYS_futex, word.as_ptr(), operation, count);
    }
}

/// The moment when a wait ends, and how long it is until then. `None` has no end.
#[derive(Clone, Copy)]
struct Limit(Option<Instant>);

impl Limit {
    fn after(wait: Option<Duration>) -> Limit {
        Limit(wait.and_then(|wait| Instant::now().checked_add(wait)))
    }

    /// `Err`: the time is over.
    fn left(self) -> Result<Option<Duration>, ()> {
        let Some(end) = self.0 else { return Ok(None) };
        match end.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(()),
            left => Ok(Some(left)),
        }
    }
}

// ---- a lock ----

/// A lock that is taken once and given back by anybody. Above its two flags stands the number of the fork after which it was taken.
#[derive(Default)]
pub struct Gate(AtomicU32);

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Somebody may sleep on it.
const WANTED: u32 = 2;
const FLAGS: u32 = HELD | WANTED;

/// How many forks lie between the first process and this one, above the place of the flags.
static FORKS: AtomicU32 = AtomicU32::new(0);
/// The one thread that went on after the last of them.
static SURVIVOR: AtomicU64 = AtomicU64::new(0);

/// To be called in the child of a fork, first of all.
pub fn after_fork() {
    FORKS.fetch_add(FLAGS + 1, Relaxed);
    SURVIVOR.store(thread_ident(), Relaxed);
}

impl Gate {
    /// Takes it if it is free.
    pub fn take(&self) -> bool {
        let held = FORKS.load(Relaxed) | HELD;
        self.0
            .compare_exchange(FREE, held, Acquire, Relaxed)
            .is_ok()
    }

    /// Takes it, waiting: `None` for ever, zero not at all. False: it was not to be had in time.
    pub fn take_within(&self, wait: Option<Duration>) -> bool {
        if self.take() {
            return true;
        }
        if wait == Some(Duration::ZERO) {
            return false;
        }
        let limit = Limit::after(wait);
        loop {
            let now = self.0.load(Relaxed);
            // Whoever has slept does not know whether others do: it takes the lock as one that is wanted.
            let next = if now == FREE {
                FORKS.load(Relaxed) | FLAGS
            } else {
                now | WANTED
            };
            if now != next
                && self
                    .0
                    .compare_exchange(now, next, Acquire, Relaxed)
                    .is_err()
            {
                continue;
            }
            if now == FREE {
                return true;
            }
            match limit.left() {
                Ok(left) => sleep_while(&self.0, next, left),
                Err(()) => return false,
            }
        }
    }

    /// Gives it back; false if nobody had it.
    pub fn give(&self) -> bool {
        let before = self.0.swap(FREE, Release);
        if before & WANTED != 0 {
            wake(&self.0, 1);
        }
        before != FREE
    }

    pub fn is_held(&self) -> bool {
        self.0.load(Relaxed) != FREE
    }

    /// Makes it free, whoever holds it: after a fork.
    pub fn reset(&self) {
        self.0.store(FREE, Release);
    }

    /// Makes it free if it was taken before the last fork.
    fn reset_if_old(&self) {
        let now = self.0.load(Relaxed);
        if now != FREE && now & !FLAGS != FORKS.load(Relaxed) {
            let _ = self.0.compare_exchange(now, FREE, Relaxed, Relaxed);
        }
    }
}

/// A lock with an owner and a depth, which only the owner changes.
#[derive(Default)]
pub struct Reentrant {
    gate: Gate,
    owner: AtomicU64,
    count: AtomicUsize,
}

impl Reentrant {
    /// Takes the lock. `wait`: `None` waits for ever, zero does not wait. False: it was not to be had in time.
    pub fn acquire(&self, wait: Option<Duration>) -> bool {
        let me = thread_ident();
        if self.owner.load(Relaxed) == me {
            self.count.fetch_add(1, Relaxed);
            return true;
        }
        let taken = self.gate.take_within(wait);
        if taken {
            self.restore(me, 1);
        }
        taken
    }

    /// Takes the lock, however long that takes; other threads run meanwhile. A thread that held it in the parent of a fork will not
    /// give it back here.
    pub fn acquire_detached(&self, vm: &mut Vm) {
        if self.acquire(Some(Duration::ZERO)) {
            return;
        }
        if self.owner.load(Relaxed) != SURVIVOR.load(Relaxed) {
            self.gate.reset_if_old();
        }
        vm.detached(|| self.acquire(None));
    }

    /// Gives back one level; false if this thread does not hold it.
    pub fn release(&self) -> bool {
        if !self.is_mine() {
            return false;
        }
        if self.count.fetch_sub(1, Relaxed) == 1 {
            self.owner.store(0, Relaxed);
            self.gate.give();
        }
        true
    }

    /// Owner (0: none) and depth.
    pub fn holder(&self) -> (u64, usize) {
        (self.owner.load(Relaxed), self.count.load(Relaxed))
    }

    /// Does this thread hold it?
    pub fn is_mine(&self) -> bool {
        self.owner.load(Relaxed) == thread_ident()
    }

    /// Gives all levels back (or takes them again): for condition variables.
    pub fn release_all(&self) -> Option<(u64, usize)> {
        let saved = self.holder();
        if saved.1 == 0 {
            return None;
        }
        self.restore(0, 0);
        self.gate.give();
        Some(saved)
    }

    /// Gives the lock, which this thread holds, a former owner and depth.
    pub fn restore(&self, owner: u64, count: usize) {
        self.owner.store(owner, Relaxed);
        self.count.store(count, Relaxed);
    }

    /// Makes it free, whoever holds it: after a fork.
    pub fn reset(&self) {
        self.restore(0, 0);
        self.gate.reset();
    }
}

// ---- waiting for something to happen ----

/// Wakes those who wait for something to happen; what it is they look at themselves.
#[derive(Default)]
pub struct Bell {
    rings: AtomicU32,
    /// Without anybody who waits, ringing is no system call.
    waiting: AtomicU32,
}

impl Bell {
    /// Something happened: one who waits goes on.
    pub fn ring(&self) {
        self.rings.fetch_add(1, SeqCst);
        if self.waiting.load(SeqCst) > 0 {
            wake(&self.rings, 1);
        }
    }

    /// How often it rang. Ask before looking, and give the answer to [`Bell::wait_after`].
    pub fn count(&self) -> u32 {
        self.rings.load(SeqCst)
    }

    /// Waits until it rings again after the `seen`-th time, at most for `span`. False: it did not.
    pub fn wait_after(&self, seen: u32, span: Duration) -> bool {
        let limit = Limit::after(Some(span));
        self.waiting.fetch_add(1, SeqCst);
        let mut rang = self.count() != seen;
        while !rang {
            match limit.left() {
                Ok(left) => sleep_while(&self.rings, seen, left),
                Err(()) => break,
            }
            rang = self.count() != seen;
        }
        self.waiting.fetch_sub(1, SeqCst);
        rang
    }
}
