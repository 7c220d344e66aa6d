//! Square roots by halves (Zimmermann's "Karatsuba square root").

use super::{
    BASE, Buf, POW10, Sized, WIDTH, add, add_into, as_u128, copy, digits, divmod, divmod_small,
    from_u128, is_zero, mul_small, push, shift_left, square, strip, sub_into, sub_one, trim,
};

/// The whole part of the square root, and whether it is exact.
pub(crate) fn sqrt_rem(number: &[u64]) -> Sized<(Buf, bool)> {
    let number = strip(number);
    if let Some(small) = as_u128(number) {
        let root = small.isqrt();
        return Ok((from_u128(root), root * root == small));
    }
    // The algorithm wants an even number of limbs, of which the top one is at least a quarter of the base.
    let shift = match digits(number) % (2 * WIDTH) {
        0 => 0,
        19 => 2,
        1..19 => 20,
        _ => 0,
    };
    let mut scaled = shift_left(number, shift)?;
    let mut root_factor = 1u64;
    if let Some(&top) = scaled.last() {
        while (u128::from(top) + 1) * u128::from(root_factor) * u128::from(root_factor) * 4
            <= u128::from(BASE)
        {
            root_factor *= 2;
        }
    }
    mul_small(&mut scaled, root_factor * root_factor, 0);
    let (mut root, rest) = root_of_scaled(&scaled)?;
    let mut exact = is_zero(&rest);
    exact &= divmod_small(&mut root, root_factor) == 0;
    exact &= divmod_small(&mut root, POW10[shift / 2]) == 0;
    trim(&mut root);
    Ok((root, exact))
}

/// Root and rest of a number of an even number of limbs with a large top limb.
fn root_of_scaled(number: &[u64]) -> Sized<(Buf, Buf)> {
    if let Some(small) = as_u128(number) {
        let root = small.isqrt();
        return Ok((from_u128(root), from_u128(small - root * root)));
    }
    let half = number.len() / 4;
    let (low, high) = number.split_at(2 * half);
    let (root, rest) = root_of_scaled(high)?;
    // rest * b + a1, by twice the root.
    let mut dividend = copy(&low[half..])?;
    for &limb in rest.iter() {
        push(&mut dividend, limb)?;
    }
    let twice = add(&root, &root)?;
    let (quotient, rest) = divmod(&dividend, &twice)?;
    let mut whole = Buf::new();
    whole
        .try_reserve(root.len() + half + 1)
        .map_err(|_| super::NoMemory)?;
    whole.resize(half, 0);
    whole.extend_from_slice(&root);
    whole.push(0);
    add_into(&mut whole, &quotient);
    trim(&mut whole);
    let mut rest_row = copy(&low[..half])?;
    for &limb in rest.iter() {
        push(&mut rest_row, limb)?;
    }
    // The rest minus the quotient's square, which may go below zero once.
    let taken = square(&quotient)?;
    let len = rest_row.len().max(taken.len()).max(whole.len() + 1);
    rest_row
        .try_reserve(len - rest_row.len())
        .map_err(|_| super::NoMemory)?;
    rest_row.resize(len, 0);
    if sub_into(&mut rest_row, &taken) {
        add_into(&mut rest_row, &whole);
        sub_one(&mut whole);
        add_into(&mut rest_row, &whole);
        trim(&mut whole);
    }
    trim(&mut rest_row);
    Ok((whole, rest_row))
}

#[cfg(test)]
mod tests {
    use super::super::{add_one, cmp, mul};
    use super::*;
    use std::cmp::Ordering;

    #[test]
    fn squares_have_their_roots() {
        let mut seed = 7u64;
        for len in [1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 31, 64, 100, 257] {
            for turn in 0..20 {
                let mut row = Buf::new();
                for _ in 0..len {
                    seed = seed
                        .wrapping_mul(6364136223846793005)
                        .wrapping_add(1442695040888963407);
                    row.push(if turn == 0 {
                        BASE - 1
                    } else {
                        (seed ^ (seed >> 29)) % BASE
                    });
                }
                row[len - 1] = match turn {
                    0 => BASE - 1,
                    1 => 1,
                    _ => row[len - 1] % POW10[turn.min(19)] + 1,
                };
                let mut number = mul(&row, &row).unwrap();
                let (root, exact) = sqrt_rem(&number).unwrap();
                assert!(exact);
                assert_eq!(cmp(&root, &row), Ordering::Equal, "{len} {turn}");
                sub_one(&mut number);
                let (mut root, exact) = sqrt_rem(&number).unwrap();
                assert!(!exact || is_zero(&number));
                root.push(0);
                add_one(&mut root);
                assert_eq!(cmp(&root, &row), Ordering::Equal);
            }
        }
    }
}
