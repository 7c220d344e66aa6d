//! `_signal`: signals and their handlers.
//!
//! The system's handler only notes the signal and asks the main thread for attention; the Python handler runs at that thread's next
//! safepoint, between two instructions.

use crate::ModuleDef;
use crate::audit::audit;
use crate::path::{c_int, errno, fileno, retry};
use crate::structseq::{self, Fields};
use crate::support::{add, add_type};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicPtr, Ordering};
use taipan_core::latch::{Latch, LatchCell};
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::vm::breaker;
use taipan_core::{
    Bound, MethodDef, Py, Raised, Thread, Type, TypeObject, Value, Vm, bound, builtin_types, f0,
    f1, f2, slice,
};
use taipan_types::exceptions::os_error::{raise_errno, strerror};

/// One more than the greatest signal number.
const COUNT: usize = 65;

static STRUCT_SIGINFO: TypeObject = Type::declare("signal.struct_siginfo");

static SIGINFO: Fields = Fields {
    name: "signal.struct_siginfo",
    doc: "struct_siginfo: Result from sigwaitinfo or sigtimedwait.\n\n\
          A tuple of (si_signo, si_code, si_errno, si_pid, si_uid, si_status, si_band), also to be had as attributes.",
    fields: &[
        ("si_signo", "signal number"),
        ("si_code", "signal code"),
        ("si_errno", "errno associated with this signal"),
        ("si_pid", "sending process ID"),
        ("si_uid", "real user ID of sending process"),
        ("si_status", "exit value or signal"),
        ("si_band", "band event for SIGPOLL"),
    ],
    visible: 7,
    instantiable: true,
};

static FUNCTIONS: [MethodDef; 21] = [
    f1(
        "alarm($module, seconds, /)",
        alarm,
        "Have SIGALRM sent after some seconds; give what was left of the former wait.",
    ),
    f2(
        "default_int_handler($module, signalnum, frame, /)",
        default_int_handler,
        "The handler of SIGINT that Python sets: it raises KeyboardInterrupt.",
    ),
    f1(
        "getitimer($module, which, /)",
        getitimer,
        "A timer's (time left, interval) in seconds.",
    ),
    f1(
        "getsignal($module, signalnum, /)",
        getsignal,
        "The handler of a signal: SIG_IGN, SIG_DFL, a callable, or None if it is not known.",
    ),
    f0("pause($module, /)", pause, "Wait until a signal arrives."),
    slice(
        "pidfd_send_signal($module, pidfd, signalnum, siginfo=None, flags=0, /)",
        pidfd_send_signal,
        "Send a signal to the process of a descriptor.",
    ),
    f2(
        "pthread_kill($module, thread_id, signalnum, /)",
        pthread_kill,
        "Send a signal to a thread.",
    ),
    f2(
        "pthread_sigmask($module, how, mask, /)",
        pthread_sigmask,
        "Change the set of blocked signals; give the former one.",
    ),
    f1(
        "raise_signal($module, signalnum, /)",
        raise_signal,
        "Send a signal to this process.",
    ),
    bound(
        "set_wakeup_fd($module, fd, /, *, warn_on_full_buffer=True)",
        set_wakeup_fd,
        "Have the number of each signal written to a descriptor (-1: none); give the former descriptor.",
    ),
    slice(
        "setitimer($module, which, seconds, interval=0.0, /)",
        setitimer,
        "Set a timer in seconds; give the former (time left, interval).",
    ),
    f2(
        "siginterrupt($module, signalnum, flag, /)",
        siginterrupt,
        "Set whether a signal interrupts system calls.",
    ),
    f2(
        "signal($module, signalnum, handler, /)",
        signal,
        "Set the handler of a signal; give the former one.\n\nA handler is called with the signal's number and the interrupted frame.",
    ),
    f0(
        "sigpending($module, /)",
        sigpending,
        "The set of signals that wait while they are blocked.",
    ),
    f2(
        "sigtimedwait($module, sigset, timeout, /)",
        sigtimedwait,
        "Wait for a signal of a set for some seconds; give a struct_siginfo, or None.",
    ),
    f1(
        "sigwait($module, sigset, /)",
        sigwait,
        "Wait for a signal of a set; give its number.",
    ),
    f1(
        "sigwaitinfo($module, sigset, /)",
        sigwaitinfo,
        "Wait for a signal of a set; give a struct_siginfo.",
    ),
    f1(
        "strsignal($module, signalnum, /)",
        strsignal,
        "The system's text for a signal, or None.",
    ),
    f0(
        "valid_signals($module, /)",
        valid_signals,
        "The set of all signal numbers that may be used.",
    ),
    f1(
        "_pending($module, signalnum, /)",
        pending,
        "Has the signal arrived, without its handler having run?",
    ),
    f0(
        "_run_pending($module, /)",
        |vm, _| run_pending(vm).map(|()| Value::none()),
        "Run the handlers of signals that have arrived.",
    ),
];

