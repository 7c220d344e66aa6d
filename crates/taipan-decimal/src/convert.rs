//! To and from whole numbers in binary, floats, and the hash that all equal numbers share.

use crate::context::{Context, EXP_INF};
use crate::limbs::{self, BASE, Buf, NoMemory, Sized};
use crate::number::Decimal;
use dashu_int::UBig;

/// Words or limbs that are converted one by one; longer numbers are split.
const ONE_BY_ONE: usize = 32;

impl Decimal {
    pub fn from_i64(number: i64) -> Decimal {
        Decimal::small(number < 0, number.unsigned_abs(), 0)
    }

    /// One with an exponent, which is held to what exponents can be.
    pub fn power_of_ten(exponent: i64) -> Decimal {
        Decimal::small(false, 1, exponent.clamp(-EXP_INF, EXP_INF))
    }

    /// From a magnitude in binary words, the least significant first.
    pub fn from_words(negative: bool, words: &[u64]) -> Sized<Decimal> {
        let mut powers = Vec::new();
        let mut row = row_of_words(words, &mut powers)?;
        limbs::trim(&mut row);
        Decimal::from_row(negative, row, 0)
    }

    /// A finite float exactly: `mantissa * 2^exponent`.
    pub fn from_float(negative: bool, mantissa: u64, exponent: i32) -> Sized<Decimal> {
        if mantissa == 0 {
            return Ok(Decimal::small(negative, 0, 0));
        }
        // No zeros behind the last bit that counts.
        let even = mantissa
            .trailing_zeros()
            .min(exponent.min(0).unsigned_abs());
        let (mantissa, exponent) = (mantissa >> even, exponent + even as i32);
        let mut row = row_of_words(&[mantissa], &mut Vec::new())?;
        // A power of two below is a power of five and a point.
        let (factor, step) = if exponent < 0 {
            (5u64.pow(27), 27)
        } else {
            (1 << 62, 62)
        };
        let base = if exponent < 0 { 5u64 } else { 2 };
        let mut left = exponent.unsigned_abs();
        while left > 0 {
            let now = left.min(step);
            let by = if now == step { factor } else { base.pow(now) };
            let carry = limbs::mul_small(&mut row, by, 0);
            limbs::push(&mut row, carry)?;
            limbs::trim(&mut row);
            left -= now;
        }
        Decimal::from_row(negative, row, i64::from(exponent.min(0)))
    }

    /// The nearest float.
    pub fn to_f64(&self) -> Sized<f64> {
        let sign = if self.negative { -1.0 } else { 1.0 };
        if self.is_infinite() {
            return Ok(sign * f64::INFINITY);
        }
        if self.is_nan() {
            return Ok(f64::NAN.copysign(sign));
        }
        if let Some(limb @ 0..=0x1f_ffff_ffff_ffff) = self.coeff.one_limb()
            && let -22..=22 = self.exp
        {
            // Both are exact, so the one operation rounds right.
            let scale = 10f64.powi(self.exp.unsigned_abs() as i32);
            let value = if self.exp < 0 {
                limb as f64 / scale
            } else {
                limb as f64 * scale
            };
            return Ok(sign * value);
        }
        let mut text = self.digit_text()?;
        text.extend_from_slice(format!("e{}", self.exp).as_bytes());
        let value = str::from_utf8(&text)
            .ok()
            .and_then(|text| text.parse::<f64>().ok());
        Ok(sign * value.unwrap_or(f64::NAN))
    }

    /// A whole number of at most one limb as a machine's.
    #[inline]
    pub fn as_i64(&self) -> Option<i64> {
        let limb = self.coeff.one_limb()?;
        if limb == 0 {
            return Some(0);
        }
        let factor = *limbs::POW10.get(usize::try_from(self.exp).ok()?)?;
        let magnitude = i64::try_from(limb.checked_mul(factor)?).ok()?;
        Some(if self.negative { -magnitude } else { magnitude })
    }

    /// The magnitude of a finite number without its fraction.
    pub fn trunc_magnitude(&self) -> Sized<UBig> {
        let row = if self.exp >= 0 {
            limbs::shift_left(self.coeff.limbs(), self.exp as usize)?
        } else {
            let mut row = self.coeff.row()?;
            limbs::shift_right(&mut row, self.exp.unsigned_abs() as usize);
            row
        };
        Ok(big_of_row(&row))
    }

    /// Numerator (without sign) and denominator of a finite number, in lowest terms.
    pub fn ratio(&self) -> Sized<(UBig, UBig)> {
        if self.coeff.is_zero() {
            return Ok((UBig::ZERO, UBig::ONE));
        }
        if self.exp >= 0 {
            return Ok((self.trunc_magnitude()?, UBig::ONE));
        }
        let mut row = self.coeff.row()?;
        let zeros = (limbs::trailing_zeros(&row) as i64).min(-self.exp);
        limbs::shift_right(&mut row, zeros as usize);
        let places = usize::try_from(-self.exp - zeros).map_err(|_| NoMemory)?;
        let denominator = big_of_row(&limbs::shift_left(&[1], places)?);
        let numerator = big_of_row(&row);
        // What both can share are factors two and five.
        let common = dashu_int::ops::Gcd::gcd(&numerator, &denominator);
        Ok((numerator / &common, denominator / common))
    }

