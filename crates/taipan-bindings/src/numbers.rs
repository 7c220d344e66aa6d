//! Int arguments as the C types that CPython reads them into, with its messages when they do not fit.

use taipan_core::{Py, Value, Vm};

/// An `int`.
pub fn c_int(vm: &mut Vm, value: &Value) -> Py<i32> {
    let number = c_long(vm, value)?;
    i32::try_from(number).map_err(|_| vm.overflow_error("Python int too large to convert to C int"))
}

/// A `long`.
pub fn c_long(vm: &mut Vm, value: &Value) -> Py<i64> {
    let index = vm.index(value)?;
    index
        .as_i64()
        .ok_or_else(|| vm.overflow_error("Python int too large to convert to C long"))
}

/// A number without sign in 64 bits. `what` names the C type in the message of larger ones.
pub fn unsigned(vm: &mut Vm, value: &Value, what: &str) -> Py<u64> {
    let index = vm.index(value)?;
    let big = index.as_big().unwrap_or_default();
    match u64::try_from(&big) {
        Ok(number) => Ok(number),
        Err(_) if big < dashu_int::IBig::ZERO => Err(vm.value_error("Cannot convert negative int")),
        Err(_) => Err(vm.overflow_error(format!("Python int too large for C {what}"))),
    }
}

/// The low 32 bits, for checksums: any int will do.
pub fn low_word(vm: &mut Vm, value: &Value) -> Py<u32> {
    let index = vm.index(value)?;
    if let Some(number) = index.as_i64() {
        return Ok(number as u32);
    }
    let modulus = dashu_int::IBig::from(1u64 << 32);
    let low = ((index.as_big().unwrap_or_default() % &modulus) + &modulus) % &modulus;
    Ok(u32::try_from(&low).unwrap_or(0))
}