/// The module `_signal`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_signal",
    doc: "Signals and their handlers; the module signal builds on it.",
    functions: &FUNCTIONS,
    init,
};

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

static NUMBERS: &[(&str, i64)] = numbers! {
    SIGABRT SIGALRM SIGBUS SIGCHLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGPIPE SIGPROF SIGQUIT SIGSEGV
    SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM SIGWINCH SIGXCPU SIGXFSZ
    SIG_BLOCK SIG_UNBLOCK SIG_SETMASK
};

#[cfg(target_os = "linux")]
static MORE: &[(&str, i64)] = numbers! { SIGPWR SIGSTKFLT SIGPOLL };

#[cfg(not(target_os = "linux"))]
static MORE: &[(&str, i64)] = &[];

const DEFAULT: i32 = 0;
const IGNORE: i32 = 1;

// ---- what the system's handler touches ----

#[expect(
    clippy::declare_interior_mutable_const,
    reason = "the initial value of array items"
)]
const NO: AtomicBool = AtomicBool::new(false);
/// Signals that arrived and whose handlers have not run.
static ARRIVED: [AtomicBool; COUNT] = [NO; COUNT];
/// The thread that runs handlers.
static MAIN: AtomicPtr<Thread> = AtomicPtr::new(null_mut());
static WAKE_UP: AtomicI32 = AtomicI32::new(-1);
static WARN_IF_FULL: AtomicBool = AtomicBool::new(true);
/// The error number of a failed write to the wake-up descriptor.
static WAKE_UP_FAILED: AtomicI32 = AtomicI32::new(0);

/// Notes a signal. Runs at any time on any thread: touches atomics and calls `write` only.
extern "C" fn note(signal: libc::c_int) {
    let saved = errno();
    ARRIVED[signal as usize % COUNT].store(true, Ordering::SeqCst);
    wake_main();
    let fd = WAKE_UP.load(Ordering::SeqCst);
    if fd >= 0 {
        let byte = signal as u8;
        // SAFETY: one byte of ours.
        let result = unsafe { libc::write(fd, (&raw const byte).cast(), 1) };
        let full = matches!(errno(), libc::EAGAIN);
        if result < 0 && (!full || WARN_IF_FULL.load(Ordering::SeqCst)) {
            WAKE_UP_FAILED.store(errno(), Ordering::SeqCst);
            wake_main();
        }
    }
    // SAFETY: the interrupted thread's error number is as it was.
    unsafe { *libc::__errno_location() = saved };
}

/// Makes the main thread look for signals, and for what [`run_pending`] looks for besides, at its next safepoint.
pub(crate) fn wake_main() {
    let main = MAIN.load(Ordering::SeqCst);
    // SAFETY: thread states are never freed.
    if let Some(main) = unsafe { main.as_ref() } {
        main.breaker.fetch_or(breaker::SIGNAL, Ordering::SeqCst);
    }
}

// ---- the table of handlers ----

struct State {
    handlers: Latch<Vec<Value>>,
    installed: LatchCell<bool>,
    timer_error: Latch<Option<Value>>,
    /// The function `default_int_handler`, of which there is one.
    int_handler: Latch<Option<Value>>,
}

impl Default for State {
    fn default() -> State {
        State {
            handlers: Latch::new(vec![Value::none(); COUNT]),
            installed: LatchCell::new(false),
            timer_error: Latch::new(None),
            int_handler: Latch::new(None),
        }
    }
}

fn state(vm: &Vm) -> &'static State {
    vm.interpreter_state::<State>()
}

fn is_main(vm: &Vm) -> bool {
    std::ptr::eq(MAIN.load(Ordering::SeqCst), vm.thread())
}

