//! UTF-32.

use super::{ByteOrder, DecodeError, EncodeError, SURROGATES, is_surrogate};
use crate::text::{MAX_CODE, Text, TextBuf};

/// The byte order a mark at the start names, if there is one (it takes four bytes).
#[must_use]
pub fn detect_mark(bytes: &[u8]) -> Option<ByteOrder> {
    match bytes {
        [0xff, 0xfe, 0, 0, ..] => Some(ByteOrder::Little),
        [0, 0, 0xfe, 0xff, ..] => Some(ByteOrder::Big),
        _ => None,
    }
}

/// Decodes from position `from`; returns the position reached.
pub fn decode(
    bytes: &[u8],
    from: usize,
    order: ByteOrder,
    last: bool,
    out: &mut TextBuf,
) -> Result<usize, DecodeError> {
    let fail = |start, end, reason| Err(DecodeError { start, end, reason });
    let mut at = from;
    while let Some(&[a, b, c, d]) = bytes.get(at..at + 4) {
        let code = match order {
            ByteOrder::Little => u32::from_le_bytes([a, b, c, d]),
            ByteOrder::Big => u32::from_be_bytes([a, b, c, d]),
        };
        if is_surrogate(code) {
            return fail(
                at,
                at + 4,
                "code point in surrogate code point range(0xd800, 0xe000)",
            );
        }
        if code > MAX_CODE {
            return fail(at, at + 4, "code point not in range(0x110000)");
        }
        out.push(code);
        at += 4;
    }
    if at < bytes.len() && last {
        return fail(at, bytes.len(), "truncated data");
    }
    Ok(at)
}

/// Encodes the characters from `from` on, without a mark.
pub fn encode(
    text: Text<'_>,
    from: usize,
    order: ByteOrder,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let rest = text.slice(from..text.len());
    out.reserve(rest.len() * 4);
    for (i, c) in rest.chars().enumerate() {
        if is_surrogate(c) {
            let start = from + i;
            return Err(EncodeError {
                start,
                end: start + 1,
                reason: SURROGATES,
            });
        }
        out.extend(match order {
            ByteOrder::Little => c.to_le_bytes(),
            ByteOrder::Big => c.to_be_bytes(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors() {
        let run = |bytes: &[u8]| decode(bytes, 0, ByteOrder::Little, true, &mut TextBuf::new());
        let error = |start, end, reason| Err(DecodeError { start, end, reason });
        assert_eq!(run(b"a\0\0\0b"), error(4, 5, "truncated data"));
        assert_eq!(
            run(b"\0\xd8\0\0"),
            error(
                0,
                4,
                "code point in surrogate code point range(0xd800, 0xe000)"
            )
        );
        assert_eq!(
            run(b"\0\0\x11\0"),
            error(0, 4, "code point not in range(0x110000)")
        );
        assert_eq!(run(b"a\0\0\0"), Ok(4));
    }
}
