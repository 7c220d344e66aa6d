//! The native modules of the standard library: one file or folder for each, under CPython's names.

pub mod _codecs;
pub mod _imp;
pub mod _io;
pub mod _json;
pub mod _locale;
pub mod _opcode;
pub mod _signal;
pub mod _sre;
pub mod _stat;
pub mod _string;
pub mod abc;
pub mod array;
pub mod ast;
pub mod asyncio;
pub mod atexit;
pub mod audit;
pub mod binascii;
pub mod bisect;
pub mod builtins;
pub mod cmath;
pub mod collections;
pub mod config;
pub mod contextvars;
pub mod csv;
pub mod datetime;
pub mod decimal;
pub mod errno;
pub mod faulthandler;
pub mod fcntl;
pub mod functools;
pub mod gc_module;
pub mod grp;
pub mod heapq;
pub mod itertools;
pub mod library;
pub mod locks;
pub mod marshal;
pub mod math;
pub mod mmap;
pub mod multiprocessing;
pub mod operator;
pub mod path;
pub mod pickle;
pub mod posix;
pub mod posix_subprocess;
pub mod posixshmem;
pub mod pwd;
pub mod queue;
pub mod random;
pub mod resource;
pub mod select;
pub mod socket;
pub mod statistics;
pub mod structs;
pub mod structseq;
pub mod support;
pub mod symtable;
pub mod sys;
pub mod sysconfig;
pub mod syslog;
pub mod termios;
pub mod thread;
pub mod time;
pub mod tokenize;
pub mod traceback_print;
mod types_module;
pub mod typing;
pub mod unicodedata;
pub mod uuid;
pub mod warnings;
pub mod weakref_module;
pub mod zoneinfo;

#[doc(hidden)]
pub use taipan_core;
use taipan_core::{MethodDef, Py, Value, Vm};

/// The declaration of a native module.
pub struct ModuleDef {
    pub name: &'static str,
    pub doc: &'static str,
    pub functions: &'static [MethodDef],
    /// Fills in what is not a function: constants, types. The value is the module's dict.
    pub init: fn(&mut Vm, &Value) -> Py<()>,
}

/// All native modules, by name.
pub static MODULES: &[&ModuleDef] = &[
    &_codecs::MODULE,
    &_imp::MODULE,
    &_io::MODULE,
    &_json::MODULE,
    &_opcode::MODULE,
    &_signal::MODULE,
    &_locale::MODULE,
    &_sre::MODULE,
    &_stat::MODULE,
    &_string::MODULE,
    &types_module::MODULE,
    &abc::MODULE,
    &array::MODULE,
    &ast::MODULE,
    &asyncio::MODULE,
    &atexit::MODULE,
    &binascii::MODULE,
    &bisect::MODULE,
    &builtins::MODULE,
    &cmath::MODULE,
    &collections::MODULE,
    &contextvars::MODULE,
    &csv::MODULE,
    &datetime::MODULE,
    &decimal::MODULE,
    &errno::MODULE,
    &faulthandler::MODULE,
    &fcntl::MODULE,
    &functools::MODULE,
    &gc_module::MODULE,
    &grp::MODULE,
    &heapq::MODULE,
    &itertools::MODULE,
    &library::MODULE,
    &marshal::MODULE,
    &math::MODULE,
    &mmap::MODULE,
    &multiprocessing::MODULE,
    &operator::MODULE,
    &pickle::MODULE,
    &posix::MODULE,
    &posix_subprocess::MODULE,
    &posixshmem::MODULE,
    &pwd::MODULE,
    &queue::MODULE,
    &resource::MODULE,
    &select::MODULE,
    &socket::MODULE,
    &random::MODULE,
    &statistics::MODULE,
    &structs::MODULE,
    &symtable::MODULE,
    &sys::MODULE,
    &sysconfig::MODULE,
    &syslog::MODULE,
    &termios::MODULE,
    &thread::MODULE,
    &time::MODULE,
    &tokenize::MODULE,
    &typing::MODULE,
    &unicodedata::MODULE,
    &uuid::MODULE,
    &warnings::MODULE,
    &weakref_module::MODULE,
    &zoneinfo::MODULE,
];
