//! `timedelta`: a signed number of microseconds, shown as days, seconds and microseconds.

use crate::support::signature;
use dashu_int::ops::Abs;
use dashu_int::{IBig, UBig};
use taipan_base::float_text::decompose;
use taipan_base::int_text::{floor_divmod, ibig_true_div};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::{FLOAT, ZERO_DIVISION_ERROR};
use taipan_core::number::int_from_big;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{
    Args, BinaryOp, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Raised, Slots, Type,
    TypeFlags, TypeObject, TypeSpec, Value, Vm, f0, getter, name,
};

pub(super) static TIMEDELTA: TypeObject = Type::declare("datetime.timedelta");

const SECOND: i128 = 1_000_000;
const DAY: i128 = 86_400 * SECOND;
/// Days of the longest one.
const MAX_DAYS: i64 = 999_999_999;

/// Payload of time differences. `seconds` is below a day's, `microseconds` below a second's.
pub(super) struct Delta {
    days: i32,
    seconds: i32,
    microseconds: i32,
}

#[expect(unsafe_code, reason = "the contract of payloads")]
// SAFETY: holds no references.
unsafe impl Payload for Delta {
    fn type_object() -> &'static TypeObject {
        &TIMEDELTA
    }
}

impl Delta {
    pub fn total(&self) -> i128 {
        i128::from(self.days) * DAY
            + i128::from(self.seconds) * SECOND
            + i128::from(self.microseconds)
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "datetime.timedelta",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(to_str),
        hash: Some(hash),
        compare: Some(compare),
        bool: Some(|_, this| Ok(total(this) != 0)),
        negative: Some(|vm, this| from_total(vm, -total(this))),
        positive: Some(|vm, this| from_total(vm, total(this))),
        absolute: Some(|vm, this| from_total(vm, total(this).abs())),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Add, add)
    .with_binary(BinaryOp::Subtract, subtract)
    .with_binary(BinaryOp::Multiply, multiply)
    .with_binary(BinaryOp::TrueDivide, true_divide)
    .with_binary(BinaryOp::FloorDivide, floor_divide)
    .with_binary(BinaryOp::Remainder, remainder)
    .with_binary(BinaryOp::Divmod, divmod),
    methods: &METHODS,
    getset: &GETSET,
    doc: "Difference between two datetime values.\n\n\
          timedelta(days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)\n\n\
          All arguments are optional and default to 0.\n\
          Arguments may be integers or floats, and may be positive or negative.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Delta>();
static METHODS: [MethodDef; 2] = [
    f0(
        "total_seconds(self, /)",
        total_seconds,
        "Total seconds in the duration.",
    ),
    f0(
        "__reduce__(self, /)",
        reduce,
        "__reduce__() -> (cls, state)",
    ),
];
static GETSET: [GetSetDef; 3] = [
    getter(
        "days",
        |_, this| Ok(Value::from_i32(this.expect::<Delta>().days)),
        "Number of days.",
    ),
    getter(
        "seconds",
        |_, this| Ok(Value::from_i32(this.expect::<Delta>().seconds)),
        "Number of seconds (>= 0 and less than 1 day).",
    ),
    getter(
        "microseconds",
        |_, this| Ok(Value::from_i32(this.expect::<Delta>().microseconds)),
        "Number of microseconds (>= 0 and less than 1 second).",
    ),
];

pub(super) fn define() {
    TIMEDELTA.define(&SPEC);
    let limits = [
        ("min", -i128::from(MAX_DAYS) * DAY),
        ("max", i128::from(MAX_DAYS + 1) * DAY - 1),
        ("resolution", 1),
    ];
    for (name, total) in limits {
        set_constant(&TIMEDELTA, name, unchecked(&TIMEDELTA, total));
    }
}

/// Puts a constant into a type's namespace, where it stays if the module is imported anew.
pub(super) fn set_constant(ty: &TypeObject, name: &str, value: Value) {
    let name = taipan_core::str_object::name(name);
    if !ty.namespace().contains_name(&name) {
        ty.namespace().set_name(&name, value);
        ty.changed();
    }
}

// ---- construction ----

/// A difference that is known to be in range.
fn unchecked(cls: &TypeObject, total: i128) -> Value {
    let in_day = total.rem_euclid(DAY);
    new_instance(
        cls,
        Delta {
            days: total.div_euclid(DAY) as i32,
            seconds: (in_day / SECOND) as i32,
            microseconds: (in_day % SECOND) as i32,
        },
    )
}

fn checked(vm: &mut Vm, cls: &TypeObject, total: i128) -> Py {
    match i32::try_from(total.div_euclid(DAY)) {
        Ok(days) if i64::from(days).abs() <= MAX_DAYS => Ok(unchecked(cls, total)),
        Ok(days) => {
            let message = format!("days={days}; must have magnitude <= {MAX_DAYS}");
            Err(vm.overflow_error(message))
        }
        Err(_) => Err(too_large(vm)),
    }
}

#[cold]
fn too_large(vm: &mut Vm) -> Raised {
    vm.overflow_error("Python int too large to convert to C int")
}

/// A `timedelta` of a number of microseconds.
pub(super) fn from_total(vm: &mut Vm, total: i128) -> Py {
    checked(vm, &TIMEDELTA, total)
}

fn from_big(vm: &mut Vm, cls: &TypeObject, total: &IBig) -> Py {
    match i128::try_from(total) {
        Ok(total) => checked(vm, cls, total),
        Err(_) => Err(too_large(vm)),
    }
}

/// The microseconds of a `timedelta`.
pub(super) fn total_of(value: &Value) -> Option<i128> {
    value.cast::<Delta>().map(|delta| delta.total())
}

fn total(this: &Value) -> i128 {
    this.expect::<Delta>().total()
}

static NEW: MethodDef = signature(
    "__new__(type, days=0, seconds=0, microseconds=0, milliseconds=0, minutes=0, hours=0, weeks=0)",
);

/// Parameters in the order in which they are added up: where each is, its name and its microseconds.
const UNITS: [(usize, &str, i64); 7] = [
    (2, "microseconds", 1),
    (3, "milliseconds", 1000),
    (1, "seconds", 1_000_000),
    (4, "minutes", 60_000_000),
    (5, "hours", 3_600_000_000),
    (0, "days", 86_400_000_000),
    (6, "weeks", 604_800_000_000),
];

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let bound = taipan_core::bind::bind(vm, &NEW, args)?;
    let mut sum = IBig::ZERO;
    let mut fraction = 0.0;
    for (at, name, factor) in UNITS {
        if let Some(value) = bound.get(at) {
            accumulate(vm, name, value, factor, &mut sum, &mut fraction)?;
        }
    }
    if fraction != 0.0 {
        sum += rounded(fraction, &sum);
    }
    from_big(vm, cls, &sum)
}

