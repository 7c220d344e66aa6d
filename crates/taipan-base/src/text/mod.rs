//! The text model behind `str`, as plain data.
//!
//! A string is a sequence of code points, lone surrogates allowed, stored in units of one, two or
//! four bytes. [`Text`] is a borrowed view of such storage, [`TextBuf`] an owned builder that widens
//! as wider characters arrive. Views need not be of the narrowest kind (slices usually are not);
//! every operation here gives the same answer for every kind.

mod case;
mod repr;
mod search;
mod split;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

pub use case::{
    capitalize, casefold, is_alnum, is_alpha, is_decimal, is_digit, is_identifier, is_lower,
    is_numeric, is_printable, is_space, is_title, is_upper, lower, swapcase, title, upper,
};
pub use repr::{ascii_repr, push_bytes_repr, push_escape, push_repr, repr};
pub use search::{
    contains, count, ends_with, find, find_char, replace, rfind, rfind_char, starts_with,
};
pub use split::{
    Line, Lines, RSplitWhitespace, SplitWhitespace, lines, rsplit_on, rsplit_whitespace, split_on,
    split_whitespace, strip_chars, strip_whitespace,
};

/// Largest code point.
pub const MAX_CODE: u32 = 0x10_ffff;

/// Is `c` a surrogate?
#[inline]
#[must_use]
pub fn is_surrogate(c: u32) -> bool {
    (0xd800..0xe000).contains(&c)
}

