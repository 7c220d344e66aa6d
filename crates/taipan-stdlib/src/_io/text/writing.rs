//! Writing text.

use super::{codec, open_buffer, state};
use taipan_base::text::{find_char, replace};
use taipan_core::{Py, Value, Vm, name, str_object};
use taipan_types::bytes::bytes_of;
use taipan_types::str::text::{from_buf, text};

pub(super) fn write(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    if !str_object::is_str(value) {
        let message = format!(
            "write() argument must be str, not {}",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let mut target = open_buffer(vm, this)?;
    let (has_encoder, newline, line_buffering, write_through) = state(vm, this, |own| {
        (
            own.encoder.is_some(),
            own.newline,
            own.line_buffering,
            own.write_through,
        )
    });
    if !has_encoder {
        return Err(super::super::unsupported(vm, "not writable"));
    }
    let count = text(value).len();
    let end = newline.written();
    let has_lf =
        (end.is_some() || line_buffering) && find_char(text(value), u32::from(b'\n')).is_some();
    let mut outgoing = value.clone();
    if has_lf && let Some(end) = end {
        outgoing = with_ends(vm, value, end)?;
        if !str_object::is_exact_str(value) {
            // The text's own method may have done anything to the stream.
            target = open_buffer(vm, this)?;
        }
    }
    let has_end = line_buffering && (has_lf || find_char(text(value), u32::from(b'\r')).is_some());
    let encoded = codec::encode(vm, this, &outgoing)?;
    let bytes = bytes_of(&encoded).unwrap_or_default();
    let chunk_size = state(vm, this, |own| own.chunk_size);
    // Writing out may bring new text in.
    while state(vm, this, |own| {
        let waiting = own.pending.len();
        waiting > 0 && waiting + bytes.len() > chunk_size
    }) {
        write_out(vm, this, &target)?;
    }
    let waiting = state(vm, this, |own| {
        own.pending.extend_from_slice(bytes);
        own.pending.len()
    });
    if waiting >= chunk_size || has_end || write_through {
        write_out(vm, this, &target)?;
    }
    if has_end {
        vm.call_method(&target, name!("flush"), &[])?;
    }
    if state(vm, this, |own| own.snapshot.is_some()) {
        super::forget_decoded(vm, this);
    }
    codec::reset_decoder(vm, this)?;
    Ok(Value::int(count as i64))
}

/// The text with `\n` exchanged for the stream's line end.
fn with_ends(vm: &mut Vm, value: &Value, end: &'static str) -> Py {
    if str_object::is_exact_str(value) {
        let end = str_object::new_str(end);
        let lf = str_object::latin1_char(b'\n');
        return match replace(text(value), text(&lf), text(&end), usize::MAX) {
            Some(made) => from_buf(vm, made),
            None => Ok(value.clone()),
        };
    }
    let args = [str_object::new_str("\n"), str_object::new_str(end)];
    let made = vm.call_method(value, name!("replace"), &args)?;
    if !str_object::is_str(&made) {
        let message = format!(
            "replace() should return a str, not {}",
            made.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    Ok(made)
}

/// Hands the waiting bytes to the buffer.
pub(super) fn write_out(vm: &mut Vm, this: &Value, target: &Value) -> Py<()> {
    let pending = state(vm, this, |own| std::mem::take(&mut own.pending));
    if pending.is_empty() {
        return Ok(());
    }
    let bytes = taipan_types::bytes::new_bytes(vm, &pending)?;
    vm.call_method(target, name!("write"), &[bytes]).map(drop)
}

pub(super) fn flush(vm: &mut Vm, this: &Value) -> Py {
    let target = open_buffer(vm, this)?;
    state(vm, this, |own| own.telling = own.seekable);
    write_out(vm, this, &target)?;
    vm.call_method(&target, name!("flush"), &[])
}
