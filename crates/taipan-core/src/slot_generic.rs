//! The slot functions of classes that define special methods in Python: each looks its method up on the type and calls it.

use crate::args::Args;
use crate::buffer::Buffer;
use crate::builtin_types as types;
use crate::name;
use crate::protocol::attribute::{generic_get_attr, generic_lookup};
use crate::slot_table::{self, Slot};
use crate::slots::{BINARY_OPS, BinaryFn, BinaryOp, CompareOp, GetAttrFn, Slots};
use crate::str_object::immortal_name;
use crate::type_object::{TypeFlags, TypeObject};
use crate::value::Value;
use crate::vm::Vm;
use crate::{Py, Raised};
use smallvec::SmallVec;
use std::sync::OnceLock;

/// The generic function of every slot that Python code can define.
pub static GENERIC: Slots = Slots {
    new: Some(slot_new),
    init: Some(slot_init),
    finalize: Some(slot_finalize),
    call: Some(slot_call),
    repr: Some(slot_repr),
    str: Some(slot_str),
    hash: Some(slot_hash),
    compare: Some(slot_compare),
    get_attr: Some(slot_get_attr),
    set_attr: Some(slot_set_attr),
    descr_get: Some(slot_descr_get),
    descr_set: Some(slot_descr_set),
    iter: Some(slot_iter),
    next: Some(slot_next),
    await_: Some(slot_await),
    aiter: Some(slot_aiter),
    anext: Some(slot_anext),
    bool: Some(slot_bool),
    len: Some(slot_len),
    contains: Some(slot_contains),
    get_item: Some(slot_get_item),
    set_item: Some(slot_set_item),
    concat: None,
    repeat: None,
    inplace_concat: None,
    inplace_repeat: None,
    int: Some(slot_int),
    float: Some(slot_float),
    index: Some(slot_index),
    negative: Some(slot_negative),
    positive: Some(slot_positive),
    absolute: Some(slot_absolute),
    invert: Some(slot_invert),
    binary: BINARY,
    inplace: INPLACE,
    power: Some(slot_power),
    inplace_power: Some(slot_inplace_power),
    buffer: Some(slot_buffer),
};

const BINARY: [Option<BinaryFn>; BINARY_OPS] = [
    Some(slot_binary::<0>),
    Some(slot_binary::<1>),
    Some(slot_binary::<2>),
    Some(slot_binary::<3>),
    Some(slot_binary::<4>),
    Some(slot_binary::<5>),
    Some(slot_binary::<6>),
    Some(slot_binary::<7>),
    Some(slot_binary::<8>),
    Some(slot_binary::<9>),
    Some(slot_binary::<10>),
    Some(slot_binary::<11>),
    Some(slot_binary::<12>),
];

const INPLACE: [Option<BinaryFn>; BINARY_OPS] = [
    Some(slot_inplace::<0>),
    Some(slot_inplace::<1>),
    Some(slot_inplace::<2>),
    Some(slot_inplace::<3>),
    Some(slot_inplace::<4>),
    Some(slot_inplace::<5>),
    Some(slot_inplace::<6>),
    Some(slot_inplace::<7>),
    Some(slot_inplace::<8>),
    Some(slot_inplace::<9>),
    Some(slot_inplace::<10>),
    Some(slot_inplace::<11>),
    None,
];

/// The three method names of a binary operator.
struct OperatorNames {
    forward: Value,
    reflected: Value,
    inplace: Value,
}

/// Stems of the names, in the order of [`BinaryOp`].
pub const OPERATOR_STEMS: [&str; BINARY_OPS] = [
    "add", "sub", "mul", "truediv", "floordiv", "mod", "matmul", "lshift", "rshift", "and", "or",
    "xor", "divmod",
];

fn operator_names(op: usize) -> &'static OperatorNames {
    static NAMES: OnceLock<Vec<OperatorNames>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        OPERATOR_STEMS
            .iter()
            .map(|stem| OperatorNames {
                forward: immortal_name(&format!("__{stem}__")),
                reflected: immortal_name(&format!("__r{stem}__")),
                inplace: immortal_name(&format!("__i{stem}__")),
            })
            .collect()
    });
    &names[op]
}

