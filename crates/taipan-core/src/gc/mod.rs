//! The collector of reference cycles: what counting cannot free, it finds and frees.
//!
//! Objects that can be part of cycles live in a mimalloc heap of their own, so a collection finds them by walking that heap; no
//! list links are needed in headers. A collection stops the world, looks at the whole heap and frees all garbage cycles
//! there are. The generation a collection is asked for is accepted, counted and reported, but does not narrow the search;
//! the cost stays linear because the allowance between two automatic collections grows with the number of live objects.
//!
//! * `collect` is one collection, from the walk to the last destroyed object.
//! * `table` holds the rows of a collection and the marking.
//! * `inspect` answers questions: which objects there are, who refers to whom, do the counts tell the truth.
//!
//! I-GC-1: `Payload::trace` reports each counted reference exactly once. I-GC-2: no Python code runs and no count changes while
//! [`BIT_COLLECTING`](crate::header::BIT_COLLECTING) is set on reachable objects.

mod collect;
mod inspect;
mod table;

pub use collect::{Order, collect, collect_at_end, maybe_collect};
pub use inspect::{
    ends_are_seen, is_finalized, is_tracked, objects, referents, referrers, verify_counts,
};

use crate::header::{BIT_DYING, BIT_FROZEN, BIT_UNTRACKED, Header};
use crate::value::Value;
use crate::vm::Vm;
use libmimalloc_sys as mi;
use std::cell::Cell;
use std::ffi::c_void;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};

/// `header` bit: the object has survived a collection.
pub(crate) const BIT_OLD: u8 = 128;

/// Number of generations that the `gc` module speaks of.
pub const GENERATIONS: usize = 3;

/// Flags of `gc.set_debug`.
pub mod debug {
    /// Print statistics of each collection.
    pub const STATS: u32 = 1;
    /// Print each collectable object.
    pub const COLLECTABLE: u32 = 2;
    /// Print each uncollectable object.
    pub const UNCOLLECTABLE: u32 = 4;
    /// Keep garbage in `gc.garbage` instead of freeing it.
    pub const SAVEALL: u32 = 32;
    /// What a leaking program wants to see.
    pub const LEAK: u32 = COLLECTABLE | UNCOLLECTABLE | SAVEALL;
}

/// An allowance that is never used up.
const UNLIMITED: i64 = i64::MAX / 2;

/// What `gc.get_stats()` tells about one generation.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Stats {
    pub collections: u64,
    pub collected: u64,
    pub uncollectable: u64,
}

#[derive(Default)]
struct Tally {
    collections: AtomicU64,
    collected: AtomicU64,
    uncollectable: AtomicU64,
}

/// An interpreter's collector: its heap, settings and figures.
pub struct Collector {
    heap: *mut mi::mi_heap_t,
    enabled: AtomicBool,
    running: AtomicBool,
    debug: AtomicU32,
    thresholds: [AtomicI64; GENERATIONS],
    /// Collections of the next younger generation since the last one of generation 1 and 2.
    older_counts: [AtomicI64; GENERATIONS - 1],
    /// The allowance that the current thread was last given.
    armed: AtomicI64,
    /// Objects that survived the last collection.
    live: AtomicI64,
    /// Collections so far.
    count: AtomicU64,
    tallies: [Tally; GENERATIONS],
    lists: OnceLock<(Value, Value)>,
}

// SAFETY: the heap pointer is only passed to mimalloc, whose v3 heaps may be used from any thread; all else is atomic.
unsafe impl Sync for Collector {}
// SAFETY: as above.
unsafe impl Send for Collector {}

impl Default for Collector {
    fn default() -> Collector {
        Collector::new()
    }
}

impl Collector {
    /// A collector with a heap of its own, enabled, with the usual thresholds.
    pub fn new() -> Collector {
        Collector {
            // SAFETY: plain call; the heap lives as long as the process.
            heap: unsafe { mi::mi_heap_new() },
            enabled: AtomicBool::new(true),
            running: AtomicBool::new(false),
            debug: AtomicU32::new(0),
            thresholds: [AtomicI64::new(2000), AtomicI64::new(10), AtomicI64::new(10)],
            older_counts: [AtomicI64::new(0), AtomicI64::new(0)],
            armed: AtomicI64::new(2000),
            live: AtomicI64::new(0),
            count: AtomicU64::new(0),
            tallies: Default::default(),
            lists: OnceLock::new(),
        }
    }

    /// The heap of all objects that may be part of cycles.
    pub fn heap(&self) -> *mut mi::mi_heap_t {
        self.heap
    }

