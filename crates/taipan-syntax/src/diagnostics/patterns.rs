//! `match` statements and their patterns.

use super::parser::{E, N, Parser, R};
use crate::lexer::{Kind, Token};

impl Parser<'_> {
    pub(super) fn match_stmt(&mut self) -> R {
        let found = self.seq(|p| {
            let t = p.eat("match")?;
            p.subject()?;
            p.eat(":")?;
            p.eat_kind(Kind::Newline)?;
            p.eat_kind(Kind::Indent)?;
            p.some(Self::case_block)?;
            p.eat_kind(Kind::Dedent)?;
            Some(p.leaf(E::Other, t))
        });
        if found.is_none() && self.hints {
            let _: Option<()> = self.seq(|p| {
                let t = p.eat("match")?;
                p.subject()?;
                if p.eat_kind(Kind::Newline).is_some() {
                    return p.raise_last("expected ':'");
                }
                p.eat(":")?;
                p.eat_kind(Kind::Newline)?;
                if p.at_kind(Kind::Indent) {
                    return None;
                }
                p.raise_block(t, "'match' statement")
            });
        }
        found
    }

    pub(super) fn subject(&mut self) -> R {
        let tuple = self.seq(|p| {
            let first = p.star_named_expression()?;
            p.eat(",")?;
            p.seq(Self::star_named_expressions);
            Some(first)
        });
        tuple.or_else(|| self.named_expression())
    }

    pub(super) fn guard(&mut self) -> R {
        self.seq(|p| {
            p.eat("if")?;
            p.named_expression()
        })
    }

    pub(super) fn case_block(&mut self) -> R {
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                let t = p.eat("case")?;
                p.patterns()?;
                p.guard();
                if p.eat_kind(Kind::Newline).is_some() {
                    return p.raise_last("expected ':'");
                }
                p.eat(":")?;
                p.eat_kind(Kind::Newline)?;
                if p.at_kind(Kind::Indent) {
                    return None;
                }
                p.raise_block(t, "'case' statement")
            });
        }
        self.seq(|p| {
            p.eat("case")?;
            p.patterns()?;
            p.guard();
            p.eat(":")?;
            p.block()
        })
    }

    pub(super) fn patterns(&mut self) -> R {
        self.open_sequence().or_else(|| self.pattern())
    }

    /// `maybe_star_pattern ',' [more]`
    pub(super) fn open_sequence(&mut self) -> R {
        self.seq(|p| {
            let first = p.star_or_pattern()?;
            p.eat(",")?;
            p.pattern_list();
            Some(first)
        })
    }

    pub(super) fn pattern_list(&mut self) -> Option<()> {
        self.gather(",", &mut |p| p.star_or_pattern())?;
        self.eat(",");
        Some(())
    }

    pub(super) fn star_or_pattern(&mut self) -> R {
        let starred = self.seq(|p| {
            p.eat("*")?;
            p.name()
        });
        starred.or_else(|| self.pattern())
    }

    pub(super) fn pattern(&mut self) -> R {
        self.deep(|p| p.as_pattern().or_else(|| p.or_pattern()))
    }

    pub(super) fn as_pattern(&mut self) -> R {
        let found = self.seq(|p| {
            let first = p.or_pattern()?;
            p.eat("as")?;
            p.capture()?;
            Some(first)
        });
        if found.is_none() && self.hints {
            let _: Option<()> = self.seq(|p| {
                p.or_pattern()?;
                p.eat("as")?;
                if p.at("_") {
                    let t = p.tok();
                    return p.raise_token(t, "cannot use '_' as a target");
                }
                let a = p.expression()?;
                let what = p.describe(a);
                p.raise_node(a, format!("cannot use {what} as pattern target"))
            });
        }
        found
    }

    pub(super) fn capture(&mut self) -> R {
        if self.at("_") {
            return None;
        }
        self.seq(|p| {
            let n = p.name()?;
            if p.at_any(&[".", "(", "="]) {
                None
            } else {
                Some(n)
            }
        })
    }

    pub(super) fn or_pattern(&mut self) -> R {
        self.seq(|p| {
            p.gather("|", &mut |p| p.closed_pattern())
                .and_then(|l| l.first().copied())
        })
    }

    pub(super) fn closed_pattern(&mut self) -> R {
        let t = self.tok();
        match t.kind {
            Kind::String | Kind::FStart | Kind::TStart => return self.strings(),
            Kind::Number => return self.complex_or_number(),
            _ => {}
        }
        if self.at("-") {
            return self.complex_or_number();
        }
        if self.eat_any(&["None", "True", "False"]).is_some() {
            return Some(self.leaf(E::Literal, t));
        }
        self.capture()
            .or_else(|| self.wildcard())
            .or_else(|| self.class_or_value())
            .or_else(|| self.pattern_group())
            .or_else(|| self.mapping_pattern())
    }

    pub(super) fn wildcard(&mut self) -> R {
        let t = self.eat("_")?;
        Some(self.leaf(E::Name, t))
    }

    pub(super) fn complex_or_number(&mut self) -> R {
        self.seq(|p| {
            let t = p.tok();
            p.eat("-");
            let real = p.eat_kind(Kind::Number)?;
            if p.eat_any(&["+", "-"]).is_some() {
                if p.is_imaginary(real) {
                    return p.raise_token(real, "real number required in complex literal");
                }
                let imaginary = p.eat_kind(Kind::Number)?;
                if !p.is_imaginary(imaginary) {
                    return p
                        .raise_token(imaginary, "imaginary number required in complex literal");
                }
            }
            Some(p.node(E::Literal, t.start, vec![]))
        })
    }

    pub(super) fn is_imaginary(&self, t: Token) -> bool {
        self.token_text(t).ends_with(['j', 'J'])
    }

    pub(super) fn dotted(&mut self) -> Option<(N, bool)> {
        self.seq(|p| {
            let first = p.name()?;
            let start = p.get(first).start;
            let rest = p.many(|p| {
                p.eat(".")?;
                p.name()
            });
            let node = p.node(E::Attribute, start, vec![]);
            Some((node, !rest.is_empty()))
        })
    }

    pub(super) fn class_or_value(&mut self) -> R {
        let value = self.seq(|p| {
            let (n, dotted) = p.dotted()?;
            if !dotted || p.at_any(&[".", "(", "="]) {
                None
            } else {
                Some(n)
            }
        });
        if value.is_some() {
            return value;
        }
        let class = self.seq(|p| {
            let (n, _) = p.dotted()?;
            p.eat("(")?;
            let positional = p.positional_patterns().is_some();
            if positional {
                p.seq(|p| {
                    p.eat(",")?;
                    p.keyword_patterns()
                });
                p.eat(",");
            } else if p.keyword_patterns().is_some() {
                p.eat(",");
            }
            p.eat(")")?;
            Some(n)
        });
        if class.is_none() && self.hints {
            let _: Option<()> = self.seq(|p| {
                p.dotted()?;
                p.eat("(")?;
                p.seq(|p| {
                    p.positional_patterns()?;
                    p.eat(",")
                });
                p.keyword_patterns()?;
                p.eat(",")?;
                let start = p.here();
                p.positional_patterns()?;
                let end = p.last_end();
                p.raise_range(start, end, "positional patterns follow keyword patterns")
            });
        }
        class
    }

    pub(super) fn positional_patterns(&mut self) -> Option<()> {
        self.gather(",", &mut |p| {
            let n = p.pattern()?;
            if p.at("=") { None } else { Some(n) }
        })
        .map(drop)
    }

    pub(super) fn keyword_patterns(&mut self) -> Option<()> {
        self.gather(",", &mut |p| {
            p.name()?;
            p.eat("=")?;
            p.pattern()
        })
        .map(drop)
    }

    /// `[...]`, `(...)` with a comma or nothing in it, or a pattern in parentheses.
    pub(super) fn pattern_group(&mut self) -> R {
        let list = self.seq(|p| {
            let t = p.eat("[")?;
            p.pattern_list();
            p.eat("]")?;
            Some(p.node(E::Other, t.start, vec![]))
        });
        if list.is_some() {
            return list;
        }
        let group = self.seq(|p| {
            p.eat("(")?;
            let n = p.pattern()?;
            p.eat(")")?;
            Some(n)
        });
        group.or_else(|| {
            self.seq(|p| {
                let t = p.eat("(")?;
                p.open_sequence();
                p.eat(")")?;
                Some(p.node(E::Other, t.start, vec![]))
            })
        })
    }

    pub(super) fn mapping_pattern(&mut self) -> R {
        self.seq(|p| {
            let t = p.eat("{")?;
            let items = p.gather(",", &mut |p| p.mapping_item());
            if items.is_none() || p.eat(",").is_some() {
                // The rest comes last.
                p.seq(|p| {
                    p.eat("**")?;
                    p.capture()?;
                    p.eat(",");
                    Some(())
                });
            }
            p.eat("}")?;
            Some(p.node(E::Other, t.start, vec![]))
        })
    }

    pub(super) fn mapping_item(&mut self) -> R {
        if self.closed_key().is_none() {
            let (_, dotted) = self.dotted()?;
            if !dotted {
                return None;
            }
        }
        self.eat(":")?;
        self.pattern()
    }

    pub(super) fn closed_key(&mut self) -> R {
        let t = self.tok();
        match t.kind {
            Kind::String => self.strings(),
            Kind::Number => self.complex_or_number(),
            Kind::Op if self.at("-") => self.complex_or_number(),
            _ => {
                self.eat_any(&["None", "True", "False"])?;
                Some(self.leaf(E::Literal, t))
            }
        }
    }
}
