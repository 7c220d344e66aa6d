//! Error handlers of codecs: the standard ones directly, all others through the registry.

use super::registry;
use crate::bytes;
use crate::str::text;
use taipan_base::codecs::{DecodeError, EncodeError};
use taipan_base::text::{Text, TextBuf, is_surrogate};
use taipan_base::unicode_names;
use taipan_core::builtin_types::{
    BASE_EXCEPTION, UNICODE_DECODE_ERROR, UNICODE_ENCODE_ERROR, UNICODE_TRANSLATE_ERROR,
};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Py, Raised, Value, Vm, name};

/// The handlers that every interpreter has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standard {
    Strict,
    Ignore,
    Replace,
    XmlCharRefReplace,
    BackslashReplace,
    NameReplace,
    SurrogateEscape,
    SurrogatePass,
}

impl Standard {
    pub const ALL: [(&'static str, Standard); 8] = [
        ("strict", Standard::Strict),
        ("ignore", Standard::Ignore),
        ("replace", Standard::Replace),
        ("xmlcharrefreplace", Standard::XmlCharRefReplace),
        ("backslashreplace", Standard::BackslashReplace),
        ("namereplace", Standard::NameReplace),
        ("surrogateescape", Standard::SurrogateEscape),
        ("surrogatepass", Standard::SurrogatePass),
    ];

    /// The standard handler of a name.
    pub fn named(name: &str) -> Option<Standard> {
        Standard::ALL
            .iter()
            .find(|(own, _)| *own == name)
            .map(|(_, handler)| *handler)
    }
}

/// What stands in for characters that cannot be encoded.
pub enum Fixed {
    Text(TextBuf),
    Bytes(Vec<u8>),
}

/// A replacement and where encoding goes on.
pub struct EncodeFix {
    pub text: Fixed,
    pub next: usize,
}

/// The handler of one run of a codec; looked up when first needed.
pub enum Handler<'a> {
    Standard(Standard),
    Named(&'a str),
    Found(Value),
}

/// `UnicodeEncodeError`, raised.
#[cold]
pub fn encode_error(vm: &mut Vm, encoding: &str, text: &Value, error: &EncodeError) -> Raised {
    match encode_exception(vm, encoding, text, error) {
        Ok(exception) => vm.raise_value(exception),
        Err(raised) => raised,
    }
}

fn encode_exception(vm: &mut Vm, encoding: &str, text: &Value, error: &EncodeError) -> Py {
    let exact = text::exact(vm, text)?;
    let args = [
        taipan_core::str_object::new_str(encoding),
        exact,
        Value::int(error.start as i64),
        Value::int(error.end as i64),
        taipan_core::str_object::new_str(error.reason),
    ];
    vm.call(&UNICODE_ENCODE_ERROR.to_value(), &args)
}

/// `UnicodeDecodeError`, raised.
#[cold]
pub fn decode_error(vm: &mut Vm, encoding: &str, data: &[u8], error: &DecodeError) -> Raised {
    match decode_exception(vm, encoding, data, error) {
        Ok(exception) => vm.raise_value(exception),
        Err(raised) => raised,
    }
}

fn decode_exception(vm: &mut Vm, encoding: &str, data: &[u8], error: &DecodeError) -> Py {
    let args = [
        taipan_core::str_object::new_str(encoding),
        bytes::new_bytes(vm, data)?,
        Value::int(error.start as i64),
        Value::int(error.end as i64),
        taipan_core::str_object::new_str(error.reason),
    ];
    vm.call(&UNICODE_DECODE_ERROR.to_value(), &args)
}

impl<'a> Handler<'a> {
    pub fn named(errors: Option<&'a str>) -> Handler<'a> {
        let name = errors.unwrap_or("strict");
        match Standard::named(name) {
            Some(standard) => Handler::Standard(standard),
            None => Handler::Named(name),
        }
    }

    /// The registered function of a handler that is not a standard one.
    fn function(&mut self, vm: &mut Vm) -> Py {
        match self {
            Handler::Found(function) => Ok(function.clone()),
            Handler::Named(name) => {
                let function = registry::lookup_error(vm, name)?;
                *self = Handler::Found(function.clone());
                Ok(function)
            }
            Handler::Standard(_) => Ok(Value::none()),
        }
    }

    pub fn fix_encoding(
        &mut self,
        vm: &mut Vm,
        encoding: &str,
        value: &Value,
        error: &EncodeError,
    ) -> Py<EncodeFix> {
        if let Handler::Standard(standard) = self {
            let text = text::text(value);
            return match standard_encoding(*standard, encoding, text, error.start, error.end) {
                Some((text, next)) => Ok(EncodeFix { text, next }),
                None => Err(encode_error(vm, encoding, value, error)),
            };
        }
        let function = self.function(vm)?;
        let exception = encode_exception(vm, encoding, value, error)?;
        call_encode_handler(vm, &function, &exception, text::text(value).len())
    }

    /// The replacement, the position to go on at, and the bytes if the handler exchanged them.
    pub fn fix_decoding(
        &mut self,
        vm: &mut Vm,
        encoding: &str,
        data: &[u8],
        error: &DecodeError,
    ) -> Py<(TextBuf, usize, Option<Vec<u8>>)> {
        if let Handler::Standard(standard) = self {
            return match standard_decoding(*standard, encoding, data, error.start, error.end) {
                Some((text, next)) => Ok((text, next, None)),
                None => Err(decode_error(vm, encoding, data, error)),
            };
        }
        let function = self.function(vm)?;
        let exception = decode_exception(vm, encoding, data, error)?;
        let answer = vm.call(&function, std::slice::from_ref(&exception))?;
        let pair = items(&answer).filter(|pair| pair.len() == 2);
        let Some(([text, next], Some(replacement))) = pair.map(|pair| {
            let pair = [pair[0].clone(), pair[1].clone()];
            let text = text::text_of(&pair[0]).map(|text| text.to_buf());
            (pair, text)
        }) else {
            return Err(vm.type_error("decoding error handler must return (str, int) tuple"));
        };
        drop(text);
        if !next.is_int() {
            return Err(vm.type_error("decoding error handler must return (str, int) tuple"));
        }
        let object = vm.get_attr(&exception, name!("object"))?;
        let new_data = match bytes::bytes_of(&object) {
            Some(new_data) => new_data.to_vec(),
            None => return Err(vm.type_error("exception attribute object must be bytes")),
        };
        let next = position(vm, &next, new_data.len())?;
        let exchanged = (new_data != data).then_some(new_data);
        Ok((replacement, next, exchanged))
    }
}

/// Calls an encoding error handler and checks its answer.
pub fn call_encode_handler(
    vm: &mut Vm,
    function: &Value,
    exception: &Value,
    len: usize,
) -> Py<EncodeFix> {
    let answer = vm.call(function, std::slice::from_ref(exception))?;
    let pair = items(&answer).filter(|pair| pair.len() == 2);
    let fixed = pair.and_then(|pair| {
        if let Some(text) = text::text_of(&pair[0]) {
            Some(Fixed::Text(text.to_buf()))
        } else {
            bytes::bytes_of(&pair[0]).map(|bytes| Fixed::Bytes(bytes.to_vec()))
        }
    });
    match (fixed, pair) {
        (Some(text), Some([_, next])) if next.is_int() => {
            let next = position(vm, next, len)?;
            Ok(EncodeFix { text, next })
        }
        _ => Err(vm.type_error("encoding error handler must return (str/bytes, int) tuple")),
    }
}

/// The position a handler answered; negative ones count from the end.
pub fn position(vm: &mut Vm, value: &Value, len: usize) -> Py<usize> {
    let at = vm.index_i64(value)?;
    let fitted = if at < 0 { at + len as i64 } else { at };
    if fitted < 0 || fitted as usize > len {
        let message = format!("position {at} from error handler out of bounds");
        return Err(vm.index_error(message));
    }
    Ok(fitted as usize)
}

/// What a standard handler makes of characters that cannot be encoded; `None`: an error.
pub fn standard_encoding(
    handler: Standard,
    encoding: &str,
    text: Text<'_>,
    start: usize,
    end: usize,
) -> Option<(Fixed, usize)> {
    let bad = text.slice(start..end);
    let mut out = TextBuf::with_capacity(bad.len());
    match handler {
        Standard::Strict => return None,
        Standard::Ignore => {}
        Standard::Replace => out.push_repeat(0x3F, bad.len()),
        Standard::XmlCharRefReplace => {
            bad.chars().for_each(|c| out.push_str(&format!("&#{c};")));
        }
        Standard::BackslashReplace => bad.chars().for_each(|c| push_escape(&mut out, c)),
        Standard::NameReplace => {
            for c in bad.chars() {
                match char::from_u32(c).and_then(unicode_name) {
                    Some(name) => out.push_str(&format!("\\N{{{name}}}")),
                    None => push_escape(&mut out, c),
                }
            }
        }
        Standard::SurrogateEscape => {
            let mut raw = Vec::new();
            for c in bad.chars() {
                if !(0xDC80..=0xDCFF).contains(&c) {
                    break;
                }
                raw.push((c - 0xDC00) as u8);
            }
            if raw.is_empty() {
                return None;
            }
            let next = start + raw.len();
            return Some((Fixed::Bytes(raw), next));
        }
        Standard::SurrogatePass => {
            let form = Form::of(encoding)?;
            let mut raw = Vec::new();
            for c in bad.chars() {
                if !is_surrogate(c) {
                    return None;
                }
                form.push(&mut raw, c);
            }
            return Some((Fixed::Bytes(raw), end));
        }
    }
    Some((Fixed::Text(out), end))
}

fn unicode_name(c: char) -> Option<String> {
    unicode_names::name(c as u32).map(|name| name.to_string())
}

fn push_escape(out: &mut TextBuf, c: u32) {
    let text = match c {
        0..0x100 => format!("\\x{c:02x}"),
        0x100..0x10000 => format!("\\u{c:04x}"),
        _ => format!("\\U{c:08x}"),
    };
    out.push_str(&text);
}

/// What a standard handler makes of bytes that cannot be decoded; `None`: an error.
pub fn standard_decoding(
    handler: Standard,
    encoding: &str,
    data: &[u8],
    start: usize,
    end: usize,
) -> Option<(TextBuf, usize)> {
    let bad = data.get(start..end.min(data.len())).unwrap_or(&[]);
    let mut out = TextBuf::with_capacity(1);
    match handler {
        Standard::Strict | Standard::XmlCharRefReplace | Standard::NameReplace => return None,
        Standard::Ignore => {}
        Standard::Replace => out.push(0xFFFD),
        Standard::BackslashReplace => {
            bad.iter()
                .for_each(|byte| out.push_str(&format!("\\x{byte:02x}")));
        }
        Standard::SurrogateEscape => {
            let mut taken = 0;
            while taken < bad.len().min(4) && bad[taken] >= 0x80 {
                out.push(0xDC00 + bad[taken] as u32);
                taken += 1;
            }
            return (taken > 0).then_some((out, start + taken));
        }
        Standard::SurrogatePass => {
            let form = Form::of(encoding)?;
            let (code, width) = form.read(data.get(start..)?)?;
            if !is_surrogate(code) {
                return None;
            }
            out.push(code);
            return Some((out, start + width));
        }
    }
    Some((out, end))
}

/// How an encoding would write a surrogate.
#[derive(Clone, Copy)]
enum Form {
    Utf8,
    Utf16Le,
    Utf16Be,
    Utf32Le,
    Utf32Be,
}

impl Form {
    fn of(encoding: &str) -> Option<Form> {
        if encoding.ends_with(['-', '_']) {
            return None;
        }
        let plain: String = encoding
            .chars()
            .filter(|c| !matches!(c, '-' | '_'))
            .map(|c| c.to_ascii_lowercase())
            .collect();
        let little = cfg!(target_endian = "little");
        Some(match plain.as_str() {
            "utf8" | "cp65001" => Form::Utf8,
            "utf16le" => Form::Utf16Le,
            "utf16be" => Form::Utf16Be,
            "utf32le" => Form::Utf32Le,
            "utf32be" => Form::Utf32Be,
            "utf16" if little => Form::Utf16Le,
            "utf16" => Form::Utf16Be,
            "utf32" if little => Form::Utf32Le,
            "utf32" => Form::Utf32Be,
            _ => return None,
        })
    }

