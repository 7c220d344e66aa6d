//! Sums, products and norms over many numbers.

use crate::support::{float_list, to_floats};
use pymath::Error;
use taipan_core::slots::BinaryOp;
use taipan_core::{Bound, Py, Value, Vm};

pub(super) fn fsum(vm: &mut Vm, _module: &Value, iterable: &Value) -> Py {
    let floats = to_floats(vm, iterable)?;
    match pymath::math::fsum(floats) {
        Ok(sum) => Ok(Value::float(sum)),
        Err(Error::EDOM) => Err(vm.value_error("-inf + inf in fsum")),
        Err(Error::ERANGE) => Err(vm.overflow_error("intermediate overflow in fsum")),
    }
}

pub(super) fn hypot(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let mut row: smallvec::SmallVec<[f64; 8]> = smallvec::SmallVec::with_capacity(args.len());
    for value in args {
        row.push(vm.to_f64(value)?);
    }
    Ok(Value::float(pymath::math::hypot(&row)))
}

pub(super) fn dist(vm: &mut Vm, _module: &Value, p: &Value, q: &Value) -> Py {
    let (p, q) = (vm.to_vec(p)?, vm.to_vec(q)?);
    if p.len() != q.len() {
        return Err(vm.value_error("both points must have the same number of dimensions"));
    }
    let mut from = Vec::with_capacity(p.len());
    let mut to = Vec::with_capacity(q.len());
    for (a, b) in p.iter().zip(&q) {
        from.push(vm.to_f64(a)?);
        to.push(vm.to_f64(b)?);
    }
    Ok(Value::float(pymath::math::dist(&from, &to)))
}

pub(super) fn prod(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let mut product = args.get(1).cloned().unwrap_or(Value::from_i32(1));
    if let Some(floats) = float_list(vm, args.req(0))
        && let Some(start) = product
            .as_float()
            .or_else(|| product.small_int().map(|i| i as f64))
        && !floats.is_empty()
    {
        return Ok(Value::float(floats.iter().fold(start, |acc, x| acc * x)));
    }
    let iterator = vm.iter(args.req(0))?;
    while let Some(item) = vm.next(&iterator)? {
        product = match product.mul_small_ints(&item) {
            Some(next) => next,
            None => vm.binary(BinaryOp::Multiply, &product, &item)?,
        };
    }
    Ok(product)
}

/// What a pair of factors allows.
#[derive(Clone, Copy, PartialEq)]
enum Pair {
    Ints(i64, i64),
    Floats(f64, f64),
    Other,
}

fn pair_of(a: &Value, b: &Value) -> Pair {
    match (a.small_int(), b.small_int()) {
        (Some(x), Some(y)) => return Pair::Ints(x, y),
        (Some(x), None) if b.is_float() && b.is_exact(&taipan_core::builtin_types::FLOAT) => {
            return Pair::Floats(x as f64, b.as_float().unwrap_or(0.0));
        }
        (None, Some(y)) if a.is_exact(&taipan_core::builtin_types::FLOAT) => {
            return Pair::Floats(a.as_float().unwrap_or(0.0), y as f64);
        }
        _ => {}
    }
    let float = &taipan_core::builtin_types::FLOAT;
    match (a.as_float(), b.as_float()) {
        (Some(x), Some(y)) if a.is_exact(float) && b.is_exact(float) => Pair::Floats(x, y),
        _ => Pair::Other,
    }
}

/// The sum of a run of float products, in extended precision unless something is not finite.
fn float_run(p: &[f64], q: &[f64]) -> f64 {
    match pymath::math::sumprod(p, q) {
        Ok(sum) if sum.is_finite() => sum,
        _ => p.iter().zip(q).fold(0.0, |sum, (x, y)| sum + x * y),
    }
}

pub(super) fn sumprod(vm: &mut Vm, _module: &Value, p: &Value, q: &Value) -> Py {
    const UNEQUAL: &str = "Inputs are not the same length";
    if let (Some(left), Some(right)) = (float_list(vm, p), float_list(vm, q)) {
        if left.len() != right.len() {
            return Err(vm.value_error(UNEQUAL));
        }
        return Ok(Value::float(float_run(&left, &right)));
    }
    let (left, right) = (vm.iter(p)?, vm.iter(q)?);
    let mut total = Value::from_i32(0);
    let mut ints: i64 = 0;
    let (mut xs, mut ys) = (Vec::new(), Vec::new());
    loop {
        let pair = match (vm.next(&left)?, vm.next(&right)?) {
            (Some(a), Some(b)) => Some((a, b)),
            (None, None) => None,
            _ => return Err(vm.value_error(UNEQUAL)),
        };
        let kind = pair.as_ref().map(|(a, b)| pair_of(a, b));
        if let Some(Pair::Floats(x, y)) = kind {
            xs.push(x);
            ys.push(y);
            continue;
        }
        if let Some(Pair::Ints(x, y)) = kind
            && let Some(sum) = x
                .checked_mul(y)
                .and_then(|product| ints.checked_add(product))
        {
            ints = sum;
            continue;
        }
        // Something that fits neither run: both are closed, and a new one may begin behind it.
        if ints != 0 {
            total = vm.binary(BinaryOp::Add, &total, &Value::int(ints))?;
            ints = 0;
        }
        if !xs.is_empty() {
            let sum = Value::float(float_run(&xs, &ys));
            total = vm.binary(BinaryOp::Add, &total, &sum)?;
            xs.clear();
            ys.clear();
        }
        let Some((a, b)) = pair else { return Ok(total) };
        let product = vm.binary(BinaryOp::Multiply, &a, &b)?;
        total = vm.binary(BinaryOp::Add, &total, &product)?;
    }
}
