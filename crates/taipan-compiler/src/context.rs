//! What all passes share: the source, positions, names, warnings, and how an error is reported.

use std::collections::HashSet;
use std::sync::Arc;

use taipan_bytecode::line_table::Position;
use taipan_syntax::{ErrorKind, LineIndex, SyntaxError, SyntaxWarning, TextRange, TextSize, ast};

/// The text that ranges of the tree refer to.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The text; empty if the tree was not made from text.
    pub text: &'a str,
    /// How offsets become lines and columns.
    pub places: Places<'a>,
}

/// How offsets of the tree become lines and columns.
#[derive(Clone, Copy)]
pub enum Places<'a> {
    /// Offsets are byte offsets of the text.
    Text(&'a LineIndex),
    /// Offsets are indices into a table of lines (from one) and columns, for a tree made by a program.
    Table(&'a [(u32, u32)]),
}

impl Source<'_> {
    /// Line and byte column of an offset.
    pub fn place(&self, offset: u32) -> (u32, u32) {
        match self.places {
            Places::Text(lines) => {
                let place = lines.position(offset.into());
                (place.line, place.column)
            }
            Places::Table(table) => table.get(offset as usize).copied().unwrap_or((1, 0)),
        }
    }

    /// Position of a range.
    pub fn position(&self, range: TextRange) -> Position {
        let (line, col) = self.place(range.start().to_u32());
        let (end_line, end_col) = self.place(range.end().to_u32());
        Position {
            line,
            end_line,
            col,
            end_col,
        }
    }

    /// The range of a definition without its decorators, which the tree counts in.
    pub fn definition(&self, range: TextRange, decorators: &[ast::Decorator]) -> TextRange {
        let mut start = range.start();
        if let (Some(last), false) = (decorators.last(), self.text.is_empty()) {
            let from = last.range.end().to_usize();
            let rest = self.text.get(from..range.end().to_usize()).unwrap_or("");
            start = TextSize::new((from + skip_to_keyword(rest)) as u32);
        }
        TextRange::new(start.min(range.end()), range.end())
    }

    /// Text of a range.
    pub fn slice(&self, range: TextRange) -> &str {
        self.text
            .get(range.start().to_usize()..range.end().to_usize())
            .unwrap_or("")
    }
}

/// Length of what lies between the last decorator and the keyword: newlines, blanks, comments.
fn skip_to_keyword(rest: &str) -> usize {
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        let blank = line.len() - line.trim_start().len();
        let content = line.trim_start();
        if !content.is_empty() && !content.starts_with(['#', '\\', ')']) {
            return at + blank;
        }
        at += line.len();
    }
    0
}

/// Why a pass gave up: the message and where. Boxed, so that results stay small.
#[derive(Debug)]
pub struct Failure(Box<(String, Option<TextRange>, ErrorKind)>);

impl Failure {
    /// A `SyntaxError` at a range.
    pub fn new(message: impl Into<String>, range: TextRange) -> Failure {
        Failure(Box::new((message.into(), Some(range), ErrorKind::Syntax)))
    }

    /// A `RecursionError`.
    pub fn too_deep() -> Failure {
        let message = "maximum recursion depth exceeded during compilation".to_owned();
        Failure(Box::new((message, None, ErrorKind::Recursion)))
    }

    /// The error with positions as the exception reports them.
    pub fn locate(self, source: &Source<'_>) -> SyntaxError {
        let (message, range, kind) = *self.0;
        let Some(range) = range else {
            return SyntaxError::bare(kind, &message);
        };
        let position = source.position(range);
        let mut error = SyntaxError::bare(kind, &message);
        (error.lineno, error.end_lineno) = (position.line, position.end_line);
        (error.col_offset, error.end_offset) =
            (position.col as i32 + 1, position.end_col as i32 + 1);
        if let Places::Text(lines) = source.places {
            let column = |offset| lines.char_position(source.text, offset).1 as i32;
            (error.col_offset, error.end_offset) = (column(range.start()), column(range.end()));
            error.text = Some(lines.line_text(source.text, position.line).to_owned());
        }
        error
    }
}

/// Shared strings of one compilation.
#[derive(Default)]
pub struct Interner {
    names: HashSet<Arc<str>>,
}

impl Interner {
    /// The shared copy of a text.
    pub fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(found) = self.names.get(text) {
            return Arc::clone(found);
        }
        let shared: Arc<str> = Arc::from(text);
        self.names.insert(Arc::clone(&shared));
        shared
    }
}

/// Read-only facts about the compilation.
pub struct Context<'a> {
    /// The source.
    pub source: Source<'a>,
    /// `await` is allowed outside functions.
    pub top_level_await: bool,
    /// Nodes known not to be constant.
    pub not_constant: crate::fold::NotConstant,
}

/// Collects warnings in the order of the source positions that raise them.
#[derive(Default)]
pub struct Warnings {
    list: Vec<SyntaxWarning>,
}

impl Warnings {
    /// Adds a warning; one that was given at the same place is not repeated (`finally` bodies are lowered twice).
    pub fn add(&mut self, source: &Source<'_>, message: String, range: TextRange) {
        let (start, end) = (range.start().to_u32(), range.end().to_u32());
        if !self
            .list
            .iter()
            .any(|w| w.start == start && w.end == end && w.message == message)
        {
            let lineno = source.place(start).0;
            self.list.push(SyntaxWarning {
                message,
                lineno,
                start,
                end,
            });
        }
    }

    /// The warnings.
    pub fn into_list(self) -> Vec<SyntaxWarning> {
        self.list
    }
}

/// Runs a step of a recursive pass with enough native stack.
pub fn with_stack<R>(step: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(256 * 1024, 4 * 1024 * 1024, step)
}
