//! Counting lines, columns and bytes of what was read.

/// A place in the document.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Place {
    /// Lines before this one.
    pub line: u64,
    /// Characters before this one on the line.
    pub column: u64,
    /// Bytes before this one in the source's encoding.
    pub byte: u64,
}

/// How many bytes a character had before it was decoded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Width {
    Utf8,
    One,
    Utf16,
}

impl Width {
    pub fn bytes(self, text: &str) -> u64 {
        match self {
            Width::Utf8 => text.len() as u64,
            Width::One => count_chars(text.as_bytes()),
            Width::Utf16 => {
                let long = text.bytes().filter(|byte| *byte >= 0xF0).count() as u64;
                2 * (count_chars(text.as_bytes()) + long)
            }
        }
    }
}

fn count_chars(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count() as u64
}

impl Place {
    /// Moves over `text`. `after_return` says that a carriage return stands in front of it.
    pub(crate) fn advance(&mut self, text: &str, width: Width, after_return: bool) {
        let bytes = text.as_bytes();
        self.byte += width.bytes(text);
        let mut line_start = None;
        for at in memchr::memchr2_iter(b'\n', b'\r', bytes) {
            let second = bytes[at] == b'\n'
                && match at.checked_sub(1) {
                    Some(before) => bytes[before] == b'\r',
                    None => after_return,
                };
            if !second {
                self.line += 1;
            }
            line_start = Some(at + 1);
        }
        match line_start {
            Some(start) => self.column = count_chars(&bytes[start..]),
            None => self.column += count_chars(bytes),
        }
    }
}
