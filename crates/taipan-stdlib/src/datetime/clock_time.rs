//! `time`: a time of day, with or without a zone.

use super::date::{format, iso_argument, malformed, strptime};
use super::delta::{from_total, set_constant};
use super::fields::{self, bind, c_int_or};
use super::gregorian::Day;
use super::iso::{Clock, ClockFields, Offset, Precision, clock_text, offset_text, parse_time};
use super::zone::{self, microseconds};
use super::{local, strftime};
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use taipan_core::alloc::new_instance;
use taipan_core::payload::Tracer;
use taipan_core::str_object::{bytes_hash, new_str, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Bound, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Type, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, bound, f0, f1, getter, name,
};
use taipan_types::bytes::new_bytes;
use taipan_types::text::Builder;

pub(super) static TIME: TypeObject = Type::declare("datetime.time");

/// Payload of times. The fold is set behind the constructor's back when an instance of a subclass is made.
pub(super) struct Time {
    pub clock: Clock,
    fold: AtomicU8,
    zone: Option<Value>,
}

#[expect(unsafe_code, reason = "the contract of payloads")]
// SAFETY: the zone is the only reference.
unsafe impl Payload for Time {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TIME
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_option(&self.zone);
    }
}

impl Time {
    pub fn zone(&self) -> Option<&Value> {
        self.zone.as_ref()
    }

