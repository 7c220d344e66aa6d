//! The `unicode_escape`, `raw_unicode_escape` and `escape` (bytes) codecs.

use super::DecodeError;
use crate::text::{MAX_CODE, Text, TextBuf};
use crate::unicode_names;

/// An escape sequence that Python does not know and keeps as it is, with a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEscape {
    /// Position of the backslash.
    pub position: usize,
    /// What follows it.
    pub kind: InvalidKind,
}

/// The two kinds of invalid escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidKind {
    /// A character that starts no escape.
    Char(u8),
    /// An octal number above 0o377.
    Octal(u32),
}

/// What one escape after a backslash stands for.
pub(super) enum Escape {
    /// A character; the escape ends there.
    Char(u32, usize),
    /// Nothing (a line that goes on).
    Nothing(usize),
    /// Not an escape.
    Invalid(InvalidEscape, u32, usize),
    /// An error, which more input cannot mend.
    Error(DecodeError),
    /// The same, if no more input comes.
    Incomplete(DecodeError),
}

/// Reads the escapes that text and bytes share. `at` is the place after the backslash.
pub(super) fn simple_escape(bytes: &[u8], at: usize) -> Option<Escape> {
    let start = at - 1;
    let b = *bytes.get(at)?;
    let c = match b {
        b'\n' => return Some(Escape::Nothing(at + 1)),
        b'\\' | b'\'' | b'"' => b,
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => 10,
        b'r' => 13,
        b't' => 9,
        b'v' => 11,
        b'0'..=b'7' => {
            let digits = bytes[at..]
                .iter()
                .take(3)
                .take_while(|b| matches!(b, b'0'..=b'7'))
                .count();
            let value = bytes[at..at + digits]
                .iter()
                .fold(0, |n, b| n * 8 + u32::from(b - b'0'));
            let end = at + digits;
            if value > 0o377 {
                let invalid = InvalidEscape {
                    position: start,
                    kind: InvalidKind::Octal(value),
                };
                return Some(Escape::Invalid(invalid, value, end));
            }
            return Some(Escape::Char(value, end));
        }
        _ => return None,
    };
    Some(Escape::Char(u32::from(c), at + 1))
}

/// Reads the escape whose backslash is at `start`; the bytes are Latin-1.
pub(super) fn text_escape(bytes: &[u8], start: usize) -> Escape {
    let at = start + 1;
    let error = |end, reason| DecodeError { start, end, reason };
    let Some(&letter) = bytes.get(at) else {
        return Escape::Incomplete(error(at, "\\ at end of string"));
    };
    if let Some(escape) = simple_escape(bytes, at) {
        return escape;
    }
    match letter {
        b'x' => hex_escape(bytes, start, 2, "truncated \\xXX escape"),
        b'u' => hex_escape(bytes, start, 4, "truncated \\uXXXX escape"),
        b'U' => match hex_escape(bytes, start, 8, "truncated \\UXXXXXXXX escape") {
            Escape::Char(c, end) if c > MAX_CODE => {
                Escape::Error(error(end, "illegal Unicode character"))
            }
            escape => escape,
        },
        b'N' => named_escape(bytes, start),
        _ => {
            let invalid = InvalidEscape {
                position: start,
                kind: InvalidKind::Char(letter),
            };
            Escape::Invalid(invalid, u32::from(letter), at + 1)
        }
    }
}

fn hex_escape(bytes: &[u8], start: usize, digits: usize, reason: &'static str) -> Escape {
    let from = start + 2;
    let rest = &bytes[from..];
    let have = rest
        .iter()
        .take(digits)
        .take_while(|b| b.is_ascii_hexdigit())
        .count();
    let end = from + have;
    if have < digits {
        let error = DecodeError { start, end, reason };
        return if end == bytes.len() {
            Escape::Incomplete(error)
        } else {
            Escape::Error(error)
        };
    }
    let value = rest[..digits]
        .iter()
        .fold(0, |n, &b| n << 4 | (b as char).to_digit(16).unwrap_or(0));
    Escape::Char(value, end)
}

fn named_escape(bytes: &[u8], start: usize) -> Escape {
    let open = start + 2;
    let malformed = |end| DecodeError {
        start,
        end,
        reason: "malformed \\N character escape",
    };
    match bytes.get(open) {
        None => return Escape::Incomplete(malformed(open)),
        Some(b'{') => {}
        Some(_) => return Escape::Error(malformed(open)),
    }
    let Some(length) = bytes[open + 1..].iter().position(|&b| b == b'}') else {
        return Escape::Incomplete(malformed(bytes.len()));
    };
    let close = open + 1 + length;
    if length == 0 {
        return Escape::Error(malformed(close));
    }
    let found = std::str::from_utf8(&bytes[open + 1..close])
        .ok()
        .and_then(unicode_names::lookup_char);
    match found {
        Some(c) => Escape::Char(c, close + 1),
        None => {
            let reason = "unknown Unicode character name";
            Escape::Error(DecodeError {
                start,
                end: close + 1,
                reason,
            })
        }
    }
}

