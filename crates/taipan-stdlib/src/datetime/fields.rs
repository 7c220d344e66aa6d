//! Arguments of constructors, and the ranges of fields.

use super::gregorian::{Day, MAX_YEAR, MIN_YEAR, days_in_month};
use super::iso::Clock;
use super::zone;
use taipan_core::str_object::str_of;
use taipan_core::{Args, Py, Raised, Value, Vm};

/// Binds the arguments of a constructor, which calls itself "function" in messages. The first `positional` parameters may be
/// given by position.
pub(super) fn bind<const N: usize>(
    vm: &mut Vm,
    args: Args<'_>,
    names: [&str; N],
    positional: usize,
) -> Py<[Option<Value>; N]> {
    let (given, total) = (args.pos().len(), args.all().len());
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    if total > N {
        let kind = if given == 0 { "keyword " } else { "" };
        let message = format!(
            "function takes at most {N} {kind}argument{} ({total} given)",
            plural(N)
        );
        return Err(vm.type_error(message));
    }
    if given > positional {
        let message = format!(
            "function takes at most {positional} positional argument{} ({given} given)",
            plural(positional)
        );
        return Err(vm.type_error(message));
    }
    let mut bound = [const { None }; N];
    for (place, value) in bound.iter_mut().zip(args.pos()) {
        *place = Some(value.clone());
    }
    for (keyword, value) in args.keywords() {
        let text = str_of(keyword).map(|text| text.to_lossy());
        let text = text.unwrap_or_default();
        let Some(at) = names.iter().position(|name| *name == text) else {
            let message = format!("this function got an unexpected keyword argument '{text}'");
            return Err(vm.type_error(message));
        };
        if bound[at].is_some() {
            let position = at + 1;
            let message =
                format!("argument for function given by name ('{text}') and position ({position})");
            return Err(vm.type_error(message));
        }
        bound[at] = Some(value.clone());
    }
    Ok(bound)
}

/// The first arguments as numbers, in their order. The first `required` must be there, others are 0 if they are not.
pub(super) fn numbers<const N: usize, const M: usize>(
    vm: &mut Vm,
    bound: &[Option<Value>; N],
    names: [&str; N],
    required: usize,
) -> Py<[i32; M]> {
    let mut numbers = [0; M];
    for (at, (number, value)) in numbers.iter_mut().zip(bound).enumerate() {
        match value {
            Some(value) => *number = c_int(vm, value)?,
            None if at < required => {
                let message = format!(
                    "function missing required argument '{}' (pos {})",
                    names[at],
                    at + 1
                );
                return Err(vm.type_error(message));
            }
            None => {}
        }
    }
    Ok(numbers)
}

/// An argument in the words of C's `int`.
pub(super) fn c_int(vm: &mut Vm, value: &Value) -> Py<i32> {
    let index = vm.index(value)?;
    let Some(number) = index.as_i64() else {
        return Err(vm.overflow_error("Python int too large to convert to C long"));
    };
    i32::try_from(number).map_err(|_| {
        vm.overflow_error(if number > 0 {
            "signed integer is greater than maximum"
        } else {
            "signed integer is less than minimum"
        })
    })
}

/// An optional argument in the words of C's `int`.
pub(super) fn c_int_or(vm: &mut Vm, value: Option<&Value>, default: i32) -> Py<i32> {
    match value {
        Some(value) => c_int(vm, value),
        None => Ok(default),
    }
}

#[cold]
fn out_of_range(vm: &mut Vm, name: &str, least: i32, most: i32, number: i32) -> Raised {
    vm.value_error(format!("{name} must be in {least}..{most}, not {number}"))
}

pub(super) fn check_year(vm: &mut Vm, year: i32) -> Py<()> {
    if (MIN_YEAR..=MAX_YEAR).contains(&year) {
        return Ok(());
    }
    Err(out_of_range(vm, "year", MIN_YEAR, MAX_YEAR, year))
}

/// A day of the calendar.
pub(super) fn day(vm: &mut Vm, year: i32, month: i32, day: i32) -> Py<Day> {
    check_year(vm, year)?;
    if !(1..=12).contains(&month) {
        return Err(out_of_range(vm, "month", 1, 12, month));
    }
    let last = days_in_month(year, month as u8);
    if !(1..=i32::from(last)).contains(&day) {
        return Err(vm.value_error(format!(
            "day {day} must be in range 1..{last} for month {month} in year {year}"
        )));
    }
    Ok(Day::new(year, month as u8, day as u8))
}

/// A time of day.
pub(super) fn clock(vm: &mut Vm, [hour, minute, second, microsecond]: [i32; 4]) -> Py<Clock> {
    let rows = [
        ("hour", hour, 23),
        ("minute", minute, 59),
        ("second", second, 59),
        ("microsecond", microsecond, 999_999),
    ];
    for (name, number, most) in rows {
        if !(0..=most).contains(&number) {
            return Err(out_of_range(vm, name, 0, most, number));
        }
    }
    Ok(Clock {
        hour: hour as u8,
        minute: minute as u8,
        second: second as u8,
        microsecond: microsecond as u32,
    })
}

pub(super) fn fold(vm: &mut Vm, fold: i32) -> Py<u8> {
    match fold {
        0 | 1 => Ok(fold as u8),
        _ => Err(vm.value_error(format!("fold must be either 0 or 1, not {fold}"))),
    }
}

/// A `tzinfo` argument: `None` is none.
pub(super) fn time_zone(vm: &mut Vm, value: Option<&Value>) -> Py<Option<Value>> {
    match value {
        Some(value) if value.is_none() => Ok(None),
        Some(value) if value.is_instance(&zone::TZINFO) => Ok(Some(value.clone())),
        Some(value) => {
            let message = format!(
                "tzinfo argument must be None or of a tzinfo subclass, not type '{}'",
                value.type_of().name()
            );
            Err(vm.type_error(message))
        }
        None => Ok(None),
    }
}

/// An argument that must be a string.
pub(super) fn text<'a>(
    vm: &mut Vm,
    function: &str,
    number: usize,
    value: &'a Value,
) -> Py<&'a Value> {
    if str_of(value).is_some() {
        return Ok(value);
    }
    let message = format!(
        "{function}() argument {number} must be str, not {}",
        taipan_types::arguments::type_name(value)
    );
    Err(vm.type_error(message))
}

/// The bytes of a pickled object if the constructor's first argument is such: bytes, or a string of Python 2, of length `N` with a
/// sane byte at `at`.
pub(super) fn state<const N: usize>(
    vm: &mut Vm,
    value: Option<&Value>,
    kind: &str,
    at: usize,
    sane: fn(u32) -> bool,
) -> Py<Option<[u8; N]>> {
    let Some(value) = value else { return Ok(None) };
    if let Some(bytes) = taipan_types::bytes::bytes_of(value) {
        let state = <[u8; N]>::try_from(bytes).ok();
        return Ok(state.filter(|state| sane(state[at].into())));
    }
    let Some(text) = str_of(value).filter(|text| text.len() == N && sane(text.at(at))) else {
        return Ok(None);
    };
    let mut state = [0; N];
    for (place, c) in state.iter_mut().zip(text.code_points()) {
        let Ok(byte) = u8::try_from(c) else {
            return Err(vm.value_error(format!(
                "Failed to encode latin1 string when unpickling a {kind} object. \
                 pickle.load(data, encoding='latin1') is assumed."
            )));
        };
        *place = byte;
    }
    Ok(Some(state))
}
