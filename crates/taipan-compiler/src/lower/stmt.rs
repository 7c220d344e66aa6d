//! Statements, apart from those that have a file of their own.

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Constant, Op};
use taipan_syntax::ast::{self, Expr, Stmt};
use taipan_syntax::{Ranged, TextRange};

use super::names::Access;
use super::{Compiler, NOWHERE, Result};
use crate::Mode;
use crate::context::with_stack;
use crate::fold;
use crate::scopes::BlockKind;

impl<'a> Compiler<'a> {
    /// The body of a module or of an interactive statement.
    pub(crate) fn module(&mut self, module: &'a ast::ModModule) -> Result {
        let start = Position {
            line: 1,
            end_line: 1,
            col: 0,
            end_col: 0,
        };
        if self.mode == Mode::Single {
            self.start_annotations(start);
            self.stmts(&module.body)?;
            self.finish_annotations(start)?;
        } else {
            self.namespace_body(&module.body, start)?;
        }
        self.load_const(Constant::None, NOWHERE);
        self.op(Op::ReturnValue, NOWHERE);
        Ok(())
    }

    /// The body of a module or class: docstring, statements, annotations.
    pub(crate) fn namespace_body(&mut self, body: &'a [Stmt], start: Position) -> Result {
        self.start_annotations(start);
        let mut rest = body;
        if self.block().has_docstring
            && let Some((Stmt::Expr(first), others)) = body.split_first()
        {
            rest = others;
            if self.optimize < 2
                && let Some(doc) = self.docstring(&first.value)?
            {
                let pos = self.pos_of(&*first.value);
                self.load_const(doc, pos);
                self.name("__doc__", Access::Store, NOWHERE);
            }
        }
        self.stmts(rest)?;
        self.finish_annotations(start)
    }

    pub(crate) fn stmts(&mut self, body: &'a [Stmt]) -> Result {
        body.iter()
            .try_for_each(|stmt| with_stack(|| self.stmt(stmt)))
    }

    fn stmt(&mut self, stmt: &'a Stmt) -> Result {
        let pos = self.pos_of(stmt);
        match stmt {
            Stmt::Expr(s) => self.expr_stmt(s, pos),
            Stmt::Assign(s) => {
                self.expr(&s.value)?;
                let last = s.targets.len().saturating_sub(1);
                for (i, target) in s.targets.iter().enumerate() {
                    if i < last {
                        self.op(Op::DupTop, pos);
                    }
                    self.expr(target)?;
                }
                Ok(())
            }
            Stmt::AugAssign(s) => self.aug_assign(s),
            Stmt::AnnAssign(s) => self.ann_assign(s),
            Stmt::Return(s) => self.return_stmt(s, pos),
            Stmt::Delete(s) => self.exprs(&s.targets),
            Stmt::Pass(_) => {
                self.op(Op::Nop, pos);
                Ok(())
            }
            Stmt::Break(_) => self.break_or_continue(false, pos, stmt.range()),
            Stmt::Continue(_) => self.break_or_continue(true, pos, stmt.range()),
            Stmt::Raise(s) => {
                let parts = [&s.exc, &s.cause];
                let count = parts.iter().filter(|part| part.is_some()).count();
                parts
                    .into_iter()
                    .flatten()
                    .try_for_each(|part| self.expr(part))?;
                self.op_arg(Op::RaiseVarargs, count as u32, pos);
                Ok(())
            }
            Stmt::Assert(s) => self.assert(s, pos),
            Stmt::Import(s) => self.import(s, pos),
            Stmt::ImportFrom(s) => self.import_from(s, pos),
            Stmt::Global(_) | Stmt::Nonlocal(_) => Ok(()),
            Stmt::FunctionDef(s) => self.function_def(s),
            Stmt::ClassDef(s) => self.class_def(s),
            Stmt::TypeAlias(s) => self.type_alias(s),
            Stmt::IpyEscapeCommand(s) => self.fail("invalid syntax", s.range),
            _ => self.conditionally(|c| c.compound(stmt, pos)),
        }
    }

    /// Lowers something that may not be executed, or not once.
    fn conditionally(&mut self, lower: impl FnOnce(&mut Self) -> Result) -> Result {
        self.unit().conditional += 1;
        lower(self)?;
        self.unit().conditional -= 1;
        Ok(())
    }

    fn compound(&mut self, stmt: &'a Stmt, pos: Position) -> Result {
        match stmt {
            Stmt::If(s) => self.if_stmt(s),
            Stmt::While(s) => self.while_stmt(s),
            Stmt::For(s) if s.is_async => self.async_for(s),
            Stmt::For(s) => self.for_stmt(s),
            Stmt::With(s) => self.with(s),
            Stmt::Try(s) => self.try_stmt(s, pos),
            Stmt::Match(s) => self.match_stmt(s),
            _ => Ok(()),
        }
    }

    fn expr_stmt(&mut self, s: &'a ast::StmtExpr, pos: Position) -> Result {
        // Expressions in blocks (`if`, `for`...) of an interactive statement are shown as well.
        if self.mode == Mode::Single && self.block().kind == BlockKind::Module {
            self.expr(&s.value)?;
            self.op(Op::PrintExpr, pos);
            return Ok(());
        }
        if self.fold(&s.value)?.is_some() {
            self.op(Op::Nop, pos);
            return Ok(());
        }
        self.expr(&s.value)?;
        self.op(Op::PopTop, NOWHERE);
        Ok(())
    }

