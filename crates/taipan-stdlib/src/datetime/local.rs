//! Local time, clocks and timestamps, on the C library.

use super::gregorian::Day;
use super::iso::Clock;
use crate::time::system;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Py, Raised, Value, Vm, name};
use taipan_types::codec::registry::import;

/// No zone moves its clocks by more than this.
pub(super) const MAX_FOLD: i64 = 24 * 3600;
/// The ordinal of 1 January 1970.
const EPOCH_DAY: i64 = 719_163;
const DAY: i64 = 86_400;

/// `time.struct_time` of a day and time.
pub(super) fn struct_time(vm: &mut Vm, day: Day, clock: Clock, dst: i64) -> Py {
    let time = import(vm, "time")?;
    let numbers = [
        day.year.into(),
        day.month.into(),
        day.day.into(),
        clock.hour.into(),
        clock.minute.into(),
        clock.second.into(),
        day.weekday(),
        day.day_of_year(),
        dst,
    ];
    let numbers = new_tuple(numbers.map(Value::int));
    vm.call_method(&time, name!("struct_time"), &[numbers])
}

/// `ctime` of a day and time.
pub(super) fn ctime(day: Day, clock: Clock) -> Value {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const MONTHS: [&str; 13] = [
        "", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    new_str(&format!(
        "{} {} {:2} {:02}:{:02}:{:02} {:04}",
        DAYS[day.weekday() as usize % 7],
        MONTHS[usize::from(day.month) % 13],
        day.day,
        clock.hour,
        clock.minute,
        clock.second,
        day.year
    ))
}

// ---- timestamps ----

#[cold]
fn out_of_range(vm: &mut Vm) -> Raised {
    vm.overflow_error("timestamp out of range for platform time_t")
}

fn in_range(vm: &mut Vm, seconds: f64) -> Py<i64> {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&seconds) {
        Ok(seconds as i64)
    } else {
        Err(out_of_range(vm))
    }
}

fn not_nan(vm: &mut Vm, x: f64) -> Py<()> {
    if x.is_nan() {
        return Err(vm.value_error("Invalid value NaN (not a number)"));
    }
    Ok(())
}

fn whole_seconds(vm: &mut Vm, timestamp: &Value) -> Py<i64> {
    match timestamp.as_i64() {
        Some(seconds) => Ok(seconds),
        None => Err(out_of_range(vm)),
    }
}

/// A timestamp rounded down to seconds.
pub(super) fn floor_seconds(vm: &mut Vm, timestamp: &Value) -> Py<i64> {
    if let Some(x) = timestamp.as_float() {
        not_nan(vm, x)?;
        return in_range(vm, x.floor());
    }
    let index = vm.index(timestamp)?;
    whole_seconds(vm, &index)
}

/// A timestamp rounded to microseconds: seconds and microseconds.
pub(super) fn rounded_seconds(vm: &mut Vm, timestamp: &Value) -> Py<(i64, u32)> {
    if let Some(x) = timestamp.as_float() {
        not_nan(vm, x)?;
        let mut whole = x.trunc();
        let mut fraction = ((x - whole) * 1e6).round_ties_even();
        if fraction >= 1e6 {
            fraction -= 1e6;
            whole += 1.0;
        } else if fraction < 0.0 {
            fraction += 1e6;
            whole -= 1.0;
        }
        return Ok((in_range(vm, whole)?, fraction as u32));
    }
    if timestamp.is_int() || timestamp.type_of().slots().index.is_some() {
        let index = vm.index(timestamp)?;
        return Ok((whole_seconds(vm, &index)?, 0));
    }
    let message = format!(
        "argument must be int or float, not {}",
        timestamp.type_of().name()
    );
    Err(vm.type_error(message))
}

/// The present in seconds and microseconds.
pub(super) fn now(vm: &mut Vm) -> Py<(i64, u32)> {
    let nanoseconds = system::now(vm, libc::CLOCK_REALTIME)?;
    let microseconds = nanoseconds.div_euclid(1000);
    Ok((
        microseconds.div_euclid(1_000_000),
        microseconds.rem_euclid(1_000_000) as u32,
    ))
}

// ---- broken-down time ----

/// A timestamp taken apart: the year, and month, day, hour, minute and second as numbers that are in range.
pub(super) struct Broken {
    pub year: i32,
    pub rest: [i32; 5],
    pub zone: String,
    /// Seconds east of UTC.
    pub offset: i64,
}

pub(super) fn break_down(vm: &mut Vm, seconds: i64, local: bool) -> Py<Broken> {
    let broken = system::break_down(vm, seconds, local)?;
    let tm = &broken.tm;
    let rest = [
        tm.tm_mon + 1,
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        // Leap seconds are not known here.
        tm.tm_sec.min(59),
    ];
    Ok(Broken {
        year: tm.tm_year.saturating_add(1900),
        rest,
        offset: tm.tm_gmtoff,
        zone: broken.zone,
    })
}

/// The local day of a timestamp: the year, month and day.
pub(super) fn local_day(vm: &mut Vm, seconds: i64) -> Py<(i32, [i32; 2])> {
    let broken = break_down(vm, seconds, true)?;
    let [month, day, ..] = broken.rest;
    Ok((broken.year, [month, day]))
}

/// A day and time as if it were UTC, in seconds since 1970.
pub(super) fn utc_seconds(day: Day, clock: Clock) -> i64 {
    (day.ordinal() - EPOCH_DAY) * DAY + clock.seconds()
}

/// What local clocks show at a timestamp, as if it were UTC.
pub(super) fn shown_by_clocks(vm: &mut Vm, seconds: i64) -> Py<i64> {
    let broken = break_down(vm, seconds, true)?;
    super::fields::check_year(vm, broken.year)?;
    let [month, day, hour, minute, second] = broken.rest;
    let clock = Clock {
        hour: hour as u8,
        minute: minute as u8,
        second: second as u8,
        microsecond: 0,
    };
    Ok(utc_seconds(
        Day::new(broken.year, month as u8, day as u8),
        clock,
    ))
}

/// The timestamp at which local clocks show `shown`; of two, the second with `fold`.
pub(super) fn from_clocks(vm: &mut Vm, shown: i64, fold: bool) -> Py<i64> {
    let first_offset = shown_by_clocks(vm, shown)? - shown;
    let first = shown - first_offset;
    let at_first = shown_by_clocks(vm, first)?;
    let second_offset = if at_first == shown {
        // One solution: is there another one on the side that is asked for?
        let probe = if fold {
            first + MAX_FOLD
        } else {
            first - MAX_FOLD
        };
        let offset = shown_by_clocks(vm, probe)? - probe;
        if offset == first_offset {
            return Ok(first);
        }
        offset
    } else {
        at_first - first
    };
    let second = shown - second_offset;
    if shown_by_clocks(vm, second)? == shown {
        return Ok(second);
    }
    if at_first == shown {
        return Ok(first);
    }
    // No clock ever showed this.
    Ok(if fold {
        first.min(second)
    } else {
        first.max(second)
    })
}

/// Did local clocks show the same a little earlier?
pub(super) fn is_second_time(vm: &mut Vm, seconds: i64, shown: i64) -> Py<bool> {
    let before = shown_by_clocks(vm, seconds.saturating_sub(MAX_FOLD))?;
    let change = shown - before - MAX_FOLD;
    if change >= 0 {
        return Ok(false);
    }
    Ok(shown_by_clocks(vm, seconds.saturating_add(change))? == shown)
}
