//! `_json`: the fast paths of `json`.

use crate::ModuleDef;
use crate::support::{add, note_on, noted};
use taipan_base::text::{Text, TextBuf};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::{FLOAT, INT, VALUE_ERROR};
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::str_object::{is_exact_str, is_str, new_str};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Raised, Slots, Tracer, Type, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, f1, getter, name, slice,
};
use taipan_types::codec::registry::import;
use taipan_types::list::{list_of, new_list};
use taipan_types::str::text::{self, text_of};

static SCANNER: TypeObject = Type::declare("_json.Scanner");
static ENCODER: TypeObject = Type::declare("_json.Encoder");

// ---- strings ----

/// Raises `json.decoder.JSONDecodeError(message, text, at)`.
#[cold]
fn decode_error(vm: &mut Vm, message: &str, document: &Value, at: i64) -> Raised {
    let module = match import(vm, "json.decoder") {
        Ok(module) => module,
        Err(raised) => return raised,
    };
    let class = vm
        .get_attr(&module, name!("decoder"))
        .and_then(|decoder| vm.get_attr(&decoder, name!("JSONDecodeError")));
    let args = [new_str(message), document.clone(), Value::int(at)];
    match class.and_then(|class| vm.call(&class, &args)) {
        Ok(exception) => vm.raise_value(exception),
        Err(raised) => raised,
    }
}

/// Decodes a string literal whose text begins at `begin`, behind the quote. Answers it and the place behind its end.
fn scan_string(vm: &mut Vm, document: &Value, begin: usize, strict: bool) -> Py<(Value, usize)> {
    let whole = text::text(document);
    let opening = begin as i64 - 1;
    let unterminated =
        |vm: &mut Vm| decode_error(vm, "Unterminated string starting at", document, opening);
    let mut out: Option<TextBuf> = None;
    let mut at = begin;
    loop {
        let from = at;
        let stop = match whole {
            Text::Ascii(units) | Text::Latin1(units) => {
                plain_bytes(units.get(from..).unwrap_or(&[]), strict)
            }
            _ => whole
                .slice(from..whole.len())
                .chars()
                .position(|c| c == 0x22 || c == 0x5C || strict && c < 0x20),
        };
        let Some(stop) = stop else {
            return Err(unterminated(vm));
        };
        at = from + stop;
        let c = whole.get(at).unwrap_or(0);
        if c == 0x22 {
            let made = match out {
                None => text::from_text(vm, whole.slice(from..at))?,
                Some(mut out) => {
                    out.push_text(whole.slice(from..at));
                    text::from_buf(vm, out)?
                }
            };
            return Ok((made, at + 1));
        }
        if c != 0x5C {
            return Err(decode_error(
                vm,
                "Invalid control character at",
                document,
                at as i64,
            ));
        }
        let out = out.get_or_insert_with(|| TextBuf::with_capacity(at - begin + 16));
        out.push_text(whole.slice(from..at));
        let Some(escape) = whole.get(at + 1) else {
            return Err(unterminated(vm));
        };
        at += 2;
        let simple = match char::from_u32(escape) {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{C}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let (code, next) = unicode_escape(vm, document, whole, at)?;
                out.push(code);
                at = next;
                continue;
            }
            _ => {
                return Err(decode_error(
                    vm,
                    "Invalid \\escape",
                    document,
                    at as i64 - 2,
                ));
            }
        };
        out.push(simple as u32);
    }
}

fn plain_bytes(units: &[u8], strict: bool) -> Option<usize> {
    units
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\') || strict && *byte < 0x20)
}

fn four_digits(whole: Text<'_>, at: usize) -> Option<u32> {
    let mut code = 0;
    for i in at..at + 4 {
        code = code << 4 | char::from_u32(whole.get(i)?)?.to_digit(16)?;
    }
    Some(code)
}

