//! Expressions.

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Compare, Constant, Intrinsic1, Op};
use taipan_syntax::ast::{self, BoolOp, CmpOp, Expr, Operator, UnaryOp};
use taipan_syntax::{Ranged, TextRange};

use super::ir::Label;
use super::names::Access;
use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::context::with_stack;
use crate::fold;

/// How many values a display or call may gather on the stack before it is built piece by piece.
pub(crate) const STACK_GUIDELINE: usize = 30;

/// How a sequence is gathered.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gather {
    Tuple,
    List,
    Set,
}

pub(crate) fn binary_op(op: Operator) -> Op {
    match op {
        Operator::Add => Op::BinaryAdd,
        Operator::Sub => Op::BinarySubtract,
        Operator::Mult => Op::BinaryMultiply,
        Operator::MatMult => Op::BinaryMatrixMultiply,
        Operator::Div => Op::BinaryTrueDivide,
        Operator::Mod => Op::BinaryModulo,
        Operator::Pow => Op::BinaryPower,
        Operator::LShift => Op::BinaryLshift,
        Operator::RShift => Op::BinaryRshift,
        Operator::BitOr => Op::BinaryOr,
        Operator::BitXor => Op::BinaryXor,
        Operator::BitAnd => Op::BinaryAnd,
        Operator::FloorDiv => Op::BinaryFloorDivide,
    }
}

pub(crate) fn inplace_op(op: Operator) -> Op {
    match op {
        Operator::Add => Op::InplaceAdd,
        Operator::Sub => Op::InplaceSubtract,
        Operator::Mult => Op::InplaceMultiply,
        Operator::MatMult => Op::InplaceMatrixMultiply,
        Operator::Div => Op::InplaceTrueDivide,
        Operator::Mod => Op::InplaceModulo,
        Operator::Pow => Op::InplacePower,
        Operator::LShift => Op::InplaceLshift,
        Operator::RShift => Op::InplaceRshift,
        Operator::BitOr => Op::InplaceOr,
        Operator::BitXor => Op::InplaceXor,
        Operator::BitAnd => Op::InplaceAnd,
        Operator::FloorDiv => Op::InplaceFloorDivide,
    }
}

impl<'a> Compiler<'a> {
    /// The value of an expression that is constant.
    pub(crate) fn fold(&mut self, expr: &Expr) -> Result<Option<Constant>> {
        fold::fold(self.context, expr, self.optimize)
    }

    /// Pushes the value of an expression.
    pub(crate) fn expr(&mut self, expr: &'a Expr) -> Result {
        with_stack(|| self.expr_here(expr))
    }

    pub(crate) fn exprs(&mut self, exprs: &'a [Expr]) -> Result {
        exprs.iter().try_for_each(|e| self.expr(e))
    }

    fn expr_here(&mut self, expr: &'a Expr) -> Result {
        let pos = self.pos_of(expr);
        if let Some(value) = self.fold(expr)? {
            self.load_const(value, pos);
            return Ok(());
        }
        match expr {
            Expr::Name(e) => self.name(&e.id, e.ctx.into(), pos),
            Expr::Attribute(e) => return self.attribute(e, pos),
            Expr::Call(e) => return self.call(e),
            Expr::BinOp(e) => {
                self.expr(&e.left)?;
                self.expr(&e.right)?;
                self.op(binary_op(e.op), pos);
            }
            Expr::UnaryOp(e) => {
                self.expr(&e.operand)?;
                let op = match e.op {
                    UnaryOp::Invert => Op::UnaryInvert,
                    UnaryOp::Not => Op::UnaryNot,
                    UnaryOp::UAdd => Op::UnaryPositive,
                    UnaryOp::USub => Op::UnaryNegative,
                };
                self.op(op, pos);
            }
            Expr::BoolOp(e) => return self.bool_op(e, pos),
            Expr::Compare(e) => return self.compare(e, pos),
            Expr::Subscript(e) => return self.subscript(e, pos),
            Expr::If(e) => return self.conditional(e),
            Expr::List(e) if e.ctx.is_store() => return self.unpack(&e.elts, e.range),
            Expr::Tuple(e) if e.ctx.is_store() => return self.unpack(&e.elts, e.range),
            Expr::List(e) if e.ctx.is_del() => return self.exprs(&e.elts),
            Expr::Tuple(e) if e.ctx.is_del() => return self.exprs(&e.elts),
            Expr::List(e) => return self.gather(&e.elts, 0, Gather::List, pos),
            Expr::Tuple(e) => return self.gather(&e.elts, 0, Gather::Tuple, pos),
            Expr::Set(e) => return self.gather(&e.elts, 0, Gather::Set, pos),
            Expr::Dict(e) => return self.dict(&e.items, pos),
            Expr::Slice(e) => return self.slice(e, pos),
            Expr::Starred(e) => {
                let message = if e.ctx.is_store() {
                    "starred assignment target must be in a list or tuple"
                } else {
                    "can't use starred expression here"
                };
                return self.fail(message, e.range);
            }
            _ => return self.rare_expr(expr, pos),
        }
        Ok(())
    }

