//! Making, naming, moving and removing files, and changing what the system keeps about them.

use super::{dir_fd, done, fail, flag, int_or, offset};
use crate::audit::audit;
use crate::path::{self, PathArgument, PathKind, c_int, errno};
use crate::support::id_argument;
use taipan_core::builtin_types::OS_ERROR;
use taipan_core::tuple_object::items;
use taipan_core::{BinaryOp, Bound, MethodDef, Py, Raised, Value, Vm, bound, f1, f2};

pub(super) static FUNCTIONS: [MethodDef; 28] = [
    bound(
        "access($module, /, path, mode, *, dir_fd=None, effective_ids=False,\n       follow_symlinks=True)",
        access,
        "May the real user use the file as mode says (F_OK, or any of R_OK, W_OK, X_OK together)?",
    ),
    bound(
        "chdir($module, /, path)",
        chdir,
        "Make path, or the folder a descriptor is open on, the current folder.",
    ),
    bound(
        "fchdir($module, /, fd)",
        fchdir,
        "Make the folder that fd is open on the current one.",
    ),
    bound(
        "chroot($module, /, path)",
        chroot,
        "Make path the root folder of this process.",
    ),
    bound(
        "chmod($module, /, path, mode, *, dir_fd=None,\n      follow_symlinks=(os.name != 'nt'))",
        chmod,
        "Change the access rights of a file.",
    ),
    bound(
        "fchmod($module, /, fd, mode)",
        fchmod,
        "Change the access rights of an open file.",
    ),
    bound(
        "chown($module, /, path, uid, gid, *, dir_fd=None, follow_symlinks=True)",
        chown,
        "Change owner and group of a file; -1 leaves either as it is.",
    ),
    bound(
        "fchown($module, /, fd, uid, gid)",
        fchown,
        "Change owner and group of an open file.",
    ),
    bound(
        "lchown($module, /, path, uid, gid)",
        lchown,
        "Change owner and group of a file, not following links.",
    ),
    bound(
        "link($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None,\n     follow_symlinks=(os.name != 'nt'))",
        link,
        "Make a hard link to a file.",
    ),
    bound(
        "mkdir($module, /, path, mode=511, *, dir_fd=None)",
        mkdir,
        "Make a folder.",
    ),
    bound(
        "mkfifo($module, /, path, mode=438, *, dir_fd=None)",
        mkfifo,
        "Make a named pipe.",
    ),
    bound(
        "mknod($module, /, path, mode=384, device=0, *, dir_fd=None)",
        mknod,
        "Make a node of the file system.",
    ),
    f1(
        "major($module, device, /)",
        |vm, _, device| device_part(vm, device, libc::major),
        "The major number of a device.",
    ),
    f1(
        "minor($module, device, /)",
        |vm, _, device| device_part(vm, device, libc::minor),
        "The minor number of a device.",
    ),
    f2(
        "makedev($module, major, minor, /)",
        makedev,
        "A device number of its parts.",
    ),
    bound(
        "readlink($module, /, path, *, dir_fd=None)",
        readlink,
        "What a symbolic link leads to.",
    ),
    bound(
        "rename($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
        |vm, _, args| rename(vm, "rename", args),
        "Rename a file or folder.",
    ),
    bound(
        "replace($module, /, src, dst, *, src_dir_fd=None, dst_dir_fd=None)",
        |vm, _, args| rename(vm, "replace", args),
        "Rename a file or folder, overwriting the destination.",
    ),
    bound(
        "rmdir($module, /, path, *, dir_fd=None)",
        rmdir,
        "Remove an empty folder.",
    ),
    bound(
        "symlink($module, /, src, dst, target_is_directory=False, *, dir_fd=None)",
        symlink,
        "Make a symbolic link named dst that leads to src.",
    ),
    bound(
        "truncate($module, /, path, length)",
        truncate,
        "Cut a file, or lengthen it with zeros, to a length in bytes.",
    ),
    bound(
        "unlink($module, /, path, *, dir_fd=None)",
        |vm, _, args| unlink(vm, "unlink", args),
        "Remove a file.",
    ),
    bound(
        "remove($module, /, path, *, dir_fd=None)",
        |vm, _, args| unlink(vm, "remove", args),
        "Remove a file.",
    ),
    bound(
        "utime($module, /, path, times=None, *, ns=<unrepresentable>,\n      dir_fd=None, follow_symlinks=True)",
        utime,
        "Set the times of last access and modification of a file.\n\n\
         times is a tuple (atime, mtime) in seconds, ns one in nanoseconds; with neither it is the current time.",
    ),
    f1(
        "umask($module, mask, /)",
        umask,
        "Set the mask of access rights for new files; give the former one.",
    ),
    taipan_core::f0(
        "sync($module, /)",
        sync,
        "Have all written data put on disk.",
    ),
    bound(
        "pathconf($module, path, name)",
        super::names::pathconf,
        "A limit of the file system that a path is on.",
    ),
];

