//! Arithmetic on ints. Each function is the slot of its operator: other operands give `NotImplemented`.

use super::operand::{Operand, from_int, operand, to_exact};
use dashu_int::fast_div::ConstDivisor;
use dashu_int::ops::ExtendedGcd;
use dashu_int::{IBig, Sign, UBig};
use taipan_base::int_text::{self, TrueDivError};
use taipan_core::builtin_types::ZERO_DIVISION_ERROR;
use taipan_core::number::int_from_big;
use taipan_core::{Py, Raised, Value, Vm};

/// Results above this many bits are tried for memory first.
const PROBE_BITS: u128 = 1 << 24;

/// Both operands as numbers, or `NotImplemented` to the caller's caller.
macro_rules! operands {
    ($a:ident, $b:ident) => {
        match (operand($a), operand($b)) {
            (Some(a), Some(b)) => (a, b),
            _ => return Ok(Value::not_implemented()),
        }
    };
}

/// `MemoryError` if a number of `bits` bits cannot be had, `OverflowError` if there are none that long.
pub fn make_room(vm: &mut Vm, bits: u128) -> Py<()> {
    if bits < PROBE_BITS {
        return Ok(());
    }
    if bits >= 1 << 62 {
        return Err(vm.overflow_error("too many digits in integer"));
    }
    let words = (bits / 64 + 2) as usize;
    // The computation allocates for itself and aborts on failure; so memory for twice the result must be there.
    let mut probe: Vec<u64> = Vec::new();
    let enough = bits < 1 << 40 && probe.try_reserve_exact(words.saturating_mul(2)).is_ok();
    if enough {
        Ok(())
    } else {
        Err(vm.memory_error())
    }
}

#[cold]
fn division_by_zero(vm: &mut Vm) -> Raised {
    vm.raise(&ZERO_DIVISION_ERROR, "division by zero")
}

/// `a + b`
pub fn add(_vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    if let (Operand::Small(x), Operand::Small(y)) = (a, b)
        && let Some(sum) = x.checked_add(y)
    {
        return Ok(Value::int(sum));
    }
    Ok(int_from_big(a.big().as_ref() + b.big().as_ref()))
}

/// `a - b`
pub fn subtract(_vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    if let (Operand::Small(x), Operand::Small(y)) = (a, b)
        && let Some(difference) = x.checked_sub(y)
    {
        return Ok(Value::int(difference));
    }
    Ok(int_from_big(a.big().as_ref() - b.big().as_ref()))
}

/// `a * b`
pub fn multiply(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    if let (Operand::Small(x), Operand::Small(y)) = (a, b) {
        return Ok(match x.checked_mul(y) {
            Some(product) => Value::int(product),
            None => int_from_big(IBig::from(x as i128 * y as i128)),
        });
    }
    make_room(vm, a.bit_length() as u128 + b.bit_length() as u128)?;
    Ok(int_from_big(a.big().as_ref() * b.big().as_ref()))
}

/// `a / b`
pub fn true_divide(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    if let (Operand::Small(x), Operand::Small(y)) = (a, b) {
        return match int_text::i64_true_div(x, y) {
            Some(quotient) => Ok(Value::float(quotient)),
            None => Err(division_by_zero(vm)),
        };
    }
    match int_text::ibig_true_div(&a.big(), &b.big()) {
        Ok(quotient) => Ok(Value::float(quotient)),
        Err(TrueDivError::Zero) => Err(division_by_zero(vm)),
        Err(TrueDivError::Overflow) => {
            Err(vm.overflow_error("integer division result too large for a float"))
        }
    }
}

/// `(a // b, a % b)` as values.
fn quotient_and_remainder(vm: &mut Vm, a: Operand<'_>, b: Operand<'_>) -> Py<(Value, Value)> {
    if b.is_zero() {
        return Err(division_by_zero(vm));
    }
    if let (Operand::Small(x), Operand::Small(y)) = (a, b)
        && let Some((quotient, remainder)) = int_text::floor_divmod_i64(x, y)
    {
        return Ok((Value::int(quotient), Value::int(remainder)));
    }
    match int_text::floor_divmod(&a.big(), &b.big()) {
        Some((quotient, remainder)) => Ok((int_from_big(quotient), int_from_big(remainder))),
        None => Err(division_by_zero(vm)),
    }
}

