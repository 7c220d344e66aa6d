//! Who runs the process: users, groups, process groups and sessions.

use super::files::check_number;
use super::{done, fail};
use crate::path::{self, c_int};
use crate::support::id_argument;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{MethodDef, Py, Value, Vm, bound, f0, f1, f2, slice};
use taipan_types::list::new_list;

/// A function that asks for a number.
macro_rules! ask {
    ($text:literal, $call:path, $doc:literal) => {
        f0(
            $text,
            |_vm, _module| {
                // SAFETY: a plain query that cannot fail.
                Ok(Value::int(i64::from(unsafe { $call() })))
            },
            $doc,
        )
    };
}

/// A function that sets one user or group number.
macro_rules! set_one {
    ($text:literal, $call:path, $what:literal, $doc:literal) => {
        f1(
            $text,
            |vm, _module, id| {
                let id = id_argument(vm, id, $what)?;
                // SAFETY: a plain call.
                let result = unsafe { $call(id) };
                done(vm, result)
            },
            $doc,
        )
    };
}

/// A function that sets two user or group numbers.
macro_rules! set_two {
    ($text:literal, $call:path, $first:literal, $second:literal, $doc:literal) => {
        f2(
            $text,
            |vm, _module, first, second| {
                let first = id_argument(vm, first, $first)?;
                let second = id_argument(vm, second, $second)?;
                // SAFETY: a plain call.
                let result = unsafe { $call(first, second) };
                done(vm, result)
            },
            $doc,
        )
    };
}

/// A function that sets three user or group numbers.
macro_rules! set_three {
    ($text:literal, $call:path, $names:expr, $doc:literal) => {
        slice(
            $text,
            |vm, _module, args| {
                let mut row = [0u32; 3];
                for ((place, value), text) in row.iter_mut().zip(args).zip($names) {
                    *place = id_argument(vm, value, text)?;
                }
                // SAFETY: a plain call.
                let result = unsafe { $call(row[0], row[1], row[2]) };
                done(vm, result)
            },
            $doc,
        )
    };
}