fn refuse_both(
    vm: &mut Vm,
    function: &str,
    path: &PathArgument,
    dir: Option<&Value>,
    follow: bool,
) -> Py<()> {
    if path.descriptor.is_none() {
        return Ok(());
    }
    if dir.is_some_and(|dir| !dir.is_none()) {
        return Err(vm.value_error(format!("{function}: can't specify both dir_fd and fd")));
    }
    if !follow {
        return Err(vm.value_error(format!(
            "{function}: cannot use fd and follow_symlinks together"
        )));
    }
    Ok(())
}

fn path_done(vm: &mut Vm, result: i32, path: &PathArgument) -> Py {
    if result < 0 {
        Err(path.fail(vm))
    } else {
        Ok(Value::none())
    }
}

/// Raises the error of the last failed call, about two paths.
#[cold]
fn fail_two(vm: &mut Vm, from: &Value, to: &Value) -> Raised {
    let error = errno();
    let text =
        taipan_core::str_object::new_str(&taipan_types::exceptions::os_error::strerror(error));
    vm.raise_with(
        &OS_ERROR,
        &[
            Value::from_i32(error),
            text,
            from.clone(),
            Value::none(),
            to.clone(),
        ],
    )
}

fn mode_argument(vm: &mut Vm, value: Option<&Value>, default: i32) -> Py<libc::mode_t> {
    Ok(int_or(vm, value, default)? as libc::mode_t)
}

fn access(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain("access"))?;
    let mode = c_int(vm, args.req(1))?;
    let dir = dir_fd(vm, args.get(2))?;
    let mut flags = 0;
    if flag(vm, args, 3, false)? {
        flags |= libc::AT_EACCESS;
    }
    if !flag(vm, args, 4, true)? {
        flags |= libc::AT_SYMLINK_NOFOLLOW;
    }
    // SAFETY: a C string and flags.
    Ok(Value::bool(
        unsafe { libc::faccessat(dir, path.as_ptr(), mode, flags) } == 0,
    ))
}

fn chdir(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::or_descriptor("chdir"))?;
    audit(vm, "os.chdir", || vec![path.value.clone()])?;
    // SAFETY: a descriptor or a C string.
    let result = unsafe {
        match path.descriptor {
            Some(fd) => libc::fchdir(fd),
            None => libc::chdir(path.as_ptr()),
        }
    };
    path_done(vm, result, &path)
}

fn fchdir(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let fd = path::fileno(vm, args.req(0))?;
    audit(vm, "os.chdir", || vec![Value::from_i32(fd)])?;
    // SAFETY: a plain call.
    let result = unsafe { libc::fchdir(fd) };
    done(vm, result)
}

fn chroot(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain("chroot"))?;
    // SAFETY: a C string.
    let result = unsafe { libc::chroot(path.as_ptr()) };
    path_done(vm, result, &path)
}

fn chmod(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::or_descriptor("chmod"))?;
    let mode = c_int(vm, args.req(1))?;
    let dir = dir_fd(vm, args.get(2))?;
    let follow = flag(vm, args, 3, true)?;
    refuse_both(vm, "chmod", &path, args.get(2), follow)?;
    audit(vm, "os.chmod", || {
        vec![
            path.value.clone(),
            Value::from_i32(mode),
            Value::from_i32(dir),
        ]
    })?;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a descriptor or a C string.
    let result = unsafe {
        match path.descriptor {
            Some(fd) => libc::fchmod(fd, mode as libc::mode_t),
            None => libc::fchmodat(dir, path.as_ptr(), mode as libc::mode_t, flags),
        }
    };
    if result < 0 && !follow && matches!(path::errno(), libc::ENOTSUP) {
        return Err(vm.raise(
            &taipan_core::builtin_types::NOT_IMPLEMENTED_ERROR,
            "chmod: follow_symlinks unavailable on this platform",
        ));
    }
    path_done(vm, result, &path)
}

