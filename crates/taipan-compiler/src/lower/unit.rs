//! The state of one code object under construction.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use taipan_bytecode::Constant;
use taipan_bytecode::line_table::Position;
use taipan_syntax::ast;

use super::ir::{Label, Sequence};
use crate::scopes::{BlockId, Ident, NameScope};

/// A list of distinct values with their indices.
#[derive(Debug)]
pub(crate) struct Indexed<T> {
    pub list: Vec<T>,
    index: HashMap<T, u32>,
}

impl<T> Default for Indexed<T> {
    fn default() -> Self {
        Indexed {
            list: Vec::new(),
            index: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Indexed<T> {
    pub fn add(&mut self, value: T) -> u32 {
        if let Some(&i) = self.index.get(&value) {
            return i;
        }
        let i = self.list.len() as u32;
        self.index.insert(value.clone(), i);
        self.list.push(value);
        i
    }

    pub fn get<Q>(&self, value: &Q) -> Option<u32>
    where
        T: std::borrow::Borrow<Q>,
        Q: Eq + std::hash::Hash + ?Sized,
    {
        self.index.get(value).copied()
    }
}

impl Indexed<Constant> {
    /// Adds a constant; code is never shared, as comparing nested code costs more than it saves.
    pub fn add_constant(&mut self, value: Constant) -> u32 {
        if !matches!(value, Constant::Code(_)) {
            return self.add(value);
        }
        self.list.push(value);
        self.list.len() as u32 - 1
    }
}

/// What kind of code a unit is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum UnitKind {
    Module,
    Class,
    Function,
    AsyncFunction,
    Lambda,
    Comprehension,
    /// Type parameters, type variables, aliases, annotations.
    Annotations,
}

/// A syntactic region that a jump out of has to clean up.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Region<'a> {
    While,
    /// The iterator is on the stack.
    For,
    /// Guarded by a handler.
    TryExcept,
    /// Guarded; the body runs on the way out.
    FinallyTry(&'a [ast::Stmt]),
    /// In a handler that runs a `finally` body: exception and previous exception are on the stack, guarded.
    FinallyEnd,
    /// `exit` is on the stack, guarded.
    With {
        is_async: bool,
        pos: Position,
    },
    /// In an `except` clause: the previous exception is on the stack; guarded, and once more if there is a name.
    HandlerCleanup(Option<&'a str>),
    /// A value to return lies on the stack while a `finally` body runs.
    PopValue,
    /// In the dispatch part of `except`: nothing to do.
    ExceptionHandler,
    /// In an `except*` clause, which nothing may leave.
    ExceptionGroupHandler,
    /// The iteration of an asynchronous comprehension.
    AsyncComprehension,
}

/// A region and where `continue` and `break` go if it is a loop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegionInfo<'a> {
    pub region: Region<'a>,
    pub start: Label,
    pub exit: Label,
}

/// A variable annotation of a module or class, lowered at its end.
#[derive(Clone, Copy)]
pub(crate) struct DeferredAnnotation<'a> {
    pub name: &'a ast::ExprName,
    pub annotation: &'a ast::Expr,
    /// Its number in `__conditional_annotations__`.
    pub condition: Option<u32>,
    pub pos: Position,
}

/// One code object under construction.
pub(crate) struct Unit<'a> {
    pub kind: UnitKind,
    pub block: BlockId,
    pub name: Ident,
    pub qualname: Ident,
    pub private: Option<Ident>,
    pub firstlineno: u32,
    pub argcount: u32,
    pub posonlyargcount: u32,
    pub kwonlyargcount: u32,
    pub names: Indexed<Ident>,
    pub varnames: Indexed<Ident>,
    pub cellvars: Indexed<Ident>,
    pub freevars: Indexed<Ident>,
    pub consts: Indexed<Constant>,
    pub code: Sequence,
    /// The handlers of the code being emitted, innermost last.
    pub handlers: Vec<Label>,
    pub regions: Vec<RegionInfo<'a>>,
    /// Names that an inlined comprehension sees differently from its surroundings.
    pub overrides: HashMap<Ident, NameScope>,
    pub inlined: u32,
    /// Nesting of statements that may not be executed.
    pub conditional: u32,
    pub annotations: Vec<DeferredAnnotation<'a>>,
    /// Where the code that sets up a module's annotations goes.
    pub annotations_at: Option<usize>,
    pub next_condition: u32,
    pub static_attributes: BTreeSet<Ident>,
    /// Inside a `finally` body, and inside a loop in it (for warnings).
    pub in_finally: bool,
    pub in_loop: bool,
}

impl Unit<'_> {
    pub fn new(kind: UnitKind, block: BlockId, name: Ident, firstlineno: u32) -> Self {
        Unit {
            kind,
            block,
            qualname: Arc::clone(&name),
            name,
            private: None,
            firstlineno,
            argcount: 0,
            posonlyargcount: 0,
            kwonlyargcount: 0,
            names: Indexed::default(),
            varnames: Indexed::default(),
            cellvars: Indexed::default(),
            freevars: Indexed::default(),
            consts: Indexed::default(),
            code: Sequence::default(),
            handlers: Vec::new(),
            regions: Vec::new(),
            overrides: HashMap::new(),
            inlined: 0,
            conditional: 0,
            annotations: Vec::new(),
            annotations_at: None,
            next_condition: 0,
            static_attributes: BTreeSet::new(),
            in_finally: false,
            in_loop: false,
        }
    }
}
