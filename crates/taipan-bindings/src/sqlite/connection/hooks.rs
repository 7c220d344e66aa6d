//! Functions of the program that SQLite calls while it works: authorizer, progress handler, trace callback.
//!
//! The connection owns them. Each call takes its own reference first, as the function may be replaced while it runs.

use super::functions::bind_positional;
use super::{checked, own};
use crate::sqlite::callback::{borrowed, enter, report, target};
use crate::sqlite::error::{self, Kind, raise_last};
use crate::sqlite::handle::{Database, text};
use crate::support::{c_int, lossy};
use libsqlite3_sys as sql;
use std::ffi::{CStr, c_char, c_int as int, c_uint, c_void};
use std::ptr::null_mut;
use taipan_core::str_object::new_str;
use taipan_core::{Args, MethodDef, Py, Value, Vm};
use taipan_stdlib::support::signature;

static AUTHORIZER: MethodDef = signature("set_authorizer(self, /, authorizer_callback)");
static PROGRESS: MethodDef = signature("set_progress_handler(self, /, progress_handler, n)");
static TRACE: MethodDef = signature("set_trace_callback(self, /, trace_callback)");

/// Takes all hooks away, so that the functions can be given up.
pub fn remove_all(database: &Database) {
    // SAFETY: the database is open.
    unsafe {
        sql::sqlite3_set_authorizer(database.ptr(), None, null_mut());
        sql::sqlite3_progress_handler(database.ptr(), 0, None, null_mut());
        sql::sqlite3_trace_v2(
            database.ptr(),
            sql::SQLITE_TRACE_STMT as c_uint,
            None,
            null_mut(),
        );
    }
}

pub fn set_authorizer(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = bind_positional(vm, &AUTHORIZER, args, &["authorizer_callback"])?;
    let database = checked(vm, this)?;
    let function = args.get_not_none(0).cloned();
    // SAFETY: the connection keeps the function until it is replaced here or the database is closed.
    let rc = unsafe {
        match &function {
            Some(function) => {
                sql::sqlite3_set_authorizer(database.ptr(), Some(authorize), borrowed(function))
            }
            None => sql::sqlite3_set_authorizer(database.ptr(), None, null_mut()),
        }
    };
    if rc != sql::SQLITE_OK {
        remove_all(&database);
        return Err(raise_last(vm, &database));
    }
    let old = std::mem::replace(&mut own(this).lock(vm).authorizer, function);
    drop(old);
    Ok(Value::none())
}

unsafe extern "C" fn authorize(
    pointer: *mut c_void,
    action: int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    inner: *const c_char,
) -> int {
    enter(sql::SQLITE_DENY, |vm| {
        // SAFETY: the connection keeps the function; the texts are null or end with a null.
        let (function, texts) = unsafe {
            let texts = [first, second, database, inner].map(|pointer| {
                (!pointer.is_null()).then(|| CStr::from_ptr(pointer).to_bytes().to_vec())
            });
            (target(pointer), texts)
        };
        let mut arguments = vec![Value::int(action.into())];
        for text in texts {
            arguments.push(match text {
                Some(text) => lossy(&text),
                None => Value::none(),
            });
        }
        let answer = vm.call(&function, &arguments);
        // An answer that is no int denies; only an int too large is an error.
        match answer.and_then(|answer| {
            if answer.is_int() {
                c_int(vm, &answer)
            } else {
                Ok(sql::SQLITE_DENY)
            }
        }) {
            Ok(answer) => answer,
            Err(raised) => {
                report(vm, raised, &function);
                sql::SQLITE_DENY
            }
        }
    })
}

pub fn set_progress_handler(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = bind_positional(vm, &PROGRESS, args, &["progress_handler"])?;
    let every = c_int(vm, args.req(1))?;
    let database = checked(vm, this)?;
    let function = args.get_not_none(0).cloned();
    // SAFETY: as in `set_authorizer`.
    unsafe {
        match &function {
            Some(function) => sql::sqlite3_progress_handler(
                database.ptr(),
                every,
                Some(progress),
                borrowed(function),
            ),
            None => sql::sqlite3_progress_handler(database.ptr(), 0, None, null_mut()),
        }
    }
    let old = std::mem::replace(&mut own(this).lock(vm).progress, function);
    drop(old);
    Ok(Value::none())
}

unsafe extern "C" fn progress(pointer: *mut c_void) -> int {
    enter(1, |vm| {
        // SAFETY: the connection keeps the function.
        let function = unsafe { target(pointer) };
        match vm.call(&function, &[]).and_then(|stop| vm.truth(&stop)) {
            Ok(stop) => stop.into(),
            Err(raised) => {
                report(vm, raised, &function);
                1
            }
        }
    })
}

pub fn set_trace_callback(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = bind_positional(vm, &TRACE, args, &["trace_callback"])?;
    let database = checked(vm, this)?;
    let function = args.get_not_none(0).cloned();
    let events = sql::SQLITE_TRACE_STMT as c_uint;
    // SAFETY: as in `set_authorizer`.
    unsafe {
        match &function {
            Some(function) => {
                sql::sqlite3_trace_v2(database.ptr(), events, Some(trace), borrowed(function))
            }
            None => sql::sqlite3_trace_v2(database.ptr(), events, None, null_mut()),
        };
    }
    let old = std::mem::replace(&mut own(this).lock(vm).trace, function);
    drop(old);
    Ok(Value::none())
}

unsafe extern "C" fn trace(
    event: c_uint,
    pointer: *mut c_void,
    statement: *mut c_void,
    _text: *mut c_void,
) -> int {
    if event != sql::SQLITE_TRACE_STMT as c_uint {
        return 0;
    }
    enter(0, |vm| {
        // SAFETY: the connection keeps the function; the statement is the one that starts.
        let (function, expanded, plain) = unsafe {
            let statement = statement.cast::<sql::sqlite3_stmt>();
            let expanded = sql::sqlite3_expanded_sql(statement);
            let copy = (!expanded.is_null()).then(|| text(expanded));
            sql::sqlite3_free(expanded.cast());
            (target(pointer), copy, text(sql::sqlite3_sql(statement)))
        };
        let shown = match expanded {
            Some(expanded) => expanded,
            None => {
                // Its text with all values is longer than the limit.
                let message = "Expanded SQL string exceeds the maximum string length";
                let raised = error::raise(vm, Kind::Data, message);
                report(vm, raised, &function);
                plain
            }
        };
        if let Err(raised) = vm.call(&function, &[new_str(&shown)]) {
            report(vm, raised, &function);
        }
        0
    })
}