    pub fn fold(&self) -> u8 {
        self.fold.load(Relaxed)
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "datetime.time",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(|vm, this| vm.call_method(this, name!("isoformat"), &[])),
        hash: Some(hash),
        compare: Some(compare),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "time([hour[, minute[, second[, microsecond[, tzinfo]]]]]) --> a time object\n\n\
          All arguments are optional. tzinfo may be None, or an instance of\n\
          a tzinfo subclass. The remaining arguments may be ints.\n",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Time>();

const REPLACE: &str = "replace(self, /, hour=unchanged, minute=unchanged, second=unchanged, \
                       microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)";

static METHODS: [MethodDef; 12] = [
    f1(
        "fromisoformat(type, object, /)",
        from_iso_format,
        "string -> time from a string in ISO 8601 format",
    )
    .class_method(),
    bound(
        "strptime(type, string, format, /)",
        |vm, cls, args| strptime(vm, cls, args, "_strptime_datetime_time"),
        "string, format -> new time parsed from a string (like time.strptime()).",
    )
    .class_method(),
    bound(
        "isoformat(self, /, timespec='auto')",
        iso_format,
        "Return string in ISO 8601 format, [HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].\n\n\
         The optional argument timespec specifies the number of additional terms\n\
         of the time to include. Valid options are 'auto', 'hours', 'minutes',\n\
         'seconds', 'milliseconds' and 'microseconds'.\n",
    ),
    bound(
        "strftime(self, /, format)",
        strftime_method,
        "format -> strftime() style string.",
    ),
    bound(
        "__format__(self, format, /)",
        format,
        "Formats self with strftime.",
    ),
    f0(
        "utcoffset(self, /)",
        |vm, this| Ok(offset(vm, this, "utcoffset")?.unwrap_or_else(Value::none)),
        "Return self.tzinfo.utcoffset(self).",
    ),
    f0(
        "tzname(self, /)",
        |vm, this| zone::zone_name(vm, &own(this).zone, &Value::none()),
        "Return self.tzinfo.tzname(self).",
    ),
    f0(
        "dst(self, /)",
        |vm, this| Ok(offset(vm, this, "dst")?.unwrap_or_else(Value::none)),
        "Return self.tzinfo.dst(self).",
    ),
    bound(REPLACE, replace, "Return time with new specified fields."),
    bound(
        "__replace__(self, /, hour=unchanged, minute=unchanged, second=unchanged, \
         microsecond=unchanged, tzinfo=unchanged, *, fold=unchanged)",
        replace,
        "The same as replace().",
    ),
    f1(
        "__reduce_ex__(self, proto, /)",
        |vm, this, proto| {
            let proto = fields::c_int(vm, proto)?;
            reduce(vm, this, proto > 3)
        },
        "__reduce_ex__(proto) -> (cls, state)",
    ),
    f0(
        "__reduce__(self, /)",
        |vm, this| reduce(vm, this, false),
        "__reduce__() -> (cls, state)",
    ),
];
static GETSET: [GetSetDef; 6] = [
    getter(
        "hour",
        |_, this| Ok(Value::from_i32(own(this).clock.hour.into())),
        "",
    ),
    getter(
        "minute",
        |_, this| Ok(Value::from_i32(own(this).clock.minute.into())),
        "",
    ),
    getter(
        "second",
        |_, this| Ok(Value::from_i32(own(this).clock.second.into())),
        "",
    ),
    getter(
        "microsecond",
        |_, this| Ok(Value::int(own(this).clock.microsecond.into())),
        "",
    ),
    getter(
        "tzinfo",
        |_, this| Ok(own(this).zone.clone().unwrap_or_else(Value::none)),
        "",
    ),
    getter(
        "fold",
        |_, this| Ok(Value::from_i32(own(this).fold().into())),
        "",
    ),
];

pub(super) fn define(vm: &mut Vm) -> Py<()> {
    TIME.define(&SPEC);
    let last = Clock {
        hour: 23,
        minute: 59,
        second: 59,
        microsecond: 999_999,
    };
    set_constant(&TIME, "min", make(&TIME, Clock::default(), 0, None));
    set_constant(&TIME, "max", make(&TIME, last, 0, None));
    let resolution = from_total(vm, 1)?;
    set_constant(&TIME, "resolution", resolution);
    Ok(())
}

fn own(this: &Value) -> &Time {
    this.expect::<Time>()
}

// ---- construction ----

fn make(cls: &TypeObject, clock: Clock, fold: u8, zone: Option<Value>) -> Value {
    new_instance(
        cls,
        Time {
            clock,
            fold: AtomicU8::new(fold),
            zone,
        },
    )
}

/// A `time` with fields that are known to be good.
pub(super) fn plain(clock: Clock, fold: u8, zone: Option<Value>) -> Value {
    make(&TIME, clock, fold, zone)
}

/// A time of a class: classes that derive from `time` are called.
fn of_class(vm: &mut Vm, cls: &Value, clock: ClockFields, fold: i32, zone: Option<Value>) -> Py {
    let fold = fields::fold(vm, fold)?;
    if cls.is(&TIME.to_value()) {
        return Ok(make(&TIME, fields::clock(vm, clock)?, fold, zone));
    }
    let mut args: Vec<Value> = clock.map(Value::from_i32).into();
    args.push(zone.unwrap_or_else(Value::none));
    let made = vm.call(cls, &args)?;
    if let Some(time) = made.cast::<Time>() {
        time.fold.store(fold, Relaxed);
    }
    Ok(made)
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if let (1..=2, false) = (args.pos().len(), args.has_keywords()) {
        let sane = |hour| hour & 0x7f < 24;
        if let Some(state) = fields::state(vm, args.pos().first(), "time", 0, sane)? {
            return unpickled(vm, cls, state, args.pos().get(1));
        }
    }
    let names = ["hour", "minute", "second", "microsecond", "tzinfo", "fold"];
    let bound = bind(vm, args, names, 5)?;
    let clock = fields::numbers(vm, &bound, names, 0)?;
    let fold = c_int_or(vm, bound[5].as_ref(), 0)?;
    let clock = fields::clock(vm, clock)?;
    let fold = fields::fold(vm, fold)?;
    let zone = fields::time_zone(vm, bound[4].as_ref())?;
    Ok(make(cls, clock, fold, zone))
}

fn unpickled(vm: &mut Vm, cls: &TypeObject, state: [u8; 6], zone: Option<&Value>) -> Py {
    let zone = unpickled_zone(vm, zone)?;
    let [hour, minute, second, us @ ..] = state;
    let clock = Clock {
        hour: hour & 0x7f,
        minute,
        second,
        microsecond: u32::from_be_bytes([0, us[0], us[1], us[2]]),
    };
    Ok(make(cls, clock, hour >> 7, zone))
}

/// The zone of a pickled time.
pub(super) fn unpickled_zone(vm: &mut Vm, zone: Option<&Value>) -> Py<Option<Value>> {
    match zone {
        Some(zone) if !zone.is_none() && !zone.is_instance(&zone::TZINFO) => {
            Err(vm.type_error("bad tzinfo state arg"))
        }
        zone => fields::time_zone(vm, zone),
    }
}

/// The zone that an offset in text stands for.
pub(super) fn parsed_zone(vm: &mut Vm, offset: Offset) -> Py<Option<Value>> {
    match offset {
        Offset::None => Ok(None),
        Offset::Utc => Ok(Some(zone::utc(vm)?)),
        Offset::Microseconds(offset) => {
            let offset = from_total(vm, offset.into())?;
            zone::fixed(vm, offset, None).map(Some)
        }
    }
}

/// 24:00 is the beginning of the next day; tells whether that was meant.
pub(super) fn wrap_midnight(vm: &mut Vm, clock: &mut ClockFields) -> Py<bool> {
    if clock[0] != 24 {
        return Ok(false);
    }
    if clock[1..] != [0, 0, 0] {
        let message = "minute, second, and microsecond must be 0 when hour is 24";
        return Err(vm.value_error(message));
    }
    clock[0] = 0;
    Ok(true)
}

fn from_iso_format(vm: &mut Vm, cls: &Value, text: &Value) -> Py {
    let points = iso_argument(vm, text)?;
    let points = points.strip_prefix(&[u32::from('T')]).unwrap_or(&points);
    let Ok((mut clock, offset)) = parse_time(points) else {
        return Err(malformed(vm, text));
    };
    wrap_midnight(vm, &mut clock)?;
    let zone = parsed_zone(vm, offset)?;
    of_class(vm, cls, clock, 0, zone)
}

fn replace(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let (clock, fold) = (own(this).clock, own(this).fold());
    let clock = replaced_clock(vm, clock, args, 0)?;
    let zone = match args.get(4) {
        Some(zone) => fields::time_zone(vm, Some(zone))?,
        None => own(this).zone.clone(),
    };
    let fold = c_int_or(vm, args.get(5), fold.into())?;
    of_class(vm, &this.type_of().to_value(), clock, fold, zone)
}

/// The fields of a time, some replaced by the arguments from `first` on.
pub(super) fn replaced_clock(
    vm: &mut Vm,
    clock: Clock,
    args: &Bound,
    first: usize,
) -> Py<ClockFields> {
    let mut fields: ClockFields = [
        clock.hour.into(),
        clock.minute.into(),
        clock.second.into(),
        clock.microsecond as i32,
    ];
    for (at, field) in fields.iter_mut().enumerate() {
        *field = c_int_or(vm, args.get(first + at), *field)?;
    }
    Ok(fields)
}

// ---- text ----

/// `, tzinfo=ZONE)` and `, fold=1)` at the end of a `repr`.
pub(super) fn finish_repr(vm: &mut Vm, text: &str, zone: Option<&Value>, fold: u8) -> Py {
    let mut out = Builder::new();
    out.push_str(text);
    if let Some(zone) = zone {
        out.push_str(", tzinfo=");
        out.push_value(&vm.repr(zone)?);
    }
    if fold != 0 {
        out.push_str(", fold=1");
    }
    out.push_str(")");
    out.finish(vm)
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let own = own(this);
    let Clock {
        hour,
        minute,
        second,
        microsecond,
    } = own.clock;
    let mut text = format!("{}({hour}, {minute}", this.type_of().name());
    if microsecond != 0 {
        text.push_str(&format!(", {second}, {microsecond}"));
    } else if second != 0 {
        text.push_str(&format!(", {second}"));
    }
    finish_repr(vm, &text, own.zone(), own.fold())
}

/// A `timespec` argument.
pub(super) fn precision(vm: &mut Vm, value: Option<&Value>, number: usize) -> Py<Precision> {
    let Some(value) = value else {
        return Ok(Precision::Auto);
    };
    let text = fields::text(vm, "isoformat", number, value)?;
    let name = str_of(text).and_then(|text| text.ascii());
    match name.and_then(Precision::named) {
        Some(precision) => Ok(precision),
        None => Err(vm.value_error("Unknown timespec value")),
    }
}

fn iso_format(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let precision = precision(vm, args.get(0), 1)?;
    let mut text = clock_text(own(this).clock, precision);
    if let Some(offset) = offset(vm, this, "utcoffset")? {
        text.push_str(&offset_text(microseconds(&offset) as i64, ":"));
    }
    Ok(new_str(&text))
}

fn strftime_method(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let format = fields::text(vm, "strftime", 1, args.req(0))?;
    // 1 January 1900 was a Monday.
    let clock = Clock {
        microsecond: 0,
        ..own(this).clock
    };
    let tuple = local::struct_time(vm, Day::new(1900, 1, 1), clock, -1)?;
    strftime::format(vm, this, format, &tuple, &Value::none())
}

// ---- zone ----

fn offset(vm: &mut Vm, this: &Value, method: &str) -> Py<Option<Value>> {
    zone::offset(vm, &own(this).zone, method, &Value::none())
}

/// The clock as bytes, for pickling and hashing.
pub(super) fn state(clock: Clock) -> [u8; 6] {
    let [_, high, middle, low] = clock.microsecond.to_be_bytes();
    [clock.hour, clock.minute, clock.second, high, middle, low]
}

fn reduce(vm: &mut Vm, this: &Value, with_fold: bool) -> Py {
    let own = own(this);
    let mut state = state(own.clock);
    if with_fold {
        state[0] |= own.fold() << 7;
    }
    let mut args = vec![new_bytes(vm, &state)?];
    args.extend(own.zone.clone());
    Ok(new_tuple([this.type_of().to_value(), new_tuple(args)]))
}

// ---- comparing ----

/// Microseconds since midnight in UTC.
fn in_utc(clock: Clock, offset: &Value) -> i128 {
    i128::from(clock.microseconds()) - microseconds(offset)
}

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    // Times that differ in their fold only are equal.
    let plain_fold;
    let time = if own(this).fold() == 0 {
        this
    } else {
        plain_fold = plain(own(this).clock, 0, own(this).zone.clone());
        &plain_fold
    };
    match offset(vm, time, "utcoffset")? {
        None => Ok(bytes_hash(&state(own(this).clock))),
        Some(offset) => {
            let delta = from_total(vm, in_utc(own(this).clock, &offset))?;
            vm.hash(&delta)
        }
    }
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (a.cast::<Time>(), b.cast::<Time>()) else {
        return Ok(Value::not_implemented());
    };
    let same_zone = match (left.zone(), right.zone()) {
        (Some(left), Some(right)) => left.is(right),
        (left, right) => left.is_none() && right.is_none(),
    };
    if same_zone {
        return Ok(Value::bool(op.holds(left.clock.cmp(&right.clock))));
    }
    let offsets = (offset(vm, a, "utcoffset")?, offset(vm, b, "utcoffset")?);
    let order = match offsets {
        (None, None) => left.clock.cmp(&right.clock),
        (Some(first), Some(second)) => {
            in_utc(left.clock, &first).cmp(&in_utc(right.clock, &second))
        }
        _ => {
            return match op {
                CompareOp::Eq => Ok(Value::bool(false)),
                CompareOp::Ne => Ok(Value::bool(true)),
                _ => Err(vm.type_error("can't compare offset-naive and offset-aware times")),
            };
        }
    };
    Ok(Value::bool(op.holds(order)))
}
