//! Protection against documents that become far more than they are: entities within entities within entities.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// What a parser and those of its external entities have read and made, and how much of that is too much.
pub struct Limits {
    /// Bytes of the document itself.
    direct: AtomicU64,
    /// Bytes that came of entities, in the document's or in other places.
    indirect: AtomicU64,
    /// Bytes of memory for declarations and names, about.
    memory: AtomicU64,
    threshold: AtomicU64,
    /// The bits of an `f32`.
    factor: AtomicU32,
    memory_threshold: AtomicU64,
    memory_factor: AtomicU32,
}

/// The shortest document there is has this many bytes: what counts until more was read.
const SHORTEST: u64 = 22;

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            direct: AtomicU64::new(0),
            indirect: AtomicU64::new(0),
            memory: AtomicU64::new(0),
            threshold: AtomicU64::new(8 << 20),
            factor: AtomicU32::new(100f32.to_bits()),
            memory_threshold: AtomicU64::new(64 << 20),
            memory_factor: AtomicU32::new(100f32.to_bits()),
        }
    }
}

impl Limits {
    pub fn set_threshold(&self, bytes: u64) {
        self.threshold.store(bytes, Relaxed);
    }

    /// False if the factor is less than one or no number.
    pub fn set_factor(&self, factor: f32) -> bool {
        store_factor(&self.factor, factor)
    }

    pub fn set_memory_threshold(&self, bytes: u64) {
        self.memory_threshold.store(bytes, Relaxed);
    }

    /// False if the factor is less than one or no number.
    pub fn set_memory_factor(&self, factor: f32) -> bool {
        store_factor(&self.memory_factor, factor)
    }

    pub(crate) fn set_direct(&self, bytes: u64) {
        self.direct.store(bytes, Relaxed);
    }

    /// Counts bytes that an entity gave. False if that is too much.
    pub(crate) fn add_indirect(&self, bytes: usize) -> bool {
        let indirect = self.indirect.fetch_add(bytes as u64, Relaxed) + bytes as u64;
        let direct = self.direct.load(Relaxed);
        let (whole, base) = match direct {
            0 => (SHORTEST + indirect, SHORTEST),
            direct => (direct + indirect, direct),
        };
        within(
            direct + indirect,
            self.threshold.load(Relaxed),
            whole as f32 / base as f32,
            &self.factor,
        )
    }

    /// Counts bytes of memory. False if that is too much.
    pub(crate) fn add_memory(&self, bytes: usize) -> bool {
        let memory = self.memory.fetch_add(bytes as u64, Relaxed) + bytes as u64;
        let direct = self.direct.load(Relaxed).max(SHORTEST);
        within(
            memory,
            self.memory_threshold.load(Relaxed),
            memory as f32 / direct as f32,
            &self.memory_factor,
        )
    }
}

fn within(amount: u64, threshold: u64, actual: f32, factor: &AtomicU32) -> bool {
    amount < threshold || actual <= f32::from_bits(factor.load(Relaxed))
}

fn store_factor(place: &AtomicU32, factor: f32) -> bool {
    // Not a number is refused too.
    let good = factor >= 1.0;
    if good {
        place.store(factor.to_bits(), Relaxed);
    }
    good
}
