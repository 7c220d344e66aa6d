//! The methods of `dict`.

use super::iterators::{self, ITEMS, KEYS, VALUES};
use super::views::new_view;
use super::{get_item, own, update_from};
use crate::check::class_getitem_row;
use taipan_core::builtin_types::{DICT, KEY_ERROR};
use taipan_core::dict_object::Dict;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, MethodDef, Obj, Payload, Py, Value, Vm, f0, f1, raw, slice};

pub(super) static METHODS: [MethodDef; 16] = [
    f1(
        "__contains__(self, key, /)",
        contains,
        "True if the dictionary has the specified key, else False.",
    ),
    f1("__getitem__(self, key, /)", get_item, "Return self[key]."),
    f0(
        "__sizeof__(self, /)",
        sizeof,
        "Return the size of the dict in memory.",
    ),
    slice(
        "get(self, key, default=None, /)",
        get,
        "Return the value for key if key is in the dictionary, else default.",
    ),
    slice(
        "setdefault(self, key, default=None, /)",
        set_default,
        "Insert key with a value of default if key is not in the dictionary.\n\nReturn the value for key if key is in the dictionary, else default.",
    ),
    slice(
        "pop(self, key, default=<unrepresentable>, /)",
        pop,
        "D.pop(k[,d]) -> v, remove specified key and return the corresponding value.\n\nIf the key is not found, return the default if given; otherwise,\nraise a KeyError.",
    ),
    f0(
        "popitem(self, /)",
        pop_item,
        "Remove and return a (key, value) pair as a 2-tuple.\n\nPairs are returned in LIFO (last-in, first-out) order.\nRaises KeyError if the dict is empty.",
    ),
    f0(
        "keys(self, /)",
        |_, this| Ok(new_view::<KEYS>(this)),
        "Return a set-like object providing a view on the dict's keys.",
    ),
    f0(
        "items(self, /)",
        |_, this| Ok(new_view::<ITEMS>(this)),
        "Return a set-like object providing a view on the dict's items.",
    ),
    f0(
        "values(self, /)",
        |_, this| Ok(new_view::<VALUES>(this)),
        "Return an object providing a view on the dict's values.",
    ),
    raw(
        "update(self, /, *args, **kwargs)",
        update,
        "D.update([E, ]**F) -> None.  Update D from mapping/iterable E and F.\nIf E is present and has a .keys() method, then does:  for k in E.keys(): D[k] = E[k]\nIf E is present and lacks a .keys() method, then does:  for k, v in E: D[k] = v\nIn either case, this is followed by: for k in F:  D[k] = F[k]",
    ),
    slice(
        "fromkeys(cls, iterable, value=None, /)",
        from_keys,
        "Create a new dictionary with keys from iterable and values set to value.",
    )
    .class_method(),
    f0("clear(self, /)", clear, "Remove all items from the dict."),
    f0("copy(self, /)", copy, "Return a shallow copy of the dict."),
    f0(
        "__reversed__(self, /)",
        iterators::reversed,
        "Return a reverse iterator over the dict keys.",
    ),
    class_getitem_row(),
];

fn contains(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    Ok(Value::bool(own(this).contains(vm, key)?))
}

fn sizeof(_vm: &mut Vm, this: &Value) -> Py {
    let size = size_of::<Obj<Dict>>() + this.type_of().storage_size() + own(this).outside_size();
    Ok(Value::int(size as i64))
}

fn get(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let Some(key) = args.first() else {
        return Err(vm.type_error("get expected at least 1 argument, got 0"));
    };
    Ok(match own(this).get(vm, key)? {
        Some(value) => value,
        None => args.get(1).cloned().unwrap_or_else(Value::none),
    })
}

fn set_default(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let Some(key) = args.first() else {
        return Err(vm.type_error("setdefault expected at least 1 argument, got 0"));
    };
    let value = args.get(1).cloned().unwrap_or_else(Value::none);
    own(this).set_default(vm, key, value)
}

fn pop(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let Some(key) = args.first() else {
        return Err(vm.type_error("pop expected at least 1 argument, got 0"));
    };
    if own(this).is_empty() {
        // An empty dict asks no key for its hash.
        return match args.get(1) {
            Some(default) => Ok(default.clone()),
            None => Err(vm.key_error(key)),
        };
    }
    match (own(this).remove(vm, key)?, args.get(1)) {
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(vm.key_error(key)),
    }
}

fn pop_item(vm: &mut Vm, this: &Value) -> Py {
    match own(this).pop_last(vm) {
        Some((key, value)) => Ok(new_tuple([key, value])),
        None => Err(vm.raise_with(&KEY_ERROR, &[new_str("popitem(): dictionary is empty")])),
    }
}

fn update(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    update_from(vm, this, "update", args)?;
    Ok(Value::none())
}

fn from_keys(vm: &mut Vm, cls: &Value, args: &[Value]) -> Py {
    let Some(iterable) = args.first() else {
        return Err(vm.type_error("fromkeys expected at least 1 argument, got 0"));
    };
    let value = args.get(1).cloned().unwrap_or_else(Value::none);
    let made = vm.call(cls, &[])?;
    // Keys that were hashed before are not hashed again.
    if made.is_exact(&DICT)
        && let Some(rows) = crate::set::hashed_keys_of(vm, iterable)
    {
        for (hash, key) in rows {
            drop(own(&made).insert_with_hash(vm, &key, hash, value.clone())?);
        }
        return Ok(made);
    }
    let iterator = vm.iter(iterable)?;
    while let Some(key) = vm.next(&iterator)? {
        if made.is_exact(&DICT) {
            drop(own(&made).insert(vm, &key, value.clone())?);
        } else {
            vm.set_item(&made, &key, &value)?;
        }
    }
    Ok(made)
}

fn clear(vm: &mut Vm, this: &Value) -> Py {
    own(this).clear(vm);
    Ok(Value::none())
}

fn copy(vm: &mut Vm, this: &Value) -> Py {
    Ok(own(this).copy(vm))
}