    /// Collected objects that a thread may make before it asks for a collection.
    pub fn young_limit(&self) -> i64 {
        let threshold = self.thresholds[0].load(Relaxed);
        if threshold <= 0 || !self.is_enabled() {
            return UNLIMITED;
        }
        threshold.max(self.live.load(Relaxed) / 2)
    }

    /// Do collections start by themselves?
    pub fn is_enabled(&self) -> bool {
        self.enabled.load(Relaxed)
    }

    /// Switches automatic collection on or off.
    pub fn set_enabled(&self, enabled: bool) {
        self.enabled.store(enabled, Relaxed);
        self.rearm(self.young_count());
    }

    /// Gives the thread a first allowance without end, for start-up: what that makes stays, and looking for garbage in it is in vain.
    /// Python code that sets the collector up meanwhile ends it.
    pub fn postpone(&self) {
        self.armed.store(UNLIMITED, Relaxed);
        crate::alloc::set_young(UNLIMITED);
    }

    /// Begins to count the objects that are made: those there are belong to the interpreter.
    pub fn start(&self) {
        self.rearm(0);
    }

    /// Is a collection under way?
    pub fn is_running(&self) -> bool {
        self.running.load(Relaxed)
    }

    pub fn thresholds(&self) -> [i64; GENERATIONS] {
        [0, 1, 2].map(|generation: usize| self.thresholds[generation].load(Relaxed))
    }

    /// Sets the thresholds; a zero for the youngest generation stops automatic collection.
    pub fn set_thresholds(&self, thresholds: [i64; GENERATIONS]) {
        for (cell, threshold) in self.thresholds.iter().zip(thresholds) {
            cell.store(threshold, Relaxed);
        }
        self.rearm(self.young_count());
    }

    /// Objects made minus objects freed since the last collection; and collections since one of generation 1 and 2.
    pub fn counts(&self) -> [i64; GENERATIONS] {
        [
            self.young_count(),
            self.older_counts[0].load(Relaxed),
            self.older_counts[1].load(Relaxed),
        ]
    }

    fn young_count(&self) -> i64 {
        (self.armed.load(Relaxed) - crate::alloc::young_left()).max(0)
    }

    /// Gives the thread a new allowance of which `used` is used up already.
    fn rearm(&self, used: i64) {
        let limit = self.young_limit();
        self.armed.store(limit, Relaxed);
        crate::alloc::set_young(limit - used);
    }

    /// Gives the thread a new allowance if another thread has collected since it had its last one; tells if so.
    fn rearm_after_another(&self) -> bool {
        thread_local! {
            static SEEN: Cell<u64> = const { Cell::new(0) };
        }
        let count = self.count.load(Relaxed);
        let missed = SEEN.with(|seen| seen.replace(count)) != count;
        if missed && crate::world::is_shared() {
            self.rearm(0);
            return true;
        }
        false
    }

    pub fn stats(&self) -> [Stats; GENERATIONS] {
        [0, 1, 2].map(|generation: usize| {
            let tally = &self.tallies[generation];
            Stats {
                collections: tally.collections.load(Relaxed),
                collected: tally.collected.load(Relaxed),
                uncollectable: tally.uncollectable.load(Relaxed),
            }
        })
    }

    pub fn debug_flags(&self) -> u32 {
        self.debug.load(Relaxed)
    }

    pub fn set_debug_flags(&self, flags: u32) {
        self.debug.store(flags, Relaxed);
    }

    /// Gives the collector the lists `gc.callbacks` and `gc.garbage`. Later calls change nothing.
    pub fn set_lists(&self, callbacks: Value, garbage: Value) {
        let _ = self.lists.set((callbacks, garbage));
    }

    /// The list `gc.callbacks`, once module `gc` was imported.
    pub fn callbacks(&self) -> Option<Value> {
        self.lists.get().map(|lists| lists.0.clone())
    }

    /// The list `gc.garbage`, once module `gc` was imported.
    pub fn garbage(&self) -> Option<Value> {
        self.lists.get().map(|lists| lists.1.clone())
    }

    /// The generation whose turn it is at an automatic collection.
    fn due_generation(&self) -> u8 {
        let [_, first, second] = self.thresholds();
        if second > 0 && self.older_counts[1].load(Relaxed) > second {
            2
        } else if first > 0 && self.older_counts[0].load(Relaxed) > first {
            1
        } else {
            0
        }
    }

