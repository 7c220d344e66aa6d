//! `int`: whole numbers of any size. Those of 62 bits are immediates and never come here on the quick paths; this folder is
//! about the rest, about mixed sizes, and about the methods.
//!
//! `operand` tells small from big, `ops` computes, `text` reads and writes digits, `methods` has what Python calls by name.

mod methods;
mod operand;
mod ops;
mod text;

pub use methods::{number_to_int, round_to};
pub use operand::{Operand, from_int, operand, to_exact};
pub use ops::{
    add, and, divmod, floor_divide, invert, left_shift, make_room, multiply, negative, or, power,
    remainder, right_shift, subtract, true_divide, xor,
};
pub(crate) use text::ascii_digits;
pub use text::{IntLimits, decimal, parse_bytes, parse_text};

use taipan_core::builtin_types::INT;
use taipan_core::number::IntObject;
use taipan_core::slots::BinaryOp;
use taipan_core::{CompareOp, Layout, Py, Slots, TypeFlags, TypeSpec, Value, Vm};

/// `int`.
pub static SPEC: TypeSpec = TypeSpec {
    name: "int",
    flags: TypeFlags::BASE
        .union(TypeFlags::INT_SUBCLASS)
        .union(TypeFlags::MATCH_SELF),
    layout: Some(&LAYOUT),
    slots: SLOTS,
    methods: &methods::METHODS,
    getset: &methods::GETSET,
    doc: "int([x]) -> integer\nint(x, base=10) -> integer\n\n\
          Make an integer of a number or a string; without arguments, 0.\n\n\
          A number with a fraction is cut off towards zero. With a base, x is text (str, bytes or\n\
          bytearray) that holds an integer literal of that base, white space around it allowed. Bases\n\
          are 0 and 2-36; base 0 takes the base from the literal's prefix.\n\n\
          >>> int('0x1f', base=0)\n31",
    ..TypeSpec::DEFAULT
};

static LAYOUT: Layout = Layout::of::<IntObject>();

const SLOTS: Slots = Slots {
    new: Some(methods::new),
    repr: Some(repr),
    hash: Some(hash),
    compare: Some(compare),
    bool: Some(truth),
    int: Some(exact),
    float: Some(float),
    index: Some(exact),
    negative: Some(negative),
    positive: Some(exact),
    absolute: Some(ops::absolute),
    invert: Some(invert),
    power: Some(power),
    ..Slots::NONE
}
.with_binary(BinaryOp::Add, add)
.with_binary(BinaryOp::Subtract, subtract)
.with_binary(BinaryOp::Multiply, multiply)
.with_binary(BinaryOp::TrueDivide, true_divide)
.with_binary(BinaryOp::FloorDivide, floor_divide)
.with_binary(BinaryOp::Remainder, remainder)
.with_binary(BinaryOp::LeftShift, left_shift)
.with_binary(BinaryOp::RightShift, right_shift)
.with_binary(BinaryOp::And, and)
.with_binary(BinaryOp::Or, or)
.with_binary(BinaryOp::Xor, xor)
.with_binary(BinaryOp::Divmod, divmod);

/// Defines the type.
pub fn define() {
    INT.define(&SPEC);
}

fn repr(vm: &mut Vm, value: &Value) -> Py {
    let text = decimal(vm, value)?;
    Ok(taipan_core::str_object::new_ascii(text.as_bytes()))
}

fn hash(_vm: &mut Vm, value: &Value) -> Py<i64> {
    Ok(match operand(value) {
        Some(Operand::Small(i)) => taipan_base::int_text::hash_i64(i),
        Some(Operand::Big(big)) => taipan_base::int_text::hash_ibig(big),
        None => 0,
    })
}

/// Comparison of two ints.
pub fn compare(_vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    Ok(match (operand(a), operand(b)) {
        (Some(a), Some(b)) => Value::bool(op.holds(a.order(&b))),
        _ => Value::not_implemented(),
    })
}

fn truth(_vm: &mut Vm, value: &Value) -> Py<bool> {
    Ok(!matches!(operand(value), Some(Operand::Small(0))))
}

/// The same number as an exact `int`.
pub(crate) fn exact(_vm: &mut Vm, value: &Value) -> Py {
    Ok(to_exact(value))
}

fn float(vm: &mut Vm, value: &Value) -> Py {
    Ok(Value::float(to_f64(vm, value)?))
}

/// The nearest double; `OverflowError` if there is none.
pub fn to_f64(vm: &mut Vm, value: &Value) -> Py<f64> {
    match operand(value) {
        Some(Operand::Small(i)) => Ok(i as f64),
        Some(Operand::Big(big)) => match taipan_base::int_text::ibig_to_f64(big) {
            Some(x) => Ok(x),
            None => Err(vm.overflow_error("int too large to convert to float")),
        },
        None => vm.to_f64(value),
    }
}
