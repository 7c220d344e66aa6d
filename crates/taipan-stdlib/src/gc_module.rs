//! `gc`: the collector as Python sees it.

use crate::ModuleDef;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::gc::{self, GENERATIONS, debug};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, f0, f1, name, slice};
use taipan_types::list::new_list;

/// The module `gc`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "gc",
    doc: "Access to the collector of reference cycles.\n\n\
          enable() -- Let collections start by themselves.\n\
          disable() -- Only collect on demand.\n\
          isenabled() -- Do collections start by themselves?\n\
          collect() -- Collect now.\n\
          get_count() -- Counts since the last collections.\n\
          get_stats() -- Figures of each generation.\n\
          set_debug() -- Set debugging flags.\n\
          get_debug() -- Get debugging flags.\n\
          set_threshold() -- Set the thresholds of automatic collection.\n\
          get_threshold() -- Get the thresholds of automatic collection.\n\
          get_objects() -- All objects the collector looks at.\n\
          is_tracked() -- Does the collector look at an object?\n\
          is_finalized() -- Has an object's finaliser run?\n\
          get_referrers() -- Objects that refer to given objects.\n\
          get_referents() -- Objects that given objects refer to.\n\
          freeze() -- Take all present objects out of later collections.\n\
          unfreeze() -- Undo freeze().\n\
          get_freeze_count() -- Number of frozen objects.\n",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 19] = [
    f0(
        "enable(module, /)",
        enable,
        "Let collections start by themselves.",
    ),
    f0("disable(module, /)", disable, "Only collect on demand."),
    f0(
        "isenabled(module, /)",
        isenabled,
        "Do collections start by themselves?",
    ),
    bound(
        "collect(module, /, generation=2)",
        collect,
        "Collect cycles now; give the number of unreachable objects.\n\n\
         A collection always looks at all objects; the generation is only counted.",
    ),
    f0(
        "get_count(module, /)",
        get_count,
        "The counts (count0, count1, count2) that thresholds are held against.",
    ),
    f0(
        "get_stats(module, /)",
        get_stats,
        "A list of dictionaries with figures of each generation.",
    ),
    f1(
        "set_debug(module, flags, /)",
        set_debug,
        "Set debugging flags, or-ed from the DEBUG_ constants.",
    ),
    f0("get_debug(module, /)", get_debug, "The debugging flags."),
    slice(
        "set_threshold(module, *thresholds)",
        set_threshold,
        "set_threshold(threshold0[, threshold1[, threshold2]])\n\nSet the thresholds; zero for the first stops automatic collection.",
    ),
    f0(
        "get_threshold(module, /)",
        get_threshold,
        "The thresholds as a tuple.",
    ),
    bound(
        "get_objects(module, /, generation=None)",
        get_objects,
        "A list of the objects that the collector looks at; generation 0 has those that no collection has seen yet.",
    ),
    f1(
        "is_tracked(module, obj, /)",
        is_tracked,
        "Does the collector look at the object?",
    ),
    f1(
        "is_finalized(module, obj, /)",
        is_finalized,
        "Has the object's finaliser run?",
    ),
    slice(
        "get_referrers(module, /, *objs)",
        get_referrers,
        "The list of objects that directly refer to any of objs.",
    ),
    slice(
        "get_referents(module, /, *objs)",
        get_referents,
        "The list of objects that objs directly refer to.",
    ),
    f0(
        "freeze(module, /)",
        freeze,
        "Take all present objects out of later collections.",
    ),
    f0(
        "unfreeze(module, /)",
        unfreeze,
        "Let collections look at frozen objects again.",
    ),
    f0(
        "get_freeze_count(module, /)",
        get_freeze_count,
        "The number of frozen objects.",
    ),
    f0(
        "_verify_counts(module, /)",
        verify_counts,
        "Recount all references between objects; raise SystemError if the counts do not agree.",
    ),
];

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    let module = dict.expect::<Dict>();
    let collector = &vm.interpreter().gc;
    collector.set_lists(new_list(Vec::new()), new_list(Vec::new()));
    if let (Some(callbacks), Some(garbage)) = (collector.callbacks(), collector.garbage()) {
        module.set_name(name!("callbacks"), callbacks);
        module.set_name(name!("garbage"), garbage);
    }
    for (name, flags) in [
        (name!("DEBUG_STATS"), debug::STATS),
        (name!("DEBUG_COLLECTABLE"), debug::COLLECTABLE),
        (name!("DEBUG_UNCOLLECTABLE"), debug::UNCOLLECTABLE),
        (name!("DEBUG_SAVEALL"), debug::SAVEALL),
        (name!("DEBUG_LEAK"), debug::LEAK),
    ] {
        module.set_name(name, Value::int(flags.into()));
    }
    Ok(())
}

fn enable(vm: &mut Vm, _module: &Value) -> Py {
    vm.interpreter().gc.set_enabled(true);
    Ok(Value::none())
}

fn disable(vm: &mut Vm, _module: &Value) -> Py {
    vm.interpreter().gc.set_enabled(false);
    Ok(Value::none())
}

fn isenabled(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::bool(vm.interpreter().gc.is_enabled()))
}

fn collect(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let generation = match args.get(0) {
        Some(generation) => c_int(vm, generation)?,
        None => GENERATIONS as i64 - 1,
    };
    if !(0..GENERATIONS as i64).contains(&generation) {
        return Err(vm.value_error("invalid generation"));
    }
    let found = gc::collect(vm, generation as u8)?;
    if generation == GENERATIONS as i64 - 1 {
        taipan_core::alloc::release_unused();
    }
    Ok(Value::int(found as i64))
}

