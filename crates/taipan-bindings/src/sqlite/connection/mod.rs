//! `sqlite3.Connection`: its state, its attributes, and the methods that need no file of their own.

mod copy;
mod functions;
mod hooks;
mod open;
mod transaction;

use super::error::{self, Kind, operational, programming, raise_last};
use super::handle::Database;
use super::{Blob, BlobState, CONNECTION, CURSOR, Connection, Shared, constants};
use super::{callback, cursor, statement};
use crate::support::{c_argument, c_int, text_argument};
use std::sync::Arc;
use taipan_core::alloc::new_object;
use taipan_core::lock::Locked;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeSpec, Value, Vm,
    bound, f0, f1, getset, getter, name, raw, slice,
};
use taipan_stdlib::audit::audit;
use taipan_stdlib::locks::thread_ident;
use taipan_stdlib::warnings::warn_resource;

pub use open::warn_positional;
pub use transaction::{Autocommit, Level, begin_for_change, commit_legacy};

static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Connection",
    flags: TypeFlags::BASE,
    layout: Some(const { &Layout::of::<Connection>() }),
    slots: Slots {
        new: Some(open::new),
        init: Some(open::init),
        finalize: Some(finalize),
        call: Some(call),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "SQLite database connection object.",
    ..TypeSpec::DEFAULT
};

static METHODS: [MethodDef; 28] = [
    bound(
        "backup(self, /, target, *, pages=-1, progress=None, name='main', sleep=0.25)",
        copy::backup,
        "Copy the database into that of another connection.",
    ),
    f0(
        "close(self, /)",
        close,
        "Close the database connection.\n\nAn open transaction is not committed.",
    ),
    f0(
        "commit(self, /)",
        transaction::commit,
        "Commit the open transaction, if there is one.",
    ),
    raw(
        "create_aggregate(self, /, name, n_arg, aggregate_class)",
        functions::create_aggregate,
        "Create or remove an aggregate function of SQL.",
    ),
    slice(
        "create_collation(self, name, callback, /)",
        functions::create_collation,
        "Create or remove an order of strings.",
    ),
    raw(
        "create_function(self, /, name, narg, func, *, deterministic=False)",
        functions::create_function,
        "Create or remove a function of SQL.",
    ),
    bound(
        "cursor(self, /, factory=<unrepresentable>)",
        make_cursor,
        "Return a cursor for the connection.",
    ),
    f1(
        "enable_load_extension(self, enable, /)",
        enable_load_extension,
        "Allow or forbid loading extensions of SQLite.",
    ),
    f0("__enter__(self, /)", enter, "Return the connection."),
    slice(
        "executemany(self, sql, parameters, /)",
        |vm, this, args| through_cursor(vm, this, name!("executemany"), args),
        "Run a statement once for each row of parameters, with a new cursor.",
    ),
    f1(
        "executescript(self, sql_script, /)",
        |vm, this, script| {
            through_cursor(
                vm,
                this,
                name!("executescript"),
                std::slice::from_ref(script),
            )
        },
        "Run all statements of a text, with a new cursor.",
    ),
    slice(
        "execute(self, sql, parameters=(), /)",
        |vm, this, args| through_cursor(vm, this, name!("execute"), args),
        "Run a statement with a new cursor.",
    ),
    slice(
        "__exit__(self, type, value, traceback, /)",
        transaction::exit,
        "Commit if there was no exception, else roll back.",
    ),
    f0(
        "interrupt(self, /)",
        interrupt,
        "Abort what the database does now.",
    ),
    bound(
        "iterdump(self, /, *, filter=None)",
        iter_dump,
        "Iterate over SQL statements that make the database again.",
    ),
    bound(
        "load_extension(self, name, /, *, entrypoint=None)",
        load_extension,
        "Load an extension of SQLite from a file.",
    ),
    f0(
        "rollback(self, /)",
        transaction::rollback,
        "Undo the open transaction, if there is one.",
    ),
    raw(
        "set_authorizer(self, /, authorizer_callback)",
        hooks::set_authorizer,
        "Set the function that is asked before data are accessed.",
    ),
    raw(
        "set_progress_handler(self, /, progress_handler, n)",
        hooks::set_progress_handler,
        "Set the function that is called every n instructions of SQLite's machine.",
    ),
    raw(
        "set_trace_callback(self, /, trace_callback)",
        hooks::set_trace_callback,
        "Set the function that is told each statement that runs.",
    ),
    slice(
        "setlimit(self, category, limit, /)",
        set_limit,
        "Set a limit of the connection; returns the former one.",
    ),
    f1(
        "getlimit(self, category, /)",
        get_limit,
        "Return a limit of the connection.",
    ),
    bound(
        "serialize(self, /, *, name='main')",
        copy::serialize,
        "Return a database as the bytes of its file.",
    ),
    bound(
        "deserialize(self, data, /, *, name='main')",
        copy::deserialize,
        "Replace a database by one in memory, given as the bytes of its file.",
    ),
    slice(
        "create_window_function(self, name, num_params, aggregate_class, /)",
        functions::create_window_function,
        "Create or remove an aggregate window function of SQL.",
    ),
    bound(
        "blobopen(self, table, column, rowid, /, *, readonly=False, name='main')",
        open_blob,
        "Open a blob for reading and writing parts of it.",
    ),
    slice(
        "setconfig(self, op, enable=True, /)",
        set_config,
        "Set a boolean option of the connection.",
    ),
    f1(
        "getconfig(self, op, /)",
        get_config,
        "Return a boolean option of the connection.",
    ),
];

