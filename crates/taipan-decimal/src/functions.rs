//! Exponential, natural and decimal logarithm, correctly rounded.
//!
//! A value is computed with some digits more than wanted; if what is lost could change the rounding, once more with many more (Ziv's
//! method). No result is exact but the few that are dealt with first, so this ends.

use crate::context::{Context, EXP_INF, Rounding, status};
use crate::finish::finish;
use crate::fixed;
use crate::limbs::{self, Buf, NoMemory, Sized, WIDTH};
use crate::number::Decimal;
use crate::power::one_with_zeros;

/// Digits computed beyond the precision at first.
const GUARD: usize = 6;

impl Context {
    pub fn exp(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(nan) = self.nan_of(&[a], st) {
            return nan;
        }
        if a.is_infinite() {
            return Ok(if a.negative {
                Decimal::ZERO
            } else {
                Decimal::infinity(false)
            });
        }
        if a.coeff.is_zero() {
            return Ok(Decimal::ONE);
        }
        let cx = self.rounding(Rounding::HalfEven);
        let adjusted = a.adjusted();
        *st |= status::INEXACT | status::ROUNDED;
        if adjusted >= 19 {
            let exponent = if a.negative {
                self.etiny() - 1
            } else {
                EXP_INF
            };
            return finish(false, Buf::from_slice(&[1]), exponent, &cx, st);
        }
        if a.cmp_abs(&Decimal::small(false, 9, -self.prec - 4)).is_le() {
            // A number below one, which would be subnormal if no smaller exponent than 0 is normal, does not come into it.
            return cx.finalize(one_with_zeros(false, self.prec - 1)?, st);
        }
        let prec = usize::try_from(self.prec).map_err(|_| NoMemory)?;
        let mut guard = GUARD;
        loop {
            let lost = fixed::exp_error_digits((prec + guard) / WIDTH + 2);
            let places = (prec + guard + lost) / WIDTH + 1;
            let (row, exponent) = exp_fixed(a, places)?;
            if let Some((row, dropped)) = settle(row, lost, prec)? {
                let exp = exponent - (places * WIDTH) as i64 + dropped;
                return finish(false, row, exp, &cx, st);
            }
            guard += prec / 2 + 40;
        }
    }

    pub fn ln(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        match self.logarithm_special(a, st)? {
            Some(done) => return Ok(done),
            None if a.cmp_abs(&Decimal::ONE).is_eq() => return Ok(Decimal::ZERO),
            None => {}
        }
        let cx = self.rounding(Rounding::HalfEven);
        *st |= status::INEXACT | status::ROUNDED;
        let near = distance_from_one(a)?;
        if near.adjusted() < -self.prec - 2 {
            return logarithm_near_one(&near, &cx, st);
        }
        let prec = usize::try_from(self.prec).map_err(|_| NoMemory)?;
        let zeros = near.adjusted().min(0).unsigned_abs() as usize + 1;
        let mut guard = GUARD;
        loop {
            let places = places_for(prec + zeros + guard);
            let lost = fixed::ln_error_digits(places);
            let (negative, row) = ln_fixed(a, places)?;
            if let Some((row, dropped)) = settle(row, lost, prec)? {
                return finish(negative, row, dropped - (places * WIDTH) as i64, &cx, st);
            }
            guard += prec / 2 + 40;
        }
    }

    pub fn log10(&self, a: &Decimal, st: &mut u32) -> Sized<Decimal> {
        if let Some(done) = self.logarithm_special(a, st)? {
            return Ok(done);
        }
        let cx = self.rounding(Rounding::HalfEven);
        let zeros = limbs::trailing_zeros(a.coeff.limbs());
        if zeros + 1 == a.digits() && limbs::digit_at(a.coeff.limbs(), zeros) == 1 {
            return cx.finalize(Decimal::from_i64(a.adjusted()), st);
        }
        *st |= status::INEXACT | status::ROUNDED;
        let near = distance_from_one(a)?;
        let prec = usize::try_from(self.prec).map_err(|_| NoMemory)?;
        let zeros = near.adjusted().min(0).unsigned_abs() as usize + 2;
        let mut guard = GUARD;
        loop {
            let places = places_for(prec + zeros + guard);
            let lost = fixed::ln_error_digits(places) + 1;
            let (negative, row) = ln_fixed(a, places)?;
            let row = fixed::div(&row, &fixed::ln10(places)?, places)?;
            if let Some((row, dropped)) = settle(row, lost, prec)? {
                return finish(negative, row, dropped - (places * WIDTH) as i64, &cx, st);
            }
            guard += prec / 2 + 40;
        }
    }