    fn rare_expr(&mut self, expr: &'a Expr, pos: Position) -> Result {
        match expr {
            Expr::Named(e) => {
                self.expr(&e.value)?;
                self.op(Op::DupTop, pos);
                self.expr(&e.target)
            }
            Expr::Lambda(e) => self.lambda(e),
            Expr::ListComp(_) | Expr::SetComp(_) | Expr::DictComp(_) | Expr::Generator(_) => {
                self.comprehension(expr)
            }
            Expr::Await(e) => {
                self.expr(&e.value)?;
                self.op_arg(Op::GetAwaitable, 0, pos);
                self.yield_from(pos);
                Ok(())
            }
            Expr::Yield(e) => {
                self.check_yield("'yield' outside function", e.range)?;
                match &e.value {
                    Some(value) => self.expr(value)?,
                    None => self.load_const(Constant::None, pos),
                }
                self.yield_value(pos);
                Ok(())
            }
            Expr::YieldFrom(e) => {
                self.check_yield("'yield from' outside function", e.range)?;
                if self.unit_ref().kind == UnitKind::AsyncFunction {
                    return self.fail("'yield from' inside async function", e.range);
                }
                self.expr(&e.value)?;
                self.op(Op::GetYieldFromIter, pos);
                self.yield_from(pos);
                Ok(())
            }
            Expr::FString(e) => self.f_string(e, pos),
            Expr::TString(e) => self.t_string(e, pos),
            _ => self.fail("invalid syntax", expr.range()),
        }
    }

    fn check_yield(&self, message: &str, range: TextRange) -> Result {
        if self.block().is_function_like() {
            Ok(())
        } else {
            self.fail(message, range)
        }
    }

    /// Yields the top of the stack, wrapped in an asynchronous generator.
    pub(crate) fn yield_value(&mut self, pos: Position) {
        let block = self.block();
        if block.generator && block.coroutine {
            self.op_arg(Op::CallIntrinsic1, Intrinsic1::AsyncGenWrap as u32, pos);
        }
        self.op(Op::YieldValue, pos);
    }

    /// Where an attribute access is shown: at its name, if the expression spans lines.
    pub(crate) fn attribute_pos(
        &self,
        mut pos: Position,
        attribute: &ast::ExprAttribute,
    ) -> Position {
        let end = self.source().place(attribute.range.end().to_u32());
        if pos.line != end.0 {
            pos.line = end.0;
            let length = attribute.attr.id.chars().count() as u32;
            match end.1.checked_sub(length) {
                Some(col) => pos.col = col,
                None => (pos.col, pos.end_col) = (Position::NO_COLUMN, Position::NO_COLUMN),
            }
        }
        pos
    }

    fn attribute(&mut self, e: &'a ast::ExprAttribute, pos: Position) -> Result {
        if e.ctx.is_load()
            && let Some(two) = self.super_call(e)
        {
            self.load_super(e)?;
            let pos = self.attribute_pos(pos, e);
            let arg = self.name_index(&e.attr) << 1 | u32::from(two);
            self.op_arg(Op::LoadSuperAttr, arg, pos);
            return Ok(());
        }
        self.expr(&e.value)?;
        let pos = self.attribute_pos(pos, e);
        if e.ctx.is_store() {
            self.note_static_attribute(e);
        }
        let op = [Op::LoadAttr, Op::StoreAttr, Op::DeleteAttr][Access::from(e.ctx) as usize];
        self.op_name(op, &e.attr, pos);
        Ok(())
    }

