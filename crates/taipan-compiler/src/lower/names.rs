//! Loading, storing and deleting names.

use taipan_bytecode::Op;
use taipan_bytecode::line_table::Position;
use taipan_syntax::ast::ExprContext;

use super::Compiler;
use crate::scopes::{BlockKind, Ident, NameScope};

/// What is done with a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Access {
    Load,
    Store,
    Delete,
}

impl From<ExprContext> for Access {
    fn from(context: ExprContext) -> Access {
        match context {
            ExprContext::Store => Access::Store,
            ExprContext::Del => Access::Delete,
            _ => Access::Load,
        }
    }
}

/// Where the instruction finds a name.
enum Place {
    Fast,
    Cell(u32),
    Global,
    Name,
}

impl Compiler<'_> {
    pub(crate) fn scope_of(&self, mangled: &str) -> NameScope {
        if let Some(scope) = self.unit_ref().overrides.get(mangled) {
            return *scope;
        }
        self.block()
            .scope_of(mangled)
            .unwrap_or(NameScope::GlobalImplicit)
    }

    fn place_of(&self, mangled: &Ident) -> Place {
        let unit = self.unit_ref();
        let function = self.block().is_function_like();
        match self.scope_of(mangled) {
            NameScope::Cell => match unit.cellvars.get(mangled) {
                Some(i) => Place::Cell(i),
                None => Place::Name,
            },
            NameScope::Free => match unit.freevars.get(mangled) {
                Some(i) => Place::Cell(unit.cellvars.list.len() as u32 + i),
                None => Place::Name,
            },
            NameScope::Local if function || unit.overrides.contains_key(mangled) => Place::Fast,
            NameScope::GlobalImplicit
                if function || unit.inlined > 0 && self.block().kind == BlockKind::Class =>
            {
                Place::Global
            }
            NameScope::GlobalExplicit => Place::Global,
            _ => Place::Name,
        }
    }

    /// Loads, stores or deletes a name.
    pub(crate) fn name(&mut self, name: &str, access: Access, pos: Position) {
        let mangled = self.mangled(name);
        match self.place_of(&mangled) {
            Place::Fast => {
                let slot = self.unit().varnames.add(mangled);
                let op = [Op::LoadFast, Op::StoreFast, Op::DeleteFast][access as usize];
                self.op_arg(op, slot, pos);
            }
            Place::Cell(slot) if access == Access::Load => self.load_cell(slot, pos),
            Place::Cell(slot) => {
                let op = if access == Access::Store {
                    Op::StoreDeref
                } else {
                    Op::DeleteDeref
                };
                self.op_arg(op, slot, pos);
            }
            Place::Global if access == Access::Load && self.sees_class_first(&mangled) => {
                self.name("__classdict__", Access::Load, pos);
                let index = self.unit().names.add(mangled);
                self.op_arg(Op::LoadFromDictOrGlobals, index, pos);
            }
            Place::Global => {
                let index = self.unit().names.add(mangled);
                let op = [Op::LoadGlobal, Op::StoreGlobal, Op::DeleteGlobal][access as usize];
                self.op_arg(op, index, pos);
            }
            Place::Name => {
                let index = self.unit().names.add(mangled);
                let op = [Op::LoadName, Op::StoreName, Op::DeleteName][access as usize];
                self.op_arg(op, index, pos);
            }
        }
    }

    fn sees_class_first(&self, mangled: &Ident) -> bool {
        self.block().can_see_class_scope
            && &**mangled != "__classdict__"
            && self.scope_of(mangled) == NameScope::GlobalImplicit
    }

    fn load_cell(&mut self, slot: u32, pos: Position) {
        let block = self.block();
        let in_comprehension = self.unit_ref().inlined > 0;
        if block.kind == BlockKind::Class && !in_comprehension {
            self.op_arg(Op::LoadClassderef, slot, pos);
        } else if block.can_see_class_scope && !self.is_classdict(slot) {
            self.name("__classdict__", Access::Load, pos);
            self.op_arg(Op::LoadFromDictOrDeref, slot, pos);
        } else {
            self.op_arg(Op::LoadDeref, slot, pos);
        }
    }

    fn is_classdict(&self, slot: u32) -> bool {
        let unit = self.unit_ref();
        let cells = &unit.cellvars.list;
        let name = cells
            .get(slot as usize)
            .or_else(|| unit.freevars.list.get(slot as usize - cells.len()));
        name.is_some_and(|name| {
            &**name == "__classdict__" || &**name == "__conditional_annotations__"
        })
    }

    /// The operand of a cell instruction for a name that is free in code made here.
    pub(crate) fn cell_slot(&self, name: &str) -> u32 {
        let unit = self.unit_ref();
        let cells = unit.cellvars.list.len() as u32;
        let free = || unit.freevars.get(name).map(|i| cells + i);
        // A class may hold a name free for the functions inside and have it as its own as well.
        let slot = match self.scope_of(name) {
            NameScope::Free => free().or(unit.cellvars.get(name)),
            _ => unit.cellvars.get(name).or_else(free),
        };
        slot.unwrap_or(0)
    }

    /// Pushes the cell of a name for a closure tuple.
    pub(crate) fn load_closure(&mut self, name: &str, pos: Position) {
        let slot = self.cell_slot(name);
        self.op_arg(Op::LoadClosure, slot, pos);
    }
}
