//! `_sqlite3`: databases in files or in memory, by the SQLite library.
//!
//! The payloads of all types are declared here; the files beside this one give them their behaviour. SQLite calls back into
//! Python, so state is read in short guards that end before any call of the library.

mod adapt;
mod bind;
mod blob;
mod callback;
mod connection;
mod constants;
mod cursor;
mod error;
mod handle;
mod row;
mod statement;

use crate::support::{self, Shared, text_argument, utf8_c};
use connection::{Autocommit, Level};
use handle::{Database, OpenBlob, Prepared};
use libsqlite3_sys as sql;
use std::sync::OnceLock;
use std::sync::{Arc, Weak};
use taipan_core::dict_object::new_dict;
use taipan_core::latch::{Latch, LatchCell};
use taipan_core::str_object::new_str;
use taipan_core::{Args, Bound, MethodDef, Py, Value, Vm, bound, f1, f2, raw, slice};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::{add, add_type, native_type};

/// `_sqlite3`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_sqlite3",
    doc: "",
    functions: &FUNCTIONS,
    init,
};

native_type! {
    /// Payload of connections.
    CONNECTION "sqlite3.Connection" Connection {}
    ConnectionState {
        database: Shared<Option<Arc<Database>>>,
        // `__init__` got through.
        initialized: bool,
        autocommit: Shared<Autocommit>,
        // How transactions are opened in legacy mode, if they are.
        level: Shared<Option<Level>>,
        detect_types: i64,
        check_same_thread: bool,
        thread: u64,
        row_factory: Value,
        text_factory: Value,
        statements: statement::Cache,
        blobs: Shared<Vec<Weak<OpenBlob>>>,
        authorizer: Option<Value>,
        progress: Option<Value>,
        trace: Option<Value>,
    }
}

native_type! {
    /// Payload of statements, which only live in caches and cursors.
    STATEMENT "sqlite3.Statement" Statement {
        // `None` for a text without a statement.
        prepared: Shared<Option<Prepared>>,
        // Inserts, updates, deletes or replaces.
        changes_data: bool,
    }
    StatementState {}
}

native_type! {
    /// Payload of cursors.
    CURSOR "sqlite3.Cursor" Cursor {}
    CursorState {
        connection: Option<Value>,
        description: Value,
        // For each column the converter, or `None`.
        converters: Vec<Value>,
        array_size: i64,
        last_row_id: Value,
        row_count: i64,
        row_factory: Value,
        statement: cursor::Held,
        closed: bool,
        // In use by a call: what runs meanwhile may not use it.
        locked: bool,
        initialized: bool,
    }
}

native_type! {
    /// Payload of rows.
    ROW "sqlite3.Row" Row { data: Value, description: Value }
    RowState {}
}

native_type! {
    /// Payload of blobs.
    BLOB "sqlite3.Blob" Blob { connection: Value, open: Shared<Arc<OpenBlob>> }
    BlobState { offset: i64 }
}

native_type! {
    /// Payload of the protocol that values are adapted to.
    PROTOCOL "sqlite3.PrepareProtocol" PrepareProtocol {}
    PrepareProtocolState {}
}

/// What belongs to an interpreter.
#[derive(Default)]
struct Sqlite {
    errors: Latch<Vec<Value>>,
    adapters: OnceLock<Value>,
    converters: OnceLock<Value>,
    /// Errors in callbacks are reported.
    tracebacks: LatchCell<bool>,
    /// An adapter for a basic type was registered, so that basic values have to be looked up too.
    basic_adapted: LatchCell<bool>,
}

fn state(vm: &Vm) -> &'static Sqlite {
    vm.interpreter_state::<Sqlite>()
}

/// `{(type, protocol): adapter}`
fn adapters(vm: &Vm) -> Value {
    state(vm).adapters.get_or_init(new_dict).clone()
}

/// `{TYPE NAME: converter}`
fn converters(vm: &Vm) -> Value {
    state(vm).converters.get_or_init(new_dict).clone()
}

