//! A way round two faults of the parser crate, which refuses `raise;` and a statement that starts
//! with the name `match` after a semicolon.
//!
//! The words are masked by others of the same length, the masked text is parsed, and the nodes at
//! the masked places are turned into what the source says.

use ruff_python_ast::name::Name;
use ruff_python_ast::token::Tokens;
use ruff_python_ast::visitor::transformer::{self, Transformer};
use ruff_python_ast::{AtomicNodeIndex, Expr, Mod, Stmt, StmtRaise};
use ruff_python_parser as rp;
use ruff_text_size::{Ranged, TextSize};

use crate::lexer::{Kind, Lexer};
use crate::position::LineIndex;

/// Logical lines with more tokens than this are left refused, as the patch recurses.
const MAX_LINE: usize = 500;

/// Parses a source that the parser crate refuses, if masking makes it valid.
pub(crate) fn parse(
    source: &str,
    index: &LineIndex,
    options: rp::ParseOptions,
) -> Option<(Tokens, Mod)> {
    if !source.contains(';') {
        return None;
    }
    let (masked, places) = mask(source, index)?;
    let parsed = rp::parse_unchecked(&masked, options);
    if !parsed.errors().is_empty() || !parsed.unsupported_syntax_errors().is_empty() {
        return None;
    }
    let tokens = parsed.tokens().clone();
    let mut tree = parsed.into_syntax();
    let patch = Patch { places };
    match &mut tree {
        Mod::Module(module) => {
            for stmt in &mut module.body {
                patch.visit_stmt(stmt);
            }
        }
        Mod::Expression(_) => return None,
    }
    Some((tokens, tree))
}

/// The masked source and where it differs; `None` if there is nothing to mask.
fn mask(source: &str, index: &LineIndex) -> Option<(String, Vec<TextSize>)> {
    let mut lexer = Lexer::new(source, index);
    let mut masked = source.as_bytes().to_vec();
    let mut places = Vec::new();
    let (mut before, mut line) = (None, 0);
    loop {
        let token = lexer.next_token().ok()?;
        let text = source.get(token.start as usize..token.end as usize)?;
        let start = token.start as usize;
        line = if token.kind == Kind::Newline {
            0
        } else {
            line + 1
        };
        if token.kind == Kind::End {
            break;
        }
        if line > MAX_LINE {
            return None;
        }
        match before {
            Some(("raise", at)) if text == ";" => {
                masked[at..at + 5].copy_from_slice(b"break");
                places.push(TextSize::from(at as u32));
            }
            Some((";", _)) if text == "match" => {
                masked[start..start + 5]
                    .copy_from_slice(b"match".map(|b| b.to_ascii_uppercase()).as_slice());
                places.push(TextSize::from(token.start));
            }
            _ => {}
        }
        before = Some((text, start));
    }
    if places.is_empty() {
        return None;
    }
    Some((String::from_utf8(masked).ok()?, places))
}

struct Patch {
    places: Vec<TextSize>,
}

impl Transformer for Patch {
    fn visit_stmt(&self, stmt: &mut Stmt) {
        if let Stmt::Break(node) = stmt
            && self.places.contains(&node.range.start())
        {
            *stmt = Stmt::Raise(StmtRaise {
                node_index: AtomicNodeIndex::NONE,
                range: node.range,
                exc: None,
                cause: None,
            });
            return;
        }
        transformer::walk_stmt(self, stmt);
    }

    fn visit_expr(&self, expr: &mut Expr) {
        if let Expr::Name(name) = expr
            && self.places.contains(&name.range().start())
        {
            name.id = Name::new_static("match");
        }
        transformer::walk_expr(self, expr);
    }
}
