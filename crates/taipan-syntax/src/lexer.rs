//! A tokenizer with CPython's tokens, limits and error texts.
//!
//! Valid sources are parsed from the parser crate's own tokens; this one serves the diagnostics
//! pass (which must refuse at the very token CPython refuses at) and [`crate::tokenize`].

mod numbers;
mod strings;

use std::cell::Cell;

use crate::chars::{is_printable, is_xid_continue, is_xid_start};
use crate::error::{ErrorKind, SyntaxError};
use crate::position::LineIndex;

/// Nesting of brackets that CPython's tokenizer takes.
pub const MAX_BRACKETS: usize = 200;
/// Levels of indentation that CPython's tokenizer takes.
pub const MAX_INDENTS: usize = 100;
/// Fields within fields of an f-string.
const MAX_FIELDS: usize = 4;

/// Kinds of tokens, as coarse as the grammar needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An identifier or keyword.
    Name,
    /// A number.
    Number,
    /// A string or bytes literal.
    String,
    /// Prefix and opening quotes of an f-string.
    FStart,
    /// Literal text of an f-string.
    FMiddle,
    /// Closing quotes of an f-string.
    FEnd,
    /// Prefix and opening quotes of a t-string.
    TStart,
    /// Literal text of a t-string.
    TMiddle,
    /// Closing quotes of a t-string.
    TEnd,
    /// End of a logical line.
    Newline,
    /// Start of a block.
    Indent,
    /// End of a block.
    Dedent,
    /// An operator or a character no token starts with.
    Op,
    /// A comment (only with [`Lexer::extra_tokens`]).
    Comment,
    /// A line end that ends no statement (only with [`Lexer::extra_tokens`]).
    Nl,
    /// The end.
    End,
    /// What the parser sees after an error.
    Error,
}

/// A token: kind, byte range, line of its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// Kind.
    pub kind: Kind,
    /// Byte offset of the start.
    pub start: u32,
    /// Byte offset of the end.
    pub end: u32,
    /// Line of the start, from one.
    pub line: u32,
    /// Whether CPython gives the token columns (not INDENT, DEDENT, ENDMARKER).
    pub placed: bool,
    /// Bracket nesting after the token.
    pub level: u16,
}

/// A number directly followed by a keyword, which only warns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberWarning {
    /// Text of the warning.
    pub message: String,
    /// Line.
    pub line: u32,
    /// Byte offset of the end of the number.
    pub offset: u32,
}

#[derive(Debug)]
struct Bracket {
    ch: u8,
    line: u32,
    offset: u32,
}

/// State of one f-string or t-string that is being read.
#[derive(Debug)]
struct Interpolated {
    quote: u8,
    size: usize,
    raw: bool,
    template: bool,
    start: u32,
    first_line: u32,
    /// Bracket nesting at the `{` of each open field.
    fields: Vec<usize>,
    /// Reading the expression of the innermost field, not literal text.
    in_expression: bool,
    in_spec: bool,
    /// Bracket nesting where the string starts.
    base: usize,
}

impl Interpolated {
    fn letter(&self) -> char {
        if self.template { 't' } else { 'f' }
    }
}

/// The tokenizer.
pub struct Lexer<'s> {
    src: &'s str,
    bytes: &'s [u8],
    index: &'s LineIndex,
    pub(crate) cur: usize,
    pub(crate) line_start: usize,
    pub(crate) line: u32,
    at_line_start: bool,
    pending: i32,
    indents: Vec<(u32, u32)>,
    brackets: Vec<Bracket>,
    modes: Vec<Interpolated>,
    /// The end of the source was met: more text could make it valid.
    pub(crate) at_end: Cell<bool>,
    extra: bool,
    /// Whether the current line holds a token (so that its end is a NEWLINE).
    line_has_token: bool,
    /// The last error is one that only the parser words (indentation, a stray backslash).
    pub(crate) worded_by_parser: Cell<bool>,
    /// Numbers that run into keywords.
    pub warnings: Vec<NumberWarning>,
}

type Res<T> = Result<T, Box<SyntaxError>>;

