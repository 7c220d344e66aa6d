//! `dict`; its payload is core's, as core keeps namespaces in dicts.

pub mod iterators;
mod methods;
pub mod proxy;
pub mod views;

use crate::check;
use crate::text::Builder;
use taipan_core::builtin_types::DICT;
use taipan_core::dict_object::{Dict, dict_of, new_dict_of};
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, BinaryOp, CompareOp, Layout, Obj, Py, Raised, Slots, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, name,
};

static LAYOUT: Layout = Layout::of::<Dict>();

static SPEC: TypeSpec = TypeSpec {
    name: "dict",
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT_SUBCLASS)
        .union(TypeFlags::MAPPING)
        .union(TypeFlags::MATCH_SELF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        compare: Some(compare),
        iter: Some(iterators::iter),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        set_item: Some(set_item),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, or)
    .with_inplace(BinaryOp::Or, inplace_or),
    methods: &methods::METHODS,
    doc: "dict() -> new empty dictionary\ndict(mapping) -> new dictionary initialized from a mapping object's\n    (key, value) pairs\ndict(iterable) -> new dictionary initialized as if via:\n    d = {}\n    for k, v in iterable:\n        d[k] = v\ndict(**kwargs) -> new dictionary initialized with the name=value pairs\n    in the keyword argument list.  For example:  dict(one=1, two=2)",
    ..TypeSpec::DEFAULT
};

/// The dict that `self` of a method is.
#[inline(always)]
fn own(this: &Value) -> &Obj<Dict> {
    this.expect::<Dict>()
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_dict_of(cls))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    update_from(vm, this, "dict", args)
}

/// What `dict()` and `update()` take: a mapping or an iterable of pairs, then keywords.
fn update_from(vm: &mut Vm, this: &Value, function: &str, args: Args<'_>) -> Py<()> {
    check::count(vm, function, args.pos().len(), 0, 1)?;
    let dict = own(this);
    if let [other] = args.pos() {
        update(vm, dict, other)?;
    }
    for (keyword, value) in args.keywords() {
        drop(dict.insert(vm, keyword, value.clone())?);
    }
    Ok(())
}

/// `dict.update(other)`
pub fn update(vm: &mut Vm, dict: &Obj<Dict>, other: &Value) -> Py<()> {
    if other.is_exact(&DICT) {
        return merge(vm, dict, own(other));
    }
    match vm.get_attr_opt(other, name!("keys"))? {
        Some(_) => merge_mapping(vm, dict, other),
        None => update_from_pairs(vm, dict, other),
    }
}

/// Stores all items of a mapping.
pub fn merge_mapping(vm: &mut Vm, dict: &Obj<Dict>, other: &Value) -> Py<()> {
    if let Some(source) = dict_of(other)
        && other.type_of().slots().iter.map(|f| f as usize)
            == Some(iterators::iter as *const () as usize)
    {
        return merge(vm, dict, source);
    }
    let keys = vm.call_method(other, name!("keys"), &[])?;
    let iterator = vm.iter(&keys)?;
    while let Some(key) = vm.next(&iterator)? {
        let value = vm.get_item(other, &key)?;
        drop(dict.insert(vm, &key, value)?);
    }
    Ok(())
}

/// Stores all items of another dict.
pub fn merge(vm: &mut Vm, dict: &Obj<Dict>, other: &Obj<Dict>) -> Py<()> {
    if std::ptr::eq(dict, other) || dict.fill_from(vm, other) {
        return Ok(());
    }
    let size = other.len();
    if size > dict.len() {
        dict.reserve(vm, size - dict.len())?;
    }
    let mut at = 0;
    while let Some((hash, key, value)) = other.next_hashed(&mut at) {
        drop(dict.insert_with_hash(vm, &key, hash, value)?);
        if other.len() != size {
            return Err(vm.runtime_error("dict mutated during update"));
        }
    }
    Ok(())
}

