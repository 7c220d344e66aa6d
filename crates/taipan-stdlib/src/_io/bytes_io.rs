//! `BytesIO`: a binary file in memory.

use super::{BUFFERED_IO_BASE, BYTES_IO, closed_file, size_argument};
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Payload, Py, Slots, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, alloc, bound, f0, f1, getter, name,
};
use taipan_types::list;

struct State {
    /// `None` when closed.
    data: Option<Vec<u8>>,
    at: usize,
}

struct BytesIo {
    state: Locked<State>,
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
    *this.expect::<BytesIo>().lock(vm) = State {
        data: Some(data),
        at: 0,
    };
    Ok(())
}

/// Works on the open file's bytes and position.
fn with<R>(vm: &mut Vm, this: &Value, work: impl FnOnce(&mut Vec<u8>, &mut usize) -> R) -> Py<R> {
    {
        let mut state = this.expect::<BytesIo>().lock(vm);
        let State { data, at } = &mut *state;
        if let Some(data) = data {
            return Ok(work(data, at));
        }
    }
    Err(closed_file(vm))
}

fn take(data: &[u8], at: &mut usize, size: Option<usize>) -> Vec<u8> {
    let start = (*at).min(data.len());
    let end = size.map_or(data.len(), |size| {
        data.len().min(start.saturating_add(size))
    });
    *at = if start < *at { *at } else { end };
    data[start..end].to_vec()
}

fn read(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let size = size_argument(vm, args.get(0))?;
    let part = with(vm, this, |data, at| take(data, at, size))?;
    taipan_types::bytes::new_bytes(vm, &part)
}

fn line(data: &[u8], at: &mut usize, limit: Option<usize>) -> Vec<u8> {
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
    let part = with(vm, this, |data, at| line(data, at, limit))?;
    taipan_types::bytes::new_bytes(vm, &part)
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let part = with(vm, this, |data, at| line(data, at, None))?;
    if part.is_empty() {
        Ok(None)
    } else {
        taipan_types::bytes::new_bytes(vm, &part).map(Some)
    }
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
    let len = taipan_types::buffer::writable_argument(vm, target, "readinto() argument")?.len;
    let part = with(vm, this, |data, at| take(data, at, Some(len)))?;
    let mut buffer = taipan_types::buffer::writable_argument(vm, target, "readinto() argument")?;
    if let Some(slice) = buffer
        .as_mut_slice()
        .and_then(|slice| slice.get_mut(..part.len()))
    {
        slice.copy_from_slice(&part);
    }
    Ok(Value::int(part.len() as i64))
}

fn write(vm: &mut Vm, this: &Value, source: &Value) -> Py {
    let source = taipan_types::buffer::bytes_like(vm, source)?.to_vec();
    let count = source.len();
    let fits = with(vm, this, |data, at| {
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
        Ok(Value::int(count as i64))
    } else {
        Err(vm.memory_error())
    }
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
    let size = with(vm, this, |data, at| {
        let size = size.map_or(*at, |size| size as usize);
        data.truncate(size);
        size
    })?;
    Ok(Value::int(size as i64))
}

fn getvalue(vm: &mut Vm, this: &Value) -> Py {
    let all = with(vm, this, |data, _| data.clone())?;
    taipan_types::bytes::new_bytes(vm, &all)
}

/// A view of the contents: a copy that cannot be written through.
fn getbuffer(vm: &mut Vm, this: &Value) -> Py {
    let all = with(vm, this, |data, _| data.clone())?;
    let copy = taipan_types::bytes::new_bytes(vm, &all)?;
    vm.call(&taipan_core::builtin_types::MEMORYVIEW.to_value(), &[copy])
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    this.expect::<BytesIo>().lock(vm).data = None;
    Ok(Value::none())
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
        return Err(vm.type_error("BytesIO.__setstate__ argument should be 3-tuple"));
    };
    let data = taipan_types::buffer::bytes_like(vm, value)?.to_vec();
    let at = vm.index_i64(at)?.max(0) as usize;
    *this.expect::<BytesIo>().lock(vm) = State {
        data: Some(data),
        at,
    };
    if !dict.is_none() {
        let own = vm.get_attr(this, name!("__dict__"))?;
        vm.call_method(&own, name!("update"), std::slice::from_ref(dict))?;
    }
    Ok(Value::none())
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
    f1(
        "readinto1($self, buffer, /)",
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
    f0(
        "detach($self, /)",
        |vm, _| Err(super::unsupported(vm, "detach")),
        "",
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
        next: Some(next),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Buffered I/O implementation using an in-memory bytes buffer.",
};

pub(super) fn define() {
    BYTES_IO.define(&SPEC);
}
