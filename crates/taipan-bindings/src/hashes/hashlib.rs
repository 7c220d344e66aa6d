//! `_hashlib`: what CPython has from OpenSSL. Names and messages are that library's, the algorithms are the same as in the
//! other modules; those of OpenSSL that are not at hand are unsupported.

use super::algorithm::{self, Algorithm, Keyed};
use super::arguments::{GIL_MINSIZE, data, hexadecimal, initial};
use super::derivation::{PBKDF2_ROW, SCRYPT_ROW};
use super::mac_object::{OPENSSL, OPENSSL_SPEC, new_mac};
use super::object::{LAYOUT, METHODS, block_size, digest_size, name, output, own, start};
use super::plain::construct;
use taipan_core::builtin_types::VALUE_ERROR;
use taipan_core::dict_object::new_dict;
use taipan_core::native_function::native_function;
use taipan_core::str_object::{new_str, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Bound, GetSetDef, MethodDef, Py, Raised, Slots, Type, TypeFlags, TypeObject, TypeSpec, Value,
    Vm, bound, f0, f2, getter, name,
};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::operator::compare_digest;
use taipan_stdlib::support::{add, add_type};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;
use taipan_types::dict::proxy::new_proxy;
use taipan_types::set::frozenset_from;

static HASH: TypeObject = Type::declare("_hashlib.HASH");
static HASH_XOF: TypeObject = Type::declare("_hashlib.HASHXOF");
static UNSUPPORTED: TypeObject = Type::declare("_hashlib.UnsupportedDigestmodError");

static HASH_SPEC: TypeSpec = TypeSpec {
    name: "_hashlib.HASH",
    flags: TypeFlags::BASE.union(TypeFlags::NO_INSTANTIATION),
    layout: Some(&LAYOUT),
    slots: Slots {
        repr: Some(repr),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &HASH_GETSET,
    doc: "HASH(name, string=b'')\n--\n\nA hash in progress.",
    ..TypeSpec::DEFAULT
};

static HASH_XOF_SPEC: TypeSpec = TypeSpec {
    name: "_hashlib.HASHXOF",
    base: Some(&HASH),
    flags: TypeFlags::BASE.union(TypeFlags::NO_INSTANTIATION),
    methods: &XOF_METHODS,
    getset: &XOF_GETSET,
    doc: "HASHXOF(name, string=b'')\n--\n\nA hash in progress, whose output is as long as wanted.",
    ..TypeSpec::DEFAULT
};

static UNSUPPORTED_SPEC: TypeSpec = TypeSpec {
    name: "_hashlib.UnsupportedDigestmodError",
    base: Some(&VALUE_ERROR),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    ..TypeSpec::DEFAULT
};

static HASH_GETSET: [GetSetDef; 3] = [
    getter("digest_size", digest_size, ""),
    getter("block_size", block_size, ""),
    getter("name", name, "algorithm name."),
];

static XOF_GETSET: [GetSetDef; 1] = [getter("digest_size", digest_size, "")];

static XOF_METHODS: [MethodDef; 2] = [
    bound(
        "digest(self, /, length)",
        xof_digest,
        "The first bytes of the output.",
    ),
    bound(
        "hexdigest(self, /, length)",
        xof_hexdigest,
        "The first bytes of the output as hexadecimal digits.",
    ),
];

fn repr(_vm: &mut Vm, this: &Value) -> Py {
    let text = format!(
        "<{} {} object @ {:#x}>",
        own(this).algorithm.name,
        this.type_of().name(),
        this.bits()
    );
    Ok(new_str(&text))
}

fn xof_output(vm: &mut Vm, this: &Value, args: &Bound) -> Py<Vec<u8>> {
    let length = vm.index_i64(args.req(0))?;
    match usize::try_from(length) {
        Ok(length) => output(vm, this, length),
        Err(_) => Err(vm.system_error("Negative size passed to PyBytes_FromStringAndSize")),
    }
}

fn xof_digest(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let out = xof_output(vm, this, args)?;
    new_bytes(vm, &out)
}

fn xof_hexdigest(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let out = xof_output(vm, this, args)?;
    hexadecimal(vm, &out)
}

// ---- algorithms by name ----

/// The algorithms with the other names they go by, all in small letters.
static ALGORITHMS: [(&Algorithm, &[&str]); 16] = [
    (&algorithm::MD5, &["ssl3-md5"]),
    (&algorithm::SHA1, &["sha-1", "ssl3-sha1"]),
    (&algorithm::SHA224, &["sha-224", "sha2-224"]),
    (&algorithm::SHA256, &["sha-256", "sha2-256"]),
    (&algorithm::SHA384, &["sha-384", "sha2-384"]),
    (&algorithm::SHA512, &["sha-512", "sha2-512"]),
    (
        &algorithm::SHA512_224,
        &["sha512-224", "sha-512/224", "sha2-512/224"],
    ),
    (
        &algorithm::SHA512_256,
        &["sha512-256", "sha-512/256", "sha2-512/256"],
    ),
    (&algorithm::SHA3_224, &["sha3-224"]),
    (&algorithm::SHA3_256, &["sha3-256"]),
    (&algorithm::SHA3_384, &["sha3-384"]),
    (&algorithm::SHA3_512, &["sha3-512"]),
    (&algorithm::SHAKE_128, &["shake128", "shake-128"]),
    (&algorithm::SHAKE_256, &["shake256", "shake-256"]),
    (&algorithm::BLAKE2B, &["blake2b512", "blake2b-512"]),
    (&algorithm::BLAKE2S, &["blake2s256", "blake2s-256"]),
];

fn type_for(algorithm: &Algorithm) -> &'static TypeObject {
    if algorithm.is_extendable() {
        &HASH_XOF
    } else {
        &HASH
    }
}

