//! `_posixshmem`: shared memory of POSIX systems by name.

use crate::ModuleDef;
use crate::path::{self, errno};
use crate::support::int_argument;
use std::ffi::CString;
use taipan_core::str_object::str_of;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, f1};
use taipan_types::exceptions::os_error::raise_errno;

static FUNCTIONS: [MethodDef; 2] = [
    bound(
        "shm_open($module, /, path, flags, mode=511)",
        shm_open,
        "Open a shared memory object; give its descriptor.",
    ),
    f1(
        "shm_unlink($module, path, /)",
        shm_unlink,
        "Remove the name of a shared memory object. The memory goes when nobody has it mapped any more.",
    ),
];

/// The module `_posixshmem`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_posixshmem",
    doc: "POSIX shared memory module",
    functions: &FUNCTIONS,
    init: |_, _| Ok(()),
};

/// A name as the file system's bytes.
fn name_argument(vm: &mut Vm, function: &str, place: &str, value: &Value) -> Py<CString> {
    if str_of(value).is_none() {
        let given = value.type_of().name();
        return Err(vm.type_error(format!("{function}() {place} must be str, not {given}")));
    }
    match CString::new(path::encode(vm, value)?) {
        Ok(name) => Ok(name),
        Err(_) => Err(vm.value_error("embedded null character")),
    }
}

fn shm_open(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = args.req(0);
    let name = name_argument(vm, "shm_open", "argument 1", path)?;
    let flags = int_argument(vm, args.req(1))?;
    let mode = args
        .get(2)
        .map_or(Ok(0o777), |mode| int_argument(vm, mode))?;
    loop {
        // SAFETY: a C string and numbers.
        let fd = unsafe { libc::shm_open(name.as_ptr(), flags | libc::O_CLOEXEC, mode as _) };
        if fd >= 0 {
            return Ok(Value::from_i32(fd));
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, Some(path))),
        }
    }
}

fn shm_unlink(vm: &mut Vm, _module: &Value, path: &Value) -> Py {
    let name = name_argument(vm, "shm_unlink", "argument", path)?;
    loop {
        // SAFETY: a C string.
        if unsafe { libc::shm_unlink(name.as_ptr()) } >= 0 {
            return Ok(Value::none());
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, Some(path))),
        }
    }
}
