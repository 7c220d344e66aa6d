//! Multiplication: by the row, by Karatsuba's halves, and for thousands of digits by a number-theoretic transform.

use super::{Buf, Sized, add_into, ntt, split, strip, sub_into, zeros};

/// From this length of the shorter factor on, halves pay off.
const KARATSUBA: usize = 40;
/// From this length of the shorter factor on, the transform pays off.
const TRANSFORM: usize = 700;

/// `a * b`, without zeros on top.
pub(crate) fn mul(a: &[u64], b: &[u64]) -> Sized<Buf> {
    let (a, b) = (strip(a), strip(b));
    if a.is_empty() || b.is_empty() {
        return Ok(Buf::new());
    }
    let len = a.len().checked_add(b.len()).ok_or(super::NoMemory)?;
    let mut product = zeros(len)?;
    multiply(&mut product, a, b)?;
    super::trim(&mut product);
    Ok(product)
}

/// `a * a`
pub(crate) fn square(a: &[u64]) -> Sized<Buf> {
    mul(a, a)
}

/// Writes `a * b` to `out`, which has room for both lengths and holds zeros.
fn multiply(out: &mut [u64], a: &[u64], b: &[u64]) -> Sized<()> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    if short.len() < KARATSUBA {
        by_rows(out, long, short);
        return Ok(());
    }
    if short.len() >= TRANSFORM && ntt::fits(long.len() + short.len()) {
        return ntt::multiply(out, long, short);
    }
    if long.len() >= 2 * short.len() {
        return by_pieces(out, long, short);
    }
    by_halves(out, long, short)
}

/// The schoolbook's way.
fn by_rows(out: &mut [u64], a: &[u64], b: &[u64]) {
    for (at, &y) in b.iter().enumerate() {
        if y == 0 {
            continue;
        }
        let row = &mut out[at..];
        let mut carry = 0;
        for (to, &x) in row.iter_mut().zip(a) {
            let sum = u128::from(x) * u128::from(y) + u128::from(*to) + u128::from(carry);
            let (high, low) = split(sum);
            *to = low;
            carry = high;
        }
        // Nothing was written there yet.
        row[a.len()] = carry;
    }
}

/// A long factor in pieces of the short one's length.
fn by_pieces(out: &mut [u64], long: &[u64], short: &[u64]) -> Sized<()> {
    for (index, piece) in long.chunks(short.len()).enumerate() {
        let part = mul(piece, short)?;
        add_into(&mut out[index * short.len()..], &part);
    }
    Ok(())
}

/// Karatsuba: three products of half the length. `b` is longer than half of `a`.
fn by_halves(out: &mut [u64], a: &[u64], b: &[u64]) -> Sized<()> {
    let half = a.len().div_ceil(2);
    let (a0, a1) = a.split_at(half);
    let (b0, b1) = b.split_at(half.min(b.len()));
    if b1.is_empty() {
        return by_pieces(out, a, b);
    }
    let (low, high) = out.split_at_mut(2 * half);
    multiply(low, a0, b0)?;
    multiply(high, a1, b1)?;
    let mut middle = mul(&super::add(a0, a1)?, &super::add(b0, b1)?)?;
    sub_into(&mut middle, strip(low));
    sub_into(&mut middle, strip(high));
    super::trim(&mut middle);
    add_into(&mut out[half..], &middle);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{BASE, add, cmp, shift_left};
    use super::*;
    use std::cmp::Ordering;

    pub(crate) fn some(len: usize, mut seed: u64) -> Vec<u64> {
        (0..len)
            .map(|_| {
                seed = seed
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                if seed >> 60 == 3 {
                    BASE - 1
                } else {
                    seed % BASE
                }
            })
            .collect()
    }

    #[test]
    fn all_ways_agree() {
        for (m, n) in [
            (45, 41),
            (90, 45),
            (100, 60),
            (300, 41),
            (800, 750),
            (2000, 701),
        ] {
            let (a, b) = (some(m, 1), some(n, 2));
            let mut expected = vec![0; m + n];
            by_rows(&mut expected, &a, &b);
            let mut halves = vec![0; m + n];
            if n > m.div_ceil(2) {
                by_halves(&mut halves, &a, &b).unwrap();
                assert_eq!(halves, expected);
            }
            let mut transformed = vec![0; m + n];
            ntt::multiply(&mut transformed, &a, &b).unwrap();
            assert_eq!(transformed, expected);
            assert_eq!(cmp(&mul(&b, &a).unwrap(), &expected), Ordering::Equal);
        }
    }

    #[test]
    fn nines_squared() {
        let nines = vec![BASE - 1; 1000];
        let square = square(&nines).unwrap();
        // (B^n - 1)^2 + 2 B^n - 1 = B^2n
        let sum = add(&square, &shift_left(&[2], 19000).unwrap()).unwrap();
        let mut sum = sum;
        super::super::sub_one(&mut sum);
        assert_eq!(
            cmp(&sum, &shift_left(&[1], 38000).unwrap()),
            Ordering::Equal
        );
    }
}
