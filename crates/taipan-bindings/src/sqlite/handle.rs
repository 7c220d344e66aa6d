//! Open databases, prepared statements and blobs of the SQLite library, with the calls that need no Python objects.
//!
//! SQLite may call back into Python from nearly every call here (functions, collations, hooks), so no guard may be alive while
//! one runs. A database closed while statements of it are alive stays behind as SQLite's "zombie" until the last one is gone.

use super::callback;
use libsqlite3_sys as sql;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use taipan_stdlib::support::Holds;

unsafe extern "C" {
    /// Not among the library's generated declarations.
    fn sqlite3_close_v2(database: *mut sql::sqlite3) -> c_int;
}

/// An open database; closed when the last user lets go of it.
pub struct Database(*mut sql::sqlite3);

// SAFETY: the library is built for serialised use: any thread may use a database.
unsafe impl Send for Database {}
// SAFETY: as above.
unsafe impl Sync for Database {}

impl Database {
    /// Opens a file. The handle comes back even if that failed, to ask it why; only without memory there is none.
    pub fn open(path: &CStr, flags: c_int) -> (c_int, Option<Database>) {
        let mut db = null_mut();
        // SAFETY: the path ends with a null; the place for the handle is ours.
        let rc = unsafe { sql::sqlite3_open_v2(path.as_ptr(), &mut db, flags, std::ptr::null()) };
        (rc, (!db.is_null()).then_some(Database(db)))
    }

    pub fn ptr(&self) -> *mut sql::sqlite3 {
        self.0
    }

    pub fn set_timeout(&self, milliseconds: c_int) {
        // SAFETY: the handle is open as long as `self` lives.
        unsafe { sql::sqlite3_busy_timeout(self.0, milliseconds) };
    }

    /// No transaction is open.
    pub fn autocommit(&self) -> bool {
        // SAFETY: as above.
        unsafe { sql::sqlite3_get_autocommit(self.0) != 0 }
    }

    pub fn changes(&self) -> i64 {
        // SAFETY: as above.
        unsafe { sql::sqlite3_changes64(self.0) }
    }

    pub fn total_changes(&self) -> i64 {
        // SAFETY: as above.
        unsafe { sql::sqlite3_total_changes64(self.0) }
    }

    pub fn last_row_id(&self) -> i64 {
        // SAFETY: as above.
        unsafe { sql::sqlite3_last_insert_rowid(self.0) }
    }

    pub fn interrupt(&self) {
        // SAFETY: as above.
        unsafe { sql::sqlite3_interrupt(self.0) };
    }

    /// Sets a limit, unless it is negative; gives the former one.
    pub fn limit(&self, category: c_int, limit: c_int) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_limit(self.0, category, limit) }
    }

    /// Asks for a boolean option (`-1`) or sets it; gives the result code and the value it has now.
    pub fn option(&self, op: c_int, value: c_int) -> (c_int, c_int) {
        let mut current: c_int = 0;
        // SAFETY: the options that callers ask for take an int and a pointer to one.
        let rc = unsafe { sql::sqlite3_db_config(self.0, op, value, &mut current as *mut c_int) };
        (rc, current)
    }

    pub fn enable_load_extension(&self, enable: bool) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_enable_load_extension(self.0, enable.into()) }
    }

    pub fn error_code(&self) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_errcode(self.0) }
    }

    pub fn extended_error_code(&self) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_extended_errcode(self.0) }
    }

    pub fn error_message(&self) -> String {
        // SAFETY: the library gives a text that lives until the next call.
        unsafe { text(sql::sqlite3_errmsg(self.0)) }
    }

    /// Prepares the first statement of a text. Gives the result code, the statement (none for blanks and comments), and where
    /// in the text the rest starts.
    pub fn prepare(&self, source: &CStr) -> (c_int, Option<Prepared>, usize) {
        let mut statement = null_mut();
        let mut tail = source.as_ptr();
        let length = c_int::try_from(source.count_bytes() + 1).unwrap_or(-1);
        // SAFETY: the text ends with a null, and `length` counts it.
        let rc = unsafe {
            sql::sqlite3_prepare_v2(self.0, source.as_ptr(), length, &mut statement, &mut tail)
        };
        let used = (tail as usize).saturating_sub(source.as_ptr() as usize);
        let prepared = (!statement.is_null()).then_some(Prepared(statement));
        (rc, prepared, used.min(source.count_bytes()))
    }

    /// Runs one statement for its effect.
    pub fn run(&self, source: &CStr) -> c_int {
        let (rc, statement, _) = self.prepare(source);
        match statement {
            Some(statement) if rc == sql::SQLITE_OK => {
                statement.step();
                statement.finalize()
            }
            _ => rc,
        }
    }

    /// Opens a blob for incremental reading and writing.
    pub fn open_blob(
        &self,
        [schema, table, column]: [&CStr; 3],
        row: i64,
        writable: bool,
    ) -> Result<OpenBlob, c_int> {
        let mut blob = null_mut();
        // SAFETY: the names end with nulls; the place for the handle is ours.
        let rc = unsafe {
            sql::sqlite3_blob_open(
                self.0,
                schema.as_ptr(),
                table.as_ptr(),
                column.as_ptr(),
                row,
                writable.into(),
                &mut blob,
            )
        };
        if rc == sql::SQLITE_OK {
            Ok(OpenBlob(AtomicPtr::new(blob)))
        } else {
            Err(rc)
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // SAFETY: the handle is given up here, once.
        unsafe { sqlite3_close_v2(self.0) };
        callback::bury();
    }
}

