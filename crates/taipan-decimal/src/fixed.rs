//! Fixed-point numbers for exponential and logarithm: rows with a given number of limbs behind the point.
//!
//! Every function cuts off, so each step is wrong by less than one unit of the last limb; callers count the steps.

use crate::limbs::{self, BASE, Buf, NoMemory, Sized};
use std::sync::Mutex;

/// Natural logarithm of ten, as far as it was computed, and its limbs behind the point.
static LN10: Mutex<Option<(Vec<u64>, usize)>> = Mutex::new(None);

/// One.
pub(crate) fn one(places: usize) -> Sized<Buf> {
    let mut row = limbs::zeros(places + 1)?;
    row[places] = 1;
    Ok(row)
}

/// `a * b`; the result has no zeros on top.
pub(crate) fn mul(a: &[u64], b: &[u64], places: usize) -> Sized<Buf> {
    let mut product = limbs::mul(a, b)?;
    drop_limbs(&mut product, places);
    Ok(product)
}

/// Drops the last limbs.
fn drop_limbs(row: &mut Buf, count: usize) {
    if count >= row.len() {
        row.clear();
    } else {
        row.copy_within(count.., 0);
        row.truncate(row.len() - count);
    }
}

/// `a / b`, for a divisor that is not zero.
pub(crate) fn div(a: &[u64], b: &[u64], places: usize) -> Sized<Buf> {
    let shifted = scale(a, places)?;
    Ok(limbs::divmod(&shifted, b)?.0)
}

/// A row with more (zero) limbs behind.
fn scale(row: &[u64], limbs_more: usize) -> Sized<Buf> {
    let mut made = limbs::zeros(row.len().checked_add(limbs_more).ok_or(NoMemory)?)?;
    made[limbs_more..].copy_from_slice(row);
    Ok(made)
}

/// The same number with fewer or more limbs behind the point.
pub(crate) fn with_places(row: &[u64], from: usize, to: usize) -> Sized<Buf> {
    if to >= from {
        scale(row, to - from)
    } else {
        limbs::copy(row.get(from - to..).unwrap_or(&[]))
    }
}

/// `a + b`; the result has no zeros on top.
pub(crate) fn add(a: &[u64], b: &[u64]) -> Sized<Buf> {
    let mut sum = limbs::add(a, b)?;
    limbs::trim(&mut sum);
    Ok(sum)
}

/// `a - b`, for a `b` that is not larger.
pub(crate) fn sub(a: &[u64], b: &[u64]) -> Sized<Buf> {
    let mut row = limbs::copy(a)?;
    limbs::sub_into(&mut row, limbs::strip(b));
    limbs::trim(&mut row);
    Ok(row)
}

fn add_to(sum: &mut Buf, term: &[u64]) -> Sized<()> {
    while sum.len() < term.len() {
        limbs::push(sum, 0)?;
    }
    if limbs::add_into(sum, term) {
        limbs::push(sum, 1)?;
    }
    Ok(())
}

/// The sum of `1 / ((2k + 1) * x^(2k + 1))`: the inverse hyperbolic tangent of `1 / x`.
fn atanh_inverse(x: u64, places: usize) -> Sized<Buf> {
    let mut term = one(places)?;
    limbs::divmod_small(&mut term, x);
    limbs::trim(&mut term);
    let mut sum = limbs::copy(&term)?;
    let mut divisor = 1;
    while !term.is_empty() {
        limbs::divmod_small(&mut term, x * x);
        limbs::trim(&mut term);
        divisor += 2;
        let mut part = limbs::copy(&term)?;
        limbs::divmod_small(&mut part, divisor);
        limbs::trim(&mut part);
        add_to(&mut sum, &part)?;
    }
    Ok(sum)
}

/// The natural logarithm of ten; wrong by at most a unit of the last limb.
pub(crate) fn ln10(places: usize) -> Sized<Buf> {
    let mut known = LN10
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((row, have)) = &*known
        && *have > places
    {
        return with_places(row, *have, places);
    }
    // A unit of the extra limb is far more than all that the series lose.
    let have = places.max(16) + 1;
    let mut sum = Buf::new();
    for (factor, x) in [(46, 31), (34, 49), (20, 161)] {
        let mut part = atanh_inverse(x, have)?;
        let carry = limbs::mul_small(&mut part, factor, 0);
        limbs::push(&mut part, carry)?;
        add_to(&mut sum, &part)?;
    }
    limbs::trim(&mut sum);
    let result = with_places(&sum, have, places)?;
    *known = Some((sum.into_vec(), have));
    Ok(result)
}

/// `e^x` for `x` below three. Wrong by less than [`exp_error`] units.
pub(crate) fn exp(x: &[u64], places: usize) -> Sized<Buf> {
    let halvings = halvings(places);
    let mut small = limbs::copy(x)?;
    let mut left = halvings;
    while left > 0 {
        let now = left.min(60);
        limbs::divmod_small(&mut small, 1 << now);
        left -= now;
    }
    limbs::trim(&mut small);
    let mut sum = one(places)?;
    let mut term = one(places)?;
    let mut divisor = 0;
    loop {
        term = mul(&term, &small, places)?;
        divisor += 1;
        limbs::divmod_small(&mut term, divisor);
        limbs::trim(&mut term);
        if term.is_empty() {
            break;
        }
        add_to(&mut sum, &term)?;
    }
    for _ in 0..halvings {
        sum = mul(&sum, &sum, places)?;
    }
    Ok(sum)
}

