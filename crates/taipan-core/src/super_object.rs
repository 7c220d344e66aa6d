//! `super`: attribute look-up that starts behind a given class in an object's method resolution order.

use crate::Py;
use crate::args::Args;
use crate::builtin_types as types;
use crate::lock::{HasState, Locked};
use crate::name;
use crate::native::{GetSetDef, getter};
use crate::payload::{Layout, Payload, Tracer};
use crate::protocol::attribute::generic_get_attr;
use crate::slots::Slots;
use crate::str_object::new_str;
use crate::type_object::{Type, TypeFlags, TypeObject, TypeSpec};
use crate::value::Value;
use crate::vm::Vm;
use std::sync::OnceLock;

/// What a `super` object is about.
#[derive(Default, Clone)]
pub struct SuperState {
    /// The class behind which the search starts.
    class: Option<Value>,
    object: Option<Value>,
    /// The class in whose MRO is searched.
    object_class: Option<Value>,
}

/// Payload of `super` objects.
pub struct Super {
    state: Locked<SuperState>,
}

impl HasState for Super {
    type State = SuperState;
    fn cell(&self) -> &Locked<SuperState> {
        &self.state
    }
}

// SAFETY: the state has all references.
unsafe impl Payload for Super {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::SUPER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        tracer.visit_option(&state.class);
        tracer.visit_option(&state.object);
        tracer.visit_option(&state.object_class);
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        let state = unsafe { self.state.get_unlocked() };
        out.extend(state.class.take());
        out.extend(state.object.take());
        out.extend(state.object_class.take());
    }
}

/// Finds `__class__` and the first argument of the calling function, for `super()` without arguments. Installed by the
/// interpreter, which knows frames.
pub static IMPLICIT_ARGUMENTS: OnceLock<ImplicitArguments> = OnceLock::new();

/// See [`IMPLICIT_ARGUMENTS`].
pub type ImplicitArguments = fn(&mut Vm) -> Py<(Value, Value)>;

/// Is `object` an instance or subclass of `class`? Gives the class whose MRO is to be searched.
fn check(vm: &mut Vm, class: &TypeObject, object: &Value) -> Py {
    if let Some(own) = object.cast::<Type>()
        && own.is_subtype(class)
    {
        return Ok(object.clone());
    }
    if object.is_instance(class) {
        return Ok(object.type_of().to_value());
    }
    // A proxy may claim to be an instance.
    if let Some(claimed) = vm.get_attr_opt(object, name!("__class__"))?
        && let Some(own) = claimed.cast::<Type>()
        && own.is_subtype(class)
    {
        return Ok(claimed);
    }
    let (kind, name) = match object.cast::<Type>() {
        Some(ty) => ("type", ty.name()),
        None => ("instance of", object.type_of().name()),
    };
    let class = class.name();
    let message = format!(
        "super(type, obj): obj ({kind} {name}) is not an instance or subtype of type ({class})."
    );
    Err(vm.type_error(message))
}

/// The attribute `name` behind `class` in the MRO of `search`, not bound.
pub fn lookup_behind(class: &TypeObject, search: &TypeObject, name: &Value) -> Option<Value> {
    let mro = search.mro();
    let at = mro.iter().position(|ty| std::ptr::eq(*ty, class))?;
    mro[at + 1..]
        .iter()
        .find_map(|ty| ty.namespace().get_name(name))
}

/// `super(class, object).name` without making the object; `None` if there is no such attribute.
pub fn super_attribute(
    vm: &mut Vm,
    class: &Value,
    object: &Value,
    name: &Value,
) -> Py<Option<Value>> {
    let Some(start) = class.cast::<Type>() else {
        let given = class.type_of().name();
        return Err(vm.type_error(format!("super() argument 1 must be a type, not {given}")));
    };
    let search = check(vm, start, object)?;
    let search = search.expect::<Type>();
    let Some(found) = lookup_behind(start, search, name) else {
        return Ok(None);
    };
    bind(vm, found, object, search).map(Some)
}

fn bind(vm: &mut Vm, found: Value, object: &Value, search: &TypeObject) -> Py {
    match found.type_of().slots().descr_get {
        Some(get) => {
            let instance = if object.bits() == search.to_value().bits() {
                None
            } else {
                Some(object)
            };
            get(vm, &found, instance, search)
        }
        None => Ok(found),
    }
}

/// Calls `super(ty, ty).__init_subclass__(**keywords)`.
pub(crate) fn init_subclass(vm: &mut Vm, ty: &TypeObject, keywords: Args<'_>) -> Py<()> {
    let class = ty.to_value();
    // A metaclass's `mro` may have left the class out of its own order.
    check(vm, ty, &class)?;
    let Some(found) = lookup_behind(ty, ty, name!("__init_subclass__")) else {
        return Ok(());
    };
    let bound = bind(vm, found, &class, class.expect::<Type>())?;
    vm.call_args(&bound, keywords)?;
    Ok(())
}

