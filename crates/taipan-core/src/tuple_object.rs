//! Tuples: a length and, inline behind it, the items.

use crate::builtin_types;
use crate::header::Obj;
use crate::payload::{Payload, Tracer};
use crate::type_object::TypeObject;
use crate::value::Value;
use std::sync::OnceLock;

/// Payload of tuples; the items follow inline.
#[repr(C)]
pub struct Tuple {
    len: usize,
}

// SAFETY: the items are the only references.
unsafe impl Payload for Tuple {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &builtin_types::TUPLE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all(self.items());
    }
    fn inline_size(&self) -> usize {
        self.len * 8
    }
}

impl Tuple {
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The items.
    #[inline(always)]
    pub fn items(&self) -> &[Value] {
        // SAFETY: `len` items lie behind the payload; they are written before anybody sees the tuple (I-TUPLE-1).
        unsafe {
            std::slice::from_raw_parts((self as *const Tuple).add(1).cast::<Value>(), self.len)
        }
    }
}

impl Drop for Tuple {
    fn drop(&mut self) {
        let items = std::ptr::slice_from_raw_parts_mut(
            (self as *mut Tuple).wrapping_add(1).cast::<Value>(),
            self.len,
        );
        // SAFETY: the items are dropped once, with the tuple.
        unsafe { std::ptr::drop_in_place(items) }
    }
}

/// The empty tuple.
pub fn empty_tuple() -> Value {
    static EMPTY: OnceLock<Value> = OnceLock::new();
    EMPTY
        .get_or_init(|| crate::alloc::new_immortal(Tuple { len: 0 }))
        .clone()
}

/// A tuple of the given items.
#[inline]
pub fn new_tuple(items: impl IntoIterator<Item = Value, IntoIter: ExactSizeIterator>) -> Value {
    let items = items.into_iter();
    if items.len() == 0 {
        return empty_tuple();
    }
    new_tuple_of(&builtin_types::TUPLE, items)
}

/// An instance of `tuple` or a subclass.
pub fn new_tuple_of(cls: &TypeObject, mut items: impl ExactSizeIterator<Item = Value>) -> Value {
    let len = items.len();
    let Some(tuple) = crate::alloc::try_new_variable(cls, Tuple { len: 0 }, len * 8) else {
        std::alloc::handle_alloc_error(std::alloc::Layout::new::<Tuple>())
    };
    let object = tuple.bits() as *mut Obj<Tuple>;
    // SAFETY: a fresh object with room for `len` items, which nobody else sees yet; the length is set when all are there.
    unsafe {
        let first = object.add(1).cast::<Value>();
        let mut filled = 0;
        while filled < len
            && let Some(item) = items.next()
        {
            first.add(filled).write(item);
            filled += 1;
        }
        // The storage of subclass attributes begins behind `len` items, all of which an ExactSizeIterator delivers.
        object
            .cast::<u8>()
            .add(size_of::<crate::header::Header>())
            .cast::<usize>()
            .write(filled);
    }
    tuple
}

/// The items of a tuple (or an instance of a subclass).
#[inline]
pub fn items(value: &Value) -> Option<&[Value]> {
    if value.is_object()
        && value
            .type_of()
            .has(crate::type_object::TypeFlags::TUPLE_SUBCLASS)
    {
        // SAFETY: subclasses of tuple have its layout.
        Some(unsafe { value.cast_unchecked::<Tuple>() }.items())
    } else {
        None
    }
}
