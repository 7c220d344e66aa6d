//! Writing to buffered streams.

use super::super::{FILE_IO, file};
use super::{enter, of, open_raw, position};
use taipan_core::{Py, Raised, Value, Vm, builtin_types, name, str_object};

/// One write to the raw stream; `None` if it would block.
fn raw_write(vm: &mut Vm, this: &Value, raw: &Value, data: &[u8]) -> Py<Option<usize>> {
    let count = if raw.is_exact(&FILE_IO) {
        match file::write_some(vm, raw, data)? {
            Some(count) => count as i64,
            None => return Ok(None),
        }
    } else {
        let bytes = taipan_types::bytes::new_bytes(vm, data)?;
        let count = vm.call_method(raw, name!("write"), &[bytes])?;
        if count.is_none() {
            return Ok(None);
        }
        vm.index_i64(&count)?
    };
    match usize::try_from(count) {
        Ok(done) if done <= data.len() => {
            let mut state = of(vm, this)?.lock(vm);
            state.raw_at = state.raw_at.map(|at| at.saturating_add(count));
            Ok(Some(done))
        }
        _ => {
            let message = format!(
                "raw write() returned invalid length {count} (should have been between 0 and {})",
                data.len()
            );
            Err(vm.raise(&builtin_types::OS_ERROR, message))
        }
    }
}

/// `BlockingIOError`, after `written` bytes were taken.
fn would_block(vm: &mut Vm, written: usize) -> Raised {
    vm.raise_with(
        &builtin_types::BLOCKING_IO_ERROR,
        &[
            Value::from_i32(libc::EAGAIN),
            str_object::new_str("write could not complete without blocking"),
            Value::int(written as i64),
        ],
    )
}

/// Writes out what waits to be written.
pub(super) fn flush_writes(vm: &mut Vm, this: &Value, raw: &Value) -> Py<()> {
    let object = of(vm, this)?;
    loop {
        let pending = std::mem::take(&mut object.lock(vm).write);
        if pending.is_empty() {
            return Ok(());
        }
        let written = raw_write(vm, this, raw, &pending);
        let done = match &written {
            Ok(Some(count)) => *count,
            _ => 0,
        };
        {
            let mut state = object.lock(vm);
            state.write = pending;
            state.write.drain(..done);
            if state.write.is_empty() {
                return written.map(drop);
            }
        }
        if written?.is_none() {
            return Err(would_block(vm, 0));
        }
        // A program may want to get out of a write that goes on and on.
        vm.safepoint()?;
    }
}

fn append(vm: &mut Vm, this: &Value, data: &[u8]) -> Py<()> {
    let fits = {
        let mut state = of(vm, this)?.lock(vm);
        let fits = state.write.try_reserve(data.len()).is_ok();
        if fits {
            state.write.extend_from_slice(data);
        }
        fits
    };
    if fits { Ok(()) } else { Err(vm.memory_error()) }
}

pub(super) fn write(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    let data = taipan_types::buffer::bytes_like(vm, data)?;
    super::raw(vm, this)?;
    let _entered = enter(vm, this)?;
    let raw = open_raw(vm, this, "write to")?;
    position::drop_read_ahead(vm, this, &raw)?;
    let all = Value::int(data.len() as i64);
    let (waiting, size) = {
        let state = of(vm, this)?.lock(vm);
        (state.write.len(), state.size)
    };
    if data.len() <= size.saturating_sub(waiting) {
        append(vm, this, &data)?;
        return Ok(all);
    }
    if let Err(raised) = flush_writes(vm, this, &raw) {
        drop(vm.catch(raised, &builtin_types::BLOCKING_IO_ERROR)?);
        let waiting = of(vm, this)?.lock(vm).write.len();
        let room = size.saturating_sub(waiting);
        if data.len() <= room {
            append(vm, this, &data)?;
            return Ok(all);
        }
        append(vm, this, &data[..room])?;
        return Err(would_block(vm, room));
    }
    let mut left = &data[..];
    while left.len() > size {
        match raw_write(vm, this, &raw, left)? {
            Some(count) => left = &left[count..],
            None => {
                append(vm, this, &left[..size])?;
                return Err(would_block(vm, data.len() - left.len() + size));
            }
        }
        vm.safepoint()?;
    }
    append(vm, this, left)?;
    Ok(all)
}

pub(super) fn flush(vm: &mut Vm, this: &Value) -> Py {
    let raw = open_raw(vm, this, "flush of")?;
    let _entered = enter(vm, this)?;
    flush_writes(vm, this, &raw)?;
    position::drop_read_ahead(vm, this, &raw)?;
    Ok(Value::none())
}
