//! Handlers of signals that a program chose: each writes a traceback and goes on.

use super::dump;
use super::fatal::set_errno;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};

/// One more than the largest signal number.
pub(super) const COUNT: usize = 65;

/// A registered signal. The handler reads its fields without a lock, so they are set before `enabled`.
struct User {
    enabled: AtomicBool,
    fd: AtomicI32,
    all_threads: AtomicBool,
    chain: AtomicBool,
    /// What handled the signal before.
    previous: UnsafeCell<MaybeUninit<libc::sigaction>>,
}

// SAFETY: `previous` is written by the holder of `REGISTRY` while `enabled` is not set, and read only while it is.
unsafe impl Sync for User {}

static USERS: [User; COUNT] = [const {
    User {
        enabled: AtomicBool::new(false),
        fd: AtomicI32::new(-1),
        all_threads: AtomicBool::new(true),
        chain: AtomicBool::new(false),
        previous: UnsafeCell::new(MaybeUninit::zeroed()),
    }
}; COUNT];

/// Held while a signal is registered or unregistered, never by a handler.
static REGISTRY: Mutex<()> = Mutex::new(());

/// What to do when a signal comes.
pub(super) struct Wish {
    pub(super) fd: i32,
    pub(super) all_threads: bool,
    pub(super) chain: bool,
}

/// Runs `work` while the signal waits.
fn blocked<T>(signal: i32, work: impl FnOnce() -> T) -> T {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    let mut old = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: sets of ours.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), old.as_mut_ptr());
    }
    let result = work();
    // SAFETY: the set that the first call filled.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, old.as_ptr(), std::ptr::null_mut()) };
    result
}

/// Installs our handler; gives the one before, or the error number.
fn install(signal: i32, chain: bool) -> Result<libc::sigaction, i32> {
    let mut previous = MaybeUninit::<libc::sigaction>::zeroed();
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a zeroed structure with the handler set is a valid one; room for the former one.
    unsafe {
        let action = &mut *action.as_mut_ptr();
        action.sa_sigaction = on_signal as extern "C" fn(i32) as libc::sighandler_t;
        action.sa_flags = libc::SA_RESTART | libc::SA_ONSTACK;
        if chain {
            // The signal is raised again in the handler.
            action.sa_flags |= libc::SA_NODEFER;
        }
        libc::sigemptyset(&mut action.sa_mask);
        if libc::sigaction(signal, action, previous.as_mut_ptr()) < 0 {
            return Err(crate::path::errno());
        }
        Ok(previous.assume_init())
    }
}

/// Registers a signal below [`COUNT`]; the error number if the system refuses.
pub(super) fn register(signal: i32, wish: &Wish) -> Result<(), i32> {
    super::alternate_stack();
    let Some(user) = USERS.get(signal as usize) else {
        return Err(libc::EINVAL);
    };
    blocked(signal, || {
        let _held = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        if !user.enabled.load(SeqCst) {
            let previous = install(signal, wish.chain)?;
            // SAFETY: the registry is held, and the signal is not enabled.
            unsafe { (*user.previous.get()).write(previous) };
        }
        user.fd.store(wish.fd, SeqCst);
        user.all_threads.store(wish.all_threads, SeqCst);
        user.chain.store(wish.chain, SeqCst);
        user.enabled.store(true, SeqCst);
        Ok(())
    })
}

/// Puts the former handler back; was the signal registered?
pub(super) fn unregister(signal: i32) -> bool {
    let Some(user) = USERS.get(signal as usize) else {
        return false;
    };
    blocked(signal, || {
        let _held = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
        if !user.enabled.swap(false, SeqCst) {
            return false;
        }
        // SAFETY: filled when the signal was registered.
        unsafe {
            libc::sigaction(
                signal,
                (*user.previous.get()).as_ptr(),
                std::ptr::null_mut(),
            );
        }
        true
    })
}

/// Puts all former handlers back.
pub(super) fn unregister_all() {
    for (signal, user) in USERS.iter().enumerate() {
        if user.enabled.load(SeqCst) {
            unregister(signal as i32);
        }
    }
}

extern "C" fn on_signal(signal: i32) {
    let Some(user) = USERS.get(signal as usize) else {
        return;
    };
    if !user.enabled.load(SeqCst) {
        return;
    }
    let saved = crate::path::errno();
    let fd = user.fd.load(SeqCst);
    if user.all_threads.load(SeqCst) {
        dump::all_threads(fd);
    } else {
        dump::one_thread(fd);
    }
    if user.chain.load(SeqCst) {
        // SAFETY: filled when the signal was registered.
        unsafe {
            libc::sigaction(
                signal,
                (*user.previous.get()).as_ptr(),
                std::ptr::null_mut(),
            );
            set_errno(saved);
            libc::raise(signal);
        }
        let again = install(signal, true);
        debug_assert!(again.is_ok());
    }
    set_errno(saved);
}
