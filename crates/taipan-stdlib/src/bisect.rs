//! `_bisect`: searching and inserting in sorted sequences.

use crate::ModuleDef;
use taipan_core::{Bound, CompareOp, MethodDef, Py, Value, Vm, bound, name};
use taipan_types::list::{ListExt, is_exact_list, list_of};

/// `_bisect`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_bisect",
    doc: "Bisection algorithms.\n\n\
          This module provides support for maintaining a list in sorted order without\n\
          having to sort the list after each insertion. For long lists of items with\n\
          expensive comparison operations, this can be an improvement over the more\ncommon approach.\n",
    functions: &FUNCTIONS,
    init: |_, _| Ok(()),
};

static FUNCTIONS: [MethodDef; 4] = [
    bound(
        "bisect_left(module, /, a, x, lo=0, hi=None, *, key=None)",
        bisect_left,
        "Return the index where to insert item x in list a, assuming a is sorted.\n\n\
         The return value i is such that all e in a[:i] have e < x, and all e in\n\
         a[i:] have e >= x.  So if x already appears in the list, a.insert(i, x) will\n\
         insert just before the leftmost x already there.\n\n\
         Optional args lo (default 0) and hi (default len(a)) bound the\n\
         slice of a to be searched.\n\n\
         A custom key function can be supplied to customize the sort order.",
    ),
    bound(
        "bisect_right(module, /, a, x, lo=0, hi=None, *, key=None)",
        bisect_right,
        "Return the index where to insert item x in list a, assuming a is sorted.\n\n\
         The return value i is such that all e in a[:i] have e <= x, and all e in\n\
         a[i:] have e > x.  So if x already appears in the list, a.insert(i, x) will\n\
         insert just after the rightmost x already there.\n\n\
         Optional args lo (default 0) and hi (default len(a)) bound the\n\
         slice of a to be searched.\n\n\
         A custom key function can be supplied to customize the sort order.",
    ),
    bound(
        "insort_left(module, /, a, x, lo=0, hi=None, *, key=None)",
        insort_left,
        "Insert item x in list a, and keep it sorted assuming a is sorted.\n\n\
         If x is already in a, insert it to the left of the leftmost x.\n\n\
         Optional args lo (default 0) and hi (default len(a)) bound the\n\
         slice of a to be searched.\n\n\
         A custom key function can be supplied to customize the sort order.",
    ),
    bound(
        "insort_right(module, /, a, x, lo=0, hi=None, *, key=None)",
        insort_right,
        "Insert item x in list a, and keep it sorted assuming a is sorted.\n\n\
         If x is already in a, insert it to the right of the rightmost x.\n\n\
         Optional args lo (default 0) and hi (default len(a)) bound the\n\
         slice of a to be searched.\n\n\
         A custom key function can be supplied to customize the sort order.",
    ),
];

/// Where `x` belongs, and with which of its equals it goes.
fn search(vm: &mut Vm, args: &Bound, x: &Value, right: bool) -> Py<usize> {
    let sequence = args.req(0);
    let lo = match args.get(2) {
        Some(lo) => vm.index_i64(lo)?,
        None => 0,
    };
    let hi = match args.get_not_none(3) {
        Some(hi) => vm.index_i64(hi)?,
        None => -1,
    };
    let Ok(mut lo) = usize::try_from(lo) else {
        return Err(vm.value_error("lo must be non-negative"));
    };
    let mut hi = match usize::try_from(hi) {
        Ok(hi) => hi,
        Err(_) => vm.length(sequence)?,
    };
    let key = args.get_not_none(4);
    let list = if is_exact_list(sequence) {
        list_of(sequence)
    } else {
        None
    };
    if list.is_none() && taipan_core::dict_object::dict_of(sequence).is_some() {
        let message = format!("{} is not a sequence", sequence.type_of().name());
        return Err(vm.type_error(message));
    }
    while lo < hi {
        let middle = lo + (hi - lo) / 2;
        let item = match list.and_then(|list| list.get(vm, middle)) {
            Some(item) => item,
            None => vm.get_item(sequence, &Value::int(middle as i64))?,
        };
        let item = match key {
            Some(key) => vm.call(key, &[item])?,
            None => item,
        };
        let go_right = if right {
            !vm.compare_bool(x, &item, CompareOp::Lt)?
        } else {
            vm.compare_bool(&item, x, CompareOp::Lt)?
        };
        if go_right {
            lo = middle + 1;
        } else {
            hi = middle;
        }
    }
    Ok(lo)
}

fn bisect_left(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let at = search(vm, args, args.req(1), false)?;
    Ok(Value::int(at as i64))
}

fn bisect_right(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let at = search(vm, args, args.req(1), true)?;
    Ok(Value::int(at as i64))
}

fn insort(vm: &mut Vm, args: &Bound, right: bool) -> Py {
    let x = args.req(1);
    let at = match args.get_not_none(4) {
        Some(key) => {
            let own_key = vm.call(key, std::slice::from_ref(x))?;
            search(vm, args, &own_key, right)?
        }
        None => search(vm, args, x, right)?,
    };
    let sequence = args.req(0);
    if is_exact_list(sequence)
        && let Some(list) = list_of(sequence)
    {
        let x = x.clone();
        list.change(vm, |storage| {
            let at = at.min(storage.len());
            storage.insert(at, x)
        })?;
        return Ok(Value::none());
    }
    vm.call_method(
        sequence,
        name!("insert"),
        &[Value::int(at as i64), x.clone()],
    )?;
    Ok(Value::none())
}

fn insort_left(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    insort(vm, args, false)
}

fn insort_right(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    insort(vm, args, true)
}
