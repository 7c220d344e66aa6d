//! Dates: `struct_time`, and its way from and to numbers and text.

use super::system::{self, Broken};
use crate::structseq::{self, Fields};
use taipan_core::builtin_types::{OVERFLOW_ERROR, TYPE_ERROR};
use taipan_core::str_object::{new_from_wtf8, new_str, push_wtf8, str_of};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Args, Py, Type, TypeObject, Value, Vm, name};
use taipan_types::codec::registry::import;

/// The type `time.struct_time`.
pub static STRUCT_TIME: TypeObject = Type::declare("time.struct_time");

/// Its fields.
pub(super) static FIELDS: Fields = Fields {
    name: "time.struct_time",
    doc: "The time value as returned by gmtime(), localtime(), and strptime(), and\n \
          accepted by asctime(), mktime() and strftime().  May be considered as a\n \
          sequence of 9 integers.\n\n \
          Note that several fields' values are not the same as those defined by\n \
          the C language standard for struct tm.  For example, the value of the\n \
          field tm_year is the actual year, not year - 1900.  See individual\n \
          fields' descriptions for details.",
    fields: &[
        ("tm_year", "year, for example, 1993"),
        ("tm_mon", "month of year, range [1, 12]"),
        ("tm_mday", "day of month, range [1, 31]"),
        ("tm_hour", "hours, range [0, 23]"),
        ("tm_min", "minutes, range [0, 59]"),
        ("tm_sec", "seconds, range [0, 61])"),
        ("tm_wday", "day of week, range [0, 6], Monday is 0"),
        ("tm_yday", "day of year, range [1, 366]"),
        (
            "tm_isdst",
            "1 if summer time is in effect, 0 if not, and -1 if unknown",
        ),
        ("tm_zone", "abbreviation of timezone name"),
        ("tm_gmtoff", "offset from UTC in seconds"),
    ],
    visible: 9,
    instantiable: true,
};

fn to_value(broken: &Broken) -> Value {
    let tm = &broken.tm;
    let numbers = [
        tm.tm_year as i64 + 1900,
        tm.tm_mon as i64 + 1,
        tm.tm_mday as i64,
        tm.tm_hour as i64,
        tm.tm_min as i64,
        tm.tm_sec as i64,
        (tm.tm_wday as i64 + 6) % 7,
        tm.tm_yday as i64 + 1,
        tm.tm_isdst as i64,
    ];
    let mut values: Vec<Value> = numbers.into_iter().map(Value::int).collect();
    values.push(new_str(&broken.zone));
    values.push(Value::int(tm.tm_gmtoff));
    structseq::create(&STRUCT_TIME, 9, values)
}

/// Seconds since the epoch: the argument rounded down, or the present.
fn seconds(vm: &mut Vm, value: Option<&Value>) -> Py<i64> {
    const RANGE: &str = "timestamp out of range for platform time_t";
    let Some(value) = value.filter(|value| !value.is_none()) else {
        return system::seconds_now(vm);
    };
    if let Some(x) = value.as_float() {
        if x.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let whole = x.floor();
        if !(-9.223372036854775e18..9.223372036854775e18).contains(&whole) {
            return Err(vm.overflow_error(RANGE));
        }
        return Ok(whole as i64);
    }
    match vm.index(value)?.as_i64() {
        Some(seconds) => Ok(seconds),
        None => Err(vm.overflow_error(RANGE)),
    }
}

pub(super) fn gmtime(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let seconds = seconds(vm, args.first())?;
    let broken = system::break_down(vm, seconds, false)?;
    Ok(to_value(&broken))
}

pub(super) fn localtime(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let seconds = seconds(vm, args.first())?;
    let broken = system::break_down(vm, seconds, true)?;
    Ok(to_value(&broken))
}

