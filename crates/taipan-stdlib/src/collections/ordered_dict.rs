//! `OrderedDict`: every dict keeps the order of its keys; this one also compares and changes it.

use super::ordered_views::{self, Walk, look_up};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::{DICT, KEY_ERROR};
use taipan_core::dict_object::{Dict, dict_of};
use taipan_core::method::{get_dict, set_dict};
use taipan_core::slots::BinaryOp;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Bound, CompareOp, GetSetDef, MethodDef, Obj, Py, Slots, Type, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, bound, f0, getset, name, raw,
};
use taipan_types::dict;
use taipan_types::text::Builder;

/// The type `collections.OrderedDict`.
pub static ORDERED_DICT: TypeObject = Type::declare("collections.OrderedDict");

static SPEC: TypeSpec = TypeSpec {
    name: "collections.OrderedDict",
    base: Some(&DICT),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        compare: Some(compare),
        iter: Some(ordered_views::iter),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, or)
    .with_inplace(BinaryOp::Or, inplace_or),
    methods: &METHODS,
    getset: &GETSET,
    doc: "Dictionary that remembers insertion order",
    ..TypeSpec::DEFAULT
};
static METHODS: [MethodDef; 12] = [
    bound(
        "move_to_end(self, /, key, last=True)",
        move_to_end,
        "Move an existing element to the end (or beginning if last is false).\n\n\
         Raise KeyError if the element does not exist.",
    ),
    bound(
        "popitem(self, /, last=True)",
        pop_item,
        "Remove and return a (key, value) pair from the dictionary.\n\n\
         Pairs are returned in LIFO order if last is true or FIFO order if false.",
    ),
    raw("update(self, /, *args, **kwargs)", update, ""),
    f0("copy(self, /)", copy, "A shallow copy of ordered dict."),
    bound(
        "fromkeys(type, /, iterable, value=None)",
        from_keys,
        "Create a new ordered dictionary with keys from iterable and values set to value.",
    )
    .class_method(),
    bound(
        "setdefault(self, /, key, default=None)",
        set_default,
        "Insert key with a value of default if key is not in the dictionary.\n\n\
         Return the value for key if key is in the dictionary, else default.",
    ),
    bound(
        "pop(self, /, key, default=<unrepresentable>)",
        pop,
        "od.pop(key[,default]) -> v, remove specified key and return the corresponding value.\n\n\
         If the key is not found, return the default if given; otherwise,\nraise a KeyError.",
    ),
    f0("keys(self, /)", ordered_views::keys, ""),
    f0("values(self, /)", ordered_views::values, ""),
    f0("items(self, /)", ordered_views::items, ""),
    f0(
        "__reversed__(self, /)",
        ordered_views::reversed,
        "od.__reversed__() <==> reversed(od)",
    ),
    f0(
        "__reduce__(self, /)",
        reduce,
        "Return state information for pickling",
    ),
];
static GETSET: [GetSetDef; 1] = [getset("__dict__", get_dict, set_dict, "")];

pub(super) fn define() {
    ORDERED_DICT.define(&SPEC);
}

fn own(this: &Value) -> &Obj<Dict> {
    this.expect::<Dict>()
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(cls, Dict::empty()))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    update_from(vm, this, "expected at most 1 argument, got", args)
}

/// Does the class store items as `dict` does?
fn stores_plainly(this: &Value) -> bool {
    let own = this.type_of().slots().set_item.map(|f| f as usize);
    own == DICT.slots().set_item.map(|f| f as usize)
}

fn update_from(vm: &mut Vm, this: &Value, refusal: &str, args: Args<'_>) -> Py<()> {
    if args.pos().len() > 1 {
        let message = format!("{refusal} {}", args.pos().len());
        return Err(vm.type_error(message));
    }
    if let Some(other) = args.pos().first() {
        update_with(vm, this, other)?;
    }
    for (key, value) in args.keywords() {
        vm.set_item(this, key, value)?;
    }
    Ok(())
}

/// Stores the items of a mapping or an iterable of pairs, through the class's own `__setitem__` if it has one.
fn update_with(vm: &mut Vm, this: &Value, other: &Value) -> Py<()> {
    if stores_plainly(this) {
        return dict::update(vm, own(this), other);
    }
    let plain = taipan_core::dict_object::new_dict();
    dict::update(vm, own(&plain), other)?;
    for (key, value) in own(&plain).items() {
        vm.set_item(this, &key, &value)?;
    }
    Ok(())
}

fn update(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let count = args.pos().len();
    if count > 1 {
        let message = format!("update() takes at most 1 positional argument ({count} given)");
        return Err(vm.type_error(message));
    }
    update_from(vm, this, "", args)?;
    Ok(Value::none())
}

fn move_to_end(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let key = args.req(0);
    let last = match args.get(1) {
        Some(last) => vm.truth(last)?,
        None => true,
    };
    if own(this).move_to_end(vm, key, last)? {
        return Ok(Value::none());
    }
    Err(vm.key_error(key))
}

fn from_keys(vm: &mut Vm, cls: &Value, args: &Bound) -> Py {
    let (iterable, value) = (args.req(0).clone(), args.get(1).cloned());
    let value = value.unwrap_or_else(Value::none);
    let made = vm.call(cls, &[])?;
    let iterator = vm.iter(&iterable)?;
    while let Some(key) = vm.next(&iterator)? {
        vm.set_item(&made, &key, &value)?;
    }
    Ok(made)
}