fn update_from_pairs(vm: &mut Vm, dict: &Obj<Dict>, pairs: &Value) -> Py<()> {
    let iterator = vm.iter(pairs)?;
    let mut at = 0;
    while let Some(pair) = vm.next(&iterator)? {
        let slots = pair.type_of().slots();
        if slots.iter.is_none() && slots.get_item.is_none() {
            let raised = vm.type_error("object is not iterable");
            return Err(note_element(vm, raised, at));
        }
        let row = match taipan_core::tuple_object::items(&pair) {
            Some(items) if items.len() == 2 => [items[0].clone(), items[1].clone()],
            _ => {
                let row = match vm.to_vec(&pair) {
                    Ok(row) => row,
                    Err(raised) => return Err(note_element(vm, raised, at)),
                };
                let len = row.len();
                match <[Value; 2]>::try_from(row) {
                    Ok(row) => row,
                    Err(_) => {
                        let message = format!(
                            "dictionary update sequence element #{at} has length {len}; 2 is required"
                        );
                        return Err(vm.value_error(message));
                    }
                }
            }
        };
        let [key, value] = row;
        drop(dict.insert(vm, &key, value)?);
        at += 1;
    }
    Ok(())
}

/// Tells in a note which element is no pair, if the error is a `TypeError`.
#[cold]
fn note_element(vm: &mut Vm, raised: Raised, at: usize) -> Raised {
    if !vm.pending_is(&taipan_core::builtin_types::TYPE_ERROR) {
        return raised;
    }
    let error = vm.take_raised(raised);
    let note = format!("Cannot convert dictionary update sequence element #{at} to a sequence");
    match vm.call_method(&error, name!("add_note"), &[new_str(&note)]) {
        Ok(_) => vm.set_pending(error),
        Err(raised) => raised,
    }
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let dict = own(this);
    if dict.is_empty() {
        return Ok(new_str("{}"));
    }
    if !vm.repr_enter(this) {
        return Ok(new_str("{...}"));
    }
    let text = repr_entries(vm, dict);
    vm.repr_leave();
    text?.finish(vm)
}

fn repr_entries(vm: &mut Vm, dict: &Obj<Dict>) -> Py<Builder> {
    let mut text = Builder::new();
    let mut at = 0;
    let mut open = "{";
    while let Some((key, value)) = dict.next_entry(&mut at) {
        text.push_str(open);
        open = ", ";
        text.push_value(&vm.repr(&key)?);
        text.push_str(": ");
        text.push_value(&vm.repr(&value)?);
    }
    text.push_str("}");
    Ok(text)
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (dict_of(a), dict_of(b)) else {
        return Ok(Value::not_implemented());
    };
    match op {
        CompareOp::Eq => Ok(Value::bool(equal(vm, left, right)?)),
        CompareOp::Ne => Ok(Value::bool(!equal(vm, left, right)?)),
        _ => Ok(Value::not_implemented()),
    }
}

fn equal(vm: &mut Vm, a: &Obj<Dict>, b: &Obj<Dict>) -> Py<bool> {
    if a.len() != b.len() {
        return Ok(false);
    }
    let mut at = 0;
    while let Some((hash, key, value)) = a.next_hashed(&mut at) {
        let Some(other) = b.get_with_hash(vm, &key, hash)? else {
            return Ok(false);
        };
        if !vm.equal(&value, &other)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn len(_vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(own(this).len())
}

fn contains(vm: &mut Vm, this: &Value, key: &Value) -> Py<bool> {
    own(this).contains(vm, key)
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    if let Some(value) = own(this).get(vm, key)? {
        return Ok(value);
    }
    if !this.is_exact(&DICT)
        && let Some(value) =
            vm.call_special(this, name!("__missing__"), std::slice::from_ref(key))?
    {
        return Ok(value);
    }
    Err(vm.key_error(key))
}

fn set_item(vm: &mut Vm, this: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    match value {
        Some(value) => drop(own(this).insert(vm, key, value.clone())?),
        None => match own(this).remove(vm, key)? {
            Some(value) => drop(value),
            None => return Err(vm.key_error(key)),
        },
    }
    Ok(())
}

fn or(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (Some(left), Some(_)) = (dict_of(a), dict_of(b)) else {
        return Ok(Value::not_implemented());
    };
    let joined = left.copy(vm);
    update(vm, own(&joined), b)?;
    Ok(joined)
}

fn inplace_or(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    update(vm, own(this), other)?;
    Ok(this.clone())
}

/// `d[key]` for core's and the interpreter's use: `KeyError` if it is missing, `__missing__` honoured.
pub fn subscript(vm: &mut Vm, dict: &Value, key: &Value) -> Py {
    get_item(vm, dict, key)
}

/// Defines the types.
pub fn define_all() {
    DICT.define(&SPEC);
    views::define();
    iterators::define();
    proxy::define();
}
