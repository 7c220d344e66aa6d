//! Finding, counting and replacing over all pairs of storage kinds.

use std::borrow::Cow;

use super::{Text, TextBuf, Unit, each_kind};

impl Unit for u8 {
    fn code(self) -> u32 {
        u32::from(self)
    }
    fn narrow(c: u32) -> Option<u8> {
        u8::try_from(c).ok()
    }
    fn position(units: &[u8], unit: u8) -> Option<usize> {
        memchr::memchr(unit, units)
    }
    fn rposition(units: &[u8], unit: u8) -> Option<usize> {
        memchr::memrchr(unit, units)
    }
    fn find(units: &[u8], needle: &[u8]) -> Option<usize> {
        memchr::memmem::find(units, needle)
    }
    fn rfind(units: &[u8], needle: &[u8]) -> Option<usize> {
        memchr::memmem::rfind(units, needle)
    }
}

macro_rules! wide_unit {
    ($unit:ty) => {
        impl Unit for $unit {
            fn code(self) -> u32 {
                self as u32
            }
            fn narrow(c: u32) -> Option<$unit> {
                <$unit>::try_from(c).ok()
            }
            fn position(units: &[$unit], unit: $unit) -> Option<usize> {
                // Whole blocks are tested without a branch in between, which compiles to vector code.
                let mut blocks = units.chunks_exact(BLOCK);
                let mut at = 0;
                for block in &mut blocks {
                    if block.iter().fold(false, |hit, &u| hit | (u == unit)) {
                        break;
                    }
                    at += BLOCK;
                }
                units[at..].iter().position(|&u| u == unit).map(|i| at + i)
            }
            fn rposition(units: &[$unit], unit: $unit) -> Option<usize> {
                let mut end = units.len();
                for block in units.rchunks_exact(BLOCK) {
                    if block.iter().fold(false, |hit, &u| hit | (u == unit)) {
                        break;
                    }
                    end -= BLOCK;
                }
                units[..end].iter().rposition(|&u| u == unit)
            }
            fn find(units: &[$unit], needle: &[$unit]) -> Option<usize> {
                find_wide(units, needle)
            }
            fn rfind(units: &[$unit], needle: &[$unit]) -> Option<usize> {
                rfind_wide(units, needle)
            }
        }
    };
}

const BLOCK: usize = 32;

wide_unit!(u16);
wide_unit!(u32);

/// Tries each place of the first unit; when that compares too much, it goes on in linear time.
fn find_wide<T: Unit>(units: &[T], needle: &[T]) -> Option<usize> {
    let last = units.len().checked_sub(needle.len())?;
    let first = *needle.first()?;
    let mut budget = units.len() + 64;
    let mut at = 0;
    while at <= last {
        at += T::position(&units[at..=last], first)?;
        let same = common_prefix(&units[at..], needle);
        if same == needle.len() {
            return Some(at);
        }
        at += 1;
        if same > budget {
            return find_linear(&units[at..], needle).map(|i| at + i);
        }
        budget -= same;
    }
    None
}

fn common_prefix<T: Unit>(a: &[T], b: &[T]) -> usize {
    a.iter().zip(b).take_while(|(x, y)| x == y).count()
}

fn rfind_wide<T: Unit>(units: &[T], needle: &[T]) -> Option<usize> {
    let (&last, body) = needle.split_last()?;
    let mut budget = units.len() + 64;
    let mut end = units.len();
    while end > body.len() {
        let at = body.len() + T::rposition(&units[body.len()..end], last)?;
        let start = at - body.len();
        let same = units[start..at]
            .iter()
            .rev()
            .zip(body.iter().rev())
            .take_while(|(x, y)| x == y)
            .count();
        if same == body.len() {
            return Some(start);
        }
        end = at;
        if same > budget {
            let reversed = |s: &[T]| s.iter().rev().copied().collect::<Vec<T>>();
            let from_end = find_linear(&reversed(&units[..end]), &reversed(needle))?;
            return Some(end - from_end - needle.len());
        }
        budget -= same;
    }
    None
}

/// Knuth, Morris and Pratt.
fn find_linear<T: Unit>(units: &[T], needle: &[T]) -> Option<usize> {
    let mut failure = vec![0usize; needle.len()];
    let mut k = 0;
    for i in 1..needle.len() {
        while k > 0 && needle[i] != needle[k] {
            k = failure[k - 1];
        }
        k += usize::from(needle[i] == needle[k]);
        failure[i] = k;
    }
    let mut matched = 0;
    for (i, unit) in units.iter().enumerate() {
        while matched > 0 && *unit != needle[matched] {
            matched = failure[matched - 1];
        }
        matched += usize::from(*unit == needle[matched]);
        if matched == needle.len() {
            return Some(i + 1 - matched);
        }
    }
    None
}

