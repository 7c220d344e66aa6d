//! UTF-7 (RFC 2152).

use super::DecodeError;
use crate::text::{Text, TextBuf};

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn sextet(b: u8) -> Option<u32> {
    Some(match b {
        b'A'..=b'Z' => u32::from(b - b'A'),
        b'a'..=b'z' => u32::from(b - b'a') + 26,
        b'0'..=b'9' => u32::from(b - b'0') + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
}

/// May `c` stand for itself? Everything but NUL, other control characters, `+`, `\` and `~`.
fn direct(c: u32) -> bool {
    matches!(c, 0x09 | 0x0a | 0x0d | 0x20..=0x7d) && c != 0x2b && c != 0x5c
}

/// A base64 run in progress.
struct Shift {
    /// Position of its `+`.
    start: usize,
    /// Characters that were out before it.
    length: usize,
    bits: u32,
    buffer: u32,
    high: Option<u32>,
}

impl Shift {
    fn add(&mut self, value: u32, out: &mut TextBuf) {
        self.buffer = self.buffer << 6 | value;
        self.bits += 6;
        if self.bits < 16 {
            return;
        }
        self.bits -= 16;
        let unit = self.buffer >> self.bits & 0xffff;
        self.buffer &= (1 << self.bits) - 1;
        if let Some(high) = self.high.take() {
            if (0xdc00..0xe000).contains(&unit) {
                return out.push(0x1_0000 + ((high & 0x3ff) << 10 | (unit & 0x3ff)));
            }
            out.push(high);
        }
        if (0xd800..0xdc00).contains(&unit) {
            self.high = Some(unit);
        } else {
            out.push(unit);
        }
    }
}

/// Decodes from position `from`; returns the position reached. With `last` false an unfinished
/// base64 run is taken back.
pub fn decode(
    bytes: &[u8],
    from: usize,
    last: bool,
    out: &mut TextBuf,
) -> Result<usize, DecodeError> {
    let fail = |start, end, reason| Err(DecodeError { start, end, reason });
    let mut shift: Option<Shift> = None;
    let mut at = from;
    while let Some(&b) = bytes.get(at) {
        if let Some(run) = &mut shift {
            if let Some(value) = sextet(b) {
                run.add(value, out);
                at += 1;
                continue;
            }
            if run.bits >= 6 {
                return fail(run.start, at + 1, "partial character in shift sequence");
            }
            if run.bits > 0 && run.buffer != 0 {
                return fail(run.start, at + 1, "non-zero padding bits in shift sequence");
            }
            if let Some(high) = run.high
                && b < 0x80
            {
                out.push(high);
            }
            at += usize::from(b == b'-');
            shift = None;
        } else if b == b'+' {
            match bytes.get(at + 1) {
                Some(b'-') => {
                    out.push(0x2b);
                    at += 2;
                }
                Some(&next) if sextet(next).is_none() => {
                    return fail(at, at + 2, "ill-formed sequence");
                }
                _ => {
                    shift = Some(Shift {
                        start: at,
                        length: out.len(),
                        bits: 0,
                        buffer: 0,
                        high: None,
                    });
                    at += 1;
                }
            }
        } else if b < 0x80 {
            out.push(u32::from(b));
            at += 1;
        } else {
            return fail(at, at + 1, "unexpected special character");
        }
    }
    if let Some(run) = shift {
        if !last {
            *out = out.as_text().slice(0..run.length).to_buf();
            return Ok(run.start);
        }
        if run.high.is_some() || run.bits >= 6 || (run.bits > 0 && run.buffer != 0) {
            return fail(run.start, bytes.len(), "unterminated shift sequence");
        }
    }
    Ok(at)
}

/// Encodes; every text can be.
pub fn encode(text: Text<'_>, out: &mut Vec<u8>) {
    let (mut bits, mut buffer, mut shifted) = (0u32, 0u32, false);
    let symbol = |value: u32| ALPHABET[(value & 63) as usize];
    for c in text.chars() {
        if direct(c) {
            if shifted {
                if bits > 0 {
                    out.push(symbol(buffer << (6 - bits)));
                }
                (bits, buffer, shifted) = (0, 0, false);
                if c == 0x2d || sextet(c as u8).is_some() {
                    out.push(b'-');
                }
            }
            out.push(c as u8);
            continue;
        }
        if !shifted {
            if c == 0x2b {
                out.extend(b"+-");
                continue;
            }
            out.push(b'+');
            shifted = true;
        }
        let mut put = |unit: u32| {
            buffer = (buffer & 0x3f) << 16 | unit;
            bits += 16;
            while bits >= 6 {
                bits -= 6;
                out.push(symbol(buffer >> bits));
            }
        };
        if c >= 0x1_0000 {
            put(0xd800 | (c - 0x1_0000) >> 10);
            put(0xdc00 | c & 0x3ff);
        } else {
            put(c);
        }
    }
    if bits > 0 {
        out.push(symbol(buffer << (6 - bits)));
    }
    if shifted {
        out.push(b'-');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let text = TextBuf::from("a+b \u{20ac}\u{1f600}- ~\\x\u{e9}a");
        let mut bytes = Vec::new();
        encode(text.as_text(), &mut bytes);
        assert_eq!(bytes, b"a+-b +IKzYPd4A-- +AH4AXA-x+AOk-a");
        let mut back = TextBuf::new();
        assert_eq!(decode(&bytes, 0, true, &mut back), Ok(bytes.len()));
        assert_eq!(back, text);
    }

    #[test]
    fn errors() {
        let run = |bytes: &[u8]| decode(bytes, 0, true, &mut TextBuf::new());
        let error = |start, end, reason| Err(DecodeError { start, end, reason });
        assert_eq!(run(b"a\xff"), error(1, 2, "unexpected special character"));
        assert_eq!(run(b"a+\xff"), error(1, 3, "ill-formed sequence"));
        assert_eq!(
            run(b"+IK "),
            error(0, 4, "partial character in shift sequence")
        );
        assert_eq!(run(b"a+IK"), error(1, 4, "unterminated shift sequence"));
        let mut out = TextBuf::new();
        assert_eq!(decode(b"a+IKwg", 0, false, &mut out), Ok(1));
        assert_eq!(out, "a");
    }
}
