//! The environment, and what the machine says of itself.

use super::{descriptors, fail};
use crate::audit::audit;
use crate::path::{self, c_int, retry};
use crate::structseq::{self, Fields};
use crate::support::{add, add_type};
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Bound, MethodDef, Py, Type, TypeObject, Value, Vm, bound, builtin_types, f0, f1, f2,
};
use taipan_types::bytes::new_bytes;

static UNAME_RESULT: TypeObject = Type::declare("posix.uname_result");
static TIMES_RESULT: TypeObject = Type::declare("posix.times_result");

static UNAME: Fields = Fields {
    name: "posix.uname_result",
    doc: "uname_result: Result from os.uname().\n\nA tuple of (sysname, nodename, release, version, machine), also to be had as attributes.",
    fields: &[
        ("sysname", "operating system name"),
        (
            "nodename",
            "name of machine on network (implementation-defined)",
        ),
        ("release", "operating system release"),
        ("version", "operating system version"),
        ("machine", "hardware identifier"),
    ],
    visible: 5,
    instantiable: true,
};

static TIMES: Fields = Fields {
    name: "posix.times_result",
    doc: "times_result: Result from os.times().\n\nA tuple of (user, system, children_user, children_system, elapsed), also to be had as attributes.",
    fields: &[
        ("user", "user time"),
        ("system", "system time"),
        ("children_user", "user time of children"),
        ("children_system", "system time of children"),
        (
            "elapsed",
            "elapsed time since an arbitrary point in the past",
        ),
    ],
    visible: 5,
    instantiable: true,
};

pub(super) static FUNCTIONS: [MethodDef; 13] = [
    f0(
        "_create_environ($module, /)",
        create_environ,
        "The environment as a new dict of bytes.",
    ),
    f2(
        "putenv($module, name, value, /)",
        putenv,
        "Set a variable of the environment.",
    ),
    f1(
        "unsetenv($module, name, /)",
        unsetenv,
        "Remove a variable from the environment.",
    ),
    f1(
        "strerror($module, code, /)",
        strerror,
        "The system's text for an error number.",
    ),
    f0("uname($module, /)", uname, "What system this is."),
    f0(
        "times($module, /)",
        times,
        "Times that this process and its children have used.",
    ),
    f0(
        "_inputhook($module, /)",
        |_, _| Ok(Value::from_i32(0)),
        "Call what waits for input together with the prompt: nothing does.",
    ),
    f0(
        "_is_inputhook_installed($module, /)",
        |_, _| Ok(Value::bool(false)),
        "Whether something waits for input together with the prompt.",
    ),
    f0(
        "cpu_count($module, /)",
        cpu_count,
        "The number of processors, or None if it is not known.",
    ),
    f0(
        "getloadavg($module, /)",
        getloadavg,
        "Average numbers of waiting processes over 1, 5 and 15 minutes.",
    ),
    f1(
        "urandom($module, size, /)",
        urandom,
        "Random bytes fit for secrets.",
    ),
    bound(
        "getrandom($module, /, size, flags=0)",
        getrandom,
        "Random bytes of the system's generator.",
    ),
    bound(
        "device_encoding($module, /, fd)",
        descriptors::device_encoding,
        "The encoding of a terminal, or None.",
    ),
];

pub(super) fn define(vm: &mut Vm, dict: &Value) -> Py<()> {
    structseq::define(&UNAME_RESULT, &UNAME);
    structseq::define(&TIMES_RESULT, &TIMES);
    add_type(dict, &UNAME_RESULT);
    add_type(dict, &TIMES_RESULT);
    let environ = environment(vm)?;
    add(dict, "environ", environ);
    Ok(())
}

unsafe extern "C" {
    #[link_name = "environ"]
    static mut ENVIRON: *const *const libc::c_char;
}

fn environment(vm: &mut Vm) -> Py {
    let dict = new_dict();
    // SAFETY: the C library's array of C strings, ended by a null; nothing changes it meanwhile.
    unsafe {
        let mut at = ENVIRON;
        while !at.is_null() && !(*at).is_null() {
            let entry = CStr::from_ptr(*at).to_bytes();
            at = at.add(1);
            let Some(split) = entry.iter().position(|byte| *byte == b'=') else {
                continue;
            };
            let name = new_bytes(vm, &entry[..split])?;
            let value = new_bytes(vm, &entry[split + 1..])?;
            dict.expect::<Dict>().set_default(vm, &name, value)?;
        }
    }
    Ok(dict)
}

fn create_environ(vm: &mut Vm, _module: &Value) -> Py {
    environment(vm)
}

fn variable(vm: &mut Vm, value: &Value) -> Py<CString> {
    let text = path::fs_string(vm, value)?;
    if text.is_empty() || text.to_bytes().contains(&b'=') {
        return Err(vm.value_error("illegal environment variable name"));
    }
    Ok(text)
}

