//! Clocks: reading, setting, sleeping.

use super::system;
use taipan_core::args::Args;
use taipan_core::builtin_types::SIMPLE_NAMESPACE;
use taipan_core::str_object::{name as text_name, new_str, str_of};
use taipan_core::{Py, Value, Vm};

/// Nanoseconds in a second.
pub(super) const SECOND: i64 = 1_000_000_000;

fn seconds(nanoseconds: i64) -> Value {
    Value::float(nanoseconds as f64 / 1e9)
}

macro_rules! clocks {
    ($($float:ident $int:ident $clock:ident;)*) => {
        $(
            pub(super) fn $float(vm: &mut Vm, _module: &Value) -> Py {
                Ok(seconds(system::now(vm, libc::$clock)?))
            }
            pub(super) fn $int(vm: &mut Vm, _module: &Value) -> Py {
                Ok(Value::int(system::now(vm, libc::$clock)?))
            }
        )*
    };
}

clocks! {
    time time_ns CLOCK_REALTIME;
    monotonic monotonic_ns CLOCK_MONOTONIC;
    perf_counter perf_counter_ns CLOCK_MONOTONIC;
    process_time process_time_ns CLOCK_PROCESS_CPUTIME_ID;
    thread_time thread_time_ns CLOCK_THREAD_CPUTIME_ID;
}

/// A clock's number.
fn clock_id(vm: &mut Vm, id: &Value) -> Py<libc::clockid_t> {
    let id = vm.index_i64(id)?;
    match libc::clockid_t::try_from(id) {
        Ok(id) => Ok(id),
        Err(_) if id > 0 => Err(vm.overflow_error("signed integer is greater than maximum")),
        Err(_) => Err(vm.overflow_error("signed integer is less than minimum")),
    }
}

pub(super) fn clock_gettime(vm: &mut Vm, _module: &Value, id: &Value) -> Py {
    let id = clock_id(vm, id)?;
    Ok(seconds(system::now(vm, id)?))
}

pub(super) fn clock_gettime_ns(vm: &mut Vm, _module: &Value, id: &Value) -> Py {
    let id = clock_id(vm, id)?;
    Ok(Value::int(system::now(vm, id)?))
}

pub(super) fn clock_getres(vm: &mut Vm, _module: &Value, id: &Value) -> Py {
    let id = clock_id(vm, id)?;
    Ok(seconds(system::resolution(vm, id)?))
}

pub(super) fn clock_settime(vm: &mut Vm, _module: &Value, id: &Value, time: &Value) -> Py {
    let id = clock_id(vm, id)?;
    let time = nanoseconds(vm, time, f64::floor)?;
    system::set(vm, id, time)?;
    Ok(Value::none())
}

pub(super) fn clock_settime_ns(vm: &mut Vm, _module: &Value, id: &Value, time: &Value) -> Py {
    let id = clock_id(vm, id)?;
    let time = vm.index_i64(time)?;
    system::set(vm, id, time)?;
    Ok(Value::none())
}

pub(super) fn thread_clock(vm: &mut Vm, _module: &Value, thread: &Value) -> Py {
    let thread = vm.index_i64(thread)?;
    let id = system::thread_clock(vm, thread as libc::pthread_t)?;
    Ok(Value::int(id as i64))
}

/// Seconds, a float or an int, as nanoseconds.
pub(crate) fn nanoseconds(vm: &mut Vm, value: &Value, round: fn(f64) -> f64) -> Py<i64> {
    scaled(vm, value, SECOND, round)
}

/// A time in units of so many nanoseconds, a float or an int, as nanoseconds.
pub(crate) fn scaled(vm: &mut Vm, value: &Value, unit: i64, round: fn(f64) -> f64) -> Py<i64> {
    if let Some(x) = value.as_float() {
        if x.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let scaled = round(x * unit as f64);
        if !(-9.223372036854775e18..9.223372036854775e18).contains(&scaled) {
            return Err(vm.overflow_error("timestamp out of range for C PyTime_t"));
        }
        return Ok(scaled as i64);
    }
    if !value.is_int() && value.type_of().slots().index.is_none() {
        let message = format!(
            "'{}' object cannot be interpreted as an integer or float",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let whole = vm.index(value)?;
    match whole.as_i64().and_then(|whole| whole.checked_mul(unit)) {
        Some(nanoseconds) => Ok(nanoseconds),
        None => Err(vm.overflow_error("timestamp out of range for C PyTime_t")),
    }
}

pub(super) fn sleep(vm: &mut Vm, _module: &Value, length: &Value) -> Py {
    let length = nanoseconds(vm, length, f64::ceil)?;
    if length < 0 {
        return Err(vm.value_error("sleep length must be non-negative"));
    }
    let start = system::now(vm, libc::CLOCK_MONOTONIC)?;
    let deadline = start.saturating_add(length);
    // A signal ends the system's sleep; its handler runs here, and if it does not raise the rest is slept.
    while !system::sleep_until(vm, deadline)? {
        vm.safepoint()?;
    }
    vm.safepoint()?;
    Ok(Value::none())
}

pub(super) fn get_clock_info(vm: &mut Vm, _module: &Value, name: &Value) -> Py {
    let Some(text) = str_of(name) else {
        let message = format!(
            "get_clock_info() argument 1 must be str, not {}",
            name.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let (clock, label, monotonic, adjustable) = match text.ascii() {
        Some("time") => (libc::CLOCK_REALTIME, "CLOCK_REALTIME", false, true),
        Some("monotonic" | "perf_counter") => {
            (libc::CLOCK_MONOTONIC, "CLOCK_MONOTONIC", true, false)
        }
        Some("process_time") => (
            libc::CLOCK_PROCESS_CPUTIME_ID,
            "CLOCK_PROCESS_CPUTIME_ID",
            true,
            false,
        ),
        Some("thread_time") => (
            libc::CLOCK_THREAD_CPUTIME_ID,
            "CLOCK_THREAD_CPUTIME_ID",
            true,
            false,
        ),
        _ => return Err(vm.value_error("unknown clock")),
    };
    let resolution = seconds(system::resolution(vm, clock)?);
    let values = [
        new_str(&format!("clock_gettime({label})")),
        Value::bool(monotonic),
        Value::bool(adjustable),
        resolution,
    ];
    let names = ["implementation", "monotonic", "adjustable", "resolution"].map(text_name);
    vm.call_args(&SIMPLE_NAMESPACE.to_value(), Args::new(&values, &names))
}
