//! `str.format`, `str.format_map` and `str.__format__`: replacement fields in braces. The parser also serves module `_string`.

use super::text::{self, from_buf, from_text, text_of};
use std::ops::Range;
use taipan_base::format_spec::{self, Align, ErrorKind, FormatError, FormatSpec};
use taipan_base::text::{Text, TextBuf};
use taipan_base::unicode;
use taipan_core::str_object::is_exact_str;
use taipan_core::{Args, Py, Raised, Value, Vm};

// ---- the parser ----

/// One step through a template: literal text, and the field behind it if there is one.
#[derive(Clone, Debug, Default)]
pub struct Chunk {
    pub literal: Range<usize>,
    pub field: Option<Field>,
}

/// A replacement field, as places in the template.
#[derive(Clone, Debug, Default)]
pub struct Field {
    pub name: Range<usize>,
    pub spec: Range<usize>,
    /// What follows `!`.
    pub conversion: Option<u32>,
    /// The specifier has fields of its own.
    pub nested: bool,
}

/// Takes a template apart. Errors are messages of `ValueError`.
#[derive(Clone, Debug)]
pub struct Markup<'a> {
    text: Text<'a>,
    at: usize,
    end: usize,
}

const OPEN: u32 = b'{' as u32;
const CLOSE: u32 = b'}' as u32;
const BANG: u32 = b'!' as u32;
const COLON: u32 = b':' as u32;

impl<'a> Markup<'a> {
    pub fn new(text: Text<'a>, range: Range<usize>) -> Markup<'a> {
        Markup {
            text,
            at: range.start,
            end: range.end,
        }
    }

    /// How far the template has been read.
    pub fn position(&self) -> usize {
        self.at
    }

    fn take(&mut self) -> Option<u32> {
        if self.at >= self.end {
            return None;
        }
        self.at += 1;
        self.text.get(self.at - 1)
    }

    /// The next chunk; `None` at the end.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>, &'static str> {
        if self.at >= self.end {
            return Ok(None);
        }
        let start = self.at;
        let mut brace = None;
        while let Some(c) = self.take() {
            if c == OPEN || c == CLOSE {
                brace = Some(c);
                break;
            }
        }
        let Some(brace) = brace else {
            return Ok(Some(Chunk {
                literal: start..self.end,
                field: None,
            }));
        };
        let next = if self.at < self.end {
            self.text.get(self.at)
        } else {
            None
        };
        if next == Some(brace) {
            // A doubled brace: one of them is part of the literal.
            let literal = start..self.at;
            self.at += 1;
            return Ok(Some(Chunk {
                literal,
                field: None,
            }));
        }
        match (brace, next) {
            (CLOSE, _) => Err("Single '}' encountered in format string"),
            (_, None) => Err("Single '{' encountered in format string"),
            _ => {
                let literal = start..self.at - 1;
                let field = Some(self.field()?);
                Ok(Some(Chunk { literal, field }))
            }
        }
    }

    fn field(&mut self) -> Result<Field, &'static str> {
        let start = self.at;
        let mut in_brackets = false;
        let mut stop = None;
        while let Some(c) = self.take() {
            match c {
                OPEN if !in_brackets => return Err("unexpected '{' in field name"),
                0x5B => in_brackets = true,
                0x5D => in_brackets = false,
                CLOSE | COLON | BANG if !in_brackets => {
                    stop = Some(c);
                    break;
                }
                _ => {}
            }
        }
        let mut field = Field {
            name: start..self.at - usize::from(stop.is_some()),
            ..Field::default()
        };
        match stop {
            None => return Err("expected '}' before end of string"),
            Some(CLOSE) => {
                field.spec = self.at - 1..self.at - 1;
                return Ok(field);
            }
            Some(BANG) => {
                let Some(conversion) = self.take() else {
                    return Err("end of string while looking for conversion specifier");
                };
                field.conversion = Some(conversion);
                match self.take() {
                    Some(CLOSE) => {
                        field.spec = self.at - 1..self.at - 1;
                        return Ok(field);
                    }
                    Some(COLON) | None => {}
                    Some(_) => return Err("expected ':' after conversion specifier"),
                }
            }
            Some(_) => {}
        }
        let spec = self.at;
        let mut depth = 1;
        while let Some(c) = self.take() {
            match c {
                OPEN => {
                    field.nested = true;
                    depth += 1;
                }
                CLOSE => {
                    depth -= 1;
                    if depth == 0 {
                        field.spec = spec..self.at - 1;
                        return Ok(field);
                    }
                }
                _ => {}
            }
        }
        Err("unmatched '{' in format spec")
    }
}

/// The first part of a field name or the text in brackets: a number or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    Index(usize),
    Name(Range<usize>),
}

/// One further part of a field name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    Attribute(Range<usize>),
    Item(Key),
}

const TOO_MANY_DIGITS: &str = "Too many decimal digits in format string";

