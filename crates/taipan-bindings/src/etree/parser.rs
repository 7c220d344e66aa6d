//! `XMLParser`: drives the parser of `taipan-xml` and a builder, or whatever target there is.
//!
//! While it works the parser is in the hands of the running call, not in the object: calling `feed` from within a target's method
//! finds it gone and raises.

use super::builder::{self, BUILDER, EVENT_NAMES, Kind};
use super::error_class;
use crate::expat::encoding_table;
use crate::support::{Shared, text_argument, utf8};
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, new_dict, new_dict_with_capacity};
use taipan_core::lock::Locked;
use taipan_core::str_object::{is_str, name, new_str, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Py, Raised, Slots, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, f0, f1, getter, slice,
};
use taipan_stdlib::support::{native_type, signature};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::bytes_of;
use taipan_xml::{Attributes, ErrorCode, Event, Name, Options, Parser, interest as want};

native_type! {
    /// Payload of parsers.
    PARSER "xml.etree.ElementTree.XMLParser" XmlParser {}
    ParserState {
        // Not there before `__init__`, and while a call works with it.
        parser: Shared<Option<Box<Parser>>>,
        initialized: bool,
        target: Option<Value>,
        // What the target defines, in the order of `HANDLERS`. Nothing for a builder.
        handlers: Vec<Option<Value>>,
        is_builder: bool,
        entity: Option<Value>,
        names: Vec<Option<Value>>,
    }
}

/// Methods of targets.
const HANDLERS: [&str; 9] = [
    "start", "data", "end", "comment", "pi", "doctype", "start_ns", "end_ns", "close",
];

/// A method by its place in [`HANDLERS`].
#[derive(Clone, Copy)]
enum Handler {
    Start,
    Data,
    End,
    Comment,
    Pi,
    Doctype,
    StartNs,
    EndNs,
    Close,
}

static SPEC: TypeSpec = TypeSpec {
    name: "xml.etree.ElementTree.XMLParser",
    flags: TypeFlags::BASE,
    layout: Some(const { &Layout::of::<XmlParser>() }),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};

static METHODS: [MethodDef; 5] = [
    f1("feed(self, data, /)", feed, ""),
    f0("close(self, /)", close, ""),
    f0("flush(self, /)", flush, ""),
    f1("_parse_whole(self, file, /)", parse_whole, ""),
    slice(
        "_setevents(self, events_queue, events_to_report=None, /)",
        set_events,
        "",
    ),
];

static GETSET: [GetSetDef; 3] = [
    getter(
        "entity",
        |vm, this| {
            let entity = own(this).lock(vm).entity.clone();
            Ok(entity.unwrap_or_else(Value::none))
        },
        "",
    )
    .member(),
    getter(
        "target",
        |vm, this| {
            let target = own(this).lock(vm).target.clone();
            Ok(target.unwrap_or_else(Value::none))
        },
        "",
    )
    .member(),
    getter("version", |_, _| Ok(new_str("Expat 2.9.0")), ""),
];

static INIT: MethodDef = signature("XMLParser(*, target=None, encoding=None)");

pub fn define() {
    PARSER.define(&SPEC);
}

fn own(this: &Value) -> &Obj<XmlParser> {
    this.expect::<XmlParser>()
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(
        cls,
        XmlParser {
            state: Locked::new(ParserState {
                parser: Shared(None),
                initialized: false,
                target: None,
                handlers: Vec::new(),
                is_builder: false,
                entity: None,
                names: Vec::new(),
            }),
        },
    ))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = bind(vm, &INIT, args)?;
    let encoding = match args.get_not_none(1) {
        None => None,
        Some(encoding) if !is_str(encoding) => {
            let got = taipan_types::arguments::type_name(encoding);
            let message = format!("XMLParser() argument 'encoding' must be str or None, not {got}");
            return Err(vm.type_error(message));
        }
        Some(encoding) => {
            let what = "XMLParser() argument 'encoding'";
            let text = text_argument(vm, what, encoding)?;
            Some(
                crate::support::utf8_c(vm, &text)?
                    .to_string_lossy()
                    .into_owned(),
            )
        }
    };
    let target = match args.get_not_none(0) {
        Some(target) => target.clone(),
        None => builder::new(&BUILDER),
    };
    let is_builder = target.is_exact(&BUILDER);
    let mut handlers = Vec::new();
    if !is_builder {
        for method in HANDLERS {
            handlers.push(vm.get_attr_opt(&target, &name(method))?);
        }
    }
    let parser = Parser::new(Options {
        encoding: encoding.as_deref(),
        namespaces: Some(b'}'),
    });
    let old = {
        let mut state = own(this).lock(vm);
        state.initialized = true;
        state.parser.0 = Some(Box::new(parser));
        state.is_builder = is_builder;
        (
            std::mem::replace(&mut state.handlers, handlers),
            state.target.replace(target),
            state.entity.replace(new_dict()),
            std::mem::take(&mut state.names),
        )
    };
    drop(old);
    Ok(())
}

