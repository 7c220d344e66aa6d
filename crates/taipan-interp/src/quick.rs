//! The quickened copy of a code object: fixed-width instructions with prefixes folded in, fused pairs, and inline caches.
//!
//! The portable code never changes. Here an instruction is one 8-byte word, so that a single load fetches opcode, cache number and
//! operand. Instructions specialise themselves by exchanging their opcode; the operand stays, so going back is always possible.

use std::cell::UnsafeCell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use taipan_bytecode::code::{Code, CodeFlags};
use taipan_bytecode::exception_table::{self, ExceptionEntry};
use taipan_bytecode::for_each_op;
use taipan_bytecode::ops::{Op, OperandKind};

macro_rules! define_quick_ops {
    ($($name:ident $text:literal = $number:literal, $operand:ident,
       |$arg:pat_param| $pops:expr => $pushes:expr $(, jump $jpops:expr => $jpushes:expr)?,
       [$($flag:ident)|*], $doc:literal;)*) => {
        /// Opcodes of the quickened copy: all portable ones, and those that exist only here.
        #[repr(u8)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Quick {
            $($name = $number,)*
            /// `LOAD_FAST a; LOAD_FAST b` (operand `a | b << 16`).
            LoadFastLoadFast = 200,
            /// `LOAD_FAST a; LOAD_CONST b`.
            LoadFastLoadConst = 201,
            /// `STORE_FAST a; LOAD_FAST b`.
            StoreFastLoadFast = 202,
            /// `COMPARE_OP op; POP_JUMP_IF_FALSE target` (operand `target`, cache field `op`).
            CompareJumpIfFalse = 203,
            /// `COMPARE_OP op; POP_JUMP_IF_TRUE target`.
            CompareJumpIfTrue = 204,
            /// `LOAD_ATTR` of an inline slot: cache shape, version, byte offset.
            LoadAttrSlot = 205,
            /// `LOAD_ATTR` of something found on the type that is no descriptor: cache shape, version, word.
            LoadAttrType = 206,
            /// `STORE_ATTR` to an existing inline slot.
            StoreAttrSlot = 207,
            /// `STORE_ATTR` that adds an inline slot: cache holds the old shape, the version, and offset with the new shape.
            StoreAttrAdd = 208,
            /// `LOAD_METHOD` of a function on the type, not hidden by an instance attribute.
            LoadMethodType = 209,
            /// `LOAD_GLOBAL` from the globals dict: keys version and entry.
            LoadGlobalModule = 210,
            /// `LOAD_GLOBAL` from the builtins dict.
            LoadGlobalBuiltin = 211,
            /// `LOAD_ATTR` of a module's dict.
            LoadAttrModule = 212,
            /// `LOAD_FAST a; LOAD_FAST b; BINARY_SUBSCR`.
            LoadFastLoadFastSubscr = 213,
            /// `LOAD_FAST a; LOAD_ATTR` of an inline slot: the owner is borrowed (operand `name | local << 16`).
            LoadFastAttrSlot = 214,
            /// `LOAD_FAST a; LOAD_ATTR` of something on the type that is no descriptor.
            LoadFastAttrType = 225,
            /// `LOAD_FAST a; LOAD_ATTR`, general form.
            LoadFastAttr = 222,
            /// `LOAD_FAST a; LOAD_FAST b; BINARY_SUBSCR; LOAD_FAST c; BINARY_SUBSCR` (ten bits for each local).
            LoadFastSubscrTwice = 223,
            /// `DUP_TOP_TWO; BINARY_SUBSCR`: container and key stay.
            DupTwoSubscr = 224,
            /// `LOAD_FAST i; BINARY_SUBSCR`: the key is borrowed.
            LoadFastSubscr = 215,
            /// `LOAD_METHOD` of a module's dict: a plain value.
            LoadMethodModule = 216,
            /// `LOAD_ATTR` of a `__slots__` place through its member descriptor.
            LoadAttrFixed = 217,
            /// `STORE_ATTR` to a `__slots__` place.
            StoreAttrFixed = 218,
            /// `LOAD_ATTR` of a type object's own or inherited attribute.
            LoadAttrClass = 219,
            /// `LOAD_METHOD` of a type object's own or inherited attribute.
            LoadMethodClass = 220,
            /// `FOR_ITER; STORE_FAST` (operand `target`, cache field the local).
            ForIterStoreFast = 221,
        }
    };
}

