//! Handlers of the signals that end a process: they write what happened and where, then let the signal do its work.

use super::dump;
use super::out::Out;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};

/// A fatal signal and what handled it before.
struct Fatal {
    signal: i32,
    text: &'static str,
    enabled: AtomicBool,
    previous: UnsafeCell<MaybeUninit<libc::sigaction>>,
}

// SAFETY: `previous` is written before `enabled` is set and only read afterwards.
unsafe impl Sync for Fatal {}

const fn fatal(signal: i32, text: &'static str) -> Fatal {
    Fatal {
        signal,
        text,
        enabled: AtomicBool::new(false),
        previous: UnsafeCell::new(MaybeUninit::zeroed()),
    }
}

static FATAL: [Fatal; 5] = [
    fatal(libc::SIGBUS, "Bus error"),
    fatal(libc::SIGILL, "Illegal instruction"),
    fatal(libc::SIGFPE, "Floating-point exception"),
    fatal(libc::SIGABRT, "Aborted"),
    // The last one, so that a fault while handlers are taken away still has one.
    fatal(libc::SIGSEGV, "Segmentation fault"),
];

static ENABLED: AtomicBool = AtomicBool::new(false);
static DESCRIPTOR: AtomicI32 = AtomicI32::new(2);
static ALL_THREADS: AtomicBool = AtomicBool::new(true);
static NATIVE_STACK: AtomicBool = AtomicBool::new(true);

/// Is it a signal that `enable` handles?
pub(super) fn is_fatal(signal: i32) -> bool {
    FATAL.iter().any(|fatal| fatal.signal == signal)
}

pub(super) fn is_enabled() -> bool {
    ENABLED.load(SeqCst)
}

/// Where and how to report.
pub(super) struct Report {
    pub(super) fd: i32,
    pub(super) all_threads: bool,
    pub(super) native_stack: bool,
}

/// Installs the handlers; the error number if the system refuses.
pub(super) fn enable(report: &Report) -> Result<(), i32> {
    dump::prepare_native();
    DESCRIPTOR.store(report.fd, SeqCst);
    ALL_THREADS.store(report.all_threads, SeqCst);
    NATIVE_STACK.store(report.native_stack, SeqCst);
    if ENABLED.swap(true, SeqCst) {
        return Ok(());
    }
    super::alternate_stack();
    for fatal in &FATAL {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: a zeroed structure with the handler set is a valid one; `previous` is not yet read by anybody.
        let result = unsafe {
            let action = &mut *action.as_mut_ptr();
            action.sa_sigaction = on_fault as extern "C" fn(i32) as libc::sighandler_t;
            // The signal is raised again in the handler.
            action.sa_flags = libc::SA_NODEFER | libc::SA_ONSTACK;
            libc::sigemptyset(&mut action.sa_mask);
            libc::sigaction(fatal.signal, action, (*fatal.previous.get()).as_mut_ptr())
        };
        if result < 0 {
            return Err(crate::path::errno());
        }
        fatal.enabled.store(true, SeqCst);
    }
    Ok(())
}

/// Puts the former handlers back; were ours installed?
pub(super) fn disable() -> bool {
    let was_enabled = ENABLED.swap(false, SeqCst);
    if was_enabled {
        FATAL.iter().for_each(restore);
    }
    was_enabled
}

fn restore(fatal: &Fatal) {
    if fatal.enabled.swap(false, SeqCst) {
        // SAFETY: filled when the handler was installed.
        unsafe {
            libc::sigaction(
                fatal.signal,
                (*fatal.previous.get()).as_ptr(),
                std::ptr::null_mut(),
            );
        }
    }
}

/// Is a former handler one that a program or the system chose? Rust's start-up has one of its own, which returns.
fn ends_or_is_python(fatal: &Fatal) -> bool {
    // SAFETY: filled when the handler was installed.
    let handler = unsafe { (*(*fatal.previous.get()).as_ptr()).sa_sigaction };
    handler == libc::SIG_DFL
        || handler == libc::SIG_IGN
        || crate::_signal::is_python_handler(handler)
}

extern "C" fn on_fault(signal: i32) {
    let saved = crate::path::errno();
    let Some(fatal) = FATAL.iter().find(|fatal| fatal.signal == signal) else {
        return;
    };
    // A fault while this one is reported ends the process.
    restore(fatal);
    let fd = DESCRIPTOR.load(SeqCst);
    {
        let mut out = Out::new(fd);
        out.text("Fatal Python error: ");
        out.text(fatal.text);
        out.text("\n\n");
    }
    if ALL_THREADS.load(SeqCst) {
        dump::all_threads(fd);
    } else {
        dump::one_thread(fd);
    }
    if NATIVE_STACK.load(SeqCst) {
        Out::new(fd).text("\n");
        dump::native_stack(fd);
    }
    set_errno(saved);
    // SAFETY: plain calls.
    unsafe {
        if !ends_or_is_python(fatal) {
            libc::signal(signal, libc::SIG_DFL);
        }
        libc::raise(signal);
    }
}

/// Sets the error number back to what the interrupted code will look at.
pub(super) fn set_errno(error: i32) {
    #[cfg(target_os = "linux")]
    // SAFETY: the place of this thread's error number.
    unsafe {
        *libc::__errno_location() = error;
    }
    #[cfg(not(target_os = "linux"))]
    let _ = error;
}
