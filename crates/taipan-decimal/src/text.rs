//! Numbers from text, and their text in scientific and engineering notation.

use crate::context::{Context, EXP_INF, status};
use crate::limbs::{self, Buf, NoMemory, POW10, Sized, WIDTH};
use crate::number::{Coeff, Decimal, Kind};

/// The value of a row of digits, of which `point` tells where a point stands among them (it is skipped).
fn read_digits(digits: &[u8], point: Option<usize>) -> Sized<Buf> {
    let mut row = Buf::new();
    let count = digits.len() - usize::from(point.is_some());
    row.try_reserve(count / WIDTH + 1).map_err(|_| NoMemory)?;
    let (mut limb, mut filled) = (0, 0);
    for (at, digit) in digits.iter().enumerate().rev() {
        if point == Some(at) {
            continue;
        }
        limb += u64::from(digit - b'0') * POW10[filled];
        filled += 1;
        if filled == WIDTH {
            row.push(limb);
            (limb, filled) = (0, 0);
        }
    }
    row.push(limb);
    limbs::trim(&mut row);
    Ok(row)
}

/// The exponent at the end of a number, clamped to what no number reaches.
fn read_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = digits.iter().fold(0i64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
    });
    Some(if negative { -value } else { value })
}

fn starts_with_word<'a>(text: &'a [u8], word: &[u8]) -> Option<&'a [u8]> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then_some(rest)
}

impl Context {
    /// The number that a text names, rounded to the context. What is no number is a NaN and [`status::CONVERSION_SYNTAX`].
    pub fn parse(&self, text: &[u8], st: &mut u32) -> Sized<Decimal> {
        match self.read(text)? {
            Some(number) => self.finalize(number, st),
            None => self.invalid(status::CONVERSION_SYNTAX, st),
        }
    }

    /// The number that a text names, which must be exact: what does not fit is [`status::INVALID_OPERATION`].
    pub fn parse_exact(text: &[u8], st: &mut u32) -> Sized<Decimal> {
        let mut own = 0;
        let number = Context::MAX.parse(text, &mut own)?;
        Context::MAX.exact(number, own, st)
    }

    /// A result that must be exact.
    pub(crate) fn exact(&self, number: Decimal, own: u32, st: &mut u32) -> Sized<Decimal> {
        *st |= own & status::ERRORS;
        if own & (status::INEXACT | status::ROUNDED | status::CLAMPED) != 0 {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        Ok(number)
    }

    fn read(&self, text: &[u8]) -> Sized<Option<Decimal>> {
        let (negative, text) = match text {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            _ => (false, text),
        };
        if !matches!(text, [b'0'..=b'9' | b'.', ..]) {
            return self.read_special(negative, text);
        }
        let body = text
            .iter()
            .position(|byte| !matches!(byte, b'0'..=b'9' | b'.'))
            .unwrap_or(text.len());
        let (body, tail) = text.split_at(body);
        let exp = match tail {
            [] => 0,
            [b'e' | b'E', exponent @ ..] => match read_exponent(exponent) {
                Some(exp) => exp,
                None => return Ok(None),
            },
            _ => return Ok(None),
        };
        let point = body.iter().position(|&byte| byte == b'.');
        let fraction = match point {
            Some(at) => body.len() - at - 1,
            None => 0,
        };
        let second = point.is_some_and(|at| body[at + 1..].contains(&b'.'));
        if second || body.len() == usize::from(point.is_some()) {
            return Ok(None);
        }
        let exp = exp
            .saturating_sub(fraction as i64)
            .clamp(-2 * EXP_INF, EXP_INF);
        Decimal::from_row(negative, read_digits(body, point)?, exp).map(Some)
    }

    fn read_special(&self, negative: bool, text: &[u8]) -> Sized<Option<Decimal>> {
        if text.eq_ignore_ascii_case(b"inf") || text.eq_ignore_ascii_case(b"infinity") {
            return Ok(Some(Decimal::infinity(negative)));
        }
        let (kind, payload) = match starts_with_word(text, b"nan") {
            Some(rest) => (Kind::Nan, rest),
            None => match starts_with_word(text, b"snan") {
                Some(rest) => (Kind::SignalingNan, rest),
                None => return Ok(None),
            },
        };
        let zeros = payload.iter().take_while(|&&byte| byte == b'0').count();
        let payload = &payload[zeros..];
        if !payload.iter().all(u8::is_ascii_digit)
            || payload.len() as i64 > self.prec - i64::from(self.clamp)
        {
            return Ok(None);
        }
        Ok(Some(Decimal {
            coeff: Coeff::from_row(read_digits(payload, None)?)?,
            exp: 0,
            kind,
            negative,
        }))
    }
}

/// Appends the digits of a limb, at least `width` of them.
fn push_limb(out: &mut Vec<u8>, mut limb: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut at = 20;
    while limb >= 100 {
        let pair = (limb % 100) as u8;
        limb /= 100;
        at -= 2;
        digits[at] = b'0' + pair / 10;
        digits[at + 1] = b'0' + pair % 10;
    }
    while limb > 0 {
        at -= 1;
        digits[at] = b'0' + (limb % 10) as u8;
        limb /= 10;
    }
    out.extend_from_slice(&digits[at.min(20 - width)..]);
}

/// Room for `count` bytes more.
fn reserve(out: &mut Vec<u8>, count: usize) -> Sized<()> {
    out.try_reserve(count).map_err(|_| NoMemory)
}

pub(crate) fn push_zeros(out: &mut Vec<u8>, count: usize) -> Sized<()> {
    reserve(out, count)?;
    out.resize(out.len() + count, b'0');
    Ok(())
}

impl Decimal {
    /// The coefficient's digits; "0" for zero, nothing for a NaN without digits.
    pub fn digit_text(&self) -> Sized<Vec<u8>> {
        let mut out = Vec::new();
        self.push_digits(&mut out)?;
        Ok(out)
    }

