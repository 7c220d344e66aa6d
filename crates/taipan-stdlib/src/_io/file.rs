//! `FileIO`: a file descriptor.

use super::{FILE_IO, RAW_IO_BASE, both, closed_file, size_argument, unsupported};
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Slots, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, alloc, bound, builtin_types, f0, f1, getset, getter, name, str_object,
};
use taipan_types::exceptions::os_error::raise_errno;

/// What a raw file knows.
pub(super) struct FileState {
    /// -1 when closed.
    pub(super) fd: i32,
    created: bool,
    readable: bool,
    writable: bool,
    appending: bool,
    close_fd: bool,
    seekable: Option<bool>,
    finalizing: bool,
    /// What the system said of the file when it was opened.
    at_open: Option<AtOpen>,
}

/// Facts that spare questions to the system as long as nobody else changes the file.
#[derive(Clone, Copy)]
struct AtOpen {
    character_device: bool,
    size: usize,
    block_size: i64,
}

/// Payload of raw files.
pub(super) struct FileIo {
    state: Locked<FileState>,
}

impl HasState for FileIo {
    type State = FileState;
    fn cell(&self) -> &Locked<FileState> {
        &self.state
    }
}

// SAFETY: holds no references.
unsafe impl Payload for FileIo {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &FILE_IO
    }
}

static LAYOUT: Layout = Layout::of::<FileIo>();

fn errno() -> i32 {
    std::io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    let state = FileState {
        fd: -1,
        created: false,
        readable: false,
        writable: false,
        appending: false,
        close_fd: true,
        seekable: None,
        finalizing: false,
        at_open: None,
    };
    Ok(alloc::new_instance(
        cls,
        FileIo {
            state: Locked::new(state),
        },
    ))
}

static INIT: MethodDef =
    crate::support::signature("FileIO(file, mode='r', closefd=True, opener=None)");

/// What a mode string asks for.
struct Mode {
    created: bool,
    readable: bool,
    writable: bool,
    appending: bool,
    flags: i32,
}

