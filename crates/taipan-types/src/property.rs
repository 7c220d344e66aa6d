//! `property`.

use taipan_core::builtin_types as types;
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object;
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Payload, Py, Raised, Slots, Tracer, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, f1, getset, getter, name, slice,
};

/// A property's functions and what is known about it.
#[derive(Default, Clone)]
pub struct PropertyState {
    get: Option<Value>,
    set: Option<Value>,
    delete: Option<Value>,
    doc: Option<Value>,
    name: Option<Value>,
    /// The documentation is the getter's.
    doc_from_getter: bool,
}

/// Payload of properties.
pub struct Property {
    state: Locked<PropertyState>,
}

impl HasState for Property {
    type State = PropertyState;
    fn cell(&self) -> &Locked<PropertyState> {
        &self.state
    }
}

impl PropertyState {
    fn references(&self) -> [&Option<Value>; 5] {
        [&self.get, &self.set, &self.delete, &self.doc, &self.name]
    }
}

// SAFETY: the state has all references.
unsafe impl Payload for Property {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::PROPERTY
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        state
            .references()
            .into_iter()
            .for_each(|value| tracer.visit_option(value));
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        let state = std::mem::take(unsafe { self.state.get_unlocked() });
        out.extend(
            [state.get, state.set, state.delete, state.doc, state.name]
                .into_iter()
                .flatten(),
        );
    }
}

fn state(vm: &mut Vm, this: &Value) -> PropertyState {
    this.expect::<Property>().lock(vm).clone()
}

/// The getter of a property, for the interpreter's short cut.
pub fn getter_function(vm: &mut Vm, this: &Value) -> Option<Value> {
    this.cast::<Property>()?.lock(vm).get.clone()
}

fn property_new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(taipan_core::alloc::new_instance(
        cls,
        Property {
            state: Locked::new(PropertyState::default()),
        },
    ))
}

static INIT: MethodDef = slice(
    "property(fget=None, fset=None, fdel=None, doc=None)",
    |_, _, _| Ok(Value::none()),
    "",
);

fn property_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let bound = taipan_core::bind::bind(vm, &INIT, args)?;
    let mut new = PropertyState {
        get: bound.get_not_none(0).cloned(),
        set: bound.get_not_none(1).cloned(),
        delete: bound.get_not_none(2).cloned(),
        ..PropertyState::default()
    };
    let mut doc = bound.get_not_none(3).cloned();
    if doc.is_none()
        && let Some(get) = &new.get
    {
        doc = vm
            .get_attr_opt(get, name!("__doc__"))?
            .filter(|doc| !doc.is_none());
        new.doc_from_getter = doc.is_some();
    }
    let exact = this.is_exact(&types::PROPERTY);
    let from_getter = new.doc_from_getter;
    new.doc = if exact { doc.clone() } else { None };
    let old = std::mem::replace(&mut *this.expect::<Property>().lock(vm), new);
    drop(old);
    if exact {
        return Ok(());
    }
    // A subclass's own documentation must not hide the property's: it goes to the instance, if that has attributes.
    let doc = doc.unwrap_or_else(Value::none);
    match vm.set_attr(this, name!("__doc__"), Some(&doc)) {
        Ok(()) => Ok(()),
        Err(raised) if !from_getter && vm.pending_is(&types::ATTRIBUTE_ERROR) => {
            vm.catch(raised, &types::ATTRIBUTE_ERROR)?;
            Ok(())
        }
        Err(raised) => Err(raised),
    }
}

/// The name in messages: as set by the class, else the getter's.
fn known_name(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let state = state(vm, this);
    match (state.name, state.get) {
        (Some(name), _) => Ok(Some(name)),
        (None, Some(get)) => vm.get_attr_opt(&get, name!("__name__")),
        (None, None) => Ok(None),
    }
}

#[cold]
fn lacks(vm: &mut Vm, this: &Value, object: &Value, what: &str) -> Raised {
    let text = match known_name(vm, this) {
        Ok(Some(name)) => vm
            .repr_string(&name)
            .map(|name| format!("property {name} of")),
        Ok(None) => Ok("property of".to_owned()),
        Err(raised) => Err(raised),
    };
    let text = match text {
        Ok(text) => text,
        Err(raised) => return raised,
    };
    let class = str_object::str_of(&taipan_core::type_methods::qualname_of(object.type_of()))
        .map(|name| name.to_lossy())
        .unwrap_or_default();
    vm.attribute_error(format!("{text} '{class}' object has no {what}"))
}

fn property_get(vm: &mut Vm, this: &Value, object: Option<&Value>, _ty: &TypeObject) -> Py {
    let Some(object) = object else {
        return Ok(this.clone());
    };
    let get = this.expect::<Property>().lock(vm).get.clone();
    match get {
        Some(get) => vm.call(&get, std::slice::from_ref(object)),
        None => Err(lacks(vm, this, object, "getter")),
    }
}

fn property_set(vm: &mut Vm, this: &Value, object: &Value, value: Option<&Value>) -> Py<()> {
    let state = state(vm, this);
    match (value, state.set, state.delete) {
        (Some(value), Some(set), _) => vm.call(&set, &[object.clone(), value.clone()])?,
        (Some(_), None, _) => return Err(lacks(vm, this, object, "setter")),
        (None, _, Some(delete)) => vm.call(&delete, std::slice::from_ref(object))?,
        (None, _, None) => return Err(lacks(vm, this, object, "deleter")),
    };
    Ok(())
}

