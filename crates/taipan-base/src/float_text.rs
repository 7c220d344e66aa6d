//! Floats as text and back: Python's `repr`, `format` digits, `float()` grammar, hexadecimal
//! notation, and correctly rounded decimal rounding.
//!
//! Nothing here allocates objects or raises; callers turn `None` and the error enums into exceptions.

use std::fmt::Write as _;

/// Digits after which std's exact formatting can only produce zeros (5e-324 needs 1074).
const MAX_FRACTION: usize = 1100;
/// Significant digits after which only zeros follow (a double has at most 767).
const MAX_SIGNIFICANT: usize = 800;

/// Switches of [`format_float`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FloatFlags {
    /// Always write a sign, `+` for positive numbers.
    pub always_sign: bool,
    /// Write `.0` after a number that has neither point nor exponent.
    pub add_dot_0: bool,
    /// `#`: always write a decimal point; `g` keeps trailing zeros.
    pub alternate: bool,
    /// `z`: a result that reads zero loses its minus sign.
    pub no_neg_0: bool,
}

/// Significant decimal digits with the position of the decimal point: `0.DIGITS * 10**point`.
struct Digits {
    buf: [u8; MAX_SIGNIFICANT + 2],
    len: usize,
    point: i32,
}

impl Digits {
    /// Reads `d.ddde-x`, `ddd.ddd` and the like, dropping leading and, on request, trailing zeros.
    fn read(text: &str, strip_trailing: bool) -> Digits {
        let mut d = Digits {
            buf: [0; MAX_SIGNIFICANT + 2],
            len: 0,
            point: 0,
        };
        let bytes = text.as_bytes();
        let mut i = 0;
        let mut seen_point = false;
        while i < bytes.len() {
            match bytes[i] {
                b'.' => seen_point = true,
                c @ b'0'..=b'9' => {
                    if d.len == 0 && c == b'0' {
                        if seen_point {
                            d.point -= 1;
                        }
                    } else {
                        if !seen_point {
                            d.point += 1;
                        }
                        if d.len < d.buf.len() {
                            d.buf[d.len] = c;
                            d.len += 1;
                        }
                    }
                }
                _ => break,
            }
            i += 1;
        }
        if d.len == 0 {
            d.buf[0] = b'0';
            d.len = 1;
            d.point = 1;
            return d;
        }
        if i < bytes.len() {
            d.point += text[i + 1..].parse::<i32>().unwrap_or(0);
        }
        if strip_trailing {
            while d.len > 1 && d.buf[d.len - 1] == b'0' {
                d.len -= 1;
            }
        }
        d
    }

    fn shortest(x: f64) -> Digits {
        Digits::read(zmij::Buffer::new().format_finite(x), true)
    }

    /// The value rounded to `count` significant digits; short of it only by zeros.
    fn rounded(x: f64, count: usize) -> Digits {
        let precision = count.clamp(1, MAX_SIGNIFICANT) - 1;
        let mut text = StackText::new();
        let _ = write!(text, "{x:.precision$e}");
        Digits::read(text.as_str(), false)
    }

    fn digits(&self) -> &[u8] {
        &self.buf[..self.len]
    }

    fn is_zero(&self) -> bool {
        self.len == 1 && self.buf[0] == b'0'
    }
}

/// Formatting target on the stack; large enough for every exact double at the precisions used here.
struct StackText {
    buf: [u8; MAX_SIGNIFICANT + 32],
    len: usize,
}

impl StackText {
    fn new() -> StackText {
        StackText {
            buf: [0; MAX_SIGNIFICANT + 32],
            len: 0,
        }
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.buf[..self.len]).unwrap_or("")
    }
}

impl std::fmt::Write for StackText {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        let end = self.len + s.len();
        let room = self.buf.get_mut(self.len..end).ok_or(std::fmt::Error)?;
        room.copy_from_slice(s.as_bytes());
        self.len = end;
        Ok(())
    }
}

fn push_digits(out: &mut String, digits: &[u8]) {
    out.extend(digits.iter().map(|&b| b as char));
}

fn push_zeros(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n('0', count));
}

