//! The operators of `list`.

use super::methods::METHODS;
use super::storage::{NoMemory, Storage};
use super::{List, ListExt, extend, from_storage, list_of, new_empty_of, search};
use crate::check;
use crate::slice::{Bounds, Span, bounds_of};
use taipan_core::builtin_types::{LIST, TUPLE};
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, CompareOp, Layout, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
};

static LAYOUT: Layout = Layout::of::<List>();

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "list",
    flags: TypeFlags::BASE
        .union(TypeFlags::LIST_SUBCLASS)
        .union(TypeFlags::SEQUENCE)
        .union(TypeFlags::MATCH_SELF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        compare: Some(compare),
        iter: Some(super::iterators::iter),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        set_item: Some(set_item),
        concat: Some(concat),
        repeat: Some(repeat),
        inplace_concat: Some(inplace_concat),
        inplace_repeat: Some(inplace_repeat),
        ..Slots::NONE
    },
    methods: &METHODS,
    doc: "Built-in mutable sequence.\n\nIf no argument is given, the constructor creates a new empty list.\nThe argument must be an iterable if specified.",
    ..TypeSpec::DEFAULT
};

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_empty_of(cls))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    if args.has_keywords() && !check::overrides_new(this.type_of(), &LIST) {
        check::no_keywords(vm, "list", args)?;
    }
    let values = args.pos();
    check::count(vm, "list", values.len(), 0, 1)?;
    let list = this.expect::<List>();
    let old = list.lock(vm).take();
    drop(old);
    match values {
        [iterable] => extend(vm, list, iterable),
        _ => Ok(()),
    }
}

/// Writes `open item, item close` with a guard against recursion: inside itself the container shows as `open...close`.
pub fn repr_items(
    vm: &mut Vm,
    this: &Value,
    open: &str,
    close: &str,
    mut next: impl FnMut(&mut Vm, usize) -> Option<Value>,
) -> Py {
    if !vm.repr_enter(this) {
        return Ok(new_str(&format!("{open}...{close}")));
    }
    let mut text = crate::text::Builder::new();
    text.push_str(open);
    let mut at = 0;
    while let Some(item) = next(vm, at) {
        if at > 0 {
            text.push_str(", ");
        }
        let item = match vm.repr(&item) {
            Ok(item) => item,
            Err(raised) => {
                vm.repr_leave();
                return Err(raised);
            }
        };
        text.push_value(&item);
        at += 1;
    }
    text.push_str(close);
    vm.repr_leave();
    text.finish(vm)
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let list = this.expect::<List>();
    repr_items(vm, this, "[", "]", |vm, at| list.get(vm, at))
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    match (list_of(a), list_of(b)) {
        (Some(a), Some(b)) => search::compare(vm, a, b, op),
        _ => Ok(Value::not_implemented()),
    }
}

fn len(vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(this.expect::<List>().len(vm))
}

fn contains(vm: &mut Vm, this: &Value, item: &Value) -> Py<bool> {
    Ok(search::find(vm, this.expect::<List>(), item, 0, usize::MAX)?.is_some())
}

pub(super) fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    let list = this.expect::<List>();
    if let Some(at) = key.small_int() {
        return match list.get_signed(vm, at) {
            Some(item) => Ok(item),
            None => Err(vm.index_error("list index out of range")),
        };
    }
    if let Some(bounds) = bounds_of(vm, key)? {
        let copy = list.read(vm, |storage| {
            let span = bounds.fit(storage.len());
            storage.slice(span.start.max(0) as usize, span.step, span.count)
        });
        return match copy {
            Ok(storage) => Ok(from_storage(storage)),
            Err(NoMemory) => Err(vm.memory_error()),
        };
    }
    let at = list_index(vm, key)?;
    match list.get_signed(vm, at) {
        Some(item) => Ok(item),
        None => Err(vm.index_error("list index out of range")),
    }
}

