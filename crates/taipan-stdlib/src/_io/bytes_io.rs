//! `BytesIO`: a binary file in memory, and what lends its memory.
//!
//! While memory is lent (`getbuffer`) the vector neither moves nor changes its length (I-BUFFER-1): whatever could do so counts the
//! exports first, under the same guard.

use super::{BUFFERED_IO_BASE, BYTES_IO, BYTES_IO_BUFFER, closed_file, size_argument};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use taipan_core::buffer::Buffer;
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Payload, Py, Raised, Slots, Tracer, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, alloc, bound, builtin_types, f0, f1, getter,
};
use taipan_types::list;

struct State {
    /// `None` when closed.
    data: Option<Vec<u8>>,
    at: usize,
}

struct BytesIo {
    state: Locked<State>,
    /// Buffers that are lent now.
    exports: AtomicUsize,
}

impl HasState for BytesIo {
    type State = State;
    fn cell(&self) -> &Locked<State> {
        &self.state
    }
}

// SAFETY: holds no references.
unsafe impl Payload for BytesIo {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &BYTES_IO
    }
}

static LAYOUT: Layout = Layout::of::<BytesIo>();

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(alloc::new_instance(
        cls,
        BytesIo {
            state: Locked::new(State {
                data: Some(Vec::new()),
                at: 0,
            }),
            exports: AtomicUsize::new(0),
        },
    ))
}

static INIT: MethodDef = crate::support::signature("BytesIO(initial_bytes=b'')");

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = taipan_core::bind::bind(vm, &INIT, args)?;
    let data = match args.get(0) {
        Some(initial) if !initial.is_none() => {
            taipan_types::buffer::bytes_like(vm, initial)?.to_vec()
        }
        _ => Vec::new(),
    };
    replace(vm, this, Some(data), 0)
}

#[cold]
fn lent(vm: &mut Vm) -> Raised {
    let message = "Existing exports of data: object cannot be re-sized";
    vm.raise(&builtin_types::BUFFER_ERROR, message)
}

/// Exchanges the contents, unless they are lent.
fn replace(vm: &mut Vm, this: &Value, data: Option<Vec<u8>>, at: usize) -> Py<()> {
    let file = this.expect::<BytesIo>();
    let mut state = file.lock(vm);
    if file.exports.load(Relaxed) > 0 {
        drop(state);
        return Err(lent(vm));
    }
    *state = State { data, at };
    Ok(())
}

/// Works on the open file's bytes, which may change their number, and position.
fn resizing<R>(
    vm: &mut Vm,
    this: &Value,
    work: impl FnOnce(&mut Vec<u8>, &mut usize) -> R,
) -> Py<R> {
    let file = this.expect::<BytesIo>();
    let mut state = file.lock(vm);
    let State { data, at } = &mut *state;
    match data {
        Some(data) if file.exports.load(Relaxed) == 0 => return Ok(work(data, at)),
        Some(_) => {}
        None => {
            drop(state);
            return Err(closed_file(vm));
        }
    }
    drop(state);
    Err(lent(vm))
}

/// Works on the open file's bytes and position.
fn with<R>(vm: &mut Vm, this: &Value, work: impl FnOnce(&mut [u8], &mut usize) -> R) -> Py<R> {
    {
        let mut state = this.expect::<BytesIo>().lock(vm);
        let State { data, at } = &mut *state;
        if let Some(data) = data {
            return Ok(work(data, at));
        }
    }
    Err(closed_file(vm))
}

fn take<'a>(data: &'a [u8], at: &mut usize, size: Option<usize>) -> &'a [u8] {
    let start = (*at).min(data.len());
    let end = size.map_or(data.len(), |size| {
        data.len().min(start.saturating_add(size))
    });
    *at = if start < *at { *at } else { end };
    &data[start..end]
}

/// A part of the contents as a `bytes` object.
fn part(
    vm: &mut Vm,
    this: &Value,
    choose: impl for<'a> FnOnce(&'a [u8], &mut usize) -> &'a [u8],
) -> Py {
    match with(vm, this, |data, at| {
        taipan_types::bytes::try_new_bytes(choose(data, at))
    })? {
        Some(bytes) => Ok(bytes),
        None => Err(vm.memory_error()),
    }
}

fn read(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let size = size_argument(vm, args.get(0))?;
    part(vm, this, |data, at| take(data, at, size))
}

fn line<'a>(data: &'a [u8], at: &mut usize, limit: Option<usize>) -> &'a [u8] {
    let start = (*at).min(data.len());
    let rest = &data[start..];
    let wanted = memchr::memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
    take(
        data,
        at,
        Some(limit.map_or(wanted, |limit| wanted.min(limit))),
    )
}

fn readline(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = size_argument(vm, args.get(0))?;
    part(vm, this, |data, at| line(data, at, limit))
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let line = part(vm, this, |data, at| line(data, at, None))?;
    let any = taipan_types::bytes::bytes_of(&line).is_some_and(|line| !line.is_empty());
    Ok(any.then_some(line))
}

