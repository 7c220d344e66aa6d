//! What the modules here share: filling in module dicts, float rows, small argument checks.

use taipan_core::dict_object::Dict;
use taipan_core::{Py, TypeObject, Value, Vm};
use taipan_types::list;

/// Puts `value` into a module's dict under `name`.
pub(crate) fn add(dict: &Value, name: &str, value: Value) {
    let name = taipan_core::str_object::name(name);
    dict.expect::<Dict>().set_name(&name, value);
}

/// Puts a type into a module's dict under its own name.
pub(crate) fn add_type(dict: &Value, ty: &'static TypeObject) {
    add(dict, ty.short_name(), ty.to_value());
}

/// The elements of an exact list that stores raw doubles.
pub(crate) fn float_list(vm: &mut Vm, value: &Value) -> Option<Vec<f64>> {
    if !list::is_exact_list(value) {
        return None;
    }
    let storage = list::list_of(value)?.lock(vm);
    storage.floats().map(<[f64]>::to_vec)
}

/// Every element of an iterable as a double.
pub(crate) fn to_floats(vm: &mut Vm, iterable: &Value) -> Py<Vec<f64>> {
    if let Some(floats) = float_list(vm, iterable) {
        return Ok(floats);
    }
    let mut floats = Vec::new();
    let iterator = vm.iter(iterable)?;
    while let Some(item) = vm.next(&iterator)? {
        floats.push(vm.to_f64(&item)?);
    }
    Ok(floats)
}

/// `TypeError` that refuses keyword arguments of a type or function.
pub(crate) fn no_keywords(vm: &mut Vm, name: &str, args: taipan_core::Args<'_>) -> Py<()> {
    taipan_types::check::no_keywords(vm, name, args)
}