/// Reads the present handlers and makes this thread the one that runs handlers. Does nothing the second time.
pub fn install(vm: &mut Vm) -> Py<()> {
    let state = state(vm);
    if state.installed.replace(true) {
        return Ok(());
    }
    let me: *const Thread = vm.thread();
    let first = MAIN
        .compare_exchange(
            null_mut(),
            me.cast_mut(),
            Ordering::SeqCst,
            Ordering::SeqCst,
        )
        .is_ok();
    if first {
        // Writing to a closed pipe, or beyond the largest size of files, shall be an `OSError`.
        set_action(vm, libc::SIGPIPE, libc::SIG_IGN)?;
        set_action(vm, libc::SIGXFSZ, libc::SIG_IGN)?;
    }
    for signal in 1..COUNT {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: asks only; room for the result.
        let known =
            unsafe { libc::sigaction(signal as i32, std::ptr::null(), action.as_mut_ptr()) } == 0;
        // SAFETY: zeroed at first.
        let present = unsafe { action.assume_init() }.sa_sigaction;
        let handler = match present {
            libc::SIG_DFL if known => Value::from_i32(DEFAULT),
            libc::SIG_IGN if known => Value::from_i32(IGNORE),
            _ => Value::none(),
        };
        state.handlers.borrow_mut()[signal] = handler;
    }
    Ok(())
}

/// Has the interrupt key raise `KeyboardInterrupt`, as programs started from the command line expect it.
pub fn install_interrupt_handler(vm: &mut Vm) -> Py<()> {
    install(vm)?;
    let default =
        state(vm).handlers.borrow()[libc::SIGINT as usize].as_i64() == Some(DEFAULT.into());
    if !default || !is_main(vm) {
        return Ok(());
    }
    let handler = int_handler(vm);
    set_action(vm, libc::SIGINT, note as *const () as usize)?;
    state(vm).handlers.borrow_mut()[libc::SIGINT as usize] = handler;
    Ok(())
}

/// The function `default_int_handler`.
fn int_handler(vm: &mut Vm) -> Value {
    let owner = taipan_core::str_object::name("_signal");
    let make = || taipan_core::descriptor::new_native_function(&FUNCTIONS[1], None, Some(owner));
    state(vm)
        .int_handler
        .borrow_mut()
        .get_or_insert_with(make)
        .clone()
}

fn set_action(vm: &mut Vm, signal: i32, handler: usize) -> Py<()> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a zeroed structure with the handler set is a valid one.
    let result = unsafe {
        (*action.as_mut_ptr()).sa_sigaction = handler;
        (*action.as_mut_ptr()).sa_flags = libc::SA_ONSTACK;
        libc::sigemptyset(&mut (*action.as_mut_ptr()).sa_mask);
        libc::sigaction(signal, action.as_ptr(), null_mut())
    };
    if result < 0 {
        Err(raise_errno(vm, errno(), None))
    } else {
        Ok(())
    }
}

/// Is it the handler behind the handlers of Python programs?
pub(crate) fn is_python_handler(handler: libc::sighandler_t) -> bool {
    handler == note as extern "C" fn(libc::c_int) as libc::sighandler_t
}

/// Runs the Python handlers of signals that have arrived. Only the main thread does; elsewhere this does nothing.
pub fn run_pending(vm: &mut Vm) -> Py<()> {
    if !is_main(vm) {
        return Ok(());
    }
    crate::faulthandler::later::answer(vm);
    let failed = WAKE_UP_FAILED.swap(0, Ordering::SeqCst);
    if failed != 0 {
        let raised = raise_errno(vm, failed, None);
        vm.unraisable(raised, "when trying to write to the signal wakeup fd", None);
    }
    for (signal, arrived) in ARRIVED.iter().enumerate().take(COUNT).skip(1) {
        if !arrived.swap(false, Ordering::SeqCst) {
            continue;
        }
        let handler = state(vm).handlers.borrow()[signal].clone();
        // The handler may have been reset since the signal came; it is gone when the interpreter ends.
        if !vm.is_callable(&handler) || crate::sys::hooks::finalizing(vm) {
            let message = format!("Signal {signal} ignored due to race condition");
            let raised = vm.raise(&builtin_types::OS_ERROR, message);
            vm.unraisable(
                raised,
                "Exception ignored while calling signal handler",
                None,
            );
            continue;
        }
        let frame = vm.interpreter().hooks.frame;
        let frame = frame(vm, 0)?.unwrap_or_else(Value::none);
        if let Err(raised) = vm.call(&handler, &[Value::int(signal as i64), frame]) {
            // The others wait for the next safepoint.
            vm.request(breaker::SIGNAL);
            return Err(raised);
        }
    }
    Ok(())
}

