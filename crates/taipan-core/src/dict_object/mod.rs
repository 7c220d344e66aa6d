//! Dicts: an insertion-ordered row of entries and, beyond eight of them, a hash index into the row.
//!
//! The index holds entry numbers as `u8`, `u16`, `u32` or `u64`, whichever is enough. Entries are never moved but by a rehash
//! or [`Obj::clear`](Obj), so an entry number is what iterators and inline caches keep. Keys that are not plain strings are
//! compared by Python code, which may change the dict meanwhile: see [`Obj::find_then`].

mod peek;
mod row;
mod table;

use crate::Py;
use crate::builtin_types;
use crate::header::Obj;
use crate::lock::{HasState, Held, Locked};
use crate::payload::{Payload, Tracer};
use crate::raise::Raised;
use crate::str_object::{is_exact_str, str_eq, str_hash};
use crate::type_object::TypeObject;
use crate::value::Value;
use crate::vm::Vm;
use crate::world;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
pub use table::Table;
use table::{Entry, NoMemory};

/// Payload of dicts.
pub struct Dict {
    table: Locked<Table>,
}

impl HasState for Dict {
    type State = Table;
    #[inline(always)]
    fn cell(&self) -> &Locked<Table> {
        &self.table
    }
}

// SAFETY: keys and values of the entries are the only references.
unsafe impl Payload for Dict {
    const GC: bool = true;

    fn type_object() -> &'static TypeObject {
        &builtin_types::DICT
    }

    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the collector stops the world, and no guard lives at a safepoint.
        let table = unsafe { self.table.get_unlocked() };
        for entry in table.entries.iter() {
            tracer.visit_option(&entry.key);
            tracer.visit_option(&entry.value);
        }
    }

    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: as in `trace`.
        let table = unsafe { self.table.get_unlocked() };
        let mut old = table.replace(Table::new());
        for entry in old.entries.drain(..) {
            out.extend(entry.key);
            out.extend(entry.value);
        }
    }

    fn outside_size(&self) -> usize {
        // SAFETY: reads sizes only.
        let table = unsafe { self.table.get_unlocked() };
        table.entries.capacity() * size_of::<Entry>() + table.index.bytes()
    }
}

impl Dict {
    /// The payload of an empty dict; for dicts of subclasses.
    pub const fn empty() -> Dict {
        Dict {
            table: Locked::new(Table::new()),
        }
    }
}

/// A new empty dict.
pub fn new_dict() -> Value {
    crate::alloc::new_object(Dict::empty())
}

/// A new empty dict with room for `n` keys.
pub fn new_dict_with_capacity(n: usize) -> Value {
    let mut table = Table::new();
    // Without memory the dict starts small; growing it later reports that.
    let _ = table.reserve(n);
    crate::alloc::new_object(Dict {
        table: Locked::new(table),
    })
}

/// A new empty dict of class `cls`, which is `dict` or derives from it.
pub fn new_dict_of(cls: &TypeObject) -> Value {
    crate::alloc::new_instance(cls, Dict::empty())
}

/// The dict of a `dict` or an instance of a subclass.
#[inline(always)]
pub fn dict_of(value: &Value) -> Option<&Obj<Dict>> {
    if value.is_object()
        && value
            .type_of()
            .has(crate::type_object::TypeFlags::DICT_SUBCLASS)
    {
        // SAFETY: subclasses of dict have its layout.
        Some(unsafe { value.cast_unchecked::<Dict>() })
    } else {
        None
    }
}

/// The hash of a key; errors about unhashable types say what the key was for.
#[inline(always)]
pub fn key_hash(vm: &mut Vm, key: &Value) -> Py<i64> {
    if let Some(hash) = simple_hash(key) {
        return Ok(hash);
    }
    match vm.hash(key) {
        Ok(hash) => Ok(hash),
        Err(raised) => Err(unhashable(vm, raised, key, "a dict key")),
    }
}

/// The hash of an exact string or a small int: no Python code can have a say in it.
#[inline(always)]
pub fn simple_hash(key: &Value) -> Option<i64> {
    const MODULUS: i64 = (1 << 61) - 1;
    if is_exact_str(key) {
        return Some(str_hash(key));
    }
    match key.small_int()? {
        -1 => Some(-2),
        i if i > -MODULUS && i < MODULUS => Some(i),
        _ => None,
    }
}

