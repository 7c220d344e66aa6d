//! Adding, subtracting, multiplying, fused multiplying and adding.

use crate::context::{Context, Rounding, status};
use crate::finish::{finish, finish_limb};
use crate::limbs::{self, BASE, Buf, POW10, Sized, WIDTH};
use crate::number::{Decimal, Kind};
use std::cmp::Ordering;

/// A number that is not rounded yet.
type Exact = (bool, Buf, i64);

impl Context {
    pub fn add(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.add_signed(a, b, b.negative, st)
    }

    pub fn subtract(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.add_signed(a, b, !b.negative, st)
    }

    /// `a + b`, with another sign for `b`.
    #[inline]
    fn add_signed(
        &self,
        a: &Decimal,
        b: &Decimal,
        b_negative: bool,
        st: &mut u32,
    ) -> Sized<Decimal> {
        if a.kind != Kind::Finite || b.kind != Kind::Finite {
            return self.add_special(a, b, b_negative, st);
        }
        if let (Some(x), Some(y)) = (a.coeff.one_limb(), b.coeff.one_limb())
            && let Some((x, y, exp)) = align_limbs(x, a.exp, y, b.exp)
        {
            let (negative, sum) = self.signed_sum(a.negative, x, b_negative, y);
            return finish_limb(negative, sum, exp, self, st);
        }
        if let Some((x, y, exp)) = align_two_limbs(a, b) {
            let (negative, sum) = match x.cmp(&y) {
                _ if a.negative == b_negative => (b_negative, x + y),
                Ordering::Greater => (a.negative, x - y),
                Ordering::Less => (b_negative, y - x),
                Ordering::Equal => (self.rounding == Rounding::Floor, 0),
            };
            return finish(negative, limbs::from_u128(sum), exp, self, st);
        }
        let (negative, row, exp) = self.add_exact(a, b, b_negative)?;
        finish(negative, row, exp, self, st)
    }

    /// The sum of two numbers with signs.
    #[inline(always)]
    fn signed_sum(&self, a_negative: bool, a: u64, b_negative: bool, b: u64) -> (bool, u64) {
        if a_negative == b_negative {
            return (a_negative, a + b);
        }
        match a.cmp(&b) {
            Ordering::Greater => (a_negative, a - b),
            Ordering::Less => (b_negative, b - a),
            Ordering::Equal => (self.rounding == Rounding::Floor, 0),
        }
    }

