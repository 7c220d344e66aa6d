//! Comprehensions: inlined into the code around, except generator expressions and where names forbid it.

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Constant, Op};
use taipan_syntax::TextRange;
use taipan_syntax::ast::{self, Expr};

use super::ir::Label;
use super::unit::{Region, UnitKind};
use super::{Compiler, NOWHERE, Result};
use crate::context::with_stack;
use crate::scopes::flags::{DEF_LOCAL, DEF_NONLOCAL, DEF_PARAM};
use crate::scopes::{Block, BlockKind, ComprehensionKind, Ident, Key, NameScope, Role};

/// A comprehension of any kind.
struct Parts<'a> {
    key: Key,
    kind: ComprehensionKind,
    name: &'static str,
    generators: &'a [ast::Comprehension],
    /// The element, or the key of a dict item.
    first: &'a Expr,
    /// The value of a dict item.
    second: Option<&'a Expr>,
    range: TextRange,
}

/// How names of the surrounding code are put aside while an inlined comprehension runs.
struct Inlined {
    /// What was saved on the stack, in order: locals (`false`) and cells (`true`).
    saved: Vec<(Ident, bool)>,
    /// Overrides that were in force before.
    before: Vec<(Ident, Option<NameScope>)>,
    cleanup: Option<Label>,
}

fn parts(expr: &Expr) -> Option<Parts<'_>> {
    use ComprehensionKind as Kind;
    Some(match expr {
        Expr::ListComp(e) => Parts {
            key: Key::of(e, Role::Body),
            kind: Kind::List,
            name: "<listcomp>",
            generators: &e.generators,
            first: &e.elt,
            second: None,
            range: e.range,
        },
        Expr::SetComp(e) => Parts {
            key: Key::of(e, Role::Body),
            kind: Kind::Set,
            name: "<setcomp>",
            generators: &e.generators,
            first: &e.elt,
            second: None,
            range: e.range,
        },
        Expr::DictComp(e) => Parts {
            key: Key::of(e, Role::Body),
            kind: Kind::Dict,
            name: "<dictcomp>",
            generators: &e.generators,
            first: e.key.as_deref()?,
            second: Some(&e.value),
            range: e.range,
        },
        Expr::Generator(e) => Parts {
            key: Key::of(e, Role::Body),
            kind: Kind::Generator,
            name: "<genexpr>",
            generators: &e.generators,
            first: &e.elt,
            second: None,
            range: e.range,
        },
        _ => return None,
    })
}

impl<'a> Compiler<'a> {
    pub(crate) fn comprehension(&mut self, expr: &'a Expr) -> Result {
        let Some(parts) = parts(expr) else {
            return self.fail(
                "dict unpacking cannot be used in dict comprehension",
                taipan_syntax::Ranged::range(expr),
            );
        };
        self.comprehension_parts(parts)
    }

    /// A generator expression that is the only argument of a call: its position includes the call's parentheses.
    pub(crate) fn generator_argument(&mut self, expr: &'a Expr, range: TextRange) -> Result {
        let Some(mut parts) = parts(expr) else {
            return self.expr(expr);
        };
        parts.range = range;
        self.comprehension_parts(parts)
    }

    fn comprehension_parts(&mut self, parts: Parts<'a>) -> Result {
        let pos = self.pos(parts.range);
        let id = self.find_block(parts.key);
        let block = self.table.block(id);
        let Some(first) = parts.generators.first() else {
            return Ok(());
        };
        let is_generator = parts.kind == ComprehensionKind::Generator;
        if block.inlined {
            self.iterate(first)?;
            let state = self.enter_inlined(block, pos);
            self.start_display(parts.kind, pos);
            self.op(Op::RotTwo, pos);
            self.generator(&parts, 0, 0, pos)?;
            self.leave_inlined(state, pos);
            return Ok(());
        }
        let name = self.intern(parts.name);
        self.enter_unit(UnitKind::Comprehension, id, name, pos.line);
        self.unit().argcount = 1;
        if !is_generator {
            self.start_display(parts.kind, pos);
        }
        self.op_arg(Op::LoadFast, 0, pos);
        self.generator(&parts, 0, 0, pos)?;
        if is_generator {
            self.load_const(Constant::None, pos);
        }
        self.op(Op::ReturnValue, pos);
        let code = self.leave_unit(false)?;
        self.make_function(code, 0, pos);
        self.iterate(first)?;
        self.op_arg(Op::CallFunction, 1, pos);
        if block.coroutine && !is_generator {
            self.op_arg(Op::GetAwaitable, 0, pos);
            self.yield_from(pos);
        }
        Ok(())
    }