impl<'s> Lexer<'s> {
    /// A tokenizer over text with `\n` newlines.
    pub fn new(src: &'s str, index: &'s LineIndex) -> Self {
        Lexer {
            src,
            bytes: src.as_bytes(),
            index,
            cur: 0,
            line_start: 0,
            line: 0,
            at_line_start: true,
            pending: 0,
            indents: vec![(0, 0)],
            brackets: Vec::new(),
            modes: Vec::new(),
            at_end: Cell::new(false),
            extra: false,
            worded_by_parser: Cell::new(false),
            line_has_token: false,
            warnings: Vec::new(),
        }
    }

    /// Also yield comments and bare newlines, and let brackets be unbalanced.
    pub fn extra_tokens(mut self) -> Self {
        self.extra = true;
        self
    }

    /// Whether an f-string is being read.
    pub(crate) fn in_interpolated(&self) -> bool {
        !self.modes.is_empty()
    }

    /// Line of the innermost open bracket.
    pub(crate) fn open_bracket_line(&self) -> Option<u32> {
        self.brackets.last().map(|b| b.line)
    }

    /// In interactive mode the end of input closes all blocks.
    pub(crate) fn close_blocks(&mut self) {
        self.pending = -(self.indents.len() as i32 - 1);
        self.indents.truncate(1);
    }