/// Notes a signal as if it had arrived (`_thread.interrupt_main`).
pub fn simulate(vm: &mut Vm, signal: i32) {
    let handler = state(vm).handlers.borrow().get(signal as usize).cloned();
    if handler.is_some_and(|handler| !handler.is_none() && !handler.is_int()) {
        ARRIVED[signal as usize].store(true, Ordering::SeqCst);
        wake_main();
    }
}

/// In the child of a fork: the parent's signals are not ours.
pub fn after_fork(vm: &mut Vm) {
    for arrived in &ARRIVED {
        arrived.store(false, Ordering::SeqCst);
    }
    let me: *const Thread = vm.thread();
    MAIN.store(me.cast_mut(), Ordering::SeqCst);
}

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    install(vm)?;
    structseq::define(&STRUCT_SIGINFO, &SIGINFO);
    add_type(dict, &STRUCT_SIGINFO);
    for (text, number) in NUMBERS.iter().chain(MORE) {
        add(dict, text, Value::int(*number));
    }
    let pairs = [
        ("SIG_DFL", DEFAULT),
        ("SIG_IGN", IGNORE),
        ("NSIG", COUNT as i32),
        ("SIGCLD", libc::SIGCHLD),
        ("SIGRTMIN", libc::SIGRTMIN()),
        ("SIGRTMAX", libc::SIGRTMAX()),
        ("ITIMER_REAL", 0),
        ("ITIMER_VIRTUAL", 1),
        ("ITIMER_PROF", 2),
    ];
    for (text, number) in pairs {
        add(dict, text, Value::from_i32(number));
    }
    let handler = int_handler(vm);
    add(dict, "default_int_handler", handler);
    let error = timer_error_class(vm)?;
    add(dict, "ItimerError", error);
    Ok(())
}

fn timer_error_class(vm: &mut Vm) -> Py {
    if let Some(class) = &*state(vm).timer_error.borrow() {
        return Ok(class.clone());
    }
    let namespace = taipan_core::dict_object::new_dict();
    add(&namespace, "__module__", new_str("signal"));
    let bases = new_tuple([builtin_types::OS_ERROR.to_value()]);
    let class = vm.call(
        &builtin_types::TYPE.to_value(),
        &[new_str("ItimerError"), bases, namespace],
    )?;
    *state(vm).timer_error.borrow_mut() = Some(class.clone());
    Ok(class)
}

// ---- arguments ----

fn number(vm: &mut Vm, value: &Value) -> Py<i32> {
    let signal = c_int(vm, value)?;
    if !(1..COUNT as i32).contains(&signal) {
        return Err(vm.value_error("signal number out of range"));
    }
    Ok(signal)
}

/// The system's form of an iterable of signal numbers.
pub(crate) fn signal_set(vm: &mut Vm, signals: &Value) -> Py<libc::sigset_t> {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: room for the set, which the call initialises.
    let mut set = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    };
    for signal in vm.to_vec(signals)? {
        let index = vm.index(&signal)?;
        match index.as_i64() {
            // SAFETY: the set is initialised. Numbers the C library keeps to itself are left out.
            Some(signal) if (1..COUNT as i64).contains(&signal) => unsafe {
                libc::sigaddset(&mut set, signal as i32);
            },
            _ => {
                let shown = vm.repr_string(&index)?;
                return Err(vm.value_error(format!(
                    "signal number {shown} out of range [1; {}]",
                    COUNT - 1
                )));
            }
        }
    }
    Ok(set)
}

fn set_value(vm: &mut Vm, set: &libc::sigset_t) -> Py {
    let numbers = (1..COUNT as i32)
        // SAFETY: the set is initialised.
        .filter(|signal| unsafe { libc::sigismember(set, *signal) } == 1)
        .map(Value::from_i32);
    let row = taipan_types::list::new_list(numbers.collect());
    vm.call(&builtin_types::SET.to_value(), &[row])
}

