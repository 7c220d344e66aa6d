//! The abstract bases: `_IOBase` and the three kinds of stream.

use super::{
    BUFFERED_IO_BASE, IO_BASE, RAW_IO_BASE, TEXT_IO_BASE, closed_file, is_closed, size_argument,
    unsupported,
};
use taipan_core::instance::{self, Stored};
use taipan_core::{
    Bound, GetSetDef, MethodDef, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm, bound,
    builtin_types, f0, f1, getset, getter, name,
};
use taipan_types::list;

const FLAGS: TypeFlags = TypeFlags::BASE
    .union(TypeFlags::DICT)
    .union(TypeFlags::WEAKREF);

fn own_closed(this: &Value) -> bool {
    instance::get(this, name!("__IOBase_closed")).is_some()
}

fn iobase_close(vm: &mut Vm, this: &Value) -> Py {
    if own_closed(this) {
        return Ok(Value::none());
    }
    let flushed = vm.call_method(this, name!("flush"), &[]);
    if let Stored::InDict(dict) = instance::set(this, name!("__IOBase_closed"), Value::bool(true)) {
        let dict = dict.expect::<taipan_core::dict_object::Dict>();
        dict.set_name(name!("__IOBase_closed"), Value::bool(true));
    }
    flushed.map(|_| Value::none())
}

fn iobase_flush(vm: &mut Vm, this: &Value) -> Py {
    if own_closed(this) {
        Err(closed_file(vm))
    } else {
        Ok(Value::none())
    }
}

/// Closes a file that is destroyed without having been closed. One that cannot say whether it is closed is left alone.
pub(super) fn finalize(vm: &mut Vm, this: &Value) {
    match is_closed(vm, this) {
        Ok(true) => {}
        Ok(false) => {
            // `close` warns about what nobody closed.
            let flag = Value::bool(true);
            if let Err(raised) = vm.set_attr(this, name!("_finalizing"), Some(&flag)) {
                drop(vm.take_raised(raised));
            }
            if let Err(raised) = vm.call_method(this, name!("close"), &[]) {
                vm.unraisable_in(raised, "Exception ignored while finalizing file", this);
            }
        }
        Err(raised) => drop(vm.take_raised(raised)),
    }
}

fn not_supported(vm: &mut Vm, this: &Value, operation: &str) -> Py {
    let _ = this;
    Err(unsupported(vm, operation))
}

fn iobase_seek(vm: &mut Vm, this: &Value, _args: &Bound) -> Py {
    not_supported(vm, this, "seek")
}

fn iobase_tell(vm: &mut Vm, this: &Value) -> Py {
    vm.call_method(
        this,
        name!("seek"),
        &[Value::from_i32(0), Value::from_i32(1)],
    )
}

fn iobase_truncate(vm: &mut Vm, this: &Value, _args: &Bound) -> Py {
    not_supported(vm, this, "truncate")
}

fn iobase_fileno(vm: &mut Vm, this: &Value) -> Py {
    not_supported(vm, this, "fileno")
}

fn answer_false(_vm: &mut Vm, _this: &Value) -> Py {
    Ok(Value::bool(false))
}

fn isatty(vm: &mut Vm, this: &Value) -> Py {
    if is_closed(vm, this)? {
        Err(closed_file(vm))
    } else {
        Ok(Value::bool(false))
    }
}

fn enter(vm: &mut Vm, this: &Value) -> Py {
    if is_closed(vm, this)? {
        Err(closed_file(vm))
    } else {
        Ok(this.clone())
    }
}

fn exit(vm: &mut Vm, this: &Value, _args: &[Value]) -> Py {
    vm.call_method(this, name!("close"), &[])
}

fn check(vm: &mut Vm, this: &Value, method: &Value, message: &str) -> Py {
    let answer = vm.call_method(this, method, &[])?;
    if vm.truth(&answer)? {
        Ok(Value::bool(true))
    } else {
        Err(unsupported(vm, message))
    }
}

fn check_readable(vm: &mut Vm, this: &Value, _args: &[Value]) -> Py {
    check(
        vm,
        this,
        name!("readable"),
        "File or stream is not readable.",
    )
}

fn check_writable(vm: &mut Vm, this: &Value, _args: &[Value]) -> Py {
    check(
        vm,
        this,
        name!("writable"),
        "File or stream is not writable.",
    )
}

