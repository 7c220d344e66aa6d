//! `resource`: limits of the process, and what it has used.

use crate::ModuleDef;
use crate::path::{c_int, errno};
use crate::structseq::{self, Fields};
use crate::support::{add, add_type};
use std::mem::MaybeUninit;
use taipan_core::number::int_from_u64;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{MethodDef, Py, Type, TypeObject, Value, Vm, builtin_types, f0, f1, f2, slice};
use taipan_types::exceptions::os_error::raise_errno;

static STRUCT_RUSAGE: TypeObject = Type::declare("resource.struct_rusage");

static RUSAGE: Fields = Fields {
    name: "resource.struct_rusage",
    doc: "struct_rusage: Result from getrusage.\n\n\
          A tuple of (utime, stime, maxrss, ixrss, idrss, isrss, minflt, majflt, nswap, inblock, oublock, msgsnd, msgrcv,\n\
          nsignals, nvcsw, nivcsw), also to be had as the attributes ru_utime, ru_stime, ru_maxrss, and so on.",
    fields: &[
        ("ru_utime", "user time used"),
        ("ru_stime", "system time used"),
        ("ru_maxrss", "max. resident set size"),
        ("ru_ixrss", "shared memory size"),
        ("ru_idrss", "unshared data size"),
        ("ru_isrss", "unshared stack size"),
        ("ru_minflt", "page faults not requiring I/O"),
        ("ru_majflt", "page faults requiring I/O"),
        ("ru_nswap", "number of swap outs"),
        ("ru_inblock", "block input operations"),
        ("ru_oublock", "block output operations"),
        ("ru_msgsnd", "IPC messages sent"),
        ("ru_msgrcv", "IPC messages received"),
        ("ru_nsignals", "signals received"),
        ("ru_nvcsw", "voluntary context switches"),
        ("ru_nivcsw", "involuntary context switches"),
    ],
    visible: 16,
    instantiable: true,
};

static FUNCTIONS: [MethodDef; 5] = [
    f1(
        "getrusage($module, who, /)",
        getrusage,
        "What this process, this thread or the children have used.",
    ),
    f1(
        "getrlimit($module, resource, /)",
        getrlimit,
        "A limit as (soft, hard).",
    ),
    f2(
        "setrlimit($module, resource, limits, /)",
        setrlimit,
        "Set a limit to (soft, hard).",
    ),
    slice(
        "prlimit($module, pid, resource, limits=None, /)",
        prlimit,
        "A process's limit as (soft, hard); set it if limits is given.",
    ),
    f0(
        "getpagesize($module, /)",
        |_, _| {
            // SAFETY: a plain query.
            Ok(Value::int(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }))
        },
        "The size of a memory page in bytes.",
    ),
];

/// The module `resource`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "resource",
    doc: "Limits of the process, and what it has used.",
    functions: &FUNCTIONS,
    init,
};

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

static NUMBERS: &[(&str, i64)] = numbers! {
    RLIMIT_AS RLIMIT_CORE RLIMIT_CPU RLIMIT_DATA RLIMIT_FSIZE RLIMIT_MEMLOCK RLIMIT_NOFILE RLIMIT_NPROC RLIMIT_RSS
    RLIMIT_STACK RUSAGE_CHILDREN RUSAGE_SELF
};

#[cfg(target_os = "linux")]
static MORE: &[(&str, i64)] = numbers! {
    RLIMIT_MSGQUEUE RLIMIT_NICE RLIMIT_RTPRIO RLIMIT_RTTIME RLIMIT_SIGPENDING RUSAGE_THREAD
};

#[cfg(not(target_os = "linux"))]
static MORE: &[(&str, i64)] = &[];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    structseq::define(&STRUCT_RUSAGE, &RUSAGE);
    add_type(dict, &STRUCT_RUSAGE);
    for (text, number) in NUMBERS.iter().chain(MORE) {
        add(dict, text, Value::int(*number));
    }
    add(dict, "RLIMIT_OFILE", Value::int(libc::RLIMIT_NOFILE as i64));
    add(dict, "RLIM_INFINITY", limit_value(libc::RLIM_INFINITY));
    add(dict, "error", builtin_types::OS_ERROR.to_value());
    Ok(())
}

