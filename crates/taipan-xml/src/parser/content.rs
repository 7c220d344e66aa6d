//! Content of elements, CDATA sections, and what follows the document's element.

use super::{OpenEntity, Parser, Phase, Progress, Span, Step};
use crate::error::ErrorCode;
use crate::event::interest as want;
use crate::scan::{Range, Stop, Token};

impl Parser {
    /// One token of content.
    pub(super) fn content(&mut self) -> Result<Progress, ErrorCode> {
        self.scratch.clear();
        let lines = !self.wants(want::MERGED_TEXT);
        let (text, start, in_entity) = match self.open.last() {
            None => (self.doc.text(), self.doc.pos, false),
            Some(entity) => (&*entity.text, entity.pos, true),
        };
        let scanner = Parser::scanner(text, self.namespaces);
        let scanned = scanner.content(start, lines, &mut self.raw_attributes);
        if !in_entity {
            self.doc.event = Some(start);
        }
        let (token, end) = match scanned {
            Ok(scanned) => scanned,
            Err(Stop::Partial) => return self.partial(),
            Err(Stop::Invalid(at)) => return self.invalid_at(at),
        };
        if in_entity || !self.is_root {
            self.account_indirect(end - start)?;
        }
        match token {
            Token::Text => {
                let end = if lines { self.cut(start, end) } else { end };
                self.move_to(end);
                Ok(self.text_step(Span::current(start, end)))
            }
            Token::StartTag { name, empty } => {
                self.tag_start = start;
                self.tag_end = end;
                self.start_tag(name, empty)?;
                self.move_to(end);
                Ok(Progress::of(self.pending_of_tag()))
            }
            Token::EndTag { name } => {
                let step = self.end_tag(name, start, end)?;
                self.move_to(end);
                Ok(Progress::of(step))
            }
            Token::Newline => {
                self.move_to(end);
                Ok(self.newline_step(start, end))
            }
            token => self.rare_content(token, start, end),
        }
    }

    /// The end of a run of text as it is told. Where expat has to decode text it does so in pieces, and collecting text depends on
    /// them.
    #[inline]
    fn cut(&self, start: usize, end: usize) -> usize {
        const PIECE: usize = 1024;
        if end - start <= PIECE || !self.open.is_empty() || self.doc.is_utf8() {
            return end;
        }
        let (text, _) = self.current();
        (start + PIECE - 3..=start + PIECE)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(end)
    }

    #[inline]
    fn text_step(&self, span: Span) -> Progress {
        if self.wants(want::TEXT) {
            Progress::Step(Step::Text(span))
        } else if self.wants(want::DEFAULT) {
            Progress::Step(Step::Default(span))
        } else {
            Progress::Again
        }
    }

    fn newline_step(&mut self, start: usize, end: usize) -> Progress {
        if !self.wants(want::TEXT) {
            return self.text_step(Span::current(start, end));
        }
        Progress::Step(Step::Text(self.char_span('\n')))
    }

    fn char_span(&mut self, c: char) -> Span {
        let from = self.scratch.len();
        self.scratch.push(c);
        Span::scratch(from, self.scratch.len())
    }

    /// A character that was written in another way.
    fn char_step(&mut self, c: char, start: usize, end: usize) -> Progress {
        if !self.wants(want::TEXT) {
            return self.default_step(start, end);
        }
        Progress::Step(Step::Text(self.char_span(c)))
    }

    pub(super) fn default_step(&self, start: usize, end: usize) -> Progress {
        if self.wants(want::DEFAULT) {
            Progress::Step(Step::Default(Span::current(start, end)))
        } else {
            Progress::Again
        }
    }

