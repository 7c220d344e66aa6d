//! `math`: the functions of real numbers. Those of whole numbers are in `integer`, sums and norms in `sums`.

mod integer;
mod sums;

use crate::ModuleDef;
use crate::support::add;
use pymath::Error;
use taipan_base::{float_text, int_text};
use taipan_core::builtin_types::FLOAT;
use taipan_core::native::Effects;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, MethodDef, Py, Raised, Value, Vm, bound, f1, f2, name, slice};
use taipan_types::{float, int};

/// `math`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "math",
    doc: "This module provides access to the mathematical functions\ndefined by the C standard.",
    functions: &FUNCTIONS,
    init,
};

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    use std::f64::consts;
    add(dict, "pi", Value::float(consts::PI));
    add(dict, "e", Value::float(consts::E));
    add(dict, "tau", Value::float(consts::TAU));
    add(dict, "inf", Value::float(f64::INFINITY));
    add(dict, "nan", Value::float(f64::NAN));
    Ok(())
}

static FUNCTIONS: [MethodDef; 57] = [
    f1(
        "acos(module, x, /)",
        acos,
        "Return the arc cosine (measured in radians) of x.\n\nThe result is between 0 and pi.",
    ),
    f1(
        "acosh(module, x, /)",
        acosh,
        "Return the inverse hyperbolic cosine of x.",
    ),
    f1(
        "asin(module, x, /)",
        asin,
        "Return the arc sine (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2.",
    ),
    f1(
        "asinh(module, x, /)",
        asinh,
        "Return the inverse hyperbolic sine of x.",
    ),
    f1(
        "atan(module, x, /)",
        atan,
        "Return the arc tangent (measured in radians) of x.\n\nThe result is between -pi/2 and pi/2.",
    ),
    f2(
        "atan2(module, y, x, /)",
        atan2,
        "Return the arc tangent (measured in radians) of y/x.\n\nUnlike atan(y/x), the signs of both x and y are considered.",
    ),
    f1(
        "atanh(module, x, /)",
        atanh,
        "Return the inverse hyperbolic tangent of x.",
    ),
    f1("cbrt(module, x, /)", cbrt, "Return the cube root of x."),
    f1(
        "ceil(module, x, /)",
        ceil,
        "Return the ceiling of x as an Integral.\n\nThis is the smallest integer >= x.",
    ),
    f2(
        "copysign(module, x, y, /)",
        copysign,
        "Return a float with the magnitude (absolute value) of x but the sign of y.\n\nOn platforms that support signed zeros, copysign(1.0, -0.0)\nreturns -1.0.\n",
    ),
    f1(
        "cos(module, x, /)",
        cos,
        "Return the cosine of x (measured in radians).",
    ),
    f1(
        "cosh(module, x, /)",
        cosh,
        "Return the hyperbolic cosine of x.",
    ),
    f1(
        "degrees(module, x, /)",
        degrees,
        "Convert angle x from radians to degrees.",
    ),
    f2(
        "dist(module, p, q, /)",
        sums::dist,
        "Return the Euclidean distance between two points p and q.\n\nThe points are sequences (or iterables) of coordinates, of the same dimension.",
    ),
    f1("erf(module, x, /)", erf, "Error function at x."),
    f1(
        "erfc(module, x, /)",
        erfc,
        "Complementary error function at x.",
    ),
    f1(
        "exp(module, x, /)",
        exp,
        "Return e raised to the power of x.",
    ),
    f1(
        "exp2(module, x, /)",
        exp2,
        "Return 2 raised to the power of x.",
    ),
    f1(
        "expm1(module, x, /)",
        expm1,
        "Return exp(x)-1.\n\nThis function avoids the loss of precision involved in the direct evaluation of exp(x)-1 for small x.",
    ),
    f1(
        "fabs(module, x, /)",
        fabs,
        "Return the absolute value of the float x.",
    ),
    f1("factorial(module, n, /)", integer::factorial, "Find n!."),
    f1(
        "floor(module, x, /)",
        floor,
        "Return the floor of x as an Integral.\n\nThis is the largest integer <= x.",
    ),
    slice(
        "fma(module, x, y, z, /)",
        fma,
        "Fused multiply-add operation.\n\nCompute (x * y) + z with a single round.",
    ),
    f2(
        "fmod(module, x, y, /)",
        fmod,
        "Return fmod(x, y), according to platform C.\n\nx % y may differ.",
    ),
    f1(
        "frexp(module, x, /)",
        frexp,
        "Return the mantissa and exponent of x, as pair (m, e).\n\nm is a float and e is an int, such that x = m * 2.**e.\nIf x is 0, m and e are both 0.  Else 0.5 <= abs(m) < 1.0.",
    ),
    f1(
        "fsum(module, seq, /)",
        sums::fsum,
        "Return an accurate floating-point sum of values in the iterable seq.\n\nAssumes IEEE-754 floating-point arithmetic.",
    ),
    f1("gamma(module, x, /)", gamma, "Gamma function at x."),
    slice(
        "gcd(module, /, *integers)",
        integer::gcd,
        "Greatest Common Divisor.",
    ),
    slice(
        "hypot(module, /, *coordinates)",
        sums::hypot,
        "Multidimensional Euclidean distance from the origin to a point.\n\nRoughly equivalent to:\n    sqrt(sum(x**2 for x in coordinates))\n\nFor a two dimensional point (x, y), gives the hypotenuse\nusing the Pythagorean theorem:  sqrt(x*x + y*y).",
    ),
    bound(
        "isclose(module, /, a, b, *, rel_tol=1e-09, abs_tol=0.0)",
        isclose,
        "Determine whether two floating-point numbers are close in value.\n\n  rel_tol\n    maximum difference for being considered \"close\", relative to the\n    magnitude of the input values\n  abs_tol\n    maximum difference for being considered \"close\", regardless of the\n    magnitude of the input values\n\nReturn True if a is close in value to b, and False otherwise.",
    ),
    f1(
        "isfinite(module, x, /)",
        isfinite,
        "Return True if x is neither an infinity nor a NaN, and False otherwise.",
    ),
    f1(
        "isinf(module, x, /)",
        isinf,
        "Return True if x is a positive or negative infinity, and False otherwise.",
    ),
    f1(
        "isnan(module, x, /)",
        isnan,
        "Return True if x is a NaN (not a number), and False otherwise.",
    ),
    f1(
        "isqrt(module, n, /)",
        integer::isqrt,
        "Return the integer part of the square root of the input.",
    ),
    slice(
        "lcm(module, /, *integers)",
        integer::lcm,
        "Least Common Multiple.",
    ),
    f2(
        "ldexp(module, x, i, /)",
        ldexp,
        "Return x * (2**i).\n\nThis is essentially the inverse of frexp().",
    ),
    f1(
        "lgamma(module, x, /)",
        lgamma,
        "Natural logarithm of absolute value of Gamma function at x.",
    ),
    slice(
        "log(module, x, base=math.e, /)",
        log,
        "log(x, [base=math.e])\nReturn the logarithm of x to the given base.\n\nIf the base is not specified, returns the natural logarithm (base e) of x.",
    ),
    f1(
        "log10(module, x, /)",
        log10,
        "Return the base 10 logarithm of x.",
    ),
    f1(
        "log1p(module, x, /)",
        log1p,
        "Return the natural logarithm of 1+x (base e).\n\nThe result is computed in a way which is accurate for x near zero.",
    ),
    f1(
        "log2(module, x, /)",
        log2,
        "Return the base 2 logarithm of x.",
    ),
    f1(
        "modf(module, x, /)",
        modf,
        "Return the fractional and integer parts of x.\n\nBoth results carry the sign of x and are floats.",
    ),
    bound(
        "nextafter(module, x, y, /, *, steps=None)",
        nextafter,
        "Return the floating-point value the given number of steps after x towards y.\n\nIf steps is not specified or is None, it defaults to 1.\n\nRaises a TypeError, if x or y is not a double, or if steps is not an integer.\nRaises ValueError if steps is negative.",
    ),
    slice(
        "perm(module, n, k=None, /)",
        integer::perm,
        "Number of ways to choose k items from n items without repetition and with order.\n\nEvaluates to n! / (n - k)! when k <= n and evaluates\nto zero when k > n.\n\nIf k is not specified or is None, then k defaults to n\nand the function returns n!.\n\nRaises TypeError if either of the arguments are not integers.\nRaises ValueError if either of the arguments are negative.",
    ),
    f2(
        "comb(module, n, k, /)",
        integer::comb,
        "Number of ways to choose k items from n items without repetition and without order.\n\nEvaluates to n! / (k! * (n - k)!) when k <= n and evaluates\nto zero when k > n.\n\nRaises TypeError if either of the arguments are not integers.\nRaises ValueError if either of the arguments are negative.",
    ),
    f2(
        "pow(module, x, y, /)",
        pow,
        "Return x**y (x to the power of y).",
    ),
    bound(
        "prod(module, iterable, /, *, start=1)",
        sums::prod,
        "Calculate the product of all the elements in the input iterable.\n\nThe default start value for the product is 1.\n\nWhen the iterable is empty, return the start value.  This function is\nintended specifically for use with numeric values and may reject\nnon-numeric types.",
    ),
    f1(
        "radians(module, x, /)",
        radians,
        "Convert angle x from degrees to radians.",
    ),
    f2(
        "remainder(module, x, y, /)",
        remainder,
        "Difference between x and the closest integer multiple of y.\n\nReturn x - n*y where n*y is the closest integer multiple of y.\nIn the case where x is exactly halfway between two multiples of\ny, the nearest even value of n is used. The result is always exact.",
    ),
    f1(
        "sin(module, x, /)",
        sin,
        "Return the sine of x (measured in radians).",
    )
    .effects(Effects::ANY),
    f1(
        "sinh(module, x, /)",
        sinh,
        "Return the hyperbolic sine of x.",
    ),
    f1("sqrt(module, x, /)", sqrt, "Return the square root of x."),
    f2(
        "sumprod(module, p, q, /)",
        sums::sumprod,
        "Return the sum of products of values from two iterables p and q.\n\nRoughly equivalent to:\n\n    sum(itertools.starmap(operator.mul, zip(p, q, strict=True)))\n\nFor float and mixed int/float inputs, the intermediate products\nand sums are computed with extended precision.",
    ),
    f1(
        "tan(module, x, /)",
        tan,
        "Return the tangent of x (measured in radians).",
    ),
    f1(
        "tanh(module, x, /)",
        tanh,
        "Return the hyperbolic tangent of x.",
    ),
    f1(
        "trunc(module, x, /)",
        trunc,
        "Truncates the Real x to the nearest Integral toward 0.\n\nUses the __trunc__ magic method.",
    ),
    f1(
        "ulp(module, x, /)",
        ulp,
        "Return the value of the least significant bit of the float x.",
    ),
];

