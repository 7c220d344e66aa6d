//! `_codecs`: the registry, and the encoders and decoders that the package `encodings` wraps.

use crate::ModuleDef;
use taipan_base::codecs::escape::{self, EscapeError, InvalidEscape, InvalidKind};
use taipan_base::codecs::{ByteOrder, DecodeError, EncodeError};
use taipan_base::text::TextBuf;
use taipan_core::builtin_types::{DEPRECATION_WARNING, LOOKUP_ERROR};
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::is_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, f1, f2, slice};
use taipan_types::buffer::{BytesLike, bytes_like};
use taipan_types::bytes::{bytes_of, new_bytes};
use taipan_types::codec::handlers::{self, Fixed, Handler};
use taipan_types::codec::{self, BuiltIn, registry};
use taipan_types::str::text::{self, text_of};

// ---- arguments ----

/// A string argument without null characters.
fn name_argument(vm: &mut Vm, function: &str, argument: &str, value: &Value) -> Py<String> {
    let Some(text) = text_of(value) else {
        let message = format!(
            "{function}() argument {argument} must be str, not {}",
            taipan_types::arguments::type_name(value)
        );
        return Err(vm.type_error(message));
    };
    if taipan_base::text::find_char(text, 0).is_some() {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(text::lossy(text))
}

/// The `errors` argument at `args[at]`: may be missing or `None`.
fn errors(vm: &mut Vm, function: &str, args: &[Value], at: usize) -> Py<Option<String>> {
    match args.get(at) {
        Some(value) if !value.is_none() => {
            if !is_str(value) {
                let message = format!(
                    "{function}() argument {} must be str or None, not {}",
                    at + 1,
                    value.type_of().name()
                );
                return Err(vm.type_error(message));
            }
            name_argument(vm, function, "", value).map(Some)
        }
        _ => Ok(None),
    }
}

fn str_argument<'a>(vm: &mut Vm, function: &str, value: &'a Value) -> Py<&'a Value> {
    if is_str(value) {
        return Ok(value);
    }
    let message = format!(
        "{function}() argument 1 must be str, not {}",
        taipan_types::arguments::type_name(value)
    );
    Err(vm.type_error(message))
}

fn flag(vm: &mut Vm, args: &[Value], at: usize, default: bool) -> Py<bool> {
    taipan_types::arguments::flag(vm, args.get(at), default)
}

/// `(object, length)`
fn pair(object: Value, len: usize) -> Value {
    new_tuple([object, Value::int(len as i64)])
}

// ---- registry ----

fn register(vm: &mut Vm, _module: &Value, search: &Value) -> Py {
    registry::register(vm, search)?;
    Ok(Value::none())
}

fn unregister(vm: &mut Vm, _module: &Value, search: &Value) -> Py {
    registry::unregister(vm, search)?;
    Ok(Value::none())
}

fn lookup(vm: &mut Vm, _module: &Value, encoding: &Value) -> Py {
    let encoding = name_argument(vm, "lookup", "1", encoding)?;
    registry::lookup(vm, &encoding)
}

fn coding_arguments(vm: &mut Vm, name: &str, args: &Bound) -> Py<(String, Option<String>)> {
    let encoding = match args.get(1) {
        Some(encoding) => name_argument(vm, name, "'encoding'", encoding)?,
        None => "utf-8".to_owned(),
    };
    let errors = match args.get(2) {
        Some(errors) => Some(name_argument(vm, name, "'errors'", errors)?),
        None => None,
    };
    Ok((encoding, errors))
}

fn encode(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (encoding, errors) = coding_arguments(vm, "encode", args)?;
    registry::encode(vm, args.req(0), &encoding, errors.as_deref())
}

fn decode(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (encoding, errors) = coding_arguments(vm, "decode", args)?;
    registry::decode(vm, args.req(0), &encoding, errors.as_deref())
}

fn register_error(vm: &mut Vm, _module: &Value, name: &Value, handler: &Value) -> Py {
    let name = name_argument(vm, "register_error", "1", name)?;
    registry::register_error(vm, &name, handler)?;
    Ok(Value::none())
}

fn unregister_error(vm: &mut Vm, _module: &Value, name: &Value) -> Py {
    let name = name_argument(vm, "_unregister_error", "1", name)?;
    registry::unregister_error(vm, &name).map(Value::bool)
}