/// `unicode_escape`: decodes from position `from`; returns the position reached. The first invalid
/// escape is noted in `invalid` unless one is there already.
pub fn decode_unicode_escape(
    bytes: &[u8],
    from: usize,
    last: bool,
    out: &mut TextBuf,
    invalid: &mut Option<InvalidEscape>,
) -> Result<usize, DecodeError> {
    let mut at = from;
    while at < bytes.len() {
        let run = memchr::memchr(b'\\', &bytes[at..]).unwrap_or(bytes.len() - at);
        out.push_text(Text::from_latin1(&bytes[at..at + run]));
        at += run;
        if at == bytes.len() {
            break;
        }
        match text_escape(bytes, at) {
            Escape::Char(c, end) => {
                out.push(c);
                at = end;
            }
            Escape::Nothing(end) => at = end,
            Escape::Invalid(what, c, end) => {
                invalid.get_or_insert(what);
                if matches!(what.kind, InvalidKind::Char(_)) {
                    out.push(0x5c);
                }
                out.push(c);
                at = end;
            }
            Escape::Error(error) => return Err(error),
            Escape::Incomplete(error) if last => return Err(error),
            Escape::Incomplete(_) => return Ok(at),
        }
    }
    Ok(at)
}

/// `raw_unicode_escape`: only `\u` and `\U` after a backslash that is not itself escaped.
pub fn decode_raw_unicode_escape(
    bytes: &[u8],
    from: usize,
    last: bool,
    out: &mut TextBuf,
) -> Result<usize, DecodeError> {
    let mut at = from;
    while at < bytes.len() {
        let run = memchr::memchr(b'\\', &bytes[at..]).unwrap_or(bytes.len() - at);
        out.push_text(Text::from_latin1(&bytes[at..at + run]));
        at += run;
        let escape = match bytes.get(at + 1) {
            _ if at == bytes.len() => break,
            None if last => {
                out.push(0x5c);
                at += 1;
                continue;
            }
            None => return Ok(at),
            Some(b'u') => hex_escape(bytes, at, 4, "truncated \\uXXXX escape"),
            Some(b'U') => hex_escape(bytes, at, 8, "truncated \\UXXXXXXXX escape"),
            Some(&other) => {
                out.push(0x5c);
                out.push(u32::from(other));
                at += 2;
                continue;
            }
        };
        match escape {
            Escape::Char(c, end) if c > MAX_CODE => {
                return Err(DecodeError {
                    start: at,
                    end,
                    reason: "\\Uxxxxxxxx out of range",
                });
            }
            Escape::Char(c, end) => {
                out.push(c);
                at = end;
            }
            Escape::Incomplete(_) if !last => return Ok(at),
            Escape::Incomplete(error) | Escape::Error(error) => return Err(error),
            Escape::Nothing(end) | Escape::Invalid(_, _, end) => at = end,
        }
    }
    Ok(at)
}

fn push_hex(out: &mut Vec<u8>, letter: u8, digits: u32, c: u32) {
    out.extend([b'\\', letter]);
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[(c >> (4 * place) & 15) as usize]);
    }
}

/// `unicode_escape`; every text can be encoded.
pub fn encode_unicode_escape(text: Text<'_>, out: &mut Vec<u8>) {
    for c in text.chars() {
        match c {
            0x09 => out.extend(b"\\t"),
            0x0a => out.extend(b"\\n"),
            0x0d => out.extend(b"\\r"),
            0x5c => out.extend(b"\\\\"),
            0x20..=0x7e => out.push(c as u8),
            0..=0xff => push_hex(out, b'x', 2, c),
            0x100..=0xffff => push_hex(out, b'u', 4, c),
            _ => push_hex(out, b'U', 8, c),
        }
    }
}

/// `raw_unicode_escape`; every text can be encoded.
pub fn encode_raw_unicode_escape(text: Text<'_>, out: &mut Vec<u8>) {
    for c in text.chars() {
        match c {
            0..=0xff => out.push(c as u8),
            0x100..=0xffff => push_hex(out, b'u', 4, c),
            _ => push_hex(out, b'U', 8, c),
        }
    }
}

/// Why [`decode_escape`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EscapeError {
    /// "invalid \x escape at position N"; decoding may go on at `resume`.
    InvalidHex {
        /// The backslash.
        position: usize,
        /// Behind the broken escape.
        resume: usize,
    },
    /// "Trailing \ in string"
    Trailing,
}

