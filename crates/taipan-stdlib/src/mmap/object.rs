//! The type `mmap.mmap`: a file-like sequence of bytes over a mapping.

use super::mapping::{Access, Mapping, Request};
use crate::audit::audit;
use crate::path::errno;
use crate::support::{Holds, int_argument, native_type, signature};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use taipan_core::alloc::{new_instance, new_object};
use taipan_core::buffer::{Buffer, flags};
use taipan_core::lock::Locked;
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Py, Raised, Slots, TypeFlags, TypeObject, TypeSpec, Value,
    Vm, builtin_types, f0, f1, getter, slice,
};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;
use taipan_types::exceptions::os_error::raise_errno;
use taipan_types::slice as slices;

impl Holds for AtomicUsize {}
impl Holds for Option<Mapping> {}

native_type! {
    /// Payload of mappings. `exports` counts buffers that are lent; while there are any the memory stays where it is.
    MMAP "mmap.mmap"
    Mmap { exports: AtomicUsize }
    MmapState {
        // Empty when closed.
        mapping: Option<Mapping>,
        position: usize,
    }
}

static LAYOUT: Layout = Layout::of::<Mmap>();

static METHODS: [MethodDef; 18] = [
    f0(
        "close($self, /)",
        close,
        "Close the mapping; any further use is a ValueError.",
    ),
    slice(
        "find($self, view, start=None, end=None, /)",
        |vm, this, args| find(vm, this, args, false),
        "The lowest index at which view is found, from start on (the position, if not given); -1 if nowhere.",
    ),
    slice(
        "rfind($self, view, start=None, end=None, /)",
        |vm, this, args| find(vm, this, args, true),
        "The highest index at which view is found, from start on (the position, if not given); -1 if nowhere.",
    ),
    slice(
        "flush($self, offset=0, size=None, /)",
        flush,
        "Write changes, or those of a range, to the file.",
    ),
    slice(
        "madvise($self, option, start=0, length=None, /)",
        madvise,
        "Tell the system how memory will be used.",
    ),
    slice(
        "move($self, dest, src, count, /)",
        move_bytes,
        "Copy count bytes from src to dest.",
    ),
    slice(
        "read($self, n=None, /)",
        read,
        "At most n bytes from the position on, all if n is None or negative.",
    ),
    f0(
        "read_byte($self, /)",
        read_byte,
        "The byte at the position, as an int.",
    ),
    f0(
        "readline($self, /)",
        readline,
        "The bytes from the position to the end of the line.",
    ),
    f1(
        "resize($self, newsize, /)",
        resize,
        "Change the size of the mapping, and of the file if there is one.",
    ),
    slice(
        "seek($self, pos, whence=0, /)",
        seek,
        "Set the position; give the new one.",
    ),
    f0("seekable($self, /)", |_, _| Ok(Value::bool(true)), "True."),
    f0(
        "size($self, /)",
        size,
        "The size of the file, which may be larger than the mapping.",
    ),
    f0("tell($self, /)", tell, "The position."),
    f1(
        "write($self, bytes, /)",
        write,
        "Write at the position; give the number of bytes.",
    ),
    f1(
        "write_byte($self, byte, /)",
        write_byte,
        "Write one byte, an int, at the position.",
    ),
    f0("__enter__($self, /)", enter, ""),
    slice(
        "__exit__($self, exc_type, exc_value, traceback, /)",
        |vm, this, _| close(vm, this),
        "",
    ),
];

static GETSET: [GetSetDef; 1] = [getter(
    "closed",
    |vm, this| {
        Ok(Value::bool(
            this.expect::<Mmap>().lock(vm).mapping.is_none(),
        ))
    },
    "",
)];

static SPEC: TypeSpec = TypeSpec {
    name: "mmap.mmap",
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        len: Some(len),
        get_item: Some(get_item),
        set_item: Some(set_item),
        iter: Some(iter),
        buffer: Some(lend),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "mmap(fileno, length[, flags[, prot[, access[, offset[, trackfd]]]]])\n\n\
          Maps length bytes of the file with descriptor fileno, from offset on; all if length is 0.\n\
          With fileno -1 the memory is anonymous. A descriptor of its own keeps the file open unless trackfd is false.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    MMAP.define(&SPEC);
    ITERATOR.define(&ITERATOR_SPEC);
}