for_each_op!(define_quick_ops);

/// One quickened instruction.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
pub struct Instr {
    pub op: Quick,
    /// Tries left before the instruction is specialised; counts down.
    pub counter: u8,
    /// Number of its cache, if it has one.
    pub cache: u16,
    pub arg: u32,
}

const _: () = assert!(size_of::<Instr>() == 8);

/// What an instruction remembers.
#[derive(Clone, Copy, Default)]
#[repr(C)]
pub struct Cache {
    pub shape: u32,
    pub version: u32,
    pub word: u64,
}

/// Cache number of instructions that have none.
pub const NO_CACHE: u16 = u16::MAX;

/// First specialisation attempt after this many runs.
pub const WARMUP: u8 = 2;
static EAGER: AtomicBool = AtomicBool::new(false);

/// Stress mode: every instruction tries to specialise at its first run. For code quickened from now on.
pub fn specialize_at_once() {
    EAGER.store(true, Relaxed);
}

fn warmup() -> u8 {
    if EAGER.load(Relaxed) { 0 } else { WARMUP }
}

/// After a failed attempt, the next one comes after so many runs.
pub const BACKOFF: u8 = 64;

/// The quickened copy.
///
/// Each thread has a copy of its own, so that instructions can specialise themselves without regard to others.
pub struct QuickCode {
    /// The owner id of the thread that runs it.
    owner: u16,
    instrs: Box<[UnsafeCell<Instr>]>,
    caches: Box<[UnsafeCell<Cache>]>,
    /// For each quick instruction, the unit index of its (first) portable instruction.
    units: Box<[u32]>,
    /// For each unit, the quick instruction that covers it.
    index_of_unit: Box<[u32]>,
    /// Handlers, in quick indexes.
    pub handlers: Box<[ExceptionEntry]>,
    /// The line of each unit, 0 for none; made when somebody watches.
    pub(crate) lines: OnceLock<Box<[u32]>>,
    /// Whether a line begins at a unit; made when somebody watches.
    pub(crate) line_starts: OnceLock<Box<[bool]>>,
}

// SAFETY: instructions and caches are plain words, written by the owner only.
unsafe impl Sync for QuickCode {}

fn takes_cache(op: Quick) -> bool {
    matches!(
        op,
        Quick::LoadAttr
            | Quick::StoreAttr
            | Quick::LoadMethod
            | Quick::LoadGlobal
            | Quick::CompareJumpIfFalse
            | Quick::CompareJumpIfTrue
            | Quick::ForIterStoreFast
            | Quick::LoadFastAttr
    )
}

/// Quick instructions with what relates them to the portable ones; jumps name portable units still.
struct Translation {
    instrs: Vec<UnsafeCell<Instr>>,
    caches: Vec<UnsafeCell<Cache>>,
    units: Vec<u32>,
    index_of_unit: Vec<u32>,
}

impl Translation {
    fn with_capacity(units: usize) -> Translation {
        Translation {
            instrs: Vec::with_capacity(units),
            caches: Vec::new(),
            units: Vec::with_capacity(units),
            index_of_unit: Vec::with_capacity(units + 1),
        }
    }

    /// Adds an instruction for portable ones; `blamed` is the unit that errors in it belong to.
    #[inline]
    fn add(&mut self, instr: Instr, parts: &[Portable], blamed: u32) {
        let index = self.instrs.len() as u32;
        for part in parts {
            for _ in part.start..=part.at {
                self.index_of_unit.push(index);
            }
        }
        self.instrs.push(UnsafeCell::new(instr));
        self.units.push(blamed);
    }