// ---- errors ----

fn raise(vm: &mut Vm, code: ErrorCode, parser: &mut Parser, message: Option<&str>) -> Raised {
    let place = parser.place();
    let (line, column) = (place.line as i64 + 1, place.column as i64);
    let text = message.unwrap_or(code.text());
    let message = format!("{text}: line {line}, column {column}");
    match make_error(vm, code, line, column, &message) {
        Ok(exception) => vm.raise_value(exception),
        Err(raised) => raised,
    }
}

fn make_error(vm: &mut Vm, code: ErrorCode, line: i64, column: i64, message: &str) -> Py {
    let class = error_class(vm)?;
    let exception = vm.call(&class, &[new_str(message)])?;
    vm.set_attr_str(&exception, "code", &Value::int(code as i64))?;
    let position = new_tuple([Value::int(line), Value::int(column)]);
    vm.set_attr_str(&exception, "position", &position)?;
    Ok(exception)
}

// ---- the work ----

/// What a call takes out of the object to work with.
struct Work {
    parser: Box<Parser>,
    names: Vec<Option<Value>>,
    target: Value,
    is_builder: bool,
    handlers: Vec<Option<Value>>,
    /// The object is of a class that may have a method `doctype`.
    has_class: bool,
}

/// Takes the parser out, runs `work`, and puts it back.
fn with_parser<T>(
    vm: &mut Vm,
    this: &Value,
    work: impl FnOnce(&mut Vm, &mut Work) -> Py<T>,
) -> Py<T> {
    let taken = {
        let mut state = own(this).lock(vm);
        match (state.initialized, state.parser.0.take()) {
            (true, Some(parser)) => Ok(Work {
                parser,
                names: std::mem::take(&mut state.names),
                target: state.target.clone().unwrap_or_else(Value::none),
                is_builder: state.is_builder,
                handlers: state.handlers.clone(),
                has_class: !this.is_exact(&PARSER),
            }),
            (true, None) => Err(true),
            (false, _) => Err(false),
        }
    };
    let mut taken = match taken {
        Ok(taken) => taken,
        Err(true) => return Err(vm.runtime_error("XMLParser is already parsing")),
        Err(false) => return Err(vm.value_error("XMLParser.__init__() wasn't called")),
    };
    let result = work(vm, &mut taken);
    let mut state = own(this).lock(vm);
    // `__init__` may have been called meanwhile.
    if state.parser.is_none() {
        state.parser.0 = Some(taken.parser);
        state.names = taken.names;
    }
    drop(state);
    result
}

/// Bytes that are taken at a time.
const CHUNK: usize = 1 << 20;

fn parse(vm: &mut Vm, this: &Value, work: &mut Work, data: &[u8], last: bool) -> Py<()> {
    work.parser.set_interest(interest(vm, work));
    let mut rest = data;
    loop {
        let (chunk, more) = rest.split_at(rest.len().min(CHUNK));
        rest = more;
        let fed = work.parser.feed(chunk, last && rest.is_empty());
        let parsed = match fed {
            Ok(()) => drain(vm, this, work)?,
            Err(code) => Err(code),
        };
        if let Err(code) = parsed {
            return Err(raise(vm, code, &mut work.parser, None));
        }
        if rest.is_empty() {
            return Ok(());
        }
        vm.safepoint()?;
    }
}

