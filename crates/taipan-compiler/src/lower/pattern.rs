//! `match` statements.
//!
//! A pattern consumes the subject on top of the stack. Captured values stay on the stack, below whatever the pattern
//! still needs, until the whole pattern has matched; a failure jumps to code that drops what is there by then.

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Compare, Constant, Op};
use taipan_syntax::Ranged;
use taipan_syntax::ast::{self, Expr, Operator, Pattern, Singleton, UnaryOp};

use super::ir::Label;
use super::names::Access;
use super::{Compiler, NOWHERE, Result};
use crate::context::with_stack;
use crate::fold;

#[derive(Default)]
struct State<'a> {
    /// Names of the captured values on the stack.
    stores: Vec<&'a str>,
    /// Label `i` drops `i` items.
    fail: Vec<Label>,
    /// Items above the captured values that a failure must drop.
    on_top: usize,
    irrefutable_allowed: bool,
}

fn is_wildcard(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::MatchAs(p) if p.name.is_none() && p.pattern.is_none())
}

fn is_star_wildcard(pattern: &Pattern) -> bool {
    matches!(pattern, Pattern::MatchStar(p) if p.name.is_none())
}

impl<'a> Compiler<'a> {
    pub(crate) fn match_stmt(&mut self, s: &'a ast::StmtMatch) -> Result {
        self.expr(&s.subject)?;
        let end = self.label();
        let Some(last) = s.cases.last() else {
            return Ok(());
        };
        let has_default = is_wildcard(&last.pattern) && s.cases.len() > 1;
        let checked = s.cases.len() - usize::from(has_default);
        for (i, case) in s.cases[..checked].iter().enumerate() {
            let pos = self.pos_of(&case.pattern);
            let is_last = i + 1 == checked;
            if !is_last {
                self.op(Op::DupTop, pos);
            }
            let mut state = State {
                irrefutable_allowed: case.guard.is_some() || i + 1 == s.cases.len(),
                ..State::default()
            };
            self.pattern(&case.pattern, &mut state)?;
            for name in std::mem::take(&mut state.stores) {
                self.name(name, Access::Store, pos);
            }
            if let Some(guard) = &case.guard {
                let fail = self.fail_label(&mut state, 0);
                self.jump_if(guard, fail, false)?;
            }
            if !is_last {
                self.op(Op::PopTop, pos);
            }
            self.stmts(&case.body)?;
            self.jump(Op::JumpAbsolute, end, NOWHERE);
            self.bind_failures(&mut state, pos);
        }
        if has_default {
            let pos = self.pos_of(&last.pattern);
            if s.cases.len() == 1 {
                self.op(Op::PopTop, pos);
            } else {
                self.op(Op::Nop, pos);
            }
            if let Some(guard) = &last.guard {
                self.jump_if(guard, end, false)?;
            }
            self.stmts(&last.body)?;
        }
        self.bind(end);
        Ok(())
    }

    // ---- failing ----

    fn fail_label(&mut self, state: &mut State<'a>, drops: usize) -> Label {
        while state.fail.len() <= drops {
            let label = self.label();
            state.fail.push(label);
        }
        state.fail[drops]
    }

    fn fail_jump(&mut self, state: &mut State<'a>, op: Op, pos: Position) {
        let drops = state.on_top + state.stores.len();
        let label = self.fail_label(state, drops);
        self.jump(op, label, pos);
    }

    fn bind_failures(&mut self, state: &mut State<'a>, pos: Position) {
        for (drops, label) in std::mem::take(&mut state.fail)
            .into_iter()
            .enumerate()
            .rev()
        {
            self.bind(label);
            if drops > 0 {
                self.op(Op::PopTop, pos);
            }
        }
    }

    /// Moves the top of the stack down to position `n`.
    fn rotate(&mut self, n: usize, pos: Position) {
        match n {
            0 | 1 => {}
            2 => self.op(Op::RotTwo, pos),
            3 => self.op(Op::RotThree, pos),
            4 => self.op(Op::RotFour, pos),
            _ => self.op_arg(Op::RotN, n as u32, pos),
        }
    }

    fn capture(
        &mut self,
        name: Option<&'a ast::Identifier>,
        state: &mut State<'a>,
        node: &Pattern,
    ) -> Result {
        let pos = self.pos_of(node);
        let Some(name) = name else {
            self.op(Op::PopTop, pos);
            return Ok(());
        };
        if state.stores.contains(&name.as_str()) {
            return self.fail(
                format!("multiple assignments to name '{name}' in pattern"),
                node.range(),
            );
        }
        let depth = state.on_top + state.stores.len() + 1;
        self.rotate(depth, pos);
        state.stores.push(name);
        Ok(())
    }