fn key(text: Text<'_>, range: Range<usize>) -> Result<Key, &'static str> {
    if range.is_empty() {
        return Ok(Key::Name(range));
    }
    let mut number = 0usize;
    for c in text.slice(range.clone()).chars() {
        let Some(digit) = unicode::decimal(c) else {
            return Ok(Key::Name(range));
        };
        number = number
            .checked_mul(10)
            .and_then(|number| number.checked_add(digit as usize))
            .filter(|number| *number <= isize::MAX as usize)
            .ok_or(TOO_MANY_DIGITS)?;
    }
    Ok(Key::Index(number))
}

/// Takes a field name apart.
pub struct FieldName<'a> {
    text: Text<'a>,
    at: usize,
    end: usize,
}

impl<'a> FieldName<'a> {
    /// The first part, and an iterator over the rest.
    pub fn new(text: Text<'a>, range: Range<usize>) -> Result<(Key, FieldName<'a>), &'static str> {
        let end = range.end;
        let mut at = range.start;
        while at < end && !matches!(text.get(at), Some(0x2E | 0x5B)) {
            at += 1;
        }
        let first = key(text, range.start..at)?;
        Ok((first, FieldName { text, at, end }))
    }

    /// Goes on behind the first part.
    pub fn resume(text: Text<'a>, rest: Range<usize>) -> FieldName<'a> {
        FieldName {
            text,
            at: rest.start,
            end: rest.end,
        }
    }

    /// How far the name has been read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next part.
    pub fn next_part(&mut self) -> Result<Option<Part>, &'static str> {
        if self.at >= self.end {
            return Ok(None);
        }
        let opener = self.text.get(self.at);
        self.at += 1;
        let start = self.at;
        match opener {
            Some(0x2E) => {
                while self.at < self.end && !matches!(self.text.get(self.at), Some(0x2E | 0x5B)) {
                    self.at += 1;
                }
                if start == self.at {
                    return Err("Empty attribute in format string");
                }
                Ok(Some(Part::Attribute(start..self.at)))
            }
            Some(0x5B) => {
                while self.at < self.end && self.text.get(self.at) != Some(0x5D) {
                    self.at += 1;
                }
                if self.at >= self.end {
                    return Err("Missing ']' in format string");
                }
                let range = start..self.at;
                self.at += 1;
                if range.is_empty() {
                    return Err("Empty attribute in format string");
                }
                Ok(Some(Part::Item(key(self.text, range)?)))
            }
            _ => Err("Only '.' or '[' may follow ']' in format field specifier"),
        }
    }
}

// ---- formatting ----

/// Where the values of fields come from.
struct Source<'a> {
    args: Args<'a>,
    /// `format_map`'s mapping.
    mapping: Option<&'a Value>,
    /// `Some(true)`: numbered by hand; `Some(false)`: automatically.
    manual: Option<bool>,
    next: usize,
}

/// `text.format(*args, **kwargs)`
pub(super) fn method_format(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let mut source = Source {
        args,
        mapping: None,
        manual: None,
        next: 0,
    };
    let out = expand(vm, text::text(this), &mut source)?;
    from_buf(vm, out)
}

/// `text.format_map(mapping)`
pub(super) fn method_format_map(vm: &mut Vm, this: &Value, mapping: &Value) -> Py {
    let mut source = Source {
        args: Args::NONE,
        mapping: Some(mapping),
        manual: None,
        next: 0,
    };
    let out = expand(vm, text::text(this), &mut source)?;
    from_buf(vm, out)
}

fn expand(vm: &mut Vm, template: Text<'_>, source: &mut Source<'_>) -> Py<TextBuf> {
    let mut out = TextBuf::with_capacity(template.len());
    build(vm, template, 0..template.len(), source, 2, &mut out)?;
    Ok(out)
}

fn build(
    vm: &mut Vm,
    template: Text<'_>,
    range: Range<usize>,
    source: &mut Source<'_>,
    depth: usize,
    out: &mut TextBuf,
) -> Py<()> {
    if depth == 0 {
        return Err(vm.value_error("Max string recursion exceeded"));
    }
    let mut markup = Markup::new(template, range);
    loop {
        let chunk = match markup.next_chunk() {
            Ok(Some(chunk)) => chunk,
            Ok(None) => return Ok(()),
            Err(message) => return Err(vm.value_error(message)),
        };
        out.push_text(template.slice(chunk.literal));
        if let Some(field) = chunk.field {
            render(vm, template, &field, source, depth, out)?;
        }
    }
}

fn render(
    vm: &mut Vm,
    template: Text<'_>,
    field: &Field,
    source: &mut Source<'_>,
    depth: usize,
    out: &mut TextBuf,
) -> Py<()> {
    let mut value = field_value(vm, template, field.name.clone(), source)?;
    if let Some(conversion) = field.conversion {
        value = convert(vm, &value, conversion)?;
    }
    let spec = if field.nested {
        let mut spec = TextBuf::with_capacity(0);
        build(
            vm,
            template,
            field.spec.clone(),
            source,
            depth - 1,
            &mut spec,
        )?;
        from_buf(vm, spec)?
    } else {
        from_text(vm, template.slice(field.spec.clone()))?
    };
    if is_exact_str(&value) && text::text(&spec).is_empty() {
        out.push_text(text::text(&value));
        return Ok(());
    }
    let made = vm.format(&value, &spec)?;
    out.push_text(text::text(&made));
    Ok(())
}

