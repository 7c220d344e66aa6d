//! `datetime`: a date and a time of day, with or without a zone.

use super::clock_time::{
    Time, finish_repr, parsed_zone, plain as plain_time, precision, replaced_clock,
    state as clock_state, unpickled_zone, wrap_midnight,
};
use super::date::{DATE, Date, day_of, iso_argument, malformed, of_class as date_of_class};
use super::date::{state as day_state, strptime};
use super::delta::{from_total, set_constant, total_of};
use super::fields::{self, bind, c_int_or};
use super::gregorian::{Day, days_in_month};
use super::iso::{
    Clock, ClockFields, Offset, clock_text, day_text, offset_text, parse_day, parse_time, separator,
};
use super::local;
use super::zone::{self, microseconds};
use std::cmp::Ordering;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::DEPRECATION_WARNING;
use taipan_core::payload::Tracer;
use taipan_core::str_object::{bytes_hash, new_str, push_wtf8, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, BinaryOp, Bound, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Raised, Slots,
    Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, bound, f0, f1, getter, name,
};
use taipan_types::bytes::new_bytes;

pub(super) static DATETIME: TypeObject = Type::declare("datetime.datetime");

/// Microseconds of a day.
const DAY: i128 = 86_400_000_000;

/// Payload of datetimes; a date comes first. The fold is set behind the constructor's back when an instance of a subclass is made.
#[repr(C)]
pub(super) struct DateTime {
    date: Date,
    pub clock: Clock,
    fold: AtomicU8,
    zone: Option<Value>,
}

#[expect(unsafe_code, reason = "the contract of payloads")]
// SAFETY: the zone is the only reference.
unsafe impl Payload for DateTime {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &DATETIME
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_option(&self.zone);
    }
}

impl DateTime {
    pub fn zone(&self) -> Option<&Value> {
        self.zone.as_ref()
    }

    fn fold(&self) -> u8 {
        self.fold.load(Relaxed)
    }

    /// Microseconds since the beginning of the day with the ordinal 0, on the clock.
    fn total(&self) -> i128 {
        i128::from(self.date.day.ordinal()) * DAY + i128::from(self.clock.microseconds())
    }

