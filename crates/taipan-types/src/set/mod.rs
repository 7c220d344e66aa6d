//! `set` and `frozenset`: one payload, two types.
//!
//! Searching and changing happen under the guard; an `__eq__` is asked without it, and the search begins again if the table
//! was rebuilt or the candidate is gone.

mod iterator;
mod methods;
pub mod table;

pub use iterator::SetIterator;

use crate::check;
use crate::text::Builder;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use table::{NoMemory, Table};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::{DICT, FROZENSET, SET, TYPE_ERROR};
use taipan_core::dict_object::{Dict, dict_of, simple_equal, simple_hash, unhashable};
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, BinaryOp, CompareOp, Layout, Obj, Payload, Py, Slots, Tracer, TypeFlags, TypeObject,
    TypeSpec, Value, Vm,
};

/// Payload of sets and frozensets.
pub struct Set {
    table: Locked<Table>,
    /// Of frozensets: the hash, -1 until computed.
    hash: AtomicI64,
}

/// A set or a frozenset.
pub type SetObject = Obj<Set>;

impl HasState for Set {
    type State = Table;
    #[inline(always)]
    fn cell(&self) -> &Locked<Table> {
        &self.table
    }
}

// SAFETY: the keys are the only references. Objects of type `frozenset` have this payload too and are reached by `any_set`.
unsafe impl Payload for Set {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &SET
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the collector stops the world, and no guard lives at a safepoint.
        tracer.visit_all(
            unsafe { self.table.get_unlocked() }
                .iter()
                .map(|(_, key)| key),
        );
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: as in `trace`.
        let table = std::mem::take(unsafe { self.table.get_unlocked() });
        out.extend(table.iter().map(|(_, key)| key.clone()));
    }
    fn outside_size(&self) -> usize {
        // SAFETY: reads a size only.
        unsafe { self.table.get_unlocked() }.bytes()
    }
}

/// The set of a `set`, a `frozenset`, or an instance of a subclass of them.
#[inline(always)]
pub fn any_set(value: &Value) -> Option<&SetObject> {
    if value.is_object() && value.type_of().has(TypeFlags::SET_SUBCLASS) {
        // SAFETY: both types and their subclasses have this payload.
        Some(unsafe { value.cast_unchecked::<Set>() })
    } else {
        None
    }
}

/// The set that `self` of a method is.
#[inline(always)]
fn own(this: &Value) -> &SetObject {
    match any_set(this) {
        Some(set) => set,
        None => this.expect::<Set>(),
    }
}

fn make(cls: &TypeObject, table: Table) -> Value {
    new_instance(
        cls,
        Set {
            table: Locked::new(table),
            hash: AtomicI64::new(-1),
        },
    )
}

/// A new empty set.
pub fn new_empty() -> Value {
    make(&SET, Table::new())
}

/// A new set of the items of `iterable`.
pub fn set_from(vm: &mut Vm, iterable: &Value) -> Py {
    let set = new_empty();
    update(vm, own(&set), iterable)?;
    Ok(set)
}

/// A new frozenset of the items of `iterable`.
pub fn frozenset_from(vm: &mut Vm, iterable: &Value) -> Py {
    let set = make(&FROZENSET, Table::new());
    update(vm, own(&set), iterable)?;
    Ok(set)
}

fn read<R>(vm: &mut Vm, set: &SetObject, look: impl FnOnce(&Table) -> R) -> R {
    if taipan_core::world::is_shared() {
        return look(&set.lock(vm));
    }
    // SAFETY: this is the only thread, and `look` neither drops values nor comes back here.
    look(unsafe { set.cell().get_unlocked() })
}

/// Number of keys.
pub fn len(vm: &mut Vm, set: &SetObject) -> usize {
    read(vm, set, Table::len)
}

/// The hash of a key of a set.
pub fn key_hash(vm: &mut Vm, key: &Value) -> Py<i64> {
    if let Some(hash) = simple_hash(key) {
        return Ok(hash);
    }
    match vm.hash(key) {
        Ok(hash) => Ok(hash),
        Err(raised) => Err(unhashable(vm, raised, key, "a set element")),
    }
}

