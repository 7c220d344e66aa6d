//! The encoding of values: one 64-bit word. This file alone shifts and masks tag bits.
//!
//! | low bits | meaning |
//! |---|---|
//! | `000` | pointer to an object [`Header`], never null |
//! | `x11` | an `int` of 62 bits, two's complement, in the upper bits |
//! | `001 010 100 101 110` | a `float`, self-tagged |
//!
//! A float's bits are added to `1 << 60` and rotated left by four, which brings the top three exponent bits (plus one)
//! into the low bits. Zero, every double with a magnitude in 2^-255 .. 2^513 and some beyond carry a float tag by
//! themselves; the rest (infinities and NaNs among them) live in a heap object. See `docs/internals/values.md` and
//! Melançon, Serrano, Feeley, "Float Self-Tagging", arXiv 2411.16544.

use crate::header::{Header, Obj};
use crate::payload::Payload;
use crate::refcount;
use crate::type_object::TypeObject;
use std::mem::ManuallyDrop;
use std::num::NonZeroU64;

/// Number of tag bits of an immediate int.
pub const INT_SHIFT: u32 = 2;
/// Tag (and mask) of an immediate int.
pub const INT_TAG: u64 = 0b11;
/// Mask that tells a pointer: all three bits are clear.
pub const POINTER_MASK: u64 = 0b111;
/// Bit `n` is set if low bits `n` denote a float.
pub const FLOAT_TAGS: u32 = 0b0111_0110;
/// Added to a double's bits before the rotation.
pub const FLOAT_BIAS: u64 = 1 << 60;
/// Rotation of a double's biased bits.
pub const FLOAT_ROTATE: u32 = 4;
/// Smallest immediate int.
pub const INT_MIN: i64 = -(1 << 61);
/// Largest immediate int.
pub const INT_MAX: i64 = (1 << 61) - 1;

/// An owned Python value. Cloning counts a reference, dropping gives it back (and may run `__del__`).
#[repr(transparent)]
pub struct Value(NonZeroU64);

const _: () = assert!(size_of::<Option<Value>>() == 8);

// SAFETY: counts are biased (I-HEADER-2), so a value may be cloned and dropped on any thread; state behind it is reached
// through `Locked` cells only.
unsafe impl Send for Value {}
// SAFETY: as above.
unsafe impl Sync for Value {}

impl Value {
    /// The raw word, for inline caches and identity maps.
    #[inline(always)]
    pub fn bits(&self) -> u64 {
        self.0.get()
    }

    /// Gives up ownership and returns the word.
    #[inline(always)]
    pub fn into_bits(self) -> u64 {
        ManuallyDrop::new(self).0.get()
    }

    /// Takes over a reference held as a raw word.
    ///
    /// # Safety
    /// `bits` came from [`Value::into_bits`] and is used up here, or is an immediate.
    #[inline(always)]
    pub unsafe fn from_bits(bits: u64) -> Value {
        // SAFETY: words of values are never zero: pointers are not null, immediates carry a tag.
        Value(unsafe { NonZeroU64::new_unchecked(bits) })
    }

    /// A new reference to the object at `ptr`.
    ///
    /// # Safety
    /// `ptr` points to a live object.
    #[inline(always)]
    pub unsafe fn new_ref(ptr: *const Header) -> Value {
        // SAFETY: the caller says it is live.
        refcount::incref(unsafe { &*ptr });
        // SAFETY: a pointer to a header is not null.
        Value(unsafe { NonZeroU64::new_unchecked(ptr as u64) })
    }

    /// Takes over the reference that a fresh object is born with.
    ///
    /// # Safety
    /// `ptr` points to a live object and the caller owns one reference.
    #[inline(always)]
    pub unsafe fn steal(ptr: *const Header) -> Value {
        // SAFETY: a pointer to a header is not null.
        Value(unsafe { NonZeroU64::new_unchecked(ptr as u64) })
    }

    /// Is this a heap (or static) object?
    #[inline(always)]
    pub fn is_object(&self) -> bool {
        self.bits() & POINTER_MASK == 0
    }

    /// The object's header, unless immediate.
    #[inline(always)]
    pub fn header(&self) -> Option<&Header> {
        if self.is_object() {
            // SAFETY: an untagged word points to a live header as long as the value lives.
            Some(unsafe { &*(self.bits() as *const Header) })
        } else {
            None
        }
    }

