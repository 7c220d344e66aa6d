//! Expressions back to text, in the normal form that stringified annotations have.

use taipan_bytecode::Constant;
use taipan_bytecode::disassemble::constant_text;
use taipan_syntax::ast::{
    self, AnyStringFlags, BoolOp, CmpOp, ConversionFlag, Expr, FStringPart,
    InterpolatedStringElement, Operator, UnaryOp,
};

use crate::context::{Context, with_stack};
use crate::fold;

/// How tightly an operator binds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Tuple,
    Test,
    Or,
    And,
    Not,
    Compare,
    BitOr,
    BitXor,
    BitAnd,
    Shift,
    Arith,
    Term,
    Factor,
    Power,
    Await,
    Atom,
}

impl Level {
    fn next(self) -> Level {
        use Level::*;
        match self {
            Tuple => Test,
            Test => Or,
            Or => And,
            And => Not,
            Not => Compare,
            Compare => BitOr,
            BitOr => BitXor,
            BitXor => BitAnd,
            BitAnd => Shift,
            Shift => Arith,
            Arith => Term,
            Term => Factor,
            Factor => Power,
            Power => Await,
            Await | Atom => Atom,
        }
    }
}

/// The text of an expression, as WTF-8.
pub(crate) fn expression(context: &Context<'_>, e: &Expr) -> Vec<u8> {
    let mut writer = Writer {
        context,
        out: Vec::new(),
    };
    writer.expr(e, Level::Test);
    writer.out
}

struct Writer<'a> {
    context: &'a Context<'a>,
    out: Vec<u8>,
}

fn operator(op: Operator) -> (&'static str, Level) {
    match op {
        Operator::Add => (" + ", Level::Arith),
        Operator::Sub => (" - ", Level::Arith),
        Operator::Mult => (" * ", Level::Term),
        Operator::MatMult => (" @ ", Level::Term),
        Operator::Div => (" / ", Level::Term),
        Operator::Mod => (" % ", Level::Term),
        Operator::FloorDiv => (" // ", Level::Term),
        Operator::LShift => (" << ", Level::Shift),
        Operator::RShift => (" >> ", Level::Shift),
        Operator::BitOr => (" | ", Level::BitOr),
        Operator::BitXor => (" ^ ", Level::BitXor),
        Operator::BitAnd => (" & ", Level::BitAnd),
        Operator::Pow => (" ** ", Level::Power),
    }
}

