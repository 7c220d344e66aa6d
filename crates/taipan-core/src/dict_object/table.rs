//! The table of a dict: a row of entries and the hash index into it.

use super::row::Row;
use crate::str_object::{compares_as_str, is_exact_str, is_interned, str_eq};
use crate::value::Value;
use crate::world;
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Relaxed, Release},
    fence,
};

/// Up to this many entries are searched without an index.
const LINEAR: usize = 8;

/// A dict's state.
pub struct Table {
    pub(super) index: Index,
    pub(super) entries: Row<Entry>,
    /// Entries that are not deleted.
    pub(super) used: usize,
    /// Insertions before the next rehash, if there is an index.
    pub(super) room: usize,
    /// Changes whenever entry numbers lose their meaning.
    pub(super) moves: u32,
    /// What inline caches compare; 0 is none. No version is ever used for two states of keys.
    pub(super) keys_version: u32,
    /// All keys are exact strings.
    pub(super) str_keys: bool,
    /// Odd while rows and index change, for readers without a lock (see `peek`).
    pub(super) number: AtomicU32,
}

/// A deleted entry has neither key nor value.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) hash: i64,
    pub(super) key: Option<Value>,
    pub(super) value: Option<Value>,
}

/// Memory for a larger table is not to be had.
pub(super) struct NoMemory;

/// Entry numbers by hash, open addressing; the number of places is a power of two.
#[derive(Clone)]
pub(super) enum Index {
    Linear,
    U8(Row<u8>),
    U16(Row<u16>),
    U32(Row<u32>),
    U64(Row<u64>),
}

/// A place of the index.
pub(super) trait Place: Copy + PartialEq {
    const EMPTY: Self;
    const DELETED: Self;
    fn entry(self) -> usize;
    fn of(entry: usize) -> Self;
}

macro_rules! place {
    ($($ty:ty),*) => {$(
        impl Place for $ty {
            const EMPTY: $ty = <$ty>::MAX;
            const DELETED: $ty = <$ty>::MAX - 1;
            #[inline(always)]
            fn entry(self) -> usize {
                self as usize
            }
            #[inline(always)]
            fn of(entry: usize) -> $ty {
                entry as $ty
            }
        }
    )*};
}
place!(u8, u16, u32, u64);

/// Where a search stands: the place (or, without an index, the entry) to look at next.
pub(super) struct Probe {
    at: usize,
    perturb: u64,
}

impl Probe {
    #[inline(always)]
    fn next(&mut self) {
        self.perturb >>= 5;
        self.at = self
            .at
            .wrapping_mul(5)
            .wrapping_add(self.perturb as usize)
            .wrapping_add(1);
    }
}

#[inline(always)]
fn step_in<P: Place>(places: &[P], probe: &mut Probe) -> Option<usize> {
    let mask = places.len() - 1;
    loop {
        let place = places[probe.at & mask];
        if place == P::EMPTY {
            return None;
        }
        probe.next();
        if place != P::DELETED {
            return Some(place.entry());
        }
    }
}

#[inline(always)]
fn find_in<P: Place>(
    places: &[P],
    hash: i64,
    mut test: impl FnMut(usize) -> bool,
) -> Option<usize> {
    let mut probe = Probe {
        at: hash as usize,
        perturb: hash as u64,
    };
    loop {
        let entry = step_in(places, &mut probe)?;
        if test(entry) {
            return Some(entry);
        }
    }
}

#[inline(always)]
fn put_in<P: Place>(places: &mut [P], hash: i64, entry: usize) {
    let mask = places.len() - 1;
    let mut probe = Probe {
        at: hash as usize,
        perturb: hash as u64,
    };
    while places[probe.at & mask] != P::EMPTY {
        probe.next();
    }
    places[probe.at & mask] = P::of(entry);
}

/// Replaces the place that leads to `entry`.
fn mark_in<P: Place>(places: &mut [P], hash: i64, entry: usize, mark: P) {
    let mask = places.len() - 1;
    let mut probe = Probe {
        at: hash as usize,
        perturb: hash as u64,
    };
    loop {
        let place = &mut places[probe.at & mask];
        if *place == P::of(entry) {
            *place = mark;
            return;
        }
        if *place == P::EMPTY {
            return;
        }
        probe.next();
    }
}

