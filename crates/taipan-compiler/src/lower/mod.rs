//! Lowering: the tree to instructions, one code object at a time.

mod annotations;
mod assign;
mod call;
mod class_;
mod comprehension;
mod control;
mod expr;
mod function;
mod handlers;
pub(crate) mod ir;
mod names;
mod pattern;
mod stmt;
mod strings;
mod type_params;
pub(crate) mod unit;
mod warn;

use std::sync::Arc;

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Code, CodeFlags, Constant, Intrinsic1, Op};
use taipan_syntax::TextRange;
use taipan_syntax::ast;

use self::ir::{Instr, Label};
use self::unit::{Unit, UnitKind};
use crate::context::{Context, Failure, Interner, Source, Warnings};
use crate::scopes::flags::DEF_COMP_CELL;
use crate::scopes::{Block, BlockId, BlockKind, Ident, NameScope, SymbolTable, mangle};
use crate::{Mode, assemble};

pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// No position: the instruction takes over that of the one before it.
pub(crate) const NOWHERE: Position = Position::NONE;

/// The lowering pass.
pub(crate) struct Compiler<'a> {
    pub context: &'a Context<'a>,
    pub table: &'a SymbolTable,
    pub interner: &'a mut Interner,
    pub warnings: &'a mut Warnings,
    pub filename: Arc<str>,
    pub future: CodeFlags,
    pub optimize: u8,
    pub mode: Mode,
    pub units: Vec<Unit<'a>>,
}

impl<'a> Compiler<'a> {
    /// Lowers the whole tree.
    pub fn run(mut self, tree: &'a ast::Mod) -> Result<Code> {
        let name = self.interner.intern("<module>");
        self.enter_unit(UnitKind::Module, SymbolTable::TOP, name, 1);
        match tree {
            ast::Mod::Module(module) => self.module(module)?,
            ast::Mod::Expression(expression) => {
                self.expr(&expression.body)?;
                let pos = self.pos_of(&*expression.body);
                self.op(Op::ReturnValue, pos);
            }
        }
        self.leave_unit(false)
    }

    // ---- state ----

