//! Python objects as the compiler's tree. Offsets in the tree are indices into a table of places.
//!
//! A program may have put anything into the nodes, so each field is checked.

use super::class;
use super::table::GROUPS;
use std::collections::HashMap;
use taipan_core::builtin_types as types;
use taipan_core::str_object::{name, str_of};
use taipan_core::{Py, Raised, Value, Vm};
use taipan_syntax::TextRange;
use taipan_syntax::ast::{
    self, ExceptHandler, Expr, ExprContext, Identifier, Mod, Operator, Stmt, TypeParam,
};

/// Reads the nodes of one tree.
pub(super) struct Reader {
    /// Lines and columns; a range's start and end are two of them in a row.
    pub places: Vec<(u32, u32)>,
    /// The classes' names, by identity.
    names: HashMap<u64, &'static str>,
}

/// A tree in the compiler's form, the kind of its root, and the places its offsets refer to.
pub(super) struct Tree {
    pub root: Mod,
    pub kind: &'static str,
    pub places: Vec<(u32, u32)>,
}

/// Converts a `Module`, `Expression` or `Interactive`.
pub(super) fn tree(vm: &mut Vm, node: &Value) -> Py<Tree> {
    let mut names = HashMap::new();
    for group in &GROUPS {
        let nodes = group.nodes.iter().map(|(name, _)| *name);
        for kind in std::iter::once(group.name).chain(nodes) {
            names.insert(class(vm, kind)?.bits(), kind);
        }
    }
    let mut reader = Reader {
        places: vec![(1, 0), (1, 0)],
        names,
    };
    let range = TextRange::new(0.into(), 1.into());
    let kind = reader.kind(node).unwrap_or("");
    let root = match kind {
        "Module" | "Interactive" => Mod::Module(ast::ModModule {
            node_index: Default::default(),
            range,
            body: reader.body(vm, node, kind, "body")?.into(),
        }),
        "Expression" => Mod::Expression(ast::ModExpression {
            node_index: Default::default(),
            range,
            body: reader.child(vm, node, kind, "body")?,
        }),
        _ => return Err(expected(vm, "mod", node)),
    };
    Ok(Tree {
        root,
        kind,
        places: reader.places,
    })
}

pub(super) fn expected(vm: &mut Vm, group: &str, node: &Value) -> Raised {
    match vm.repr_string(node) {
        Ok(text) => vm.type_error(format!("expected some sort of {group}, but got {text}")),
        Err(raised) => raised,
    }
}

fn operator(kind: &str) -> Option<Operator> {
    Some(match kind {
        "Add" => Operator::Add,
        "Sub" => Operator::Sub,
        "Mult" => Operator::Mult,
        "MatMult" => Operator::MatMult,
        "Div" => Operator::Div,
        "Mod" => Operator::Mod,
        "Pow" => Operator::Pow,
        "LShift" => Operator::LShift,
        "RShift" => Operator::RShift,
        "BitOr" => Operator::BitOr,
        "BitXor" => Operator::BitXor,
        "BitAnd" => Operator::BitAnd,
        "FloorDiv" => Operator::FloorDiv,
        _ => return None,
    })
}