// ---- functions of one number ----

#[cold]
pub(super) fn range_error(vm: &mut Vm) -> Raised {
    vm.overflow_error("math range error")
}

/// `domain` may hold `{}` for the argument.
#[cold]
fn failed(vm: &mut Vm, error: Error, domain: &str, x: f64) -> Raised {
    match error {
        Error::EDOM => vm.value_error(domain.replace("{}", &float_text::repr(x))),
        Error::ERANGE => range_error(vm),
    }
}

macro_rules! unary {
    ($($name:ident $domain:literal;)*) => {
        $(fn $name(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
            let x = vm.to_f64(x)?;
            match pymath::math::$name(x) {
                Ok(y) => Ok(Value::float(y)),
                Err(error) => Err(failed(vm, error, $domain, x)),
            }
        })*
    };
}

unary! {
    acos "expected a number in range from -1 up to 1, got {}";
    acosh "expected argument value not less than 1, got {}";
    asin "expected a number in range from -1 up to 1, got {}";
    asinh "math domain error";
    atan "math domain error";
    atanh "expected a number between -1 and 1, got {}";
    cbrt "math domain error";
    cos "expected a finite input, got {}";
    cosh "math domain error";
    erf "math domain error";
    erfc "math domain error";
    exp "math domain error";
    exp2 "math domain error";
    expm1 "math domain error";
    fabs "math domain error";
    gamma "expected a noninteger or positive integer, got {}";
    lgamma "expected a noninteger or positive integer, got {}";
    log1p "expected argument value > -1, got {}";
    sin "expected a finite input, got {}";
    sinh "math domain error";
    sqrt "expected a nonnegative input, got {}";
    tan "expected a finite input, got {}";
    tanh "math domain error";
}