fn super_new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(crate::alloc::new_instance(
        cls,
        Super {
            state: Locked::new(SuperState::default()),
        },
    ))
}

fn super_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    if args.has_keywords() {
        return Err(vm.type_error("super() takes no keyword arguments"));
    }
    let (class, object) = match args.all() {
        [] => match IMPLICIT_ARGUMENTS.get() {
            Some(find) => {
                let (class, object) = find(vm)?;
                (class, Some(object))
            }
            None => return Err(vm.runtime_error("super(): no current frame")),
        },
        [class] => (class.clone(), None),
        [class, object] => (
            class.clone(),
            Some(object.clone()).filter(|object| !object.is_none()),
        ),
        more => {
            let message = format!("super() expected at most 2 arguments, got {}", more.len());
            return Err(vm.type_error(message));
        }
    };
    let Some(start) = class.cast::<Type>() else {
        let given = class.type_of().name();
        return Err(vm.type_error(format!("super() argument 1 must be a type, not {given}")));
    };
    let object_class = match &object {
        Some(object) => Some(check(vm, start, object)?),
        None => None,
    };
    let new = SuperState {
        class: Some(class.clone()),
        object,
        object_class,
    };
    let old = std::mem::replace(&mut *this.expect::<Super>().lock(vm), new);
    drop(old);
    Ok(())
}

fn state(vm: &mut Vm, this: &Value) -> SuperState {
    this.expect::<Super>().lock(vm).clone()
}

fn super_get_attr(vm: &mut Vm, this: &Value, name: &Value) -> Py {
    let state = state(vm, this);
    if let (Some(class), Some(object), Some(search)) =
        (&state.class, &state.object, &state.object_class)
        && !name.is(name!("__class__"))
        && let (Some(start), Some(search)) = (class.cast::<Type>(), search.cast::<Type>())
        && let Some(found) = lookup_behind(start, search, name)
    {
        return bind(vm, found, object, search);
    }
    generic_get_attr(vm, this, name)
}

fn super_descr_get(vm: &mut Vm, this: &Value, object: Option<&Value>, _ty: &TypeObject) -> Py {
    let state = state(vm, this);
    let (Some(object), None, Some(class)) = (object, &state.object, &state.class) else {
        return Ok(this.clone());
    };
    if !this.is_exact(&types::SUPER) {
        return vm.call(&this.type_of().to_value(), &[class.clone(), object.clone()]);
    }
    let object_class = check(vm, class.expect::<Type>(), object)?;
    let new = SuperState {
        class: Some(class.clone()),
        object: Some(object.clone()),
        object_class: Some(object_class),
    };
    Ok(crate::alloc::new_object(Super {
        state: Locked::new(new),
    }))
}

fn super_repr(vm: &mut Vm, this: &Value) -> Py {
    let state = state(vm, this);
    let class = state
        .class
        .as_ref()
        .and_then(|class| class.cast::<Type>())
        .map_or("NULL", |ty| ty.name());
    let text = match state
        .object_class
        .as_ref()
        .and_then(|class| class.cast::<Type>())
    {
        Some(object_class) => format!(
            "<super: <class '{class}'>, <{} object>>",
            object_class.name()
        ),
        None => format!("<super: <class '{class}'>, NULL>"),
    };
    Ok(new_str(&text))
}

fn or_none(value: Option<Value>) -> Py {
    Ok(value.unwrap_or_else(Value::none))
}

static GETSET: [GetSetDef; 3] = [
    getter(
        "__thisclass__",
        |vm, v| or_none(state(vm, v).class),
        "the class invoking super()",
    ),
    getter(
        "__self__",
        |vm, v| or_none(state(vm, v).object),
        "the instance invoking super(); may be None",
    ),
    getter(
        "__self_class__",
        |vm, v| or_none(state(vm, v).object_class),
        "the type of the instance invoking super(); may be None",
    ),
];

static SPEC: TypeSpec = TypeSpec {
    name: "super",
    flags: TypeFlags::BASE,
    layout: Some(const { &Layout::of::<Super>() }),
    slots: Slots {
        new: Some(super_new),
        init: Some(super_init),
        get_attr: Some(super_get_attr),
        descr_get: Some(super_descr_get),
        repr: Some(super_repr),
        ..Slots::NONE
    },
    getset: &GETSET,
    doc: "super() -> same as super(__class__, <first argument>)\n\
          super(type) -> unbound super object\n\
          super(type, obj) -> bound super object; requires isinstance(obj, type)\n\
          super(type, type2) -> bound super object; requires issubclass(type2, type)",
    ..TypeSpec::DEFAULT
};

/// Defines `super`.
pub fn define() {
    types::SUPER.define(&SPEC);
}
