//! Functions, aggregates, window functions and collations of SQL that are written in Python.

use super::checked;
use crate::sqlite::bind::{arguments, set_result};
use crate::sqlite::callback::{self, destroy, enter, owned, report, target};
use crate::sqlite::error::{operational, programming, raise_last, raise_result};
use crate::sqlite::handle::Database;
use crate::support::{c_argument, c_int};
use libsqlite3_sys as sql;
use std::ffi::{CStr, CString, c_int as int, c_void};
use taipan_core::bind::bind;
use taipan_core::builtin_types::{
    ATTRIBUTE_ERROR, DEPRECATION_WARNING, MEMORY_ERROR, OVERFLOW_ERROR,
};
use taipan_core::{Args, Bound, MethodDef, Py, Raised, Value, Vm};
use taipan_stdlib::support::signature;

// ---- registration ----

static FUNCTION: MethodDef =
    signature("create_function(self, /, name, narg, func, *, deterministic=False)");
static AGGREGATE: MethodDef = signature("create_aggregate(self, /, name, n_arg, aggregate_class)");

/// Binds arguments, with a warning if one of those that will be positional-only is given by name.
pub fn bind_positional(
    vm: &mut Vm,
    def: &'static MethodDef,
    args: Args<'_>,
    names: &[&str],
) -> Py<Bound> {
    if args.has_keywords() && args.pos().len() < names.len() {
        let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
        let list = match quoted.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => quoted.concat(),
        };
        let plural = if names.len() == 1 { "" } else { "s" };
        let function = def.name();
        let message = format!(
            "Passing keyword argument{plural} {list} to _sqlite3.Connection.{function}() is deprecated. \
             Parameter{plural} {list} will become positional-only in Python 3.15."
        );
        vm.warn(&DEPRECATION_WARNING, &message, 1)?;
    }
    bind(vm, def, args)
}

/// Refuses numbers of arguments that functions cannot have; -1 is any number.
fn check_count(vm: &mut Vm, database: &Database, parameter: &str, count: i32) -> Py<()> {
    let most = database.limit(sql::SQLITE_LIMIT_FUNCTION_ARG, -1);
    if (-1..=most).contains(&count) {
        return Ok(());
    }
    let message = format!("'{parameter}' must be between -1 and {most}, not {count}");
    Err(programming(vm, message))
}

/// Called with the values of a row, and at the end of an aggregate.
type Row = unsafe extern "C" fn(*mut sql::sqlite3_context, int, *mut *mut sql::sqlite3_value);
type End = unsafe extern "C" fn(*mut sql::sqlite3_context);

/// Registers a function or an aggregate, or removes it if `target` is `None`.
fn register(
    database: &Database,
    title: &CStr,
    (count, flags): (i32, i32),
    target: &Value,
    (function, step, end): (Option<Row>, Option<Row>, Option<End>),
) -> i32 {
    let (database, title) = (database.ptr(), title.as_ptr());
    // SAFETY: the database is open and the title ends with a null; the user pointer owns a reference, which `destroy` takes,
    // also if this fails.
    unsafe {
        if target.is_none() {
            let none = std::ptr::null_mut();
            sql::sqlite3_create_function_v2(
                database, title, count, flags, none, None, None, None, None,
            )
        } else {
            sql::sqlite3_create_function_v2(
                database,
                title,
                count,
                flags,
                owned(target),
                function,
                step,
                end,
                Some(destroy),
            )
        }
    }
}

pub fn create_function(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = bind_positional(vm, &FUNCTION, args, &["name", "narg", "func"])?;
    let title = c_argument(vm, "create_function() argument 'name'", args.req(0))?;
    let count = c_int(vm, args.req(1))?;
    let mut flags = sql::SQLITE_UTF8;
    if let Some(flag) = args.get(3)
        && vm.truth(flag)?
    {
        flags |= sql::SQLITE_DETERMINISTIC;
    }
    let database = checked(vm, this)?;
    check_count(vm, &database, "narg", count)?;
    let hooks = (Some(call_function as Row), None, None);
    let rc = register(&database, &title, (count, flags), args.req(2), hooks);
    callback::bury();
    if rc == sql::SQLITE_OK {
        Ok(Value::none())
    } else {
        Err(operational(vm, "Error creating function"))
    }
}

