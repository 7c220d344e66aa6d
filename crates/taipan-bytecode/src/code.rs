//! Code objects and constants as plain data, independent of any running interpreter.
//!
//! # Layout of a frame's fast locals
//! Slots are `varnames`, then `cellvars`, then `freevars`. The first `argcount + kwonlyargcount` varnames are the
//! parameters (positional-only ones first), then the `*args` name if [`CodeFlags::VARARGS`], then the `**kwargs` name
//! if [`CodeFlags::VARKEYWORDS`]. When a frame is made, every cellvar slot gets a new cell and the freevar slots get
//! the cells of the function's closure tuple. **A cellvar with the name of a parameter takes the argument's value
//! into its new cell, and the parameter's own slot is left unbound** ([`Code::cell_to_arg`]).
//! Code without [`CodeFlags::OPTIMIZED`] (modules, classes, `exec` text) runs with a locals mapping; varnames it has
//! are hidden temporaries of inlined comprehensions and are not part of that mapping.
//!
//! # Starting
//! Calling a function whose code is a generator, coroutine or async generator makes the generator object at once; its
//! frame starts at instruction 0 with one item on the stack (see `GEN_START`).

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use bitflags::bitflags;

pub use crate::body::{Body, LazyBody};
pub use crate::shared::{Bytes, Name};

bitflags! {
    /// `co_flags`.
    #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
    pub struct CodeFlags: u32 {
        /// Locals live in fast slots, not in a mapping.
        const OPTIMIZED = 0x1;
        /// A new locals mapping is made for each call.
        const NEWLOCALS = 0x2;
        /// Has `*args`.
        const VARARGS = 0x4;
        /// Has `**kwargs`.
        const VARKEYWORDS = 0x8;
        /// Defined inside a function.
        const NESTED = 0x10;
        /// Generator function.
        const GENERATOR = 0x20;
        /// `async def` without `yield`.
        const COROUTINE = 0x80;
        /// Generator whose iterator may be awaited (`types.coroutine`).
        const ITERABLE_COROUTINE = 0x100;
        /// `async def` with `yield`.
        const ASYNC_GENERATOR = 0x200;
        /// `from __future__ import division`.
        const FUTURE_DIVISION = 0x20000;
        /// `from __future__ import absolute_import`.
        const FUTURE_ABSOLUTE_IMPORT = 0x40000;
        /// `from __future__ import with_statement`.
        const FUTURE_WITH_STATEMENT = 0x80000;
        /// `from __future__ import print_function`.
        const FUTURE_PRINT_FUNCTION = 0x10_0000;
        /// `from __future__ import unicode_literals`.
        const FUTURE_UNICODE_LITERALS = 0x20_0000;
        /// `from __future__ import barry_as_FLUFL`.
        const FUTURE_BARRY_AS_BDFL = 0x40_0000;
        /// `from __future__ import generator_stop`.
        const FUTURE_GENERATOR_STOP = 0x80_0000;
        /// `from __future__ import annotations`.
        const FUTURE_ANNOTATIONS = 0x100_0000;
        /// `co_consts[0]` is the docstring.
        const HAS_DOCSTRING = 0x400_0000;
        /// A function defined in a class body.
        const METHOD = 0x800_0000;
    }
}

impl CodeFlags {
    /// The flags of code whose call makes a generator-like object instead of running.
    pub const GENERATOR_LIKE: CodeFlags = CodeFlags::GENERATOR
        .union(CodeFlags::COROUTINE)
        .union(CodeFlags::ASYNC_GENERATOR);
    /// The `__future__` flags.
    pub const FUTURE: CodeFlags = CodeFlags::FUTURE_DIVISION
        .union(CodeFlags::FUTURE_ABSOLUTE_IMPORT)
        .union(CodeFlags::FUTURE_WITH_STATEMENT)
        .union(CodeFlags::FUTURE_PRINT_FUNCTION)
        .union(CodeFlags::FUTURE_UNICODE_LITERALS)
        .union(CodeFlags::FUTURE_BARRY_AS_BDFL)
        .union(CodeFlags::FUTURE_GENERATOR_STOP)
        .union(CodeFlags::FUTURE_ANNOTATIONS);
}

/// A constant. Equality and hash are those of the constant table: `-0.0`, `0.0`, `0`, `False` all differ, NaNs are
/// equal when their bits are.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Constant {
    /// `None`
    None,
    /// `True` or `False`
    Bool(bool),
    /// `...`
    Ellipsis,
    /// An int that fits.
    Int(i64),
    /// An int that does not fit [`Constant::Int`].
    BigInt(BigInt),
    /// The bits of a float.
    Float(u64),
    /// The bits of a complex number's parts.
    Complex(u64, u64),
    /// Text as WTF-8: UTF-8 in which lone surrogates are encoded like any other code point.
    Str(Bytes),
    /// A bytes literal.
    Bytes(Bytes),
    /// A tuple of constants.
    Tuple(Arc<[Constant]>),
    /// A frozenset of constants, in source order, possibly with items that are equal to Python.
    FrozenSet(Arc<[Constant]>),
    /// `slice(start, stop, step)`
    Slice(Arc<[Constant; 3]>),
    /// Code of a nested function, class or comprehension.
    Code(Arc<Code>),
}

impl Constant {
    /// A string constant.
    pub fn str(text: &str) -> Constant {
        Constant::Str(text.as_bytes().into())
    }