/// Borrowed text.
#[derive(Clone, Copy, Debug)]
pub enum Text<'a> {
    /// Bytes below 0x80 only; these are valid UTF-8.
    Ascii(&'a [u8]),
    /// One byte a character, U+0000 to U+00FF.
    Latin1(&'a [u8]),
    /// Two bytes a character, surrogates included; never pairs standing for one character.
    Ucs2(&'a [u16]),
    /// Four bytes a character; at most U+10FFFF.
    Ucs4(&'a [u32]),
}

/// Runs an expression for the slice inside a view, whatever its unit.
macro_rules! each_kind {
    ($text:expr, $units:ident => $body:expr) => {
        match $text {
            $crate::text::Text::Ascii($units) | $crate::text::Text::Latin1($units) => $body,
            $crate::text::Text::Ucs2($units) => $body,
            $crate::text::Text::Ucs4($units) => $body,
        }
    };
}
pub(crate) use each_kind;

/// A storage unit of text.
pub(crate) trait Unit: Copy + Ord + 'static {
    /// The code point.
    fn code(self) -> u32;
    /// The unit for a code point, if it fits.
    fn narrow(c: u32) -> Option<Self>;
    /// First place of a unit.
    fn position(units: &[Self], unit: Self) -> Option<usize>;
    /// Last place of a unit.
    fn rposition(units: &[Self], unit: Self) -> Option<usize>;
    /// First place of a non-empty sequence.
    fn find(units: &[Self], needle: &[Self]) -> Option<usize>;
    /// Last place of a non-empty sequence.
    fn rfind(units: &[Self], needle: &[Self]) -> Option<usize>;
}

impl<'a> Text<'a> {
    /// The view of a Rust string that is ASCII.
    #[must_use]
    pub fn from_ascii(text: &'a str) -> Option<Text<'a>> {
        text.is_ascii().then_some(Text::Ascii(text.as_bytes()))
    }

    /// One byte per character, marked ASCII if it is.
    #[must_use]
    pub fn from_latin1(bytes: &'a [u8]) -> Text<'a> {
        if bytes.is_ascii() {
            Text::Ascii(bytes)
        } else {
            Text::Latin1(bytes)
        }
    }

    /// Length in characters.
    #[inline]
    #[must_use]
    pub fn len(self) -> usize {
        each_kind!(self, units => units.len())
    }

    /// Is it empty?
    #[inline]
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The character at `index`.
    #[inline]
    #[must_use]
    pub fn get(self, index: usize) -> Option<u32> {
        each_kind!(self, units => units.get(index).map(|&u| u.code()))
    }

    /// The characters in `range`, clamped to the text.
    #[must_use]
    pub fn slice(self, range: Range<usize>) -> Text<'a> {
        let end = range.end.min(self.len());
        let start = range.start.min(end);
        match self {
            Text::Ascii(u) => Text::Ascii(&u[start..end]),
            Text::Latin1(u) => Text::Latin1(&u[start..end]),
            Text::Ucs2(u) => Text::Ucs2(&u[start..end]),
            Text::Ucs4(u) => Text::Ucs4(&u[start..end]),
        }
    }

    /// First place of a character with a property.
    #[inline]
    pub fn position(self, property: impl Fn(u32) -> bool) -> Option<usize> {
        each_kind!(self, units => units.iter().position(|&u| property(u.code())))
    }

    /// Last place of a character with a property.
    #[inline]
    pub fn rposition(self, property: impl Fn(u32) -> bool) -> Option<usize> {
        each_kind!(self, units => units.iter().rposition(|&u| property(u.code())))
    }

    /// The code points in order; also from the back.
    #[inline]
    #[must_use]
    pub fn chars(self) -> Chars<'a> {
        match self {
            Text::Ascii(u) | Text::Latin1(u) => Chars::One(u.iter()),
            Text::Ucs2(u) => Chars::Two(u.iter()),
            Text::Ucs4(u) => Chars::Four(u.iter()),
        }
    }

    /// An upper bound of the characters that decides the narrowest kind: 0x7f, 0xff, 0xffff or
    /// 0x10ffff.
    #[must_use]
    pub fn bound(self) -> u32 {
        match self {
            Text::Ascii(_) => 0x7f,
            Text::Latin1(u) => {
                if u.is_ascii() {
                    0x7f
                } else {
                    0xff
                }
            }
            Text::Ucs2(u) => bound_of(u32::from(u.iter().fold(0, |all, &c| all | c))),
            Text::Ucs4(u) => bound_of(u.iter().fold(0, |all, &c| all | c)),
        }
    }

    /// Are all characters ASCII?
    #[must_use]
    pub fn is_ascii(self) -> bool {
        self.bound() == 0x7f
    }

    /// The text as a Rust string without a copy, if it is stored as ASCII.
    #[must_use]
    pub fn as_ascii_str(self) -> Option<&'a str> {
        match self {
            Text::Ascii(u) => std::str::from_utf8(u).ok(),
            _ => None,
        }
    }

    /// UTF-8, or the place of the first lone surrogate.
    pub fn to_utf8(self) -> Result<Cow<'a, str>, usize> {
        if let Some(text) = self.as_ascii_str() {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::with_capacity(self.len() * 2);
        for (i, c) in self.chars().enumerate() {
            out.push(char::from_u32(c).ok_or(i)?);
        }
        Ok(Cow::Owned(out))
    }

    /// UTF-8 with lone surrogates replaced by U+FFFD.
    #[must_use]
    pub fn to_utf8_lossy(self) -> Cow<'a, str> {
        match self.as_ascii_str() {
            Some(text) => Cow::Borrowed(text),
            None => Cow::Owned(
                self.chars()
                    .map(|c| char::from_u32(c).unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect(),
            ),
        }
    }

    /// UTF-8 that encodes lone surrogates in three bytes. Surrogates that happen to be neighbours
    /// stay apart, so that reading it back gives the same text.
    #[must_use]
    pub fn to_wtf8(self) -> Cow<'a, [u8]> {
        if let Text::Ascii(u) = self {
            return Cow::Borrowed(u);
        }
        let mut out = Vec::with_capacity(self.len() * 2);
        for c in self.chars() {
            push_wtf8(&mut out, c);
        }
        Cow::Owned(out)
    }

    /// Owned text of the narrowest kind.
    #[must_use]
    pub fn to_buf(self) -> TextBuf {
        let mut buf = TextBuf::with_bound(self.bound(), self.len());
        buf.push_text(self);
        buf
    }
}