/// `\uXXXX`, or two of them that make a surrogate pair; `at` is behind the `u`.
fn unicode_escape(vm: &mut Vm, document: &Value, whole: Text<'_>, at: usize) -> Py<(u32, usize)> {
    let Some(code) = four_digits(whole, at) else {
        let place = at as i64 - 1;
        return Err(decode_error(vm, "Invalid \\uXXXX escape", document, place));
    };
    let next = at + 4;
    if (0xD800..0xDC00).contains(&code)
        && whole.get(next) == Some(0x5C)
        && whole.get(next + 1) == Some(0x75)
        && let Some(low) = four_digits(whole, next + 2)
        && (0xDC00..0xE000).contains(&low)
    {
        let code = 0x10000 + ((code - 0xD800) << 10 | (low - 0xDC00));
        return Ok((code, next + 6));
    }
    Ok((code, next))
}

fn first_is_str(vm: &mut Vm, value: &Value) -> Py<()> {
    if is_str(value) {
        return Ok(());
    }
    let message = format!(
        "first argument must be a string, not {}",
        value.type_of().name()
    );
    Err(vm.type_error(message))
}

fn scanstring(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let end = vm.index_i64(&args[1])?;
    let strict = taipan_types::arguments::flag(vm, args.get(2), true)?;
    first_is_str(vm, &args[0])?;
    let len = text::text(&args[0]).len();
    match usize::try_from(end) {
        Ok(end) if end <= len => {
            let (made, next) = scan_string(vm, &args[0], end, strict)?;
            Ok(new_tuple([made, Value::int(next as i64)]))
        }
        _ => Err(vm.value_error("end is out of bounds")),
    }
}

fn push_quoted(out: &mut TextBuf, text: Text<'_>, ascii: bool) {
    out.push(0x22);
    let plain = |c: u32| c >= 0x20 && c != 0x22 && c != 0x5C && !(ascii && c > 0x7E);
    if text.chars().all(plain) {
        out.push_text(text);
        out.push(0x22);
        return;
    }
    for c in text.chars() {
        match c {
            _ if plain(c) => out.push(c),
            0x22 => out.push_str("\\\""),
            0x5C => out.push_str("\\\\"),
            8 => out.push_str("\\b"),
            9 => out.push_str("\\t"),
            10 => out.push_str("\\n"),
            12 => out.push_str("\\f"),
            13 => out.push_str("\\r"),
            0x10000.. => {
                let c = c - 0x10000;
                let (high, low) = (0xD800 + (c >> 10), 0xDC00 + (c & 0x3FF));
                out.push_str(&format!("\\u{high:04x}\\u{low:04x}"));
            }
            _ => out.push_str(&format!("\\u{c:04x}")),
        }
    }
    out.push(0x22);
}

fn encode_basestring(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    quote(vm, value, false)
}

fn encode_basestring_ascii(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    quote(vm, value, true)
}

fn quote(vm: &mut Vm, value: &Value, ascii: bool) -> Py {
    first_is_str(vm, value)?;
    let text = text::text(value);
    let mut out = TextBuf::with_capacity(text.len() + 2);
    push_quoted(&mut out, text, ascii);
    text::from_buf(vm, out)
}

// ---- the scanner ----

/// Payload of scanners: what `JSONDecoder` was given.
struct Scanner {
    strict: bool,
    object_hook: Value,
    object_pairs_hook: Value,
    parse_float: Value,
    parse_int: Value,
    parse_constant: Value,
}

// SAFETY: five references, all reported.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for Scanner {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &SCANNER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all([
            &self.object_hook,
            &self.object_pairs_hook,
            &self.parse_float,
            &self.parse_int,
            &self.parse_constant,
        ]);
    }
}

