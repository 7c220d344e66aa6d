//! Division, whole quotients, remainders, square roots.

use crate::context::{Context, Rounding, status};
use crate::finish::finish;
use crate::limbs::{self, Buf, NoMemory, POW10, Sized};
use crate::number::{Decimal, Kind};
use std::cmp::Ordering;

/// Beyond this precision a result that is exact is looked for first: a full one may not fit into memory.
const LARGE: i64 = 100_000;

impl Context {
    pub fn divide(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if a.kind != Kind::Finite || b.kind != Kind::Finite {
            if let Some(nan) = self.nan_of(&[a, b], st) {
                return nan;
            }
            let negative = a.negative != b.negative;
            return match (a.is_infinite(), b.is_infinite()) {
                (true, true) => self.invalid(status::INVALID_OPERATION, st),
                (true, false) => Ok(Decimal::infinity(negative)),
                _ => {
                    *st |= status::CLAMPED;
                    Ok(Decimal::small(negative, 0, self.etiny()))
                }
            };
        }
        if b.coeff.is_zero() {
            if a.coeff.is_zero() {
                return self.invalid(status::DIVISION_UNDEFINED, st);
            }
            *st |= status::DIVISION_BY_ZERO;
            return Ok(Decimal::infinity(a.negative != b.negative));
        }
        if a.coeff.is_zero() {
            return finish(
                a.negative != b.negative,
                Buf::new(),
                a.exp - b.exp,
                self,
                st,
            );
        }
        let enough = 4 * (a.digits_i64() + b.digits_i64());
        if self.prec > LARGE && enough < self.prec {
            let (row, exp, exact) = quotient(a, b, enough)?;
            if exact {
                return finish(a.negative != b.negative, row, exp, self, st);
            }
        }
        let (row, exp, _) = quotient(a, b, self.prec)?;
        finish(a.negative != b.negative, row, exp, self, st)
    }

    /// Whole quotient and remainder of finite numbers; `Err` if the quotient is longer than the precision.
    fn whole_division(&self, a: &Decimal, b: &Decimal) -> Sized<Result<(Decimal, Decimal), u32>> {
        let negative = a.negative != b.negative;
        let exp = a.exp.min(b.exp);
        if a.coeff.is_zero() {
            let rest = Decimal::small(a.negative, 0, exp);
            return Ok(Ok((Decimal::small(negative, 0, 0), rest)));
        }
        if let (Some(x), Some(y)) = (a.limb_at(exp), b.limb_at(exp)) {
            let (quotient, rest) = (x / y, x % y);
            if limbs::digits_of(quotient) as i64 > self.prec {
                return Ok(Err(status::DIVISION_IMPOSSIBLE));
            }
            let rest = Decimal::small(a.negative, rest, exp);
            return Ok(Ok((Decimal::small(negative, quotient, 0), rest)));
        }
        let difference = a.adjusted() - b.adjusted();
        if difference < 0 {
            let row = limbs::shift_left(a.coeff.limbs(), (a.exp - exp) as usize)?;
            let rest = Decimal::from_row(a.negative, row, exp)?;
            return Ok(Ok((Decimal::small(negative, 0, 0), rest)));
        }
        if difference > self.prec {
            return Ok(Err(status::DIVISION_IMPOSSIBLE));
        }
        let x = limbs::shift_left(a.coeff.limbs(), (a.exp - exp) as usize)?;
        let y = limbs::shift_left(b.coeff.limbs(), (b.exp - exp) as usize)?;
        let (quotient, rest) = limbs::divmod(&x, &y)?;
        if limbs::digits(&quotient) as i64 > self.prec {
            return Ok(Err(status::DIVISION_IMPOSSIBLE));
        }
        let quotient = Decimal::from_row(negative, quotient, 0)?;
        Ok(Ok((quotient, Decimal::from_row(a.negative, rest, exp)?)))
    }

    pub fn divide_int(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        let negative = a.negative != b.negative;
        if !a.is_finite() || !b.is_finite() {
            if let Some(nan) = self.nan_of(&[a, b], st) {
                return nan;
            }
            return match (a.is_infinite(), b.is_infinite()) {
                (true, true) => self.invalid(status::INVALID_OPERATION, st),
                (true, false) => Ok(Decimal::infinity(negative)),
                _ => Ok(Decimal::small(negative, 0, 0)),
            };
        }
        if b.coeff.is_zero() {
            if a.coeff.is_zero() {
                return self.invalid(status::DIVISION_UNDEFINED, st);
            }
            *st |= status::DIVISION_BY_ZERO;
            return Ok(Decimal::infinity(negative));
        }
        match self.whole_division(a, b)? {
            Ok((quotient, _)) => self.finalize(quotient, st),
            Err(condition) => self.invalid(condition, st),
        }
    }

