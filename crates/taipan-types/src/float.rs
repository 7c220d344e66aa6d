//! `float`: doubles. Those that tag themselves are immediates; see `taipan_core::value`.

use crate::int;
use crate::number::{at_most_one, out_of_range, zero_division};
use std::cmp::Ordering;
use taipan_base::float_text::{self, HexError};
use taipan_base::int_text;
use taipan_core::builtin_types::{DEPRECATION_WARNING, FLOAT};
use taipan_core::native::Effects;
use taipan_core::number::FloatObject;
use taipan_core::slots::BinaryOp;
use taipan_core::str_object::{new_ascii, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, CompareOp, GetSetDef, Layout, MethodDef, Py, Slots, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, f0, f1, getter, slice,
};

/// `float`.
pub static SPEC: TypeSpec = TypeSpec {
    name: "float",
    flags: TypeFlags::BASE
        .union(TypeFlags::FLOAT_SUBCLASS)
        .union(TypeFlags::MATCH_SELF),
    layout: Some(&LAYOUT),
    slots: SLOTS,
    methods: &METHODS,
    getset: &GETSET,
    doc: "float(x=0, /)\n--\n\nConvert a string or number to a floating-point number, if possible.",
    ..TypeSpec::DEFAULT
};

static LAYOUT: Layout = Layout::of::<FloatObject>();

const SLOTS: Slots = Slots {
    new: Some(new),
    repr: Some(repr),
    hash: Some(hash),
    compare: Some(compare),
    bool: Some(truth),
    int: Some(trunc),
    float: Some(exact),
    negative: Some(negative),
    positive: Some(exact),
    absolute: Some(absolute),
    power: Some(power),
    ..Slots::NONE
}
.with_binary(BinaryOp::Add, add)
.with_binary(BinaryOp::Subtract, subtract)
.with_binary(BinaryOp::Multiply, multiply)
.with_binary(BinaryOp::TrueDivide, true_divide)
.with_binary(BinaryOp::FloorDivide, floor_divide)
.with_binary(BinaryOp::Remainder, remainder)
.with_binary(BinaryOp::Divmod, divmod);

static METHODS: [MethodDef; 13] = [
    f0(
        "conjugate(self, /)",
        exact,
        "Return self, the complex conjugate of any float.",
    )
    .effects(Effects::PURE),
    f0(
        "__trunc__(self, /)",
        trunc,
        "Return the Integral closest to x between 0 and x.",
    ),
    f0(
        "__floor__(self, /)",
        floor,
        "Return the floor as an Integral.",
    ),
    f0(
        "__ceil__(self, /)",
        ceil,
        "Return the ceiling as an Integral.",
    ),
    slice(
        "__round__(self, ndigits=None, /)",
        round,
        "Return the Integral closest to x, rounding half toward even.\n\n\
         When an argument is passed, work like built-in round(x, ndigits).",
    ),
    f0(
        "as_integer_ratio(self, /)",
        as_integer_ratio,
        "Return a pair of integers, whose ratio is exactly equal to the original float.\n\n\
         The ratio is in lowest terms and has a positive denominator. Raise OverflowError on\n\
         infinities and a ValueError on NaNs.\n\n\
         >>> (2.5).as_integer_ratio()\n(5, 2)",
    ),
    f1(
        "fromhex(type, string, /)",
        fromhex,
        "Create a floating-point number from a hexadecimal string.\n\n\
         >>> float.fromhex('0x1.ffffp10')\n2047.984375",
    )
    .class_method(),
    f0(
        "hex(self, /)",
        hex,
        "Return a hexadecimal representation of a floating-point number.\n\n\
         >>> 3.14159.hex()\n'0x1.921f9f01b866ep+1'",
    ),
    f0(
        "is_integer(self, /)",
        is_integer,
        "Return True if the float is an integer.",
    )
    .effects(Effects::PURE),
    f1(
        "from_number(type, number, /)",
        from_number,
        "Convert real number to a floating-point number.",
    )
    .class_method(),
    f0("__getnewargs__(self, /)", getnewargs, ""),
    f1(
        "__getformat__(type, typestr, /)",
        getformat,
        "Return the format of the machine's 'double' or 'float'.",
    )
    .class_method(),
    f1(
        "__format__(self, format_spec, /)",
        crate::format::format_float,
        "Formats the float according to format_spec.",
    ),
];

static GETSET: [GetSetDef; 2] = [
    getter("real", exact, "the real part of a complex number"),
    getter("imag", zero, "the imaginary part of a complex number"),
];

/// Defines the type.
pub fn define() {
    FLOAT.define(&SPEC);
}

