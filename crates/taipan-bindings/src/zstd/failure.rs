//! What can go wrong in the library.

use super::ERROR;
use crate::output::NoMemory;
use std::ffi::CStr;
use taipan_core::{Raised, Vm};
use zstd_safe::zstd_sys as lib;

/// A failure that is not raised yet.
#[derive(Debug)]
pub enum Failure {
    NoMemory,
    /// What the library says.
    Library(String),
}

impl From<NoMemory> for Failure {
    fn from(_: NoMemory) -> Failure {
        Failure::NoMemory
    }
}

impl Failure {
    /// Raises `ZstdError`, or what else it is. `doing` stands in front of the library's words.
    #[cold]
    pub fn raise(self, vm: &mut Vm, doing: &str) -> Raised {
        match self {
            Failure::NoMemory => vm.memory_error(),
            Failure::Library(message) => vm.raise(&ERROR, format!("{doing}: {message}")),
        }
    }
}

/// A result of the library: a number, or an error among them.
pub fn check(result: usize) -> Result<usize, Failure> {
    // SAFETY: any number will do.
    if unsafe { lib::ZSTD_isError(result) } == 0 {
        return Ok(result);
    }
    // SAFETY: the library gives a string that lives for ever.
    let message = unsafe { CStr::from_ptr(lib::ZSTD_getErrorName(result)) };
    Err(Failure::Library(message.to_string_lossy().into_owned()))
}
