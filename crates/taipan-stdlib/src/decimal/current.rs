//! Which context is the current one: the value of a context variable, remembered by each thread until that may have changed.

use super::context::{self, CONTEXT, ContextObject};
use super::{bind, state};
use crate::contextvars;
use std::cell::{Cell, RefCell};
use taipan_core::{
    Args, Layout, MethodDef, Payload, Py, Slots, Tracer, Type, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, f0, slice,
};

/// What a thread found last.
#[derive(Default)]
struct Found {
    epoch: Cell<u64>,
    context: RefCell<Option<Value>>,
}

thread_local! {
    /// This native thread's [`Found`], and whose it is.
    static FOUND: Cell<Option<(usize, &'static Found)>> = const { Cell::new(None) };
}

/// A thread's state goes when the thread ends, and finalisers may still compute then.
impl Drop for Found {
    fn drop(&mut self) {
        FOUND.set(None);
    }
}

#[inline]
fn found(vm: &Vm) -> &'static Found {
    let thread = std::ptr::from_ref(vm.thread()).addr();
    if let Some((own, found)) = FOUND.get()
        && own == thread
    {
        return found;
    }
    let found = vm.thread_state::<Found>();
    FOUND.set(Some((thread, found)));
    found
}

/// The current context.
#[inline]
pub(super) fn current(vm: &mut Vm) -> Py {
    let found = found(vm);
    if found.epoch.get() == contextvars::epoch()
        && let Some(context) = &*found.context.borrow()
    {
        return Ok(context.clone());
    }
    look_up(vm, found)
}

#[cold]
fn look_up(vm: &mut Vm, found: &'static Found) -> Py {
    let variable = state(vm).variable.borrow().clone();
    let Some(variable) = variable else {
        return Err(vm.runtime_error("_decimal is not initialised"));
    };
    let context = match contextvars::value_of(vm, &variable) {
        Some(context) if context.is_instance(&CONTEXT) => context,
        _ => {
            let template = state(vm).templates.borrow().first().cloned();
            let context = match template {
                Some(template) => context::copy_cleared(vm, &template)?,
                None => return Err(vm.runtime_error("_decimal is not initialised")),
            };
            drop(contextvars::set_value(vm, &variable, &context));
            context
        }
    };
    found.epoch.set(contextvars::epoch());
    let old = found.context.replace(Some(context.clone()));
    drop(old);
    Ok(context)
}

pub(super) fn getcontext(vm: &mut Vm, _module: &Value) -> Py {
    current(vm)
}

pub(super) fn setcontext(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    if !value.is_instance(&CONTEXT) {
        return Err(vm.type_error("argument must be a context"));
    }
    let is_template = state(vm)
        .templates
        .borrow()
        .iter()
        .any(|template| template.is(value));
    let context = if is_template {
        context::copy_cleared(vm, value)?
    } else {
        value.clone()
    };
    let variable = state(vm).variable.borrow().clone();
    if let Some(variable) = variable {
        drop(contextvars::set_value(vm, &variable, &context));
    }
    Ok(Value::none())
}

/// An optional argument that must be a context.
#[inline]
pub(super) fn context_argument(vm: &mut Vm, value: Option<&Value>) -> Py {
    match value {
        None => current(vm),
        Some(value) if value.is_none() => current(vm),
        Some(value) if value.is_instance(&CONTEXT) => Ok(value.clone()),
        Some(_) => Err(vm.type_error("optional argument must be a context")),
    }
}

// ---- local contexts ----

/// The type of what `localcontext` gives.
static MANAGER: TypeObject = Type::declare("decimal.ContextManager");

struct Manager {
    local: Value,
    global: Value,
}

// SAFETY: both references are reported.
unsafe impl Payload for Manager {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &MANAGER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.local);
        tracer.visit(&self.global);
    }
}

static LAYOUT: Layout = Layout::of::<Manager>();
static METHODS: [MethodDef; 2] = [
    f0(
        "__enter__(self, /)",
        |vm, this| {
            let local = this.expect::<Manager>().local.clone();
            setcontext(vm, this, &local)?;
            Ok(local)
        },
        "",
    ),
    slice(
        "__exit__(self, /, *args)",
        |vm, this, _| {
            let global = this.expect::<Manager>().global.clone();
            setcontext(vm, this, &global)?;
            Ok(Value::bool(false))
        },
        "",
    ),
];
static SPEC: TypeSpec = TypeSpec {
    name: "decimal.ContextManager",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LAYOUT),
    slots: Slots::NONE,
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    MANAGER.define(&SPEC);
}

pub(super) fn localcontext(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let names = [
        "ctx", "prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps",
    ];
    let bound = bind(vm, args, names, 0)?;
    let global = current(vm)?;
    let template = context_argument(vm, bound[0])?;
    let local = context::copy(vm, &template)?;
    local.expect::<ContextObject>();
    for (name, value) in names.iter().zip(&bound).skip(1) {
        if let Some(value) = value
            && !value.is_none()
        {
            context::set_by_name(vm, &local, name, value)?;
        }
    }
    Ok(taipan_core::alloc::new_object(Manager { local, global }))
}
