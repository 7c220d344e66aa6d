//! `TextIOWrapper`: text over a buffered binary stream.
//!
//! The encodings that every program meets (UTF-8, ASCII, Latin-1) are decoded here; all others through the codec's incremental
//! decoder and encoder objects.

use super::newline::{Seen, translate};
use super::string_io::Newline;
use super::{TEXT_IO_BASE, TEXT_IO_WRAPPER, is_closed, size_argument, unsupported};
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, alloc, bound, builtin_types, f0, f1, getter, name, str_object,
};
use taipan_types::codec::{self, BuiltIn};

/// Bytes asked of the buffer at a time.
const CHUNK: i64 = 8192;
/// Characters collected before they are handed to the buffer.
const WRITE_CHUNK: usize = 8192;

#[derive(Default)]
struct State {
    buffer: Option<Value>,
    detached: bool,
    encoding: String,
    errors: String,
    /// Set if the encoding needs no codec object.
    built_in: Option<BuiltIn>,
    decoder: Option<Value>,
    encoder: Option<Value>,
    newline: Option<Newline>,
    seen: Seen,
    line_buffering: bool,
    write_through: bool,
    /// Encoded text that the buffer has not got yet.
    pending: Vec<u8>,
    /// Decoded text, and how much of it is used up.
    decoded: Vec<u32>,
    used: usize,
    /// Bytes of an unfinished character.
    tail: Vec<u8>,
    /// A `\r` whose `\n` may still come.
    held_cr: bool,
    /// The bytes that `decoded` was made of, for `tell`.
    chunk: Vec<u8>,
    /// Bytes read, the end was seen.
    ended: bool,
    /// Stepping with `next` switches `tell` off.
    stepping: bool,
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
        tracer.visit_option(&state.decoder);
        tracer.visit_option(&state.encoder);
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        let state = unsafe { self.state.get_unlocked() };
        out.extend(state.buffer.take());
        out.extend(state.decoder.take());
        out.extend(state.encoder.take());
    }
}

static LAYOUT: Layout = Layout::of::<TextWrapper>();

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(alloc::new_instance(
        cls,
        TextWrapper {
            state: Locked::new(State::default()),
        },
    ))
}

fn state<R>(vm: &mut Vm, this: &Value, work: impl FnOnce(&mut State) -> R) -> R {
    work(&mut this.expect::<TextWrapper>().lock(vm))
}

static INIT: MethodDef = crate::support::signature(
    "TextIOWrapper(buffer, encoding=None, errors=None, newline=None, line_buffering=False, write_through=False)",
);

fn text_argument(vm: &mut Vm, value: Option<&Value>, what: &str, default: &str) -> Py<String> {
    match value {
        Some(value) if !value.is_none() => match str_object::str_of(value) {
            Some(text) => Ok(text.to_lossy()),
            None => {
                let message = format!(
                    "TextIOWrapper() argument '{what}' must be str or None, not {}",
                    value.type_of().name()
                );
                Err(vm.type_error(message))
            }
        },
        _ => Ok(default.into()),
    }
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = taipan_core::bind::bind(vm, &INIT, args)?;
    let buffer = args.req(0).clone();
    let mut encoding = text_argument(vm, args.get(1), "encoding", "utf-8")?;
    if encoding == "locale" {
        encoding = "utf-8".into();
    }
    let errors = text_argument(vm, args.get(2), "errors", "strict")?;
    let newline = Newline::parse(vm, args.get(3))?;
    let line_buffering = match args.get(4) {
        Some(flag) => vm.truth(flag)?,
        None => false,
    };
    let write_through = match args.get(5) {
        Some(flag) => vm.truth(flag)?,
        None => false,
    };
    if encoding.contains('\0') || errors.contains('\0') {
        return Err(vm.value_error("embedded null character"));
    }
    let built_in = simple(&encoding);
    let (decoder, encoder) = match built_in {
        Some(_) => (None, None),
        None => codec_objects(vm, &buffer, &encoding, &errors)?,
    };
    let fresh = State {
        buffer: Some(buffer),
        encoding,
        errors,
        built_in,
        decoder,
        encoder,
        newline: Some(newline),
        line_buffering,
        write_through,
        ..State::default()
    };
    let old = state(vm, this, |own| std::mem::replace(own, fresh));
    drop(old);
    Ok(())
}

