//! Python objects as the compiler's expressions and patterns.

use super::from_python::{Reader, expected};
use super::table::GROUPS;
use taipan_core::builtin_types as types;
use taipan_core::str_object::str_of;
use taipan_core::{Py, Value, Vm, tuple_object};
use taipan_syntax::ast::{self, CmpOp, ConversionFlag, Expr, ExprContext, Pattern, UnaryOp};
use taipan_syntax::{Ranged, TextRange};
use taipan_types::{bytes, complex};

fn compare_operator(kind: &str) -> Option<CmpOp> {
    Some(match kind {
        "Eq" => CmpOp::Eq,
        "NotEq" => CmpOp::NotEq,
        "Lt" => CmpOp::Lt,
        "LtE" => CmpOp::LtE,
        "Gt" => CmpOp::Gt,
        "GtE" => CmpOp::GtE,
        "Is" => CmpOp::Is,
        "IsNot" => CmpOp::IsNot,
        "In" => CmpOp::In,
        "NotIn" => CmpOp::NotIn,
        _ => return None,
    })
}

fn context_name(ctx: ExprContext) -> &'static str {
    match ctx {
        ExprContext::Store => "Store",
        ExprContext::Del => "Del",
        _ => "Load",
    }
}

fn context_of(expr: &Expr) -> Option<ExprContext> {
    match expr {
        Expr::Attribute(e) => Some(e.ctx),
        Expr::Subscript(e) => Some(e.ctx),
        Expr::Starred(e) => Some(e.ctx),
        Expr::Name(e) => Some(e.ctx),
        Expr::List(e) => Some(e.ctx),
        Expr::Tuple(e) => Some(e.ctx),
        _ => None,
    }
}

/// Checks that an expression stands where its context allows.
pub(super) fn check_context(vm: &mut Vm, expr: &Expr, wanted: ExprContext) -> Py<()> {
    let has = context_of(expr);
    if has.is_none() && wanted != ExprContext::Load {
        let message = format!(
            "expression which can't be assigned to in {} context",
            context_name(wanted)
        );
        return Err(vm.value_error(message));
    }
    if has.is_some_and(|has| has != wanted) {
        let message = format!(
            "expression must have {} context but has {} instead",
            context_name(wanted),
            has.map_or("Load", context_name)
        );
        return Err(vm.value_error(message));
    }
    Ok(())
}

impl Reader {
    /// A required expression that is read.
    pub(super) fn child(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        field: &str,
    ) -> Py<Box<Expr>> {
        let value = self.required(vm, node, kind, field)?;
        self.loaded(vm, &value).map(Box::new)
    }

    fn loaded(&mut self, vm: &mut Vm, value: &Value) -> Py<Expr> {
        let expr = self.expr(vm, value)?;
        check_context(vm, &expr, ExprContext::Load)?;
        Ok(expr)
    }

    pub(super) fn optional_child(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        field: &str,
    ) -> Py<Option<Box<Expr>>> {
        match self.optional(vm, node, field)? {
            Some(value) => Ok(Some(Box::new(self.loaded(vm, &value)?))),
            None => Ok(None),
        }
    }

    /// A required expression that is assigned to.
    pub(super) fn target(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        field: &str,
    ) -> Py<Box<Expr>> {
        let value = self.required(vm, node, kind, field)?;
        let expr = self.expr(vm, &value)?;
        check_context(vm, &expr, ExprContext::Store)?;
        Ok(Box::new(expr))
    }

    /// The targets of an assignment or deletion.
    pub(super) fn targets(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        ctx: ExprContext,
    ) -> Py<Vec<Expr>> {
        let targets = self.in_context(vm, node, (kind, "targets"), ctx)?;
        if targets.is_empty() {
            return Err(vm.value_error(format!("empty targets on {kind}")));
        }
        Ok(targets)
    }

