//! Tracebacks as fault handlers write them, in CPython's form. All of it works in a signal handler, but for what takes a `Vm`: a
//! signal handler knows the main thread only, for the list of the others is behind a lock.

use super::out::Out;
use std::ffi::CStr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering::SeqCst};
use taipan_core::{Thread, Vm};
use taipan_interp::stack_dump;

/// The thread that runs Python code, and the system's name for it: set when the module is made.
static MAIN: AtomicPtr<Thread> = AtomicPtr::new(std::ptr::null_mut());
static MAIN_IDENT: AtomicU64 = AtomicU64::new(0);

/// Notes the main thread.
pub(super) fn note_main(vm: &Vm) {
    MAIN.store(std::ptr::from_ref(vm.thread()).cast_mut(), SeqCst);
    MAIN_IDENT.store(crate::locks::thread_ident(), SeqCst);
}

/// Has the main thread been noted?
pub(super) fn is_ready() -> bool {
    main_thread().is_some()
}

fn main_thread() -> Option<&'static Thread> {
    // SAFETY: thread states are never freed.
    unsafe { MAIN.load(SeqCst).as_ref() }
}

/// The calling thread's state, if it runs Python code.
fn current_thread() -> Option<&'static Thread> {
    if crate::locks::thread_ident() == MAIN_IDENT.load(SeqCst) {
        main_thread()
    } else {
        None
    }
}

/// The innermost calls of a thread.
fn calls(out: &mut Out, thread: &Thread) {
    const MOST: usize = 100;
    let mut shown = 0;
    // SAFETY: it is the calling thread; one that waits (see `later`); or the world is stopped.
    unsafe {
        stack_dump::calls(thread, |call| {
            shown += 1;
            out.text("  File \"");
            out.escaped(call.filename);
            out.text("\", line ");
            if call.line == 0 {
                out.text("???");
            } else {
                out.decimal(call.line.into(), 1);
            }
            out.text(" in ");
            out.escaped(call.name);
            out.text("\n");
            shown < MOST
        });
    }
    if shown == 0 {
        out.text("  <no Python frame>\n");
    }
}

/// The name that the system has for a thread, as far as it is printable.
fn thread_name(out: &mut Out, ident: u64) {
    let mut name = [0u8; 64];
    // SAFETY: room with its length; the identity is that of a live thread.
    let result = unsafe {
        libc::pthread_getname_np(
            ident as libc::pthread_t,
            name.as_mut_ptr().cast(),
            name.len(),
        )
    };
    let Some(name) = CStr::from_bytes_until_nul(&name)
        .ok()
        .filter(|name| result == 0 && !name.is_empty())
    else {
        return;
    };
    out.text(" [");
    for byte in name.to_bytes() {
        out.bytes(&[if (b' '..=b'~').contains(byte) {
            *byte
        } else {
            b'?'
        }]);
    }
    out.text("]");
}

/// The traceback of this thread.
pub(super) fn this_thread(vm: &Vm, fd: i32) {
    let mut out = Out::new(fd);
    out.text("Stack (most recent call first):\n");
    calls(&mut out, vm.thread());
}

/// The tracebacks of all threads, the newest first; this one is marked if that is wanted.
pub(super) fn every_thread(vm: &mut Vm, fd: i32, is_marked: bool) {
    // What threads are at is looked at while they stand still.
    vm.stop_the_world(|vm| every_stopped_thread(vm, fd, is_marked));
}

fn every_stopped_thread(vm: &Vm, fd: i32, is_marked: bool) {
    const MOST: usize = 100;
    let threads = vm.interpreter().threads().clone();
    let mut out = Out::new(fd);
    for (shown, thread) in threads.iter().rev().enumerate() {
        if shown > 0 {
            out.text("\n");
        }
        if shown == MOST {
            out.text("...\n");
            break;
        }
        let is_current = is_marked && std::ptr::eq(*thread, vm.thread());
        with_header(&mut out, thread, thread.ident.get(), is_current);
    }
}

/// The traceback of the calling thread.
pub(super) fn one_thread(fd: i32) {
    let mut out = Out::new(fd);
    out.text("Stack (most recent call first):\n");
    match current_thread() {
        Some(thread) => calls(&mut out, thread),
        None => out.text("  <no Python frame>\n"),
    }
}