// ---- making ----

static NEW: MethodDef =
    signature("mmap(fileno, length, flags=1, prot=3, access=0, offset=0, *, trackfd=True)");

const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = taipan_core::bind::bind(vm, &NEW, args)?;
    let fd = int_argument(vm, args.req(0))?;
    let len = vm.index_i64(args.req(1))?;
    let mut numbers = [libc::MAP_SHARED, READ_WRITE, Access::Default as i32];
    for (index, number) in numbers.iter_mut().enumerate() {
        if let Some(value) = args.get(index + 2) {
            *number = int_argument(vm, value)?;
        }
    }
    let [map_flags, protection, access] = numbers;
    let offset = match args.get(5) {
        Some(value) => {
            let number = vm.index(value)?;
            match number.as_i64() {
                Some(number) => number,
                None => {
                    return Err(vm.overflow_error("Python int too large to convert to C long"));
                }
            }
        }
        None => 0,
    };
    let tracks_fd = args.get(6).map_or(Ok(true), |flag| vm.truth(flag))?;
    let Ok(len) = usize::try_from(len) else {
        return Err(vm.overflow_error("memory mapped length must be positive"));
    };
    if offset < 0 {
        return Err(vm.overflow_error("memory mapped offset must be positive"));
    }
    let (map_flags, protection, access) = resolve_access(vm, map_flags, protection, access)?;
    audit(vm, "mmap.__new__", || {
        vec![
            Value::from_i32(fd),
            Value::int(len as i64),
            Value::from_i32(access as i32),
            Value::int(offset),
        ]
    })?;
    let request = Request {
        fd,
        len: file_len(vm, fd, len, offset)?,
        flags: map_flags,
        protection,
        access,
        offset,
        tracks_fd,
    };
    match Mapping::new(&request) {
        Ok(mapping) => Ok(new_instance(
            cls,
            Mmap {
                exports: AtomicUsize::new(0),
                state: Locked::new(MmapState {
                    mapping: Some(mapping),
                    position: 0,
                }),
            },
        )),
        Err(error) => Err(raise_errno(vm, error, None)),
    }
}

/// The system's flags and protection for an access, or the access that flags and protection amount to.
fn resolve_access(
    vm: &mut Vm,
    map_flags: i32,
    protection: i32,
    access: i32,
) -> Py<(i32, i32, Access)> {
    let plain = map_flags == libc::MAP_SHARED && protection == READ_WRITE;
    if access != Access::Default as i32 && !plain {
        return Err(vm.value_error("mmap can't specify both access and flags, prot."));
    }
    Ok(match Access::of(access) {
        Some(Access::Read) => (libc::MAP_SHARED, libc::PROT_READ, Access::Read),
        Some(Access::Write) => (libc::MAP_SHARED, READ_WRITE, Access::Write),
        Some(Access::Copy) => (libc::MAP_PRIVATE, READ_WRITE, Access::Copy),
        Some(Access::Default) => {
            let access = match (
                protection & libc::PROT_READ != 0,
                protection & libc::PROT_WRITE != 0,
            ) {
                (true, true) => Access::Default,
                (_, true) => Access::Write,
                _ => Access::Read,
            };
            (map_flags, protection, access)
        }
        None => return Err(vm.value_error("mmap invalid access parameter.")),
    })
}

/// How many bytes to map of a file.
fn file_len(vm: &mut Vm, fd: i32, len: usize, offset: i64) -> Py<usize> {
    if fd == -1 {
        return Ok(len);
    }
    // SAFETY: plain numbers.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: a structure of ours.
    let known = unsafe { libc::fstat(fd, &mut status) } == 0;
    if !known || status.st_mode & libc::S_IFMT != libc::S_IFREG {
        return Ok(len);
    }
    if len == 0 {
        if status.st_size == 0 {
            return Err(vm.value_error("cannot mmap an empty file"));
        }
        if offset >= status.st_size {
            return Err(vm.value_error("mmap offset is greater than file size"));
        }
        return Ok((status.st_size - offset) as usize);
    }
    if offset > status.st_size || ((status.st_size - offset) as usize) < len {
        return Err(vm.value_error("mmap length is greater than file size"));
    }
    Ok(len)
}

// ---- the mapping of an object ----