    /// The hash of a finite number, as of any equal number.
    pub fn hash(&self) -> i64 {
        const PRIME: u64 = (1 << 61) - 1;
        /// Ten times this is one.
        const TENTH: u64 = 2_075_258_708_292_324_556;
        let times = |a: u64, b: u64| {
            let product = u128::from(a) * u128::from(b);
            let sum = (product as u64 & PRIME) + (product >> 61) as u64;
            if sum >= PRIME { sum - PRIME } else { sum }
        };
        let mut base = if self.exp >= 0 { 10 } else { TENTH };
        let mut exponent = self.exp.unsigned_abs();
        let mut scale = 1;
        while exponent > 0 {
            if exponent & 1 == 1 {
                scale = times(scale, base);
            }
            exponent >>= 1;
            if exponent > 0 {
                base = times(base, base);
            }
        }
        let digits = self.coeff.limbs().iter().rev().fold(0, |sum, &limb| {
            (times(sum, BASE % PRIME) + limb % PRIME) % PRIME
        });
        let hash = times(digits, scale) as i64;
        let hash = if self.negative { -hash } else { hash };
        if hash == -1 { -2 } else { hash }
    }
}

impl Context {
    /// A whole number, rounded to the context.
    pub fn from_words(&self, negative: bool, words: &[u64], st: &mut u32) -> Sized<Decimal> {
        self.finalize(Decimal::from_words(negative, words)?, st)
    }

    /// A number that is made as an exact one: one too large is an invalid operation.
    pub fn exact_number(number: Decimal, st: &mut u32) -> Sized<Decimal> {
        let mut own = 0;
        let number = Context::MAX.finalize(number, &mut own)?;
        Context::MAX.exact(number, own, st)
    }
}

/// `row * 2^64 + word` in place.
fn push_word(row: &mut Buf, word: u64) -> Sized<()> {
    let mut carry = word;
    for limb in row.iter_mut() {
        let (high, low) = limbs::split(u128::from(*limb) << 64 | u128::from(carry));
        *limb = low;
        carry = high;
    }
    if carry > 0 {
        limbs::push(row, carry % BASE)?;
        if carry >= BASE {
            limbs::push(row, carry / BASE)?;
        }
    }
    Ok(())
}

/// Decimal limbs of binary words. `powers` holds `2^(64 * ONE_BY_ONE * 2^i)`.
fn row_of_words(words: &[u64], powers: &mut Vec<Buf>) -> Sized<Buf> {
    if words.len() <= ONE_BY_ONE {
        let mut row = Buf::new();
        for &word in words.iter().rev() {
            push_word(&mut row, word)?;
        }
        return Ok(row);
    }
    let level = ((words.len() - 1) / ONE_BY_ONE).ilog2() as usize;
    while powers.len() <= level {
        let next = match powers.last() {
            Some(last) => limbs::square(last)?,
            None => {
                let mut first = Buf::from_slice(&[1]);
                for _ in 0..ONE_BY_ONE {
                    push_word(&mut first, 0)?;
                }
                first
            }
        };
        powers.push(next);
    }
    let (low, high) = words.split_at(ONE_BY_ONE << level);
    let high = row_of_words(high, powers)?;
    let low = row_of_words(low, powers)?;
    let mut row = limbs::add(&limbs::mul(&high, &powers[level])?, &low)?;
    limbs::trim(&mut row);
    Ok(row)
}

/// A number in binary from its decimal limbs.
fn big_of_row(row: &[u64]) -> UBig {
    fn join(row: &[u64], powers: &mut Vec<UBig>) -> UBig {
        if row.len() <= ONE_BY_ONE {
            return row.iter().rev().fold(UBig::ZERO, |sum, &limb| {
                sum * UBig::from(BASE) + UBig::from(limb)
            });
        }
        let level = ((row.len() - 1) / ONE_BY_ONE).ilog2() as usize;
        while powers.len() <= level {
            powers.push(match powers.last() {
                Some(last) => last * last,
                None => UBig::from(BASE).pow(ONE_BY_ONE),
            });
        }
        let (low, high) = row.split_at(ONE_BY_ONE << level);
        let high = join(high, powers);
        let low = join(low, powers);
        high * &powers[level] + low
    }
    join(limbs::strip(row), &mut Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(number: &Decimal) -> String {
        String::from_utf8(number.to_text(true).unwrap()).unwrap()
    }

    #[test]
    fn both_ways() {
        for bits in [0, 1, 63, 64, 65, 127, 128, 1000, 5000, 100_000] {
            let big = (UBig::ONE << bits) * UBig::from(3u8) - UBig::ONE;
            let words: Vec<u64> = big.as_words().to_vec();
            let number = Decimal::from_words(false, &words).unwrap();
            assert_eq!(text(&number), big.to_string());
            assert_eq!(number.trunc_magnitude().unwrap(), big);
        }
    }

    #[test]
    fn floats() {
        let tenth = Decimal::from_float(false, 0x1999999999999a, -56).unwrap();
        assert_eq!(
            text(&tenth),
            "0.1000000000000000055511151231257827021181583404541015625"
        );
        assert_eq!(tenth.to_f64().unwrap(), 0.1);
        let least = Decimal::from_float(true, 1, -1074).unwrap();
        assert_eq!(least.digits(), 751);
        assert_eq!(least.to_f64().unwrap(), -5e-324);
        assert_eq!(
            text(&Decimal::from_float(false, 1, 64).unwrap()),
            "18446744073709551616"
        );
    }

    #[test]
    fn hashes() {
        let hash = |text: &str| {
            Context::parse_exact(text.as_bytes(), &mut 0)
                .unwrap()
                .hash()
        };
        assert_eq!(hash("5"), 5);
        assert_eq!(hash("-1"), -2);
        assert_eq!(hash("0.5"), 1152921504606846976);
        assert_eq!(hash("2305843009213693951"), 0);
        assert_eq!(hash("123.4500"), hash("123.45"));
        assert_eq!(hash("1e30"), hash("1000000000000000000000000000000"));
    }
}
