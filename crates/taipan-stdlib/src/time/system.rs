//! The C library's calls about time, behind safe functions.
#![expect(unsafe_code, reason = "foreign functions")]

use super::clock::SECOND;
use std::ffi::{CStr, CString};
use taipan_core::builtin_types::OS_ERROR;
use taipan_core::str_object::new_str;
use taipan_core::{Py, Raised, Value, Vm};

/// Raises `OSError` for a number of an error.
#[cold]
pub(super) fn os_error(vm: &mut Vm, errno: i32) -> Raised {
    // SAFETY: the result is text that lives until the next call on this thread; it is copied at once.
    let text = unsafe {
        let text = libc::strerror(errno);
        if text.is_null() {
            String::from("Unknown error")
        } else {
            CStr::from_ptr(text).to_string_lossy().into_owned()
        }
    };
    vm.raise_with(&OS_ERROR, &[Value::from_i32(errno), new_str(&text)])
}

fn last_errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn from_timespec(time: &libc::timespec) -> i64 {
    time.tv_sec
        .saturating_mul(SECOND)
        .saturating_add(time.tv_nsec)
}

fn to_timespec(nanoseconds: i64) -> libc::timespec {
    libc::timespec {
        tv_sec: nanoseconds.div_euclid(SECOND) as libc::time_t,
        tv_nsec: nanoseconds.rem_euclid(SECOND) as _,
    }
}

/// A clock's time in nanoseconds.
pub(crate) fn now(vm: &mut Vm, clock: libc::clockid_t) -> Py<i64> {
    let mut time = to_timespec(0);
    // SAFETY: fills the structure given.
    if unsafe { libc::clock_gettime(clock, &mut time) } != 0 {
        return Err(os_error(vm, last_errno()));
    }
    Ok(from_timespec(&time))
}

/// A clock's resolution in nanoseconds.
pub(super) fn resolution(vm: &mut Vm, clock: libc::clockid_t) -> Py<i64> {
    let mut time = to_timespec(0);
    // SAFETY: fills the structure given.
    if unsafe { libc::clock_getres(clock, &mut time) } != 0 {
        return Err(os_error(vm, last_errno()));
    }
    Ok(from_timespec(&time))
}

/// Sets a clock.
pub(super) fn set(vm: &mut Vm, clock: libc::clockid_t, nanoseconds: i64) -> Py<()> {
    let time = to_timespec(nanoseconds);
    // SAFETY: reads the structure given.
    if unsafe { libc::clock_settime(clock, &time) } != 0 {
        return Err(os_error(vm, last_errno()));
    }
    Ok(())
}

/// The number of a thread's clock. `thread` must be one of this process, as in C.
pub(super) fn thread_clock(vm: &mut Vm, thread: libc::pthread_t) -> Py<libc::clockid_t> {
    let mut clock: libc::clockid_t = 0;
    // SAFETY: fills the number given; glibc looks the thread up by its own record, which callers vouch for.
    let failed = unsafe { libc::pthread_getcpuclockid(thread, &mut clock) };
    if failed != 0 {
        return Err(os_error(vm, failed));
    }
    Ok(clock)
}

/// Sleeps until the monotonic clock has reached `deadline`; false if a signal came.
pub(super) fn sleep_until(vm: &mut Vm, deadline: i64) -> Py<bool> {
    let time = to_timespec(deadline);
    // SAFETY: reads the structure given.
    let failed = vm.detached(|| unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &time,
            std::ptr::null_mut(),
        )
    });
    match failed {
        0 => Ok(true),
        libc::EINTR => Ok(false),
        errno => Err(os_error(vm, errno)),
    }
}

/// The present in whole seconds.
pub(super) fn seconds_now(vm: &mut Vm) -> Py<i64> {
    Ok(now(vm, libc::CLOCK_REALTIME)?.div_euclid(SECOND))
}

/// A date and time taken apart, with the zone's name.
#[derive(Clone)]
pub(crate) struct Broken {
    pub tm: libc::tm,
    pub zone: String,
}

/// All zero.
pub(super) fn blank() -> libc::tm {
    // SAFETY: `tm` is made of numbers and a pointer, for which zero is a value.
    unsafe { std::mem::zeroed() }
}

fn zone_of(tm: &libc::tm) -> String {
    if tm.tm_zone.is_null() {
        return String::new();
    }
    // SAFETY: the C library sets it to text that lives until the next `tzset`; it is copied at once.
    unsafe { CStr::from_ptr(tm.tm_zone) }
        .to_string_lossy()
        .into_owned()
}

/// Seconds since the epoch as UTC or local time.
pub(crate) fn break_down(vm: &mut Vm, seconds: i64, local: bool) -> Py<Broken> {
    let mut tm = blank();
    let seconds = seconds as libc::time_t;
    // SAFETY: both read the number and fill the structure.
    let done = unsafe {
        if local {
            libc::localtime_r(&seconds, &mut tm)
        } else {
            libc::gmtime_r(&seconds, &mut tm)
        }
    };
    if done.is_null() {
        let errno = match last_errno() {
            0 => libc::EINVAL,
            errno => errno,
        };
        return Err(os_error(vm, errno));
    }
    let zone = zone_of(&tm);
    Ok(Broken { tm, zone })
}

/// Local time as seconds since the epoch; `None` if it cannot be.
pub(super) fn put_together(tm: &mut libc::tm) -> Option<i64> {
    // A result of -1 may be a time: the day of the week, which is always set, tells.
    tm.tm_wday = -1;
    // SAFETY: reads and normalises the structure.
    let seconds = unsafe { libc::mktime(tm) };
    (seconds != -1 || tm.tm_wday != -1).then_some(seconds as i64)
}

/// Reads the zone from the environment anew.
pub(super) fn tzset() {
    unsafe extern "C" {
        #[link_name = "tzset"]
        fn c_tzset();
    }
    // SAFETY: takes nothing.
    unsafe { c_tzset() }
}

/// One conversion (`%Y`, `%-d`) applied by the C library.
pub(super) fn strftime(conversion: &str, broken: &Broken) -> Vec<u8> {
    // A mark in front tells an empty result from a full buffer.
    let (Ok(format), Ok(zone)) = (
        CString::new(format!("x{conversion}")),
        CString::new(broken.zone.as_str()),
    ) else {
        return Vec::new();
    };
    let mut tm = broken.tm;
    tm.tm_zone = zone.as_ptr().cast_mut();
    let mut buffer = vec![0u8; 256];
    while buffer.len() <= 1 << 16 {
        // SAFETY: writes at most as many bytes as the buffer has; format and zone are C strings that outlive the call.
        let len = unsafe {
            libc::strftime(
                buffer.as_mut_ptr().cast(),
                buffer.len(),
                format.as_ptr(),
                &tm,
            )
        };
        if len > 0 {
            return buffer[1..len].to_vec();
        }
        buffer.resize(buffer.len() * 4, 0);
    }
    Vec::new()
}
