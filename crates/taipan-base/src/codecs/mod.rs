//! Encoders and decoders of the built-in encodings.
//!
//! They never call error handlers. A decoder takes the bytes and a position, appends to a
//! [`TextBuf`] until the end or the first error, and can be called again at whatever position the
//! caller's error handler says, after the caller has appended the replacement. With `last` false an
//! incomplete sequence at the end is left alone; the returned position tells how far decoding came.
//! Encoders work the same way over characters.

pub mod escape;
pub mod literal;
pub mod utf16;
pub mod utf32;
pub mod utf7;
pub mod utf8;

use crate::text::{Text, TextBuf, is_surrogate};

/// The pieces of a `UnicodeDecodeError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// First byte that cannot be decoded.
    pub start: usize,
    /// End of the bytes that cannot be decoded.
    pub end: usize,
    /// CPython's words.
    pub reason: &'static str,
}

/// The pieces of a `UnicodeEncodeError`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// First character that cannot be encoded.
    pub start: usize,
    /// End of the run of such characters.
    pub end: usize,
    /// CPython's words.
    pub reason: &'static str,
}

/// Order of bytes in a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant first.
    Little,
    /// Most significant first.
    Big,
}

impl ByteOrder {
    /// The machine's own.
    pub const NATIVE: ByteOrder = if cfg!(target_endian = "big") {
        ByteOrder::Big
    } else {
        ByteOrder::Little
    };
}

const SURROGATES: &str = "surrogates not allowed";

/// The run of characters from `start` on that fail alike.
fn run_error(
    text: Text<'_>,
    start: usize,
    reason: &'static str,
    bad: impl Fn(u32) -> bool,
) -> EncodeError {
    let rest = text.slice(start..text.len());
    let length = rest.chars().position(|c| !bad(c)).unwrap_or(rest.len());
    EncodeError {
        start,
        end: start + length,
        reason,
    }
}

/// Appends ASCII bytes.
pub fn decode_ascii(bytes: &[u8], from: usize, out: &mut TextBuf) -> Result<usize, DecodeError> {
    let rest = bytes.get(from..).unwrap_or_default();
    let good = rest.iter().position(|b| *b >= 0x80).unwrap_or(rest.len());
    out.push_text(Text::Ascii(&rest[..good]));
    if good == rest.len() {
        return Ok(bytes.len());
    }
    let start = from + good;
    Err(DecodeError {
        start,
        end: start + 1,
        reason: "ordinal not in range(128)",
    })
}

/// Appends bytes as characters U+0000 to U+00FF; cannot fail.
pub fn decode_latin1(bytes: &[u8], out: &mut TextBuf) {
    out.push_text(Text::from_latin1(bytes));
}

/// Encodes the characters from `from` on.
pub fn encode_ascii(text: Text<'_>, from: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    encode_narrow(text, from, 0x80, "ordinal not in range(128)", out)
}

/// Encodes the characters from `from` on.
pub fn encode_latin1(text: Text<'_>, from: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    encode_narrow(text, from, 0x100, "ordinal not in range(256)", out)
}

fn encode_narrow(
    text: Text<'_>,
    from: usize,
    limit: u32,
    reason: &'static str,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match text.slice(from..text.len()) {
        Text::Ascii(units) => out.extend_from_slice(units),
        rest => {
            out.reserve(rest.len());
            for (i, c) in rest.chars().enumerate() {
                if c >= limit {
                    return Err(run_error(text, from + i, reason, |c| c >= limit));
                }
                out.push(c as u8);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow() {
        let mut out = TextBuf::new();
        let error = DecodeError {
            start: 2,
            end: 3,
            reason: "ordinal not in range(128)",
        };
        assert_eq!(decode_ascii(b"ab\xff", 0, &mut out), Err(error));
        assert_eq!(out, "ab");
        let text = TextBuf::from("\u{e9}\u{20ac}\u{20ac}a");
        let mut bytes = Vec::new();
        let error = EncodeError {
            start: 1,
            end: 3,
            reason: "ordinal not in range(256)",
        };
        assert_eq!(encode_latin1(text.as_text(), 0, &mut bytes), Err(error));
        assert_eq!(bytes, b"\xe9");
        assert_eq!(encode_latin1(text.as_text(), 3, &mut bytes), Ok(()));
        assert_eq!(bytes, b"\xe9a");
    }
}
