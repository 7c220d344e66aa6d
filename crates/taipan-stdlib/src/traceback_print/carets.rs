//! The source lines of a frame and the carets below them (PEP 657).
//!
//! Carets point at the part of the line that ran. For a binary operator, a subscript and a call they are split: `~~~~^^^~~~`, with
//! `^` at the operator, the brackets, or the parentheses.

use super::theme::Theme;
use taipan_base::unicode::east_asian_width;
use taipan_syntax::ast::{Expr, Stmt};
use taipan_syntax::{Mode, Options, Ranged, TextRange, parse};

type Line = Vec<char>;

/// Where `^` begins and ends among `~`, as line and column in the segment.
struct Anchors {
    left: (usize, usize),
    right: (usize, usize),
}

/// The lines to print, indented, with carets where they help. `columns` are byte offsets into the first and the last line.
pub(super) fn show(lines: &[String], columns: Option<(usize, usize)>, theme: &Theme) -> String {
    let dedented = dedent(lines);
    if dedented
        .iter()
        .all(|line| line.iter().all(|c| c.is_whitespace()))
    {
        return String::new();
    }
    let (Some((start, end)), Some(first), Some(last)) = (columns, lines.first(), lines.last())
    else {
        let first = lines.first().map_or("", |line| line.trim());
        return format!("    {first}\n");
    };
    let removed = first.chars().count() - dedented[0].len();
    let start = char_offset(first, start).saturating_sub(removed);
    let end = char_offset(last, end).saturating_sub(removed);
    let picture = Picture::new(&dedented, start, end);
    let mut out = String::new();
    for row in picture.render() {
        match row {
            Row::Source(line, None) => {
                let line: String = line.iter().collect();
                out.push_str(&format!("    {line}\n"));
            }
            Row::Source(line, Some(signs)) => {
                let (line, signs) = theme.underline(line, &signs);
                out.push_str(&format!("    {line}\n    {signs}\n"));
            }
            Row::Left(count) => out.push_str(&format!("    ...<{count} lines>...\n")),
        }
    }
    out
}

/// A byte offset into a line as a number of characters.
fn char_offset(line: &str, bytes: usize) -> usize {
    let bytes = bytes.min(line.len());
    String::from_utf8_lossy(&line.as_bytes()[..bytes])
        .chars()
        .count()
}

/// Takes the blank space off that all lines begin with.
fn dedent(lines: &[String]) -> Vec<Line> {
    let lines: Vec<Line> = lines.iter().map(|line| line.chars().collect()).collect();
    let space = |line: &Line| {
        line.iter()
            .take_while(|c| matches!(c, ' ' | '\t'))
            .copied()
            .collect::<Line>()
    };
    let mut common: Option<Line> = None;
    for line in &lines {
        if line.iter().all(|c| c.is_whitespace()) {
            continue;
        }
        let own = space(line);
        common = Some(match common {
            None => own,
            Some(common) => common
                .iter()
                .zip(&own)
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| *a)
                .collect(),
        });
    }
    let width = common.map_or(0, |common| common.len());
    lines
        .into_iter()
        .map(|line| {
            if line.iter().all(|c| c.is_whitespace()) {
                Vec::new()
            } else {
                line[width..].to_vec()
            }
        })
        .collect()
}

/// The columns that the first `offset` characters take on a terminal.
fn width(line: &[char], offset: usize) -> usize {
    if line.iter().all(char::is_ascii) {
        return offset;
    }
    line.iter()
        .take(offset)
        .map(|c| {
            if matches!(east_asian_width(u32::from(*c)), "W" | "F") {
                2
            } else {
                1
            }
        })
        .sum()
}

/// A part of the picture.
enum Row<'a> {
    /// A line and the signs below it, if any.
    Source(&'a [char], Option<String>),
    /// So many lines are not shown.
    Left(usize),
}

/// Lines with the range that ran.
struct Picture<'a> {
    lines: &'a [Line],
    start: usize,
    end: usize,
    anchors: Option<Anchors>,
    carets: bool,
}

impl<'a> Picture<'a> {
    fn new(lines: &'a [Line], start: usize, end: usize) -> Picture<'a> {
        let anchors = find_anchors(&segment(lines, start, end));
        let carets = carets_help(lines, start, end, anchors.is_some());
        Picture {
            lines,
            start,
            end,
            anchors,
            carets,
        }
    }

    /// First and last line, and those around the anchors; gaps of more than one line are counted.
    fn render(&self) -> Vec<Row<'a>> {
        let count = self.lines.len();
        let mut wanted = vec![0, count - 1];
        if let Some(anchors) = &self.anchors {
            for (line, _) in [anchors.left, anchors.right] {
                wanted.extend(line.saturating_sub(1)..=line + 1);
            }
        }
        wanted.retain(|line| *line < count);
        wanted.sort_unstable();
        wanted.dedup();
        let mut out = Vec::new();
        let mut previous = None;
        for line in wanted {
            if let Some(previous) = previous {
                let gap: usize = line - previous;
                if gap == 2 {
                    self.render_line(&mut out, line - 1);
                } else if gap > 2 {
                    out.push(Row::Left(gap - 1));
                }
            }
            self.render_line(&mut out, line);
            previous = Some(line);
        }
        out
    }

    fn render_line(&self, out: &mut Vec<Row<'a>>, at: usize) {
        let line = &self.lines[at];
        if !self.carets {
            out.push(Row::Source(line, None));
            return;
        }
        let spaces = line.iter().take_while(|c| c.is_whitespace()).count();
        let last = at + 1 == self.lines.len();
        let count = if last {
            width(line, self.end)
        } else {
            width(line, line.len())
        };
        let first_column = width(&self.lines[0], self.start);
        let text = (0..count)
            .map(|column| {
                if column < spaces || (at == 0 && column < first_column) {
                    ' '
                } else {
                    self.sign(at, column)
                }
            })
            .collect();
        out.push(Row::Source(line, Some(text)));
    }