/// Positional notation with at least `min_fraction` digits after the point.
fn push_fixed(out: &mut String, digits: &[u8], point: i32, min_fraction: usize, flags: FloatFlags) {
    let whole = usize::try_from(point).unwrap_or(0);
    if whole == 0 {
        out.push('0');
    } else {
        let have = whole.min(digits.len());
        push_digits(out, &digits[..have]);
        push_zeros(out, whole - have);
    }
    let rest = digits.get(whole..).unwrap_or(&[]);
    let leading = usize::try_from(-i64::from(point)).unwrap_or(0);
    let leading = if rest.is_empty() { 0 } else { leading };
    let written = leading + rest.len();
    if written == 0 && min_fraction == 0 {
        if flags.add_dot_0 {
            out.push_str(".0");
        } else if flags.alternate {
            out.push('.');
        }
        return;
    }
    out.push('.');
    push_zeros(out, leading);
    push_digits(out, rest);
    push_zeros(out, min_fraction.saturating_sub(written));
}

/// Scientific notation with at least `min_digits` significant digits.
fn push_exponent(out: &mut String, d: &Digits, min_digits: usize, alternate: bool, upper: bool) {
    let digits = d.digits();
    push_digits(out, &digits[..1]);
    if digits.len() > 1 || min_digits > 1 || alternate {
        out.push('.');
    }
    push_digits(out, &digits[1..]);
    push_zeros(out, min_digits.saturating_sub(digits.len()));
    out.push(if upper { 'E' } else { 'e' });
    let exponent = d.point - 1;
    out.push(if exponent < 0 { '-' } else { '+' });
    let _ = write!(out, "{:02}", exponent.unsigned_abs());
}

/// `repr(x)`.
#[must_use]
pub fn repr(x: f64) -> String {
    let mut out = String::with_capacity(24);
    repr_into(x, &mut out);
    out
}

/// Appends `repr(x)`.
pub fn repr_into(x: f64, out: &mut String) {
    let flags = FloatFlags {
        add_dot_0: true,
        ..FloatFlags::default()
    };
    push_float(out, x, 'r', 0, flags);
}

/// The text of `x` under a format code of `e E f F g G n % r`.
///
/// `precision` is ignored by `r` (shortest digits that read back). `n` is `g` (grouping is the
/// layout's business), `%` multiplies by 100 and appends the sign. Unknown codes format as `r`.
#[must_use]
pub fn format_float(x: f64, code: char, precision: usize, flags: FloatFlags) -> String {
    let mut out = String::new();
    push_float(&mut out, x, code, precision, flags);
    out
}

/// Appends what [`format_float`] returns.
pub fn push_float(out: &mut String, x: f64, code: char, precision: usize, flags: FloatFlags) {
    if code == '%' {
        push_float(out, x * 100.0, 'f', precision, flags);
        out.push('%');
        return;
    }
    let upper = code.is_ascii_uppercase();
    if !x.is_finite() {
        if x == f64::NEG_INFINITY {
            out.push('-');
        } else if flags.always_sign {
            out.push('+');
        }
        out.push_str(match (x.is_nan(), upper) {
            (true, false) => "nan",
            (true, true) => "NAN",
            (false, false) => "inf",
            (false, true) => "INF",
        });
        return;
    }
    let magnitude = x.abs();
    let push_sign = |out: &mut String, zero: bool| {
        if x.is_sign_negative() && !(zero && flags.no_neg_0) {
            out.push('-');
        } else if flags.always_sign {
            out.push('+');
        }
    };
    match code.to_ascii_lowercase() {
        'f' => {
            let exact = precision.min(MAX_FRACTION);
            let at = out.len();
            let _ = write!(out, "{magnitude:.exact$}");
            push_zeros(out, precision - exact);
            if precision == 0 && flags.alternate {
                out.push('.');
            }
            if x.is_sign_negative() || flags.always_sign {
                let zero = !out[at..].bytes().any(|b| matches!(b, b'1'..=b'9'));
                let mut sign = String::new();
                push_sign(&mut sign, zero);
                out.insert_str(at, &sign);
            }
        }
        'e' => {
            let d = Digits::rounded(magnitude, precision.saturating_add(1));
            push_sign(out, d.is_zero());
            push_exponent(out, &d, precision.saturating_add(1), flags.alternate, upper);
        }
        'g' | 'n' => {
            let precision = precision.max(1);
            let mut d = Digits::rounded(magnitude, precision);
            push_sign(out, d.is_zero() || magnitude == 0.0);
            let mut keep = precision;
            if !flags.alternate {
                while d.len > 1 && d.buf[d.len - 1] == b'0' {
                    d.len -= 1;
                }
                keep = 0;
            }
            // With a trailing ".0" on order, a number that fills its precision exactly goes scientific.
            let limit = precision - usize::from(flags.add_dot_0);
            let too_big = i64::from(d.point) > i64::try_from(limit).unwrap_or(i64::MAX);
            if d.point <= -4 || too_big {
                push_exponent(out, &d, keep, flags.alternate, upper);
            } else {
                let fraction = i64::try_from(keep).unwrap_or(i64::MAX) - i64::from(d.point);
                push_fixed(
                    out,
                    d.digits(),
                    d.point,
                    usize::try_from(fraction).unwrap_or(0),
                    flags,
                );
            }
        }
        _ => {
            let d = Digits::shortest(magnitude);
            push_sign(out, d.is_zero());
            if d.point <= -4 || d.point > 16 {
                push_exponent(out, &d, 0, flags.alternate, upper);
            } else {
                push_fixed(out, d.digits(), d.point, 0, flags);
            }
        }
    }
}

