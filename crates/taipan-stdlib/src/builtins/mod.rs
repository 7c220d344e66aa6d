//! `builtins`: the names that every program has.

mod anext;
pub mod import;
mod numbers;
mod objects;
pub mod output;
pub mod source;

use crate::ModuleDef;
use crate::config;
use crate::support::add;
use taipan_core::builtin_types as types;
use taipan_core::{
    MethodDef, Py, TypeObject, Value, Vm, bound, f0, f1, f2, for_each_exception, raw, slice,
};

/// The module `builtins`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "builtins",
    doc: "Built-in functions, types, exceptions, and other objects.\n\nThis module provides direct access to all 'built-in'\nidentifiers of Python; for example, builtins.len is\nthe full name for the built-in function len().",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 45] = [
    raw(
        "__build_class__(module, func, name, /, *bases, metaclass=None, **kwds)",
        objects::build_class_function,
        "Internal helper function used by the class statement.",
    ),
    bound(
        "__import__(module, /, name, globals=None, locals=None, fromlist=(), level=0)",
        import::import_function,
        "Import a module.\n\nThis function is what the import statement calls; importlib.import_module() is meant for programs.\nWith an empty fromlist the top package of name is returned, else the module itself.",
    ),
    f1(
        "abs(module, x, /)",
        numbers::abs,
        "Return the absolute value of the argument.",
    ),
    f1(
        "aiter(module, async_iterable, /)",
        anext::aiter,
        "Return an AsyncIterator for an AsyncIterable object.",
    ),
    f1(
        "all(module, iterable, /)",
        objects::all,
        "Return True if bool(x) is True for all values x in the iterable.",
    ),
    slice(
        "anext(module, aiterator, default=None, /)",
        anext::anext,
        "Return the next item from the async iterator.",
    ),
    f1(
        "any(module, iterable, /)",
        objects::any,
        "Return True if bool(x) is True for any x in the iterable.",
    ),
    f1(
        "ascii(module, obj, /)",
        objects::ascii,
        "Return an ASCII-only representation of an object.",
    ),
    f1(
        "bin(module, number, /)",
        numbers::bin,
        "Return the binary representation of an integer.\n\n>>> bin(1994)\n'0b11111001010'",
    ),
    raw(
        "breakpoint(module, /, *args, **kws)",
        output::breakpoint,
        "Call sys.breakpointhook(*args, **kws).  sys.breakpointhook() must accept\nwhatever arguments are passed.",
    ),
    f1(
        "callable(module, obj, /)",
        objects::callable,
        "Return whether the object is callable (i.e., some kind of function).",
    ),
    f1(
        "chr(module, i, /)",
        numbers::chr,
        "Return a Unicode string of one character with ordinal i; 0 <= i <= 0x10ffff.",
    ),
    bound(
        "compile(module, /, source, filename, mode, flags=0, dont_inherit=False, optimize=-1, *, _feature_version=-1)",
        source::compile,
        "Compile source into a code object that can be executed by exec() or eval().\n\nmode is 'exec' for a module, 'single' for an interactive statement, 'eval' for an expression.",
    ),
    f2(
        "delattr(module, obj, name, /)",
        objects::delattr,
        "Deletes the named attribute from the given object.",
    ),
    slice(
        "dir(module, object=None, /)",
        objects::dir,
        "Return the names in the current scope, or the attributes of an object.",
    ),
    f2(
        "divmod(module, x, y, /)",
        numbers::divmod,
        "Return the tuple (x//y, x%y).  Invariant: div*y + mod == x.",
    ),
    bound(
        "eval(module, source, /, globals=None, locals=None)",
        source::eval,
        "Evaluate the given source in the context of globals and locals.\n\nThe source may be a string representing a Python expression or a code object as returned by compile().",
    ),
    bound(
        "exec(module, source, /, globals=None, locals=None, *, closure=None)",
        source::exec,
        "Execute the given source in the context of globals and locals.\n\nThe source may be a string of Python statements or a code object as returned by compile().",
    ),
    slice(
        "format(module, value, format_spec='', /)",
        objects::format,
        "Return type(value).__format__(value, format_spec)",
    ),
    slice(
        "getattr(module, object, name, default=None, /)",
        objects::getattr,
        "Get a named attribute from an object.",
    ),
    f0(
        "globals(module, /)",
        objects::globals,
        "Return the dictionary containing the current scope's global variables.",
    ),
    f2(
        "hasattr(module, obj, name, /)",
        objects::hasattr,
        "Return whether the object has an attribute with the given name.",
    ),
    f1(
        "hash(module, obj, /)",
        numbers::hash,
        "Return the integer hash value for the given object.",
    ),
    f1(
        "hex(module, number, /)",
        numbers::hex,
        "Return the hexadecimal representation of an integer.\n\n>>> hex(51966)\n'0xcafe'",
    ),
    f1(
        "id(module, obj, /)",
        numbers::id,
        "Return the identity of an object.",
    ),
    slice(
        "input(module, prompt='', /)",
        output::input,
        "Read a string from standard input.  The trailing newline is stripped.",
    ),
    f2(
        "isinstance(module, obj, class_or_tuple, /)",
        objects::isinstance,
        "Return whether an object is an instance of a class or of a subclass thereof.",
    ),
    f2(
        "issubclass(module, cls, class_or_tuple, /)",
        objects::issubclass,
        "Return whether 'cls' is derived from another class or is the same class.",
    ),
    slice(
        "iter(module, object, sentinel=None, /)",
        objects::iter,
        "Get an iterator from an object, or one that calls a function until it returns the sentinel.",
    ),
    f1(
        "len(module, obj, /)",
        numbers::len,
        "Return the number of items in a container.",
    ),
    f0(
        "locals(module, /)",
        objects::locals,
        "Return a dictionary containing the current scope's local variables.",
    ),
    raw(
        "max(module, *args, key=None, default=None)",
        numbers::max,
        "max(iterable, *[, default, key]) -> value\nmax(first, second, *others[, key]) -> value\n\n\
         Return the biggest item of an iterable or of several arguments.",
    ),
    raw(
        "min(module, *args, key=None, default=None)",
        numbers::min,
        "min(iterable, *[, default, key]) -> value\nmin(first, second, *others[, key]) -> value\n\n\
         Return the smallest item of an iterable or of several arguments.",
    ),
    slice(
        "next(module, iterator, default=None, /)",
        objects::next,
        "Return the next item from the iterator, or the default if it is exhausted.",
    ),
    f1(
        "oct(module, number, /)",
        numbers::oct,
        "Return the octal representation of an integer.\n\n>>> oct(511)\n'0o777'",
    ),
    raw(
        "open(module, /, file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)",
        output::open,
        "Open file and return a stream.  Raise OSError upon failure.",
    ),
    f1(
        "ord(module, character, /)",
        numbers::ord,
        "Return the ordinal value of a character.",
    ),
    bound(
        "pow(module, /, base, exp, mod=None)",
        numbers::pow,
        "Equivalent to base**exp with 2 arguments or base**exp % mod with 3 arguments",
    ),
    raw(
        "print(module, /, *args, sep=' ', end='\\n', file=None, flush=False)",
        output::print,
        "Prints the values to a stream, or to sys.stdout by default.\n\n  sep\n    string inserted between values, default a space.\n  end\n    string appended after the last value, default a newline.\n  file\n    a file-like object (stream); defaults to the current sys.stdout.\n  flush\n    whether to forcibly flush the stream.",
    ),
    f1(
        "repr(module, obj, /)",
        objects::repr,
        "Return the canonical string representation of the object.",
    ),
    bound(
        "round(module, /, number, ndigits=None)",
        numbers::round,
        "Round a number to a given precision in decimal digits.",
    ),
    slice(
        "setattr(module, obj, name, value, /)",
        objects::setattr,
        "Sets the named attribute on the given object to the specified value.",
    ),
    raw(
        "sorted(module, iterable, /, *, key=None, reverse=False)",
        objects::sorted,
        "Return a new list containing all items from the iterable in ascending order.",
    ),
    bound(
        "sum(module, iterable, /, start=0)",
        numbers::sum,
        "Return the sum of a 'start' value (default: 0) plus an iterable of numbers",
    ),
    slice(
        "vars(module, object=None, /)",
        objects::vars,
        "Return the current local variables, or an object's __dict__.",
    ),
];

