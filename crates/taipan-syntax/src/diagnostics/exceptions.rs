//! `try` statements and their handlers.

use super::parser::{Parser, R};
use crate::lexer::{Kind, Token};

impl Parser<'_> {
    pub(super) fn try_stmt(&mut self) -> R {
        if self.hints {
            self.invalid_try();
        }
        self.seq(|p| {
            p.eat("try")?;
            p.force(":")?;
            let body = p.block()?;
            if p.finally_block().is_some() {
                return Some(body);
            }
            let handlers = p.many(|p| p.except_block(false));
            let handlers = if handlers.is_empty() {
                p.many(|p| p.except_block(true))
            } else {
                handlers
            };
            if handlers.is_empty() {
                return None;
            }
            p.else_block();
            p.finally_block();
            Some(body)
        })
    }

    pub(super) fn invalid_try(&mut self) {
        const BOTH: &str = "cannot have both 'except' and 'except*' on the same 'try'";
        let _: Option<()> = self.seq(|p| {
            let t = p.eat("try")?;
            p.missing_block(t, "'try' statement")
        });
        let _: Option<()> = self.seq(|p| {
            p.eat("try")?;
            p.eat(":")?;
            p.block()?;
            if p.at_any(&["except", "finally"]) {
                return None;
            }
            p.raise_last("expected 'except' or 'finally' block")
        });
        let _: Option<()> = self.seq(|p| {
            p.eat("try")?;
            p.eat(":")?;
            p.many(Self::block);
            p.some(|p| p.except_block(false))?;
            let a = p.eat("except")?;
            let b = p.eat("*")?;
            p.expression()?;
            p.handler_name();
            p.eat(":")?;
            p.raise_range(a.start, b.end, BOTH)
        });
        let _: Option<()> = self.seq(|p| {
            p.eat("try")?;
            p.eat(":")?;
            p.many(Self::block);
            p.some(|p| p.except_block(true))?;
            let a = p.eat("except")?;
            if p.expression().is_some() {
                p.handler_name();
            }
            p.eat(":")?;
            p.raise_token(a, BOTH)
        });
    }

    pub(super) fn handler_name(&mut self) -> R {
        self.alias()
    }

    /// `except` or `except*` with what may follow, up to the colon.
    pub(super) fn except_word(&mut self, star: bool) -> Option<Token> {
        let t = self.eat("except")?;
        if star {
            self.eat("*")?;
        }
        Some(t)
    }

    pub(super) fn except_block(&mut self, star: bool) -> R {
        if !self.at("except") {
            return None;
        }
        let word = if star { "except*" } else { "except" };
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                let t = p.except_word(star)?;
                if p.expression().is_some() {
                    p.handler_name();
                } else if star {
                    return None;
                }
                p.missing_block(t, &format!("'{word}' statement"))
            });
        }
        let found = self.seq(|p| {
            p.except_word(star)?;
            let one = p.seq(|p| {
                p.expression()?;
                p.handler_name();
                p.eat(":")
            });
            if one.is_none() {
                let types = p.expressions();
                if types.is_none() && star {
                    return None;
                }
                p.eat(":")?;
            }
            p.block()
        });
        if found.is_none() && self.hints {
            self.invalid_except(star, word);
        }
        found
    }

    pub(super) fn invalid_except(&mut self, star: bool, word: &str) {
        let _: Option<()> = self.seq(|p| {
            p.except_word(star)?;
            let a = p.expression()?;
            p.eat(",")?;
            p.expressions()?;
            p.eat("as")?;
            p.name()?;
            p.eat(":")?;
            let start = p.get(a).start;
            p.raise_from(
                start,
                "multiple exception types must be parenthesized when using 'as'",
            )
        });
        let _: Option<()> = self.seq(|p| {
            p.except_word(star)?;
            p.expression()?;
            p.handler_name();
            p.eat_kind(Kind::Newline)?;
            p.raise_last("expected ':'")
        });
        let _: Option<()> = self.seq(|p| {
            p.except_word(star)?;
            if star {
                if p.eat_kind(Kind::Newline).is_none() {
                    p.eat(":")?;
                }
                return p.raise_last("expected one or more exception types");
            }
            p.eat_kind(Kind::Newline)?;
            p.raise_last("expected ':'")
        });
        let _: Option<()> = self.seq(|p| {
            p.except_word(star)?;
            p.expression()?;
            p.eat("as")?;
            let a = p.expression()?;
            p.eat(":")?;
            p.block()?;
            let what = p.describe(a);
            p.raise_node(a, format!("cannot use {word} statement with {what}"))
        });
    }

    pub(super) fn finally_block(&mut self) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                let t = p.eat("finally")?;
                p.missing_block(t, "'finally' statement")
            });
        }
        self.seq(|p| {
            p.eat("finally")?;
            p.force(":")?;
            p.block()
        })
    }
}
