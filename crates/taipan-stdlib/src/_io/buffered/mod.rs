//! `BufferedReader`, `BufferedWriter`, `BufferedRandom` and `BufferedRWPair`: state, construction, closing, and the tables.
//!
//! One operation runs at a time: it holds the object's lock while Python code (the raw stream's methods, signal handlers) may run,
//! and a second one of the same thread is an error.

mod pair;
mod position;
mod reading;
mod writing;

use super::{
    BUFFERED_IO_BASE, BUFFERED_RANDOM, BUFFERED_READER, BUFFERED_WRITER, DEFAULT_BUFFER_SIZE, both,
    is_closed,
};
use crate::locks::Reentrant;
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Slots, Tracer, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, alloc, bound, builtin_types, f0, f1, getset, getter, name, str_object,
};

/// A buffer between a program and a raw stream.
struct State {
    /// The raw stream; `None` before `__init__` and after `detach`.
    raw: Option<Value>,
    detached: bool,
    size: usize,
    /// Where the raw stream is, if known.
    raw_at: Option<i64>,
    /// Bytes read ahead are those from `at` to `end`.
    read: Vec<u8>,
    at: usize,
    end: usize,
    /// Bytes to be written.
    write: Vec<u8>,
    finalizing: bool,
}

impl State {
    fn ahead(&self) -> &[u8] {
        &self.read[self.at..self.end]
    }

    fn forget_ahead(&mut self) {
        self.at = 0;
        self.end = 0;
    }
}

/// Payload of all buffered streams on one raw stream.
struct Buffered {
    state: Locked<State>,
    lock: Reentrant,
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
    fn outside_size(&self) -> usize {
        // SAFETY: racy sizes are still sizes; each is one word.
        let state = unsafe { self.state.get_unlocked() };
        state.read.capacity() + state.write.capacity()
    }
}

static LAYOUT: Layout = Layout::of::<Buffered>();

fn of<'a>(vm: &mut Vm, this: &'a Value) -> Py<&'a Obj<Buffered>> {
    match this.cast_layout::<Buffered>() {
        Some(object) => Ok(object),
        None => Err(vm.type_error("a buffered stream is required")),
    }
}

/// The right to work on a stream, until dropped.
struct Entered<'a>(&'a Buffered);

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.lock.release();
    }
}

fn enter<'a>(vm: &mut Vm, this: &'a Value) -> Py<Entered<'a>> {
    let object = of(vm, this)?;
    if object.lock.is_mine() {
        let message = format!("reentrant call inside {}", vm.repr_string(this)?);
        return Err(vm.runtime_error(message));
    }
    object.lock.acquire_detached(vm);
    Ok(Entered(object))
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    let state = State {
        raw: None,
        detached: false,
        size: DEFAULT_BUFFER_SIZE,
        raw_at: None,
        read: Vec::new(),
        at: 0,
        end: 0,
        write: Vec::new(),
        finalizing: false,
    };
    Ok(alloc::new_instance(
        cls,
        Buffered {
            state: Locked::new(state),
            lock: Reentrant::default(),
        },
    ))
}

static READER_INIT: MethodDef =
    crate::support::signature("BufferedReader(raw, buffer_size=131072)");
static WRITER_INIT: MethodDef =
    crate::support::signature("BufferedWriter(raw, buffer_size=131072)");
static RANDOM_INIT: MethodDef =
    crate::support::signature("BufferedRandom(raw, buffer_size=131072)");

fn init_with(
    vm: &mut Vm,
    this: &Value,
    signature: &'static MethodDef,
    args: Args<'_>,
    needs: &[(&'static str, &'static str)],
) -> Py<()> {
    let args = taipan_core::bind::bind(vm, signature, args)?;
    let raw = args.req(0).clone();
    let size = match args.get(1) {
        Some(size) => vm.index_i64(size)?,
        None => DEFAULT_BUFFER_SIZE as i64,
    };
    let object = of(vm, this)?;
    // Until all is well, the object is not usable.
    let old = {
        let mut state = object.lock(vm);
        state.detached = false;
        state.raw.take()
    };
    drop(old);
    for (method, message) in needs {
        let answer = vm.call_method(&raw, &str_object::name(method), &[])?;
        if !vm.truth(&answer)? {
            return Err(super::unsupported(vm, message));
        }
    }
    if size <= 0 {
        return Err(vm.value_error("buffer size must be strictly positive"));
    }
    let mut read = Vec::new();
    if this.is_instance(&BUFFERED_WRITER) {
        // Memory for writing grows as it is used.
        let mut probe: Vec<u8> = Vec::new();
        if probe.try_reserve_exact(size as usize).is_err() {
            return Err(vm.memory_error());
        }
    } else if read.try_reserve_exact(size as usize).is_err() {
        return Err(vm.memory_error());
    }
    let old = {
        let mut state = object.lock(vm);
        state.size = size as usize;
        state.read = read;
        state.forget_ahead();
        state.write = Vec::new();
        state.raw_at = None;
        state.raw.replace(raw.clone())
    };
    drop(old);
    if let Err(raised) = position::raw_tell(vm, this, &raw) {
        drop(vm.take_raised(raised));
    }
    Ok(())
}

