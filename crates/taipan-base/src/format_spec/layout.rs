//! Putting sign, prefix, digits, separators and padding together.

use super::{Align, FormatError, FormatSpec, Grouping, SignMode};
use crate::text::{Text, TextBuf};

/// What a locale says about numbers. Only the presentation type `n` uses it.
#[derive(Clone, Copy, Debug)]
pub struct NumericLocale<'a> {
    /// Decimal point.
    pub decimal_point: &'a str,
    /// Separator between groups.
    pub separator: &'a str,
    /// Sizes of groups from the right as C's `localeconv` gives them: 0 repeats the last one, 127
    /// ends grouping.
    pub grouping: &'a [u8],
}

impl NumericLocale<'_> {
    /// The locale every program starts with.
    pub const C: NumericLocale<'static> = NumericLocale {
        decimal_point: ".",
        separator: "",
        grouping: &[],
    };
}

/// A number in pieces.
#[derive(Default)]
pub(super) struct Number<'a> {
    pub(super) negative: bool,
    pub(super) prefix: &'a str,
    pub(super) digits: &'a str,
    pub(super) point: bool,
    pub(super) fraction: &'a str,
    /// Exponent, percent sign, `inf`, `nan`, or the character of `c`.
    pub(super) tail: TextBuf,
}

impl<'a> Number<'a> {
    /// Takes the text of a float apart.
    pub(super) fn parse(text: &'a str) -> Number<'a> {
        fn digits(text: &str) -> (&str, &str) {
            text.split_at(text.bytes().take_while(u8::is_ascii_digit).count())
        }
        let (negative, rest) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        let (whole, rest) = digits(rest);
        let (point, rest) = rest
            .strip_prefix('.')
            .map_or((false, rest), |rest| (true, rest));
        let (fraction, tail) = if point { digits(rest) } else { ("", rest) };
        Number {
            negative,
            prefix: "",
            digits: whole,
            point,
            fraction,
            tail: TextBuf::from(tail),
        }
    }
}

/// Sizes of the groups of digits, from the right.
struct Groups<'a> {
    sizes: &'a [u8],
    at: usize,
    last: usize,
}

impl Groups<'_> {
    /// The next size; 0 for "all the rest".
    fn next(&mut self) -> usize {
        match self.sizes.get(self.at) {
            Some(0) | None => self.last,
            Some(127) => {
                self.last = 0;
                0
            }
            Some(&size) => {
                self.last = usize::from(size);
                self.at += 1;
                self.last
            }
        }
    }
}

/// Digits with separators, filled with zeros on the left up to `min_width` characters (one more
/// where a separator would come first).
#[must_use]
pub fn group_digits(digits: &str, min_width: usize, separator: &str, sizes: &[u8]) -> String {
    let separator_width = separator.chars().count();
    let mut groups = Groups {
        sizes,
        at: 0,
        last: 0,
    };
    let mut left = digits.len();
    let mut min_width = min_width;
    let mut pieces: Vec<(usize, &str)> = Vec::new();
    loop {
        let rest = left.max(min_width).max(1);
        let size = match groups.next() {
            0 => rest,
            size => size.min(rest),
        };
        let taken = size.min(left);
        pieces.push((size - taken, &digits[left - taken..left]));
        left -= taken;
        min_width = min_width.saturating_sub(size);
        if left == 0 && min_width == 0 {
            break;
        }
        min_width = min_width.saturating_sub(separator_width);
    }
    let mut out = String::with_capacity(digits.len() + pieces.len() * separator.len());
    for (i, (zeros, piece)) in pieces.iter().rev().enumerate() {
        if i > 0 {
            out.push_str(separator);
        }
        out.extend(std::iter::repeat_n('0', *zeros));
        out.push_str(piece);
    }
    out
}

/// Digits of a fraction with separators, grouped from the left.
fn group_fraction(digits: &str, separator: &str) -> String {
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && i % 3 == 0 {
            out.push_str(separator);
        }
        out.push(digit);
    }
    out
}

fn separator_of(grouping: Option<Grouping>) -> &'static str {
    match grouping {
        Some(Grouping::Comma) => ",",
        Some(Grouping::Underscore) => "_",
        None => "",
    }
}

/// Refuses what cannot be allocated before anything is written.
fn reserve(out: &mut TextBuf, spec: &FormatSpec) -> Result<(), FormatError> {
    let width = spec.width.unwrap_or(0);
    if out.try_reserve(width, spec.fill) {
        Ok(())
    } else {
        Err(FormatError::Memory)
    }
}

/// Pads text to the width of the specifier.
pub(super) fn pad(spec: &FormatSpec, text: Text<'_>) -> Result<TextBuf, FormatError> {
    let missing = spec.width.unwrap_or(0).saturating_sub(text.len());
    if missing == 0 {
        return Ok(text.to_buf());
    }
    let mut out = TextBuf::new();
    reserve(&mut out, spec)?;
    let left = match spec.align {
        Align::Left => 0,
        Align::Right | Align::AfterSign => missing,
        Align::Center => missing / 2,
    };
    out.push_repeat(spec.fill, left);
    out.push_text(text);
    out.push_repeat(spec.fill, missing - left);
    Ok(out)
}

/// Appends a number as the specifier says.
pub(super) fn lay_out(
    out: &mut TextBuf,
    spec: &FormatSpec,
    number: &Number<'_>,
    locale: &NumericLocale<'_>,
) -> Result<(), FormatError> {
    let sign = match (number.negative, spec.sign) {
        (true, _) => "-",
        (_, SignMode::Plus) => "+",
        (_, SignMode::Space) => " ",
        _ => "",
    };
    let by_locale = spec.code == u32::from('n');
    let point = match (number.point, by_locale) {
        (false, _) => "",
        (true, true) => locale.decimal_point,
        (true, false) => ".",
    };
    let fraction = group_fraction(number.fraction, separator_of(spec.fraction_grouping));
    let fixed = sign.len()
        + number.prefix.len()
        + point.chars().count()
        + fraction.len()
        + number.tail.len();
    let width = spec.width.unwrap_or(0);
    reserve(out, spec)?;
    let zeros = spec.fill == u32::from('0') && spec.align == Align::AfterSign;
    let grouped = if number.digits.is_empty() {
        String::new()
    } else {
        let least = if zeros {
            width.saturating_sub(fixed)
        } else {
            0
        };
        let (separator, sizes): (&str, &[u8]) = match spec.grouping {
            _ if by_locale => (locale.separator, locale.grouping),
            None => ("", &[]),
            Some(Grouping::Underscore) if !is_decimal(spec.code) => ("_", &[4]),
            grouping => (separator_of(grouping), &[3]),
        };
        group_digits(number.digits, least, separator, sizes)
    };
    let missing = width.saturating_sub(fixed + grouped.chars().count());
    let [left, middle, right] = match spec.align {
        Align::Left => [0, 0, missing],
        Align::Right => [missing, 0, 0],
        Align::Center => [missing / 2, 0, missing - missing / 2],
        Align::AfterSign => [0, missing, 0],
    };
    out.push_repeat(spec.fill, left);
    out.push_str(sign);
    out.push_str(number.prefix);
    out.push_repeat(spec.fill, middle);
    out.push_str(&grouped);
    out.push_str(point);
    out.push_str(&fraction);
    out.push_text(number.tail.as_text());
    out.push_repeat(spec.fill, right);
    Ok(())
}

fn is_decimal(code: u32) -> bool {
    !matches!(char::from_u32(code), Some('b' | 'o' | 'x' | 'X'))
}
