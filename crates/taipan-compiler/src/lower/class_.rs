//! Classes.

use taipan_bytecode::line_table::Position;
use taipan_bytecode::{Code, Constant, Intrinsic1, Op};
use taipan_syntax::ast;

use super::names::Access;
use super::unit::UnitKind;
use super::{Compiler, NOWHERE, Result};
use crate::scopes::{Key, Role};

impl<'a> Compiler<'a> {
    pub(crate) fn class_def(&mut self, def: &'a ast::StmtClassDef) -> Result {
        let pos = self.definition_pos(def.range, &def.decorator_list);
        let line = self.decorators(&def.decorator_list, pos)?;
        match &def.type_params {
            None => self.class_call(def, line, pos, None)?,
            Some(params) => {
                let name = self.intern(&format!("<generic parameters of {}>", def.name));
                let block = self.find_block(Key::of(&**params, Role::TypeParams));
                self.enter_unit(UnitKind::Annotations, block, name, line);
                let class_name = self.intern(&def.name);
                self.unit().private = Some(class_name);
                self.type_params(params, pos)?;
                self.name(".type_params", Access::Store, pos);
                self.class_call(def, line, pos, Some(".generic_base"))?;
                self.op(Op::ReturnValue, pos);
                let code = self.leave_unit(false)?;
                self.make_function(code, 0, pos);
                self.op_arg(Op::CallFunction, 0, pos);
            }
        }
        self.apply_decorators(&def.decorator_list);
        self.name(&def.name, Access::Store, pos);
        Ok(())
    }

    /// `__build_class__(body, name, *bases, **keywords)`
    fn class_call(
        &mut self,
        def: &'a ast::StmtClassDef,
        line: u32,
        pos: Position,
        generic: Option<&str>,
    ) -> Result {
        let code = self.class_code(def, line)?;
        self.op(Op::LoadBuildClass, pos);
        self.make_function(code, 0, pos);
        self.load_str(&def.name, pos);
        if let Some(base) = generic {
            self.name(".type_params", Access::Load, pos);
            self.op_arg(Op::CallIntrinsic1, Intrinsic1::SubscriptGeneric as u32, pos);
            self.name(base, Access::Store, pos);
        }
        let (args, keywords): (&'a [ast::Expr], &'a [ast::Keyword]) = match &def.arguments {
            Some(arguments) => (&arguments.args, &arguments.keywords),
            None => (&[], &[]),
        };
        let range = def
            .arguments
            .as_ref()
            .map_or(def.range, |arguments| arguments.range);
        self.call_injected(2, args, generic, keywords, range, pos)
    }

    fn class_code(&mut self, def: &'a ast::StmtClassDef, line: u32) -> Result<Code> {
        let block = self.find_block(Key::of(def, Role::Body));
        let name = self.intern(&def.name);
        self.enter_unit(UnitKind::Class, block, name.clone(), line);
        self.unit().private = Some(name);
        let pos = Position {
            line,
            end_line: line,
            col: 0,
            end_col: 0,
        };
        self.name("__name__", Access::Load, pos);
        self.name("__module__", Access::Store, pos);
        let qualname = self.unit_ref().qualname.clone();
        self.load_str(&qualname, pos);
        self.name("__qualname__", Access::Store, pos);
        self.load_int(i64::from(line), pos);
        self.name("__firstlineno__", Access::Store, pos);
        if def.type_params.is_some() {
            self.name(".type_params", Access::Load, pos);
            self.name("__type_params__", Access::Store, pos);
        }
        let needs_classdict = self.table.block(block).needs_classdict;
        if needs_classdict {
            self.op(Op::LoadLocals, pos);
            self.store_cell("__classdict__", pos);
        }
        self.namespace_body(&def.body, pos)?;
        let attributes = std::mem::take(&mut self.unit().static_attributes);
        let attributes = attributes.iter().map(|name| Constant::str(name)).collect();
        self.load_const(Constant::Tuple(attributes), NOWHERE);
        self.name("__static_attributes__", Access::Store, NOWHERE);
        if needs_classdict {
            let name = self.intern("__classdict__");
            self.load_closure(&name, NOWHERE);
            self.name("__classdictcell__", Access::Store, NOWHERE);
        }
        if self.table.block(block).needs_class_closure {
            let name = self.intern("__class__");
            self.load_closure(&name, NOWHERE);
            self.op(Op::DupTop, NOWHERE);
            self.name("__classcell__", Access::Store, NOWHERE);
        } else {
            self.load_const(Constant::None, NOWHERE);
        }
        self.op(Op::ReturnValue, NOWHERE);
        self.leave_unit(false)
    }

    fn store_cell(&mut self, name: &str, pos: Position) {
        let name = self.intern(name);
        let slot = self.cell_slot(&name);
        self.op_arg(Op::StoreDeref, slot, pos);
    }

    /// The start of a class or module body: what annotations need.
    pub(crate) fn start_annotations(&mut self, pos: Position) {
        let block = self.block();
        if self.future_annotations() {
            if block.annotations_used {
                self.op(Op::SetupAnnotations, pos);
            }
            return;
        }
        if block.kind == crate::scopes::BlockKind::Module {
            let at = self.unit_ref().code.instrs.len();
            self.unit().annotations_at = Some(at);
        }
        if block.conditional_annotations {
            self.op_arg(Op::BuildSet, 0, pos);
            if block.kind == crate::scopes::BlockKind::Class {
                self.store_cell("__conditional_annotations__", pos);
            } else {
                self.name("__conditional_annotations__", Access::Store, pos);
            }
        }
    }
}
