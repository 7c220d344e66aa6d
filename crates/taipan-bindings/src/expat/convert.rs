//! From events to handlers and their arguments.

use super::handlers::Handler;
use super::{Expat, ExpatState};
use smallvec::{SmallVec, smallvec};
use taipan_core::dict_object::{Dict, dict_of, new_dict_with_capacity};
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::{empty_tuple, new_tuple};
use taipan_core::{Obj, Value};
use taipan_types::list::new_list;
use taipan_xml::{Attributes, ContentPart, ErrorCode, Event, ExternalId, Name};

/// What to do next.
pub enum Action {
    Call(Handler, SmallVec<[Value; 4]>),
    /// Text for its handler, without being collected.
    Text(Value),
    /// The collected text is full, and this is left.
    Flush(Option<String>),
    /// Nothing: the text was collected.
    Again,
    UnknownEncoding(String),
    /// A content model is nested too deeply.
    TooDeep,
    /// All of what came was looked at.
    Done,
    Failed(ErrorCode),
}

/// Groups within groups, at most: as many as C's stack allows, about.
const MODEL_DEPTH: usize = 100_000;

/// The shared string of a text.
fn interned(intern: &Value, text: &str) -> Value {
    let value = new_str(text);
    let Some(dict) = dict_of(intern) else {
        return value;
    };
    let dict: &Obj<Dict> = dict;
    match dict.get_name(&value) {
        Some(known) => known,
        None => {
            drop(dict.set_name(&value, value.clone()));
            value
        }
    }
}

fn optional(text: Option<&str>) -> Value {
    text.map_or_else(Value::none, new_str)
}

/// Makes strings of names, the same one for the same name.
struct Strings<'a> {
    intern: &'a Value,
    names: &'a mut Vec<Option<Value>>,
}

impl Strings<'_> {
    #[inline]
    fn name(&mut self, name: Name<'_>) -> Value {
        let index = name.id.index();
        if let Some(Some(value)) = self.names.get(index) {
            return value.clone();
        }
        let value = interned(self.intern, name.text);
        if self.names.len() <= index {
            self.names.resize(index + 1, None);
        }
        self.names[index] = Some(value.clone());
        value
    }

    fn shared(&self, text: &str) -> Value {
        interned(self.intern, text)
    }

    fn optional(&self, text: Option<&str>) -> Value {
        text.map_or_else(Value::none, |text| self.shared(text))
    }

    fn external(&self, external: ExternalId<'_>) -> [Value; 3] {
        [external.base, external.system_id, external.public_id].map(|text| self.optional(text))
    }

    fn attributes(&mut self, attributes: Attributes<'_>, ordered: bool, all: bool) -> Value {
        let count = match all {
            true => attributes.len(),
            false => attributes.specified(),
        };
        let pairs = attributes.iter().take(count);
        if ordered {
            let mut row = Vec::with_capacity(2 * count);
            for attribute in pairs {
                row.push(self.name(attribute.name));
                row.push(new_str(attribute.value));
            }
            return new_list(row);
        }
        let value = new_dict_with_capacity(count);
        let dict = value.expect::<Dict>();
        for attribute in pairs {
            let name = self.name(attribute.name);
            drop(dict.set_name(&name, new_str(attribute.value)));
        }
        value
    }
}

/// A content model as tuples within tuples. From the last part to the first, so that what is inside is there before.
fn model(strings: &Strings<'_>, parts: &[ContentPart]) -> Value {
    let mut done: Vec<Value> = Vec::new();
    for part in parts.iter().rev() {
        let children = if part.children == 0 {
            empty_tuple()
        } else {
            let from = done.len().saturating_sub(part.children);
            new_tuple(done.drain(from..).rev().collect::<Vec<_>>())
        };
        done.push(new_tuple([
            Value::int(part.kind as i64),
            Value::int(part.quantifier as i64),
            strings.optional(part.name.as_deref()),
            children,
        ]));
    }
    done.pop().unwrap_or_else(Value::none)
}

