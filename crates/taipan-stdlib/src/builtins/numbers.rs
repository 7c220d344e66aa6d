//! Builtin functions over numbers and characters.

use taipan_core::builtin_types as types;
use taipan_core::dict_object::Dict;
use taipan_core::str_object::{self, new_str, str_of};
use taipan_core::{Args, BinaryOp, Bound, CompareOp, Py, Value, Vm, name, number};
use taipan_types::bytes::bytes_of;
use taipan_types::list::{self, list_of};

pub(super) fn abs(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    match x.type_of().slots().absolute {
        Some(absolute) => absolute(vm, x),
        None => {
            let message = format!("bad operand type for abs(): '{}'", x.type_of().name());
            Err(vm.type_error(message))
        }
    }
}

/// Digits of an int in a radix of two's power, with its prefix.
fn in_radix(vm: &mut Vm, x: &Value, prefix: &str, radix: u8) -> Py {
    let index = vm.index(x)?;
    let (negative, digits) = match index.as_i64() {
        Some(i) => {
            let magnitude = i.unsigned_abs();
            let digits = match radix {
                2 => format!("{magnitude:b}"),
                8 => format!("{magnitude:o}"),
                _ => format!("{magnitude:x}"),
            };
            (i < 0, digits)
        }
        None => {
            let big = index.as_big().unwrap_or_default();
            let (sign, magnitude) = big.into_parts();
            let digits = magnitude.in_radix(radix).to_string();
            (sign == dashu_int::Sign::Negative, digits)
        }
    };
    let sign = if negative { "-" } else { "" };
    Ok(new_str(&format!("{sign}{prefix}{digits}")))
}

pub(super) fn bin(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    in_radix(vm, x, "0b", 2)
}

pub(super) fn oct(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    in_radix(vm, x, "0o", 8)
}

pub(super) fn hex(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    in_radix(vm, x, "0x", 16)
}

pub(super) fn chr(vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    let index = vm.index(x)?;
    let code = index
        .as_i64()
        .and_then(|code| u32::try_from(code).ok())
        .filter(|code| *code < 0x11_0000);
    match code {
        Some(code) if code < 256 => Ok(str_object::latin1_char(code as u8)),
        Some(code) => Ok(str_object::new_from_code_points(&[code])),
        None => Err(vm.value_error("chr() arg not in range(0x110000)")),
    }
}

