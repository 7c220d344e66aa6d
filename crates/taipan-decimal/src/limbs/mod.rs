//! Natural numbers as rows of decimal limbs: base 10^19, the least significant limb first.
//!
//! The base lets numbers be cut and shifted by decimal digits without any conversion. A row is normal if its last limb is not zero; zero is
//! `[0]` where a row must have a limb, and functions here accept zeros on top. What allocates asks first: [`NoMemory`].

mod div;
mod mul;
mod ntt;
mod sqrt;

pub(crate) use div::{divmod, divmod_small};
pub(crate) use mul::{mul, square};
pub(crate) use sqrt::sqrt_rem;

use smallvec::SmallVec;
use std::cmp::Ordering;

/// Digits of a limb.
pub(crate) const WIDTH: usize = 19;
/// Ten to the [`WIDTH`].
pub(crate) const BASE: u64 = 10_000_000_000_000_000_000;

/// A number being worked on: results of the usual precision need no heap.
pub(crate) type Buf = SmallVec<[u64; 8]>;

/// There is no room for a number of the size asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NoMemory;

/// A result that may not fit into memory.
pub type Sized<T> = Result<T, NoMemory>;

pub(crate) const POW10: [u64; 20] = {
    let mut table = [1u64; 20];
    let mut k = 1;
    while k < 20 {
        table[k] = table[k - 1] * 10;
        k += 1;
    }
    table
};

/// How to divide a number below 2^64 by 10^k: shift right by k, multiply, take the high word, shift right.
/// (The number shifted has at most 63 bits for k > 0, which is what makes a multiplier of 64 bits exact.)
const MAGIC: [(u64, u32); 20] = {
    let mut table = [(0u64, 0u32); 20];
    let mut k = 1;
    while k < 20 {
        let five = POW10[k] >> k;
        let bits = 64 - (five - 1).leading_zeros();
        let multiplier = (1u128 << (63 + bits)) / five as u128 + 1;
        table[k] = (multiplier as u64, bits - 1);
        k += 1;
    }
    table
};

/// `x / 10^k`, for k of at most 19.
#[inline(always)]
pub(crate) fn div_pow10(x: u64, k: usize) -> u64 {
    if k == 0 {
        return x;
    }
    let (multiplier, shift) = MAGIC[k];
    let high = (u128::from(x >> k) * u128::from(multiplier)) >> 64;
    (high as u64) >> shift
}

/// Decimal digits of `x`; 1 for zero.
#[inline(always)]
pub(crate) fn digits_of(x: u64) -> usize {
    let bits = 64 - (x | 1).leading_zeros() as usize;
    let guess = (bits * 1233) >> 12;
    guess + usize::from(x >= POW10[guess]) + usize::from(x == 0)
}

/// A divisor with its top bit set and its reciprocal, for division of two words by one.
#[derive(Clone, Copy)]
pub(crate) struct Reciprocal {
    divisor: u64,
    inverse: u64,
}

impl Reciprocal {
    /// The reciprocal is found by Newton's steps from nine bits on (Moeller and Granlund, "Improved division by invariant integers").
    pub const fn of(divisor: u64) -> Reciprocal {
        let d = divisor;
        let (d9, d40, d63) = (d >> 55, (d >> 24) + 1, (d >> 1) + (d & 1));
        let v = ((1 << 19) - 3 * (1 << 8)) / d9;
        let v = (v << 11) - ((v * v * d40) >> 40) - 1;
        let v = (v << 13) + ((v * ((1 << 60) - v * d40)) >> 47);
        let odd = if d & 1 == 1 { v >> 1 } else { 0 };
        let error = odd.wrapping_sub(v.wrapping_mul(d63));
        let v = (v << 31).wrapping_add(((v as u128 * error as u128) >> 65) as u64);
        let product = v as u128 * d as u128 + d as u128;
        Reciprocal {
            divisor,
            inverse: v.wrapping_sub((product >> 64) as u64).wrapping_sub(d),
        }
    }

    /// Quotient and remainder of a number whose high word is below the divisor.
    #[inline(always)]
    pub fn divide(self, number: u128) -> (u64, u64) {
        let high = (number >> 64) as u64;
        let low = number as u64;
        let guess = (u128::from(self.inverse) * u128::from(high)).wrapping_add(number);
        let mut quotient = ((guess >> 64) as u64).wrapping_add(1);
        let mut rest = low.wrapping_sub(quotient.wrapping_mul(self.divisor));
        if rest > guess as u64 {
            quotient = quotient.wrapping_sub(1);
            rest = rest.wrapping_add(self.divisor);
        }
        if rest >= self.divisor {
            quotient = quotient.wrapping_add(1);
            rest -= self.divisor;
        }
        (quotient, rest)
    }
}