fn scanner_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let [context] = taipan_types::arguments::take(vm, "make_scanner", args, ["context"], 0)?;
    let Some(context) = context else {
        let message = "make_scanner() missing required argument 'context' (pos 1)";
        return Err(vm.type_error(message));
    };
    let strict = vm.get_attr(context, name!("strict"))?;
    Ok(new_instance(
        cls,
        Scanner {
            strict: vm.truth(&strict)?,
            object_hook: vm.get_attr(context, name!("object_hook"))?,
            object_pairs_hook: vm.get_attr(context, name!("object_pairs_hook"))?,
            parse_float: vm.get_attr(context, name!("parse_float"))?,
            parse_int: vm.get_attr(context, name!("parse_int"))?,
            parse_constant: vm.get_attr(context, name!("parse_constant"))?,
        },
    ))
}

fn scanner_call(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let names = ["string", "idx"];
    let [document, at] = taipan_types::arguments::take(vm, "scan_once", args, names, 0)?;
    let (Some(document), Some(at)) = (document, at) else {
        return Err(vm.type_error("scan_once() takes exactly 2 arguments"));
    };
    first_is_str(vm, document)?;
    let at = vm.index_i64(at)?;
    let Ok(at) = usize::try_from(at) else {
        return Err(vm.value_error("idx cannot be negative"));
    };
    let mut scan = Scan {
        own: this.expect::<Scanner>(),
        document,
        text: text::text(document),
        keys: new_dict(),
    };
    let (value, next) = scan.value(vm, at)?;
    Ok(new_tuple([value, Value::int(next as i64)]))
}

/// One run of a scanner.
struct Scan<'a> {
    own: &'a Obj<Scanner>,
    document: &'a Value,
    text: Text<'a>,
    /// Keys so far: equal ones are one object.
    keys: Value,
}