    /// Day and clock in the order of time.
    fn shown(&self) -> (Day, Clock) {
        (self.date.day, self.clock)
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "datetime.datetime",
    base: Some(&DATE),
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(|vm, this| vm.call_method(this, name!("isoformat"), &[new_str(" ")])),
        hash: Some(hash),
        compare: Some(compare),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Add, add)
    .with_binary(BinaryOp::Subtract, subtract),
    methods: &METHODS,
    getset: &GETSET,
    doc: "datetime(year, month, day[, hour[, minute[, second[, microsecond[,tzinfo]]]]])\n\n\
          The year, month and day arguments are required. tzinfo may be None, or an\n\
          instance of a tzinfo subclass. The remaining arguments may be ints.\n",
};
static LAYOUT: Layout = Layout::of::<DateTime>();
static METHODS: [MethodDef; 23] = [
    bound(
        "now(type, /, tz=None)",
        now,
        "Returns new datetime object representing current time local to tz.\n\n\
         \x20 tz\n    Timezone object.\n\nIf no tz is specified, uses local timezone.",
    )
    .class_method(),
    f0(
        "utcnow(type, /)",
        utc_now,
        "Return a new datetime representing UTC day and time.",
    )
    .class_method(),
    bound(
        "fromtimestamp(type, /, timestamp, tz=None)",
        from_timestamp,
        "timestamp[, tz] -> tz's local time from POSIX timestamp.",
    )
    .class_method(),
    bound(
        "utcfromtimestamp(type, timestamp, /)",
        utc_from_timestamp,
        "Construct a naive UTC datetime from a POSIX timestamp.",
    )
    .class_method(),
    bound(
        "strptime(type, string, format, /)",
        |vm, cls, args| strptime(vm, cls, args, "_strptime_datetime_datetime"),
        "string, format -> new datetime parsed from a string (like time.strptime()).",
    )
    .class_method(),
    bound(
        "combine(type, /, date, time, tzinfo=unchanged)",
        combine,
        "date, time -> datetime with same date and time fields",
    )
    .class_method(),
    f1(
        "fromisoformat(type, object, /)",
        from_iso_format,
        "string -> datetime from a string in most ISO 8601 formats",
    )
    .class_method(),
    f0(
        "date(self, /)",
        |vm, this| {
            let Day { year, month, day } = day_of(this);
            date_of_class(vm, &DATE.to_value(), year, month.into(), day.into())
        },
        "Return date object with same year, month and day.",
    ),
    f0(
        "time(self, /)",
        |_, this| Ok(plain_time(own(this).clock, own(this).fold(), None)),
        "Return time object with same time but with tzinfo=None.",
    ),
    f0(
        "timetz(self, /)",
        |_, this| {
            let own = own(this);
            Ok(plain_time(own.clock, own.fold(), own.zone.clone()))
        },
        "Return time object with same time and tzinfo.",
    ),
    f0(
        "ctime(self, /)",
        |_, this| Ok(local::ctime(day_of(this), own(this).clock)),
        "Return ctime() style string.",
    ),
    f0(
        "timetuple(self, /)",
        time_tuple,
        "Return time tuple, compatible with time.localtime().",
    ),
    f0(
        "timestamp(self, /)",
        timestamp,
        "Return POSIX timestamp as float.",
    ),
    f0(
        "utctimetuple(self, /)",
        utc_time_tuple,
        "Return UTC time tuple, compatible with time.localtime().",
    ),
    bound(
        "isoformat(self, /, sep='T', timespec='auto')",
        iso_format,
        "[sep] -> string in ISO 8601 format, YYYY-MM-DDT[HH[:MM[:SS[.mmm[uuu]]]]][+HH:MM].\n\
         sep is used to separate the year from the time, and defaults to 'T'.\n\
         The optional argument timespec specifies the number of additional terms\n\
         of the time to include. Valid options are 'auto', 'hours', 'minutes',\n\
         'seconds', 'milliseconds' and 'microseconds'.\n",
    ),
    f0(
        "utcoffset(self, /)",
        |vm, this| Ok(offset(vm, this, "utcoffset")?.unwrap_or_else(Value::none)),
        "Return self.tzinfo.utcoffset(self).",
    ),
    f0(
        "tzname(self, /)",
        |vm, this| zone::zone_name(vm, &own(this).zone, this),
        "Return self.tzinfo.tzname(self).",
    ),
    f0(
        "dst(self, /)",
        |vm, this| Ok(offset(vm, this, "dst")?.unwrap_or_else(Value::none)),
        "Return self.tzinfo.dst(self).",
    ),
    bound(
        "replace(self, /, year=unchanged, month=unchanged, day=unchanged, hour=unchanged, \
         minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, \
         fold=unchanged)",
        replace,
        "Return datetime with new specified fields.",
    ),
    bound(
        "__replace__(self, /, year=unchanged, month=unchanged, day=unchanged, hour=unchanged, \
         minute=unchanged, second=unchanged, microsecond=unchanged, tzinfo=unchanged, *, \
         fold=unchanged)",
        replace,
        "The same as replace().",
    ),
    bound(
        "astimezone(self, /, tz=None)",
        as_time_zone,
        "tz -> convert to local time in new timezone tz\n",
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
    DATETIME.define(&SPEC);
    let last = Clock {
        hour: 23,
        minute: 59,
        second: 59,
        microsecond: 999_999,
    };
    let least = make(&DATETIME, Day::new(1, 1, 1), Clock::default(), 0, None);
    set_constant(&DATETIME, "min", least);
    let most = make(&DATETIME, Day::new(9999, 12, 31), last, 0, None);
    set_constant(&DATETIME, "max", most);
    let resolution = from_total(vm, 1)?;
    set_constant(&DATETIME, "resolution", resolution);
    Ok(())
}

fn own(this: &Value) -> &DateTime {
    this.expect::<DateTime>()
}

// ---- construction ----

fn make(cls: &TypeObject, day: Day, clock: Clock, fold: u8, zone: Option<Value>) -> Value {
    new_instance(
        cls,
        DateTime {
            date: Date { day },
            clock,
            fold: AtomicU8::new(fold),
            zone,
        },
    )
}

/// Fields of a datetime, not checked yet.
struct Fields {
    day: [i32; 3],
    clock: ClockFields,
    fold: i32,
    zone: Option<Value>,
}

impl Fields {
    fn new(day: Day, clock: Clock, fold: u8, zone: Option<Value>) -> Fields {
        Fields {
            day: [day.year, day.month.into(), day.day.into()],
            clock: [
                clock.hour.into(),
                clock.minute.into(),
                clock.second.into(),
                clock.microsecond as i32,
            ],
            fold: fold.into(),
            zone,
        }
    }

    /// A datetime of a class: classes that derive from `datetime` are called.
    fn of_class(self, vm: &mut Vm, cls: &Value) -> Py {
        let fold = fields::fold(vm, self.fold)?;
        if cls.is(&DATETIME.to_value()) {
            let [year, month, day] = self.day;
            let day = fields::day(vm, year, month, day)?;
            let clock = fields::clock(vm, self.clock)?;
            return Ok(make(&DATETIME, day, clock, fold, self.zone));
        }
        let numbers = self.day.into_iter().chain(self.clock);
        let mut args: Vec<Value> = numbers.map(Value::from_i32).collect();
        args.push(self.zone.unwrap_or_else(Value::none));
        let made = vm.call(cls, &args)?;
        if let Some(made) = made.cast::<DateTime>() {
            made.fold.store(fold, Relaxed);
        }
        Ok(made)
    }
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if let (1..=2, false) = (args.pos().len(), args.has_keywords()) {
        let sane = |month| (1..=12).contains(&(month & 0x7f));
        if let Some(state) = fields::state(vm, args.pos().first(), "datetime", 2, sane)? {
            return unpickled(vm, cls, state, args.pos().get(1));
        }
    }
    let names = [
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "microsecond",
        "tzinfo",
        "fold",
    ];
    let bound = bind(vm, args, names, 8)?;
    let numbers: [i32; 7] = fields::numbers(vm, &bound, names, 3)?;
    let fold = c_int_or(vm, bound[8].as_ref(), 0)?;
    let [year, month, day, hour, minute, second, microsecond] = numbers;
    let day = fields::day(vm, year, month, day)?;
    let clock = fields::clock(vm, [hour, minute, second, microsecond])?;
    let fold = fields::fold(vm, fold)?;
    let zone = fields::time_zone(vm, bound[7].as_ref())?;
    Ok(make(cls, day, clock, fold, zone))
}

fn unpickled(vm: &mut Vm, cls: &TypeObject, state: [u8; 10], zone: Option<&Value>) -> Py {
    let zone = unpickled_zone(vm, zone)?;
    let [high, low, month, day, hour, minute, second, us @ ..] = state;
    let year = i32::from(high) << 8 | i32::from(low);
    let clock = Clock {
        hour,
        minute,
        second,
        microsecond: u32::from_be_bytes([0, us[0], us[1], us[2]]),
    };
    let date = Day::new(year, month & 0x7f, day);
    Ok(make(cls, date, clock, month >> 7, zone))
}

/// The datetime of a class at a timestamp.
fn at(
    vm: &mut Vm,
    cls: &Value,
    (seconds, microsecond): (i64, u32),
    local: bool,
    zone: Option<Value>,
) -> Py {
    let broken = local::break_down(vm, seconds, local)?;
    let [month, day, hour, minute, second] = broken.rest;
    let clock = [hour, minute, second, microsecond as i32];
    let mut fold = 0;
    if local && zone.is_none() {
        let day = fields::day(vm, broken.year, month, day)?;
        let clock = fields::clock(vm, clock)?;
        let shown = local::utc_seconds(day, clock);
        fold = local::is_second_time(vm, seconds, shown)?.into();
    }
    let fields = Fields {
        day: [broken.year, month, day],
        clock,
        fold,
        zone,
    };
    fields.of_class(vm, cls)
}

/// The same, in local time or in that of a zone.
fn at_in_zone(vm: &mut Vm, cls: &Value, time: (i64, u32), zone: Option<Value>) -> Py {
    let made = at(vm, cls, time, zone.is_none(), zone.clone())?;
    match zone {
        Some(zone) => vm.call_method(&zone, name!("fromutc"), &[made]),
        None => Ok(made),
    }
}

fn now(vm: &mut Vm, cls: &Value, args: &Bound) -> Py {
    let zone = fields::time_zone(vm, args.get(0))?;
    let now = local::now(vm)?;
    at_in_zone(vm, cls, now, zone)
}

fn utc_now(vm: &mut Vm, cls: &Value) -> Py {
    let message = "datetime.datetime.utcnow() is deprecated and scheduled for removal in a \
                   future version. Use timezone-aware objects to represent datetimes in UTC: \
                   datetime.datetime.now(datetime.UTC).";
    vm.warn(&DEPRECATION_WARNING, message, 1)?;
    let now = local::now(vm)?;
    at(vm, cls, now, false, None)
}

fn from_timestamp(vm: &mut Vm, cls: &Value, args: &Bound) -> Py {
    let zone = fields::time_zone(vm, args.get(1))?;
    let time = local::rounded_seconds(vm, args.req(0))?;
    at_in_zone(vm, cls, time, zone)
}

fn utc_from_timestamp(vm: &mut Vm, cls: &Value, args: &Bound) -> Py {
    let message = "datetime.datetime.utcfromtimestamp() is deprecated and scheduled for removal \
                   in a future version. Use timezone-aware objects to represent datetimes in \
                   UTC: datetime.datetime.fromtimestamp(timestamp, datetime.UTC).";
    vm.warn(&DEPRECATION_WARNING, message, 1)?;
    let time = local::rounded_seconds(vm, args.req(0))?;
    at(vm, cls, time, false, None)
}

fn combine(vm: &mut Vm, cls: &Value, args: &Bound) -> Py {
    let wrong = |vm: &mut Vm, number: usize, wanted: &str, got: &Value| {
        let message = format!(
            "combine() argument {number} must be datetime.{wanted}, not {}",
            taipan_types::arguments::type_name(got)
        );
        Err(vm.type_error(message))
    };
    let (date, time) = (args.req(0), args.req(1));
    let Some(day) = date.cast::<Date>().map(|date| date.day) else {
        return wrong(vm, 1, "date", date);
    };
    let Some(own) = time.cast::<Time>() else {
        return wrong(vm, 2, "time", time);
    };
    let zone = match args.get(2) {
        Some(zone) => fields::time_zone(vm, Some(zone))?,
        None => own.zone().cloned(),
    };
    Fields::new(day, own.clock, own.fold(), zone).of_class(vm, cls)
}

fn from_iso_format(vm: &mut Vm, cls: &Value, text: &Value) -> Py {
    let points = iso_argument(vm, text)?;
    let parts = parse_iso(&points);
    let Some((mut day, time)) = parts else {
        return Err(malformed(vm, text));
    };
    let (mut clock, offset) = time.unwrap_or(([0; 4], Offset::None));
    if wrap_midnight(vm, &mut clock)? {
        day = next_day(day);
    }
    let zone = parsed_zone(vm, offset)?;
    let fields = Fields {
        day,
        clock,
        fold: 0,
        zone,
    };
    fields.of_class(vm, cls)
}

/// The fields of a date, and of a time if there is one.
type IsoParts = ([i32; 3], Option<(ClockFields, Offset)>);

fn parse_iso(points: &[u32]) -> Option<IsoParts> {
    if points.len() < 7 {
        return None;
    }
    let end = separator(points).ok()?;
    let (year, month, day) = parse_day(points.get(..end)?).ok()?;
    let time = match points.get(end + 1..) {
        // A separator needs something behind it.
        Some([]) => return None,
        Some(time) => Some(parse_time(time).ok()?),
        None => None,
    };
    Some(([year, month, day], time))
}

/// The day behind one that may be none of the calendar, which stays.
fn next_day([year, month, day]: [i32; 3]) -> [i32; 3] {
    if !(1..=12).contains(&month) {
        return [year, month, day];
    }
    let last = i32::from(days_in_month(year, month as u8));
    match (month, day) {
        (_, day) if day > last => [year, month, day],
        (12, 31) => [year + 1, 1, 1],
        (month, day) if day == last => [year, month + 1, 1],
        (month, day) => [year, month, day + 1],
    }
}

fn replace(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let (day, clock, fold) = (day_of(this), own(this).clock, own(this).fold());
    let year = c_int_or(vm, args.get(0), day.year)?;
    let month = c_int_or(vm, args.get(1), day.month.into())?;
    let day = c_int_or(vm, args.get(2), day.day.into())?;
    let clock = replaced_clock(vm, clock, args, 3)?;
    let zone = match args.get(7) {
        Some(zone) => fields::time_zone(vm, Some(zone))?,
        None => own(this).zone.clone(),
    };
    let fold = c_int_or(vm, args.get(8), fold.into())?;
    let fields = Fields {
        day: [year, month, day],
        clock,
        fold,
        zone,
    };
    fields.of_class(vm, &this.type_of().to_value())
}

// ---- text ----

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let own = own(this);
    let Day { year, month, day } = own.date.day;
    let Clock {
        hour,
        minute,
        second,
        microsecond,
    } = own.clock;
    let name = this.type_of().name();
    let mut text = format!("{name}({year}, {month}, {day}, {hour}, {minute}");
    if microsecond != 0 {
        text.push_str(&format!(", {second}, {microsecond}"));
    } else if second != 0 {
        text.push_str(&format!(", {second}"));
    }
    finish_repr(vm, &text, own.zone(), own.fold())
}

