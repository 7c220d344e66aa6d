//! What to run.

use std::ffi::OsString;

/// A program, as the command line names it.
#[derive(Clone, Debug)]
pub enum Program {
    /// `-c text`
    Command(OsString),
    /// `-m name`
    Module(OsString),
    /// A file, or a folder or archive with `__main__`.
    File(OsString),
    /// Standard input: the prompt if it is a terminal.
    Stdin,
}
