//! The contents of folders (`listdir`, `scandir`), and the current folder.

use super::stat::{stat_at, stat_value};
use super::{dir_fd, fail};
use crate::audit::audit;
use crate::path::{self, PathArgument, PathKind, errno};
use crate::support::{Holds, add_type, native_type};
use std::ffi::CStr;
use taipan_core::alloc::new_object;
use taipan_core::lock::Locked;
use taipan_core::{
    Bound, GetSetDef, Layout, MethodDef, Py, Slots, TypeFlags, TypeSpec, Value, Vm, bound,
    builtin_types, f0, f1, getter, slice,
};
use taipan_types::exceptions::os_error::raise_errno;
use taipan_types::list::new_list;

pub(super) static FUNCTIONS: [MethodDef; 4] = [
    f0(
        "getcwd($module, /)",
        |vm, _| current_folder(vm, false),
        "The current folder, as text.",
    ),
    f0(
        "getcwdb($module, /)",
        |vm, _| current_folder(vm, true),
        "The current folder, as bytes.",
    ),
    bound(
        "listdir($module, /, path=None)",
        listdir,
        "The names in a folder, without '.' and '..', in no particular order. The names are bytes if path is.",
    ),
    bound(
        "scandir($module, /, path=None)",
        scandir,
        "An iterator of DirEntry objects for what is in a folder, without '.' and '..'.",
    ),
];

fn current_folder(vm: &mut Vm, is_bytes: bool) -> Py {
    let mut text = vec![0u8; 512];
    loop {
        // SAFETY: a buffer with its length.
        if !unsafe { libc::getcwd(text.as_mut_ptr().cast(), text.len()) }.is_null() {
            let len = text
                .iter()
                .position(|byte| *byte == 0)
                .unwrap_or(text.len());
            return path::name_value(vm, &text[..len], is_bytes);
        }
        if errno() != libc::ERANGE {
            return Err(fail(vm));
        }
        text.resize(text.len() * 2, 0);
    }
}

/// An open folder.
pub struct Folder {
    stream: *mut libc::DIR,
    /// The descriptor is shared with the program's: its position must be set back.
    rewind: bool,
}

#[expect(unsafe_code, reason = "a stream of the C library")]
// SAFETY: the stream is used by one thread at a time, under the iterator's lock.
unsafe impl Send for Folder {}

impl Drop for Folder {
    fn drop(&mut self) {
        // SAFETY: the stream is this object's own.
        unsafe {
            if self.rewind {
                libc::rewinddir(self.stream);
            }
            libc::closedir(self.stream);
        }
    }
}

impl Holds for Option<Folder> {}
impl Holds for u8 {}
impl Holds for i32 {}

/// One name in a folder.
struct Found {
    name: Vec<u8>,
    kind: u8,
    inode: u64,
}

impl Folder {
    fn open(vm: &mut Vm, path: &PathArgument) -> Py<Folder> {
        // SAFETY: a duplicate of the program's descriptor, or a C string.
        let stream = unsafe {
            match path.descriptor {
                Some(fd) => match libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) {
                    -1 => std::ptr::null_mut(),
                    own => {
                        let stream = libc::fdopendir(own);
                        if stream.is_null() {
                            let error = errno();
                            libc::close(own);
                            return Err(raise_errno(vm, error, Some(&path.value)));
                        }
                        stream
                    }
                },
                None => libc::opendir(path.as_ptr()),
            }
        };
        if stream.is_null() {
            return Err(path.fail(vm));
        }
        Ok(Folder {
            stream,
            rewind: path.descriptor.is_some(),
        })
    }

    /// The next name but `.` and `..`; the error number if reading fails.
    fn next(&mut self) -> Result<Option<Found>, i32> {
        loop {
            // SAFETY: `readdir` tells its end from an error by the error number only.
            let entry = unsafe {
                *libc::__errno_location() = 0;
                libc::readdir(self.stream)
            };
            if entry.is_null() {
                return match errno() {
                    0 => Ok(None),
                    error => Err(error),
                };
            }
            // SAFETY: the entry is valid until the next call.
            let (name, kind, inode) = unsafe {
                (
                    CStr::from_ptr((*entry).d_name.as_ptr()),
                    (*entry).d_type,
                    (*entry).d_ino,
                )
            };
            if !matches!(name.to_bytes(), b"." | b"..") {
                return Ok(Some(Found {
                    name: name.to_bytes().to_vec(),
                    kind,
                    inode,
                }));
            }
        }
    }
}

fn listdir(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(
        vm,
        args.get(0),
        PathKind::or_descriptor("listdir").or_none(),
    )?;
    audit(vm, "os.listdir", || vec![path.value.clone()])?;
    let mut folder = Folder::open(vm, &path)?;
    let mut names = Vec::new();
    loop {
        match folder.next() {
            Ok(Some(found)) => names.push(path::name_value(vm, &found.name, path.is_bytes)?),
            Ok(None) => return Ok(new_list(names)),
            Err(error) => return Err(raise_errno(vm, error, Some(&path.value))),
        }
    }
}