/// The double of `self`.
#[inline]
fn own(value: &Value) -> f64 {
    value.as_float().unwrap_or(f64::NAN)
}

// ---- construction ----

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    // Keywords of a class with an `__init__` of its own are that one's.
    let own_init =
        cls.slots().init.map(|init| init as usize) != FLOAT.slots().init.map(|init| init as usize);
    let args = if own_init {
        Args::positional(args.pos())
    } else {
        args
    };
    let number = match at_most_one(vm, "float", args)? {
        None => Value::float(0.0),
        Some(x) => number_to_float(vm, x)?,
    };
    if std::ptr::eq(cls, &FLOAT) {
        return Ok(number);
    }
    Ok(taipan_core::alloc::new_instance(
        cls,
        FloatObject(own(&number)),
    ))
}

/// `float(x)`: an exact float.
pub fn number_to_float(vm: &mut Vm, x: &Value) -> Py {
    if x.is_exact(&FLOAT) {
        return Ok(x.clone());
    }
    if let Some(number) = from_slots(vm, x)? {
        return Ok(Value::float(number));
    }
    if let Some(text) = str_of(x) {
        let parsed = match text.ascii() {
            Some(ascii) => float_text::parse_float(ascii.as_bytes()),
            None => float_text::parse_float(&int::ascii_digits(text)),
        };
        return parsed_or_error(vm, x, parsed);
    }
    if let Some(bytes) = crate::number::bytes_of(vm, x)? {
        return parsed_or_error(vm, x, float_text::parse_float(&bytes));
    }
    let message = format!(
        "float() argument must be a string or a real number, not '{}'",
        x.type_of().name()
    );
    Err(vm.type_error(message))
}

fn parsed_or_error(vm: &mut Vm, original: &Value, parsed: Option<f64>) -> Py {
    match parsed {
        Some(x) => Ok(Value::float(x)),
        None => {
            let shown = vm.repr_string(original)?;
            Err(vm.value_error(format!("could not convert string to float: {shown}")))
        }
    }
}

/// What `__float__` or `__index__` give; `None` if there is neither.
fn from_slots(vm: &mut Vm, x: &Value) -> Py<Option<f64>> {
    let slots = x.type_of().slots();
    if let Some(float) = slots.float {
        let result = float(vm, x)?;
        let Some(number) = result.as_float() else {
            let message = format!(
                "{}.__float__ returned non-float (type {})",
                x.type_of().name(),
                result.type_of().name()
            );
            return Err(vm.type_error(message));
        };
        if !result.is_exact(&FLOAT) {
            let message = format!(
                "{}.__float__ returned non-float (type {}).  The ability to return an instance of a strict subclass of \
                 float is deprecated, and may not be supported in a future version of Python.",
                x.type_of().name(),
                result.type_of().name()
            );
            vm.warn(&DEPRECATION_WARNING, &message, 1)?;
        }
        return Ok(Some(number));
    }
    if slots.index.is_some() {
        let index = vm.index(x)?;
        return int::to_f64(vm, &index).map(Some);
    }
    Ok(None)
}

fn from_number(vm: &mut Vm, cls: &Value, number: &Value) -> Py {
    if number.is_exact(&FLOAT) && cls.is(&FLOAT.to_value()) {
        return Ok(number.clone());
    }
    let Some(x) = from_slots(vm, number)? else {
        let message = format!("must be real number, not {}", number.type_of().name());
        return Err(vm.type_error(message));
    };
    of_class(vm, cls, x)
}

/// `cls(x)`, short for `float` itself.
fn of_class(vm: &mut Vm, cls: &Value, x: f64) -> Py {
    let number = Value::float(x);
    if cls.is(&FLOAT.to_value()) {
        return Ok(number);
    }
    vm.call(cls, &[number])
}

// ---- basics ----

fn repr(_vm: &mut Vm, value: &Value) -> Py {
    Ok(new_ascii(float_text::repr(own(value)).as_bytes()))
}

fn hash(_vm: &mut Vm, value: &Value) -> Py<i64> {
    // A NaN hashes by identity: it equals nothing.
    Ok(match int_text::hash_f64(own(value)) {
        Some(hash) => hash,
        None => match value.bits().rotate_right(4) as i64 {
            -1 => -2,
            hash => hash,
        },
    })
}

fn truth(_vm: &mut Vm, value: &Value) -> Py<bool> {
    Ok(own(value) != 0.0)
}

fn exact(_vm: &mut Vm, value: &Value) -> Py {
    if value.is_exact(&FLOAT) {
        return Ok(value.clone());
    }
    Ok(Value::float(own(value)))
}

