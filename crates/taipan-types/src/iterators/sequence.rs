//! Iterators over anything with `__getitem__`, forwards and backwards, and over the results of a callable.

use super::{builtin, itself, reduce_exhausted};
use crate::check;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use taipan_core::alloc::{new_instance, new_object};
use taipan_core::builtin_types::{
    CALLABLE_ITERATOR, INDEX_ERROR, REVERSED, SEQUENCE_ITERATOR, STOP_ITERATION,
};
use taipan_core::tuple_object::{empty_tuple, new_tuple};
use taipan_core::{
    Args, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags, TypeObject, TypeSpec, Value,
    Vm, f0, f1, name,
};

/// Payload of `iterator`.
struct SequenceIterator {
    sequence: Value,
    /// -1 once exhausted.
    at: AtomicI64,
}

// SAFETY: the sequence is the only reference.
unsafe impl Payload for SequenceIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &SEQUENCE_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.sequence);
    }
}

/// `iter(sequence)` of an object with `__getitem__` only.
pub fn new_sequence_iterator(_vm: &mut Vm, sequence: &Value) -> Py {
    Ok(new_object(SequenceIterator {
        sequence: sequence.clone(),
        at: AtomicI64::new(0),
    }))
}

/// `sequence[at]`; `None` if that raises `IndexError` or `StopIteration`.
fn item(vm: &mut Vm, sequence: &Value, at: i64) -> Py<Option<Value>> {
    match vm.get_item(sequence, &Value::int(at)) {
        Ok(item) => Ok(Some(item)),
        Err(raised) => {
            if vm.pending_is(&INDEX_ERROR) || vm.pending_is(&STOP_ITERATION) {
                drop(vm.take_raised(raised));
                return Ok(None);
            }
            Err(raised)
        }
    }
}

fn sequence_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<SequenceIterator>();
    let at = iterator.at.load(Relaxed);
    if at < 0 {
        return Ok(None);
    }
    if at == i64::MAX {
        return Err(vm.overflow_error("iter index too large"));
    }
    let found = item(vm, &iterator.sequence, at)?;
    iterator
        .at
        .store(if found.is_some() { at + 1 } else { -1 }, Relaxed);
    Ok(found)
}

fn sequence_length_hint(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<SequenceIterator>();
    let at = iterator.at.load(Relaxed);
    if at < 0 {
        return Ok(Value::from_i32(0));
    }
    if iterator.sequence.type_of().slots().len.is_none() {
        return Ok(Value::not_implemented());
    }
    let len = vm.length(&iterator.sequence)? as i64;
    Ok(Value::int((len - at).max(0)))
}

fn sequence_reduce(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<SequenceIterator>();
    // Looking `iter` up may run code that exhausts the iterator.
    let function = builtin(vm, name!("iter"))?;
    Ok(match iterator.at.load(Relaxed) {
        ..0 => new_tuple([function, new_tuple([empty_tuple()])]),
        at => new_tuple([
            function,
            new_tuple([iterator.sequence.clone()]),
            Value::int(at),
        ]),
    })
}

fn sequence_set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let at = vm.index_i64(state)?.max(0);
    let iterator = this.expect::<SequenceIterator>();
    if iterator.at.load(Relaxed) >= 0 {
        iterator.at.store(at, Relaxed);
    }
    Ok(Value::none())
}

static SEQUENCE_METHODS: [MethodDef; 3] = [
    f0(
        "__length_hint__(self, /)",
        sequence_length_hint,
        "Private method returning an estimate of len(list(it)).",
    ),
    f0(
        "__reduce__(self, /)",
        sequence_reduce,
        "Return state information for pickling.",
    ),
    f1(
        "__setstate__(self, object, /)",
        sequence_set_state,
        "Set state information for unpickling.",
    ),
];

static SEQUENCE_LAYOUT: Layout = Layout::of::<SequenceIterator>();
static SEQUENCE_SPEC: TypeSpec = TypeSpec {
    name: "iterator",
    layout: Some(&SEQUENCE_LAYOUT),
    slots: Slots {
        iter: Some(itself),
        next: Some(sequence_next),
        ..Slots::NONE
    },
    methods: &SEQUENCE_METHODS,
    ..TypeSpec::DEFAULT
};

/// Payload of `reversed`.
struct Reversed {
    sequence: Value,
    /// Index of the next element; -1 once exhausted.
    at: AtomicI64,
}

// SAFETY: the sequence is the only reference.
unsafe impl Payload for Reversed {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &REVERSED
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.sequence);
    }
}

fn reversed_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if args.has_keywords() && std::ptr::eq(cls, &REVERSED) {
        check::no_keywords(vm, "reversed", args)?;
    }
    let [sequence] = args.pos() else {
        return Err(check::wrong_count(vm, "reversed", args.pos().len(), 1, 1));
    };
    if let Some(method) = vm.lookup_special(sequence, name!("__reversed__")) {
        if method.is_none() {
            return Err(not_reversible(vm, sequence));
        }
        return vm.call_unbound(&method, sequence, &[]);
    }
    let ty = sequence.type_of();
    if ty.slots().get_item.is_none() || ty.slots().len.is_none() || ty.has(TypeFlags::DICT_SUBCLASS)
    {
        return Err(not_reversible(vm, sequence));
    }
    let len = vm.length(sequence)? as i64;
    Ok(new_instance(
        cls,
        Reversed {
            sequence: sequence.clone(),
            at: AtomicI64::new(len - 1),
        },
    ))
}

