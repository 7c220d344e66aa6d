//! Bound methods (`types.MethodType`), `staticmethod` and `classmethod`.

use crate::Py;
use crate::args::Args;
use crate::builtin_types as types;
use crate::dict_object::Dict;
use crate::instance;
use crate::lock::{HasState, Locked};
use crate::name;
use crate::native::{GetSetDef, MethodDef, f0, f1, getset, getter};
use crate::payload::{Layout, Payload, Tracer};
use crate::protocol::attribute::generic_lookup;
use crate::slots::{CompareOp, Slots};
use crate::str_object::{self, new_str};
use crate::tuple_object::new_tuple;
use crate::type_object::{TypeFlags, TypeObject, TypeSpec};
use crate::value::Value;
use crate::vm::Vm;
use smallvec::SmallVec;

// ---- bound methods ----

/// Payload of bound methods.
pub struct Method {
    pub function: Value,
    pub receiver: Value,
}

// SAFETY: both references are reported.
unsafe impl Payload for Method {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::METHOD
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.function);
        tracer.visit(&self.receiver);
    }
}

/// `function` bound to `receiver`.
#[inline]
pub fn new_method(function: Value, receiver: Value) -> Value {
    crate::alloc::new_object(Method { function, receiver })
}

fn method_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    if args.has_keywords() {
        return Err(vm.type_error("method() takes no keyword arguments"));
    }
    let [function, receiver] = args.all() else {
        return Err(vm.type_error(format!(
            "method expected 2 arguments, got {}",
            args.all().len()
        )));
    };
    if !vm.is_callable(function) {
        return Err(vm.type_error("first argument must be callable"));
    }
    if receiver.is_none() {
        return Err(vm.type_error("instance must not be None"));
    }
    Ok(new_method(function.clone(), receiver.clone()))
}

fn method_call(vm: &mut Vm, callee: &Value, args: Args<'_>) -> Py {
    // SAFETY: the slot is called on instances of this type only; it has no subclasses.
    let method = unsafe { callee.cast_unchecked::<Method>() };
    let mut row: SmallVec<[Value; 6]> = SmallVec::with_capacity(args.all().len() + 1);
    row.push(method.receiver.clone());
    row.extend(args.all().iter().cloned());
    vm.call_args(&method.function, Args::new(&row, args.names()))
}

fn method_get(_vm: &mut Vm, method: &Value, _object: Option<&Value>, _ty: &TypeObject) -> Py {
    Ok(method.clone())
}

/// Attributes that a method has not itself are those of its function.
fn method_get_attr(vm: &mut Vm, object: &Value, name: &Value) -> Py {
    match generic_lookup(vm, object, name)? {
        Some(value) => Ok(value),
        None => {
            let function = object.expect::<Method>().function.clone();
            vm.get_attr(&function, name)
        }
    }
}

fn method_repr(vm: &mut Vm, object: &Value) -> Py {
    let method = object.expect::<Method>();
    let mut name = vm.get_attr_opt(&method.function, name!("__qualname__"))?;
    if name.is_none() {
        name = vm.get_attr_opt(&method.function, name!("__name__"))?;
    }
    let name = match name.as_ref().and_then(|name| str_object::str_of(name)) {
        Some(text) => text.to_lossy(),
        None => "?".to_owned(),
    };
    let receiver = vm.repr_string(&method.receiver)?;
    Ok(new_str(&format!("<bound method {name} of {receiver}>")))
}

fn method_compare(vm: &mut Vm, left: &Value, right: &Value, op: CompareOp) -> Py {
    let (CompareOp::Eq | CompareOp::Ne, Some(a), Some(b)) =
        (op, left.cast::<Method>(), right.cast::<Method>())
    else {
        return Ok(Value::not_implemented());
    };
    let equal = a.receiver.is(&b.receiver) && vm.equal(&a.function, &b.function)?;
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

fn method_hash(vm: &mut Vm, object: &Value) -> Py<i64> {
    let method = object.expect::<Method>();
    let hash = vm.hash(&method.function)? ^ (method.receiver.bits().rotate_right(4) as i64 >> 1);
    Ok(if hash == -1 { -2 } else { hash })
}

fn method_reduce(vm: &mut Vm, object: &Value) -> Py {
    let method = object.expect::<Method>();
    let name = vm.get_attr(&method.function, name!("__name__"))?;
    let getattr = crate::class::builtin(vm, name!("getattr"))?;
    Ok(new_tuple([
        getattr,
        new_tuple([method.receiver.clone(), name]),
    ]))
}

static METHOD_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    method_reduce,
    "Helper for pickle.",
)];

