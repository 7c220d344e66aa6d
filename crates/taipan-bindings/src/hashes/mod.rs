//! Hashes: `_md5`, `_sha1`, `_sha2`, `_sha3`, `_blake2`, `_hmac` and `_hashlib`.
//!
//! `algorithm` has the computations, `object` and `mac_object` the Python objects over them, and the other files one module each
//! (`plain` three, which are alike).

pub mod algorithm;
mod arguments;
pub mod blake2;
mod derivation;
pub mod hashlib;
pub mod hmac;
mod mac_object;
mod object;
pub mod plain;
pub mod sha3;