    fn rare_content(
        &mut self,
        token: Token,
        start: usize,
        end: usize,
    ) -> Result<Progress, ErrorCode> {
        match token {
            Token::End => return self.end_of_text(),
            Token::TrailingReturn | Token::TrailingBrackets if self.more_text_may_come() => {
                return self.partial();
            }
            Token::EntityRef { name } => return self.entity_reference(name, start, end),
            Token::CharRef(None) => return Err(ErrorCode::BadCharRef),
            Token::XmlDecl => return Err(ErrorCode::MisplacedXmlPi),
            _ => self.move_to(end),
        }
        Ok(match token {
            Token::TrailingReturn => {
                if self.open.is_empty() && !self.fragment {
                    // The error to come is where the carriage return is.
                    self.failing = Some(ErrorCode::NoElements);
                }
                self.newline_step(start, end)
            }
            Token::TrailingBrackets => self.text_step(Span::current(start, end)),
            Token::CharRef(Some(c)) => self.char_step(c, start, end),
            Token::CdataOpen => {
                self.phase = Phase::Cdata;
                if self.wants(want::START_CDATA) {
                    Progress::Step(Step::StartCdata)
                } else {
                    self.default_step(start, end)
                }
            }
            Token::Comment { text } => self.comment_step(text, start, end),
            Token::Pi { target, data } => self.pi_step(target, data, start, end),
            _ => Progress::Again,
        })
    }

    /// Is it the document's text that ends here, but for now only?
    fn more_text_may_come(&self) -> bool {
        self.open.is_empty() && (!self.doc.last || self.doc.is_stuck())
    }

    pub(super) fn comment_step(&mut self, text: Range, start: usize, end: usize) -> Progress {
        if self.wants(want::COMMENT) {
            Progress::Step(Step::Comment(self.normalized(text.start, text.end)))
        } else {
            self.default_step(start, end)
        }
    }

    pub(super) fn pi_step(
        &mut self,
        target: Range,
        data: Range,
        start: usize,
        end: usize,
    ) -> Progress {
        if !self.wants(want::PI) {
            return self.default_step(start, end);
        }
        Progress::Step(Step::Pi {
            target: Span::current(target.start, target.end),
            data: self.normalized(data.start, data.end),
        })
    }

    /// The text is at its end: that of an entity, or what came of the document.
    fn end_of_text(&mut self) -> Result<Progress, ErrorCode> {
        if let Some(entity) = self.open.last() {
            if self.tags.len() != entity.level {
                return Err(ErrorCode::AsyncEntity);
            }
            self.close_entity();
            return Ok(Progress::Again);
        }
        if self.doc.is_stuck() || self.doc.last && self.doc.has_rest() {
            return self.partial();
        }
        if !self.doc.last {
            return match self.doc.has_rest() {
                true => self.partial(),
                false => Ok(Progress::NeedMore),
            };
        }
        match self.fragment {
            false => Err(ErrorCode::NoElements),
            true if !self.tags.is_empty() => Err(ErrorCode::AsyncEntity),
            true => Ok(Progress::NeedMore),
        }
    }

    pub(super) fn close_entity(&mut self) {
        if let Some(entity) = self.open.pop() {
            self.decls.entities[entity.index].open = false;
        }
    }

    /// Goes on with the text of an entity.
    pub(super) fn open_entity(&mut self, index: usize, between_declarations: bool) {
        let entity = &mut self.decls.entities[index];
        let Some(text) = entity.text.clone() else {
            return;
        };
        entity.open = true;
        self.open.push(OpenEntity {
            index,
            text,
            pos: 0,
            level: self.tags.len(),
            between_declarations,
        });
    }

