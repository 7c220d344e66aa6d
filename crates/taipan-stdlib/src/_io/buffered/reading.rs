//! Reading from buffered streams.

use super::super::{BUFFERED_RANDOM, BUFFERED_READER, FILE_IO, file, size_argument};
use super::{enter, of, open_raw, writing};
use taipan_core::{Bound, Py, Raised, Value, Vm, builtin_types, exception, name};
use taipan_types::buffer::{bytes_like, writable_argument};
use taipan_types::bytes::{bytes_of, empty_bytes, new_bytes};

/// How much memory a large read takes at first.
const FIRST_ROOM: usize = 1 << 20;

/// One read of the raw stream into `target`; `None` if it would block.
fn raw_read(vm: &mut Vm, this: &Value, raw: &Value, target: &mut [u8]) -> Py<Option<usize>> {
    let count = if raw.is_exact(&FILE_IO) {
        file::read_some(vm, raw, target)?
    } else {
        read_object(vm, raw, target)?
    };
    if let Some(count) = count {
        let mut state = of(vm, this)?.lock(vm);
        state.raw_at = state.raw_at.map(|at| at.saturating_add(count as i64));
    }
    Ok(count)
}

/// `readinto` of a raw stream that is any object.
fn read_object(vm: &mut Vm, raw: &Value, target: &mut [u8]) -> Py<Option<usize>> {
    let size = target.len();
    let memory = vm.call(
        &builtin_types::BYTEARRAY.to_value(),
        &[Value::int(size as i64)],
    )?;
    let count = vm.call_method(raw, name!("readinto"), std::slice::from_ref(&memory))?;
    if count.is_none() {
        return Ok(None);
    }
    let count = match vm.index_i64(&count) {
        Ok(count) => count,
        Err(raised) => return Err(failed_because(vm, raised)),
    };
    let bytes = bytes_like(vm, &memory)?;
    match usize::try_from(count) {
        Ok(count) if count <= size && count <= bytes.len() => {
            target[..count].copy_from_slice(&bytes[..count]);
            Ok(Some(count))
        }
        _ => {
            let message = format!(
                "raw readinto() returned invalid length {count} (should have been between 0 and {size})"
            );
            Err(vm.raise(&builtin_types::OS_ERROR, message))
        }
    }
}

/// An `OSError` with the pending error as its cause.
fn failed_because(vm: &mut Vm, raised: Raised) -> Raised {
    let cause = vm.take_raised(raised);
    let raised = vm.raise(&builtin_types::OS_ERROR, "raw readinto() failed");
    let error = vm.take_raised(raised);
    exception::set_cause(vm, &error, Some(cause.clone()));
    exception::set_context(vm, &error, Some(cause));
    vm.set_pending(error)
}

fn zeroed(vm: &mut Vm, len: usize) -> Py<Vec<u8>> {
    let mut memory = Vec::new();
    if memory.try_reserve_exact(len).is_err() {
        return Err(vm.memory_error());
    }
    memory.resize(len, 0);
    Ok(memory)
}

/// Reads ahead once, if nothing is left; false at the end of the stream, `None` if it would block.
fn fill(vm: &mut Vm, this: &Value, raw: &Value) -> Py<Option<bool>> {
    let object = of(vm, this)?;
    let (size, mut memory) = {
        let mut state = object.lock(vm);
        if state.at < state.end {
            return Ok(Some(true));
        }
        state.forget_ahead();
        (state.size, std::mem::take(&mut state.read))
    };
    if memory.len() != size {
        if memory.capacity() < size {
            memory = zeroed(vm, size)?;
        }
        memory.resize(size, 0);
    }
    let count = raw_read(vm, this, raw, &mut memory);
    let mut state = object.lock(vm);
    state.read = memory;
    if let Ok(Some(count)) = &count {
        state.end = *count;
    }
    drop(state);
    Ok(count?.map(|count| count > 0))
}

/// Hands up to `size` bytes of what was read ahead to `work`, as used up.
fn take_ahead<R>(vm: &mut Vm, this: &Value, size: usize, work: impl FnOnce(&[u8]) -> R) -> Py<R> {
    let mut state = of(vm, this)?.lock(vm);
    let to = state.end.min(state.at.saturating_add(size));
    let result = work(&state.read[state.at..to]);
    state.at = to;
    Ok(result)
}