/// `!r`, `!s` and `!a`.
fn convert(vm: &mut Vm, value: &Value, conversion: u32) -> Py {
    match char::from_u32(conversion) {
        Some('r') => vm.repr(value),
        Some('s') => vm.str(value),
        Some('a') => ascii(vm, value),
        Some(c @ '!'..='~') => Err(vm.value_error(format!("Unknown conversion specifier {c}"))),
        _ => {
            let message = format!("Unknown conversion specifier \\x{conversion:x}");
            Err(vm.value_error(message))
        }
    }
}

/// `ascii(value)`
pub fn ascii(vm: &mut Vm, value: &Value) -> Py {
    let made = vm.repr(value)?;
    let text = text::text(&made);
    if text.is_ascii() {
        return Ok(made);
    }
    let mut out = TextBuf::with_capacity(text.len());
    for c in text.chars() {
        if c < 128 {
            out.push(c);
        } else {
            taipan_base::text::push_escape(&mut out, c);
        }
    }
    from_buf(vm, out)
}

fn field_value(vm: &mut Vm, template: Text<'_>, name: Range<usize>, source: &mut Source<'_>) -> Py {
    let (first, mut rest) = match FieldName::new(template, name) {
        Ok(parts) => parts,
        Err(message) => return Err(vm.value_error(message)),
    };
    let mut value = first_value(vm, template, first, source)?;
    loop {
        let part = match rest.next_part() {
            Ok(Some(part)) => part,
            Ok(None) => return Ok(value),
            Err(message) => return Err(vm.value_error(message)),
        };
        value = match part {
            Part::Attribute(name) => {
                let name = from_text(vm, template.slice(name))?;
                vm.get_attr(&value, &name)?
            }
            Part::Item(Key::Index(index)) => vm.get_item(&value, &Value::int(index as i64))?,
            Part::Item(Key::Name(name)) => {
                let name = from_text(vm, template.slice(name))?;
                vm.get_item(&value, &name)?
            }
        };
    }
}

fn first_value(vm: &mut Vm, template: Text<'_>, first: Key, source: &mut Source<'_>) -> Py {
    let index = match first {
        Key::Index(index) => {
            if source.manual == Some(false) {
                let message =
                    "cannot switch from automatic field numbering to manual field specification";
                return Err(vm.value_error(message));
            }
            source.manual = Some(true);
            index
        }
        Key::Name(name) if name.is_empty() => {
            if source.manual == Some(true) {
                let message =
                    "cannot switch from manual field specification to automatic field numbering";
                return Err(vm.value_error(message));
            }
            source.manual = Some(false);
            source.next += 1;
            source.next - 1
        }
        Key::Name(name) => {
            let name = from_text(vm, template.slice(name))?;
            return match source.mapping {
                Some(mapping) => vm.get_item(mapping, &name),
                None => {
                    let found = source
                        .args
                        .keywords()
                        .find(|(own, _)| taipan_core::str_object::str_eq(own, &name));
                    match found {
                        Some((_, value)) => Ok(value.clone()),
                        None => Err(vm.key_error(&name)),
                    }
                }
            };
        }
    };
    if source.mapping.is_some() {
        return Err(vm.value_error("Format string contains positional fields"));
    }
    match source.args.pos().get(index) {
        Some(value) => Ok(value.clone()),
        None => {
            let message =
                format!("Replacement index {index} out of range for positional args tuple");
            Err(vm.index_error(message))
        }
    }
}

/// `str.__format__`
pub(super) fn format_str(vm: &mut Vm, this: &Value, spec: Text<'_>) -> Py {
    if spec.is_empty() {
        return text::exact(vm, this);
    }
    let made = FormatSpec::parse(spec, Align::Left)
        .and_then(|spec| format_spec::format_str(&spec, text::text(this)));
    match made {
        Ok(made) => from_buf(vm, made),
        Err(error) => Err(format_error(vm, &error, this.type_of().name())),
    }
}

/// Raises what a refused format specifier means.
#[cold]
pub fn format_error(vm: &mut Vm, error: &FormatError, type_name: &str) -> Raised {
    let ty = match error.kind() {
        ErrorKind::Memory => return vm.memory_error(),
        ErrorKind::Overflow => &taipan_core::builtin_types::OVERFLOW_ERROR,
        ErrorKind::Value => &taipan_core::builtin_types::VALUE_ERROR,
    };
    let message = error.message(type_name);
    match from_buf(vm, message) {
        Ok(message) => vm.raise_with(ty, &[message]),
        Err(raised) => raised,
    }
}

/// A string argument, for messages of the parsers.
pub fn expect_str<'a>(vm: &mut Vm, value: &'a Value) -> Py<Text<'a>> {
    match text_of(value) {
        Some(text) => Ok(text),
        None => {
            let message = format!("expected str, got {}", value.type_of().name());
            Err(vm.type_error(message))
        }
    }
}
