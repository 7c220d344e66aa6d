//! Values of attributes and entities: references are replaced, white space is made even.

use super::content::predefined;
use super::{Parser, Span};
use crate::error::ErrorCode;
use crate::scan::{Range, Stop, Token};
use crate::scan_prolog::EntityPart;
use std::sync::Arc;

/// An entity inside of a value.
struct Frame {
    entity: usize,
    text: Arc<str>,
    pos: usize,
}

/// A value while it grows.
struct Value {
    text: String,
    /// Where it begins in `text`.
    from: usize,
    is_cdata: bool,
}

impl Value {
    fn push_space(&mut self) {
        if self.is_cdata || self.text.len() > self.from && !self.text.ends_with(' ') {
            self.text.push(' ');
        }
    }

    fn push(&mut self, text: &str) {
        if self.is_cdata {
            self.text.push_str(text);
            return;
        }
        for c in text.chars() {
            match c {
                ' ' => self.push_space(),
                c => self.text.push(c),
            }
        }
    }
}

impl Parser {
    /// The value of an attribute in a start tag.
    pub(super) fn attribute_value(
        &mut self,
        range: Range,
        is_cdata: bool,
    ) -> Result<Span, ErrorCode> {
        let must_exist = !self.decls.has_param_entity_refs || self.decls.standalone;
        let mut value = Value {
            from: self.scratch.len(),
            text: std::mem::take(&mut self.scratch),
            is_cdata,
        };
        let result = self.append_value(range, must_exist, &mut value);
        let from = value.from;
        self.scratch = value.text;
        result?;
        Ok(Span::scratch(from, self.scratch.len()))
    }

    /// The value that an attribute has if it does not stand in the tag.
    pub(super) fn default_value(
        &mut self,
        range: Range,
        is_cdata: bool,
    ) -> Result<Arc<str>, ErrorCode> {
        let must_exist = self.roles.document
            && match self.decls.standalone {
                true => self.open.is_empty(),
                false => !self.decls.has_param_entity_refs,
            };
        let mut value = Value {
            from: 0,
            text: String::new(),
            is_cdata,
        };
        self.append_value(range, must_exist, &mut value)?;
        Ok(value.text.into())
    }

    fn append_value(
        &mut self,
        range: Range,
        must_exist: bool,
        value: &mut Value,
    ) -> Result<(), ErrorCode> {
        let mut frames: Vec<Frame> = Vec::new();
        let result = self.append_parts(range, must_exist, value, &mut frames);
        for frame in frames {
            self.decls.entities[frame.entity].open = false;
        }
        if result.is_ok() && !value.is_cdata && value.text.len() > value.from {
            let trimmed = value.text.trim_end_matches(' ').len();
            value.text.truncate(trimmed.max(value.from));
        }
        result
    }

    fn append_parts(
        &mut self,
        range: Range,
        must_exist: bool,
        value: &mut Value,
        frames: &mut Vec<Frame>,
    ) -> Result<(), ErrorCode> {
        let mut outer = range.start;
        loop {
            let (text, pos) = match frames.last() {
                None => (&self.current().0[..range.end], outer),
                Some(frame) => (&*frame.text, frame.pos),
            };
            let scanned = Parser::scanner(text, self.namespaces).value(pos);
            let inside = !frames.is_empty();
            let (token, end) = match scanned {
                Ok(scanned) => scanned,
                Err(Stop::Invalid(at)) if !inside => {
                    self.set_event(at);
                    return Err(ErrorCode::InvalidToken);
                }
                Err(_) => return Err(ErrorCode::InvalidToken),
            };
            let mut entity = None;
            match token {
                Token::End => match frames.pop() {
                    None => return Ok(()),
                    Some(frame) => {
                        self.decls.entities[frame.entity].open = false;
                        continue;
                    }
                },
                Token::Text => value.push(&text[pos..end]),
                Token::Newline => value.push_space(),
                Token::CharRef(Some(' ')) => value.push_space(),
                Token::CharRef(Some(c)) => value.text.push(c),
                Token::EntityRef { name } => match predefined(name.of(text)) {
                    Some(c) => value.text.push(c),
                    None => {
                        let found = self.decls.general_entity(name.of(text));
                        entity = self.entity_in_value(found, must_exist, !inside, pos)?;
                    }
                },
                _ => {
                    if !inside {
                        self.set_event(pos);
                    }
                    return Err(ErrorCode::BadCharRef);
                }
            }
            if inside {
                self.account_indirect(end - pos)?;
            }
            match frames.last_mut() {
                None => outer = end,
                Some(frame) => frame.pos = end,
            }
            if let Some((entity, text)) = entity {
                self.decls.entities[entity].open = true;
                frames.push(Frame {
                    entity,
                    text,
                    pos: 0,
                });
            }
        }
    }

