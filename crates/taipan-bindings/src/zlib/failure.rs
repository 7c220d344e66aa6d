//! What can go wrong in the library, kept until it can be raised.

use super::ERROR;
use super::stream::Code;
use crate::output::NoMemory;
use taipan_core::{Raised, Vm};

/// A failure that is not raised yet.
pub enum Failure {
    NoMemory,
    /// A code of the library with its message, if it has one.
    Library(Code, Option<String>),
    /// The library refused a dictionary.
    Dictionary(Code),
}

impl From<NoMemory> for Failure {
    fn from(_: NoMemory) -> Failure {
        Failure::NoMemory
    }
}

impl Failure {
    /// Raises `zlib.error`, or what else it is. `doing` completes "Error -3 ...".
    #[cold]
    pub fn raise(self, vm: &mut Vm, doing: &str) -> Raised {
        let (code, message, doing) = match self {
            Failure::NoMemory => return vm.memory_error(),
            Failure::Library(Code::MEM_ERROR, _) => return vm.memory_error(),
            Failure::Library(code, message) => (code, message, doing),
            Failure::Dictionary(code) => (code, None, "while setting zdict"),
        };
        let message = message.or_else(|| {
            let known = match code {
                Code::BUF_ERROR => "incomplete or truncated stream",
                Code::STREAM_ERROR => "inconsistent stream state",
                Code::DATA_ERROR => "invalid input data",
                _ => return None,
            };
            Some(known.to_string())
        });
        let text = match message {
            Some(message) => format!("Error {} {doing}: {message}", code.0),
            None => format!("Error {} {doing}", code.0),
        };
        vm.raise(&ERROR, text)
    }
}