fn bound_of(c: u32) -> u32 {
    match c {
        0..=0x7f => 0x7f,
        0x80..=0xff => 0xff,
        0x100..=0xffff => 0xffff,
        _ => MAX_CODE,
    }
}

/// Appends the UTF-8 form of `c`, surrogates included.
pub fn push_wtf8(out: &mut Vec<u8>, c: u32) {
    match c {
        0..=0x7f => out.push(c as u8),
        0x80..=0x7ff => out.extend([0xc0 | (c >> 6) as u8, 0x80 | (c & 0x3f) as u8]),
        0x800..=0xffff => out.extend([
            0xe0 | (c >> 12) as u8,
            0x80 | (c >> 6 & 0x3f) as u8,
            0x80 | (c & 0x3f) as u8,
        ]),
        _ => out.extend([
            0xf0 | (c >> 18) as u8,
            0x80 | (c >> 12 & 0x3f) as u8,
            0x80 | (c >> 6 & 0x3f) as u8,
            0x80 | (c & 0x3f) as u8,
        ]),
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Text<'_>) -> bool {
        use Text::{Ascii, Latin1, Ucs2, Ucs4};
        match (*self, *other) {
            (Ascii(a) | Latin1(a), Ascii(b) | Latin1(b)) => a == b,
            (Ucs2(a), Ucs2(b)) => a == b,
            (Ucs4(a), Ucs4(b)) => a == b,
            (a, b) => a.len() == b.len() && a.chars().eq(b.chars()),
        }
    }
}

impl Eq for Text<'_> {}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Text<'_>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Text<'_>) -> Ordering {
        use Text::{Ascii, Latin1, Ucs2, Ucs4};
        match (*self, *other) {
            (Ascii(a) | Latin1(a), Ascii(b) | Latin1(b)) => a.cmp(b),
            (Ucs2(a), Ucs2(b)) => a.cmp(b),
            (Ucs4(a), Ucs4(b)) => a.cmp(b),
            (a, b) => a.chars().cmp(b.chars()),
        }
    }
}

/// Iterator over code points.
#[derive(Clone, Debug)]
pub enum Chars<'a> {
    /// Over one-byte units.
    One(std::slice::Iter<'a, u8>),
    /// Over two-byte units.
    Two(std::slice::Iter<'a, u16>),
    /// Over four-byte units.
    Four(std::slice::Iter<'a, u32>),
}

impl Iterator for Chars<'_> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        match self {
            Chars::One(units) => units.next().map(|&u| u32::from(u)),
            Chars::Two(units) => units.next().map(|&u| u32::from(u)),
            Chars::Four(units) => units.next().copied(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = match self {
            Chars::One(units) => units.len(),
            Chars::Two(units) => units.len(),
            Chars::Four(units) => units.len(),
        };
        (len, Some(len))
    }
}

impl DoubleEndedIterator for Chars<'_> {
    fn next_back(&mut self) -> Option<u32> {
        match self {
            Chars::One(units) => units.next_back().map(|&u| u32::from(u)),
            Chars::Two(units) => units.next_back().map(|&u| u32::from(u)),
            Chars::Four(units) => units.next_back().copied(),
        }
    }
}

impl ExactSizeIterator for Chars<'_> {}

/// Owned text that starts narrow and widens. Built only by pushing, it is always of the narrowest
/// kind that holds it (with the ASCII flag exact).
#[derive(Clone, Debug)]
pub enum TextBuf {
    /// One byte a character; `ascii` says that all are below 0x80.
    Latin1 {
        /// The characters.
        bytes: Vec<u8>,
        /// No byte is 0x80 or above.
        ascii: bool,
    },
    /// Two bytes a character.
    Ucs2(Vec<u16>),
    /// Four bytes a character.
    Ucs4(Vec<u32>),
}

impl Default for TextBuf {
    fn default() -> TextBuf {
        TextBuf::new()
    }
}

impl TextBuf {
    /// Empty.
    #[must_use]
    pub const fn new() -> TextBuf {
        TextBuf::Latin1 {
            bytes: Vec::new(),
            ascii: true,
        }
    }

