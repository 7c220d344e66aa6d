//! `re.Match`.

use super::matcher::{Registers, UNSET};
use super::pattern::{Pattern, compiled_template};
use super::subject::Subject;
use super::template::{Template, expand};
use taipan_core::alloc::new_instance;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{
    Bound, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Raised, Slots, Tracer, Type, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, bound, f0, f1, getter, slice,
};

/// The type `re.Match`.
pub static MATCH: TypeObject = Type::declare("re.Match");

/// Payload of matches. Group 0 is the whole match.
pub struct Match {
    pub pattern: Value,
    pub string: Value,
    pos: usize,
    endpos: usize,
    /// Start and end of each group; `UNSET` if it took no part.
    spans: Box<[(usize, usize)]>,
    last_index: u32,
}

// SAFETY: pattern and subject are the only references.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for Match {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &MATCH
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.pattern);
        tracer.visit(&self.string);
    }
}

impl Match {
    /// Number of groups without the whole match.
    pub fn groups(&self) -> usize {
        self.spans.len() - 1
    }
}

/// The match that a run has found.
pub fn new_match(
    pattern: &Obj<Pattern>,
    subject: &Subject,
    window: (usize, usize),
    whole: (usize, usize),
    registers: &Registers,
) -> Value {
    let mut spans = Vec::with_capacity(pattern.groups + 1);
    spans.push(whole);
    for pair in registers.marks.chunks_exact(2) {
        let set = pair[0] != UNSET && pair[1] != UNSET && pair[0] <= pair[1];
        spans.push(if set {
            (pair[0], pair[1])
        } else {
            (UNSET, UNSET)
        });
    }
    new_instance(
        &MATCH,
        Match {
            pattern: pattern.to_value(),
            string: subject.value().clone(),
            pos: window.0,
            endpos: window.1,
            spans: spans.into(),
            last_index: registers.last,
        },
    )
}

fn own(this: &Value) -> &Match {
    this.expect::<Match>()
}

fn no_such_group(vm: &mut Vm) -> Raised {
    vm.index_error("no such group")
}

/// The number of the group that a number or name means.
fn group_index(vm: &mut Vm, of: &Match, key: &Value) -> Py<usize> {
    let index = if key.is_int() || key.type_of().slots().index.is_some() {
        vm.index_clamped(key)?
    } else {
        let groups = of.pattern.expect::<Pattern>().group_index.clone();
        let found = match groups.expect::<Dict>().get(vm, key) {
            Ok(found) => found,
            Err(raised) => {
                drop(vm.take_raised(raised));
                None
            }
        };
        match found.and_then(|found| found.as_i64()) {
            Some(index) => index,
            None => return Err(no_such_group(vm)),
        }
    };
    match usize::try_from(index) {
        Ok(index) if index < of.spans.len() => Ok(index),
        _ => Err(no_such_group(vm)),
    }
}

/// A group's text, or `None`.
pub fn group_value(vm: &mut Vm, of: &Match, group: usize) -> Py {
    group_or(vm, of, group, &Value::none())
}

fn group_or(vm: &mut Vm, of: &Match, group: usize, default: &Value) -> Py {
    let (start, end) = of.spans[group];
    if start == UNSET {
        return Ok(default.clone());
    }
    let subject = Subject::of(vm, &of.string)?;
    // The subject may be a bytearray that has shrunk since.
    let len = subject.len();
    subject.part(vm, start.min(len), end.min(len))
}

fn group(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    match args {
        [] => group_value(vm, own(this), 0),
        [key] => get_item(vm, this, key),
        keys => {
            let mut out = Vec::with_capacity(keys.len());
            for key in keys {
                out.push(get_item(vm, this, key)?);
            }
            Ok(new_tuple(out))
        }
    }
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    let index = group_index(vm, own(this), key)?;
    group_value(vm, own(this), index)
}

fn span_of(vm: &mut Vm, this: &Value, args: &[Value]) -> Py<(i64, i64)> {
    let index = match args.first() {
        Some(key) => group_index(vm, own(this), key)?,
        None => 0,
    };
    Ok(shown(own(this).spans[index]))
}

fn shown((start, end): (usize, usize)) -> (i64, i64) {
    if start == UNSET {
        (-1, -1)
    } else {
        (start as i64, end as i64)
    }
}

fn start(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    Ok(Value::int(span_of(vm, this, args)?.0))
}

fn end(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    Ok(Value::int(span_of(vm, this, args)?.1))
}

fn pair((start, end): (i64, i64)) -> Value {
    new_tuple([Value::int(start), Value::int(end)])
}

