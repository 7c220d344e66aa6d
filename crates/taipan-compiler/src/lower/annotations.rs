//! Annotations under `from __future__ import annotations`: the source text of an expression, normalised.

use taipan_syntax::ast::Expr;

use super::Compiler;
use crate::unparse;

impl Compiler<'_> {
    /// Pushes the text of an annotation.
    pub(crate) fn annotation_text(&mut self, annotation: &Expr) {
        let text = unparse::expression(self.context, annotation);
        let pos = self.pos_of(annotation);
        self.load_const(taipan_bytecode::Constant::Str(text.into()), pos);
    }
}