#[cold]
fn closed(vm: &mut Vm) -> Raised {
    vm.value_error("mmap closed or invalid")
}

/// Does something with an open mapping and the position. No Python code runs meanwhile.
fn with<T>(vm: &mut Vm, this: &Value, work: impl FnOnce(&mut Mapping, &mut usize) -> T) -> Py<T> {
    let result = {
        let mut state = this.expect::<Mmap>().lock(vm);
        let MmapState { mapping, position } = &mut *state;
        mapping.as_mut().map(|mapping| work(mapping, position))
    };
    match result {
        Some(result) => Ok(result),
        None => Err(closed(vm)),
    }
}

fn check_open(vm: &mut Vm, this: &Value) -> Py<()> {
    with(vm, this, |_, _| ())
}

/// Is it open, and may it be written to?
fn check_writable(vm: &mut Vm, this: &Value) -> Py<()> {
    if with(vm, this, |mapping, _| mapping.access)? == Access::Read {
        return Err(vm.type_error("mmap can't modify a readonly memory map."));
    }
    Ok(())
}

/// `None`, or the exception of an error number.
fn outcome(vm: &mut Vm, result: Result<(), i32>) -> Py {
    match result {
        Ok(()) => Ok(Value::none()),
        Err(error) => Err(raise_errno(vm, error, None)),
    }
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    if this.expect::<Mmap>().exports.load(Relaxed) > 0 {
        return Err(vm.raise(
            &builtin_types::BUFFER_ERROR,
            "cannot close exported pointers exist",
        ));
    }
    let mapping = this.expect::<Mmap>().lock(vm).mapping.take();
    drop(mapping);
    Ok(Value::none())
}

fn enter(vm: &mut Vm, this: &Value) -> Py {
    check_open(vm, this)?;
    Ok(this.clone())
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let name = this.type_of().full_name();
    let state = this.expect::<Mmap>().lock(vm);
    let text = match &state.mapping {
        None => format!("<{name} closed=True>"),
        Some(mapping) => format!(
            "<{name} closed=False, access={}, length={}, pos={}, offset={}>",
            mapping.access.name(),
            mapping.len(),
            state.position,
            mapping.offset
        ),
    };
    drop(state);
    Ok(new_str(&text))
}

fn lend(vm: &mut Vm, this: &Value, request: u32) -> Py<Buffer> {
    let (data, len, readonly) = with(vm, this, |mapping, _| {
        (
            mapping.as_ptr(),
            mapping.len(),
            mapping.access == Access::Read,
        )
    })?;
    if readonly && request & flags::WRITABLE != 0 {
        return Err(vm.raise(&builtin_types::BUFFER_ERROR, "Object is not writable."));
    }
    this.expect::<Mmap>().exports.fetch_add(1, Relaxed);
    let release = |owner: &Value| {
        if let Some(own) = owner.cast_layout::<Mmap>() {
            own.exports.fetch_sub(1, Relaxed);
        }
    };
    Ok(Buffer::bytes(
        this.clone(),
        data,
        len,
        readonly,
        Some(release),
    ))
}

// ---- as a sequence ----

fn len(vm: &mut Vm, this: &Value) -> Py<usize> {
    with(vm, this, |mapping, _| mapping.len())
}

fn is_index(key: &Value) -> bool {
    key.is_int() || key.type_of().slots().index.is_some()
}

/// An index from the front.
fn position_of(vm: &mut Vm, this: &Value, key: &Value) -> Py<usize> {
    let index = vm.subscript_index(key)?;
    let len = len(vm, this)? as i64;
    let at = if index < 0 { index + len } else { index };
    if (0..len).contains(&at) {
        Ok(at as usize)
    } else {
        Err(vm.index_error("mmap index out of range"))
    }
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    check_open(vm, this)?;
    if is_index(key) {
        let at = position_of(vm, this, key)?;
        let byte = with(vm, this, |mapping, _| mapping.bytes().get(at).copied())?;
        return match byte {
            Some(byte) => Ok(Value::from_i32(byte.into())),
            None => Err(vm.index_error("mmap index out of range")),
        };
    }
    let Some(bounds) = slices::bounds_of(vm, key)? else {
        return Err(vm.type_error("mmap indices must be integers"));
    };
    let picked = with(vm, this, |mapping, _| {
        let bytes = mapping.bytes();
        let span = bounds.fit(bytes.len());
        let mut picked = Vec::new();
        picked.try_reserve_exact(span.count).ok()?;
        if span.step == 1 {
            let start = span.start as usize;
            picked.extend_from_slice(&bytes[start..start + span.count]);
        } else {
            picked.extend(span.indices().map(|at| bytes[at]));
        }
        Some(picked)
    })?;
    match picked {
        Some(picked) => new_bytes(vm, &picked),
        None => Err(vm.memory_error()),
    }
}