    /// Remembers `self.name = ...` for the class around.
    pub(crate) fn note_static_attribute(&mut self, e: &ast::ExprAttribute) {
        if !matches!(&*e.value, Expr::Name(name) if name.id == "self") {
            return;
        }
        let name = self.interner.intern(&e.attr);
        if let Some(class) = self
            .units
            .iter_mut()
            .rev()
            .find(|unit| unit.kind == UnitKind::Class)
        {
            class.static_attributes.insert(name);
        }
    }

    fn subscript(&mut self, e: &'a ast::ExprSubscript, pos: Position) -> Result {
        if e.ctx.is_load() {
            self.warn_subscript(e);
        }
        self.expr(&e.value)?;
        self.expr(&e.slice)?;
        let op =
            [Op::BinarySubscr, Op::StoreSubscr, Op::DeleteSubscr][Access::from(e.ctx) as usize];
        self.op(op, pos);
        Ok(())
    }

    fn slice(&mut self, e: &'a ast::ExprSlice, pos: Position) -> Result {
        for bound in [&e.lower, &e.upper] {
            match bound {
                Some(bound) => self.expr(bound)?,
                None => self.load_const(Constant::None, pos),
            }
        }
        if let Some(step) = &e.step {
            self.expr(step)?;
        }
        self.op_arg(Op::BuildSlice, 2 + u32::from(e.step.is_some()), pos);
        Ok(())
    }

    fn bool_op(&mut self, e: &'a ast::ExprBoolOp, pos: Position) -> Result {
        let op = if e.op == BoolOp::And {
            Op::JumpIfFalseOrPop
        } else {
            Op::JumpIfTrueOrPop
        };
        let end = self.label();
        let Some((last, first)) = e.values.split_last() else {
            return Ok(());
        };
        for value in first {
            self.expr(value)?;
            self.jump(op, end, pos);
        }
        self.expr(last)?;
        self.bind(end);
        Ok(())
    }

    fn compare(&mut self, e: &'a ast::ExprCompare, pos: Position) -> Result {
        self.warn_is_literal(e);
        self.expr(&e.left)?;
        let last = e.ops.len() - 1;
        if last == 0 {
            self.comparand(e.ops[0], &e.comparators[0])?;
            self.compare_op(e.ops[0], pos);
            return Ok(());
        }
        let (cleanup, end) = (self.label(), self.label());
        for i in 0..last {
            self.expr(&e.comparators[i])?;
            self.op(Op::DupTop, pos);
            self.op(Op::RotThree, pos);
            self.compare_op(e.ops[i], pos);
            self.jump(Op::JumpIfFalseOrPop, cleanup, pos);
        }
        self.comparand(e.ops[last], &e.comparators[last])?;
        self.compare_op(e.ops[last], pos);
        self.jump(Op::JumpAbsolute, end, super::NOWHERE);
        self.bind(cleanup);
        self.op(Op::RotTwo, pos);
        self.op(Op::PopTop, pos);
        self.bind(end);
        Ok(())
    }

    /// The right side of a comparison; a display of constants after `in` becomes a constant.
    fn comparand(&mut self, op: CmpOp, e: &'a Expr) -> Result {
        let pos = self.pos_of(e);
        if matches!(op, CmpOp::In | CmpOp::NotIn) {
            let folded = match e {
                Expr::List(list) => {
                    fold::constants(self.context, &list.elts, self.optimize)?.map(Constant::Tuple)
                }
                Expr::Set(set) => fold::constants(self.context, &set.elts, self.optimize)?
                    .map(Constant::FrozenSet),
                _ => None,
            };
            if let Some(value) = folded {
                self.load_const(value, pos);
                return Ok(());
            }
        }
        self.expr(e)
    }

    pub(crate) fn compare_op(&mut self, op: CmpOp, pos: Position) {
        let (op, arg) = match op {
            CmpOp::Eq => (Op::CompareOp, Compare::Eq as u32),
            CmpOp::NotEq => (Op::CompareOp, Compare::Ne as u32),
            CmpOp::Lt => (Op::CompareOp, Compare::Lt as u32),
            CmpOp::LtE => (Op::CompareOp, Compare::Le as u32),
            CmpOp::Gt => (Op::CompareOp, Compare::Gt as u32),
            CmpOp::GtE => (Op::CompareOp, Compare::Ge as u32),
            CmpOp::Is => (Op::IsOp, 0),
            CmpOp::IsNot => (Op::IsOp, 1),
            CmpOp::In => (Op::ContainsOp, 0),
            CmpOp::NotIn => (Op::ContainsOp, 1),
        };
        self.op_arg(op, arg, pos);
    }

