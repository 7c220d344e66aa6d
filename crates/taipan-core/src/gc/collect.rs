//! One collection: walk, subtract, mark; then weak references, finalisers, a second look for the resurrected, and the end.

use super::table::{self, Fate, Table};
use super::{BIT_OLD, Collector, GENERATIONS, Running, debug, is_collected, write_stderr};
use crate::Py;
use crate::header::{BIT_COLLECTING, BIT_FINALIZED, BIT_UNTRACKED, BIT_WEAKLY_REFERENCED, Header};
use crate::type_object::TypeObject;
use crate::value::Value;
use crate::vm::{Vm, breaker};
use crate::weakref;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

/// Collects if a thread's allowance is used up and collections start by themselves. For safepoints.
pub fn maybe_collect(vm: &mut Vm) {
    let before = vm.thread().breaker.fetch_and(!breaker::COLLECT, Relaxed);
    vm.ask_whether_alone();
    let collector = &vm.interpreter().gc;
    if before & breaker::ZEAL == 0 && collector.rearm_after_another() {
        return;
    }
    if before & breaker::ZEAL != 0 || collector.is_enabled() && collector.thresholds()[0] > 0 {
        let generation = collector.due_generation();
        // Never fails: what goes wrong in callbacks and finalisers is reported, not raised.
        let _ = collect(vm, generation);
    }
}

/// Frees all garbage cycles and tells how many objects that were. Does nothing if a collection is under way.
pub fn collect(vm: &mut Vm, generation: u8) -> Py<usize> {
    collect_as(vm, generation, None)
}

/// The place of objects, by their words, among those whose finalisers run in one collection. The words count no reference.
pub type Order = HashMap<u64, usize, foldhash::fast::FixedState>;

/// The last collections: the finalisers of objects with a place run first, in that order. Nobody is told.
pub fn collect_at_end(vm: &mut Vm, order: &Order) -> Py<usize> {
    collect_as(vm, GENERATIONS as u8 - 1, Some(order))
}

fn collect_as(vm: &mut Vm, generation: u8, at_end: Option<&Order>) -> Py<usize> {
    let collector = &vm.interpreter().gc;
    let Some(_running) = Running::start(collector) else {
        return Ok(0);
    };
    let pending = weakref::park_pending(vm);
    let generation = (generation as usize).min(GENERATIONS - 1);
    if at_end.is_none() {
        call_callbacks(vm, collector, "start", generation, 0);
    }
    let started = Instant::now();
    let flags = collector.debug_flags();
    if flags & debug::STATS != 0 {
        print_start(vm, collector, generation);
    }
    crate::destroy::drain_trash();
    collector.begin(generation);

    let search = vm.stop_the_world(|vm| search(vm, collector, at_end));
    for object in search.unreferenced {
        // SAFETY: its counts were merged, and no reference is left.
        unsafe { crate::destroy::destroy(object) }
    }
    let live = search.live;
    let found = search.trash.len();
    let collected = dispose(vm, collector, search.trash, search.calls);
    collector.finish(generation, live + (found - collected), collected);

    if flags & debug::STATS != 0 {
        let seconds = started.elapsed().as_secs_f64();
        write_stderr(
            vm,
            &format!("gc: done, {collected} unreachable, 0 uncollectable, {seconds:.4}s elapsed\n"),
        );
    }
    if at_end.is_none() {
        call_callbacks(vm, collector, "stop", generation, collected);
    }
    weakref::unpark_pending(vm, pending);
    Ok(collected)
}

fn print_start(vm: &mut Vm, collector: &Collector, generation: usize) {
    let (young, old, frozen) = collector.census();
    write_stderr(
        vm,
        &format!(
            "gc: collecting generation {generation}...\ngc: objects in each generation: {young} 0 {old}\n\
             gc: objects in permanent generation: {frozen}\n"
        ),
    );
}

/// Tells the functions in `gc.callbacks` that a collection starts or has ended.
fn call_callbacks(
    vm: &mut Vm,
    collector: &Collector,
    phase: &str,
    generation: usize,
    collected: usize,
) {
    let Some(callbacks) = collector.callbacks() else {
        return;
    };
    let Ok(mut functions) = list_items(vm, &callbacks) else {
        return;
    };
    if functions.is_empty() {
        return;
    }
    let info = crate::dict_object::new_dict();
    if let Some(dict) = info.cast::<crate::dict_object::Dict>() {
        dict.set_name(crate::name!("generation"), Value::int(generation as i64));
        dict.set_name(crate::name!("collected"), Value::int(collected as i64));
        dict.set_name(crate::name!("uncollectable"), Value::int(0));
    }
    let phase = crate::str_object::new_str(phase);
    for function in functions.drain(..) {
        if let Err(raised) = vm.call(&function, &[phase.clone(), info.clone()]) {
            vm.unraisable_in(
                raised,
                "Exception ignored while calling GC callback",
                &function,
            );
        }
    }
}