static METHOD_SPEC: TypeSpec = TypeSpec {
    name: "method",
    flags: TypeFlags::WEAKREF,
    layout: Some(const { &Layout::of::<Method>() }),
    slots: Slots {
        new: Some(method_new),
        call: Some(method_call),
        get_attr: Some(method_get_attr),
        descr_get: Some(method_get),
        repr: Some(method_repr),
        compare: Some(method_compare),
        hash: Some(method_hash),
        ..Slots::NONE
    },
    methods: &METHOD_METHODS,
    getset: const {
        &[
            getter(
                "__func__",
                |_, v| Ok(v.expect::<Method>().function.clone()),
                "the function implementing a method",
            )
            .member(),
            getter(
                "__self__",
                |_, v| Ok(v.expect::<Method>().receiver.clone()),
                "the instance to which a method is bound",
            )
            .member(),
            getter(
                "__doc__",
                |vm, v| {
                    let function = v.expect::<Method>().function.clone();
                    Ok(vm
                        .get_attr_opt(&function, name!("__doc__"))?
                        .unwrap_or_else(Value::none))
                },
                "",
            ),
        ]
    },
    doc: "Create a bound instance method object.",
    ..TypeSpec::DEFAULT
};

// ---- staticmethod and classmethod ----

/// Payload of `staticmethod` objects. Empty between `__new__` and `__init__`.
pub struct StaticMethod {
    function: Locked<Option<Value>>,
}

/// Payload of `classmethod` objects. Empty between `__new__` and `__init__`.
pub struct ClassMethod {
    function: Locked<Option<Value>>,
}

macro_rules! wrapper_payload {
    ($payload:ident, $ty:ident) => {
        impl HasState for $payload {
            type State = Option<Value>;
            fn cell(&self) -> &Locked<Option<Value>> {
                &self.function
            }
        }

        // SAFETY: the function is the only reference of the payload.
        unsafe impl Payload for $payload {
            const GC: bool = true;
            fn type_object() -> &'static TypeObject {
                &types::$ty
            }
            fn trace(&self, tracer: &mut Tracer<'_>) {
                // SAFETY: the world is stopped.
                tracer.visit_option(unsafe { self.function.get_unlocked() });
            }
            fn clear(&self, out: &mut Vec<Value>) {
                // SAFETY: the object is garbage.
                out.extend(unsafe { self.function.get_unlocked() }.take());
            }
        }
    };
}

wrapper_payload!(StaticMethod, STATICMETHOD);
wrapper_payload!(ClassMethod, CLASSMETHOD);

/// `staticmethod(function)` for builtin code.
pub fn new_static_method(function: Value) -> Value {
    crate::alloc::new_object(StaticMethod {
        function: Locked::new(Some(function)),
    })
}

/// `classmethod(function)` for builtin code.
pub fn new_class_method(function: Value) -> Value {
    crate::alloc::new_object(ClassMethod {
        function: Locked::new(Some(function)),
    })
}

/// What a `staticmethod` or `classmethod` object wraps.
pub fn wrapped_function(vm: &mut Vm, object: &Value) -> Option<Value> {
    if let Some(method) = object.cast::<StaticMethod>() {
        return method.lock(vm).clone();
    }
    object.cast::<ClassMethod>()?.lock(vm).clone()
}

fn wrapped(vm: &mut Vm, object: &Value) -> Py {
    match wrapped_function(vm, object) {
        Some(function) => Ok(function),
        None => {
            let message = format!("uninitialized {} object", object.type_of().name());
            Err(vm.runtime_error(message))
        }
    }
}

fn static_new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(crate::alloc::new_instance(
        cls,
        StaticMethod {
            function: Locked::new(None),
        },
    ))
}

fn class_new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(crate::alloc::new_instance(
        cls,
        ClassMethod {
            function: Locked::new(None),
        },
    ))
}

/// The one argument of `staticmethod()` and `classmethod()`, whose metadata the object takes over.
fn init_argument(vm: &mut Vm, object: &Value, name: &str, args: Args<'_>) -> Py {
    if args.has_keywords() {
        return Err(vm.type_error(format!("{name}() takes no keyword arguments")));
    }
    let [function] = args.all() else {
        return Err(vm.type_error(format!(
            "{name} expected 1 argument, got {}",
            args.all().len()
        )));
    };
    for attribute in [
        name!("__module__"),
        name!("__name__"),
        name!("__qualname__"),
        name!("__doc__"),
    ] {
        if let Some(value) = vm.get_attr_opt(function, attribute)? {
            copy_attribute(vm, object, attribute, value)?;
        }
    }
    Ok(function.clone())
}

