//! Arguments that the hash modules share: data to hash, and the two names it may be given by.

use taipan_core::str_object::is_str;
use taipan_core::{Py, Value, Vm};
use taipan_types::buffer::{BytesLike, bytes_like};

/// Smallest amount of data for which CPython lets other threads run; its tests read it.
pub const GIL_MINSIZE: i32 = 2048;

/// The bytes of an argument that is to be hashed.
pub fn data(vm: &mut Vm, object: &Value) -> Py<BytesLike> {
    if is_str(object) {
        return Err(vm.type_error("Strings must be encoded before hashing"));
    }
    if object.type_of().slots().buffer.is_none() {
        return Err(vm.type_error("object supporting the buffer API required"));
    }
    bytes_like(vm, object)
}

/// The data given to a constructor, by the name of today (`data`) or the old one (`string`).
pub fn initial<'a>(
    vm: &mut Vm,
    data: Option<&'a Value>,
    string: Option<&'a Value>,
) -> Py<Option<&'a Value>> {
    if data.is_some() && string.is_some() {
        return Err(vm.type_error(
            "'data' and 'string' are mutually exclusive and support for 'string' keyword parameter is slated for removal in a future version.",
        ));
    }
    Ok(data.or(string))
}

/// `len` zero bytes; `MemoryError` if there is no room.
pub fn room(vm: &mut Vm, len: usize) -> Py<Vec<u8>> {
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(len).is_err() {
        return Err(vm.memory_error());
    }
    bytes.resize(len, 0);
    Ok(bytes)
}

/// The text of lower-case hexadecimal digits.
pub fn hexadecimal(vm: &mut Vm, bytes: &[u8]) -> Py {
    taipan_types::bytes::hex_text(vm, bytes, None, None)
}
