//! Transactions: the attribute `autocommit` of PEP 249, the older `isolation_level`, commit and rollback.

use super::{checked, database, own};
use crate::sqlite::callback;
use crate::sqlite::error::raise_last;
use crate::sqlite::handle::Database;
use libsqlite3_sys::SQLITE_OK;
use std::ffi::CStr;
use taipan_core::str_object::{is_str, new_str};
use taipan_core::{Py, Value, Vm};

/// Who opens and ends transactions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Autocommit {
    /// The module opens one before data change, as `isolation_level` says.
    Legacy,
    /// The program alone.
    Enabled,
    /// One is always open.
    Disabled,
}

/// The kind of transaction that is opened in legacy mode.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Level {
    name: &'static str,
    begin: &'static CStr,
}

impl Level {
    pub const DEFAULT: Level = Level {
        name: "",
        begin: c"BEGIN ",
    };

    const ALL: [Level; 4] = [
        Level::DEFAULT,
        Level {
            name: "DEFERRED",
            begin: c"BEGIN DEFERRED",
        },
        Level {
            name: "IMMEDIATE",
            begin: c"BEGIN IMMEDIATE",
        },
        Level {
            name: "EXCLUSIVE",
            begin: c"BEGIN EXCLUSIVE",
        },
    ];
}

/// An isolation level as an argument; `None` leaves transactions to the program.
pub fn level_argument(vm: &mut Vm, value: &Value) -> Py<Option<Level>> {
    if value.is_none() {
        return Ok(None);
    }
    if !is_str(value) {
        return Err(vm.type_error("isolation_level must be str or None"));
    }
    let text = crate::support::utf8_c(vm, value)?;
    let found = Level::ALL
        .iter()
        .find(|level| text.to_bytes().eq_ignore_ascii_case(level.name.as_bytes()));
    match found {
        Some(level) => Ok(Some(*level)),
        None => Err(vm.value_error(
            "isolation_level string must be '', 'DEFERRED', 'IMMEDIATE', or 'EXCLUSIVE'",
        )),
    }
}

pub fn autocommit_argument(vm: &mut Vm, value: &Value) -> Py<Autocommit> {
    if value.is_true() {
        return Ok(Autocommit::Enabled);
    }
    if value.is_false() {
        return Ok(Autocommit::Disabled);
    }
    if value.is_int() && value.as_i64() == Some(-1) {
        return Ok(Autocommit::Legacy);
    }
    let message = "autocommit must be True, False, or sqlite3.LEGACY_TRANSACTION_CONTROL";
    Err(vm.value_error(message))
}

/// Runs a statement that controls transactions.
fn run(vm: &mut Vm, database: &Database, text: &CStr) -> Py<()> {
    let rc = database.run(text);
    callback::bury();
    if rc == SQLITE_OK {
        Ok(())
    } else {
        Err(raise_last(vm, database))
    }
}

/// Opens the transaction that is always open without autocommit.
pub fn begin_implicit(vm: &mut Vm, this: &Value) -> Py<()> {
    let database = database(vm, this)?;
    run(vm, &database, c"BEGIN")
}

/// Undoes the transaction that is always open without autocommit, before the database is closed.
pub fn end_implicit(vm: &mut Vm, this: &Value) -> Py<()> {
    let (database, autocommit) = {
        let state = own(this).lock(vm);
        (state.database.0.clone(), state.autocommit.0)
    };
    match database {
        Some(database) if autocommit == Autocommit::Disabled && !database.autocommit() => {
            run(vm, &database, c"ROLLBACK")
        }
        _ => Ok(()),
    }
}

/// Opens a transaction before a statement that changes data, in legacy mode.
pub fn begin_for_change(vm: &mut Vm, this: &Value, database: &Database) -> Py<()> {
    let (mode, level) = {
        let state = own(this).lock(vm);
        (state.autocommit.0, state.level.0)
    };
    match level {
        Some(level) if mode == Autocommit::Legacy && database.autocommit() => {
            run(vm, database, level.begin)
        }
        _ => Ok(()),
    }
}

/// Ends the open transaction of a database in legacy mode; scripts do so first.
pub fn commit_legacy(vm: &mut Vm, this: &Value, database: &Database) -> Py<()> {
    let mode = own(this).lock(vm).autocommit.0;
    if mode == Autocommit::Legacy && !database.autocommit() {
        run(vm, database, c"COMMIT")?;
    }
    Ok(())
}

fn end(vm: &mut Vm, this: &Value, text: &CStr) -> Py<()> {
    let database = checked(vm, this)?;
    let mode = own(this).lock(vm).autocommit.0;
    match mode {
        Autocommit::Legacy => {
            if !database.autocommit() {
                run(vm, &database, text)?;
            }
            Ok(())
        }
        Autocommit::Disabled => {
            run(vm, &database, text)?;
            run(vm, &database, c"BEGIN")
        }
        Autocommit::Enabled => Ok(()),
    }
}

pub fn commit(vm: &mut Vm, this: &Value) -> Py {
    end(vm, this, c"COMMIT")?;
    Ok(Value::none())
}

pub fn rollback(vm: &mut Vm, this: &Value) -> Py {
    end(vm, this, c"ROLLBACK")?;
    Ok(Value::none())
}

pub fn exit(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    if !args.iter().all(Value::is_none) {
        end(vm, this, c"ROLLBACK")?;
        return Ok(Value::bool(false));
    }
    let Err(raised) = end(vm, this, c"COMMIT") else {
        return Ok(Value::bool(false));
    };
    // What could not be committed is undone, so that others are not kept waiting. The first error is the one to tell.
    let error = vm.take_raised(raised);
    if let Err(raised) = end(vm, this, c"ROLLBACK") {
        let second = vm.take_raised(raised);
        taipan_core::exception::set_context(vm, &second, Some(error));
        return Err(vm.set_pending(second));
    }
    Err(vm.set_pending(error))
}

pub fn get_level(vm: &mut Vm, this: &Value) -> Py {
    database(vm, this)?;
    let level = own(this).lock(vm).level.0;
    Ok(level.map_or_else(Value::none, |level| new_str(level.name)))
}

pub fn set_level(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let Some(value) = value else {
        return Err(vm.attribute_error("cannot delete attribute"));
    };
    let level = level_argument(vm, value)?;
    if level.is_none() {
        own(this).lock(vm).level.0 = None;
        // Leaves the mode in which a transaction may be open.
        commit(vm, this)?;
        return Ok(());
    }
    own(this).lock(vm).level.0 = level;
    Ok(())
}

pub fn get_autocommit(vm: &mut Vm, this: &Value) -> Py {
    checked(vm, this)?;
    Ok(match own(this).lock(vm).autocommit.0 {
        Autocommit::Legacy => Value::int(-1),
        Autocommit::Enabled => Value::bool(true),
        Autocommit::Disabled => Value::bool(false),
    })
}

pub fn set_autocommit(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let database = checked(vm, this)?;
    let value = super::not_deleted(vm, value, "autocommit")?;
    let mode = autocommit_argument(vm, &value)?;
    match mode {
        Autocommit::Enabled if !database.autocommit() => run(vm, &database, c"COMMIT")?,
        Autocommit::Disabled if database.autocommit() => run(vm, &database, c"BEGIN")?,
        _ => {}
    }
    own(this).lock(vm).autocommit.0 = mode;
    Ok(())
}
