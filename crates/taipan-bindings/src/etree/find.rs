//! Finding children: tags here, paths in `xml.etree.ElementPath`.

use super::element::{element_of, own};
use super::methods::first_and;
use super::paths;
use taipan_core::str_object::{Units, empty_str, is_exact_str, name, str_eq, str_of};
use taipan_core::{Args, MethodDef, Py, Value, Vm};
use taipan_stdlib::support::signature;
use taipan_types::list::{new_empty, new_list};

/// Is it a plain tag? Then no path has to be taken apart.
fn is_plain(path: &Value) -> bool {
    let Some(text) = str_of(path).filter(|_| is_exact_str(path)) else {
        return false;
    };
    let mut inside = false;
    let mut plain = |c: u32| match char::from_u32(c) {
        Some('{') => {
            inside = true;
            true
        }
        Some('}') => {
            inside = false;
            true
        }
        Some('/' | '*' | '[' | '@' | '.') => inside,
        _ => true,
    };
    match text.units() {
        Units::Ascii([]) => false,
        // Wildcards in place of a namespace or of a name.
        Units::Ascii(bytes) if bytes.starts_with(b"{*}") || bytes.ends_with(b"}*") => false,
        Units::Ascii(bytes) if bytes.starts_with(b"{}") => false,
        Units::Ascii(bytes) => bytes.iter().all(|byte| plain(u32::from(*byte))),
        _ => text.code_points().all(plain),
    }
}

fn call_path(vm: &mut Vm, function: &str, args: &[Value]) -> Py {
    let module = paths(vm)?;
    let function = vm.get_attr(&module, &name(function))?;
    vm.call(&function, args)
}

/// What a function in Python gets for an argument that was left out.
fn or_none(value: Option<Value>) -> Value {
    value.unwrap_or_else(Value::none)
}

static FIND: MethodDef = signature("find(self, /, path, namespaces=None)");
static FIND_TEXT: MethodDef = signature("findtext(self, /, path, default=None, namespaces=None)");
static FIND_ALL: MethodDef = signature("findall(self, /, path, namespaces=None)");
static ITER_FIND: MethodDef = signature("iterfind(self, /, path, namespaces=None)");

/// Does an element have this tag? `None` if only Python code can tell.
#[inline]
pub fn has_tag_quick(vm: &mut Vm, element: &Value, tag: &Value) -> Option<bool> {
    let state = own(element).lock(vm);
    if state.tag.is(tag) {
        return Some(true);
    }
    (is_exact_str(&state.tag) && is_exact_str(tag)).then(|| str_eq(&state.tag, tag))
}

/// Does an element have this tag?
#[inline]
pub fn has_tag(vm: &mut Vm, element: &Value, tag: &Value) -> Py<bool> {
    if let Some(answer) = has_tag_quick(vm, element, tag) {
        return Ok(answer);
    }
    let own_tag = own(element).lock(vm).tag.clone();
    vm.equal(&own_tag, tag)
}

/// The first child from `from` on with this tag, and its place.
fn next_child(
    vm: &mut Vm,
    this: &Value,
    tag: &Value,
    mut from: usize,
) -> Py<Option<(usize, Value)>> {
    loop {
        let child = own(this).lock(vm).children.get(from).cloned();
        let Some(child) = child else {
            return Ok(None);
        };
        if element_of(&child).is_some() && has_tag(vm, &child, tag)? {
            return Ok(Some((from, child)));
        }
        from += 1;
    }
}

pub fn find(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let (path, [namespaces]) = first_and(vm, &FIND, args)?;
    let namespaces = or_none(namespaces);
    if !is_plain(&path) || !namespaces.is_none() {
        let call = [this.clone(), path, namespaces];
        return call_path(vm, "find", &call);
    }
    let found = next_child(vm, this, &path, 0)?;
    Ok(found.map_or_else(Value::none, |(_, child)| child))
}

pub fn find_text(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let (path, [default, namespaces]) = first_and(vm, &FIND_TEXT, args)?;
    let namespaces = or_none(namespaces);
    if !is_plain(&path) || !namespaces.is_none() {
        let call = [this.clone(), path, or_none(default), namespaces];
        return call_path(vm, "findtext", &call);
    }
    match next_child(vm, this, &path, 0)? {
        None => Ok(or_none(default)),
        Some((_, child)) => {
            let text = own(&child).lock(vm).text.clone();
            Ok(if text.is_none() { empty_str() } else { text })
        }
    }
}

pub fn find_all(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let (path, [namespaces]) = first_and(vm, &FIND_ALL, args)?;
    let namespaces = or_none(namespaces);
    if !is_plain(&path) || !namespaces.is_none() {
        let call = [this.clone(), path, namespaces];
        return call_path(vm, "findall", &call);
    }
    if own(this).lock(vm).children.is_empty() {
        return Ok(new_empty());
    }
    let mut found = Vec::new();
    let mut from = 0;
    while let Some((at, child)) = next_child(vm, this, &path, from)? {
        found.push(child);
        from = at + 1;
    }
    Ok(new_list(found))
}

pub fn iter_find(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let (path, [namespaces]) = first_and(vm, &ITER_FIND, args)?;
    let call = [this.clone(), path, or_none(namespaces)];
    call_path(vm, "iterfind", &call)
}
