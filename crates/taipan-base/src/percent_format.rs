//! Templates of the `%` operator: a parser and the layout of converted values.
//!
//! Fetching and converting values is the caller's. Because CPython interleaves both with parsing,
//! a template that breaks off still yields the piece with what was read, and the error in
//! [`Conversion::broken`] is raised after the stars and the key have been looked up.

use std::ops::Range;

use crate::float_text::{FloatFlags, push_float};
use crate::text::{Text, TextBuf};

/// Flag characters of a conversion.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `-`
    pub left: bool,
    /// `+`
    pub sign: bool,
    /// Space.
    pub blank: bool,
    /// `#`
    pub alternate: bool,
    /// `0`
    pub zero: bool,
}

/// A width or precision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Count {
    /// Not given.
    #[default]
    Unset,
    /// Written out.
    Number(usize),
    /// `*`: the next argument, an int ("* wants int" otherwise).
    Star,
}

/// One conversion specifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conversion {
    /// Characters of the mapping key; also set, to an empty range, when the key never ends.
    pub key: Option<Range<usize>>,
    /// Flags.
    pub flags: Flags,
    /// Least width. A negative argument of a star means left adjustment.
    pub width: Count,
    /// Precision. A negative argument of a star means 0.
    pub precision: Count,
    /// Conversion character; 0 if the template ended before it.
    pub code: u32,
    /// Its place in the template.
    pub index: usize,
    /// What to raise after looking up key and stars.
    pub broken: Option<PercentError>,
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Characters to copy.
    Literal(Range<usize>),
    /// A value to convert.
    Conversion(Conversion),
}

/// Faults of a template; all are `ValueError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PercentError {
    /// "incomplete format key"
    IncompleteKey,
    /// "incomplete format"
    Incomplete,
    /// "width too big"
    WidthTooBig,
    /// "precision too big"
    PrecisionTooBig,
    /// Unknown conversion character and its place.
    Unsupported(u32, usize),
}

impl PercentError {
    /// CPython's words.
    #[must_use]
    pub fn message(&self) -> String {
        match *self {
            PercentError::IncompleteKey => "incomplete format key".into(),
            PercentError::Incomplete => "incomplete format".into(),
            PercentError::WidthTooBig => "width too big".into(),
            PercentError::PrecisionTooBig => "precision too big".into(),
            PercentError::Unsupported(c, index) => {
                let shown = char::from_u32(c)
                    .filter(|c| matches!(c, '\u{20}'..='\u{7e}'))
                    .unwrap_or('?');
                format!("unsupported format character '{shown}' (0x{c:x}) at index {index}")
            }
        }
    }
}

/// Parses a template piece by piece. Bytes templates are given as Latin-1 text.
#[must_use]
pub fn parse(template: Text<'_>) -> Pieces<'_> {
    Pieces {
        text: template,
        at: 0,
    }
}

/// See [`parse`].
#[derive(Clone, Debug)]
pub struct Pieces<'a> {
    text: Text<'a>,
    at: usize,
}

