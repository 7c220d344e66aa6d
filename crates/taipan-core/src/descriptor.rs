//! The descriptors in the namespaces of builtin types, and how those namespaces are filled.

use crate::args::Args;
use crate::bind::{Home, call_native};
use crate::builtin_types as types;
use crate::instance;
use crate::name;
use crate::native::{GetSetDef, MethodDef, MethodKind, getter};
pub use crate::native_function::{
    NativeFunction, native_function, new_bound_native, new_native_function,
};
use crate::payload::{Layout, Payload, Tracer};
use crate::slot_table::{self, SlotEntry};
use crate::slots::{CompareOp, Slots};
use crate::str_object::{self, immortal_name, new_str};
use crate::tuple_object::new_tuple;
use crate::type_object::{Type, TypeFlags, TypeObject, TypeSpec};
use crate::value::Value;
use crate::vm::Vm;
use crate::{Py, Raised};

/// Documentation as Python sees it.
pub(crate) fn doc_or_none(doc: &str) -> Value {
    if doc.is_empty() {
        Value::none()
    } else {
        new_str(doc)
    }
}

/// `(getattr, (object, name))`
pub(crate) fn reduce_to_getattr(vm: &mut Vm, object: Value, name: Value) -> Py {
    let getattr = crate::class::builtin(vm, name!("getattr"))?;
    Ok(new_tuple([getattr, new_tuple([object, name])]))
}

// ---- method_descriptor and classmethod_descriptor ----

/// Payload of `method_descriptor`: a native method in the namespace of its type.
pub struct MethodDescriptor {
    pub def: &'static MethodDef,
    pub owner: &'static TypeObject,
}

// SAFETY: holds no counted references: owners are builtin types.
unsafe impl Payload for MethodDescriptor {
    fn type_object() -> &'static TypeObject {
        &types::METHOD_DESCRIPTOR
    }
}

/// The definition behind a method descriptor with the type its receiver must have.
#[inline]
pub fn method_def(value: &Value) -> Option<(&'static MethodDef, &'static TypeObject)> {
    let descriptor = value.cast_exact::<MethodDescriptor>()?;
    Some((descriptor.def, descriptor.owner))
}

fn method_call(vm: &mut Vm, callee: &Value, args: Args<'_>) -> Py {
    // SAFETY: the slot is called on instances of this type only; it has no subclasses.
    let descriptor = unsafe { callee.cast_unchecked::<MethodDescriptor>() };
    let Some(receiver) = args.pos().first() else {
        let message = format!(
            "unbound method {}.{}() needs an argument",
            descriptor.owner.name(),
            descriptor.def.name()
        );
        return Err(vm.type_error(message));
    };
    if !receiver.is_instance(descriptor.owner) {
        return Err(wrong_receiver(
            vm,
            descriptor.def.name(),
            descriptor.owner,
            receiver,
        ));
    }
    call_native(
        vm,
        descriptor.def,
        receiver,
        args.skip_first(),
        Home::Type(descriptor.owner),
    )
}

fn method_get(vm: &mut Vm, descriptor: &Value, object: Option<&Value>, _ty: &TypeObject) -> Py {
    let Some(object) = object else {
        return Ok(descriptor.clone());
    };
    let method = descriptor.expect::<MethodDescriptor>();
    if !object.is_instance(method.owner) {
        return Err(wrong_receiver(vm, method.def.name(), method.owner, object));
    }
    Ok(new_bound_native(method.def, method.owner, object.clone()))
}

#[cold]
fn wrong_receiver(vm: &mut Vm, name: &str, owner: &TypeObject, object: &Value) -> Raised {
    vm.type_error(format!(
        "descriptor '{name}' for '{}' objects doesn't apply to a '{}' object",
        owner.name(),
        object.type_of().name()
    ))
}

/// Payload of `classmethod_descriptor`.
pub struct ClassMethodDescriptor {
    pub def: &'static MethodDef,
    pub owner: &'static TypeObject,
}

// SAFETY: as for MethodDescriptor.
unsafe impl Payload for ClassMethodDescriptor {
    fn type_object() -> &'static TypeObject {
        &types::CLASSMETHOD_DESCRIPTOR
    }
}

