//! The hash algorithms: their fixed properties, and the running state of any of them as one clonable value.

use digest::{ExtendableOutput, FixedOutput, Update, XofReader};

/// What is fixed about an algorithm.
pub struct Algorithm {
    /// As `hash.name` has it.
    pub name: &'static str,
    pub block_size: usize,
    /// 0 for those whose output has no fixed length.
    pub digest_size: usize,
    /// A state that has seen nothing yet.
    pub start: fn() -> Hasher,
}

impl Algorithm {
    /// Is the length of the output the caller's choice?
    pub fn is_extendable(&self) -> bool {
        self.digest_size == 0
    }

    /// The digest of some data; empty for those without fixed length.
    pub fn digest_of(&self, data: &[u8]) -> Vec<u8> {
        let mut hasher = (self.start)();
        hasher.update(data);
        hasher.digest()
    }
}

macro_rules! algorithms {
    (
        fixed { $($constant:ident $variant:ident($ty:ty) $name:literal $block:literal $digest:literal;)* }
        extendable { $($x_constant:ident $x_variant:ident($x_ty:ty) $x_name:literal $x_block:literal;)* }
    ) => {
        $(
            #[doc = concat!("`", $name, "`")]
            pub static $constant: Algorithm = Algorithm {
                name: $name,
                block_size: $block,
                digest_size: $digest,
                start: || Hasher::$variant(<$ty>::default()),
            };
        )*
        $(
            #[doc = concat!("`", $x_name, "`")]
            pub static $x_constant: Algorithm = Algorithm {
                name: $x_name,
                block_size: $x_block,
                digest_size: 0,
                start: || Hasher::$x_variant(<$x_ty>::default()),
            };
        )*

        /// The state of a hash that is being computed.
        #[derive(Clone)]
        pub enum Hasher {
            $($variant($ty),)*
            $($x_variant($x_ty),)*
            Blake2b(blake2b_simd::State),
            Blake2s(blake2s_simd::State),
        }

        impl Hasher {
            /// Takes in more data.
            pub fn update(&mut self, data: &[u8]) {
                match self {
                    $(Hasher::$variant(state) => Update::update(state, data),)*
                    $(Hasher::$x_variant(state) => Update::update(state, data),)*
                    Hasher::Blake2b(state) => {
                        state.update(data);
                    }
                    Hasher::Blake2s(state) => {
                        state.update(data);
                    }
                }
            }

            /// The digest of what was taken in so far; empty for extendable algorithms.
            pub fn digest(&self) -> Vec<u8> {
                match self {
                    $(Hasher::$variant(state) => state.clone().finalize_fixed().to_vec(),)*
                    $(Hasher::$x_variant(_) => Vec::new(),)*
                    Hasher::Blake2b(state) => state.finalize().as_bytes().to_vec(),
                    Hasher::Blake2s(state) => state.finalize().as_bytes().to_vec(),
                }
            }

            /// Fills `out` with the output of an extendable algorithm; others leave it as it is.
            pub fn read(&self, out: &mut [u8]) {
                match self {
                    $(Hasher::$x_variant(state) => state.clone().finalize_xof().read(out),)*
                    _ => {}
                }
            }
        }
    };
}

algorithms! {
    fixed {
        MD5 Md5(md5::Md5) "md5" 64 16;
        SHA1 Sha1(sha1::Sha1) "sha1" 64 20;
        SHA224 Sha224(sha2::Sha224) "sha224" 64 28;
        SHA256 Sha256(sha2::Sha256) "sha256" 64 32;
        SHA384 Sha384(sha2::Sha384) "sha384" 128 48;
        SHA512 Sha512(sha2::Sha512) "sha512" 128 64;
        SHA512_224 Sha512Over224(sha2::Sha512_224) "sha512_224" 128 28;
        SHA512_256 Sha512Over256(sha2::Sha512_256) "sha512_256" 128 32;
        SHA3_224 Sha3Over224(sha3::Sha3_224) "sha3_224" 144 28;
        SHA3_256 Sha3Over256(sha3::Sha3_256) "sha3_256" 136 32;
        SHA3_384 Sha3Over384(sha3::Sha3_384) "sha3_384" 104 48;
        SHA3_512 Sha3Over512(sha3::Sha3_512) "sha3_512" 72 64;
    }
    extendable {
        SHAKE_128 Shake128(shake::Shake128) "shake_128" 168;
        SHAKE_256 Shake256(shake::Shake256) "shake_256" 136;
    }
}

/// `blake2b` with the longest digest and no other parameters.
pub static BLAKE2B: Algorithm = Algorithm {
    name: "blake2b",
    block_size: blake2b_simd::BLOCKBYTES,
    digest_size: blake2b_simd::OUTBYTES,
    start: || Hasher::Blake2b(blake2b_simd::State::new()),
};

/// `blake2s` with the longest digest and no other parameters.
pub static BLAKE2S: Algorithm = Algorithm {
    name: "blake2s",
    block_size: blake2s_simd::BLOCKBYTES,
    digest_size: blake2s_simd::OUTBYTES,
    start: || Hasher::Blake2s(blake2s_simd::State::new()),
};

/// HMAC (RFC 2104) of any algorithm with a fixed length: two states that have seen the padded key.
#[derive(Clone)]
pub struct Keyed {
    inner: Hasher,
    outer: Hasher,
}

impl Keyed {
    pub fn new(algorithm: &Algorithm, key: &[u8]) -> Keyed {
        let mut block = vec![0u8; algorithm.block_size];
        let digest;
        let key = if key.len() > block.len() {
            digest = algorithm.digest_of(key);
            &digest[..]
        } else {
            key
        };
        block.iter_mut().zip(key).for_each(|(to, from)| *to = *from);
        let padded = |pad: u8| {
            let block: Vec<u8> = block.iter().map(|byte| byte ^ pad).collect();
            let mut hasher = (algorithm.start)();
            hasher.update(&block);
            hasher
        };
        Keyed {
            inner: padded(0x36),
            outer: padded(0x5C),
        }
    }

    pub fn update(&mut self, data: &[u8]) {
        self.inner.update(data);
    }

    pub fn digest(&self) -> Vec<u8> {
        let mut outer = self.outer.clone();
        outer.update(&self.inner.digest());
        outer.digest()
    }
}
