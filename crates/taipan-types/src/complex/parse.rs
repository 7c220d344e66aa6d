//! Reads complex numbers: `1`, `2j`, `1+2j`, in parentheses or not, white space outside.

use super::arithmetic::Parts;
use taipan_base::float_text::{parse_float, trim_ascii_space};

/// What is wrong with a text.
pub enum Malformed {
    Text,
    /// An underscore that is not between digits.
    Underscore,
}

pub fn parse(text: &[u8]) -> Result<Parts, Malformed> {
    let mut plain = Vec::with_capacity(text.len());
    for (i, &byte) in text.iter().enumerate() {
        if byte != b'_' {
            plain.push(byte);
            continue;
        }
        let digit_at = |at: Option<usize>| {
            at.and_then(|at| text.get(at))
                .is_some_and(u8::is_ascii_digit)
        };
        if !digit_at(i.checked_sub(1)) || !digit_at(i.checked_add(1)) {
            return Err(Malformed::Underscore);
        }
    }
    let mut rest = trim_ascii_space(&plain);
    if let [b'(', inside @ .., b')'] = rest {
        rest = trim_ascii_space(inside);
    }
    parts(rest).ok_or(Malformed::Text)
}

fn parts(text: &[u8]) -> Option<Parts> {
    if let Some(body) = text.strip_suffix(b"j").or_else(|| text.strip_suffix(b"J")) {
        let first = float_prefix(body);
        if first == body.len() {
            return Some((0.0, coefficient(body)?));
        }
        if first > 0 {
            let imaginary = &body[first..];
            if !matches!(imaginary.first(), Some(b'+' | b'-'))
                || (imaginary.len() > 1 && float_prefix(imaginary) != imaginary.len())
            {
                return None;
            }
            return Some((parse_float(&body[..first])?, coefficient(imaginary)?));
        }
        return Some((0.0, coefficient(body)?));
    }
    (float_prefix(text) == text.len())
        .then(|| parse_float(text))
        .flatten()
        .map(|real| (real, 0.0))
}

/// The factor in front of `j`: a number, or just a sign, or nothing.
fn coefficient(text: &[u8]) -> Option<f64> {
    match text {
        b"" | b"+" => Some(1.0),
        b"-" => Some(-1.0),
        _ if text.first().is_some_and(u8::is_ascii_whitespace) => None,
        _ => parse_float(text),
    }
}

/// Length of the number that `text` begins with; 0 if there is none.
fn float_prefix(text: &[u8]) -> usize {
    let mut at = matches!(text.first(), Some(b'+' | b'-')) as usize;
    for word in [&b"infinity"[..], b"inf", b"nan"] {
        if text.len() >= at + word.len() && text[at..at + word.len()].eq_ignore_ascii_case(word) {
            return at + word.len();
        }
    }
    let digits = |from: usize| {
        text[from..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if text.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        if whole + fraction > 0 {
            at += 1 + fraction;
        }
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        let sign = matches!(text.get(at + 1), Some(b'+' | b'-')) as usize;
        let exponent = digits(at + 1 + sign.min(text.len() - at - 1));
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}
