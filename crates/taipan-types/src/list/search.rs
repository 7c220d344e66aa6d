//! Searching and reducing lists. Raw storages are handled as rows of machine numbers; where an `__eq__` has to be asked, the
//! list may change meanwhile, so each step looks at it anew.

use super::storage::Storage;
use super::{List, ListExt};
use taipan_core::dict_object::simple_equal;
use taipan_core::str_object::is_exact_str;
use taipan_core::{CompareOp, Obj, Py, Value, Vm};

/// Where a search that runs no Python code ends.
enum Hit {
    Found(usize),
    /// This element's `__eq__` must be asked.
    Ask(usize, Value),
    None,
}

/// Searches from `from` (below `end`) on.
fn scan(storage: &Storage, item: &Value, from: usize, end: usize) -> Hit {
    let end = end.min(storage.len());
    let from = from.min(end);
    let found = |at: Option<usize>| at.map_or(Hit::None, |at| Hit::Found(from + at));
    if let Some(floats) = storage.floats()
        && let Some(wanted) = plain_number(item).map(|number| number.0)
    {
        return found(floats[from..end].iter().position(|x| Some(*x) == wanted));
    }
    if let Some(ints) = storage.ints()
        && let Some(wanted) = plain_number(item).map(|number| number.1)
    {
        return found(ints[from..end].iter().position(|i| Some(*i) == wanted));
    }
    if storage.values().is_none() && (is_exact_str(item) || item.is_none()) {
        return Hit::None;
    }
    match storage.values() {
        Some(values) => {
            for (at, own) in values[from..end].iter().enumerate() {
                match simple_equal(own, item) {
                    Some(true) => return Hit::Found(from + at),
                    Some(false) => {}
                    None => return Hit::Ask(from + at, own.clone()),
                }
            }
            Hit::None
        }
        None => match storage.get(from) {
            Some(own) if from < end => Hit::Ask(from, own),
            _ => Hit::None,
        },
    }
}

/// The double and the int that equal an immediate number; `None` for other values and numbers that are hard to compare.
fn plain_number(item: &Value) -> Option<(Option<f64>, Option<i64>)> {
    const EXACT: i64 = 1 << 53;
    if let Some(x) = item.small_float() {
        let int = if x.trunc() == x && x.abs() < 1e18 {
            Some(x as i64)
        } else {
            None
        };
        // Immediates reach 2**513, but ints in a raw storage end at 2**61.
        return Some((Some(x), int));
    }
    let i = item.small_int()?;
    if -EXACT < i && i < EXACT {
        Some((Some(i as f64), Some(i)))
    } else {
        None
    }
}

/// The first index from `from` on (below `end`) whose element equals `item`.
pub fn find(
    vm: &mut Vm,
    list: &Obj<List>,
    item: &Value,
    from: usize,
    end: usize,
) -> Py<Option<usize>> {
    let mut from = from;
    loop {
        match list.read(vm, |storage| scan(storage, item, from, end)) {
            Hit::Found(at) => return Ok(Some(at)),
            Hit::None => return Ok(None),
            Hit::Ask(at, own) => {
                if vm.equal(&own, item)? {
                    return Ok(Some(at));
                }
                from = at + 1;
            }
        }
    }
}

/// How many elements equal `item`.
pub fn count(vm: &mut Vm, list: &Obj<List>, item: &Value) -> Py<usize> {
    let mut count = 0;
    let mut from = 0;
    while let Some(at) = find(vm, list, item, from, usize::MAX)? {
        count += 1;
        from = at + 1;
    }
    Ok(count)
}

