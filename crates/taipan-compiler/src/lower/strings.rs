//! F-strings and t-strings.

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Constant, Op};
use taipan_syntax::ast::{
    self, AnyStringFlags, ConversionFlag, FStringPart, InterpolatedElement,
    InterpolatedStringElement, InterpolatedStringLiteralElement,
};

use super::expr::STACK_GUIDELINE;
use super::{Compiler, Result};
use crate::context::Places;
use crate::fold;

/// A piece of a string: text, in which neighbours are joined, or a field.
enum Piece<'a> {
    Text(Vec<u8>, Position),
    Field(&'a InterpolatedElement, bool),
}

fn conversion_bits(conversion: ConversionFlag) -> u32 {
    match conversion {
        ConversionFlag::None => 0,
        ConversionFlag::Str => 1,
        ConversionFlag::Repr => 2,
        ConversionFlag::Ascii => 3,
    }
}

impl<'a> Compiler<'a> {
    pub(crate) fn f_string(&mut self, e: &'a ast::ExprFString, pos: Position) -> Result {
        let mut pieces = Vec::new();
        for part in &e.value {
            match part {
                FStringPart::Literal(literal) => {
                    let text = fold::string_part(self.context, literal)?;
                    let at = self.pos_of(literal);
                    push_text(&mut pieces, text, at);
                }
                FStringPart::FString(string) => {
                    self.pieces(&string.elements, string.flags.into(), &mut pieces)?
                }
            }
        }
        self.joined(pieces, pos)
    }