    fn iterate(&mut self, generator: &'a ast::Comprehension) -> Result {
        self.expr(&generator.iter)?;
        let pos = self.pos_of(&generator.iter);
        self.op(
            if generator.is_async {
                Op::GetAiter
            } else {
                Op::GetIter
            },
            pos,
        );
        Ok(())
    }

    fn start_display(&mut self, kind: ComprehensionKind, pos: Position) {
        let op = match kind {
            ComprehensionKind::Set => Op::BuildSet,
            ComprehensionKind::Dict => Op::BuildMap,
            _ => Op::BuildList,
        };
        self.op_arg(op, 0, pos);
    }

    /// Saves the locals that the comprehension binds, below the iterator on the stack.
    fn enter_inlined(&mut self, inner: &'a Block, pos: Position) -> Inlined {
        let in_class = self.block().kind == BlockKind::Class && self.unit_ref().inlined == 0;
        self.unit().inlined += 1;
        let mut state = Inlined {
            saved: Vec::new(),
            before: Vec::new(),
            cleanup: None,
        };
        for symbol in inner.symbols.iter() {
            if symbol.flags & DEF_PARAM != 0 {
                continue;
            }
            let bound = symbol.flags & DEF_LOCAL != 0 && symbol.flags & DEF_NONLOCAL == 0;
            // Another comprehension may have left a local of that name behind.
            let global = matches!(
                symbol.scope,
                NameScope::GlobalImplicit | NameScope::GlobalExplicit
            );
            if !bound && !in_class && !global {
                continue;
            }
            // A free name of a comprehension in a class may be the class's own cell.
            let before = self
                .unit()
                .overrides
                .insert(symbol.name.clone(), symbol.scope);
            state.before.push((symbol.name.clone(), before));
            if !bound {
                continue;
            }
            match symbol.scope {
                NameScope::Local => {
                    let slot = self.unit().varnames.add(symbol.name.clone());
                    self.op_arg(Op::LoadFastAndClear, slot, pos);
                    state.saved.push((symbol.name.clone(), false));
                }
                NameScope::Cell => {
                    let slot = self.cell_slot(&symbol.name);
                    self.op_arg(Op::SaveCell, slot, pos);
                    state.saved.push((symbol.name.clone(), true));
                }
                _ => {}
            }
        }
        if !state.saved.is_empty() {
            self.swap(state.saved.len() as u32 + 1, pos);
            let cleanup = self.label();
            self.guard(cleanup, false, NOWHERE);
            state.cleanup = Some(cleanup);
        }
        state
    }

    fn restore_saved(&mut self, state: &Inlined, pos: Position) {
        self.swap(state.saved.len() as u32 + 1, pos);
        for (name, is_cell) in state.saved.iter().rev() {
            if *is_cell {
                let slot = self.cell_slot(name);
                self.op_arg(Op::RestoreCell, slot, pos);
            } else {
                let slot = self.unit().varnames.add(name.clone());
                self.op_arg(Op::StoreFastMaybeNull, slot, pos);
            }
        }
    }

    fn leave_inlined(&mut self, state: Inlined, pos: Position) {
        if let Some(cleanup) = state.cleanup {
            self.unguard();
            let end = self.label();
            self.jump(Op::JumpAbsolute, end, NOWHERE);
            self.bind(cleanup);
            self.op(Op::RotTwo, NOWHERE);
            self.op(Op::PopTop, NOWHERE);
            self.restore_saved(&state, pos);
            self.op_arg(Op::Reraise, 0, NOWHERE);
            self.bind(end);
            self.restore_saved(&state, pos);
        }
        let unit = self.unit();
        unit.inlined -= 1;
        for (name, before) in state.before.into_iter().rev() {
            match before {
                Some(scope) => unit.overrides.insert(name, scope),
                None => unit.overrides.remove(&name),
            };
        }
    }

