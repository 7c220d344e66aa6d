//! Splitting at white space, separators and line ends; stripping. Everything is ranges of
//! characters; cutting is the caller's.

use std::ops::Range;

use super::search::{char_set, each_match};
use super::{Text, rfind};
use crate::unicode::{is_line_break, is_space};

/// Words between runs of white space, with at most `limit` cuts; what is left after the last cut
/// keeps its white space at the end.
#[must_use]
pub fn split_whitespace(text: Text<'_>, limit: usize) -> SplitWhitespace<'_> {
    SplitWhitespace {
        text,
        at: 0,
        left: limit,
    }
}

/// See [`split_whitespace`].
#[derive(Clone, Debug)]
pub struct SplitWhitespace<'a> {
    text: Text<'a>,
    at: usize,
    left: usize,
}

impl Iterator for SplitWhitespace<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let len = self.text.len();
        let rest = self.text.slice(self.at..len);
        let start = self.at + rest.position(|c| !is_space(c))?;
        let end = if self.left == 0 {
            len
        } else {
            self.left -= 1;
            let word = self.text.slice(start..len).position(is_space);
            word.map_or(len, |n| start + n)
        };
        self.at = end;
        Some(start..end)
    }
}

/// Words from the right, with at most `limit` cuts.
#[must_use]
pub fn rsplit_whitespace(text: Text<'_>, limit: usize) -> RSplitWhitespace<'_> {
    RSplitWhitespace {
        text,
        end: text.len(),
        left: limit,
    }
}

/// See [`rsplit_whitespace`].
#[derive(Clone, Debug)]
pub struct RSplitWhitespace<'a> {
    text: Text<'a>,
    end: usize,
    left: usize,
}

impl Iterator for RSplitWhitespace<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let end = 1 + self.text.slice(0..self.end).rposition(|c| !is_space(c))?;
        let start = if self.left == 0 {
            0
        } else {
            self.left -= 1;
            self.text
                .slice(0..end)
                .rposition(is_space)
                .map_or(0, |i| i + 1)
        };
        self.end = start;
        Some(start..end)
    }
}

/// Pieces between occurrences of a non-empty separator, at most `limit` cuts from the left.
#[must_use]
pub fn split_on(text: Text<'_>, separator: Text<'_>, limit: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    each_match(text, separator, limit, &mut |at| {
        pieces.push(start..at);
        start = at + separator.len();
    });
    pieces.push(start..text.len());
    pieces
}

/// Pieces between occurrences of a non-empty separator, at most `limit` cuts from the right; in
/// the order of the text.
#[must_use]
pub fn rsplit_on(text: Text<'_>, separator: Text<'_>, limit: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut end = text.len();
    while pieces.len() < limit && !separator.is_empty() {
        let Some(at) = rfind(text.slice(0..end), separator) else {
            break;
        };
        pieces.push(at + separator.len()..end);
        end = at;
    }
    pieces.push(0..end);
    pieces.reverse();
    pieces
}

/// One line of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// First character.
    pub start: usize,
    /// End without the line break.
    pub end: usize,
    /// End with the line break.
    pub full_end: usize,
}

/// The lines by the boundaries of `str.splitlines`.
#[must_use]
pub fn lines(text: Text<'_>) -> Lines<'_> {
    Lines { text, at: 0 }
}

/// See [`lines`].
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: Text<'a>,
    at: usize,
}

impl Iterator for Lines<'_> {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        let (start, len) = (self.at, self.text.len());
        if start >= len {
            return None;
        }
        let rest = self.text.slice(start..len);
        let end = start + rest.position(is_line_break).unwrap_or(len - start);
        let mut full_end = (end + 1).min(len);
        if self.text.get(end) == Some(0x0d) && self.text.get(end + 1) == Some(0x0a) {
            full_end += 1;
        }
        self.at = full_end;
        Some(Line {
            start,
            end,
            full_end,
        })
    }
}

fn strip(text: Text<'_>, left: bool, right: bool, drop: impl Fn(u32) -> bool) -> Range<usize> {
    let start = if left {
        text.position(|c| !drop(c)).unwrap_or(text.len())
    } else {
        0
    };
    let end = if right {
        text.slice(start..text.len())
            .rposition(|c| !drop(c))
            .map_or(start, |i| start + i + 1)
    } else {
        text.len()
    };
    start..end
}

/// What is left after removing white space at the chosen ends.
#[must_use]
pub fn strip_whitespace(text: Text<'_>, left: bool, right: bool) -> Range<usize> {
    strip(text, left, right, is_space)
}

/// What is left after removing the characters of `set` at the chosen ends.
#[must_use]
pub fn strip_chars(text: Text<'_>, set: Text<'_>, left: bool, right: bool) -> Range<usize> {
    strip(text, left, right, char_set(set))
}

#[cfg(test)]
mod tests {
    use super::*;

    const T: Text<'static> = Text::Ascii(b"  a b  c ");

    #[test]
    fn words() {
        let all: Vec<_> = split_whitespace(T, usize::MAX).collect();
        assert_eq!(all, [2..3, 4..5, 7..8]);
        assert_eq!(split_whitespace(T, 1).collect::<Vec<_>>(), [2..3, 4..9]);
        assert_eq!(split_whitespace(T, 0).collect::<Vec<_>>(), [2..9; 1]);
        assert_eq!(rsplit_whitespace(T, 1).collect::<Vec<_>>(), [7..8, 0..5]);
        assert_eq!(split_whitespace(Text::Ascii(b" "), 3).count(), 0);
    }

    #[test]
    fn separators() {
        let t = Text::Ascii(b"a,,b,");
        let comma = Text::Ascii(b",");
        assert_eq!(split_on(t, comma, usize::MAX), [0..1, 2..2, 3..4, 5..5]);
        assert_eq!(split_on(t, comma, 1), [0..1, 2..5]);
        assert_eq!(rsplit_on(t, comma, 1), [0..4, 5..5]);
        assert_eq!(split_on(Text::Ascii(b""), comma, 5), [0..0; 1]);
    }

    #[test]
    fn line_ends() {
        let all: Vec<_> = lines(Text::Ucs2(&[0x61, 13, 10, 0x2028, 0x62])).collect();
        let line = |start, end, full_end| Line {
            start,
            end,
            full_end,
        };
        assert_eq!(all, [line(0, 1, 3), line(3, 3, 4), line(4, 5, 5)]);
    }

    #[test]
    fn stripping() {
        assert_eq!(strip_whitespace(T, true, true), 2..8);
        assert_eq!(strip_whitespace(Text::Ascii(b"  "), true, true), 2..2);
        assert_eq!(
            strip_chars(Text::Ascii(b"xyaxy"), Text::Ascii(b"yx"), false, true),
            0..3
        );
    }
}
