//! Iterators over dicts and their views, forwards and backwards.

use super::own;
use crate::iterators::{DONE, itself, reduce_exhausted};
use crate::list::new_list;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use taipan_core::alloc::new_object;
use taipan_core::dict_object::Dict;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Layout, MethodDef, Obj, Payload, Py, Slots, Tracer, Type, TypeObject, TypeSpec, Value, Vm, f0,
};

/// What iterators and views are about.
pub const KEYS: u8 = 0;
pub const VALUES: u8 = 1;
pub const ITEMS: u8 = 2;

/// The expected size of a dict whose size was seen to change: no dict has it.
const CHANGED: usize = usize::MAX - 1;

/// The types `dict_keyiterator`, `dict_valueiterator`, `dict_itemiterator`.
pub static ITERATORS: [TypeObject; 3] = [
    Type::declare("dict_keyiterator"),
    Type::declare("dict_valueiterator"),
    Type::declare("dict_itemiterator"),
];

/// The types `dict_reversekeyiterator`, `dict_reversevalueiterator`, `dict_reverseitemiterator`.
pub static REVERSE_ITERATORS: [TypeObject; 3] = [
    Type::declare("dict_reversekeyiterator"),
    Type::declare("dict_reversevalueiterator"),
    Type::declare("dict_reverseitemiterator"),
];

/// Payload of the dict iterators.
pub struct DictIterator<const WHAT: u8, const REVERSED: bool> {
    dict: Value,
    /// Entry to go on from.
    at: AtomicUsize,
    /// The size the dict must still have; [`DONE`] once exhausted.
    size: AtomicUsize,
    /// Items not delivered yet, if the dict stays as it is.
    left: AtomicUsize,
}

// SAFETY: the dict is the only reference.
unsafe impl<const WHAT: u8, const REVERSED: bool> Payload for DictIterator<WHAT, REVERSED> {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        if REVERSED {
            &REVERSE_ITERATORS[WHAT as usize]
        } else {
            &ITERATORS[WHAT as usize]
        }
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.dict);
    }
}

impl<const WHAT: u8, const REVERSED: bool> DictIterator<WHAT, REVERSED> {
    fn create(dict: &Value) -> Value {
        let object = own(dict);
        let size = object.len();
        let at = if REVERSED { object.end() } else { 0 };
        new_object(DictIterator::<WHAT, REVERSED> {
            dict: dict.clone(),
            at: AtomicUsize::new(at),
            size: AtomicUsize::new(size),
            left: AtomicUsize::new(size),
        })
    }

    /// What comes at or behind entry `at`, which is moved on.
    #[inline(always)]
    fn advance(dict: &Obj<Dict>, at: &mut usize) -> Option<Value> {
        if REVERSED {
            let (key, value) = dict.prev_entry(at)?;
            return Some(match WHAT {
                KEYS => key,
                VALUES => value,
                _ => new_tuple([key, value]),
            });
        }
        match WHAT {
            KEYS => dict.next_key(at),
            VALUES => dict.next_value(at),
            _ => dict
                .next_entry(at)
                .map(|(key, value)| new_tuple([key, value])),
        }
    }

    /// The next key, value or item.
    #[inline(always)]
    pub fn next(&self, vm: &mut Vm) -> Py<Option<Value>> {
        let size = self.size.load(Relaxed);
        if size == DONE {
            return Ok(None);
        }
        // SAFETY: iterators are made of dicts only.
        let dict = unsafe { self.dict.cast_unchecked::<Dict>() };
        if dict.len() != size {
            self.size.store(CHANGED, Relaxed);
            return Err(vm.runtime_error("dictionary changed size during iteration"));
        }
        let mut at = self.at.load(Relaxed);
        let Some(found) = Self::advance(dict, &mut at) else {
            self.size.store(DONE, Relaxed);
            return Ok(None);
        };
        let left = self.left.load(Relaxed);
        if left == 0 {
            self.size.store(DONE, Relaxed);
            return Err(vm.runtime_error("dictionary keys changed during iteration"));
        }
        self.at.store(at, Relaxed);
        self.left.store(left - 1, Relaxed);
        Ok(Some(found))
    }