    /// A float constant.
    pub fn float(value: f64) -> Constant {
        Constant::Float(value.to_bits())
    }
}

/// Sign and magnitude of an int beyond 64 bits.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct BigInt {
    /// Whether it is below zero.
    pub negative: bool,
    /// Little-endian bytes of the absolute value, the last not zero.
    pub magnitude: Arc<[u8]>,
}

/// A code object: what making a function of it needs, and the body, which calling it needs.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Code {
    /// `co_name`
    pub name: Name,
    /// `co_qualname`
    pub qualname: Name,
    /// `co_filename`
    pub filename: Name,
    /// `co_flags`
    pub flags: CodeFlags,
    /// `co_argcount`: positional parameters, the positional-only ones included.
    pub argcount: u32,
    /// `co_posonlyargcount`
    pub posonlyargcount: u32,
    /// `co_kwonlyargcount`
    pub kwonlyargcount: u32,
    /// `co_stacksize`: exactly the deepest stack that any path reaches.
    pub stacksize: u32,
    /// `co_firstlineno`
    pub firstlineno: u32,
    /// The rest, whose fields are reached through the code itself.
    pub body: LazyBody,
}

impl Deref for Code {
    type Target = Body;
    #[inline]
    fn deref(&self) -> &Body {
        &self.body
    }
}

impl DerefMut for Code {
    fn deref_mut(&mut self) -> &mut Body {
        &mut self.body
    }
}

impl Code {
    /// The code, and code in it, with lines but without columns.
    pub fn without_columns(mut self) -> Code {
        let firstlineno = self.firstlineno;
        self.linetable = crate::line_table::without_columns(&self.linetable, firstlineno).into();
        for constant in &mut self.consts {
            if let Constant::Code(inner) = constant {
                *inner = Arc::new(Code::without_columns((**inner).clone()));
            }
        }
        self
    }

    /// `co_nlocals`
    pub fn nlocals(&self) -> usize {
        self.body.slots().locals as usize
    }

    /// Number of fast-local slots: varnames, cellvars, freevars.
    pub fn nslots(&self) -> usize {
        let slots = self.body.slots();
        slots.locals as usize + slots.cells as usize + slots.free as usize
    }

    /// Has it neither cells of its own nor those of functions around it? Known without the body.
    pub fn is_cell_free(&self) -> bool {
        let slots = self.body.slots();
        slots.cells == 0 && slots.free == 0
    }

    /// Number of leading varnames that are parameters, `*args` and `**kwargs` included.
    pub fn nparams(&self) -> usize {
        self.argcount as usize
            + self.kwonlyargcount as usize
            + usize::from(self.flags.contains(CodeFlags::VARARGS))
            + usize::from(self.flags.contains(CodeFlags::VARKEYWORDS))
    }

    /// For each cellvar, the index of the parameter whose value its cell takes over when a frame is made.
    pub fn cell_to_arg(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        let params = &self.varnames[..self.nparams().min(self.varnames.len())];
        self.cellvars
            .iter()
            .map(move |cell| params.iter().position(|param| param == cell))
    }

    /// Whether a call makes a generator, coroutine or async generator.
    pub fn is_generator_like(&self) -> bool {
        self.flags.intersects(CodeFlags::GENERATOR_LIKE)
    }

    /// Number of two-byte units.
    pub fn units(&self) -> usize {
        self.bytecode.len() / 2
    }

    /// The line that a frame is on before its first instruction: where the definition begins; modules begin before their first
    /// line.
    pub fn line_of_beginning(&self) -> u32 {
        if &*self.name == "<module>" {
            0
        } else {
            self.firstlineno
        }
    }

    /// Decodes the instructions.
    pub fn instructions(&self) -> Instructions<'_> {
        Instructions {
            bytecode: &self.bytecode,
            unit: 0,
        }
    }

    /// The name for the operand of a `Cell` instruction.
    pub fn cell_name(&self, index: usize) -> Option<&Name> {
        match self.cellvars.get(index) {
            Some(name) => Some(name),
            None => self.freevars.get(index.checked_sub(self.cellvars.len())?),
        }
    }
}

/// One decoded instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// Unit index of its first prefix, or of itself: the place that jumps name.
    pub start: u32,
    /// Unit index of the opcode itself: the place that the line and exception tables and `f_lasti` mean.
    pub at: u32,
    /// The opcode, or the byte that is none.
    pub op: Result<crate::ops::Op, u8>,
    /// The operand with its prefixes.
    pub operand: u32,
}

/// Iterator over the instructions of a code string; prefixes are folded in.
pub struct Instructions<'a> {
    bytecode: &'a [u8],
    unit: usize,
}

impl Iterator for Instructions<'_> {
    type Item = Instruction;

    fn next(&mut self) -> Option<Instruction> {
        let start = self.unit as u32;
        let mut operand = 0u32;
        loop {
            let at = self.unit;
            let [number, byte] = *self.bytecode.get(2 * at..2 * at + 2)? else {
                return None;
            };
            self.unit += 1;
            operand = operand << 8 | u32::from(byte);
            match crate::ops::Op::from_u8(number) {
                Some(crate::ops::Op::ExtendedArg) if self.unit * 2 < self.bytecode.len() => {}
                op => {
                    return Some(Instruction {
                        start,
                        at: at as u32,
                        op: op.ok_or(number),
                        operand,
                    });
                }
            }
        }
    }
}