    // ---- patterns ----

    fn pattern(&mut self, pattern: &'a Pattern, state: &mut State<'a>) -> Result {
        with_stack(|| {
            let pos = self.pos_of(pattern);
            match pattern {
                Pattern::MatchValue(p) => self.match_value(p, state, pos),
                Pattern::MatchSingleton(p) => {
                    let value = match p.value {
                        Singleton::None => Constant::None,
                        Singleton::True => Constant::Bool(true),
                        Singleton::False => Constant::Bool(false),
                    };
                    self.load_const(value, pos);
                    self.op_arg(Op::IsOp, 0, pos);
                    self.fail_jump(state, Op::PopJumpIfFalse, pos);
                    Ok(())
                }
                Pattern::MatchSequence(p) => self.match_sequence(p, state, pos),
                Pattern::MatchMapping(p) => self.match_mapping(p, pattern, state, pos),
                Pattern::MatchClass(p) => self.match_class(p, state, pos),
                Pattern::MatchStar(p) => self.capture(p.name.as_ref(), state, pattern),
                Pattern::MatchAs(p) => self.match_as(p, pattern, state, pos),
                Pattern::MatchOr(p) => self.match_or(p, pattern, state, pos),
            }
        })
    }

    fn sub_pattern(&mut self, pattern: &'a Pattern, state: &mut State<'a>) -> Result {
        let before = std::mem::replace(&mut state.irrefutable_allowed, true);
        self.pattern(pattern, state)?;
        state.irrefutable_allowed = before;
        Ok(())
    }

    fn match_value(
        &mut self,
        p: &'a ast::PatternMatchValue,
        state: &mut State<'a>,
        pos: Position,
    ) -> Result {
        let literal = matches!(
            &*p.value,
            Expr::StringLiteral(_)
                | Expr::BytesLiteral(_)
                | Expr::NumberLiteral(_)
                | Expr::Attribute(_)
        ) || matches!(&*p.value, Expr::UnaryOp(u) if u.op == UnaryOp::USub)
            || p.value.is_bin_op_expr();
        if !literal && self.fold(&p.value)?.is_none() {
            return self.fail(
                "patterns may only match literals and attribute lookups",
                p.value.range(),
            );
        }
        // No other operator than those of a number's sign and of complex numbers.
        let operator = match &*p.value {
            Expr::BinOp(sum) => {
                !matches!(sum.op, Operator::Add | Operator::Sub) || sum.right.is_unary_op_expr()
            }
            Expr::UnaryOp(sign) => sign.operand.is_bin_op_expr(),
            _ => false,
        };
        if operator {
            return self.fail("invalid syntax", p.value.range());
        }
        self.expr(&p.value)?;
        self.op_arg(Op::CompareOp, Compare::Eq as u32, pos);
        self.fail_jump(state, Op::PopJumpIfFalse, pos);
        Ok(())
    }

    fn match_as(
        &mut self,
        p: &'a ast::PatternMatchAs,
        node: &'a Pattern,
        state: &mut State<'a>,
        pos: Position,
    ) -> Result {
        let Some(inner) = &p.pattern else {
            if !state.irrefutable_allowed {
                let message = match &p.name {
                    Some(name) => {
                        format!("name capture '{name}' makes remaining patterns unreachable")
                    }
                    None => "wildcard makes remaining patterns unreachable".to_owned(),
                };
                return self.fail(message, p.range);
            }
            return self.capture(p.name.as_ref(), state, node);
        };
        state.on_top += 1;
        self.op(Op::DupTop, pos);
        self.pattern(inner, state)?;
        state.on_top -= 1;
        self.capture(p.name.as_ref(), state, node)
    }

