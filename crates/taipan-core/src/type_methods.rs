//! The type `type`: calling classes, their attributes, and its methods.

use crate::args::Args;
use crate::builtin_types as types;
use crate::class::{self, text_of};
use crate::dict_object::Dict;
use crate::name;
use crate::native::{GetSetDef, MethodDef, f0, f1, getset, getter, raw};
use crate::payload::Layout;
use crate::slot_generic::GENERIC;
use crate::slot_table::{self, Slot};
use crate::slots::{BinaryOp, Slots};
use crate::str_object::{self, is_str, new_str};
use crate::tuple_object::new_tuple;
use crate::type_object::{Type, TypeFlags, TypeObject, TypeSpec};
use crate::value::Value;
use crate::vm::Vm;
use crate::{Py, Raised};

fn this(value: &Value) -> &'static TypeObject {
    value.expect::<Type>().as_static()
}

/// A list of the given items.
pub(crate) fn new_list(vm: &mut Vm, items: Vec<Value>) -> Py {
    vm.call(&types::LIST.to_value(), &[new_tuple(items)])
}

// ---- calling ----

/// `type.__call__`: makes an instance and initialises it.
fn type_call(vm: &mut Vm, callee: &Value, args: Args<'_>) -> Py {
    let ty = this(callee);
    if std::ptr::eq(ty, &types::TYPE) {
        match args.pos() {
            [object] if !args.has_keywords() => return Ok(object.type_of().to_value()),
            [_, _, _] => {}
            _ => return Err(vm.type_error("type() takes 1 or 3 arguments")),
        }
    }
    let new = match ty.slots().new {
        Some(new) if !ty.has(TypeFlags::NO_INSTANTIATION) => new,
        _ => return Err(vm.type_error(format!("cannot create '{}' instances", ty.name()))),
    };
    let object = new(vm, ty, args)?;
    if !object.is_instance(ty) {
        return Ok(object);
    }
    if let Some(init) = object.type_of().slots().init {
        init(vm, &object, args)?;
    }
    Ok(object)
}

fn type_init(vm: &mut Vm, _class: &Value, args: Args<'_>) -> Py<()> {
    match args.pos().len() {
        1 | 3 => Ok(()),
        _ => Err(vm.type_error("type.__init__() takes 1 or 3 arguments")),
    }
}

// ---- attributes ----

/// Attributes of classes: the metaclass's data descriptors, the class and its bases, the rest of the metaclass.
pub fn type_get_attr(vm: &mut Vm, object: &Value, name: &Value) -> Py {
    match type_lookup(vm, object, name)? {
        Some(value) => Ok(value),
        None => Err(vm.no_attribute(object, name)),
    }
}

/// `type_get_attr` without the exception if there is no such attribute.
pub(crate) fn type_lookup(vm: &mut Vm, object: &Value, name: &Value) -> Py<Option<Value>> {
    let ty = this(object);
    let meta = object.type_of();
    let meta_found = meta.lookup(vm, name);
    if let Some(descriptor) = &meta_found {
        let slots = descriptor.type_of().slots();
        if let (Some(get), Some(_)) = (slots.descr_get, slots.descr_set) {
            return get(vm, descriptor, Some(object), meta).map(Some);
        }
    }
    if let Some(found) = ty.lookup(vm, name) {
        return match found.type_of().slots().descr_get {
            Some(get) => get(vm, &found, None, ty).map(Some),
            None => Ok(Some(found)),
        };
    }
    match meta_found {
        Some(descriptor) => match descriptor.type_of().slots().descr_get {
            Some(get) => get(vm, &descriptor, Some(object), meta).map(Some),
            None => Ok(Some(descriptor)),
        },
        None => Ok(None),
    }
}

#[cold]
fn immutable(vm: &mut Vm, ty: &TypeObject, name: &str) -> Raised {
    vm.type_error(format!(
        "cannot set '{name}' attribute of immutable type '{}'",
        ty.name()
    ))
}

fn is_immutable(ty: &TypeObject) -> bool {
    !ty.is_heap() || ty.has(TypeFlags::IMMUTABLE)
}