#[cold]
fn not_reversible(vm: &mut Vm, value: &Value) -> taipan_core::Raised {
    vm.type_error(format!(
        "'{}' object is not reversible",
        value.type_of().name()
    ))
}

fn reversed_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<Reversed>();
    let at = iterator.at.load(Relaxed);
    if at < 0 {
        return Ok(None);
    }
    let found = item(vm, &iterator.sequence, at)?;
    iterator
        .at
        .store(if found.is_some() { at - 1 } else { -1 }, Relaxed);
    Ok(found)
}

fn reversed_length_hint(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<Reversed>();
    let at = iterator.at.load(Relaxed);
    if at < 0 {
        return Ok(Value::from_i32(0));
    }
    let len = vm.length(&iterator.sequence)? as i64;
    Ok(Value::int(if len < at + 1 { 0 } else { at + 1 }))
}

fn reversed_reduce(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<Reversed>();
    let ty = this.type_of().to_value();
    match iterator.at.load(Relaxed) {
        ..0 => Ok(new_tuple([ty, new_tuple([empty_tuple()])])),
        at => {
            let _ = vm;
            Ok(new_tuple([
                ty,
                new_tuple([iterator.sequence.clone()]),
                Value::int(at),
            ]))
        }
    }
}

fn reversed_set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let at = vm.index_i64(state)?;
    let iterator = this.expect::<Reversed>();
    if iterator.at.load(Relaxed) >= 0 {
        let len = vm.length(&iterator.sequence)? as i64;
        iterator.at.store(at.clamp(-1, len - 1), Relaxed);
    }
    Ok(Value::none())
}

static REVERSED_METHODS: [MethodDef; 3] = [
    f0(
        "__length_hint__(self, /)",
        reversed_length_hint,
        "Private method returning an estimate of len(list(it)).",
    ),
    f0(
        "__reduce__(self, /)",
        reversed_reduce,
        "Return state information for pickling.",
    ),
    f1(
        "__setstate__(self, object, /)",
        reversed_set_state,
        "Set state information for unpickling.",
    ),
];

static REVERSED_LAYOUT: Layout = Layout::of::<Reversed>();
static REVERSED_SPEC: TypeSpec = TypeSpec {
    name: "reversed",
    flags: TypeFlags::BASE,
    layout: Some(&REVERSED_LAYOUT),
    slots: Slots {
        new: Some(reversed_new),
        iter: Some(itself),
        next: Some(reversed_next),
        ..Slots::NONE
    },
    methods: &REVERSED_METHODS,
    doc: "reversed(object, /)\n--\n\nReturn a reverse iterator over the values of the given sequence.",
    ..TypeSpec::DEFAULT
};

/// Payload of `callable_iterator`.
struct CallableIterator {
    callable: Value,
    sentinel: Value,
    done: AtomicBool,
}

// SAFETY: both references are reported.
unsafe impl Payload for CallableIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &CALLABLE_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.callable);
        tracer.visit(&self.sentinel);
    }
}

/// `iter(callable, sentinel)`; the caller has checked that it is callable.
pub fn new_callable_iterator(callable: &Value, sentinel: &Value) -> Value {
    new_object(CallableIterator {
        callable: callable.clone(),
        sentinel: sentinel.clone(),
        done: AtomicBool::new(false),
    })
}

fn callable_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<CallableIterator>();
    if iterator.done.load(Relaxed) {
        return Ok(None);
    }
    let result = match vm.call(&iterator.callable, &[]) {
        Ok(result) => result,
        Err(raised) => {
            vm.catch(raised, &STOP_ITERATION)?;
            iterator.done.store(true, Relaxed);
            return Ok(None);
        }
    };
    // The call may have exhausted this very iterator.
    if iterator.done.load(Relaxed) {
        return Ok(None);
    }
    if vm.equal(&iterator.sentinel, &result)? {
        iterator.done.store(true, Relaxed);
        return Ok(None);
    }
    Ok(Some(result))
}

fn callable_reduce(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<CallableIterator>();
    if iterator.done.load(Relaxed) {
        return reduce_exhausted(vm, empty_tuple());
    }
    let function = super::builtin(vm, name!("iter"))?;
    Ok(new_tuple([
        function,
        new_tuple([iterator.callable.clone(), iterator.sentinel.clone()]),
    ]))
}

static CALLABLE_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    callable_reduce,
    "Return state information for pickling.",
)];

static CALLABLE_LAYOUT: Layout = Layout::of::<CallableIterator>();
static CALLABLE_SPEC: TypeSpec = TypeSpec {
    name: "callable_iterator",
    layout: Some(&CALLABLE_LAYOUT),
    slots: Slots {
        iter: Some(itself),
        next: Some(callable_next),
        ..Slots::NONE
    },
    methods: &CALLABLE_METHODS,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    SEQUENCE_ITERATOR.define(&SEQUENCE_SPEC);
    REVERSED.define(&REVERSED_SPEC);
    CALLABLE_ITERATOR.define(&CALLABLE_SPEC);
}
