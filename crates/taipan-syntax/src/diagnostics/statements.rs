//! Statements, from the whole input down to the simple ones.

use super::parser::{E, Parser, R, Rule, Target};
use crate::error::ErrorKind;
use crate::lexer::{Kind, Token};
use crate::parse::Mode;

const AUGMENTED: [&str; 13] = [
    "+=", "-=", "*=", "@=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**=", "//=",
];

impl Parser<'_> {
    /// The start rule; whether the whole input is valid.
    pub(super) fn start(&mut self) -> bool {
        match self.mode {
            Mode::Exec => {
                self.many(Self::statement);
                self.at_kind(Kind::End)
            }
            Mode::Eval => {
                if self.expressions().is_none() {
                    return false;
                }
                while self.eat_kind(Kind::Newline).is_some() {}
                self.at_kind(Kind::End)
            }
            Mode::Single => self.interactive(),
        }
    }

    pub(super) fn interactive(&mut self) -> bool {
        let compound = self.seq(|p| {
            p.compound_stmt()?;
            p.eat_kind(Kind::Newline)
        });
        compound.is_some()
            || self.simple_stmts().is_some()
            || self.eat_kind(Kind::Newline).is_some()
    }

    pub(super) fn statement(&mut self) -> R {
        self.compound_stmt().or_else(|| self.simple_stmts())
    }

    pub(super) fn simple_stmts(&mut self) -> R {
        self.seq(|p| {
            let first = p.gather(";", &mut |p| p.simple_stmt())?.first().copied()?;
            p.eat(";");
            p.eat_kind(Kind::Newline)?;
            Some(first)
        })
    }

    pub(super) fn simple_stmt(&mut self) -> R {
        self.memo(Rule::SimpleStmt, |p| {
            if let Some(n) = p.assignment() {
                return Some(n);
            }
            let t = p.tok();
            if t.kind == Kind::Name
                && p.token_text(t) == "type"
                && let Some(n) = p.type_alias()
            {
                return Some(n);
            }
            if let Some(n) = p.star_expressions() {
                return Some(n);
            }
            if t.kind != Kind::Name {
                return None;
            }
            match p.token_text(t) {
                "return" => {
                    p.mark += 1;
                    p.star_expressions();
                    Some(p.leaf(E::Other, t))
                }
                "import" | "from" => p.import(t),
                "raise" => p.raise_stmt(t),
                "pass" | "break" | "continue" => {
                    p.mark += 1;
                    Some(p.leaf(E::Other, t))
                }
                "del" => p.del_stmt(t),
                "yield" => p.yield_expr(),
                "assert" => p.seq(|p| {
                    p.eat("assert")?;
                    p.expression()?;
                    p.seq(|p| {
                        p.eat(",")?;
                        p.expression()
                    });
                    Some(p.leaf(E::Other, t))
                }),
                "global" | "nonlocal" => p.seq(|p| {
                    p.eat_any(&["global", "nonlocal"])?;
                    p.gather(",", &mut |p| p.name())?;
                    Some(p.leaf(E::Other, t))
                }),
                _ => None,
            }
        })
    }

    pub(super) fn assignment(&mut self) -> R {
        let annotated = self.seq(|p| {
            if p.seq(|p| {
                let n = p.name()?;
                p.eat(":")?;
                Some(n)
            })
            .is_none()
            {
                p.annotation_target()?;
                p.eat(":")?;
            }
            let n = p.expression()?;
            p.seq(|p| {
                p.eat("=")?;
                p.annotated_rhs()
            });
            Some(n)
        });
        if annotated.is_some() {
            return annotated;
        }
        let plain = self.seq(|p| {
            p.some(Self::assigned_target)?;
            let n = p.annotated_rhs()?;
            if p.at("=") { None } else { Some(n) }
        });
        if plain.is_some() {
            return plain;
        }
        let mut cut = false;
        let augmented = self.seq(|p| {
            p.single_target()?;
            p.eat_any(&AUGMENTED)?;
            cut = true;
            p.annotated_rhs()
        });
        if augmented.is_some() || cut {
            return augmented;
        }
        if self.hints {
            self.invalid_assignment();
        }
        None
    }

    pub(super) fn assigned_target(&mut self) -> R {
        let n = self.star_targets()?;
        self.eat("=")?;
        Some(n)
    }

    pub(super) fn invalid_assignment(&mut self) {
        let _: Option<()> = self.seq(|p| {
            let a = p.invalid_annotation_target()?;
            p.eat(":")?;
            p.expression()?;
            let what = p.describe(a);
            p.raise_node(
                a,
                format!("only single target (not {what}) can be annotated"),
            )
        });
        let _: Option<()> = self.seq(|p| {
            let a = p.star_named_expression()?;
            p.eat(",")?;
            p.many(Self::star_named_expressions);
            p.eat(":")?;
            p.expression()?;
            p.raise_node(a, "only single target (not tuple) can be annotated")
        });
        let _: Option<()> = self.seq(|p| {
            let a = p.expression()?;
            p.eat(":")?;
            p.expression()?;
            p.raise_node(a, "illegal target for annotation")
        });
        let _: Option<()> = self.seq(|p| {
            p.many(Self::assigned_target);
            let a = p.star_expressions()?;
            p.eat("=")?;
            p.check_target(a, Target::Assign)
        });
        let _: Option<()> = self.seq(|p| {
            p.many(Self::assigned_target);
            let a = p.yield_expr()?;
            p.eat("=")?;
            p.raise_node(a, "assignment to yield expression not possible")
        });
        let _: Option<()> = self.seq(|p| {
            let a = p.star_expressions()?;
            p.eat_any(&AUGMENTED)?;
            p.annotated_rhs()?;
            let what = p.describe(a);
            p.raise_node(
                a,
                format!("'{what}' is an illegal expression for augmented assignment"),
            )
        });
    }

    /// A list, a tuple, or one of them in parentheses.
    pub(super) fn invalid_annotation_target(&mut self) -> R {
        let n = self.seq(|p| {
            let n = p.atom()?;
            matches!(p.kind(n), E::List | E::Tuple).then_some(n)
        });
        n.or_else(|| {
            self.seq(|p| {
                p.eat("(")?;
                let n = p.deep(Self::invalid_annotation_target)?;
                p.eat(")")?;
                Some(n)
            })
        })
    }

    pub(super) fn raise_stmt(&mut self, t: Token) -> R {
        self.seq(|p| {
            p.eat("raise")?;
            if p.expression().is_some() {
                p.seq(|p| {
                    p.eat("from")?;
                    p.expression()
                });
            }
            Some(p.leaf(E::Other, t))
        })
    }

    pub(super) fn del_stmt(&mut self, t: Token) -> R {
        let found = self.seq(|p| {
            p.eat("del")?;
            p.del_targets()?;
            if !p.at(";") && !p.at_kind(Kind::Newline) {
                return None;
            }
            Some(p.leaf(E::Other, t))
        });
        if found.is_none() && self.hints {
            let _: Option<()> = self.seq(|p| {
                p.eat("del")?;
                let a = p.star_expressions()?;
                p.check_target(a, Target::Delete)
            });
        }
        found
    }

    // Compound statements

    pub(super) fn compound_stmt(&mut self) -> R {
        let t = self.tok();
        if t.kind != Kind::Name && t.kind != Kind::Op {
            return None;
        }
        match self.token_text(t) {
            "def" => self.function_def(),
            "@" => {
                let function = self.seq(|p| {
                    p.decorators()?;
                    p.function_def()
                });
                function.or_else(|| {
                    self.seq(|p| {
                        p.decorators()?;
                        p.class_def()
                    })
                })
            }
            "async" => self
                .function_def()
                .or_else(|| self.with_stmt())
                .or_else(|| self.for_stmt()),
            "if" => self.if_stmt("if"),
            "class" => self.class_def(),
            "with" => self.with_stmt(),
            "for" => self.for_stmt(),
            "try" => self.try_stmt(),
            "while" => self.while_stmt(),
            "match" => self.match_stmt(),
            _ => None,
        }
    }

    pub(super) fn decorators(&mut self) -> Option<()> {
        self.some(|p| {
            p.eat("@")?;
            p.named_expression()?;
            p.eat_kind(Kind::Newline)
        })
        .map(drop)
    }

    pub(super) fn block(&mut self) -> R {
        self.memo(Rule::Block, |p| {
            let indented = p.seq(|p| {
                p.eat_kind(Kind::Newline)?;
                p.eat_kind(Kind::Indent)?;
                let first = p.some(Self::statement)?.first().copied()?;
                p.eat_kind(Kind::Dedent)?;
                Some(first)
            });
            if indented.is_some() {
                return indented;
            }
            let simple = p.simple_stmts();
            if simple.is_none() && p.hints {
                let _: Option<()> = p.seq(|p| {
                    p.eat_kind(Kind::Newline)?;
                    if p.at_kind(Kind::Indent) {
                        return None;
                    }
                    p.raise_kind(ErrorKind::Indentation, "expected an indented block")
                });
            }
            simple
        })
    }

    /// `':' NEWLINE !INDENT`: raises that the block of the statement at `t` is missing.
    pub(super) fn missing_block(&mut self, t: Token, what: &str) -> Option<()> {
        self.eat(":")?;
        self.eat_kind(Kind::Newline)?;
        if self.at_kind(Kind::Indent) {
            return None;
        }
        self.raise_block(t, what)
    }

    /// A newline where a colon belongs, or a colon with no block after it.
    pub(super) fn missing_colon_or_block(&mut self, t: Token, what: &str) -> Option<()> {
        if self.eat_kind(Kind::Newline).is_some() {
            return self.raise_last("expected ':'");
        }
        self.missing_block(t, what)
    }

    pub(super) fn function_def(&mut self) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                p.eat("async");
                let t = p.eat("def")?;
                p.name()?;
                p.type_params();
                p.eat("(")?;
                p.params();
                p.eat(")")?;
                p.returns();
                p.missing_block(t, "function definition")
            });
        }
        self.seq(|p| {
            p.eat("async");
            p.eat("def")?;
            let n = p.name()?;
            p.type_params();
            p.force("(")?;
            p.params();
            p.eat(")")?;
            p.returns();
            p.force(":")?;
            p.block()?;
            Some(n)
        })
    }

    pub(super) fn returns(&mut self) -> R {
        self.seq(|p| {
            p.eat("->")?;
            p.expression()
        })
    }

    pub(super) fn class_head(&mut self) -> Option<Token> {
        let t = self.eat("class")?;
        self.name()?;
        self.type_params();
        self.seq(|p| {
            p.eat("(")?;
            p.arguments();
            p.eat(")")
        });
        Some(t)
    }

    pub(super) fn class_def(&mut self) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                let t = p.class_head()?;
                p.missing_colon_or_block(t, "class definition")
            });
        }
        self.seq(|p| {
            p.class_head()?;
            p.eat(":")?;
            p.block()
        })
    }

    pub(super) fn if_stmt(&mut self, word: &str) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                let t = p.eat(word)?;
                p.named_expression()?;
                p.missing_colon_or_block(t, &format!("'{word}' statement"))
            });
        }
        self.seq(|p| {
            p.eat(word)?;
            p.named_expression()?;
            p.eat(":")?;
            let body = p.block()?;
            if p.deep(|p| p.if_stmt("elif")).is_none() {
                p.else_block();
            }
            Some(body)
        })
    }

    pub(super) fn else_block(&mut self) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                let t = p.eat("else")?;
                p.missing_block(t, "'else' statement")
            });
            let _: Option<()> = self.seq(|p| {
                p.eat("else")?;
                p.eat(":")?;
                p.block()?;
                let t = p.eat("elif")?;
                p.raise_token(t, "'elif' block follows an 'else' block")
            });
        }
        self.seq(|p| {
            p.eat("else")?;
            p.force(":")?;
            p.block()
        })
    }

    pub(super) fn while_stmt(&mut self) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                let t = p.eat("while")?;
                p.named_expression()?;
                p.missing_colon_or_block(t, "'while' statement")
            });
        }
        self.seq(|p| {
            p.eat("while")?;
            p.named_expression()?;
            p.eat(":")?;
            let body = p.block()?;
            p.else_block();
            Some(body)
        })
    }

    pub(super) fn for_stmt(&mut self) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                p.eat("async");
                let t = p.eat("for")?;
                p.star_targets()?;
                p.eat("in")?;
                p.star_expressions()?;
                p.missing_colon_or_block(t, "'for' statement")
            });
        }
        let mut cut = false;
        let found = self.seq(|p| {
            p.eat("async");
            p.eat("for")?;
            p.star_targets()?;
            p.eat("in")?;
            cut = true;
            p.star_expressions()?;
            p.eat(":")?;
            let body = p.block()?;
            p.else_block();
            Some(body)
        });
        if found.is_none() && !cut && self.hints {
            self.invalid_for_target();
        }
        found
    }

    pub(super) fn with_stmt(&mut self) -> R {
        if self.hints {
            for quiet in [true, false] {
                let _: Option<()> = self.seq(|p| {
                    p.eat("async");
                    let t = p.eat("with")?;
                    p.loose_with_items(quiet)?;
                    p.missing_block(t, "'with' statement")
                });
            }
        }
        let grouped = self.seq(|p| {
            p.eat("async");
            p.eat("with")?;
            p.eat("(")?;
            p.gather(",", &mut |p| p.with_item())?;
            p.eat(",");
            p.eat(")")?;
            p.eat(":")?;
            p.block()
        });
        let found = grouped.or_else(|| {
            self.seq(|p| {
                p.eat("async");
                p.eat("with")?;
                p.gather(",", &mut |p| p.with_item())?;
                p.eat(":")?;
                p.block()
            })
        });
        if found.is_none() && self.hints {
            for plain in [true, false] {
                let _: Option<()> = self.seq(|p| {
                    p.eat("async");
                    p.eat("with")?;
                    p.loose_with_items(plain)?;
                    p.eat_kind(Kind::Newline)?;
                    p.raise_last("expected ':'")
                });
            }
        }
        found
    }

    /// Items of a `with`, plain or in parentheses, whatever their targets.
    pub(super) fn loose_with_items(&mut self, plain: bool) -> Option<()> {
        let mut item = |p: &mut Self| {
            let n = if plain {
                p.expression()?
            } else {
                p.expressions()?
            };
            p.seq(|p| {
                p.eat("as")?;
                p.star_target()
            });
            Some(n)
        };
        if plain {
            return self.gather(",", &mut item).map(drop);
        }
        self.eat("(")?;
        self.gather(",", &mut item)?;
        self.eat(",");
        self.eat(")").map(drop)
    }

    pub(super) fn with_item(&mut self) -> R {
        const END: [&str; 3] = [",", ")", ":"];
        let found = self.seq(|p| {
            let n = p.expression()?;
            p.eat("as")?;
            p.star_target()?;
            p.at_any(&END).then_some(n)
        });
        if found.is_some() {
            return found;
        }
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                p.expression()?;
                p.eat("as")?;
                let a = p.expression()?;
                if !p.at_any(&END) {
                    return None;
                }
                p.check_target(a, Target::Assign)
            });
        }
        self.expression()
    }
}