/// The escapes of bytes literals and of `codecs.escape_decode`, from position `from`.
pub fn decode_escape(
    bytes: &[u8],
    from: usize,
    out: &mut Vec<u8>,
    invalid: &mut Option<InvalidEscape>,
) -> Result<(), EscapeError> {
    let mut at = from;
    while at < bytes.len() {
        let run = memchr::memchr(b'\\', &bytes[at..]).unwrap_or(bytes.len() - at);
        out.extend_from_slice(&bytes[at..at + run]);
        at += run;
        if at == bytes.len() {
            break;
        }
        let Some(&letter) = bytes.get(at + 1) else {
            return Err(EscapeError::Trailing);
        };
        match simple_escape(bytes, at + 1) {
            Some(Escape::Char(c, end)) => {
                out.push(c as u8);
                at = end;
            }
            Some(Escape::Invalid(what, c, end)) => {
                invalid.get_or_insert(what);
                out.push(c as u8);
                at = end;
            }
            Some(Escape::Nothing(end)) => at = end,
            _ if letter == b'x' => {
                let digit = |i: usize| bytes.get(i).and_then(|&b| (b as char).to_digit(16));
                match (digit(at + 2), digit(at + 3)) {
                    (Some(high), Some(low)) => out.push((high << 4 | low) as u8),
                    (first, _) => {
                        let resume = at + 2 + usize::from(first.is_some());
                        return Err(EscapeError::InvalidHex {
                            position: at,
                            resume,
                        });
                    }
                }
                at += 4;
            }
            _ => {
                let kind = InvalidKind::Char(letter);
                invalid.get_or_insert(InvalidEscape { position: at, kind });
                out.extend([b'\\', letter]);
                at += 2;
            }
        }
    }
    Ok(())
}

/// `codecs.escape_encode`: the body of a bytes `repr` in single quotes.
pub fn encode_escape(bytes: &[u8], out: &mut Vec<u8>) {
    for &b in bytes {
        match b {
            b'\\' | b'\'' => out.extend([b'\\', b]),
            b'\t' => out.extend(b"\\t"),
            b'\n' => out.extend(b"\\n"),
            b'\r' => out.extend(b"\\r"),
            0x20..=0x7e => out.push(b),
            _ => push_hex(out, b'x', 2, u32::from(b)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(bytes: &[u8]) -> TextBuf {
        let mut out = TextBuf::new();
        decode_unicode_escape(bytes, 0, true, &mut out, &mut None).expect("valid");
        out
    }

    fn fail(bytes: &[u8]) -> (usize, usize, &'static str) {
        let error =
            decode_unicode_escape(bytes, 0, true, &mut TextBuf::new(), &mut None).expect_err("bad");
        (error.start, error.end, error.reason)
    }

    #[test]
    fn unicode_escape() {
        assert_eq!(
            ok(b"a\\x41\\u20ac\\U0001f600\\N{EURO SIGN}\\101\\\n\\q\xe9"),
            "aA\u{20ac}\u{1f600}\u{20ac}A\\q\u{e9}"
        );
        assert_eq!(ok(b"\\ud800").as_text().get(0), Some(0xd800));
        assert_eq!(fail(b"a\\"), (1, 2, "\\ at end of string"));
        assert_eq!(fail(b"\\x4z"), (0, 3, "truncated \\xXX escape"));
        assert_eq!(fail(b"\\u12"), (0, 4, "truncated \\uXXXX escape"));
        assert_eq!(fail(b"\\U00110000"), (0, 10, "illegal Unicode character"));
        assert_eq!(fail(b"\\N{}"), (0, 3, "malformed \\N character escape"));
        assert_eq!(
            fail(b"\\N{no such}"),
            (0, 11, "unknown Unicode character name")
        );
        let mut invalid = None;
        assert_eq!(
            decode_unicode_escape(b"\\d\\400\\u1", 0, false, &mut TextBuf::new(), &mut invalid),
            Ok(6)
        );
        assert_eq!(
            invalid,
            Some(InvalidEscape {
                position: 0,
                kind: InvalidKind::Char(b'd')
            })
        );
    }

    #[test]
    fn raw() {
        let mut out = TextBuf::new();
        assert_eq!(
            decode_raw_unicode_escape(b"\\u20ac\\\\u20ac\\n\\", 0, true, &mut out),
            Ok(16)
        );
        assert_eq!(out, "\u{20ac}\\\\u20ac\\n\\");
    }

    #[test]
    fn bytes_escape() {
        let mut out = Vec::new();
        assert_eq!(
            decode_escape(b"a\\x41\\0\\q\\'", 0, &mut out, &mut None),
            Ok(())
        );
        assert_eq!(out, b"aA\0\\q'");
        let error = EscapeError::InvalidHex {
            position: 1,
            resume: 4,
        };
        assert_eq!(
            decode_escape(b"a\\x4", 0, &mut Vec::new(), &mut None),
            Err(error)
        );
        let mut out = Vec::new();
        encode_escape(b"'\"\n\xff", &mut out);
        assert_eq!(out, b"\\'\"\\n\\xff");
    }
}
