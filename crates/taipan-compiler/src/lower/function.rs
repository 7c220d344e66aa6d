//! Functions and lambdas.

use std::sync::Arc;

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Code, Constant, Intrinsic2, Op};
use taipan_syntax::ast::{self, Expr, Stmt};

use super::names::Access;
use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::fold;
use crate::scopes::{BlockId, Key, Role, SymbolTable};

impl<'a> Compiler<'a> {
    pub(crate) fn find_block(&self, key: Key) -> BlockId {
        // Every node that asks was visited when the table was built.
        self.table.find(key).unwrap_or(SymbolTable::TOP)
    }

    /// Pushes the decorators; the line that the definition starts at.
    pub(crate) fn decorators(
        &mut self,
        decorators: &'a [ast::Decorator],
        pos: Position,
    ) -> Result<u32> {
        decorators
            .iter()
            .try_for_each(|d| self.expr(&d.expression))?;
        Ok(decorators
            .first()
            .map_or(pos.line, |d| self.pos_of(&d.expression).line))
    }

    pub(crate) fn apply_decorators(&mut self, decorators: &[ast::Decorator]) {
        for decorator in decorators.iter().rev() {
            let pos = self.pos_of(&decorator.expression);
            self.op_arg(Op::CallFunction, 1, pos);
        }
    }

    pub(crate) fn function_def(&mut self, def: &'a ast::StmtFunctionDef) -> Result {
        let pos = self.definition_pos(def.range, &def.decorator_list);
        let line = self.decorators(&def.decorator_list, pos)?;
        let mut flags = self.default_arguments(&def.parameters, pos)?;
        match &def.type_params {
            None => {
                flags |= self.function_annotations(def, pos)?;
                let code = self.function_code(def, line)?;
                self.make_function(code, flags, pos);
            }
            Some(params) => {
                let count = (flags & 1) + (flags >> 1 & 1);
                let code = self.generic_function(def, params, flags, line, pos)?;
                self.make_function(code, 0, pos);
                match count {
                    0 => {}
                    1 => self.op(Op::RotTwo, pos),
                    _ => self.op(Op::RotThree, pos),
                }
                self.op_arg(Op::CallFunction, count, pos);
            }
        }
        self.apply_decorators(&def.decorator_list);
        self.name(&def.name, Access::Store, pos);
        Ok(())
    }

    /// A definition's own position starts at its keyword, after the decorators.
    pub(crate) fn definition_pos(
        &self,
        range: taipan_syntax::TextRange,
        decorators: &[ast::Decorator],
    ) -> Position {
        self.pos(self.source().definition(range, decorators))
    }

    fn generic_function(
        &mut self,
        def: &'a ast::StmtFunctionDef,
        params: &'a ast::TypeParams,
        mut flags: u32,
        line: u32,
        pos: Position,
    ) -> Result<Code> {
        let name = self.intern(&format!("<generic parameters of {}>", def.name));
        let block = self.find_block(Key::of(params, Role::TypeParams));
        self.enter_unit(UnitKind::Annotations, block, name, line);
        let count = (flags & 1) + (flags >> 1 & 1);
        self.unit().argcount = count;
        self.type_params(params, pos)?;
        for slot in 0..count {
            self.op_arg(Op::LoadFast, slot, pos);
        }
        flags |= self.function_annotations(def, pos)?;
        let code = self.function_code(def, line)?;
        self.make_function(code, flags, pos);
        self.op(Op::RotTwo, pos);
        self.op_arg(
            Op::CallIntrinsic2,
            Intrinsic2::SetFunctionTypeParams as u32,
            pos,
        );
        self.op(Op::ReturnValue, pos);
        self.leave_unit(false)
    }

