//! Methods of elements.

use super::element::{ELEMENT, attrib, check_argument, check_child, copied, new_element, own};
use super::{copying, find, iterators};
use taipan_core::bind::{Home, bind_at};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::dict_of;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, MethodDef, Py, Value, Vm, f0, f1, f2, raw};
use taipan_stdlib::support::signature;
use taipan_types::arguments::type_name;
use taipan_types::list::{new_empty, new_list};

pub static METHODS: [MethodDef; 21] = [
    f0("clear(self, /)", clear, ""),
    raw("get(self, /, key, default=None)", get, ""),
    f2("set(self, key, value, /)", set, ""),
    raw("find(self, /, path, namespaces=None)", find::find, ""),
    raw(
        "findtext(self, /, path, default=None, namespaces=None)",
        find::find_text,
        "",
    ),
    raw(
        "findall(self, /, path, namespaces=None)",
        find::find_all,
        "",
    ),
    raw(
        "iterfind(self, /, path, namespaces=None)",
        find::iter_find,
        "",
    ),
    raw("append(self, subelement, /)", append, ""),
    raw("extend(self, elements, /)", extend, ""),
    f2("insert(self, index, subelement, /)", insert, ""),
    f1("remove(self, subelement, /)", remove, ""),
    raw("iter(self, /, tag=None)", iterators::iter, ""),
    raw("itertext(self, /)", iterators::iter_text, ""),
    f0("items(self, /)", items, ""),
    f0("keys(self, /)", keys, ""),
    raw("makeelement(self, tag, attrib, /)", make_element, ""),
    f0("__copy__(self, /)", copying::copy, ""),
    f1("__deepcopy__(self, memo, /)", copying::deep_copy, ""),
    f0("__sizeof__(self, /)", copying::size_of, ""),
    f0("__getstate__(self, /)", copying::get_state, ""),
    f1("__setstate__(self, state, /)", copying::set_state, ""),
];

/// The values of a method's parameters, all of which have defaults. What is given by position only is taken as it is; the rest is for the binder, as are
/// complaints.
#[inline]
pub fn values<const N: usize>(
    vm: &mut Vm,
    def: &'static MethodDef,
    args: Args<'_>,
) -> Py<[Option<Value>; N]> {
    let given = args.pos();
    if !args.has_keywords() && given.len() <= N {
        return Ok(std::array::from_fn(|index| given.get(index).cloned()));
    }
    let bound = bind_at(vm, def, args, Home::Type(&ELEMENT))?;
    Ok(std::array::from_fn(|index| bound.get(index).cloned()))
}

/// As [`values`], with a first one that has to be there.
#[inline]
pub fn first_and<const N: usize>(
    vm: &mut Vm,
    def: &'static MethodDef,
    args: Args<'_>,
) -> Py<(Value, [Option<Value>; N])> {
    let given = args.pos();
    if let [first, rest @ ..] = given
        && !args.has_keywords()
        && rest.len() <= N
    {
        let rest = std::array::from_fn(|index| rest.get(index).cloned());
        return Ok((first.clone(), rest));
    }
    let bound = bind_at(vm, def, args, Home::Type(&ELEMENT))?;
    let rest = std::array::from_fn(|index| bound.get(index + 1).cloned());
    Ok((bound.req(0).clone(), rest))
}

static GET: MethodDef = signature("get(self, /, key, default=None)");
static APPEND: MethodDef = signature("append(self, subelement, /)");
static EXTEND: MethodDef = signature("extend(self, elements, /)");
static MAKE: MethodDef = signature("makeelement(self, tag, attrib, /)");

fn clear(vm: &mut Vm, this: &Value) -> Py {
    let old = {
        let mut state = own(this).lock(vm);
        let text = std::mem::replace(&mut state.text, Value::none());
        let tail = std::mem::replace(&mut state.tail, Value::none());
        let children = std::mem::take(&mut state.children);
        (text, tail, children, state.attrib.take())
    };
    drop(old);
    Ok(Value::none())
}

fn get(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let (key, [default]) = first_and(vm, &GET, args)?;
    let dict = own(this).lock(vm).attrib.clone();
    let found = match dict.as_ref().and_then(dict_of) {
        Some(dict) => dict.get(vm, &key)?,
        None => None,
    };
    Ok(found.or(default).unwrap_or_else(Value::none))
}

fn set(vm: &mut Vm, this: &Value, key: &Value, value: &Value) -> Py {
    let dict = attrib(vm, this);
    vm.set_item(&dict, key, value)?;
    Ok(Value::none())
}

fn append(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let (child, []) = first_and(vm, &APPEND, args)?;
    check_argument(vm, "append() argument 1", &child)?;
    super::element::append(vm, own(this), child);
    Ok(Value::none())
}

fn extend(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let (elements, []) = first_and(vm, &EXTEND, args)?;
    let slots = elements.type_of().slots();
    if slots.iter.is_none() && slots.get_item.is_none() {
        return Err(vm.type_error("'elements' must be an iterable"));
    }
    for element in vm.to_vec(&elements)? {
        check_child(vm, &element)?;
        super::element::append(vm, own(this), element);
    }
    Ok(Value::none())
}

fn insert(vm: &mut Vm, this: &Value, index: &Value, child: &Value) -> Py {
    let index = vm.index_i64(index)?;
    check_argument(vm, "insert() argument 2", child)?;
    let mut state = own(this).lock(vm);
    let len = state.children.len() as i64;
    let at = match index {
        0.. => index.min(len),
        _ => (index + len).max(0),
    };
    state.children.insert(at as usize, child.clone());
    drop(state);
    Ok(Value::none())
}

fn remove(vm: &mut Vm, this: &Value, child: &Value) -> Py {
    check_argument(vm, "remove() argument", child)?;
    let mut at = 0;
    loop {
        let candidate = own(this).lock(vm).children.get(at).cloned();
        let Some(candidate) = candidate else {
            return Err(vm.value_error("Element.remove(x): element not found"));
        };
        if candidate.is(child) || vm.equal(&candidate, child)? {
            let old = {
                let mut state = own(this).lock(vm);
                // A comparison may have changed the children.
                (at < state.children.len()).then(|| state.children.remove(at))
            };
            drop(old);
            return Ok(Value::none());
        }
        at += 1;
    }
}

fn items(vm: &mut Vm, this: &Value) -> Py {
    let dict = own(this).lock(vm).attrib.clone();
    Ok(match dict.as_ref().and_then(dict_of) {
        Some(dict) => {
            let pairs = dict.items().into_iter().map(|(a, b)| new_tuple([a, b]));
            new_list(pairs.collect())
        }
        None => new_empty(),
    })
}

fn keys(vm: &mut Vm, this: &Value) -> Py {
    let dict = own(this).lock(vm).attrib.clone();
    Ok(match dict.as_ref().and_then(dict_of) {
        Some(dict) => new_list(dict.keys()),
        None => new_empty(),
    })
}

fn make_element(vm: &mut Vm, _this: &Value, args: Args<'_>) -> Py {
    let bound = bind_at(vm, &MAKE, args, Home::Type(&ELEMENT))?;
    let attrib = bound.req(1);
    if !attrib.is_instance(&types::DICT) {
        let got = type_name(attrib);
        let message = format!("makeelement() argument 2 must be dict, not {got}");
        return Err(vm.type_error(message));
    }
    let attrib = copied(vm, attrib);
    Ok(new_element(bound.req(0).clone(), attrib))
}
