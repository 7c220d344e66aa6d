//! `pyexpat`: the parser of `taipan-xml` with handlers in Python.
//!
//! The parser gives one event at a time and rests between them, so it stays in its object's guarded state: an event becomes Python
//! objects under the guard, and the handler is called after the guard is gone. Whatever a handler does to the object is seen by
//! the next event.

mod constants;
mod convert;
mod error;
mod handlers;
mod methods;
mod run;

use handlers::HANDLERS;
pub(crate) use run::encoding_table;
use taipan_core::alloc::new_object;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::new_dict;
use taipan_core::latch::Latch;
use taipan_core::lock::Locked;
use taipan_core::str_object::{is_str, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, MethodDef, Obj, Py, Value, Vm, bound, f1};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::{add, native_type};
use taipan_types::arguments::type_name;
use taipan_xml::{Options, Parser};

use crate::support::{Shared, c_argument};

/// `pyexpat`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "pyexpat",
    doc: "Python wrapper for Expat parser.",
    functions: &FUNCTIONS,
    init,
};

native_type! {
    /// Payload of parsers.
    PARSER "pyexpat.xmlparser" Expat {
        // A dict, or `None`.
        intern: Value,
    }
    ExpatState {
        parser: Shared<Box<Parser>>,
        // One for each row of `HANDLERS`.
        handlers: Vec<Option<Value>>,
        // The handler of text was taken away while a handler ran: text goes nowhere.
        swallow_text: bool,
        // Which of the two default handlers was set last.
        default: Shared<handlers::DefaultKind>,
        // Strings of the parser's names.
        names: Vec<Option<Value>>,
        // Text that waits for more, if text is collected.
        buffer: Shared<String>,
        buffer_text: bool,
        buffer_size: usize,
        ordered_attributes: bool,
        specified_attributes: bool,
        namespace_prefixes: bool,
        // A handler runs.
        in_callback: bool,
        // `Parse` or `ParseFile` runs.
        busy: bool,
        // The number of the last error.
        error: i64,
    }
}

/// What belongs to an interpreter.
#[derive(Default)]
struct Module {
    error: Latch<Option<Value>>,
}

fn state(vm: &Vm) -> &'static Module {
    vm.interpreter_state::<Module>()
}

fn own(this: &Value) -> &Obj<Expat> {
    this.expect::<Expat>()
}

/// As much text as is collected if nobody says otherwise.
const BUFFER_SIZE: usize = 8192;

/// A new parser object.
fn new(mut parser: Parser, intern: Value) -> Value {
    parser.set_interest(taipan_xml::interest::UNKNOWN_ENCODING);
    new_object(Expat {
        intern,
        state: Locked::new(ExpatState {
            parser: Shared(Box::new(parser)),
            handlers: vec![None; HANDLERS.len()],
            swallow_text: false,
            default: Shared(handlers::DefaultKind::Expanding),
            names: Vec::new(),
            buffer: Shared(String::new()),
            buffer_text: false,
            buffer_size: BUFFER_SIZE,
            ordered_attributes: false,
            specified_attributes: false,
            namespace_prefixes: false,
            in_callback: false,
            busy: false,
            error: 0,
        }),
    })
}

static FUNCTIONS: [MethodDef; 2] = [
    bound(
        "ParserCreate(module, /, encoding=None, namespace_separator=None, intern=<unrepresentable>)",
        parser_create,
        "Return a new XML parser object.",
    ),
    f1(
        "ErrorString(module, code, /)",
        |vm, _, code| {
            let code = vm.index_i64(code)?;
            let text = taipan_xml::ErrorCode::from_number(code).map(|code| code.text());
            Ok(text.map_or_else(Value::none, new_str))
        },
        "Returns string error for given number.",
    ),
];

/// An argument that is a string without nulls, or `None`.
fn optional_text(vm: &mut Vm, name: &str, value: Option<&Value>) -> Py<Option<String>> {
    let Some(value) = value.filter(|value| !value.is_none()) else {
        return Ok(None);
    };
    if !is_str(value) {
        let got = type_name(value);
        let message = format!("ParserCreate() argument '{name}' must be str or None, not {got}");
        return Err(vm.type_error(message));
    }
    let text = c_argument(vm, name, value)?;
    Ok(Some(text.to_string_lossy().into_owned()))
}

fn parser_create(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let encoding = optional_text(vm, "encoding", args.get(0))?;
    let separator = optional_text(vm, "namespace_separator", args.get(1))?;
    let namespaces = match separator.as_deref().map(str::as_bytes) {
        None => None,
        Some([]) => Some(0),
        Some([byte]) => Some(*byte),
        Some(_) => {
            let message = "namespace_separator must be at most one character, omitted, or None";
            return Err(vm.value_error(message));
        }
    };
    let intern = match args.get(2) {
        None => new_dict(),
        Some(intern) if intern.is_none() || intern.is_instance(&types::DICT) => intern.clone(),
        Some(_) => return Err(vm.type_error("intern must be a dictionary")),
    };
    let parser = Parser::new(Options {
        encoding: encoding.as_deref(),
        namespaces,
    });
    Ok(new(parser, intern))
}

/// What the parser says of its version: that of the expat which it does the work of.
const VERSION: [i64; 3] = [2, 9, 0];

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    methods::define();
    let error = error::class(vm)?;
    add(dict, "error", error.clone());
    add(dict, "ExpatError", error);
    add(dict, "XMLParserType", PARSER.to_value());
    let [major, minor, micro] = VERSION;
    add(
        dict,
        "EXPAT_VERSION",
        new_str(&format!("expat_{major}.{minor}.{micro}")),
    );
    add(dict, "version_info", new_tuple(VERSION.map(Value::int)));
    add(dict, "native_encoding", new_str("UTF-8"));
    constants::add_all(vm, dict)
}