fn class_method_get(
    vm: &mut Vm,
    descriptor: &Value,
    object: Option<&Value>,
    ty: &TypeObject,
) -> Py {
    let method = descriptor.expect::<ClassMethodDescriptor>();
    let ty = match object {
        Some(object) if std::ptr::eq(ty, &types::NONE_TYPE) => object.type_of(),
        _ => ty,
    };
    bind_class(vm, method, ty)
}

fn bind_class(vm: &mut Vm, method: &ClassMethodDescriptor, ty: &TypeObject) -> Py {
    if !ty.is_subtype(method.owner) {
        return Err(vm.type_error(format!(
            "descriptor '{}' requires a subtype of '{}' but received '{}'",
            method.def.name(),
            method.owner.name(),
            ty.name()
        )));
    }
    Ok(new_bound_native(method.def, method.owner, ty.to_value()))
}

fn class_method_call(vm: &mut Vm, callee: &Value, args: Args<'_>) -> Py {
    let method = callee.expect::<ClassMethodDescriptor>();
    let (name, owner) = (method.def.name(), method.owner.name());
    let Some(receiver) = args.pos().first() else {
        return Err(vm.type_error(format!(
            "descriptor '{name}' of '{owner}' object needs an argument"
        )));
    };
    let Some(ty) = receiver.cast::<Type>() else {
        return Err(vm.type_error(format!(
            "descriptor '{name}' for type '{owner}' needs a type, not a '{}' as arg 2",
            receiver.type_of().name()
        )));
    };
    let bound = bind_class(vm, method, ty)?;
    vm.call_args(&bound, args.skip_first())
}

// ---- wrapper_descriptor and method-wrapper ----

/// Payload of `wrapper_descriptor`: a slot of a builtin type as a method.
pub struct WrapperDescriptor {
    pub entry: &'static SlotEntry,
    pub owner: &'static TypeObject,
}

// SAFETY: as for MethodDescriptor.
unsafe impl Payload for WrapperDescriptor {
    fn type_object() -> &'static TypeObject {
        &types::WRAPPER_DESCRIPTOR
    }
}

fn run_wrapper(vm: &mut Vm, wrapper: &WrapperDescriptor, receiver: &Value, args: Args<'_>) -> Py {
    match wrapper.entry.wrap {
        Some(wrap) => wrap(vm, wrapper.entry, wrapper.owner.slots(), receiver, args),
        None => Err(vm.raise_with(
            &types::ATTRIBUTE_ERROR,
            std::slice::from_ref(wrapper.entry.interned()),
        )),
    }
}

fn wrapper_call(vm: &mut Vm, callee: &Value, args: Args<'_>) -> Py {
    let wrapper = callee.expect::<WrapperDescriptor>();
    let (name, owner) = (wrapper.entry.name, wrapper.owner);
    let Some(receiver) = args.pos().first() else {
        return Err(vm.type_error(format!(
            "descriptor '{name}' of '{}' object needs an argument",
            owner.name()
        )));
    };
    if !receiver.is_instance(owner) {
        return Err(vm.type_error(format!(
            "descriptor '{name}' requires a '{}' object but received a '{}'",
            owner.name(),
            receiver.type_of().name()
        )));
    }
    run_wrapper(vm, wrapper, receiver, args.skip_first())
}

fn wrapper_get(vm: &mut Vm, descriptor: &Value, object: Option<&Value>, _ty: &TypeObject) -> Py {
    let Some(object) = object else {
        return Ok(descriptor.clone());
    };
    let wrapper = descriptor.expect::<WrapperDescriptor>();
    if !object.is_instance(wrapper.owner) {
        return Err(wrong_receiver(
            vm,
            wrapper.entry.name,
            wrapper.owner,
            object,
        ));
    }
    Ok(crate::alloc::new_object(MethodWrapper {
        wrapper: descriptor.clone(),
        receiver: object.clone(),
    }))
}

/// Payload of `method-wrapper`: a slot wrapper bound to its receiver.
pub struct MethodWrapper {
    wrapper: Value,
    receiver: Value,
}

// SAFETY: both references are reported.
unsafe impl Payload for MethodWrapper {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::METHOD_WRAPPER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.wrapper);
        tracer.visit(&self.receiver);
    }
}