fn interest(vm: &mut Vm, work: &Work) -> u32 {
    let mut interest = want::UNKNOWN_ENCODING | want::DEFAULT;
    if work.has_class {
        interest |= want::START_DOCTYPE;
    }
    if work.is_builder {
        interest |= want::START_ELEMENT | want::END_ELEMENT | want::TEXT | want::MERGED_TEXT;
        let state = builder::own(&work.target).lock(vm);
        for (kind, bit) in [(Kind::Comment, want::COMMENT), (Kind::Pi, want::PI)] {
            if state.cares_for(kind) {
                interest |= bit;
            }
        }
        for (kind, bit) in [
            (Kind::StartNs, want::START_NAMESPACE),
            (Kind::EndNs, want::END_NAMESPACE),
        ] {
            if state.wants(kind) {
                interest |= bit;
            }
        }
        return interest;
    }
    for (handler, bit) in [
        (Handler::Start, want::START_ELEMENT),
        (Handler::Data, want::TEXT),
        (Handler::End, want::END_ELEMENT),
        (Handler::Comment, want::COMMENT),
        (Handler::Pi, want::PI),
        (Handler::Doctype, want::START_DOCTYPE),
        (Handler::StartNs, want::START_NAMESPACE),
        (Handler::EndNs, want::END_NAMESPACE),
    ] {
        if work.handlers[handler as usize].is_some() {
            interest |= bit;
        }
    }
    interest
}

fn drain(vm: &mut Vm, this: &Value, work: &mut Work) -> Py<Result<(), ErrorCode>> {
    let result = match work.is_builder {
        true => drain_to_builder(vm, this, work),
        false => drain_to_target(vm, this, work),
    };
    match result {
        Ok(parsed) => Ok(parsed),
        Err(raised) => {
            // The rest of what was fed is read all the same.
            let exception = vm.take_raised(raised);
            work.parser.set_interest(0);
            while let Ok(Some(_)) = work.parser.next() {}
            Err(vm.set_pending(exception))
        }
    }
}

/// The string of a name, with its namespace in braces.
#[inline]
fn universal(names: &mut Vec<Option<Value>>, name: Name<'_>) -> Value {
    let index = name.id.index();
    if let Some(Some(value)) = names.get(index) {
        return value.clone();
    }
    new_name(names, index, name.text)
}

#[cold]
fn new_name(names: &mut Vec<Option<Value>>, index: usize, text: &str) -> Value {
    let value = match text.contains('}') {
        true => new_str(&format!("{{{text}")),
        false => new_str(text),
    };
    if names.len() <= index {
        names.resize(index + 1, None);
    }
    names[index] = Some(value.clone());
    value
}

#[inline]
fn attribute_dict(names: &mut Vec<Option<Value>>, attributes: Attributes<'_>) -> Value {
    let value = new_dict_with_capacity(attributes.len());
    let dict = value.expect::<Dict>();
    for attribute in attributes.iter() {
        let name = universal(names, attribute.name);
        drop(dict.set_name(&name, new_str(attribute.value)));
    }
    value
}

fn drain_to_builder(vm: &mut Vm, this: &Value, work: &mut Work) -> Py<Result<(), ErrorCode>> {
    let target = &work.target.clone();
    loop {
        match work.parser.next() {
            Err(code) => return Ok(Err(code)),
            Ok(None) => return Ok(Ok(())),
            Ok(Some(Event::StartElement { name, attributes })) => {
                let tag = universal(&mut work.names, name);
                let attributes = match attributes.is_empty() {
                    true => None,
                    false => Some(attribute_dict(&mut work.names, attributes)),
                };
                drop(builder::start(vm, target, tag, attributes)?);
            }
            Ok(Some(Event::Text(text))) => builder::text(vm, target, text),
            Ok(Some(Event::EndElement { .. })) => drop(builder::end(vm, target)?),
            Ok(Some(Event::Comment(text))) => {
                let text = new_str(text);
                drop(builder::comment(vm, target, &text)?);
            }
            Ok(Some(Event::Pi { target: aim, data })) => {
                let (aim, data) = (new_str(aim), new_str(data));
                drop(builder::pi(vm, target, &aim, &data)?);
            }
            Ok(Some(Event::StartNamespace { prefix, uri })) => {
                let pair = namespace_pair(prefix, uri);
                builder::event(vm, target, Kind::StartNs, &new_tuple(pair))?;
            }
            Ok(Some(Event::EndNamespace { .. })) => {
                builder::event(vm, target, Kind::EndNs, &Value::none())?;
            }
            Ok(Some(event)) => {
                let rare = Rare::of(event);
                rare_event(vm, this, work, rare)?;
                continue;
            }
        }
    }
}

