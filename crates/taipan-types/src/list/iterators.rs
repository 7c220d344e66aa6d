//! Iterators over lists. The list of an iterator never changes, its position is an atomic number; so no guard is needed.

use super::{List, ListExt};
use crate::iterators::{self, DONE};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use taipan_core::alloc::new_object;
use taipan_core::builtin_types::LIST_ITERATOR;
use taipan_core::{
    Layout, MethodDef, Payload, Py, Slots, Tracer, Type, TypeObject, TypeSpec, Value, Vm, f0, f1,
    name,
};

/// Payload of `list_iterator`.
pub struct ListIterator {
    list: Value,
    /// [`DONE`] once exhausted.
    at: AtomicUsize,
}

// SAFETY: the list is the only reference.
unsafe impl Payload for ListIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &LIST_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.list);
    }
}

impl ListIterator {
    /// The next element.
    #[inline(always)]
    pub fn next(&self, vm: &mut Vm) -> Option<Value> {
        let at = self.at.load(Relaxed);
        // SAFETY: only `iter` makes list iterators, of lists.
        let list = unsafe { self.list.cast_unchecked::<List>() };
        match list.get(vm, at) {
            Some(item) => {
                self.at.store(at + 1, Relaxed);
                Some(item)
            }
            None => {
                self.at.store(DONE, Relaxed);
                None
            }
        }
    }
}

/// `iter(list)`
pub fn iter(_vm: &mut Vm, list: &Value) -> Py {
    Ok(new_object(ListIterator {
        list: list.clone(),
        at: AtomicUsize::new(0),
    }))
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    Ok(this.expect::<ListIterator>().next(vm))
}

fn length_hint(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<ListIterator>();
    let len = iterator.list.expect::<List>().len(vm);
    Ok(Value::int(
        len.saturating_sub(iterator.at.load(Relaxed)) as i64
    ))
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<ListIterator>();
    match iterator.at.load(Relaxed) {
        DONE => iterators::reduce_exhausted(vm, super::new_empty()),
        at => iterators::reduce_with(vm, name!("iter"), &iterator.list, Value::int(at as i64)),
    }
}

fn set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    // A negative state is that of an exhausted iterator.
    let at = usize::try_from(vm.index_i64(state)?).unwrap_or(DONE);
    let iterator = this.expect::<ListIterator>();
    if iterator.at.load(Relaxed) != DONE {
        iterator.at.store(at, Relaxed);
    }
    Ok(Value::none())
}

static METHODS: [MethodDef; 3] = [
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
    f1(
        "__setstate__(self, object, /)",
        set_state,
        "Set state information for unpickling.",
    ),
];

static LAYOUT: Layout = Layout::of::<ListIterator>();
static SPEC: TypeSpec = TypeSpec {
    name: "list_iterator",
    layout: Some(&LAYOUT),
    slots: Slots {
        iter: Some(iterators::itself),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

/// The type `list_reverseiterator`.
pub static LIST_REVERSE_ITERATOR: TypeObject = Type::declare("list_reverseiterator");

/// Payload of `list_reverseiterator`.
pub struct ListReverseIterator {
    list: Value,
    /// One more than the index of the next element; [`DONE`] once exhausted.
    left: AtomicUsize,
}

// SAFETY: the list is the only reference.
unsafe impl Payload for ListReverseIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &LIST_REVERSE_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.list);
    }
}

/// `reversed(list)`
pub fn reversed(vm: &mut Vm, list: &Value) -> Py {
    let len = list.expect::<List>().len(vm);
    Ok(new_object(ListReverseIterator {
        list: list.clone(),
        left: AtomicUsize::new(len),
    }))
}

fn reverse_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<ListReverseIterator>();
    let left = iterator.left.load(Relaxed);
    if left == DONE {
        return Ok(None);
    }
    let item = left
        .checked_sub(1)
        .and_then(|at| iterator.list.expect::<List>().get(vm, at));
    iterator
        .left
        .store(if item.is_some() { left - 1 } else { DONE }, Relaxed);
    Ok(item)
}

fn reverse_length_hint(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<ListReverseIterator>();
    let len = iterator.list.expect::<List>().len(vm);
    let left = match iterator.left.load(Relaxed) {
        DONE => 0,
        left if left > len => 0,
        left => left,
    };
    Ok(Value::int(left as i64))
}

fn reverse_reduce(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<ListReverseIterator>();
    match iterator.left.load(Relaxed) {
        DONE => iterators::reduce_exhausted(vm, super::new_empty()),
        left => iterators::reduce_with(
            vm,
            name!("reversed"),
            &iterator.list,
            Value::int(left as i64 - 1),
        ),
    }
}

fn reverse_set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let at = vm.index_i64(state)?;
    let iterator = this.expect::<ListReverseIterator>();
    if iterator.left.load(Relaxed) != DONE {
        let len = iterator.list.expect::<List>().len(vm) as i64;
        iterator
            .left
            .store((at.clamp(-1, len - 1) + 1) as usize, Relaxed);
    }
    Ok(Value::none())
}

static REVERSE_METHODS: [MethodDef; 3] = [
    f0(
        "__length_hint__(self, /)",
        reverse_length_hint,
        "Private method returning an estimate of len(list(it)).",
    ),
    f0(
        "__reduce__(self, /)",
        reverse_reduce,
        "Return state information for pickling.",
    ),
    f1(
        "__setstate__(self, object, /)",
        reverse_set_state,
        "Set state information for unpickling.",
    ),
];

static REVERSE_LAYOUT: Layout = Layout::of::<ListReverseIterator>();
static REVERSE_SPEC: TypeSpec = TypeSpec {
    name: "list_reverseiterator",
    layout: Some(&REVERSE_LAYOUT),
    slots: Slots {
        iter: Some(iterators::itself),
        next: Some(reverse_next),
        ..Slots::NONE
    },
    methods: &REVERSE_METHODS,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    LIST_ITERATOR.define(&SPEC);
    LIST_REVERSE_ITERATOR.define(&REVERSE_SPEC);
}
