//! An immutable map from context variables to values: a hash array mapped trie. A change makes new nodes along one path and shares
//! the rest, so copying a context costs nothing. Nodes are objects, for the collector must see what several contexts share.

use taipan_core::{Layout, Payload, Tracer, Type, TypeObject, TypeSpec, Value, alloc};

static NODE_TYPE: TypeObject = Type::declare("_contextvars._node");
static LAYOUT: Layout = Layout::of::<Node>();
static SPEC: TypeSpec = TypeSpec {
    name: "_contextvars._node",
    layout: Some(&LAYOUT),
    doc: "Part of a context's map.",
    ..TypeSpec::DEFAULT
};

/// Defines the type of nodes, which no program sees.
pub(super) fn define() {
    NODE_TYPE.define(&SPEC);
}

/// Five bits of the hash pick a branch.
const BITS: u32 = 5;

enum Entry {
    Pair(Value, Value),
    /// A [`Node`].
    Child(Value),
}

impl Entry {
    fn share(&self) -> Entry {
        match self {
            Entry::Pair(key, value) => Entry::Pair(key.clone(), value.clone()),
            Entry::Child(node) => Entry::Child(node.clone()),
        }
    }
}

struct Node {
    bitmap: u32,
    entries: Vec<Entry>,
}

// SAFETY: all references are in the entries.
unsafe impl Payload for Node {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &NODE_TYPE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        for entry in &self.entries {
            match entry {
                Entry::Pair(key, value) => {
                    tracer.visit(key);
                    tracer.visit(value);
                }
                Entry::Child(node) => tracer.visit(node),
            }
        }
    }
}

/// Variables are told apart by identity. The mixing is a bijection, so two of them always part ways.
fn hash(key: &Value) -> u64 {
    key.bits().wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn branch(hash: u64, shift: u32) -> u32 {
    1 << (hash >> shift & 31)
}

impl Node {
    fn index(&self, bit: u32) -> usize {
        (self.bitmap & (bit - 1)).count_ones() as usize
    }

    fn create(bitmap: u32, entries: Vec<Entry>) -> Value {
        alloc::new_object(Node { bitmap, entries })
    }

    fn shared_entries(&self) -> Vec<Entry> {
        self.entries.iter().map(Entry::share).collect()
    }
}

/// The map; `None` is the empty one.
#[derive(Clone, Default)]
pub(super) struct Map {
    pub(super) root: Option<Value>,
    pub(super) len: usize,
}

impl Map {
    pub(super) fn get(&self, key: &Value) -> Option<Value> {
        let hash = hash(key);
        let mut node = self.root.clone()?;
        let mut shift = 0;
        loop {
            let current = node.cast::<Node>()?;
            let bit = branch(hash, shift);
            if current.bitmap & bit == 0 {
                return None;
            }
            let next = match &current.entries[current.index(bit)] {
                Entry::Pair(own, value) => {
                    return Some(value.clone()).filter(|_| own.is(key));
                }
                Entry::Child(child) => child.clone(),
            };
            node = next;
            shift += BITS;
        }
    }

    /// The map with one more (or one changed) entry.
    pub(super) fn with(&self, key: &Value, value: &Value) -> Map {
        let added = self.get(key).is_none();
        let root = insert(self.root.as_ref(), hash(key), 0, key, value);
        Map {
            root: Some(root),
            len: self.len + usize::from(added),
        }
    }

    /// The map without an entry.
    pub(super) fn without(&self, key: &Value) -> Map {
        if self.get(key).is_none() {
            return self.clone();
        }
        let root = self
            .root
            .as_ref()
            .and_then(|root| remove(root, hash(key), 0, key));
        Map {
            root,
            len: self.len - 1,
        }
    }

    /// All entries.
    pub(super) fn items(&self) -> Vec<(Value, Value)> {
        let mut out = Vec::with_capacity(self.len);
        let mut stack: Vec<Value> = self.root.iter().cloned().collect();
        while let Some(node) = stack.pop() {
            let Some(node) = node.cast::<Node>() else {
                continue;
            };
            for entry in &node.entries {
                match entry {
                    Entry::Pair(key, value) => out.push((key.clone(), value.clone())),
                    Entry::Child(child) => stack.push(child.clone()),
                }
            }
        }
        out
    }
}

fn insert(node: Option<&Value>, hash_of_key: u64, shift: u32, key: &Value, value: &Value) -> Value {
    let bit = branch(hash_of_key, shift);
    let pair = || Entry::Pair(key.clone(), value.clone());
    let Some(node) = node.and_then(|node| node.cast::<Node>()) else {
        return Node::create(bit, vec![pair()]);
    };
    let at = node.index(bit);
    let mut entries = node.shared_entries();
    if node.bitmap & bit == 0 {
        entries.insert(at, pair());
        return Node::create(node.bitmap | bit, entries);
    }
    let entry = match &node.entries[at] {
        Entry::Pair(own, _) if own.is(key) => pair(),
        Entry::Pair(own, old) => {
            let below = insert(None, hash(own), shift + BITS, own, old);
            Entry::Child(insert(Some(&below), hash_of_key, shift + BITS, key, value))
        }
        Entry::Child(child) => {
            Entry::Child(insert(Some(child), hash_of_key, shift + BITS, key, value))
        }
    };
    entries[at] = entry;
    Node::create(node.bitmap, entries)
}

/// The node without the key, which is there; `None` if nothing is left.
#[expect(clippy::only_used_in_recursion, reason = "says which key")]
fn remove(node: &Value, hash_of_key: u64, shift: u32, key: &Value) -> Option<Value> {
    let node = node.cast::<Node>()?;
    let bit = branch(hash_of_key, shift);
    let at = node.index(bit);
    let mut entries = node.shared_entries();
    let left = match &node.entries[at] {
        Entry::Pair(..) => None,
        Entry::Child(child) => remove(child, hash_of_key, shift + BITS, key),
    };
    let Some(left) = left else {
        entries.remove(at);
        if entries.is_empty() {
            return None;
        }
        return Some(Node::create(node.bitmap & !bit, entries));
    };
    // A child with a single pair moves up, so that equal maps have equal shapes.
    let single = match left.cast::<Node>() {
        Some(child) => match &child.entries[..] {
            [Entry::Pair(key, value)] => Some(Entry::Pair(key.clone(), value.clone())),
            _ => None,
        },
        None => None,
    };
    entries[at] = single.unwrap_or(Entry::Child(left));
    Some(Node::create(node.bitmap, entries))
}
