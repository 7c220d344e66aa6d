//! Imports, type aliases and type parameters.

use super::parser::{E, Parser, R};
use crate::lexer::{Kind, Token};

const EXPECTED_NAMES: &str = "Expected one or more names after 'import'";

impl Parser<'_> {
    pub(super) fn dotted_name(&mut self) -> R {
        self.gather(".", &mut |p| p.name())?.first().copied()
    }

    pub(super) fn import(&mut self, t: Token) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                let a = p.eat("import")?;
                if let Some(newline) = p.eat_kind(Kind::Newline) {
                    return p.raise_from_token(newline, EXPECTED_NAMES);
                }
                p.gather(",", &mut |p| p.dotted_name())?;
                p.eat("from")?;
                p.dotted_name()?;
                p.raise_from(
                    a.start,
                    "Did you mean to use 'from ... import ...' instead?",
                )
            });
        }
        self.seq(|p| {
            if p.eat("import").is_some() {
                p.gather(",", &mut |p| p.dotted_as_name())?;
            } else {
                p.eat("from")?;
                let dots = p.many(|p| p.eat_any(&[".", "..."]));
                if p.dotted_name().is_none() && dots.is_empty() {
                    return None;
                }
                p.eat("import")?;
                p.import_targets()?;
            }
            Some(p.leaf(E::Other, t))
        })
    }

    pub(super) fn import_targets(&mut self) -> Option<()> {
        let names = |p: &mut Self| p.gather(",", &mut |p| p.import_as_name()).map(drop);
        let grouped = self.seq(|p| {
            p.eat("(")?;
            names(p)?;
            p.eat(",");
            p.eat(")")?;
            Some(())
        });
        if grouped.is_some() {
            return grouped;
        }
        let plain = self.seq(|p| {
            names(p)?;
            if p.at(",") { None } else { Some(()) }
        });
        if plain.is_some() || self.eat("*").is_some() {
            return Some(());
        }
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                names(p)?;
                p.eat(",")?;
                p.eat_kind(Kind::Newline)?;
                p.raise_last("trailing comma not allowed without surrounding parentheses")
            });
            let _: Option<()> = self.seq(|p| {
                let newline = p.eat_kind(Kind::Newline)?;
                p.raise_from_token(newline, EXPECTED_NAMES)
            });
        }
        None
    }

    pub(super) fn import_as_name(&mut self) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                p.name()?;
                p.invalid_import_alias(true)
            });
        }
        self.seq(|p| {
            let n = p.name()?;
            p.alias();
            Some(n)
        })
    }

    pub(super) fn dotted_as_name(&mut self) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                p.dotted_name()?;
                p.invalid_import_alias(false)
            });
        }
        self.seq(|p| {
            let n = p.dotted_name()?;
            p.alias();
            Some(n)
        })
    }

    pub(super) fn alias(&mut self) -> R {
        self.seq(|p| {
            p.eat("as")?;
            p.name()
        })
    }

    pub(super) fn invalid_import_alias(&mut self, grouped: bool) -> Option<()> {
        self.eat("as")?;
        let fine = self.ahead(|p| {
            p.name()?;
            let end = p.at(",") || (grouped && p.at(")")) || p.at_kind(Kind::Newline);
            end.then_some(())
        });
        if fine {
            return None;
        }
        let a = self.expression()?;
        let what = self.describe(a);
        self.raise_node(a, format!("cannot use {what} as import target"))
    }

    // Type parameters

    pub(super) fn type_alias(&mut self) -> R {
        self.seq(|p| {
            p.eat("type")?;
            let n = p.name()?;
            p.type_params();
            p.eat("=")?;
            p.expression()?;
            Some(n)
        })
    }

    pub(super) fn type_params(&mut self) -> Option<()> {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                p.eat("[")?;
                let close = p.eat("]")?;
                p.raise_from(close.start, "Type parameter list cannot be empty")
            });
        }
        self.seq(|p| {
            p.eat("[")?;
            p.gather(",", &mut |p| p.type_param())?;
            p.eat(",");
            p.eat("]")?;
            Some(())
        })
    }

    pub(super) fn type_param(&mut self) -> R {
        let plain = self.seq(|p| {
            let n = p.name()?;
            p.seq(|p| {
                p.eat(":")?;
                p.expression()
            });
            p.type_default(false);
            Some(n)
        });
        if plain.is_some() {
            return plain;
        }
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                let star = p.eat_any(&["*", "**"])?;
                let class = if star.end - star.start == 1 {
                    "TypeVarTuple"
                } else {
                    "ParamSpec"
                };
                p.name()?;
                let colon = p.eat(":")?;
                let bound = p.expression()?;
                let what = if p.kind(bound) == E::Tuple {
                    "constraints"
                } else {
                    "bound"
                };
                p.raise_from(colon.start, format!("cannot use {what} with {class}"))
            });
        }
        self.seq(|p| {
            let star = p.eat_any(&["*", "**"])?;
            let n = p.name()?;
            p.type_default(star.end - star.start == 1);
            Some(n)
        })
    }

    pub(super) fn type_default(&mut self, starred: bool) -> R {
        self.seq(|p| {
            p.eat("=")?;
            if starred {
                p.star_expression()
            } else {
                p.expression()
            }
        })
    }
}
