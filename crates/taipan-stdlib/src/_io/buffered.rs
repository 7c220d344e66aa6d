//! `BufferedReader`, `BufferedWriter`, `BufferedRandom` and `BufferedRWPair`.

use super::{
    BUFFERED_IO_BASE, BUFFERED_RANDOM, BUFFERED_READER, BUFFERED_RW_PAIR, BUFFERED_WRITER,
    DEFAULT_BUFFER_SIZE, FILE_IO, file, is_closed, size_argument, unsupported,
};
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Slots, Tracer, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, alloc, bound, builtin_types, f0, f1, getter, name, str_object,
};

/// A buffer between a program and a raw stream.
struct State {
    /// The raw stream; `None` before `__init__` and after `detach`.
    raw: Option<Value>,
    detached: bool,
    size: usize,
    /// Bytes read ahead; those before `at` are used up.
    read: Vec<u8>,
    at: usize,
    /// Bytes to be written.
    write: Vec<u8>,
}

/// Payload of all buffered streams on one raw stream.
struct Buffered {
    state: Locked<State>,
}

impl HasState for Buffered {
    type State = State;
    fn cell(&self) -> &Locked<State> {
        &self.state
    }
}

// SAFETY: the raw stream is the only reference.
unsafe impl Payload for Buffered {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &BUFFERED_READER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        tracer.visit_option(&unsafe { self.state.get_unlocked() }.raw);
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        out.extend(unsafe { self.state.get_unlocked() }.raw.take());
    }
}

static LAYOUT: Layout = Layout::of::<Buffered>();

fn of<'a>(vm: &mut Vm, this: &'a Value) -> Py<&'a Obj<Buffered>> {
    match this.cast_layout::<Buffered>() {
        Some(object) => Ok(object),
        None => Err(vm.type_error("a buffered stream is required")),
    }
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    let state = State {
        raw: None,
        detached: false,
        size: DEFAULT_BUFFER_SIZE,
        read: Vec::new(),
        at: 0,
        write: Vec::new(),
    };
    Ok(alloc::new_instance(
        cls,
        Buffered {
            state: Locked::new(state),
        },
    ))
}

static INIT: MethodDef = crate::support::signature("BufferedReader(raw, buffer_size=131072)");

fn init_with(
    vm: &mut Vm,
    this: &Value,
    args: Args<'_>,
    needs: &[(&'static str, &'static str)],
) -> Py<()> {
    let args = taipan_core::bind::bind(vm, &INIT, args)?;
    let raw = args.req(0).clone();
    let size = match args.get(1) {
        Some(size) => vm.index_i64(size)?,
        None => DEFAULT_BUFFER_SIZE as i64,
    };
    for (method, message) in needs {
        let answer = vm.call_method(&raw, &str_object::name(method), &[])?;
        if !vm.truth(&answer)? {
            return Err(unsupported(vm, message));
        }
    }
    if size <= 0 {
        return Err(vm.value_error("buffer size must be strictly positive"));
    }
    let object = of(vm, this)?;
    let old = {
        let mut state = object.lock(vm);
        state.size = size as usize;
        state.detached = false;
        state.read = Vec::new();
        state.at = 0;
        state.write = Vec::new();
        state.raw.replace(raw)
    };
    drop(old);
    Ok(())
}

fn reader_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    init_with(
        vm,
        this,
        args,
        &[("readable", "File or stream is not readable.")],
    )
}

fn writer_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    init_with(
        vm,
        this,
        args,
        &[("writable", "File or stream is not writable.")],
    )
}

fn random_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    init_with(
        vm,
        this,
        args,
        &[
            ("seekable", "File or stream is not seekable."),
            ("readable", "File or stream is not readable."),
            ("writable", "File or stream is not writable."),
        ],
    )
}

/// The raw stream of an initialised, attached object.
fn raw(vm: &mut Vm, this: &Value) -> Py {
    let object = of(vm, this)?;
    let (raw, detached) = {
        let state = object.lock(vm);
        (state.raw.clone(), state.detached)
    };
    match raw {
        Some(raw) => Ok(raw),
        None if detached => Err(vm.value_error("raw stream has been detached")),
        None => Err(vm.value_error("I/O operation on uninitialized object")),
    }
}

/// The raw stream, which must not be closed.
fn open_raw(vm: &mut Vm, this: &Value, doing: &str) -> Py {
    let raw = raw(vm, this)?;
    if is_closed(vm, &raw)? {
        let message = format!("{doing} of closed file");
        return Err(vm.value_error(message));
    }
    Ok(raw)
}

