//! What stands in brackets: tuples, lists, sets, dicts and comprehensions.

use super::parser::{E, N, Parser, R, Target};

impl Parser<'_> {
    pub(super) fn tuple(&mut self) -> R {
        self.seq(|p| {
            let t = p.eat("(")?;
            let items = p.seq(|p| {
                let mut items = vec![p.star_named_expression()?];
                p.eat(",")?;
                items.extend(p.seq(Self::star_named_expressions).unwrap_or_default());
                Some(items)
            });
            p.eat(")")?;
            Some(p.node(E::Tuple, t.start, items.unwrap_or_default()))
        })
    }

    pub(super) fn group(&mut self) -> R {
        let found = self.seq(|p| {
            p.eat("(")?;
            let inner = p.yield_expr().or_else(|| p.named_expression())?;
            p.eat(")")?;
            Some(inner)
        });
        if found.is_none() && self.hints {
            let _: Option<()> = self.seq(|p| {
                p.eat("(")?;
                let a = p.starred_expression()?;
                p.eat(")")?;
                p.raise_node(a, "cannot use starred expression here")
            });
            let _: Option<()> = self.seq(|p| {
                p.eat("(")?;
                let a = p.eat("**")?;
                p.expression()?;
                p.eat(")")?;
                p.raise_token(a, "cannot use double starred expression here")
            });
        }
        found
    }

    pub(super) fn genexp(&mut self) -> R {
        let found = self.seq(|p| {
            let t = p.eat("(")?;
            p.argument_expression()?;
            p.for_if_clauses()?;
            p.eat(")")?;
            Some(p.node(E::GenExp, t.start, vec![]))
        });
        found.or_else(|| self.invalid_comprehension())
    }

    pub(super) fn list(&mut self) -> R {
        self.seq(|p| {
            let t = p.eat("[")?;
            let items = p.seq(Self::star_named_expressions).unwrap_or_default();
            p.eat("]")?;
            Some(p.node(E::List, t.start, items))
        })
    }

    pub(super) fn list_comp(&mut self) -> R {
        self.comprehension("[", "]", E::ListComp)
    }

    pub(super) fn set_comp(&mut self) -> R {
        self.comprehension("{", "}", E::SetComp)
    }

    pub(super) fn comprehension(&mut self, open: &str, close: &str, kind: E) -> R {
        let found = self.seq(|p| {
            let t = p.eat(open)?;
            p.named_expression()?;
            p.for_if_clauses()?;
            p.eat(close)?;
            Some(p.node(kind, t.start, vec![]))
        });
        found.or_else(|| self.invalid_comprehension())
    }

    /// Raises or fails.
    pub(super) fn invalid_comprehension(&mut self) -> R {
        if !self.hints {
            return None;
        }
        const TARGET: &str = "did you forget parentheses around the comprehension target?";
        let _: Option<()> = self.seq(|p| {
            p.eat_any(&["[", "(", "{"])?;
            let a = p.starred_expression()?;
            p.for_if_clauses()?;
            p.raise_node(a, "iterable unpacking cannot be used in comprehension")
        });
        let _: Option<()> = self.seq(|p| {
            p.eat_any(&["[", "{"])?;
            let a = p.star_named_expression()?;
            p.eat(",")?;
            let b = p.star_named_expressions()?;
            p.for_if_clauses()?;
            p.raise_nodes(a, *b.last()?, TARGET)
        });
        self.seq(|p| {
            p.eat_any(&["[", "{"])?;
            let a = p.star_named_expression()?;
            let b = p.eat(",")?;
            p.for_if_clauses()?;
            let start = p.get(a).start;
            p.raise_range(start, b.end, TARGET)
        })
    }

    pub(super) fn set(&mut self) -> R {
        self.seq(|p| {
            let t = p.eat("{")?;
            p.star_named_expressions()?;
            p.eat("}")?;
            Some(p.node(E::Set, t.start, vec![]))
        })
    }

    pub(super) fn pair(&mut self) -> R {
        self.seq(|p| {
            let key = p.expression()?;
            p.eat(":")?;
            p.expression()?;
            Some(key)
        })
    }

    pub(super) fn starred_pair(&mut self) -> R {
        let starred = self.seq(|p| {
            p.eat("**")?;
            p.bitwise_or()
        });
        starred.or_else(|| self.pair())
    }

    pub(super) fn dict(&mut self) -> R {
        let found = self.seq(|p| {
            let t = p.eat("{")?;
            if p.gather(",", &mut |p| p.starred_pair()).is_some() {
                p.eat(",");
            }
            p.eat("}")?;
            Some(p.node(E::Dict, t.start, vec![]))
        });
        if found.is_none() {
            // The one rule for mistakes that also speaks up in the first pass.
            let _: Option<()> = self.seq(|p| {
                p.eat("{")?;
                p.invalid_pairs()
            });
        }
        found
    }

    pub(super) fn invalid_pairs(&mut self) -> Option<()> {
        let _: Option<()> = self.seq(|p| {
            p.gather(",", &mut |p| p.starred_pair())?;
            p.eat(",")?;
            let _: Option<()> = p.seq(|p| {
                let a = p.expression()?;
                if p.at(":") {
                    return None;
                }
                let end = p.get(a).end;
                p.raise_open(end.saturating_sub(1), "':' expected after dictionary key")
            });
            p.invalid_pair_value()
        });
        self.seq(Self::invalid_pair_value)
    }

    pub(super) fn invalid_pair_value(&mut self) -> Option<()> {
        let _: Option<()> = self.seq(|p| {
            p.expression()?;
            p.eat(":")?;
            let star = p.eat("*")?;
            p.bitwise_or()?;
            p.raise_from(
                star.start,
                "cannot use a starred expression in a dictionary value",
            )
        });
        self.seq(|p| {
            p.expression()?;
            let colon = p.eat(":")?;
            if !p.at_any(&["}", ","]) {
                return None;
            }
            p.raise_token(colon, "expression expected after dictionary key and ':'")
        })
    }

    pub(super) fn dict_comp(&mut self) -> R {
        let found = self.seq(|p| {
            let t = p.eat("{")?;
            p.pair()?;
            p.for_if_clauses()?;
            p.eat("}")?;
            Some(p.node(E::DictComp, t.start, vec![]))
        });
        if found.is_none() && self.hints {
            let _: Option<()> = self.seq(|p| {
                p.eat("{")?;
                let a = p.eat("**")?;
                p.bitwise_or()?;
                p.for_if_clauses()?;
                p.eat("}")?;
                p.raise_token(a, "dict unpacking cannot be used in dict comprehension")
            });
        }
        found
    }

    /// `for ... in ... if ...`, once or more; the last clause's target and its last condition or
    /// iterable.
    pub(super) fn for_if_clauses(&mut self) -> Option<(N, N)> {
        self.some(Self::for_if_clause)?.last().copied()
    }

    pub(super) fn for_if_clause(&mut self) -> Option<(N, N)> {
        let mut cut = false;
        let found = self.seq(|p| {
            p.eat("async");
            p.eat("for")?;
            let target = p.star_targets()?;
            p.eat("in")?;
            cut = true;
            let iterable = p.disjunction()?;
            let tests = p.many(|p| {
                p.eat("if")?;
                p.disjunction()
            });
            Some((target, tests.last().copied().unwrap_or(iterable)))
        });
        if found.is_some() || cut || !self.hints {
            return found;
        }
        let _: Option<()> = self.seq(|p| {
            p.eat("async");
            p.eat("for")?;
            p.gather(",", &mut |p| p.bitwise_or())?;
            p.eat(",");
            if p.at("in") {
                None
            } else {
                p.raise_last("'in' expected after for-loop variables")
            }
        });
        self.invalid_for_target();
        None
    }

    pub(super) fn invalid_for_target(&mut self) {
        let _: Option<()> = self.seq(|p| {
            p.eat("async");
            p.eat("for")?;
            let a = p.star_expressions()?;
            p.check_target(a, Target::For)
        });
    }
}
