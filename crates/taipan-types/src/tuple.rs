//! `tuple`; its payload is core's, as core makes tuples itself.

use crate::check::{self, class_getitem_row};
use crate::iterators::{self, DONE};
use crate::list::{items_of, repeat_count, repr_items};
use crate::slice::{bounds_of, clamp_to, slice_index};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use taipan_core::alloc::new_object;
use taipan_core::builtin_types::{TUPLE, TUPLE_ITERATOR};
use taipan_core::dict_object::simple_equal;
use taipan_core::tuple_object::{Tuple, empty_tuple, items, new_tuple, new_tuple_of};
use taipan_core::{
    Args, CompareOp, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, f0, f1, name, slice,
};

static LAYOUT: Layout = Layout::variable::<Tuple>();

static SPEC: TypeSpec = TypeSpec {
    name: "tuple",
    flags: TypeFlags::BASE
        .union(TypeFlags::TUPLE_SUBCLASS)
        .union(TypeFlags::SEQUENCE)
        .union(TypeFlags::MATCH_SELF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        hash: Some(hash),
        compare: Some(compare),
        iter: Some(iter),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        concat: Some(concat),
        repeat: Some(repeat),
        ..Slots::NONE
    },
    methods: &METHODS,
    doc: "Built-in immutable sequence.\n\nIf no argument is given, the constructor returns an empty tuple.\nIf iterable is specified the tuple is initialized from iterable's items.\n\nIf the argument is a tuple, the return value is the same object.",
    ..TypeSpec::DEFAULT
};

static METHODS: [MethodDef; 4] = [
    f0(
        "__getnewargs__(self, /)",
        |_, this| Ok(new_tuple([plain(this)])),
        "",
    ),
    slice(
        "index(self, value, start=0, stop=sys.maxsize, /)",
        index,
        "Return first index of value.\n\nRaises ValueError if the value is not present.",
    ),
    f1(
        "count(self, value, /)",
        count,
        "Return number of occurrences of value.",
    ),
    class_getitem_row(),
];

/// The items of `self`.
fn own(this: &Value) -> &[Value] {
    this.expect::<Tuple>().items()
}

/// The items as an exact tuple.
fn plain(this: &Value) -> Value {
    if this.is_exact(&TUPLE) {
        this.clone()
    } else {
        new_tuple(own(this).to_vec())
    }
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let exact = std::ptr::eq(cls, &TUPLE);
    if args.has_keywords()
        && (exact
            || cls
                .slots()
                .init
                .is_none_or(|init| Some(init as usize) == TUPLE.slots().init.map(|f| f as usize)))
    {
        check::no_keywords(vm, "tuple", args)?;
    }
    check::count(vm, "tuple", args.pos().len(), 0, 1)?;
    let found = match args.pos() {
        [iterable] if exact && iterable.is_exact(&TUPLE) => return Ok(iterable.clone()),
        [iterable] => items_of(vm, iterable)?,
        _ => Vec::new(),
    };
    if exact {
        return Ok(new_tuple(found));
    }
    Ok(new_tuple_of(cls, found.into_iter()))
}

/// A tuple of all items of `iterable`.
pub fn tuple_from(vm: &mut Vm, iterable: &Value) -> Py {
    if iterable.is_exact(&TUPLE) {
        return Ok(iterable.clone());
    }
    Ok(new_tuple(items_of(vm, iterable)?))
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let row = own(this);
    let close = if row.len() == 1 { ",)" } else { ")" };
    if row.is_empty() {
        return Ok(taipan_core::str_object::new_str("()"));
    }
    if !vm.repr_enter(this) {
        return Ok(taipan_core::str_object::new_str("(...)"));
    }
    vm.repr_leave();
    repr_items(vm, this, "(", close, |_, at| row.get(at).cloned())
}

/// The hash of a row of values, as tuples have it.
pub fn hash_row(vm: &mut Vm, row: &[Value]) -> Py<i64> {
    hash_parts(vm, row, row.len() as u64 ^ (PRIME_5 ^ 3527539))
}

const PRIME_1: u64 = 11400714785074694791;
const PRIME_2: u64 = 14029467366897019727;
const PRIME_5: u64 = 2870177450012600261;

/// xxHash's accumulation of the items' hashes, with `end` added to it.
pub fn hash_parts(vm: &mut Vm, row: &[Value], end: u64) -> Py<i64> {
    let mut sum = PRIME_5;
    for item in row {
        let lane = vm.hash(item)? as u64;
        sum = sum
            .wrapping_add(lane.wrapping_mul(PRIME_2))
            .rotate_left(31)
            .wrapping_mul(PRIME_1);
    }
    sum = sum.wrapping_add(end);
    Ok(if sum == u64::MAX {
        1546275796
    } else {
        sum as i64
    })
}

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    hash_row(vm, own(this))
}

/// Compares two rows that do not change.
pub fn compare_rows(vm: &mut Vm, left: &[Value], right: &[Value], op: CompareOp) -> Py {
    if left.len() != right.len() && matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Value::bool(op == CompareOp::Ne));
    }
    for (a, b) in left.iter().zip(right) {
        let equal = match simple_equal(a, b) {
            Some(equal) => equal,
            None => vm.equal(a, b)?,
        };
        if !equal {
            return match op {
                CompareOp::Eq => Ok(Value::bool(false)),
                CompareOp::Ne => Ok(Value::bool(true)),
                _ => vm.compare(a, b, op),
            };
        }
    }
    Ok(Value::bool(op.holds(left.len().cmp(&right.len()))))
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    match (items(a), items(b)) {
        (Some(left), Some(right)) => compare_rows(vm, left, right, op),
        _ => Ok(Value::not_implemented()),
    }
}

