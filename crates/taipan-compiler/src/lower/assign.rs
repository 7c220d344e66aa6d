//! Assignments: unpacking, augmented and annotated ones.

use taipan_bytecode::Op;
use taipan_bytecode::line_table::Position;
use taipan_syntax::ast::{self, Expr};
use taipan_syntax::{Ranged, TextRange};

use super::expr::inplace_op;
use super::names::Access;
use super::unit::DeferredAnnotation;
use super::{Compiler, Result};
use crate::scopes::BlockKind;

impl<'a> Compiler<'a> {
    /// Stores the top of the stack into several targets.
    pub(crate) fn unpack(&mut self, elts: &'a [Expr], range: TextRange) -> Result {
        let pos = self.pos(range);
        let mut starred = elts.iter().enumerate().filter(|(_, e)| e.is_starred_expr());
        match (starred.next(), starred.next()) {
            (Some((i, _)), None) => {
                let after = elts.len() - i - 1;
                if i >= 256 || after >= 1 << 23 {
                    return self.fail("too many expressions in star-unpacking assignment", range);
                }
                self.op_arg(Op::UnpackEx, (i | after << 8) as u32, pos);
            }
            (Some(_), Some(_)) => {
                return self.fail("multiple starred expressions in assignment", range);
            }
            _ => self.op_arg(Op::UnpackSequence, elts.len() as u32, pos),
        }
        for elt in elts {
            match elt {
                Expr::Starred(star) => self.expr(&star.value)?,
                _ => self.expr(elt)?,
            }
        }
        Ok(())
    }

    pub(crate) fn aug_assign(&mut self, s: &'a ast::StmtAugAssign) -> Result {
        let pos = self.pos_of(s);
        let target = self.pos_of(&*s.target);
        match &*s.target {
            Expr::Attribute(e) => {
                self.expr(&e.value)?;
                self.op(Op::DupTop, target);
                let target = self.attribute_pos(target, e);
                self.op_name(Op::LoadAttr, &e.attr, target);
            }
            Expr::Subscript(e) => {
                self.expr(&e.value)?;
                self.expr(&e.slice)?;
                self.op(Op::DupTopTwo, target);
                self.op(Op::BinarySubscr, target);
            }
            Expr::Name(e) => self.name(&e.id, Access::Load, target),
            other => return self.fail("illegal target for augmented assignment", other.range()),
        }
        self.expr(&s.value)?;
        self.op(inplace_op(s.op), pos);
        match &*s.target {
            Expr::Attribute(e) => {
                let target = self.attribute_pos(target, e);
                self.op(Op::RotTwo, target);
                self.note_static_attribute(e);
                self.op_name(Op::StoreAttr, &e.attr, target);
            }
            Expr::Subscript(_) => {
                self.op(Op::RotThree, target);
                self.op(Op::StoreSubscr, target);
            }
            Expr::Name(e) => self.name(&e.id, Access::Store, target),
            _ => {}
        }
        Ok(())
    }

    pub(crate) fn ann_assign(&mut self, s: &'a ast::StmtAnnAssign) -> Result {
        let pos = self.pos_of(s);
        if let Some(value) = &s.value {
            self.expr(value)?;
            self.expr(&s.target)?;
        }
        let kind = self.block().kind;
        let evaluated = matches!(kind, BlockKind::Module | BlockKind::Class);
        match &*s.target {
            Expr::Name(name) if s.simple && evaluated => self.annotate_name(name, s, pos)?,
            Expr::Attribute(e) if s.value.is_none() => self.evaluate(&e.value)?,
            Expr::Subscript(e) if s.value.is_none() => {
                self.evaluate(&e.value)?;
                self.evaluate_slice(&e.slice)?;
            }
            // The annotation of any other target is checked, never evaluated.
            _ => {}
        }
        Ok(())
    }

    fn annotate_name(
        &mut self,
        name: &'a ast::ExprName,
        s: &'a ast::StmtAnnAssign,
        pos: Position,
    ) -> Result {
        if self.future_annotations() {
            self.annotation_text(&s.annotation);
            self.name("__annotations__", Access::Load, pos);
            let mangled = self.mangled(&name.id);
            self.load_str(&mangled, pos);
            self.op(Op::StoreSubscr, pos);
            return Ok(());
        }
        let module = self.block().kind == BlockKind::Module;
        let conditional = module || self.unit_ref().conditional > 0;
        let condition = conditional.then(|| {
            let unit = self.unit();
            unit.next_condition += 1;
            unit.next_condition - 1
        });
        if let Some(number) = condition {
            self.name_plain("__conditional_annotations__", pos);
            self.load_int(i64::from(number), pos);
            self.op_arg(Op::SetAdd, 1, pos);
            self.op(Op::PopTop, pos);
        }
        self.unit().annotations.push(DeferredAnnotation {
            name,
            annotation: &s.annotation,
            condition,
            pos,
        });
        Ok(())
    }

    /// Loads a name that the compiler made up; in a class it lives in a cell.
    pub(crate) fn name_plain(&mut self, name: &str, pos: Position) {
        let name = self.interner.intern(name);
        match self.unit_ref().cellvars.get(&name) {
            Some(slot) => self.op_arg(Op::LoadDeref, slot, pos),
            None => self.name(&name, Access::Load, pos),
        }
    }

    fn evaluate(&mut self, e: &'a Expr) -> Result {
        self.expr(e)?;
        let pos = self.pos_of(e);
        self.op(Op::PopTop, pos);
        Ok(())
    }

    /// Evaluates an index, slices part by part.
    fn evaluate_slice(&mut self, e: &'a Expr) -> Result {
        match e {
            Expr::Slice(slice) => slice
                .lower
                .iter()
                .chain(&slice.upper)
                .chain(&slice.step)
                .try_for_each(|part| self.evaluate(part)),
            Expr::Tuple(tuple) => tuple
                .elts
                .iter()
                .try_for_each(|elt| self.evaluate_slice(elt)),
            _ => self.evaluate(e),
        }
    }
}