impl Scan<'_> {
    fn skip_space(&self, mut at: usize) -> usize {
        while matches!(self.text.get(at), Some(0x20 | 9 | 10 | 13)) {
            at += 1;
        }
        at
    }

    fn char(&self, at: usize) -> char {
        self.text.get(at).and_then(char::from_u32).unwrap_or('\0')
    }

    fn error(&self, vm: &mut Vm, message: &str, at: usize) -> Raised {
        decode_error(vm, message, self.document, at as i64)
    }

    fn word(&self, at: usize, word: &str) -> bool {
        word.chars()
            .enumerate()
            .all(|(i, c)| self.text.get(at + i) == Some(c as u32))
    }

    /// `StopIteration(at)`, which the caller turns into "Expecting value".
    fn no_value(&self, vm: &mut Vm, at: usize) -> Raised {
        let ty = &taipan_core::builtin_types::STOP_ITERATION;
        vm.raise_with(ty, &[Value::int(at as i64)])
    }

    fn value(&mut self, vm: &mut Vm, at: usize) -> Py<(Value, usize)> {
        vm.check_stack()?;
        match self.char(at) {
            '"' => scan_string(vm, self.document, at + 1, self.own.strict),
            '{' => self.object(vm, at + 1),
            '[' => self.array(vm, at + 1),
            'n' if self.word(at, "null") => Ok((Value::none(), at + 4)),
            't' if self.word(at, "true") => Ok((Value::bool(true), at + 4)),
            'f' if self.word(at, "false") => Ok((Value::bool(false), at + 5)),
            'N' if self.word(at, "NaN") => self.constant(vm, "NaN", at),
            'I' if self.word(at, "Infinity") => self.constant(vm, "Infinity", at),
            '-' if self.word(at, "-Infinity") => self.constant(vm, "-Infinity", at),
            '-' | '0'..='9' => self.number(vm, at),
            _ => Err(self.no_value(vm, at)),
        }
    }

    fn constant(&self, vm: &mut Vm, word: &str, at: usize) -> Py<(Value, usize)> {
        let value = vm.call(&self.own.parse_constant, &[new_str(word)])?;
        Ok((value, at + word.len()))
    }

    fn digits(&self, mut at: usize) -> usize {
        while self.char(at).is_ascii_digit() {
            at += 1;
        }
        at
    }

    fn number(&self, vm: &mut Vm, start: usize) -> Py<(Value, usize)> {
        let mut at = start + usize::from(self.char(start) == '-');
        at = match self.char(at) {
            '0' => at + 1,
            '1'..='9' => self.digits(at),
            _ => return Err(self.no_value(vm, start)),
        };
        let mut is_float = false;
        if self.char(at) == '.' && self.char(at + 1).is_ascii_digit() {
            is_float = true;
            at = self.digits(at + 1);
        }
        if matches!(self.char(at), 'e' | 'E') {
            let sign = usize::from(matches!(self.char(at + 1), '+' | '-'));
            let exponent = at + 1 + sign;
            let end = self.digits(exponent);
            if end > exponent {
                is_float = true;
                at = end;
            }
        }
        let literal: String = self
            .text
            .slice(start..at)
            .chars()
            .filter_map(char::from_u32)
            .collect();
        let parse = if is_float {
            &self.own.parse_float
        } else {
            &self.own.parse_int
        };
        let plain = parse.is(&if is_float {
            FLOAT.to_value()
        } else {
            INT.to_value()
        });
        let value = if plain && is_float {
            Value::float(literal.parse().unwrap_or(f64::NAN))
        } else if plain && let Ok(small) = literal.parse::<i64>() {
            Value::int(small)
        } else {
            vm.call(parse, &[new_str(&literal)])?
        };
        Ok((value, at))
    }

    fn array(&mut self, vm: &mut Vm, at: usize) -> Py<(Value, usize)> {
        let mut out = Vec::new();
        let mut at = self.skip_space(at);
        if self.char(at) == ']' {
            return Ok((new_list(out), at + 1));
        }
        loop {
            let (value, next) = self.value(vm, at)?;
            out.push(value);
            at = self.skip_space(next);
            match self.char(at) {
                ']' => return Ok((new_list(out), at + 1)),
                ',' => {}
                _ => return Err(self.error(vm, "Expecting ',' delimiter", at)),
            }
            let comma = at;
            at = self.skip_space(at + 1);
            if self.char(at) == ']' {
                let message = "Illegal trailing comma before end of array";
                return Err(self.error(vm, message, comma));
            }
        }
    }

    fn object(&mut self, vm: &mut Vm, at: usize) -> Py<(Value, usize)> {
        const NO_KEY: &str = "Expecting property name enclosed in double quotes";
        let mut pairs: Vec<(Value, Value)> = Vec::new();
        let mut at = self.skip_space(at);
        if self.char(at) != '}' {
            loop {
                if self.char(at) != '"' {
                    return Err(self.error(vm, NO_KEY, at));
                }
                let (key, next) = scan_string(vm, self.document, at + 1, self.own.strict)?;
                let key = self
                    .keys
                    .expect::<Dict>()
                    .set_default(vm, &key, key.clone())?;
                at = self.skip_space(next);
                if self.char(at) != ':' {
                    return Err(self.error(vm, "Expecting ':' delimiter", at));
                }
                at = self.skip_space(at + 1);
                let (value, next) = self.value(vm, at)?;
                pairs.push((key, value));
                at = self.skip_space(next);
                match self.char(at) {
                    '}' => break,
                    ',' => {}
                    _ => return Err(self.error(vm, "Expecting ',' delimiter", at)),
                }
                let comma = at;
                at = self.skip_space(at + 1);
                if self.char(at) == '}' {
                    let message = "Illegal trailing comma before end of object";
                    return Err(self.error(vm, message, comma));
                }
            }
        }
        let value = self.finish_object(vm, pairs)?;
        Ok((value, at + 1))
    }

    fn finish_object(&self, vm: &mut Vm, pairs: Vec<(Value, Value)>) -> Py {
        if !self.own.object_pairs_hook.is_none() {
            let pairs = pairs
                .into_iter()
                .map(|(key, value)| new_tuple([key, value]))
                .collect();
            return vm.call(&self.own.object_pairs_hook, &[new_list(pairs)]);
        }
        let out = new_dict();
        for (key, value) in pairs {
            out.expect::<Dict>().insert(vm, &key, value)?;
        }
        if self.own.object_hook.is_none() {
            return Ok(out);
        }
        vm.call(&self.own.object_hook, &[out])
    }
}