fn reader_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let needs = [("readable", "File or stream is not readable.")];
    init_with(vm, this, &READER_INIT, args, &needs)
}

fn writer_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let needs = [("writable", "File or stream is not writable.")];
    init_with(vm, this, &WRITER_INIT, args, &needs)
}

fn random_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let needs = [
        ("seekable", "File or stream is not seekable."),
        ("readable", "File or stream is not readable."),
        ("writable", "File or stream is not writable."),
    ];
    init_with(vm, this, &RANDOM_INIT, args, &needs)
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
        let message = format!("{doing} closed file");
        return Err(vm.value_error(message));
    }
    Ok(raw)
}

/// Is a stream of exactly one of these types closed, if that can be told without asking its methods?
pub(super) fn known_closed(vm: &mut Vm, this: &Value) -> Option<bool> {
    if !(this.is_exact(&BUFFERED_READER)
        || this.is_exact(&BUFFERED_WRITER)
        || this.is_exact(&BUFFERED_RANDOM))
    {
        return None;
    }
    let raw = this.cast_layout::<Buffered>()?.lock(vm).raw.clone()?;
    super::file::known_closed(vm, &raw)
}

// ---- closing ----

fn close(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    {
        let _entered = enter(vm, this)?;
        if is_closed(vm, &raw)? {
            return Ok(Value::none());
        }
    }
    if of(vm, this)?.lock(vm).finalizing {
        warn_unclosed(vm, &raw, this);
    }
    let flushed = vm.call_method(this, name!("flush"), &[]);
    both(vm, flushed, |vm| {
        let _entered = enter(vm, this)?;
        let closed = vm.call_method(&raw, name!("close"), &[]);
        let mut state = of(vm, this)?.lock(vm);
        state.write = Vec::new();
        state.forget_ahead();
        closed
    })
}

/// Lets the raw stream warn that `source` was not closed.
fn warn_unclosed(vm: &mut Vm, raw: &Value, source: &Value) {
    match vm.get_attr_opt(raw, name!("_dealloc_warn")) {
        Ok(Some(warn)) => {
            if let Err(raised) = vm.call(&warn, std::slice::from_ref(source)) {
                drop(vm.take_raised(raised));
            }
        }
        Ok(None) => {}
        Err(raised) => drop(vm.take_raised(raised)),
    }
}

fn dealloc_warn(vm: &mut Vm, this: &Value, source: &Value) -> Py {
    let raw = of(vm, this)?.lock(vm).raw.clone();
    if let Some(raw) = raw {
        warn_unclosed(vm, &raw, source);
    }
    Ok(Value::none())
}

fn detach(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    vm.call_method(this, name!("flush"), &[])?;
    let taken = {
        let mut state = of(vm, this)?.lock(vm);
        state.detached = true;
        state.raw.take()
    };
    drop(taken);
    Ok(raw)
}

fn finalize(vm: &mut Vm, this: &Value) {
    let attached = this
        .cast_layout::<Buffered>()
        .is_some_and(|object| object.lock(vm).raw.is_some());
    if attached {
        super::base::finalize(vm, this);
    }
}

// ---- what the raw stream answers ----

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
    simple_flush "flush";
}

fn closed_get(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    vm.get_attr(&raw, name!("closed"))
}

fn raw_get(vm: &mut Vm, this: &Value) -> Py {
    let raw = of(vm, this)?.lock(vm).raw.clone();
    Ok(raw.unwrap_or_else(Value::none))
}

fn name_get(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    vm.get_attr(&raw, name!("name"))
}

fn mode_get(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    vm.get_attr(&raw, name!("mode"))
}

fn finalizing_get(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(of(vm, this)?.lock(vm).finalizing))
}

fn finalizing_set(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let finalizing = super::flag_argument(vm, value)?;
    of(vm, this)?.lock(vm).finalizing = finalizing;
    Ok(())
}

fn sizeof(vm: &mut Vm, this: &Value) -> Py {
    let size = of(vm, this)?.lock(vm).size;
    let base = vm.get_attr(&builtin_types::OBJECT.to_value(), name!("__sizeof__"))?;
    let own = vm.call(&base, std::slice::from_ref(this))?;
    vm.binary(taipan_core::BinaryOp::Add, &own, &Value::int(size as i64))
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let ty = this.type_of().full_name();
    if !vm.repr_enter(this) {
        let message = format!("reentrant call inside {ty}.__repr__");
        return Err(vm.runtime_error(message));
    }
    let text = match vm.get_attr_opt(this, name!("name")) {
        Ok(Some(own)) => vm.repr_string(&own).map(|own| format!("<{ty} name={own}>")),
        Ok(None) => Ok(format!("<{ty}>")),
        Err(raised) => vm
            .catch(raised, &builtin_types::VALUE_ERROR)
            .map(|_| format!("<{ty}>")),
    };
    vm.repr_leave();
    Ok(str_object::new_str(&text?))
}

