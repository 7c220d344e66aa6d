//! Walks the tree and records what every block does with every name.

use taipan_syntax::ast::{self, Expr, ExprContext, Pattern, Stmt, TypeParam};
use taipan_syntax::{Ranged, TextRange};

use super::flags::*;
use super::{
    Block, BlockId, BlockKind, ComprehensionKind, Ident, Key, Role, SymbolTable, Symbols, mangle,
};
use crate::context::{Context, Failure, Interner, with_stack};

type Result<T = ()> = std::result::Result<T, Failure>;

struct Builder<'a> {
    context: &'a Context<'a>,
    interner: &'a mut Interner,
    table: SymbolTable,
    stack: Vec<BlockId>,
    private: Option<Ident>,
    future_annotations: bool,
}

pub(super) fn build(
    tree: &ast::Mod,
    context: &Context<'_>,
    interner: &mut Interner,
    future_annotations: bool,
) -> Result<SymbolTable> {
    let table = SymbolTable {
        blocks: Vec::new(),
        keys: Default::default(),
    };
    let mut builder = Builder {
        context,
        interner,
        table,
        stack: Vec::new(),
        private: None,
        future_annotations,
    };
    builder.enter("top", BlockKind::Module, None, tree.range());
    match tree {
        ast::Mod::Module(module) => {
            builder.cur().has_docstring = has_docstring(&module.body);
            builder.stmts(&module.body)?;
        }
        ast::Mod::Expression(expression) => builder.expr(&expression.body)?,
    }
    Ok(builder.table)
}

/// Whether a body starts with a plain string.
pub(crate) fn has_docstring(body: &[Stmt]) -> bool {
    matches!(body.first(), Some(Stmt::Expr(e)) if matches!(&*e.value, Expr::StringLiteral(_)))
}