    fn conditional(&mut self, e: &'a ast::ExprIf) -> Result {
        let (otherwise, end) = (self.label(), self.label());
        self.jump_if(&e.test, otherwise, false)?;
        self.expr(&e.body)?;
        self.jump(Op::JumpAbsolute, end, super::NOWHERE);
        self.bind(otherwise);
        self.expr(&e.orelse)?;
        self.bind(end);
        Ok(())
    }

    /// Jumps if the truth of an expression is `wanted`, else goes on; the stack stays as it is.
    pub(crate) fn jump_if(&mut self, e: &'a Expr, target: Label, wanted: bool) -> Result {
        with_stack(|| self.jump_if_here(e, target, wanted))
    }

    fn jump_if_here(&mut self, e: &'a Expr, target: Label, wanted: bool) -> Result {
        let pos = self.pos_of(e);
        if let Some(value) = self.fold(e)? {
            self.op(Op::Nop, pos);
            if fold::truth(&value) == wanted {
                self.jump(Op::JumpAbsolute, target, pos);
            }
            return Ok(());
        }
        match e {
            Expr::UnaryOp(u) if u.op == UnaryOp::Not => {
                return self.jump_if(&u.operand, target, !wanted);
            }
            Expr::BoolOp(b) => return self.jump_if_bool_op(b, target, wanted),
            Expr::If(c) => {
                let (otherwise, end) = (self.label(), self.label());
                self.jump_if(&c.test, otherwise, false)?;
                self.jump_if(&c.body, target, wanted)?;
                self.jump(Op::JumpAbsolute, end, super::NOWHERE);
                self.bind(otherwise);
                self.jump_if(&c.orelse, target, wanted)?;
                self.bind(end);
                return Ok(());
            }
            Expr::Compare(c) if c.ops.len() > 1 => {
                return self.jump_if_chain(c, target, wanted, pos);
            }
            _ => self.expr(e)?,
        }
        self.jump(
            if wanted {
                Op::PopJumpIfTrue
            } else {
                Op::PopJumpIfFalse
            },
            target,
            pos,
        );
        Ok(())
    }

    fn jump_if_bool_op(&mut self, b: &'a ast::ExprBoolOp, target: Label, wanted: bool) -> Result {
        let Some((last, first)) = b.values.split_last() else {
            return Ok(());
        };
        let decides = b.op == BoolOp::Or;
        let end = self.label();
        let early = if decides == wanted { target } else { end };
        for value in first {
            self.jump_if(value, early, decides)?;
        }
        self.jump_if(last, target, wanted)?;
        self.bind(end);
        Ok(())
    }

    fn jump_if_chain(
        &mut self,
        c: &'a ast::ExprCompare,
        target: Label,
        wanted: bool,
        pos: Position,
    ) -> Result {
        self.warn_is_literal(c);
        let (cleanup, end) = (self.label(), self.label());
        self.expr(&c.left)?;
        let last = c.ops.len() - 1;
        for i in 0..last {
            self.expr(&c.comparators[i])?;
            self.op(Op::DupTop, pos);
            self.op(Op::RotThree, pos);
            self.compare_op(c.ops[i], pos);
            self.jump(Op::PopJumpIfFalse, cleanup, pos);
        }
        self.comparand(c.ops[last], &c.comparators[last])?;
        self.compare_op(c.ops[last], pos);
        self.jump(
            if wanted {
                Op::PopJumpIfTrue
            } else {
                Op::PopJumpIfFalse
            },
            target,
            pos,
        );
        self.jump(Op::JumpAbsolute, end, super::NOWHERE);
        self.bind(cleanup);
        self.op(Op::PopTop, pos);
        if !wanted {
            self.jump(Op::JumpAbsolute, target, super::NOWHERE);
        }
        self.bind(end);
        Ok(())
    }

    // ---- displays ----