/// Up to `size` bytes of what was read ahead, as a `bytes` object.
fn ahead_bytes(vm: &mut Vm, this: &Value, size: usize) -> Py {
    match take_ahead(vm, this, size, taipan_types::bytes::try_new_bytes)? {
        Some(bytes) => Ok(bytes),
        None => Err(vm.memory_error()),
    }
}

fn append_ahead(vm: &mut Vm, this: &Value, size: usize, out: &mut Vec<u8>) -> Py<()> {
    take_ahead(vm, this, size, |ahead| out.extend_from_slice(ahead))
}

fn ahead_len(vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(of(vm, this)?.lock(vm).ahead().len())
}

fn read_all(vm: &mut Vm, this: &Value, raw: &Value) -> Py {
    let mut all = Vec::new();
    append_ahead(vm, this, usize::MAX, &mut all)?;
    writing::flush_writes(vm, this, raw)?;
    if let Some(readall) = vm.get_attr_opt(raw, name!("readall"))? {
        let rest = vm.call(&readall, &[])?;
        of(vm, this)?.lock(vm).raw_at = None;
        if rest.is_none() {
            return if all.is_empty() {
                Ok(rest)
            } else {
                new_bytes(vm, &all)
            };
        }
        let Some(bytes) = bytes_of(&rest) else {
            return Err(vm.type_error("readall() should return bytes"));
        };
        if all.is_empty() {
            return Ok(rest);
        }
        all.extend_from_slice(bytes);
        return new_bytes(vm, &all);
    }
    loop {
        let chunk = vm.call_method(raw, name!("read"), &[])?;
        of(vm, this)?.lock(vm).raw_at = None;
        if !chunk.is_none() && bytes_of(&chunk).is_none() {
            return Err(vm.type_error("read() should return bytes"));
        }
        match bytes_of(&chunk) {
            None if all.is_empty() => return Ok(chunk),
            Some(bytes) if !bytes.is_empty() => all.extend_from_slice(bytes),
            _ => return new_bytes(vm, &all),
        }
    }
}

pub(super) fn read(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let size = size_argument(vm, args.get(0))?;
    if size.is_none()
        && let Some(given) = args.get(0)
        && !given.is_none()
        && vm.index_i64(given)? < -1
    {
        return Err(vm.value_error("read length must be non-negative or -1"));
    }
    let raw = open_raw(vm, this, "read of")?;
    let _entered = enter(vm, this)?;
    let Some(size) = size else {
        return read_all(vm, this, &raw);
    };
    if ahead_len(vm, this)? >= size {
        return ahead_bytes(vm, this, size);
    }
    read_more(vm, this, &raw, size)
}

/// `read` of more than was read ahead.
fn read_more(vm: &mut Vm, this: &Value, raw: &Value, size: usize) -> Py {
    writing::flush_writes(vm, this, raw)?;
    let buffer_size = of(vm, this)?.lock(vm).size;
    let mut data = Vec::new();
    append_ahead(vm, this, size, &mut data)?;
    while data.len() < size {
        let missing = size - data.len();
        let got = if missing >= buffer_size {
            // Whole blocks go past the buffer, not too many at once: there may be less to read than was asked for.
            let filled = data.len();
            let room = missing.min(filled.max(FIRST_ROOM));
            let room = (room / buffer_size).max(1) * buffer_size;
            if data.try_reserve(room).is_err() {
                return Err(vm.memory_error());
            }
            data.resize(filled + room, 0);
            let count = raw_read(vm, this, raw, &mut data[filled..]);
            data.truncate(filled + count.as_ref().ok().copied().flatten().unwrap_or(0));
            count?.map(|count| count > 0)
        } else {
            let got = fill(vm, this, raw)?;
            append_ahead(vm, this, missing, &mut data)?;
            got
        };
        match got {
            Some(true) => {}
            None if data.is_empty() => return Ok(Value::none()),
            _ => break,
        }
    }
    new_bytes(vm, &data)
}

pub(super) fn read1(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let size = size_argument(vm, args.get(0))?;
    let raw = open_raw(vm, this, "read of")?;
    let size = match size {
        Some(size) => size,
        None => of(vm, this)?.lock(vm).size,
    };
    if size == 0 {
        return Ok(empty_bytes());
    }
    let _entered = enter(vm, this)?;
    if ahead_len(vm, this)? > 0 {
        return ahead_bytes(vm, this, size);
    }
    writing::flush_writes(vm, this, &raw)?;
    let mut data = zeroed(vm, size)?;
    let count = raw_read(vm, this, &raw, &mut data)?.unwrap_or(0);
    new_bytes(vm, &data[..count])
}

