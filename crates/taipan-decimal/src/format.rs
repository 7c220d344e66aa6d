//! Python's format mini-language for decimal numbers, as far as the specification's own library has it.

use crate::context::{Context, EXP_INF, MAX_PREC, status};
use crate::limbs::{NoMemory, Sized};
use crate::number::{Decimal, Kind};
use crate::text::{place_point, push_exponent};
use smallvec::SmallVec;
use std::borrow::Cow;

/// Where the text stands in its width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Align {
    Left,
    Right,
    Middle,
    /// Filled between sign and digits.
    Sign,
    /// Filled with zeros, which separators stand among.
    Zeros,
}

/// How the digits in front of the point are parted, and what the point is.
#[derive(Clone, Debug)]
pub struct Separators {
    pub point: Cow<'static, str>,
    pub separator: Cow<'static, str>,
    /// Sizes of groups from the point on, as C's `localeconv` has them: the last one is repeated, 127 ends the grouping.
    pub grouping: Cow<'static, [u8]>,
}

/// A format specifier.
#[derive(Clone, Debug)]
pub struct FormatSpec {
    fill: char,
    align: Align,
    sign: char,
    width: usize,
    precision: Option<i64>,
    thousands: bool,
    /// One of `eEfFgG%`.
    code: char,
    /// The type was `n`: separators are the locale's.
    pub localized: bool,
    /// It was `N`, which is on its way out.
    pub deprecated: bool,
}

impl FormatSpec {
    /// Reads a specifier; `None` for what this library does not know.
    pub fn parse(text: &str, capitals: bool) -> Option<FormatSpec> {
        let chars: SmallVec<[char; 16]> = text.chars().collect();
        let align_of = |at: usize| match chars.get(at)? {
            '<' => Some(Align::Left),
            '>' => Some(Align::Right),
            '^' => Some(Align::Middle),
            '=' => Some(Align::Sign),
            _ => None,
        };
        let mut spec = FormatSpec {
            fill: ' ',
            align: Align::Right,
            sign: '-',
            width: 0,
            precision: None,
            thousands: false,
            code: if capitals { 'G' } else { 'g' },
            localized: false,
            deprecated: false,
        };
        let mut at = 0;
        let mut aligned = true;
        if let Some(align) = align_of(1) {
            (spec.fill, spec.align, at) = (chars[0], align, 2);
        } else if let Some(align) = align_of(0) {
            (spec.align, at) = (align, 1);
        } else {
            aligned = false;
        }
        if let Some(sign @ ('+' | '-' | ' ')) = chars.get(at) {
            spec.sign = *sign;
            at += 1;
        }
        if chars.get(at) == Some(&'0') {
            if aligned {
                return None;
            }
            (spec.fill, spec.align) = ('0', Align::Zeros);
            at += 1;
        }
        let number = |at: &mut usize| {
            let start = *at;
            let mut value: i64 = 0;
            while let Some(digit) = chars.get(*at).and_then(|c| c.to_digit(10)) {
                value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
                *at += 1;
            }
            Some((*at > start).then_some(value))
        };
        if let Some(width) = number(&mut at)? {
            spec.width = usize::try_from(width).ok()?;
        }
        if chars.get(at) == Some(&',') {
            spec.thousands = true;
            at += 1;
        }
        if chars.get(at) == Some(&'.') {
            at += 1;
            spec.precision = Some(number(&mut at)??);
        }
        match chars.get(at) {
            None => return Some(spec),
            Some(code @ ('n' | 'N')) if !spec.thousands => {
                spec.localized = true;
                spec.deprecated = *code == 'N';
                spec.code = if spec.deprecated { 'G' } else { 'g' };
            }
            Some(code @ ('e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%')) => spec.code = *code,
            Some(_) => return None,
        }
        (at + 1 == chars.len()).then_some(spec)
    }

    /// The separators that the specifier asks for itself.
    pub fn separators(&self) -> Separators {
        Separators {
            point: Cow::Borrowed("."),
            separator: Cow::Borrowed(if self.thousands { "," } else { "" }),
            grouping: Cow::Borrowed(&[3]),
        }
    }
}

/// The parts of a formatted number.
#[derive(Default)]
struct Parts {
    sign: &'static str,
    whole: String,
    /// What follows the point; `None` without a point.
    fraction: Option<String>,
    /// Exponent or percent sign.
    tail: String,
}

