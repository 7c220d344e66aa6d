//! Arguments of calls and class definitions.

use super::parser::{E, N, Parser, R, Rule};

impl Parser<'_> {
    pub(super) fn arguments(&mut self) -> R {
        self.memo(Rule::Arguments, |p| {
            let found = p.seq(|p| {
                let args = p.args()?;
                p.eat(",");
                p.at(")").then_some(args)
            });
            if found.is_none() && p.hints {
                p.invalid_arguments();
            }
            found
        })
    }

    pub(super) fn positional(&mut self) -> R {
        self.seq(|p| {
            if let Some(starred) = p.starred_expression() {
                return Some(starred);
            }
            let e = p.argument_expression()?;
            if p.at("=") { None } else { Some(e) }
        })
    }

    /// Positional arguments, then keywords; a node with the arguments.
    pub(super) fn args(&mut self) -> R {
        self.seq(|p| {
            let start = p.here();
            if let Some(mut list) = p.gather(",", &mut |p| p.positional()) {
                let more = p.seq(|p| {
                    p.eat(",")?;
                    p.kwargs()
                });
                list.extend(more.unwrap_or_default());
                return Some(p.node(E::Other, start, list));
            }
            let list = p.kwargs()?;
            Some(p.node(E::Other, start, list))
        })
    }

    pub(super) fn kwargs(&mut self) -> Option<Vec<N>> {
        let both = self.seq(|p| {
            let mut list = p.gather(",", &mut |p| p.keyword_or("*"))?;
            p.eat(",")?;
            list.extend(p.gather(",", &mut |p| p.keyword_or("**"))?);
            Some(list)
        });
        both.or_else(|| self.gather(",", &mut |p| p.keyword_or("*")))
            .or_else(|| self.gather(",", &mut |p| p.keyword_or("**")))
    }

    pub(super) fn keyword_or(&mut self, star: &str) -> R {
        if self.hints {
            self.invalid_keyword();
        }
        let named = self.seq(|p| {
            let name = p.name()?;
            p.eat("=")?;
            p.expression()?;
            let start = p.get(name).start;
            Some(p.node(E::Keyword(false), start, vec![]))
        });
        if named.is_some() {
            return named;
        }
        if star == "*" {
            return self.starred_expression();
        }
        self.seq(|p| {
            let t = p.eat("**")?;
            p.expression()?;
            Some(p.node(E::Keyword(true), t.start, vec![]))
        })
    }

    pub(super) fn starred_expression(&mut self) -> R {
        if !self.at("*") {
            return None;
        }
        if self.hints {
            let _: Option<()> = self.seq(|p| {
                let a = p.eat("*")?;
                p.expression()?;
                p.eat("=")?;
                let b = p.expression()?;
                let end = p.get(b).end;
                p.raise_range(a.start, end, "cannot assign to iterable argument unpacking")
            });
        }
        let found = self.seq(|p| {
            let t = p.eat("*")?;
            let value = p.expression()?;
            Some(p.node(E::Starred, t.start, vec![value]))
        });
        if found.is_none() && self.hints {
            return self.raise_last("Invalid star expression");
        }
        found
    }

    pub(super) fn invalid_keyword(&mut self) {
        let _: Option<()> = self.seq(|p| {
            let a = p.eat_any(&["True", "False", "None"])?;
            let b = p.eat("=")?;
            let name = p.token_text(a);
            p.raise_range(a.start, b.end, format!("cannot assign to {name}"))
        });
        self.invalid_keyword_generator();
        let _: Option<()> = self.seq(|p| {
            let a = p.name()?;
            let b = p.eat("=")?;
            if !p.at_any(&[",", ")"]) {
                return None;
            }
            let start = p.get(a).start;
            p.raise_range(start, b.end, "expected argument value expression")
        });
        let _: Option<()> = self.seq(|p| {
            if p.ahead(|p| {
                p.name()?;
                p.eat("=")
            }) {
                return None;
            }
            let a = p.expression()?;
            let b = p.eat("=")?;
            let start = p.get(a).start;
            p.raise_range(
                start,
                b.end,
                "expression cannot contain assignment, perhaps you meant \"==\"?",
            )
        });
        let _: Option<()> = self.seq(|p| {
            let a = p.eat("**")?;
            p.expression()?;
            p.eat("=")?;
            let b = p.expression()?;
            let end = p.get(b).end;
            p.raise_range(a.start, end, "cannot assign to keyword argument unpacking")
        });
    }

    pub(super) fn invalid_keyword_generator(&mut self) {
        let _: Option<()> = self.seq(|p| {
            let a = p.name()?;
            let b = p.eat("=")?;
            p.expression()?;
            p.for_if_clauses()?;
            let start = p.get(a).start;
            p.raise_range(
                start,
                b.end,
                "invalid syntax. Maybe you meant '==' or ':=' instead of '='?",
            )
        });
    }

    pub(super) fn invalid_arguments(&mut self) {
        const GENERATOR: &str = "Generator expression must be parenthesized";
        let _: Option<()> = self.seq(|p| {
            let mixed = p.seq(|p| {
                p.gather(",", &mut |p| p.positional())?;
                p.eat(",")?;
                p.kwargs()
            });
            if mixed.is_none() {
                p.kwargs()?;
            }
            let comma = p.eat(",")?;
            p.gather(",", &mut |p| {
                p.starred_expression()?;
                if p.at("=") { None } else { Some(()) }
            })?;
            p.raise_from(
                comma.start,
                "iterable argument unpacking follows keyword argument unpacking",
            )
        });
        let _: Option<()> = self.seq(|p| {
            let a = p.argument_expression()?;
            let (_, last) = p.for_if_clauses()?;
            p.eat(",")?;
            if p.args().is_none() {
                p.for_if_clauses();
            }
            p.raise_nodes(a, last, GENERATOR)
        });
        self.invalid_keyword_generator();
        let _: Option<()> = self.seq(|p| {
            let a = p.args()?;
            let (_, last) = p.for_if_clauses()?;
            let items = &p.get(a).kids;
            if items.len() <= 1 {
                return None;
            }
            let item = *items.last()?;
            p.raise_nodes(item, last, GENERATOR)
        });
        let _: Option<()> = self.seq(|p| {
            p.args()?;
            p.eat(",")?;
            let a = p.expression()?;
            let (target, _) = p.for_if_clauses()?;
            p.raise_nodes(a, target, GENERATOR)
        });
        let _: Option<()> = self.seq(|p| {
            let a = p.args()?;
            p.eat(",")?;
            p.args()?;
            let kids = &p.get(a).kids;
            let unpacked = kids.iter().any(|&k| p.kind(k) == E::Keyword(true));
            p.raise_last(if unpacked {
                "positional argument follows keyword argument unpacking"
            } else {
                "positional argument follows keyword argument"
            })
        });
    }
}
