//! Integers: text in any base, exact exchange with floats, floor division, numeric hashes.
//!
//! Small integers are `i64`, the rest `dashu_int::IBig`. Nothing here normalises one into the
//! other except where a result type says so ([`Int`]).

use std::cmp::Ordering;
use std::fmt::Write as _;

use dashu_int::ops::{BitTest as _, DivRem as _};
use dashu_int::{IBig, Sign, UBig, Word};

use crate::float_text::{compose, decompose, trim_ascii_space};

/// Modulus of numeric hashes, `2**61 - 1`.
pub const HASH_MODULUS: u64 = (1 << HASH_BITS) - 1;
/// Number of bits of [`HASH_MODULUS`].
pub const HASH_BITS: u32 = 61;
/// `hash(inf)`.
pub const HASH_INF: i64 = 314_159;
/// Multiplier of the imaginary part in the hash of a complex number.
pub const HASH_IMAG: u64 = 1_000_003;

const _: () = assert!(Word::BITS == 64, "word-wise code assumes 64-bit words");

/// An integer in the smaller of the two forms that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Int {
    /// Fits 64 bits.
    Small(i64),
    /// Does not fit.
    Big(IBig),
}

impl From<IBig> for Int {
    fn from(value: IBig) -> Int {
        match i64::try_from(&value) {
            Ok(small) => Int::Small(small),
            Err(_) => Int::Big(value),
        }
    }
}

impl From<i64> for Int {
    fn from(value: i64) -> Int {
        Int::Small(value)
    }
}

impl From<Int> for IBig {
    fn from(value: Int) -> IBig {
        match value {
            Int::Small(small) => IBig::from(small),
            Int::Big(big) => big,
        }
    }
}

/// Why [`parse_int`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseIntError {
    /// "invalid literal for int() with base B: ..."
    Invalid,
    /// More digits than `sys.get_int_max_str_digits()`; carries their number.
    TooManyDigits(usize),
}

/// Parses `text` as `int(text, base)` does: ASCII white space around, a sign, a prefix that fits
/// `base` (0 or 2 to 36), single underscores between digits. `max_digits` (0 for none) limits the
/// digits of bases that are not powers of two.
pub fn parse_int(text: &[u8], base: u32, max_digits: usize) -> Result<Int, ParseIntError> {
    let mut rest = trim_ascii_space(text);
    let negative = match rest {
        [b'-', tail @ ..] => {
            rest = tail;
            true
        }
        [b'+', tail @ ..] => {
            rest = tail;
            false
        }
        _ => false,
    };
    let prefix = match rest {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => 0,
    };
    let mut only_zero = false;
    let mut radix = base;
    if base == 0 {
        radix = if prefix == 0 { 10 } else { prefix };
        only_zero = prefix == 0 && rest.first() == Some(&b'0');
    }
    if prefix != 0 && prefix == radix {
        rest = &rest[2..];
        if let [b'_', tail @ ..] = rest {
            rest = tail;
        }
    }
    let value = parse_digits(rest, radix, negative, max_digits)?;
    if only_zero && value != Int::Small(0) {
        return Err(ParseIntError::Invalid);
    }
    Ok(value)
}

/// Parses bare digits with single underscores between them.
pub fn parse_digits(
    digits: &[u8],
    radix: u32,
    negative: bool,
    max_digits: usize,
) -> Result<Int, ParseIntError> {
    let mut count = 0usize;
    let mut small: u64 = 0;
    let mut overflow = false;
    let mut previous_underscore = true;
    for &b in digits {
        if b == b'_' {
            if previous_underscore {
                return Err(ParseIntError::Invalid);
            }
            previous_underscore = true;
            continue;
        }
        previous_underscore = false;
        let digit = (b as char).to_digit(radix).ok_or(ParseIntError::Invalid)?;
        count += 1;
        if !overflow {
            match small
                .checked_mul(u64::from(radix))
                .and_then(|n| n.checked_add(u64::from(digit)))
            {
                Some(next) => small = next,
                None => overflow = true,
            }
        }
    }
    if previous_underscore {
        return Err(ParseIntError::Invalid);
    }
    if max_digits != 0 && count > max_digits && !radix.is_power_of_two() {
        return Err(ParseIntError::TooManyDigits(count));
    }
    if !overflow {
        let wide = if negative {
            -i128::from(small)
        } else {
            i128::from(small)
        };
        return Ok(match i64::try_from(wide) {
            Ok(value) => Int::Small(value),
            Err(_) => Int::Big(IBig::from(wide)),
        });
    }
    let text: String = digits
        .iter()
        .filter(|&&b| b != b'_')
        .map(|&b| b as char)
        .collect();
    let magnitude = UBig::from_str_radix(&text, radix).map_err(|_| ParseIntError::Invalid)?;
    Ok(IBig::from_parts(
        if negative {
            Sign::Negative
        } else {
            Sign::Positive
        },
        magnitude,
    )
    .into())
}

