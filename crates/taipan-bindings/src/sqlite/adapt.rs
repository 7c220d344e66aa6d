//! Adapters and converters: functions of the program between its own types and those of SQLite (after PEP 246).

use super::error::programming;
use super::{PROTOCOL, PrepareProtocol, PrepareProtocolState, adapters, converters, state};
use crate::support::text_argument;
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::Dict;
use taipan_core::lock::Locked;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, Layout, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm, name};

static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.PrepareProtocol",
    flags: TypeFlags::empty(),
    layout: Some(const { &Layout::of::<PrepareProtocol>() }),
    slots: Slots {
        new: Some(new),
        init: Some(|_, _, _| Ok(())),
        ..Slots::NONE
    },
    doc: "PEP 246 style object adaption protocol type.",
    ..TypeSpec::DEFAULT
};

pub fn define() {
    PROTOCOL.define(&SPEC);
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    let state = Locked::new(PrepareProtocolState {});
    Ok(new_instance(cls, PrepareProtocol { state }))
}

/// Is the value of a type that goes to SQLite as it is?
pub fn is_basic(value: &Value) -> bool {
    [&types::INT, &types::FLOAT, &types::STR, &types::BYTEARRAY]
        .iter()
        .any(|ty| value.is_exact(ty))
}

pub fn register_adapter(vm: &mut Vm, _module: &Value, ty: &Value, adapter: &Value) -> Py {
    let basic = [&types::INT, &types::FLOAT, &types::STR, &types::BYTEARRAY];
    if basic.iter().any(|basic| ty.is(&basic.to_value())) {
        state(vm).basic_adapted.set(true);
    }
    let key = new_tuple([ty.clone(), PROTOCOL.to_value()]);
    let table = adapters(vm);
    table.expect::<Dict>().insert(vm, &key, adapter.clone())?;
    Ok(Value::none())
}

pub fn register_converter(vm: &mut Vm, _module: &Value, title: &Value, function: &Value) -> Py {
    let title = text_argument(vm, "register_converter() argument 1", title)?;
    let key = vm.call_method(&title, name!("upper"), &[])?;
    let table = converters(vm);
    table.expect::<Dict>().insert(vm, &key, function.clone())?;
    Ok(Value::none())
}

/// The converter for a type's name as SQLite gives it.
pub fn converter_for(vm: &mut Vm, title: &[u8]) -> Py<Option<Value>> {
    let title = new_str(&String::from_utf8_lossy(title));
    let key = vm.call_method(&title, name!("upper"), &[])?;
    let table = converters(vm);
    table.expect::<Dict>().get(vm, &key)
}

pub fn adapt_function(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let default = PROTOCOL.to_value();
    adapt(vm, &args[0], args.get(1).unwrap_or(&default), args.get(2))
}

/// Adapts an object: by the adapter of its type, else by the protocol, else by the object itself, else it is `otherwise`.
pub fn adapt(vm: &mut Vm, object: &Value, protocol: &Value, otherwise: Option<&Value>) -> Py {
    let key = new_tuple([object.type_of().to_value(), protocol.clone()]);
    let table = adapters(vm);
    if let Some(adapter) = table.expect::<Dict>().get(vm, &key)? {
        return vm.call(&adapter, std::slice::from_ref(object));
    }
    if let Some(adapted) = ask(vm, protocol, name!("__adapt__"), object)? {
        return Ok(adapted);
    }
    if let Some(adapted) = ask(vm, object, name!("__conform__"), protocol)? {
        return Ok(adapted);
    }
    match otherwise {
        Some(otherwise) => Ok(otherwise.clone()),
        None => Err(programming(vm, "can't adapt")),
    }
}

/// Calls a method that may be missing, or may not know the other: `None` or `TypeError`.
fn ask(vm: &mut Vm, object: &Value, method: &Value, other: &Value) -> Py<Option<Value>> {
    let Some(method) = vm.get_attr_opt(object, method)? else {
        return Ok(None);
    };
    match vm.call(&method, std::slice::from_ref(other)) {
        Ok(answer) if answer.is_none() => Ok(None),
        Ok(answer) => Ok(Some(answer)),
        Err(raised) => {
            vm.catch(raised, &types::TYPE_ERROR)?;
            Ok(None)
        }
    }
}
