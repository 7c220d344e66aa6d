//! `re.Pattern` and the scanner.

use super::match_object::{Match, new_match};
use super::matcher::{Ending, Registers};
use super::program::Program;
use super::subject::{Subject, join, window};
use super::template::{Template, expand};
use taipan_core::alloc::new_instance;
use taipan_core::buffer::Buffer;
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Bound, CompareOp, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Slots, Tracer, Type,
    TypeFlags, TypeObject, TypeSpec, Value, Vm, bound, f0, f1, getter, name,
};
use taipan_types::codec::registry::import;
use taipan_types::list::new_list;

/// The type `re.Pattern`.
pub static PATTERN: TypeObject = Type::declare("re.Pattern");
/// The type `_sre.SRE_Scanner`.
pub static SCANNER: TypeObject = Type::declare("_sre.SRE_Scanner");

/// Payload of patterns.
pub struct Pattern {
    pub pattern: Value,
    pub flags: i64,
    pub groups: usize,
    /// Names to group numbers, a dict.
    pub group_index: Value,
    /// Names of the groups by number, a tuple.
    pub index_group: Value,
    pub code: Vec<u32>,
    pub program: Program,
    /// The kind of subject; `None` if the pattern says nothing.
    pub is_bytes: Option<bool>,
}

// SAFETY: pattern text and the two tables are the only references.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for Pattern {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &PATTERN
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.pattern);
        tracer.visit(&self.group_index);
        tracer.visit(&self.index_group);
    }
    fn outside_size(&self) -> usize {
        self.code.len() * 4
    }
}

fn own(this: &Value) -> &Obj<Pattern> {
    this.expect::<Pattern>()
}

// ---- single matches ----

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Match,
    FullMatch,
    Search,
}

fn find(vm: &mut Vm, this: &Value, args: &Bound, kind: Kind) -> Py {
    let pattern = own(this);
    let subject = Subject::new(vm, pattern, args.req(0))?;
    let window = window(vm, args.get(1), args.get(2), subject.len())?;
    if window.0 > window.1 {
        return Ok(Value::none());
    }
    let mut registers = Registers::new(&pattern.program);
    let ending = Ending {
        full: kind == Kind::FullMatch,
        not_empty_at: None,
    };
    let found = match kind {
        Kind::Search => subject.search(vm, pattern, &mut registers, window, ending)?,
        _ => subject.match_at(vm, pattern, &mut registers, window, ending)?,
    };
    Ok(match found {
        Some(whole) => new_match(pattern, &subject, window, whole, &registers),
        None => Value::none(),
    })
}

fn match_method(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    find(vm, this, args, Kind::Match)
}

fn fullmatch(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    find(vm, this, args, Kind::FullMatch)
}

fn search(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    find(vm, this, args, Kind::Search)
}

// ---- all matches ----

/// Goes from match to match.
struct Walk<'a> {
    pattern: &'a Obj<Pattern>,
    subject: &'a Subject,
    registers: Registers,
    window: (usize, usize),
    at: usize,
    /// An empty match is not allowed here: the last match was one.
    not_empty_at: Option<usize>,
}

impl<'a> Walk<'a> {
    fn new(pattern: &'a Obj<Pattern>, subject: &'a Subject, window: (usize, usize)) -> Walk<'a> {
        Walk {
            pattern,
            subject,
            registers: Registers::new(&pattern.program),
            window,
            at: window.0,
            not_empty_at: None,
        }
    }

    fn next(&mut self, vm: &mut Vm) -> Py<Option<(usize, usize)>> {
        if self.at > self.window.1 {
            return Ok(None);
        }
        let ending = Ending {
            full: false,
            not_empty_at: self.not_empty_at,
        };
        let window = (self.at, self.window.1);
        let found = self
            .subject
            .search(vm, self.pattern, &mut self.registers, window, ending)?;
        match found {
            Some((start, end)) => {
                self.at = end;
                self.not_empty_at = (start == end).then_some(end);
            }
            None => self.at = self.window.1 + 1,
        }
        Ok(found)
    }

    fn group(&self, vm: &mut Vm, group: usize) -> Py<Option<Value>> {
        let (start, end) = (
            self.registers.marks[group * 2 - 2],
            self.registers.marks[group * 2 - 1],
        );
        if start == super::matcher::UNSET || end == super::matcher::UNSET || start > end {
            return Ok(None);
        }
        self.subject.part(vm, start, end).map(Some)
    }
}

