//! `aiter` and `anext`.

use taipan_core::{Py, Value, Vm};
use taipan_interp::generator_type::anext_awaitable;

pub(super) fn aiter(vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    let Some(aiter) = object.type_of().slots().aiter else {
        let message = format!(
            "'{}' object is not an async iterable",
            object.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let iterator = aiter(vm, object)?;
    if iterator.type_of().slots().anext.is_none() {
        let message = format!(
            "aiter() returned not an async iterator of type '{}'",
            iterator.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    Ok(iterator)
}

pub(super) fn anext(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let Some(iterator) = args.first() else {
        return Err(vm.type_error("anext expected at least 1 argument, got 0"));
    };
    let Some(anext) = iterator.type_of().slots().anext else {
        let message = format!(
            "'{}' object is not an async iterator",
            iterator.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let wrapped = anext(vm, iterator)?;
    match args.get(1) {
        Some(default) => Ok(anext_awaitable(wrapped, default.clone())),
        None => Ok(wrapped),
    }
}
