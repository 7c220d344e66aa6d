//! `Element`: what it holds, how it is made, its attributes.

use super::{items, methods};
use taipan_core::alloc::{new_instance, new_object};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::{new_str, str_of};
use taipan_core::{
    Args, GetSetDef, Layout, Obj, Payload, Py, Slots, Tracer, Type, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, getset,
};
use taipan_types::arguments::type_name;

/// The type `xml.etree.ElementTree.Element`.
pub static ELEMENT: TypeObject = Type::declare("xml.etree.ElementTree.Element");

static SPEC: TypeSpec = TypeSpec {
    name: "xml.etree.ElementTree.Element",
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    layout: Some(const { &Layout::of::<Element>() }),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        bool: Some(truth),
        len: Some(|vm, this| Ok(own(this).lock(vm).children.len())),
        get_item: Some(items::get_item),
        set_item: Some(items::set_item),
        ..Slots::NONE
    },
    methods: &methods::METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};

pub fn define() {
    ELEMENT.define(&SPEC);
}

/// Payload of elements.
pub struct Element {
    state: Locked<ElementState>,
}

/// What an element holds.
pub struct ElementState {
    pub tag: Value,
    pub text: Value,
    pub tail: Value,
    /// A dict, if somebody asked for it or there are any attributes.
    pub attrib: Option<Value>,
    pub children: Vec<Value>,
}

impl ElementState {
    pub fn new(tag: Value, attrib: Option<Value>) -> ElementState {
        ElementState {
            tag,
            text: Value::none(),
            tail: Value::none(),
            attrib,
            children: Vec::new(),
        }
    }
}

impl HasState for Element {
    type State = ElementState;
    fn cell(&self) -> &Locked<ElementState> {
        &self.state
    }
}

#[expect(unsafe_code, reason = "the contract of payloads")]
// SAFETY: every field reports its references once.
unsafe impl Payload for Element {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ELEMENT
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        tracer.visit(&state.tag);
        tracer.visit(&state.text);
        tracer.visit(&state.tail);
        tracer.visit_option(&state.attrib);
        tracer.visit_all(&state.children);
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        let state = unsafe { self.state.get_unlocked() };
        for value in [&mut state.tag, &mut state.text, &mut state.tail] {
            out.push(std::mem::replace(value, Value::none()));
        }
        out.extend(state.attrib.take());
        out.append(&mut state.children);
    }
    fn outside_size(&self) -> usize {
        // SAFETY: a look at one number while the caller holds the object.
        unsafe { self.state.get_unlocked() }.children.capacity() * size_of::<Value>()
    }
}

pub fn own(this: &Value) -> &Obj<Element> {
    this.expect::<Element>()
}

/// The element behind a value, if it is one.
#[inline(always)]
pub fn element_of(value: &Value) -> Option<&Obj<Element>> {
    value.cast::<Element>()
}

/// A new element of exactly this type.
#[inline]
pub fn new_element(tag: Value, attrib: Option<Value>) -> Value {
    new_object(Element {
        state: Locked::new(ElementState::new(tag, attrib)),
    })
}

/// Adds a child.
#[inline]
pub fn append(vm: &mut Vm, parent: &Obj<Element>, child: Value) {
    parent.lock(vm).children.push(child);
}

/// Raises unless a value is an element; `what` is how the message calls the argument.
pub fn check_argument(vm: &mut Vm, what: &str, value: &Value) -> Py<()> {
    if element_of(value).is_some() {
        return Ok(());
    }
    let got = type_name(value);
    let message = format!("{what} must be xml.etree.ElementTree.Element, not {got}");
    Err(vm.type_error(message))
}

/// Raises unless a value that goes into the children is an element.
pub fn check_child(vm: &mut Vm, value: &Value) -> Py<()> {
    if element_of(value).is_some() {
        return Ok(());
    }
    let message = format!("expected an Element, not \"{}\"", type_name(value));
    Err(vm.type_error(message))
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    let state = Locked::new(ElementState::new(Value::none(), None));
    Ok(new_instance(cls, Element { state }))
}

/// A copy of a dict; `None` if it is empty.
pub fn copied(vm: &mut Vm, dict: &Value) -> Option<Value> {
    let dict = dict_of(dict)?;
    (!dict.is_empty()).then(|| dict.copy(vm))
}

