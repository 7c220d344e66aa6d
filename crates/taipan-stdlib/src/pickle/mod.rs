//! `_pickle`: objects as bytes and back, in protocols 0 to 5.
//!
//! `save` walks an object graph and writes opcodes, `reduce` does what is not a builtin container; `load` is the stack machine
//! that reads them from an `input`. [`pickler`] and [`unpickler`] are the Python types around them. Memos live in those objects,
//! because Python code that runs meanwhile may look at them; stacks and buffers belong to the machines.

mod buffer;
mod globals;
mod input;
mod load;
mod load_object;
mod memo;
mod opcode;
mod pickler;
mod reduce;
mod save;
mod unpickler;

use crate::ModuleDef;
use crate::support::{add_type, qualified_name};
use taipan_core::builtin_types::EXCEPTION;
use taipan_core::{
    Bound, MethodDef, Py, Raised, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, bound,
};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;

/// The newest protocol that is read and written.
const HIGHEST_PROTOCOL: u8 = 5;
/// The protocol that is written unless asked for another.
const DEFAULT_PROTOCOL: u8 = 5;
/// Items written between a mark and the opcode that takes them.
const BATCH: usize = 1000;

/// `_pickle`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_pickle",
    doc: "Optimized C implementation for the Python pickle module.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 4] = [
    bound(
        "dump(module, /, obj, file, protocol=None, *, fix_imports=True, buffer_callback=None)",
        dump,
        "Write a pickled representation of obj to the open file object file.\n\n\
         This is equivalent to ``Pickler(file, protocol).dump(obj)``, but may\nbe more efficient.",
    ),
    bound(
        "dumps(module, /, obj, protocol=None, *, fix_imports=True, buffer_callback=None)",
        dumps,
        "Return the pickled representation of the object as a bytes object.",
    ),
    bound(
        "load(module, /, file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
        load,
        "Read and return an object from the pickle data stored in a file.\n\n\
         This is equivalent to ``Unpickler(file).load()``, but may be more\nefficient.",
    ),
    bound(
        "loads(module, data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=())",
        loads,
        "Read and return an object from the given pickle data.",
    ),
];

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    for (ty, spec) in [
        (&PICKLE_ERROR, &PICKLE_ERROR_SPEC),
        (&PICKLING_ERROR, &PICKLING_ERROR_SPEC),
        (&UNPICKLING_ERROR, &UNPICKLING_ERROR_SPEC),
    ] {
        ty.define(spec);
        add_type(dict, ty);
    }
    memo::define();
    add_type(dict, buffer::define());
    add_type(dict, pickler::define());
    add_type(dict, unpickler::define());
    globals::get(vm)?;
    Ok(())
}

// ---- errors ----

static PICKLE_ERROR: TypeObject = Type::declare("_pickle.PickleError");
static PICKLING_ERROR: TypeObject = Type::declare("_pickle.PicklingError");
static UNPICKLING_ERROR: TypeObject = Type::declare("_pickle.UnpicklingError");

static PICKLE_ERROR_SPEC: TypeSpec = TypeSpec {
    name: "_pickle.PickleError",
    base: Some(&EXCEPTION),
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    ..TypeSpec::DEFAULT
};
static PICKLING_ERROR_SPEC: TypeSpec = TypeSpec {
    name: "_pickle.PicklingError",
    base: Some(&PICKLE_ERROR),
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    ..TypeSpec::DEFAULT
};
static UNPICKLING_ERROR_SPEC: TypeSpec = TypeSpec {
    name: "_pickle.UnpicklingError",
    base: Some(&PICKLE_ERROR),
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    ..TypeSpec::DEFAULT
};

#[cold]
fn pickling_error(vm: &mut Vm, message: impl AsRef<str>) -> Raised {
    vm.raise(&PICKLING_ERROR, message)
}

#[cold]
fn unpickling_error(vm: &mut Vm, message: impl AsRef<str>) -> Raised {
    vm.raise(&UNPICKLING_ERROR, message)
}

/// Raises something with `context` as the exception being handled.
#[cold]
fn chained(vm: &mut Vm, context: Value, raise: impl FnOnce(&mut Vm) -> Raised) -> Raised {
    let before = vm.swap_handled(Some(context));
    let raised = raise(vm);
    drop(vm.swap_handled(before));
    raised
}

/// The type of a value for messages and notes: with its module, unless that is `builtins` or `__main__`.
#[cold]
fn type_text(vm: &mut Vm, value: &Value) -> String {
    let ty = value.type_of();
    match qualified_name(vm, ty) {
        Ok(full) => {
            let bare = full
                .strip_prefix("builtins.")
                .or_else(|| full.strip_prefix("__main__."));
            match bare {
                Some(bare) => bare.to_owned(),
                None => full,
            }
        }
        Err(raised) => {
            drop(vm.take_raised(raised));
            ty.name().to_owned()
        }
    }
}

// ---- functions ----

fn options(vm: &mut Vm, args: &Bound, first: usize) -> Py<pickler::Options> {
    let fix_imports = taipan_types::arguments::flag(vm, args.get(first + 1), true)?;
    pickler::Options::new(vm, args.get(first), fix_imports, args.get(first + 2))
}

fn dump(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let options = options(vm, args, 2)?;
    let write = pickler::write_method(vm, args.req(1))?;
    let pickler = pickler::create(Some(write), options);
    pickler::run(vm, &pickler, args.req(0))?;
    Ok(Value::none())
}

fn dumps(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let options = options(vm, args, 1)?;
    let pickler = pickler::create(None, options);
    let bytes = pickler::run(vm, &pickler, args.req(0))?;
    new_bytes(vm, &bytes)
}

fn load(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let options = unpickler::Options::new(vm, "load", args, 1)?;
    let file = unpickler::file_methods(vm, args.req(0))?;
    let unpickler = unpickler::create(Some(file), options);
    unpickler::run_file(vm, &unpickler)
}

fn loads(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let options = unpickler::Options::new(vm, "loads", args, 1)?;
    let data = bytes_like(vm, args.req(0))?;
    let unpickler = unpickler::create(None, options);
    unpickler::run_bytes(vm, &unpickler, &data)
}