fn iso_format(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let separator = match args.get(0) {
        Some(separator) => separator_argument(vm, separator)?,
        None => u32::from('T'),
    };
    let precision = precision(vm, args.get(1), 2)?;
    let mut text = day_text(day_of(this)).into_bytes();
    push_wtf8(&mut text, separator);
    text.extend(clock_text(own(this).clock, precision).bytes());
    if let Some(offset) = offset(vm, this, "utcoffset")? {
        text.extend(offset_text(microseconds(&offset) as i64, ":").bytes());
    }
    Ok(taipan_core::str_object::new_from_wtf8(&text))
}

fn separator_argument(vm: &mut Vm, separator: &Value) -> Py<u32> {
    let what = match str_of(separator) {
        Some(text) if text.len() == 1 => return Ok(text.at(0)),
        Some(text) => format!("a string of length {}", text.len()),
        None => taipan_types::arguments::type_name(separator).to_owned(),
    };
    let message = format!("isoformat() argument 1 must be a unicode character, not {what}");
    Err(vm.type_error(message))
}

fn time_tuple(vm: &mut Vm, this: &Value) -> Py {
    let dst = match offset(vm, this, "dst")? {
        Some(dst) => (microseconds(&dst) != 0).into(),
        None => -1,
    };
    local::struct_time(vm, day_of(this), own(this).clock, dst)
}

