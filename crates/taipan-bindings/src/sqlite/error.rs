//! The exceptions of the module, and which of them an error of SQLite becomes.

use super::constants::code_name;
use super::handle::Database;
use super::state;
use libsqlite3_sys as sql;
use std::ffi::c_int;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{name, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Py, Raised, Type, Value, Vm};
use taipan_stdlib::support::add;

/// The exception classes, in the order in which they are made.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Warning,
    Error,
    Interface,
    Database,
    Data,
    Operational,
    Integrity,
    Internal,
    Programming,
    NotSupported,
}

/// Names and bases; `None` is `Exception`.
const CLASSES: [(&str, Option<Kind>); 10] = [
    ("Warning", None),
    ("Error", None),
    ("InterfaceError", Some(Kind::Error)),
    ("DatabaseError", Some(Kind::Error)),
    ("DataError", Some(Kind::Database)),
    ("OperationalError", Some(Kind::Database)),
    ("IntegrityError", Some(Kind::Database)),
    ("InternalError", Some(Kind::Database)),
    ("ProgrammingError", Some(Kind::Database)),
    ("NotSupportedError", Some(Kind::Database)),
];

/// Makes the classes and puts them into the module.
pub fn define(vm: &mut Vm, dict: &Value) -> Py<()> {
    if state(vm).errors.borrow().is_empty() {
        let mut made: Vec<Value> = Vec::new();
        for (title, base) in CLASSES {
            let base = match base {
                Some(kind) => made[kind as usize].clone(),
                None => types::EXCEPTION.to_value(),
            };
            let namespace = new_dict();
            namespace
                .expect::<Dict>()
                .set_name(&name("__module__"), name("sqlite3"));
            let arguments = [name(title), new_tuple([base]), namespace];
            made.push(vm.call(&types::TYPE.to_value(), &arguments)?);
        }
        *state(vm).errors.borrow_mut() = made;
    }
    for (index, (title, _)) in CLASSES.iter().enumerate() {
        add(dict, title, state(vm).errors.borrow()[index].clone());
    }
    Ok(())
}

/// An exception class.
pub fn class(vm: &Vm, kind: Kind) -> Value {
    state(vm).errors.borrow()[kind as usize].clone()
}

/// Raises one of the exceptions.
#[cold]
pub fn raise(vm: &mut Vm, kind: Kind, message: impl AsRef<str>) -> Raised {
    let class = class(vm, kind);
    vm.raise_with(class.expect::<Type>(), &[new_str(message.as_ref())])
}

#[cold]
pub fn programming(vm: &mut Vm, message: impl AsRef<str>) -> Raised {
    raise(vm, Kind::Programming, message)
}

#[cold]
pub fn operational(vm: &mut Vm, message: impl AsRef<str>) -> Raised {
    raise(vm, Kind::Operational, message)
}

/// The exception for a primary result code; `None` is `MemoryError`.
fn kind_of(code: c_int) -> Option<Kind> {
    Some(match code {
        sql::SQLITE_INTERNAL | sql::SQLITE_NOTFOUND => Kind::Internal,
        sql::SQLITE_NOMEM => return None,
        sql::SQLITE_ERROR
        | sql::SQLITE_PERM
        | sql::SQLITE_ABORT
        | sql::SQLITE_BUSY
        | sql::SQLITE_LOCKED
        | sql::SQLITE_READONLY
        | sql::SQLITE_INTERRUPT
        | sql::SQLITE_IOERR
        | sql::SQLITE_FULL
        | sql::SQLITE_CANTOPEN
        | sql::SQLITE_PROTOCOL
        | sql::SQLITE_EMPTY
        | sql::SQLITE_SCHEMA => Kind::Operational,
        sql::SQLITE_TOOBIG => Kind::Data,
        sql::SQLITE_CONSTRAINT | sql::SQLITE_MISMATCH => Kind::Integrity,
        sql::SQLITE_MISUSE | sql::SQLITE_RANGE => Kind::Interface,
        _ => Kind::Database,
    })
}

/// Raises the exception for the last failed call on a database.
#[cold]
pub fn raise_last(vm: &mut Vm, database: &Database) -> Raised {
    let code = database.error_code();
    let extended = database.extended_error_code();
    let message = database.error_message();
    raise_code(vm, code, extended, &message)
}

/// Raises the exception for a result code that the database need not know of.
#[cold]
pub fn raise_result(vm: &mut Vm, code: c_int) -> Raised {
    // SAFETY: texts of result codes are constants of the library.
    let message = unsafe { super::handle::text(sql::sqlite3_errstr(code)) };
    raise_code(vm, code & 0xff, code, &message)
}

fn raise_code(vm: &mut Vm, code: c_int, extended: c_int, message: &str) -> Raised {
    let Some(kind) = kind_of(code) else {
        return vm.memory_error();
    };
    match make(vm, kind, extended, message) {
        Ok(exception) => vm.raise_value(exception),
        Err(raised) => raised,
    }
}

fn make(vm: &mut Vm, kind: Kind, extended: c_int, message: &str) -> Py {
    let class = class(vm, kind);
    let exception = vm.call(&class, &[new_str(message)])?;
    vm.set_attr_str(&exception, "sqlite_errorcode", &Value::int(extended.into()))?;
    vm.set_attr_str(
        &exception,
        "sqlite_errorname",
        &new_str(code_name(extended)),
    )?;
    Ok(exception)
}