/// The encodings decoded here: each byte or sequence stands for itself.
fn simple(encoding: &str) -> Option<BuiltIn> {
    BuiltIn::named(encoding)
        .filter(|found| matches!(found.name(), "utf-8" | "ascii" | "latin-1" | "iso8859-1"))
}

fn codec_objects(
    vm: &mut Vm,
    buffer: &Value,
    encoding: &str,
    errors: &str,
) -> Py<(Option<Value>, Option<Value>)> {
    let info = codec::registry::lookup(vm, encoding)?;
    if let Some(text) = vm.get_attr_opt(&info, name!("_is_text_encoding"))?
        && !vm.truth(&text)?
    {
        let message = format!(
            "'{encoding}' is not a text encoding; use codecs.open() to handle arbitrary codecs"
        );
        return Err(vm.raise(&builtin_types::LOOKUP_ERROR, message));
    }
    let errors = str_object::new_str(errors);
    let mut part = |ability: &Value, factory: &Value| -> Py<Option<Value>> {
        let able = vm.call_method(buffer, ability, &[])?;
        if !vm.truth(&able)? {
            return Ok(None);
        }
        let make = vm.get_attr(&info, factory)?;
        vm.call(&make, std::slice::from_ref(&errors)).map(Some)
    };
    let decoder = part(name!("readable"), name!("incrementaldecoder"))?;
    let encoder = part(name!("writable"), name!("incrementalencoder"))?;
    Ok((decoder, encoder))
}

fn buffer(vm: &mut Vm, this: &Value) -> Py {
    let (buffer, detached) = state(vm, this, |own| (own.buffer.clone(), own.detached));
    match buffer {
        Some(buffer) => Ok(buffer),
        None if detached => Err(vm.value_error("underlying buffer has been detached")),
        None => Err(vm.value_error("I/O operation on uninitialized object")),
    }
}

fn open_buffer(vm: &mut Vm, this: &Value) -> Py {
    let buffer = buffer(vm, this)?;
    if is_closed(vm, &buffer)? {
        Err(super::closed_file(vm))
    } else {
        Ok(buffer)
    }
}

// ---- writing ----