/// Setting and deleting attributes of classes.
pub fn type_set_attr(vm: &mut Vm, object: &Value, name: &Value, value: Option<&Value>) -> Py<()> {
    let ty = this(object);
    if is_immutable(ty) {
        return Err(immutable(vm, ty, &text_of(name)));
    }
    if let Some(descriptor) = object.type_of().lookup(vm, name)
        && let Some(set) = descriptor.type_of().slots().descr_set
    {
        return set(vm, &descriptor, object, value);
    }
    match store(vm, ty, name, value) {
        Some(old) => drop(old),
        None if value.is_none() => return Err(vm.no_attribute(object, name)),
        None => {}
    }
    Ok(())
}

/// Writes to a class's namespace and to the slots that the name has a say in; gives what was there. Caches hold uncounted
/// references, so they go first; and no other thread is between looking at a cache and using what is in it.
fn store(vm: &mut Vm, ty: &TypeObject, name: &Value, value: Option<&Value>) -> Option<Value> {
    vm.stop_the_world(|vm| {
        ty.changed();
        let old = match value {
            Some(value) => ty.namespace().set_name(name, value.clone()),
            None => ty.namespace().remove_name(name),
        };
        slot_table::update_slots_named(vm, ty, name);
        old
    })
}

// ---- name, module, documentation ----

/// A type's module as `__module__` gives it; `None` if a class has lost it.
pub fn module_of(ty: &TypeObject) -> Option<Value> {
    if ty.is_heap() {
        return ty.namespace().get_name(name!("__module__"));
    }
    Some(match ty.full_name().rsplit_once('.') {
        Some((module, _)) => str_object::name(module),
        None => name!("builtins").clone(),
    })
}

/// A type's `__qualname__`.
pub fn qualname_of(ty: &TypeObject) -> Value {
    ty.qualname()
        .unwrap_or_else(|| str_object::name(ty.short_name()))
}

/// `module.qualname`, without the module if it is `builtins`.
pub fn qualified_name(ty: &TypeObject) -> String {
    let qualname = text_of(&qualname_of(ty));
    match module_of(ty).filter(is_str) {
        Some(module) if text_of(&module) != "builtins" => {
            format!("{}.{qualname}", text_of(&module))
        }
        _ => qualname,
    }
}

/// `module.qualname`, without the module if it is `builtins` or `__main__`: the name in messages that tell classes apart.
pub fn fully_qualified_name(ty: &TypeObject) -> String {
    let name = qualified_name(ty);
    match name.strip_prefix("__main__.") {
        Some(rest) => rest.to_owned(),
        None => name,
    }
}

fn type_repr(_vm: &mut Vm, object: &Value) -> Py {
    Ok(new_str(&format!(
        "<class '{}'>",
        qualified_name(this(object))
    )))
}

/// The checks that setters of special attributes share: the class is mutable, and something is assigned.
fn assigned<'a>(
    vm: &mut Vm,
    ty: &TypeObject,
    name: &str,
    value: Option<&'a Value>,
) -> Py<&'a Value> {
    if is_immutable(ty) {
        return Err(immutable(vm, ty, name));
    }
    match value {
        Some(value) => Ok(value),
        None => Err(vm.type_error(format!(
            "cannot delete '{name}' attribute of immutable type '{}'",
            ty.name()
        ))),
    }
}

fn get_name(_vm: &mut Vm, object: &Value) -> Py {
    Ok(str_object::name(this(object).short_name()))
}

fn set_name(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    let ty = this(object);
    let value = assigned(vm, ty, "__name__", value)?;
    if !is_str(value) {
        let given = value.type_of().name();
        return Err(vm.type_error(format!(
            "can only assign string to {}.__name__, not '{given}'",
            ty.name()
        )));
    }
    let text = class::utf8_of(vm, value)?;
    if text.contains('\0') {
        return Err(vm.value_error("type name must not contain null characters"));
    }
    if ty.qualname().is_none() {
        ty.set_qualname(Some(str_object::name(ty.short_name())));
    }
    vm.stop_the_world(|_| {
        ty.changed();
        ty.set_name(&text);
    });
    Ok(())
}

fn get_qualname(_vm: &mut Vm, object: &Value) -> Py {
    Ok(qualname_of(this(object)))
}

