//! Encoding text and decoding bytes: the built-in encodings directly, all others through the registry of `codecs`.
//!
//! What `str.encode`, `bytes.decode`, `str(b, ...)` and the module `_codecs` share. The encoders and decoders themselves are in
//! `taipan_base::codecs`; here are the loops that call error handlers, and the registry.

pub mod handlers;
pub mod registry;

use crate::bytes;
use crate::str::text;
use handlers::{Fixed, Handler};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use taipan_base::codecs::{self, ByteOrder, DecodeError, EncodeError, utf7, utf8, utf16, utf32};
use taipan_base::text::{Text, TextBuf};
use taipan_core::builtin_types::BYTES;
use taipan_core::{Py, Value, Vm};

/// Encodes from a position on, up to the first character that cannot be encoded.
pub type EncodeStep<'a> = dyn FnMut(Text<'_>, usize, &mut Vec<u8>) -> Result<(), EncodeError> + 'a;
/// Decodes from a position on; true if no more bytes will come. Answers the position reached.
pub type DecodeStep<'a> =
    dyn FnMut(&[u8], usize, bool, &mut TextBuf) -> Result<usize, DecodeError> + 'a;

/// The encodings that are known without the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    Utf8,
    Ascii,
    Latin1,
    Utf7,
    /// `None`: native order with a mark.
    Utf16(Option<ByteOrder>),
    Utf32(Option<ByteOrder>),
}

impl BuiltIn {
    /// The encoding of a name, if it is one of the names that need no look-up.
    pub fn named(name: &str) -> Option<BuiltIn> {
        if name.len() > 10 {
            return None;
        }
        let mut plain = String::with_capacity(10);
        for c in name.chars() {
            plain.push(match c {
                '_' | ' ' => '-',
                c => c.to_ascii_lowercase(),
            });
        }
        Some(match plain.as_str() {
            "utf-8" | "utf8" => BuiltIn::Utf8,
            "ascii" | "us-ascii" => BuiltIn::Ascii,
            "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => BuiltIn::Latin1,
            "utf-16" | "utf16" => BuiltIn::Utf16(None),
            "utf-16-le" => BuiltIn::Utf16(Some(ByteOrder::Little)),
            "utf-16-be" => BuiltIn::Utf16(Some(ByteOrder::Big)),
            "utf-32" | "utf32" => BuiltIn::Utf32(None),
            "utf-32-le" => BuiltIn::Utf32(Some(ByteOrder::Little)),
            "utf-32-be" => BuiltIn::Utf32(Some(ByteOrder::Big)),
            _ => return None,
        })
    }

    /// The name in error messages.
    pub fn name(self) -> &'static str {
        match self {
            BuiltIn::Utf8 => "utf-8",
            BuiltIn::Ascii => "ascii",
            BuiltIn::Latin1 => "latin-1",
            BuiltIn::Utf7 => "utf7",
            BuiltIn::Utf16(None) => "utf-16",
            BuiltIn::Utf16(Some(ByteOrder::Little)) => "utf-16-le",
            BuiltIn::Utf16(Some(ByteOrder::Big)) => "utf-16-be",
            BuiltIn::Utf32(None) => "utf-32",
            BuiltIn::Utf32(Some(ByteOrder::Little)) => "utf-32-le",
            BuiltIn::Utf32(Some(ByteOrder::Big)) => "utf-32-be",
        }
    }
}

// ---- encoding ----

/// Are the names of codecs and error handlers looked up even where they are not needed?
static CHECKED: AtomicBool = AtomicBool::new(false);

/// Looks all names up from now on: development mode.
pub fn check_names() {
    CHECKED.store(true, Relaxed);
}

#[inline]
fn checked(vm: &mut Vm, encoding: Option<&str>, errors: Option<&str>) -> Py<()> {
    if !CHECKED.load(Relaxed) {
        return Ok(());
    }
    if let Some(encoding) = encoding.filter(|encoding| BuiltIn::named(encoding).is_none()) {
        registry::lookup(vm, encoding)?;
    }
    if let Some(errors) = errors {
        registry::lookup_error(vm, errors)?;
    }
    Ok(())
}

/// `text.encode(encoding, errors)`; `None` is utf-8 and strict.
pub fn encode_str(vm: &mut Vm, text: &Value, encoding: Option<&str>, errors: Option<&str>) -> Py {
    checked(vm, encoding, errors)?;
    let encoding = encoding.unwrap_or("utf-8");
    match BuiltIn::named(encoding) {
        Some(built_in) => encode_builtin(vm, text, built_in, errors),
        None => registry::encode_text(vm, text, encoding, errors),
    }
}

