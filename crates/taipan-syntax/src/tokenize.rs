//! Tokens as Python's `_tokenize` module yields them.

use crate::error::SyntaxError;
use crate::lexer::{Kind, Lexer, Token};
use crate::position::LineIndex;

/// Numbers of token kinds, as in Python's `token` module.
pub mod kinds {
    /// End of input.
    pub const ENDMARKER: u8 = 0;
    /// Identifier or keyword.
    pub const NAME: u8 = 1;
    /// Number.
    pub const NUMBER: u8 = 2;
    /// String or bytes literal.
    pub const STRING: u8 = 3;
    /// End of a logical line.
    pub const NEWLINE: u8 = 4;
    /// Start of a block.
    pub const INDENT: u8 = 5;
    /// End of a block.
    pub const DEDENT: u8 = 6;
    /// Any operator.
    pub const OP: u8 = 55;
    /// Start of an f-string.
    pub const FSTRING_START: u8 = 59;
    /// Text of an f-string.
    pub const FSTRING_MIDDLE: u8 = 60;
    /// End of an f-string.
    pub const FSTRING_END: u8 = 61;
    /// Start of a t-string.
    pub const TSTRING_START: u8 = 62;
    /// Text of a t-string.
    pub const TSTRING_MIDDLE: u8 = 63;
    /// End of a t-string.
    pub const TSTRING_END: u8 = 64;
    /// Comment.
    pub const COMMENT: u8 = 65;
    /// Line end that ends no statement.
    pub const NL: u8 = 66;
}

/// Operators in the order of their numbers, from 7.
const OPERATORS: [&str; 48] = [
    "(", ")", "[", "]", ":", ",", ";", "+", "-", "*", "/", "|", "&", "<", ">", "=", ".", "%", "{",
    "}", "==", "!=", "<=", ">=", "~", "^", "<<", ">>", "**", "+=", "-=", "*=", "/=", "%=", "&=",
    "|=", "^=", "<<=", ">>=", "**=", "//", "//=", "@", "@=", "->", "...", ":=", "!",
];

/// The column of a token that has none.
pub const NO_COLUMN: u32 = u32::MAX;

/// A token with positions: lines from one, columns in characters from zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PyToken {
    /// Number of the kind, see [`kinds`].
    pub kind: u8,
    /// Text.
    pub text: String,
    /// Line and column of the start.
    pub start: (u32, u32),
    /// Line and column of the end.
    pub end: (u32, u32),
}

/// Reads tokens one after the other, up to the end marker or an error.
pub struct Tokenizer<'s> {
    src: &'s str,
    index: &'s LineIndex,
    lexer: Lexer<'s>,
    extra: bool,
    /// The last newline is not in the original.
    implied_newline: bool,
    /// The lines that end with a carriage return too.
    crlf: &'s [u32],
    /// Pieces of a token that is split, last first.
    waiting: Vec<PyToken>,
    /// The f-string being read is raw.
    raw: bool,
    done: bool,
}

/// A source made ready for [`Tokenizer`].
pub struct TokenSource {
    text: String,
    index: LineIndex,
    implied_newline: bool,
    crlf: Vec<u32>,
}

impl TokenSource {
    /// Prepares a source: a missing last newline is implied.
    pub fn new(source: &str) -> Self {
        let mut text = crate::parse::normalize_newlines(source).into_owned();
        let implied_newline = !text.is_empty() && !text.ends_with('\n');
        if implied_newline {
            text.push('\n');
        }
        let index = LineIndex::new(&text);
        let crlf = crlf_lines(source);
        TokenSource {
            text,
            index,
            implied_newline,
            crlf,
        }
    }

    /// Text of the lines from `first` to `last`, as a token's `line` shows them.
    pub fn lines(&self, first: u32, last: u32) -> &str {
        let start = self.index.line_start(first) as usize;
        let mut end = self.index.line_start(last + 1) as usize;
        if self.implied_newline && end == self.text.len() {
            end -= 1;
        }
        self.text.get(start..end.max(start)).unwrap_or("")
    }

    /// The tokens. With `extra` they are those of the `tokenize` module: comments and bare
    /// newlines too, every operator of kind `OP`; without, those the parser sees.
    pub fn tokens(&self, extra: bool) -> Tokenizer<'_> {
        let lexer = Lexer::new(&self.text, &self.index);
        Tokenizer {
            src: &self.text,
            index: &self.index,
            lexer: if extra { lexer.extra_tokens() } else { lexer },
            extra,
            implied_newline: self.implied_newline,
            crlf: &self.crlf,
            waiting: Vec::new(),
            raw: false,
            done: false,
        }
    }
}

/// The numbers of the lines that end with carriage return and newline.
fn crlf_lines(source: &str) -> Vec<u32> {
    let bytes = source.as_bytes();
    let mut lines = Vec::new();
    let mut line = 1;
    for (i, byte) in bytes.iter().enumerate() {
        match byte {
            b'\r' if bytes.get(i + 1) == Some(&b'\n') => lines.push(line),
            b'\r' | b'\n' => line += 1,
            _ => {}
        }
    }
    lines
}

