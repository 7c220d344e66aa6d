//! What the numeric types share: bytes as text of numbers, and their way to the format mini-language.

use taipan_core::buffer::flags;
use taipan_core::str_object::str_of;
use taipan_core::{Args, Py, Raised, Value, Vm};

/// The bytes of a bytes-like object; `None` for anything else.
pub(crate) fn bytes_of(vm: &mut Vm, value: &Value) -> Py<Option<Vec<u8>>> {
    match value.type_of().slots().buffer {
        Some(buffer) => {
            let buffer = buffer(vm, value, flags::SIMPLE)?;
            Ok(Some(buffer.as_slice().to_vec()))
        }
        None => Ok(None),
    }
}

/// The bytes that `bytes(value)` makes of something other than a number or text.
pub(crate) fn bytes_from_object(vm: &mut Vm, value: &Value) -> Py<Vec<u8>> {
    if let Some(method) = vm.lookup_special(value, taipan_core::name!("__bytes__")) {
        let result = vm.call_unbound(&method, value, &[])?;
        if !result.is_instance(&taipan_core::builtin_types::BYTES) {
            let message = format!(
                "__bytes__ returned non-bytes (type {})",
                result.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        return Ok(bytes_of(vm, &result)?.unwrap_or_default());
    }
    if let Some(bytes) = bytes_of(vm, value)? {
        return Ok(bytes);
    }
    let iterable =
        value.type_of().slots().iter.is_some() || value.type_of().slots().get_item.is_some();
    if !iterable || str_of(value).is_some() {
        let message = format!(
            "cannot convert '{}' object to bytes",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let mut bytes = Vec::new();
    let iterator = vm.iter(value)?;
    while let Some(item) = vm.next(&iterator)? {
        match vm.index(&item)?.as_i64() {
            Some(byte @ 0..256) => bytes.push(byte as u8),
            _ => return Err(vm.value_error("bytes must be in range(0, 256)")),
        }
    }
    Ok(bytes)
}

/// Refuses keywords and more than one argument: `float(...)`, `bool(...)`.
pub(crate) fn at_most_one<'a>(vm: &mut Vm, name: &str, args: Args<'a>) -> Py<Option<&'a Value>> {
    if args.has_keywords() {
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    match args.all() {
        [] => Ok(None),
        [x] => Ok(Some(x)),
        more => {
            let count = more.len();
            Err(vm.type_error(format!("{name} expected at most 1 argument, got {count}")))
        }
    }
}

#[cold]
pub(crate) fn zero_division(vm: &mut Vm, message: &str) -> Raised {
    vm.raise(&taipan_core::builtin_types::ZERO_DIVISION_ERROR, message)
}

/// `OverflowError` as the C library's `ERANGE`.
#[cold]
pub(crate) fn out_of_range(vm: &mut Vm) -> Raised {
    let text = taipan_core::str_object::new_str("Numerical result out of range");
    vm.raise_with(
        &taipan_core::builtin_types::OVERFLOW_ERROR,
        &[Value::from_i32(34), text],
    )
}
