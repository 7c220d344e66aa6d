//! The one table of special methods: name, slot, and the wrapper that makes a builtin type's slot callable under that name.
//!
//! For classes of Python programs the way is reversed: [`update_slots`] looks at what the special methods of a class are and
//! takes a builtin base's function where the method is that base's own wrapper, else the generic one of `slot_generic`.

use crate::args::Args;
use crate::builtin_types as types;
use crate::descriptor::{NativeFunction, WrapperDescriptor};
use crate::slot_generic::{GENERIC, hash_not_implemented, missing};
use crate::slots::{BinaryOp, CompareOp, Slots};
use crate::str_object::immortal_name;
use crate::type_object::{Type, TypeObject};
use crate::value::Value;
use crate::vm::Vm;
use crate::{Py, Raised};
use foldhash::fast::FixedState;
use std::collections::HashMap;
use std::sync::OnceLock;

macro_rules! slot_fields {
    ($($slot:ident $field:ident)*) => {
        /// Names a field of [`Slots`].
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        pub enum Slot {
            $($slot,)*
            Binary(BinaryOp),
            Inplace(BinaryOp),
        }

        /// The function's address; 0 if the slot is empty.
        pub fn address(slot: Slot, slots: &Slots) -> usize {
            match slot {
                $(Slot::$slot => slots.$field.map_or(0, |function| function as usize),)*
                Slot::Binary(op) => slots.binary[op as usize].map_or(0, |function| function as usize),
                Slot::Inplace(op) => slots.inplace[op as usize].map_or(0, |function| function as usize),
            }
        }

        /// Makes `slot` of `to` what it is in `from`.
        pub fn transfer(slot: Slot, from: &Slots, to: &mut Slots) {
            match slot {
                $(Slot::$slot => to.$field = from.$field,)*
                Slot::Binary(op) => to.binary[op as usize] = from.binary[op as usize],
                Slot::Inplace(op) => to.inplace[op as usize] = from.inplace[op as usize],
            }
        }

        const PLAIN_SLOTS: &[Slot] = &[$(Slot::$slot),*];
    };
}

slot_fields! {
    New new
    Init init
    Finalize finalize
    Call call
    Repr repr
    Str str
    Hash hash
    Compare compare
    GetAttr get_attr
    SetAttr set_attr
    DescrGet descr_get
    DescrSet descr_set
    Iter iter
    Next next
    Await await_
    Aiter aiter
    Anext anext
    Bool bool
    Len len
    Contains contains
    GetItem get_item
    SetItem set_item
    Concat concat
    Repeat repeat
    InplaceConcat inplace_concat
    InplaceRepeat inplace_repeat
    Int int
    Float float
    Index index
    Negative negative
    Positive positive
    Absolute absolute
    Invert invert
    Power power
    InplacePower inplace_power
    Buffer buffer
}

fn all_slots() -> impl Iterator<Item = Slot> {
    let plain = PLAIN_SLOTS.iter().copied();
    plain
        .chain(BinaryOp::ALL.into_iter().map(Slot::Binary))
        .chain(BinaryOp::ALL.into_iter().map(Slot::Inplace))
}

/// Calls the slot function of `slots` for a special method: entry, slots of the type that has the wrapper, receiver, arguments.
pub type WrapFn = fn(&mut Vm, &'static SlotEntry, &Slots, &Value, Args<'_>) -> Py;

/// One special method.
pub struct SlotEntry {
    pub name: &'static str,
    pub slot: Slot,
    /// `None`: builtin types have no method of this name through the slot.
    pub wrap: Option<WrapFn>,
    /// `__text_signature__`.
    pub signature: &'static str,
    pub doc: &'static str,
    interned: OnceLock<Value>,
}

impl SlotEntry {
    const fn new(
        name: &'static str,
        slot: Slot,
        wrap: Option<WrapFn>,
        signature: &'static str,
        doc: &'static str,
    ) -> SlotEntry {
        SlotEntry {
            name,
            slot,
            wrap,
            signature,
            doc,
            interned: OnceLock::new(),
        }
    }

    /// The name as an interned string.
    pub fn interned(&self) -> &Value {
        self.interned.get_or_init(|| immortal_name(self.name))
    }
}

// ---- wrappers ----