    fn logarithm_special(&self, a: &Decimal, st: &mut u32) -> Sized<Option<Decimal>> {
        if let Some(nan) = self.nan_of(&[a], st) {
            return nan.map(Some);
        }
        if a.is_zero() {
            return Ok(Some(Decimal::infinity(true)));
        }
        if a.negative {
            return self.invalid(status::INVALID_OPERATION, st).map(Some);
        }
        Ok(a.is_infinite().then_some(Decimal::infinity(false)))
    }
}

/// Limbs behind the point for so many good digits.
fn places_for(digits: usize) -> usize {
    let lost = fixed::ln_error_digits(digits / WIDTH + 2) + 1;
    (digits + lost) / WIDTH + 1
}

/// `a - 1`
fn distance_from_one(a: &Decimal) -> Sized<Decimal> {
    let (negative, row, exp) = Context::MAX.add_exact(a, &Decimal::ONE, true)?;
    Decimal::from_row(negative, row, exp)
}

/// `ln(1 + x)` for an `x` so small that three terms of the series are more than enough.
fn logarithm_near_one(x: &Decimal, cx: &Context, st: &mut u32) -> Sized<Decimal> {
    let row = x.coeff.limbs();
    let mut own = 0;
    // -x^2 / 2 is 5 * -x^2 / 10, exactly.
    let mut half = limbs::square(row)?;
    let carry = limbs::mul_small(&mut half, 5, 0);
    limbs::push(&mut half, carry)?;
    limbs::trim(&mut half);
    let second = Decimal::from_row(true, half, 2 * x.exp - 1)?;
    // A third of x^3, cut off, with the sign of x.
    let mut third = limbs::shift_left(&limbs::mul(&limbs::square(row)?, row)?, WIDTH)?;
    limbs::divmod_small(&mut third, 3);
    limbs::trim(&mut third);
    let third = Decimal::from_row(x.negative, third, 3 * x.exp - WIDTH as i64)?;
    let wide = Context::MAX.precision(
        cx.prec
            .saturating_mul(3)
            .saturating_add(40)
            .max(x.digits_i64() * 4),
    );
    let sum = wide.add(x, &second, &mut own)?;
    let sum = wide.add(&sum, &third, &mut own)?;
    cx.finalize(sum, st)
}

/// The first digits of a value that is wrong by less than ten to the `lost`, one more than `prec` of them, and how many were dropped. The
/// last digit is such that all ways of rounding go right. `None` if that cannot be told.
fn settle(mut row: Buf, lost: usize, prec: usize) -> Sized<Option<(Buf, i64)>> {
    limbs::trim(&mut row);
    let digits = limbs::digits(&row);
    let Some(cut) = digits.checked_sub(prec + 1) else {
        return Ok(None);
    };
    if cut <= lost {
        return Ok(None);
    }
    let error = limbs::shift_left(&[1], lost)?;
    let mut high = limbs::add(&row, &error)?;
    limbs::sub_into(&mut row, &error);
    limbs::shift_right(&mut row, cut);
    limbs::shift_right(&mut high, cut);
    if limbs::cmp(&row, &high).is_ne() {
        return Ok(None);
    }
    if row.first().is_some_and(|last| last.is_multiple_of(5)) {
        limbs::add_one(&mut row);
    }
    Ok(Some((row, cut as i64)))
}