fn findall(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let pattern = own(this);
    let subject = Subject::new(vm, pattern, args.req(0))?;
    let window = window(vm, args.get(1), args.get(2), subject.len())?;
    let mut walk = Walk::new(pattern, &subject, window);
    let mut out = Vec::new();
    let empty = subject.part(vm, 0, 0)?;
    while let Some((start, end)) = walk.next(vm)? {
        out.push(match pattern.groups {
            0 => subject.part(vm, start, end)?,
            1 => walk.group(vm, 1)?.unwrap_or_else(|| empty.clone()),
            groups => {
                let mut row = Vec::with_capacity(groups);
                for group in 1..=groups {
                    row.push(walk.group(vm, group)?.unwrap_or_else(|| empty.clone()));
                }
                new_tuple(row)
            }
        });
    }
    Ok(new_list(out))
}

fn split(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let pattern = own(this);
    let limit = match args.get(1) {
        Some(limit) => vm.index_i64(limit)?,
        None => 0,
    };
    let subject = Subject::new(vm, pattern, args.req(0))?;
    let mut walk = Walk::new(pattern, &subject, (0, subject.len()));
    let mut out = Vec::new();
    let (mut done, mut cuts) = (0, 0);
    while limit == 0 || cuts < limit {
        let Some((start, end)) = walk.next(vm)? else {
            break;
        };
        out.push(subject.part(vm, done, start)?);
        for group in 1..=pattern.groups {
            out.push(walk.group(vm, group)?.unwrap_or_else(Value::none));
        }
        done = end;
        cuts += 1;
    }
    out.push(subject.part(vm, done, subject.len())?);
    Ok(new_list(out))
}

/// The template of a replacement text, by `re._compile_template`: a literal, or a [`Template`].
pub fn compiled_template(vm: &mut Vm, pattern: &Value, replacement: &Value) -> Py {
    let module = import(vm, "re")?;
    let function = vm.get_attr(&module, name!("_compile_template"))?;
    vm.call(&function, &[pattern.clone(), replacement.clone()])
}

/// What stands in for a match.
enum Filter {
    Literal(Value),
    Template(Value),
    Function(Value),
}

fn filter(vm: &mut Vm, this: &Value, replacement: &Value) -> Py<Filter> {
    if vm.is_callable(replacement) {
        return Ok(Filter::Function(replacement.clone()));
    }
    // Text without a backslash needs no parsing.
    let plain = match taipan_types::str::text_of(replacement) {
        Some(text) => taipan_base::text::find_char(text, 0x5C).is_none(),
        None if replacement.type_of().slots().buffer.is_some() => {
            let data = taipan_types::buffer::bytes_like(vm, replacement)?;
            memchr::memchr(b'\\', &data).is_none()
        }
        None => false,
    };
    if plain {
        return Ok(Filter::Literal(replacement.clone()));
    }
    let template = compiled_template(vm, this, replacement)?;
    Ok(if template.cast::<Template>().is_some() {
        Filter::Template(template)
    } else if vm.is_callable(&template) {
        Filter::Function(template)
    } else {
        Filter::Literal(template)
    })
}

fn substitute(vm: &mut Vm, this: &Value, args: &Bound) -> Py<(Value, i64)> {
    let pattern = own(this);
    let limit = match args.get(2) {
        Some(limit) => vm.index_i64(limit)?,
        None => 0,
    };
    let subject = Subject::new(vm, pattern, args.req(1))?;
    let filter = filter(vm, this, args.req(0))?;
    let window = (0, subject.len());
    let mut walk = Walk::new(pattern, &subject, window);
    let mut parts = Vec::new();
    let (mut done, mut times) = (0, 0);
    while limit == 0 || times < limit {
        let Some((start, end)) = walk.next(vm)? else {
            break;
        };
        if start > done {
            parts.push(subject.part(vm, done, start)?);
        }
        let part = match &filter {
            Filter::Literal(text) => text.clone(),
            Filter::Template(template) => {
                let found = new_match(pattern, &subject, window, (start, end), &walk.registers);
                let template = template.expect::<Template>();
                expand(vm, template, found.expect::<Match>(), subject.is_bytes())?
            }
            Filter::Function(function) => {
                let found = new_match(pattern, &subject, window, (start, end), &walk.registers);
                vm.call(function, &[found])?
            }
        };
        if !part.is_none() {
            parts.push(part);
        }
        done = end;
        times += 1;
    }
    if times == 0 {
        return Ok((subject.part(vm, 0, subject.len())?, 0));
    }
    if done < subject.len() {
        parts.push(subject.part(vm, done, subject.len())?);
    }
    let made = join(vm, subject.is_bytes(), &parts)?;
    Ok((made, times))
}