macro_rules! exception {
    ($name:literal, $kind:expr) => {
        getset($name, |vm, _| Ok(error::class(vm, $kind)), read_only, "")
    };
}

static GETSET: [GetSetDef; 17] = [
    exception!("Warning", Kind::Warning),
    exception!("Error", Kind::Error),
    exception!("InterfaceError", Kind::Interface),
    exception!("DatabaseError", Kind::Database),
    exception!("DataError", Kind::Data),
    exception!("OperationalError", Kind::Operational),
    exception!("IntegrityError", Kind::Integrity),
    exception!("InternalError", Kind::Internal),
    exception!("ProgrammingError", Kind::Programming),
    exception!("NotSupportedError", Kind::NotSupported),
    getset(
        "isolation_level",
        transaction::get_level,
        transaction::set_level,
        "",
    ),
    getter(
        "total_changes",
        |vm, this| Ok(Value::int(database(vm, this)?.total_changes())),
        "",
    ),
    getter(
        "in_transaction",
        |vm, this| Ok(Value::bool(!database(vm, this)?.autocommit())),
        "",
    ),
    getset(
        "autocommit",
        transaction::get_autocommit,
        transaction::set_autocommit,
        "",
    ),
    getter("__text_signature__", |_, _| Ok(new_str("(sql, /)")), ""),
    getset(
        "row_factory",
        |vm, this| Ok(own(this).lock(vm).row_factory.clone()),
        |vm, this, value| {
            let value = not_deleted(vm, value, "row_factory")?;
            let old = std::mem::replace(&mut own(this).lock(vm).row_factory, value);
            drop(old);
            Ok(())
        },
        "",
    ),
    getset(
        "text_factory",
        |vm, this| Ok(own(this).lock(vm).text_factory.clone()),
        |vm, this, value| {
            let value = not_deleted(vm, value, "text_factory")?;
            let old = std::mem::replace(&mut own(this).lock(vm).text_factory, value);
            drop(old);
            Ok(())
        },
        "",
    ),
];

pub fn define() {
    CONNECTION.define(&SPEC);
}

pub fn own(this: &Value) -> &Obj<Connection> {
    this.expect::<Connection>()
}

pub fn read_only(vm: &mut Vm, _this: &Value, _value: Option<&Value>) -> Py<()> {
    Err(vm.attribute_error("readonly attribute"))
}

/// The value to be set; the attribute cannot be deleted.
pub fn not_deleted(vm: &mut Vm, value: Option<&Value>, attribute: &str) -> Py {
    match value {
        Some(value) => Ok(value.clone()),
        None => Err(vm.attribute_error(format!("cannot delete {attribute} attribute"))),
    }
}

// ---- checks ----

/// The open database; it stays open at least as long as the result lives.
pub fn database(vm: &mut Vm, this: &Value) -> Py<Arc<Database>> {
    let (initialized, database) = {
        let state = own(this).lock(vm);
        (state.initialized, state.database.0.clone())
    };
    match database {
        _ if !initialized => Err(programming(vm, "Base Connection.__init__ not called.")),
        Some(database) => Ok(database),
        None => Err(programming(vm, "Cannot operate on a closed database.")),
    }
}

/// Refuses threads other than the one that made the connection, if it was asked to.
pub fn check_thread(vm: &mut Vm, this: &Value) -> Py<()> {
    let (initialized, check, made_in) = {
        let state = own(this).lock(vm);
        (state.initialized, state.check_same_thread, state.thread)
    };
    let here = thread_ident();
    if !initialized || !check || made_in == here {
        return Ok(());
    }
    let message = format!(
        "SQLite objects created in a thread can only be used in that same thread. \
         The object was created in thread id {made_in} and this is thread id {here}."
    );
    Err(programming(vm, message))
}

