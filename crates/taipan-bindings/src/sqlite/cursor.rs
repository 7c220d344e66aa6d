//! `sqlite3.Cursor`: running statements and fetching their rows.
//!
//! While a call works with a cursor it is locked: what Python code runs meanwhile may not use it.

use super::adapt::converter_for;
use super::bind::bind_all;
use super::connection::{
    self, begin_for_change, check_thread, commit_legacy, not_deleted, read_only,
};
use super::constants::{PARSE_COLNAMES, PARSE_DECLTYPES};
use super::error::{self, Kind, operational, programming, raise_last};
use super::handle::{Cell, Database, Prepared};
use super::{CONNECTION, CURSOR, Cursor, CursorState, Statement, callback, statement};
use crate::support::{text_argument, utf8_c};
use libsqlite3_sys as sql;
use std::sync::Arc;
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types as types;
use taipan_core::lock::Locked;
use taipan_core::tuple_object::{empty_tuple, new_tuple};
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Obj, Py, Slots, Tracer, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, bound, f0, f1, getset, slice,
};
use taipan_stdlib::support::Holds;
use taipan_types::arguments::type_name;
use taipan_types::bytes::{new_bytearray, new_bytes};
use taipan_types::codec;
use taipan_types::list::new_list;

static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Cursor",
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    layout: Some(const { &Layout::of::<Cursor>() }),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        iter: Some(|_, this| Ok(this.clone())),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "SQLite database cursor class.",
    ..TypeSpec::DEFAULT
};

static METHODS: [MethodDef; 9] = [
    f0("close(self, /)", close, "Close the cursor."),
    slice(
        "executemany(self, sql, seq_of_parameters, /)",
        execute_many,
        "Run a statement once for each row of parameters.",
    ),
    f1(
        "executescript(self, sql_script, /)",
        execute_script,
        "Run all statements of a text.",
    ),
    slice(
        "execute(self, sql, parameters=(), /)",
        execute,
        "Run a statement.",
    ),
    f0(
        "fetchall(self, /)",
        fetch_all,
        "Fetch all rows that are left.",
    ),
    bound(
        "fetchmany(self, /, size=1)",
        fetch_many,
        "Fetch several rows.\n\n  size\n    How many; by default the cursor's arraysize.",
    ),
    f0("fetchone(self, /)", fetch_one, "Fetch one row."),
    f1(
        "setinputsizes(self, sizes, /)",
        |_, _, _| Ok(Value::none()),
        "Required by PEP 249; does nothing.",
    ),
    slice(
        "setoutputsize(self, size, column=None, /)",
        |_, _, _| Ok(Value::none()),
        "Required by PEP 249; does nothing.",
    ),
];

static GETSET: [GetSetDef; 6] = [
    getset(
        "connection",
        |vm, this| {
            let connection = own(this).lock(vm).connection.clone();
            Ok(connection.unwrap_or_else(Value::none))
        },
        read_only,
        "",
    ),
    getset(
        "description",
        |vm, this| Ok(own(this).lock(vm).description.clone()),
        read_only,
        "",
    ),
    getset(
        "lastrowid",
        |vm, this| Ok(own(this).lock(vm).last_row_id.clone()),
        read_only,
        "",
    ),
    getset(
        "rowcount",
        |vm, this| Ok(Value::int(own(this).lock(vm).row_count)),
        read_only,
        "",
    ),
    getset(
        "arraysize",
        |vm, this| Ok(Value::int(own(this).lock(vm).array_size)),
        set_array_size,
        "",
    ),
    getset(
        "row_factory",
        |vm, this| Ok(own(this).lock(vm).row_factory.clone()),
        |vm, this, value| {
            let value = not_deleted(vm, value, "row_factory")?;
            set_row_factory(vm, this, value);
            Ok(())
        },
        "",
    ),
];

pub fn define() {
    CURSOR.define(&SPEC);
}

fn own(this: &Value) -> &Obj<Cursor> {
    this.expect::<Cursor>()
}

impl Cursor {
    /// What the columns of the last statement are, for rows.
    pub fn description(this: &Obj<Cursor>, vm: &mut Vm) -> Value {
        this.lock(vm).description.clone()
    }
}

