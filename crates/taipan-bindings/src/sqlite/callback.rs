//! What SQLite's calls into Python share: the interpreter's token, the function behind a user pointer, errors nobody is told of.
//!
//! A user pointer is the word of a Python object. SQLite owns a reference if a destructor was registered with it, else the
//! connection does.

use super::state;
use std::cell::RefCell;
use std::ffi::c_void;
use taipan_core::weakref::{park_pending, unpark_pending};
use taipan_core::{Raised, Value, Vm};

thread_local! {
    /// Objects that SQLite gave up in the middle of a call: destroying them there could run Python code.
    static GRAVES: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// The destructor of user pointers that SQLite owns.
///
/// # Safety
/// The pointer came from [`owned`] and is used up.
pub unsafe extern "C" fn destroy(pointer: *mut c_void) {
    // SAFETY: the caller's promise.
    let value = unsafe { Value::from_bits(pointer as u64) };
    GRAVES.with(|graves| graves.borrow_mut().push(value));
}

/// Destroys what SQLite gave up. To be called after each call that may have done so.
pub fn bury() {
    loop {
        let dead = GRAVES.with(|graves| std::mem::take(&mut *graves.borrow_mut()));
        if dead.is_empty() {
            return;
        }
        drop(dead);
    }
}

/// A user pointer that owns a reference.
pub fn owned(value: &Value) -> *mut c_void {
    value.clone().into_bits() as *mut c_void
}

/// A user pointer to an object that somebody else keeps alive.
pub fn borrowed(value: &Value) -> *mut c_void {
    value.bits() as *mut c_void
}

/// A new reference to the object behind a user pointer.
///
/// # Safety
/// The pointer came from [`owned`] or [`borrowed`], and the object is alive.
pub unsafe fn target(pointer: *mut c_void) -> Value {
    // SAFETY: the caller's promise; the word is not used up, so it is not dropped.
    let value = std::mem::ManuallyDrop::new(unsafe { Value::from_bits(pointer as u64) });
    Value::clone(&value)
}

/// Runs Python code inside a call of SQLite. Without an interpreter on this thread it answers `otherwise`.
pub fn enter<T>(otherwise: T, work: impl FnOnce(&mut Vm) -> T) -> T {
    // SAFETY: calls of SQLite are made without guards, and from places where Python code may run.
    let Some(mut vm) = (unsafe { Vm::current() }) else {
        return otherwise;
    };
    // Statements are also finalised by destructors, which may run while an exception is on its way.
    let pending = park_pending(&mut vm);
    let result = work(&mut vm);
    unpark_pending(&mut vm, pending);
    result
}

/// Drops the error of a callback, or reports it if the program wants to see them.
pub fn report(vm: &mut Vm, raised: Raised, function: &Value) {
    if state(vm).tracebacks.get() {
        vm.unraisable_in(raised, "Exception ignored in sqlite3 callback", function);
    } else {
        drop(vm.take_raised(raised));
    }
}
