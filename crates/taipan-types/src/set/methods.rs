//! The methods of `set` and `frozenset`.

use super::table::Table;
use super::{
    Set, add, any_set, base_of, clear, contains, difference, difference_update, discard, exchange,
    intersection, is_disjoint, is_subset, keys, make, own, plain_copy, read, set_from,
    symmetric_difference_update, update,
};
use crate::check::class_getitem_row;
use crate::list::new_list;
use taipan_core::builtin_types::{FROZENSET, KEY_ERROR};
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{MethodDef, Obj, Py, Value, Vm, f0, f1, name, slice};

const fn copy_row() -> MethodDef {
    f0("copy(self, /)", copy, "Return a shallow copy of a set.")
}

const fn contains_row() -> MethodDef {
    f1(
        "__contains__(self, object, /)",
        contains_method,
        "x.__contains__(y) <==> y in x.",
    )
}

const fn difference_row() -> MethodDef {
    slice(
        "difference(self, /, *others)",
        difference_method,
        "Return a new set with elements in the set that are not in the others.",
    )
}

const fn intersection_row() -> MethodDef {
    slice(
        "intersection(self, /, *others)",
        intersection_method,
        "Return a new set with elements common to the set and all others.",
    )
}

const fn disjoint_row() -> MethodDef {
    f1(
        "isdisjoint(self, other, /)",
        disjoint,
        "Return True if two sets have a null intersection.",
    )
}

const fn subset_row() -> MethodDef {
    f1(
        "issubset(self, other, /)",
        subset,
        "Report whether another set contains this set.",
    )
}

const fn superset_row() -> MethodDef {
    f1(
        "issuperset(self, other, /)",
        superset,
        "Report whether this set contains another set.",
    )
}

const fn reduce_row() -> MethodDef {
    f0(
        "__reduce__(self, /)",
        reduce,
        "Return state information for pickling.",
    )
}

const fn sizeof_row() -> MethodDef {
    f0(
        "__sizeof__(self, /)",
        sizeof,
        "S.__sizeof__() -> size of S in memory, in bytes.",
    )
}

const fn symmetric_difference_row() -> MethodDef {
    f1(
        "symmetric_difference(self, other, /)",
        symmetric_difference_of,
        "Return a new set with elements in either the set or other but not both.",
    )
}

const fn union_row() -> MethodDef {
    slice(
        "union(self, /, *others)",
        union,
        "Return a new set with elements from the set and all others.",
    )
}

pub(super) static FROZENSET_METHODS: [MethodDef; 12] = [
    copy_row(),
    contains_row(),
    difference_row(),
    intersection_row(),
    disjoint_row(),
    subset_row(),
    superset_row(),
    reduce_row(),
    sizeof_row(),
    symmetric_difference_row(),
    union_row(),
    class_getitem_row(),
];

pub(super) static SET_METHODS: [MethodDef; 21] = [
    copy_row(),
    contains_row(),
    difference_row(),
    intersection_row(),
    disjoint_row(),
    subset_row(),
    superset_row(),
    reduce_row(),
    sizeof_row(),
    symmetric_difference_row(),
    union_row(),
    class_getitem_row(),
    f1(
        "add(self, object, /)",
        add_method,
        "Add an element to a set.\n\nThis has no effect if the element is already present.",
    ),
    f0(
        "clear(self, /)",
        clear_method,
        "Remove all elements from this set.",
    ),
    f1(
        "discard(self, object, /)",
        discard_method,
        "Remove an element from a set if it is a member.\n\nUnlike set.remove(), the discard() method does not raise\nan exception when an element is missing from the set.",
    ),
    slice(
        "difference_update(self, /, *others)",
        difference_update_method,
        "Update the set, removing elements found in others.",
    ),
    slice(
        "intersection_update(self, /, *others)",
        intersection_update,
        "Update the set, keeping only elements found in it and all others.",
    ),
    f0(
        "pop(self, /)",
        pop,
        "Remove and return an arbitrary set element.\n\nRaises KeyError if the set is empty.",
    ),
    f1(
        "remove(self, object, /)",
        remove,
        "Remove an element from a set; it must be a member.\n\nIf the element is not a member, raise a KeyError.",
    ),
    f1(
        "symmetric_difference_update(self, other, /)",
        symmetric_difference_update_method,
        "Update the set, keeping only elements found in either set, but not in both.",
    ),
    slice(
        "update(self, /, *others)",
        update_method,
        "Update the set, adding elements from all others.",
    ),
];