/// The attributes of an element that is being made: those given, and more by name.
fn attributes(
    vm: &mut Vm,
    function: &str,
    place: usize,
    given: Option<&Value>,
    args: Args<'_>,
) -> Py<Option<Value>> {
    if let Some(given) = given
        && !given.is_instance(&types::DICT)
    {
        let got = type_name(given);
        let message = format!("{function}() argument {place} must be dict, not {got}");
        return Err(vm.type_error(message));
    }
    let is_attrib = |name: &Value| {
        str_of(name)
            .and_then(|name| name.ascii())
            .is_some_and(|name| name == "attrib")
    };
    let named = match given {
        Some(_) => None,
        None => args.keywords().find(|(name, _)| is_attrib(name)),
    };
    if let Some((_, value)) = named
        && !value.is_instance(&types::DICT)
    {
        let message = format!("attrib must be dict, not {}", type_name(value));
        return Err(vm.type_error(message));
    }
    let mut attrib = match given.or(named.map(|(_, value)| value)) {
        Some(dict) => copied(vm, dict),
        None => None,
    };
    for (name, value) in args.keywords() {
        if named.is_none_or(|(own, _)| !std::ptr::eq(own, name)) {
            let dict = attrib.get_or_insert_with(new_dict);
            drop(dict.expect::<Dict>().insert(vm, name, value.clone())?);
        }
    }
    Ok(attrib)
}

fn wrong_count(vm: &mut Vm, function: &str, least: usize, most: usize, given: usize) -> Py<()> {
    let plural = |n: usize| if n == 1 { "" } else { "s" };
    if given < least {
        let s = plural(least);
        let message = format!("{function}() takes at least {least} argument{s} ({given} given)");
        return Err(vm.type_error(message));
    }
    if given > most {
        let s = plural(most);
        let message = format!("{function}() takes at most {most} argument{s} ({given} given)");
        return Err(vm.type_error(message));
    }
    Ok(())
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let given = args.pos();
    wrong_count(vm, "Element", 1, 2, given.len())?;
    let attrib = attributes(vm, "Element", 2, given.get(1), args)?;
    let old = {
        let mut state = own(this).lock(vm);
        let old_attrib = match attrib {
            Some(attrib) => state.attrib.replace(attrib),
            None => None,
        };
        let tag = std::mem::replace(&mut state.tag, given[0].clone());
        let text = std::mem::replace(&mut state.text, Value::none());
        let tail = std::mem::replace(&mut state.tail, Value::none());
        (old_attrib, tag, text, tail)
    };
    drop(old);
    Ok(())
}

/// `SubElement(parent, tag, attrib={}, **extra)`
pub fn sub_element(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let given = args.pos();
    wrong_count(vm, "SubElement", 2, 3, given.len())?;
    check_argument(vm, "SubElement() argument 1", &given[0])?;
    let attrib = attributes(vm, "SubElement", 3, given.get(2), args)?;
    let child = new_element(given[1].clone(), attrib);
    append(vm, own(&given[0]), child.clone());
    Ok(child)
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let tag = own(this).lock(vm).tag.clone();
    let address = this.bits();
    if !vm.repr_enter(this) {
        let message = format!("reentrant call inside {}.__repr__", type_name(this));
        return Err(vm.runtime_error(message));
    }
    let shown = vm.repr_string(&tag);
    vm.repr_leave();
    Ok(new_str(&format!("<Element {} at {address:#x}>", shown?)))
}

fn truth(vm: &mut Vm, this: &Value) -> Py<bool> {
    let message = "Testing an element's truth value will always return True in future versions.  \
                   Use specific 'len(elem)' or 'elem is not None' test instead.";
    vm.warn(&types::DEPRECATION_WARNING, message, 1)?;
    Ok(!own(this).lock(vm).children.is_empty())
}

/// The attributes as a dict, made now if there is none.
pub fn attrib(vm: &mut Vm, this: &Value) -> Value {
    let mut state = own(this).lock(vm);
    state.attrib.get_or_insert_with(new_dict).clone()
}

/// An attribute of the element that can be any object.
macro_rules! field {
    ($name:ident, $doc:literal) => {
        getset(
            stringify!($name),
            |vm, this| Ok(own(this).lock(vm).$name.clone()),
            |vm, this, value| {
                let value = not_deleted(vm, value)?;
                let old = std::mem::replace(&mut own(this).lock(vm).$name, value);
                drop(old);
                Ok(())
            },
            $doc,
        )
    };
}

static GETSET: [GetSetDef; 4] = [
    field!(
        tag,
        "A string identifying what kind of data this element represents"
    ),
    field!(
        text,
        "A string of text directly after the start tag, or None"
    ),
    field!(tail, "A string of text directly after the end tag, or None"),
    getset(
        "attrib",
        |vm, this| Ok(attrib(vm, this)),
        set_attrib,
        "A dictionary containing the element's attributes",
    ),
];

fn not_deleted(vm: &mut Vm, value: Option<&Value>) -> Py {
    match value {
        Some(value) => Ok(value.clone()),
        None => Err(vm.attribute_error("can't delete element attribute")),
    }
}

fn set_attrib(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let value = not_deleted(vm, value)?;
    if !value.is_instance(&types::DICT) {
        let message = format!("attrib must be dict, not {}", type_name(&value));
        return Err(vm.type_error(message));
    }
    let old = own(this).lock(vm).attrib.replace(value);
    drop(old);
    Ok(())
}
