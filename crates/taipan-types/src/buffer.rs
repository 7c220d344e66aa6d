//! Asking objects for their memory (the buffer protocol), as functions that take bytes-like arguments do.

use crate::bytes;
use std::ops::Deref;
use taipan_core::buffer::{Buffer, flags};
use taipan_core::builtin_types::BUFFER_ERROR;
use taipan_core::{Py, Value, Vm};

/// A buffer of the object; `TypeError` if it lends none.
pub fn get(vm: &mut Vm, object: &Value, flags: u32) -> Py<Buffer> {
    match object.type_of().slots().buffer {
        Some(buffer) => buffer(vm, object, flags),
        None => {
            let message = format!(
                "a bytes-like object is required, not '{}'",
                object.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

/// The bytes of a bytes-like argument, kept in place while this lives.
pub enum BytesLike {
    /// A `bytes` object, which never changes.
    Bytes(Value),
    /// A contiguous buffer.
    Buffer(Buffer),
}

impl Deref for BytesLike {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            BytesLike::Bytes(value) => bytes::bytes_of(value).unwrap_or(&[]),
            BytesLike::Buffer(buffer) => buffer.as_slice(),
        }
    }
}

/// The bytes of any object that lends a contiguous buffer.
#[inline]
pub fn bytes_like(vm: &mut Vm, object: &Value) -> Py<BytesLike> {
    if bytes::bytes_of(object).is_some() && object.is_exact(&taipan_core::builtin_types::BYTES) {
        return Ok(BytesLike::Bytes(object.clone()));
    }
    let buffer = get(vm, object, flags::SIMPLE)?;
    if !buffer.is_c_contiguous() {
        let message = "underlying buffer is not C-contiguous";
        return Err(vm.raise(&BUFFER_ERROR, message));
    }
    Ok(BytesLike::Buffer(buffer))
}

/// The bytes of a bytes-like argument, or of an ASCII string.
pub fn ascii_or_bytes_like(vm: &mut Vm, object: &Value) -> Py<BytesLike> {
    if let Some(text) = crate::str::text_of(object) {
        let Some(ascii) = text.as_ascii_str() else {
            return Err(vm.value_error("string argument should contain only ASCII characters"));
        };
        return Ok(BytesLike::Bytes(bytes::new_bytes(vm, ascii.as_bytes())?));
    }
    if object.type_of().slots().buffer.is_none() {
        let message = format!(
            "argument should be bytes, buffer or ASCII string, not '{}'",
            object.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    bytes_like(vm, object)
}

/// Memory to write into, lent for an argument that `place` names, as "readinto() argument".
pub fn writable_argument(vm: &mut Vm, object: &Value, place: &str) -> Py<Buffer> {
    match writable(vm, object) {
        Ok(buffer) => Ok(buffer),
        Err(raised) => {
            // What the exporter says against it is not shown.
            drop(vm.take_raised(raised));
            let name = object.type_of().name();
            let message = format!("{place} must be read-write bytes-like object, not {name}");
            Err(vm.type_error(message))
        }
    }
}

/// Memory to write into.
pub fn writable(vm: &mut Vm, object: &Value) -> Py<Buffer> {
    let buffer = get(vm, object, flags::WRITABLE)?;
    if buffer.readonly {
        return Err(vm.raise(&BUFFER_ERROR, "Object is not writable."));
    }
    Ok(buffer)
}

/// All bytes of a buffer in C order, whatever its strides.
pub fn gather(buffer: &Buffer) -> Vec<u8> {
    if buffer.is_c_contiguous() {
        return buffer.as_slice_of_items().to_vec();
    }
    let mut out = Vec::new();
    gather_dimension(buffer, 0, 0, &mut out);
    out
}

fn gather_dimension(buffer: &Buffer, dimension: usize, offset: isize, out: &mut Vec<u8>) {
    let Some(len) = buffer.shape.get(dimension) else {
        out.extend_from_slice(buffer.item(offset));
        return;
    };
    for i in 0..*len {
        let at = offset + i as isize * buffer.strides[dimension];
        gather_dimension(buffer, dimension + 1, at, out);
    }
}
