//! Code objects: the portable code as values, and its quickened copy, both made when they are first needed.

use crate::quick::QuickCode;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use taipan_bytecode::code::{Code, CodeFlags, Constant};
use taipan_core::number::int_from_big;
use taipan_core::payload::{Payload, Tracer};
use taipan_core::{
    Py, Thread, TypeObject, Value, Vm, alloc, builtin_types, str_object, tuple_object,
};

/// Payload of code objects.
///
/// Most code never runs: a program imports modules of which it calls a few functions. So what only running or looking needs is
/// made on first use; reading a field of [`Parts`] through a code object makes them.
pub struct CodeObject {
    pub code: Arc<Code>,
    pub name: Value,
    pub qualname: Value,
    /// Number of fast slots: varnames, cellvars, freevars.
    pub slots: usize,
    /// A call with exactly `argcount` positional arguments needs no binding and no cells.
    pub simple: bool,
    parts: OnceLock<Box<Parts>>,
}

/// What running code needs.
pub struct Parts {
    pub filename: Value,
    /// Interned names, `co_names`.
    pub names: Box<[Value]>,
    /// `co_consts`.
    pub consts: Box<[Value]>,
    /// Names of all fast slots.
    pub slot_names: Box<[Value]>,
    /// For each cellvar, the parameter whose value it takes over.
    pub cell_to_arg: Box<[Option<u32>]>,
    /// The first quickened copy.
    quick: QuickCode,
    /// Those of other threads, by owner id.
    others: OnceLock<Box<Copies>>,
}

// SAFETY: all references are reported.
unsafe impl Payload for CodeObject {
    fn type_object() -> &'static TypeObject {
        &builtin_types::CODE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        if let Some(parts) = self.parts.get() {
            tracer.visit_all(parts.names.iter());
            tracer.visit_all(parts.consts.iter());
        }
    }
}

impl Deref for CodeObject {
    type Target = Parts;
    #[inline(always)]
    fn deref(&self) -> &Parts {
        self.parts.get_or_init(|| Box::new(Parts::new(&self.code)))
    }
}

fn text(text: &str) -> Value {
    str_object::name(text)
}

impl CodeObject {
    /// Makes the code object.
    pub fn create(code: &Arc<Code>) -> Value {
        let simple = !code
            .flags
            .intersects(CodeFlags::VARARGS | CodeFlags::VARKEYWORDS | CodeFlags::GENERATOR_LIKE)
            && code.flags.contains(CodeFlags::OPTIMIZED)
            && code.kwonlyargcount == 0
            && code.is_cell_free();
        alloc::new_object(CodeObject {
            name: text(&code.name),
            qualname: text(&code.qualname),
            slots: code.nslots(),
            simple,
            parts: OnceLock::new(),
            code: code.clone(),
        })
    }

    /// A quickened copy: the one that was made first.
    pub fn quick(&self) -> &QuickCode {
        &self.quick
    }

    /// The thread's quickened copy.
    #[inline(always)]
    pub fn quick_of(&self, thread: &Thread) -> &QuickCode {
        let parts: &Parts = self;
        if parts.quick.owner() == thread.owner {
            &parts.quick
        } else {
            let others = parts.others.get_or_init(Box::default);
            others.of(thread.owner, &self.code)
        }
    }

    #[inline(always)]
    pub fn flags(&self) -> CodeFlags {
        self.code.flags
    }

    /// Its names and constants, as far as they were made.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        let parts = self.parts.get();
        let rows = parts.map(|parts| (&parts.names, &parts.consts));
        let made = rows
            .into_iter()
            .flat_map(|(names, consts)| names.iter().chain(consts));
        [&self.name, &self.qualname].into_iter().chain(made)
    }

    /// The docstring, or `None`.
    pub fn docstring(&self) -> Value {
        if self.flags().contains(CodeFlags::HAS_DOCSTRING)
            && let Some(doc) = self.consts.first()
        {
            doc.clone()
        } else {
            Value::none()
        }
    }
}

/// Quickened copies by owner id. Ids are given again, so there are as many copies as threads ran the code at a time.
///
/// Ids are spread over rows of 1, 2, 4, ... places, which are made when needed and never move.
#[derive(Default)]
struct Copies {
    rows: [OnceLock<Row>; 16],
}

type Row = Box<[OnceLock<Box<QuickCode>>]>;