    fn next_slot(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
        this.expect::<Self>().next(vm)
    }

    fn length_hint(_vm: &mut Vm, this: &Value) -> Py {
        let iterator = this.expect::<Self>();
        let same = own(&iterator.dict).len() == iterator.size.load(Relaxed);
        Ok(Value::int(if same {
            iterator.left.load(Relaxed) as i64
        } else {
            0
        }))
    }

    fn reduce(vm: &mut Vm, this: &Value) -> Py {
        let iterator = this.expect::<Self>();
        let mut rest = Vec::new();
        let size = iterator.size.load(Relaxed);
        if size != DONE {
            let dict = own(&iterator.dict);
            if dict.len() != size {
                return Err(vm.runtime_error("dictionary changed size during iteration"));
            }
            let mut at = iterator.at.load(Relaxed);
            while let Some(found) = Self::advance(dict, &mut at) {
                rest.push(found);
            }
        }
        reduce_exhausted(vm, new_list(rest))
    }

    const fn methods() -> [MethodDef; 2] {
        [
            f0(
                "__length_hint__(self, /)",
                Self::length_hint,
                "Private method returning an estimate of len(list(it)).",
            ),
            f0(
                "__reduce__(self, /)",
                Self::reduce,
                "Return state information for pickling.",
            ),
        ]
    }

    const SLOTS: Slots = Slots {
        iter: Some(itself),
        next: Some(Self::next_slot),
        ..Slots::NONE
    };
}

/// `iter(dict)`
pub fn iter(_vm: &mut Vm, dict: &Value) -> Py {
    Ok(DictIterator::<KEYS, false>::create(dict))
}

/// `reversed(dict)`
pub fn reversed(_vm: &mut Vm, dict: &Value) -> Py {
    Ok(DictIterator::<KEYS, true>::create(dict))
}

/// An iterator over keys, values or items.
pub fn new_iterator<const WHAT: u8, const REVERSED: bool>(dict: &Value) -> Value {
    DictIterator::<WHAT, REVERSED>::create(dict)
}

macro_rules! specs {
    ($($what:ident $reversed:literal $name:literal $methods:ident $spec:ident $layout:ident)*) => {
        $(
            static $methods: [MethodDef; 2] = DictIterator::<$what, $reversed>::methods();
            static $layout: Layout = Layout::of::<DictIterator<$what, $reversed>>();
            static $spec: TypeSpec = TypeSpec {
                name: $name,
                layout: Some(&$layout),
                slots: DictIterator::<$what, $reversed>::SLOTS,
                methods: &$methods,
                ..TypeSpec::DEFAULT
            };
        )*
        pub(super) fn define() {
            $(DictIterator::<$what, $reversed>::type_object().define(&$spec);)*
        }
    };
}

specs! {
    KEYS false "dict_keyiterator" KEY_METHODS KEY_SPEC KEY_LAYOUT
    VALUES false "dict_valueiterator" VALUE_METHODS VALUE_SPEC VALUE_LAYOUT
    ITEMS false "dict_itemiterator" ITEM_METHODS ITEM_SPEC ITEM_LAYOUT
    KEYS true "dict_reversekeyiterator" REVERSE_KEY_METHODS REVERSE_KEY_SPEC REVERSE_KEY_LAYOUT
    VALUES true "dict_reversevalueiterator" REVERSE_VALUE_METHODS REVERSE_VALUE_SPEC REVERSE_VALUE_LAYOUT
    ITEMS true "dict_reverseitemiterator" REVERSE_ITEM_METHODS REVERSE_ITEM_SPEC REVERSE_ITEM_LAYOUT
}
