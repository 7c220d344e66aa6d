//! Reading text.

use super::super::{TEXT_IO_WRAPPER, size_argument};
use super::{Snapshot, codec, forget_decoded, open_buffer, state, writing};
use taipan_base::text::TextBuf;
use taipan_core::{Bound, Py, Value, Vm, builtin_types, name, str_object};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::{bytes_of, new_bytes};
use taipan_types::str::{from_buf, substring, view};

/// The length of a `str`.
fn len(text: &Value) -> usize {
    str_object::str_of(text).map_or(0, |text| text.len())
}

/// What was decoded and is not used up: the text and where its rest begins.
fn rest(vm: &mut Vm, this: &Value) -> Option<(Value, usize)> {
    state(vm, this, |own| Some((own.decoded.clone()?, own.used)))
        .filter(|(text, used)| *used < len(text))
}

/// Up to `count` characters of what was decoded.
fn take(vm: &mut Vm, this: &Value, count: usize) -> Py {
    let Some((text, used)) = rest(vm, this) else {
        return Ok(str_object::empty_str());
    };
    let to = len(&text).min(used.saturating_add(count));
    state(vm, this, |own| own.used = to);
    if used == 0 && to == len(&text) && str_object::is_exact_str(&text) {
        return Ok(text);
    }
    substring(vm, &text, used, to)
}

fn not_bytes(vm: &mut Vm, method: &str, data: &Value) -> taipan_core::Raised {
    let message = format!(
        "underlying {method}() should have returned a bytes-like object, not '{}'",
        data.type_of().name()
    );
    vm.type_error(message)
}

/// Reads and decodes one more chunk, for about `wanted` characters; false at the end. What was decoded before is used up.
fn read_chunk(vm: &mut Vm, this: &Value, source: &Value, wanted: usize) -> Py<bool> {
    codec::decoder(vm, this)?;
    let (telling, has_read1, chunk_size, ratio) = state(vm, this, |own| {
        (
            own.telling,
            own.has_read1,
            own.chunk_size,
            own.bytes_per_char,
        )
    });
    // Before the read: the state that the new bytes are decoded from.
    let before = if telling {
        Some(codec::decoder_state(vm, this)?)
    } else {
        None
    };
    let hint = (ratio.max(1.0) * wanted as f64) as usize;
    let size = Value::int(chunk_size.max(hint).min(i64::MAX as usize) as i64);
    let (method, shown) = if has_read1 {
        (name!("read1"), "read1")
    } else {
        (name!("read"), "read")
    };
    let data = vm.call_method(source, method, &[size])?;
    if data.type_of().slots().buffer.is_none() {
        return Err(not_bytes(vm, shown, &data));
    }
    let count = bytes_like(vm, &data)?.len();
    let text = codec::decode(vm, this, &data, count == 0)?;
    let chars = len(&text);
    let snapshot = match before {
        Some((held, flags)) => Some(Snapshot {
            flags,
            input: join(vm, &held, &data)?,
        }),
        None => None,
    };
    let old = state(vm, this, |own| {
        own.used = 0;
        own.bytes_per_char = if chars > 0 {
            count as f64 / chars as f64
        } else {
            0.0
        };
        let old = own.decoded.replace(text);
        match snapshot {
            Some(snapshot) => (old, own.snapshot.replace(snapshot)),
            None => (old, None),
        }
    });
    drop(old);
    Ok(count > 0 || chars > 0)
}

fn join(vm: &mut Vm, held: &Value, data: &Value) -> Py {
    let held = bytes_of(held).unwrap_or_default();
    if held.is_empty() && data.is_exact(&builtin_types::BYTES) {
        return Ok(data.clone());
    }
    let mut all = held.to_vec();
    all.extend_from_slice(&bytes_like(vm, data)?);
    new_bytes(vm, &all)
}

/// Text goes out before any is read.
fn prepare(vm: &mut Vm, this: &Value) -> Py {
    let source = open_buffer(vm, this)?;
    codec::decoder(vm, this)?;
    writing::write_out(vm, this, &source)?;
    Ok(source)
}

pub(super) fn read(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let size = size_argument(vm, args.get(0))?;
    let source = prepare(vm, this)?;
    let Some(size) = size else {
        return read_all(vm, this, &source);
    };
    let first = take(vm, this, size)?;
    let mut missing = size - len(&first);
    if missing == 0 {
        return Ok(first);
    }
    let mut all = TextBuf::with_capacity(0);
    push(&mut all, &first);
    while missing > 0 && read_chunk(vm, this, &source, missing)? {
        let part = take(vm, this, missing)?;
        missing -= len(&part);
        if missing == 0 && all.is_empty() {
            return Ok(part);
        }
        push(&mut all, &part);
    }
    from_buf(vm, all)
}

fn push(all: &mut TextBuf, text: &Value) {
    if let Some(text) = str_object::str_of(text) {
        all.push_text(view(text));
    }
}

fn read_all(vm: &mut Vm, this: &Value, source: &Value) -> Py {
    let data = vm.call_method(source, name!("read"), &[])?;
    if data.is_none() {
        return Err(vm.raise(&builtin_types::BLOCKING_IO_ERROR, "Read returned None."));
    }
    if data.type_of().slots().buffer.is_none() {
        return Err(not_bytes(vm, "read", &data));
    }
    let text = codec::decode(vm, this, &data, true)?;
    let first = take(vm, this, usize::MAX)?;
    forget_decoded(vm, this);
    if len(&first) == 0 {
        return Ok(text);
    }
    let mut all = TextBuf::with_capacity(0);
    push(&mut all, &first);
    push(&mut all, &text);
    from_buf(vm, all)
}

/// The next line, of `limit` characters at most.
fn line(vm: &mut Vm, this: &Value, limit: usize) -> Py {
    let source = prepare(vm, this)?;
    let newline = state(vm, this, |own| own.newline);
    let mut line = TextBuf::with_capacity(0);
    let mut after_cr = false;
    loop {
        let Some((text, used)) = rest(vm, this) else {
            if !read_chunk(vm, this, &source, 0)? {
                forget_decoded(vm, this);
                break;
            }
            continue;
        };
        let total = len(&text);
        let room = limit - line.len();
        let (end, last) = {
            let whole = taipan_types::str::text::text(&text);
            let rest = whole.slice(used..total);
            let found = newline.end_in(rest, after_cr);
            let end = found.unwrap_or(rest.len());
            after_cr = rest.get(rest.len().wrapping_sub(1)) == Some(u32::from(b'\r'));
            (end.min(room), found.is_some() || end >= room)
        };
        state(vm, this, |own| own.used = used + end);
        if last && line.is_empty() {
            return substring(vm, &text, used, used + end);
        }
        line.push_text(taipan_types::str::text::text(&text).slice(used..used + end));
        if last {
            break;
        }
    }
    from_buf(vm, line)
}

pub(super) fn readline(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = match args.get(0) {
        Some(limit) => usize::try_from(vm.index_i64(limit)?).unwrap_or(usize::MAX),
        None => usize::MAX,
    };
    line(vm, this, limit)
}

pub(super) fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    super::buffer(vm, this)?;
    state(vm, this, |own| own.telling = false);
    let line = if this.is_exact(&TEXT_IO_WRAPPER) {
        line(vm, this, usize::MAX)?
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
    if len(&line) == 0 {
        let old = state(vm, this, |own| {
            own.telling = own.seekable;
            own.snapshot.take()
        });
        drop(old);
        return Ok(None);
    }
    Ok(Some(line))
}