fn zero(_vm: &mut Vm, _value: &Value) -> Py {
    Ok(Value::float(0.0))
}

/// Comparison of a float with a float or an int, exact for ints of any size.
pub fn compare(_vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let ordering = match (a.as_float(), b.as_float()) {
        (Some(x), Some(y)) => x.partial_cmp(&y),
        (Some(x), None) => match order_of_int(b, x) {
            Some(ordering) => ordering.map(Ordering::reverse),
            None => return Ok(Value::not_implemented()),
        },
        (None, Some(y)) => match order_of_int(a, y) {
            Some(ordering) => ordering,
            None => return Ok(Value::not_implemented()),
        },
        (None, None) => return Ok(Value::not_implemented()),
    };
    Ok(Value::bool(match ordering {
        Some(ordering) => op.holds(ordering),
        None => op == CompareOp::Ne,
    }))
}

/// How an int compares with a double; the outer `None` if `value` is no int.
fn order_of_int(value: &Value, x: f64) -> Option<Option<Ordering>> {
    Some(match int::operand(value)? {
        int::Operand::Small(i) => int_text::cmp_i64_f64(i, x),
        int::Operand::Big(big) => int_text::cmp_ibig_f64(big, x),
    })
}

// ---- arithmetic ----

/// An operand as a double: floats and ints, else `None`.
#[inline]
fn operand(vm: &mut Vm, value: &Value) -> Py<Option<f64>> {
    if let Some(x) = value.as_float() {
        return Ok(Some(x));
    }
    if let Some(i) = value.small_int() {
        return Ok(Some(i as f64));
    }
    if value.is_int() {
        return int::to_f64(vm, value).map(Some);
    }
    Ok(None)
}

/// Both operands as doubles, or `NotImplemented` to the caller's caller.
macro_rules! operands {
    ($vm:ident, $a:ident, $b:ident) => {
        match (operand($vm, $a)?, operand($vm, $b)?) {
            (Some(a), Some(b)) => (a, b),
            _ => return Ok(Value::not_implemented()),
        }
    };
}

/// `a + b`
pub fn add(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(vm, a, b);
    Ok(Value::float(a + b))
}

/// `a - b`
pub fn subtract(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(vm, a, b);
    Ok(Value::float(a - b))
}

/// `a * b`
pub fn multiply(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(vm, a, b);
    Ok(Value::float(a * b))
}

/// `a / b`
pub fn true_divide(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(vm, a, b);
    if b == 0.0 {
        return Err(zero_division(vm, "division by zero"));
    }
    Ok(Value::float(a / b))
}

fn floor_and_rest(vm: &mut Vm, a: f64, b: f64) -> Py<(f64, f64)> {
    match int_text::floor_divmod_f64(a, b) {
        Some(pair) => Ok(pair),
        None => Err(zero_division(vm, "division by zero")),
    }
}

/// `a // b`
pub fn floor_divide(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(vm, a, b);
    Ok(Value::float(floor_and_rest(vm, a, b)?.0))
}

/// `a % b`
pub fn remainder(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(vm, a, b);
    Ok(Value::float(floor_and_rest(vm, a, b)?.1))
}

/// `divmod(a, b)`
pub fn divmod(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = operands!(vm, a, b);
    let (floor, rest) = floor_and_rest(vm, a, b)?;
    Ok(new_tuple([Value::float(floor), Value::float(rest)]))
}

/// `pow(a, b, modulus)`
pub fn power(vm: &mut Vm, a: &Value, b: &Value, modulus: &Value) -> Py {
    if !modulus.is_none() {
        return Err(
            vm.type_error("pow() 3rd argument not allowed unless all arguments are integers")
        );
    }
    let (a, b) = operands!(vm, a, b);
    power_f64(vm, a, b)
}

fn is_odd(x: f64) -> bool {
    x.abs() % 2.0 == 1.0
}

/// `x ** y` of doubles: a float, or a complex number for the broken power of a negative one.
pub fn power_f64(vm: &mut Vm, x: f64, y: f64) -> Py {
    if x == 0.0 && y < 0.0 && y.is_finite() {
        return Err(zero_division(vm, "zero to a negative power"));
    }
    if x < 0.0 && x.is_finite() && y.is_finite() && y != y.floor() {
        return crate::complex::power_parts(vm, (x, 0.0), (y, 0.0));
    }
    let power = special_power(x, y).unwrap_or_else(|| x.powf(y));
    if power.is_infinite() && x.is_finite() && y.is_finite() {
        return Err(out_of_range(vm));
    }
    Ok(Value::float(power))
}

