//! Warnings about code that can hardly be meant.

use taipan_bytecode::Constant;
use taipan_syntax::Ranged;
use taipan_syntax::ast::{self, CmpOp, Expr};

use super::Compiler;

/// The type of a literal or display.
fn type_name(e: &Expr) -> Option<&'static str> {
    Some(match e {
        Expr::Tuple(_) => "tuple",
        Expr::List(_) | Expr::ListComp(_) => "list",
        Expr::Dict(_) | Expr::DictComp(_) => "dict",
        Expr::Set(_) | Expr::SetComp(_) => "set",
        Expr::Generator(_) => "generator",
        Expr::Lambda(_) => "function",
        Expr::FString(_) | Expr::StringLiteral(_) => "str",
        Expr::TString(_) => "string.templatelib.Template",
        Expr::BytesLiteral(_) => "bytes",
        Expr::NoneLiteral(_) => "NoneType",
        Expr::BooleanLiteral(_) => "bool",
        Expr::EllipsisLiteral(_) => "ellipsis",
        Expr::NumberLiteral(n) => match n.value {
            ast::Number::Int(_) => "int",
            ast::Number::Float(_) => "float",
            ast::Number::Complex { .. } => "complex",
        },
        _ => return None,
    })
}

impl Compiler<'_> {
    fn warn(&mut self, message: String, range: taipan_syntax::TextRange) {
        self.warnings.add(&self.context.source, message, range);
    }

    /// `(1, 2) (3)`: a forgotten comma.
    pub(crate) fn warn_caller(&mut self, function: &Expr) {
        if matches!(function, Expr::Lambda(_)) {
            return;
        }
        if let Some(name) = type_name(function) {
            let message = format!("'{name}' object is not callable; perhaps you missed a comma?");
            self.warn(message, function.range());
        }
    }

    /// `{1} [2]`, `[1] ["a"]`: a forgotten comma.
    pub(crate) fn warn_subscript(&mut self, e: &ast::ExprSubscript) {
        let Some(name) = type_name(&e.value) else {
            return;
        };
        let subscriptable = matches!(name, "tuple" | "list" | "dict" | "str" | "bytes");
        if !subscriptable {
            let message =
                format!("'{name}' object is not subscriptable; perhaps you missed a comma?");
            self.warn(message, e.value.range());
        } else if matches!(name, "tuple" | "list" | "str" | "bytes")
            && let Some(index) = type_name(&e.slice)
            && !matches!(index, "int" | "bool")
        {
            let message = format!(
                "{name} indices must be integers or slices, not {index}; perhaps you missed a comma?"
            );
            self.warn(message, e.range);
        }
    }

    /// `x is 1`
    pub(crate) fn warn_is_literal(&mut self, e: &ast::ExprCompare) {
        let mut left = &*e.left;
        for (op, right) in e.ops.iter().zip(&e.comparators) {
            if matches!(op, CmpOp::Is | CmpOp::IsNot) {
                let literal = self.literal_type(left).or_else(|| self.literal_type(right));
                if let Some(name) = literal {
                    let message = if *op == CmpOp::Is {
                        format!("\"is\" with '{name}' literal. Did you mean \"==\"?")
                    } else {
                        format!("\"is not\" with '{name}' literal. Did you mean \"!=\"?")
                    };
                    self.warn(message, e.range);
                }
            }
            left = right;
        }
    }

    fn literal_type(&mut self, e: &Expr) -> Option<&'static str> {
        match self.fold(e).ok()?? {
            Constant::Int(_) | Constant::BigInt(_) => Some("int"),
            Constant::Float(_) => Some("float"),
            Constant::Complex(..) => Some("complex"),
            Constant::Str(_) => Some("str"),
            Constant::Bytes(_) => Some("bytes"),
            Constant::Tuple(_) => Some("tuple"),
            _ => None,
        }
    }
}
