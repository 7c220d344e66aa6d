//! The XML declaration, and the text declaration of external entities.

use super::prolog::Task;
use super::{Parser, Phase, Progress, Step};
use crate::chars::is_space;
use crate::decode::{Encoding, Known};
use crate::error::ErrorCode;
use crate::event::interest as want;
use crate::scan::{Range, Stop, Token};

/// What stands in a declaration.
#[derive(Default)]
struct Parts {
    version: Option<Range>,
    encoding: Option<Range>,
    standalone: Option<bool>,
}

/// One `name="value"`, or where something is wrong.
fn pair(bytes: &[u8], mut at: usize) -> Result<Option<(Range, Range, usize)>, usize> {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(0);
    if at == bytes.len() {
        return Ok(None);
    }
    if !is_space(byte(at)) {
        return Err(at);
    }
    while is_space(byte(at)) {
        at += 1;
    }
    if at == bytes.len() {
        return Ok(None);
    }
    let start = at;
    while byte(at) != b'=' && !is_space(byte(at)) {
        if at == bytes.len() || !byte(at).is_ascii() {
            return Err(at);
        }
        at += 1;
    }
    let name = Range::new(start, at);
    if name.start == name.end {
        return Err(at);
    }
    while is_space(byte(at)) {
        at += 1;
    }
    if byte(at) != b'=' {
        return Err(at);
    }
    at += 1;
    while is_space(byte(at)) {
        at += 1;
    }
    let quote = byte(at);
    if !matches!(quote, b'"' | b'\'') {
        return Err(at);
    }
    let start = at + 1;
    at = start;
    while byte(at) != quote {
        if !byte(at).is_ascii_alphanumeric() && !matches!(byte(at), b'.' | b'-' | b'_') {
            return Err(at);
        }
        at += 1;
    }
    Ok(Some((name, Range::new(start, at), at + 1)))
}

/// Takes a declaration apart; `text` ends in front of `?>`. The error is where something is wrong.
fn parse(text: &str, start: usize, in_entity: bool) -> Result<Parts, usize> {
    let bytes = text.as_bytes();
    let mut parts = Parts::default();
    let mut next = pair(bytes, start)?;
    let Some((name, value, after)) = next else {
        return Err(bytes.len());
    };
    if name.of(text) == "version" {
        let minor = value.of(text).strip_prefix("1.").unwrap_or("");
        if minor.is_empty() || !minor.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(value.start);
        }
        parts.version = Some(value);
        next = pair(bytes, after)?;
        match next {
            // A text declaration must name an encoding.
            None if in_entity => return Err(bytes.len()),
            None => return Ok(parts),
            _ => {}
        }
    } else if !in_entity {
        return Err(name.start);
    }
    let Some((mut name, mut value, mut after)) = next else {
        return Ok(parts);
    };
    if name.of(text) == "encoding" {
        if !value
            .of(text)
            .starts_with(|c: char| c.is_ascii_alphabetic())
        {
            return Err(value.start);
        }
        parts.encoding = Some(value);
        match pair(bytes, after)? {
            None => return Ok(parts),
            Some(next) => (name, value, after) = next,
        }
    }
    if name.of(text) != "standalone" || in_entity {
        return Err(name.start);
    }
    parts.standalone = match value.of(text) {
        "yes" => Some(true),
        "no" => Some(false),
        _ => return Err(value.start),
    };
    let rest = bytes[after..].iter().take_while(|byte| is_space(**byte));
    match after + rest.count() {
        end if end == bytes.len() => Ok(parts),
        end => Err(end),
    }
}

impl Parser {
    /// `<?xml ...?>` from `start` to `end`, at the beginning of a document or entity.
    pub(super) fn xml_declaration(
        &mut self,
        start: usize,
        end: usize,
        in_entity: bool,
    ) -> Result<(), ErrorCode> {
        let (text, _) = self.current();
        let parts = match parse(&text[..end - 2], start + 5, in_entity) {
            Ok(parts) => parts,
            Err(at) => {
                self.set_event(at);
                return Err(match in_entity {
                    true => ErrorCode::TextDecl,
                    false => ErrorCode::XmlDecl,
                });
            }
        };
        let owned = |range: Option<Range>| range.map(|range| range.of(text).into());
        let (version, encoding) = (owned(parts.version), owned(parts.encoding));
        self.declared.encoding_at = parts.encoding.map_or(start, |range| range.start);
        self.declared.version = version;
        self.declared.encoding = encoding;
        self.declared.standalone = parts.standalone;
        if !in_entity && parts.standalone == Some(true) {
            self.decls.standalone = true;
            if self.param_entity_parsing == super::ParamEntityParsing::UnlessStandalone {
                self.param_entity_parsing = super::ParamEntityParsing::Never;
            }
        }
        self.tasks.push_back(Task::XmlDecl { start, end });
        if self.protocol_encoding.is_none() && self.declared.encoding.is_some() {
            self.tasks.push_back(Task::FindEncoding);
        } else {
            self.tasks.push_back(Task::Settle);
        }
        Ok(())
    }