fn check_seekable(vm: &mut Vm, this: &Value, _args: &[Value]) -> Py {
    check(
        vm,
        this,
        name!("seekable"),
        "File or stream is not seekable.",
    )
}

fn check_closed(vm: &mut Vm, this: &Value, _args: &[Value]) -> Py {
    if is_closed(vm, this)? {
        Err(closed_file(vm))
    } else {
        Ok(Value::none())
    }
}

/// `readline` of any binary stream with `read` and perhaps `peek`.
fn iobase_readline(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = size_argument(vm, args.get(0))?;
    let peek = vm.get_attr_opt(this, name!("peek"))?;
    let mut line: Vec<u8> = Vec::new();
    while limit.is_none_or(|limit| line.len() < limit) {
        let mut wanted = 1;
        if let Some(peek) = &peek {
            let ahead = vm.call(peek, &[Value::from_i32(1)])?;
            let ahead = taipan_types::buffer::bytes_like(vm, &ahead)?;
            if !ahead.is_empty() {
                wanted = ahead
                    .iter()
                    .position(|byte| *byte == b'\n')
                    .map_or(ahead.len(), |at| at + 1);
                if let Some(limit) = limit {
                    wanted = wanted.min(limit - line.len());
                }
            }
        }
        let chunk = vm.call_method(this, name!("read"), &[Value::int(wanted as i64)])?;
        let Some(chunk) = taipan_types::bytes::bytes_of(&chunk) else {
            let message = format!(
                "read() should have returned a bytes object, not '{}'",
                chunk.type_of().name()
            );
            return Err(vm.raise(&builtin_types::OS_ERROR, message));
        };
        if chunk.is_empty() {
            break;
        }
        line.extend_from_slice(chunk);
        if line.ends_with(b"\n") {
            break;
        }
    }
    taipan_types::bytes::new_bytes(vm, &line)
}

fn readlines(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let hint = match args.get(0) {
        Some(hint) if !hint.is_none() => vm.index_i64(hint)?,
        _ => -1,
    };
    let mut lines = Vec::new();
    let mut total = 0;
    let iterator = vm.iter(this)?;
    while let Some(line) = vm.next(&iterator)? {
        total += vm.length(&line)? as i64;
        lines.push(line);
        if hint > 0 && total >= hint {
            break;
        }
    }
    Ok(list::new_list(lines))
}

fn writelines(vm: &mut Vm, this: &Value, lines: &Value) -> Py {
    if is_closed(vm, this)? {
        return Err(closed_file(vm));
    }
    let iterator = vm.iter(lines)?;
    while let Some(line) = vm.next(&iterator)? {
        vm.call_method(this, name!("write"), &[line])?;
    }
    Ok(Value::none())
}

fn iter(vm: &mut Vm, this: &Value) -> Py {
    if is_closed(vm, this)? {
        Err(closed_file(vm))
    } else {
        Ok(this.clone())
    }
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let line = vm.call_method(this, name!("readline"), &[])?;
    Ok(if vm.length(&line)? == 0 {
        None
    } else {
        Some(line)
    })
}

static IO_METHODS: [MethodDef; 20] = [
    bound(
        "seek($self, offset, whence=0, /)",
        iobase_seek,
        "Change the stream position to the given byte offset.",
    ),
    f0(
        "tell($self, /)",
        iobase_tell,
        "Return current stream position.",
    ),
    bound(
        "truncate($self, size=None, /)",
        iobase_truncate,
        "Truncate file to size bytes.",
    ),
    f0(
        "flush($self, /)",
        iobase_flush,
        "Flush write buffers, if applicable.",
    ),
    f0(
        "close($self, /)",
        iobase_close,
        "Flush and close the IO object.",
    ),
    f0(
        "seekable($self, /)",
        answer_false,
        "Return whether object supports random access.",
    ),
    f0(
        "readable($self, /)",
        answer_false,
        "Return whether object was opened for reading.",
    ),
    f0(
        "writable($self, /)",
        answer_false,
        "Return whether object was opened for writing.",
    ),
    taipan_core::slice("_checkClosed($self, msg=None, /)", check_closed, ""),
    taipan_core::slice("_checkSeekable($self, msg=None, /)", check_seekable, ""),
    taipan_core::slice("_checkReadable($self, msg=None, /)", check_readable, ""),
    taipan_core::slice("_checkWritable($self, msg=None, /)", check_writable, ""),
    f0(
        "fileno($self, /)",
        iobase_fileno,
        "Return underlying file descriptor if one exists.",
    ),
    f0(
        "isatty($self, /)",
        isatty,
        "Return whether this is an 'interactive' stream.",
    ),
    f0("__enter__($self, /)", enter, ""),
    taipan_core::slice("__exit__($self, /, *exc)", exit, ""),
    bound(
        "readline($self, size=-1, /)",
        iobase_readline,
        "Read and return a line from the stream.",
    ),
    bound(
        "readlines($self, hint=-1, /)",
        readlines,
        "Return a list of lines from the stream.",
    ),
    f1(
        "writelines($self, lines, /)",
        writelines,
        "Write a list of lines to stream.",
    ),
    f0(
        "__del__($self, /)",
        |vm, this| {
            finalize(vm, this);
            Ok(Value::none())
        },
        "",
    ),
];