#[cold]
fn unsupported(vm: &mut Vm) -> Raised {
    vm.raise(&UNSUPPORTED, "[digital envelope routines] unsupported")
}

/// The algorithm of a name.
pub fn by_name(vm: &mut Vm, name: &Value) -> Py<&'static Algorithm> {
    let Some(name) = str_of(name).and_then(|name| name.ascii()) else {
        return Err(unsupported(vm));
    };
    let name = name.to_ascii_lowercase();
    let found = ALGORITHMS
        .iter()
        .find(|(algorithm, others)| algorithm.name == name || others.contains(&name.as_str()));
    match found {
        Some((algorithm, _)) => Ok(algorithm),
        None => Err(unsupported(vm)),
    }
}

/// The algorithm of a `digestmod` argument: a name, or one of the constructors here.
fn by_digestmod(vm: &mut Vm, digestmod: &Value) -> Py<&'static Algorithm> {
    if str_of(digestmod).is_some() {
        return by_name(vm, digestmod);
    }
    if let Some(function) = native_function(digestmod)
        && let Some((_, algorithm)) =
            constructors().find(|(row, _)| std::ptr::eq(*row, function.def))
    {
        return Ok(algorithm);
    }
    let text = vm.str_string(digestmod)?;
    Err(vm.raise(&UNSUPPORTED, format!("Unsupported digestmod {text}")))
}

/// The algorithm of a keyed hash. Extendable ones have no HMAC.
fn for_mac(vm: &mut Vm, digestmod: &Value) -> Py<&'static Algorithm> {
    let algorithm = by_digestmod(vm, digestmod)?;
    if algorithm.is_extendable() {
        return Err(vm.value_error("no reason supplied"));
    }
    Ok(algorithm)
}

// ---- functions ----

fn new(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let name = args.req(0);
    let Some(text) = str_of(name) else {
        let message = format!(
            "new() argument 'name' must be str, not {}",
            taipan_types::arguments::type_name(name)
        );
        return Err(vm.type_error(message));
    };
    if text.code_points().any(|c| c == 0) {
        return Err(vm.value_error("embedded null character"));
    }
    if text.to_utf8().is_none() {
        // Raises the error of the codec.
        vm.call_method(name, name!("encode"), &[])?;
    }
    if let Some(flag) = args.get(2) {
        vm.truth(flag)?;
    }
    let data = initial(vm, args.get(1), args.get(3))?;
    let algorithm = by_name(vm, name)?;
    start(vm, type_for(algorithm), algorithm, data)
}

fn hmac_new(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let key = bytes_like(vm, args.req(0))?;
    let Some(digestmod) = args.get_not_none(2) else {
        return Err(vm.type_error("Missing required parameter 'digestmod'."));
    };
    let algorithm = for_mac(vm, digestmod)?;
    let mut keyed = Keyed::new(algorithm, &key);
    if let Some(message) = args.get_not_none(1) {
        keyed.update(&data(vm, message)?);
    }
    Ok(new_mac(&OPENSSL, algorithm, keyed))
}