pub(super) static FUNCTIONS: [MethodDef; 30] = [
    ask!(
        "getpid($module, /)",
        libc::getpid,
        "The number of this process."
    ),
    ask!(
        "getppid($module, /)",
        libc::getppid,
        "The number of the parent process."
    ),
    ask!("getuid($module, /)", libc::getuid, "The real user."),
    ask!("geteuid($module, /)", libc::geteuid, "The effective user."),
    ask!("getgid($module, /)", libc::getgid, "The real group."),
    ask!("getegid($module, /)", libc::getegid, "The effective group."),
    ask!(
        "getpgrp($module, /)",
        libc::getpgrp,
        "The process group of this process."
    ),
    set_one!(
        "setuid($module, uid, /)",
        libc::setuid,
        "uid",
        "Set the user."
    ),
    set_one!(
        "seteuid($module, euid, /)",
        libc::seteuid,
        "uid",
        "Set the effective user."
    ),
    set_one!(
        "setgid($module, gid, /)",
        libc::setgid,
        "gid",
        "Set the group."
    ),
    set_one!(
        "setegid($module, egid, /)",
        libc::setegid,
        "gid",
        "Set the effective group."
    ),
    set_two!(
        "setreuid($module, ruid, euid, /)",
        libc::setreuid,
        "ruid",
        "euid",
        "Set the real and the effective user."
    ),
    set_two!(
        "setregid($module, rgid, egid, /)",
        libc::setregid,
        "rgid",
        "egid",
        "Set the real and the effective group."
    ),
    set_three!(
        "setresuid($module, ruid, euid, suid, /)",
        libc::setresuid,
        ["ruid", "euid", "suid"],
        "Set the real, effective and saved user."
    ),
    set_three!(
        "setresgid($module, rgid, egid, sgid, /)",
        libc::setresgid,
        ["rgid", "egid", "sgid"],
        "Set the real, effective and saved group."
    ),
    f0(
        "getresuid($module, /)",
        getresuid,
        "The real, effective and saved user.",
    ),
    f0(
        "getresgid($module, /)",
        getresgid,
        "The real, effective and saved group.",
    ),
    f0(
        "getgroups($module, /)",
        getgroups,
        "The groups of this process.",
    ),
    f1(
        "setgroups($module, groups, /)",
        setgroups,
        "Set the groups of this process.",
    ),
    f2(
        "initgroups($module, username, gid, /)",
        initgroups,
        "Set the groups to those that a user is in, and gid.",
    ),
    f2(
        "getgrouplist($module, user, group, /)",
        getgrouplist,
        "The groups that a user is in.",
    ),
    bound(
        "getpgid($module, /, pid)",
        |vm, _, args| {
            let pid = c_int(vm, args.req(0))?;
            // SAFETY: a plain call.
            let result = unsafe { libc::getpgid(pid) };
            check_number(vm, result.into())
        },
        "The process group of a process.",
    ),
    f1(
        "getsid($module, pid, /)",
        |vm, _, pid| {
            let pid = c_int(vm, pid)?;
            // SAFETY: a plain call.
            let result = unsafe { libc::getsid(pid) };
            check_number(vm, result.into())
        },
        "The session of a process.",
    ),
    f0(
        "setsid($module, /)",
        |vm, _| {
            // SAFETY: a plain call.
            let result = unsafe { libc::setsid() };
            done(vm, result)
        },
        "Begin a new session.",
    ),
    f0(
        "setpgrp($module, /)",
        |vm, _| {
            // SAFETY: a plain call.
            let result = unsafe { libc::setpgid(0, 0) };
            done(vm, result)
        },
        "Begin a new process group.",
    ),
    f2(
        "setpgid($module, pid, pgrp, /)",
        |vm, _, pid, group| {
            let (pid, group) = (c_int(vm, pid)?, c_int(vm, group)?);
            // SAFETY: a plain call.
            let result = unsafe { libc::setpgid(pid, group) };
            done(vm, result)
        },
        "Put a process into a process group.",
    ),
    f0(
        "getlogin($module, /)",
        getlogin,
        "The name that the user logged in under.",
    ),
    f1(
        "nice($module, increment, /)",
        nice,
        "Change the priority of this process; give the new one.",
    ),
    bound(
        "getpriority($module, /, which, who)",
        |vm, _, args| {
            let (which, who) = (c_int(vm, args.req(0))?, c_int(vm, args.req(1))?);
            // SAFETY: plain calls; -1 is a priority too, so the error number decides.
            let result = unsafe {
                *libc::__errno_location() = 0;
                libc::getpriority(which as _, who as libc::id_t)
            };
            if result == -1 && path::errno() != 0 {
                Err(fail(vm))
            } else {
                Ok(Value::from_i32(result))
            }
        },
        "The priority of a process, a group or a user.",
    ),
    bound(
        "setpriority($module, /, which, who, priority)",
        |vm, _, args| {
            let (which, who) = (c_int(vm, args.req(0))?, c_int(vm, args.req(1))?);
            let priority = c_int(vm, args.req(2))?;
            // SAFETY: a plain call.
            let result = unsafe { libc::setpriority(which as _, who as libc::id_t, priority) };
            done(vm, result)
        },
        "Set the priority of a process, a group or a user.",
    ),
];

fn id(number: u32) -> Value {
    if number == u32::MAX {
        Value::from_i32(-1)
    } else {
        Value::int(number.into())
    }
}

fn getresuid(vm: &mut Vm, _module: &Value) -> Py {
    let mut row = [0u32; 3];
    let [real, effective, saved] = &mut row;
    // SAFETY: room for three numbers.
    if unsafe { libc::getresuid(real, effective, saved) } < 0 {
        return Err(fail(vm));
    }
    Ok(new_tuple(row.map(id)))
}