    pub(super) fn xml_decl_step(&mut self, start: usize, end: usize) -> Option<Step> {
        if self.wants(want::XML_DECL) {
            return Some(Step::XmlDecl);
        }
        match self.default_step(start, end) {
            Progress::Step(step) => Some(step),
            _ => None,
        }
    }

    /// Goes on in the encoding that the declaration names.
    pub(super) fn find_encoding(&mut self) -> Result<(), ErrorCode> {
        let name = self.declared.encoding.clone().unwrap_or_default();
        let now_wide = matches!(self.doc.encoding(), Encoding::Utf16 { .. });
        let encoding = match Encoding::named(&name) {
            None => {
                self.tasks
                    .push_front(Task::UseEncoding { from_start: false });
                self.tasks.push_front(Task::AskEncoding);
                return Ok(());
            }
            Some(Known::Utf16Any) if now_wide => None,
            Some(Known::Utf16Any) => Some(Encoding::Utf16 { big: true }),
            Some(Known::Encoding(encoding)) => Some(encoding),
        };
        let fits = match (&encoding, self.doc.encoding()) {
            (None, _) => true,
            (Some(Encoding::Utf16 { big }), Encoding::Utf16 { big: now }) => big == now,
            (Some(Encoding::Utf16 { .. }), _) => false,
            (Some(_), _) => !now_wide,
        };
        if !fits {
            self.set_event(self.declared.encoding_at);
            return Err(ErrorCode::IncorrectEncoding);
        }
        self.settle(encoding)
    }

    /// The rest of the document is in this encoding.
    pub(super) fn settle(&mut self, encoding: Option<Encoding>) -> Result<(), ErrorCode> {
        match self.doc.settle(encoding) {
            true => Ok(()),
            false => Err(ErrorCode::NoMemory),
        }
    }

    /// Uses the answer to the question for an encoding.
    pub(super) fn use_encoding(&mut self, from_start: bool) -> Result<(), ErrorCode> {
        let Some(table) = self.table.take() else {
            if !from_start {
                self.set_event(self.declared.encoding_at);
            }
            return Err(ErrorCode::UnknownEncoding);
        };
        let encoding = Encoding::Table(table);
        if from_start {
            return match self.doc.set_table(encoding) {
                true => Ok(()),
                false => Err(ErrorCode::NoMemory),
            };
        }
        if matches!(self.doc.encoding(), Encoding::Utf16 { .. }) {
            self.set_event(self.declared.encoding_at);
            return Err(ErrorCode::IncorrectEncoding);
        }
        self.settle(Some(encoding))
    }

    /// At the beginning of an external general entity.
    pub(super) fn text_declaration(&mut self) -> Result<Progress, ErrorCode> {
        self.scratch.clear();
        let start = self.doc.pos;
        let scanner = Parser::scanner(self.doc.text(), self.namespaces);
        let scanned = scanner.content(start, true, &mut self.raw_attributes);
        self.doc.event = Some(start);
        match scanned {
            Ok((Token::XmlDecl, end)) => {
                self.phase = Phase::Content;
                self.account(end - start)?;
                self.xml_declaration(start, end, true)?;
                self.move_to(end);
            }
            Ok((Token::End, _)) if !self.doc.last && !self.doc.is_stuck() => {
                return Ok(Progress::NeedMore);
            }
            Err(Stop::Partial) if !self.doc.last && !self.doc.is_stuck() => {
                return self.partial();
            }
            _ => {
                self.phase = Phase::Content;
                self.settle(None)?;
            }
        }
        Ok(Progress::Again)
    }
}