/// The statement that a cursor runs. It may be cached, so a cursor that goes away in the middle of it ends it: otherwise its
/// locks would stay.
pub struct Held(Option<Value>);

impl Holds for Held {
    fn report(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_option(&self.0);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(statement) = self.0.take() {
            statement.expect::<Statement>().reset();
        }
    }
}

pub fn set_row_factory(vm: &mut Vm, this: &Value, factory: Value) {
    let old = std::mem::replace(&mut own(this).lock(vm).row_factory, factory);
    drop(old);
}

/// A number of rows: what fits 32 bits.
fn row_limit(vm: &mut Vm, value: &Value, too_large: &str) -> Py<i64> {
    let number = vm.index(value)?;
    let negative = vm.compare_bool(&number, &Value::int(0), taipan_core::CompareOp::Lt)?;
    if negative {
        return Err(vm.value_error("Cannot convert negative int"));
    }
    match number.as_i64() {
        Some(number) if number <= i64::from(u32::MAX) => Ok(number),
        _ => Err(vm.overflow_error(too_large)),
    }
}

fn set_array_size(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let Some(value) = value else {
        let message = "attribute 'arraysize' of 'sqlite3.Cursor' objects cannot be deleted";
        return Err(vm.attribute_error(message));
    };
    let size = row_limit(vm, value, "Python int too large to convert to C uint32_t")?;
    own(this).lock(vm).array_size = size;
    Ok(())
}

// ---- construction and the end ----

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(
        cls,
        Cursor {
            state: Locked::new(CursorState {
                connection: None,
                description: Value::none(),
                converters: Vec::new(),
                array_size: 0,
                last_row_id: Value::none(),
                row_count: 0,
                row_factory: Value::none(),
                statement: Held(None),
                closed: false,
                locked: false,
                initialized: false,
            }),
        },
    ))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    if args.has_keywords() {
        return Err(vm.type_error("Cursor() takes no keyword arguments"));
    }
    let [connection] = args.pos() else {
        let given = args.pos().len();
        return Err(vm.type_error(format!("Cursor expected 1 argument, got {given}")));
    };
    if !connection.is_instance(&CONNECTION) {
        let got = type_name(connection);
        let message = format!("Cursor() argument 1 must be sqlite3.Connection, not {got}");
        return Err(vm.type_error(message));
    }
    if own(this).lock(vm).locked {
        return Err(recursive(vm));
    }
    drop_statement(vm, this);
    let fresh = CursorState {
        connection: Some(connection.clone()),
        description: Value::none(),
        converters: Vec::new(),
        array_size: 1,
        last_row_id: Value::none(),
        row_count: -1,
        row_factory: Value::none(),
        statement: Held(None),
        closed: false,
        locked: false,
        initialized: false,
    };
    let former = std::mem::replace(&mut *own(this).lock(vm), fresh);
    drop(former);
    check_thread(vm, connection)?;
    own(this).lock(vm).initialized = true;
    Ok(())
}

#[cold]
fn recursive(vm: &mut Vm) -> taipan_core::Raised {
    programming(vm, "Recursive use of cursors not allowed.")
}

/// The connection and its open database, if the cursor may be used.
fn check(vm: &mut Vm, this: &Value) -> Py<(Value, Arc<Database>)> {
    let (connection, initialized, closed, locked) = {
        let state = own(this).lock(vm);
        (
            state.connection.clone(),
            state.initialized,
            state.closed,
            state.locked,
        )
    };
    let Some(connection) = connection.filter(|_| initialized) else {
        return Err(programming(vm, "Base Cursor.__init__ not called."));
    };
    if closed {
        return Err(programming(vm, "Cannot operate on a closed cursor."));
    }
    if locked {
        return Err(recursive(vm));
    }
    let database = connection::checked(vm, &connection)?;
    Ok((connection, database))
}