/// The items of a list, or of whatever the program put in its place; an error is swallowed.
fn list_items(vm: &mut Vm, list: &Value) -> Result<Vec<Value>, ()> {
    let mut items = Vec::new();
    let result = vm.iter(list).and_then(|iterator| {
        while let Some(item) = vm.next(&iterator)? {
            items.push(item);
        }
        Ok(())
    });
    result.map_err(|raised| drop(vm.take_raised(raised)))?;
    Ok(items)
}

/// What a look at the stopped world gives.
struct Search {
    /// Garbage; weak references to it, and those that are garbage, are cleared.
    trash: Vec<Value>,
    /// Number of objects that are no garbage.
    live: usize,
    /// Callbacks of weak references to garbage.
    calls: Vec<weakref::Call>,
    /// Objects that were found without references when the counts of all threads were added.
    unreferenced: Vec<*const Header>,
}

fn search(vm: &mut Vm, collector: &Collector, at_end: Option<&Order>) -> Search {
    let threads = vm.interpreter().threads().clone();
    let unreferenced = threads
        .into_iter()
        .flat_map(crate::refcount::take_zeros)
        .collect();
    let (mut trash, live) = find_garbage(collector);
    if let Some(order) = at_end.filter(|order| !order.is_empty()) {
        trash.sort_by_cached_key(|object| order.get(&object.bits()).copied().unwrap_or(usize::MAX));
    }
    let calls = clear_weak_references(&trash);
    for object in &trash {
        header_of(object).clear_bit(BIT_COLLECTING);
    }
    Search {
        trash,
        live,
        calls,
        unreferenced,
    }
}

/// Finds the garbage; gives a reference to each object of it, and the number of objects that are no garbage.
///
/// On return garbage still has `BIT_COLLECTING`, for [`clear_weak_references`] to know it by.
fn find_garbage(collector: &Collector) -> (Vec<Value>, usize) {
    let mut table = Table::new();
    let mut kept_types: Vec<*const TypeObject> = Vec::new();
    let mut passed = 0;
    collector.walk(&mut |header| {
        if is_collected(header) && table.add(header, 0) {
            return;
        }
        passed += 1;
        // Not looked at: its references are references from outside, and it keeps its type.
        let ty: *const TypeObject = header.type_object();
        // SAFETY: an object's type is alive (I-TYPE-1).
        if unsafe { &*ty }.is_heap() && kept_types.last() != Some(&ty) {
            kept_types.push(ty);
        }
    });
    table.subtract_internal();
    for ty in kept_types {
        // SAFETY: as above.
        table.reach_type(unsafe { &*ty });
    }
    table.mark();
    let total = table.len();
    let mut trash = Vec::new();
    table.dissolve(|header, fate| match fate {
        Fate::Garbage => trash.push(to_value(header)),
        fate => {
            header.clear_bit(BIT_COLLECTING);
            header.set_bit(if fate == Fate::Inert {
                BIT_OLD | BIT_UNTRACKED
            } else {
                BIT_OLD
            });
        }
    });
    // Objects that were only walked past count too: the allowance must grow with the whole walk.
    let live = total - trash.len() + passed;
    (trash, live)
}

fn to_value(header: &Header) -> Value {
    // SAFETY: objects with rows are live.
    unsafe { Value::new_ref(header) }
}

fn header_of(value: &Value) -> &Header {
    // SAFETY: trash is made of references to objects only.
    unsafe { value.header_unchecked() }
}

