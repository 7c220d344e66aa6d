//! The type `Decimal`: operators, conversions to other numbers, text.

use super::construct::{self, Operand, operand};
use super::context::{finish, settings};
use super::current::current;
use super::{ascii, ascii_text, bind, methods, no_memory, ordering, pair};
use dashu_int::IBig;
use taipan_core::alloc::{new_instance, new_object};
use taipan_core::number::int_from_big;
use taipan_core::{
    Args, BinaryOp, GetSetDef, Layout, Payload, Py, Slots, Type, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, getter,
};
use taipan_decimal::{Context, Decimal, Kind, Rounding, Sized};

/// `decimal.Decimal`
pub(super) static DECIMAL: TypeObject = Type::declare("decimal.Decimal");

/// Payload of decimal numbers.
pub(super) struct Number(pub Decimal);

// SAFETY: holds no references.
unsafe impl Payload for Number {
    fn type_object() -> &'static TypeObject {
        &DECIMAL
    }
    fn outside_size(&self) -> usize {
        self.0.outside_size()
    }
}

static LAYOUT: Layout = Layout::of::<Number>();
static GETSET: [GetSetDef; 2] = [
    getter("real", |_, this| Ok(this.clone()), ""),
    getter("imag", |_, _| Ok(new_number(Decimal::ZERO)), ""),
];
static SPEC: TypeSpec = TypeSpec {
    name: "decimal.Decimal",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(to_str),
        hash: Some(hash),
        compare: Some(ordering::compare),
        bool: Some(|_, this| Ok(!own(this).is_zero())),
        int: Some(|vm, this| to_int(vm, this, Rounding::Down)),
        float: Some(|vm, this| to_float(vm, this).map(Value::float)),
        negative: Some(|vm, this| unary(vm, this, Context::minus)),
        positive: Some(|vm, this| unary(vm, this, Context::plus)),
        absolute: Some(|vm, this| unary(vm, this, Context::abs)),
        power: Some(power),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Add, |vm, a, b| binary(vm, a, b, Context::add))
    .with_binary(BinaryOp::Subtract, |vm, a, b| {
        binary(vm, a, b, Context::subtract)
    })
    .with_binary(BinaryOp::Multiply, |vm, a, b| {
        binary(vm, a, b, Context::multiply)
    })
    .with_binary(BinaryOp::TrueDivide, |vm, a, b| {
        binary(vm, a, b, Context::divide)
    })
    .with_binary(BinaryOp::FloorDivide, |vm, a, b| {
        binary(vm, a, b, Context::divide_int)
    })
    .with_binary(BinaryOp::Remainder, |vm, a, b| {
        binary(vm, a, b, Context::remainder)
    })
    .with_binary(BinaryOp::Divmod, divmod),
    methods: &methods::METHODS,
    getset: &GETSET,
    doc: "Decimal(value=\"0\", context=None)\n--\n\n\
          A decimal number. The value is a string, an integer, a float, a tuple of sign,\n\
          digits and exponent, or another Decimal; without one it is 0. The conversion is\n\
          exact, whatever the context's precision is; the context only says whether an\n\
          invalid operation raises.\n",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    DECIMAL.define(&SPEC);
}

/// The number in a `Decimal` or an instance of a subclass.
#[inline]
pub(super) fn number_of(value: &Value) -> Option<&Decimal> {
    value.cast::<Number>().map(|object| &object.0)
}

/// The number of a method's receiver.
#[inline]
pub(super) fn own(this: &Value) -> &Decimal {
    &this.expect::<Number>().0
}

#[inline]
pub(super) fn new_number(number: Decimal) -> Value {
    new_object(Number(number))
}

/// A number as an instance of `Decimal` or a subclass, without calling its `__init__`.
pub(super) fn new_number_of(cls: &TypeObject, number: Decimal) -> Value {
    if std::ptr::eq(cls, &DECIMAL) {
        return new_number(number);
    }
    new_instance(cls, Number(number))
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let [value, context] = bind(vm, args, ["value", "context"], 0)?;
    construct::exact_object(vm, cls, value, context)
}

// ---- operators ----

pub(super) type Unary = fn(&Context, &Decimal, &mut u32) -> Sized<Decimal>;
pub(super) type Binary = fn(&Context, &Decimal, &Decimal, &mut u32) -> Sized<Decimal>;

#[inline(always)]
fn unary(vm: &mut Vm, this: &Value, op: Unary) -> Py {
    let context = current(vm)?;
    unary_in(vm, &context, own(this), op)
}

/// An operation in a context.
#[inline(always)]
pub(super) fn unary_in(vm: &mut Vm, context: &Value, a: &Decimal, op: Unary) -> Py {
    let cx = settings(vm, context);
    let mut st = 0;
    let result = op(&cx, a, &mut st);
    finish(vm, context, result, st).map(new_number)
}

/// An operation in a context.
#[inline(always)]
pub(super) fn binary_in(vm: &mut Vm, context: &Value, a: &Decimal, b: &Decimal, op: Binary) -> Py {
    let cx = settings(vm, context);
    let mut st = 0;
    let result = op(&cx, a, b, &mut st);
    finish(vm, context, result, st).map(new_number)
}

