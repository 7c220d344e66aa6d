//! `OSError`: the error number picks the subclass.

use super::{base, get_field, member, own_dict, set_field as set_member, shown};
use crate::text::Builder;
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types as types;
use taipan_core::builtin_types::{BLOCKING_IO_ERROR, OS_ERROR};
use taipan_core::exception::{self, Exception, field, set_field};
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Args, GetSetDef, MethodDef, Py, Raised, TypeObject, Value, Vm, f0, getset};

const ERRNO: usize = 0;
const STRERROR: usize = 1;
const FILENAME: usize = 2;
const FILENAME2: usize = 3;
/// An int, or empty.
const WRITTEN: usize = 4;

/// The exception class for an error number.
pub fn class_for(errno: i32) -> &'static TypeObject {
    match errno {
        libc::EAGAIN | libc::EALREADY | libc::EINPROGRESS => &types::BLOCKING_IO_ERROR,
        libc::EPIPE | libc::ESHUTDOWN => &types::BROKEN_PIPE_ERROR,
        libc::ECHILD => &types::CHILD_PROCESS_ERROR,
        libc::ECONNABORTED => &types::CONNECTION_ABORTED_ERROR,
        libc::ECONNREFUSED => &types::CONNECTION_REFUSED_ERROR,
        libc::ECONNRESET => &types::CONNECTION_RESET_ERROR,
        libc::EEXIST => &types::FILE_EXISTS_ERROR,
        libc::ENOENT => &types::FILE_NOT_FOUND_ERROR,
        libc::EISDIR => &types::IS_A_DIRECTORY_ERROR,
        libc::ENOTDIR => &types::NOT_A_DIRECTORY_ERROR,
        libc::EINTR => &types::INTERRUPTED_ERROR,
        libc::EACCES | libc::EPERM => &types::PERMISSION_ERROR,
        libc::ESRCH => &types::PROCESS_LOOKUP_ERROR,
        libc::ETIMEDOUT => &types::TIMEOUT_ERROR,
        _ => &OS_ERROR,
    }
}

