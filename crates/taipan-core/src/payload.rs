//! What a Rust type must tell to be the payload of Python objects.

use crate::header::Header;
use crate::type_object::TypeObject;
use crate::value::Value;
use std::any::TypeId;

/// Visits the references that an object holds.
pub struct Tracer<'a> {
    visit: &'a mut dyn FnMut(*const Header),
}

impl<'a> Tracer<'a> {
    pub(crate) fn new(visit: &'a mut dyn FnMut(*const Header)) -> Tracer<'a> {
        Tracer { visit }
    }

    /// Reports one counted reference.
    #[inline]
    pub fn visit(&mut self, value: &Value) {
        if value.is_object() {
            (self.visit)(value.bits() as *const Header);
        }
    }

    /// Reports a counted reference that may be missing.
    #[inline]
    pub fn visit_option(&mut self, value: &Option<Value>) {
        if let Some(value) = value {
            self.visit(value);
        }
    }

    /// Reports a row of counted references.
    pub fn visit_all<'v>(&mut self, values: impl IntoIterator<Item = &'v Value>) {
        for value in values {
            self.visit(value);
        }
    }
}

/// The data of a builtin type's objects, behind the header.
///
/// # Safety
/// `trace` reports each counted reference exactly once (I-GC-1; the collector's sanity mode recounts them), and
/// `type_object` is the type whose layout is this very type.
pub unsafe trait Payload: Sized + Sync + 'static {
    /// May objects of this type be part of a reference cycle?
    const GC: bool = false;
    /// The type that has this payload.
    fn type_object() -> &'static TypeObject;
    /// Reports every counted reference.
    fn trace(&self, _tracer: &mut Tracer<'_>) {}
    /// Breaks cycles: moves references that are safe to take into `out` (the collector drops them).
    fn clear(&self, _out: &mut Vec<Value>) {}
    /// Bytes of inline data behind the payload.
    fn inline_size(&self) -> usize {
        0
    }
    /// Bytes of memory owned outside of the object, for `sys.getsizeof`.
    fn outside_size(&self) -> usize {
        0
    }
}

/// A payload type's operations as data.
pub struct Layout {
    /// The payload's Rust type.
    pub id: TypeId,
    /// Size of the payload without header and inline data.
    pub size: usize,
    pub gc: bool,
    pub drop: unsafe fn(*mut u8),
    pub trace: unsafe fn(*const u8, &mut Tracer<'_>),
    pub clear: unsafe fn(*const u8, &mut Vec<Value>),
    pub inline_size: unsafe fn(*const u8) -> usize,
    pub outside_size: unsafe fn(*const u8) -> usize,
    /// Objects have inline data, so attribute storage has no fixed place.
    pub variable: bool,
}

impl Layout {
    pub const fn of<T: Payload>() -> Layout {
        assert!(
            align_of::<T>() <= 8,
            "payloads are aligned to 8 bytes at most"
        );
        unsafe fn drop_payload<T>(payload: *mut u8) {
            // SAFETY: the caller passes the payload of an object of this layout, once.
            unsafe { std::ptr::drop_in_place(payload.cast::<T>()) }
        }
        unsafe fn trace_payload<T: Payload>(payload: *const u8, tracer: &mut Tracer<'_>) {
            // SAFETY: the caller passes the payload of a live object of this layout.
            unsafe { (*payload.cast::<T>()).trace(tracer) }
        }
        unsafe fn clear_payload<T: Payload>(payload: *const u8, out: &mut Vec<Value>) {
            // SAFETY: as above.
            unsafe { (*payload.cast::<T>()).clear(out) }
        }
        unsafe fn inline_size<T: Payload>(payload: *const u8) -> usize {
            // SAFETY: as above.
            unsafe { (*payload.cast::<T>()).inline_size() }
        }
        unsafe fn outside_size<T: Payload>(payload: *const u8) -> usize {
            // SAFETY: as above.
            unsafe { (*payload.cast::<T>()).outside_size() }
        }
        Layout {
            id: TypeId::of::<T>(),
            size: size_of::<T>().next_multiple_of(8),
            gc: T::GC,
            drop: drop_payload::<T>,
            trace: trace_payload::<T>,
            clear: clear_payload::<T>,
            inline_size: inline_size::<T>,
            outside_size: outside_size::<T>,
            variable: false,
        }
    }

    /// The layout of a payload with inline data behind it.
    pub const fn variable<T: Payload>() -> Layout {
        let mut layout = Layout::of::<T>();
        layout.variable = true;
        layout
    }
}

/// The payload of objects that have none.
pub struct Empty;

// SAFETY: no references at all.
unsafe impl Payload for Empty {
    fn type_object() -> &'static TypeObject {
        &crate::builtin_types::OBJECT
    }
}

/// Layout of plain `object`.
pub static EMPTY_LAYOUT: Layout = Layout::of::<Empty>();
