//! Memos: what was pickled or unpickled before, and the proxies that show them to Python.

use super::pickler::Pickler;
use super::unpickler::Unpickler;
use crate::support::{Holds, native_type};
use std::collections::HashMap;
use taipan_core::alloc::new_object;
use taipan_core::builtin_types::DICT;
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::lock::Locked;
use taipan_core::number::int_from_u64;
use taipan_core::slot_generic::hash_not_implemented;
use taipan_core::tuple_object::{self, new_tuple};
use taipan_core::{Layout, MethodDef, Py, Slots, Tracer, TypeSpec, Value, Vm, f0};

/// A place of [`SaveMemo`]'s table.
#[derive(Default)]
struct Place {
    object: Option<Value>,
    number: usize,
}

/// What was pickled: objects by identity, each with its number. They are kept alive, so that addresses stay theirs.
///
/// An open table of a power of two of places, a third of which at least are free.
#[derive(Default)]
pub(super) struct SaveMemo {
    places: Vec<Place>,
    used: usize,
}

impl SaveMemo {
    /// The place of an object, or the free one where it belongs. There are free places.
    #[inline]
    fn place_of(&self, word: u64) -> usize {
        let mask = self.places.len() - 1;
        // Addresses differ in their middle bits; a multiplication brings these to the top.
        let mut at = (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask;
        loop {
            match &self.places[at].object {
                Some(object) if object.bits() != word => at = (at + 1) & mask,
                _ => return at,
            }
        }
    }

    #[inline]
    pub fn get(&self, object: &Value) -> Option<usize> {
        if self.used == 0 {
            return None;
        }
        let place = &self.places[self.place_of(object.bits())];
        place.object.is_some().then_some(place.number)
    }

    /// Notes an object; gives the number it gets, or `None` if memory ran out.
    #[inline]
    pub fn add(&mut self, object: &Value) -> Option<usize> {
        let number = self.used;
        self.add_numbered(object, number)?;
        Some(number)
    }

    #[inline]
    fn add_numbered(&mut self, object: &Value, number: usize) -> Option<()> {
        if self.used * 3 >= self.places.len() * 2 {
            self.grow()?;
        }
        let at = self.place_of(object.bits());
        let place = &mut self.places[at];
        if place.object.is_none() {
            place.object = Some(object.clone());
            self.used += 1;
        }
        place.number = number;
        Some(())
    }

    #[inline(never)]
    fn grow(&mut self) -> Option<()> {
        // Small tables grow faster: most of the work is moving what is in them.
        let factor = if self.used > 50_000 { 2 } else { 4 };
        let size = (self.used * factor).next_power_of_two().max(16);
        let mut places = Vec::new();
        places.try_reserve_exact(size).ok()?;
        places.resize_with(size, Place::default);
        let old = std::mem::replace(&mut self.places, places);
        for place in old {
            if let Some(object) = &place.object {
                let at = self.place_of(object.bits());
                self.places[at] = place;
            }
        }
        Some(())
    }

    fn rows(&self) -> Vec<(usize, Value)> {
        let places = self.places.iter();
        places
            .filter_map(|place| Some((place.number, place.object.clone()?)))
            .collect()
    }

    fn from_rows(rows: Vec<(usize, Value)>) -> Option<SaveMemo> {
        let mut memo = SaveMemo::default();
        for (number, object) in rows {
            memo.add_numbered(&object, number)?;
        }
        Some(memo)
    }
}

impl Holds for SaveMemo {
    fn report(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all(self.places.iter().filter_map(|place| place.object.as_ref()));
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        self.used = 0;
        out.extend(self.places.drain(..).filter_map(|place| place.object));
    }
}

/// What was unpickled, by number. Numbers far beyond the rest, which only odd pickles have, are kept apart.
#[derive(Default)]
pub(super) struct LoadMemo {
    dense: Vec<Option<Value>>,
    sparse: HashMap<usize, Value>,
    used: usize,
}

impl LoadMemo {
    #[inline]
    pub fn get(&self, number: usize) -> Option<Value> {
        match self.dense.get(number) {
            Some(Some(value)) => Some(value.clone()),
            _ => self.sparse.get(&number).cloned(),
        }
    }

    /// Stores a value; gives what it replaces. `Err`: memory ran out.
    #[inline]
    pub fn put(&mut self, number: usize, value: Value) -> Result<Option<Value>, ()> {
        if number == self.dense.len() && self.sparse.is_empty() {
            if number == self.dense.capacity() && self.dense.try_reserve(1).is_err() {
                return Err(());
            }
            self.dense.push(Some(value));
            self.used += 1;
            return Ok(None);
        }
        self.put_anywhere(number, value)
    }

