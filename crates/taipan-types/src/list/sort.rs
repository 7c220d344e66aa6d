//! `list.sort`: stable, on the elements taken out of the list, so that nothing that comparisons do can disturb it.
//!
//! Keys that are all doubles, ints or strings are compared as such by the standard library's sort. Others are sorted by
//! natural runs, merged in the order that Munro and Wild's powersort gives, which needs about as few `<` as possible.

use super::List;
use super::storage::{NoMemory, Storage};
use std::cmp::Ordering;
use taipan_core::str_object::{Units, is_exact_str, str_of};
use taipan_core::{CompareOp, Obj, Py, Value, Vm};

/// Sorts in place.
pub fn sort(vm: &mut Vm, list: &Obj<List>, key: Option<&Value>, reverse: bool) -> Py<()> {
    if list.lock(vm).is_empty() {
        return Ok(());
    }
    let mut storage = std::mem::replace(&mut *list.lock(vm), Storage::sorting());
    let sorted = sort_storage(vm, &mut storage, key, reverse);
    let (meddled, displaced) = {
        let mut state = list.lock(vm);
        let meddled = !state.is_sorting();
        (meddled, std::mem::replace(&mut *state, storage))
    };
    drop(displaced);
    sorted?;
    if meddled {
        return Err(vm.value_error("list modified during sort"));
    }
    Ok(())
}

fn sort_storage(vm: &mut Vm, storage: &mut Storage, key: Option<&Value>, reverse: bool) -> Py<()> {
    if let Some(key) = key {
        let mut keys = Vec::new();
        if keys.try_reserve_exact(storage.len()).is_err() {
            return Err(vm.memory_error());
        }
        for at in 0..storage.len() {
            if let Some(item) = storage.get(at) {
                keys.push(vm.call(key, &[item])?);
            }
        }
        return by_keys(vm, storage, &keys, reverse);
    }
    if let Some(floats) = storage.floats_mut() {
        // No NaN is stored raw, so the order is total.
        let order = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or(Ordering::Equal);
        if reverse {
            floats.sort_by(|a, b| order(b, a))
        } else {
            floats.sort_by(order)
        }
        return Ok(());
    }
    if let Some(ints) = storage.ints_mut() {
        ints.sort_unstable();
        if reverse {
            ints.reverse();
        }
        return Ok(());
    }
    let values = storage.to_vec();
    by_keys(vm, storage, &values, reverse)
}

/// Puts the elements into the order of their keys.
fn by_keys(vm: &mut Vm, storage: &mut Storage, keys: &[Value], reverse: bool) -> Py<()> {
    let mut order: Vec<usize> = Vec::new();
    if order.try_reserve_exact(keys.len()).is_err() {
        return Err(vm.memory_error());
    }
    order.extend(0..keys.len());
    let result = sort_indices(vm, keys, &mut order, reverse);
    // After an error the elements stay in the order reached so far; none is lost.
    match storage.permute(&order) {
        Ok(()) => result,
        Err(NoMemory) => result.and_then(|()| Err(vm.memory_error())),
    }
}

/// Sorts `order`, indices into `keys`, stably by key; descending if `reverse`, equal ones keeping their order all the same.
pub fn sort_indices(vm: &mut Vm, keys: &[Value], order: &mut [usize], reverse: bool) -> Py<()> {
    if keys.iter().all(Value::is_small_int) {
        sort_plain(
            order,
            reverse,
            |at| keys[at].small_int_unchecked(),
            |a, b| a.cmp(b),
        );
    } else if keys.iter().all(Value::is_small_float) {
        let order_of = |a: &f64, b: &f64| a.partial_cmp(b).unwrap_or(Ordering::Equal);
        sort_plain(
            order,
            reverse,
            |at| keys[at].small_float_unchecked(),
            order_of,
        );
    } else if keys.iter().all(is_exact_str) {
        sort_plain(order, reverse, |at| &keys[at], |a, b| compare_str(a, b));
    } else {
        let less: fn(&mut Vm, &Value, &Value) -> Py<bool> =
            if same_tuples(keys) { tuple_less } else { less };
        if reverse {
            order.reverse();
        }
        let result = merge_sort(order, &mut |a, b| less(vm, &keys[a], &keys[b]));
        if reverse {
            order.reverse();
        }
        return result;
    }
    Ok(())
}

fn sort_plain<K: Copy>(
    order: &mut [usize],
    reverse: bool,
    key: impl Fn(usize) -> K,
    compare: impl Fn(&K, &K) -> Ordering,
) {
    if reverse {
        order.sort_by(|a, b| compare(&key(*b), &key(*a)));
    } else {
        order.sort_by(|a, b| compare(&key(*a), &key(*b)));
    }
}

/// The order of two strings by code points.
pub fn compare_str(a: &Value, b: &Value) -> Ordering {
    match (str_of(a), str_of(b)) {
        (Some(a), Some(b)) => match (a.units(), b.units()) {
            (Units::Ascii(a) | Units::Latin1(a), Units::Ascii(b) | Units::Latin1(b)) => a.cmp(b),
            (Units::Ucs2(a), Units::Ucs2(b)) => a.cmp(b),
            (Units::Ucs4(a), Units::Ucs4(b)) => a.cmp(b),
            _ => a.code_points().cmp(b.code_points()),
        },
        _ => Ordering::Equal,
    }
}