/// Comparison of two lists.
pub fn compare(vm: &mut Vm, a: &Obj<List>, b: &Obj<List>, op: CompareOp) -> Py {
    let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    if equality && a.len(vm) != b.len(vm) {
        return Ok(Value::bool(op == CompareOp::Ne));
    }
    let mut at = raw_mismatch(vm, a, b).unwrap_or(0);
    while let (Some(left), Some(right)) = (a.get(vm, at), b.get(vm, at)) {
        let equal = match simple_equal(&left, &right) {
            Some(equal) => equal,
            None => vm.equal(&left, &right)?,
        };
        // The comparison may have shortened the lists: then their lengths decide.
        if !equal && at < a.len(vm).min(b.len(vm)) {
            return match op {
                CompareOp::Eq => Ok(Value::bool(false)),
                CompareOp::Ne => Ok(Value::bool(true)),
                _ => vm.compare(&left, &right, op),
            };
        }
        at += 1;
    }
    Ok(Value::bool(op.holds(a.len(vm).cmp(&b.len(vm)))))
}

/// The first index at which two raw storages of one kind differ (or the shorter one's length).
fn raw_mismatch(vm: &mut Vm, a: &Obj<List>, b: &Obj<List>) -> Option<usize> {
    super::read_both(vm, a, b, |left, right| {
        if let (Some(left), Some(right)) = (left.floats(), right.floats()) {
            return Some(mismatch(left, right));
        }
        if let (Some(left), Some(right)) = (left.ints(), right.ints()) {
            return Some(mismatch(left, right));
        }
        None
    })
}

fn mismatch<T: PartialEq>(left: &[T], right: &[T]) -> usize {
    left.iter()
        .zip(right)
        .position(|(a, b)| a != b)
        .unwrap_or(left.len().min(right.len()))
}

/// The sum of a list of raw numbers, as `sum(list)` (start 0) gives it; `None` for other lists.
pub fn sum_of(vm: &mut Vm, list: &Obj<List>) -> Option<Value> {
    list.read(vm, |storage| {
        if storage.is_empty() {
            return None;
        }
        if let Some(floats) = storage.floats() {
            return Some(Value::float(compensated_sum(floats)));
        }
        let ints = storage.ints()?;
        let total: i128 = ints.iter().map(|i| *i as i128).sum();
        Some(match i64::try_from(total) {
            Ok(total) => Value::int(total),
            Err(_) => taipan_core::number::int_from_big(total.into()),
        })
    })
}

/// `sum` of doubles with Neumaier's compensation, as CPython 3.12 and later do it. Starts from the int 0.
pub fn compensated_sum(floats: &[f64]) -> f64 {
    let mut sum = 0.0f64;
    let mut lost = 0.0f64;
    for x in floats {
        let total = sum + x;
        lost += if sum.abs() >= x.abs() {
            (sum - total) + x
        } else {
            (x - total) + sum
        };
        sum = total;
    }
    if lost != 0.0 && lost.is_finite() {
        sum + lost
    } else {
        sum
    }
}

/// The smallest element of a non-empty list of raw numbers (the first of equal ones); `None` for other lists.
pub fn min_of(vm: &mut Vm, list: &Obj<List>) -> Option<Value> {
    extreme(vm, list, |new, best| new < best, |new, best| new < best)
}

/// The largest element of a non-empty list of raw numbers (the first of equal ones); `None` for other lists.
pub fn max_of(vm: &mut Vm, list: &Obj<List>) -> Option<Value> {
    extreme(vm, list, |new, best| new > best, |new, best| new > best)
}

fn extreme(
    vm: &mut Vm,
    list: &Obj<List>,
    float: impl Fn(f64, f64) -> bool,
    int: impl Fn(i64, i64) -> bool,
) -> Option<Value> {
    list.read(vm, |storage| {
        if let Some(floats) = storage.floats() {
            let best = floats
                .iter()
                .copied()
                .reduce(|best, new| if float(new, best) { new } else { best });
            return best.map(Value::float);
        }
        let best = storage
            .ints()?
            .iter()
            .copied()
            .reduce(|best, new| if int(new, best) { new } else { best });
        best.map(Value::int)
    })
}