fn lookup_error(vm: &mut Vm, _module: &Value, name: &Value) -> Py {
    let name = name_argument(vm, "lookup_error", "1", name)?;
    registry::lookup_error(vm, &name)
}

// ---- the built-in encodings ----

fn encode_with(vm: &mut Vm, name: &str, args: &[Value], encoding: BuiltIn) -> Py {
    let value = str_argument(vm, name, &args[0])?;
    let errors = errors(vm, name, args, 1)?;
    let made = codec::encode_builtin(vm, value, encoding, errors.as_deref())?;
    Ok(pair(made, text::text(value).len()))
}

fn decode_with(vm: &mut Vm, name: &str, args: &[Value], encoding: BuiltIn, last: bool) -> Py {
    let data = bytes_like(vm, &args[0])?;
    let errors = errors(vm, name, args, 1)?;
    let (made, used) = codec::decode_builtin(vm, &data, encoding, errors.as_deref(), last)?;
    Ok(pair(made, used))
}

macro_rules! encoders {
    ($($function:ident $name:literal $encoding:expr;)*) => {
        $(fn $function(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
            encode_with(vm, $name, args, $encoding)
        })*
    };
}

macro_rules! decoders {
    ($($function:ident $name:literal $encoding:expr;)*) => {
        $(fn $function(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
            let last = flag(vm, args, 2, false)?;
            decode_with(vm, $name, args, $encoding, last)
        })*
    };
}

encoders! {
    utf_8_encode "utf_8_encode" BuiltIn::Utf8;
    utf_7_encode "utf_7_encode" BuiltIn::Utf7;
    ascii_encode "ascii_encode" BuiltIn::Ascii;
    latin_1_encode "latin_1_encode" BuiltIn::Latin1;
    utf_16_le_encode "utf_16_le_encode" BuiltIn::Utf16(Some(ByteOrder::Little));
    utf_16_be_encode "utf_16_be_encode" BuiltIn::Utf16(Some(ByteOrder::Big));
    utf_32_le_encode "utf_32_le_encode" BuiltIn::Utf32(Some(ByteOrder::Little));
    utf_32_be_encode "utf_32_be_encode" BuiltIn::Utf32(Some(ByteOrder::Big));
}

decoders! {
    utf_8_decode "utf_8_decode" BuiltIn::Utf8;
    utf_7_decode "utf_7_decode" BuiltIn::Utf7;
    utf_16_decode "utf_16_decode" BuiltIn::Utf16(None);
    utf_16_le_decode "utf_16_le_decode" BuiltIn::Utf16(Some(ByteOrder::Little));
    utf_16_be_decode "utf_16_be_decode" BuiltIn::Utf16(Some(ByteOrder::Big));
    utf_32_decode "utf_32_decode" BuiltIn::Utf32(None);
    utf_32_le_decode "utf_32_le_decode" BuiltIn::Utf32(Some(ByteOrder::Little));
    utf_32_be_decode "utf_32_be_decode" BuiltIn::Utf32(Some(ByteOrder::Big));
}

fn ascii_decode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    decode_with(vm, "ascii_decode", args, BuiltIn::Ascii, true)
}

fn latin_1_decode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    decode_with(vm, "latin_1_decode", args, BuiltIn::Latin1, true)
}

/// The byte order of a number: negative is little, positive big, 0 native.
fn order(number: i64) -> Option<ByteOrder> {
    match number {
        0 => None,
        ..0 => Some(ByteOrder::Little),
        _ => Some(ByteOrder::Big),
    }
}

fn order_argument(vm: &mut Vm, args: &[Value]) -> Py<i64> {
    match args.get(2) {
        Some(order) => vm.index_i64(order),
        None => Ok(0),
    }
}

fn utf_16_encode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let order = order(order_argument(vm, args)?);
    encode_with(vm, "utf_16_encode", args, BuiltIn::Utf16(order))
}

fn utf_32_encode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let order = order(order_argument(vm, args)?);
    encode_with(vm, "utf_32_encode", args, BuiltIn::Utf32(order))
}