impl MethodWrapper {
    fn wrapper(&self) -> &WrapperDescriptor {
        self.wrapper.expect::<WrapperDescriptor>()
    }
}

fn bound_wrapper_call(vm: &mut Vm, callee: &Value, args: Args<'_>) -> Py {
    let bound = callee.expect::<MethodWrapper>();
    run_wrapper(vm, bound.wrapper(), &bound.receiver, args)
}

fn bound_wrapper_repr(_vm: &mut Vm, callee: &Value) -> Py {
    let bound = callee.expect::<MethodWrapper>();
    let text = format!(
        "<method-wrapper '{}' of {} object at {:#x}>",
        bound.wrapper().entry.name,
        bound.receiver.type_of().name(),
        bound.receiver.bits()
    );
    Ok(new_str(&text))
}

fn bound_wrapper_compare(_vm: &mut Vm, left: &Value, right: &Value, op: CompareOp) -> Py {
    let (CompareOp::Eq | CompareOp::Ne, Some(a), Some(b)) = (
        op,
        left.cast::<MethodWrapper>(),
        right.cast::<MethodWrapper>(),
    ) else {
        return Ok(Value::not_implemented());
    };
    let equal = a.wrapper.is(&b.wrapper) && a.receiver.is(&b.receiver);
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

fn bound_wrapper_hash(_vm: &mut Vm, callee: &Value) -> Py<i64> {
    let bound = callee.expect::<MethodWrapper>();
    Ok((bound.receiver.bits().rotate_right(4) ^ bound.wrapper.bits().rotate_right(4)) as i64 >> 1)
}

fn bound_wrapper_attribute(vm: &mut Vm, callee: &Value, name: &Value) -> Py {
    let wrapper = callee.expect::<MethodWrapper>().wrapper.clone();
    vm.get_attr(&wrapper, name)
}

fn bound_wrapper_self(_vm: &mut Vm, callee: &Value) -> Py {
    Ok(callee.expect::<MethodWrapper>().receiver.clone())
}

fn bound_wrapper_reduce(vm: &mut Vm, callee: &Value) -> Py {
    let bound = callee.expect::<MethodWrapper>();
    let name = bound.wrapper().entry.interned().clone();
    reduce_to_getattr(vm, bound.receiver.clone(), name)
}

static METHOD_WRAPPER_METHODS: [MethodDef; 1] = [crate::native::f0(
    "__reduce__(self, /)",
    bound_wrapper_reduce,
    "Helper for pickle.",
)];

static METHOD_WRAPPER_SPEC: TypeSpec = TypeSpec {
    name: "method-wrapper",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<MethodWrapper>() }),
    slots: Slots {
        call: Some(bound_wrapper_call),
        repr: Some(bound_wrapper_repr),
        hash: Some(bound_wrapper_hash),
        compare: Some(bound_wrapper_compare),
        ..Slots::NONE
    },
    methods: &METHOD_WRAPPER_METHODS,
    getset: const {
        &[
            getter("__self__", bound_wrapper_self, ""),
            getter(
                "__objclass__",
                |vm, v| bound_wrapper_attribute(vm, v, name!("__objclass__")),
                "",
            ),
            getter(
                "__name__",
                |vm, v| bound_wrapper_attribute(vm, v, name!("__name__")),
                "",
            ),
            getter(
                "__qualname__",
                |vm, v| bound_wrapper_attribute(vm, v, name!("__qualname__")),
                "",
            ),
            getter(
                "__doc__",
                |vm, v| bound_wrapper_attribute(vm, v, name!("__doc__")),
                "",
            ),
            getter(
                "__text_signature__",
                |vm, v| bound_wrapper_attribute(vm, v, name!("__text_signature__")),
                "",
            ),
        ]
    },
    ..TypeSpec::DEFAULT
};

// ---- getset_descriptor ----

/// Payload of `getset_descriptor`. The owner is a type; a class counts a reference.
pub struct GetSetDescriptor {
    pub def: &'static GetSetDef,
    owner: Value,
}

// SAFETY: the owner is the only reference.
unsafe impl Payload for GetSetDescriptor {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::GETSET_DESCRIPTOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.owner);
    }
}

