//! `range`

use crate::check;
use crate::iterators::{builtin, itself};
use crate::slice::Slice;
use dashu_int::IBig;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use taipan_core::alloc::new_object;
use taipan_core::builtin_types::{RANGE, RANGE_ITERATOR};
use taipan_core::lock::{HasState, Locked};
use taipan_core::number::int_from_big;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, Type, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, f0, f1, getter, name,
};

/// Payload of ranges.
pub struct Range {
    start: Value,
    stop: Value,
    step: Value,
    /// Start, step and length, if every number in reach has at most 62 bits.
    small: Option<(i64, i64, i64)>,
}

// SAFETY: ints are the only references; they are counted though never part of a cycle.
unsafe impl Payload for Range {
    fn type_object() -> &'static TypeObject {
        &RANGE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all([&self.start, &self.stop, &self.step]);
    }
}

const SMALL: std::ops::Range<i64> = -(1 << 60)..1 << 60;

/// `range(start, stop, step)` of ints; the step is not 0.
fn new_range(start: Value, stop: Value, step: Value) -> Value {
    let small = match (start.small_int(), stop.small_int(), step.small_int()) {
        (Some(first), Some(end), Some(by))
            if SMALL.contains(&first) && SMALL.contains(&end) && SMALL.contains(&by) =>
        {
            Some((first, by, small_length(first, end, by)))
        }
        _ => None,
    };
    new_object(Range {
        start,
        stop,
        step,
        small,
    })
}

/// `range(start, stop, step)` of small numbers; the step is not 0.
pub fn new_small_range(start: i64, stop: i64, step: i64) -> Value {
    new_range(Value::int(start), Value::int(stop), Value::int(step))
}

fn small_length(start: i64, stop: i64, step: i64) -> i64 {
    if step > 0 && start < stop {
        (stop - start - 1) / step + 1
    } else if step < 0 && start > stop {
        (start - stop - 1) / -step + 1
    } else {
        0
    }
}

fn big(value: &Value) -> IBig {
    value.as_big().unwrap_or_default()
}

impl Range {
    /// Start, step and length, if all are small.
    pub fn small(&self) -> Option<(i64, i64, i64)> {
        self.small
    }

    fn length(&self) -> IBig {
        if let Some((_, _, len)) = self.small {
            return IBig::from(len);
        }
        let (start, stop, step) = (big(&self.start), big(&self.stop), big(&self.step));
        let (low, high, by) = if step > IBig::ZERO {
            (start, stop, step)
        } else {
            (stop, start, -step)
        };
        if low >= high {
            IBig::ZERO
        } else {
            (high - low - IBig::ONE) / by + IBig::ONE
        }
    }

    fn item(&self, at: &IBig) -> Value {
        int_from_big(big(&self.start) + at * big(&self.step))
    }

    fn parts(&self) -> [Value; 3] {
        [self.start.clone(), self.stop.clone(), self.step.clone()]
    }
}

fn own(this: &Value) -> &Range {
    this.expect::<Range>()
}

/// An argument as an exact int.
fn int_argument(vm: &mut Vm, value: &Value) -> Py {
    let index = vm.index(value)?;
    if index.is_small_int() {
        Ok(index)
    } else {
        Ok(int_from_big(big(&index)))
    }
}

fn new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "range", args)?;
    let one = Value::from_i32(1);
    match args.pos() {
        [stop] => {
            let stop = int_argument(vm, stop)?;
            Ok(new_range(Value::from_i32(0), stop, one))
        }
        [start, stop, rest @ ..] if rest.len() < 2 => {
            let (start, stop) = (int_argument(vm, start)?, int_argument(vm, stop)?);
            let step = match rest {
                [step] => int_argument(vm, step)?,
                _ => one,
            };
            if step.small_int() == Some(0) {
                return Err(vm.value_error("range() arg 3 must not be zero"));
            }
            Ok(new_range(start, stop, step))
        }
        other => Err(check::wrong_count(vm, "range", other.len(), 1, 3)),
    }
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let range = own(this);
    let (start, stop) = (vm.repr_string(&range.start)?, vm.repr_string(&range.stop)?);
    if range.step.small_int() == Some(1) {
        return Ok(new_str(&format!("range({start}, {stop})")));
    }
    let step = vm.repr_string(&range.step)?;
    Ok(new_str(&format!("range({start}, {stop}, {step})")))
}

