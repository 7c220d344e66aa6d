//! What an operation is told: precision, exponent range, rounding; and what it tells: a set of conditions.

/// Largest precision of a context.
pub const MAX_PREC: i64 = 999_999_999_999_999_999;
/// Largest exponent of a normal number.
pub const MAX_EMAX: i64 = 999_999_999_999_999_999;
/// Least exponent of a normal number.
pub const MIN_EMIN: i64 = -999_999_999_999_999_999;
/// Least exponent of any number.
pub const MIN_ETINY: i64 = MIN_EMIN - (MAX_PREC - 1);
/// An exponent beyond all others.
pub(crate) const EXP_INF: i64 = 2_000_000_000_000_000_001;

/// The conditions that operations report, as bits. What they report is or-ed to what is there.
pub mod status {
    pub const CLAMPED: u32 = 1;
    pub const CONVERSION_SYNTAX: u32 = 2;
    pub const DIVISION_BY_ZERO: u32 = 4;
    pub const DIVISION_IMPOSSIBLE: u32 = 8;
    pub const DIVISION_UNDEFINED: u32 = 0x10;
    pub const INEXACT: u32 = 0x40;
    pub const INVALID_CONTEXT: u32 = 0x80;
    pub const INVALID_OPERATION: u32 = 0x100;
    /// Not of the specification: a float was mixed in.
    pub const FLOAT_OPERATION: u32 = 0x400;
    pub const OVERFLOW: u32 = 0x800;
    pub const ROUNDED: u32 = 0x1000;
    pub const SUBNORMAL: u32 = 0x2000;
    pub const UNDERFLOW: u32 = 0x4000;
    /// The conditions that are the signal "invalid operation".
    pub const INVALID: u32 = CONVERSION_SYNTAX
        | DIVISION_IMPOSSIBLE
        | DIVISION_UNDEFINED
        | INVALID_CONTEXT
        | INVALID_OPERATION;
    /// The conditions under which there is no result.
    pub const ERRORS: u32 = INVALID | DIVISION_BY_ZERO;
}

/// What becomes of digits that do not fit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Rounding {
    Up,
    Down,
    Ceiling,
    Floor,
    HalfUp,
    HalfDown,
    HalfEven,
    /// Up if the last digit kept is 0 or 5, else down.
    ZeroFiveUp,
}

impl Rounding {
    pub const ALL: [Rounding; 8] = [
        Rounding::Up,
        Rounding::Down,
        Rounding::Ceiling,
        Rounding::Floor,
        Rounding::HalfUp,
        Rounding::HalfDown,
        Rounding::HalfEven,
        Rounding::ZeroFiveUp,
    ];
}

/// The setting of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context {
    pub prec: i64,
    pub emax: i64,
    pub emin: i64,
    pub rounding: Rounding,
    /// `E` rather than `e` in text.
    pub capitals: bool,
    /// Exponents are held down to [`Context::etop`] by zeros behind the coefficient.
    pub clamp: bool,
}

impl Context {
    /// The widest context: exact operations in it are exact.
    pub const MAX: Context = Context {
        prec: MAX_PREC,
        emax: MAX_EMAX,
        emin: MIN_EMIN,
        rounding: Rounding::HalfEven,
        capitals: true,
        clamp: false,
    };

    /// Least exponent of a subnormal number.
    #[inline]
    pub fn etiny(&self) -> i64 {
        self.emin - (self.prec - 1)
    }

    /// Exponent of the largest numbers with all digits in use.
    #[inline]
    pub fn etop(&self) -> i64 {
        self.emax - (self.prec - 1)
    }

    /// The same context with another rounding.
    pub fn rounding(mut self, rounding: Rounding) -> Context {
        self.rounding = rounding;
        self
    }

    /// The same context with another precision.
    pub(crate) fn precision(mut self, prec: i64) -> Context {
        self.prec = prec;
        self
    }
}
