//! Division: by a limb, by the row (Knuth's algorithm D), and by halves (Burnikel and Ziegler) for long divisors.

use super::{
    BASE, Buf, Reciprocal, Sized, add_into, cmp, copy, mul, mul_small, strip, sub_into, sub_one,
    trim, zeros,
};
use std::cmp::Ordering;

/// From this length of the divisor on, halves pay off.
const HALVES: usize = 60;

/// Divides a row by a limb in place; gives the remainder.
pub(crate) fn divmod_small(row: &mut [u64], divisor: u64) -> u64 {
    let shift = divisor.leading_zeros();
    let by = Reciprocal::of(divisor << shift);
    let mut rest = 0;
    for limb in row.iter_mut().rev() {
        let number = u128::from(rest) * u128::from(BASE) + u128::from(*limb);
        let (quotient, shifted) = by.divide(number << shift);
        *limb = quotient;
        rest = shifted >> shift;
    }
    rest
}

/// Quotient and remainder, both without zeros on top. The divisor is not zero.
pub(crate) fn divmod(a: &[u64], b: &[u64]) -> Sized<(Buf, Buf)> {
    let (a, b) = (strip(a), strip(b));
    if cmp(a, b).is_lt() {
        return Ok((Buf::new(), copy(a)?));
    }
    if let [divisor] = *b {
        let mut quotient = copy(a)?;
        let rest = divmod_small(&mut quotient, divisor);
        trim(&mut quotient);
        return Ok((quotient, super::from_u128(u128::from(rest))));
    }
    // Both are scaled so that the divisor's top limb is at least half of the base.
    let scale = BASE / (b[b.len() - 1] + 1);
    let mut divisor = copy(b)?;
    mul_small(&mut divisor, scale, 0);
    let mut dividend = zeros(a.len() + 1)?;
    dividend[..a.len()].copy_from_slice(a);
    dividend[a.len()] = mul_small(&mut dividend[..a.len()], scale, 0);
    let mut quotient = divide_scaled(&mut dividend, &divisor)?;
    trim(&mut quotient);
    dividend.truncate(divisor.len());
    divmod_small(&mut dividend, scale);
    trim(&mut dividend);
    Ok((quotient, dividend))
}

/// Divides by a scaled divisor; the remainder stays in the dividend, whose top part is below the divisor.
fn divide_scaled(dividend: &mut [u64], divisor: &[u64]) -> Sized<Buf> {
    let n = divisor.len();
    let steps = dividend.len() - n;
    let mut quotient = zeros(steps)?;
    if n < HALVES || steps < HALVES {
        by_rows(dividend, divisor, &mut quotient);
        return Ok(quotient);
    }
    // The top part first, which need not be a whole block.
    let mut end = steps;
    let mut from = (steps - 1) / n * n;
    loop {
        divide_block(
            &mut dividend[from..end + n],
            divisor,
            &mut quotient[from..end],
        )?;
        if from == 0 {
            return Ok(quotient);
        }
        end = from;
        from -= n;
    }
}

/// A quotient of at most the divisor's length, by halves.
fn divide_block(dividend: &mut [u64], divisor: &[u64], quotient: &mut [u64]) -> Sized<()> {
    let n = divisor.len();
    let m = quotient.len();
    if m < HALVES {
        by_rows(dividend, divisor, quotient);
        return Ok(());
    }
    if m < n {
        // Only the divisor's top decides; the rest corrects.
        return divide_by_top(dividend, divisor, quotient);
    }
    let half = m / 2;
    let (low, high) = quotient.split_at_mut(half);
    divide_by_top(&mut dividend[half..], divisor, high)?;
    divide_by_top(&mut dividend[..n + half], divisor, low)
}

/// A quotient shorter than the divisor: divides by the divisor's top part of the quotient's length, and takes the product with the
/// rest off.
fn divide_by_top(dividend: &mut [u64], divisor: &[u64], quotient: &mut [u64]) -> Sized<()> {
    let n = divisor.len();
    let m = quotient.len();
    if m < HALVES || m >= n {
        return if m < HALVES {
            by_rows(dividend, divisor, quotient);
            Ok(())
        } else {
            divide_block(dividend, divisor, quotient)
        };
    }
    let cut = n - m;
    let top = &divisor[cut..];
    let high = &mut dividend[cut..];
    // The dividend's top may equal the divisor's: then the quotient is all nines, and nothing else is known of the rest.
    if cmp(&high[m..], top) == Ordering::Less {
        divide_block(high, top, quotient)?;
    } else {
        quotient.fill(BASE - 1);
        // high - top * (B^m - 1)
        sub_into(&mut high[m..], top);
        add_into(high, top);
    }
    let product = mul(quotient, &divisor[..cut])?;
    let mut borrow = sub_into(dividend, &product);
    while borrow {
        sub_one(quotient);
        borrow = !add_into(dividend, divisor);
    }
    Ok(())
}