/// The Python record of what was used.
pub(crate) fn usage_value(usage: &libc::rusage) -> Value {
    structseq::define(&STRUCT_RUSAGE, &RUSAGE);
    let seconds =
        |time: libc::timeval| Value::float(time.tv_sec as f64 + time.tv_usec as f64 * 1e-6);
    let mut values = vec![seconds(usage.ru_utime), seconds(usage.ru_stime)];
    values.extend(
        [
            usage.ru_maxrss,
            usage.ru_ixrss,
            usage.ru_idrss,
            usage.ru_isrss,
            usage.ru_minflt,
            usage.ru_majflt,
            usage.ru_nswap,
            usage.ru_inblock,
            usage.ru_oublock,
            usage.ru_msgsnd,
            usage.ru_msgrcv,
            usage.ru_nsignals,
            usage.ru_nvcsw,
            usage.ru_nivcsw,
        ]
        .map(Value::int),
    );
    structseq::create(&STRUCT_RUSAGE, 16, values)
}

fn getrusage(vm: &mut Vm, _module: &Value, who: &Value) -> Py {
    let who = c_int(vm, who)?;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: room for the result.
    if unsafe { libc::getrusage(who, usage.as_mut_ptr()) } < 0 {
        if errno() == libc::EINVAL {
            return Err(vm.value_error("invalid who parameter"));
        }
        return Err(raise_errno(vm, errno(), None));
    }
    // SAFETY: filled by the call.
    Ok(usage_value(unsafe { usage.assume_init_ref() }))
}

/// No limit is -1.
fn limit_value(limit: libc::rlim_t) -> Value {
    if limit == libc::RLIM_INFINITY {
        Value::from_i32(-1)
    } else {
        int_from_u64(limit)
    }
}

fn limits_value(limits: &libc::rlimit) -> Value {
    new_tuple([limit_value(limits.rlim_cur), limit_value(limits.rlim_max)])
}

fn limits_argument(vm: &mut Vm, value: &Value) -> Py<libc::rlimit> {
    let row = vm.to_vec(value)?;
    let [soft, hard] = &row[..] else {
        return Err(vm.value_error("expected a tuple of 2 integers"));
    };
    let mut one = |value: &Value| -> Py<libc::rlim_t> {
        let index = vm.index(value)?;
        if index.as_i64() == Some(-1) {
            return Ok(libc::RLIM_INFINITY);
        }
        match index.as_big().map(u64::try_from) {
            Some(Ok(limit)) => Ok(limit),
            _ => Err(vm.value_error("Cannot convert a negative int or a too large one to a limit")),
        }
    };
    Ok(libc::rlimit {
        rlim_cur: one(soft)?,
        rlim_max: one(hard)?,
    })
}

fn kind(vm: &mut Vm, value: &Value) -> Py<i32> {
    let kind = c_int(vm, value)?;
    if !(0..16).contains(&kind) {
        return Err(vm.value_error("invalid resource specified"));
    }
    Ok(kind)
}

fn getrlimit(vm: &mut Vm, _module: &Value, resource: &Value) -> Py {
    let kind = kind(vm, resource)?;
    let mut limits = MaybeUninit::<libc::rlimit>::zeroed();
    // SAFETY: room for the result.
    if unsafe { libc::getrlimit(kind as _, limits.as_mut_ptr()) } < 0 {
        return Err(raise_errno(vm, errno(), None));
    }
    // SAFETY: filled by the call.
    Ok(limits_value(unsafe { limits.assume_init_ref() }))
}

fn failed(vm: &mut Vm) -> taipan_core::Raised {
    match errno() {
        libc::EINVAL => vm.value_error("current limit exceeds maximum limit"),
        libc::EPERM => vm.value_error("not allowed to raise maximum limit"),
        error => raise_errno(vm, error, None),
    }
}

fn setrlimit(vm: &mut Vm, _module: &Value, resource: &Value, limits: &Value) -> Py {
    let kind = kind(vm, resource)?;
    let limits = limits_argument(vm, limits)?;
    // SAFETY: the structure is ours.
    if unsafe { libc::setrlimit(kind as _, &limits) } < 0 {
        return Err(failed(vm));
    }
    Ok(Value::none())
}

fn prlimit(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let pid = c_int(vm, &args[0])?;
    let kind = kind(vm, &args[1])?;
    let wanted = match args.get(2).filter(|limits| !limits.is_none()) {
        Some(limits) => Some(limits_argument(vm, limits)?),
        None => None,
    };
    let mut former = MaybeUninit::<libc::rlimit>::zeroed();
    let wanted = wanted.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: structures that are ours.
    if unsafe { libc::prlimit(pid, kind as _, wanted, former.as_mut_ptr()) } < 0 {
        return Err(match errno() {
            libc::EINVAL => vm.value_error("current limit exceeds maximum limit"),
            error => raise_errno(vm, error, None),
        });
    }
    // SAFETY: filled by the call.
    Ok(limits_value(unsafe { former.assume_init_ref() }))
}