    /// The object's header without a check.
    ///
    /// # Safety
    /// The value is not immediate.
    #[inline(always)]
    pub unsafe fn header_unchecked(&self) -> &Header {
        // SAFETY: the caller's promise.
        unsafe { &*(self.bits() as *const Header) }
    }

    /// Python's `is`: immediates compare by value (and heap floats and ints by identity).
    #[inline(always)]
    pub fn is(&self, other: &Value) -> bool {
        self.0 == other.0
    }

    /// Is this an immediate int?
    #[inline(always)]
    pub fn is_small_int(&self) -> bool {
        self.bits() & INT_TAG == INT_TAG
    }

    /// Is this an immediate float?
    #[inline(always)]
    pub fn is_small_float(&self) -> bool {
        FLOAT_TAGS >> (self.bits() & POINTER_MASK) & 1 != 0
    }

    /// The immediate int, if it is one.
    #[inline(always)]
    pub fn small_int(&self) -> Option<i64> {
        if self.is_small_int() {
            Some(self.small_int_unchecked())
        } else {
            None
        }
    }

    /// The int of a value known to be an immediate int (nonsense, but no harm, otherwise).
    #[inline(always)]
    pub fn small_int_unchecked(&self) -> i64 {
        (self.bits() as i64) >> INT_SHIFT
    }

    /// An immediate int, if `i` has at most 62 bits.
    #[inline(always)]
    pub fn from_small_int(i: i64) -> Option<Value> {
        let shifted = i << INT_SHIFT;
        if shifted >> INT_SHIFT == i {
            // SAFETY: the tag makes the word non-zero.
            Some(Value(unsafe {
                NonZeroU64::new_unchecked(shifted as u64 | INT_TAG)
            }))
        } else {
            None
        }
    }

    /// An immediate int of a number that surely fits.
    #[inline(always)]
    pub fn from_i32(i: i32) -> Value {
        // SAFETY: the tag makes the word non-zero.
        Value(unsafe { NonZeroU64::new_unchecked(((i as i64) << INT_SHIFT) as u64 | INT_TAG) })
    }

    /// Adds two immediate ints, if both are and the sum is one.
    #[inline(always)]
    pub fn add_small_ints(&self, other: &Value) -> Option<Value> {
        if self.bits() & other.bits() & INT_TAG != INT_TAG {
            return None;
        }
        let sum = (self.bits() as i64).checked_add((other.bits() - INT_TAG) as i64)?;
        // SAFETY: the tag of `self` survives the addition.
        Some(Value(unsafe { NonZeroU64::new_unchecked(sum as u64) }))
    }

    /// Subtracts two immediate ints, if both are and the difference is one.
    #[inline(always)]
    pub fn sub_small_ints(&self, other: &Value) -> Option<Value> {
        if self.bits() & other.bits() & INT_TAG != INT_TAG {
            return None;
        }
        let difference = (self.bits() as i64).checked_sub((other.bits() - INT_TAG) as i64)?;
        // SAFETY: the tag of `self` survives the subtraction.
        Some(Value(unsafe {
            NonZeroU64::new_unchecked(difference as u64)
        }))
    }

    /// Multiplies two immediate ints, if both are and the product is one.
    #[inline(always)]
    pub fn mul_small_ints(&self, other: &Value) -> Option<Value> {
        if self.bits() & other.bits() & INT_TAG != INT_TAG {
            return None;
        }
        let product = ((self.bits() - INT_TAG) as i64).checked_mul(other.small_int_unchecked())?;
        // SAFETY: the tag makes the word non-zero.
        Some(Value(unsafe {
            NonZeroU64::new_unchecked(product as u64 | INT_TAG)
        }))
    }

    /// The immediate float, if it is one.
    #[inline(always)]
    pub fn small_float(&self) -> Option<f64> {
        if self.is_small_float() {
            Some(self.small_float_unchecked())
        } else {
            None
        }
    }

    /// The double of a value known to be an immediate float (nonsense, but no harm, otherwise).
    #[inline(always)]
    pub fn small_float_unchecked(&self) -> f64 {
        f64::from_bits(
            self.bits()
                .rotate_right(FLOAT_ROTATE)
                .wrapping_sub(FLOAT_BIAS),
        )
    }