    /// `^`, or with anchors `~` outside of them.
    fn sign(&self, line: usize, column: usize) -> char {
        let Some(anchors) = &self.anchors else {
            return '^';
        };
        let shown = |(at, offset): (usize, usize)| {
            let offset = if at == 0 { offset + self.start } else { offset };
            (
                at,
                self.lines
                    .get(at)
                    .map_or(offset, |line| width(line, offset)),
            )
        };
        let inside = (line, column) >= shown(anchors.left) && (line, column) < shown(anchors.right);
        if inside { '^' } else { '~' }
    }
}

/// The text that ran.
fn segment(lines: &[Line], start: usize, end: usize) -> Vec<Line> {
    let mut segment = lines.to_vec();
    if let Some(last) = segment.last_mut() {
        last.truncate(end);
    }
    if let Some(first) = segment.first_mut() {
        first.drain(..start.min(first.len()));
    }
    segment
}

fn text_of(lines: &[Line]) -> String {
    let rows: Vec<String> = lines.iter().map(|line| line.iter().collect()).collect();
    rows.join("\n")
}

/// Carets under a whole line say nothing, nor do they under `return f()` and `x = f()`.
fn carets_help(lines: &[Line], start: usize, end: usize, anchored: bool) -> bool {
    if let Ok(parsed) = parse(&text_of(lines), Mode::Exec, &Options::default()) {
        let Some(statement) = parsed.body().first() else {
            return false;
        };
        let value = match statement {
            Stmt::Return(statement) => match statement.value.as_deref() {
                Some(call @ Expr::Call(inner)) if inner.func.is_name_expr() => Some(call),
                _ => None,
            },
            Stmt::Assign(statement) => match (&statement.targets[..], &*statement.value) {
                ([Expr::Name(_)], call @ Expr::Call(_)) => Some(call),
                _ => None,
            },
            _ => None,
        };
        if let Some(value) = value {
            let from = parsed.lines().position(value.start());
            let to = parsed.lines().position(value.end());
            if from.line == 1
                && to.line as usize == lines.len()
                && from.column as usize == start
                && to.column as usize == end
            {
                return false;
            }
        }
    }
    let blank = |part: &[char]| part.iter().all(|c| c.is_whitespace());
    let before = lines
        .first()
        .is_some_and(|line| !blank(&line[..start.min(line.len())]));
    let after = lines
        .last()
        .is_some_and(|line| !blank(&line[end.min(line.len())..]));
    anchored || before || after
}

/// Walks over the characters of a segment.
struct Cursor<'a> {
    lines: &'a [Line],
    line: usize,
    column: usize,
}

impl Cursor<'_> {
    /// Goes on to the next line as long as there is no character here.
    fn settle(&mut self) -> Option<()> {
        while self
            .lines
            .get(self.line)
            .is_some_and(|line| self.column >= line.len())
        {
            self.line += 1;
            self.column = 0;
        }
        self.lines.get(self.line).map(|_| ())
    }

    /// The next character for which `stop` holds, outside of comments and continuations.
    fn find(&mut self, stop: impl Fn(char) -> bool) -> Option<()> {
        self.settle()?;
        loop {
            let c = *self.lines.get(self.line)?.get(self.column)?;
            if c == '\\' || c == '#' {
                self.line += 1;
                self.column = 0;
            } else if stop(c) {
                return Some(());
            } else {
                self.column += 1;
            }
            self.settle()?;
        }
    }
}

/// Where the operator or the brackets of a segment are, if it is one expression that has them.
fn find_anchors(lines: &[Line]) -> Option<Anchors> {
    // Brackets make an expression over several lines a valid one.
    let source = format!("(\n{}\n)", text_of(lines));
    let parsed = parse(&source, Mode::Exec, &Options::default()).ok()?;
    let [Stmt::Expr(statement)] = parsed.body() else {
        return None;
    };
    let place = |offset: taipan_syntax::TextSize| -> (usize, usize) {
        let position = parsed.lines().position(offset);
        let line = (position.line as usize).saturating_sub(2);
        let text: String = lines
            .get(line)
            .map(|line| line.iter().collect())
            .unwrap_or_default();
        (line, char_offset(&text, position.column as usize))
    };
    let cursor = |range: TextRange| {
        let (line, column) = place(range.end());
        Cursor {
            lines,
            line,
            column,
        }
    };
    match &*statement.value {
        Expr::BinOp(expr) => {
            let mut at = cursor(expr.left.range());
            at.find(|c| !c.is_whitespace() && c != ')')?;
            let mut right = at.column + 1;
            let next = lines.get(at.line)?.get(right).copied();
            if let Some(next) = next
                && (at.line, right) < place(expr.right.start())
                && !next.is_whitespace()
                && next != '\\'
                && next != '#'
            {
                right += 1;
            }
            Some(Anchors {
                left: (at.line, at.column),
                right: (at.line, right),
            })
        }
        Expr::Subscript(expr) => {
            let mut at = cursor(expr.value.range());
            at.find(|c| c == '[')?;
            Some(Anchors {
                left: (at.line, at.column),
                right: place(expr.range().end()),
            })
        }
        Expr::Call(expr) => {
            let mut at = cursor(expr.func.range());
            at.find(|c| c == '(')?;
            Some(Anchors {
                left: (at.line, at.column),
                right: place(expr.range().end()),
            })
        }
        _ => None,
    }
}
