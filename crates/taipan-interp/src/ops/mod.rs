//! What instructions do when the loop's own fast path does not apply. One file for each group of opcodes.
//!
//! An out-of-line operation is `fn(vm, frame, sp, operand) -> Py<NonNull<u64>>`: it reads its operands on the stack, and on
//! success leaves the results there and gives the new top. **On an error the stack is as it was**: the unwinder drops the operands.

pub mod arith;
pub mod attribute;
pub mod build;
pub mod container;
pub mod coroutine;
pub mod import;
pub mod intrinsics;
pub mod matching;
pub mod names;
pub mod raise;

use std::ptr::NonNull;
use taipan_core::{Py, Value};

/// The new top of the stack.
pub type Top = Py<NonNull<u64>>;

/// The n-th value from the top.
///
/// # Safety
/// The stack has `n` items and this one is not NULL.
#[inline(always)]
pub unsafe fn view<'a>(sp: *mut u64, n: usize) -> &'a Value {
    // SAFETY: the caller's promise.
    unsafe { &*sp.sub(n).cast::<Value>() }
}

/// The `n` topmost values, lowest first.
///
/// # Safety
/// The stack has `n` items, none NULL.
#[inline(always)]
pub unsafe fn views<'a>(sp: *mut u64, n: usize) -> &'a [Value] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(sp.sub(n).cast::<Value>(), n) }
}

/// Takes the `n` topmost values off the stack.
///
/// # Safety
/// The stack has `n` items, none NULL, and the caller gives up `sp`.
#[inline]
pub unsafe fn take(sp: *mut u64, n: usize) -> Vec<Value> {
    // SAFETY: the caller's promise.
    (0..n)
        .map(|index| unsafe { Value::from_bits(*sp.sub(n - index)) })
        .collect()
}

/// Drops the `n` topmost values and pushes one.
///
/// # Safety
/// The stack has `n` items.
#[inline(always)]
pub unsafe fn finish(sp: *mut u64, n: usize, result: Value) -> Top {
    // SAFETY: the caller's promise; operands are dropped after the result is in place, with `sp` above them all.
    unsafe {
        if n == 0 {
            *sp = result.into_bits();
            return Ok(NonNull::new_unchecked(sp.add(1)));
        }
        let lowest = *sp.sub(n);
        *sp.sub(n) = result.into_bits();
        for index in 1..n {
            let word = *sp.sub(index);
            if word != 0 {
                drop(Value::from_bits(word));
            }
        }
        if lowest != 0 {
            drop(Value::from_bits(lowest));
        }
        Ok(NonNull::new_unchecked(sp.sub(n - 1)))
    }
}

/// Drops the `n` topmost values.
///
/// # Safety
/// The stack has `n` items.
#[inline(always)]
pub unsafe fn drop_top(sp: *mut u64, n: usize) -> Top {
    // SAFETY: the caller's promise.
    unsafe {
        for index in 1..=n {
            let word = *sp.sub(index);
            if word != 0 {
                drop(Value::from_bits(word));
            }
        }
        Ok(NonNull::new_unchecked(sp.sub(n)))
    }
}

/// Pushes a value above what is there.
///
/// # Safety
/// The frame has room, as the verifier counted.
#[inline(always)]
pub unsafe fn push(sp: *mut u64, value: Value) -> Top {
    // SAFETY: the caller's promise.
    unsafe {
        *sp = value.into_bits();
        Ok(NonNull::new_unchecked(sp.add(1)))
    }
}
