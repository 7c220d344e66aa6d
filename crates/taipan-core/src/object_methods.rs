//! The type `object`: what every object can do.

use crate::args::Args;
use crate::builtin_types as types;
use crate::class::{self, builtin, text_of};
use crate::dict_object::Dict;
use crate::header::Header;
use crate::instance;
use crate::name;
use crate::native::{GetSetDef, MethodDef, f0, f1, getset};
use crate::payload::EMPTY_LAYOUT;
use crate::protocol::attribute::{generic_get_attr, generic_set_attr};
use crate::slot_table::Slot;
use crate::slots::{CompareOp, Slots};
use crate::str_object::{is_str, new_str};
use crate::tuple_object::{self, new_tuple};
use crate::type_methods::{has_slot_of, merge_class_names, new_list, qualified_name};
use crate::type_object::{Type, TypeFlags, TypeObject, TypeSpec};
use crate::value::Value;
use crate::vm::Vm;
use crate::{Py, Raised};

// ---- making ----

fn object_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if !args.is_empty() {
        if !has_slot_of(cls, Slot::New, &types::OBJECT) {
            return Err(vm.type_error(
                "object.__new__() takes exactly one argument (the type to instantiate)",
            ));
        }
        if has_slot_of(cls, Slot::Init, &types::OBJECT) {
            return Err(vm.type_error(format!("{}() takes no arguments", cls.name())));
        }
    }
    if cls.has(TypeFlags::ABSTRACT) {
        return Err(abstract_class(vm, cls));
    }
    if !std::ptr::eq(cls.layout(), &EMPTY_LAYOUT) {
        return Err(vm.type_error(format!("cannot create '{}' instances", cls.full_name())));
    }
    Ok(crate::alloc::new_instance(cls, crate::payload::Empty))
}

#[cold]
fn abstract_class(vm: &mut Vm, cls: &TypeObject) -> Raised {
    let methods = match vm.get_attr(&cls.to_value(), name!("__abstractmethods__")) {
        Ok(methods) => methods,
        Err(raised) => return raised,
    };
    let mut names: Vec<String> = match vm.to_vec(&methods) {
        Ok(names) => names.iter().map(text_of).collect(),
        Err(raised) => return raised,
    };
    names.sort();
    let plural = if names.len() == 1 { "" } else { "s" };
    vm.type_error(format!(
        "Can't instantiate abstract class {} without an implementation for abstract method{plural} '{}'",
        cls.name(),
        names.join("', '")
    ))
}

fn object_init(vm: &mut Vm, object: &Value, args: Args<'_>) -> Py<()> {
    if args.is_empty() {
        return Ok(());
    }
    let ty = object.type_of();
    if !has_slot_of(ty, Slot::Init, &types::OBJECT) {
        return Err(vm.type_error(
            "object.__init__() takes exactly one argument (the instance to initialize)",
        ));
    }
    if has_slot_of(ty, Slot::New, &types::OBJECT) {
        let name = ty.name();
        let message =
            format!("{name}.__init__() takes exactly one argument (the instance to initialize)");
        return Err(vm.type_error(message));
    }
    Ok(())
}

// ---- text, comparison, hash ----

fn object_repr(_vm: &mut Vm, object: &Value) -> Py {
    Ok(new_str(&format!(
        "<{} object at {:#x}>",
        qualified_name(object.type_of()),
        object.bits()
    )))
}

fn object_str(vm: &mut Vm, object: &Value) -> Py {
    vm.repr(object)
}

/// Objects equal themselves; `!=` is the opposite of the type's `==`.
fn object_compare(vm: &mut Vm, left: &Value, right: &Value, op: CompareOp) -> Py {
    match op {
        CompareOp::Eq if left.is(right) => Ok(Value::bool(true)),
        CompareOp::Ne => {
            let Some(compare) = left.type_of().slots().compare else {
                return Ok(Value::not_implemented());
            };
            let equal = compare(vm, left, right, CompareOp::Eq)?;
            if equal.is_not_implemented() {
                return Ok(equal);
            }
            Ok(Value::bool(!vm.truth(&equal)?))
        }
        _ => Ok(Value::not_implemented()),
    }
}

/// The hash by identity.
pub fn identity_hash(object: &Value) -> i64 {
    match object.bits().rotate_right(4) as i64 {
        -1 => -2,
        hash => hash,
    }
}

fn object_hash(_vm: &mut Vm, object: &Value) -> Py<i64> {
    Ok(identity_hash(object))
}

fn object_format(vm: &mut Vm, object: &Value, spec: &Value) -> Py {
    if !is_str(spec) {
        let given = spec.type_of().name();
        return Err(vm.type_error(format!("__format__() argument must be str, not {given}")));
    }
    if !text_of(spec).is_empty() {
        let name = object.type_of().name();
        return Err(vm.type_error(format!(
            "unsupported format string passed to {name}.__format__"
        )));
    }
    vm.str(object)
}

// ---- class ----