/// Sets an instance attribute past all descriptors.
fn copy_attribute(vm: &mut Vm, object: &Value, name: &Value, value: Value) -> Py<()> {
    match instance::set(object, name, value.clone()) {
        instance::Stored::InDict(dict) => {
            dict.expect::<Dict>().insert(vm, name, value)?;
        }
        instance::Stored::Done(old) => drop(old),
        instance::Stored::NoDict => {}
    }
    Ok(())
}

fn static_init(vm: &mut Vm, object: &Value, args: Args<'_>) -> Py<()> {
    let function = init_argument(vm, object, "staticmethod", args)?;
    let old = object.expect::<StaticMethod>().lock(vm).replace(function);
    drop(old);
    Ok(())
}

fn class_init(vm: &mut Vm, object: &Value, args: Args<'_>) -> Py<()> {
    let function = init_argument(vm, object, "classmethod", args)?;
    let old = object.expect::<ClassMethod>().lock(vm).replace(function);
    drop(old);
    Ok(())
}

fn static_get(vm: &mut Vm, descriptor: &Value, _object: Option<&Value>, _ty: &TypeObject) -> Py {
    wrapped(vm, descriptor)
}

fn static_call(vm: &mut Vm, callee: &Value, args: Args<'_>) -> Py {
    let function = wrapped(vm, callee)?;
    vm.call_args(&function, args)
}

fn class_get(vm: &mut Vm, descriptor: &Value, object: Option<&Value>, ty: &TypeObject) -> Py {
    let function = wrapped(vm, descriptor)?;
    let ty = match object {
        Some(object) if std::ptr::eq(ty, &types::NONE_TYPE) => object.type_of().to_value(),
        _ => ty.to_value(),
    };
    Ok(new_method(function, ty))
}

fn wrapper_repr(vm: &mut Vm, object: &Value) -> Py {
    let function = wrapped_function(vm, object).unwrap_or_else(Value::none);
    let inner = vm.repr_string(&function)?;
    let kind = if object.is_instance(&types::STATICMETHOD) {
        "staticmethod"
    } else {
        "classmethod"
    };
    Ok(new_str(&format!("<{kind}({inner})>")))
}

fn wrapper_function(vm: &mut Vm, object: &Value) -> Py {
    Ok(wrapped_function(vm, object).unwrap_or_else(Value::none))
}

fn wrapper_is_abstract(vm: &mut Vm, object: &Value) -> Py {
    let Some(function) = wrapped_function(vm, object) else {
        return Ok(Value::bool(false));
    };
    match vm.get_attr_opt(&function, name!("__isabstractmethod__"))? {
        Some(flag) => vm.truth(&flag).map(Value::bool),
        None => Ok(Value::bool(false)),
    }
}

/// `__dict__` of objects that have one.
pub fn get_dict(vm: &mut Vm, object: &Value) -> Py {
    if instance::has_dict(object) {
        return Ok(instance::dict(object));
    }
    Err(vm.no_attribute(object, name!("__dict__")))
}