    fn put_anywhere(&mut self, number: usize, value: Value) -> Result<Option<Value>, ()> {
        let near = number < self.dense.len() * 2 + 1024;
        if number >= self.dense.len() && near && !self.sparse.contains_key(&number) {
            let more = number + 1 - self.dense.len();
            if self.dense.try_reserve(more).is_err() {
                return Err(());
            }
            self.dense.resize(number + 1, None);
        }
        let old = match self.dense.get_mut(number) {
            Some(place) if !self.sparse.contains_key(&number) => place.replace(value),
            _ => {
                if self.sparse.try_reserve(1).is_err() {
                    return Err(());
                }
                self.sparse.insert(number, value)
            }
        };
        self.used += usize::from(old.is_none());
        Ok(old)
    }

    /// Stores a value under the next number.
    #[inline]
    pub fn push(&mut self, value: Value) -> Result<Option<Value>, ()> {
        self.put(self.used, value)
    }

    fn rows(&self) -> Vec<(usize, Value)> {
        let dense = self.dense.iter().enumerate();
        let dense = dense.filter_map(|(number, value)| Some((number, value.clone()?)));
        let sparse = self.sparse.iter();
        dense
            .chain(sparse.map(|(number, value)| (*number, value.clone())))
            .collect()
    }
}

impl Holds for LoadMemo {
    fn report(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all(self.dense.iter().flatten());
        tracer.visit_all(self.sparse.values());
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        out.extend(self.dense.drain(..).flatten());
        out.extend(self.sparse.drain().map(|(_, value)| value));
    }
}

// ---- proxies ----

native_type! {
    /// Payload of the proxy that shows a pickler's memo.
    PICKLER_MEMO "_pickle.PicklerMemoProxy" PicklerMemo { pickler: Value }
    PicklerMemoState {}
}

native_type! {
    /// Payload of the proxy that shows an unpickler's memo.
    UNPICKLER_MEMO "_pickle.UnpicklerMemoProxy" UnpicklerMemo { unpickler: Value }
    UnpicklerMemoState {}
}

macro_rules! proxy_spec {
    ($spec:ident, $layout:ident, $methods:ident, $name:literal, $payload:ty, $clear:ident, $copy:ident) => {
        static $spec: TypeSpec = TypeSpec {
            name: $name,
            layout: Some(&$layout),
            slots: Slots {
                hash: Some(hash_not_implemented),
                ..Slots::NONE
            },
            flags: taipan_core::TypeFlags::NO_INSTANTIATION,
            methods: &$methods,
            ..TypeSpec::DEFAULT
        };
        static $layout: Layout = Layout::of::<$payload>();
        static $methods: [MethodDef; 3] = [
            f0("clear(self, /)", $clear, "Remove all items from memo."),
            f0("copy(self, /)", $copy, "Copy the memo to a new object."),
            f0(
                "__reduce__(self, /)",
                |vm, this| {
                    let copy = $copy(vm, this)?;
                    Ok(new_tuple([DICT.to_value(), new_tuple([copy])]))
                },
                "Implement pickle support.",
            ),
        ];
    };
}

proxy_spec!(
    PICKLER_MEMO_SPEC,
    PICKLER_MEMO_LAYOUT,
    PICKLER_MEMO_METHODS,
    "_pickle.PicklerMemoProxy",
    PicklerMemo,
    pickler_clear,
    pickler_copy
);
proxy_spec!(
    UNPICKLER_MEMO_SPEC,
    UNPICKLER_MEMO_LAYOUT,
    UNPICKLER_MEMO_METHODS,
    "_pickle.UnpicklerMemoProxy",
    UnpicklerMemo,
    unpickler_clear,
    unpickler_copy
);

pub(super) fn define() {
    PICKLER_MEMO.define(&PICKLER_MEMO_SPEC);
    UNPICKLER_MEMO.define(&UNPICKLER_MEMO_SPEC);
}

fn pickler_clear(vm: &mut Vm, this: &Value) -> Py {
    let pickler = &this.expect::<PicklerMemo>().pickler;
    replace_save_memo(vm, pickler, SaveMemo::default());
    Ok(Value::none())
}

/// Replaces a pickler's memo. The old one is dropped when nobody holds a guard.
pub(super) fn replace_save_memo(vm: &mut Vm, pickler: &Value, memo: SaveMemo) {
    let pickler = pickler.expect::<Pickler>();
    let old = std::mem::replace(pickler.lock(vm).memo(), memo);
    drop(old);
}

fn replace_load_memo(vm: &mut Vm, unpickler: &Value, memo: LoadMemo) {
    let unpickler = unpickler.expect::<Unpickler>();
    let old = std::mem::replace(unpickler.lock(vm).memo(), memo);
    drop(old);
}

fn pickler_copy(vm: &mut Vm, this: &Value) -> Py {
    let pickler = this.expect::<PicklerMemo>().pickler.clone();
    let rows = pickler.expect::<Pickler>().lock(vm).memo().rows();
    let copy = new_dict();
    let dict = copy.expect::<Dict>();
    for (number, object) in rows {
        let id = int_from_u64(object.bits());
        let row = new_tuple([Value::int(number as i64), object]);
        dict.insert(vm, &id, row)?;
    }
    Ok(copy)
}

fn unpickler_clear(vm: &mut Vm, this: &Value) -> Py {
    let unpickler = &this.expect::<UnpicklerMemo>().unpickler;
    replace_load_memo(vm, unpickler, LoadMemo::default());
    Ok(Value::none())
}

fn unpickler_copy(vm: &mut Vm, this: &Value) -> Py {
    let unpickler = this.expect::<UnpicklerMemo>().unpickler.clone();
    let rows = unpickler.expect::<Unpickler>().lock(vm).memo().rows();
    let copy = new_dict();
    for (number, value) in rows {
        let number = Value::int(number as i64);
        copy.expect::<Dict>().insert(vm, &number, value)?;
    }
    Ok(copy)
}

/// `pickler.memo`
pub(super) fn get_pickler_memo(_vm: &mut Vm, pickler: &Value) -> Py {
    Ok(new_object(PicklerMemo {
        pickler: pickler.clone(),
        state: Locked::new(PicklerMemoState {}),
    }))
}

/// `pickler.memo = memo`
pub(super) fn set_pickler_memo(vm: &mut Vm, pickler: &Value, memo: Option<&Value>) -> Py<()> {
    let Some(memo) = memo else {
        return Err(vm.type_error("attribute deletion is not supported"));
    };
    let rows = if let Some(proxy) = memo.cast::<PicklerMemo>() {
        proxy.pickler.expect::<Pickler>().lock(vm).memo().rows()
    } else if let Some(dict) = dict_of(memo) {
        let mut rows = Vec::new();
        for (_, row) in dict.items() {
            let Some([number, object]) = tuple_object::items(&row) else {
                return Err(vm.type_error("'memo' values must be 2-item tuples"));
            };
            let number = vm.index_i64(number)?;
            rows.push((number as usize, object.clone()));
        }
        rows
    } else {
        let message = format!(
            "'memo' attribute must be a PicklerMemoProxy object or dict, not {}",
            memo.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    match SaveMemo::from_rows(rows) {
        Some(memo) => replace_save_memo(vm, pickler, memo),
        None => return Err(vm.memory_error()),
    }
    Ok(())
}

/// `unpickler.memo`
pub(super) fn get_unpickler_memo(_vm: &mut Vm, unpickler: &Value) -> Py {
    Ok(new_object(UnpicklerMemo {
        unpickler: unpickler.clone(),
        state: Locked::new(UnpicklerMemoState {}),
    }))
}

/// `unpickler.memo = memo`
pub(super) fn set_unpickler_memo(vm: &mut Vm, unpickler: &Value, memo: Option<&Value>) -> Py<()> {
    let Some(memo) = memo else {
        return Err(vm.type_error("attribute deletion is not supported"));
    };
    let rows = if let Some(proxy) = memo.cast::<UnpicklerMemo>() {
        proxy.unpickler.expect::<Unpickler>().lock(vm).memo().rows()
    } else if let Some(dict) = dict_of(memo) {
        let mut rows = Vec::new();
        for (number, value) in dict.items() {
            if !number.is_int() {
                return Err(vm.type_error("memo key must be integers"));
            }
            let Ok(number) = usize::try_from(vm.index_i64(&number)?) else {
                return Err(vm.value_error("memo key must be positive integers."));
            };
            rows.push((number, value));
        }
        rows
    } else {
        let message = format!(
            "'memo' attribute must be an UnpicklerMemoProxy object or dict, not {}",
            memo.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let mut made = LoadMemo::default();
    for (number, value) in rows {
        if made.put(number, value).is_err() {
            return Err(vm.memory_error());
        }
    }
    replace_load_memo(vm, unpickler, made);
    Ok(())
}
