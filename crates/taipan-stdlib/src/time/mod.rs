//! `time`: `clock` reads clocks and sleeps, `calendar` knows dates, `system` calls the C library.

mod calendar;
mod clock;
pub(crate) mod system;

pub(crate) use clock::{nanoseconds, scaled};

use crate::support::add;
use crate::{ModuleDef, structseq};
use taipan_core::{MethodDef, Py, Value, Vm, f0, f1, f2, raw, slice};

/// `time`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "time",
    doc: "This module provides various functions to manipulate time values.\n\n\
          There are two standard representations of time.  One is the number\n\
          of seconds since the Epoch, in UTC (a.k.a. GMT).  It may be an integer\n\
          or a floating-point number (to represent fractions of seconds).\n\
          The epoch is the point where the time starts, the return value of time.gmtime(0).\n\
          It is January 1, 1970, 00:00:00 (UTC) on all platforms.\n\n\
          The other representation is a tuple of 9 integers giving local time.\n\
          The tuple items are:\n  year (including century, e.g. 1998)\n  month (1-12)\n  day (1-31)\n\
          \x20 hours (0-23)\n  minutes (0-59)\n  seconds (0-59)\n  weekday (0-6, Monday is 0)\n\
          \x20 Julian day (day in the year, 1-366)\n  DST (Daylight Savings Time) flag (-1, 0 or 1)\n\
          If the DST flag is 0, the time is given in the regular time zone;\n\
          if it is 1, the time is given in the DST time zone;\n\
          if it is -1, mktime() should guess based on the date and time.\n",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 26] = [
    f0(
        "time(module, /)",
        clock::time,
        "time() -> floating-point number\n\nReturn the current time in seconds since the Epoch.\nFractions of a second may be present if the system clock provides them.",
    ),
    f0(
        "time_ns(module, /)",
        clock::time_ns,
        "time_ns() -> int\n\nReturn the current time in nanoseconds since the Epoch.",
    ),
    f0(
        "monotonic(module, /)",
        clock::monotonic,
        "monotonic() -> float\n\nMonotonic clock, cannot go backward.",
    ),
    f0(
        "monotonic_ns(module, /)",
        clock::monotonic_ns,
        "monotonic_ns() -> int\n\nMonotonic clock, cannot go backward, as nanoseconds.",
    ),
    f0(
        "perf_counter(module, /)",
        clock::perf_counter,
        "perf_counter() -> float\n\nPerformance counter for benchmarking.",
    ),
    f0(
        "perf_counter_ns(module, /)",
        clock::perf_counter_ns,
        "perf_counter_ns() -> int\n\nPerformance counter for benchmarking as nanoseconds.",
    ),
    f0(
        "process_time(module, /)",
        clock::process_time,
        "process_time() -> float\n\nProcess time for profiling: sum of the kernel and user-space CPU time.",
    ),
    f0(
        "process_time_ns(module, /)",
        clock::process_time_ns,
        "process_time() -> int\n\nProcess time for profiling as nanoseconds:\nsum of the kernel and user-space CPU time.",
    ),
    f0(
        "thread_time(module, /)",
        clock::thread_time,
        "thread_time() -> float\n\nThread time for profiling: sum of the kernel and user-space CPU time.",
    ),
    f0(
        "thread_time_ns(module, /)",
        clock::thread_time_ns,
        "thread_time() -> int\n\nThread time for profiling as nanoseconds:\nsum of the kernel and user-space CPU time.",
    ),
    f1(
        "clock_gettime(module, clk_id, /)",
        clock::clock_gettime,
        "Return the time of the specified clock clk_id as a float.",
    ),
    f1(
        "clock_gettime_ns(module, clk_id, /)",
        clock::clock_gettime_ns,
        "Return the time of the specified clock clk_id as nanoseconds (int).",
    ),
    f1(
        "clock_getres(module, clk_id, /)",
        clock::clock_getres,
        "clock_getres(clk_id) -> floating-point number\n\nReturn the resolution (precision) of the specified clock clk_id.",
    ),
    f2(
        "clock_settime(module, clk_id, time, /)",
        clock::clock_settime,
        "clock_settime(clk_id, time)\n\nSet the time of the specified clock clk_id.",
    ),
    f2(
        "clock_settime_ns(module, clk_id, time, /)",
        clock::clock_settime_ns,
        "clock_settime_ns(clk_id, time)\n\nSet the time of the specified clock clk_id with nanoseconds.",
    ),
    f1(
        "pthread_getcpuclockid(module, thread_id, /)",
        clock::thread_clock,
        "pthread_getcpuclockid(thread_id) -> int\n\nReturn the clk_id of a thread's CPU time clock.",
    ),
    f1(
        "sleep(module, seconds, /)",
        clock::sleep,
        "sleep(seconds)\n\nDelay execution for a given number of seconds.  The argument may be\na floating-point number for subsecond precision.",
    ),
    f1(
        "get_clock_info(module, name, /)",
        clock::get_clock_info,
        "get_clock_info(name: str) -> dict\n\nGet information of the specified clock.",
    ),
    slice(
        "gmtime(module, seconds=None, /)",
        calendar::gmtime,
        "gmtime([seconds]) -> (tm_year, tm_mon, tm_mday, tm_hour, tm_min,\n                       tm_sec, tm_wday, tm_yday, tm_isdst)\n\nConvert seconds since the Epoch to a time tuple expressing UTC (a.k.a.\nGMT).  When 'seconds' is not passed in, convert the current time instead.\n\nIf the platform supports the tm_gmtoff and tm_zone, they are available as\nattributes only.",
    ),
    slice(
        "localtime(module, seconds=None, /)",
        calendar::localtime,
        "localtime([seconds]) -> (tm_year,tm_mon,tm_mday,tm_hour,tm_min,\n                          tm_sec,tm_wday,tm_yday,tm_isdst)\n\nConvert seconds since the Epoch to a time tuple expressing local time.\nWhen 'seconds' is not passed in, convert the current time instead.",
    ),
    slice(
        "asctime(module, time_tuple=None, /)",
        calendar::asctime,
        "asctime([time_tuple]) -> string\n\nConvert a time tuple to a string, e.g. 'Sat Jun 06 16:26:11 1998'.\nWhen the time tuple is not present, current time as returned by localtime()\nis used.",
    ),
    slice(
        "ctime(module, seconds=None, /)",
        calendar::ctime,
        "ctime([seconds]) -> string\n\nConvert a time in seconds since the Epoch to a string in local time.\nThis is equivalent to asctime(localtime(seconds)). When 'seconds' is not\npassed in, convert the current time instead.",
    ),
    f1(
        "mktime(module, time_tuple, /)",
        calendar::mktime,
        "mktime(time_tuple) -> floating-point number\n\nConvert a time tuple in local time to seconds since the Epoch.\nNote that mktime(gmtime(0)) will not generally return zero for most\ntime zones; instead the returned value will either be equal to that\nof the timezone or altzone attributes on the time module.",
    ),
    slice(
        "strftime(module, format, time_tuple=None, /)",
        calendar::strftime,
        "strftime(format[, time_tuple]) -> string\n\nConvert a time tuple to a string according to a format specification.\nSee the library reference manual for formatting codes. When the time tuple\nis not present, current time as returned by localtime() is used.",
    ),
    raw(
        "strptime(module, string, format='%a %b %d %H:%M:%S %Y', /)",
        calendar::strptime,
        "strptime(string[, format]) -> struct_time\n\nParse a string to a time tuple according to a format specification.\nSee the library reference manual for formatting codes (same as\nstrftime()).",
    ),
    f0(
        "tzset(module, /)",
        calendar::tzset,
        "tzset()\n\nInitialize, or reinitialize, the local timezone to the value stored in\nos.environ['TZ']. The TZ environment variable should be specified in\nstandard Unix timezone format as documented in the tzset man page\n(eg. 'US/Eastern', 'Europe/Amsterdam'). Unknown timezones will silently\nfall back to UTC. If the TZ environment variable is not set, the local\ntimezone is set to the systems best guess of wallclock time.",
    ),
];

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    structseq::define(&calendar::STRUCT_TIME, &calendar::FIELDS);
    add(dict, "struct_time", calendar::STRUCT_TIME.to_value());
    add(dict, "_STRUCT_TM_ITEMS", Value::from_i32(11));
    for (name, clock) in [
        ("CLOCK_REALTIME", libc::CLOCK_REALTIME),
        ("CLOCK_MONOTONIC", libc::CLOCK_MONOTONIC),
        ("CLOCK_PROCESS_CPUTIME_ID", libc::CLOCK_PROCESS_CPUTIME_ID),
        ("CLOCK_THREAD_CPUTIME_ID", libc::CLOCK_THREAD_CPUTIME_ID),
        #[cfg(target_os = "linux")]
        ("CLOCK_MONOTONIC_RAW", libc::CLOCK_MONOTONIC_RAW),
        #[cfg(target_os = "linux")]
        ("CLOCK_BOOTTIME", libc::CLOCK_BOOTTIME),
        #[cfg(target_os = "linux")]
        ("CLOCK_TAI", libc::CLOCK_TAI),
    ] {
        add(dict, name, Value::int(clock as i64));
    }
    for (name, value) in calendar::zone_constants(vm)? {
        add(dict, name, value);
    }
    Ok(())
}