/// Assignment to `__dict__`.
pub fn set_dict(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    if !instance::has_dict(object) {
        return Err(vm.no_attribute(object, name!("__dict__")));
    }
    let Some(value) = value else {
        return Err(vm.type_error("cannot delete __dict__"));
    };
    if !value.is_instance(&types::DICT) {
        let message = format!(
            "__dict__ must be set to a dictionary, not a '{}'",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    drop(instance::set_dict(object, value.clone()));
    Ok(())
}

/// The `__dict__` descriptor of the builtin type that gives instances of the object's class their own kind of `__dict__`.
fn builtin_dict_descriptor(object: &Value) -> Option<Value> {
    let builtin = |ty: &&&TypeObject| !ty.is_heap();
    let mut bases = object.type_of().mro().iter().filter(builtin);
    bases.find_map(|ty| ty.namespace().get_name(name!("__dict__")))
}

/// The getter of `__dict__` in classes of programs.
pub(crate) fn class_get_dict(vm: &mut Vm, object: &Value) -> Py {
    let Some(descriptor) = builtin_dict_descriptor(object) else {
        return get_dict(vm, object);
    };
    match descriptor.type_of().slots().descr_get {
        Some(get) => get(vm, &descriptor, Some(object), object.type_of()),
        None => Ok(descriptor),
    }
}

/// The setter of `__dict__` in classes of programs. Deleting leaves an empty one.
pub(crate) fn class_set_dict(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    if let Some(descriptor) = builtin_dict_descriptor(object) {
        return match descriptor.type_of().slots().descr_set {
            Some(set) => set(vm, &descriptor, object, value),
            None => Err(vm.no_attribute(object, name!("__dict__"))),
        };
    }
    if value.is_none() && instance::has_dict(object) {
        drop(instance::set_dict(object, crate::dict_object::new_dict()));
        return Ok(());
    }
    set_dict(vm, object, value)
}

/// Evaluated lazily by the wrapped function; kept in the object's own dict once set.
fn forwarded(vm: &mut Vm, object: &Value, name: &Value) -> Py {
    if let Some(value) = instance::get(object, name) {
        return Ok(value);
    }
    let function = wrapped(vm, object)?;
    let value = vm.get_attr(&function, name)?;
    copy_attribute(vm, object, name, value.clone())?;
    Ok(value)
}

fn set_forwarded(vm: &mut Vm, object: &Value, name: &Value, value: Option<&Value>) -> Py<()> {
    match value {
        Some(value) => copy_attribute(vm, object, name, value.clone()),
        None => match instance::delete(object, name) {
            Some(_) => Ok(()),
            None => Err(vm.no_attribute(object, name)),
        },
    }
}

fn wrapper_class_getitem(vm: &mut Vm, cls: &Value, item: &Value) -> Py {
    (vm.interpreter().hooks.generic_alias)(vm, cls, item)
}

static WRAPPER_METHODS: [MethodDef; 1] = [f1(
    "__class_getitem__(cls, object, /)",
    wrapper_class_getitem,
    "See PEP 585",
)
.class_method()];

static WRAPPER_GETSET: [GetSetDef; 6] = [
    getter("__func__", wrapper_function, "").member(),
    getter("__wrapped__", wrapper_function, "").member(),
    getter("__isabstractmethod__", wrapper_is_abstract, ""),
    getset("__dict__", get_dict, set_dict, ""),
    getset(
        "__annotations__",
        |vm, v| forwarded(vm, v, name!("__annotations__")),
        |vm, v, value| set_forwarded(vm, v, name!("__annotations__"), value),
        "",
    ),
    getset(
        "__annotate__",
        |vm, v| forwarded(vm, v, name!("__annotate__")),
        |vm, v, value| set_forwarded(vm, v, name!("__annotate__"), value),
        "",
    ),
];

static STATIC_SPEC: TypeSpec = TypeSpec {
    name: "staticmethod",
    flags: TypeFlags::BASE.union(TypeFlags::DICT),
    layout: Some(const { &Layout::of::<StaticMethod>() }),
    slots: Slots {
        new: Some(static_new),
        init: Some(static_init),
        call: Some(static_call),
        descr_get: Some(static_get),
        repr: Some(wrapper_repr),
        ..Slots::NONE
    },
    methods: &WRAPPER_METHODS,
    getset: &WRAPPER_GETSET,
    doc: "staticmethod(function, /)\n--\n\nConvert a function to be a static method.\n\n\
          A static method receives no implicit first argument. It can be called either on\n\
          the class or on an instance, and both give the function as it is.",
    ..TypeSpec::DEFAULT
};

static CLASS_SPEC: TypeSpec = TypeSpec {
    name: "classmethod",
    flags: TypeFlags::BASE.union(TypeFlags::DICT),
    layout: Some(const { &Layout::of::<ClassMethod>() }),
    slots: Slots {
        new: Some(class_new),
        init: Some(class_init),
        descr_get: Some(class_get),
        repr: Some(wrapper_repr),
        ..Slots::NONE
    },
    methods: &WRAPPER_METHODS,
    getset: &WRAPPER_GETSET,
    doc: "classmethod(function, /)\n--\n\nConvert a function to be a class method.\n\n\
          A class method receives the class as its implicit first argument, whether it is\n\
          called on the class or on an instance.",
    ..TypeSpec::DEFAULT
};

/// Defines the types of this file.
pub fn define() {
    types::METHOD.define(&METHOD_SPEC);
    types::STATICMETHOD.define(&STATIC_SPEC);
    types::CLASSMETHOD.define(&CLASS_SPEC);
}