fn fail(vm: &mut Vm) -> Raised {
    raise_errno(vm, errno(), None)
}

// ---- handlers ----

fn default_int_handler(vm: &mut Vm, _module: &Value, _signal: &Value, _frame: &Value) -> Py {
    Err(vm.raise_with(&builtin_types::KEYBOARD_INTERRUPT, &[]))
}

fn signal(vm: &mut Vm, _module: &Value, signal: &Value, handler: &Value) -> Py {
    let signal = c_int(vm, signal)?;
    if !is_main(vm) {
        return Err(vm.value_error("signal only works in main thread of the main interpreter"));
    }
    if !(1..COUNT as i32).contains(&signal) {
        return Err(vm.value_error("signal number out of range"));
    }
    let named = if handler.is_int() {
        handler.as_i64()
    } else {
        None
    };
    let action = match named {
        Some(0) => libc::SIG_DFL,
        Some(1) => libc::SIG_IGN,
        _ if vm.is_callable(handler) => note as *const () as usize,
        _ => {
            return Err(vm.type_error(
                "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object",
            ));
        }
    };
    // Signals that came before belong to the old handler.
    run_pending(vm)?;
    set_action(vm, signal, action)?;
    let kept = match named {
        Some(number) => Value::int(number),
        None => handler.clone(),
    };
    let old = std::mem::replace(&mut state(vm).handlers.borrow_mut()[signal as usize], kept);
    Ok(old)
}

fn getsignal(vm: &mut Vm, _module: &Value, signal: &Value) -> Py {
    let signal = number(vm, signal)?;
    Ok(state(vm).handlers.borrow()[signal as usize].clone())
}

fn pending(vm: &mut Vm, _module: &Value, signal: &Value) -> Py {
    let signal = number(vm, signal)?;
    Ok(Value::bool(ARRIVED[signal as usize].load(Ordering::SeqCst)))
}

fn siginterrupt(vm: &mut Vm, _module: &Value, signal: &Value, flag: &Value) -> Py {
    let signal = number(vm, signal)?;
    let interrupts = c_int(vm, flag)? != 0;
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: the structure is ours and the first call fills it.
    let result = unsafe {
        if libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) < 0 {
            -1
        } else {
            let flags = &mut (*action.as_mut_ptr()).sa_flags;
            *flags = if interrupts {
                *flags & !libc::SA_RESTART
            } else {
                *flags | libc::SA_RESTART
            };
            libc::sigaction(signal, action.as_ptr(), null_mut())
        }
    };
    if result < 0 {
        Err(fail(vm))
    } else {
        Ok(Value::none())
    }
}

fn set_wakeup_fd(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let fd = c_int(vm, args.req(0))?;
    let warn = match args.get(1) {
        Some(warn) => vm.truth(warn)?,
        None => true,
    };
    if !is_main(vm) {
        return Err(
            vm.value_error("set_wakeup_fd only works in main thread of the main interpreter")
        );
    }
    if fd != -1 {
        // SAFETY: a plain query.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
        if flags < 0 {
            return Err(fail(vm));
        }
        if flags & libc::O_NONBLOCK == 0 {
            return Err(vm.value_error(format!("the fd {fd} must be in non-blocking mode")));
        }
    }
    WARN_IF_FULL.store(warn, Ordering::SeqCst);
    Ok(Value::from_i32(WAKE_UP.swap(fd, Ordering::SeqCst)))
}

// ---- sending ----

fn raise_signal(vm: &mut Vm, _module: &Value, signal: &Value) -> Py {
    let signal = c_int(vm, signal)?;
    // SAFETY: a plain call.
    if unsafe { libc::raise(signal) } != 0 {
        return Err(fail(vm));
    }
    vm.safepoint()?;
    Ok(Value::none())
}

fn pthread_kill(vm: &mut Vm, _module: &Value, thread: &Value, signal: &Value) -> Py {
    let index = vm.index(thread)?;
    let Some(Ok(thread)) = index.as_big().map(u64::try_from) else {
        return Err(vm.overflow_error("Python int too large to convert to C unsigned long"));
    };
    let signal = c_int(vm, signal)?;
    audit(vm, "signal.pthread_kill", || {
        vec![index.clone(), Value::from_i32(signal)]
    })?;
    // SAFETY: the program vouches for the thread, as in C.
    let error = unsafe { libc::pthread_kill(thread as libc::pthread_t, signal) };
    if error != 0 {
        return Err(raise_errno(vm, error, None));
    }
    vm.safepoint()?;
    Ok(Value::none())
}

