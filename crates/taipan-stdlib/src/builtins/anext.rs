//! `aiter` and `anext`, and the awaitable that `anext` with a default gives.

use taipan_core::builtin_types::{COROUTINE, STOP_ASYNC_ITERATION};
use taipan_core::{
    Layout, MethodDef, Payload, Py, Raised, Slots, Tracer, Type, TypeObject, TypeSpec, Value, Vm,
    alloc, f0, f1, name, slice,
};
use taipan_interp::generator;
use taipan_interp::ops::coroutine::awaitable_iter;

/// The type `anext_awaitable`.
pub static ANEXT_AWAITABLE: TypeObject = Type::declare("builtins.anext_awaitable");

/// Payload: what `__anext__` gave, and the default.
pub struct AnextAwaitable {
    wrapped: Value,
    default: Value,
}

// SAFETY: both references are reported.
unsafe impl Payload for AnextAwaitable {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ANEXT_AWAITABLE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.wrapped);
        tracer.visit(&self.default);
    }
}

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
        Some(default) => Ok(alloc::new_object(AnextAwaitable {
            wrapped,
            default: default.clone(),
        })),
        None => Ok(wrapped),
    }
}

/// The iterator that does the awaiting.
fn iterator(vm: &mut Vm, this: &Value) -> Py {
    let wrapped = this.expect::<AnextAwaitable>().wrapped.clone();
    let Some(iterator) = awaitable_iter(vm, &wrapped)? else {
        let message = format!("'{}' object can't be awaited", wrapped.type_of().name());
        return Err(vm.type_error(message));
    };
    if iterator.is_exact(&COROUTINE)
        && let Some(await_) = iterator.type_of().slots().await_
    {
        return await_(vm, &iterator);
    }
    Ok(iterator)
}

/// The end of the asynchronous iterator becomes a return of the default.
fn or_default(vm: &mut Vm, this: &Value, raised: Raised) -> Raised {
    match vm.catch(raised, &STOP_ASYNC_ITERATION) {
        Ok(_) => {
            let default = this.expect::<AnextAwaitable>().default.clone();
            generator::stop_iteration(vm, default)
        }
        Err(raised) => raised,
    }
}

fn itself(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = iterator(vm, this)?;
    match generator::next_or_raise(vm, &iterator) {
        Ok(value) => Ok(Some(value)),
        Err(raised) => Err(or_default(vm, this, raised)),
    }
}

fn forward(vm: &mut Vm, this: &Value, method: &Value, args: &[Value]) -> Py {
    let iterator = iterator(vm, this)?;
    match vm.call_method(&iterator, method, args) {
        Ok(value) => Ok(value),
        Err(raised) => Err(or_default(vm, this, raised)),
    }
}

fn send(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    forward(vm, this, name!("send"), std::slice::from_ref(value))
}

fn throw(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    forward(vm, this, name!("throw"), args)
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    forward(vm, this, name!("close"), &[])
}

static METHODS: [MethodDef; 3] = [
    f1("send(self, value, /)", send, ""),
    slice("throw(self, typ, val=None, tb=None, /)", throw, ""),
    f0("close(self, /)", close, ""),
];

static LAYOUT: Layout = Layout::of::<AnextAwaitable>();
static SPEC: TypeSpec = TypeSpec {
    name: "builtins.anext_awaitable",
    layout: Some(&LAYOUT),
    slots: Slots {
        await_: Some(itself),
        iter: Some(itself),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    ANEXT_AWAITABLE.define(&SPEC);
}