pub(super) fn ord(vm: &mut Vm, _module: &Value, character: &Value) -> Py {
    let (len, first) = if let Some(text) = str_of(character) {
        let len = text.len();
        (len, if len == 1 { text.at(0) } else { 0 })
    } else if let Some(bytes) = bytes_of(character) {
        (bytes.len(), bytes.first().copied().unwrap_or(0).into())
    } else if let Some(bytes) = taipan_types::bytes::bytearray_copy(vm, character) {
        (bytes.len(), bytes.first().copied().unwrap_or(0).into())
    } else {
        let message = format!(
            "ord() expected string of length 1, but {} found",
            character.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    if len != 1 {
        let message = format!("ord() expected a character, but string of length {len} found");
        return Err(vm.type_error(message));
    }
    Ok(Value::int(first.into()))
}

pub(super) fn divmod(vm: &mut Vm, _module: &Value, x: &Value, y: &Value) -> Py {
    vm.binary(BinaryOp::Divmod, x, y)
}

pub(super) fn pow(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let modulus = args.get(2).cloned().unwrap_or_else(Value::none);
    vm.power(args.req(0), args.req(1), &modulus)
}

pub(super) fn round(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let number = args.req(0);
    let digits = args.get_not_none(1);
    let done = match digits {
        Some(digits) => {
            vm.call_special(number, name!("__round__"), std::slice::from_ref(digits))?
        }
        None => vm.call_special(number, name!("__round__"), &[])?,
    };
    match done {
        Some(done) => Ok(done),
        None => {
            let message = format!(
                "type {} doesn't define __round__ method",
                number.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

// ---- sum ----

pub(super) fn sum(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let iterable = args.req(0);
    let start = match args.get(1) {
        Some(start) => {
            refuse_text(vm, start)?;
            start.clone()
        }
        None => Value::from_i32(0),
    };
    let from_zero = start.small_int() == Some(0);
    if from_zero
        && list::is_exact_list(iterable)
        && let Some(object) = list_of(iterable)
        && let Some(total) = list::sum_of(vm, object)
    {
        return Ok(total);
    }
    let iterator = vm.iter(iterable)?;
    let mut total = start;
    if total.is_exact(&types::INT) {
        match sum_ints(vm, &iterator, &total)? {
            Ok(done) => return Ok(done),
            Err((partial, item)) => total = vm.binary(BinaryOp::Add, &partial, &item)?,
        }
    }
    if total.is_exact(&types::FLOAT) {
        match sum_floats(vm, &iterator, &total)? {
            Ok(done) => return Ok(done),
            Err((partial, item)) => total = vm.binary(BinaryOp::Add, &partial, &item)?,
        }
    }
    if total.is_exact(&types::COMPLEX) {
        match sum_complex(vm, &iterator, &total)? {
            Ok(done) => return Ok(done),
            Err((partial, item)) => total = vm.binary(BinaryOp::Add, &partial, &item)?,
        }
    }
    while let Some(item) = vm.next(&iterator)? {
        total = vm.binary(BinaryOp::Add, &total, &item)?;
    }
    Ok(total)
}

/// A finished sum, or the sum so far and the item that does not fit in.
type Partial = Result<Value, (Value, Value)>;

fn refuse_text(vm: &mut Vm, start: &Value) -> Py<()> {
    let hint = if str_object::is_str(start) {
        "strings [use ''.join(seq) instead]"
    } else if start.is_instance(&types::BYTES) {
        "bytes [use b''.join(seq) instead]"
    } else if start.is_instance(&types::BYTEARRAY) {
        "bytearray [use b''.join(seq) instead]"
    } else {
        return Ok(());
    };
    Err(vm.type_error(format!("sum() can't sum {hint}")))
}

fn sum_ints(vm: &mut Vm, iterator: &Value, start: &Value) -> Py<Partial> {
    // Machine numbers as long as they do; what has overflowed goes to `carried`.
    let mut carried = start.clone();
    let mut sum: i64 = 0;
    while let Some(item) = vm.next(iterator)? {
        let small = match item.small_int() {
            Some(small) => Some(small),
            None if item.is_exact(&types::BOOL) => Some(item.is_true().into()),
            None => None,
        };
        if let Some(next) = small.and_then(|small| sum.checked_add(small)) {
            sum = next;
            continue;
        }
        carried = vm.binary(BinaryOp::Add, &carried, &Value::int(sum))?;
        sum = 0;
        if small.is_none() && !item.is_exact(&types::INT) {
            return Ok(Err((carried, item)));
        }
        carried = vm.binary(BinaryOp::Add, &carried, &item)?;
    }
    Ok(Ok(vm.binary(BinaryOp::Add, &carried, &Value::int(sum))?))
}

/// A sum with Neumaier's compensation.
#[derive(Clone, Copy, Default)]
struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    fn add(&mut self, x: f64) {
        let total = self.sum + x;
        self.lost += if self.sum.abs() >= x.abs() {
            (self.sum - total) + x
        } else {
            (x - total) + self.sum
        };
        self.sum = total;
    }

    fn total(self) -> f64 {
        if self.lost != 0.0 && self.lost.is_finite() {
            self.sum + self.lost
        } else {
            self.sum
        }
    }
}

fn exact_int(item: &Value) -> bool {
    item.is_exact(&types::INT) || item.is_exact(&types::BOOL)
}

fn sum_floats(vm: &mut Vm, iterator: &Value, start: &Value) -> Py<Partial> {
    let mut sum = Compensated {
        sum: start.as_float().unwrap_or(0.0),
        lost: 0.0,
    };
    while let Some(item) = vm.next(iterator)? {
        if item.is_exact(&types::FLOAT) {
            sum.add(item.as_float().unwrap_or(0.0));
        } else if exact_int(&item)
            && let Some(i) = item.as_i64()
        {
            sum.sum += i as f64;
        } else {
            return Ok(Err((Value::float(sum.total()), item)));
        }
    }
    Ok(Ok(Value::float(sum.total())))
}

fn sum_complex(vm: &mut Vm, iterator: &Value, start: &Value) -> Py<Partial> {
    let (re, im) = taipan_types::complex::parts_of(start).unwrap_or((0.0, 0.0));
    let mut real = Compensated { sum: re, lost: 0.0 };
    let mut imag = Compensated { sum: im, lost: 0.0 };
    let total = |real: Compensated, imag: Compensated| {
        taipan_types::complex::new_complex(real.total(), imag.total())
    };
    while let Some(item) = vm.next(iterator)? {
        if item.is_exact(&types::COMPLEX)
            && let Some((re, im)) = taipan_types::complex::parts_of(&item)
        {
            real.add(re);
            imag.add(im);
        } else if exact_int(&item)
            && let Some(i) = item.as_i64()
        {
            real.sum += i as f64;
        } else if item.is_exact(&types::FLOAT) {
            real.add(item.as_float().unwrap_or(0.0));
        } else {
            return Ok(Err((total(real, imag), item)));
        }
    }
    Ok(Ok(total(real, imag)))
}

// ---- min and max ----

pub(super) fn min(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    extreme(vm, args, "min", CompareOp::Lt)
}

pub(super) fn max(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    extreme(vm, args, "max", CompareOp::Gt)
}

fn extreme(vm: &mut Vm, args: Args<'_>, function: &str, op: CompareOp) -> Py {
    let mut key = None;
    let mut default = None;
    let count = args.pos().len();
    if count == 0 {
        return Err(vm.type_error(format!("{function} expected at least 1 argument, got 0")));
    }
    for (keyword, value) in args.keywords() {
        if str_object::str_eq(keyword, name!("key")) {
            key = Some(value).filter(|value| !value.is_none());
        } else if str_object::str_eq(keyword, name!("default")) {
            default = Some(value);
        } else {
            let keyword = vm.str_string(keyword)?;
            let message = format!("{function}() got an unexpected keyword argument '{keyword}'");
            return Err(vm.type_error(message));
        }
    }
    if count > 1 && default.is_some() {
        return Err(vm.type_error(format!(
            "Cannot specify a default for {function}() with multiple positional arguments"
        )));
    }
    let best = match args.pos() {
        [iterable] => of_iterable(vm, iterable, key, op)?,
        items => {
            let mut best = None;
            for item in items {
                better(vm, &mut best, item.clone(), key, op)?;
            }
            best
        }
    };
    match (best, default) {
        (Some((_, best)), _) => Ok(best),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(vm.value_error(format!("{function}() iterable argument is empty"))),
    }
}

/// Key and item of the best one so far.
type Best = Option<(Value, Value)>;

fn better(vm: &mut Vm, best: &mut Best, item: Value, key: Option<&Value>, op: CompareOp) -> Py<()> {
    let measure = match key {
        Some(key) => vm.call(key, std::slice::from_ref(&item))?,
        None => item.clone(),
    };
    let wins = match best {
        Some((old, _)) => {
            let old = old.clone();
            vm.compare_bool(&measure, &old, op)?
        }
        None => true,
    };
    if wins {
        *best = Some((measure, item));
    }
    Ok(())
}

fn of_iterable(vm: &mut Vm, iterable: &Value, key: Option<&Value>, op: CompareOp) -> Py<Best> {
    if key.is_none()
        && list::is_exact_list(iterable)
        && let Some(object) = list_of(iterable)
    {
        let found = if op == CompareOp::Lt {
            list::min_of(vm, object)
        } else {
            list::max_of(vm, object)
        };
        if let Some(found) = found {
            return Ok(Some((found.clone(), found)));
        }
    }
    let iterator = vm.iter(iterable)?;
    let mut best = None;
    while let Some(item) = vm.next(&iterator)? {
        better(vm, &mut best, item, key, op)?;
    }
    Ok(best)
}

pub(super) fn id(_vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    Ok(number::int_from_u64(object.bits()))
}

pub(super) fn hash(vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    vm.hash(object).map(Value::int)
}

pub(super) fn len(vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    if let Some(dict) = object.cast_exact::<Dict>() {
        return Ok(Value::int(dict.len() as i64));
    }
    Ok(Value::int(vm.length(object)? as i64))
}
