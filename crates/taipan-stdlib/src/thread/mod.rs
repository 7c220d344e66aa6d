//! `_thread`: threads, locks, thread-local objects.

mod handle;
mod local;
mod lock;
mod rlock;
mod start;

pub use start::after_fork;

use crate::ModuleDef;
use crate::locks::thread_ident;
use crate::structseq::{self, Fields};
use crate::support::{add, add_type};
use crate::traceback_print;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use taipan_core::builtin_types as types;
use taipan_core::number::int_from_u64;
use taipan_core::tuple_object::items;
use taipan_core::{
    MethodDef, Py, Type, TypeObject, Value, Vm, bound, exception, f0, f1, name, slice,
};

/// The module `_thread`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_thread",
    doc: "This module provides primitive operations to write multi-threaded programs.\nThe 'threading' module provides a more convenient interface.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 18] = [
    f0(
        "allocate_lock(module, /)",
        lock::allocate,
        "Create a new lock object. See help(type(threading.Lock())) for\ninformation about locks.",
    ),
    f0(
        "allocate(module, /)",
        lock::allocate,
        "An obsolete synonym of allocate_lock().",
    ),
    f0(
        "get_ident(module, /)",
        get_ident,
        "Return a non-zero integer that uniquely identifies the current thread\namongst other threads that exist simultaneously.",
    ),
    f0(
        "get_native_id(module, /)",
        get_native_id,
        "Return a non-negative integer identifying the thread as reported\nby the OS (kernel).",
    ),
    f0(
        "_get_main_thread_ident(module, /)",
        main_ident,
        "Internal only. Return a non-zero integer that uniquely identifies the main thread\nof the main interpreter.",
    ),
    f0(
        "_is_main_interpreter(module, /)",
        is_main_interpreter,
        "Return True if the current interpreter is the main Python interpreter.",
    ),
    f0(
        "_count(module, /)",
        start::count,
        "Return the number of currently running Python threads, excluding\nthe main thread.",
    ),
    f0(
        "_shutdown(module, /)",
        start::shutdown,
        "Wait for all non-daemon threads (other than the calling thread) to stop.",
    ),
    f0(
        "daemon_threads_allowed(module, /)",
        daemon_allowed,
        "Return True if daemon threads are allowed in the current interpreter,\nand False otherwise.",
    ),
    f0(
        "exit(module, /)",
        exit,
        "This is synonymous to ``raise SystemExit''.  It will cause the current\nthread to exit silently unless the exception is caught.",
    ),
    f0(
        "exit_thread(module, /)",
        exit,
        "An obsolete synonym of exit().",
    ),
    slice(
        "stack_size(module, size=0, /)",
        stack_size,
        "Return the thread stack size used when creating new threads.",
    ),
    f1(
        "_excepthook(module, args, /)",
        excepthook,
        "Handle uncaught Thread.run() exception.",
    ),
    f1(
        "_make_thread_handle(module, ident, /)",
        handle::make,
        "Internal only. Make a thread handle for threads not spawned\nby the _thread or threading module.",
    ),
    bound(
        "start_joinable_thread(module, /, function, handle=None, daemon=True)",
        start::joinable,
        "*For internal use only*: start a new thread.\n\nLike start_new_thread(), this starts a new thread calling the given function.\nUnlike start_new_thread(), this returns a handle object with methods to join\nor detach the given thread.\nThis function is not for third-party code, please use the\n`threading` module instead. During finalization the runtime will not wait for\nthe thread to exit if daemon is True. If handle is provided it must be a\nnewly created thread._ThreadHandle instance.",
    ),
    slice(
        "interrupt_main(module, signum=SIGINT, /)",
        interrupt_main,
        "Simulate the arrival of the given signal in the main thread,\nwhere the corresponding signal handler will be executed.\nIf *signum* is omitted, SIGINT is assumed.\nA subthread can use this function to interrupt the main thread.\n\nNote: the default signal handler for SIGINT raises ``KeyboardInterrupt``.",
    ),
    slice(
        "start_new_thread(module, function, args, kwargs={}, /)",
        start::new,
        "Start a new thread and return its identifier.\n\nThe thread will call the function with positional arguments from the\ntuple args and keyword arguments taken from the optional dictionary\nkwargs.  The thread exits when the function returns; the return value\nis ignored.  The thread will also exit when the function raises an\nunhandled exception; a stack trace will be printed unless the exception\nis SystemExit.",
    ),
    slice(
        "start_new(module, function, args, kwargs={}, /)",
        start::new,
        "An obsolete synonym of start_new_thread().",
    ),
];

/// The longest wait, in seconds.
const TIMEOUT_MAX: f64 = 9223372036.0;

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    lock::define();
    rlock::define();
    local::define();
    handle::define();
    structseq::define(&HOOK_ARGS, &HOOK_FIELDS);
    add_type(dict, &lock::LOCK);
    add(dict, "LockType", lock::LOCK.to_value());
    add_type(dict, &rlock::RLOCK);
    add_type(dict, &local::LOCAL);
    add_type(dict, &handle::HANDLE);
    add_type(dict, &HOOK_ARGS);
    add(dict, "TIMEOUT_MAX", Value::float(TIMEOUT_MAX));
    add(dict, "error", types::RUNTIME_ERROR.to_value());
    Ok(())
}

/// The native stack that the program wants new threads to have; 0 for what is usual.
#[derive(Default)]
struct StackSize(AtomicI64);

fn get_ident(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(int_from_u64(thread_ident()))
}

fn get_native_id(_vm: &mut Vm, _module: &Value) -> Py {
    // SAFETY: asks the system for a number, which needs nothing.
    #[expect(unsafe_code, reason = "the number of a thread is the system's")]
    let id = unsafe { libc::gettid() };
    Ok(Value::int(id.into()))
}

