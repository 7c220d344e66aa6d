//! The zones made before: one object for each key as long as it is in use, and the few used last in any case.

use super::{Origin, ZONE, load, own, state};
use crate::builtins::import::import_module;
use taipan_core::str_object::name;
use taipan_core::{Bound, Py, Type, TypeObject, Value, Vm};

/// How many zones are kept though nobody uses them.
const KEPT: usize = 8;

fn new_weak_cache(vm: &mut Vm) -> Py {
    let module = import_module(vm, "weakref")?;
    let class = vm.get_attr(&module, taipan_core::name!("WeakValueDictionary"))?;
    vm.call(&class, &[])
}

/// The zones of a class that are in use, by key. Subclasses have one each.
fn weak_cache(vm: &mut Vm, cls: &TypeObject) -> Py {
    if !std::ptr::eq(cls, &ZONE) {
        return vm.get_attr(&cls.to_value(), taipan_core::name!("_weak_cache"));
    }
    if let Some(cache) = state(vm).weak_cache.get() {
        return Ok(cache.clone());
    }
    let made = new_weak_cache(vm)?;
    Ok(state(vm).weak_cache.get_or_init(|| made).clone())
}

pub fn init_subclass(vm: &mut Vm, cls: &Value, _args: &Bound) -> Py {
    let cache = new_weak_cache(vm)?;
    vm.set_attr_str(cls, "_weak_cache", &cache)?;
    Ok(Value::none())
}

/// The place of a key among the zones used last.
fn place(vm: &mut Vm, key: &Value) -> Py<Option<Value>> {
    let kept = state(vm).strong_cache.borrow().clone();
    for (known, zone) in kept {
        if vm.equal(&known, key)? {
            return Ok(Some(zone));
        }
    }
    Ok(None)
}

/// Notes that a zone was used.
fn keep(vm: &mut Vm, key: &Value, zone: &Value) {
    let mut kept = state(vm).strong_cache.borrow_mut();
    let known = kept.iter().position(|(_, other)| other.is(zone));
    let entry = match known {
        Some(index) => kept.remove(index),
        None => (key.clone(), zone.clone()),
    };
    kept.insert(0, entry);
    let left = if kept.len() > KEPT { kept.pop() } else { None };
    // Destroying a zone may run Python code.
    drop(kept);
    drop(left);
}

/// `ZoneInfo(key)`
pub fn get(vm: &mut Vm, cls: &TypeObject, key: &Value) -> Py {
    let base = std::ptr::eq(cls, &ZONE);
    if base && let Some(zone) = place(vm, key)? {
        keep(vm, key, &zone);
        return Ok(zone);
    }
    let weak = weak_cache(vm, cls)?;
    let found = vm.call_method(
        &weak,
        taipan_core::name!("get"),
        &[key.clone(), Value::none()],
    )?;
    let zone = if found.is_none() {
        let made = load(vm, cls, key)?;
        own(&made).lock(vm).origin = Origin::Cache;
        vm.call_method(&weak, &name("setdefault"), &[key.clone(), made])?
    } else {
        found
    };
    if !zone.is_instance(cls) {
        let (got, class) = (zone.type_of().name(), cls.name());
        let key = vm.repr_string(key)?;
        let message = format!("Unexpected instance of {got} in {class} weak cache for key {key}");
        return Err(vm.runtime_error(message));
    }
    if base {
        keep(vm, key, &zone);
    }
    Ok(zone)
}

pub fn clear(vm: &mut Vm, cls: &Value, args: &Bound) -> Py {
    let cls = cls.expect::<Type>();
    let base = std::ptr::eq(cls, &ZONE);
    let weak = weak_cache(vm, cls)?;
    let Some(keys) = args.get_not_none(0) else {
        vm.call_method(&weak, taipan_core::name!("clear"), &[])?;
        if base {
            let kept = std::mem::take(&mut *state(vm).strong_cache.borrow_mut());
            drop(kept);
        }
        return Ok(Value::none());
    };
    let keys = vm.iter(keys)?;
    while let Some(key) = vm.next(&keys)? {
        if base && let Some(zone) = place(vm, &key)? {
            let mut kept = state(vm).strong_cache.borrow_mut();
            let known = kept.iter().position(|(_, other)| other.is(&zone));
            let left = known.map(|index| kept.remove(index));
            drop(kept);
            drop(left);
        }
        vm.call_method(&weak, taipan_core::name!("pop"), &[key, Value::none()])?;
    }
    Ok(Value::none())
}
