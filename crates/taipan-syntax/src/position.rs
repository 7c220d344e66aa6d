//! Byte offsets to lines and columns.

use ruff_text_size::TextSize;

/// A place in the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from one.
    pub line: u32,
    /// Column in UTF-8 bytes, from zero (the unit of `col_offset` and `co_positions`).
    pub column: u32,
}

/// Where each line of a source starts.
///
/// Lines end at `\n` (also within `\r\n`) and at a lone `\r`.
#[derive(Debug, Clone)]
pub struct LineIndex {
    starts: Vec<u32>,
    len: u32,
}

impl LineIndex {
    /// Indexes a source.
    pub fn new(source: &str) -> Self {
        let bytes = source.as_bytes();
        let mut starts = vec![0];
        for (i, &b) in bytes.iter().enumerate() {
            if b == b'\n' || (b == b'\r' && bytes.get(i + 1) != Some(&b'\n')) {
                starts.push(i as u32 + 1);
            }
        }
        LineIndex {
            starts,
            len: bytes.len() as u32,
        }
    }

    /// Line and UTF-8 column of a byte offset.
    #[inline]
    pub fn position(&self, offset: TextSize) -> Position {
        let offset = offset.to_u32();
        let line = self.starts.partition_point(|&s| s <= offset).max(1);
        Position {
            line: line as u32,
            column: offset - self.starts[line - 1],
        }
    }

    /// Line number, from one, of a byte offset.
    #[inline]
    pub fn line(&self, offset: TextSize) -> u32 {
        self.position(offset).line
    }

    /// Byte offset where a line (from one) starts; past the last line, the end of the source.
    pub fn line_start(&self, line: u32) -> u32 {
        self.starts
            .get(line.saturating_sub(1) as usize)
            .copied()
            .unwrap_or(self.len)
    }

    /// How many lines there are. A source that ends in a newline counts an empty last line.
    pub fn line_count(&self) -> u32 {
        self.starts.len() as u32
    }

    /// Text of a line (from one) with its newline.
    pub fn line_text<'s>(&self, source: &'s str, line: u32) -> &'s str {
        let start = self.line_start(line) as usize;
        let end = self.line_start(line + 1) as usize;
        source.get(start..end).unwrap_or("")
    }

    /// Line and one-based character column of a byte offset.
    pub fn char_position(&self, source: &str, offset: TextSize) -> (u32, u32) {
        let p = self.position(offset);
        let start = self.line_start(p.line) as usize;
        let chars = source
            .get(start..offset.to_usize())
            .map_or(p.column as usize, |s| s.chars().count());
        (p.line, chars as u32 + 1)
    }
}