/// The cases that C libraries have been found to differ in.
fn special_power(x: f64, y: f64) -> Option<f64> {
    if y == 0.0 || x == 1.0 {
        return Some(1.0);
    }
    if x.is_nan() || y.is_nan() {
        return Some(x + y);
    }
    if y.is_infinite() {
        let size = x.abs();
        return Some(if size == 1.0 {
            1.0
        } else if (y > 0.0) == (size > 1.0) {
            f64::INFINITY
        } else {
            0.0
        });
    }
    if x.is_infinite() || x == 0.0 {
        let size = if x.is_infinite() == (y > 0.0) {
            f64::INFINITY
        } else {
            0.0
        };
        return Some(if is_odd(y) { size.copysign(x) } else { size });
    }
    None
}

fn negative(_vm: &mut Vm, value: &Value) -> Py {
    Ok(Value::float(-own(value)))
}

fn absolute(_vm: &mut Vm, value: &Value) -> Py {
    Ok(Value::float(own(value).abs()))
}

// ---- rounding ----

/// An integral double as an int.
pub fn to_int(vm: &mut Vm, x: f64) -> Py {
    match int_text::f64_to_int(x) {
        Some(int) => Ok(int::from_int(int)),
        None if x.is_nan() => Err(vm.value_error("cannot convert float NaN to integer")),
        None => Err(vm.overflow_error("cannot convert float infinity to integer")),
    }
}

fn trunc(vm: &mut Vm, value: &Value) -> Py {
    to_int(vm, own(value))
}

fn floor(vm: &mut Vm, value: &Value) -> Py {
    to_int(vm, own(value).floor())
}

fn ceil(vm: &mut Vm, value: &Value) -> Py {
    to_int(vm, own(value).ceil())
}

fn round(vm: &mut Vm, value: &Value, args: &[Value]) -> Py {
    let x = own(value);
    let digits = match args.first() {
        Some(digits) if !digits.is_none() => vm.index_clamped(digits)?,
        _ => return to_int(vm, x.round_ties_even()),
    };
    match float_text::round_half_even(x, digits) {
        Some(rounded) => Ok(Value::float(rounded)),
        None => Err(vm.overflow_error("rounded value too large to represent")),
    }
}

fn is_integer(_vm: &mut Vm, value: &Value) -> Py {
    let x = own(value);
    Ok(Value::bool(x.is_finite() && x == x.floor()))
}

// ---- other forms ----

fn as_integer_ratio(vm: &mut Vm, value: &Value) -> Py {
    let x = own(value);
    let Some((negative, mantissa, exponent)) = float_text::decompose(x) else {
        return Err(if x.is_nan() {
            vm.value_error("cannot convert NaN to integer ratio")
        } else {
            vm.overflow_error("cannot convert Infinity to integer ratio")
        });
    };
    let mut numerator = dashu_int::IBig::from(mantissa);
    if negative {
        numerator = -numerator;
    }
    let shift = exponent.unsigned_abs() as usize;
    let one = dashu_int::IBig::ONE;
    let (numerator, denominator) = if exponent >= 0 {
        (numerator << shift, one)
    } else {
        (numerator, one << shift)
    };
    Ok(new_tuple([
        int::from_int(numerator.into()),
        int::from_int(denominator.into()),
    ]))
}

fn hex(_vm: &mut Vm, value: &Value) -> Py {
    Ok(new_ascii(float_text::hex(own(value)).as_bytes()))
}

fn fromhex(vm: &mut Vm, cls: &Value, string: &Value) -> Py {
    let Some(text) = str_of(string) else {
        return Err(vm.type_error("bad argument type for built-in operation"));
    };
    match float_text::from_hex(&text.to_wtf8()) {
        Ok(x) => of_class(vm, cls, x),
        Err(HexError::Invalid) => Err(vm.value_error("invalid hexadecimal floating-point string")),
        Err(HexError::Overflow) => {
            Err(vm.overflow_error("hexadecimal value too large to represent as a float"))
        }
    }
}

fn getnewargs(_vm: &mut Vm, value: &Value) -> Py {
    Ok(new_tuple([Value::float(own(value))]))
}

fn getformat(vm: &mut Vm, _cls: &Value, kind: &Value) -> Py {
    let Some(text) = str_of(kind) else {
        let message = format!(
            "__getformat__() argument must be str, not {}",
            kind.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    match text.ascii() {
        Some("double" | "float") => Ok(new_ascii(if cfg!(target_endian = "little") {
            b"IEEE, little-endian"
        } else {
            b"IEEE, big-endian"
        })),
        _ => Err(vm.value_error("__getformat__() argument 1 must be 'double' or 'float'")),
    }
}