/// `needle` in the units of the text searched; `None` if a character does not fit, so that there
/// can be no match.
fn in_units<T: Unit>(needle: Text<'_>) -> Option<Vec<T>> {
    needle.chars().map(T::narrow).collect()
}

/// Calls `$body` with text and needle as slices of one unit, or gives `$none`.
macro_rules! same_units {
    ($text:expr, $needle:expr, $none:expr, ($t:ident, $n:ident) => $body:expr) => {
        match ($text, $needle) {
            (Text::Ascii($t) | Text::Latin1($t), Text::Ascii($n) | Text::Latin1($n)) => $body,
            (Text::Ucs2($t), Text::Ucs2($n)) => $body,
            (Text::Ucs4($t), Text::Ucs4($n)) => $body,
            (text, needle) => each_kind!(text, $t => match in_units(needle) {
                Some(units) => {
                    let $n = &units[..];
                    $body
                }
                None => $none,
            }),
        }
    };
}

/// Place of the first occurrence; the empty needle is at the start.
#[must_use]
pub fn find(text: Text<'_>, needle: Text<'_>) -> Option<usize> {
    match needle.len() {
        0 => Some(0),
        1 => find_char(text, needle.get(0)?),
        n if n > text.len() => None,
        _ => same_units!(text, needle, None, (t, n) => Unit::find(t, n)),
    }
}

/// Place of the last occurrence; the empty needle is at the end.
#[must_use]
pub fn rfind(text: Text<'_>, needle: Text<'_>) -> Option<usize> {
    match needle.len() {
        0 => Some(text.len()),
        1 => rfind_char(text, needle.get(0)?),
        n if n > text.len() => None,
        _ => same_units!(text, needle, None, (t, n) => Unit::rfind(t, n)),
    }
}

/// First place of a character.
#[must_use]
pub fn find_char(text: Text<'_>, c: u32) -> Option<usize> {
    each_kind!(text, units => Unit::position(units, Unit::narrow(c)?))
}

/// Last place of a character.
#[must_use]
pub fn rfind_char(text: Text<'_>, c: u32) -> Option<usize> {
    each_kind!(text, units => Unit::rposition(units, Unit::narrow(c)?))
}

/// Does `needle` occur?
#[must_use]
pub fn contains(text: Text<'_>, needle: Text<'_>) -> bool {
    find(text, needle).is_some()
}

/// Does the text start so?
#[must_use]
pub fn starts_with(text: Text<'_>, prefix: Text<'_>) -> bool {
    prefix.len() <= text.len() && text.slice(0..prefix.len()) == prefix
}

/// Does the text end so?
#[must_use]
pub fn ends_with(text: Text<'_>, suffix: Text<'_>) -> bool {
    suffix.len() <= text.len() && text.slice(text.len() - suffix.len()..text.len()) == suffix
}

/// Places of up to `limit` occurrences that do not overlap, from the left. The needle must not be
/// empty.
pub(super) fn each_match(text: Text<'_>, needle: Text<'_>, limit: usize, f: &mut dyn FnMut(usize)) {
    fn run<T: Unit>(units: &[T], needle: &[T], mut limit: usize, f: &mut dyn FnMut(usize)) {
        let mut at = 0;
        while limit > 0 {
            let rest = &units[at..];
            let found = match needle {
                [one] => T::position(rest, *one),
                _ => T::find(rest, needle),
            };
            let Some(found) = found else { break };
            f(at + found);
            at += found + needle.len();
            limit -= 1;
        }
    }
    fn run_bytes(bytes: &[u8], needle: &[u8], limit: usize, f: &mut dyn FnMut(usize)) {
        match needle {
            [one] => memchr::memchr_iter(*one, bytes).take(limit).for_each(f),
            _ => memchr::memmem::find_iter(bytes, needle)
                .take(limit)
                .for_each(f),
        }
    }
    if needle.is_empty() {
        return;
    }
    match (text, needle) {
        (Text::Ascii(t) | Text::Latin1(t), Text::Ascii(n) | Text::Latin1(n)) => {
            run_bytes(t, n, limit, f)
        }
        _ => same_units!(text, needle, (), (t, n) => run(t, n, limit, f)),
    }
}

