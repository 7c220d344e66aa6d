//! Calls.

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Constant, Op};
use taipan_syntax::ast::{self, Expr};

use super::expr::{Gather, STACK_GUIDELINE};
use super::names::Access;
use super::unit::UnitKind;
use super::{Compiler, Result};
use crate::scopes::flags::DEF_IMPORT;
use crate::scopes::{NameScope, SymbolTable};

impl<'a> Compiler<'a> {
    pub(crate) fn call(&mut self, e: &'a ast::ExprCall) -> Result {
        let pos = self.pos_of(e);
        if let Expr::Attribute(method) = &*e.func
            && self.is_method_call(method, &e.arguments)
        {
            return self.method_call(e, method, pos);
        }
        self.warn_caller(&e.func);
        self.expr(&e.func)?;
        self.call_with(
            0,
            &e.arguments.args,
            &e.arguments.keywords,
            e.arguments.range,
            pos,
        )
    }

    fn is_method_call(&self, method: &ast::ExprAttribute, arguments: &ast::Arguments) -> bool {
        if !method.ctx.is_load() || self.is_imported_module(&method.value) {
            return false;
        }
        let (args, keywords) = (&arguments.args, &arguments.keywords);
        args.len() + keywords.len() + usize::from(!keywords.is_empty()) < STACK_GUIDELINE
            && !args.iter().any(Expr::is_starred_expr)
            && keywords.iter().all(|keyword| keyword.arg.is_some())
    }

    /// Whether a name is bound by an import of the module: its attributes are hardly ever methods.
    fn is_imported_module(&self, e: &Expr) -> bool {
        let Expr::Name(name) = e else { return false };
        self.table
            .block(SymbolTable::TOP)
            .symbols
            .get(&name.id)
            .is_some_and(|s| s.flags & DEF_IMPORT != 0)
    }

    fn method_call(
        &mut self,
        e: &'a ast::ExprCall,
        method: &'a ast::ExprAttribute,
        pos: Position,
    ) -> Result {
        let method_pos = self.pos_of(method);
        if let Some(two) = self.super_call(method) {
            self.load_super(method)?;
            let arg = self.name_index(&method.attr) << 1 | u32::from(two);
            let pos = self.attribute_pos(method_pos, method);
            self.op_arg(Op::LoadSuperMethod, arg, pos);
        } else {
            self.expr(&method.value)?;
            let pos = self.attribute_pos(method_pos, method);
            self.op_name(Op::LoadMethod, &method.attr, pos);
        }
        self.check_keywords(&e.arguments.keywords)?;
        self.arguments(&e.arguments.args, e.arguments.range)?;
        let pos = self.attribute_pos(pos, method);
        let count = e.arguments.args.len() as u32;
        if e.arguments.keywords.is_empty() {
            self.op_arg(Op::CallMethod, count, pos);
        } else {
            let keywords = self.keywords(&e.arguments.keywords, pos)?;
            self.op_arg(Op::CallMethodKw, count + keywords, pos);
        }
        Ok(())
    }

    /// Arguments in order; a generator expression that is the only one borrows the call's parentheses.
    fn arguments(&mut self, args: &'a [Expr], range: taipan_syntax::TextRange) -> Result {
        if let [Expr::Generator(generator)] = args
            && !generator.parenthesized
        {
            return self.generator_argument(&args[0], range);
        }
        self.exprs(args)
    }

    /// Pushes keyword values and the tuple of names; how many there are.
    fn keywords(&mut self, keywords: &'a [ast::Keyword], pos: Position) -> Result<u32> {
        let mut names = Vec::with_capacity(keywords.len());
        for keyword in keywords {
            self.expr(&keyword.value)?;
            if let Some(arg) = &keyword.arg {
                names.push(Constant::str(arg));
            }
        }
        self.load_const(Constant::Tuple(names.into()), pos);
        Ok(keywords.len() as u32)
    }

    fn check_keywords(&self, keywords: &[ast::Keyword]) -> Result {
        let mut seen = std::collections::HashSet::new();
        for keyword in keywords {
            if let Some(arg) = &keyword.arg
                && !seen.insert(arg.as_str())
            {
                return self.fail(format!("keyword argument repeated: {arg}"), keyword.range);
            }
        }
        Ok(())
    }

    /// Calls what lies below `pushed` arguments on the stack with further ones.
    pub(crate) fn call_with(
        &mut self,
        pushed: u32,
        args: &'a [Expr],
        keywords: &'a [ast::Keyword],
        range: taipan_syntax::TextRange,
        pos: Position,
    ) -> Result {
        self.call_injected(pushed, args, None, keywords, range, pos)
    }

    /// As [`Self::call_with`]; `injected` names a local that follows the positional arguments.
    pub(crate) fn call_injected(
        &mut self,
        pushed: u32,
        args: &'a [Expr],
        injected: Option<&str>,
        keywords: &'a [ast::Keyword],
        range: taipan_syntax::TextRange,
        pos: Position,
    ) -> Result {
        self.check_keywords(keywords)?;
        let plain = args.len() + keywords.len() * 2 <= STACK_GUIDELINE
            && !args.iter().any(Expr::is_starred_expr)
            && keywords.iter().all(|keyword| keyword.arg.is_some());
        if !plain {
            return self.call_ex(pushed, args, injected, keywords, pos);
        }
        self.arguments(args, range)?;
        if let Some(name) = injected {
            self.name(name, Access::Load, pos);
        }
        let count = pushed + args.len() as u32 + u32::from(injected.is_some());
        if keywords.is_empty() {
            self.op_arg(Op::CallFunction, count, pos);
        } else {
            let named = self.keywords(keywords, pos)?;
            self.op_arg(Op::CallFunctionKw, count + named, pos);
        }
        Ok(())
    }

