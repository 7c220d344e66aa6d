//! Iterators over sets.

use super::{Set, keys, len, next_key};
use crate::iterators::{DONE, itself, reduce_exhausted};
use crate::list::new_list;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use taipan_core::alloc::new_object;
use taipan_core::{
    Layout, MethodDef, Payload, Py, Slots, Tracer, Type, TypeObject, TypeSpec, Value, Vm, f0,
};

/// The expected size of a set whose size was seen to change: no set has it.
const CHANGED: usize = usize::MAX - 1;

/// The type `set_iterator`.
pub static SET_ITERATOR: TypeObject = Type::declare("set_iterator");

/// Payload of `set_iterator`.
pub struct SetIterator {
    set: Value,
    /// Place to go on from.
    at: AtomicUsize,
    /// The size the set must still have; [`DONE`] once exhausted.
    size: AtomicUsize,
    /// Keys not delivered yet.
    left: AtomicUsize,
}

// SAFETY: the set is the only reference.
unsafe impl Payload for SetIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &SET_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.set);
    }
}

impl SetIterator {
    /// The next key.
    #[inline]
    pub fn next(&self, vm: &mut Vm) -> Py<Option<Value>> {
        let size = self.size.load(Relaxed);
        if size == DONE {
            return Ok(None);
        }
        // SAFETY: iterators are made of sets only.
        let set = unsafe { self.set.cast_unchecked::<Set>() };
        if len(vm, set) != size {
            self.size.store(CHANGED, Relaxed);
            return Err(vm.runtime_error("Set changed size during iteration"));
        }
        let mut at = self.at.load(Relaxed);
        let Some((_, key)) = next_key(vm, set, &mut at) else {
            self.size.store(DONE, Relaxed);
            return Ok(None);
        };
        self.at.store(at, Relaxed);
        self.left
            .store(self.left.load(Relaxed).saturating_sub(1), Relaxed);
        Ok(Some(key))
    }
}

/// `iter(set)`
pub fn iter(vm: &mut Vm, set: &Value) -> Py {
    let size = len(vm, super::own(set));
    Ok(new_object(SetIterator {
        set: set.clone(),
        at: AtomicUsize::new(0),
        size: AtomicUsize::new(size),
        left: AtomicUsize::new(size),
    }))
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    this.expect::<SetIterator>().next(vm)
}

fn length_hint(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<SetIterator>();
    let same = len(vm, super::own(&iterator.set)) == iterator.size.load(Relaxed);
    Ok(Value::int(if same {
        iterator.left.load(Relaxed) as i64
    } else {
        0
    }))
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<SetIterator>();
    let set = super::own(&iterator.set);
    let mut rest = Vec::new();
    let size = iterator.size.load(Relaxed);
    if size != DONE {
        if len(vm, set) != size {
            return Err(vm.runtime_error("Set changed size during iteration"));
        }
        let mut at = iterator.at.load(Relaxed);
        if at == 0 {
            rest = keys(vm, set);
        } else {
            while let Some((_, key)) = next_key(vm, set, &mut at) {
                rest.push(key);
            }
        }
    }
    reduce_exhausted(vm, new_list(rest))
}

static METHODS: [MethodDef; 2] = [
    f0(
        "__length_hint__(self, /)",
        length_hint,
        "Private method returning an estimate of len(list(it)).",
    ),
    f0(
        "__reduce__(self, /)",
        reduce,
        "Return state information for pickling.",
    ),
];

static LAYOUT: Layout = Layout::of::<SetIterator>();
static SPEC: TypeSpec = TypeSpec {
    name: "set_iterator",
    layout: Some(&LAYOUT),
    slots: Slots {
        iter: Some(itself),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    SET_ITERATOR.define(&SPEC);
}