/// A time tuple of `function`'s argument.
fn from_tuple(vm: &mut Vm, value: &Value, function: &str) -> Py<Broken> {
    let Some(row) = items(value) else {
        return Err(vm.type_error("Tuple or struct_time argument required"));
    };
    if row.len() != 9 {
        return Err(vm.type_error(format!("{function}(): illegal time tuple argument")));
    }
    let mut numbers = [0i32; 9];
    for (number, value) in numbers.iter_mut().zip(row) {
        *number = c_int(vm, value)?;
    }
    let [
        year,
        month,
        day,
        hour,
        minute,
        second,
        weekday,
        yearday,
        dst,
    ] = numbers;
    let Some(year) = year.checked_sub(1900) else {
        return Err(vm.overflow_error("year out of range"));
    };
    let mut tm = system::blank();
    tm.tm_year = year;
    tm.tm_mon = month.wrapping_sub(1);
    tm.tm_mday = day;
    tm.tm_hour = hour;
    tm.tm_min = minute;
    tm.tm_sec = second;
    tm.tm_wday = weekday.wrapping_add(1) % 7;
    tm.tm_yday = yearday.wrapping_sub(1);
    tm.tm_isdst = dst;
    let mut zone = String::new();
    if value.is_exact(&STRUCT_TIME) {
        let name = vm.get_attr(value, name!("tm_zone"))?;
        zone = str_of(&name)
            .map(|text| text.to_lossy())
            .unwrap_or_default();
        let offset = vm.get_attr(value, name!("tm_gmtoff"))?;
        tm.tm_gmtoff = offset.as_i64().unwrap_or(0) as _;
    }
    Ok(Broken { tm, zone })
}

fn c_int(vm: &mut Vm, value: &Value) -> Py<i32> {
    let index = vm.index(value)?;
    let number = match index.as_i64() {
        Some(number) => number,
        None => {
            let negative = index
                .as_big()
                .is_some_and(|big| big < dashu_int::IBig::ZERO);
            if negative { i64::MIN } else { i64::MAX }
        }
    };
    match i32::try_from(number) {
        Ok(number) => Ok(number),
        Err(_) => Err(vm.raise(
            &OVERFLOW_ERROR,
            if number > 0 {
                "signed integer is greater than maximum"
            } else {
                "signed integer is less than minimum"
            },
        )),
    }
}

/// Checks what the C library would index tables with. Zero is taken for "not known" where no such value exists.
fn check(vm: &mut Vm, tm: &mut libc::tm) -> Py<()> {
    if tm.tm_mon == -1 {
        tm.tm_mon = 0;
    }
    if tm.tm_mday == 0 {
        tm.tm_mday = 1;
    }
    if tm.tm_yday == -1 {
        tm.tm_yday = 0;
    }
    let complaint = if !(0..12).contains(&tm.tm_mon) {
        "month out of range"
    } else if !(0..=31).contains(&tm.tm_mday) {
        "day of month out of range"
    } else if !(0..24).contains(&tm.tm_hour) {
        "hour out of range"
    } else if !(0..60).contains(&tm.tm_min) {
        "minute out of range"
    } else if !(0..=61).contains(&tm.tm_sec) {
        "seconds out of range"
    } else if tm.tm_wday < 0 {
        "day of week out of range"
    } else if !(0..=365).contains(&tm.tm_yday) {
        "day of year out of range"
    } else {
        return Ok(());
    };
    Err(vm.value_error(complaint))
}

pub(super) fn mktime(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    let mut broken = from_tuple(vm, value, "mktime")?;
    match system::put_together(&mut broken.tm) {
        Some(seconds) => Ok(Value::float(seconds as f64)),
        None => Err(vm.overflow_error("mktime argument out of range")),
    }
}

fn as_text(tm: &libc::tm) -> Value {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let day = DAYS[tm.tm_wday.rem_euclid(7) as usize];
    let month = MONTHS[tm.tm_mon.rem_euclid(12) as usize];
    new_str(&format!(
        "{day} {month}{:3} {:02}:{:02}:{:02} {}",
        tm.tm_mday,
        tm.tm_hour,
        tm.tm_min,
        tm.tm_sec,
        tm.tm_year as i64 + 1900
    ))
}