    fn in_context(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        (kind, field): (&str, &str),
        ctx: ExprContext,
    ) -> Py<Vec<Expr>> {
        let mut row = Vec::new();
        for item in self.items(vm, node, kind, field)? {
            if item.is_none() {
                return Err(vm.value_error("None disallowed in expression list"));
            }
            let expr = self.expr(vm, &item)?;
            check_context(vm, &expr, ctx)?;
            row.push(expr);
        }
        Ok(row)
    }

    pub(super) fn children(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        field: &str,
    ) -> Py<Vec<Expr>> {
        self.in_context(vm, node, (kind, field), ExprContext::Load)
    }

    fn context(&self, vm: &mut Vm, node: &Value, kind: &str) -> Py<ExprContext> {
        let ctx = self.required(vm, node, kind, "ctx")?;
        match self.kind(&ctx) {
            Some("Load") => Ok(ExprContext::Load),
            Some("Store") => Ok(ExprContext::Store),
            Some("Del") => Ok(ExprContext::Del),
            _ => Err(expected(vm, "expr_context", &ctx)),
        }
    }

    pub(super) fn keywords(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
    ) -> Py<Vec<ast::Keyword>> {
        let mut row = Vec::new();
        for item in self.items(vm, node, kind, "keywords")? {
            if self.kind(&item) != Some("keyword") {
                return Err(expected(vm, "keyword", &item));
            }
            let range = self.range(vm, &item, "keyword")?;
            row.push(ast::Keyword {
                range,
                node_index: Default::default(),
                arg: self.optional_identifier(vm, &item, "arg", range)?,
                value: *self.child(vm, &item, "keyword", "value")?,
            });
        }
        Ok(row)
    }

    fn parameter(&mut self, vm: &mut Vm, node: &Value) -> Py<ast::Parameter> {
        if self.kind(node) != Some("arg") {
            return Err(expected(vm, "arg", node));
        }
        let range = self.range(vm, node, "arg")?;
        Ok(ast::Parameter {
            range,
            node_index: Default::default(),
            name: self.identifier(vm, node, ("arg", "arg"), range)?,
            annotation: self.optional_child(vm, node, "annotation")?,
        })
    }

    /// The field `args` of a function or lambda.
    pub(super) fn parameters(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        range: TextRange,
    ) -> Py<ast::Parameters> {
        const KIND: &str = "arguments";
        let node = self.required(vm, node, kind, "args")?;
        if self.kind(&node) != Some(KIND) {
            return Err(expected(vm, KIND, &node));
        }
        let mut lists: [Vec<ast::ParameterWithDefault>; 3] = Default::default();
        for (list, field) in lists.iter_mut().zip(["posonlyargs", "args", "kwonlyargs"]) {
            for item in self.items(vm, &node, KIND, field)? {
                let parameter = self.parameter(vm, &item)?;
                list.push(ast::ParameterWithDefault {
                    range: parameter.range,
                    node_index: Default::default(),
                    parameter,
                    default: None,
                });
            }
        }
        let [mut posonlyargs, mut args, mut kwonlyargs] = lists;
        let defaults = self.children(vm, &node, KIND, "defaults")?;
        let positional = posonlyargs.len() + args.len();
        if defaults.len() > positional {
            return Err(vm.value_error("more positional defaults than args on arguments"));
        }
        let without = positional - defaults.len();
        let all = posonlyargs.iter_mut().chain(args.iter_mut()).skip(without);
        for (parameter, default) in all.zip(defaults) {
            parameter.default = Some(Box::new(default));
        }
        let keyword_defaults = self.items(vm, &node, KIND, "kw_defaults")?;
        if keyword_defaults.len() != kwonlyargs.len() {
            return Err(
                vm.value_error("length of kwonlyargs is not the same as kw_defaults on arguments")
            );
        }
        for (parameter, default) in kwonlyargs.iter_mut().zip(&keyword_defaults) {
            if !default.is_none() {
                parameter.default = Some(Box::new(self.loaded(vm, default)?));
            }
        }
        let mut stars: [Option<Box<ast::Parameter>>; 2] = [None, None];
        for (star, field) in stars.iter_mut().zip(["vararg", "kwarg"]) {
            if let Some(item) = self.optional(vm, &node, field)? {
                *star = Some(Box::new(self.parameter(vm, &item)?));
            }
        }
        let [vararg, kwarg] = stars;
        Ok(ast::Parameters {
            range,
            node_index: Default::default(),
            posonlyargs: posonlyargs.into(),
            args: args.into(),
            vararg,
            kwonlyargs: kwonlyargs.into(),
            kwarg,
        })
    }