pub fn create_aggregate(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = bind_positional(vm, &AGGREGATE, args, &["name", "n_arg", "aggregate_class"])?;
    let title = c_argument(vm, "create_aggregate() argument 'name'", args.req(0))?;
    let count = c_int(vm, args.req(1))?;
    let database = checked(vm, this)?;
    check_count(vm, &database, "n_arg", count)?;
    let hooks = (None, Some(call_step as Row), Some(call_final as End));
    let rc = register(
        &database,
        &title,
        (count, sql::SQLITE_UTF8),
        args.req(2),
        hooks,
    );
    callback::bury();
    if rc == sql::SQLITE_OK {
        Ok(Value::none())
    } else {
        Err(operational(vm, "Error creating aggregate"))
    }
}

pub fn create_window_function(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let title = c_argument(vm, "create_window_function() argument 1", &args[0])?;
    let count = c_int(vm, &args[1])?;
    let database = checked(vm, this)?;
    check_count(vm, &database, "num_params", count)?;
    let class = &args[2];
    // SAFETY: as in `register`.
    let rc = unsafe {
        if class.is_none() {
            sql::sqlite3_create_window_function(
                database.ptr(),
                title.as_ptr(),
                count,
                sql::SQLITE_UTF8,
                std::ptr::null_mut(),
                None,
                None,
                None,
                None,
                None,
            )
        } else {
            sql::sqlite3_create_window_function(
                database.ptr(),
                title.as_ptr(),
                count,
                sql::SQLITE_UTF8,
                owned(class),
                Some(call_step),
                Some(call_final),
                Some(call_value),
                Some(call_inverse),
                Some(destroy),
            )
        }
    };
    callback::bury();
    if rc == sql::SQLITE_OK {
        Ok(Value::none())
    } else {
        Err(raise_result(vm, rc))
    }
}

pub fn create_collation(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let title = c_argument(vm, "create_collation() argument 1", &args[0])?;
    let database = checked(vm, this)?;
    let function = &args[1];
    if !function.is_none() && !vm.is_callable(function) {
        return Err(vm.type_error("parameter must be callable"));
    }
    let (pointer, compare): (_, Option<unsafe extern "C" fn(_, _, _, _, _) -> int>) =
        if function.is_none() {
            (std::ptr::null_mut(), None)
        } else {
            (owned(function), Some(call_collation))
        };
    let give_up: Option<unsafe extern "C" fn(*mut c_void)> = compare.is_some().then_some(destroy);
    // SAFETY: as in `register`.
    let rc = unsafe {
        sql::sqlite3_create_collation_v2(
            database.ptr(),
            title.as_ptr(),
            sql::SQLITE_UTF8,
            pointer,
            compare,
            give_up,
        )
    };
    if rc != sql::SQLITE_OK && !pointer.is_null() {
        // Unlike for functions, the library does not give up the pointer itself if it fails.
        // SAFETY: made above, and not taken over.
        unsafe { destroy(pointer) };
    }
    callback::bury();
    if rc == sql::SQLITE_OK {
        Ok(Value::none())
    } else {
        Err(raise_last(vm, &database))
    }
}

// ---- calls from SQLite ----

/// Tells SQLite of an error in Python code.
///
/// # Safety
/// The context is that of the running call.
unsafe fn fail(
    vm: &mut Vm,
    context: *mut sql::sqlite3_context,
    raised: Raised,
    function: &Value,
    message: &str,
) {
    // SAFETY: the caller's promise; the library copies the message.
    unsafe {
        if vm.pending_is(&MEMORY_ERROR) {
            sql::sqlite3_result_error_nomem(context);
        } else if vm.pending_is(&OVERFLOW_ERROR) {
            sql::sqlite3_result_error_toobig(context);
        } else {
            let message = CString::new(message).unwrap_or_default();
            sql::sqlite3_result_error(context, message.as_ptr(), -1);
        }
    }
    report(vm, raised, function);
}

