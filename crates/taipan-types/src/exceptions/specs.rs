//! The hierarchy: one [`TypeSpec`] for each exception, made from its row in core's table.
//!
//! Families with members of their own have a layout static each, though all have the same payload: so a class cannot be derived
//! from two of them, whose fields would clash.

use super::{base, group, import_error, name_error, os_error, simple, syntax_error, unicode};
use taipan_core::builtin_types as types;
use taipan_core::exception::Exception;
use taipan_core::{Layout, Slots, TypeFlags, TypeObject, TypeSpec, for_each_exception};

static BASE: Layout = Layout::of::<Exception>();
static GROUP: Layout = Layout::of::<Exception>();
static STOP: Layout = Layout::of::<Exception>();
static EXIT: Layout = Layout::of::<Exception>();
static IMPORT: Layout = Layout::of::<Exception>();
static OS: Layout = Layout::of::<Exception>();
static ATTRIBUTE: Layout = Layout::of::<Exception>();
static NAME: Layout = Layout::of::<Exception>();
static SYNTAX: Layout = Layout::of::<Exception>();
static ENCODE: Layout = Layout::of::<Exception>();
static DECODE: Layout = Layout::of::<Exception>();
static TRANSLATE: Layout = Layout::of::<Exception>();

/// The declaration of the exception `name`.
const fn spec(name: &'static str, base: &'static TypeObject) -> TypeSpec {
    let plain = TypeSpec {
        name,
        base: Some(base),
        flags: TypeFlags::BASE,
        doc: doc(name),
        ..TypeSpec::DEFAULT
    };
    match name.as_bytes() {
        b"BaseException" => base_spec(plain),
        b"BaseExceptionGroup" => group_spec(plain),
        b"ExceptionGroup" => TypeSpec {
            flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
            ..plain
        },
        b"StopIteration" => TypeSpec {
            layout: Some(&STOP),
            slots: Slots {
                init: Some(simple::init_stop),
                ..Slots::NONE
            },
            getset: &simple::STOP_GETSET,
            ..plain
        },
        b"SystemExit" => TypeSpec {
            layout: Some(&EXIT),
            slots: Slots {
                init: Some(simple::init_exit),
                ..Slots::NONE
            },
            getset: &simple::EXIT_GETSET,
            ..plain
        },
        b"KeyError" => TypeSpec {
            slots: Slots {
                str: Some(base::key_error_str),
                ..Slots::NONE
            },
            ..plain
        },
        b"AttributeError" => TypeSpec {
            layout: Some(&ATTRIBUTE),
            slots: Slots {
                init: Some(name_error::init_attribute),
                ..Slots::NONE
            },
            methods: &name_error::ATTRIBUTE_METHODS,
            getset: &name_error::ATTRIBUTE_GETSET,
            ..plain
        },
        b"NameError" => TypeSpec {
            layout: Some(&NAME),
            slots: Slots {
                init: Some(name_error::init_name),
                ..Slots::NONE
            },
            getset: &name_error::NAME_GETSET,
            ..plain
        },
        b"ImportError" => TypeSpec {
            layout: Some(&IMPORT),
            slots: Slots {
                init: Some(import_error::init),
                str: Some(import_error::str),
                ..Slots::NONE
            },
            methods: &import_error::METHODS,
            getset: &import_error::GETSET,
            ..plain
        },
        b"OSError" => TypeSpec {
            layout: Some(&OS),
            slots: Slots {
                new: Some(os_error::new),
                init: Some(os_error::init),
                str: Some(os_error::str),
                ..Slots::NONE
            },
            methods: &os_error::METHODS,
            getset: &os_error::GETSET,
            ..plain
        },
        b"SyntaxError" => TypeSpec {
            layout: Some(&SYNTAX),
            slots: Slots {
                init: Some(syntax_error::init),
                str: Some(syntax_error::str),
                ..Slots::NONE
            },
            getset: &syntax_error::GETSET,
            ..plain
        },
        b"UnicodeEncodeError" => TypeSpec {
            layout: Some(&ENCODE),
            slots: Slots {
                init: Some(unicode::init_encode),
                str: Some(unicode::str_encode),
                ..Slots::NONE
            },
            getset: &unicode::GETSET,
            ..plain
        },
        b"UnicodeDecodeError" => TypeSpec {
            layout: Some(&DECODE),
            slots: Slots {
                init: Some(unicode::init_decode),
                str: Some(unicode::str_decode),
                ..Slots::NONE
            },
            getset: &unicode::GETSET,
            ..plain
        },
        b"UnicodeTranslateError" => TypeSpec {
            layout: Some(&TRANSLATE),
            slots: Slots {
                init: Some(unicode::init_translate),
                str: Some(unicode::str_translate),
                ..Slots::NONE
            },
            getset: &unicode::GETSET,
            ..plain
        },
        _ => plain,
    }
}

const fn base_spec(plain: TypeSpec) -> TypeSpec {
    TypeSpec {
        flags: TypeFlags::BASE
            .union(TypeFlags::DICT)
            .union(TypeFlags::EXCEPTION_SUBCLASS),
        layout: Some(&BASE),
        slots: Slots {
            new: Some(base::new),
            init: Some(base::init),
            repr: Some(base::repr),
            str: Some(base::str),
            ..Slots::NONE
        },
        methods: &base::METHODS,
        getset: &base::GETSET,
        ..plain
    }
}

