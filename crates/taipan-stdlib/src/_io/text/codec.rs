//! The two ways to decode and encode: here, for the encodings that every program meets, or through a codec's incremental objects.

use super::super::newline::translate;
use super::state;
use taipan_core::{Py, Raised, Value, Vm, name, str_object, tuple_object};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::{bytes_of, new_bytes};
use taipan_types::codec::{self, BuiltIn};
use taipan_types::str::{from_buf, view};

/// What decodes or encodes.
#[derive(Clone)]
pub(super) enum Codec {
    /// An encoding in which each byte or sequence stands for itself.
    BuiltIn(BuiltIn),
    /// An incremental decoder (with line ends treated) or encoder.
    Object(Value),
}

/// The encodings decoded and encoded here.
pub(super) fn simple(encoding: &str) -> Option<BuiltIn> {
    BuiltIn::named(encoding)
        .filter(|found| matches!(found, BuiltIn::Utf8 | BuiltIn::Ascii | BuiltIn::Latin1))
}

fn not_readable(vm: &mut Vm) -> Raised {
    super::super::unsupported(vm, "not readable")
}

/// The decoder of a stream that can be read.
pub(super) fn decoder(vm: &mut Vm, this: &Value) -> Py<Codec> {
    match state(vm, this, |own| own.decoder.clone()) {
        Some(decoder) => Ok(decoder),
        None => Err(not_readable(vm)),
    }
}

/// Decodes `data`, a bytes-like object; the result is a `str` with line ends treated.
pub(super) fn decode(vm: &mut Vm, this: &Value, data: &Value, last: bool) -> Py {
    match decoder(vm, this)? {
        Codec::BuiltIn(encoding) => {
            let data = bytes_like(vm, data)?;
            decode_here(vm, this, encoding, &data, last)
        }
        Codec::Object(decoder) => {
            let text = vm.call_method(
                &decoder,
                name!("decode"),
                &[data.clone(), Value::bool(last)],
            )?;
            if !str_object::is_str(&text) {
                let message = format!(
                    "decoder should return a string result, not '{}'",
                    text.type_of().name()
                );
                return Err(vm.type_error(message));
            }
            Ok(text)
        }
    }
}

fn decode_here(vm: &mut Vm, this: &Value, encoding: BuiltIn, data: &[u8], last: bool) -> Py {
    let (mut input, errors) = state(vm, this, |own| {
        (std::mem::take(&mut own.tail), own.errors.clone())
    });
    let joined = !input.is_empty();
    if joined {
        input.extend_from_slice(data);
    }
    let bytes = if joined { &input[..] } else { data };
    let (text, consumed) = codec::decode_builtin(vm, bytes, encoding, Some(&errors), last)?;
    let rest = bytes[consumed.min(bytes.len())..].to_vec();
    let changed = state(vm, this, |own| {
        own.tail = rest;
        if !own.newline.is_universal() {
            return None;
        }
        let change = own.newline == super::Newline::Universal;
        let text = str_object::str_of(&text)?;
        translate(view(text), &mut own.held_cr, last, change, &mut own.seen)
    });
    match changed {
        Some(changed) => from_buf(vm, changed),
        None => Ok(text),
    }
}

/// The decoder's state: bytes that it holds (a `bytes`) and a number.
pub(super) fn decoder_state(vm: &mut Vm, this: &Value) -> Py<(Value, i64)> {
    match decoder(vm, this)? {
        Codec::BuiltIn(_) => {
            let (tail, held) = state(vm, this, |own| (own.tail.clone(), own.held_cr));
            Ok((new_bytes(vm, &tail)?, held.into()))
        }
        Codec::Object(decoder) => {
            let both = vm.call_method(&decoder, name!("getstate"), &[])?;
            let Some([held, flags]) = tuple_object::items(&both) else {
                return Err(vm.type_error("illegal decoder state"));
            };
            if bytes_of(held).is_none() {
                let message = format!(
                    "illegal decoder state: the first item should be a bytes object, not '{}'",
                    held.type_of().name()
                );
                return Err(vm.type_error(message));
            }
            Ok((held.clone(), vm.index_i64(flags)?))
        }
    }
}

/// Brings the decoder into a state.
pub(super) fn set_decoder_state(vm: &mut Vm, this: &Value, held: &Value, flags: i64) -> Py<()> {
    match state(vm, this, |own| own.decoder.clone()) {
        None => {}
        Some(Codec::BuiltIn(_)) => {
            let tail = bytes_of(held).unwrap_or_default().to_vec();
            state(vm, this, |own| {
                own.tail = tail;
                own.held_cr = flags & 1 == 1;
            });
        }
        Some(Codec::Object(decoder)) => {
            let both = tuple_object::new_tuple([held.clone(), Value::int(flags)]);
            vm.call_method(&decoder, name!("setstate"), &[both])?;
        }
    }
    Ok(())
}

pub(super) fn reset_decoder(vm: &mut Vm, this: &Value) -> Py<()> {
    match state(vm, this, |own| own.decoder.clone()) {
        None => {}
        Some(Codec::BuiltIn(_)) => state(vm, this, |own| {
            own.tail.clear();
            own.held_cr = false;
            own.seen = super::Seen::default();
        }),
        Some(Codec::Object(decoder)) => {
            vm.call_method(&decoder, name!("reset"), &[])?;
        }
    }
    Ok(())
}

/// Tells the encoder whether it stands at the start of the stream: some write a mark there.
pub(super) fn set_encoder_start(vm: &mut Vm, this: &Value, start: bool) -> Py<()> {
    let encoder = state(vm, this, |own| own.encoder.clone());
    let Some(Codec::Object(encoder)) = encoder else {
        return Ok(());
    };
    if start {
        vm.call_method(&encoder, name!("reset"), &[])?;
    } else {
        vm.call_method(&encoder, name!("setstate"), &[Value::from_i32(0)])?;
    }
    Ok(())
}

/// Encodes text; gives `bytes`.
pub(super) fn encode(vm: &mut Vm, this: &Value, text: &Value) -> Py {
    let (encoder, errors) = state(vm, this, |own| (own.encoder.clone(), own.errors.clone()));
    match encoder {
        None => Err(super::super::unsupported(vm, "not writable")),
        Some(Codec::BuiltIn(encoding)) => codec::encode_builtin(vm, text, encoding, Some(&errors)),
        Some(Codec::Object(encoder)) => {
            let encoded = vm.call_method(&encoder, name!("encode"), std::slice::from_ref(text))?;
            if bytes_of(&encoded).is_none() {
                let message = format!(
                    "encoder should return a bytes object, not '{}'",
                    encoded.type_of().name()
                );
                return Err(vm.type_error(message));
            }
            Ok(encoded)
        }
    }
}
