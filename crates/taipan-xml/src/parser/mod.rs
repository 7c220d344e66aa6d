//! The parser: what it keeps, how it is driven, and how what it finds becomes events.

mod content;
mod declarations;
mod events;
mod external;
mod prolog;
mod tag;
mod values;
mod xml_decl;

use crate::decode::Encoding;
use crate::document::Document;
use crate::dtd::{Declarations, ModelBuilder};
use crate::error::ErrorCode;
use crate::event::Event;
use crate::limits::Limits;
use crate::names::NameId;
use crate::place::Place;
use crate::roles::Roles;
use crate::scan::{RawAttribute, Scanner};
pub use events::Attributes;
use external::Slot;
use prolog::Declared;
use std::collections::VecDeque;
use std::sync::Arc;

/// Whether parameter entities, the external subset among them, are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParamEntityParsing {
    Never,
    UnlessStandalone,
    Always,
}

/// How a parser begins.
#[derive(Clone, Copy, Default)]
pub struct Options<'a> {
    /// The encoding, if the caller knows it; it wins over what the document says.
    pub encoding: Option<&'a str>,
    /// Names are expanded with their namespaces; the byte separates the parts (0 for none).
    pub namespaces: Option<u8>,
}

/// Where text is that an event lends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Source {
    /// The innermost open entity, or else the document.
    Current,
    Scratch,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Span {
    source: Source,
    start: usize,
    end: usize,
}

impl Span {
    fn current(start: usize, end: usize) -> Span {
        Span {
            source: Source::Current,
            start,
            end,
        }
    }
    fn scratch(start: usize, end: usize) -> Span {
        Span {
            source: Source::Scratch,
            start,
            end,
        }
    }
}

/// An event before it borrows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Start(NameId),
    End(NameId),
    Text(Span),
    Pi { target: Span, data: Span },
    Comment(Span),
    StartCdata,
    EndCdata,
    Default(Span),
    StartNamespace(usize),
    EndNamespace(usize),
    Skipped { name: Span, is_parameter: bool },
    StartDoctype { internal: bool },
    EndDoctype,
    EntityDecl,
    UnparsedEntity,
    Notation,
    NotStandalone,
    External,
    XmlDecl,
    ElementDecl,
    AttlistDecl { required: bool },
    UnknownEncoding,
}

type Stepped = Result<Option<Step>, ErrorCode>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Prolog,
    /// An external entity's text declaration may come.
    TextDecl,
    Content,
    Cdata,
    Epilog,
    /// Everything was read.
    Done,
    Failed(ErrorCode),
}

/// What remains to be told of the tag that was read last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Todo {
    Nothing,
    /// The bindings from this one on.
    Namespaces(usize),
    Start,
    /// The end of an element without content.
    EmptyEnd,
    /// The end of the bindings of the element that just ended; so many are left then.
    EndNamespaces(usize),
}

/// An element that is open.
#[derive(Clone, Copy)]
struct Tag {
    raw: NameId,
    name: NameId,
    /// How many bindings there were in front of it.
    bindings: usize,
}

/// A prefix means a namespace while an element is open.
struct Binding {
    prefix: usize,
    uri: Option<NameId>,
    before: Option<NameId>,
}

#[derive(Clone, Copy)]
struct StoredAttribute {
    name: NameId,
    value: Span,
}

/// An entity whose text is being read.
struct OpenEntity {
    index: usize,
    text: Arc<str>,
    pos: usize,
    /// Elements that were open in front of it.
    level: usize,
    between_declarations: bool,
}

/// A parser of one document or external entity.
pub struct Parser {
    doc: Document,
    open: Vec<OpenEntity>,
    decls: Box<Declarations>,
    slot: Slot,
    interest: u32,
    phase: Phase,
    roles: Roles,
    namespaces: Option<u8>,
    triplets: bool,
    tags: Vec<Tag>,
    bindings: Vec<Binding>,
    raw_attributes: Vec<RawAttribute>,
    attributes: Vec<StoredAttribute>,
    specified: usize,
    /// Where the last tag begins and ends.
    tag_start: usize,
    tag_end: usize,
    tag_empty: bool,
    scratch: String,
    todo: Todo,
    tasks: VecDeque<prolog::Task>,
    /// What is wrong with what was read last, to be told after its events.
    failing: Option<ErrorCode>,
    /// Number of start tags so far.
    serial: u64,
    declared: Declared,
    model: ModelBuilder,
    answer: bool,
    table: Option<Box<[Option<char>; 256]>>,
    base: Option<Arc<str>>,
    limits: Arc<Limits>,
    is_root: bool,
    param_entity_parsing: ParamEntityParsing,
    foreign_dtd: bool,
    /// It is an external general entity: content without a document around.
    fragment: bool,
    /// It is an external parameter entity or the external subset.
    param_entity: bool,
    /// The name of the encoding that the caller gave.
    protocol_encoding: Option<Arc<str>>,
    started: bool,
    deferral: bool,
    /// Size of an incomplete token the last time it was looked at.
    partial_before: u64,
    /// Too little came to look at it again.
    waiting: bool,
    names_size: usize,
}