#[inline(always)]
fn binary(vm: &mut Vm, a: &Value, b: &Value, op: Binary) -> Py {
    match (operand(vm, a)?, operand(vm, b)?) {
        (Some(a), Some(b)) => {
            let context = current(vm)?;
            binary_in(vm, &context, &a, &b, op)
        }
        _ => Ok(Value::not_implemented()),
    }
}

fn divmod(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    match (operand(vm, a)?, operand(vm, b)?) {
        (Some(a), Some(b)) => {
            let context = current(vm)?;
            divmod_in(vm, &context, &a, &b)
        }
        _ => Ok(Value::not_implemented()),
    }
}

pub(super) fn divmod_in(vm: &mut Vm, context: &Value, a: &Decimal, b: &Decimal) -> Py {
    let cx = settings(vm, context);
    let mut st = 0;
    let result = cx.divmod(a, b, &mut st);
    let (quotient, rest) = finish(vm, context, result, st)?;
    Ok(pair(new_number(quotient), new_number(rest)))
}

fn power(vm: &mut Vm, base: &Value, exponent: &Value, modulus: &Value) -> Py {
    let (Some(a), Some(b)) = (operand(vm, base)?, operand(vm, exponent)?) else {
        return Ok(Value::not_implemented());
    };
    let m = if modulus.is_none() {
        None
    } else {
        match operand(vm, modulus)? {
            Some(m) => Some(m),
            None => return Ok(Value::not_implemented()),
        }
    };
    let context = current(vm)?;
    power_in(vm, &context, &a, &b, m)
}

pub(super) fn power_in(
    vm: &mut Vm,
    context: &Value,
    a: &Decimal,
    b: &Decimal,
    modulus: Option<Operand<'_>>,
) -> Py {
    match modulus {
        None => binary_in(vm, context, a, b, Context::power),
        Some(modulus) => {
            let cx = settings(vm, context);
            let mut st = 0;
            let result = cx.power_modulo(a, b, &modulus, &mut st);
            finish(vm, context, result, st).map(new_number)
        }
    }
}

// ---- text and hash ----

pub(super) fn to_str(vm: &mut Vm, this: &Value) -> Py {
    let context = current(vm)?;
    let capitals = settings(vm, &context).capitals;
    ascii_text(vm, own(this).to_text(capitals))
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let context = current(vm)?;
    let capitals = settings(vm, &context).capitals;
    let text = match own(this).to_text(capitals) {
        Ok(text) => text,
        Err(error) => return Err(no_memory(vm, error)),
    };
    let mut out = Vec::new();
    if out.try_reserve_exact(text.len() + 11).is_err() {
        return Err(vm.memory_error());
    }
    out.extend_from_slice(b"Decimal('");
    out.extend_from_slice(&text);
    out.extend_from_slice(b"')");
    ascii(vm, &out)
}

/// The hash of positive infinity, of floats too.
const HASH_INFINITY: i64 = 314_159;

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    let number = own(this);
    match number.kind() {
        Kind::Finite => Ok(number.hash()),
        Kind::Infinity if number.is_negative() => Ok(-HASH_INFINITY),
        Kind::Infinity => Ok(HASH_INFINITY),
        Kind::SignalingNan => Err(vm.type_error("Cannot hash a signaling NaN value")),
        Kind::Nan => match taipan_core::builtin_types::OBJECT.slots().hash {
            Some(hash) => hash(vm, this),
            None => Ok(0),
        },
    }
}

// ---- other numbers ----

/// A whole number; one with a fraction is rounded.
pub(super) fn to_int(vm: &mut Vm, this: &Value, rounding: Rounding) -> Py {
    let number = own(this);
    if !number.is_finite() {
        return Err(if number.is_nan() {
            vm.value_error("cannot convert NaN to integer")
        } else {
            vm.overflow_error("cannot convert Infinity to integer")
        });
    }
    let cx = Context::MAX.rounding(rounding);
    let whole = match cx.to_integral_value(number, &mut 0) {
        Ok(whole) => whole,
        Err(error) => return Err(no_memory(vm, error)),
    };
    if let Some(small) = whole.as_i64() {
        return Ok(Value::int(small));
    }
    make_int_room(vm, &whole)?;
    match whole.trunc_magnitude() {
        Ok(magnitude) => Ok(signed(whole.is_negative(), magnitude)),
        Err(error) => Err(no_memory(vm, error)),
    }
}

pub(super) fn signed(negative: bool, magnitude: dashu_int::UBig) -> Value {
    let big = IBig::from(magnitude);
    int_from_big(if negative { -big } else { big })
}

/// `MemoryError` if a number is too long to be an int; and for one not much shorter.
pub(super) fn make_int_room(vm: &mut Vm, number: &Decimal) -> Py<()> {
    let digits = number.digits() as u128 + number.exponent().unsigned_abs() as u128;
    let bits = digits * 3322 / 1000 + 4;
    if bits >= 1 << 40 {
        return Err(vm.memory_error());
    }
    taipan_types::int::make_room(vm, bits)
}

pub(super) fn to_float(vm: &mut Vm, this: &Value) -> Py<f64> {
    let number = own(this);
    if number.is_signaling_nan() {
        return Err(vm.value_error("cannot convert signaling NaN to float"));
    }
    match number.to_f64() {
        Ok(x) => Ok(x),
        Err(error) => Err(no_memory(vm, error)),
    }
}
