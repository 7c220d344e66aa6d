//! `faulthandler`: tracebacks on faults, after a time, or on a signal.
//!
//! `out` and `dump` write them and work in signal handlers; `fatal` handles the signals that end a process, `user` those that a
//! program registers, `later` is the watchdog; `crash` has functions that crash on purpose.

mod crash;
mod dump;
mod fatal;
pub(crate) mod later;
mod out;
mod user;

use crate::ModuleDef;
use crate::support::int_argument;
use std::collections::HashMap;
use std::time::Duration;
use taipan_core::latch::Latch;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, builtin_types, f0, f1, name, slice};
use taipan_types::exceptions::os_error::raise_errno;

static FUNCTIONS: [MethodDef; 15] = [
    bound(
        "enable($module, /, file=sys.stderr, all_threads=True, c_stack=True)",
        enable,
        "Write a traceback to a file when a fault ends the process.",
    ),
    f0(
        "disable($module, /)",
        disable,
        "Take the handlers of faults away; give whether there were any.",
    ),
    f0(
        "is_enabled($module, /)",
        |_, _| Ok(Value::bool(fatal::is_enabled())),
        "Are the handlers of faults installed?",
    ),
    bound(
        "dump_traceback($module, /, file=sys.stderr, all_threads=True)",
        dump_traceback,
        "Write the traceback of this thread, or of all threads, to a file.",
    ),
    bound(
        "dump_c_stack($module, /, file=sys.stderr)",
        dump_c_stack,
        "Write the native stack of this thread to a file.",
    ),
    bound(
        "dump_traceback_later($module, /, timeout, repeat=False, file=sys.stderr, exit=False)",
        dump_traceback_later,
        "Write the tracebacks of all threads in timeout seconds, or each timeout seconds if repeat is true.\n\
         If exit is true, end the process then, without any cleaning up.",
    ),
    f0(
        "cancel_dump_traceback_later($module, /)",
        |vm, _| {
            later::cancel();
            drop_file(vm, Slot::Later);
            Ok(Value::none())
        },
        "Take dump_traceback_later() back.",
    ),
    bound(
        "register($module, /, signum, file=sys.stderr, all_threads=True, chain=False)",
        register,
        "Write the traceback of this thread, or of all threads, to a file when a signal comes;\n\
         with chain, call the handler that was there before too.",
    ),
    f1(
        "unregister($module, signum, /)",
        unregister,
        "Take register() of a signal back; give whether it was registered.",
    ),
    f0(
        "_read_null($module, /)",
        crash::read_null,
        "Read from address 0.",
    ),
    slice(
        "_sigsegv($module, release_gil=False, /)",
        crash::sigsegv,
        "Raise SIGSEGV.",
    ),
    f0("_sigabrt($module, /)", crash::sigabrt, "Raise SIGABRT."),
    f0("_sigfpe($module, /)", crash::sigfpe, "Raise SIGFPE."),
    f0(
        "_fatal_error_c_thread($module, /)",
        crash::fatal_error_thread,
        "End the process as an internal error in another native thread does.",
    ),
    f0(
        "_stack_overflow($module, /)",
        crash::stack_overflow,
        "Use up the native stack.",
    ),
];

/// The module `faulthandler`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "faulthandler",
    doc: "faulthandler module.",
    functions: &FUNCTIONS,
    init: |vm, _| {
        dump::note_main(vm);
        Ok(())
    },
};

/// Who writes to a file.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Slot {
    Fatal,
    Later,
    Signal(i32),
}

/// Files that handlers write to, kept open while they may.
#[derive(Default)]
struct Files(Latch<HashMap<Slot, Value>>);

fn keep_file(vm: &mut Vm, slot: Slot, file: Option<Value>) {
    let files = &vm.interpreter_state::<Files>().0;
    let old = match file {
        Some(file) => files.borrow_mut().insert(slot, file),
        None => files.borrow_mut().remove(&slot),
    };
    drop(old);
}

fn drop_file(vm: &mut Vm, slot: Slot) {
    keep_file(vm, slot, None);
}

/// The descriptor of a file argument, and the file if it has to be kept.
fn descriptor(vm: &mut Vm, file: Option<&Value>) -> Py<(i32, Option<Value>)> {
    let file = match file.filter(|file| !file.is_none()) {
        Some(file) => file.clone(),
        None => match crate::sys::attribute(vm, name!("stderr")) {
            Some(file) if file.is_none() => {
                return Err(vm.runtime_error("sys.stderr is None"));
            }
            Some(file) => file,
            None => return Err(vm.runtime_error("lost sys.stderr")),
        },
    };
    if file.is_int() {
        if file.is_exact(&builtin_types::BOOL) {
            vm.warn(
                &builtin_types::RUNTIME_WARNING,
                "bool is used as a file descriptor",
                1,
            )?;
        }
        let fd = crate::path::c_int(vm, &file)?;
        if fd < 0 {
            return Err(vm.value_error("file is not a valid file descriptor"));
        }
        return Ok((fd, None));
    }
    let number = vm.call_method(&file, name!("fileno"), &[])?;
    let fd = number.as_i64().and_then(|fd| i32::try_from(fd).ok());
    let Some(fd) = fd.filter(|fd| *fd >= 0) else {
        return Err(vm.runtime_error("file.fileno() is not a valid file descriptor"));
    };
    // What the program has written so far comes first; if that fails, the traceback still matters more.
    if let Err(raised) = vm.call_method(&file, name!("flush"), &[]) {
        drop(vm.take_raised(raised));
    }
    Ok((fd, Some(file)))
}

