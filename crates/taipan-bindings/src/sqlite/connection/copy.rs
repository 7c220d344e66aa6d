//! Whole databases: backup into another connection, bytes of a database file, and loading of extensions.

use super::checked;
use crate::sqlite::error::{operational, raise_last, raise_result};
use crate::sqlite::handle::{Database, text};
use crate::sqlite::{CONNECTION, callback};
use crate::support::{c_argument, c_int};
use libsqlite3_sys as sql;
use std::ffi::{CStr, c_uint};
use std::ptr::null_mut;
use taipan_core::{Bound, Py, Value, Vm};
use taipan_types::arguments::type_name;
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;

/// A backup under way; ended when dropped. It keeps both databases open.
struct Backup<'a> {
    handle: *mut sql::sqlite3_backup,
    _databases: [&'a Database; 2],
}

impl Backup<'_> {
    fn step(&self, pages: i32) -> i32 {
        // SAFETY: under way until dropped.
        unsafe { sql::sqlite3_backup_step(self.handle, pages) }
    }

    /// Pages left and in all.
    fn progress(&self) -> (i32, i32) {
        // SAFETY: as above.
        unsafe {
            (
                sql::sqlite3_backup_remaining(self.handle),
                sql::sqlite3_backup_pagecount(self.handle),
            )
        }
    }

    fn finish(self) -> i32 {
        let backup = std::mem::ManuallyDrop::new(self);
        // SAFETY: ended here, and `Drop` does not run.
        unsafe { sql::sqlite3_backup_finish(backup.handle) }
    }
}

impl Drop for Backup<'_> {
    fn drop(&mut self) {
        // SAFETY: ended here, once.
        unsafe { sql::sqlite3_backup_finish(self.handle) };
    }
}

pub fn backup(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let goal = args.req(0);
    if !goal.is_instance(&CONNECTION) {
        let got = type_name(goal);
        let message = format!("backup() argument 'target' must be sqlite3.Connection, not {got}");
        return Err(vm.type_error(message));
    }
    let pages = match args.get(1) {
        Some(pages) => c_int(vm, pages)?,
        None => -1,
    };
    let schema = match args.get(3) {
        Some(schema) => c_argument(vm, "backup() argument 'name'", schema)?,
        None => c"main".into(),
    };
    let pause = match args.get(4) {
        Some(pause) => vm.to_f64(pause)?,
        None => 0.25,
    };
    let source = checked(vm, this)?;
    if goal.is(this) {
        return Err(vm.value_error("target cannot be the same connection instance"));
    }
    let goal = checked(vm, goal)?;
    let progress = args.get_not_none(2);
    if progress.is_some_and(|progress| !vm.is_callable(progress)) {
        return Err(vm.type_error("progress argument must be a callable"));
    }
    // SAFETY: both databases are open.
    let handle = unsafe {
        sql::sqlite3_backup_init(goal.ptr(), c"main".as_ptr(), source.ptr(), schema.as_ptr())
    };
    if handle.is_null() {
        return Err(raise_last(vm, &goal));
    }
    let backup = Backup {
        handle,
        _databases: [&source, &goal],
    };
    // Zero pages would never come to an end.
    let pages = if pages == 0 { -1 } else { pages };
    loop {
        let rc = backup.step(pages);
        if let Some(progress) = progress {
            let (remaining, total) = backup.progress();
            let numbers = [rc, remaining, total].map(|number| Value::int(number.into()));
            vm.call(progress, &numbers)?;
        }
        match rc {
            sql::SQLITE_OK => {}
            sql::SQLITE_BUSY | sql::SQLITE_LOCKED => {
                let milliseconds = (pause * 1000.0).clamp(0.0, f64::from(i32::MAX)) as i32;
                // SAFETY: needs nothing.
                unsafe { sql::sqlite3_sleep(milliseconds) };
            }
            _ => break,
        }
        vm.safepoint()?;
    }
    let rc = backup.finish();
    callback::bury();
    if rc == sql::SQLITE_OK {
        return Ok(Value::none());
    }
    Err(match goal.error_code() {
        sql::SQLITE_OK => raise_result(vm, rc),
        _ => raise_last(vm, &goal),
    })
}