    /// One quick instruction for each portable one, for code that runs once: the body of a module or class, unless it has a loop.
    fn plain(code: &Code) -> Option<Translation> {
        if code.flags.contains(CodeFlags::OPTIMIZED) {
            return None;
        }
        let mut made = Translation::with_capacity(code.units());
        for portable in code.instructions() {
            let op = quick_op(portable.op.unwrap_or(Op::Nop));
            if jumps(op) && portable.operand <= portable.at {
                return None;
            }
            let instr = Instr {
                op,
                counter: warmup(),
                cache: NO_CACHE,
                arg: portable.operand,
            };
            made.add(instr, &[portable], portable.at);
        }
        Some(made)
    }

    /// Fused instructions with caches, for code that may run often.
    fn fused(code: &Code, entries: &[ExceptionEntry]) -> Translation {
        let mut portable: Vec<Portable> = Vec::with_capacity(code.units());
        portable.extend(code.instructions());
        let target = targets(&portable, code.units(), entries);
        let mut made = Translation::with_capacity(code.units());
        let mut at = 0;
        while at < portable.len() {
            let cached = made.caches.len() < NO_CACHE as usize;
            let first = portable[at];
            let (op, arg, field, taken) = if begins_fusion(first.op) {
                // Instructions that may be fused with the first: no jump goes into their middle.
                let end = portable.len().min(at + 5);
                let last = (at + 1..end)
                    .find(|next| target[portable[*next].start as usize])
                    .unwrap_or(end);
                fuse(&portable[at..last], cached)
            } else {
                (quick_op(first.op.unwrap_or(Op::Nop)), first.operand, 0, 1)
            };
            let mut cache = NO_CACHE;
            if cached && takes_cache(op) {
                cache = made.caches.len() as u16;
                made.caches.push(UnsafeCell::new(Cache {
                    word: field,
                    ..Cache::default()
                }));
            }
            let instr = Instr {
                op,
                counter: warmup(),
                cache,
                arg,
            };
            // The unit to blame for an error: of a fused instruction the part that does the work.
            let parts = &portable[at..at + taken];
            let blamed = parts[if blames_last(op) { taken - 1 } else { 0 }].at;
            made.add(instr, parts, blamed);
            at += taken;
        }
        made
    }
}

/// Which units are entered from somewhere else than the one before.
fn targets(portable: &[Portable], units: usize, entries: &[ExceptionEntry]) -> Vec<bool> {
    let mut target = vec![false; units + 1];
    for instruction in portable {
        if let Ok(op) = instruction.op
            && op.info().operand == OperandKind::Jump
        {
            target[instruction.operand as usize] = true;
        }
    }
    for entry in entries {
        target[entry.target as usize] = true;
        target[entry.start as usize] = true;
        target[entry.end as usize] = true;
    }
    target
}

impl QuickCode {
    /// Translates the (verified) portable code, for the thread with that owner id.
    pub fn new(code: &Code, owner: u16) -> QuickCode {
        let mut handlers: Box<[ExceptionEntry]> =
            exception_table::entries(&code.exceptiontable).collect();
        let mut made =
            Translation::plain(code).unwrap_or_else(|| Translation::fused(code, &handlers));
        made.index_of_unit.push(made.instrs.len() as u32);
        let index_of_unit = &made.index_of_unit;
        for instr in &mut made.instrs {
            let instr = instr.get_mut();
            if jumps(instr.op) {
                instr.arg = index_of_unit[instr.arg as usize];
            }
        }
        for entry in &mut handlers {
            for unit in [&mut entry.start, &mut entry.end, &mut entry.target] {
                *unit = index_of_unit[*unit as usize];
            }
        }
        QuickCode {
            owner,
            instrs: made.instrs.into(),
            caches: made.caches.into(),
            units: made.units.into(),
            index_of_unit: made.index_of_unit.into(),
            handlers,
            lines: OnceLock::new(),
            line_starts: OnceLock::new(),
        }
    }

