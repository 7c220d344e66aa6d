//! What the module takes from the Python side of asyncio, looked up once.

use crate::builtins::import::import_module;
use std::sync::OnceLock;
use taipan_core::str_object::new_str;
use taipan_core::{Obj, Py, Raised, Type, Value, Vm};

macro_rules! imports {
    ($($name:ident $module:literal $attribute:literal)*) => {
        /// The places of this interpreter.
        #[derive(Default)]
        struct Imports {
            $($name: OnceLock<Value>,)*
        }

        $(
            #[doc = concat!("`", $module, ".", $attribute, "`")]
            pub(super) fn $name(vm: &mut Vm) -> Py {
                let place = &vm.interpreter_state::<Imports>().$name;
                if let Some(known) = place.get() {
                    return Ok(known.clone());
                }
                let module = import_module(vm, $module)?;
                let found = vm.get_attr_str(&module, $attribute)?;
                Ok(place.get_or_init(|| found).clone())
            }
        )*
    };
}

imports! {
    cancelled_error "asyncio.exceptions" "CancelledError"
    invalid_state_error "asyncio.exceptions" "InvalidStateError"
    get_event_loop_policy "asyncio.events" "_get_event_loop_policy"
    future_repr "asyncio.base_futures" "_future_repr"
    task_repr "asyncio.base_tasks" "_task_repr"
    task_get_stack "asyncio.base_tasks" "_task_get_stack"
    task_print_stack "asyncio.base_tasks" "_task_print_stack"
    is_coroutine "asyncio.coroutines" "iscoroutine"
    extract_stack "traceback" "extract_stack"
    weak_set "weakref" "WeakSet"
}

/// Raises `asyncio.InvalidStateError`.
#[cold]
pub(super) fn invalid_state(vm: &mut Vm, message: &str) -> Raised {
    let made = match invalid_state_error(vm) {
        Ok(class) => vm.call(&class, &[new_str(message)]),
        Err(raised) => return raised,
    };
    match made {
        Ok(exception) => vm.raise_value(exception),
        Err(raised) => raised,
    }
}

/// Is the exception on its way a `CancelledError`?
pub(super) fn pending_is_cancellation(vm: &mut Vm) -> Py<bool> {
    let class = cancelled_error(vm)?;
    Ok(as_type(&class).is_some_and(|class| vm.pending_is(class)))
}

/// Is `exception` a `CancelledError`?
pub(super) fn is_cancellation(vm: &mut Vm, exception: &Value) -> Py<bool> {
    let class = cancelled_error(vm)?;
    Ok(as_type(&class).is_some_and(|class| exception.is_instance(class)))
}

fn as_type(class: &Value) -> Option<&Obj<Type>> {
    class.cast::<Type>()
}
