//! Constant expressions: their values, within CPython's limits of size.

use std::collections::HashSet;
use std::sync::Arc;

use dashu_int::IBig;
use dashu_int::ops::BitTest;
use taipan_bytecode::Constant;
use taipan_bytecode::code::BigInt;
use taipan_syntax::ast::{self, AnyStringFlags, Expr, Number, Operator, UnaryOp};
use taipan_syntax::{Ranged, decode_bytes_literal, decode_middle, decode_string_literal};

use crate::context::{Context, Failure, Places, with_stack};

type Result<T> = std::result::Result<T, Failure>;

const MAX_INT_BITS: usize = 128;
const MAX_COLLECTION: usize = 256;
const MAX_STR: usize = 4096;
const MAX_DIGITS: usize = 4300;

/// Nodes known not to be constant, so that a long chain is looked at once.
pub type NotConstant = std::cell::RefCell<HashSet<usize>>;

/// The value of an expression, if it is constant.
pub fn fold(context: &Context<'_>, e: &Expr, optimize: u8) -> Result<Option<Constant>> {
    Ok(match e {
        Expr::NoneLiteral(_) => Some(Constant::None),
        Expr::BooleanLiteral(b) => Some(Constant::Bool(b.value)),
        Expr::EllipsisLiteral(_) => Some(Constant::Ellipsis),
        Expr::NumberLiteral(n) => Some(number(n)?),
        Expr::StringLiteral(s) => Some(Constant::Str(string(context, s)?.into())),
        Expr::BytesLiteral(s) => Some(Constant::Bytes(bytes(context, s)?.into())),
        Expr::Name(name) if name.id == "__debug__" && name.ctx.is_load() => {
            Some(Constant::Bool(optimize == 0))
        }
        Expr::UnaryOp(_)
        | Expr::BinOp(_)
        | Expr::Tuple(_)
        | Expr::Subscript(_)
        | Expr::Slice(_) => {
            let key = std::ptr::from_ref(e) as usize;
            if context.not_constant.borrow().contains(&key) {
                return Ok(None);
            }
            let value = with_stack(|| fold_operation(context, e, optimize))?;
            if value.is_none() {
                context.not_constant.borrow_mut().insert(key);
            }
            value
        }
        _ => None,
    })
}

fn fold_operation(context: &Context<'_>, e: &Expr, optimize: u8) -> Result<Option<Constant>> {
    Ok(match e {
        Expr::UnaryOp(u) => {
            fold(context, &u.operand, optimize)?.and_then(|value| unary(u.op, &value))
        }
        Expr::BinOp(b) => {
            let Some(right) = fold(context, &b.right, optimize)? else {
                return Ok(None);
            };
            let Some(left) = fold(context, &b.left, optimize)? else {
                return Ok(None);
            };
            binary(b.op, &left, &right)
        }
        Expr::Tuple(t) if t.ctx.is_load() => {
            constants(context, &t.elts, optimize)?.map(Constant::Tuple)
        }
        Expr::Subscript(s) if s.ctx.is_load() => {
            let Some(index) = fold(context, &s.slice, optimize)? else {
                return Ok(None);
            };
            fold(context, &s.value, optimize)?.and_then(|value| subscript(&value, &index))
        }
        Expr::Slice(s) => {
            let mut parts = [Constant::None, Constant::None, Constant::None];
            for (part, bound) in parts.iter_mut().zip([&s.lower, &s.upper, &s.step]) {
                if let Some(bound) = bound {
                    let Some(value) = fold(context, bound, optimize)? else {
                        return Ok(None);
                    };
                    *part = value;
                }
            }
            Some(Constant::Slice(Arc::new(parts)))
        }
        _ => None,
    })
}