    /// Pushes the defaults; the flags for `MAKE_FUNCTION`.
    fn default_arguments(&mut self, parameters: &'a ast::Parameters, pos: Position) -> Result<u32> {
        let mut flags = 0;
        let positional: Vec<&'a Expr> = parameters
            .posonlyargs
            .iter()
            .chain(&parameters.args)
            .filter_map(|p| p.default.as_deref())
            .collect();
        if !positional.is_empty() {
            flags |= 1;
            let folded: Option<Vec<Constant>> = positional
                .iter()
                .map(|e| fold::fold(self.context, e, self.optimize))
                .collect::<Result<_>>()?;
            match folded {
                Some(values) => self.load_const(Constant::Tuple(values.into()), pos),
                None => {
                    positional.iter().try_for_each(|e| self.expr(e))?;
                    self.op_arg(Op::BuildTuple, positional.len() as u32, pos);
                }
            }
        }
        let mut keys = Vec::new();
        for parameter in &parameters.kwonlyargs {
            if let Some(default) = &parameter.default {
                self.expr(default)?;
                let name = self.mangled(parameter.name());
                keys.push(Constant::str(&name));
            }
        }
        if !keys.is_empty() {
            flags |= 2;
            let count = keys.len() as u32;
            self.load_const(Constant::Tuple(keys.into()), pos);
            self.op_arg(Op::BuildConstKeyMap, count, pos);
        }
        Ok(flags)
    }

    fn set_arguments(&mut self, parameters: &ast::Parameters) {
        let unit = self.unit();
        unit.argcount = (parameters.posonlyargs.len() + parameters.args.len()) as u32;
        unit.posonlyargcount = parameters.posonlyargs.len() as u32;
        unit.kwonlyargcount = parameters.kwonlyargs.len() as u32;
    }

    fn function_code(&mut self, def: &'a ast::StmtFunctionDef, line: u32) -> Result<Code> {
        let block = self.find_block(Key::of(def, Role::Body));
        let kind = if def.is_async {
            UnitKind::AsyncFunction
        } else {
            UnitKind::Function
        };
        let name = self.intern(&def.name);
        self.enter_unit(kind, block, name, line);
        self.set_arguments(&def.parameters);
        let mut body: &'a [Stmt] = &def.body;
        let mut doc = Constant::None;
        if self.table.block(block).has_docstring
            && let Some((Stmt::Expr(first), rest)) = body.split_first()
        {
            if self.optimize < 2
                && let Some(text) = self.docstring(&first.value)?
            {
                doc = text;
            }
            body = rest;
        }
        self.unit().consts.add(doc);
        self.stmts(body)?;
        self.leave_unit(true)
    }

    pub(crate) fn lambda(&mut self, e: &'a ast::ExprLambda) -> Result {
        let pos = self.pos(e.range);
        let flags = match &e.parameters {
            Some(parameters) => self.default_arguments(parameters, pos)?,
            None => 0,
        };
        let block = self.find_block(Key::of(e, Role::Body));
        let name = self.intern("<lambda>");
        self.enter_unit(UnitKind::Lambda, block, name, pos.line);
        if let Some(parameters) = &e.parameters {
            self.set_arguments(parameters);
        }
        self.unit().consts.add(Constant::None);
        self.expr(&e.body)?;
        let body = self.pos_of(&*e.body);
        self.op(Op::ReturnValue, body);
        let code = self.leave_unit(false)?;
        self.make_function(code, flags, pos);
        Ok(())
    }

    /// Pushes the function that evaluates the annotations; the flag for `MAKE_FUNCTION`.
    fn function_annotations(
        &mut self,
        def: &'a ast::StmtFunctionDef,
        pos: Position,
    ) -> Result<u32> {
        let block = self.find_block(Key::of(&*def.parameters, Role::Annotations));
        if !self.table.block(block).annotations_used {
            return Ok(0);
        }
        let line = pos.line;
        self.enter_annotations_of(block, "__annotate__", Some(&def.name), line, pos);
        let parameters = &*def.parameters;
        let plain = |p: &'a ast::ParameterWithDefault| &p.parameter;
        let in_order = parameters
            .posonlyargs
            .iter()
            .map(plain)
            .chain(parameters.args.iter().map(plain))
            .chain(parameters.vararg.as_deref())
            .chain(parameters.kwonlyargs.iter().map(plain))
            .chain(parameters.kwarg.as_deref());
        let mut count = 0;
        for parameter in in_order {
            if let Some(annotation) = &parameter.annotation {
                self.annotated(&parameter.name, annotation, pos)?;
                count += 1;
            }
        }
        if let Some(returns) = &def.returns {
            self.annotated("return", returns, pos)?;
            count += 1;
        }
        self.op_arg(Op::BuildMap, count, pos);
        self.op(Op::ReturnValue, pos);
        let code = self.leave_annotations(true)?;
        self.make_function(code, 0, pos);
        Ok(4)
    }

