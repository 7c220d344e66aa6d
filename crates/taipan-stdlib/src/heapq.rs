//! `_heapq`: priority queues in lists. Lists of raw numbers are sifted in place; others compare without a guard and notice if a
//! comparison changes the list's length.

use crate::ModuleDef;
use crate::support::add;
use taipan_core::str_object::new_str;
use taipan_core::{CompareOp, MethodDef, Obj, Py, Value, Vm, f1, f2};
use taipan_types::list::storage::kind_of;
use taipan_types::list::{Kind, List, ListExt, Storage, list_of};

/// `_heapq`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_heapq",
    doc: "Heap queue algorithm (a.k.a. priority queue).\n\n\
          Heaps are arrays for which a[k] <= a[2*k+1] and a[k] <= a[2*k+2] for\n\
          all k, counting elements from 0.  For the sake of comparison,\n\
          non-existing elements are considered to be infinite.  The interesting\n\
          property of a heap is that a[0] is always its smallest element.\n",
    functions: &FUNCTIONS,
    init: |_, dict| {
        add(
            dict,
            "__about__",
            new_str("Heap queues\n\n[explanation by François Pinard]\n"),
        );
        Ok(())
    },
};

static FUNCTIONS: [MethodDef; 10] = [
    f2(
        "heappush(module, heap, item, /)",
        heappush::<false>,
        "Push item onto heap, maintaining the heap invariant.",
    ),
    f1(
        "heappop(module, heap, /)",
        heappop::<false>,
        "Pop the smallest item off the heap, maintaining the heap invariant.",
    ),
    f2(
        "heapreplace(module, heap, item, /)",
        heapreplace::<false>,
        "Pop and return the current smallest value, and add the new item.\n\nThis is more efficient than heappop() followed by heappush(), and can be\nmore appropriate when using a fixed-size heap.  Note that the value\nreturned may be larger than item!  That constrains reasonable uses of\nthis routine unless written as part of a conditional replacement:\n\n    if item > heap[0]:\n        item = heapreplace(heap, item)",
    ),
    f2(
        "heappushpop(module, heap, item, /)",
        heappushpop::<false>,
        "Push item on the heap, then pop and return the smallest item from the heap.\n\nThe combined action runs more efficiently than heappush() followed by\na separate call to heappop().",
    ),
    f1(
        "heapify(module, heap, /)",
        heapify::<false>,
        "Transform list into a heap, in-place, in O(len(heap)) time.",
    ),
    f2(
        "heappush_max(module, heap, item, /)",
        heappush::<true>,
        "Push item onto max heap, maintaining the heap invariant.",
    ),
    f1(
        "heappop_max(module, heap, /)",
        heappop::<true>,
        "Maxheap variant of heappop.",
    ),
    f2(
        "heapreplace_max(module, heap, item, /)",
        heapreplace::<true>,
        "Maxheap variant of heapreplace.",
    ),
    f2(
        "heappushpop_max(module, heap, item, /)",
        heappushpop::<true>,
        "Maxheap variant of heappushpop.\n\nThe combined action runs more efficiently than heappush_max()\nfollowed by a separate call to heappop_max().",
    ),
    f1(
        "heapify_max(module, heap, /)",
        heapify::<true>,
        "Maxheap variant of heapify.",
    ),
];