impl Context {
    /// A number's text after a specifier. [`status::INVALID_OPERATION`] in `st`: the specifier asks for too much.
    pub fn format(
        &self,
        number: &Decimal,
        spec: &FormatSpec,
        locale: Option<&Separators>,
        st: &mut u32,
    ) -> Sized<String> {
        let plain = spec.separators();
        let separators = locale.unwrap_or(&plain);
        let mut parts = Parts {
            sign: match (number.is_negative(), spec.sign) {
                (true, _) => "-",
                (false, '+') => "+",
                (false, ' ') => " ",
                _ => "",
            },
            ..Parts::default()
        };
        if spec.code == '%' {
            parts.tail.push('%');
        }
        if number.kind() != Kind::Finite {
            let text = String::from_utf8_lossy(&number.to_text(true)?).into_owned();
            parts.whole = text.trim_start_matches('-').to_owned();
            let mut spec = spec.clone();
            if spec.align == Align::Zeros {
                (spec.align, spec.fill) = (Align::Right, ' ');
            }
            return lay_out(&parts, &spec, None);
        }
        if spec.width as u64 > MAX_PREC as u64 {
            *st |= status::INVALID_OPERATION;
            return Ok(String::new());
        }
        let mut own = 0;
        let (number, dots) = self.rounded(number, spec, &mut own)?;
        if own & status::ERRORS != 0 {
            *st |= status::INVALID_OPERATION;
            return Ok(String::new());
        }
        split_number(&number, spec.code, dots, &mut parts)?;
        lay_out(&parts, spec, Some(separators))
    }

    /// The number with the digits that are wanted, and the place of the point if that is not given by the type.
    fn rounded(
        &self,
        number: &Decimal,
        spec: &FormatSpec,
        st: &mut u32,
    ) -> Sized<(Decimal, Option<i64>)> {
        let mut number = number.copy()?;
        let mut point = None;
        let code = spec.code.to_ascii_lowercase();
        if code == '%' {
            number.exp += 2;
        }
        if let Some(precision) = spec.precision {
            if precision > MAX_PREC {
                *st |= status::INVALID_OPERATION;
                return Ok((number, None));
            }
            match code {
                'g' => {
                    let precision = precision.max(1);
                    if number.digits_i64() > precision {
                        number = self.round_digits(&number, precision, st)?;
                    }
                }
                'e' if number.is_zero() => point = Some(1 - precision),
                'e' => number = self.round_digits(&number, precision + 1, st)?,
                _ => number = self.rescale(&number, -precision, st)?,
            }
        }
        if matches!(code, 'f' | '%') && number.is_zero() && number.exp > 0 {
            number.exp = 0;
        }
        Ok((number, point))
    }

    /// A number that is not zero, with exactly so many digits.
    fn round_digits(&self, number: &Decimal, digits: i64, st: &mut u32) -> Sized<Decimal> {
        let exp = number.adjusted() + 1 - digits;
        let rounded = self.rescale(number, exp.clamp(-2 * EXP_INF, EXP_INF), st)?;
        if rounded.digits_i64() > digits {
            return self.rescale(&rounded, exp + 1, st);
        }
        Ok(rounded)
    }
}

/// Takes a number's text apart.
fn split_number(number: &Decimal, code: char, point: Option<i64>, parts: &mut Parts) -> Sized<()> {
    let mut text = number.digit_text()?;
    let digits = text.len() as i64;
    let adjusted = number.exp + digits - 1;
    let (front, exponent) = match code.to_ascii_lowercase() {
        'e' => (point.unwrap_or(1), true),
        'g' if number.exp > 0 || adjusted < -6 => (1, true),
        _ => (adjusted + 1, false),
    };
    place_point(&mut text, 0, digits, front)?;
    let mut text = String::from_utf8(text).unwrap_or_default();
    if let Some(at) = text.find('.') {
        parts.fraction = Some(text.split_off(at + 1));
        text.truncate(at);
    }
    parts.whole = text;
    if exponent {
        let mut tail = Vec::new();
        push_exponent(
            &mut tail,
            adjusted + 1 - front,
            code.is_ascii_uppercase(),
            0,
        );
        parts.tail.insert_str(0, &String::from_utf8_lossy(&tail));
    }
    Ok(())
}

