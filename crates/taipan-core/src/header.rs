//! The 16 bytes in front of every object, and the typed object [`Obj`].
//!
//! The `shape` word names type and attribute layout at once: it indexes the process-wide shape table, whose entry leads
//! to the type. So an inline cache guards both with one 32-bit compare, and no type pointer is needed here.

use crate::shape;
use crate::type_object::TypeObject;
use std::ops::Deref;
use std::sync::atomic::{
    AtomicU8, AtomicU16, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};

/// `owner` of objects that are never freed.
pub const OWNER_IMMORTAL: u16 = u16::MAX;
/// `owner` of objects that all threads use while there are several: each thread counts for itself (see `shared_counts`), and
/// `local` is the object's number.
pub const OWNER_SHARED: u16 = u16::MAX - 1;
/// `owner` of memory that was an object: whoever counts a reference to it has found a fault in the counts.
pub const OWNER_FREED: u16 = u16::MAX - 2;
/// `owner` of objects whose owner gave them up: only `shared` counts.
pub const OWNER_MERGED: u16 = 0;

/// Collector: the object is in the tables of a running collection (`local` is an index).
pub const BIT_COLLECTING: u8 = 1;
/// The finaliser (`__del__`) has run (PEP 442: at most once).
pub const BIT_FINALIZED: u8 = 2;
/// Weak references to the object exist (side table).
pub const BIT_WEAKLY_REFERENCED: u8 = 4;
/// `gc.freeze()` took it out of collections.
pub const BIT_FROZEN: u8 = 8;
/// Untracked: under construction, or known to hold no cycle.
pub const BIT_UNTRACKED: u8 = 16;
/// The memory belongs to the collector's heap.
pub const BIT_GC: u8 = 32;
/// Being destroyed: guards against a second destruction.
pub const BIT_DYING: u8 = 64;

/// What every object begins with.
#[repr(C, align(8))]
pub struct Header {
    shape: AtomicU32,
    /// The owner's references. I-HEADER-2: only the owner thread writes it, or one that keeps the owner from running.
    local: AtomicU32,
    /// Other threads' references, `count << 2 | flags`.
    pub(crate) shared: AtomicU32,
    /// I-HEADER-2, too.
    owner: AtomicU16,
    /// The object's lock (see `lock`).
    pub(crate) lock: AtomicU8,
    bits: AtomicU8,
}

const _: () = assert!(size_of::<Header>() == 16);

impl Header {
    /// A header with one reference, owned by the current thread.
    #[inline(always)]
    pub fn new(shape: u32, bits: u8) -> Header {
        Header {
            shape: AtomicU32::new(shape),
            local: AtomicU32::new(1),
            shared: AtomicU32::new(0),
            owner: AtomicU16::new(crate::refcount::current_owner()),
            lock: AtomicU8::new(0),
            bits: AtomicU8::new(bits),
        }
    }

    /// A header for statics. The shape is set when its type is defined.
    pub const fn immortal() -> Header {
        Header {
            shape: AtomicU32::new(0),
            local: AtomicU32::new(1),
            shared: AtomicU32::new(0),
            owner: AtomicU16::new(OWNER_IMMORTAL),
            lock: AtomicU8::new(0),
            bits: AtomicU8::new(BIT_UNTRACKED),
        }
    }

    #[inline(always)]
    pub fn shape(&self) -> u32 {
        self.shape.load(Acquire)
    }

    /// Whoever reads the new shape sees the slots it names filled.
    #[inline(always)]
    pub(crate) fn set_shape(&self, shape: u32) {
        self.shape.store(shape, Release);
    }

    #[inline(always)]
    pub(crate) fn owner(&self) -> u16 {
        self.owner.load(Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_owner(&self, owner: u16) {
        self.owner.store(owner, Relaxed);
    }

    #[inline(always)]
    pub(crate) fn local(&self) -> u32 {
        self.local.load(Relaxed)
    }

    #[inline(always)]
    pub(crate) fn set_local(&self, count: u32) {
        self.local.store(count, Relaxed);
    }

    /// The type, through the shape table.
    #[inline(always)]
    pub fn type_object(&self) -> &TypeObject {
        shape::type_of_shape(self.shape())
    }

    #[inline(always)]
    pub fn has_bit(&self, bit: u8) -> bool {
        self.bits.load(Relaxed) & bit != 0
    }

    #[inline]
    pub(crate) fn set_bit(&self, bit: u8) {
        self.bits.fetch_or(bit, Relaxed);
    }

    #[inline]
    pub(crate) fn clear_bit(&self, bit: u8) {
        self.bits.fetch_and(!bit, Relaxed);
    }

    #[inline(always)]
    pub fn is_immortal(&self) -> bool {
        self.owner() == OWNER_IMMORTAL
    }

    /// Makes the object immortal: its counts no longer change.
    pub fn make_immortal(&self) {
        self.set_owner(OWNER_IMMORTAL);
    }
}

/// A header and the payload of one builtin type. Subclass instances have attribute storage behind it.
#[repr(C)]
pub struct Obj<T> {
    header: Header,
    payload: T,
}

impl<T> Obj<T> {
    /// For statics.
    pub const fn immortal(payload: T) -> Obj<T> {
        Obj {
            header: Header::immortal(),
            payload,
        }
    }

    pub(crate) fn from_parts(header: Header, payload: T) -> Obj<T> {
        Obj { header, payload }
    }

    #[inline(always)]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// A new reference to this object.
    #[inline(always)]
    pub fn to_value(&self) -> crate::Value {
        // SAFETY: `self` is live while borrowed.
        unsafe { crate::Value::new_ref(&self.header) }
    }

    /// The type of this object.
    #[inline(always)]
    pub fn type_of(&self) -> &TypeObject {
        self.header.type_object()
    }
}

impl<T> Deref for Obj<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.payload
    }
}
