//! Expressions: the grammar from named expressions down to atoms.

use super::parser::{E, N, Parser, R, Rule, Target};
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
    fn tuple_of(&mut self, start: u32, items: Vec<N>, comma: bool) -> R {
        let first = *items.first()?;
        if items.len() == 1 && !comma {
            return Some(first);
        }
        Some(self.node(E::Tuple, start, items))
    }

    fn listed(&mut self, item: fn(&mut Self) -> R) -> R {
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

    fn starred_bitwise(&mut self) -> R {
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
    fn walrus(&mut self, cut: &mut bool) -> R {
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
    fn plain_expression(&mut self) -> R {
        self.seq(|p| {
            let e = p.expression()?;
            if p.at(":=") { None } else { Some(e) }
        })
    }

    /// `assignment_expression | expression !':='`
    fn argument_expression(&mut self) -> R {
        let mut cut = false;
        let found = self.walrus(&mut cut);
        if found.is_some() || cut {
            found
        } else {
            self.plain_expression()
        }
    }

    /// Raises or succeeds with a dummy.
    fn invalid_named(&mut self) -> R {
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

    fn expression_proper(&mut self) -> R {
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
    fn expression_quietly(&mut self) -> R {
        let hints = std::mem::replace(&mut self.hints, false);
        let result = self.seq(Self::expression_proper);
        self.hints = hints;
        result
    }

    fn is_legacy_statement(&self, n: N) -> bool {
        self.kind(n) == E::Name && matches!(self.node_text(n), "print" | "exec")
    }

    fn invalid_expression(&mut self) {
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

    fn invalid_legacy(&mut self) {
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

    fn lambda(&mut self) -> R {
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

    fn boolean(&mut self, op: &str, operand: fn(&mut Self) -> R) -> R {
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

    fn inversion(&mut self) -> R {
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

    fn comparison(&mut self) -> R {
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

    fn binary(&mut self, level: usize) -> R {
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
    fn invalid_not(&mut self) {
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

    fn factor(&mut self) -> R {
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

    fn power(&mut self) -> R {
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

    fn await_primary(&mut self) -> R {
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
    fn trailer(&mut self) -> Option<E> {
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

    fn slice(&mut self) -> R {
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

    fn tuple(&mut self) -> R {
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

    fn group(&mut self) -> R {
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

    fn list(&mut self) -> R {
        self.seq(|p| {
            let t = p.eat("[")?;
            let items = p.seq(Self::star_named_expressions).unwrap_or_default();
            p.eat("]")?;
            Some(p.node(E::List, t.start, items))
        })
    }

    fn list_comp(&mut self) -> R {
        self.comprehension("[", "]", E::ListComp)
    }

    fn set_comp(&mut self) -> R {
        self.comprehension("{", "}", E::SetComp)
    }

    fn comprehension(&mut self, open: &str, close: &str, kind: E) -> R {
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
    fn invalid_comprehension(&mut self) -> R {
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

    fn set(&mut self) -> R {
        self.seq(|p| {
            let t = p.eat("{")?;
            p.star_named_expressions()?;
            p.eat("}")?;
            Some(p.node(E::Set, t.start, vec![]))
        })
    }

    fn pair(&mut self) -> R {
        self.seq(|p| {
            let key = p.expression()?;
            p.eat(":")?;
            p.expression()?;
            Some(key)
        })
    }

    fn starred_pair(&mut self) -> R {
        let starred = self.seq(|p| {
            p.eat("**")?;
            p.bitwise_or()
        });
        starred.or_else(|| self.pair())
    }

    fn dict(&mut self) -> R {
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

    fn invalid_pairs(&mut self) -> Option<()> {
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

    fn invalid_pair_value(&mut self) -> Option<()> {
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

    fn dict_comp(&mut self) -> R {
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

    fn for_if_clause(&mut self) -> Option<(N, N)> {
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

    // Calls

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

    fn positional(&mut self) -> R {
        self.seq(|p| {
            if let Some(starred) = p.starred_expression() {
                return Some(starred);
            }
            let e = p.argument_expression()?;
            if p.at("=") { None } else { Some(e) }
        })
    }

    /// Positional arguments, then keywords; a node with the arguments.
    fn args(&mut self) -> R {
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

    fn kwargs(&mut self) -> Option<Vec<N>> {
        let both = self.seq(|p| {
            let mut list = p.gather(",", &mut |p| p.keyword_or("*"))?;
            p.eat(",")?;
            list.extend(p.gather(",", &mut |p| p.keyword_or("**"))?);
            Some(list)
        });
        both.or_else(|| self.gather(",", &mut |p| p.keyword_or("*")))
            .or_else(|| self.gather(",", &mut |p| p.keyword_or("**")))
    }

    fn keyword_or(&mut self, star: &str) -> R {
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

    fn invalid_keyword(&mut self) {
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

    fn invalid_keyword_generator(&mut self) {
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

    fn invalid_arguments(&mut self) {
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
