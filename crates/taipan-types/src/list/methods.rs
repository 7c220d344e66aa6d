//! The methods of `list`.

use super::storage::Storage;
use super::{List, ListExt, extend, from_storage, list_of, search, sort};
use crate::check::class_getitem_row;
use crate::slice::{clamp_to, slice_index};
use taipan_core::str_object::is_exact_str;
use taipan_core::{Args, MethodDef, Py, Value, Vm, f0, f1, f2, name, raw, slice};

pub(super) static METHODS: [MethodDef; 15] = [
    f1(
        "__getitem__(self, index, /)",
        super::slots::get_item,
        "Return self[index].",
    ),
    f0(
        "__reversed__(self, /)",
        super::iterators::reversed,
        "Return a reverse iterator over the list.",
    ),
    f0(
        "__sizeof__(self, /)",
        sizeof,
        "Return the size of the list in memory, in bytes.",
    ),
    f0("clear(self, /)", clear, "Remove all items from list."),
    f0("copy(self, /)", copy, "Return a shallow copy of the list."),
    f1(
        "append(self, object, /)",
        append,
        "Append object to the end of the list.",
    ),
    f2(
        "insert(self, index, object, /)",
        insert,
        "Insert object before index.",
    ),
    f1(
        "extend(self, iterable, /)",
        extend_method,
        "Extend list by appending elements from the iterable.",
    ),
    slice(
        "pop(self, index=-1, /)",
        pop,
        "Remove and return item at index (default last).\n\nRaises IndexError if list is empty or index is out of range.",
    ),
    f1(
        "remove(self, value, /)",
        remove,
        "Remove first occurrence of value.\n\nRaises ValueError if the value is not present.",
    ),
    slice(
        "index(self, value, start=0, stop=sys.maxsize, /)",
        index,
        "Return first index of value.\n\nRaises ValueError if the value is not present.",
    ),
    f1(
        "count(self, value, /)",
        count,
        "Return number of occurrences of value.",
    ),
    f0("reverse(self, /)", reverse, "Reverse *IN PLACE*."),
    raw(
        "sort(self, /, *, key=None, reverse=False)",
        sort_method,
        "Sort the list in ascending order and return None.\n\nThe sort is in-place (i.e. the list itself is modified) and stable (i.e. the\norder of two equal elements is maintained).\n\nIf a key function is given, apply it once to each list item and sort them,\nascending or descending, according to their function values.\n\nThe reverse flag can be set to sort in descending order.",
    ),
    class_getitem_row(),
];

fn sizeof(vm: &mut Vm, this: &Value) -> Py {
    let list = this.expect::<List>();
    let outside = list.read(vm, Storage::bytes);
    let own = size_of::<taipan_core::Obj<List>>() + this.type_of().storage_size();
    Ok(Value::int((own + outside) as i64))
}

fn clear(vm: &mut Vm, this: &Value) -> Py {
    let old = this.expect::<List>().lock(vm).take();
    drop(old);
    Ok(Value::none())
}

fn copy(vm: &mut Vm, this: &Value) -> Py {
    match this.expect::<List>().read(vm, Storage::duplicate) {
        Ok(storage) => Ok(from_storage(storage)),
        Err(_) => Err(vm.memory_error()),
    }
}

fn append(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    this.expect::<List>().append(vm, value.clone())?;
    Ok(Value::none())
}

fn insert(vm: &mut Vm, this: &Value, index: &Value, value: &Value) -> Py {
    let at = vm.index_i64(index)?;
    this.expect::<List>().change(vm, |storage| {
        let at = clamp_to(at, storage.len());
        storage.insert(at, value.clone())
    })?;
    Ok(Value::none())
}

fn extend_method(vm: &mut Vm, this: &Value, iterable: &Value) -> Py {
    extend(vm, this.expect::<List>(), iterable)?;
    Ok(Value::none())
}

