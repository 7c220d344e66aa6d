//! Powers: with whole exponents by multiplying, with others by logarithm and exponential; and powers to a modulus.

use crate::context::{Context, EXP_INF, Rounding, status};
use crate::finish::finish;
use crate::limbs::{self, Buf, NoMemory, Sized};
use crate::number::Decimal;
use std::cmp::Ordering;

/// Digits of the largest exponents.
const EXP_DIGITS: i64 = 19;

impl Context {
    pub fn power(&self, base: &Decimal, exp: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[base, exp], st) {
            return nan;
        }
        let whole = exp.is_integer();
        let negative = base.negative && whole && exp.is_odd();
        if base.is_zero() {
            return if exp.is_zero() {
                self.invalid(status::INVALID_OPERATION, st)
            } else if exp.negative {
                Ok(Decimal::infinity(negative))
            } else {
                Ok(Decimal::small(negative, 0, 0))
            };
        }
        if base.negative && !whole {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        if exp.is_infinite() {
            return match base.cmp_abs(&Decimal::ONE) {
                Ordering::Equal => {
                    *st |= status::INEXACT | status::ROUNDED;
                    one_with_zeros(negative, self.prec - 1)
                }
                order if order.is_lt() != exp.negative => Ok(Decimal::small(negative, 0, 0)),
                _ => Ok(Decimal::infinity(negative)),
            };
        }
        if base.is_infinite() {
            return Ok(if exp.is_zero() {
                Decimal::small(negative, 1, 0)
            } else if exp.negative {
                Decimal::small(negative, 0, 0)
            } else {
                Decimal::infinity(negative)
            });
        }
        if exp.is_zero() {
            return Ok(Decimal::small(negative, 1, 0));
        }
        if base.cmp_abs(&Decimal::ONE).is_eq() {
            return self.power_of_one(base, exp, negative, st);
        }
        if let Some(exponent) = self.out_of_bounds(base, exp)? {
            return finish(negative, Buf::from_slice(&[1]), exponent, self, st);
        }
        if whole {
            self.power_whole(base, exp, negative, st)
        } else {
            self.power_real(base, exp, st)
        }
    }

    fn power_of_one(
        &self,
        base: &Decimal,
        exp: &Decimal,
        negative: bool,
        st: &mut u32,
    ) -> Sized<Decimal> {
        let most = self.prec - 1;
        if !exp.is_integer() {
            *st |= status::INEXACT | status::ROUNDED;
            return one_with_zeros(false, most);
        }
        if exp.negative {
            return Ok(Decimal::small(negative, 1, 0));
        }
        // 1.000 ** 3 is 1.000000000
        let places = match exp.whole_magnitude() {
            Some(times) => times.saturating_mul(base.exp.unsigned_abs() as u128),
            None if base.exp == 0 => 0,
            None => u128::MAX,
        };
        if places > most as u128 {
            *st |= status::ROUNDED;
            return one_with_zeros(negative, most);
        }
        one_with_zeros(negative, places as i64)
    }

    /// The exponent of a stand-in for a power that certainly overflows or underflows.
    fn out_of_bounds(&self, base: &Decimal, exp: &Decimal) -> Sized<Option<i64>> {
        let digits = |number: i64| limbs::digits_of(number.unsigned_abs()) as i64;
        let adjusted = base.adjusted();
        // A lower bound of log10(abs(log10(base))).
        let lower = if adjusted > 0 {
            digits(adjusted) - 1
        } else if adjusted < -1 {
            digits(adjusted + 1) - 1
        } else {
            let (_, row, exp) =
                Context::MAX.add_exact(&base.copy_signed(false)?, &Decimal::ONE, true)?;
            let distance = exp + limbs::digits(&row) as i64 - 1;
            distance - if adjusted == 0 { 2 } else { 1 }
        };
        let size = lower + exp.adjusted();
        Ok(if (adjusted < 0) == exp.negative {
            (digits(self.emax) < size).then_some(EXP_INF)
        } else {
            (digits(self.etiny()) < size).then(|| self.etiny() - 1)
        })
    }

    fn power_whole(
        &self,
        base: &Decimal,
        exp: &Decimal,
        negative: bool,
        st: &mut u32,
    ) -> Sized<Decimal> {
        let mut work = self.rounding(Rounding::HalfEven);
        work.prec += exp.digits_i64() + exp.exp + 2;
        work.clamp = false;
        let mut base = base.copy_signed(false)?;
        if exp.negative {
            work.prec += 1;
            base = work.divide(&Decimal::ONE, &base, st)?;
            if *st & status::ERRORS != 0 && base.is_nan() {
                return Ok(Decimal::NAN);
            }
        }
        let mut result = match exp.whole_magnitude().and_then(|n| u64::try_from(n).ok()) {
            Some(times) => power_by_bits(base, times, &work, st)?,
            None => {
                let places = usize::try_from(exp.exp.max(0)).map_err(|_| NoMemory)?;
                let mut times = limbs::shift_left(exp.coeff.limbs(), places)?;
                limbs::shift_right(&mut times, exp.exp.min(0).unsigned_abs() as usize);
                power_by_halving(base, times, &work, st)?
            }
        };
        result.negative = negative;
        if result.is_infinite() {
            // Whether that is infinity is for the context's rounding to say.
            return finish(negative, Buf::from_slice(&[1]), EXP_INF, self, st);
        }
        self.finalize(result, st)
    }

