//! `posix`: the system calls that `os` is made of, one theme a file.

mod constants;
mod descriptors;
mod directory;
mod environment;
mod extended;
mod files;
mod identity;
mod names;
mod path_text;
mod process;
mod sched;
mod spawn;
mod stat;
mod terminal;

use crate::ModuleDef;
use crate::path::{self, errno};
use crate::support::{add, add_type};
use std::sync::OnceLock;
use taipan_core::str_object::new_str;
use taipan_core::{Bound, MethodDef, Py, Raised, Value, Vm, builtin_types};
use taipan_types::exceptions::os_error::raise_errno;
use taipan_types::list::new_list;

pub use spawn::{before_fork, fork_in_child, fork_in_parent};

/// The module `posix`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "posix",
    doc: "System calls of POSIX systems, as Python functions.\n\nPrograms should import os, which builds on this module.",
    functions: &[],
    init,
};

/// What `os` asks to learn which functions take descriptors, `dir_fd` and `follow_symlinks`.
static HAVE: &[&str] = &[
    #[cfg(target_os = "linux")]
    "HAVE_EVENTFD",
    #[cfg(target_os = "linux")]
    "HAVE_TIMERFD_CREATE",
    "HAVE_FACCESSAT",
    "HAVE_FCHDIR",
    "HAVE_FCHMOD",
    "HAVE_FCHMODAT",
    "HAVE_FCHOWN",
    "HAVE_FCHOWNAT",
    #[cfg(target_os = "linux")]
    "HAVE_FEXECVE",
    "HAVE_FDOPENDIR",
    "HAVE_FPATHCONF",
    "HAVE_FSTATAT",
    "HAVE_FSTATVFS",
    "HAVE_FTRUNCATE",
    "HAVE_FUTIMENS",
    "HAVE_LINKAT",
    "HAVE_LCHOWN",
    "HAVE_LSTAT",
    #[cfg(target_os = "linux")]
    "HAVE_MEMFD_CREATE",
    "HAVE_MKDIRAT",
    "HAVE_MKFIFOAT",
    "HAVE_MKNODAT",
    "HAVE_OPENAT",
    "HAVE_READLINKAT",
    "HAVE_RENAMEAT",
    "HAVE_SYMLINKAT",
    "HAVE_UNLINKAT",
    "HAVE_UTIMENSAT",
];

/// The tables of all files.
fn functions() -> &'static [&'static [MethodDef]] {
    static ALL: OnceLock<Vec<&'static [MethodDef]>> = OnceLock::new();
    ALL.get_or_init(|| {
        vec![
            &descriptors::FUNCTIONS,
            &directory::FUNCTIONS,
            &environment::FUNCTIONS,
            extended::functions(),
            &files::FUNCTIONS,
            &identity::FUNCTIONS,
            &names::FUNCTIONS,
            &path_text::FUNCTIONS,
            &process::FUNCTIONS,
            sched::functions(),
            &spawn::FUNCTIONS,
            &stat::FUNCTIONS,
            &terminal::FUNCTIONS,
        ]
    })
}

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    for table in functions() {
        crate::support::add_functions(vm, dict, "posix", table);
    }
    stat::define(dict);
    directory::define(dict);
    environment::define(vm, dict)?;
    process::define(dict);
    sched::define(dict);
    terminal::define(dict);
    names::define(dict);
    constants::define(dict);
    add_type(dict, &builtin_types::OS_ERROR);
    add(dict, "error", builtin_types::OS_ERROR.to_value());
    drop(
        dict.expect::<taipan_core::dict_object::Dict>()
            .remove_name(&taipan_core::str_object::name("OSError")),
    );
    add(
        dict,
        "_have_functions",
        new_list(HAVE.iter().map(|text| new_str(text)).collect()),
    );
    Ok(())
}

/// Raises the `OSError` of the last failed call.
#[cold]
fn fail(vm: &mut Vm) -> Raised {
    raise_errno(vm, errno(), None)
}

/// `None`, if the call succeeded.
fn done(vm: &mut Vm, result: i32) -> Py {
    if result < 0 {
        Err(fail(vm))
    } else {
        Ok(Value::none())
    }
}

/// A `dir_fd` argument: `None` is the current folder.
fn dir_fd(vm: &mut Vm, value: Option<&Value>) -> Py<i32> {
    match value {
        None => Ok(libc::AT_FDCWD),
        Some(value) if value.is_none() => Ok(libc::AT_FDCWD),
        Some(value) if value.is_int() || value.type_of().slots().index.is_some() => {
            path::descriptor(vm, value)
        }
        Some(value) => {
            let message = format!(
                "argument should be integer or None, not {}",
                value.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

/// A truth-valued argument with a default.
fn flag(vm: &mut Vm, args: &Bound, index: usize, default: bool) -> Py<bool> {
    match args.get(index) {
        Some(value) => vm.truth(value),
        None => Ok(default),
    }
}

/// A C `int` argument with a default.
fn int_or(vm: &mut Vm, value: Option<&Value>, default: i32) -> Py<i32> {
    match value {
        Some(value) => path::c_int(vm, value),
        None => Ok(default),
    }
}

/// A file offset.
fn offset(vm: &mut Vm, value: &Value) -> Py<libc::off_t> {
    let index = vm.index(value)?;
    match index.as_i64() {
        Some(offset) => Ok(offset as libc::off_t),
        None => Err(vm.overflow_error("Python int too large to convert to C long")),
    }
}

/// An unsigned C number.
fn unsigned(number: impl Into<u64>) -> Value {
    taipan_core::number::int_from_u64(number.into())
}