fn pop(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let list = this.expect::<List>();
    let at = match args {
        [index] => vm.index_i64(index)?,
        _ => match list.pop(vm) {
            Some(value) => return Ok(value),
            None => return Err(vm.index_error("pop from empty list")),
        },
    };
    let popped = list.change(vm, |storage| {
        let len = storage.len() as i64;
        let at = if at < 0 { at + len } else { at };
        Ok(if at < 0 || at >= len {
            Err(len)
        } else {
            Ok(storage.remove(at as usize))
        })
    })?;
    match popped {
        Ok(value) => Ok(value),
        Err(0) => Err(vm.index_error("pop from empty list")),
        Err(_) => Err(vm.index_error("pop index out of range")),
    }
}

fn remove(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let list = this.expect::<List>();
    let Some(at) = search::find(vm, list, value, 0, usize::MAX)? else {
        return Err(vm.value_error("list.remove(x): x not in list"));
    };
    // The comparison may have shortened the list.
    let removed = list.change(vm, |storage| {
        Ok(if at < storage.len() {
            Some(storage.remove(at))
        } else {
            None
        })
    })?;
    drop(removed);
    Ok(Value::none())
}

fn index(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let list = this.expect::<List>();
    let Some(value) = args.first() else {
        return Err(vm.type_error("index expected at least 1 argument, got 0"));
    };
    let start = match args.get(1) {
        Some(start) => slice_index(vm, start)?,
        None => 0,
    };
    let stop = match args.get(2) {
        Some(stop) => slice_index(vm, stop)?,
        None => i64::MAX,
    };
    let len = list.len(vm);
    let stop = if stop < 0 {
        clamp_to(stop, len)
    } else {
        stop as usize
    };
    match search::find(vm, list, value, clamp_to(start, len), stop)? {
        Some(at) => Ok(Value::int(at as i64)),
        None => Err(vm.value_error("list.index(x): x not in list")),
    }
}

fn count(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let count = search::count(vm, this.expect::<List>(), value)?;
    Ok(Value::int(count as i64))
}

fn reverse(vm: &mut Vm, this: &Value) -> Py {
    this.expect::<List>().lock(vm).reverse();
    Ok(Value::none())
}

fn sort_method(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let given = args.all().len();
    if given > 2 {
        return Err(vm.type_error(format!("sort() takes at most 2 arguments ({given} given)")));
    }
    if !args.pos().is_empty() {
        return Err(vm.type_error("sort() takes no positional arguments"));
    }
    let (key, reverse) = sort_arguments(vm, "sort", args)?;
    sort::sort(vm, this.expect::<List>(), key.as_ref(), reverse)?;
    Ok(Value::none())
}

/// The keyword arguments of `list.sort` and `sorted`.
pub fn sort_arguments(vm: &mut Vm, function: &str, args: Args<'_>) -> Py<(Option<Value>, bool)> {
    let mut key = None;
    let mut reverse = false;
    for (keyword, value) in args.keywords() {
        if keyword.is(name!("key"))
            || is_exact_str(keyword) && taipan_core::str_object::str_eq(keyword, name!("key"))
        {
            key = if value.is_none() {
                None
            } else {
                Some(value.clone())
            };
        } else if taipan_core::str_object::str_eq(keyword, name!("reverse")) {
            reverse = vm.truth(value)?;
        } else {
            let keyword = vm.str_string(keyword)?;
            return Err(vm.type_error(format!(
                "{function}() got an unexpected keyword argument '{keyword}'"
            )));
        }
    }
    Ok((key, reverse))
}

/// `sorted(iterable, key=key, reverse=reverse)`
pub fn sorted(vm: &mut Vm, iterable: &Value, key: Option<&Value>, reverse: bool) -> Py {
    let list = super::list_from(vm, iterable)?;
    if let Some(object) = list_of(&list) {
        sort::sort(vm, object, key, reverse)?;
    }
    Ok(list)
}
