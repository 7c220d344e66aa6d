//! Operators beyond the loop's immediate ints and floats.

use crate::frame::Frame;
use crate::quick::{Instr, Quick};
use taipan_core::{BinaryOp, CompareOp, Py, Value, Vm, str_object};

/// The double of an immediate number.
#[inline(always)]
fn number(value: &Value) -> Option<f64> {
    if value.is_small_float() {
        Some(value.small_float_unchecked())
    } else {
        // Exact conversions only: beyond 2**53 the general path rounds as CPython does.
        value.small_int().map(|i| i as f64)
    }
}

macro_rules! operators {
    ($($name:ident $inplace:ident $op:ident;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "` of any operands.")]
            #[inline(never)]
            pub fn $name(vm: &mut Vm, a: &Value, b: &Value) -> Py {
                vm.binary(BinaryOp::$op, a, b)
            }
            #[doc = concat!("In-place `", stringify!($name), "` of any operands.")]
            #[inline(never)]
            pub fn $inplace(vm: &mut Vm, a: &Value, b: &Value) -> Py {
                vm.inplace(BinaryOp::$op, a, b)
            }
        )*
    };
}

operators! {
    true_divide inplace_true_divide TrueDivide;
    floor_divide inplace_floor_divide FloorDivide;
    modulo inplace_modulo Remainder;
    matrix_multiply inplace_matrix_multiply MatrixMultiply;
    left_shift inplace_left_shift LeftShift;
    right_shift inplace_right_shift RightShift;
    and inplace_and And;
    or inplace_or Or;
    xor inplace_xor Xor;
}

macro_rules! float_operators {
    ($($name:ident $inplace:ident $op:ident $sign:tt;)*) => {
        $(
            #[doc = concat!("`", stringify!($name), "` of any operands; mixed immediate numbers first.")]
            #[inline(never)]
            pub fn $name(vm: &mut Vm, a: &Value, b: &Value) -> Py {
                if (a.is_small_float() || b.is_small_float()) && let (Some(x), Some(y)) = (number(a), number(b)) {
                    return Ok(Value::float(x $sign y));
                }
                vm.binary(BinaryOp::$op, a, b)
            }
            #[doc = concat!("In-place `", stringify!($name), "` of any operands; mixed immediate numbers first.")]
            #[inline(never)]
            pub fn $inplace(vm: &mut Vm, a: &Value, b: &Value) -> Py {
                if (a.is_small_float() || b.is_small_float()) && let (Some(x), Some(y)) = (number(a), number(b)) {
                    return Ok(Value::float(x $sign y));
                }
                vm.inplace(BinaryOp::$op, a, b)
            }
        )*
    };
}

float_operators! {
    subtract inplace_subtract Subtract -;
    multiply inplace_multiply Multiply *;
}

/// `a + b` of any operands.
#[inline(never)]
pub fn add(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    if str_object::is_exact_str(a) && str_object::is_exact_str(b) {
        return taipan_types::str::concat(vm, a, b);
    }
    if (a.is_small_float() || b.is_small_float())
        && let (Some(x), Some(y)) = (number(a), number(b))
    {
        return Ok(Value::float(x + y));
    }
    vm.binary(BinaryOp::Add, a, b)
}

/// `a += b` of any operands on the stack; the result replaces `a`, `b` is used up.
///
/// A string that only the stack and the local about to be stored hold grows in place.
///
/// # Safety
/// Both operands are on the stack below `sp`; `next` is the instruction that runs next.
#[inline(never)]
pub unsafe fn inplace_add(
    vm: &mut Vm,
    frame: *mut Frame,
    next: *const Instr,
    sp: *mut u64,
) -> Py<()> {
    // SAFETY: the caller's promise.
    unsafe {
        let (a, b) = (&*sp.sub(2).cast::<Value>(), &*sp.sub(1).cast::<Value>());
        let result = if str_object::is_exact_str(a) && str_object::is_exact_str(b) {
            // Let go of the local's own reference: it is stored to by the next instruction.
            if matches!((*next).op, Quick::StoreFast | Quick::StoreFastLoadFast) {
                let local = if (*next).op == Quick::StoreFast {
                    (*next).arg
                } else {
                    (*next).arg & 0xFFFF
                };
                let slot = Frame::locals(frame).add(local as usize);
                if *slot == a.bits() {
                    *slot = 0;
                    drop(Value::from_bits(a.bits()));
                }
            }
            let owned = Value::from_bits(a.bits());
            match taipan_types::str::append_in_place(vm, owned, b) {
                Ok(result) => {
                    *sp.sub(2) = result.into_bits();
                    drop(Value::from_bits(*sp.sub(1)));
                    return Ok(());
                }
                Err(raised) => {
                    *sp.sub(2) = Value::none().into_bits();
                    return Err(raised);
                }
            }
        } else if (a.is_small_float() || b.is_small_float())
            && let (Some(x), Some(y)) = (number(a), number(b))
        {
            Value::float(x + y)
        } else {
            vm.inplace(BinaryOp::Add, a, b)?
        };
        let (a, b) = (*sp.sub(2), *sp.sub(1));
        *sp.sub(2) = result.into_bits();
        drop(Value::from_bits(b));
        drop(Value::from_bits(a));
        Ok(())
    }
}

