//! Dialects: how fields are delimited, quoted and escaped.

use super::registered;
use crate::support::native_type;
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types as types;
use taipan_core::lock::Locked;
use taipan_core::str_object::{is_str, name, new_from_code_points, new_str, str_eq, str_of};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    getset, getter, raw,
};

pub(super) const QUOTE_MINIMAL: i64 = 0;
pub(super) const QUOTE_ALL: i64 = 1;
pub(super) const QUOTE_NONNUMERIC: i64 = 2;
pub(super) const QUOTE_NONE: i64 = 3;
pub(super) const QUOTE_STRINGS: i64 = 4;
pub(super) const QUOTE_NOTNULL: i64 = 5;

native_type! {
    /// Payload of dialects.
    DIALECT "_csv.Dialect" Dialect { rules: Rules }
    DialectState {}
}

/// The parameters of a dialect.
#[derive(Clone)]
pub(super) struct Rules {
    pub delimiter: u32,
    pub quote: Option<u32>,
    pub escape: Option<u32>,
    pub double_quote: bool,
    pub skip_space: bool,
    pub terminator: Value,
    pub quoting: i64,
    pub strict: bool,
}

impl crate::support::Holds for Rules {
    fn report(&self, tracer: &mut taipan_core::Tracer<'_>) {
        tracer.visit(&self.terminator);
    }
}

impl Rules {
    /// Is a character part of the line terminator?
    pub(super) fn terminates(&self, c: u32) -> bool {
        str_of(&self.terminator).is_some_and(|text| text.code_points().any(|other| other == c))
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "_csv.Dialect",
    flags: TypeFlags::BASE,
    layout: Some(const { &Layout::of::<Dialect>() }),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "CSV dialect\n\nThe Dialect type records CSV dialect options.",
    ..TypeSpec::DEFAULT
};
static METHODS: [MethodDef; 2] = [
    raw(
        "__reduce__(self, /, *args)",
        no_pickle,
        "raises an exception to avoid pickling",
    ),
    raw(
        "__reduce_ex__(self, /, *args)",
        no_pickle,
        "raises an exception to avoid pickling",
    ),
];
static GETSET: [GetSetDef; 8] = [
    getter(
        "delimiter",
        |_, this| Ok(char_value(Some(rules(this).delimiter))),
        "",
    ),
    getter("quotechar", |_, this| Ok(char_value(rules(this).quote)), ""),
    getter(
        "escapechar",
        |_, this| Ok(char_value(rules(this).escape)),
        "",
    ),
    getter(
        "lineterminator",
        |_, this| Ok(rules(this).terminator.clone()),
        "",
    ),
    getter("quoting", |_, this| Ok(Value::int(rules(this).quoting)), ""),
    getset(
        "doublequote",
        |_, this| Ok(Value::bool(rules(this).double_quote)),
        read_only,
        "",
    ),
    getset(
        "skipinitialspace",
        |_, this| Ok(Value::bool(rules(this).skip_space)),
        read_only,
        "",
    ),
    getset(
        "strict",
        |_, this| Ok(Value::bool(rules(this).strict)),
        read_only,
        "",
    ),
];

pub(super) fn define() {
    DIALECT.define(&SPEC);
}

pub(super) fn read_only(vm: &mut Vm, _this: &Value, _value: Option<&Value>) -> Py<()> {
    Err(vm.attribute_error("readonly attribute"))
}

fn no_pickle(vm: &mut Vm, this: &Value, _args: Args<'_>) -> Py {
    let message = format!("cannot pickle '{}' instances", this.type_of().short_name());
    Err(vm.type_error(message))
}

/// The rules of a dialect object.
pub(super) fn rules(dialect: &Value) -> &Rules {
    let dialect: &Obj<Dialect> = dialect.expect::<Dialect>();
    &dialect.rules
}

fn char_value(c: Option<u32>) -> Value {
    c.map_or_else(Value::none, |c| new_from_code_points(&[c]))
}

const PARAMETERS: [&str; 8] = [
    "delimiter",
    "doublequote",
    "escapechar",
    "lineterminator",
    "quotechar",
    "quoting",
    "skipinitialspace",
    "strict",
];

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let mut chosen = args.pos().first().cloned();
    let mut parameters: Vec<(Value, Value)> = Vec::new();
    for (parameter, value) in PARAMETERS.iter().zip(args.pos().iter().skip(1)) {
        parameters.push((name(parameter), value.clone()));
    }
    for (key, value) in args.keywords() {
        if str_eq(key, &name("dialect")) {
            chosen = Some(value.clone());
        } else {
            parameters.push((key.clone(), value.clone()));
        }
    }
    make_of(vm, cls, chosen.as_ref(), &parameters)
}

/// A dialect with the given parameters; one that exists already is used as it is.
pub(super) fn make(vm: &mut Vm, chosen: Option<&Value>, parameters: &[(Value, Value)]) -> Py {
    make_of(vm, &DIALECT, chosen, parameters)
}