/// Looks up a special method and calls it with any arguments; `None` if the type has none.
fn call_special_args(
    vm: &mut Vm,
    object: &Value,
    name: &Value,
    args: Args<'_>,
) -> Py<Option<Value>> {
    let Some(method) = vm.lookup_special(object, name) else {
        return Ok(None);
    };
    if method.type_of().has(TypeFlags::METHOD_DESCRIPTOR) {
        let mut row: SmallVec<[Value; 6]> = SmallVec::with_capacity(args.all().len() + 1);
        row.push(object.clone());
        row.extend(args.all().iter().cloned());
        return vm
            .call_args(&method, Args::new(&row, args.names()))
            .map(Some);
    }
    let bound = bind_special(vm, &method, object)?;
    vm.call_args(&bound, args).map(Some)
}

/// Binds what was found on the type of `object` to it.
fn bind_special(vm: &mut Vm, method: &Value, object: &Value) -> Py {
    match method.type_of().slots().descr_get {
        Some(get) => {
            let ty = object.type_of().as_static();
            get(vm, method, Some(object), ty)
        }
        None => Ok(method.clone()),
    }
}

/// Calls a special method that must be there: its absence is an `AttributeError` with its name.
fn call_required(vm: &mut Vm, object: &Value, name: &Value, args: &[Value]) -> Py {
    match vm.call_special(object, name, args)? {
        Some(value) => Ok(value),
        None => Err(vm.raise_with(&types::ATTRIBUTE_ERROR, std::slice::from_ref(name))),
    }
}

/// Calls a special method of an operator; a missing one does not know the operand.
fn call_maybe(vm: &mut Vm, object: &Value, name: &Value, args: &[Value]) -> Py {
    Ok(vm
        .call_special(object, name, args)?
        .unwrap_or_else(Value::not_implemented))
}

macro_rules! unary_slots {
    ($($function:ident $name:literal)*) => {
        $(fn $function(vm: &mut Vm, object: &Value) -> Py {
            call_required(vm, object, name!($name), &[])
        })*
    };
}

unary_slots! {
    slot_repr "__repr__"
    slot_str "__str__"
    slot_await "__await__"
    slot_aiter "__aiter__"
    slot_anext "__anext__"
    slot_int "__int__"
    slot_float "__float__"
    slot_index "__index__"
    slot_negative "__neg__"
    slot_positive "__pos__"
    slot_absolute "__abs__"
    slot_invert "__invert__"
}

// ---- life ----

fn slot_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let class = cls.to_value();
    let new = vm.get_attr(&class, name!("__new__"))?;
    let mut row: SmallVec<[Value; 6]> = SmallVec::with_capacity(args.all().len() + 1);
    row.push(class);
    row.extend(args.all().iter().cloned());
    vm.call_args(&new, Args::new(&row, args.names()))
}

