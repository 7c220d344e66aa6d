//! Type parameters and `type` statements.

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Constant, Intrinsic1, Intrinsic2, Op};
use taipan_syntax::Ranged;
use taipan_syntax::ast::{self, Expr, TypeParam};

use super::names::Access;
use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::scopes::{Key, Role};

impl<'a> Compiler<'a> {
    /// Makes the type parameters, binds them and leaves their tuple on the stack.
    pub(crate) fn type_params(
        &mut self,
        params: &'a ast::TypeParams,
        tuple_pos: Position,
    ) -> Result {
        let mut seen_default = false;
        for param in &params.type_params {
            let name = param.name();
            let pos = self.pos(param.range());
            self.load_str(name, pos);
            match param {
                TypeParam::TypeVar(ast::TypeParamTypeVar {
                    bound: Some(bound), ..
                }) => {
                    self.lazy_value(name, bound, false, pos)?;
                    let intrinsic = if bound.is_tuple_expr() {
                        Intrinsic2::TypeVarWithConstraints
                    } else {
                        Intrinsic2::TypeVarWithBound
                    };
                    self.op_arg(Op::CallIntrinsic2, intrinsic as u32, pos);
                }
                TypeParam::TypeVar(_) => {
                    self.op_arg(Op::CallIntrinsic1, Intrinsic1::TypeVar as u32, pos)
                }
                TypeParam::ParamSpec(_) => {
                    self.op_arg(Op::CallIntrinsic1, Intrinsic1::ParamSpec as u32, pos)
                }
                TypeParam::TypeVarTuple(_) => {
                    self.op_arg(Op::CallIntrinsic1, Intrinsic1::TypeVarTuple as u32, pos);
                }
            }
            if let Some(default) = param.default() {
                seen_default = true;
                self.lazy_value(
                    name,
                    default,
                    matches!(param, TypeParam::TypeVarTuple(_)),
                    pos,
                )?;
                self.op_arg(
                    Op::CallIntrinsic2,
                    Intrinsic2::SetTypeparamDefault as u32,
                    pos,
                );
            } else if seen_default {
                let message =
                    format!("non-default type parameter '{name}' follows default type parameter");
                return self.fail(message, param.range());
            }
            self.op(Op::DupTop, pos);
            self.name(name, Access::Store, pos);
        }
        self.op_arg(Op::BuildTuple, params.type_params.len() as u32, tuple_pos);
        Ok(())
    }

    /// Pushes a function that evaluates a bound, default or alias when it is asked for.
    fn lazy_value(&mut self, name: &str, value: &'a Expr, starred: bool, pos: Position) -> Result {
        self.load_const(Constant::Tuple([Constant::Int(1)].into()), pos);
        let block = self.find_block(Key::of(value, Role::Value));
        self.enter_annotations_of(block, name, None, pos.line, pos);
        match value {
            Expr::Starred(star) if starred => {
                self.expr(&star.value)?;
                self.op_arg(Op::UnpackSequence, 1, pos);
            }
            _ => self.expr(value)?,
        }
        self.op(Op::ReturnValue, pos);
        let code = self.leave_annotations(false)?;
        self.make_function(code, 1, pos);
        Ok(())
    }

    pub(crate) fn type_alias(&mut self, alias: &'a ast::StmtTypeAlias) -> Result {
        let pos = self.pos(alias.range);
        let Expr::Name(name) = &*alias.name else {
            return Ok(());
        };
        match &alias.type_params {
            None => {
                self.load_str(&name.id, pos);
                self.load_const(Constant::None, pos);
                self.alias_value(&name.id, &alias.value, pos)?;
            }
            Some(params) => {
                let unit_name = self.intern(&format!("<generic parameters of {}>", name.id));
                let block = self.find_block(Key::of(&**params, Role::TypeParams));
                self.enter_unit(UnitKind::Annotations, block, unit_name, pos.line);
                self.load_str(&name.id, pos);
                self.type_params(params, pos)?;
                self.alias_value(&name.id, &alias.value, pos)?;
                self.op(Op::ReturnValue, pos);
                let code = self.leave_unit(false)?;
                self.make_function(code, 0, pos);
                self.op_arg(Op::CallFunction, 0, pos);
            }
        }
        self.name(&name.id, Access::Store, pos);
        Ok(())
    }

    fn alias_value(&mut self, name: &str, value: &'a Expr, pos: Position) -> Result {
        self.lazy_value(name, value, false, pos)?;
        self.op_arg(Op::BuildTuple, 3, pos);
        self.op_arg(Op::CallIntrinsic1, Intrinsic1::TypeAlias as u32, pos);
        Ok(())
    }
}