// ---- the encoder ----

/// How strings are written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Ascii,
    Plain,
    /// By a Python function.
    Custom,
}

/// Payload of encoders: what `JSONEncoder.iterencode` gives.
struct Encoder {
    markers: Value,
    default: Value,
    encoder: Value,
    indent: Value,
    key_separator: Value,
    item_separator: Value,
    sort_keys: bool,
    skip_keys: bool,
    allow_nan: bool,
    quoting: Quoting,
}

// SAFETY: six references, all reported.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for Encoder {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ENCODER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all([
            &self.markers,
            &self.default,
            &self.encoder,
            &self.indent,
            &self.key_separator,
            &self.item_separator,
        ]);
    }
}

fn encoder_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let names = [
        "markers",
        "default",
        "encoder",
        "indent",
        "key_separator",
        "item_separator",
        "sort_keys",
        "skipkeys",
        "allow_nan",
    ];
    let given = taipan_types::arguments::take(vm, "make_encoder", args, names, 0)?;
    let missing = given.iter().position(Option::is_none);
    if let Some(at) = missing {
        let message = format!(
            "make_encoder() missing required argument '{}' (pos {})",
            names[at],
            at + 1
        );
        return Err(vm.type_error(message));
    }
    let [
        Some(markers),
        Some(default),
        Some(encoder),
        Some(indent),
        Some(key_separator),
        Some(item_separator),
        Some(sort_keys),
        Some(skip_keys),
        Some(allow_nan),
    ] = given
    else {
        return Err(vm.type_error("make_encoder() takes 9 arguments"));
    };
    if !markers.is_none() && dict_of(markers).is_none() {
        let message = format!(
            "make_encoder() argument 1 must be dict or None, not {}",
            markers.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    for (at, separator) in [(5, key_separator), (6, item_separator)] {
        if !is_str(separator) {
            let message = format!(
                "make_encoder() argument {at} must be str, not {}",
                separator.type_of().name()
            );
            return Err(vm.type_error(message));
        }
    }
    Ok(new_instance(
        cls,
        Encoder {
            quoting: quoting(vm, encoder)?,
            markers: markers.clone(),
            default: default.clone(),
            encoder: encoder.clone(),
            indent: indent.clone(),
            key_separator: key_separator.clone(),
            item_separator: item_separator.clone(),
            sort_keys: vm.truth(sort_keys)?,
            skip_keys: vm.truth(skip_keys)?,
            allow_nan: vm.truth(allow_nan)?,
        },
    ))
}

/// Is the function that quotes strings one of this module's?
fn quoting(vm: &mut Vm, encoder: &Value) -> Py<Quoting> {
    let module = import(vm, "_json")?;
    let known = [
        (name!("encode_basestring_ascii"), Quoting::Ascii),
        (name!("encode_basestring"), Quoting::Plain),
    ];
    for (function, quoting) in known {
        if let Some(own) = vm.get_attr_opt(&module, function)?
            && own.is(encoder)
        {
            return Ok(quoting);
        }
    }
    Ok(Quoting::Custom)
}

fn encoder_call(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let names = ["obj", "_current_indent_level"];
    let [object, level] = taipan_types::arguments::take(vm, "_iterencode", args, names, 0)?;
    let (Some(object), Some(level)) = (object, level) else {
        let at = usize::from(object.is_some());
        let message = format!(
            "_iterencode() missing required argument '{}' (pos {})",
            names[at],
            at + 1
        );
        return Err(vm.type_error(message));
    };
    let level = vm.index_i64(level)?.max(0) as usize;
    let mut encode = Encode {
        own: this.expect::<Encoder>(),
        out: TextBuf::with_capacity(64),
    };
    encode.value(vm, object, level)?;
    let made = text::from_buf(vm, encode.out)?;
    Ok(new_tuple([made]))
}

/// One run of an encoder.
struct Encode<'a> {
    own: &'a Obj<Encoder>,
    out: TextBuf,
}