/// One read of the raw stream; `None` if it would block.
fn raw_read(vm: &mut Vm, raw: &Value, size: usize) -> Py<Option<Vec<u8>>> {
    let mut buffer = Vec::new();
    if buffer.try_reserve_exact(size).is_err() {
        return Err(vm.memory_error());
    }
    buffer.resize(size, 0);
    if raw.is_exact(&FILE_IO) {
        return Ok(file::read_some(vm, raw, &mut buffer)?.map(|count| {
            buffer.truncate(count);
            buffer
        }));
    }
    let target = vm.call(
        &builtin_types::BYTEARRAY.to_value(),
        &[Value::int(size as i64)],
    )?;
    let count = vm.call_method(raw, name!("readinto"), std::slice::from_ref(&target))?;
    if count.is_none() {
        return Ok(None);
    }
    let count = vm.index_i64(&count)?;
    let bytes = taipan_types::buffer::bytes_like(vm, &target)?;
    match usize::try_from(count)
        .ok()
        .and_then(|count| bytes.get(..count))
    {
        Some(part) => Ok(Some(part.to_vec())),
        None => {
            let message = format!(
                "raw readinto() returned invalid length {count} (should have been between 0 and {size})"
            );
            Err(vm.raise(&builtin_types::OS_ERROR, message))
        }
    }
}

/// One write to the raw stream; `None` if it would block.
fn raw_write(vm: &mut Vm, raw: &Value, data: &[u8]) -> Py<Option<usize>> {
    if raw.is_exact(&FILE_IO) {
        return file::write_some(vm, raw, data);
    }
    let bytes = taipan_types::bytes::new_bytes(vm, data)?;
    let count = vm.call_method(raw, name!("write"), &[bytes])?;
    if count.is_none() {
        return Ok(None);
    }
    let count = vm.index_i64(&count)?;
    match usize::try_from(count) {
        Ok(count) if count <= data.len() => Ok(Some(count)),
        _ => {
            let message = format!(
                "raw write() returned invalid length {count} (should have been between 0 and {})",
                data.len()
            );
            Err(vm.raise(&builtin_types::OS_ERROR, message))
        }
    }
}

/// Writes out what waits to be written.
fn flush_writes(vm: &mut Vm, this: &Value, raw: &Value) -> Py<()> {
    let object = of(vm, this)?;
    loop {
        let pending = std::mem::take(&mut object.lock(vm).write);
        if pending.is_empty() {
            return Ok(());
        }
        let written = raw_write(vm, raw, &pending);
        let done = match &written {
            Ok(Some(count)) => *count,
            _ => 0,
        };
        {
            // What was not written waits on, in front of anything that came meanwhile.
            let mut state = object.lock(vm);
            let newer = std::mem::take(&mut state.write);
            state.write = pending[done..].to_vec();
            state.write.extend(newer);
        }
        if written?.is_none() {
            return Err(vm.raise_with(
                &builtin_types::BLOCKING_IO_ERROR,
                &[
                    Value::from_i32(libc::EAGAIN),
                    str_object::new_str("write could not complete without blocking"),
                    Value::from_i32(0),
                ],
            ));
        }
    }
}

/// Gives up what was read ahead: the raw stream goes back to where the program is.
fn drop_read_ahead(vm: &mut Vm, this: &Value, raw: &Value) -> Py<()> {
    let object = of(vm, this)?;
    let ahead = {
        let mut state = object.lock(vm);
        let ahead = state.read.len() - state.at;
        state.read.clear();
        state.at = 0;
        ahead
    };
    if ahead > 0 {
        vm.call_method(
            raw,
            name!("seek"),
            &[Value::int(-(ahead as i64)), Value::from_i32(1)],
        )?;
    }
    Ok(())
}

/// Before reading: writes go out first.
fn prepare_read(vm: &mut Vm, this: &Value, doing: &str) -> Py {
    let raw = open_raw(vm, this, doing)?;
    flush_writes(vm, this, &raw)?;
    Ok(raw)
}

/// Takes up to `size` bytes of what was read ahead.
fn take_ahead(vm: &mut Vm, this: &Value, size: usize) -> Py<Vec<u8>> {
    let object = of(vm, this)?;
    let mut state = object.lock(vm);
    let end = state.read.len().min(state.at.saturating_add(size));
    let part = state.read[state.at..end].to_vec();
    state.at = end;
    if end == state.read.len() {
        state.read.clear();
        state.at = 0;
    }
    Ok(part)
}