fn pidfd_send_signal(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = fileno(vm, &args[0])?;
    let signal = c_int(vm, &args[1])?;
    if args.get(2).is_some_and(|info| !info.is_none()) {
        return Err(vm.type_error("siginfo must be None"));
    }
    let flags = match args.get(3) {
        Some(flags) => c_int(vm, flags)?,
        None => 0,
    };
    #[cfg(target_os = "linux")]
    // SAFETY: a plain call.
    let result = unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, signal, 0usize, flags) };
    #[cfg(not(target_os = "linux"))]
    let result = {
        let _ = (fd, signal, flags);
        -1
    };
    if result < 0 {
        Err(fail(vm))
    } else {
        Ok(Value::none())
    }
}

// ---- timers ----

fn alarm(vm: &mut Vm, _module: &Value, seconds: &Value) -> Py {
    let seconds = c_int(vm, seconds)?;
    // SAFETY: a plain call.
    Ok(Value::int(i64::from(unsafe {
        libc::alarm(seconds as libc::c_uint)
    })))
}

fn pause(vm: &mut Vm, _module: &Value) -> Py {
    // SAFETY: a plain call.
    vm.detached(|| unsafe { libc::pause() });
    vm.safepoint()?;
    Ok(Value::none())
}

/// Seconds rounded up to the timer's microseconds.
fn interval(vm: &mut Vm, value: Option<&Value>) -> Py<libc::timeval> {
    let Some(value) = value else {
        return Ok(libc::timeval {
            tv_sec: 0,
            tv_usec: 0,
        });
    };
    let seconds = vm.to_f64(value)?;
    if !(-9e15..9e15).contains(&seconds) {
        return Err(vm.overflow_error("timestamp out of range for platform time_t"));
    }
    let micros = (seconds * 1e6).ceil() as i64;
    Ok(libc::timeval {
        tv_sec: micros.div_euclid(1_000_000),
        tv_usec: micros.rem_euclid(1_000_000),
    })
}

fn timer_value(timer: &libc::itimerval) -> Value {
    let seconds =
        |time: &libc::timeval| Value::float(time.tv_sec as f64 + time.tv_usec as f64 / 1e6);
    new_tuple([seconds(&timer.it_value), seconds(&timer.it_interval)])
}

fn timer_failed(vm: &mut Vm) -> Raised {
    let error = errno();
    match timer_error_class(vm) {
        Ok(class) => vm.raise_with(
            class.expect::<Type>(),
            &[Value::from_i32(error), new_str(&strerror(error))],
        ),
        Err(raised) => raised,
    }
}

unsafe extern "C" {
    #[link_name = "setitimer"]
    fn c_setitimer(
        which: libc::c_int,
        new: *const libc::itimerval,
        old: *mut libc::itimerval,
    ) -> libc::c_int;
    #[link_name = "getitimer"]
    fn c_getitimer(which: libc::c_int, value: *mut libc::itimerval) -> libc::c_int;
}

fn setitimer(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let which = c_int(vm, &args[0])?;
    let timer = libc::itimerval {
        it_value: interval(vm, args.get(1))?,
        it_interval: interval(vm, args.get(2))?,
    };
    let mut old = MaybeUninit::<libc::itimerval>::zeroed();
    // SAFETY: structures that are ours.
    if unsafe { c_setitimer(which, &timer, old.as_mut_ptr()) } < 0 {
        return Err(timer_failed(vm));
    }
    // SAFETY: filled by the call.
    Ok(timer_value(unsafe { old.assume_init_ref() }))
}

fn getitimer(vm: &mut Vm, _module: &Value, which: &Value) -> Py {
    let which = c_int(vm, which)?;
    let mut timer = MaybeUninit::<libc::itimerval>::zeroed();
    // SAFETY: room for the result.
    if unsafe { c_getitimer(which, timer.as_mut_ptr()) } < 0 {
        return Err(timer_failed(vm));
    }
    // SAFETY: filled by the call.
    Ok(timer_value(unsafe { timer.assume_init_ref() }))
}

// ---- sets of signals ----

