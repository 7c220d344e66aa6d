//! Terminals.

use super::{done, fail};
use crate::path::{self, c_int};
use crate::structseq::{self, Fields};
use crate::support::add_type;
use std::mem::MaybeUninit;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{MethodDef, Py, Type, TypeObject, Value, Vm, f0, f1, f2, slice};
use taipan_types::exceptions::os_error::raise_errno;

static TERMINAL_SIZE: TypeObject = Type::declare("os.terminal_size");

static SIZE: Fields = Fields {
    name: "os.terminal_size",
    doc: "A tuple of (columns, lines) for holding terminal window size",
    fields: &[
        ("columns", "width of the terminal window in characters"),
        ("lines", "height of the terminal window in characters"),
    ],
    visible: 2,
    instantiable: true,
};

pub(super) static FUNCTIONS: [MethodDef; 11] = [
    slice(
        "get_terminal_size($module, fd=<unrepresentable>, /)",
        terminal_size,
        "The size of a terminal as (columns, lines).",
    ),
    f0(
        "ctermid($module, /)",
        ctermid,
        "The name of the controlling terminal.",
    ),
    f1(
        "ttyname($module, fd, /)",
        ttyname,
        "The name of a terminal.",
    ),
    f1(
        "tcgetpgrp($module, fd, /)",
        tcgetpgrp,
        "The foreground process group of a terminal.",
    ),
    f2(
        "tcsetpgrp($module, fd, pgid, /)",
        tcsetpgrp,
        "Set the foreground process group of a terminal.",
    ),
    f0(
        "openpty($module, /)",
        openpty,
        "Open a pseudo terminal; give a tuple (master_fd, slave_fd).",
    ),
    f1(
        "login_tty($module, fd, /)",
        login_tty,
        "Make a terminal the controlling one and the standard streams.",
    ),
    f1(
        "posix_openpt($module, oflag, /)",
        posix_openpt,
        "Open a pseudo terminal's master.",
    ),
    f1(
        "grantpt($module, fd, /)",
        |vm, _, fd| by_master(vm, fd, libc::grantpt),
        "Grant access to a pseudo terminal's slave.",
    ),
    f1(
        "unlockpt($module, fd, /)",
        |vm, _, fd| by_master(vm, fd, libc::unlockpt),
        "Unlock a pseudo terminal's slave.",
    ),
    f1(
        "ptsname($module, fd, /)",
        ptsname,
        "The name of a pseudo terminal's slave.",
    ),
];

pub(super) fn define(dict: &Value) {
    structseq::define(&TERMINAL_SIZE, &SIZE);
    add_type(dict, &TERMINAL_SIZE);
}

fn terminal_size(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = match args.first() {
        Some(fd) => c_int(vm, fd)?,
        None => 1,
    };
    let mut size = MaybeUninit::<libc::winsize>::zeroed();
    // SAFETY: room for the result.
    if unsafe { libc::ioctl(fd, libc::TIOCGWINSZ, size.as_mut_ptr()) } < 0 {
        return Err(fail(vm));
    }
    // SAFETY: filled by the call.
    let size = unsafe { size.assume_init() };
    Ok(structseq::create(
        &TERMINAL_SIZE,
        2,
        vec![
            Value::int(size.ws_col.into()),
            Value::int(size.ws_row.into()),
        ],
    ))
}

unsafe extern "C" {
    #[link_name = "ctermid"]
    fn c_ctermid(text: *mut libc::c_char) -> *mut libc::c_char;
}

fn ctermid(vm: &mut Vm, _module: &Value) -> Py {
    let mut text = [0 as libc::c_char; 64];
    // SAFETY: a buffer longer than `L_ctermid`.
    unsafe {
        c_ctermid(text.as_mut_ptr());
        path::c_text(vm, text.as_ptr())
    }
}

fn ttyname(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    let mut text = [0 as libc::c_char; 1024];
    // SAFETY: a buffer with its length.
    let error = unsafe { libc::ttyname_r(fd, text.as_mut_ptr(), text.len()) };
    if error != 0 {
        return Err(raise_errno(vm, error, None));
    }
    // SAFETY: the call ended it with a null byte.
    unsafe { path::c_text(vm, text.as_ptr()) }
}

fn tcgetpgrp(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    // SAFETY: a plain call.
    let group = unsafe { libc::tcgetpgrp(fd) };
    if group < 0 {
        Err(fail(vm))
    } else {
        Ok(Value::from_i32(group))
    }
}

fn tcsetpgrp(vm: &mut Vm, _module: &Value, fd: &Value, group: &Value) -> Py {
    let (fd, group) = (c_int(vm, fd)?, c_int(vm, group)?);
    // SAFETY: a plain call.
    let result = unsafe { libc::tcsetpgrp(fd, group) };
    done(vm, result)
}

fn openpty(vm: &mut Vm, _module: &Value) -> Py {
    let (mut master, mut slave) = (-1, -1);
    let null = std::ptr::null_mut();
    // SAFETY: room for two descriptors; the rest is left out.
    let result = unsafe { libc::openpty(&mut master, &mut slave, null, null.cast(), null.cast()) };
    if result < 0 {
        return Err(fail(vm));
    }
    for fd in [master, slave] {
        // SAFETY: just opened.
        unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
    }
    Ok(new_tuple([Value::from_i32(master), Value::from_i32(slave)]))
}

fn login_tty(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = path::fileno(vm, fd)?;
    // SAFETY: a plain call.
    let result = unsafe { libc::login_tty(fd) };
    done(vm, result)
}

fn posix_openpt(vm: &mut Vm, _module: &Value, flags: &Value) -> Py {
    let flags = c_int(vm, flags)? | libc::O_CLOEXEC;
    // SAFETY: a plain call.
    let fd = unsafe { libc::posix_openpt(flags) };
    if fd < 0 {
        Err(fail(vm))
    } else {
        Ok(Value::from_i32(fd))
    }
}

fn by_master(vm: &mut Vm, fd: &Value, call: unsafe extern "C" fn(i32) -> i32) -> Py {
    let fd = path::fileno(vm, fd)?;
    // SAFETY: a plain call.
    let result = unsafe { call(fd) };
    done(vm, result)
}

fn ptsname(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = path::fileno(vm, fd)?;
    let mut text = [0 as libc::c_char; 1024];
    // SAFETY: a buffer with its length.
    let error = unsafe { libc::ptsname_r(fd, text.as_mut_ptr(), text.len()) };
    if error != 0 {
        return Err(raise_errno(vm, error, None));
    }
    // SAFETY: the call ended it with a null byte.
    unsafe { path::c_text(vm, text.as_ptr()) }
}
