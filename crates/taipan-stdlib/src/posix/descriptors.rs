//! Open files: descriptors, reading and writing.

use super::files::check_number;
use super::{dir_fd, done, fail, flag, int_or, offset};
use crate::audit::audit;
use crate::path::{self, PathKind, c_int, errno, retry};
use crate::support::writable_opt;
use taipan_core::buffer::Buffer;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, f0, f1, f2, slice};
use taipan_types::buffer::{BytesLike, bytes_like, writable};
use taipan_types::bytes::new_bytes;
use taipan_types::exceptions::os_error::raise_errno;

pub(super) static FUNCTIONS: [MethodDef; 31] = [
    bound(
        "open($module, /, path, flags, mode=511, *, dir_fd=None)",
        open,
        "Open a file; give its descriptor.",
    ),
    bound("close($module, /, fd)", close, "Close a descriptor."),
    f2(
        "closerange($module, fd_low, fd_high, /)",
        closerange,
        "Close all descriptors from fd_low on, below fd_high; errors are ignored.",
    ),
    f2(
        "read($module, fd, length, /)",
        read,
        "Read at most length bytes.",
    ),
    f2(
        "readinto($module, fd, buffer, /)",
        readinto,
        "Read into a buffer; give the number of bytes.",
    ),
    f2(
        "readv($module, fd, buffers, /)",
        readv,
        "Read into several buffers; give the number of bytes.",
    ),
    slice(
        "pread($module, fd, length, offset, /)",
        pread,
        "Read at most length bytes from an offset on; the file's position stays.",
    ),
    slice(
        "preadv($module, fd, buffers, offset, flags=0, /)",
        preadv,
        "Read into several buffers from an offset on.",
    ),
    f2(
        "write($module, fd, data, /)",
        write,
        "Write bytes; give how many were written.",
    ),
    f2(
        "writev($module, fd, buffers, /)",
        writev,
        "Write several buffers; give how many bytes were written.",
    ),
    slice(
        "pwrite($module, fd, buffer, offset, /)",
        pwrite,
        "Write bytes at an offset; the file's position stays.",
    ),
    slice(
        "pwritev($module, fd, buffers, offset, flags=0, /)",
        pwritev,
        "Write several buffers at an offset.",
    ),
    slice(
        "lseek($module, fd, position, whence, /)",
        lseek,
        "Set the position in a file; give the new one.",
    ),
    f1(
        "dup($module, fd, /)",
        dup,
        "A second descriptor for the same file, not inheritable.",
    ),
    bound(
        "dup2($module, /, fd, fd2, inheritable=True)",
        dup2,
        "Make fd2 a descriptor of the file that fd is open on.",
    ),
    f0(
        "pipe($module, /)",
        pipe,
        "Make a pipe; give a tuple (read_fd, write_fd).",
    ),
    f1(
        "pipe2($module, flags, /)",
        pipe2,
        "Make a pipe with flags; give a tuple (read_fd, write_fd).",
    ),
    f1(
        "isatty($module, fd, /)",
        isatty,
        "Is the descriptor a terminal?",
    ),
    f2(
        "ftruncate($module, fd, length, /)",
        ftruncate,
        "Cut an open file, or lengthen it with zeros.",
    ),
    bound(
        "fsync($module, /, fd)",
        fsync,
        "Have a file's data put on disk.",
    ),
    bound(
        "fdatasync($module, /, fd)",
        fdatasync,
        "Have a file's data put on disk, not all of its times.",
    ),
    slice(
        "lockf($module, fd, command, length, /)",
        lockf,
        "Lock, test or unlock a part of a file.",
    ),
    f1(
        "get_inheritable($module, fd, /)",
        get_inheritable,
        "Do child processes inherit the descriptor?",
    ),
    f2(
        "set_inheritable($module, fd, inheritable, /)",
        set_inheritable,
        "Set whether child processes inherit the descriptor.",
    ),
    f1(
        "get_blocking($module, fd, /)",
        get_blocking,
        "Do operations on the descriptor wait?",
    ),
    f2(
        "set_blocking($module, fd, blocking, /)",
        set_blocking,
        "Set whether operations on the descriptor wait.",
    ),
    slice(
        "posix_fallocate($module, fd, offset, length, /)",
        posix_fallocate,
        "Have disk space reserved for a part of a file.",
    ),
    slice(
        "posix_fadvise($module, fd, offset, length, advice, /)",
        posix_fadvise,
        "Announce how a part of a file will be used.",
    ),
    bound(
        "sendfile($module, /, out_fd, in_fd, offset, count)",
        sendfile,
        "Copy bytes from one descriptor to another in the system.",
    ),
    bound(
        "copy_file_range($module, /, src, dst, count, offset_src=None,\n                offset_dst=None)",
        copy_file_range,
        "Copy bytes from one file to another in the system; give how many.",
    ),
    bound(
        "splice($module, /, src, dst, count, offset_src=None, offset_dst=None,\n       flags=0)",
        splice,
        "Move bytes from or to a pipe in the system; give how many.",
    ),
];