fn set_qualname(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    let ty = this(object);
    let value = assigned(vm, ty, "__qualname__", value)?;
    if !is_str(value) {
        let given = value.type_of().name();
        return Err(vm.type_error(format!(
            "can only assign string to {}.__qualname__, not '{given}'",
            ty.name()
        )));
    }
    drop(vm.stop_the_world(|_| ty.replace_qualname(Some(value.clone()))));
    Ok(())
}

/// `AttributeError` with nothing but the name.
fn bare_attribute_error(vm: &mut Vm, object: &Value, name: &Value) -> Raised {
    vm.attribute_error_for(object, name, &text_of(name))
}

fn get_module(vm: &mut Vm, object: &Value) -> Py {
    match module_of(this(object)) {
        Some(module) => Ok(module),
        None => Err(bare_attribute_error(vm, object, name!("__module__"))),
    }
}

fn set_module(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    let ty = this(object);
    let value = assigned(vm, ty, "__module__", value)?;
    drop(store(vm, ty, name!("__module__"), Some(value)));
    ty.namespace().remove_name(name!("__firstlineno__"));
    Ok(())
}

/// A builtin type's documentation: its first paragraph may be a signature, as in `"int(x)\n--\n\nText"`.
fn split_doc(doc: &str) -> (Option<&str>, &str) {
    match doc.split_once("\n--\n\n") {
        Some((signature, text)) => (signature.find('(').map(|at| &signature[at..]), text),
        None => (None, doc),
    }
}

fn get_doc(vm: &mut Vm, object: &Value) -> Py {
    let ty = this(object);
    if let (false, Some(spec)) = (ty.is_heap(), ty.spec()) {
        let text = split_doc(spec.doc).1;
        return Ok(if text.is_empty() {
            Value::none()
        } else {
            new_str(text)
        });
    }
    let Some(found) = ty.lookup(vm, name!("__doc__")) else {
        return Ok(Value::none());
    };
    match found.type_of().slots().descr_get {
        Some(get) => get(vm, &found, None, ty),
        None => Ok(found),
    }
}

fn set_doc(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    let ty = this(object);
    let value = assigned(vm, ty, "__doc__", value)?;
    drop(store(vm, ty, name!("__doc__"), Some(value)));
    Ok(())
}

fn get_text_signature(_vm: &mut Vm, object: &Value) -> Py {
    let signature = this(object).spec().and_then(|spec| split_doc(spec.doc).0);
    Ok(signature.map_or_else(Value::none, new_str))
}

// ---- bases ----

fn get_bases(_vm: &mut Vm, object: &Value) -> Py {
    Ok(new_tuple(
        this(object).bases().iter().map(|base| base.to_value()),
    ))
}

fn set_bases(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    let ty = this(object);
    let value = assigned(vm, ty, "__bases__", value)?.clone();
    class::set_bases(vm, ty, &value)
}

fn get_base(_vm: &mut Vm, object: &Value) -> Py {
    Ok(this(object)
        .base()
        .map_or_else(Value::none, |base| base.to_value()))
}

fn get_mro(_vm: &mut Vm, object: &Value) -> Py {
    let ty = this(object);
    if ty.has(TypeFlags::MRO_PENDING) {
        return Ok(Value::none());
    }
    Ok(new_tuple(ty.mro().iter().map(|ty| ty.to_value())))
}

fn get_dict(vm: &mut Vm, object: &Value) -> Py {
    let namespace = this(object).namespace().to_value();
    (vm.interpreter().hooks.mapping_proxy)(vm, &namespace)
}

// ---- abstract classes, annotations, type parameters ----

fn get_abstract_methods(vm: &mut Vm, object: &Value) -> Py {
    let name = name!("__abstractmethods__");
    let found = if std::ptr::eq(this(object), &types::TYPE) {
        None
    } else {
        this(object).namespace().get_name(name)
    };
    match found {
        Some(methods) => Ok(methods),
        None => Err(bare_attribute_error(vm, object, name)),
    }
}