/// An argument of type `int` as C has it.
fn c_int(vm: &mut Vm, value: &Value) -> Py<i64> {
    let index = vm.index(value)?;
    match index.as_i64().filter(|i| i32::try_from(*i).is_ok()) {
        Some(i) => Ok(i),
        None if index.as_i64().is_none() => {
            Err(vm.overflow_error("Python int too large to convert to C int"))
        }
        None if index.as_i64().is_some_and(|i| i < 0) => {
            Err(vm.overflow_error("signed integer is less than minimum"))
        }
        None => Err(vm.overflow_error("signed integer is greater than maximum")),
    }
}

fn get_count(vm: &mut Vm, _module: &Value) -> Py {
    Ok(new_tuple(vm.interpreter().gc.counts().map(Value::int)))
}

fn get_stats(vm: &mut Vm, _module: &Value) -> Py {
    let rows = vm.interpreter().gc.stats().map(|stats| {
        let row = new_dict();
        let dict = row.expect::<Dict>();
        dict.set_name(name!("collections"), Value::int(stats.collections as i64));
        dict.set_name(name!("collected"), Value::int(stats.collected as i64));
        dict.set_name(
            name!("uncollectable"),
            Value::int(stats.uncollectable as i64),
        );
        row
    });
    Ok(new_list(rows.into()))
}

fn set_debug(vm: &mut Vm, _module: &Value, flags: &Value) -> Py {
    let flags = c_int(vm, flags)?;
    vm.interpreter().gc.set_debug_flags(flags as u32);
    Ok(Value::none())
}

fn get_debug(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::int(
        (vm.interpreter().gc.debug_flags() as i32).into(),
    ))
}

fn set_threshold(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    if !(1..=GENERATIONS).contains(&args.len()) {
        return Err(vm.type_error("gc.set_threshold requires 1 to 3 arguments"));
    }
    let mut thresholds = vm.interpreter().gc.thresholds();
    for (threshold, value) in thresholds.iter_mut().zip(args) {
        *threshold = c_int(vm, value)?;
    }
    vm.interpreter().gc.set_thresholds(thresholds);
    Ok(Value::none())
}

fn get_threshold(vm: &mut Vm, _module: &Value) -> Py {
    Ok(new_tuple(vm.interpreter().gc.thresholds().map(Value::int)))
}

fn get_objects(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let generation = match args.get_not_none(0) {
        None => None,
        Some(value) if value.type_of().slots().index.is_none() && !value.is_int() => {
            let message = format!(
                "argument should be integer or None, not '{}'",
                value.type_of().full_name()
            );
            return Err(vm.type_error(message));
        }
        Some(value) => match vm.index_i64(value)? {
            -1 => None,
            i if i >= GENERATIONS as i64 => {
                let message = format!(
                    "generation parameter must be less than the number of available generations ({GENERATIONS})"
                );
                return Err(vm.value_error(message));
            }
            i if i < 0 => return Err(vm.value_error("generation parameter cannot be negative")),
            i => Some(i as u8),
        },
    };
    Ok(new_list(gc::objects(vm, generation)))
}

fn is_tracked(_vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    Ok(Value::bool(gc::is_tracked(object)))
}

fn is_finalized(_vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    Ok(Value::bool(gc::is_finalized(object)))
}

fn get_referrers(vm: &mut Vm, _module: &Value, objects: &[Value]) -> Py {
    let mut found = gc::referrers(vm, objects);
    found.extend(taipan_interp::frame::running_generators_holding(
        vm,
        |value| objects.iter().any(|object| object.is(value)),
    ));
    Ok(new_list(found))
}

fn get_referents(vm: &mut Vm, _module: &Value, objects: &[Value]) -> Py {
    let mut found = Vec::new();
    for object in objects {
        found.extend(gc::referents(vm, object));
        small_numbers(vm, object, &mut found)?;
    }
    Ok(new_list(found))
}

/// The small numbers in a container, which its words hold themselves: no objects for the collector, but for programs.
fn small_numbers(vm: &mut Vm, object: &Value, found: &mut Vec<Value>) -> Py<()> {
    let held = if object.is_exact(&types::LIST) || object.is_exact(&types::TUPLE) {
        vm.to_vec(object)?
    } else if let (Some(dict), true) = (dict_of(object), object.is_exact(&types::DICT)) {
        let items = dict.items().into_iter();
        items.flat_map(|(key, value)| [key, value]).collect()
    } else {
        return Ok(());
    };
    let objects = |value: &Value| value.is_object() || value.is_none();
    found.extend(held.into_iter().filter(|value| !objects(value)));
    Ok(())
}

fn freeze(vm: &mut Vm, _module: &Value) -> Py {
    vm.stop_the_world(|vm| vm.interpreter().gc.freeze());
    Ok(Value::none())
}

fn unfreeze(vm: &mut Vm, _module: &Value) -> Py {
    vm.stop_the_world(|vm| vm.interpreter().gc.unfreeze());
    Ok(Value::none())
}

fn get_freeze_count(vm: &mut Vm, _module: &Value) -> Py {
    let count = vm.stop_the_world(|vm| vm.interpreter().gc.freeze_count());
    Ok(Value::int(count as i64))
}

fn verify_counts(vm: &mut Vm, _module: &Value) -> Py {
    match gc::verify_counts(vm) {
        Ok(()) => Ok(Value::none()),
        Err(message) => Err(vm.system_error(message)),
    }
}
