//! `TextIOWrapper`: text over a buffered binary stream. Here: its state, closing, what it asks of the buffer, and the tables.
//!
//! Python code (the buffer's methods, codecs, error handlers) may call back into the object at any time, so the state is taken apart
//! and put together between the calls, never held.

mod codec;
mod configure;
mod position;
mod reading;
mod writing;

use super::newline::{Newline, Seen};
use super::{TEXT_IO_BASE, TEXT_IO_WRAPPER, both, is_closed};
use codec::Codec;
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, alloc, bound, builtin_types, f0, f1, getset, getter, name, str_object,
};

/// Bytes asked of the buffer at a time, and encoded bytes collected before they are handed to it.
const CHUNK: usize = 8192;

/// Where the decoder was, and what it was given then: `tell` finds its way from here.
#[derive(Clone)]
struct Snapshot {
    flags: i64,
    /// `bytes`
    input: Value,
}

struct State {
    buffer: Option<Value>,
    detached: bool,
    encoding: String,
    errors: String,
    /// `None` if the buffer is not readable.
    decoder: Option<Codec>,
    /// `None` if the buffer is not writable.
    encoder: Option<Codec>,
    newline: Newline,
    line_buffering: bool,
    write_through: bool,
    has_read1: bool,
    seekable: bool,
    /// Stepping with `next` switches `tell` off.
    telling: bool,
    finalizing: bool,
    chunk_size: usize,
    /// Encoded text that the buffer has not got yet.
    pending: Vec<u8>,
    /// Decoded text (a `str`), and how many of its characters are used up.
    decoded: Option<Value>,
    used: usize,
    snapshot: Option<Snapshot>,
    /// How many bytes a character took lately.
    bytes_per_char: f64,
    /// Of built-in decoders: bytes of an unfinished character.
    tail: Vec<u8>,
    /// Of built-in decoders: a `\r` whose `\n` may still come.
    held_cr: bool,
    seen: Seen,
}

impl State {
    fn blank() -> State {
        State {
            buffer: None,
            detached: false,
            encoding: String::new(),
            errors: String::new(),
            decoder: None,
            encoder: None,
            newline: Newline::Universal,
            line_buffering: false,
            write_through: false,
            has_read1: false,
            seekable: false,
            telling: false,
            finalizing: false,
            chunk_size: CHUNK,
            pending: Vec::new(),
            decoded: None,
            used: 0,
            snapshot: None,
            bytes_per_char: 0.0,
            tail: Vec::new(),
            held_cr: false,
            seen: Seen::default(),
        }
    }
}

struct TextWrapper {
    state: Locked<State>,
}

impl HasState for TextWrapper {
    type State = State;
    fn cell(&self) -> &Locked<State> {
        &self.state
    }
}

// SAFETY: all references are reported.
unsafe impl Payload for TextWrapper {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TEXT_IO_WRAPPER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        tracer.visit_option(&state.buffer);
        tracer.visit_option(&state.decoded);
        for codec in [&state.decoder, &state.encoder].into_iter().flatten() {
            if let Codec::Object(object) = codec {
                tracer.visit(object);
            }
        }
        if let Some(snapshot) = &state.snapshot {
            tracer.visit(&snapshot.input);
        }
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        let state = unsafe { self.state.get_unlocked() };
        out.extend(state.buffer.take());
        for codec in [state.decoder.take(), state.encoder.take()] {
            if let Some(Codec::Object(object)) = codec {
                out.push(object);
            }
        }
    }
}

static LAYOUT: Layout = Layout::of::<TextWrapper>();

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(alloc::new_instance(
        cls,
        TextWrapper {
            state: Locked::new(State::blank()),
        },
    ))
}

fn state<R>(vm: &mut Vm, this: &Value, work: impl FnOnce(&mut State) -> R) -> R {
    work(&mut this.expect::<TextWrapper>().lock(vm))
}

/// The buffer of an initialised, attached object.
fn buffer(vm: &mut Vm, this: &Value) -> Py {
    let (buffer, detached) = state(vm, this, |own| (own.buffer.clone(), own.detached));
    match buffer {
        Some(buffer) => Ok(buffer),
        None if detached => Err(vm.value_error("underlying buffer has been detached")),
        None => Err(vm.value_error("I/O operation on uninitialized object")),
    }
}