/// Reports a call that failed before the interpreter was reached.
///
/// # Safety
/// The context is that of the running call.
unsafe fn no_interpreter(context: *mut sql::sqlite3_context) {
    const MESSAGE: &CStr = c"no Python interpreter on this thread";
    // SAFETY: the caller's promise.
    unsafe { sql::sqlite3_result_error(context, MESSAGE.as_ptr(), -1) };
}

unsafe extern "C" fn call_function(
    context: *mut sql::sqlite3_context,
    count: int,
    values: *mut *mut sql::sqlite3_value,
) {
    let reached = enter(false, |vm| {
        // SAFETY: SQLite keeps the function while it calls it, and the values.
        let (function, values) = unsafe {
            let function = target(sql::sqlite3_user_data(context));
            (function, arguments(vm, count, values))
        };
        let result = values.and_then(|values| vm.call(&function, &values));
        // SAFETY: the context is that of this call.
        let set = result.and_then(|result| unsafe { set_result(vm, context, &result) });
        if let Err(raised) = set {
            let message = "user-defined function raised exception";
            // SAFETY: as above.
            unsafe { fail(vm, context, raised, &function, message) };
        }
        true
    });
    if !reached {
        // SAFETY: as above.
        unsafe { no_interpreter(context) };
    }
}

/// The place where SQLite keeps the instance of an aggregate, as the word of a value; 0 before there is one.
///
/// # Safety
/// The context is that of the running call of an aggregate.
unsafe fn place<'a>(context: *mut sql::sqlite3_context, make: bool) -> Option<&'a mut u64> {
    let size = if make { size_of::<u64>() as int } else { 0 };
    // SAFETY: the caller's promise; the memory starts as zeros and is aligned for 8 bytes.
    unsafe {
        sql::sqlite3_aggregate_context(context, size)
            .cast::<u64>()
            .as_mut()
    }
}

fn method_failed(method: &str) -> String {
    format!("user-defined aggregate's '{method}' method raised error")
}

fn method_missing(method: &str) -> String {
    format!("user-defined aggregate's '{method}' method not defined")
}

unsafe extern "C" fn call_step(
    context: *mut sql::sqlite3_context,
    count: int,
    values: *mut *mut sql::sqlite3_value,
) {
    // SAFETY: the arguments are those of this call.
    let reached = enter(false, |vm| unsafe {
        step(vm, context, "step", count, values);
        true
    });
    if !reached {
        // SAFETY: as above.
        unsafe { no_interpreter(context) };
    }
}

unsafe extern "C" fn call_inverse(
    context: *mut sql::sqlite3_context,
    count: int,
    values: *mut *mut sql::sqlite3_value,
) {
    // SAFETY: the arguments are those of this call.
    let reached = enter(false, |vm| unsafe {
        step(vm, context, "inverse", count, values);
        true
    });
    if !reached {
        // SAFETY: as above.
        unsafe { no_interpreter(context) };
    }
}

/// Calls a method of the aggregate with the values of a row; makes the instance for the first row.
///
/// # Safety
/// The arguments are those of the running call.
unsafe fn step(
    vm: &mut Vm,
    context: *mut sql::sqlite3_context,
    method: &str,
    count: int,
    values: *mut *mut sql::sqlite3_value,
) {
    // SAFETY: the caller's promise, here and below.
    let (class, place) = unsafe {
        (
            target(sql::sqlite3_user_data(context)),
            place(context, true),
        )
    };
    let Some(place) = place else {
        // SAFETY: as above.
        unsafe { sql::sqlite3_result_error_nomem(context) };
        return;
    };
    if *place == 0 {
        match vm.call(&class, &[]) {
            Ok(instance) => *place = instance.into_bits(),
            Err(raised) => {
                let message = method_failed("__init__");
                // SAFETY: as above.
                unsafe { fail(vm, context, raised, &class, &message) };
                return;
            }
        }
    }
    // SAFETY: the place holds the word of an instance until the aggregate ends.
    let instance = unsafe { target(*place as *mut c_void) };
    let function = match vm.get_attr_str(&instance, method) {
        Ok(function) => function,
        Err(raised) => {
            let message = method_missing(method);
            // SAFETY: as above.
            unsafe { fail(vm, context, raised, &class, &message) };
            return;
        }
    };
    // SAFETY: as above.
    let values = unsafe { arguments(vm, count, values) };
    if let Err(raised) = values.and_then(|values| vm.call(&function, &values)) {
        // SAFETY: as above.
        unsafe { fail(vm, context, raised, &class, &method_failed(method)) };
    }
}

