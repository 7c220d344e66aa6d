//! Quickened code as watchers see it: each portable instruction on its own, and the places where lines begin.

use crate::quick::{Instr, Quick, QuickCode};
use taipan_bytecode::code::Code;
use taipan_bytecode::{Op, exception_table, line_table};

/// A portable instruction.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// The unit of its first prefix.
    pub start: u32,
    /// Its own unit.
    pub at: u32,
    pub op: Op,
}

/// The portable instruction that is part number `part` (from 0) of the quick one at an index.
pub(crate) fn part(quick: &QuickCode, code: &Code, index: u32, part: usize) -> Part {
    let byte = |unit: u32| code.bytecode.get(2 * unit as usize).copied().unwrap_or(0);
    let mut start = quick.first_unit(index);
    let mut left = part;
    loop {
        let mut at = start;
        while byte(at) == Op::ExtendedArg as u8 {
            at += 1;
        }
        if left == 0 {
            let op = Op::from_u8(byte(at)).unwrap_or(Op::Nop);
            return Part { start, at, op };
        }
        left -= 1;
        start = at + 1;
    }
}

/// Index and part number of the portable instruction that starts at a unit.
pub(crate) fn place_of_unit(quick: &QuickCode, code: &Code, unit: u32) -> (u32, usize) {
    let index = quick.index_of_unit(unit);
    let number = (0..FUSED_MOST).find(|number| part(quick, code, index, *number).start >= unit);
    (index, number.unwrap_or(0))
}

/// So many instructions are fused into one at most.
const FUSED_MOST: usize = 5;

/// Part number `part` of a quick instruction as an instruction of its own, and the number of the part to run after it (0 if it
/// is the last).
pub(crate) fn split(quick: &QuickCode, instr: Instr, part: usize) -> (Instr, usize) {
    let (low, high) = (instr.arg & 0xFFFF, instr.arg >> 16);
    let word = || {
        let caches = quick.caches();
        // SAFETY: the instructions that ask have a cache; its word was written when the code was made and stays.
        unsafe { (*caches.add(instr.cache as usize)).word as u32 }
    };
    let row: &[(Quick, u32)] = match instr.op {
        Quick::LoadFastLoadFast => &[(Quick::LoadFast, low), (Quick::LoadFast, high)],
        Quick::LoadFastLoadConst => &[(Quick::LoadFast, low), (Quick::LoadConst, high)],
        Quick::StoreFastLoadFast => &[(Quick::StoreFast, low), (Quick::LoadFast, high)],
        Quick::CompareJumpIfFalse => &[
            (Quick::CompareOp, word()),
            (Quick::PopJumpIfFalse, instr.arg),
        ],
        Quick::CompareJumpIfTrue => &[
            (Quick::CompareOp, word()),
            (Quick::PopJumpIfTrue, instr.arg),
        ],
        Quick::ForIterStoreFast => &[(Quick::ForIter, instr.arg), (Quick::StoreFast, word())],
        Quick::LoadFastSubscr => &[(Quick::LoadFast, instr.arg), (Quick::BinarySubscr, 0)],
        Quick::DupTwoSubscr => &[(Quick::DupTopTwo, 0), (Quick::BinarySubscr, 0)],
        Quick::LoadFastAttr => &[(Quick::LoadFast, high), (Quick::LoadAttr, low)],
        Quick::LoadFastLoadFastSubscr => &[
            (Quick::LoadFast, low),
            (Quick::LoadFast, high),
            (Quick::BinarySubscr, 0),
        ],
        Quick::LoadFastSubscrTwice => &[
            (Quick::LoadFast, instr.arg & 0x3FF),
            (Quick::LoadFast, instr.arg >> 10 & 0x3FF),
            (Quick::BinarySubscr, 0),
            (Quick::LoadFast, instr.arg >> 20),
            (Quick::BinarySubscr, 0),
        ],
        _ => &[],
    };
    match row.get(part) {
        Some((op, arg)) => {
            let next = if part + 1 < row.len() { part + 1 } else { 0 };
            let (op, arg) = (*op, *arg);
            (Instr { op, arg, ..instr }, next)
        }
        None => (instr, 0),
    }
}

/// The unit that an asynchronous `for` branches at, of the one of its instructions at a unit that ends a step: it goes on with
/// the next unit, or ends behind the handler.
pub(crate) fn async_for(code: &Code, op: Op, unit: u32) -> Option<u32> {
    let is_end = |unit: u32| code.bytecode.get(2 * unit as usize) == Some(&(Op::EndAsyncFor as u8));
    let mut entries = exception_table::entries(&code.exceptiontable);
    match op {
        Op::YieldFrom => entries
            .any(|entry| entry.end == unit + 1 && is_end(entry.target))
            .then_some(unit),
        Op::EndAsyncFor => entries
            .filter(|entry| entry.target == unit)
            .last()
            .and_then(|entry| entry.end.checked_sub(1)),
        _ => None,
    }
}

/// `co_branches()`: unit, unit straight on, other unit.
pub(crate) fn branches(code: &Code) -> Vec<(u32, u32, u32)> {
    code.instructions()
        .filter_map(|instruction| match instruction.op {
            Ok(Op::JumpAbsolute) => None,
            Ok(op) if op.jumps() => Some((instruction.at, instruction.at + 1, instruction.operand)),
            Ok(Op::EndAsyncFor) => {
                let from = async_for(code, Op::EndAsyncFor, instruction.at)?;
                Some((from, from + 1, instruction.at + 1))
            }
            _ => None,
        })
        .collect()
}

impl QuickCode {
    /// The line of each unit, 0 where there is none.
    pub(crate) fn lines(&self, code: &Code) -> &[u32] {
        self.lines.get_or_init(|| {
            let mut lines = vec![0; code.units()];
            for range in line_table::ranges(&code.linetable, code.firstlineno) {
                let end = (range.end as usize).min(lines.len());
                if let Some(part) = lines.get_mut(range.start as usize..end) {
                    part.fill(range.position.line);
                }
            }
            lines.into()
        })
    }

    /// The line of a unit, 0 if it has none.
    pub(crate) fn line(&self, code: &Code, unit: u32) -> u32 {
        self.lines(code).get(unit as usize).copied().unwrap_or(0)
    }

    /// May a line begin at a unit? It does if what ran before was on another line.
    pub(crate) fn starts_line(&self, code: &Code, unit: u32) -> bool {
        let starts = self
            .line_starts
            .get_or_init(|| line_starts(code, self.lines(code)));
        starts.get(unit as usize).copied().unwrap_or(false)
    }
}

/// Lines begin where the one before, in the order of the code, is another, where jumps lead, and at handlers; never at the
/// instruction that stands for the beginning of a frame.
fn line_starts(code: &Code, lines: &[u32]) -> Box<[bool]> {
    let mut starts = vec![false; code.units()];
    let mut before = 0;
    for instruction in code.instructions() {
        let (unit, op) = (instruction.start as usize, instruction.op);
        if op == Ok(Op::GenStart) {
            continue;
        }
        let line = lines.get(unit).copied().unwrap_or(0);
        if let Some(start) = starts.get_mut(unit) {
            *start |= line != before;
        }
        before = line;
        if op.is_ok_and(Op::jumps)
            && let Some(start) = starts.get_mut(instruction.operand as usize)
        {
            *start = true;
        }
    }
    for entry in exception_table::entries(&code.exceptiontable) {
        if let Some(start) = starts.get_mut(entry.target as usize) {
            *start = true;
        }
    }
    for (start, line) in starts.iter_mut().zip(lines) {
        *start &= *line != 0;
    }
    starts.into()
}