impl Pieces<'_> {
    fn peek(&self) -> Option<char> {
        self.text
            .get(self.at)
            .map(|c| char::from_u32(c).unwrap_or('\u{fffd}'))
    }

    fn key(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let mut depth = 1;
        while let Some(c) = self.peek() {
            self.at += 1;
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some(start..self.at - 1);
            }
        }
        None
    }

    fn count(&mut self, limit: usize) -> Option<Count> {
        if self.peek() == Some('*') {
            self.at += 1;
            return Some(Count::Star);
        }
        let mut value = Count::Unset;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let so_far = if let Count::Number(n) = value { n } else { 0 };
            let digit = digit as usize;
            if so_far > (limit - digit) / 10 {
                return None;
            }
            value = Count::Number(so_far * 10 + digit);
            self.at += 1;
        }
        Some(value)
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(c) = self.peek() {
            match c {
                '-' => flags.left = true,
                '+' => flags.sign = true,
                ' ' => flags.blank = true,
                '#' => flags.alternate = true,
                '0' => flags.zero = true,
                _ => break,
            }
            self.at += 1;
        }
        flags
    }

    /// Reads on behind a `%`.
    fn conversion(&mut self) -> Conversion {
        let mut spec = Conversion::default();
        if let Err(error) = self.read(&mut spec) {
            spec.broken = Some(error);
            self.at = self.text.len();
        }
        spec
    }

    fn read(&mut self, spec: &mut Conversion) -> Result<(), PercentError> {
        if self.peek() == Some('(') {
            self.at += 1;
            spec.key = Some(0..0);
            spec.key = Some(self.key().ok_or(PercentError::IncompleteKey)?);
        }
        spec.flags = self.flags();
        spec.width = self
            .count(isize::MAX as usize)
            .ok_or(PercentError::WidthTooBig)?;
        if self.peek() == Some('.') {
            self.at += 1;
            spec.precision = Count::Number(0);
            match self
                .count(i32::MAX as usize)
                .ok_or(PercentError::PrecisionTooBig)?
            {
                Count::Unset => {}
                given => spec.precision = given,
            }
        }
        if matches!(self.peek(), Some('h' | 'l' | 'L')) {
            self.at += 1;
        }
        spec.code = self.text.get(self.at).ok_or(PercentError::Incomplete)?;
        spec.index = self.at;
        self.at += 1;
        Ok(())
    }
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        let (start, len) = (self.at, self.text.len());
        if start >= len {
            return None;
        }
        let rest = self.text.slice(start..len);
        let percent = start + crate::text::find_char(rest, u32::from('%')).unwrap_or(rest.len());
        if percent > start {
            self.at = percent;
            return Some(Piece::Literal(start..percent));
        }
        self.at += 1;
        if self.peek() == Some('%') {
            self.at += 1;
            return Some(Piece::Literal(start..start + 1));
        }
        Some(Piece::Conversion(self.conversion()))
    }
}

/// Flags and counts with the stars filled in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Resolved {
    /// Flags.
    pub flags: Flags,
    /// Least width.
    pub width: usize,
    /// Precision.
    pub precision: Option<usize>,
}

impl Resolved {
    /// Applies the argument of a star width.
    pub fn set_star_width(&mut self, width: isize) {
        self.flags.left |= width < 0;
        self.width = width.unsigned_abs();
    }

    /// Appends text, cut to the precision and padded with spaces. False if memory does not suffice.
    #[must_use]
    pub fn push_str(&self, out: &mut TextBuf, text: Text<'_>) -> bool {
        self.push_padded(out, text.slice(0..self.precision.unwrap_or(usize::MAX)))
    }

    /// Appends one character, padded with spaces; `%c` knows no precision.
    #[must_use]
    pub fn push_char(&self, out: &mut TextBuf, c: u32) -> bool {
        self.push_padded(out, Text::Ucs4(&[c]))
    }

    fn push_padded(&self, out: &mut TextBuf, text: Text<'_>) -> bool {
        if !out.try_reserve(self.width, 0) {
            return false;
        }
        let missing = self.width.saturating_sub(text.len());
        let (before, after) = if self.flags.left {
            (0, missing)
        } else {
            (missing, 0)
        };
        out.push_repeat(u32::from(' '), before);
        out.push_text(text);
        out.push_repeat(u32::from(' '), after);
        true
    }

    /// Appends an integer given as the digits of its magnitude. `prefix` ("0x", "0X", "0o") is
    /// written with the flag `#` only; the precision is the least number of digits.
    #[must_use]
    pub fn push_int(&self, out: &mut TextBuf, negative: bool, prefix: &str, digits: &str) -> bool {
        let prefix = if self.flags.alternate { prefix } else { "" };
        let zeros = self.precision.unwrap_or(0).saturating_sub(digits.len());
        self.push_number(out, negative, prefix, zeros, digits)
    }