impl Encode<'_> {
    fn value(&mut self, vm: &mut Vm, value: &Value, level: usize) -> Py<()> {
        vm.check_stack()?;
        if value.is_none() {
            self.out.push_str("null");
        } else if value.is_true() {
            self.out.push_str("true");
        } else if value.is_false() {
            self.out.push_str("false");
        } else if is_str(value) {
            self.string(vm, value)?;
        } else if value.is_int() {
            self.int(vm, value)?;
        } else if value.is_float() {
            self.float(value.as_float().unwrap_or(0.0), vm, value)?;
        } else if list_of(value).is_some() || items(value).is_some() {
            self.array(vm, value, level)?;
        } else if dict_of(value).is_some() {
            self.object(vm, value, level)?;
        } else {
            let marker = self.enter(vm, value)?;
            let stand_in = vm.call(&self.own.default, std::slice::from_ref(value))?;
            let done = self.value(vm, &stand_in, level);
            if let Err(raised) = done {
                let exception = vm.take_raised(raised);
                let note = format!("when serializing {} object", value.type_of().name());
                note_on(vm, &exception, &note);
                return Err(vm.set_pending(exception));
            }
            self.leave(vm, marker)?;
        }
        Ok(())
    }

    fn string(&mut self, vm: &mut Vm, value: &Value) -> Py<()> {
        match self.own.quoting {
            Quoting::Custom => {
                let made = vm.call(&self.own.encoder, std::slice::from_ref(value))?;
                let Some(text) = text_of(&made) else {
                    let message = format!(
                        "encoder() must return a string, not {}",
                        made.type_of().name()
                    );
                    return Err(vm.type_error(message));
                };
                self.out.push_text(text);
            }
            quoting => push_quoted(&mut self.out, text::text(value), quoting == Quoting::Ascii),
        }
        Ok(())
    }

    /// The digits of an int, whatever `__repr__` a subclass has.
    fn int(&mut self, vm: &mut Vm, value: &Value) -> Py<()> {
        let text = int_text(vm, value)?;
        self.out.push_str(&text);
        Ok(())
    }

    fn float(&mut self, x: f64, vm: &mut Vm, value: &Value) -> Py<()> {
        let text = self.float_text(x, vm, value)?;
        self.out.push_str(&text);
        Ok(())
    }

    fn float_text(&self, x: f64, vm: &mut Vm, value: &Value) -> Py<String> {
        if x.is_finite() {
            return Ok(taipan_base::float_text::repr(x));
        }
        if !self.own.allow_nan {
            let shown = vm.repr_string(value)?;
            let message = format!("Out of range float values are not JSON compliant: {shown}");
            return Err(vm.raise(&VALUE_ERROR, message));
        }
        Ok(if x.is_nan() {
            "NaN"
        } else if x > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned())
    }

    /// Notes that an object is being written; an object inside itself is an error.
    fn enter(&self, vm: &mut Vm, value: &Value) -> Py<Option<Value>> {
        let Some(markers) = dict_of(&self.own.markers) else {
            return Ok(None);
        };
        let id = taipan_core::number::int_from_u64(value.bits());
        if markers.contains(vm, &id)? {
            return Err(vm.value_error("Circular reference detected"));
        }
        markers.insert(vm, &id, value.clone())?;
        Ok(Some(id))
    }

    fn leave(&self, vm: &mut Vm, marker: Option<Value>) -> Py<()> {
        if let (Some(markers), Some(id)) = (dict_of(&self.own.markers), marker) {
            markers.remove(vm, &id)?;
        }
        Ok(())
    }

    fn new_line(&mut self, level: usize) {
        self.out.push(10);
        let indent = text::text(&self.own.indent);
        for _ in 0..level {
            self.out.push_text(indent);
        }
    }

    fn separator(&mut self, first: bool, level: usize) {
        if !first {
            self.out.push_text(text::text(&self.own.item_separator));
        }
        if !self.own.indent.is_none() {
            self.new_line(level);
        }
    }

    fn array(&mut self, vm: &mut Vm, value: &Value, level: usize) -> Py<()> {
        let elements = match list_of(value) {
            Some(_) => Vec::new(),
            None => vm.to_vec(value)?,
        };
        // A list is read as it is now: what is called for an element may change it.
        let element = |vm: &mut Vm, at: usize| match list_of(value) {
            Some(list) => list.lock(vm).get(at),
            None => elements.get(at).cloned(),
        };
        let Some(mut next) = element(vm, 0) else {
            self.out.push_str("[]");
            return Ok(());
        };
        let marker = self.enter(vm, value)?;
        self.out.push_str("[");
        let mut i = 0;
        loop {
            self.separator(i == 0, level + 1);
            if let Err(raised) = self.value(vm, &next, level + 1) {
                let what = format!("when serializing {} item {i}", value.type_of().name());
                return Err(noted(vm, raised, &what));
            }
            i += 1;
            match element(vm, i) {
                Some(element) => next = element,
                None => break,
            }
        }
        if !self.own.indent.is_none() {
            self.new_line(level);
        }
        self.out.push_str("]");
        self.leave(vm, marker)
    }

    /// A key as text; `None` if it is to be skipped.
    fn key(&self, vm: &mut Vm, key: &Value) -> Py<Option<Value>> {
        if is_str(key) {
            return Ok(Some(key.clone()));
        }
        let text = if key.is_float() {
            self.float_text(key.as_float().unwrap_or(0.0), vm, key)?
        } else if key.is_none() {
            "null".to_owned()
        } else if key.is_true() {
            "true".to_owned()
        } else if key.is_false() {
            "false".to_owned()
        } else if key.is_int() {
            int_text(vm, key)?
        } else if self.own.skip_keys {
            return Ok(None);
        } else {
            let message = format!(
                "keys must be str, int, float, bool or None, not {}",
                key.type_of().name()
            );
            return Err(vm.type_error(message));
        };
        Ok(Some(new_str(&text)))
    }

    fn object(&mut self, vm: &mut Vm, value: &Value, level: usize) -> Py<()> {
        if vm.length(value)? == 0 {
            self.out.push_str("{}");
            return Ok(());
        }
        let marker = self.enter(vm, value)?;
        self.out.push_str("{");
        let mut first = true;
        for (key, item) in self.pairs(vm, value)? {
            let Some(text) = self.key(vm, &key)? else {
                continue;
            };
            self.separator(first, level + 1);
            first = false;
            self.string(vm, &text)?;
            self.out.push_text(text::text(&self.own.key_separator));
            if let Err(raised) = self.value(vm, &item, level + 1) {
                let shown = vm.repr_string_or(&key);
                let what = format!("when serializing {} item {shown}", value.type_of().name());
                return Err(noted(vm, raised, &what));
            }
        }
        if !self.own.indent.is_none() && !first {
            self.new_line(level);
        }
        self.out.push_str("}");
        self.leave(vm, marker)
    }

    fn pairs(&self, vm: &mut Vm, value: &Value) -> Py<Vec<(Value, Value)>> {
        let plain = value.is_exact(&taipan_core::builtin_types::DICT);
        if plain
            && !self.own.sort_keys
            && let Some(dict) = dict_of(value)
        {
            return Ok(dict.items());
        }
        let items_method = vm.get_attr(value, name!("items"))?;
        let view = vm.call(&items_method, &[])?;
        let rows = taipan_types::list::list_from(vm, &view)?;
        if self.own.sort_keys {
            vm.call_method(&rows, name!("sort"), &[])?;
        }
        let mut out = Vec::new();
        for row in vm.to_vec(&rows)? {
            match items(&row) {
                Some([key, item]) => out.push((key.clone(), item.clone())),
                _ => return Err(vm.value_error("items must return 2-tuples")),
            }
        }
        Ok(out)
    }
}

