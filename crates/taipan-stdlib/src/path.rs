//! Paths and file descriptors as arguments: `str`, `bytes`, objects with `__fspath__`, and descriptors where they are allowed.
//!
//! Text is UTF-8 (or what the locale has in place of it) with `surrogateescape`, so that every name the system knows can be said in Python.

use std::ffi::{CStr, CString};
use taipan_core::{Py, Raised, Value, Vm, builtin_types, name, str_object};
use taipan_types::exceptions::os_error::raise_errno;

/// How a function takes its path argument.
#[derive(Clone, Copy)]
pub struct PathKind {
    pub function: &'static str,
    pub argument: &'static str,
    /// `None` means the current folder.
    pub nullable: bool,
    pub descriptor: bool,
}

impl PathKind {
    /// A path of a function, nothing else.
    pub const fn plain(function: &'static str) -> PathKind {
        PathKind {
            function,
            argument: "path",
            nullable: false,
            descriptor: false,
        }
    }

    /// A path or a descriptor.
    pub const fn or_descriptor(function: &'static str) -> PathKind {
        PathKind {
            function,
            argument: "path",
            nullable: false,
            descriptor: true,
        }
    }

    pub const fn named(mut self, argument: &'static str) -> PathKind {
        self.argument = argument;
        self
    }

    pub const fn or_none(mut self) -> PathKind {
        self.nullable = true;
        self
    }
}

/// A path argument, taken apart.
pub struct PathArgument {
    /// What error messages show: the argument, or what its `__fspath__` gave.
    pub value: Value,
    pub text: CString,
    /// Set if a descriptor was given in place of a path.
    pub descriptor: Option<i32>,
    /// Results are bytes if the argument was.
    pub is_bytes: bool,
}

impl PathArgument {
    pub fn as_ptr(&self) -> *const libc::c_char {
        self.text.as_ptr()
    }

    /// Raises the `OSError` of the last failed call, about this path.
    #[cold]
    pub fn fail(&self, vm: &mut Vm) -> Raised {
        raise_errno(vm, errno(), Some(&self.value))
    }
}

