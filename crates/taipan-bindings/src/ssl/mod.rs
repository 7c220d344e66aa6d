//! `_ssl`: TLS connections, by rustls.
//!
//! `engine` is the protocol without Python, `transport` where its records go, `verify` whom to trust, `config` what a context
//! gives to connections; `context`, `load`, `socket`, `known`, `bio`, `session` and `certificate_type` are the types of the module. What
//! the library does not have is not here either: TLS before 1.2, renegotiation, parameters for Diffie-Hellman, shared keys.

mod bio;
mod certificate;
mod certificate_type;
mod config;
mod constants;
mod context;
mod der;
mod engine;
mod error;
mod known;
mod load;
mod objects;
mod pem;
mod problem;
mod session;
mod socket;
mod suites;
mod transport;
mod verify;

use crate::support::c_int;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{MethodDef, Py, Value, Vm, bound, f0, f1, f2};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::{add, add_type};
use taipan_types::bytes::new_bytes;

/// `_ssl`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_ssl",
    doc: "Implementation module for SSL socket operations.  See the socket module\nfor documentation.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 7] = [
    f0(
        "RAND_status($module, /)",
        |_, _| Ok(Value::bool(true)),
        "Returns True if the OpenSSL PRNG has been seeded with enough data and False if not.",
    ),
    f2(
        "RAND_add($module, string, entropy, /)",
        // The system's generator needs no seeds.
        |vm, _, data, entropy| {
            if !taipan_core::str_object::is_str(data) {
                taipan_types::buffer::bytes_like(vm, data)?;
            }
            vm.to_f64(entropy)?;
            Ok(Value::none())
        },
        "Mix string into the OpenSSL PRNG state.\n\n\
         entropy (a float) is a lower bound on the entropy contained in\n\
         string.  See RFC 4086.",
    ),
    f1(
        "RAND_bytes($module, n, /)",
        rand_bytes,
        "Generate n cryptographically strong pseudo-random bytes.",
    ),
    bound(
        "txt2obj($module, /, txt, name=False)",
        objects::txt2obj,
        "Lookup NID, short name, long name and OID of an ASN1_OBJECT.\n\n\
         By default objects are looked up by OID. With name=True short and\n\
         long name are also matched.",
    ),
    f1(
        "nid2obj($module, nid, /)",
        objects::nid2obj,
        "Lookup NID, short name, long name and OID of an ASN1_OBJECT by NID.",
    ),
    f0(
        "get_default_verify_paths($module, /)",
        |_, _| {
            let (file, folder) = load::default_places();
            let parts = ["SSL_CERT_FILE", file, "SSL_CERT_DIR", folder];
            Ok(new_tuple(parts.map(new_str)))
        },
        "Return search paths and environment vars that are used by SSLContext's set_default_verify_paths() to load default CAs.\n\n\
         The values are 'cert_file_env', 'cert_file', 'cert_dir_env', 'cert_dir'.",
    ),
    f1("_test_decode_cert($module, path, /)", decode_file, ""),
];

/// The version that is stood in for, for programs that ask whether the library is recent enough.
const COMPATIBLE: [i32; 5] = [3, 0, 0, 0, 0];
const COMPATIBLE_NUMBER: i64 = 0x3000_0000;
const VERSION: &str = "OpenSSL 3.0.0 (rustls 0.23 with ring in its place)";

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    error::define(vm, dict)?;
    context::define();
    socket::define();
    bio::define();
    session::define();
    certificate_type::define();
    for ty in [
        &context::CONTEXT,
        &socket::SOCKET,
        &bio::BIO,
        &session::SESSION,
        &certificate_type::CERTIFICATE,
    ] {
        add_type(dict, ty);
    }
    constants::define(dict);
    let version = || new_tuple(COMPATIBLE.map(Value::from_i32));
    add(dict, "_DEFAULT_CIPHERS", new_str("DEFAULT"));
    add(dict, "OPENSSL_VERSION", new_str(VERSION));
    add(
        dict,
        "OPENSSL_VERSION_NUMBER",
        Value::int(COMPATIBLE_NUMBER),
    );
    add(dict, "OPENSSL_VERSION_INFO", version());
    add(dict, "_OPENSSL_API_VERSION", version());
    Ok(())
}

fn rand_bytes(vm: &mut Vm, _module: &Value, count: &Value) -> Py {
    let Ok(count) = usize::try_from(c_int(vm, count)?) else {
        return Err(vm.value_error("num must be positive"));
    };
    let mut bytes = Vec::new();
    if bytes.try_reserve_exact(count).is_err() {
        return Err(vm.memory_error());
    }
    bytes.resize(count, 0);
    let random = rustls::crypto::ring::default_provider().secure_random;
    if vm.detached(|| random.fill(&mut bytes)).is_err() {
        return Err(error::plain(vm, 1, "the system gives no random numbers"));
    }
    new_bytes(vm, &bytes)
}

/// The dict of the first certificate of a file.
fn decode_file(vm: &mut Vm, _module: &Value, path: &Value) -> Py {
    let path = taipan_stdlib::path::encode(vm, path)?;
    let path: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(path.as_slice());
    let data = match std::fs::read(path) {
        Ok(data) => data,
        Err(_) => return Err(error::plain(vm, 0, "Can't open file")),
    };
    let found = pem::sections(&data)
        .into_iter()
        .find(|section| section.kind == pem::Kind::Certificate);
    match found {
        Some(section) => certificate_type::to_dict(vm, &section.data),
        None => Err(error::plain(vm, 0, "Error decoding PEM-encoded file")),
    }
}
