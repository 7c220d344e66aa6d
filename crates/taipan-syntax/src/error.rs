//! Errors and warnings about source text, in the shape of Python's `SyntaxError` attributes.

use std::fmt;

/// Which exception a refusal becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// `SyntaxError`.
    Syntax,
    /// `IndentationError`.
    Indentation,
    /// `TabError`.
    Tab,
    /// `_IncompleteInputError`: more lines could make the source valid.
    IncompleteInput,
    /// `MemoryError`: nested too deeply to parse.
    TooComplex,
    /// `RecursionError`: nested too deeply to compile.
    Recursion,
}

impl ErrorKind {
    /// The name of the Python exception class.
    pub fn class_name(self) -> &'static str {
        match self {
            ErrorKind::Syntax => "SyntaxError",
            ErrorKind::Indentation => "IndentationError",
            ErrorKind::Tab => "TabError",
            ErrorKind::IncompleteInput => "_IncompleteInputError",
            ErrorKind::TooComplex => "MemoryError",
            ErrorKind::Recursion => "RecursionError",
        }
    }
}

/// Why a source was refused.
///
/// Columns count characters from one, as the attributes of Python's exception do. They are signed:
/// CPython reports 0 and -1 where it has no column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// The exception class.
    pub kind: ErrorKind,
    /// `msg`.
    pub message: String,
    /// `lineno`, from one; 0 for an empty source.
    pub lineno: u32,
    /// `offset`.
    pub col_offset: i32,
    /// `end_lineno`.
    pub end_lineno: u32,
    /// `end_offset`.
    pub end_offset: i32,
    /// The offending line, as `text` shows it.
    pub text: Option<String>,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} (line {}, column {})",
            self.kind.class_name(),
            self.message,
            self.lineno,
            self.col_offset
        )
    }
}

impl std::error::Error for SyntaxError {}

impl SyntaxError {
    /// An error with no position, as `MemoryError` and `RecursionError` are raised.
    pub fn bare(kind: ErrorKind, message: &str) -> Self {
        SyntaxError {
            kind,
            message: message.to_owned(),
            lineno: 0,
            col_offset: 0,
            end_lineno: 0,
            end_offset: 0,
            text: None,
        }
    }
}

/// A `SyntaxWarning` found while reading literals. When the warning filter turns it into an error,
/// the caller raises a `SyntaxError` with the same text and position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxWarning {
    /// The text of the warning.
    pub message: String,
    /// Line, from one.
    pub lineno: u32,
    /// Byte range in the source.
    pub start: u32,
    /// End of the byte range.
    pub end: u32,
}
