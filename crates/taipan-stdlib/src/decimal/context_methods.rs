//! What `Context` does by name.

use super::construct::{self, Operand, required};
use super::context::{self, finish, settings};
use super::number::{Binary, DECIMAL, Unary, binary_in, divmod_in, new_number, power_in, unary_in};
use super::{ascii_text, bind, no_memory, positional};
use taipan_core::str_object::new_ascii;
use taipan_core::{Args, MethodDef, Py, Value, Vm, f0, f1, raw};
use taipan_decimal::{Context, Decimal};

fn unary(vm: &mut Vm, this: &Value, x: &Value, op: Unary) -> Py {
    let x = required(vm, x)?;
    unary_in(vm, this, &x, op)
}

/// Refuses arguments by name, and any other number of them.
fn exactly<'a>(vm: &mut Vm, name: &str, args: Args<'a>, count: usize) -> Py<&'a [Value]> {
    positional(vm, name, args, count, count)
}

fn operands<'a>(vm: &mut Vm, name: &str, args: Args<'a>) -> Py<(Operand<'a>, Operand<'a>)> {
    let row = exactly(vm, name, args, 2)?;
    Ok((required(vm, &row[0])?, required(vm, &row[1])?))
}

fn binary(vm: &mut Vm, this: &Value, name: &str, args: Args<'_>, op: Binary) -> Py {
    let (x, y) = operands(vm, name, args)?;
    binary_in(vm, this, &x, &y, op)
}

fn copy_of(number: Operand<'_>) -> taipan_decimal::Sized<Decimal> {
    match number {
        Operand::Borrowed(number) => number.copy(),
        Operand::Owned(number) => Ok(number),
    }
}

fn decimal(vm: &mut Vm, x: &Value) -> Py<()> {
    if x.is_instance(&DECIMAL) {
        return Ok(());
    }
    Err(vm.type_error("argument must be a Decimal"))
}

/// The number itself, or that of an int.
fn same(vm: &mut Vm, x: &Value) -> Py {
    if x.is_instance(&DECIMAL) {
        return Ok(x.clone());
    }
    match copy_of(required(vm, x)?) {
        Ok(number) => Ok(new_number(number)),
        Err(error) => Err(no_memory(vm, error)),
    }
}

macro_rules! unary {
    ($name:literal, $op:expr, $doc:literal) => {
        f1(
            concat!($name, "(self, x, /)"),
            |vm, this, x| unary(vm, this, x, $op),
            $doc,
        )
    };
}

macro_rules! binary {
    ($name:literal, $op:expr, $doc:literal) => {
        raw(
            concat!($name, "(self, x, y, /)"),
            |vm, this, args| binary(vm, this, $name, args, $op),
            $doc,
        )
    };
}

macro_rules! is {
    ($name:literal, $ask:expr, $doc:literal) => {
        f1(
            concat!($name, "(self, x, /)"),
            |vm, this, x| {
                let ask: fn(&Context, &Decimal) -> bool = $ask;
                let cx = settings(vm, this);
                let x = required(vm, x)?;
                Ok(Value::bool(ask(&cx, &x)))
            },
            $doc,
        )
    };
}