fn getresgid(vm: &mut Vm, _module: &Value) -> Py {
    let mut row = [0u32; 3];
    let [real, effective, saved] = &mut row;
    // SAFETY: room for three numbers.
    if unsafe { libc::getresgid(real, effective, saved) } < 0 {
        return Err(fail(vm));
    }
    Ok(new_tuple(row.map(id)))
}

fn getgroups(vm: &mut Vm, _module: &Value) -> Py {
    // SAFETY: asks for the count only.
    let count = unsafe { libc::getgroups(0, std::ptr::null_mut()) };
    if count < 0 {
        return Err(fail(vm));
    }
    let mut groups = vec![0; count as usize + 8];
    // SAFETY: a buffer with its length.
    let count = unsafe { libc::getgroups(groups.len() as i32, groups.as_mut_ptr()) };
    if count < 0 {
        return Err(fail(vm));
    }
    groups.truncate(count as usize);
    Ok(new_list(groups.into_iter().map(id).collect()))
}

fn setgroups(vm: &mut Vm, _module: &Value, groups: &Value) -> Py {
    if groups.type_of().slots().get_item.is_none() {
        return Err(vm.type_error("setgroups argument must be a sequence"));
    }
    let mut row = Vec::new();
    for group in vm.to_vec(groups)? {
        if !group.is_int() {
            return Err(vm.type_error("groups must be integers"));
        }
        row.push(id_argument(vm, &group, "gid")?);
    }
    // SAFETY: a buffer with its length.
    let result = unsafe { libc::setgroups(row.len() as _, row.as_ptr()) };
    done(vm, result)
}

fn initgroups(vm: &mut Vm, _module: &Value, user: &Value, group: &Value) -> Py {
    let user = path::fs_string(vm, user)?;
    let group = id_argument(vm, group, "gid")?;
    // SAFETY: a C string.
    let result = unsafe { libc::initgroups(user.as_ptr(), group as _) };
    done(vm, result)
}

fn getgrouplist(vm: &mut Vm, _module: &Value, user: &Value, group: &Value) -> Py {
    let user = path::fs_string(vm, user)?;
    let group = id_argument(vm, group, "gid")?;
    let mut groups = vec![0; 64];
    loop {
        let mut count = groups.len() as i32;
        // SAFETY: a C string and a buffer with its length.
        let result = unsafe {
            libc::getgrouplist(user.as_ptr(), group as _, groups.as_mut_ptr(), &mut count)
        };
        if result >= 0 {
            groups.truncate(count.max(0) as usize);
            return Ok(new_list(groups.into_iter().map(id).collect()));
        }
        let wanted = (count.max(0) as usize).max(groups.len() * 2);
        if wanted > 1 << 20 {
            return Err(fail(vm));
        }
        groups.resize(wanted, 0);
    }
}

unsafe extern "C" {
    #[link_name = "getlogin_r"]
    fn c_getlogin_r(text: *mut libc::c_char, len: usize) -> libc::c_int;
}

fn getlogin(vm: &mut Vm, _module: &Value) -> Py {
    let mut text = [0 as libc::c_char; 256];
    // SAFETY: a buffer with its length.
    let error = unsafe { c_getlogin_r(text.as_mut_ptr(), text.len()) };
    if error != 0 {
        return Err(taipan_types::exceptions::os_error::raise_errno(
            vm, error, None,
        ));
    }
    // SAFETY: the call ended it with a null byte.
    unsafe { path::c_text(vm, text.as_ptr()) }
}

fn nice(vm: &mut Vm, _module: &Value, increment: &Value) -> Py {
    let increment = c_int(vm, increment)?;
    // SAFETY: plain calls; -1 is a priority too, so the error number decides.
    let result = unsafe {
        *libc::__errno_location() = 0;
        libc::nice(increment)
    };
    if result == -1 && path::errno() != 0 {
        Err(fail(vm))
    } else {
        Ok(Value::from_i32(result))
    }
}