impl Reader {
    /// The name of the node's class, or of its nearest base that is one of ours.
    pub(super) fn kind(&self, node: &Value) -> Option<&'static str> {
        let mut mro = node.type_of().mro().iter();
        mro.find_map(|ty| self.names.get(&ty.to_value().bits()).copied())
    }

    /// A field; `None` if it is missing or `None`.
    pub(super) fn optional(&self, vm: &mut Vm, node: &Value, field: &str) -> Py<Option<Value>> {
        let value = vm.get_attr_opt(node, &name(field))?;
        Ok(value.filter(|value| !value.is_none()))
    }

    /// A field that must be there.
    pub(super) fn required(&self, vm: &mut Vm, node: &Value, kind: &str, field: &str) -> Py {
        match vm.get_attr_opt(node, &name(field))? {
            Some(value) if value.is_none() => {
                Err(vm.value_error(format!("field '{field}' is required for {kind}")))
            }
            Some(value) => Ok(value),
            None => {
                let message = format!("required field \"{field}\" missing from {kind}");
                Err(vm.type_error(message))
            }
        }
    }

    /// The items of a list field; a missing one is empty.
    pub(super) fn items(
        &self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        field: &str,
    ) -> Py<Vec<Value>> {
        let Some(value) = vm.get_attr_opt(node, &name(field))? else {
            return Ok(Vec::new());
        };
        if !value.is_instance(&types::LIST) {
            let got = value.type_of().name();
            let message = format!("{kind} field \"{field}\" must be a list, not a {got}");
            return Err(vm.type_error(message));
        }
        vm.to_vec(&value)
    }

    pub(super) fn int(&self, vm: &mut Vm, value: &Value) -> Py<i64> {
        match value.as_i64() {
            Some(number) => Ok(number),
            None => {
                let text = vm.repr_string(value)?;
                Err(vm.value_error(format!("invalid integer value: {text}")))
            }
        }
    }

    fn place(&self, vm: &mut Vm, node: &Value, group: &str, field: &str) -> Py<u32> {
        let Some(value) = vm.get_attr_opt(node, &name(field))? else {
            let message = format!("required field \"{field}\" missing from {group}");
            return Err(vm.type_error(message));
        };
        Ok(self.int(vm, &value)?.clamp(0, i64::from(u32::MAX)) as u32)
    }

    /// The place of a node.
    pub(super) fn range(&mut self, vm: &mut Vm, node: &Value, group: &str) -> Py<TextRange> {
        let line = self.place(vm, node, group, "lineno")?;
        let column = self.place(vm, node, group, "col_offset")?;
        let end_line = match self.optional(vm, node, "end_lineno")? {
            Some(value) => self.int(vm, &value)?.clamp(0, i64::from(u32::MAX)) as u32,
            None => line,
        };
        let end_column = match self.optional(vm, node, "end_col_offset")? {
            Some(value) => self.int(vm, &value)?.clamp(0, i64::from(u32::MAX)) as u32,
            None => column,
        };
        if line > end_line {
            let message = format!("AST node line range ({line}, {end_line}) is not valid");
            return Err(vm.value_error(message));
        }
        if line == end_line && column > end_column {
            let message = format!(
                "AST node column range ({column}, {end_column}) for line range ({line}, {end_line}) is not valid"
            );
            return Err(vm.value_error(message));
        }
        let Ok(at) = u32::try_from(self.places.len()) else {
            return Err(vm.memory_error());
        };
        self.places.extend([(line, column), (end_line, end_column)]);
        Ok(TextRange::new(at.into(), (at + 1).into()))
    }

    pub(super) fn text(&self, vm: &mut Vm, value: &Value) -> Py<String> {
        match str_of(value).filter(|_| value.is_exact(&types::STR)) {
            Some(text) => Ok(text.to_lossy()),
            None => Err(vm.type_error("AST identifier must be of type str")),
        }
    }

    pub(super) fn identifier(
        &self,
        vm: &mut Vm,
        node: &Value,
        (kind, field): (&str, &str),
        range: TextRange,
    ) -> Py<Identifier> {
        let value = self.required(vm, node, kind, field)?;
        let text = self.text(vm, &value)?;
        if matches!(text.as_str(), "None" | "True" | "False") {
            let message = format!("identifier field can't represent '{text}' constant");
            return Err(vm.value_error(message));
        }
        Ok(Identifier::new(text, range))
    }

    pub(super) fn optional_identifier(
        &self,
        vm: &mut Vm,
        node: &Value,
        field: &str,
        range: TextRange,
    ) -> Py<Option<Identifier>> {
        match self.optional(vm, node, field)? {
            Some(value) => Ok(Some(Identifier::new(self.text(vm, &value)?, range))),
            None => Ok(None),
        }
    }

    /// Statements, which may be none.
    fn body(&mut self, vm: &mut Vm, node: &Value, kind: &str, field: &str) -> Py<Vec<Stmt>> {
        let mut body = Vec::new();
        for item in self.items(vm, node, kind, field)? {
            if item.is_none() {
                return Err(vm.value_error("None disallowed in statement list"));
            }
            body.push(self.stmt(vm, &item)?);
        }
        Ok(body)
    }

    /// Statements, of which there is one at least.
    fn block(&mut self, vm: &mut Vm, node: &Value, kind: &str, field: &str) -> Py<Vec<Stmt>> {
        let body = self.body(vm, node, kind, field)?;
        if body.is_empty() {
            return Err(vm.value_error(format!("empty {field} on {kind}")));
        }
        Ok(body)
    }

    fn operator(&self, vm: &mut Vm, node: &Value, kind: &str) -> Py<Operator> {
        let op = self.required(vm, node, kind, "op")?;
        match self.kind(&op).and_then(operator) {
            Some(op) => Ok(op),
            None => Err(expected(vm, "operator", &op)),
        }
    }

    pub(super) fn binary_operator(&self, vm: &mut Vm, node: &Value) -> Py<Operator> {
        self.operator(vm, node, "BinOp")
    }

    fn stmt(&mut self, vm: &mut Vm, node: &Value) -> Py<Stmt> {
        vm.check_stack()?;
        let kind = self.kind(node).unwrap_or("");
        let range = self.range(vm, node, "stmt")?;
        let known = GROUPS[1].nodes.iter().any(|(name, _)| *name == kind);
        if !known {
            return Err(expected(vm, "stmt", node));
        }
        let node_index = Default::default();
        Ok(match kind {
            "Return" => Stmt::Return(ast::StmtReturn {
                node_index,
                range,
                value: self.optional_child(vm, node, "value")?,
            }),
            "Delete" => Stmt::Delete(ast::StmtDelete {
                node_index,
                range,
                targets: self.targets(vm, node, kind, ExprContext::Del)?,
            }),
            "Assign" => Stmt::Assign(ast::StmtAssign {
                node_index,
                range,
                targets: self.targets(vm, node, kind, ExprContext::Store)?,
                value: self.child(vm, node, kind, "value")?,
            }),
            "AugAssign" => Stmt::AugAssign(ast::StmtAugAssign {
                node_index,
                range,
                target: self.target(vm, node, kind, "target")?,
                op: self.operator(vm, node, kind)?,
                value: self.child(vm, node, kind, "value")?,
            }),
            "AnnAssign" => {
                let simple = self.required(vm, node, kind, "simple")?;
                Stmt::AnnAssign(ast::StmtAnnAssign {
                    node_index,
                    range,
                    target: self.target(vm, node, kind, "target")?,
                    annotation: self.child(vm, node, kind, "annotation")?,
                    value: self.optional_child(vm, node, "value")?,
                    simple: self.int(vm, &simple)? != 0,
                })
            }
            "TypeAlias" => Stmt::TypeAlias(ast::StmtTypeAlias {
                node_index,
                range,
                name: {
                    let name = self.target(vm, node, kind, "name")?;
                    if !name.is_name_expr() {
                        return Err(vm.type_error("TypeAlias with non-Name name"));
                    }
                    name
                },
                type_params: self.type_params(vm, node, kind, range)?,
                value: self.child(vm, node, kind, "value")?,
            }),
            "Raise" => Stmt::Raise(ast::StmtRaise {
                node_index,
                range,
                exc: self.optional_child(vm, node, "exc")?,
                cause: self.optional_child(vm, node, "cause")?,
            }),
            "Assert" => Stmt::Assert(ast::StmtAssert {
                node_index,
                range,
                test: self.child(vm, node, kind, "test")?,
                msg: self.optional_child(vm, node, "msg")?,
            }),
            "Expr" => Stmt::Expr(ast::StmtExpr {
                node_index,
                range,
                value: self.child(vm, node, kind, "value")?,
            }),
            "Pass" => Stmt::Pass(ast::StmtPass { node_index, range }),
            "Break" => Stmt::Break(ast::StmtBreak { node_index, range }),
            "Continue" => Stmt::Continue(ast::StmtContinue { node_index, range }),
            "Global" => Stmt::Global(ast::StmtGlobal {
                node_index,
                range,
                names: self.name_list(vm, node, kind, range)?,
            }),
            "Nonlocal" => Stmt::Nonlocal(ast::StmtNonlocal {
                node_index,
                range,
                names: self.name_list(vm, node, kind, range)?,
            }),
            "Import" => Stmt::Import(ast::StmtImport {
                node_index,
                range,
                names: self.aliases(vm, node, kind)?,
                is_lazy: false,
            }),
            "ImportFrom" => {
                let level = match self.optional(vm, node, "level")? {
                    Some(level) => self.int(vm, &level)?,
                    None => 0,
                };
                let Ok(level) = u32::try_from(level) else {
                    return Err(vm.value_error("Negative ImportFrom level"));
                };
                Stmt::ImportFrom(ast::StmtImportFrom {
                    node_index,
                    range,
                    module: self.optional_identifier(vm, node, "module", range)?,
                    names: self.aliases(vm, node, kind)?,
                    level,
                    is_lazy: false,
                })
            }
            _ => self.compound(vm, node, kind, range)?,
        })
    }

    /// Statements that hold others.
    fn compound(&mut self, vm: &mut Vm, node: &Value, kind: &str, range: TextRange) -> Py<Stmt> {
        let node_index = Default::default();
        Ok(match kind {
            "FunctionDef" | "AsyncFunctionDef" => Stmt::FunctionDef(ast::StmtFunctionDef {
                node_index,
                range,
                is_async: kind == "AsyncFunctionDef",
                decorator_list: self.decorators(vm, node, kind)?.into(),
                name: self.identifier(vm, node, (kind, "name"), range)?,
                type_params: self.type_params(vm, node, kind, range)?,
                parameters: Box::new(self.parameters(vm, node, kind, range)?),
                returns: self.optional_child(vm, node, "returns")?,
                body: self.block(vm, node, kind, "body")?.into(),
            }),
            "ClassDef" => {
                let args = self.children(vm, node, kind, "bases")?;
                let keywords = self.keywords(vm, node, kind)?;
                let arguments = ast::Arguments {
                    range,
                    node_index: Default::default(),
                    args: args.into(),
                    keywords: keywords.into(),
                };
                Stmt::ClassDef(ast::StmtClassDef {
                    node_index,
                    range,
                    decorator_list: self.decorators(vm, node, kind)?.into(),
                    name: self.identifier(vm, node, (kind, "name"), range)?,
                    type_params: self.type_params(vm, node, kind, range)?,
                    arguments: Some(Box::new(arguments)),
                    body: self.block(vm, node, kind, "body")?.into(),
                })
            }
            "For" | "AsyncFor" => Stmt::For(ast::StmtFor {
                node_index,
                range,
                is_async: kind == "AsyncFor",
                target: self.target(vm, node, kind, "target")?,
                iter: self.child(vm, node, kind, "iter")?,
                body: self.block(vm, node, kind, "body")?.into(),
                orelse: self.body(vm, node, kind, "orelse")?.into(),
            }),
            "While" => Stmt::While(ast::StmtWhile {
                node_index,
                range,
                test: self.child(vm, node, kind, "test")?,
                body: self.block(vm, node, kind, "body")?.into(),
                orelse: self.body(vm, node, kind, "orelse")?.into(),
            }),
            "If" => {
                let test = self.child(vm, node, kind, "test")?;
                let body = self.block(vm, node, kind, "body")?;
                let orelse = self.body(vm, node, kind, "orelse")?;
                let mut clauses = Vec::new();
                if !orelse.is_empty() {
                    clauses.push(ast::ElifElseClause {
                        range,
                        node_index: Default::default(),
                        test: None,
                        body: orelse.into(),
                    });
                }
                Stmt::If(ast::StmtIf {
                    node_index,
                    range,
                    test,
                    body: body.into(),
                    elif_else_clauses: clauses,
                })
            }
            "With" | "AsyncWith" => Stmt::With(ast::StmtWith {
                node_index,
                range,
                is_async: kind == "AsyncWith",
                items: self.with_items(vm, node, kind, range)?,
                body: self.block(vm, node, kind, "body")?.into(),
            }),
            "Match" => Stmt::Match(ast::StmtMatch {
                node_index,
                range,
                subject: self.child(vm, node, kind, "subject")?,
                cases: self.cases(vm, node, kind, range)?,
            }),
            _ => self.try_stmt(vm, node, kind, range)?,
        })
    }

    fn try_stmt(&mut self, vm: &mut Vm, node: &Value, kind: &str, range: TextRange) -> Py<Stmt> {
        let body = self.block(vm, node, kind, "body")?;
        let mut handlers = Vec::new();
        for item in self.items(vm, node, kind, "handlers")? {
            if self.kind(&item) != Some("ExceptHandler") {
                return Err(expected(vm, "excepthandler", &item));
            }
            let place = self.range(vm, &item, "excepthandler")?;
            handlers.push(ExceptHandler::ExceptHandler(
                ast::ExceptHandlerExceptHandler {
                    range: place,
                    node_index: Default::default(),
                    type_: self.optional_child(vm, &item, "type")?,
                    name: self.optional_identifier(vm, &item, "name", place)?,
                    body: self.block(vm, &item, "ExceptHandler", "body")?.into(),
                },
            ));
        }
        let orelse = self.body(vm, node, kind, "orelse")?;
        let finalbody = self.body(vm, node, kind, "finalbody")?;
        if handlers.is_empty() && finalbody.is_empty() {
            let message = format!("{kind} has neither except handlers nor finalbody");
            return Err(vm.value_error(message));
        }
        if handlers.is_empty() && !orelse.is_empty() {
            let message = format!("{kind} has orelse but no except handlers");
            return Err(vm.value_error(message));
        }
        Ok(Stmt::Try(ast::StmtTry {
            node_index: Default::default(),
            range,
            body: body.into(),
            handlers,
            orelse: orelse.into(),
            finalbody: finalbody.into(),
            is_star: kind == "TryStar",
        }))
    }

    fn name_list(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        range: TextRange,
    ) -> Py<Vec<Identifier>> {
        let mut names = Vec::new();
        for item in self.items(vm, node, kind, "names")? {
            names.push(Identifier::new(self.text(vm, &item)?, range));
        }
        if names.is_empty() {
            return Err(vm.value_error(format!("empty names on {kind}")));
        }
        Ok(names)
    }

    fn aliases(&mut self, vm: &mut Vm, node: &Value, kind: &str) -> Py<Vec<ast::Alias>> {
        let mut row = Vec::new();
        for item in self.items(vm, node, kind, "names")? {
            if self.kind(&item) != Some("alias") {
                return Err(expected(vm, "alias", &item));
            }
            let range = self.range(vm, &item, "alias")?;
            row.push(ast::Alias {
                range,
                node_index: Default::default(),
                name: self.identifier(vm, &item, ("alias", "name"), range)?,
                asname: self.optional_identifier(vm, &item, "asname", range)?,
            });
        }
        if row.is_empty() {
            return Err(vm.value_error(format!("empty names on {kind}")));
        }
        Ok(row)
    }

    fn decorators(&mut self, vm: &mut Vm, node: &Value, kind: &str) -> Py<Vec<ast::Decorator>> {
        let row = self.children(vm, node, kind, "decorator_list")?;
        let wrap = |expression: Expr| ast::Decorator {
            range: taipan_syntax::Ranged::range(&expression),
            node_index: Default::default(),
            expression,
        };
        Ok(row.into_iter().map(wrap).collect())
    }

    fn with_items(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        range: TextRange,
    ) -> Py<Vec<ast::WithItem>> {
        let mut row = Vec::new();
        for item in self.items(vm, node, kind, "items")? {
            if self.kind(&item) != Some("withitem") {
                return Err(expected(vm, "withitem", &item));
            }
            let vars = match self.optional(vm, &item, "optional_vars")? {
                Some(_) => Some(self.target(vm, &item, "withitem", "optional_vars")?),
                None => None,
            };
            row.push(ast::WithItem {
                range,
                node_index: Default::default(),
                context_expr: *self.child(vm, &item, "withitem", "context_expr")?,
                optional_vars: vars,
            });
        }
        if row.is_empty() {
            return Err(vm.value_error(format!("empty items on {kind}")));
        }
        Ok(row)
    }

    fn cases(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        range: TextRange,
    ) -> Py<Vec<ast::MatchCase>> {
        let mut row = Vec::new();
        for item in self.items(vm, node, kind, "cases")? {
            if self.kind(&item) != Some("match_case") {
                return Err(expected(vm, "match_case", &item));
            }
            let pattern = self.required(vm, &item, "match_case", "pattern")?;
            row.push(ast::MatchCase {
                range,
                node_index: Default::default(),
                pattern: self.pattern(vm, &pattern)?,
                guard: self.optional_child(vm, &item, "guard")?,
                body: self.block(vm, &item, "match_case", "body")?.into(),
            });
        }
        if row.is_empty() {
            return Err(vm.value_error(format!("empty cases on {kind}")));
        }
        Ok(row)
    }

    fn type_params(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        range: TextRange,
    ) -> Py<Option<Box<ast::TypeParams>>> {
        let mut row = Vec::new();
        for item in self.items(vm, node, kind, "type_params")? {
            let kind = self.kind(&item).unwrap_or("");
            if !matches!(kind, "TypeVar" | "ParamSpec" | "TypeVarTuple") {
                return Err(expected(vm, "type_param", &item));
            }
            let range = self.range(vm, &item, "type_param")?;
            let name = self.identifier(vm, &item, (kind, "name"), range)?;
            let default = self.optional_child(vm, &item, "default_value")?;
            let node_index = Default::default();
            row.push(match kind {
                "TypeVar" => TypeParam::TypeVar(ast::TypeParamTypeVar {
                    node_index,
                    range,
                    name,
                    bound: self.optional_child(vm, &item, "bound")?,
                    default,
                }),
                "ParamSpec" => TypeParam::ParamSpec(ast::TypeParamParamSpec {
                    node_index,
                    range,
                    name,
                    default,
                }),
                _ => TypeParam::TypeVarTuple(ast::TypeParamTypeVarTuple {
                    node_index,
                    range,
                    name,
                    default,
                }),
            });
        }
        if row.is_empty() {
            return Ok(None);
        }
        Ok(Some(Box::new(ast::TypeParams {
            range,
            node_index: Default::default(),
            type_params: row,
        })))
    }
}
