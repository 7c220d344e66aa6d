//! `TreeBuilder`: a tree from starts, ends and text. The parser of this module calls the functions here directly.

use super::element::{ELEMENT, append, element_of, new_element, own as element};
use super::{error_class, state};
use crate::support::Shared;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::new_dict;
use taipan_core::latch::Latch;
use taipan_core::lock::Locked;
use taipan_core::str_object::{empty_str, name, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, BinaryOp, Layout, MethodDef, Obj, Py, Slots, Type, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, f0, f1, slice,
};
use taipan_stdlib::support::{native_type, signature};
use taipan_types::arguments::{flag, type_name};

native_type! {
    /// Payload of builders.
    BUILDER "xml.etree.ElementTree.TreeBuilder" TreeBuilder {}
    BuilderState {
        root: Option<Value>,
        // Open elements.
        stack: Vec<Value>,
        // The element that began or ended last.
        last: Option<Value>,
        // Text goes into this one's tail instead of `last`'s text.
        tail_of: Option<Value>,
        // Text that waits: what the parser gave, behind what `data` was called with.
        text: Shared<String>,
        pieces: Vec<Value>,
        element_factory: Option<Value>,
        comment_factory: Option<Value>,
        pi_factory: Option<Value>,
        // The two factories are those of the module, which do nothing that is seen.
        own_factories: bool,
        insert_comments: bool,
        insert_pis: bool,
        events: Events,
    }
}

/// What goes to whom as an event.
#[derive(Default)]
pub struct Events {
    pub append: Option<Value>,
    /// The names of the events that are wanted, in the order of [`EVENT_NAMES`].
    pub wanted: [Option<Value>; EVENT_NAMES.len()],
}

pub const EVENT_NAMES: [&str; 6] = ["start", "end", "start-ns", "end-ns", "comment", "pi"];

/// An event by its place in [`EVENT_NAMES`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Start,
    End,
    StartNs,
    EndNs,
    Comment,
    Pi,
}