/// Both checks; gives the database.
pub fn checked(vm: &mut Vm, this: &Value) -> Py<Arc<Database>> {
    check_thread(vm, this)?;
    database(vm, this)
}

// ---- the end ----

/// Lets go of the database and of all that depends on it.
fn release(vm: &mut Vm, this: &Value) -> Py<()> {
    let undone = transaction::end_implicit(vm, this);
    let (database, statements, blobs, hooks) = {
        let mut state = own(this).lock(vm);
        (
            state.database.take(),
            state.statements.take(),
            std::mem::take(&mut state.blobs.0),
            [
                state.authorizer.take(),
                state.progress.take(),
                state.trace.take(),
            ],
        )
    };
    for blob in blobs {
        if let Some(blob) = blob.upgrade() {
            blob.close();
        }
    }
    if let Some(database) = &database {
        hooks::remove_all(database);
    }
    drop(statements);
    drop(database);
    drop(hooks);
    callback::bury();
    undone
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    check_thread(vm, this)?;
    if !own(this).lock(vm).initialized {
        return Err(programming(vm, "Base Connection.__init__ not called."));
    }
    release(vm, this)?;
    Ok(Value::none())
}

fn finalize(vm: &mut Vm, this: &Value) {
    let Some(connection) = this.cast::<Connection>() else {
        return;
    };
    if connection.lock(vm).database.is_none() {
        return;
    }
    let warned = match vm.repr_string(this) {
        Ok(shown) => warn_resource(vm, this, &format!("unclosed database in {shown}"), 1),
        Err(raised) => Err(raised),
    };
    if let Err(raised) = warned {
        vm.unraisable(raised, "Exception ignored in", Some(this));
    }
    if let Err(raised) = release(vm, this) {
        vm.unraisable(raised, "Exception ignored in", Some(this));
    }
}

// ---- statements ----

/// `connection(sql)`: a prepared statement.
fn call(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    if args.has_keywords() {
        return Err(vm.type_error("sqlite3.Connection() takes no keyword arguments"));
    }
    database(vm, this)?;
    let [text] = args.pos() else {
        let given = args.pos().len();
        let message = format!("function takes exactly 1 argument ({given} given)");
        return Err(vm.type_error(message));
    };
    let text = text_argument(vm, "argument 1", text)?;
    statement::create(vm, this, &text)
}

fn make_cursor(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    cursor_by(vm, this, args.get(0))
}

fn cursor_by(vm: &mut Vm, this: &Value, factory: Option<&Value>) -> Py {
    checked(vm, this)?;
    let class = CURSOR.to_value();
    let made = vm.call(factory.unwrap_or(&class), std::slice::from_ref(this))?;
    if !made.is_instance(&CURSOR) {
        let got = made.type_of().name();
        return Err(vm.type_error(format!("factory must return a cursor, not {got}")));
    }
    let row_factory = own(this).lock(vm).row_factory.clone();
    if !row_factory.is_none() {
        cursor::set_row_factory(vm, &made, row_factory);
    }
    Ok(made)
}

fn through_cursor(vm: &mut Vm, this: &Value, method: &Value, args: &[Value]) -> Py {
    let make = vm.get_attr(this, name!("cursor"))?;
    let cursor = vm.call(&make, &[])?;
    vm.call_method(&cursor, method, args)
}

fn enter(vm: &mut Vm, this: &Value) -> Py {
    checked(vm, this)?;
    Ok(this.clone())
}

fn interrupt(vm: &mut Vm, this: &Value) -> Py {
    database(vm, this)?.interrupt();
    Ok(Value::none())
}

fn iter_dump(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    database(vm, this)?;
    let builtins = vm.interpreter().builtins.get();
    let import = match builtins {
        Some(builtins) => vm.get_item(&builtins, name!("__import__"))?,
        None => return Err(vm.system_error("no builtins")),
    };
    let from = new_tuple([new_str("_iterdump")]);
    let arguments = [new_str("sqlite3.dump"), Value::none(), Value::none(), from];
    let module = vm.call(&import, &arguments)?;
    let Some(dump) = vm.get_attr_opt(&module, name!("_iterdump"))? else {
        return Err(operational(vm, "Failed to obtain _iterdump() reference"));
    };
    let filter = args.get(0).cloned().unwrap_or_else(Value::none);
    let names = [name!("filter").clone()];
    vm.call_args(&dump, Args::new(&[this.clone(), filter], &names))
}

// ---- extensions ----