/// The time tuple of an optional argument; the present in local time if there is none.
fn tuple_or_now(vm: &mut Vm, value: Option<&Value>, function: &str) -> Py<Broken> {
    match value {
        Some(value) => {
            let mut broken = from_tuple(vm, value, function)?;
            check(vm, &mut broken.tm)?;
            Ok(broken)
        }
        None => {
            let now = system::seconds_now(vm)?;
            system::break_down(vm, now, true)
        }
    }
}

pub(super) fn asctime(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let broken = tuple_or_now(vm, args.first(), "asctime")?;
    Ok(as_text(&broken.tm))
}

pub(super) fn ctime(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let seconds = seconds(vm, args.first())?;
    let broken = system::break_down(vm, seconds, true)?;
    Ok(as_text(&broken.tm))
}

pub(super) fn strftime(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let Some(format) = args.first() else {
        return Err(vm.raise(
            &TYPE_ERROR,
            "strftime() takes at least 1 argument (0 given)",
        ));
    };
    let Some(text) = str_of(format) else {
        let message = format!(
            "strftime() argument 1 must be str, not {}",
            format.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let mut broken = tuple_or_now(vm, args.get(1), "strftime")?;
    broken.tm.tm_isdst = broken.tm.tm_isdst.clamp(-1, 1);
    let points: Vec<u32> = text.code_points().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < points.len() {
        match conversion(&points[at..]) {
            Some((conversion, len)) => {
                out.extend(system::strftime(&conversion, &broken));
                at += len;
            }
            None => {
                push_wtf8(&mut out, points[at]);
                at += 1;
            }
        }
    }
    Ok(new_from_wtf8(&out))
}

/// The conversion that `points` begins with, and its length: `%`, flags, a width, a modifier, a letter.
fn conversion(points: &[u32]) -> Option<(String, usize)> {
    if *points.first()? != u32::from('%') {
        return None;
    }
    let mut text = String::from("%");
    for (at, point) in points.iter().enumerate().skip(1) {
        let c = char::from_u32(*point).filter(char::is_ascii)?;
        text.push(c);
        match c {
            '_' | '-' | '^' | '#' | '0'..='9' | 'E' | 'O' | ':' => {}
            '\0' => return None,
            _ => return Some((text, at + 1)),
        }
    }
    None
}

pub(super) fn strptime(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let module = import(vm, "_strptime")?;
    let function = vm.get_attr(&module, name!("_strptime_time"))?;
    vm.call_args(&function, args)
}

/// What the module tells about the local zone: `timezone`, `altzone`, `daylight`, `tzname`.
pub(super) fn zone_constants(vm: &mut Vm) -> Py<[(&'static str, Value); 4]> {
    const YEAR: i64 = (365 * 24 + 6) * 3600;
    system::tzset();
    let january = system::seconds_now(vm)? / YEAR * YEAR;
    let winter = system::break_down(vm, january, true)?;
    let summer = system::break_down(vm, january + YEAR / 2, true)?;
    let west = |broken: &Broken| -broken.tm.tm_gmtoff;
    // South of the equator summer time is in force in January.
    let (standard, other) = if west(&winter) < west(&summer) {
        (&summer, &winter)
    } else {
        (&winter, &summer)
    };
    Ok([
        ("timezone", Value::int(west(standard))),
        ("altzone", Value::int(west(other))),
        (
            "daylight",
            Value::int((west(&winter) != west(&summer)) as i64),
        ),
        (
            "tzname",
            new_tuple([new_str(&standard.zone), new_str(&other.zone)]),
        ),
    ])
}

pub(super) fn tzset(vm: &mut Vm, module: &Value) -> Py {
    for (name, value) in zone_constants(vm)? {
        vm.set_attr_str(module, name, &value)?;
    }
    Ok(Value::none())
}
