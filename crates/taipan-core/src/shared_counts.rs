//! Counts of what all threads use: functions, classes, code, its constants, modules.
//!
//! Counting a reference to a function in its header would make threads that call it fight for one cache line. So when a second
//! thread starts, such objects are given a number, and each thread counts in a table of its own; the sum tells the truth. While
//! there are several threads the sum is looked at only when a thread gives more references back than it took; when one thread is left,
//! it takes the sums over into headers, and ends what nobody refers to. Numbers may wrap around in a table: the sum does not mind.

use crate::header::{BIT_DYING, Header, OWNER_IMMORTAL, OWNER_SHARED};
use crate::refcount;
use crate::value::Value;
use crate::vm::{Vm, breaker, current_thread};
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
    /// Numbers of objects whose sum was seen to be zero.
    suspects: Vec<u32>,
    /// Numbers that can be given again.
    free: Vec<u32>,
}

/// Places of a table: so many objects can be given numbers. Memory is only used for those that are.
const PLACES: usize = 1 << 20;

// SAFETY: objects are only touched by the one thread that runs (see `share`, `unshare`); tables are atomic.
unsafe impl Send for Counts {}

static COUNTS: Mutex<Counts> = Mutex::new(Counts {
    objects: Vec::new(),
    base: Vec::new(),
    tables: Vec::new(),
    suspects: Vec::new(),
    free: Vec::new(),
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
        if matches!(header.owner(), OWNER_IMMORTAL | OWNER_SHARED) {
            return;
        }
        let count = refcount::count(header) as u32;
        if header.has_bit(BIT_DYING)
            || count == 0
            || !refcount::is_settled(header)
            || self.free.is_empty() && self.objects.len() == PLACES
        {
            return;
        }
        let index = self.free.pop().unwrap_or(self.objects.len() as u32);
        if index as usize == self.objects.len() {
            self.objects.push(null());
            self.base.push(0);
        }
        header.set_local(index);
        header.set_owner(OWNER_SHARED);
        self.objects[index as usize] = header;
        self.base[index as usize] = count;
    }

    /// Takes the numbers of suspects back that nobody refers to. The world is stopped.
    fn take_unreferenced(&mut self) -> Vec<*const Header> {
        let mut dead = Vec::new();
        for index in std::mem::take(&mut self.suspects) {
            let at = index as usize;
            let object = self.objects[at];
            // SAFETY: objects with numbers live.
            if object.is_null() || unsafe { &*object }.owner() != OWNER_SHARED || self.sum(at) != 0
            {
                continue;
            }
            self.objects[at] = null();
            self.base[at] = 0;
            for table in &self.tables {
                // SAFETY: tables have a place for each object.
                unsafe { &*table.wrapping_add(at) }.store(0, Relaxed);
            }
            self.free.push(index);
            // SAFETY: objects with numbers live.
            refcount::own(unsafe { &*object }, 0);
            dead.push(object);
        }
        dead
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

/// Counts a reference to the object with that number.
#[inline(always)]
pub(crate) fn add(index: u32) {
    let table = TABLE.with(Cell::get);
    if table.is_null() {
        return add_to_base(index, 1);
    }
    // SAFETY: tables have a place for each object; only this thread writes to this one.
    let count = unsafe { &*table.wrapping_add(index as usize) };
    count.store(count.load(Relaxed).wrapping_add(1), Relaxed);
}

/// Gives a reference back.
#[inline(always)]
pub(crate) fn subtract(index: u32) {
    let table = TABLE.with(Cell::get);
    if table.is_null() {
        return add_to_base(index, -1);
    }
    // SAFETY: as in `add`.
    let count = unsafe { &*table.wrapping_add(index as usize) };
    let left = count.load(Relaxed).wrapping_sub(1);
    count.store(left, Relaxed);
    // More were given back than taken: it may have been the last one.
    if (left as i32) < 0 {
        suspect(index, count);
    }
}

#[cold]
fn add_to_base(index: u32, by: i32) {
    if let Some(sum) = counts().base.get_mut(index as usize) {
        *sum = sum.wrapping_add_signed(by);
    }
}

/// Looks whether any reference to an object is left; if not, it is ended, now or at the next safepoint.
#[cold]
#[inline(never)]
fn suspect(index: u32, own: &AtomicU32) {
    let mut counts = counts();
    let at = index as usize;
    counts.base[at] = counts.base[at].wrapping_add(own.swap(0, Relaxed));
    if counts.sum(at) as i32 > 0 {
        return;
    }
    counts.suspects.push(index);
    drop(counts);
    let Some(thread) = current_thread() else {
        return;
    };
    if thread.guards.get() > 0 || thread.has_stopped_world.get() {
        thread.breaker.fetch_or(breaker::TRASH, Relaxed);
    // SAFETY: no guard is alive, and where a reference is given back Python code may run.
    } else if let Some(mut vm) = unsafe { Vm::current() } {
        end_unreferenced(&mut vm);
    }
}

/// Ends the objects with numbers that nobody refers to any more.
pub fn end_unreferenced(vm: &mut Vm) {
    if !ACTIVE.load(Relaxed) || counts().suspects.is_empty() {
        return;
    }
    // Other threads have no reference that is not counted while they stand still.
    let dead = vm.stop_the_world(|_| counts().take_unreferenced());
    for object in dead {
        // SAFETY: nobody refers to it.
        unsafe { crate::destroy::destroy(object) }
    }
}

/// All references to the object with that number.
pub(crate) fn count(index: u32) -> i64 {
    i64::from(counts().sum(index as usize) as i32)
}

/// Gives objects numbers. No other thread runs now.
pub(crate) fn share(objects: &[Value]) {
    let mut counts = counts();
    for header in objects.iter().filter_map(Value::header) {
        counts.share(header);
    }
    if !ACTIVE.swap(true, Relaxed) {
        counts.new_table();
    }
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
    counts.suspects.clear();
    counts.free.clear();
    ACTIVE.store(false, Relaxed);
    drop(counts);
    let mut dead = Vec::new();
    for (object, sum) in objects.into_iter().zip(sums) {
        if object.is_null() {
            continue;
        }
        // SAFETY: objects with numbers live.
        let header = unsafe { &*object };
        // It may have been made immortal since: a name that Rust code keeps.
        if header.owner() != OWNER_SHARED {
            continue;
        }
        refcount::own(header, sum);
        if sum == 0 {
            dead.push(object);
        }
    }
    dead
}
