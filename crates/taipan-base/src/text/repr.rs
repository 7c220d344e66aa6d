//! `repr()` and `ascii()` of text and bytes.

use super::{Text, TextBuf, find_char};
use crate::unicode::is_printable;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// `repr(text)`.
#[must_use]
pub fn repr(text: Text<'_>) -> TextBuf {
    let mut out = TextBuf::with_capacity(text.len() + 2);
    push_repr(&mut out, text, false);
    out
}

/// `ascii(text)`.
#[must_use]
pub fn ascii_repr(text: Text<'_>) -> TextBuf {
    let mut out = TextBuf::with_capacity(text.len() + 2);
    push_repr(&mut out, text, true);
    out
}

/// Appends the quoted form; `ascii` escapes every character beyond ASCII.
pub fn push_repr(out: &mut TextBuf, text: Text<'_>, ascii: bool) {
    let has = |quote: char| find_char(text, u32::from(quote)).is_some();
    let quote = u32::from(if has('\'') && !has('"') { '"' } else { '\'' });
    out.push(quote);
    if let Text::Ascii(units) = text
        && units
            .iter()
            .all(|&b| (0x20..0x7f).contains(&b) && b != b'\\' && b != b'\'')
    {
        out.push_text(text);
    } else {
        for c in text.chars() {
            if c == quote {
                out.push(u32::from('\\'));
                out.push(c);
            } else {
                push_char(out, c, ascii);
            }
        }
    }
    out.push(quote);
}

fn push_char(out: &mut TextBuf, c: u32, ascii: bool) {
    match c {
        0x5c => out.push_str("\\\\"),
        0x09 => out.push_str("\\t"),
        0x0a => out.push_str("\\n"),
        0x0d => out.push_str("\\r"),
        0x20..=0x7e => out.push(c),
        _ if c > 0x7f && !ascii && is_printable(c) => out.push(c),
        _ => push_escape(out, c),
    }
}

/// Appends `\xNN`, `\uNNNN` or `\UNNNNNNNN`, whichever is shortest.
pub fn push_escape(out: &mut TextBuf, c: u32) {
    let (letter, digits) = match c {
        0..=0xff => ('x', 2),
        0x100..=0xffff => ('u', 4),
        _ => ('U', 8),
    };
    out.push(u32::from('\\'));
    out.push(u32::from(letter));
    for place in (0..digits).rev() {
        out.push(u32::from(HEX[(c >> (4 * place) & 15) as usize]));
    }
}

/// Appends `repr(bytes)`: `b'...'`.
pub fn push_bytes_repr(out: &mut String, bytes: &[u8]) {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    out.reserve(bytes.len() + 3);
    out.push('b');
    out.push(quote);
    for &b in bytes {
        match b {
            b'\\' => out.push_str("\\\\"),
            b'\t' => out.push_str("\\t"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            _ if b as char == quote => {
                out.push('\\');
                out.push(quote);
            }
            0x20..=0x7e => out.push(b as char),
            _ => {
                out.push_str("\\x");
                out.push(HEX[(b >> 4) as usize] as char);
                out.push(HEX[(b & 15) as usize] as char);
            }
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting() {
        let r = |chars: &[u32]| {
            repr(Text::Ucs4(chars))
                .as_text()
                .to_utf8_lossy()
                .into_owned()
        };
        assert_eq!(r(&[0x27, 0x61]), "\"'a\"");
        assert_eq!(r(&[0x27, 0x22]), "'\\'\"'");
        assert_eq!(
            r(&[0xe9, 0xad, 0xd800, 0x1_f600, 0xe_0001, 0]),
            "'\u{e9}\\xad\\ud800\u{1f600}\\U000e0001\\x00'"
        );
        assert_eq!(ascii_repr(Text::Ucs2(&[0xe9, 0x20ac])), "'\\xe9\\u20ac'");
        let mut out = String::new();
        push_bytes_repr(&mut out, b"a'\"\x00\xff\n");
        assert_eq!(out, r#"b'a\'"\x00\xff\n'"#);
    }
}
