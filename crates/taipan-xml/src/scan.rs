//! Tokens of content: from a place in the text to the end of what begins there. Nothing here has a memory.

use crate::chars::{
    is_ascii_name, is_ascii_start, is_digit, is_hex, is_space, is_text_stop, is_value_stop,
    wide_name, wide_start,
};

/// Why there is no token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stop {
    /// The text ends inside of the token.
    Partial,
    /// The character here cannot be.
    Invalid(usize),
}

/// From where to where.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Range {
    pub start: usize,
    pub end: usize,
}

impl Range {
    pub fn new(start: usize, end: usize) -> Range {
        Range { start, end }
    }
    #[inline(always)]
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        &text[self.start..self.end]
    }
}

/// An attribute as it stands in a start tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawAttribute {
    pub name: Range,
    pub value: Range,
    /// The value is what stands there: no reference, no white space but blanks.
    pub plain: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Token {
    /// The text is at its end.
    End,
    /// Character data without line ends (or with, if they were allowed).
    Text,
    /// A line end.
    Newline,
    /// A carriage return at the end of the text: half of a line end, perhaps.
    TrailingReturn,
    /// `]` or `]]` at the end of the text.
    TrailingBrackets,
    StartTag {
        name: Range,
        empty: bool,
    },
    EndTag {
        name: Range,
    },
    EntityRef {
        name: Range,
    },
    CharRef(Option<char>),
    CdataOpen,
    CdataClose,
    Comment {
        text: Range,
    },
    Pi {
        target: Range,
        data: Range,
    },
    /// `<?xml ...?>`
    XmlDecl,
}

/// A token, and where it ends.
pub(crate) type Scanned = Result<(Token, usize), Stop>;

pub(crate) struct Scanner<'a> {
    pub bytes: &'a [u8],
    /// Colons in names separate prefixes.
    pub namespaces: bool,
}

