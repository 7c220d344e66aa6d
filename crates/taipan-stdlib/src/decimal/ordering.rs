//! Comparisons with any number.

use super::construct::{Operand, from_float, from_int, operand};
use super::context::{add_flags, report};
use super::current::current;
use super::number::own;
use super::{no_memory, state};
use taipan_core::{CompareOp, Py, Value, Vm, name};
use taipan_decimal::{Context, Decimal, status};
use taipan_types::int;

/// The other operand, and by what ours is to be multiplied.
struct Other<'a> {
    number: Operand<'a>,
    factor: Option<Decimal>,
}

pub(super) fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    let number = own(a);
    let other = match operand(vm, b)? {
        Some(number) => Other {
            number,
            factor: None,
        },
        None => match convert(vm, b, equality)? {
            Some(other) => other,
            None => return Ok(Value::not_implemented()),
        },
    };
    let order = match &other.factor {
        Some(factor) if number.is_finite() => {
            let scaled = match Context::MAX.multiply(number, factor, &mut 0) {
                Ok(scaled) => scaled,
                Err(error) => return Err(no_memory(vm, error)),
            };
            scaled.partial_cmp(&other.number)
        }
        _ => number.partial_cmp(&other.number),
    };
    match order {
        Some(order) => Ok(Value::bool(op.holds(order))),
        None => {
            if !equality || number.is_signaling_nan() || other.number.is_signaling_nan() {
                let context = current(vm)?;
                report(vm, &context, status::INVALID_OPERATION)?;
            }
            Ok(Value::bool(op == CompareOp::Ne))
        }
    }
}

/// A float, a complex number without imaginary part, a fraction.
fn convert<'a>(vm: &mut Vm, value: &Value, equality: bool) -> Py<Option<Other<'a>>> {
    let x = match value.as_float() {
        Some(x) => Some(x),
        None if equality => match taipan_types::complex::parts_of(value) {
            Some((real, 0.0)) => Some(real),
            Some(_) => return Ok(None),
            None => None,
        },
        None => None,
    };
    if let Some(x) = x {
        let context = current(vm)?;
        if equality {
            add_flags(&context, status::FLOAT_OPERATION);
        } else {
            report(vm, &context, status::FLOAT_OPERATION)?;
        }
        let number = Operand::Owned(from_float(vm, x)?);
        return Ok(Some(Other {
            number,
            factor: None,
        }));
    }
    let rational = state(vm).rational.borrow().clone();
    let Some(rational) = rational else {
        return Ok(None);
    };
    if !vm.is_instance(value, &rational)? {
        return Ok(None);
    }
    let numerator = vm.get_attr(value, name!("numerator"))?;
    let denominator = vm.get_attr(value, name!("denominator"))?;
    let number = Operand::Owned(whole(vm, &numerator, "numerator")?);
    let factor = Some(whole(vm, &denominator, "denominator")?);
    Ok(Some(Other { number, factor }))
}

fn whole(vm: &mut Vm, value: &Value, which: &str) -> Py<Decimal> {
    match int::operand(value) {
        Some(number) => from_int(vm, number),
        None => {
            let name = value.type_of().name();
            Err(vm.type_error(format!("{which} must be an int, not {name}")))
        }
    }
}
