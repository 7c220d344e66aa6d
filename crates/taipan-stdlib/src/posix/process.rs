//! Processes: signals, waiting, ending, replacing.

use super::fail;
use super::files::check_number;
use crate::audit::audit;
use crate::path::{self, PathKind, c_int, retry};
use crate::structseq::{self, Fields};
use crate::support::add_type;
use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use taipan_core::dict_object::Dict;
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Bound, MethodDef, Py, Type, TypeObject, Value, Vm, bound, f0, f1, f2, slice};

static WAITID_RESULT: TypeObject = Type::declare("posix.waitid_result");

static WAITID: Fields = Fields {
    name: "posix.waitid_result",
    doc: "waitid_result: Result from waitid.\n\nA tuple of (si_pid, si_uid, si_signo, si_status, si_code), also to be had as attributes.",
    fields: &[
        ("si_pid", ""),
        ("si_uid", ""),
        ("si_signo", ""),
        ("si_status", ""),
        ("si_code", ""),
    ],
    visible: 5,
    instantiable: true,
};

pub(super) static FUNCTIONS: [MethodDef; 21] = [
    bound(
        "_exit($module, /, status)",
        exit,
        "End the process at once, without cleaning up.",
    ),
    f0("abort($module, /)", abort, "End the process with SIGABRT."),
    f2(
        "kill($module, pid, signal, /)",
        kill,
        "Send a signal to a process.",
    ),
    f2(
        "killpg($module, pgid, signal, /)",
        killpg,
        "Send a signal to a process group.",
    ),
    f0(
        "wait($module, /)",
        wait,
        "Wait for a child to end; give a tuple (pid, status).",
    ),
    f2(
        "waitpid($module, pid, options, /)",
        waitpid,
        "Wait for a child; give a tuple (pid, status).",
    ),
    bound(
        "wait3($module, /, options)",
        wait3,
        "Wait for a child; give a tuple (pid, status, rusage).",
    ),
    bound(
        "wait4($module, /, pid, options)",
        wait4,
        "Wait for a child; give a tuple (pid, status, rusage).",
    ),
    slice(
        "waitid($module, idtype, id, options, /)",
        waitid,
        "Wait for a child; give a waitid_result, or None.",
    ),
    bound(
        "WIFEXITED($module, /, status)",
        |vm, _, args| test(vm, args, libc::WIFEXITED),
        "Did the process end by itself?",
    ),
    bound(
        "WIFSIGNALED($module, /, status)",
        |vm, _, args| test(vm, args, libc::WIFSIGNALED),
        "Did a signal end the process?",
    ),
    bound(
        "WIFSTOPPED($module, /, status)",
        |vm, _, args| test(vm, args, libc::WIFSTOPPED),
        "Is the process stopped?",
    ),
    bound(
        "WIFCONTINUED($module, /, status)",
        |vm, _, args| test(vm, args, libc::WIFCONTINUED),
        "Does the process go on after a stop?",
    ),
    f1(
        "WCOREDUMP($module, status, /)",
        |vm, _, status| {
            let status = c_int(vm, status)?;
            Ok(Value::bool(libc::WCOREDUMP(status)))
        },
        "Did the process leave a memory dump?",
    ),
    bound(
        "WEXITSTATUS($module, /, status)",
        |vm, _, args| part(vm, args, libc::WEXITSTATUS),
        "The exit code in a status.",
    ),
    bound(
        "WTERMSIG($module, /, status)",
        |vm, _, args| part(vm, args, libc::WTERMSIG),
        "The signal that ended the process.",
    ),
    bound(
        "WSTOPSIG($module, /, status)",
        |vm, _, args| part(vm, args, libc::WSTOPSIG),
        "The signal that stopped the process.",
    ),
    bound(
        "waitstatus_to_exitcode($module, /, status)",
        exit_code,
        "A wait status as an exit code; negative: the signal that ended the process.",
    ),
    f2(
        "execv($module, path, argv, /)",
        execv,
        "Run a program in this process.",
    ),
    bound(
        "execve($module, /, path, argv, env)",
        execve,
        "Run a program in this process, with an environment.",
    ),
    bound(
        "system($module, /, command)",
        system,
        "Run a command in a shell; give its wait status.",
    ),
];

pub(super) fn define(dict: &Value) {
    structseq::define(&WAITID_RESULT, &WAITID);
    add_type(dict, &WAITID_RESULT);
}

fn exit(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let status = c_int(vm, args.req(0))?;
    // SAFETY: ends the process.
    unsafe { libc::_exit(status) }
}

fn abort(_vm: &mut Vm, _module: &Value) -> Py {
    std::process::abort()
}

