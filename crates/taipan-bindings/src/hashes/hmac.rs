//! `_hmac`: keyed hashes by the name of their algorithm.

use super::algorithm::{self, Algorithm, Keyed};
use super::arguments::{GIL_MINSIZE, data};
use super::mac_object::{BUILTIN, BUILTIN_SPEC, new_mac};
use taipan_core::builtin_types::VALUE_ERROR;
use taipan_core::str_object::str_of;
use taipan_core::{
    Bound, MethodDef, Py, Raised, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, bound, f2,
};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::{add, add_type};
use taipan_types::bytes::new_bytes;

static UNKNOWN_HASH: TypeObject = Type::declare("_hmac.UnknownHashError");

static UNKNOWN_HASH_SPEC: TypeSpec = TypeSpec {
    name: "_hmac.UnknownHashError",
    base: Some(&VALUE_ERROR),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    ..TypeSpec::DEFAULT
};

/// The algorithms, by the names they are known by here: these, and the same in capitals.
static ALGORITHMS: [(&str, &Algorithm); 14] = [
    ("md5", &algorithm::MD5),
    ("sha1", &algorithm::SHA1),
    ("sha224", &algorithm::SHA224),
    ("sha256", &algorithm::SHA256),
    ("sha384", &algorithm::SHA384),
    ("sha512", &algorithm::SHA512),
    ("sha3_224", &algorithm::SHA3_224),
    ("sha3_256", &algorithm::SHA3_256),
    ("sha3_384", &algorithm::SHA3_384),
    ("sha3_512", &algorithm::SHA3_512),
    ("blake2b", &algorithm::BLAKE2B),
    ("blake2b_32", &algorithm::BLAKE2B),
    ("blake2s", &algorithm::BLAKE2S),
    ("blake2s_32", &algorithm::BLAKE2S),
];

#[cold]
fn unknown(vm: &mut Vm, digest: &Value) -> Raised {
    match vm.repr(digest) {
        Ok(repr) => {
            let repr = str_of(&repr)
                .map(|text| text.to_lossy())
                .unwrap_or_default();
            vm.raise(&UNKNOWN_HASH, format!("unsupported hash type: {repr}"))
        }
        Err(raised) => raised,
    }
}

fn algorithm_of(vm: &mut Vm, digest: &Value) -> Py<&'static Algorithm> {
    let found = str_of(digest).and_then(|name| {
        let name = name.ascii()?;
        let (_, algorithm) = ALGORITHMS
            .iter()
            .find(|(own, _)| *own == name || own.to_ascii_uppercase() == name)?;
        Some(*algorithm)
    });
    found.ok_or_else(|| unknown(vm, digest))
}

fn new(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let Some(digest) = args.get(2) else {
        return Err(vm.type_error("new() missing 1 required argument 'digestmod'"));
    };
    let algorithm = algorithm_of(vm, digest)?;
    let key = data(vm, args.req(0))?;
    let mut keyed = Keyed::new(algorithm, &key);
    if let Some(message) = args.get_not_none(1) {
        keyed.update(&data(vm, message)?);
    }
    Ok(new_mac(&BUILTIN, algorithm, keyed))
}

fn compute(vm: &mut Vm, algorithm: &Algorithm, key: &Value, message: &Value) -> Py {
    let key = data(vm, key)?;
    let message = data(vm, message)?;
    let mut keyed = Keyed::new(algorithm, &key);
    keyed.update(&message);
    new_bytes(vm, &keyed.digest())
}

fn compute_digest(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let algorithm = algorithm_of(vm, args.req(2))?;
    compute(vm, algorithm, args.req(0), args.req(1))
}

macro_rules! one_shot {
    ($($name:ident $algorithm:ident;)*) => {
        $(
            fn $name(vm: &mut Vm, _module: &Value, key: &Value, message: &Value) -> Py {
                compute(vm, &algorithm::$algorithm, key, message)
            }
        )*

        static FUNCTIONS: [MethodDef; 14] = [
            bound(
                "new(module, /, key, msg=None, digestmod=<unrepresentable>)",
                new,
                "A new HMAC object, which has seen msg.",
            ),
            bound(
                "compute_digest(module, /, key, msg, digest)",
                compute_digest,
                "The HMAC of a message.",
            ),
            $(f2(
                concat!(stringify!($name), "(module, key, msg, /)"),
                $name,
                concat!("The HMAC of a message, with ", stringify!($algorithm), "."),
            ),)*
        ];
    };
}

one_shot! {
    compute_md5 MD5;
    compute_sha1 SHA1;
    compute_sha224 SHA224;
    compute_sha256 SHA256;
    compute_sha384 SHA384;
    compute_sha512 SHA512;
    compute_sha3_224 SHA3_224;
    compute_sha3_256 SHA3_256;
    compute_sha3_384 SHA3_384;
    compute_sha3_512 SHA3_512;
    compute_blake2s_32 BLAKE2S;
    compute_blake2b_32 BLAKE2B;
}

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    BUILTIN.define(&BUILTIN_SPEC);
    UNKNOWN_HASH.define(&UNKNOWN_HASH_SPEC);
    add_type(dict, &BUILTIN);
    add_type(dict, &UNKNOWN_HASH);
    add(dict, "_GIL_MINSIZE", Value::from_i32(GIL_MINSIZE));
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_hmac",
    doc: "",
    functions: &FUNCTIONS,
    init,
};
