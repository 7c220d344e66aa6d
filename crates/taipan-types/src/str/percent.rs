//! `template % values`, for `str` and for `bytes` (whose templates are worked on as Latin-1 text).

use super::text::{self, from_buf, from_text, text_of};
use crate::buffer;
use crate::bytes;
use taipan_base::int_text;
use taipan_base::percent_format::{self, Conversion, Count, PercentError, Piece, Resolved};
use taipan_base::text::{Text, TextBuf};
use taipan_core::builtin_types::{COMPLEX, TUPLE, TYPE_ERROR};
use taipan_core::number::int_from_big;
use taipan_core::tuple_object::items;
use taipan_core::type_methods::qualified_name;
use taipan_core::{Py, Value, Vm};

/// Which of the two languages.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    Str,
    Bytes,
}

/// The values still to be converted.
struct Values<'a> {
    row: &'a [Value],
    next: usize,
    mapping: Option<&'a Value>,
    flavour: Flavour,
    /// The value of the last key, until it is taken.
    keyed: Option<Option<Value>>,
}

impl Values<'_> {
    fn take(&mut self, vm: &mut Vm) -> Py {
        let value = match &mut self.keyed {
            Some(keyed) => keyed.take(),
            None => {
                self.next += 1;
                self.row.get(self.next - 1).cloned()
            }
        };
        value.ok_or_else(|| vm.type_error("not enough arguments for format string"))
    }
}

/// `template % values` of strings.
pub(super) fn format(vm: &mut Vm, template: &Value, values: &Value) -> Py {
    let out = expand(vm, text::text(template), values, Flavour::Str)?;
    from_buf(vm, out)
}

/// Fills a template.
pub(crate) fn expand(
    vm: &mut Vm,
    template: Text<'_>,
    values: &Value,
    flavour: Flavour,
) -> Py<TextBuf> {
    let slots = values.type_of().slots();
    let is_tuple = values.is_instance(&TUPLE);
    let same_kind = match flavour {
        Flavour::Str => text_of(values).is_some(),
        Flavour::Bytes => {
            bytes::bytes_of(values).is_some() || values.cast::<bytes::ByteArray>().is_some()
        }
    };
    let mapping = (slots.get_item.is_some() && !is_tuple && !same_kind).then_some(values);
    let mut values = Values {
        row: match items(values) {
            Some(row) => row,
            None => std::slice::from_ref(values),
        },
        next: 0,
        mapping,
        flavour,
        keyed: None,
    };
    let mut out = TextBuf::with_capacity(template.len());
    for piece in percent_format::parse(template) {
        match piece {
            Piece::Literal(range) => out.push_text(template.slice(range)),
            Piece::Conversion(conversion) => {
                convert(vm, template, &conversion, &mut values, &mut out)?;
            }
        }
    }
    if values.mapping.is_none() && values.next < values.row.len() {
        let message = match flavour {
            Flavour::Str => "not all arguments converted during string formatting",
            Flavour::Bytes => "not all arguments converted during bytes formatting",
        };
        return Err(vm.type_error(message));
    }
    Ok(out)
}