fn set_default(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let key = args.req(0);
    let default = args.get(1).cloned().unwrap_or_else(Value::none);
    if this.is_exact(&ORDERED_DICT) {
        return own(this).set_default(vm, key, default);
    }
    if vm.contains(this, key)? {
        return vm.get_item(this, key);
    }
    vm.set_item(this, key, &default)?;
    Ok(default)
}

fn pop(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let key = args.req(0);
    let found = own(this).remove(vm, key)?;
    match (found, args.get(1)) {
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(vm.key_error(key)),
    }
}

fn pop_item(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let last = match args.get(0) {
        Some(last) => vm.truth(last)?,
        None => true,
    };
    let pair = if last {
        own(this).pop_last(vm)
    } else {
        own(this).pop_first(vm)
    };
    match pair {
        Some((key, value)) => Ok(new_tuple([key, value])),
        None => {
            let text = new_str("dictionary is empty");
            Err(vm.raise_with(&KEY_ERROR, &[text]))
        }
    }
}

const MUTATED: &str = "OrderedDict mutated during iteration";

/// Gives each key with its value to `visit`. Fails if keys come, go or move meanwhile.
fn for_each(
    vm: &mut Vm,
    this: &Value,
    mut visit: impl FnMut(&mut Vm, &Value, &Value) -> Py<()>,
) -> Py<()> {
    let plain = this.is_exact(&ORDERED_DICT);
    let mut walk = Walk::new(own(this), false);
    while let Some((key, value)) = walk.next(own(this)) {
        let value = if plain {
            look_up(vm, this, &key, value)?
        } else {
            vm.get_item(this, &key)?
        };
        visit(vm, &key, &value)?;
        if !walk.is_undisturbed(own(this)) {
            return Err(vm.runtime_error(MUTATED));
        }
    }
    Ok(())
}

fn copy(vm: &mut Vm, this: &Value) -> Py {
    if this.is_exact(&ORDERED_DICT) {
        let copied = new_instance(&ORDERED_DICT, Dict::empty());
        for_each(vm, this, |vm, key, value| {
            own(&copied).insert(vm, key, value.clone()).map(drop)
        })?;
        return Ok(copied);
    }
    let copied = vm.call(&this.type_of().to_value(), &[])?;
    for_each(vm, this, |vm, key, value| vm.set_item(&copied, key, value))?;
    Ok(copied)
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let Some(plain) = DICT.slots().compare else {
        return Ok(Value::not_implemented());
    };
    let equal = plain(vm, a, b, CompareOp::Eq)?;
    if equal.is_not_implemented() || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let mut equal = equal.is_true();
    if equal && a.is_instance(&ORDERED_DICT) && b.is_instance(&ORDERED_DICT) {
        equal = same_order(vm, own(a), own(b))?;
    }
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

/// Have both the same keys in the same order?
fn same_order(vm: &mut Vm, a: &Obj<Dict>, b: &Obj<Dict>) -> Py<bool> {
    let (mut left, mut right) = (Walk::new(a, false), Walk::new(b, false));
    loop {
        match (left.next(a), right.next(b)) {
            (None, None) => return Ok(true),
            (Some((x, _)), Some((y, _))) => {
                let same = vm.equal(&x, &y)?;
                if !left.is_undisturbed(a) || !right.is_undisturbed(b) {
                    return Err(vm.runtime_error(MUTATED));
                }
                if !same {
                    return Ok(false);
                }
            }
            _ => return Ok(false),
        }
    }
}

fn or(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (Some(_), Some(_)) = (dict_of(a), dict_of(b)) else {
        return Ok(Value::not_implemented());
    };
    let ordered = if a.is_instance(&ORDERED_DICT) { a } else { b };
    let cls = ordered.type_of().to_value();
    let joined = vm.call(&cls, std::slice::from_ref(a))?;
    update_with(vm, &joined, b)?;
    Ok(joined)
}

fn inplace_or(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    update_with(vm, this, other)?;
    Ok(this.clone())
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let name = this.type_of().short_name();
    if own(this).is_empty() {
        return Ok(new_str(&format!("{name}()")));
    }
    if !vm.repr_enter(this) {
        return Ok(new_str("..."));
    }
    let text = repr_items(vm, this);
    vm.repr_leave();
    let mut out = Builder::new();
    out.push_str(name);
    out.push_str("(");
    out.push_value(&text?);
    out.push_str(")");
    out.finish(vm)
}

/// The items as a plain dict shows them.
fn repr_items(vm: &mut Vm, this: &Value) -> Py {
    let plain = taipan_core::dict_object::new_dict();
    if this.is_exact(&ORDERED_DICT) {
        for_each(vm, this, |vm, key, value| {
            own(&plain).insert(vm, key, value.clone()).map(drop)
        })?;
    } else {
        let items = vm.call_method(this, name!("items"), &[])?;
        dict::update(vm, own(&plain), &items)?;
    }
    vm.repr(&plain)
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let state = vm.call_method(this, name!("__getstate__"), &[])?;
    let items = vm.call_method(this, name!("items"), &[])?;
    let iterator = vm.iter(&items)?;
    Ok(new_tuple([
        this.type_of().to_value(),
        new_tuple([]),
        state,
        Value::none(),
        iterator,
    ]))
}