/// The error number of the last failed call.
pub fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Takes a path argument apart.
pub fn parse(vm: &mut Vm, value: Option<&Value>, kind: PathKind) -> Py<PathArgument> {
    let none = Value::none();
    let value = value.unwrap_or(&none);
    if kind.nullable && value.is_none() {
        return Ok(PathArgument {
            value: none,
            text: c".".into(),
            descriptor: None,
            is_bytes: false,
        });
    }
    let is_path =
        |value: &Value| str_object::is_str(value) || taipan_types::bytes::bytes_of(value).is_some();
    let mut value = value.clone();
    if !is_path(&value) {
        if kind.descriptor && (value.is_int() || value.type_of().slots().index.is_some()) {
            let fd = descriptor(vm, &value)?;
            return Ok(PathArgument {
                value,
                text: CString::default(),
                descriptor: Some(fd),
                is_bytes: false,
            });
        }
        let Some(method) = vm
            .lookup_special(&value, name!("__fspath__"))
            .filter(|method| !method.is_none())
        else {
            return Err(wrong_path(vm, &value, kind));
        };
        let inner = vm.call_unbound(&method, &value, &[])?;
        if !is_path(&inner) {
            let message = format!(
                "expected {}.__fspath__() to return str or bytes, not {}",
                value.type_of().name(),
                inner.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        value = inner;
    }
    let Ok(text) = CString::new(encode(vm, &value)?) else {
        let message = format!(
            "{}: embedded null character in {}",
            kind.function, kind.argument
        );
        return Err(vm.value_error(message));
    };
    let is_bytes = !str_object::is_str(&value);
    Ok(PathArgument {
        value,
        text,
        descriptor: None,
        is_bytes,
    })
}

#[cold]
fn wrong_path(vm: &mut Vm, value: &Value, kind: PathKind) -> Raised {
    let wanted = match (kind.descriptor, kind.nullable) {
        (true, true) => "string, bytes, os.PathLike, integer or None",
        (true, false) => "string, bytes, os.PathLike or integer",
        (false, true) => "string, bytes, os.PathLike or None",
        (false, false) => "string, bytes or os.PathLike",
    };
    let given = value.type_of().name();
    vm.type_error(format!(
        "{}: {} should be {wanted}, not {given}",
        kind.function, kind.argument
    ))
}

/// `os.fspath`: the `str` or `bytes` that a path object stands for.
pub fn fspath(vm: &mut Vm, value: &Value) -> Py {
    let is_path =
        |value: &Value| str_object::is_str(value) || taipan_types::bytes::bytes_of(value).is_some();
    if is_path(value) {
        return Ok(value.clone());
    }
    let Some(method) = vm
        .lookup_special(value, name!("__fspath__"))
        .filter(|method| !method.is_none())
    else {
        let given = value.type_of().name();
        return Err(vm.type_error(format!(
            "expected str, bytes or os.PathLike object, not {given}"
        )));
    };
    let inner = vm.call_unbound(&method, value, &[])?;
    if is_path(&inner) {
        return Ok(inner);
    }
    let (given, got) = (value.type_of().name(), inner.type_of().name());
    Err(vm.type_error(format!(
        "expected {given}.__fspath__() to return str or bytes, not {got}"
    )))
}

/// A path argument as the file system's bytes, for functions outside `os`.
pub fn path_argument(vm: &mut Vm, value: &Value) -> Py<CString> {
    let value = fspath(vm, value)?;
    match CString::new(encode(vm, &value)?) {
        Ok(text) => Ok(text),
        Err(_) => Err(vm.value_error("embedded null byte")),
    }
}

/// The file system's bytes of a `str` or `bytes`; null bytes are let through.
pub fn encode(vm: &mut Vm, value: &Value) -> Py<Vec<u8>> {
    if let Some(bytes) = taipan_types::bytes::bytes_of(value) {
        return Ok(bytes.to_vec());
    }
    if let Some(ascii) = str_object::str_of(value).and_then(|text| text.ascii()) {
        return Ok(ascii.as_bytes().to_vec());
    }
    let encoding = encoding(vm);
    let encoding = encoding.as_deref().unwrap_or("utf-8");
    let encoded =
        taipan_types::codec::encode_str(vm, value, Some(encoding), Some("surrogateescape"))?;
    Ok(taipan_types::bytes::bytes_of(&encoded)
        .unwrap_or(&[])
        .to_vec())
}

/// The file system's encoding, if it is not UTF-8.
fn encoding(vm: &Vm) -> Option<String> {
    crate::config::read(vm, |config| config.encodings.filesystem.clone())
}

/// `os.fsencode` of an argument to a C string.
pub fn fs_string(vm: &mut Vm, value: &Value) -> Py<CString> {
    path_argument(vm, value)
}

/// The text of a file system name.
pub fn decode(vm: &mut Vm, bytes: &[u8]) -> Py {
    let encoding = encoding(vm);
    let encoding = encoding.as_deref().unwrap_or("utf-8");
    taipan_types::codec::decode(vm, bytes, Some(encoding), Some("surrogateescape"))
}

/// A name of the file system as `bytes` or as text.
pub fn name_value(vm: &mut Vm, bytes: &[u8], is_bytes: bool) -> Py {
    if is_bytes {
        taipan_types::bytes::new_bytes(vm, bytes)
    } else {
        decode(vm, bytes)
    }
}

/// A C string of the system as text.
///
/// # Safety
/// `text` points to a C string that lives through the call.
pub unsafe fn c_text(vm: &mut Vm, text: *const libc::c_char) -> Py {
    if text.is_null() {
        return Ok(Value::none());
    }
    // SAFETY: the caller's promise.
    decode(vm, unsafe { CStr::from_ptr(text) }.to_bytes())
}

/// A file descriptor given as an int, as path arguments allow it.
pub fn descriptor(vm: &mut Vm, value: &Value) -> Py<i32> {
    if value.is_exact(&builtin_types::BOOL) {
        vm.warn(
            &builtin_types::RUNTIME_WARNING,
            "bool is used as a file descriptor",
            1,
        )?;
    }
    let index = vm.index(value)?;
    match index.as_i64() {
        Some(fd) if fd > i64::from(i32::MAX) => {
            Err(vm.overflow_error("fd is greater than maximum"))
        }
        Some(fd) if fd < i64::from(i32::MIN) => Err(vm.overflow_error("fd is less than minimum")),
        Some(fd) => Ok(fd as i32),
        None => {
            let negative = index
                .as_big()
                .is_some_and(|big| big < dashu_int::IBig::ZERO);
            Err(vm.overflow_error(if negative {
                "fd is less than minimum"
            } else {
                "fd is greater than maximum"
            }))
        }
    }
}

/// The descriptor of an int or of an object with `fileno()`.
pub fn fileno(vm: &mut Vm, value: &Value) -> Py<i32> {
    let number = if value.is_int() {
        if value.is_exact(&builtin_types::BOOL) {
            vm.warn(
                &builtin_types::RUNTIME_WARNING,
                "bool is used as a file descriptor",
                1,
            )?;
        }
        value.clone()
    } else {
        let Some(method) = vm.get_attr_opt(value, name!("fileno"))? else {
            return Err(vm.type_error("argument must be an int, or have a fileno() method."));
        };
        let number = vm.call(&method, &[])?;
        if !number.is_int() {
            return Err(vm.type_error("fileno() returned a non-integer"));
        }
        number
    };
    match number.as_i64().map(i32::try_from) {
        Some(Ok(fd)) if fd < 0 => Err(vm.value_error(format!(
            "file descriptor cannot be a negative integer ({fd})"
        ))),
        Some(Ok(fd)) => Ok(fd),
        _ => Err(vm.overflow_error("Python int too large to convert to C int")),
    }
}

/// A C `int` argument.
pub fn c_int(vm: &mut Vm, value: &Value) -> Py<i32> {
    let index = vm.index(value)?;
    match index.as_i64().map(i32::try_from) {
        Some(Ok(number)) => Ok(number),
        _ => Err(vm.overflow_error("Python int too large to convert to C int")),
    }
}

/// Repeats a system call that a signal interrupted, after serving the signal. Other threads run while it blocks, so it touches no
/// Python object.
pub fn retry<T: Copy + PartialOrd + From<i8>>(vm: &mut Vm, mut call: impl FnMut() -> T) -> Py<T> {
    loop {
        let result = vm.detached(&mut call);
        if result >= T::from(0) {
            return Ok(result);
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, None)),
        }
    }
}

/// The result of a call that fails with a negative number.
pub fn check(vm: &mut Vm, result: i32) -> Py<i32> {
    if result < 0 {
        Err(raise_errno(vm, errno(), None))
    } else {
        Ok(result)
    }
}
