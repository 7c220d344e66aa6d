//! `_csv`: reading and writing of comma-separated values, and the registry of dialects.

mod dialect;
mod reader;
mod writer;

use crate::ModuleDef;
use crate::support::{add, add_type};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::latch::{Latch, LatchCell};
use taipan_core::str_object::{is_str, name, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, MethodDef, Py, Raised, Type, Value, Vm, f0, f1, raw, slice};
use taipan_types::list::new_list;

/// `_csv`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_csv",
    doc: "CSV parsing and writing.\n",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 7] = [
    raw(
        "reader(module, iterable, /, dialect='excel', **fmtparams)",
        reader::reader,
        "Return a reader object that will process lines from the given iterable.\n\n\
         The returned object is an iterator.  Each iteration returns a row\n\
         of the CSV file (which can span multiple input lines).",
    ),
    raw(
        "writer(module, fileobj, /, dialect='excel', **fmtparams)",
        writer::writer,
        "Return a writer object that will write user data on the given file object.\n\n\
         The \"fileobj\" argument can be any object that supports the file API.",
    ),
    f0(
        "list_dialects(module, /)",
        list_dialects,
        "Return a list of all known dialect names.",
    ),
    raw(
        "register_dialect(module, name, /, dialect='excel', **fmtparams)",
        register_dialect,
        "Create a mapping from a string name to a CVS dialect.",
    ),
    f1(
        "unregister_dialect(module, name, /)",
        unregister_dialect,
        "Delete the name/dialect mapping associated with a string name.",
    ),
    f1(
        "get_dialect(module, name, /)",
        |vm, _, name| registered(vm, name),
        "Return the dialect instance associated with name.",
    ),
    slice(
        "field_size_limit(module, new_limit=None, /)",
        field_size_limit,
        "Sets an upper limit on parsed fields.\n\n\
         Returns old limit. If limit is not given, no new limit is set and\n\
         the old limit is returned",
    ),
];

/// What belongs to an interpreter: the exception, the registered dialects, the longest field.
struct Csv {
    error: Latch<Option<Value>>,
    dialects: Value,
    limit: LatchCell<i64>,
}

impl Default for Csv {
    fn default() -> Csv {
        Csv {
            error: Latch::new(None),
            dialects: new_dict(),
            limit: LatchCell::new(128 * 1024),
        }
    }
}

fn state(vm: &Vm) -> &'static Csv {
    vm.interpreter_state::<Csv>()
}

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    dialect::define();
    reader::define();
    writer::define();
    let error = error_class(vm)?;
    add(dict, "Error", error);
    add(dict, "_dialects", state(vm).dialects.clone());
    add_type(dict, &dialect::DIALECT);
    add(dict, "Reader", reader::READER.to_value());
    add(dict, "Writer", writer::WRITER.to_value());
    for (flag, value) in [
        ("QUOTE_MINIMAL", dialect::QUOTE_MINIMAL),
        ("QUOTE_ALL", dialect::QUOTE_ALL),
        ("QUOTE_NONNUMERIC", dialect::QUOTE_NONNUMERIC),
        ("QUOTE_NONE", dialect::QUOTE_NONE),
        ("QUOTE_STRINGS", dialect::QUOTE_STRINGS),
        ("QUOTE_NOTNULL", dialect::QUOTE_NOTNULL),
    ] {
        add(dict, flag, Value::int(value));
    }
    Ok(())
}

/// The exception class, made on first use.
fn error_class(vm: &mut Vm) -> Py {
    if let Some(class) = state(vm).error.borrow().clone() {
        return Ok(class);
    }
    let namespace = new_dict();
    namespace
        .expect::<Dict>()
        .set_name(&name("__module__"), name("_csv"));
    let bases = new_tuple([types::EXCEPTION.to_value()]);
    let class = vm.call(&types::TYPE.to_value(), &[name("Error"), bases, namespace])?;
    *state(vm).error.borrow_mut() = Some(class.clone());
    Ok(class)
}

/// Raises `_csv.Error`.
fn error(vm: &mut Vm, message: &str) -> Raised {
    match error_class(vm) {
        Ok(class) => vm.raise_with(class.expect::<Type>(), &[new_str(message)]),
        Err(raised) => raised,
    }
}

/// The dialect registered under a name.
fn registered(vm: &mut Vm, name: &Value) -> Py {
    let dialects = state(vm).dialects.clone();
    match dialects.expect::<Dict>().get(vm, name)? {
        Some(dialect) => Ok(dialect),
        None => Err(error(vm, "unknown dialect")),
    }
}

fn list_dialects(vm: &mut Vm, _module: &Value) -> Py {
    Ok(new_list(state(vm).dialects.expect::<Dict>().keys()))
}

/// The first argument, the dialect, and the rest by name: how `reader` and the like are called.
#[expect(
    clippy::type_complexity,
    reason = "one caller, which takes it apart at once"
)]
fn split<'a>(
    vm: &mut Vm,
    function: &str,
    args: Args<'a>,
) -> Py<(&'a Value, Option<Value>, Vec<(Value, Value)>)> {
    let given = args.pos();
    let Some(first) = given.first() else {
        return Err(vm.type_error(format!("{function} expected at least 1 argument, got 0")));
    };
    if given.len() > 2 {
        let count = given.len();
        return Err(vm.type_error(format!(
            "{function} expected at most 2 arguments, got {count}"
        )));
    }
    let mut chosen = given.get(1).cloned();
    let mut rest = Vec::new();
    for (key, value) in args.keywords() {
        if chosen.is_none() && taipan_core::str_object::str_eq(key, &name("dialect")) {
            chosen = Some(value.clone());
        } else {
            rest.push((key.clone(), value.clone()));
        }
    }
    Ok((first, chosen, rest))
}

fn register_dialect(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let (name, chosen, parameters) = split(vm, "register_dialect", args)?;
    if !is_str(name) {
        return Err(vm.type_error("dialect name must be a string"));
    }
    let dialect = dialect::make(vm, chosen.as_ref(), &parameters)?;
    let dialects = state(vm).dialects.clone();
    drop(dialects.expect::<Dict>().insert(vm, name, dialect)?);
    Ok(Value::none())
}

fn unregister_dialect(vm: &mut Vm, _module: &Value, name: &Value) -> Py {
    let dialects = state(vm).dialects.clone();
    match dialects.expect::<Dict>().remove(vm, name)? {
        Some(_) => Ok(Value::none()),
        None => Err(error(vm, "unknown dialect")),
    }
}

fn field_size_limit(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let old = state(vm).limit.get();
    if let Some(limit) = args.first() {
        if !limit.is_int() {
            return Err(vm.type_error("limit must be an integer"));
        }
        let limit = vm.index_i64(limit)?;
        state(vm).limit.set(limit);
    }
    Ok(Value::int(old))
}