/// Decodes and tells the byte order that was found: `(text, used, order)`.
fn decode_ex(vm: &mut Vm, name: &str, args: &[Value], of: fn(Option<ByteOrder>) -> BuiltIn) -> Py {
    let data = bytes_like(vm, &args[0])?;
    let errors = errors(vm, name, args, 1)?;
    let wanted = order_argument(vm, args)?;
    let last = flag(vm, args, 3, false)?;
    let (settled, mark) = codec::by_mark(of(order(wanted)), &data);
    let found = match settled {
        _ if wanted != 0 => wanted,
        BuiltIn::Utf16(Some(ByteOrder::Little)) | BuiltIn::Utf32(Some(ByteOrder::Little))
            if mark > 0 =>
        {
            -1
        }
        _ if mark > 0 => 1,
        _ => 0,
    };
    let encoding = of(order(wanted));
    let (made, used) = codec::decode_builtin(vm, &data, encoding, errors.as_deref(), last)?;
    Ok(new_tuple([
        made,
        Value::int(used as i64),
        Value::int(found),
    ]))
}

fn utf_16_ex_decode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    decode_ex(vm, "utf_16_ex_decode", args, BuiltIn::Utf16)
}

fn utf_32_ex_decode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    decode_ex(vm, "utf_32_ex_decode", args, BuiltIn::Utf32)
}

// ---- escapes ----

/// Bytes, or the UTF-8 of a string.
fn bytes_or_str(vm: &mut Vm, value: &Value) -> Py<BytesLike> {
    if is_str(value) {
        let made = codec::encode_builtin(vm, value, BuiltIn::Utf8, None)?;
        return Ok(BytesLike::Bytes(made));
    }
    bytes_like(vm, value)
}

fn warn_invalid(vm: &mut Vm, data: &[u8], invalid: Option<InvalidEscape>) -> Py<()> {
    let Some(invalid) = invalid else {
        return Ok(());
    };
    let message = match invalid.kind {
        InvalidKind::Char(c) => format!("\"\\{}\" is an invalid escape sequence", c as char),
        _ => {
            let digits = data
                .get(invalid.position + 1..invalid.position + 4)
                .unwrap_or(&[]);
            format!(
                "\"\\{}\" is an invalid octal escape sequence",
                String::from_utf8_lossy(digits)
            )
        }
    };
    vm.warn(&DEPRECATION_WARNING, &message, 2)
}

fn escape_encode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let Some(data) = bytes_of(&args[0]) else {
        let message = format!(
            "escape_encode() argument 1 must be bytes, not {}",
            taipan_types::arguments::type_name(&args[0])
        );
        return Err(vm.type_error(message));
    };
    errors(vm, "escape_encode", args, 1)?;
    let mut out = Vec::new();
    escape::encode_escape(data, &mut out);
    let made = new_bytes(vm, &out)?;
    Ok(pair(made, data.len()))
}

fn escape_decode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let data = bytes_or_str(vm, &args[0])?;
    let errors = errors(vm, "escape_decode", args, 1)?;
    let mut out = Vec::new();
    let mut invalid = None;
    let mut from = 0;
    while let Err(error) = escape::decode_escape(&data, from, &mut out, &mut invalid) {
        match error {
            EscapeError::Trailing => return Err(vm.value_error("Trailing \\ in string")),
            EscapeError::InvalidHex { position, resume } => {
                match errors.as_deref().unwrap_or("strict") {
                    "strict" => {
                        let message = format!("invalid \\x escape at position {position}");
                        return Err(vm.value_error(message));
                    }
                    "replace" => out.push(b'?'),
                    "ignore" => {}
                    other => {
                        let message =
                            format!("decoding error; unknown error handling code: {other}");
                        return Err(vm.value_error(message));
                    }
                }
                from = resume;
            }
        }
    }
    warn_invalid(vm, &data, invalid)?;
    let made = new_bytes(vm, &out)?;
    Ok(pair(made, data.len()))
}

fn unicode_escape_encode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let value = str_argument(vm, "unicode_escape_encode", &args[0])?;
    errors(vm, "unicode_escape_encode", args, 1)?;
    let mut out = Vec::new();
    escape::encode_unicode_escape(text::text(value), &mut out);
    let made = new_bytes(vm, &out)?;
    Ok(pair(made, text::text(value).len()))
}