fn set_abstract_methods(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    let ty = this(object);
    let name = name!("__abstractmethods__");
    let any = match value {
        Some(value) => vm.truth(value)?,
        None => false,
    };
    if store(vm, ty, name, value).is_none() && value.is_none() {
        return Err(bare_attribute_error(vm, object, name));
    }
    let mut flags = ty.flags();
    flags.set(TypeFlags::ABSTRACT, any);
    ty.set_flags(flags);
    Ok(())
}

#[cold]
fn no_builtin_attribute(vm: &mut Vm, object: &Value, name: &Value) -> Raised {
    vm.no_attribute(object, name)
}

/// `__annotations__`: what `__annotate__` gives, evaluated once.
fn get_annotations(vm: &mut Vm, object: &Value) -> Py {
    let ty = this(object);
    if !ty.is_heap() {
        return Err(no_builtin_attribute(vm, object, name!("__annotations__")));
    }
    for name in [name!("__annotations__"), name!("__annotations_cache__")] {
        if let Some(found) = ty.namespace().get_name(name) {
            return match found.type_of().slots().descr_get {
                Some(get) => get(vm, &found, None, ty),
                None => Ok(found),
            };
        }
    }
    let annotate = get_annotate(vm, object)?;
    let annotations = if vm.is_callable(&annotate) {
        let annotations = vm.call(&annotate, &[Value::from_i32(1)])?;
        if !annotations.is_instance(&types::DICT) {
            let given = annotations.type_of().name();
            return Err(vm.type_error(format!("__annotate__ returned non-dict of type '{given}'")));
        }
        annotations
    } else {
        crate::dict_object::new_dict()
    };
    drop(store(
        vm,
        ty,
        name!("__annotations_cache__"),
        Some(&annotations),
    ));
    Ok(annotations)
}

fn set_annotations(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    let ty = this(object);
    if is_immutable(ty) {
        return Err(immutable(vm, ty, "__annotations__"));
    }
    let plain = ty.namespace().contains_name(name!("__annotations__"));
    let name = if plain {
        name!("__annotations__")
    } else {
        name!("__annotations_cache__")
    };
    let old = store(vm, ty, name, value);
    if value.is_none() && old.is_none() {
        return Err(bare_attribute_error(vm, object, name!("__annotations__")));
    }
    drop(store(vm, ty, name!("__annotate_func__"), None));
    drop(store(vm, ty, name!("__annotate__"), None));
    Ok(())
}

fn get_annotate(vm: &mut Vm, object: &Value) -> Py {
    let ty = this(object);
    if !ty.is_heap() {
        return Err(no_builtin_attribute(vm, object, name!("__annotate__")));
    }
    // What a program put there by that name comes first.
    for name in [name!("__annotate__"), name!("__annotate_func__")] {
        if let Some(found) = ty.namespace().get_name(name) {
            return match found.type_of().slots().descr_get {
                Some(get) => get(vm, &found, None, ty),
                None => Ok(found),
            };
        }
    }
    drop(store(
        vm,
        ty,
        name!("__annotate_func__"),
        Some(&Value::none()),
    ));
    Ok(Value::none())
}

fn set_annotate(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    let ty = this(object);
    let Some(value) = value else {
        return Err(vm.type_error("cannot delete __annotate__ attribute"));
    };
    if is_immutable(ty) {
        return Err(immutable(vm, ty, "__annotate__"));
    }
    if !value.is_none() && !vm.is_callable(value) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    drop(store(vm, ty, name!("__annotate_func__"), Some(value)));
    if !value.is_none() {
        drop(store(vm, ty, name!("__annotations_cache__"), None));
        drop(store(vm, ty, name!("__annotations__"), None));
    }
    Ok(())
}

fn get_type_params(_vm: &mut Vm, object: &Value) -> Py {
    let ty = this(object);
    let found = if ty.is_heap() {
        ty.namespace().get_name(name!("__type_params__"))
    } else {
        None
    };
    Ok(found.unwrap_or_else(crate::tuple_object::empty_tuple))
}

fn set_type_params(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    let ty = this(object);
    let value = assigned(vm, ty, "__type_params__", value)?;
    drop(store(vm, ty, name!("__type_params__"), Some(value)));
    Ok(())
}

// ---- numbers about a type ----

