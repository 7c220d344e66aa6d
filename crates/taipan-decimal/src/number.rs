//! A decimal number: sign, coefficient, exponent; or an infinity; or a NaN with digits to say where it comes from.

use crate::limbs::{self, Buf, NoMemory, Sized};

/// Digits as limbs: two are kept in place. Always normal: on top of more than two limbs there is no zero.
#[derive(Clone)]
pub(crate) enum Coeff {
    Small([u64; 2]),
    Large(Vec<u64>),
}

impl Coeff {
    pub const ZERO: Coeff = Coeff::Small([0, 0]);

    /// The limbs; at least one.
    #[inline(always)]
    pub fn limbs(&self) -> &[u64] {
        match self {
            Coeff::Small(row) => &row[..1 + usize::from(row[1] != 0)],
            Coeff::Large(row) => row,
        }
    }

    /// From a row without zeros on top.
    #[inline]
    pub fn from_row(row: Buf) -> Sized<Coeff> {
        Ok(match row[..] {
            [] => Coeff::ZERO,
            [low] => Coeff::Small([low, 0]),
            [low, high] => Coeff::Small([low, high]),
            _ => Coeff::Large(Coeff::large(row)?),
        })
    }

    fn large(row: Buf) -> Sized<Vec<u64>> {
        if row.spilled() && row.len() >= row.capacity() / 2 {
            return Ok(row.into_vec());
        }
        let mut made = Vec::new();
        made.try_reserve_exact(row.len()).map_err(|_| NoMemory)?;
        made.extend_from_slice(&row);
        Ok(made)
    }

    #[inline(always)]
    pub fn is_zero(&self) -> bool {
        matches!(self, Coeff::Small([0, 0]))
    }

    pub fn copy(&self) -> Sized<Coeff> {
        match self {
            Coeff::Small(row) => Ok(Coeff::Small(*row)),
            Coeff::Large(row) => {
                let mut made = Vec::new();
                made.try_reserve_exact(row.len()).map_err(|_| NoMemory)?;
                made.extend_from_slice(row);
                Ok(Coeff::Large(made))
            }
        }
    }

    /// A row to work on, without zeros on top.
    pub fn row(&self) -> Sized<Buf> {
        limbs::copy(limbs::strip(self.limbs()))
    }

    /// The number, if it is below the base.
    #[inline(always)]
    pub fn one_limb(&self) -> Option<u64> {
        match self {
            Coeff::Small([low, 0]) => Some(*low),
            _ => None,
        }
    }
}

/// What sort of number it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Finite,
    Infinity,
    /// A quiet NaN.
    Nan,
    /// A signalling NaN.
    SignalingNan,
}

/// A decimal number.
pub struct Decimal {
    pub(crate) coeff: Coeff,
    pub(crate) exp: i64,
    pub(crate) kind: Kind,
    pub(crate) negative: bool,
}

impl Decimal {
    pub const ZERO: Decimal = Decimal::small(false, 0, 0);
    pub const ONE: Decimal = Decimal::small(false, 1, 0);
    /// A quiet NaN without digits.
    pub const NAN: Decimal = Decimal {
        coeff: Coeff::ZERO,
        exp: 0,
        kind: Kind::Nan,
        negative: false,
    };

    /// `limb * 10^exp`, for a limb below 10^19.
    pub(crate) const fn small(negative: bool, limb: u64, exp: i64) -> Decimal {
        Decimal {
            coeff: Coeff::Small([limb, 0]),
            exp,
            kind: Kind::Finite,
            negative,
        }
    }

    pub const fn infinity(negative: bool) -> Decimal {
        Decimal {
            coeff: Coeff::ZERO,
            exp: 0,
            kind: Kind::Infinity,
            negative,
        }
    }

    pub(crate) fn from_row(negative: bool, row: Buf, exp: i64) -> Sized<Decimal> {
        Ok(Decimal {
            coeff: Coeff::from_row(row)?,
            exp,
            kind: Kind::Finite,
            negative,
        })
    }

    /// The number itself once more.
    pub fn copy(&self) -> Sized<Decimal> {
        Ok(Decimal {
            coeff: self.coeff.copy()?,
            ..*self
        })
    }

    /// The same number with another sign.
    pub fn copy_signed(&self, negative: bool) -> Sized<Decimal> {
        let mut made = self.copy()?;
        made.negative = negative;
        Ok(made)
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }
    pub fn is_negative(&self) -> bool {
        self.negative
    }
    #[inline(always)]
    pub fn is_finite(&self) -> bool {
        self.kind == Kind::Finite
    }
    #[inline(always)]
    pub fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinity
    }
    #[inline(always)]
    pub fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::Nan | Kind::SignalingNan)
    }
    pub fn is_quiet_nan(&self) -> bool {
        self.kind == Kind::Nan
    }
    pub fn is_signaling_nan(&self) -> bool {
        self.kind == Kind::SignalingNan
    }
    #[inline(always)]
    pub fn is_zero(&self) -> bool {
        self.kind == Kind::Finite && self.coeff.is_zero()
    }

    /// The exponent of the last digit; 0 for what has none.
    pub fn exponent(&self) -> i64 {
        self.exp
    }

    /// Number of digits of the coefficient (1 for zero) or of a NaN's payload (0 for none).
    pub fn digits(&self) -> usize {
        if !self.is_finite() && self.coeff.is_zero() {
            return 0;
        }
        limbs::digits(self.coeff.limbs())
    }

    #[inline(always)]
    pub(crate) fn digits_i64(&self) -> i64 {
        limbs::digits(self.coeff.limbs()) as i64
    }

    /// The exponent of the first digit.
    #[inline(always)]
    pub fn adjusted(&self) -> i64 {
        self.exp + self.digits_i64() - 1
    }

    /// Has the number no fraction?
    pub fn is_integer(&self) -> bool {
        self.is_finite()
            && (self.exp >= 0
                || self.coeff.is_zero()
                || limbs::trailing_zeros(self.coeff.limbs()) as i64 >= -self.exp)
    }

    /// Is it a whole number that two does not divide?
    pub(crate) fn is_odd(&self) -> bool {
        self.is_integer()
            && self.exp <= 0
            && limbs::digit_at(self.coeff.limbs(), -self.exp as usize) % 2 == 1
    }

    /// Bytes of memory outside of the value itself.
    pub fn outside_size(&self) -> usize {
        match &self.coeff {
            Coeff::Small(_) => 0,
            Coeff::Large(row) => row.len() * 8,
        }
    }

    /// The coefficient in base 10^19, the least significant limb first.
    pub fn coefficient(&self) -> &[u64] {
        self.coeff.limbs()
    }
}