/// Reads ahead once, if nothing is left; false at the end of the stream or if it would block.
fn fill(vm: &mut Vm, this: &Value, raw: &Value) -> Py<Option<bool>> {
    let object = of(vm, this)?;
    let size = {
        let state = object.lock(vm);
        if state.at < state.read.len() {
            return Ok(Some(true));
        }
        state.size
    };
    let Some(data) = raw_read(vm, raw, size)? else {
        return Ok(None);
    };
    let any = !data.is_empty();
    let mut state = object.lock(vm);
    state.read = data;
    state.at = 0;
    Ok(Some(any))
}

fn read_all(vm: &mut Vm, this: &Value, raw: &Value) -> Py {
    let mut all = take_ahead(vm, this, usize::MAX)?;
    if let Some(readall) = vm.get_attr_opt(raw, name!("readall"))? {
        let rest = vm.call(&readall, &[])?;
        if rest.is_none() {
            return if all.is_empty() {
                Ok(rest)
            } else {
                taipan_types::bytes::new_bytes(vm, &all)
            };
        }
        let Some(bytes) = taipan_types::bytes::bytes_of(&rest) else {
            return Err(vm.type_error("readall() should return bytes"));
        };
        if all.is_empty() {
            return Ok(rest);
        }
        all.extend_from_slice(bytes);
        return taipan_types::bytes::new_bytes(vm, &all);
    }
    loop {
        match raw_read(vm, raw, DEFAULT_BUFFER_SIZE)? {
            Some(data) if data.is_empty() => break,
            Some(data) => all.extend(data),
            None if all.is_empty() => return Ok(Value::none()),
            None => break,
        }
    }
    taipan_types::bytes::new_bytes(vm, &all)
}

fn read(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    if let Some(size) = args.get(0)
        && !size.is_none()
        && vm.index_i64(size)? < -1
    {
        return Err(vm.value_error("read length must be non-negative or -1"));
    }
    let size = size_argument(vm, args.get(0))?;
    let raw = prepare_read(vm, this, "read")?;
    let Some(size) = size else {
        return read_all(vm, this, &raw);
    };
    let mut data = take_ahead(vm, this, size)?;
    let buffer_size = of(vm, this)?.lock(vm).size;
    while data.len() < size {
        let missing = size - data.len();
        if missing >= buffer_size {
            match raw_read(vm, &raw, missing)? {
                Some(part) if part.is_empty() => break,
                Some(part) => data.extend(part),
                None if data.is_empty() => return Ok(Value::none()),
                None => break,
            }
        } else {
            match fill(vm, this, &raw)? {
                Some(true) => data.extend(take_ahead(vm, this, missing)?),
                Some(false) => break,
                None if data.is_empty() => return Ok(Value::none()),
                None => break,
            }
        }
    }
    taipan_types::bytes::new_bytes(vm, &data)
}

fn read1(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let raw = prepare_read(vm, this, "read")?;
    let size = match size_argument(vm, args.get(0))? {
        Some(size) => size,
        None => of(vm, this)?.lock(vm).size,
    };
    if size == 0 {
        return Ok(taipan_types::bytes::empty_bytes());
    }
    fill(vm, this, &raw)?;
    let data = take_ahead(vm, this, size)?;
    taipan_types::bytes::new_bytes(vm, &data)
}

fn peek(vm: &mut Vm, this: &Value, _args: &Bound) -> Py {
    let raw = prepare_read(vm, this, "peek")?;
    fill(vm, this, &raw)?;
    let ahead = {
        let state = of(vm, this)?.lock(vm);
        state.read[state.at..].to_vec()
    };
    taipan_types::bytes::new_bytes(vm, &ahead)
}

fn readinto(vm: &mut Vm, this: &Value, target: &Value) -> Py {
    let len = taipan_types::buffer::writable(vm, target)?.len;
    let raw = prepare_read(vm, this, "readinto")?;
    let mut data = take_ahead(vm, this, len)?;
    while data.len() < len {
        let missing = len - data.len();
        match raw_read(vm, &raw, missing)? {
            Some(part) if part.is_empty() => break,
            Some(part) => data.extend(part),
            None if data.is_empty() => return Ok(Value::none()),
            None => break,
        }
    }
    copy_out(vm, target, &data)
}

