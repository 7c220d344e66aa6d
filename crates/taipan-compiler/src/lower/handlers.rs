//! `try` statements.

use taipan_bytecode::Op;
use taipan_bytecode::line_table::Position;
use taipan_syntax::ast::{self, ExceptHandler, Stmt};

use super::ir::Label;
use super::names::Access;
use super::unit::Region;
use super::{Compiler, NOWHERE, Result};

impl<'a> Compiler<'a> {
    pub(crate) fn try_stmt(&mut self, s: &'a ast::StmtTry, pos: Position) -> Result {
        if s.finalbody.is_empty() {
            return self.try_except(s, pos);
        }
        let (handler, cleanup, exit) = (self.label(), self.label(), self.label());
        self.guard(handler, false, pos);
        self.push_plain_region(Region::FinallyTry(&s.finalbody));
        if s.handlers.is_empty() {
            self.stmts(&s.body)?;
        } else {
            self.try_except(s, pos)?;
        }
        self.pop_region();
        self.unguard();
        self.finally_body(&s.finalbody)?;
        self.jump(Op::JumpAbsolute, exit, NOWHERE);
        self.bind(handler);
        self.push_plain_region(Region::FinallyEnd);
        self.guard(cleanup, true, NOWHERE);
        self.op(Op::PushExcInfo, NOWHERE);
        self.finally_body(&s.finalbody)?;
        self.pop_region();
        self.op_arg(Op::Reraise, 0, NOWHERE);
        self.unguard();
        self.bind(cleanup);
        self.pop_except_and_reraise();
        self.bind(exit);
        Ok(())
    }

    /// A `finally` body, of which there is a copy for each way into it.
    pub(crate) fn finally_body(&mut self, body: &'a [Stmt]) -> Result {
        let unit = self.unit();
        let before = (unit.in_finally, unit.in_loop);
        (unit.in_finally, unit.in_loop) = (true, false);
        self.stmts(body)?;
        let unit = self.unit();
        (unit.in_finally, unit.in_loop) = before;
        Ok(())
    }

    /// Handler of code that runs while another exception is handled: stop handling that, go on raising.
    pub(crate) fn pop_except_and_reraise(&mut self) {
        self.copy(3, NOWHERE);
        self.op(Op::PopExcept, NOWHERE);
        self.op_arg(Op::Reraise, 1, NOWHERE);
    }

    fn try_except(&mut self, s: &'a ast::StmtTry, pos: Position) -> Result {
        let (handler, cleanup, end) = (self.label(), self.label(), self.label());
        self.guard(handler, false, pos);
        self.push_plain_region(Region::TryExcept);
        self.stmts(&s.body)?;
        self.pop_region();
        self.unguard();
        self.stmts(&s.orelse)?;
        self.jump(Op::JumpAbsolute, end, NOWHERE);
        self.bind(handler);
        self.guard(cleanup, true, NOWHERE);
        self.op(Op::PushExcInfo, NOWHERE);
        if s.is_star {
            self.push_plain_region(Region::ExceptionGroupHandler);
            self.star_handlers(s, end)?;
        } else {
            self.push_plain_region(Region::ExceptionHandler);
            let last = s.handlers.len() - 1;
            for (i, clause) in s.handlers.iter().enumerate() {
                let ExceptHandler::ExceptHandler(clause) = clause;
                if clause.type_.is_none() && i < last {
                    return self.fail("default 'except:' must be last", clause.range);
                }
                self.except_clause(clause, end)?;
            }
            self.op_arg(Op::Reraise, 0, NOWHERE);
        }
        self.pop_region();
        self.unguard();
        self.bind(cleanup);
        self.pop_except_and_reraise();
        self.bind(end);
        Ok(())
    }

