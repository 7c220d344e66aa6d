//! Positions of text streams.
//!
//! A position names a place where the decoder holds no bytes, the decoder's number there, and how many bytes to feed and characters
//! to skip from it. Nearly always it is just the place.

use super::super::unsupported;
use super::{Snapshot, codec, forget_decoded, open_buffer, state, writing};
use dashu_int::IBig;
use taipan_core::number::int_from_big;
use taipan_core::{Bound, Py, Raised, Value, Vm, builtin_types, name, str_object};
use taipan_types::bytes::{bytes_of, empty_bytes, new_bytes};
use taipan_types::int::operand;

/// A position, unpacked.
#[derive(Default, Clone, Copy)]
struct Cookie {
    start: i64,
    flags: i64,
    feed: i64,
    skip: i64,
    /// Must the decoder be told that the end was reached?
    at_end: bool,
}

const WORD: usize = 64;

impl Cookie {
    fn pack(self) -> Value {
        let rest = [self.flags, self.feed, self.skip, self.at_end.into()];
        if rest == [0; 4] {
            return Value::int(self.start);
        }
        let mut number = IBig::from(self.start);
        for (index, part) in rest.into_iter().enumerate() {
            number += IBig::from(part as u64) << ((index + 1) * WORD);
        }
        int_from_big(number)
    }

    fn unpack(vm: &mut Vm, value: &Value) -> Py<Cookie> {
        let index = vm.index(value)?;
        let Some(number) = operand(&index) else {
            return Ok(Cookie::default());
        };
        if number.is_negative() {
            let message = format!("negative seek position {}", vm.repr_string(&index)?);
            return Err(vm.value_error(message));
        }
        let number = number.big();
        let (_, words) = number.as_sign_words();
        let part = |at: usize| words.get(at).copied().unwrap_or(0) as i64;
        if words.len() > 5 || part(0) < 0 || part(2) < 0 || part(3) < 0 {
            return Err(vm.overflow_error("int too big to convert"));
        }
        Ok(Cookie {
            start: part(0),
            flags: part(1),
            feed: part(2),
            skip: part(3),
            at_end: part(4) != 0,
        })
    }
}

fn lost(vm: &mut Vm, doing: &str) -> Raised {
    let message = format!("can't {doing} logical file position");
    vm.raise(&builtin_types::OS_ERROR, message)
}

pub(super) fn tell(vm: &mut Vm, this: &Value) -> Py {
    let source = open_buffer(vm, this)?;
    let (seekable, telling) = state(vm, this, |own| (own.seekable, own.telling));
    if !seekable {
        return Err(unsupported(vm, "underlying stream is not seekable"));
    }
    if !telling {
        return Err(vm.raise(
            &builtin_types::OS_ERROR,
            "telling position disabled by next() call",
        ));
    }
    writing::write_out(vm, this, &source)?;
    vm.call_method(this, name!("flush"), &[])?;
    let place = vm.call_method(&source, name!("tell"), &[])?;
    let (snapshot, used, has_decoder) = state(vm, this, |own| {
        (own.snapshot.clone(), own.used, own.decoder.is_some())
    });
    let Some(Snapshot { flags, input }) = snapshot.filter(|_| has_decoder) else {
        return Ok(place);
    };
    let input = bytes_of(&input).unwrap_or_default().to_vec();
    let at = vm.index_i64(&place)?;
    let start = Cookie {
        start: at.saturating_sub(input.len() as i64),
        flags,
        ..Cookie::default()
    };
    if used == 0 {
        return Ok(start.pack());
    }
    let (held, now) = codec::decoder_state(vm, this)?;
    let seen = state(vm, this, |own| own.seen);
    let found = find(vm, this, start, &input, used);
    // The decoder goes on where it was.
    let restored = codec::set_decoder_state(vm, this, &held, now);
    state(vm, this, |own| own.seen = seen);
    let cookie = found?;
    restored?;
    Ok(cookie.pack())
}

/// Decodes part of the input; gives the number of characters.
fn count(vm: &mut Vm, this: &Value, input: &[u8], last: bool) -> Py<usize> {
    let data = new_bytes(vm, input)?;
    let text = codec::decode(vm, this, &data, last)?;
    Ok(str_object::str_of(&text).map_or(0, |text| text.len()))
}

fn go_to(vm: &mut Vm, this: &Value, flags: i64) -> Py<()> {
    codec::set_decoder_state(vm, this, &empty_bytes(), flags)
}

/// The position behind `used` characters of what `input` decodes to, from a decoder that is at `start`.
fn find(vm: &mut Vm, this: &Value, start: Cookie, input: &[u8], used: usize) -> Py<Cookie> {
    let (mut skipped, mut place, mut left) = near(vm, this, start, input, used)?;
    if left == 0 {
        return Ok(place);
    }
    // From there byte by byte, noting each place where the decoder holds nothing.
    let (mut fed, mut decoded) = (0i64, 0usize);
    while let Some(byte) = input.get(skipped..skipped + 1) {
        decoded += count(vm, this, byte, false)?;
        skipped += 1;
        fed += 1;
        let (held, flags) = codec::decoder_state(vm, this)?;
        if bytes_of(&held).is_some_and(<[u8]>::is_empty) && decoded <= left {
            place.start += fed;
            place.flags = flags;
            left -= decoded;
            (fed, decoded) = (0, 0);
        }
        if decoded >= left {
            break;
        }
    }
    place.feed = fed;
    place.skip = left as i64;
    if decoded < left {
        decoded += count(vm, this, b"", true)?;
        place.at_end = true;
        if decoded < left {
            return Err(lost(vm, "reconstruct"));
        }
    }
    Ok(place)
}

