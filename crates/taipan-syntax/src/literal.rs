//! Values of string and bytes literals, read from the source text.
//!
//! The parser's own values are Rust strings, which cannot hold lone surrogates; these are WTF-8.

use crate::ast::{AnyStringFlags, StringFlags};
use ruff_text_size::TextRange;

/// Text of a literal as WTF-8: UTF-8 that may also encode single surrogates.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct StrValue {
    bytes: Vec<u8>,
    surrogates: bool,
}

impl StrValue {
    /// The WTF-8 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text, when it holds no lone surrogate.
    pub fn as_str(&self) -> Option<&str> {
        if self.surrogates {
            None
        } else {
            std::str::from_utf8(&self.bytes).ok()
        }
    }

    /// Whether a lone surrogate is in it.
    pub fn has_surrogates(&self) -> bool {
        self.surrogates
    }

    /// Gives up the bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Appends one code point, surrogates allowed. Two halves of a pair stay two code points.
    pub fn push(&mut self, cp: u32) {
        match char::from_u32(cp) {
            Some(c) => {
                let mut buf = [0; 4];
                self.bytes
                    .extend_from_slice(c.encode_utf8(&mut buf).as_bytes());
            }
            None => {
                self.surrogates = true;
                self.bytes.extend_from_slice(&[
                    0xE0 | (cp >> 12) as u8,
                    0x80 | (cp >> 6 & 0x3F) as u8,
                    0x80 | (cp & 0x3F) as u8,
                ]);
            }
        }
    }

    /// Appends text.
    pub fn push_str(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// Appends another value (implicit concatenation).
    pub fn append(&mut self, other: &StrValue) {
        self.bytes.extend_from_slice(&other.bytes);
        self.surrogates |= other.surrogates;
    }
}

impl From<&str> for StrValue {
    fn from(text: &str) -> Self {
        StrValue {
            bytes: text.as_bytes().to_vec(),
            surrogates: false,
        }
    }
}

/// What is wrong with an escape sequence; offsets count bytes of the body as CPython's own decoder
/// sees it, where every non-ASCII character before the escape has become ten bytes `\UXXXXXXXX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EscapeError {
    /// An error of the `unicodeescape` codec.
    Unicode {
        /// First offending byte.
        start: usize,
        /// Last offending byte.
        end: usize,
        /// The codec's reason.
        reason: &'static str,
    },
    /// `\x` without two hexadecimal digits in a bytes literal.
    BytesHex {
        /// Offset of the backslash.
        start: usize,
    },
    /// A character above U+007F in a bytes literal.
    NonAscii,
}

impl EscapeError {
    /// CPython's message.
    pub fn message(&self) -> String {
        match self {
            EscapeError::Unicode { start, end, reason } => {
                let place = if start == end {
                    format!("byte 0x5c in position {start}")
                } else {
                    format!("bytes in position {start}-{end}")
                };
                format!("(unicode error) 'unicodeescape' codec can't decode {place}: {reason}")
            }
            EscapeError::BytesHex { start } => {
                format!("(value error) invalid \\x escape at position {start}")
            }
            EscapeError::NonAscii => "bytes can only contain ASCII literal characters".to_owned(),
        }
    }
}

/// An escape sequence that Python keeps as it is and warns about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidEscape {
    /// Byte offset of the backslash in the body.
    pub offset: usize,
    /// Length in bytes of backslash and what follows.
    pub len: usize,
    /// A three-digit octal escape above `\377`.
    pub octal: bool,
}

impl InvalidEscape {
    /// The text of the warning for an escape in `body`.
    pub fn message(&self, body: &str) -> String {
        let escape = body
            .get(self.offset..self.offset + self.len)
            .unwrap_or("\\");
        let kind = if self.octal {
            "octal escape sequence"
        } else {
            "escape sequence"
        };
        format!(
            "\"{escape}\" is an invalid {kind}. Such sequences will not work in the future. Did \
             you mean \"\\{escape}\"? A raw string is also an option."
        )
    }
}

/// Source text between the quotes of the literal at `range`.
pub fn body_of(source: &str, range: TextRange, flags: AnyStringFlags) -> &str {
    let start = range.start() + flags.opener_len();
    let end = range.end() - flags.closer_len();
    if start > end {
        return "";
    }
    source.get(start.to_usize()..end.to_usize()).unwrap_or("")
}

/// Value of a `str` literal (one part of an implicit concatenation).
pub fn decode_string_literal(
    source: &str,
    range: TextRange,
    flags: AnyStringFlags,
) -> Result<StrValue, EscapeError> {
    let body = body_of(source, range, flags);
    if flags.is_raw_string() {
        Ok(newlines_of(body))
    } else {
        unescape(body, false, &mut |_| ())
    }
}

/// Value of a `bytes` literal (one part of an implicit concatenation).
pub fn decode_bytes_literal(
    source: &str,
    range: TextRange,
    flags: AnyStringFlags,
) -> Result<Vec<u8>, EscapeError> {
    let body = body_of(source, range, flags);
    if !body.is_ascii() {
        return Err(EscapeError::NonAscii);
    }
    if flags.is_raw_string() {
        Ok(newlines_of(body).into_bytes())
    } else {
        unescape_bytes(body, &mut |_| ())
    }
}

