//! The watchdog: a native thread that writes tracebacks when a time is over.
//!
//! It first asks the thread that runs Python code to write them itself at its next safepoint. Only if that does not come soon,
//! because the thread waits in the system or in native code, does the watchdog read its frames, which then do not change.

use super::dump;
use super::out::Out;
use crate::locks::Bell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use taipan_core::Vm;

/// What to do, and when.
pub(super) struct Plan {
    pub(super) after: Duration,
    pub(super) repeat: bool,
    pub(super) fd: i32,
    pub(super) exit: bool,
}

struct Watchdog {
    cancelled: Arc<AtomicBool>,
    bell: Arc<Bell>,
    thread: JoinHandle<()>,
    process: u32,
}

static WATCHDOG: Mutex<Option<Watchdog>> = Mutex::new(None);

/// A dump that the thread which runs Python code is asked for.
static ASKED: Mutex<Option<Arc<Asked>>> = Mutex::new(None);

struct Asked {
    fd: i32,
    header: String,
    answered: AtomicBool,
    bell: Bell,
}

/// How long the thread that runs Python code has for an answer.
const GRACE: Duration = Duration::from_millis(50);

/// `Timeout (0:00:00.500000)!`
fn header(after: Duration) -> String {
    let micros = after.as_nanos().div_ceil(1000);
    let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if micros == 0 {
        format!("Timeout ({hours}:{minutes:02}:{seconds:02})!\n")
    } else {
        format!("Timeout ({hours}:{minutes:02}:{seconds:02}.{micros:06})!\n")
    }
}

/// Starts the watchdog, in place of one that runs; false if the system has no room for a thread.
pub(super) fn start(plan: Plan) -> bool {
    cancel();
    let cancelled = Arc::new(AtomicBool::new(false));
    let bell = Arc::new(Bell::default());
    let own = (cancelled.clone(), bell.clone());
    // Signals are for the thread that runs Python code.
    let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
    let mut old = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: sets of ours.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), old.as_mut_ptr());
    }
    let made = std::thread::Builder::new()
        .name("faulthandler".into())
        .spawn(move || watch(&plan, &own.0, &own.1));
    // SAFETY: the set that the first call filled.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, old.as_ptr(), std::ptr::null_mut()) };
    match made {
        Ok(thread) => {
            *WATCHDOG.lock().unwrap_or_else(PoisonError::into_inner) = Some(Watchdog {
                cancelled,
                bell,
                thread,
                process: std::process::id(),
            });
            true
        }
        Err(_) => false,
    }
}

/// Ends the watchdog, if there is one, and waits until it has ended.
pub(super) fn cancel() {
    let watchdog = WATCHDOG
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    // The child of a fork has the object but not the thread.
    let own = |watchdog: &Watchdog| watchdog.process == std::process::id();
    if let Some(watchdog) = watchdog.filter(own) {
        watchdog.cancelled.store(true, SeqCst);
        watchdog.bell.ring();
        // It must not wait for an answer of this thread.
        if let Some(asked) = &*ASKED.lock().unwrap_or_else(PoisonError::into_inner) {
            asked.bell.ring();
        }
        drop(watchdog.thread.join());
    }
}

fn watch(plan: &Plan, cancelled: &AtomicBool, bell: &Bell) {
    let header = header(plan.after);
    loop {
        let deadline = Instant::now().checked_add(plan.after);
        while !cancelled.load(SeqCst) {
            let left = match deadline {
                Some(deadline) => deadline.saturating_duration_since(Instant::now()),
                None => Duration::MAX,
            };
            if left.is_zero() {
                break;
            }
            let seen = bell.count();
            if !cancelled.load(SeqCst) {
                bell.wait_after(seen, left.min(Duration::from_secs(3600)));
            }
        }
        if cancelled.load(SeqCst) {
            return;
        }
        report(plan.fd, &header, cancelled);
        if plan.exit {
            // SAFETY: ends the process, as asked for.
            unsafe { libc::_exit(1) };
        }
        if !plan.repeat {
            return;
        }
    }
}

fn report(fd: i32, header: &str, cancelled: &AtomicBool) {
    let asked = Arc::new(Asked {
        fd,
        header: header.to_owned(),
        answered: AtomicBool::new(false),
        bell: Bell::default(),
    });
    let seen = asked.bell.count();
    *ASKED.lock().unwrap_or_else(PoisonError::into_inner) = Some(asked.clone());
    crate::_signal::wake_main();
    asked.bell.wait_after(seen, GRACE);
    // Whoever takes the request away answers it.
    let mut place = ASKED.lock().unwrap_or_else(PoisonError::into_inner);
    let left = place.take();
    drop(place);
    if left.is_some() && !cancelled.load(SeqCst) {
        write(fd, header);
    } else {
        while !asked.answered.load(SeqCst) && !cancelled.load(SeqCst) {
            asked.bell.wait_after(seen, GRACE);
        }
    }
}

fn write(fd: i32, header: &str) {
    Out::new(fd).text(header);
    dump::threads_unmarked(fd);
}

/// Answers the watchdog, if it has asked. The thread that runs Python code calls this at safepoints.
pub(crate) fn answer(vm: &mut Vm) {
    let asked = ASKED.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(asked) = asked {
        Out::new(asked.fd).text(&asked.header);
        dump::every_thread(vm, asked.fd, false);
        asked.answered.store(true, SeqCst);
        asked.bell.ring();
    }
}