fn kill(vm: &mut Vm, _module: &Value, pid: &Value, signal: &Value) -> Py {
    let (pid, signal) = (c_int(vm, pid)?, c_int(vm, signal)?);
    audit(vm, "os.kill", || {
        vec![Value::from_i32(pid), Value::from_i32(signal)]
    })?;
    // SAFETY: a plain call.
    let result = unsafe { libc::kill(pid, signal) };
    if result < 0 {
        return Err(fail(vm));
    }
    // A signal to ourselves has arrived by now: its handler runs before this returns.
    vm.safepoint()?;
    Ok(Value::none())
}

fn killpg(vm: &mut Vm, _module: &Value, group: &Value, signal: &Value) -> Py {
    let (group, signal) = (c_int(vm, group)?, c_int(vm, signal)?);
    audit(vm, "os.killpg", || {
        vec![Value::from_i32(group), Value::from_i32(signal)]
    })?;
    // SAFETY: a plain call.
    let result = unsafe { libc::killpg(group, signal) };
    if result < 0 {
        return Err(fail(vm));
    }
    vm.safepoint()?;
    Ok(Value::none())
}

fn wait_for(vm: &mut Vm, pid: i32, options: i32) -> Py {
    let mut status = 0;
    // SAFETY: room for the status.
    let pid = retry(vm, || unsafe { libc::waitpid(pid, &mut status, options) })?;
    Ok(new_tuple([Value::from_i32(pid), Value::from_i32(status)]))
}

fn wait(vm: &mut Vm, _module: &Value) -> Py {
    wait_for(vm, -1, 0)
}

fn waitpid(vm: &mut Vm, _module: &Value, pid: &Value, options: &Value) -> Py {
    let (pid, options) = (c_int(vm, pid)?, c_int(vm, options)?);
    wait_for(vm, pid, options)
}

fn wait_with_usage(vm: &mut Vm, pid: i32, options: i32) -> Py {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: room for the status and the usage.
    let pid = retry(vm, || unsafe {
        libc::wait4(pid, &mut status, options, usage.as_mut_ptr())
    })?;
    // SAFETY: zeroed at first, and plain numbers.
    let usage = crate::resource::usage_value(unsafe { usage.assume_init_ref() });
    Ok(new_tuple([
        Value::from_i32(pid),
        Value::from_i32(status),
        usage,
    ]))
}

fn wait3(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let options = c_int(vm, args.req(0))?;
    wait_with_usage(vm, -1, options)
}

fn wait4(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (pid, options) = (c_int(vm, args.req(0))?, c_int(vm, args.req(1))?);
    wait_with_usage(vm, pid, options)
}

fn waitid(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let (kind, id, options) = (
        c_int(vm, &args[0])?,
        c_int(vm, &args[1])?,
        c_int(vm, &args[2])?,
    );
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: room for the result.
    retry(vm, || unsafe {
        libc::waitid(kind as _, id as libc::id_t, info.as_mut_ptr(), options)
    })?;
    // SAFETY: zeroed at first; the fields read are those of SIGCHLD.
    let (info, pid, uid, status) = unsafe {
        let info = info.assume_init();
        (info, info.si_pid(), info.si_uid(), info.si_status())
    };
    if pid == 0 {
        return Ok(Value::none());
    }
    let values = vec![
        Value::from_i32(pid),
        Value::int(uid.into()),
        Value::from_i32(info.si_signo),
        Value::from_i32(status),
        Value::from_i32(info.si_code),
    ];
    Ok(structseq::create(&WAITID_RESULT, 5, values))
}

fn test(vm: &mut Vm, args: &Bound, holds: extern "C" fn(i32) -> bool) -> Py {
    let status = c_int(vm, args.req(0))?;
    Ok(Value::bool(holds(status)))
}

fn part(vm: &mut Vm, args: &Bound, part: extern "C" fn(i32) -> i32) -> Py {
    let status = c_int(vm, args.req(0))?;
    Ok(Value::from_i32(part(status)))
}

fn exit_code(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let status = c_int(vm, args.req(0))?;
    if libc::WIFEXITED(status) {
        return Ok(Value::from_i32(libc::WEXITSTATUS(status)));
    }
    if libc::WIFSIGNALED(status) {
        let signal = libc::WTERMSIG(status);
        return Ok(Value::from_i32(-signal));
    }
    if libc::WIFSTOPPED(status) {
        let signal = libc::WSTOPSIG(status);
        return Err(vm.value_error(format!("process stopped by delivery of signal {signal}")));
    }
    Err(vm.value_error(format!("invalid wait status: {status}")))
}

// ---- programs ----

/// Strings for a new program, and the array of pointers that the system wants.
pub(crate) struct Strings {
    _texts: Vec<CString>,
    pointers: Vec<*mut c_char>,
}