    fn call_ex(
        &mut self,
        pushed: u32,
        args: &'a [Expr],
        injected: Option<&str>,
        keywords: &'a [ast::Keyword],
        pos: Position,
    ) -> Result {
        match args {
            [Expr::Starred(only)] if pushed == 0 && injected.is_none() => self.expr(&only.value)?,
            _ if injected.is_some() => {
                self.op_arg(Op::BuildList, pushed, pos);
                for arg in args {
                    if let Expr::Starred(star) = arg {
                        self.expr(&star.value)?;
                        self.op_arg(Op::ListExtend, 1, pos);
                    } else {
                        self.expr(arg)?;
                        self.op_arg(Op::ListAppend, 1, pos);
                    }
                }
                if let Some(name) = injected {
                    self.name(name, Access::Load, pos);
                    self.op_arg(Op::ListAppend, 1, pos);
                }
                self.op(Op::ListToTuple, pos);
            }
            _ => self.gather(args, pushed, Gather::Tuple, pos)?,
        }
        if keywords.is_empty() {
            self.op_arg(Op::CallFunctionEx, 0, pos);
            return Ok(());
        }
        let mut have_dict = false;
        let mut start = 0;
        for (i, keyword) in keywords.iter().enumerate() {
            if keyword.arg.is_some() {
                continue;
            }
            self.sub_keywords(&keywords[start..i], &mut have_dict, pos)?;
            if !std::mem::replace(&mut have_dict, true) {
                self.op_arg(Op::BuildMap, 0, pos);
            }
            self.expr(&keyword.value)?;
            self.op_arg(Op::DictMerge, 1, pos);
            start = i + 1;
        }
        self.sub_keywords(&keywords[start..], &mut have_dict, pos)?;
        self.op_arg(Op::CallFunctionEx, 1, pos);
        Ok(())
    }

    fn sub_keywords(
        &mut self,
        keywords: &'a [ast::Keyword],
        have_dict: &mut bool,
        pos: Position,
    ) -> Result {
        if keywords.is_empty() {
            return Ok(());
        }
        let big = keywords.len() * 2 > STACK_GUIDELINE;
        if big {
            self.op_arg(Op::BuildMap, 0, pos);
        }
        for keyword in keywords {
            if let Some(arg) = &keyword.arg {
                self.load_str(arg, pos);
            }
            self.expr(&keyword.value)?;
            if big {
                self.op_arg(Op::MapAdd, 1, pos);
            }
        }
        if !big {
            self.op_arg(Op::BuildMap, keywords.len() as u32, pos);
        }
        if std::mem::replace(have_dict, true) {
            self.op_arg(Op::DictMerge, 1, pos);
        }
        Ok(())
    }

    // ---- super() ----

    /// Whether an attribute is taken from `super()` (then `Some(false)`) or `super(a, b)` (`Some(true)`) in a way
    /// that needs no `super` object.
    pub(crate) fn super_call(&mut self, e: &ast::ExprAttribute) -> Option<bool> {
        let Expr::Call(call) = &*e.value else {
            return None;
        };
        let Expr::Name(name) = &*call.func else {
            return None;
        };
        if name.id != "super"
            || !call.arguments.keywords.is_empty()
            || !self.block().is_function_like()
        {
            return None;
        }
        let interned = self.interner.intern("super");
        if self.scope_of(&interned) != NameScope::GlobalImplicit {
            return None;
        }
        if self
            .table
            .block(SymbolTable::TOP)
            .symbols
            .get("super")
            .is_some_and(|s| s.flags & 2 != 0)
        {
            return None;
        }
        match &*call.arguments.args {
            [_, _] if !call.arguments.args.iter().any(Expr::is_starred_expr) => Some(true),
            [] => {
                let unit = self.unit_ref();
                let function = matches!(
                    unit.kind,
                    UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda
                );
                let class = self.interner.intern("__class__");
                let can = function
                    && self.unit_ref().argcount > 0
                    && self.scope_of(&class) == NameScope::Free;
                can.then_some(false)
            }
            _ => None,
        }
    }

    /// Pushes `super`, the class and the object.
    pub(crate) fn load_super(&mut self, e: &'a ast::ExprAttribute) -> Result {
        let Expr::Call(call) = &*e.value else {
            return Ok(());
        };
        self.expr(&call.func)?;
        if !call.arguments.args.is_empty() {
            return self.exprs(&call.arguments.args);
        }
        let pos = self.pos_of(call);
        self.name("__class__", Access::Load, pos);
        let first = self.unit_ref().varnames.list[0].clone();
        // The first parameter is taken as it is stored: its name is mangled already.
        match self.unit_ref().cellvars.get(&first) {
            Some(cell) => self.op_arg(Op::LoadDeref, cell, pos),
            None => self.op_arg(Op::LoadFast, 0, pos),
        }
        Ok(())
    }
}