/// A computed attribute of instances of `owner`.
pub fn new_getset(def: &'static GetSetDef, owner: &TypeObject) -> Value {
    crate::alloc::new_object(GetSetDescriptor {
        def,
        owner: owner.to_value(),
    })
}

fn getset_get(vm: &mut Vm, descriptor: &Value, object: Option<&Value>, _ty: &TypeObject) -> Py {
    let Some(object) = object else {
        return Ok(descriptor.clone());
    };
    let getset = descriptor.expect::<GetSetDescriptor>();
    let owner = getset.owner.expect::<Type>();
    if !object.is_instance(owner) {
        return Err(wrong_receiver(vm, getset.def.name, owner, object));
    }
    (getset.def.get)(vm, object)
}

fn getset_set(vm: &mut Vm, descriptor: &Value, object: &Value, value: Option<&Value>) -> Py<()> {
    let getset = descriptor.expect::<GetSetDescriptor>();
    let owner = getset.owner.expect::<Type>();
    if !object.is_instance(owner) {
        return Err(wrong_receiver(vm, getset.def.name, owner, object));
    }
    match getset.def.set {
        Some(set) => set(vm, object, value),
        None => Err(vm.attribute_error(format!(
            "attribute '{}' of '{}' objects is not writable",
            getset.def.name,
            owner.name()
        ))),
    }
}

// ---- member_descriptor ----

/// Payload of `member_descriptor`: one of a class's `__slots__`, or a field of a builtin type.
pub struct MemberDescriptor {
    name: Value,
    owner: Value,
    place: Place,
}

/// Where a member is.
#[derive(Clone, Copy)]
enum Place {
    /// Number of the place, see [`instance::fixed`].
    Slot(u32),
    Field(&'static GetSetDef),
}

// SAFETY: both references are reported.
unsafe impl Payload for MemberDescriptor {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::MEMBER_DESCRIPTOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.name);
        tracer.visit(&self.owner);
    }
}

/// The descriptor of a place in instances of `owner`.
pub fn new_member(name: Value, owner: &TypeObject, index: u32) -> Value {
    crate::alloc::new_object(MemberDescriptor {
        name,
        owner: owner.to_value(),
        place: Place::Slot(index),
    })
}

/// The number of the place that `value` describes, if it is the descriptor of one that class `owner` added.
pub(crate) fn member_place(value: &Value, owner: &TypeObject) -> Option<u32> {
    let member = value.cast_exact::<MemberDescriptor>()?;
    member
        .slot()
        .filter(|_| std::ptr::eq(member.owner(), owner))
}

/// The descriptor of a field of instances of the builtin type `owner`.
fn new_field(def: &'static GetSetDef, owner: &TypeObject) -> Value {
    crate::alloc::new_object(MemberDescriptor {
        name: immortal_name(def.name),
        owner: owner.to_value(),
        place: Place::Field(def),
    })
}

impl MemberDescriptor {
    /// The number of the place among those of `__slots__`, if it is one of them.
    pub fn slot(&self) -> Option<u32> {
        match self.place {
            Place::Slot(index) => Some(index),
            Place::Field(_) => None,
        }
    }

    /// The class whose instances have the place.
    pub fn owner(&self) -> &TypeObject {
        self.owner.expect::<Type>()
    }

    fn check(&self, vm: &mut Vm, object: &Value) -> Py<()> {
        if object.is_instance(self.owner()) {
            return Ok(());
        }
        let name = str_object::str_of(&self.name)
            .map(|text| text.to_lossy())
            .unwrap_or_default();
        Err(wrong_receiver(vm, &name, self.owner(), object))
    }
}

fn member_get(vm: &mut Vm, descriptor: &Value, object: Option<&Value>, _ty: &TypeObject) -> Py {
    let Some(object) = object else {
        return Ok(descriptor.clone());
    };
    let member = descriptor.expect::<MemberDescriptor>();
    member.check(vm, object)?;
    let index = match member.place {
        Place::Slot(index) => index,
        Place::Field(def) => return (def.get)(vm, object),
    };
    match instance::fixed(object, index) {
        Some(value) => Ok(value),
        None => {
            let ty = crate::type_methods::fully_qualified_name(object.type_of());
            let message = format!("'{ty}' object has no attribute '{}'", lossy(&member.name));
            Err(vm.attribute_error_for(object, &member.name, &message))
        }
    }
}

