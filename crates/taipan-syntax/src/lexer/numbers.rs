//! Numbers.

use super::{Kind, Lexer, NumberWarning, Res, Token};
use crate::error::SyntaxError;

impl Lexer<'_> {
    pub(super) fn number(&mut self, c: u8, start: usize) -> Res<Token> {
        if c == b'0' {
            match self.peek() {
                Some(b'x' | b'X') => self.radix(16, "hexadecimal")?,
                Some(b'o' | b'O') => self.radix(8, "octal")?,
                Some(b'b' | b'B') => self.radix(2, "binary")?,
                _ => self.leading_zero(start)?,
            }
        } else {
            let c = self.decimal_tail()?;
            self.after_integer(c)?;
        }
        Ok(self.token(Kind::Number, start))
    }

    pub(super) fn radix(&mut self, radix: u32, name: &str) -> Res<()> {
        let digit = |c: Option<u8>| c.is_some_and(|b| char::from(b).is_digit(radix));
        self.next();
        let mut c = self.next();
        loop {
            if c == Some(b'_') {
                c = self.next();
            }
            if !digit(c) {
                return Err(self.bad_digit(c, name));
            }
            while digit(c) {
                c = self.next();
            }
            if c != Some(b'_') {
                break;
            }
        }
        if c.is_some_and(|b| b.is_ascii_digit()) {
            return Err(self.bad_digit(c, name));
        }
        self.end_of_number(c, name)
    }

    pub(super) fn bad_digit(&mut self, c: Option<u8>, name: &str) -> Box<SyntaxError> {
        match c {
            Some(b) if b.is_ascii_digit() => self.error(format!(
                "invalid digit '{}' in {name} literal",
                char::from(b)
            )),
            _ => {
                self.back(c);
                self.error(format!("invalid {name} literal"))
            }
        }
    }

    pub(super) fn leading_zero(&mut self, start: usize) -> Res<()> {
        let mut c;
        loop {
            c = self.next();
            if c == Some(b'_') {
                c = self.next();
                if !c.is_some_and(|b| b.is_ascii_digit()) {
                    return Err(self.bad_decimal(c));
                }
            }
            if c != Some(b'0') {
                break;
            }
        }
        let zeros_end = self.cur;
        let mut nonzero = false;
        if c.is_some_and(|b| b.is_ascii_digit()) {
            nonzero = true;
            c = self.decimal_tail()?;
        }
        if nonzero && !matches!(c, Some(b'.' | b'e' | b'E' | b'j' | b'J')) {
            let col = self.chars(self.line_start, start) + 1;
            let end = self.chars(self.line_start, zeros_end);
            let message = "leading zeros in decimal integer literals are not permitted; use an 0o \
                           prefix for octal integers";
            return Err(self.error_range(message.to_owned(), col, end));
        }
        self.after_integer(c)
    }

    pub(super) fn bad_decimal(&mut self, c: Option<u8>) -> Box<SyntaxError> {
        self.back(c);
        self.error("invalid decimal literal".to_owned())
    }

    /// Digits with single underscores; the character after them, consumed.
    pub(super) fn decimal_tail(&mut self) -> Res<Option<u8>> {
        loop {
            let mut c = self.next();
            while c.is_some_and(|b| b.is_ascii_digit()) {
                c = self.next();
            }
            if c != Some(b'_') {
                return Ok(c);
            }
            c = self.next();
            if !c.is_some_and(|b| b.is_ascii_digit()) {
                return Err(self.bad_decimal(c));
            }
        }
    }

    pub(super) fn after_integer(&mut self, c: Option<u8>) -> Res<()> {
        match c {
            Some(b'.') => {
                let c = self.next();
                self.fraction(c)
            }
            _ => self.exponent(c),
        }
    }

    /// What follows the point; `c` is the first character after it, consumed.
    pub(super) fn fraction(&mut self, c: Option<u8>) -> Res<()> {
        let c = if c.is_some_and(|b| b.is_ascii_digit()) {
            self.decimal_tail()?
        } else {
            c
        };
        self.exponent(c)
    }

    pub(super) fn exponent(&mut self, c: Option<u8>) -> Res<()> {
        let mut c = c;
        if matches!(c, Some(b'e' | b'E')) {
            let e = c;
            c = self.next();
            if matches!(c, Some(b'+' | b'-')) {
                c = self.next();
                if !c.is_some_and(|b| b.is_ascii_digit()) {
                    return Err(self.bad_decimal(c));
                }
            } else if !c.is_some_and(|b| b.is_ascii_digit()) {
                self.back(c);
                return self.end_of_number(e, "decimal");
            }
            c = self.decimal_tail()?;
        }
        if matches!(c, Some(b'j' | b'J')) {
            c = self.next();
            return self.end_of_number(c, "imaginary");
        }
        self.end_of_number(c, "decimal")
    }

    /// Checks the character after a number, `c`, and gives it back.
    pub(super) fn end_of_number(&mut self, c: Option<u8>, name: &str) -> Res<()> {
        let follows = |word: &str| {
            let end = self.cur + word.len();
            let whole = self
                .bytes
                .get(end)
                .is_none_or(|&b| !(b.is_ascii_alphanumeric() || b == b'_' || b >= 0x80));
            whole && self.bytes[self.cur..].starts_with(word.as_bytes())
        };
        let keyword = match c {
            Some(b'a') => follows("nd"),
            Some(b'e') => follows("lse"),
            Some(b'f') => follows("or"),
            Some(b'i') => matches!(self.peek(), Some(b'f' | b'n' | b's')),
            Some(b'o') => follows("r"),
            Some(b'n') => follows("ot"),
            _ => false,
        };
        self.back(c);
        if keyword {
            self.warnings.push(NumberWarning {
                message: format!("invalid {name} literal"),
                line: self.line,
                offset: self.cur as u32,
            });
        } else if c.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err(self.error(format!("invalid {name} literal")));
        }
        Ok(())
    }
}