/// Appends the decimal digits of `n`.
pub fn push_i64(out: &mut String, n: i64) {
    let mut buf = [0u8; 20];
    let mut at = buf.len();
    let mut rest = n.unsigned_abs();
    while rest >= 10 {
        at -= 1;
        buf[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    at -= 1;
    buf[at] = b'0' + rest as u8;
    if n < 0 {
        out.push('-');
    }
    out.push_str(std::str::from_utf8(&buf[at..]).unwrap_or_default());
}

/// `str(n)`.
#[must_use]
pub fn format_i64(n: i64) -> String {
    let mut out = String::with_capacity(20);
    push_i64(&mut out, n);
    out
}

/// `str(n)` of a big integer.
#[must_use]
pub fn format_ibig(n: &IBig) -> String {
    match i128::try_from(n) {
        Ok(wide) => wide.to_string(),
        Err(_) => n.to_string(),
    }
}

/// Digits of the magnitude of `n` in `radix` (2 to 36), without sign or prefix.
#[must_use]
pub fn magnitude_digits(n: &IBig, radix: u32, upper: bool) -> String {
    let (_, words) = n.as_sign_words();
    if let [] | [_] = words {
        return digits_u64(words.first().copied().unwrap_or(0), radix, upper);
    }
    let radix = u8::try_from(radix.clamp(2, 36)).unwrap_or(10);
    let mut text = n.in_radix(radix).to_string();
    if n.sign() == Sign::Negative {
        text.remove(0);
    }
    if upper {
        text.make_ascii_uppercase();
    }
    text
}

/// Digits of `n` in `radix` (2 to 36).
#[must_use]
pub fn digits_u64(mut n: u64, radix: u32, upper: bool) -> String {
    let radix = u64::from(radix.clamp(2, 36));
    let mut buf = [0u8; 64];
    let mut at = buf.len();
    loop {
        at -= 1;
        let digit = (n % radix) as u8;
        buf[at] = match digit {
            0..=9 => b'0' + digit,
            _ if upper => b'A' + digit - 10,
            _ => b'a' + digit - 10,
        };
        n /= radix;
        if n == 0 {
            break;
        }
    }
    String::from_utf8_lossy(&buf[at..]).into_owned()
}

/// `hex(n)`, `oct(n)`, `bin(n)` for radix 16, 8, 2.
#[must_use]
pub fn prefixed(n: &IBig, radix: u32) -> String {
    let mut out = String::new();
    if n.sign() == Sign::Negative {
        out.push('-');
    }
    let _ = match radix {
        16 => out.write_str("0x"),
        8 => out.write_str("0o"),
        _ => out.write_str("0b"),
    };
    out.push_str(&magnitude_digits(n, radix, false));
    out
}

/// Upper bound, hardly above the truth, for the decimal digits of a number of `bits` bits; used to
/// refuse conversions before doing them.
#[must_use]
pub fn decimal_digits_bound(bits: usize) -> usize {
    // 30103 / 100000 is just above log10(2).
    (bits as u128 * 30_103 / 100_000) as usize + 1
}

/// The value as the nearest double, ties to even; `None` if it overflows.
#[must_use]
pub fn ibig_to_f64(n: &IBig) -> Option<f64> {
    let (sign, words) = n.as_sign_words();
    let (mantissa, sticky, exponent) = top_bits(words);
    let value = compose(mantissa, sticky, exponent)?;
    Some(if sign == Sign::Negative {
        -value
    } else {
        value
    })
}

/// The highest two words, whether anything non-zero lies below, and the weight of the lowest bit.
fn top_bits(words: &[Word]) -> (u128, bool, i64) {
    match words {
        [] => (0, false, 0),
        [low] => (u128::from(*low), false, 0),
        [below @ .., b, a] => {
            let top = u128::from(*a) << 64 | u128::from(*b);
            let zeros = a.leading_zeros();
            let (next, deeper) = below
                .split_last()
                .map_or((0, &[][..]), |(w, rest)| (*w, rest));
            let mut mantissa = top << zeros;
            let mut sticky = deeper.iter().any(|&w| w != 0);
            if zeros > 0 {
                mantissa |= u128::from(next >> (64 - zeros));
                sticky |= next << zeros != 0;
            } else {
                sticky |= next != 0;
            }
            (mantissa, sticky, below.len() as i64 * 64 - i64::from(zeros))
        }
    }
}

/// `int(x)`: truncation; `None` for infinities and NaN.
#[must_use]
pub fn f64_to_int(x: f64) -> Option<Int> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&x) {
        return Some(Int::Small(x as i64));
    }
    let (negative, mantissa, exponent) = decompose(x)?;
    let shift = usize::try_from(exponent).ok()?;
    let magnitude = UBig::from(mantissa) << shift;
    let sign = if negative {
        Sign::Negative
    } else {
        Sign::Positive
    };
    Some(IBig::from_parts(sign, magnitude).into())
}