    fn pieces(
        &mut self,
        elements: &'a [InterpolatedStringElement],
        flags: AnyStringFlags,
        pieces: &mut Vec<Piece<'a>>,
    ) -> Result {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    let text = self.middle(literal, flags)?;
                    let at = self.pos(literal.range);
                    push_text(pieces, text, at);
                }
                InterpolatedStringElement::Interpolation(field) => {
                    if let Some(debug) = self.debug_text(field) {
                        let at = self.pos(field.range);
                        let text = without_comments(debug.as_str());
                        push_text(pieces, text.into_bytes(), at);
                    }
                    pieces.push(Piece::Field(field, flags.is_raw_string()));
                }
            }
        }
        Ok(())
    }

    /// The text in front of the value of a field like `{x=}`. In a tree made by a program that is a literal of its own,
    /// and the field's text is that of a t-string's expression.
    fn debug_text<'f>(&self, field: &'f InterpolatedElement) -> Option<&'f ast::DebugText> {
        match self.context.source.places {
            Places::Text(_) => field.debug_text.as_ref(),
            Places::Table(_) => None,
        }
    }

    fn middle(
        &mut self,
        literal: &InterpolatedStringLiteralElement,
        flags: AnyStringFlags,
    ) -> Result<Vec<u8>> {
        fold::middle_text(self.context, literal, flags)
    }

    fn joined(&mut self, pieces: Vec<Piece<'a>>, pos: Position) -> Result {
        let count = pieces.len();
        if count == 0 {
            self.load_str("", pos);
            return Ok(());
        }
        let many = count > STACK_GUIDELINE;
        if many {
            self.load_str("", pos);
            self.op_name(Op::LoadMethod, "join", pos);
            self.op_arg(Op::BuildList, 0, pos);
        }
        for piece in pieces {
            match piece {
                Piece::Text(text, at) => self.load_const(Constant::Str(text.into()), at),
                Piece::Field(field, raw) => self.field(field, raw)?,
            }
            if many {
                self.op_arg(Op::ListAppend, 1, pos);
            }
        }
        if many {
            self.op_arg(Op::CallMethod, 1, pos);
        } else if count > 1 {
            self.op_arg(Op::BuildString, count as u32, pos);
        }
        Ok(())
    }

    fn field(&mut self, field: &'a InterpolatedElement, raw: bool) -> Result {
        let pos = self.pos(field.range);
        self.expr(&field.expression)?;
        let mut flags = conversion_bits(field.conversion);
        if flags == 0 && self.debug_text(field).is_some() && field.format_spec.is_none() {
            flags = conversion_bits(ConversionFlag::Repr);
        }
        if self.format_spec(field, raw)? {
            flags |= 4;
        }
        self.op_arg(Op::FormatValue, flags, pos);
        Ok(())
    }

    /// Pushes the format specification, if there is one.
    fn format_spec(&mut self, field: &'a InterpolatedElement, raw: bool) -> Result<bool> {
        let Some(spec) = &field.format_spec else {
            return Ok(false);
        };
        let mut flags = AnyStringFlags::from(ast::FStringFlags::empty());
        if raw {
            let prefix = ast::str_prefix::FStringPrefix::Raw { uppercase_r: false };
            flags = AnyStringFlags::from(ast::FStringFlags::empty().with_prefix(prefix));
        }
        let mut pieces = Vec::new();
        self.pieces(&spec.elements, flags, &mut pieces)?;
        // The colon belongs to it.
        let mut pos = self.pos(spec.range);
        pos.col = pos.col.saturating_sub(1);
        self.joined(pieces, pos)?;
        Ok(true)
    }

    pub(crate) fn t_string(&mut self, e: &'a ast::ExprTString, pos: Position) -> Result {
        let mut pieces = Vec::new();
        for part in &e.value {
            self.pieces(&part.elements, part.flags.into(), &mut pieces)?;
        }
        let mut strings = Vec::new();
        let mut fields = Vec::new();
        let mut text = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(more, _) => text.extend(more),
                Piece::Field(field, raw) => {
                    strings.push(Constant::Str(std::mem::take(&mut text).into()));
                    fields.push((field, raw));
                }
            }
        }
        strings.push(Constant::Str(text.into()));
        self.load_const(Constant::Tuple(strings.into()), pos);
        let count = fields.len() as u32;
        for (field, raw) in fields {
            self.interpolation(field, raw)?;
        }
        self.op_arg(Op::BuildTuple, count, pos);
        self.op(Op::BuildTemplate, pos);
        Ok(())
    }

    fn interpolation(&mut self, field: &'a InterpolatedElement, raw: bool) -> Result {
        let pos = self.pos(field.range);
        self.expr(&field.expression)?;
        let text = self.interpolation_text(field);
        self.load_str(&text, pos);
        let mut flags = conversion_bits(field.conversion);
        if flags == 0 && self.debug_text(field).is_some() && field.format_spec.is_none() {
            flags = conversion_bits(ConversionFlag::Repr);
        }
        if self.format_spec(field, raw)? {
            flags |= 4;
        }
        self.op_arg(Op::BuildInterpolation, flags, pos);
        Ok(())
    }

    /// The text of a field's expression, as it stands between the brace and what ends it.
    fn interpolation_text(&self, field: &InterpolatedElement) -> String {
        if let Some(debug) = &field.debug_text {
            let text = debug.as_str();
            if self.debug_text(field).is_none() {
                return text.to_owned();
            }
            // Behind the sign there may be white space, and lines that go on.
            let expression = text.trim_end_matches(|c: char| c.is_whitespace() || c == '\\');
            return without_comments(expression.strip_suffix('=').unwrap_or(text));
        }
        let source = self.source();
        let start = field.range.start().to_usize() + 1;
        let inner = taipan_syntax::Ranged::range(&*field.expression);
        let mut end = inner.end().to_usize();
        let rest = source
            .text
            .as_bytes()
            .get(end..field.range.end().to_usize())
            .unwrap_or(b"");
        // Closing parentheses belong to the expression's text, comments do not, but may stand between.
        let mut in_comment = false;
        let tail = rest.iter().take_while(|b| {
            in_comment = **b == b'#' || in_comment && **b != b'\n';
            in_comment || b.is_ascii_whitespace() || matches!(**b, b')' | b',')
        });
        end += tail.count();
        without_comments(source.text.get(start..end).unwrap_or(""))
    }
}

/// The text of an expression without its comments.
fn without_comments(text: &str) -> String {
    if !text.contains('#') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    // The quotes that end the string that we are in; empty outside.
    let mut quotes = "";
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut step = c.len_utf8();
        if !quotes.is_empty() {
            if c == '\\' {
                step += rest[step..].chars().next().map_or(0, char::len_utf8);
            } else if rest.starts_with(quotes) {
                (step, quotes) = (quotes.len(), "");
            }
        } else if c == '#' {
            rest = rest.find('\n').map_or("", |end| &rest[end..]);
            continue;
        } else if let Some(opening) = ["\"\"\"", "'''", "\"", "'"]
            .into_iter()
            .find(|quotes| rest.starts_with(quotes))
        {
            (step, quotes) = (opening.len(), opening);
        }
        out.push_str(&rest[..step]);
        rest = &rest[step..];
    }
    out
}

fn push_text(pieces: &mut Vec<Piece<'_>>, text: Vec<u8>, pos: Position) {
    if text.is_empty() {
        return;
    }
    match pieces.last_mut() {
        Some(Piece::Text(before, place)) => {
            before.extend(text);
            (place.end_line, place.end_col) = (pos.end_line, pos.end_col);
        }
        _ => pieces.push(Piece::Text(text, pos)),
    }
}
