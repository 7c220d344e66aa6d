//! `_ssl.Certificate`: a certificate of a chain.

use super::certificate::Fields;
use crate::support::{Shared, c_int};
use std::hash::{Hash, Hasher};
use taipan_core::lock::Locked;
use taipan_core::str_object::new_str;
use taipan_core::{
    CompareOp, Layout, MethodDef, Py, Slots, TypeFlags, TypeSpec, Value, Vm, f0, slice,
};
use taipan_stdlib::support::native_type;
use taipan_types::bytes::new_bytes;

native_type! {
    /// Payload of certificates.
    CERTIFICATE "_ssl.Certificate" Certificate { encoded: Shared<Vec<u8>> }
    CertificateState {}
}

const PEM: i32 = 1;
const DER: i32 = 2;

static METHODS: [MethodDef; 2] = [
    f0(
        "get_info(self, /)",
        |vm, this| to_dict(vm, encoded(this)),
        "",
    ),
    slice(
        "public_bytes(self, format=Encoding.PEM, /)",
        public_bytes,
        "",
    ),
];

static SPEC: TypeSpec = TypeSpec {
    name: "_ssl.Certificate",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<Certificate>() }),
    slots: Slots {
        repr: Some(repr),
        compare: Some(compare),
        hash: Some(|_, this| {
            let mut hasher = std::hash::DefaultHasher::new();
            encoded(this).hash(&mut hasher);
            Ok((hasher.finish() >> 1) as i64)
        }),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

pub fn define() {
    CERTIFICATE.define(&SPEC);
}

pub fn new_certificate(encoded: Vec<u8>) -> Value {
    taipan_core::alloc::new_object(Certificate {
        encoded: Shared(encoded),
        state: Locked::new(CertificateState {}),
    })
}

fn encoded(this: &Value) -> &[u8] {
    &this.expect::<Certificate>().encoded
}

/// The dict of `getpeercert`.
pub fn to_dict(vm: &mut Vm, encoded: &[u8]) -> Py {
    match Fields::parse(encoded) {
        Some(fields) => Ok(fields.to_dict()),
        None => Err(vm.value_error("the certificate cannot be read")),
    }
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let info = to_dict(vm, encoded(this))?;
    let subject = vm.get_item(&info, &new_str("subject"))?;
    let mut text = String::new();
    for part in vm.to_vec(&subject)? {
        for pair in vm.to_vec(&part)? {
            let pair = vm.to_vec(&pair)?;
            if let [key, value] = pair.as_slice() {
                let (key, value) = (vm.str_string(key)?, vm.str_string(value)?);
                text.push_str(&format!(
                    "{}{key}={value}",
                    if text.is_empty() { "" } else { ", " }
                ));
            }
        }
    }
    Ok(new_str(&format!("<_ssl.Certificate '{text}'>")))
}

fn compare(_vm: &mut Vm, this: &Value, other: &Value, op: CompareOp) -> Py {
    let Some(other) = other.cast::<Certificate>() else {
        return Ok(Value::not_implemented());
    };
    let same = encoded(this) == other.encoded.as_slice();
    Ok(match op {
        CompareOp::Eq => Value::bool(same),
        CompareOp::Ne => Value::bool(!same),
        _ => Value::not_implemented(),
    })
}

fn public_bytes(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let format = match args.first() {
        Some(format) => c_int(vm, format)?,
        None => PEM,
    };
    match format {
        PEM => Ok(new_str(&pem(encoded(this)))),
        DER => new_bytes(vm, encoded(this)),
        _ => Err(vm.value_error("Unsupported format")),
    }
}

fn pem(encoded: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in encoded.chunks(48) {
        for group in line.chunks(3) {
            let bits = (0..3).fold(0u32, |bits, at| {
                bits << 8 | u32::from(group.get(at).copied().unwrap_or(0))
            });
            for at in 0..4 {
                let digit = (bits >> (18 - 6 * at)) & 63;
                text.push(if at > group.len() {
                    '='
                } else {
                    char::from(DIGITS[digit as usize])
                });
            }
        }
        text.push('\n');
    }
    text.push_str("-----END CERTIFICATE-----\n");
    text
}