fn len(vm: &mut Vm, this: &Value) -> Py<usize> {
    match own(this).small {
        Some((_, _, len)) => Ok(len as usize),
        None => match i64::try_from(own(this).length()) {
            Ok(len) => Ok(len as usize),
            Err(_) => Err(vm.overflow_error("Python int too large to convert to C ssize_t")),
        },
    }
}

fn bool(_vm: &mut Vm, this: &Value) -> Py<bool> {
    Ok(own(this).length() != IBig::ZERO)
}

/// The position of an exact int (or bool) in the range.
fn position(range: &Range, number: &IBig) -> Option<IBig> {
    let (start, step) = (big(&range.start), big(&range.step));
    let offset = number - &start;
    let at = &offset / &step;
    let inside = &at * &step == offset && at >= IBig::ZERO && at < range.length();
    inside.then_some(at)
}

fn small_position(small: (i64, i64, i64), number: i64) -> Option<i64> {
    let (start, step, len) = small;
    let offset = number.checked_sub(start)?;
    let at = offset.checked_div(step)?;
    (at * step == offset && at >= 0 && at < len).then_some(at)
}

/// Is it an int or bool, not an instance of another subclass (whose `__eq__` may differ)?
fn is_plain_int(value: &Value) -> bool {
    value.is_small_int()
        || value.is_exact(&taipan_core::builtin_types::INT)
        || value.is_true()
        || value.is_false()
}

/// The position of any value: ints by arithmetic, others by comparing with each number.
fn find(vm: &mut Vm, range: &Range, value: &Value) -> Py<Option<IBig>> {
    if let (Some(small), Some(number)) = (range.small, value.small_int()) {
        return Ok(small_position(small, number).map(IBig::from));
    }
    if is_plain_int(value) {
        return Ok(position(range, &big(value)));
    }
    let len = range.length();
    let mut at = IBig::ZERO;
    while at < len {
        if vm.equal(&range.item(&at), value)? {
            return Ok(Some(at));
        }
        at += IBig::ONE;
        vm.safepoint()?;
    }
    Ok(None)
}

fn contains(vm: &mut Vm, this: &Value, value: &Value) -> Py<bool> {
    Ok(find(vm, own(this), value)?.is_some())
}

fn index(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    match find(vm, own(this), value)? {
        Some(at) => Ok(int_from_big(at)),
        None if is_plain_int(value) => Err(vm.value_error("range.index(x): x not in range")),
        None => Err(vm.value_error("sequence.index(x): x not in sequence")),
    }
}

fn count(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let range = own(this);
    if is_plain_int(value) {
        return Ok(Value::from_i32(find(vm, range, value)?.is_some() as i32));
    }
    let iterator = iter(vm, this)?;
    let mut count = 0;
    while let Some(number) = vm.next(&iterator)? {
        count += vm.equal(&number, value)? as i64;
    }
    Ok(Value::int(count))
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    let range = own(this);
    if let (Some((start, step, len)), Some(at)) = (range.small, key.small_int()) {
        let at = if at < 0 { at + len } else { at };
        if at < 0 || at >= len {
            return Err(vm.index_error("range object index out of range"));
        }
        return Ok(Value::int(start + at * step));
    }
    if let Some(slice) = key.cast::<Slice>() {
        return slice_of(vm, range, slice);
    }
    if !key.is_int() && key.type_of().slots().index.is_none() {
        let message = format!(
            "range indices must be integers or slices, not {}",
            key.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let index = vm.index(key)?;
    let (mut at, len) = (big(&index), range.length());
    if at < IBig::ZERO {
        at += &len;
    }
    if at < IBig::ZERO || at >= len {
        return Err(vm.index_error("range object index out of range"));
    }
    Ok(range.item(&at))
}

fn slice_of(vm: &mut Vm, range: &Range, slice: &Slice) -> Py {
    let (start, stop, step) = crate::slice::fit_big(vm, slice, &range.length())?;
    let by = int_from_big(big(&range.step) * step);
    Ok(new_range(range.item(&start), range.item(&stop), by))
}

fn compare(_vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (a.cast::<Range>(), b.cast::<Range>()) else {
        return Ok(Value::not_implemented());
    };
    let len = left.length();
    let same = len == right.length()
        && (len == IBig::ZERO
            || big(&left.start) == big(&right.start)
                && (len == IBig::ONE || big(&left.step) == big(&right.step)));
    match op {
        CompareOp::Eq => Ok(Value::bool(same)),
        CompareOp::Ne => Ok(Value::bool(!same)),
        _ => Ok(Value::not_implemented()),
    }
}

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    let range = own(this);
    let len = range.length();
    let (start, step) = if len == IBig::ZERO {
        (Value::none(), Value::none())
    } else if len == IBig::ONE {
        (range.start.clone(), Value::none())
    } else {
        (range.start.clone(), range.step.clone())
    };
    crate::tuple::hash_row(vm, &[int_from_big(len), start, step])
}

fn reduce(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new_tuple([
        this.type_of().to_value(),
        new_tuple(own(this).parts()),
    ]))
}

