//! Hash objects: one payload for the types of all hash modules, and the methods that these have in common.

use super::algorithm::{Algorithm, Hasher};
use super::arguments::{data, hexadecimal, room};
use taipan_core::alloc::new_instance;
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::new_str;
use taipan_core::{
    Bound, GetSetDef, Layout, MethodDef, Obj, Payload, Py, TypeObject, Value, Vm, bound, f0, f1,
    getter,
};
use taipan_types::bytes::new_bytes;

/// Payload of hash objects.
pub struct Hash {
    pub algorithm: &'static Algorithm,
    /// Differs from the algorithm's for BLAKE2 with a chosen length.
    digest_size: usize,
    /// Boxed: it is aligned to more than payloads may be.
    hasher: Locked<Box<Hasher>>,
}

impl HasState for Hash {
    type State = Box<Hasher>;
    fn cell(&self) -> &Locked<Box<Hasher>> {
        &self.hasher
    }
}

// SAFETY: holds no references. Several types have this payload, so it is reached by its layout.
#[expect(unsafe_code, reason = "the contract of payloads")]
unsafe impl Payload for Hash {
    fn type_object() -> &'static TypeObject {
        &super::plain::MD5
    }
}

/// The layout of every type of hash objects.
pub static LAYOUT: Layout = Layout::of::<Hash>();

/// The payload of a method's receiver.
///
/// # Panics
/// If it is no hash object: the descriptor of the method has checked that it is.
pub fn own(this: &Value) -> &Obj<Hash> {
    match this.cast_layout::<Hash>() {
        Some(hash) => hash,
        None => panic!("receiver is no hash object"),
    }
}

/// A hash object in the state given.
pub fn new_hash(
    cls: &TypeObject,
    algorithm: &'static Algorithm,
    digest_size: usize,
    hasher: Hasher,
) -> Value {
    let hash = Hash {
        algorithm,
        digest_size,
        hasher: Locked::new(Box::new(hasher)),
    };
    new_instance(cls, hash)
}

/// A hash object that has seen `initial`.
pub fn start(
    vm: &mut Vm,
    cls: &TypeObject,
    algorithm: &'static Algorithm,
    initial: Option<&Value>,
) -> Py {
    let mut hasher = (algorithm.start)();
    if let Some(initial) = initial {
        hasher.update(&data(vm, initial)?);
    }
    Ok(new_hash(cls, algorithm, algorithm.digest_size, hasher))
}

/// The methods of algorithms whose output has a fixed length.
pub static METHODS: [MethodDef; 4] = [
    f0("copy(self, /)", copy, "A copy of the hash object."),
    f0("digest(self, /)", digest, "The digest as bytes."),
    f0(
        "hexdigest(self, /)",
        hexdigest,
        "The digest as hexadecimal digits.",
    ),
    f1(
        "update(self, obj, /)",
        update,
        "Go on with the bytes of an object.",
    ),
];

/// The methods of algorithms whose output is as long as the caller wants.
pub static EXTENDABLE_METHODS: [MethodDef; 4] = [
    f0("copy(self, /)", copy, "A copy of the hash object."),
    bound(
        "digest(self, /, length)",
        digest_of_length,
        "The first bytes of the output.",
    ),
    bound(
        "hexdigest(self, /, length)",
        hexdigest_of_length,
        "The first bytes of the output as hexadecimal digits.",
    ),
    f1(
        "update(self, obj, /)",
        update,
        "Go on with the bytes of an object.",
    ),
];

/// The attributes of all hash objects.
pub static GETSET: [GetSetDef; 3] = [
    getter("block_size", block_size, ""),
    getter("name", name, ""),
    getter("digest_size", digest_size, ""),
];

/// `copy()`
pub fn copy(vm: &mut Vm, this: &Value) -> Py {
    let hash = own(this);
    let hasher = (**hash.lock(vm)).clone();
    Ok(new_hash(
        this.type_of(),
        hash.algorithm,
        hash.digest_size,
        hasher,
    ))
}

/// `digest()`
pub fn digest(vm: &mut Vm, this: &Value) -> Py {
    let digest = own(this).lock(vm).digest();
    new_bytes(vm, &digest)
}

/// `hexdigest()`
pub fn hexdigest(vm: &mut Vm, this: &Value) -> Py {
    let digest = own(this).lock(vm).digest();
    hexadecimal(vm, &digest)
}

/// `update(obj)`
pub fn update(vm: &mut Vm, this: &Value, object: &Value) -> Py {
    let data = data(vm, object)?;
    own(this).lock(vm).update(&data);
    Ok(Value::none())
}

/// The first `len` bytes of an extendable algorithm's output.
pub fn output(vm: &mut Vm, this: &Value, len: usize) -> Py<Vec<u8>> {
    let mut out = room(vm, len)?;
    own(this).lock(vm).read(&mut out);
    Ok(out)
}

fn length_argument(vm: &mut Vm, args: &Bound) -> Py<usize> {
    let length = crate::numbers::unsigned(vm, args.req(0), "unsigned long")?;
    if length >= 1 << 29 {
        return Err(vm.value_error("length is too large"));
    }
    Ok(length as usize)
}

fn digest_of_length(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let length = length_argument(vm, args)?;
    let out = output(vm, this, length)?;
    new_bytes(vm, &out)
}

fn hexdigest_of_length(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let length = length_argument(vm, args)?;
    let out = output(vm, this, length)?;
    hexadecimal(vm, &out)
}

/// `block_size`
pub fn block_size(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::int(own(this).algorithm.block_size as i64))
}

/// `name`
pub fn name(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new_str(own(this).algorithm.name))
}

/// `digest_size`
pub fn digest_size(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::int(own(this).digest_size as i64))
}