    /// `&name;` in content.
    fn entity_reference(
        &mut self,
        name: Range,
        start: usize,
        end: usize,
    ) -> Result<Progress, ErrorCode> {
        let (text, _) = self.current();
        let name_text = name.of(text);
        if let Some(c) = predefined(name_text) {
            // What stands for one character is not worth counting more.
            self.move_to(end);
            return Ok(self.char_step(c, start, end));
        }
        let decls = &self.decls;
        let index = decls.general_entity(name_text);
        let must_exist = !decls.has_param_entity_refs || decls.standalone;
        let index = match index {
            None if must_exist => return Err(ErrorCode::UndefinedEntity),
            Some(index) if must_exist && !decls.entities[index].declared_inside => {
                return Err(ErrorCode::EntityDeclaredInPe);
            }
            None => {
                self.move_to(end);
                return Ok(self.skipped_step(name, start, end));
            }
            Some(index) => index,
        };
        let entity = &decls.entities[index];
        if entity.open {
            return Err(ErrorCode::RecursiveEntityRef);
        }
        if entity.notation.is_some() {
            return Err(ErrorCode::BinaryEntityRef);
        }
        if entity.text.is_some() {
            self.move_to(end);
            if self.wants(want::KEEP_ENTITIES) {
                return Ok(self.skipped_step(name, start, end));
            }
            self.open_entity(index, false);
            return Ok(Progress::Again);
        }
        self.move_to(end);
        if self.wants(want::EXTERNAL_ENTITY) {
            self.ask_external_entity(index);
            return Ok(Progress::Again);
        }
        Ok(self.default_step(start, end))
    }

    fn skipped_step(&self, name: Range, start: usize, end: usize) -> Progress {
        if self.wants(want::SKIPPED_ENTITY) {
            Progress::Step(Step::Skipped {
                name: Span::current(name.start, name.end),
                is_parameter: false,
            })
        } else {
            self.default_step(start, end)
        }
    }

    /// One token inside of a CDATA section.
    pub(super) fn cdata(&mut self) -> Result<Progress, ErrorCode> {
        self.scratch.clear();
        let lines = !self.wants(want::MERGED_TEXT);
        let (text, start) = self.current();
        let scanned = Parser::scanner(text, self.namespaces).cdata(start, lines);
        self.set_event(start);
        let (token, end) = match scanned {
            Ok((Token::End, _)) | Err(Stop::Partial) => {
                let stuck = self.open.is_empty() && self.doc.is_stuck();
                return match self.partial() {
                    Err(ErrorCode::UnclosedToken) if !stuck => Err(ErrorCode::UnclosedCdataSection),
                    other => other,
                };
            }
            Ok(scanned) => scanned,
            Err(Stop::Invalid(at)) => return self.invalid_at(at),
        };
        let end = match token {
            Token::Text if lines => self.cut(start, end),
            _ => end,
        };
        self.account(end - start)?;
        self.move_to(end);
        Ok(match token {
            Token::CdataClose => {
                self.phase = Phase::Content;
                if self.wants(want::END_CDATA) {
                    Progress::Step(Step::EndCdata)
                } else {
                    self.default_step(start, end)
                }
            }
            Token::Newline => self.newline_step(start, end),
            _ => self.text_step(Span::current(start, end)),
        })
    }

    /// One token behind the document's element.
    pub(super) fn epilog(&mut self) -> Result<Progress, ErrorCode> {
        use crate::scan_prolog::Mark;
        self.scratch.clear();
        let start = self.doc.pos;
        let scanned = Parser::scanner(self.doc.text(), self.namespaces).prolog(start);
        self.doc.event = Some(start);
        let (mark, end, open) = match scanned {
            Ok(scanned) => scanned,
            Err(Stop::Partial) => return self.partial(),
            Err(Stop::Invalid(at)) => return self.invalid_at(at),
        };
        if mark == Mark::End {
            return match self.doc.is_stuck() || self.doc.last && self.doc.has_rest() {
                true => self.partial(),
                false => Ok(Progress::NeedMore),
            };
        }
        if open && mark == Mark::Space && self.more_text_may_come() {
            return self.partial();
        }
        self.account(end - start)?;
        match mark {
            Mark::Space => {
                self.move_to(end);
                Ok(self.default_step(start, end))
            }
            Mark::Pi { target, data } => {
                self.move_to(end);
                Ok(self.pi_step(target, data, start, end))
            }
            Mark::Comment { text } => {
                self.move_to(end);
                Ok(self.comment_step(text, start, end))
            }
            _ => Err(ErrorCode::JunkAfterDocElement),
        }
    }
}

/// The characters that are entities in every document.
pub(super) fn predefined(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "apos" => '\'',
        "quot" => '"',
        _ => return None,
    })
}