fn list_index(vm: &mut Vm, key: &Value) -> Py<i64> {
    if !key.is_int() && key.type_of().slots().index.is_none() {
        let message = format!(
            "list indices must be integers or slices, not {}",
            key.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    vm.subscript_index(key)
}

fn set_item(vm: &mut Vm, this: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    let list = this.expect::<List>();
    if let Some(bounds) = bounds_of(vm, key)? {
        return match value {
            Some(value) => assign_slice(vm, list, bounds, this, value),
            None => delete_slice(vm, list, bounds),
        };
    }
    let at = list_index(vm, key)?;
    let displaced = list.change(vm, |storage| {
        let len = storage.len() as i64;
        let at = if at < 0 { at + len } else { at };
        if at < 0 || at >= len {
            return Ok(None);
        }
        match value {
            Some(value) => storage.set(at as usize, value.clone()).map(Some),
            None => Ok(Some(storage.remove(at as usize))),
        }
    })?;
    match displaced {
        Some(_) => Ok(()),
        None => Err(vm.index_error("list assignment index out of range")),
    }
}

fn delete_slice(vm: &mut Vm, list: &Obj<List>, bounds: Bounds) -> Py<()> {
    let removed = list.change(vm, |storage| {
        let span = bounds.fit(storage.len()).ascending();
        if span.step == 1 {
            storage.splice(span.start.max(0) as usize, span.count, Storage::new())
        } else {
            storage.remove_steps(span.start.max(0) as usize, span.step as usize, span.count)
        }
    })?;
    drop(removed);
    Ok(())
}

/// The items of the right side of a slice assignment.
fn items_to_assign(vm: &mut Vm, this: &Value, value: &Value, message: &str) -> Py<Storage> {
    let copy = if let Some(other) = list_of(value) {
        other.read(vm, Storage::duplicate)
    } else if let (Some(items), true) = (
        taipan_core::tuple_object::items(value),
        value.is_exact(&TUPLE),
    ) {
        Storage::from_slice(items)
    } else {
        debug_assert!(!this.is(value));
        let slots = value.type_of().slots();
        if slots.iter.is_none() && slots.get_item.is_none() {
            return Err(vm.type_error(message));
        }
        Storage::from_values(vm.to_vec(value)?)
    };
    match copy {
        Ok(storage) => Ok(storage),
        Err(NoMemory) => Err(vm.memory_error()),
    }
}

fn assign_slice(
    vm: &mut Vm,
    list: &Obj<List>,
    bounds: Bounds,
    this: &Value,
    value: &Value,
) -> Py<()> {
    if bounds.step == 1 {
        let new = items_to_assign(vm, this, value, "can only assign an iterable")?;
        let displaced = list.change(vm, |storage| {
            let span = bounds.fit(storage.len());
            storage.splice(span.start as usize, span.count, new)
        })?;
        drop(displaced);
        return Ok(());
    }
    let new = items_to_assign(vm, this, value, "must assign iterable to extended slice")?;
    let got = new.len();
    // `Err` carries the number of places, if it is not that of the items.
    let displaced: Result<Vec<Value>, Span> = list.change(vm, |storage| {
        let span = bounds.fit(storage.len());
        if span.count != got {
            return Ok(Err(span));
        }
        let mut displaced = Vec::with_capacity(got);
        for (at, value) in span.indices().zip(new.into_vec()) {
            displaced.push(storage.set(at, value)?);
        }
        Ok(Ok(displaced))
    })?;
    match displaced {
        Ok(_) => Ok(()),
        Err(span) => {
            let message = format!(
                "attempt to assign sequence of size {got} to extended slice of size {}",
                span.count
            );
            Err(vm.value_error(message))
        }
    }
}

fn concat(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let Some(right) = list_of(b) else {
        let message = format!(
            "can only concatenate list (not \"{}\") to list",
            b.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let left = a.expect::<List>();
    let (first, second) = (
        left.read(vm, Storage::duplicate),
        right.read(vm, Storage::duplicate),
    );
    let joined = first.and_then(|mut joined| joined.append(second?).map(|()| joined));
    match joined {
        Ok(storage) => Ok(from_storage(storage)),
        Err(NoMemory) => Err(vm.memory_error()),
    }
}

/// A repeat count: negative ones are 0.
pub fn repeat_count(vm: &mut Vm, count: &Value) -> Py<usize> {
    let index = vm.index(count)?;
    match index.as_i64() {
        Some(times) => Ok(times.max(0) as usize),
        None => {
            let message = format!(
                "cannot fit '{}' into an index-sized integer",
                count.type_of().name()
            );
            Err(vm.overflow_error(message))
        }
    }
}

fn repeat(vm: &mut Vm, this: &Value, count: &Value) -> Py {
    let times = repeat_count(vm, count)?;
    match this
        .expect::<List>()
        .read(vm, |storage| storage.repeated(times))
    {
        Ok(storage) => Ok(from_storage(storage)),
        Err(NoMemory) => Err(vm.memory_error()),
    }
}

fn inplace_concat(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    extend(vm, this.expect::<List>(), other)?;
    Ok(this.clone())
}

fn inplace_repeat(vm: &mut Vm, this: &Value, count: &Value) -> Py {
    let times = repeat_count(vm, count)?;
    let displaced = this.expect::<List>().change(vm, |storage| {
        let repeated = storage.repeated(times)?;
        Ok(std::mem::replace(storage, repeated))
    })?;
    drop(displaced);
    Ok(this.clone())
}