    /// An immediate float, if `x` tags itself.
    #[inline(always)]
    pub fn from_small_float(x: f64) -> Option<Value> {
        let word = x
            .to_bits()
            .wrapping_add(FLOAT_BIAS)
            .rotate_left(FLOAT_ROTATE);
        if FLOAT_TAGS >> (word & POINTER_MASK) & 1 != 0 {
            // SAFETY: a float tag is not zero.
            Some(Value(unsafe { NonZeroU64::new_unchecked(word) }))
        } else {
            None
        }
    }

    /// A float of any size.
    #[inline(always)]
    pub fn float(x: f64) -> Value {
        match Value::from_small_float(x) {
            Some(value) => value,
            None => crate::number::heap_float(x),
        }
    }

    /// An int of at most 64 bits.
    #[inline(always)]
    pub fn int(i: i64) -> Value {
        match Value::from_small_int(i) {
            Some(value) => value,
            None => crate::number::heap_int(i),
        }
    }

    /// `True` or `False`.
    #[inline(always)]
    pub fn bool(b: bool) -> Value {
        let object = if b {
            &crate::singletons::TRUE
        } else {
            &crate::singletons::FALSE
        };
        // SAFETY: the static is never freed; immortals need no count.
        unsafe { Value::steal(object.header()) }
    }

    /// `None`.
    #[inline(always)]
    pub fn none() -> Value {
        // SAFETY: the static is never freed; immortals need no count.
        unsafe { Value::steal(crate::singletons::NONE.header()) }
    }

    /// `NotImplemented`.
    #[inline(always)]
    pub fn not_implemented() -> Value {
        // SAFETY: the static is never freed; immortals need no count.
        unsafe { Value::steal(crate::singletons::NOT_IMPLEMENTED.header()) }
    }

    /// `...`.
    #[inline(always)]
    pub fn ellipsis() -> Value {
        // SAFETY: the static is never freed; immortals need no count.
        unsafe { Value::steal(crate::singletons::ELLIPSIS.header()) }
    }

    #[inline(always)]
    pub fn is_none(&self) -> bool {
        self.bits() == crate::singletons::NONE.header() as *const Header as u64
    }

    #[inline(always)]
    pub fn is_true(&self) -> bool {
        self.bits() == crate::singletons::TRUE.header() as *const Header as u64
    }

    #[inline(always)]
    pub fn is_false(&self) -> bool {
        self.bits() == crate::singletons::FALSE.header() as *const Header as u64
    }

    #[inline(always)]
    pub fn is_not_implemented(&self) -> bool {
        self.bits() == crate::singletons::NOT_IMPLEMENTED.header() as *const Header as u64
    }

    /// The type, as `type(x)` gives it.
    #[inline(always)]
    pub fn type_of(&self) -> &TypeObject {
        if self.is_object() {
            // SAFETY: just tested.
            unsafe { self.header_unchecked() }.type_object()
        } else if self.is_small_int() {
            &crate::builtin_types::INT
        } else {
            &crate::builtin_types::FLOAT
        }
    }

    /// The shape word of an object; immediates have those of `int` and `float`.
    #[inline(always)]
    pub fn shape(&self) -> u32 {
        if self.is_object() {
            // SAFETY: just tested.
            unsafe { self.header_unchecked() }.shape()
        } else if self.is_small_int() {
            crate::builtin_types::INT.root_shape()
        } else {
            crate::builtin_types::FLOAT.root_shape()
        }
    }

    /// Is the type exactly `ty`?
    #[inline(always)]
    pub fn is_exact(&self, ty: &TypeObject) -> bool {
        std::ptr::eq(self.type_of(), ty)
    }

    /// `isinstance` by the real type (no `__instancecheck__`).
    #[inline]
    pub fn is_instance(&self, ty: &TypeObject) -> bool {
        let own = self.type_of();
        std::ptr::eq(own, ty) || own.is_subtype(ty)
    }

    /// The object as its Rust type, if it is one or a subclass's instance. Immediate ints and floats have no payload.
    #[inline]
    pub fn cast<T: Payload>(&self) -> Option<&Obj<T>> {
        if self.is_object() && self.is_instance(T::type_object()) {
            // SAFETY: an instance of a type with payload T (or a subclass, which embeds it first) is an `Obj<T>`.
            Some(unsafe { &*(self.bits() as *const Obj<T>) })
        } else {
            None
        }
    }