static FUNCTIONS: [MethodDef; 6] = [
    raw(
        "connect(module, /, database, timeout=5.0, detect_types=0, isolation_level='', check_same_thread=True, \
         factory=ConnectionType, cached_statements=128, uri=False, *, autocommit=sqlite3.LEGACY_TRANSACTION_CONTROL)",
        connect,
        "Open a connection to the database in a file, or in memory if the file is \":memory:\".",
    ),
    bound(
        "complete_statement(module, /, statement)",
        complete_statement,
        "Does a string contain a complete SQL statement?",
    ),
    f1(
        "enable_callback_tracebacks(module, enable, /)",
        enable_callback_tracebacks,
        "Choose whether errors in callback functions are reported.",
    ),
    f2(
        "register_adapter(module, type, adapter, /)",
        adapt::register_adapter,
        "Register a function that turns objects of a type into values for SQLite.",
    ),
    f2(
        "register_converter(module, typename, converter, /)",
        adapt::register_converter,
        "Register a function that turns values of SQLite into Python objects.",
    ),
    slice(
        "adapt(module, obj, proto=PrepareProtocolType, alt=<unrepresentable>, /)",
        adapt::adapt_function,
        "Adapt an object to a protocol.",
    ),
];

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    // Names of files are taken for addresses only where `uri` says so. This has to come before the library is used at all; if
    // somebody else used it before, it stays as it is.
    // SAFETY: this option takes an int.
    unsafe { sql::sqlite3_config(sql::SQLITE_CONFIG_URI, 0) };
    // SAFETY: may be called at any time.
    if unsafe { sql::sqlite3_initialize() } != sql::SQLITE_OK {
        return Err(vm.raise(
            &taipan_core::builtin_types::IMPORT_ERROR,
            "sqlite3: the library cannot be initialised",
        ));
    }
    connection::define();
    statement::define();
    cursor::define();
    row::define();
    blob::define();
    adapt::define();
    error::define(vm, dict)?;
    for ty in [&CONNECTION, &CURSOR, &ROW, &BLOB, &PROTOCOL] {
        add_type(dict, ty);
    }
    add(dict, "adapters", adapters(vm));
    add(dict, "converters", converters(vm));
    // SAFETY: gives a constant text.
    let version = unsafe { handle::text(sql::sqlite3_libversion()) };
    add(dict, "sqlite_version", new_str(&version));
    for table in [
        constants::ERROR_CODES,
        constants::ACTIONS,
        constants::LIMITS,
        constants::OPTIONS,
    ] {
        for (name, value) in table {
            add(dict, name, Value::int(*value));
        }
    }
    for (name, value) in [
        ("PARSE_DECLTYPES", constants::PARSE_DECLTYPES.into()),
        ("PARSE_COLNAMES", constants::PARSE_COLNAMES.into()),
        ("LEGACY_TRANSACTION_CONTROL", -1),
        ("threadsafety", thread_safety()),
    ] {
        add(dict, name, Value::int(value));
    }
    Ok(())
}

/// How threads may share the module, in the numbers of PEP 249.
fn thread_safety() -> i64 {
    // SAFETY: gives a constant.
    match unsafe { sql::sqlite3_threadsafe() } {
        0 => 0,
        2 => 1,
        _ => 3,
    }
}

fn connect(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    connection::warn_positional(vm, "sqlite3.connect", args)?;
    let named = args
        .keywords()
        .find(|(name, _)| support::is_text(name, "factory"))
        .map(|(_, value)| value.clone());
    let factory = args.pos().get(5).cloned().or(named);
    match factory {
        Some(factory) => vm.call_args(&factory, args),
        None => vm.call_args(&CONNECTION.to_value(), args),
    }
}

fn complete_statement(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let text = text_argument(vm, "complete_statement() argument 'statement'", args.req(0))?;
    let text = utf8_c(vm, &text)?;
    // SAFETY: the text ends with a null.
    Ok(Value::bool(
        unsafe { sql::sqlite3_complete(text.as_ptr()) } != 0,
    ))
}

fn enable_callback_tracebacks(vm: &mut Vm, _module: &Value, enable: &Value) -> Py {
    let enable = vm.truth(enable)?;
    state(vm).tracebacks.set(enable);
    Ok(Value::none())
}