const fn group_spec(plain: TypeSpec) -> TypeSpec {
    TypeSpec {
        layout: Some(&GROUP),
        slots: Slots {
            new: Some(group::new),
            init: Some(base::init),
            repr: Some(group::repr),
            str: Some(group::str),
            ..Slots::NONE
        },
        methods: &group::METHODS,
        getset: &group::GETSET,
        ..plain
    }
}

const fn doc(name: &'static str) -> &'static str {
    match name.as_bytes() {
        b"BaseException" => "Common base class for all exceptions",
        b"BaseExceptionGroup" => "A combination of multiple unrelated exceptions.",
        b"Exception" => "Common base class for all non-exit exceptions.",
        b"GeneratorExit" => "Request that a generator exit.",
        b"KeyboardInterrupt" => "Program interrupted by user.",
        b"SystemExit" => "Request to exit from the interpreter.",
        b"ArithmeticError" => "Base class for arithmetic errors.",
        b"AssertionError" => "Assertion failed.",
        b"AttributeError" => "Attribute not found.",
        b"BufferError" => "Buffer error.",
        b"EOFError" => "Read beyond end of file.",
        b"ImportError" => "Import can't find module, or can't find name in module.",
        b"LookupError" => "Base class for lookup errors.",
        b"MemoryError" => "Out of memory.",
        b"NameError" => "Name not found globally.",
        b"OSError" => "Base class for I/O related errors.",
        b"ReferenceError" => "Weak ref proxy used after referent went away.",
        b"RuntimeError" => "Unspecified run-time error.",
        b"StopAsyncIteration" => "Signal the end from iterator.__anext__().",
        b"StopIteration" => "Signal the end from iterator.__next__().",
        b"SyntaxError" => "Invalid syntax.",
        b"SystemError" => {
            "Internal error in the Python interpreter.\n\nPlease report this to the Python maintainer, along with the traceback,\nthe Python version, and the hardware/OS platform and version."
        }
        b"TypeError" => "Inappropriate argument type.",
        b"ValueError" => "Inappropriate argument value (of correct type).",
        b"Warning" => "Base class for warning categories.",
        b"FloatingPointError" => "Floating-point operation failed.",
        b"OverflowError" => "Result too large to be represented.",
        b"ZeroDivisionError" => "Second argument to a division or modulo operation was zero.",
        b"BytesWarning" => {
            "Base class for warnings about bytes and buffer related problems, mostly\nrelated to conversion from str or comparing to str."
        }
        b"DeprecationWarning" => "Base class for warnings about deprecated features.",
        b"EncodingWarning" => "Base class for warnings about encodings.",
        b"FutureWarning" => {
            "Base class for warnings about constructs that will change semantically\nin the future."
        }
        b"ImportWarning" => "Base class for warnings about probable mistakes in module imports",
        b"PendingDeprecationWarning" => {
            "Base class for warnings about features which will be deprecated\nin the future."
        }
        b"ResourceWarning" => "Base class for warnings about resource usage.",
        b"RuntimeWarning" => "Base class for warnings about dubious runtime behavior.",
        b"SyntaxWarning" => "Base class for warnings about dubious syntax.",
        b"UnicodeWarning" => {
            "Base class for warnings about Unicode related problems, mostly\nrelated to conversion problems."
        }
        b"UserWarning" => "Base class for warnings generated by user code.",
        b"BlockingIOError" => "I/O operation would block.",
        b"ChildProcessError" => "Child process error.",
        b"ConnectionError" => "Connection error.",
        b"FileExistsError" => "File already exists.",
        b"FileNotFoundError" => "File not found.",
        b"InterruptedError" => "Interrupted by signal.",
        b"IsADirectoryError" => "Operation doesn't work on directories.",
        b"NotADirectoryError" => "Operation only works on directories.",
        b"PermissionError" => "Not enough permissions.",
        b"ProcessLookupError" => "Process not found.",
        b"TimeoutError" => "Timeout expired.",
        b"IndentationError" => "Improper indentation.",
        b"_IncompleteInputError" => "incomplete input.",
        b"IndexError" => "Sequence index out of range.",
        b"KeyError" => "Mapping key not found.",
        b"ModuleNotFoundError" => "Module not found.",
        b"NotImplementedError" => "Method or function hasn't been implemented yet.",
        b"PythonFinalizationError" => "Operation blocked during Python finalization.",
        b"RecursionError" => "Recursion limit exceeded.",
        b"UnboundLocalError" => "Local name referenced but not bound to a value.",
        b"UnicodeError" => "Unicode related error.",
        b"BrokenPipeError" => "Broken pipe.",
        b"ConnectionAbortedError" => "Connection aborted.",
        b"ConnectionRefusedError" => "Connection refused.",
        b"ConnectionResetError" => "Connection reset.",
        b"TabError" => "Improper mixture of spaces and tabs.",
        b"UnicodeDecodeError" => "Unicode decoding error.",
        b"UnicodeEncodeError" => "Unicode encoding error.",
        b"UnicodeTranslateError" => "Unicode translation error.",
        _ => "",
    }
}

macro_rules! define_exceptions {
    ($($ident:ident $name:literal $base:ident)*) => {
        $({
            static SPEC: TypeSpec = spec($name, &types::$base);
            types::$ident.define(&SPEC);
        })*
    };
}

/// Defines all exceptions, bases first.
pub fn define_all() {
    for_each_exception!(define_exceptions);
    group::finish_hierarchy();
}