fn main_ident(vm: &mut Vm, _module: &Value) -> Py {
    let threads = vm.interpreter().threads();
    let main = threads.iter().find(|thread| thread.is_main.get());
    Ok(int_from_u64(main.map_or(0, |main| main.ident.get())))
}

fn interrupt_main(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    if args.len() > 1 {
        let message = format!(
            "interrupt_main expected at most 1 argument, got {}",
            args.len()
        );
        return Err(vm.type_error(message));
    }
    let signal = match args.first() {
        Some(signal) => crate::path::c_int(vm, signal)?,
        None => libc::SIGINT,
    };
    if !(1..=64).contains(&signal) {
        return Err(vm.value_error("signal number out of range"));
    }
    crate::_signal::simulate(vm, signal);
    Ok(Value::none())
}

fn is_main_interpreter(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::bool(true))
}

fn daemon_allowed(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::bool(true))
}

fn exit(vm: &mut Vm, _module: &Value) -> Py {
    Err(vm.raise_with(&types::SYSTEM_EXIT, &[]))
}

fn stack_size(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let size = match args.first() {
        Some(size) => vm.index_i64(size)?,
        None => 0,
    };
    if size < 0 {
        return Err(vm.value_error("size must be 0 or a positive value"));
    }
    let stack = &vm.interpreter_state::<StackSize>().0;
    let old = stack.load(Relaxed);
    if !args.is_empty() {
        if size != 0 && size < 16384 {
            return Err(vm.value_error(format!("size not valid: {size} bytes")));
        }
        stack.store(size, Relaxed);
    }
    Ok(Value::int(old))
}

// ---- waiting ----

/// How long to wait: `None` is for ever, zero not at all.
pub(super) fn timeout(
    vm: &mut Vm,
    blocking: bool,
    timeout: Option<&Value>,
) -> Py<Option<Duration>> {
    let seconds = match timeout {
        Some(timeout) => vm.to_f64(timeout)?,
        None => -1.0,
    };
    if !blocking {
        if seconds != -1.0 {
            return Err(vm.value_error("can't specify a timeout for a non-blocking call"));
        }
        return Ok(Some(Duration::ZERO));
    }
    if seconds == -1.0 {
        return Ok(None);
    }
    if seconds.is_nan() {
        return Err(vm.value_error("Invalid value NaN (not a number)"));
    }
    if seconds < 0.0 {
        return Err(vm.value_error("timeout value must be a non-negative number"));
    }
    if seconds > TIMEOUT_MAX {
        return Err(vm.overflow_error("timeout value is too large"));
    }
    Ok(Some(Duration::from_secs_f64(seconds)))
}

/// Waits until `attempt` (given how long it may wait) succeeds; other threads run meanwhile, so it touches no Python object. The
/// main thread waits in short steps and serves signals in between.
pub(crate) fn wait(
    vm: &mut Vm,
    limit: Option<Duration>,
    mut attempt: impl FnMut(Duration) -> bool,
) -> Py<bool> {
    let step = Duration::from_millis(if vm.thread().is_main.get() {
        20
    } else {
        60_000
    });
    if attempt(Duration::ZERO) {
        return Ok(true);
    }
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    loop {
        let left = match deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => step,
        };
        if left.is_zero() {
            return Ok(false);
        }
        if vm.detached(|| attempt(left.min(step))) {
            return Ok(true);
        }
        vm.safepoint()?;
    }
}

// ---- uncaught exceptions of threads ----

static HOOK_ARGS: TypeObject = Type::declare("_thread._ExceptHookArgs");
static HOOK_FIELDS: Fields = Fields {
    name: "_thread._ExceptHookArgs",
    doc: "ExceptHookArgs\n\nType used to pass arguments to threading.excepthook.",
    fields: &[
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("thread", "Thread"),
    ],
    visible: 4,
    instantiable: true,
};

fn excepthook(vm: &mut Vm, _module: &Value, args: &Value) -> Py {
    if !args.is_exact(&HOOK_ARGS) {
        return Err(vm.type_error("_thread.excepthook argument type must be ExceptHookArgs"));
    }
    let Some([class, value, traceback, thread]) = items(args) else {
        return Ok(Value::none());
    };
    if class.is(&types::SYSTEM_EXIT.to_value()) {
        return Ok(Value::none());
    }
    let shown = match vm.get_attr_opt(thread, name!("_name")) {
        Ok(Some(name)) if !thread.is_none() => vm.str_string(&name)?,
        Ok(_) => thread_ident().to_string(),
        Err(raised) => return Err(raised),
    };
    let Some(file) = output(vm, thread)? else {
        return Ok(Value::none());
    };
    traceback_print::write_error_to(vm, &file, &format!("Exception in thread {shown}:\n"));
    if value.is_instance(&types::BASE_EXCEPTION) {
        if traceback.is_instance(&types::TRACEBACK) && exception::traceback(vm, value).is_none() {
            exception::set_traceback(vm, value, Some(traceback.clone()));
        }
        traceback_print::print_exception_to(vm, &file, value);
    }
    Ok(Value::none())
}

/// Where a thread's end by an exception is reported: to `sys.stderr`, or to what that was when the thread was made.
fn output(vm: &mut Vm, thread: &Value) -> Py<Option<Value>> {
    let file = traceback_print::stderr(vm);
    if let Some(file) = file.filter(|file| !file.is_none()) {
        return Ok(Some(file));
    }
    if thread.is_none() {
        return Ok(None);
    }
    let file = vm.get_attr_opt(thread, name!("_stderr"))?;
    Ok(file.filter(|file| !file.is_none()))
}