/// Encodes with one of the built-in encodings; gives `bytes`.
pub fn encode_builtin(vm: &mut Vm, value: &Value, encoding: BuiltIn, errors: Option<&str>) -> Py {
    let text = text::text(value);
    if let Text::Ascii(units) = text
        && matches!(encoding, BuiltIn::Utf8 | BuiltIn::Ascii | BuiltIn::Latin1)
    {
        return bytes::new_bytes(vm, units);
    }
    let mut out = Vec::new();
    let name = encoding.name();
    match encoding {
        BuiltIn::Utf8 => encode_loop(vm, value, name, errors, &mut out, &mut utf8::encode)?,
        BuiltIn::Ascii => {
            encode_loop(vm, value, name, errors, &mut out, &mut codecs::encode_ascii)?;
        }
        BuiltIn::Latin1 => {
            encode_loop(
                vm,
                value,
                name,
                errors,
                &mut out,
                &mut codecs::encode_latin1,
            )?;
        }
        BuiltIn::Utf7 => utf7::encode(text, &mut out),
        BuiltIn::Utf16(order) => {
            if order.is_none() {
                out.extend(0xFEFFu16.to_ne_bytes());
            }
            let order = order.unwrap_or(ByteOrder::NATIVE);
            encode_loop(vm, value, name, errors, &mut out, &mut |text, from, out| {
                utf16::encode(text, from, order, out)
            })?;
        }
        BuiltIn::Utf32(order) => {
            if order.is_none() {
                out.extend(0xFEFFu32.to_ne_bytes());
            }
            let order = order.unwrap_or(ByteOrder::NATIVE);
            encode_loop(vm, value, name, errors, &mut out, &mut |text, from, out| {
                utf32::encode(text, from, order, out)
            })?;
        }
    }
    bytes::new_bytes(vm, &out)
}

/// Bytes of a code unit.
fn unit_size(encoding: &str) -> usize {
    if encoding.starts_with("utf-16") {
        2
    } else if encoding.starts_with("utf-32") {
        4
    } else {
        1
    }
}

/// Runs an encoder over the whole text, calling the error handler where it stops.
pub fn encode_loop(
    vm: &mut Vm,
    value: &Value,
    encoding: &str,
    errors: Option<&str>,
    out: &mut Vec<u8>,
    step: &mut EncodeStep<'_>,
) -> Py<()> {
    let text = text::text(value);
    let mut handler = Handler::named(errors);
    let mut at = 0;
    loop {
        let Err(error) = step(text, at, out) else {
            return Ok(());
        };
        let fixed = handler.fix_encoding(vm, encoding, value, &error)?;
        at = fixed.next;
        match fixed.text {
            // Only whole code units stand in for a character, and in the Unicode encodings only ASCII text.
            Fixed::Bytes(bytes) if bytes.len() % unit_size(encoding) == 0 => {
                out.extend_from_slice(&bytes);
            }
            Fixed::Text(replacement)
                if !encoding.starts_with("utf") || replacement.as_text().is_ascii() =>
            {
                if step(replacement.as_text(), 0, out).is_err() {
                    return Err(handlers::encode_error(vm, encoding, value, &error));
                }
            }
            _ => return Err(handlers::encode_error(vm, encoding, value, &error)),
        }
    }
}

// ---- decoding ----

/// `data.decode(encoding, errors)`; `None` is utf-8 and strict.
pub fn decode(vm: &mut Vm, data: &[u8], encoding: Option<&str>, errors: Option<&str>) -> Py {
    checked(vm, encoding, errors)?;
    if data.is_empty() {
        // In any encoding.
        return Ok(taipan_core::str_object::new_str(""));
    }
    let encoding = encoding.unwrap_or("utf-8");
    match BuiltIn::named(encoding) {
        Some(built_in) => {
            let (text, _) = decode_builtin(vm, data, built_in, errors, true)?;
            Ok(text)
        }
        None => {
            let object = bytes::new_bytes(vm, data)?;
            registry::decode_text(vm, &object, encoding, errors)
        }
    }
}