/// Number of occurrences that do not overlap, at most `limit`; the empty needle occurs before every
/// character and at the end.
#[must_use]
pub fn count(text: Text<'_>, needle: Text<'_>, limit: usize) -> usize {
    if needle.is_empty() {
        return (text.len() + 1).min(limit);
    }
    let mut found = 0;
    each_match(text, needle, limit, &mut |_| found += 1);
    found
}

/// The text with up to `limit` occurrences of `old` replaced; `None` if nothing changes.
#[must_use]
pub fn replace(text: Text<'_>, old: Text<'_>, new: Text<'_>, limit: usize) -> Option<TextBuf> {
    if limit == 0 || old == new {
        return None;
    }
    let mut out = TextBuf::new();
    if old.is_empty() {
        let times = limit.min(text.len() + 1);
        out.reserve(text.len() + times * new.len());
        for (i, c) in text.chars().enumerate() {
            if i < times {
                out.push_text(new);
            }
            out.push(c);
        }
        if times > text.len() {
            out.push_text(new);
        }
        return Some(out);
    }
    let mut done = 0;
    each_match(text, old, limit, &mut |at| {
        if done == 0 {
            out.reserve(text.len());
        }
        out.push_text(text.slice(done..at));
        out.push_text(new);
        done = at + old.len();
    });
    if done == 0 {
        return None;
    }
    out.push_text(text.slice(done..text.len()));
    Some(out)
}

/// Membership test for the characters of `set`, for stripping.
pub(super) fn char_set(set: Text<'_>) -> impl Fn(u32) -> bool + '_ {
    let mut low = [false; 128];
    let mut high: Vec<u32> = Vec::new();
    for c in set.chars() {
        match low.get_mut(c as usize) {
            Some(slot) => *slot = true,
            None => high.push(c),
        }
    }
    high.sort_unstable();
    let high: Cow<'_, [u32]> = Cow::Owned(high);
    move |c| {
        low.get(c as usize)
            .copied()
            .unwrap_or_else(|| high.binary_search(&c).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn finds_in_every_kind() {
        let (text, needle) = (wide(&("ab".repeat(40) + "\u{20ac}bab")), wide("\u{20ac}b"));
        assert_eq!(find(Text::Ucs2(&text), Text::Ucs2(&needle)), Some(80));
        assert_eq!(rfind(Text::Ucs2(&text), Text::Ascii(b"ab")), Some(82));
        assert_eq!(rfind_char(Text::Ucs2(&text), 0x20ac), Some(80));
        assert_eq!(
            find(Text::Ascii(b"abc"), Text::Ucs4(&[0x62, 0x63])),
            Some(1)
        );
        assert_eq!(find(Text::Ascii(b"abc"), Text::Ucs2(&[0x62, 0x20ac])), None);
        assert_eq!(
            count(Text::Ascii(b"aaaa"), Text::Ascii(b"aa"), usize::MAX),
            2
        );
        assert_eq!(count(Text::Ascii(b"abc"), Text::Ascii(b""), usize::MAX), 4);
    }

    #[test]
    fn bad_patterns_stay_linear() {
        let mut text = vec![0x61u16; 4000];
        text.push(0x62);
        let mut needle = vec![0x61u16; 1000];
        needle.push(0x62);
        assert_eq!(find(Text::Ucs2(&text), Text::Ucs2(&needle)), Some(3000));
        text.reverse();
        needle.reverse();
        assert_eq!(rfind(Text::Ucs2(&text), Text::Ucs2(&needle)), Some(0));
        needle[0] = 0x63;
        assert_eq!(rfind(Text::Ucs2(&text), Text::Ucs2(&needle)), None);
    }

    #[test]
    fn replaces() {
        let r = |t: &'static [u8], o: &'static [u8], n: &'static str, limit| {
            let new = TextBuf::from(n);
            replace(Text::Ascii(t), Text::Ascii(o), new.as_text(), limit)
        };
        assert_eq!(
            r(b"a.b.c", b".", "\u{20ac}", 1),
            Some(TextBuf::from("a\u{20ac}b.c"))
        );
        assert_eq!(r(b"ab", b"", "-", usize::MAX), Some(TextBuf::from("-a-b-")));
        assert_eq!(r(b"ab", b"", "-", 1), Some(TextBuf::from("-ab")));
        assert_eq!(r(b"ab", b"x", "-", 9), None);
    }
}