/// The hash of something looked for: an unhashable set stands for the frozenset of its keys.
fn search_hash(vm: &mut Vm, key: &Value) -> Py<i64> {
    match any_set(key) {
        Some(set) if key.is_exact(&SET) => Ok(read(vm, set, frozen_hash)),
        Some(set) if key.is_instance(&SET) => match vm.hash(key) {
            Ok(hash) => Ok(hash),
            Err(raised) => {
                vm.catch(raised, &TYPE_ERROR)?;
                Ok(read(vm, set, frozen_hash))
            }
        },
        _ => key_hash(vm, key),
    }
}

/// Finds `key` and runs `then` on the table and the key's place, under one guard.
fn find_then<R>(
    vm: &mut Vm,
    set: &SetObject,
    key: &Value,
    hash: i64,
    then: impl FnOnce(&mut Table, Option<usize>) -> R,
) -> Py<R> {
    'search: loop {
        let mut table = set.lock(vm);
        let mut probe = table.probe(hash);
        loop {
            let Some(at) = table.step(&mut probe, hash) else {
                return Ok(then(&mut table, None));
            };
            let Some(candidate) = table.key(at) else {
                continue;
            };
            match simple_equal(candidate, key) {
                Some(true) => return Ok(then(&mut table, Some(at))),
                Some(false) => continue,
                None => {}
            }
            let candidate = candidate.clone();
            let moves = table.moves();
            drop(table);
            let equal = vm.equal(&candidate, key)?;
            table = set.lock(vm);
            if table.moves() != moves || !table.key(at).is_some_and(|own| own.is(&candidate)) {
                continue 'search;
            }
            if equal {
                return Ok(then(&mut table, Some(at)));
            }
        }
    }
}

/// Adds a key; false if it was there.
pub fn add(vm: &mut Vm, set: &SetObject, key: &Value) -> Py<bool> {
    let hash = key_hash(vm, key)?;
    add_with_hash(vm, set, key, hash)
}

pub fn add_with_hash(vm: &mut Vm, set: &SetObject, key: &Value, hash: i64) -> Py<bool> {
    let added = find_then(vm, set, key, hash, |table, at| match at {
        Some(_) => Ok(false),
        None => table.add(hash, key.clone()).map(|()| true),
    })?;
    match added {
        Ok(added) => Ok(added),
        Err(NoMemory) => Err(vm.memory_error()),
    }
}

/// `key in set`
pub fn contains(vm: &mut Vm, set: &SetObject, key: &Value) -> Py<bool> {
    let hash = search_hash(vm, key)?;
    contains_with_hash(vm, set, key, hash)
}

fn contains_with_hash(vm: &mut Vm, set: &SetObject, key: &Value, hash: i64) -> Py<bool> {
    find_then(vm, set, key, hash, |_, at| at.is_some())
}

/// Takes a key out; false if it was not there.
pub fn discard(vm: &mut Vm, set: &SetObject, key: &Value) -> Py<bool> {
    let hash = search_hash(vm, key)?;
    discard_with_hash(vm, set, key, hash)
}

fn discard_with_hash(vm: &mut Vm, set: &SetObject, key: &Value, hash: i64) -> Py<bool> {
    let removed = find_then(vm, set, key, hash, |table, at| {
        at.and_then(|at| table.delete(at))
    })?;
    Ok(removed.is_some())
}

/// Takes everything out.
pub fn clear(vm: &mut Vm, set: &SetObject) {
    let old = {
        let mut table = set.lock(vm);
        let mut fresh = Table::new();
        std::mem::swap(&mut *table, &mut fresh);
        table.moved_from(&fresh);
        fresh
    };
    drop(old);
}

/// The first key at or behind place `at`, which is set behind it, with its hash.
fn next_key(vm: &mut Vm, set: &SetObject, at: &mut usize) -> Option<(i64, Value)> {
    read(vm, set, |table| {
        table.next(at).map(|(hash, key)| (hash, key.clone()))
    })
}