fn readlines(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = size_argument(vm, args.get(0))?.unwrap_or(0);
    let (mut lines, mut total) = (Vec::new(), 0);
    while let Some(line) = next(vm, this)? {
        total += vm.length(&line)?;
        lines.push(line);
        if limit > 0 && total >= limit {
            break;
        }
    }
    Ok(list::new_list(lines))
}

fn readinto(vm: &mut Vm, this: &Value, target: &Value) -> Py {
    let mut buffer = taipan_types::buffer::writable_argument(vm, target, "readinto() argument")?;
    let len = buffer.len;
    // The target may be this very memory.
    let part = with(vm, this, |data, at| take(data, at, Some(len)).to_vec())?;
    if let Some(slice) = buffer
        .as_mut_slice()
        .and_then(|slice| slice.get_mut(..part.len()))
    {
        slice.copy_from_slice(&part);
    }
    Ok(Value::int(part.len() as i64))
}

fn write(vm: &mut Vm, this: &Value, source: &Value) -> Py {
    let source = taipan_types::buffer::bytes_like(vm, source)?;
    let fits = resizing(vm, this, |data, at| {
        if source.is_empty() {
            return true;
        }
        let Some(end) = at.checked_add(source.len()) else {
            return false;
        };
        if end > data.len() {
            if data.try_reserve(end - data.len()).is_err() {
                return false;
            }
            data.resize(end, 0);
        }
        data[*at..end].copy_from_slice(&source);
        *at = end;
        true
    })?;
    if fits {
        Ok(Value::int(source.len() as i64))
    } else {
        Err(vm.memory_error())
    }
}

fn writelines(vm: &mut Vm, this: &Value, lines: &Value) -> Py {
    with(vm, this, |_, _| ())?;
    let iterator = vm.iter(lines)?;
    while let Some(line) = vm.next(&iterator)? {
        write(vm, this, &line)?;
    }
    Ok(Value::none())
}

fn seek(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let offset = vm.index_i64(args.req(0))?;
    let whence = match args.get(1) {
        Some(whence) => vm.index_i64(whence)?,
        None => 0,
    };
    if whence == 0 && offset < 0 {
        let message = format!("negative seek value {offset}");
        return Err(vm.value_error(message));
    }
    if !(0..=2).contains(&whence) {
        let message = format!("invalid whence ({whence}, should be 0, 1 or 2)");
        return Err(vm.value_error(message));
    }
    let at = with(vm, this, |data, at| {
        let base = match whence {
            0 => 0,
            1 => *at as i64,
            _ => data.len() as i64,
        };
        *at = base.saturating_add(offset).max(0) as usize;
        *at
    })?;
    Ok(Value::int(at as i64))
}

fn tell(vm: &mut Vm, this: &Value) -> Py {
    let at = with(vm, this, |_, at| *at)?;
    Ok(Value::int(at as i64))
}

fn truncate(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let size = match args.get(0) {
        Some(size) if !size.is_none() => Some(vm.index_i64(size)?),
        _ => None,
    };
    if let Some(size) = size
        && size < 0
    {
        let message = format!("negative size value {size}");
        return Err(vm.value_error(message));
    }
    let size = resizing(vm, this, |data, at| {
        let size = size.map_or(*at, |size| size as usize);
        data.truncate(size);
        size
    })?;
    Ok(Value::int(size as i64))
}

fn getvalue(vm: &mut Vm, this: &Value) -> Py {
    part(vm, this, |data, _| data)
}

/// A view of the contents that can be written through.
fn getbuffer(vm: &mut Vm, this: &Value) -> Py {
    with(vm, this, |_, _| ())?;
    let lender = alloc::new_object(Lender { file: this.clone() });
    taipan_types::memoryview::new_memoryview(vm, &lender)
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    replace(vm, this, None, 0)?;
    Ok(Value::none())
}

fn iter(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

fn sizeof(vm: &mut Vm, this: &Value) -> Py {
    let reserved = this
        .expect::<BytesIo>()
        .lock(vm)
        .data
        .as_ref()
        .map_or(0, Vec::capacity);
    let own = size_of::<taipan_core::Obj<BytesIo>>();
    Ok(Value::int((own + reserved) as i64))
}

fn answer_true(vm: &mut Vm, this: &Value) -> Py {
    with(vm, this, |_, _| Value::bool(true))
}

fn isatty(vm: &mut Vm, this: &Value) -> Py {
    with(vm, this, |_, _| Value::bool(false))
}

fn flush(vm: &mut Vm, this: &Value) -> Py {
    with(vm, this, |_, _| Value::none())
}

fn closed_get(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(
        this.expect::<BytesIo>().lock(vm).data.is_none(),
    ))
}

