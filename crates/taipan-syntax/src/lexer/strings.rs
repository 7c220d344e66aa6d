//! String literals, and the literal text of f-strings and t-strings.

use super::{Interpolated, Kind, Lexer, MAX_FIELDS, Res, Token};
use crate::error::SyntaxError;

impl Lexer<'_> {
    /// A string literal whose opening quote `q` is at `open`.
    pub(super) fn string(&mut self, start: usize, open: usize, q: u8) -> Res<Token> {
        let mut size = 1;
        let mut run = 0;
        self.cur = open + 1;
        if self.peek() == Some(q) {
            self.cur += 1;
            if self.peek() == Some(q) {
                self.cur += 1;
                size = 3;
            } else {
                return Ok(self.token(Kind::String, start));
            }
        }
        let mut escaped_quote = false;
        while run < size {
            let c = self.next();
            if c.is_none() || (size == 1 && c == Some(b'\n')) {
                let at_end = c.is_none();
                return Err(self.unterminated(at_end, start, q, size, escaped_quote));
            }
            if c == Some(q) {
                run += 1;
                continue;
            }
            run = 0;
            if c == Some(b'\\') && self.next() == Some(q) {
                escaped_quote = true;
            }
        }
        Ok(self.token(Kind::String, start))
    }

    pub(super) fn unterminated(
        &mut self,
        at_end: bool,
        start: usize,
        q: u8,
        size: usize,
        escaped_quote: bool,
    ) -> Box<SyntaxError> {
        let detected = self.line;
        // The error points at the opening quote.
        self.cur = start + 1;
        self.line = self.index.line((start as u32).into());
        self.line_start = self.index.line_start(self.line) as usize;
        if let Some(mode) = self.modes.last()
            && mode.quote == q
            && mode.size == size
        {
            return self.error(format!("{}-string: expecting '}}'", mode.letter()));
        }
        let triple = if size == 3 { "triple-quoted " } else { "" };
        let hint = if size == 1 && escaped_quote {
            "; perhaps you escaped the end quote?"
        } else {
            ""
        };
        let error = self.error(format!(
            "unterminated {triple}string literal (detected at line {detected}){hint}"
        ));
        self.at_end.set(at_end);
        error
    }

    pub(super) fn interpolated_start(&mut self, start: usize, quote: u8, prefix: &[u8]) -> Token {
        let mut size = 1;
        if self.peek() == Some(quote) && self.bytes.get(self.cur + 1) == Some(&quote) {
            self.cur += 2;
            size = 3;
        }
        let template = prefix.contains(&b't');
        let token = self.token(if template { Kind::TStart } else { Kind::FStart }, start);
        self.modes.push(Interpolated {
            quote,
            size,
            raw: prefix.contains(&b'r'),
            template,
            start: start as u32,
            first_line: self.line,
            fields: Vec::new(),
            in_expression: false,
            in_spec: false,
            base: self.brackets.len(),
        });
        token
    }

    /// A piece of literal text of the innermost f-string, or its end.
    pub(super) fn literal_text(&mut self) -> Res<Token> {
        let start = self.cur;
        let Some(mode) = self.modes.last() else {
            return self.regular();
        };
        let (quote, size, raw, template) = (mode.quote, mode.size, mode.raw, mode.template);
        let in_field = !mode.fields.is_empty();
        let closing = self.bytes[start.min(self.bytes.len())..].iter().take(size);
        if closing.clone().count() == size && closing.clone().all(|&b| b == quote) {
            for _ in 0..size {
                self.next();
            }
            self.modes.pop();
            return Ok(self.token(if template { Kind::TEnd } else { Kind::FEnd }, start));
        }
        if self.peek() == Some(b'{') && self.bytes.get(start + 1) != Some(&b'{') {
            return self.open_field();
        }
        let mut named = false;
        let mut run = 0;
        while run < size {
            let c = self.next();
            match c {
                None => return Err(self.unterminated_interpolated()),
                Some(b'\n') if size == 1 => {
                    if in_field && self.modes.last().is_some_and(|m| m.in_spec) {
                        let p = if template { 't' } else { 'f' };
                        return Err(self.error(format!(
                            "{p}-string: newlines are not allowed in format specifiers for single \
                             quoted {p}-strings"
                        )));
                    }
                    return Err(self.unterminated_interpolated());
                }
                Some(b) if b == quote => {
                    run += 1;
                    continue;
                }
                Some(b'{') => {
                    if self.peek() == Some(b'{') && !in_field {
                        self.cur += 1;
                    } else {
                        self.cur -= 1;
                        // In a format specifier two braces are no escape: the first opens a field.
                        if self.bytes.get(self.cur + 1) == Some(&b'{') {
                            self.begin_field()?;
                        }
                        return Ok(self.middle(start, template));
                    }
                }
                Some(b'}') => {
                    if named {
                        named = false;
                    } else if self.peek() == Some(b'}') && !in_field {
                        self.cur += 1;
                    } else {
                        self.cur -= 1;
                        if let Some(mode) = self.modes.last_mut() {
                            mode.in_expression = true;
                        }
                        // The `tokenize` module shows an empty text before the end of a field.
                        if self.cur == start && !(self.extra && in_field) {
                            return self.regular();
                        }
                        return Ok(self.middle(start, template));
                    }
                }
                Some(b'\\') => {
                    let p = self.peek();
                    if !matches!(p, Some(b'{' | b'}') | None) {
                        self.next();
                        if !raw && p == Some(b'N') && self.peek() == Some(b'{') {
                            self.cur += 1;
                            named = true;
                        }
                    }
                }
                Some(_) => {}
            }
            run = 0;
        }
        self.cur -= size;
        Ok(self.middle(start, template))
    }

    pub(super) fn middle(&self, start: usize, template: bool) -> Token {
        self.token(
            if template {
                Kind::TMiddle
            } else {
                Kind::FMiddle
            },
            start,
        )
    }

    pub(super) fn open_field(&mut self) -> Res<Token> {
        self.begin_field()?;
        self.regular()
    }

    /// What follows is an expression in braces.
    fn begin_field(&mut self) -> Res<()> {
        let level = self.brackets.len();
        if let Some(mode) = self.modes.last_mut() {
            if mode.fields.len() + 1 >= MAX_FIELDS {
                let letter = mode.letter();
                return Err(self.error(format!("{letter}-string: expressions nested too deeply")));
            }
            mode.fields.push(level);
            mode.in_expression = true;
            mode.in_spec = false;
        }
        Ok(())
    }

    pub(super) fn unterminated_interpolated(&mut self) -> Box<SyntaxError> {
        let detected = self.line;
        let Some(mode) = self.modes.last() else {
            return self.unexpected_eof();
        };
        let (letter, size) = (mode.letter(), mode.size);
        (self.cur, self.line) = (mode.start as usize + 1, mode.first_line);
        self.line_start = self.index.line_start(self.line) as usize;
        let triple = if size == 3 { "triple-quoted " } else { "" };
        let error = self.error(format!(
            "unterminated {triple}{letter}-string literal (detected at line {detected})"
        ));
        self.at_end.set(size == 3);
        error
    }
}