impl ExpatState {
    /// The next thing to do. No Python code runs meanwhile.
    pub fn next_action(&mut self, object: &Expat) -> Action {
        let default = self.default_handler();
        let event = match self.parser.0.next() {
            Ok(Some(event)) => event,
            Ok(None) => return Action::Done,
            Err(code) => return Action::Failed(code),
        };
        let mut strings = Strings {
            intern: &object.intern,
            names: &mut self.names,
        };
        if let Event::Text(text) = event {
            if self.handlers[Handler::CharacterData as usize].is_none() {
                return Action::Again;
            }
            if !self.buffer_text {
                return Action::Text(new_str(text));
            }
            return collect(&mut self.buffer.0, self.buffer_size, text);
        }
        let (handler, args) = match event {
            Event::StartElement { name, attributes } => {
                let (ordered, all) = (self.ordered_attributes, !self.specified_attributes);
                let args = smallvec![
                    strings.name(name),
                    strings.attributes(attributes, ordered, all)
                ];
                (Handler::StartElement, args)
            }
            Event::EndElement { name } => (Handler::EndElement, smallvec![strings.name(name)]),
            Event::Text(_) => return Action::Again,
            Event::Pi { target, data } => (
                Handler::ProcessingInstruction,
                smallvec![strings.shared(target), new_str(data)],
            ),
            Event::Comment(text) => (Handler::Comment, smallvec![new_str(text)]),
            Event::StartCdata => (Handler::StartCdataSection, smallvec![]),
            Event::EndCdata => (Handler::EndCdataSection, smallvec![]),
            Event::Default(text) => (default, smallvec![new_str(text)]),
            Event::StartNamespace { prefix, uri } => (
                Handler::StartNamespaceDecl,
                smallvec![strings.optional(prefix), strings.optional(uri)],
            ),
            Event::EndNamespace { prefix } => (
                Handler::EndNamespaceDecl,
                smallvec![strings.optional(prefix)],
            ),
            Event::SkippedEntity { name, is_parameter } => (
                Handler::SkippedEntity,
                smallvec![strings.shared(name), Value::int(is_parameter.into())],
            ),
            Event::NotStandalone => (Handler::NotStandalone, smallvec![]),
            Event::ExternalEntityRef { context, external } => {
                let mut args = smallvec![optional(context)];
                args.extend(strings.external(external));
                (Handler::ExternalEntityRef, args)
            }
            Event::UnknownEncoding { name } => return Action::UnknownEncoding(name.to_owned()),
            Event::ElementDecl { model: parts, .. }
                if parts.iter().any(|part| part.depth > MODEL_DEPTH) =>
            {
                return Action::TooDeep;
            }
            event => declaration(&strings, event),
        };
        Action::Call(handler, args)
    }
}

/// Declarations, which are rare.
#[cold]
fn declaration(strings: &Strings<'_>, event: Event<'_>) -> (Handler, SmallVec<[Value; 4]>) {
    match event {
        Event::StartDoctype {
            name,
            system_id,
            public_id,
            has_internal_subset,
        } => (
            Handler::StartDoctypeDecl,
            smallvec![
                strings.shared(name),
                strings.optional(system_id),
                strings.optional(public_id),
                Value::int(has_internal_subset.into())
            ],
        ),
        Event::EntityDecl {
            name,
            is_parameter,
            value,
            external,
            notation,
        } => {
            let mut args = smallvec![
                strings.shared(name),
                Value::int(is_parameter.into()),
                optional(value)
            ];
            args.extend(strings.external(external));
            args.push(strings.optional(notation));
            (Handler::EntityDecl, args)
        }
        Event::UnparsedEntityDecl {
            name,
            external,
            notation,
        } => {
            let mut args = smallvec![strings.shared(name)];
            args.extend(strings.external(external));
            args.push(strings.shared(notation));
            (Handler::UnparsedEntityDecl, args)
        }
        Event::NotationDecl { name, external } => {
            let mut args = smallvec![strings.shared(name)];
            args.extend(strings.external(external));
            (Handler::NotationDecl, args)
        }
        Event::XmlDecl {
            version,
            encoding,
            standalone,
        } => (
            Handler::XmlDecl,
            smallvec![
                optional(version),
                optional(encoding),
                Value::int(standalone.map_or(-1, i64::from))
            ],
        ),
        Event::ElementDecl { name, model: parts } => (
            Handler::ElementDecl,
            smallvec![strings.shared(name), model(strings, parts)],
        ),
        Event::AttlistDecl {
            element,
            attribute,
            kind,
            default,
            required,
        } => (
            Handler::AttlistDecl,
            smallvec![
                strings.shared(element),
                strings.shared(attribute),
                new_str(kind),
                optional(default),
                Value::int(required.into())
            ],
        ),
        _ => (Handler::EndDoctypeDecl, smallvec![]),
    }
}

/// Collects text until there is too much.
fn collect(buffer: &mut String, size: usize, text: &str) -> Action {
    if buffer.len() + text.len() > size {
        return Action::Flush(Some(text.to_owned()));
    }
    buffer.push_str(text);
    Action::Again
}
