//! From the bytes of a document to text that holds characters of XML only.

use crate::place::Width;

/// The encoding of a document.
#[derive(Clone, Debug)]
pub(crate) enum Encoding {
    Utf8,
    Latin1,
    Ascii,
    Utf16 {
        big: bool,
    },
    /// One character for each byte; `None` where there is none.
    Table(Box<[Option<char>; 256]>),
}

/// Encodings that are known by name. `utf-16` alone means what the document begins with, or the big end first.
pub(crate) enum Known {
    Utf16Any,
    Encoding(Encoding),
}

impl Encoding {
    pub fn named(name: &str) -> Option<Known> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        Some(Known::Encoding(if is("utf-8") {
            Encoding::Utf8
        } else if is("iso-8859-1") {
            Encoding::Latin1
        } else if is("us-ascii") {
            Encoding::Ascii
        } else if is("utf-16be") {
            Encoding::Utf16 { big: true }
        } else if is("utf-16le") {
            Encoding::Utf16 { big: false }
        } else if is("utf-16") {
            return Some(Known::Utf16Any);
        } else {
            return None;
        }))
    }

    pub fn width(&self) -> Width {
        match self {
            Encoding::Utf8 => Width::Utf8,
            Encoding::Latin1 | Encoding::Ascii | Encoding::Table(_) => Width::One,
            Encoding::Utf16 { .. } => Width::Utf16,
        }
    }

    /// Text back in this encoding.
    pub fn encode(&self, text: &str) -> Vec<u8> {
        match self {
            Encoding::Utf8 | Encoding::Ascii => text.as_bytes().to_vec(),
            Encoding::Latin1 => text.chars().map(|c| c as u32 as u8).collect(),
            Encoding::Utf16 { big } => text
                .encode_utf16()
                .flat_map(|unit| {
                    if *big {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect(),
            Encoding::Table(table) => text
                .chars()
                .filter_map(|c| table.iter().position(|entry| *entry == Some(c)))
                .map(|byte| byte as u8)
                .collect(),
        }
    }

    /// Decodes as much of `bytes` as is complete and good to the end of `out`. Gives how many bytes that was, and whether
    /// what follows is no character of XML.
    pub fn decode(&self, bytes: &[u8], out: &mut String) -> (usize, bool) {
        match self {
            Encoding::Utf8 => utf8(bytes, out),
            Encoding::Latin1 => single(bytes, out, |byte| Some(byte as char)),
            Encoding::Ascii => single(bytes, out, |byte| byte.is_ascii().then_some(byte as char)),
            Encoding::Table(table) => single(bytes, out, |byte| table[byte as usize]),
            Encoding::Utf16 { big } => utf16(bytes, *big, out),
        }
    }
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// Where the first character is that XML does not have, in valid UTF-8.
fn first_bad(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let control = if bytes.iter().any(|byte| is_control(*byte)) {
        bytes.iter().position(|byte| is_control(*byte))
    } else {
        None
    };
    if text.is_ascii() {
        return control;
    }
    let other = memchr::memchr_iter(0xEF, bytes)
        .find(|at| matches!(bytes[at + 1..], [0xBF, 0xBE | 0xBF, ..]));
    match (control, other) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

fn utf8(bytes: &[u8], out: &mut String) -> (usize, bool) {
    let (text, bad) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => {
            let good = &bytes[..error.valid_up_to()];
            (
                std::str::from_utf8(good).unwrap_or(""),
                error.error_len().is_some(),
            )
        }
    };
    match first_bad(text) {
        Some(at) => {
            out.push_str(&text[..at]);
            (at, true)
        }
        None => {
            out.push_str(text);
            (text.len(), bad)
        }
    }
}

fn is_xml(c: char) -> bool {
    c >= ' ' && !matches!(c, '\u{FFFE}' | '\u{FFFF}') || matches!(c, '\t' | '\n' | '\r')
}

fn single(bytes: &[u8], out: &mut String, to_char: impl Fn(u8) -> Option<char>) -> (usize, bool) {
    for (at, byte) in bytes.iter().enumerate() {
        match to_char(*byte) {
            Some(c) if is_xml(c) => out.push(c),
            _ => return (at, true),
        }
    }
    (bytes.len(), false)
}

fn utf16(bytes: &[u8], big: bool, out: &mut String) -> (usize, bool) {
    let unit = |at: usize| -> Option<u32> {
        let pair = [*bytes.get(at)?, *bytes.get(at + 1)?];
        Some(u32::from(if big {
            u16::from_be_bytes(pair)
        } else {
            u16::from_le_bytes(pair)
        }))
    };
    let mut at = 0;
    while let Some(first) = unit(at) {
        let (code, size) = match first {
            0xD800..0xDC00 => match unit(at + 2) {
                None => return (at, false),
                Some(second @ 0xDC00..0xE000) => {
                    (0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00), 4)
                }
                Some(_) => return (at, true),
            },
            code => (code, 2),
        };
        match char::from_u32(code) {
            Some(c) if is_xml(c) => out.push(c),
            _ => return (at, true),
        }
        at += size;
    }
    (at, false)
}
