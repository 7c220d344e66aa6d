//! `cmath`: the functions of complex numbers.

use crate::ModuleDef;
use crate::support::add;
use num_complex::Complex64;
use pymath::{Error, cmath};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, MethodDef, Py, Raised, Value, Vm, bound, f1, f2, slice};
use taipan_types::complex;

/// `cmath`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "cmath",
    doc: "This module provides access to mathematical functions for complex\nnumbers.",
    functions: &FUNCTIONS,
    init,
};

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    use std::f64::consts;
    add(dict, "pi", Value::float(consts::PI));
    add(dict, "e", Value::float(consts::E));
    add(dict, "tau", Value::float(consts::TAU));
    add(dict, "inf", Value::float(f64::INFINITY));
    add(dict, "infj", complex::new_complex(0.0, f64::INFINITY));
    add(dict, "nan", Value::float(f64::NAN));
    add(dict, "nanj", complex::new_complex(0.0, f64::NAN));
    Ok(())
}

static FUNCTIONS: [MethodDef; 23] = [
    f1("acos(module, z, /)", acos, "Return the arc cosine of z."),
    f1(
        "acosh(module, z, /)",
        acosh,
        "Return the inverse hyperbolic cosine of z.",
    ),
    f1("asin(module, z, /)", asin, "Return the arc sine of z."),
    f1(
        "asinh(module, z, /)",
        asinh,
        "Return the inverse hyperbolic sine of z.",
    ),
    f1("atan(module, z, /)", atan, "Return the arc tangent of z."),
    f1(
        "atanh(module, z, /)",
        atanh,
        "Return the inverse hyperbolic tangent of z.",
    ),
    f1("cos(module, z, /)", cos, "Return the cosine of z."),
    f1(
        "cosh(module, z, /)",
        cosh,
        "Return the hyperbolic cosine of z.",
    ),
    f1(
        "exp(module, z, /)",
        exp,
        "Return the exponential value e**z.",
    ),
    bound(
        "isclose(module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)",
        isclose,
        "Determine whether two complex numbers are close in value.\n\n\
         \x20 rel_tol\n    maximum difference for being considered \"close\", relative to the\n    magnitude of the input values\n\
         \x20 abs_tol\n    maximum difference for being considered \"close\", regardless of the\n    magnitude of the input values\n\n\
         Return True if a is close in value to b, and False otherwise.\n\n\
         For the values to be considered close, the difference between them must be\n\
         smaller than at least one of the tolerances.\n\n\
         -inf, inf and NaN behave similarly to the IEEE 754 Standard. That is, NaN is\n\
         not close to anything, even itself. inf and -inf are only close to themselves.",
    ),
    f1(
        "isfinite(module, z, /)",
        isfinite,
        "Return True if both the real and imaginary parts of z are finite, else False.",
    ),
    f1(
        "isinf(module, z, /)",
        isinf,
        "Checks if the real or imaginary part of z is infinite.",
    ),
    f1(
        "isnan(module, z, /)",
        isnan,
        "Checks if the real or imaginary part of z not a number (NaN).",
    ),
    slice(
        "log(module, z, base=<unrepresentable>, /)",
        log,
        "log(z[, base]) -> the logarithm of z to the given base.\n\nIf the base is not specified, returns the natural logarithm (base e) of z.",
    ),
    f1(
        "log10(module, z, /)",
        log10,
        "Return the base-10 logarithm of z.",
    ),
    f1(
        "phase(module, z, /)",
        phase,
        "Return argument, also known as the phase angle, of a complex.",
    ),
    f1(
        "polar(module, z, /)",
        polar,
        "Convert a complex from rectangular coordinates to polar coordinates.\n\nr is the distance from 0 and phi the phase angle.",
    ),
    f2(
        "rect(module, r, phi, /)",
        rect,
        "Convert from polar coordinates to rectangular coordinates.",
    ),
    f1("sin(module, z, /)", sin, "Return the sine of z."),
    f1(
        "sinh(module, z, /)",
        sinh,
        "Return the hyperbolic sine of z.",
    ),
    f1("sqrt(module, z, /)", sqrt, "Return the square root of z."),
    f1("tan(module, z, /)", tan, "Return the tangent of z."),
    f1(
        "tanh(module, z, /)",
        tanh,
        "Return the hyperbolic tangent of z.",
    ),
];

/// A complex argument: a number of any kind, or what `__complex__` gives.
fn argument(vm: &mut Vm, value: &Value) -> Py<Complex64> {
    match complex::number_parts(vm, value)? {
        Some((real, imag)) => Ok(Complex64::new(real, imag)),
        None => {
            let message = format!("must be real number, not {}", value.type_of().name());
            Err(vm.type_error(message))
        }
    }
}

#[cold]
fn failed(vm: &mut Vm, error: Error) -> Raised {
    match error {
        Error::EDOM => vm.value_error("math domain error"),
        Error::ERANGE => vm.overflow_error("math range error"),
    }
}

fn finish(vm: &mut Vm, result: pymath::Result<Complex64>) -> Py {
    match result {
        Ok(z) => Ok(complex::new_complex(z.re, z.im)),
        Err(error) => Err(failed(vm, error)),
    }
}

macro_rules! unary {
    ($($name:ident)*) => {
        $(fn $name(vm: &mut Vm, _module: &Value, z: &Value) -> Py {
            let z = argument(vm, z)?;
            finish(vm, cmath::$name(z))
        })*
    };
}

unary! { acos acosh asin asinh atan atanh cos cosh exp log10 sin sinh sqrt tan tanh }

macro_rules! tests {
    ($($name:ident)*) => {
        $(fn $name(vm: &mut Vm, _module: &Value, z: &Value) -> Py {
            Ok(Value::bool(cmath::$name(argument(vm, z)?)))
        })*
    };
}

tests! { isfinite isinf isnan }

fn log(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let Some(z) = args.first() else {
        return Ok(Value::none());
    };
    let z = argument(vm, z)?;
    let base = match args.get(1) {
        Some(base) => Some(argument(vm, base)?),
        None => None,
    };
    finish(vm, cmath::log(z, base))
}

fn phase(vm: &mut Vm, _module: &Value, z: &Value) -> Py {
    let z = argument(vm, z)?;
    match cmath::phase(z) {
        Ok(angle) => Ok(Value::float(angle)),
        Err(error) => Err(failed(vm, error)),
    }
}

fn polar(vm: &mut Vm, _module: &Value, z: &Value) -> Py {
    let z = argument(vm, z)?;
    match cmath::polar(z) {
        Ok((length, angle)) => Ok(new_tuple([Value::float(length), Value::float(angle)])),
        Err(error) => Err(failed(vm, error)),
    }
}

fn rect(vm: &mut Vm, _module: &Value, r: &Value, phi: &Value) -> Py {
    let (r, phi) = (vm.to_f64(r)?, vm.to_f64(phi)?);
    finish(vm, cmath::rect(r, phi))
}

fn isclose(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (a, b) = (argument(vm, args.req(0))?, argument(vm, args.req(1))?);
    let relative = match args.get(2) {
        Some(x) => vm.to_f64(x)?,
        None => 1e-9,
    };
    let absolute = match args.get(3) {
        Some(x) => vm.to_f64(x)?,
        None => 0.0,
    };
    match cmath::isclose(a, b, Some(relative), Some(absolute)) {
        Ok(close) => Ok(Value::bool(close)),
        Err(_) => Err(vm.value_error("tolerances must be non-negative")),
    }
}