fn utc_time_tuple(vm: &mut Vm, this: &Value) -> Py {
    let own = own(this);
    let (mut day, mut clock) = (own.date.day, own.clock);
    if let Some(offset) = offset(vm, this, "utcoffset")? {
        (day, clock) = take_apart(vm, own.total() - microseconds(&offset))?;
    }
    local::struct_time(vm, day, clock, 0)
}

fn timestamp(vm: &mut Vm, this: &Value) -> Py {
    let own = own(this);
    if own.zone().is_some() {
        let utc = zone::utc(vm)?;
        let epoch = Day::new(1970, 1, 1);
        let epoch = make(&DATETIME, epoch, Clock::default(), 0, Some(utc));
        let delta = subtract(vm, this, &epoch)?;
        return vm.call_method(&delta, name!("total_seconds"), &[]);
    }
    let shown = local::utc_seconds(own.date.day, own.clock);
    let seconds = local::from_clocks(vm, shown, own.fold() != 0)?;
    Ok(Value::float(
        seconds as f64 + f64::from(own.clock.microsecond) / 1e6,
    ))
}

fn reduce(vm: &mut Vm, this: &Value, with_fold: bool) -> Py {
    let own = own(this);
    let mut state = [0; 10];
    state[..4].copy_from_slice(&day_state(own.date.day));
    state[4..].copy_from_slice(&clock_state(own.clock));
    if with_fold {
        state[2] |= own.fold() << 7;
    }
    let mut args = vec![new_bytes(vm, &state)?];
    args.extend(own.zone.clone());
    Ok(new_tuple([this.type_of().to_value(), new_tuple(args)]))
}