/// The flags as C programs number them.
fn get_flags(_vm: &mut Vm, object: &Value) -> Py {
    const BITS: [(TypeFlags, u32); 17] = [
        (TypeFlags::DICT, 4),
        (TypeFlags::SEQUENCE, 5),
        (TypeFlags::MAPPING, 6),
        (TypeFlags::NO_INSTANTIATION, 7),
        (TypeFlags::HEAP, 9),
        (TypeFlags::BASE, 10),
        (TypeFlags::METHOD_DESCRIPTOR, 17),
        (TypeFlags::ABSTRACT, 20),
        (TypeFlags::MATCH_SELF, 22),
        (TypeFlags::INT_SUBCLASS, 24),
        (TypeFlags::LIST_SUBCLASS, 25),
        (TypeFlags::TUPLE_SUBCLASS, 26),
        (TypeFlags::BYTES_SUBCLASS, 27),
        (TypeFlags::STR_SUBCLASS, 28),
        (TypeFlags::DICT_SUBCLASS, 29),
        (TypeFlags::EXCEPTION_SUBCLASS, 30),
        (TypeFlags::TYPE_SUBCLASS, 31),
    ];
    let ty = this(object);
    // "Ready", and what every type of ours is.
    let mut bits: u64 = 1 << 12;
    for (flag, bit) in BITS {
        bits |= (ty.has(flag) as u64) << bit;
    }
    let plain = std::ptr::eq(ty.layout(), &crate::payload::EMPTY_LAYOUT) && ty.fixed_slots() == 0;
    bits |= (ty.is_heap() && ty.has(TypeFlags::DICT) && plain) as u64 * (1 << 2);
    // CPython's modules make their types on the heap, and `copyreg` tells by it which base keeps data of its own.
    bits |= (ty.full_name().contains('.') as u64) << 9;
    bits |= (is_immutable(ty) as u64) << 8;
    bits |= (ty.instances_collected() as u64) << 14;
    Ok(Value::int(bits as i64))
}

fn get_basic_size(_vm: &mut Vm, object: &Value) -> Py {
    let ty = this(object);
    Ok(Value::int(
        (size_of::<crate::header::Header>() + ty.layout().size + ty.storage_size()) as i64,
    ))
}

fn get_item_size(_vm: &mut Vm, object: &Value) -> Py {
    Ok(Value::int(if this(object).layout().variable {
        8
    } else {
        0
    }))
}

fn get_dict_offset(_vm: &mut Vm, object: &Value) -> Py {
    Ok(Value::int(-(this(object).has(TypeFlags::DICT) as i64)))
}

fn get_weakref_offset(_vm: &mut Vm, object: &Value) -> Py {
    Ok(Value::int(this(object).has(TypeFlags::WEAKREF) as i64))
}

// ---- methods ----

fn type_mro(vm: &mut Vm, object: &Value) -> Py {
    let ty = this(object);
    let bases = ty.bases().to_vec();
    let mro = class::linearise(vm, ty, &bases)?;
    new_list(vm, mro.iter().map(|ty| ty.to_value()).collect())
}

fn type_subclasses(vm: &mut Vm, object: &Value) -> Py {
    let subclasses = this(object).subclasses();
    new_list(vm, subclasses)
}

fn type_prepare(_vm: &mut Vm, _class: &Value, _args: Args<'_>) -> Py {
    Ok(crate::dict_object::new_dict())
}

fn type_instance_check(vm: &mut Vm, class: &Value, object: &Value) -> Py {
    vm.instance_by_mro(object, class).map(Value::bool)
}

fn type_subclass_check(vm: &mut Vm, class: &Value, sub: &Value) -> Py {
    vm.subclass_by_mro(sub, class).map(Value::bool)
}

/// The names in the namespaces of a class and all its bases.
fn type_dir(vm: &mut Vm, object: &Value) -> Py {
    let names = crate::dict_object::new_dict();
    merge_class_names(vm, names.expect::<Dict>(), this(object))?;
    let keys = names.expect::<Dict>().keys();
    new_list(vm, keys)
}

/// Adds the attribute names of a class and its bases to `names`.
pub(crate) fn merge_class_names(
    vm: &mut Vm,
    names: &crate::header::Obj<Dict>,
    ty: &TypeObject,
) -> Py<()> {
    for class in ty.mro().to_vec() {
        for key in class.namespace().keys() {
            names.insert(vm, &key, Value::none())?;
        }
    }
    Ok(())
}