impl Builder<'_> {
    fn id(&self) -> BlockId {
        self.stack.last().copied().unwrap_or(SymbolTable::TOP)
    }

    fn cur(&mut self) -> &mut Block {
        let id = self.id();
        self.table.block_mut(id)
    }

    fn enter(
        &mut self,
        name: &str,
        kind: BlockKind,
        key: Option<Key>,
        range: TextRange,
    ) -> BlockId {
        let id = BlockId(self.table.blocks.len() as u32);
        let name = self.interner.intern(name);
        let parent = self.stack.last().copied();
        let outer = parent.map(|p| self.table.block(p));
        let in_class = |b: &Block| b.kind == BlockKind::Class;
        let block = Block {
            kind,
            name,
            range,
            parent,
            children: Vec::new(),
            symbols: Symbols::default(),
            params: Vec::new(),
            nested: outer.is_some_and(|b| b.nested || b.is_function_like()),
            generator: false,
            coroutine: false,
            comprehension: None,
            inlined: false,
            free: false,
            child_free: false,
            varargs: false,
            varkeywords: false,
            needs_class_closure: false,
            needs_classdict: false,
            can_see_class_scope: false,
            method: kind == BlockKind::Function && outer.is_some_and(in_class),
            has_docstring: false,
            conditional_annotations: false,
            annotations_used: false,
            mangled_names: None,
            directives: Vec::new(),
            in_conditional: false,
            iter_target: false,
            // What is nested in the iterable is in it too.
            iter_expr: outer.map_or(0, |b| b.iter_expr),
            info: "",
        };
        self.table.blocks.push(block);
        if let Some(parent) = parent {
            self.table.block_mut(parent).children.push(id);
        }
        if let Some(key) = key {
            self.table.keys.insert(key, id);
        }
        self.stack.push(id);
        if matches!(
            kind,
            BlockKind::Annotation | BlockKind::TypeAlias | BlockKind::TypeVariable
        ) {
            self.add_plain(".format", DEF_PARAM | USE);
        }
        id
    }

    fn exit(&mut self) {
        self.stack.pop();
    }

    fn mangled(&mut self, name: &str) -> Ident {
        let name = self.interner.intern(name);
        let id = self.id();
        if !self.table.mangles(id, &name) {
            return name;
        }
        mangle(self.private.as_deref(), &name, self.interner)
    }

    /// Adds a name that the compiler made up; it cannot be a duplicate in a wrong way.
    fn add_plain(&mut self, name: &str, flag: u16) {
        let name = self.interner.intern(name);
        let block = self.cur();
        block.symbols.entry(&name).flags |= flag;
        if flag & DEF_PARAM != 0 {
            block.params.push(name);
        }
    }

    fn add_def(&mut self, name: &str, flag: u16, range: TextRange) -> Result {
        let id = self.id();
        if flag & (DEF_BOUND) != 0 {
            self.check_bindable(name, range, "assign to")?;
        }
        self.add_def_in(id, name, flag, range)
    }

    fn check_bindable(&self, name: &str, range: TextRange, verb: &str) -> Result {
        if name == "__debug__" {
            return Err(Failure::new(format!("cannot {verb} __debug__"), range));
        }
        Ok(())
    }

    fn add_def_in(&mut self, id: BlockId, name: &str, flag: u16, range: TextRange) -> Result {
        let mangled = self.mangled(name);
        let block = self.table.block_mut(id);
        let iter_target = block.iter_target;
        let entry = block.symbols.entry(&mangled);
        if flag & DEF_PARAM != 0 && entry.flags & DEF_PARAM != 0 {
            return Err(Failure::new(
                format!("duplicate argument '{name}' in function definition"),
                range,
            ));
        }
        if flag & DEF_TYPE_PARAM != 0 && entry.flags & DEF_TYPE_PARAM != 0 {
            return Err(Failure::new(
                format!("duplicate type parameter '{name}'"),
                range,
            ));
        }
        entry.flags |= flag;
        if iter_target {
            if entry.flags & (DEF_GLOBAL | DEF_NONLOCAL) != 0 {
                let message = format!(
                    "comprehension inner loop cannot rebind assignment expression target '{name}'"
                );
                return Err(Failure::new(message, range));
            }
            entry.flags |= DEF_COMP_ITER;
        }
        if flag & DEF_PARAM != 0 {
            block.params.push(mangled);
        } else if flag & DEF_GLOBAL != 0 {
            self.table
                .block_mut(SymbolTable::TOP)
                .symbols
                .entry(&mangled)
                .flags |= flag;
        }
        Ok(())
    }

    fn lookup(&mut self, name: &str) -> u16 {
        let mangled = self.mangled(name);
        self.cur().symbols.flags_of(&mangled)
    }

    /// Refuses an expression that annotation-like blocks cannot hold.
    fn refuse_in_annotation(&mut self, what: &str, range: TextRange) -> Result {
        let block = self.cur();
        let place = match block.kind {
            BlockKind::Annotation => "an annotation",
            BlockKind::TypeVariable => block.info,
            BlockKind::TypeAlias => "a type alias",
            BlockKind::TypeParameters => "the definition of a generic",
            _ => return Ok(()),
        };
        Err(Failure::new(
            format!("{what} cannot be used within {place}"),
            range,
        ))
    }

    // ---- statements ----

    fn stmts(&mut self, body: &[Stmt]) -> Result {
        body.iter()
            .try_for_each(|stmt| with_stack(|| self.stmt(stmt)))
    }

    fn conditional(&mut self, walk: impl FnOnce(&mut Self) -> Result) -> Result {
        let before = std::mem::replace(&mut self.cur().in_conditional, true);
        walk(self)?;
        self.cur().in_conditional = before;
        Ok(())
    }

    fn stmt(&mut self, stmt: &Stmt) -> Result {
        match stmt {
            Stmt::FunctionDef(def) => self.function_def(def),
            Stmt::ClassDef(def) => self.class_def(def),
            Stmt::TypeAlias(alias) => self.type_alias(alias),
            Stmt::Return(s) => s.value.iter().try_for_each(|e| self.expr(e)),
            Stmt::Delete(s) => self.exprs(&s.targets),
            Stmt::Assign(s) => {
                self.exprs(&s.targets)?;
                self.expr(&s.value)
            }
            Stmt::AugAssign(s) => {
                self.expr(&s.target)?;
                self.expr(&s.value)
            }
            Stmt::AnnAssign(s) => self.ann_assign(s),
            Stmt::Expr(s) => self.expr(&s.value),
            Stmt::Raise(s) => s.exc.iter().chain(&s.cause).try_for_each(|e| self.expr(e)),
            Stmt::Assert(s) => {
                self.expr(&s.test)?;
                s.msg.iter().try_for_each(|e| self.expr(e))
            }
            Stmt::Import(s) => s.names.iter().try_for_each(|alias| self.alias(alias)),
            Stmt::ImportFrom(s) => s.names.iter().try_for_each(|alias| self.alias(alias)),
            Stmt::Global(s) => self.declare(&s.names, s.range, DEF_GLOBAL, "global"),
            Stmt::Nonlocal(s) => {
                if self.cur().kind == BlockKind::Module {
                    return Err(Failure::new(
                        "nonlocal declaration not allowed at module level",
                        s.range,
                    ));
                }
                self.declare(&s.names, s.range, DEF_NONLOCAL, "nonlocal")
            }
            Stmt::Pass(_) | Stmt::Break(_) | Stmt::Continue(_) | Stmt::IpyEscapeCommand(_) => {
                Ok(())
            }
            _ => self.compound(stmt),
        }
    }

    fn compound(&mut self, stmt: &Stmt) -> Result {
        match stmt {
            Stmt::For(s) => {
                self.note_async_statement(s.is_async);
                self.expr(&s.target)?;
                self.expr(&s.iter)?;
                self.conditional(|b| {
                    b.stmts(&s.body)?;
                    b.stmts(&s.orelse)
                })
            }
            Stmt::While(s) => {
                self.expr(&s.test)?;
                self.conditional(|b| {
                    b.stmts(&s.body)?;
                    b.stmts(&s.orelse)
                })
            }
            Stmt::If(s) => {
                self.expr(&s.test)?;
                self.conditional(|b| {
                    b.stmts(&s.body)?;
                    s.elif_else_clauses.iter().try_for_each(|clause| {
                        clause.test.iter().try_for_each(|test| b.expr(test))?;
                        b.stmts(&clause.body)
                    })
                })
            }
            Stmt::With(s) => self.conditional(|b| {
                b.note_async_statement(s.is_async);
                for item in &s.items {
                    b.expr(&item.context_expr)?;
                    item.optional_vars.iter().try_for_each(|v| b.expr(v))?;
                }
                b.stmts(&s.body)
            }),
            Stmt::Match(s) => {
                self.expr(&s.subject)?;
                self.conditional(|b| {
                    s.cases.iter().try_for_each(|case| {
                        b.pattern(&case.pattern)?;
                        case.guard.iter().try_for_each(|guard| b.expr(guard))?;
                        b.stmts(&case.body)
                    })
                })
            }
            Stmt::Try(s) => self.conditional(|b| {
                b.stmts(&s.body)?;
                for handler in &s.handlers {
                    let ast::ExceptHandler::ExceptHandler(handler) = handler;
                    handler.type_.iter().try_for_each(|e| b.expr(e))?;
                    if let Some(name) = &handler.name {
                        b.add_def(name, DEF_LOCAL, handler.range)?;
                    }
                    b.stmts(&handler.body)?;
                }
                b.stmts(&s.orelse)?;
                b.stmts(&s.finalbody)
            }),
            _ => Ok(()),
        }
    }

    fn alias(&mut self, alias: &ast::Alias) -> Result {
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        if name == "*" {
            if self.cur().kind != BlockKind::Module {
                return Err(Failure::new(
                    "import * only allowed at module level",
                    alias.range,
                ));
            }
            return Ok(());
        }
        let first = name.split('.').next().unwrap_or(name);
        self.add_def(first, DEF_IMPORT, alias.range)
    }

    fn declare(
        &mut self,
        names: &[ast::Identifier],
        range: TextRange,
        flag: u16,
        word: &str,
    ) -> Result {
        for name in names {
            let before = self.lookup(name);
            let message = if before & DEF_PARAM != 0 {
                format!("name '{name}' is parameter and {word}")
            } else if before & USE != 0 {
                format!("name '{name}' is used prior to {word} declaration")
            } else if before & DEF_ANNOT != 0 {
                format!("annotated name '{name}' can't be {word}")
            } else if before & DEF_LOCAL != 0 {
                format!("name '{name}' is assigned to before {word} declaration")
            } else {
                let id = self.id();
                self.add_def_in(id, name, flag, range)?;
                let mangled = self.mangled(name);
                self.cur().directives.push((mangled, range));
                continue;
            };
            return Err(Failure::new(message, range));
        }
        Ok(())
    }

    fn ann_assign(&mut self, s: &ast::StmtAnnAssign) -> Result {
        self.cur().annotations_used = true;
        if let Expr::Name(target) = &*s.target {
            let before = self.lookup(&target.id);
            if s.simple
                && before & (DEF_GLOBAL | DEF_NONLOCAL) != 0
                && self.id() != SymbolTable::TOP
            {
                let word = if before & DEF_GLOBAL != 0 {
                    "global"
                } else {
                    "nonlocal"
                };
                let message = format!("annotated name '{}' can't be {word}", target.id);
                return Err(Failure::new(message, s.range));
            }
            if s.simple {
                self.add_def(&target.id, DEF_ANNOT | DEF_LOCAL, target.range)?;
            } else if s.value.is_some() {
                self.add_def(&target.id, DEF_LOCAL, target.range)?;
            }
        } else {
            self.expr(&s.target)?;
        }
        self.variable_annotation(&s.annotation)?;
        s.value.iter().try_for_each(|value| self.expr(value))
    }

    fn variable_annotation(&mut self, annotation: &Expr) -> Result {
        let unevaluated = self.cur().kind == BlockKind::Function;
        let id = self.id();
        let (kind, in_conditional) = (self.cur().kind, self.cur().in_conditional);
        let conditional = kind == BlockKind::Module || (kind == BlockKind::Class && in_conditional);
        if conditional && !self.cur().conditional_annotations && !self.future_annotations {
            self.cur().conditional_annotations = true;
            self.add_plain("__conditional_annotations__", USE);
        }
        if unevaluated || self.future_annotations {
            self.enter(
                "__annotate__",
                BlockKind::Annotation,
                None,
                annotation.range(),
            );
        } else {
            self.enter_annotations_of(id, kind, annotation.range());
        }
        self.expr(annotation)?;
        self.exit();
        if unevaluated || self.future_annotations {
            self.forget_last_child();
        }
        Ok(())
    }

    /// An annotation that is never evaluated is checked, but its names concern nobody.
    fn forget_last_child(&mut self) {
        self.cur().children.pop();
    }

    /// Enters the one annotation block of a module or class.
    fn enter_annotations_of(&mut self, id: BlockId, kind: BlockKind, range: TextRange) {
        let key = Key::annotations_of_block(id);
        match self.table.find(key) {
            Some(existing) => self.stack.push(existing),
            None => {
                self.enter("__annotate__", BlockKind::Annotation, Some(key), range);
                if kind == BlockKind::Class {
                    self.see_class_scope();
                }
            }
        }
        if self.table.block(id).conditional_annotations {
            self.add_plain("__conditional_annotations__", USE);
        }
    }

    fn see_class_scope(&mut self) {
        self.cur().can_see_class_scope = true;
        self.add_plain("__classdict__", USE);
    }

    // ---- definitions ----

    fn function_def(&mut self, def: &ast::StmtFunctionDef) -> Result {
        let range = self
            .context
            .source
            .definition(def.range, &def.decorator_list);
        self.add_def(&def.name, DEF_LOCAL, def.range)?;
        self.defaults(&def.parameters)?;
        def.decorator_list
            .iter()
            .try_for_each(|d| self.expr(&d.expression))?;
        if let Some(params) = &def.type_params {
            let parameters = &def.parameters;
            let defaults = parameters
                .posonlyargs
                .iter()
                .chain(&parameters.args)
                .any(|p| p.default.is_some());
            let kwdefaults = parameters.kwonlyargs.iter().any(|p| p.default.is_some());
            self.enter_type_params(&def.name, params, None, defaults, kwdefaults, range);
            self.type_params(params)?;
        }
        self.function_annotations(def, range)?;
        self.enter(
            &def.name,
            BlockKind::Function,
            Some(Key::of(def, Role::Body)),
            range,
        );
        self.cur().has_docstring = has_docstring(&def.body);
        self.cur().coroutine = def.is_async;
        self.parameters(&def.parameters)?;
        self.stmts(&def.body)?;
        self.exit();
        if def.type_params.is_some() {
            self.exit();
        }
        Ok(())
    }

    fn defaults(&mut self, parameters: &ast::Parameters) -> Result {
        parameters
            .iter_non_variadic_params()
            .filter_map(|p| p.default.as_deref())
            .try_for_each(|e| self.expr(e))
    }

    fn function_annotations(&mut self, def: &ast::StmtFunctionDef, range: TextRange) -> Result {
        let in_class = self.cur().kind == BlockKind::Class;
        let sees_class = self.cur().can_see_class_scope;
        let key = Key::of(&*def.parameters, Role::Annotations);
        self.enter("__annotate__", BlockKind::Annotation, Some(key), range);
        if in_class || sees_class {
            self.see_class_scope();
        }
        for parameter in def.parameters.iter() {
            if let Some(annotation) = parameter.annotation() {
                self.cur().annotations_used = true;
                self.expr(annotation)?;
            }
        }
        if let Some(returns) = &def.returns {
            self.cur().annotations_used = true;
            self.expr(returns)?;
        }
        self.exit();
        if self.future_annotations {
            self.forget_last_child();
        }
        Ok(())
    }

    fn parameters(&mut self, parameters: &ast::Parameters) -> Result {
        for p in parameters.iter_non_variadic_params() {
            self.add_def(p.name(), DEF_PARAM, p.parameter.range)?;
        }
        if let Some(p) = &parameters.vararg {
            self.add_def(&p.name, DEF_PARAM, after_stars(p))?;
            self.cur().varargs = true;
        }
        if let Some(p) = &parameters.kwarg {
            self.add_def(&p.name, DEF_PARAM, after_stars(p))?;
            self.cur().varkeywords = true;
        }
        Ok(())
    }

    fn enter_type_params(
        &mut self,
        name: &str,
        params: &ast::TypeParams,
        class: Option<&str>,
        defaults: bool,
        kwdefaults: bool,
        range: TextRange,
    ) {
        let in_class = self.cur().kind == BlockKind::Class;
        self.enter(
            name,
            BlockKind::TypeParameters,
            Some(Key::of(params, Role::TypeParams)),
            range,
        );
        if in_class {
            self.see_class_scope();
        }
        if let Some(class) = class {
            self.add_plain(".type_params", DEF_LOCAL | USE);
            self.add_plain(".generic_base", DEF_LOCAL | USE);
            self.private = Some(self.interner.intern(class));
            self.cur().mangled_names = Some(Vec::new());
        }
        if defaults {
            self.add_plain(".defaults", DEF_PARAM);
        }
        if kwdefaults {
            self.add_plain(".kwdefaults", DEF_PARAM);
        }
    }

    fn type_params(&mut self, params: &ast::TypeParams) -> Result {
        for param in &params.type_params {
            let name = param.name();
            let interned = self.interner.intern(name);
            if let Some(names) = &mut self.cur().mangled_names {
                names.push(interned);
            }
            self.add_def(name, DEF_TYPE_PARAM | DEF_LOCAL, param.range())?;
            let default_place = match param {
                TypeParam::TypeVar(var) => {
                    if let Some(bound) = &var.bound {
                        let place = if bound.is_tuple_expr() {
                            "a TypeVar constraint"
                        } else {
                            "a TypeVar bound"
                        };
                        self.type_variable_block(name, bound, place)?;
                    }
                    "a TypeVar default"
                }
                TypeParam::ParamSpec(_) => "a ParamSpec default",
                TypeParam::TypeVarTuple(_) => "a TypeVarTuple default",
            };
            if let Some(default) = param.default() {
                self.type_variable_block(name, default, default_place)?;
            }
        }
        Ok(())
    }

    fn type_variable_block(&mut self, name: &str, value: &Expr, info: &'static str) -> Result {
        let sees_class = self.cur().can_see_class_scope;
        self.enter(
            name,
            BlockKind::TypeVariable,
            Some(Key::of(value, Role::Value)),
            value.range(),
        );
        self.cur().info = info;
        if sees_class {
            self.see_class_scope();
        }
        self.expr(value)?;
        self.exit();
        Ok(())
    }

    fn class_def(&mut self, def: &ast::StmtClassDef) -> Result {
        let range = self
            .context
            .source
            .definition(def.range, &def.decorator_list);
        self.add_def(&def.name, DEF_LOCAL, def.range)?;
        def.decorator_list
            .iter()
            .try_for_each(|d| self.expr(&d.expression))?;
        let outer_private = self.private.clone();
        if let Some(params) = &def.type_params {
            self.enter_type_params(&def.name, params, Some(&def.name), false, false, range);
            self.type_params(params)?;
        }
        if let Some(arguments) = &def.arguments {
            self.exprs(&arguments.args)?;
            arguments
                .keywords
                .iter()
                .try_for_each(|k| self.keyword(k))?;
        }
        self.enter(
            &def.name,
            BlockKind::Class,
            Some(Key::of(def, Role::Body)),
            range,
        );
        self.private = Some(self.interner.intern(&def.name));
        if def.type_params.is_some() {
            self.add_plain("__type_params__", DEF_LOCAL);
            self.add_plain(".type_params", USE);
        }
        self.cur().has_docstring = has_docstring(&def.body);
        self.stmts(&def.body)?;
        self.exit();
        if def.type_params.is_some() {
            self.exit();
        }
        self.private = outer_private;
        Ok(())
    }

    fn keyword(&mut self, keyword: &ast::Keyword) -> Result {
        if let Some(arg) = &keyword.arg {
            self.check_bindable(arg, keyword.range, "assign to")?;
        }
        self.expr(&keyword.value)
    }

    fn type_alias(&mut self, alias: &ast::StmtTypeAlias) -> Result {
        self.expr(&alias.name)?;
        let Expr::Name(name) = &*alias.name else {
            return Ok(());
        };
        let in_class = self.cur().kind == BlockKind::Class;
        if let Some(params) = &alias.type_params {
            self.enter_type_params(&name.id, params, None, false, false, alias.range);
            self.type_params(params)?;
        }
        self.enter(
            &name.id,
            BlockKind::TypeAlias,
            Some(Key::of(&*alias.value, Role::Value)),
            alias.range,
        );
        if in_class {
            self.see_class_scope();
        }
        self.expr(&alias.value)?;
        self.exit();
        if alias.type_params.is_some() {
            self.exit();
        }
        Ok(())
    }

    // ---- expressions ----

    fn exprs<'e>(&mut self, exprs: impl IntoIterator<Item = &'e Expr>) -> Result {
        exprs.into_iter().try_for_each(|e| self.expr(e))
    }

    fn expr(&mut self, expr: &Expr) -> Result {
        with_stack(|| self.expr_here(expr))
    }

    fn expr_here(&mut self, expr: &Expr) -> Result {
        match expr {
            Expr::Name(e) => self.name(e),
            Expr::Attribute(e) => {
                match e.ctx {
                    ExprContext::Store => self.check_bindable(&e.attr, e.range, "assign to")?,
                    ExprContext::Del => self.check_bindable(&e.attr, e.range, "delete")?,
                    _ => {}
                }
                self.expr(&e.value)
            }
            Expr::Call(e) => {
                self.expr(&e.func)?;
                self.exprs(&e.arguments.args)?;
                e.arguments
                    .keywords
                    .iter()
                    .try_for_each(|k| self.keyword(k))
            }
            Expr::BoolOp(e) => self.exprs(&e.values),
            Expr::BinOp(e) => {
                self.expr(&e.left)?;
                self.expr(&e.right)
            }
            Expr::UnaryOp(e) => self.expr(&e.operand),
            Expr::Compare(e) => {
                self.expr(&e.left)?;
                self.exprs(&e.comparators)
            }
            Expr::Subscript(e) => {
                self.expr(&e.value)?;
                self.expr(&e.slice)
            }
            Expr::Starred(e) => self.expr(&e.value),
            Expr::List(e) => self.exprs(&e.elts),
            Expr::Tuple(e) => self.exprs(&e.elts),
            Expr::Set(e) => self.exprs(&e.elts),
            Expr::Dict(e) => e.items.iter().try_for_each(|item| {
                item.key.iter().try_for_each(|key| self.expr(key))?;
                self.expr(&item.value)
            }),
            Expr::If(e) => {
                self.expr(&e.test)?;
                self.expr(&e.body)?;
                self.expr(&e.orelse)
            }
            Expr::Slice(e) => e
                .lower
                .iter()
                .chain(&e.upper)
                .chain(&e.step)
                .try_for_each(|e| self.expr(e)),
            Expr::FString(e) => e
                .value
                .elements()
                .try_for_each(|element| self.string_element(element)),
            Expr::TString(e) => e
                .value
                .elements()
                .try_for_each(|element| self.string_element(element)),
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::IpyEscapeCommand(_) => Ok(()),
            _ => self.scoped_expr(expr),
        }
    }

    fn scoped_expr(&mut self, expr: &Expr) -> Result {
        use ComprehensionKind as Kind;
        match expr {
            Expr::Lambda(e) => self.lambda(e),
            Expr::Named(e) => self.named(e),
            Expr::ListComp(e) => self.comprehension(
                Key::of(e, Role::Body),
                e.range,
                Kind::List,
                &e.generators,
                &[&e.elt],
            ),
            Expr::SetComp(e) => self.comprehension(
                Key::of(e, Role::Body),
                e.range,
                Kind::Set,
                &e.generators,
                &[&e.elt],
            ),
            Expr::DictComp(e) => {
                let items: Vec<&Expr> = e.key.iter().map(|k| &**k).chain([&*e.value]).collect();
                self.comprehension(
                    Key::of(e, Role::Body),
                    e.range,
                    Kind::Dict,
                    &e.generators,
                    &items,
                )
            }
            Expr::Generator(e) => self.comprehension(
                Key::of(e, Role::Body),
                e.range,
                Kind::Generator,
                &e.generators,
                &[&e.elt],
            ),
            Expr::Yield(e) => {
                self.refuse_in_annotation("yield expression", e.range)?;
                e.value.iter().try_for_each(|value| self.expr(value))?;
                self.note_yield(e.range)
            }
            Expr::YieldFrom(e) => {
                self.refuse_in_annotation("yield expression", e.range)?;
                self.expr(&e.value)?;
                self.note_yield(e.range)
            }
            Expr::Await(e) => {
                self.refuse_in_annotation("await expression", e.range)?;
                self.check_await(e.range)?;
                self.expr(&e.value)?;
                self.cur().coroutine = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn check_await(&mut self, range: TextRange) -> Result {
        if self.top_level_await() {
            return Ok(());
        }
        let block = self.cur();
        if !block.is_function_like() {
            return Err(Failure::new("'await' outside function", range));
        }
        if !block.coroutine && block.comprehension.is_none() {
            return Err(Failure::new("'await' outside async function", range));
        }
        Ok(())
    }

    /// May asynchronous syntax stand here, outside of functions?
    fn top_level_await(&mut self) -> bool {
        self.context.top_level_await && self.cur().kind == BlockKind::Module
    }

    /// An `async for` or `async with` of a module makes that a coroutine, where this is allowed.
    fn note_async_statement(&mut self, is_async: bool) {
        if is_async && self.top_level_await() {
            self.cur().coroutine = true;
        }
    }

    fn note_yield(&mut self, range: TextRange) -> Result {
        let block = self.cur();
        block.generator = true;
        let place = match block.comprehension {
            None => return Ok(()),
            Some(ComprehensionKind::List) => "'yield' inside list comprehension",
            Some(ComprehensionKind::Set) => "'yield' inside set comprehension",
            Some(ComprehensionKind::Dict) => "'yield' inside dict comprehension",
            Some(ComprehensionKind::Generator) => "'yield' inside generator expression",
        };
        Err(Failure::new(place, range))
    }

    fn name(&mut self, e: &ast::ExprName) -> Result {
        match e.ctx {
            ExprContext::Load => {
                self.add_def(&e.id, USE, e.range)?;
                if e.id == "super" && self.cur().is_function_like() {
                    self.add_plain("__class__", USE);
                }
                Ok(())
            }
            ExprContext::Del => {
                self.check_bindable(&e.id, e.range, "delete")?;
                self.add_def(&e.id, DEF_LOCAL, e.range)
            }
            _ => self.add_def(&e.id, DEF_LOCAL, e.range),
        }
    }

    fn lambda(&mut self, e: &ast::ExprLambda) -> Result {
        if let Some(parameters) = &e.parameters {
            self.defaults(parameters)?;
        }
        self.enter(
            "lambda",
            BlockKind::Function,
            Some(Key::of(e, Role::Body)),
            e.range,
        );
        if let Some(parameters) = &e.parameters {
            self.parameters(parameters)?;
        }
        self.expr(&e.body)?;
        self.exit();
        Ok(())
    }

    fn named(&mut self, e: &ast::ExprNamed) -> Result {
        self.refuse_in_annotation("named expression", e.range)?;
        if self.cur().iter_expr > 0 {
            let message =
                "assignment expression cannot be used in a comprehension iterable expression";
            return Err(Failure::new(message, e.range));
        }
        if self.cur().comprehension.is_some()
            && let Expr::Name(target) = &*e.target
        {
            self.extend_named_scope(target)?;
        }
        self.expr(&e.value)?;
        self.expr(&e.target)
    }

    /// An assignment expression in a comprehension binds in the nearest block that is none.
    fn extend_named_scope(&mut self, target: &ast::ExprName) -> Result {
        let (name, range) = (&target.id, target.range);
        let mangled = self.mangled(name);
        for id in self.stack.clone().into_iter().rev() {
            let block = self.table.block(id);
            let flags = block.symbols.flags_of(&mangled);
            if block.comprehension.is_some() {
                if flags & DEF_COMP_ITER != 0 && flags & DEF_LOCAL != 0 {
                    let message = format!(
                        "assignment expression cannot rebind comprehension iteration variable '{name}'"
                    );
                    return Err(Failure::new(message, range));
                }
                continue;
            }
            let place = match block.kind {
                BlockKind::Function | BlockKind::Module => {
                    let global = block.kind == BlockKind::Module || flags & DEF_GLOBAL != 0;
                    let current = self.id();
                    let flag = if global { DEF_GLOBAL } else { DEF_NONLOCAL };
                    self.add_def_in(current, name, flag, range)?;
                    self.cur().directives.push((mangled.clone(), range));
                    let flag = if block_is_module(&self.table, id) {
                        DEF_GLOBAL
                    } else {
                        DEF_LOCAL
                    };
                    return self.add_def_in(id, name, flag, range);
                }
                BlockKind::Class => "in a class body",
                BlockKind::TypeParameters => "within the definition of a generic",
                BlockKind::TypeAlias => "in a type alias",
                BlockKind::TypeVariable => "in a TypeVar bound",
                BlockKind::Annotation => "within an annotation",
            };
            let message =
                format!("assignment expression within a comprehension cannot be used {place}");
            return Err(Failure::new(message, range));
        }
        Ok(())
    }

    fn comprehension(
        &mut self,
        key: Key,
        range: TextRange,
        kind: ComprehensionKind,
        generators: &[ast::Comprehension],
        items: &[&Expr],
    ) -> Result {
        let Some((first, rest)) = generators.split_first() else {
            return Ok(());
        };
        self.cur().iter_expr += 1;
        self.expr(&first.iter)?;
        self.cur().iter_expr -= 1;
        let name = match kind {
            ComprehensionKind::List => "listcomp",
            ComprehensionKind::Set => "setcomp",
            ComprehensionKind::Dict => "dictcomp",
            ComprehensionKind::Generator => "genexpr",
        };
        self.enter(name, BlockKind::Function, Some(key), range);
        self.cur().comprehension = Some(kind);
        self.cur().coroutine = first.is_async;
        self.add_plain(".0", DEF_PARAM);
        self.comprehension_target(&first.target)?;
        self.exprs(&first.ifs)?;
        for generator in rest {
            self.comprehension_target(&generator.target)?;
            self.cur().iter_expr += 1;
            self.expr(&generator.iter)?;
            self.cur().iter_expr -= 1;
            self.exprs(&generator.ifs)?;
            if generator.is_async {
                self.cur().coroutine = true;
            }
        }
        // The value of a dict item is looked at before its key, as errors show.
        items.iter().rev().try_for_each(|item| self.expr(item))?;
        let generator = kind == ComprehensionKind::Generator;
        self.cur().generator = generator;
        let is_async = self.cur().coroutine && !generator;
        self.exit();
        if is_async {
            let around = self.cur();
            let asynchronous = around.kind == BlockKind::Function && around.coroutine;
            if !(asynchronous || around.comprehension.is_some() || self.top_level_await()) {
                let message = "asynchronous comprehension outside of an asynchronous function";
                return Err(Failure::new(message, range));
            }
            self.cur().coroutine = true;
        }
        Ok(())
    }

    fn comprehension_target(&mut self, target: &Expr) -> Result {
        self.cur().iter_target = true;
        self.expr(target)?;
        self.cur().iter_target = false;
        Ok(())
    }

    fn string_element(&mut self, element: &ast::InterpolatedStringElement) -> Result {
        let ast::InterpolatedStringElement::Interpolation(field) = element else {
            return Ok(());
        };
        self.expr(&field.expression)?;
        field
            .format_spec
            .iter()
            .flat_map(|spec| spec.elements.iter())
            .try_for_each(|element| with_stack(|| self.string_element(element)))
    }

    // ---- patterns ----

    fn pattern(&mut self, pattern: &Pattern) -> Result {
        with_stack(|| match pattern {
            Pattern::MatchValue(p) => self.expr(&p.value),
            Pattern::MatchSingleton(_) => Ok(()),
            Pattern::MatchSequence(p) => p.patterns.iter().try_for_each(|p| self.pattern(p)),
            Pattern::MatchMapping(p) => {
                self.exprs(&p.keys)?;
                p.patterns.iter().try_for_each(|p| self.pattern(p))?;
                p.rest
                    .iter()
                    .try_for_each(|name| self.add_def(name, DEF_LOCAL, p.range))
            }
            Pattern::MatchClass(p) => {
                self.expr(&p.cls)?;
                p.arguments
                    .patterns
                    .iter()
                    .try_for_each(|p| self.pattern(p))?;
                p.arguments.keywords.iter().try_for_each(|k| {
                    self.check_bindable(&k.attr, k.pattern.range(), "assign to")?;
                    self.pattern(&k.pattern)
                })
            }
            Pattern::MatchStar(p) => p
                .name
                .iter()
                .try_for_each(|name| self.add_def(name, DEF_LOCAL, p.range)),
            Pattern::MatchAs(p) => {
                p.pattern.iter().try_for_each(|p| self.pattern(p))?;
                p.name
                    .iter()
                    .try_for_each(|name| self.add_def(name, DEF_LOCAL, p.range))
            }
            Pattern::MatchOr(p) => p.patterns.iter().try_for_each(|p| self.pattern(p)),
        })
    }
}

fn block_is_module(table: &SymbolTable, id: BlockId) -> bool {
    table.block(id).kind == BlockKind::Module
}

/// The range of `*args` or `**kwargs` without the stars.
fn after_stars(p: &ast::Parameter) -> TextRange {
    TextRange::new(p.name.range.start(), p.range.end())
}
