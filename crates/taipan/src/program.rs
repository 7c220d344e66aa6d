//! What to run.

/// A program, as the command line names it.
#[derive(Clone, Debug)]
pub enum Program {
    /// `-c text`
    Command(String),
    /// `-m name`
    Module(String),
    /// A file, or a folder or archive with `__main__`.
    File(String),
    /// Text from standard input that is no terminal.
    Stdin,
    /// The prompt.
    Interactive,
}