fn raw_unicode_escape_encode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let value = str_argument(vm, "raw_unicode_escape_encode", &args[0])?;
    errors(vm, "raw_unicode_escape_encode", args, 1)?;
    let mut out = Vec::new();
    escape::encode_raw_unicode_escape(text::text(value), &mut out);
    let made = new_bytes(vm, &out)?;
    Ok(pair(made, text::text(value).len()))
}

fn unicode_escape_decode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let data = bytes_or_str(vm, &args[0])?;
    let errors = errors(vm, "unicode_escape_decode", args, 1)?;
    let last = flag(vm, args, 2, true)?;
    let mut invalid = None;
    let (made, used) = codec::decode_loop(
        vm,
        &data,
        0,
        "unicodeescape",
        errors.as_deref(),
        last,
        &mut |data, from, last, out| {
            escape::decode_unicode_escape(data, from, last, out, &mut invalid)
        },
    )?;
    warn_invalid(vm, &data, invalid)?;
    let made = text::from_buf(vm, made)?;
    Ok(pair(made, used))
}

fn raw_unicode_escape_decode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let data = bytes_or_str(vm, &args[0])?;
    let errors = errors(vm, "raw_unicode_escape_decode", args, 1)?;
    let last = flag(vm, args, 2, true)?;
    let (made, used) = codec::decode_loop(
        vm,
        &data,
        0,
        "rawunicodeescape",
        errors.as_deref(),
        last,
        &mut escape::decode_raw_unicode_escape,
    )?;
    let made = text::from_buf(vm, made)?;
    Ok(pair(made, used))
}

// ---- character maps ----

/// What a decoding map makes of one byte; `None`: undefined.
fn map_byte(vm: &mut Vm, mapping: &Value, byte: u8, out: &mut TextBuf) -> Py<bool> {
    if let Some(table) = text_of(mapping) {
        return Ok(match table.get(byte as usize) {
            Some(0xFFFE) | None => false,
            Some(code) => {
                out.push(code);
                true
            }
        });
    }
    let found = match vm.get_item(mapping, &Value::int(byte as i64)) {
        Ok(found) => found,
        Err(raised) => {
            vm.catch(raised, &LOOKUP_ERROR)?;
            return Ok(false);
        }
    };
    if found.is_none() {
        return Ok(false);
    }
    if found.is_int() {
        return match found.as_i64() {
            Some(0xFFFE) => Ok(false),
            Some(code) if (0..0x110000).contains(&code) => {
                out.push(code as u32);
                Ok(true)
            }
            _ => Err(vm.type_error("character mapping must be in range(0x110000)")),
        };
    }
    match text_of(&found) {
        Some(text) => {
            if text.len() == 1 && text.get(0) == Some(0xFFFE) {
                return Ok(false);
            }
            out.push_text(text);
            Ok(true)
        }
        None => Err(vm.type_error("character mapping must return integer, None or str")),
    }
}

fn charmap_decode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let mapping = args.get(2).filter(|mapping| !mapping.is_none()).cloned();
    let Some(mapping) = mapping else {
        return decode_with(vm, "charmap_decode", args, BuiltIn::Latin1, true);
    };
    let data = bytes_like(vm, &args[0])?;
    let errors = errors(vm, "charmap_decode", args, 1)?;
    let mut out = TextBuf::with_capacity(data.len());
    let mut handler = Handler::named(errors.as_deref());
    let mut exchanged: Option<Vec<u8>> = None;
    let mut at = 0;
    loop {
        let bytes = exchanged.as_deref().unwrap_or(&data);
        let Some(byte) = bytes.get(at).copied() else {
            break;
        };
        if map_byte(vm, &mapping, byte, &mut out)? {
            at += 1;
            continue;
        }
        let error = DecodeError {
            start: at,
            end: at + 1,
            reason: "character maps to <undefined>",
        };
        let (replacement, next, new_bytes) = handler.fix_decoding(vm, "charmap", bytes, &error)?;
        out.push_text(replacement.as_text());
        at = next;
        if new_bytes.is_some() {
            exchanged = new_bytes;
        }
    }
    let made = text::from_buf(vm, out)?;
    Ok(pair(made, data.len()))
}

