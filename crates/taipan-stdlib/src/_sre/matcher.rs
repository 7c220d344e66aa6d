//! Runs a [`Program`] over a subject: backtracking with an explicit stack, specialised on the width of the subject's units.
//!
//! Everything that is changed on the way (groups, counters) leaves its old value on the stack, so that going back is popping.

use super::class::{Fold, is_ascii_word, is_word};
use super::program::{Hint, Op, Place, Program, Single};
use taipan_core::{Py, Vm};

/// A unit of a subject.
pub trait Unit: Copy + Eq + 'static {
    fn code(self) -> u32;
    /// The first place of `code`.
    fn find(units: &[Self], code: u32) -> Option<usize>;
}

impl Unit for u8 {
    #[inline(always)]
    fn code(self) -> u32 {
        self as u32
    }
    #[inline]
    fn find(units: &[u8], code: u32) -> Option<usize> {
        memchr::memchr(u8::try_from(code).ok()?, units)
    }
}

impl Unit for u16 {
    #[inline(always)]
    fn code(self) -> u32 {
        self as u32
    }
    #[inline]
    fn find(units: &[u16], code: u32) -> Option<usize> {
        let code = u16::try_from(code).ok()?;
        units.iter().position(|unit| *unit == code)
    }
}

impl Unit for u32 {
    #[inline(always)]
    fn code(self) -> u32 {
        self
    }
    #[inline]
    fn find(units: &[u32], code: u32) -> Option<usize> {
        units.iter().position(|unit| *unit == code)
    }
}

/// A mark that is not set.
pub const UNSET: usize = usize::MAX;

/// What to do when the way ahead fails.
#[derive(Clone, Copy)]
enum Frame {
    /// Go on at `pc` with `pos`.
    Branch { pc: u32, pos: usize },
    /// Put a group mark back.
    Mark { mark: u32, last: u32, old: usize },
    /// Put a counter back.
    Counter {
        counter: u32,
        count: usize,
        pos: usize,
    },
    /// Give back one character, down to `least`.
    Greedy { pc: u32, least: usize, pos: usize },
    /// Take one more character.
    Lazy { pc: u32, left: usize, pos: usize },
    /// Run a lazy repeat's body once more.
    Body { counter: u32, pc: u32, pos: usize },
    /// The beginning of an atomic part or a look around.
    Barrier { pos: usize },
    /// A negative look around failed: go on behind it.
    Absent { after: u32, pos: usize },
}

/// How a match must end.
#[derive(Clone, Copy, Default)]
pub struct Ending {
    /// At the end of the subject.
    pub full: bool,
    /// Not empty at this place.
    pub not_empty_at: Option<usize>,
}

/// The registers of a run; kept between the matches of a scan.
pub struct Registers {
    pub marks: Vec<usize>,
    /// The group that was closed last, 0 for none.
    pub last: u32,
    counters: Vec<(usize, usize)>,
    heights: Vec<usize>,
    stack: Vec<Frame>,
}

impl Registers {
    pub fn new(program: &Program) -> Registers {
        Registers {
            marks: vec![UNSET; program.marks],
            last: 0,
            counters: vec![(0, UNSET); program.counters],
            heights: vec![0; program.heights],
            stack: Vec::new(),
        }
    }

    fn reset(&mut self) {
        self.marks.fill(UNSET);
        self.last = 0;
        self.stack.clear();
    }
}

/// Does a unit match?
#[inline(always)]
pub(super) fn is<T: Unit>(program: &Program, single: Single, unit: T) -> bool {
    match single {
        Single::Char(code) => unit.code() == code,
        Single::NotChar(code) => unit.code() != code,
        Single::Any => unit.code() != 10,
        Single::AnyAll => true,
        Single::Class(class) => program.classes[class as usize].contains(unit.code()),
        Single::Never => false,
    }
}