/// Adds a component: whole microseconds to `sum`, what is left of them to `fraction`.
fn accumulate(
    vm: &mut Vm,
    name: &str,
    value: &Value,
    factor: i64,
    sum: &mut IBig,
    fraction: &mut f64,
) -> Py<()> {
    if let Some(number) = value.as_big() {
        *sum += number * IBig::from(factor);
        return Ok(());
    }
    let Some(x) = value.as_float() else {
        let message = format!(
            "unsupported type for timedelta {name} component: {}",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let whole = whole_part(vm, x)?;
    *sum += whole * IBig::from(factor);
    let rest = x.fract();
    if rest != 0.0 {
        let rest = rest * factor as f64;
        *sum += whole_part(vm, rest)?;
        *fraction += rest.fract();
    }
    Ok(())
}

fn whole_part(vm: &mut Vm, x: f64) -> Py<IBig> {
    match taipan_base::int_text::f64_to_ibig(x) {
        Some(whole) => Ok(whole),
        None if x.is_nan() => Err(vm.value_error("cannot convert float NaN to integer")),
        None => Err(vm.overflow_error("cannot convert float infinity to integer")),
    }
}

/// The whole number next to a fraction that is added to `sum`; half-way, the one that makes the sum even.
fn rounded(fraction: f64, sum: &IBig) -> IBig {
    let mut whole = fraction.round();
    if (whole - fraction).abs() == 0.5 {
        let odd = f64::from(u8::from(is_odd(sum)));
        whole = 2.0 * ((fraction + odd) * 0.5).round() - odd;
    }
    IBig::from(whole as i64)
}

fn is_odd(number: &IBig) -> bool {
    number % IBig::from(2) != IBig::ZERO
}

// ---- text ----

fn repr(_vm: &mut Vm, this: &Value) -> Py {
    let delta = this.expect::<Delta>();
    let parts = [
        ("days", delta.days),
        ("seconds", delta.seconds),
        ("microseconds", delta.microseconds),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(_, number)| *number != 0)
        .map(|(name, number)| format!("{name}={number}"))
        .collect();
    let inside = if parts.is_empty() {
        "0".to_owned()
    } else {
        parts.join(", ")
    };
    Ok(new_str(&format!("{}({inside})", this.type_of().name())))
}

fn to_str(_vm: &mut Vm, this: &Value) -> Py {
    let delta = this.expect::<Delta>();
    let mut text = String::new();
    if delta.days != 0 {
        let plural = if delta.days.abs() == 1 { "" } else { "s" };
        text.push_str(&format!("{} day{plural}, ", delta.days));
    }
    let s = delta.seconds;
    text.push_str(&format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60));
    if delta.microseconds != 0 {
        text.push_str(&format!(".{:06}", delta.microseconds));
    }
    Ok(new_str(&text))
}

// ---- comparing ----

fn parts(this: &Value) -> Value {
    let delta = this.expect::<Delta>();
    let parts = [delta.days, delta.seconds, delta.microseconds];
    new_tuple(parts.map(Value::from_i32))
}

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    vm.hash(&parts(this))
}