fn slot_init(vm: &mut Vm, object: &Value, args: Args<'_>) -> Py<()> {
    let Some(result) = call_special_args(vm, object, name!("__init__"), args)? else {
        return Err(vm.raise_with(
            &types::ATTRIBUTE_ERROR,
            std::slice::from_ref(name!("__init__")),
        ));
    };
    if !result.is_none() {
        let message = format!(
            "__init__() should return None, not '{}'",
            result.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    Ok(())
}

fn slot_finalize(vm: &mut Vm, object: &Value) {
    let Some(method) = vm.lookup_special(object, name!("__del__")) else {
        return;
    };
    let suspended = crate::weakref::park_pending(vm);
    if let Err(raised) = vm.call_unbound(&method, object, &[]) {
        vm.unraisable_in(
            raised,
            "Exception ignored while calling deallocator",
            &method,
        );
    }
    crate::weakref::unpark_pending(vm, suspended);
}

fn slot_call(vm: &mut Vm, object: &Value, args: Args<'_>) -> Py {
    match call_special_args(vm, object, name!("__call__"), args)? {
        Some(value) => Ok(value),
        None => Err(vm.not_callable(object)),
    }
}

// ---- identity ----

fn slot_hash(vm: &mut Vm, object: &Value) -> Py<i64> {
    let method = vm.lookup_special(object, name!("__hash__"));
    let Some(method) = method.filter(|method| !method.is_none()) else {
        return hash_not_implemented(vm, object);
    };
    let result = vm.call_unbound(&method, object, &[])?;
    if !result.is_int() {
        return Err(vm.type_error("__hash__ method should return an integer"));
    }
    match result.as_i64() {
        Some(-1) => Ok(-2),
        Some(hash) => Ok(hash),
        // Too large for a hash: the hash of the int itself.
        None => vm.hash(&crate::number::int_from_big(
            result.as_big().unwrap_or_default(),
        )),
    }
}

/// The hash slot of types whose instances are unhashable.
pub fn hash_not_implemented(vm: &mut Vm, object: &Value) -> Py<i64> {
    let message = format!("unhashable type: '{}'", object.type_of().name());
    Err(vm.type_error(message))
}

fn slot_compare(vm: &mut Vm, object: &Value, other: &Value, op: CompareOp) -> Py {
    let name = match op {
        CompareOp::Lt => name!("__lt__"),
        CompareOp::Le => name!("__le__"),
        CompareOp::Eq => name!("__eq__"),
        CompareOp::Ne => name!("__ne__"),
        CompareOp::Gt => name!("__gt__"),
        CompareOp::Ge => name!("__ge__"),
    };
    let Some(found) = vm.lookup_special(object, name) else {
        return Ok(Value::not_implemented());
    };
    if !found.is_exact(&types::PROPERTY) {
        return vm.call_unbound(&found, object, std::slice::from_ref(other));
    }
    // A method that cannot be had counts as missing.
    let bound = match found.type_of().slots().descr_get {
        Some(get) => get(vm, &found, Some(object), object.type_of()),
        None => Ok(found),
    };
    match bound {
        Ok(method) => vm.call(&method, std::slice::from_ref(other)),
        Err(raised) => {
            drop(vm.take_raised(raised));
            Ok(Value::not_implemented())
        }
    }
}

fn slot_bool(vm: &mut Vm, object: &Value) -> Py<bool> {
    let result = call_required(vm, object, name!("__bool__"), &[])?;
    if result.is_true() || result.is_false() {
        return Ok(result.is_true());
    }
    let message = format!(
        "__bool__ should return bool, returned {}",
        result.type_of().name()
    );
    Err(vm.type_error(message))
}

// ---- attributes ----

fn slot_get_attr(vm: &mut Vm, object: &Value, name: &Value) -> Py {
    let Some(getattr) = vm.lookup_special(object, name!("__getattr__")) else {
        return match attribute_getter(vm, object) {
            Getter::Builtin(get) => get(vm, object, name),
            Getter::Method(method) => vm.call_unbound(&method, object, std::slice::from_ref(name)),
        };
    };
    let found = match attribute_getter(vm, object) {
        // The plain look-up need not make the exception that would be swallowed here.
        Getter::Builtin(get) if get as usize == generic_get_attr as *const () as usize => {
            generic_lookup(vm, object, name)
        }
        Getter::Builtin(get) => get(vm, object, name).map(Some),
        Getter::Method(method) => vm
            .call_unbound(&method, object, std::slice::from_ref(name))
            .map(Some),
    };
    match found {
        Ok(Some(value)) => return Ok(value),
        Ok(None) => {}
        Err(raised) => {
            vm.catch(raised, &types::ATTRIBUTE_ERROR)?;
        }
    }
    vm.call_unbound(&getattr, object, std::slice::from_ref(name))
}

/// What stands behind an object's `__getattribute__`.
enum Getter {
    Builtin(GetAttrFn),
    Method(Value),
}

fn attribute_getter(vm: &mut Vm, object: &Value) -> Getter {
    let Some(method) = vm.lookup_special(object, name!("__getattribute__")) else {
        return Getter::Builtin(generic_get_attr);
    };
    match slot_table::wrapped_slot(&method) {
        Some((Slot::GetAttr, owner)) if object.type_of().is_subtype(owner) => {
            Getter::Builtin(owner.slots().get_attr.unwrap_or(generic_get_attr))
        }
        _ => Getter::Method(method),
    }
}

fn slot_set_attr(vm: &mut Vm, object: &Value, name: &Value, value: Option<&Value>) -> Py<()> {
    match value {
        Some(value) => call_required(
            vm,
            object,
            name!("__setattr__"),
            &[name.clone(), value.clone()],
        )?,
        None => call_required(vm, object, name!("__delattr__"), std::slice::from_ref(name))?,
    };
    Ok(())
}

fn slot_descr_get(vm: &mut Vm, descriptor: &Value, object: Option<&Value>, ty: &TypeObject) -> Py {
    let Some(method) = vm.lookup_special(descriptor, name!("__get__")) else {
        return Ok(descriptor.clone());
    };
    let object = object.cloned().unwrap_or_else(Value::none);
    vm.call_unbound(&method, descriptor, &[object, ty.to_value()])
}

fn slot_descr_set(
    vm: &mut Vm,
    descriptor: &Value,
    object: &Value,
    value: Option<&Value>,
) -> Py<()> {
    match value {
        Some(value) => call_required(
            vm,
            descriptor,
            name!("__set__"),
            &[object.clone(), value.clone()],
        )?,
        None => call_required(
            vm,
            descriptor,
            name!("__delete__"),
            std::slice::from_ref(object),
        )?,
    };
    Ok(())
}

// ---- iteration and containers ----

fn slot_iter(vm: &mut Vm, object: &Value) -> Py {
    let method = vm
        .lookup_special(object, name!("__iter__"))
        .filter(|method| !method.is_none());
    match method {
        Some(method) => vm.call_unbound(&method, object, &[]),
        None => {
            let message = format!("'{}' object is not iterable", object.type_of().name());
            Err(vm.type_error(message))
        }
    }
}

fn slot_next(vm: &mut Vm, object: &Value) -> Py<Option<Value>> {
    match call_required(vm, object, name!("__next__"), &[]) {
        Ok(value) => Ok(Some(value)),
        Err(raised) => {
            vm.catch(raised, &types::STOP_ITERATION)?;
            Ok(None)
        }
    }
}

/// `iterator.__next__()` for those who need the value of `StopIteration`, which is left raised if `__next__` is Python code.
/// `Ok(None)` is exhaustion of a builtin iterator.
pub fn next_raising(vm: &mut Vm, iterator: &Value) -> Py<Option<Value>> {
    let next = iterator.type_of().slots().next;
    if next.is_some_and(|next| next as usize == slot_next as *const () as usize) {
        return call_required(vm, iterator, name!("__next__"), &[]).map(Some);
    }
    vm.next_or_stop(iterator)
}

fn slot_len(vm: &mut Vm, object: &Value) -> Py<usize> {
    let result = call_required(vm, object, name!("__len__"), &[])?;
    let index = vm.index(&result)?;
    match index.as_i64() {
        Some(len) if len >= 0 => Ok(len as usize),
        Some(_) => Err(vm.value_error("__len__() should return >= 0")),
        None if index
            .as_big()
            .is_some_and(|big| big < dashu_int::IBig::ZERO) =>
        {
            Err(vm.value_error("__len__() should return >= 0"))
        }
        None => {
            let message = format!(
                "cannot fit '{}' into an index-sized integer",
                result.type_of().name()
            );
            Err(vm.overflow_error(message))
        }
    }
}

fn slot_contains(vm: &mut Vm, object: &Value, item: &Value) -> Py<bool> {
    let Some(method) = vm.lookup_special(object, name!("__contains__")) else {
        return Ok(false);
    };
    if method.is_none() {
        let message = format!("'{}' object is not a container", object.type_of().name());
        return Err(vm.type_error(message));
    }
    let result = vm.call_unbound(&method, object, std::slice::from_ref(item))?;
    vm.truth(&result)
}

fn slot_get_item(vm: &mut Vm, object: &Value, key: &Value) -> Py {
    call_required(vm, object, name!("__getitem__"), std::slice::from_ref(key))
}

fn slot_set_item(vm: &mut Vm, object: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    match value {
        Some(value) => call_required(
            vm,
            object,
            name!("__setitem__"),
            &[key.clone(), value.clone()],
        )?,
        None => call_required(vm, object, name!("__delitem__"), std::slice::from_ref(key))?,
    };
    Ok(())
}

fn slot_buffer(vm: &mut Vm, object: &Value, flags: u32) -> Py<Buffer> {
    (vm.interpreter().hooks.python_buffer)(vm, object, flags)
}

// ---- operators ----

fn is_generic(ty: &TypeObject, slot: Slot) -> bool {
    slot_table::address(slot, ty.slots()) == slot_table::address(slot, &GENERIC)
}

/// Does the type of `right` define `name` anew, compared to the type of `left`?
fn is_overloaded(vm: &mut Vm, left: &Value, right: &Value, name: &Value) -> bool {
    match (
        vm.lookup_special(right, name),
        vm.lookup_special(left, name),
    ) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(own), Some(other)) => !own.is(&other),
    }
}