fn set_item(vm: &mut Vm, this: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    check_writable(vm, this)?;
    if is_index(key) {
        let at = position_of(vm, this, key)?;
        let Some(value) = value else {
            return Err(vm.type_error("mmap doesn't support item deletion"));
        };
        if !is_index(value) {
            return Err(vm.type_error("mmap item value must be an int"));
        }
        let Ok(byte) = u8::try_from(vm.index_clamped(value)?) else {
            return Err(vm.value_error("mmap item value must be in range(0, 256)"));
        };
        return if with(vm, this, |mapping, _| mapping.write(at, &[byte]))? {
            Ok(())
        } else {
            Err(vm.index_error("mmap index out of range"))
        };
    }
    let Some(bounds) = slices::bounds_of(vm, key)? else {
        return Err(vm.type_error("mmap indices must be integers"));
    };
    let Some(value) = value else {
        return Err(vm.type_error("mmap object doesn't support slice deletion"));
    };
    let data = bytes_like(vm, value)?;
    let fits = with(vm, this, |mapping, _| {
        let span = bounds.fit(mapping.len());
        if span.count != data.len() {
            return false;
        }
        if span.step == 1 {
            return mapping.write(span.start as usize, &data);
        }
        // The data may be this very memory.
        let data = data.to_vec();
        for (at, byte) in span.indices().zip(data) {
            mapping.write(at, &[byte]);
        }
        true
    })?;
    if fits {
        Ok(())
    } else {
        Err(vm.index_error("mmap slice assignment is wrong size"))
    }
}

native_type! {
    /// Payload of iterators: each byte as `bytes`, up to the end that the mapping has when it comes there.
    ITERATOR "mmap.iterator"
    MmapIterator { mmap: Value }
    IteratorState { next: usize, done: bool }
}

static ITERATOR_LAYOUT: Layout = Layout::of::<MmapIterator>();

static ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "mmap.iterator",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&ITERATOR_LAYOUT),
    slots: Slots {
        iter: Some(|_, this| Ok(this.clone())),
        next: Some(next_byte),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

fn iter(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new_object(MmapIterator {
        mmap: this.clone(),
        state: Locked::new(IteratorState {
            next: 0,
            done: false,
        }),
    }))
}

fn next_byte(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<MmapIterator>();
    let (at, done) = {
        let state = iterator.lock(vm);
        (state.next, state.done)
    };
    if done {
        return Ok(None);
    }
    let byte = with(vm, &iterator.mmap, |mapping, _| {
        mapping.bytes().get(at).copied()
    })?;
    {
        let mut state = iterator.lock(vm);
        state.next = at + 1;
        state.done = byte.is_none();
    }
    byte.map(|byte| new_bytes(vm, &[byte])).transpose()
}

// ---- as a file ----

fn read(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let wanted = match args.first() {
        None => i64::MAX,
        Some(value) if value.is_none() => i64::MAX,
        Some(value) if is_index(value) => vm.index_i64(value)?,
        Some(value) => {
            let given = value.type_of().name();
            return Err(vm.type_error(format!("argument should be integer or None, not '{given}'")));
        }
    };
    let data = with(vm, this, |mapping, position| {
        let rest = mapping.bytes().get(*position..).unwrap_or(&[]);
        let count = usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(rest.len());
        *position += count;
        copied(&rest[..count])
    })?;
    bytes_or_memory_error(vm, data)
}

/// A copy; `None` if memory runs out.
fn copied(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut copy = Vec::new();
    copy.try_reserve_exact(bytes.len()).ok()?;
    copy.extend_from_slice(bytes);
    Some(copy)
}

fn bytes_or_memory_error(vm: &mut Vm, data: Option<Vec<u8>>) -> Py {
    match data {
        Some(data) => new_bytes(vm, &data),
        None => Err(vm.memory_error()),
    }
}

