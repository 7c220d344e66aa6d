//! Assignment and deletion targets, and parameter lists.

use super::parser::{E, N, Parser, R, Rule};

/// What ends a parameter list, and what such a list allows.
#[derive(Clone, Copy)]
pub(super) struct List {
    close: &'static str,
    annotated: bool,
    what: &'static str,
}

const FUNCTION: List = List {
    close: ")",
    annotated: true,
    what: "Function",
};
const LAMBDA: List = List {
    close: ":",
    annotated: false,
    what: "Lambda expression",
};

impl Parser<'_> {
    pub(super) fn at_trailer(&mut self) -> bool {
        self.at_any(&["(", "[", "."])
    }

    /// A primary that a trailer follows.
    pub(super) fn t_primary(&mut self) -> R {
        self.memo(Rule::TPrimary, |p| {
            let start = p.here();
            let mut result = p.atom()?;
            if !p.at_trailer() {
                return None;
            }
            loop {
                let step = p.seq(|p| {
                    let kind = if p.eat(".").is_some() {
                        p.name()?;
                        E::Attribute
                    } else if p.eat("[").is_some() {
                        p.slices()?;
                        p.eat("]")?;
                        E::Subscript
                    } else {
                        if p.genexp().is_none() {
                            p.eat("(")?;
                            p.arguments();
                            p.eat(")")?;
                        }
                        E::Call
                    };
                    p.at_trailer().then_some(kind)
                });
                let Some(kind) = step else {
                    return Some(result);
                };
                result = p.node(kind, start, vec![result]);
            }
        })
    }

    /// `a.b` or `a[b]` with nothing after it.
    pub(super) fn subscript_or_attribute(&mut self) -> R {
        self.seq(|p| {
            let start = p.here();
            p.t_primary()?;
            let kind = if p.eat(".").is_some() {
                p.name()?;
                E::Attribute
            } else {
                p.eat("[")?;
                p.slices()?;
                p.eat("]")?;
                E::Subscript
            };
            if p.at_trailer() {
                return None;
            }
            Some(p.node(kind, start, vec![]))
        })
    }

    pub(super) fn annotation_target(&mut self) -> R {
        let grouped = self.seq(|p| {
            p.eat("(")?;
            let target = p.single_target()?;
            p.eat(")")?;
            Some(target)
        });
        grouped.or_else(|| self.subscript_or_attribute())
    }

    pub(super) fn single_target(&mut self) -> R {
        if let Some(n) = self.subscript_or_attribute() {
            return Some(n);
        }
        if let Some(n) = self.name() {
            return Some(n);
        }
        self.seq(|p| {
            p.eat("(")?;
            let n = p.deep(Self::single_target)?;
            p.eat(")")?;
            Some(n)
        })
    }

    pub(super) fn star_targets(&mut self) -> R {
        self.seq(|p| {
            let start = p.here();
            let first = p.star_target()?;
            if !p.at(",") {
                return Some(first);
            }
            let mut items = vec![first];
            items.extend(p.many(|p| {
                p.eat(",")?;
                p.star_target()
            }));
            p.eat(",");
            Some(p.node(E::Tuple, start, items))
        })
    }

    pub(super) fn star_target(&mut self) -> R {
        self.memo(Rule::StarTarget, |p| {
            let starred = p.seq(|p| {
                let t = p.eat("*")?;
                if p.at("*") {
                    return None;
                }
                let value = p.star_target()?;
                Some(p.node(E::Starred, t.start, vec![value]))
            });
            starred.or_else(|| p.target_with_atom())
        })
    }

    pub(super) fn target_with_atom(&mut self) -> R {
        self.memo(Rule::TargetAtom, |p| {
            p.subscript_or_attribute().or_else(|| p.star_atom())
        })
    }

    pub(super) fn star_atom(&mut self) -> R {
        if let Some(n) = self.name() {
            return Some(n);
        }
        let grouped = self.seq(|p| {
            p.eat("(")?;
            let n = p.target_with_atom()?;
            p.eat(")")?;
            Some(n)
        });
        if grouped.is_some() {
            return grouped;
        }
        let tuple = self.seq(|p| {
            let t = p.eat("(")?;
            p.seq(|p| {
                p.star_target()?;
                p.eat(",")?;
                p.target_list();
                Some(())
            });
            p.eat(")")?;
            Some(p.node(E::Tuple, t.start, vec![]))
        });
        tuple.or_else(|| {
            self.seq(|p| {
                let t = p.eat("[")?;
                p.target_list();
                p.eat("]")?;
                Some(p.node(E::List, t.start, vec![]))
            })
        })
    }

    pub(super) fn target_list(&mut self) {
        if self.gather(",", &mut |p| p.star_target()).is_some() {
            self.eat(",");
        }
    }

    pub(super) fn del_targets(&mut self) -> Option<()> {
        self.gather(",", &mut |p| p.del_target())?;
        self.eat(",");
        Some(())
    }

    pub(super) fn del_target(&mut self) -> R {
        self.deep(|p| {
            if let Some(n) = p.subscript_or_attribute() {
                return Some(n);
            }
            if let Some(n) = p.name() {
                return Some(n);
            }
            let grouped = p.seq(|p| {
                p.eat("(")?;
                let n = p.del_target()?;
                p.eat(")")?;
                Some(n)
            });
            if grouped.is_some() {
                return grouped;
            }
            for (open, close, kind) in [("(", ")", E::Tuple), ("[", "]", E::List)] {
                let listed = p.seq(|p| {
                    let t = p.eat(open)?;
                    p.del_targets();
                    p.eat(close)?;
                    Some(p.node(kind, t.start, vec![]))
                });
                if listed.is_some() {
                    return listed;
                }
            }
            None
        })
    }

    // Parameters

    pub(super) fn params(&mut self) -> Option<()> {
        self.parameters(FUNCTION)
    }

    pub(super) fn lambda_params(&mut self) -> Option<()> {
        self.parameters(LAMBDA)
    }

    pub(super) fn parameters(&mut self, list: List) -> Option<()> {
        if self.hints {
            self.invalid_parameters(list);
        }
        self.seq(|p| {
            let start = p.mark;
            let slashed = p.slashed(list);
            if slashed != Some(true) {
                p.many(|p| p.param_plain(list));
            }
            p.many(|p| p.param_default(list));
            p.star_etc(list);
            (p.mark > start).then_some(())
        })
    }

    pub(super) fn param(&mut self, list: List) -> R {
        let name = self.name()?;
        if list.annotated {
            let annotated = self.seq(|p| {
                p.eat(":")?;
                p.expression()
            });
            if annotated.is_some() {
                let start = self.get(name).start;
                return Some(self.node(E::Other, start, vec![]));
            }
        }
        Some(name)
    }

    /// The comma after a parameter, or the end of the list ahead.
    pub(super) fn param_end(&mut self, list: List) -> Option<()> {
        if self.eat(",").is_some() || self.at(list.close) {
            Some(())
        } else {
            None
        }
    }

    /// A parameter without default.
    pub(super) fn param_plain(&mut self, list: List) -> R {
        self.seq(|p| {
            let n = p.param(list)?;
            p.param_end(list)?;
            Some(n)
        })
    }

    /// A parameter with default.
    pub(super) fn param_default(&mut self, list: List) -> R {
        self.seq(|p| {
            let n = p.param(list)?;
            p.default()?;
            p.param_end(list)?;
            Some(n)
        })
    }

    pub(super) fn param_maybe(&mut self, list: List) -> R {
        self.seq(|p| {
            let n = p.param(list)?;
            p.default();
            p.param_end(list)?;
            Some(n)
        })
    }

    pub(super) fn default(&mut self) -> Option<()> {
        let found = self.seq(|p| {
            p.eat("=")?;
            p.expression()?;
            Some(())
        });
        if found.is_none() && self.hints {
            let _: Option<()> = self.seq(|p| {
                let t = p.eat("=")?;
                // A lambda's colon is not looked for.
                if !p.at_any(&[")", ","]) {
                    return None;
                }
                p.raise_token(t, "expected default value expression")
            });
        }
        found
    }

    /// Parameters up to and with `/`; whether any had a default.
    pub(super) fn slashed(&mut self, list: List) -> Option<bool> {
        self.seq(|p| {
            let plain = p.many(|p| p.param_plain(list));
            let defaults = p.many(|p| p.param_default(list));
            if plain.is_empty() && defaults.is_empty() {
                return None;
            }
            p.eat("/")?;
            p.param_end(list)?;
            Some(!defaults.is_empty())
        })
    }

    pub(super) fn star_etc(&mut self, list: List) -> Option<()> {
        if self.hints {
            self.invalid_star_etc(list);
        }
        let starred = self.seq(|p| {
            p.eat("*")?;
            if p.eat(",").is_some() {
                p.some(|p| p.param_maybe(list))?;
            } else {
                p.star_param(list)?;
                p.many(|p| p.param_maybe(list));
            }
            p.kwds(list);
            Some(())
        });
        starred.or_else(|| self.kwds(list))
    }

    /// `name` or `name: *annotation` after a star.
    pub(super) fn star_param(&mut self, list: List) -> R {
        if let Some(n) = self.param_plain(list) {
            return Some(n);
        }
        if !list.annotated {
            return None;
        }
        self.seq(|p| {
            let n = p.name()?;
            p.eat(":")?;
            p.star_expression()?;
            p.param_end(list)?;
            Some(n)
        })
    }

    pub(super) fn kwds(&mut self, list: List) -> Option<()> {
        const AFTER: &str = "arguments cannot follow var-keyword argument";
        if self.hints && self.at("**") {
            let _: Option<()> = self.seq(|p| {
                p.eat("**")?;
                p.param(list)?;
                if let Some(t) = p.eat("=") {
                    return p.raise_token(t, "var-keyword argument cannot have default value");
                }
                p.eat(",")?;
                if let Some(n) = p.param(list) {
                    return p.raise_node(n, AFTER);
                }
                let t = p.eat_any(&["*", "**", "/"])?;
                p.raise_token(t, AFTER)
            });
        }
        self.seq(|p| {
            p.eat("**")?;
            p.param_plain(list)?;
            Some(())
        })
    }

    pub(super) fn invalid_star_etc(&mut self, list: List) {
        let _: Option<()> = self.seq(|p| {
            let star = p.eat("*")?;
            if !p.at(list.close) {
                p.eat(",")?;
                p.eat_any(&[list.close, "**"])?;
            } else {
                p.eat(list.close);
            }
            const MESSAGE: &str = "named arguments must follow bare *";
            if list.annotated {
                p.raise_token(star, MESSAGE)
            } else {
                p.raise_last(MESSAGE)
            }
        });
        let _: Option<()> = self.seq(|p| {
            p.eat("*")?;
            p.param(list)?;
            let t = p.eat("=")?;
            p.raise_token(t, "var-positional argument cannot have default value")
        });
        let _: Option<()> = self.seq(|p| {
            p.eat("*")?;
            if p.param_plain(list).is_none() {
                p.eat(",")?;
            }
            p.many(|p| p.param_maybe(list));
            let t = p.eat("*")?;
            if p.param_plain(list).is_none() {
                p.eat(",")?;
            }
            p.raise_token(t, "* argument may appear only once")
        });
    }

    pub(super) fn invalid_parameters(&mut self, list: List) {
        let _: Option<()> = self.seq(|p| {
            let t = p.eat("/")?;
            p.eat(",")?;
            p.raise_token(t, "at least one argument must precede /")
        });
        let _: Option<()> = self.seq(|p| {
            p.slashed(list)?;
            p.many(|p| p.param_maybe(list));
            let t = p.eat("/")?;
            p.raise_token(t, "/ may appear only once")
        });
        let _: Option<()> = self.seq(|p| {
            let slashed = p.slashed(list);
            let mut defaults = slashed == Some(true);
            if !defaults {
                p.many(|p| p.param_plain(list));
                defaults = p.some(|p| p.param_default(list)).is_some();
            }
            if !defaults {
                return None;
            }
            let n = p.param_plain(list)?;
            p.raise_node(
                n,
                "parameter without a default follows parameter with a default",
            )
        });
        let _: Option<()> = self.seq(|p| {
            p.many(|p| p.param_plain(list));
            let open = p.eat("(")?;
            let mut inside = |p: &mut Self| p.grouped_parameter(list);
            p.some(&mut inside)?;
            p.eat(",");
            let close = p.eat(")")?;
            let what = list.what;
            p.raise_range(
                open.start,
                close.end,
                format!("{what} parameters cannot be parenthesized"),
            )
        });
        let _: Option<()> = self.seq(|p| {
            p.slashed(list);
            p.many(|p| p.param_maybe(list));
            p.eat("*")?;
            if p.eat(",").is_none() {
                p.param_plain(list)?;
            }
            p.many(|p| p.param_maybe(list));
            let t = p.eat("/")?;
            p.raise_token(t, "/ must be ahead of *")
        });
        let _: Option<()> = self.seq(|p| {
            p.some(|p| p.param_maybe(list))?;
            p.eat("/")?;
            let t = p.eat("*")?;
            p.raise_token(t, "expected comma between / and *")
        });
    }

    /// A parameter within the parentheses that nobody may write.
    pub(super) fn grouped_parameter(&mut self, list: List) -> Option<N> {
        if list.annotated {
            return self.param_plain(list);
        }
        // In a lambda these are bare names, which the closing parenthesis may end.
        self.seq(|p| {
            let n = p.name()?;
            if p.eat(",").is_none() && !p.at(")") {
                return None;
            }
            Some(n)
        })
    }
}
