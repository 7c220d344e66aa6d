//! `iter()` and `itertext()`: a walk over a tree that nobody need hold still.

use super::element::own;
use super::find::{has_tag, has_tag_quick};
use super::methods::values;
use taipan_core::alloc::new_object;
use taipan_core::lock::Locked;
use taipan_core::str_object::{is_str, str_of};
use taipan_core::{Args, Layout, MethodDef, Py, Slots, TypeFlags, TypeSpec, Value, Vm};
use taipan_stdlib::support::{Holds, native_type, signature};

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

static ITER: MethodDef = signature("iter(self, /, tag=None)");
static ITER_TEXT: MethodDef = signature("itertext(self, /)");

pub fn iter(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let everything = |tag: &Value| {
        str_of(tag)
            .and_then(|tag| tag.ascii())
            .is_some_and(|tag| tag == "*")
    };
    let [tag] = values(vm, &ITER, args)?;
    let tag = tag.filter(|tag| !tag.is_none() && !everything(tag));
    Ok(new(this, tag, false))
}

pub fn iter_text(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let [] = values(vm, &ITER_TEXT, args)?;
    Ok(new(this, None, true))
}

/// A step of the walk.
enum Step {
    /// Into an element.
    Enter(Value),
    /// Out of one.
    Leave(Value),
}

impl Walk {
    #[inline]
    fn step(&mut self, vm: &mut Vm) -> Option<Step> {
        let (parent, at) = self.0.last_mut()?;
        let child = own(parent).lock(vm).children.get(*at).cloned();
        match child {
            Some(child) => {
                *at += 1;
                self.0.push((child.clone(), 0));
                Some(Step::Enter(child))
            }
            None => self.0.pop().map(|(left, _)| Step::Leave(left)),
        }
    }
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<Iterator>();
    loop {
        let (root, mut walk) = {
            let mut state = iterator.lock(vm);
            let walk = std::mem::replace(&mut state.walk, Walk(Vec::new()));
            (state.root.take(), walk)
        };
        let found = advance(vm, iterator, root, &mut walk);
        // Python code may run from here on, and ask this very iterator for more.
        let unused = std::mem::replace(&mut iterator.lock(vm).walk, walk);
        drop(unused);
        vm.safepoint()?;
        match found {
            Found::Nothing => return Ok(None),
            Found::Value(value) => return Ok(Some(value)),
            Found::AskTag(element) => {
                if let Some(tag) = &iterator.tag
                    && has_tag(vm, &element, tag)?
                {
                    return Ok(Some(element));
                }
            }
            Found::AskTruth(piece) => {
                if vm.truth(&piece)? {
                    return Ok(Some(piece));
                }
            }
        }
    }
}

/// What the walk came upon.
enum Found {
    Nothing,
    Value(Value),
    /// An element with a tag that has to be compared by Python code.
    AskTag(Value),
    /// A text that is no string.
    AskTruth(Value),
}

/// Goes on until there is something to give, or to ask. No Python code runs meanwhile.
fn advance(vm: &mut Vm, iterator: &Iterator, root: Option<Value>, walk: &mut Walk) -> Found {
    let mut first = root.map(|root| {
        walk.0.push((root.clone(), 0));
        Step::Enter(root)
    });
    // From time to time others have their turn.
    for _ in 0..STEPS {
        let step = match first.take() {
            Some(step) => step,
            None => match walk.step(vm) {
                Some(step) => step,
                None => return Found::Nothing,
            },
        };
        let piece = match step {
            Step::Enter(element) if !iterator.text => {
                let Some(tag) = iterator.tag.as_ref() else {
                    return Found::Value(element);
                };
                match has_tag_quick(vm, &element, tag) {
                    Some(true) => return Found::Value(element),
                    Some(false) => continue,
                    None => return Found::AskTag(element),
                }
            }
            Step::Enter(element) => {
                let state = own(&element).lock(vm);
                // What comments and processing instructions say is no text.
                match is_str(&state.tag) || state.tag.is_none() {
                    true => state.text.clone(),
                    false => continue,
                }
            }
            // The tail of the root lies outside.
            Step::Leave(element) if iterator.text && !walk.0.is_empty() => {
                own(&element).lock(vm).tail.clone()
            }
            Step::Leave(_) => continue,
        };
        match str_of(&piece) {
            _ if piece.is_none() => {}
            Some(text) if text.is_empty() => {}
            Some(_) => return Found::Value(piece),
            None => return Found::AskTruth(piece),
        }
    }
    Found::AskTruth(Value::none())
}

/// Steps without a safepoint, at most.
const STEPS: usize = 10_000;
