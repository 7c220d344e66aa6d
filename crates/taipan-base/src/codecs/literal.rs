//! Escapes in string and bytes literals of source text.

use super::DecodeError;
use super::escape::{self, Escape, EscapeError, InvalidEscape, InvalidKind};
use crate::text::TextBuf;

/// Decodes the body of a string literal that is not raw.
///
/// Positions of errors are those that CPython reports: it rewrites characters beyond ASCII as
/// ten-byte escapes before it decodes. The position of an invalid escape is a byte offset in `body`.
pub fn decode_str(body: &str, invalid: &mut Option<InvalidEscape>) -> Result<TextBuf, DecodeError> {
    let bytes = body.as_bytes();
    let mut out = TextBuf::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let run = memchr::memchr(b'\\', &bytes[at..]).unwrap_or(bytes.len() - at);
        // Both ends are next to ASCII characters or the ends of the text.
        out.push_str(body.get(at..at + run).unwrap_or_default());
        at += run;
        if at == bytes.len() {
            break;
        }
        if bytes.get(at + 1).is_none_or(|b| *b >= 0x80) {
            out.push(0x5c);
            at += 1;
            continue;
        }
        match escape::text_escape(bytes, at) {
            Escape::Char(c, end) => {
                out.push(c);
                at = end;
            }
            Escape::Nothing(end) => at = end,
            Escape::Invalid(what, c, end) => {
                invalid.get_or_insert(what);
                if matches!(what.kind, InvalidKind::Char(_)) {
                    out.push(0x5c);
                }
                out.push(c);
                at = end;
            }
            Escape::Error(error) | Escape::Incomplete(error) => {
                let (start, end) = (rewritten(body, error.start), rewritten(body, error.end));
                return Err(DecodeError {
                    start,
                    end,
                    ..error
                });
            }
        }
    }
    Ok(out)
}

/// The place of byte `position` after CPython's rewriting.
fn rewritten(body: &str, position: usize) -> usize {
    let mut chars = body
        .char_indices()
        .take_while(|(i, _)| *i < position)
        .map(|(_, c)| c)
        .peekable();
    let mut place = 0;
    while let Some(c) = chars.next() {
        place += match c {
            '\\' if chars.peek().is_some_and(|next| !next.is_ascii()) => 6,
            '\\' => {
                // The next character belongs to this escape.
                1 + usize::from(chars.next().is_some())
            }
            _ if c.is_ascii() => 1,
            _ => 10,
        };
    }
    place
}

/// Decodes the body of a bytes literal that is not raw; it must be ASCII.
pub fn decode_bytes(
    body: &str,
    invalid: &mut Option<InvalidEscape>,
) -> Result<Vec<u8>, EscapeError> {
    let mut out = Vec::with_capacity(body.len());
    escape::decode_escape(body.as_bytes(), 0, &mut out, invalid)?;
    Ok(out)
}

impl InvalidEscape {
    /// The text of the `SyntaxWarning` for a literal.
    #[must_use]
    pub fn message(&self) -> String {
        let (sequence, octal) = match self.kind {
            InvalidKind::Char(b) => ((b as char).to_string(), ""),
            InvalidKind::Octal(value) => (format!("{value:o}"), "octal "),
        };
        format!(
            "\"\\{sequence}\" is an invalid {octal}escape sequence. Such sequences will not work in the \
             future. Did you mean \"\\\\{sequence}\"? A raw string is also an option."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text() {
        let ok = |body| decode_str(body, &mut None).expect("valid");
        assert_eq!(
            ok("\u{e9}\\x41\\\n\u{20ac}\\\u{e9}"),
            "\u{e9}A\u{20ac}\\\u{e9}"
        );
        assert_eq!(ok("\\ud83d\\ude00").len(), 2);
        let fail = |body| {
            let error = decode_str(body, &mut None).expect_err("bad");
            (error.start, error.end, error.reason)
        };
        assert_eq!(fail("\u{e9}\\x"), (10, 12, "truncated \\xXX escape"));
        assert_eq!(fail("\\\u{e9}\\x"), (16, 18, "truncated \\xXX escape"));
        assert_eq!(
            fail("\\\\\u{e9}\\N{foo}"),
            (12, 19, "unknown Unicode character name")
        );
    }

    #[test]
    fn warnings() {
        let mut invalid = None;
        assert_eq!(
            decode_str("\u{e9}\\d\\q", &mut invalid).expect("kept"),
            "\u{e9}\\d\\q"
        );
        let invalid = invalid.expect("noted");
        assert_eq!(invalid.position, 2);
        assert!(
            invalid
                .message()
                .starts_with("\"\\d\" is an invalid escape sequence.")
        );
        let mut invalid = None;
        assert_eq!(decode_bytes("\\400", &mut invalid), Ok(vec![0]));
        assert!(
            invalid
                .expect("noted")
                .message()
                .contains("\"\\400\" is an invalid octal")
        );
    }
}