const BY_BASE: Reciprocal = Reciprocal::of(BASE);

/// Splits a number below `BASE * 2^64` at the base: high and low limb.
#[inline(always)]
pub(crate) fn split(number: u128) -> (u64, u64) {
    BY_BASE.divide(number)
}

/// A row of `len` zeros.
pub(crate) fn zeros(len: usize) -> Sized<Buf> {
    let mut row = Buf::new();
    if len > 8 {
        row.try_reserve_exact(len).map_err(|_| NoMemory)?;
    }
    row.resize(len, 0);
    Ok(row)
}

/// A copy of a row.
pub(crate) fn copy(row: &[u64]) -> Sized<Buf> {
    let mut made = Buf::new();
    if row.len() > 8 {
        made.try_reserve_exact(row.len()).map_err(|_| NoMemory)?;
    }
    made.extend_from_slice(row);
    Ok(made)
}

pub(crate) fn push(row: &mut Buf, limb: u64) -> Sized<()> {
    if row.len() == row.capacity() {
        row.try_reserve(1).map_err(|_| NoMemory)?;
    }
    row.push(limb);
    Ok(())
}

/// The row without zeros on top; empty for zero.
#[inline]
pub(crate) fn strip(mut row: &[u64]) -> &[u64] {
    while let [rest @ .., 0] = row {
        row = rest;
    }
    row
}

/// Drops zeros on top of a row; zero becomes empty.
#[inline]
pub(crate) fn trim(row: &mut Buf) {
    let len = strip(row).len();
    row.truncate(len);
}

pub(crate) fn is_zero(row: &[u64]) -> bool {
    row.iter().all(|&limb| limb == 0)
}

/// Number of digits; 1 for zero.
#[inline]
pub(crate) fn digits(row: &[u64]) -> usize {
    match strip(row) {
        [] => 1,
        [rest @ .., top] => rest.len() * WIDTH + digits_of(*top),
    }
}

pub(crate) fn cmp(a: &[u64], b: &[u64]) -> Ordering {
    let (a, b) = (strip(a), strip(b));
    a.len()
        .cmp(&b.len())
        .then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// `to += from`; gives the carry. `to` is at least as long.
pub(crate) fn add_into(to: &mut [u64], from: &[u64]) -> bool {
    let (low, high) = to.split_at_mut(from.len());
    let mut carry = false;
    for (x, &y) in low.iter_mut().zip(from) {
        // Both are below the base, which is above half of a word's range.
        let room = BASE - y - u64::from(carry);
        carry = *x >= room;
        *x = if carry { *x - room } else { *x + (BASE - room) };
    }
    carry && add_one(high)
}

/// Adds one; gives the carry.
pub(crate) fn add_one(to: &mut [u64]) -> bool {
    for x in to {
        if *x < BASE - 1 {
            *x += 1;
            return false;
        }
        *x = 0;
    }
    true
}

/// `to -= from`; gives the borrow. `to` is at least as long.
pub(crate) fn sub_into(to: &mut [u64], from: &[u64]) -> bool {
    let (low, high) = to.split_at_mut(from.len());
    let mut borrow = false;
    for (x, &y) in low.iter_mut().zip(from) {
        let y = y + u64::from(borrow);
        borrow = *x < y;
        *x = if borrow { *x + (BASE - y) } else { *x - y };
    }
    borrow && sub_one(high)
}

/// Subtracts one; gives the borrow.
pub(crate) fn sub_one(from: &mut [u64]) -> bool {
    for x in from {
        if *x > 0 {
            *x -= 1;
            return false;
        }
        *x = BASE - 1;
    }
    true
}

/// `a + b` with a limb of its own for the carry.
pub(crate) fn add(a: &[u64], b: &[u64]) -> Sized<Buf> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let mut sum = copy(long)?;
    if add_into(&mut sum, short) {
        push(&mut sum, 1)?;
    }
    Ok(sum)
}

/// `row * factor + addend` in place; gives what does not fit.
pub(crate) fn mul_small(row: &mut [u64], factor: u64, addend: u64) -> u64 {
    let mut carry = addend;
    for x in row {
        let (high, low) = split(u128::from(*x) * u128::from(factor) + u128::from(carry));
        *x = low;
        carry = high;
    }
    carry
}

