//! Where execution may go on if somebody moves it to another line (`frame.f_lineno = n`).
//!
//! A line can be landed on where the stack that its instruction expects is a lower part of the one there is: the rest is
//! dropped. What the verifier knows about the two stacks decides, so that whatever it promises the interpreter stays true.

use crate::code::Code;
use crate::line_table;
use crate::verify::{self, Kind};

/// Where to go on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Landing {
    /// The unit of the next instruction (of its first prefix).
    pub unit: u32,
    /// To what depth the stack is cut before.
    pub depth: u32,
    /// The lowest of the dropped items that is an exception which was being handled before.
    pub handled: Option<u32>,
}

/// Why there is no landing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Refusal {
    /// The line is before the code's first.
    Before,
    /// No code comes at the line or after it.
    After,
    /// The stacks do not fit; in words.
    Stack(&'static str),
}

/// Finds where to land from the instruction at `from`, with the topmost `popped` of its operands gone already.
pub fn find(code: &Code, from: u32, popped: u32, line: i64) -> Result<Landing, Refusal> {
    if line < i64::from(code.firstlineno) {
        return Err(Refusal::Before);
    }
    let starts = line_starts(code);
    let Some(line) = starts
        .iter()
        .map(|(_, own)| *own)
        .filter(|own| i64::from(*own) >= line)
        .min()
    else {
        return Err(Refusal::After);
    };
    let Ok(stacks) = verify::stacks(code) else {
        return Err(Refusal::Stack("stack is too deep to analyze"));
    };
    let stack_at = |unit: u32| stacks.get(unit as usize).and_then(Option::as_deref);
    let Some(here) = stack_at(from) else {
        return Err(Refusal::Stack("can't jump from unreachable code"));
    };
    let here = &here[..here.len().saturating_sub(popped as usize)];
    let mut best: Option<Landing> = None;
    let mut reason = None;
    for (unit, _) in starts.iter().filter(|(_, own)| *own == line) {
        match stack_at(*unit) {
            Some(there) if fits(code, here, there) => {
                let depth = there.len() as u32;
                if best.is_none_or(|best| best.depth < depth) {
                    best = Some(Landing {
                        unit: *unit,
                        depth,
                        handled: lowest_handled(here, depth),
                    });
                }
            }
            there => {
                reason.get_or_insert_with(|| explain(there));
            }
        }
    }
    best.ok_or(Refusal::Stack(
        reason.unwrap_or("cannot find bytecode for specified line"),
    ))
}

/// The units at which the line changes, in the order of the code.
fn line_starts(code: &Code) -> Vec<(u32, u32)> {
    let mut last = None;
    line_table::lines(&code.linetable, code.firstlineno)
        .into_iter()
        .filter_map(|(start, _, line)| {
            let line = line?;
            (last.replace(line) != Some(line)).then_some((start, line))
        })
        .collect()
}

/// Is `there` a lower part of `here`, each item being at least what is expected?
fn fits(code: &Code, here: &[Kind], there: &[Kind]) -> bool {
    there.len() <= here.len()
        && there
            .iter()
            .zip(here)
            .all(|(wanted, own)| verify::merge(code, *own, *wanted) == *wanted)
}

fn lowest_handled(here: &[Kind], depth: u32) -> Option<u32> {
    here.iter()
        .enumerate()
        .skip(depth as usize)
        .find(|(_, kind)| **kind == Kind::Previous)
        .map(|(slot, _)| slot as u32)
}

fn explain(there: Option<&[Kind]>) -> &'static str {
    match there.map(<[Kind]>::last) {
        None => "can't jump into an exception handler, or code may be unreachable",
        Some(Some(Kind::Previous | Kind::Exception)) => {
            "can't jump into an 'except' block as there's no exception"
        }
        Some(Some(Kind::Lasti)) => "can't jump into a re-raising block as there's no location",
        Some(Some(Kind::Iterator)) => "can't jump into the body of a for loop",
        Some(_) => "incompatible stacks",
    }
}