/// `a < b`
#[inline]
fn less(vm: &mut Vm, a: &Value, b: &Value) -> Py<bool> {
    if let (Some(a), Some(b)) = (a.small_int(), b.small_int()) {
        return Ok(a < b);
    }
    if let (Some(a), Some(b)) = (a.small_float(), b.small_float()) {
        return Ok(a < b);
    }
    vm.compare_bool(a, b, CompareOp::Lt)
}

/// Are all keys plain tuples that are not empty?
fn same_tuples(keys: &[Value]) -> bool {
    keys.iter().all(|key| {
        key.is_exact(&taipan_core::builtin_types::TUPLE)
            && taipan_core::tuple_object::items(key).is_some_and(|items| !items.is_empty())
    })
}

/// `a < b` of two tuples, without building anything when the first elements tell.
fn tuple_less(vm: &mut Vm, a: &Value, b: &Value) -> Py<bool> {
    use taipan_core::tuple_object::items;
    let (left, right) = (items(a).unwrap_or(&[]), items(b).unwrap_or(&[]));
    for (x, y) in left.iter().zip(right) {
        let equal = match taipan_core::dict_object::simple_equal(x, y) {
            Some(equal) => equal,
            None => vm.equal(x, y)?,
        };
        if !equal {
            if is_exact_str(x) && is_exact_str(y) {
                return Ok(compare_str(x, y).is_lt());
            }
            return less(vm, x, y);
        }
    }
    Ok(left.len() < right.len())
}

type Less<'a> = dyn FnMut(usize, usize) -> Py<bool> + 'a;

/// Runs shorter than this are lengthened by insertion.
fn shortest_run(mut len: usize) -> usize {
    let mut odd = 0;
    while len >= 64 {
        odd |= len & 1;
        len >>= 1;
    }
    len + odd
}

/// Sorts stably. On an error `row` is a permutation of what it was.
fn merge_sort(row: &mut [usize], less: &mut Less<'_>) -> Py<()> {
    let len = row.len();
    if len < 2 {
        return Ok(());
    }
    let shortest = shortest_run(len);
    // Runs that wait to be merged: start, length, power of the boundary in front of the next.
    let mut runs: Vec<(usize, usize, u32)> = Vec::new();
    let mut scratch = Vec::with_capacity(len / 2 + 1);
    let mut at = 0;
    while at < len {
        let mut run = natural_run(&mut row[at..], less)?;
        let wanted = shortest.min(len - at);
        if run < wanted {
            insertion_sort(&mut row[at..at + wanted], run, less)?;
            run = wanted;
        }
        if let Some(last) = runs.last_mut() {
            let power = boundary_power(last.0, last.1, run, len);
            last.2 = power;
            while runs.len() > 1 && runs[runs.len() - 2].2 > power {
                merge_last(row, &mut runs, &mut scratch, less)?;
                if let Some(last) = runs.last_mut() {
                    last.2 = power;
                }
            }
        }
        runs.push((at, run, 0));
        at += run;
    }
    while runs.len() > 1 {
        merge_last(row, &mut runs, &mut scratch, less)?;
    }
    Ok(())
}

/// How deep in a balanced tree over `len` places the boundary between two neighbouring runs lies.
fn boundary_power(start: usize, left: usize, right: usize, len: usize) -> u32 {
    let len = len as u128;
    let mut a = 2 * start as u128 + left as u128;
    let mut b = a + left as u128 + right as u128;
    let mut power = 0;
    loop {
        power += 1;
        if a >= len {
            a -= len;
            b -= len;
        } else if b >= len {
            return power;
        }
        a <<= 1;
        b <<= 1;
    }
}

/// The length of the run at the beginning, which is ascending afterwards. Descending runs may hold stretches of equal
/// elements; these are turned round beforehand, so that turning round the run restores their order.
fn natural_run(row: &mut [usize], less: &mut Less<'_>) -> Py<usize> {
    let all = row.len();
    let mut len = 1.min(all);
    while len < all && !less(row[len], row[len - 1])? {
        len += 1;
    }
    if len == all {
        return Ok(len);
    }
    if len > 1 {
        if less(row[0], row[len - 1])? {
            return Ok(len);
        }
        row[..len].reverse();
    }
    len += 1;
    let mut equal_from = len - 1;
    while len < all {
        if less(row[len], row[len - 1])? {
            row[equal_from..len].reverse();
            equal_from = len;
        } else if less(row[len - 1], row[len])? {
            break;
        }
        len += 1;
    }
    row[equal_from..len].reverse();
    row[..len].reverse();
    while len < all && !less(row[len], row[len - 1])? {
        len += 1;
    }
    Ok(len)
}

