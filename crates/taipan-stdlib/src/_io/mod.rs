//! `_io`: files. One layer a file: the abstract bases, raw files, buffers, text, and files in memory.

mod base;
mod buffered;
mod bytes_io;
mod file;
mod newline;
mod open;
mod string_io;
mod text;

use crate::ModuleDef;
use crate::support::add;
use taipan_core::latch::Latch;
use taipan_core::{
    Py, Raised, Type, TypeObject, Value, Vm, builtin_types, exception, name, tuple_object,
};

/// The default size of buffers.
pub const DEFAULT_BUFFER_SIZE: usize = 128 * 1024;

macro_rules! declare {
    ($($ident:ident $text:literal)*) => {
        $(pub(crate) static $ident: TypeObject = Type::declare($text);)*
    };
}

declare! {
    IO_BASE "_io._IOBase"
    RAW_IO_BASE "_io._RawIOBase"
    BUFFERED_IO_BASE "_io._BufferedIOBase"
    TEXT_IO_BASE "_io._TextIOBase"
    FILE_IO "_io.FileIO"
    BYTES_IO "_io.BytesIO"
    BYTES_IO_BUFFER "_io._BytesIOBuffer"
    STRING_IO "_io.StringIO"
    BUFFERED_READER "_io.BufferedReader"
    BUFFERED_WRITER "_io.BufferedWriter"
    BUFFERED_RANDOM "_io.BufferedRandom"
    BUFFERED_RW_PAIR "_io.BufferedRWPair"
    TEXT_IO_WRAPPER "_io.TextIOWrapper"
    NEWLINE_DECODER "_io.IncrementalNewlineDecoder"
}

/// `io.UnsupportedOperation`, a class of its own with two bases.
fn unsupported_class(vm: &mut Vm) -> Py {
    #[derive(Default)]
    struct Class(Latch<Option<Value>>);
    if let Some(class) = &*vm.interpreter_state::<Class>().0.borrow() {
        return Ok(class.clone());
    }
    let bases = tuple_object::new_tuple([
        builtin_types::OS_ERROR.to_value(),
        builtin_types::VALUE_ERROR.to_value(),
    ]);
    let namespace = taipan_core::dict_object::new_dict();
    add(
        &namespace,
        "__module__",
        taipan_core::str_object::new_str("io"),
    );
    let class_name = taipan_core::str_object::new_str("UnsupportedOperation");
    let class = vm.call(
        &builtin_types::TYPE.to_value(),
        &[class_name, bases, namespace],
    )?;
    *vm.interpreter_state::<Class>().0.borrow_mut() = Some(class.clone());
    Ok(class)
}

/// Raises `io.UnsupportedOperation(message)`.
#[cold]
pub(crate) fn unsupported(vm: &mut Vm, message: &str) -> Raised {
    match unsupported_class(vm) {
        Ok(class) => vm.raise(class.expect::<Type>(), message),
        Err(raised) => raised,
    }
}

/// Raises `ValueError` for an operation on a closed file.
#[cold]
pub(crate) fn closed_file(vm: &mut Vm) -> Raised {
    vm.value_error("I/O operation on closed file.")
}

/// Does one thing and then another, whether or not the first went well. If both fail, the second error has the first as its
/// context.
pub(crate) fn both(vm: &mut Vm, first: Py, second: impl FnOnce(&mut Vm) -> Py) -> Py {
    let Err(raised) = first else {
        return second(vm);
    };
    let error = vm.take_raised(raised);
    match second(vm) {
        Ok(_) => Err(vm.set_pending(error)),
        Err(raised) => {
            let later = vm.take_raised(raised);
            exception::set_context(vm, &later, Some(error));
            Err(vm.set_pending(later))
        }
    }
}

/// Puts what was pickled of an instance's `__dict__` back; `place` counts the items of the state.
fn restore_dict(vm: &mut Vm, this: &Value, dict: &Value, place: &str) -> Py {
    if dict.is_none() {
        return Ok(Value::none());
    }
    if taipan_core::dict_object::dict_of(dict).is_none() {
        let message = format!(
            "{place} item of state should be a dict, got a {}",
            dict.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let own = vm.get_attr(this, name!("__dict__"))?;
    vm.call_method(&own, name!("update"), std::slice::from_ref(dict))?;
    Ok(Value::none())
}

/// `__getstate__` of streams that cannot be pickled.
fn cannot_pickle(vm: &mut Vm, this: &Value) -> Py {
    let message = format!("cannot pickle '{}' instances", this.type_of().short_name());
    Err(vm.type_error(message))
}

/// The value of an attribute that takes a truth value and cannot be deleted.
fn flag_argument(vm: &mut Vm, value: Option<&Value>) -> Py<bool> {
    match value {
        Some(value) if value.is_exact(&builtin_types::BOOL) => Ok(value.is_true()),
        Some(_) => Err(vm.type_error("attribute value type must be bool")),
        None => Err(vm.type_error("can't delete numeric/char attribute")),
    }
}

/// Is the file closed? Asks the object.
pub fn is_closed(vm: &mut Vm, file: &Value) -> Py<bool> {
    if let Some(closed) = file::known_closed(vm, file).or_else(|| buffered::known_closed(vm, file))
    {
        return Ok(closed);
    }
    let closed = vm.get_attr(file, name!("closed"))?;
    vm.truth(&closed)
}

/// The size argument of reads: `None` and negative numbers mean "all".
pub(crate) fn size_argument(vm: &mut Vm, value: Option<&Value>) -> Py<Option<usize>> {
    match value {
        None => Ok(None),
        Some(value) if value.is_none() => Ok(None),
        Some(value) => {
            if value.type_of().slots().index.is_none() {
                let message = format!(
                    "argument should be integer or None, not '{}'",
                    value.type_of().name()
                );
                return Err(vm.type_error(message));
            }
            let size = vm.index_i64(value)?;
            Ok(usize::try_from(size).ok())
        }
    }
}

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    base::define();
    file::define();
    buffered::define();
    bytes_io::define();
    string_io::define();
    newline::define();
    text::define();
    for ty in [
        &IO_BASE,
        &RAW_IO_BASE,
        &BUFFERED_IO_BASE,
        &TEXT_IO_BASE,
        &FILE_IO,
        &BYTES_IO,
        &BYTES_IO_BUFFER,
        &STRING_IO,
        &BUFFERED_READER,
        &BUFFERED_WRITER,
        &BUFFERED_RANDOM,
        &BUFFERED_RW_PAIR,
        &TEXT_IO_WRAPPER,
        &NEWLINE_DECODER,
    ] {
        add(dict, ty.short_name(), ty.to_value());
    }
    let unsupported = unsupported_class(vm)?;
    add(dict, "UnsupportedOperation", unsupported);
    add(
        dict,
        "BlockingIOError",
        builtin_types::BLOCKING_IO_ERROR.to_value(),
    );
    add(
        dict,
        "DEFAULT_BUFFER_SIZE",
        Value::int(DEFAULT_BUFFER_SIZE as i64),
    );
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_io",
    doc: "The io module provides the Python interfaces to stream handling.",
    functions: &open::FUNCTIONS,
    init,
};