fn closed_get(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(own_closed(this)))
}

static IO_GETSET: [GetSetDef; 2] = [
    getset(
        "__dict__",
        taipan_core::method::get_dict,
        taipan_core::method::set_dict,
        "",
    ),
    getter("closed", closed_get, ""),
];

static IO_SPEC: TypeSpec = TypeSpec {
    name: "_io._IOBase",
    flags: FLAGS,
    slots: Slots {
        iter: Some(iter),
        next: Some(next),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: &IO_METHODS,
    getset: &IO_GETSET,
    doc: "The abstract base class for all I/O classes.",
    ..TypeSpec::DEFAULT
};

fn raw_read(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let Some(size) = size_argument(vm, args.get(0))? else {
        return vm.call_method(this, name!("readall"), &[]);
    };
    let buffer = vm.call(
        &builtin_types::BYTEARRAY.to_value(),
        &[Value::int(size as i64)],
    )?;
    let count = vm.call_method(this, name!("readinto"), std::slice::from_ref(&buffer))?;
    if count.is_none() {
        return Ok(count);
    }
    let count = vm.index_i64(&count)?;
    let bytes = taipan_types::buffer::bytes_like(vm, &buffer)?;
    let Some(part) = usize::try_from(count)
        .ok()
        .and_then(|count| bytes.get(..count))
    else {
        let message = format!("readinto returned {count} outside buffer size {size}");
        return Err(vm.value_error(message));
    };
    let part = part.to_vec();
    taipan_types::bytes::new_bytes(vm, &part)
}

fn raw_readall(vm: &mut Vm, this: &Value) -> Py {
    let mut all = Vec::new();
    loop {
        let chunk = vm.call_method(
            this,
            name!("read"),
            &[Value::int(super::DEFAULT_BUFFER_SIZE as i64)],
        )?;
        if chunk.is_none() {
            if all.is_empty() {
                return Ok(chunk);
            }
            break;
        }
        let Some(bytes) = taipan_types::bytes::bytes_of(&chunk) else {
            return Err(vm.type_error("read() should return bytes"));
        };
        if bytes.is_empty() {
            break;
        }
        all.extend_from_slice(bytes);
    }
    taipan_types::bytes::new_bytes(vm, &all)
}

fn raw_readinto(vm: &mut Vm, this: &Value, _buffer: &Value) -> Py {
    not_supported(vm, this, "readinto")
}

fn raw_write(vm: &mut Vm, this: &Value, _buffer: &Value) -> Py {
    not_supported(vm, this, "write")
}

static RAW_METHODS: [MethodDef; 4] = [
    bound("read($self, size=-1, /)", raw_read, ""),
    f0(
        "readall($self, /)",
        raw_readall,
        "Read until EOF, using multiple read() call.",
    ),
    f1("readinto($self, buffer, /)", raw_readinto, ""),
    f1("write($self, b, /)", raw_write, ""),
];

static RAW_SPEC: TypeSpec = TypeSpec {
    name: "_io._RawIOBase",
    base: Some(&IO_BASE),
    flags: FLAGS,
    methods: &RAW_METHODS,
    doc: "Base class for raw binary I/O.",
    ..TypeSpec::DEFAULT
};

fn unsupported_read(vm: &mut Vm, this: &Value, _args: &Bound) -> Py {
    not_supported(vm, this, "read")
}

fn unsupported_read1(vm: &mut Vm, this: &Value, _args: &Bound) -> Py {
    not_supported(vm, this, "read1")
}

fn unsupported_detach(vm: &mut Vm, this: &Value) -> Py {
    not_supported(vm, this, "detach")
}

/// `readinto` through `read` (or `read1`).
fn read_into(vm: &mut Vm, this: &Value, buffer: &Value, place: &str, method: &Value) -> Py {
    let len = taipan_types::buffer::writable_argument(vm, buffer, place)?.len;
    let data = vm.call_method(this, method, &[Value::int(len as i64)])?;
    let data = taipan_types::buffer::bytes_like(vm, &data)?;
    let count = data.len();
    let mut target = taipan_types::buffer::writable(vm, buffer)?;
    match target
        .as_mut_slice()
        .and_then(|target| target.get_mut(..count))
    {
        Some(target) => target.copy_from_slice(&data),
        None => return Err(vm.value_error("read() returned too much data")),
    }
    Ok(Value::int(count as i64))
}

fn buffered_readinto(vm: &mut Vm, this: &Value, buffer: &Value) -> Py {
    read_into(vm, this, buffer, "readinto() argument", name!("read"))
}

fn buffered_readinto1(vm: &mut Vm, this: &Value, buffer: &Value) -> Py {
    read_into(vm, this, buffer, "readinto1() argument", name!("read1"))
}

static BUFFERED_METHODS: [MethodDef; 6] = [
    f0(
        "detach($self, /)",
        unsupported_detach,
        "Disconnect this buffer from its underlying raw stream and return it.",
    ),
    bound(
        "read($self, size=-1, /)",
        unsupported_read,
        "Read and return up to n bytes.",
    ),
    bound(
        "read1($self, size=-1, /)",
        unsupported_read1,
        "Return at most size bytes.",
    ),
    f1("readinto($self, buffer, /)", buffered_readinto, ""),
    f1("readinto1($self, buffer, /)", buffered_readinto1, ""),
    f1(
        "write($self, b, /)",
        raw_write,
        "Write buffer b to the IO stream.",
    ),
];

static BUFFERED_SPEC: TypeSpec = TypeSpec {
    name: "_io._BufferedIOBase",
    base: Some(&IO_BASE),
    flags: FLAGS,
    methods: &BUFFERED_METHODS,
    doc: "Base class for buffered IO objects.",
    ..TypeSpec::DEFAULT
};

fn unsupported_readline(vm: &mut Vm, this: &Value, _args: &Bound) -> Py {
    not_supported(vm, this, "readline")
}

static TEXT_METHODS: [MethodDef; 4] = [
    f0(
        "detach($self, /)",
        unsupported_detach,
        "Separate the underlying buffer from the TextIOBase and return it.",
    ),
    bound(
        "read($self, size=-1, /)",
        unsupported_read,
        "Read at most size characters from stream.",
    ),
    bound(
        "readline($self, size=-1, /)",
        unsupported_readline,
        "Read until newline or EOF.",
    ),
    f1("write($self, s, /)", raw_write, "Write string s to stream."),
];

fn none(_vm: &mut Vm, _this: &Value) -> Py {
    Ok(Value::none())
}

static TEXT_GETSET: [GetSetDef; 3] = [
    getter("encoding", none, "Encoding of the text stream."),
    getter("newlines", none, "Line endings translated so far."),
    getter(
        "errors",
        none,
        "The error setting of the decoder or encoder.",
    ),
];

static TEXT_SPEC: TypeSpec = TypeSpec {
    name: "_io._TextIOBase",
    base: Some(&IO_BASE),
    flags: FLAGS,
    methods: &TEXT_METHODS,
    getset: &TEXT_GETSET,
    doc: "Base class for text I/O.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    IO_BASE.define(&IO_SPEC);
    let rest: [(&'static TypeObject, &'static TypeSpec); 3] = [
        (&RAW_IO_BASE, &RAW_SPEC),
        (&BUFFERED_IO_BASE, &BUFFERED_SPEC),
        (&TEXT_IO_BASE, &TEXT_SPEC),
    ];
    for (ty, spec) in rest {
        ty.define(spec);
    }
}