    fn annotated(&mut self, name: &str, annotation: &'a Expr, pos: Position) -> Result {
        let mangled = self.mangled(name);
        self.load_str(&mangled, pos);
        if self.future_annotations() {
            self.annotation_text(annotation);
        } else if let Expr::Starred(star) = annotation {
            self.expr(&star.value)?;
            self.op_arg(Op::UnpackSequence, 1, pos);
        } else {
            self.expr(annotation)?;
        }
        Ok(())
    }

    /// Starts a function that evaluates annotations, taking the wanted format as its argument.
    pub(crate) fn enter_annotations_of(
        &mut self,
        block: BlockId,
        name: &str,
        of: Option<&str>,
        line: u32,
        pos: Position,
    ) {
        let interned = self.intern(name);
        let outer = of.map(|of| self.intern(of));
        self.enter_unit(
            UnitKind::Annotations,
            block,
            outer.unwrap_or_else(|| Arc::clone(&interned)),
            line,
        );
        if of.is_some() {
            let qualname = format!("{}.{name}", self.unit_ref().qualname);
            let qualname = self.intern(&qualname);
            let unit = self.unit();
            (unit.name, unit.qualname) = (interned, qualname);
        }
        let unit = self.unit();
        (unit.argcount, unit.posonlyargcount) = (1, 1);
        let supported = self.label();
        self.op_arg(Op::LoadFast, 0, pos);
        self.load_int(2, pos);
        self.op_arg(Op::CompareOp, taipan_bytecode::Compare::Gt as u32, pos);
        self.jump(Op::PopJumpIfFalse, supported, pos);
        self.op(Op::LoadNotImplementedError, pos);
        self.op_arg(Op::RaiseVarargs, 1, pos);
        self.bind(supported);
    }

    /// Ends it; an `__annotate__` function calls its parameter `format`, which no annotation can clash with.
    pub(crate) fn leave_annotations(&mut self, public: bool) -> Result<Code> {
        let mut code = self.leave_unit(false)?;
        if public && let Some(first) = code.varnames.first_mut() {
            *first = self.interner.intern("format").into();
        }
        Ok(code)
    }

    /// The end of a class or module body: what the annotations collected on the way become.
    pub(crate) fn finish_annotations(&mut self, pos: Position) -> Result {
        let deferred = std::mem::take(&mut self.unit().annotations);
        let id = self.unit_ref().block;
        let Some(block) = self.table.find(Key::annotations_of_block(id)) else {
            return Ok(());
        };
        if deferred.is_empty() {
            return Ok(());
        }
        let line = self.unit_ref().firstlineno;
        let at = self.unit().annotations_at.take();
        let emitted = self.unit_ref().code.instrs.len();
        self.enter_annotations_of(block, "__annotate__", None, line, pos);
        self.op_arg(Op::BuildMap, 0, pos);
        for item in deferred {
            let skip = self.label();
            if let Some(number) = item.condition {
                self.load_int(i64::from(number), item.pos);
                self.name_plain("__conditional_annotations__", item.pos);
                self.op_arg(Op::ContainsOp, 0, item.pos);
                self.jump(Op::PopJumpIfFalse, skip, item.pos);
            }
            self.expr(item.annotation)?;
            self.copy(2, item.pos);
            let mangled = self.mangled(&item.name.id);
            self.load_str(&mangled, item.pos);
            self.op(Op::StoreSubscr, pos);
            self.bind(skip);
        }
        self.op(Op::ReturnValue, pos);
        let code = self.leave_annotations(true)?;
        self.make_function(code, 0, pos);
        let name = if at.is_some() {
            "__annotate__"
        } else {
            "__annotate_func__"
        };
        self.name(name, Access::Store, pos);
        if let Some(at) = at {
            let sequence = &mut self.unit().code;
            let new = sequence.instrs.split_off(emitted);
            sequence.insert(at, new);
        }
        Ok(())
    }
}