/// A place not far in front of the wanted one: how many bytes of the input lie before it, and how many characters behind it are
/// still to be skipped. The decoder is left there.
fn near(
    vm: &mut Vm,
    this: &Value,
    start: Cookie,
    input: &[u8],
    used: usize,
) -> Py<(usize, Cookie, usize)> {
    let ratio = state(vm, this, |own| own.bytes_per_char);
    let mut guess = ((ratio * used as f64) as usize).min(input.len());
    let mut step = 1;
    while guess > 0 {
        go_to(vm, this, start.flags)?;
        let chars = count(vm, this, &input[..guess], false)?;
        if chars <= used {
            let (held, flags) = codec::decoder_state(vm, this)?;
            let held = bytes_of(&held).map_or(0, <[u8]>::len);
            if held == 0 {
                let place = Cookie {
                    start: start.start + guess as i64,
                    flags,
                    ..Cookie::default()
                };
                return Ok((guess, place, used - chars));
            }
            // Go back to the bytes that are held.
            guess = guess.saturating_sub(held);
            step = 1;
        } else {
            guess = guess.saturating_sub(step);
            step *= 2;
        }
    }
    go_to(vm, this, start.flags)?;
    Ok((0, start, used))
}

pub(super) fn seek(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let whence = match args.get(1) {
        Some(whence) => vm.index_i64(whence)?,
        None => 0,
    };
    let target = open_buffer(vm, this)?;
    if !state(vm, this, |own| own.seekable) {
        return Err(unsupported(vm, "underlying stream is not seekable"));
    }
    let mut wanted = args.req(0).clone();
    match whence {
        0 => {}
        1 => {
            if !vm.equal(&wanted, &Value::from_i32(0))? {
                return Err(unsupported(vm, "can't do nonzero cur-relative seeks"));
            }
            wanted = vm.call_method(this, name!("tell"), &[])?;
        }
        2 => {
            if !vm.equal(&wanted, &Value::from_i32(0))? {
                return Err(unsupported(vm, "can't do nonzero end-relative seeks"));
            }
            return seek_end(vm, this, &target);
        }
        _ => {
            let message = format!("invalid whence ({whence}, should be 0, 1 or 2)");
            return Err(vm.value_error(message));
        }
    }
    let cookie = Cookie::unpack(vm, &wanted)?;
    vm.call_method(this, name!("flush"), &[])?;
    vm.call_method(&target, name!("seek"), &[Value::int(cookie.start)])?;
    forget_decoded(vm, this);
    restore(vm, this, &target, cookie)?;
    codec::set_encoder_start(vm, this, cookie.start == 0 && cookie.flags == 0)?;
    Ok(wanted)
}

/// Brings the decoder to a position; the buffer is at its start already.
fn restore(vm: &mut Vm, this: &Value, target: &Value, cookie: Cookie) -> Py<()> {
    if state(vm, this, |own| own.decoder.is_none()) {
        return Ok(());
    }
    if cookie.start == 0 && cookie.flags == 0 {
        codec::reset_decoder(vm, this)?;
    } else {
        go_to(vm, this, cookie.flags)?;
    }
    let mut snapshot = Snapshot {
        flags: cookie.flags,
        input: empty_bytes(),
    };
    if cookie.skip == 0 {
        state(vm, this, |own| own.snapshot = Some(snapshot));
        return Ok(());
    }
    let input = vm.call_method(target, name!("read"), &[Value::int(cookie.feed)])?;
    if bytes_of(&input).is_none() {
        let message = format!(
            "underlying read() should have returned a bytes object, not '{}'",
            input.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    snapshot.input = input.clone();
    state(vm, this, |own| own.snapshot = Some(snapshot));
    let text = codec::decode(vm, this, &input, cookie.at_end)?;
    let len = str_object::str_of(&text).map_or(0, |text| text.len());
    let skip = usize::try_from(cookie.skip).unwrap_or(usize::MAX);
    let old = state(vm, this, |own| {
        own.used = skip.min(len);
        own.decoded.replace(text)
    });
    drop(old);
    if len < skip {
        return Err(lost(vm, "restore"));
    }
    Ok(())
}

fn seek_end(vm: &mut Vm, this: &Value, target: &Value) -> Py {
    vm.call_method(this, name!("flush"), &[])?;
    forget_decoded(vm, this);
    codec::reset_decoder(vm, this)?;
    let at = vm.call_method(
        target,
        name!("seek"),
        &[Value::from_i32(0), Value::from_i32(2)],
    )?;
    let empty = vm.equal(&at, &Value::from_i32(0))?;
    codec::set_encoder_start(vm, this, empty)?;
    Ok(at)
}

pub(super) fn truncate(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let target = super::buffer(vm, this)?;
    vm.call_method(this, name!("flush"), &[])?;
    let size = args.get(0).cloned().unwrap_or_else(Value::none);
    vm.call_method(&target, name!("truncate"), &[size])
}