fn compare(_vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    match (total_of(a), total_of(b)) {
        (Some(a), Some(b)) => Ok(Value::bool(op.holds(a.cmp(&b)))),
        _ => Ok(Value::not_implemented()),
    }
}

fn reduce(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new_tuple([this.type_of().to_value(), parts(this)]))
}

fn total_seconds(vm: &mut Vm, this: &Value) -> Py {
    quotient(vm, &IBig::from(total(this)), &IBig::from(SECOND))
}

// ---- arithmetic ----

fn add(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    match (total_of(a), total_of(b)) {
        (Some(a), Some(b)) => from_total(vm, a + b),
        _ => Ok(Value::not_implemented()),
    }
}

fn subtract(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    match (total_of(a), total_of(b)) {
        (Some(a), Some(b)) => from_total(vm, a - b),
        _ => Ok(Value::not_implemented()),
    }
}

fn multiply(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (delta, factor) = match (total_of(a), total_of(b)) {
        (Some(delta), None) => (delta, b),
        (None, Some(delta)) => (delta, a),
        _ => return Ok(Value::not_implemented()),
    };
    if let Some(product) = factor.as_i64().and_then(|i| delta.checked_mul(i.into())) {
        return from_total(vm, product);
    }
    if let Some(big) = factor.as_big() {
        return from_big(vm, &TIMEDELTA, &(big * IBig::from(delta)));
    }
    let Some(x) = factor.as_float() else {
        return Ok(Value::not_implemented());
    };
    let (numerator, denominator) = ratio(vm, factor, x)?;
    let total = nearest(vm, IBig::from(delta) * numerator, denominator)?;
    from_big(vm, &TIMEDELTA, &total)
}

/// A finite float as a fraction: a subclass's instance is asked.
fn ratio(vm: &mut Vm, number: &Value, x: f64) -> Py<(IBig, IBig)> {
    if !number.is_exact(&FLOAT) {
        return own_ratio(vm, number);
    }
    let Some((negative, mantissa, exponent)) = decompose(x) else {
        return Err(if x.is_nan() {
            vm.value_error("cannot convert NaN to integer ratio")
        } else {
            vm.overflow_error("cannot convert Infinity to integer ratio")
        });
    };
    let mantissa = IBig::from(mantissa);
    let mantissa = if negative { -mantissa } else { mantissa };
    let scale = IBig::from(UBig::ONE << exponent.unsigned_abs() as usize);
    Ok(if exponent >= 0 {
        (mantissa * scale, IBig::ONE)
    } else {
        (mantissa, scale)
    })
}