fn readinto1(vm: &mut Vm, this: &Value, target: &Value) -> Py {
    let len = taipan_types::buffer::writable(vm, target)?.len;
    let raw = prepare_read(vm, this, "readinto")?;
    if len > 0 {
        fill(vm, this, &raw)?;
    }
    let data = take_ahead(vm, this, len)?;
    copy_out(vm, target, &data)
}

fn copy_out(vm: &mut Vm, target: &Value, data: &[u8]) -> Py {
    let mut buffer = taipan_types::buffer::writable(vm, target)?;
    match buffer
        .as_mut_slice()
        .and_then(|slice| slice.get_mut(..data.len()))
    {
        Some(slice) => slice.copy_from_slice(data),
        None => return Err(vm.value_error("buffer shrank during the read")),
    }
    Ok(Value::int(data.len() as i64))
}

fn readline(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = size_argument(vm, args.get(0))?.unwrap_or(usize::MAX);
    let raw = prepare_read(vm, this, "readline")?;
    let line = line_bytes(vm, this, &raw, limit)?;
    taipan_types::bytes::new_bytes(vm, &line)
}

fn line_bytes(vm: &mut Vm, this: &Value, raw: &Value, limit: usize) -> Py<Vec<u8>> {
    let mut line = Vec::new();
    while line.len() < limit && fill(vm, this, raw)? == Some(true) {
        let wanted = {
            let state = of(vm, this)?.lock(vm);
            let ahead = &state.read[state.at..];
            memchr::memchr(b'\n', ahead).map_or(ahead.len(), |at| at + 1)
        };
        let part = take_ahead(vm, this, wanted.min(limit - line.len()))?;
        line.extend(part);
        if line.ends_with(b"\n") {
            break;
        }
    }
    Ok(line)
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    if this.is_exact(&BUFFERED_READER) || this.is_exact(&BUFFERED_RANDOM) {
        let raw = prepare_read(vm, this, "readline")?;
        let line = line_bytes(vm, this, &raw, usize::MAX)?;
        return if line.is_empty() {
            Ok(None)
        } else {
            taipan_types::bytes::new_bytes(vm, &line).map(Some)
        };
    }
    let line = vm.call_method(this, name!("readline"), &[])?;
    Ok(if vm.length(&line)? == 0 {
        None
    } else {
        Some(line)
    })
}

fn write(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    if str_object::is_str(data) {
        return Err(vm.type_error("a bytes-like object is required, not 'str'"));
    }
    let raw = open_raw(vm, this, "write to")?;
    drop_read_ahead(vm, this, &raw)?;
    let data = taipan_types::buffer::bytes_like(vm, data)?.to_vec();
    let object = of(vm, this)?;
    let (waiting, size) = {
        let state = object.lock(vm);
        (state.write.len(), state.size)
    };
    if waiting + data.len() > size {
        flush_writes(vm, this, &raw)?;
    }
    let count = data.len();
    object.lock(vm).write.extend(data);
    if count > size {
        flush_writes(vm, this, &raw)?;
    }
    Ok(Value::int(count as i64))
}

fn flush(vm: &mut Vm, this: &Value) -> Py {
    let raw = open_raw(vm, this, "flush")?;
    flush_writes(vm, this, &raw)?;
    if this.is_instance(&BUFFERED_RANDOM) {
        drop_read_ahead(vm, this, &raw)?;
    }
    Ok(Value::none())
}

fn reader_flush(vm: &mut Vm, this: &Value) -> Py {
    let raw = open_raw(vm, this, "flush")?;
    vm.call_method(&raw, name!("flush"), &[])
}

fn seek(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let whence = match args.get(1) {
        Some(whence) => vm.index_i64(whence)?,
        None => 0,
    };
    if !(0..=2).contains(&whence) && whence > 4 {
        let message = format!("whence value {whence} unsupported");
        return Err(vm.value_error(message));
    }
    let raw = open_raw(vm, this, "seek")?;
    let answer = vm.call_method(&raw, name!("seekable"), &[])?;
    if !vm.truth(&answer)? {
        return Err(unsupported(vm, "File or stream is not seekable."));
    }
    let offset = vm.index_i64(args.req(0))?;
    flush_writes(vm, this, &raw)?;
    if whence == 1 {
        drop_read_ahead(vm, this, &raw)?;
    }
    let at = vm.call_method(
        &raw,
        name!("seek"),
        &[Value::int(offset), Value::int(whence)],
    )?;
    {
        let mut state = of(vm, this)?.lock(vm);
        state.read.clear();
        state.at = 0;
    }
    Ok(at)
}

