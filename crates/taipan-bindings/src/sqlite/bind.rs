//! Values on their way to SQLite and back: parameters of statements, arguments and results of functions.

use super::adapt::{adapt, is_basic};
use super::error::{programming, raise_last};
use super::handle::{Database, Prepared, copy_bytes};
use super::{PROTOCOL, state};
use crate::support::utf8;
use libsqlite3_sys as sql;
use std::ffi::c_int;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::dict_of;
use taipan_core::str_object::{is_str, new_str};
use taipan_core::tuple_object::items;
use taipan_core::{Py, TypeFlags, Value, Vm};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;
use taipan_types::codec;

/// Longest text or blob of the library.
const MAX_LENGTH: usize = i32::MAX as usize;

/// A Python value as SQLite knows it.
enum Plain {
    Null,
    Int(i64),
    Float(f64),
    Text(Vec<u8>),
    Blob(taipan_types::buffer::BytesLike),
}

/// `None` if SQLite has nothing for the type.
fn plain(vm: &mut Vm, value: &Value) -> Py<Option<Plain>> {
    Ok(Some(if value.is_none() {
        Plain::Null
    } else if value.is_int() {
        match value.as_i64() {
            Some(number) => Plain::Int(number),
            None => {
                let message = "Python int too large to convert to SQLite INTEGER";
                return Err(vm.overflow_error(message));
            }
        }
    } else if let Some(number) = value.as_float() {
        Plain::Float(number)
    } else if is_str(value) {
        let text = utf8(vm, value)?;
        if text.len() > MAX_LENGTH {
            return Err(vm.overflow_error("string is longer than INT_MAX bytes"));
        }
        Plain::Text(text)
    } else if value.type_of().slots().buffer.is_some() {
        let data = bytes_like(vm, value)?;
        if data.len() > MAX_LENGTH {
            return Err(vm.overflow_error("BLOB longer than INT_MAX bytes"));
        }
        Plain::Blob(data)
    } else {
        return Ok(None);
    }))
}

// ---- parameters ----

/// Does it answer to positions, as far as its type tells? Classes with `[]` do, dicts and other builtin mappings do not.
fn positional(values: &Value) -> bool {
    let ty = values.type_of();
    let mapping = !ty.is_heap() && ty.has(TypeFlags::MAPPING);
    ty.slots().get_item.is_some() && dict_of(values).is_none() && !mapping
}

/// Binds the parameters of a statement, given as a sequence or by name.
pub fn bind_all(
    vm: &mut Vm,
    database: &Database,
    statement: Option<&Prepared>,
    values: &Value,
) -> Py<()> {
    let wanted = statement.map_or(0, Prepared::parameters);
    if positional(values) {
        let given = vm.length(values)?;
        if given != wanted as usize {
            let message = format!(
                "Incorrect number of bindings supplied. The current statement uses {wanted}, and there are {given} supplied."
            );
            return Err(programming(vm, message));
        }
        let Some(statement) = statement else {
            return Ok(());
        };
        return (1..=wanted)
            .try_for_each(|index| by_position(vm, database, statement, values, index));
    }
    if values.type_of().slots().get_item.is_none() {
        return Err(programming(vm, "parameters are of unsupported type"));
    }
    let Some(statement) = statement else {
        return Ok(());
    };
    (1..=wanted).try_for_each(|index| by_name(vm, database, statement, values, index))
}

fn by_position(
    vm: &mut Vm,
    database: &Database,
    statement: &Prepared,
    values: &Value,
    index: c_int,
) -> Py<()> {
    if let Some(name) = statement
        .parameter_name(index)
        .filter(|name| !name.starts_with('?'))
    {
        let message = format!(
            "Binding {index} ('{name}') is a named parameter, but you supplied a sequence which requires nameless \
             (qmark) placeholders."
        );
        return Err(programming(vm, message));
    }
    let value = match items(values).and_then(|items| items.get(index as usize - 1)) {
        Some(value) => value.clone(),
        None => vm.get_item(values, &Value::int(i64::from(index) - 1))?,
    };
    bind_one(vm, database, statement, index, &value)
}

fn by_name(
    vm: &mut Vm,
    database: &Database,
    statement: &Prepared,
    values: &Value,
    index: c_int,
) -> Py<()> {
    let Some(name) = statement.parameter_name(index) else {
        let message = format!(
            "Binding {index} has no name, but you supplied a dictionary (which has only names)."
        );
        return Err(programming(vm, message));
    };
    let name = name.get(1..).unwrap_or("");
    let key = new_str(name);
    let found = match dict_of(values).filter(|_| values.is_exact(&types::DICT)) {
        Some(dict) => dict.get(vm, &key)?,
        None => match vm.get_item(values, &key) {
            Ok(value) => Some(value),
            Err(raised) => {
                vm.catch(raised, &types::LOOKUP_ERROR)?;
                None
            }
        },
    };
    match found {
        Some(value) => bind_one(vm, database, statement, index, &value),
        None => {
            let message = format!("You did not supply a value for binding parameter :{name}.");
            Err(programming(vm, message))
        }
    }
}

