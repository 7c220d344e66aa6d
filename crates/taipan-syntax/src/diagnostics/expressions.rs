//! Expressions: the grammar from named expressions down to atoms.

use super::parser::{E, N, Parser, R, Rule};
use crate::lexer::Kind;

/// Operators by precedence, loosest first.
const BINARY: [&[&str]; 6] = [
    &["|"],
    &["^"],
    &["&"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "//", "%", "@"],
];

impl Parser<'_> {
    /// A node over several items: the item itself if there is one and no comma.
    pub(super) fn tuple_of(&mut self, start: u32, items: Vec<N>, comma: bool) -> R {
        let first = *items.first()?;
        if items.len() == 1 && !comma {
            return Some(first);
        }
        Some(self.node(E::Tuple, start, items))
    }

    pub(super) fn listed(&mut self, item: fn(&mut Self) -> R) -> R {
        self.seq(|p| {
            let start = p.here();
            let items = p.gather(",", &mut |p| item(p))?;
            let comma = p.eat(",").is_some();
            p.tuple_of(start, items, comma)
        })
    }

    pub(super) fn star_expressions(&mut self) -> R {
        self.listed(Self::star_expression)
    }

    pub(super) fn expressions(&mut self) -> R {
        self.listed(Self::expression)
    }

    pub(super) fn star_expression(&mut self) -> R {
        self.memo(Rule::StarExpression, |p| {
            p.starred_bitwise().or_else(|| p.expression())
        })
    }

    pub(super) fn starred_bitwise(&mut self) -> R {
        self.seq(|p| {
            let star = p.eat("*")?;
            let value = p.bitwise_or()?;
            Some(p.node(E::Starred, star.start, vec![value]))
        })
    }

    pub(super) fn star_named_expression(&mut self) -> R {
        self.starred_bitwise().or_else(|| self.named_expression())
    }

    /// `','.star_named_expression+ [',']`
    pub(super) fn star_named_expressions(&mut self) -> Option<Vec<N>> {
        let items = self.gather(",", &mut |p| p.star_named_expression())?;
        self.eat(",");
        Some(items)
    }

    pub(super) fn annotated_rhs(&mut self) -> R {
        self.yield_expr().or_else(|| self.star_expressions())
    }

    pub(super) fn yield_expr(&mut self) -> R {
        self.seq(|p| {
            let t = p.eat("yield")?;
            let from = p.seq(|p| {
                p.eat("from")?;
                p.expression()
            });
            if from.is_none() {
                p.star_expressions();
            }
            Some(p.node(E::Yield, t.start, vec![]))
        })
    }

    /// `NAME ':=' ~ expression`; the flag says that the alternative was cut.
    pub(super) fn walrus(&mut self, cut: &mut bool) -> R {
        self.seq(|p| {
            let name = p.name()?;
            p.eat(":=")?;
            *cut = true;
            let value = p.expression()?;
            let start = p.get(name).start;
            Some(p.node(E::Named, start, vec![name, value]))
        })
    }

    pub(super) fn named_expression(&mut self) -> R {
        let mut cut = false;
        let found = self.walrus(&mut cut);
        if found.is_some() || cut {
            return found;
        }
        if self.hints {
            self.memo(Rule::NamedInvalid, Self::invalid_named)?;
        }
        self.plain_expression()
    }

    /// `expression !':='`
    pub(super) fn plain_expression(&mut self) -> R {
        self.seq(|p| {
            let e = p.expression()?;
            if p.at(":=") { None } else { Some(e) }
        })
    }

    /// `assignment_expression | expression !':='`
    pub(super) fn argument_expression(&mut self) -> R {
        let mut cut = false;
        let found = self.walrus(&mut cut);
        if found.is_some() || cut {
            found
        } else {
            self.plain_expression()
        }
    }

    /// Raises or succeeds with a dummy.
    pub(super) fn invalid_named(&mut self) -> R {
        let mark = self.mark;
        let assigned = |p: &mut Self| {
            let end = p.bitwise_or()?;
            if p.at_any(&["=", ":="]) {
                None
            } else {
                Some(end)
            }
        };
        let _: Option<()> = self.seq(|p| {
            let a = p.expression()?;
            p.eat(":=")?;
            p.expression()?;
            let what = p.describe(a);
            p.raise_node(a, format!("cannot use assignment expressions with {what}"))
        });
        let _: Option<()> = self.seq(|p| {
            let a = p.name()?;
            p.eat("=")?;
            let b = assigned(p)?;
            p.raise_nodes(
                a,
                b,
                "invalid syntax. Maybe you meant '==' or ':=' instead of '='?",
            )
        });
        let _: Option<()> = self.seq(|p| {
            let listed = p.ahead(Self::list)
                || p.ahead(Self::tuple)
                || p.ahead(Self::genexp)
                || p.at_any(&["True", "None", "False"]);
            if listed {
                return None;
            }
            let a = p.bitwise_or()?;
            p.eat("=")?;
            assigned(p)?;
            let what = p.describe(a);
            p.raise_node(
                a,
                format!("cannot assign to {what} here. Maybe you meant '==' instead of '='?"),
            )
        });
        self.mark = mark;
        self.error.is_none().then_some(0)
    }

    pub(super) fn expression(&mut self) -> R {
        self.memo(Rule::Expression, |p| {
            if p.hints {
                p.invalid_expression();
                p.invalid_legacy();
            }
            p.expression_proper()
        })
    }

    pub(super) fn expression_proper(&mut self) -> R {
        let start = self.mark;
        let at = self.here();
        if let Some(body) = self.disjunction() {
            let conditional = self.seq(|p| {
                p.eat("if")?;
                let test = p.disjunction()?;
                p.eat("else")?;
                let other = p.expression()?;
                Some(p.node(E::IfExp, at, vec![body, test, other]))
            });
            return conditional.or(Some(body));
        }
        self.mark = start;
        self.lambda()
    }

    /// An expression parsed without the rules for mistakes.
    pub(super) fn expression_quietly(&mut self) -> R {
        let hints = std::mem::replace(&mut self.hints, false);
        let result = self.seq(Self::expression_proper);
        self.hints = hints;
        result
    }

    pub(super) fn is_legacy_statement(&self, n: N) -> bool {
        self.kind(n) == E::Name && matches!(self.node_text(n), "print" | "exec")
    }

    pub(super) fn invalid_expression(&mut self) {
        // Text between two string literals: a quote within the string ended it too early.
        let _: Option<()> = self.seq(|p| {
            p.eat_kind(Kind::String)?;
            let items = p.some(|p| {
                if p.at_kind(Kind::String) {
                    return None;
                }
                p.expression_quietly()
            })?;
            p.eat_kind(Kind::String)?;
            let (first, last) = (*items.first()?, *items.last()?);
            p.raise_nodes(
                first,
                last,
                "invalid syntax. Is this intended to be part of the string?",
            )
        });
        let _: Option<()> = self.seq(|p| {
            // A name before a string is an unknown prefix, and soft keywords stand before names.
            let prefix = p.ahead(|p| {
                p.name()?;
                p.eat_kind(Kind::String)
            });
            if prefix || p.at_any(&["_", "case", "match", "type"]) {
                return None;
            }
            let a = p.disjunction()?;
            let b = p.expression_quietly()?;
            if p.is_legacy_statement(a) || p.tokens[p.mark - 1].level == 0 {
                return None;
            }
            p.raise_nodes(a, b, "invalid syntax. Perhaps you forgot a comma?")
        });
        let _: Option<()> = self.seq(|p| {
            let a = p.disjunction()?;
            p.eat("if")?;
            let b = p.disjunction()?;
            if !p.at_any(&["else", ":"]) {
                return p.raise_nodes(a, b, "expected 'else' after 'if' expression");
            }
            p.eat("else")?;
            if p.ahead(Self::expression) {
                return None;
            }
            p.raise_here("expected expression after 'else', but statement is given")
        });
        let _: Option<()> = self.seq(|p| {
            let a = p.eat_any(&["pass", "break", "continue"])?;
            p.eat("if")?;
            p.disjunction()?;
            p.eat("else")?;
            p.simple_stmt()?;
            p.raise_token(a, "expected expression before 'if', but statement is given")
        });
        let _: Option<()> = self.seq(|p| {
            let a = p.eat("lambda")?;
            p.lambda_params();
            let b = p.eat(":")?;
            let kind = p.tok().kind;
            let field = p.ahead(|p| p.field('f'));
            let letter = match kind {
                Kind::FMiddle => 'f',
                Kind::TMiddle => 't',
                _ if field => 'f',
                _ => return None,
            };
            let message =
                format!("{letter}-string: lambda expressions are not allowed without parentheses");
            p.raise_range(a.start, b.end, message)
        });
    }

    pub(super) fn invalid_legacy(&mut self) {
        let _: Option<()> = self.seq(|p| {
            let a = p.name()?;
            if p.at("(") {
                return None;
            }
            // Reading on comes first: mistakes further right are found here.
            let b = p.star_expressions()?;
            if !p.is_legacy_statement(a) {
                return None;
            }
            let name = p.node_text(a);
            let message =
                format!("Missing parentheses in call to '{name}'. Did you mean {name}(...)?");
            p.raise_nodes(a, b, message)
        });
    }

    pub(super) fn lambda(&mut self) -> R {
        self.seq(|p| {
            let t = p.eat("lambda")?;
            p.lambda_params();
            p.eat(":")?;
            p.expression()?;
            Some(p.node(E::Lambda, t.start, vec![]))
        })
    }

    pub(super) fn disjunction(&mut self) -> R {
        self.memo(Rule::Disjunction, |p| {
            p.boolean("or", |p| p.boolean("and", Self::inversion))
        })
    }

    pub(super) fn boolean(&mut self, op: &str, operand: fn(&mut Self) -> R) -> R {
        let start = self.here();
        let first = operand(self)?;
        let rest = self.many(|p| {
            p.eat(op)?;
            operand(p)
        });
        if rest.is_empty() {
            return Some(first);
        }
        Some(self.node(E::Operation, start, vec![]))
    }

    pub(super) fn inversion(&mut self) -> R {
        let t = self.tok();
        let mark = self.mark;
        if self.eat("not").is_some() {
            if self.deep(Self::inversion).is_some() {
                return Some(self.node(E::Operation, t.start, vec![]));
            }
            self.mark = mark;
        }
        self.comparison()
    }

    pub(super) fn comparison(&mut self) -> R {
        let start = self.here();
        let first = self.bitwise_or()?;
        let mut first_in = None;
        self.many(|p| {
            let is_in = p.at("in");
            if p.at("<>") {
                let t = p.tok();
                return p.raise_token(t, "invalid syntax.  Maybe you meant '!=' instead of '<>'?");
            }
            if p.eat_any(&["==", "!=", "<=", "<", ">=", ">", "in"])
                .is_none()
            {
                if p.eat("not").is_some() {
                    p.eat("in")?;
                } else {
                    p.eat("is")?;
                    // `is not x`, or `is (not x)` where `not` belongs to no operand.
                    p.eat("not");
                }
            }
            p.bitwise_or()?;
            first_in.get_or_insert(is_in);
            Some(())
        });
        let Some(first_in) = first_in else {
            return Some(first);
        };
        Some(self.node(E::Compare(first_in), start, vec![first]))
    }

    pub(super) fn bitwise_or(&mut self) -> R {
        self.memo(Rule::BitwiseOr, |p| p.binary(0))
    }

    pub(super) fn binary(&mut self, level: usize) -> R {
        let operand = |p: &mut Self| match level {
            3 => p.memo(Rule::Sum, |p| p.binary(4)),
            5 => p.factor(),
            _ => p.binary(level + 1),
        };
        let start = self.here();
        let first = operand(self)?;
        let mut result = first;
        loop {
            let mark = self.mark;
            if self.eat_any(BINARY[level]).is_none() {
                return Some(result);
            }
            if operand(self).is_none() {
                if self.hints && level >= 4 {
                    self.invalid_not();
                }
                self.mark = mark;
                return Some(result);
            }
            result = self.node(E::Operation, start, vec![]);
        }
    }

    /// `not` as the right operand of an arithmetic operator.
    pub(super) fn invalid_not(&mut self) {
        let _: Option<()> = self.seq(|p| {
            let t = p.eat("not")?;
            let b = p.inversion()?;
            let end = p.get(b).end;
            p.raise_range(
                t.start,
                end,
                "'not' after an operator must be parenthesized",
            )
        });
    }

    pub(super) fn factor(&mut self) -> R {
        self.memo(Rule::Factor, |p| {
            let Some(t) = p.eat_any(&["+", "-", "~"]) else {
                return p.power();
            };
            if p.factor().is_none() {
                if p.hints {
                    p.invalid_not();
                }
                return None;
            }
            Some(p.node(E::Operation, t.start, vec![]))
        })
    }

    pub(super) fn power(&mut self) -> R {
        let start = self.here();
        let base = self.await_primary()?;
        let raised = self.seq(|p| {
            p.eat("**")?;
            p.factor()
        });
        if raised.is_none() {
            Some(base)
        } else {
            Some(self.node(E::Operation, start, vec![]))
        }
    }

    pub(super) fn await_primary(&mut self) -> R {
        if let Some(t) = self.eat("await") {
            self.primary()?;
            return Some(self.node(E::Await, t.start, vec![]));
        }
        self.primary()
    }

    pub(super) fn primary(&mut self) -> R {
        self.memo(Rule::Primary, |p| {
            let start = p.here();
            let mut result = p.atom()?;
            while let Some(kind) = p.trailer() {
                result = p.node(kind, start, vec![result]);
            }
            Some(result)
        })
    }

    /// `.name`, a call, or a subscript.
    pub(super) fn trailer(&mut self) -> Option<E> {
        self.seq(|p| {
            if p.eat(".").is_some() {
                p.name()?;
                return Some(E::Attribute);
            }
            if p.at("(") {
                if p.genexp().is_some() {
                    return Some(E::Call);
                }
                p.eat("(")?;
                p.arguments();
                p.eat(")")?;
                return Some(E::Call);
            }
            p.eat("[")?;
            p.slices()?;
            p.eat("]")?;
            Some(E::Subscript)
        })
    }

    pub(super) fn slices(&mut self) -> R {
        self.seq(|p| {
            let start = p.here();
            let single = p.seq(|p| {
                p.slice()?;
                if p.at(",") { None } else { Some(()) }
            });
            if single.is_none() {
                p.gather(",", &mut |p| p.slice().or_else(|| p.starred_expression()))?;
                p.eat(",");
            }
            Some(p.node(E::Other, start, vec![]))
        })
    }

    pub(super) fn slice(&mut self) -> R {
        let sliced = self.seq(|p| {
            let start = p.here();
            p.expression();
            p.eat(":")?;
            p.expression();
            if p.eat(":").is_some() {
                p.expression();
            }
            Some(p.node(E::Other, start, vec![]))
        });
        sliced.or_else(|| self.named_expression())
    }

    pub(super) fn atom(&mut self) -> R {
        self.memo(Rule::Atom, |p| {
            let t = p.tok();
            match t.kind {
                Kind::Number => {
                    p.mark += 1;
                    Some(p.leaf(E::Literal, t))
                }
                Kind::String | Kind::FStart | Kind::TStart => p.strings(),
                Kind::Name => {
                    let kind = match p.token_text(t) {
                        "True" => E::True,
                        "False" => E::False,
                        "None" => E::None,
                        _ => return p.name(),
                    };
                    p.mark += 1;
                    Some(p.leaf(kind, t))
                }
                Kind::Op => match p.token_text(t) {
                    "(" => p.tuple().or_else(|| p.group()).or_else(|| p.genexp()),
                    "[" => p.list().or_else(|| p.list_comp()),
                    "{" => p
                        .dict()
                        .or_else(|| p.set())
                        .or_else(|| p.dict_comp())
                        .or_else(|| p.set_comp()),
                    "..." => {
                        p.mark += 1;
                        Some(p.leaf(E::Ellipsis, t))
                    }
                    _ => None,
                },
                _ => None,
            }
        })
    }
}
