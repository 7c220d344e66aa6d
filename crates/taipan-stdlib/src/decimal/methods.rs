//! What `Decimal` does by name.

use super::construct::{class_from_float, class_from_number, required};
use super::context::{finish, rounding_argument, settings};
use super::current::{context_argument, current};
use super::number::{
    Binary, Unary, binary_in, make_int_room, new_number, own, signed, to_float, to_int, to_str,
    unary_in,
};
use super::{ascii_text, bind, format, no_memory, pair, positional, state};
use taipan_core::str_object::new_ascii;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, MethodDef, Py, Value, Vm, f0, f1, name, raw};
use taipan_decimal::{Context, Decimal, Kind, Rounding, Sized};

/// A method of no operand but the number.
fn unary(vm: &mut Vm, this: &Value, args: Args<'_>, op: Unary) -> Py {
    let [context] = bind(vm, args, ["context"], 0)?;
    let context = context_argument(vm, context)?;
    unary_in(vm, &context, own(this), op)
}

/// A method of one more operand.
fn binary(vm: &mut Vm, this: &Value, args: Args<'_>, op: Binary) -> Py {
    let [other, context] = bind(vm, args, ["other", "context"], 1)?;
    let context = context_argument(vm, context)?;
    let other = match other {
        Some(other) => required(vm, other)?,
        None => return Ok(Value::none()),
    };
    binary_in(vm, &context, own(this), &other, op)
}

/// A method that rounds in a way of its own.
fn rounding(vm: &mut Vm, this: &Value, args: Args<'_>, op: Unary) -> Py {
    let [rounding, context] = bind(vm, args, ["rounding", "context"], 0)?;
    let context = context_argument(vm, context)?;
    let mut cx = settings(vm, &context);
    if let Some(rounding) = rounding.filter(|rounding| !rounding.is_none()) {
        cx.rounding = rounding_argument(vm, rounding)?;
    }
    let mut st = 0;
    let result = op(&cx, own(this), &mut st);
    finish(vm, &context, result, st).map(new_number)
}

/// A question to a number that a context has a say in.
fn question(vm: &mut Vm, this: &Value, args: Args<'_>, ask: fn(&Context, &Decimal) -> bool) -> Py {
    let [context] = bind(vm, args, ["context"], 0)?;
    let context = context_argument(vm, context)?;
    let cx = settings(vm, &context);
    Ok(Value::bool(ask(&cx, own(this))))
}

fn copied(vm: &mut Vm, number: Sized<Decimal>) -> Py {
    match number {
        Ok(number) => Ok(new_number(number)),
        Err(error) => Err(no_memory(vm, error)),
    }
}

macro_rules! unary {
    ($name:literal, $op:ident, $doc:literal) => {
        raw(
            concat!($name, "(self, /, context=None)"),
            |vm, this, args| unary(vm, this, args, Context::$op),
            $doc,
        )
    };
}

macro_rules! binary {
    ($name:literal, $op:expr, $doc:literal) => {
        raw(
            concat!($name, "(self, /, other, context=None)"),
            |vm, this, args| binary(vm, this, args, $op),
            $doc,
        )
    };
}

macro_rules! rounding {
    ($name:literal, $op:ident, $doc:literal) => {
        raw(
            concat!($name, "(self, /, rounding=None, context=None)"),
            |vm, this, args| rounding(vm, this, args, Context::$op),
            $doc,
        )
    };
}

macro_rules! is {
    ($name:literal, $ask:expr, $doc:literal) => {
        f0(
            concat!($name, "(self, /)"),
            |_, this| {
                let ask: fn(&Decimal) -> bool = $ask;
                Ok(Value::bool(ask(own(this))))
            },
            $doc,
        )
    };
}