/// Payload of `range_iterator`: ranges of small numbers.
pub struct RangeIterator {
    next: AtomicI64,
    step: i64,
    left: AtomicI64,
}

// SAFETY: holds no references.
unsafe impl Payload for RangeIterator {
    fn type_object() -> &'static TypeObject {
        &RANGE_ITERATOR
    }
}

impl RangeIterator {
    /// The next number.
    #[inline(always)]
    pub fn next(&self) -> Option<i64> {
        let left = self.left.load(Relaxed);
        if left <= 0 {
            return None;
        }
        let number = self.next.load(Relaxed);
        self.left.store(left - 1, Relaxed);
        self.next.store(number.wrapping_add(self.step), Relaxed);
        Some(number)
    }
}

fn iter(_vm: &mut Vm, this: &Value) -> Py {
    let range = own(this);
    Ok(match range.small {
        Some((start, step, len)) => small_iterator(start, step, len),
        None => big_iterator(big(&range.start), big(&range.step), range.length()),
    })
}

/// An iterator over `len` small numbers.
pub fn small_iterator(start: i64, step: i64, len: i64) -> Value {
    new_object(RangeIterator {
        next: AtomicI64::new(start),
        step,
        left: AtomicI64::new(len),
    })
}

fn reversed(_vm: &mut Vm, this: &Value) -> Py {
    let range = own(this);
    Ok(match range.small {
        Some((start, step, len)) => small_iterator(start + (len - 1) * step, -step, len),
        None => {
            let (len, step) = (range.length(), big(&range.step));
            big_iterator(big(&range.start) + (&len - IBig::ONE) * &step, -step, len)
        }
    })
}

fn next(_vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    Ok(this.expect::<RangeIterator>().next().map(Value::int))
}

fn length_hint(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::int(
        this.expect::<RangeIterator>().left.load(Relaxed).max(0),
    ))
}

/// `(iter, (range,), None)`: a range of what is left.
fn reduce_rest(vm: &mut Vm, start: IBig, step: IBig, left: IBig) -> Py {
    let stop = &start + &left * &step;
    let rest = new_range(int_from_big(start), int_from_big(stop), int_from_big(step));
    let function = builtin(vm, name!("iter"))?;
    Ok(new_tuple([function, new_tuple([rest]), Value::none()]))
}

fn iterator_reduce(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<RangeIterator>();
    let left = iterator.left.load(Relaxed).max(0);
    reduce_rest(
        vm,
        iterator.next.load(Relaxed).into(),
        iterator.step.into(),
        left.into(),
    )
}

fn set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let skip = vm.index_i64(state)?;
    let iterator = this.expect::<RangeIterator>();
    let left = iterator.left.load(Relaxed).max(0);
    let skip = skip.clamp(0, left);
    iterator.next.store(
        iterator
            .next
            .load(Relaxed)
            .wrapping_add(skip.wrapping_mul(iterator.step)),
        Relaxed,
    );
    iterator.left.store(left - skip, Relaxed);
    Ok(Value::none())
}

/// The type `longrange_iterator`.
pub static LONG_RANGE_ITERATOR: TypeObject = Type::declare("longrange_iterator");

/// Payload of `longrange_iterator`.
struct BigIterator {
    rest: Locked<Rest>,
}

/// What is left: next number, step, count.
struct Rest(IBig, IBig, IBig);

impl HasState for BigIterator {
    type State = Rest;
    fn cell(&self) -> &Locked<Rest> {
        &self.rest
    }
}

// SAFETY: holds no references.
unsafe impl Payload for BigIterator {
    fn type_object() -> &'static TypeObject {
        &LONG_RANGE_ITERATOR
    }
}

fn big_iterator(start: IBig, step: IBig, left: IBig) -> Value {
    new_object(BigIterator {
        rest: Locked::new(Rest(start, step, left)),
    })
}

