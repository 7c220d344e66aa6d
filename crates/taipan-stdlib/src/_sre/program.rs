//! From the code that `re._compiler` emits to the program that the matcher runs. Malformed code is refused here, so that the
//! matcher can rely on what it reads.

use super::class::{Class, Fold, Rule, in_category};
use super::window::Window;

/// What one character must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Single {
    Char(u32),
    NotChar(u32),
    /// Anything but a line feed.
    Any,
    AnyAll,
    /// Index of a class.
    Class(u32),
    /// Nothing matches.
    Never,
}

/// Places in the subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Start,
    LineStart,
    End,
    LineEnd,
    StringEnd,
    Boundary { unicode: bool },
    NotBoundary { unicode: bool },
}

/// How often something may match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    pub min: usize,
    pub max: usize,
}

/// One instruction. Targets are indices of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    Single(Single),
    At(Place),
    Mark(u32),
    /// Tries the next instruction first, then the other.
    Fork {
        other: u32,
    },
    Jump(u32),
    Greedy {
        single: Single,
        times: Times,
    },
    Lazy {
        single: Single,
        times: Times,
    },
    Possessive {
        single: Single,
        times: Times,
    },
    /// Begins a repeat; the number names its counter.
    RepeatStart {
        counter: u32,
    },
    /// The end of a repeat's body.
    RepeatEnd {
        counter: u32,
        body: u32,
        times: Times,
        lazy: bool,
    },
    /// Begins a part that is left without a way back.
    AtomicStart {
        height: u32,
    },
    AtomicEnd {
        height: u32,
    },
    /// Looks ahead or `back` characters behind; `after` is the instruction behind the assertion.
    LookStart {
        height: u32,
        back: usize,
        negative: bool,
        after: u32,
    },
    LookEnd {
        height: u32,
        negative: bool,
        after: u32,
    },
    Group {
        group: u32,
        fold: Fold,
    },
    /// Goes to `otherwise` if the group has not matched.
    IfGroup {
        group: u32,
        otherwise: u32,
    },
    Fail,
    Success,
}

/// How a search may skip places where no match can begin.
#[derive(Clone, Debug)]
pub enum Hint {
    None,
    /// All matches begin with this text.
    Prefix(Vec<u32>),
    /// The first character is one of these.
    First(Single),
    /// The first characters are of these sets.
    Window(Window),
}

/// A compiled pattern.
#[derive(Debug)]
pub struct Program {
    pub ops: Vec<Op>,
    pub classes: Vec<Class>,
    pub marks: usize,
    pub counters: usize,
    pub heights: usize,
    pub hint: Hint,
    /// Least length of a match.
    pub min_width: usize,
}

/// The code is not what the compiler emits.
#[derive(Debug)]
pub struct Invalid;

type Done<T = ()> = Result<T, Invalid>;

const MAX_REPEAT: u32 = u32::MAX;
const MAX_DEPTH: usize = 1000;

mod code {
    pub const FAILURE: u32 = 0;
    pub const SUCCESS: u32 = 1;
    pub const ANY: u32 = 2;
    pub const ANY_ALL: u32 = 3;
    pub const ASSERT: u32 = 4;
    pub const ASSERT_NOT: u32 = 5;
    pub const AT: u32 = 6;
    pub const BRANCH: u32 = 7;
    pub const CATEGORY: u32 = 8;
    pub const CHARSET: u32 = 9;
    pub const BIGCHARSET: u32 = 10;
    pub const GROUPREF: u32 = 11;
    pub const GROUPREF_EXISTS: u32 = 12;
    pub const IN: u32 = 13;
    pub const INFO: u32 = 14;
    pub const JUMP: u32 = 15;
    pub const LITERAL: u32 = 16;
    pub const MARK: u32 = 17;
    pub const MAX_UNTIL: u32 = 18;
    pub const MIN_UNTIL: u32 = 19;
    pub const NOT_LITERAL: u32 = 20;
    pub const NEGATE: u32 = 21;
    pub const RANGE: u32 = 22;
    pub const REPEAT: u32 = 23;
    pub const REPEAT_ONE: u32 = 24;
    pub const MIN_REPEAT_ONE: u32 = 26;
    pub const ATOMIC_GROUP: u32 = 27;
    pub const POSSESSIVE_REPEAT: u32 = 28;
    pub const POSSESSIVE_REPEAT_ONE: u32 = 29;
    pub const GROUPREF_IGNORE: u32 = 30;
    pub const IN_IGNORE: u32 = 31;
    pub const LITERAL_IGNORE: u32 = 32;
    pub const NOT_LITERAL_IGNORE: u32 = 33;
    pub const GROUPREF_LOC_IGNORE: u32 = 34;
    pub const IN_LOC_IGNORE: u32 = 35;
    pub const LITERAL_LOC_IGNORE: u32 = 36;
    pub const NOT_LITERAL_LOC_IGNORE: u32 = 37;
    pub const GROUPREF_UNI_IGNORE: u32 = 38;
    pub const IN_UNI_IGNORE: u32 = 39;
    pub const LITERAL_UNI_IGNORE: u32 = 40;
    pub const NOT_LITERAL_UNI_IGNORE: u32 = 41;
    pub const RANGE_UNI_IGNORE: u32 = 42;
}

