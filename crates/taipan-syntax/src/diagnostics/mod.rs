//! Says what is wrong with a refused source, in CPython's words and at CPython's place.
//!
//! It runs only after a refusal. A parser of its own reads the source the way CPython's does: a
//! first pass finds the farthest token that a valid program could reach; a second pass asks rules
//! for common mistakes on the way there; if none speaks up, the error is "invalid syntax" at that
//! token.

mod calls;
mod displays;
mod exceptions;
mod expressions;
mod imports;
mod parser;
mod patterns;
mod statements;
mod strings;
mod targets;

use crate::error::{ErrorKind, SyntaxError};
use crate::lexer::Kind;
use crate::parse::{Mode, Options};
use crate::position::LineIndex;
use parser::Parser;

/// The error CPython would raise for `source` (newlines are `\n`), or `None` if this grammar
/// accepts it.
pub fn diagnose(source: &str, mode: Mode, options: &Options) -> Option<SyntaxError> {
    let mut text = source.to_owned();
    if mode == Mode::Exec && !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let index = LineIndex::new(&text);
    let mut parser = Parser::new(&text, &index, mode, options);
    let accepted = parser.start() && parser.error.is_none();
    if accepted {
        return trailing_statement(&mut parser);
    }
    if options.allow_incomplete && parser.lex.at_end.get() {
        parser.error = None;
        parser.raise_incomplete();
        return parser.error.take().map(|e| *e);
    }
    if parser.error.is_none() {
        second_pass(&mut parser);
    } else if !parser.lexical {
        prefer_lexical(&mut parser);
    }
    parser.error.take().map(|e| *e)
}

fn second_pass(parser: &mut Parser<'_>) {
    let last = parser.tokens.last().copied();
    parser.second_pass();
    parser.start();
    if parser.error.is_some() {
        if !parser.lexical {
            prefer_lexical(parser);
        }
        return;
    }
    let Some(last) = last else { return };
    match last.kind {
        Kind::Indent | Kind::Dedent => {
            let what = if last.kind == Kind::Indent {
                "unexpected indent"
            } else {
                "unexpected unindent"
            };
            parser.raise_kind::<()>(ErrorKind::Indentation, what);
            return;
        }
        Kind::End if parser.tokens.len() == 1 && parser.mode != Mode::Exec => {
            parser.raise_token::<()>(last, "invalid syntax");
        }
        _ => {
            parser.raise_token::<()>(last, "invalid syntax");
        }
    }
    prefer_lexical(parser);
}

/// Reads the rest of the source; a tokenizer error there, or a bracket left open on an earlier
/// line, says more than the parser's error.
fn prefer_lexical(parser: &mut Parser<'_>) {
    let current = parser.tokens.last().map_or(0, |t| t.line);
    loop {
        match parser.lex.next_token() {
            Ok(token) if token.kind == Kind::End => return,
            Ok(_) => {}
            Err(error) => {
                if !parser.lex.worded_by_parser.get() {
                    // Within an f-string the parser's own error says more.
                    if !parser.lex.in_interpolated() {
                        parser.error = Some(error);
                    }
                } else if parser
                    .lex
                    .open_bracket_line()
                    .is_some_and(|line| current > line)
                    && let Some(unclosed) = parser.lex.unclosed()
                {
                    parser.error = Some(unclosed);
                }
                return;
            }
        }
    }
}

/// `single` takes one statement.
fn trailing_statement(parser: &mut Parser<'_>) -> Option<SyntaxError> {
    if parser.mode != Mode::Single {
        return None;
    }
    let rest = parser.src.get(parser.lex.cur..).unwrap_or("");
    for line in rest.split('\n') {
        let line = line.trim_start_matches([' ', '\t', '\x0C']);
        if !line.is_empty() && !line.starts_with('#') {
            parser.raise_last::<()>("multiple statements found while compiling a single statement");
            return parser.error.take().map(|e| *e);
        }
    }
    None
}