macro_rules! plain {
    ($($name:ident |$x:ident| $body:expr;)*) => {
        $(fn $name(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
            let $x = vm.to_f64(x)?;
            Ok($body)
        })*
    };
}

plain! {
    degrees |x| Value::float(x * (180.0 / std::f64::consts::PI));
    radians |x| Value::float(x * (std::f64::consts::PI / 180.0));
    isfinite |x| Value::bool(x.is_finite());
    isinf |x| Value::bool(x.is_infinite());
    isnan |x| Value::bool(x.is_nan());
    ulp |x| Value::float(pymath::math::ulp(x));
}

fn modf(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    let (fraction, whole) = pymath::math::modf(vm.to_f64(x)?);
    Ok(new_tuple([Value::float(fraction), Value::float(whole)]))
}

fn frexp(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    let (mantissa, exponent) = pymath::math::frexp(vm.to_f64(x)?);
    Ok(new_tuple([
        Value::float(mantissa),
        Value::from_i32(exponent),
    ]))
}

// ---- functions of more numbers ----

macro_rules! binary {
    ($($name:ident;)*) => {
        $(fn $name(vm: &mut Vm, _module: &Value, x: &Value, y: &Value) -> Py {
            let (x, y) = (vm.to_f64(x)?, vm.to_f64(y)?);
            match pymath::math::$name(x, y) {
                Ok(z) => Ok(Value::float(z)),
                Err(error) => Err(failed(vm, error, "math domain error", x)),
            }
        })*
    };
}