impl Parser {
    pub fn new(options: Options<'_>) -> Parser {
        let mut parser = Parser::blank(Box::new(Declarations::new()), false);
        parser.namespaces = options.namespaces;
        parser.set_encoding_name(options.encoding);
        parser
    }

    fn blank(decls: Box<Declarations>, fragment: bool) -> Parser {
        Parser {
            doc: Document::new(fragment),
            open: Vec::new(),
            decls,
            slot: Slot::default(),
            interest: 0,
            phase: Phase::Prolog,
            roles: Roles::for_document(),
            namespaces: None,
            triplets: false,
            tags: Vec::new(),
            bindings: Vec::new(),
            raw_attributes: Vec::new(),
            attributes: Vec::new(),
            specified: 0,
            tag_start: 0,
            tag_end: 0,
            tag_empty: false,
            scratch: String::new(),
            todo: Todo::Nothing,
            tasks: VecDeque::new(),
            failing: None,
            serial: 0,
            declared: Declared::default(),
            model: ModelBuilder::default(),
            answer: true,
            table: None,
            base: None,
            limits: Arc::new(Limits::default()),
            is_root: true,
            param_entity_parsing: ParamEntityParsing::Never,
            foreign_dtd: false,
            fragment,
            param_entity: false,
            protocol_encoding: None,
            started: false,
            deferral: true,
            partial_before: 0,
            waiting: false,
            names_size: 0,
        }
    }

    // ---- settings ----

    /// Which events are wanted: bits of [`interest`].
    pub fn set_interest(&mut self, interest: u32) {
        self.interest = interest;
    }

    #[inline(always)]
    fn wants(&self, bits: u32) -> bool {
        self.interest & bits != 0
    }

    /// The encoding that the caller knows. False after the parser has begun.
    pub fn set_encoding_name(&mut self, name: Option<&str>) -> bool {
        if self.started {
            return false;
        }
        self.protocol_encoding = name.map(Arc::from);
        true
    }

    /// Expanded names end with their prefix. Without effect after the parser has begun.
    pub fn set_triplets(&mut self, triplets: bool) {
        if !self.started {
            self.triplets = triplets;
        }
    }

    /// False after the parser has begun.
    pub fn set_param_entity_parsing(&mut self, parsing: ParamEntityParsing) -> bool {
        if !self.started {
            self.param_entity_parsing = parsing;
        }
        !self.started
    }

    /// An external subset is asked for even if the document names none. False after the parser has begun.
    pub fn set_foreign_dtd(&mut self, foreign: bool) -> bool {
        if !self.started {
            self.foreign_dtd = foreign;
        }
        !self.started
    }

    /// Whether an incomplete token is looked at again only after much more has come.
    pub fn set_deferral(&mut self, deferral: bool) {
        self.deferral = deferral;
    }

    pub fn deferral(&self) -> bool {
        self.deferral
    }

    /// What identifiers of external entities are relative to.
    pub fn set_base(&mut self, base: Option<&str>) {
        self.base = base.map(Arc::from);
    }

    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// The limits that this parser shares with those of its external entities.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Is it the parser of the document itself?
    pub fn is_root(&self) -> bool {
        self.is_root
    }

    /// Answers the last event: whether to go on, or whether it went well.
    pub fn answer(&mut self, good: bool) {
        self.answer = good;
    }

    /// Answers [`Event::UnknownEncoding`]: the characters of all bytes. What markup is made of must be where ASCII has it, and
    /// nowhere else; if not, the encoding stays unknown.
    pub fn set_encoding_table(&mut self, table: Box<[Option<char>; 256]>) {
        let is_markup = |c: char| {
            matches!(c, '\t' | '\n' | '\r' | ' '..='~')
                && !matches!(c, '$' | '@' | '\\' | '^' | '`' | '{' | '}' | '~')
        };
        let fits = (0..=255u8).zip(table.iter()).all(|(byte, c)| {
            let own = char::from(byte);
            let here = c.is_some_and(is_markup) || is_markup(own);
            !here || *c == Some(own)
        });
        if fits {
            self.table = Some(table);
        }
    }