/// The limb at `index` of `row * 10^(whole * WIDTH + part)`, for a part below [`WIDTH`].
#[inline(always)]
pub(crate) fn shifted_limb(row: &[u64], whole: usize, part: usize, index: usize) -> u64 {
    let Some(at) = index.checked_sub(whole) else {
        return 0;
    };
    let own = row.get(at).copied().unwrap_or(0);
    if part == 0 {
        return own;
    }
    let below = match at.checked_sub(1) {
        Some(at) => row.get(at).copied().unwrap_or(0),
        None => 0,
    };
    let kept = own - div_pow10(own, WIDTH - part) * POW10[WIDTH - part];
    kept * POW10[part] + div_pow10(below, WIDTH - part)
}

/// `row * 10^count`
pub(crate) fn shift_left(row: &[u64], count: usize) -> Sized<Buf> {
    let row = strip(row);
    if row.is_empty() {
        return Ok(Buf::new());
    }
    let (whole, part) = (count / WIDTH, count % WIDTH);
    let len = row
        .len()
        .checked_add(whole)
        .and_then(|len| len.checked_add(1))
        .ok_or(NoMemory)?;
    let mut made = zeros(len)?;
    for (index, limb) in made.iter_mut().enumerate().skip(whole) {
        *limb = shifted_limb(row, whole, part, index);
    }
    trim(&mut made);
    Ok(made)
}

/// What was cut off, as a part of the last digit kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Rest {
    Zero,
    Below,
    Half,
    Above,
}

/// Cuts off the last `count` digits; says what they were.
pub(crate) fn shift_right(row: &mut Buf, count: usize) -> Rest {
    if count == 0 {
        return Rest::Zero;
    }
    let (whole, part) = (count / WIDTH, count % WIDTH);
    let rest = rest_of(row, count);
    if whole >= row.len() {
        row.clear();
        return rest;
    }
    let len = row.len() - whole;
    if part == 0 {
        row.copy_within(whole.., 0);
    } else {
        let mut own = div_pow10(row[whole], part);
        for index in 0..len {
            let next = row.get(whole + index + 1).copied().unwrap_or(0);
            let upper = div_pow10(next, part);
            row[index] = own + (next - upper * POW10[part]) * POW10[WIDTH - part];
            own = upper;
        }
    }
    row.truncate(len);
    trim(row);
    rest
}

/// What the last `count` digits (at least one) are of ten to the `count`.
fn rest_of(row: &[u64], count: usize) -> Rest {
    let place = (count - 1) / WIDTH;
    let part = (count - 1) % WIDTH;
    let Some(&limb) = row.get(place) else {
        return if is_zero(row) {
            Rest::Zero
        } else {
            Rest::Below
        };
    };
    let upper = div_pow10(limb, part);
    let first = upper - div_pow10(upper, 1) * 10;
    let exact = limb == upper * POW10[part] && is_zero(&row[..place]);
    match (first, exact) {
        (0, true) => Rest::Zero,
        (5, true) => Rest::Half,
        (0..5, _) => Rest::Below,
        _ => Rest::Above,
    }
}

/// Keeps the last `count` digits.
pub(crate) fn keep_low(row: &mut Buf, count: usize) {
    let (whole, part) = (count / WIDTH, count % WIDTH);
    if whole < row.len() {
        row.truncate(whole + 1);
        row[whole] -= div_pow10(row[whole], part) * POW10[part];
    }
    trim(row);
}

/// Number of zeros at the end of a number that is not zero.
pub(crate) fn trailing_zeros(row: &[u64]) -> usize {
    let whole = row.iter().take_while(|&&limb| limb == 0).count();
    let Some(&limb) = row.get(whole) else {
        return 0;
    };
    let (mut limb, mut count) = (limb, whole * WIDTH);
    for step in [8, 8, 4, 2, 1, 1] {
        let upper = div_pow10(limb, step);
        if upper * POW10[step] == limb {
            limb = upper;
            count += step;
        }
    }
    count
}

/// `10^count - 1`
pub(crate) fn nines(count: usize) -> Sized<Buf> {
    let mut row = zeros(count.div_ceil(WIDTH))?;
    row.fill(BASE - 1);
    if let (Some(top), part @ 1..) = (row.last_mut(), count % WIDTH) {
        *top = POW10[part] - 1;
    }
    Ok(row)
}

