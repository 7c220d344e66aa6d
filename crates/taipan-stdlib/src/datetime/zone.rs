//! `tzinfo`, which programs derive from, and `timezone`, which has a fixed offset.

use super::delta::{from_total, set_constant, total_of};
use super::iso::offset_text;
use super::moment::{self, DateTime};
use crate::support::signature;
use std::sync::OnceLock;
use taipan_core::alloc::{new_immortal, new_instance};
use taipan_core::builtin_types::NOT_IMPLEMENTED_ERROR;
use taipan_core::payload::{Empty, Tracer};
use taipan_core::str_object::{new_str, str_of};
use taipan_core::tuple_object::{empty_tuple, new_tuple};
use taipan_core::{
    Args, CompareOp, Layout, MethodDef, Payload, Py, Raised, Slots, Type, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, f0, f1, name,
};

/// Microseconds of a day, which no offset reaches.
const DAY: i128 = 86_400_000_000;

// ---- tzinfo ----

pub(super) static TZINFO: TypeObject = Type::declare("datetime.tzinfo");

static TZINFO_SPEC: TypeSpec = TypeSpec {
    name: "datetime.tzinfo",
    flags: TypeFlags::BASE,
    slots: Slots {
        new: Some(|_, cls, _| Ok(new_instance(cls, Empty))),
        ..Slots::NONE
    },
    methods: &TZINFO_METHODS,
    doc: "Abstract base class for time zone info objects.",
    ..TypeSpec::DEFAULT
};
static TZINFO_METHODS: [MethodDef; 5] = [
    f1(
        "tzname(self, object, /)",
        |vm, _, _| Err(abstract_method(vm, "tzname")),
        "datetime -> string name of time zone.",
    ),
    f1(
        "utcoffset(self, object, /)",
        |vm, _, _| Err(abstract_method(vm, "utcoffset")),
        "datetime -> timedelta showing offset from UTC, negative values indicating West of UTC",
    ),
    f1(
        "dst(self, object, /)",
        |vm, _, _| Err(abstract_method(vm, "dst")),
        "datetime -> DST offset as timedelta positive east of UTC.",
    ),
    f1(
        "fromutc(self, object, /)",
        from_utc,
        "datetime in UTC -> datetime in local time.",
    ),
    f0("__reduce__(self, /)", reduce, "-> (cls, state)"),
];

#[cold]
fn abstract_method(vm: &mut Vm, name: &str) -> Raised {
    let message = format!("a tzinfo subclass must implement {name}()");
    vm.raise(&NOT_IMPLEMENTED_ERROR, message)
}

/// Checks the argument of `fromutc`.
fn own_time(vm: &mut Vm, this: &Value, time: &Value) -> Py<()> {
    let Some(own) = time.cast::<DateTime>() else {
        return Err(vm.type_error("fromutc: argument must be a datetime"));
    };
    if own.zone().is_some_and(|zone| zone.is(this)) {
        return Ok(());
    }
    Err(vm.value_error("fromutc: dt.tzinfo is not self"))
}

fn from_utc(vm: &mut Vm, this: &Value, time: &Value) -> Py {
    own_time(vm, this, time)?;
    let zone = Some(this.clone());
    let Some(offset) = offset(vm, &zone, "utcoffset", time)? else {
        return Err(vm.value_error("fromutc: non-None utcoffset() result required"));
    };
    let Some(dst) = self::offset(vm, &zone, "dst", time)? else {
        return Err(vm.value_error("fromutc: non-None dst() result required"));
    };
    let standard = microseconds(&offset) - microseconds(&dst);
    let result = moment::shifted(vm, time, standard)?;
    let Some(dst) = self::offset(vm, &zone, "dst", &result)? else {
        let message = "fromutc: tz.dst() gave inconsistent results; cannot convert";
        return Err(vm.value_error(message));
    };
    match microseconds(&dst) {
        0 => Ok(result),
        dst => moment::shifted(vm, &result, dst),
    }
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let args = match vm.get_attr_opt(this, name!("__getinitargs__"))? {
        Some(method) => vm.call(&method, &[])?,
        None => empty_tuple(),
    };
    let state = vm.call_method(this, name!("__getstate__"), &[])?;
    Ok(new_tuple([this.type_of().to_value(), args, state]))
}