// ---- the tables ----

macro_rules! rows {
    ($($row:ident $def:expr;)*) => {
        $(const fn $row() -> MethodDef {
            $def
        })*
    };
}

rows! {
    read_row bound(
        "read($self, size=-1, /)",
        reading::read,
        "Read and return up to n bytes.",
    );
    read1_row bound("read1($self, size=-1, /)", reading::read1, "");
    peek_row bound("peek($self, size=0, /)", reading::peek, "");
    readinto_row f1("readinto($self, buffer, /)", reading::readinto, "");
    readinto1_row f1("readinto1($self, buffer, /)", reading::readinto1, "");
    readline_row bound("readline($self, size=-1, /)", reading::readline, "");
    write_row f1("write($self, buffer, /)", writing::write, "");
    flush_row f0("flush($self, /)", writing::flush, "");
    readable_row f0("readable($self, /)", readable, "");
    writable_row f0("writable($self, /)", writable, "");
}

/// The methods of one class and those of all.
macro_rules! with_common {
    ($($own:expr),* $(,)?) => {
        [
            $($own,)*
            bound("seek($self, target, whence=0, /)", position::seek, ""),
            f0("tell($self, /)", position::tell, ""),
            bound("truncate($self, pos=None, /)", position::truncate, ""),
            f0("close($self, /)", close, ""),
            f0("detach($self, /)", detach, ""),
            f0("seekable($self, /)", seekable, ""),
            f0("fileno($self, /)", fileno, ""),
            f0("isatty($self, /)", isatty, ""),
            f1("_dealloc_warn($self, source, /)", dealloc_warn, ""),
            f0("__sizeof__($self, /)", sizeof, ""),
            f0("__getstate__($self, /)", super::cannot_pickle, ""),
        ]
    };
}

static READER_METHODS: [MethodDef; 19] = with_common![
    read_row(),
    read1_row(),
    peek_row(),
    readinto_row(),
    readinto1_row(),
    readline_row(),
    f0("flush($self, /)", simple_flush, ""),
    readable_row(),
];

static WRITER_METHODS: [MethodDef; 14] = with_common![write_row(), flush_row(), writable_row()];

static RANDOM_METHODS: [MethodDef; 21] = with_common![
    read_row(),
    read1_row(),
    peek_row(),
    readinto_row(),
    readinto1_row(),
    readline_row(),
    write_row(),
    flush_row(),
    readable_row(),
    writable_row(),
];

static GETSET: [GetSetDef; 5] = [
    getter("closed", closed_get, ""),
    getter("raw", raw_get, ""),
    getter("name", name_get, ""),
    getter("mode", mode_get, ""),
    getset("_finalizing", finalizing_get, finalizing_set, ""),
];

const FLAGS: TypeFlags = TypeFlags::BASE
    .union(TypeFlags::DICT)
    .union(TypeFlags::WEAKREF);

const fn spec(
    name: &'static str,
    slots: Slots,
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
            repr: Some(repr),
            finalize: Some(finalize),
            ..slots
        },
        methods,
        getset: &GETSET,
        doc,
    }
}

static READER_SPEC: TypeSpec = spec(
    "_io.BufferedReader",
    Slots {
        init: Some(reader_init),
        next: Some(reading::next),
        ..Slots::NONE
    },
    &READER_METHODS,
    "Create a new buffered reader using the given readable raw IO object.",
);
static WRITER_SPEC: TypeSpec = spec(
    "_io.BufferedWriter",
    Slots {
        init: Some(writer_init),
        ..Slots::NONE
    },
    &WRITER_METHODS,
    "A buffer for a writeable sequential RawIO object.",
);
static RANDOM_SPEC: TypeSpec = spec(
    "_io.BufferedRandom",
    Slots {
        init: Some(random_init),
        next: Some(reading::next),
        ..Slots::NONE
    },
    &RANDOM_METHODS,
    "A buffered interface to random access streams.",
);

pub(super) fn define() {
    let all: [(&'static TypeObject, &'static TypeSpec); 3] = [
        (&BUFFERED_READER, &READER_SPEC),
        (&BUFFERED_WRITER, &WRITER_SPEC),
        (&BUFFERED_RANDOM, &RANDOM_SPEC),
    ];
    for (ty, spec) in all {
        ty.define(spec);
    }
    pair::define();
}