    pub(crate) fn source(&self) -> &Source<'a> {
        &self.context.source
    }

    pub(crate) fn unit(&mut self) -> &mut Unit<'a> {
        let last = self.units.len() - 1;
        &mut self.units[last]
    }

    pub(crate) fn unit_ref(&self) -> &Unit<'a> {
        &self.units[self.units.len() - 1]
    }

    pub(crate) fn block(&self) -> &'a Block {
        self.table.block(self.unit_ref().block)
    }

    pub(crate) fn pos(&self, range: TextRange) -> Position {
        self.context.source.position(range)
    }

    pub(crate) fn pos_of(&self, node: &impl taipan_syntax::Ranged) -> Position {
        self.pos(node.range())
    }

    pub(crate) fn future_annotations(&self) -> bool {
        self.future.contains(CodeFlags::FUTURE_ANNOTATIONS)
    }

    pub(crate) fn fail<T>(&self, message: impl Into<String>, range: TextRange) -> Result<T> {
        Err(Failure::new(message, range))
    }

    // ---- units ----

    pub(crate) fn enter_unit(
        &mut self,
        kind: UnitKind,
        block: BlockId,
        name: Ident,
        firstlineno: u32,
    ) {
        let mut unit = Unit::new(kind, block, name, firstlineno);
        let table = self.table.block(block);
        for param in &table.params {
            unit.varnames.add(Arc::clone(param));
        }
        let named = |wanted: &dyn Fn(NameScope, u16) -> bool| {
            let mut names: Vec<Ident> = table
                .symbols
                .iter()
                .filter(|s| wanted(s.scope, s.flags))
                .map(|s| Arc::clone(&s.name))
                .collect();
            names.sort();
            names
        };
        // Parameters that are cells come first, in their own order.
        let cells = named(&|scope, flags| scope == NameScope::Cell || flags & DEF_COMP_CELL != 0);
        for name in table
            .params
            .iter()
            .filter(|param| cells.contains(param))
            .chain(&cells)
        {
            unit.cellvars.add(Arc::clone(name));
        }
        let implicit = [
            (table.needs_class_closure, "__class__"),
            (table.needs_classdict, "__classdict__"),
            (
                table.conditional_annotations && table.kind == BlockKind::Class,
                "__conditional_annotations__",
            ),
        ];
        for (_, name) in implicit.into_iter().filter(|(needed, _)| *needed) {
            unit.cellvars.add(self.interner.intern(name));
        }
        let free_class = crate::scopes::flags::DEF_FREE_CLASS;
        for name in named(&|scope, flags| scope == NameScope::Free || flags & free_class != 0) {
            unit.freevars.add(name);
        }
        if let Some(outer) = self.units.last() {
            unit.private = outer.private.clone();
        }
        self.units.push(unit);
        self.set_qualname();
        if table.generator || table.coroutine {
            self.start_generator_like(kind);
        }
    }

    /// Generators begin by taking the first value sent, and turn a stray `StopIteration` into an error.
    fn start_generator_like(&mut self, kind: UnitKind) {
        if kind == UnitKind::Module && !self.context.top_level_await {
            return;
        }
        let flags = self.generator_flags();
        let start = if flags.contains(CodeFlags::ASYNC_GENERATOR) {
            2
        } else {
            u32::from(flags.contains(CodeFlags::COROUTINE))
        };
        if flags.is_empty() {
            return;
        }
        let line = Position::of_line(self.unit_ref().firstlineno);
        self.op_arg(Op::GenStart, start, line);
        let handler = self.label();
        self.guard(handler, true, NOWHERE);
    }

    fn generator_flags(&self) -> CodeFlags {
        let block = self.block();
        let function = block.is_function_like();
        match (function && block.generator, block.coroutine) {
            (true, true) => CodeFlags::ASYNC_GENERATOR,
            (true, false) => CodeFlags::GENERATOR,
            (false, true) if function || self.context.top_level_await => CodeFlags::COROUTINE,
            _ => CodeFlags::empty(),
        }
    }

    fn set_qualname(&mut self) {
        let depth = self.units.len();
        if depth < 2 {
            return;
        }
        let unit = &self.units[depth - 1];
        let mut parent = &self.units[depth - 2];
        let mut parent_depth = depth - 2;
        if parent.kind == UnitKind::Annotations
            && self.table.block(parent.block).kind == BlockKind::TypeParameters
        {
            if parent_depth == 0 {
                return;
            }
            parent_depth -= 1;
            parent = &self.units[parent_depth];
        }
        if parent_depth == 0 {
            return;
        }
        let forced_global = matches!(
            unit.kind,
            UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Class
        ) && {
            let mangled = mangle(parent.private.as_deref(), &unit.name, self.interner);
            self.table.block(parent.block).scope_of(&mangled) == Some(NameScope::GlobalExplicit)
        };
        if forced_global {
            return;
        }
        let functions = matches!(
            parent.kind,
            UnitKind::Function | UnitKind::AsyncFunction | UnitKind::Lambda
        );
        let infix = if functions { ".<locals>." } else { "." };
        let qualname = format!("{}{infix}{}", parent.qualname, unit.name);
        let qualname = self.interner.intern(&qualname);
        self.unit().qualname = qualname;
    }

    /// Finishes the innermost unit; `returns_none` adds the implicit `return None`.
    pub(crate) fn leave_unit(&mut self, returns_none: bool) -> Result<Code> {
        if returns_none {
            self.load_const(Constant::None, NOWHERE);
            self.op(Op::ReturnValue, NOWHERE);
        }
        if let Some(handler) = self.unit().handlers.pop() {
            self.bind(handler);
            self.op_arg(
                Op::CallIntrinsic1,
                Intrinsic1::StopIterationError as u32,
                NOWHERE,
            );
            self.op_arg(Op::Reraise, 1, NOWHERE);
        }
        let flags = self.code_flags();
        let Some(unit) = self.units.pop() else {
            return Err(Failure::too_deep());
        };
        assemble::finish(unit, flags, &self.filename)
    }

    fn code_flags(&self) -> CodeFlags {
        let block = self.block();
        let unit = self.unit_ref();
        let mut flags = self.future & CodeFlags::FUTURE;
        if block.is_function_like() {
            flags |= CodeFlags::NEWLOCALS | CodeFlags::OPTIMIZED;
            flags.set(CodeFlags::NESTED, block.nested);
            flags.set(CodeFlags::VARARGS, block.varargs);
            flags.set(CodeFlags::VARKEYWORDS, block.varkeywords);
            flags.set(CodeFlags::METHOD, block.method);
            let docstring =
                block.has_docstring && self.optimize < 2 && unit.kind != UnitKind::Lambda;
            flags.set(CodeFlags::HAS_DOCSTRING, docstring);
        }
        flags | self.generator_flags()
    }

    // ---- emitting ----

    pub(crate) fn emit(&mut self, op: Op, arg: u32, target: Label, pos: Position) {
        let unit = self.unit();
        let handler = unit.handlers.last().copied().unwrap_or(Label::NONE);
        unit.code.instrs.push(Instr {
            op,
            arg,
            target,
            handler,
            pos,
        });
    }

    pub(crate) fn op(&mut self, op: Op, pos: Position) {
        self.emit(op, 0, Label::NONE, pos);
    }

    pub(crate) fn op_arg(&mut self, op: Op, arg: u32, pos: Position) {
        self.emit(op, arg, Label::NONE, pos);
    }

    pub(crate) fn jump(&mut self, op: Op, target: Label, pos: Position) {
        self.emit(op, 0, target, pos);
    }

    pub(crate) fn swap(&mut self, n: u32, pos: Position) {
        match n {
            0 | 1 => {}
            2 => self.op(Op::RotTwo, pos),
            _ => self.op_arg(Op::Swap, n, pos),
        }
    }

    pub(crate) fn copy(&mut self, n: u32, pos: Position) {
        match n {
            1 => self.op(Op::DupTop, pos),
            _ => self.op_arg(Op::Copy, n, pos),
        }
    }

    pub(crate) fn label(&mut self) -> Label {
        self.unit().code.new_label()
    }

    pub(crate) fn bind(&mut self, label: Label) {
        self.unit().code.bind(label);
    }

    /// From here on the handler guards the code, until [`Self::unguard`].
    pub(crate) fn guard(&mut self, handler: Label, lasti: bool, pos: Position) {
        self.emit(Op::Nop, 0, handler, pos);
        let unit = self.unit();
        unit.code.lasti[handler.0 as usize] = lasti;
        unit.handlers.push(handler);
    }

    /// Ends the innermost guarded region.
    pub(crate) fn unguard(&mut self) {
        self.unit().handlers.pop();
    }

    pub(crate) fn load_const(&mut self, value: Constant, pos: Position) {
        let index = self.unit().consts.add_constant(value);
        self.op_arg(Op::LoadConst, index, pos);
    }

    pub(crate) fn load_str(&mut self, text: &str, pos: Position) {
        self.load_const(Constant::str(text), pos);
    }

    /// `n` as an int constant.
    pub(crate) fn load_int(&mut self, n: i64, pos: Position) {
        self.load_const(Constant::Int(n), pos);
    }

    pub(crate) fn intern(&mut self, name: &str) -> Ident {
        self.interner.intern(name)
    }

    /// Emits an instruction with an operand from `co_names`; the name is mangled.
    pub(crate) fn op_name(&mut self, op: Op, name: &str, pos: Position) {
        let index = self.name_index(name);
        self.op_arg(op, index, pos);
    }

    pub(crate) fn name_index(&mut self, name: &str) -> u32 {
        let mangled = self.mangled(name);
        self.unit().names.add(mangled)
    }

    pub(crate) fn mangled(&mut self, name: &str) -> Ident {
        let name = self.interner.intern(name);
        if !self.table.mangles(self.unit_ref().block, &name) {
            return name;
        }
        let last = self.units.len() - 1;
        mangle(self.units[last].private.as_deref(), &name, self.interner)
    }

    /// Waits for the awaitable's iterator on top of the stack.
    pub(crate) fn yield_from(&mut self, pos: Position) {
        self.load_const(Constant::None, pos);
        self.op(Op::YieldFrom, pos);
    }

    /// Makes a function of finished code: pushes the closure, then the code.
    pub(crate) fn make_function(&mut self, code: Code, mut flags: u32, pos: Position) {
        if !code.freevars.is_empty() {
            for name in &code.freevars {
                self.load_closure(name, pos);
            }
            self.op_arg(Op::BuildTuple, code.freevars.len() as u32, pos);
            flags |= 8;
        }
        self.load_const(Constant::Code(Arc::new(code)), pos);
        self.op_arg(Op::MakeFunction, flags, pos);
    }
}
