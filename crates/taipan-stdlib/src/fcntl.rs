//! `fcntl`: control of open files.

use crate::ModuleDef;
use crate::audit::audit;
use crate::path::{c_int, errno, fileno, retry};
use crate::support::add;
use taipan_core::{MethodDef, Py, Value, Vm, f2, slice, str_object};
use taipan_types::buffer::{bytes_like, writable};
use taipan_types::bytes::new_bytes;
use taipan_types::exceptions::os_error::raise_errno;

static FUNCTIONS: [MethodDef; 4] = [
    slice(
        "fcntl($module, fd, cmd, arg=0, /)",
        fcntl,
        "Do an operation on a descriptor; arg is an int or bytes, and so is the result.",
    ),
    slice(
        "ioctl($module, fd, request, arg=0, mutate_flag=True, /)",
        ioctl,
        "Do an operation on a device; arg is an int, bytes, or a buffer that is written to.",
    ),
    f2(
        "flock($module, fd, operation, /)",
        flock,
        "Lock or unlock a file.",
    ),
    slice(
        "lockf($module, fd, cmd, len=0, start=0, whence=0, /)",
        lockf,
        "Lock or unlock a part of a file.",
    ),
];

/// The module `fcntl`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "fcntl",
    doc: "Control of open files: flags, locks, operations on devices.",
    functions: &FUNCTIONS,
    init,
};

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

#[cfg(target_os = "linux")]
static NUMBERS: &[(&str, i64)] = numbers! {
     FD_CLOEXEC FICLONE FICLONERANGE F_ADD_SEALS F_DUPFD F_DUPFD_CLOEXEC F_GETFD F_GETFL F_GETLEASE
    F_GETLK F_GETOWN  F_GETPIPE_SZ  F_GET_SEALS F_NOTIFY F_OFD_GETLK F_OFD_SETLK F_OFD_SETLKW
    F_RDLCK F_SEAL_FUTURE_WRITE F_SEAL_GROW F_SEAL_SEAL F_SEAL_SHRINK F_SEAL_WRITE F_SETFD F_SETFL F_SETLEASE
    F_SETLK F_SETLKW F_SETOWN  F_SETPIPE_SZ  F_UNLCK F_WRLCK LOCK_EX LOCK_NB LOCK_SH LOCK_UN
};

/// Numbers that the C library has no Rust name for.
#[cfg(target_os = "linux")]
static OTHERS: &[(&str, i64)] = &[
    ("F_SETSIG", 10),
    ("F_SETOWN_EX", 15),
    ("F_GETSIG", 11),
    ("F_GETOWN_EX", 16),
    ("FASYNC", 8192),
    ("DN_ACCESS", 1),
    ("DN_ATTRIB", 32),
    ("DN_CREATE", 4),
    ("DN_DELETE", 8),
    ("DN_MODIFY", 2),
    ("DN_MULTISHOT", 2147483648),
    ("DN_RENAME", 16),
    ("F_DUPFD_QUERY", 1027),
    ("F_EXLCK", 4),
    ("F_GETLK64", 5),
    ("F_GET_FILE_RW_HINT", 1037),
    ("F_GET_RW_HINT", 1035),
    ("F_OWNER_PGRP", 2),
    ("F_OWNER_PID", 1),
    ("F_OWNER_TID", 0),
    ("F_SETLK64", 6),
    ("F_SETLKW64", 7),
    ("F_SET_FILE_RW_HINT", 1038),
    ("F_SET_RW_HINT", 1036),
    ("F_SHLCK", 8),
    ("LOCK_MAND", 32),
    ("LOCK_READ", 64),
    ("LOCK_RW", 192),
    ("LOCK_WRITE", 128),
    ("RWH_WRITE_LIFE_EXTREME", 5),
    ("RWH_WRITE_LIFE_LONG", 4),
    ("RWH_WRITE_LIFE_MEDIUM", 3),
    ("RWH_WRITE_LIFE_NONE", 1),
    ("RWH_WRITE_LIFE_NOT_SET", 0),
    ("RWH_WRITE_LIFE_SHORT", 2),
];

#[cfg(not(target_os = "linux"))]
static NUMBERS: &[(&str, i64)] = numbers! {
    FD_CLOEXEC F_DUPFD F_DUPFD_CLOEXEC F_GETFD F_GETFL F_GETLK F_GETOWN F_RDLCK F_SETFD F_SETFL F_SETLK F_SETLKW
    F_SETOWN F_UNLCK F_WRLCK LOCK_EX LOCK_NB LOCK_SH LOCK_UN
};

#[cfg(not(target_os = "linux"))]
static OTHERS: &[(&str, i64)] = &[];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    for (text, number) in NUMBERS.iter().chain(OTHERS) {
        add(dict, text, Value::int(*number));
    }
    Ok(())
}

/// The most that an argument in bytes may take.
const ROOM: usize = 1024;

/// The bytes of a text or bytes argument.
fn argument_bytes(vm: &mut Vm, value: &Value) -> Py<Vec<u8>> {
    if str_object::is_str(value) {
        return crate::path::encode(vm, value);
    }
    Ok(bytes_like(vm, value)?.to_vec())
}

/// An int argument, wrapped to 32 bits as the system wants it.
fn number(vm: &mut Vm, value: Option<&Value>) -> Py<i64> {
    match value {
        None => Ok(0),
        Some(value) => {
            let index = vm.index(value)?;
            match index.as_i64() {
                Some(number) => Ok(number),
                None => match index.as_big().map(u64::try_from) {
                    Some(Ok(number)) => Ok(number as i64),
                    _ => Err(vm.overflow_error("Python int too large to convert to C long")),
                },
            }
        }
    }
}

