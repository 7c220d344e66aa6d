//! `complex`: pairs of doubles. The arithmetic itself is in `arithmetic`, reading text in `parse`.

pub mod arithmetic;
mod parse;

use crate::int;
use crate::number::zero_division;
use arithmetic::Parts;
use taipan_base::float_text::{FloatFlags, push_float};
use taipan_base::int_text;
use taipan_core::builtin_types::{COMPLEX, DEPRECATION_WARNING};
use taipan_core::slots::BinaryOp;
use taipan_core::str_object::{new_ascii, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Bound, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, bound, f0, f1, getter,
};

/// Payload of complex numbers.
pub struct ComplexObject {
    pub real: f64,
    pub imag: f64,
}

// SAFETY: holds no references.
#[expect(unsafe_code, reason = "a payload without references")]
unsafe impl Payload for ComplexObject {
    fn type_object() -> &'static TypeObject {
        &COMPLEX
    }
}

/// `complex`.
pub static SPEC: TypeSpec = TypeSpec {
    name: "complex",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: SLOTS,
    methods: &METHODS,
    getset: &GETSET,
    doc: "complex(real=0, imag=0)\n--\n\nCreate a complex number from a string or numbers.\n\n\
          A string is parsed as a complex number; a single number is converted to one. With 'real' or\n\
          'imag' the complex number has these parts.",
    ..TypeSpec::DEFAULT
};

static LAYOUT: Layout = Layout::of::<ComplexObject>();

const SLOTS: Slots = Slots {
    new: Some(new),
    repr: Some(repr),
    hash: Some(hash),
    compare: Some(compare),
    bool: Some(truth),
    negative: Some(negative),
    positive: Some(exact),
    absolute: Some(absolute),
    power: Some(power),
    ..Slots::NONE
}
.with_binary(BinaryOp::Add, add)
.with_binary(BinaryOp::Subtract, subtract)
.with_binary(BinaryOp::Multiply, multiply)
.with_binary(BinaryOp::TrueDivide, true_divide);

static METHODS: [MethodDef; 5] = [
    f0(
        "conjugate(self, /)",
        conjugate,
        "Return the complex conjugate of its argument. (3-4j).conjugate() == 3+4j.",
    ),
    f0(
        "__complex__(self, /)",
        exact,
        "Convert this value to exact type complex.",
    ),
    f0("__getnewargs__(self, /)", getnewargs, ""),
    f1(
        "__format__(self, format_spec, /)",
        crate::format::format_complex,
        "Convert to a string according to format_spec.",
    ),
    f1(
        "from_number(type, number, /)",
        from_number,
        "Convert number to a complex floating-point number.",
    )
    .class_method(),
];

static GETSET: [GetSetDef; 2] = [
    getter("real", real, "the real part of a complex number").member(),
    getter("imag", imag, "the imaginary part of a complex number").member(),
];

/// Defines the type.
pub fn define() {
    COMPLEX.define(&SPEC);
}

/// A complex number.
pub fn new_complex(real: f64, imag: f64) -> Value {
    taipan_core::alloc::new_object(ComplexObject { real, imag })
}

/// The parts of a `complex` or an instance of a subclass.
pub fn parts_of(value: &Value) -> Option<Parts> {
    value.cast::<ComplexObject>().map(|c| (c.real, c.imag))
}

fn own(value: &Value) -> Parts {
    let object = value.expect::<ComplexObject>();
    (object.real, object.imag)
}

// ---- construction ----

static NEW: MethodDef = bound("complex(real=0, imag=0)", |_, _, _| Ok(Value::none()), "");

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let bound = taipan_core::bind::bind(vm, &NEW, args)?;
    let single = !args.has_keywords() && bound.get(1).is_none();
    if let (Some(x), true) = (bound.get(0), single) {
        if x.is_exact(&COMPLEX) && std::ptr::eq(cls, &COMPLEX) {
            return Ok(x.clone());
        }
        let parts = from_single(vm, x)?;
        return Ok(of_class(cls, parts));
    }
    let parts = from_two(vm, &bound)?;
    Ok(of_class(cls, parts))
}

