//! The end of every operation: the result is made to fit its context.

use crate::context::{Context, Rounding, status};
use crate::limbs::{self, Buf, POW10, Rest, Sized};
use crate::number::{Coeff, Decimal, Kind};
use std::cmp::Ordering;

impl Rounding {
    /// Is a number whose lowest limb is `last`, and of which `rest` was cut off, to be made larger by one?
    #[inline]
    pub(crate) fn goes_up(self, rest: Rest, negative: bool, last: u64) -> bool {
        match self {
            _ if rest == Rest::Zero => false,
            Rounding::Up => true,
            Rounding::Down => false,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
            Rounding::HalfUp => rest != Rest::Below,
            Rounding::HalfDown => rest == Rest::Above,
            Rounding::HalfEven => rest == Rest::Above || rest == Rest::Half && last % 2 == 1,
            Rounding::ZeroFiveUp => last.is_multiple_of(5),
        }
    }

    /// Is the nearest representable number beyond the largest one infinity?
    fn overflows_to_infinity(self, negative: bool) -> bool {
        match self {
            Rounding::Up | Rounding::HalfUp | Rounding::HalfDown | Rounding::HalfEven => true,
            Rounding::Down | Rounding::ZeroFiveUp => false,
            Rounding::Ceiling => !negative,
            Rounding::Floor => negative,
        }
    }
}

/// Cuts off `count` digits and rounds.
pub(crate) fn round_off(
    row: &mut Buf,
    count: usize,
    negative: bool,
    rounding: Rounding,
) -> Sized<Rest> {
    let rest = limbs::shift_right(row, count);
    let last = row.first().copied().unwrap_or(0);
    if rounding.goes_up(rest, negative, last) && limbs::add_one(row) {
        limbs::push(row, 1)?;
    }
    Ok(rest)
}

/// As [`round_off`] for a limb. `count` is at least one.
#[inline]
pub(crate) fn round_limb(limb: u64, count: u64, negative: bool, rounding: Rounding) -> (u64, Rest) {
    let (kept, rest) = match count {
        1..20 => {
            let count = count as usize;
            let kept = limbs::div_pow10(limb, count);
            let cut = limb - kept * POW10[count];
            let rest = match cut.cmp(&(POW10[count] / 2)) {
                _ if cut == 0 => Rest::Zero,
                Ordering::Less => Rest::Below,
                Ordering::Equal => Rest::Half,
                Ordering::Greater => Rest::Above,
            };
            (kept, rest)
        }
        _ if limb == 0 => (0, Rest::Zero),
        _ => (0, Rest::Below),
    };
    (
        kept + u64::from(rounding.goes_up(rest, negative, kept)),
        rest,
    )
}

/// A finite result, rounded to its context. `row` has no zeros on top.
#[inline]
pub(crate) fn finish(
    negative: bool,
    row: Buf,
    exp: i64,
    cx: &Context,
    st: &mut u32,
) -> Sized<Decimal> {
    let digits = limbs::digits(&row) as i64;
    if fits(digits, exp, cx) {
        return Decimal::from_row(negative, row, exp);
    }
    adapt(negative, row, exp, cx, st)
}

#[inline(always)]
fn fits(digits: i64, exp: i64, cx: &Context) -> bool {
    let adjusted = exp + digits - 1;
    digits <= cx.prec
        && adjusted <= cx.emax
        && adjusted >= cx.emin
        && (!cx.clamp || exp <= cx.etop())
}

/// A result of one limb.
#[inline(always)]
pub(crate) fn finish_limb(
    negative: bool,
    limb: u64,
    exp: i64,
    cx: &Context,
    st: &mut u32,
) -> Sized<Decimal> {
    if fits(limbs::digits_of(limb) as i64, exp, cx) {
        return Ok(Decimal::small(negative, limb, exp));
    }
    adapt(negative, limbs::from_u128(u128::from(limb)), exp, cx, st)
}

#[inline(never)]
fn adapt(negative: bool, mut row: Buf, mut exp: i64, cx: &Context, st: &mut u32) -> Sized<Decimal> {
    let digits = limbs::digits(&row) as i64;
    let adjusted = exp + digits - 1;
    if digits > cx.prec && (cx.emin..cx.emax).contains(&adjusted) {
        // The usual case: rounding cannot leave the range.
        exp += cut_to(&mut row, digits, negative, cx, st)?;
        return Decimal::from_row(negative, row, exp);
    }
    let (mut row, mut exp) = match in_range(negative, row, exp, cx, st)? {
        Ok(pair) => pair,
        Err(done) => return Ok(done),
    };
    let digits = limbs::digits(&row) as i64;
    if digits <= cx.prec {
        return Decimal::from_row(negative, row, exp);
    }
    exp += cut_to(&mut row, digits, negative, cx, st)?;
    match in_range(negative, row, exp, cx, st)? {
        Ok((row, exp)) => Decimal::from_row(negative, row, exp),
        Err(done) => Ok(done),
    }
}

