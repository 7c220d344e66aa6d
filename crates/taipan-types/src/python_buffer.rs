//! The buffer protocol in Python (PEP 688): `__buffer__` and `__release_buffer__` of classes, and of builtin types as methods.
//!
//! A buffer whose release is told to Python code is owned by a hidden object that holds the real buffer; its finaliser, which runs
//! where Python code may run, makes the call.

use crate::memoryview;
use taipan_core::buffer::Buffer;
use taipan_core::builtin_types::MEMORYVIEW;
use taipan_core::lock::{HasState, Locked};
use taipan_core::slot_table::{Slot, wrapped_slot};
use taipan_core::{
    Layout, Payload, Py, Slots, Tracer, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, alloc,
    name,
};

/// The type of the hidden owner.
pub static BUFFER_WRAPPER: TypeObject = Type::declare("_buffer_wrapper");

/// What is to be released.
struct Held {
    /// The lender, and its `__release_buffer__`, not bound.
    object: Value,
    method: Value,
    /// What `__buffer__` gave, if it is Python code.
    view: Option<Value>,
    inner: Option<Buffer>,
}

/// Payload of the hidden owner; empty once released.
struct Wrapper {
    held: Locked<Option<Held>>,
}

impl HasState for Wrapper {
    type State = Option<Held>;
    fn cell(&self) -> &Locked<Option<Held>> {
        &self.held
    }
}

// SAFETY: all references are reported.
unsafe impl Payload for Wrapper {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &BUFFER_WRAPPER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        if let Some(held) = unsafe { self.held.get_unlocked() } {
            tracer.visit(&held.object);
            tracer.visit(&held.method);
            tracer.visit_option(&held.view);
            if let Some(inner) = &held.inner {
                tracer.visit(&inner.owner);
            }
        }
    }
}

/// The buffer of an instance of a class with a `__buffer__` or a `__release_buffer__` of its own.
pub fn lend(vm: &mut Vm, object: &Value, flags: u32) -> Py<Buffer> {
    let Some(method) = vm.lookup_special(object, name!("__buffer__")) else {
        let name = object.type_of().name();
        return Err(vm.type_error(format!("a bytes-like object is required, not '{name}'")));
    };
    let (inner, view) = match native_lender(&method) {
        Some(native) => (native(vm, object, flags)?, None),
        None => {
            let view = vm.call_unbound(&method, object, &[Value::int(flags.into())])?;
            let Some(native) = view
                .type_of()
                .slots()
                .buffer
                .filter(|_| view.is_instance(&MEMORYVIEW))
            else {
                return Err(vm.type_error("__buffer__ returned non-memoryview object"));
            };
            (native(vm, &view, flags)?, Some(view))
        }
    };
    let release = vm
        .lookup_special(object, name!("__release_buffer__"))
        .filter(|method| native_lender(method).is_none());
    Ok(match release {
        Some(method) => wrap(object, method, view, inner),
        None => inner,
    })
}

/// The slot behind a method of a builtin type.
fn native_lender(method: &Value) -> Option<taipan_core::slots::BufferFn> {
    match wrapped_slot(method)? {
        (Slot::Buffer, owner) => owner.slots().buffer,
        _ => None,
    }
}

fn wrap(object: &Value, method: Value, view: Option<Value>, inner: Buffer) -> Buffer {
    let (data, len, item_size, readonly) = (inner.data, inner.len, inner.item_size, inner.readonly);
    let (format, shape, strides) = (
        inner.format.clone(),
        inner.shape.clone(),
        inner.strides.clone(),
    );
    let owner = alloc::new_object(Wrapper {
        held: Locked::new(Some(Held {
            object: object.clone(),
            method,
            view,
            inner: Some(inner),
        })),
    });
    Buffer {
        owner,
        data,
        len,
        item_size,
        readonly,
        format,
        shape,
        strides,
        release: None,
    }
}

fn finalize(vm: &mut Vm, this: &Value) {
    let held = this.expect::<Wrapper>().lock(vm).take();
    let Some(mut held) = held else { return };
    let (view, restricted) = match held.view.take() {
        // The view is not lent any more when it comes back to the lender.
        Some(view) => {
            drop(held.inner.take());
            (view, false)
        }
        None => match held.inner.take() {
            Some(inner) => (memoryview::restricted(inner), true),
            None => return,
        },
    };
    let told = vm.call_unbound(&held.method, &held.object, std::slice::from_ref(&view));
    if let Err(raised) = told {
        let name = held.object.type_of().name().to_string();
        let message = format!("Exception ignored in bf_releasebuffer of {name}");
        vm.unraisable(raised, &message, None);
    }
    // What the object's builtin base lent goes back to it, whatever was kept of it.
    if (restricted || memoryview::is_of(vm, &view, &held.object))
        && let Err(raised) = memoryview::release(vm, &view)
    {
        drop(vm.take_raised(raised));
    }
}

/// `__buffer__` of a builtin type.
pub fn buffer_method(vm: &mut Vm, buffer: Buffer) -> Py {
    let _ = vm;
    Ok(memoryview::from_buffer(buffer))
}

/// `__release_buffer__` of a builtin type.
pub fn release_method(vm: &mut Vm, object: &Value, view: &Value) -> Py {
    if !view.is_instance(&MEMORYVIEW) {
        return Err(vm.type_error("expected a memoryview object"));
    }
    if memoryview::is_released(vm, view) {
        return Ok(Value::none());
    }
    if !memoryview::is_of(vm, view, object) {
        return Err(vm.value_error("memoryview's buffer is not this object"));
    }
    memoryview::release(vm, view)
}

static LAYOUT: Layout = Layout::of::<Wrapper>();

static SPEC: TypeSpec = TypeSpec {
    name: "_buffer_wrapper",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LAYOUT),
    slots: Slots {
        finalize: Some(finalize),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

/// Makes the type ready.
pub fn define() {
    BUFFER_WRAPPER.define(&SPEC);
}
