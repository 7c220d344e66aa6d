//! Construction, methods and attributes of `int`.

use super::operand::{Operand, operand, to_exact};
use super::{ops, text};
use dashu_int::{IBig, Sign, UBig};
use taipan_core::builtin_types::{DEPRECATION_WARNING, INT};
use taipan_core::native::Effects;
use taipan_core::number::{IntObject, int_from_big};
use taipan_core::str_object::str_of;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Bound, GetSetDef, MethodDef, Py, TypeObject, Value, Vm, bound, f0, f1, getter, slice,
};

pub(super) static METHODS: [MethodDef; 14] = [
    f0("conjugate(self, /)", conjugate, "Returns self, the complex conjugate of any int.")
        .effects(Effects::PURE),
    f0(
        "bit_length(self, /)",
        bit_length,
        "Number of bits necessary to represent self in binary.\n\n>>> bin(37)\n'0b100101'\n>>> (37).bit_length()\n6",
    )
    .effects(Effects::PURE),
    f0(
        "bit_count(self, /)",
        bit_count,
        "Number of ones in the binary representation of the absolute value of self.\n\n\
         Also known as the population count.\n\n>>> bin(13)\n'0b1101'\n>>> (13).bit_count()\n3",
    )
    .effects(Effects::PURE),
    bound(
        "to_bytes(self, /, length=1, byteorder='big', *, signed=False)",
        to_bytes,
        "Return an array of bytes representing an integer.\n\n\
         An OverflowError is raised if the integer does not fit into the given number of bytes. With\n\
         byteorder 'big' the most significant byte comes first, with 'little' last. signed says\n\
         whether two's complement is used; without it a negative integer is an OverflowError.",
    ),
    bound(
        "from_bytes(type, /, bytes, byteorder='big', *, signed=False)",
        from_bytes,
        "Return the integer represented by the given array of bytes.\n\n\
         bytes is a bytes-like object or an iterable of bytes. byteorder and signed are those of\n\
         to_bytes().",
    )
    .class_method(),
    f0(
        "as_integer_ratio(self, /)",
        as_integer_ratio,
        "Return a pair of integers, whose ratio is equal to the original int.\n\n\
         The ratio is in lowest terms and has a positive denominator.\n\n\
         >>> (-7).as_integer_ratio()\n(-7, 1)",
    ),
    f0(
        "is_integer(self, /)",
        is_integer,
        "Returns True. Exists for duck type compatibility with float.is_integer.",
    )
    .effects(Effects::PURE),
    f0("__trunc__(self, /)", conjugate, "Truncating an Integral returns itself."),
    f0("__floor__(self, /)", conjugate, "Flooring an Integral returns itself."),
    f0("__ceil__(self, /)", conjugate, "Ceiling of an Integral returns itself."),
    slice(
        "__round__(self, ndigits=None, /)",
        round,
        "Rounding an Integral returns itself.\n\nRounding with an ndigits argument also returns an integer.",
    ),
    f0("__getnewargs__(self, /)", getnewargs, ""),
    f1(
        "__format__(self, format_spec, /)",
        crate::format::format_int,
        "Convert to a string according to format_spec.",
    ),
    f0("__sizeof__(self, /)", sizeof, "Returns size in memory, in bytes."),
];

pub(super) static GETSET: [GetSetDef; 4] = [
    getter("real", conjugate, "the real part of a complex number"),
    getter("imag", zero, "the imaginary part of a complex number"),
    getter(
        "numerator",
        conjugate,
        "the numerator of a rational number in lowest terms",
    ),
    getter(
        "denominator",
        one,
        "the denominator of a rational number in lowest terms",
    ),
];

// ---- construction ----

static NEW: MethodDef = bound("int(x=0, /, base=10)", unreachable_call, "");

fn unreachable_call(_vm: &mut Vm, _receiver: &Value, _bound: &Bound) -> Py {
    Ok(Value::none())
}

/// `int.__new__`
pub(super) fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if std::ptr::eq(cls, &INT)
        && let ([x], []) = (args.all(), args.names())
    {
        return number_to_int(vm, x);
    }
    let number = construct(vm, args)?;
    of_class(vm, cls, number)
}

fn construct(vm: &mut Vm, args: Args<'_>) -> Py {
    if args.all().len() > 2 {
        let count = args.all().len();
        return Err(vm.type_error(format!("int expected at most 2 arguments, got {count}")));
    }
    let bound = taipan_core::bind::bind(vm, &NEW, args)?;
    match (bound.get(0), bound.get(1)) {
        (None, None) => Ok(Value::from_i32(0)),
        (None, Some(_)) => Err(vm.type_error("int() missing string argument")),
        (Some(x), None) => number_to_int(vm, x),
        (Some(x), Some(base)) => with_base(vm, x, base),
    }
}