/// The entries that a search for `hash` has to look at. The row may change meanwhile, so it ends after as many steps as there are
/// places.
#[inline(always)]
pub(super) fn places_for<P: Place>(places: &[P], hash: i64) -> impl Iterator<Item = usize> + '_ {
    let mut probe = Probe {
        at: hash as usize,
        perturb: hash as u64,
    };
    let mask = places.len().wrapping_sub(1);
    let mut left = places.len() * 2;
    std::iter::from_fn(move || {
        while left > 0 {
            left -= 1;
            let place = places.as_ptr().wrapping_add(probe.at & mask);
            // SAFETY: the mask keeps it in range.
            let place = unsafe { place.read_volatile() };
            if place == P::EMPTY {
                return None;
            }
            probe.next();
            if place != P::DELETED {
                return Some(place.entry());
            }
        }
        None
    })
}

fn empty_places<P: Place>(len: usize) -> Result<Row<P>, NoMemory> {
    let mut places = Row::new();
    places.reserve(len)?;
    places.resize(len, P::EMPTY);
    Ok(places)
}

impl Index {
    pub(super) fn with_places(len: usize) -> Result<Index, NoMemory> {
        Ok(match len {
            0..=0x100 => Index::U8(empty_places(len)?),
            0x101..=0x1_0000 => Index::U16(empty_places(len)?),
            0x1_0001..=0x1_0000_0000 => Index::U32(empty_places(len)?),
            _ => Index::U64(empty_places(len)?),
        })
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Index::Linear => 0,
            Index::U8(places) => places.len(),
            Index::U16(places) => places.len() * 2,
            Index::U32(places) => places.len() * 4,
            Index::U64(places) => places.len() * 8,
        }
    }

    #[inline(always)]
    pub(super) fn put(&mut self, hash: i64, entry: usize) {
        match self {
            Index::Linear => {}
            Index::U8(places) => put_in(places, hash, entry),
            Index::U16(places) => put_in(places, hash, entry),
            Index::U32(places) => put_in(places, hash, entry),
            Index::U64(places) => put_in(places, hash, entry),
        }
    }

    pub(super) fn delete(&mut self, hash: i64, entry: usize) {
        match self {
            Index::Linear => {}
            Index::U8(places) => mark_in(places, hash, entry, Place::DELETED),
            Index::U16(places) => mark_in(places, hash, entry, Place::DELETED),
            Index::U32(places) => mark_in(places, hash, entry, Place::DELETED),
            Index::U64(places) => mark_in(places, hash, entry, Place::DELETED),
        }
    }
}

impl Table {
    pub(super) const fn new() -> Table {
        Table {
            index: Index::Linear,
            entries: Row::new(),
            used: 0,
            room: 0,
            moves: 0,
            keys_version: 0,
            str_keys: true,
            number: AtomicU32::new(0),
        }
    }

    /// Changes the structure, in a way that readers without a lock notice. Not to be nested.
    #[inline(always)]
    fn change<R>(&mut self, work: impl FnOnce(&mut Table) -> R) -> R {
        if !world::is_shared() {
            return work(self);
        }
        let number = self.number.load(Relaxed);
        debug_assert!(number & 1 == 0, "a change within a change");
        self.number.store(number.wrapping_add(1), Relaxed);
        fence(Release);
        let result = work(self);
        self.number.store(number.wrapping_add(2), Release);
        result
    }

    /// Puts other contents into the table; gives the former ones.
    pub(super) fn replace(&mut self, mut new: Table) -> Table {
        self.change(|table| {
            std::mem::swap(&mut table.index, &mut new.index);
            std::mem::swap(&mut table.entries, &mut new.entries);
            std::mem::swap(&mut table.used, &mut new.used);
            std::mem::swap(&mut table.room, &mut new.room);
            std::mem::swap(&mut table.str_keys, &mut new.str_keys);
            table.moves = table.moves.wrapping_add(1);
            table.keys_version = 0;
        });
        new
    }