fn bind_one(
    vm: &mut Vm,
    database: &Database,
    statement: &Prepared,
    index: c_int,
    value: &Value,
) -> Py<()> {
    let value = if is_basic(value) && !state(vm).basic_adapted.get() {
        value.clone()
    } else {
        adapt(vm, value, &PROTOCOL.to_value(), Some(value))?
    };
    let Some(plain) = plain(vm, &value)? else {
        let got = value.type_of().name();
        let message = format!("Error binding parameter {index}: type '{got}' is not supported");
        return Err(programming(vm, message));
    };
    let rc = match &plain {
        Plain::Null => statement.bind_null(index),
        Plain::Int(number) => statement.bind_int(index, *number),
        Plain::Float(number) => statement.bind_float(index, *number),
        Plain::Text(text) => statement.bind_text(index, text),
        Plain::Blob(data) => statement.bind_blob(index, data),
    };
    if rc == sql::SQLITE_OK {
        return Ok(());
    }
    Err(raise_last(vm, database))
}

// ---- functions ----

/// The arguments of a call from SQLite.
///
/// # Safety
/// `values` leads to `count` values of the running call.
pub unsafe fn arguments(
    vm: &mut Vm,
    count: c_int,
    values: *mut *mut sql::sqlite3_value,
) -> Py<Vec<Value>> {
    (0..usize::try_from(count).unwrap_or(0))
        // SAFETY: the caller's promise.
        .map(|index| unsafe { argument(vm, *values.add(index)) })
        .collect()
}

/// # Safety
/// `value` is one of the running call.
unsafe fn argument(vm: &mut Vm, value: *mut sql::sqlite3_value) -> Py {
    // SAFETY: the caller's promise, here and below; texts and blobs are copied before Python code runs.
    match unsafe { sql::sqlite3_value_type(value) } {
        // SAFETY: as above.
        sql::SQLITE_INTEGER => Ok(Value::int(unsafe { sql::sqlite3_value_int64(value) })),
        // SAFETY: as above.
        sql::SQLITE_FLOAT => Ok(Value::float(unsafe { sql::sqlite3_value_double(value) })),
        sql::SQLITE_NULL => Ok(Value::none()),
        sql::SQLITE_TEXT => {
            // SAFETY: as above.
            let text = unsafe {
                let data = sql::sqlite3_value_text(value);
                copy_bytes(data.cast(), sql::sqlite3_value_bytes(value))
            };
            match text {
                Some(text) => codec::decode(vm, &text, Some("utf-8"), None),
                None => Err(vm.memory_error()),
            }
        }
        _ => {
            // SAFETY: as above.
            let data = unsafe {
                let data = sql::sqlite3_value_blob(value);
                copy_bytes(data, sql::sqlite3_value_bytes(value))
            };
            match data {
                Some(data) => new_bytes(vm, &data),
                None => Err(vm.memory_error()),
            }
        }
    }
}

/// Gives SQLite the result of a function.
///
/// # Safety
/// The context is that of the running call.
pub unsafe fn set_result(vm: &mut Vm, context: *mut sql::sqlite3_context, value: &Value) -> Py<()> {
    let Some(plain) = plain(vm, value)? else {
        let got = value.type_of().name();
        let message = format!("User-defined functions cannot return '{got}' values to SQLite");
        return Err(programming(vm, message));
    };
    // SAFETY: the caller's promise; the library copies texts and blobs.
    unsafe {
        match &plain {
            Plain::Null => sql::sqlite3_result_null(context),
            Plain::Int(number) => sql::sqlite3_result_int64(context, *number),
            Plain::Float(number) => sql::sqlite3_result_double(context, *number),
            Plain::Text(text) => sql::sqlite3_result_text64(
                context,
                text.as_ptr().cast(),
                text.len() as u64,
                sql::SQLITE_TRANSIENT(),
                sql::SQLITE_UTF8 as u8,
            ),
            Plain::Blob(data) => sql::sqlite3_result_blob64(
                context,
                data.as_ptr().cast(),
                data.len() as u64,
                sql::SQLITE_TRANSIENT(),
            ),
        }
    }
    Ok(())
}
