//! The exceptions of the module.

use super::problem::Problem;
use std::sync::Mutex;
use taipan_core::builtin_types::{OS_ERROR, TYPE, VALUE_ERROR};
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{is_str, name, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Py, Raised, Slots, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm};
use taipan_stdlib::support::add;

pub static SSL_ERROR: TypeObject = Type::declare("ssl.SSLError");

static SPEC: TypeSpec = TypeSpec {
    name: "ssl.SSLError",
    base: Some(&OS_ERROR),
    flags: TypeFlags::BASE.union(TypeFlags::DICT),
    slots: Slots {
        str: Some(to_str),
        ..Slots::NONE
    },
    doc: "An error occurred in the SSL implementation.",
    ..TypeSpec::DEFAULT
};

fn to_str(vm: &mut Vm, this: &Value) -> Py {
    let text = vm.get_attr_str(this, "strerror")?;
    if is_str(&text) {
        return Ok(text);
    }
    let args = vm.get_attr_str(this, "args")?;
    vm.str(&args)
}

/// The exceptions beside `SSLError`, in the order of `CLASSES`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Verification,
    ZeroReturn,
    WantWrite,
    WantRead,
    Eof,
}

const CLASSES: [(&str, &str); 6] = [
    (
        "SSLCertVerificationError",
        "A certificate could not be verified.",
    ),
    ("SSLZeroReturnError", "SSL/TLS session closed cleanly."),
    (
        "SSLWantWriteError",
        "Non-blocking SSL socket needs to write more data\nbefore the requested operation can be completed.",
    ),
    (
        "SSLWantReadError",
        "Non-blocking SSL socket needs to read more data\nbefore the requested operation can be completed.",
    ),
    ("SSLEOFError", "SSL/TLS connection terminated abruptly."),
    // Never raised: the system's errors are passed on as they are.
    (
        "SSLSyscallError",
        "System error when attempting SSL operation.",
    ),
];

/// An interpreter's classes.
#[derive(Default)]
struct Classes(Mutex<Vec<Value>>);

fn classes(vm: &Vm) -> std::sync::MutexGuard<'static, Vec<Value>> {
    let state = vm.interpreter_state::<Classes>();
    state
        .0
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub fn define(vm: &mut Vm, dict: &Value) -> Py<()> {
    SSL_ERROR.define(&SPEC);
    add(dict, "SSLError", SSL_ERROR.to_value());
    if classes(vm).is_empty() {
        let mut made = Vec::new();
        for (title, doc) in CLASSES {
            let namespace = new_dict();
            let fill = namespace.expect::<Dict>();
            fill.set_name(&name("__module__"), name("ssl"));
            fill.set_name(&name("__doc__"), new_str(doc));
            let mut bases = vec![SSL_ERROR.to_value()];
            if made.is_empty() {
                bases.push(VALUE_ERROR.to_value());
            }
            let arguments = [name(title), new_tuple(bases), namespace];
            made.push(vm.call(&TYPE.to_value(), &arguments)?);
        }
        *classes(vm) = made;
    }
    let made = classes(vm).clone();
    for ((title, _), class) in CLASSES.iter().zip(made) {
        add(dict, title, class);
    }
    Ok(())
}

fn class(vm: &Vm, kind: Option<Kind>) -> Value {
    kind.and_then(|kind| classes(vm).get(kind as usize).cloned())
        .unwrap_or_else(|| SSL_ERROR.to_value())
}

fn make(
    vm: &mut Vm,
    kind: Option<Kind>,
    number: i32,
    text: &str,
    origin: Option<(&str, &str)>,
) -> Py {
    let class = class(vm, kind);
    let text = match origin {
        Some((library, reason)) => format!("[{library}: {reason}] {text}"),
        None => text.to_owned(),
    };
    let exception = vm.call(&class, &[Value::from_i32(number), new_str(&text)])?;
    let part = |text: Option<&str>| text.map_or_else(Value::none, new_str);
    vm.set_attr_str(&exception, "reason", &part(origin.map(|origin| origin.1)))?;
    vm.set_attr_str(&exception, "library", &part(origin.map(|origin| origin.0)))?;
    Ok(exception)
}

fn thrown(vm: &mut Vm, exception: Py) -> Raised {
    match exception {
        Ok(exception) => vm.raise_value(exception),
        Err(raised) => raised,
    }
}

#[cold]
pub fn want_read(vm: &mut Vm) -> Raised {
    let text = "The operation did not complete (read)";
    let made = make(vm, Some(Kind::WantRead), 2, text, None);
    thrown(vm, made)
}

#[cold]
pub fn want_write(vm: &mut Vm) -> Raised {
    let text = "The operation did not complete (write)";
    let made = make(vm, Some(Kind::WantWrite), 3, text, None);
    thrown(vm, made)
}

#[cold]
pub fn zero_return(vm: &mut Vm) -> Raised {
    let text = "TLS/SSL connection has been closed (EOF)";
    let made = make(vm, Some(Kind::ZeroReturn), 6, text, None);
    thrown(vm, made)
}

/// An `SSLError` that is not of the protocol.
#[cold]
pub fn plain(vm: &mut Vm, number: i32, text: &str) -> Raised {
    let made = make(vm, None, number, text, None);
    thrown(vm, made)
}

/// The exception for a failure.
#[cold]
pub fn raise(vm: &mut Vm, problem: Problem) -> Raised {
    let made = match problem {
        Problem::NoMemory => return vm.memory_error(),
        Problem::System(errno) => {
            return taipan_types::exceptions::os_error::raise_errno(vm, errno, None);
        }
        Problem::Eof => {
            let origin = Some(("SSL", "UNEXPECTED_EOF_WHILE_READING"));
            let text = "EOF occurred in violation of protocol";
            make(vm, Some(Kind::Eof), 8, text, origin)
        }
        Problem::Protocol(library, reason, text) => {
            make(vm, None, 1, &text, Some((library, &reason)))
        }
        Problem::Verification(code, text) => verification(vm, code, &text),
    };
    thrown(vm, made)
}

fn verification(vm: &mut Vm, code: i32, text: &str) -> Py {
    let origin = Some(("SSL", "CERTIFICATE_VERIFY_FAILED"));
    let long = format!("certificate verify failed: {text}");
    let exception = make(vm, Some(Kind::Verification), 1, &long, origin)?;
    vm.set_attr_str(&exception, "verify_code", &Value::from_i32(code))?;
    vm.set_attr_str(&exception, "verify_message", &new_str(text))?;
    Ok(exception)
}