fn with_base(vm: &mut Vm, x: &Value, base: &Value) -> Py {
    let base = vm.index_clamped(base)?;
    let base = match u32::try_from(base) {
        Ok(base @ (0 | 2..=36)) => base,
        _ => return Err(vm.value_error("int() base must be >= 2 and <= 36, or 0")),
    };
    if let Some(text) = str_of(x) {
        return text::parse_text(vm, x, text, base);
    }
    let is_bytes = x.is_instance(&taipan_core::builtin_types::BYTES)
        || x.is_instance(&taipan_core::builtin_types::BYTEARRAY);
    if is_bytes && let Some(bytes) = crate::number::bytes_of(vm, x)? {
        return text::parse_bytes(vm, x, &bytes, base);
    }
    Err(vm.type_error("int() can't convert non-string with explicit base"))
}

/// An exact int as an instance of `cls`.
pub(super) fn of_class(_vm: &mut Vm, cls: &TypeObject, number: Value) -> Py {
    if std::ptr::eq(cls, &INT) {
        return Ok(number);
    }
    let big = operand(&number).map_or(IBig::ZERO, |number| number.big().into_owned());
    Ok(taipan_core::alloc::new_instance(cls, IntObject(big)))
}

/// `int(x)`: an exact int.
pub fn number_to_int(vm: &mut Vm, x: &Value) -> Py {
    if x.is_exact(&INT) {
        return Ok(x.clone());
    }
    let slots = x.type_of().slots();
    if let Some(int) = slots.int {
        let result = int(vm, x)?;
        return checked_int(vm, result);
    }
    if slots.index.is_some() {
        let index = vm.index(x)?;
        return Ok(to_exact(&index));
    }
    if let Some(text) = str_of(x) {
        return text::parse_text(vm, x, text, 10);
    }
    if let Some(bytes) = crate::number::bytes_of(vm, x)? {
        return text::parse_bytes(vm, x, &bytes, 10);
    }
    let message = format!(
        "int() argument must be a string, a bytes-like object or a real number, not '{}'",
        x.type_of().name()
    );
    Err(vm.type_error(message))
}

/// What `__int__` gave, as an exact int.
fn checked_int(vm: &mut Vm, result: Value) -> Py {
    if result.is_exact(&INT) {
        return Ok(result);
    }
    let name = result.type_of().name();
    if !result.is_int() {
        return Err(vm.type_error(format!("__int__ returned non-int (type {name})")));
    }
    let message = format!(
        "__int__ returned non-int (type {name}).  The ability to return an instance of a strict subclass of int is \
         deprecated, and may not be supported in a future version of Python."
    );
    vm.warn(&DEPRECATION_WARNING, &message, 1)?;
    Ok(to_exact(&result))
}

// ---- attributes and simple methods ----

fn conjugate(_vm: &mut Vm, value: &Value) -> Py {
    Ok(to_exact(value))
}

fn zero(_vm: &mut Vm, _value: &Value) -> Py {
    Ok(Value::from_i32(0))
}

fn one(_vm: &mut Vm, _value: &Value) -> Py {
    Ok(Value::from_i32(1))
}

fn is_integer(_vm: &mut Vm, _value: &Value) -> Py {
    Ok(Value::bool(true))
}

fn bit_length(_vm: &mut Vm, value: &Value) -> Py {
    Ok(Value::int(
        operand(value).map_or(0, |number| number.bit_length() as i64),
    ))
}

fn bit_count(_vm: &mut Vm, value: &Value) -> Py {
    let count = match operand(value) {
        Some(Operand::Small(i)) => i.unsigned_abs().count_ones() as i64,
        Some(Operand::Big(big)) => big
            .as_sign_words()
            .1
            .iter()
            .map(|word| word.count_ones() as i64)
            .sum(),
        None => 0,
    };
    Ok(Value::int(count))
}

fn as_integer_ratio(_vm: &mut Vm, value: &Value) -> Py {
    Ok(new_tuple([to_exact(value), Value::from_i32(1)]))
}

fn getnewargs(_vm: &mut Vm, value: &Value) -> Py {
    Ok(new_tuple([to_exact(value)]))
}