fn open(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::plain("open"))?;
    let flags = c_int(vm, args.req(1))? | libc::O_CLOEXEC;
    let mode = int_or(vm, args.get(2), 0o777)?;
    let dir = dir_fd(vm, args.get(3))?;
    audit(vm, "open", || {
        vec![path.value.clone(), Value::none(), Value::from_i32(flags)]
    })?;
    loop {
        // SAFETY: a C string, flags and a mode.
        let fd = unsafe { libc::openat(dir, path.as_ptr(), flags, mode as libc::c_uint) };
        if fd >= 0 {
            return Ok(Value::from_i32(fd));
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, Some(&path.value))),
        }
    }
}

fn close(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let fd = c_int(vm, args.req(0))?;
    // SAFETY: the program's own descriptor. An interrupted close has closed it.
    let result = unsafe { libc::close(fd) };
    if result < 0 && errno() != libc::EINTR {
        return Err(fail(vm));
    }
    Ok(Value::none())
}

fn closerange(vm: &mut Vm, _module: &Value, low: &Value, high: &Value) -> Py {
    let (low, high) = (c_int(vm, low)?.max(0), c_int(vm, high)?);
    close_range(low, high);
    Ok(Value::none())
}

/// Closes the descriptors from `low` on, below `high`.
pub(super) fn close_range(low: i32, high: i32) {
    if low >= high {
        return;
    }
    #[cfg(target_os = "linux")]
    // SAFETY: a plain call; on old systems it fails and the loop below does the work.
    if unsafe {
        libc::syscall(
            libc::SYS_close_range,
            low as libc::c_uint,
            (high - 1) as libc::c_uint,
            0,
        )
    } == 0
    {
        return;
    }
    for fd in low..high {
        // SAFETY: the program asked for it.
        unsafe { libc::close(fd) };
    }
}

/// A buffer for a read of `length` bytes.
fn room(vm: &mut Vm, length: &Value) -> Py<Vec<u8>> {
    let length = vm.subscript_index(length)?;
    if length < 0 {
        return Err(raise_errno(vm, libc::EINVAL, None));
    }
    let length = length.min(0x7fff_f000) as usize;
    let mut data = Vec::new();
    if data.try_reserve_exact(length).is_err() {
        return Err(vm.memory_error());
    }
    data.resize(length, 0);
    Ok(data)
}

fn read(vm: &mut Vm, _module: &Value, fd: &Value, length: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    let mut data = room(vm, length)?;
    // SAFETY: a buffer with its length.
    let count = retry(vm, || unsafe {
        libc::read(fd, data.as_mut_ptr().cast(), data.len())
    })?;
    new_bytes(vm, &data[..count as usize])
}

fn pread(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = c_int(vm, &args[0])?;
    let mut data = room(vm, &args[1])?;
    let at = offset(vm, &args[2])?;
    // SAFETY: a buffer with its length.
    let count = retry(vm, || unsafe {
        libc::pread(fd, data.as_mut_ptr().cast(), data.len(), at)
    })?;
    new_bytes(vm, &data[..count as usize])
}

fn target_vector(buffer: &Buffer) -> libc::iovec {
    let memory = buffer.as_slice();
    libc::iovec {
        iov_base: memory.as_ptr().cast_mut().cast(),
        iov_len: memory.len(),
    }
}

fn readinto(vm: &mut Vm, _module: &Value, fd: &Value, buffer: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    let Some(target) = writable_opt(vm, buffer)? else {
        let given = buffer.type_of().name();
        return Err(vm.type_error(format!(
            "readinto() argument 2 must be read-write bytes-like object, not {given}"
        )));
    };
    let vector = target_vector(&target);
    // SAFETY: the writable buffer stays in place while `target` lives.
    let count = retry(vm, || unsafe {
        libc::read(fd, vector.iov_base, vector.iov_len)
    })?;
    Ok(Value::int(count as i64))
}