pub(super) static METHODS: [MethodDef; 71] = [
    unary!("abs", Context::abs, "The magnitude, rounded."),
    unary!("exp", Context::exp, "e ** x"),
    unary!("ln", Context::ln, "The natural logarithm."),
    unary!("log10", Context::log10, "The logarithm to base ten."),
    unary!("logb", Context::logb, "The exponent of the first digit."),
    unary!(
        "logical_invert",
        Context::logical_invert,
        "Each digit inverted."
    ),
    unary!("minus", Context::minus, "-x, rounded."),
    unary!("next_minus", Context::next_minus, "The next number below."),
    unary!("next_plus", Context::next_plus, "The next number above."),
    unary!("normalize", Context::reduce, "Without zeros behind."),
    unary!("plus", Context::plus, "+x, rounded."),
    unary!("sqrt", Context::sqrt, "The square root."),
    unary!(
        "to_integral",
        Context::to_integral_value,
        "Same as to_integral_value."
    ),
    unary!(
        "to_integral_exact",
        Context::to_integral_exact,
        "Rounded to a whole number."
    ),
    unary!(
        "to_integral_value",
        Context::to_integral_value,
        "Rounded to a whole number, without a signal."
    ),
    unary!(
        "_apply",
        |cx, x, st| x.copy().and_then(|x| cx.finalize(x, st)),
        "x, rounded."
    ),
    binary!("add", Context::add, "x + y"),
    binary!(
        "compare",
        Context::compare,
        "-1, 0 or 1 as x is less, equal or greater."
    ),
    binary!(
        "compare_signal",
        Context::compare_signal,
        "Like compare; every NaN signals."
    ),
    binary!(
        "compare_total",
        |cx, a, b, _| Ok(cx.compare_total(a, b)),
        "Compare representations."
    ),
    binary!(
        "compare_total_mag",
        |cx, a, b, _| Ok(cx.compare_total_mag(a, b)),
        "Compare representations without signs."
    ),
    binary!(
        "copy_sign",
        |_, a, b, _| a.copy_signed(b.is_negative()),
        "x with the sign of y."
    ),
    binary!("divide", Context::divide, "x / y"),
    binary!(
        "divide_int",
        Context::divide_int,
        "The whole part of x / y."
    ),
    binary!("logical_and", Context::logical_and, "And of the digits."),
    binary!("logical_or", Context::logical_or, "Or of the digits."),
    binary!(
        "logical_xor",
        Context::logical_xor,
        "Exclusive or of the digits."
    ),
    binary!("max", Context::max, "The greater number."),
    binary!(
        "max_mag",
        Context::max_mag,
        "The number of greater magnitude."
    ),
    binary!("min", Context::min, "The smaller number."),
    binary!(
        "min_mag",
        Context::min_mag,
        "The number of smaller magnitude."
    ),
    binary!("multiply", Context::multiply, "x * y"),
    binary!(
        "next_toward",
        Context::next_toward,
        "The next number from x towards y."
    ),
    binary!("quantize", Context::quantize, "x with the exponent of y."),
    binary!(
        "remainder",
        Context::remainder,
        "What is left of x after division by y."
    ),
    binary!(
        "remainder_near",
        Context::remainder_near,
        "x minus the nearest multiple of y."
    ),
    binary!(
        "rotate",
        Context::rotate,
        "The digits of x rotated by y places."
    ),
    binary!("scaleb", Context::scaleb, "x * 10 ** y"),
    binary!(
        "shift",
        Context::shift,
        "The digits of x shifted by y places."
    ),
    binary!("subtract", Context::subtract, "x - y"),
    raw(
        "divmod(self, x, y, /)",
        |vm, this, args| {
            let (x, y) = operands(vm, "divmod", args)?;
            divmod_in(vm, this, &x, &y)
        },
        "The whole part of x / y, and what is left.",
    ),
    raw("fma(self, x, y, z, /)", fma, "x * y + z, rounded once."),
    raw(
        "power(self, /, a, b, modulo=None)",
        power,
        "a ** b, or a ** b % modulo, which must be whole numbers.",
    ),
    raw(
        "same_quantum(self, x, y, /)",
        |vm, _, args| {
            let (x, y) = operands(vm, "same_quantum", args)?;
            Ok(Value::bool(x.same_quantum(&y)))
        },
        "Have both the same exponent?",
    ),
    f1(
        "is_canonical(self, x, /)",
        |vm, _, x| {
            decimal(vm, x)?;
            Ok(Value::bool(true))
        },
        "Always true.",
    ),
    is!(
        "is_finite",
        |_, x| x.is_finite(),
        "Neither infinite nor NaN?"
    ),
    is!("is_infinite", |_, x| x.is_infinite(), "An infinity?"),
    is!("is_nan", |_, x| x.is_nan(), "A NaN of either sort?"),
    is!(
        "is_normal",
        Context::is_normal,
        "Finite, not zero and not subnormal?"
    ),
    is!("is_qnan", |_, x| x.is_quiet_nan(), "A quiet NaN?"),
    is!("is_signed", |_, x| x.is_negative(), "With a minus sign?"),
    is!("is_snan", |_, x| x.is_signaling_nan(), "A signaling NaN?"),
    is!(
        "is_subnormal",
        Context::is_subnormal,
        "Finite, not zero and below normal numbers?"
    ),
    is!("is_zero", |_, x| x.is_zero(), "A zero of either sign?"),
    f1(
        "canonical(self, x, /)",
        |vm, _, x| {
            decimal(vm, x)?;
            Ok(x.clone())
        },
        "x itself.",
    ),
    f1(
        "copy_abs(self, x, /)",
        |vm, this, x| unary(vm, this, x, |_, x, _| x.copy_signed(false)),
        "x with the sign taken off.",
    ),
    f1(
        "copy_decimal(self, x, /)",
        |vm, _, x| same(vm, x),
        "x as a Decimal.",
    ),
    f1(
        "copy_negate(self, x, /)",
        |vm, this, x| unary(vm, this, x, |_, x, _| x.copy_signed(!x.is_negative())),
        "x with the sign turned.",
    ),
    f1(
        "number_class(self, x, /)",
        |vm, this, x| {
            let cx = settings(vm, this);
            let x = required(vm, x)?;
            Ok(new_ascii(cx.number_class(&x).as_bytes()))
        },
        "The class of x as text.",
    ),
    f1(
        "to_sci_string(self, x, /)",
        |vm, this, x| {
            let capitals = settings(vm, this).capitals;
            let text = required(vm, x)?.to_text(capitals);
            ascii_text(vm, text)
        },
        "Text in scientific notation.",
    ),
    f1(
        "to_eng_string(self, x, /)",
        |vm, this, x| {
            let capitals = settings(vm, this).capitals;
            let text = required(vm, x)?.to_engineering(capitals);
            ascii_text(vm, text)
        },
        "Text in engineering notation.",
    ),
    raw(
        "create_decimal(self, num=\"0\", /)",
        |vm, this, args| match positional(vm, "create_decimal", args, 0, 1)?.first() {
            Some(value) => construct::rounded_object(vm, this, value),
            None => Ok(new_number(Decimal::ZERO)),
        },
        "A Decimal of a value, rounded to the context.",
    ),
    f1(
        "create_decimal_from_float(self, f, /)",
        construct::rounded_float,
        "A Decimal of a float or int, rounded to the context.",
    ),
    f0(
        "radix(self, /)",
        |_, _| Ok(new_number(Decimal::from_i64(10))),
        "Decimal(10).",
    ),
    f0(
        "Etiny(self, /)",
        |vm, this| Ok(Value::int(settings(vm, this).etiny())),
        "The least exponent of a subnormal number.",
    ),
    f0(
        "Etop(self, /)",
        |vm, this| Ok(Value::int(settings(vm, this).etop())),
        "The greatest exponent of a number with all digits in use.",
    ),
    f0(
        "clear_flags(self, /)",
        |_, this| clear(this, false),
        "Set all flags to False.",
    ),
    f0(
        "clear_traps(self, /)",
        |_, this| clear(this, true),
        "Set all traps to False.",
    ),
    f0(
        "copy(self, /)",
        context::copy,
        "A context with the same settings, traps and flags.",
    ),
    f0("__copy__(self, /)", context::copy, ""),
    f0("__reduce__(self, /)", context::reduce, ""),
];

fn clear(this: &Value, traps: bool) -> Py {
    context::clear(this, traps);
    Ok(Value::none())
}

fn fma(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let row = exactly(vm, "fma", args, 3)?;
    let x = required(vm, &row[0])?;
    let y = required(vm, &row[1])?;
    let z = required(vm, &row[2])?;
    let cx = settings(vm, this);
    let mut st = 0;
    let result = cx.fma(&x, &y, &z, &mut st);
    finish(vm, this, result, st).map(new_number)
}

fn power(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let [a, b, modulo] = bind(vm, args, ["a", "b", "modulo"], 2)?;
    let (Some(a), Some(b)) = (a, b) else {
        return Ok(Value::none());
    };
    let a = required(vm, a)?;
    let b = required(vm, b)?;
    let modulo = match modulo.filter(|modulo| !modulo.is_none()) {
        Some(modulo) => Some(required(vm, modulo)?),
        None => None,
    };
    power_in(vm, this, &a, &b, modulo)
}