impl Copies {
    #[inline]
    fn of(&self, owner: u16, code: &Code) -> &QuickCode {
        let place = owner as u32 + 1;
        let bits = place.ilog2();
        let row = self.rows[(bits as usize).min(15)].get_or_init(|| {
            let places = 1usize << bits;
            (0..places).map(|_| OnceLock::new()).collect()
        });
        row[(place - (1 << bits)) as usize].get_or_init(|| Box::new(QuickCode::new(code, owner)))
    }
}

impl Parts {
    #[cold]
    #[inline(never)]
    fn new(code: &Code) -> Parts {
        let parts = Parts::make(code);
        // Threads use code in common.
        for value in parts.names.iter().chain(&parts.consts) {
            share(value);
        }
        parts
    }

    fn make(code: &Code) -> Parts {
        Parts {
            filename: text(&code.filename),
            names: code.names.iter().map(|name| text(name)).collect(),
            consts: code_constants(code),
            slot_names: code
                .varnames
                .iter()
                .chain(&code.cellvars)
                .chain(&code.freevars)
                .map(|name| text(name))
                .collect(),
            cell_to_arg: code
                .cell_to_arg()
                .map(|arg| arg.map(|arg| arg as u32))
                .collect(),
            quick: QuickCode::new(code, taipan_core::refcount::current_owner()),
            others: OnceLock::new(),
        }
    }
}

/// Lets each thread count for itself, if there are several.
fn share(constant: &Value) {
    if taipan_core::world::is_shared() {
        taipan_core::shared_counts::share_new(constant);
        tuple_object::items(constant)
            .unwrap_or(&[])
            .iter()
            .for_each(share);
    }
}

/// The constants as values. Making them runs no Python code and fails only where memory has run out.
fn code_constants(code: &Code) -> Box<[Value]> {
    // SAFETY: no Python code runs, so it does not matter whether guards are alive.
    let Some(mut vm) = (unsafe { Vm::current() }) else {
        unreachable!("code is looked at by threads of an interpreter");
    };
    match constants(&mut vm, &code.consts) {
        Ok(values) => values.into(),
        Err(_) => std::alloc::handle_alloc_error(std::alloc::Layout::new::<Value>()),
    }
}

fn constants(vm: &mut Vm, row: &[Constant]) -> Py<Vec<Value>> {
    row.iter().map(|item| constant(vm, item)).collect()
}

/// A constant as a value.
pub fn constant(vm: &mut Vm, constant: &Constant) -> Py {
    Ok(match constant {
        Constant::None => Value::none(),
        Constant::Bool(b) => Value::bool(*b),
        Constant::Ellipsis => Value::ellipsis(),
        Constant::Int(i) => Value::int(*i),
        Constant::BigInt(big) => {
            let magnitude = dashu_int::UBig::from_le_bytes(&big.magnitude);
            let sign = if big.negative {
                dashu_int::Sign::Negative
            } else {
                dashu_int::Sign::Positive
            };
            int_from_big(dashu_int::IBig::from_parts(sign, magnitude))
        }
        Constant::Float(bits) => Value::float(f64::from_bits(*bits)),
        Constant::Complex(re, im) => {
            taipan_types::complex::new_complex(f64::from_bits(*re), f64::from_bits(*im))
        }
        Constant::Str(bytes) => constant_text(bytes),
        Constant::Bytes(bytes) => taipan_types::bytes::new_bytes(vm, bytes)?,
        Constant::Tuple(items) => tuple_object::new_tuple(constants(vm, items)?),
        Constant::FrozenSet(items) => {
            let items = tuple_object::new_tuple(constants(vm, items)?);
            taipan_types::set::frozenset_from(vm, &items)?
        }
        Constant::Slice(parts) => {
            let [start, stop, step] = &**parts;
            let (start, stop) = (self::constant(vm, start)?, self::constant(vm, stop)?);
            let step = self::constant(vm, step)?;
            taipan_types::slice::new_slice(start, stop, step)
        }
        Constant::Code(code) => CodeObject::create(code),
    })
}

/// Text that looks like a name is interned, as CPython does.
fn constant_text(bytes: &[u8]) -> Value {
    let value = str_object::new_from_wtf8(bytes);
    if bytes.len() <= 64
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || *b == b'_')
    {
        str_object::intern(&value)
    } else {
        value
    }
}