fn of_class(cls: &TypeObject, (real, imag): Parts) -> Value {
    taipan_core::alloc::new_instance(cls, ComplexObject { real, imag })
}

/// `complex(x)`
fn from_single(vm: &mut Vm, x: &Value) -> Py<Parts> {
    if let Some(text) = str_of(x) {
        let ascii = match text.ascii() {
            Some(ascii) => parse::parse(ascii.as_bytes()),
            None => parse::parse(&int::ascii_digits(text)),
        };
        return match ascii {
            Ok(parts) => Ok(parts),
            Err(parse::Malformed::Text) => {
                Err(vm.value_error("complex() arg is a malformed string"))
            }
            Err(parse::Malformed::Underscore) => {
                let shown = vm.repr_string(x)?;
                Err(vm.value_error(format!("could not convert string to complex: {shown}")))
            }
        };
    }
    if let Some(parts) = number_parts(vm, x)? {
        return Ok(parts);
    }
    let message = format!(
        "complex() argument must be a string or a number, not {}",
        x.type_of().name()
    );
    Err(vm.type_error(message))
}

/// `complex(real, imag)`; either may still be complex, with a warning.
fn from_two(vm: &mut Vm, bound: &Bound) -> Py<Parts> {
    let mut parts = (0.0, 0.0);
    // A real number's missing imaginary part takes part in no sum: that would lose the sign of a zero.
    let mut complex = false;
    if let Some(real) = bound.get(0) {
        let converted = match special_complex(vm, real)? {
            Some(parts) => {
                not_real_warning(vm, "real", real)?;
                complex = true;
                Some(parts)
            }
            None => real_part(vm, real)?.map(|x| (x, 0.0)),
        };
        match converted {
            Some(converted) => parts = converted,
            None => return Err(not_real(vm, "real", real)),
        }
    }
    if let Some(imag) = bound.get(1) {
        match parts_of(imag) {
            Some((x, y)) => {
                not_real_warning(vm, "imag", imag)?;
                parts = (parts.0 - y, parts.1 + x);
            }
            None => match real_part(vm, imag)? {
                Some(x) if complex => parts.1 += x,
                Some(x) => parts.1 = x,
                None => return Err(not_real(vm, "imag", imag)),
            },
        }
    }
    Ok(parts)
}

fn not_real_warning(vm: &mut Vm, which: &str, value: &Value) -> Py<()> {
    let message = not_real_text(which, value);
    vm.warn(&DEPRECATION_WARNING, &message, 1)
}

fn not_real(vm: &mut Vm, which: &str, value: &Value) -> taipan_core::Raised {
    let message = not_real_text(which, value);
    vm.type_error(message)
}

fn not_real_text(which: &str, value: &Value) -> String {
    format!(
        "complex() argument '{which}' must be a real number, not {}",
        value.type_of().name()
    )
}