    fn except_clause(&mut self, clause: &'a ast::ExceptHandlerExceptHandler, end: Label) -> Result {
        let pos = self.pos(clause.range);
        let next = self.label();
        if let Some(class) = &clause.type_ {
            self.expr(class)?;
            self.op(Op::CheckExcMatch, pos);
            self.jump(Op::PopJumpIfFalse, next, pos);
        }
        let name = clause.name.as_ref().map(|name| name.as_str());
        let forget = self.label();
        match name {
            Some(name) => {
                self.name(name, Access::Store, pos);
                self.guard(forget, true, pos);
            }
            None => self.op(Op::PopTop, pos),
        }
        self.push_plain_region(Region::HandlerCleanup(name));
        self.stmts(&clause.body)?;
        let saved = self.begin_unwind();
        if name.is_some() {
            self.unguard();
        }
        self.unguard();
        self.op(Op::PopExcept, NOWHERE);
        if let Some(name) = name {
            self.forget_exception(name, NOWHERE);
        }
        self.jump(Op::JumpAbsolute, end, NOWHERE);
        self.end_unwind(saved);
        self.pop_region();
        if let Some(name) = name {
            self.unguard();
            self.bind(forget);
            self.forget_exception(name, NOWHERE);
            self.op_arg(Op::Reraise, 1, NOWHERE);
        }
        self.bind(next);
        Ok(())
    }

    /// The clauses of `except*`. Between them the stack holds: previous exception, original group, list of what was
    /// raised, the part that is not handled yet.
    fn star_handlers(&mut self, s: &'a ast::StmtTry, end: Label) -> Result {
        for (i, clause) in s.handlers.iter().enumerate() {
            let ExceptHandler::ExceptHandler(clause) = clause;
            let pos = self.pos(clause.range);
            if i == 0 {
                self.op_arg(Op::BuildList, 0, pos);
                self.copy(2, pos);
            }
            self.star_clause(clause, pos)?;
        }
        self.op_arg(Op::ListAppend, 1, NOWHERE);
        self.op(Op::PrepReraiseStar, NOWHERE);
        self.op(Op::DupTop, NOWHERE);
        let reraise = self.label();
        self.jump(Op::PopJumpIfNotNone, reraise, NOWHERE);
        self.op(Op::PopTop, NOWHERE);
        let saved = self.begin_unwind();
        self.unguard();
        self.op(Op::PopExcept, NOWHERE);
        self.jump(Op::JumpAbsolute, end, NOWHERE);
        self.bind(reraise);
        self.op(Op::RotTwo, NOWHERE);
        self.op(Op::PopExcept, NOWHERE);
        self.op_arg(Op::Reraise, 0, NOWHERE);
        self.end_unwind(saved);
        Ok(())
    }

    fn star_clause(
        &mut self,
        clause: &'a ast::ExceptHandlerExceptHandler,
        pos: Position,
    ) -> Result {
        let (next, no_match, failed) = (self.label(), self.label(), self.label());
        if let Some(class) = &clause.type_ {
            self.expr(class)?;
        }
        self.op(Op::CheckEgMatch, pos);
        self.op(Op::DupTop, pos);
        self.jump(Op::PopJumpIfNone, no_match, pos);
        let name = clause.name.as_ref().map(|name| name.as_str());
        match name {
            Some(name) => self.name(name, Access::Store, pos),
            None => self.op(Op::PopTop, pos),
        }
        self.guard(failed, true, pos);
        self.push_plain_region(Region::HandlerCleanup(name));
        self.stmts(&clause.body)?;
        self.pop_region();
        self.unguard();
        if let Some(name) = name {
            self.forget_exception(name, NOWHERE);
        }
        self.jump(Op::JumpAbsolute, next, NOWHERE);
        self.bind(failed);
        if let Some(name) = name {
            self.forget_exception(name, NOWHERE);
        }
        self.op_arg(Op::ListAppend, 3, NOWHERE);
        self.op(Op::PopTop, NOWHERE);
        self.jump(Op::JumpAbsolute, next, NOWHERE);
        self.bind(no_match);
        self.op(Op::PopTop, pos);
        self.bind(next);
        Ok(())
    }
}