/// The digit at a place (0 is the last).
pub(crate) fn digit_at(row: &[u64], place: usize) -> u64 {
    match row.get(place / WIDTH) {
        Some(&limb) => div_pow10(limb, place % WIDTH) % 10,
        None => 0,
    }
}

/// The value of a row of at most two limbs.
#[inline(always)]
pub(crate) fn as_u128(row: &[u64]) -> Option<u128> {
    match row {
        [] => Some(0),
        [low] => Some(u128::from(*low)),
        [low, high] => Some(u128::from(*high) * u128::from(BASE) + u128::from(*low)),
        _ => None,
    }
}

/// The row of a number below 10^57.
#[inline(always)]
pub(crate) fn from_u128(number: u128) -> Buf {
    let mut row = Buf::new();
    if number < u128::from(BASE) {
        if number != 0 {
            row.push(number as u64);
        }
        return row;
    }
    let (high, low) = if (number >> 64) < u128::from(BASE) {
        let (high, low) = split(number);
        (u128::from(high), low)
    } else {
        (
            number / u128::from(BASE),
            (number % u128::from(BASE)) as u64,
        )
    };
    row.push(low);
    if high >= u128::from(BASE) {
        row.push((high % u128::from(BASE)) as u64);
        row.push((high / u128::from(BASE)) as u64);
    } else {
        row.push(high as u64);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_by_powers_is_exact() {
        for (k, &power) in POW10.iter().enumerate() {
            for x in [
                0,
                1,
                power - 1,
                power,
                power + 1,
                BASE - 1,
                u64::MAX,
                u64::MAX - 1,
            ] {
                assert_eq!(div_pow10(x, k), x / power, "{x} / 10^{k}");
                let multiple = x - x % power;
                assert_eq!(div_pow10(multiple, k), multiple / power);
                assert_eq!(
                    div_pow10(multiple.saturating_sub(1), k),
                    multiple.saturating_sub(1) / power
                );
            }
        }
    }

    #[test]
    fn reciprocals() {
        let mut d = 1u64 << 63;
        for turn in 0..100_000u64 {
            for d in [d, u64::MAX - turn, (1 << 63) + turn, BASE, BASE - turn] {
                assert_eq!(
                    Reciprocal::of(d).inverse,
                    (u128::MAX / d as u128) as u64,
                    "{d}"
                );
            }
            d = d.wrapping_mul(6364136223846793005).wrapping_add(turn) | 1 << 63;
        }
    }

    #[test]
    fn digit_counts() {
        for (k, &power) in POW10.iter().enumerate() {
            assert_eq!(digits_of(power), k + 1);
            assert_eq!(digits_of(power - 1), k.max(1));
        }
        assert_eq!(digits(&[0, 0, 0]), 1);
        assert_eq!(digits(&[0, 10, 0]), 21);
        assert_eq!(digits_of(u64::MAX), 20);
    }

    #[test]
    fn shifts_are_inverse() {
        let row = [1234567890123456789, 9999999999999999999, 7];
        for count in 0..80 {
            let mut up = shift_left(&row, count).unwrap();
            assert_eq!(digits(&up), 39 + count);
            assert_eq!(shift_right(&mut up, count), Rest::Zero);
            assert_eq!(&up[..], &row);
        }
    }

    #[test]
    fn rests() {
        let cut = |x: u64, count| {
            let mut row = from_u128(u128::from(x));
            (shift_right(&mut row, count), as_u128(&row).unwrap())
        };
        assert_eq!(cut(1250, 2), (Rest::Half, 12));
        assert_eq!(cut(1251, 2), (Rest::Above, 12));
        assert_eq!(cut(1249, 2), (Rest::Below, 12));
        assert_eq!(cut(1201, 2), (Rest::Below, 12));
        assert_eq!(cut(1200, 2), (Rest::Zero, 12));
        assert_eq!(cut(7, 40), (Rest::Below, 0));
        assert_eq!(cut(0, 40), (Rest::Zero, 0));
    }

    #[test]
    fn words_and_limbs() {
        for number in [
            0,
            1,
            BASE as u128 - 1,
            BASE as u128,
            u128::MAX,
            10u128.pow(38),
        ] {
            let row = from_u128(number);
            let value = row.iter().rev().fold(0u128, |sum, &limb| {
                sum.wrapping_mul(BASE as u128).wrapping_add(limb as u128)
            });
            assert_eq!(value, number);
        }
    }
}