/// The values of several expressions if all are constant.
pub fn constants(
    context: &Context<'_>,
    elts: &[Expr],
    optimize: u8,
) -> Result<Option<Arc<[Constant]>>> {
    let mut values = Vec::with_capacity(elts.len());
    for elt in elts {
        match fold(context, elt, optimize)? {
            Some(value) => values.push(value),
            None => return Ok(None),
        }
    }
    Ok(Some(values.into()))
}

// ---- literals ----

fn number(n: &ast::ExprNumberLiteral) -> Result<Constant> {
    Ok(match &n.value {
        Number::Float(f) => Constant::float(*f),
        Number::Complex { real, imag } => Constant::Complex(real.to_bits(), imag.to_bits()),
        Number::Int(int) => match int.as_i64() {
            Some(small) => Constant::Int(small),
            None => big_literal(&int.to_string(), n)?,
        },
    })
}

fn big_literal(text: &str, n: &ast::ExprNumberLiteral) -> Result<Constant> {
    let text = text.replace('_', "").to_ascii_lowercase();
    let (digits, radix) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0o") => (&text[2..], 8),
        Some("0b") => (&text[2..], 2),
        _ => (&text[..], 10),
    };
    if radix == 10 && digits.len() > MAX_DIGITS {
        let message = format!(
            "Exceeds the limit ({MAX_DIGITS} digits) for integer string conversion: value has {} digits; \
             use sys.set_int_max_str_digits() to increase the limit - Consider hexadecimal for huge \
             integer literals to avoid decimal conversion limits.",
            digits.len()
        );
        return Err(Failure::new(message, n.range));
    }
    match IBig::from_str_radix(digits, radix) {
        Ok(value) => Ok(from_int(&value)),
        Err(_) => Err(Failure::new("invalid decimal literal", n.range)),
    }
}

/// Text of one part of a string literal.
pub fn string_part(context: &Context<'_>, part: &ast::StringLiteral) -> Result<Vec<u8>> {
    if let Places::Table(_) = context.source.places {
        return Ok(part.value.as_bytes().to_vec());
    }
    match decode_string_literal(
        context.source.text,
        part.range,
        AnyStringFlags::from(part.flags),
    ) {
        Ok(value) => Ok(value.into_bytes()),
        Err(error) => Err(Failure::new(error.message(), part.range)),
    }
}

/// Text between the fields of an f-string or t-string.
pub fn middle_text(
    context: &Context<'_>,
    part: &ast::InterpolatedStringLiteralElement,
    flags: AnyStringFlags,
) -> Result<Vec<u8>> {
    if let Places::Table(_) = context.source.places {
        return Ok(part.value.as_bytes().to_vec());
    }
    match decode_middle(context.source.text, part.range, flags) {
        Ok(value) => Ok(value.into_bytes()),
        Err(error) => Err(Failure::new(error.message(), part.range)),
    }
}

fn string(context: &Context<'_>, s: &ast::ExprStringLiteral) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    for part in s.value.as_slice() {
        text.extend(string_part(context, part)?);
    }
    Ok(text)
}

fn bytes(context: &Context<'_>, s: &ast::ExprBytesLiteral) -> Result<Vec<u8>> {
    let mut all = Vec::new();
    for part in &s.value {
        if let Places::Table(_) = context.source.places {
            all.extend_from_slice(&part.value);
            continue;
        }
        match decode_bytes_literal(
            context.source.text,
            part.range(),
            AnyStringFlags::from(part.flags),
        ) {
            Ok(value) => all.extend(value),
            Err(error) => return Err(Failure::new(error.message(), part.range())),
        }
    }
    Ok(all)
}

// ---- values ----

fn to_int(value: &Constant) -> Option<IBig> {
    Some(match value {
        Constant::Int(i) => IBig::from(*i),
        Constant::Bool(b) => IBig::from(u8::from(*b)),
        Constant::BigInt(big) => {
            let magnitude = IBig::from(dashu_int::UBig::from_le_bytes(&big.magnitude));
            if big.negative { -magnitude } else { magnitude }
        }
        _ => return None,
    })
}