fn hmac_digest(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let key = bytes_like(vm, args.req(0))?;
    let message = bytes_like(vm, args.req(1))?;
    let algorithm = for_mac(vm, args.req(2))?;
    let mut keyed = Keyed::new(algorithm, &key);
    keyed.update(&message);
    new_bytes(vm, &keyed.digest())
}

fn get_fips_mode(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::from_i32(0))
}

/// The rows of `openssl_md5` and its like, with their algorithms.
fn constructors() -> impl Iterator<Item = (&'static MethodDef, &'static Algorithm)> {
    CONSTRUCTORS.iter().zip(CONSTRUCTED.iter().copied())
}

macro_rules! constructors {
    ($count:literal: $($name:ident $algorithm:ident;)*) => {
        $(
            fn $name(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
                let algorithm = &algorithm::$algorithm;
                construct(vm, type_for(algorithm), algorithm, args)
            }
        )*

        static CONSTRUCTORS: [MethodDef; $count] = [
            $(bound(
                concat!(
                    stringify!($name),
                    "(module, /, data=b'', *, usedforsecurity=True, string=None)"
                ),
                $name,
                concat!("A new ", stringify!($algorithm), " hash object, which has seen data."),
            ),)*
        ];

        static CONSTRUCTED: [&Algorithm; $count] = [$(&algorithm::$algorithm,)*];
    };
}

constructors! {
    12:
    openssl_md5 MD5;
    openssl_sha1 SHA1;
    openssl_sha224 SHA224;
    openssl_sha256 SHA256;
    openssl_sha384 SHA384;
    openssl_sha512 SHA512;
    openssl_sha3_224 SHA3_224;
    openssl_sha3_256 SHA3_256;
    openssl_sha3_384 SHA3_384;
    openssl_sha3_512 SHA3_512;
    openssl_shake_128 SHAKE_128;
    openssl_shake_256 SHAKE_256;
}

static FUNCTIONS: [MethodDef; 7] = [
    bound(
        "new(module, /, name, data=b'', *, usedforsecurity=True, string=None)",
        new,
        "A new hash object of the algorithm of that name, which has seen data.",
    ),
    bound(
        "hmac_new(module, /, key, msg=b'', digestmod=None)",
        hmac_new,
        "A new HMAC object, which has seen msg.",
    ),
    bound(
        "hmac_digest(module, /, key, msg, digest)",
        hmac_digest,
        "The HMAC of a message.",
    ),
    PBKDF2_ROW,
    SCRYPT_ROW,
    f2(
        "compare_digest(module, a, b, /)",
        compare_digest,
        "Are a and b equal? The time it takes tells nothing about where they differ.",
    ),
    f0(
        "get_fips_mode(module, /)",
        get_fips_mode,
        "Is the library restricted to approved algorithms? Never here.",
    ),
];

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    HASH.define(&HASH_SPEC);
    HASH_XOF.define(&HASH_XOF_SPEC);
    OPENSSL.define(&OPENSSL_SPEC);
    UNSUPPORTED.define(&UNSUPPORTED_SPEC);
    for ty in [&HASH, &HASH_XOF, &OPENSSL, &UNSUPPORTED] {
        add_type(dict, ty);
    }
    let owner = taipan_core::str_object::name("_hashlib");
    let names = new_dict();
    for (row, algorithm) in constructors() {
        let function =
            taipan_core::native_function::new_native_function(row, None, Some(owner.clone()));
        add(dict, row.name(), function.clone());
        vm.set_item(&names, &function, &new_str(algorithm.name))?;
    }
    let names = new_proxy(vm, &names)?;
    add(dict, "_constructors", names);
    let all = new_tuple(
        ALGORITHMS
            .iter()
            .map(|(algorithm, _)| new_str(algorithm.name)),
    );
    let all = frozenset_from(vm, &all)?;
    add(dict, "openssl_md_meth_names", all);
    add(dict, "_GIL_MINSIZE", Value::from_i32(GIL_MINSIZE));
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_hashlib",
    doc: "Hash functions under the names that OpenSSL's interface has.",
    functions: &FUNCTIONS,
    init,
};