/// Exactly `count` positional arguments.
fn take<'a>(vm: &mut Vm, entry: &SlotEntry, args: Args<'a>, count: usize) -> Py<&'a [Value]> {
    if args.has_keywords() {
        return Err(vm.type_error(format!(
            "wrapper {}() takes no keyword arguments",
            entry.name
        )));
    }
    let values = args.all();
    if values.len() != count {
        let plural = if count == 1 { "" } else { "s" };
        return Err(vm.type_error(format!(
            "expected {count} argument{plural}, got {}",
            values.len()
        )));
    }
    Ok(values)
}

#[cold]
fn emptied(vm: &mut Vm, entry: &SlotEntry) -> Raised {
    missing(vm, entry.interned())
}

macro_rules! slot_function {
    ($vm:ident, $entry:ident, $function:expr) => {
        match $function {
            Some(function) => function,
            None => return Err(emptied($vm, $entry)),
        }
    };
}

fn wrap_unary(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = match entry.slot {
        Slot::Repr => slots.repr,
        Slot::Str => slots.str,
        Slot::Iter => slots.iter,
        Slot::Await => slots.await_,
        Slot::Aiter => slots.aiter,
        Slot::Anext => slots.anext,
        Slot::Int => slots.int,
        Slot::Float => slots.float,
        Slot::Index => slots.index,
        Slot::Negative => slots.negative,
        Slot::Positive => slots.positive,
        Slot::Absolute => slots.absolute,
        Slot::Invert => slots.invert,
        _ => None,
    };
    let function = slot_function!(vm, entry, function);
    take(vm, entry, args, 0)?;
    function(vm, receiver)
}

fn binary_function(slots: &Slots, slot: Slot) -> Option<crate::slots::BinaryFn> {
    match slot {
        Slot::Binary(op) => slots.binary[op as usize],
        Slot::Inplace(op) => slots.inplace[op as usize],
        Slot::GetItem => slots.get_item,
        Slot::Concat => slots.concat,
        Slot::Repeat => slots.repeat,
        Slot::InplaceConcat => slots.inplace_concat,
        Slot::InplaceRepeat => slots.inplace_repeat,
        _ => None,
    }
}

fn wrap_binary(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, binary_function(slots, entry.slot));
    let values = take(vm, entry, args, 1)?;
    function(vm, receiver, &values[0])
}

fn wrap_reflected(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, binary_function(slots, entry.slot));
    let values = take(vm, entry, args, 1)?;
    function(vm, &values[0], receiver)
}

/// `__mul__` and `__rmul__` of sequences: the count must be an index.
fn wrap_repeat(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, binary_function(slots, entry.slot));
    let values = take(vm, entry, args, 1)?;
    let count = vm.index(&values[0])?;
    function(vm, receiver, &count)
}

fn wrap_power(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let inplace = entry.slot == Slot::InplacePower;
    let function = slot_function!(
        vm,
        entry,
        if inplace {
            slots.inplace_power
        } else {
            slots.power
        }
    );
    let values = args.all();
    if args.has_keywords() || inplace {
        take(vm, entry, args, 1)?;
    } else if values.is_empty() || values.len() > 2 {
        let given = values.len();
        return Err(vm.type_error(format!("expected 1 or 2 arguments, got {given}")));
    }
    let modulus = values.get(1).cloned().unwrap_or_else(Value::none);
    if entry.name == "__rpow__" {
        function(vm, &values[0], receiver, &modulus)
    } else {
        function(vm, receiver, &values[0], &modulus)
    }
}

fn wrap_compare(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.compare);
    let values = take(vm, entry, args, 1)?;
    let op = match entry.name {
        "__lt__" => CompareOp::Lt,
        "__le__" => CompareOp::Le,
        "__eq__" => CompareOp::Eq,
        "__ne__" => CompareOp::Ne,
        "__gt__" => CompareOp::Gt,
        _ => CompareOp::Ge,
    };
    function(vm, receiver, &values[0], op)
}

fn wrap_hash(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.hash);
    take(vm, entry, args, 0)?;
    function(vm, receiver).map(Value::int)
}

fn wrap_bool(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.bool);
    take(vm, entry, args, 0)?;
    function(vm, receiver).map(Value::bool)
}

fn wrap_len(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.len);
    take(vm, entry, args, 0)?;
    function(vm, receiver).map(|len| Value::int(len as i64))
}

fn wrap_contains(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.contains);
    let values = take(vm, entry, args, 1)?;
    function(vm, receiver, &values[0]).map(Value::bool)
}