/// Binary insertion of all from `sorted` on.
fn insertion_sort(row: &mut [usize], sorted: usize, less: &mut Less<'_>) -> Py<()> {
    for at in sorted..row.len() {
        let pivot = row[at];
        let (mut low, mut high) = (0, at);
        while low < high {
            let middle = low + (high - low) / 2;
            if less(pivot, row[middle])? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        row[low..=at].rotate_right(1);
    }
    Ok(())
}

fn merge_last(
    row: &mut [usize],
    runs: &mut Vec<(usize, usize, u32)>,
    scratch: &mut Vec<usize>,
    less: &mut Less<'_>,
) -> Py<()> {
    let Some((_, right, _)) = runs.pop() else {
        return Ok(());
    };
    let Some((start, left, _)) = runs.last_mut() else {
        return Ok(());
    };
    let (from, len) = (*start, *left + right);
    let middle = *left;
    *left = len;
    merge(&mut row[from..from + len], middle, scratch, less)
}

/// Merges the ascending halves of `row`.
fn merge(
    row: &mut [usize],
    middle: usize,
    scratch: &mut Vec<usize>,
    less: &mut Less<'_>,
) -> Py<()> {
    // What is in place already: elements of the left half not above the right half's first, and the reverse.
    let skip = gallop_right(&row[..middle], row[middle], less)?;
    if skip == middle {
        return Ok(());
    }
    let end = middle + gallop_left(&row[middle..], row[middle - 1], less)?;
    let row = &mut row[skip..end];
    let middle = middle - skip;
    if middle <= row.len() - middle {
        merge_low(row, middle, scratch, less)
    } else {
        merge_high(row, middle, scratch, less)
    }
}

/// How many elements at the beginning of the ascending `row` are not above `key`; near the beginning is found fast.
fn gallop_right(row: &[usize], key: usize, less: &mut Less<'_>) -> Py<usize> {
    let mut step = 1;
    let mut low = 0;
    while low + step <= row.len() && !less(key, row[low + step - 1])? {
        low += step;
        step *= 2;
    }
    let mut high = (low + step - 1).min(row.len());
    while low < high {
        let middle = low + (high - low) / 2;
        if less(key, row[middle])? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(low)
}

/// How many elements at the beginning of the ascending `row` are below `key`; near the end is found fast.
fn gallop_left(row: &[usize], key: usize, less: &mut Less<'_>) -> Py<usize> {
    let mut step = 1;
    let mut high = row.len();
    while step <= high && !less(row[high - step], key)? {
        high -= step;
        step *= 2;
    }
    let mut low = high.saturating_sub(step - 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if less(row[middle], key)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// Merges from the front; the left half is set aside.
fn merge_low(
    row: &mut [usize],
    middle: usize,
    scratch: &mut Vec<usize>,
    less: &mut Less<'_>,
) -> Py<()> {
    scratch.clear();
    scratch.extend_from_slice(&row[..middle]);
    let (mut left, mut right, mut to) = (0, middle, 0);
    let mut failed = None;
    while left < scratch.len() && right < row.len() {
        match less(row[right], scratch[left]) {
            Ok(true) => {
                row[to] = row[right];
                right += 1;
            }
            Ok(false) => {
                row[to] = scratch[left];
                left += 1;
            }
            Err(raised) => {
                failed = Some(raised);
                break;
            }
        }
        to += 1;
    }
    let rest = scratch.len() - left;
    row[to..to + rest].copy_from_slice(&scratch[left..]);
    failed.map_or(Ok(()), Err)
}

/// Merges from the back; the right half is set aside.
fn merge_high(
    row: &mut [usize],
    middle: usize,
    scratch: &mut Vec<usize>,
    less: &mut Less<'_>,
) -> Py<()> {
    scratch.clear();
    scratch.extend_from_slice(&row[middle..]);
    let (mut left, mut right, mut to) = (middle, scratch.len(), row.len());
    let mut failed = None;
    while left > 0 && right > 0 {
        match less(scratch[right - 1], row[left - 1]) {
            Ok(true) => {
                left -= 1;
                row[to - 1] = row[left];
            }
            Ok(false) => {
                right -= 1;
                row[to - 1] = scratch[right];
            }
            Err(raised) => {
                failed = Some(raised);
                break;
            }
        }
        to -= 1;
    }
    row[to - right..to].copy_from_slice(&scratch[..right]);
    failed.map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merges_are_stable() {
        let mut seed = 1u64;
        for len in [0, 1, 2, 10, 63, 64, 65, 100, 1000, 5000] {
            for modulus in [2, 7, 1000] {
                let mut keys = Vec::new();
                for at in 0..len {
                    seed = seed
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    // A mixture of runs and noise.
                    keys.push(if at % 100 < 50 {
                        at as u64 % modulus
                    } else {
                        (seed >> 40) % modulus
                    });
                }
                let mut order: Vec<usize> = (0..len).collect();
                let sorted = merge_sort(&mut order, &mut |a, b| Ok(keys[a] < keys[b]));
                assert!(sorted.is_ok());
                let mut expected: Vec<usize> = (0..len).collect();
                expected.sort_by_key(|at| keys[*at]);
                assert_eq!(order, expected);
            }
        }
    }
}