/// All keys, as they are now.
pub fn keys(vm: &mut Vm, set: &SetObject) -> Vec<Value> {
    read(vm, set, |table| {
        table.iter().map(|(_, key)| key.clone()).collect()
    })
}

/// All keys with their hashes, as they are now.
fn hashed_keys(vm: &mut Vm, set: &SetObject) -> Vec<(i64, Value)> {
    read(vm, set, |table| {
        table
            .iter()
            .map(|(hash, key)| (hash, key.clone()))
            .collect()
    })
}

/// The keys of a set or dict with their hashes, if `value` is one.
pub(crate) fn hashed_keys_of(vm: &mut Vm, value: &Value) -> Option<Vec<(i64, Value)>> {
    if let Some(set) = any_set(value) {
        return Some(hashed_keys(vm, set));
    }
    let dict: &Obj<Dict> = if value.is_exact(&DICT) {
        dict_of(value)?
    } else {
        return None;
    };
    let mut rows = Vec::with_capacity(dict.len());
    let mut at = 0;
    while let Some((hash, key, _)) = dict.next_hashed(&mut at) {
        rows.push((hash, key));
    }
    Some(rows)
}

/// Adds all items of `other`.
pub fn update(vm: &mut Vm, set: &SetObject, other: &Value) -> Py<()> {
    if let Some(source) = any_set(other) {
        return merge(vm, set, source);
    }
    if let Some(rows) = hashed_keys_of(vm, other) {
        let reserved = set.lock(vm).reserve_for(rows.len());
        if reserved.is_err() {
            return Err(vm.memory_error());
        }
        for (hash, key) in rows {
            add_with_hash(vm, set, &key, hash)?;
        }
        return Ok(());
    }
    let iterator = vm.iter(other)?;
    while let Some(item) = vm.next(&iterator)? {
        add(vm, set, &item)?;
    }
    Ok(())
}

fn merge(vm: &mut Vm, set: &SetObject, source: &SetObject) -> Py<()> {
    if std::ptr::eq(set, source) || len(vm, source) == 0 {
        return Ok(());
    }
    let many = len(vm, source);
    let empty = {
        let mut table = set.lock(vm);
        table.reserve_for(many).map(|()| table.is_empty())
    };
    match empty {
        Ok(false) => {}
        Ok(true) => {
            // The keys of a set are all different, so none needs to be compared.
            let Ok(copy) = read(vm, source, Table::duplicate) else {
                return Err(vm.memory_error());
            };
            let done = {
                let mut table = set.lock(vm);
                if table.is_empty() {
                    Ok(table.take_over(&copy))
                } else {
                    Err(())
                }
            };
            drop(copy);
            match done {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(NoMemory)) => return Err(vm.memory_error()),
                Err(()) => {}
            }
        }
        Err(NoMemory) => return Err(vm.memory_error()),
    }
    for (hash, key) in hashed_keys(vm, source) {
        add_with_hash(vm, set, &key, hash)?;
    }
    Ok(())
}

/// Takes all items of `other` out.
pub fn difference_update(vm: &mut Vm, set: &SetObject, other: &Value) -> Py<()> {
    if any_set(other).is_some_and(|other| std::ptr::eq(other, set)) {
        clear(vm, set);
        return Ok(());
    }
    if let Some(rows) = any_set(other).map(|other| hashed_keys(vm, other)) {
        for (hash, key) in rows {
            discard_with_hash(vm, set, &key, hash)?;
        }
    } else {
        let iterator = vm.iter(other)?;
        while let Some(item) = vm.next(&iterator)? {
            let hash = key_hash(vm, &item)?;
            discard_with_hash(vm, set, &item, hash)?;
        }
    }
    let squeezed = set.lock(vm).squeeze();
    match squeezed {
        Ok(()) => Ok(()),
        Err(NoMemory) => Err(vm.memory_error()),
    }
}