fn target_vectors(
    vm: &mut Vm,
    function: &str,
    buffers: &Value,
) -> Py<(Vec<Buffer>, Vec<libc::iovec>)> {
    let rows = sequence(vm, function, buffers)?;
    let mut held = Vec::with_capacity(rows.len());
    for row in &rows {
        held.push(writable(vm, row)?);
    }
    let vectors = held.iter().map(target_vector).collect();
    Ok((held, vectors))
}

fn source_vectors(
    vm: &mut Vm,
    function: &str,
    buffers: &Value,
) -> Py<(Vec<BytesLike>, Vec<libc::iovec>)> {
    let rows = sequence(vm, function, buffers)?;
    let mut held = Vec::with_capacity(rows.len());
    for row in &rows {
        held.push(bytes_like(vm, row)?);
    }
    let vectors = held
        .iter()
        .map(|data| libc::iovec {
            iov_base: data.as_ptr().cast_mut().cast(),
            iov_len: data.len(),
        })
        .collect();
    Ok((held, vectors))
}

fn sequence(vm: &mut Vm, function: &str, buffers: &Value) -> Py<Vec<Value>> {
    if buffers.type_of().slots().get_item.is_none() || buffers.type_of().slots().len.is_none() {
        let place = if function.starts_with('p') || function.ends_with('v') {
            "arg 2"
        } else {
            "argument"
        };
        return Err(vm.type_error(format!("{function}() {place} must be a sequence")));
    }
    vm.to_vec(buffers)
}

fn readv(vm: &mut Vm, _module: &Value, fd: &Value, buffers: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    let (held, vectors) = target_vectors(vm, "readv", buffers)?;
    // SAFETY: the buffers stay in place while `held` lives.
    let count = retry(vm, || unsafe {
        libc::readv(fd, vectors.as_ptr(), vectors.len() as i32)
    })?;
    drop(held);
    Ok(Value::int(count as i64))
}

fn preadv(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = c_int(vm, &args[0])?;
    let (held, vectors) = target_vectors(vm, "preadv", &args[1])?;
    let at = offset(vm, &args[2])?;
    let flags = int_or(vm, args.get(3), 0)?;
    // SAFETY: the buffers stay in place while `held` lives.
    let count = retry(vm, || unsafe {
        #[cfg(target_os = "linux")]
        let count = if flags != 0 {
            libc::preadv2(fd, vectors.as_ptr(), vectors.len() as i32, at, flags)
        } else {
            libc::preadv(fd, vectors.as_ptr(), vectors.len() as i32, at)
        };
        #[cfg(not(target_os = "linux"))]
        let count = libc::preadv(fd, vectors.as_ptr(), vectors.len() as i32, at);
        count
    })?;
    drop(held);
    Ok(Value::int(count as i64))
}

fn write(vm: &mut Vm, _module: &Value, fd: &Value, data: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    let data = bytes_like(vm, data)?;
    let length = data.len().min(0x7fff_f000);
    // SAFETY: a buffer with its length.
    let count = retry(vm, || unsafe {
        libc::write(fd, data.as_ptr().cast(), length)
    })?;
    Ok(Value::int(count as i64))
}

fn pwrite(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = c_int(vm, &args[0])?;
    let data = bytes_like(vm, &args[1])?;
    let at = offset(vm, &args[2])?;
    // SAFETY: a buffer with its length.
    let count = retry(vm, || unsafe {
        libc::pwrite(fd, data.as_ptr().cast(), data.len(), at)
    })?;
    Ok(Value::int(count as i64))
}

fn writev(vm: &mut Vm, _module: &Value, fd: &Value, buffers: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    let (held, vectors) = source_vectors(vm, "writev", buffers)?;
    // SAFETY: the buffers stay in place while `held` lives.
    let count = retry(vm, || unsafe {
        libc::writev(fd, vectors.as_ptr(), vectors.len() as i32)
    })?;
    drop(held);
    Ok(Value::int(count as i64))
}

fn pwritev(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = c_int(vm, &args[0])?;
    let (held, vectors) = source_vectors(vm, "pwritev", &args[1])?;
    let at = offset(vm, &args[2])?;
    let flags = int_or(vm, args.get(3), 0)?;
    // SAFETY: the buffers stay in place while `held` lives.
    let count = retry(vm, || unsafe {
        #[cfg(target_os = "linux")]
        let count = if flags != 0 {
            libc::pwritev2(fd, vectors.as_ptr(), vectors.len() as i32, at, flags)
        } else {
            libc::pwritev(fd, vectors.as_ptr(), vectors.len() as i32, at)
        };
        #[cfg(not(target_os = "linux"))]
        let count = libc::pwritev(fd, vectors.as_ptr(), vectors.len() as i32, at);
        count
    })?;
    drop(held);
    Ok(Value::int(count as i64))
}