    fn generators(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        range: TextRange,
    ) -> Py<Vec<ast::Comprehension>> {
        let mut row = Vec::new();
        for item in self.items(vm, node, kind, "generators")? {
            if self.kind(&item) != Some("comprehension") {
                return Err(expected(vm, "comprehension", &item));
            }
            let is_async = self.required(vm, &item, "comprehension", "is_async")?;
            row.push(ast::Comprehension {
                range,
                node_index: Default::default(),
                target: *self.target(vm, &item, "comprehension", "target")?,
                iter: *self.child(vm, &item, "comprehension", "iter")?,
                ifs: self.children(vm, &item, "comprehension", "ifs")?,
                is_async: self.int(vm, &is_async)? != 0,
            });
        }
        if row.is_empty() {
            return Err(vm.value_error("comprehension with no generators"));
        }
        Ok(row)
    }

    pub(super) fn expr(&mut self, vm: &mut Vm, node: &Value) -> Py<Expr> {
        vm.check_stack()?;
        let kind = self.kind(node).unwrap_or("");
        let range = self.range(vm, node, "expr")?;
        if !GROUPS[2].nodes.iter().any(|(name, _)| *name == kind) {
            return Err(expected(vm, "expr", node));
        }
        let node_index = Default::default();
        Ok(match kind {
            "BoolOp" => {
                let op = self.required(vm, node, kind, "op")?;
                let op = match self.kind(&op) {
                    Some("And") => ast::BoolOp::And,
                    Some("Or") => ast::BoolOp::Or,
                    _ => return Err(expected(vm, "boolop", &op)),
                };
                let values = self.children(vm, node, kind, "values")?;
                if values.len() < 2 {
                    return Err(vm.value_error("BoolOp with less than 2 values"));
                }
                Expr::BoolOp(ast::ExprBoolOp {
                    node_index,
                    range,
                    op,
                    values,
                })
            }
            "NamedExpr" => Expr::Named(ast::ExprNamed {
                node_index,
                range,
                target: {
                    let target = self.child(vm, node, kind, "target")?;
                    if !target.is_name_expr() {
                        return Err(vm.type_error("NamedExpr target must be a Name"));
                    }
                    check_context(vm, &target, ExprContext::Store)?;
                    target
                },
                value: self.child(vm, node, kind, "value")?,
            }),
            "BinOp" => Expr::BinOp(ast::ExprBinOp {
                node_index,
                range,
                left: self.child(vm, node, kind, "left")?,
                op: self.binary_operator(vm, node)?,
                right: self.child(vm, node, kind, "right")?,
            }),
            "UnaryOp" => {
                let op = self.required(vm, node, kind, "op")?;
                let op = match self.kind(&op) {
                    Some("Invert") => UnaryOp::Invert,
                    Some("Not") => UnaryOp::Not,
                    Some("UAdd") => UnaryOp::UAdd,
                    Some("USub") => UnaryOp::USub,
                    _ => return Err(expected(vm, "unaryop", &op)),
                };
                let operand = self.child(vm, node, kind, "operand")?;
                Expr::UnaryOp(ast::ExprUnaryOp {
                    node_index,
                    range,
                    op,
                    operand,
                })
            }
            "Lambda" => Expr::Lambda(ast::ExprLambda {
                node_index,
                range,
                parameters: Some(Box::new(self.parameters(vm, node, kind, range)?)),
                body: self.child(vm, node, kind, "body")?,
            }),
            "IfExp" => Expr::If(ast::ExprIf {
                node_index,
                range,
                test: self.child(vm, node, kind, "test")?,
                body: self.child(vm, node, kind, "body")?,
                orelse: self.child(vm, node, kind, "orelse")?,
            }),
            "Await" => Expr::Await(ast::ExprAwait {
                node_index,
                range,
                value: self.child(vm, node, kind, "value")?,
            }),
            "Yield" => Expr::Yield(ast::ExprYield {
                node_index,
                range,
                value: self.optional_child(vm, node, "value")?,
            }),
            "YieldFrom" => Expr::YieldFrom(ast::ExprYieldFrom {
                node_index,
                range,
                value: self.child(vm, node, kind, "value")?,
            }),
            "Compare" => self.compare(vm, node, range)?,
            "Call" => {
                let func = self.child(vm, node, kind, "func")?;
                let args = self.children(vm, node, kind, "args")?;
                let keywords = self.keywords(vm, node, kind)?;
                let arguments = ast::Arguments {
                    range,
                    node_index: Default::default(),
                    args: args.into(),
                    keywords: keywords.into(),
                };
                Expr::Call(ast::ExprCall {
                    node_index,
                    range_start: range.start(),
                    func,
                    arguments,
                })
            }
            "Attribute" => Expr::Attribute(ast::ExprAttribute {
                node_index,
                range,
                value: self.child(vm, node, kind, "value")?,
                attr: self.identifier(vm, node, (kind, "attr"), range)?,
                ctx: self.context(vm, node, kind)?,
            }),
            "Subscript" => Expr::Subscript(ast::ExprSubscript {
                node_index,
                range,
                value: self.child(vm, node, kind, "value")?,
                slice: self.child(vm, node, kind, "slice")?,
                ctx: self.context(vm, node, kind)?,
            }),
            "Slice" => Expr::Slice(ast::ExprSlice {
                node_index,
                range,
                lower: self.optional_child(vm, node, "lower")?,
                upper: self.optional_child(vm, node, "upper")?,
                step: self.optional_child(vm, node, "step")?,
            }),
            _ => self.display(vm, node, kind, range)?,
        })
    }