/// `a // b`
pub fn floor_divide(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    Ok(quotient_and_remainder(vm, a, b)?.0)
}

/// `a % b`
pub fn remainder(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    Ok(quotient_and_remainder(vm, a, b)?.1)
}

/// `divmod(a, b)`
pub fn divmod(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    let (quotient, remainder) = quotient_and_remainder(vm, a, b)?;
    Ok(taipan_core::tuple_object::new_tuple([quotient, remainder]))
}

/// `a << b`
pub fn left_shift(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    if b.is_negative() {
        return Err(vm.value_error("negative shift count"));
    }
    if a.is_zero() {
        return Ok(Value::from_i32(0));
    }
    let Operand::Small(count) = b else {
        return Err(vm.overflow_error("too many digits in integer"));
    };
    if let Operand::Small(x) = a
        && count < 63
        && (x << count) >> count == x
    {
        return Ok(Value::int(x << count));
    }
    make_room(vm, a.bit_length() as u128 + count as u128)?;
    Ok(int_from_big(a.big().as_ref() << count as usize))
}

/// `a >> b`
pub fn right_shift(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    if b.is_negative() {
        return Err(vm.value_error("negative shift count"));
    }
    let all_out = Value::from_i32(if a.is_negative() { -1 } else { 0 });
    let Operand::Small(count) = b else {
        return Ok(all_out);
    };
    match a {
        Operand::Small(x) => Ok(Value::int(x >> count.min(63))),
        Operand::Big(_) if count as usize >= a.bit_length() => Ok(all_out),
        Operand::Big(x) => Ok(int_from_big(x >> count as usize)),
    }
}

/// `a & b`
pub fn and(_vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    Ok(match (a, b) {
        (Operand::Small(x), Operand::Small(y)) => Value::int(x & y),
        _ => int_from_big(a.big().as_ref() & b.big().as_ref()),
    })
}

/// `a | b`
pub fn or(_vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    Ok(match (a, b) {
        (Operand::Small(x), Operand::Small(y)) => Value::int(x | y),
        _ => int_from_big(a.big().as_ref() | b.big().as_ref()),
    })
}

/// `a ^ b`
pub fn xor(_vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(a, b);
    Ok(match (a, b) {
        (Operand::Small(x), Operand::Small(y)) => Value::int(x ^ y),
        _ => int_from_big(a.big().as_ref() ^ b.big().as_ref()),
    })
}

/// `-a`
pub fn negative(_vm: &mut Vm, a: &Value) -> Py {
    Ok(match operand(a) {
        Some(Operand::Small(i)) => match i.checked_neg() {
            Some(negated) => Value::int(negated),
            None => int_from_big(-IBig::from(i)),
        },
        Some(Operand::Big(big)) => int_from_big(-big),
        None => Value::not_implemented(),
    })
}

/// `abs(a)`
pub fn absolute(vm: &mut Vm, a: &Value) -> Py {
    match operand(a) {
        Some(number) if number.is_negative() => negative(vm, a),
        _ => Ok(to_exact(a)),
    }
}

/// `~a`
pub fn invert(_vm: &mut Vm, a: &Value) -> Py {
    Ok(match operand(a) {
        Some(Operand::Small(i)) => Value::int(!i),
        Some(Operand::Big(big)) => int_from_big(-big - IBig::ONE),
        None => Value::not_implemented(),
    })
}

/// `pow(a, b, modulus)`; `None` as the modulus is `a ** b`.
pub fn power(vm: &mut Vm, a: &Value, b: &Value, modulus: &Value) -> Py {
    let (base, exponent) = operands!(a, b);
    if modulus.is_none() {
        if exponent.is_negative() {
            let (x, y) = (super::to_f64(vm, a)?, super::to_f64(vm, b)?);
            return crate::float::power_f64(vm, x, y);
        }
        return plain_power(vm, base, exponent);
    }
    match operand(modulus) {
        Some(modulus) => modular_power(vm, base, exponent, modulus),
        None => Ok(Value::not_implemented()),
    }
}