fn member_set(vm: &mut Vm, descriptor: &Value, object: &Value, value: Option<&Value>) -> Py<()> {
    let member = descriptor.expect::<MemberDescriptor>();
    member.check(vm, object)?;
    let index = match member.place {
        Place::Slot(index) => index,
        Place::Field(def) => {
            return match def.set {
                Some(set) => set(vm, object, value),
                None => Err(vm.attribute_error("readonly attribute")),
            };
        }
    };
    match (instance::set_fixed(object, index, value.cloned()), value) {
        (None, None) => {
            let text = str_object::str_of(&member.name)
                .map(|text| text.to_lossy())
                .unwrap_or_default();
            Err(vm.attribute_error_for(object, &member.name, &text))
        }
        (old, _) => {
            drop(old);
            Ok(())
        }
    }
}

// ---- what the five descriptors have in common ----

/// Name, owner, documentation and signature of a descriptor.
struct Description {
    name: Value,
    owner: Value,
    doc: Value,
    signature: Value,
    kind: &'static str,
}

fn describe(descriptor: &Value) -> Description {
    let native = |def: &'static MethodDef, owner: &TypeObject, receiver| Description {
        name: str_object::name(def.name()),
        owner: owner.to_value(),
        doc: doc_or_none(def.doc),
        signature: new_str(&def.parsed().text_signature(Some(receiver))),
        kind: "method",
    };
    if let Some(method) = descriptor.cast::<MethodDescriptor>() {
        native(method.def, method.owner, "self")
    } else if let Some(method) = descriptor.cast::<ClassMethodDescriptor>() {
        native(method.def, method.owner, "type")
    } else if let Some(wrapper) = descriptor.cast::<WrapperDescriptor>() {
        Description {
            name: wrapper.entry.interned().clone(),
            owner: wrapper.owner.to_value(),
            doc: doc_or_none(wrapper.entry.doc),
            signature: new_str(wrapper.entry.signature),
            kind: "slot wrapper",
        }
    } else if let Some(getset) = descriptor.cast::<GetSetDescriptor>() {
        Description {
            name: str_object::name(getset.def.name),
            owner: getset.owner.clone(),
            doc: doc_or_none(getset.def.doc),
            signature: Value::none(),
            kind: "attribute",
        }
    } else {
        let member = descriptor.expect::<MemberDescriptor>();
        Description {
            name: member.name.clone(),
            owner: member.owner.clone(),
            doc: match member.place {
                Place::Slot(_) => Value::none(),
                Place::Field(def) => doc_or_none(def.doc),
            },
            signature: Value::none(),
            kind: "member",
        }
    }
}

fn lossy(text: &Value) -> String {
    str_object::str_of(text)
        .map(|text| text.to_lossy())
        .unwrap_or_default()
}

fn descriptor_repr(_vm: &mut Vm, descriptor: &Value) -> Py {
    let description = describe(descriptor);
    let owner = description.owner.expect::<Type>().name();
    Ok(new_str(&format!(
        "<{} '{}' of '{owner}' objects>",
        description.kind,
        lossy(&description.name)
    )))
}

fn descriptor_name(_vm: &mut Vm, descriptor: &Value) -> Py {
    Ok(describe(descriptor).name)
}

fn descriptor_qualname(vm: &mut Vm, descriptor: &Value) -> Py {
    let description = describe(descriptor);
    let owner = vm.get_attr(&description.owner, name!("__qualname__"))?;
    Ok(new_str(&format!(
        "{}.{}",
        lossy(&owner),
        lossy(&description.name)
    )))
}

fn descriptor_owner(_vm: &mut Vm, descriptor: &Value) -> Py {
    Ok(describe(descriptor).owner)
}

fn descriptor_doc(_vm: &mut Vm, descriptor: &Value) -> Py {
    Ok(describe(descriptor).doc)
}

fn descriptor_text_signature(_vm: &mut Vm, descriptor: &Value) -> Py {
    Ok(describe(descriptor).signature)
}

fn descriptor_reduce(vm: &mut Vm, descriptor: &Value) -> Py {
    let description = describe(descriptor);
    reduce_to_getattr(vm, description.owner, description.name)
}

