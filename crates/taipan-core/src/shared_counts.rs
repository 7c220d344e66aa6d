//! Counts of what all threads use: functions, classes, code, its constants, modules.
//!
//! Counting a reference to a function in its header would make threads that call it fight for one cache line. So when a second
//! thread starts, such objects are given a number, and each thread counts in a table of its own; the sum tells the truth. While
//! there are several threads they live, whatever the sum; when one thread is left, it takes the sums over into headers, and ends what
//! nobody refers to. Numbers may wrap around in a table: the sum does not mind.

use crate::header::{BIT_DYING, Header, OWNER_IMMORTAL, OWNER_SHARED};
use crate::refcount;
use crate::value::Value;
use std::cell::Cell;
use std::ptr::null;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

thread_local! {
    /// This thread's table.
    static TABLE: Cell<*const AtomicU32> = const { Cell::new(null()) };
}

/// The objects with numbers, and the tables.
struct Counts {
    objects: Vec<*const Header>,
    /// What threads that have ended, or have no table, counted; and what the headers said before.
    base: Vec<u32>,
    tables: Vec<*const AtomicU32>,
}

/// Places of a table: so many objects can be given numbers. Memory is only used for those that are.
const PLACES: usize = 1 << 20;

// SAFETY: objects are only touched by the one thread that runs (see `share`, `unshare`); tables are atomic.
unsafe impl Send for Counts {}

static COUNTS: Mutex<Counts> = Mutex::new(Counts {
    objects: Vec::new(),
    base: Vec::new(),
    tables: Vec::new(),
});
static ACTIVE: AtomicBool = AtomicBool::new(false);

fn counts() -> MutexGuard<'static, Counts> {
    COUNTS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Counts {
    fn sum(&self, index: usize) -> u32 {
        self.tables.iter().fold(self.base[index], |sum, table| {
            // SAFETY: tables have a place for each object.
            sum.wrapping_add(unsafe { &*table.wrapping_add(index) }.load(Relaxed))
        })
    }

    /// Gives an object a number. No other thread counts references to it now.
    fn share(&mut self, header: &Header) {
        let count = refcount::count(header) as u32;
        if matches!(header.owner(), OWNER_IMMORTAL | OWNER_SHARED)
            || header.has_bit(BIT_DYING)
            || count == 0
            || !refcount::is_settled(header)
            || self.objects.len() == PLACES
        {
            return;
        }
        header.set_local(self.objects.len() as u32);
        header.set_owner(OWNER_SHARED);
        self.objects.push(header);
        self.base.push(count);
    }

    fn new_table(&mut self) {
        // SAFETY: zeros are valid numbers.
        let table = unsafe { Box::<[AtomicU32]>::new_zeroed_slice(PLACES).assume_init() };
        let table = Box::into_raw(table).cast::<AtomicU32>().cast_const();
        self.tables.push(table);
        TABLE.with(|own| own.set(table));
    }

    fn drop_table(&mut self, table: *const AtomicU32) {
        self.tables.retain(|other| *other != table);
        let row = std::ptr::slice_from_raw_parts_mut(table.cast_mut(), PLACES);
        // SAFETY: made by `new_table` with that length, and nobody uses it any more.
        let row = unsafe { Box::from_raw(row) };
        for (sum, count) in self.base.iter_mut().zip(&row) {
            *sum = sum.wrapping_add(count.load(Relaxed));
        }
    }
}

/// Adds to this thread's count of the object with that number.
#[inline(always)]
pub(crate) fn add(index: u32, by: i32) {
    let table = TABLE.with(Cell::get);
    if table.is_null() {
        return add_to_base(index, by);
    }
    // SAFETY: tables have a place for each object; only this thread writes to this one.
    let count = unsafe { &*table.wrapping_add(index as usize) };
    count.store(count.load(Relaxed).wrapping_add_signed(by), Relaxed);
}

#[cold]
fn add_to_base(index: u32, by: i32) {
    if let Some(sum) = counts().base.get_mut(index as usize) {
        *sum = sum.wrapping_add_signed(by);
    }
}

/// All references to the object with that number.
pub(crate) fn count(index: u32) -> i64 {
    i64::from(counts().sum(index as usize) as i32)
}

/// Gives objects numbers. The caller is the only thread that runs, and no second one has a table.
pub(crate) fn share(objects: &[&Header]) {
    let mut counts = counts();
    if ACTIVE.swap(true, Relaxed) {
        return;
    }
    for header in objects {
        counts.share(header);
    }
    counts.new_table();
}

/// Gives a new object a number while there are several threads. Interned text may be known to others: it lives for ever instead.
pub fn share_new(object: &Value) {
    if !ACTIVE.load(Relaxed) {
        return;
    }
    if let Some(header) = object.header()
        && header.owner() == refcount::current_owner()
    {
        if crate::str_object::is_interned(object) {
            header.make_immortal();
        } else if refcount::is_only(header) {
            counts().share(header);
        }
    }
}

/// A thread begins: gives it a table.
pub(crate) fn attach() {
    if ACTIVE.load(Relaxed) {
        counts().new_table();
    }
}

/// A thread ends.
pub(crate) fn detach() {
    let table = TABLE.with(|own| own.replace(null()));
    if !table.is_null() {
        counts().drop_table(table);
    }
}

/// Takes numbers back: objects belong to this thread, the only one that is left. Gives those that nobody refers to.
pub(crate) fn unshare() -> Vec<*const Header> {
    if !ACTIVE.load(Relaxed) {
        return Vec::new();
    }
    detach();
    let mut counts = counts();
    // Of threads that a fork left behind.
    while let Some(table) = counts.tables.last().copied() {
        counts.drop_table(table);
    }
    let objects = std::mem::take(&mut counts.objects);
    let sums = std::mem::take(&mut counts.base);
    ACTIVE.store(false, Relaxed);
    drop(counts);
    let mut dead = Vec::new();
    for (object, sum) in objects.into_iter().zip(sums) {
        // SAFETY: objects with numbers live.
        let header = unsafe { &*object };
        refcount::own(header, sum);
        if sum == 0 {
            dead.push(object);
        }
    }
    dead
}