/// The constant of an int.
pub fn from_int(value: &IBig) -> Constant {
    if let Ok(small) = i64::try_from(value) {
        return Constant::Int(small);
    }
    let (sign, magnitude) = value.clone().into_parts();
    let mut bytes = magnitude.to_le_bytes().to_vec();
    while bytes.last() == Some(&0) {
        bytes.pop();
    }
    Constant::BigInt(BigInt {
        negative: sign == dashu_int::Sign::Negative,
        magnitude: bytes.into(),
    })
}

fn bits(value: &IBig) -> usize {
    value.bit_len()
}

/// The float of an int or float, where the conversion is exact beyond doubt.
fn to_float(value: &Constant) -> Option<f64> {
    match value {
        Constant::Float(bits) => Some(f64::from_bits(*bits)),
        Constant::Int(i) if i.unsigned_abs() <= 1 << 53 => Some(*i as f64),
        Constant::Bool(b) => Some(f64::from(u8::from(*b))),
        _ => None,
    }
}

fn to_complex(value: &Constant) -> Option<(f64, f64)> {
    match value {
        Constant::Complex(re, im) => Some((f64::from_bits(*re), f64::from_bits(*im))),
        _ => None,
    }
}

/// Whether a constant counts as true.
pub fn truth(value: &Constant) -> bool {
    match value {
        Constant::None => false,
        Constant::Bool(b) => *b,
        Constant::Int(i) => *i != 0,
        Constant::Float(bits) => f64::from_bits(*bits) != 0.0,
        Constant::Complex(re, im) => f64::from_bits(*re) != 0.0 || f64::from_bits(*im) != 0.0,
        Constant::Str(text) => !text.is_empty(),
        Constant::Bytes(bytes) => !bytes.is_empty(),
        Constant::Tuple(items) | Constant::FrozenSet(items) => !items.is_empty(),
        Constant::BigInt(_) | Constant::Ellipsis | Constant::Slice(_) | Constant::Code(_) => true,
    }
}

/// Whether two constants are equal to Python.
pub fn equal(a: &Constant, b: &Constant) -> bool {
    if let (Some(a), Some(b)) = (to_int(a), to_int(b)) {
        return a == b;
    }
    if let (Some(a), Some(b)) = (to_float(a), to_float(b)) {
        return a == b;
    }
    let number = |value| to_complex(value).or(to_float(value).map(|real| (real, 0.0)));
    if let (Some(a), Some(b)) = (number(a), number(b)) {
        return a == b;
    }
    a == b
}

/// A short text of a constant for error messages.
pub fn repr(value: &Constant) -> String {
    match value {
        Constant::Str(text) => format!("'{}'", String::from_utf8_lossy(text)),
        Constant::Bytes(bytes) => format!("b'{}'", String::from_utf8_lossy(bytes)),
        Constant::Bool(true) => "True".to_owned(),
        Constant::Bool(false) => "False".to_owned(),
        _ => taipan_bytecode::disassemble::constant_text(value),
    }
}

// ---- operations ----

fn unary(op: UnaryOp, value: &Constant) -> Option<Constant> {
    Some(match op {
        UnaryOp::Not => Constant::Bool(!truth(value)),
        UnaryOp::Invert if matches!(value, Constant::Bool(_)) => return None,
        UnaryOp::Invert => from_int(&!to_int(value)?),
        UnaryOp::USub => match value {
            Constant::Float(bits) => Constant::float(-f64::from_bits(*bits)),
            Constant::Complex(..) => {
                let (re, im) = to_complex(value)?;
                Constant::Complex((-re).to_bits(), (-im).to_bits())
            }
            _ => from_int(&-to_int(value)?),
        },
        UnaryOp::UAdd => match value {
            Constant::Float(_) | Constant::Complex(..) => value.clone(),
            _ => from_int(&to_int(value)?),
        },
    })
}

