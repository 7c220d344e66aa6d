//! Keys from passwords: `pbkdf2_hmac` and `scrypt` of `_hashlib`.

use super::algorithm::{Algorithm, Hasher, Keyed};
use super::arguments::room;
use super::hashlib::by_name;
use crate::numbers::{c_long, unsigned};
use pbkdf2::hmac::SimpleHmac;
use taipan_core::str_object::is_str;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;

/// The row of `pbkdf2_hmac`.
#[expect(
    clippy::declare_interior_mutable_const,
    reason = "a row that is copied into a static table"
)]
pub const PBKDF2_ROW: MethodDef = bound(
    "pbkdf2_hmac(module, /, hash_name, password, salt, iterations, dklen=None)",
    pbkdf2_hmac,
    "A key from a password, by PBKDF2 (PKCS #5) with HMAC.",
);

/// The row of `scrypt`.
#[expect(
    clippy::declare_interior_mutable_const,
    reason = "a row that is copied into a static table"
)]
pub const SCRYPT_ROW: MethodDef = bound(
    "scrypt(module, /, password, *, salt, n, r, p, maxmem=0, dklen=64)",
    scrypt_function,
    "A key from a password, by scrypt (RFC 7914).",
);

const INT_MAX: i64 = i32::MAX as i64;

fn pbkdf2_hmac(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let name = args.req(0);
    if !is_str(name) {
        let message = format!(
            "pbkdf2_hmac() argument 'hash_name' must be str, not {}",
            taipan_types::arguments::type_name(name)
        );
        return Err(vm.type_error(message));
    }
    let password = bytes_like(vm, args.req(1))?;
    let salt = bytes_like(vm, args.req(2))?;
    let iterations = c_long(vm, args.req(3))?;
    let algorithm = by_name(vm, name)?;
    if iterations < 1 {
        return Err(vm.value_error("iteration value must be greater than 0."));
    }
    if iterations > INT_MAX {
        return Err(vm.overflow_error("iteration value is too great."));
    }
    let length = match args.get_not_none(4) {
        Some(length) => c_long(vm, length)?,
        None => algorithm.digest_size as i64,
    };
    if length < 1 {
        return Err(vm.value_error("key length must be greater than 0."));
    }
    if length > INT_MAX {
        return Err(vm.overflow_error("key length is too great."));
    }
    if algorithm.is_extendable() {
        return Err(vm.value_error("no reason supplied"));
    }
    let mut key = room(vm, length as usize)?;
    derive(algorithm, &password, &salt, iterations as u32, &mut key);
    new_bytes(vm, &key)
}

fn derive(algorithm: &Algorithm, password: &[u8], salt: &[u8], rounds: u32, key: &mut [u8]) {
    macro_rules! by_state {
        ($($variant:ident $ty:ty,)*) => {
            match (algorithm.start)() {
                $(Hasher::$variant(_) => {
                    // HMAC takes passwords of any length, so this does not fail.
                    let _ = pbkdf2::pbkdf2::<SimpleHmac<$ty>>(password, salt, rounds, key);
                })*
                _ => derive_by_parts(&Keyed::new(algorithm, password), salt, rounds, key),
            }
        };
    }
    by_state! {
        Md5 md5::Md5,
        Sha1 sha1::Sha1,
        Sha224 sha2::Sha224,
        Sha256 sha2::Sha256,
        Sha384 sha2::Sha384,
        Sha512 sha2::Sha512,
        Sha512Over224 sha2::Sha512_224,
        Sha512Over256 sha2::Sha512_256,
        Sha3Over224 sha3::Sha3_224,
        Sha3Over256 sha3::Sha3_256,
        Sha3Over384 sha3::Sha3_384,
        Sha3Over512 sha3::Sha3_512,
    }
}

/// PBKDF2 for the algorithms whose library lacks the traits that the crate asks for.
fn derive_by_parts(keyed: &Keyed, salt: &[u8], rounds: u32, key: &mut [u8]) {
    let mut number = 1u32;
    let mut rest = key;
    while !rest.is_empty() {
        let mut first = keyed.clone();
        first.update(salt);
        first.update(&number.to_be_bytes());
        let mut last = first.digest();
        let mut block = last.clone();
        for _ in 1..rounds {
            let mut next = keyed.clone();
            next.update(&last);
            last = next.digest();
            block
                .iter_mut()
                .zip(&last)
                .for_each(|(to, from)| *to ^= from);
        }
        let count = block.len().min(rest.len());
        let (now, later) = rest.split_at_mut(count);
        now.copy_from_slice(&block[..count]);
        rest = later;
        number = number.wrapping_add(1);
    }
}

/// What scrypt may use if the caller sets no limit.
const DEFAULT_MEMORY: u128 = 32 << 20;

fn scrypt_function(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let password = bytes_like(vm, args.req(0))?;
    let salt = bytes_like(vm, args.req(1))?;
    let n = unsigned(vm, args.req(2), "unsigned long")?;
    let r = unsigned(vm, args.req(3), "unsigned long")?;
    let p = unsigned(vm, args.req(4), "unsigned long")?;
    let limit = match args.get(5) {
        Some(limit) => c_long(vm, limit)?,
        None => 0,
    };
    let length = match args.get(6) {
        Some(length) => c_long(vm, length)?,
        None => 64,
    };
    if n < 2 || !n.is_power_of_two() {
        return Err(vm.value_error("n must be a power of 2."));
    }
    if !(0..=INT_MAX).contains(&limit) {
        return Err(vm.value_error(format!(
            "maxmem must be positive and smaller than {INT_MAX}"
        )));
    }
    if !(1..=INT_MAX).contains(&length) {
        return Err(vm.value_error(format!(
            "dklen must be greater than 0 and smaller than {INT_MAX}"
        )));
    }
    if r == 0 || p == 0 {
        return Err(vm.value_error("Invalid parameter combination for n, r, p, maxmem."));
    }
    let (Ok(r), Ok(p)) = (u32::try_from(r), u32::try_from(p)) else {
        return Err(vm.value_error("[digital envelope routines] parameter too large"));
    };
    let limit = if limit == 0 {
        DEFAULT_MEMORY
    } else {
        limit as u128
    };
    let blocks = 128 * r as u128 * (n as u128 + 2 + p as u128);
    let log_n = n.trailing_zeros();
    if blocks > limit || log_n as u64 >= 16 * r as u64 {
        return Err(vm.value_error("[digital envelope routines] memory limit exceeded"));
    }
    let Ok(parameters) = scrypt::Params::new(log_n as u8, r, p) else {
        return Err(vm.value_error("Invalid parameter combination for n, r, p, maxmem."));
    };
    let mut key = room(vm, length as usize)?;
    // The library's allocations cannot fail gently: see first that there is room for them.
    if Vec::<u8>::new().try_reserve_exact(blocks as usize).is_err() {
        return Err(vm.memory_error());
    }
    // The length was checked, which is all that it can object to.
    let _ = scrypt::scrypt(&password, &salt, &parameters, &mut key);
    new_bytes(vm, &key)
}