    fn push(self, out: &mut Vec<u8>, c: u32) {
        match self {
            Form::Utf8 => taipan_core::str_object::push_wtf8(out, c),
            Form::Utf16Le => out.extend((c as u16).to_le_bytes()),
            Form::Utf16Be => out.extend((c as u16).to_be_bytes()),
            Form::Utf32Le => out.extend(c.to_le_bytes()),
            Form::Utf32Be => out.extend(c.to_be_bytes()),
        }
    }

    fn read(self, data: &[u8]) -> Option<(u32, usize)> {
        match (self, data) {
            (Form::Utf8, [a, b, c, ..])
                if a & 0xF0 == 0xE0 && b & 0xC0 == 0x80 && c & 0xC0 == 0x80 =>
            {
                let code = (*a as u32 & 15) << 12 | (*b as u32 & 63) << 6 | (*c as u32 & 63);
                Some((code, 3))
            }
            (Form::Utf16Le, [a, b, ..]) => Some((u16::from_le_bytes([*a, *b]) as u32, 2)),
            (Form::Utf16Be, [a, b, ..]) => Some((u16::from_be_bytes([*a, *b]) as u32, 2)),
            (Form::Utf32Le, [a, b, c, d, ..]) => Some((u32::from_le_bytes([*a, *b, *c, *d]), 4)),
            (Form::Utf32Be, [a, b, c, d, ..]) => Some((u32::from_be_bytes([*a, *b, *c, *d]), 4)),
            _ => None,
        }
    }
}

// ---- the standard handlers as Python functions of an exception ----

/// Runs a standard handler on a `UnicodeError`, as the functions that `codecs.lookup_error` gives do.
pub fn call_standard(vm: &mut Vm, handler: Standard, exception: &Value) -> Py {
    if handler == Standard::Strict {
        if exception.is_instance(&BASE_EXCEPTION) {
            return Err(vm.raise_value(exception.clone()));
        }
        return Err(vm.type_error("codec must pass exception instance"));
    }
    let encoding = exception.is_instance(&UNICODE_ENCODE_ERROR);
    let decoding = exception.is_instance(&UNICODE_DECODE_ERROR);
    let translating = exception.is_instance(&UNICODE_TRANSLATE_ERROR);
    let allowed = match handler {
        Standard::Ignore | Standard::Replace | Standard::BackslashReplace => {
            encoding || decoding || translating
        }
        Standard::XmlCharRefReplace | Standard::NameReplace => encoding,
        _ => encoding || decoding,
    };
    if !allowed {
        let message = format!(
            "don't know how to handle {} in error callback",
            exception.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let object = vm.get_attr(exception, name!("object"))?;
    let start = vm.get_attr(exception, name!("start"))?;
    let end = vm.get_attr(exception, name!("end"))?;
    let (start, end) = (vm.index_i64(&start)?, vm.index_i64(&end)?);
    let name = if translating {
        String::new()
    } else {
        let name = vm.get_attr(exception, name!("encoding"))?;
        vm.str_string(&name)?
    };
    let range = |len: usize| {
        let start = (start.max(0) as usize).min(len.saturating_sub(1));
        (start, (end.max(1) as usize).min(len).max(start))
    };
    if decoding {
        let Some(data) = bytes::bytes_of(&object) else {
            return Err(vm.type_error("object attribute must be bytes"));
        };
        let (start, end) = range(data.len());
        return match standard_decoding(handler, &name, data, start, end) {
            Some((text, next)) => {
                let text = text::from_buf(vm, text)?;
                Ok(new_tuple([text, Value::int(next as i64)]))
            }
            None => Err(vm.raise_value(exception.clone())),
        };
    }
    let Some(whole) = text::text_of(&object) else {
        return Err(vm.type_error("object attribute must be unicode"));
    };
    let (start, end) = range(whole.len());
    if translating && handler == Standard::Replace {
        let mut out = TextBuf::with_capacity(end - start);
        out.push_repeat(0xFFFD, end - start);
        let text = text::from_buf(vm, out)?;
        return Ok(new_tuple([text, Value::int(end as i64)]));
    }
    match standard_encoding(handler, &name, whole, start, end) {
        Some((fixed, next)) => {
            let text = match fixed {
                Fixed::Text(text) => text::from_buf(vm, text)?,
                Fixed::Bytes(raw) => bytes::new_bytes(vm, &raw)?,
            };
            Ok(new_tuple([text, Value::int(next as i64)]))
        }
        None => Err(vm.raise_value(exception.clone())),
    }
}