    fn match_sequence(
        &mut self,
        p: &'a ast::PatternMatchSequence,
        state: &mut State<'a>,
        pos: Position,
    ) -> Result {
        let size = p.patterns.len();
        let mut star = None;
        for (i, item) in p.patterns.iter().enumerate() {
            if matches!(item, Pattern::MatchStar(_)) && star.replace(i).is_some() {
                return self.fail("multiple starred names in sequence pattern", p.range);
            }
        }
        let only_wildcards = p
            .patterns
            .iter()
            .all(|item| is_wildcard(item) || is_star_wildcard(item));
        state.on_top += 1;
        self.op(Op::MatchSequence, pos);
        self.fail_jump(state, Op::PopJumpIfFalse, pos);
        if star.is_none() || size > 1 {
            let (count, compare) = if star.is_none() {
                (size, Compare::Eq)
            } else {
                (size - 1, Compare::Ge)
            };
            self.check_length(count, compare, state, pos);
        }
        state.on_top -= 1;
        match star {
            _ if only_wildcards => {
                self.op(Op::PopTop, pos);
                Ok(())
            }
            Some(star) if is_star_wildcard(&p.patterns[star]) => {
                self.match_by_index(&p.patterns, star, state, pos)
            }
            _ => self.match_unpacked(p, star, state, pos),
        }
    }

    fn check_length(
        &mut self,
        count: usize,
        compare: Compare,
        state: &mut State<'a>,
        pos: Position,
    ) {
        self.op(Op::GetLen, pos);
        self.load_int(count as i64, pos);
        self.op_arg(Op::CompareOp, compare as u32, pos);
        self.fail_jump(state, Op::PopJumpIfFalse, pos);
    }

    fn match_unpacked(
        &mut self,
        p: &'a ast::PatternMatchSequence,
        star: Option<usize>,
        state: &mut State<'a>,
        pos: Position,
    ) -> Result {
        let size = p.patterns.len();
        match star {
            Some(star) => {
                let after = size - star - 1;
                if star >= 256 || after >= 1 << 23 {
                    return self.fail(
                        "too many expressions in star-unpacking sequence pattern",
                        p.range,
                    );
                }
                self.op_arg(Op::UnpackEx, (star | after << 8) as u32, pos);
            }
            None => self.op_arg(Op::UnpackSequence, size as u32, pos),
        }
        state.on_top += size;
        for item in &p.patterns {
            state.on_top -= 1;
            self.sub_pattern(item, state)?;
        }
        Ok(())
    }

    fn match_by_index(
        &mut self,
        patterns: &'a [Pattern],
        star: usize,
        state: &mut State<'a>,
        pos: Position,
    ) -> Result {
        state.on_top += 1;
        for (i, item) in patterns.iter().enumerate() {
            if i == star || is_wildcard(item) {
                continue;
            }
            self.op(Op::DupTop, pos);
            if i < star {
                self.load_int(i as i64, pos);
            } else {
                self.op(Op::GetLen, pos);
                self.load_int((patterns.len() - i) as i64, pos);
                self.op(Op::BinarySubtract, pos);
            }
            self.op(Op::BinarySubscr, pos);
            self.sub_pattern(item, state)?;
        }
        state.on_top -= 1;
        self.op(Op::PopTop, pos);
        Ok(())
    }

    fn match_class(
        &mut self,
        p: &'a ast::PatternMatchClass,
        state: &mut State<'a>,
        pos: Position,
    ) -> Result {
        let (positional, keywords) = (&p.arguments.patterns, &p.arguments.keywords);
        for (i, keyword) in keywords.iter().enumerate() {
            if keywords[..i]
                .iter()
                .any(|before| before.attr.id == keyword.attr.id)
            {
                let message = format!("attribute name repeated in class pattern: {}", keyword.attr);
                return self.fail(message, keyword.pattern.range());
            }
        }
        self.expr(&p.cls)?;
        let names = keywords
            .iter()
            .map(|keyword| Constant::str(&keyword.attr))
            .collect();
        self.load_const(Constant::Tuple(names), pos);
        self.op_arg(Op::MatchClass, positional.len() as u32, pos);
        self.check_not_none(state, 1, pos);
        let count = positional.len() + keywords.len();
        self.op_arg(Op::UnpackSequence, count as u32, pos);
        state.on_top = state.on_top + count - 1;
        for item in positional
            .iter()
            .chain(keywords.iter().map(|keyword| &keyword.pattern))
        {
            state.on_top -= 1;
            if is_wildcard(item) {
                self.op(Op::PopTop, pos);
            } else {
                self.sub_pattern(item, state)?;
            }
        }
        Ok(())
    }

    /// Fails if the top of the stack is None; `above` items have come to lie above the captured values.
    fn check_not_none(&mut self, state: &mut State<'a>, above: usize, pos: Position) {
        state.on_top += above;
        self.op(Op::DupTop, pos);
        self.load_const(Constant::None, pos);
        self.op_arg(Op::IsOp, 1, pos);
        self.fail_jump(state, Op::PopJumpIfFalse, pos);
    }