struct Translator<'c> {
    code: &'c [u32],
    groups: usize,
    program: Program,
}

/// Translates compiled code for a pattern with `groups` groups.
pub fn translate(code: &[u32], groups: usize) -> Done<Program> {
    let mut translator = Translator {
        code,
        groups,
        program: Program {
            ops: Vec::new(),
            classes: Vec::new(),
            marks: groups * 2,
            counters: 0,
            heights: 0,
            hint: Hint::None,
            min_width: 0,
        },
    };
    let mut at = 0;
    if translator.word(0)? == code::INFO {
        at = translator.info()?;
    }
    let end = translator.sequence(at, code.len(), 0)?;
    if end != code.len() {
        return Err(Invalid);
    }
    translator.emit(Op::Success);
    if matches!(translator.program.hint, Hint::None)
        && let Some(first) = first_single(&translator.program.ops)
    {
        translator.program.hint = Hint::First(first);
    }
    let one_character = matches!(
        translator.program.hint,
        Hint::Prefix(_) | Hint::First(Single::Char(_))
    );
    if !one_character && let Some(window) = Window::of(&translator.program) {
        translator.program.hint = Hint::Window(window);
    }
    Ok(translator.program)
}

/// What every match begins with, if the program begins with a plain character.
fn first_single(ops: &[Op]) -> Option<Single> {
    for op in ops {
        match op {
            Op::Mark(_) => {}
            Op::Single(single) => return Some(*single),
            Op::Greedy { single, times }
            | Op::Lazy { single, times }
            | Op::Possessive { single, times }
                if times.min > 0 =>
            {
                return Some(*single);
            }
            _ => return None,
        }
    }
    None
}