    /// Builds a tuple, list or set of elements some of which may be starred; `pushed` items are on the stack already.
    pub(crate) fn gather(
        &mut self,
        elts: &'a [Expr],
        pushed: u32,
        kind: Gather,
        pos: Position,
    ) -> Result {
        let (build, add, extend) = match kind {
            Gather::Set => (Op::BuildSet, Op::SetAdd, Op::SetUpdate),
            _ => (Op::BuildList, Op::ListAppend, Op::ListExtend),
        };
        if elts.len() > 2
            && pushed == 0
            && let Some(items) = fold::constants(self.context, elts, self.optimize)?
        {
            match kind {
                Gather::Tuple => self.load_const(Constant::Tuple(items), pos),
                _ => {
                    let set = kind == Gather::Set;
                    self.op_arg(build, 0, pos);
                    self.load_const(
                        if set {
                            Constant::FrozenSet(items)
                        } else {
                            Constant::Tuple(items)
                        },
                        pos,
                    );
                    self.op_arg(extend, 1, pos);
                }
            }
            return Ok(());
        }
        let starred = elts.iter().any(Expr::is_starred_expr);
        let big = elts.len() + pushed as usize > STACK_GUIDELINE;
        if !starred && !big {
            self.exprs(elts)?;
            let op = if kind == Gather::Tuple {
                Op::BuildTuple
            } else {
                build
            };
            self.op_arg(op, elts.len() as u32 + pushed, pos);
            return Ok(());
        }
        let mut built = big;
        if big {
            self.op_arg(build, pushed, pos);
        }
        for (i, elt) in elts.iter().enumerate() {
            if let Expr::Starred(star) = elt {
                if !built {
                    self.op_arg(build, i as u32 + pushed, pos);
                    built = true;
                }
                self.expr(&star.value)?;
                self.op_arg(extend, 1, pos);
            } else {
                self.expr(elt)?;
                if built {
                    self.op_arg(add, 1, pos);
                }
            }
        }
        if kind == Gather::Tuple {
            self.op(Op::ListToTuple, pos);
        }
        Ok(())
    }

    fn dict(&mut self, items: &'a [ast::DictItem], pos: Position) -> Result {
        let mut have_dict = false;
        let mut start = 0;
        let update = |this: &mut Self, have_dict: &mut bool| {
            if std::mem::replace(have_dict, true) {
                this.op_arg(Op::DictUpdate, 1, pos);
            }
        };
        for (i, item) in items.iter().enumerate() {
            if item.key.is_none() {
                if start < i {
                    self.sub_dict(&items[start..i], pos)?;
                    update(self, &mut have_dict);
                }
                if !std::mem::replace(&mut have_dict, true) {
                    self.op_arg(Op::BuildMap, 0, pos);
                }
                self.expr(&item.value)?;
                self.op_arg(Op::DictUpdate, 1, pos);
                start = i + 1;
            } else if (i - start) * 2 > STACK_GUIDELINE {
                self.sub_dict(&items[start..=i], pos)?;
                update(self, &mut have_dict);
                start = i + 1;
            }
        }
        if start < items.len() {
            self.sub_dict(&items[start..], pos)?;
            update(self, &mut have_dict);
        }
        if !have_dict {
            self.op_arg(Op::BuildMap, 0, pos);
        }
        Ok(())
    }

    fn sub_dict(&mut self, items: &'a [ast::DictItem], pos: Position) -> Result {
        let big = items.len() * 2 > STACK_GUIDELINE;
        if big {
            self.op_arg(Op::BuildMap, 0, pos);
        } else if items.len() > 1 {
            let keys: Option<Vec<Constant>> = items
                .iter()
                .filter_map(|item| item.key.as_ref())
                .map(|key| self.fold(key))
                .collect::<Result<_>>()?;
            if let Some(keys) = keys {
                items.iter().try_for_each(|item| self.expr(&item.value))?;
                self.load_const(Constant::Tuple(keys.into()), pos);
                self.op_arg(Op::BuildConstKeyMap, items.len() as u32, pos);
                return Ok(());
            }
        }
        for item in items {
            if let Some(key) = &item.key {
                self.expr(key)?;
            }
            self.expr(&item.value)?;
            if big {
                self.op_arg(Op::MapAdd, 1, pos);
            }
        }
        if !big {
            self.op_arg(Op::BuildMap, items.len() as u32, pos);
        }
        Ok(())
    }
}