/// `int(x)` as a big integer.
#[must_use]
pub fn f64_to_ibig(x: f64) -> Option<IBig> {
    f64_to_int(x).map(IBig::from)
}

/// Why [`ibig_true_div`] has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrueDivError {
    /// "division by zero"
    Zero,
    /// "integer division result too large for a float"
    Overflow,
}

/// `a / b`, correctly rounded.
pub fn ibig_true_div(a: &IBig, b: &IBig) -> Result<f64, TrueDivError> {
    if b.is_zero() {
        return Err(TrueDivError::Zero);
    }
    let negative = (a.sign() == Sign::Negative) != (b.sign() == Sign::Negative);
    if a.is_zero() {
        return Ok(if negative { -0.0 } else { 0.0 });
    }
    let (a_bits, b_bits) = (a.bit_len() as i64, b.bit_len() as i64);
    let signed = |x: f64| if negative { -x } else { x };
    let difference = a_bits - b_bits;
    if difference > 1025 {
        return Err(TrueDivError::Overflow);
    }
    if difference < -1080 {
        return Ok(signed(0.0));
    }
    let shift = 66 - difference;
    let magnitude = |n: &IBig| n.clone().into_parts().1;
    let (quotient, remainder) = if let Ok(up) = usize::try_from(shift) {
        (magnitude(a) << up).div_rem(magnitude(b))
    } else {
        magnitude(a).div_rem(magnitude(b) << usize::try_from(-shift).unwrap_or(0))
    };
    let quotient = u128::try_from(quotient).map_err(|_| TrueDivError::Overflow)?;
    compose(quotient, !remainder.is_zero(), -shift)
        .map(signed)
        .ok_or(TrueDivError::Overflow)
}

/// `a / b` of small integers, correctly rounded; `None` for a zero divisor.
#[must_use]
pub fn i64_true_div(a: i64, b: i64) -> Option<f64> {
    const EXACT: u64 = 1 << 53;
    if b == 0 {
        return None;
    }
    if a.unsigned_abs() <= EXACT && b.unsigned_abs() <= EXACT {
        return Some(a as f64 / b as f64);
    }
    ibig_true_div(&IBig::from(a), &IBig::from(b)).ok()
}

/// Exact comparison; `None` if `x` is NaN.
#[must_use]
pub fn cmp_ibig_f64(n: &IBig, x: f64) -> Option<Ordering> {
    if x.is_nan() {
        return None;
    }
    if x == f64::INFINITY {
        return Some(Ordering::Less);
    }
    if x == f64::NEG_INFINITY {
        return Some(Ordering::Greater);
    }
    let truncated = f64_to_ibig(x)?;
    Some(n.cmp(&truncated).then_with(|| cmp_fraction(x)))
}

/// How an integer equal to `x` truncated compares with `x`.
fn cmp_fraction(x: f64) -> Ordering {
    x.trunc().partial_cmp(&x).unwrap_or(Ordering::Equal)
}

/// Exact comparison; `None` if `x` is NaN.
#[must_use]
pub fn cmp_i64_f64(n: i64, x: f64) -> Option<Ordering> {
    if n.unsigned_abs() <= 1 << 53 {
        return (n as f64).partial_cmp(&x);
    }
    match f64_to_int(x) {
        Some(Int::Small(whole)) => Some(n.cmp(&whole).then_with(|| cmp_fraction(x))),
        _ if x.is_nan() => None,
        _ => Some(if x > 0.0 {
            Ordering::Less
        } else {
            Ordering::Greater
        }),
    }
}

