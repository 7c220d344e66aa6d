//! The hash table of sets: open addressing with short linear runs, in the order of places that CPython's sets have, so that
//! sets of numbers print in the order people know.

use taipan_core::Value;

/// Places in the smallest table.
const SMALLEST: usize = 8;
/// Places looked at in a row before the search jumps.
const RUN: usize = 9;

/// Memory for a larger table is not to be had.
#[derive(Debug)]
pub struct NoMemory;

/// One place: never used if the hash is 0 and there is no key, deleted if it is -1 (which no hash is).
#[derive(Clone)]
pub struct Place {
    pub hash: i64,
    pub key: Option<Value>,
}

const FREE: Place = Place { hash: 0, key: None };
const DELETED: Place = Place {
    hash: -1,
    key: None,
};

/// A set's state.
pub struct Table {
    /// A power of two of them, or none at all.
    places: Box<[Place]>,
    used: usize,
    /// Used and deleted places.
    fill: usize,
    /// Where `pop` goes on looking.
    finger: usize,
    /// Changes whenever places lose their meaning.
    moves: u32,
}

/// Where a search stands.
pub struct Probe {
    at: usize,
    /// Places left in this run.
    run: usize,
    base: usize,
    perturb: u64,
    mask: usize,
}

impl Probe {
    fn new(hash: i64, mask: usize) -> Probe {
        let base = hash as usize & mask;
        Probe {
            at: base,
            run: run_length(base, mask),
            base,
            perturb: hash as u64,
            mask,
        }
    }

    #[inline(always)]
    fn next(&mut self) {
        if self.run > 0 {
            self.run -= 1;
            self.at += 1;
            return;
        }
        self.perturb >>= 5;
        self.base = self
            .base
            .wrapping_mul(5)
            .wrapping_add(1)
            .wrapping_add(self.perturb as usize)
            & self.mask;
        self.at = self.base;
        self.run = run_length(self.base, self.mask);
    }
}

#[inline(always)]
fn run_length(base: usize, mask: usize) -> usize {
    if base + RUN <= mask { RUN } else { 0 }
}

fn free_places(len: usize) -> Result<Box<[Place]>, NoMemory> {
    let mut places = Vec::new();
    places.try_reserve_exact(len).map_err(|_| NoMemory)?;
    places.resize(len, FREE);
    Ok(places.into_boxed_slice())
}