/// What an encoding map makes of one character; false: undefined.
fn map_char(vm: &mut Vm, mapping: &Value, code: u32, out: &mut Vec<u8>) -> Py<bool> {
    let found = match vm.get_item(mapping, &Value::int(code as i64)) {
        Ok(found) => found,
        Err(raised) => {
            vm.catch(raised, &LOOKUP_ERROR)?;
            return Ok(false);
        }
    };
    if found.is_none() {
        return Ok(false);
    }
    if found.is_int() {
        return match found.as_i64().and_then(|i| u8::try_from(i).ok()) {
            Some(byte) => {
                out.push(byte);
                Ok(true)
            }
            None => Err(vm.type_error("character mapping must be in range(256)")),
        };
    }
    match bytes_of(&found) {
        Some(bytes) => {
            out.extend_from_slice(bytes);
            Ok(true)
        }
        None => {
            let message = format!(
                "character mapping must return integer, bytes or None, not {}",
                found.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

fn charmap_encode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let mapping = args.get(2).filter(|mapping| !mapping.is_none()).cloned();
    let Some(mapping) = mapping else {
        return encode_with(vm, "charmap_encode", args, BuiltIn::Latin1);
    };
    let value = str_argument(vm, "charmap_encode", &args[0])?;
    let errors = errors(vm, "charmap_encode", args, 1)?;
    let whole = text::text(value);
    let mut handler = Handler::named(errors.as_deref());
    let mut out = Vec::with_capacity(whole.len());
    let mut at = 0;
    let mut scratch = Vec::new();
    while let Some(code) = whole.get(at) {
        if map_char(vm, &mapping, code, &mut out)? {
            at += 1;
            continue;
        }
        // All characters of the run that cannot be encoded go to the handler at once.
        let mut end = at + 1;
        while let Some(code) = whole.get(end) {
            scratch.clear();
            if map_char(vm, &mapping, code, &mut scratch)? {
                break;
            }
            end += 1;
        }
        let error = EncodeError {
            start: at,
            end,
            reason: "character maps to <undefined>",
        };
        let fixed = handler.fix_encoding(vm, "charmap", value, &error)?;
        match fixed.text {
            Fixed::Bytes(bytes) => out.extend_from_slice(&bytes),
            Fixed::Text(replacement) => {
                for code in replacement.as_text().chars() {
                    if !map_char(vm, &mapping, code, &mut out)? {
                        return Err(handlers::encode_error(vm, "charmap", value, &error));
                    }
                }
            }
        }
        at = fixed.next;
    }
    let made = new_bytes(vm, &out)?;
    Ok(pair(made, whole.len()))
}

/// The inverse of a decoding table, as a dict.
fn charmap_build(vm: &mut Vm, _module: &Value, map: &Value) -> Py {
    let map = str_argument(vm, "charmap_build", map)?;
    let table = new_dict();
    for (byte, code) in text::text(map).chars().enumerate().take(256) {
        if code != 0xFFFE {
            let key = Value::int(code as i64);
            table
                .expect::<Dict>()
                .insert(vm, &key, Value::int(byte as i64))?;
        }
    }
    Ok(table)
}

fn readbuffer_encode(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let data = bytes_or_str(vm, &args[0])?;
    errors(vm, "readbuffer_encode", args, 1)?;
    let made = new_bytes(vm, &data)?;
    Ok(pair(made, data.len()))
}

static FUNCTIONS: [MethodDef; 40] = [
    f1(
        "register(module, search_function, /)",
        register,
        "Adds a codec search function: given an encoding's name it answers a CodecInfo or None.",
    ),
    f1(
        "unregister(module, search_function, /)",
        unregister,
        "Takes a codec search function away and forgets what was found.",
    ),
    f1(
        "lookup(module, encoding, /)",
        lookup,
        "The codec of an encoding; LookupError if none is known.",
    ),
    bound(
        "encode(module, /, obj, encoding='utf-8', errors='strict')",
        encode,
        "The object encoded by the codec of the given name.",
    ),
    bound(
        "decode(module, /, obj, encoding='utf-8', errors='strict')",
        decode,
        "The object decoded by the codec of the given name.",
    ),
    slice(
        "escape_encode(module, data, errors=None, /)",
        escape_encode,
        "",
    ),
    slice(
        "escape_decode(module, data, errors=None, /)",
        escape_decode,
        "",
    ),
    slice(
        "utf_8_encode(module, str, errors=None, /)",
        utf_8_encode,
        "",
    ),
    slice(
        "utf_8_decode(module, data, errors=None, final=False, /)",
        utf_8_decode,
        "",
    ),
    slice(
        "utf_7_encode(module, str, errors=None, /)",
        utf_7_encode,
        "",
    ),
    slice(
        "utf_7_decode(module, data, errors=None, final=False, /)",
        utf_7_decode,
        "",
    ),
    slice(
        "utf_16_encode(module, str, errors=None, byteorder=0, /)",
        utf_16_encode,
        "",
    ),
    slice(
        "utf_16_le_encode(module, str, errors=None, /)",
        utf_16_le_encode,
        "",
    ),
    slice(
        "utf_16_be_encode(module, str, errors=None, /)",
        utf_16_be_encode,
        "",
    ),
    slice(
        "utf_16_decode(module, data, errors=None, final=False, /)",
        utf_16_decode,
        "",
    ),
    slice(
        "utf_16_le_decode(module, data, errors=None, final=False, /)",
        utf_16_le_decode,
        "",
    ),
    slice(
        "utf_16_be_decode(module, data, errors=None, final=False, /)",
        utf_16_be_decode,
        "",
    ),
    slice(
        "utf_16_ex_decode(module, data, errors=None, byteorder=0, final=False, /)",
        utf_16_ex_decode,
        "",
    ),
    slice(
        "utf_32_encode(module, str, errors=None, byteorder=0, /)",
        utf_32_encode,
        "",
    ),
    slice(
        "utf_32_le_encode(module, str, errors=None, /)",
        utf_32_le_encode,
        "",
    ),
    slice(
        "utf_32_be_encode(module, str, errors=None, /)",
        utf_32_be_encode,
        "",
    ),
    slice(
        "utf_32_decode(module, data, errors=None, final=False, /)",
        utf_32_decode,
        "",
    ),
    slice(
        "utf_32_le_decode(module, data, errors=None, final=False, /)",
        utf_32_le_decode,
        "",
    ),
    slice(
        "utf_32_be_decode(module, data, errors=None, final=False, /)",
        utf_32_be_decode,
        "",
    ),
    slice(
        "utf_32_ex_decode(module, data, errors=None, byteorder=0, final=False, /)",
        utf_32_ex_decode,
        "",
    ),
    slice(
        "unicode_escape_encode(module, str, errors=None, /)",
        unicode_escape_encode,
        "",
    ),
    slice(
        "unicode_escape_decode(module, data, errors=None, final=True, /)",
        unicode_escape_decode,
        "",
    ),
    slice(
        "raw_unicode_escape_encode(module, str, errors=None, /)",
        raw_unicode_escape_encode,
        "",
    ),
    slice(
        "raw_unicode_escape_decode(module, data, errors=None, final=True, /)",
        raw_unicode_escape_decode,
        "",
    ),
    slice(
        "latin_1_encode(module, str, errors=None, /)",
        latin_1_encode,
        "",
    ),
    slice(
        "latin_1_decode(module, data, errors=None, /)",
        latin_1_decode,
        "",
    ),
    slice(
        "ascii_encode(module, str, errors=None, /)",
        ascii_encode,
        "",
    ),
    slice(
        "ascii_decode(module, data, errors=None, /)",
        ascii_decode,
        "",
    ),
    slice(
        "charmap_encode(module, str, errors=None, mapping=None, /)",
        charmap_encode,
        "",
    ),
    slice(
        "charmap_decode(module, data, errors=None, mapping=None, /)",
        charmap_decode,
        "",
    ),
    f1("charmap_build(module, map, /)", charmap_build, ""),
    slice(
        "readbuffer_encode(module, data, errors=None, /)",
        readbuffer_encode,
        "",
    ),
    f2(
        "register_error(module, errors, handler, /)",
        register_error,
        "Registers an error handler: a function of a UnicodeError that raises it or answers a\n\
         replacement and the position to go on at.",
    ),
    f1(
        "_unregister_error(module, errors, /)",
        unregister_error,
        "Takes an error handler away; was there such a one?",
    ),
    f1(
        "lookup_error(module, name, /)",
        lookup_error,
        "The error handler of a name; LookupError if none is known.",
    ),
];

fn init(_vm: &mut Vm, _dict: &Value) -> Py<()> {
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_codecs",
    doc: "",
    functions: &FUNCTIONS,
    init,
};