/// The decimal digits of an int (or an instance of a subclass).
fn int_text(vm: &mut Vm, value: &Value) -> Py<String> {
    match value.as_i64() {
        Some(i) => Ok(i.to_string()),
        None => {
            let exact = taipan_core::number::int_from_big(value.as_big().unwrap_or_default());
            vm.str_string(&exact)
        }
    }
}

/// `repr` for notes on errors, without raising another one.
trait ReprOr {
    fn repr_string_or(&mut self, value: &Value) -> String;
}

impl ReprOr for Vm {
    fn repr_string_or(&mut self, value: &Value) -> String {
        // The exception on its way must not be lost: only strings and numbers are shown.
        if is_exact_str(value) {
            let mut out = TextBuf::with_capacity(16);
            taipan_base::text::push_repr(&mut out, text::text(value), false);
            return text::lossy(out.as_text());
        }
        match value.as_i64() {
            Some(i) => i.to_string(),
            None => format!("of type {}", value.type_of().name()),
        }
    }
}

// ---- tables ----

macro_rules! members {
    ($payload:ty: $($name:literal $field:ident,)*) => {
        [$(getter($name, |_, this| Ok(this.expect::<$payload>().$field.clone()), "")),*]
    };
}

static SCANNER_MEMBERS: [GetSetDef; 5] = members! { Scanner:
    "object_hook" object_hook,
    "object_pairs_hook" object_pairs_hook,
    "parse_float" parse_float,
    "parse_int" parse_int,
    "parse_constant" parse_constant,
};

