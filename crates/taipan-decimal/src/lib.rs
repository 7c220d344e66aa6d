//! Decimal numbers after the General Decimal Arithmetic specification: the arithmetic behind Python's `decimal`.
//!
//! A [`Context`] has the operations; each takes numbers and a set of [`status`] bits, to which it adds the conditions that it met, and
//! gives a new number. Traps are the caller's affair. Coefficients are rows of limbs in base 10^19 (`limbs`), so rounding and shifting by
//! digits never convert. `docs/internals/decimal.md` says more.
//!
//! Architecture invariant: this crate knows no Python object and holds no state but a constant it has computed once. Everything that
//! can be large is asked for first: [`NoMemory`].

#![forbid(unsafe_code)]

mod adjust;
mod arithmetic;
mod compare;
mod context;
mod convert;
mod divide;
mod finish;
mod fixed;
mod format;
mod functions;
mod limbs;
mod number;
mod power;
mod text;

pub use context::{Context, MAX_EMAX, MAX_PREC, MIN_EMIN, MIN_ETINY, Rounding, status};
pub use format::{FormatSpec, Separators};
pub use limbs::{NoMemory, Sized};
pub use number::{Decimal, Kind};