    fn next(&mut self) -> Option<u8> {
        let Some(&b) = self.bytes.get(self.cur) else {
            self.at_end.set(true);
            return None;
        };
        if self.cur == 0 {
            self.line = self.line.max(1);
        } else if self.bytes[self.cur - 1] == b'\n' && self.cur > self.line_start {
            self.line += 1;
            self.line_start = self.cur;
        }
        self.cur += 1;
        Some(b)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.cur).copied()
    }

    fn back(&mut self, c: Option<u8>) {
        if c.is_some() {
            self.cur -= 1;
        }
    }

    fn chars(&self, from: usize, to: usize) -> i32 {
        self.src
            .get(from..to)
            .map_or(to.saturating_sub(from), |s| s.chars().count()) as i32
    }

    fn line_text(&self, line: u32, newline: bool) -> String {
        let text = self.index.line_text(self.src, line);
        if newline {
            text.to_owned()
        } else {
            text.trim_end_matches('\n').to_owned()
        }
    }

    /// An error at the current place, as the tokenizer itself raises it.
    fn error(&self, message: String) -> Box<SyntaxError> {
        let col = self.chars(self.line_start, self.cur);
        self.error_range(message, col, col)
    }

    fn error_range(&self, message: String, start: i32, end: i32) -> Box<SyntaxError> {
        self.at_end.set(false);
        Box::new(SyntaxError {
            kind: ErrorKind::Syntax,
            message,
            lineno: self.line,
            col_offset: start,
            end_lineno: self.line,
            end_offset: end,
            text: Some(self.line_text(self.line, false)),
        })
    }

    /// An error that the parser makes out of a tokenizer failure.
    fn failure(&self, kind: ErrorKind, message: &str, col: i32, end: i32) -> Box<SyntaxError> {
        self.worded_by_parser.set(true);
        self.at_end.set(false);
        Box::new(SyntaxError {
            kind,
            message: message.to_owned(),
            lineno: self.line,
            col_offset: col,
            end_lineno: self.line,
            end_offset: end,
            text: Some(self.line_text(self.line, true)),
        })
    }

    /// The error for the innermost bracket still open at the end.
    pub(crate) fn unclosed(&self) -> Option<Box<SyntaxError>> {
        let b = self.brackets.last()?;
        let start = self.index.line_start(b.line) as usize;
        Some(Box::new(SyntaxError {
            kind: ErrorKind::Syntax,
            message: format!("'{}' was never closed", char::from(b.ch)),
            lineno: b.line,
            col_offset: self.chars(start, b.offset as usize) + 1,
            end_lineno: b.line,
            end_offset: 0,
            text: Some(self.line_text(b.line, b.line >= self.line)),
        }))
    }

    fn unexpected_eof(&mut self) -> Box<SyntaxError> {
        self.cur = self.bytes.len();
        let error = self.unclosed().unwrap_or_else(|| {
            let col = self.chars(self.line_start, self.cur);
            self.failure(ErrorKind::Syntax, "unexpected EOF while parsing", col, -1)
        });
        self.worded_by_parser.set(true);
        self.at_end.set(true);
        error
    }

    fn token(&self, kind: Kind, start: usize) -> Token {
        let line = if start >= self.line_start {
            self.line
        } else {
            self.index.line((start as u32).into())
        };
        Token {
            kind,
            start: start as u32,
            end: self.cur as u32,
            line,
            placed: true,
            level: self.brackets.len() as u16,
        }
    }

    fn unplaced(&self, kind: Kind) -> Token {
        Token {
            placed: false,
            ..self.token(kind, self.cur)
        }
    }

    /// The next token.
    pub fn next_token(&mut self) -> Res<Token> {
        match self.modes.last() {
            Some(mode) if !mode.in_expression => self.literal_text(),
            _ => self.regular(),
        }
    }

    fn regular(&mut self) -> Res<Token> {
        loop {
            let mut blank = false;
            if std::mem::take(&mut self.at_line_start) {
                blank = self.indentation()?;
            }
            if self.pending != 0 {
                let kind = if self.pending < 0 {
                    Kind::Dedent
                } else {
                    Kind::Indent
                };
                self.pending -= self.pending.signum();
                return Ok(self.unplaced(kind));
            }
            if let Some(token) = self.after_indentation(blank)? {
                return Ok(token);
            }
        }
    }

    /// Reads leading blanks; whether the line is blank or only a comment.
    fn indentation(&mut self) -> Res<bool> {
        let (mut col, mut alt) = (0u32, 0u32);
        let mut continued: Option<(u32, u32)> = None;
        let c = loop {
            let c = self.next();
            match c {
                Some(b' ') => (col, alt) = (col + 1, alt + 1),
                Some(b'\t') => (col, alt) = ((col / 8 + 1) * 8, alt + 1),
                Some(b'\x0C') => (col, alt) = (0, 0),
                Some(b'\\') => {
                    // Only what stands before the first backslash counts.
                    if continued.is_none() && col > 0 {
                        continued = Some((col, alt));
                    }
                    self.continuation()?;
                }
                _ => break c,
            }
        };
        self.back(c);
        if matches!(c, Some(b'#' | b'\n')) {
            return Ok(true);
        }
        if !self.brackets.is_empty() {
            return Ok(false);
        }
        let (col, alt) = continued.unwrap_or((col, alt));
        let (top, top_alt) = self.indents.last().copied().unwrap_or((0, 0));
        if col == top {
            if alt != top_alt {
                return Err(self.tab_error());
            }
        } else if col > top {
            if self.indents.len() >= MAX_INDENTS {
                return Err(self.failure(
                    ErrorKind::Indentation,
                    "too many levels of indentation",
                    1,
                    0,
                ));
            }
            if alt <= top_alt {
                return Err(self.tab_error());
            }
            self.indents.push((col, alt));
            self.pending += 1;
        } else {
            while self.indents.len() > 1 && self.indents.last().is_some_and(|i| col < i.0) {
                self.indents.pop();
                self.pending -= 1;
            }
            let (top, top_alt) = self.indents.last().copied().unwrap_or((0, 0));
            if col != top {
                let end = self.index.line_text(self.src, self.line).len();
                let col = self.chars(self.line_start, self.line_start + end);
                let message = "unindent does not match any outer indentation level";
                return Err(self.failure(ErrorKind::Indentation, message, col, -1));
            }
            if alt != top_alt {
                return Err(self.tab_error());
            }
        }
        Ok(false)
    }

    fn tab_error(&self) -> Box<SyntaxError> {
        let message = "inconsistent use of tabs and spaces in indentation";
        self.failure(ErrorKind::Tab, message, 1, 0)
    }

    /// What follows a backslash outside of strings.
    fn continuation(&mut self) -> Res<()> {
        let c = self.next();
        if c != Some(b'\n') {
            let read = if c.is_some() {
                self.char_end(self.cur - 1)
            } else {
                self.cur
            };
            let col = self.chars(self.line_start, read);
            let message = "unexpected character after line continuation character";
            return Err(self.failure(ErrorKind::Syntax, message, col, 0));
        }
        match self.next() {
            None => Err(self.unexpected_eof()),
            c => {
                self.back(c);
                Ok(())
            }
        }
    }

    /// End of the character that starts at a byte offset.
    fn char_end(&self, start: usize) -> usize {
        let c = self.src.get(start..).and_then(|s| s.chars().next());
        start + c.map_or(1, char::len_utf8)
    }

    fn after_indentation(&mut self, blank: bool) -> Res<Option<Token>> {
        let mut blank = blank;
        loop {
            let c = loop {
                match self.next() {
                    Some(b' ' | b'\t' | b'\x0C') => {}
                    c => break c,
                }
            };
            let Some(mut c) = c else {
                if !self.brackets.is_empty() && !self.extra {
                    return Err(self.unexpected_eof());
                }
                return Ok(Some(self.unplaced(Kind::End)));
            };
            let start = self.cur - 1;
            if c == b'#' {
                while self.peek().is_some_and(|b| b != b'\n') {
                    self.cur += 1;
                }
                if self.extra {
                    return Ok(Some(self.token(Kind::Comment, start)));
                }
                match self.next() {
                    // A NEWLINE after a comment starts where the comment does.
                    Some(b) => c = b,
                    None => continue,
                }
            }
            match c {
                b'\n' => {
                    self.at_line_start = true;
                    if blank || !self.brackets.is_empty() || (self.extra && !self.line_has_token) {
                        if self.extra {
                            return Ok(Some(self.token(Kind::Nl, start)));
                        }
                        return Ok(None);
                    }
                    self.line_has_token = false;
                    return Ok(Some(self.token(Kind::Newline, start)));
                }
                b'\\' => {
                    self.continuation()?;
                    blank = false;
                }
                _ => {
                    self.line_has_token = true;
                    return self.word_or_op(c, start).map(Some);
                }
            }
        }
    }

    fn word_or_op(&mut self, c: u8, start: usize) -> Res<Token> {
        match c {
            b'A'..=b'Z' | b'a'..=b'z' | b'_' | 0x80.. => self.name(start),
            b'0'..=b'9' => self.number(c, start),
            b'.' if self.peek().is_some_and(|b| b.is_ascii_digit()) => {
                let c = self.next();
                self.fraction(c)?;
                Ok(self.token(Kind::Number, start))
            }
            b'\'' | b'"' => self.string(start, start, c),
            _ => self.op(c, start),
        }
    }

    fn name(&mut self, start: usize) -> Res<Token> {
        self.cur = start;
        let mut seen: Vec<u8> = Vec::new();
        while let Some(b) = self.peek() {
            let lower = b.to_ascii_lowercase();
            if !matches!(lower, b'b' | b'u' | b'r' | b'f' | b't') || seen.contains(&lower) {
                break;
            }
            self.cur += 1;
            seen.push(lower);
            if let Some(q @ (b'\'' | b'"')) = self.peek() {
                self.check_prefix(&seen, start)?;
                self.cur += 1;
                if seen.contains(&b'f') || seen.contains(&b't') {
                    return Ok(self.interpolated_start(start, q, &seen));
                }
                return self.string(start, self.cur - 1, q);
            }
        }
        self.cur = start;
        while self
            .peek()
            .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80)
        {
            self.cur += 1;
        }
        self.note_end();
        self.verify_name(start)?;
        Ok(self.token(Kind::Name, start))
    }

    fn check_prefix(&self, seen: &[u8], start: usize) -> Res<()> {
        const PAIRS: [(u8, u8); 7] = [
            (b'u', b'b'),
            (b'u', b'r'),
            (b'u', b'f'),
            (b'u', b't'),
            (b'b', b'f'),
            (b'b', b't'),
            (b'f', b't'),
        ];
        for (a, b) in PAIRS {
            if seen.contains(&a) && seen.contains(&b) {
                let (a, b) = (char::from(a), char::from(b));
                let col = self.chars(self.line_start, start);
                let message = format!("'{a}' and '{b}' prefixes are incompatible");
                return Err(self.error_range(message, col + 1, col + 1 + seen.len() as i32));
            }
        }
        Ok(())
    }

    fn verify_name(&mut self, start: usize) -> Res<()> {
        let text = self.src.get(start..self.cur).unwrap_or("");
        if text.is_ascii() {
            return Ok(());
        }
        let mut first = true;
        for (i, c) in text.char_indices() {
            let fine = if std::mem::take(&mut first) {
                is_xid_start(c)
            } else {
                is_xid_continue(c)
            };
            if !fine {
                self.cur = start + i + c.len_utf8();
                let code = c as u32;
                return Err(self.error(if is_printable(c) {
                    format!("invalid character '{c}' (U+{code:04X})")
                } else {
                    format!("invalid non-printable character U+{code:04X}")
                }));
            }
        }
        Ok(())
    }

    /// After a token that is recognised by the character behind it: was there one?
    fn note_end(&self) {
        if self.cur >= self.bytes.len() {
            self.at_end.set(true);
        }
    }

    fn op(&mut self, c: u8, start: usize) -> Res<Token> {
        self.note_end();
        let in_field = self.modes.last().is_some_and(|m| {
            m.fields
                .last()
                .is_some_and(|&l| l + 1 == self.brackets.len())
        });
        if c == b':' && in_field {
            if let Some(mode) = self.modes.last_mut() {
                mode.in_expression = false;
                mode.in_spec = true;
            }
            return Ok(self.token(Kind::Op, start));
        }
        for len in [3, 2] {
            let text = self.bytes.get(start..start + len);
            if text.is_some_and(|t| is_long_op(t) && !(self.extra && t == b"<>")) {
                self.cur = start + len;
                return Ok(self.token(Kind::Op, start));
            }
        }
        match c {
            b'(' | b'[' | b'{' => {
                if self.brackets.len() >= MAX_BRACKETS {
                    return Err(self.error("too many nested parentheses".to_owned()));
                }
                self.brackets.push(Bracket {
                    ch: c,
                    line: self.line,
                    offset: start as u32,
                });
            }
            b')' | b']' | b'}' => self.close(c)?,
            b' '..=b'~' => {}
            _ => return Err(self.error(format!("invalid non-printable character U+{c:04X}"))),
        }
        Ok(self.token(Kind::Op, start))
    }

    fn close(&mut self, c: u8) -> Res<()> {
        let ch = char::from(c);
        let mode = self
            .modes
            .last()
            .map(|m| (m.letter(), m.base, m.fields.last().copied()));
        if let Some((letter, base, field)) = mode {
            if c == b'}' && self.brackets.len() == base {
                return Err(self.error(format!("{letter}-string: single '}}' is not allowed")));
            }
            if c != b'}' && field.is_some_and(|f| f + 1 == self.brackets.len()) {
                return Err(self.error(format!("{letter}-string: unmatched '{ch}'")));
            }
        }
        let Some(open) = self.brackets.pop() else {
            if self.extra {
                return Ok(());
            }
            return Err(self.error(format!("unmatched '{ch}'")));
        };
        if !self.extra && !matches!((open.ch, c), (b'(', b')') | (b'[', b']') | (b'{', b'}')) {
            let o = char::from(open.ch);
            let mut message =
                format!("closing parenthesis '{ch}' does not match opening parenthesis '{o}'");
            if open.line != self.line {
                message += &format!(" on line {}", open.line);
            }
            return Err(self.error(message));
        }
        let level = self.brackets.len();
        if let Some(mode) = self.modes.last_mut()
            && c == b'}'
            && mode.fields.last() == Some(&level)
        {
            mode.fields.pop();
            mode.in_expression = false;
            mode.in_spec = !mode.fields.is_empty();
        }
        Ok(())
    }
}

fn is_long_op(text: &[u8]) -> bool {
    matches!(
        text,
        b"**="
            | b"//="
            | b">>="
            | b"<<="
            | b"..."
            | b"=="
            | b"!="
            | b"<>"
            | b"<="
            | b">="
            | b"->"
            | b"+="
            | b"-="
            | b"*="
            | b"/="
            | b"%="
            | b"&="
            | b"|="
            | b"^="
            | b"@="
            | b":="
            | b"**"
            | b"//"
            | b"<<"
            | b">>"
    )
}