/// Parses the whole of `text` by the grammar of `float()`: ASCII white space around, a sign,
/// `inf`/`infinity`/`nan` in any case, or decimal digits with single underscores between them.
#[must_use]
pub fn parse_float(text: &[u8]) -> Option<f64> {
    let text = trim_ascii_space(text);
    let (negative, rest) = split_sign(text);
    let first = *rest.first()?;
    if first.is_ascii_alphabetic() {
        let value = special_value(rest)?;
        return Some(if negative { -value } else { value });
    }
    if rest.contains(&b'_') {
        let mut plain = Vec::with_capacity(rest.len());
        for (i, &b) in rest.iter().enumerate() {
            if b != b'_' {
                plain.push(b);
            } else if i == 0
                || !rest[i - 1].is_ascii_digit()
                || !rest.get(i + 1).is_some_and(u8::is_ascii_digit)
            {
                return None;
            }
        }
        return parse_unsigned(&plain).map(|x| if negative { -x } else { x });
    }
    parse_unsigned(rest).map(|x| if negative { -x } else { x })
}

fn parse_unsigned(text: &[u8]) -> Option<f64> {
    let mut i = 0;
    let mut digits = 0;
    let run = |i: &mut usize| {
        let from = *i;
        while text.get(*i).is_some_and(u8::is_ascii_digit) {
            *i += 1;
        }
        *i - from
    };
    digits += run(&mut i);
    if text.get(i) == Some(&b'.') {
        i += 1;
        digits += run(&mut i);
    }
    if digits == 0 {
        return None;
    }
    if matches!(text.get(i), Some(b'e' | b'E')) {
        i += 1;
        if matches!(text.get(i), Some(b'+' | b'-')) {
            i += 1;
        }
        if run(&mut i) == 0 {
            return None;
        }
    }
    if i != text.len() {
        return None;
    }
    fast_float2::parse(text).ok()
}

fn special_value(word: &[u8]) -> Option<f64> {
    if word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity") {
        Some(f64::INFINITY)
    } else if word.eq_ignore_ascii_case(b"nan") {
        Some(f64::NAN)
    } else {
        None
    }
}

fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text.first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    }
}

/// `text` without the white space C knows (space, `\t\n\v\f\r`) at both ends.
#[must_use]
pub fn trim_ascii_space(text: &[u8]) -> &[u8] {
    let space = |b: &u8| matches!(b, b' ' | 0x09..=0x0d);
    let start = text.iter().position(|b| !space(b)).unwrap_or(text.len());
    let end = text
        .iter()
        .rposition(|b| !space(b))
        .map_or(start, |i| i + 1);
    &text[start..end]
}

/// `mantissa * 2**exponent` rounded half to even; `sticky` says that a non-zero part below the
/// mantissa was dropped (the mantissa must then hold at least 55 bits). `None` on overflow.
#[must_use]
pub fn compose(mantissa: u128, sticky: bool, exponent: i64) -> Option<f64> {
    if mantissa == 0 {
        return Some(0.0);
    }
    let bits = i64::from(128 - mantissa.leading_zeros());
    let top = exponent.saturating_add(bits);
    if top > 1024 {
        return None;
    }
    if top < -1074 {
        return Some(0.0);
    }
    let lowest = (top - 53).max(-1074);
    let shift = lowest - exponent;
    let mut kept;
    if shift <= 0 {
        kept = mantissa << -shift;
    } else {
        kept = mantissa
            .checked_shr(u32::try_from(shift).unwrap_or(u32::MAX))
            .unwrap_or(0);
        let half = 1u128
            .checked_shl(u32::try_from(shift - 1).unwrap_or(u32::MAX))
            .unwrap_or(0);
        let dropped = if shift >= 128 {
            mantissa
        } else {
            mantissa & ((1u128 << shift) - 1)
        };
        if half != 0 && (dropped > half || (dropped == half && (sticky || kept & 1 == 1))) {
            kept += 1;
        }
    }
    // The lowest exponent is at least -1074, so the biased sum is never negative; a carry out of
    // the mantissa moves into the exponent field by itself.
    let biased = u64::try_from(lowest + 1074).ok()?;
    let word = (biased << 52) + u64::try_from(kept).ok()?;
    let value = f64::from_bits(word);
    value.is_finite().then_some(value)
}