pub(super) static METHODS: [MethodDef; 64] = [
    unary!("exp", exp, "e raised to the number, correctly rounded."),
    unary!("ln", ln, "The natural logarithm, correctly rounded."),
    unary!(
        "log10",
        log10,
        "The logarithm to base ten, correctly rounded."
    ),
    unary!("logb", logb, "The exponent of the first digit."),
    unary!(
        "logical_invert",
        logical_invert,
        "Each digit 0 made 1 and each 1 made 0."
    ),
    unary!(
        "next_minus",
        next_minus,
        "The largest number of the context below this one."
    ),
    unary!(
        "next_plus",
        next_plus,
        "The smallest number of the context above this one."
    ),
    unary!(
        "normalize",
        reduce,
        "The number without zeros behind; zero with exponent 0."
    ),
    unary!("sqrt", sqrt, "The square root, correctly rounded."),
    rounding!(
        "to_integral",
        to_integral_value,
        "Same as to_integral_value."
    ),
    rounding!(
        "to_integral_exact",
        to_integral_exact,
        "Rounded to a whole number; Inexact and Rounded are signalled."
    ),
    rounding!(
        "to_integral_value",
        to_integral_value,
        "Rounded to a whole number, without Inexact or Rounded."
    ),
    binary!(
        "compare",
        Context::compare,
        "-1, 0 or 1 as this is less, equal or greater; a NaN if one is a NaN."
    ),
    binary!(
        "compare_signal",
        Context::compare_signal,
        "Like compare, but every NaN is an invalid operation."
    ),
    binary!(
        "compare_total",
        |cx, a, b, _| Ok(cx.compare_total(a, b)),
        "Compare representations in a total order, in which exponents and NaNs count."
    ),
    binary!(
        "compare_total_mag",
        |cx, a, b, _| Ok(cx.compare_total_mag(a, b)),
        "Like compare_total, without the signs."
    ),
    binary!(
        "logical_and",
        Context::logical_and,
        "And of the digits of two numbers of zeros and ones."
    ),
    binary!(
        "logical_or",
        Context::logical_or,
        "Or of the digits of two numbers of zeros and ones."
    ),
    binary!(
        "logical_xor",
        Context::logical_xor,
        "Exclusive or of the digits of two numbers of zeros and ones."
    ),
    binary!(
        "max",
        Context::max,
        "The greater one; a number rather than a quiet NaN."
    ),
    binary!("max_mag", Context::max_mag, "The one of greater magnitude."),
    binary!(
        "min",
        Context::min,
        "The smaller one; a number rather than a quiet NaN."
    ),
    binary!("min_mag", Context::min_mag, "The one of smaller magnitude."),
    binary!(
        "next_toward",
        Context::next_toward,
        "The next number of the context in direction of the other."
    ),
    binary!(
        "remainder_near",
        Context::remainder_near,
        "What is left of the other's nearest multiple."
    ),
    binary!(
        "rotate",
        Context::rotate,
        "The digits rotated by a number of places within the precision."
    ),
    binary!(
        "scaleb",
        Context::scaleb,
        "With the other added to the exponent."
    ),
    binary!(
        "shift",
        Context::shift,
        "The digits shifted by a number of places within the precision."
    ),
    binary!(
        "copy_sign",
        |_, a, b, _| a.copy_signed(b.is_negative()),
        "This number with the sign of the other."
    ),
    raw(
        "same_quantum(self, /, other, context=None)",
        |vm, this, args| {
            let [other, context] = bind(vm, args, ["other", "context"], 1)?;
            context_argument(vm, context)?;
            let Some(other) = other else {
                return Ok(Value::none());
            };
            let other = required(vm, other)?;
            Ok(Value::bool(own(this).same_quantum(&other)))
        },
        "Have both the same exponent (or are both infinite, or both NaN)?",
    ),
    raw(
        "quantize(self, /, exp, rounding=None, context=None)",
        quantize,
        "Rounded or padded to the exponent of another number.",
    ),
    raw(
        "fma(self, /, other, third, context=None)",
        fma,
        "self * other + third, rounded once.",
    ),
    raw(
        "is_normal(self, /, context=None)",
        |vm, this, args| question(vm, this, args, Context::is_normal),
        "Finite, not zero and not subnormal?",
    ),
    raw(
        "is_subnormal(self, /, context=None)",
        |vm, this, args| question(vm, this, args, Context::is_subnormal),
        "Finite, not zero and below the context's normal numbers?",
    ),
    raw(
        "number_class(self, /, context=None)",
        |vm, this, args| {
            let [context] = bind(vm, args, ["context"], 0)?;
            let context = context_argument(vm, context)?;
            let cx = settings(vm, &context);
            Ok(new_ascii(cx.number_class(own(this)).as_bytes()))
        },
        "The class of the number as text, for example '+Normal' or '-Zero'.",
    ),
    raw(
        "to_eng_string(self, /, context=None)",
        |vm, this, args| {
            let [context] = bind(vm, args, ["context"], 0)?;
            let context = context_argument(vm, context)?;
            let capitals = settings(vm, &context).capitals;
            ascii_text(vm, own(this).to_engineering(capitals))
        },
        "Text with an exponent that is a multiple of three.",
    ),
    is!("is_canonical", |_| true, "Always true."),
    is!("is_finite", Decimal::is_finite, "Neither infinite nor NaN?"),
    is!("is_infinite", Decimal::is_infinite, "An infinity?"),
    is!("is_nan", Decimal::is_nan, "A NaN of either sort?"),
    is!("is_qnan", Decimal::is_quiet_nan, "A quiet NaN?"),
    is!("is_signed", Decimal::is_negative, "With a minus sign?"),
    is!("is_snan", Decimal::is_signaling_nan, "A signaling NaN?"),
    is!("is_zero", Decimal::is_zero, "A zero of either sign?"),
    f0(
        "adjusted(self, /)",
        |_, this| {
            let number = own(this);
            Ok(Value::int(if number.is_finite() {
                number.adjusted()
            } else {
                0
            }))
        },
        "The exponent of the first digit; 0 for infinities and NaNs.",
    ),
    f0("canonical(self, /)", itself, "The number itself."),
    f0("conjugate(self, /)", itself, "The number itself."),
    f0(
        "radix(self, /)",
        |_, _| Ok(new_number(Decimal::from_i64(10))),
        "Decimal(10).",
    ),
    f0(
        "copy_abs(self, /)",
        |vm, this| copied(vm, own(this).copy_signed(false)),
        "With the sign taken off.",
    ),
    f0(
        "copy_negate(self, /)",
        |vm, this| copied(vm, own(this).copy_signed(!own(this).is_negative())),
        "With the sign turned.",
    ),
    f0(
        "as_tuple(self, /)",
        as_tuple,
        "A tuple of sign, digits and exponent.",
    ),
    f0(
        "as_integer_ratio(self, /)",
        as_integer_ratio,
        "A pair of ints, in lowest terms and with a positive denominator, whose ratio is\n\
         the number.",
    ),
    f1(
        "from_float(type, f, /)",
        class_from_float,
        "A float or int converted exactly.",
    )
    .class_method(),
    f1(
        "from_number(type, number, /)",
        class_from_number,
        "A number converted exactly; text and tuples are refused.",
    )
    .class_method(),
    f0("__copy__(self, /)", itself, ""),
    f1(
        "__deepcopy__(self, object, /)",
        |_, this, _| Ok(this.clone()),
        "",
    ),
    f0("__reduce__(self, /)", reduce, ""),
    raw(
        "__format__(self, fmt, override=None, /)",
        format::format,
        "Formats the number.",
    ),
    raw(
        "__round__(self, ndigits=None, /)",
        round,
        "Rounds half to even.",
    ),
    f0(
        "__ceil__(self, /)",
        |vm, this| to_int(vm, this, Rounding::Ceiling),
        "",
    ),
    f0(
        "__floor__(self, /)",
        |vm, this| to_int(vm, this, Rounding::Floor),
        "",
    ),
    f0(
        "__trunc__(self, /)",
        |vm, this| to_int(vm, this, Rounding::Down),
        "",
    ),
    f0(
        "__complex__(self, /)",
        |vm, this| {
            let x = to_float(vm, this)?;
            Ok(taipan_types::complex::new_complex(x, 0.0))
        },
        "",
    ),
    f0(
        "__sizeof__(self, /)",
        |_, this| {
            let size = taipan_core::alloc::usable_size(this) + own(this).outside_size();
            Ok(Value::int(size as i64))
        },
        "",
    ),
];