fn tell(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    let at = vm.call_method(&raw, name!("tell"), &[])?;
    let at = vm.index_i64(&at)?;
    if at < 0 {
        let message = format!("Raw stream returned invalid position {at}");
        return Err(vm.raise(&builtin_types::OS_ERROR, message));
    }
    let state = of(vm, this)?.lock(vm);
    let here = at - (state.read.len() - state.at) as i64 + state.write.len() as i64;
    Ok(Value::int(here))
}

fn truncate(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let raw = open_raw(vm, this, "truncate")?;
    let answer = vm.call_method(this, name!("writable"), &[])?;
    if !vm.truth(&answer)? {
        return Err(unsupported(vm, "truncate"));
    }
    flush_writes(vm, this, &raw)?;
    let size = match args.get(0) {
        Some(size) if !size.is_none() => size.clone(),
        _ => tell(vm, this)?,
    };
    drop_read_ahead(vm, this, &raw)?;
    vm.call_method(&raw, name!("truncate"), &[size])
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    if is_closed(vm, &raw)? {
        return Ok(Value::none());
    }
    let flushed = vm.call_method(this, name!("flush"), &[]);
    of(vm, this)?.lock(vm).write.clear();
    let closed = vm.call_method(&raw, name!("close"), &[]);
    flushed?;
    closed
}

fn detach(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    vm.call_method(this, name!("flush"), &[])?;
    let mut state = of(vm, this)?.lock(vm);
    state.detached = true;
    let taken = state.raw.take();
    drop(state);
    drop(taken);
    Ok(raw)
}

macro_rules! forward {
    ($($function:ident $method:literal;)*) => {
        $(fn $function(vm: &mut Vm, this: &Value) -> Py {
            let raw = raw(vm, this)?;
            vm.call_method(&raw, name!($method), &[])
        })*
    };
}

forward! {
    seekable "seekable";
    readable "readable";
    writable "writable";
    fileno "fileno";
    isatty "isatty";
}

fn closed_get(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    vm.get_attr(&raw, name!("closed"))
}

fn raw_get(vm: &mut Vm, this: &Value) -> Py {
    Ok(of(vm, this)?
        .lock(vm)
        .raw
        .clone()
        .unwrap_or_else(Value::none))
}

fn name_get(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    vm.get_attr(&raw, name!("name"))
}

fn mode_get(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    vm.get_attr(&raw, name!("mode"))
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let ty = this.type_of().full_name();
    let text = match vm.get_attr_opt(this, name!("name")) {
        Ok(Some(own)) => format!("<{ty} name={}>", vm.repr_string(&own)?),
        Ok(None) => format!("<{ty}>"),
        Err(raised) => {
            vm.catch(raised, &builtin_types::VALUE_ERROR)?;
            format!("<{ty}>")
        }
    };
    Ok(str_object::new_str(&text))
}

fn finalize(vm: &mut Vm, this: &Value) {
    let attached = this
        .cast_layout::<Buffered>()
        .is_some_and(|object| object.lock(vm).raw.is_some());
    if attached {
        super::base::finalize(vm, this);
    }
}

static READER_METHODS: [MethodDef; 18] = [
    bound(
        "read($self, size=-1, /)",
        read,
        "Read and return up to n bytes.",
    ),
    bound("read1($self, size=-1, /)", read1, ""),
    bound("peek($self, size=0, /)", peek, ""),
    f1("readinto($self, buffer, /)", readinto, ""),
    f1("readinto1($self, buffer, /)", readinto1, ""),
    bound("readline($self, size=-1, /)", readline, ""),
    f0("flush($self, /)", reader_flush, ""),
    bound("seek($self, target, whence=0, /)", seek, ""),
    f0("tell($self, /)", tell, ""),
    bound("truncate($self, pos=None, /)", truncate, ""),
    f0("close($self, /)", close, ""),
    f0("detach($self, /)", detach, ""),
    f0("seekable($self, /)", seekable, ""),
    f0("readable($self, /)", readable, ""),
    f0("writable($self, /)", |_, _| Ok(Value::bool(false)), ""),
    f0("fileno($self, /)", fileno, ""),
    f0("isatty($self, /)", isatty, ""),
    f0("_dealloc_warn($self, /)", |_, _| Ok(Value::none()), ""),
];