/// `(a // b, a % b)`; `None` if `b` is zero or the quotient overflows.
#[must_use]
pub fn floor_divmod_i64(a: i64, b: i64) -> Option<(i64, i64)> {
    let quotient = a.checked_div(b)?;
    let remainder = a - quotient * b;
    if remainder != 0 && (remainder < 0) != (b < 0) {
        Some((quotient - 1, remainder + b))
    } else {
        Some((quotient, remainder))
    }
}

/// `(a // b, a % b)`; `None` if `b` is zero.
#[must_use]
pub fn floor_divmod(a: &IBig, b: &IBig) -> Option<(IBig, IBig)> {
    if b.is_zero() {
        return None;
    }
    let (quotient, remainder) = a.div_rem(b);
    if !remainder.is_zero() && (remainder.sign() != b.sign()) {
        Some((quotient - IBig::ONE, remainder + b))
    } else {
        Some((quotient, remainder))
    }
}

/// Python's `x // y` and `x % y` on floats; `None` if `y` is zero.
#[must_use]
pub fn floor_divmod_f64(x: f64, y: f64) -> Option<(f64, f64)> {
    if y == 0.0 {
        return None;
    }
    let mut remainder = x % y;
    let mut quotient = (x - remainder) / y;
    if remainder == 0.0 {
        remainder = 0f64.copysign(y);
    } else if (y < 0.0) != (remainder < 0.0) {
        remainder += y;
        quotient -= 1.0;
    }
    let floor = if quotient == 0.0 {
        0f64.copysign(x / y)
    } else {
        let floor = quotient.floor();
        if quotient - floor > 0.5 {
            floor + 1.0
        } else {
            floor
        }
    };
    Some((floor, remainder))
}

fn finish_hash(reduced: u64, negative: bool) -> i64 {
    // Reduced values are below 2**61.
    let value = if negative {
        -(reduced as i64)
    } else {
        reduced as i64
    };
    if value == -1 { -2 } else { value }
}

/// `hash(n)`.
#[must_use]
pub fn hash_i64(n: i64) -> i64 {
    finish_hash(n.unsigned_abs() % HASH_MODULUS, n < 0)
}

/// `hash(n)`.
#[must_use]
pub fn hash_ibig(n: &IBig) -> i64 {
    let (sign, words) = n.as_sign_words();
    // 2**64 is 2**3 modulo 2**61 - 1.
    let reduced = words.iter().rev().fold(0u64, |acc, &word| {
        ((u128::from(acc) * 8 + u128::from(word)) % u128::from(HASH_MODULUS)) as u64
    });
    finish_hash(reduced, sign == Sign::Negative)
}

/// `hash(x)`; `None` for NaN, whose hash is the object's identity.
#[must_use]
pub fn hash_f64(x: f64) -> Option<i64> {
    let Some((negative, mantissa, exponent)) = decompose(x) else {
        return (!x.is_nan()).then_some(if x > 0.0 { HASH_INF } else { -HASH_INF });
    };
    let turn = u32::try_from(exponent.rem_euclid(HASH_BITS as i32)).unwrap_or(0);
    let reduced = mantissa % HASH_MODULUS;
    let turned = (reduced << turn & HASH_MODULUS) | reduced >> (HASH_BITS - turn);
    Some(finish_hash(
        if turned == HASH_MODULUS { 0 } else { turned },
        negative,
    ))
}