fn make_of(
    vm: &mut Vm,
    cls: &TypeObject,
    chosen: Option<&Value>,
    parameters: &[(Value, Value)],
) -> Py {
    let chosen = match chosen {
        Some(chosen) if chosen.is_none() => None,
        Some(chosen) if is_str(chosen) => Some(registered(vm, chosen)?),
        other => other.cloned(),
    };
    if let Some(chosen) = &chosen
        && chosen.is_exact(&DIALECT)
        && parameters.is_empty()
    {
        return Ok(chosen.clone());
    }
    let mut values: [Option<Value>; 8] = Default::default();
    for (key, value) in parameters {
        match PARAMETERS
            .iter()
            .position(|name_| str_eq(key, &name(name_)))
        {
            Some(at) => values[at] = Some(value.clone()),
            None => {
                let key = vm.str_string(key)?;
                let message = format!("this function got an unexpected keyword argument '{key}'");
                return Err(vm.type_error(message));
            }
        }
    }
    if let Some(chosen) = &chosen {
        for (slot, parameter) in values.iter_mut().zip(PARAMETERS) {
            if slot.is_none() {
                *slot = vm.get_attr_opt(chosen, &name(parameter))?;
            }
        }
    }
    let rules = read(vm, &values)?;
    check(vm, &rules)?;
    Ok(new_instance(
        cls,
        Dialect {
            rules,
            state: Locked::new(DialectState {}),
        },
    ))
}

fn read(vm: &mut Vm, values: &[Option<Value>; 8]) -> Py<Rules> {
    let [
        delimiter,
        double_quote,
        escape,
        terminator,
        quote,
        quoting,
        skip_space,
        strict,
    ] = values;
    let flag = |vm: &mut Vm, value: &Option<Value>, default| match value {
        Some(value) => vm.truth(value),
        None => Ok(default),
    };
    let delimiter = match delimiter {
        Some(value) => required_char(vm, "delimiter", value)?,
        None => u32::from(b','),
    };
    let double_quote = flag(vm, double_quote, true)?;
    let escape = optional_char(vm, "escapechar", escape.as_ref(), None)?;
    let terminator = match terminator {
        Some(value) if is_str(value) => value.clone(),
        Some(value) => {
            let got = value.type_of().name();
            let message = format!("\"lineterminator\" must be a string, not {got}");
            return Err(vm.type_error(message));
        }
        None => new_str("\r\n"),
    };
    let no_quote = quote.as_ref().is_some_and(Value::is_none);
    let quote = optional_char(vm, "quotechar", quote.as_ref(), Some(u32::from(b'"')))?;
    let quoting = match quoting {
        Some(value) if value.is_exact(&types::INT) => vm.index_i64(value)?,
        Some(value) => {
            let got = value.type_of().name();
            let message = format!("\"quoting\" must be an integer, not {got}");
            return Err(vm.type_error(message));
        }
        None if no_quote => QUOTE_NONE,
        None => QUOTE_MINIMAL,
    };
    Ok(Rules {
        delimiter,
        quote,
        escape,
        double_quote,
        skip_space: flag(vm, skip_space, false)?,
        terminator,
        quoting,
        strict: flag(vm, strict, false)?,
    })
}

fn one_char(vm: &mut Vm, parameter: &str, value: &Value, or_none: &str) -> Py<u32> {
    let Some(text) = str_of(value) else {
        let got = value.type_of().name();
        let message = format!("\"{parameter}\" must be a unicode character{or_none}, not {got}");
        return Err(vm.type_error(message));
    };
    if text.len() != 1 {
        let length = text.len();
        let message = format!(
            "\"{parameter}\" must be a unicode character{or_none}, not a string of length {length}"
        );
        return Err(vm.type_error(message));
    }
    Ok(text.at(0))
}

fn required_char(vm: &mut Vm, parameter: &str, value: &Value) -> Py<u32> {
    one_char(vm, parameter, value, "")
}

fn optional_char(
    vm: &mut Vm,
    parameter: &str,
    value: Option<&Value>,
    default: Option<u32>,
) -> Py<Option<u32>> {
    match value {
        None => Ok(default),
        Some(value) if value.is_none() => Ok(None),
        Some(value) => one_char(vm, parameter, value, " or None").map(Some),
    }
}

/// Refuses parameters that contradict each other.
fn check(vm: &mut Vm, rules: &Rules) -> Py<()> {
    if !(QUOTE_MINIMAL..=QUOTE_NOTNULL).contains(&rules.quoting) {
        return Err(vm.type_error("bad \"quoting\" value"));
    }
    if rules.quoting != QUOTE_NONE && rules.quote.is_none() {
        return Err(vm.type_error("quotechar must be set if quoting enabled"));
    }
    let chars = [
        ("delimiter", Some(rules.delimiter), true),
        ("escapechar", rules.escape, !rules.skip_space),
        ("quotechar", rules.quote, !rules.skip_space),
    ];
    for (parameter, c, space) in chars {
        let Some(c) = c else { continue };
        if c == u32::from(b'\n') || c == u32::from(b'\r') || c == u32::from(b' ') && !space {
            return Err(vm.value_error(format!("bad {parameter} value")));
        }
        if rules.terminates(c) {
            return Err(vm.value_error(format!("bad {parameter} or lineterminator value")));
        }
    }
    for (a, b) in [(0, 1), (0, 2), (1, 2)] {
        if chars[a].1.is_some() && chars[a].1 == chars[b].1 {
            let message = format!("bad {} or {} value", chars[a].0, chars[b].0);
            return Err(vm.value_error(message));
        }
    }
    Ok(())
}