fn readline(vm: &mut Vm, this: &Value) -> Py {
    let data = with(vm, this, |mapping, position| {
        let rest = mapping.bytes().get(*position..).unwrap_or(&[]);
        let count = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
        *position += count;
        copied(&rest[..count])
    })?;
    bytes_or_memory_error(vm, data)
}

fn read_byte(vm: &mut Vm, this: &Value) -> Py {
    let byte = with(vm, this, |mapping, position| {
        let byte = mapping.bytes().get(*position).copied();
        *position += usize::from(byte.is_some());
        byte
    })?;
    match byte {
        Some(byte) => Ok(Value::from_i32(byte.into())),
        None => Err(vm.value_error("read byte out of range")),
    }
}

/// Writes at the position and moves it on; false if there is not enough room.
fn write_at_position(mapping: &mut Mapping, position: &mut usize, data: &[u8]) -> bool {
    let fits = mapping.write(*position, data);
    if fits {
        *position += data.len();
    }
    fits
}

fn write(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    check_open(vm, this)?;
    let data = bytes_like(vm, data)?;
    check_writable(vm, this)?;
    if with(vm, this, |mapping, position| {
        write_at_position(mapping, position, &data)
    })? {
        Ok(Value::int(data.len() as i64))
    } else {
        Err(vm.value_error("data out of range"))
    }
}

fn write_byte(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let number = vm.index_clamped(value)?;
    let Ok(byte) = u8::try_from(number) else {
        return Err(vm.overflow_error(if number < 0 {
            "unsigned byte integer is less than minimum"
        } else {
            "unsigned byte integer is greater than maximum"
        }));
    };
    check_writable(vm, this)?;
    if with(vm, this, |mapping, position| {
        write_at_position(mapping, position, &[byte])
    })? {
        Ok(Value::none())
    } else {
        Err(vm.value_error("write byte out of range"))
    }
}

fn seek(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    check_open(vm, this)?;
    let distance = vm.index_i64(&args[0])?;
    let whence = args.get(1).map_or(Ok(0), |value| int_argument(vm, value))?;
    let found = with(vm, this, |mapping, position| {
        let base = match whence {
            0 => 0,
            1 => *position,
            2 => mapping.len(),
            _ => return None,
        };
        let to = (base as i64).checked_add(distance);
        let to = to.and_then(|to| usize::try_from(to).ok());
        let to = to.filter(|to| *to <= mapping.len());
        if let Some(to) = to {
            *position = to;
        }
        Some(to)
    })?;
    match found {
        Some(Some(to)) => Ok(Value::int(to as i64)),
        Some(None) => Err(vm.value_error("seek out of range")),
        None => Err(vm.value_error("unknown seek type")),
    }
}

fn tell(vm: &mut Vm, this: &Value) -> Py {
    with(vm, this, |_, position| Value::int(*position as i64))
}

fn size(vm: &mut Vm, this: &Value) -> Py {
    let fd = with(vm, this, |mapping, _| mapping.fd)?;
    // SAFETY: plain numbers.
    let mut status: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: a structure of ours; -1 is refused by the system.
    if unsafe { libc::fstat(fd, &mut status) } < 0 {
        return Err(raise_errno(vm, errno(), None));
    }
    Ok(Value::int(status.st_size))
}

/// A bound of a search.
fn bound(vm: &mut Vm, value: Option<&Value>, default: usize, len: usize) -> Py<usize> {
    match value.filter(|value| !value.is_none()) {
        Some(value) => Ok(slices::clamp_to(vm.index_clamped(value)?, len)),
        None => Ok(default),
    }
}

fn find(vm: &mut Vm, this: &Value, args: &[Value], last: bool) -> Py {
    check_open(vm, this)?;
    let view = bytes_like(vm, &args[0])?;
    let (size, position) = with(vm, this, |mapping, position| (mapping.len(), *position))?;
    let start = bound(vm, args.get(1), position, size)?;
    let end = bound(vm, args.get(2), size, size)?;
    let found = with(vm, this, |mapping, _| {
        let data = mapping.bytes();
        let part = data.get(start..end.min(data.len()))?;
        let at = if last {
            memchr::memmem::rfind(part, &view)
        } else {
            memchr::memmem::find(part, &view)
        };
        at.map(|at| at + start)
    })?;
    Ok(Value::int(found.map_or(-1, |at| at as i64)))
}