    /// Empty, with room for so many one-byte characters.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> TextBuf {
        TextBuf::Latin1 {
            bytes: Vec::with_capacity(capacity),
            ascii: true,
        }
    }

    /// Empty, of the kind for characters up to `bound`, which the caller promises will come.
    fn with_bound(bound: u32, capacity: usize) -> TextBuf {
        match bound {
            0..=0xff => TextBuf::with_capacity(capacity),
            0x100..=0xffff => TextBuf::Ucs2(Vec::with_capacity(capacity)),
            _ => TextBuf::Ucs4(Vec::with_capacity(capacity)),
        }
    }

    /// From bytes that are characters U+0000 to U+00FF.
    #[must_use]
    pub fn from_latin1(bytes: Vec<u8>) -> TextBuf {
        let ascii = bytes.is_ascii();
        TextBuf::Latin1 { bytes, ascii }
    }

    /// From code points; those above U+10FFFF must not occur.
    #[must_use]
    pub fn from_chars(chars: &[u32]) -> TextBuf {
        Text::Ucs4(chars).to_buf()
    }

    /// Reads UTF-8 in which lone surrogates may be encoded; `None` if it is malformed.
    #[must_use]
    pub fn from_wtf8(bytes: &[u8]) -> Option<TextBuf> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return Some(TextBuf::from(text));
        }
        let mut out = TextBuf::with_capacity(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            match crate::codecs::utf8::decode(bytes, at, true, &mut out) {
                Ok(end) => at = end,
                Err(error) => {
                    let [a @ 0xed, b @ 0xa0..=0xbf, c @ 0x80..=0xbf] =
                        *bytes.get(error.start..error.start + 3)?
                    else {
                        return None;
                    };
                    out.push(u32::from(a & 15) << 12 | u32::from(b & 63) << 6 | u32::from(c & 63));
                    at = error.start + 3;
                }
            }
        }
        Some(out)
    }

    /// The view.
    #[inline]
    #[must_use]
    pub fn as_text(&self) -> Text<'_> {
        match self {
            TextBuf::Latin1 { bytes, ascii: true } => Text::Ascii(bytes),
            TextBuf::Latin1 {
                bytes,
                ascii: false,
            } => Text::Latin1(bytes),
            TextBuf::Ucs2(units) => Text::Ucs2(units),
            TextBuf::Ucs4(units) => Text::Ucs4(units),
        }
    }

    /// Length in characters.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_text().len()
    }

    /// Is it empty?
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes room for `extra` more characters of the present kind.
    pub fn reserve(&mut self, extra: usize) {
        match self {
            TextBuf::Latin1 { bytes, .. } => bytes.reserve(extra),
            TextBuf::Ucs2(units) => units.reserve(extra),
            TextBuf::Ucs4(units) => units.reserve(extra),
        }
    }

    /// Makes room for `extra` more characters as wide as `c`; false if memory does not suffice.
    #[must_use]
    pub fn try_reserve(&mut self, extra: usize, c: u32) -> bool {
        match self {
            TextBuf::Latin1 { bytes, .. } if c < 0x100 => bytes.try_reserve(extra).is_ok(),
            TextBuf::Ucs2(units) if c < 0x1_0000 => units.try_reserve(extra).is_ok(),
            TextBuf::Ucs4(units) => units.try_reserve(extra).is_ok(),
            // The text is about to widen: what counts is whether the wide form can exist.
            _ => Vec::<u32>::new()
                .try_reserve_exact(extra.saturating_add(self.len()))
                .is_ok(),
        }
    }

    /// Appends a code point (at most U+10FFFF).
    #[inline]
    pub fn push(&mut self, c: u32) {
        match self {
            TextBuf::Latin1 { bytes, ascii } if c < 0x100 => {
                *ascii &= c < 0x80;
                bytes.push(c as u8);
            }
            TextBuf::Ucs2(units) if c < 0x1_0000 => units.push(c as u16),
            TextBuf::Ucs4(units) => units.push(c),
            _ => {
                self.widen(c);
                self.push(c);
            }
        }
    }

    /// Changes to a kind that holds `c`.
    #[cold]
    fn widen(&mut self, c: u32) {
        let room = self.len() + self.len() / 2 + 4;
        *self = if c < 0x1_0000 {
            let mut units = Vec::with_capacity(room);
            units.extend(self.as_text().chars().map(|c| c as u16));
            TextBuf::Ucs2(units)
        } else {
            let mut units = Vec::with_capacity(room);
            units.extend(self.as_text().chars());
            TextBuf::Ucs4(units)
        };
    }

    /// Appends text.
    pub fn push_text(&mut self, text: Text<'_>) {
        match (&mut *self, text) {
            (TextBuf::Latin1 { bytes, .. }, Text::Ascii(u)) => bytes.extend_from_slice(u),
            (TextBuf::Latin1 { bytes, ascii }, Text::Latin1(u)) => {
                *ascii &= u.is_ascii();
                bytes.extend_from_slice(u);
            }
            (TextBuf::Ucs2(units), Text::Ucs2(u)) => units.extend_from_slice(u),
            (TextBuf::Ucs2(units), Text::Ascii(u) | Text::Latin1(u)) => {
                units.extend(u.iter().map(|&b| u16::from(b)));
            }
            (TextBuf::Ucs4(units), text) => each_kind!(text, u => {
                units.extend(u.iter().map(|&c| c.code()));
            }),
            (_, text) => {
                let bound = text.bound();
                let fits = match self {
                    TextBuf::Latin1 { .. } => bound <= 0xff,
                    _ => bound <= 0xffff,
                };
                if !fits {
                    self.widen(bound);
                    self.reserve(text.len());
                    return self.push_text(text);
                }
                self.reserve(text.len());
                for c in text.chars() {
                    self.push(c);
                }
            }
        }
    }

    /// Appends a Rust string.
    pub fn push_str(&mut self, text: &str) {
        // The highest byte of UTF-8 tells how wide the widest character is.
        let bound = match text.bytes().max().unwrap_or(0) {
            0..=0x7f => return self.push_text(Text::Ascii(text.as_bytes())),
            0x80..=0xc3 => 0xff,
            0xc4..=0xef => 0xffff,
            _ => MAX_CODE,
        };
        let fits = match self {
            TextBuf::Latin1 { .. } => bound <= 0xff,
            TextBuf::Ucs2(_) => bound <= 0xffff,
            TextBuf::Ucs4(_) => true,
        };
        if !fits {
            self.widen(bound);
        }
        self.reserve(text.len() / 2);
        let codes = text.chars().map(u32::from);
        match self {
            TextBuf::Latin1 { bytes, ascii } => {
                *ascii = false;
                bytes.extend(codes.map(|c| c as u8));
            }
            TextBuf::Ucs2(units) => units.extend(codes.map(|c| c as u16)),
            TextBuf::Ucs4(units) => units.extend(codes),
        }
    }

    /// Appends `c` `count` times.
    pub fn push_repeat(&mut self, c: u32, count: usize) {
        if count == 0 {
            return;
        }
        self.push(c);
        match self {
            TextBuf::Latin1 { bytes, .. } => bytes.resize(bytes.len() + count - 1, c as u8),
            TextBuf::Ucs2(units) => units.resize(units.len() + count - 1, c as u16),
            TextBuf::Ucs4(units) => units.resize(units.len() + count - 1, c),
        }
    }
}

