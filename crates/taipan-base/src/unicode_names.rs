//! Character names: `unicodedata.name` and `lookup`, `\N{...}`.

use crate::unicode::aliases::{ALIASES, SEQUENCES};

/// Longest name of anything.
const LONGEST: usize = 256;

fn normalised(name: &str) -> Option<String> {
    (name.len() <= LONGEST && name.is_ascii()).then(|| name.to_ascii_uppercase())
}

/// The character of a name or alias, in any case of letters; no named sequences. This is what
/// `\N{...}` accepts.
#[must_use]
pub fn lookup_char(name: &str) -> Option<u32> {
    let name = normalised(name)?;
    // These names are computed, and the number must be written just so. Python finds Tangut
    // ideographs by name but does not name them.
    if let Some(code) = name.strip_prefix("CJK UNIFIED IDEOGRAPH-") {
        let c = u32::from_str_radix(code, 16).ok()?;
        return (self::name(c)? == name).then_some(c);
    }
    if let Some(code) = name.strip_prefix("TANGUT IDEOGRAPH-") {
        let c = u32::from_str_radix(code, 16)
            .ok()
            .filter(|_| code.len() == 5)?;
        return matches!(c, 0x1_7000..=0x1_87f7 | 0x1_8d00..=0x1_8d08).then_some(c);
    }
    if let Some(c) = unicode_names2::character(&name) {
        return Some(u32::from(c));
    }
    let at = ALIASES
        .binary_search_by_key(&name.as_str(), |(alias, _)| alias)
        .ok()?;
    Some(ALIASES[at].1)
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// A character.
    Char(u32),
    /// A named sequence.
    Sequence(&'static [u32]),
}

/// What `unicodedata.lookup` finds: characters, aliases and named sequences.
#[must_use]
pub fn lookup(name: &str) -> Option<Named> {
    if let Some(c) = lookup_char(name) {
        return Some(Named::Char(c));
    }
    let name = normalised(name)?;
    let at = SEQUENCES
        .binary_search_by_key(&name.as_str(), |(sequence, _)| sequence)
        .ok()?;
    Some(Named::Sequence(SEQUENCES[at].1))
}

/// The name of a character.
#[must_use]
pub fn name(c: u32) -> Option<String> {
    unicode_names2::name(char::from_u32(c)?).map(|name| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(name(0x20ac).as_deref(), Some("EURO SIGN"));
        assert_eq!(name(0xac01).as_deref(), Some("HANGUL SYLLABLE GAG"));
        assert_eq!(name(0x4e00).as_deref(), Some("CJK UNIFIED IDEOGRAPH-4E00"));
        assert_eq!((name(0), name(0xd800), name(0x378)), (None, None, None));
    }

    #[test]
    fn lookups() {
        assert_eq!(lookup_char("euro sign"), Some(0x20ac));
        assert_eq!(lookup_char("hangul syllable gag"), Some(0xac01));
        assert_eq!(lookup_char("NULL"), Some(0));
        assert_eq!(lookup_char("EUROSIGN"), None);
        assert_eq!(lookup_char("CJK UNIFIED IDEOGRAPH-04E00"), None);
        assert_eq!(lookup_char("tangut ideograph-17000"), Some(0x1_7000));
        assert_eq!(lookup_char("KEYCAP DIGIT ONE"), None);
        assert_eq!(
            lookup("keycap digit one"),
            Some(Named::Sequence(&[0x31, 0xfe0f, 0x20e3]))
        );
    }
}