fn slot_binary<const OP: usize>(vm: &mut Vm, left: &Value, right: &Value) -> Py {
    let names = operator_names(OP);
    let slot = Slot::Binary(BinaryOp::ALL[OP]);
    binary_through(vm, slot, &names.forward, &names.reflected, left, right, &[])
}

/// `left.forward(right, *more)` and `right.reflected(left, *more)`, the latter first if the right type is a subclass that defines it anew.
fn binary_through(
    vm: &mut Vm,
    slot: Slot,
    forward: &Value,
    reflected: &Value,
    left: &Value,
    right: &Value,
    more: &[Value],
) -> Py {
    let row = |first: &Value| -> SmallVec<[Value; 2]> {
        let mut row = SmallVec::new();
        row.push(first.clone());
        row.extend(more.iter().cloned());
        row
    };
    let same_type = std::ptr::eq(left.type_of(), right.type_of());
    let mut try_right = !same_type && is_generic(right.type_of(), slot);
    if is_generic(left.type_of(), slot) {
        if try_right
            && right.type_of().is_subtype(left.type_of())
            && is_overloaded(vm, left, right, reflected)
        {
            let result = call_maybe(vm, right, reflected, &row(left))?;
            if !result.is_not_implemented() {
                return Ok(result);
            }
            try_right = false;
        }
        let result = call_maybe(vm, left, forward, &row(right))?;
        if !result.is_not_implemented() || same_type {
            return Ok(result);
        }
    }
    if try_right {
        call_maybe(vm, right, reflected, &row(left))
    } else {
        Ok(Value::not_implemented())
    }
}

fn slot_inplace<const OP: usize>(vm: &mut Vm, object: &Value, other: &Value) -> Py {
    call_maybe(
        vm,
        object,
        &operator_names(OP).inplace,
        std::slice::from_ref(other),
    )
}

fn slot_power(vm: &mut Vm, base: &Value, exponent: &Value, modulus: &Value) -> Py {
    let more = if modulus.is_none() {
        &[][..]
    } else {
        std::slice::from_ref(modulus)
    };
    binary_through(
        vm,
        Slot::Power,
        name!("__pow__"),
        name!("__rpow__"),
        base,
        exponent,
        more,
    )
}

fn slot_inplace_power(vm: &mut Vm, base: &Value, exponent: &Value, _modulus: &Value) -> Py {
    call_maybe(vm, base, name!("__ipow__"), std::slice::from_ref(exponent))
}

/// The error of a missing special method, for wrappers that find their slot emptied.
pub(crate) fn missing(vm: &mut Vm, name: &Value) -> Raised {
    vm.raise_with(&types::ATTRIBUTE_ERROR, std::slice::from_ref(name))
}