impl taipan_stdlib::support::Holds for Events {
    fn report(&self, tracer: &mut taipan_core::Tracer<'_>) {
        tracer.visit_option(&self.append);
        tracer.visit_all(self.wanted.iter().flatten());
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        out.extend(self.append.take());
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "xml.etree.ElementTree.TreeBuilder",
    flags: TypeFlags::BASE,
    layout: Some(const { &Layout::of::<TreeBuilder>() }),
    slots: Slots {
        new: Some(|_, cls, _| Ok(new(cls))),
        init: Some(init),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

static METHODS: [MethodDef; 6] = [
    f1("data(self, data, /)", data_method, ""),
    slice("start(self, tag, attrs, /)", start_method, ""),
    f1("end(self, tag, /)", |vm, this, _| end(vm, this), ""),
    f1("comment(self, text, /)", comment, ""),
    slice("pi(self, target, text=None, /)", pi_method, ""),
    f0("close(self, /)", |vm, this| Ok(done(vm, this)), ""),
];

static INIT: MethodDef = signature(
    "TreeBuilder(element_factory=None, *, comment_factory=None, pi_factory=None, insert_comments=False, insert_pis=False)",
);

pub fn define() {
    BUILDER.define(&SPEC);
}

pub fn own(this: &Value) -> &Obj<TreeBuilder> {
    this.expect::<TreeBuilder>()
}

/// A new builder, without factories.
pub fn new(cls: &TypeObject) -> Value {
    new_instance(
        cls,
        TreeBuilder {
            state: Locked::new(BuilderState {
                root: None,
                stack: Vec::new(),
                last: None,
                tail_of: None,
                text: Shared(String::new()),
                pieces: Vec::new(),
                element_factory: None,
                comment_factory: None,
                pi_factory: None,
                own_factories: true,
                insert_comments: false,
                insert_pis: false,
                events: Events::default(),
            }),
        },
    )
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = bind(vm, &INIT, args)?;
    let insert_comments = flag(vm, args.get(3), false)?;
    let insert_pis = flag(vm, args.get(4), false)?;
    let module = state(vm);
    let or_own = |given: Option<&Value>, own: &Latch<Option<Value>>| {
        given.cloned().or_else(|| own.borrow().clone())
    };
    let comment_factory = or_own(args.get_not_none(1), &module.comment_factory);
    let pi_factory = or_own(args.get_not_none(2), &module.pi_factory);
    let old = {
        let mut state = own(this).lock(vm);
        state.insert_comments = insert_comments;
        state.insert_pis = insert_pis;
        state.own_factories = args.get_not_none(1).is_none() && args.get_not_none(2).is_none();
        let element_factory = args.get_not_none(0).cloned();
        [
            std::mem::replace(&mut state.element_factory, element_factory),
            std::mem::replace(&mut state.comment_factory, comment_factory),
            std::mem::replace(&mut state.pi_factory, pi_factory),
        ]
    };
    drop(old);
    Ok(())
}

impl BuilderState {
    /// Is this an event that somebody waits for?
    pub fn wants(&self, kind: Kind) -> bool {
        self.events.wanted[kind as usize].is_some()
    }

    /// Sets what events go where; gives what was set before.
    pub fn set_events(&mut self, events: Events) -> Events {
        std::mem::replace(&mut self.events, events)
    }

    /// Does anybody care for comments or for processing instructions?
    pub fn cares_for(&self, kind: Kind) -> bool {
        let inserted = match kind {
            Kind::Comment => self.insert_comments,
            _ => self.insert_pis,
        };
        inserted || !self.own_factories || self.wants(kind)
    }
}

/// Text from the parser.
#[inline]
pub fn text(vm: &mut Vm, this: &Value, text: &str) {
    let mut state = own(this).lock(vm);
    if state.last.is_some() {
        state.text.push_str(text);
    }
}

fn data_method(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    add_data(vm, this, data);
    Ok(Value::none())
}

/// A piece of text as an object.
pub fn add_data(vm: &mut Vm, this: &Value, data: &Value) {
    let mut state = own(this).lock(vm);
    if state.last.is_some() {
        state.text_to_piece();
        state.pieces.push(data.clone());
    }
}

impl BuilderState {
    fn text_to_piece(&mut self) {
        if !self.text.is_empty() {
            let piece = new_str(&self.text);
            self.text.clear();
            self.pieces.push(piece);
        }
    }
}

/// Gives the text that waits to the element whose it is.
#[inline]
pub fn flush(vm: &mut Vm, this: &Value) -> Py<()> {
    let mut state = own(this).lock(vm);
    if state.text.is_empty() && state.pieces.is_empty() {
        return Ok(());
    }
    state.text_to_piece();
    let (target, is_tail) = match (&state.tail_of, &state.last) {
        (Some(element), _) => (Some(element.clone()), true),
        (None, last) => (last.clone(), false),
    };
    let text = match state.pieces.len() {
        1 => state.pieces.pop(),
        _ => None,
    };
    let pieces = match text {
        Some(_) => Vec::new(),
        None => std::mem::take(&mut state.pieces),
    };
    drop(state);
    let text = match text {
        Some(text) => text,
        None => taipan_types::str::join(vm, &empty_str(), &pieces)?,
    };
    let Some(target) = target else {
        return Ok(());
    };
    if target.is_exact(&ELEMENT) {
        let mut state = element(&target).lock(vm);
        let field = match is_tail {
            true => &mut state.tail,
            false => &mut state.text,
        };
        if field.is_none() {
            *field = text;
            return Ok(());
        }
    }
    extend_text(vm, &target, is_tail, text)
}

/// Text for an element that has some, or that is of a class.
#[cold]
fn extend_text(vm: &mut Vm, target: &Value, is_tail: bool, text: Value) -> Py<()> {
    let attribute = name(if is_tail { "tail" } else { "text" });
    let before = vm.get_attr(target, &attribute)?;
    let text = match before.is_none() {
        true => text,
        false => vm.binary(BinaryOp::Add, &before, &text)?,
    };
    vm.set_attr(target, &attribute, Some(&text))
}

/// Tells that something happened, if somebody wants to know.
#[inline]
pub fn event(vm: &mut Vm, this: &Value, kind: Kind, what: &Value) -> Py<()> {
    let (append, event) = {
        let state = own(this).lock(vm);
        match (&state.events.append, &state.events.wanted[kind as usize]) {
            (Some(append), Some(event)) => (append.clone(), event.clone()),
            _ => return Ok(()),
        }
    };
    let pair = new_tuple([event, what.clone()]);
    vm.call(&append, &[pair]).map(drop)
}

fn add_child(vm: &mut Vm, parent: &Value, child: &Value) -> Py<()> {
    if parent.is_exact(&ELEMENT) {
        if element_of(child).is_none() {
            super::element::check_child(vm, child)?;
        }
        append(vm, element(parent), child.clone());
        return Ok(());
    }
    vm.call_method(parent, &name("append"), std::slice::from_ref(child))
        .map(drop)
}

/// An element begins.
pub fn start(vm: &mut Vm, this: &Value, tag: Value, attributes: Option<Value>) -> Py {
    flush(vm, this)?;
    let factory = own(this).lock(vm).element_factory.clone();
    let node = match factory {
        None => new_element(tag, attributes),
        Some(factory) => {
            let attributes = attributes.unwrap_or_else(new_dict);
            vm.call(&factory, &[tag, attributes])?
        }
    };
    let (parent, has_root) = {
        let mut state = own(this).lock(vm);
        state.tail_of = None;
        (state.stack.last().cloned(), state.root.is_some())
    };
    match parent {
        Some(parent) => add_child(vm, &parent, &node)?,
        None if has_root => {
            let class = error_class(vm)?;
            let message = new_str("multiple elements on top level");
            return Err(vm.raise_with(class.expect::<Type>(), &[message]));
        }
        None => own(this).lock(vm).root = Some(node.clone()),
    }
    let old = {
        let mut state = own(this).lock(vm);
        state.stack.push(node.clone());
        state.last.replace(node.clone())
    };
    drop(old);
    event(vm, this, Kind::Start, &node)?;
    Ok(node)
}

fn start_method(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let attributes = &args[1];
    if !attributes.is_instance(&types::DICT) {
        let got = type_name(attributes);
        return Err(vm.type_error(format!("start() argument 2 must be dict, not {got}")));
    }
    start(vm, this, args[0].clone(), Some(attributes.clone()))
}

/// The innermost element ends.
pub fn end(vm: &mut Vm, this: &Value) -> Py {
    flush(vm, this)?;
    let ended = own(this).lock(vm).stack.pop();
    let Some(ended) = ended else {
        return Err(vm.index_error("pop from empty stack"));
    };
    let old = {
        let mut state = own(this).lock(vm);
        (
            state.last.replace(ended.clone()),
            state.tail_of.replace(ended.clone()),
        )
    };
    drop(old);
    event(vm, this, Kind::End, &ended)?;
    Ok(ended)
}

/// A comment.
pub fn comment(vm: &mut Vm, this: &Value, text: &Value) -> Py {
    let (factory, insert) = {
        let state = own(this).lock(vm);
        (state.comment_factory.clone(), state.insert_comments)
    };
    flush(vm, this)?;
    let node = match factory {
        None => text.clone(),
        Some(factory) => {
            let node = vm.call(&factory, std::slice::from_ref(text))?;
            insert_node(vm, this, &node, insert)?;
            node
        }
    };
    event(vm, this, Kind::Comment, &node)?;
    Ok(node)
}

fn pi_method(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let text = args.get(1).cloned().unwrap_or_else(Value::none);
    pi(vm, this, &args[0], &text)
}

/// A processing instruction.
pub fn pi(vm: &mut Vm, this: &Value, target: &Value, text: &Value) -> Py {
    let (factory, insert) = {
        let state = own(this).lock(vm);
        (state.pi_factory.clone(), state.insert_pis)
    };
    flush(vm, this)?;
    let node = match factory {
        None => new_tuple([target.clone(), text.clone()]),
        Some(factory) => {
            let node = vm.call(&factory, &[target.clone(), text.clone()])?;
            insert_node(vm, this, &node, insert)?;
            node
        }
    };
    event(vm, this, Kind::Pi, &node)?;
    Ok(node)
}

fn insert_node(vm: &mut Vm, this: &Value, node: &Value, insert: bool) -> Py<()> {
    let parent = own(this).lock(vm).stack.last().cloned();
    if let Some(parent) = parent.filter(|_| insert) {
        add_child(vm, &parent, node)?;
        let old = own(this).lock(vm).tail_of.replace(node.clone());
        drop(old);
    }
    Ok(())
}

/// The root, if there is one.
pub fn done(vm: &mut Vm, this: &Value) -> Value {
    let root = own(this).lock(vm).root.clone();
    root.unwrap_or_else(Value::none)
}
