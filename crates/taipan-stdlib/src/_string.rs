//! `_string`: the parsers behind `string.Formatter`.

use crate::ModuleDef;
use taipan_base::text::Text;
use taipan_core::alloc::new_instance;
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::empty_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Layout, MethodDef, Payload, Py, Slots, Tracer, Type, TypeFlags, TypeObject, TypeSpec, Value,
    Vm, f1,
};
use taipan_types::str::format::{FieldName, Key, Markup, Part, expect_str};
use taipan_types::str::from_text;
use taipan_types::str::text::text;

static FORMATTER_ITERATOR: TypeObject = Type::declare("formatteriterator");
static FIELD_NAME_ITERATOR: TypeObject = Type::declare("fieldnameiterator");

/// Where a parser stands in its string: both iterators go on from a position.
struct Parser {
    text: Value,
    at: Locked<usize>,
}

impl HasState for Parser {
    type State = usize;
    fn cell(&self) -> &Locked<usize> {
        &self.at
    }
}

// SAFETY: the string is the only reference.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for Parser {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &FORMATTER_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.text);
    }
}

/// Payload of the field name iterator.
struct FieldParser(Parser);

impl HasState for FieldParser {
    type State = usize;
    fn cell(&self) -> &Locked<usize> {
        &self.0.at
    }
}

// SAFETY: the string is the only reference.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for FieldParser {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &FIELD_NAME_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        self.0.trace(tracer);
    }
}

fn formatter_parser(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    expect_str(vm, value)?;
    Ok(new_instance(
        &FORMATTER_ITERATOR,
        Parser {
            text: value.clone(),
            at: Locked::new(0),
        },
    ))
}

fn formatter_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let parser = this.expect::<Parser>();
    let whole = text(&parser.text);
    let from = *parser.lock(vm);
    let mut markup = Markup::new(whole, from..whole.len());
    let chunk = match markup.next_chunk() {
        Ok(Some(chunk)) => chunk,
        Ok(None) => return Ok(None),
        Err(message) => return Err(vm.value_error(message)),
    };
    *parser.lock(vm) = markup.position();
    let literal = from_text(vm, whole.slice(chunk.literal))?;
    let none = Value::none;
    let row = match chunk.field {
        None => [literal, none(), none(), none()],
        Some(field) => {
            let conversion = match field.conversion {
                Some(code) => from_text(vm, Text::Ucs4(&[code]))?,
                None => none(),
            };
            [
                literal,
                from_text(vm, whole.slice(field.name))?,
                from_text(vm, whole.slice(field.spec))?,
                conversion,
            ]
        }
    };
    Ok(Some(new_tuple(row)))
}

fn key_value(vm: &mut Vm, whole: Text<'_>, key: Key) -> Py {
    match key {
        Key::Index(index) => Ok(Value::int(index as i64)),
        Key::Name(range) if range.is_empty() => Ok(empty_str()),
        Key::Name(range) => from_text(vm, whole.slice(range)),
    }
}

fn formatter_field_name_split(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    let whole = expect_str(vm, value)?;
    let (first, rest) = match FieldName::new(whole, 0..whole.len()) {
        Ok(parts) => parts,
        Err(message) => return Err(vm.value_error(message)),
    };
    let first = key_value(vm, whole, first)?;
    let rest = new_instance(
        &FIELD_NAME_ITERATOR,
        FieldParser(Parser {
            text: value.clone(),
            at: Locked::new(rest.position()),
        }),
    );
    Ok(new_tuple([first, rest]))
}

fn field_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let parser = this.expect::<FieldParser>();
    let whole = text(&parser.0.text);
    let from = *parser.lock(vm);
    let mut rest = FieldName::resume(whole, from..whole.len());
    let part = match rest.next_part() {
        Ok(Some(part)) => part,
        Ok(None) => return Ok(None),
        Err(message) => return Err(vm.value_error(message)),
    };
    *parser.lock(vm) = rest.position();
    let (is_attribute, key) = match part {
        Part::Attribute(range) => (true, Key::Name(range)),
        Part::Item(key) => (false, key),
    };
    let key = key_value(vm, whole, key)?;
    Ok(Some(new_tuple([Value::bool(is_attribute), key])))
}

fn same(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

static PARSER_LAYOUT: Layout = Layout::of::<Parser>();
static FIELD_LAYOUT: Layout = Layout::of::<FieldParser>();

static FORMATTER_SPEC: TypeSpec = TypeSpec {
    name: "formatteriterator",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&PARSER_LAYOUT),
    slots: Slots {
        iter: Some(same),
        next: Some(formatter_next),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

static FIELD_SPEC: TypeSpec = TypeSpec {
    name: "fieldnameiterator",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&FIELD_LAYOUT),
    slots: Slots {
        iter: Some(same),
        next: Some(field_next),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

static FUNCTIONS: [MethodDef; 2] = [
    f1(
        "formatter_field_name_split(module, object, /)",
        formatter_field_name_split,
        "The first part of a field name, and an iterator over the rest.",
    ),
    f1(
        "formatter_parser(module, object, /)",
        formatter_parser,
        "An iterator over the literals and fields of a template.",
    ),
];

fn init(_vm: &mut Vm, _dict: &Value) -> Py<()> {
    FORMATTER_ITERATOR.define(&FORMATTER_SPEC);
    FIELD_NAME_ITERATOR.define(&FIELD_SPEC);
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_string",
    doc: "String helper module.",
    functions: &FUNCTIONS,
    init,
};