    /// Notes that a collection of `generation` begins: its counts and those of younger ones start anew.
    fn begin(&self, generation: usize) {
        for count in self.older_counts.iter().take(generation) {
            count.store(0, Relaxed);
        }
        if let Some(next) = self.older_counts.get(generation) {
            next.fetch_add(1, Relaxed);
        }
    }

    fn finish(&self, generation: usize, live: usize, collected: usize) {
        self.live.store(live as i64, Relaxed);
        self.count.fetch_add(1, Relaxed);
        let tally = &self.tallies[generation];
        tally.collections.fetch_add(1, Relaxed);
        tally.collected.fetch_add(collected as u64, Relaxed);
        self.rearm(0);
    }

    /// Takes all objects there are out of later collections.
    pub fn freeze(&self) {
        self.walk(&mut |header| {
            if is_collected(header) {
                header.set_bit(BIT_FROZEN);
            }
        });
    }

    /// Undoes [`Collector::freeze`].
    pub fn unfreeze(&self) {
        self.walk(&mut |header| {
            if header.has_bit(BIT_FROZEN) {
                header.clear_bit(BIT_FROZEN);
            }
        });
    }

    /// Number of frozen objects.
    pub fn freeze_count(&self) -> usize {
        let mut count = 0;
        self.walk(&mut |header| count += usize::from(header.has_bit(BIT_FROZEN)));
        count
    }

    /// Numbers of young, old and frozen objects.
    fn census(&self) -> (usize, usize, usize) {
        let (mut young, mut old, mut frozen) = (0, 0, 0);
        self.walk(&mut |header| {
            if header.has_bit(BIT_FROZEN) {
                frozen += 1;
            } else if !is_collected(header) {
            } else if header.has_bit(BIT_OLD) {
                old += 1;
            } else {
                young += 1;
            }
        });
        (young, old, frozen)
    }

    /// Calls `visit` for every object in the heap, whatever its state. `visit` neither allocates from nor frees into this heap.
    fn walk(&self, visit: &mut dyn FnMut(&Header)) {
        unsafe extern "C" fn each(
            _heap: *const mi::mi_heap_t,
            _area: *const mi::mi_heap_area_t,
            block: *mut c_void,
            _size: usize,
            arg: *mut c_void,
        ) -> bool {
            if !block.is_null() {
                // SAFETY: `arg` is the closure below; every block of this heap begins with an initialised header, for a
                // block gets its header before anything else happens on its thread.
                unsafe {
                    let visit = &mut *arg.cast::<&mut dyn FnMut(&Header)>();
                    visit(&*block.cast::<Header>());
                }
            }
            true
        }
        if let Some(thread) = crate::vm::current_thread() {
            thread.interpreter.await_leaving();
        }
        let mut visit = visit;
        // SAFETY: the world is stopped, and `visit` keeps its promise.
        unsafe {
            mi::mi_heap_visit_blocks(self.heap, true, Some(each), (&raw mut visit).cast());
        }
    }
}

/// Does the object take part in collections?
fn is_collected(header: &Header) -> bool {
    !header.has_bit(BIT_UNTRACKED | BIT_FROZEN | BIT_DYING)
        && header.owner() < crate::header::OWNER_FREED
        && total_references(header) > 0
}

/// All references to an object. Zero: its destruction was put off, or is under way. Meaningless while the object has a row.
fn total_references(header: &Header) -> i64 {
    header.local() as i64 + (header.shared.load(Relaxed) as i32 >> 2) as i64
}

/// The mutable part of a collection's result.
struct Running<'a>(&'a Collector);

impl<'a> Running<'a> {
    /// `None` if a collection is under way already.
    fn start(collector: &'a Collector) -> Option<Running<'a>> {
        if collector.running.swap(true, Relaxed) {
            None
        } else {
            Some(Running(collector))
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.store(false, Relaxed);
    }
}

/// Writes to `sys.stderr`; errors are of no interest.
fn write_stderr(vm: &mut Vm, text: &str) {
    let sys = vm.interpreter().sys_dict.get();
    let stream = sys.as_ref().and_then(|dict| {
        dict.cast::<crate::dict_object::Dict>()?
            .get_name(crate::name!("stderr"))
    });
    let Some(stream) = stream else {
        eprint!("{text}");
        return;
    };
    let text = crate::str_object::new_str(text);
    let written = vm
        .get_attr(&stream, crate::name!("write"))
        .and_then(|write| vm.call(&write, &[text]));
    if let Err(raised) = written {
        drop(vm.take_raised(raised));
    }
}
