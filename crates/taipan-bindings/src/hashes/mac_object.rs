//! HMAC objects: one payload for the types of `_hmac` and `_hashlib`, and their methods.

use super::algorithm::{Algorithm, Keyed};
use super::arguments::{data, hexadecimal};
use taipan_core::alloc::new_instance;
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::new_str;
use taipan_core::{
    GetSetDef, Layout, MethodDef, Obj, Payload, Py, Slots, Type, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, f0, f1, getter,
};
use taipan_types::bytes::new_bytes;

/// Payload of HMAC objects.
pub struct Mac {
    algorithm: &'static Algorithm,
    /// Boxed: it is aligned to more than payloads may be.
    keyed: Locked<Box<Keyed>>,
}

impl HasState for Mac {
    type State = Box<Keyed>;
    fn cell(&self) -> &Locked<Box<Keyed>> {
        &self.keyed
    }
}

// SAFETY: holds no references. Both types have this payload, so it is reached by its layout.
#[expect(unsafe_code, reason = "the contract of payloads")]
unsafe impl Payload for Mac {
    fn type_object() -> &'static TypeObject {
        &BUILTIN
    }
}

/// The type `_hmac.HMAC`.
pub static BUILTIN: TypeObject = Type::declare("_hmac.HMAC");
/// The type `_hashlib.HMAC`.
pub static OPENSSL: TypeObject = Type::declare("_hashlib.HMAC");

/// How both types are declared.
const fn spec(name: &'static str) -> TypeSpec {
    TypeSpec {
        name,
        flags: TypeFlags::NO_INSTANTIATION,
        layout: Some(&LAYOUT),
        slots: Slots {
            repr: Some(repr),
            ..Slots::NONE
        },
        methods: &METHODS,
        getset: &GETSET,
        doc: "A keyed hash in progress.\n\nMethods: update(), digest(), hexdigest(), copy().\nAttributes: name, block_size, digest_size.",
        ..TypeSpec::DEFAULT
    }
}

/// `_hmac.HMAC`.
pub static BUILTIN_SPEC: TypeSpec = spec("_hmac.HMAC");
/// `_hashlib.HMAC`.
pub static OPENSSL_SPEC: TypeSpec = spec("_hashlib.HMAC");

static LAYOUT: Layout = Layout::of::<Mac>();

static METHODS: [MethodDef; 4] = [
    f0("copy(self, /)", copy, "A copy of the HMAC object."),
    f1(
        "update(self, msg, /)",
        update,
        "Go on with the bytes of an object.",
    ),
    f0("digest(self, /)", digest, "The digest as bytes."),
    f0(
        "hexdigest(self, /)",
        hexdigest,
        "The digest as hexadecimal digits.",
    ),
];

static GETSET: [GetSetDef; 3] = [
    getter("name", name, ""),
    getter("block_size", block_size, ""),
    getter("digest_size", digest_size, ""),
];

fn own(this: &Value) -> &Obj<Mac> {
    match this.cast_layout::<Mac>() {
        Some(mac) => mac,
        None => panic!("receiver is no HMAC object"),
    }
}

/// An HMAC object.
pub fn new_mac(cls: &TypeObject, algorithm: &'static Algorithm, keyed: Keyed) -> Value {
    let mac = Mac {
        algorithm,
        keyed: Locked::new(Box::new(keyed)),
    };
    new_instance(cls, mac)
}

fn repr(_vm: &mut Vm, this: &Value) -> Py {
    let text = format!(
        "<{} HMAC object @ {:#x}>",
        own(this).algorithm.name,
        this.bits()
    );
    Ok(new_str(&text))
}

fn copy(vm: &mut Vm, this: &Value) -> Py {
    let keyed = (**own(this).lock(vm)).clone();
    Ok(new_mac(this.type_of(), own(this).algorithm, keyed))
}

fn update(vm: &mut Vm, this: &Value, message: &Value) -> Py {
    let message = data(vm, message)?;
    own(this).lock(vm).update(&message);
    Ok(Value::none())
}

fn digest(vm: &mut Vm, this: &Value) -> Py {
    let digest = own(this).lock(vm).digest();
    new_bytes(vm, &digest)
}

fn hexdigest(vm: &mut Vm, this: &Value) -> Py {
    let digest = own(this).lock(vm).digest();
    hexadecimal(vm, &digest)
}

fn name(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new_str(&format!("hmac-{}", own(this).algorithm.name)))
}

fn block_size(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::int(own(this).algorithm.block_size as i64))
}

fn digest_size(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::int(own(this).algorithm.digest_size as i64))
}