impl Strings {
    pub(crate) fn new(texts: Vec<CString>) -> Strings {
        let pointers = texts
            .iter()
            .map(|text| text.as_ptr().cast_mut())
            .chain([std::ptr::null_mut()])
            .collect();
        Strings {
            _texts: texts,
            pointers,
        }
    }

    /// An array that ends with a null pointer and lives as long as this.
    pub(crate) fn as_ptr(&self) -> *const *mut c_char {
        self.pointers.as_ptr()
    }
}

/// The arguments of a new program.
pub(super) fn argument_row(vm: &mut Vm, function: &str, argv: &Value) -> Py<Strings> {
    let row = match (items(argv), taipan_types::list::list_of(argv)) {
        (None, None) => {
            let message = match function {
                "execv" => "execv() arg 2 must be a tuple or list".into(),
                "execve" => "execve: argv must be a tuple or list".into(),
                _ => format!("{function}: argv must be a tuple or list"),
            };
            return Err(vm.type_error(message));
        }
        _ => vm.to_vec(argv)?,
    };
    let prefix = if function == "execv" {
        "execv() arg 2".to_owned()
    } else {
        format!("{function}: argv")
    };
    if row.is_empty() {
        return Err(vm.value_error(format!("{prefix} must not be empty")));
    }
    let mut texts = Vec::with_capacity(row.len());
    for text in &row {
        texts.push(path::fs_string(vm, text)?);
    }
    if texts[0].is_empty() {
        return Err(vm.value_error(format!("{prefix} first element cannot be empty")));
    }
    Ok(Strings::new(texts))
}

/// The environment of a new program.
pub(super) fn environment_row(vm: &mut Vm, function: &str, environment: &Value) -> Py<Strings> {
    let pairs: Vec<(Value, Value)> = match environment.cast::<Dict>() {
        Some(dict) => dict.items(),
        None if environment.type_of().slots().get_item.is_none() => {
            let or_none = if function.starts_with("posix_spawn") {
                " or None"
            } else {
                ""
            };
            let message = format!("{function}: environment must be a mapping object{or_none}");
            return Err(vm.type_error(message));
        }
        None => {
            let keys = vm.call_method(environment, taipan_core::name!("keys"), &[])?;
            let keys = vm.to_vec(&keys)?;
            let values = vm.call_method(environment, taipan_core::name!("values"), &[])?;
            let values = vm.to_vec(&values)?;
            keys.into_iter().zip(values).collect()
        }
    };
    let mut texts = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let key = path::fs_string(vm, &key)?;
        let value = path::fs_string(vm, &value)?;
        if key.is_empty() || key.to_bytes()[1..].contains(&b'=') {
            return Err(vm.value_error("illegal environment variable name"));
        }
        let whole = [key.to_bytes(), b"=", value.to_bytes()].concat();
        if let Ok(whole) = CString::new(whole) {
            texts.push(whole);
        }
    }
    Ok(Strings::new(texts))
}

fn execv(vm: &mut Vm, _module: &Value, path: &Value, argv: &Value) -> Py {
    let program = path::parse(vm, Some(path), PathKind::plain("execv"))?;
    let argv_row = argument_row(vm, "execv", argv)?;
    audit(vm, "os.exec", || {
        vec![path.clone(), argv.clone(), Value::none()]
    })?;
    // SAFETY: C strings and an array of them that ends with a null.
    unsafe { libc::execv(program.as_ptr(), argv_row.as_ptr().cast()) };
    Err(fail(vm))
}

fn execve(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let program = path::parse(vm, args.get(0), PathKind::or_descriptor("execve"))?;
    let argv = argument_row(vm, "execve", args.req(1))?;
    let environment = environment_row(vm, "execve", args.req(2))?;
    audit(vm, "os.exec", || {
        vec![
            program.value.clone(),
            args.req(1).clone(),
            args.req(2).clone(),
        ]
    })?;
    // SAFETY: a descriptor or a C string, and arrays of C strings that end with a null.
    unsafe {
        match program.descriptor {
            Some(fd) => libc::fexecve(fd, argv.as_ptr().cast(), environment.as_ptr().cast()),
            None => libc::execve(
                program.as_ptr(),
                argv.as_ptr().cast(),
                environment.as_ptr().cast(),
            ),
        }
    };
    Err(program.fail(vm))
}

fn system(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let command = path::fs_string(vm, args.req(0))?;
    audit(vm, "os.system", || vec![args.req(0).clone()])?;
    // SAFETY: a C string.
    let status = vm.detached(|| unsafe { libc::system(command.as_ptr()) });
    check_number(vm, status.into())
}