    /// Appends a float under `e E f F g G`.
    #[must_use]
    pub fn push_float(&self, out: &mut TextBuf, x: f64, code: char) -> bool {
        let flags = FloatFlags {
            alternate: self.flags.alternate,
            ..FloatFlags::default()
        };
        let mut text = String::new();
        push_float(&mut text, x, code, self.precision.unwrap_or(6), flags);
        let (negative, body) = text
            .strip_prefix('-')
            .map_or((false, &text[..]), |rest| (true, rest));
        self.push_number(out, negative, "", 0, body)
    }

    fn push_number(
        &self,
        out: &mut TextBuf,
        negative: bool,
        prefix: &str,
        zeros: usize,
        body: &str,
    ) -> bool {
        let sign = match (negative, self.flags.sign, self.flags.blank) {
            (true, ..) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let length = sign.len() + prefix.len() + body.len();
        if !out.try_reserve(self.width.max(zeros.saturating_add(length)), 0) {
            return false;
        }
        let missing = self.width.saturating_sub(zeros + length);
        let (before, inside, after) = match (self.flags.left, self.flags.zero) {
            (true, _) => (0, 0, missing),
            (_, true) => (0, missing, 0),
            _ => (missing, 0, 0),
        };
        out.push_repeat(u32::from(' '), before);
        out.push_str(sign);
        out.push_str(prefix);
        out.push_repeat(u32::from('0'), inside + zeros);
        out.push_str(body);
        out.push_repeat(u32::from(' '), after);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Vec<Piece> {
        parse(TextBuf::from(text).as_text()).collect()
    }

    fn only(text: &str) -> Conversion {
        match pieces(text).as_slice() {
            [Piece::Conversion(c)] => c.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parsing() {
        let found = pieces("a%%b%5.2f");
        assert_eq!(found[0], Piece::Literal(0..1));
        assert_eq!(found[1], Piece::Literal(1..2));
        assert_eq!(found[2], Piece::Literal(3..4));
        let c = only("%((a))-+ #0*.*ld");
        assert_eq!(
            (c.key, c.width, c.precision, c.code),
            (Some(2..5), Count::Star, Count::Star, 100)
        );
        assert_eq!(only("%.f").precision, Count::Number(0));
        assert_eq!(only("%").broken, Some(PercentError::Incomplete));
        assert_eq!(only("%(a").broken, Some(PercentError::IncompleteKey));
        assert_eq!(
            only("%99999999999999999999d").broken,
            Some(PercentError::WidthTooBig)
        );
        assert_eq!(
            only("%.9999999999d").broken,
            Some(PercentError::PrecisionTooBig)
        );
        let unsupported = PercentError::Unsupported(0xe9, 1).message();
        assert_eq!(
            unsupported,
            "unsupported format character '?' (0xe9) at index 1"
        );
    }

    #[test]
    fn layout() {
        let number = |text: &str, negative, prefix, digits| {
            let c = only(text);
            let count = |c| {
                if let Count::Number(n) = c {
                    Some(n)
                } else {
                    None
                }
            };
            let r = Resolved {
                flags: c.flags,
                width: count(c.width).unwrap_or(0),
                precision: count(c.precision),
            };
            let mut out = TextBuf::new();
            assert!(r.push_int(&mut out, negative, prefix, digits));
            out.as_text().to_utf8_lossy().into_owned()
        };
        assert_eq!(number("%010d", true, "", "5"), "-000000005");
        assert_eq!(number("%-010d", true, "", "5"), "-5        ");
        assert_eq!(number("%#010x", false, "0x", "ff"), "0x000000ff");
        assert_eq!(number("%#.5x", false, "0x", "ff"), "0x000ff");
        assert_eq!(number("%10.5d", false, "", "42"), "     00042");
        assert_eq!(number("%+ d", false, "", "42"), "+42");
        let r = Resolved {
            width: 10,
            flags: Flags {
                zero: true,
                ..Flags::default()
            },
            precision: None,
        };
        let mut out = TextBuf::new();
        assert!(r.push_float(&mut out, f64::INFINITY, 'f'));
        assert_eq!(out, "0000000inf");
    }
}