impl Translator<'_> {
    fn word(&self, at: usize) -> Done<u32> {
        self.code.get(at).copied().ok_or(Invalid)
    }

    /// The place that the skip at `at` leads to.
    fn target(&self, at: usize, end: usize) -> Done<usize> {
        let target = at.checked_add(self.word(at)? as usize).ok_or(Invalid)?;
        if target <= end && target > at {
            Ok(target)
        } else {
            Err(Invalid)
        }
    }

    fn emit(&mut self, op: Op) -> usize {
        self.program.ops.push(op);
        self.program.ops.len() - 1
    }

    fn here(&self) -> u32 {
        self.program.ops.len() as u32
    }

    fn class(&mut self, rules: Vec<Rule>, fold: Fold, negated: bool) -> Single {
        self.program.classes.push(Class::new(rules, fold, negated));
        Single::Class(self.program.classes.len() as u32 - 1)
    }

    fn info(&mut self) -> Done<usize> {
        let end = self.target(1, self.code.len())?;
        let flags = self.word(2)?;
        self.program.min_width = self.word(3)? as usize;
        if flags & 1 != 0 {
            let len = self.word(5)? as usize;
            let prefix = self.code.get(7..7 + len).ok_or(Invalid)?.to_vec();
            if !prefix.is_empty() {
                self.program.hint = Hint::Prefix(prefix);
            }
        } else if flags & 4 != 0 {
            let (rules, _) = self.rules(5, end)?;
            let class = self.class(rules, Fold::None, false);
            self.program.hint = Hint::First(class);
        }
        Ok(end)
    }

    /// Translates up to `end` or the SUCCESS, UNTIL or JUMP that ends a part; answers where that is.
    fn sequence(&mut self, mut at: usize, end: usize, depth: usize) -> Done<usize> {
        if depth > MAX_DEPTH {
            return Err(Invalid);
        }
        while at < end {
            let op = self.word(at)?;
            if let Some((single, next)) = self.single(at, end)? {
                self.emit(Op::Single(single));
                at = next;
                continue;
            }
            at = match op {
                code::SUCCESS if end == self.code.len() && at + 1 == end => at + 1,
                code::SUCCESS | code::MAX_UNTIL | code::MIN_UNTIL | code::JUMP => return Ok(at),
                code::INFO => self.target(at + 1, end)?,
                code::AT => {
                    let place = self.place(at + 1)?;
                    self.emit(Op::At(place));
                    at + 2
                }
                code::MARK => {
                    let mark = self.word(at + 1)?;
                    if mark as usize >= self.groups * 2 {
                        return Err(Invalid);
                    }
                    self.emit(Op::Mark(mark));
                    at + 2
                }
                code::BRANCH => self.branch(at + 1, end, depth)?,
                code::REPEAT => self.repeat(at, end, depth)?,
                code::REPEAT_ONE | code::MIN_REPEAT_ONE | code::POSSESSIVE_REPEAT_ONE => {
                    self.repeat_one(at, end)?
                }
                code::POSSESSIVE_REPEAT => self.possessive(at, end, depth)?,
                code::ATOMIC_GROUP => {
                    let next = self.target(at + 1, end)?;
                    self.atomic(|own| {
                        own.body(at + 2, next, depth)?;
                        Ok(())
                    })?;
                    next
                }
                code::ASSERT | code::ASSERT_NOT => self.look(at, end, depth)?,
                code::GROUPREF
                | code::GROUPREF_IGNORE
                | code::GROUPREF_LOC_IGNORE
                | code::GROUPREF_UNI_IGNORE => {
                    let fold = match op {
                        code::GROUPREF => Fold::None,
                        code::GROUPREF_UNI_IGNORE => Fold::Unicode,
                        code::GROUPREF_LOC_IGNORE => Fold::Locale,
                        _ => Fold::Ascii,
                    };
                    let group = self.group(at + 1)?;
                    self.emit(Op::Group { group, fold });
                    at + 2
                }
                code::GROUPREF_EXISTS => self.if_group(at, end, depth)?,
                _ => return Err(Invalid),
            };
        }
        Ok(at)
    }

    fn group(&self, at: usize) -> Done<u32> {
        let group = self.word(at)?;
        if (group as usize) < self.groups {
            Ok(group)
        } else {
            Err(Invalid)
        }
    }

    /// A part that ends with SUCCESS just before `next`.
    fn body(&mut self, at: usize, next: usize, depth: usize) -> Done {
        let end = self.sequence(at, next, depth + 1)?;
        if end + 1 == next && self.word(end)? == code::SUCCESS {
            return Ok(());
        }
        Err(Invalid)
    }

    fn place(&self, at: usize) -> Done<Place> {
        Ok(match self.word(at)? {
            0 | 2 => Place::Start,
            1 => Place::LineStart,
            3 | 8 => Place::Boundary { unicode: false },
            4 | 9 => Place::NotBoundary { unicode: false },
            5 => Place::End,
            6 => Place::LineEnd,
            7 => Place::StringEnd,
            10 => Place::Boundary { unicode: true },
            11 => Place::NotBoundary { unicode: true },
            _ => return Err(Invalid),
        })
    }

    /// The single-character instruction at `at`, if it is one, and where the next begins.
    fn single(&mut self, at: usize, end: usize) -> Done<Option<(Single, usize)>> {
        let op = self.word(at)?;
        Ok(Some(match op {
            code::FAILURE => (Single::Never, at + 1),
            code::ANY => (Single::Any, at + 1),
            code::ANY_ALL => (Single::AnyAll, at + 1),
            code::LITERAL => (Single::Char(self.word(at + 1)?), at + 2),
            code::NOT_LITERAL => (Single::NotChar(self.word(at + 1)?), at + 2),
            code::CATEGORY => {
                let category = self.word(at + 1)?;
                in_category(category, 0).ok_or(Invalid)?;
                let rules = vec![Rule::Category(category)];
                (self.class(rules, Fold::None, false), at + 2)
            }
            code::LITERAL_IGNORE
            | code::LITERAL_UNI_IGNORE
            | code::LITERAL_LOC_IGNORE
            | code::NOT_LITERAL_IGNORE
            | code::NOT_LITERAL_UNI_IGNORE
            | code::NOT_LITERAL_LOC_IGNORE => {
                let (fold, negated) = match op {
                    code::LITERAL_IGNORE => (Fold::Ascii, false),
                    code::LITERAL_UNI_IGNORE => (Fold::Unicode, false),
                    code::LITERAL_LOC_IGNORE => (Fold::Locale, false),
                    code::NOT_LITERAL_IGNORE => (Fold::Ascii, true),
                    code::NOT_LITERAL_UNI_IGNORE => (Fold::Unicode, true),
                    _ => (Fold::Locale, true),
                };
                let rules = vec![Rule::Literal(self.word(at + 1)?)];
                (self.class(rules, fold, negated), at + 2)
            }
            code::IN | code::IN_IGNORE | code::IN_UNI_IGNORE | code::IN_LOC_IGNORE => {
                let next = self.target(at + 1, end)?;
                let fold = match op {
                    code::IN => Fold::None,
                    code::IN_IGNORE => Fold::Ascii,
                    code::IN_UNI_IGNORE => Fold::Unicode,
                    _ => Fold::Locale,
                };
                let (rules, set_end) = self.rules(at + 2, next)?;
                if set_end != next {
                    return Err(Invalid);
                }
                (self.class(rules, fold, false), next)
            }
            _ => return Ok(None),
        }))
    }

    /// The rules of a set up to its FAILURE.
    fn rules(&self, mut at: usize, end: usize) -> Done<(Vec<Rule>, usize)> {
        let mut rules = Vec::new();
        while at < end {
            match self.word(at)? {
                code::FAILURE => return Ok((rules, at + 1)),
                code::NEGATE => {
                    rules.push(Rule::Negate);
                    at += 1;
                }
                code::LITERAL => {
                    rules.push(Rule::Literal(self.word(at + 1)?));
                    at += 2;
                }
                code::RANGE => {
                    rules.push(Rule::Range(self.word(at + 1)?, self.word(at + 2)?));
                    at += 3;
                }
                code::RANGE_UNI_IGNORE => {
                    let rule = Rule::RangeIgnoreCase(self.word(at + 1)?, self.word(at + 2)?);
                    rules.push(rule);
                    at += 3;
                }
                code::CATEGORY => {
                    let category = self.word(at + 1)?;
                    in_category(category, 0).ok_or(Invalid)?;
                    rules.push(Rule::Category(category));
                    at += 2;
                }
                code::CHARSET => {
                    let bits = self.code.get(at + 1..at + 9).ok_or(Invalid)?;
                    rules.push(Rule::Small(bits.into()));
                    at += 9;
                }
                code::BIGCHARSET => {
                    let chunks = self.word(at + 1)? as usize;
                    let blocks = self.code.get(at + 2..at + 66).ok_or(Invalid)?;
                    let blocks: Vec<u8> =
                        blocks.iter().flat_map(|word| word.to_ne_bytes()).collect();
                    let bits = chunks
                        .checked_mul(8)
                        .and_then(|len| self.code.get(at + 66..at.checked_add(66 + len)?))
                        .ok_or(Invalid)?;
                    rules.push(Rule::Big(blocks.into(), bits.into()));
                    at += 66 + chunks * 8;
                }
                _ => return Err(Invalid),
            }
        }
        Err(Invalid)
    }

    fn branch(&mut self, mut at: usize, end: usize, depth: usize) -> Done<usize> {
        let mut exits = Vec::new();
        let mut tail = None;
        while self.word(at)? != 0 {
            let next = self.target(at, end)?;
            let last = self.word(next)? == 0;
            let fork = (!last).then(|| self.emit(Op::Fork { other: 0 }));
            let stop = self.sequence(at + 1, next, depth + 1)?;
            if stop + 2 != next || self.word(stop)? != code::JUMP {
                return Err(Invalid);
            }
            let target = self.target(stop + 1, end)?;
            if *tail.get_or_insert(target) != target {
                return Err(Invalid);
            }
            if !last {
                exits.push(self.emit(Op::Jump(0)));
            }
            if let Some(fork) = fork {
                self.program.ops[fork] = Op::Fork { other: self.here() };
            }
            at = next;
        }
        let here = self.here();
        for exit in exits {
            self.program.ops[exit] = Op::Jump(here);
        }
        match tail {
            Some(tail) if tail == at + 1 => Ok(tail),
            None => {
                self.emit(Op::Fail);
                Ok(at + 1)
            }
            _ => Err(Invalid),
        }
    }

    fn times(&self, at: usize) -> Done<Times> {
        let (min, max) = (self.word(at)?, self.word(at + 1)?);
        if min > max {
            return Err(Invalid);
        }
        Ok(Times {
            min: min as usize,
            max: if max == MAX_REPEAT {
                usize::MAX
            } else {
                max as usize
            },
        })
    }

    fn repeat_one(&mut self, at: usize, end: usize) -> Done<usize> {
        let op = self.word(at)?;
        let next = self.target(at + 1, end)?;
        let times = self.times(at + 2)?;
        let Some((single, stop)) = self.single(at + 4, next)? else {
            return Err(Invalid);
        };
        if stop + 1 != next || self.word(stop)? != code::SUCCESS {
            return Err(Invalid);
        }
        self.emit(match op {
            code::REPEAT_ONE => Op::Greedy { single, times },
            code::MIN_REPEAT_ONE => Op::Lazy { single, times },
            _ => Op::Possessive { single, times },
        });
        Ok(next)
    }

    fn repeat(&mut self, at: usize, end: usize, depth: usize) -> Done<usize> {
        let until = self.target(at + 1, end)?;
        let times = self.times(at + 2)?;
        let lazy = match self.word(until)? {
            code::MAX_UNTIL => false,
            code::MIN_UNTIL => true,
            _ => return Err(Invalid),
        };
        self.loop_of(times, lazy, |own| {
            let stop = own.sequence(at + 4, until, depth + 1)?;
            if stop == until { Ok(()) } else { Err(Invalid) }
        })?;
        Ok(until + 1)
    }

    fn loop_of(&mut self, times: Times, lazy: bool, body: impl FnOnce(&mut Self) -> Done) -> Done {
        let counter = self.program.counters as u32;
        self.program.counters += 1;
        self.emit(Op::RepeatStart { counter });
        // The jump leads to the end, which decides whether the body runs at all.
        let jump = self.emit(Op::Jump(0));
        let start = self.here();
        body(self)?;
        let here = self.here();
        self.program.ops[jump] = Op::Jump(here);
        self.emit(Op::RepeatEnd {
            counter,
            body: start,
            times,
            lazy,
        });
        Ok(())
    }

    fn possessive(&mut self, at: usize, end: usize, depth: usize) -> Done<usize> {
        let stop = self.target(at + 1, end)?;
        let times = self.times(at + 2)?;
        if self.word(stop)? != code::SUCCESS {
            return Err(Invalid);
        }
        self.atomic(|own| {
            own.loop_of(times, false, |own| {
                let reached = own.sequence(at + 4, stop, depth + 1)?;
                if reached == stop {
                    Ok(())
                } else {
                    Err(Invalid)
                }
            })
        })?;
        Ok(stop + 1)
    }

    fn atomic(&mut self, body: impl FnOnce(&mut Self) -> Done) -> Done {
        let height = self.program.heights as u32;
        self.program.heights += 1;
        self.emit(Op::AtomicStart { height });
        body(self)?;
        self.emit(Op::AtomicEnd { height });
        Ok(())
    }

    fn look(&mut self, at: usize, end: usize, depth: usize) -> Done<usize> {
        let negative = self.word(at)? == code::ASSERT_NOT;
        let next = self.target(at + 1, end)?;
        let back = self.word(at + 2)? as usize;
        let height = self.program.heights as u32;
        self.program.heights += 1;
        let start = self.emit(Op::Fail);
        self.body(at + 3, next, depth)?;
        let finish = self.emit(Op::Fail);
        let after = self.here();
        self.program.ops[start] = Op::LookStart {
            height,
            back,
            negative,
            after,
        };
        self.program.ops[finish] = Op::LookEnd {
            height,
            negative,
            after,
        };
        Ok(next)
    }

    fn if_group(&mut self, at: usize, end: usize, depth: usize) -> Done<usize> {
        let group = self.group(at + 1)?;
        let skip = self.word(at + 2)? as usize;
        let otherwise = at + 1 + skip;
        if otherwise > end || otherwise < at + 3 {
            return Err(Invalid);
        }
        let test = self.emit(Op::Fail);
        let stop = self.sequence(at + 3, otherwise, depth + 1)?;
        if stop == otherwise {
            let target = self.here();
            self.program.ops[test] = Op::IfGroup {
                group,
                otherwise: target,
            };
            return Ok(otherwise);
        }
        if stop + 2 != otherwise || self.word(stop)? != code::JUMP {
            return Err(Invalid);
        }
        let next = self.target(stop + 1, end)?;
        let exit = self.emit(Op::Jump(0));
        let target = self.here();
        self.program.ops[test] = Op::IfGroup {
            group,
            otherwise: target,
        };
        if self.sequence(otherwise, next, depth + 1)? != next {
            return Err(Invalid);
        }
        let here = self.here();
        self.program.ops[exit] = Op::Jump(here);
        Ok(next)
    }
}
