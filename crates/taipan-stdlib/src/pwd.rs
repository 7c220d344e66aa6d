//! `pwd`: the users that the system knows.

use crate::ModuleDef;
use crate::path::{c_text, encode};
use crate::structseq::{self, Fields};
use crate::support::{add_type, id_argument};
use std::ffi::CString;
use taipan_core::{MethodDef, Py, Type, TypeObject, Value, Vm, builtin_types, f0, f1, str_object};
use taipan_types::list::new_list;

static STRUCT_PASSWD: TypeObject = Type::declare("pwd.struct_passwd");

static PASSWD: Fields = Fields {
    name: "pwd.struct_passwd",
    doc: "pwd.struct_passwd: Results from getpw*() routines.\n\n\
          A tuple of (pw_name, pw_passwd, pw_uid, pw_gid, pw_gecos, pw_dir, pw_shell), also to be had as attributes.",
    fields: &[
        ("pw_name", "user name"),
        ("pw_passwd", "password"),
        ("pw_uid", "user id"),
        ("pw_gid", "group id"),
        ("pw_gecos", "real name"),
        ("pw_dir", "home directory"),
        ("pw_shell", "shell program"),
    ],
    visible: 7,
    instantiable: true,
};

static FUNCTIONS: [MethodDef; 3] = [
    f1(
        "getpwuid($module, uidobj, /)",
        getpwuid,
        "The entry of a user number.",
    ),
    f1(
        "getpwnam($module, name, /)",
        getpwnam,
        "The entry of a user name.",
    ),
    f0(
        "getpwall($module, /)",
        getpwall,
        "All entries, in no particular order.",
    ),
];

/// The module `pwd`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "pwd",
    doc: "The users that the system knows. An entry is a tuple with named items; its password is mostly '*' or 'x'.",
    functions: &FUNCTIONS,
    init: |_vm, dict| {
        structseq::define(&STRUCT_PASSWD, &PASSWD);
        add_type(dict, &STRUCT_PASSWD);
        Ok(())
    },
};

/// A user or group number as Python shows it: -1 for "none".
fn id(number: u32) -> Value {
    if number == u32::MAX {
        Value::from_i32(-1)
    } else {
        Value::int(number.into())
    }
}

fn entry_value(vm: &mut Vm, entry: &libc::passwd) -> Py {
    // SAFETY: C strings of the entry, which lives through this call.
    let values = unsafe {
        vec![
            c_text(vm, entry.pw_name)?,
            c_text(vm, entry.pw_passwd)?,
            id(entry.pw_uid),
            id(entry.pw_gid),
            c_text(vm, entry.pw_gecos)?,
            c_text(vm, entry.pw_dir)?,
            c_text(vm, entry.pw_shell)?,
        ]
    };
    Ok(structseq::create(&STRUCT_PASSWD, 7, values))
}

/// Asks with more and more room; `None` if there is no entry.
fn ask(
    vm: &mut Vm,
    call: impl Fn(*mut libc::passwd, &mut [libc::c_char], *mut *mut libc::passwd) -> i32,
) -> Py<Option<Value>> {
    let mut room = vec![0 as libc::c_char; 1024];
    loop {
        let mut entry = std::mem::MaybeUninit::<libc::passwd>::zeroed();
        let mut found = std::ptr::null_mut();
        match call(entry.as_mut_ptr(), &mut room, &mut found) {
            libc::ERANGE if room.len() < 1 << 24 => room.resize(room.len() * 2, 0),
            _ if found.is_null() => return Ok(None),
            // SAFETY: the entry was found, so it is filled; its strings are in `room`.
            _ => return entry_value(vm, unsafe { entry.assume_init_ref() }).map(Some),
        }
    }
}

fn getpwuid(vm: &mut Vm, _module: &Value, uid: &Value) -> Py {
    let number = match id_argument(vm, uid, "uid") {
        Ok(number) => number,
        Err(raised) => {
            vm.catch(raised, &builtin_types::OVERFLOW_ERROR)?;
            return Err(vm.key_error(&str_object::new_str("getpwuid(): uid not found")));
        }
    };
    // SAFETY: room of the given length.
    let found = ask(vm, |entry, room, found| unsafe {
        libc::getpwuid_r(number, entry, room.as_mut_ptr(), room.len(), found)
    })?;
    match found {
        Some(entry) => Ok(entry),
        None => {
            let shown = vm.repr_string(uid)?;
            let message = str_object::new_str(&format!("getpwuid(): uid not found: {shown}"));
            Err(vm.key_error(&message))
        }
    }
}

fn getpwnam(vm: &mut Vm, _module: &Value, user: &Value) -> Py {
    if !str_object::is_str(user) {
        let message = format!(
            "getpwnam() argument must be str, not {}",
            user.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let Ok(text) = CString::new(encode(vm, user)?) else {
        return Err(vm.value_error("embedded null byte"));
    };
    // SAFETY: a C string, and room of the given length.
    let found = ask(vm, |entry, room, found| unsafe {
        libc::getpwnam_r(text.as_ptr(), entry, room.as_mut_ptr(), room.len(), found)
    })?;
    match found {
        Some(entry) => Ok(entry),
        None => {
            let shown = vm.repr_string(user)?;
            let message = str_object::new_str(&format!("getpwnam(): name not found: {shown}"));
            Err(vm.key_error(&message))
        }
    }
}

fn getpwall(vm: &mut Vm, _module: &Value) -> Py {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _held = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut rows = Vec::new();
    // SAFETY: the lock keeps others from the list's one position and entry; making text runs no Python code.
    unsafe {
        libc::setpwent();
        loop {
            let entry = libc::getpwent();
            if entry.is_null() {
                break;
            }
            rows.push(entry_value(vm, &*entry)?);
        }
        libc::endpwent();
    }
    Ok(new_list(rows))
}