fn parse_mode(vm: &mut Vm, mode: &str) -> Py<Mode> {
    let mut parsed = Mode {
        created: false,
        readable: false,
        writable: false,
        appending: false,
        flags: 0,
    };
    let (mut kinds, mut plus) = (0, false);
    for c in mode.chars() {
        match c {
            'x' => {
                kinds += 1;
                parsed.created = true;
                parsed.writable = true;
                parsed.flags |= libc::O_EXCL | libc::O_CREAT;
            }
            'r' => {
                kinds += 1;
                parsed.readable = true;
            }
            'w' => {
                kinds += 1;
                parsed.writable = true;
                parsed.flags |= libc::O_CREAT | libc::O_TRUNC;
            }
            'a' => {
                kinds += 1;
                parsed.writable = true;
                parsed.appending = true;
                parsed.flags |= libc::O_APPEND | libc::O_CREAT;
            }
            'b' => {}
            '+' if !plus => plus = true,
            _ => {
                let message = format!("invalid mode: {mode}");
                return Err(vm.value_error(message));
            }
        }
    }
    if kinds != 1 {
        return Err(vm.value_error(
            "Must have exactly one of create/read/write/append mode and at most one plus",
        ));
    }
    if plus {
        parsed.readable = true;
        parsed.writable = true;
    }
    parsed.flags |= match (parsed.readable, parsed.writable) {
        (true, true) => libc::O_RDWR,
        (true, false) => libc::O_RDONLY,
        _ => libc::O_WRONLY,
    };
    parsed.flags |= libc::O_CLOEXEC;
    Ok(parsed)
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = taipan_core::bind::bind(vm, &INIT, args)?;
    let file = args.req(0).clone();
    let mode_text = match args.get(1) {
        Some(mode) if str_object::is_str(mode) => vm.str_string(mode)?,
        Some(other) => {
            let message = format!(
                "FileIO() argument 'mode' must be str, not {}",
                other.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        None => "r".into(),
    };
    let close_fd = match args.get(2) {
        Some(flag) => vm.truth(flag)?,
        None => true,
    };
    let opener = args.get(3).filter(|opener| !opener.is_none()).cloned();
    let mode = parse_mode(vm, &mode_text)?;
    close_state(vm, this)?;
    let (fd, own) = if file.is_int() {
        if file.is_exact(&builtin_types::BOOL) {
            vm.warn(
                &builtin_types::RUNTIME_WARNING,
                "bool is used as a file descriptor",
                1,
            )?;
        }
        let fd = vm.index_i64(&file)?;
        if fd < 0 {
            return Err(vm.value_error("negative file descriptor"));
        }
        (fd as i32, false)
    } else {
        if !close_fd {
            return Err(vm.value_error("Cannot use closefd=False with file name"));
        }
        crate::audit::audit(vm, "open", || {
            vec![
                file.clone(),
                str_object::new_str(&mode_text),
                Value::int(i64::from(mode.flags)),
            ]
        })?;
        (open_path(vm, &file, mode.flags, opener)?, true)
    };
    let at_open = match check_descriptor(vm, fd, &file) {
        Ok(at_open) => at_open,
        Err(raised) => {
            if own {
                // SAFETY: just opened here.
                unsafe { libc::close(fd) };
            }
            return Err(raised);
        }
    };
    if mode.appending {
        // SAFETY: a plain call.
        unsafe { libc::lseek(fd, 0, libc::SEEK_END) };
    }
    *this.expect::<FileIo>().lock(vm) = FileState {
        fd,
        created: mode.created,
        readable: mode.readable,
        writable: mode.writable,
        appending: mode.appending,
        close_fd,
        seekable: None,
        finalizing: false,
        at_open,
    };
    let named = vm.set_attr(this, name!("name"), Some(&file));
    if named.is_err() && !own {
        // The descriptor stays the caller's.
        this.expect::<FileIo>().lock(vm).fd = -1;
    }
    named
}

fn open_path(vm: &mut Vm, file: &Value, flags: i32, opener: Option<Value>) -> Py<i32> {
    if let Some(opener) = opener {
        let fd = vm.call(&opener, &[file.clone(), Value::int(i64::from(flags))])?;
        if !fd.is_int() {
            return Err(vm.type_error("expected integer from opener"));
        }
        let fd = vm.index_i64(&fd)?;
        if fd < 0 {
            let message = format!("opener returned {fd}");
            return Err(vm.value_error(message));
        }
        return Ok(fd as i32);
    }
    let path = crate::path::path_argument(vm, file)?;
    loop {
        // SAFETY: a C string and flags.
        let fd = vm.detached(|| unsafe { libc::open(path.as_ptr(), flags, 0o666) });
        if fd >= 0 {
            return Ok(fd);
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            error => return Err(raise_errno(vm, error, Some(file))),
        }
    }
}

/// The descriptor must exist and be no folder.
fn check_descriptor(vm: &mut Vm, fd: i32, file: &Value) -> Py<Option<AtOpen>> {
    // SAFETY: the structure is ours and plain data.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: as above.
    if unsafe { libc::fstat(fd, &mut status) } < 0 {
        return match errno() {
            libc::EBADF => Err(raise_errno(vm, libc::EBADF, Some(file))),
            _ => Ok(None),
        };
    }
    if status.st_mode & libc::S_IFMT == libc::S_IFDIR {
        return Err(raise_errno(vm, libc::EISDIR, Some(file)));
    }
    Ok(Some(AtOpen {
        character_device: status.st_mode & libc::S_IFMT == libc::S_IFCHR,
        size: usize::try_from(status.st_size).unwrap_or(0),
        block_size: status.st_blksize as i64,
    }))
}

fn close_state(vm: &mut Vm, this: &Value) -> Py<()> {
    let (fd, close_fd) = {
        let mut state = this.expect::<FileIo>().lock(vm);
        (std::mem::replace(&mut state.fd, -1), state.close_fd)
    };
    // SAFETY: the descriptor is this object's own.
    if fd >= 0 && close_fd && unsafe { libc::close(fd) } < 0 {
        return Err(raise_errno(vm, errno(), None));
    }
    Ok(())
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    let base = vm.get_attr(&RAW_IO_BASE.to_value(), name!("close"))?;
    let flushed = vm.call(&base, std::slice::from_ref(this));
    let (close_fd, finalizing) = {
        let state = this.expect::<FileIo>().lock(vm);
        (state.close_fd, state.finalizing)
    };
    if !close_fd {
        this.expect::<FileIo>().lock(vm).fd = -1;
        return flushed;
    }
    if finalizing {
        warn_unclosed(vm, this, this);
    }
    both(vm, flushed, |vm| {
        close_state(vm, this).map(|()| Value::none())
    })
}

/// Warns about an open descriptor that nobody closed.
fn warn_unclosed(vm: &mut Vm, this: &Value, source: &Value) {
    let open = {
        let state = this.expect::<FileIo>().lock(vm);
        state.fd >= 0 && state.close_fd
    };
    if !open {
        return;
    }
    let warned = vm.repr_string(source).and_then(|text| {
        crate::warnings::warn_resource(vm, source, &format!("unclosed file {text}"), 1)
    });
    if let Err(raised) = warned {
        if vm.pending_is(&builtin_types::WARNING) {
            vm.unraisable_in(raised, "Exception ignored while finalizing file", this);
        } else {
            drop(vm.take_raised(raised));
        }
    }
}

fn dealloc_warn(vm: &mut Vm, this: &Value, source: &Value) -> Py {
    warn_unclosed(vm, this, source);
    Ok(Value::none())
}

fn finalizing_get(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(this.expect::<FileIo>().lock(vm).finalizing))
}

fn finalizing_set(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let finalizing = super::flag_argument(vm, value)?;
    this.expect::<FileIo>().lock(vm).finalizing = finalizing;
    Ok(())
}

/// Is a raw file of exactly this type closed?
pub(super) fn known_closed(vm: &mut Vm, this: &Value) -> Option<bool> {
    if !this.is_exact(&FILE_IO) {
        return None;
    }
    Some(this.expect::<FileIo>().lock(vm).fd < 0)
}

/// The open descriptor.
fn descriptor(vm: &mut Vm, this: &Value) -> Py<i32> {
    let fd = this.expect::<FileIo>().lock(vm).fd;
    if fd < 0 { Err(closed_file(vm)) } else { Ok(fd) }
}

fn readable_descriptor(vm: &mut Vm, this: &Value) -> Py<i32> {
    let fd = descriptor(vm, this)?;
    if this.expect::<FileIo>().lock(vm).readable {
        Ok(fd)
    } else {
        Err(unsupported(vm, "File not open for reading"))
    }
}

fn writable_descriptor(vm: &mut Vm, this: &Value) -> Py<i32> {
    let fd = descriptor(vm, this)?;
    if this.expect::<FileIo>().lock(vm).writable {
        Ok(fd)
    } else {
        Err(unsupported(vm, "File not open for writing"))
    }
}

/// Reads into `target`; `None` if the descriptor would block.
pub(super) fn read_some(vm: &mut Vm, this: &Value, target: &mut [u8]) -> Py<Option<usize>> {
    let fd = readable_descriptor(vm, this)?;
    loop {
        // SAFETY: the slice is ours.
        let count =
            vm.detached(|| unsafe { libc::read(fd, target.as_mut_ptr().cast(), target.len()) });
        if count >= 0 {
            return Ok(Some(count as usize));
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            libc::EAGAIN => return Ok(None),
            error => return Err(raise_errno(vm, error, None)),
        }
    }
}

/// Writes some of `data`; `None` if the descriptor would block.
pub(super) fn write_some(vm: &mut Vm, this: &Value, data: &[u8]) -> Py<Option<usize>> {
    let fd = writable_descriptor(vm, this)?;
    loop {
        // SAFETY: the slice is ours.
        let count = vm.detached(|| unsafe { libc::write(fd, data.as_ptr().cast(), data.len()) });
        if count >= 0 {
            return Ok(Some(count as usize));
        }
        match errno() {
            libc::EINTR => vm.safepoint()?,
            libc::EAGAIN => return Ok(None),
            error => return Err(raise_errno(vm, error, None)),
        }
    }
}

fn zeroed(vm: &mut Vm, len: usize) -> Py<Vec<u8>> {
    let mut probe: Vec<u8> = Vec::new();
    if probe.try_reserve_exact(len).is_err() {
        return Err(vm.memory_error());
    }
    drop(probe);
    // The system gives large memory zeroed, and only where it is used: there may be less to read than was asked for.
    Ok(vec![0; len])
}

fn read(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    readable_descriptor(vm, this)?;
    let Some(size) = size_argument(vm, args.get(0))? else {
        return readall(vm, this);
    };
    let mut buffer = zeroed(vm, size)?;
    match read_some(vm, this, &mut buffer)? {
        Some(count) => taipan_types::bytes::new_bytes(vm, &buffer[..count]),
        None => Ok(Value::none()),
    }
}

/// For larger files, reading all asks where the file is first: much of it may be read already.
const ASK_ABOVE: usize = 65536;

fn readall(vm: &mut Vm, this: &Value) -> Py {
    let fd = readable_descriptor(vm, this)?;
    let size = this
        .expect::<FileIo>()
        .lock(vm)
        .at_open
        .map_or(0, |at_open| at_open.size);
    let mut left = size;
    if size > ASK_ABOVE {
        // SAFETY: a plain query.
        let at = unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) };
        left = size.saturating_sub(usize::try_from(at).unwrap_or(0));
    }
    let mut all = Vec::new();
    let mut filled = 0;
    loop {
        let step = if filled == 0 {
            left + 1
        } else {
            filled.max(8192)
        };
        if all.try_reserve(step).is_err() {
            return Err(vm.memory_error());
        }
        all.resize(filled + step, 0);
        match read_some(vm, this, &mut all[filled..])? {
            Some(0) => break,
            Some(count) => filled += count,
            None if filled == 0 => return Ok(Value::none()),
            None => break,
        }
        all.truncate(filled);
    }
    taipan_types::bytes::new_bytes(vm, &all[..filled])
}

