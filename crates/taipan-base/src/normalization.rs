//! Unicode normalisation of texts in which lone surrogates may occur.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::{compose, decompose_canonical, decompose_compatible};

use crate::text::{Text, TextBuf};
use crate::unicode::{combining, old};

/// The four normal forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Canonical composition.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility composition.
    Nfkc,
    /// Compatibility decomposition.
    Nfkd,
}

impl Form {
    /// Reads "NFC" and the like.
    #[must_use]
    pub fn parse(name: &str) -> Option<Form> {
        Some(match name {
            "NFC" => Form::Nfc,
            "NFD" => Form::Nfd,
            "NFKC" => Form::Nfkc,
            "NFKD" => Form::Nfkd,
            _ => return None,
        })
    }

    fn apply(self, segment: &[char], out: &mut TextBuf) {
        let chars = segment.iter().copied();
        match self {
            Form::Nfc => out.extend(chars.nfc().map(u32::from)),
            Form::Nfd => out.extend(chars.nfd().map(u32::from)),
            Form::Nfkc => out.extend(chars.nfkc().map(u32::from)),
            Form::Nfkd => out.extend(chars.nfkd().map(u32::from)),
        }
    }
}

/// Is every text of this kind in the form already?
fn unaffected(text: Text<'_>, form: Form) -> bool {
    matches!(
        (text, form),
        (Text::Ascii(_), _) | (Text::Latin1(_), Form::Nfc)
    )
}

/// The text in a normal form; `None` if it is already.
#[must_use]
pub fn normalize(text: Text<'_>, form: Form) -> Option<TextBuf> {
    run(text, form)
}

/// Normalises the segments between surrogates, to which nothing happens.
fn run(text: Text<'_>, form: Form) -> Option<TextBuf> {
    let mut out = TextBuf::with_capacity(text.len());
    let mut segment = Vec::new();
    for c in text.chars() {
        match char::from_u32(c) {
            Some(c) => segment.push(c),
            None => {
                form.apply(&segment, &mut out);
                segment.clear();
                out.push(c);
            }
        }
    }
    form.apply(&segment, &mut out);
    (out.as_text() != text).then_some(out)
}

/// [`normalize`] by the data of Unicode 3.2, for internationalised domain names: what that version
/// had not assigned does not decompose, and five ideographs decompose as it (wrongly) had them.
#[must_use]
pub fn normalize_3_2(text: Text<'_>, form: Form) -> Option<TextBuf> {
    if unaffected(text, form) {
        return None;
    }
    let mut chars = Vec::with_capacity(text.len());
    for c in text.chars() {
        match char::from_u32(c) {
            Some(known) if old::is_assigned(c) => match corrected(c) {
                Some(ideograph) => chars.push(ideograph),
                None if matches!(form, Form::Nfc | Form::Nfd) => {
                    decompose_canonical(known, |part| chars.push(u32::from(part)));
                }
                None => decompose_compatible(known, |part| chars.push(u32::from(part))),
            },
            _ => chars.push(c),
        }
    }
    order(&mut chars);
    if matches!(form, Form::Nfc | Form::Nfkc) {
        chars = composed(&chars);
    }
    let out = TextBuf::from_chars(&chars);
    (out.as_text() != text).then_some(out)
}

/// The decompositions that later versions corrected.
fn corrected(c: u32) -> Option<u32> {
    Some(match c {
        0x2f868 => 0x2136a,
        0x2f874 => 0x5f33,
        0x2f91f => 0x43ab,
        0x2f95f => 0x7aae,
        0x2f9bf => 0x4d57,
        _ => return None,
    })
}

/// Sorts runs of combining characters by their class.
fn order(chars: &mut [u32]) {
    for run in chars.chunk_by_mut(|_, next| combining(*next) != 0) {
        let marks = run
            .iter()
            .position(|&c| combining(c) != 0)
            .unwrap_or(run.len());
        run[marks..].sort_by_key(|&c| combining(c));
    }
}

/// Composes a decomposed, ordered sequence.
fn composed(chars: &[u32]) -> Vec<u32> {
    let mut out: Vec<u32> = Vec::with_capacity(chars.len());
    let mut starter: Option<usize> = None;
    let mut last_class = 0;
    for &c in chars {
        let class = combining(c);
        if let Some(at) = starter {
            // Blocked if something of no lower class stands between.
            let adjacent = at + 1 == out.len();
            let pair = char::from_u32(out[at]).zip(char::from_u32(c));
            if (adjacent || (last_class != 0 && last_class < class))
                && let Some(whole) = pair.and_then(|(a, b)| compose(a, b))
            {
                out[at] = u32::from(whole);
                continue;
            }
        }
        if class == 0 {
            starter = Some(out.len());
        }
        last_class = class;
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        let n = |chars: &[u32], form| {
            normalize(Text::Ucs4(chars), form).map(|b| b.as_text().chars().collect::<Vec<u32>>())
        };
        assert_eq!(
            n(&[0x65, 0x301, 0xd800, 0x301], Form::Nfc),
            Some(vec![0xe9, 0xd800, 0x301])
        );
        assert_eq!(n(&[0xe9], Form::Nfd), Some(vec![0x65, 0x301]));
        assert_eq!(
            n(&[0xfb01, 0x2460], Form::Nfkc),
            Some(vec![0x66, 0x69, 0x31])
        );
        assert_eq!(n(&[0xac01], Form::Nfkd), Some(vec![0x1100, 0x1161, 0x11a8]));
        assert_eq!(n(&[0xe9], Form::Nfc), None);
        assert_eq!(normalize(Text::Ascii(b"abc"), Form::Nfkd), None);
        assert_eq!(Form::parse("nfc"), None);
    }

    #[test]
    fn version_3_2() {
        // U+1F12D decomposes today and did not exist then.
        assert_eq!(normalize_3_2(Text::Ucs4(&[0x1_f12d]), Form::Nfkc), None);
        assert_eq!(
            normalize(Text::Ucs4(&[0x1_f12d]), Form::Nfkc),
            Some(TextBuf::from("CD"))
        );
    }
}