/// The magnitude of a number in fixed point, cut off.
fn to_fixed(a: &Decimal, exp: i64, places: usize) -> Sized<Buf> {
    let shift = exp.saturating_add((places * WIDTH) as i64);
    if shift >= 0 {
        return limbs::shift_left(a.coeff.limbs(), shift as usize);
    }
    let mut row = a.coeff.row()?;
    limbs::shift_right(&mut row, shift.unsigned_abs() as usize);
    Ok(row)
}

/// `e^a` as a number between 1 and 10 in fixed point, and a power of ten.
fn exp_fixed(a: &Decimal, places: usize) -> Sized<(Buf, i64)> {
    // One limb more: the logarithm of ten is multiplied by a large number.
    let wide = places + 1;
    let ln10 = fixed::ln10(wide)?;
    let x = to_fixed(a, a.exp, wide)?;
    let (quotient, mut rest) = limbs::divmod(&x, &ln10)?;
    let mut tens = quotient.first().copied().unwrap_or(0) as i64;
    if a.negative {
        // Up to the next multiple, from below.
        rest = fixed::sub(&ln10, &rest)?;
        tens = -tens - 1;
    }
    let rest = fixed::with_places(&rest, wide, places)?;
    Ok((fixed::exp(&rest, places)?, tens))
}

/// The logarithm of a positive number in fixed point, with its sign.
fn ln_fixed(a: &Decimal, places: usize) -> Sized<(bool, Buf)> {
    let digits = a.digits_i64();
    let first = limbs::digit_at(a.coeff.limbs(), digits as usize - 1);
    // a = m * 10^tens with m between 0.3 and 3.
    let mut tens = a.exp + digits - 1;
    if first >= 3 {
        tens += 1;
    }
    let x = to_fixed(a, a.exp - tens, places)?;
    let (negative, logarithm) = fixed::ln(&x, places)?;
    let wide = places + 1;
    let mut whole = fixed::ln10(wide)?;
    let carry = limbs::mul_small(&mut whole, tens.unsigned_abs(), 0);
    limbs::push(&mut whole, carry)?;
    let whole = fixed::with_places(&whole, wide, places)?;
    fixed::signed_sum(negative, &logarithm, tens < 0, &whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(
        f: fn(&Context, &Decimal, &mut u32) -> Sized<Decimal>,
        prec: i64,
        text: &str,
    ) -> String {
        let cx = Context::MAX.precision(prec);
        let number = Context::parse_exact(text.as_bytes(), &mut 0).unwrap();
        let result = f(&cx, &number, &mut 0).unwrap();
        String::from_utf8(result.to_text(true).unwrap()).unwrap()
    }

    #[test]
    fn known_values() {
        assert_eq!(call(Context::exp, 28, "1"), "2.718281828459045235360287471");
        assert_eq!(
            call(Context::exp, 9, "-5.42410311287441459172E+2"),
            "2.71765849E-236"
        );
        assert_eq!(call(Context::exp, 9, "1E-50"), "1.00000000");
        assert_eq!(call(Context::exp, 9, "-1E-50"), "1.00000000");
        assert_eq!(call(Context::exp, 16, "100"), "2.688117141816135E+43");
        assert_eq!(call(Context::ln, 28, "2"), "0.6931471805599453094172321215");
        assert_eq!(call(Context::ln, 28, "10"), "2.302585092994045684017991455");
        assert_eq!(call(Context::ln, 9, "0.5"), "-0.693147181");
        assert_eq!(
            call(
                Context::ln,
                28,
                "1.000000000000000000000000000000000000000000000000001"
            ),
            "1.000000000000000000000000000E-51"
        );
        assert_eq!(
            call(Context::ln, 28, "1.00000000001"),
            "9.999999999950000000000333333E-12"
        );
        assert_eq!(
            call(Context::log10, 28, "2"),
            "0.3010299956639811952137388947"
        );
        assert_eq!(call(Context::log10, 28, "1000"), "3");
        assert_eq!(
            call(Context::log10, 28, "70e20"),
            "21.84509804001425683071221626"
        );
    }
}