    fn compare(&mut self, vm: &mut Vm, node: &Value, range: TextRange) -> Py<Expr> {
        const KIND: &str = "Compare";
        let left = self.child(vm, node, KIND, "left")?;
        let mut ops = Vec::new();
        for op in self.items(vm, node, KIND, "ops")? {
            match self.kind(&op).and_then(compare_operator) {
                Some(op) => ops.push(op),
                None => return Err(expected(vm, "cmpop", &op)),
            }
        }
        let comparators = self.children(vm, node, KIND, "comparators")?;
        if comparators.is_empty() {
            return Err(vm.value_error("Compare with no comparators"));
        }
        if comparators.len() != ops.len() {
            return Err(
                vm.value_error("Compare has a different number of comparators and operands")
            );
        }
        Ok(Expr::Compare(ast::ExprCompare {
            node_index: Default::default(),
            range,
            left,
            ops: ops.into(),
            comparators: comparators.into(),
        }))
    }

    /// Names, displays, comprehensions, strings, constants.
    fn display(&mut self, vm: &mut Vm, node: &Value, kind: &str, range: TextRange) -> Py<Expr> {
        let node_index = Default::default();
        Ok(match kind {
            "Name" => Expr::Name(ast::ExprName {
                node_index,
                range,
                id: self.identifier(vm, node, (kind, "id"), range)?.id,
                ctx: self.context(vm, node, kind)?,
            }),
            "Starred" => {
                let ctx = self.context(vm, node, kind)?;
                let value = self.required(vm, node, kind, "value")?;
                let value = self.expr(vm, &value)?;
                check_context(vm, &value, ctx)?;
                Expr::Starred(ast::ExprStarred {
                    node_index,
                    range,
                    value: Box::new(value),
                    ctx,
                })
            }
            "List" => {
                let ctx = self.context(vm, node, kind)?;
                let elts = self.in_context(vm, node, (kind, "elts"), ctx)?;
                Expr::List(ast::ExprList {
                    node_index,
                    range,
                    elts,
                    ctx,
                })
            }
            "Tuple" => {
                let ctx = self.context(vm, node, kind)?;
                let elts = self.in_context(vm, node, (kind, "elts"), ctx)?;
                Expr::Tuple(ast::ExprTuple {
                    node_index,
                    range,
                    elts,
                    ctx,
                    parenthesized: true,
                })
            }
            "Set" => Expr::Set(ast::ExprSet {
                node_index,
                range,
                elts: self.children(vm, node, kind, "elts")?,
            }),
            "Dict" => self.dict(vm, node, range)?,
            "ListComp" => Expr::ListComp(ast::ExprListComp {
                node_index,
                range,
                elt: self.child(vm, node, kind, "elt")?,
                generators: self.generators(vm, node, kind, range)?,
            }),
            "SetComp" => Expr::SetComp(ast::ExprSetComp {
                node_index,
                range,
                elt: self.child(vm, node, kind, "elt")?,
                generators: self.generators(vm, node, kind, range)?,
            }),
            "GeneratorExp" => Expr::Generator(ast::ExprGenerator {
                node_index,
                range,
                elt: self.child(vm, node, kind, "elt")?,
                generators: self.generators(vm, node, kind, range)?,
                parenthesized: true,
            }),
            "DictComp" => Expr::DictComp(ast::ExprDictComp {
                node_index,
                range,
                key: Some(self.child(vm, node, kind, "key")?),
                value: self.child(vm, node, kind, "value")?,
                generators: self.generators(vm, node, kind, range)?,
            }),
            "Constant" => {
                let value = match vm.get_attr_opt(node, &taipan_core::str_object::name("value"))? {
                    Some(value) => value,
                    None => self.required(vm, node, kind, "value")?,
                };
                self.constant(vm, &value, range)?
            }
            "TemplateStr" => {
                let elements = self.pieces(vm, node, kind)?;
                Expr::TString(ast::ExprTString {
                    node_index,
                    range,
                    value: ast::TStringValue::single(ast::TString {
                        range,
                        node_index: Default::default(),
                        elements: elements.into(),
                        flags: ast::TStringFlags::empty(),
                    }),
                })
            }
            "JoinedStr" => {
                let elements = self.pieces(vm, node, kind)?;
                f_string(elements, range)
            }
            // A field outside of a string is a string of that field alone.
            _ => {
                let field = self.interpolation(vm, node, kind, range)?;
                f_string(vec![field], range)
            }
        })
    }