/// Lets go of the statement, which may be used again.
fn drop_statement(vm: &mut Vm, this: &Value) {
    let statement = own(this).lock(vm).statement.0.take();
    if let Some(statement) = statement {
        statement.expect::<Statement>().reset();
    }
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    let (connection, locked) = {
        let state = own(this).lock(vm);
        (state.connection.clone(), state.locked)
    };
    if locked {
        return Err(recursive(vm));
    }
    let Some(connection) = connection else {
        return Err(programming(vm, "Base Cursor.__init__ not called."));
    };
    connection::checked(vm, &connection)?;
    drop_statement(vm, this);
    own(this).lock(vm).closed = true;
    Ok(Value::none())
}

// ---- running statements ----

/// What a statement is run with.
enum Rows<'a> {
    One(&'a Value),
    Many(&'a Value),
}

fn execute(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let text = text_argument(vm, "execute() argument 1", &args[0])?;
    let none = empty_tuple();
    let row = args.get(1).unwrap_or(&none);
    run(vm, this, &text, &Rows::One(row))
}

fn execute_many(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let text = text_argument(vm, "executemany() argument 1", &args[0])?;
    run(vm, this, &text, &Rows::Many(&args[1]))
}

fn run(vm: &mut Vm, this: &Value, text: &Value, rows: &Rows<'_>) -> Py {
    let (connection, database) = check(vm, this)?;
    own(this).lock(vm).locked = true;
    let result = run_locked(vm, this, &connection, &database, text, rows);
    own(this).lock(vm).locked = false;
    callback::bury();
    if let Err(raised) = result {
        drop_statement(vm, this);
        own(this).lock(vm).row_count = -1;
        return Err(raised);
    }
    drop_if_done(vm, this);
    Ok(this.clone())
}

/// Lets go of the statement if it has no more rows.
fn drop_if_done(vm: &mut Vm, this: &Value) {
    let statement = own(this).lock(vm).statement.0.clone();
    if statement.is_some_and(|statement| !statement.expect::<Statement>().busy()) {
        let statement = own(this).lock(vm).statement.0.take();
        drop(statement);
    }
}

fn run_locked(
    vm: &mut Vm,
    this: &Value,
    connection: &Value,
    database: &Arc<Database>,
    text: &Value,
    rows: &Rows<'_>,
) -> Py<()> {
    let rows_left = match rows {
        Rows::One(_) => None,
        Rows::Many(rows) => Some(vm.iter(rows)?),
    };
    drop_statement(vm, this);
    let old = std::mem::replace(&mut own(this).lock(vm).description, Value::none());
    drop(old);
    let statement_value = statement::get(vm, connection, text)?;
    let statement: &Statement = statement_value.expect::<Statement>();
    let changes_rows = statement
        .prepared()
        .is_some_and(|prepared| !prepared.read_only());
    if rows_left.is_some() && !changes_rows {
        let message = "executemany() can only execute DML statements.";
        return Err(programming(vm, message));
    }
    statement.reset();
    {
        let mut state = own(this).lock(vm);
        state.row_count = if statement.changes_data() { 0 } else { -1 };
        state.statement.0 = Some(statement_value.clone());
    }
    if statement.changes_data() {
        begin_for_change(vm, connection, database)?;
    }
    match (rows, rows_left) {
        (Rows::One(row), _) => run_once(vm, this, connection, database, statement, row, true),
        (_, Some(rows)) => {
            while let Some(row) = vm.next(&rows)? {
                run_once(vm, this, connection, database, statement, &row, false)?;
                statement.reset();
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn run_once(
    vm: &mut Vm,
    this: &Value,
    connection: &Value,
    database: &Database,
    statement: &Statement,
    row: &Value,
    single: bool,
) -> Py<()> {
    bind_all(vm, database, statement.prepared(), row)?;
    // Adapters may have closed it.
    connection::database(vm, connection)?;
    let rc = statement
        .prepared()
        .map_or(sql::SQLITE_DONE, Prepared::step);
    if rc != sql::SQLITE_DONE && rc != sql::SQLITE_ROW {
        return Err(raise_last(vm, database));
    }
    if let Some(prepared) = statement.prepared() {
        describe(vm, this, connection, prepared)?;
    }
    if statement.changes_data() {
        let changes = database.changes();
        own(this).lock(vm).row_count += if rc == sql::SQLITE_DONE { changes } else { 0 };
    }
    if single {
        own(this).lock(vm).last_row_id = Value::int(database.last_row_id());
        if rc == sql::SQLITE_DONE {
            statement.reset();
        }
    }
    Ok(())
}

fn execute_script(vm: &mut Vm, this: &Value, script: &Value) -> Py {
    let script = text_argument(vm, "executescript() argument", script)?;
    let script = utf8_c(vm, &script)?;
    let (connection, database) = check(vm, this)?;
    let longest = database.limit(sql::SQLITE_LIMIT_SQL_LENGTH, -1);
    if script.count_bytes() > usize::try_from(longest).unwrap_or(0) {
        return Err(error::raise(vm, Kind::Data, "query string is too large"));
    }
    commit_legacy(vm, &connection, &database)?;
    let mut rest = script.as_c_str();
    loop {
        let (rc, prepared, used) = database.prepare(rest);
        if rc != sql::SQLITE_OK {
            return Err(raise_last(vm, &database));
        }
        if let Some(prepared) = prepared {
            while prepared.step() == sql::SQLITE_ROW {}
            let rc = prepared.finalize();
            callback::bury();
            if rc != sql::SQLITE_OK {
                return Err(raise_last(vm, &database));
            }
        }
        // A function of the script may have closed the connection.
        connection::database(vm, &connection)?;
        let tail = &rest.to_bytes_with_nul()[used..];
        match std::ffi::CStr::from_bytes_with_nul(tail) {
            Ok(tail) if !tail.is_empty() && used > 0 => rest = tail,
            _ => break,
        }
        vm.safepoint()?;
    }
    Ok(this.clone())
}

// ---- columns ----

/// Notes the names of the columns and who converts them.
fn describe(vm: &mut Vm, this: &Value, connection: &Value, prepared: &Prepared) -> Py<()> {
    let columns = prepared.columns();
    let detect = connection::own(connection).lock(vm).detect_types as i32;
    let mut converters = Vec::new();
    let mut description = Vec::new();
    for column in 0..columns {
        let Some(name) = prepared.column_name(column) else {
            return Err(vm.memory_error());
        };
        if detect != 0 {
            let converter = column_converter(vm, prepared, column, &name, detect)?;
            converters.push(converter.unwrap_or_else(Value::none));
        }
        let shown = match name.iter().position(|c| *c == b'[') {
            Some(at) if detect & PARSE_COLNAMES != 0 => {
                let name = &name[..at];
                name.strip_suffix(b" ").unwrap_or(name)
            }
            _ => &name[..],
        };
        let shown = codec::decode(vm, shown, Some("utf-8"), None)?;
        let mut row = vec![Value::none(); 7];
        row[0] = shown;
        description.push(new_tuple(row));
    }
    let former = {
        let mut state = own(this).lock(vm);
        let keep = columns == 0 || !state.description.is_none();
        let description = (!keep).then(|| new_tuple(description));
        (
            std::mem::replace(&mut state.converters, converters),
            description.map(|new| std::mem::replace(&mut state.description, new)),
        )
    };
    drop(former);
    Ok(())
}

fn column_converter(
    vm: &mut Vm,
    prepared: &Prepared,
    column: i32,
    name: &[u8],
    detect: i32,
) -> Py<Option<Value>> {
    if detect & PARSE_COLNAMES != 0
        && let Some(start) = name.iter().position(|c| *c == b'[')
        && let Some(length) = name[start..].iter().position(|c| *c == b']')
    {
        let title = &name[start + 1..start + length];
        if let Some(converter) = converter_for(vm, title)? {
            return Ok(Some(converter));
        }
    }
    if detect & PARSE_DECLTYPES != 0
        && let Some(declared) = prepared.declared_type(column)
    {
        let end = declared.iter().position(|c| matches!(c, b' ' | b'('));
        return converter_for(vm, &declared[..end.unwrap_or(declared.len())]);
    }
    Ok(None)
}

// ---- rows ----

/// The current row, with values converted.
fn read_row(vm: &mut Vm, this: &Value, connection: &Value, prepared: &Prepared) -> Py {
    let columns = prepared.data_count();
    let converters = own(this).lock(vm).converters.clone();
    let factory = connection::own(connection).lock(vm).text_factory.clone();
    let mut row = Vec::with_capacity(usize::try_from(columns).unwrap_or(0));
    for column in 0..columns {
        let converter = converters.get(column as usize).filter(|c| !c.is_none());
        let value = match converter {
            Some(converter) => match prepared.cell_bytes(column) {
                Some(bytes) => {
                    let bytes = new_bytes(vm, &bytes)?;
                    vm.call(converter, &[bytes])?
                }
                None => Value::none(),
            },
            None => read_cell(vm, prepared, column, &factory)?,
        };
        row.push(value);
    }
    Ok(new_tuple(row))
}

fn read_cell(vm: &mut Vm, prepared: &Prepared, column: i32, factory: &Value) -> Py {
    match prepared.cell(column) {
        None => Err(vm.memory_error()),
        Some(Cell::Null) => Ok(Value::none()),
        Some(Cell::Integer(number)) => Ok(Value::int(number)),
        Some(Cell::Float(number)) => Ok(Value::float(number)),
        Some(Cell::Blob(data)) => new_bytes(vm, &data),
        Some(Cell::Text(text)) if factory.is(&types::STR.to_value()) => {
            if std::str::from_utf8(&text).is_err() {
                let name = prepared.column_name(column).unwrap_or_default();
                let message = format!(
                    "Could not decode to UTF-8 column '{}' with text '{}'",
                    String::from_utf8_lossy(&name),
                    String::from_utf8_lossy(&text)
                );
                return Err(operational(vm, message));
            }
            codec::decode(vm, &text, Some("utf-8"), None)
        }
        Some(Cell::Text(text)) if factory.is(&types::BYTES.to_value()) => new_bytes(vm, &text),
        Some(Cell::Text(text)) if factory.is(&types::BYTEARRAY.to_value()) => {
            new_bytearray(vm, text)
        }
        Some(Cell::Text(text)) => {
            let bytes = new_bytes(vm, &text)?;
            vm.call(factory, &[bytes])
        }
    }
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let (connection, database) = check(vm, this)?;
    let Some(statement_value) = own(this).lock(vm).statement.0.clone() else {
        return Ok(None);
    };
    let statement: &Statement = statement_value.expect::<Statement>();
    let Some(prepared) = statement
        .prepared()
        .filter(|prepared| prepared.data_count() > 0)
    else {
        drop_statement(vm, this);
        return Ok(None);
    };
    own(this).lock(vm).locked = true;
    let row = read_row(vm, this, &connection, prepared);
    let rc = match &row {
        Ok(_) => prepared.step(),
        Err(_) => sql::SQLITE_ROW,
    };
    own(this).lock(vm).locked = false;
    callback::bury();
    let row = row?;
    match rc {
        sql::SQLITE_ROW => {}
        sql::SQLITE_DONE => {
            if statement.changes_data() {
                let changes = database.changes();
                own(this).lock(vm).row_count = changes;
            }
            drop_statement(vm, this);
        }
        _ => {
            let raised = raise_last(vm, &database);
            drop_statement(vm, this);
            return Err(raised);
        }
    }
    let factory = own(this).lock(vm).row_factory.clone();
    if factory.is_none() {
        return Ok(Some(row));
    }
    vm.call(&factory, &[this.clone(), row]).map(Some)
}

fn fetch_one(vm: &mut Vm, this: &Value) -> Py {
    Ok(next(vm, this)?.unwrap_or_else(Value::none))
}

fn fetch_many(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = match args.get(0) {
        Some(size) => row_limit(vm, size, "Python int too large for C uint32_t")?,
        None => own(this).lock(vm).array_size,
    };
    let mut rows = Vec::new();
    while (rows.len() as i64) < limit {
        match next(vm, this)? {
            Some(row) => rows.push(row),
            None => break,
        }
    }
    Ok(new_list(rows))
}

fn fetch_all(vm: &mut Vm, this: &Value) -> Py {
    let mut rows = Vec::new();
    while let Some(row) = next(vm, this)? {
        rows.push(row);
    }
    Ok(new_list(rows))
}