/// A text of the library; nothing for a null pointer.
///
/// # Safety
/// The pointer is null or leads to a text that ends with a null.
pub unsafe fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(pointer) }
        .to_string_lossy()
        .into_owned()
}

/// A prepared statement; finalised when dropped.
pub struct Prepared(*mut sql::sqlite3_stmt);

// SAFETY: as for `Database`.
unsafe impl Send for Prepared {}
// SAFETY: as for `Database`.
unsafe impl Sync for Prepared {}

/// One column of the current row.
pub enum Cell {
    Null,
    Integer(i64),
    Float(f64),
    Text(Vec<u8>),
    Blob(Vec<u8>),
}

impl Prepared {
    pub fn step(&self) -> c_int {
        // SAFETY: the statement lives as long as `self`.
        unsafe { sql::sqlite3_step(self.0) }
    }

    pub fn reset(&self) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_reset(self.0) }
    }

    pub fn finalize(self) -> c_int {
        let statement = std::mem::ManuallyDrop::new(self);
        // SAFETY: given up here, and `Drop` does not run.
        unsafe { sql::sqlite3_finalize(statement.0) }
    }

    /// Has it been stepped, but neither to its end nor been reset?
    pub fn busy(&self) -> bool {
        // SAFETY: as above.
        unsafe { sql::sqlite3_stmt_busy(self.0) != 0 }
    }

    pub fn read_only(&self) -> bool {
        // SAFETY: as above.
        unsafe { sql::sqlite3_stmt_readonly(self.0) != 0 }
    }

    pub fn columns(&self) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_column_count(self.0) }
    }

    /// Columns of the current row; 0 if there is none.
    pub fn data_count(&self) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_data_count(self.0) }
    }

    /// The bytes of a column's name; `None` without memory.
    pub fn column_name(&self, column: c_int) -> Option<Vec<u8>> {
        // SAFETY: as above; the text lives until the next call and is copied.
        unsafe {
            let name = sql::sqlite3_column_name(self.0, column);
            (!name.is_null()).then(|| CStr::from_ptr(name).to_bytes().to_vec())
        }
    }

    /// The declared type of the table column that a column comes from.
    pub fn declared_type(&self, column: c_int) -> Option<Vec<u8>> {
        // SAFETY: as for `column_name`.
        unsafe {
            let name = sql::sqlite3_column_decltype(self.0, column);
            (!name.is_null()).then(|| CStr::from_ptr(name).to_bytes().to_vec())
        }
    }

    /// A column of the current row; `None` without memory.
    pub fn cell(&self, column: c_int) -> Option<Cell> {
        // SAFETY: as above; columns out of range are null.
        unsafe {
            Some(match sql::sqlite3_column_type(self.0, column) {
                sql::SQLITE_INTEGER => Cell::Integer(sql::sqlite3_column_int64(self.0, column)),
                sql::SQLITE_FLOAT => Cell::Float(sql::sqlite3_column_double(self.0, column)),
                sql::SQLITE_TEXT => {
                    let data = sql::sqlite3_column_text(self.0, column);
                    Cell::Text(self.copy(column, data.cast())?)
                }
                sql::SQLITE_NULL => Cell::Null,
                _ => {
                    let data = sql::sqlite3_column_blob(self.0, column);
                    Cell::Blob(self.copy(column, data)?)
                }
            })
        }
    }

    /// The bytes of a column, whatever its type; `None` for null, and for an empty blob, which the library gives no address.
    pub fn cell_bytes(&self, column: c_int) -> Option<Vec<u8>> {
        // SAFETY: as above.
        unsafe {
            let data = sql::sqlite3_column_blob(self.0, column);
            if data.is_null() {
                return None;
            }
            self.copy(column, data)
        }
    }

    /// # Safety
    /// `data` is what the library just gave for this column.
    unsafe fn copy(&self, column: c_int, data: *const c_void) -> Option<Vec<u8>> {
        // SAFETY: the caller's promise: the length belongs to the data.
        unsafe { copy_bytes(data, sql::sqlite3_column_bytes(self.0, column)) }
    }

    pub fn parameters(&self) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_bind_parameter_count(self.0) }
    }

    /// The name of a parameter with its prefix; `None` if it has none.
    pub fn parameter_name(&self, index: c_int) -> Option<String> {
        // SAFETY: as above; the text lives as long as the statement.
        unsafe {
            let name = sql::sqlite3_bind_parameter_name(self.0, index);
            (!name.is_null()).then(|| text(name))
        }
    }

    pub fn bind_null(&self, index: c_int) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_bind_null(self.0, index) }
    }

    pub fn bind_int(&self, index: c_int, value: i64) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_bind_int64(self.0, index, value) }
    }

    pub fn bind_float(&self, index: c_int, value: f64) -> c_int {
        // SAFETY: as above.
        unsafe { sql::sqlite3_bind_double(self.0, index, value) }
    }

    pub fn bind_text(&self, index: c_int, value: &[u8]) -> c_int {
        // SAFETY: as above; the library copies the text.
        unsafe {
            sql::sqlite3_bind_text64(
                self.0,
                index,
                value.as_ptr().cast(),
                value.len() as u64,
                sql::SQLITE_TRANSIENT(),
                sql::SQLITE_UTF8 as u8,
            )
        }
    }

    pub fn bind_blob(&self, index: c_int, value: &[u8]) -> c_int {
        // SAFETY: as above; the library copies the bytes.
        unsafe {
            sql::sqlite3_bind_blob64(
                self.0,
                index,
                value.as_ptr().cast(),
                value.len() as u64,
                sql::SQLITE_TRANSIENT(),
            )
        }
    }
}

