//! Hash functions with CPython's results: keyed SipHash-1-3 for text and bytes, and the
//! combinators of tuples and frozensets. Numeric hashes are in [`crate::int_text`].

use std::hash::Hasher as _;

use siphasher::sip::SipHasher13;

/// The per-process key of string and bytes hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKey {
    k0: u64,
    k1: u64,
}

impl HashKey {
    /// The key of `PYTHONHASHSEED=0`: hashes do not vary between runs.
    pub const FIXED: HashKey = HashKey { k0: 0, k1: 0 };

    /// The two words of the key.
    #[must_use]
    pub const fn words(&self) -> (u64, u64) {
        (self.k0, self.k1)
    }

    /// A key from 16 random bytes.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> HashKey {
        let [k0, k1] = [0, 8].map(|at| {
            bytes[at..at + 8]
                .iter()
                .rev()
                .fold(0, |word, &b| word << 8 | u64::from(b))
        });
        HashKey { k0, k1 }
    }

    /// The key that `PYTHONHASHSEED=seed` names; zero is [`HashKey::FIXED`].
    #[must_use]
    pub fn from_seed(seed: u32) -> HashKey {
        if seed == 0 {
            return HashKey::FIXED;
        }
        let mut state = seed;
        let mut bytes = [0u8; 16];
        for b in &mut bytes {
            state = state.wrapping_mul(214_013).wrapping_add(2_531_011);
            *b = (state >> 16) as u8;
        }
        HashKey::from_random(bytes)
    }

    /// Parses the environment variable: `random` or empty gives `Ok(None)`, a number of 0 to
    /// 4294967295 the fixed seed.
    pub fn parse_seed(text: &str) -> Result<Option<u32>, InvalidSeed> {
        if text.is_empty() || text == "random" {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| InvalidSeed)
    }

    /// Hash of a string's canonical bytes (1, 2 or 4 bytes a character) or of a bytes object.
    #[must_use]
    pub fn hash_bytes(&self, bytes: &[u8]) -> i64 {
        if bytes.is_empty() {
            return 0;
        }
        not_minus_one(SipHasher13::new_with_keys(self.k0, self.k1).hash(bytes) as i64)
    }

    /// [`HashKey::hash_bytes`] of little-endian 16-bit units.
    #[must_use]
    pub fn hash_u16(&self, units: &[u16]) -> i64 {
        self.hash_units(units, |u| u.to_le_bytes())
    }

    /// [`HashKey::hash_bytes`] of little-endian 32-bit units.
    #[must_use]
    pub fn hash_u32(&self, units: &[u32]) -> i64 {
        self.hash_units(units, |u| u.to_le_bytes())
    }

    fn hash_units<T: Copy, const N: usize>(&self, units: &[T], bytes: fn(T) -> [u8; N]) -> i64 {
        if units.is_empty() {
            return 0;
        }
        let mut hasher = SipHasher13::new_with_keys(self.k0, self.k1);
        let mut buffer = [0u8; 256];
        for chunk in units.chunks(256 / N) {
            for (slot, &unit) in buffer.chunks_exact_mut(N).zip(chunk) {
                slot.copy_from_slice(&bytes(unit));
            }
            hasher.write(&buffer[..chunk.len() * N]);
        }
        not_minus_one(hasher.finish() as i64)
    }
}

/// `PYTHONHASHSEED` is neither "random" nor an integer in range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSeed;

/// Hash values avoid -1, which CPython's C interface reserves for errors.
#[must_use]
pub fn not_minus_one(hash: i64) -> i64 {
    if hash == -1 { -2 } else { hash }
}

const PRIME_1: u64 = 11_400_714_785_074_694_791;
const PRIME_2: u64 = 14_029_467_366_897_019_727;
const PRIME_5: u64 = 2_870_177_450_012_600_261;

/// Combines the hashes of a tuple's items in order.
#[derive(Clone, Debug)]
pub struct TupleHasher {
    state: u64,
    length: u64,
}

impl TupleHasher {
    /// For an empty tuple so far.
    #[must_use]
    pub fn new() -> TupleHasher {
        TupleHasher {
            state: PRIME_5,
            length: 0,
        }
    }

    /// Adds the hash of the next item.
    #[inline]
    pub fn add(&mut self, hash: i64) {
        self.state = self
            .state
            .wrapping_add((hash as u64).wrapping_mul(PRIME_2))
            .rotate_left(31)
            .wrapping_mul(PRIME_1);
        self.length += 1;
    }

    /// The tuple's hash.
    #[must_use]
    pub fn finish(&self) -> i64 {
        let value = self.state.wrapping_add(self.length ^ (PRIME_5 ^ 3_527_539)) as i64;
        if value == -1 { 1_546_275_796 } else { value }
    }
}

impl Default for TupleHasher {
    fn default() -> TupleHasher {
        TupleHasher::new()
    }
}

/// Combines the hashes of a frozenset's members in any order.
#[derive(Clone, Debug, Default)]
pub struct SetHasher {
    state: u64,
    length: u64,
}

impl SetHasher {
    /// For an empty set so far.
    #[must_use]
    pub fn new() -> SetHasher {
        SetHasher::default()
    }

    /// Adds the hash of a member.
    #[inline]
    pub fn add(&mut self, hash: i64) {
        let hash = hash as u64;
        self.state ^= ((hash ^ 89_869_747) ^ (hash << 16)).wrapping_mul(3_644_798_167);
        self.length += 1;
    }

    /// The set's hash.
    #[must_use]
    pub fn finish(&self) -> i64 {
        let mut hash = self.state ^ (self.length + 1).wrapping_mul(1_927_868_237);
        hash ^= (hash >> 11) ^ (hash >> 25);
        let value = hash.wrapping_mul(69_069).wrapping_add(907_133_923) as i64;
        if value == -1 { 590_923_713 } else { value }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keyed() {
        assert_eq!(HashKey::FIXED.hash_bytes(b""), 0);
        assert_eq!(HashKey::FIXED.hash_bytes(b"abc"), KEY0_ABC);
        assert_eq!(HashKey::from_seed(42).hash_bytes(b"abc"), KEY42_ABC);
        assert_eq!(HashKey::FIXED.hash_u16(&[0x20ac, 0x61]), KEY0_EURO_A);
        assert_eq!(HashKey::parse_seed("x"), Err(InvalidSeed));
        assert_eq!(HashKey::parse_seed("7"), Ok(Some(7)));
    }

    #[test]
    fn combinators() {
        let mut tuple = TupleHasher::new();
        assert_eq!(tuple.finish(), EMPTY_TUPLE);
        for n in 1..4 {
            tuple.add(n);
        }
        assert_eq!(tuple.finish(), TUPLE_123);
        let mut set = SetHasher::new();
        assert_eq!(set.finish(), EMPTY_SET);
        for n in [3, 1, 2] {
            set.add(n);
        }
        assert_eq!(set.finish(), SET_123);
    }

    const KEY0_ABC: i64 = -4_594_863_902_769_663_758;
    const KEY42_ABC: i64 = 3_869_580_338_025_362_921;
    const KEY0_EURO_A: i64 = 6_050_857_258_837_503_481;
    const EMPTY_TUPLE: i64 = 5_740_354_900_026_072_187;
    const TUPLE_123: i64 = 529_344_067_295_497_451;
    const EMPTY_SET: i64 = 133_146_708_735_736;
    const SET_123: i64 = -272_375_401_224_217_160;
}
