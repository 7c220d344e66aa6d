//! Questions to the heap: all objects, who refers to whom, whether the counts tell the truth.

use super::table::{self, Table};
use super::{BIT_OLD, is_collected};
use crate::header::{BIT_COLLECTING, BIT_DYING, BIT_FINALIZED, BIT_GC, BIT_UNTRACKED, Header};
use crate::value::Value;
use crate::vm::Vm;
use crate::weakref::WeakRef;
use std::any::TypeId;
use std::collections::{HashMap, HashSet};

/// All objects that take part in collections; of one generation, if given: 0 has those that no collection has seen yet, 2 the
/// others.
pub fn objects(vm: &mut Vm, generation: Option<u8>) -> Vec<Value> {
    vm.stop_the_world(|vm| objects_of_stopped(vm, generation))
}

fn objects_of_stopped(vm: &Vm, generation: Option<u8>) -> Vec<Value> {
    let mut found = Vec::new();
    vm.interpreter().gc.walk(&mut |header| {
        let asked = match generation {
            None => true,
            Some(0) => !header.has_bit(BIT_OLD),
            Some(1) => false,
            Some(_) => header.has_bit(BIT_OLD),
        };
        if asked && is_collected(header) {
            // SAFETY: it has references, so it is alive.
            found.push(unsafe { Value::new_ref(header) });
        }
    });
    found
}

/// Would a program see objects go? Some have a finaliser that has not run, or a weak reference with a callback. `is_known` tells of
/// such an object, or callback, that nobody will see it; it allocates nothing.
pub fn ends_are_seen(vm: &Vm, is_known: &dyn Fn(&Value) -> bool) -> bool {
    let mut seen = false;
    vm.interpreter().gc.walk(&mut |header| {
        if seen || header.is_immortal() || header.has_bit(BIT_FINALIZED | BIT_DYING) {
            return;
        }
        let ty = header.type_object();
        let asked = ty.slots().finalize.is_some() || ty.layout().id == TypeId::of::<WeakRef>();
        if !asked || super::total_references(header) <= 0 {
            return;
        }
        // SAFETY: it has references, so it is alive.
        let object = unsafe { Value::new_ref(header) };
        seen = match object.cast_layout::<WeakRef>() {
            Some(reference) => {
                let callback = reference.callback();
                callback.is_some_and(|callback| !is_known(&callback)) && !reference.is_dead()
            }
            None => !is_known(&object),
        };
    });
    seen
}

/// Objects that refer to any of `targets`.
pub fn referrers(vm: &mut Vm, targets: &[Value]) -> Vec<Value> {
    vm.stop_the_world(|vm| referrers_in_stopped(vm, targets))
}

fn referrers_in_stopped(vm: &Vm, targets: &[Value]) -> Vec<Value> {
    let wanted: HashSet<u64> = targets
        .iter()
        .filter(|target| target.is_object())
        .map(Value::bits)
        .collect();
    let mut found = Vec::new();
    vm.interpreter().gc.walk(&mut |header| {
        if !is_collected(header) {
            return;
        }
        let mut refers = false;
        visit_referents(header, &mut |target| {
            refers |= wanted.contains(&(target as u64))
        });
        if refers {
            // SAFETY: it has references, so it is alive.
            found.push(unsafe { Value::new_ref(header) });
        }
    });
    found
}

/// Objects that `object` refers to, its class among them if a program made it.
pub fn referents(vm: &mut Vm, object: &Value) -> Vec<Value> {
    vm.stop_the_world(|_| referents_in_stopped(object))
}

fn referents_in_stopped(object: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    if let Some(header) = object.header()
        && (header.has_bit(BIT_GC) || header.type_object().layout().gc)
    {
        visit_referents(header, &mut |target| {
            // SAFETY: what a live object refers to is alive.
            found.push(unsafe { Value::new_ref(target) })
        });
    }
    found
}

fn visit_referents(header: &Header, visit: &mut dyn FnMut(*const Header)) {
    // SAFETY: the caller has a live object that is not being destroyed, and the world stands still.
    unsafe { table::trace(header, visit) };
    let ty = header.type_object();
    if ty.is_heap() {
        visit(ty.header());
    }
}

/// Does the collector look at the object?
pub fn is_tracked(object: &Value) -> bool {
    object
        .header()
        .is_some_and(|header| header.has_bit(BIT_GC) && !header.has_bit(BIT_UNTRACKED))
}

/// Has the collector or a destruction run the object's finaliser?
pub fn is_finalized(object: &Value) -> bool {
    object
        .header()
        .is_some_and(|header| header.has_bit(BIT_FINALIZED))
}

/// Recounts all references between collected objects against their counts. An object with more references than its count
/// is named, with the types of those that report them: one of these lies (I-GC-1).
pub fn verify_counts(vm: &mut Vm) -> Result<(), String> {
    vm.stop_the_world(|vm| verify_counts_of_stopped(vm))
}

fn verify_counts_of_stopped(vm: &Vm) -> Result<(), String> {
    let mut table = Table::new();
    vm.interpreter().gc.walk(&mut |header| {
        if is_collected(header) {
            table.add(header, 0);
        }
    });
    table.subtract_internal();
    let wrong = table
        .outside_references()
        .filter(|(_, refs)| *refs < 0)
        .min_by_key(|(_, refs)| *refs);
    let mut all = Vec::with_capacity(table.len());
    table.dissolve(|header, _| {
        header.clear_bit(BIT_COLLECTING);
        all.push(header as *const Header);
    });
    let Some((victim, refs)) = wrong else {
        return Ok(());
    };
    let mut holders: HashMap<&'static str, usize> = HashMap::new();
    for object in all {
        // SAFETY: nothing was freed since the walk.
        unsafe {
            let name = (*object).type_object().full_name();
            table::trace(object, &mut |target| {
                if std::ptr::eq(target, victim) {
                    *holders.entry(name).or_default() += 1;
                }
            });
        }
    }
    let mut holders: Vec<String> = holders
        .into_iter()
        .map(|(name, times)| format!("{name} ({times})"))
        .collect();
    holders.sort();
    // SAFETY: as above.
    let victim_type = unsafe { (*victim).type_object().full_name() };
    Err(format!(
        "a '{victim_type}' object at {victim:p} has {} references too few for what these types report: {}",
        -refs,
        holders.join(", ")
    ))
}