impl Drop for Prepared {
    fn drop(&mut self) {
        // SAFETY: the statement is given up here, once.
        unsafe { sql::sqlite3_finalize(self.0) };
        callback::bury();
    }
}

/// Copies bytes of the library; `None` without memory.
///
/// # Safety
/// `data` is null or leads to `length` bytes.
pub unsafe fn copy_bytes(data: *const c_void, length: c_int) -> Option<Vec<u8>> {
    let length = usize::try_from(length).unwrap_or(0);
    let mut bytes = Vec::new();
    if data.is_null() || length == 0 {
        return Some(bytes);
    }
    bytes.try_reserve_exact(length).ok()?;
    // SAFETY: the caller's promise.
    bytes.extend_from_slice(unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length) });
    Some(bytes)
}

/// A blob open for incremental reading and writing; null once it is closed.
pub struct OpenBlob(AtomicPtr<sql::sqlite3_blob>);

impl OpenBlob {
    pub fn is_open(&self) -> bool {
        !self.0.load(Relaxed).is_null()
    }

    pub fn close(&self) {
        let blob = self.0.swap(null_mut(), Relaxed);
        // SAFETY: taken out, so given up once; closing null does nothing.
        unsafe { sql::sqlite3_blob_close(blob) };
    }

    /// Its size in bytes; 0 if it is closed.
    pub fn size(&self) -> c_int {
        match self.0.load(Relaxed) {
            blob if blob.is_null() => 0,
            // SAFETY: open.
            blob => unsafe { sql::sqlite3_blob_bytes(blob) },
        }
    }

    pub fn read(&self, into: &mut [u8], offset: c_int) -> c_int {
        let length = into.len() as c_int;
        match self.0.load(Relaxed) {
            blob if blob.is_null() => sql::SQLITE_ABORT,
            // SAFETY: open; the place has that length.
            blob => unsafe {
                sql::sqlite3_blob_read(blob, into.as_mut_ptr().cast(), length, offset)
            },
        }
    }

    pub fn write(&self, from: &[u8], offset: c_int) -> c_int {
        let length = from.len() as c_int;
        match self.0.load(Relaxed) {
            blob if blob.is_null() => sql::SQLITE_ABORT,
            // SAFETY: open; the bytes have that length.
            blob => unsafe { sql::sqlite3_blob_write(blob, from.as_ptr().cast(), length, offset) },
        }
    }
}

impl Drop for OpenBlob {
    fn drop(&mut self) {
        self.close();
    }
}

impl Holds for Prepared {}
impl Holds for OpenBlob {}