pub(super) fn peek(vm: &mut Vm, this: &Value, _args: &Bound) -> Py {
    let raw = open_raw(vm, this, "peek of")?;
    let _entered = enter(vm, this)?;
    writing::flush_writes(vm, this, &raw)?;
    fill(vm, this, &raw)?;
    let ahead = of(vm, this)?.lock(vm).ahead().to_vec();
    new_bytes(vm, &ahead)
}

pub(super) fn readinto(vm: &mut Vm, this: &Value, target: &Value) -> Py {
    let mut memory = writable_argument(vm, target, "readinto() argument")?;
    let target = memory.as_mut_slice().unwrap_or_default();
    read_into(vm, this, target, false)
}

pub(super) fn readinto1(vm: &mut Vm, this: &Value, target: &Value) -> Py {
    let mut memory = writable_argument(vm, target, "readinto1() argument")?;
    let target = memory.as_mut_slice().unwrap_or_default();
    read_into(vm, this, target, true)
}

/// Fills `target`; with `once` after one read of the raw stream at most.
fn read_into(vm: &mut Vm, this: &Value, target: &mut [u8], once: bool) -> Py {
    let raw = open_raw(vm, this, "readinto of")?;
    let _entered = enter(vm, this)?;
    let mut done = copy_ahead(vm, this, target)?;
    if done == target.len() {
        return Ok(Value::int(done as i64));
    }
    writing::flush_writes(vm, this, &raw)?;
    let buffer_size = of(vm, this)?.lock(vm).size;
    while done < target.len() {
        let got = if target.len() - done > buffer_size {
            let count = raw_read(vm, this, &raw, &mut target[done..])?;
            done += count.unwrap_or(0);
            if once && count.is_some() {
                break;
            }
            count.map(|count| count > 0)
        } else if once && done > 0 {
            break;
        } else {
            let got = fill(vm, this, &raw)?;
            done += copy_ahead(vm, this, &mut target[done..])?;
            got
        };
        match got {
            Some(true) => {}
            None if done == 0 => return Ok(Value::none()),
            _ => break,
        }
    }
    Ok(Value::int(done as i64))
}

fn copy_ahead(vm: &mut Vm, this: &Value, target: &mut [u8]) -> Py<usize> {
    take_ahead(vm, this, target.len(), |ahead| {
        target[..ahead.len()].copy_from_slice(ahead);
        ahead.len()
    })
}

pub(super) fn readline(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = size_argument(vm, args.get(0))?.unwrap_or(usize::MAX);
    line(vm, this, limit)
}

/// The next line, of `limit` bytes at most.
fn line(vm: &mut Vm, this: &Value, limit: usize) -> Py {
    let raw = open_raw(vm, this, "readline of")?;
    let _entered = enter(vm, this)?;
    let mut line = Vec::new();
    loop {
        let (wanted, ends) = {
            let state = of(vm, this)?.lock(vm);
            let ahead = state.ahead();
            match memchr::memchr(b'\n', ahead) {
                Some(at) => (at + 1, true),
                None => (ahead.len(), false),
            }
        };
        let room = limit - line.len();
        let whole = ends || wanted >= room;
        if whole && line.is_empty() {
            return ahead_bytes(vm, this, wanted.min(room));
        }
        append_ahead(vm, this, wanted.min(room), &mut line)?;
        if whole {
            break;
        }
        writing::flush_writes(vm, this, &raw)?;
        if fill(vm, this, &raw)? != Some(true) {
            break;
        }
    }
    new_bytes(vm, &line)
}

pub(super) fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let line = if this.is_exact(&BUFFERED_READER) || this.is_exact(&BUFFERED_RANDOM) {
        line(vm, this, usize::MAX)?
    } else {
        let line = vm.call_method(this, name!("readline"), &[])?;
        if bytes_of(&line).is_none() {
            let message = format!(
                "readline() should have returned a bytes object, not '{}'",
                line.type_of().name()
            );
            return Err(vm.raise(&builtin_types::OS_ERROR, message));
        }
        line
    };
    let any = bytes_of(&line).is_some_and(|line| !line.is_empty());
    Ok(any.then_some(line))
}