fn get_class(_vm: &mut Vm, object: &Value) -> Py {
    Ok(object.type_of().to_value())
}

fn init_subclass(_vm: &mut Vm, _class: &Value) -> Py {
    Ok(Value::none())
}

fn subclass_hook(_vm: &mut Vm, _class: &Value, _sub: &Value) -> Py {
    Ok(Value::not_implemented())
}

/// Names of the object's own attributes and those of its class.
fn object_dir(vm: &mut Vm, object: &Value) -> Py {
    let names = crate::dict_object::new_dict();
    let target = names.expect::<Dict>();
    if let Some(own) = vm.get_attr_opt(object, name!("__dict__"))?
        && let Some(own) = crate::dict_object::dict_of(&own)
    {
        for key in own.keys() {
            target.insert(vm, &key, Value::none())?;
        }
    }
    if let Some(class) = vm.get_attr_opt(object, name!("__class__"))?
        && let Some(ty) = class.cast::<Type>()
    {
        merge_class_names(vm, target, ty)?;
    }
    new_list(vm, target.keys())
}

fn object_sizeof(_vm: &mut Vm, object: &Value) -> Py {
    let Some(header) = object.header() else {
        return Ok(Value::int(0));
    };
    let layout = object.type_of().layout();
    let payload = (header as *const Header).wrapping_add(1).cast::<u8>();
    // SAFETY: the payload of a live object of this layout.
    let outside = unsafe { (layout.outside_size)(payload) };
    let own = crate::alloc::usable_size(object).max(size_of::<Header>() + layout.size);
    Ok(Value::int((own + outside) as i64))
}

// ---- pickling ----

fn copyreg(vm: &mut Vm) -> Py {
    let import = builtin(vm, name!("__import__"))?;
    vm.call(&import, &[name!("copyreg").clone()])
}

/// Is the object's special method the one that `object` itself has?
fn inherits_from_object(vm: &mut Vm, object: &Value, name: &Value) -> bool {
    let own = types::OBJECT.namespace().get_name(name);
    match (vm.lookup_special(object, name), own) {
        (Some(found), Some(own)) => found.is(&own),
        _ => false,
    }
}

fn object_reduce(vm: &mut Vm, object: &Value) -> Py {
    reduce(vm, object, 0)
}

fn object_reduce_ex(vm: &mut Vm, object: &Value, protocol: &Value) -> Py {
    let protocol = vm.index_i64(protocol)?;
    if !inherits_from_object(vm, object, name!("__reduce__")) {
        return vm.call_method(object, name!("__reduce__"), &[]);
    }
    reduce(vm, object, protocol)
}

fn reduce(vm: &mut Vm, object: &Value, protocol: i64) -> Py {
    if protocol >= 2 {
        return reduce_newobj(vm, object);
    }
    let copyreg = copyreg(vm)?;
    vm.call_method(
        &copyreg,
        name!("_reduce_ex"),
        &[object.clone(), Value::int(protocol)],
    )
}