fn lseek(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = c_int(vm, &args[0])?;
    let position = offset(vm, &args[1])?;
    let whence = c_int(vm, &args[2])?;
    // SAFETY: a plain call.
    let result = unsafe { libc::lseek(fd, position, whence) };
    check_number(vm, result)
}

fn dup(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    // SAFETY: a plain call.
    let result = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    check_number(vm, result.into())
}

fn dup2(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (from, to) = (c_int(vm, args.req(0))?, c_int(vm, args.req(1))?);
    let inheritable = flag(vm, args, 2, true)?;
    // SAFETY: plain calls.
    let result = unsafe {
        if inheritable {
            libc::dup2(from, to)
        } else {
            #[cfg(target_os = "linux")]
            let result = libc::dup3(from, to, libc::O_CLOEXEC);
            #[cfg(not(target_os = "linux"))]
            let result = match libc::dup2(from, to) {
                -1 => -1,
                made => {
                    libc::fcntl(made, libc::F_SETFD, libc::FD_CLOEXEC);
                    made
                }
            };
            result
        }
    };
    check_number(vm, result.into())
}

fn pair(vm: &mut Vm, flags: i32) -> Py {
    let mut ends = [0i32; 2];
    // SAFETY: room for two descriptors.
    if unsafe { libc::pipe2(ends.as_mut_ptr(), flags) } < 0 {
        return Err(fail(vm));
    }
    Ok(new_tuple(ends.map(Value::from_i32)))
}

fn pipe(vm: &mut Vm, _module: &Value) -> Py {
    pair(vm, libc::O_CLOEXEC)
}

fn pipe2(vm: &mut Vm, _module: &Value, flags: &Value) -> Py {
    let flags = c_int(vm, flags)?;
    pair(vm, flags)
}

fn isatty(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    // SAFETY: a plain call.
    Ok(Value::bool(unsafe { libc::isatty(fd) } == 1))
}

fn ftruncate(vm: &mut Vm, _module: &Value, fd: &Value, length: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    let length = offset(vm, length)?;
    audit(vm, "os.truncate", || {
        vec![Value::from_i32(fd), Value::int(length)]
    })?;
    // SAFETY: a plain call.
    retry(vm, || unsafe { libc::ftruncate(fd, length) })?;
    Ok(Value::none())
}

fn fsync(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let fd = path::fileno(vm, args.req(0))?;
    // SAFETY: a plain call.
    retry(vm, || unsafe { libc::fsync(fd) })?;
    Ok(Value::none())
}

fn fdatasync(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let fd = path::fileno(vm, args.req(0))?;
    // SAFETY: a plain call.
    retry(vm, || unsafe { libc::fdatasync(fd) })?;
    Ok(Value::none())
}

fn lockf(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let (fd, command) = (c_int(vm, &args[0])?, c_int(vm, &args[1])?);
    let length = offset(vm, &args[2])?;
    // SAFETY: a plain call.
    let result = vm.detached(|| unsafe { libc::lockf(fd, command, length) });
    done(vm, result)
}

fn get_inheritable(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    // SAFETY: a plain query.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
    if flags < 0 {
        return Err(fail(vm));
    }
    Ok(Value::bool(flags & libc::FD_CLOEXEC == 0))
}

fn change_flags(vm: &mut Vm, fd: i32, get: i32, set: i32, bit: i32, on: bool) -> Py {
    // SAFETY: a plain query.
    let flags = unsafe { libc::fcntl(fd, get) };
    if flags < 0 {
        return Err(fail(vm));
    }
    let wanted = if on { flags | bit } else { flags & !bit };
    if wanted == flags {
        return Ok(Value::none());
    }
    // SAFETY: a plain call.
    let result = unsafe { libc::fcntl(fd, set, wanted) };
    done(vm, result)
}

fn set_inheritable(vm: &mut Vm, _module: &Value, fd: &Value, inheritable: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    let inheritable = c_int(vm, inheritable)? != 0;
    change_flags(
        vm,
        fd,
        libc::F_GETFD,
        libc::F_SETFD,
        libc::FD_CLOEXEC,
        !inheritable,
    )
}

