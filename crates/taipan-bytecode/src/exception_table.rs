//! The exception table: which handler guards which instructions.
//!
//! Entries are sorted by start and do not overlap. In bytes: for each entry start, length, target (in units) and
//! `depth << 1 | lasti`, each as a little-endian base-128 number.

use crate::line_table::{read_varint, write_varint};

/// A guarded range and its handler.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct ExceptionEntry {
    /// First guarded unit.
    pub start: u32,
    /// The unit after the last guarded one.
    pub end: u32,
    /// Unit index of the handler.
    pub target: u32,
    /// To what depth the stack is cut.
    pub depth: u32,
    /// Whether the raising instruction's unit index is pushed below the exception.
    pub lasti: bool,
}

/// Encodes sorted entries.
pub fn encode(entries: &[ExceptionEntry]) -> Vec<u8> {
    let mut out = Vec::with_capacity(entries.len() * 4);
    for entry in entries {
        write_varint(&mut out, entry.start);
        write_varint(&mut out, entry.end - entry.start);
        write_varint(&mut out, entry.target);
        write_varint(&mut out, entry.depth << 1 | u32::from(entry.lasti));
    }
    out
}

/// Decodes the table entry by entry; ends at its end or at the first damaged entry (which the verifier reports).
pub fn entries(table: &[u8]) -> Entries<'_> {
    Entries { table, at: 0 }
}

/// Iterator of [`entries`].
pub struct Entries<'a> {
    table: &'a [u8],
    at: usize,
}

impl Entries<'_> {
    /// Whether all bytes have been read.
    pub fn at_end(&self) -> bool {
        self.at == self.table.len()
    }

    fn entry(&mut self) -> Option<ExceptionEntry> {
        let start = read_varint(self.table, &mut self.at)?;
        let length = read_varint(self.table, &mut self.at)?;
        let target = read_varint(self.table, &mut self.at)?;
        let depth = read_varint(self.table, &mut self.at)?;
        Some(ExceptionEntry {
            start,
            end: start.checked_add(length)?,
            target,
            depth: depth >> 1,
            lasti: depth & 1 == 1,
        })
    }
}

impl Iterator for Entries<'_> {
    type Item = ExceptionEntry;

    fn next(&mut self) -> Option<ExceptionEntry> {
        if self.at_end() {
            return None;
        }
        let before = self.at;
        let entry = self.entry();
        if entry.is_none() {
            self.at = before;
        }
        entry
    }
}

/// The entry that guards a unit.
pub fn lookup(table: &[u8], unit: u32) -> Option<ExceptionEntry> {
    entries(table)
        .take_while(|entry| entry.start <= unit)
        .find(|entry| unit < entry.end)
}
