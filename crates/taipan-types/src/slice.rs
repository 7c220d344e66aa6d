//! `slice`, and what sequences need to make sense of one.

use crate::check;
use crate::tuple::compare_rows;
use dashu_int::IBig;
use taipan_core::alloc::new_object;
use taipan_core::builtin_types::SLICE;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, f0, f1, getter,
};

/// Payload of slices.
pub struct Slice {
    pub start: Value,
    pub stop: Value,
    pub step: Value,
}

// SAFETY: three references, all reported.
unsafe impl Payload for Slice {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &SLICE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.start);
        tracer.visit(&self.stop);
        tracer.visit(&self.step);
    }
}

/// `slice(start, stop, step)`; missing parts are `None`.
pub fn new_slice(start: Value, stop: Value, step: Value) -> Value {
    new_object(Slice { start, stop, step })
}

/// The bounds of a slice as numbers, before the length of a sequence is known.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
}

/// Which elements of a sequence a slice takes: `start + k * step` for `k` below `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: i64,
    pub stop: i64,
    pub step: i64,
    pub count: usize,
}

impl Bounds {
    /// Fits the bounds to a sequence of `len` elements.
    pub fn fit(self, len: usize) -> Span {
        let len = len as i64;
        let (low, high) = if self.step < 0 {
            (-1, len - 1)
        } else {
            (0, len)
        };
        let clamp = |bound: i64| {
            if bound < 0 {
                bound.saturating_add(len).max(low)
            } else {
                bound.min(high)
            }
        };
        let (start, stop) = (clamp(self.start), clamp(self.stop));
        let count = if self.step < 0 {
            if stop < start {
                (start - stop - 1) / self.step.saturating_neg() + 1
            } else {
                0
            }
        } else if start < stop {
            (stop - start - 1) / self.step + 1
        } else {
            0
        };
        Span {
            start,
            stop,
            step: self.step,
            count: count as usize,
        }
    }
}

impl Span {
    /// The `k`-th index.
    #[inline]
    pub fn at(&self, k: usize) -> usize {
        (self.start + k as i64 * self.step) as usize
    }

    /// All indices in order.
    pub fn indices(self) -> impl ExactSizeIterator<Item = usize> {
        (0..self.count).map(move |k| self.at(k))
    }

    /// The same elements from the lowest index up.
    pub fn ascending(self) -> Span {
        if self.step > 0 || self.count == 0 {
            return self;
        }
        let first = self.start + (self.count as i64 - 1) * self.step;
        Span {
            start: first,
            stop: self.start + 1,
            step: -self.step,
            count: self.count,
        }
    }
}

/// The bounds of a slice object. Runs the `__index__` methods, so read the sequence's length afterwards.
pub fn bounds(vm: &mut Vm, slice: &Slice) -> Py<Bounds> {
    let step = if slice.step.is_none() {
        1
    } else {
        slice_index(vm, &slice.step)?
    };
    if step == 0 {
        return Err(vm.value_error("slice step cannot be zero"));
    }
    let step = step.max(-i64::MAX);
    let (low, high) = if step < 0 {
        (i64::MAX, i64::MIN)
    } else {
        (0, i64::MAX)
    };
    let start = if slice.start.is_none() {
        low
    } else {
        slice_index(vm, &slice.start)?
    };
    let stop = if slice.stop.is_none() {
        high
    } else {
        slice_index(vm, &slice.stop)?
    };
    Ok(Bounds { start, stop, step })
}

/// The slice object as bounds, if `key` is one.
#[inline]
pub fn bounds_of(vm: &mut Vm, key: &Value) -> Py<Option<Bounds>> {
    match key.cast::<Slice>() {
        Some(slice) => bounds(vm, slice).map(Some),
        None => Ok(None),
    }
}

/// A slice bound, or the `start` and `stop` of `index` methods: clamped to 64 bits.
pub fn slice_index(vm: &mut Vm, value: &Value) -> Py<i64> {
    if let Some(i) = value.small_int() {
        return Ok(i);
    }
    if !value.is_int() && value.type_of().slots().index.is_none() {
        return Err(
            vm.type_error("slice indices must be integers or None or have an __index__ method")
        );
    }
    vm.index_clamped(value)
}

/// Optional `start` and `stop` arguments of searches, clamped to `0..=len` (negative ones count from the end).
pub fn clamp_to(bound: i64, len: usize) -> usize {
    if bound < 0 {
        bound.saturating_add(len as i64).max(0) as usize
    } else {
        (bound as u64).min(len as u64) as usize
    }
}

fn new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "slice", args)?;
    let none = Value::none;
    match args.pos() {
        [stop] => Ok(new_slice(none(), stop.clone(), none())),
        [start, stop] => Ok(new_slice(start.clone(), stop.clone(), none())),
        [start, stop, step] => Ok(new_slice(start.clone(), stop.clone(), step.clone())),
        other => Err(check::wrong_count(vm, "slice", other.len(), 1, 3)),
    }
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let slice = this.expect::<Slice>();
    let text = format!(
        "slice({}, {}, {})",
        vm.repr_string(&slice.start)?,
        vm.repr_string(&slice.stop)?,
        vm.repr_string(&slice.step)?
    );
    Ok(taipan_core::str_object::new_str(&text))
}

