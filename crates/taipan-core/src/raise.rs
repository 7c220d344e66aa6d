//! Raising: the error side of every fallible operation is the zero-sized [`Raised`]; the exception itself waits in the thread.

use crate::value::Value;

/// "An exception is pending in the thread." Made only by the raising methods of [`crate::Vm`].
#[must_use]
#[derive(Debug)]
pub struct Raised(());

impl Raised {
    pub(crate) fn new() -> Raised {
        Raised(())
    }
}

/// The result of anything that can raise.
pub type Py<T = Value> = Result<T, Raised>;

const _: () = assert!(size_of::<Py<Value>>() == 8);
const _: () = assert!(size_of::<Py<()>>() == 1);