fn plain_power(vm: &mut Vm, base: Operand<'_>, exponent: Operand<'_>) -> Py {
    if let Operand::Small(x @ (-1..=1)) = base {
        let odd = match exponent {
            Operand::Small(n) => n & 1 == 1,
            Operand::Big(n) => n.as_sign_words().1.first().is_some_and(|w| w & 1 == 1),
        };
        return Ok(Value::int(match x {
            0 => exponent.is_zero() as i64,
            1 => 1,
            _ if odd => -1,
            _ => 1,
        }));
    }
    let Operand::Small(n) = exponent else {
        return Err(vm.memory_error());
    };
    if let (Operand::Small(x), Ok(n)) = (base, u32::try_from(n))
        && let Some(power) = x.checked_pow(n)
    {
        return Ok(Value::int(power));
    }
    // A lower bound of the result's size, so that no possible computation is refused.
    let bits = (base.bit_length() as u128 - 1) * n as u128;
    make_room(vm, bits)?;
    if let Operand::Small(2) = base {
        return Ok(int_from_big(IBig::ONE << n as usize));
    }
    Ok(int_from_big(base.big().pow(n as usize)))
}

fn modular_power(
    vm: &mut Vm,
    base: Operand<'_>,
    exponent: Operand<'_>,
    modulus: Operand<'_>,
) -> Py {
    if modulus.is_zero() {
        return Err(vm.value_error("pow() 3rd argument cannot be 0"));
    }
    let (modulus_sign, magnitude) = modulus.big().into_owned().into_parts();
    if magnitude == UBig::ONE {
        return Ok(Value::from_i32(0));
    }
    let signed_magnitude = IBig::from(magnitude.clone());
    let mut base = match int_text::floor_divmod(&base.big(), &signed_magnitude) {
        Some((_, rest)) => rest,
        None => IBig::ZERO,
    };
    let (exponent_sign, exponent) = exponent.big().into_owned().into_parts();
    if exponent_sign == Sign::Negative {
        base = match invert_modulo(&base, &signed_magnitude) {
            Some(inverse) => inverse,
            None => {
                return Err(vm.value_error("base is not invertible for the given modulus"));
            }
        };
    }
    let result = power_modulo(base.into_parts().1, &exponent, magnitude);
    if modulus_sign == Sign::Negative && !result.is_zero() {
        return Ok(int_from_big(IBig::from(result) - signed_magnitude));
    }
    Ok(int_from_big(IBig::from(result)))
}

/// `base ** exponent % modulus`
fn power_modulo(base: UBig, exponent: &UBig, modulus: UBig) -> UBig {
    if let (Ok(base), Ok(modulus), Ok(mut exponent)) = (
        u64::try_from(&base),
        u64::try_from(&modulus),
        u64::try_from(exponent),
    ) {
        let modulus = modulus as u128;
        let mut square = base as u128 % modulus;
        let mut result = 1 % modulus;
        while exponent > 0 {
            if exponent & 1 == 1 {
                result = result * square % modulus;
            }
            square = square * square % modulus;
            exponent >>= 1;
        }
        return UBig::from(result as u64);
    }
    let ring = ConstDivisor::new(modulus);
    ring.reduce(base).pow(exponent).residue()
}

/// The inverse of `a` (not negative) modulo `modulus`, if there is one.
pub(crate) fn invert_modulo(a: &IBig, modulus: &IBig) -> Option<IBig> {
    if a.is_zero() {
        return None;
    }
    let (gcd, x, _) = a.gcd_ext(modulus);
    if gcd != UBig::ONE {
        return None;
    }
    int_text::floor_divmod(&x, modulus).map(|(_, rest)| rest)
}

/// The number nearest to `a` that is a multiple of `10 ** digits`, ties to the even multiple.
pub(crate) fn round_to_tens(a: Operand<'_>, digits: usize) -> Value {
    // 10 ** digits has more than 3 * digits bits: far above twice the number, the nearest multiple is zero.
    if digits.saturating_mul(3) > a.bit_length() + 8 {
        return Value::from_i32(0);
    }
    let unit = IBig::from(10).pow(digits);
    let Some((mut quotient, rest)) = int_text::floor_divmod(&a.big(), &unit) else {
        return Value::from_i32(0);
    };
    let twice = rest * IBig::from(2);
    let odd = quotient
        .as_sign_words()
        .1
        .first()
        .is_some_and(|word| word & 1 == 1);
    if twice > unit || (twice == unit && odd) {
        quotient += IBig::ONE;
    }
    from_int((quotient * unit).into())
}