/// Keeps what is in exactly one of the set and `other`.
pub fn symmetric_difference_update(vm: &mut Vm, set: &SetObject, other: &Value) -> Py<()> {
    if any_set(other).is_some_and(|other| std::ptr::eq(other, set)) {
        clear(vm, set);
        return Ok(());
    }
    let rows = match hashed_keys_of(vm, other) {
        Some(rows) => rows,
        None => {
            let different = set_from(vm, other)?;
            hashed_keys(vm, own(&different))
        }
    };
    for (hash, key) in rows {
        if !discard_with_hash(vm, set, &key, hash)? {
            add_with_hash(vm, set, &key, hash)?;
        }
    }
    Ok(())
}

/// The type of the results of operators on an instance of `cls`: `set` or `frozenset`.
fn base_of(value: &Value) -> &'static TypeObject {
    if value.is_instance(&FROZENSET) {
        &FROZENSET
    } else {
        &SET
    }
}

/// A copy of `this`, of type `set` or `frozenset`.
fn plain_copy(vm: &mut Vm, this: &Value) -> Py {
    match read(vm, own(this), Table::duplicate) {
        Ok(table) => Ok(make(base_of(this), table)),
        Err(NoMemory) => Err(vm.memory_error()),
    }
}

fn intersection(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    let result = make(base_of(this), Table::new());
    if this.is(other) {
        return plain_copy(vm, this);
    }
    let mut set = own(this);
    if let Some(mut second) = any_set(other) {
        if len(vm, second) > len(vm, set) {
            std::mem::swap(&mut set, &mut second);
        }
        let mut at = 0;
        while let Some((hash, key)) = next_key(vm, second, &mut at) {
            if contains_with_hash(vm, set, &key, hash)? {
                add_with_hash(vm, own(&result), &key, hash)?;
            }
        }
        return Ok(result);
    }
    let iterator = vm.iter(other)?;
    while let Some(item) = vm.next(&iterator)? {
        let hash = key_hash(vm, &item)?;
        if contains_with_hash(vm, set, &item, hash)? {
            add_with_hash(vm, own(&result), &item, hash)?;
        }
    }
    Ok(result)
}

fn difference(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    let set = own(this);
    let other_len = match (any_set(other), other.is_exact(&DICT)) {
        (Some(other), _) => Some(len(vm, other)),
        (None, true) => Some(other.expect::<Dict>().len()),
        _ => None,
    };
    let few = other_len.is_none_or(|other| len(vm, set) >> 2 > other);
    if few {
        let result = plain_copy(vm, this)?;
        difference_update(vm, own(&result), other)?;
        return Ok(result);
    }
    let result = make(base_of(this), Table::new());
    let mut at = 0;
    while let Some((hash, key)) = next_key(vm, set, &mut at) {
        let there = match any_set(other) {
            Some(other) => contains_with_hash(vm, other, &key, hash)?,
            None => other.expect::<Dict>().contains_with_hash(vm, &key, hash)?,
        };
        if !there {
            add_with_hash(vm, own(&result), &key, hash)?;
        }
    }
    Ok(result)
}

