//! `stat` and its kin: facts about files, and the records that hold them.

use super::{dir_fd, fail, flag, unsigned};
use crate::path::{self, PathArgument, PathKind, errno};
use crate::structseq::{self, Fields};
use crate::support::add_type;
use dashu_int::IBig;
use std::mem::MaybeUninit;
use taipan_core::number::int_from_big;
use taipan_core::{Bound, MethodDef, Py, Type, TypeObject, Value, Vm, bound, f1};
use taipan_types::exceptions::os_error::raise_errno;

pub(super) static STAT_RESULT: TypeObject = Type::declare("os.stat_result");
static STATVFS_RESULT: TypeObject = Type::declare("os.statvfs_result");

static STAT: Fields = Fields {
    name: "os.stat_result",
    doc: "stat_result: Result from stat, fstat, or lstat.\n\n\
          A tuple of (mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime), also to be had as the attributes\n\
          st_mode, st_ino, st_dev, st_nlink, and so on; st_blksize, st_blocks and st_rdev are attributes only.",
    fields: &[
        ("st_mode", "protection bits"),
        ("st_ino", "inode"),
        ("st_dev", "device"),
        ("st_nlink", "number of hard links"),
        ("st_uid", "user ID of owner"),
        ("st_gid", "group ID of owner"),
        ("st_size", "total size, in bytes"),
        ("", "integer time of last access"),
        ("", "integer time of last modification"),
        ("", "integer time of last change"),
        ("st_atime", "time of last access"),
        ("st_mtime", "time of last modification"),
        ("st_ctime", "time of last change"),
        ("st_atime_ns", "time of last access in nanoseconds"),
        ("st_mtime_ns", "time of last modification in nanoseconds"),
        ("st_ctime_ns", "time of last change in nanoseconds"),
        ("st_blksize", "blocksize for filesystem I/O"),
        ("st_blocks", "number of blocks allocated"),
        ("st_rdev", "device type (if inode device)"),
    ],
    visible: 10,
    instantiable: true,
};

static STATVFS: Fields = Fields {
    name: "os.statvfs_result",
    doc: "statvfs_result: Result from statvfs or fstatvfs.\n\n\
          A tuple of (bsize, frsize, blocks, bfree, bavail, files, ffree, favail, flag, namemax), also to be had as the\n\
          attributes f_bsize, f_frsize, f_blocks, f_bfree, and so on.",
    fields: &[
        ("f_bsize", ""),
        ("f_frsize", ""),
        ("f_blocks", ""),
        ("f_bfree", ""),
        ("f_bavail", ""),
        ("f_files", ""),
        ("f_ffree", ""),
        ("f_favail", ""),
        ("f_flag", ""),
        ("f_namemax", ""),
        ("f_fsid", ""),
    ],
    visible: 10,
    instantiable: true,
};

pub(super) static FUNCTIONS: [MethodDef; 5] = [
    bound(
        "stat($module, /, path, *, dir_fd=None, follow_symlinks=True)",
        stat,
        "Facts about a file.\n\n\
         path is a string, bytes, a path object or an open descriptor. A relative path is relative to the folder that\n\
         dir_fd is open on. Without follow_symlinks a symbolic link is looked at itself.",
    ),
    bound(
        "lstat($module, /, path, *, dir_fd=None)",
        lstat,
        "Like stat(), but do not follow symbolic links.",
    ),
    bound(
        "fstat($module, /, fd)",
        fstat,
        "Like stat(), for an open file descriptor.",
    ),
    bound(
        "statvfs($module, /, path)",
        statvfs,
        "Facts about the file system that a path or descriptor is on.",
    ),
    f1(
        "fstatvfs($module, fd, /)",
        fstatvfs,
        "Facts about the file system that a descriptor is on.",
    ),
];

pub(super) fn define(dict: &Value) {
    structseq::define(&STAT_RESULT, &STAT);
    structseq::define(&STATVFS_RESULT, &STATVFS);
    add_type(dict, &STAT_RESULT);
    add_type(dict, &STATVFS_RESULT);
}

fn nanoseconds(seconds: i64, part: i64) -> Value {
    match seconds
        .checked_mul(1_000_000_000)
        .and_then(|whole| whole.checked_add(part))
    {
        Some(all) => Value::int(all),
        None => int_from_big(IBig::from(
            i128::from(seconds) * 1_000_000_000 + i128::from(part),
        )),
    }
}

fn seconds(whole: i64, part: i64) -> Value {
    Value::float(whole as f64 + 1e-9 * part as f64)
}