/// The buffer, which must not be closed.
fn open_buffer(vm: &mut Vm, this: &Value) -> Py {
    let target = buffer(vm, this)?;
    let closed = if this.is_exact(&TEXT_IO_WRAPPER) {
        is_closed(vm, &target)?
    } else {
        is_closed(vm, this)?
    };
    if closed {
        Err(super::closed_file(vm))
    } else {
        Ok(target)
    }
}

/// Gives up decoded text and where it came from.
fn forget_decoded(vm: &mut Vm, this: &Value) {
    let old = state(vm, this, |own| {
        own.used = 0;
        (own.decoded.take(), own.snapshot.take())
    });
    drop(old);
}

// ---- closing ----

fn close(vm: &mut Vm, this: &Value) -> Py {
    buffer(vm, this)?;
    if is_closed(vm, this)? {
        return Ok(Value::none());
    }
    let target = state(vm, this, |own| own.buffer.clone());
    if state(vm, this, |own| own.finalizing)
        && let Some(target) = target
    {
        match vm.get_attr_opt(&target, name!("_dealloc_warn")) {
            Ok(Some(warn)) => {
                if let Err(raised) = vm.call(&warn, std::slice::from_ref(this)) {
                    drop(vm.take_raised(raised));
                }
            }
            Ok(None) => {}
            Err(raised) => drop(vm.take_raised(raised)),
        }
    }
    // Looking at `closed` or flushing may detach the buffer.
    if state(vm, this, |own| own.detached) {
        return Ok(Value::none());
    }
    let flushed = vm.call_method(this, name!("flush"), &[]);
    let Some(target) = state(vm, this, |own| own.buffer.clone()) else {
        return flushed.map(|_| Value::none());
    };
    both(vm, flushed, |vm| {
        vm.call_method(&target, name!("close"), &[])
    })
}

fn detach(vm: &mut Vm, this: &Value) -> Py {
    buffer(vm, this)?;
    vm.call_method(this, name!("flush"), &[])?;
    let target = state(vm, this, |own| {
        own.detached = true;
        own.buffer.take()
    });
    match target {
        Some(target) => Ok(target),
        None => Err(vm.value_error("underlying buffer has been detached")),
    }
}

fn finalize(vm: &mut Vm, this: &Value) {
    let attached = this
        .cast::<TextWrapper>()
        .is_some_and(|object| object.lock(vm).buffer.is_some());
    if attached {
        super::base::finalize(vm, this);
    }
}

// ---- what the buffer answers ----

