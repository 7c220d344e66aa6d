//! String literals, f-strings and t-strings.

use super::parser::{E, Parser, R, Rule};
use crate::lexer::{Kind, Token};
use crate::literal::{self, EscapeError};

/// Prefix letters, lower case, and the length of prefix and opening quotes.
pub(super) fn opening(text: &str) -> (String, usize) {
    let prefix: String = text
        .chars()
        .take_while(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let rest = &text[prefix.len()..];
    let triple = rest.starts_with("\"\"\"") || rest.starts_with("'''");
    let quotes = if triple && rest.len() >= 6 { 3 } else { 1 };
    let len = prefix.len() + quotes;
    (prefix, len)
}

impl Parser<'_> {
    pub(super) fn strings(&mut self) -> R {
        self.memo(Rule::Strings, |p| {
            let start = p.tok().start;
            let plain = p.seq(|p| {
                let mut kinds = Vec::new();
                loop {
                    match p.tok().kind {
                        Kind::String => kinds.push(p.string()?),
                        Kind::FStart => kinds.push(p.interpolated('f')?),
                        _ => break,
                    }
                }
                if kinds.is_empty() { None } else { Some(kinds) }
            });
            if let Some(kinds) = plain {
                if p.at_kind(Kind::TStart) && p.hints && p.interpolated('t').is_some() {
                    return p.mixed_template(start);
                }
                let bytes = kinds.iter().filter(|&&(bytes, _)| bytes).count();
                if bytes != 0 && bytes != kinds.len() {
                    p.tok();
                    return p.raise_last("cannot mix bytes and nonbytes literals");
                }
                let formatted = kinds.iter().any(|&(_, formatted)| formatted);
                return Some(p.node(
                    if formatted { E::FString } else { E::Literal },
                    start,
                    vec![],
                ));
            }
            p.some(|p| p.interpolated('t'))?;
            if p.hints && matches!(p.tok().kind, Kind::String | Kind::FStart) {
                let other = if p.at_kind(Kind::String) {
                    p.string()
                } else {
                    p.interpolated('f')
                };
                if other.is_some() {
                    return p.mixed_template(start);
                }
            }
            Some(p.node(E::TString, start, vec![]))
        })
    }

    pub(super) fn mixed_template(&mut self, start: u32) -> R {
        let end = self.last_end();
        self.raise_range(
            start,
            end,
            "cannot mix t-string literals with string or bytes literals",
        )
    }

    /// A literal; whether it is bytes, and whether it is formatted (never).
    pub(super) fn string(&mut self) -> Option<(bool, bool)> {
        let t = self.eat_kind(Kind::String)?;
        let text = self.token_text(t);
        let (prefix, open) = opening(text);
        let quotes = open - prefix.len();
        let body = text
            .get(open..text.len().saturating_sub(quotes))
            .unwrap_or("");
        let bytes = prefix.contains('b');
        if bytes && !body.is_ascii() {
            return self.raise_token(t, EscapeError::NonAscii.message());
        }
        if !prefix.contains('r') {
            let result = if bytes {
                literal::check_bytes(body)
            } else {
                literal::check_text(body, false)
            };
            self.check_escapes(t, result)?;
        }
        Some((bytes, false))
    }

    pub(super) fn check_escapes(
        &mut self,
        t: Token,
        result: Result<(), EscapeError>,
    ) -> Option<()> {
        match result {
            Ok(()) => Some(()),
            Err(e) => self.raise_token(t, e.message()),
        }
    }

    /// An f-string or t-string.
    pub(super) fn interpolated(&mut self, letter: char) -> Option<(bool, bool)> {
        let (start, middle, end) = if letter == 'f' {
            (Kind::FStart, Kind::FMiddle, Kind::FEnd)
        } else {
            (Kind::TStart, Kind::TMiddle, Kind::TEnd)
        };
        self.seq(|p| {
            let t = p.eat_kind(start)?;
            let raw = p.token_text(t).contains(['r', 'R']);
            loop {
                if p.at_kind(middle) {
                    p.middle(raw)?;
                } else if p.field(letter).is_none() {
                    break;
                }
            }
            p.eat_kind(end)?;
            Some((false, true))
        })
    }

    pub(super) fn middle(&mut self, raw: bool) -> Option<()> {
        let t = self.tok();
        self.mark += 1;
        if raw {
            return Some(());
        }
        let result = literal::check_text(self.token_text(t), true);
        self.check_escapes(t, result)
    }

    /// A replacement field.
    pub(super) fn field(&mut self, letter: char) -> Option<()> {
        if !self.at("{") {
            return None;
        }
        let found = self.seq(|p| {
            p.eat("{")?;
            p.annotated_rhs()?;
            p.eat("=");
            p.conversion(letter);
            p.format_spec(letter);
            p.eat("}")?;
            Some(())
        });
        if found.is_none() && self.hints {
            self.invalid_field(letter);
        }
        found
    }

    pub(super) fn conversion(&mut self, letter: char) -> Option<()> {
        self.seq(|p| {
            let mark = p.eat("!")?;
            let name = p.name()?;
            let (start, text) = (p.get(name).start, p.node_text(name));
            if start != mark.end {
                let end = p.get(name).end;
                return p.raise_range(
                    mark.start,
                    end,
                    format!("{letter}-string: conversion type must come right after the exclamation mark"),
                );
            }
            if !matches!(text, "s" | "r" | "a") {
                return p.raise_node(
                    name,
                    format!("{letter}-string: invalid conversion character '{text}': expected 's', 'r', or 'a'"),
                );
            }
            Some(())
        })
    }

    pub(super) fn format_spec(&mut self, letter: char) -> Option<()> {
        self.seq(|p| {
            p.eat(":")?;
            p.spec_parts(letter);
            Some(())
        })
    }

    pub(super) fn spec_parts(&mut self, letter: char) {
        loop {
            if matches!(self.tok().kind, Kind::FMiddle | Kind::TMiddle) {
                if self.middle(false).is_none() {
                    return;
                }
            } else if self.field(letter).is_none() {
                return;
            }
        }
    }

    pub(super) fn invalid_field(&mut self, letter: char) {
        let _: Option<()> = self.seq(|p| {
            p.eat("{")?;
            if let Some(t) = p.eat_any(&["=", "!", ":", "}"]) {
                let found = p.token_text(t);
                return p.raise_token(
                    t,
                    format!("{letter}-string: valid expression required before '{found}'"),
                );
            }
            if p.annotated_rhs().is_none() {
                return p.raise_here(format!(
                    "{letter}-string: expecting a valid expression after '{{'"
                ));
            }
            if !p.at_any(&["=", "!", ":", "}"]) {
                return p.raise_here(format!(
                    "{letter}-string: expecting '=', or '!', or ':', or '}}'"
                ));
            }
            if p.eat("=").is_some() && !p.at_any(&["!", ":", "}"]) {
                return p.raise_here(format!("{letter}-string: expecting '!', or ':', or '}}'"));
            }
            if p.eat("!").is_some() {
                if p.at_any(&[":", "}"]) {
                    return p.raise_here(format!("{letter}-string: missing conversion character"));
                }
                if p.name().is_none() {
                    return p.raise_here(format!("{letter}-string: invalid conversion character"));
                }
            }
            if !p.at_any(&[":", "}"]) {
                return p.raise_here(format!("{letter}-string: expecting ':' or '}}'"));
            }
            if p.eat(":").is_some() {
                p.spec_parts(letter);
                if !p.at("}") {
                    return p
                        .raise_here(format!("{letter}-string: expecting '}}', or format specs"));
                }
            }
            if !p.at("}") {
                return p.raise_here(format!("{letter}-string: expecting '}}'"));
            }
            None
        });
    }
}
