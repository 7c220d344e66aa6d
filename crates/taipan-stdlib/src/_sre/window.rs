//! What the first characters of a match can be, place by place. A search skips where they do not fit; nothing is missed, because
//! each set holds at least all characters that some way through the program allows there.

use super::matcher::{Unit, is};
use super::program::{Op, Program, Single};

/// Places that are looked at.
const MOST: usize = 4;
/// Instructions that are followed before giving up.
const BUDGET: usize = 400;
const ALL: u8 = (1 << MOST) - 1;

/// The sets of a program.
#[derive(Clone, Debug)]
pub struct Window {
    /// Bit `n` of a character's entry: it may stand at place `n`. Characters beyond the table may stand anywhere.
    table: Box<[u8; 256]>,
    len: usize,
}

impl Window {
    /// The window of a program, if it keeps out enough to be worth a look.
    pub fn of(program: &Program) -> Option<Window> {
        let len = program.min_width.min(MOST);
        let mut builder = Builder {
            program,
            table: Box::new([0; 256]),
            len,
            budget: BUDGET,
        };
        builder.walk(0, 0)?;
        let window = Window {
            table: builder.table,
            len,
        };
        let worth = (0..len).any(|place| {
            let allowed = window.table.iter().filter(|bits| **bits >> place & 1 != 0);
            allowed.count() < 64
        });
        worth.then_some(window)
    }

    /// The first place from `start` on where a match may begin.
    #[inline]
    pub fn find<T: Unit>(&self, text: &[T], start: usize) -> Option<usize> {
        let rest = text.get(start..)?;
        let at = rest.windows(self.len).position(|here| {
            here.iter()
                .enumerate()
                .all(|(place, unit)| self.bits(*unit) >> place & 1 != 0)
        })?;
        Some(start + at)
    }

    #[inline(always)]
    fn bits<T: Unit>(&self, unit: T) -> u8 {
        self.table.get(unit.code() as usize).copied().unwrap_or(ALL)
    }
}

struct Builder<'a> {
    program: &'a Program,
    table: Box<[u8; 256]>,
    len: usize,
    budget: usize,
}

impl Builder<'_> {
    /// Follows all ways from `pc`, at `place` of the window. `None`: there are too many.
    fn walk(&mut self, mut pc: usize, mut place: usize) -> Option<()> {
        while place < self.len {
            self.budget = self.budget.checked_sub(1)?;
            match *self.program.ops.get(pc)? {
                Op::Single(single) => {
                    self.allow(single, place);
                    place += 1;
                }
                Op::Mark(_) | Op::At(_) | Op::AtomicStart { .. } | Op::AtomicEnd { .. } => {}
                Op::Fork { other } => self.walk(other as usize, place)?,
                Op::Jump(target) => {
                    pc = target as usize;
                    continue;
                }
                Op::Greedy { single, times }
                | Op::Lazy { single, times }
                | Op::Possessive { single, times } => {
                    for _ in 0..times.min.min(self.len - place) {
                        self.allow(single, place);
                        place += 1;
                    }
                    if times.min != times.max {
                        self.allow_all(place);
                        return Some(());
                    }
                }
                Op::Fail => return Some(()),
                _ => {
                    self.allow_all(place);
                    return Some(());
                }
            }
            pc += 1;
        }
        Some(())
    }

    fn allow(&mut self, single: Single, place: usize) {
        for code in 0..256u32 {
            if is(self.program, single, code) {
                self.table[code as usize] |= 1 << place;
            }
        }
    }

    /// From `place` on, anything.
    fn allow_all(&mut self, place: usize) {
        let bits = ALL & (ALL << place);
        self.table.iter_mut().for_each(|own| *own |= bits);
    }
}