/// `hash(complex)` from the hashes of its parts.
#[must_use]
pub fn hash_complex(real: i64, imag: i64) -> i64 {
    let value = (real as u64).wrapping_add(HASH_IMAG.wrapping_mul(imag as u64)) as i64;
    if value == -1 { -2 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn big(text: &str) -> IBig {
        text.parse().expect("decimal")
    }

    #[test]
    fn parsing() {
        assert_eq!(parse_int(b" -0x_fF ", 16, 0), Ok(Int::Small(-255)));
        assert_eq!(parse_int(b"0b101", 0, 0), Ok(Int::Small(5)));
        assert_eq!(parse_int(b"0b1", 16, 0), Ok(Int::Small(0xb1)));
        assert_eq!(parse_int(b"0_0", 0, 0), Ok(Int::Small(0)));
        assert_eq!(
            parse_int(b"-9223372036854775808", 10, 0),
            Ok(Int::Small(i64::MIN))
        );
        assert_eq!(
            parse_int(b"1_8446744073709551616", 10, 0),
            Ok(Int::Big(big("18446744073709551616")))
        );
        for bad in [
            &b"01"[..],
            b"1__0",
            b"_1",
            b"1_",
            b"",
            b"- 1",
            b"0x",
            b"0x__1",
            b"1.0",
            b"0_",
        ] {
            assert_eq!(parse_int(bad, 0, 0), Err(ParseIntError::Invalid), "{bad:?}");
        }
        assert_eq!(
            parse_int(&[b'9'; 11], 10, 10),
            Err(ParseIntError::TooManyDigits(11))
        );
    }

    #[test]
    fn formatting() {
        assert_eq!(format_i64(i64::MIN), "-9223372036854775808");
        assert_eq!(magnitude_digits(&big("-255"), 16, true), "FF");
        assert_eq!(
            prefixed(&big("-18446744073709551616"), 16),
            "-0x10000000000000000"
        );
        assert_eq!(
            format_ibig(&big("-123456789012345678901234567890")),
            "-123456789012345678901234567890"
        );
    }

    #[test]
    fn floats() {
        assert_eq!(
            ibig_to_f64(&big("9007199254740993")),
            Some(9007199254740992.0)
        );
        assert_eq!(ibig_to_f64(&(IBig::ONE << 1024)), None);
        assert_eq!(ibig_to_f64(&((IBig::ONE << 200) + 1)), Some(2f64.powi(200)));
        let tie = (IBig::ONE << 200) + (IBig::ONE << 147);
        assert_eq!(ibig_to_f64(&tie), Some(2f64.powi(200)));
        assert_eq!(
            ibig_to_f64(&(tie + 1)),
            Some(2f64.powi(200) * (1.0 + f64::EPSILON))
        );
        assert_eq!(
            f64_to_int(1e20),
            Some(Int::Big(big("100000000000000000000")))
        );
        assert_eq!(f64_to_int(f64::NAN), None);
        assert_eq!(ibig_true_div(&big("-1"), &big("3")), Ok(-1.0 / 3.0));
        assert_eq!(
            ibig_true_div(&(IBig::ONE << 2000), &(IBig::ONE << 1999)),
            Ok(2.0)
        );
        assert_eq!(ibig_true_div(&IBig::ONE, &(IBig::ONE << 1074)), Ok(5e-324));
        assert_eq!(ibig_true_div(&IBig::ONE, &(IBig::ONE << 1075)), Ok(0.0));
        assert_eq!(
            ibig_true_div(&(IBig::ONE << 1024), &IBig::ONE),
            Err(TrueDivError::Overflow)
        );
        assert_eq!(
            cmp_ibig_f64(&((IBig::ONE << 70) + 1), 2f64.powi(70)),
            Some(Ordering::Greater)
        );
        assert_eq!(cmp_i64_f64(i64::MAX, 2f64.powi(63)), Some(Ordering::Less));
        assert_eq!(cmp_i64_f64(-3, -2.5), Some(Ordering::Less));
    }

    #[test]
    fn division() {
        assert_eq!(floor_divmod_i64(-7, 2), Some((-4, 1)));
        assert_eq!(floor_divmod_i64(i64::MIN, -1), None);
        assert_eq!(
            floor_divmod(&big("7"), &big("-2")),
            Some((big("-4"), big("-1")))
        );
        assert_eq!(floor_divmod_f64(-7.5, 2.0), Some((-4.0, 0.5)));
    }

    #[test]
    fn hashes() {
        assert_eq!(hash_i64(-1), -2);
        assert_eq!(hash_i64(i64::MAX), 3);
        assert_eq!(hash_ibig(&(IBig::ONE << 61)), 1);
        assert_eq!(hash_ibig(&-(IBig::ONE << 64)), -8);
        assert_eq!(hash_f64(1.5), Some(1_152_921_504_606_846_977));
        assert_eq!(hash_f64(-1.0), Some(-2));
        assert_eq!(hash_f64(2f64.powi(61)), Some(1));
        assert_eq!(hash_f64(0.1), Some(230_584_300_921_369_408));
        assert_eq!(hash_f64(1e300), f64_to_ibig(1e300).as_ref().map(hash_ibig));
    }
}