static TYPES: [&TypeObject; 26] = [
    &types::OBJECT,
    &types::TYPE,
    &types::SUPER,
    &types::INT,
    &types::BOOL,
    &types::FLOAT,
    &types::COMPLEX,
    &types::STR,
    &types::BYTES,
    &types::BYTEARRAY,
    &types::MEMORYVIEW,
    &types::LIST,
    &types::TUPLE,
    &types::DICT,
    &types::SET,
    &types::FROZENSET,
    &types::SLICE,
    &types::RANGE,
    &types::PROPERTY,
    &types::CLASSMETHOD,
    &types::STATICMETHOD,
    &types::ENUMERATE,
    &types::ZIP,
    &types::MAP,
    &types::FILTER,
    &types::REVERSED,
];

macro_rules! add_exceptions {
    ($($ident:ident $name:literal $base:ident)*) => {
        fn add_exceptions(dict: &Value) {
            $(add(dict, $name, types::$ident.to_value());)*
        }
    };
}

for_each_exception!(add_exceptions);

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    crate::ast::install(vm);
    add(dict, "None", Value::none());
    add(dict, "Ellipsis", Value::ellipsis());
    add(dict, "NotImplemented", Value::not_implemented());
    add(dict, "False", Value::bool(false));
    add(dict, "True", Value::bool(true));
    for ty in TYPES {
        add(dict, ty.name(), ty.to_value());
    }
    let debug = config::read(vm, |config| config.flags.optimize == 0);
    add(dict, "__debug__", Value::bool(debug));
    add_exceptions(dict);
    add(dict, "EnvironmentError", types::OS_ERROR.to_value());
    add(dict, "IOError", types::OS_ERROR.to_value());
    Ok(())
}