/// Rounds a row of too many digits to the precision; gives the number of digits that are gone.
#[inline]
fn cut_to(row: &mut Buf, digits: i64, negative: bool, cx: &Context, st: &mut u32) -> Sized<i64> {
    let count = digits - cx.prec;
    let rest = round_off(row, count as usize, negative, cx.rounding)?;
    *st |= status::ROUNDED;
    if rest != Rest::Zero {
        *st |= status::INEXACT;
    }
    if limbs::digits(row) as i64 > cx.prec {
        // 99...9 became 100...0.
        limbs::shift_right(row, 1);
        return Ok(count + 1);
    }
    Ok(count)
}

type InRange = Result<(Buf, i64), Decimal>;

/// Brings the exponent into range; an overflow is a result at once.
fn in_range(
    negative: bool,
    mut row: Buf,
    mut exp: i64,
    cx: &Context,
    st: &mut u32,
) -> Sized<InRange> {
    let zero = row.is_empty();
    let adjusted = exp + limbs::digits(&row) as i64 - 1;
    if adjusted > cx.emax {
        if zero {
            *st |= status::CLAMPED;
            let exp = if cx.clamp { cx.etop() } else { cx.emax };
            return Ok(Ok((row, exp)));
        }
        return overflow(negative, cx, st).map(Err);
    }
    if cx.clamp && exp > cx.etop() {
        let shift = exp - cx.etop();
        row = limbs::shift_left(&row, shift as usize)?;
        exp -= shift;
        *st |= status::CLAMPED;
        if !zero && adjusted < cx.emin {
            *st |= status::SUBNORMAL;
        }
    } else if adjusted < cx.emin {
        let etiny = cx.etiny();
        if zero {
            if exp < etiny {
                exp = etiny;
                *st |= status::CLAMPED;
            }
            return Ok(Ok((row, exp)));
        }
        *st |= status::SUBNORMAL;
        if exp < etiny {
            let count = (etiny - exp) as usize;
            let rest = round_off(&mut row, count, negative, cx.rounding)?;
            exp = etiny;
            *st |= status::ROUNDED;
            if rest != Rest::Zero {
                *st |= status::INEXACT | status::UNDERFLOW;
            }
            if row.is_empty() {
                *st |= status::CLAMPED;
            }
        }
    }
    Ok(Ok((row, exp)))
}

fn overflow(negative: bool, cx: &Context, st: &mut u32) -> Sized<Decimal> {
    *st |= status::OVERFLOW | status::INEXACT | status::ROUNDED;
    if cx.rounding.overflows_to_infinity(negative) {
        Ok(Decimal::infinity(negative))
    } else {
        largest(negative, cx)
    }
}

/// The largest finite number of a context.
pub(crate) fn largest(negative: bool, cx: &Context) -> Sized<Decimal> {
    Decimal::from_row(negative, limbs::nines(cx.prec as usize)?, cx.etop())
}

impl Context {
    /// Makes a number fit the context.
    pub fn finalize(&self, number: Decimal, st: &mut u32) -> Sized<Decimal> {
        match number.kind {
            Kind::Finite => {
                if fits(number.digits_i64(), number.exp, self) {
                    return Ok(number);
                }
                adapt(number.negative, number.coeff.row()?, number.exp, self, st)
            }
            Kind::Infinity => Ok(number),
            Kind::Nan | Kind::SignalingNan => self.fix_payload(number),
        }
    }

    /// As [`Context::finalize`] of a copy.
    pub(crate) fn finalize_copy(&self, number: &Decimal, st: &mut u32) -> Sized<Decimal> {
        self.finalize_signed(number, number.negative, st)
    }

    /// As [`Context::finalize`] of a copy with another sign.
    pub(crate) fn finalize_signed(
        &self,
        number: &Decimal,
        negative: bool,
        st: &mut u32,
    ) -> Sized<Decimal> {
        if number.is_finite() && !fits(number.digits_i64(), number.exp, self) {
            return adapt(negative, number.coeff.row()?, number.exp, self, st);
        }
        self.finalize(number.copy_signed(negative)?, st)
    }

    /// A NaN's payload keeps its last digits.
    fn fix_payload(&self, mut nan: Decimal) -> Sized<Decimal> {
        let room = self.prec - i64::from(self.clamp);
        if nan.digits() as i64 > room {
            let mut row = nan.coeff.row()?;
            limbs::keep_low(&mut row, room as usize);
            nan.coeff = Coeff::from_row(row)?;
        }
        Ok(nan)
    }

    /// An operation that has no result.
    pub(crate) fn invalid(&self, condition: u32, st: &mut u32) -> Sized<Decimal> {
        *st |= condition;
        Ok(Decimal::NAN)
    }

    /// What an operation on a NaN gives: the first signalling one, else the first quiet one.
    pub(crate) fn nan_of(&self, operands: &[&Decimal], st: &mut u32) -> Option<Sized<Decimal>> {
        let signaling = operands.iter().find(|x| x.is_signaling_nan());
        if signaling.is_some() {
            *st |= status::INVALID_OPERATION;
        }
        let nan = signaling.or_else(|| operands.iter().find(|x| x.is_nan()))?;
        Some(nan.copy().and_then(|mut nan| {
            nan.kind = Kind::Nan;
            self.fix_payload(nan)
        }))
    }
}