impl Scanner<'_> {
    #[inline(always)]
    pub fn at(&self, at: usize) -> Result<u8, Stop> {
        match self.bytes.get(at) {
            Some(byte) => Ok(*byte),
            None => Err(Stop::Partial),
        }
    }

    /// Over the first character of a name.
    #[inline(always)]
    pub fn name_start(&self, at: usize) -> Result<usize, Stop> {
        let byte = self.at(at)?;
        if is_ascii_start(byte) || byte == b':' && !self.namespaces {
            return Ok(at + 1);
        }
        match byte {
            0..0x80 => Err(Stop::Invalid(at)),
            _ => match wide_start(self.bytes, at) {
                0 => Err(Stop::Invalid(at)),
                size => Ok(at + size),
            },
        }
    }

    /// Over the rest of a name; stops at what is not part of it.
    #[inline(always)]
    pub fn name_rest(&self, mut at: usize) -> Result<usize, Stop> {
        loop {
            let byte = self.at(at)?;
            if is_ascii_name(byte) || byte == b':' && !self.namespaces {
                at += 1;
            } else if byte < 0x80 {
                return Ok(at);
            } else {
                match wide_name(self.bytes, at) {
                    0 => return Err(Stop::Invalid(at)),
                    size => at += size,
                }
            }
        }
    }

    /// Over a name, with one colon inside where prefixes are separated.
    #[inline(always)]
    fn qualified_name(&self, at: usize) -> Result<usize, Stop> {
        let at = self.name_rest(self.name_start(at)?)?;
        if self.namespaces && self.bytes[at] == b':' {
            let at = self.name_rest(self.name_start(at + 1)?)?;
            if self.bytes[at] == b':' {
                return Err(Stop::Invalid(at));
            }
            return Ok(at);
        }
        Ok(at)
    }

    pub fn skip_space(&self, mut at: usize) -> Result<usize, Stop> {
        while is_space(self.at(at)?) {
            at += 1;
        }
        Ok(at)
    }

    /// The next token of content at `at`. `lines` ends character data at line ends.
    #[inline]
    pub fn content(&self, at: usize, lines: bool, attributes: &mut Vec<RawAttribute>) -> Scanned {
        let Some(first) = self.bytes.get(at) else {
            return Ok((Token::End, at));
        };
        match first {
            b'<' => self.markup(at, attributes),
            b'&' => self.reference(at),
            b'\n' if lines => Ok((Token::Newline, at + 1)),
            b'\r' => Ok(self.carriage_return(at)),
            b']' => match self.bytes[at + 1..] {
                [] => Ok((Token::TrailingBrackets, at + 1)),
                [b']'] => Ok((Token::TrailingBrackets, at + 2)),
                [b']', b'>', ..] => Err(Stop::Invalid(at + 2)),
                _ => self.text(at + 1, lines),
            },
            _ => self.text(at + 1, lines),
        }
    }

    fn carriage_return(&self, at: usize) -> (Token, usize) {
        match self.bytes.get(at + 1) {
            None => (Token::TrailingReturn, at + 1),
            Some(b'\n') => (Token::Newline, at + 2),
            Some(_) => (Token::Newline, at + 1),
        }
    }

    /// Character data whose first character is in front of `at`.
    #[inline]
    fn text(&self, mut at: usize, lines: bool) -> Scanned {
        loop {
            let rest = &self.bytes[at..];
            match rest.iter().position(|byte| is_text_stop(*byte)) {
                None => return Ok((Token::Text, self.bytes.len())),
                Some(skip) => at += skip,
            }
            match self.bytes[at] {
                b']' => match self.bytes[at + 1..] {
                    [b']', b'>', ..] => return Err(Stop::Invalid(at + 2)),
                    [b']', _, ..] => at += 1,
                    [] | [b']'] => return Ok((Token::Text, at)),
                    _ => at += 1,
                },
                b'\n' if !lines => at += 1,
                _ => return Ok((Token::Text, at)),
            }
        }
    }

    /// The next token inside of a CDATA section.
    pub fn cdata(&self, at: usize, lines: bool) -> Scanned {
        let Some(first) = self.bytes.get(at) else {
            return Ok((Token::End, at));
        };
        match first {
            b']' => match self.bytes[at + 1..] {
                [] | [b']'] => return Err(Stop::Partial),
                [b']', b'>', ..] => return Ok((Token::CdataClose, at + 3)),
                _ => {}
            },
            b'\n' if lines => return Ok((Token::Newline, at + 1)),
            b'\r' if at + 1 == self.bytes.len() => return Err(Stop::Partial),
            b'\r' => return Ok(self.carriage_return(at)),
            _ => {}
        }
        let from = at + 1;
        let rest = &self.bytes[from..];
        let stop = if lines {
            memchr::memchr3(b']', b'\r', b'\n', rest)
        } else {
            memchr::memchr2(b']', b'\r', rest)
        };
        let end = stop.map_or(self.bytes.len(), |skip| from + skip);
        Ok((Token::Text, end))
    }

    /// `&name;` or `&#number;`
    pub fn reference(&self, at: usize) -> Scanned {
        if self.at(at + 1)? == b'#' {
            return self.char_reference(at);
        }
        let end = self.name_rest(self.name_start(at + 1)?)?;
        match self.bytes[end] {
            b';' => Ok((
                Token::EntityRef {
                    name: Range::new(at + 1, end),
                },
                end + 1,
            )),
            _ => Err(Stop::Invalid(end)),
        }
    }

    fn char_reference(&self, at: usize) -> Scanned {
        let hex = self.at(at + 2)? == b'x';
        let first = if hex { at + 3 } else { at + 2 };
        let good = |byte: u8| if hex { is_hex(byte) } else { is_digit(byte) };
        if !good(self.at(first)?) {
            return Err(Stop::Invalid(first));
        }
        let mut end = first;
        let mut number = 0u32;
        loop {
            let byte = self.at(end)?;
            if byte == b';' {
                break;
            }
            if !good(byte) {
                return Err(Stop::Invalid(end));
            }
            let digit = (byte as char).to_digit(16).unwrap_or(0);
            number = (number * if hex { 16 } else { 10 } + digit).min(0x11_0000);
            end += 1;
        }
        let c = char::from_u32(number).filter(|_| crate::chars::is_xml_char(number));
        Ok((Token::CharRef(c), end + 1))
    }

    fn markup(&self, at: usize, attributes: &mut Vec<RawAttribute>) -> Scanned {
        match self.at(at + 1)? {
            b'/' => self.end_tag(at),
            b'!' => match self.at(at + 2)? {
                b'-' => self.comment(at),
                b'[' => self.cdata_open(at),
                _ => Err(Stop::Invalid(at + 2)),
            },
            b'?' => self.instruction(at),
            _ => self.start_tag(at, attributes),
        }
    }

    fn cdata_open(&self, at: usize) -> Scanned {
        for (index, expected) in b"CDATA[".iter().enumerate() {
            if self.at(at + 3 + index)? != *expected {
                return Err(Stop::Invalid(at + 3 + index));
            }
        }
        Ok((Token::CdataOpen, at + 9))
    }

    /// `<!--text-->`; the first three characters are known.
    pub fn comment(&self, at: usize) -> Scanned {
        if self.at(at + 3)? != b'-' {
            return Err(Stop::Invalid(at + 3));
        }
        let start = at + 4;
        let rest = self.bytes.get(start..).unwrap_or(&[]);
        let Some(skip) = memchr::memmem::find(rest, b"--") else {
            return Err(Stop::Partial);
        };
        let end = start + skip;
        if self.at(end + 2)? != b'>' {
            return Err(Stop::Invalid(end + 2));
        }
        let text = Range::new(start, end);
        Ok((Token::Comment { text }, end + 3))
    }

    /// `<?target data?>`; the first two characters are known.
    pub fn instruction(&self, at: usize) -> Scanned {
        let start = at + 2;
        let target_end = self.name_rest(self.name_start(start)?)?;
        let target = Range::new(start, target_end);
        let name = &self.bytes[start..target_end];
        let declaration = name == b"xml";
        match self.bytes[target_end] {
            b'?' => {}
            byte if is_space(byte) => {}
            _ => return Err(Stop::Invalid(target_end)),
        }
        if !declaration && name.eq_ignore_ascii_case(b"xml") {
            return Err(Stop::Invalid(target_end));
        }
        let (data, end) = if self.bytes[target_end] == b'?' {
            if self.at(target_end + 1)? != b'>' {
                return Err(Stop::Invalid(target_end + 1));
            }
            (Range::new(target_end, target_end), target_end + 2)
        } else {
            let Some(skip) = memchr::memmem::find(&self.bytes[target_end..], b"?>") else {
                return Err(Stop::Partial);
            };
            let end = target_end + skip;
            let data = &self.bytes[target_end..end];
            let blanks = data.iter().take_while(|byte| is_space(**byte)).count();
            (Range::new(target_end + blanks, end), end + 2)
        };
        if declaration {
            return Ok((Token::XmlDecl, end));
        }
        Ok((Token::Pi { target, data }, end))
    }

    fn end_tag(&self, at: usize) -> Scanned {
        let start = at + 2;
        let mut end = self.name_start(start)?;
        loop {
            end = self.name_rest(end)?;
            if self.namespaces && self.bytes[end] == b':' {
                end += 1;
            } else {
                break;
            }
        }
        let name = Range::new(start, end);
        match self.bytes[end] {
            b'>' => Ok((Token::EndTag { name }, end + 1)),
            byte if is_space(byte) => {
                let close = self.skip_space(end)?;
                match self.bytes[close] {
                    b'>' => Ok((Token::EndTag { name }, close + 1)),
                    _ => Err(Stop::Invalid(close)),
                }
            }
            _ => Err(Stop::Invalid(end)),
        }
    }

    fn start_tag(&self, at: usize, attributes: &mut Vec<RawAttribute>) -> Scanned {
        attributes.clear();
        let mut end = self.qualified_name(at + 1)?;
        let name = Range::new(at + 1, end);
        loop {
            let blank = is_space(self.at(end)?);
            if blank {
                end = self.skip_space(end)?;
            }
            match self.bytes[end] {
                b'>' => return Ok((Token::StartTag { name, empty: false }, end + 1)),
                b'/' => {
                    return match self.at(end + 1)? {
                        b'>' => Ok((Token::StartTag { name, empty: true }, end + 2)),
                        _ => Err(Stop::Invalid(end + 1)),
                    };
                }
                _ if !blank => return Err(Stop::Invalid(end)),
                _ => end = self.attribute(end, attributes)?,
            }
        }
    }

    /// One attribute; gives where it ends.
    #[inline(always)]
    fn attribute(&self, at: usize, attributes: &mut Vec<RawAttribute>) -> Result<usize, Stop> {
        let mut end = self.qualified_name(at)?;
        let name = Range::new(at, end);
        end = self.skip_space(end)?;
        if self.bytes[end] != b'=' {
            return Err(Stop::Invalid(end));
        }
        end = self.skip_space(end + 1)?;
        let quote = self.bytes[end];
        if !matches!(quote, b'"' | b'\'') {
            return Err(Stop::Invalid(end));
        }
        let start = end + 1;
        end = start;
        let mut plain = true;
        loop {
            let rest = self.bytes.get(end..).unwrap_or(&[]);
            match rest.iter().position(|byte| is_value_stop(*byte)) {
                None => return Err(Stop::Partial),
                Some(skip) => end += skip,
            }
            match self.bytes[end] {
                byte if byte == quote => break,
                b'<' => return Err(Stop::Invalid(end)),
                b'&' => {
                    plain = false;
                    end = self.reference(end)?.1;
                }
                b'"' | b'\'' => end += 1,
                _ => {
                    plain = false;
                    end += 1;
                }
            }
        }
        attributes.push(RawAttribute {
            name,
            value: Range::new(start, end),
            plain,
        });
        Ok(end + 1)
    }

    /// A part of an attribute's or an entity's value: characters up to a reference or white space, or one of those.
    pub fn value(&self, at: usize) -> Scanned {
        let Some(first) = self.bytes.get(at) else {
            return Ok((Token::End, at));
        };
        match first {
            b'&' => self.reference(at),
            b'<' => Err(Stop::Invalid(at)),
            b'\r' => Ok(match self.bytes.get(at + 1) {
                Some(b'\n') => (Token::Newline, at + 2),
                _ => (Token::Newline, at + 1),
            }),
            b'\n' | b'\t' => Ok((Token::Newline, at + 1)),
            _ => {
                let stop = |byte: &u8| matches!(byte, b'&' | b'<' | b'\r' | b'\n' | b'\t');
                let skip = self.bytes[at..].iter().position(stop);
                Ok((Token::Text, skip.map_or(self.bytes.len(), |skip| at + skip)))
            }
        }
    }
}