fn fchmod(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let fd = c_int(vm, args.req(0))?;
    let mode = c_int(vm, args.req(1))? as libc::mode_t;
    // SAFETY: a plain call.
    path::retry(vm, || unsafe { libc::fchmod(fd, mode) })?;
    Ok(Value::none())
}

fn chown(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::or_descriptor("chown"))?;
    let (uid, gid) = (
        id_argument(vm, args.req(1), "uid")?,
        id_argument(vm, args.req(2), "gid")?,
    );
    let dir = dir_fd(vm, args.get(3))?;
    let follow = flag(vm, args, 4, true)?;
    refuse_both(vm, "chown", &path, args.get(3), follow)?;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a descriptor or a C string.
    let result = unsafe {
        match path.descriptor {
            Some(fd) => libc::fchown(fd, uid, gid),
            None => libc::fchownat(dir, path.as_ptr(), uid, gid, flags),
        }
    };
    path_done(vm, result, &path)
}

fn fchown(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let fd = c_int(vm, args.req(0))?;
    let (uid, gid) = (
        id_argument(vm, args.req(1), "uid")?,
        id_argument(vm, args.req(2), "gid")?,
    );
    // SAFETY: a plain call.
    path::retry(vm, || unsafe { libc::fchown(fd, uid, gid) })?;
    Ok(Value::none())
}

fn lchown(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain("lchown"))?;
    let (uid, gid) = (
        id_argument(vm, args.req(1), "uid")?,
        id_argument(vm, args.req(2), "gid")?,
    );
    // SAFETY: a C string.
    let result = unsafe { libc::lchown(path.as_ptr(), uid, gid) };
    path_done(vm, result, &path)
}

fn link(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let from = path::parse(vm, args.get(0), PathKind::plain("link").named("src"))?;
    let to = path::parse(vm, args.get(1), PathKind::plain("link").named("dst"))?;
    let (from_dir, to_dir) = (dir_fd(vm, args.get(2))?, dir_fd(vm, args.get(3))?);
    let follow = flag(vm, args, 4, true)?;
    audit(vm, "os.link", || {
        vec![
            from.value.clone(),
            to.value.clone(),
            Value::from_i32(from_dir),
            Value::from_i32(to_dir),
        ]
    })?;
    let flags = if follow { libc::AT_SYMLINK_FOLLOW } else { 0 };
    // SAFETY: C strings.
    if unsafe { libc::linkat(from_dir, from.as_ptr(), to_dir, to.as_ptr(), flags) } < 0 {
        return Err(fail_two(vm, &from.value, &to.value));
    }
    Ok(Value::none())
}

fn mkdir(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain("mkdir"))?;
    let mode = mode_argument(vm, args.get(1), 0o777)?;
    let dir = dir_fd(vm, args.get(2))?;
    audit(vm, "os.mkdir", || {
        vec![
            path.value.clone(),
            Value::int(mode.into()),
            Value::from_i32(dir),
        ]
    })?;
    // SAFETY: a C string.
    let result = unsafe { libc::mkdirat(dir, path.as_ptr(), mode) };
    path_done(vm, result, &path)
}

fn mkfifo(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain("mkfifo"))?;
    let mode = mode_argument(vm, args.get(1), 0o666)?;
    let dir = dir_fd(vm, args.get(2))?;
    // SAFETY: a C string.
    path::retry(vm, || unsafe { libc::mkfifoat(dir, path.as_ptr(), mode) })?;
    Ok(Value::none())
}

fn device(vm: &mut Vm, value: &Value) -> Py<libc::dev_t> {
    let index = vm.index(value)?;
    match index.as_big().map(u64::try_from) {
        Some(Ok(device)) => Ok(device),
        _ if index.as_i64() == Some(-1) => Ok(libc::dev_t::MAX),
        _ => {
            let negative = index.as_big().is_none_or(|big| big < dashu_int::IBig::ZERO);
            Err(vm.overflow_error(if negative {
                "can't convert negative int to unsigned"
            } else {
                "int too big to convert"
            }))
        }
    }
}

/// A device number or a part of one as Python shows it: all ones stand for "no device".
fn device_value(number: u64, none: u64) -> Value {
    if number == none {
        Value::from_i32(-1)
    } else {
        super::unsigned(number)
    }
}