/// A copy of the property with some functions replaced.
fn copy(vm: &mut Vm, this: &Value, change: impl FnOnce(&mut PropertyState)) -> Py {
    let mut new = state(vm, this);
    let name = new.name.clone();
    change(&mut new);
    let keep_doc = !(new.doc_from_getter && new.get.is_some());
    let row = [
        new.get,
        new.set,
        new.delete,
        if keep_doc { new.doc } else { None },
    ]
    .map(|value| value.unwrap_or_else(Value::none));
    let made = vm.call(&this.type_of().to_value(), &row)?;
    if let Some(made) = made.cast::<Property>() {
        made.lock(vm).name = name;
    }
    Ok(made)
}

fn property_getter(vm: &mut Vm, this: &Value, function: &Value) -> Py {
    copy(vm, this, |state| {
        state.get = replaced(function, state.get.take())
    })
}

fn property_setter(vm: &mut Vm, this: &Value, function: &Value) -> Py {
    copy(vm, this, |state| {
        state.set = replaced(function, state.set.take())
    })
}

fn property_deleter(vm: &mut Vm, this: &Value, function: &Value) -> Py {
    copy(vm, this, |state| {
        state.delete = replaced(function, state.delete.take())
    })
}

/// `None` keeps what is there.
fn replaced(new: &Value, old: Option<Value>) -> Option<Value> {
    if new.is_none() {
        old
    } else {
        Some(new.clone())
    }
}

fn property_set_name(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let [_, name] = args else {
        let message = format!(
            "__set_name__() takes 2 positional arguments but {} were given",
            args.len()
        );
        return Err(vm.type_error(message));
    };
    let old = this
        .expect::<Property>()
        .lock(vm)
        .name
        .replace(name.clone());
    drop(old);
    Ok(Value::none())
}

fn or_none(value: Option<Value>) -> Py {
    Ok(value.unwrap_or_else(Value::none))
}

fn get_name(vm: &mut Vm, this: &Value) -> Py {
    match known_name(vm, this)? {
        Some(name) => Ok(name),
        None => Err(vm.no_attribute(this, name!("__name__"))),
    }
}

fn set_name(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let old = std::mem::replace(&mut this.expect::<Property>().lock(vm).name, value.cloned());
    drop(old);
    Ok(())
}

fn set_doc(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let new = value.filter(|value| !value.is_none()).cloned();
    let old = std::mem::replace(&mut this.expect::<Property>().lock(vm).doc, new);
    drop(old);
    Ok(())
}

fn is_abstract(vm: &mut Vm, this: &Value) -> Py {
    let state = state(vm, this);
    for function in [state.get, state.set, state.delete].into_iter().flatten() {
        if let Some(flag) = vm.get_attr_opt(&function, name!("__isabstractmethod__"))?
            && vm.truth(&flag)?
        {
            return Ok(Value::bool(true));
        }
    }
    Ok(Value::bool(false))
}

static METHODS: [MethodDef; 4] = [
    f1(
        "getter(self, object, /)",
        property_getter,
        "Descriptor to obtain a copy of the property with a different getter.",
    ),
    f1(
        "setter(self, object, /)",
        property_setter,
        "Descriptor to obtain a copy of the property with a different setter.",
    ),
    f1(
        "deleter(self, object, /)",
        property_deleter,
        "Descriptor to obtain a copy of the property with a different deleter.",
    ),
    slice(
        "__set_name__(self, *args)",
        property_set_name,
        "Method to set name of a property.",
    ),
];

static GETSET: [GetSetDef; 6] = [
    getter("fget", |vm, v| or_none(state(vm, v).get), "").member(),
    getter("fset", |vm, v| or_none(state(vm, v).set), "").member(),
    getter("fdel", |vm, v| or_none(state(vm, v).delete), "").member(),
    getset("__doc__", |vm, v| or_none(state(vm, v).doc), set_doc, ""),
    getset("__name__", get_name, set_name, ""),
    getter("__isabstractmethod__", is_abstract, ""),
];

static SPEC: TypeSpec = TypeSpec {
    name: "property",
    flags: TypeFlags::BASE,
    layout: Some(const { &Layout::of::<Property>() }),
    slots: Slots {
        new: Some(property_new),
        init: Some(property_init),
        descr_get: Some(property_get),
        descr_set: Some(property_set),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "property(fget=None, fset=None, fdel=None, doc=None)\n--\n\n\
          A managed attribute.\n\n  fget\n    function that gives the value\n  fset\n    function that sets the value\n  \
          fdel\n    function that deletes the value\n  doc\n    documentation; the getter's if there is none\n\n\
          Mostly used as a decorator:\n\nclass C:\n    @property\n    def x(self):\n        return self._x\n    \
          @x.setter\n    def x(self, value):\n        self._x = value\n    @x.deleter\n    def x(self):\n        \
          del self._x",
    ..TypeSpec::DEFAULT
};

/// Defines `property`.
pub fn define_all() {
    types::PROPERTY.define(&SPEC);
}