/// Rewords the error of a failed hash: `key` was meant to be `role` (`"a dict key"`, `"a set element"`).
#[cold]
#[inline(never)]
pub fn unhashable(vm: &mut Vm, raised: Raised, key: &Value, role: &str) -> Raised {
    if !vm.pending_is(&builtin_types::TYPE_ERROR) {
        return raised;
    }
    let exception = vm.take_raised(raised);
    if !exception.is_exact(&builtin_types::TYPE_ERROR) {
        return vm.set_pending(exception);
    }
    let text = match vm.str(&exception) {
        Ok(text) => text,
        Err(raised) => return raised,
    };
    let text = crate::str_object::str_of(&text)
        .map(|text| text.to_lossy())
        .unwrap_or_default();
    vm.type_error(format!(
        "cannot use '{}' as {role} ({text})",
        key.type_of().full_name()
    ))
}

/// Are two keys of equal hash equal, if no Python code is needed to tell?
#[inline(always)]
pub fn simple_equal(a: &Value, b: &Value) -> Option<bool> {
    if a.is(b) {
        return Some(true);
    }
    if a.is_object() {
        if is_exact_str(a) && (is_exact_str(b) || !b.is_object()) {
            return Some(b.is_object() && str_eq(a, b));
        }
        return None;
    }
    if b.is_object() {
        return if is_exact_str(b) { Some(false) } else { None };
    }
    match (a.small_float(), b.small_float()) {
        (Some(a), Some(b)) => Some(a == b),
        (None, None) => Some(false),
        // An int of more than 53 bits and a float compare exactly, elsewhere.
        _ => None,
    }
}

impl Obj<Dict> {
    /// Runs `access` on the table without the token. `access` neither drops values nor reaches another object's lock.
    #[inline(always)]
    fn with<R>(&self, access: impl FnOnce(&mut Table) -> R) -> R {
        let _held = Held::new(self.header());
        // SAFETY: locked, and `access` cannot come back here.
        access(unsafe { self.cell().get_unlocked() })
    }

    /// Finds `key` and runs `then` on the table and the number of its entry, under one guard.
    ///
    /// Python code compares keys without a guard. If entries were moved meanwhile, or the compared one is gone, the search
    /// begins again; keys that were only added do not disturb it.
    #[inline]
    fn find_then<R>(
        &self,
        vm: &mut Vm,
        key: &Value,
        hash: i64,
        then: impl FnOnce(&mut Table, Option<usize>) -> R,
    ) -> Py<R> {
        {
            let mut table = self.lock(vm);
            if table.str_keys && is_exact_str(key) {
                let at = table.find_str(key, hash);
                return Ok(then(&mut table, at));
            }
        }
        self.find_then_any(vm, key, hash, then)
    }

