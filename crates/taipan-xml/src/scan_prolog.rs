//! Tokens of the prolog and of declarations.

use crate::chars::{is_ascii_name, is_ascii_start, is_space, wide_name, wide_start};
use crate::scan::{Range, Scanner, Stop, Token};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Mark {
    /// The text is at its end.
    End,
    Space,
    XmlDecl,
    Pi {
        target: Range,
        data: Range,
    },
    Comment {
        text: Range,
    },
    /// `<!NAME`
    DeclOpen,
    /// `>`
    DeclClose,
    /// The start tag of the document's element; it is not part of the token.
    InstanceStart,
    /// `<![`
    SectionOpen,
    /// `]]>`
    SectionClose,
    Name,
    PrefixedName,
    /// A name but for its first character.
    NmToken,
    /// `#NAME`
    PoundName,
    /// A text in quotes.
    Literal,
    NameOptional,
    NameRepeated,
    NamePlus,
    Percent,
    /// `%name;`
    ParamEntityRef,
    OpenParen,
    CloseParen,
    CloseParenOptional,
    CloseParenRepeated,
    CloseParenPlus,
    OpenBracket,
    CloseBracket,
    Or,
    Comma,
}

/// A token, where it ends, and whether more text could make it longer or another one.
pub(crate) type Marked = Result<(Mark, usize, bool), Stop>;

fn done(mark: Mark, end: usize) -> Marked {
    Ok((mark, end, false))
}