    fn dict(&mut self, vm: &mut Vm, node: &Value, range: TextRange) -> Py<Expr> {
        const KIND: &str = "Dict";
        let keys = self.items(vm, node, KIND, "keys")?;
        let values = self.children(vm, node, KIND, "values")?;
        if keys.len() != values.len() {
            return Err(vm.value_error("Dict doesn't have the same number of keys as values"));
        }
        let mut items = Vec::with_capacity(values.len());
        for (key, value) in keys.iter().zip(values) {
            let key = if key.is_none() {
                None
            } else {
                Some(self.loaded(vm, key)?)
            };
            items.push(ast::DictItem { key, value });
        }
        Ok(Expr::Dict(ast::ExprDict {
            node_index: Default::default(),
            range,
            items,
        }))
    }

    /// The parts of a string with fields.
    fn pieces(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
    ) -> Py<Vec<ast::InterpolatedStringElement>> {
        let mut row = Vec::new();
        for item in self.items(vm, node, kind, "values")? {
            row.extend(self.piece(vm, &item)?);
        }
        Ok(row)
    }

    fn piece(&mut self, vm: &mut Vm, item: &Value) -> Py<Vec<ast::InterpolatedStringElement>> {
        let kind = self.kind(item).unwrap_or("");
        match kind {
            "Constant" => {
                let range = self.range(vm, item, "expr")?;
                let value = self.required(vm, item, kind, "value")?;
                if let Some(text) = str_of(&value) {
                    return Ok(vec![ast::InterpolatedStringElement::Literal(
                        ast::InterpolatedStringLiteralElement {
                            range,
                            node_index: Default::default(),
                            value: text.to_lossy().into(),
                        },
                    )]);
                }
            }
            "FormattedValue" | "Interpolation" => {
                let range = self.range(vm, item, "expr")?;
                return Ok(vec![self.interpolation(vm, item, kind, range)?]);
            }
            "JoinedStr" => return self.pieces(vm, item, kind),
            _ => {}
        }
        let expression = Box::new(self.loaded(vm, item)?);
        Ok(vec![ast::InterpolatedStringElement::Interpolation(
            ast::InterpolatedElement {
                range: expression.range(),
                node_index: Default::default(),
                expression,
                debug_text: None,
                conversion: ConversionFlag::None,
                format_spec: None,
            },
        )])
    }

