//! Arguments and texts as the other files here take them.

use std::ffi::CString;
use taipan_core::str_object::{is_str, str_of};
use taipan_core::{Py, Value, Vm};
use taipan_stdlib::support::Holds;
use taipan_types::arguments::type_name;
use taipan_types::bytes::bytes_of;

/// A field of a payload that refers to no Python object.
pub struct Shared<T>(pub T);

impl<T> Holds for Shared<T> {}

impl<T> std::ops::Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> std::ops::DerefMut for Shared<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// Is a value this string?
pub fn is_text(value: &Value, text: &str) -> bool {
    str_of(value)
        .and_then(|value| value.ascii())
        .is_some_and(|value| value == text)
}

/// An argument that has to be a string; `what` is how the message calls it.
pub fn text_argument(vm: &mut Vm, what: &str, value: &Value) -> Py {
    if is_str(value) {
        return Ok(value.clone());
    }
    let got = type_name(value);
    Err(vm.type_error(format!("{what} must be str, not {got}")))
}

/// The UTF-8 of a string; surrogates are refused as by `str.encode`.
pub fn utf8(vm: &mut Vm, text: &Value) -> Py<Vec<u8>> {
    if let Some(ascii) = str_of(text).and_then(|text| text.ascii()) {
        return Ok(ascii.as_bytes().to_vec());
    }
    let encoded = taipan_types::codec::encode_str(vm, text, Some("utf-8"), None)?;
    Ok(bytes_of(&encoded).unwrap_or(&[]).to_vec())
}

/// The UTF-8 of a string as a C string.
pub fn utf8_c(vm: &mut Vm, text: &Value) -> Py<CString> {
    match CString::new(utf8(vm, text)?) {
        Ok(text) => Ok(text),
        Err(_) => Err(vm.value_error("embedded null character")),
    }
}

/// A string argument as a C string.
pub fn c_argument(vm: &mut Vm, what: &str, value: &Value) -> Py<CString> {
    let text = text_argument(vm, what, value)?;
    utf8_c(vm, &text)
}

/// The string in UTF-8 text of SQLite; bytes that are none become replacement characters.
pub fn lossy(bytes: &[u8]) -> Value {
    taipan_core::str_object::new_str(&String::from_utf8_lossy(bytes))
}

/// An int that fits a C `int`.
pub fn c_int(vm: &mut Vm, value: &Value) -> Py<i32> {
    taipan_stdlib::path::c_int(vm, value)
}
