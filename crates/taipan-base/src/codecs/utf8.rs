//! UTF-8.

use super::{DecodeError, EncodeError, SURROGATES, run_error};
use crate::text::{Text, TextBuf, is_surrogate, push_wtf8};

/// Decodes from position `from`; returns the position reached.
pub fn decode(
    bytes: &[u8],
    from: usize,
    last: bool,
    out: &mut TextBuf,
) -> Result<usize, DecodeError> {
    let rest = bytes.get(from..).unwrap_or_default();
    let error = match std::str::from_utf8(rest) {
        Ok(text) => {
            out.push_str(text);
            return Ok(bytes.len());
        }
        Err(error) => error,
    };
    let good = error.valid_up_to();
    if let Ok(text) = std::str::from_utf8(&rest[..good]) {
        out.push_str(text);
    }
    let start = from + good;
    match error.error_len() {
        None if !last => Ok(start),
        // A surrogate cut short may become one that an error handler lets pass.
        Some(_) if !last && matches!(bytes[start..], [0xed, 0xa0..=0xbf]) => Ok(start),
        None => Err(DecodeError {
            start,
            end: bytes.len(),
            reason: "unexpected end of data",
        }),
        Some(length) => {
            let lead = matches!(bytes[start], 0xc2..=0xf4);
            let reason = if lead {
                "invalid continuation byte"
            } else {
                "invalid start byte"
            };
            Err(DecodeError {
                start,
                end: start + length,
                reason,
            })
        }
    }
}

/// Encodes the characters from `from` on.
pub fn encode(text: Text<'_>, from: usize, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let rest = text.slice(from..text.len());
    if let Text::Ascii(units) = rest {
        out.extend_from_slice(units);
        return Ok(());
    }
    out.reserve(rest.len() * 2);
    for (i, c) in rest.chars().enumerate() {
        if is_surrogate(c) {
            return Err(run_error(text, from + i, SURROGATES, is_surrogate));
        }
        push_wtf8(out, c);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(bytes: &[u8]) -> (usize, usize, &'static str) {
        let error = decode(bytes, 0, true, &mut TextBuf::new()).expect_err("malformed");
        (error.start, error.end, error.reason)
    }

    #[test]
    fn error_ranges() {
        assert_eq!(fail(b"a\x80"), (1, 2, "invalid start byte"));
        assert_eq!(fail(b"\xc1\x80"), (0, 1, "invalid start byte"));
        assert_eq!(fail(b"\xe2\x82a"), (0, 2, "invalid continuation byte"));
        assert_eq!(fail(b"\xed\xa0\x80"), (0, 1, "invalid continuation byte"));
        assert_eq!(fail(b"\xf0\x9f\x98"), (0, 3, "unexpected end of data"));
        assert_eq!(decode(b"a\xf0\x9f", 0, false, &mut TextBuf::new()), Ok(1));
    }

    #[test]
    fn encoding() {
        let mut out = Vec::new();
        let error = EncodeError {
            start: 1,
            end: 3,
            reason: SURROGATES,
        };
        assert_eq!(
            encode(Text::Ucs2(&[0xe9, 0xd800, 0xdfff]), 0, &mut out),
            Err(error)
        );
        assert_eq!(out, b"\xc3\xa9");
    }
}
