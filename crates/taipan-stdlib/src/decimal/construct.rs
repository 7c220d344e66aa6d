//! What becomes a decimal number: ints, text, tuples, floats.

use super::context::{self, finish, report, settings};
use super::current::{context_argument, current};
use super::no_memory;
use super::number::{DECIMAL, new_number, new_number_of, number_of};
use std::borrow::Cow;
use std::ops::Deref;
use taipan_base::{float_text, unicode};
use taipan_core::str_object::{Str, str_of};
use taipan_core::tuple_object::items;
use taipan_core::{Py, Raised, TypeObject, Value, Vm};
use taipan_decimal::{Context, Decimal, status};
use taipan_types::int::{self, Operand as IntOperand};
use taipan_types::list;

/// An operand: a `Decimal`'s number, or that of an int.
pub(super) enum Operand<'a> {
    Borrowed(&'a Decimal),
    Owned(Decimal),
}

impl Deref for Operand<'_> {
    type Target = Decimal;
    #[inline(always)]
    fn deref(&self) -> &Decimal {
        match self {
            Operand::Borrowed(number) => number,
            Operand::Owned(number) => number,
        }
    }
}

/// The number of a `Decimal` or an int; `None` for anything else.
#[inline(always)]
pub(super) fn operand<'a>(vm: &mut Vm, value: &'a Value) -> Py<Option<Operand<'a>>> {
    if let Some(number) = number_of(value) {
        return Ok(Some(Operand::Borrowed(number)));
    }
    match int::operand(value) {
        Some(number) => from_int(vm, number).map(|number| Some(Operand::Owned(number))),
        None => Ok(None),
    }
}

/// As [`operand`]; anything else is refused.
#[inline]
pub(super) fn required<'a>(vm: &mut Vm, value: &'a Value) -> Py<Operand<'a>> {
    match operand(vm, value)? {
        Some(number) => Ok(number),
        None => Err(not_supported(vm, value)),
    }
}

#[cold]
pub(super) fn not_supported(vm: &mut Vm, value: &Value) -> Raised {
    let name = value.type_of().name();
    vm.type_error(format!(
        "conversion from {name} to Decimal is not supported"
    ))
}

/// An int exactly.
pub(super) fn from_int(vm: &mut Vm, number: IntOperand<'_>) -> Py<Decimal> {
    let made = match number {
        IntOperand::Small(number) => return Ok(Decimal::from_i64(number)),
        IntOperand::Big(big) => {
            let (sign, words) = big.as_sign_words();
            Decimal::from_words(sign == dashu_int::Sign::Negative, words)
        }
    };
    made.map_err(|error| no_memory(vm, error))
}

/// A float exactly.
pub(super) fn from_float(vm: &mut Vm, x: f64) -> Py<Decimal> {
    let Some((negative, mantissa, exponent)) = float_text::decompose(x) else {
        let negative = x.is_sign_negative();
        return if x.is_nan() {
            Decimal::NAN
                .copy_signed(negative)
                .map_err(|error| no_memory(vm, error))
        } else {
            Ok(Decimal::infinity(negative))
        };
    };
    Decimal::from_float(negative, mantissa, exponent).map_err(|error| no_memory(vm, error))
}

/// Digits, signs and letters of a text: other decimal digits become ASCII ones, and what else is foreign something that no number has.
/// With `loose`, white space around and underscores anywhere are dropped.
fn number_text(text: &Str, loose: bool) -> Cow<'_, [u8]> {
    let plain = |byte: &u8| !byte.is_ascii_whitespace() && !matches!(byte, b'_' | 0x1c..=0x1f);
    if let Some(ascii) = text.ascii()
        && (!loose || ascii.as_bytes().iter().all(plain))
    {
        return Cow::Borrowed(ascii.as_bytes());
    }
    let points: Vec<u32> = text.code_points().collect();
    let mut points = points.as_slice();
    if loose {
        while let [first, rest @ ..] = points
            && unicode::is_space(*first)
        {
            points = rest;
        }
        while let [rest @ .., last] = points
            && unicode::is_space(*last)
        {
            points = rest;
        }
    }
    let wanted = points.iter().filter(|&&c| !loose || c != u32::from(b'_'));
    let ascii = wanted.map(|&c| match c {
        0..128 => c as u8,
        _ => unicode::decimal(c).map_or(b'?', |digit| b'0' + digit),
    });
    Cow::Owned(ascii.collect())
}