fn len(_vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(own(this).len())
}

/// The first index in `row` whose item equals `value`.
fn find(vm: &mut Vm, row: &[Value], value: &Value) -> Py<Option<usize>> {
    for (at, item) in row.iter().enumerate() {
        let equal = match simple_equal(item, value) {
            Some(equal) => equal,
            None => vm.equal(item, value)?,
        };
        if equal {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn contains(vm: &mut Vm, this: &Value, value: &Value) -> Py<bool> {
    Ok(find(vm, own(this), value)?.is_some())
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    let row = own(this);
    if let Some(bounds) = bounds_of(vm, key)? {
        let span = bounds.fit(row.len());
        if span.count == row.len() && span.step == 1 && this.is_exact(&TUPLE) {
            return Ok(this.clone());
        }
        return Ok(new_tuple(span.indices().map(|at| row[at].clone())));
    }
    if !key.is_int() && key.type_of().slots().index.is_none() {
        let message = format!(
            "tuple indices must be integers or slices, not {}",
            key.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let at = vm.subscript_index(key)?;
    let at = if at < 0 { at + row.len() as i64 } else { at };
    match usize::try_from(at).ok().and_then(|at| row.get(at)) {
        Some(item) => Ok(item.clone()),
        None => Err(vm.index_error("tuple index out of range")),
    }
}

fn concat(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let Some(right) = items(b) else {
        let message = format!(
            "can only concatenate tuple (not \"{}\") to tuple",
            b.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let left = own(a);
    if left.is_empty() && b.is_exact(&TUPLE) {
        return Ok(b.clone());
    }
    if right.is_empty() && a.is_exact(&TUPLE) {
        return Ok(a.clone());
    }
    Ok(new_tuple([left, right].concat()))
}

fn repeat(vm: &mut Vm, this: &Value, count: &Value) -> Py {
    let times = repeat_count(vm, count)?;
    let row = own(this);
    if row.is_empty() || times == 0 {
        return Ok(if row.is_empty() && this.is_exact(&TUPLE) {
            this.clone()
        } else {
            empty_tuple()
        });
    }
    if times == 1 && this.is_exact(&TUPLE) {
        return Ok(this.clone());
    }
    let mut all: Vec<Value> = Vec::new();
    let reserved = row
        .len()
        .checked_mul(times)
        .is_some_and(|total| all.try_reserve_exact(total).is_ok());
    if !reserved {
        return Err(vm.memory_error());
    }
    for _ in 0..times {
        all.extend_from_slice(row);
    }
    Ok(new_tuple(all))
}

fn index(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let row = own(this);
    let Some(value) = args.first() else {
        return Err(vm.type_error("index expected at least 1 argument, got 0"));
    };
    let start = match args.get(1) {
        Some(start) => clamp_to(slice_index(vm, start)?, row.len()),
        None => 0,
    };
    let stop = match args.get(2) {
        Some(stop) => clamp_to(slice_index(vm, stop)?, row.len()),
        None => row.len(),
    };
    let part = row.get(start..stop).unwrap_or(&[]);
    match find(vm, part, value)? {
        Some(at) => Ok(Value::int((start + at) as i64)),
        None => Err(vm.value_error("tuple.index(x): x not in tuple")),
    }
}

fn count(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let mut count = 0;
    for item in own(this) {
        if vm.equal(item, value)? {
            count += 1;
        }
    }
    Ok(Value::int(count))
}

/// Payload of `tuple_iterator`.
pub struct TupleIterator {
    tuple: Value,
    /// [`DONE`] once exhausted.
    at: AtomicUsize,
}

// SAFETY: the tuple is the only reference.
unsafe impl Payload for TupleIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TUPLE_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.tuple);
    }
}

impl TupleIterator {
    /// The next item.
    #[inline(always)]
    pub fn next(&self) -> Option<Value> {
        let at = self.at.load(Relaxed);
        let item = own(&self.tuple).get(at).cloned();
        self.at
            .store(if item.is_some() { at + 1 } else { DONE }, Relaxed);
        item
    }
}

fn iter(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new_object(TupleIterator {
        tuple: this.clone(),
        at: AtomicUsize::new(0),
    }))
}

fn next(_vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    Ok(this.expect::<TupleIterator>().next())
}

fn length_hint(_vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<TupleIterator>();
    let left = own(&iterator.tuple)
        .len()
        .saturating_sub(iterator.at.load(Relaxed));
    Ok(Value::int(left as i64))
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<TupleIterator>();
    match iterator.at.load(Relaxed) {
        DONE => iterators::reduce_exhausted(vm, empty_tuple()),
        at => iterators::reduce_with(vm, name!("iter"), &iterator.tuple, Value::int(at as i64)),
    }
}

fn set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let at = vm.index_i64(state)?.max(0) as usize;
    let iterator = this.expect::<TupleIterator>();
    if iterator.at.load(Relaxed) != DONE {
        iterator
            .at
            .store(at.min(own(&iterator.tuple).len()), Relaxed);
    }
    Ok(Value::none())
}

static ITERATOR_METHODS: [MethodDef; 3] = [
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

static ITERATOR_LAYOUT: Layout = Layout::of::<TupleIterator>();
static ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "tuple_iterator",
    layout: Some(&ITERATOR_LAYOUT),
    slots: Slots {
        iter: Some(iterators::itself),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &ITERATOR_METHODS,
    ..TypeSpec::DEFAULT
};

/// Defines the types.
pub fn define_all() {
    TUPLE.define(&SPEC);
    TUPLE_ITERATOR.define(&ITERATOR_SPEC);
}