fn is_disjoint(vm: &mut Vm, this: &Value, other: &Value) -> Py<bool> {
    let mut set = own(this);
    if this.is(other) {
        return Ok(len(vm, set) == 0);
    }
    if let Some(mut second) = any_set(other) {
        if len(vm, second) > len(vm, set) {
            std::mem::swap(&mut set, &mut second);
        }
        let mut at = 0;
        while let Some((hash, key)) = next_key(vm, second, &mut at) {
            if contains_with_hash(vm, set, &key, hash)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    let iterator = vm.iter(other)?;
    while let Some(item) = vm.next(&iterator)? {
        let hash = key_hash(vm, &item)?;
        if contains_with_hash(vm, set, &item, hash)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Is every key of `a` in `b`?
fn is_subset(vm: &mut Vm, a: &SetObject, b: &SetObject) -> Py<bool> {
    if len(vm, a) > len(vm, b) {
        return Ok(false);
    }
    let mut at = 0;
    while let Some((hash, key)) = next_key(vm, a, &mut at) {
        if !contains_with_hash(vm, b, &key, hash)? {
            return Ok(false);
        }
    }
    Ok(true)
}

// ---- slots ----

fn set_new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(make(cls, Table::new()))
}

fn set_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    if args.has_keywords() {
        check::no_keywords(vm, "set", args)?;
    }
    check::count(vm, "set", args.pos().len(), 0, 1)?;
    let set = own(this);
    clear(vm, set);
    set.hash.store(-1, Relaxed);
    match args.pos() {
        [iterable] => update(vm, set, iterable),
        _ => Ok(()),
    }
}

fn frozenset_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let exact = std::ptr::eq(cls, &FROZENSET);
    let same_init = cls.slots().init.map(|init| init as usize)
        == FROZENSET.slots().init.map(|init| init as usize);
    if args.has_keywords() && (exact || same_init) {
        check::no_keywords(vm, "frozenset", args)?;
    }
    check::count(vm, "frozenset", args.pos().len(), 0, 1)?;
    let set = make(cls, Table::new());
    if let [iterable] = args.pos() {
        if exact && iterable.is_exact(&FROZENSET) {
            return Ok(iterable.clone());
        }
        update(vm, own(&set), iterable)?;
    }
    Ok(set)
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let name = this.type_of().name();
    if !vm.repr_enter(this) {
        return Ok(new_str(&format!("{name}(...)")));
    }
    let text = repr_keys(vm, this, name);
    vm.repr_leave();
    text?.finish(vm)
}

fn repr_keys(vm: &mut Vm, this: &Value, name: &str) -> Py<Builder> {
    let mut text = Builder::new();
    let keys = keys(vm, own(this));
    if keys.is_empty() {
        text.push_str(&format!("{name}()"));
        return Ok(text);
    }
    let bare = this.is_exact(&SET);
    if !bare {
        text.push_str(name);
        text.push_str("(");
    }
    let mut open = "{";
    for key in keys {
        text.push_str(open);
        open = ", ";
        text.push_value(&vm.repr(&key)?);
    }
    text.push_str(if bare { "}" } else { "})" });
    Ok(text)
}

/// The hash of a frozenset: the same for equal sets, whatever the order of their keys.
fn frozen_hash(table: &Table) -> i64 {
    let shuffle = |hash: u64| ((hash ^ 89869747) ^ (hash << 16)).wrapping_mul(3644798167);
    let mut hash = table
        .iter()
        .fold(0, |sum, (hash, _)| sum ^ shuffle(hash as u64));
    hash ^= (table.len() as u64 + 1).wrapping_mul(1927868237);
    hash ^= (hash >> 11) ^ (hash >> 25);
    hash = hash.wrapping_mul(69069).wrapping_add(907133923);
    if hash == u64::MAX {
        590923713
    } else {
        hash as i64
    }
}

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    let set = own(this);
    let known = set.hash.load(Relaxed);
    if known != -1 {
        return Ok(known);
    }
    let hash = read(vm, set, frozen_hash);
    set.hash.store(hash, Relaxed);
    Ok(hash)
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (left, Some(right)) = (own(a), any_set(b)) else {
        return Ok(Value::not_implemented());
    };
    let (many, more) = (len(vm, left), len(vm, right));
    let holds = match op {
        CompareOp::Eq | CompareOp::Ne => {
            let (known, other) = (left.hash.load(Relaxed), right.hash.load(Relaxed));
            let differ = many != more || known != -1 && other != -1 && known != other;
            let equal = !differ && is_subset(vm, left, right)?;
            equal == (op == CompareOp::Eq)
        }
        CompareOp::Le => is_subset(vm, left, right)?,
        CompareOp::Ge => is_subset(vm, right, left)?,
        CompareOp::Lt => many < more && is_subset(vm, left, right)?,
        CompareOp::Gt => many > more && is_subset(vm, right, left)?,
    };
    Ok(Value::bool(holds))
}

fn len_slot(vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(len(vm, own(this)))
}

