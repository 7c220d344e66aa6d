//! `enumerate`

use super::itself;
use crate::check;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::ENUMERATE;
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::str_eq;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, BinaryOp, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, f0, name,
};

/// Counts from here on are kept as Python ints.
const BIG: i64 = 1 << 61;

/// Payload of `enumerate`.
pub struct Enumerate {
    source: Value,
    /// The next number, below [`BIG`]; from there on `big` has it.
    count: AtomicI64,
    big: Locked<Value>,
}

impl HasState for Enumerate {
    type State = Value;
    fn cell(&self) -> &Locked<Value> {
        &self.big
    }
}

// SAFETY: the source is the only reference that can be part of a cycle; `big` is an int, counted but reported too.
unsafe impl Payload for Enumerate {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ENUMERATE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.source);
        // SAFETY: the collector stops the world.
        tracer.visit(unsafe { self.big.get_unlocked() });
    }
}

fn arguments(vm: &mut Vm, args: Args<'_>) -> Py<(Value, Option<Value>)> {
    let given = args.all().len();
    if given > 2 {
        return Err(vm.type_error(format!(
            "enumerate() takes at most 2 arguments ({given} given)"
        )));
    }
    let (mut iterable, mut start) = (args.pos().first().cloned(), args.pos().get(1).cloned());
    for (keyword, value) in args.keywords() {
        if str_eq(keyword, name!("iterable")) && iterable.is_none() {
            iterable = Some(value.clone());
        } else if str_eq(keyword, name!("start")) && start.is_none() {
            start = Some(value.clone());
        } else {
            let keyword = vm.str_string(keyword)?;
            let message = format!("'{keyword}' is an invalid keyword argument for enumerate()");
            return Err(vm.type_error(message));
        }
    }
    match iterable {
        Some(iterable) => Ok((iterable, start)),
        None => Err(vm.type_error("enumerate() missing required argument 'iterable'")),
    }
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let (iterable, start) = arguments(vm, args)?;
    let start = match start {
        Some(start) => vm.index(&start)?,
        None => Value::from_i32(0),
    };
    let source = vm.iter(&iterable)?;
    let (count, big) = match start.as_i64() {
        Some(count) if (-BIG..BIG).contains(&count) => (count, Value::from_i32(0)),
        _ => (
            BIG,
            taipan_core::number::int_from_big(start.as_big().unwrap_or_default()),
        ),
    };
    Ok(new_instance(
        cls,
        Enumerate {
            source,
            count: AtomicI64::new(count),
            big: Locked::new(big),
        },
    ))
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<Enumerate>();
    let Some(item) = vm.next(&iterator.source)? else {
        return Ok(None);
    };
    let count = iterator.count.load(Relaxed);
    if count < BIG {
        iterator.count.store(count + 1, Relaxed);
        if count + 1 == BIG {
            *iterator.lock(vm) = Value::int(BIG);
        }
        return Ok(Some(new_tuple([Value::int(count), item])));
    }
    let number = iterator.lock(vm).clone();
    let successor = vm.binary(BinaryOp::Add, &number, &Value::from_i32(1))?;
    let former = std::mem::replace(&mut *iterator.lock(vm), successor);
    drop(former);
    Ok(Some(new_tuple([number, item])))
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<Enumerate>();
    let count = match iterator.count.load(Relaxed) {
        BIG => iterator.lock(vm).clone(),
        count => Value::int(count),
    };
    Ok(new_tuple([
        this.type_of().to_value(),
        new_tuple([iterator.source.clone(), count]),
    ]))
}

static METHODS: [MethodDef; 2] = [
    f0(
        "__reduce__(self, /)",
        reduce,
        "Return state information for pickling.",
    ),
    check::class_getitem_row(),
];

static LAYOUT: Layout = Layout::of::<Enumerate>();
static SPEC: TypeSpec = TypeSpec {
    name: "enumerate",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        iter: Some(itself),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &METHODS,
    doc: "enumerate(iterable, start=0)\n--\n\nReturn an enumerate object.\n\n  iterable\n    an object supporting iteration\n\nThe enumerate object yields pairs containing a count (from start, which\ndefaults to zero) and a value yielded by the iterable argument.\n\nenumerate is useful for obtaining an indexed list:\n    (0, seq[0]), (1, seq[1]), (2, seq[2]), ...",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    ENUMERATE.define(&SPEC);
}
