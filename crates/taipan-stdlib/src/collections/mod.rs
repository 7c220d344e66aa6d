//! `_collections`: `deque`, `defaultdict`, `OrderedDict`, and helpers of `namedtuple` and `Counter`.

mod default_dict;
pub mod deque;
mod deque_iterators;
mod ordered_dict;
mod ordered_views;
mod tuple_getter;

use crate::ModuleDef;
use crate::support::add_type;
use taipan_core::builtin_types::DICT;
use taipan_core::dict_object::{dict_of, key_hash};
use taipan_core::slots::BinaryOp;
use taipan_core::{MethodDef, Py, Value, Vm, f2, name};

/// `_collections`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_collections",
    doc: "High performance data structures.\n- deque:        ordered collection accessible from endpoints only\n\
          - defaultdict:  dict subclass with a default value factory\n",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 1] = [f2(
    "_count_elements(module, mapping, iterable, /)",
    count_elements,
    "Count elements in the iterable, updating the mapping",
)];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    deque::define();
    deque_iterators::define();
    default_dict::define();
    ordered_dict::define();
    ordered_views::define();
    tuple_getter::define();
    add_type(dict, &deque::DEQUE);
    add_type(dict, &deque_iterators::DEQUE_ITERATOR);
    add_type(dict, &deque_iterators::DEQUE_REVERSE_ITERATOR);
    add_type(dict, &default_dict::DEFAULT_DICT);
    add_type(dict, &ordered_dict::ORDERED_DICT);
    add_type(dict, &tuple_getter::TUPLE_GETTER);
    Ok(())
}

/// Does the mapping's type find `name` where `dict` has it?
fn as_in_dict(vm: &mut Vm, mapping: &Value, name: &Value) -> bool {
    let own = mapping.type_of().lookup(vm, name);
    let plain = DICT.lookup(vm, name);
    matches!((own, plain), (Some(own), Some(plain)) if own.is(&plain))
}

fn add_one(vm: &mut Vm, count: &Value) -> Py {
    let one = Value::from_i32(1);
    match count.add_small_ints(&one) {
        Some(sum) => Ok(sum),
        None => vm.binary(BinaryOp::Add, count, &one),
    }
}

fn count_elements(vm: &mut Vm, _module: &Value, mapping: &Value, iterable: &Value) -> Py {
    let iterator = vm.iter(iterable)?;
    let plain = dict_of(mapping).is_some()
        && as_in_dict(vm, mapping, name!("get"))
        && as_in_dict(vm, mapping, name!("__setitem__"));
    if let (Some(dict), true) = (dict_of(mapping), plain) {
        while let Some(key) = vm.next(&iterator)? {
            let hash = key_hash(vm, &key)?;
            let count = match dict.get_with_hash(vm, &key, hash)? {
                Some(count) => add_one(vm, &count)?,
                None => Value::from_i32(1),
            };
            drop(dict.insert_with_hash(vm, &key, hash, count)?);
        }
        return Ok(Value::none());
    }
    let get = vm.get_attr(mapping, name!("get"))?;
    while let Some(key) = vm.next(&iterator)? {
        let count = vm.call(&get, &[key.clone(), Value::from_i32(0)])?;
        let count = add_one(vm, &count)?;
        vm.set_item(mapping, &key, &count)?;
    }
    Ok(Value::none())
}