/// The text of a tuple of sign, digits and exponent.
fn tuple_text(vm: &mut Vm, parts: &[Value]) -> Py<Vec<u8>> {
    let [sign, digits, exponent] = parts else {
        return Err(vm.value_error("argument must be a sequence of length 3"));
    };
    let mut text = Vec::new();
    match sign.as_i64().filter(|_| sign.is_int()) {
        Some(0) => {}
        Some(1) => text.push(b'-'),
        _ => return Err(vm.value_error("sign must be an integer with the value 0 or 1")),
    }
    let mut infinite = false;
    let mut exponent_text = None;
    if let Some(special) = str_of(exponent) {
        match special.ascii() {
            Some("F") => {
                text.extend_from_slice(b"Inf");
                infinite = true;
            }
            Some("n") => text.extend_from_slice(b"NaN"),
            Some("N") => text.extend_from_slice(b"sNaN"),
            _ => {
                return Err(
                    vm.value_error("string argument in the third position must be 'F', 'n' or 'N'")
                );
            }
        }
    } else if exponent.is_int() {
        exponent_text = Some(vm.index_i64(exponent)?.to_string());
    } else {
        return Err(vm.value_error("exponent must be an integer"));
    }
    let row = match items(digits) {
        Some(row) => row.to_vec(),
        None if list::list_of(digits).is_some() => vm.to_vec(digits)?,
        None => return Err(vm.value_error("coefficient must be a tuple of digits")),
    };
    if text.try_reserve(row.len() + 32).is_err() {
        return Err(vm.memory_error());
    }
    if row.is_empty() && exponent_text.is_some() {
        text.push(b'0');
    }
    for digit in &row {
        match digit.as_i64().filter(|_| digit.is_int()) {
            Some(digit @ 0..=9) if !infinite => text.push(b'0' + digit as u8),
            Some(0..=9) => {}
            _ => return Err(vm.value_error("coefficient must be a tuple of digits")),
        }
    }
    if let Some(exponent) = exponent_text {
        text.push(b'e');
        text.extend_from_slice(exponent.as_bytes());
    }
    Ok(text)
}

/// The items of a tuple or list.
fn sequence(vm: &mut Vm, value: &Value) -> Py<Option<Vec<Value>>> {
    if let Some(row) = items(value) {
        return Ok(Some(row.to_vec()));
    }
    if list::list_of(value).is_some() {
        return vm.to_vec(value).map(Some);
    }
    Ok(None)
}

/// `Decimal(value, context)`
pub(super) fn exact_object(
    vm: &mut Vm,
    cls: &TypeObject,
    value: Option<&Value>,
    context: Option<&Value>,
) -> Py {
    let context = context_argument(vm, context)?;
    let Some(value) = value else {
        return Ok(new_number_of(cls, Decimal::ZERO));
    };
    if let Some(number) = number_of(value) {
        if std::ptr::eq(cls, &DECIMAL) && value.is_exact(&DECIMAL) {
            return Ok(value.clone());
        }
        return match number.copy() {
            Ok(number) => Ok(new_number_of(cls, number)),
            Err(error) => Err(no_memory(vm, error)),
        };
    }
    let mut st = 0;
    let made = if let Some(text) = str_of(value) {
        Context::parse_exact(&number_text(text, true), &mut st)
    } else if let Some(number) = int::operand(value) {
        let number = from_int(vm, number)?;
        return Ok(new_number_of(cls, number));
    } else if let Some(parts) = sequence(vm, value)? {
        let text = tuple_text(vm, &parts)?;
        Context::parse_exact(&text, &mut st)
    } else if let Some(x) = value.as_float() {
        report(vm, &context, status::FLOAT_OPERATION)?;
        let number = from_float(vm, x)?;
        return Ok(new_number_of(cls, number));
    } else {
        return Err(not_supported(vm, value));
    };
    let number = finish(vm, &context, made, st)?;
    Ok(new_number_of(cls, number))
}