    fn interpolation(
        &mut self,
        vm: &mut Vm,
        node: &Value,
        kind: &str,
        range: TextRange,
    ) -> Py<ast::InterpolatedStringElement> {
        let expression = self.child(vm, node, kind, "value")?;
        let conversion = self.required(vm, node, kind, "conversion")?;
        let conversion = match self.int(vm, &conversion)? {
            -1 => ConversionFlag::None,
            115 => ConversionFlag::Str,
            114 => ConversionFlag::Repr,
            97 => ConversionFlag::Ascii,
            other => {
                let message = format!("Unrecognized conversion character {other}");
                return Err(vm.system_error(message));
            }
        };
        let debug_text = if kind == "Interpolation" {
            let text = self.required(vm, node, kind, "str")?;
            let text = vm.str_string(&text)?;
            Some(ast::DebugText::new("", &text, ""))
        } else {
            None
        };
        let format_spec = match self.optional(vm, node, "format_spec")? {
            Some(spec) => {
                let place = self.range(vm, &spec, "expr")?;
                Some(Box::new(ast::InterpolatedStringFormatSpec {
                    range: place,
                    node_index: Default::default(),
                    elements: self.piece(vm, &spec)?.into(),
                }))
            }
            None => None,
        };
        Ok(ast::InterpolatedStringElement::Interpolation(
            ast::InterpolatedElement {
                range,
                node_index: Default::default(),
                expression,
                debug_text,
                conversion,
                format_spec,
            },
        ))
    }