/// `a ** b`
#[inline(never)]
pub fn power(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    vm.power(a, b, &Value::none())
}

/// `a **= b`
#[inline(never)]
pub fn inplace_power(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    vm.inplace_power(a, b)
}

/// `-a`
#[inline(never)]
pub fn negative(vm: &mut Vm, a: &Value) -> Py {
    vm.unary(a, |slots| slots.negative, "-")
}

/// `+a`
#[inline(never)]
pub fn positive(vm: &mut Vm, a: &Value) -> Py {
    vm.unary(a, |slots| slots.positive, "+")
}

/// `~a`
#[inline(never)]
pub fn invert(vm: &mut Vm, a: &Value) -> Py {
    vm.unary(a, |slots| slots.invert, "~")
}

/// `a // b` of immediate ints.
#[inline(always)]
pub fn small_floor_divide(a: &Value, b: &Value) -> Option<Value> {
    let (a, b) = (a.small_int()?, b.small_int()?);
    if b == 0 {
        return None;
    }
    let quotient = a / b;
    let floor = if a % b != 0 && (a < 0) != (b < 0) {
        quotient - 1
    } else {
        quotient
    };
    Value::from_small_int(floor)
}

/// `a % b` of immediate ints.
#[inline(always)]
pub fn small_modulo(a: &Value, b: &Value) -> Option<Value> {
    let (a, b) = (a.small_int()?, b.small_int()?);
    if b == 0 {
        return None;
    }
    let rest = a % b;
    Value::from_small_int(if rest != 0 && (rest < 0) != (b < 0) {
        rest + b
    } else {
        rest
    })
}

/// `a << b` of immediate ints, if the result is one.
#[inline(always)]
pub fn small_left_shift(a: &Value, b: &Value) -> Option<Value> {
    let (a, b) = (a.small_int()?, b.small_int()?);
    if !(0..61).contains(&b) {
        return None;
    }
    let shifted = a << b;
    if shifted >> b == a {
        Value::from_small_int(shifted)
    } else {
        None
    }
}

/// `a >> b` of immediate ints.
#[inline(always)]
pub fn small_right_shift(a: &Value, b: &Value) -> Option<Value> {
    let (a, b) = (a.small_int()?, b.small_int()?);
    if b < 0 {
        return None;
    }
    Value::from_small_int(a >> b.min(63))
}

/// `a & b` of immediate ints.
#[inline(always)]
pub fn small_and(a: &Value, b: &Value) -> Option<Value> {
    Value::from_small_int(a.small_int()? & b.small_int()?)
}

/// `a | b` of immediate ints.
#[inline(always)]
pub fn small_or(a: &Value, b: &Value) -> Option<Value> {
    Value::from_small_int(a.small_int()? | b.small_int()?)
}

/// `a ^ b` of immediate ints.
#[inline(always)]
pub fn small_xor(a: &Value, b: &Value) -> Option<Value> {
    Value::from_small_int(a.small_int()? ^ b.small_int()?)
}

/// Compares words of immediate ints: the tag does not change their order.
#[inline(always)]
pub fn compare_words(op: u32, a: i64, b: i64) -> bool {
    match op {
        0 => a < b,
        1 => a <= b,
        2 => a == b,
        3 => a != b,
        4 => a > b,
        _ => a >= b,
    }
}

/// Compares doubles.
#[inline(always)]
pub fn compare_floats(op: u32, a: f64, b: f64) -> bool {
    match op {
        0 => a < b,
        1 => a <= b,
        2 => a == b,
        3 => a != b,
        4 => a > b,
        _ => a >= b,
    }
}

/// The rich comparison of any operands.
#[inline(never)]
pub fn compare(vm: &mut Vm, a: &Value, b: &Value, op: u32) -> Py {
    if (op == 2 || op == 3) && str_object::is_exact_str(a) && str_object::is_exact_str(b) {
        return Ok(Value::bool(str_object::str_eq(a, b) == (op == 2)));
    }
    vm.compare(a, b, CompareOp::ALL[op as usize % 6])
}

/// The truth of a comparison of any operands.
#[inline(never)]
pub fn compare_truth(vm: &mut Vm, a: &Value, b: &Value, op: u32) -> Py<bool> {
    if (op == 2 || op == 3) && str_object::is_exact_str(a) && str_object::is_exact_str(b) {
        return Ok(str_object::str_eq(a, b) == (op == 2));
    }
    if let (Some(x), Some(y)) = (a.small_float(), b.small_int())
        && y.unsigned_abs() < 1 << 53
    {
        return Ok(compare_floats(op, x, y as f64));
    }
    if let (Some(x), Some(y)) = (a.small_int(), b.small_float())
        && x.unsigned_abs() < 1 << 53
    {
        return Ok(compare_floats(op, x as f64, y));
    }
    vm.compare_bool(a, b, CompareOp::ALL[op as usize % 6])
}