/// A truth-valued argument.
fn flag(vm: &mut Vm, args: &Bound, index: usize, default: bool) -> Py<bool> {
    args.get(index).map_or(Ok(default), |value| vm.truth(value))
}

/// A stack of its own for handlers, so that they work when the thread's is used up.
fn alternate_stack() {
    use std::sync::Once;
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        let size = libc::SIGSTKSZ.max(64 << 10);
        // Never freed: a handler may run on it at any time.
        let memory = Box::leak(vec![0u8; size].into_boxed_slice());
        let stack = libc::stack_t {
            ss_sp: memory.as_mut_ptr().cast(),
            ss_flags: 0,
            ss_size: size,
        };
        // SAFETY: memory that stays, with its size.
        unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) };
    });
}

fn enable(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (fd, file) = descriptor(vm, args.get(0))?;
    let report = fatal::Report {
        fd,
        all_threads: flag(vm, args, 1, true)?,
        native_stack: flag(vm, args, 2, true)?,
    };
    keep_file(vm, Slot::Fatal, file);
    match fatal::enable(&report) {
        Ok(()) => Ok(Value::none()),
        Err(error) => Err(raise_errno(vm, error, None)),
    }
}

/// Installs the handlers of faults before the program starts, writing to the standard error stream.
pub fn enable_at_start(vm: &mut Vm) -> Py<()> {
    dump::note_main(vm);
    let report = fatal::Report {
        fd: 2,
        all_threads: true,
        native_stack: true,
    };
    fatal::enable(&report).map_err(|error| raise_errno(vm, error, None))
}

/// In the child of a fork, this thread is the main thread.
pub fn after_fork(vm: &Vm) {
    if dump::is_ready() {
        dump::note_main(vm);
    }
}

/// Takes all handlers away and ends the watchdog, at the end of the program.
pub fn finish() {
    later::cancel();
    user::unregister_all();
    fatal::disable();
}

fn disable(vm: &mut Vm, _module: &Value) -> Py {
    let was_enabled = fatal::disable();
    drop_file(vm, Slot::Fatal);
    Ok(Value::bool(was_enabled))
}

fn dump_traceback(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (fd, _file) = descriptor(vm, args.get(0))?;
    if flag(vm, args, 1, true)? {
        dump::every_thread(vm, fd, true);
    } else {
        dump::this_thread(vm, fd);
    }
    vm.safepoint()?;
    Ok(Value::none())
}

fn dump_c_stack(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (fd, _file) = descriptor(vm, args.get(0))?;
    dump::native_stack(fd);
    vm.safepoint()?;
    Ok(Value::none())
}

fn dump_traceback_later(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let nanos = crate::time::nanoseconds(vm, args.req(0), |x| x.signum() * x.abs().ceil())?;
    let Some(nanos) = u64::try_from(nanos).ok().filter(|nanos| *nanos > 0) else {
        return Err(vm.value_error("timeout must be greater than 0"));
    };
    let repeat = flag(vm, args, 1, false)?;
    let (fd, file) = descriptor(vm, args.get(2))?;
    let plan = later::Plan {
        after: Duration::from_nanos(nanos),
        repeat,
        fd,
        exit: flag(vm, args, 3, false)?,
    };
    later::cancel();
    keep_file(vm, Slot::Later, file);
    if later::start(plan) {
        Ok(Value::none())
    } else {
        Err(vm.runtime_error("unable to start watchdog thread"))
    }
}

/// A signal number that programs may register.
fn signal_number(vm: &mut Vm, value: &Value) -> Py<i32> {
    let signal = int_argument(vm, value)?;
    if fatal::is_fatal(signal) {
        return Err(vm.runtime_error(format!(
            "signal {signal} cannot be registered, use enable() instead"
        )));
    }
    if signal < 1 || signal as usize >= user::COUNT {
        return Err(vm.value_error("signal number out of range"));
    }
    Ok(signal)
}

fn register(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let signal = signal_number(vm, args.req(0))?;
    let (fd, file) = descriptor(vm, args.get(1))?;
    let wish = user::Wish {
        fd,
        all_threads: flag(vm, args, 2, true)?,
        chain: flag(vm, args, 3, false)?,
    };
    keep_file(vm, Slot::Signal(signal), file);
    match user::register(signal, &wish) {
        Ok(()) => Ok(Value::none()),
        Err(error) => {
            drop_file(vm, Slot::Signal(signal));
            Err(raise_errno(vm, error, None))
        }
    }
}

fn unregister(vm: &mut Vm, _module: &Value, signal: &Value) -> Py {
    let signal = signal_number(vm, signal)?;
    let was_registered = user::unregister(signal);
    drop_file(vm, Slot::Signal(signal));
    Ok(Value::bool(was_registered))
}
