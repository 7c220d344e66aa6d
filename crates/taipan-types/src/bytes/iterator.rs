//! `bytes_iterator` and `bytearray_iterator`.

use taipan_core::alloc::new_instance;
use taipan_core::lock::{HasState, Locked};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Layout, MethodDef, Payload, Py, Slots, Tracer, Type, TypeObject, TypeSpec, Value, Vm, f0, f1,
    name,
};

/// The type `bytes_iterator`.
pub static BYTES_ITERATOR: TypeObject = Type::declare("bytes_iterator");
/// The type `bytearray_iterator`.
pub static BYTEARRAY_ITERATOR: TypeObject = Type::declare("bytearray_iterator");

/// Position and, until exhausted, the object.
pub struct Position {
    object: Option<Value>,
    at: usize,
}

/// Payload of both iterators.
pub struct ByteIterator(Locked<Position>);

impl HasState for ByteIterator {
    type State = Position;
    fn cell(&self) -> &Locked<Position> {
        &self.0
    }
}

// SAFETY: the object is the only reference.
unsafe impl Payload for ByteIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &BYTES_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        tracer.visit_option(unsafe { &self.0.get_unlocked().object });
    }
}

fn new(ty: &'static TypeObject, object: &Value) -> Value {
    new_instance(
        ty,
        ByteIterator(Locked::new(Position {
            object: Some(object.clone()),
            at: 0,
        })),
    )
}

pub(super) fn iter_bytes(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new(&BYTES_ITERATOR, this))
}

pub(super) fn iter_bytearray(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new(&BYTEARRAY_ITERATOR, this))
}

/// The payload, whichever of the two types it is.
fn payload(this: &Value) -> &taipan_core::Obj<ByteIterator> {
    // SAFETY: the methods here are those of the two iterator types only, both with this payload.
    unsafe { this.cast_unchecked::<ByteIterator>() }
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let (object, at) = {
        let state = payload(this).lock(vm);
        match &state.object {
            Some(object) => (object.clone(), state.at),
            None => return Ok(None),
        }
    };
    let byte = super::with_data(vm, &object, |data| data.get(at).copied());
    let mut state = payload(this).lock(vm);
    match byte {
        Some(byte) => {
            state.at = at + 1;
            Ok(Some(Value::from_i32(byte as i32)))
        }
        None => {
            let gone = state.object.take();
            drop(state);
            drop(gone);
            Ok(None)
        }
    }
}

fn parts(vm: &mut Vm, this: &Value) -> (Option<Value>, usize) {
    let state = payload(this).lock(vm);
    (state.object.clone(), state.at)
}

fn length_hint(vm: &mut Vm, this: &Value) -> Py {
    let (object, at) = parts(vm, this);
    let left = match object {
        Some(object) => super::with_data(vm, &object, |data| data.len().saturating_sub(at)),
        None => 0,
    };
    Ok(Value::int(left as i64))
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let builtins = vm.interpreter().builtins.get();
    let iter = match builtins {
        Some(builtins) => vm.get_item(&builtins, name!("iter"))?,
        None => Value::none(),
    };
    Ok(match parts(vm, this) {
        (Some(object), at) => new_tuple([iter, new_tuple([object]), Value::int(at as i64)]),
        (None, _) => new_tuple([iter, new_tuple([taipan_core::tuple_object::empty_tuple()])]),
    })
}

fn setstate(vm: &mut Vm, this: &Value, at: &Value) -> Py {
    let at = vm.index_i64(at)?.max(0) as usize;
    let (object, _) = parts(vm, this);
    if let Some(object) = object {
        let len = super::with_data(vm, &object, <[u8]>::len);
        payload(this).lock(vm).at = at.min(len);
    }
    Ok(Value::none())
}

fn same(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

static LAYOUT: Layout = Layout::of::<ByteIterator>();

static METHODS: [MethodDef; 3] = [
    f0(
        "__length_hint__(self, /)",
        length_hint,
        "How many items are left.",
    ),
    f0("__reduce__(self, /)", reduce, "State for pickling."),
    f1(
        "__setstate__(self, state, /)",
        setstate,
        "Sets the position.",
    ),
];

static ARRAY_METHODS: [MethodDef; 3] = [
    f0(
        "__length_hint__(self, /)",
        length_hint,
        "How many items are left.",
    ),
    f0("__reduce__(self, /)", reduce, "State for pickling."),
    f1(
        "__setstate__(self, state, /)",
        setstate,
        "Sets the position.",
    ),
];

const SLOTS: Slots = Slots {
    iter: Some(same),
    next: Some(next),
    ..Slots::NONE
};

static SPEC: TypeSpec = TypeSpec {
    name: "bytes_iterator",
    layout: Some(&LAYOUT),
    slots: SLOTS,
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

static ARRAY_SPEC: TypeSpec = TypeSpec {
    name: "bytearray_iterator",
    layout: Some(&LAYOUT),
    slots: SLOTS,
    methods: &ARRAY_METHODS,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    BYTES_ITERATOR.define(&SPEC);
    BYTEARRAY_ITERATOR.define(&ARRAY_SPEC);
}