    // ---- driving ----

    /// Takes in more bytes; `last` says that these are the last ones.
    pub fn feed(&mut self, data: &[u8], last: bool) -> Result<(), ErrorCode> {
        match self.phase {
            Phase::Done => return Err(ErrorCode::Finished),
            Phase::Failed(ErrorCode::Aborted) => return Err(ErrorCode::Finished),
            Phase::Failed(code) => return Err(code),
            _ => {}
        }
        if self.slot.is_lent() {
            self.reclaim()?;
        }
        if !self.started {
            self.start();
        }
        if !self.doc.feed(data, last) {
            return self.fail(ErrorCode::NoMemory);
        }
        self.waiting = self.deferral
            && !last
            && self.partial_before > 0
            && self.doc.unread() < 2 * self.partial_before;
        Ok(())
    }

    fn start(&mut self) {
        self.started = true;
        if self.param_entity {
            self.decls.param_entity_read = true;
        }
        let name = self.protocol_encoding.as_deref();
        match name.map(|name| (name, Encoding::named(name))) {
            None => {}
            Some((_, Some(known))) => self.doc.set_encoding(known),
            Some((name, None)) => {
                self.declared.encoding = Some(name.into());
                self.doc.ask();
                self.tasks.push_back(prolog::Task::AskEncoding);
                self.tasks
                    .push_back(prolog::Task::UseEncoding { from_start: true });
            }
        }
    }