/// A complex number, or what `__complex__` gives.
fn special_complex(vm: &mut Vm, x: &Value) -> Py<Option<Parts>> {
    if x.is_exact(&COMPLEX) {
        return Ok(parts_of(x));
    }
    if !x.is_object() {
        return Ok(None);
    }
    let Some(result) = vm.call_special(x, taipan_core::name!("__complex__"), &[])? else {
        return Ok(None);
    };
    let Some(parts) = parts_of(&result) else {
        let message = format!(
            "__complex__ returned non-complex (type {})",
            result.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    if !result.is_exact(&COMPLEX) {
        let message = format!(
            "__complex__ returned non-complex (type {}).  The ability to return an instance of a strict subclass of \
             complex is deprecated, and may not be supported in a future version of Python.",
            result.type_of().name()
        );
        vm.warn(&DEPRECATION_WARNING, &message, 1)?;
    }
    Ok(Some(parts))
}

/// A real number as a double, if `x` is one.
fn real_part(vm: &mut Vm, x: &Value) -> Py<Option<f64>> {
    let slots = x.type_of().slots();
    if slots.float.is_none() && slots.index.is_none() {
        return Ok(None);
    }
    vm.to_f64(x).map(Some)
}

/// Any number as a complex one: what `cmath` accepts too.
pub fn number_parts(vm: &mut Vm, x: &Value) -> Py<Option<Parts>> {
    match special_complex(vm, x)? {
        Some(parts) => Ok(Some(parts)),
        None => Ok(real_part(vm, x)?.map(|x| (x, 0.0))),
    }
}

fn from_number(vm: &mut Vm, cls: &Value, number: &Value) -> Py {
    let itself = cls.is(&COMPLEX.to_value());
    if itself && number.is_exact(&COMPLEX) {
        return Ok(number.clone());
    }
    let Some((real, imag)) = number_parts(vm, number)? else {
        let message = format!("must be real number, not {}", number.type_of().name());
        return Err(vm.type_error(message));
    };
    let complex = new_complex(real, imag);
    if itself {
        return Ok(complex);
    }
    vm.call(cls, &[complex])
}

// ---- basics ----

fn repr(_vm: &mut Vm, value: &Value) -> Py {
    Ok(new_ascii(text(own(value)).as_bytes()))
}

/// `repr` of a complex number: `(1+2j)`, or `2j` if the real part is plus zero.
pub fn text((real, imag): Parts) -> String {
    let mut out = String::new();
    if real == 0.0 && real.is_sign_positive() {
        push_float(&mut out, imag, 'r', 0, FloatFlags::default());
        out.push('j');
        return out;
    }
    out.push('(');
    push_float(&mut out, real, 'r', 0, FloatFlags::default());
    let signed = FloatFlags {
        always_sign: true,
        ..FloatFlags::default()
    };
    push_float(&mut out, imag, 'r', 0, signed);
    out.push_str("j)");
    out
}

fn hash(_vm: &mut Vm, value: &Value) -> Py<i64> {
    let (real, imag) = own(value);
    let by_identity = value.bits().rotate_right(4) as i64;
    let part = |x: f64| int_text::hash_f64(x).unwrap_or(by_identity);
    Ok(int_text::hash_complex(part(real), part(imag)))
}

fn truth(_vm: &mut Vm, value: &Value) -> Py<bool> {
    let (real, imag) = own(value);
    Ok(real != 0.0 || imag != 0.0)
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let Some((real, imag)) = parts_of(a) else {
        return Ok(Value::not_implemented());
    };
    let equal = if let Some((other_real, other_imag)) = parts_of(b) {
        real == other_real && imag == other_imag
    } else if b.is_float() || b.is_int() {
        imag == 0.0 && crate::float::compare(vm, &Value::float(real), b, CompareOp::Eq)?.is_true()
    } else {
        return Ok(Value::not_implemented());
    };
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

fn exact(_vm: &mut Vm, value: &Value) -> Py {
    if value.is_exact(&COMPLEX) {
        return Ok(value.clone());
    }
    let (real, imag) = own(value);
    Ok(new_complex(real, imag))
}

fn real(_vm: &mut Vm, value: &Value) -> Py {
    Ok(Value::float(own(value).0))
}

fn imag(_vm: &mut Vm, value: &Value) -> Py {
    Ok(Value::float(own(value).1))
}

fn conjugate(_vm: &mut Vm, value: &Value) -> Py {
    let (real, imag) = own(value);
    Ok(new_complex(real, -imag))
}

fn getnewargs(_vm: &mut Vm, value: &Value) -> Py {
    let (real, imag) = own(value);
    Ok(new_tuple([Value::float(real), Value::float(imag)]))
}

// ---- arithmetic ----

/// A complex operand, or a real one, whose missing imaginary part takes part in no computation.
enum Operand {
    Complex(Parts),
    Real(f64),
}

fn operand(vm: &mut Vm, value: &Value) -> Py<Option<Operand>> {
    if let Some(x) = value.as_float() {
        return Ok(Some(Operand::Real(x)));
    }
    if value.is_int() {
        return Ok(Some(Operand::Real(int::to_f64(vm, value)?)));
    }
    Ok(parts_of(value).map(Operand::Complex))
}

macro_rules! operands {
    ($vm:ident, $a:ident, $b:ident) => {
        match (operand($vm, $a)?, operand($vm, $b)?) {
            (Some(a), Some(b)) => (a, b),
            _ => return Ok(Value::not_implemented()),
        }
    };
}

fn add(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    use Operand::{Complex, Real};
    let (real, imag) = match operands!(vm, a, b) {
        (Complex(a), Complex(b)) => (a.0 + b.0, a.1 + b.1),
        (Complex(a), Real(b)) => (a.0 + b, a.1),
        (Real(a), Complex(b)) => (a + b.0, b.1),
        (Real(a), Real(b)) => (a + b, 0.0),
    };
    Ok(new_complex(real, imag))
}

fn subtract(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    use Operand::{Complex, Real};
    let (real, imag) = match operands!(vm, a, b) {
        (Complex(a), Complex(b)) => (a.0 - b.0, a.1 - b.1),
        (Complex(a), Real(b)) => (a.0 - b, a.1),
        (Real(a), Complex(b)) => (a - b.0, -b.1),
        (Real(a), Real(b)) => (a - b, 0.0),
    };
    Ok(new_complex(real, imag))
}

fn multiply(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    use Operand::{Complex, Real};
    let (real, imag) = match operands!(vm, a, b) {
        (Complex(a), Complex(b)) => arithmetic::product(a, b),
        (Complex(a), Real(b)) => (a.0 * b, a.1 * b),
        (Real(a), Complex(b)) => (a * b.0, a * b.1),
        (Real(a), Real(b)) => (a * b, 0.0),
    };
    Ok(new_complex(real, imag))
}

fn true_divide(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    use Operand::{Complex, Real};
    let quotient = match operands!(vm, a, b) {
        (Complex(a), Complex(b)) => arithmetic::quotient(a, b),
        (Complex(a), Real(b)) if b != 0.0 => Some((a.0 / b, a.1 / b)),
        (Real(a), Complex(b)) => arithmetic::real_quotient(a, b),
        (Real(a), Real(b)) if b != 0.0 => Some((a / b, 0.0)),
        _ => None,
    };
    match quotient {
        Some((real, imag)) => Ok(new_complex(real, imag)),
        None => Err(zero_division(vm, "division by zero")),
    }
}

fn power(vm: &mut Vm, a: &Value, b: &Value, modulus: &Value) -> Py {
    let (a, b) = operands!(vm, a, b);
    if !modulus.is_none() {
        return Err(vm.value_error("complex modulo"));
    }
    let parts = |operand: Operand| match operand {
        Operand::Complex(parts) => parts,
        Operand::Real(x) => (x, 0.0),
    };
    power_parts(vm, parts(a), parts(b))
}

/// `a ** b`
pub fn power_parts(vm: &mut Vm, a: Parts, b: Parts) -> Py {
    match arithmetic::power(a, b) {
        Ok((real, imag)) => Ok(new_complex(real, imag)),
        Err(arithmetic::PowerError::Zero) => {
            Err(zero_division(vm, "zero to a negative or complex power"))
        }
        Err(arithmetic::PowerError::Overflow) => Err(vm.overflow_error("complex exponentiation")),
    }
}

fn negative(_vm: &mut Vm, value: &Value) -> Py {
    let (real, imag) = own(value);
    Ok(new_complex(-real, -imag))
}

fn absolute(vm: &mut Vm, value: &Value) -> Py {
    let (real, imag) = own(value);
    let size = real.hypot(imag);
    if size.is_infinite() && real.is_finite() && imag.is_finite() {
        return Err(vm.overflow_error("absolute value too large"));
    }
    Ok(Value::float(size))
}
