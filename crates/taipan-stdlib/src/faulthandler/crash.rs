//! Functions that crash on purpose, to try the handlers.

use super::{dump, fatal};
use crate::support::int_argument;
use std::hint::black_box;
use taipan_core::{Py, Value, Vm};

pub(super) fn read_null(_vm: &mut Vm, _module: &Value) -> Py {
    no_core_file();
    let null = black_box(std::ptr::null::<libc::c_char>());
    // SAFETY: none: reading address 0 is what this function is for.
    let length = unsafe { libc::strlen(null) };
    Ok(Value::int(black_box(length) as i64))
}

pub(super) fn sigsegv(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    // Whether to give up the lock that Taipan does not have.
    args.first().map_or(Ok(0), |flag| int_argument(vm, flag))?;
    raise(libc::SIGSEGV)
}

pub(super) fn sigfpe(_vm: &mut Vm, _module: &Value) -> Py {
    raise(libc::SIGFPE)
}

pub(super) fn sigabrt(_vm: &mut Vm, _module: &Value) -> Py {
    no_core_file();
    // SAFETY: ends the process, as asked for.
    unsafe { libc::abort() }
}

fn raise(signal: i32) -> Py {
    no_core_file();
    // SAFETY: a plain call.
    unsafe { libc::raise(signal) };
    Ok(Value::none())
}

/// A crash on purpose shall leave no core file.
fn no_core_file() {
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: a structure of ours.
    unsafe {
        if libc::getrlimit(libc::RLIMIT_CORE, &mut limit) == 0 {
            limit.rlim_cur = 0;
            libc::setrlimit(libc::RLIMIT_CORE, &limit);
        }
    }
}

/// Ends the process from a thread that runs no Python code.
pub(super) fn fatal_error_thread(vm: &mut Vm, _module: &Value) -> Py {
    no_core_file();
    let made = std::thread::Builder::new().spawn(|| {
        fatal_error("faulthandler_fatal_error_thread", "in new thread");
    });
    match made {
        Ok(thread) => {
            drop(thread.join());
            Ok(Value::none())
        }
        Err(_) => Err(vm.runtime_error("unable to start the thread")),
    }
}

/// Reports an error of the interpreter itself and ends the process.
fn fatal_error(function: &str, message: &str) -> ! {
    let fd = 2;
    {
        let mut out = super::out::Out::new(fd);
        out.text("Fatal Python error: ");
        out.text(function);
        out.text(": ");
        out.text(message);
        out.text("\nPython runtime state: initialized\n\n");
    }
    dump::all_threads(fd);
    super::out::Out::new(fd).text("\n");
    dump::native_stack(fd);
    fatal::disable();
    // SAFETY: ends the process.
    unsafe { libc::abort() }
}

/// Bytes of native stack that are tried at most.
const MOST: usize = 100 << 20;

#[inline(never)]
fn go_deeper(least: usize, most: usize, depth: &mut usize) -> usize {
    let room = black_box([*depth as u8; 4096]);
    let here = &raw const room as usize;
    *depth += 1;
    if here < least || here > most {
        return here;
    }
    let end = go_deeper(least, most, depth);
    // The room is used after the call, so that the call is no jump.
    black_box(&room);
    end
}

pub(super) fn stack_overflow(vm: &mut Vm, _module: &Value) -> Py {
    no_core_file();
    let start = (&raw const vm) as usize;
    let mut depth = 0;
    let end = go_deeper(
        start.saturating_sub(MOST),
        start.saturating_add(MOST),
        &mut depth,
    );
    let size = start.abs_diff(end);
    Err(vm.runtime_error(format!(
        "unable to raise a stack overflow (allocated {size} bytes on the stack, {depth} recursive calls)"
    )))
}
