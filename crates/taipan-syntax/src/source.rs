//! Source files: bytes to text (PEP 263, byte order marks, null bytes).

use crate::error::{ErrorKind, SyntaxError};

/// What [`decode_source`] made of the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// The text.
    Text(String),
    /// The source names an encoding that this crate does not know. The caller decodes all bytes
    /// with its codec, or raises [`unknown_encoding`] or [`decoding_failed`].
    NeedsCodec(String),
}

/// Encodings this crate decodes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    /// The default, or a cookie that CPython takes for it: errors come from the tokenizer.
    Utf8,
    /// UTF-8 under another name: errors come from the codec.
    Utf8Codec,
    Ascii,
    Latin1,
    Latin9,
}

/// Decodes a source. `file` is its name when it is read as a script, which two messages mention.
///
/// The text keeps its newlines ([`crate::parse`] translates them) and has no byte order mark.
pub fn decode_source(bytes: &[u8], file: Option<&str>) -> Result<Decoded, SyntaxError> {
    if let Some(at) = bytes.iter().position(|&b| b == 0) {
        return Err(null_byte(bytes, at, file));
    }
    let (body, bom) = match bytes.strip_prefix(b"\xEF\xBB\xBF") {
        Some(rest) => (rest, true),
        None => (bytes, false),
    };
    let Some((name, line, line_bytes)) = find_cookie(body) else {
        return decode_utf8(body, file).map(Decoded::Text);
    };
    let name = normal_name(name);
    if bom && name != "utf-8" {
        return Err(bom_conflict(&name, line, line_bytes));
    }
    let text = match known(&name) {
        None => return Ok(Decoded::NeedsCodec(name)),
        Some(Known::Utf8) => decode_utf8(body, file)?,
        Some(Known::Utf8Codec) => match std::str::from_utf8(body) {
            Ok(text) => text.strip_prefix('\u{FEFF}').unwrap_or(text).to_owned(),
            Err(e) => return Err(decoding_failed(&utf8_codec_message(body, e))),
        },
        Some(Known::Ascii) => match body.iter().position(|b| !b.is_ascii()) {
            None => body.iter().map(|&b| char::from(b)).collect(),
            Some(at) => {
                let byte = body[at];
                return Err(decoding_failed(&format!(
                    "'ascii' codec can't decode byte 0x{byte:02x} in position {at}: ordinal not in \
                     range(128)"
                )));
            }
        },
        Some(Known::Latin1) => body.iter().map(|&b| char::from(b)).collect(),
        Some(Known::Latin9) => body.iter().map(|&b| latin9(b)).collect(),
    };
    Ok(Decoded::Text(text))
}

/// "unknown encoding", as raised when no codec has the name.
pub fn unknown_encoding(name: &str) -> SyntaxError {
    decoding_failed(&format!("unknown encoding: {name}"))
}

/// What a codec's own error becomes: no line, column -1.
pub fn decoding_failed(message: &str) -> SyntaxError {
    SyntaxError {
        col_offset: -1,
        ..SyntaxError::bare(ErrorKind::Syntax, message)
    }
}

fn null_byte(bytes: &[u8], at: usize, file: Option<&str>) -> SyntaxError {
    if file.is_none() {
        return null_byte_in_string();
    }
    let start = bytes[..at]
        .iter()
        .rposition(|&b| b == b'\n')
        .map_or(0, |i| i + 1);
    let lineno = bytes[..at].iter().filter(|&&b| b == b'\n').count() as u32 + 1;
    SyntaxError {
        lineno,
        end_lineno: lineno,
        text: Some(String::from_utf8_lossy(&bytes[start..at]).into_owned()),
        ..SyntaxError::bare(ErrorKind::Syntax, "source code cannot contain null bytes")
    }
}

/// The error for a string source with a null character; it has no position.
pub fn null_byte_in_string() -> SyntaxError {
    SyntaxError::bare(
        ErrorKind::Syntax,
        "source code string cannot contain null bytes",
    )
}

fn bom_conflict(name: &str, line: u32, text: &[u8]) -> SyntaxError {
    let text = String::from_utf8_lossy(text).into_owned();
    SyntaxError {
        lineno: line,
        end_lineno: line,
        end_offset: text.chars().count() as i32,
        text: Some(text),
        ..SyntaxError::bare(
            ErrorKind::Syntax,
            &format!("encoding problem: {name} with BOM"),
        )
    }
}