fn binary(op: Operator, left: &Constant, right: &Constant) -> Option<Constant> {
    if let (Some(a), Some(b)) = (to_int(left), to_int(right)) {
        if let (Constant::Bool(a), Constant::Bool(b)) = (left, right) {
            let both = match op {
                Operator::BitAnd => Some(a & b),
                Operator::BitOr => Some(a | b),
                Operator::BitXor => Some(a ^ b),
                _ => None,
            };
            if let Some(value) = both {
                return Some(Constant::Bool(value));
            }
        }
        return int_binary(op, &a, &b);
    }
    match (left, right) {
        (Constant::Complex(..), _) | (_, Constant::Complex(..)) => {
            return complex_binary(op, left, right);
        }
        (Constant::Float(_), _) | (_, Constant::Float(_)) if to_float(left).is_some() => {
            return float_binary(op, to_float(left)?, to_float(right)?);
        }
        _ => {}
    }
    match op {
        Operator::Add => concatenate(left, right),
        Operator::Mult => match (to_int(left), to_int(right)) {
            (Some(count), None) => repeat(right, &count),
            (None, Some(count)) => repeat(left, &count),
            _ => None,
        },
        _ => None,
    }
}

fn int_binary(op: Operator, a: &IBig, b: &IBig) -> Option<Constant> {
    let zero = IBig::ZERO;
    let value = match op {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mult => {
            if bits(a) + bits(b) > MAX_INT_BITS {
                return None;
            }
            a * b
        }
        Operator::FloorDiv | Operator::Mod => {
            if *b == zero {
                return None;
            }
            let (mut quotient, mut rest) = (a / b, a % b);
            if rest != zero && (rest < zero) != (*b < zero) {
                quotient -= IBig::ONE;
                rest += b;
            }
            if op == Operator::Mod { rest } else { quotient }
        }
        Operator::Div => {
            let (a, b) = (to_float(&from_int(a))?, to_float(&from_int(b))?);
            return (b != 0.0).then(|| Constant::float(a / b));
        }
        Operator::Pow => {
            let exponent = usize::try_from(b).ok()?;
            if bits(a) > 0
                && exponent > 0
                && (bits(a) > MAX_INT_BITS / exponent || exponent > MAX_INT_BITS)
            {
                let trivial = *a == IBig::ONE || *a == zero;
                if !trivial || exponent > MAX_INT_BITS {
                    return None;
                }
            }
            a.pow(exponent)
        }
        Operator::LShift => {
            let shift = usize::try_from(b).ok()?;
            if shift > MAX_INT_BITS || bits(a) > MAX_INT_BITS - shift {
                return None;
            }
            a << shift
        }
        Operator::RShift => a >> usize::try_from(b).ok()?,
        Operator::BitAnd => a & b,
        Operator::BitOr => a | b,
        Operator::BitXor => a ^ b,
        Operator::MatMult => return None,
    };
    Some(from_int(&value))
}

fn float_binary(op: Operator, a: f64, b: f64) -> Option<Constant> {
    let value = match op {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mult => a * b,
        Operator::Div if b != 0.0 => a / b,
        Operator::Pow if a > 0.0 && b.is_finite() => {
            let value = a.powf(b);
            if !value.is_finite() {
                return None;
            }
            value
        }
        _ => return None,
    };
    Some(Constant::float(value))
}

fn complex_binary(op: Operator, left: &Constant, right: &Constant) -> Option<Constant> {
    let (re, im) = match (to_complex(left), to_complex(right), op) {
        (Some(a), Some(b), Operator::Add) => (a.0 + b.0, a.1 + b.1),
        (Some(a), Some(b), Operator::Sub) => (a.0 - b.0, a.1 - b.1),
        (None, Some(b), Operator::Add) => (to_float(left)? + b.0, b.1),
        // A real operand has no imaginary part, so the sign of the other's zero is kept as it is.
        (None, Some(b), Operator::Sub) => (to_float(left)? - b.0, -b.1),
        (Some(a), None, Operator::Add) => (a.0 + to_float(right)?, a.1),
        (Some(a), None, Operator::Sub) => (a.0 - to_float(right)?, a.1),
        _ => return None,
    };
    Some(Constant::Complex(re.to_bits(), im.to_bits()))
}