fn write(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let Some(text) = str_object::str_of(value) else {
        let message = format!(
            "write() argument must be str, not {}",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let target = open_buffer(vm, this)?;
    let count = text.len();
    let newline = state(vm, this, |own| own.newline.unwrap_or(Newline::Universal));
    let converted;
    let mut outgoing = value;
    if let Some(end) = newline.written() {
        let points: Vec<u32> = text
            .code_points()
            .flat_map(|c| if c == 10 { end.to_vec() } else { vec![c] })
            .collect();
        converted = str_object::new_from_code_points(&points);
        outgoing = &converted;
    }
    encode_pending(vm, this, outgoing)?;
    let (line_buffering, write_through, waiting) = state(vm, this, |own| {
        (own.line_buffering, own.write_through, own.pending.len())
    });
    let has_end = line_buffering
        && text
            .bytes()
            .iter()
            .any(|byte| matches!(byte, b'\n' | b'\r'));
    if has_end || write_through || waiting > WRITE_CHUNK {
        write_out(vm, this, &target)?;
    }
    if has_end {
        vm.call_method(&target, name!("flush"), &[])?;
    }
    drop_decoded(vm, this);
    Ok(Value::int(count as i64))
}

/// Encodes text behind what already waits.
fn encode_pending(vm: &mut Vm, this: &Value, value: &Value) -> Py<()> {
    let (built_in, encoder, encoding, errors) = state(vm, this, |own| {
        (
            own.built_in,
            own.encoder.clone(),
            own.encoding.clone(),
            own.errors.clone(),
        )
    });
    if let (Some(text), Some(_)) = (
        str_object::str_of(value).and_then(|text| text.ascii()),
        built_in,
    ) {
        state(vm, this, |own| {
            own.pending.extend_from_slice(text.as_bytes())
        });
        return Ok(());
    }
    let encoded = match (built_in, encoder) {
        (Some(_), _) => codec::encode_str(vm, value, Some(&encoding), Some(&errors))?,
        (None, Some(encoder)) => {
            vm.call_method(&encoder, name!("encode"), std::slice::from_ref(value))?
        }
        (None, None) => return Err(unsupported(vm, "not writable")),
    };
    let Some(bytes) = taipan_types::bytes::bytes_of(&encoded) else {
        let message = format!(
            "encoder should return a bytes object, not '{}'",
            encoded.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    state(vm, this, |own| own.pending.extend_from_slice(bytes));
    Ok(())
}

/// Hands the waiting bytes to the buffer.
fn write_out(vm: &mut Vm, this: &Value, target: &Value) -> Py<()> {
    let pending = state(vm, this, |own| std::mem::take(&mut own.pending));
    if pending.is_empty() {
        return Ok(());
    }
    let bytes = taipan_types::bytes::new_bytes(vm, &pending)?;
    vm.call_method(target, name!("write"), &[bytes]).map(drop)
}

fn flush(vm: &mut Vm, this: &Value) -> Py {
    let target = open_buffer(vm, this)?;
    state(vm, this, |own| own.stepping = false);
    write_out(vm, this, &target)?;
    vm.call_method(&target, name!("flush"), &[])
}

// ---- reading ----

fn drop_decoded(vm: &mut Vm, this: &Value) {
    state(vm, this, |own| {
        own.decoded.clear();
        own.used = 0;
        own.chunk.clear();
        own.tail.clear();
        own.held_cr = false;
        own.ended = false;
    });
}

/// Reads and decodes one more chunk, or all there is for a negative size; false at the end.
fn read_chunk(vm: &mut Vm, this: &Value, source: &Value, size: i64) -> Py<bool> {
    let able = vm.call_method(source, name!("readable"), &[])?;
    if !vm.truth(&able)? {
        return Err(unsupported(vm, "not readable"));
    }
    // Raw files know no `read1`.
    let at_once = size >= 0 && vm.get_attr_opt(source, name!("read1"))?.is_some();
    let method = if at_once {
        name!("read1")
    } else {
        name!("read")
    };
    let data = vm.call_method(source, method, &[Value::int(size)])?;
    let Some(bytes) = taipan_types::bytes::bytes_of(&data) else {
        let message = format!(
            "underlying {}() should have returned a bytes-like object, not '{}'",
            if at_once { "read1" } else { "read" },
            data.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let last = bytes.is_empty() || size < 0;
    let end = bytes.is_empty();
    let (mut input, built_in, decoder, errors, newline) = state(vm, this, |own| {
        (
            std::mem::take(&mut own.tail),
            own.built_in,
            own.decoder.clone(),
            own.errors.clone(),
            own.newline.unwrap_or(Newline::Universal),
        )
    });
    input.extend_from_slice(bytes);
    let text = match (built_in, decoder) {
        (Some(built_in), _) => {
            let (text, consumed) =
                codec::decode_builtin(vm, &input, built_in, Some(&errors), last)?;
            state(vm, this, |own| {
                own.tail = input[consumed.min(input.len())..].to_vec()
            });
            text
        }
        (None, Some(decoder)) => vm.call_method(
            &decoder,
            name!("decode"),
            &[data.clone(), Value::bool(last)],
        )?,
        (None, None) => return Err(unsupported(vm, "not readable")),
    };
    let Some(points) =
        str_object::str_of(&text).map(|text| text.code_points().collect::<Vec<u32>>())
    else {
        let message = format!(
            "decoder should return a string result, not '{}'",
            text.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    state(vm, this, |own| {
        let points = match newline {
            Newline::Universal | Newline::Kept => {
                let change = newline == Newline::Universal;
                translate(&points, &mut own.held_cr, last, change, &mut own.seen)
            }
            _ => points,
        };
        if own.used > 0 {
            own.decoded.drain(..own.used);
            own.used = 0;
        }
        if own.decoded.is_empty() {
            own.chunk = input;
        } else {
            own.chunk.clear();
        }
        own.decoded.extend(points);
        own.ended = end;
    });
    Ok(!end)
}

fn take_text(vm: &mut Vm, this: &Value, count: usize) -> Vec<u32> {
    state(vm, this, |own| {
        let end = own.decoded.len().min(own.used.saturating_add(count));
        let part = own.decoded[own.used..end].to_vec();
        own.used = end;
        part
    })
}

fn prepare_read(vm: &mut Vm, this: &Value) -> Py {
    let source = open_buffer(vm, this)?;
    write_out(vm, this, &source)?;
    Ok(source)
}

fn read(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let source = prepare_read(vm, this)?;
    let Some(size) = size_argument(vm, args.get(0))? else {
        read_chunk(vm, this, &source, -1)?;
        let all = take_text(vm, this, usize::MAX);
        state(vm, this, |own| own.chunk.clear());
        return Ok(str_object::new_from_code_points(&all));
    };
    let mut text = take_text(vm, this, size);
    while text.len() < size && read_chunk(vm, this, &source, CHUNK)? {
        let more = take_text(vm, this, size - text.len());
        text.extend(more);
    }
    if text.len() < size {
        let more = take_text(vm, this, size - text.len());
        text.extend(more);
    }
    Ok(str_object::new_from_code_points(&text))
}

fn line(vm: &mut Vm, this: &Value, limit: usize) -> Py<Vec<u32>> {
    let source = prepare_read(vm, this)?;
    let mut scanned = 0;
    loop {
        let found = state(vm, this, |own| {
            let newline = own.newline.unwrap_or(Newline::Universal);
            let rest = &own.decoded[own.used..];
            // A line end of two characters may straddle what was scanned.
            let from = scanned.min(rest.len()).saturating_sub(1);
            match newline.line_end(&rest[from..]) {
                Some(end) => Ok(from + end),
                None => Err(rest.len()),
            }
        });
        match found {
            Ok(end) => return Ok(take_text(vm, this, end.min(limit))),
            Err(len) if len >= limit => return Ok(take_text(vm, this, limit)),
            Err(len) => scanned = len,
        }
        if !read_chunk(vm, this, &source, CHUNK)? {
            let newline = state(vm, this, |own| {
                let newline = own.newline.unwrap_or(Newline::Universal);
                newline.line_end(&own.decoded[own.used..])
            });
            let end = newline.unwrap_or(usize::MAX);
            return Ok(take_text(vm, this, end.min(limit)));
        }
    }
}

fn readline(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = size_argument(vm, args.get(0))?.unwrap_or(usize::MAX);
    let line = line(vm, this, limit)?;
    Ok(str_object::new_from_code_points(&line))
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    state(vm, this, |own| own.stepping = true);
    let line = if this.is_exact(&TEXT_IO_WRAPPER) {
        let points = line(vm, this, usize::MAX)?;
        str_object::new_from_code_points(&points)
    } else {
        let line = vm.call_method(this, name!("readline"), &[])?;
        if !str_object::is_str(&line) {
            let message = format!(
                "readline() should have returned a str object, not '{}'",
                line.type_of().name()
            );
            return Err(vm.raise(&builtin_types::OS_ERROR, message));
        }
        line
    };
    if vm.length(&line)? == 0 {
        state(vm, this, |own| own.stepping = false);
        return Ok(None);
    }
    Ok(Some(line))
}

// ---- positions ----

fn tell(vm: &mut Vm, this: &Value) -> Py {
    let source = open_buffer(vm, this)?;
    let able = vm.call_method(&source, name!("seekable"), &[])?;
    if !vm.truth(&able)? {
        return Err(unsupported(vm, "underlying stream is not seekable"));
    }
    if state(vm, this, |own| own.stepping) {
        return Err(vm.raise(
            &builtin_types::OS_ERROR,
            "telling position disabled by next() call",
        ));
    }
    write_out(vm, this, &source)?;
    vm.call_method(&source, name!("flush"), &[])?;
    let at = vm.call_method(&source, name!("tell"), &[])?;
    let at = vm.index_i64(&at)?;
    let (chunk, used, left, tail, held, built_in, errors, newline) = state(vm, this, |own| {
        (
            own.chunk.clone(),
            own.used,
            own.decoded.len() - own.used,
            own.tail.len(),
            own.held_cr,
            own.built_in,
            own.errors.clone(),
            own.newline.unwrap_or(Newline::Universal),
        )
    });
    if left == 0 && !held {
        return Ok(Value::int(at - tail as i64));
    }
    let Some(built_in) = built_in else {
        return Err(vm.raise(
            &builtin_types::OS_ERROR,
            "can't reconstruct logical file position",
        ));
    };
    if chunk.is_empty() {
        return Err(vm.raise(
            &builtin_types::OS_ERROR,
            "can't reconstruct logical file position",
        ));
    }
    // The bytes of the used characters: the shortest prefix of the chunk that decodes to as many.
    let (mut low, mut high) = (0, chunk.len());
    while low < high {
        let middle = (low + high) / 2;
        let (text, _) =
            codec::decode_builtin(vm, &chunk[..middle], built_in, Some(&errors), false)?;
        let points: Vec<u32> = str_object::str_of(&text)
            .map(|text| text.code_points().collect())
            .unwrap_or_default();
        let count = match newline {
            Newline::Universal | Newline::Kept => translate(
                &points,
                &mut false,
                false,
                newline == Newline::Universal,
                &mut Seen::default(),
            )
            .len(),
            _ => points.len(),
        };
        if count >= used {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(Value::int(at - chunk.len() as i64 + low as i64))
}

fn seek(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let whence = match args.get(1) {
        Some(whence) => vm.index_i64(whence)?,
        None => 0,
    };
    let target = open_buffer(vm, this)?;
    let able = vm.call_method(&target, name!("seekable"), &[])?;
    if !vm.truth(&able)? {
        return Err(unsupported(vm, "underlying stream is not seekable"));
    }
    let offset = vm.index_i64(args.req(0))?;
    let offset = match whence {
        0 if offset < 0 => {
            let message = format!("negative seek position {offset}");
            return Err(vm.value_error(message));
        }
        0 => offset,
        1 if offset != 0 => return Err(unsupported(vm, "can't do nonzero cur-relative seeks")),
        1 => {
            let here = vm.call_method(this, name!("tell"), &[])?;
            vm.index_i64(&here)?
        }
        2 if offset != 0 => return Err(unsupported(vm, "can't do nonzero end-relative seeks")),
        2 => 0,
        _ => {
            let message = format!("invalid whence ({whence}, should be 0, 1 or 2)");
            return Err(vm.value_error(message));
        }
    };
    vm.call_method(this, name!("flush"), &[])?;
    drop_decoded(vm, this);
    let decoder = state(vm, this, |own| own.decoder.clone());
    if let Some(decoder) = decoder {
        vm.call_method(&decoder, name!("reset"), &[])?;
    }
    let whence = if whence == 2 { 2 } else { 0 };
    vm.call_method(
        &target,
        name!("seek"),
        &[Value::int(offset), Value::from_i32(whence)],
    )
}

fn truncate(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    vm.call_method(this, name!("flush"), &[])?;
    let target = buffer(vm, this)?;
    let size = match args.get(0) {
        Some(size) if !size.is_none() => size.clone(),
        _ => vm.call_method(this, name!("tell"), &[])?,
    };
    vm.call_method(&target, name!("truncate"), &[size])
}

// ---- the rest ----

fn close(vm: &mut Vm, this: &Value) -> Py {
    let target = buffer(vm, this)?;
    if is_closed(vm, &target)? {
        return Ok(Value::none());
    }
    let flushed = vm.call_method(this, name!("flush"), &[]);
    state(vm, this, |own| own.pending.clear());
    let closed = vm.call_method(&target, name!("close"), &[]);
    flushed?;
    closed
}

fn detach(vm: &mut Vm, this: &Value) -> Py {
    let target = buffer(vm, this)?;
    vm.call_method(this, name!("flush"), &[])?;
    let old = state(vm, this, |own| {
        own.detached = true;
        own.buffer.take()
    });
    drop(old);
    Ok(target)
}

static RECONFIGURE: MethodDef = crate::support::signature(
    "reconfigure(*, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None)",
);

fn reconfigure(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = taipan_core::bind::bind(vm, &RECONFIGURE, args)?;
    let given = |at: usize| args.get(at).filter(|value| !value.is_none()).cloned();
    let (encoding, errors) = (given(0), given(1));
    let newline = match args.get(2) {
        Some(newline) => Some(Newline::parse(vm, Some(newline))?),
        None => None,
    };
    let reading = state(vm, this, |own| !own.decoded.is_empty());
    if reading && (encoding.is_some() || newline.is_some()) {
        return Err(unsupported(
            vm,
            "It is not possible to set the encoding or newline of stream after the first read",
        ));
    }
    let line_buffering = match given(3) {
        Some(flag) => Some(vm.truth(&flag)?),
        None => None,
    };
    let write_through = match given(4) {
        Some(flag) => Some(vm.truth(&flag)?),
        None => None,
    };
    vm.call_method(this, name!("flush"), &[])?;
    if encoding.is_some() || errors.is_some() {
        let had = encoding.is_some();
        let encoding = match encoding {
            Some(encoding) => text_argument(vm, Some(&encoding), "encoding", "utf-8")?,
            None => state(vm, this, |own| own.encoding.clone()),
        };
        let errors = match errors {
            Some(errors) => text_argument(vm, Some(&errors), "errors", "strict")?,
            None if had => "strict".into(),
            None => state(vm, this, |own| own.errors.clone()),
        };
        let built_in = simple(&encoding);
        let target = buffer(vm, this)?;
        let (decoder, encoder) = match built_in {
            Some(_) => (None, None),
            None => codec_objects(vm, &target, &encoding, &errors)?,
        };
        let old = state(vm, this, |own| {
            own.encoding = encoding;
            own.errors = errors;
            own.built_in = built_in;
            (
                std::mem::replace(&mut own.decoder, decoder),
                std::mem::replace(&mut own.encoder, encoder),
            )
        });
        drop(old);
    }
    state(vm, this, |own| {
        if newline.is_some() {
            own.newline = newline;
        }
        own.line_buffering = line_buffering.unwrap_or(own.line_buffering);
        own.write_through = write_through.unwrap_or(own.write_through);
    });
    Ok(Value::none())
}

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

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let mut text = format!("<{}", this.type_of().name());
    for (key, shown) in [("name", "name"), ("mode", "mode")] {
        match vm.get_attr_opt(this, &str_object::name(key)) {
            Ok(Some(value)) => text += &format!(" {shown}={}", vm.repr_string(&value)?),
            Ok(None) => {}
            Err(raised) => drop(vm.catch(raised, &builtin_types::VALUE_ERROR)?),
        }
    }
    let encoding = state(vm, this, |own| own.encoding.clone());
    Ok(str_object::new_str(&format!(
        "{text} encoding='{encoding}'>"
    )))
}

fn finalize(vm: &mut Vm, this: &Value) {
    let attached = this
        .cast::<TextWrapper>()
        .is_some_and(|object| object.lock(vm).buffer.is_some());
    if attached {
        super::base::finalize(vm, this);
    }
}

fn encoding_get(vm: &mut Vm, this: &Value) -> Py {
    let encoding = state(vm, this, |own| own.encoding.clone());
    Ok(str_object::new_str(&encoding))
}

fn errors_get(vm: &mut Vm, this: &Value) -> Py {
    let errors = state(vm, this, |own| own.errors.clone());
    Ok(str_object::new_str(&errors))
}

fn newlines_get(vm: &mut Vm, this: &Value) -> Py {
    let seen = state(vm, this, |own| own.seen);
    Ok(seen.value())
}

fn line_buffering_get(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(state(vm, this, |own| own.line_buffering)))
}

fn write_through_get(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(state(vm, this, |own| own.write_through)))
}

fn buffer_get(vm: &mut Vm, this: &Value) -> Py {
    buffer(vm, this)
}

static METHODS: [MethodDef; 15] = [
    f1("write($self, text, /)", write, ""),
    bound("read($self, size=-1, /)", read, ""),
    bound("readline($self, size=-1, /)", readline, ""),
    f0("flush($self, /)", flush, ""),
    f0("close($self, /)", close, ""),
    f0("detach($self, /)", detach, ""),
    bound(
        "seek($self, cookie, whence=0, /)",
        seek,
        "Set the stream position, and return the new stream position.",
    ),
    f0(
        "tell($self, /)",
        tell,
        "Return the stream position as an opaque number.",
    ),
    bound("truncate($self, pos=None, /)", truncate, ""),
    taipan_core::raw(
        "reconfigure($self, /, *, encoding=None, errors=None, newline=None, line_buffering=None, write_through=None)",
        reconfigure,
        "Reconfigure the text stream with new parameters.",
    ),
    f0("seekable($self, /)", seekable, ""),
    f0("readable($self, /)", readable, ""),
    f0("writable($self, /)", writable, ""),
    f0("fileno($self, /)", fileno, ""),
    f0("isatty($self, /)", isatty, ""),
];

static GETSET: [GetSetDef; 8] = [
    getter("buffer", buffer_get, ""),
    getter("closed", closed_get, ""),
    getter("name", name_get, ""),
    getter("encoding", encoding_get, ""),
    getter("errors", errors_get, ""),
    getter("newlines", newlines_get, ""),
    getter("line_buffering", line_buffering_get, ""),
    getter("write_through", write_through_get, ""),
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
        init: Some(init),
        repr: Some(repr),
        next: Some(next),
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