fn readinto(vm: &mut Vm, this: &Value, target: &Value) -> Py {
    readable_descriptor(vm, this)?;
    let mut buffer = taipan_types::buffer::writable_argument(vm, target, "readinto() argument 1")?;
    let Some(slice) = buffer.as_mut_slice() else {
        return Err(vm.type_error("read-only buffer"));
    };
    Ok(read_some(vm, this, slice)?.map_or_else(Value::none, |count| Value::int(count as i64)))
}

fn write(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    writable_descriptor(vm, this)?;
    let data = taipan_types::buffer::bytes_like(vm, data)?;
    Ok(write_some(vm, this, &data)?.map_or_else(Value::none, |count| Value::int(count as i64)))
}

fn seek(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let fd = descriptor(vm, this)?;
    if args.req(0).is_float() {
        return Err(vm.type_error("'float' object cannot be interpreted as an integer"));
    }
    let offset = vm.index_i64(args.req(0))?;
    let whence = match args.get(1) {
        Some(whence) => vm.index_i64(whence)? as i32,
        None => 0,
    };
    place(vm, this, fd, offset, whence)
}

/// Moves the place in the file and tells where it is now.
fn place(vm: &mut Vm, this: &Value, fd: i32, offset: i64, whence: i32) -> Py {
    // SAFETY: a plain call.
    let at = unsafe { libc::lseek(fd, offset, whence) };
    if at < 0 {
        return Err(raise_errno(vm, errno(), None));
    }
    this.expect::<FileIo>().lock(vm).seekable = Some(true);
    Ok(Value::int(at))
}