impl Table {
    pub fn new() -> Table {
        Table {
            places: Box::default(),
            used: 0,
            fill: 0,
            finger: 0,
            moves: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.used
    }

    /// A number that changes whenever places lose their meaning.
    pub fn moves(&self) -> u32 {
        self.moves
    }

    #[inline(always)]
    fn mask(&self) -> usize {
        self.places.len().max(1) - 1
    }

    /// The places of the smallest table count even before it is there.
    fn virtual_mask(&self) -> usize {
        self.places.len().max(SMALLEST) - 1
    }

    /// The start of a search for keys of this hash.
    #[inline(always)]
    pub fn probe(&self, hash: i64) -> Probe {
        Probe::new(hash, self.mask())
    }

    /// The next place whose key may equal one of hash `hash`.
    #[inline(always)]
    pub fn step(&self, probe: &mut Probe, hash: i64) -> Option<usize> {
        if self.places.is_empty() {
            return None;
        }
        loop {
            let at = probe.at;
            let place = &self.places[at];
            if place.hash == 0 && place.key.is_none() {
                return None;
            }
            probe.next();
            if place.hash == hash && place.key.is_some() {
                return Some(at);
            }
        }
    }

    /// The key at a place.
    #[inline(always)]
    pub fn key(&self, at: usize) -> Option<&Value> {
        self.places.get(at)?.key.as_ref()
    }

    /// The first key at or behind place `at`, which is set behind it, with its hash.
    #[inline]
    pub fn next(&self, at: &mut usize) -> Option<(i64, &Value)> {
        while let Some(place) = self.places.get(*at) {
            *at += 1;
            if let Some(key) = &place.key {
                return Some((place.hash, key));
            }
        }
        None
    }

    /// All keys with their hashes.
    pub fn iter(&self) -> impl Iterator<Item = (i64, &Value)> {
        self.places
            .iter()
            .filter_map(|place| place.key.as_ref().map(|key| (place.hash, key)))
    }

    /// Adds a key that is not there yet.
    pub fn add(&mut self, hash: i64, key: Value) -> Result<(), NoMemory> {
        if self.places.is_empty() {
            self.resize(0)?;
        }
        if let Some(at) = self.deleted_place(hash) {
            self.places[at] = Place {
                hash,
                key: Some(key),
            };
            self.used += 1;
            return Ok(());
        }
        let full = (self.fill + 1) * 5 >= self.mask() * 3;
        if full {
            // Room is made first, so that a failure leaves the table as it was.
            let grown = self.grown(hash, key)?;
            self.replace(grown);
            return Ok(());
        }
        self.put(hash, key);
        Ok(())
    }

    /// The last deleted place on the way to the free one that a key of this hash would get.
    fn deleted_place(&self, hash: i64) -> Option<usize> {
        if self.fill == self.used {
            return None;
        }
        let mut probe = self.probe(hash);
        let mut deleted = None;
        loop {
            let place = &self.places[probe.at];
            match (place.key.is_none(), place.hash) {
                (true, 0) => return deleted,
                (true, _) => deleted = Some(probe.at),
                _ => {}
            }
            probe.next();
        }
    }

    /// A larger table with one more key. The new key is last in the old table's order of places, as if added there first.
    fn grown(&mut self, hash: i64, key: Value) -> Result<Table, NoMemory> {
        let used = self.used + 1;
        let wanted = if used > 50000 {
            used.checked_mul(2)
        } else {
            used.checked_mul(4)
        };
        let mut larger = Table {
            places: free_places(size_for(wanted.ok_or(NoMemory)?)?)?,
            ..Table::new()
        };
        self.put(hash, key);
        for place in &mut self.places {
            if let Some(key) = place.key.take() {
                larger.put(place.hash, key);
            }
        }
        Ok(larger)
    }

    fn replace(&mut self, new: Table) {
        let (finger, moves) = (self.finger, self.moves.wrapping_add(1));
        *self = Table {
            finger,
            moves,
            ..new
        };
    }

    /// Puts a new key into the first free place.
    fn put(&mut self, hash: i64, key: Value) {
        let mut probe = self.probe(hash);
        loop {
            let place = &mut self.places[probe.at];
            if place.key.is_none() && place.hash == 0 {
                *place = Place {
                    hash,
                    key: Some(key),
                };
                self.fill += 1;
                self.used += 1;
                return;
            }
            probe.next();
        }
    }

    /// Makes room for more than `least` keys, leaving deleted places out.
    pub fn resize(&mut self, least: usize) -> Result<(), NoMemory> {
        let mut new = Table {
            places: free_places(size_for(least.max(self.used))?)?,
            ..Table::new()
        };
        for place in &mut self.places {
            if let Some(key) = place.key.take() {
                new.put(place.hash, key);
            }
        }
        self.replace(new);
        Ok(())
    }

    /// Makes room for the keys of another table.
    pub fn reserve_for(&mut self, other: usize) -> Result<(), NoMemory> {
        let wanted = self
            .fill
            .checked_add(other)
            .and_then(|n| n.checked_mul(5))
            .ok_or(NoMemory)?;
        if wanted >= self.virtual_mask() * 3 {
            self.resize((self.used + other) * 2)?;
        }
        Ok(())
    }

    /// Takes the key at a place out.
    pub fn delete(&mut self, at: usize) -> Option<Value> {
        let place = self.places.get_mut(at)?;
        let key = place.key.take()?;
        *place = DELETED;
        self.used -= 1;
        Some(key)
    }

    /// Takes some key out.
    pub fn pop(&mut self) -> Option<Value> {
        if self.used == 0 {
            return None;
        }
        let mut at = self.finger & self.mask();
        while self.places[at].key.is_none() {
            at = if at >= self.mask() { 0 } else { at + 1 };
        }
        self.finger = at + 1;
        self.delete(at)
    }

    /// A copy whose keys lie as in the original if nothing was ever deleted, as if added one after the other otherwise.
    pub fn duplicate(&self) -> Result<Table, NoMemory> {
        let mut copy = Table::new();
        copy.reserve_for(self.used)?;
        copy.take_over(self)?;
        Ok(copy)
    }

    /// Adds all keys of `other` to this table, which is empty and has room.
    pub fn take_over(&mut self, other: &Table) -> Result<(), NoMemory> {
        if other.used == 0 {
            return Ok(());
        }
        if self.places.is_empty() {
            self.resize(0)?;
        }
        let same_shape = self.places.len() == other.places.len() && other.fill == other.used;
        if same_shape && self.fill == 0 {
            self.places.clone_from_slice(&other.places);
            (self.used, self.fill) = (other.used, other.fill);
            self.moves = self.moves.wrapping_add(1);
            return Ok(());
        }
        for (hash, key) in other.iter() {
            self.add(hash, key.clone())?;
        }
        Ok(())
    }

    /// Notes that this table took the place of `old`.
    pub fn moved_from(&mut self, old: &Table) {
        self.moves = old.moves.wrapping_add(1);
        self.finger = old.finger;
    }

    /// After many deletions: squeezes deleted places out if they are more than a quarter.
    pub fn squeeze(&mut self) -> Result<(), NoMemory> {
        if self.places.is_empty() || self.fill - self.used <= self.mask() / 4 {
            return Ok(());
        }
        self.resize(if self.used > 50000 {
            self.used * 2
        } else {
            self.used * 4
        })
    }

    /// Bytes of the places.
    pub fn bytes(&self) -> usize {
        self.places.len() * size_of::<Place>()
    }
}

impl Default for Table {
    fn default() -> Table {
        Table::new()
    }
}

fn size_for(least: usize) -> Result<usize, NoMemory> {
    let mut size = SMALLEST;
    while size <= least {
        size = size.checked_mul(2).ok_or(NoMemory)?;
    }
    Ok(size)
}