fn sub(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    Ok(substitute(vm, this, args)?.0)
}

fn subn(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let (made, times) = substitute(vm, this, args)?;
    Ok(new_tuple([made, Value::int(times)]))
}

// ---- the scanner ----

/// Where a scanner stands.
pub struct Progress {
    at: usize,
    not_empty_at: Option<usize>,
}

/// Payload of scanners.
pub struct Scanner {
    pattern: Value,
    string: Value,
    /// Keeps a subject of bytes as long as it is.
    held: Option<Buffer>,
    window: (usize, usize),
    progress: Locked<Progress>,
}

impl HasState for Scanner {
    type State = Progress;
    fn cell(&self) -> &Locked<Progress> {
        &self.progress
    }
}

// SAFETY: pattern and subject are the only references.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for Scanner {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &SCANNER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.pattern);
        tracer.visit(&self.string);
        if let Some(held) = &self.held {
            tracer.visit(&held.owner);
        }
    }
}

fn scanner(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let pattern = own(this);
    let subject = Subject::new(vm, pattern, args.req(0))?;
    let window = window(vm, args.get(1), args.get(2), subject.len())?;
    let held = if subject.is_bytes() {
        Some(taipan_types::buffer::get(vm, args.req(0), 0)?)
    } else {
        None
    };
    Ok(new_instance(
        &SCANNER,
        Scanner {
            pattern: this.clone(),
            string: args.req(0).clone(),
            held,
            window,
            progress: Locked::new(Progress {
                at: window.0,
                not_empty_at: None,
            }),
        },
    ))
}

fn finditer(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let scanner = scanner(vm, this, args)?;
    let search = vm.get_attr(&scanner, name!("search"))?;
    Ok(taipan_types::iterators::new_callable_iterator(
        &search,
        &Value::none(),
    ))
}

fn scan(vm: &mut Vm, this: &Value, kind: Kind) -> Py {
    let scanner = this.expect::<Scanner>();
    let pattern = own(&scanner.pattern);
    let (at, not_empty_at) = {
        let progress = scanner.lock(vm);
        (progress.at, progress.not_empty_at)
    };
    let subject = Subject::new(vm, pattern, &scanner.string)?;
    let end = scanner.window.1.min(subject.len());
    if at > end {
        return Ok(Value::none());
    }
    let mut registers = Registers::new(&pattern.program);
    let ending = Ending {
        full: false,
        not_empty_at,
    };
    let found = match kind {
        Kind::Search => subject.search(vm, pattern, &mut registers, (at, end), ending)?,
        _ => subject.match_at(vm, pattern, &mut registers, (at, end), ending)?,
    };
    let mut progress = scanner.lock(vm);
    match found {
        Some(whole) => {
            progress.at = whole.1;
            progress.not_empty_at = (whole.0 == whole.1).then_some(whole.1);
            drop(progress);
            Ok(new_match(
                pattern,
                &subject,
                scanner.window,
                whole,
                &registers,
            ))
        }
        None => {
            progress.at = usize::MAX;
            Ok(Value::none())
        }
    }
}

fn scanner_match(vm: &mut Vm, this: &Value) -> Py {
    scan(vm, this, Kind::Match)
}

fn scanner_search(vm: &mut Vm, this: &Value) -> Py {
    scan(vm, this, Kind::Search)
}

// ---- the object ----

const FLAG_NAMES: [(i64, &str); 9] = [
    (1, "re.TEMPLATE"),
    (2, "re.IGNORECASE"),
    (4, "re.LOCALE"),
    (8, "re.MULTILINE"),
    (16, "re.DOTALL"),
    (32, "re.UNICODE"),
    (64, "re.VERBOSE"),
    (128, "re.DEBUG"),
    (256, "re.ASCII"),
];

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let pattern = own(this);
    let mut flags = pattern.flags;
    if pattern.is_bytes == Some(false) && flags & (4 | 32 | 256) == 32 {
        flags &= !32;
    }
    let mut names = Vec::new();
    for (bit, name) in FLAG_NAMES {
        if flags & bit != 0 {
            flags &= !bit;
            names.push(name.to_owned());
        }
    }
    if flags != 0 {
        names.push(format!("0x{flags:x}"));
    }
    let mut shown = vm.repr_string(&pattern.pattern)?;
    if shown.chars().count() > 200 {
        shown = shown.chars().take(200).collect();
    }
    let text = if names.is_empty() {
        format!("re.compile({shown})")
    } else {
        format!("re.compile({shown}, {})", names.join("|"))
    };
    Ok(new_str(&text))
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (a.cast::<Pattern>(), b.cast::<Pattern>()) else {
        return Ok(Value::not_implemented());
    };
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let same = a.is(b)
        || left.flags == right.flags
            && left.is_bytes == right.is_bytes
            && left.code == right.code
            && vm.equal(&left.pattern, &right.pattern)?;
    Ok(Value::bool(same == (op == CompareOp::Eq)))
}

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    let pattern = own(this);
    let mut hash = vm.hash(&pattern.pattern)?;
    for word in &pattern.code {
        hash = hash.wrapping_mul(1_000_003) ^ *word as i64;
    }
    hash ^= pattern.flags ^ pattern.groups as i64;
    Ok(if hash == -1 { -2 } else { hash })
}