    // ---- loops ----

    /// Lowers the loop of generator `index` and what is inside; `depth` iterators lie above the result.
    fn generator(&mut self, parts: &Parts<'a>, index: usize, depth: u32, pos: Position) -> Result {
        with_stack(|| {
            if parts.generators[index].is_async {
                self.async_generator(parts, index, depth, pos)
            } else {
                self.sync_generator(parts, index, depth, pos)
            }
        })
    }

    fn sync_generator(
        &mut self,
        parts: &Parts<'a>,
        index: usize,
        depth: u32,
        pos: Position,
    ) -> Result {
        let generator = &parts.generators[index];
        let (start, skip, exit) = (self.label(), self.label(), self.label());
        let iter_pos = self.pos_of(&generator.iter);
        // `for y in [value]` only assigns.
        let single = match &generator.iter {
            Expr::List(list) if index > 0 => list.elts.as_slice(),
            Expr::Tuple(tuple) if index > 0 => tuple.elts.as_slice(),
            _ => &[],
        };
        let assigns = matches!(single, [elt] if !elt.is_starred_expr());
        let mut depth = depth;
        if assigns {
            self.expr(&single[0])?;
        } else {
            if index > 0 {
                self.iterate(generator)?;
            }
            depth += 1;
            self.bind(start);
            self.jump(Op::ForIter, exit, iter_pos);
        }
        self.expr(&generator.target)?;
        for condition in &generator.ifs {
            self.jump_if(condition, skip, false)?;
        }
        self.inner(parts, index, depth, pos)?;
        self.bind(skip);
        if !assigns {
            let elt_pos = self.element_pos(parts);
            self.jump(Op::JumpAbsolute, start, elt_pos);
            self.bind(exit);
        }
        Ok(())
    }

    fn element_pos(&self, parts: &Parts<'a>) -> Position {
        let mut pos = self.pos_of(parts.first);
        if let Some(second) = parts.second {
            let end = self.pos_of(second);
            (pos.end_line, pos.end_col) = (end.end_line, end.end_col);
        }
        pos
    }

    fn async_generator(
        &mut self,
        parts: &Parts<'a>,
        index: usize,
        depth: u32,
        pos: Position,
    ) -> Result {
        let generator = &parts.generators[index];
        let (start, skip, handler) = (self.label(), self.label(), self.label());
        if index > 0 {
            self.iterate(generator)?;
        }
        self.bind(start);
        self.push_region(Region::AsyncComprehension, start, Label::NONE);
        self.guard(handler, false, pos);
        self.op(Op::GetAnext, pos);
        self.yield_from(pos);
        self.unguard();
        self.expr(&generator.target)?;
        for condition in &generator.ifs {
            self.jump_if(condition, skip, false)?;
        }
        self.inner(parts, index, depth + 1, pos)?;
        self.bind(skip);
        let elt_pos = self.element_pos(parts);
        self.jump(Op::JumpAbsolute, start, elt_pos);
        self.pop_region();
        self.bind(handler);
        self.op(Op::EndAsyncFor, pos);
        Ok(())
    }

    fn inner(&mut self, parts: &Parts<'a>, index: usize, depth: u32, pos: Position) -> Result {
        if index + 1 < parts.generators.len() {
            return self.generator(parts, index + 1, depth, pos);
        }
        let elt_pos = self.element_pos(parts);
        self.expr(parts.first)?;
        let op = match parts.kind {
            ComprehensionKind::Generator => {
                self.yield_value(elt_pos);
                self.op(Op::PopTop, elt_pos);
                return Ok(());
            }
            ComprehensionKind::List => Op::ListAppend,
            ComprehensionKind::Set => Op::SetAdd,
            ComprehensionKind::Dict => Op::MapAdd,
        };
        if let Some(second) = parts.second {
            self.expr(second)?;
        }
        self.op_arg(op, depth + 1, elt_pos);
        Ok(())
    }
}