fn convert(
    vm: &mut Vm,
    template: Text<'_>,
    conversion: &Conversion,
    values: &mut Values<'_>,
    out: &mut TextBuf,
) -> Py<()> {
    if let Some(key) = &conversion.key {
        let Some(mapping) = values.mapping else {
            return Err(vm.type_error("format requires a mapping"));
        };
        if conversion.broken == Some(PercentError::IncompleteKey) {
            return Err(vm.value_error("incomplete format key"));
        }
        let name = template.slice(key.clone());
        let key = match values.flavour {
            Flavour::Str => from_text(vm, name)?,
            Flavour::Bytes => {
                let name: Vec<u8> = name.chars().map(|c| c as u8).collect();
                bytes::new_bytes(vm, &name)?
            }
        };
        let value = vm.get_item(mapping, &key)?;
        values.keyed = Some(Some(value));
    }
    let mut how = Resolved {
        flags: conversion.flags,
        ..Resolved::default()
    };
    match conversion.width {
        Count::Unset => {}
        Count::Number(width) => how.width = width,
        Count::Star => how.set_star_width(star(vm, values, i64::MAX, "ssize_t")?),
    }
    match conversion.precision {
        Count::Unset => {}
        Count::Number(precision) => how.precision = Some(precision),
        Count::Star => {
            let precision = star(vm, values, i32::MAX.into(), "int")?;
            how.precision = Some(precision.max(0) as usize);
        }
    }
    if let Some(broken) = &conversion.broken
        && !matches!(broken, PercentError::Unsupported(..))
    {
        return Err(vm.value_error(broken.message()));
    }
    let value = values.take(vm)?;
    if let Some(broken) = &conversion.broken {
        return Err(vm.value_error(broken.message()));
    }
    let code = char::from_u32(conversion.code).unwrap_or('\u{FFFD}');
    let done = match (code, values.flavour) {
        ('s', Flavour::Str) => {
            let made = vm.str(&value)?;
            how.push_str(out, text::text(&made))
        }
        ('r', Flavour::Str) => {
            let made = vm.repr(&value)?;
            how.push_str(out, text::text(&made))
        }
        ('a', _) | ('r', Flavour::Bytes) => {
            let made = super::format::ascii(vm, &value)?;
            how.push_str(out, text::text(&made))
        }
        ('s' | 'b', Flavour::Bytes) => {
            let data = bytes_argument(vm, &value)?;
            how.push_str(out, Text::from_latin1(&data))
        }
        ('c', Flavour::Str) => how.push_char(out, character(vm, &value)?),
        ('c', Flavour::Bytes) => how.push_char(out, single_byte(vm, &value)?),
        ('d' | 'i' | 'u' | 'o' | 'x' | 'X', _) => {
            return integer(vm, &value, code, &how, out);
        }
        ('e' | 'E' | 'f' | 'F' | 'g' | 'G', flavour) => {
            let x = real(vm, &value, flavour)?;
            how.push_float(out, x, code)
        }
        _ => {
            let error = PercentError::Unsupported(conversion.code, conversion.index);
            return Err(vm.value_error(error.message()));
        }
    };
    if done { Ok(()) } else { Err(vm.memory_error()) }
}

fn star(vm: &mut Vm, values: &mut Values<'_>, limit: i64, c_type: &str) -> Py<isize> {
    let value = values.take(vm)?;
    if !value.is_int() {
        return Err(vm.type_error("* wants int"));
    }
    match value.as_i64() {
        Some(i) if i <= limit => Ok(i as isize),
        _ => {
            let message = format!("Python int too large to convert to C {c_type}");
            Err(vm.overflow_error(message))
        }
    }
}

fn real(vm: &mut Vm, value: &Value, flavour: Flavour) -> Py<f64> {
    match vm.to_f64(value) {
        Ok(x) => Ok(x),
        Err(raised) if flavour == Flavour::Bytes => {
            let error = vm.catch(raised, &TYPE_ERROR)?;
            drop(error);
            let message = format!("float argument required, not {}", value.type_of().name());
            Err(vm.type_error(message))
        }
        Err(raised) => Err(raised),
    }
}

fn character(vm: &mut Vm, value: &Value) -> Py<u32> {
    if let Some(text) = text_of(value) {
        if let (1, Some(code)) = (text.len(), text.get(0)) {
            return Ok(code);
        }
        let message = format!(
            "%c requires an int or a unicode character, not a string of length {}",
            text.len()
        );
        return Err(vm.type_error(message));
    }
    if !value.is_int() && value.type_of().slots().index.is_none() {
        let message = format!(
            "%c requires an int or a unicode character, not {}",
            qualified_name(value.type_of())
        );
        return Err(vm.type_error(message));
    }
    let index = vm.index(value)?;
    match index.as_i64() {
        Some(code) if (0..0x110000).contains(&code) => Ok(code as u32),
        _ => Err(vm.overflow_error("%c arg not in range(0x110000)")),
    }
}