    fn match_mapping(
        &mut self,
        p: &'a ast::PatternMatchMapping,
        node: &'a Pattern,
        state: &mut State<'a>,
        pos: Position,
    ) -> Result {
        let size = p.keys.len();
        state.on_top += 1;
        self.op(Op::MatchMapping, pos);
        self.fail_jump(state, Op::PopJumpIfFalse, pos);
        if size == 0 && p.rest.is_none() {
            state.on_top -= 1;
            self.op(Op::PopTop, pos);
            return Ok(());
        }
        if size > 0 {
            self.check_length(size, Compare::Ge, state, pos);
        }
        let mut seen = Vec::new();
        for key in &p.keys {
            match self.fold(key)? {
                Some(value) => {
                    if seen.iter().any(|before| fold::equal(before, &value)) {
                        let text = fold::repr(&value);
                        return self.fail(
                            format!("mapping pattern checks duplicate key ({text})"),
                            p.range,
                        );
                    }
                    seen.push(value);
                }
                None if key.is_attribute_expr() => {}
                None => {
                    let message =
                        "mapping pattern keys may only match literals and attribute lookups";
                    return self.fail(message, key.range());
                }
            }
            self.expr(key)?;
        }
        self.op_arg(Op::BuildTuple, size as u32, pos);
        self.op(Op::MatchKeys, pos);
        self.check_not_none(state, 2, pos);
        self.op_arg(Op::UnpackSequence, size as u32, pos);
        state.on_top = state.on_top + size - 1;
        for item in &p.patterns {
            state.on_top -= 1;
            self.sub_pattern(item, state)?;
        }
        state.on_top -= 2;
        if let Some(rest) = &p.rest {
            self.op(Op::CopyDictWithoutKeys, pos);
            self.op(Op::RotTwo, pos);
            self.op(Op::PopTop, pos);
            return self.capture(Some(rest), state, node);
        }
        self.op(Op::PopTop, pos);
        self.op(Op::PopTop, pos);
        Ok(())
    }

    fn match_or(
        &mut self,
        p: &'a ast::PatternMatchOr,
        node: &'a Pattern,
        state: &mut State<'a>,
        pos: Position,
    ) -> Result {
        let end = self.label();
        let mut control: Option<Vec<&'a str>> = None;
        for (i, alternative) in p.patterns.iter().enumerate() {
            let alt_pos = self.pos_of(alternative);
            let mut inner = State {
                irrefutable_allowed: i + 1 == p.patterns.len() && state.irrefutable_allowed,
                ..State::default()
            };
            self.op(Op::DupTop, alt_pos);
            self.pattern(alternative, &mut inner)?;
            match &control {
                None => control = Some(inner.stores.clone()),
                Some(control) => self.same_order(control, &mut inner.stores, p, alt_pos)?,
            }
            self.jump(Op::JumpAbsolute, end, alt_pos);
            self.bind_failures(&mut inner, alt_pos);
        }
        let control = control.unwrap_or_default();
        self.op(Op::PopTop, pos);
        self.fail_jump(state, Op::JumpAbsolute, pos);
        self.bind(end);
        let depth = control.len() + 1 + state.on_top + state.stores.len();
        for name in control {
            self.rotate(depth, pos);
            if state.stores.contains(&name) {
                return self.fail(
                    format!("multiple assignments to name '{name}' in pattern"),
                    node.range(),
                );
            }
            state.stores.push(name);
        }
        self.op(Op::PopTop, pos);
        Ok(())
    }

    /// Brings the captured values of an alternative into the order that the first one left them in.
    fn same_order(
        &mut self,
        control: &[&'a str],
        stores: &mut Vec<&'a str>,
        p: &ast::PatternMatchOr,
        pos: Position,
    ) -> Result {
        let differ = "alternative patterns bind different names";
        if stores.len() != control.len() {
            return self.fail(differ, p.range);
        }
        for wanted in (0..control.len()).rev() {
            let Some(found) = stores.iter().position(|name| *name == control[wanted]) else {
                return self.fail(differ, p.range);
            };
            if found == wanted {
                continue;
            }
            let rotations = found + 1;
            let moved: Vec<&'a str> = stores.drain(..rotations).collect();
            let at = wanted - found;
            stores.splice(at..at, moved);
            for _ in 0..rotations {
                self.rotate(wanted + 1, pos);
            }
        }
        Ok(())
    }
}