fn enable_load_extension(vm: &mut Vm, this: &Value, enable: &Value) -> Py {
    let enable_value = vm.truth(enable)?;
    audit(vm, "sqlite3.enable_load_extension", || {
        vec![this.clone(), Value::bool(enable_value)]
    })?;
    let database = checked(vm, this)?;
    if database.enable_load_extension(enable_value) != libsqlite3_sys::SQLITE_OK {
        return Err(operational(vm, "Error enabling load extension"));
    }
    Ok(Value::none())
}

fn load_extension(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let file = c_argument(vm, "load_extension() argument 1", args.req(0))?;
    let entry = match args.get_not_none(1) {
        None => None,
        Some(entry) if taipan_core::str_object::is_str(entry) => {
            Some(crate::support::utf8_c(vm, entry)?)
        }
        Some(entry) => {
            let got = entry.type_of().name();
            let message =
                format!("load_extension() argument 'entrypoint' must be str or None, not {got}");
            return Err(vm.type_error(message));
        }
    };
    audit(vm, "sqlite3.load_extension", || {
        vec![this.clone(), args.req(0).clone()]
    })?;
    let database = checked(vm, this)?;
    match copy::load_extension(&database, &file, entry.as_deref()) {
        Ok(()) => Ok(Value::none()),
        Err(message) => Err(operational(vm, message)),
    }
}

// ---- limits and options ----

fn set_limit(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let category = c_int(vm, &args[0])?;
    let limit = c_int(vm, &args[1])?;
    limit_of(vm, this, category, limit)
}

fn get_limit(vm: &mut Vm, this: &Value, category: &Value) -> Py {
    let category = c_int(vm, category)?;
    limit_of(vm, this, category, -1)
}

fn limit_of(vm: &mut Vm, this: &Value, category: i32, limit: i32) -> Py {
    let former = checked(vm, this)?.limit(category, limit);
    if former < 0 {
        return Err(programming(vm, "'category' is out of bounds"));
    }
    Ok(Value::int(former.into()))
}

fn option(vm: &mut Vm, op: &Value) -> Py<i32> {
    let op = c_int(vm, op)?;
    if constants::OPTIONS
        .iter()
        .any(|(_, number)| *number == i64::from(op))
    {
        return Ok(op);
    }
    Err(vm.value_error(format!("unknown config 'op': {op}")))
}

fn set_config(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let op = c_int(vm, &args[0])?;
    let enable = match args.get(1) {
        Some(enable) => vm.truth(enable)?,
        None => true,
    };
    let database = checked(vm, this)?;
    let op = option(vm, &Value::int(op.into()))?;
    let (rc, now) = database.option(op, enable.into());
    if rc != libsqlite3_sys::SQLITE_OK {
        return Err(raise_last(vm, &database));
    }
    if (now != 0) != enable {
        return Err(operational(vm, "Unable to set config"));
    }
    Ok(Value::none())
}

fn get_config(vm: &mut Vm, this: &Value, op: &Value) -> Py {
    let op = c_int(vm, op)?;
    let database = checked(vm, this)?;
    let op = option(vm, &Value::int(op.into()))?;
    let (rc, now) = database.option(op, -1);
    if rc != libsqlite3_sys::SQLITE_OK {
        return Err(raise_last(vm, &database));
    }
    Ok(Value::bool(now != 0))
}

// ---- blobs ----

fn open_blob(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let table = c_argument(vm, "blobopen() argument 1", args.req(0))?;
    let column = c_argument(vm, "blobopen() argument 2", args.req(1))?;
    let row = args.req(2);
    if !row.is_int() {
        return Err(vm.type_error("expected 'int'"));
    }
    let Some(row) = row.as_i64() else {
        return Err(vm.overflow_error("Python int too large to convert to SQLite INTEGER"));
    };
    let read_only = match args.get(3) {
        Some(flag) => vm.truth(flag)?,
        None => false,
    };
    let schema = match args.get(4) {
        Some(schema) => c_argument(vm, "blobopen() argument 'name'", schema)?,
        None => c"main".into(),
    };
    let database = checked(vm, this)?;
    let opened = database.open_blob([&schema, &table, &column], row, !read_only);
    callback::bury();
    let Ok(opened) = opened else {
        return Err(raise_last(vm, &database));
    };
    let opened = Arc::new(opened);
    {
        let mut state = own(this).lock(vm);
        state.blobs.retain(|blob| blob.strong_count() > 0);
        state.blobs.push(Arc::downgrade(&opened));
    }
    Ok(new_object(Blob {
        connection: this.clone(),
        open: Shared(opened),
        state: Locked::new(BlobState { offset: 0 }),
    }))
}