/// Knuth's algorithm D. The dividend's top part is below the divisor, whose top limb is at least half of the base.
fn by_rows(dividend: &mut [u64], divisor: &[u64], quotient: &mut [u64]) {
    let n = divisor.len();
    let (first, second) = (divisor[n - 1], divisor[n - 2]);
    let by = Reciprocal::of(first << first.leading_zeros());
    let shift = first.leading_zeros();
    for (at, out) in quotient.iter_mut().enumerate().rev() {
        let part = &mut dividend[at..at + n + 1];
        let number = u128::from(part[n]) * u128::from(BASE) + u128::from(part[n - 1]);
        let (mut guess, mut rest) = if part[n] >= first {
            (BASE - 1, number - u128::from(BASE - 1) * u128::from(first))
        } else {
            let (guess, rest) = by.divide(number << shift);
            (guess, u128::from(rest >> shift))
        };
        while rest < u128::from(BASE)
            && u128::from(guess) * u128::from(second)
                > rest * u128::from(BASE) + u128::from(part[n - 2])
        {
            guess -= 1;
            rest += u128::from(first);
        }
        if sub_product(part, divisor, guess) {
            guess -= 1;
            add_into(part, divisor);
        }
        *out = guess;
    }
}

/// `part -= divisor * factor`; gives the borrow.
fn sub_product(part: &mut [u64], divisor: &[u64], factor: u64) -> bool {
    let mut carry = 0;
    let mut borrow = false;
    let (low, top) = part.split_at_mut(divisor.len());
    for (x, &y) in low.iter_mut().zip(divisor) {
        let (high, product) = super::split(u128::from(y) * u128::from(factor) + u128::from(carry));
        carry = high;
        let product = product + u64::from(borrow);
        borrow = *x < product;
        *x = if borrow {
            *x + (BASE - product)
        } else {
            *x - product
        };
    }
    let carry = carry + u64::from(borrow);
    match top {
        [x, ..] => {
            let borrow = *x < carry;
            *x = if borrow {
                x.wrapping_add(BASE).wrapping_sub(carry)
            } else {
                *x - carry
            };
            borrow
        }
        [] => carry > 0,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{add, is_zero};
    use super::*;

    fn some(len: usize, mut seed: u64) -> Vec<u64> {
        (0..len)
            .map(|_| {
                seed = seed
                    .wrapping_mul(6364136223846793005)
                    .wrapping_add(1442695040888963407);
                match seed >> 61 {
                    3 => BASE - 1,
                    4 => 0,
                    _ => seed % BASE,
                }
            })
            .collect()
    }

    #[test]
    fn quotient_times_divisor_and_rest() {
        for (m, n) in [
            (1, 1),
            (2, 1),
            (5, 2),
            (7, 3),
            (9, 9),
            (130, 61),
            (200, 100),
            (300, 70),
            (260, 130),
            (1000, 333),
            (700, 650),
            (513, 256),
            (700, 10),
        ] {
            for seed in 0..6 {
                let (mut a, mut b) = (some(m, seed), some(n, seed + 100));
                b[n - 1] = match seed {
                    0 => 1,
                    1 => BASE - 1,
                    _ => b[n - 1].max(1),
                };
                if seed == 2 {
                    // The quotient's limbs are as large as can be.
                    a = vec![BASE - 1; m];
                    b[..n].fill(BASE - 1);
                }
                if seed == 3 && m > n {
                    a[m - n..].copy_from_slice(&b);
                }
                let (q, r) = divmod(&a, &b).unwrap();
                assert!(cmp(&r, &b).is_lt());
                let back = add(&mul(&q, &b).unwrap(), &r).unwrap();
                assert_eq!(cmp(&back, &a), Ordering::Equal, "{m} by {n}, {seed}");
            }
        }
        assert!(is_zero(&divmod(&[5], &[7]).unwrap().0));
    }
}