/// A finite float as `(negative, mantissa, exponent)` with value `±mantissa * 2**exponent` and an
/// odd mantissa (zero gives `(sign, 0, 0)`); `None` for infinities and NaN.
#[must_use]
pub fn decompose(x: f64) -> Option<(bool, u64, i32)> {
    if !x.is_finite() {
        return None;
    }
    let bits = x.to_bits();
    let field = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = if field == 0 {
        (fraction, -1074)
    } else {
        (fraction | (1 << 52), field - 1075)
    };
    if mantissa == 0 {
        return Some((x.is_sign_negative(), 0, 0));
    }
    let zeros = mantissa.trailing_zeros();
    Some((
        x.is_sign_negative(),
        mantissa >> zeros,
        exponent + i32::try_from(zeros).unwrap_or(0),
    ))
}

/// `float.hex`.
#[must_use]
pub fn hex(x: f64) -> String {
    if !x.is_finite() {
        return repr(x);
    }
    let bits = x.to_bits();
    let sign = if x.is_sign_negative() { "-" } else { "" };
    let field = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let fraction = bits & ((1 << 52) - 1);
    if field == 0 && fraction == 0 {
        return format!("{sign}0x0.0p+0");
    }
    let (lead, exponent) = if field == 0 {
        (0, -1022)
    } else {
        (1, field - 1023)
    };
    format!("{sign}0x{lead}.{fraction:013x}p{exponent:+}")
}

/// Why [`from_hex`] refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HexError {
    /// "invalid hexadecimal floating-point string"
    Invalid,
    /// "hexadecimal value too large to represent as a float"
    Overflow,
}

/// `float.fromhex`: ASCII white space around is allowed.
pub fn from_hex(text: &[u8]) -> Result<f64, HexError> {
    let text = trim_ascii_space(text);
    let (negative, mut rest) = split_sign(text);
    let signed = |x: f64| if negative { -x } else { x };
    if let Some(value) = special_value(rest) {
        return Ok(signed(value));
    }
    if let [b'0', b'x' | b'X', tail @ ..] = rest {
        rest = tail;
    }
    let mut mantissa: u128 = 0;
    let mut sticky = false;
    let mut exponent: i64 = 0;
    let mut digits = 0usize;
    let mut seen_point = false;
    let mut i = 0;
    while let Some(&b) = rest.get(i) {
        if b == b'.' && !seen_point {
            seen_point = true;
        } else if let Some(digit) = (b as char).to_digit(16) {
            digits += 1;
            if mantissa >> 120 == 0 {
                mantissa = mantissa << 4 | u128::from(digit);
                exponent -= if seen_point { 4 } else { 0 };
            } else {
                sticky |= digit != 0;
                exponent += if seen_point { 0 } else { 4 };
            }
        } else {
            break;
        }
        i += 1;
    }
    if digits == 0 {
        return Err(HexError::Invalid);
    }
    if matches!(rest.get(i), Some(b'p' | b'P')) {
        let (minus, tail) = split_sign(&rest[i + 1..]);
        if tail.is_empty() || !tail.iter().all(u8::is_ascii_digit) {
            return Err(HexError::Invalid);
        }
        let size = tail
            .iter()
            .fold(0i64, |n, &b| (n * 10 + i64::from(b - b'0')).min(1 << 50));
        exponent += if minus { -size } else { size };
    } else if i != rest.len() {
        return Err(HexError::Invalid);
    }
    compose(mantissa, sticky, exponent)
        .map(signed)
        .ok_or(HexError::Overflow)
}

