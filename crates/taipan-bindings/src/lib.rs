//! Native modules over libraries that know no Python: hashes, compression, SQLite, TLS, XML. One file or folder for each, under CPython's names.
//!
//! They stand apart from `taipan-stdlib` so that those libraries are built beside it, and an embedder can leave them out.

pub mod bz2;
pub mod etree;
pub mod expat;
pub mod hashes;
mod incremental;
pub mod lzma;
mod numbers;
mod output;
pub mod sqlite;
pub mod ssl;
mod support;
pub mod zlib;
pub mod zstd;

use taipan_stdlib::ModuleDef;

/// All modules of this crate, by name.
pub static MODULES: &[&ModuleDef] = &[
    &bz2::MODULE,
    &etree::MODULE,
    &expat::MODULE,
    &hashes::blake2::MODULE,
    &hashes::hashlib::MODULE,
    &hashes::hmac::MODULE,
    &hashes::plain::MD5_MODULE,
    &hashes::plain::SHA1_MODULE,
    &hashes::plain::SHA2_MODULE,
    &hashes::sha3::MODULE,
    &lzma::MODULE,
    &sqlite::MODULE,
    &ssl::MODULE,
    &zlib::MODULE,
    &zstd::MODULE,
];