    /// The text of an entity that a value refers to; `None` if it may be missing and is.
    fn entity_in_value(
        &mut self,
        found: Option<usize>,
        must_exist: bool,
        outer: bool,
        at: usize,
    ) -> Result<Option<(usize, Arc<str>)>, ErrorCode> {
        let Some(index) = found else {
            return match must_exist {
                true => Err(ErrorCode::UndefinedEntity),
                false => Ok(None),
            };
        };
        let entity = &self.decls.entities[index];
        if must_exist && !entity.declared_inside {
            return Err(ErrorCode::EntityDeclaredInPe);
        }
        let code = if entity.open {
            ErrorCode::RecursiveEntityRef
        } else if entity.notation.is_some() {
            ErrorCode::BinaryEntityRef
        } else if let Some(text) = &entity.text {
            return Ok(Some((index, text.clone())));
        } else {
            ErrorCode::AttributeExternalEntityRef
        };
        if outer {
            self.set_event(at);
        }
        Err(code)
    }

    /// The value of an entity in its declaration. References to general entities stay as they are.
    pub(super) fn entity_value(
        &mut self,
        range: Range,
        declared: Option<usize>,
        value: &mut String,
    ) -> Result<(), ErrorCode> {
        let mut frames: Vec<Frame> = Vec::new();
        let result = self.append_entity_parts(range, declared, value, &mut frames);
        for frame in frames {
            self.decls.entities[frame.entity].open = false;
        }
        result
    }

    fn append_entity_parts(
        &mut self,
        range: Range,
        declared: Option<usize>,
        value: &mut String,
        frames: &mut Vec<Frame>,
    ) -> Result<(), ErrorCode> {
        let mut outer = range.start;
        loop {
            let (text, pos) = match frames.last() {
                None => (&self.current().0[..range.end], outer),
                Some(frame) => (&*frame.text, frame.pos),
            };
            let scanned = Parser::scanner(text, self.namespaces).entity_value(pos);
            let inside = !frames.is_empty();
            let (part, end) = match scanned {
                Ok(scanned) => scanned,
                Err(stop) => {
                    match stop {
                        Stop::Invalid(at) if !inside => self.set_event(at),
                        Stop::Partial if !inside => self.set_event(pos),
                        _ => {}
                    }
                    return Err(ErrorCode::InvalidToken);
                }
            };
            match part {
                EntityPart::End => match frames.pop() {
                    None => return Ok(()),
                    Some(frame) => {
                        self.decls.entities[frame.entity].open = false;
                        continue;
                    }
                },
                EntityPart::Text => value.push_str(&text[pos..end]),
                EntityPart::Newline => value.push('\n'),
                EntityPart::CharRef(Some(c)) => value.push(c),
                EntityPart::CharRef(None) => {
                    if !inside {
                        self.set_event(pos);
                    }
                    return Err(ErrorCode::BadCharRef);
                }
                EntityPart::ParamEntityRef => {}
            }
            let entity = match part {
                EntityPart::ParamEntityRef => {
                    let found = self.decls.param_entity(&text[pos + 1..end - 1]);
                    match self.param_entity_in_value(found, declared, pos)? {
                        Some(entity) => Some(entity),
                        // The rest of the value is not known.
                        None => return Ok(()),
                    }
                }
                _ => None,
            };
            if inside {
                self.account_indirect(end - pos)?;
            }
            match frames.last_mut() {
                None => outer = end,
                Some(frame) => frame.pos = end,
            }
            if let Some((entity, text)) = entity {
                self.decls.entities[entity].open = true;
                frames.push(Frame {
                    entity,
                    text,
                    pos: 0,
                });
            }
        }
    }

    fn param_entity_in_value(
        &mut self,
        found: Option<usize>,
        declared: Option<usize>,
        at: usize,
    ) -> Result<Option<(usize, Arc<str>)>, ErrorCode> {
        if !self.param_entity && self.open.is_empty() {
            self.set_event(at);
            return Err(ErrorCode::ParamEntityRef);
        }
        let Some(index) = found else {
            self.decls.keep_processing = self.decls.standalone;
            return Ok(None);
        };
        let entity = &self.decls.entities[index];
        if entity.open || Some(index) == declared {
            self.set_event(at);
            return Err(ErrorCode::RecursiveEntityRef);
        }
        match &entity.text {
            Some(text) => Ok(Some((index, text.clone()))),
            None => {
                self.decls.keep_processing = self.decls.standalone;
                Ok(None)
            }
        }
    }
}