/// `round(x, ndigits)`: the double nearest to the decimal rounding of the exact value, ties to
/// even. Not finite input comes back unchanged; `None` if the result overflows.
#[must_use]
pub fn round_half_even(x: f64, ndigits: i64) -> Option<f64> {
    if !x.is_finite() || x == 0.0 || ndigits > 323 {
        return Some(x);
    }
    if ndigits < -308 {
        return Some(0.0 * x);
    }
    let magnitude = x.abs();
    let rounded = if let Ok(precision) = usize::try_from(ndigits) {
        format!("{magnitude:.precision$}").parse::<f64>().ok()?
    } else {
        let exact = Digits::rounded(magnitude, MAX_SIGNIFICANT);
        let keep = i64::from(exact.point) + ndigits;
        if keep < 0 {
            0.0
        } else if keep == 0 {
            let digits = exact.digits();
            let above_half =
                digits[0] > b'5' || (digits[0] == b'5' && digits[1..].iter().any(|&b| b != b'0'));
            if above_half {
                format!("1e{}", -ndigits).parse::<f64>().ok()?
            } else {
                0.0
            }
        } else {
            let precision = usize::try_from(keep - 1).ok()?;
            format!("{magnitude:.precision$e}").parse::<f64>().ok()?
        }
    };
    rounded.is_finite().then(|| rounded.copysign(x))
}

/// `x` rounded to an integral value, ties to even (`round(x)` before conversion to int).
#[must_use]
pub fn round_to_integral(x: f64) -> f64 {
    x.round_ties_even()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repr_follows_python() {
        for (x, text) in [
            (1e16, "1e+16"),
            (9999999999999998.0, "9999999999999998.0"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (123456.789, "123456.789"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
            (1e22, "1e+22"),
            (100.0, "100.0"),
            (0.1 + 0.2, "0.30000000000000004"),
        ] {
            assert_eq!(repr(x), text);
        }
    }

    #[test]
    fn codes() {
        let plain = FloatFlags::default();
        let alt = FloatFlags {
            alternate: true,
            ..plain
        };
        assert_eq!(format_float(1234.5, 'e', 3, plain), "1.234e+03");
        assert_eq!(format_float(2.5, 'f', 0, plain), "2");
        assert_eq!(format_float(2.5, 'f', 0, alt), "2.");
        assert_eq!(format_float(0.0, 'g', 6, alt), "0.00000");
        assert_eq!(format_float(1e6, 'g', 6, plain), "1e+06");
        assert_eq!(format_float(123456.0, 'g', 6, plain), "123456");
        assert_eq!(format_float(f64::INFINITY, 'F', 6, plain), "INF");
        assert_eq!(format_float(0.256, '%', 1, plain), "25.6%");
        let z = FloatFlags {
            no_neg_0: true,
            ..plain
        };
        assert_eq!(format_float(-0.04, 'f', 1, z), "0.0");
        assert_eq!(format_float(1.5, 'f', 1200, plain).len(), 1202);
    }

    #[test]
    fn parsing() {
        assert_eq!(parse_float(b" 1_000.5e-1_0 "), Some(1000.5e-10));
        assert_eq!(parse_float(b"-Infinity"), Some(f64::NEG_INFINITY));
        for bad in [
            &b"1__0"[..],
            b"_1",
            b"1_",
            b"1_.5",
            b"1._5",
            b"",
            b".",
            b"1e",
            b"0x10",
            b"1 2",
            b"+-1",
            b"infi",
        ] {
            assert_eq!(parse_float(bad), None);
        }
        assert_eq!(parse_float(b".5"), Some(0.5));
        assert_eq!(parse_float(b"5."), Some(5.0));
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(hex(3.5), "0x1.c000000000000p+1");
        assert_eq!(hex(5e-324), "0x0.0000000000001p-1022");
        assert_eq!(from_hex(b" 0x1.cp1 "), Ok(3.5));
        assert_eq!(from_hex(b"-0x.8p0"), Ok(-0.5));
        assert_eq!(from_hex(b"0x1p1024"), Err(HexError::Overflow));
        assert_eq!(from_hex(b"0x"), Err(HexError::Invalid));
        assert_eq!(
            from_hex(b"0x1.fffffffffffff8p1023"),
            Err(HexError::Overflow)
        );
        assert_eq!(from_hex(b"0x1p-1075"), Ok(0.0));
        assert_eq!(from_hex(b"0x1.8p-1075"), Ok(5e-324));
    }

    #[test]
    fn rounding() {
        assert_eq!(round_half_even(2.675, 2), Some(2.67));
        assert_eq!(round_half_even(0.5, 0), Some(0.0));
        assert_eq!(round_half_even(1250.0, -2), Some(1200.0));
        assert_eq!(round_half_even(1350.0, -2), Some(1400.0));
        assert_eq!(round_half_even(50.0, -2), Some(0.0));
        assert_eq!(round_half_even(51.0, -2), Some(100.0));
        assert_eq!(round_half_even(1.7e308, -308), None);
        assert_eq!(decompose(0.75), Some((false, 3, -2)));
    }
}