/// A part of a device number.
fn part_argument(vm: &mut Vm, value: &Value) -> Py<libc::c_uint> {
    match device(vm, value)? {
        libc::dev_t::MAX => Ok(libc::c_uint::MAX),
        number => match libc::c_uint::try_from(number) {
            Ok(number) => Ok(number),
            Err(_) => Err(vm.overflow_error("Python int too large to convert to C unsigned int")),
        },
    }
}

fn mknod(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain("mknod"))?;
    let mode = mode_argument(vm, args.get(1), 0o600)?;
    let number = match args.get(2) {
        Some(value) => device(vm, value)?,
        None => 0,
    };
    let dir = dir_fd(vm, args.get(3))?;
    // SAFETY: a C string.
    path::retry(vm, || unsafe {
        libc::mknodat(dir, path.as_ptr(), mode, number)
    })?;
    Ok(Value::none())
}

fn device_part(vm: &mut Vm, value: &Value, part: extern "C" fn(libc::dev_t) -> libc::c_uint) -> Py {
    let number = device(vm, value)?;
    Ok(device_value(part(number).into(), libc::c_uint::MAX.into()))
}

fn makedev(vm: &mut Vm, _module: &Value, major: &Value, minor: &Value) -> Py {
    let (major, minor) = (part_argument(vm, major)?, part_argument(vm, minor)?);
    Ok(device_value(libc::makedev(major, minor), libc::dev_t::MAX))
}

fn readlink(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain("readlink"))?;
    let dir = dir_fd(vm, args.get(1))?;
    let mut target = vec![0u8; 256];
    loop {
        // SAFETY: a C string and a buffer with its length.
        let len = unsafe {
            libc::readlinkat(dir, path.as_ptr(), target.as_mut_ptr().cast(), target.len())
        };
        if len < 0 {
            return Err(path.fail(vm));
        }
        if (len as usize) < target.len() {
            return path::name_value(vm, &target[..len as usize], path.is_bytes);
        }
        target.resize(target.len() * 2, 0);
    }
}

fn rename(vm: &mut Vm, function: &'static str, args: &Bound) -> Py {
    let from = path::parse(vm, args.get(0), PathKind::plain(function).named("src"))?;
    let to = path::parse(vm, args.get(1), PathKind::plain(function).named("dst"))?;
    let (from_dir, to_dir) = (dir_fd(vm, args.get(2))?, dir_fd(vm, args.get(3))?);
    audit(vm, "os.rename", || {
        vec![
            from.value.clone(),
            to.value.clone(),
            Value::from_i32(from_dir),
            Value::from_i32(to_dir),
        ]
    })?;
    // SAFETY: C strings.
    if unsafe { libc::renameat(from_dir, from.as_ptr(), to_dir, to.as_ptr()) } < 0 {
        return Err(fail_two(vm, &from.value, &to.value));
    }
    Ok(Value::none())
}

fn rmdir(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain("rmdir"))?;
    let dir = dir_fd(vm, args.get(1))?;
    audit(vm, "os.rmdir", || {
        vec![path.value.clone(), Value::from_i32(dir)]
    })?;
    // SAFETY: a C string.
    let result = unsafe { libc::unlinkat(dir, path.as_ptr(), libc::AT_REMOVEDIR) };
    path_done(vm, result, &path)
}

fn symlink(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let target = path::parse(vm, args.get(0), PathKind::plain("symlink").named("src"))?;
    let link = path::parse(vm, args.get(1), PathKind::plain("symlink").named("dst"))?;
    flag(vm, args, 2, false)?;
    let dir = dir_fd(vm, args.get(3))?;
    audit(vm, "os.symlink", || {
        vec![
            target.value.clone(),
            link.value.clone(),
            Value::from_i32(dir),
        ]
    })?;
    // SAFETY: C strings.
    if unsafe { libc::symlinkat(target.as_ptr(), dir, link.as_ptr()) } < 0 {
        return Err(fail_two(vm, &target.value, &link.value));
    }
    Ok(Value::none())
}

fn truncate(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::or_descriptor("truncate"))?;
    let length = offset(vm, args.req(1))?;
    audit(vm, "os.truncate", || {
        vec![path.value.clone(), Value::int(length)]
    })?;
    // SAFETY: a descriptor or a C string.
    let result = unsafe {
        match path.descriptor {
            Some(fd) => libc::ftruncate(fd, length),
            None => libc::truncate(path.as_ptr(), length),
        }
    };
    path_done(vm, result, &path)
}

