//! What threads of a program use in common: modules, and the functions, classes, code and constants that lead on from there. When a
//! second thread starts, references to these are counted by each thread for itself (see `taipan_core::shared_counts`).

use crate::code_object::CodeObject;
use crate::module::Module;
use std::collections::HashSet;
use taipan_core::dict_object::Dict;
use taipan_core::{Type, TypeObject, Value, Vm, builtin_types as types, gc};

/// Types whose objects are not changed, or hardly ever, and that lead to others of the kind.
static INNER: [&TypeObject; 9] = [
    &types::FUNCTION,
    &types::CODE,
    &types::CELL,
    &types::MODULE,
    &types::TUPLE,
    &types::PROPERTY,
    &types::STATICMETHOD,
    &types::CLASSMETHOD,
    &types::NATIVE_FUNCTION,
];

/// Types of constants.
static LEAVES: [&TypeObject; 5] = [
    &types::STR,
    &types::BYTES,
    &types::INT,
    &types::FLOAT,
    &types::FROZENSET,
];

fn is_one_of(value: &Value, row: &[&'static TypeObject]) -> bool {
    let ty = value.type_of();
    row.iter().any(|own| std::ptr::eq(*own, ty))
}

#[derive(Default)]
struct Walk {
    found: Vec<Value>,
    seen: HashSet<u64>,
}

impl Walk {
    fn meet(&mut self, value: &Value) {
        if !value.is_object() || value.header().is_none_or(|header| header.is_immortal()) {
            return;
        }
        let kind =
            value.cast::<Type>().is_some() || is_one_of(value, &INNER) || is_one_of(value, &LEAVES);
        if kind && self.seen.insert(value.bits()) {
            self.found.push(value.clone());
        }
    }
}

/// The objects that are shared.
pub fn objects(vm: &mut Vm) -> Vec<Value> {
    let mut walk = Walk::default();
    if let Some(modules) = vm.interpreter().modules.get()
        && let Some(modules) = modules.cast::<Dict>()
    {
        for module in modules.values() {
            walk.meet(&module);
        }
    }
    let mut at = 0;
    while let Some(object) = walk.found.get(at).cloned() {
        at += 1;
        if let Some(module) = object.cast::<Module>() {
            module
                .dict()
                .values()
                .iter()
                .for_each(|value| walk.meet(value));
        } else if let Some(class) = object.cast::<Type>() {
            class
                .namespace()
                .values()
                .iter()
                .for_each(|value| walk.meet(value));
        }
        if let Some(code) = object.cast::<CodeObject>() {
            code.values().for_each(|value| walk.meet(value));
        } else if !is_one_of(&object, &LEAVES) {
            gc::referents(vm, &object)
                .iter()
                .for_each(|value| walk.meet(value));
        }
    }
    walk.found
}