fn namespace_pair(prefix: Option<&str>, uri: Option<&str>) -> [Value; 2] {
    [new_str(prefix.unwrap_or("")), new_str(uri.unwrap_or(""))]
}

fn drain_to_target(vm: &mut Vm, this: &Value, work: &mut Work) -> Py<Result<(), ErrorCode>> {
    loop {
        let names = &mut work.names;
        let (handler, args) = match work.parser.next() {
            Err(code) => return Ok(Err(code)),
            Ok(None) => return Ok(Ok(())),
            Ok(Some(event)) => match event {
                Event::StartElement { name, attributes } => {
                    let tag = universal(names, name);
                    (Handler::Start, vec![tag, attribute_dict(names, attributes)])
                }
                Event::EndElement { name } => (Handler::End, vec![universal(names, name)]),
                Event::Text(text) => (Handler::Data, vec![new_str(text)]),
                Event::Comment(text) => (Handler::Comment, vec![new_str(text)]),
                Event::Pi { target, data } => (Handler::Pi, vec![new_str(target), new_str(data)]),
                Event::StartNamespace { prefix, uri } => {
                    (Handler::StartNs, namespace_pair(prefix, uri).into())
                }
                Event::EndNamespace { prefix } => {
                    (Handler::EndNs, vec![new_str(prefix.unwrap_or(""))])
                }
                event => {
                    let rare = Rare::of(event);
                    rare_event(vm, this, work, rare)?;
                    continue;
                }
            },
        };
        let function = work.handlers[handler as usize].clone();
        if let Some(function) = function {
            drop(vm.call(&function, &args)?);
        }
        vm.safepoint()?;
    }
}

/// What targets of both kinds have in common.
enum Rare {
    Entity(Value),
    Doctype([Value; 3]),
    Encoding(String),
    Nothing,
}

impl Rare {
    #[cold]
    fn of(event: Event<'_>) -> Rare {
        let optional = |text: Option<&str>| text.map_or_else(Value::none, new_str);
        match event {
            // A reference to what was not read; everything else that comes this way is of no interest.
            Event::Default(text) => match text.strip_prefix('&') {
                Some(name) => Rare::Entity(new_str(name.trim_end_matches(';'))),
                None => Rare::Nothing,
            },
            Event::StartDoctype {
                name,
                system_id,
                public_id,
                ..
            } => Rare::Doctype([new_str(name), optional(public_id), optional(system_id)]),
            Event::UnknownEncoding { name } => Rare::Encoding(name.to_owned()),
            _ => Rare::Nothing,
        }
    }
}

#[cold]
fn rare_event(vm: &mut Vm, this: &Value, work: &mut Work, rare: Rare) -> Py<()> {
    match rare {
        Rare::Nothing => Ok(()),
        Rare::Encoding(name) => {
            let table = encoding_table(vm, &name)?;
            work.parser.set_encoding_table(table);
            Ok(())
        }
        Rare::Entity(entity) => {
            let known = own(this).lock(vm).entity.clone();
            let found = match known.as_ref().and_then(|dict| dict.cast::<Dict>()) {
                Some(dict) => dict.get_name(&entity),
                None => None,
            };
            let Some(text) = found else {
                let shown = str_of(&entity)
                    .map(|text| text.to_lossy())
                    .unwrap_or_default();
                let message = format!("undefined entity &{shown};");
                let code = ErrorCode::UndefinedEntity;
                return Err(raise(vm, code, &mut work.parser, Some(&message)));
            };
            if work.is_builder {
                builder::add_data(vm, &work.target, &text);
                return Ok(());
            }
            match work.handlers[Handler::Data as usize].clone() {
                Some(function) => vm.call(&function, &[text]).map(drop),
                None => Ok(()),
            }
        }
        Rare::Doctype(args) => {
            let handler = work.handlers.get(Handler::Doctype as usize);
            if let Some(Some(function)) = handler.cloned() {
                return vm.call(&function, &args).map(drop);
            }
            if vm.get_attr_opt(this, &name("doctype"))?.is_some() {
                let message = "The doctype() method of XMLParser is ignored.  \
                               Define doctype() method on the TreeBuilder target.";
                vm.warn(&types::RUNTIME_WARNING, message, 1)?;
            }
            Ok(())
        }
    }
}

// ---- methods ----