/// What `__getnewargs_ex__` or `__getnewargs__` give.
fn new_arguments(vm: &mut Vm, object: &Value) -> Py<(Option<Value>, Option<Value>)> {
    if let Some(pair) = vm.call_special(object, name!("__getnewargs_ex__"), &[])? {
        let Some(items) = tuple_object::items(&pair) else {
            let given = pair.type_of().name();
            return Err(vm.type_error(format!(
                "__getnewargs_ex__ should return a tuple, not '{given}'"
            )));
        };
        let [args, keywords] = items else {
            let message = format!(
                "__getnewargs_ex__ should return a tuple of length 2, not {}",
                items.len()
            );
            return Err(vm.value_error(message));
        };
        if tuple_object::items(args).is_none() {
            let message = format!(
                "first item of the tuple returned by __getnewargs_ex__ must be a tuple, not '{}'",
                args.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        if crate::dict_object::dict_of(keywords).is_none() {
            let message = format!(
                "second item of the tuple returned by __getnewargs_ex__ must be a dict, not '{}'",
                keywords.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        return Ok((Some(args.clone()), Some(keywords.clone())));
    }
    if let Some(args) = vm.call_special(object, name!("__getnewargs__"), &[])? {
        if tuple_object::items(&args).is_none() {
            let given = args.type_of().name();
            return Err(vm.type_error(format!(
                "__getnewargs__ should return a tuple, not '{given}'"
            )));
        }
        return Ok((Some(args), None));
    }
    Ok((None, None))
}

/// `(copyreg.__newobj__, (cls, *args), state, list items, dict items)`
fn reduce_newobj(vm: &mut Vm, object: &Value) -> Py {
    let ty = object.type_of();
    if ty.slots().new.is_none() || ty.has(TypeFlags::NO_INSTANTIATION) {
        return Err(vm.type_error(format!("cannot pickle '{}' object", ty.name())));
    }
    let class = ty.to_value();
    let (args, keywords) = new_arguments(vm, object)?;
    let copyreg = copyreg(vm)?;
    let has_keywords = keywords
        .as_ref()
        .and_then(crate::dict_object::dict_of)
        .is_some_and(|dict| !dict.is_empty());
    let (maker, maker_args) = match (&args, keywords) {
        (Some(args), Some(keywords)) if has_keywords => (
            name!("__newobj_ex__"),
            new_tuple([class, args.clone(), keywords]),
        ),
        _ => {
            let mut row = vec![class];
            row.extend(
                args.as_ref()
                    .and_then(|args| tuple_object::items(args))
                    .unwrap_or(&[])
                    .iter()
                    .cloned(),
            );
            (name!("__newobj__"), new_tuple(row))
        }
    };
    let maker = vm.get_attr(&copyreg, maker)?;
    let is_list = ty.has(TypeFlags::LIST_SUBCLASS);
    let is_dict = ty.has(TypeFlags::DICT_SUBCLASS);
    let state = if inherits_from_object(vm, object, name!("__getstate__")) {
        default_state(vm, object, args.is_none() && !is_list && !is_dict)?
    } else {
        vm.call_method(object, name!("__getstate__"), &[])?
    };
    let list_items = if is_list {
        vm.iter(object)?
    } else {
        Value::none()
    };
    let dict_items = if is_dict {
        let items = vm.call_method(object, name!("items"), &[])?;
        vm.iter(&items)?
    } else {
        Value::none()
    };
    Ok(new_tuple([
        maker, maker_args, state, list_items, dict_items,
    ]))
}

fn object_getstate(vm: &mut Vm, object: &Value) -> Py {
    default_state(vm, object, false)
}

/// The `__dict__`, or `None` if there is nothing in it; with `__slots__`, a pair of that and their values. `required`: an object
/// with data that this does not cover cannot be pickled.
fn default_state(vm: &mut Vm, object: &Value, required: bool) -> Py {
    let ty = object.type_of();
    if required && !std::ptr::eq(ty.layout(), &EMPTY_LAYOUT) {
        return Err(vm.type_error(format!("cannot pickle '{}' object", ty.name())));
    }
    let mut state = Value::none();
    if instance::has_dict(object) {
        let dict = instance::dict(object);
        if crate::dict_object::dict_of(&dict).is_some_and(|dict| !dict.is_empty()) {
            state = dict;
        }
    }
    let names = match ty.namespace().get_name(name!("__slotnames__")) {
        Some(names) => names,
        None if ty.fixed_slots() == 0 => return Ok(state),
        None => {
            let copyreg = copyreg(vm)?;
            vm.call_method(&copyreg, name!("_slotnames"), &[ty.to_value()])?
        }
    };
    let values = crate::dict_object::new_dict();
    for name in vm.to_vec(&names)? {
        if let Some(value) = vm.get_attr_opt(object, &name)? {
            values.expect::<Dict>().insert(vm, &name, value)?;
        }
    }
    if values.expect::<Dict>().is_empty() {
        return Ok(state);
    }
    Ok(new_tuple([state, values]))
}

static METHODS: [MethodDef; 8] = [
    f1("__reduce_ex__(self, protocol, /)", object_reduce_ex, "Helper for pickle."),
    f0("__reduce__(self, /)", object_reduce, "Helper for pickle."),
    f0("__getstate__(self, /)", object_getstate, "Helper for pickle."),
    f1(
        "__subclasshook__(type, object, /)",
        subclass_hook,
        "Lets abstract classes decide what issubclass() gives for them.\n\n\
         It returns True, False or NotImplemented, the last of which means the usual algorithm.",
    )
    .class_method(),
    f0(
        "__init_subclass__(type)",
        init_subclass,
        "This method is called when a class is subclassed.\n\nThe default implementation does nothing.",
    )
    .class_method(),
    f1("__format__(self, format_spec, /)", object_format, "Default object formatter."),
    f0("__sizeof__(self, /)", object_sizeof, "Size of object in memory, in bytes."),
    f0("__dir__(self, /)", object_dir, "Default dir() implementation."),
];

static GETSET: [GetSetDef; 1] = [getset(
    "__class__",
    get_class,
    class::set_class,
    "the object's class",
)];

static SPEC: TypeSpec = TypeSpec {
    name: "object",
    flags: TypeFlags::BASE,
    slots: Slots {
        new: Some(object_new),
        init: Some(object_init),
        repr: Some(object_repr),
        str: Some(object_str),
        hash: Some(object_hash),
        compare: Some(object_compare),
        get_attr: Some(generic_get_attr),
        set_attr: Some(generic_set_attr),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "object()\n--\n\nThe base class of the class hierarchy.\n\n\
          When called, it accepts no arguments and returns a new featureless\n\
          instance that has no instance attributes and cannot be given any.",
    ..TypeSpec::DEFAULT
};

/// Defines `object`, before all other types.
pub fn define() {
    types::OBJECT.define(&SPEC);
}
