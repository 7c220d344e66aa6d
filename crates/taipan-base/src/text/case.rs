//! Case mappings and character-class predicates of whole texts.

use super::{Text, TextBuf};
use crate::unicode as uc;

/// Applies a byte mapping if the text is ASCII.
fn ascii_map(text: Text<'_>, f: impl Fn(&mut [u8])) -> Option<TextBuf> {
    let Text::Ascii(units) = text else {
        return None;
    };
    let mut bytes = units.to_vec();
    f(&mut bytes);
    Some(TextBuf::Latin1 { bytes, ascii: true })
}

fn map_full(text: Text<'_>, f: impl Fn(u32) -> uc::Mapped) -> TextBuf {
    let mut out = TextBuf::with_capacity(text.len());
    for c in text.chars() {
        push_mapped(&mut out, f(c));
    }
    out
}

fn push_mapped(out: &mut TextBuf, mapped: uc::Mapped) {
    for &c in mapped.chars() {
        out.push(c);
    }
}

/// Appends the lower case of the character at `i`; a capital sigma looks at its surroundings.
fn push_lower(out: &mut TextBuf, text: Text<'_>, i: usize, c: u32) {
    const CAPITAL_SIGMA: u32 = 0x3a3;
    if c != CAPITAL_SIGMA {
        return push_mapped(out, uc::full_lower(c));
    }
    let letter = |c: u32| !uc::is_case_ignorable(c);
    let before = text
        .slice(0..i)
        .chars()
        .rfind(|&c| letter(c))
        .is_some_and(uc::is_cased);
    let after = text
        .slice(i + 1..text.len())
        .chars()
        .find(|&c| letter(c))
        .is_some_and(uc::is_cased);
    out.push(if before && !after { 0x3c2 } else { 0x3c3 });
}

/// `str.lower`.
#[must_use]
pub fn lower(text: Text<'_>) -> TextBuf {
    ascii_map(text, <[u8]>::make_ascii_lowercase).unwrap_or_else(|| {
        let mut out = TextBuf::with_capacity(text.len());
        for (i, c) in text.chars().enumerate() {
            push_lower(&mut out, text, i, c);
        }
        out
    })
}

/// `str.upper`.
#[must_use]
pub fn upper(text: Text<'_>) -> TextBuf {
    ascii_map(text, <[u8]>::make_ascii_uppercase).unwrap_or_else(|| map_full(text, uc::full_upper))
}

/// `str.casefold`.
#[must_use]
pub fn casefold(text: Text<'_>) -> TextBuf {
    ascii_map(text, <[u8]>::make_ascii_lowercase).unwrap_or_else(|| map_full(text, uc::full_fold))
}

/// `str.title`.
#[must_use]
pub fn title(text: Text<'_>) -> TextBuf {
    let mut out = TextBuf::with_capacity(text.len());
    let mut inside = false;
    for (i, c) in text.chars().enumerate() {
        if inside {
            push_lower(&mut out, text, i, c);
        } else {
            push_mapped(&mut out, uc::full_title(c));
        }
        inside = uc::is_cased(c);
    }
    out
}

/// `str.capitalize`.
#[must_use]
pub fn capitalize(text: Text<'_>) -> TextBuf {
    let mut out = TextBuf::with_capacity(text.len());
    for (i, c) in text.chars().enumerate() {
        if i == 0 {
            push_mapped(&mut out, uc::full_title(c));
        } else {
            push_lower(&mut out, text, i, c);
        }
    }
    out
}

/// `str.swapcase`.
#[must_use]
pub fn swapcase(text: Text<'_>) -> TextBuf {
    let mut out = TextBuf::with_capacity(text.len());
    for (i, c) in text.chars().enumerate() {
        if uc::is_upper(c) {
            push_lower(&mut out, text, i, c);
        } else if uc::is_lower(c) {
            push_mapped(&mut out, uc::full_upper(c));
        } else {
            out.push(c);
        }
    }
    out
}

fn all(text: Text<'_>, f: fn(u32) -> bool) -> bool {
    !text.is_empty() && text.chars().all(f)
}

/// `str.isalpha`.
#[must_use]
pub fn is_alpha(text: Text<'_>) -> bool {
    all(text, uc::is_alpha)
}

/// `str.isalnum`.
#[must_use]
pub fn is_alnum(text: Text<'_>) -> bool {
    all(text, uc::is_alnum)
}

/// `str.isdecimal`.
#[must_use]
pub fn is_decimal(text: Text<'_>) -> bool {
    all(text, uc::is_decimal)
}

/// `str.isdigit`.
#[must_use]
pub fn is_digit(text: Text<'_>) -> bool {
    all(text, uc::is_digit)
}

/// `str.isnumeric`.
#[must_use]
pub fn is_numeric(text: Text<'_>) -> bool {
    all(text, uc::is_numeric)
}

/// `str.isspace`.
#[must_use]
pub fn is_space(text: Text<'_>) -> bool {
    all(text, uc::is_space)
}

/// `str.isprintable`; the empty text is.
#[must_use]
pub fn is_printable(text: Text<'_>) -> bool {
    text.chars().all(uc::is_printable)
}

/// `str.islower`.
#[must_use]
pub fn is_lower(text: Text<'_>) -> bool {
    text.chars().any(uc::is_lower) && !text.chars().any(|c| uc::is_upper(c) || uc::is_title(c))
}

/// `str.isupper`.
#[must_use]
pub fn is_upper(text: Text<'_>) -> bool {
    text.chars().any(uc::is_upper) && !text.chars().any(|c| uc::is_lower(c) || uc::is_title(c))
}

/// `str.istitle`.
#[must_use]
pub fn is_title(text: Text<'_>) -> bool {
    let (mut any, mut inside) = (false, false);
    for c in text.chars() {
        if uc::is_upper(c) || uc::is_title(c) {
            if inside {
                return false;
            }
            (any, inside) = (true, true);
        } else if uc::is_lower(c) {
            if !inside {
                return false;
            }
            (any, inside) = (true, true);
        } else {
            inside = false;
        }
    }
    any
}

/// `str.isidentifier`.
#[must_use]
pub fn is_identifier(text: Text<'_>) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(uc::is_xid_start) && chars.all(uc::is_xid_continue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t(text: &str, f: fn(Text<'_>) -> TextBuf) -> String {
        f(TextBuf::from(text).as_text())
            .as_text()
            .to_utf8_lossy()
            .into_owned()
    }

    #[test]
    fn mappings() {
        assert_eq!(
            t("\u{391}\u{3a3} \u{3a3}a", lower),
            "\u{3b1}\u{3c2} \u{3c3}a"
        );
        assert_eq!(t("stra\u{df}e", upper), "STRASSE");
        assert_eq!(t("stra\u{df}e", casefold), "strasse");
        assert_eq!(t("they're \u{fb01}ne", title), "They'Re Fine");
        assert_eq!(t("\u{1c6}ABC", capitalize), "\u{1c5}abc");
        assert_eq!(t("a\u{df}B", swapcase), "ASSb");
        assert_eq!(t("ABC", lower), "abc");
    }

    #[test]
    fn predicates() {
        let ask = |text: &str, f: fn(Text<'_>) -> bool| f(TextBuf::from(text).as_text());
        assert!(ask("A1", is_upper) && !ask("1", is_upper) && !ask("Aa", is_upper));
        assert!(ask("Ab Cd", is_title) && !ask("AB", is_title) && !ask("", is_title));
        assert!(ask("_a1", is_identifier) && !ask("1a", is_identifier) && !ask("", is_identifier));
        assert!(ask("", is_printable) && !ask("\n", is_printable));
    }
}
