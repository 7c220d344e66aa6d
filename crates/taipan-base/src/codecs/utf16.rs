//! UTF-16.

use super::{ByteOrder, DecodeError, EncodeError, SURROGATES, is_surrogate};
use crate::text::{Text, TextBuf};

/// The byte order a mark at the start names, if there is one (it takes two bytes).
#[must_use]
pub fn detect_mark(bytes: &[u8]) -> Option<ByteOrder> {
    match bytes {
        [0xff, 0xfe, ..] => Some(ByteOrder::Little),
        [0xfe, 0xff, ..] => Some(ByteOrder::Big),
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
    let unit = |at: usize| {
        let pair = [*bytes.get(at)?, *bytes.get(at + 1)?];
        Some(u32::from(match order {
            ByteOrder::Little => u16::from_le_bytes(pair),
            ByteOrder::Big => u16::from_be_bytes(pair),
        }))
    };
    let fail = |start, end, reason| Err(DecodeError { start, end, reason });
    let mut at = from;
    while let Some(c) = unit(at) {
        match c {
            0xd800..=0xdbff => match unit(at + 2) {
                Some(low @ 0xdc00..=0xdfff) => {
                    out.push(0x1_0000 + ((c & 0x3ff) << 10 | (low & 0x3ff)));
                    at += 2;
                }
                Some(_) => return fail(at, at + 2, "illegal UTF-16 surrogate"),
                None if !last => return Ok(at),
                None => return fail(at, bytes.len(), "unexpected end of data"),
            },
            0xdc00..=0xdfff => return fail(at, at + 2, "illegal encoding"),
            _ => out.push(c),
        }
        at += 2;
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
    out.reserve(rest.len() * 2);
    let mut put = |unit: u32| {
        let unit = unit as u16;
        out.extend(match order {
            ByteOrder::Little => unit.to_le_bytes(),
            ByteOrder::Big => unit.to_be_bytes(),
        });
    };
    for (i, c) in rest.chars().enumerate() {
        if is_surrogate(c) {
            let start = from + i;
            return Err(EncodeError {
                start,
                end: start + 1,
                reason: SURROGATES,
            });
        }
        if c >= 0x1_0000 {
            let high = c - 0x1_0000;
            put(0xd800 | high >> 10);
            put(0xdc00 | high & 0x3ff);
        } else {
            put(c);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(bytes: &[u8]) -> Result<usize, (usize, usize, &'static str)> {
        decode(bytes, 0, ByteOrder::Big, true, &mut TextBuf::new())
            .map_err(|e| (e.start, e.end, e.reason))
    }

    #[test]
    fn errors() {
        assert_eq!(run(b"\0a\xd8\0\0"), Err((2, 5, "unexpected end of data")));
        assert_eq!(run(b"\xd8\0\0a"), Err((0, 2, "illegal UTF-16 surrogate")));
        assert_eq!(run(b"\xdc\0"), Err((0, 2, "illegal encoding")));
        assert_eq!(run(b"\0a\0"), Err((2, 3, "truncated data")));
    }

    #[test]
    fn round_trip() {
        let text = TextBuf::from("a\u{20ac}\u{1f600}");
        let mut bytes = Vec::new();
        assert_eq!(
            encode(text.as_text(), 0, ByteOrder::Little, &mut bytes),
            Ok(())
        );
        let mut back = TextBuf::new();
        assert_eq!(decode(&bytes, 0, ByteOrder::Little, true, &mut back), Ok(8));
        assert_eq!(back, text);
    }
}