fn itself(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

fn quantize(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let [exp, rounding, context] = bind(vm, args, ["exp", "rounding", "context"], 1)?;
    let context = context_argument(vm, context)?;
    let mut cx = settings(vm, &context);
    if let Some(rounding) = rounding.filter(|rounding| !rounding.is_none()) {
        cx.rounding = rounding_argument(vm, rounding)?;
    }
    let Some(exp) = exp else {
        return Ok(Value::none());
    };
    let exp = required(vm, exp)?;
    let mut st = 0;
    let result = cx.quantize(own(this), &exp, &mut st);
    finish(vm, &context, result, st).map(new_number)
}

fn fma(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let [other, third, context] = bind(vm, args, ["other", "third", "context"], 2)?;
    let context = context_argument(vm, context)?;
    let (Some(other), Some(third)) = (other, third) else {
        return Ok(Value::none());
    };
    let other = required(vm, other)?;
    let third = required(vm, third)?;
    let cx = settings(vm, &context);
    let mut st = 0;
    let result = cx.fma(own(this), &other, &third, &mut st);
    finish(vm, &context, result, st).map(new_number)
}

fn as_tuple(vm: &mut Vm, this: &Value) -> Py {
    let number = own(this);
    let text = match number.digit_text() {
        Ok(text) => text,
        Err(error) => return Err(no_memory(vm, error)),
    };
    let (digits, exponent) = match number.kind() {
        Kind::Finite => (text.as_slice(), Value::int(number.exponent())),
        Kind::Infinity => (&b"0"[..], new_ascii(b"F")),
        Kind::Nan => (text.as_slice(), new_ascii(b"n")),
        Kind::SignalingNan => (text.as_slice(), new_ascii(b"N")),
    };
    let digits = new_tuple(
        digits
            .iter()
            .map(|digit| Value::int(i64::from(digit - b'0'))),
    );
    let class = state(vm).tuple.borrow().clone();
    let sign = Value::int(i64::from(number.is_negative()));
    match class {
        Some(class) => vm.call(&class, &[sign, digits, exponent]),
        None => Ok(new_tuple([sign, digits, exponent])),
    }
}

fn as_integer_ratio(vm: &mut Vm, this: &Value) -> Py {
    let number = own(this);
    if !number.is_finite() {
        return Err(if number.is_nan() {
            vm.value_error("cannot convert NaN to integer ratio")
        } else {
            vm.overflow_error("cannot convert Infinity to integer ratio")
        });
    }
    if !number.is_zero() {
        make_int_room(vm, number)?;
    }
    match number.ratio() {
        Ok((numerator, denominator)) => Ok(pair(
            signed(number.is_negative(), numerator),
            signed(false, denominator),
        )),
        Err(error) => Err(no_memory(vm, error)),
    }
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let class = vm.get_attr(this, name!("__class__"))?;
    let text = to_str(vm, this)?;
    Ok(pair(class, new_tuple([text])))
}

fn round(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = positional(vm, "__round__", args, 0, 1)?;
    let Some(places) = args.first() else {
        return to_int(vm, this, Rounding::HalfEven);
    };
    if !places.is_int() {
        return Err(vm.type_error("optional arg must be an integer"));
    }
    let places = vm.index_i64(places)?;
    let context = current(vm)?;
    let quantum = Decimal::power_of_ten(places.saturating_neg());
    binary_in(vm, &context, own(this), &quantum, Context::quantize)
}