/// Value of the literal text between the fields of an f-string or t-string; `range` is the middle
/// itself, `flags` those of the whole string. Doubled braces become single ones, except in a
/// format specification, where the parser never leaves them.
pub fn decode_middle(
    source: &str,
    range: TextRange,
    flags: AnyStringFlags,
) -> Result<StrValue, EscapeError> {
    let body = source
        .get(range.start().to_usize()..range.end().to_usize())
        .unwrap_or("");
    if flags.is_raw_string() {
        let mut value = StrValue::default();
        let mut rest = body;
        while let Some(i) = rest.find(['{', '}']) {
            value.push_str(&rest[..=i]);
            let doubled = rest.as_bytes().get(i + 1) == Some(&rest.as_bytes()[i]);
            rest = &rest[i + 1 + usize::from(doubled)..];
        }
        value.push_str(rest);
        Ok(if body.contains('\r') {
            newlines_of(std::str::from_utf8(&value.bytes).unwrap_or(""))
        } else {
            value
        })
    } else {
        unescape(body, true, &mut |_| ())
    }
}

/// Raw text with newlines as `\n`.
fn newlines_of(body: &str) -> StrValue {
    if body.contains('\r') {
        StrValue::from(body.replace("\r\n", "\n").replace('\r', "\n").as_str())
    } else {
        StrValue::from(body)
    }
}

/// Invalid escapes of a literal's body, in order.
pub fn invalid_escapes(body: &str, bytes: bool, middle: bool) -> Vec<InvalidEscape> {
    let mut found = Vec::new();
    if !body.contains('\\') {
        return found;
    }
    if bytes {
        let _ = unescape_bytes(body, &mut |e| found.push(e));
    } else {
        let _ = unescape(body, middle, &mut |e| found.push(e));
    }
    found
}

/// Whether the escapes of a `str` body (or of the text of an f-string) are well formed.
pub(crate) fn check_text(body: &str, middle: bool) -> Result<(), EscapeError> {
    unescape(body, middle, &mut |_| ()).map(drop)
}

/// Whether the escapes of a `bytes` body are well formed.
pub(crate) fn check_bytes(body: &str) -> Result<(), EscapeError> {
    unescape_bytes(body, &mut |_| ()).map(drop)
}

/// Bytes that `c` takes in the buffer CPython hands to its decoder.
fn codec_width(c: char) -> usize {
    if c.is_ascii() { 1 } else { 10 }
}

fn single_escape(b: u8) -> Option<u8> {
    Some(match b {
        b'\\' | b'\'' | b'"' => b,
        b'a' => 7,
        b'b' => 8,
        b'f' => 12,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'v' => 11,
        _ => return None,
    })
}

/// Reads up to three octal digits; the value and how many digits there were.
fn octal(digits: &[u8]) -> (u32, usize) {
    let n = digits
        .iter()
        .take(3)
        .take_while(|b| (b'0'..=b'7').contains(b))
        .count();
    (
        digits[..n]
            .iter()
            .fold(0, |v, b| v * 8 + u32::from(b - b'0')),
        n,
    )
}

fn unescape(
    body: &str,
    middle: bool,
    invalid: &mut dyn FnMut(InvalidEscape),
) -> Result<StrValue, EscapeError> {
    let mut out = StrValue {
        bytes: Vec::with_capacity(body.len()),
        surrogates: false,
    };
    let bytes = body.as_bytes();
    let mut at = 0;
    // Position in the codec's buffer of the byte `at`.
    let mut codec = 0;
    while at < bytes.len() {
        let Some(c) = body[at..].chars().next() else {
            break;
        };
        match c {
            '\\' => {
                let used = escape(body, at, codec, middle, &mut out, invalid)?;
                codec += body[at..at + used].chars().map(codec_width).sum::<usize>();
                at += used;
                continue;
            }
            '{' | '}' if middle && bytes.get(at + 1) == Some(&bytes[at]) => {
                out.push(c as u32);
                at += 2;
                codec += 1;
                continue;
            }
            '\r' => {
                out.push(u32::from(b'\n'));
                if bytes.get(at + 1) == Some(&b'\n') {
                    at += 1;
                }
            }
            _ => out.push(c as u32),
        }
        at += c.len_utf8();
        codec += codec_width(c);
    }
    Ok(out)
}