/// How often the argument is halved, and the result squared for it.
fn halvings(places: usize) -> u32 {
    (places as f64 * 63.0).sqrt() as u32 / 2 + 3
}

/// Digits that [`exp`] may lose.
pub(crate) fn exp_error_digits(places: usize) -> usize {
    // Each squaring doubles what was wrong before (and e^3 is 20), the terms are fewer than the bits.
    let bits = halvings(places) as usize + 5 + (places.ilog2() as usize + 7);
    bits * 31 / 100 + 2
}

/// The natural logarithm of `x` between 0.3 and 3.3, as sign and magnitude. Wrong by less than [`ln_error_digits`] digits.
pub(crate) fn ln(x: &[u64], places: usize) -> Sized<(bool, Buf)> {
    let (negative, guess) = if places < 5 {
        let approximation = as_f64(x, places).ln();
        let units = (approximation.abs() * 1e17) as u64;
        let (whole, part) = limbs::split(u128::from(units) * 100);
        let mut row = limbs::zeros(places + 1)?;
        row[places - 1] = part;
        row[places] = whole;
        (approximation < 0.0, row)
    } else {
        let less = places / 3 + 1;
        let (negative, row) = ln(&with_places(x, places, less)?, less)?;
        (negative, with_places(&row, less, places)?)
    };
    // ln(x) = guess + 2 artanh((x - y) / (x + y)), where y is e^guess.
    let power = exp(&guess, places)?;
    // A negative guess: both sides of the fraction times e^-guess.
    let (x, y) = if negative {
        (mul(x, &power, places)?, one(places)?)
    } else {
        (limbs::copy(x)?, power)
    };
    let below = limbs::cmp(&x, &y).is_lt();
    let difference = if below { sub(&y, &x)? } else { sub(&x, &y)? };
    let ratio = div(&difference, &add(&x, &y)?, places)?;
    let mut correction = artanh_small(&ratio, places)?;
    let carry = limbs::mul_small(&mut correction, 2, 0);
    limbs::push(&mut correction, carry)?;
    limbs::trim(&mut correction);
    signed_sum(negative, &guess, below, &correction)
}

/// The sum of two numbers with signs.
pub(crate) fn signed_sum(
    a_negative: bool,
    a: &[u64],
    b_negative: bool,
    b: &[u64],
) -> Sized<(bool, Buf)> {
    if a_negative == b_negative {
        return Ok((a_negative, add(a, b)?));
    }
    if limbs::cmp(a, b).is_lt() {
        return Ok((b_negative, sub(b, a)?));
    }
    Ok((a_negative, sub(a, b)?))
}

/// The inverse hyperbolic tangent of a small number.
fn artanh_small(x: &[u64], places: usize) -> Sized<Buf> {
    let square = mul(x, x, places)?;
    let mut sum = limbs::copy(x)?;
    let mut term = limbs::copy(x)?;
    let mut divisor = 1;
    loop {
        term = mul(&term, &square, places)?;
        if term.is_empty() {
            return Ok(sum);
        }
        divisor += 2;
        let mut part = limbs::copy(&term)?;
        limbs::divmod_small(&mut part, divisor);
        limbs::trim(&mut part);
        add_to(&mut sum, &part)?;
    }
}

/// Digits that [`ln`] may lose.
pub(crate) fn ln_error_digits(places: usize) -> usize {
    exp_error_digits(places) + 2
}

/// A number's value, near enough to start from.
fn as_f64(row: &[u64], places: usize) -> f64 {
    let limb = |at: usize| row.get(at).copied().unwrap_or(0) as f64;
    let base = BASE as f64;
    let low = match places {
        0 => 0.0,
        1 => limb(0) / base,
        _ => limb(places - 1) / base + limb(places - 2) / base / base,
    };
    limb(places) + low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithm_of_ten() {
        let row = ln10(3).unwrap();
        assert_eq!(row[3], 2);
        assert_eq!(row[2], 3025850929940456840);
        assert_eq!(row[1], 1799145468436420760);
    }

    #[test]
    fn exponential_and_logarithm_are_inverse() {
        for places in [2, 3, 4, 5, 8, 20, 60] {
            let mut x = one(places).unwrap();
            x[places] = 0;
            x[places - 1] = BASE / 3;
            let (negative, back) = ln(&exp(&x, places).unwrap(), places).unwrap();
            assert!(!negative);
            let (_, mut difference) = signed_sum(false, &back, true, &x).unwrap();
            limbs::trim(&mut difference);
            assert!(
                limbs::digits(&difference) <= ln_error_digits(places),
                "{places}: {difference:?}"
            );
        }
    }
}