fn wrap_set_item(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.set_item);
    let values = take(vm, entry, args, 2)?;
    function(vm, receiver, &values[0], Some(&values[1])).map(|()| Value::none())
}

fn wrap_del_item(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.set_item);
    let values = take(vm, entry, args, 1)?;
    function(vm, receiver, &values[0], None).map(|()| Value::none())
}

fn wrap_call(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.call);
    function(vm, receiver, args)
}

fn wrap_init(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.init);
    function(vm, receiver, args).map(|()| Value::none())
}

fn wrap_next(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.next);
    take(vm, entry, args, 0)?;
    match function(vm, receiver)? {
        Some(value) => Ok(value),
        None => Err(vm.raise_with(&types::STOP_ITERATION, &[])),
    }
}

fn wrap_get_attr(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.get_attr);
    let values = take(vm, entry, args, 1)?;
    let name = vm.attribute_name(&values[0])?;
    function(vm, receiver, &name)
}

fn wrap_set_attr(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.set_attr);
    let delete = entry.name == "__delattr__";
    let values = take(vm, entry, args, if delete { 1 } else { 2 })?;
    let name = vm.attribute_name(&values[0])?;
    may_set_attribute(vm, entry, slots, receiver)?;
    function(vm, receiver, &name, values.get(1)).map(|()| Value::none())
}

/// Refuses `object.__setattr__(cls, ...)`: a builtin base nearer to the receiver has its own way of setting attributes.
fn may_set_attribute(vm: &mut Vm, entry: &SlotEntry, slots: &Slots, receiver: &Value) -> Py<()> {
    let Some(nearest) = receiver.type_of().mro().iter().find(|ty| !ty.is_heap()) else {
        return Ok(());
    };
    if address(Slot::SetAttr, nearest.slots()) != address(Slot::SetAttr, slots) {
        let message = format!(
            "can't apply this {} to {} object",
            entry.name,
            receiver.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    Ok(())
}

fn wrap_descr_get(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.descr_get);
    if args.has_keywords() || args.all().is_empty() || args.all().len() > 2 {
        take(vm, entry, args, 1)?;
    }
    let values = args.all();
    let object = values.first().filter(|object| !object.is_none());
    let ty = values.get(1).filter(|ty| !ty.is_none());
    match (object, ty.and_then(|ty| ty.cast::<Type>())) {
        (object, Some(ty)) => function(vm, receiver, object, ty),
        (Some(object), None) => {
            let ty = object.type_of().to_value();
            function(vm, receiver, Some(object), ty.expect::<Type>())
        }
        (None, None) => Err(vm.type_error("__get__(None, None) is invalid")),
    }
}

fn wrap_descr_set(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.descr_set);
    let delete = entry.name == "__delete__";
    let values = take(vm, entry, args, if delete { 1 } else { 2 })?;
    function(vm, receiver, &values[0], values.get(1)).map(|()| Value::none())
}

fn wrap_finalize(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.finalize);
    take(vm, entry, args, 0)?;
    function(vm, receiver);
    Ok(Value::none())
}

fn wrap_buffer(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let function = slot_function!(vm, entry, slots.buffer);
    let values = take(vm, entry, args, 1)?;
    let flags = vm.index_i64(&values[0])?;
    let Ok(flags) = i32::try_from(flags) else {
        let side = if flags < 0 { "small" } else { "large" };
        return Err(vm.overflow_error(format!("buffer flags too {side}")));
    };
    let buffer = function(vm, receiver, flags as u32)?;
    (vm.interpreter().hooks.buffer_method)(vm, buffer)
}

fn wrap_release_buffer(
    vm: &mut Vm,
    entry: &'static SlotEntry,
    _slots: &Slots,
    receiver: &Value,
    args: Args<'_>,
) -> Py {
    let values = take(vm, entry, args, 1)?;
    (vm.interpreter().hooks.release_method)(vm, receiver, &values[0])
}

// ---- the table ----

const SELF: &str = "($self, /)";
const VALUE: &str = "($self, value, /)";
const ANY: &str = "($self, /, *args, **kwargs)";

macro_rules! entries {
    ($($name:literal $slot:expr, $wrap:ident, $signature:expr, $doc:literal;)*) => {
        [$(SlotEntry::new($name, $slot, entries!(@wrap $wrap), $signature, $doc)),*]
    };
    (@wrap none) => { None };
    (@wrap $wrap:ident) => { Some($wrap) };
}

