//! Reference counts: plain, atomic, biased.

use crate::Variant;
use std::cell::Cell;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::Barrier;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{AcqRel, Relaxed},
};
use taipan_core::Value;

const LEN: usize = 1024;
const PASSES: usize = 64;
const OPERATIONS: usize = LEN * PASSES;

thread_local! {
    static OWNER: Cell<u16> = const { Cell::new(1) };
}

/// Plain count.
struct Plain {
    count: Cell<u32>,
}

/// One atomic count.
struct Atomic {
    count: AtomicU32,
}

/// The owner's count beside the others' count.
struct Biased {
    owner: Cell<u16>,
    local: Cell<u32>,
    shared: AtomicU32,
}

#[cold]
#[inline(never)]
fn freed() {
    black_box(());
}

fn plain() -> impl FnMut() -> u64 {
    let objects: Vec<Plain> = (0..LEN)
        .map(|_| Plain {
            count: Cell::new(1),
        })
        .collect();
    move || {
        for _ in 0..PASSES {
            for object in &objects {
                let object = black_box(object);
                object.count.set(object.count.get() + 1);
                let object = black_box(object);
                let count = object.count.get() - 1;
                object.count.set(count);
                if count == 0 {
                    freed();
                }
            }
        }
        u64::from(objects[0].count.get())
    }
}

fn atomic() -> impl FnMut() -> u64 {
    let objects: Vec<Atomic> = (0..LEN)
        .map(|_| Atomic {
            count: AtomicU32::new(1),
        })
        .collect();
    move || {
        for _ in 0..PASSES {
            for object in &objects {
                let object = black_box(object);
                object.count.fetch_add(1, Relaxed);
                let object = black_box(object);
                if object.count.fetch_sub(1, AcqRel) == 1 {
                    freed();
                }
            }
        }
        u64::from(objects[0].count.load(Relaxed))
    }
}

/// `from_tls`: is the thread's id read from thread-local storage each time, or once?
fn biased(from_tls: bool, foreign: bool) -> impl FnMut() -> u64 {
    let owner = if foreign { 2 } else { 1 };
    let objects: Vec<Biased> = (0..LEN)
        .map(|_| Biased {
            owner: Cell::new(owner),
            local: Cell::new(1),
            shared: AtomicU32::new(4),
        })
        .collect();
    move || {
        let once = OWNER.with(Cell::get);
        let me = || {
            if from_tls {
                OWNER.with(Cell::get)
            } else {
                black_box(once)
            }
        };
        for _ in 0..PASSES {
            for object in &objects {
                let object = black_box(object);
                if object.owner.get() == me() {
                    object.local.set(object.local.get() + 1);
                } else {
                    object.shared.fetch_add(4, Relaxed);
                }
                let object = black_box(object);
                if object.owner.get() == me() {
                    let count = object.local.get() - 1;
                    object.local.set(count);
                    if count == 0 {
                        freed();
                    }
                } else if object.shared.fetch_sub(4, AcqRel) == 4 {
                    freed();
                }
            }
        }
        u64::from(objects[0].local.get())
    }
}

/// Taipan's own: objects of the running system, cloned and dropped.
fn real() -> impl FnMut() -> u64 {
    // Leaked: destruction needs a running interpreter.
    let values: &'static [Value] = Vec::leak(
        (0..LEN)
            .map(|i| Value::float(f64::MAX / (i + 1) as f64))
            .collect(),
    );
    assert!(values.iter().all(Value::is_object));
    move || {
        for _ in 0..PASSES {
            for value in values {
                drop(black_box(black_box(value).clone()));
            }
        }
        values[0].bits()
    }
}

pub fn variants() -> Vec<Variant> {
    vec![
        Variant::new("plain (one thread only)", OPERATIONS, plain()),
        Variant::new("biased, id in a register", OPERATIONS, biased(false, false)),
        Variant::new(
            "biased, id in thread-local storage",
            OPERATIONS,
            biased(true, false),
        ),
        Variant::new(
            "biased, another thread's object",
            OPERATIONS,
            biased(true, true),
        ),
        Variant::new("atomic", OPERATIONS, atomic()),
        Variant::new(
            "`Value::clone` and `drop` (Taipan, heap floats)",
            OPERATIONS,
            real(),
        ),
    ]
}

const SHARED_OPERATIONS: usize = 1 << 18;

/// Runs the same on two threads at once.
fn on_two_threads(work: impl Fn(u16) + Send + Sync + 'static) -> impl FnMut() -> u64 {
    let work = Arc::new(work);
    move || {
        let barrier = Arc::new(Barrier::new(2));
        let threads: Vec<_> = (0..2u16)
            .map(|number| {
                let (work, barrier) = (work.clone(), barrier.clone());
                std::thread::spawn(move || {
                    barrier.wait();
                    work(number);
                })
            })
            .collect();
        let failed = threads
            .into_iter()
            .filter_map(|thread| thread.join().err())
            .count();
        failed as u64
    }
}

pub fn contended_variants() -> Vec<Variant> {
    let atomic = Arc::new(AtomicU32::new(1));
    let both_atomic = on_two_threads(move |_| {
        for _ in 0..SHARED_OPERATIONS {
            atomic.fetch_add(1, Relaxed);
            if atomic.fetch_sub(1, AcqRel) == 1 {
                freed();
            }
        }
    });
    // The owner's half lies beside the others' half in one cache line, as in the header.
    #[repr(C, align(64))]
    struct Halves {
        local: AtomicU32,
        shared: AtomicU32,
    }
    let halves = Arc::new(Halves {
        local: AtomicU32::new(1),
        shared: AtomicU32::new(4),
    });
    let one_owns = on_two_threads(move |number| {
        for _ in 0..SHARED_OPERATIONS {
            if number == 0 {
                let count = halves.local.load(Relaxed) + 1;
                halves.local.store(count, Relaxed);
                let count = halves.local.load(Relaxed) - 1;
                halves.local.store(count, Relaxed);
                if count == 0 {
                    freed();
                }
            } else {
                halves.shared.fetch_add(4, Relaxed);
                if halves.shared.fetch_sub(4, AcqRel) == 4 {
                    freed();
                }
            }
        }
    });
    let immortal = Arc::new(AtomicU32::new(u32::MAX));
    let no_count = on_two_threads(move |_| {
        for _ in 0..SHARED_OPERATIONS {
            if immortal.load(Relaxed) != u32::MAX {
                freed();
            }
            if black_box(&immortal).load(Relaxed) != u32::MAX {
                freed();
            }
        }
    });
    vec![
        Variant::new("atomic", SHARED_OPERATIONS, both_atomic),
        Variant::new(
            "biased, one of the threads owns it",
            SHARED_OPERATIONS,
            one_owns,
        ),
        Variant::new("immortal", SHARED_OPERATIONS, no_count),
    ]
}