static WRITER_METHODS: [MethodDef; 13] = [
    f1("write($self, buffer, /)", write, ""),
    f0("flush($self, /)", flush, ""),
    bound("seek($self, target, whence=0, /)", seek, ""),
    f0("tell($self, /)", tell, ""),
    bound("truncate($self, pos=None, /)", truncate, ""),
    f0("close($self, /)", close, ""),
    f0("detach($self, /)", detach, ""),
    f0("seekable($self, /)", seekable, ""),
    f0("readable($self, /)", |_, _| Ok(Value::bool(false)), ""),
    f0("writable($self, /)", writable, ""),
    f0("fileno($self, /)", fileno, ""),
    f0("isatty($self, /)", isatty, ""),
    f0("_dealloc_warn($self, /)", |_, _| Ok(Value::none()), ""),
];

static RANDOM_METHODS: [MethodDef; 19] = [
    bound("read($self, size=-1, /)", read, ""),
    bound("read1($self, size=-1, /)", read1, ""),
    bound("peek($self, size=0, /)", peek, ""),
    f1("readinto($self, buffer, /)", readinto, ""),
    f1("readinto1($self, buffer, /)", readinto1, ""),
    bound("readline($self, size=-1, /)", readline, ""),
    f1("write($self, buffer, /)", write, ""),
    f0("flush($self, /)", flush, ""),
    bound("seek($self, target, whence=0, /)", seek, ""),
    f0("tell($self, /)", tell, ""),
    bound("truncate($self, pos=None, /)", truncate, ""),
    f0("close($self, /)", close, ""),
    f0("detach($self, /)", detach, ""),
    f0("seekable($self, /)", seekable, ""),
    f0("readable($self, /)", readable, ""),
    f0("writable($self, /)", writable, ""),
    f0("fileno($self, /)", fileno, ""),
    f0("isatty($self, /)", isatty, ""),
    f0("_dealloc_warn($self, /)", |_, _| Ok(Value::none()), ""),
];

static GETSET: [GetSetDef; 4] = [
    getter("closed", closed_get, ""),
    getter("raw", raw_get, ""),
    getter("name", name_get, ""),
    getter("mode", mode_get, ""),
];

const FLAGS: TypeFlags = TypeFlags::BASE
    .union(TypeFlags::DICT)
    .union(TypeFlags::WEAKREF);

const fn spec(
    name: &'static str,
    init: taipan_core::slots::InitFn,
    methods: &'static [MethodDef],
    doc: &'static str,
) -> TypeSpec {
    TypeSpec {
        name,
        base: Some(&BUFFERED_IO_BASE),
        flags: FLAGS,
        layout: Some(&LAYOUT),
        slots: Slots {
            new: Some(new),
            init: Some(init),
            repr: Some(repr),
            next: Some(next),
            finalize: Some(finalize),
            ..Slots::NONE
        },
        methods,
        getset: &GETSET,
        doc,
    }
}

static READER_SPEC: TypeSpec = spec(
    "_io.BufferedReader",
    reader_init,
    &READER_METHODS,
    "Create a new buffered reader using the given readable raw IO object.",
);
static WRITER_SPEC: TypeSpec = spec(
    "_io.BufferedWriter",
    writer_init,
    &WRITER_METHODS,
    "A buffer for a writeable sequential RawIO object.",
);
static RANDOM_SPEC: TypeSpec = spec(
    "_io.BufferedRandom",
    random_init,
    &RANDOM_METHODS,
    "A buffered interface to random access streams.",
);

// ---- BufferedRWPair ----

/// Payload of a pair of one-way streams.
struct Pair {
    state: Locked<Option<(Value, Value)>>,
}

impl HasState for Pair {
    type State = Option<(Value, Value)>;
    fn cell(&self) -> &Locked<Option<(Value, Value)>> {
        &self.state
    }
}

// SAFETY: both references are reported.
unsafe impl Payload for Pair {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &BUFFERED_RW_PAIR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        if let Some((reader, writer)) = unsafe { self.state.get_unlocked() } {
            tracer.visit(reader);
            tracer.visit(writer);
        }
    }
}

static PAIR_LAYOUT: Layout = Layout::of::<Pair>();

fn pair_new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(alloc::new_instance(
        cls,
        Pair {
            state: Locked::new(None),
        },
    ))
}