/// `context.create_decimal(value)`
pub(super) fn rounded_object(vm: &mut Vm, context: &Value, value: &Value) -> Py {
    let cx = settings(vm, context);
    let mut st = 0;
    let made = if let Some(number) = number_of(value) {
        if number.is_nan() && number.digits() as i64 > cx.prec - i64::from(cx.clamp) {
            st |= status::CONVERSION_SYNTAX;
            Ok(Decimal::NAN)
        } else {
            number
                .copy()
                .and_then(|number| cx.finalize(number, &mut st))
        }
    } else if let Some(text) = str_of(value) {
        cx.parse(&number_text(text, false), &mut st)
    } else if let Some(number) = int::operand(value) {
        let number = from_int(vm, number)?;
        cx.finalize(number, &mut st)
    } else if let Some(parts) = sequence(vm, value)? {
        let text = tuple_text(vm, &parts)?;
        cx.parse(&text, &mut st)
    } else if let Some(x) = value.as_float() {
        report(vm, context, status::FLOAT_OPERATION)?;
        let number = from_float(vm, x)?;
        cx.finalize(number, &mut st)
    } else {
        return Err(not_supported(vm, value));
    };
    finish(vm, context, made, st).map(new_number)
}

/// An int or a float; neither flags nor traps are looked at.
fn int_or_float(vm: &mut Vm, value: &Value) -> Py<Decimal> {
    if let Some(number) = int::operand(value) {
        return from_int(vm, number);
    }
    match value.as_float() {
        Some(x) => from_float(vm, x),
        None => Err(vm.type_error("argument must be int or float")),
    }
}

/// An instance of a class that a class method was called on.
fn instance_of(vm: &mut Vm, cls: &Value, number: Decimal) -> Py {
    let number = new_number(number);
    if cls.is(&DECIMAL.to_value()) {
        return Ok(number);
    }
    vm.call(cls, &[number])
}

pub(super) fn class_from_float(vm: &mut Vm, cls: &Value, value: &Value) -> Py {
    let number = int_or_float(vm, value)?;
    instance_of(vm, cls, number)
}

pub(super) fn class_from_number(vm: &mut Vm, cls: &Value, value: &Value) -> Py {
    if number_of(value).is_none() && int::operand(value).is_none() && value.as_float().is_none() {
        return Err(not_supported(vm, value));
    }
    if let Some(x) = value.as_float() {
        let context = current(vm)?;
        report(vm, &context, status::FLOAT_OPERATION)?;
        let number = from_float(vm, x)?;
        return instance_of(vm, cls, number);
    }
    if value.is_exact(&DECIMAL) && cls.is(&DECIMAL.to_value()) {
        return Ok(value.clone());
    }
    let number = match required(vm, value)? {
        Operand::Borrowed(number) => number.copy().map_err(|error| no_memory(vm, error))?,
        Operand::Owned(number) => number,
    };
    instance_of(vm, cls, number)
}

/// `context.create_decimal_from_float(value)`
pub(super) fn rounded_float(vm: &mut Vm, context: &Value, value: &Value) -> Py {
    let number = int_or_float(vm, value)?;
    let cx = context::settings(vm, context);
    let mut st = 0;
    let made = cx.finalize(number, &mut st);
    finish(vm, context, made, st).map(new_number)
}