fn putenv(vm: &mut Vm, _module: &Value, name: &Value, value: &Value) -> Py {
    let name_text = variable(vm, name)?;
    let text = path::fs_string(vm, value)?;
    audit(vm, "os.putenv", || vec![name.clone(), value.clone()])?;
    // SAFETY: C strings, which the C library copies.
    let result = unsafe { libc::setenv(name_text.as_ptr(), text.as_ptr(), 1) };
    super::done(vm, result)
}

fn unsetenv(vm: &mut Vm, _module: &Value, name: &Value) -> Py {
    let text = path::fs_string(vm, name)?;
    audit(vm, "os.unsetenv", || vec![name.clone()])?;
    // SAFETY: a C string.
    let result = unsafe { libc::unsetenv(text.as_ptr()) };
    super::done(vm, result)
}

fn strerror(vm: &mut Vm, _module: &Value, code: &Value) -> Py {
    let code = c_int(vm, code)?;
    Ok(new_str(&taipan_types::exceptions::os_error::strerror(code)))
}

fn uname(vm: &mut Vm, _module: &Value) -> Py {
    let mut facts = MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: room for the result.
    if unsafe { libc::uname(facts.as_mut_ptr()) } < 0 {
        return Err(fail(vm));
    }
    // SAFETY: filled by the call.
    let facts = unsafe { facts.assume_init() };
    let mut values = Vec::new();
    for text in [
        &facts.sysname[..],
        &facts.nodename,
        &facts.release,
        &facts.version,
        &facts.machine,
    ] {
        // SAFETY: the system ends each with a null byte.
        values.push(unsafe { path::c_text(vm, text.as_ptr()) }?);
    }
    Ok(structseq::create(&UNAME_RESULT, 5, values))
}

fn times(vm: &mut Vm, _module: &Value) -> Py {
    let mut used = MaybeUninit::<libc::tms>::zeroed();
    // SAFETY: room for the result.
    let elapsed = unsafe { libc::times(used.as_mut_ptr()) };
    if elapsed == -1 {
        return Err(fail(vm));
    }
    // SAFETY: filled by the call, and a plain query.
    let (used, ticks) = unsafe { (used.assume_init(), libc::sysconf(libc::_SC_CLK_TCK) as f64) };
    let row = [
        used.tms_utime,
        used.tms_stime,
        used.tms_cutime,
        used.tms_cstime,
        elapsed,
    ];
    Ok(structseq::create(
        &TIMES_RESULT,
        5,
        row.iter()
            .map(|ticked| Value::float(*ticked as f64 / ticks))
            .collect(),
    ))
}

fn cpu_count(vm: &mut Vm, _module: &Value) -> Py {
    let configured = crate::config::read(vm, |config| config.cpu_count);
    if configured > 0 {
        return Ok(Value::from_i32(configured));
    }
    // SAFETY: a plain query.
    let count = unsafe { libc::sysconf(libc::_SC_NPROCESSORS_ONLN) };
    Ok(if count > 0 {
        Value::int(count)
    } else {
        Value::none()
    })
}

fn getloadavg(vm: &mut Vm, _module: &Value) -> Py {
    let mut loads = [0f64; 3];
    // SAFETY: room for three numbers.
    if unsafe { libc::getloadavg(loads.as_mut_ptr(), 3) } != 3 {
        return Err(vm.raise(&builtin_types::OS_ERROR, "Load averages are unobtainable"));
    }
    Ok(new_tuple(loads.map(Value::float)))
}

fn byte_room(vm: &mut Vm, size: &Value, negative: &str) -> Py<Option<Vec<u8>>> {
    let size = vm.index_i64(size)?;
    if size < 0 {
        if negative.is_empty() {
            return Ok(None);
        }
        return Err(vm.value_error(negative));
    }
    let mut data = Vec::new();
    if data.try_reserve_exact(size as usize).is_err() {
        return Err(vm.memory_error());
    }
    data.resize(size as usize, 0);
    Ok(Some(data))
}

fn urandom(vm: &mut Vm, _module: &Value, size: &Value) -> Py {
    let mut data = byte_room(vm, size, "negative argument not allowed")?.unwrap_or_default();
    if getrandom::fill(&mut data).is_err() {
        return Err(fail(vm));
    }
    new_bytes(vm, &data)
}

fn getrandom(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let Some(mut data) = byte_room(vm, args.req(0), "")? else {
        return Err(taipan_types::exceptions::os_error::raise_errno(
            vm,
            libc::EINVAL,
            None,
        ));
    };
    let flags = super::int_or(vm, args.get(1), 0)? as libc::c_uint;
    // SAFETY: a buffer with its length.
    let count = retry(vm, || unsafe {
        libc::getrandom(data.as_mut_ptr().cast(), data.len(), flags)
    })?;
    new_bytes(vm, &data[..count as usize])
}

/// The process's own environment, as the C library keeps it.
pub(super) fn own() -> *const *mut libc::c_char {
    // SAFETY: reads the pointer only.
    unsafe { ENVIRON.cast() }
}