static DESCRIPTOR_METHODS: [MethodDef; 1] = [crate::native::f0(
    "__reduce__(self, /)",
    descriptor_reduce,
    "Helper for pickle.",
)];

/// Attributes of descriptors of callables.
static CALLABLE_GETSET: [GetSetDef; 5] = [
    getter("__name__", descriptor_name, ""),
    getter("__qualname__", descriptor_qualname, ""),
    getter("__objclass__", descriptor_owner, ""),
    getter("__doc__", descriptor_doc, ""),
    getter("__text_signature__", descriptor_text_signature, ""),
];

/// Attributes of descriptors of data.
static DATA_GETSET: [GetSetDef; 4] = [
    getter("__name__", descriptor_name, ""),
    getter("__qualname__", descriptor_qualname, ""),
    getter("__objclass__", descriptor_owner, ""),
    getter("__doc__", descriptor_doc, ""),
];

const DESCRIPTOR_SPEC: TypeSpec = TypeSpec {
    flags: TypeFlags::NO_INSTANTIATION,
    slots: Slots {
        repr: Some(descriptor_repr),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

static METHOD_SPEC: TypeSpec = TypeSpec {
    name: "method_descriptor",
    flags: TypeFlags::NO_INSTANTIATION.union(TypeFlags::METHOD_DESCRIPTOR),
    layout: Some(const { &Layout::of::<MethodDescriptor>() }),
    slots: Slots {
        call: Some(method_call),
        descr_get: Some(method_get),
        ..DESCRIPTOR_SPEC.slots
    },
    getset: &CALLABLE_GETSET,
    methods: &DESCRIPTOR_METHODS,
    ..DESCRIPTOR_SPEC
};

static CLASS_METHOD_SPEC: TypeSpec = TypeSpec {
    name: "classmethod_descriptor",
    layout: Some(const { &Layout::of::<ClassMethodDescriptor>() }),
    slots: Slots {
        call: Some(class_method_call),
        descr_get: Some(class_method_get),
        ..DESCRIPTOR_SPEC.slots
    },
    getset: &CALLABLE_GETSET,
    // Cannot be pickled.
    methods: &[],
    ..DESCRIPTOR_SPEC
};

static WRAPPER_SPEC: TypeSpec = TypeSpec {
    name: "wrapper_descriptor",
    flags: TypeFlags::NO_INSTANTIATION.union(TypeFlags::METHOD_DESCRIPTOR),
    layout: Some(const { &Layout::of::<WrapperDescriptor>() }),
    slots: Slots {
        call: Some(wrapper_call),
        descr_get: Some(wrapper_get),
        ..DESCRIPTOR_SPEC.slots
    },
    getset: &CALLABLE_GETSET,
    methods: &DESCRIPTOR_METHODS,
    ..DESCRIPTOR_SPEC
};

static GETSET_SPEC: TypeSpec = TypeSpec {
    name: "getset_descriptor",
    layout: Some(const { &Layout::of::<GetSetDescriptor>() }),
    slots: Slots {
        descr_get: Some(getset_get),
        descr_set: Some(getset_set),
        ..DESCRIPTOR_SPEC.slots
    },
    getset: &DATA_GETSET,
    // Cannot be pickled.
    methods: &[],
    ..DESCRIPTOR_SPEC
};

static MEMBER_SPEC: TypeSpec = TypeSpec {
    name: "member_descriptor",
    layout: Some(const { &Layout::of::<MemberDescriptor>() }),
    slots: Slots {
        descr_get: Some(member_get),
        descr_set: Some(member_set),
        ..DESCRIPTOR_SPEC.slots
    },
    getset: &DATA_GETSET,
    methods: &DESCRIPTOR_METHODS,
    ..DESCRIPTOR_SPEC
};

/// Defines the types of this file. `object` and `type` come first.
pub fn define() {
    crate::native_function::define();
    types::METHOD_DESCRIPTOR.define(&METHOD_SPEC);
    types::CLASSMETHOD_DESCRIPTOR.define(&CLASS_METHOD_SPEC);
    types::WRAPPER_DESCRIPTOR.define(&WRAPPER_SPEC);
    types::METHOD_WRAPPER.define(&METHOD_WRAPPER_SPEC);
    types::GETSET_DESCRIPTOR.define(&GETSET_SPEC);
    types::MEMBER_DESCRIPTOR.define(&MEMBER_SPEC);
}

// ---- __new__ ----

/// `__new__` of every builtin type that has one: a function bound to the type.
pub static NEW: MethodDef = crate::native::raw(
    "__new__(type, *args, **kwargs)",
    call_new,
    "Create and return a new object.  See help(type) for accurate signature.",
);

/// `T.__new__(cls, *args)`: refuses classes whose instances `T` does not know how to make.
fn call_new(vm: &mut Vm, receiver: &Value, args: Args<'_>) -> Py {
    let ty = receiver.expect::<Type>();
    let name = ty.name();
    let Some(first) = args.pos().first() else {
        return Err(vm.type_error(format!("{name}.__new__(): not enough arguments")));
    };
    let Some(cls) = first.cast::<Type>() else {
        let given = first.type_of().name();
        return Err(vm.type_error(format!(
            "{name}.__new__(X): X is not a type object ({given})"
        )));
    };
    if !cls.is_subtype(ty) {
        let given = cls.name();
        return Err(vm.type_error(format!(
            "{name}.__new__({given}): {given} is not a subtype of {name}"
        )));
    }
    let new = ty.slots().new;
    let mut base = Some(cls.as_static());
    while let Some(at) = base
        && at.is_heap()
    {
        base = at.base();
    }
    if let Some(base) = base
        && base.slots().new.map(|f| f as usize) != new.map(|f| f as usize)
    {
        let (given, better) = (cls.name(), base.name());
        return Err(vm.type_error(format!(
            "{name}.__new__({given}) is not safe, use {better}.__new__()"
        )));
    }
    match new {
        Some(new) => new(vm, cls, args.skip_first()),
        None => Err(vm.type_error(format!("cannot create '{}' instances", cls.full_name()))),
    }
}

// ---- the namespaces of builtin types ----

/// Puts what a builtin type declares into its namespace: slot wrappers, methods, computed attributes, `__doc__`.
pub fn fill_namespace(ty: &TypeObject, spec: &'static TypeSpec) {
    let ty = ty.as_static();
    let namespace = ty.namespace();
    if spec.slots.new.is_some() {
        let new = new_bound_native(&NEW, ty, ty.to_value());
        namespace.set_name(name!("__new__"), new);
    }
    for entry in slot_table::entries() {
        if entry.wrap.is_none() || slot_table::address(entry.slot, &spec.slots) == 0 {
            continue;
        }
        if namespace.contains_name(entry.interned()) {
            continue;
        }
        // Bytes never change, so nobody has to know when a buffer of them is gone.
        if entry.name == "__release_buffer__" && std::ptr::eq(ty, &types::BYTES) {
            continue;
        }
        let unhashable = crate::slot_generic::hash_not_implemented as *const () as usize;
        let value = if entry.name == "__hash__"
            && slot_table::address(entry.slot, &spec.slots) == unhashable
        {
            Value::none()
        } else {
            crate::alloc::new_object(WrapperDescriptor { entry, owner: ty })
        };
        namespace.set_name(entry.interned(), value);
    }
    if spec.slots.compare.is_some()
        && spec.slots.hash.is_none()
        && !std::ptr::eq(ty, &types::OBJECT)
    {
        namespace.set_name(name!("__hash__"), Value::none());
    }
    for def in spec.methods {
        let value = match def.kind {
            MethodKind::Instance => crate::alloc::new_object(MethodDescriptor { def, owner: ty }),
            MethodKind::Class => crate::alloc::new_object(ClassMethodDescriptor { def, owner: ty }),
            MethodKind::Static => {
                crate::method::new_static_method(new_bound_native(def, ty, ty.to_value()))
            }
        };
        namespace.set_name(&immortal_name(def.name()), value);
    }
    for def in spec.getset {
        let descriptor = if def.is_member {
            new_field(def, ty)
        } else {
            new_getset(def, ty)
        };
        namespace.set_name(&immortal_name(def.name), descriptor);
    }
    if !namespace.contains_name(name!("__doc__")) {
        let text = spec
            .doc
            .split_once("\n--\n\n")
            .map_or(spec.doc, |(_, text)| text);
        namespace.set_name(name!("__doc__"), doc_or_none(text));
    }
}
