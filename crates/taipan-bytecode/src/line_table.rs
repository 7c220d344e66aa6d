//! Source positions of instructions.
//!
//! A run of units that share one position is one entry. In bytes: a varint `units << 2 | kind`, then by kind
//! 0: nothing, the units have no position;
//! 1: zigzag line delta, the column unknown;
//! 2: zigzag line delta, column, column delta to the end, which is on the same line;
//! 3: zigzag line delta, lines to the end, column, end column.
//! Line deltas count from the line of the last entry that had one, the first from `co_firstlineno`.
//! Columns count UTF-8 bytes from 0.

/// A source range. Lines count from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub struct Position {
    /// Line of the start, 0 if the instruction has no position.
    pub line: u32,
    /// Line of the end.
    pub end_line: u32,
    /// Byte column of the start; [`Position::NO_COLUMN`] if unknown.
    pub col: u32,
    /// Byte column of the end; [`Position::NO_COLUMN`] if unknown.
    pub end_col: u32,
}

impl Position {
    /// The column of a position that has none.
    pub const NO_COLUMN: u32 = u32::MAX;
    /// No position at all.
    pub const NONE: Position = Position {
        line: 0,
        end_line: 0,
        col: Position::NO_COLUMN,
        end_col: Position::NO_COLUMN,
    };

    /// A position that is a line only.
    pub const fn of_line(line: u32) -> Position {
        Position {
            line,
            end_line: line,
            col: Position::NO_COLUMN,
            end_col: Position::NO_COLUMN,
        }
    }

    /// Whether there is a position.
    pub const fn is_some(self) -> bool {
        self.line != 0
    }

    /// The line, if there is a position.
    pub fn line(self) -> Option<u32> {
        self.is_some().then_some(self.line)
    }
}

/// Units `start..end` have this position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PositionRange {
    /// First unit.
    pub start: u32,
    /// The unit after the last.
    pub end: u32,
    /// Where the units come from.
    pub position: Position,
}

/// Appends a little-endian base-128 number.
pub fn write_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Reads what [`write_varint`] wrote; `None` if the bytes end or the number does not fit.
pub fn read_varint(bytes: &[u8], at: &mut usize) -> Option<u32> {
    let mut value = 0u32;
    for shift in [0, 7, 14, 21, 28] {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if shift == 28 && byte > 0xf {
            return None;
        }
        value |= u32::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn zigzag(delta: i32) -> u32 {
    (delta << 1 ^ delta >> 31) as u32
}

fn unzigzag(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

/// Encodes positions given per unit.
pub fn encode(positions: &[Position], firstlineno: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = firstlineno;
    for run in positions.chunk_by(|a, b| a == b) {
        encode_run(&mut out, run.len() as u32, run[0], &mut line);
    }
    out
}

fn encode_run(out: &mut Vec<u8>, units: u32, position: Position, line: &mut u32) {
    if !position.is_some() {
        write_varint(out, units << 2);
        return;
    }
    let delta = zigzag(position.line.wrapping_sub(*line) as i32);
    *line = position.line;
    if position.col == Position::NO_COLUMN {
        write_varint(out, units << 2 | 1);
        write_varint(out, delta);
    } else if position.end_line == position.line && position.end_col >= position.col {
        write_varint(out, units << 2 | 2);
        write_varint(out, delta);
        write_varint(out, position.col);
        write_varint(out, position.end_col - position.col);
    } else {
        write_varint(out, units << 2 | 3);
        write_varint(out, delta);
        write_varint(out, position.end_line.wrapping_sub(position.line));
        write_varint(out, position.col);
        write_varint(out, position.end_col);
    }
}

/// The table with its lines only.
pub fn without_columns(table: &[u8], firstlineno: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let mut line = firstlineno;
    for range in ranges(table, firstlineno) {
        let position = match range.position.line() {
            Some(line) => Position::of_line(line),
            None => Position::NONE,
        };
        encode_run(&mut out, range.end - range.start, position, &mut line);
    }
    out
}

/// Decodes the table; ends at its end or at the first damaged entry.
pub fn ranges(table: &[u8], firstlineno: u32) -> Ranges<'_> {
    Ranges {
        table,
        at: 0,
        unit: 0,
        line: firstlineno,
    }
}

/// Iterator of [`ranges`].
pub struct Ranges<'a> {
    table: &'a [u8],
    at: usize,
    unit: u32,
    line: u32,
}

impl Iterator for Ranges<'_> {
    type Item = PositionRange;

    fn next(&mut self) -> Option<PositionRange> {
        let head = read_varint(self.table, &mut self.at)?;
        let position = if head & 3 == 0 {
            Position::NONE
        } else {
            let delta = unzigzag(read_varint(self.table, &mut self.at)?);
            self.line = self.line.wrapping_add(delta as u32);
            self.columns(head & 3)?
        };
        let start = self.unit;
        self.unit = start.checked_add(head >> 2)?;
        Some(PositionRange {
            start,
            end: self.unit,
            position,
        })
    }
}

impl Ranges<'_> {
    fn columns(&mut self, kind: u32) -> Option<Position> {
        if kind == 1 {
            return Some(Position::of_line(self.line));
        }
        let end_line = if kind == 3 {
            self.line
                .wrapping_add(read_varint(self.table, &mut self.at)?)
        } else {
            self.line
        };
        let col = read_varint(self.table, &mut self.at)?;
        let end = read_varint(self.table, &mut self.at)?;
        let end_col = if kind == 3 {
            end
        } else {
            col.checked_add(end)?
        };
        Some(Position {
            line: self.line,
            end_line,
            col,
            end_col,
        })
    }
}

/// The position of one unit.
pub fn position_at(table: &[u8], firstlineno: u32, unit: u32) -> Position {
    ranges(table, firstlineno)
        .find(|range| unit < range.end)
        .map_or(Position::NONE, |range| range.position)
}

/// Runs of units of one line, as `co_lines()` gives them; neighbours of equal line are joined.
pub fn lines(table: &[u8], firstlineno: u32) -> Vec<(u32, u32, Option<u32>)> {
    let mut out: Vec<(u32, u32, Option<u32>)> = Vec::new();
    for range in ranges(table, firstlineno) {
        match out.last_mut() {
            Some(last) if last.2 == range.position.line() => last.1 = range.end,
            _ => out.push((range.start, range.end, range.position.line())),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let positions = [
            Position::of_line(7),
            Position {
                line: 3,
                end_line: 3,
                col: 4,
                end_col: 300,
            },
            Position {
                line: 3,
                end_line: 3,
                col: 4,
                end_col: 300,
            },
            Position {
                line: 2,
                end_line: 5,
                col: 4,
                end_col: 1,
            },
            Position::NONE,
            Position {
                line: 900_000,
                end_line: 900_000,
                col: 0,
                end_col: 0,
            },
        ];
        let table = encode(&positions, 5);
        for (unit, position) in positions.iter().enumerate() {
            assert_eq!(position_at(&table, 5, unit as u32), *position);
        }
        assert_eq!(ranges(&table, 5).last().map(|range| range.end), Some(6));
    }
}