fn round(vm: &mut Vm, value: &Value, args: &[Value]) -> Py {
    match args.first() {
        None => Ok(to_exact(value)),
        Some(digits) if digits.is_none() => Ok(to_exact(value)),
        Some(digits) => round_to(vm, value, digits),
    }
}

/// `round(value, digits)` of an int.
pub fn round_to(vm: &mut Vm, value: &Value, digits: &Value) -> Py {
    let digits = vm.index_clamped(digits)?;
    match operand(value) {
        Some(number) if digits < 0 => {
            Ok(ops::round_to_tens(number, digits.unsigned_abs() as usize))
        }
        _ => Ok(to_exact(value)),
    }
}

fn sizeof(_vm: &mut Vm, value: &Value) -> Py {
    let size = match operand(value) {
        _ if value.is_small_int() => 8,
        Some(Operand::Big(big)) if big.as_sign_words().1.len() > 2 => {
            40 + 8 * big.as_sign_words().1.len()
        }
        _ => 40,
    };
    Ok(Value::int(size as i64))
}

// ---- bytes ----

/// True for little-endian.
fn byte_order(vm: &mut Vm, order: Option<&Value>) -> Py<bool> {
    let Some(order) = order else { return Ok(false) };
    let Some(text) = str_of(order) else {
        let message = format!(
            "to_bytes() argument 'byteorder' must be str, not {}",
            order.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    match text.ascii() {
        Some("little") => Ok(true),
        Some("big") => Ok(false),
        _ => Err(vm.value_error("byteorder must be either 'little' or 'big'")),
    }
}

fn to_bytes(vm: &mut Vm, value: &Value, bound: &Bound) -> Py {
    let length = match bound.get(0) {
        Some(length) => vm.index_i64(length)?,
        None => 1,
    };
    let little = byte_order(vm, bound.get(1))?;
    let signed = match bound.get(2) {
        Some(signed) => vm.truth(signed)?,
        None => false,
    };
    let Ok(length) = usize::try_from(length) else {
        return Err(vm.value_error("length argument must be non-negative"));
    };
    let Some(number) = operand(value) else {
        return Ok(Value::none());
    };
    if number.is_negative() && !signed {
        return Err(vm.overflow_error("can't convert negative int to unsigned"));
    }
    // The bits a two's complement form needs: of the magnitude, of `-n - 1` for negative numbers, and a sign.
    let needed = if signed {
        let bits = if number.is_negative() {
            let inverted = ops::invert(vm, value)?;
            operand(&inverted).map_or(0, |inverted| inverted.bit_length())
        } else {
            number.bit_length()
        };
        if number.is_zero() { 0 } else { bits + 1 }
    } else {
        number.bit_length()
    };
    if needed > length.saturating_mul(8) {
        return Err(vm.overflow_error("int too big to convert"));
    }
    let mut bytes: Vec<u8> = Vec::new();
    if bytes.try_reserve_exact(length).is_err() {
        return Err(vm.memory_error());
    }
    match number {
        Operand::Small(i) => bytes.extend(i.to_le_bytes().iter().take(length)),
        Operand::Big(big) => bytes.extend(big.to_le_bytes().iter().take(length)),
    }
    bytes.resize(length, if number.is_negative() { 0xff } else { 0 });
    if !little {
        bytes.reverse();
    }
    crate::bytes::new_bytes(vm, &bytes)
}

fn from_bytes(vm: &mut Vm, cls: &Value, bound: &Bound) -> Py {
    let little = byte_order(vm, bound.get(1))?;
    let signed = match bound.get(2) {
        Some(signed) => vm.truth(signed)?,
        None => false,
    };
    let mut bytes = crate::number::bytes_from_object(vm, bound.req(0))?;
    if !little {
        bytes.reverse();
    }
    let number = from_little_endian(&mut bytes, signed);
    if cls.is(&INT.to_value()) {
        return Ok(number);
    }
    vm.call(cls, &[number])
}

fn from_little_endian(bytes: &mut Vec<u8>, signed: bool) -> Value {
    let negative = signed && bytes.last().is_some_and(|top| top & 0x80 != 0);
    if bytes.len() <= 8 && (negative || bytes.len() < 8 || bytes[7] < 0x80) {
        bytes.resize(8, if negative { 0xff } else { 0 });
        let mut word = [0; 8];
        word.copy_from_slice(bytes);
        return Value::int(i64::from_le_bytes(word));
    }
    if negative {
        return int_from_big(IBig::from_le_bytes(bytes));
    }
    int_from_big(IBig::from_parts(Sign::Positive, UBig::from_le_bytes(bytes)))
}