fn get_blocking(vm: &mut Vm, _module: &Value, fd: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    // SAFETY: a plain query.
    let flags = unsafe { libc::fcntl(fd, libc::F_GETFL) };
    if flags < 0 {
        return Err(fail(vm));
    }
    Ok(Value::bool(flags & libc::O_NONBLOCK == 0))
}

fn set_blocking(vm: &mut Vm, _module: &Value, fd: &Value, blocking: &Value) -> Py {
    let fd = c_int(vm, fd)?;
    let blocking = vm.truth(blocking)?;
    change_flags(
        vm,
        fd,
        libc::F_GETFL,
        libc::F_SETFL,
        libc::O_NONBLOCK,
        !blocking,
    )
}

fn posix_fallocate(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = c_int(vm, &args[0])?;
    let (start, length) = (offset(vm, &args[1])?, offset(vm, &args[2])?);
    loop {
        // SAFETY: a plain call.
        match unsafe { libc::posix_fallocate(fd, start, length) } {
            0 => return Ok(Value::none()),
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, None)),
        }
    }
}

fn posix_fadvise(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let fd = c_int(vm, &args[0])?;
    let (start, length) = (offset(vm, &args[1])?, offset(vm, &args[2])?);
    let advice = c_int(vm, &args[3])?;
    loop {
        // SAFETY: a plain call.
        match unsafe { libc::posix_fadvise(fd, start, length, advice) } {
            0 => return Ok(Value::none()),
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, None)),
        }
    }
}

fn count_argument(vm: &mut Vm, value: &Value) -> Py<usize> {
    let count = vm.subscript_index(value)?;
    match usize::try_from(count) {
        Ok(count) => Ok(count),
        Err(_) => Err(vm.value_error("negative value for 'count' not allowed")),
    }
}

fn sendfile(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (to, from) = (c_int(vm, args.req(0))?, c_int(vm, args.req(1))?);
    let mut at = match args.get_not_none(2) {
        Some(value) => Some(offset(vm, value)?),
        None => None,
    };
    let count = vm.subscript_index(args.req(3))?.max(0) as usize;
    let at = at.as_mut().map_or(std::ptr::null_mut(), std::ptr::from_mut);
    // SAFETY: the offset, if there is one, is ours.
    let sent = retry(vm, || unsafe { libc::sendfile(to, from, at, count) })?;
    Ok(Value::int(sent as i64))
}

fn optional_offset(vm: &mut Vm, value: Option<&Value>) -> Py<Option<i64>> {
    match value {
        Some(value) => Ok(Some(offset(vm, value)?)),
        None => Ok(None),
    }
}

fn as_pointer(place: &mut Option<i64>) -> *mut i64 {
    place
        .as_mut()
        .map_or(std::ptr::null_mut(), std::ptr::from_mut)
}

fn copy_file_range(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (from, to) = (c_int(vm, args.req(0))?, c_int(vm, args.req(1))?);
    let count = count_argument(vm, args.req(2))?;
    let mut from_at = optional_offset(vm, args.get_not_none(3))?;
    let mut to_at = optional_offset(vm, args.get_not_none(4))?;
    let (from_at, to_at) = (as_pointer(&mut from_at), as_pointer(&mut to_at));
    // SAFETY: the offsets, if there are any, are ours.
    let copied = retry(vm, || unsafe {
        libc::copy_file_range(from, from_at, to, to_at, count, 0)
    })?;
    Ok(Value::int(copied as i64))
}

fn splice(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (from, to) = (c_int(vm, args.req(0))?, c_int(vm, args.req(1))?);
    let count = count_argument(vm, args.req(2))?;
    let mut from_at = optional_offset(vm, args.get_not_none(3))?;
    let mut to_at = optional_offset(vm, args.get_not_none(4))?;
    let flags = int_or(vm, args.get(5), 0)?;
    let (from_at, to_at) = (as_pointer(&mut from_at), as_pointer(&mut to_at));
    // SAFETY: the offsets, if there are any, are ours.
    let moved = retry(vm, || unsafe {
        libc::splice(from, from_at, to, to_at, count, flags as libc::c_uint)
    })?;
    Ok(Value::int(moved as i64))
}

/// `os.device_encoding`: terminals speak UTF-8 here, as the file system does.
pub(super) fn device_encoding(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let fd = c_int(vm, args.req(0))?;
    // SAFETY: a plain query.
    Ok(if unsafe { libc::isatty(fd) } == 1 {
        new_str("utf-8")
    } else {
        Value::none()
    })
}