    /// The next event; `None` if more bytes are needed, or if there is nothing more.
    #[expect(clippy::should_implement_trait, reason = "it lends")]
    pub fn next(&mut self) -> Result<Option<Event<'_>>, ErrorCode> {
        match self.advance() {
            Ok(Some(step)) => Ok(Some(self.event(step))),
            Ok(None) => {
                self.finish_feed();
                Ok(None)
            }
            Err(code) => self.fail(code),
        }
    }

    /// All of what came in was looked at.
    fn finish_feed(&mut self) {
        if self.open.is_empty() {
            self.doc.event = Some(self.doc.pos);
        }
        self.doc.count_all();
        self.give_back();
        if self.doc.last {
            self.phase = Phase::Done;
        }
    }

    fn fail<T>(&mut self, code: ErrorCode) -> Result<T, ErrorCode> {
        self.phase = Phase::Failed(code);
        self.give_back();
        Err(code)
    }

    /// Ends parsing: whatever comes is refused.
    pub fn abort(&mut self) {
        if !matches!(self.phase, Phase::Failed(_) | Phase::Done) {
            if let Some(prolog::Task::UseEncoding { from_start: false }) = self.tasks.front() {
                self.doc.event = Some(self.declared.encoding_at);
            } else if self.open.is_empty() {
                self.doc.event = Some(self.doc.pos);
            }
            self.phase = Phase::Failed(ErrorCode::Aborted);
            self.give_back();
        }
    }

    #[inline]
    fn advance(&mut self) -> Stepped {
        if self.slot.is_lent() {
            self.reclaim()?;
        }
        loop {
            if self.todo != Todo::Nothing {
                if let Some(step) = self.pending_of_tag() {
                    return Ok(Some(step));
                }
                continue;
            }
            let step = match self.phase {
                _ if self.waiting => return Ok(None),
                _ if self.has_more_pending() => self.pending()?,
                Phase::Content => self.content()?,
                phase => self.other_phase(phase)?,
            };
            match step {
                Progress::Step(step) => return Ok(Some(step)),
                Progress::NeedMore => return Ok(None),
                Progress::Again => {}
            }
        }
    }

    #[inline(always)]
    fn has_more_pending(&self) -> bool {
        !self.tasks.is_empty() || self.failing.is_some()
    }

    fn pending(&mut self) -> Result<Progress, ErrorCode> {
        if let Some(task) = self.tasks.pop_front() {
            return Ok(Progress::of(self.run_task(task)?));
        }
        match self.failing.take() {
            Some(code) => Err(code),
            None => Ok(Progress::Again),
        }
    }

    fn other_phase(&mut self, phase: Phase) -> Result<Progress, ErrorCode> {
        match phase {
            Phase::Prolog => self.prolog(),
            Phase::TextDecl => self.text_declaration(),
            Phase::Content => self.content(),
            Phase::Cdata => self.cdata(),
            Phase::Epilog => self.epilog(),
            Phase::Done => Ok(Progress::NeedMore),
            Phase::Failed(code) => Err(code),
        }
    }

    /// Not enough text for the token that begins where the document stands.
    fn partial(&mut self) -> Result<Progress, ErrorCode> {
        if self.open.is_empty() {
            if self.doc.is_stuck() {
                return self.invalid_at(self.doc.text().len());
            }
            if !self.doc.last {
                // Nothing came of all that there is: much more is needed.
                self.partial_before = match self.doc.pos {
                    0 => self.doc.unread(),
                    _ => 0,
                };
                return Ok(Progress::NeedMore);
            }
            if self.doc.has_partial_char() {
                return Err(ErrorCode::PartialChar);
            }
        }
        Err(ErrorCode::UnclosedToken)
    }

    /// A character that cannot be where it is.
    fn invalid_at(&mut self, at: usize) -> Result<Progress, ErrorCode> {
        self.set_event(at);
        Err(ErrorCode::InvalidToken)
    }

    // ---- text ----

    /// The text that is being read, and where.
    #[inline(always)]
    fn current(&self) -> (&str, usize) {
        match self.open.last() {
            None => (self.doc.text(), self.doc.pos),
            Some(entity) => (&entity.text, entity.pos),
        }
    }

    #[inline(always)]
    fn move_to(&mut self, pos: usize) {
        match self.open.last_mut() {
            None => {
                self.doc.pos = pos;
                self.partial_before = 0;
            }
            Some(entity) => entity.pos = pos,
        }
    }

    /// The current event is here, unless an entity is being read: then it stays where the reference is.
    #[inline(always)]
    fn set_event(&mut self, at: usize) {
        if self.open.is_empty() {
            self.doc.event = Some(at);
        }
    }

    #[inline(always)]
    fn scanner<'a>(text: &'a str, namespaces: Option<u8>) -> Scanner<'a> {
        Scanner {
            bytes: text.as_bytes(),
            namespaces: namespaces.is_some(),
        }
    }

    fn text_of(&self, span: Span) -> &str {
        match span.source {
            Source::Current => &self.current().0[span.start..span.end],
            Source::Scratch => &self.scratch[span.start..span.end],
        }
    }

    /// Text with line ends as `\n`.
    fn normalized(&mut self, start: usize, end: usize) -> Span {
        let (text, _) = self.current();
        let text = &text[start..end];
        if !text.contains('\r') {
            return Span::current(start, end);
        }
        let fixed = text.replace("\r\n", "\n").replace('\r', "\n");
        let from = self.scratch.len();
        self.scratch.push_str(&fixed);
        Span::scratch(from, self.scratch.len())
    }

    /// Counts what an entity gave.
    #[inline(always)]
    fn account(&mut self, bytes: usize) -> Result<(), ErrorCode> {
        if self.open.is_empty() && self.is_root {
            return Ok(());
        }
        self.account_indirect(bytes)
    }

    fn account_indirect(&mut self, bytes: usize) -> Result<(), ErrorCode> {
        if self.is_root {
            self.limits.set_direct(self.doc.consumed());
        }
        if self.limits.add_indirect(bytes) {
            Ok(())
        } else {
            Err(ErrorCode::AmplificationLimitBreach)
        }
    }

    /// Counts memory that stays.
    fn account_memory(&mut self, bytes: usize) -> Result<(), ErrorCode> {
        if self.is_root {
            self.limits.set_direct(self.doc.consumed());
        }
        let names = self.decls.names.size();
        let grown = names.saturating_sub(self.names_size);
        self.names_size = names;
        if self.limits.add_memory(bytes + grown) {
            Ok(())
        } else {
            Err(ErrorCode::NoMemory)
        }
    }

    // ---- what can be asked ----

    /// The place of the current event.
    pub fn place(&mut self) -> Place {
        self.doc.place()
    }

    /// Bytes in front of the current event; `None` before there was one.
    pub fn byte_index(&self) -> Option<u64> {
        self.doc.event_byte()
    }

    /// The bytes from the current event on, as far as they came.
    pub fn input_context(&self) -> Option<Vec<u8>> {
        self.doc.context()
    }
}

/// What came of one token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Progress {
    Step(Step),
    /// Nothing to tell; go on.
    Again,
    NeedMore,
}

impl Progress {
    fn of(step: Option<Step>) -> Progress {
        step.map_or(Progress::Again, Progress::Step)
    }
}
