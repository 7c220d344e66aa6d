//! `iter()` and `itertext()`: a walk over a tree that nobody need hold still.

use super::element::own;
use super::find::has_tag;
use taipan_core::alloc::new_object;
use taipan_core::lock::Locked;
use taipan_core::str_object::{is_str, str_of};
use taipan_core::{Bound, Layout, Py, Slots, TypeFlags, TypeSpec, Value, Vm};
use taipan_stdlib::support::{Holds, native_type};

/// Elements whose children are being walked over, and the next child of each.
pub struct Walk(Vec<(Value, usize)>);

impl Holds for Walk {
    fn report(&self, tracer: &mut taipan_core::Tracer<'_>) {
        tracer.visit_all(self.0.iter().map(|(element, _)| element));
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        out.extend(self.0.drain(..).map(|(element, _)| element));
    }
}

native_type! {
    /// Payload of iterators over elements.
    ITERATOR "_elementtree._element_iterator" Iterator {
        // The tag that is looked for; `None` for all.
        tag: Option<Value>,
        // Text is wanted, not elements.
        text: bool,
    }
    IteratorState {
        // Before the first step.
        root: Option<Value>,
        walk: Walk,
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "_elementtree._element_iterator",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<Iterator>() }),
    slots: Slots {
        iter: Some(|_, this| Ok(this.clone())),
        next: Some(next),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

pub fn define() {
    ITERATOR.define(&SPEC);
}

fn new(root: &Value, tag: Option<Value>, text: bool) -> Value {
    new_object(Iterator {
        tag,
        text,
        state: Locked::new(IteratorState {
            root: Some(root.clone()),
            walk: Walk(Vec::new()),
        }),
    })
}

pub fn iter(_vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let everything = |tag: &Value| {
        str_of(tag)
            .and_then(|tag| tag.ascii())
            .is_some_and(|tag| tag == "*")
    };
    let tag = args.get_not_none(0).filter(|tag| !everything(tag));
    Ok(new(this, tag.cloned(), false))
}

pub fn iter_text(_vm: &mut Vm, this: &Value, _args: &Bound) -> Py {
    Ok(new(this, None, true))
}

/// A step of the walk.
enum Step {
    /// Into an element.
    Enter(Value),
    /// Out of one.
    Leave(Value),
}

fn step(vm: &mut Vm, this: &Value) -> Option<Step> {
    let iterator = this.expect::<Iterator>();
    let (parent, at) = {
        let mut state = iterator.lock(vm);
        if let Some(root) = state.root.take() {
            state.walk.0.push((root.clone(), 0));
            return Some(Step::Enter(root));
        }
        let (parent, at) = state.walk.0.last_mut()?;
        let place = (parent.clone(), *at);
        *at += 1;
        place
    };
    let child = own(&parent).lock(vm).children.get(at).cloned();
    let mut state = iterator.lock(vm);
    match child {
        Some(child) => {
            state.walk.0.push((child.clone(), 0));
            Some(Step::Enter(child))
        }
        None => {
            let left = state.walk.0.pop();
            drop(state);
            drop(left);
            Some(Step::Leave(parent))
        }
    }
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<Iterator>();
    let text = iterator.text;
    loop {
        let Some(step) = step(vm, this) else {
            return Ok(None);
        };
        vm.safepoint()?;
        match step {
            Step::Enter(element) if !text => {
                let Some(tag) = iterator.tag.as_ref() else {
                    return Ok(Some(element));
                };
                if has_tag(vm, &element, tag)? {
                    return Ok(Some(element));
                }
            }
            Step::Enter(element) => {
                let (tag, piece) = {
                    let state = own(&element).lock(vm);
                    (state.tag.clone(), state.text.clone())
                };
                // What comments and processing instructions say is no text.
                let is_text = is_str(&tag) || tag.is_none();
                if is_text && wanted(vm, &piece)? {
                    return Ok(Some(piece));
                }
            }
            Step::Leave(element) if text => {
                // The tail of the root lies outside.
                if iterator.lock(vm).walk.0.is_empty() {
                    continue;
                }
                let piece = own(&element).lock(vm).tail.clone();
                if wanted(vm, &piece)? {
                    return Ok(Some(piece));
                }
            }
            Step::Leave(_) => {}
        }
    }
}

fn wanted(vm: &mut Vm, piece: &Value) -> Py<bool> {
    if piece.is_none() {
        return Ok(false);
    }
    match is_str(piece) {
        true => Ok(str_of(piece).is_some_and(|text| !text.is_empty())),
        false => vm.truth(piece),
    }
}
