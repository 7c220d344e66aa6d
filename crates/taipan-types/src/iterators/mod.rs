//! The iterators of the builtins module, `iter()`, and what all iterator types share.
//!
//! An iterator's sources never change after it was made; its position is an atomic number or a guarded cell. So a thread that
//! steps another's iterator may see an element twice, but never a broken one.

mod combine;
mod enumerate;
mod sequence;

pub use combine::{Filter, Map, Zip};
pub use enumerate::Enumerate;
pub use sequence::{new_callable_iterator, new_sequence_iterator};

use taipan_core::tuple_object::new_tuple;
use taipan_core::{Py, Value, Vm};

/// The position of an exhausted iterator.
pub const DONE: usize = usize::MAX;

/// `iter(iterator)`
pub fn itself(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

/// A function of module `builtins`, as it is now.
pub fn builtin(vm: &mut Vm, name: &Value) -> Py {
    let builtins = vm.interpreter().builtins.get();
    let found = match builtins
        .as_ref()
        .and_then(taipan_core::dict_object::dict_of)
    {
        Some(dict) => dict.get(vm, name)?,
        None => None,
    };
    match found {
        Some(function) => Ok(function),
        None => {
            let name = vm.str_string(name)?;
            Err(vm.attribute_error(name))
        }
    }
}

/// `(builtin, (source,), state)`, for `__reduce__`.
pub fn reduce_with(vm: &mut Vm, builtin_name: &Value, source: &Value, state: Value) -> Py {
    let function = builtin(vm, builtin_name)?;
    Ok(new_tuple([function, new_tuple([source.clone()]), state]))
}

/// `(iter, (empty,))`, for `__reduce__`.
pub fn reduce_exhausted(vm: &mut Vm, empty: Value) -> Py {
    let function = builtin(vm, taipan_core::name!("iter"))?;
    Ok(new_tuple([function, new_tuple([empty])]))
}

/// Defines the types.
pub fn define_all() {
    sequence::define();
    enumerate::define();
    combine::define();
}