    /// The owner id of the thread that runs this copy.
    #[inline(always)]
    pub fn owner(&self) -> u16 {
        self.owner
    }

    /// The first instruction.
    #[inline(always)]
    pub fn start(&self) -> *mut Instr {
        self.instrs.as_ptr() as *mut Instr
    }

    /// The instruction at a quick index.
    #[inline(always)]
    pub fn at(&self, index: u32) -> *mut Instr {
        self.start().wrapping_add(index as usize)
    }

    /// The quick index of an instruction.
    #[inline(always)]
    pub fn index(&self, instr: *const Instr) -> u32 {
        ((instr as usize - self.start() as usize) / size_of::<Instr>()) as u32
    }

    /// The portable unit of a quick index.
    pub fn unit(&self, index: u32) -> u32 {
        self.units.get(index as usize).copied().unwrap_or(0)
    }

    /// The first portable unit of a quick index.
    pub fn first_unit(&self, index: u32) -> u32 {
        let unit = self.unit(index);
        let before = self.index_of_unit.get(..unit as usize).unwrap_or(&[]);
        let more = before.iter().rev().take_while(|own| **own == index);
        unit - more.count() as u32
    }

    /// The unit of a frame that has not run its first quick instruction: that of `GEN_START`, which stands for its beginning.
    pub fn unit_of_beginning(&self) -> Option<u32> {
        let first = self.instrs.first()?;
        // SAFETY: a plain word.
        let op = unsafe { (*first.get()).op };
        (op == Quick::GenStart).then_some(0)
    }

    /// The quick index that covers a portable unit.
    pub fn index_of_unit(&self, unit: u32) -> u32 {
        self.index_of_unit.get(unit as usize).copied().unwrap_or(0)
    }

    /// The first cache.
    #[inline(always)]
    pub fn caches(&self) -> *mut Cache {
        self.caches.as_ptr() as *mut Cache
    }

    /// A copy of the instruction at a quick index, for those who look on.
    ///
    /// # Panics
    /// If there is none.
    pub fn instruction(&self, index: u32) -> Instr {
        // SAFETY: a plain word that lives as long as this; a copy may be one step behind.
        unsafe { *self.instrs[index as usize].get() }
    }

    /// A copy of what the instruction at a quick index remembers.
    pub fn cache(&self, index: u32) -> Option<Cache> {
        let cache = self.caches.get(self.instruction(index).cache as usize)?;
        // SAFETY: as in `instruction`.
        Some(unsafe { *cache.get() })
    }

    pub fn len(&self) -> usize {
        self.instrs.len()
    }

    pub fn is_empty(&self) -> bool {
        self.instrs.is_empty()
    }

    /// The innermost handler of a quick index.
    pub fn handler(&self, index: u32) -> Option<ExceptionEntry> {
        self.handlers
            .iter()
            .find(|entry| entry.start <= index && index < entry.end)
            .copied()
    }
}

/// Is it the last part of the fused instruction that can fail?
fn blames_last(op: Quick) -> bool {
    matches!(
        op,
        Quick::StoreFastLoadFast
            | Quick::LoadFastSubscr
            | Quick::LoadFastLoadFastSubscr
            | Quick::LoadFastSubscrTwice
            | Quick::DupTwoSubscr
            | Quick::LoadFastAttr
    )
}

fn jumps(op: Quick) -> bool {
    matches!(
        op,
        Quick::JumpAbsolute
            | Quick::PopJumpIfFalse
            | Quick::PopJumpIfTrue
            | Quick::PopJumpIfNone
            | Quick::PopJumpIfNotNone
            | Quick::JumpIfFalseOrPop
            | Quick::JumpIfTrueOrPop
            | Quick::ForIter
            | Quick::CompareJumpIfFalse
            | Quick::CompareJumpIfTrue
            | Quick::ForIterStoreFast
    )
}