use BinaryOp as B;

/// Special methods in the order in which they enter a builtin type's namespace.
static ENTRIES: [SlotEntry; 86] = entries! {
    "__getattribute__" Slot::GetAttr, wrap_get_attr, "($self, name, /)", "Return getattr(self, name).";
    "__setattr__" Slot::SetAttr, wrap_set_attr, "($self, name, value, /)", "Implement setattr(self, name, value).";
    "__delattr__" Slot::SetAttr, wrap_set_attr, "($self, name, /)", "Implement delattr(self, name).";
    "__repr__" Slot::Repr, wrap_unary, SELF, "Return repr(self).";
    "__hash__" Slot::Hash, wrap_hash, SELF, "Return hash(self).";
    "__call__" Slot::Call, wrap_call, ANY, "Call self as a function.";
    "__str__" Slot::Str, wrap_unary, SELF, "Return str(self).";
    "__lt__" Slot::Compare, wrap_compare, VALUE, "Return self<value.";
    "__le__" Slot::Compare, wrap_compare, VALUE, "Return self<=value.";
    "__eq__" Slot::Compare, wrap_compare, VALUE, "Return self==value.";
    "__ne__" Slot::Compare, wrap_compare, VALUE, "Return self!=value.";
    "__gt__" Slot::Compare, wrap_compare, VALUE, "Return self>value.";
    "__ge__" Slot::Compare, wrap_compare, VALUE, "Return self>=value.";
    "__iter__" Slot::Iter, wrap_unary, SELF, "Implement iter(self).";
    "__next__" Slot::Next, wrap_next, SELF, "Implement next(self).";
    "__get__" Slot::DescrGet, wrap_descr_get, "($self, instance, owner=None, /)", "Return an attribute of instance, which is of type owner.";
    "__set__" Slot::DescrSet, wrap_descr_set, "($self, instance, value, /)", "Set an attribute of instance to value.";
    "__delete__" Slot::DescrSet, wrap_descr_set, "($self, instance, /)", "Delete an attribute of instance.";
    "__init__" Slot::Init, wrap_init, ANY, "Initialize self.  See help(type(self)) for accurate signature.";
    "__del__" Slot::Finalize, wrap_finalize, SELF, "Called when the instance is about to be destroyed.";
    "__await__" Slot::Await, wrap_unary, SELF, "Return an iterator to be used in await expression.";
    "__aiter__" Slot::Aiter, wrap_unary, SELF, "Return an awaitable, that resolves in asynchronous iterator.";
    "__anext__" Slot::Anext, wrap_unary, SELF, "Return a value or raise StopAsyncIteration.";
    "__add__" Slot::Binary(B::Add), wrap_binary, VALUE, "Return self+value.";
    "__radd__" Slot::Binary(B::Add), wrap_reflected, VALUE, "Return value+self.";
    "__sub__" Slot::Binary(B::Subtract), wrap_binary, VALUE, "Return self-value.";
    "__rsub__" Slot::Binary(B::Subtract), wrap_reflected, VALUE, "Return value-self.";
    "__mul__" Slot::Binary(B::Multiply), wrap_binary, VALUE, "Return self*value.";
    "__rmul__" Slot::Binary(B::Multiply), wrap_reflected, VALUE, "Return value*self.";
    "__mod__" Slot::Binary(B::Remainder), wrap_binary, VALUE, "Return self%value.";
    "__rmod__" Slot::Binary(B::Remainder), wrap_reflected, VALUE, "Return value%self.";
    "__divmod__" Slot::Binary(B::Divmod), wrap_binary, VALUE, "Return divmod(self, value).";
    "__rdivmod__" Slot::Binary(B::Divmod), wrap_reflected, VALUE, "Return divmod(value, self).";
    "__pow__" Slot::Power, wrap_power, "($self, value, mod=None, /)", "Return pow(self, value, mod).";
    "__rpow__" Slot::Power, wrap_power, "($self, value, mod=None, /)", "Return pow(value, self, mod).";
    "__neg__" Slot::Negative, wrap_unary, SELF, "-self";
    "__pos__" Slot::Positive, wrap_unary, SELF, "+self";
    "__abs__" Slot::Absolute, wrap_unary, SELF, "abs(self)";
    "__bool__" Slot::Bool, wrap_bool, SELF, "True if self else False";
    "__invert__" Slot::Invert, wrap_unary, SELF, "~self";
    "__lshift__" Slot::Binary(B::LeftShift), wrap_binary, VALUE, "Return self<<value.";
    "__rlshift__" Slot::Binary(B::LeftShift), wrap_reflected, VALUE, "Return value<<self.";
    "__rshift__" Slot::Binary(B::RightShift), wrap_binary, VALUE, "Return self>>value.";
    "__rrshift__" Slot::Binary(B::RightShift), wrap_reflected, VALUE, "Return value>>self.";
    "__and__" Slot::Binary(B::And), wrap_binary, VALUE, "Return self&value.";
    "__rand__" Slot::Binary(B::And), wrap_reflected, VALUE, "Return value&self.";
    "__xor__" Slot::Binary(B::Xor), wrap_binary, VALUE, "Return self^value.";
    "__rxor__" Slot::Binary(B::Xor), wrap_reflected, VALUE, "Return value^self.";
    "__or__" Slot::Binary(B::Or), wrap_binary, VALUE, "Return self|value.";
    "__ror__" Slot::Binary(B::Or), wrap_reflected, VALUE, "Return value|self.";
    "__int__" Slot::Int, wrap_unary, SELF, "int(self)";
    "__float__" Slot::Float, wrap_unary, SELF, "float(self)";
    "__iadd__" Slot::Inplace(B::Add), wrap_binary, VALUE, "Return self+=value.";
    "__isub__" Slot::Inplace(B::Subtract), wrap_binary, VALUE, "Return self-=value.";
    "__imul__" Slot::Inplace(B::Multiply), wrap_binary, VALUE, "Return self*=value.";
    "__imod__" Slot::Inplace(B::Remainder), wrap_binary, VALUE, "Return self%=value.";
    "__ipow__" Slot::InplacePower, wrap_power, VALUE, "Return self**=value.";
    "__ilshift__" Slot::Inplace(B::LeftShift), wrap_binary, VALUE, "Return self<<=value.";
    "__irshift__" Slot::Inplace(B::RightShift), wrap_binary, VALUE, "Return self>>=value.";
    "__iand__" Slot::Inplace(B::And), wrap_binary, VALUE, "Return self&=value.";
    "__ixor__" Slot::Inplace(B::Xor), wrap_binary, VALUE, "Return self^=value.";
    "__ior__" Slot::Inplace(B::Or), wrap_binary, VALUE, "Return self|=value.";
    "__floordiv__" Slot::Binary(B::FloorDivide), wrap_binary, VALUE, "Return self//value.";
    "__rfloordiv__" Slot::Binary(B::FloorDivide), wrap_reflected, VALUE, "Return value//self.";
    "__truediv__" Slot::Binary(B::TrueDivide), wrap_binary, VALUE, "Return self/value.";
    "__rtruediv__" Slot::Binary(B::TrueDivide), wrap_reflected, VALUE, "Return value/self.";
    "__ifloordiv__" Slot::Inplace(B::FloorDivide), wrap_binary, VALUE, "Return self//=value.";
    "__itruediv__" Slot::Inplace(B::TrueDivide), wrap_binary, VALUE, "Return self/=value.";
    "__index__" Slot::Index, wrap_unary, SELF, "Return self converted to an integer, if self is suitable for use as an index into a list.";
    "__matmul__" Slot::Binary(B::MatrixMultiply), wrap_binary, VALUE, "Return self@value.";
    "__rmatmul__" Slot::Binary(B::MatrixMultiply), wrap_reflected, VALUE, "Return value@self.";
    "__imatmul__" Slot::Inplace(B::MatrixMultiply), wrap_binary, VALUE, "Return self@=value.";
    "__len__" Slot::Len, wrap_len, SELF, "Return len(self).";
    "__getitem__" Slot::GetItem, wrap_binary, "($self, key, /)", "Return self[key].";
    "__setitem__" Slot::SetItem, wrap_set_item, "($self, key, value, /)", "Set self[key] to value.";
    "__delitem__" Slot::SetItem, wrap_del_item, "($self, key, /)", "Delete self[key].";
    "__add__" Slot::Concat, wrap_binary, VALUE, "Return self+value.";
    "__mul__" Slot::Repeat, wrap_repeat, VALUE, "Return self*value.";
    "__rmul__" Slot::Repeat, wrap_repeat, VALUE, "Return value*self.";
    "__contains__" Slot::Contains, wrap_contains, "($self, key, /)", "Return bool(key in self).";
    "__iadd__" Slot::InplaceConcat, wrap_binary, VALUE, "Implement self+=value.";
    "__imul__" Slot::InplaceRepeat, wrap_repeat, VALUE, "Implement self*=value.";
    "__getattr__" Slot::GetAttr, none, SELF, "";
    "__new__" Slot::New, none, ANY, "Create and return new object.";
    "__buffer__" Slot::Buffer, wrap_buffer, "($self, flags, /)", "Return a buffer object that exposes the underlying memory of the object.";
    "__release_buffer__" Slot::Buffer, wrap_release_buffer, "($self, buffer, /)", "Release the buffer object that exposes the underlying memory of the object.";
};