/// `str(object, encoding, errors)`
pub fn decode_object(
    vm: &mut Vm,
    object: &Value,
    encoding: Option<&str>,
    errors: Option<&str>,
) -> Py {
    if let Some(data) = bytes::bytes_of(object) {
        return decode(vm, data, encoding, errors);
    }
    if taipan_core::str_object::is_str(object) {
        return Err(vm.type_error("decoding str is not supported"));
    }
    if object.type_of().slots().buffer.is_none() {
        let message = format!(
            "decoding to str: need a bytes-like object, {} found",
            object.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let data = crate::buffer::bytes_like(vm, object)?;
    decode(vm, &data, encoding, errors)
}

/// Decodes with one of the built-in encodings; gives the string and the number of bytes used.
pub fn decode_builtin(
    vm: &mut Vm,
    data: &[u8],
    encoding: BuiltIn,
    errors: Option<&str>,
    last: bool,
) -> Py<(Value, usize)> {
    if data.is_ascii() && matches!(encoding, BuiltIn::Utf8 | BuiltIn::Ascii | BuiltIn::Latin1) {
        return Ok((text::from_text(vm, Text::Ascii(data))?, data.len()));
    }
    let (encoding, skip) = by_mark(encoding, data);
    let name = encoding.name();
    let body = skip;
    let (text, used) = match encoding {
        BuiltIn::Latin1 => {
            return Ok((text::from_text(vm, Text::Latin1(data))?, data.len()));
        }
        BuiltIn::Utf8 => decode_loop(vm, data, body, name, errors, last, &mut utf8::decode)?,
        BuiltIn::Utf7 => decode_loop(vm, data, body, name, errors, last, &mut utf7::decode)?,
        BuiltIn::Ascii => decode_loop(
            vm,
            data,
            body,
            name,
            errors,
            last,
            &mut |data, from, _, out| codecs::decode_ascii(data, from, out),
        )?,
        BuiltIn::Utf16(order) => {
            let order = order.unwrap_or(ByteOrder::NATIVE);
            decode_loop(
                vm,
                data,
                body,
                name,
                errors,
                last,
                &mut |data, from, last, out| utf16::decode(data, from, order, last, out),
            )?
        }
        BuiltIn::Utf32(order) => {
            let order = order.unwrap_or(ByteOrder::NATIVE);
            decode_loop(
                vm,
                data,
                body,
                name,
                errors,
                last,
                &mut |data, from, last, out| utf32::decode(data, from, order, last, out),
            )?
        }
    };
    Ok((text::from_buf(vm, text)?, used))
}

/// Settles the byte order of utf-16 and utf-32 by the mark, and how many bytes the mark takes.
pub fn by_mark(encoding: BuiltIn, data: &[u8]) -> (BuiltIn, usize) {
    match encoding {
        BuiltIn::Utf16(None) => match utf16::detect_mark(data) {
            Some(order) => (BuiltIn::Utf16(Some(order)), 2),
            None => (BuiltIn::Utf16(Some(ByteOrder::NATIVE)), 0),
        },
        BuiltIn::Utf32(None) => match utf32::detect_mark(data) {
            Some(order) => (BuiltIn::Utf32(Some(order)), 4),
            None => (BuiltIn::Utf32(Some(ByteOrder::NATIVE)), 0),
        },
        other => (other, 0),
    }
}

/// Runs a decoder over all bytes from `from` on, calling the error handler where it stops. Answers the text and the position
/// reached.
pub fn decode_loop(
    vm: &mut Vm,
    data: &[u8],
    from: usize,
    encoding: &str,
    errors: Option<&str>,
    last: bool,
    step: &mut DecodeStep<'_>,
) -> Py<(TextBuf, usize)> {
    let mut handler = Handler::named(errors);
    let mut out = TextBuf::with_capacity(0);
    let mut at = from;
    // A handler may exchange the bytes that are being decoded.
    let mut exchanged: Option<Vec<u8>> = None;
    loop {
        let bytes = exchanged.as_deref().unwrap_or(data);
        let error = match step(bytes, at, last, &mut out) {
            Ok(at) => return Ok((out, at)),
            Err(error) => error,
        };
        let (text, next, new_bytes) = handler.fix_decoding(vm, encoding, bytes, &error)?;
        out.push_text(text.as_text());
        at = next;
        if new_bytes.is_some() {
            exchanged = new_bytes;
        }
    }
}

/// Is it exactly a `bytes` object or an instance of a subclass?
pub fn is_bytes(value: &Value) -> bool {
    value.is_instance(&BYTES)
}