    fn push_digits(&self, out: &mut Vec<u8>) -> Sized<()> {
        reserve(out, self.coeff.limbs().len() * WIDTH + 24)?;
        if !self.is_finite() && self.coeff.is_zero() {
            return Ok(());
        }
        for (index, &limb) in self.coeff.limbs().iter().rev().enumerate() {
            push_limb(out, limb, if index == 0 { 1 } else { WIDTH });
        }
        Ok(())
    }

    /// In scientific notation.
    pub fn to_text(&self, capitals: bool) -> Sized<Vec<u8>> {
        self.write(capitals, false)
    }

    /// In engineering notation: exponents are multiples of three.
    pub fn to_engineering(&self, capitals: bool) -> Sized<Vec<u8>> {
        self.write(capitals, true)
    }

    fn write(&self, capitals: bool, engineering: bool) -> Sized<Vec<u8>> {
        let mut out = Vec::new();
        if self.negative {
            out.push(b'-');
        }
        if self.kind != Kind::Finite {
            out.extend_from_slice(match self.kind {
                Kind::Nan => b"NaN",
                Kind::SignalingNan => b"sNaN",
                _ => b"Infinity",
            });
            self.push_digits(&mut out)?;
            return Ok(out);
        }
        let start = out.len();
        self.push_digits(&mut out)?;
        let digits = (out.len() - start) as i64;
        let adjusted = self.exp + digits - 1;
        let plain = self.exp <= 0 && adjusted >= -6;
        // How many digits stand in front of the point.
        let front = if plain {
            adjusted + 1
        } else if !engineering {
            1
        } else if self.coeff.is_zero() {
            (adjusted + 2).rem_euclid(3) - 1
        } else {
            adjusted.rem_euclid(3) + 1
        };
        place_point(&mut out, start, digits, front)?;
        if !plain {
            let exponent = adjusted + 1 - front;
            push_exponent(&mut out, exponent, capitals, 1);
        }
        Ok(out)
    }
}

/// Puts a point behind the first `front` of the digits that begin at `start`; zeros are added where it lies outside.
pub(crate) fn place_point(out: &mut Vec<u8>, start: usize, digits: i64, front: i64) -> Sized<()> {
    if front <= 0 {
        let zeros = front.unsigned_abs() as usize;
        reserve(out, zeros.checked_add(2).ok_or(NoMemory)?)?;
        out.splice(
            start..start,
            b"0."
                .iter()
                .copied()
                .chain(std::iter::repeat_n(b'0', zeros)),
        );
    } else if front < digits {
        reserve(out, 1)?;
        out.insert(start + front as usize, b'.');
    } else {
        push_zeros(out, (front - digits) as usize)?;
    }
    Ok(())
}

/// Appends an exponent with its sign, unless it is zero (`least` of 1) or always (`least` of 0).
pub(crate) fn push_exponent(out: &mut Vec<u8>, exponent: i64, capitals: bool, least: i64) {
    if exponent == 0 && least > 0 {
        return;
    }
    out.push(if capitals { b'E' } else { b'e' });
    out.extend_from_slice(format!("{exponent:+}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> (String, String) {
        let mut st = 0;
        let number = Context::parse_exact(text.as_bytes(), &mut st).unwrap();
        let string = |bytes: Sized<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
        (
            string(number.to_text(true)),
            string(number.to_engineering(true)),
        )
    }

    #[test]
    fn notation() {
        for (text, sci, eng) in [
            ("0", "0", "0"),
            ("-0.00", "-0.00", "-0.00"),
            ("123E3", "1.23E+5", "123E+3"),
            ("1E+2", "1E+2", "100"),
            ("0E+2", "0E+2", "0.0E+3"),
            ("0E+1", "0E+1", "0.00E+3"),
            ("0E-7", "0E-7", "0.0E-6"),
            ("0E-9", "0E-9", "0E-9"),
            ("0E-8", "0E-8", "0.00E-6"),
            ("1e-7", "1E-7", "100E-9"),
            ("0.000001", "0.000001", "0.000001"),
            (".5", "0.5", "0.5"),
            ("5.", "5", "5"),
            ("-inf", "-Infinity", "-Infinity"),
            ("sNaN0012", "sNaN12", "sNaN12"),
            ("nAn", "NaN", "NaN"),
            (
                "12345678901234567890123.45678901234567890",
                "12345678901234567890123.45678901234567890",
                "12345678901234567890123.45678901234567890",
            ),
            (
                "10000000000000000000",
                "10000000000000000000",
                "10000000000000000000",
            ),
            (
                "10000000000000000000000000000000000000000",
                "10000000000000000000000000000000000000000",
                "10000000000000000000000000000000000000000",
            ),
        ] {
            let (s, e) = both(text);
            assert_eq!(s, sci);
            assert_eq!(e, eng, "{text}");
        }
    }

    #[test]
    fn refused() {
        for text in [
            "", ".", "e5", "1e", "1e+", "1.2.3", "infx", "nanx", "1 ", "--1", "snan-1",
        ] {
            let mut st = 0;
            assert!(
                Context::parse_exact(text.as_bytes(), &mut st)
                    .unwrap()
                    .is_nan(),
                "{text}"
            );
            assert_eq!(st, status::CONVERSION_SYNTAX);
        }
        let mut st = 0;
        assert!(
            Context::parse_exact(b"1e9999999999999999999", &mut st)
                .unwrap()
                .is_nan()
        );
        assert_eq!(st, status::INVALID_OPERATION);
    }
}