/// The quick opcode of a portable one: numbers are the same.
fn quick_op(op: Op) -> Quick {
    // SAFETY: `Quick` has every portable opcode under its number: both enums come from the same table.
    unsafe { std::mem::transmute::<u8, Quick>(op as u8) }
}

type Portable = taipan_bytecode::code::Instruction;

/// May [`fuse`] take more than this instruction?
fn begins_fusion(op: Result<Op, u8>) -> bool {
    matches!(
        op,
        Ok(Op::LoadFast | Op::StoreFast | Op::DupTopTwo | Op::CompareOp | Op::ForIter)
    )
}

/// The quick instruction for the first portable instruction or several: opcode, operand, cache word, number taken.
fn fuse(row: &[Portable], cached: bool) -> (Quick, u32, u64, usize) {
    let op = |at: usize| row.get(at).and_then(|instruction| instruction.op.ok());
    let arg = |at: usize| row.get(at).map_or(0, |instruction| instruction.operand);
    let small = |at: usize, bits: u32| arg(at) < 1 << bits;
    let pair = arg(0) | arg(1) << 16;
    let first = op(0).unwrap_or(Op::Nop);
    match (first, op(1), op(2)) {
        (Op::LoadFast, Some(Op::LoadFast), Some(Op::BinarySubscr))
            if op(3) == Some(Op::LoadFast)
                && op(4) == Some(Op::BinarySubscr)
                && small(0, 10)
                && small(1, 10)
                && small(3, 10) =>
        {
            (
                Quick::LoadFastSubscrTwice,
                arg(0) | arg(1) << 10 | arg(3) << 20,
                0,
                5,
            )
        }
        (Op::LoadFast, Some(Op::LoadFast), Some(Op::BinarySubscr))
            if small(0, 16) && small(1, 16) =>
        {
            (Quick::LoadFastLoadFastSubscr, pair, 0, 3)
        }
        (Op::LoadFast, Some(Op::BinarySubscr), _) => (Quick::LoadFastSubscr, arg(0), 0, 2),
        // A subscript that follows takes the second local.
        (Op::LoadFast, Some(Op::LoadFast), third)
            if small(0, 16) && small(1, 16) && third != Some(Op::LoadAttr) =>
        {
            (Quick::LoadFastLoadFast, pair, 0, 2)
        }
        (Op::LoadFast, Some(Op::LoadConst), _) if small(0, 16) && small(1, 16) => {
            (Quick::LoadFastLoadConst, pair, 0, 2)
        }
        (Op::LoadFast, Some(Op::LoadAttr), _) if cached && small(0, 16) && small(1, 16) => {
            (Quick::LoadFastAttr, arg(1) | arg(0) << 16, 0, 2)
        }
        (Op::StoreFast, Some(Op::LoadFast), second)
            if small(0, 16)
                && small(1, 16)
                && !matches!(second, Some(Op::LoadAttr | Op::BinarySubscr)) =>
        {
            (Quick::StoreFastLoadFast, pair, 0, 2)
        }
        (Op::DupTopTwo, Some(Op::BinarySubscr), _) => (Quick::DupTwoSubscr, 0, 0, 2),
        (Op::CompareOp, Some(Op::PopJumpIfFalse), _) if cached => {
            (Quick::CompareJumpIfFalse, arg(1), u64::from(arg(0)), 2)
        }
        (Op::CompareOp, Some(Op::PopJumpIfTrue), _) if cached => {
            (Quick::CompareJumpIfTrue, arg(1), u64::from(arg(0)), 2)
        }
        (Op::ForIter, Some(Op::StoreFast), _) if cached => {
            (Quick::ForIterStoreFast, arg(0), u64::from(arg(1)), 2)
        }
        _ => (quick_op(first), arg(0), 0, 1),
    }
}
