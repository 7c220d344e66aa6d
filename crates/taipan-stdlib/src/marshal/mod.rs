//! `marshal`: values as bytes, in version 5 of CPython's format.
//!
//! Data is bit for bit CPython's. A code object is one record: its type byte, a length, and the body of a code file
//! (`taipan_bytecode::marshal`), since bytecode is our own.

mod read;
mod write;

use crate::ModuleDef;
use crate::support::add;
use taipan_core::str_object::name;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, builtin_types};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;

/// The newest version of the format.
const VERSION: i64 = 5;

/// Nesting that is refused in both directions.
const MAX_DEPTH: u32 = 2000;

/// Type bytes.
mod tag {
    pub const NULL: u8 = b'0';
    pub const NONE: u8 = b'N';
    pub const FALSE: u8 = b'F';
    pub const TRUE: u8 = b'T';
    pub const STOP_ITERATION: u8 = b'S';
    pub const ELLIPSIS: u8 = b'.';
    pub const INT: u8 = b'i';
    /// Read only: no version writes it any more.
    pub const INT64: u8 = b'I';
    pub const LONG: u8 = b'l';
    pub const TEXT_FLOAT: u8 = b'f';
    pub const FLOAT: u8 = b'g';
    pub const TEXT_COMPLEX: u8 = b'x';
    pub const COMPLEX: u8 = b'y';
    pub const BYTES: u8 = b's';
    pub const INTERNED: u8 = b't';
    pub const STR: u8 = b'u';
    pub const ASCII: u8 = b'a';
    pub const ASCII_INTERNED: u8 = b'A';
    pub const SHORT_ASCII: u8 = b'z';
    pub const SHORT_ASCII_INTERNED: u8 = b'Z';
    pub const TUPLE: u8 = b'(';
    pub const SMALL_TUPLE: u8 = b')';
    pub const LIST: u8 = b'[';
    pub const DICT: u8 = b'{';
    pub const SET: u8 = b'<';
    pub const FROZEN_SET: u8 = b'>';
    pub const SLICE: u8 = b':';
    pub const CODE: u8 = b'c';
    /// A reference to an object that had [`REF_FLAG`].
    pub const REF: u8 = b'r';
    /// Or-ed to a type byte: later references count this object.
    pub const REF_FLAG: u8 = 0x80;
}

/// `marshal`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "marshal",
    doc: "This module contains functions that can read and write Python values in\n\
          a binary format. The format is specific to Python, but independent of\n\
          machine architecture issues.\n\n\
          Not all Python object types are supported; in general, only objects\n\
          whose value is independent from a particular invocation of Python can be\n\
          written and read.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 4] = [
    bound(
        "dump(module, value, file, version=5, /, *, allow_code=True)",
        dump,
        "Write the value on the open file.\n\n  value\n    Must be a supported type.\n  file\n    Must be a writeable binary file.\n  version\n    Indicates the data format that dump should use.\n  allow_code\n    Allow to write code objects.",
    ),
    bound(
        "dumps(module, value, version=5, /, *, allow_code=True)",
        dumps,
        "Return the bytes object that would be written to a file by dump(value, file).\n\n  value\n    Must be a supported type.\n  version\n    Indicates the data format that dumps should use.\n  allow_code\n    Allow to write code objects.",
    ),
    bound(
        "load(module, file, /, *, allow_code=True)",
        load,
        "Read one value from the open file and return it.\n\n  file\n    Must be readable binary file.\n  allow_code\n    Allow to load code objects.",
    ),
    bound(
        "loads(module, bytes, /, *, allow_code=True)",
        loads,
        "Convert the bytes-like object to a value.\n\n  allow_code\n    Allow to load code objects.",
    ),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    add(dict, "version", Value::int(VERSION));
    Ok(())
}

fn allow_code(vm: &mut Vm, value: Option<&Value>) -> Py<bool> {
    taipan_types::arguments::flag(vm, value, true)
}

fn version(vm: &mut Vm, value: Option<&Value>) -> Py<i64> {
    value.map_or(Ok(VERSION), |value| vm.index_i64(value))
}

fn dump(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let version = version(vm, args.get(2))?;
    let code = allow_code(vm, args.get(3))?;
    let bytes = write::write(vm, args.req(0), version, code)?;
    let bytes = new_bytes(vm, &bytes)?;
    vm.call_method(args.req(1), &name("write"), &[bytes])
}

fn dumps(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let version = version(vm, args.get(1))?;
    let code = allow_code(vm, args.get(2))?;
    let bytes = write::write(vm, args.req(0), version, code)?;
    new_bytes(vm, &bytes)
}

fn load(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let code = allow_code(vm, args.get(1))?;
    let file = args.req(0);
    let probe = vm.call_method(file, &name("read"), &[Value::from_i32(0)])?;
    if taipan_types::bytes::bytes_of(&probe).is_none() {
        let message = format!(
            "file.read() returned not bytes but {}",
            probe.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    read::read(vm, read::Source::File(file.clone()), code)
}

/// The code object that a file holds behind its header; `None` if it holds something else, or nothing that can be read.
pub fn read_code(vm: &mut Vm, bytes: &[u8]) -> Option<Value> {
    match read::read(vm, read::Source::Bytes { bytes, at: 0 }, true) {
        Ok(value) => Some(value).filter(|value| value.is_exact(&builtin_types::CODE)),
        Err(raised) => {
            drop(vm.take_raised(raised));
            None
        }
    }
}

fn loads(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let code = allow_code(vm, args.get(1))?;
    let bytes = bytes_like(vm, args.req(0))?;
    read::read(
        vm,
        read::Source::Bytes {
            bytes: &bytes,
            at: 0,
        },
        code,
    )
}