/// `number.as_integer_ratio()`
fn own_ratio(vm: &mut Vm, number: &Value) -> Py<(IBig, IBig)> {
    let pair = vm.call_method(number, name!("as_integer_ratio"), &[])?;
    let Some(parts) = items(&pair) else {
        let message = format!(
            "unexpected return type from as_integer_ratio(): expected tuple, not '{}'",
            pair.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let [numerator, denominator] = parts else {
        return Err(vm.value_error("as_integer_ratio() must return a 2-tuple"));
    };
    match (numerator.as_big(), denominator.as_big()) {
        (Some(numerator), Some(denominator)) => Ok((numerator, denominator)),
        _ => Err(vm.type_error("as_integer_ratio() must return a pair of ints")),
    }
}

#[cold]
fn zero_division(vm: &mut Vm) -> Raised {
    vm.raise(&ZERO_DIVISION_ERROR, "division by zero")
}

/// `a / b`, rounded to the nearest whole number, half-way to the even one.
fn nearest(vm: &mut Vm, a: IBig, b: IBig) -> Py<IBig> {
    let Some((floor, rest)) = floor_divmod(&a, &b) else {
        return Err(zero_division(vm));
    };
    let twice = (rest * IBig::from(2)).abs();
    let divisor = b.abs();
    let up = twice > divisor || twice == divisor && is_odd(&floor);
    Ok(if up { floor + IBig::ONE } else { floor })
}

/// `a / b` as a float.
fn quotient(vm: &mut Vm, a: &IBig, b: &IBig) -> Py {
    match ibig_true_div(a, b) {
        Ok(x) => Ok(Value::float(x)),
        Err(_) => Err(zero_division(vm)),
    }
}

fn true_divide(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let Some(delta) = total_of(a) else {
        return Ok(Value::not_implemented());
    };
    let delta = IBig::from(delta);
    if let Some(divisor) = total_of(b) {
        return quotient(vm, &delta, &IBig::from(divisor));
    }
    let total = if let Some(divisor) = b.as_big() {
        nearest(vm, delta, divisor)?
    } else if let Some(x) = b.as_float() {
        let (numerator, denominator) = ratio(vm, b, x)?;
        nearest(vm, delta * denominator, numerator)?
    } else {
        return Ok(Value::not_implemented());
    };
    from_big(vm, &TIMEDELTA, &total)
}

fn floor_divide(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let Some(delta) = total_of(a) else {
        return Ok(Value::not_implemented());
    };
    if let Some(divisor) = total_of(b) {
        return Ok(floor(vm, delta, divisor)?.0);
    }
    let Some(divisor) = b.as_big() else {
        return Ok(Value::not_implemented());
    };
    match floor_divmod(&IBig::from(delta), &divisor) {
        Some((total, _)) => from_big(vm, &TIMEDELTA, &total),
        None => Err(zero_division(vm)),
    }
}

/// `a // b` as an int, and `a % b` as a difference.
fn floor(vm: &mut Vm, a: i128, b: i128) -> Py<(Value, Value)> {
    let Some((whole, rest)) = floor_divmod(&IBig::from(a), &IBig::from(b)) else {
        return Err(zero_division(vm));
    };
    Ok((int_from_big(whole), from_big(vm, &TIMEDELTA, &rest)?))
}

fn remainder(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    match (total_of(a), total_of(b)) {
        (Some(a), Some(b)) => Ok(floor(vm, a, b)?.1),
        _ => Ok(Value::not_implemented()),
    }
}

fn divmod(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    match (total_of(a), total_of(b)) {
        (Some(a), Some(b)) => {
            let (whole, rest) = floor(vm, a, b)?;
            Ok(new_tuple([whole, rest]))
        }
        _ => Ok(Value::not_implemented()),
    }
}
