//! `grp`: the groups that the system knows.

use crate::ModuleDef;
use crate::path::{c_text, encode};
use crate::structseq::{self, Fields};
use crate::support::{add_type, id_argument};
use std::ffi::CString;
use taipan_core::{Bound, MethodDef, Py, Type, TypeObject, Value, Vm, bound, f0, str_object};
use taipan_types::list::new_list;

static STRUCT_GROUP: TypeObject = Type::declare("grp.struct_group");

static GROUP: Fields = Fields {
    name: "grp.struct_group",
    doc: "grp.struct_group: Results from getgr*() routines.\n\n\
          A tuple of (gr_name, gr_passwd, gr_gid, gr_mem), also to be had as attributes.",
    fields: &[
        ("gr_name", "group name"),
        ("gr_passwd", "password"),
        ("gr_gid", "group id"),
        ("gr_mem", "group members"),
    ],
    visible: 4,
    instantiable: true,
};

static FUNCTIONS: [MethodDef; 3] = [
    bound(
        "getgrgid($module, /, id)",
        getgrgid,
        "The entry of a group number.",
    ),
    bound(
        "getgrnam($module, /, name)",
        getgrnam,
        "The entry of a group name.",
    ),
    f0(
        "getgrall($module, /)",
        getgrall,
        "All entries, in no particular order.",
    ),
];

/// The module `grp`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "grp",
    doc: "The groups that the system knows. An entry is a tuple with named items.",
    functions: &FUNCTIONS,
    init: |_vm, dict| {
        structseq::define(&STRUCT_GROUP, &GROUP);
        add_type(dict, &STRUCT_GROUP);
        Ok(())
    },
};

fn entry_value(vm: &mut Vm, entry: &libc::group) -> Py {
    let mut members = Vec::new();
    // SAFETY: an array of C strings that ends with a null, in an entry that lives through this call.
    let values = unsafe {
        let mut at = entry.gr_mem;
        while !at.is_null() && !(*at).is_null() {
            members.push(c_text(vm, *at)?);
            at = at.add(1);
        }
        vec![
            c_text(vm, entry.gr_name)?,
            c_text(vm, entry.gr_passwd)?,
            Value::int(i64::from(entry.gr_gid)),
            new_list(members),
        ]
    };
    Ok(structseq::create(&STRUCT_GROUP, 4, values))
}

/// Asks with more and more room; `None` if there is no entry.
fn ask(
    vm: &mut Vm,
    call: impl Fn(*mut libc::group, &mut [libc::c_char], *mut *mut libc::group) -> i32,
) -> Py<Option<Value>> {
    let mut room = vec![0 as libc::c_char; 1024];
    loop {
        let mut entry = std::mem::MaybeUninit::<libc::group>::zeroed();
        let mut found = std::ptr::null_mut();
        match call(entry.as_mut_ptr(), &mut room, &mut found) {
            libc::ERANGE if room.len() < 1 << 24 => room.resize(room.len() * 2, 0),
            _ if found.is_null() => return Ok(None),
            // SAFETY: the entry was found, so it is filled; its strings are in `room`.
            _ => return entry_value(vm, unsafe { entry.assume_init_ref() }).map(Some),
        }
    }
}

fn getgrgid(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let gid = id_argument(vm, args.req(0), "gid")?;
    // SAFETY: room of the given length.
    let found = ask(vm, |entry, room, found| unsafe {
        libc::getgrgid_r(gid, entry, room.as_mut_ptr(), room.len(), found)
    })?;
    match found {
        Some(entry) => Ok(entry),
        None => {
            let shown = vm.repr_string(args.req(0))?;
            let message = str_object::new_str(&format!("getgrgid(): gid not found: {shown}"));
            Err(vm.key_error(&message))
        }
    }
}

fn getgrnam(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let group = args.req(0);
    if !str_object::is_str(group) {
        let message = format!(
            "getgrnam() argument 'name' must be str, not {}",
            group.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let Ok(text) = CString::new(encode(vm, group)?) else {
        return Err(vm.value_error("embedded null byte"));
    };
    // SAFETY: a C string, and room of the given length.
    let found = ask(vm, |entry, room, found| unsafe {
        libc::getgrnam_r(text.as_ptr(), entry, room.as_mut_ptr(), room.len(), found)
    })?;
    match found {
        Some(entry) => Ok(entry),
        None => {
            let shown = vm.repr_string(group)?;
            let message = str_object::new_str(&format!("getgrnam(): name not found: {shown}"));
            Err(vm.key_error(&message))
        }
    }
}

fn getgrall(vm: &mut Vm, _module: &Value) -> Py {
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _held = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut rows = Vec::new();
    // SAFETY: the lock keeps others from the list's one position and entry; making text runs no Python code.
    unsafe {
        libc::setgrent();
        loop {
            let entry = libc::getgrent();
            if entry.is_null() {
                break;
            }
            rows.push(entry_value(vm, &*entry)?);
        }
        libc::endgrent();
    }
    Ok(new_list(rows))
}