fn copy(vm: &mut Vm, this: &Value) -> Py {
    if this.is_exact(&FROZENSET) {
        return Ok(this.clone());
    }
    plain_copy(vm, this)
}

fn contains_method(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    Ok(Value::bool(contains(vm, own(this), key)?))
}

fn difference_method(vm: &mut Vm, this: &Value, others: &[Value]) -> Py {
    let Some((first, rest)) = others.split_first() else {
        return plain_copy(vm, this);
    };
    let result = difference(vm, this, first)?;
    for other in rest {
        difference_update(vm, own(&result), other)?;
    }
    Ok(result)
}

fn intersection_method(vm: &mut Vm, this: &Value, others: &[Value]) -> Py {
    if others.is_empty() {
        return plain_copy(vm, this);
    }
    let mut result = this.clone();
    for other in others {
        result = intersection(vm, &result, other)?;
    }
    Ok(result)
}

fn intersection_update(vm: &mut Vm, this: &Value, others: &[Value]) -> Py {
    let result = intersection_method(vm, this, others)?;
    exchange(vm, own(this), own(&result));
    Ok(Value::none())
}

fn difference_update_method(vm: &mut Vm, this: &Value, others: &[Value]) -> Py {
    for other in others {
        difference_update(vm, own(this), other)?;
    }
    Ok(Value::none())
}

fn disjoint(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    Ok(Value::bool(is_disjoint(vm, this, other)?))
}

fn subset(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    if let Some(set) = any_set(other) {
        return Ok(Value::bool(is_subset(vm, own(this), set)?));
    }
    let common = intersection(vm, this, other)?;
    let (many, all) = (super::len(vm, own(&common)), super::len(vm, own(this)));
    Ok(Value::bool(many == all))
}

fn superset(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    if let Some(set) = any_set(other) {
        return Ok(Value::bool(is_subset(vm, set, own(this))?));
    }
    let iterator = vm.iter(other)?;
    while let Some(item) = vm.next(&iterator)? {
        let hash = super::key_hash(vm, &item)?;
        if !super::contains_with_hash(vm, own(this), &item, hash)? {
            return Ok(Value::bool(false));
        }
    }
    Ok(Value::bool(true))
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let list = new_list(keys(vm, own(this)));
    let state = vm.call_method(this, name!("__getstate__"), &[])?;
    Ok(new_tuple([
        this.type_of().to_value(),
        new_tuple([list]),
        state,
    ]))
}

fn sizeof(vm: &mut Vm, this: &Value) -> Py {
    let outside = read(vm, own(this), Table::bytes);
    let size = size_of::<Obj<Set>>() + this.type_of().storage_size() + outside;
    Ok(Value::int(size as i64))
}

pub(super) fn symmetric_difference_of(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    // As CPython does it: a copy of the other set, changed by this one, in this one's type.
    let copied = set_from(vm, other)?;
    symmetric_difference_update(vm, own(&copied), this)?;
    let base = base_of(this);
    if copied.is_exact(base) {
        return Ok(copied);
    }
    let table = std::mem::take(&mut *own(&copied).lock(vm));
    Ok(make(base, table))
}

fn symmetric_difference_update_method(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    symmetric_difference_update(vm, own(this), other)?;
    Ok(Value::none())
}

fn union(vm: &mut Vm, this: &Value, others: &[Value]) -> Py {
    let result = plain_copy(vm, this)?;
    for other in others {
        if !this.is(other) {
            update(vm, own(&result), other)?;
        }
    }
    Ok(result)
}

fn update_method(vm: &mut Vm, this: &Value, others: &[Value]) -> Py {
    for other in others {
        update(vm, own(this), other)?;
    }
    Ok(Value::none())
}

fn add_method(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    add(vm, own(this), key)?;
    Ok(Value::none())
}

fn clear_method(vm: &mut Vm, this: &Value) -> Py {
    clear(vm, own(this));
    Ok(Value::none())
}

fn discard_method(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    discard(vm, own(this), key)?;
    Ok(Value::none())
}

fn remove(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    if discard(vm, own(this), key)? {
        return Ok(Value::none());
    }
    Err(vm.key_error(key))
}

fn pop(vm: &mut Vm, this: &Value) -> Py {
    let popped = own(this).lock(vm).pop();
    match popped {
        Some(key) => Ok(key),
        None => Err(vm.raise_with(&KEY_ERROR, &[new_str("pop from an empty set")])),
    }
}
