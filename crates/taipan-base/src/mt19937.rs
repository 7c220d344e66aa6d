//! The Mersenne Twister MT19937 with the seeding, the doubles and the state vector of Python's
//! `random` module.

/// Words of state.
pub const STATE_WORDS: usize = 624;
const SHIFT: usize = 397;

/// The generator. `index` counts the words of the current block already handed out.
#[derive(Clone)]
pub struct Mt19937 {
    state: [u32; STATE_WORDS],
    index: usize,
}

impl Mt19937 {
    /// Seeded with one word, as Matsumoto and Nishimura's `init_genrand`.
    #[must_use]
    pub fn from_word(seed: u32) -> Mt19937 {
        let mut state = [0u32; STATE_WORDS];
        state[0] = seed;
        for i in 1..STATE_WORDS {
            let last = state[i - 1];
            state[i] = 1_812_433_253u32
                .wrapping_mul(last ^ (last >> 30))
                .wrapping_add(i as u32);
        }
        Mt19937 {
            state,
            index: STATE_WORDS,
        }
    }

    /// Seeded with the little-endian 32-bit words of an integer's magnitude, as
    /// `random.seed(int)`; no words count as a single zero.
    #[must_use]
    pub fn from_words(key: &[u32]) -> Mt19937 {
        let key = if key.is_empty() { &[0][..] } else { key };
        let mut generator = Mt19937::from_word(19_650_218);
        let state = &mut generator.state;
        let (mut i, mut j) = (1, 0);
        for _ in 0..STATE_WORDS.max(key.len()) {
            let last = state[i - 1];
            state[i] = (state[i] ^ (last ^ (last >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            i += 1;
            j += 1;
            if i >= STATE_WORDS {
                state[0] = state[STATE_WORDS - 1];
                i = 1;
            }
            if j >= key.len() {
                j = 0;
            }
        }
        for _ in 0..STATE_WORDS - 1 {
            let last = state[i - 1];
            state[i] = (state[i] ^ (last ^ (last >> 30)).wrapping_mul(1_566_083_941))
                .wrapping_sub(i as u32);
            i += 1;
            if i >= STATE_WORDS {
                state[0] = state[STATE_WORDS - 1];
                i = 1;
            }
        }
        state[0] = 0x8000_0000;
        generator
    }

    /// Seeded with a 64-bit magnitude.
    #[must_use]
    pub fn from_u64(seed: u64) -> Mt19937 {
        let (low, high) = (seed as u32, (seed >> 32) as u32);
        if high == 0 {
            Mt19937::from_words(&[low])
        } else {
            Mt19937::from_words(&[low, high])
        }
    }

    /// Restores what [`Mt19937::words`] and [`Mt19937::index`] gave; `None` if `index` is not in
    /// `0..=624`.
    #[must_use]
    pub fn from_state(state: [u32; STATE_WORDS], index: usize) -> Option<Mt19937> {
        (index <= STATE_WORDS).then_some(Mt19937 { state, index })
    }

    /// The raw state words.
    #[must_use]
    pub fn words(&self) -> &[u32; STATE_WORDS] {
        &self.state
    }

    /// Position in the state.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    fn refill(&mut self) {
        let twist = |high: u32, low: u32| {
            let mixed = (high & 0x8000_0000) | (low & 0x7fff_ffff);
            (mixed >> 1) ^ (if low & 1 == 1 { 0x9908_b0df } else { 0 })
        };
        let s = &mut self.state;
        for k in 0..STATE_WORDS {
            s[k] = s[(k + SHIFT) % STATE_WORDS] ^ twist(s[k], s[(k + 1) % STATE_WORDS]);
        }
        self.index = 0;
    }

    /// The next 32 random bits.
    #[inline]
    pub fn next_u32(&mut self) -> u32 {
        if self.index >= STATE_WORDS {
            self.refill();
        }
        let mut y = self.state[self.index];
        self.index += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// `random.random()`: 53 random bits in `[0, 1)`.
    #[inline]
    pub fn random(&mut self) -> f64 {
        let a = f64::from(self.next_u32() >> 5);
        let b = f64::from(self.next_u32() >> 6);
        (a * 67_108_864.0 + b) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// `random.getrandbits(bits)` for at most 64 bits.
    pub fn bits_u64(&mut self, bits: u32) -> u64 {
        match bits {
            0 => 0,
            1..=32 => u64::from(self.next_u32() >> (32 - bits)),
            _ => {
                let low = u64::from(self.next_u32());
                low | u64::from(self.next_u32() >> (64 - bits.min(64))) << 32
            }
        }
    }

    /// `random.getrandbits(bits)` as little-endian 32-bit words.
    pub fn bits_words(&mut self, bits: usize) -> Vec<u32> {
        let mut left = bits;
        let mut words = Vec::with_capacity(bits.div_ceil(32));
        while left > 0 {
            let word = self.next_u32();
            words.push(if left < 32 { word >> (32 - left) } else { word });
            left = left.saturating_sub(32);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_python() {
        let mut g = Mt19937::from_u64(42);
        assert_eq!(g.random(), 0.6394267984578837);
        assert_eq!(g.random(), 0.025010755222666936);
        let mut g = Mt19937::from_u64(0);
        assert_eq!(g.random(), 0.8444218515250481);
        let mut g = Mt19937::from_u64(1 << 40);
        assert_eq!(
            (g.bits_u64(10), g.bits_u64(40), g.bits_words(70)),
            (106, 735956488976, vec![282029048, 1832466665, 3])
        );
        for _ in 0..1000 {
            g.next_u32();
        }
        assert_eq!(g.random(), 0.9777723938360171);
        let mut copy = Mt19937::from_state(*g.words(), g.index()).expect("valid");
        assert_eq!(copy.random(), g.random());
    }
}