    fn power_real(&self, base: &Decimal, exp: &Decimal, st: &mut u32) -> Sized<Decimal> {
        let prec = base.digits_i64().max(self.prec) + 4 + EXP_DIGITS;
        let work = Context::MAX.precision(prec);
        let mut own = 0;
        let logarithm = work.ln(base, &mut own)?;
        let product = work.multiply(&logarithm, exp, &mut own)?;
        let mut result = work.exp(&product, st)?;
        *st |= own & status::ERRORS | status::INEXACT | status::ROUNDED;
        if result.is_finite() && result.cmp_abs(&Decimal::ONE).is_eq() && !result.negative {
            result = one_with_zeros(false, self.prec - 1)?;
        }
        if result.is_infinite() {
            return finish(false, Buf::from_slice(&[1]), EXP_INF, self, st);
        }
        self.finalize(result, st)
    }

    /// `base ** exp % modulus`, all of them whole.
    pub fn power_modulo(
        &self,
        base: &Decimal,
        exp: &Decimal,
        modulus: &Decimal,
        st: &mut u32,
    ) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[base, exp, modulus], st) {
            return nan;
        }
        let fits = base.is_integer()
            && exp.is_integer()
            && modulus.is_integer()
            && !modulus.is_zero()
            && modulus.adjusted() < self.prec
            && !(base.is_zero() && exp.is_zero())
            && (!exp.negative || exp.is_zero());
        if !fits {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        let negative = base.negative && exp.is_odd();
        let modulus = modulus.whole_row()?;
        if base.is_zero() {
            return Ok(Decimal::small(negative, 0, 0));
        }
        let rest = |row: &[u64]| limbs::divmod(row, &modulus).map(|(_, rest)| rest);
        let times = |a: &[u64], b: &[u64]| rest(&limbs::mul(a, b)?);
        let raise = |base: Buf, mut times_left: Buf| -> Sized<Buf> {
            let (mut base, mut result) = (base, rest(&[1])?);
            while !times_left.is_empty() {
                if limbs::divmod_small(&mut times_left, 2) == 1 {
                    result = times(&result, &base)?;
                }
                limbs::trim(&mut times_left);
                base = times(&base, &base)?;
            }
            Ok(result)
        };
        // The digits, and the tens behind them.
        let (digits, tens) = base.whole_parts()?;
        let ten = raise(Buf::from_slice(&[10]), limbs::from_u128(tens.into()))?;
        let mut power = times(&rest(&digits)?, &ten)?;
        // The tenth power, as often as there are tens. The powers come round again: then only what is left of whole rounds counts (Brent's
        // way of finding that out).
        let (digits, mut tens) = exp.whole_parts()?;
        let mut mark = limbs::copy(&power)?;
        let (mut steps, mut limit) = (0u64, 1u64);
        while tens > 0 {
            power = raise(power, Buf::from_slice(&[10]))?;
            tens -= 1;
            steps += 1;
            if power == mark {
                tens %= steps;
            }
            if steps == limit {
                mark = limbs::copy(&power)?;
                (steps, limit) = (0, limit.saturating_mul(2));
            }
        }
        Decimal::from_row(negative, raise(power, digits)?, 0)
    }
}

impl Decimal {
    /// The magnitude of a whole number, if it is of a machine's size.
    fn whole_magnitude(&self) -> Option<u128> {
        let (row, tens) = self.whole_parts().ok()?;
        let row = limbs::as_u128(&row)?;
        row.checked_mul(10u128.checked_pow(u32::try_from(tens).ok()?)?)
    }

    /// The digits of a whole number, and the number of tens that they are to be multiplied by.
    fn whole_parts(&self) -> Sized<(Buf, u64)> {
        let mut row = self.coeff.row()?;
        limbs::shift_right(&mut row, self.exp.min(0).unsigned_abs() as usize);
        Ok((row, self.exp.max(0) as u64))
    }

    /// A whole number as a row.
    fn whole_row(&self) -> Sized<Buf> {
        let (row, tens) = self.whole_parts()?;
        limbs::shift_left(&row, tens as usize)
    }
}

/// One with zeros behind the point.
pub(crate) fn one_with_zeros(negative: bool, places: i64) -> Sized<Decimal> {
    let places = places.max(0);
    Decimal::from_row(negative, limbs::shift_left(&[1], places as usize)?, -places)
}

/// From the exponent's first bit to its last.
fn power_by_bits(base: Decimal, times: u64, work: &Context, st: &mut u32) -> Sized<Decimal> {
    let mut result = base.copy()?;
    let mut own = 0;
    let mut bit = times.checked_ilog2().unwrap_or(0);
    while bit > 0 {
        bit -= 1;
        result = work.multiply(&result, &result, &mut own)?;
        if times >> bit & 1 == 1 {
            result = work.multiply(&result, &base, &mut own)?;
        }
        if !result.is_finite() || result.is_zero() && own & status::CLAMPED != 0 {
            break;
        }
    }
    *st |= own;
    Ok(result)
}

/// From the exponent's last bit to its first.
fn power_by_halving(
    mut base: Decimal,
    mut times: Buf,
    work: &Context,
    st: &mut u32,
) -> Sized<Decimal> {
    let mut result = Decimal::ONE;
    let mut own = 0;
    while !times.is_empty() {
        let odd = limbs::divmod_small(&mut times, 2) == 1;
        limbs::trim(&mut times);
        if odd {
            result = work.multiply(&result, &base, &mut own)?;
            *st |= own;
            if !result.is_finite() || result.is_zero() && own & status::CLAMPED != 0 {
                break;
            }
        }
        base = work.multiply(&base, &base, &mut own)?;
    }
    Ok(result)
}