    pub fn remainder(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(done) = self.remainder_special(a, b, st) {
            return done;
        }
        match self.whole_division(a, b)? {
            Ok((_, rest)) => self.finalize(rest, st),
            Err(condition) => self.invalid(condition, st),
        }
    }

    fn remainder_special(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Option<Sized<Decimal>> {
        if a.is_finite() && b.is_finite() && !b.coeff.is_zero() {
            return None;
        }
        Some(if let Some(nan) = self.nan_of(&[a, b], st) {
            nan
        } else if a.is_infinite() {
            self.invalid(status::INVALID_OPERATION, st)
        } else if b.is_infinite() {
            self.finalize_copy(a, st)
        } else if a.coeff.is_zero() {
            self.invalid(status::DIVISION_UNDEFINED, st)
        } else {
            self.invalid(status::INVALID_OPERATION, st)
        })
    }

    /// Whole quotient and remainder.
    pub fn divmod(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<(Decimal, Decimal)> {
        let negative = a.negative != b.negative;
        if let Some(nan) = self.nan_of(&[a, b], st) {
            let nan = nan?;
            return Ok((nan.copy()?, nan));
        }
        if a.is_infinite() {
            let quotient = if b.is_infinite() {
                Decimal::NAN
            } else {
                Decimal::infinity(negative)
            };
            return Ok((quotient, self.invalid(status::INVALID_OPERATION, st)?));
        }
        if b.is_infinite() {
            return Ok((Decimal::small(negative, 0, 0), self.finalize_copy(a, st)?));
        }
        if b.coeff.is_zero() {
            if a.coeff.is_zero() {
                let nan = self.invalid(status::DIVISION_UNDEFINED, st)?;
                return Ok((Decimal::NAN, nan));
            }
            let nan = self.invalid(status::INVALID_OPERATION | status::DIVISION_BY_ZERO, st)?;
            return Ok((Decimal::infinity(negative), nan));
        }
        match self.whole_division(a, b)? {
            Ok((quotient, rest)) => Ok((self.finalize(quotient, st)?, self.finalize(rest, st)?)),
            Err(condition) => Ok((Decimal::NAN, self.invalid(condition, st)?)),
        }
    }

    /// The remainder of the division to the nearest whole quotient.
    pub fn remainder_near(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(done) = self.remainder_special(a, b, st) {
            return done;
        }
        let (quotient, rest) = match self.whole_division(a, b)? {
            Ok(pair) => pair,
            Err(condition) => return self.invalid(condition, st),
        };
        if rest.coeff.is_zero() || (b.adjusted() - rest.adjusted()).abs() > 1 {
            return self.finalize(rest, st);
        }
        // The other remainder lies on the other side of zero.
        let (negative, row, exp) = Context::MAX.add_exact(&rest, b, !rest.negative)?;
        let other = Decimal::from_row(negative, row, exp)?;
        match other.cmp_abs(&rest) {
            Ordering::Less => {}
            Ordering::Equal if quotient.is_odd() => {}
            _ => return self.finalize(rest, st),
        }
        let full = quotient.digits_i64() == self.prec
            && limbs::cmp(quotient.coeff.limbs(), &limbs::nines(self.prec as usize)?).is_eq();
        if full {
            return self.invalid(status::DIVISION_IMPOSSIBLE, st);
        }
        self.finalize(other, st)
    }

    pub fn sqrt(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a], st) {
            return nan;
        }
        let cx = self.rounding(Rounding::HalfEven);
        if a.is_zero() {
            return finish(a.negative, Buf::new(), a.exp >> 1, &cx, st);
        }
        if a.negative {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        if a.is_infinite() {
            return Ok(Decimal::infinity(false));
        }
        let half_exp = a.exp >> 1;
        let number = limbs::shift_left(a.coeff.limbs(), (a.exp & 1) as usize)?;
        let root_digits = (limbs::digits(&number) as i64 + 1) / 2;
        let shift = self.prec + 1 - root_digits;
        if self.prec > LARGE && shift > 0 {
            let (root, exact) = limbs::sqrt_rem(&number)?;
            if exact {
                return finish(false, root, half_exp, &cx, st);
            }
        }
        let (mut root, exp) = root(number, half_exp, shift)?;
        limbs::trim(&mut root);
        finish(false, root, exp, &cx, st)
    }
}

/// The root of `number * 100^half_exp` with `shift` more digits than the whole part has; what is not exact has a last digit that rounds
/// right in all ways.
fn root(number: Buf, half_exp: i64, shift: i64) -> Sized<(Buf, i64)> {
    let mut scaled = number;
    let mut exact = true;
    if shift >= 0 {
        scaled = limbs::shift_left(&scaled, places(shift)?.checked_mul(2).ok_or(NoMemory)?)?;
    } else {
        exact =
            limbs::shift_right(&mut scaled, 2 * shift.unsigned_abs() as usize) == limbs::Rest::Zero;
    }
    let (mut root, whole) = limbs::sqrt_rem(&scaled)?;
    if exact && whole {
        if shift >= 0 {
            limbs::shift_right(&mut root, shift as usize);
            return Ok((root, half_exp));
        }
        return Ok((
            limbs::shift_left(&root, shift.unsigned_abs() as usize)?,
            half_exp,
        ));
    }
    if root.first().is_some_and(|last| last.is_multiple_of(5)) {
        limbs::add_one(&mut root);
    }
    Ok((root, half_exp - shift))
}

fn places(count: i64) -> Sized<usize> {
    usize::try_from(count).map_err(|_| NoMemory)
}

/// A quotient with at least one digit more than `prec`, whose last digit rounds right if it is not exact; if it is exact, with as few
/// zeros behind as its ideal exponent wants.
fn quotient(a: &Decimal, b: &Decimal, prec: i64) -> Sized<(Buf, i64, bool)> {
    let shift = b.digits_i64() - a.digits_i64() + prec + 1;
    let mut exp = a.exp - b.exp - shift;
    let up = |number: &Decimal, by: i64| limbs::shift_left(number.coeff.limbs(), places(by)?);
    let (mut row, whole) = if let Some((quotient, whole)) = quotient_of_limbs(a, b, shift) {
        (limbs::from_u128(quotient), whole)
    } else {
        let (row, rest) = if shift >= 0 {
            limbs::divmod(&up(a, shift)?, b.coeff.limbs())?
        } else {
            limbs::divmod(a.coeff.limbs(), &up(b, -shift)?)?
        };
        (row, rest.is_empty())
    };
    if !whole {
        if row.first().is_some_and(|last| last.is_multiple_of(5)) {
            limbs::add_one(&mut row);
        }
        return Ok((row, exp, false));
    }
    let ideal = a.exp - b.exp;
    if ideal > exp {
        let zeros = (limbs::trailing_zeros(&row) as i64).min(ideal - exp);
        limbs::shift_right(&mut row, zeros as usize);
        exp += zeros;
    }
    Ok((row, exp, true))
}

/// The quotient of limbs of which the first is shifted to at most two limbs, and whether nothing is left.
#[inline]
fn quotient_of_limbs(a: &Decimal, b: &Decimal, shift: i64) -> Option<(u128, bool)> {
    let (x, y) = (a.coeff.one_limb()?, b.coeff.one_limb()?);
    let shift = usize::try_from(shift).ok()?;
    if shift + limbs::digits_of(x) > 2 * limbs::WIDTH {
        return None;
    }
    let (one, other) = (shift.min(limbs::WIDTH), shift.saturating_sub(limbs::WIDTH));
    let number = u128::from(x) * u128::from(POW10[one]) * u128::from(POW10[other]);
    let quotient = number / u128::from(y);
    Some((quotient, quotient * u128::from(y) == number))
}

impl Decimal {
    /// The coefficient brought to a lower exponent, if it stays a limb.
    #[inline]
    fn limb_at(&self, exp: i64) -> Option<u64> {
        let limb = self.coeff.one_limb()?;
        let factor = *POW10.get(usize::try_from(self.exp - exp).ok()?)?;
        limb.checked_mul(factor).filter(|&limb| limb < limbs::BASE)
    }
}