fn group_index(vm: &mut Vm, this: &Value) -> Py {
    let names = own(this).group_index.clone();
    (vm.interpreter().hooks.mapping_proxy)(vm, &names)
}

fn copy(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

fn deepcopy(_vm: &mut Vm, this: &Value, _memo: &Value) -> Py {
    Ok(this.clone())
}

static METHODS: [MethodDef; 12] = [
    bound(
        "match(self, /, string, pos=0, endpos=sys.maxsize)",
        match_method,
        "Matches at the start of the string.",
    ),
    bound(
        "fullmatch(self, /, string, pos=0, endpos=sys.maxsize)",
        fullmatch,
        "Matches the whole string.",
    ),
    bound(
        "search(self, /, string, pos=0, endpos=sys.maxsize)",
        search,
        "Looks for the first match; None if there is none.",
    ),
    bound(
        "sub(self, /, repl, string, count=0)",
        sub,
        "The string with matches replaced by repl.",
    ),
    bound(
        "subn(self, /, repl, string, count=0)",
        subn,
        "The string with matches replaced by repl, and how many there were.",
    ),
    bound(
        "findall(self, /, string, pos=0, endpos=sys.maxsize)",
        findall,
        "A list of all matches: their texts or groups.",
    ),
    bound(
        "split(self, /, string, maxsplit=0)",
        split,
        "The parts of the string between matches.",
    ),
    bound(
        "finditer(self, /, string, pos=0, endpos=sys.maxsize)",
        finditer,
        "An iterator over all matches.",
    ),
    bound(
        "scanner(self, /, string, pos=0, endpos=sys.maxsize)",
        scanner,
        "",
    ),
    f0("__copy__(self, /)", copy, ""),
    f1("__deepcopy__(self, memo, /)", deepcopy, ""),
    f1(
        "__class_getitem__(type, object, /)",
        taipan_types::check::class_getitem,
        "See PEP 585.",
    )
    .class_method(),
];

static GETSET: [GetSetDef; 4] = [
    getter(
        "pattern",
        |_, this| Ok(own(this).pattern.clone()),
        "The text it was compiled from.",
    ),
    getter(
        "flags",
        |_, this| Ok(Value::int(own(this).flags)),
        "The flags.",
    ),
    getter(
        "groups",
        |_, this| Ok(Value::int(own(this).groups as i64)),
        "Number of groups.",
    ),
    getter(
        "groupindex",
        group_index,
        "Names of groups to their numbers.",
    ),
];

static SCANNER_METHODS: [MethodDef; 2] = [
    f0("match(self, /)", scanner_match, ""),
    f0("search(self, /)", scanner_search, ""),
];

static SCANNER_GETSET: [GetSetDef; 1] = [getter(
    "pattern",
    |_, this| Ok(this.expect::<Scanner>().pattern.clone()),
    "",
)];

static LAYOUT: Layout = Layout::of::<Pattern>();
static SCANNER_LAYOUT: Layout = Layout::of::<Scanner>();

static SPEC: TypeSpec = TypeSpec {
    name: "re.Pattern",
    flags: TypeFlags::WEAKREF.union(TypeFlags::NO_INSTANTIATION),
    layout: Some(&LAYOUT),
    slots: Slots {
        repr: Some(repr),
        compare: Some(compare),
        hash: Some(hash),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "A compiled regular expression.",
    ..TypeSpec::DEFAULT
};

static SCANNER_SPEC: TypeSpec = TypeSpec {
    name: "_sre.SRE_Scanner",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&SCANNER_LAYOUT),
    methods: &SCANNER_METHODS,
    getset: &SCANNER_GETSET,
    ..TypeSpec::DEFAULT
};

pub fn define() {
    PATTERN.define(&SPEC);
    SCANNER.define(&SCANNER_SPEC);
}