// ---- asking a zone ----

/// Microseconds of a `timedelta`.
pub(super) fn microseconds(delta: &Value) -> i128 {
    total_of(delta).unwrap_or(0)
}

/// What `utcoffset` or `dst` of a zone answers for `time`: a `timedelta` of less than a day.
pub(super) fn offset(
    vm: &mut Vm,
    zone: &Option<Value>,
    method: &str,
    time: &Value,
) -> Py<Option<Value>> {
    let Some(zone) = zone else { return Ok(None) };
    if method == "utcoffset"
        && let Some(fixed) = zone.cast_exact::<TimeZone>()
    {
        return Ok(Some(fixed.offset.clone()));
    }
    let method_name = taipan_core::str_object::name(method);
    let answer = vm.call_method(zone, &method_name, std::slice::from_ref(time))?;
    if answer.is_none() {
        return Ok(None);
    }
    let Some(total) = total_of(&answer) else {
        let message = format!(
            "tzinfo.{method}() must return None or timedelta, not '{}'",
            answer.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    check_offset(vm, &answer, total)?;
    Ok(Some(answer))
}

fn check_offset(vm: &mut Vm, offset: &Value, total: i128) -> Py<()> {
    if -DAY < total && total < DAY {
        return Ok(());
    }
    let shown = vm.repr_string(offset)?;
    Err(vm.value_error(format!(
        "offset must be a timedelta strictly between -timedelta(hours=24) and \
         timedelta(hours=24), not {shown}"
    )))
}

/// What `tzname` of a zone answers: text or `None`.
pub(super) fn zone_name(vm: &mut Vm, zone: &Option<Value>, time: &Value) -> Py {
    let Some(zone) = zone else {
        return Ok(Value::none());
    };
    let answer = vm.call_method(zone, name!("tzname"), std::slice::from_ref(time))?;
    if answer.is_none() || str_of(&answer).is_some() {
        return Ok(answer);
    }
    let message = format!(
        "tzinfo.tzname() must return None or a string, not '{}'",
        answer.type_of().name()
    );
    Err(vm.type_error(message))
}

// ---- timezone ----

static TIMEZONE: TypeObject = Type::declare("datetime.timezone");

/// Payload of zones with a fixed offset: a `timedelta`, and a name if one was given.
struct TimeZone {
    offset: Value,
    name: Option<Value>,
}

#[expect(unsafe_code, reason = "the contract of payloads")]
// SAFETY: both references are reported.
unsafe impl Payload for TimeZone {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TIMEZONE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.offset);
        tracer.visit_option(&self.name);
    }
}

static TIMEZONE_SPEC: TypeSpec = TypeSpec {
    name: "datetime.timezone",
    base: Some(&TZINFO),
    layout: Some(&TIMEZONE_LAYOUT),
    slots: Slots {
        new: Some(timezone_new),
        repr: Some(timezone_repr),
        str: Some(name_of),
        hash: Some(|vm, this| vm.hash(&own(this).offset)),
        compare: Some(timezone_compare),
        ..Slots::NONE
    },
    methods: &TIMEZONE_METHODS,
    doc: "Fixed offset from UTC implementation of tzinfo.",
    ..TypeSpec::DEFAULT
};
static TIMEZONE_LAYOUT: Layout = Layout::of::<TimeZone>();
static TIMEZONE_METHODS: [MethodDef; 5] = [
    f1(
        "tzname(self, object, /)",
        |vm, this, time| {
            time_or_none(vm, time, "tzname")?;
            name_of(vm, this)
        },
        "If name is specified when timezone is created, returns the name.  Otherwise returns offset as 'UTC(+|-)HH:MM'.",
    ),
    f1(
        "utcoffset(self, object, /)",
        |vm, this, time| {
            time_or_none(vm, time, "utcoffset")?;
            Ok(own(this).offset.clone())
        },
        "Return fixed offset.",
    ),
    f1(
        "dst(self, object, /)",
        |vm, _, time| {
            time_or_none(vm, time, "dst")?;
            Ok(Value::none())
        },
        "Return None.",
    ),
    f1(
        "fromutc(self, object, /)",
        |vm, this, time| {
            own_time(vm, this, time)?;
            moment::shifted(vm, time, microseconds(&own(this).offset))
        },
        "datetime in UTC -> datetime in local time.",
    ),
    f0(
        "__getinitargs__(self, /)",
        |_, this| {
            let own = own(this);
            let mut args = vec![own.offset.clone()];
            args.extend(own.name.clone());
            Ok(new_tuple(args))
        },
        "pickle support",
    ),
];

