//! The parser's tree as Python objects.

use super::{class, new_node, single};
use taipan_core::str_object::{new_from_wtf8, new_str};
use taipan_core::{Py, Value, Vm};
use taipan_syntax::ast::{
    self, CmpOp, ConversionFlag, ExceptHandler, Expr, ExprContext, FStringPart,
    InterpolatedElement, InterpolatedStringElement, Mod, Number, Operator, Stmt, TypeParam,
    UnaryOp,
};
use taipan_syntax::{
    Parsed, Ranged, TextRange, decode_bytes_literal, decode_middle, decode_string_literal,
};
use taipan_types::list::new_list;

/// Makes objects of one tree.
pub(super) struct Maker<'a> {
    pub parsed: &'a Parsed,
}

type Fields<'f> = &'f [(&'static str, Value)];

/// The tree as an object; `interactive` for a statement at the prompt.
pub(super) fn tree(vm: &mut Vm, parsed: &Parsed, interactive: bool) -> Py {
    let mut maker = Maker { parsed };
    match parsed.tree() {
        Mod::Expression(tree) => {
            let body = maker.expr(vm, &tree.body)?;
            plain(vm, "Expression", &[("body", body)])
        }
        Mod::Module(tree) => {
            let body = maker.body(vm, &tree.body)?;
            if interactive {
                return plain(vm, "Interactive", &[("body", body)]);
            }
            let ignores = new_list(Vec::new());
            plain(vm, "Module", &[("body", body), ("type_ignores", ignores)])
        }
    }
}

/// A node without a place.
pub(super) fn plain(vm: &mut Vm, kind: &str, fields: Fields<'_>) -> Py {
    let class = class(vm, kind)?;
    let node = new_node(vm, &class)?;
    for (field, value) in fields {
        vm.set_attr_str(&node, field, value)?;
    }
    Ok(node)
}

fn operator_name(op: Operator) -> &'static str {
    match op {
        Operator::Add => "Add",
        Operator::Sub => "Sub",
        Operator::Mult => "Mult",
        Operator::MatMult => "MatMult",
        Operator::Div => "Div",
        Operator::Mod => "Mod",
        Operator::Pow => "Pow",
        Operator::LShift => "LShift",
        Operator::RShift => "RShift",
        Operator::BitOr => "BitOr",
        Operator::BitXor => "BitXor",
        Operator::BitAnd => "BitAnd",
        Operator::FloorDiv => "FloorDiv",
    }
}

fn compare_name(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => "Eq",
        CmpOp::NotEq => "NotEq",
        CmpOp::Lt => "Lt",
        CmpOp::LtE => "LtE",
        CmpOp::Gt => "Gt",
        CmpOp::GtE => "GtE",
        CmpOp::Is => "Is",
        CmpOp::IsNot => "IsNot",
        CmpOp::In => "In",
        CmpOp::NotIn => "NotIn",
    }
}

fn context(vm: &mut Vm, ctx: ExprContext) -> Py {
    let name = match ctx {
        ExprContext::Store => "Store",
        ExprContext::Del => "Del",
        ExprContext::Load | ExprContext::Invalid => "Load",
    };
    single(vm, name)
}

fn text(id: &str) -> Value {
    taipan_core::str_object::name(id)
}

fn optional_text(id: Option<&ast::Identifier>) -> Value {
    id.map_or_else(Value::none, |id| text(&id.id))
}

fn flag(value: bool) -> Value {
    Value::from_i32(i32::from(value))
}