fn tell(vm: &mut Vm, this: &Value) -> Py {
    let fd = descriptor(vm, this)?;
    place(vm, this, fd, 0, libc::SEEK_CUR)
}

fn truncate(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let fd = writable_descriptor(vm, this)?;
    let size = match args.get(0) {
        Some(size) if !size.is_none() => size.clone(),
        _ => tell(vm, this)?,
    };
    let len = vm.index_i64(&size)?;
    // SAFETY: a plain call.
    if unsafe { libc::ftruncate(fd, len) } < 0 {
        return Err(raise_errno(vm, errno(), None));
    }
    Ok(size)
}

fn fileno(vm: &mut Vm, this: &Value) -> Py {
    descriptor(vm, this).map(|fd| Value::int(i64::from(fd)))
}

fn isatty(vm: &mut Vm, this: &Value) -> Py {
    let fd = descriptor(vm, this)?;
    // SAFETY: a plain call.
    Ok(Value::bool(unsafe { libc::isatty(fd) } == 1))
}

fn seekable(vm: &mut Vm, this: &Value) -> Py {
    let fd = descriptor(vm, this)?;
    let known = this.expect::<FileIo>().lock(vm).seekable;
    let seekable = match known {
        Some(seekable) => seekable,
        // SAFETY: a plain call.
        None => unsafe { libc::lseek(fd, 0, libc::SEEK_CUR) >= 0 },
    };
    this.expect::<FileIo>().lock(vm).seekable = Some(seekable);
    Ok(Value::bool(seekable))
}

fn readable(vm: &mut Vm, this: &Value) -> Py {
    descriptor(vm, this)?;
    Ok(Value::bool(this.expect::<FileIo>().lock(vm).readable))
}

fn writable(vm: &mut Vm, this: &Value) -> Py {
    descriptor(vm, this)?;
    Ok(Value::bool(this.expect::<FileIo>().lock(vm).writable))
}

