//! Copies of elements, and their state for `pickle`.

use super::deep_copy_function;
use super::element::{ELEMENT, Element, attrib, check_child, element_of, new_element, own};
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::str_object::is_exact_str;
use taipan_core::str_object::name;
use taipan_core::{Payload, Py, Value, Vm};
use taipan_types::arguments::type_name;
use taipan_types::list::{list_of, new_list};

/// A shallow copy: children and attributes are shared.
pub fn copy(vm: &mut Vm, this: &Value) -> Py {
    let state = own(this).lock(vm);
    let (tag, text, tail) = (state.tag.clone(), state.text.clone(), state.tail.clone());
    let (attributes, children) = (state.attrib.clone(), state.children.clone());
    drop(state);
    let attributes = attributes.filter(|dict| dict_of(dict).is_none_or(|dict| !dict.is_empty()));
    let copy = new_element(tag, attributes);
    {
        let mut state = own(&copy).lock(vm);
        state.text = text;
        state.tail = tail;
        state.children = children;
    }
    Ok(copy)
}

/// A deep copy of one value; what cannot change is its own copy.
fn deep(vm: &mut Vm, value: &Value, memo: &Value) -> Py {
    if value.is_none() || is_exact_str(value) || value.is_small_int() {
        return Ok(value.clone());
    }
    if let Some(dict) = dict_of(value)
        && value.is_exact(&taipan_core::builtin_types::DICT)
        && dict
            .items()
            .iter()
            .all(|(key, value)| is_exact_str(key) && is_exact_str(value))
    {
        return Ok(dict.copy(vm));
    }
    if value.is_exact(&ELEMENT) {
        return deep_copy(vm, value, memo);
    }
    let function = deep_copy_function(vm)?;
    vm.call(&function, &[value.clone(), memo.clone()])
}

pub fn deep_copy(vm: &mut Vm, this: &Value, memo: &Value) -> Py {
    vm.check_stack()?;
    let (tag, attributes) = {
        let state = own(this).lock(vm);
        (state.tag.clone(), state.attrib.clone())
    };
    let tag = deep(vm, &tag, memo)?;
    let attributes = match attributes {
        Some(attributes) => Some(deep(vm, &attributes, memo)?),
        None => None,
    };
    let copy = new_element(tag, attributes);
    let (text, tail) = {
        let state = own(this).lock(vm);
        (state.text.clone(), state.tail.clone())
    };
    let text = deep(vm, &text, memo)?;
    let tail = deep(vm, &tail, memo)?;
    {
        let mut state = own(&copy).lock(vm);
        state.text = text;
        state.tail = tail;
    }
    let mut at = 0;
    loop {
        let child = own(this).lock(vm).children.get(at).cloned();
        let Some(child) = child else {
            break;
        };
        let child = deep(vm, &child, memo)?;
        check_child(vm, &child)?;
        super::element::append(vm, own(&copy), child);
        at += 1;
    }
    if dict_of(memo).is_some() {
        let id = Value::int(this.bits() as i64);
        vm.set_item(memo, &id, &copy)?;
    }
    Ok(copy)
}

pub fn size_of(_vm: &mut Vm, this: &Value) -> Py {
    let element: &Element = own(this);
    let outside = element.outside_size();
    Ok(Value::int(
        (std::mem::size_of::<taipan_core::Obj<Element>>() + outside) as i64,
    ))
}

pub fn get_state(vm: &mut Vm, this: &Value) -> Py {
    let attributes = attrib(vm, this);
    let state = own(this).lock(vm);
    let (tag, text, tail) = (state.tag.clone(), state.text.clone(), state.tail.clone());
    let children = new_list(state.children.clone());
    drop(state);
    let result = new_dict();
    let dict = result.expect::<Dict>();
    for (key, value) in [
        ("tag", tag),
        ("_children", children),
        ("attrib", attributes),
        ("text", text),
        ("tail", tail),
    ] {
        drop(dict.set_name(&name(key), value));
    }
    Ok(result)
}

pub fn set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let Some(dict) = dict_of(state) else {
        let shown = vm.repr_string(state)?;
        let message = format!("Don't know how to unpickle \"{shown}\" as an Element");
        return Err(vm.type_error(message));
    };
    let part = |key: &str| dict.get_name(&name(key));
    let Some(tag) = part("tag") else {
        return Err(vm.type_error("tag may not be NULL"));
    };
    let (text, tail) = (part("text"), part("tail"));
    let attributes = part("attrib").filter(|attributes| dict_of(attributes).is_some());
    let children = match part("_children") {
        None => Vec::new(),
        Some(children) => match list_of(&children) {
            Some(list) => list.lock(vm).to_vec(),
            None => return Err(vm.type_error("'_children' is not a list")),
        },
    };
    for child in &children {
        if element_of(child).is_none() {
            let message = format!("expected an Element, not \"{}\"", type_name(child));
            return Err(vm.type_error(message));
        }
    }
    let old = {
        let mut state = own(this).lock(vm);
        let tag = std::mem::replace(&mut state.tag, tag);
        let text = std::mem::replace(&mut state.text, text.unwrap_or_else(Value::none));
        let tail = std::mem::replace(&mut state.tail, tail.unwrap_or_else(Value::none));
        let children = std::mem::replace(&mut state.children, children);
        let attributes = match attributes {
            Some(attributes) => state.attrib.replace(attributes),
            None => state.attrib.take(),
        };
        (tag, text, tail, children, attributes)
    };
    drop(old);
    Ok(Value::none())
}
