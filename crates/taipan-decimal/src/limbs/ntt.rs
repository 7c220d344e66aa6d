//! Multiplication by a number-theoretic transform modulo 2^64 - 2^32 + 1.
//!
//! The factors are cut into pieces of six digits (five for the longest), so that no sum of products reaches the modulus.

use super::{NoMemory, POW10, Sized, WIDTH, div_pow10};

const MODULUS: u64 = 0xffff_ffff_0000_0001;
/// 2^64 modulo the modulus.
const EPSILON: u64 = 0xffff_ffff;
/// Generates the multiplicative group, whose order is divisible by 2^32.
const GENERATOR: u64 = 7;

/// Digits of a piece for products of `limbs` limbs.
fn piece_width(limbs: usize) -> Option<usize> {
    [6, 5].into_iter().find(|&width| {
        let pieces = (limbs as u64).saturating_mul(WIDTH as u64) / width as u64 + 2;
        // Sums of as many products as the shorter factor has pieces stay below the modulus, with a carry.
        let square = POW10[width] * POW10[width];
        pieces.checked_mul(square).is_some_and(|sum| sum < MODULUS) && pieces < 1 << 31
    })
}

/// Can a product of this length be computed here?
pub(super) fn fits(limbs: usize) -> bool {
    piece_width(limbs).is_some()
}

fn add(a: u64, b: u64) -> u64 {
    let (sum, over) = a.overflowing_add(b);
    let (sum, over) = sum.overflowing_add(if over { EPSILON } else { 0 });
    let sum = if over { sum.wrapping_add(EPSILON) } else { sum };
    if sum >= MODULUS { sum - MODULUS } else { sum }
}

fn sub(a: u64, b: u64) -> u64 {
    let (difference, under) = a.overflowing_sub(b);
    if under {
        difference.wrapping_add(MODULUS)
    } else {
        difference
    }
}

/// Reduces a product: 2^64 is 2^32 - 1 and 2^96 is -1.
#[inline(always)]
fn reduce(product: u128) -> u64 {
    let low = product as u64;
    let high = (product >> 64) as u64;
    let (top, middle) = (high >> 32, high & EPSILON);
    let (mut sum, under) = low.overflowing_sub(top);
    if under {
        sum = sum.wrapping_sub(EPSILON);
    }
    let (sum, over) = sum.overflowing_add(middle * EPSILON);
    let sum = if over { sum.wrapping_add(EPSILON) } else { sum };
    if sum >= MODULUS { sum - MODULUS } else { sum }
}

#[inline(always)]
fn times(a: u64, b: u64) -> u64 {
    reduce(u128::from(a) * u128::from(b))
}

fn power(mut base: u64, mut exponent: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    result
}

/// The powers of a root of order `len`, as far as half of it.
fn roots(len: usize, inverse: bool) -> Sized<Vec<u64>> {
    let order = MODULUS - 1;
    let step = order / len as u64;
    let root = power(GENERATOR, if inverse { order - step } else { step });
    let mut row = Vec::new();
    row.try_reserve_exact(len / 2).map_err(|_| NoMemory)?;
    let mut x = 1;
    for _ in 0..len / 2 {
        row.push(x);
        x = times(x, root);
    }
    Ok(row)
}

/// Decimation in frequency: natural order in, bit-reversed order out.
fn forward(row: &mut [u64], roots: &[u64]) {
    let mut size = row.len();
    let mut stride = 1;
    while size > 1 {
        let half = size / 2;
        for block in row.chunks_exact_mut(size) {
            let (low, high) = block.split_at_mut(half);
            let roots = roots.iter().step_by(stride);
            for ((x, y), &root) in low.iter_mut().zip(high).zip(roots) {
                let (a, b) = (*x, *y);
                *x = add(a, b);
                *y = times(sub(a, b), root);
            }
        }
        size = half;
        stride *= 2;
    }
}

/// Decimation in time: bit-reversed order in, natural order out. Not scaled.
fn backward(row: &mut [u64], roots: &[u64]) {
    let mut size = 2;
    let mut stride = row.len() / 2;
    while size <= row.len() {
        let half = size / 2;
        for block in row.chunks_exact_mut(size) {
            let (low, high) = block.split_at_mut(half);
            let roots = roots.iter().step_by(stride);
            for ((x, y), &root) in low.iter_mut().zip(high).zip(roots) {
                let (a, b) = (*x, times(*y, root));
                *x = add(a, b);
                *y = sub(a, b);
            }
        }
        size *= 2;
        stride /= 2;
    }
}

/// The pieces of a number, padded with zeros to `len`.
fn pieces(limbs: &[u64], width: usize, len: usize) -> Sized<Vec<u64>> {
    let mut row = Vec::new();
    row.try_reserve_exact(len).map_err(|_| NoMemory)?;
    let (mut piece, mut filled) = (0, 0);
    for &limb in limbs {
        let (mut limb, mut left) = (limb, WIDTH);
        while filled + left >= width {
            let taken = width - filled;
            let upper = div_pow10(limb, taken);
            row.push(piece + (limb - upper * POW10[taken]) * POW10[filled]);
            (limb, left) = (upper, left - taken);
            (piece, filled) = (0, 0);
        }
        piece += limb * POW10[filled];
        filled += left;
    }
    row.push(piece);
    row.resize(len, 0);
    Ok(row)
}

/// Carries and joins pieces to limbs.
fn join(row: &[u64], width: usize, out: &mut [u64]) {
    let mut source = row.iter();
    let mut carry = 0u64;
    let (mut piece, mut left) = (0, 0);
    for limb in out {
        let (mut value, mut filled) = (0, 0);
        while filled < WIDTH {
            if left == 0 {
                let sum = source.next().copied().unwrap_or(0) + carry;
                carry = div_pow10(sum, width);
                piece = sum - carry * POW10[width];
                left = width;
            }
            let taken = left.min(WIDTH - filled);
            let upper = div_pow10(piece, taken);
            value += (piece - upper * POW10[taken]) * POW10[filled];
            piece = upper;
            left -= taken;
            filled += taken;
        }
        *limb = value;
    }
}

/// Writes `a * b` to `out`, whose length is the sum of both lengths.
pub(super) fn multiply(out: &mut [u64], a: &[u64], b: &[u64]) -> Sized<()> {
    let width = piece_width(out.len()).ok_or(NoMemory)?;
    let len = (out.len() * WIDTH / width + 2).next_power_of_two();
    let forth = roots(len, false)?;
    let mut x = pieces(a, width, len)?;
    forward(&mut x, &forth);
    if std::ptr::eq(a, b) {
        x.iter_mut().for_each(|x| *x = times(*x, *x));
    } else {
        let mut y = pieces(b, width, len)?;
        forward(&mut y, &forth);
        x.iter_mut().zip(&y).for_each(|(x, &y)| *x = times(*x, y));
    }
    drop(forth);
    backward(&mut x, &roots(len, true)?);
    let scale = power(len as u64, MODULUS - 2);
    x.iter_mut().for_each(|x| *x = times(*x, scale));
    join(&x, width, out);
    Ok(())
}