fn contains_slot(vm: &mut Vm, this: &Value, key: &Value) -> Py<bool> {
    contains(vm, own(this), key)
}

fn both_sets(a: &Value, b: &Value) -> bool {
    any_set(a).is_some() && any_set(b).is_some()
}

fn or(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    if !both_sets(a, b) {
        return Ok(Value::not_implemented());
    }
    let result = plain_copy(vm, a)?;
    if !a.is(b) {
        update(vm, own(&result), b)?;
    }
    Ok(result)
}

fn and(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    if both_sets(a, b) {
        intersection(vm, a, b)
    } else {
        Ok(Value::not_implemented())
    }
}

fn subtract(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    if both_sets(a, b) {
        difference(vm, a, b)
    } else {
        Ok(Value::not_implemented())
    }
}

fn xor(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    if !both_sets(a, b) {
        return Ok(Value::not_implemented());
    }
    methods::symmetric_difference_of(vm, a, b)
}

fn inplace_or(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    if any_set(other).is_none() {
        return Ok(Value::not_implemented());
    }
    update(vm, own(this), other)?;
    Ok(this.clone())
}

fn inplace_and(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    if any_set(other).is_none() {
        return Ok(Value::not_implemented());
    }
    let result = intersection(vm, this, other)?;
    exchange(vm, own(this), own(&result));
    Ok(this.clone())
}

fn inplace_subtract(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    if any_set(other).is_none() {
        return Ok(Value::not_implemented());
    }
    difference_update(vm, own(this), other)?;
    Ok(this.clone())
}

fn inplace_xor(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    if any_set(other).is_none() {
        return Ok(Value::not_implemented());
    }
    symmetric_difference_update(vm, own(this), other)?;
    Ok(this.clone())
}

/// Moves the keys of `fresh`, which nobody else knows, into `set`.
fn exchange(vm: &mut Vm, set: &SetObject, fresh: &SetObject) {
    let new = std::mem::take(&mut *fresh.lock(vm));
    let old = {
        let mut table = set.lock(vm);
        let old = std::mem::replace(&mut *table, new);
        table.moved_from(&old);
        old
    };
    drop(old);
}

const COMMON: Slots = Slots {
    repr: Some(repr),
    compare: Some(compare),
    iter: Some(iterator::iter),
    len: Some(len_slot),
    contains: Some(contains_slot),
    ..Slots::NONE
}
.with_binary(BinaryOp::Or, or)
.with_binary(BinaryOp::And, and)
.with_binary(BinaryOp::Subtract, subtract)
.with_binary(BinaryOp::Xor, xor);

const FLAGS: TypeFlags = TypeFlags::BASE
    .union(TypeFlags::SET_SUBCLASS)
    .union(TypeFlags::MATCH_SELF)
    .union(TypeFlags::WEAKREF);

static LAYOUT: Layout = Layout::of::<Set>();

static SET_SPEC: TypeSpec = TypeSpec {
    name: "set",
    flags: FLAGS,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(set_new),
        init: Some(set_init),
        ..COMMON
    }
    .with_inplace(BinaryOp::Or, inplace_or)
    .with_inplace(BinaryOp::And, inplace_and)
    .with_inplace(BinaryOp::Subtract, inplace_subtract)
    .with_inplace(BinaryOp::Xor, inplace_xor),
    methods: &methods::SET_METHODS,
    doc: "Build an unordered collection of unique elements.",
    ..TypeSpec::DEFAULT
};

static FROZENSET_SPEC: TypeSpec = TypeSpec {
    name: "frozenset",
    flags: FLAGS,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(frozenset_new),
        hash: Some(hash),
        ..COMMON
    },
    methods: &methods::FROZENSET_METHODS,
    doc: "Build an immutable unordered collection of unique elements.",
    ..TypeSpec::DEFAULT
};

/// Defines the types.
pub fn define_all() {
    SET.define(&SET_SPEC);
    FROZENSET.define(&FROZENSET_SPEC);
    iterator::define();
}