// ---- scandir ----

native_type! {
    /// An iterator over a folder.
    SCANDIR_ITERATOR "posix.ScandirIterator"
    ScandirIterator { path: Value, is_bytes: bool, fd: i32, prefix: Vec<u8> }
    ScandirState { folder: Option<Folder> }
}

native_type! {
    /// One name in a folder, and what is known of it.
    DIR_ENTRY "posix.DirEntry"
    DirEntry { name: Value, path: Value, text: Vec<u8>, fd: i32, kind: u8, inode: u64 }
    DirEntryState { stat: Option<Value>, lstat: Option<Value> }
}

static SCANDIR_LAYOUT: Layout = Layout::of::<ScandirIterator>();
static ENTRY_LAYOUT: Layout = Layout::of::<DirEntry>();

static SCANDIR_METHODS: [MethodDef; 3] = [
    f0(
        "close(self, /)",
        close,
        "Close the iterator and free what it holds.",
    ),
    f0("__enter__(self, /)", |_, this| Ok(this.clone()), ""),
    slice(
        "__exit__(self, /, *args)",
        |vm, this, _| close(vm, this),
        "",
    ),
];

static SCANDIR_SPEC: TypeSpec = TypeSpec {
    name: "posix.ScandirIterator",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&SCANDIR_LAYOUT),
    slots: Slots {
        iter: Some(taipan_types::iterators::itself),
        next: Some(next),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: &SCANDIR_METHODS,
    ..TypeSpec::DEFAULT
};

static ENTRY_METHODS: [MethodDef; 8] = [
    bound(
        "is_dir($self, /, *, follow_symlinks=True)",
        is_dir,
        "Is it a folder?",
    ),
    bound(
        "is_file($self, /, *, follow_symlinks=True)",
        is_file,
        "Is it a regular file?",
    ),
    f0("is_symlink($self, /)", is_symlink, "Is it a symbolic link?"),
    f0(
        "is_junction($self, /)",
        |_, _| Ok(Value::bool(false)),
        "Is it a junction? There are none here.",
    ),
    bound(
        "stat($self, /, *, follow_symlinks=True)",
        entry_stat,
        "Its stat_result, kept after the first call.",
    ),
    f0(
        "inode($self, /)",
        |_, this| Ok(super::unsigned(this.expect::<DirEntry>().inode)),
        "Its inode.",
    ),
    f0(
        "__fspath__($self, /)",
        |_, this| Ok(this.expect::<DirEntry>().path.clone()),
        "Its path.",
    ),
    f1(
        "__class_getitem__($type, object, /)",
        taipan_types::check::class_getitem,
        "See PEP 585",
    )
    .class_method(),
];

static ENTRY_GETSET: [GetSetDef; 2] = [
    getter(
        "name",
        |_, this| Ok(this.expect::<DirEntry>().name.clone()),
        "its name in its folder",
    ),
    getter(
        "path",
        |_, this| Ok(this.expect::<DirEntry>().path.clone()),
        "its whole path: os.path.join(scandir_path, name)",
    ),
];

static ENTRY_SPEC: TypeSpec = TypeSpec {
    name: "posix.DirEntry",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&ENTRY_LAYOUT),
    slots: Slots {
        repr: Some(entry_repr),
        ..Slots::NONE
    },
    methods: &ENTRY_METHODS,
    getset: &ENTRY_GETSET,
    ..TypeSpec::DEFAULT
};

pub(super) fn define(dict: &Value) {
    SCANDIR_ITERATOR.define(&SCANDIR_SPEC);
    DIR_ENTRY.define(&ENTRY_SPEC);
    add_type(dict, &DIR_ENTRY);
}

fn scandir(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(
        vm,
        args.get(0),
        PathKind::or_descriptor("scandir").or_none(),
    )?;
    audit(vm, "os.scandir", || vec![path.value.clone()])?;
    let folder = Folder::open(vm, &path)?;
    let mut prefix = if path.descriptor.is_some() {
        Vec::new()
    } else {
        path.text.to_bytes().to_vec()
    };
    if !prefix.is_empty() && !prefix.ends_with(b"/") {
        prefix.push(b'/');
    }
    Ok(new_object(ScandirIterator {
        is_bytes: path.is_bytes,
        fd: path.descriptor.unwrap_or(-1),
        prefix,
        path: path.value,
        state: Locked::new(ScandirState {
            folder: Some(folder),
        }),
    }))
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    let folder = this.expect::<ScandirIterator>().lock(vm).folder.take();
    drop(folder);
    Ok(Value::none())
}

