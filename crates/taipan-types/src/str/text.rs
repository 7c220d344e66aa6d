//! Between core's strings and the text model of `taipan_base::text`, where the algorithms are.

use taipan_base::text::{Text, TextBuf};
use taipan_core::str_object::{self, Str, Units};
use taipan_core::{Py, Value, Vm};

/// The view that the algorithms understand.
#[inline]
pub fn view(text: &Str) -> Text<'_> {
    match text.units() {
        Units::Ascii(units) => Text::Ascii(units),
        Units::Latin1(units) => Text::Latin1(units),
        Units::Ucs2(units) => Text::Ucs2(units),
        Units::Ucs4(units) => Text::Ucs4(units),
    }
}

/// The view of a value that is a `str` (or an instance of a subclass).
#[inline]
pub fn text_of(value: &Value) -> Option<Text<'_>> {
    str_object::str_of(value).map(|text| view(text))
}

/// The view of a value that is known to be a `str`, such as `self` of a method.
#[inline]
pub fn text(value: &Value) -> Text<'_> {
    text_of(value).unwrap_or(Text::Ascii(b""))
}

/// A string with the text of a view, or `None` if memory ran out.
pub fn try_from_text(text: Text<'_>) -> Option<Value> {
    match text {
        Text::Ascii([]) | Text::Latin1([]) | Text::Ucs2([]) | Text::Ucs4([]) => {
            Some(str_object::empty_str())
        }
        Text::Ascii([byte]) | Text::Latin1([byte]) => Some(str_object::latin1_char(*byte)),
        Text::Ascii(units) => str_object::try_new_ascii(units),
        Text::Latin1(units) => str_object::try_new_latin1(units),
        Text::Ucs2([unit]) if *unit < 256 => Some(str_object::latin1_char(*unit as u8)),
        Text::Ucs2(units) => str_object::try_new_ucs2(units),
        Text::Ucs4(units) => str_object::try_new_from_code_points(units),
    }
}

/// A string with the text of a view.
pub fn from_text(vm: &mut Vm, text: Text<'_>) -> Py {
    match try_from_text(text) {
        Some(value) => Ok(value),
        None => Err(vm.memory_error()),
    }
}

/// A string with the text of a builder.
pub fn from_buf(vm: &mut Vm, buffer: TextBuf) -> Py {
    from_text(vm, buffer.as_text())
}

/// An exact `str` with the same text: the object itself if it is one.
pub fn exact(vm: &mut Vm, value: &Value) -> Py {
    if str_object::is_exact_str(value) {
        return Ok(value.clone());
    }
    from_text(vm, text(value))
}

/// The string of one code point.
pub fn from_code(vm: &mut Vm, code: u32) -> Py {
    from_text(vm, Text::Ucs4(&[code]))
}

/// The first `len` characters of text for messages.
pub fn lossy(text: Text<'_>) -> String {
    text.to_utf8_lossy().into_owned()
}