/// The system's text for an error number.
pub fn strerror(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

/// Raises the `OSError` of an error number, with the file it is about.
#[cold]
pub fn raise_errno(vm: &mut Vm, errno: i32, filename: Option<&Value>) -> Raised {
    let mut args = vec![Value::from_i32(errno), new_str(&strerror(errno))];
    args.extend(filename.cloned());
    vm.raise_with(&OS_ERROR, &args)
}

/// Raises the `OSError` of a failed operation of Rust's standard library.
#[cold]
pub fn raise_io(vm: &mut Vm, error: &std::io::Error, filename: Option<&Value>) -> Raised {
    match error.raw_os_error() {
        Some(errno) => raise_errno(vm, errno, filename),
        None => vm.raise(&OS_ERROR, error.to_string()),
    }
}

/// Does `__init__` do the work of making an instance? So it is if the class overrides it but not `__new__`.
fn init_works(cls: &TypeObject) -> bool {
    let overrides_init = cls.slots().init.map(|f| f as usize)
        != Some(init as fn(&mut Vm, &Value, Args<'_>) -> Py<()> as usize);
    let own_new = cls.slots().new.map(|f| f as usize)
        == Some(new as fn(&mut Vm, &TypeObject, Args<'_>) -> Py as usize);
    overrides_init && own_new
}

fn refuse_keywords(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py<()> {
    if args.has_keywords() {
        let message = format!("{}() takes no keyword arguments", cls.full_name());
        return Err(vm.type_error(message));
    }
    Ok(())
}

pub(super) fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if init_works(cls) {
        return Ok(new_instance(
            cls,
            Exception::new(taipan_core::tuple_object::empty_tuple()),
        ));
    }
    refuse_keywords(vm, cls, args)?;
    let mut class = cls;
    if std::ptr::eq(cls, &OS_ERROR)
        && (2..=5).contains(&args.pos().len())
        && let Some(errno) = args.pos()[0]
            .as_i64()
            .and_then(|errno| i32::try_from(errno).ok())
    {
        class = class_for(errno);
    }
    let this = new_instance(class, Exception::new(new_tuple(args.pos().iter().cloned())));
    fill(vm, &this, args.pos())?;
    Ok(this)
}

pub(super) fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    if !init_works(this.type_of()) {
        return Ok(());
    }
    refuse_keywords(vm, this.type_of(), args)?;
    fill(vm, this, args.pos())
}

/// Takes the arguments `(errno, strerror, filename, winerror, filename2)` apart.
fn fill(vm: &mut Vm, this: &Value, args: &[Value]) -> Py<()> {
    let full = (2..=5).contains(&args.len());
    let mut kept = args;
    if full {
        let given = |index: usize| args.get(index).filter(|value| !value.is_none());
        if let Some(filename) = given(2) {
            if this.is_exact(&BLOCKING_IO_ERROR) && is_number(filename) {
                let written = written_count(vm, filename)?;
                set_field(vm, this, WRITTEN, Some(written));
            } else {
                set_field(vm, this, FILENAME, Some(filename.clone()));
                set_field(vm, this, FILENAME2, given(4).cloned());
                kept = &args[..2];
            }
        }
        set_field(vm, this, ERRNO, Some(args[0].clone()));
        set_field(vm, this, STRERROR, Some(args[1].clone()));
    }
    base::set_args(vm, this, kept);
    Ok(())
}

fn is_number(value: &Value) -> bool {
    let slots = value.type_of().slots();
    slots.index.is_some() || slots.int.is_some() || slots.float.is_some() || value.is_int()
}

/// A count of characters; too large ones are a `ValueError`.
fn written_count(vm: &mut Vm, value: &Value) -> Py {
    let index = vm.index(value)?;
    match index.as_i64() {
        Some(count) => Ok(Value::int(count)),
        None => {
            let message = format!(
                "cannot fit '{}' into an index-sized integer",
                value.type_of().name()
            );
            Err(vm.value_error(message))
        }
    }
}

pub(super) fn str(vm: &mut Vm, this: &Value) -> Py {
    let errno = field(vm, this, ERRNO);
    let strerror = field(vm, this, STRERROR);
    let filename = field(vm, this, FILENAME);
    if filename.is_none() && (errno.is_none() || strerror.is_none()) {
        return base::str(vm, this);
    }
    let mut out = Builder::new();
    let errno = shown(vm, errno.as_ref())?;
    let strerror = shown(vm, strerror.as_ref())?;
    out.push_str("[Errno ");
    out.push_value(&errno);
    out.push_str("] ");
    out.push_value(&strerror);
    if let Some(filename) = filename {
        let filename = vm.repr(&filename)?;
        out.push_str(": ");
        out.push_value(&filename);
        if let Some(second) = field(vm, this, FILENAME2) {
            let second = vm.repr(&second)?;
            out.push_str(" -> ");
            out.push_value(&second);
        }
    }
    out.finish(vm)
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let mut args = exception::args(vm, this);
    if let (Some([errno, strerror]), Some(filename)) = (items(&args), field(vm, this, FILENAME)) {
        let mut all = vec![errno.clone(), strerror.clone(), filename];
        if let Some(second) = field(vm, this, FILENAME2) {
            all.extend([Value::none(), second]);
        }
        args = new_tuple(all);
    }
    let class = this.type_of().to_value();
    Ok(match own_dict(this) {
        Some(dict) => new_tuple([class, args, dict]),
        None => new_tuple([class, args]),
    })
}

fn get_written(vm: &mut Vm, this: &Value) -> Py {
    match field(vm, this, WRITTEN) {
        Some(written) => Ok(written),
        None => Err(vm.attribute_error("characters_written")),
    }
}

fn set_written(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let written = match value {
        Some(value) => Some(written_count(vm, value)?),
        None => {
            get_written(vm, this)?;
            None
        }
    };
    set_field(vm, this, WRITTEN, written);
    Ok(())
}

pub(super) static METHODS: [MethodDef; 1] = [f0("__reduce__(self, /)", reduce, "")];

pub(super) static GETSET: [GetSetDef; 5] = [
    member::<ERRNO>("errno", "POSIX exception code"),
    member::<STRERROR>("strerror", "exception strerror"),
    getset(
        "filename",
        get_field::<FILENAME>,
        set_member::<FILENAME>,
        "exception filename",
    ),
    member::<FILENAME2>("filename2", "second exception filename"),
    getset("characters_written", get_written, set_written, ""),
];
