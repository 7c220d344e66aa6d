//! Branches, loops, `with`, and leaving them.

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Constant, Op};
use taipan_syntax::TextRange;
use taipan_syntax::ast;

use super::ir::Label;
use super::names::Access;
use super::unit::{Region, RegionInfo, UnitKind};
use super::{Compiler, NOWHERE, Result};

/// What [`Compiler::begin_unwind`] puts aside.
pub(crate) struct Unwinding<'a> {
    handlers: Vec<Label>,
    regions: Vec<RegionInfo<'a>>,
}

impl<'a> Compiler<'a> {
    // ---- regions ----

    pub(crate) fn push_region(&mut self, region: Region<'a>, start: Label, exit: Label) {
        self.unit().regions.push(RegionInfo {
            region,
            start,
            exit,
        });
    }

    pub(crate) fn push_plain_region(&mut self, region: Region<'a>) {
        self.push_region(region, Label::NONE, Label::NONE);
    }

    pub(crate) fn pop_region(&mut self) {
        self.unit().regions.pop();
    }

    /// Code that leaves regions is emitted with their handlers taken off; this keeps them to be put back.
    pub(crate) fn begin_unwind(&mut self) -> Unwinding<'a> {
        let unit = self.unit();
        Unwinding {
            handlers: unit.handlers.clone(),
            regions: unit.regions.clone(),
        }
    }

    pub(crate) fn end_unwind(&mut self, saved: Unwinding<'a>) {
        let unit = self.unit();
        unit.handlers = saved.handlers;
        unit.regions = saved.regions;
    }

    /// Leaves all regions of the code object.
    pub(crate) fn unwind_all(
        &mut self,
        pos: &mut Position,
        preserve: bool,
        range: TextRange,
    ) -> Result {
        while let Some(info) = self.unit().regions.pop() {
            self.unwind(info.region, pos, preserve, range)?;
        }
        Ok(())
    }

    /// Leaves the regions inside the innermost loop, and gives that loop, which is still to be left.
    fn unwind_to_loop(
        &mut self,
        pos: &mut Position,
        range: TextRange,
    ) -> Result<Option<RegionInfo<'a>>> {
        while let Some(info) = self.unit().regions.pop() {
            if matches!(info.region, Region::While | Region::For) {
                return Ok(Some(info));
            }
            self.unwind(info.region, pos, false, range)?;
        }
        Ok(None)
    }

    fn unwind(
        &mut self,
        region: Region<'a>,
        pos: &mut Position,
        preserve: bool,
        range: TextRange,
    ) -> Result {
        match region {
            Region::While | Region::ExceptionHandler | Region::AsyncComprehension => {}
            Region::ExceptionGroupHandler => {
                let message = "'break', 'continue' and 'return' cannot appear in an except* block";
                return self.fail(message, range);
            }
            Region::For | Region::PopValue => {
                if preserve {
                    self.op(Op::RotTwo, *pos);
                }
                self.op(Op::PopTop, *pos);
            }
            Region::TryExcept => self.unguard(),
            Region::FinallyTry(body) => {
                self.unguard();
                if preserve {
                    self.push_plain_region(Region::PopValue);
                }
                self.finally_body(body)?;
                if preserve {
                    self.pop_region();
                }
                *pos = NOWHERE;
            }
            Region::FinallyEnd => {
                if preserve {
                    self.op(Op::RotTwo, *pos);
                }
                self.op(Op::PopTop, *pos);
                if preserve {
                    self.op(Op::RotTwo, *pos);
                }
                self.unguard();
                self.op(Op::PopExcept, *pos);
            }
            Region::With {
                is_async,
                pos: with_pos,
            } => {
                *pos = with_pos;
                self.unguard();
                if preserve {
                    self.op(Op::RotTwo, *pos);
                }
                self.call_exit(is_async, *pos);
                *pos = NOWHERE;
            }
            Region::HandlerCleanup(name) => {
                if name.is_some() {
                    self.unguard();
                }
                if preserve {
                    self.op(Op::RotTwo, *pos);
                }
                self.unguard();
                self.op(Op::PopExcept, *pos);
                if let Some(name) = name {
                    self.forget_exception(name, *pos);
                }
            }
        }
        Ok(())
    }

    /// `name = None; del name` after an `except ... as name`.
    pub(crate) fn forget_exception(&mut self, name: &str, pos: Position) {
        self.load_const(Constant::None, pos);
        self.name(name, Access::Store, pos);
        self.name(name, Access::Delete, pos);
    }

    pub(crate) fn break_or_continue(
        &mut self,
        next: bool,
        mut pos: Position,
        range: TextRange,
    ) -> Result {
        self.op(Op::Nop, pos);
        self.warn_leaving_finally(if next { "continue" } else { "break" }, range);
        let saved = self.begin_unwind();
        let Some(info) = self.unwind_to_loop(&mut pos, range)? else {
            let message = if next {
                "'continue' not properly in loop"
            } else {
                "'break' outside loop"
            };
            return self.fail(message, range);
        };
        if next {
            self.jump(Op::JumpAbsolute, info.start, pos);
        } else {
            self.unwind(info.region, &mut pos, false, range)?;
            self.jump(Op::JumpAbsolute, info.exit, pos);
        }
        self.end_unwind(saved);
        Ok(())
    }

    // ---- branches and loops ----

    pub(crate) fn if_stmt(&mut self, s: &'a ast::StmtIf) -> Result {
        let end = self.label();
        let mut next = self.label();
        self.jump_if(&s.test, next, false)?;
        self.stmts(&s.body)?;
        for clause in &s.elif_else_clauses {
            self.jump(Op::JumpAbsolute, end, NOWHERE);
            self.bind(next);
            next = self.label();
            if let Some(test) = &clause.test {
                self.jump_if(test, next, false)?;
            }
            self.stmts(&clause.body)?;
        }
        self.bind(next);
        self.bind(end);
        Ok(())
    }

    /// The body of a loop: `break` and `continue` in it do not leave a `finally` around the loop.
    fn loop_body(&mut self, body: &'a [ast::Stmt]) -> Result {
        let before = std::mem::replace(&mut self.unit().in_loop, true);
        self.stmts(body)?;
        self.unit().in_loop = before;
        Ok(())
    }

    pub(crate) fn while_stmt(&mut self, s: &'a ast::StmtWhile) -> Result {
        let (start, exit, end) = (self.label(), self.label(), self.label());
        self.bind(start);
        self.push_region(Region::While, start, end);
        self.jump_if(&s.test, exit, false)?;
        self.loop_body(&s.body)?;
        self.jump(Op::JumpAbsolute, start, NOWHERE);
        self.pop_region();
        self.bind(exit);
        self.stmts(&s.orelse)?;
        self.bind(end);
        Ok(())
    }

    pub(crate) fn for_stmt(&mut self, s: &'a ast::StmtFor) -> Result {
        let (start, exit, end) = (self.label(), self.label(), self.label());
        self.push_region(Region::For, start, end);
        self.expr(&s.iter)?;
        let pos = self.pos_of(&*s.iter);
        self.op(Op::GetIter, pos);
        self.bind(start);
        self.jump(Op::ForIter, exit, pos);
        self.expr(&s.target)?;
        self.loop_body(&s.body)?;
        self.jump(Op::JumpAbsolute, start, NOWHERE);
        self.pop_region();
        self.bind(exit);
        self.stmts(&s.orelse)?;
        self.bind(end);
        Ok(())
    }

    fn check_async(&self, what: &str, range: TextRange) -> Result {
        if self.context.top_level_await && self.units.len() == 1 {
            return Ok(());
        }
        if self.unit_ref().kind != UnitKind::AsyncFunction {
            return self.fail(format!("'{what}' outside async function"), range);
        }
        Ok(())
    }

    pub(crate) fn async_for(&mut self, s: &'a ast::StmtFor) -> Result {
        self.check_async("async for", s.range)?;
        let (start, handler, end) = (self.label(), self.label(), self.label());
        self.expr(&s.iter)?;
        let pos = self.pos_of(&*s.iter);
        self.op(Op::GetAiter, pos);
        self.bind(start);
        self.push_region(Region::For, start, end);
        self.guard(handler, false, pos);
        self.op(Op::GetAnext, pos);
        self.yield_from(pos);
        self.unguard();
        self.expr(&s.target)?;
        self.loop_body(&s.body)?;
        self.jump(Op::JumpAbsolute, start, NOWHERE);
        self.pop_region();
        self.bind(handler);
        self.op(Op::EndAsyncFor, pos);
        self.stmts(&s.orelse)?;
        self.bind(end);
        Ok(())
    }

    // ---- with ----

    pub(crate) fn with(&mut self, s: &'a ast::StmtWith) -> Result {
        if s.is_async {
            self.check_async("async with", s.range)?;
        }
        self.with_items(s, &s.items)
    }

    fn with_items(&mut self, s: &'a ast::StmtWith, items: &'a [ast::WithItem]) -> Result {
        let Some((item, rest)) = items.split_first() else {
            return self.stmts(&s.body);
        };
        let (handler, exit) = (self.label(), self.label());
        self.expr(&item.context_expr)?;
        let pos = self.pos_of(&item.context_expr);
        if s.is_async {
            self.op(Op::BeforeAsyncWith, pos);
            self.op_arg(Op::GetAwaitable, 1, pos);
            self.yield_from(pos);
        } else {
            self.op(Op::BeforeWith, pos);
        }
        // The result of __enter__ lies above what the handler finds.
        self.emit(Op::Nop, 1, handler, pos);
        let unit = self.unit();
        unit.code.lasti[handler.0 as usize] = true;
        unit.handlers.push(handler);
        self.push_plain_region(Region::With {
            is_async: s.is_async,
            pos,
        });
        match &item.optional_vars {
            Some(target) => self.expr(target)?,
            None => self.op(Op::PopTop, pos),
        }
        self.with_items(s, rest)?;
        self.pop_region();
        self.unguard();
        self.call_exit(s.is_async, pos);
        self.jump(Op::JumpAbsolute, exit, pos);
        self.with_handler(handler, exit, s.is_async, pos);
        self.bind(exit);
        Ok(())
    }

    /// Calls the `__exit__` on the stack when no exception was raised.
    fn call_exit(&mut self, is_async: bool, pos: Position) {
        for _ in 0..3 {
            self.load_const(Constant::None, pos);
        }
        self.op_arg(Op::CallFunction, 3, pos);
        if is_async {
            self.op_arg(Op::GetAwaitable, 2, pos);
            self.yield_from(pos);
        }
        self.op(Op::PopTop, pos);
    }

    fn with_handler(&mut self, handler: Label, exit: Label, is_async: bool, pos: Position) {
        let (cleanup, suppress) = (self.label(), self.label());
        self.bind(handler);
        self.guard(cleanup, true, pos);
        self.op(Op::PushExcInfo, pos);
        self.op(Op::WithExceptStart, pos);
        if is_async {
            self.op_arg(Op::GetAwaitable, 2, pos);
            self.yield_from(pos);
        }
        self.jump(Op::PopJumpIfTrue, suppress, pos);
        self.op_arg(Op::Reraise, 2, pos);
        self.bind(suppress);
        self.op(Op::PopTop, pos);
        self.unguard();
        self.op(Op::PopExcept, pos);
        self.op(Op::PopTop, pos);
        self.op(Op::PopTop, pos);
        self.jump(Op::JumpAbsolute, exit, pos);
        self.bind(cleanup);
        self.pop_except_and_reraise();
    }
}