    /// The first entry for which `test` holds among those that may have this hash.
    #[inline(always)]
    pub(super) fn find_by(&self, hash: i64, test: impl Fn(&Entry) -> bool) -> Option<usize> {
        let entries = &self.entries[..];
        match &self.index {
            Index::Linear => entries.iter().position(test),
            Index::U8(places) => find_in(places, hash, |at| test(&entries[at])),
            Index::U16(places) => find_in(places, hash, |at| test(&entries[at])),
            Index::U32(places) => find_in(places, hash, |at| test(&entries[at])),
            Index::U64(places) => find_in(places, hash, |at| test(&entries[at])),
        }
    }

    /// The entry of a string among keys that are exact strings (others are passed over).
    #[inline]
    pub(super) fn find_str(&self, name: &Value, hash: i64) -> Option<usize> {
        let interned = is_interned(name);
        let all_str = self.str_keys;
        self.find_by(hash, |entry| {
            let Some(key) = &entry.key else { return false };
            if key.is(name) {
                return true;
            }
            entry.hash == hash
                && (all_str || compares_as_str(key))
                && !(interned && is_interned(key))
                && str_eq(key, name)
        })
    }

    /// The next entry that a search for some hash has to look at.
    pub(super) fn step(&self, probe: &mut Probe) -> Option<usize> {
        match &self.index {
            Index::Linear => {
                let at = probe.at;
                probe.at += 1;
                if at < self.entries.len() {
                    Some(at)
                } else {
                    None
                }
            }
            Index::U8(places) => step_in(places, probe),
            Index::U16(places) => step_in(places, probe),
            Index::U32(places) => step_in(places, probe),
            Index::U64(places) => step_in(places, probe),
        }
    }

    pub(super) fn probe(&self, hash: i64) -> Probe {
        match self.index {
            Index::Linear => Probe { at: 0, perturb: 0 },
            _ => Probe {
                at: hash as usize,
                perturb: hash as u64,
            },
        }
    }

    /// Adds a key that is not there yet.
    #[inline]
    pub(super) fn add(&mut self, hash: i64, key: Value, value: Value) -> Result<(), NoMemory> {
        self.change(|table| table.add_changing(hash, key, value))
    }

    #[inline(always)]
    fn add_changing(&mut self, hash: i64, key: Value, value: Value) -> Result<(), NoMemory> {
        let full = match self.index {
            Index::Linear => self.entries.len() >= LINEAR,
            _ => self.room == 0,
        };
        if full {
            self.rehash_changing(self.used * 2)?;
        }
        if self.entries.len() == self.entries.capacity() {
            self.entries.reserve(self.entries.len().max(4))?;
        }
        self.str_keys = self.str_keys && is_exact_str(&key);
        self.index.put(hash, self.entries.len());
        self.entries.push(Entry {
            hash,
            key: Some(key),
            value: Some(value),
        });
        self.room = self.room.saturating_sub(1);
        self.used += 1;
        self.keys_version = 0;
        Ok(())
    }

    /// The oldest entry. Entries deleted at the front are skipped at once: the first one holds how many they are.
    pub(super) fn first_used(&self) -> Option<usize> {
        let mut at = match self.entries.first() {
            Some(Entry {
                hash, key: None, ..
            }) => *hash as usize,
            _ => 0,
        };
        while self.entries.get(at)?.key.is_none() {
            at += 1;
        }
        Some(at)
    }

    /// Notes that the first `count` entries are deleted ones.
    pub(super) fn note_gap(&mut self, count: usize) {
        if let Some(first) = self.entries.first_mut()
            && first.key.is_none()
        {
            first.hash = count as i64;
        }
    }

    /// Adds a key that is not there yet, as the oldest one.
    pub(super) fn add_first(
        &mut self,
        hash: i64,
        key: Value,
        value: Value,
    ) -> Result<(), NoMemory> {
        self.change(|table| table.add_first_changing(hash, key, value))
    }

    fn add_first_changing(&mut self, hash: i64, key: Value, value: Value) -> Result<(), NoMemory> {
        self.str_keys = self.str_keys && is_exact_str(&key);
        let entry = Entry {
            hash,
            key: Some(key),
            value: Some(value),
        };
        let gap = self.first_used().unwrap_or(self.entries.len());
        if gap > 0 && (matches!(self.index, Index::Linear) || self.room > 0) {
            self.entries[gap - 1] = entry;
            self.index.put(hash, gap - 1);
            self.room = self.room.saturating_sub(1);
            self.note_gap(gap - 1);
            self.used += 1;
            self.keys_version = 0;
            self.moves = self.moves.wrapping_add(1);
            return Ok(());
        }
        self.entries.reserve(1 + self.entries.len() / 2)?;
        self.entries.insert(0, entry);
        self.used += 1;
        self.rehash_changing(self.used * 2)
    }