    fn constant(&mut self, vm: &mut Vm, value: &Value, range: TextRange) -> Py<Expr> {
        let node_index = Default::default();
        if value.is_none() {
            return Ok(Expr::NoneLiteral(ast::ExprNoneLiteral {
                node_index,
                range,
            }));
        }
        if value.is_true() || value.is_false() {
            let value = value.is_true();
            return Ok(Expr::BooleanLiteral(ast::ExprBooleanLiteral {
                node_index,
                range,
                value,
            }));
        }
        if value.is(&Value::ellipsis()) {
            return Ok(Expr::EllipsisLiteral(ast::ExprEllipsisLiteral {
                node_index,
                range,
            }));
        }
        let number = |value| {
            Expr::NumberLiteral(ast::ExprNumberLiteral {
                node_index: Default::default(),
                range,
                value,
            })
        };
        if value.is_exact(&types::INT) {
            return self.int_constant(vm, value, range);
        }
        if value.is_exact(&types::FLOAT) {
            return Ok(number(ast::Number::Float(
                value.as_float().unwrap_or_default(),
            )));
        }
        if value.is_exact(&types::COMPLEX) {
            let (real, imag) = complex::parts_of(value).unwrap_or_default();
            return Ok(number(ast::Number::Complex { real, imag }));
        }
        if value.is_exact(&types::STR) {
            let text = str_of(value).and_then(|text| text.to_utf8());
            let Some(text) = text else {
                return Err(vm.value_error("surrogates not allowed in a constant of a tree"));
            };
            return Ok(Expr::StringLiteral(ast::ExprStringLiteral {
                node_index,
                range,
                value: ast::StringLiteralValue::single(ast::StringLiteral {
                    range,
                    node_index: Default::default(),
                    value: text.into(),
                    flags: ast::StringLiteralFlags::empty(),
                }),
            }));
        }
        if value.is_exact(&types::BYTES) {
            return Ok(Expr::BytesLiteral(ast::ExprBytesLiteral {
                node_index,
                range,
                value: ast::BytesLiteralValue::single(ast::BytesLiteral {
                    range,
                    node_index: Default::default(),
                    value: bytes::bytes_of(value).unwrap_or(&[]).into(),
                    flags: ast::BytesLiteralFlags::empty(),
                }),
            }));
        }
        if value.is_exact(&types::TUPLE) {
            vm.check_stack()?;
            let mut elts = Vec::new();
            for item in tuple_object::items(value).unwrap_or(&[]) {
                elts.push(self.constant(vm, item, range)?);
            }
            let ctx = ExprContext::Load;
            return Ok(Expr::Tuple(ast::ExprTuple {
                node_index,
                range,
                elts,
                ctx,
                parenthesized: true,
            }));
        }
        let got = value.type_of().name();
        Err(vm.type_error(format!("got an invalid type in Constant: {got}")))
    }

    /// The tree's numbers have no sign: a negative one is an operation.
    fn int_constant(&mut self, vm: &mut Vm, value: &Value, range: TextRange) -> Py<Expr> {
        let big = value.as_big().unwrap_or_default();
        let negative = big.sign() == dashu_int::Sign::Negative;
        let (_, magnitude) = big.into_parts();
        let int = match u64::try_from(&magnitude) {
            Ok(small) => ast::Int::from(small),
            Err(_) => {
                let digits = magnitude.in_radix(16).to_string();
                match ast::Int::from_str_radix(&digits, 16, &format!("0x{digits}")) {
                    Ok(int) => int,
                    Err(_) => return Err(vm.value_error("invalid integer constant")),
                }
            }
        };
        let literal = Expr::NumberLiteral(ast::ExprNumberLiteral {
            node_index: Default::default(),
            range,
            value: ast::Number::Int(int),
        });
        if !negative {
            return Ok(literal);
        }
        Ok(Expr::UnaryOp(ast::ExprUnaryOp {
            node_index: Default::default(),
            range,
            op: UnaryOp::USub,
            operand: Box::new(literal),
        }))
    }

    fn patterns(&mut self, vm: &mut Vm, node: &Value, kind: &str, field: &str) -> Py<Vec<Pattern>> {
        let mut row = Vec::new();
        for item in self.items(vm, node, kind, field)? {
            row.push(self.pattern(vm, &item)?);
        }
        Ok(row)
    }