static PAIR_INIT: MethodDef =
    crate::support::signature("BufferedRWPair(reader, writer, buffer_size=131072, /)");

fn pair_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = taipan_core::bind::bind(vm, &PAIR_INIT, args)?;
    let size = args
        .get(2)
        .cloned()
        .unwrap_or_else(|| Value::int(DEFAULT_BUFFER_SIZE as i64));
    let reader = vm.call(
        &BUFFERED_READER.to_value(),
        &[args.req(0).clone(), size.clone()],
    )?;
    let writer = vm.call(&BUFFERED_WRITER.to_value(), &[args.req(1).clone(), size])?;
    let old = this.expect::<Pair>().lock(vm).replace((reader, writer));
    drop(old);
    Ok(())
}

fn part(vm: &mut Vm, this: &Value, writer: bool) -> Py {
    let pair = this.expect::<Pair>().lock(vm).clone();
    match pair {
        Some(pair) => Ok(if writer { pair.1 } else { pair.0 }),
        None => Err(vm.value_error("I/O operation on uninitialized object")),
    }
}

macro_rules! pair_forward {
    ($($function:ident $method:literal $writer:literal;)*) => {
        $(fn $function(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
            let part = part(vm, this, $writer)?;
            vm.call_method(&part, name!($method), args)
        })*
    };
}

pair_forward! {
    pair_read "read" false;
    pair_peek "peek" false;
    pair_read1 "read1" false;
    pair_readinto "readinto" false;
    pair_readinto1 "readinto1" false;
    pair_write "write" true;
    pair_flush "flush" true;
    pair_readable "readable" false;
    pair_writable "writable" true;
}

fn pair_close(vm: &mut Vm, this: &Value) -> Py {
    let (writer, reader) = (part(vm, this, true)?, part(vm, this, false)?);
    let written = vm.call_method(&writer, name!("close"), &[]);
    vm.call_method(&reader, name!("close"), &[])?;
    written
}

fn pair_isatty(vm: &mut Vm, this: &Value) -> Py {
    for writer in [true, false] {
        let part = part(vm, this, writer)?;
        let answer = vm.call_method(&part, name!("isatty"), &[])?;
        if vm.truth(&answer)? {
            return Ok(Value::bool(true));
        }
    }
    Ok(Value::bool(false))
}

fn pair_closed(vm: &mut Vm, this: &Value) -> Py {
    let writer = part(vm, this, true)?;
    vm.get_attr(&writer, name!("closed"))
}

static PAIR_METHODS: [MethodDef; 11] = [
    taipan_core::slice("read($self, size=-1, /)", pair_read, ""),
    taipan_core::slice("peek($self, size=0, /)", pair_peek, ""),
    taipan_core::slice("read1($self, size=-1, /)", pair_read1, ""),
    taipan_core::slice("readinto($self, buffer, /)", pair_readinto, ""),
    taipan_core::slice("readinto1($self, buffer, /)", pair_readinto1, ""),
    taipan_core::slice("write($self, b, /)", pair_write, ""),
    taipan_core::slice("flush($self, /)", pair_flush, ""),
    taipan_core::slice("readable($self, /)", pair_readable, ""),
    taipan_core::slice("writable($self, /)", pair_writable, ""),
    f0("close($self, /)", pair_close, ""),
    f0("isatty($self, /)", pair_isatty, ""),
];

static PAIR_GETSET: [GetSetDef; 1] = [getter("closed", pair_closed, "")];

static PAIR_SPEC: TypeSpec = TypeSpec {
    name: "_io.BufferedRWPair",
    base: Some(&BUFFERED_IO_BASE),
    flags: FLAGS,
    layout: Some(&PAIR_LAYOUT),
    slots: Slots {
        new: Some(pair_new),
        init: Some(pair_init),
        ..Slots::NONE
    },
    methods: &PAIR_METHODS,
    getset: &PAIR_GETSET,
    doc: "A buffered reader and writer object together.",
};

pub(super) fn define() {
    let all: [(&'static TypeObject, &'static TypeSpec); 4] = [
        (&BUFFERED_READER, &READER_SPEC),
        (&BUFFERED_WRITER, &WRITER_SPEC),
        (&BUFFERED_RANDOM, &RANDOM_SPEC),
        (&BUFFERED_RW_PAIR, &PAIR_SPEC),
    ];
    for (ty, spec) in all {
        ty.define(spec);
    }
}