/// The list that a heap must be.
fn heap_of<'a>(vm: &mut Vm, function: &str, argument: &str, value: &'a Value) -> Py<&'a Obj<List>> {
    match list_of(value) {
        Some(list) => Ok(list),
        None => {
            let message = format!(
                "{function}() argument{argument} must be list, not {}",
                value.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

/// A function's name, with or without `_max`.
fn named<const MAX: bool>(name: &str) -> String {
    if MAX {
        format!("{name}_max")
    } else {
        name.to_owned()
    }
}

// ---- raw numbers ----

fn raw_sift_down<T: Copy>(
    heap: &mut [T],
    start: usize,
    mut at: usize,
    less: impl Fn(T, T) -> bool,
) {
    let item = heap[at];
    while at > start {
        let parent = (at - 1) >> 1;
        if !less(item, heap[parent]) {
            break;
        }
        heap[at] = heap[parent];
        at = parent;
    }
    heap[at] = item;
}

fn raw_sift_up<T: Copy>(heap: &mut [T], start: usize, less: impl Fn(T, T) -> bool + Copy) {
    let limit = heap.len() >> 1;
    let mut at = start;
    while at < limit {
        let mut child = 2 * at + 1;
        if child + 1 < heap.len() && !less(heap[child], heap[child + 1]) {
            child += 1;
        }
        heap.swap(at, child);
        at = child;
    }
    raw_sift_down(heap, start, at, less);
}

/// What to do with a heap of raw numbers.
#[derive(Clone, Copy)]
enum Step {
    /// Lets the last element rise.
    Down,
    /// Lets the first element sink.
    Up,
    Heapify,
}

fn raw_step<T: Copy>(heap: &mut [T], step: Step, less: impl Fn(T, T) -> bool + Copy) {
    match step {
        Step::Down if !heap.is_empty() => raw_sift_down(heap, 0, heap.len() - 1, less),
        Step::Up if !heap.is_empty() => raw_sift_up(heap, 0, less),
        Step::Heapify => {
            for at in (0..heap.len() / 2).rev() {
                raw_sift_up(heap, at, less);
            }
        }
        _ => {}
    }
}

/// Makes a step on a list of raw numbers; false if the list holds objects.
fn raw<const MAX: bool>(vm: &mut Vm, list: &Obj<List>, step: Step) -> bool {
    raw_in::<MAX>(&mut list.lock(vm), step)
}

fn raw_in<const MAX: bool>(storage: &mut Storage, step: Step) -> bool {
    if let Some(heap) = storage.floats_mut() {
        raw_step(heap, step, |a, b| if MAX { b < a } else { a < b });
        return true;
    }
    if let Some(heap) = storage.ints_mut() {
        raw_step(heap, step, |a, b| if MAX { b < a } else { a < b });
        return true;
    }
    false
}

/// Pushes a number onto a list of numbers of its kind, all under one guard; false if that is not what they are.
fn raw_push<const MAX: bool>(vm: &mut Vm, list: &Obj<List>, item: &Value) -> bool {
    let mut storage = list.lock(vm);
    let kind = kind_of(item);
    if kind == Kind::Generic || !storage.is_empty() && storage.kind() != kind {
        return false;
    }
    storage.push(item.clone()).is_ok() && raw_in::<MAX>(&mut storage, Step::Down)
}

/// Takes the top off a list of numbers, all under one guard; `None` if it is no such list, or an empty one.
fn raw_pop<const MAX: bool>(vm: &mut Vm, list: &Obj<List>) -> Option<Value> {
    let mut storage = list.lock(vm);
    if storage.kind() == Kind::Generic {
        return None;
    }
    let last = storage.pop()?;
    if storage.is_empty() {
        return Some(last);
    }
    let top = storage.set(0, last).ok();
    raw_in::<MAX>(&mut storage, Step::Up);
    top
}

/// Puts a number in place of the top of a list of numbers of its kind, all under one guard. If `unless_first`, not if it would be the
/// top itself: then it is given back.
fn raw_replace<const MAX: bool>(
    vm: &mut Vm,
    list: &Obj<List>,
    item: &Value,
    unless_first: bool,
) -> Option<Value> {
    let mut storage = list.lock(vm);
    if storage.is_empty() || kind_of(item) != storage.kind() || storage.kind() == Kind::Generic {
        return None;
    }
    if unless_first {
        let top = storage.get(0)?;
        let (a, b) = if MAX { (item, &top) } else { (&top, item) };
        let less = match (a.small_int(), b.small_int()) {
            (Some(a), Some(b)) => a < b,
            _ => a.small_float()? < b.small_float()?,
        };
        if !less {
            return Some(item.clone());
        }
    }
    let top = storage.set(0, item.clone()).ok();
    raw_in::<MAX>(&mut storage, Step::Up);
    top
}

// ---- objects ----

fn less<const MAX: bool>(vm: &mut Vm, a: &Value, b: &Value) -> Py<bool> {
    let (a, b) = if MAX { (b, a) } else { (a, b) };
    if let (Some(a), Some(b)) = (a.small_int(), b.small_int()) {
        return Ok(a < b);
    }
    vm.compare_bool(a, b, CompareOp::Lt)
}

fn item(vm: &mut Vm, list: &Obj<List>, at: usize) -> Py {
    match list.get(vm, at) {
        Some(item) => Ok(item),
        None => Err(vm.index_error("index out of range")),
    }
}

fn check_length(vm: &mut Vm, list: &Obj<List>, len: usize) -> Py<()> {
    if list.len(vm) == len {
        return Ok(());
    }
    Err(vm.runtime_error("list changed size during iteration"))
}

fn swap(vm: &mut Vm, list: &Obj<List>, a: usize, b: usize) -> Py<()> {
    let (x, y) = (item(vm, list, a)?, item(vm, list, b)?);
    drop(list.set(vm, a, y)?);
    drop(list.set(vm, b, x)?);
    Ok(())
}

fn sift_down<const MAX: bool>(
    vm: &mut Vm,
    list: &Obj<List>,
    start: usize,
    mut at: usize,
) -> Py<()> {
    let len = list.len(vm);
    if at >= len {
        return Err(vm.index_error("index out of range"));
    }
    while at > start {
        let parent = (at - 1) >> 1;
        let (own, above) = (item(vm, list, at)?, item(vm, list, parent)?);
        let rises = less::<MAX>(vm, &own, &above)?;
        check_length(vm, list, len)?;
        if !rises {
            break;
        }
        swap(vm, list, at, parent)?;
        at = parent;
    }
    Ok(())
}

fn sift_up<const MAX: bool>(vm: &mut Vm, list: &Obj<List>, start: usize) -> Py<()> {
    let len = list.len(vm);
    let limit = len >> 1;
    let mut at = start;
    while at < limit {
        let mut child = 2 * at + 1;
        if child + 1 < len {
            let (left, right) = (item(vm, list, child)?, item(vm, list, child + 1)?);
            let left_first = less::<MAX>(vm, &left, &right)?;
            check_length(vm, list, len)?;
            child += !left_first as usize;
        }
        swap(vm, list, at, child)?;
        at = child;
    }
    sift_down::<MAX>(vm, list, start, at)
}

/// Lets the last element rise.
fn rise<const MAX: bool>(vm: &mut Vm, list: &Obj<List>) -> Py<()> {
    let last = list.len(vm).saturating_sub(1);
    sift_down::<MAX>(vm, list, 0, last)
}

// ---- functions ----

fn heappush<const MAX: bool>(vm: &mut Vm, _module: &Value, heap: &Value, item: &Value) -> Py {
    let list = heap_of(vm, &named::<MAX>("heappush"), " 1", heap)?;
    if raw_push::<MAX>(vm, list, item) {
        return Ok(Value::none());
    }
    list.append(vm, item.clone())?;
    rise::<MAX>(vm, list)?;
    Ok(Value::none())
}

fn heappop<const MAX: bool>(vm: &mut Vm, _module: &Value, heap: &Value) -> Py {
    let list = heap_of(vm, &named::<MAX>("heappop"), "", heap)?;
    if let Some(top) = raw_pop::<MAX>(vm, list) {
        return Ok(top);
    }
    let Some(last) = list.pop(vm) else {
        return Err(vm.index_error("index out of range"));
    };
    match list.set(vm, 0, last.clone())? {
        Some(first) => {
            sift_up::<MAX>(vm, list, 0)?;
            Ok(first)
        }
        None => Ok(last),
    }
}

fn heapreplace<const MAX: bool>(vm: &mut Vm, _module: &Value, heap: &Value, item: &Value) -> Py {
    let list = heap_of(vm, &named::<MAX>("heapreplace"), " 1", heap)?;
    if let Some(top) = raw_replace::<MAX>(vm, list, item, false) {
        return Ok(top);
    }
    match list.set(vm, 0, item.clone())? {
        Some(first) => {
            sift_up::<MAX>(vm, list, 0)?;
            Ok(first)
        }
        None => Err(vm.index_error("index out of range")),
    }
}

fn heappushpop<const MAX: bool>(vm: &mut Vm, _module: &Value, heap: &Value, item: &Value) -> Py {
    let list = heap_of(vm, &named::<MAX>("heappushpop"), " 1", heap)?;
    if let Some(top) = raw_replace::<MAX>(vm, list, item, true) {
        return Ok(top);
    }
    let Some(top) = list.get(vm, 0) else {
        return Ok(item.clone());
    };
    if !less::<MAX>(vm, &top, item)? {
        return Ok(item.clone());
    }
    match list.set(vm, 0, item.clone())? {
        Some(first) => {
            sift_up::<MAX>(vm, list, 0)?;
            Ok(first)
        }
        None => Err(vm.index_error("index out of range")),
    }
}

fn heapify<const MAX: bool>(vm: &mut Vm, _module: &Value, heap: &Value) -> Py {
    let list = heap_of(vm, &named::<MAX>("heapify"), "", heap)?;
    if raw::<MAX>(vm, list, Step::Heapify) {
        return Ok(Value::none());
    }
    for at in (0..list.len(vm) / 2).rev() {
        sift_up::<MAX>(vm, list, at)?;
    }
    Ok(Value::none())
}