/// All special methods.
pub fn entries() -> &'static [SlotEntry] {
    &ENTRIES
}

/// The special methods that share a slot, and the slots of a special method.
struct Index {
    by_slot: HashMap<Slot, Vec<&'static SlotEntry>, FixedState>,
    by_name: HashMap<u64, Vec<Slot>, FixedState>,
    /// The slots that no special method belongs to.
    nameless: Vec<Slot>,
}

fn index() -> &'static Index {
    static INDEX: OnceLock<Index> = OnceLock::new();
    INDEX.get_or_init(|| {
        let mut index = Index {
            by_slot: HashMap::default(),
            by_name: HashMap::default(),
            nameless: Vec::new(),
        };
        for entry in &ENTRIES {
            index.by_slot.entry(entry.slot).or_default().push(entry);
            let slots = index.by_name.entry(entry.interned().bits()).or_default();
            if !slots.contains(&entry.slot) {
                slots.push(entry.slot);
            }
        }
        index.nameless = all_slots()
            .filter(|slot| !index.by_slot.contains_key(slot))
            .collect();
        index
    })
}

/// Is this interned name the name of a special method that fills a slot?
pub fn is_special(name: &Value) -> bool {
    index().by_name.contains_key(&name.bits())
}

/// The slot behind a slot wrapper, with the builtin type it belongs to.
pub fn wrapped_slot(value: &Value) -> Option<(Slot, &'static TypeObject)> {
    let wrapper = value.cast_exact::<WrapperDescriptor>()?;
    Some((wrapper.entry.slot, wrapper.owner))
}