/// Encoding named in one of the first two lines, the line's number and bytes.
fn find_cookie(bytes: &[u8]) -> Option<(&str, u32, &[u8])> {
    let mut rest = bytes;
    for number in 1..=2 {
        let end = rest
            .iter()
            .position(|b| matches!(b, b'\n' | b'\r'))
            .unwrap_or(rest.len());
        let line = &rest[..end];
        if let Some(name) = cookie(line) {
            return Some((name, number, line));
        }
        let first = line.iter().find(|b| !matches!(b, b' ' | b'\t' | b'\x0C'));
        if first.is_some_and(|&b| b != b'#') {
            return None;
        }
        let newline = if rest[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        rest = rest.get(end + newline..)?;
    }
    None
}

/// The encoding a comment line names.
fn cookie(line: &[u8]) -> Option<&str> {
    let start = line
        .iter()
        .position(|b| !matches!(b, b' ' | b'\t' | b'\x0C'))?;
    if line[start] != b'#' {
        return None;
    }
    let mut rest = &line[start..];
    loop {
        let at = rest.windows(6).position(|w| w == b"coding")?;
        rest = &rest[at + 6..];
        let Some((b':' | b'=', tail)) = rest.split_first() else {
            continue;
        };
        let blanks = tail
            .iter()
            .take_while(|b| matches!(b, b' ' | b'\t'))
            .count();
        let tail = &tail[blanks..];
        let len = tail
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            .count();
        if len > 0 {
            return std::str::from_utf8(&tail[..len]).ok();
        }
    }
}

/// UTF-8 and Latin-1 have one spelling each; other names stay.
fn normal_name(name: &str) -> String {
    let folded: String = name
        .chars()
        .take(12)
        .map(|c| {
            if c == '_' {
                '-'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect();
    let is = |base: &str| folded == base || folded.starts_with(&format!("{base}-"));
    if is("utf-8") {
        "utf-8".to_owned()
    } else if is("latin-1") || is("iso-8859-1") || is("iso-latin-1") {
        "iso-8859-1".to_owned()
    } else {
        name.to_owned()
    }
}

fn known(name: &str) -> Option<Known> {
    let folded = name.to_ascii_lowercase().replace(['_', ' '], "-");
    Some(match folded.as_str() {
        "utf-8" => Known::Utf8,
        "utf8" | "u8" | "utf" | "cp65001" => Known::Utf8Codec,
        "ascii" | "us-ascii" | "646" | "ansi-x3.4-1968" => Known::Ascii,
        "iso-8859-1" | "iso8859-1" | "latin1" | "latin" | "l1" | "8859" | "cp819" => Known::Latin1,
        "iso-8859-15" | "iso8859-15" | "latin9" | "latin-9" | "l9" => Known::Latin9,
        _ => return None,
    })
}

/// ISO 8859-15 differs from Latin-1 in eight places.
fn latin9(byte: u8) -> char {
    match byte {
        0xA4 => '€',
        0xA6 => 'Š',
        0xA8 => 'š',
        0xB4 => 'Ž',
        0xB8 => 'ž',
        0xBC => 'Œ',
        0xBD => 'œ',
        0xBE => 'Ÿ',
        _ => char::from(byte),
    }
}

fn decode_utf8(bytes: &[u8], file: Option<&str>) -> Result<String, SyntaxError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(e) => Err(not_utf8(bytes, e.valid_up_to(), file)),
    }
}

fn not_utf8(bytes: &[u8], at: usize, file: Option<&str>) -> SyntaxError {
    let byte = bytes.get(at).copied().unwrap_or(0);
    // A `\r` ends a line too, unless `\n` follows.
    let ends =
        |i: usize| bytes[i] == b'\n' || (bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n'));
    let line = (0..at).filter(|&i| ends(i)).count() as u32 + 1;
    let start = (0..at).rev().find(|&i| ends(i)).map_or(0, |i| i + 1);
    let end = bytes[at..].iter().position(|b| matches!(b, b'\n' | b'\r'));
    let end = end.map_or(bytes.len(), |i| at + i);
    let col = String::from_utf8_lossy(&bytes[start..at]).chars().count() as i32 + 1;
    let place = file.map(|f| format!(" in file {f}")).unwrap_or_default();
    SyntaxError {
        kind: ErrorKind::Syntax,
        message: format!(
            "Non-UTF-8 code starting with '\\x{byte:02x}'{place} on line {line}, but no encoding \
             declared; see https://peps.python.org/pep-0263/ for details"
        ),
        lineno: line,
        col_offset: col,
        end_lineno: line,
        end_offset: col,
        text: Some(String::from_utf8_lossy(&bytes[start..end]).into_owned()),
    }
}

/// The text of the `UnicodeDecodeError` that the UTF-8 codec raises.
fn utf8_codec_message(bytes: &[u8], error: std::str::Utf8Error) -> String {
    let at = error.valid_up_to();
    let byte = bytes.get(at).copied().unwrap_or(0);
    let (len, reason) = match error.error_len() {
        None => (bytes.len() - at, "unexpected end of data"),
        Some(len) if matches!(byte, 0xC2..=0xF4) => (len, "invalid continuation byte"),
        Some(len) => (len, "invalid start byte"),
    };
    if len == 1 {
        format!("'utf-8' codec can't decode byte 0x{byte:02x} in position {at}: {reason}")
    } else {
        let end = at + len - 1;
        format!("'utf-8' codec can't decode bytes in position {at}-{end}: {reason}")
    }
}