    fn find_then_any<R>(
        &self,
        vm: &mut Vm,
        key: &Value,
        hash: i64,
        then: impl FnOnce(&mut Table, Option<usize>) -> R,
    ) -> Py<R> {
        'search: loop {
            let mut table = self.lock(vm);
            let mut probe = table.probe(hash);
            loop {
                let Some(at) = table.step(&mut probe) else {
                    return Ok(then(&mut table, None));
                };
                let entry = &table.entries[at];
                if entry.hash != hash {
                    continue;
                }
                let Some(candidate) = &entry.key else {
                    continue;
                };
                match simple_equal(candidate, key) {
                    Some(true) => return Ok(then(&mut table, Some(at))),
                    Some(false) => continue,
                    None => {}
                }
                let candidate = candidate.clone();
                let moves = table.moves;
                drop(table);
                let equal = vm.equal(&candidate, key)?;
                table = self.lock(vm);
                let same = table.moves == moves
                    && table
                        .entries
                        .get(at)
                        .is_some_and(|e| e.key.as_ref().is_some_and(|k| k.is(&candidate)));
                if !same {
                    continue 'search;
                }
                if equal {
                    return Ok(then(&mut table, Some(at)));
                }
            }
        }
    }

    // ---- by key ----

    /// The value of `key`.
    #[inline]
    pub fn get(&self, vm: &mut Vm, key: &Value) -> Py<Option<Value>> {
        let hash = key_hash(vm, key)?;
        self.get_with_hash(vm, key, hash)
    }

    /// The value of `key`, whose hash is known.
    #[inline]
    pub fn get_with_hash(&self, vm: &mut Vm, key: &Value, hash: i64) -> Py<Option<Value>> {
        if world::is_shared()
            && (is_exact_str(key) || !key.is_object())
            && let Ok(found) = self.peek(key, hash)
        {
            return Ok(found);
        }
        self.find_then(vm, key, hash, |table, at| at.and_then(|at| table.value(at)))
    }

    #[inline]
    pub fn contains(&self, vm: &mut Vm, key: &Value) -> Py<bool> {
        let hash = key_hash(vm, key)?;
        self.contains_with_hash(vm, key, hash)
    }

    #[inline]
    pub fn contains_with_hash(&self, vm: &mut Vm, key: &Value, hash: i64) -> Py<bool> {
        if world::is_shared()
            && (is_exact_str(key) || !key.is_object())
            && let Ok(found) = self.peek_index(key, hash)
        {
            return Ok(found.is_some());
        }
        self.find_then(vm, key, hash, |_, at| at.is_some())
    }

    /// Stores `value` under `key`; gives the value it replaced.
    #[inline]
    pub fn insert(&self, vm: &mut Vm, key: &Value, value: Value) -> Py<Option<Value>> {
        let hash = key_hash(vm, key)?;
        self.insert_with_hash(vm, key, hash, value)
    }

    #[inline]
    pub fn insert_with_hash(
        &self,
        vm: &mut Vm,
        key: &Value,
        hash: i64,
        value: Value,
    ) -> Py<Option<Value>> {
        match self.find_then(vm, key, hash, |table, at| table.store(at, hash, key, value))? {
            Ok(old) => Ok(old),
            Err(NoMemory) => Err(vm.memory_error()),
        }
    }

    /// Takes `key` and its value out; gives the value.
    pub fn remove(&self, vm: &mut Vm, key: &Value) -> Py<Option<Value>> {
        let hash = key_hash(vm, key)?;
        self.remove_with_hash(vm, key, hash)
    }

    pub fn remove_with_hash(&self, vm: &mut Vm, key: &Value, hash: i64) -> Py<Option<Value>> {
        // The key comes out of the guard too and is dropped here.
        let pair = self.find_then(vm, key, hash, |table, at| {
            at.and_then(|at| table.delete(at))
        })?;
        Ok(pair.map(|(_, value)| value))
    }

    /// The value of `key`; if it is missing, `value` is stored first.
    pub fn set_default(&self, vm: &mut Vm, key: &Value, value: Value) -> Py<Value> {
        let hash = key_hash(vm, key)?;
        let result = self.find_then(vm, key, hash, |table, at| {
            match at.and_then(|at| table.value(at)) {
                Some(found) => Ok(found),
                None => table
                    .add(hash, key.clone(), value.clone())
                    .map(|()| value.clone()),
            }
        })?;
        match result {
            Ok(found) => Ok(found),
            Err(NoMemory) => Err(vm.memory_error()),
        }
    }

    // ---- as a whole ----

    /// Takes the newest key and its value out.
    pub fn pop_last(&self, vm: &mut Vm) -> Option<(Value, Value)> {
        let mut table = self.lock(vm);
        let at = table
            .entries
            .iter()
            .rposition(|entry| entry.key.is_some())?;
        let pair = table.delete(at);
        // The entries behind it are deleted ones.
        table.truncate(at);
        pair
    }

    /// Takes the oldest key and its value out.
    pub fn pop_first(&self, vm: &mut Vm) -> Option<(Value, Value)> {
        let mut table = self.lock(vm);
        let at = table.first_used()?;
        let pair = table.delete(at);
        table.note_gap(at + 1);
        pair
    }

    /// Makes `key` the newest or the oldest one; false if it is missing.
    pub fn move_to_end(&self, vm: &mut Vm, key: &Value, last: bool) -> Py<bool> {
        let hash = key_hash(vm, key)?;
        let moved = self.find_then(vm, key, hash, |table, at| {
            let Some(at) = at else { return Ok(None) };
            let Some((key, value)) = table.delete(at) else {
                return Ok(None);
            };
            if last {
                table.add(hash, key, value).map(|()| Some(()))
            } else {
                table.add_first(hash, key, value).map(|()| Some(()))
            }
        })?;
        match moved {
            Ok(moved) => Ok(moved.is_some()),
            Err(NoMemory) => Err(vm.memory_error()),
        }
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.with(|table| table.used)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes everything out. Values are dropped when the dict is empty already.
    pub fn clear(&self, vm: &mut Vm) {
        let old = self.lock(vm).replace(Table::new());
        drop(old);
    }

    /// An exact dict with the same items.
    pub fn copy(&self, _vm: &mut Vm) -> Value {
        let table = self.with(Table::clone_squeezed);
        crate::alloc::new_object(Dict {
            table: Locked::new(table),
        })
    }

    /// Takes over all items of `other` if this dict is empty, without hashing or comparing; false if it is not.
    pub fn fill_from(&self, vm: &mut Vm, other: &Obj<Dict>) -> bool {
        if !self.is_empty() {
            return false;
        }
        let copy = other.with(Table::clone_squeezed);
        let mut table = self.lock(vm);
        if table.used != 0 {
            drop(table);
            return false;
        }
        let old = table.replace(copy);
        drop(table);
        drop(old);
        true
    }

    /// Makes room for `additional` keys.
    pub fn reserve(&self, vm: &mut Vm, additional: usize) -> Py<()> {
        let reserved = self.lock(vm).reserve(additional);
        match reserved {
            Ok(()) => Ok(()),
            Err(NoMemory) => Err(vm.memory_error()),
        }
    }

    /// All items, as they are now.
    pub fn items(&self) -> Vec<(Value, Value)> {
        self.with(|table| {
            table
                .entries
                .iter()
                .filter_map(|entry| Some((entry.key.clone()?, entry.value.clone()?)))
                .collect()
        })
    }

    /// All keys, as they are now.
    pub fn keys(&self) -> Vec<Value> {
        self.with(|table| {
            table
                .entries
                .iter()
                .filter_map(|entry| entry.key.clone())
                .collect()
        })
    }

    /// All values, as they are now.
    pub fn values(&self) -> Vec<Value> {
        self.with(|table| {
            table
                .entries
                .iter()
                .filter_map(|entry| entry.value.clone())
                .collect()
        })
    }

    // ---- iteration ----

    /// The first item at or behind entry `pos`, which is set behind it. Insertions meanwhile do no harm.
    #[inline]
    pub fn next_entry(&self, pos: &mut usize) -> Option<(Value, Value)> {
        self.next_with(pos, |entry| entry.key.clone().zip(entry.value.clone()))
    }

    #[inline]
    pub fn next_key(&self, pos: &mut usize) -> Option<Value> {
        self.next_with(pos, |entry| entry.key.clone())
    }

    #[inline]
    pub fn next_value(&self, pos: &mut usize) -> Option<Value> {
        self.next_with(pos, |entry| entry.value.clone())
    }

    /// As [`Obj::next_entry`], with the hash of the key.
    pub fn next_hashed(&self, pos: &mut usize) -> Option<(i64, Value, Value)> {
        self.next_with(pos, |entry| {
            Some((entry.hash, entry.key.clone()?, entry.value.clone()?))
        })
    }

    #[inline(always)]
    fn next_with<R>(&self, pos: &mut usize, take: impl Fn(&Entry) -> Option<R>) -> Option<R> {
        self.with(|table| {
            if *pos == 0 {
                *pos = table.first_used().unwrap_or(table.entries.len());
            }
            while let Some(entry) = table.entries.get(*pos) {
                *pos += 1;
                if let Some(taken) = take(entry) {
                    return Some(taken);
                }
            }
            None
        })
    }

    /// The last item in front of entry `pos`, which is set to its entry. Begin with [`Obj::end`]. A dict that has become shorter
    /// has none.
    pub fn prev_entry(&self, pos: &mut usize) -> Option<(Value, Value)> {
        self.with(|table| {
            if *pos > table.entries.len() {
                return None;
            }
            while *pos > 0 {
                *pos -= 1;
                let entry = &table.entries[*pos];
                if let Some(pair) = entry.key.clone().zip(entry.value.clone()) {
                    return Some(pair);
                }
            }
            None
        })
    }

    /// Differs from an earlier answer if keys came, went or moved since then (up to deletions of as many keys as came).
    pub fn order_state(&self) -> (usize, usize, u32) {
        self.with(|table| (table.used, table.entries.len(), table.moves))
    }

    /// One more than the last entry's number.
    pub fn end(&self) -> usize {
        self.with(|table| table.entries.len())
    }

    // ---- inline caches ----

    /// The version of the set of keys and their entry numbers; 0 if it has none now. Replacing a value keeps it.
    #[inline(always)]
    pub fn keys_version(&self) -> u32 {
        self.with(|table| table.keys_version)
    }

    /// Gives the keys a version if they have none. 0: versions have run out, do not cache.
    pub fn assign_keys_version(&self) -> u32 {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        self.with(|table| {
            if table.keys_version == 0 {
                let next = |version: u32| {
                    if version == u32::MAX {
                        None
                    } else {
                        Some(version + 1)
                    }
                };
                table.keys_version = NEXT.fetch_update(Relaxed, Relaxed, next).unwrap_or(0);
            }
            table.keys_version
        })
    }

    /// The value of entry `index`.
    #[inline(always)]
    pub fn entry_value(&self, index: usize) -> Option<Value> {
        self.with(|table| table.value(index))
    }

    /// The value of entry `index` if the keys still have version `version` (not 0).
    #[inline(always)]
    pub fn cached_value(&self, version: u32, index: usize) -> Option<Value> {
        if world::is_shared()
            && let Ok(found) = self.peek_cached(version, index)
        {
            return found;
        }
        self.with(|table| {
            if table.keys_version == version {
                table.value(index)
            } else {
                None
            }
        })
    }

    /// Replaces the value of entry `index` if the keys still have version `version` (not 0). `Ok` has the old value,
    /// `Err` gives the new one back.
    #[inline(always)]
    pub fn set_cached_value(
        &self,
        version: u32,
        index: usize,
        value: Value,
    ) -> Result<Option<Value>, Value> {
        self.with(|table| match table.entries.get_mut(index) {
            Some(entry) if table.keys_version == version => Ok(entry.value.replace(value)),
            _ => Err(value),
        })
    }

    /// The entry number of a name (an exact string).
    pub fn index_of_name(&self, name: &Value) -> Option<usize> {
        let hash = str_hash(name);
        if world::is_shared()
            && let Ok(found) = self.peek_index(name, hash)
        {
            return found;
        }
        self.with(|table| table.find_str(name, hash))
    }

    // ---- names: never run Python code, need no token ----

    /// The value of a name (an exact string). Keys with an `__eq__` of their own are not compared.
    #[inline]
    pub fn get_name(&self, name: &Value) -> Option<Value> {
        let hash = str_hash(name);
        if world::is_shared()
            && let Ok(found) = self.peek(name, hash)
        {
            return found;
        }
        self.with(|table| table.find_str(name, hash).and_then(|at| table.value(at)))
    }

    #[inline]
    pub fn contains_name(&self, name: &Value) -> bool {
        self.index_of_name(name).is_some()
    }

    /// Stores a value under a name (an exact string); gives the value it replaced.
    pub fn set_name(&self, name: &Value, value: Value) -> Option<Value> {
        let hash = str_hash(name);
        let stored = self.with(|table| {
            let at = table.find_str(name, hash);
            table.store(at, hash, name, value)
        });
        match stored {
            Ok(old) => old,
            Err(NoMemory) => std::alloc::handle_alloc_error(std::alloc::Layout::new::<Entry>()),
        }
    }

    /// Takes a name and its value out; gives the value.
    pub fn remove_name(&self, name: &Value) -> Option<Value> {
        let hash = str_hash(name);
        let pair = self.with(|table| table.find_str(name, hash).and_then(|at| table.delete(at)));
        pair.map(|(_, value)| value)
    }
}