fn concatenate(left: &Constant, right: &Constant) -> Option<Constant> {
    Some(match (left, right) {
        (Constant::Str(a), Constant::Str(b)) => Constant::Str([&a[..], &b[..]].concat().into()),
        (Constant::Bytes(a), Constant::Bytes(b)) => {
            Constant::Bytes([&a[..], &b[..]].concat().into())
        }
        (Constant::Tuple(a), Constant::Tuple(b)) => {
            Constant::Tuple([&a[..], &b[..]].concat().into())
        }
        _ => return None,
    })
}

fn repeat(value: &Constant, count: &IBig) -> Option<Constant> {
    let count = if *count < IBig::ZERO {
        0
    } else {
        usize::try_from(count).ok()?
    };
    let fits = |len: usize, limit: usize| len == 0 || count <= limit / len;
    Some(match value {
        Constant::Str(text) if fits(text.len(), MAX_STR) => {
            Constant::Str(text.repeat(count).into())
        }
        Constant::Bytes(bytes) if fits(bytes.len(), MAX_STR) => {
            Constant::Bytes(bytes.repeat(count).into())
        }
        Constant::Tuple(items) if fits(items.len(), MAX_COLLECTION) => {
            let repeated: Vec<Constant> = std::iter::repeat_n(&items[..], count)
                .flatten()
                .cloned()
                .collect();
            Constant::Tuple(repeated.into())
        }
        _ => return None,
    })
}

fn subscript(value: &Constant, index: &Constant) -> Option<Constant> {
    let index = i64::try_from(&to_int(index)?).ok()?;
    let place = |len: usize| {
        let at = if index < 0 {
            index.checked_add(len as i64)?
        } else {
            index
        };
        usize::try_from(at).ok().filter(|at| *at < len)
    };
    Some(match value {
        Constant::Tuple(items) => items[place(items.len())?].clone(),
        Constant::Bytes(bytes) => Constant::Int(i64::from(bytes[place(bytes.len())?])),
        Constant::Str(text) => {
            let text = std::str::from_utf8(text).ok()?;
            let at = place(text.chars().count())?;
            Constant::str(&text.chars().nth(at)?.to_string())
        }
        _ => return None,
    })
}

// ---- docstrings ----

/// A docstring without the indentation that all its lines but the first share.
pub fn clean_docstring(text: &[u8]) -> Vec<u8> {
    let expanded = expand_tabs(text);
    let lines: Vec<&[u8]> = expanded.split(|b| *b == b'\n').collect();
    let indent_of = |line: &[u8]| line.iter().take_while(|b| **b == b' ').count();
    let margin = lines[1..]
        .iter()
        .filter(|line| indent_of(line) < line.len())
        .map(|line| indent_of(line))
        .min();
    let mut out = Vec::with_capacity(expanded.len());
    out.extend_from_slice(&lines[0][indent_of(lines[0])..]);
    for line in &lines[1..] {
        out.push(b'\n');
        let cut = margin.unwrap_or(0).min(indent_of(line));
        out.extend_from_slice(&line[cut..]);
    }
    out
}

fn expand_tabs(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut column = 0;
    for &byte in text {
        match byte {
            b'\t' => {
                let pad = 8 - column % 8;
                out.resize(out.len() + pad, b' ');
                column += pad;
            }
            b'\n' | b'\r' => {
                out.push(byte);
                column = 0;
            }
            _ => {
                out.push(byte);
                column += usize::from(byte & 0xc0 != 0x80);
            }
        }
    }
    out
}
