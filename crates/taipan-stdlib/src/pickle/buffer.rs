//! `PickleBuffer`: a buffer that can leave the pickle stream.

use taipan_core::alloc::new_instance;
use taipan_core::buffer::{Buffer, flags};
use taipan_core::builtin_types::BUFFER_ERROR;
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Layout, MethodDef, Payload, Py, Raised, Slots, Tracer, Type, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, f0,
};
use taipan_types::{buffer, memoryview};

static PICKLE_BUFFER: TypeObject = Type::declare("pickle.PickleBuffer");

/// Payload of pickle buffers: what the object lent; `None` once released.
pub(super) struct PickleBuffer(Locked<Option<Buffer>>);

impl HasState for PickleBuffer {
    type State = Option<Buffer>;
    fn cell(&self) -> &Locked<Option<Buffer>> {
        &self.0
    }
}

#[expect(unsafe_code, reason = "payloads report their references")]
// SAFETY: the buffer's owner is the only reference.
unsafe impl Payload for PickleBuffer {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &PICKLE_BUFFER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        if let Some(lent) = unsafe { self.0.get_unlocked() } {
            tracer.visit(&lent.owner);
        }
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        if let Some(lent) = unsafe { self.0.get_unlocked() }.take() {
            out.push(lent.owner.clone());
        }
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "pickle.PickleBuffer",
    flags: TypeFlags::WEAKREF,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        buffer: Some(get_buffer),
        ..Slots::NONE
    },
    methods: &METHODS,
    doc: "Wrapper for potentially out-of-band buffers",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<PickleBuffer>();
static METHODS: [MethodDef; 2] = [
    f0(
        "raw(self, /)",
        raw,
        "Return a memoryview of the raw memory underlying this buffer.\n\n\
         Will raise BufferError is the buffer isn't contiguous.",
    ),
    f0(
        "release(self, /)",
        release,
        "Release the underlying buffer held by the PickleBuffer object.",
    ),
];

pub(super) fn define() -> &'static TypeObject {
    PICKLE_BUFFER.define(&SPEC);
    &PICKLE_BUFFER
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if args.has_keywords() {
        return Err(vm.type_error("PickleBuffer() takes no keyword arguments"));
    }
    let [object] = args.pos() else {
        let message = format!(
            "PickleBuffer() takes exactly 1 positional argument ({} given)",
            args.pos().len()
        );
        return Err(vm.type_error(message));
    };
    let lent = buffer::get(vm, object, flags::FULL_RO)?;
    Ok(new_instance(cls, PickleBuffer(Locked::new(Some(lent)))))
}

#[cold]
fn released(vm: &mut Vm) -> Raised {
    vm.value_error("operation forbidden on released PickleBuffer object")
}

fn owner(vm: &mut Vm, this: &Value) -> Py {
    let lent = this.expect::<PickleBuffer>().lock(vm);
    let owner = lent.as_ref().map(|lent| lent.owner.clone());
    drop(lent);
    owner.ok_or_else(|| released(vm))
}

fn get_buffer(vm: &mut Vm, this: &Value, request: u32) -> Py<Buffer> {
    let owner = owner(vm, this)?;
    buffer::get(vm, &owner, request)
}

/// The memory as it is, with its shape.
pub(super) fn lend(vm: &mut Vm, this: &Value) -> Py<Buffer> {
    get_buffer(vm, this, flags::FULL_RO)
}

/// Do the elements lie in one row, in C's or in Fortran's order?
pub(super) fn is_contiguous(lent: &Buffer) -> bool {
    if lent.is_c_contiguous() {
        return true;
    }
    let mut expected = lent.item_size as isize;
    for (len, stride) in lent.shape.iter().zip(&lent.strides) {
        if *len > 1 && *stride != expected {
            return false;
        }
        expected *= *len as isize;
    }
    true
}

fn raw(vm: &mut Vm, this: &Value) -> Py {
    let mut lent = lend(vm, this)?;
    if !is_contiguous(&lent) {
        let message = "cannot extract raw buffer from non-contiguous buffer";
        return Err(vm.raise(&BUFFER_ERROR, message));
    }
    let len = lent.count() * lent.item_size;
    lent.len = len;
    lent.item_size = 1;
    lent.format = "B".into();
    lent.shape = vec![len];
    lent.strides = vec![1];
    Ok(memoryview::from_buffer(lent))
}

fn release(vm: &mut Vm, this: &Value) -> Py {
    let lent = this.expect::<PickleBuffer>().lock(vm).take();
    drop(lent);
    Ok(Value::none())
}
