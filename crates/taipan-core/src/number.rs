//! Ints and floats that do not fit into a value's word, and instances of subclasses of `int` and `float`.

use crate::builtin_types;
use crate::payload::Payload;
use crate::type_object::TypeObject;
use crate::value::Value;
use dashu_int::IBig;

/// Payload of ints on the heap. An exact `int` is here only if it has more than 62 bits (I-INT-1); a subclass's instance always.
pub struct IntObject(pub IBig);

// SAFETY: holds no references.
unsafe impl Payload for IntObject {
    fn type_object() -> &'static TypeObject {
        &builtin_types::INT
    }
    fn outside_size(&self) -> usize {
        let bits = dashu_int::ops::BitTest::bit_len(&self.0);
        if bits > 128 { bits.div_ceil(64) * 8 } else { 0 }
    }
}

/// Payload of floats on the heap: doubles that do not tag themselves, and instances of subclasses.
pub struct FloatObject(pub f64);

// SAFETY: holds no references.
unsafe impl Payload for FloatObject {
    fn type_object() -> &'static TypeObject {
        &builtin_types::FLOAT
    }
}

/// A float that does not tag itself.
#[cold]
#[inline(never)]
pub fn heap_float(x: f64) -> Value {
    crate::alloc::new_object(FloatObject(x))
}

/// An int of 63 or 64 bits.
#[cold]
#[inline(never)]
pub fn heap_int(i: i64) -> Value {
    crate::alloc::new_object(IntObject(IBig::from(i)))
}

/// An int of any size, normalised: immediate if it fits.
pub fn int_from_big(big: IBig) -> Value {
    match i64::try_from(&big) {
        Ok(small) => match Value::from_small_int(small) {
            Some(value) => value,
            None => crate::alloc::new_object(IntObject(big)),
        },
        Err(_) => crate::alloc::new_object(IntObject(big)),
    }
}

/// An int from an unsigned number.
pub fn int_from_u64(i: u64) -> Value {
    match i64::try_from(i) {
        Ok(i) => Value::int(i),
        Err(_) => int_from_big(IBig::from(i)),
    }
}

impl Value {
    /// The double of a `float` (or an instance of a subclass).
    #[inline(always)]
    pub fn as_float(&self) -> Option<f64> {
        if self.is_small_float() {
            return Some(self.small_float_unchecked());
        }
        self.cast::<FloatObject>().map(|object| object.0)
    }

    /// The number of an `int`, a `bool`, or an instance of a subclass, if it has at most 64 bits.
    #[inline(always)]
    pub fn as_i64(&self) -> Option<i64> {
        if self.is_small_int() {
            return Some(self.small_int_unchecked());
        }
        self.as_i64_slow()
    }

    #[inline(never)]
    fn as_i64_slow(&self) -> Option<i64> {
        if self.is_true() {
            return Some(1);
        }
        if self.is_false() {
            return Some(0);
        }
        self.cast::<IntObject>()
            .and_then(|object| i64::try_from(&object.0).ok())
    }

    /// The number of an `int`, a `bool`, or an instance of a subclass.
    pub fn as_big(&self) -> Option<IBig> {
        if let Some(i) = self.as_i64() {
            return Some(IBig::from(i));
        }
        self.cast::<IntObject>().map(|object| object.0.clone())
    }

    /// Is it an `int` (a `bool`, an instance of a subclass)?
    #[inline]
    pub fn is_int(&self) -> bool {
        self.is_small_int()
            || self.is_object()
                && self
                    .type_of()
                    .has(crate::type_object::TypeFlags::INT_SUBCLASS)
    }

    /// Is it a `float` or an instance of a subclass?
    #[inline]
    pub fn is_float(&self) -> bool {
        self.is_small_float()
            || self.is_object()
                && self
                    .type_of()
                    .has(crate::type_object::TypeFlags::FLOAT_SUBCLASS)
    }
}