// ---- zones ----

fn offset(vm: &mut Vm, this: &Value, method: &str) -> Py<Option<Value>> {
    zone::offset(vm, &own(this).zone, method, this)
}

#[cold]
fn out_of_range(vm: &mut Vm) -> Raised {
    vm.overflow_error("date value out of range")
}

/// The day and time of a number of microseconds, as [`DateTime::total`] counts them.
fn take_apart(vm: &mut Vm, total: i128) -> Py<(Day, Clock)> {
    let day = i64::try_from(total.div_euclid(DAY)).ok();
    match day.and_then(Day::from_ordinal) {
        Some(day) => {
            let clock = Clock::from_microseconds(total.rem_euclid(DAY) as i64);
            Ok((day, clock))
        }
        None => Err(out_of_range(vm)),
    }
}

/// The datetime some microseconds later.
pub(super) fn shifted(vm: &mut Vm, this: &Value, by: i128) -> Py {
    let zone = own(this).zone.clone();
    let (day, clock) = take_apart(vm, own(this).total() + by)?;
    Fields::new(day, clock, 0, zone).of_class(vm, &this.type_of().to_value())
}

/// The zone in force on this machine at a timestamp.
fn local_zone(vm: &mut Vm, seconds: i64) -> Py {
    let broken = local::break_down(vm, seconds, true)?;
    let offset = from_total(vm, i128::from(broken.offset) * 1_000_000)?;
    zone::fixed(vm, offset, Some(new_str(&broken.zone)))
}