impl Scanner<'_> {
    /// The next token of the prolog at `at`.
    pub fn prolog(&self, at: usize) -> Marked {
        let Some(first) = self.bytes.get(at) else {
            return done(Mark::End, at);
        };
        match first {
            b'"' | b'\'' => self.literal(at),
            b'<' => self.prolog_markup(at),
            b'\r' if at + 1 == self.bytes.len() => Ok((Mark::Space, at + 1, true)),
            byte if is_space(*byte) => done(Mark::Space, self.blanks(at)),
            b'%' => self.percent(at),
            b',' => done(Mark::Comma, at + 1),
            b'[' => done(Mark::OpenBracket, at + 1),
            b']' => self.close_bracket(at),
            b'(' => done(Mark::OpenParen, at + 1),
            b')' => self.close_paren(at),
            b'|' => done(Mark::Or, at + 1),
            b'>' => done(Mark::DeclClose, at + 1),
            b'#' => self.pound_name(at),
            _ => self.prolog_name(at),
        }
    }

    /// The end of white space; a carriage return at the end of the text is left.
    fn blanks(&self, at: usize) -> usize {
        let mut end = at + 1;
        while let Some(byte) = self.bytes.get(end) {
            if !is_space(*byte) || *byte == b'\r' && end + 1 == self.bytes.len() {
                break;
            }
            end += 1;
        }
        end
    }

    fn literal(&self, at: usize) -> Marked {
        let quote = self.bytes[at];
        let Some(skip) = memchr::memchr(quote, &self.bytes[at + 1..]) else {
            return Err(Stop::Partial);
        };
        let end = at + 1 + skip + 1;
        match self.bytes.get(end) {
            None => Ok((Mark::Literal, end, true)),
            Some(b'>' | b'%' | b'[') => done(Mark::Literal, end),
            Some(byte) if is_space(*byte) => done(Mark::Literal, end),
            Some(_) => Err(Stop::Invalid(end)),
        }
    }

    fn prolog_markup(&self, at: usize) -> Marked {
        match self.at(at + 1)? {
            b'!' => self.declaration(at),
            b'?' => match self.instruction(at)? {
                (Token::Pi { target, data }, end) => done(Mark::Pi { target, data }, end),
                (_, end) => done(Mark::XmlDecl, end),
            },
            byte if is_ascii_start(byte) || byte >= 0x80 => done(Mark::InstanceStart, at),
            b':' if !self.namespaces => done(Mark::InstanceStart, at),
            _ => Err(Stop::Invalid(at + 1)),
        }
    }

    fn declaration(&self, at: usize) -> Marked {
        let mut end = at + 2;
        match self.at(end)? {
            b'-' => {
                return match self.comment(at)? {
                    (Token::Comment { text }, end) => done(Mark::Comment { text }, end),
                    (_, end) => Err(Stop::Invalid(end)),
                };
            }
            b'[' => return done(Mark::SectionOpen, end + 1),
            byte if is_ascii_start(byte) => end += 1,
            _ => return Err(Stop::Invalid(end)),
        }
        loop {
            let byte = self.at(end)?;
            if byte == b'%' {
                // `<!ENTITY% name` is not allowed.
                let after = self.at(end + 1)?;
                return if is_space(after) || after == b'%' {
                    Err(Stop::Invalid(end))
                } else {
                    done(Mark::DeclOpen, end)
                };
            }
            if is_space(byte) {
                return done(Mark::DeclOpen, end);
            }
            if !is_ascii_start(byte) && (byte != b':' || self.namespaces) {
                return Err(Stop::Invalid(end));
            }
            end += 1;
        }
    }

    fn percent(&self, at: usize) -> Marked {
        let next = self.at(at + 1)?;
        if is_space(next) || next == b'%' {
            return done(Mark::Percent, at + 1);
        }
        let end = self.name_rest(self.name_start(at + 1)?)?;
        match self.bytes[end] {
            b';' => done(Mark::ParamEntityRef, end + 1),
            _ => Err(Stop::Invalid(end)),
        }
    }

    fn close_bracket(&self, at: usize) -> Marked {
        match self.bytes[at + 1..] {
            [] => Ok((Mark::CloseBracket, at + 1, true)),
            [b']'] => Err(Stop::Partial),
            [b']', b'>', ..] => done(Mark::SectionClose, at + 3),
            _ => done(Mark::CloseBracket, at + 1),
        }
    }

    fn close_paren(&self, at: usize) -> Marked {
        match self.bytes.get(at + 1) {
            None => Ok((Mark::CloseParen, at + 1, true)),
            Some(b'*') => done(Mark::CloseParenRepeated, at + 2),
            Some(b'?') => done(Mark::CloseParenOptional, at + 2),
            Some(b'+') => done(Mark::CloseParenPlus, at + 2),
            Some(b'>' | b',' | b'|' | b')') => done(Mark::CloseParen, at + 1),
            Some(byte) if is_space(*byte) => done(Mark::CloseParen, at + 1),
            Some(_) => Err(Stop::Invalid(at + 1)),
        }
    }

    fn pound_name(&self, at: usize) -> Marked {
        let mut end = self.name_start(at + 1)?;
        while let Some(byte) = self.bytes.get(end) {
            match byte {
                b')' | b'>' | b'%' | b'|' => return done(Mark::PoundName, end),
                byte if is_space(*byte) => return done(Mark::PoundName, end),
                _ => match self.name_char(end) {
                    0 => return Err(Stop::Invalid(end)),
                    size => end += size,
                },
            }
        }
        Ok((Mark::PoundName, end, true))
    }

    /// The length of the character at `at` if it can be part of a name (a colon only without namespaces), else 0.
    fn name_char(&self, at: usize) -> usize {
        match self.bytes[at] {
            b':' => usize::from(!self.namespaces),
            byte @ 0..0x80 => usize::from(is_ascii_name(byte)),
            _ => wide_name(self.bytes, at),
        }
    }

    fn prolog_name(&self, at: usize) -> Marked {
        let first = self.bytes[at];
        let starts = match first {
            b':' => true,
            0..0x80 => is_ascii_start(first),
            _ => wide_start(self.bytes, at) > 0,
        };
        let (mut mark, mut end) = match (starts, first) {
            (true, b':') if self.namespaces => (Mark::NmToken, at + 1),
            (true, 0..0x80) => (Mark::Name, at + 1),
            (true, _) => (Mark::Name, at + wide_start(self.bytes, at)),
            (false, _) => match self.name_char(at) {
                0 => return Err(Stop::Invalid(at)),
                size => (Mark::NmToken, at + size),
            },
        };
        while let Some(byte) = self.bytes.get(end) {
            let suffixed = match byte {
                b'>' | b')' | b',' | b'|' | b'[' | b'%' => return done(mark, end),
                byte if is_space(*byte) => return done(mark, end),
                b'+' => Mark::NamePlus,
                b'*' => Mark::NameRepeated,
                b'?' => Mark::NameOptional,
                b':' if self.namespaces => {
                    end += 1;
                    mark = match mark {
                        Mark::Name => match self.bytes.get(end) {
                            None => return Err(Stop::Partial),
                            Some(_) if self.name_char(end) > 0 => Mark::PrefixedName,
                            Some(_) => Mark::NmToken,
                        },
                        _ => Mark::NmToken,
                    };
                    continue;
                }
                _ => match self.name_char(end) {
                    0 => return Err(Stop::Invalid(end)),
                    size => {
                        end += size;
                        continue;
                    }
                },
            };
            return match mark {
                Mark::NmToken => Err(Stop::Invalid(end)),
                _ => done(suffixed, end + 1),
            };
        }
        Ok((mark, end, true))
    }

    /// The next token of an entity's value: as [`Scanner::value`], but `<` is a character like others.
    pub fn entity_value(&self, at: usize) -> Result<(EntityPart, usize), Stop> {
        let Some(first) = self.bytes.get(at) else {
            return Ok((EntityPart::End, at));
        };
        match first {
            b'&' => Ok(match self.reference(at)? {
                (Token::CharRef(c), end) => (EntityPart::CharRef(c), end),
                (_, end) => (EntityPart::Text, end),
            }),
            b'%' => match self.percent(at)? {
                (Mark::ParamEntityRef, end, _) => Ok((EntityPart::ParamEntityRef, end)),
                (_, end, _) => Err(Stop::Invalid(end)),
            },
            b'\r' => Ok(match self.bytes.get(at + 1) {
                Some(b'\n') => (EntityPart::Newline, at + 2),
                _ => (EntityPart::Newline, at + 1),
            }),
            _ => {
                let stop = |byte: &u8| matches!(byte, b'&' | b'%' | b'\r');
                let skip = self.bytes[at..].iter().position(stop);
                let end = skip.map_or(self.bytes.len(), |skip| at + skip);
                Ok((EntityPart::Text, end))
            }
        }
    }

    /// The end of an ignored section whose opening is in front of `at`: behind the `]]>` that belongs to it.
    pub fn ignored_section(&self, mut at: usize) -> Result<usize, Stop> {
        let mut level = 0usize;
        loop {
            let rest = self.bytes.get(at..).unwrap_or(&[]);
            let Some(skip) = memchr::memchr2(b'<', b']', rest) else {
                return Err(Stop::Partial);
            };
            at += skip;
            let mark: &[u8] = if self.bytes[at] == b'<' {
                b"<!["
            } else {
                b"]]>"
            };
            let seen = self.bytes[at..].len().min(3);
            if self.bytes[at..at + seen] != mark[..seen] {
                at += 1;
                continue;
            }
            if seen < 3 {
                return Err(Stop::Partial);
            }
            at += 3;
            if mark == b"<![" {
                level += 1;
            } else if level == 0 {
                return Ok(at);
            } else {
                level -= 1;
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum EntityPart {
    End,
    Text,
    Newline,
    CharRef(Option<char>),
    ParamEntityRef,
}