    pub(super) fn pattern(&mut self, vm: &mut Vm, node: &Value) -> Py<Pattern> {
        vm.check_stack()?;
        let kind = self.kind(node).unwrap_or("");
        if !kind.starts_with("Match") || kind == "Match" {
            return Err(expected(vm, "pattern", node));
        }
        let range = self.range(vm, node, "pattern")?;
        let node_index = Default::default();
        Ok(match kind {
            "MatchValue" => Pattern::MatchValue(ast::PatternMatchValue {
                node_index,
                range,
                value: self.child(vm, node, kind, "value")?,
            }),
            "MatchSingleton" => {
                let value = vm.get_attr(node, &taipan_core::str_object::name("value"))?;
                let value = if value.is_none() {
                    ast::Singleton::None
                } else if value.is_true() || value.is_false() {
                    ast::Singleton::from(value.is_true())
                } else {
                    return Err(
                        vm.value_error("MatchSingleton can only contain True, False and None")
                    );
                };
                Pattern::MatchSingleton(ast::PatternMatchSingleton {
                    node_index,
                    range,
                    value,
                })
            }
            "MatchSequence" => Pattern::MatchSequence(ast::PatternMatchSequence {
                node_index,
                range,
                patterns: self.patterns(vm, node, kind, "patterns")?,
            }),
            "MatchMapping" => {
                let keys = self.children(vm, node, kind, "keys")?;
                let patterns = self.patterns(vm, node, kind, "patterns")?;
                if keys.len() != patterns.len() {
                    return Err(vm.value_error(
                        "MatchMapping doesn't have the same number of keys as patterns",
                    ));
                }
                Pattern::MatchMapping(ast::PatternMatchMapping {
                    node_index,
                    range,
                    keys: keys.into(),
                    patterns: patterns.into(),
                    rest: self.optional_identifier(vm, node, "rest", range)?,
                })
            }
            "MatchClass" => self.class_pattern(vm, node, range)?,
            "MatchStar" => Pattern::MatchStar(ast::PatternMatchStar {
                node_index,
                range,
                name: self.optional_identifier(vm, node, "name", range)?,
            }),
            "MatchAs" => {
                let inner = match self.optional(vm, node, "pattern")? {
                    Some(inner) => Some(Box::new(self.pattern(vm, &inner)?)),
                    None => None,
                };
                let name = self.optional_identifier(vm, node, "name", range)?;
                if inner.is_some() && name.is_none() {
                    return Err(
                        vm.value_error("MatchAs must specify a target name if a pattern is given")
                    );
                }
                Pattern::MatchAs(ast::PatternMatchAs {
                    node_index,
                    range,
                    pattern: inner,
                    name,
                })
            }
            _ => {
                let patterns = self.patterns(vm, node, kind, "patterns")?;
                if patterns.len() < 2 {
                    return Err(vm.value_error("MatchOr requires at least 2 patterns"));
                }
                Pattern::MatchOr(ast::PatternMatchOr {
                    node_index,
                    range,
                    patterns,
                })
            }
        })
    }

    fn class_pattern(&mut self, vm: &mut Vm, node: &Value, range: TextRange) -> Py<Pattern> {
        const KIND: &str = "MatchClass";
        let cls = self.child(vm, node, KIND, "cls")?;
        let patterns = self.patterns(vm, node, KIND, "patterns")?;
        let names = self.items(vm, node, KIND, "kwd_attrs")?;
        let values = self.patterns(vm, node, KIND, "kwd_patterns")?;
        if names.len() != values.len() {
            return Err(vm.value_error(
                "MatchClass doesn't have the same number of keyword attributes as patterns",
            ));
        }
        let mut keywords = Vec::new();
        for (name, pattern) in names.iter().zip(values) {
            keywords.push(ast::PatternKeyword {
                range,
                node_index: Default::default(),
                attr: ast::Identifier::new(self.text(vm, name)?, range),
                pattern,
            });
        }
        Ok(Pattern::MatchClass(ast::PatternMatchClass {
            node_index: Default::default(),
            range,
            cls,
            arguments: ast::PatternArguments {
                range,
                node_index: Default::default(),
                patterns: patterns.into(),
                keywords,
            },
        }))
    }
}

fn f_string(elements: Vec<ast::InterpolatedStringElement>, range: TextRange) -> Expr {
    Expr::FString(ast::ExprFString {
        node_index: Default::default(),
        range,
        value: ast::FStringValue::single(ast::FString {
            range,
            node_index: Default::default(),
            elements: elements.into(),
            flags: ast::FStringFlags::empty(),
        }),
    })
}
