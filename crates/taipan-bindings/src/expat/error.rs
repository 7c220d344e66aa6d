//! `ExpatError`.

use super::{own, state};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{name, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Py, Raised, Value, Vm};
use taipan_xml::ErrorCode;

/// The exception class, made on first use.
pub fn class(vm: &mut Vm) -> Py {
    if let Some(class) = state(vm).error.borrow().clone() {
        return Ok(class);
    }
    let namespace = new_dict();
    namespace
        .expect::<Dict>()
        .set_name(&name("__module__"), name("xml.parsers.expat"));
    let bases = new_tuple([types::EXCEPTION.to_value()]);
    let class = vm.call(
        &types::TYPE.to_value(),
        &[name("ExpatError"), bases, namespace],
    )?;
    *state(vm).error.borrow_mut() = Some(class.clone());
    Ok(class)
}

/// Raises what a parser says.
#[cold]
pub fn raise(vm: &mut Vm, this: &Value, code: ErrorCode) -> Raised {
    let place = own(this).lock(vm).parser.place();
    let line = place.line + 1;
    let message = format!("{}: line {line}, column {}", code.text(), place.column);
    raise_at(vm, code, line as i64, place.column as i64, &message)
}

/// Raises that an argument is refused.
#[cold]
pub fn refuse(vm: &mut Vm, this: &Value, message: &str) -> Raised {
    let place = own(this).lock(vm).parser.place();
    let (line, column) = (place.line as i64 + 1, place.column as i64);
    raise_at(vm, ErrorCode::InvalidArgument, line, column, message)
}

fn raise_at(vm: &mut Vm, code: ErrorCode, line: i64, column: i64, message: &str) -> Raised {
    match make(vm, code, line, column, message) {
        Ok(exception) => vm.raise_value(exception),
        Err(raised) => raised,
    }
}

fn make(vm: &mut Vm, code: ErrorCode, line: i64, column: i64, message: &str) -> Py {
    let class = class(vm)?;
    let exception = vm.call(&class, &[new_str(message)])?;
    for (attribute, value) in [("code", code as i64), ("lineno", line), ("offset", column)] {
        vm.set_attr_str(&exception, attribute, &Value::int(value))?;
    }
    Ok(exception)
}