/// Ends the garbage as PEP 442 has it; gives the number of objects that were not resurrected.
fn dispose(
    vm: &mut Vm,
    collector: &Collector,
    trash: Vec<Value>,
    callbacks: Vec<weakref::Call>,
) -> usize {
    if trash.is_empty() {
        return 0;
    }
    let flags = collector.debug_flags();
    let mut ran_python = !callbacks.is_empty();
    if flags & debug::COLLECTABLE != 0 {
        ran_python = true;
        for object in &trash {
            let line = format!(
                "gc: collectable <{} {:#x}>\n",
                object.type_of().full_name(),
                object.bits()
            );
            write_stderr(vm, &line);
        }
    }
    weakref::run_callbacks(vm, callbacks);
    for object in owners_first(&trash) {
        ran_python |= finalize(vm, object);
    }
    let trash = if ran_python {
        let (dead, resurrected) = vm.stop_the_world(|_| split_resurrected(collector, trash));
        drop(resurrected);
        dead
    } else {
        trash
    };
    let collected = trash.len();
    if flags & debug::SAVEALL != 0
        && let Some(garbage) = collector.garbage()
    {
        for object in trash {
            save(vm, &garbage, object);
        }
        return collected;
    }
    for object in &trash {
        if header_of(object).has_bit(BIT_WEAKLY_REFERENCED) {
            weakref::clear_silently(header_of(object));
        }
    }
    destroy(vm, collector, trash);
    collected
}

/// Clears weak references to garbage, and those that are garbage. Gives the calls to make: a callback is called only if its
/// reference is no garbage itself.
fn clear_weak_references(trash: &[Value]) -> Vec<weakref::Call> {
    let mut calls = Vec::new();
    for object in trash {
        weakref::detach(object);
    }
    for object in trash {
        let header = header_of(object);
        if header.has_bit(BIT_WEAKLY_REFERENCED) {
            calls.extend(weakref::take_calls(header));
        }
    }
    calls
}

/// The objects of the trash with finalisers, each before those that it refers to: a text file flushes into a buffer that is
/// still open. Else they keep the order of the trash.
fn owners_first(trash: &[Value]) -> Vec<&Value> {
    let finalised = |object: &&Value| {
        object.type_of().slots().finalize.is_some() && !header_of(object).has_bit(BIT_FINALIZED)
    };
    let objects: Vec<&Value> = trash.iter().filter(finalised).collect();
    if objects.len() < 2 {
        return objects;
    }
    let numbers = objects.iter().enumerate();
    let numbers: Order = numbers.map(|(i, object)| (object.bits(), i)).collect();
    let owned: Vec<Vec<usize>> = objects
        .iter()
        .map(|object| owned_by(object, &numbers))
        .collect();
    let mut owners = vec![0usize; objects.len()];
    owned.iter().flatten().for_each(|at| owners[*at] += 1);
    let free = (0..objects.len()).filter(|at| owners[*at] == 0);
    let mut free: BinaryHeap<Reverse<usize>> = free.map(Reverse).collect();
    let mut done = vec![false; objects.len()];
    let mut order = Vec::with_capacity(objects.len());
    let mut first = 0;
    while order.len() < objects.len() {
        // Those that refer to each other come in the order of the trash.
        let at = free.pop().map_or(first, |Reverse(at)| at);
        if std::mem::replace(&mut done[at], true) {
            first += usize::from(at == first);
            continue;
        }
        order.push(objects[at]);
        for next in &owned[at] {
            owners[*next] -= 1;
            if owners[*next] == 0 {
                free.push(Reverse(*next));
            }
        }
    }
    order
}

/// The numbers of other objects that an object refers to.
fn owned_by(object: &Value, numbers: &Order) -> Vec<usize> {
    let mut found = Vec::new();
    // SAFETY: whole, and nothing changes while it is looked at.
    unsafe {
        table::trace(header_of(object), &mut |target| {
            let other = target as u64;
            found.extend(
                numbers
                    .get(&other)
                    .filter(|_| other != object.bits())
                    .copied(),
            );
        });
    }
    found
}

/// Runs an object's finaliser unless it has run before; true if it has one.
fn finalize(vm: &mut Vm, object: &Value) -> bool {
    let header = header_of(object);
    let Some(finalize) = object.type_of().slots().finalize else {
        return false;
    };
    if header.has_bit(BIT_FINALIZED) {
        return false;
    }
    header.set_bit(BIT_FINALIZED);
    let suspended = weakref::park_pending(vm);
    finalize(vm, object);
    weakref::unpark_pending(vm, suspended);
    true
}

/// Appends an object to `gc.garbage`.
fn save(vm: &mut Vm, garbage: &Value, object: Value) {
    let appended = vm
        .get_attr(garbage, crate::name!("append"))
        .and_then(|append| vm.call(&append, &[object]));
    if let Err(raised) = appended {
        drop(vm.take_raised(raised));
    }
}