/// Calls a method of the aggregate that gives a result.
///
/// # Safety
/// The context is that of the running call.
unsafe fn conclude(
    vm: &mut Vm,
    context: *mut sql::sqlite3_context,
    instance: &Value,
    method: &str,
) {
    // SAFETY: the caller's promise, here and below.
    let class = unsafe { target(sql::sqlite3_user_data(context)) };
    let method_name = taipan_core::str_object::name(method);
    let result = vm.call_method(instance, &method_name, &[]);
    let missing = result.is_err() && vm.pending_is(&ATTRIBUTE_ERROR);
    // SAFETY: as above.
    let set = result.and_then(|result| unsafe { set_result(vm, context, &result) });
    if let Err(raised) = set {
        let message = if missing {
            method_missing(method)
        } else {
            method_failed(method)
        };
        // SAFETY: as above.
        unsafe { fail(vm, context, raised, &class, &message) };
    }
}

unsafe extern "C" fn call_final(context: *mut sql::sqlite3_context) {
    enter((), |vm| {
        // SAFETY: the context is that of this call; without a row there is no instance.
        let Some(place) = (unsafe { place(context, false) }) else {
            return;
        };
        let bits = std::mem::take(place);
        if bits == 0 {
            return;
        }
        // SAFETY: put there by `step`, and taken out.
        let instance = unsafe { Value::from_bits(bits) };
        // SAFETY: as above.
        unsafe { conclude(vm, context, &instance, "finalize") };
    });
}

unsafe extern "C" fn call_value(context: *mut sql::sqlite3_context) {
    enter((), |vm| {
        // SAFETY: as in `call_final`.
        let Some(place) = (unsafe { place(context, false) }) else {
            return;
        };
        if *place == 0 {
            return;
        }
        // SAFETY: the place keeps its reference.
        let instance = unsafe { target(*place as *mut c_void) };
        // SAFETY: as above.
        unsafe { conclude(vm, context, &instance, "value") };
    });
}

unsafe extern "C" fn call_collation(
    pointer: *mut c_void,
    first_length: int,
    first: *const c_void,
    second_length: int,
    second: *const c_void,
) -> int {
    enter(0, |vm| {
        // SAFETY: SQLite keeps the function and the texts while it calls.
        let (function, texts) = unsafe {
            let texts = [(first, first_length), (second, second_length)].map(|(text, length)| {
                crate::sqlite::handle::copy_bytes(text, length).unwrap_or_default()
            });
            (target(pointer), texts)
        };
        match compare(vm, &function, &texts) {
            Ok(order) => order,
            Err(raised) => {
                report(vm, raised, &function);
                0
            }
        }
    })
}

fn compare(vm: &mut Vm, function: &Value, texts: &[Vec<u8>; 2]) -> Py<int> {
    let first = taipan_types::codec::decode(vm, &texts[0], Some("utf-8"), None)?;
    let second = taipan_types::codec::decode(vm, &texts[1], Some("utf-8"), None)?;
    let order = vm.call(function, &[first, second])?;
    let order = vm.index(&order)?;
    Ok(match order.as_i64() {
        Some(order) => order.signum() as int,
        None if vm.compare_bool(&order, &Value::int(0), taipan_core::CompareOp::Lt)? => -1,
        None => 1,
    })
}