impl Tokenizer<'_> {
    fn place(&self, offset: u32) -> (u32, u32) {
        let (line, col) = self.index.char_position(self.src, offset.into());
        (line, col - 1)
    }

    fn text(&self, start: u32, end: u32) -> &str {
        self.src.get(start as usize..end as usize).unwrap_or("")
    }

    fn convert(&mut self, t: Token) -> PyToken {
        let text = self.text(t.start, t.end).to_owned();
        let kind = match t.kind {
            Kind::End | Kind::Error => kinds::ENDMARKER,
            Kind::Name => kinds::NAME,
            Kind::Number => kinds::NUMBER,
            Kind::String => kinds::STRING,
            Kind::FStart => kinds::FSTRING_START,
            Kind::FMiddle => kinds::FSTRING_MIDDLE,
            Kind::FEnd => kinds::FSTRING_END,
            Kind::TStart => kinds::TSTRING_START,
            Kind::TMiddle => kinds::TSTRING_MIDDLE,
            Kind::TEnd => kinds::TSTRING_END,
            Kind::Newline => kinds::NEWLINE,
            Kind::Indent => kinds::INDENT,
            Kind::Dedent => kinds::DEDENT,
            Kind::Comment => kinds::COMMENT,
            Kind::Nl => kinds::NL,
            Kind::Op if self.extra => kinds::OP,
            Kind::Op => {
                let number = OPERATORS.iter().position(|&op| op == text);
                number.map_or(kinds::OP, |n| n as u8 + 7)
            }
        };
        let mut token = PyToken {
            kind,
            text,
            start: self.place(t.start),
            end: self.place(t.end),
        };
        match t.kind {
            Kind::Newline | Kind::Nl if !self.extra => {
                token.end = token.start;
                token.text.clear();
            }
            Kind::Newline | Kind::Nl => {
                let (line, col) = token.start;
                token.end = (line, col + 1);
                if self.implied_newline && t.end as usize == self.src.len() {
                    token.text.clear();
                } else if self.crlf.binary_search(&line).is_ok() {
                    token.text = "\r\n".to_owned();
                    token.end = (line, col + 2);
                }
            }
            Kind::Indent | Kind::Dedent if !self.extra => {
                token.text.clear();
                token.start.1 = NO_COLUMN;
                token.end.1 = NO_COLUMN;
            }
            Kind::Indent => {
                let start = self.index.line_start(t.line);
                token.text = self.text(start, t.start).to_owned();
                token.start = (t.line, 0);
            }
            Kind::FStart | Kind::TStart => self.raw = token.text.contains(['r', 'R']),
            Kind::FMiddle | Kind::TMiddle => return self.split_middle(t, token),
            _ => {}
        }
        token
    }

    /// Ends a middle after each doubled brace, of which one is dropped.
    fn split_middle(&mut self, t: Token, token: PyToken) -> PyToken {
        let mut pieces = Vec::new();
        let mut from = t.start;
        let bytes = &self.src.as_bytes()[t.start as usize..t.end as usize];
        let mut i = 0;
        while i + 1 < bytes.len() {
            if !self.raw
                && bytes[i] == b'\\'
                && bytes[i + 1] == b'N'
                && bytes.get(i + 2) == Some(&b'{')
            {
                // The name ends a token too.
                let close = bytes[i..].iter().position(|&b| b == b'}');
                i = close.map_or(bytes.len(), |n| i + n);
                let end = (t.start + i as u32 + 1).min(t.end);
                pieces.push((from, end));
                from = end;
            } else if matches!(bytes[i], b'{' | b'}') && bytes[i] == bytes[i + 1] {
                let end = t.start + i as u32 + 1;
                pieces.push((from, end));
                from = end + 1;
                i += 1;
            }
            i += 1;
        }
        if pieces.is_empty() {
            return token;
        }
        if from < t.end {
            pieces.push((from, t.end));
        }
        let kind = token.kind;
        let make = |s: &Self, (a, b): (u32, u32)| PyToken {
            kind,
            text: s.text(a, b).to_owned(),
            start: s.place(a),
            end: s.place(b),
        };
        let first = make(self, pieces[0]);
        let rest: Vec<PyToken> = pieces[1..].iter().rev().map(|&p| make(self, p)).collect();
        self.waiting = rest;
        first
    }
}

impl Iterator for Tokenizer<'_> {
    type Item = Result<PyToken, SyntaxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(token) = self.waiting.pop() {
            return Some(Ok(token));
        }
        if self.done {
            return None;
        }
        match self.lexer.next_token() {
            Ok(token) => {
                self.done = token.kind == Kind::End;
                Some(Ok(self.convert(token)))
            }
            Err(error) => {
                self.done = true;
                Some(Err(*error))
            }
        }
    }
}