fn unlink(vm: &mut Vm, function: &'static str, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain(function))?;
    let dir = dir_fd(vm, args.get(1))?;
    audit(vm, "os.remove", || {
        vec![path.value.clone(), Value::from_i32(dir)]
    })?;
    // SAFETY: a C string.
    let result = unsafe { libc::unlinkat(dir, path.as_ptr(), 0) };
    path_done(vm, result, &path)
}

fn umask(vm: &mut Vm, _module: &Value, mask: &Value) -> Py {
    let mask = c_int(vm, mask)?;
    // SAFETY: a plain call.
    Ok(Value::int(i64::from(unsafe {
        libc::umask(mask as libc::mode_t)
    })))
}

fn sync(_vm: &mut Vm, _module: &Value) -> Py {
    // SAFETY: a plain call.
    unsafe { libc::sync() };
    Ok(Value::none())
}

// ---- times ----

/// Seconds as an int or a float, rounded down to nanoseconds.
pub(crate) fn time_spec(vm: &mut Vm, value: &Value) -> Py<libc::timespec> {
    if value.is_float() {
        let seconds = vm.to_f64(value)?;
        if seconds.is_nan() {
            return Err(vm.value_error("Invalid value NaN (not a number)"));
        }
        let whole = seconds.floor();
        let mut part = ((seconds - whole) * 1e9).floor();
        let mut whole = whole;
        if part >= 1e9 {
            part -= 1e9;
            whole += 1.0;
        }
        if !(-9.2e18..9.2e18).contains(&whole) {
            return Err(vm.overflow_error("timestamp out of range for platform time_t"));
        }
        return Ok(libc::timespec {
            tv_sec: whole as libc::time_t,
            tv_nsec: part as _,
        });
    }
    let index = vm.index(value)?;
    match index.as_i64() {
        Some(seconds) => Ok(libc::timespec {
            tv_sec: seconds,
            tv_nsec: 0,
        }),
        None => Err(vm.overflow_error("timestamp out of range for platform time_t")),
    }
}

/// Nanoseconds as an int.
fn nano_spec(vm: &mut Vm, value: &Value) -> Py<libc::timespec> {
    let billion = Value::int(1_000_000_000);
    let pair = vm.binary(BinaryOp::Divmod, value, &billion)?;
    let Some([whole, part]) = items(&pair) else {
        let message = format!(
            "{}.__divmod__() must return a 2-tuple, not {}",
            value.type_of().name(),
            pair.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let mut spec = time_spec(vm, whole)?;
    spec.tv_nsec = vm.index_i64(part)?;
    Ok(spec)
}

fn utime(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::or_descriptor("utime"))?;
    let times = args.get_not_none(1).cloned();
    let nanos = args.get(2).cloned();
    let dir = dir_fd(vm, args.get(3))?;
    let follow = flag(vm, args, 4, true)?;
    if times.is_some() && nanos.is_some() {
        return Err(vm.value_error("utime: you may specify either 'times' or 'ns' but not both"));
    }
    let now = libc::timespec {
        tv_sec: 0,
        tv_nsec: libc::UTIME_NOW,
    };
    let row = if let Some(times) = times {
        let Some([access, change]) = items(&times) else {
            return Err(vm.type_error("utime: 'times' must be either a tuple of two ints or None"));
        };
        [time_spec(vm, access)?, time_spec(vm, change)?]
    } else if let Some(nanos) = nanos {
        let Some([access, change]) = items(&nanos) else {
            return Err(vm.type_error("utime: 'ns' must be a tuple of two ints"));
        };
        [nano_spec(vm, access)?, nano_spec(vm, change)?]
    } else {
        [now, now]
    };
    refuse_both(vm, "utime", &path, args.get(3), follow)?;
    audit(vm, "os.utime", || {
        let shown = |at: usize| args.get(at).cloned().unwrap_or_else(Value::none);
        vec![path.value.clone(), shown(1), shown(2), Value::from_i32(dir)]
    })?;
    let flags = if follow { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
    // SAFETY: a descriptor or a C string, and two times.
    let result = unsafe {
        match path.descriptor {
            Some(fd) => libc::futimens(fd, row.as_ptr()),
            None => libc::utimensat(dir, path.as_ptr(), row.as_ptr(), flags),
        }
    };
    path_done(vm, result, &path)
}

/// Keeps `fail` in one place for results without a path.
pub(super) fn check_number(vm: &mut Vm, result: i64) -> Py {
    if result < 0 {
        Err(fail(vm))
    } else {
        Ok(Value::int(result))
    }
}
