//! Look-ups without a lock, while there are several threads.
//!
//! A table has a number that is odd while its structure changes and differs afterwards. A reader copies where rows and index are,
//! checks the number, searches, counts a reference to what it found, and checks the number again. The rows it searches may be out of
//! date, but are readable until its next safepoint (see `world`). Whoever is out of luck takes the lock.

use super::row::Row;
use super::table::{Entry, Index, Place, Table, places_for};
use super::{Dict, simple_equal};
use crate::header::Obj;
use crate::lock::HasState;
use crate::refcount;
use crate::str_object::is_exact_str;
use crate::value::Value;
use std::mem::ManuallyDrop;
use std::sync::atomic::{
    Ordering::{Acquire, Relaxed},
    fence,
};

/// The table may have changed meanwhile.
pub(super) struct Disturbed;

/// Where a table's rows were at some moment.
struct View {
    table: *const Table,
    number: u32,
    index: ManuallyDrop<Index>,
    entries: ManuallyDrop<Row<Entry>>,
}

/// A word that other threads may write at any time.
#[inline(always)]
unsafe fn word<T>(place: *const T) -> u64 {
    // SAFETY: the caller passes a readable, aligned place of 8 bytes.
    unsafe { place.cast::<u64>().read_volatile() }
}

impl View {
    #[inline(always)]
    fn of(table: *const Table) -> Result<View, Disturbed> {
        // SAFETY: the table lives; copies of rows are not used unless no writer was at work, and never dropped.
        unsafe {
            let number = (*table).number.load(Acquire);
            let view = View {
                table,
                number,
                index: (&raw const (*table).index)
                    .cast::<ManuallyDrop<Index>>()
                    .read_volatile(),
                entries: (&raw const (*table).entries)
                    .cast::<ManuallyDrop<Row<Entry>>>()
                    .read_volatile(),
            };
            if number & 1 != 0 {
                return Err(Disturbed);
            }
            view.check()?;
            Ok(view)
        }
    }

    /// Is all that was read the table's state at one moment?
    #[inline(always)]
    fn check(&self) -> Result<(), Disturbed> {
        fence(Acquire);
        // SAFETY: the table lives.
        if unsafe { (*self.table).number.load(Relaxed) } == self.number {
            Ok(())
        } else {
            Err(Disturbed)
        }
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    #[inline(always)]
    fn entry(&self, at: usize) -> *const Entry {
        self.entries.as_ptr().wrapping_add(at)
    }

    /// The value of an entry, counted. `Err` if it is not there (any more).
    #[inline(always)]
    fn value(&self, at: usize) -> Result<Value, Disturbed> {
        if at >= self.len() {
            return Err(Disturbed);
        }
        // SAFETY: in range.
        let bits = unsafe { word(&raw const (*self.entry(at)).value) };
        // SAFETY: what a table holds is an object's memory still, until this thread's next safepoint.
        unsafe { refcount::count_word(bits) }.ok_or(Disturbed)
    }

    /// Is the key of entry `at` the wanted one? `Err`: Python code would have to tell.
    #[inline(always)]
    fn is_key(&self, at: usize, key: &Value, hash: i64) -> Result<bool, Disturbed> {
        if at >= self.len() {
            return Err(Disturbed);
        }
        // SAFETY: in range; a word that is not 0 is a value's, whose memory is readable (see `value`).
        unsafe {
            let entry = self.entry(at);
            let own = word(&raw const (*entry).key);
            if own == key.bits() {
                return Ok(true);
            }
            if own == 0 || word(&raw const (*entry).hash) as i64 != hash {
                return Ok(false);
            }
            let own = ManuallyDrop::new(Value::from_bits(own));
            simple_equal(&own, key).ok_or(Disturbed)
        }
    }

    #[inline(always)]
    fn find_in<P: Place>(
        &self,
        places: &[P],
        key: &Value,
        hash: i64,
    ) -> Result<Option<usize>, Disturbed> {
        for at in places_for(places, hash) {
            if self.is_key(at, key, hash)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    #[inline(always)]
    fn find(&self, key: &Value, hash: i64) -> Result<Option<usize>, Disturbed> {
        match &*self.index {
            Index::Linear => {
                for at in 0..self.len() {
                    if self.is_key(at, key, hash)? {
                        return Ok(Some(at));
                    }
                }
                Ok(None)
            }
            Index::U8(places) => self.find_in(places, key, hash),
            Index::U16(places) => self.find_in(places, key, hash),
            Index::U32(places) => self.find_in(places, key, hash),
            Index::U64(places) => self.find_in(places, key, hash),
        }
    }
}

impl Obj<Dict> {
    #[inline(always)]
    fn table(&self) -> *const Table {
        self.cell().as_ptr()
    }

    /// The value of a key whose hash runs no Python code.
    pub(super) fn peek(&self, key: &Value, hash: i64) -> Result<Option<Value>, Disturbed> {
        debug_assert!(is_exact_str(key) || !key.is_object());
        let view = View::of(self.table())?;
        let value = match view.find(key, hash)? {
            Some(at) => Some(view.value(at)?),
            None => None,
        };
        view.check()?;
        Ok(value)
    }

    /// The entry number of a key whose hash runs no Python code.
    pub(super) fn peek_index(&self, key: &Value, hash: i64) -> Result<Option<usize>, Disturbed> {
        let view = View::of(self.table())?;
        let at = view.find(key, hash)?;
        view.check()?;
        Ok(at)
    }

    /// The value of entry `index` if the keys have version `version`.
    pub(super) fn peek_cached(
        &self,
        version: u32,
        index: usize,
    ) -> Result<Option<Value>, Disturbed> {
        let view = View::of(self.table())?;
        // SAFETY: the table lives.
        let own = unsafe { (&raw const (*self.table()).keys_version).read_volatile() };
        if own != version {
            return Ok(None);
        }
        let value = view.value(index)?;
        view.check()?;
        Ok(Some(value))
    }
}