fn big_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let mut rest = this.expect::<BigIterator>().lock(vm);
    if rest.2 <= IBig::ZERO {
        return Ok(None);
    }
    let number = rest.0.clone();
    rest.0 = &number + &rest.1;
    rest.2 -= IBig::ONE;
    drop(rest);
    Ok(Some(int_from_big(number)))
}

fn big_length_hint(vm: &mut Vm, this: &Value) -> Py {
    let left = this.expect::<BigIterator>().lock(vm).2.clone();
    Ok(int_from_big(left))
}

fn big_reduce(vm: &mut Vm, this: &Value) -> Py {
    let (start, step, left) = {
        let rest = this.expect::<BigIterator>().lock(vm);
        (rest.0.clone(), rest.1.clone(), rest.2.clone())
    };
    reduce_rest(vm, start, step, left)
}

fn big_set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let state = vm.index(state)?;
    let skip = big(&state);
    let mut rest = this.expect::<BigIterator>().lock(vm);
    let skip = skip.max(IBig::ZERO).min(rest.2.clone());
    rest.0 = &rest.0 + &skip * &rest.1;
    rest.2 = &rest.2 - skip;
    drop(rest);
    Ok(Value::none())
}

static METHODS: [MethodDef; 4] = [
    f0(
        "__reversed__(self, /)",
        reversed,
        "Return a reverse iterator.",
    ),
    f0("__reduce__(self, /)", reduce, ""),
    f1(
        "count(self, object, /)",
        count,
        "rangeobject.count(value) -> integer -- return number of occurrences of value",
    ),
    f1(
        "index(self, object, /)",
        index,
        "rangeobject.index(value) -> integer -- return index of value.\nRaise ValueError if the value is not present.",
    ),
];

static GETSET: [GetSetDef; 3] = [
    getter("start", |_, this| Ok(own(this).start.clone()), "").member(),
    getter("stop", |_, this| Ok(own(this).stop.clone()), "").member(),
    getter("step", |_, this| Ok(own(this).step.clone()), "").member(),
];

static LAYOUT: Layout = Layout::of::<Range>();
static SPEC: TypeSpec = TypeSpec {
    name: "range",
    flags: TypeFlags::SEQUENCE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        hash: Some(hash),
        compare: Some(compare),
        iter: Some(iter),
        bool: Some(bool),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "range(stop) -> range object\nrange(start, stop[, step]) -> range object\n\nReturn an object that produces a sequence of integers from start (inclusive)\nto stop (exclusive) by step.  range(i, j) produces i, i+1, i+2, ..., j-1.\nstart defaults to 0, and stop is omitted!  range(4) produces 0, 1, 2, 3.\nThese are exactly the valid indices for a list of 4 elements.\nWhen step is given, it specifies the increment (or decrement).",
    ..TypeSpec::DEFAULT
};

static ITERATOR_METHODS: [MethodDef; 3] = [
    f0(
        "__length_hint__(self, /)",
        length_hint,
        "Private method returning an estimate of len(list(it)).",
    ),
    f0(
        "__reduce__(self, /)",
        iterator_reduce,
        "Return state information for pickling.",
    ),
    f1(
        "__setstate__(self, object, /)",
        set_state,
        "Set state information for unpickling.",
    ),
];

static ITERATOR_LAYOUT: Layout = Layout::of::<RangeIterator>();
static ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "range_iterator",
    layout: Some(&ITERATOR_LAYOUT),
    slots: Slots {
        iter: Some(itself),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &ITERATOR_METHODS,
    ..TypeSpec::DEFAULT
};

static BIG_METHODS: [MethodDef; 3] = [
    f0(
        "__length_hint__(self, /)",
        big_length_hint,
        "Private method returning an estimate of len(list(it)).",
    ),
    f0(
        "__reduce__(self, /)",
        big_reduce,
        "Return state information for pickling.",
    ),
    f1(
        "__setstate__(self, object, /)",
        big_set_state,
        "Set state information for unpickling.",
    ),
];

static BIG_LAYOUT: Layout = Layout::of::<BigIterator>();
static BIG_SPEC: TypeSpec = TypeSpec {
    name: "longrange_iterator",
    layout: Some(&BIG_LAYOUT),
    slots: Slots {
        iter: Some(itself),
        next: Some(big_next),
        ..Slots::NONE
    },
    methods: &BIG_METHODS,
    ..TypeSpec::DEFAULT
};

/// Defines the types.
pub fn define_all() {
    RANGE.define(&SPEC);
    RANGE_ITERATOR.define(&ITERATOR_SPEC);
    LONG_RANGE_ITERATOR.define(&BIG_SPEC);
}
