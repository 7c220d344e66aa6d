//! How deep a tree is nested, measured before any pass recurses over it.

use ruff_python_ast::visitor::source_order::{self, SourceOrderVisitor};
use ruff_python_ast::{Expr, Mod, Pattern, Stmt};

/// Depth of everything but left spines that CPython's parser still takes on its usual stack.
pub const MAX_PARSE_DEPTH: u32 = 5_500;
/// Depth of any kind that CPython's compiler still takes.
pub const MAX_TREE_DEPTH: u32 = 30_000;

/// Result of [`measure`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Depth {
    /// The longest path from the root to a leaf.
    pub total: u32,
    /// The same, not counting steps to the left operand (`a.b.c`, `f()()`, `a + b + c`), which a
    /// parser takes in a loop.
    pub nested: u32,
}

struct Walker {
    total: u32,
    nested: u32,
    max: Depth,
    /// The next expression visited is the left operand of its parent.
    left: bool,
}

impl Walker {
    fn enter(&mut self, left: bool, f: impl FnOnce(&mut Self)) {
        self.total += 1;
        self.nested += u32::from(!left);
        self.max.total = self.max.total.max(self.total);
        self.max.nested = self.max.nested.max(self.nested);
        if self.total > 64 {
            stacker::maybe_grow(64 * 1024, 1024 * 1024, || f(self));
        } else {
            f(self);
        }
        self.total -= 1;
        self.nested -= u32::from(!left);
    }
}

impl<'a> SourceOrderVisitor<'a> for Walker {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.left = false;
        self.enter(false, |w| source_order::walk_stmt(w, stmt));
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let left = std::mem::take(&mut self.left);
        self.enter(left, |w| {
            // The left operand is visited first in source order.
            w.left = matches!(
                expr,
                Expr::BinOp(_) | Expr::Attribute(_) | Expr::Call(_) | Expr::Subscript(_)
            );
            source_order::walk_expr(w, expr);
            w.left = false;
        });
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        self.left = false;
        self.enter(false, |w| source_order::walk_pattern(w, pattern));
    }
}

/// Measures a tree; takes time linear in its size and no more stack than it has.
pub fn measure(tree: &Mod) -> Depth {
    let mut walker = Walker {
        total: 0,
        nested: 0,
        max: Depth::default(),
        left: false,
    };
    match tree {
        Mod::Module(module) => {
            for stmt in &module.body {
                walker.visit_stmt(stmt);
            }
        }
        Mod::Expression(e) => walker.visit_expr(&e.body),
    }
    walker.max
}