pub(super) fn define(vm: &mut Vm) -> Py<[&'static TypeObject; 2]> {
    TZINFO.define(&TZINFO_SPEC);
    TIMEZONE.define(&TIMEZONE_SPEC);
    let limit = DAY - 60_000_000;
    set_constant(&TIMEZONE, "utc", utc(vm)?);
    for (name, offset) in [("min", -limit), ("max", limit)] {
        let offset = from_total(vm, offset)?;
        set_constant(&TIMEZONE, name, fixed(vm, offset, None)?);
    }
    Ok([&TZINFO, &TIMEZONE])
}

fn own(this: &Value) -> &TimeZone {
    this.expect::<TimeZone>()
}

/// `timezone.utc`
pub(super) fn utc(vm: &mut Vm) -> Py {
    static UTC: OnceLock<Value> = OnceLock::new();
    if let Some(utc) = UTC.get() {
        return Ok(utc.clone());
    }
    let offset = from_total(vm, 0)?;
    let made = new_immortal(TimeZone { offset, name: None });
    Ok(UTC.get_or_init(|| made).clone())
}

/// A zone with an offset: that of UTC if it has neither offset nor name.
pub(super) fn fixed(vm: &mut Vm, offset: Value, name: Option<Value>) -> Py {
    let total = microseconds(&offset);
    if total == 0 && name.is_none() {
        return utc(vm);
    }
    check_offset(vm, &offset, total)?;
    Ok(new_instance(&TIMEZONE, TimeZone { offset, name }))
}

static NEW: MethodDef = signature("timezone(offset, name=unchanged)");

fn timezone_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    let bound = taipan_core::bind::bind(vm, &NEW, args)?;
    let offset = bound.req(0);
    if total_of(offset).is_none() {
        let message = format!(
            "timezone() argument 1 must be datetime.timedelta, not {}",
            taipan_types::arguments::type_name(offset)
        );
        return Err(vm.type_error(message));
    }
    let name = match bound.get(1) {
        Some(name) => Some(super::fields::text(vm, "timezone", 2, name)?.clone()),
        None => None,
    };
    fixed(vm, offset.clone(), name)
}

fn time_or_none(vm: &mut Vm, time: &Value, function: &str) -> Py<()> {
    if time.is_none() || time.cast::<DateTime>().is_some() {
        return Ok(());
    }
    let message = format!(
        "{function}(dt) argument must be a datetime instance or None, not {}",
        time.type_of().name()
    );
    Err(vm.type_error(message))
}

fn name_of(_vm: &mut Vm, this: &Value) -> Py {
    let own = own(this);
    if let Some(name) = &own.name {
        return Ok(name.clone());
    }
    Ok(match microseconds(&own.offset) {
        0 => new_str("UTC"),
        offset => new_str(&format!("UTC{}", offset_text(offset as i64, ":"))),
    })
}

fn timezone_repr(vm: &mut Vm, this: &Value) -> Py {
    if this.is(&utc(vm)?) {
        return Ok(new_str("datetime.timezone.utc"));
    }
    let own = own(this);
    let name = this.type_of().name();
    let mut text = taipan_types::text::Builder::new();
    text.push_str(&format!("{name}("));
    text.push_value(&vm.repr(&own.offset)?);
    if let Some(name) = &own.name {
        text.push_str(", ");
        text.push_value(&vm.repr(name)?);
    }
    text.push_str(")");
    text.finish(vm)
}

fn timezone_compare(_vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (CompareOp::Eq | CompareOp::Ne, Some(a), Some(b)) =
        (op, a.cast::<TimeZone>(), b.cast::<TimeZone>())
    else {
        return Ok(Value::not_implemented());
    };
    let equal = microseconds(&a.offset) == microseconds(&b.offset);
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}