fn type_sizeof(_vm: &mut Vm, object: &Value) -> Py {
    let own = crate::alloc::usable_size(object).max(size_of::<TypeObject>());
    Ok(Value::int(own as i64))
}

/// `X | Y`: made by the type of unions, once that is defined.
fn type_or(vm: &mut Vm, left: &Value, right: &Value) -> Py {
    match types::UNION.slots().binary[BinaryOp::Or as usize] {
        Some(or) => or(vm, left, right),
        None => Ok(Value::not_implemented()),
    }
}

/// Does the class inherit `__new__` (`Slot::New`) or `__init__` from `owner`?
pub(crate) fn has_slot_of(ty: &TypeObject, slot: Slot, owner: &TypeObject) -> bool {
    slot_table::address(slot, ty.slots()) == slot_table::address(slot, owner.slots())
}

/// Is the slot filled by Python code?
pub fn is_python_slot(ty: &TypeObject, slot: Slot) -> bool {
    slot_table::address(slot, ty.slots()) == slot_table::address(slot, &GENERIC)
}

static METHODS: [MethodDef; 7] = [
    f0(
        "mro(self, /)",
        type_mro,
        "Return a type's method resolution order.",
    ),
    f0(
        "__subclasses__(self, /)",
        type_subclasses,
        "Return a list of immediate subclasses.",
    ),
    raw(
        "__prepare__(cls, name, bases, /, **kwds)",
        type_prepare,
        "Create the namespace for the class statement",
    )
    .class_method(),
    f1(
        "__instancecheck__(self, instance, /)",
        type_instance_check,
        "Check if an object is an instance.",
    ),
    f1(
        "__subclasscheck__(self, subclass, /)",
        type_subclass_check,
        "Check if a class is a subclass.",
    ),
    f0(
        "__dir__(self, /)",
        type_dir,
        "Specialized __dir__ implementation for types.",
    ),
    f0(
        "__sizeof__(self, /)",
        type_sizeof,
        "Return memory consumption of the type object.",
    ),
];

static GETSET: [GetSetDef; 18] = [
    getter("__basicsize__", get_basic_size, "").member(),
    getter("__itemsize__", get_item_size, "").member(),
    getter("__flags__", get_flags, "").member(),
    getter("__weakrefoffset__", get_weakref_offset, "").member(),
    getter("__base__", get_base, "").member(),
    getter("__dictoffset__", get_dict_offset, "").member(),
    getset("__name__", get_name, set_name, ""),
    getset("__qualname__", get_qualname, set_qualname, ""),
    getset("__bases__", get_bases, set_bases, ""),
    getter("__mro__", get_mro, ""),
    getset("__module__", get_module, set_module, ""),
    getset(
        "__abstractmethods__",
        get_abstract_methods,
        set_abstract_methods,
        "",
    ),
    getter("__dict__", get_dict, ""),
    getset("__doc__", get_doc, set_doc, ""),
    getter("__text_signature__", get_text_signature, ""),
    getset("__annotations__", get_annotations, set_annotations, ""),
    getset("__annotate__", get_annotate, set_annotate, ""),
    getset("__type_params__", get_type_params, set_type_params, ""),
];

static SPEC: TypeSpec = TypeSpec {
    name: "type",
    flags: TypeFlags::BASE
        .union(TypeFlags::WEAKREF)
        .union(TypeFlags::TYPE_SUBCLASS),
    layout: Some(const { &Layout::of::<Type>() }),
    slots: Slots {
        new: Some(class::type_new),
        init: Some(type_init),
        call: Some(type_call),
        repr: Some(type_repr),
        get_attr: Some(type_get_attr),
        set_attr: Some(type_set_attr),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, type_or),
    methods: &METHODS,
    getset: &GETSET,
    doc: "type(object) -> the object's type\ntype(name, bases, dict, **kwds) -> a new type",
    ..TypeSpec::DEFAULT
};

/// Defines `type`; `object` comes first.
pub fn define() {
    types::TYPE.define(&SPEC);
}