fn span(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    span_of(vm, this, args).map(pair)
}

fn groups(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let default = args.get(0).cloned().unwrap_or_else(Value::none);
    let of = own(this);
    let mut out = Vec::with_capacity(of.groups());
    for group in 1..of.spans.len() {
        out.push(group_or(vm, of, group, &default)?);
    }
    Ok(new_tuple(out))
}

fn groupdict(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let default = args.get(0).cloned().unwrap_or_else(Value::none);
    let of = own(this);
    let names = of.pattern.expect::<Pattern>().group_index.clone();
    let out = new_dict();
    for (name, index) in names.expect::<Dict>().items() {
        let group = index.as_i64().unwrap_or(0) as usize;
        let value = group_or(vm, of, group.min(of.groups()), &default)?;
        out.expect::<Dict>().insert(vm, &name, value)?;
    }
    Ok(out)
}

fn expand_method(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let of = own(this);
    let template = compiled_template(vm, &of.pattern, args.req(0))?;
    match template.cast::<Template>() {
        Some(template) => {
            let is_bytes = Subject::of(vm, &of.string)?.is_bytes();
            expand(vm, template, of, is_bytes)
        }
        None => Ok(template),
    }
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let of = own(this);
    let (start, end) = of.spans[0];
    let whole = group_value(vm, of, 0)?;
    let mut shown = vm.repr_string(&whole)?;
    if shown.chars().count() > 50 {
        shown = shown.chars().take(50).collect();
    }
    let text = format!("<re.Match object; span=({start}, {end}), match={shown}>");
    Ok(new_str(&text))
}

fn regs(_vm: &mut Vm, this: &Value) -> Py {
    let spans = own(this).spans.iter().map(|span| pair(shown(*span)));
    Ok(new_tuple(spans))
}

fn last_index(_vm: &mut Vm, this: &Value) -> Py {
    Ok(match own(this).last_index {
        0 => Value::none(),
        index => Value::int(index as i64),
    })
}

fn last_group(_vm: &mut Vm, this: &Value) -> Py {
    let of = own(this);
    let names = &of.pattern.expect::<Pattern>().index_group;
    let name = items(names).and_then(|names| names.get(of.last_index as usize));
    Ok(match name {
        Some(name) if of.last_index > 0 => name.clone(),
        _ => Value::none(),
    })
}

fn copy(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

fn deepcopy(_vm: &mut Vm, this: &Value, _memo: &Value) -> Py {
    Ok(this.clone())
}

static METHODS: [MethodDef; 10] = [
    slice(
        "group(self, /, *groups)",
        group,
        "The text of one or more groups; of the whole match without arguments.",
    ),
    slice("start(self, group=0, /)", start, "Where the group begins."),
    slice("end(self, group=0, /)", end, "Where the group ends."),
    slice(
        "span(self, group=0, /)",
        span,
        "Where the group begins and ends; (-1, -1) if it took no part.",
    ),
    bound(
        "groups(self, /, default=None)",
        groups,
        "The texts of all groups; default for those that took no part.",
    ),
    bound(
        "groupdict(self, /, default=None)",
        groupdict,
        "The texts of all named groups by their names.",
    ),
    bound(
        "expand(self, /, template)",
        expand_method,
        "The template with its group references filled in.",
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

static GETSET: [GetSetDef; 7] = [
    getter(
        "string",
        |_, this| Ok(own(this).string.clone()),
        "What was searched.",
    ),
    getter(
        "re",
        |_, this| Ok(own(this).pattern.clone()),
        "The pattern.",
    ),
    getter(
        "pos",
        |_, this| Ok(Value::int(own(this).pos as i64)),
        "Where the search began.",
    ),
    getter(
        "endpos",
        |_, this| Ok(Value::int(own(this).endpos as i64)),
        "Where the search was to end.",
    ),
    getter(
        "lastindex",
        last_index,
        "Number of the group that was closed last, or None.",
    ),
    getter(
        "lastgroup",
        last_group,
        "Name of the group that was closed last, or None.",
    ),
    getter("regs", regs, "Begin and end of all groups."),
];

static LAYOUT: Layout = Layout::of::<Match>();

static SPEC: TypeSpec = TypeSpec {
    name: "re.Match",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LAYOUT),
    slots: Slots {
        repr: Some(repr),
        get_item: Some(get_item),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "What a pattern has matched.",
    ..TypeSpec::DEFAULT
};

pub fn define() {
    MATCH.define(&SPEC);
}
