//! The number theory of `math`: factorials, binomials, common divisors, integer roots.

use dashu_int::ops::{Gcd as _, SquareRoot as _};
use dashu_int::{IBig, Sign, UBig};
use taipan_core::number::int_from_big;
use taipan_core::{Py, Value, Vm};
use taipan_types::int::{self, Operand};

/// The argument as an int, through `__index__`.
fn index(vm: &mut Vm, value: &Value) -> Py<IBig> {
    let index = vm.index(value)?;
    Ok(int::operand(&index).map_or(IBig::ZERO, |number| number.big().into_owned()))
}

fn is_negative(number: &IBig) -> bool {
    number.sign() == Sign::Negative
}

fn from_unsigned(number: UBig) -> Value {
    int_from_big(IBig::from(number))
}

/// The product of `first .. first + count`, by halves so that factors are of like size.
fn range_product(first: &UBig, count: u64) -> UBig {
    if count == 0 {
        return UBig::ONE;
    }
    if count <= 16 {
        let mut product = first.clone();
        let mut factor = first.clone();
        for _ in 1..count {
            factor += UBig::ONE;
            product *= &factor;
        }
        return product;
    }
    let half = count / 2;
    let middle = first + UBig::from(half);
    range_product(first, half) * range_product(&middle, count - half)
}

/// Refuses products that cannot be stored: `count` factors of up to `bits` bits.
fn check_size(vm: &mut Vm, count: u64, bits: usize) -> Py<()> {
    // Half of the greatest size: the factors are not all of full length.
    int::make_room(vm, count as u128 * bits as u128 / 2)
}

pub(super) fn factorial(vm: &mut Vm, _module: &Value, n: &Value) -> Py {
    let n = index(vm, n)?;
    if is_negative(&n) {
        return Err(vm.value_error("factorial() not defined for negative values"));
    }
    let Ok(n) = i64::try_from(&n) else {
        return Err(vm.overflow_error(format!(
            "factorial() argument should not exceed {}",
            i64::MAX
        )));
    };
    if n < 2 {
        return Ok(Value::from_i32(1));
    }
    check_size(vm, n as u64, 64 - n.leading_zeros() as usize)?;
    Ok(from_unsigned(range_product(&UBig::ONE, n as u64)))
}

pub(super) fn perm(vm: &mut Vm, module: &Value, args: &[Value]) -> Py {
    let Some(n) = args.first() else {
        return Err(vm.type_error("perm expected at least 1 argument, got 0"));
    };
    let k = match args.get(1) {
        Some(k) if !k.is_none() => k,
        _ => return factorial(vm, module, n),
    };
    let (n, k) = (index(vm, n)?, index(vm, k)?);
    if is_negative(&n) {
        return Err(vm.value_error("n must be a non-negative integer"));
    }
    if is_negative(&k) {
        return Err(vm.value_error("k must be a non-negative integer"));
    }
    if n < k {
        return Ok(Value::from_i32(0));
    }
    let Ok(count) = i64::try_from(&k) else {
        return Err(vm.overflow_error(format!("k must not exceed {}", i64::MAX)));
    };
    let first = (n - &k + IBig::ONE).into_parts().1;
    check_size(
        vm,
        count as u64,
        int::Operand::Big(&IBig::from(first.clone())).bit_length(),
    )?;
    Ok(from_unsigned(range_product(&first, count as u64)))
}

pub(super) fn comb(vm: &mut Vm, _module: &Value, n: &Value, k: &Value) -> Py {
    let (n, k) = (index(vm, n)?, index(vm, k)?);
    if is_negative(&n) {
        return Err(vm.value_error("n must be a non-negative integer"));
    }
    if is_negative(&k) {
        return Err(vm.value_error("k must be a non-negative integer"));
    }
    if n < k {
        return Ok(Value::from_i32(0));
    }
    let other = &n - &k;
    let k = k.min(other);
    let Ok(count) = i64::try_from(&k) else {
        return Err(vm.overflow_error(format!("min(n - k, k) must not exceed {}", i64::MAX)));
    };
    let count = count as u64;
    if let Ok(n) = u64::try_from(&n)
        && let Some(result) = small_comb(n, count)
    {
        return Ok(taipan_core::number::int_from_u64(result));
    }
    let bits = int::Operand::Big(&n).bit_length();
    check_size(
        vm,
        count,
        bits.saturating_sub(64 - count.leading_zeros() as usize),
    )?;
    let first = (n - IBig::from(count) + IBig::ONE).into_parts().1;
    Ok(from_unsigned(
        range_product(&first, count) / range_product(&UBig::ONE, count),
    ))
}

/// A binomial coefficient that stays within 64 bits.
fn small_comb(n: u64, k: u64) -> Option<u64> {
    let mut result: u64 = 1;
    for i in 0..k {
        let product = result as u128 * (n - i) as u128 / (i + 1) as u128;
        result = u64::try_from(product).ok()?;
    }
    Some(result)
}

/// The greatest common divisor of machine numbers.
fn small_gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn magnitude(number: &IBig) -> UBig {
    number.clone().into_parts().1
}

fn gcd_of(a: &Value, b: &Value) -> Option<Value> {
    Some(match (int::operand(a)?, int::operand(b)?) {
        (Operand::Small(x), Operand::Small(y)) => {
            taipan_core::number::int_from_u64(small_gcd(x.unsigned_abs(), y.unsigned_abs()))
        }
        (x, y) => {
            let (x, y) = (magnitude(&x.big()), magnitude(&y.big()));
            if x.is_zero() {
                from_unsigned(y)
            } else if y.is_zero() {
                from_unsigned(x)
            } else {
                from_unsigned((&x).gcd(&y))
            }
        }
    })
}

fn absolute(vm: &mut Vm, value: &Value) -> Py {
    if int::operand(value).is_some_and(|number| number.is_negative()) {
        return int::negative(vm, value);
    }
    Ok(int::to_exact(value))
}

pub(super) fn gcd(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let mut result = Value::from_i32(0);
    for value in args {
        let value = vm.index(value)?;
        if let Some(divisor) = gcd_of(&result, &value) {
            result = divisor;
        }
    }
    Ok(result)
}

pub(super) fn lcm(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let mut result = Value::from_i32(1);
    for value in args {
        let value = vm.index(value)?;
        let size = absolute(vm, &value)?;
        let zero = |v: &Value| v.small_int() == Some(0);
        if zero(&result) || zero(&size) {
            result = Value::from_i32(0);
            continue;
        }
        if let Some(divisor) = gcd_of(&result, &size) {
            let part = int::floor_divide(vm, &result, &divisor)?;
            result = int::multiply(vm, &part, &size)?;
        }
    }
    Ok(result)
}

pub(super) fn isqrt(vm: &mut Vm, _module: &Value, n: &Value) -> Py {
    let n = index(vm, n)?;
    if is_negative(&n) {
        return Err(vm.value_error("isqrt() argument must be nonnegative"));
    }
    Ok(from_unsigned(n.into_parts().1.sqrt()))
}
