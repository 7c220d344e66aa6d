//! The names a parser has met, each once, under small numbers.
//!
//! Whoever consumes events can keep its own object for a name in a row indexed by [`NameId`]: numbers are never given anew.

use foldhash::fast::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// The number of a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NameId(pub(crate) u32);

impl NameId {
    /// The number as an index.
    #[inline(always)]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What is known of a name; the text is in one string with all others.
#[derive(Clone)]
pub(crate) struct Entry {
    start: usize,
    end: usize,
    /// The part in front of the colon, once somebody asked.
    pub prefix: PrefixOf,
    /// Where the part behind the colon begins, in bytes of the name.
    pub local: usize,
    /// The namespace that it was expanded with last, and what it became.
    pub expanded: Option<(NameId, NameId)>,
    /// The last start tag that had an attribute of this raw name.
    pub stamp: u64,
    /// The last start tag that had an attribute of this expanded name.
    pub expanded_stamp: u64,
    /// Index of the declarations for elements of this name, and one.
    pub element: usize,
}

/// The namespace prefix of a raw name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrefixOf {
    NotAsked,
    None,
    Prefix(usize),
    /// The name declares a namespace: `xmlns` or `xmlns:prefix`.
    Declares(usize),
}

#[derive(Clone, Default)]
pub(crate) struct Names {
    text: String,
    entries: Vec<Entry>,
    table: HashTable<u32>,
    state: RandomState,
}

impl Names {
    #[inline]
    pub fn get(&self, id: NameId) -> &str {
        let entry = &self.entries[id.index()];
        &self.text[entry.start..entry.end]
    }

    #[inline]
    pub fn entry(&mut self, id: NameId) -> &mut Entry {
        &mut self.entries[id.index()]
    }

    #[inline]
    pub fn info(&self, id: NameId) -> &Entry {
        &self.entries[id.index()]
    }

    #[inline]
    pub fn intern(&mut self, name: &str) -> NameId {
        let hash = self.state.hash_one(name.as_bytes());
        let same = |id: &u32| {
            let entry = &self.entries[*id as usize];
            self.text.as_bytes()[entry.start..entry.end] == *name.as_bytes()
        };
        match self.table.find(hash, same) {
            Some(id) => NameId(*id),
            None => self.add(hash, name),
        }
    }

    #[cold]
    fn add(&mut self, hash: u64, name: &str) -> NameId {
        let start = self.text.len();
        self.text.push_str(name);
        let id = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        self.entries.push(Entry {
            start,
            end: self.text.len(),
            prefix: PrefixOf::NotAsked,
            local: 0,
            expanded: None,
            stamp: 0,
            expanded_stamp: 0,
            element: 0,
        });
        let (entries, text, state) = (&self.entries, &self.text, &self.state);
        self.table.insert_unique(hash, id, |id| {
            let entry = &entries[*id as usize];
            state.hash_one(&text.as_bytes()[entry.start..entry.end])
        });
        NameId(id)
    }

    /// Bytes taken, about.
    pub fn size(&self) -> usize {
        self.text.len() + self.entries.len() * size_of::<Entry>()
    }
}
