//! `bool`: `True` and `False`, which are ints.

use crate::int;
use crate::number::at_most_one;
use taipan_core::builtin_types::{BOOL, DEPRECATION_WARNING, INT};
use taipan_core::singletons::BoolObject;
use taipan_core::slots::{BinaryFn, BinaryOp};
use taipan_core::str_object::new_ascii;
use taipan_core::{Args, Layout, Py, Slots, TypeObject, TypeSpec, Value, Vm};

/// `bool`.
pub static SPEC: TypeSpec = TypeSpec {
    name: "bool",
    base: Some(&INT),
    layout: Some(&LAYOUT),
    slots: SLOTS,
    doc: "bool(object=False, /)\n--\n\nReturns True when the argument is true, False otherwise.\n\
          The builtins True and False are the only two instances of the class bool.\n\
          The class bool is a subclass of the class int, and cannot be subclassed.",
    ..TypeSpec::DEFAULT
};

static LAYOUT: Layout = Layout::of::<BoolObject>();

const SLOTS: Slots = Slots {
    new: Some(new),
    repr: Some(repr),
    invert: Some(invert),
    ..Slots::NONE
}
.with_binary(BinaryOp::And, and)
.with_binary(BinaryOp::Or, or)
.with_binary(BinaryOp::Xor, xor);

/// Defines the type.
pub fn define() {
    BOOL.define(&SPEC);
}

fn new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    match at_most_one(vm, "bool", args)? {
        Some(x) => Ok(Value::bool(vm.truth(x)?)),
        None => Ok(Value::bool(false)),
    }
}

fn repr(_vm: &mut Vm, value: &Value) -> Py {
    Ok(new_ascii(if value.is_true() { b"True" } else { b"False" }))
}

fn invert(vm: &mut Vm, value: &Value) -> Py {
    vm.warn(
        &DEPRECATION_WARNING,
        "Bitwise inversion '~' on bool is deprecated and will be removed in Python 3.16. This returns the bitwise \
         inversion of the underlying int object and is usually not what you expect from negating a bool. Use the 'not' \
         operator for boolean negation or ~int(x) if you really want the bitwise inversion of the underlying int.",
        1,
    )?;
    int::invert(vm, value)
}

/// Two bools give a bool, anything else goes to `int`.
fn logical(
    vm: &mut Vm,
    a: &Value,
    b: &Value,
    on_bools: fn(bool, bool) -> bool,
    on_ints: BinaryFn,
) -> Py {
    let is_bool = |v: &Value| v.is_true() || v.is_false();
    if is_bool(a) && is_bool(b) {
        return Ok(Value::bool(on_bools(a.is_true(), b.is_true())));
    }
    on_ints(vm, a, b)
}

fn and(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    logical(vm, a, b, |x, y| x & y, int::and)
}

fn or(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    logical(vm, a, b, |x, y| x | y, int::or)
}

fn xor(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    logical(vm, a, b, |x, y| x ^ y, int::xor)
}