fn single_byte(vm: &mut Vm, value: &Value) -> Py<u32> {
    let data = match bytes::bytes_of(value) {
        Some(data) => Some(data.to_vec()),
        None => bytes::bytearray_copy(vm, value),
    };
    if let Some(data) = data {
        if let [byte] = data[..] {
            return Ok(byte as u32);
        }
        let message = format!(
            "%c requires an integer in range(256) or a single byte, not a {} object of length {}",
            value.type_of().name(),
            data.len()
        );
        return Err(vm.type_error(message));
    }
    if value.is_int() || value.type_of().slots().index.is_some() {
        let index = vm.index(value)?;
        return match index.as_i64() {
            Some(code) if (0..256).contains(&code) => Ok(code as u32),
            _ => Err(vm.overflow_error("%c arg not in range(256)")),
        };
    }
    let message = format!(
        "%c requires an integer in range(256) or a single byte, not {}",
        qualified_name(value.type_of())
    );
    Err(vm.type_error(message))
}

fn bytes_argument(vm: &mut Vm, value: &Value) -> Py<Vec<u8>> {
    if let Some(data) = bytes::bytes_of(value) {
        return Ok(data.to_vec());
    }
    if let Some(made) = bytes::call_dunder_bytes(vm, value)? {
        return Ok(bytes::bytes_of(&made).unwrap_or(&[]).to_vec());
    }
    if value.type_of().slots().buffer.is_some() {
        let lent = buffer::get(vm, value, taipan_core::buffer::flags::FULL_RO)?;
        return Ok(buffer::gather(&lent));
    }
    let message = format!(
        "%b requires a bytes-like object, or an object that implements __bytes__, not '{}'",
        value.type_of().name()
    );
    Err(vm.type_error(message))
}

/// The int that `%d` or `%x` is to show.
fn int_argument(vm: &mut Vm, value: &Value, code: char) -> Py {
    if value.is_int() {
        return Ok(value.clone());
    }
    let exact = matches!(code, 'o' | 'x' | 'X');
    let slots = value.type_of().slots();
    let number = slots.index.is_some()
        || slots.int.is_some()
        || slots.float.is_some()
        || value.is_instance(&COMPLEX);
    if number {
        let made = match (exact, slots.int) {
            (false, Some(int)) => int(vm, value),
            _ => vm.index(value),
        };
        match made {
            Ok(made) if made.is_int() => return Ok(made),
            Ok(_) => {}
            Err(raised) => drop(vm.catch(raised, &TYPE_ERROR)?),
        }
    }
    let wanted = if exact { "an integer" } else { "a real number" };
    let message = format!(
        "%{code} format: {wanted} is required, not {}",
        value.type_of().name()
    );
    Err(vm.type_error(message))
}

fn integer(vm: &mut Vm, value: &Value, code: char, how: &Resolved, out: &mut TextBuf) -> Py<()> {
    let value = int_argument(vm, value, code)?;
    let (radix, prefix) = match code {
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let upper = code == 'X';
    let (negative, digits) = match value.as_i64() {
        Some(i) => (i < 0, int_text::digits_u64(i.unsigned_abs(), radix, upper)),
        None => {
            let big = value.as_big().unwrap_or_default();
            let negative = big < dashu_int::IBig::ZERO;
            if radix == 10 {
                // The limit on the length of decimal numbers is enforced by the conversion to str.
                let text = vm.str_string(&int_from_big(big))?;
                (negative, text.trim_start_matches('-').to_owned())
            } else {
                (negative, int_text::magnitude_digits(&big, radix, upper))
            }
        }
    };
    if how.push_int(out, negative, prefix, &digits) {
        Ok(())
    } else {
        Err(vm.memory_error())
    }
}