impl From<&str> for TextBuf {
    fn from(text: &str) -> TextBuf {
        let mut buf = TextBuf::with_capacity(text.len());
        buf.push_str(text);
        buf
    }
}

impl From<String> for TextBuf {
    fn from(text: String) -> TextBuf {
        if text.is_ascii() {
            TextBuf::Latin1 {
                bytes: text.into_bytes(),
                ascii: true,
            }
        } else {
            TextBuf::from(text.as_str())
        }
    }
}

impl FromIterator<u32> for TextBuf {
    fn from_iter<I: IntoIterator<Item = u32>>(chars: I) -> TextBuf {
        let mut buf = TextBuf::new();
        buf.extend(chars);
        buf
    }
}

impl Extend<u32> for TextBuf {
    fn extend<I: IntoIterator<Item = u32>>(&mut self, chars: I) {
        let chars = chars.into_iter();
        self.reserve(chars.size_hint().0);
        for c in chars {
            self.push(c);
        }
    }
}

impl std::fmt::Write for TextBuf {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.push_str(text);
        Ok(())
    }
}

impl PartialEq for TextBuf {
    fn eq(&self, other: &TextBuf) -> bool {
        self.as_text() == other.as_text()
    }
}

impl Eq for TextBuf {}

impl PartialEq<str> for TextBuf {
    fn eq(&self, other: &str) -> bool {
        self.as_text().chars().eq(other.chars().map(u32::from))
    }
}

