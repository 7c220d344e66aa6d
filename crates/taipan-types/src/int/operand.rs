//! An int as arithmetic sees it: a machine number if it fits, else a borrowed big one.
#![expect(unsafe_code, reason = "reads the payload of ints behind a flag test")]

use dashu_int::IBig;
use std::borrow::Cow;
use std::cmp::Ordering;
use taipan_base::int_text::Int;
use taipan_core::Value;
use taipan_core::number::{IntObject, int_from_big};

/// The number in an `int`, a `bool` or an instance of a subclass.
#[derive(Clone, Copy)]
pub enum Operand<'a> {
    /// Fits 64 bits.
    Small(i64),
    /// Does not.
    Big(&'a IBig),
}

/// The number in `value`, if it is an int.
#[inline]
pub fn operand(value: &Value) -> Option<Operand<'_>> {
    if let Some(i) = value.small_int() {
        return Some(Operand::Small(i));
    }
    if !value.is_int() {
        return None;
    }
    if value.is_true() || value.is_false() {
        return Some(Operand::Small(value.is_true() as i64));
    }
    // SAFETY: an int that is neither immediate nor a bool has the payload of `int`, as have instances of subclasses.
    let big = &unsafe { value.cast_unchecked::<IntObject>() }.0;
    Some(match i64::try_from(big) {
        Ok(i) => Operand::Small(i),
        Err(_) => Operand::Big(big),
    })
}

impl<'a> Operand<'a> {
    /// As a big number; small ones need no memory.
    pub fn big(self) -> Cow<'a, IBig> {
        match self {
            Operand::Small(i) => Cow::Owned(IBig::from(i)),
            Operand::Big(big) => Cow::Borrowed(big),
        }
    }

    pub fn order(&self, other: &Operand<'_>) -> Ordering {
        match (self, other) {
            (Operand::Small(a), Operand::Small(b)) => a.cmp(b),
            _ => self.big().cmp(&other.big()),
        }
    }

    pub fn is_negative(&self) -> bool {
        match self {
            Operand::Small(i) => *i < 0,
            Operand::Big(big) => big.sign() == dashu_int::Sign::Negative,
        }
    }

    pub fn is_zero(&self) -> bool {
        matches!(self, Operand::Small(0))
    }

    /// Bits of the magnitude.
    pub fn bit_length(&self) -> usize {
        match self {
            Operand::Small(i) => 64 - i.unsigned_abs().leading_zeros() as usize,
            Operand::Big(big) => {
                let words = big.as_sign_words().1;
                words.len() * 64 - words.last().map_or(0, |w| w.leading_zeros() as usize)
            }
        }
    }
}

/// A value from a number in either form.
pub fn from_int(int: Int) -> Value {
    match int {
        Int::Small(i) => Value::int(i),
        Int::Big(big) => int_from_big(big),
    }
}

/// The exact `int` equal to an int.
pub fn to_exact(value: &Value) -> Value {
    if value.is_small_int() || value.is_exact(&taipan_core::builtin_types::INT) {
        return value.clone();
    }
    match operand(value) {
        Some(Operand::Small(i)) => Value::int(i),
        Some(Operand::Big(big)) => int_from_big(big.clone()),
        None => value.clone(),
    }
}