fn finalize(vm: &mut Vm, this: &Value) {
    let folder = this.expect::<ScandirIterator>().lock(vm).folder.take();
    if folder.is_none() {
        return;
    }
    let warned = match vm.repr_string(this) {
        Ok(text) => vm.warn(
            &builtin_types::RESOURCE_WARNING,
            &format!("unclosed scandir iterator {text}"),
            1,
        ),
        Err(raised) => Err(raised),
    };
    if let Err(raised) = warned {
        vm.unraisable(raised, "in", Some(this));
    }
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<ScandirIterator>();
    let found = {
        let mut state = iterator.lock(vm);
        let Some(folder) = &mut state.folder else {
            return Ok(None);
        };
        folder.next()
    };
    match found {
        Ok(Some(found)) => {
            let name = path::name_value(vm, &found.name, iterator.is_bytes)?;
            let path = if iterator.prefix.is_empty() {
                name.clone()
            } else {
                let whole = [&iterator.prefix[..], &found.name].concat();
                path::name_value(vm, &whole, iterator.is_bytes)?
            };
            let whole = if iterator.fd >= 0 {
                found.name
            } else {
                [&iterator.prefix[..], &found.name].concat()
            };
            Ok(Some(new_object(DirEntry {
                name,
                path,
                text: whole,
                fd: iterator.fd,
                kind: found.kind,
                inode: found.inode,
                state: Locked::new(DirEntryState {
                    stat: None,
                    lstat: None,
                }),
            })))
        }
        Ok(None) => {
            close(vm, this)?;
            Ok(None)
        }
        Err(error) => {
            close(vm, this)?;
            Err(raise_errno(vm, error, Some(&iterator.path)))
        }
    }
}

fn entry_repr(vm: &mut Vm, this: &Value) -> Py {
    let name = vm.repr_string(&this.expect::<DirEntry>().name)?;
    Ok(taipan_core::str_object::new_str(&format!(
        "<DirEntry {name}>"
    )))
}

/// The kept `stat_result`, made now if need be.
fn status(vm: &mut Vm, this: &Value, follow: bool) -> Py {
    let entry = this.expect::<DirEntry>();
    let follow = follow && matches!(entry.kind, libc::DT_LNK | libc::DT_UNKNOWN);
    let kept = {
        let state = entry.lock(vm);
        if follow {
            state.stat.clone()
        } else {
            state.lstat.clone()
        }
    };
    if let Some(kept) = kept {
        return Ok(kept);
    }
    let dir = if entry.fd >= 0 {
        entry.fd
    } else {
        dir_fd(vm, None)?
    };
    let mut text = entry.text.clone();
    text.push(0);
    let Ok(text) = CStr::from_bytes_until_nul(&text) else {
        return Err(raise_errno(vm, libc::ENOENT, Some(&entry.path)));
    };
    let made = match stat_at(dir, text, follow) {
        Ok(st) => stat_value(&st),
        Err(error) => return Err(raise_errno(vm, error, Some(&entry.path))),
    };
    let mut state = entry.lock(vm);
    let place = if follow {
        &mut state.stat
    } else {
        &mut state.lstat
    };
    let old = place.replace(made.clone());
    drop(state);
    drop(old);
    Ok(made)
}

fn follow_argument(vm: &mut Vm, args: &Bound) -> Py<bool> {
    super::flag(vm, args, 0, true)
}

fn entry_stat(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let follow = follow_argument(vm, args)?;
    status(vm, this, follow)
}

fn has_kind(vm: &mut Vm, this: &Value, follow: bool, kind: u8, format: libc::mode_t) -> Py<bool> {
    let known = this.expect::<DirEntry>().kind;
    let link = known == libc::DT_LNK;
    if known != libc::DT_UNKNOWN && !(follow && link) {
        return Ok(known == kind);
    }
    let status = match status(vm, this, follow) {
        Ok(status) => status,
        Err(raised) => {
            vm.catch(raised, &builtin_types::FILE_NOT_FOUND_ERROR)?;
            return Ok(false);
        }
    };
    let mode = taipan_core::tuple_object::items(&status)
        .and_then(|row| row.first()?.as_i64())
        .unwrap_or(0);
    Ok(mode as libc::mode_t & libc::S_IFMT == format)
}

fn is_dir(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let follow = follow_argument(vm, args)?;
    Ok(Value::bool(has_kind(
        vm,
        this,
        follow,
        libc::DT_DIR,
        libc::S_IFDIR,
    )?))
}

fn is_file(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let follow = follow_argument(vm, args)?;
    Ok(Value::bool(has_kind(
        vm,
        this,
        follow,
        libc::DT_REG,
        libc::S_IFREG,
    )?))
}

fn is_symlink(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(has_kind(
        vm,
        this,
        false,
        libc::DT_LNK,
        libc::S_IFLNK,
    )?))
}