fn comparison(op: CmpOp) -> &'static str {
    match op {
        CmpOp::Eq => " == ",
        CmpOp::NotEq => " != ",
        CmpOp::Lt => " < ",
        CmpOp::LtE => " <= ",
        CmpOp::Gt => " > ",
        CmpOp::GtE => " >= ",
        CmpOp::Is => " is ",
        CmpOp::IsNot => " is not ",
        CmpOp::In => " in ",
        CmpOp::NotIn => " not in ",
    }
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn grouped(&mut self, group: bool, write: impl FnOnce(&mut Self)) {
        if group {
            self.put("(");
        }
        write(self);
        if group {
            self.put(")");
        }
    }

    fn list(&mut self, elts: &[Expr]) {
        for (i, elt) in elts.iter().enumerate() {
            if i > 0 {
                self.put(", ");
            }
            self.expr(elt, Level::Test);
        }
    }

    fn expr(&mut self, e: &Expr, level: Level) {
        with_stack(|| self.expr_here(e, level));
    }

    fn expr_here(&mut self, e: &Expr, level: Level) {
        match e {
            Expr::Name(name) => self.put(&name.id),
            Expr::EllipsisLiteral(_) => self.put("..."),
            Expr::Attribute(a) => {
                self.expr(&a.value, Level::Atom);
                // `1 .real` needs the blank.
                let int = matches!(&*a.value, Expr::NumberLiteral(n) if n.value.is_int());
                self.put(if int { " ." } else { "." });
                self.put(&a.attr);
            }
            Expr::Subscript(s) => {
                self.expr(&s.value, Level::Atom);
                self.put("[");
                self.expr(&s.slice, Level::Tuple);
                self.put("]");
            }
            Expr::Slice(s) => {
                self.optional(s.lower.as_deref());
                self.put(":");
                self.optional(s.upper.as_deref());
                if let Some(step) = &s.step {
                    self.put(":");
                    self.expr(step, Level::Test);
                }
            }
            Expr::Starred(s) => {
                self.put("*");
                self.expr(&s.value, Level::BitOr);
            }
            Expr::Tuple(t) => self.tuple(&t.elts, level),
            Expr::List(l) => {
                self.put("[");
                self.list(&l.elts);
                self.put("]");
            }
            Expr::Set(s) => {
                self.put("{");
                self.list(&s.elts);
                self.put("}");
            }
            Expr::Dict(d) => self.dict(d),
            Expr::Call(c) => self.call(c),
            Expr::BoolOp(_)
            | Expr::BinOp(_)
            | Expr::UnaryOp(_)
            | Expr::Compare(_)
            | Expr::If(_) => {
                self.operation(e, level);
            }
            Expr::Lambda(_)
            | Expr::Named(_)
            | Expr::Await(_)
            | Expr::Yield(_)
            | Expr::YieldFrom(_) => {
                self.keyword_expr(e, level);
            }
            Expr::ListComp(c) => self.comprehension("[", None, &c.elt, &c.generators, "]"),
            Expr::SetComp(c) => self.comprehension("{", None, &c.elt, &c.generators, "}"),
            Expr::Generator(c) => self.comprehension("(", None, &c.elt, &c.generators, ")"),
            Expr::DictComp(c) => {
                self.comprehension("{", c.key.as_deref(), &c.value, &c.generators, "}")
            }
            Expr::FString(f) => self.f_string(f),
            Expr::TString(t) => {
                self.put("t");
                let mut body = Writer {
                    context: self.context,
                    out: Vec::new(),
                };
                for part in &t.value {
                    body.elements(&part.elements, part.flags.into());
                }
                self.quoted(body.out);
            }
            _ => match fold::fold(self.context, e, 0) {
                Ok(Some(value)) => self.constant(&value),
                _ => self.put("..."),
            },
        }
    }

    fn constant(&mut self, value: &Constant) {
        // Infinity is written as a number that is one.
        let text = constant_text(value).replace("inf", "1e309");
        match value {
            Constant::Float(_) | Constant::Complex(..) => self.put(&text),
            _ => {
                let text = constant_text(value);
                self.put(&text);
            }
        }
    }

    fn optional(&mut self, e: Option<&Expr>) {
        if let Some(e) = e {
            self.expr(e, Level::Test);
        }
    }

    fn tuple(&mut self, elts: &[Expr], level: Level) {
        if elts.is_empty() {
            return self.put("()");
        }
        self.grouped(level > Level::Tuple, |w| {
            w.list(elts);
            if elts.len() == 1 {
                w.put(",");
            }
        });
    }

    fn dict(&mut self, d: &ast::ExprDict) {
        self.put("{");
        for (i, item) in d.items.iter().enumerate() {
            if i > 0 {
                self.put(", ");
            }
            match &item.key {
                Some(key) => {
                    self.expr(key, Level::Test);
                    self.put(": ");
                    self.expr(&item.value, Level::Test);
                }
                None => {
                    self.put("**");
                    self.expr(&item.value, Level::BitOr);
                }
            }
        }
        self.put("}");
    }

    fn call(&mut self, c: &ast::ExprCall) {
        self.expr(&c.func, Level::Atom);
        if let ([Expr::Generator(_)], true) = (&*c.arguments.args, c.arguments.keywords.is_empty())
        {
            return self.expr(&c.arguments.args[0], Level::Test);
        }
        self.put("(");
        self.list(&c.arguments.args);
        for (i, keyword) in c.arguments.keywords.iter().enumerate() {
            if i > 0 || !c.arguments.args.is_empty() {
                self.put(", ");
            }
            match &keyword.arg {
                Some(arg) => {
                    self.put(arg);
                    self.put("=");
                }
                None => self.put("**"),
            }
            self.expr(&keyword.value, Level::Test);
        }
        self.put(")");
    }

    fn operation(&mut self, e: &Expr, level: Level) {
        match e {
            Expr::BoolOp(b) => {
                let (text, own) = if b.op == BoolOp::And {
                    (" and ", Level::And)
                } else {
                    (" or ", Level::Or)
                };
                self.grouped(level > own, |w| {
                    for (i, value) in b.values.iter().enumerate() {
                        if i > 0 {
                            w.put(text);
                        }
                        w.expr(value, own.next());
                    }
                });
            }
            Expr::BinOp(b) => {
                let (text, own) = operator(b.op);
                let power = b.op == Operator::Pow;
                self.grouped(level > own, |w| {
                    w.expr(&b.left, if power { own.next() } else { own });
                    w.put(text);
                    w.expr(&b.right, if power { own } else { own.next() });
                });
            }
            Expr::UnaryOp(u) => {
                let (text, own) = match u.op {
                    UnaryOp::Not => ("not ", Level::Not),
                    UnaryOp::Invert => ("~", Level::Factor),
                    UnaryOp::UAdd => ("+", Level::Factor),
                    UnaryOp::USub => ("-", Level::Factor),
                };
                self.grouped(level > own, |w| {
                    w.put(text);
                    w.expr(&u.operand, own);
                });
            }
            Expr::Compare(c) => self.grouped(level > Level::Compare, |w| {
                w.expr(&c.left, Level::BitOr);
                for (op, right) in c.ops.iter().zip(&c.comparators) {
                    w.put(comparison(*op));
                    w.expr(right, Level::BitOr);
                }
            }),
            Expr::If(i) => self.grouped(level > Level::Test, |w| {
                w.expr(&i.body, Level::Or);
                w.put(" if ");
                w.expr(&i.test, Level::Or);
                w.put(" else ");
                w.expr(&i.orelse, Level::Test);
            }),
            _ => {}
        }
    }

    fn keyword_expr(&mut self, e: &Expr, level: Level) {
        match e {
            Expr::Lambda(l) => self.grouped(level > Level::Test, |w| {
                w.put("lambda");
                if let Some(parameters) = &l.parameters
                    && !parameters.is_empty()
                {
                    w.put(" ");
                    w.parameters(parameters);
                }
                w.put(": ");
                w.expr(&l.body, Level::Test);
            }),
            Expr::Named(n) => self.grouped(level > Level::Tuple, |w| {
                w.expr(&n.target, Level::Atom);
                w.put(" := ");
                w.expr(&n.value, Level::Atom);
            }),
            Expr::Await(a) => self.grouped(level > Level::Await, |w| {
                w.put("await ");
                w.expr(&a.value, Level::Atom);
            }),
            Expr::Yield(y) => match &y.value {
                None => self.put("(yield)"),
                Some(value) => {
                    self.put("(yield ");
                    self.expr(value, Level::Test);
                    self.put(")");
                }
            },
            Expr::YieldFrom(y) => {
                self.put("(yield from ");
                self.expr(&y.value, Level::Test);
                self.put(")");
            }
            _ => {}
        }
    }

    fn parameters(&mut self, p: &ast::Parameters) {
        let mut first = true;
        let mut comma = |w: &mut Self| {
            if !std::mem::take(&mut first) {
                w.put(", ");
            }
        };
        let parameter = |w: &mut Self, p: &ast::ParameterWithDefault| {
            w.put(p.name());
            if let Some(default) = &p.default {
                w.put("=");
                w.expr(default, Level::Test);
            }
        };
        for (i, p1) in p.posonlyargs.iter().enumerate() {
            comma(self);
            parameter(self, p1);
            if i + 1 == p.posonlyargs.len() {
                self.put(", /");
            }
        }
        for p1 in &p.args {
            comma(self);
            parameter(self, p1);
        }
        if p.vararg.is_some() || !p.kwonlyargs.is_empty() {
            comma(self);
            self.put("*");
            if let Some(vararg) = &p.vararg {
                self.put(&vararg.name);
            }
        }
        for p1 in &p.kwonlyargs {
            comma(self);
            parameter(self, p1);
        }
        if let Some(kwarg) = &p.kwarg {
            comma(self);
            self.put("**");
            self.put(&kwarg.name);
        }
    }

    fn comprehension(
        &mut self,
        open: &str,
        key: Option<&Expr>,
        elt: &Expr,
        generators: &[ast::Comprehension],
        close: &str,
    ) {
        self.put(open);
        if let Some(key) = key {
            self.expr(key, Level::Test);
            self.put(": ");
        }
        self.expr(elt, Level::Test);
        for generator in generators {
            self.put(if generator.is_async {
                " async for "
            } else {
                " for "
            });
            self.expr(&generator.target, Level::Tuple);
            self.put(" in ");
            self.expr(&generator.iter, Level::Or);
            for condition in &generator.ifs {
                self.put(" if ");
                self.expr(condition, Level::Or);
            }
        }
        self.put(close);
    }

    fn quoted(&mut self, body: Vec<u8>) {
        let text = constant_text(&Constant::Str(body.into()));
        self.put(&text);
    }

    fn f_string(&mut self, f: &ast::ExprFString) {
        self.put("f");
        let mut body = Writer {
            context: self.context,
            out: Vec::new(),
        };
        for part in &f.value {
            match part {
                FStringPart::Literal(literal) => {
                    if let Ok(text) = fold::string_part(self.context, literal) {
                        body.escaped(&text);
                    }
                }
                FStringPart::FString(string) => {
                    body.elements(&string.elements, string.flags.into())
                }
            }
        }
        self.quoted(body.out);
    }

    fn escaped(&mut self, text: &[u8]) {
        for &byte in text {
            self.out.push(byte);
            if matches!(byte, b'{' | b'}') {
                self.out.push(byte);
            }
        }
    }

    fn elements(&mut self, elements: &[InterpolatedStringElement], flags: AnyStringFlags) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => {
                    if let Ok(text) = fold::middle_text(self.context, literal, flags) {
                        self.escaped(&text);
                    }
                }
                InterpolatedStringElement::Interpolation(field) => {
                    if let Some(debug) = &field.debug_text {
                        self.escaped(debug.as_str().as_bytes());
                    }
                    let mut inner = Writer {
                        context: self.context,
                        out: Vec::new(),
                    };
                    inner.expr(&field.expression, Level::Test.next());
                    let brace = inner.out.first() == Some(&b'{');
                    self.put(if brace { "{ " } else { "{" });
                    self.out.extend(inner.out);
                    let implied = field.debug_text.is_some() && field.format_spec.is_none();
                    match field.conversion {
                        ConversionFlag::None if !implied => {}
                        ConversionFlag::None | ConversionFlag::Repr => self.put("!r"),
                        ConversionFlag::Str => self.put("!s"),
                        ConversionFlag::Ascii => self.put("!a"),
                    }
                    if let Some(spec) = &field.format_spec {
                        self.put(":");
                        self.elements(&spec.elements, flags);
                    }
                    self.put("}");
                }
            }
        }
    }
}