fn mode_text(vm: &mut Vm, file: &Obj<FileIo>) -> &'static str {
    let state = file.lock(vm);
    match (
        state.created,
        state.appending,
        state.readable,
        state.writable,
    ) {
        (true, _, true, _) => "xb+",
        (true, _, false, _) => "xb",
        (_, true, true, _) => "ab+",
        (_, true, false, _) => "ab",
        (_, _, true, true) => "rb+",
        (_, _, true, false) => "rb",
        _ => "wb",
    }
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let file = this.expect::<FileIo>();
    let (fd, close_fd) = {
        let state = file.lock(vm);
        (state.fd, if state.close_fd { "True" } else { "False" })
    };
    let ty = this.type_of().full_name();
    if fd < 0 {
        return Ok(str_object::new_str(&format!("<{ty} [closed]>")));
    }
    let mode = mode_text(vm, file);
    let text = match vm.get_attr_opt(this, name!("name"))? {
        Some(own) => {
            let own = vm.repr_string(&own)?;
            format!("<{ty} name={own} mode='{mode}' closefd={close_fd}>")
        }
        None => format!("<{ty} fd={fd} mode='{mode}' closefd={close_fd}>"),
    };
    Ok(str_object::new_str(&text))
}

fn closed_get(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(this.expect::<FileIo>().lock(vm).fd < 0))
}

fn close_fd_get(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(this.expect::<FileIo>().lock(vm).close_fd))
}

fn mode_get(vm: &mut Vm, this: &Value) -> Py {
    Ok(str_object::new_str(mode_text(vm, this.expect::<FileIo>())))
}

/// `isatty`, as far as it can be told without asking a file that cannot be a terminal.
fn isatty_open_only(vm: &mut Vm, this: &Value) -> Py {
    let at_open = this.expect::<FileIo>().lock(vm).at_open;
    match at_open {
        Some(at_open) if !at_open.character_device => Ok(Value::bool(false)),
        _ => isatty(vm, this),
    }
}

fn block_size(vm: &mut Vm, this: &Value) -> Py {
    let at_open = this.expect::<FileIo>().lock(vm).at_open;
    let size = at_open.map_or(0, |at_open| at_open.block_size);
    Ok(Value::int(if size > 1 {
        size
    } else {
        super::DEFAULT_BUFFER_SIZE as i64
    }))
}

static METHODS: [MethodDef; 16] = [
    bound(
        "read($self, size=-1, /)",
        read,
        "Read at most size bytes, returned as bytes.",
    ),
    f0(
        "readall($self, /)",
        readall,
        "Read all data from the file, returned as bytes.",
    ),
    f1(
        "readinto($self, buffer, /)",
        readinto,
        "Same as RawIOBase.readinto().",
    ),
    f1(
        "write($self, b, /)",
        write,
        "Write buffer b to file, return number of bytes written.",
    ),
    bound(
        "seek($self, pos, whence=0, /)",
        seek,
        "Move to new file position and return the file position.",
    ),
    f0("tell($self, /)", tell, "Current file position."),
    bound(
        "truncate($self, size=None, /)",
        truncate,
        "Truncate the file to at most size bytes and return the truncated size.",
    ),
    f0("close($self, /)", close, "Close the file."),
    f0(
        "seekable($self, /)",
        seekable,
        "True if file supports random-access.",
    ),
    f0(
        "readable($self, /)",
        readable,
        "True if file was opened in a read mode.",
    ),
    f0(
        "writable($self, /)",
        writable,
        "True if file was opened in a write mode.",
    ),
    f0(
        "fileno($self, /)",
        fileno,
        "Return the underlying file descriptor (an integer).",
    ),
    f0(
        "isatty($self, /)",
        isatty,
        "True if the file is connected to a TTY device.",
    ),
    f0("_isatty_open_only($self, /)", isatty_open_only, ""),
    f1("_dealloc_warn($self, source, /)", dealloc_warn, ""),
    f0("__getstate__($self, /)", super::cannot_pickle, ""),
];

static GETSET: [GetSetDef; 5] = [
    getter("closed", closed_get, "True if the file is closed"),
    getter(
        "closefd",
        close_fd_get,
        "True if the file descriptor will be closed by close().",
    ),
    getter("mode", mode_get, "String giving the file mode"),
    getter("_blksize", block_size, ""),
    getset("_finalizing", finalizing_get, finalizing_set, ""),
];

static SPEC: TypeSpec = TypeSpec {
    name: "_io.FileIO",
    base: Some(&RAW_IO_BASE),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Open a file.",
};

pub(super) fn define() {
    FILE_IO.define(&SPEC);
}