// ---- inheritance ----

/// Fills the empty slots of a builtin type from its base. Hash and comparison are inherited together.
pub fn inherit(slots: &mut Slots, base: &Slots) {
    let own_compare = slots.compare.is_some();
    for slot in all_slots() {
        if address(slot, slots) == 0 && !(slot == Slot::Hash && own_compare) {
            transfer(slot, base, slots);
        }
    }
    if own_compare && slots.hash.is_none() {
        slots.hash = Some(hash_not_implemented);
    }
}

/// Computes the slots of a class under construction: those of the base that gives the layout, and anew whatever the class itself
/// or those that come by its other bases may change.
pub fn set_slots_of_new_class(vm: &mut Vm, ty: &TypeObject) {
    let base = ty.base();
    let mut slots = base.map_or(Slots::NONE, |base| *base.slots());
    let inherited = base.map_or(&[][..], |base| base.mro());
    let mut dirty: Vec<Slot> = Vec::new();
    let mut several = false;
    for class in ty.mro() {
        let class: &TypeObject = class;
        if inherited.iter().any(|known| std::ptr::eq(*known, class)) {
            continue;
        }
        several |= !std::ptr::eq(class, ty);
        for name in class.namespace().keys() {
            for slot in index().by_name.get(&name.bits()).into_iter().flatten() {
                if !dirty.contains(slot) {
                    dirty.push(*slot);
                }
            }
        }
    }
    if several {
        dirty.extend(&index().nameless);
    }
    for slot in dirty {
        update_slot(vm, ty, slot, &mut slots);
    }
    ty.set_slots(slots);
}

/// Recomputes all slots of a class and its subclasses, after its bases changed.
pub fn update_slots(vm: &mut Vm, ty: &TypeObject) {
    if ty.is_heap() {
        let mut slots = *ty.slots();
        for slot in all_slots() {
            update_slot(vm, ty, slot, &mut slots);
        }
        ty.set_slots(slots);
    }
    for sub in ty.subclasses() {
        update_slots(vm, sub.expect::<Type>());
    }
}

