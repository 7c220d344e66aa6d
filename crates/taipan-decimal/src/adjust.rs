//! Operations on exponent and digits: quantizing, rounding to whole numbers, neighbours, shifting, logical operations.

use crate::context::{Context, EXP_INF, MAX_EMAX, MAX_PREC, MIN_ETINY, Rounding, status};
use crate::finish::{finish, finish_limb, largest, round_limb, round_off};
use crate::limbs::{self, BASE, Buf, POW10, Rest, Sized, WIDTH};
use crate::number::{Coeff, Decimal};

impl Context {
    /// `a` with the exponent of `b`.
    pub fn quantize(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if !a.is_finite() || !b.is_finite() {
            if let Some(nan) = self.nan_of(&[a, b], st) {
                return nan;
            }
            if a.is_infinite() && b.is_infinite() {
                return a.copy();
            }
            return self.invalid(status::INVALID_OPERATION, st);
        }
        if b.exp > self.emax || b.exp < self.etiny() {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        if a.coeff.is_zero() {
            return finish(a.negative, Buf::new(), b.exp, self, st);
        }
        let shift = a.exp - b.exp;
        if a.digits_i64() + shift > self.prec {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        if let Some(limb) = a.coeff.one_limb()
            && let Some((limb, own)) = self.shift_limb(limb, shift, a.negative)
        {
            let digits = limbs::digits_of(limb) as i64;
            let adjusted = b.exp + digits - 1;
            if digits > self.prec || adjusted > self.emax || adjusted < self.etiny() {
                return self.invalid(status::INVALID_OPERATION, st);
            }
            *st |= own;
            return finish_limb(a.negative, limb, b.exp, self, st);
        }
        let mut own = 0;
        let row = if shift >= 0 {
            limbs::shift_left(a.coeff.limbs(), shift as usize)?
        } else {
            own |= status::ROUNDED;
            let mut row = a.coeff.row()?;
            let rest = round_off(
                &mut row,
                shift.unsigned_abs() as usize,
                a.negative,
                self.rounding,
            )?;
            if rest != Rest::Zero {
                own |= status::INEXACT;
            }
            row
        };
        let digits = limbs::digits(&row) as i64;
        let adjusted = b.exp + digits - 1;
        if digits > self.prec || adjusted > self.emax || adjusted < self.etiny() {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        *st |= own;
        finish(a.negative, row, b.exp, self, st)
    }

    /// A limb shifted left, or right with rounding, and what that is to be reported as; `None` if it does not stay a limb.
    #[inline]
    fn shift_limb(&self, limb: u64, shift: i64, negative: bool) -> Option<(u64, u32)> {
        if shift >= 0 {
            let factor = *POW10.get(shift as usize)?;
            return Some((limb.checked_mul(factor).filter(|&limb| limb < BASE)?, 0));
        }
        let (limb, rest) = round_limb(limb, shift.unsigned_abs(), negative, self.rounding);
        let inexact = if rest == Rest::Zero {
            0
        } else {
            status::INEXACT
        };
        Some((limb, status::ROUNDED | inexact))
    }

    /// `a` with an exponent of one's own choice, whatever the context's precision and range are. The result may be a digit longer than
    /// any number: it is for formatting.
    pub fn rescale(&self, a: &Decimal, exp: i64, st: &mut u32) -> Sized<Decimal> {
        if !(MIN_ETINY - MAX_PREC..=MAX_EMAX + 1).contains(&exp) {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        if !a.is_finite() {
            return a.copy();
        }
        if a.coeff.is_zero() {
            return Ok(Decimal::small(a.negative, 0, exp));
        }
        let shift = a.exp - exp;
        let row = if shift >= 0 {
            if a.digits_i64() + shift > MAX_PREC + 1 {
                return self.invalid(status::INVALID_OPERATION, st);
            }
            limbs::shift_left(a.coeff.limbs(), shift as usize)?
        } else {
            *st |= status::ROUNDED;
            let mut row = a.coeff.row()?;
            let rest = round_off(
                &mut row,
                shift.unsigned_abs() as usize,
                a.negative,
                self.rounding,
            )?;
            if rest != Rest::Zero {
                *st |= status::INEXACT;
            }
            row
        };
        let made = Decimal::from_row(a.negative, row, exp)?;
        if self.is_subnormal(&made) {
            *st |= status::SUBNORMAL;
        }
        Ok(made)
    }

    /// As [`Context::rescale`] for numbers that are calculated with.
    pub fn rescale_strict(&self, a: &Decimal, exp: i64, st: &mut u32) -> Sized<Decimal> {
        if !(MIN_ETINY..=MAX_EMAX + 1).contains(&exp) {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        self.rescale(a, exp, st)
    }

    /// Rounds to a whole number; tells so if asked.
    fn whole(&self, a: &Decimal, tell: bool, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a], st) {
            return nan;
        }
        if a.is_infinite() || a.exp >= 0 {
            return a.copy();
        }
        if a.coeff.is_zero() {
            return Ok(Decimal::small(a.negative, 0, 0));
        }
        if let Some(limb) = a.coeff.one_limb()
            && let Some((limb, own)) = self.shift_limb(limb, a.exp, a.negative)
        {
            if tell {
                *st |= own;
            }
            return Ok(Decimal::small(a.negative, limb, 0));
        }
        let mut row = a.coeff.row()?;
        let rest = round_off(
            &mut row,
            a.exp.unsigned_abs() as usize,
            a.negative,
            self.rounding,
        )?;
        if tell {
            *st |= status::ROUNDED;
            if rest != Rest::Zero {
                *st |= status::INEXACT;
            }
        }
        Decimal::from_row(a.negative, row, 0)
    }

    pub fn to_integral_exact(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.whole(a, true, st)
    }

    pub fn to_integral_value(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.whole(a, false, st)
    }

    /// Without zeros behind.
    pub fn reduce(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a], st) {
            return nan;
        }
        let mut result = self.finalize_copy(a, st)?;
        if !result.is_finite() {
            return Ok(result);
        }
        if result.coeff.is_zero() {
            return Ok(Decimal::small(a.negative, 0, 0));
        }
        let most = if self.clamp { self.etop() } else { self.emax } - result.exp;
        let zeros = (limbs::trailing_zeros(result.coeff.limbs()) as i64).min(most);
        if zeros > 0 {
            let mut row = result.coeff.row()?;
            limbs::shift_right(&mut row, zeros as usize);
            result.coeff = Coeff::from_row(row)?;
            result.exp += zeros;
        }
        Ok(result)
    }

    /// The next number of this context below or above.
    fn neighbour(&self, a: &Decimal, down: bool, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a], st) {
            return nan;
        }
        if a.is_infinite() {
            return if a.negative == down {
                a.copy()
            } else {
                largest(a.negative, self)
            };
        }
        let cx = self.rounding(if down {
            Rounding::Floor
        } else {
            Rounding::Ceiling
        });
        let mut own = 0;
        let rounded = cx.finalize_copy(a, &mut own)?;
        if own & status::INEXACT != 0 {
            return Ok(rounded);
        }
        let tiny = Decimal::small(down, 1, cx.etiny() - 1);
        cx.add(a, &tiny, &mut 0)
    }

    pub fn next_minus(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.neighbour(a, true, st)
    }

    pub fn next_plus(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.neighbour(a, false, st)
    }

    pub fn next_toward(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a, b], st) {
            return nan;
        }
        let result = match a.partial_cmp(b) {
            Some(std::cmp::Ordering::Less) => self.next_plus(a, st)?,
            Some(std::cmp::Ordering::Greater) => self.next_minus(a, st)?,
            _ => return a.copy_signed(b.negative),
        };
        if result.is_infinite() {
            *st |= status::OVERFLOW | status::ROUNDED | status::INEXACT;
        } else if result.adjusted() < self.emin {
            *st |= status::UNDERFLOW | status::SUBNORMAL | status::ROUNDED | status::INEXACT;
            if result.is_zero() {
                *st |= status::CLAMPED;
            }
        }
        Ok(result)
    }

    /// The exponent of the first digit, as a number.
    pub fn logb(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a], st) {
            return nan;
        }
        if a.is_infinite() {
            return Ok(Decimal::infinity(false));
        }
        if a.coeff.is_zero() {
            *st |= status::DIVISION_BY_ZERO;
            return Ok(Decimal::infinity(true));
        }
        self.finalize(Decimal::from_i64(a.adjusted()), st)
    }

    /// `a * 10^b`
    pub fn scaleb(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a, b], st) {
            return nan;
        }
        let most = 2 * (self.emax as i128 + self.prec as i128);
        let by = match b.small_whole() {
            Some(by) if i128::from(by).abs() <= most => by,
            _ => return self.invalid(status::INVALID_OPERATION, st),
        };
        let mut made = a.copy()?;
        if a.is_infinite() {
            return Ok(made);
        }
        made.exp = a.exp.saturating_add(by).clamp(-EXP_INF, EXP_INF);
        self.finalize(made, st)
    }

    /// The number of places to shift or rotate by.
    fn places(&self, b: &Decimal) -> Option<i64> {
        b.small_whole()
            .filter(|by| by.unsigned_abs() <= self.prec as u64)
    }

    /// The last digits of a row, as many as the precision.
    fn cap(&self, row: &mut Buf) {
        if limbs::digits(row) as i64 > self.prec {
            limbs::keep_low(row, self.prec as usize);
        }
    }

    /// Moves the digits; what leaves the precision is lost.
    pub fn shift(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a, b], st) {
            return nan;
        }
        let Some(by) = self.places(b) else {
            return self.invalid(status::INVALID_OPERATION, st);
        };
        if a.is_infinite() {
            return a.copy();
        }
        let row = if by >= 0 {
            let mut row = limbs::shift_left(a.coeff.limbs(), by as usize)?;
            self.cap(&mut row);
            row
        } else {
            let mut row = a.coeff.row()?;
            self.cap(&mut row);
            limbs::shift_right(&mut row, by.unsigned_abs() as usize);
            row
        };
        Decimal::from_row(a.negative, row, a.exp)
    }

    /// Moves the digits round and round.
    pub fn rotate(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a, b], st) {
            return nan;
        }
        let Some(by) = self.places(b) else {
            return self.invalid(status::INVALID_OPERATION, st);
        };
        if a.is_infinite() {
            return a.copy();
        }
        let left = if by >= 0 { by } else { self.prec + by };
        let mut low = a.coeff.row()?;
        self.cap(&mut low);
        let mut high = limbs::shift_left(&low, left as usize)?;
        self.cap(&mut high);
        limbs::shift_right(&mut low, (self.prec - left) as usize);
        let mut row = limbs::add(&high, &low)?;
        limbs::trim(&mut row);
        Decimal::from_row(a.negative, row, a.exp)
    }

    /// A logical operation, digit by digit of zeros and ones. NaNs have none, not even quiet ones.
    fn logical(
        &self,
        a: &Decimal,
        b: &Decimal,
        digit: fn(u64, u64) -> u64,
        st: &mut u32,
    ) -> Sized<Decimal> {
        if !a.is_logical() || !b.is_logical() {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        let (x, y) = (a.coeff.limbs(), b.coeff.limbs());
        let mut row = limbs::zeros(x.len().max(y.len()))?;
        for (index, out) in row.iter_mut().enumerate() {
            let mut x = x.get(index).copied().unwrap_or(0);
            let mut y = y.get(index).copied().unwrap_or(0);
            for place in &POW10[..WIDTH] {
                *out += place * digit(x % 10, y % 10);
                (x, y) = (x / 10, y / 10);
            }
        }
        limbs::trim(&mut row);
        self.cap(&mut row);
        Decimal::from_row(false, row, 0)
    }

    pub fn logical_and(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.logical(a, b, |x, y| x & y, st)
    }

    pub fn logical_or(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.logical(a, b, |x, y| x | y, st)
    }

    pub fn logical_xor(&self, a: &Decimal, b: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.logical(a, b, |x, y| x ^ y, st)
    }

    pub fn logical_invert(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if !a.is_logical() {
            return self.invalid(status::INVALID_OPERATION, st);
        }
        // 11...1 minus the number: no digit borrows.
        let mut row = limbs::nines(self.prec as usize)?;
        limbs::divmod_small(&mut row, 9);
        let mut own = a.coeff.row()?;
        self.cap(&mut own);
        limbs::sub_into(&mut row, &own);
        limbs::trim(&mut row);
        Decimal::from_row(false, row, 0)
    }
}

impl Decimal {
    /// Only digits 0 and 1, no sign, exponent 0?
    fn is_logical(&self) -> bool {
        let binary = |&limb: &u64| {
            let mut limb = limb;
            while limb > 0 {
                if limb % 10 > 1 {
                    return false;
                }
                limb /= 10;
            }
            true
        };
        self.is_finite() && !self.negative && self.exp == 0 && self.coeff.limbs().iter().all(binary)
    }

    /// The number, if it is written without exponent and of a machine's size.
    fn small_whole(&self) -> Option<i64> {
        if !self.is_finite() || self.exp != 0 {
            return None;
        }
        let magnitude = i64::try_from(limbs::as_u128(self.coeff.limbs())?).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }
}