fn feed(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    if is_str(data) {
        let text = match str_of(data).and_then(|text| text.ascii()) {
            Some(ascii) => std::borrow::Cow::Borrowed(ascii.as_bytes()),
            None => std::borrow::Cow::Owned(utf8(vm, data)?),
        };
        with_parser(vm, this, |vm, work| {
            work.parser.set_encoding_name(Some("utf-8"));
            parse(vm, this, work, &text, false)
        })?;
        return Ok(Value::none());
    }
    let bytes = bytes_like(vm, data)?;
    with_parser(vm, this, |vm, work| parse(vm, this, work, &bytes, false))?;
    Ok(Value::none())
}

fn flush(vm: &mut Vm, this: &Value) -> Py {
    with_parser(vm, this, |vm, work| {
        let deferral = work.parser.deferral();
        work.parser.set_deferral(false);
        let result = parse(vm, this, work, b"", false);
        work.parser.set_deferral(deferral);
        result
    })?;
    Ok(Value::none())
}

/// The end of the document, and what the target makes of it.
fn finish(vm: &mut Vm, this: &Value, work: &mut Work) -> Py {
    parse(vm, this, work, b"", true)?;
    if work.is_builder {
        return Ok(builder::done(vm, &work.target));
    }
    Ok(Value::none())
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    let (result, handler) = with_parser(vm, this, |vm, work| {
        let result = finish(vm, this, work)?;
        let handler = work.handlers.get(Handler::Close as usize).cloned();
        Ok((result, handler.flatten()))
    })?;
    match handler {
        Some(handler) => vm.call(&handler, &[]),
        None => Ok(result),
    }
}

/// Bytes that are read at a time.
const READ_SIZE: i64 = 64 * 1024;

fn parse_whole(vm: &mut Vm, this: &Value, file: &Value) -> Py {
    if !own(this).lock(vm).initialized {
        return Err(vm.value_error("XMLParser.__init__() wasn't called"));
    }
    let read = vm.get_attr(file, &name("read"))?;
    with_parser(vm, this, |vm, work| {
        loop {
            let data = vm.call(&read, &[Value::int(READ_SIZE)])?;
            if is_str(&data) {
                if str_of(&data).is_some_and(|text| text.is_empty()) {
                    break;
                }
                let pass = Some("surrogatepass");
                let data = taipan_types::codec::encode_str(vm, &data, Some("utf-8"), pass)?;
                work.parser.set_encoding_name(Some("utf-8"));
                parse(vm, this, work, bytes_of(&data).unwrap_or(&[]), false)?;
            } else {
                match bytes_of(&data) {
                    Some(bytes) if !bytes.is_empty() => parse(vm, this, work, bytes, false)?,
                    _ => break,
                }
            }
        }
        finish(vm, this, work)
    })
}

fn set_events(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let (initialized, target) = {
        let state = own(this).lock(vm);
        (state.initialized, state.target.clone())
    };
    if !initialized {
        return Err(vm.value_error("XMLParser.__init__() wasn't called"));
    }
    let Some(target) = target.filter(|target| target.is_exact(&BUILDER)) else {
        let message = "event handling only supported for ElementTree.TreeBuilder targets";
        return Err(vm.type_error(message));
    };
    let append = vm.get_attr(&args[0], &name("append"))?;
    let mut wanted: [Option<Value>; EVENT_NAMES.len()] = Default::default();
    match args.get(1).filter(|events| !events.is_none()) {
        None => wanted[Kind::End as usize] = Some(name("end")),
        Some(events) => {
            let slots = events.type_of().slots();
            if slots.iter.is_none() && slots.get_item.is_none() {
                return Err(vm.type_error("events must be a sequence"));
            }
            for event in vm.to_vec(events)? {
                let Some(text) = str_of(&event).map(|text| text.to_lossy()) else {
                    return Err(vm.value_error("invalid events sequence"));
                };
                match EVENT_NAMES.iter().position(|known| *known == text) {
                    Some(index) => wanted[index] = Some(event),
                    None => return Err(vm.value_error(format!("unknown event '{text}'"))),
                }
            }
        }
    }
    let old = {
        let mut state = builder::own(&target).lock(vm);
        let events = builder::Events {
            append: Some(append),
            wanted,
        };
        state.set_events(events)
    };
    drop(old);
    Ok(Value::none())
}