/// How many of the first units match, at most `max`.
#[inline]
fn span<T: Unit>(program: &Program, single: Single, units: &[T], max: usize) -> usize {
    let units = &units[..units.len().min(max)];
    let stop = match single {
        Single::Char(code) => units.iter().position(|unit| unit.code() != code),
        Single::NotChar(code) => T::find(units, code),
        Single::Any => T::find(units, 10),
        Single::AnyAll => None,
        Single::Class(class) => {
            let class = &program.classes[class as usize];
            units.iter().position(|unit| !class.contains(unit.code()))
        }
        Single::Never => Some(0),
    };
    stop.unwrap_or(units.len())
}

/// A subject with its window: positions beyond `text.len()` do not exist for the pattern.
pub struct Matcher<'a, T: Unit> {
    program: &'a Program,
    /// The subject up to the end of the window.
    text: &'a [T],
}

impl<'a, T: Unit> Matcher<'a, T> {
    pub fn new(program: &'a Program, text: &'a [T]) -> Matcher<'a, T> {
        Matcher { program, text }
    }

    /// Looks for the first match at `from` or later; answers its start and end.
    pub fn search(
        &self,
        vm: &mut Vm,
        registers: &mut Registers,
        from: usize,
        ending: Ending,
    ) -> Py<Option<(usize, usize)>> {
        let Some(limit) = self.text.len().checked_sub(self.program.min_width) else {
            return Ok(None);
        };
        let mut start = from;
        while start <= limit {
            let Some(next) = self.candidate(start) else {
                return Ok(None);
            };
            start = next;
            if start > limit {
                break;
            }
            if let Some(end) = self.run(vm, registers, start, ending)? {
                return Ok(Some((start, end)));
            }
            start += 1;
        }
        Ok(None)
    }

    /// The next place where a match may begin.
    #[inline]
    fn candidate(&self, start: usize) -> Option<usize> {
        match &self.program.hint {
            Hint::None => Some(start),
            Hint::Window(window) => window.find(self.text, start),
            Hint::First(Single::Char(code)) => {
                T::find(&self.text[start..], *code).map(|at| at + start)
            }
            Hint::First(single) => {
                let rest = &self.text[start..];
                let at = rest
                    .iter()
                    .position(|unit| is(self.program, *single, *unit))?;
                Some(start + at)
            }
            Hint::Prefix(prefix) => {
                let mut start = start;
                loop {
                    start += T::find(&self.text[start..], prefix[0])?;
                    let here = self.text.get(start..start + prefix.len())?;
                    if here
                        .iter()
                        .zip(prefix)
                        .all(|(unit, code)| unit.code() == *code)
                    {
                        return Some(start);
                    }
                    start += 1;
                }
            }
        }
    }

    /// Matches at `start`; answers the end.
    pub fn run(
        &self,
        vm: &mut Vm,
        registers: &mut Registers,
        start: usize,
        ending: Ending,
    ) -> Py<Option<usize>> {
        registers.reset();
        if start > self.text.len() {
            return Ok(None);
        }
        let mut state = State {
            registers,
            pc: 0,
            pos: start,
        };
        let mut steps = 0u32;
        loop {
            steps = steps.wrapping_add(1);
            if steps & 0xFFFF == 0 {
                vm.safepoint()?;
            }
            let stack = &mut state.registers.stack;
            if stack.capacity() - stack.len() < 2 && stack.try_reserve(64).is_err() {
                return Err(vm.memory_error());
            }
            match self.step(&mut state, ending) {
                Outcome::On => {}
                Outcome::Back => {
                    if !self.back(&mut state) {
                        return Ok(None);
                    }
                }
                Outcome::Matched => return Ok(Some(state.pos)),
            }
        }
    }

    /// Runs one instruction.
    #[inline(always)]
    fn step(&self, state: &mut State<'_>, ending: Ending) -> Outcome {
        match self.program.ops[state.pc as usize] {
            Op::Single(single) => match self.text.get(state.pos) {
                Some(unit) if is(self.program, single, *unit) => {
                    state.pos += 1;
                    state.next()
                }
                _ => Outcome::Back,
            },
            Op::At(place) => {
                if self.at(place, state.pos) {
                    state.next()
                } else {
                    Outcome::Back
                }
            }
            Op::Mark(mark) => {
                state.mark(mark);
                state.next()
            }
            Op::Fork { other } => {
                let pos = state.pos;
                state.push(Frame::Branch { pc: other, pos });
                state.next()
            }
            Op::Jump(target) => state.jump(target),
            Op::Greedy { single, times } => {
                let count = span(self.program, single, &self.text[state.pos..], times.max);
                if count < times.min {
                    return Outcome::Back;
                }
                let least = state.pos + times.min;
                self.give_back(state, state.pc + 1, least, state.pos + count)
            }
            Op::Possessive { single, times } => {
                let count = span(self.program, single, &self.text[state.pos..], times.max);
                if count < times.min {
                    return Outcome::Back;
                }
                state.pos += count;
                state.next()
            }
            Op::Lazy { single, times } => {
                let count = span(self.program, single, &self.text[state.pos..], times.min);
                if count < times.min {
                    return Outcome::Back;
                }
                let left = times.max - times.min;
                self.take_more(state, state.pc, left, state.pos + count)
            }
            Op::RepeatStart { counter } => {
                state.set_counter(counter, 0, UNSET);
                state.next()
            }
            Op::RepeatEnd { .. } => self.repeat(state),
            Op::AtomicStart { height } => {
                state.barrier(height);
                state.next()
            }
            Op::AtomicEnd { height } => {
                state.forget_ways_back(height);
                state.next()
            }
            Op::LookStart { .. } => self.look(state),
            Op::LookEnd {
                height,
                negative,
                after,
            } => {
                if negative {
                    state.unwind_to(height);
                    return Outcome::Back;
                }
                state.pos = state.forget_ways_back(height);
                state.jump(after)
            }
            Op::Group { group, fold } => self.group(state, group, fold),
            Op::IfGroup { group, otherwise } => match state.group(group) {
                Some(_) => state.next(),
                None => state.jump(otherwise),
            },
            Op::Fail => Outcome::Back,
            Op::Success => {
                let refused = ending.full && state.pos != self.text.len()
                    || ending.not_empty_at == Some(state.pos);
                if refused {
                    Outcome::Back
                } else {
                    Outcome::Matched
                }
            }
        }
    }

    /// Pops until there is another way; false if there is none.
    #[inline]
    fn back(&self, state: &mut State<'_>) -> bool {
        loop {
            let Some(frame) = state.registers.stack.pop() else {
                return false;
            };
            match frame {
                Frame::Branch { pc, pos } => {
                    state.pc = pc;
                    state.pos = pos;
                    return true;
                }
                Frame::Greedy { pc, least, pos } => {
                    if matches!(self.give_back(state, pc, least, pos - 1), Outcome::On) {
                        return true;
                    }
                }
                Frame::Lazy { pc, left, pos } => {
                    let Op::Lazy { single, .. } = self.program.ops[pc as usize] else {
                        return false;
                    };
                    let hit = self
                        .text
                        .get(pos)
                        .is_some_and(|unit| is(self.program, single, *unit));
                    if hit && matches!(self.take_more(state, pc, left - 1, pos + 1), Outcome::On) {
                        return true;
                    }
                }
                Frame::Body { counter, pc, pos } => {
                    let (count, _) = state.registers.counters[counter as usize];
                    state.set_counter(counter, count + 1, pos);
                    state.pc = pc;
                    state.pos = pos;
                    return true;
                }
                Frame::Absent { after, pos } => {
                    state.pc = after;
                    state.pos = pos;
                    return true;
                }
                undo => state.undo(undo),
            }
        }
    }

    /// Goes on at `pc` from the greatest position between `least` and `most` that can work.
    #[inline]
    fn give_back(&self, state: &mut State<'_>, pc: u32, least: usize, most: usize) -> Outcome {
        let mut pos = most;
        // If a certain character must follow, positions before anything else are skipped.
        if let Op::Single(Single::Char(code)) = self.program.ops[pc as usize] {
            loop {
                if self.text.get(pos).is_some_and(|unit| unit.code() == code) {
                    break;
                }
                if pos == least {
                    return Outcome::Back;
                }
                pos -= 1;
            }
        }
        if pos > least {
            state.push(Frame::Greedy { pc, least, pos });
        }
        state.pos = pos;
        state.jump(pc)
    }

    /// Goes on behind a lazy repeat from the least position at `pos` or later that can work.
    #[inline]
    fn take_more(
        &self,
        state: &mut State<'_>,
        pc: u32,
        mut left: usize,
        mut pos: usize,
    ) -> Outcome {
        let (Op::Lazy { single, .. }, next) = (
            self.program.ops[pc as usize],
            self.program.ops[pc as usize + 1],
        ) else {
            return Outcome::Back;
        };
        if let Op::Single(Single::Char(code)) = next {
            loop {
                let Some(unit) = self.text.get(pos) else {
                    return Outcome::Back;
                };
                if unit.code() == code {
                    break;
                }
                if left == 0 || !is(self.program, single, *unit) {
                    return Outcome::Back;
                }
                left -= 1;
                pos += 1;
            }
        }
        if left > 0 {
            state.push(Frame::Lazy { pc, left, pos });
        }
        state.pos = pos;
        state.jump(pc + 1)
    }

    /// The end of a repeat's body: once more, or on.
    fn repeat(&self, state: &mut State<'_>) -> Outcome {
        let Op::RepeatEnd {
            counter,
            body,
            times,
            lazy,
        } = self.program.ops[state.pc as usize]
        else {
            return Outcome::Back;
        };
        let (count, last) = state.registers.counters[counter as usize];
        let pos = state.pos;
        if count < times.min {
            state.set_counter(counter, count + 1, last);
            return state.jump(body);
        }
        // A body that matched nothing is not run again.
        let again = count < times.max && last != pos;
        if lazy {
            if again {
                state.push(Frame::Body {
                    counter,
                    pc: body,
                    pos,
                });
            }
            return state.next();
        }
        if again {
            let pc = state.pc + 1;
            state.push(Frame::Branch { pc, pos });
            state.set_counter(counter, count + 1, pos);
            return state.jump(body);
        }
        state.next()
    }

    fn look(&self, state: &mut State<'_>) -> Outcome {
        let Op::LookStart {
            height,
            back,
            negative,
            after,
        } = self.program.ops[state.pc as usize]
        else {
            return Outcome::Back;
        };
        let pos = state.pos;
        let Some(from) = pos.checked_sub(back) else {
            return if negative {
                state.jump(after)
            } else {
                Outcome::Back
            };
        };
        state.barrier(height);
        if negative && let Some(top) = state.registers.stack.last_mut() {
            *top = Frame::Absent { after, pos };
        }
        state.pos = from;
        state.next()
    }

    fn group(&self, state: &mut State<'_>, group: u32, fold: Fold) -> Outcome {
        let Some((start, end)) = state.group(group) else {
            return Outcome::Back;
        };
        let len = end - start;
        let Some(here) = self.text.get(state.pos..state.pos + len) else {
            return Outcome::Back;
        };
        let there = &self.text[start..end];
        let same = if fold == Fold::None {
            here == there
        } else {
            here.iter().zip(there).all(|(a, b)| {
                let (a, b) = (a.code(), b.code());
                a == b || fold.lower(a) == fold.lower(b)
            })
        };
        if !same {
            return Outcome::Back;
        }
        state.pos += len;
        state.next()
    }

    fn at(&self, place: Place, pos: usize) -> bool {
        let text = self.text;
        let line_feed = |at: usize| text.get(at).is_some_and(|unit| unit.code() == 10);
        match place {
            Place::Start => pos == 0,
            Place::LineStart => pos == 0 || line_feed(pos - 1),
            Place::StringEnd => pos == text.len(),
            Place::End => pos == text.len() || pos + 1 == text.len() && line_feed(pos),
            Place::LineEnd => pos == text.len() || line_feed(pos),
            Place::Boundary { unicode } => self.at_boundary(pos, unicode),
            Place::NotBoundary { unicode } => !self.at_boundary(pos, unicode),
        }
    }

    fn at_boundary(&self, pos: usize, unicode: bool) -> bool {
        let word = |unit: &T| {
            if unicode {
                is_word(unit.code())
            } else {
                is_ascii_word(unit.code())
            }
        };
        let before = pos > 0 && self.text.get(pos - 1).is_some_and(word);
        before != self.text.get(pos).is_some_and(word)
    }
}

