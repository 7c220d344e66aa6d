//! Children by index and by slice.

use super::element::{check_child, own};
use taipan_core::{Py, Value, Vm};
use taipan_types::list::new_list;
use taipan_types::slice::{self, Bounds};

/// An index as written, before the number of children is known; or a slice.
enum Key {
    Index(i64),
    Slice(Bounds),
}

fn key(vm: &mut Vm, key: &Value) -> Py<Key> {
    if let Some(index) = key.small_int() {
        return Ok(Key::Index(index));
    }
    if key.is_int() || key.type_of().slots().index.is_some() {
        return Ok(Key::Index(vm.subscript_index(key)?));
    }
    match slice::bounds_of(vm, key)? {
        Some(bounds) => Ok(Key::Slice(bounds)),
        None => Err(vm.type_error("element indices must be integers")),
    }
}

/// The place of an index among `len` children.
fn place(index: i64, len: usize) -> Option<usize> {
    let index = match index {
        0.. => index,
        _ => index + len as i64,
    };
    usize::try_from(index).ok().filter(|index| *index < len)
}

pub fn get_item(vm: &mut Vm, this: &Value, index: &Value) -> Py {
    match key(vm, index)? {
        Key::Index(index) => {
            let found = {
                let state = own(this).lock(vm);
                place(index, state.children.len()).map(|at| state.children[at].clone())
            };
            match found {
                Some(child) => Ok(child),
                None => Err(vm.index_error("child index out of range")),
            }
        }
        Key::Slice(bounds) => {
            let state = own(this).lock(vm);
            let span = bounds.fit(state.children.len());
            let taken = span.indices().map(|at| state.children[at].clone());
            Ok(new_list(taken.collect()))
        }
    }
}

pub fn set_item(vm: &mut Vm, this: &Value, index: &Value, value: Option<&Value>) -> Py<()> {
    let bounds = match key(vm, index)? {
        Key::Slice(bounds) => bounds,
        Key::Index(index) => return set_child(vm, this, index, value),
    };
    let new = match value {
        None => Vec::new(),
        Some(value) => new_children(vm, value)?,
    };
    let assigned = value.is_some();
    let size = new.len();
    let old = {
        let mut state = own(this).lock(vm);
        let span = bounds.fit(state.children.len());
        if span.step == 1 {
            let start = span.start as usize;
            let end = start + span.count;
            Ok(state.children.splice(start..end, new).collect())
        } else if !assigned {
            Ok(take_stepped(&mut state.children, &bounds))
        } else if size == span.count {
            Ok(span
                .indices()
                .zip(new)
                .map(|(at, child)| std::mem::replace(&mut state.children[at], child))
                .collect::<Vec<Value>>())
        } else {
            Err(span.count)
        }
    };
    match old {
        Ok(old) => {
            drop(old);
            Ok(())
        }
        Err(count) => {
            let message = format!(
                "attempt to assign sequence of size {size} to extended slice of size {count}"
            );
            Err(vm.value_error(message))
        }
    }
}

/// Takes every so-manieth child out.
fn take_stepped(children: &mut Vec<Value>, bounds: &Bounds) -> Vec<Value> {
    let span = bounds.fit(children.len()).ascending();
    let mut next = span.indices().peekable();
    let mut taken = Vec::with_capacity(span.count);
    let mut kept = Vec::with_capacity(children.len() - span.count);
    for (at, child) in children.drain(..).enumerate() {
        if next.peek() == Some(&at) {
            next.next();
            taken.push(child);
        } else {
            kept.push(child);
        }
    }
    *children = kept;
    taken
}

fn set_child(vm: &mut Vm, this: &Value, index: i64, value: Option<&Value>) -> Py<()> {
    if let Some(value) = value {
        check_child(vm, value)?;
    }
    let old = {
        let mut state = own(this).lock(vm);
        let at = place(index, state.children.len());
        match (at, value) {
            (Some(at), Some(value)) => {
                Some(std::mem::replace(&mut state.children[at], value.clone()))
            }
            (Some(at), None) => Some(state.children.remove(at)),
            (None, _) => None,
        }
    };
    match old {
        Some(_) => Ok(()),
        None => Err(vm.index_error("child assignment index out of range")),
    }
}

/// The elements of what is assigned to a slice.
fn new_children(vm: &mut Vm, value: &Value) -> Py<Vec<Value>> {
    let iterable =
        value.type_of().slots().iter.is_some() || value.type_of().slots().get_item.is_some();
    if !iterable {
        return Err(vm.type_error("assignment expects an iterable"));
    }
    let children = vm.to_vec(value)?;
    for child in &children {
        check_child(vm, child)?;
    }
    Ok(children)
}