fn getstate(vm: &mut Vm, this: &Value) -> Py {
    let value = getvalue(vm, this)?;
    let at = tell(vm, this)?;
    let dict = if taipan_core::instance::has_dict(this) {
        taipan_core::instance::dict(this)
    } else {
        Value::none()
    };
    Ok(taipan_core::tuple_object::new_tuple([value, at, dict]))
}

fn setstate(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let Some([value, at, dict]) = taipan_core::tuple_object::items(state) else {
        let message = format!(
            "{}.__setstate__ argument should be 3-tuple, got {}",
            this.type_of().short_name(),
            state.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    resizing(vm, this, |_, _| ())?;
    let data = taipan_types::buffer::bytes_like(vm, value)?.to_vec();
    if !at.is_int() {
        let message = format!(
            "second item of state must be an integer, got {}",
            at.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let at = vm.index_i64(at)?;
    let Ok(at) = usize::try_from(at) else {
        return Err(vm.value_error("position value cannot be negative"));
    };
    replace(vm, this, Some(data), at)?;
    super::restore_dict(vm, this, dict, "third")
}

static METHODS: [MethodDef; 21] = [
    bound(
        "read($self, size=-1, /)",
        read,
        "Read at most size bytes, returned as a bytes object.",
    ),
    bound(
        "read1($self, size=-1, /)",
        read,
        "Read at most size bytes, returned as a bytes object.",
    ),
    bound(
        "readline($self, size=-1, /)",
        readline,
        "Next line from the file, as a bytes object.",
    ),
    bound(
        "readlines($self, size=None, /)",
        readlines,
        "List of bytes objects, each a line from the file.",
    ),
    f1(
        "readinto($self, buffer, /)",
        readinto,
        "Read bytes into buffer.",
    ),
    f1("write($self, b, /)", write, "Write bytes to file."),
    bound(
        "seek($self, pos, whence=0, /)",
        seek,
        "Change stream position.",
    ),
    f0("tell($self, /)", tell, "Current file position, an integer."),
    bound(
        "truncate($self, size=None, /)",
        truncate,
        "Truncate the file to at most size bytes.",
    ),
    f0(
        "getvalue($self, /)",
        getvalue,
        "Retrieve the entire contents of the BytesIO object.",
    ),
    f0(
        "getbuffer($self, /)",
        getbuffer,
        "Get a view over the contents of the BytesIO object.",
    ),
    f0("close($self, /)", close, "Disable all I/O operations."),
    f0("flush($self, /)", flush, "Does nothing."),
    f0(
        "readable($self, /)",
        answer_true,
        "Returns True if the IO object can be read.",
    ),
    f0(
        "writable($self, /)",
        answer_true,
        "Returns True if the IO object can be written.",
    ),
    f0(
        "seekable($self, /)",
        answer_true,
        "Returns True if the IO object can be seeked.",
    ),
    f0("isatty($self, /)", isatty, "Always returns False."),
    f0("__getstate__($self, /)", getstate, ""),
    f1("__setstate__($self, state, /)", setstate, ""),
    f0("__sizeof__($self, /)", sizeof, ""),
    f1(
        "writelines($self, lines, /)",
        writelines,
        "Write lines to the file.",
    ),
];

static GETSET: [GetSetDef; 1] = [getter("closed", closed_get, "True if the file is closed.")];

static SPEC: TypeSpec = TypeSpec {
    name: "_io.BytesIO",
    base: Some(&BUFFERED_IO_BASE),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        iter: Some(iter),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Buffered I/O implementation using an in-memory bytes buffer.",
};

// ---- what lends the memory ----

/// Payload of `_BytesIOBuffer`, which memoryviews hold instead of the file.
struct Lender {
    file: Value,
}

// SAFETY: the file is the only reference.
unsafe impl Payload for Lender {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &BYTES_IO_BUFFER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.file);
    }
}

static LENDER_LAYOUT: Layout = Layout::of::<Lender>();

fn lend(vm: &mut Vm, this: &Value, _flags: u32) -> Py<Buffer> {
    let file = this.expect::<Lender>().file.expect::<BytesIo>();
    let place = {
        let mut state = file.lock(vm);
        state.data.as_mut().map(|data| {
            file.exports.fetch_add(1, Relaxed);
            (data.as_mut_ptr(), data.len())
        })
    };
    let Some((data, len)) = place else {
        return Err(closed_file(vm));
    };
    let release = |lender: &Value| {
        if let Some(file) = lender
            .cast::<Lender>()
            .and_then(|lender| lender.file.cast_layout::<BytesIo>())
        {
            file.exports.fetch_sub(1, Relaxed);
        }
    };
    Ok(Buffer::bytes(this.clone(), data, len, false, Some(release)))
}

static LENDER_SPEC: TypeSpec = TypeSpec {
    name: "_io._BytesIOBuffer",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LENDER_LAYOUT),
    slots: Slots {
        buffer: Some(lend),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    BYTES_IO.define(&SPEC);
    BYTES_IO_BUFFER.define(&LENDER_SPEC);
}