binary! {
    atan2;
    copysign;
    fmod;
    pow;
    remainder;
}

fn ldexp(vm: &mut Vm, _module: &Value, x: &Value, exponent: &Value) -> Py {
    let x = vm.to_f64(x)?;
    if !exponent.is_int() {
        return Err(vm.type_error("Expected an int as second argument to ldexp."));
    }
    let exponent = vm.index_clamped(exponent)?;
    if x == 0.0 || !x.is_finite() {
        return Ok(Value::float(x));
    }
    let limited = exponent.clamp(-100_000, 100_000) as i32;
    match pymath::math::ldexp(x, limited) {
        Ok(y) => Ok(Value::float(y)),
        Err(_) => Err(range_error(vm)),
    }
}

fn fma(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let [x, y, z] = args else {
        return Err(vm.type_error(format!("fma expected 3 arguments, got {}", args.len())));
    };
    let (x, y, z) = (vm.to_f64(x)?, vm.to_f64(y)?, vm.to_f64(z)?);
    let result = x.mul_add(y, z);
    if result.is_finite() {
        return Ok(Value::float(result));
    }
    if result.is_nan() {
        if !x.is_nan() && !y.is_nan() && !z.is_nan() {
            return Err(vm.value_error("invalid operation in fma"));
        }
    } else if x.is_finite() && y.is_finite() && z.is_finite() {
        return Err(vm.overflow_error("overflow in fma"));
    }
    Ok(Value::float(result))
}

fn nextafter(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (x, y) = (vm.to_f64(args.req(0))?, vm.to_f64(args.req(1))?);
    let steps = match args.get(2) {
        Some(steps) if !steps.is_none() => {
            let steps = vm.index_clamped(steps)?;
            match u64::try_from(steps) {
                Ok(steps) => Some(steps),
                Err(_) => return Err(vm.value_error("steps must be a non-negative integer")),
            }
        }
        _ => None,
    };
    Ok(Value::float(pymath::math::nextafter(x, y, steps)))
}

