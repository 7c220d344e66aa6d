//! `_functools`: `partial`, `reduce`, `cmp_to_key`, and the cache behind `lru_cache`.

mod cache;
mod compare_key;
mod partial;

use crate::ModuleDef;
use crate::support::{add, add_type};
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound};

/// `_functools`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_functools",
    doc: "Tools that operate on functions.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 2] = [
    bound(
        "reduce(module, function, iterable, /, initial=<unrepresentable>)",
        reduce,
        "Apply a function of two arguments cumulatively to the items of an iterable, from left to right.\n\n\
         This effectively reduces the iterable to a single value.  If initial is present,\n\
         it is placed before the items of the iterable in the calculation, and serves as\n\
         a default when the iterable is empty.\n\n\
         For example, reduce(lambda x, y: x+y, [1, 2, 3, 4, 5])\n\
         calculates ((((1 + 2) + 3) + 4) + 5).",
    ),
    bound(
        "cmp_to_key(module, mycmp)",
        compare_key::cmp_to_key,
        "Convert a cmp= function into a key= function.\n\n  mycmp\n    Function that compares two objects.",
    ),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    partial::define();
    compare_key::define();
    cache::define();
    add_type(dict, &partial::PARTIAL);
    add_type(dict, &partial::PLACEHOLDER_TYPE);
    add(dict, "Placeholder", partial::placeholder());
    add_type(dict, &cache::CACHE);
    Ok(())
}

fn reduce(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let function = args.req(0);
    let iterator = match vm.iter(args.req(1)) {
        Ok(iterator) => iterator,
        Err(raised) => {
            vm.catch(raised, &taipan_core::builtin_types::TYPE_ERROR)?;
            return Err(vm.type_error("reduce() arg 2 must support iteration"));
        }
    };
    let mut result = match args.get(2) {
        Some(initial) => initial.clone(),
        None => match vm.next(&iterator)? {
            Some(first) => first,
            None => {
                return Err(vm.type_error("reduce() of empty iterable with no initial value"));
            }
        },
    };
    while let Some(item) = vm.next(&iterator)? {
        result = vm.call(function, &[result, item])?;
    }
    Ok(result)
}