fn fcntl(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = fileno(vm, &args[0])?;
    let command = c_int(vm, &args[1])?;
    let argument = args.get(2);
    audit(vm, "fcntl.fcntl", || {
        vec![
            Value::from_i32(fd),
            Value::from_i32(command),
            argument.cloned().unwrap_or_else(|| Value::from_i32(0)),
        ]
    })?;
    if argument.is_none_or(|value| value.is_int() || value.type_of().slots().index.is_some()) {
        let number = number(vm, argument)?;
        // SAFETY: a descriptor and a number.
        let result = retry(vm, || unsafe { libc::fcntl(fd, command, number) })?;
        return Ok(Value::from_i32(result));
    }
    let given = argument
        .map(|value| argument_bytes(vm, value))
        .transpose()?
        .unwrap_or_default();
    if given.len() > ROOM {
        return Err(vm.value_error("fcntl argument 3 is too long"));
    }
    let mut room = [0u8; ROOM + 8];
    room[..given.len()].copy_from_slice(&given);
    // SAFETY: room that is longer than any structure of the system's commands.
    retry(vm, || unsafe {
        libc::fcntl(fd, command, room.as_mut_ptr())
    })?;
    new_bytes(vm, &room[..given.len()])
}

fn ioctl(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = fileno(vm, &args[0])?;
    let request = number(vm, args.get(1))? as libc::c_ulong;
    let argument = args.get(2);
    let mutate = match args.get(3) {
        Some(flag) => vm.truth(flag)?,
        None => true,
    };
    audit(vm, "fcntl.ioctl", || {
        vec![
            Value::from_i32(fd),
            Value::int(request as i64),
            argument.cloned().unwrap_or_else(|| Value::from_i32(0)),
        ]
    })?;
    let Some(value) =
        argument.filter(|value| !value.is_int() && value.type_of().slots().index.is_none())
    else {
        let number = number(vm, argument)?;
        // SAFETY: a descriptor and a number.
        let result = retry(vm, || unsafe { libc::ioctl(fd, request as _, number) })?;
        return Ok(Value::from_i32(result));
    };
    let read_only = str_object::is_str(value) || taipan_types::bytes::bytes_of(value).is_some();
    if mutate && !read_only {
        let target = writable(vm, value)?;
        let memory: *mut u8 = target.as_slice().as_ptr().cast_mut();
        let len = target.as_slice().len();
        if len <= ROOM {
            // A command may write more than the program made room for: it does so into ours.
            let mut room = [0u8; ROOM + 8];
            room[..len].copy_from_slice(target.as_slice());
            // SAFETY: room that is longer than any structure of the system's commands.
            let result = retry(vm, || unsafe {
                libc::ioctl(fd, request as _, room.as_mut_ptr())
            })?;
            // SAFETY: the writable buffer stays in place while `target` lives.
            unsafe { std::ptr::copy_nonoverlapping(room.as_ptr(), memory, len) };
            return Ok(Value::from_i32(result));
        }
        // SAFETY: as above.
        let result = retry(vm, || unsafe { libc::ioctl(fd, request as _, memory) })?;
        return Ok(Value::from_i32(result));
    }
    let given = argument_bytes(vm, value)?;
    if given.len() > ROOM {
        return Err(vm.value_error("ioctl argument 3 is too long"));
    }
    let mut room = [0u8; ROOM + 8];
    room[..given.len()].copy_from_slice(&given);
    // SAFETY: room that is longer than any structure of the system's commands.
    retry(vm, || unsafe {
        libc::ioctl(fd, request as _, room.as_mut_ptr())
    })?;
    new_bytes(vm, &room[..given.len()])
}

fn flock(vm: &mut Vm, _module: &Value, fd: &Value, operation: &Value) -> Py {
    let fd = fileno(vm, fd)?;
    let operation = c_int(vm, operation)?;
    audit(vm, "fcntl.flock", || {
        vec![Value::from_i32(fd), Value::from_i32(operation)]
    })?;
    // SAFETY: a plain call.
    retry(vm, || unsafe { libc::flock(fd, operation) })?;
    Ok(Value::none())
}

fn lockf(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = fileno(vm, &args[0])?;
    let operation = c_int(vm, &args[1])?;
    let kind = if operation & libc::LOCK_UN != 0 {
        libc::F_UNLCK
    } else if operation & libc::LOCK_SH != 0 {
        libc::F_RDLCK
    } else if operation & libc::LOCK_EX != 0 {
        libc::F_WRLCK
    } else {
        return Err(vm.value_error("unrecognized lockf argument"));
    };
    let (len, start) = (number(vm, args.get(2))?, number(vm, args.get(3))?);
    let whence = number(vm, args.get(4))?;
    // SAFETY: a structure of plain numbers.
    let mut lock: libc::flock = unsafe { std::mem::zeroed() };
    lock.l_type = kind as _;
    lock.l_start = start;
    lock.l_len = len;
    lock.l_whence = whence as _;
    let command = if operation & libc::LOCK_NB != 0 {
        libc::F_SETLK
    } else {
        libc::F_SETLKW
    };
    loop {
        // SAFETY: the structure is ours.
        if vm.detached(|| unsafe { libc::fcntl(fd, command, &lock) }) >= 0 {
            return Ok(Value::none());
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, None)),
        }
    }
}