/// The traceback of the main thread, which is marked if it is the calling one.
pub(super) fn all_threads(fd: i32) {
    threads(fd, current_thread().is_some());
}

/// The traceback of the main thread, not marked: the watchdog is the one that writes.
pub(super) fn threads_unmarked(fd: i32) {
    threads(fd, false);
}

fn threads(fd: i32, is_current: bool) {
    let Some(thread) = main_thread() else {
        return;
    };
    let ident = MAIN_IDENT.load(SeqCst);
    with_header(&mut Out::new(fd), thread, ident, is_current);
}

fn with_header(out: &mut Out, thread: &Thread, ident: u64, is_current: bool) {
    out.text(if is_current {
        "Current thread 0x"
    } else {
        "Thread 0x"
    });
    out.hex(ident, 16);
    thread_name(out, ident);
    out.text(" (most recent call first):\n");
    if thread.interpreter.gc.is_running() {
        out.text("  Garbage-collecting\n");
    }
    calls(out, thread);
}

// ---- the native stack ----

#[cfg(target_env = "gnu")]
mod native {
    use super::super::out::Out;
    use std::ffi::CStr;

    // SAFETY: declared as the GNU C library defines it.
    unsafe extern "C" {
        fn backtrace(room: *mut *mut libc::c_void, size: libc::c_int) -> libc::c_int;
    }

    /// Calls shown at most.
    const MOST: usize = 32;

    /// The first question loads a library, which must not happen in a signal handler.
    pub(in super::super) fn prepare() {
        let mut room = [std::ptr::null_mut(); 1];
        // SAFETY: room with its length.
        unsafe { backtrace(room.as_mut_ptr(), 1) };
    }

    pub(in super::super) fn stack(fd: i32) {
        let mut out = Out::new(fd);
        out.text("Current thread's C stack trace (most recent call first):\n");
        let mut room = [std::ptr::null_mut(); MOST];
        // SAFETY: room with its length.
        let count = unsafe { backtrace(room.as_mut_ptr(), MOST as libc::c_int) };
        let count = usize::try_from(count).unwrap_or(0).min(MOST);
        for address in &room[..count] {
            row(&mut out, *address as usize);
        }
        if count == MOST {
            out.text("  <truncated rest of calls>\n");
        }
    }

    /// What is known of one address.
    fn row(out: &mut Out, address: usize) {
        let mut info = libc::Dl_info {
            dli_fname: std::ptr::null(),
            dli_fbase: std::ptr::null_mut(),
            dli_sname: std::ptr::null(),
            dli_saddr: std::ptr::null_mut(),
        };
        // SAFETY: a structure of ours.
        let known = unsafe { libc::dladdr(address as *const libc::c_void, &mut info) } != 0;
        if !known || info.dli_fname.is_null() {
            out.text("  <unknown file>");
        } else {
            // SAFETY: names of loaded files and symbols are C strings that stay.
            let (file, symbol) = unsafe {
                let symbol = (!info.dli_sname.is_null()).then(|| CStr::from_ptr(info.dli_sname));
                (CStr::from_ptr(info.dli_fname), symbol)
            };
            out.text("  Binary file \"");
            out.bytes(file.to_bytes());
            out.text("\", at ");
            let start = match symbol {
                Some(symbol) => {
                    out.bytes(symbol.to_bytes());
                    info.dli_saddr as usize
                }
                None => info.dli_fbase as usize,
            };
            out.text(if address >= start { "+0x" } else { "-0x" });
            out.hex(address.abs_diff(start) as u64, 1);
        }
        out.text(" [0x");
        out.hex(address as u64, 1);
        out.text("]\n");
    }
}

#[cfg(not(target_env = "gnu"))]
mod native {
    use super::super::out::Out;

    pub(in super::super) fn prepare() {}

    pub(in super::super) fn stack(fd: i32) {
        let mut out = Out::new(fd);
        out.text("Current thread's C stack trace (most recent call first):\n");
        out.text("  <cannot get C stack on this system>\n");
    }
}

pub(super) use native::{prepare as prepare_native, stack as native_stack};