    #[cold]
    fn add_special(
        &self,
        a: &Decimal,
        b: &Decimal,
        b_negative: bool,
        st: &mut u32,
    ) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a, b], st) {
            return nan;
        }
        match (a.is_infinite(), b.is_infinite()) {
            (true, true) if a.negative != b_negative => self.invalid(status::INVALID_OPERATION, st),
            (true, _) => Ok(Decimal::infinity(a.negative)),
            _ => Ok(Decimal::infinity(b_negative)),
        }
    }

    /// The sum of finite numbers, exact as far as rounding to this context's precision can tell.
    pub(crate) fn add_exact(&self, a: &Decimal, b: &Decimal, b_negative: bool) -> Sized<Exact> {
        let (big, big_negative, small, small_negative) = if a.exp >= b.exp {
            (a, a.negative, b, b_negative)
        } else {
            (b, b_negative, a, a.negative)
        };
        let tiny = [1];
        let mut small_row = limbs::strip(small.coeff.limbs());
        let mut exp = small.exp;
        let mut big_row = Buf::new();
        if !big.coeff.is_zero() {
            // A number far below the last digit that matters is as good as any other there.
            let digits = big.digits_i64();
            let beyond = if digits > self.prec {
                0
            } else {
                digits - self.prec - 1
            };
            let limit = big.exp - 1 + beyond;
            if small.adjusted() < limit {
                exp = limit;
                if !small_row.is_empty() {
                    small_row = &tiny;
                }
            }
            big_row = limbs::shift_left(big.coeff.limbs(), (big.exp - exp) as usize)?;
        }
        if big_negative == small_negative {
            return Ok((big_negative, limbs::add(&big_row, small_row)?, exp));
        }
        let (negative, mut row) = match limbs::cmp(&big_row, small_row) {
            Ordering::Equal => {
                return Ok((self.rounding == Rounding::Floor, Buf::new(), exp));
            }
            Ordering::Greater => {
                limbs::sub_into(&mut big_row, small_row);
                (big_negative, big_row)
            }
            Ordering::Less => {
                let mut row = limbs::copy(small_row)?;
                limbs::sub_into(&mut row, &big_row);
                (small_negative, row)
            }
        };
        limbs::trim(&mut row);
        Ok((negative, row, exp))
    }

    pub fn multiply(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if a.kind != Kind::Finite || b.kind != Kind::Finite {
            return self.multiply_special(a, b, st);
        }
        let negative = a.negative != b.negative;
        let exp = a.exp + b.exp;
        if let (Some(x), Some(y)) = (a.coeff.one_limb(), b.coeff.one_limb()) {
            let product = u128::from(x) * u128::from(y);
            if product < u128::from(BASE) {
                return finish_limb(negative, product as u64, exp, self, st);
            }
            let (high, low) = limbs::split(product);
            let mut row = Buf::new();
            row.push(low);
            row.push(high);
            return finish(negative, row, exp, self, st);
        }
        let row = limbs::mul(a.coeff.limbs(), b.coeff.limbs())?;
        finish(negative, row, exp, self, st)
    }

    #[cold]
    fn multiply_special(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a, b], st) {
            return nan;
        }
        if a.is_zero() || b.is_zero() {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        Ok(Decimal::infinity(a.negative != b.negative))
    }

    /// `a * b + c`, rounded once.
    pub fn fma(&self, a: &Decimal, b: &Decimal, c: &Decimal, st: &mut u32) -> Sized<Decimal> {
        let product = if a.is_finite() && b.is_finite() {
            let row = limbs::mul(a.coeff.limbs(), b.coeff.limbs())?;
            Decimal::from_row(a.negative != b.negative, row, a.exp + b.exp)?
        } else {
            let mut own = 0;
            let product = self.multiply_special(a, b, &mut own)?;
            *st |= own;
            if own & status::ERRORS != 0 {
                return Ok(product);
            }
            product
        };
        self.add(&product, c, st)
    }

    pub fn plus(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a], st) {
            return nan;
        }
        let zero = a.is_zero() && self.rounding != Rounding::Floor;
        self.finalize_signed(a, a.negative && !zero, st)
    }

    pub fn minus(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a], st) {
            return nan;
        }
        let zero = a.is_zero() && self.rounding != Rounding::Floor;
        self.finalize_signed(a, !a.negative && !zero, st)
    }

    pub fn abs(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if a.negative {
            self.minus(a, st)
        } else {
            self.plus(a, st)
        }
    }
}

/// As [`align_limbs`] for two limbs each. The sum fits whatever they are.
#[inline]
fn align_two_limbs(a: &Decimal, b: &Decimal) -> Option<(u128, u128, i64)> {
    let x = limbs::as_u128(a.coeff.limbs())?;
    let y = limbs::as_u128(b.coeff.limbs())?;
    let scale = |number: u128, digits: i64, shift: i64| {
        let factor = *POW10.get(usize::try_from(shift).ok()?)?;
        (digits + shift <= 2 * WIDTH as i64).then(|| number * u128::from(factor))
    };
    if a.exp >= b.exp {
        Some((scale(x, a.digits_i64(), a.exp - b.exp)?, y, b.exp))
    } else {
        Some((x, scale(y, b.digits_i64(), b.exp - a.exp)?, a.exp))
    }
}

/// Brings two limbs to the lower exponent, if the sum stays a limb.
#[inline(always)]
fn align_limbs(x: u64, x_exp: i64, y: u64, y_exp: i64) -> Option<(u64, u64, i64)> {
    if x_exp == y_exp {
        return (x < BASE / 2 && y < BASE / 2).then_some((x, y, x_exp));
    }
    let scale = |high: u64, shift: i64| {
        let factor = *POW10.get(usize::try_from(shift).ok()?)?;
        high.checked_mul(factor).filter(|&high| high < BASE / 2)
    };
    if x_exp > y_exp {
        Some((
            scale(x, x_exp - y_exp)?,
            (y < BASE / 2).then_some(y)?,
            y_exp,
        ))
    } else {
        Some((
            (x < BASE / 2).then_some(x)?,
            scale(y, y_exp - x_exp)?,
            x_exp,
        ))
    }
}
