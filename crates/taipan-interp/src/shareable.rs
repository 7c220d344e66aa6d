//! What threads of a program use in common: modules and what is in them, the functions, classes, code and constants that lead on from
//! there, and what a thread is given when it starts. References to these are counted by each thread for itself (see
//! `taipan_core::shared_counts`).

use crate::code_object::CodeObject;
use crate::module::Module;
use std::collections::HashSet;
use taipan_core::dict_object::Dict;
use taipan_core::method::Method;
use taipan_core::{Type, TypeObject, Value, Vm, builtin_types as types, gc, tuple_object};
use taipan_types::list::ListExt;

/// Types whose objects are not changed, or hardly ever, and lead on to others of the kind.
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

/// So many items of lists and dicts are looked at, all in all.
const ITEMS: usize = 100_000;

fn is_one_of(value: &Value, row: &[&'static TypeObject]) -> bool {
    let ty = value.type_of();
    row.iter().any(|own| std::ptr::eq(*own, ty))
}

struct Walk {
    found: Vec<Value>,
    seen: HashSet<u64>,
    items: usize,
}

impl Walk {
    fn new() -> Walk {
        Walk {
            found: Vec::new(),
            seen: HashSet::new(),
            items: ITEMS,
        }
    }

    fn add(&mut self, value: &Value) {
        if value.header().is_some_and(|header| !header.is_immortal())
            && self.seen.insert(value.bits())
        {
            self.found.push(value.clone());
        }
    }

    /// Adds what is of a kind that is used in common.
    fn meet(&mut self, value: &Value) {
        if value.is_object()
            && (value.cast::<Type>().is_some()
                || is_one_of(value, &INNER)
                || is_one_of(value, &LEAVES))
        {
            self.add(value);
        }
    }

    /// Adds an object that several threads have a name for, and the constants in it.
    fn meet_named(&mut self, vm: &mut Vm, value: &Value) {
        self.add(value);
        let items = if let Some(list) = taipan_types::list::list_of(value) {
            if list.len(vm) > self.items {
                return;
            }
            list.to_vec(vm)
        } else if let Some(dict) = taipan_core::dict_object::dict_of(value) {
            if dict.len() > self.items {
                return;
            }
            dict.items().into_iter().flat_map(|(a, b)| [a, b]).collect()
        } else {
            return;
        };
        self.items -= items.len().min(self.items);
        for item in items.iter().filter(|item| is_one_of(item, &LEAVES)) {
            self.add(item);
        }
    }

    /// Goes on from what was found, number `from` and later.
    fn go_on(&mut self, vm: &mut Vm, from: usize) {
        let mut at = from;
        while let Some(object) = self.found.get(at).cloned() {
            at += 1;
            if let Some(module) = object.cast::<Module>() {
                for value in module.dict().values() {
                    self.meet_named(vm, &value);
                }
            } else if let Some(class) = object.cast::<Type>() {
                let values = class.namespace().values();
                values.iter().for_each(|value| self.meet(value));
            }
            if let Some(code) = object.cast::<CodeObject>() {
                code.values().for_each(|value| self.meet(value));
            } else if object.cast::<Type>().is_some() || is_one_of(&object, &INNER) {
                let values = gc::referents(vm, &object);
                values.iter().for_each(|value| self.meet(value));
            }
        }
    }
}

/// Adds what all threads use, for the start of the second one.
pub fn common(vm: &mut Vm, found: &mut Vec<Value>) {
    let mut walk = Walk::new();
    found.drain(..).for_each(|value| walk.add(&value));
    let modules = vm.interpreter().modules.get();
    if let Some(modules) = modules.as_ref().and_then(|modules| modules.cast::<Dict>()) {
        modules.values().iter().for_each(|module| walk.meet(module));
    }
    walk.go_on(vm, 0);
    *found = walk.found;
}

/// What a thread gets: its function, its arguments, and if the function is a method, the attributes of its object (a
/// `threading.Thread` has function and arguments there).
pub fn handed(vm: &mut Vm, function: &Value, arguments: &[Value]) -> Vec<Value> {
    let mut walk = Walk::new();
    walk.meet_named(vm, function);
    let mut named = arguments.to_vec();
    if let Some(method) = function.cast::<Method>() {
        let receiver = &method.receiver;
        walk.add(receiver);
        named.extend(gc::referents(vm, receiver));
    }
    for value in &named {
        walk.meet_named(vm, value);
        for item in tuple_object::items(value).unwrap_or(&[]) {
            walk.meet_named(vm, item);
        }
    }
    walk.go_on(vm, 0);
    walk.found
}
