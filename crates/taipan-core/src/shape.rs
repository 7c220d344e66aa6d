//! Shapes (hidden classes): which attributes an instance has, and in which slots.
//!
//! Every object's header names a shape by number. The process-wide table leads from the number to the type and, for types whose
//! instances take attributes, to the [`Shape`]. An entry's `version` is what inline caches compare: it becomes 0 whenever the
//! type or one of its bases changes, and no version is ever given out twice.

use crate::type_object::TypeObject;
use crate::value::Value;
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicPtr, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Mutex, OnceLock};

/// Most shapes a process can have at a time (a static table; pages are only used when touched).
pub const MAX_SHAPES: usize = 1 << 20;
/// Instances with more attributes than this keep them in a dict.
pub const MAX_ATTRIBUTES: u32 = 80;

/// One row of the shape table.
pub struct ShapeEntry {
    type_object: AtomicPtr<TypeObject>,
    shape: AtomicPtr<Shape>,
    version: AtomicU32,
}

impl ShapeEntry {
    const fn new() -> ShapeEntry {
        ShapeEntry {
            type_object: AtomicPtr::new(null_mut()),
            shape: AtomicPtr::new(null_mut()),
            version: AtomicU32::new(0),
        }
    }

    /// The version inline caches compare; 0 is "never cache".
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.version.load(Relaxed)
    }

    pub(crate) fn set_version(&self, version: u32) {
        self.version.store(version, Relaxed);
    }
}

static TABLE: [ShapeEntry; MAX_SHAPES] = [const { ShapeEntry::new() }; MAX_SHAPES];
static FREE: Mutex<(u32, Vec<u32>)> = Mutex::new((1, Vec::new()));
static NEXT_VERSION: AtomicU32 = AtomicU32::new(1);

/// The table row of a shape.
#[inline(always)]
pub fn entry(shape: u32) -> &'static ShapeEntry {
    // SAFETY: shape words come from `new_entry`, which stays below MAX_SHAPES (I-SHAPE-1).
    unsafe { TABLE.get_unchecked(shape as usize) }
}

/// The type of objects with this shape.
#[inline(always)]
pub fn type_of_shape<'a>(shape: u32) -> &'a TypeObject {
    // SAFETY: entries of shapes in use hold their type; a type outlives its instances (I-TYPE-1).
    unsafe { &*entry(shape).type_object.load(Relaxed) }
}

/// Reserves a table row for `ty`, without attributes. `None` if the table is full.
pub fn new_entry(ty: *const TypeObject) -> Option<u32> {
    let mut free = FREE.lock().ok()?;
    let id = match free.1.pop() {
        Some(id) => id,
        None if (free.0 as usize) < MAX_SHAPES => {
            free.0 += 1;
            free.0 - 1
        }
        None => return None,
    };
    let row = entry(id);
    row.type_object.store(ty.cast_mut(), Relaxed);
    row.shape.store(null_mut(), Relaxed);
    row.version.store(0, Relaxed);
    Some(id)
}

/// Gives a row back when its type dies.
pub(crate) fn free_entry(id: u32) {
    let row = entry(id);
    row.version.store(0, Relaxed);
    let shape = row.shape.swap(null_mut(), Relaxed);
    row.type_object.store(null_mut(), Relaxed);
    if !shape.is_null() {
        // SAFETY: made by Box::into_raw in `Shape::create`; the type is dead, so no instance names this shape.
        drop(unsafe { Box::from_raw(shape) });
    }
    if let Ok(mut free) = FREE.lock() {
        free.1.push(id);
    }
}

/// A version that no shape ever had; 0 when they ran out.
pub(crate) fn fresh_version() -> u32 {
    NEXT_VERSION
        .fetch_update(Relaxed, Relaxed, |v| {
            if v == u32::MAX { None } else { Some(v + 1) }
        })
        .unwrap_or(0)
}

/// The attributes of instances: names in order of their slots.
pub struct Shape {
    id: u32,
    parent: Option<&'static Shape>,
    /// Names of all attributes (interned strings), slot `i` at index `i`.
    names: Box<[Value]>,
    /// Small open-addressing index for shapes with many names: (name bits) -> slot.
    index: OnceLock<Box<[(u64, u32)]>>,
    children: UnsafeCell<Vec<(u64, &'static Shape)>>,
    lock: Mutex<()>,
}

// SAFETY: `children` is only touched under `lock`.
unsafe impl Sync for Shape {}

impl Shape {
    fn create(
        ty: &TypeObject,
        parent: Option<&'static Shape>,
        names: Box<[Value]>,
    ) -> Option<&'static Shape> {
        let id = new_entry(ty)?;
        let shape = Box::into_raw(Box::new(Shape {
            id,
            parent,
            names,
            index: OnceLock::new(),
            children: UnsafeCell::new(Vec::new()),
            lock: Mutex::new(()),
        }));
        entry(id).shape.store(shape, Release);
        ty.register_shape(id);
        // SAFETY: freed with its type only, when no instance is left.
        Some(unsafe { &*shape })
    }

    /// The shape of an instance without attributes.
    pub fn root(ty: &TypeObject) -> Option<&'static Shape> {
        Shape::create(ty, None, Box::new([]))
    }

    /// The shape with this number, if its instances take attributes.
    #[inline]
    pub fn get(id: u32) -> Option<&'static Shape> {
        let shape = entry(id).shape.load(Acquire);
        // SAFETY: see `create`.
        unsafe { shape.as_ref() }
    }

    #[inline]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The shape before the last attribute was added.
    pub fn parent(&self) -> Option<&'static Shape> {
        self.parent
    }

    /// Attribute names in the order they were added.
    pub fn names(&self) -> &[Value] {
        &self.names
    }

    /// The slot of an interned name.
    #[inline]
    pub fn slot_of(&self, name: &Value) -> Option<u32> {
        if self.names.len() <= 8 {
            return self
                .names
                .iter()
                .position(|own| own.is(name))
                .map(|i| i as u32);
        }
        let index = self.index.get_or_init(|| self.build_index());
        let mask = index.len() - 1;
        let mut at = hash_bits(name.bits()) & mask;
        loop {
            match index[at] {
                (0, _) => return None,
                (bits, slot) if bits == name.bits() => return Some(slot),
                _ => at = (at + 1) & mask,
            }
        }
    }

    fn build_index(&self) -> Box<[(u64, u32)]> {
        let size = (self.names.len() * 2).next_power_of_two();
        let mut index = vec![(0, 0); size].into_boxed_slice();
        for (slot, name) in self.names.iter().enumerate() {
            let mut at = hash_bits(name.bits()) & (size - 1);
            while index[at].0 != 0 {
                at = (at + 1) & (size - 1);
            }
            index[at] = (name.bits(), slot as u32);
        }
        index
    }

    /// The shape with one more attribute (an interned name). `None` if instances should keep a dict instead.
    pub fn with(&self, ty: &TypeObject, name: &Value) -> Option<&'static Shape> {
        if self.names.len() as u32 >= MAX_ATTRIBUTES {
            return None;
        }
        let _held = self.lock.lock().ok()?;
        // SAFETY: under `lock`.
        let children = unsafe { &mut *self.children.get() };
        if let Some((_, child)) = children.iter().find(|(bits, _)| *bits == name.bits()) {
            return Some(child);
        }
        if children.len() >= 128 {
            return None;
        }
        let names = self.names.iter().chain([name]).cloned().collect();
        let child = Shape::create(ty, Shape::get(self.id), names)?;
        children.push((name.bits(), child));
        Some(child)
    }
}

#[inline]
fn hash_bits(bits: u64) -> usize {
    (bits.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize
}