fn pthread_sigmask(vm: &mut Vm, _module: &Value, how: &Value, mask: &Value) -> Py {
    let how = c_int(vm, how)?;
    let set = signal_set(vm, mask)?;
    let mut old = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: initialised sets.
    let error = unsafe { libc::pthread_sigmask(how, &set, old.as_mut_ptr()) };
    if error != 0 {
        return Err(raise_errno(vm, error, None));
    }
    // Signals that were let through have arrived by now.
    vm.safepoint()?;
    // SAFETY: filled by the call.
    set_value(vm, unsafe { old.assume_init_ref() })
}

fn sigpending(vm: &mut Vm, _module: &Value) -> Py {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: room for the result.
    if unsafe { libc::sigpending(set.as_mut_ptr()) } < 0 {
        return Err(fail(vm));
    }
    // SAFETY: filled by the call.
    set_value(vm, unsafe { set.assume_init_ref() })
}

fn valid_signals(vm: &mut Vm, _module: &Value) -> Py {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: room for the set.
    unsafe { libc::sigfillset(set.as_mut_ptr()) };
    // SAFETY: filled by the call.
    set_value(vm, unsafe { set.assume_init_ref() })
}

fn sigwait(vm: &mut Vm, _module: &Value, signals: &Value) -> Py {
    let set = signal_set(vm, signals)?;
    let mut signal = 0;
    // SAFETY: an initialised set, and room for the number.
    match vm.detached(|| unsafe { libc::sigwait(&set, &mut signal) }) {
        0 => Ok(Value::from_i32(signal)),
        error => Err(raise_errno(vm, error, None)),
    }
}

fn siginfo_value(info: &libc::siginfo_t) -> Value {
    // SAFETY: the fields are plain numbers of a structure that was zeroed at first.
    let (pid, uid, status) = unsafe { (info.si_pid(), info.si_uid(), info.si_status()) };
    let band = 0;
    let values = vec![
        Value::from_i32(info.si_signo),
        Value::from_i32(info.si_code),
        Value::from_i32(info.si_errno),
        Value::from_i32(pid),
        Value::int(uid.into()),
        Value::from_i32(status),
        Value::int(band),
    ];
    structseq::create(&STRUCT_SIGINFO, 7, values)
}

fn sigwaitinfo(vm: &mut Vm, _module: &Value, signals: &Value) -> Py {
    let set = signal_set(vm, signals)?;
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: an initialised set, and room for the result.
    retry(vm, || unsafe { libc::sigwaitinfo(&set, info.as_mut_ptr()) })?;
    // SAFETY: filled by the call.
    Ok(siginfo_value(unsafe { info.assume_init_ref() }))
}

fn sigtimedwait(vm: &mut Vm, _module: &Value, signals: &Value, timeout: &Value) -> Py {
    let set = signal_set(vm, signals)?;
    let seconds = vm.to_f64(timeout)?;
    if seconds < 0.0 {
        return Err(vm.value_error("timeout must be non-negative"));
    }
    let Ok(wait) = std::time::Duration::try_from_secs_f64(seconds) else {
        return Err(vm.overflow_error("timestamp too large to convert to C PyTime_t"));
    };
    let deadline = std::time::Instant::now() + wait;
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    loop {
        let left = deadline.saturating_duration_since(std::time::Instant::now());
        let left = libc::timespec {
            tv_sec: left.as_secs() as libc::time_t,
            tv_nsec: left.subsec_nanos().into(),
        };
        // SAFETY: an initialised set, and room for the result.
        if vm.detached(|| unsafe { libc::sigtimedwait(&set, info.as_mut_ptr(), &left) }) >= 0 {
            // SAFETY: filled by the call.
            return Ok(siginfo_value(unsafe { info.assume_init_ref() }));
        }
        match errno() {
            libc::EAGAIN => return Ok(Value::none()),
            libc::EINTR => vm.safepoint()?,
            _ => return Err(fail(vm)),
        }
    }
}

fn strsignal(vm: &mut Vm, _module: &Value, signal: &Value) -> Py {
    let signal = number(vm, signal)?;
    // SAFETY: the C library's text, which is copied at once.
    unsafe {
        let text = libc::strsignal(signal);
        if text.is_null() || libc::strncmp(text, c"Unknown signal".as_ptr(), 14) == 0 {
            return Ok(Value::none());
        }
        crate::path::c_text(vm, text)
    }
}