    /// The object as its Rust type, by the layout of its type: for payloads that several types share.
    #[inline]
    pub fn cast_layout<T: Payload>(&self) -> Option<&Obj<T>> {
        if self.is_object() && self.type_of().layout().id == std::any::TypeId::of::<T>() {
            // SAFETY: objects of types with this layout are an `Obj<T>`.
            Some(unsafe { &*(self.bits() as *const Obj<T>) })
        } else {
            None
        }
    }

    /// The object as its Rust type if its type is exactly that one.
    #[inline]
    pub fn cast_exact<T: Payload>(&self) -> Option<&Obj<T>> {
        if self.is_object() && self.is_exact(T::type_object()) {
            // SAFETY: as in `cast`.
            Some(unsafe { &*(self.bits() as *const Obj<T>) })
        } else {
            None
        }
    }

    /// The object as its Rust type; for `self` of a method, whose type the descriptor has checked.
    ///
    /// # Panics
    /// If it is not an instance: a bug of ours, which the interpreter turns into `SystemError`.
    #[inline]
    pub fn expect<T: Payload>(&self) -> &Obj<T> {
        match self.cast::<T>() {
            Some(object) => object,
            None => wrong_payload(T::type_object()),
        }
    }

    /// The object as its Rust type, unchecked.
    ///
    /// # Safety
    /// The value is an instance of `T`'s type or a subclass.
    #[inline(always)]
    pub unsafe fn cast_unchecked<T: Payload>(&self) -> &Obj<T> {
        // SAFETY: the caller's promise.
        unsafe { &*(self.bits() as *const Obj<T>) }
    }
}

#[cold]
#[inline(never)]
fn wrong_payload(ty: &TypeObject) -> ! {
    panic!("receiver is no '{}' object", ty.name())
}

impl Clone for Value {
    #[inline(always)]
    fn clone(&self) -> Value {
        if self.is_object() {
            // SAFETY: just tested.
            refcount::incref(unsafe { self.header_unchecked() });
        }
        Value(self.0)
    }
}

impl Drop for Value {
    #[inline(always)]
    fn drop(&mut self) {
        if self.is_object() {
            // SAFETY: an untagged word is a live object and this reference is given up now.
            unsafe { refcount::decref(self.bits() as *const Header) }
        }
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(i) = self.small_int() {
            write!(f, "{i}")
        } else if let Some(x) = self.small_float() {
            write!(f, "{x:?}")
        } else {
            write!(f, "<{} at {:#x}>", self.type_of().name(), self.bits())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ints_round_trip() {
        for i in [0, 1, -1, 42, INT_MIN, INT_MAX, 1 << 40, -(1 << 40)] {
            let value = Value::from_small_int(i).expect("fits");
            assert!(value.is_small_int() && !value.is_small_float() && !value.is_object());
            assert_eq!(value.small_int(), Some(i));
        }
        assert!(Value::from_small_int(INT_MAX + 1).is_none());
        assert!(Value::from_small_int(INT_MIN - 1).is_none());
    }

    #[test]
    fn floats_tag_themselves() {
        for x in [
            0.0,
            -0.0,
            1.0,
            -1.5,
            1e-70,
            1e70,
            5e-324,
            1e150,
            std::f64::consts::PI,
        ] {
            let value = Value::from_small_float(x).expect("tags itself");
            assert!(value.is_small_float() && !value.is_small_int() && !value.is_object());
            assert_eq!(value.small_float().map(f64::to_bits), Some(x.to_bits()));
        }
        for x in [f64::INFINITY, f64::NAN, 1e300] {
            assert!(Value::from_small_float(x).is_none());
        }
    }

    #[test]
    fn arithmetic_refuses_overflow() {
        let max = Value::int(INT_MAX);
        assert!(max.add_small_ints(&Value::from_i32(1)).is_none());
        assert!(max.mul_small_ints(&Value::from_i32(2)).is_none());
        assert_eq!(
            max.sub_small_ints(&Value::from_i32(1))
                .and_then(|v| v.small_int()),
            Some(INT_MAX - 1)
        );
        let product = Value::from_i32(-7).mul_small_ints(&Value::from_i32(6));
        assert_eq!(product.and_then(|v| v.small_int()), Some(-42));
    }
}