/// What one step comes to.
enum Outcome {
    On,
    Back,
    Matched,
}

struct State<'r> {
    registers: &'r mut Registers,
    pc: u32,
    pos: usize,
}

impl State<'_> {
    #[inline(always)]
    fn next(&mut self) -> Outcome {
        self.pc += 1;
        Outcome::On
    }

    #[inline(always)]
    fn jump(&mut self, target: u32) -> Outcome {
        self.pc = target;
        Outcome::On
    }

    #[inline(always)]
    fn push(&mut self, frame: Frame) {
        self.registers.stack.push(frame);
    }

    fn mark(&mut self, mark: u32) {
        let old = self.registers.marks[mark as usize];
        let last = self.registers.last;
        self.push(Frame::Mark { mark, last, old });
        self.registers.marks[mark as usize] = self.pos;
        if mark % 2 == 1 {
            self.registers.last = mark / 2 + 1;
        }
    }

    fn set_counter(&mut self, counter: u32, count: usize, pos: usize) {
        let (old_count, old_pos) = self.registers.counters[counter as usize];
        self.push(Frame::Counter {
            counter,
            count: old_count,
            pos: old_pos,
        });
        self.registers.counters[counter as usize] = (count, pos);
    }

    fn group(&self, group: u32) -> Option<(usize, usize)> {
        let start = self.registers.marks[group as usize * 2];
        let end = self.registers.marks[group as usize * 2 + 1];
        (start != UNSET && end != UNSET && start <= end).then_some((start, end))
    }

    fn undo(&mut self, frame: Frame) {
        match frame {
            Frame::Mark { mark, last, old } => {
                self.registers.marks[mark as usize] = old;
                self.registers.last = last;
            }
            Frame::Counter {
                counter,
                count,
                pos,
            } => self.registers.counters[counter as usize] = (count, pos),
            _ => {}
        }
    }

    fn barrier(&mut self, height: u32) {
        self.registers.heights[height as usize] = self.registers.stack.len();
        let pos = self.pos;
        self.push(Frame::Barrier { pos });
    }

    /// Takes away all other ways since a barrier, but not what undoes changes. Answers the barrier's position.
    fn forget_ways_back(&mut self, height: u32) -> usize {
        let from = self.registers.heights[height as usize];
        let stack = &mut self.registers.stack;
        let pos = match stack.get(from) {
            Some(Frame::Barrier { pos }) => *pos,
            _ => self.pos,
        };
        let mut kept = from;
        for i in from..stack.len() {
            if matches!(stack[i], Frame::Mark { .. } | Frame::Counter { .. }) {
                stack[kept] = stack[i];
                kept += 1;
            }
        }
        stack.truncate(kept);
        pos
    }

    /// Goes back to a barrier, which goes too.
    fn unwind_to(&mut self, height: u32) {
        let to = self.registers.heights[height as usize];
        while self.registers.stack.len() > to
            && let Some(frame) = self.registers.stack.pop()
        {
            self.undo(frame);
        }
    }
}

/// Has a character two cases? One may be several characters.
pub fn is_cased(c: u32) -> bool {
    super::class::unicode_lower(c) != c || taipan_base::unicode::full_upper(c).chars() != [c]
}