fn parts(slice: &Slice) -> [Value; 3] {
    [slice.start.clone(), slice.stop.clone(), slice.step.clone()]
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (a.cast::<Slice>(), b.cast::<Slice>()) else {
        return Ok(Value::not_implemented());
    };
    if a.is(b) {
        return Ok(Value::bool(matches!(
            op,
            CompareOp::Eq | CompareOp::Le | CompareOp::Ge
        )));
    }
    compare_rows(vm, &parts(left), &parts(right), op)
}

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    crate::tuple::hash_parts(vm, &parts(this.expect::<Slice>()), 0)
}

fn indices(vm: &mut Vm, this: &Value, len: &Value) -> Py {
    let slice = this.expect::<Slice>();
    let len = vm.index(len)?;
    let zero = Value::from_i32(0);
    if vm.compare_bool(&len, &zero, CompareOp::Lt)? {
        return Err(vm.value_error("length should not be negative"));
    }
    let (start, stop, step) = fit_big(vm, slice, &len.as_big().unwrap_or_default())?;
    Ok(new_tuple(
        [start, stop, step].map(taipan_core::number::int_from_big),
    ))
}

/// Start, stop and step of a slice fitted to a length of any size.
pub fn fit_big(vm: &mut Vm, slice: &Slice, len: &IBig) -> Py<(IBig, IBig, IBig)> {
    let step = if slice.step.is_none() {
        IBig::ONE
    } else {
        big_index(vm, &slice.step)?
    };
    if step == IBig::ZERO {
        return Err(vm.value_error("slice step cannot be zero"));
    }
    let backwards = step < IBig::ZERO;
    let (low, high) = if backwards {
        (-IBig::ONE, len - IBig::ONE)
    } else {
        (IBig::ZERO, len.clone())
    };
    let fit = |vm: &mut Vm, value: &Value, default: &IBig| -> Py<IBig> {
        if value.is_none() {
            return Ok(default.clone());
        }
        let bound = big_index(vm, value)?;
        Ok(if bound < IBig::ZERO {
            (bound + len).max(low.clone())
        } else {
            bound.min(high.clone())
        })
    };
    let (first, last) = if backwards {
        (&high, &low)
    } else {
        (&low, &high)
    };
    let start = fit(vm, &slice.start, first)?;
    let stop = fit(vm, &slice.stop, last)?;
    Ok((start, stop, step))
}

fn big_index(vm: &mut Vm, value: &Value) -> Py<IBig> {
    if !value.is_int() && value.type_of().slots().index.is_none() {
        return Err(
            vm.type_error("slice indices must be integers or None or have an __index__ method")
        );
    }
    let value = vm.index(value)?;
    Ok(value.as_big().unwrap_or_default())
}

fn reduce(_vm: &mut Vm, this: &Value) -> Py {
    let slice = this.expect::<Slice>();
    Ok(new_tuple([SLICE.to_value(), new_tuple(parts(slice))]))
}

static LAYOUT: Layout = Layout::of::<Slice>();

static METHODS: [MethodDef; 2] = [
    f1(
        "indices(self, object, /)",
        indices,
        "S.indices(len) -> (start, stop, stride)\n\nThe start and stop indices and the stride that S describes for a sequence of\nlength len. Out of bounds indices are clipped as slicing does.",
    ),
    f0(
        "__reduce__(self, /)",
        reduce,
        "Return state information for pickling.",
    ),
];

static GETSET: [GetSetDef; 3] = [
    getter(
        "start",
        |_, this| Ok(this.expect::<Slice>().start.clone()),
        "",
    )
    .member(),
    getter(
        "stop",
        |_, this| Ok(this.expect::<Slice>().stop.clone()),
        "",
    )
    .member(),
    getter(
        "step",
        |_, this| Ok(this.expect::<Slice>().step.clone()),
        "",
    )
    .member(),
];

static SPEC: TypeSpec = TypeSpec {
    name: "slice",
    flags: TypeFlags::empty(),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        hash: Some(hash),
        compare: Some(compare),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "slice(stop)\nslice(start, stop[, step])\n\nCreate a slice object.  This is used for extended slicing (e.g. a[0:10:2]).",
    ..TypeSpec::DEFAULT
};

/// Defines the type.
pub fn define_all() {
    SLICE.define(&SPEC);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let span = |start, stop, step, len| {
            Bounds { start, stop, step }
                .fit(len)
                .indices()
                .collect::<Vec<_>>()
        };
        assert_eq!(span(0, i64::MAX, 1, 3), [0, 1, 2]);
        assert_eq!(span(i64::MAX, i64::MIN, -1, 3), [2, 1, 0]);
        assert_eq!(span(-2, i64::MAX, 1, 5), [3, 4]);
        assert_eq!(span(4, 0, -2, 5), [4, 2]);
        assert_eq!(span(3, 1, 1, 5), [0usize; 0]);
        assert_eq!(
            Bounds {
                start: 4,
                stop: 0,
                step: -2
            }
            .fit(5)
            .ascending()
            .indices()
            .collect::<Vec<_>>(),
            [2, 4]
        );
    }
}
