//! Exceptions: one payload for all (core's), whose numbered fields hold what each family adds.
//!
//! `base` is what every exception has, `specs` the hierarchy, the other files the families with members of their own.

mod base;
pub mod group;
mod import_error;
mod name_error;
pub mod os_error;
mod simple;
mod specs;
pub mod syntax_error;
pub mod unicode;

pub use import_error::set_import_error;
pub use specs::define_all;

use taipan_core::exception;
use taipan_core::{Py, Value, Vm};

/// The getter of field `N`; an empty field is `None`.
fn get_field<const N: usize>(vm: &mut Vm, this: &Value) -> Py {
    Ok(exception::field(vm, this, N).unwrap_or_else(Value::none))
}

/// The setter of field `N`; deleting empties it.
fn set_field<const N: usize>(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    exception::set_field(vm, this, N, value.cloned());
    Ok(())
}

/// A row for a plain member that lives in field `N`.
const fn member<const N: usize>(name: &'static str, doc: &'static str) -> taipan_core::GetSetDef {
    taipan_core::getset(name, get_field::<N>, set_field::<N>, doc).member()
}

/// Refuses assignment to a member.
fn read_only(vm: &mut Vm, _this: &Value, _value: Option<&Value>) -> Py<()> {
    Err(vm.attribute_error("readonly attribute"))
}

/// The instance dict, if it has entries.
fn own_dict(this: &Value) -> Option<Value> {
    if !taipan_core::instance::has_dict(this) {
        return None;
    }
    let dict = taipan_core::instance::dict(this);
    match dict.cast::<taipan_core::dict_object::Dict>() {
        Some(found) if found.is_empty() => None,
        _ => Some(dict),
    }
}

/// Text of a value that should be a string, as `%S` prints it; a missing one is `None`.
fn shown(vm: &mut Vm, value: Option<&Value>) -> Py<Value> {
    match value {
        Some(value) => vm.str(value),
        None => Ok(taipan_core::str_object::new_str("None")),
    }
}