impl Maker<'_> {
    pub(super) fn node(&self, vm: &mut Vm, kind: &str, range: TextRange, fields: Fields<'_>) -> Py {
        let node = plain(vm, kind, fields)?;
        let lines = self.parsed.lines();
        let (start, end) = (lines.position(range.start()), lines.position(range.end()));
        for (attribute, value) in [
            ("lineno", start.line),
            ("col_offset", start.column),
            ("end_lineno", end.line),
            ("end_col_offset", end.column),
        ] {
            vm.set_attr_str(&node, attribute, &Value::int(value.into()))?;
        }
        Ok(node)
    }

    fn body(&mut self, vm: &mut Vm, body: &[Stmt]) -> Py {
        let mut row = Vec::with_capacity(body.len());
        for stmt in body {
            row.push(self.stmt(vm, stmt)?);
        }
        Ok(new_list(row))
    }

    pub(super) fn exprs(&mut self, vm: &mut Vm, exprs: &[Expr]) -> Py {
        let mut row = Vec::with_capacity(exprs.len());
        for expr in exprs {
            row.push(self.expr(vm, expr)?);
        }
        Ok(new_list(row))
    }

    pub(super) fn optional(&mut self, vm: &mut Vm, expr: Option<&Expr>) -> Py {
        expr.map_or_else(|| Ok(Value::none()), |expr| self.expr(vm, expr))
    }

    fn stmt(&mut self, vm: &mut Vm, stmt: &Stmt) -> Py {
        vm.check_stack()?;
        let range = stmt.range();
        match stmt {
            Stmt::FunctionDef(s) => self.function(vm, s),
            Stmt::ClassDef(s) => self.class(vm, s),
            Stmt::Return(s) => {
                let value = self.optional(vm, s.value.as_deref())?;
                self.node(vm, "Return", range, &[("value", value)])
            }
            Stmt::Delete(s) => {
                let targets = self.exprs(vm, &s.targets)?;
                self.node(vm, "Delete", range, &[("targets", targets)])
            }
            Stmt::TypeAlias(s) => {
                let name = self.expr(vm, &s.name)?;
                let params = self.type_params(vm, s.type_params.as_deref())?;
                let value = self.expr(vm, &s.value)?;
                let fields = [("name", name), ("type_params", params), ("value", value)];
                self.node(vm, "TypeAlias", range, &fields)
            }
            Stmt::Assign(s) => {
                let targets = self.exprs(vm, &s.targets)?;
                let value = self.expr(vm, &s.value)?;
                let fields = [
                    ("targets", targets),
                    ("value", value),
                    ("type_comment", Value::none()),
                ];
                self.node(vm, "Assign", range, &fields)
            }
            Stmt::AugAssign(s) => {
                let target = self.expr(vm, &s.target)?;
                let op = single(vm, operator_name(s.op))?;
                let value = self.expr(vm, &s.value)?;
                let fields = [("target", target), ("op", op), ("value", value)];
                self.node(vm, "AugAssign", range, &fields)
            }
            Stmt::AnnAssign(s) => {
                let target = self.expr(vm, &s.target)?;
                let annotation = self.expr(vm, &s.annotation)?;
                let value = self.optional(vm, s.value.as_deref())?;
                let fields = [
                    ("target", target),
                    ("annotation", annotation),
                    ("value", value),
                    ("simple", flag(s.simple)),
                ];
                self.node(vm, "AnnAssign", range, &fields)
            }
            Stmt::Expr(s) => {
                let value = self.expr(vm, &s.value)?;
                self.node(vm, "Expr", range, &[("value", value)])
            }
            Stmt::Pass(_) => self.node(vm, "Pass", range, &[]),
            Stmt::Break(_) => self.node(vm, "Break", range, &[]),
            Stmt::Continue(_) => self.node(vm, "Continue", range, &[]),
            Stmt::Global(s) => self.name_list(vm, "Global", range, &s.names),
            Stmt::Nonlocal(s) => self.name_list(vm, "Nonlocal", range, &s.names),
            Stmt::Raise(s) => {
                let exc = self.optional(vm, s.exc.as_deref())?;
                let cause = self.optional(vm, s.cause.as_deref())?;
                self.node(vm, "Raise", range, &[("exc", exc), ("cause", cause)])
            }
            Stmt::Assert(s) => {
                let test = self.expr(vm, &s.test)?;
                let msg = self.optional(vm, s.msg.as_deref())?;
                self.node(vm, "Assert", range, &[("test", test), ("msg", msg)])
            }
            Stmt::Import(s) => {
                let names = self.aliases(vm, &s.names)?;
                self.node(vm, "Import", range, &[("names", names)])
            }
            Stmt::ImportFrom(s) => {
                let names = self.aliases(vm, &s.names)?;
                let fields = [
                    ("module", optional_text(s.module.as_ref())),
                    ("names", names),
                    ("level", Value::int(s.level.into())),
                ];
                self.node(vm, "ImportFrom", range, &fields)
            }
            _ => self.block(vm, stmt),
        }
    }

    /// Statements that hold others.
    fn block(&mut self, vm: &mut Vm, stmt: &Stmt) -> Py {
        let range = stmt.range();
        match stmt {
            Stmt::For(s) => {
                let target = self.expr(vm, &s.target)?;
                let iter = self.expr(vm, &s.iter)?;
                let fields = [
                    ("target", target),
                    ("iter", iter),
                    ("body", self.body(vm, &s.body)?),
                    ("orelse", self.body(vm, &s.orelse)?),
                    ("type_comment", Value::none()),
                ];
                let kind = if s.is_async { "AsyncFor" } else { "For" };
                self.node(vm, kind, range, &fields)
            }
            Stmt::While(s) => {
                let fields = [
                    ("test", self.expr(vm, &s.test)?),
                    ("body", self.body(vm, &s.body)?),
                    ("orelse", self.body(vm, &s.orelse)?),
                ];
                self.node(vm, "While", range, &fields)
            }
            Stmt::If(s) => self.if_stmt(vm, s),
            Stmt::With(s) => {
                let mut items = Vec::with_capacity(s.items.len());
                for item in &s.items {
                    let fields = [
                        ("context_expr", self.expr(vm, &item.context_expr)?),
                        (
                            "optional_vars",
                            self.optional(vm, item.optional_vars.as_deref())?,
                        ),
                    ];
                    items.push(plain(vm, "withitem", &fields)?);
                }
                let fields = [
                    ("items", new_list(items)),
                    ("body", self.body(vm, &s.body)?),
                    ("type_comment", Value::none()),
                ];
                let kind = if s.is_async { "AsyncWith" } else { "With" };
                self.node(vm, kind, range, &fields)
            }
            Stmt::Match(s) => {
                let subject = self.expr(vm, &s.subject)?;
                let mut cases = Vec::with_capacity(s.cases.len());
                for case in &s.cases {
                    let fields = [
                        ("pattern", self.pattern(vm, &case.pattern)?),
                        ("guard", self.optional(vm, case.guard.as_deref())?),
                        ("body", self.body(vm, &case.body)?),
                    ];
                    cases.push(plain(vm, "match_case", &fields)?);
                }
                let fields = [("subject", subject), ("cases", new_list(cases))];
                self.node(vm, "Match", range, &fields)
            }
            Stmt::Try(s) => {
                let body = self.body(vm, &s.body)?;
                let mut handlers = Vec::with_capacity(s.handlers.len());
                for ExceptHandler::ExceptHandler(handler) in &s.handlers {
                    let fields = [
                        ("type", self.optional(vm, handler.type_.as_deref())?),
                        ("name", optional_text(handler.name.as_ref())),
                        ("body", self.body(vm, &handler.body)?),
                    ];
                    handlers.push(self.node(vm, "ExceptHandler", handler.range, &fields)?);
                }
                let fields = [
                    ("body", body),
                    ("handlers", new_list(handlers)),
                    ("orelse", self.body(vm, &s.orelse)?),
                    ("finalbody", self.body(vm, &s.finalbody)?),
                ];
                let kind = if s.is_star { "TryStar" } else { "Try" };
                self.node(vm, kind, range, &fields)
            }
            _ => Err(vm.system_error("unknown statement")),
        }
    }

    /// `elif` is an `if` in the `orelse` of the one before, and reaches to the end of all.
    fn if_stmt(&mut self, vm: &mut Vm, s: &ast::StmtIf) -> Py {
        let mut orelse = new_list(Vec::new());
        for clause in s.elif_else_clauses.iter().rev() {
            let body = self.body(vm, &clause.body)?;
            let Some(test) = &clause.test else {
                orelse = body;
                continue;
            };
            let range = TextRange::new(clause.range.start(), s.range.end());
            let fields = [
                ("test", self.expr(vm, test)?),
                ("body", body),
                ("orelse", orelse),
            ];
            orelse = new_list(vec![self.node(vm, "If", range, &fields)?]);
        }
        let fields = [
            ("test", self.expr(vm, &s.test)?),
            ("body", self.body(vm, &s.body)?),
            ("orelse", orelse),
        ];
        self.node(vm, "If", s.range, &fields)
    }

    fn name_list(
        &mut self,
        vm: &mut Vm,
        kind: &str,
        range: TextRange,
        names: &[ast::Identifier],
    ) -> Py {
        let names = new_list(names.iter().map(|name| text(&name.id)).collect());
        self.node(vm, kind, range, &[("names", names)])
    }

    fn aliases(&mut self, vm: &mut Vm, aliases: &[ast::Alias]) -> Py {
        let mut row = Vec::with_capacity(aliases.len());
        for alias in aliases {
            let fields = [
                ("name", text(&alias.name.id)),
                ("asname", optional_text(alias.asname.as_ref())),
            ];
            row.push(self.node(vm, "alias", alias.range, &fields)?);
        }
        Ok(new_list(row))
    }

    /// A definition starts at its keyword, behind the decorators.
    fn behind_decorators(&self, decorators: &[ast::Decorator], range: TextRange) -> TextRange {
        let Some(last) = decorators.last() else {
            return range;
        };
        let rest = self
            .parsed
            .text(TextRange::new(last.range.end(), range.end()));
        let mut offset = 0;
        let mut left = rest;
        loop {
            let trimmed = left.trim_start();
            offset += left.len() - trimmed.len();
            if !trimmed.starts_with('#') {
                break;
            }
            let line = trimmed.find('\n').unwrap_or(trimmed.len());
            offset += line;
            left = &trimmed[line..];
        }
        TextRange::new(
            last.range.end() + taipan_syntax::TextSize::new(offset as u32),
            range.end(),
        )
    }

    fn decorators(&mut self, vm: &mut Vm, decorators: &[ast::Decorator]) -> Py {
        let mut row = Vec::with_capacity(decorators.len());
        for decorator in decorators {
            row.push(self.expr(vm, &decorator.expression)?);
        }
        Ok(new_list(row))
    }

    fn function(&mut self, vm: &mut Vm, s: &ast::StmtFunctionDef) -> Py {
        let fields = [
            ("name", text(&s.name.id)),
            ("args", self.parameters(vm, Some(&s.parameters))?),
            ("body", self.body(vm, &s.body)?),
            ("decorator_list", self.decorators(vm, &s.decorator_list)?),
            ("returns", self.optional(vm, s.returns.as_deref())?),
            ("type_comment", Value::none()),
            (
                "type_params",
                self.type_params(vm, s.type_params.as_deref())?,
            ),
        ];
        let kind = if s.is_async {
            "AsyncFunctionDef"
        } else {
            "FunctionDef"
        };
        let range = self.behind_decorators(&s.decorator_list, s.range);
        self.node(vm, kind, range, &fields)
    }

    fn class(&mut self, vm: &mut Vm, s: &ast::StmtClassDef) -> Py {
        let (bases, keywords) = match &s.arguments {
            Some(arguments) => (
                self.exprs(vm, &arguments.args)?,
                self.keywords(vm, &arguments.keywords)?,
            ),
            None => (new_list(Vec::new()), new_list(Vec::new())),
        };
        let fields = [
            ("name", text(&s.name.id)),
            ("bases", bases),
            ("keywords", keywords),
            ("body", self.body(vm, &s.body)?),
            ("decorator_list", self.decorators(vm, &s.decorator_list)?),
            (
                "type_params",
                self.type_params(vm, s.type_params.as_deref())?,
            ),
        ];
        let range = self.behind_decorators(&s.decorator_list, s.range);
        self.node(vm, "ClassDef", range, &fields)
    }

    fn keywords(&mut self, vm: &mut Vm, keywords: &[ast::Keyword]) -> Py {
        let mut row = Vec::with_capacity(keywords.len());
        for keyword in keywords {
            let fields = [
                ("arg", optional_text(keyword.arg.as_ref())),
                ("value", self.expr(vm, &keyword.value)?),
            ];
            row.push(self.node(vm, "keyword", keyword.range, &fields)?);
        }
        Ok(new_list(row))
    }

    fn type_params(&mut self, vm: &mut Vm, params: Option<&ast::TypeParams>) -> Py {
        let mut row = Vec::new();
        for param in params.map_or(&[][..], |params| &params.type_params) {
            let range = param.range();
            row.push(match param {
                TypeParam::TypeVar(p) => {
                    let fields = [
                        ("name", text(&p.name.id)),
                        ("bound", self.optional(vm, p.bound.as_deref())?),
                        ("default_value", self.optional(vm, p.default.as_deref())?),
                    ];
                    self.node(vm, "TypeVar", range, &fields)?
                }
                TypeParam::ParamSpec(p) => {
                    let default = self.optional(vm, p.default.as_deref())?;
                    let fields = [("name", text(&p.name.id)), ("default_value", default)];
                    self.node(vm, "ParamSpec", range, &fields)?
                }
                TypeParam::TypeVarTuple(p) => {
                    let default = self.optional(vm, p.default.as_deref())?;
                    let fields = [("name", text(&p.name.id)), ("default_value", default)];
                    self.node(vm, "TypeVarTuple", range, &fields)?
                }
            });
        }
        Ok(new_list(row))
    }

    fn parameter(&mut self, vm: &mut Vm, parameter: &ast::Parameter, star: bool) -> Py {
        let fields = [
            ("arg", text(&parameter.name.id)),
            (
                "annotation",
                self.optional(vm, parameter.annotation.as_deref())?,
            ),
            ("type_comment", Value::none()),
        ];
        let mut range = parameter.range;
        if star {
            // Stars are no part of the node.
            range = TextRange::new(parameter.name.range.start(), range.end());
        }
        self.node(vm, "arg", range, &fields)
    }

    fn parameters(&mut self, vm: &mut Vm, parameters: Option<&ast::Parameters>) -> Py {
        let (mut positional, mut args, mut keyword_only) = (Vec::new(), Vec::new(), Vec::new());
        let (mut defaults, mut keyword_defaults) = (Vec::new(), Vec::new());
        let (mut vararg, mut kwarg) = (Value::none(), Value::none());
        if let Some(parameters) = parameters {
            for (from, to) in [
                (&parameters.posonlyargs, &mut positional),
                (&parameters.args, &mut args),
            ] {
                for item in from {
                    to.push(self.parameter(vm, &item.parameter, false)?);
                    if let Some(default) = item.default.as_deref() {
                        defaults.push(self.expr(vm, default)?);
                    }
                }
            }
            for item in &parameters.kwonlyargs {
                keyword_only.push(self.parameter(vm, &item.parameter, false)?);
                keyword_defaults.push(self.optional(vm, item.default.as_deref())?);
            }
            if let Some(parameter) = parameters.vararg.as_deref() {
                vararg = self.parameter(vm, parameter, true)?;
            }
            if let Some(parameter) = parameters.kwarg.as_deref() {
                kwarg = self.parameter(vm, parameter, true)?;
            }
        }
        let fields = [
            ("posonlyargs", new_list(positional)),
            ("args", new_list(args)),
            ("vararg", vararg),
            ("kwonlyargs", new_list(keyword_only)),
            ("kw_defaults", new_list(keyword_defaults)),
            ("kwarg", kwarg),
            ("defaults", new_list(defaults)),
        ];
        plain(vm, "arguments", &fields)
    }

    pub(super) fn expr(&mut self, vm: &mut Vm, expr: &Expr) -> Py {
        vm.check_stack()?;
        let range = expr.range();
        match expr {
            Expr::BoolOp(e) => {
                let op = single(
                    vm,
                    if e.op == ast::BoolOp::And {
                        "And"
                    } else {
                        "Or"
                    },
                )?;
                let values = self.exprs(vm, &e.values)?;
                self.node(vm, "BoolOp", range, &[("op", op), ("values", values)])
            }
            Expr::Named(e) => {
                let target = self.expr(vm, &e.target)?;
                let value = self.expr(vm, &e.value)?;
                self.node(
                    vm,
                    "NamedExpr",
                    range,
                    &[("target", target), ("value", value)],
                )
            }
            Expr::BinOp(e) => {
                let left = self.expr(vm, &e.left)?;
                let op = single(vm, operator_name(e.op))?;
                let right = self.expr(vm, &e.right)?;
                self.node(
                    vm,
                    "BinOp",
                    range,
                    &[("left", left), ("op", op), ("right", right)],
                )
            }
            Expr::UnaryOp(e) => {
                let op = match e.op {
                    UnaryOp::Invert => "Invert",
                    UnaryOp::Not => "Not",
                    UnaryOp::UAdd => "UAdd",
                    UnaryOp::USub => "USub",
                };
                let op = single(vm, op)?;
                let operand = self.expr(vm, &e.operand)?;
                self.node(vm, "UnaryOp", range, &[("op", op), ("operand", operand)])
            }
            Expr::Lambda(e) => {
                let args = self.parameters(vm, e.parameters.as_deref())?;
                let body = self.expr(vm, &e.body)?;
                self.node(vm, "Lambda", range, &[("args", args), ("body", body)])
            }
            Expr::If(e) => {
                let fields = [
                    ("test", self.expr(vm, &e.test)?),
                    ("body", self.expr(vm, &e.body)?),
                    ("orelse", self.expr(vm, &e.orelse)?),
                ];
                self.node(vm, "IfExp", range, &fields)
            }
            Expr::Await(e) => {
                let value = self.expr(vm, &e.value)?;
                self.node(vm, "Await", range, &[("value", value)])
            }
            Expr::Yield(e) => {
                let value = self.optional(vm, e.value.as_deref())?;
                self.node(vm, "Yield", range, &[("value", value)])
            }
            Expr::YieldFrom(e) => {
                let value = self.expr(vm, &e.value)?;
                self.node(vm, "YieldFrom", range, &[("value", value)])
            }
            Expr::Compare(e) => {
                let left = self.expr(vm, &e.left)?;
                let mut ops = Vec::with_capacity(e.ops.len());
                for op in &e.ops {
                    ops.push(single(vm, compare_name(*op))?);
                }
                let comparators = self.exprs(vm, &e.comparators)?;
                let fields = [
                    ("left", left),
                    ("ops", new_list(ops)),
                    ("comparators", comparators),
                ];
                self.node(vm, "Compare", range, &fields)
            }
            Expr::Call(e) => {
                let func = self.expr(vm, &e.func)?;
                let args = match &*e.arguments.args {
                    // A generator that is all of the arguments has their parentheses.
                    [Expr::Generator(g)] if !g.parenthesized => {
                        let range = e.arguments.range;
                        let only =
                            self.comprehension(vm, "GeneratorExp", range, &g.elt, &g.generators)?;
                        new_list(vec![only])
                    }
                    args => self.exprs(vm, args)?,
                };
                let keywords = self.keywords(vm, &e.arguments.keywords)?;
                let fields = [("func", func), ("args", args), ("keywords", keywords)];
                self.node(vm, "Call", range, &fields)
            }
            Expr::Attribute(e) => {
                let value = self.expr(vm, &e.value)?;
                let ctx = context(vm, e.ctx)?;
                let fields = [("value", value), ("attr", text(&e.attr.id)), ("ctx", ctx)];
                self.node(vm, "Attribute", range, &fields)
            }
            Expr::Subscript(e) => {
                let value = self.expr(vm, &e.value)?;
                let slice = self.expr(vm, &e.slice)?;
                let ctx = context(vm, e.ctx)?;
                let fields = [("value", value), ("slice", slice), ("ctx", ctx)];
                self.node(vm, "Subscript", range, &fields)
            }
            Expr::Starred(e) => {
                let value = self.expr(vm, &e.value)?;
                let ctx = context(vm, e.ctx)?;
                self.node(vm, "Starred", range, &[("value", value), ("ctx", ctx)])
            }
            Expr::Name(e) => {
                let ctx = context(vm, e.ctx)?;
                self.node(vm, "Name", range, &[("id", text(&e.id)), ("ctx", ctx)])
            }
            Expr::Slice(e) => {
                let fields = [
                    ("lower", self.optional(vm, e.lower.as_deref())?),
                    ("upper", self.optional(vm, e.upper.as_deref())?),
                    ("step", self.optional(vm, e.step.as_deref())?),
                ];
                self.node(vm, "Slice", range, &fields)
            }
            _ => self.display(vm, expr),
        }
    }

    /// Displays, comprehensions and constants.
    fn display(&mut self, vm: &mut Vm, expr: &Expr) -> Py {
        let range = expr.range();
        match expr {
            Expr::List(e) => {
                let elts = self.exprs(vm, &e.elts)?;
                let ctx = context(vm, e.ctx)?;
                self.node(vm, "List", range, &[("elts", elts), ("ctx", ctx)])
            }
            Expr::Tuple(e) => {
                let elts = self.exprs(vm, &e.elts)?;
                let ctx = context(vm, e.ctx)?;
                self.node(vm, "Tuple", range, &[("elts", elts), ("ctx", ctx)])
            }
            Expr::Set(e) => {
                let elts = self.exprs(vm, &e.elts)?;
                self.node(vm, "Set", range, &[("elts", elts)])
            }
            Expr::Dict(e) => {
                let (mut keys, mut values) = (Vec::new(), Vec::new());
                for item in &e.items {
                    keys.push(self.optional(vm, item.key.as_ref())?);
                    values.push(self.expr(vm, &item.value)?);
                }
                let fields = [("keys", new_list(keys)), ("values", new_list(values))];
                self.node(vm, "Dict", range, &fields)
            }
            Expr::ListComp(e) => self.comprehension(vm, "ListComp", range, &e.elt, &e.generators),
            Expr::SetComp(e) => self.comprehension(vm, "SetComp", range, &e.elt, &e.generators),
            Expr::Generator(e) => {
                self.comprehension(vm, "GeneratorExp", range, &e.elt, &e.generators)
            }
            Expr::DictComp(e) => {
                let fields = [
                    ("key", self.optional(vm, e.key.as_deref())?),
                    ("value", self.expr(vm, &e.value)?),
                    ("generators", self.generators(vm, &e.generators)?),
                ];
                self.node(vm, "DictComp", range, &fields)
            }
            Expr::NoneLiteral(_) => self.constant(vm, range, Value::none(), false),
            Expr::BooleanLiteral(e) => self.constant(vm, range, Value::bool(e.value), false),
            Expr::EllipsisLiteral(_) => self.constant(vm, range, Value::ellipsis(), false),
            Expr::NumberLiteral(e) => {
                let value = number(vm, &e.value)?;
                self.constant(vm, range, value, false)
            }
            Expr::StringLiteral(e) => {
                let mut bytes = Vec::new();
                for part in e.value.as_slice() {
                    bytes.extend(self.literal(vm, part)?);
                }
                let unicode = e
                    .value
                    .as_slice()
                    .first()
                    .is_some_and(|part| part.flags.prefix().is_unicode());
                self.constant(vm, range, new_from_wtf8(&bytes), unicode)
            }
            Expr::BytesLiteral(e) => {
                let mut bytes = Vec::new();
                for part in &e.value {
                    match decode_bytes_literal(
                        self.parsed.source(),
                        part.range(),
                        part.flags.into(),
                    ) {
                        Ok(value) => bytes.extend(value),
                        Err(error) => return Err(vm.value_error(error.message())),
                    }
                }
                let value = taipan_types::bytes::new_bytes(vm, &bytes)?;
                self.constant(vm, range, value, false)
            }
            Expr::FString(e) => self.f_string(vm, e),
            Expr::TString(e) => {
                let mut row = Vec::new();
                for part in &e.value {
                    self.elements(vm, &part.elements, part.flags.into(), true, &mut row)?;
                }
                let values = self.joined(vm, row)?;
                self.node(vm, "TemplateStr", range, &[("values", values)])
            }
            _ => Err(vm.system_error("unknown expression")),
        }
    }

    pub(super) fn constant(
        &mut self,
        vm: &mut Vm,
        range: TextRange,
        value: Value,
        unicode: bool,
    ) -> Py {
        let kind = if unicode { new_str("u") } else { Value::none() };
        self.node(vm, "Constant", range, &[("value", value), ("kind", kind)])
    }

    fn comprehension(
        &mut self,
        vm: &mut Vm,
        kind: &str,
        range: TextRange,
        elt: &Expr,
        generators: &[ast::Comprehension],
    ) -> Py {
        let elt = self.expr(vm, elt)?;
        let generators = self.generators(vm, generators)?;
        self.node(vm, kind, range, &[("elt", elt), ("generators", generators)])
    }

    fn generators(&mut self, vm: &mut Vm, generators: &[ast::Comprehension]) -> Py {
        let mut row = Vec::with_capacity(generators.len());
        for generator in generators {
            let fields = [
                ("target", self.expr(vm, &generator.target)?),
                ("iter", self.expr(vm, &generator.iter)?),
                ("ifs", self.exprs(vm, &generator.ifs)?),
                ("is_async", flag(generator.is_async)),
            ];
            row.push(plain(vm, "comprehension", &fields)?);
        }
        Ok(new_list(row))
    }

    /// The value of one part of a string literal, as WTF-8.
    fn literal(&self, vm: &mut Vm, part: &ast::StringLiteral) -> Py<Vec<u8>> {
        match decode_string_literal(self.parsed.source(), part.range, part.flags.into()) {
            Ok(value) => Ok(value.into_bytes()),
            Err(error) => Err(vm.value_error(error.message())),
        }
    }

    fn f_string(&mut self, vm: &mut Vm, e: &ast::ExprFString) -> Py {
        let mut row = Vec::new();
        for part in &e.value {
            match part {
                FStringPart::Literal(literal) => {
                    let bytes = self.literal(vm, literal)?;
                    push_text(&mut row, &bytes, literal.range);
                }
                FStringPart::FString(string) => {
                    self.elements(vm, &string.elements, string.flags.into(), false, &mut row)?;
                }
            }
        }
        let values = self.joined(vm, row)?;
        self.node(vm, "JoinedStr", e.range, &[("values", values)])
    }

    fn joined(&mut self, vm: &mut Vm, pieces: Vec<Piece>) -> Py {
        let mut row = Vec::with_capacity(pieces.len());
        for piece in pieces {
            row.push(match piece {
                Piece::Text(bytes, range) => {
                    self.constant(vm, range, new_from_wtf8(&bytes), false)?
                }
                Piece::Node(node) => node,
            });
        }
        Ok(new_list(row))
    }

    fn elements(
        &mut self,
        vm: &mut Vm,
        elements: &[InterpolatedStringElement],
        flags: ast::AnyStringFlags,
        template: bool,
        row: &mut Vec<Piece>,
    ) -> Py<()> {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    match decode_middle(self.parsed.source(), literal.range, flags) {
                        Ok(value) => push_text(row, value.as_bytes(), literal.range),
                        Err(error) => return Err(vm.value_error(error.message())),
                    }
                }
                InterpolatedStringElement::Interpolation(field) => {
                    if let Some(debug) = &field.debug_text {
                        let start = field.range.start() + taipan_syntax::TextSize::new(1);
                        let length = taipan_syntax::TextSize::new(debug.as_str().len() as u32);
                        let range = TextRange::new(start, start + length);
                        push_text(row, debug.as_str().as_bytes(), range);
                    }
                    row.push(Piece::Node(self.field(vm, field, flags, template)?));
                }
            }
        }
        Ok(())
    }

    fn field(
        &mut self,
        vm: &mut Vm,
        field: &InterpolatedElement,
        flags: ast::AnyStringFlags,
        template: bool,
    ) -> Py {
        let value = self.expr(vm, &field.expression)?;
        let conversion = match field.conversion {
            ConversionFlag::None if field.debug_text.is_some() && field.format_spec.is_none() => {
                i32::from(b'r')
            }
            ConversionFlag::None => -1,
            ConversionFlag::Str => i32::from(b's'),
            ConversionFlag::Ascii => i32::from(b'a'),
            ConversionFlag::Repr => i32::from(b'r'),
        };
        let spec = match &field.format_spec {
            Some(spec) => {
                let mut row = Vec::new();
                self.elements(vm, &spec.elements, flags, false, &mut row)?;
                let values = self.joined(vm, row)?;
                // The colon belongs to it.
                let start = spec.range.start() - taipan_syntax::TextSize::new(1);
                let range = TextRange::new(start, spec.range.end());
                self.node(vm, "JoinedStr", range, &[("values", values)])?
            }
            None => Value::none(),
        };
        let conversion = ("conversion", Value::from_i32(conversion));
        if !template {
            let fields = [("value", value), conversion, ("format_spec", spec)];
            return self.node(vm, "FormattedValue", field.range, &fields);
        }
        let text = self.field_text(field);
        let fields = [
            ("value", value),
            ("str", new_str(&text)),
            conversion,
            ("format_spec", spec),
        ];
        self.node(vm, "Interpolation", field.range, &fields)
    }

    /// The text of a field's expression.
    fn field_text(&self, field: &InterpolatedElement) -> String {
        if let Some(debug) = &field.debug_text {
            let text = debug.as_str().trim_end();
            return text.strip_suffix('=').unwrap_or(text).trim_end().to_owned();
        }
        let start = field.range.start() + taipan_syntax::TextSize::new(1);
        let inner = field.expression.range().end();
        let rest = self.parsed.text(TextRange::new(inner, field.range.end()));
        let tail = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_whitespace() || matches!(byte, b')' | b','))
            .count();
        let end = inner + taipan_syntax::TextSize::new(tail as u32);
        self.parsed.text(TextRange::new(start, end)).to_owned()
    }
}

/// A piece of a string with fields: text, in which neighbours are joined, or a finished node.
enum Piece {
    Text(Vec<u8>, TextRange),
    Node(Value),
}

fn push_text(row: &mut Vec<Piece>, bytes: &[u8], range: TextRange) {
    if bytes.is_empty() {
        return;
    }
    match row.last_mut() {
        Some(Piece::Text(before, place)) => {
            before.extend_from_slice(bytes);
            *place = TextRange::new(place.start(), range.end().max(place.end()));
        }
        _ => row.push(Piece::Text(bytes.to_vec(), range)),
    }
}

fn number(vm: &mut Vm, number: &Number) -> Py {
    match number {
        Number::Float(x) => Ok(Value::float(*x)),
        Number::Complex { real, imag } => Ok(taipan_types::complex::new_complex(*real, *imag)),
        Number::Int(int) => match int.as_i64() {
            Some(small) => Ok(Value::int(small)),
            None => {
                let digits = new_str(&int.to_string());
                let int = taipan_core::builtin_types::INT.to_value();
                vm.call(&int, &[digits, Value::from_i32(0)])
            }
        },
    }
}