/// Parts digits with separators; zeros in front make them at least `least` characters long, and no separator comes first.
fn group<'a>(digits: &'a str, separators: &Separators, least: usize) -> Sized<Cow<'a, str>> {
    let separator = &*separators.separator;
    if separator.is_empty() && least <= digits.len() {
        return Ok(Cow::Borrowed(digits));
    }
    // From the last character to the first.
    let mut out = Vec::new();
    let count = digits.len().max(least);
    out.try_reserve(count.saturating_mul(1 + separator.len()).saturating_add(8))
        .map_err(|_| NoMemory)?;
    let width = separator.chars().count();
    let mut sizes = separators.grouping.iter().copied();
    let mut size = if separator.is_empty() {
        127
    } else {
        sizes.next().unwrap_or(127)
    };
    let mut digits = digits.bytes().rev().peekable();
    let (mut used, mut in_group) = (0, 0);
    while digits.peek().is_some() || used < least {
        if in_group == size && !matches!(size, 0 | 127) {
            out.extend(separator.bytes().rev());
            used += width;
            in_group = 0;
            if let Some(next @ 1..) = sizes.next() {
                size = next;
            }
        }
        out.push(digits.next().unwrap_or(b'0'));
        used += 1;
        in_group = in_group.saturating_add(1);
    }
    out.reverse();
    Ok(Cow::Owned(String::from_utf8(out).unwrap_or_default()))
}

fn lay_out(parts: &Parts, spec: &FormatSpec, separators: Option<&Separators>) -> Sized<String> {
    let point = separators.map_or(".", |separators| &*separators.point);
    let (point, fraction) = match &parts.fraction {
        Some(fraction) => (point, fraction.as_str()),
        None => ("", ""),
    };
    let around = parts.sign.len() + point.chars().count() + fraction.len() + parts.tail.len();
    let least = match spec.align {
        Align::Zeros => spec.width.saturating_sub(around),
        _ => 0,
    };
    let whole = match separators {
        Some(separators) => group(&parts.whole, separators, least)?,
        None => Cow::Borrowed(parts.whole.as_str()),
    };
    let length = around + whole.chars().count();
    let missing = spec.width.saturating_sub(length);
    let (left, middle, right) = match spec.align {
        Align::Left => (0, 0, missing),
        Align::Right | Align::Zeros => (missing, 0, 0),
        Align::Middle => (missing / 2, 0, missing - missing / 2),
        Align::Sign => (0, missing, 0),
    };
    let mut out = String::new();
    let bytes = missing.saturating_mul(spec.fill.len_utf8());
    out.try_reserve(
        bytes.saturating_add(whole.len() + point.len() + fraction.len() + parts.tail.len() + 1),
    )
    .map_err(|_| NoMemory)?;
    let fill = |count| std::iter::repeat_n(spec.fill, count);
    out.extend(fill(left));
    out.push_str(parts.sign);
    out.extend(fill(middle));
    out.push_str(&whole);
    out.push_str(point);
    out.push_str(fraction);
    out.push_str(&parts.tail);
    out.extend(fill(right));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(number: &str, spec: &str) -> String {
        let number = Context::parse_exact(number.as_bytes(), &mut 0).unwrap();
        let spec = FormatSpec::parse(spec, true).expect("a specifier");
        Context::MAX
            .precision(28)
            .format(&number, &spec, None, &mut 0)
            .unwrap()
    }

    #[test]
    fn as_cpython() {
        for (number, spec, expected) in [
            ("1234567.8912", ",", "1,234,567.8912"),
            ("-0.0001", "010,", "-0,000.0001"),
            ("0E+5", "010,", "000,000E+5"),
            ("1E+10", "010,", "00,001E+10"),
            ("12345", "08,", "0,012,345"),
            ("12345", "07,", "012,345"),
            ("12345", "020,.1f", "00,000,000,012,345.0"),
            ("-0.0001", "=+10", "-   0.0001"),
            ("1E+10", "é>10", "ééééé1E+10"),
            ("0E+5", ".3E", "0.000E+8"),
            ("1234567.8912", ".3E", "1.235E+6"),
            ("1.5", "e", "1.5e+0"),
            ("99.9", ".1g", "1e+2"),
            ("99.9", ".0%", "9990%"),
            ("999", ".1e", "1.0e+3"),
            ("NaN", "010,", "       NaN"),
            ("-inf", ".2%", "-Infinity%"),
            ("0E+5", "%", "0%"),
            ("1234567.8912", "", "1234567.8912"),
        ] {
            assert_eq!(format(number, spec), expected, "{number} {spec}");
        }
        for refused in ["_", "d", ".", "<010", "z.1f", ",n", "#f"] {
            assert!(FormatSpec::parse(refused, true).is_none(), "{refused}");
        }
    }
}