impl PartialEq<&str> for TextBuf {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

/// The text with every kind of white space turned into a space and every decimal digit into ASCII,
/// for the number parsers. Any other non-ASCII character becomes `?`, which no number contains.
#[must_use]
pub fn to_number_ascii(text: Text<'_>) -> Cow<'_, [u8]> {
    if let Text::Ascii(u) = text
        && !u.iter().any(|b| matches!(b, 0x1c..=0x1f))
    {
        return Cow::Borrowed(u);
    }
    let ascii = text.chars().map(|c| {
        if crate::unicode::is_space(c) {
            b' '
        } else if c < 0x80 {
            c as u8
        } else {
            crate::unicode::decimal(c).map_or(b'?', |digit| b'0' + digit)
        }
    });
    Cow::Owned(ascii.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builder_widens() {
        let mut buf = TextBuf::new();
        buf.push_str("ab");
        assert!(matches!(buf.as_text(), Text::Ascii(b"ab")));
        buf.push(0xe9);
        assert!(matches!(buf.as_text(), Text::Latin1(_)));
        buf.push(0xd800);
        assert!(matches!(
            buf.as_text(),
            Text::Ucs2([0x61, 0x62, 0xe9, 0xd800])
        ));
        buf.push_repeat(0x1_f600, 2);
        assert!(matches!(buf.as_text(), Text::Ucs4(_)));
        buf.push_text(Text::Ascii(b"!"));
        assert_eq!(buf.len(), 7);
        let narrow = Text::Ucs4(&[0x61, 0x62]).to_buf();
        assert!(matches!(narrow.as_text(), Text::Ascii(b"ab")));
        let mut buf = TextBuf::from("a");
        buf.push_text(Text::Ucs4(&[0x20ac]));
        assert!(matches!(buf.as_text(), Text::Ucs2([0x61, 0x20ac])));
    }

    #[test]
    fn wtf8_round_trip() {
        let buf = TextBuf::from_chars(&[0x61, 0xd83d, 0xde00, 0x1_f600, 0xe9]);
        let bytes = buf.as_text().to_wtf8().into_owned();
        assert_eq!(TextBuf::from_wtf8(&bytes), Some(buf.clone()));
        assert_eq!(buf.as_text().to_utf8(), Err(1));
        assert_eq!(TextBuf::from_wtf8(b"\xff"), None);
        assert_eq!(TextBuf::from_wtf8(b"\xed\xa0"), None);
    }

    #[test]
    fn comparison_ignores_the_kind() {
        assert_eq!(Text::Ascii(b"ab"), Text::Ucs4(&[0x61, 0x62]));
        assert!(Text::Ucs2(&[0xffff]) < Text::Ucs4(&[0x1_0000]));
        assert!(Text::Latin1(b"\xff") > Text::Ascii(b"z"));
    }

    #[test]
    fn numbers_in_other_scripts() {
        let text = TextBuf::from("\u{2003}\u{664}\u{662}x\u{e9}");
        assert_eq!(&*to_number_ascii(text.as_text()), b" 42x?");
    }
}