fn schema_argument(vm: &mut Vm, function: &str, value: Option<&Value>) -> Py<std::ffi::CString> {
    match value {
        Some(value) => c_argument(vm, &format!("{function}() argument 'name'"), value),
        None => Ok(c"main".into()),
    }
}

/// Memory that the library allocated.
struct Allocated(*mut u8);

impl Drop for Allocated {
    fn drop(&mut self) {
        // SAFETY: allocated by the library, and freed once.
        unsafe { sql::sqlite3_free(self.0.cast()) };
    }
}

pub fn serialize(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let schema = schema_argument(vm, "serialize", args.get(0))?;
    let database = checked(vm, this)?;
    let mut size: i64 = 0;
    // SAFETY: the database is open; the place for the size is ours.
    let data =
        Allocated(unsafe { sql::sqlite3_serialize(database.ptr(), schema.as_ptr(), &mut size, 0) });
    if data.0.is_null() {
        let schema = schema.to_string_lossy();
        return Err(operational(vm, format!("unable to serialize '{schema}'")));
    }
    let size = usize::try_from(size).unwrap_or(0);
    // SAFETY: the library gave that many bytes.
    let bytes = unsafe { std::slice::from_raw_parts(data.0, size) };
    new_bytes(vm, bytes)
}

pub fn deserialize(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let given = args.req(0);
    let encoded;
    let given = if taipan_core::str_object::is_str(given) {
        encoded = taipan_types::codec::encode_str(vm, given, Some("utf-8"), None)?;
        &encoded
    } else {
        given
    };
    let data = bytes_like(vm, given)?;
    let schema = schema_argument(vm, "deserialize", args.get(1))?;
    let database = checked(vm, this)?;
    let size = data.len() as i64;
    // SAFETY: gives memory of that size or null.
    let memory = Allocated(unsafe { sql::sqlite3_malloc64(size as u64) }.cast::<u8>());
    if memory.0.is_null() && size > 0 {
        return Err(vm.memory_error());
    }
    if size > 0 {
        // SAFETY: the memory is fresh and has the size of the data.
        unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), memory.0, data.len()) };
    }
    let flags = sql::SQLITE_DESERIALIZE_FREEONCLOSE | sql::SQLITE_DESERIALIZE_RESIZEABLE;
    // The library frees the memory, also if it refuses it.
    let memory = std::mem::ManuallyDrop::new(memory);
    // SAFETY: the memory was allocated by the library and is given up.
    let rc = unsafe {
        sql::sqlite3_deserialize(
            database.ptr(),
            schema.as_ptr(),
            memory.0,
            size,
            size,
            flags as c_uint,
        )
    };
    callback::bury();
    if rc == sql::SQLITE_OK {
        return Ok(Value::none());
    }
    Err(match database.error_code() {
        sql::SQLITE_OK => raise_result(vm, rc),
        _ => raise_last(vm, &database),
    })
}

/// Loads an extension; the error is SQLite's message.
pub fn load_extension(
    database: &Database,
    file: &CStr,
    entry: Option<&CStr>,
) -> Result<(), String> {
    let mut message = null_mut();
    // SAFETY: the database is open; the names end with nulls; the place for the message is ours.
    unsafe {
        let entry = entry.map_or(std::ptr::null(), CStr::as_ptr);
        let rc = sql::sqlite3_load_extension(database.ptr(), file.as_ptr(), entry, &mut message);
        if rc == sql::SQLITE_OK {
            return Ok(());
        }
        let shown = if message.is_null() {
            database.error_message()
        } else {
            text(message)
        };
        sql::sqlite3_free(message.cast());
        Err(shown)
    }
}
