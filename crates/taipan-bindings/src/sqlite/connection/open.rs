//! Making connections: the arguments of `connect` and `Connection`, and opening the file.

use super::transaction::{self, Autocommit, Level};
use super::{own, release};
use crate::sqlite::error::{raise_last, raise_result};
use crate::sqlite::handle::Database;
use crate::sqlite::{Connection, ConnectionState, statement};
use crate::support::{Shared, c_int};
use libsqlite3_sys as sql;
use std::sync::Arc;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::builtin_types as types;
use taipan_core::lock::Locked;
use taipan_core::{Args, Bound, MethodDef, Py, TypeObject, Value, Vm};
use taipan_stdlib::audit::audit;
use taipan_stdlib::locks::thread_ident;
use taipan_stdlib::support::signature;

static INIT: MethodDef = signature(
    "Connection(self, database, timeout=5.0, detect_types=0, isolation_level='', check_same_thread=True, \
     factory=ConnectionType, cached_statements=128, uri=False, *, autocommit=sqlite3.LEGACY_TRANSACTION_CONTROL)",
);

/// Most positional arguments.
const POSITIONAL: usize = 8;

/// Warns of positional arguments behind the first.
pub fn warn_positional(vm: &mut Vm, function: &str, args: Args<'_>) -> Py<()> {
    if !(2..=POSITIONAL).contains(&args.pos().len()) {
        return Ok(());
    }
    let message = format!(
        "Passing more than 1 positional argument to {function}() is deprecated. Parameters 'timeout', 'detect_types', \
         'isolation_level', 'check_same_thread', 'factory', 'cached_statements' and 'uri' will become keyword-only \
         parameters in Python 3.15."
    );
    vm.warn(&types::DEPRECATION_WARNING, &message, 1)
}

/// A connection before its `__init__`.
pub fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(
        cls,
        Connection {
            state: Locked::new(ConnectionState {
                database: Shared(None),
                initialized: false,
                autocommit: Shared(Autocommit::Legacy),
                level: Shared(None),
                detect_types: 0,
                check_same_thread: true,
                thread: 0,
                row_factory: Value::none(),
                text_factory: types::STR.to_value(),
                statements: statement::Cache::default(),
                blobs: Shared(Vec::new()),
                authorizer: None,
                progress: None,
                trace: None,
            }),
        },
    ))
}

/// What `__init__` was told besides the file.
struct Settings {
    timeout: f64,
    detect_types: i32,
    level: Option<Level>,
    check_same_thread: bool,
    cached_statements: i32,
    uri: bool,
    autocommit: Autocommit,
}

fn settings(vm: &mut Vm, args: &Bound) -> Py<Settings> {
    let flag = |vm: &mut Vm, value: Option<&Value>, default: bool| match value {
        Some(value) => vm.truth(value),
        None => Ok(default),
    };
    let timeout = match args.get(1) {
        Some(timeout) => vm.to_f64(timeout)?,
        None => 5.0,
    };
    let detect_types = match args.get(2) {
        Some(number) => c_int(vm, number)?,
        None => 0,
    };
    let level = match args.get(3) {
        Some(level) => transaction::level_argument(vm, level)?,
        None => Some(Level::DEFAULT),
    };
    let check_same_thread = flag(vm, args.get(4), true)?;
    let cached_statements = match args.get(6) {
        Some(number) => c_int(vm, number)?,
        None => 128,
    };
    let uri = flag(vm, args.get(7), false)?;
    let autocommit = match args.get(8) {
        Some(value) => transaction::autocommit_argument(vm, value)?,
        None => Autocommit::Legacy,
    };
    Ok(Settings {
        timeout,
        detect_types,
        level,
        check_same_thread,
        cached_statements,
        uri,
        autocommit,
    })
}

/// `__init__`: opens the file. A connection that is open already is closed first.
pub fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let given = args.pos().len();
    if given > POSITIONAL {
        let message =
            format!("Connection() takes at most {POSITIONAL} positional arguments ({given} given)");
        return Err(vm.type_error(message));
    }
    warn_positional(vm, "_sqlite3.Connection", args)?;
    let args = bind(vm, &INIT, args)?;
    let file = args.req(0);
    let settings = settings(vm, &args)?;
    audit(vm, "sqlite3.connect", || vec![file.clone()])?;
    if own(this).lock(vm).initialized {
        own(this).lock(vm).initialized = false;
        release(vm, this)?;
    }
    let path = taipan_stdlib::path::path_argument(vm, file)?;
    let mut flags = sql::SQLITE_OPEN_READWRITE | sql::SQLITE_OPEN_CREATE;
    if settings.uri {
        flags |= sql::SQLITE_OPEN_URI;
    }
    let (rc, database) = Database::open(&path, flags);
    let Some(database) = database else {
        return Err(vm.memory_error());
    };
    if rc != sql::SQLITE_OK {
        return Err(match database.error_code() {
            sql::SQLITE_OK => raise_result(vm, rc),
            _ => raise_last(vm, &database),
        });
    }
    database.set_timeout((settings.timeout * 1000.0) as i32);
    // The library is built with foreign keys on; the module's users expect SQLite's own default.
    database.option(sql::SQLITE_DBCONFIG_ENABLE_FKEY, 0);
    install(vm, this, database, &settings);
    if settings.autocommit == Autocommit::Disabled {
        transaction::begin_implicit(vm, this)?;
    }
    audit(vm, "sqlite3.connect/handle", || vec![this.clone()])
}

fn install(vm: &mut Vm, this: &Value, database: Database, settings: &Settings) {
    let former = {
        let mut state = own(this).lock(vm);
        state.detect_types = settings.detect_types.into();
        state.check_same_thread = settings.check_same_thread;
        state.thread = thread_ident();
        state.level.0 = settings.level;
        state.autocommit.0 = settings.autocommit;
        state.statements = statement::Cache::new(settings.cached_statements);
        state.initialized = true;
        let factories = (
            std::mem::replace(&mut state.row_factory, Value::none()),
            std::mem::replace(&mut state.text_factory, types::STR.to_value()),
        );
        (state.database.replace(Arc::new(database)), factories)
    };
    drop(former);
}
