//! Positions of buffered streams.

use super::super::unsupported;
use super::{BUFFERED_WRITER, enter, of, open_raw, raw, writing};
use taipan_core::{Bound, Py, Value, Vm, builtin_types, name};

fn checked(vm: &mut Vm, this: &Value, at: &Value) -> Py<i64> {
    let at = vm.index_i64(at)?;
    if at < 0 {
        let message = format!("Raw stream returned invalid position {at}");
        return Err(vm.raise(&builtin_types::OS_ERROR, message));
    }
    of(vm, this)?.lock(vm).raw_at = Some(at);
    Ok(at)
}

/// Asks the raw stream where it is.
pub(super) fn raw_tell(vm: &mut Vm, this: &Value, raw: &Value) -> Py<i64> {
    of(vm, this)?.lock(vm).raw_at = None;
    let at = vm.call_method(raw, name!("tell"), &[])?;
    checked(vm, this, &at)
}

/// Moves the raw stream.
pub(super) fn raw_seek(
    vm: &mut Vm,
    this: &Value,
    raw: &Value,
    offset: i64,
    whence: i64,
) -> Py<i64> {
    of(vm, this)?.lock(vm).raw_at = None;
    let at = vm.call_method(
        raw,
        name!("seek"),
        &[Value::int(offset), Value::int(whence)],
    )?;
    checked(vm, this, &at)
}

/// Gives up what was read ahead: the raw stream goes back to where the program is.
pub(super) fn drop_read_ahead(vm: &mut Vm, this: &Value, raw: &Value) -> Py<()> {
    let ahead = {
        let mut state = of(vm, this)?.lock(vm);
        let ahead = state.ahead().len();
        state.forget_ahead();
        ahead
    };
    if ahead > 0 {
        raw_seek(vm, this, raw, -(ahead as i64), 1)?;
    }
    Ok(())
}

pub(super) fn tell(vm: &mut Vm, this: &Value) -> Py {
    let raw = raw(vm, this)?;
    let at = raw_tell(vm, this, &raw)?;
    let state = of(vm, this)?.lock(vm);
    // A stream that only pretends to have positions may be behind what was read ahead.
    let here = at - state.ahead().len() as i64 + state.write.len() as i64;
    Ok(Value::int(here.max(0)))
}

pub(super) fn seek(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let whence = match args.get(1) {
        Some(whence) => vm.index_i64(whence)?,
        None => 0,
    };
    let known = [
        0,
        1,
        2,
        i64::from(libc::SEEK_DATA),
        i64::from(libc::SEEK_HOLE),
    ];
    if !known.contains(&whence) {
        let message = format!("whence value {whence} unsupported");
        return Err(vm.value_error(message));
    }
    let raw = open_raw(vm, this, "seek of")?;
    let answer = vm.call_method(&raw, name!("seekable"), &[])?;
    if !vm.truth(&answer)? {
        return Err(unsupported(vm, "File or stream is not seekable."));
    }
    let target = vm.index_i64(args.req(0))?;
    if matches!(whence, 0 | 1)
        && !this.is_instance(&BUFFERED_WRITER)
        && let Some(at) = seek_inside(vm, this, &raw, target, whence)?
    {
        return Ok(Value::int(at));
    }
    let _entered = enter(vm, this)?;
    writing::flush_writes(vm, this, &raw)?;
    let target = if whence == 1 {
        target.saturating_sub(of(vm, this)?.lock(vm).ahead().len() as i64)
    } else {
        target
    };
    let at = raw_seek(vm, this, &raw, target, whence)?;
    of(vm, this)?.lock(vm).forget_ahead();
    Ok(Value::int(at))
}

/// Seeks within what was read ahead, if the target is there.
fn seek_inside(
    vm: &mut Vm,
    this: &Value,
    raw: &Value,
    target: i64,
    whence: i64,
) -> Py<Option<i64>> {
    let known = of(vm, this)?.lock(vm).raw_at;
    let current = match known {
        Some(at) => at,
        None => raw_tell(vm, this, raw)?,
    };
    let mut state = of(vm, this)?.lock(vm);
    let ahead = state.ahead().len() as i64;
    // Without anything read ahead the raw stream is moved: others may have moved it meanwhile.
    if !state.write.is_empty() || ahead == 0 {
        return Ok(None);
    }
    let here = current - ahead;
    let offset = if whence == 0 {
        target.saturating_sub(here)
    } else {
        target
    };
    if offset < -(state.at as i64) || offset > ahead {
        return Ok(None);
    }
    state.at = (state.at as i64 + offset) as usize;
    Ok(Some((here + offset).max(0)))
}

pub(super) fn truncate(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let raw = open_raw(vm, this, "truncate of")?;
    let answer = vm.call_method(this, name!("writable"), &[])?;
    if !vm.truth(&answer)? {
        return Err(unsupported(vm, "truncate"));
    }
    let _entered = enter(vm, this)?;
    writing::flush_writes(vm, this, &raw)?;
    drop_read_ahead(vm, this, &raw)?;
    let size = args.get(0).cloned().unwrap_or_else(Value::none);
    let result = vm.call_method(&raw, name!("truncate"), &[size])?;
    // The raw stream may have moved.
    if let Err(raised) = raw_tell(vm, this, &raw) {
        drop(vm.take_raised(raised));
    }
    Ok(result)
}