fn isclose(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (a, b) = (vm.to_f64(args.req(0))?, vm.to_f64(args.req(1))?);
    let relative = match args.get(2) {
        Some(x) => vm.to_f64(x)?,
        None => 1e-9,
    };
    let absolute = match args.get(3) {
        Some(x) => vm.to_f64(x)?,
        None => 0.0,
    };
    match pymath::math::isclose(a, b, Some(relative), Some(absolute)) {
        Ok(close) => Ok(Value::bool(close)),
        Err(_) => Err(vm.value_error("tolerances must be non-negative")),
    }
}

// ---- logarithms ----

/// A positive number as `mantissa * 2 ** exponent`; exponent 0 unless it is an int too large for a double.
fn log_argument(vm: &mut Vm, x: &Value) -> Py<(f64, i64)> {
    if !x.is_int() {
        let x = vm.to_f64(x)?;
        if x <= 0.0 {
            let text = float_text::repr(x);
            return Err(vm.value_error(format!("expected a positive input, got {text}")));
        }
        return Ok((x, 0));
    }
    let (mantissa, exponent) = match int::operand(x) {
        Some(int::Operand::Small(i)) => (i as f64, 0),
        Some(int::Operand::Big(big)) => match int_text::ibig_to_f64(big) {
            Some(x) => (x, 0),
            None => big_mantissa(big),
        },
        None => (0.0, 0),
    };
    if mantissa <= 0.0 {
        return Err(vm.value_error("expected a positive input"));
    }
    Ok((mantissa, exponent))
}

/// A number beyond the doubles as a mantissa in 0.5 .. 1, correctly rounded, and an exponent.
fn big_mantissa(big: &dashu_int::IBig) -> (f64, i64) {
    const KEPT: usize = 200;
    let bits = int::Operand::Big(big).bit_length();
    let dropped = bits - KEPT;
    let mut top = big >> dropped;
    if (&top << dropped) != *big {
        top |= dashu_int::IBig::ONE;
    }
    let scale = 2f64.powi(KEPT as i32);
    match int_text::ibig_to_f64(&top) {
        Some(x) => (x / scale, bits as i64),
        None => (0.0, 0),
    }
}

fn logarithm(vm: &mut Vm, x: &Value, function: fn(f64) -> f64) -> Py<f64> {
    let (mantissa, exponent) = log_argument(vm, x)?;
    if exponent == 0 {
        return Ok(function(mantissa));
    }
    Ok(function(2.0).mul_add(exponent as f64, function(mantissa)))
}

fn log(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let Some(x) = args.first() else {
        return Err(vm.type_error("log expected at least 1 argument, got 0"));
    };
    let number = logarithm(vm, x, f64::ln)?;
    let Some(base) = args.get(1) else {
        return Ok(Value::float(number));
    };
    let base = logarithm(vm, base, f64::ln)?;
    float::true_divide(vm, &Value::float(number), &Value::float(base))
}

fn log2(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    Ok(Value::float(logarithm(vm, x, f64::log2)?))
}

fn log10(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    Ok(Value::float(logarithm(vm, x, f64::log10)?))
}

// ---- rounding ----

fn ceil(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    if !x.is_exact(&FLOAT)
        && let Some(result) = vm.call_special(x, name!("__ceil__"), &[])?
    {
        return Ok(result);
    }
    let x = vm.to_f64(x)?;
    float::to_int(vm, x.ceil())
}

fn floor(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    if !x.is_exact(&FLOAT)
        && let Some(result) = vm.call_special(x, name!("__floor__"), &[])?
    {
        return Ok(result);
    }
    let x = vm.to_f64(x)?;
    float::to_int(vm, x.floor())
}

fn trunc(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    if x.is_exact(&FLOAT) {
        return float::to_int(vm, x.as_float().unwrap_or(0.0));
    }
    match vm.call_special(x, name!("__trunc__"), &[])? {
        Some(result) => Ok(result),
        None => {
            let message = format!(
                "type {} doesn't define __trunc__ method",
                x.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}