fn move_bytes(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let mut numbers = [0; 3];
    for (number, value) in numbers.iter_mut().zip(args) {
        *number = vm.index_i64(value)?;
    }
    check_writable(vm, this)?;
    let [to, from, count] = numbers.map(|number| usize::try_from(number).ok());
    let moved = with(vm, this, |mapping, _| match (to, from, count) {
        (Some(to), Some(from), Some(count)) => mapping.move_within(to, from, count),
        _ => false,
    })?;
    if moved {
        Ok(Value::none())
    } else {
        Err(vm.value_error("source, destination, or count out of range"))
    }
}

fn resize(vm: &mut Vm, this: &Value, size: &Value) -> Py {
    let size = vm.index_i64(size)?;
    let (access, offset, tracks_fd) = with(vm, this, |mapping, _| {
        (mapping.access, mapping.offset, mapping.tracks_fd)
    })?;
    if this.expect::<Mmap>().exports.load(Relaxed) > 0 {
        return Err(vm.raise(
            &builtin_types::BUFFER_ERROR,
            "mmap can't resize with extant buffers exported.",
        ));
    }
    if !tracks_fd {
        return Err(vm.value_error("mmap can't resize with trackfd=False."));
    }
    if access == Access::Read || access == Access::Copy {
        return Err(vm.type_error("mmap can't resize a readonly or copy-on-write memory map."));
    }
    let Some(size) = usize::try_from(size)
        .ok()
        .filter(|size| offset.checked_add(*size as i64).is_some())
    else {
        return Err(vm.value_error("new size out of range"));
    };
    if with(vm, this, |mapping, _| mapping.grows_badly(size))? {
        return Err(vm.value_error("mmap: can't expand a shared anonymous mapping"));
    }
    change_size(vm, this, size)
}

#[cfg(target_os = "linux")]
fn change_size(vm: &mut Vm, this: &Value, size: usize) -> Py {
    let result = with(vm, this, |mapping, _| mapping.resize(size))?;
    outcome(vm, result)
}

#[cfg(not(target_os = "linux"))]
fn change_size(vm: &mut Vm, _this: &Value, _size: usize) -> Py {
    Err(vm.system_error("mmap: resizing not available--no mremap()"))
}

fn flush(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let start = args.first().map_or(Ok(0), |value| vm.index_i64(value))?;
    let len = match args.get(1).filter(|value| !value.is_none()) {
        Some(value) => Some(vm.index_i64(value)?),
        None => None,
    };
    let result = with(vm, this, |mapping, _| {
        let start = usize::try_from(start).ok()?;
        let rest = mapping.len().checked_sub(start)?;
        let len = match len {
            Some(len) => usize::try_from(len).ok().filter(|len| *len <= rest)?,
            None => rest,
        };
        if mapping.access == Access::Read || mapping.access == Access::Copy {
            return Some(Ok(()));
        }
        Some(mapping.flush(start, len))
    })?;
    match result {
        Some(result) => outcome(vm, result),
        None => Err(vm.value_error("flush values out of range")),
    }
}

fn madvise(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let advice = int_argument(vm, &args[0])?;
    let start = args.get(1).map_or(Ok(0), |value| vm.index_i64(value))?;
    let len = match args.get(2).filter(|value| !value.is_none()) {
        Some(value) => Some(vm.index_i64(value)?),
        None => None,
    };
    let size = with(vm, this, |mapping, _| mapping.len())?;
    let Some(start) = usize::try_from(start).ok().filter(|start| *start < size) else {
        return Err(vm.value_error("madvise start out of bounds"));
    };
    let Ok(len) = len.map(usize::try_from).transpose() else {
        return Err(vm.value_error("madvise length invalid"));
    };
    let len = len.unwrap_or(size);
    if start
        .checked_add(len)
        .is_none_or(|end| end > i64::MAX as usize)
    {
        return Err(vm.overflow_error("madvise length too large"));
    }
    let result = with(vm, this, |mapping, _| {
        let rest = mapping.len().saturating_sub(start);
        mapping.advise(start.min(mapping.len()), len.min(rest), advice)
    })?;
    outcome(vm, result)
}