macro_rules! forward {
    ($($function:ident $method:literal;)*) => {
        $(fn $function(vm: &mut Vm, this: &Value) -> Py {
            let buffer = buffer(vm, this)?;
            vm.call_method(&buffer, name!($method), &[])
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
    let buffer = buffer(vm, this)?;
    vm.get_attr(&buffer, name!("closed"))
}

fn name_get(vm: &mut Vm, this: &Value) -> Py {
    let buffer = buffer(vm, this)?;
    vm.get_attr(&buffer, name!("name"))
}

fn buffer_get(vm: &mut Vm, this: &Value) -> Py {
    buffer(vm, this)
}

// ---- attributes ----

fn repr(vm: &mut Vm, this: &Value) -> Py {
    if !initialised(vm, this) {
        return Err(vm.value_error("I/O operation on uninitialized object"));
    }
    let ty = this.type_of().full_name();
    if !vm.repr_enter(this) {
        let message = format!("reentrant call inside {ty}.__repr__");
        return Err(vm.runtime_error(message));
    }
    let text = repr_text(vm, this, ty);
    vm.repr_leave();
    Ok(str_object::new_str(&text?))
}

fn repr_text(vm: &mut Vm, this: &Value, ty: &str) -> Py<String> {
    let mut text = format!("<{ty}");
    for (key, shown) in [("name", "name"), ("mode", "mode")] {
        match vm.get_attr_opt(this, &str_object::name(key)) {
            Ok(Some(value)) => text += &format!(" {shown}={}", vm.repr_string(&value)?),
            Ok(None) => {}
            Err(raised) => drop(vm.catch(raised, &builtin_types::VALUE_ERROR)?),
        }
    }
    let encoding = state(vm, this, |own| own.encoding.clone());
    let encoding = vm.repr_string(&str_object::new_str(&encoding))?;
    Ok(format!("{text} encoding={encoding}>"))
}

fn initialised(vm: &mut Vm, this: &Value) -> bool {
    state(vm, this, |own| own.buffer.is_some() || own.detached)
}

macro_rules! attributes {
    ($($function:ident |$own:ident| $value:expr;)*) => {
        $(fn $function(vm: &mut Vm, this: &Value) -> Py {
            if !initialised(vm, this) {
                return Err(vm.value_error("I/O operation on uninitialized object"));
            }
            Ok(state(vm, this, |$own| $value))
        })*
    };
}

attributes! {
    encoding_get |own| str_object::new_str(&own.encoding);
    errors_get |own| str_object::new_str(&own.errors);
    line_buffering_get |own| Value::bool(own.line_buffering);
    write_through_get |own| Value::bool(own.write_through);
    finalizing_get |own| Value::bool(own.finalizing);
}

fn newlines_get(vm: &mut Vm, this: &Value) -> Py {
    buffer(vm, this)?;
    let (decoder, seen) = state(vm, this, |own| (own.decoder.clone(), own.seen));
    match decoder {
        None => Ok(Value::none()),
        Some(Codec::BuiltIn(_)) => Ok(seen.value()),
        Some(Codec::Object(decoder)) => {
            let newlines = vm.get_attr_opt(&decoder, name!("newlines"))?;
            Ok(newlines.unwrap_or_else(Value::none))
        }
    }
}

fn finalizing_set(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let finalizing = super::flag_argument(vm, value)?;
    state(vm, this, |own| own.finalizing = finalizing);
    Ok(())
}

fn chunk_size_get(vm: &mut Vm, this: &Value) -> Py {
    buffer(vm, this)?;
    let size = state(vm, this, |own| own.chunk_size);
    Ok(Value::int(size as i64))
}

fn chunk_size_set(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    buffer(vm, this)?;
    let Some(value) = value else {
        return Err(vm.attribute_error("_CHUNK_SIZE cannot be deleted"));
    };
    let size = vm.index(value)?.as_i64();
    let Some(size) = size.filter(|size| *size > 0) else {
        return Err(vm.value_error("a strictly positive integer is required"));
    };
    state(vm, this, |own| own.chunk_size = size as usize);
    Ok(())
}

// ---- the tables ----

static METHODS: [MethodDef; 16] = [
    f1("write($self, text, /)", writing::write, ""),
    bound("read($self, size=-1, /)", reading::read, ""),
    bound("readline($self, size=-1, /)", reading::readline, ""),
    f0("flush($self, /)", writing::flush, ""),
    f0("close($self, /)", close, ""),
    f0("detach($self, /)", detach, ""),
    bound(
        "seek($self, cookie, whence=0, /)",
        position::seek,
        "Set the stream position, and return the new stream position.",
    ),
    f0(
        "tell($self, /)",
        position::tell,
        "Return the stream position as an opaque number.",
    ),
    bound("truncate($self, pos=None, /)", position::truncate, ""),
    bound(
        "reconfigure($self, /, *, encoding=None, errors=None, newline=<unrepresentable>, line_buffering=None, write_through=None)",
        configure::reconfigure,
        "Reconfigure the text stream with new parameters.",
    ),
    f0("seekable($self, /)", seekable, ""),
    f0("readable($self, /)", readable, ""),
    f0("writable($self, /)", writable, ""),
    f0("fileno($self, /)", fileno, ""),
    f0("isatty($self, /)", isatty, ""),
    f0("__getstate__($self, /)", super::cannot_pickle, ""),
];

static GETSET: [GetSetDef; 10] = [
    getter("buffer", buffer_get, ""),
    getter("closed", closed_get, ""),
    getter("name", name_get, ""),
    getter("encoding", encoding_get, ""),
    getter("errors", errors_get, ""),
    getter("newlines", newlines_get, ""),
    getter("line_buffering", line_buffering_get, ""),
    getter("write_through", write_through_get, ""),
    getset("_finalizing", finalizing_get, finalizing_set, ""),
    getset("_CHUNK_SIZE", chunk_size_get, chunk_size_set, ""),
];

static SPEC: TypeSpec = TypeSpec {
    name: "_io.TextIOWrapper",
    base: Some(&TEXT_IO_BASE),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(configure::init),
        repr: Some(repr),
        next: Some(reading::next),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Character and line based layer over a BufferedIOBase object, buffer.",
};

pub(super) fn define() {
    TEXT_IO_WRAPPER.define(&SPEC);
}