/// The zone in force on this machine when its clocks showed `this`.
fn local_zone_of_clocks(vm: &mut Vm, this: &Value) -> Py {
    let own = own(this);
    let fold = own.fold() != 0;
    let shown = local::utc_seconds(own.date.day, own.clock);
    let mut seconds = local::from_clocks(vm, shown, fold)?;
    // In a gap the zone on the other side of it counts.
    let other = local::from_clocks(vm, shown, !fold)?;
    if other != seconds && (other > seconds) == fold {
        seconds = other;
    }
    local_zone(vm, seconds)
}

fn as_time_zone(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let target = fields::time_zone(vm, args.get(0))?;
    let own_zone = match &own(this).zone {
        Some(zone) => zone.clone(),
        None => local_zone_of_clocks(vm, this)?,
    };
    if target.as_ref().is_some_and(|target| target.is(&own_zone)) {
        return Ok(this.clone());
    }
    let offset = match zone::offset(vm, &Some(own_zone), "utcoffset", this)? {
        Some(offset) => offset,
        // A zone that does not know: as without a zone.
        None => {
            let zone = local_zone_of_clocks(vm, this)?;
            match zone::offset(vm, &Some(zone), "utcoffset", this)? {
                Some(offset) => offset,
                None => return Err(vm.system_error("a fixed zone without an offset")),
            }
        }
    };
    let (day, clock) = take_apart(vm, own(this).total() - microseconds(&offset))?;
    let target = match target {
        Some(target) => target,
        None => local_zone(vm, local::utc_seconds(day, clock))?,
    };
    // The zone's `fromutc` wants a time of its own.
    let cls = this.type_of().to_value();
    let in_utc = Fields::new(day, clock, 0, Some(target.clone())).of_class(vm, &cls)?;
    vm.call_method(&target, name!("fromutc"), &[in_utc])
}

// ---- comparing and arithmetic ----