/// Looks again, now that Python code has run: lets go what somebody outside of the trash refers to, and all that is reachable
/// from there. Gives the dead and the others.
fn split_resurrected(collector: &Collector, trash: Vec<Value>) -> (Vec<Value>, Vec<Value>) {
    let mut table = Table::new();
    let mut types = false;
    for object in &trash {
        types |= table::is_type(header_of(object));
        table.add(header_of(object), 1);
    }
    table.subtract_internal();
    if types {
        for ty in types_in_use(collector) {
            // SAFETY: the trash holds a reference to it.
            table.reach_type(unsafe { &*ty });
        }
    }
    table.mark();
    let mut dead = Vec::with_capacity(trash.len());
    let mut trash = trash.into_iter();
    let mut resurrected = Vec::new();
    // Rows are in the order of the trash.
    table.dissolve(|header, fate| {
        header.clear_bit(BIT_COLLECTING);
        if let Some(object) = trash.next() {
            if fate == Fate::Garbage {
                dead.push(object)
            } else {
                resurrected.push(object)
            }
        }
    });
    (dead, resurrected)
}

/// Types with `BIT_COLLECTING` that an object without it is an instance of: such objects count no reference to their type.
fn types_in_use(collector: &Collector) -> Vec<*const TypeObject> {
    let mut used: Vec<*const TypeObject> = Vec::new();
    collector.walk(&mut |header| {
        let ty = header.type_object();
        if ty.header().has_bit(BIT_COLLECTING) && !header.has_bit(BIT_COLLECTING) {
            let ty: *const TypeObject = ty;
            if !used.contains(&ty) {
                used.push(ty);
            }
        }
    });
    used
}

/// Breaks the cycles and gives the objects up: instances before types, for they need their type to the end.
fn destroy(vm: &mut Vm, collector: &Collector, trash: Vec<Value>) {
    let (types, objects): (Vec<Value>, Vec<Value>) = trash
        .into_iter()
        .partition(|object| table::is_type(header_of(object)));
    let mut out = Vec::new();
    for object in &objects {
        // SAFETY: garbage that only the trash refers to from outside; no guard is alive, for we had `&mut Vm`.
        unsafe { table::clear(header_of(object), &mut out) };
        out.clear();
    }
    drop(objects);
    if !types.is_empty() {
        destroy_types(vm, collector, types);
    }
}

/// Gives types up that have no instances left. A type that still has some (their destruction may have been put off) stays
/// whole, with all it needs; a later collection takes it.
fn destroy_types(vm: &mut Vm, collector: &Collector, types: Vec<Value>) {
    let mut kept: Vec<*const TypeObject> = vm.stop_the_world(|_| {
        for ty in &types {
            header_of(ty).set_bit(BIT_COLLECTING);
        }
        let used = types_in_use(collector);
        for ty in &types {
            header_of(ty).clear_bit(BIT_COLLECTING);
        }
        used
    });
    let mut at = 0;
    while at < kept.len() {
        // SAFETY: `types` holds a reference to it.
        let ty = unsafe { &*kept[at] };
        at += 1;
        for needed in ty.mro().iter().copied().chain([ty.type_of().as_static()]) {
            let needed: *const TypeObject = needed;
            if !kept.contains(&needed) {
                kept.push(needed);
            }
        }
    }
    let mut dead = Vec::new();
    for ty in types {
        match table::as_type(&ty) {
            Some(object) if !kept.iter().any(|kept| std::ptr::eq(*kept, object)) => dead.push(ty),
            _ => {}
        }
    }
    // A type goes before its metaclass does.
    dead.sort_by_key(|ty| std::cmp::Reverse(metaclass_depth(ty)));
    let mut out = Vec::new();
    for ty in &dead {
        if let Some(object) = table::as_type(ty) {
            object
                .bases()
                .iter()
                .for_each(|base| base.forget_subclass(object));
        }
    }
    for ty in &dead {
        // SAFETY: as in `destroy`.
        unsafe { table::clear(header_of(ty), &mut out) };
    }
    drop(out);
    dead.into_iter().for_each(drop);
}

/// How many metaclasses of the program stand above a type.
fn metaclass_depth(ty: &Value) -> usize {
    let mut depth = 0;
    let mut meta = ty.type_of();
    while meta.is_heap() {
        depth += 1;
        meta = meta.type_of();
    }
    depth
}
