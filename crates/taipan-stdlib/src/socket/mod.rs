//! `_socket`: sockets, names of hosts and services, addresses.
//!
//! `object` is the socket type, `transfer` and `message` its sending and receiving, `wait` the loop that all blocking calls go
//! through, `address` the addresses of all families in both directions, `resolve` the questions to the resolver.

mod address;
mod constants;
mod convert;
#[cfg(target_os = "linux")]
mod families;
mod message;
mod object;
mod resolve;
mod transfer;
mod wait;

pub use wait::Patience;

use crate::ModuleDef;
use crate::support::{add, add_functions, add_type, int_argument};
use taipan_core::{
    Args, Py, Raised, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, builtin_types,
};
use taipan_types::exceptions::os_error::raise_errno;

/// The module `_socket`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_socket",
    doc: "Implementation module for socket operations.\n\nSee the socket module for documentation.",
    functions: &[],
    init,
};

static HERROR: TypeObject = Type::declare("socket.herror");
static GAIERROR: TypeObject = Type::declare("socket.gaierror");

const fn error_spec(name: &'static str) -> TypeSpec {
    TypeSpec {
        name,
        base: Some(&builtin_types::OS_ERROR),
        flags: TypeFlags::BASE
            .union(TypeFlags::DICT)
            .union(TypeFlags::WEAKREF),
        ..TypeSpec::DEFAULT
    }
}

static HERROR_SPEC: TypeSpec = error_spec("socket.herror");
static GAIERROR_SPEC: TypeSpec = error_spec("socket.gaierror");

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    HERROR.define(&HERROR_SPEC);
    GAIERROR.define(&GAIERROR_SPEC);
    object::define();
    add(dict, "error", builtin_types::OS_ERROR.to_value());
    add(dict, "timeout", builtin_types::TIMEOUT_ERROR.to_value());
    add_type(dict, &HERROR);
    add_type(dict, &GAIERROR);
    add_type(dict, &object::SOCKET);
    add(dict, "SocketType", object::SOCKET.to_value());
    add(dict, "has_ipv6", Value::bool(true));
    for table in [
        &object::FUNCTIONS[..],
        &convert::FUNCTIONS[..],
        &resolve::FUNCTIONS[..],
        &message::FUNCTIONS[..],
    ] {
        add_functions(vm, dict, "_socket", table);
    }
    constants::define(dict);
    Ok(())
}

/// Raises the `OSError` of the last failed call.
#[cold]
fn fail(vm: &mut Vm) -> Raised {
    raise_errno(vm, crate::path::errno(), None)
}

/// Raises an `OSError` that has no number.
#[cold]
fn os_error(vm: &mut Vm, message: impl AsRef<str>) -> Raised {
    vm.raise(&builtin_types::OS_ERROR, message)
}

/// The positional arguments of a call, if there are as many as the function takes.
fn arguments<'a>(
    vm: &mut Vm,
    function: &str,
    args: Args<'a>,
    least: usize,
    most: usize,
) -> Py<&'a [Value]> {
    if args.has_keywords() {
        return Err(vm.type_error(format!("{function}() takes no keyword arguments")));
    }
    let given = args.pos().len();
    if (least..=most).contains(&given) {
        return Ok(args.pos());
    }
    let (bound, wanted) = match (least == most, given < least) {
        (true, _) => ("exactly", least),
        (false, true) => ("at least", least),
        (false, false) => ("at most", most),
    };
    let plural = if wanted == 1 { "" } else { "s" };
    Err(vm.type_error(format!(
        "{function}() takes {bound} {wanted} argument{plural} ({given} given)"
    )))
}

/// An optional C `int`.
fn int_or(vm: &mut Vm, value: Option<&Value>, default: i32) -> Py<i32> {
    match value {
        Some(value) => int_argument(vm, value),
        None => Ok(default),
    }
}

/// A C `unsigned int`, wrapped: argument parsing does not check its range.
fn wrapped_argument(vm: &mut Vm, value: &Value) -> Py<u32> {
    let number = vm.index(value)?;
    Ok(match number.as_i64() {
        Some(number) => number as u32,
        None => number
            .as_big()
            .map(|big| big & dashu_int::IBig::from(u32::MAX))
            .and_then(|low| u32::try_from(low).ok())
            .unwrap_or(0),
    })
}
