//! `BytesWarning`: where bytes meet text by mistake, if the command line asks to be told (`-b`).

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use taipan_core::{Py, Value, Vm, builtin_types, str_object};

#[derive(Default)]
struct Wanted(AtomicBool);

/// Switches the warnings on or off.
pub fn want(vm: &Vm, wanted: bool) {
    vm.interpreter_state::<Wanted>().0.store(wanted, Relaxed);
}

pub(super) fn is_on(vm: &Vm) -> bool {
    vm.interpreter_state::<Wanted>().0.load(Relaxed)
}

/// Bytes are shown as text.
pub(super) fn shown(vm: &mut Vm, class: &str) -> Py<()> {
    if !is_on(vm) {
        return Ok(());
    }
    let message = format!("str() on a {class} instance");
    vm.warn(&builtin_types::BYTES_WARNING, &message, 1)
}

/// Bytes are compared with something that they never equal.
pub(super) fn compared(vm: &mut Vm, array: bool, a: &Value, b: &Value) -> Py<()> {
    let either = |test: fn(&Value) -> bool| test(a) || test(b);
    let message = if either(str_object::is_str) {
        if array {
            "Comparison between bytearray and string"
        } else {
            "Comparison between bytes and string"
        }
    } else if !array && either(Value::is_int) {
        "Comparison between bytes and int"
    } else {
        return Ok(());
    };
    vm.warn(&builtin_types::BYTES_WARNING, message, 1)
}