/// The Python record of a `stat` structure.
pub(super) fn stat_value(st: &libc::stat) -> Value {
    let values = vec![
        Value::int(i64::from(st.st_mode)),
        unsigned(st.st_ino),
        unsigned(st.st_dev),
        unsigned(st.st_nlink),
        Value::int(i64::from(st.st_uid)),
        Value::int(i64::from(st.st_gid)),
        Value::int(st.st_size),
        Value::int(st.st_atime),
        Value::int(st.st_mtime),
        Value::int(st.st_ctime),
        seconds(st.st_atime, st.st_atime_nsec),
        seconds(st.st_mtime, st.st_mtime_nsec),
        seconds(st.st_ctime, st.st_ctime_nsec),
        nanoseconds(st.st_atime, st.st_atime_nsec),
        nanoseconds(st.st_mtime, st.st_mtime_nsec),
        nanoseconds(st.st_ctime, st.st_ctime_nsec),
        Value::int(st.st_blksize),
        Value::int(st.st_blocks),
        unsigned(st.st_rdev),
    ];
    structseq::create(&STAT_RESULT, 10, values)
}

/// Calls `fstatat`; the error number if it fails.
pub(super) fn stat_at(dir: i32, path: &std::ffi::CStr, follow: bool) -> Result<libc::stat, i32> {
    let mut st = MaybeUninit::<libc::stat>::uninit();
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a C string, and room for the result.
    let result = unsafe { libc::fstatat(dir, path.as_ptr(), st.as_mut_ptr(), flags) };
    if result < 0 {
        return Err(errno());
    }
    // SAFETY: the call succeeded, so it filled the structure.
    Ok(unsafe { st.assume_init() })
}

/// Calls `fstat`; the error number if it fails.
pub(super) fn stat_fd(fd: i32) -> Result<libc::stat, i32> {
    let mut st = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: room for the result.
    if unsafe { libc::fstat(fd, st.as_mut_ptr()) } < 0 {
        return Err(errno());
    }
    // SAFETY: the call succeeded, so it filled the structure.
    Ok(unsafe { st.assume_init() })
}

fn stat_path(
    vm: &mut Vm,
    function: &str,
    path: &PathArgument,
    dir: Option<&Value>,
    follow: bool,
) -> Py {
    let has_dir = dir.is_some_and(|dir| !dir.is_none());
    if path.descriptor.is_some() && has_dir {
        return Err(vm.value_error(format!(
            "{function}: can't specify dir_fd without matching path"
        )));
    }
    if path.descriptor.is_some() && !follow {
        return Err(vm.value_error(format!(
            "{function}: cannot use fd and follow_symlinks together"
        )));
    }
    let dir = dir_fd(vm, dir)?;
    let found = match path.descriptor {
        Some(fd) => stat_fd(fd),
        None => stat_at(dir, &path.text, follow),
    };
    match found {
        Ok(st) => Ok(stat_value(&st)),
        Err(error) => Err(raise_errno(vm, error, Some(&path.value))),
    }
}

fn stat(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::or_descriptor("stat"))?;
    let follow = flag(vm, args, 2, true)?;
    stat_path(vm, "stat", &path, args.get(1), follow)
}

fn lstat(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain("lstat"))?;
    stat_path(vm, "lstat", &path, args.get(1), false)
}

fn fstat(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let fd = path::c_int(vm, args.req(0))?;
    match stat_fd(fd) {
        Ok(st) => Ok(stat_value(&st)),
        Err(error) => Err(raise_errno(vm, error, None)),
    }
}

fn statvfs_value(st: &libc::statvfs) -> Value {
    structseq::create(
        &STATVFS_RESULT,
        10,
        vec![
            unsigned(st.f_bsize),
            unsigned(st.f_frsize),
            unsigned(st.f_blocks),
            unsigned(st.f_bfree),
            unsigned(st.f_bavail),
            unsigned(st.f_files),
            unsigned(st.f_ffree),
            unsigned(st.f_favail),
            unsigned(st.f_flag),
            unsigned(st.f_namemax),
            unsigned(st.f_fsid),
        ],
    )
}

fn statvfs(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::or_descriptor("statvfs"))?;
    let mut st = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: a descriptor or a C string, and room for the result.
    let result = unsafe {
        match path.descriptor {
            Some(fd) => libc::fstatvfs(fd, st.as_mut_ptr()),
            None => libc::statvfs(path.as_ptr(), st.as_mut_ptr()),
        }
    };
    if result < 0 {
        return Err(path.fail(vm));
    }
    // SAFETY: the call succeeded, so it filled the structure.
    Ok(statvfs_value(unsafe { st.assume_init_ref() }))
}

fn fstatvfs(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = path::c_int(vm, fd)?;
    let mut st = MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: room for the result.
    if unsafe { libc::fstatvfs(fd, st.as_mut_ptr()) } < 0 {
        return Err(fail(vm));
    }
    // SAFETY: the call succeeded, so it filled the structure.
    Ok(statvfs_value(unsafe { st.assume_init_ref() }))
}
