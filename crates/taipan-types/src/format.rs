//! `__format__` of the numeric types, over the format mini-language of `taipan_base`.

use crate::int::{self, Operand};
use taipan_base::format_spec::{
    self, Align, ErrorKind, FormatError, FormatSpec, IntArg, NumericLocale,
};
use taipan_base::text::{Text, TextBuf};
use taipan_core::str_object::{self, Str, Units, str_of};
use taipan_core::{Py, Raised, Value, Vm};

/// A string's code units as the base crate's text.
fn as_text(text: &Str) -> Text<'_> {
    match text.units() {
        Units::Ascii(units) => Text::Ascii(units),
        Units::Latin1(units) => Text::Latin1(units),
        Units::Ucs2(units) => Text::Ucs2(units),
        Units::Ucs4(units) => Text::Ucs4(units),
    }
}

/// A string from the base crate's text.
fn finish(vm: &mut Vm, text: &TextBuf) -> Py {
    let made = match text.as_text() {
        Text::Ascii(units) => str_object::try_new_ascii(units),
        Text::Latin1(units) => str_object::try_new_latin1(units),
        Text::Ucs2(units) => str_object::try_new_ucs2(units),
        Text::Ucs4(units) => str_object::try_new_from_code_points(units),
    };
    match made {
        Some(value) => Ok(value),
        None => Err(vm.memory_error()),
    }
}

#[cold]
fn refused(vm: &mut Vm, error: &FormatError, value: &Value) -> Raised {
    let kind = match error.kind() {
        ErrorKind::Memory => return vm.memory_error(),
        ErrorKind::Value => &taipan_core::builtin_types::VALUE_ERROR,
        ErrorKind::Overflow => &taipan_core::builtin_types::OVERFLOW_ERROR,
    };
    let message = error.message(value.type_of().name());
    match finish(vm, &message) {
        Ok(text) => vm.raise_with(kind, &[text]),
        Err(raised) => raised,
    }
}

/// The text of a specifier; it must be a string.
fn spec_text<'a>(vm: &mut Vm, spec: &'a Value) -> Py<&'a Str> {
    match str_of(spec) {
        Some(text) => Ok(text),
        None => {
            let message = format!(
                "__format__() argument must be str, not {}",
                spec.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

type Formatter<'a> = &'a dyn Fn(&FormatSpec) -> Result<TextBuf, FormatError>;

fn apply(vm: &mut Vm, value: &Value, spec: &FormatSpec, format: Formatter<'_>) -> Py {
    match format(spec) {
        Ok(text) => finish(vm, &text),
        Err(error) => Err(refused(vm, &error, value)),
    }
}

fn parse(vm: &mut Vm, value: &Value, text: &Str) -> Py<FormatSpec> {
    match FormatSpec::parse(as_text(text), Align::Right) {
        Ok(spec) => Ok(spec),
        Err(error) => Err(refused(vm, &error, value)),
    }
}

/// `int.__format__`
pub(crate) fn format_int(vm: &mut Vm, value: &Value, spec: &Value) -> Py {
    let text = spec_text(vm, spec)?;
    if text.is_empty() {
        return vm.str(value);
    }
    let spec = parse(vm, value, text)?;
    if format_spec::is_float_code(spec.code) {
        let x = int::to_f64(vm, value)?;
        return apply(vm, value, &spec, &|spec| {
            format_spec::format_float(spec, x, &NumericLocale::C)
        });
    }
    let number = match int::operand(value) {
        Some(Operand::Small(i)) => IntArg::Small(i),
        Some(Operand::Big(big)) => {
            if matches!(char::from_u32(spec.code), Some('\0' | 'd' | 'n')) {
                int::decimal(vm, value)?;
            }
            IntArg::Big(big)
        }
        None => return Ok(Value::not_implemented()),
    };
    apply(vm, value, &spec, &|spec| {
        format_spec::format_int(spec, number, &NumericLocale::C)
    })
}

/// `float.__format__`
pub(crate) fn format_float(vm: &mut Vm, value: &Value, spec: &Value) -> Py {
    let text = spec_text(vm, spec)?;
    if text.is_empty() {
        return vm.str(value);
    }
    let spec = parse(vm, value, text)?;
    let x = value.as_float().unwrap_or(f64::NAN);
    apply(vm, value, &spec, &|spec| {
        format_spec::format_float(spec, x, &NumericLocale::C)
    })
}

/// `complex.__format__`
pub(crate) fn format_complex(vm: &mut Vm, value: &Value, spec: &Value) -> Py {
    let text = spec_text(vm, spec)?;
    if text.is_empty() {
        return vm.str(value);
    }
    let spec = parse(vm, value, text)?;
    let (real, imag) = crate::complex::parts_of(value).unwrap_or_default();
    apply(vm, value, &spec, &|spec| {
        format_spec::format_complex(spec, real, imag, &NumericLocale::C)
    })
}