/// Recomputes the slots that special method `name` has a say in, of a class and its subclasses.
pub fn update_slots_named(vm: &mut Vm, ty: &TypeObject, name: &Value) {
    let Some(changed) = index().by_name.get(&name.bits()) else {
        return;
    };
    if ty.is_heap() {
        let mut slots = *ty.slots();
        for slot in changed {
            update_slot(vm, ty, *slot, &mut slots);
        }
        ty.set_slots(slots);
    }
    for sub in ty.subclasses() {
        update_slots_named(vm, sub.expect::<Type>(), name);
    }
}

/// What the methods found for a slot ask for.
enum Choice {
    /// None of the methods exists.
    Empty,
    /// They are all wrappers of this builtin type's slot.
    Builtin(&'static TypeObject),
    Generic,
}

/// Sets one slot of a class from what its special methods are now.
fn update_slot(vm: &mut Vm, ty: &TypeObject, slot: Slot, slots: &mut Slots) {
    let Some(entries) = index().by_slot.get(&slot) else {
        // No method of this slot exists: it comes from the nearest base that has it.
        if let Some(base) = ty
            .mro()
            .iter()
            .skip(1)
            .find(|base| address(slot, base.slots()) != 0)
        {
            transfer(slot, base.slots(), slots);
        }
        return;
    };
    if slot == Slot::Buffer && ty.lookup(vm, crate::name!("__buffer__")).is_none() {
        // `__release_buffer__` alone lends nothing.
        transfer(slot, &Slots::NONE, slots);
        return;
    }
    let mut choice = Choice::Empty;
    for entry in entries {
        let Some(found) = ty.lookup(vm, entry.interned()) else {
            continue;
        };
        if slot == Slot::Hash && found.is_none() {
            slots.hash = Some(hash_not_implemented);
            return;
        }
        if slot == Slot::New {
            choice = match new_of(&found) {
                Some(owner) if makes_instances_of(owner, ty) => Choice::Builtin(owner),
                _ => Choice::Generic,
            };
            continue;
        }
        let own = match wrapped_slot(&found) {
            // A wrapper of a type that this is no subclass of (`__len__ = list.__len__`) must be called, to refuse.
            Some((own, owner)) if own == slot && ty.is_subtype(owner) => Some(owner),
            // The method of another slot with the same name (`__add__` of numbers and of sequences) does not count here.
            Some((own, owner))
                if own != slot && ty.is_subtype(owner) && shares_name(own, slot, entry) =>
            {
                continue;
            }
            _ => None,
        };
        choice = match (choice, own) {
            (Choice::Empty, Some(owner)) => Choice::Builtin(owner),
            (Choice::Builtin(known), Some(owner))
                if address(slot, known.slots()) == address(slot, owner.slots()) =>
            {
                Choice::Builtin(known)
            }
            _ => Choice::Generic,
        };
    }
    match choice {
        Choice::Empty => transfer(slot, &Slots::NONE, slots),
        Choice::Builtin(owner) => transfer(slot, owner.slots(), slots),
        Choice::Generic => transfer(slot, &GENERIC, slots),
    }
}

fn shares_name(own: Slot, wanted: Slot, entry: &SlotEntry) -> bool {
    let by_name = index().by_name.get(&entry.interned().bits());
    by_name.is_some_and(|slots| slots.contains(&own) && slots.contains(&wanted))
}

/// Does `owner.__new__` know how to make instances of `ty`: is it that of the builtin type which gives `ty` its layout? If
/// not, the function must be called, to refuse.
fn makes_instances_of(owner: &TypeObject, ty: &TypeObject) -> bool {
    let address = |ty: &TypeObject| ty.slots().new.map(|new| new as usize);
    let mut base = Some(ty);
    while let Some(at) = base
        && at.is_heap()
    {
        base = at.base();
    }
    ty.is_subtype(owner) && base.is_some_and(|base| address(base) == address(owner))
}

/// The builtin type whose `__new__` function this is.
fn new_of(found: &Value) -> Option<&'static TypeObject> {
    let function = found.cast_exact::<NativeFunction>()?;
    if !std::ptr::eq(function.def, &crate::descriptor::NEW) {
        return None;
    }
    function
        .receiver
        .as_ref()?
        .cast::<Type>()
        .map(TypeObject::as_static)
}