    /// Squeezes deleted entries out and makes an index for `wanted` entries (no fewer than are there).
    pub(super) fn rehash(&mut self, wanted: usize) -> Result<(), NoMemory> {
        self.change(|table| table.rehash_changing(wanted))
    }

    #[cold]
    fn rehash_changing(&mut self, wanted: usize) -> Result<(), NoMemory> {
        let wanted = wanted.max(self.used);
        let linear = wanted <= LINEAR && self.used <= LINEAR - 2;
        let (mut index, room) = if linear {
            (Index::Linear, 0)
        } else {
            let places = wanted
                .checked_mul(3)
                .map(|n| n / 2 + 1)
                .and_then(usize::checked_next_power_of_two)
                .ok_or(NoMemory)?
                .max(16);
            (
                Index::with_places(places)?,
                (places / 2).saturating_mul(4) / 3 - self.used,
            )
        };
        if self.used < self.entries.len() {
            self.entries.retain(|entry| entry.key.is_some());
        }
        if self.entries.capacity() > 64 && self.entries.capacity() / 4 > wanted {
            self.entries.shrink_to(wanted);
        }
        for (at, entry) in self.entries.iter().enumerate() {
            index.put(entry.hash, at);
        }
        self.index = index;
        self.room = room;
        self.moves = self.moves.wrapping_add(1);
        self.keys_version = 0;
        Ok(())
    }

    /// Makes room for `additional` more keys in one go.
    pub(super) fn reserve(&mut self, additional: usize) -> Result<(), NoMemory> {
        let wanted = self.used.checked_add(additional).ok_or(NoMemory)?;
        if wanted > LINEAR && self.room < additional {
            self.rehash(wanted)?;
        }
        self.change(|table| table.entries.reserve(additional))
    }

    /// Deletes an entry that is there.
    pub(super) fn delete(&mut self, at: usize) -> Option<(Value, Value)> {
        self.change(|table| table.delete_changing(at))
    }

    fn delete_changing(&mut self, at: usize) -> Option<(Value, Value)> {
        let entry = &mut self.entries[at];
        let pair = entry.key.take().zip(entry.value.take())?;
        // A deleted entry's hash counts deleted ones (see `first_used`), here none.
        let hash = std::mem::replace(&mut entry.hash, 0);
        self.index.delete(hash, at);
        self.used -= 1;
        self.keys_version = 0;
        if self.used == 0 {
            self.str_keys = true;
        }
        Some(pair)
    }

    /// Forgets entries from `at` on, which are deleted ones.
    pub(super) fn truncate(&mut self, at: usize) {
        self.change(|table| table.entries.truncate(at));
    }

    /// Stores a value under the key of the given entry, or adds the key.
    #[inline(always)]
    pub(super) fn store(
        &mut self,
        at: Option<usize>,
        hash: i64,
        key: &Value,
        value: Value,
    ) -> Result<Option<Value>, NoMemory> {
        match at {
            Some(at) => Ok(self.entries[at].value.replace(value)),
            None => self.add(hash, key.clone(), value).map(|()| None),
        }
    }

    #[inline(always)]
    pub(super) fn value(&self, at: usize) -> Option<Value> {
        self.entries.get(at)?.value.clone()
    }
}

impl Table {
    /// A copy without deleted entries.
    pub(super) fn clone_squeezed(&mut self) -> Table {
        let mut copy = Table {
            used: self.used,
            str_keys: self.str_keys,
            ..Table::new()
        };
        if self.used == self.entries.len() {
            copy.entries = self.entries.clone();
            copy.index = self.index.clone();
            copy.room = self.room;
        } else {
            let used = self.entries.iter().filter(|entry| entry.key.is_some());
            copy.entries = Row::of(used.cloned().collect());
            if copy.rehash(copy.used).is_err() {
                std::alloc::handle_alloc_error(std::alloc::Layout::new::<Entry>())
            }
        }
        copy
    }
}