    fn assert(&mut self, s: &'a ast::StmtAssert, pos: Position) -> Result {
        if matches!(&*s.test, Expr::Tuple(t) if !t.elts.is_empty()) {
            let message = "assertion is always true, perhaps remove parentheses?";
            self.warnings
                .add(&self.context.source, message.to_owned(), s.range);
        }
        if self.optimize > 0 {
            return Ok(());
        }
        let end = self.label();
        self.jump_if(&s.test, end, true)?;
        self.op(Op::LoadAssertionError, pos);
        if let Some(message) = &s.msg {
            self.expr(message)?;
            self.op_arg(Op::CallFunction, 1, pos);
        }
        let test = self.pos_of(&*s.test);
        self.op_arg(Op::RaiseVarargs, 1, test);
        self.bind(end);
        Ok(())
    }

    fn import(&mut self, s: &'a ast::StmtImport, pos: Position) -> Result {
        for alias in &s.names {
            self.load_int(0, pos);
            self.load_const(Constant::None, pos);
            self.op_plain_name(Op::ImportName, &alias.name, pos);
            match &alias.asname {
                None => {
                    let first = alias.name.split('.').next().unwrap_or(&alias.name);
                    self.name(first, Access::Store, pos);
                }
                Some(asname) => self.import_as(&alias.name, asname, pos),
            }
        }
        Ok(())
    }

    /// `import a.b.c as d` binds the innermost module.
    fn import_as(&mut self, name: &str, asname: &str, pos: Position) {
        let mut parts = name.split('.').skip(1).peekable();
        let dotted = parts.peek().is_some();
        while let Some(part) = parts.next() {
            self.op_plain_name(Op::ImportFrom, part, pos);
            if parts.peek().is_some() {
                self.op(Op::RotTwo, pos);
                self.op(Op::PopTop, pos);
            }
        }
        self.name(asname, Access::Store, pos);
        if dotted {
            self.op(Op::PopTop, pos);
        }
    }

    /// An instruction whose name is taken as it is written, never mangled.
    fn op_plain_name(&mut self, op: Op, name: &str, pos: Position) {
        let name = self.interner.intern(name);
        let index = self.unit().names.add(name);
        self.op_arg(op, index, pos);
    }

    fn import_from(&mut self, s: &'a ast::StmtImportFrom, pos: Position) -> Result {
        self.load_int(i64::from(s.level), pos);
        let names = s
            .names
            .iter()
            .map(|alias| Constant::str(&alias.name))
            .collect();
        self.load_const(Constant::Tuple(names), pos);
        let module = s.module.as_ref().map_or("", |module| module.as_str());
        self.op_plain_name(Op::ImportName, module, pos);
        for alias in &s.names {
            if &alias.name == "*" {
                self.op(Op::ImportStar, pos);
                return Ok(());
            }
            self.op_name(Op::ImportFrom, &alias.name, pos);
            self.name(
                alias.asname.as_ref().unwrap_or(&alias.name),
                Access::Store,
                pos,
            );
        }
        self.op(Op::PopTop, pos);
        Ok(())
    }

    fn return_stmt(&mut self, s: &'a ast::StmtReturn, mut pos: Position) -> Result {
        let block = self.block();
        if block.kind != BlockKind::Function {
            return self.fail("'return' outside function", s.range);
        }
        if s.value.is_some() && block.coroutine && block.generator {
            return self.fail("'return' with value in async generator", s.range);
        }
        self.warn_leaving_finally("return", s.range);
        let mut constant = Some(Constant::None);
        let mut preserve = false;
        let mut value_line = 0;
        if let Some(value) = &s.value {
            let value_pos = self.pos_of(&**value);
            value_line = value_pos.line;
            constant = if value.is_literal_expr() {
                self.fold(value)?
            } else {
                None
            };
            preserve = constant.is_none();
            if preserve {
                self.expr(value)?;
            } else {
                pos = value_pos;
                self.op(Op::Nop, pos);
            }
        }
        let stmt_pos = self.pos(s.range);
        if s.value.is_none() || value_line != stmt_pos.line {
            pos = stmt_pos;
            self.op(Op::Nop, pos);
        }
        let saved = self.begin_unwind();
        self.unwind_all(&mut pos, preserve, s.range)?;
        if let Some(value) = constant {
            self.load_const(value, pos);
        }
        self.op(Op::ReturnValue, pos);
        self.end_unwind(saved);
        Ok(())
    }

    /// The docstring of a body's first expression, with its indentation removed.
    pub(crate) fn docstring(&mut self, e: &Expr) -> Result<Option<Constant>> {
        Ok(match self.fold(e)? {
            Some(Constant::Str(text)) => Some(Constant::Str(fold::clean_docstring(&text).into())),
            _ => None,
        })
    }

    pub(crate) fn warn_leaving_finally(&mut self, word: &str, range: TextRange) {
        let unit = self.unit_ref();
        if unit.in_finally && (word == "return" || !unit.in_loop) {
            let message = format!("'{word}' in a 'finally' block");
            self.warnings.add(&self.context.source, message, range);
        }
    }
}