static ENCODER_MEMBERS: [GetSetDef; 6] = members! { Encoder:
    "markers" markers,
    "default" default,
    "encoder" encoder,
    "indent" indent,
    "key_separator" key_separator,
    "item_separator" item_separator,
};

static SCANNER_LAYOUT: Layout = Layout::of::<Scanner>();
static ENCODER_LAYOUT: Layout = Layout::of::<Encoder>();

static SCANNER_SPEC: TypeSpec = TypeSpec {
    name: "_json.Scanner",
    flags: TypeFlags::BASE,
    layout: Some(&SCANNER_LAYOUT),
    slots: Slots {
        new: Some(scanner_new),
        call: Some(scanner_call),
        ..Slots::NONE
    },
    getset: &SCANNER_MEMBERS,
    doc: "JSON scanner object",
    ..TypeSpec::DEFAULT
};

static ENCODER_SPEC: TypeSpec = TypeSpec {
    name: "_json.Encoder",
    flags: TypeFlags::BASE,
    layout: Some(&ENCODER_LAYOUT),
    slots: Slots {
        new: Some(encoder_new),
        call: Some(encoder_call),
        ..Slots::NONE
    },
    getset: &ENCODER_MEMBERS,
    doc: "JSON encoder object",
    ..TypeSpec::DEFAULT
};

static FUNCTIONS: [MethodDef; 3] = [
    f1(
        "encode_basestring_ascii(module, object, /)",
        encode_basestring_ascii,
        "A string as an ASCII JSON literal.",
    ),
    f1(
        "encode_basestring(module, object, /)",
        encode_basestring,
        "A string as a JSON literal.",
    ),
    slice(
        "scanstring(module, string, end, strict=True, /)",
        scanstring,
        "The string literal whose text begins at end, and the index behind it.\n\nstrict refuses control characters.",
    ),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    SCANNER.define(&SCANNER_SPEC);
    ENCODER.define(&ENCODER_SPEC);
    add(dict, "make_scanner", SCANNER.to_value());
    add(dict, "make_encoder", ENCODER.to_value());
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_json",
    doc: "Fast paths of json.",
    functions: &FUNCTIONS,
    init,
};