fn hash(vm: &mut Vm, this: &Value) -> Py<i64> {
    let own = own(this);
    // Moments that differ in their fold only are equal.
    let plain_fold;
    let moment = if own.fold() == 0 {
        this
    } else {
        plain_fold = make(&DATETIME, own.date.day, own.clock, 0, own.zone.clone());
        &plain_fold
    };
    match offset(vm, moment, "utcoffset")? {
        None => {
            let mut state = [0; 10];
            state[..4].copy_from_slice(&day_state(own.date.day));
            state[4..].copy_from_slice(&clock_state(own.clock));
            Ok(bytes_hash(&state))
        }
        Some(offset) => {
            let delta = from_total(vm, own.total() - microseconds(&offset))?;
            vm.hash(&delta)
        }
    }
}

/// Does the offset of a moment depend on its fold? Then it equals no moment of another zone (PEP 495).
fn is_ambiguous(vm: &mut Vm, this: &Value, offset: &Option<Value>) -> Py<bool> {
    let own = own(this);
    let other = make(
        &DATETIME,
        own.date.day,
        own.clock,
        1 - own.fold().min(1),
        own.zone.clone(),
    );
    let flipped = self::offset(vm, &other, "utcoffset")?;
    Ok(match (offset, flipped) {
        (Some(a), Some(b)) => microseconds(a) != microseconds(&b),
        (a, b) => a.is_some() != b.is_some(),
    })
}

fn same_zone(a: &DateTime, b: &DateTime) -> bool {
    match (a.zone(), b.zone()) {
        (Some(a), Some(b)) => a.is(b),
        (a, b) => a.is_none() && b.is_none(),
    }
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (a.cast::<DateTime>(), b.cast::<DateTime>()) else {
        return Ok(Value::not_implemented());
    };
    if same_zone(left, right) {
        return Ok(Value::bool(op.holds(left.shown().cmp(&right.shown()))));
    }
    let first = offset(vm, a, "utcoffset")?;
    let second = offset(vm, b, "utcoffset")?;
    let mut order = match (&first, &second) {
        (None, None) => left.shown().cmp(&right.shown()),
        (Some(first), Some(second)) => {
            let left = left.total() - microseconds(first);
            left.cmp(&(right.total() - microseconds(second)))
        }
        _ => {
            return match op {
                CompareOp::Eq => Ok(Value::bool(false)),
                CompareOp::Ne => Ok(Value::bool(true)),
                _ => {
                    let message = "can't compare offset-naive and offset-aware datetimes";
                    Err(vm.type_error(message))
                }
            };
        }
    };
    if matches!(op, CompareOp::Eq | CompareOp::Ne)
        && order.is_eq()
        && (is_ambiguous(vm, a, &first)? || is_ambiguous(vm, b, &second)?)
    {
        order = Ordering::Greater;
    }
    Ok(Value::bool(op.holds(order)))
}

fn add(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let is_moment = |value: &Value| value.cast::<DateTime>().is_some();
    match (total_of(a), total_of(b)) {
        (None, Some(by)) if is_moment(a) => shifted(vm, a, by),
        (Some(by), None) if is_moment(b) => shifted(vm, b, by),
        _ => Ok(Value::not_implemented()),
    }
}

fn subtract(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let Some(left) = a.cast::<DateTime>() else {
        return Ok(Value::not_implemented());
    };
    if let Some(by) = total_of(b) {
        return shifted(vm, a, -by);
    }
    let Some(right) = b.cast::<DateTime>() else {
        return Ok(Value::not_implemented());
    };
    let mut difference = left.total() - right.total();
    if !same_zone(left, right) {
        let offsets = (offset(vm, a, "utcoffset")?, offset(vm, b, "utcoffset")?);
        match offsets {
            (None, None) => {}
            (Some(first), Some(second)) => {
                difference -= microseconds(&first) - microseconds(&second);
            }
            _ => {
                let message = "can't subtract offset-naive and offset-aware datetimes";
                return Err(vm.type_error(message));
            }
        }
    }
    from_total(vm, difference)
}
