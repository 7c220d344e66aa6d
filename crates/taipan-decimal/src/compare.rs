//! Comparisons, least and greatest, and questions about one number.

use crate::context::{Context, status};
use crate::limbs::{self, Sized, WIDTH};
use crate::number::{Decimal, Kind};
use std::cmp::Ordering;

impl Decimal {
    /// How magnitudes compare; NaNs are not looked at.
    pub(crate) fn cmp_abs(&self, other: &Decimal) -> Ordering {
        match (self.is_infinite(), other.is_infinite()) {
            (false, false) => {}
            (a, b) => return a.cmp(&b),
        }
        match (self.coeff.is_zero(), other.coeff.is_zero()) {
            (false, false) => {}
            (a, b) => return b.cmp(&a),
        }
        if self.exp == other.exp {
            return limbs::cmp(self.coeff.limbs(), other.coeff.limbs());
        }
        self.adjusted().cmp(&other.adjusted()).then_with(|| {
            if self.exp > other.exp {
                cmp_shifted(self, other)
            } else {
                cmp_shifted(other, self).reverse()
            }
        })
    }

    /// How numbers compare that are no NaNs.
    #[inline]
    fn cmp_numbers(&self, other: &Decimal) -> Ordering {
        if self.is_zero() && other.is_zero() {
            return Ordering::Equal;
        }
        let sign = |x: &Decimal| {
            if x.is_zero() {
                0
            } else if x.negative {
                -1
            } else {
                1
            }
        };
        match (sign(self), sign(other)) {
            (1, 1) => self.cmp_abs(other),
            (-1, -1) => other.cmp_abs(self),
            (a, b) => a.cmp(&b),
        }
    }

    /// How numbers compare; `None` if one is a NaN.
    #[inline]
    pub fn partial_cmp(&self, other: &Decimal) -> Option<Ordering> {
        if self.is_nan() || other.is_nan() {
            return None;
        }
        Some(self.cmp_numbers(other))
    }

    /// The total order of all numbers and NaNs.
    pub fn cmp_total(&self, other: &Decimal) -> Ordering {
        if self.negative != other.negative {
            return other.negative.cmp(&self.negative);
        }
        let order = self.cmp_total_mag(other);
        if self.negative {
            order.reverse()
        } else {
            order
        }
    }

    /// The total order of the numbers without their signs.
    pub fn cmp_total_mag(&self, other: &Decimal) -> Ordering {
        let rank = |x: &Decimal| match x.kind {
            Kind::Finite => 0,
            Kind::Infinity => 1,
            Kind::SignalingNan => 2,
            Kind::Nan => 3,
        };
        rank(self).cmp(&rank(other)).then_with(|| match self.kind {
            Kind::Infinity => Ordering::Equal,
            Kind::Finite => self.cmp_abs(other).then(self.exp.cmp(&other.exp)),
            _ => limbs::cmp(self.coeff.limbs(), other.coeff.limbs()),
        })
    }

    /// Have both the same exponent?
    pub fn same_quantum(&self, other: &Decimal) -> bool {
        if self.is_finite() && other.is_finite() {
            return self.exp == other.exp;
        }
        self.is_nan() && other.is_nan() || self.is_infinite() && other.is_infinite()
    }
}

/// Compares numbers of the same adjusted exponent, of which `a` has the larger exponent.
fn cmp_shifted(a: &Decimal, b: &Decimal) -> Ordering {
    let shift = (a.exp - b.exp) as usize;
    let (whole, part) = (shift / WIDTH, shift % WIDTH);
    let (a, b) = (a.coeff.limbs(), b.coeff.limbs());
    for (index, limb) in b.iter().enumerate().rev() {
        let order = limbs::shifted_limb(a, whole, part, index).cmp(limb);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn sign_of(order: Ordering) -> Decimal {
    Decimal::small(order.is_lt(), u64::from(order.is_ne()), 0)
}

impl Context {
    pub fn compare(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        match a.partial_cmp(b) {
            Some(order) => Ok(sign_of(order)),
            None => self.nan_of(&[a, b], st).unwrap_or(Ok(Decimal::NAN)),
        }
    }

    /// As [`Context::compare`]; any NaN is an invalid operation.
    pub fn compare_signal(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if a.is_nan() || b.is_nan() {
            *st |= status::INVALID_OPERATION;
        }
        self.compare(a, b, st)
    }

    pub fn compare_total(&self, a: &Decimal, b: &Decimal) -> Decimal {
        sign_of(a.cmp_total(b))
    }

    pub fn compare_total_mag(&self, a: &Decimal, b: &Decimal) -> Decimal {
        sign_of(a.cmp_total_mag(b))
    }

    /// One of two numbers; a quiet NaN gives way to a number. `order` compares, `wanted` is the order that makes the first one win.
    fn choose(
        &self,
        a: &Decimal,
        b: &Decimal,
        order: fn(&Decimal, &Decimal) -> Ordering,
        wanted: Ordering,
        st: &mut u32,
    ) -> Sized<Decimal> {
        if a.is_quiet_nan() && !b.is_nan() {
            return self.finalize_copy(b, st);
        }
        if b.is_quiet_nan() && !a.is_nan() {
            return self.finalize_copy(a, st);
        }
        if let Some(nan) = self.nan_of(&[a, b], st) {
            return nan;
        }
        let order = order(a, b).then_with(|| a.cmp_total(b));
        self.finalize_copy(if order == wanted { a } else { b }, st)
    }

    pub fn max(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.choose(a, b, Decimal::cmp_numbers, Ordering::Greater, st)
    }

    pub fn min(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.choose(a, b, Decimal::cmp_numbers, Ordering::Less, st)
    }

    pub fn max_mag(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.choose(a, b, Decimal::cmp_abs, Ordering::Greater, st)
    }

    pub fn min_mag(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.choose(a, b, Decimal::cmp_abs, Ordering::Less, st)
    }

    /// Finite, not zero, and not subnormal?
    pub fn is_normal(&self, a: &Decimal) -> bool {
        a.is_finite() && !a.coeff.is_zero() && a.adjusted() >= self.emin
    }

    pub fn is_subnormal(&self, a: &Decimal) -> bool {
        a.is_finite() && !a.coeff.is_zero() && a.adjusted() < self.emin
    }

    /// The class of a number, in the specification's words.
    pub fn number_class(&self, a: &Decimal) -> &'static str {
        let by_sign = |minus, plus| if a.negative { minus } else { plus };
        match a.kind {
            Kind::Nan => "NaN",
            Kind::SignalingNan => "sNaN",
            Kind::Infinity => by_sign("-Infinity", "+Infinity"),
            Kind::Finite if a.coeff.is_zero() => by_sign("-Zero", "+Zero"),
            Kind::Finite if self.is_subnormal(a) => by_sign("-Subnormal", "+Subnormal"),
            Kind::Finite => by_sign("-Normal", "+Normal"),
        }
    }
}