/// Handles the escape at `body[at..]`; how many bytes of source it used.
fn escape(
    body: &str,
    at: usize,
    codec: usize,
    middle: bool,
    out: &mut StrValue,
    invalid: &mut dyn FnMut(InvalidEscape),
) -> Result<usize, EscapeError> {
    let bytes = body.as_bytes();
    let Some(&next) = bytes.get(at + 1) else {
        // Only the text before a field of an f-string can end in a backslash.
        if middle {
            invalid(InvalidEscape {
                offset: at,
                len: 2,
                octal: false,
            });
        }
        out.push(u32::from(b'\\'));
        return Ok(1);
    };
    if let Some(b) = single_escape(next) {
        out.push(u32::from(b));
        return Ok(2);
    }
    match next {
        b'\n' => return Ok(2),
        b'\r' => {
            return Ok(if bytes.get(at + 2) == Some(&b'\n') {
                3
            } else {
                2
            });
        }
        b'0'..=b'7' => {
            let (value, n) = octal(&bytes[at + 1..]);
            if value > 0o377 {
                invalid(InvalidEscape {
                    offset: at,
                    len: 1 + n,
                    octal: true,
                });
            }
            out.push(value);
            return Ok(1 + n);
        }
        b'x' => return hex(bytes, at, codec, 2, "truncated \\xXX escape", out),
        b'u' => return hex(bytes, at, codec, 4, "truncated \\uXXXX escape", out),
        b'U' => return hex(bytes, at, codec, 8, "truncated \\UXXXXXXXX escape", out),
        b'N' => return named(body, at, codec, out),
        _ => {}
    }
    let len = 1 + body[at + 1..].chars().next().map_or(0, char::len_utf8);
    invalid(InvalidEscape {
        offset: at,
        len,
        octal: false,
    });
    out.push(u32::from(b'\\'));
    // What follows is read again: a doubled brace still collapses.
    Ok(1)
}

fn hex(
    bytes: &[u8],
    at: usize,
    codec: usize,
    digits: usize,
    truncated: &'static str,
    out: &mut StrValue,
) -> Result<usize, EscapeError> {
    let body = &bytes[at + 2..];
    let n = body
        .iter()
        .take(digits)
        .take_while(|b| b.is_ascii_hexdigit())
        .count();
    if n < digits {
        return Err(EscapeError::Unicode {
            start: codec,
            end: codec + 1 + n,
            reason: truncated,
        });
    }
    let value = body[..digits].iter().fold(0u32, |v, &b| {
        v.wrapping_mul(16) + char::from(b).to_digit(16).unwrap_or(0)
    });
    if value > 0x10_FFFF {
        return Err(EscapeError::Unicode {
            start: codec,
            end: codec + 1 + n,
            reason: "illegal Unicode character",
        });
    }
    out.push(value);
    Ok(2 + digits)
}

fn named(body: &str, at: usize, codec: usize, out: &mut StrValue) -> Result<usize, EscapeError> {
    let malformed = |end| EscapeError::Unicode {
        start: codec,
        end,
        reason: "malformed \\N character escape",
    };
    let Some(rest) = body[at + 2..].strip_prefix('{') else {
        return Err(malformed(codec + 1));
    };
    let width = |s: &str| s.chars().map(codec_width).sum::<usize>();
    let Some(close) = rest.find('}') else {
        return Err(malformed(codec + 2 + width(rest)));
    };
    if close == 0 {
        return Err(malformed(codec + 2));
    }
    match taipan_base::unicode_names::lookup_char(&rest[..close]) {
        Some(c) => {
            out.push(c);
            Ok(3 + close + 1)
        }
        None => Err(EscapeError::Unicode {
            start: codec,
            end: codec + 3 + width(&rest[..close]),
            reason: "unknown Unicode character name",
        }),
    }
}

fn unescape_bytes(
    body: &str,
    invalid: &mut dyn FnMut(InvalidEscape),
) -> Result<Vec<u8>, EscapeError> {
    let bytes = body.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&b) = bytes.get(at) {
        at += 1;
        if b == b'\r' {
            out.push(b'\n');
            at += usize::from(bytes.get(at) == Some(&b'\n'));
            continue;
        }
        if b != b'\\' {
            out.push(b);
            continue;
        }
        let Some(&next) = bytes.get(at) else {
            out.push(b);
            break;
        };
        if let Some(value) = single_escape(next) {
            out.push(value);
            at += 1;
            continue;
        }
        match next {
            b'\n' => at += 1,
            b'\r' => {
                at += if bytes.get(at + 1) == Some(&b'\n') {
                    2
                } else {
                    1
                }
            }
            b'0'..=b'7' => {
                let (value, n) = octal(&bytes[at..]);
                if value > 0o377 {
                    invalid(InvalidEscape {
                        offset: at - 1,
                        len: 1 + n,
                        octal: true,
                    });
                }
                out.push(value as u8);
                at += n;
            }
            b'x' => {
                let digits = bytes
                    .get(at + 1..at + 3)
                    .and_then(|d| std::str::from_utf8(d).ok());
                let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
                let Some(value) = digits.and_then(|d| u8::from_str_radix(d, 16).ok()) else {
                    return Err(EscapeError::BytesHex { start: at - 1 });
                };
                out.push(value);
                at += 3;
            }
            _ => {
                let len = 1 + body[at..].chars().next().map_or(0, char::len_utf8);
                invalid(InvalidEscape {
                    offset: at - 1,
                    len,
                    octal: false,
                });
                out.push(b'\\');
            }
        }
    }
    Ok(out)
}
