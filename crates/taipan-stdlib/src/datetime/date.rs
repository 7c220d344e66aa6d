//! `date`, and the tuple that `isocalendar` gives.

use super::delta::{from_total, set_constant, total_of};
use super::fields::{self, bind, c_int, c_int_or};
use super::gregorian::{Day, IsoError, from_iso_week};
use super::iso::{day_text, parse_day};
use super::local;
use super::moment::DateTime;
use super::strftime;
use crate::support::signature;
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::TUPLE;
use taipan_core::str_object::{bytes_hash, new_str, str_of};
use taipan_core::tuple_object::{self, new_tuple, new_tuple_of};
use taipan_core::{
    Args, BinaryOp, Bound, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Type,
    TypeFlags, TypeObject, TypeSpec, Value, Vm, bound, f0, f1, getter, name,
};
use taipan_types::bytes::new_bytes;
use taipan_types::codec::registry::import;

pub(super) static DATE: TypeObject = Type::declare("datetime.date");

/// Payload of dates; that of a `datetime` begins with it.
#[repr(C)]
pub(super) struct Date {
    pub day: Day,
}

#[expect(unsafe_code, reason = "the contract of payloads")]
// SAFETY: holds no references.
unsafe impl Payload for Date {
    fn type_object() -> &'static TypeObject {
        &DATE
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "datetime.date",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(|vm, this| vm.call_method(this, name!("isoformat"), &[])),
        hash: Some(|_, this| Ok(bytes_hash(&state(day_of(this))))),
        compare: Some(compare),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Add, add)
    .with_binary(BinaryOp::Subtract, subtract),
    methods: &METHODS,
    getset: &GETSET,
    doc: "date(year, month, day) --> date object",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Date>();
static METHODS: [MethodDef; 18] = [
    f1(
        "fromtimestamp(type, timestamp, /)",
        from_timestamp,
        "Create a date from a POSIX timestamp.\n\n\
         The timestamp is a number, e.g. created via time.time(), that is\n\
         interpreted as local time.",
    )
    .class_method(),
    bound(
        "fromordinal(type, ordinal, /)",
        from_ordinal,
        "int -> date corresponding to a proleptic Gregorian ordinal.",
    )
    .class_method(),
    f1(
        "fromisoformat(type, object, /)",
        from_iso_format,
        "str -> Construct a date from a string in ISO 8601 format.",
    )
    .class_method(),
    bound(
        "fromisocalendar(type, year, week, day)",
        from_iso_calendar,
        "int, int, int -> Construct a date from the ISO year, week number and weekday.\n\n\
         This is the inverse of the date.isocalendar() function",
    )
    .class_method(),
    bound(
        "strptime(type, string, format, /)",
        |vm, cls, args| strptime(vm, cls, args, "_strptime_datetime_date"),
        "string, format -> new date parsed from a string (like time.strptime()).",
    )
    .class_method(),
    f0(
        "today(type, /)",
        today,
        "Current date or datetime:  same as self.__class__.fromtimestamp(time.time()).",
    )
    .class_method(),
    f0(
        "ctime(self, /)",
        |_, this| Ok(local::ctime(day_of(this), Default::default())),
        "Return ctime() style string.",
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
        "isoformat(self, /)",
        |_, this| Ok(new_str(&day_text(day_of(this)))),
        "Return string in ISO 8601 format, YYYY-MM-DD.",
    ),
    f0(
        "isoweekday(self, /)",
        |_, this| Ok(Value::int(day_of(this).weekday() + 1)),
        "Return the day of the week represented by the date.\nMonday == 1 ... Sunday == 7",
    ),
    f0(
        "isocalendar(self, /)",
        iso_calendar,
        "Return a named tuple containing ISO year, week number, and weekday.",
    ),
    f0(
        "toordinal(self, /)",
        |_, this| Ok(Value::int(day_of(this).ordinal())),
        "Return proleptic Gregorian ordinal.  January 1 of year 1 is day 1.",
    ),
    f0(
        "weekday(self, /)",
        |_, this| Ok(Value::int(day_of(this).weekday())),
        "Return the day of the week represented by the date.\nMonday == 0 ... Sunday == 6",
    ),
    f0(
        "timetuple(self, /)",
        |vm, this| local::struct_time(vm, day_of(this), Default::default(), -1),
        "Return time tuple, compatible with time.localtime().",
    ),
    bound(
        "replace(self, /, year=unchanged, month=unchanged, day=unchanged)",
        replace,
        "Return date with new specified fields.",
    ),
    bound(
        "__replace__(self, /, year=unchanged, month=unchanged, day=unchanged)",
        replace,
        "The same as replace().",
    ),
    f0(
        "__reduce__(self, /)",
        reduce,
        "__reduce__() -> (cls, state)",
    ),
];
static GETSET: [GetSetDef; 3] = [
    getter("year", |_, this| Ok(Value::from_i32(day_of(this).year)), ""),
    getter(
        "month",
        |_, this| Ok(Value::from_i32(day_of(this).month.into())),
        "",
    ),
    getter(
        "day",
        |_, this| Ok(Value::from_i32(day_of(this).day.into())),
        "",
    ),
];

pub(super) fn define(vm: &mut Vm) -> Py<()> {
    DATE.define(&SPEC);
    ISO_DATE.define(&ISO_SPEC);
    set_constant(&DATE, "min", make(&DATE, Day::new(1, 1, 1)));
    set_constant(&DATE, "max", make(&DATE, Day::new(9999, 12, 31)));
    let resolution = from_total(vm, 86_400_000_000)?;
    set_constant(&DATE, "resolution", resolution);
    Ok(())
}

/// The day of a `date` or a `datetime`.
pub(super) fn day_of(this: &Value) -> Day {
    this.expect::<Date>().day
}

// ---- construction ----

fn make(cls: &TypeObject, day: Day) -> Value {
    new_instance(cls, Date { day })
}

/// A date of a class: classes that derive from `date` are called.
pub(super) fn of_class(vm: &mut Vm, cls: &Value, year: i32, month: i32, day: i32) -> Py {
    if cls.is(&DATE.to_value()) {
        return Ok(make(&DATE, fields::day(vm, year, month, day)?));
    }
    vm.call(cls, &[year, month, day].map(Value::from_i32))
}

fn from_day(vm: &mut Vm, cls: &Value, day: Day) -> Py {
    of_class(vm, cls, day.year, day.month.into(), day.day.into())
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if let ([only], false) = (args.pos(), args.has_keywords()) {
        let sane = |month| (1..=12).contains(&month);
        if let Some([high, low, month, day]) = fields::state(vm, Some(only), "date", 2, sane)? {
            let year = i32::from(high) << 8 | i32::from(low);
            return Ok(make(cls, Day::new(year, month, day)));
        }
    }
    let names = ["year", "month", "day"];
    let bound = bind(vm, args, names, 3)?;
    let [year, month, day] = fields::numbers(vm, &bound, names, 3)?;
    Ok(make(cls, fields::day(vm, year, month, day)?))
}

fn from_timestamp(vm: &mut Vm, cls: &Value, timestamp: &Value) -> Py {
    let seconds = local::floor_seconds(vm, timestamp)?;
    let (year, day) = local::local_day(vm, seconds)?;
    let [month, day] = day;
    of_class(vm, cls, year, month, day)
}

fn from_ordinal(vm: &mut Vm, cls: &Value, args: &Bound) -> Py {
    let ordinal = c_int(vm, args.req(0))?;
    if ordinal < 1 {
        return Err(vm.value_error("ordinal must be >= 1"));
    }
    from_day(vm, cls, Day::from_any_ordinal(ordinal.into()))
}

/// The code points of an argument of `fromisoformat`.
pub(super) fn iso_argument(vm: &mut Vm, text: &Value) -> Py<Vec<u32>> {
    match str_of(text) {
        Some(text) => Ok(text.code_points().collect()),
        None => Err(vm.type_error("fromisoformat: argument must be str")),
    }
}

#[cold]
pub(super) fn malformed(vm: &mut Vm, text: &Value) -> taipan_core::Raised {
    match vm.repr_string(text) {
        Ok(shown) => vm.value_error(format!("Invalid isoformat string: {shown}")),
        Err(raised) => raised,
    }
}

fn from_iso_format(vm: &mut Vm, cls: &Value, text: &Value) -> Py {
    let points = iso_argument(vm, text)?;
    match parse_day(&points) {
        Ok((year, month, day)) => of_class(vm, cls, year, month, day),
        Err(_) => Err(malformed(vm, text)),
    }
}

fn from_iso_calendar(vm: &mut Vm, cls: &Value, args: &Bound) -> Py {
    let mut parts = [0; 3];
    for (at, part) in parts.iter_mut().enumerate() {
        let number = vm.index(args.req(at))?;
        let Some(number) = number.as_i64().and_then(|i| i32::try_from(i).ok()) else {
            return Err(vm.value_error("ISO calendar component out of range"));
        };
        *part = number;
    }
    let [year, week, weekday] = parts;
    match from_iso_week(year, week, weekday) {
        Ok(day) => from_day(vm, cls, day),
        Err(IsoError::Year) => Err(match fields::check_year(vm, year) {
            Err(raised) => raised,
            Ok(()) => vm.value_error("year is out of range"),
        }),
        Err(IsoError::Week) => Err(vm.value_error(format!("Invalid week: {week}"))),
        Err(IsoError::Weekday) => {
            let message = format!("Invalid weekday: {weekday} (range is [1, 7])");
            Err(vm.value_error(message))
        }
    }
}

/// Parses text by a function of the library's `_strptime`.
pub(super) fn strptime(vm: &mut Vm, cls: &Value, args: &Bound, function: &str) -> Py {
    for at in 0..2 {
        fields::text(vm, "strptime", at + 1, args.req(at))?;
    }
    let module = import(vm, "_strptime")?;
    let function = vm.get_attr_str(&module, function)?;
    let args = [cls.clone(), args.req(0).clone(), args.req(1).clone()];
    vm.call(&function, &args)
}

fn today(vm: &mut Vm, cls: &Value) -> Py {
    let time = import(vm, "time")?;
    let now = vm.call_method(&time, name!("time"), &[])?;
    vm.call_method(cls, name!("fromtimestamp"), &[now])
}

// ---- text ----

fn repr(_vm: &mut Vm, this: &Value) -> Py {
    let Day { year, month, day } = day_of(this);
    let name = this.type_of().name();
    Ok(new_str(&format!("{name}({year}, {month}, {day})")))
}

fn strftime_method(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let format = fields::text(vm, "strftime", 1, args.req(0))?;
    let tuple = vm.call_method(this, name!("timetuple"), &[])?;
    strftime::format(vm, this, format, &tuple, this)
}

/// `format(this, spec)`, of times too.
pub(super) fn format(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let format = fields::text(vm, "__format__", 1, args.req(0))?;
    if str_of(format).is_some_and(|format| format.is_empty()) {
        return vm.str(this);
    }
    vm.call_method(this, name!("strftime"), std::slice::from_ref(format))
}

fn replace(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let own = day_of(this);
    let year = c_int_or(vm, args.get(0), own.year)?;
    let month = c_int_or(vm, args.get(1), own.month.into())?;
    let day = c_int_or(vm, args.get(2), own.day.into())?;
    of_class(vm, &this.type_of().to_value(), year, month, day)
}

/// The day as bytes, for pickling and hashing.
pub(super) fn state(day: Day) -> [u8; 4] {
    let [high, low] = (day.year as u16).to_be_bytes();
    [high, low, day.month, day.day]
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let state = new_bytes(vm, &state(day_of(this)))?;
    Ok(new_tuple([this.type_of().to_value(), new_tuple([state])]))
}

// ---- comparing and arithmetic ----

/// The day of a date that is no `datetime`.
fn plain(value: &Value) -> Option<Day> {
    if value.cast::<DateTime>().is_some() {
        return None;
    }
    value.cast::<Date>().map(|date| date.day)
}

fn compare(_vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    match (plain(a), plain(b)) {
        (Some(a), Some(b)) => Ok(Value::bool(op.holds(a.cmp(&b)))),
        _ => Ok(Value::not_implemented()),
    }
}

/// The date some days away.
fn moved(vm: &mut Vm, date: &Value, day: Day, by: i128) -> Py {
    let days = by.div_euclid(86_400_000_000);
    let ordinal = i128::from(day.ordinal()) + days;
    let day = i64::try_from(ordinal).ok().and_then(Day::from_ordinal);
    match day {
        Some(day) => from_day(vm, &date.type_of().to_value(), day),
        None => Err(vm.overflow_error("date value out of range")),
    }
}

fn add(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    match (plain(a), total_of(b), total_of(a), plain(b)) {
        (Some(day), Some(delta), ..) => moved(vm, a, day, delta),
        (.., Some(delta), Some(day)) => moved(vm, b, day, delta),
        _ => Ok(Value::not_implemented()),
    }
}

fn subtract(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let Some(day) = plain(a) else {
        return Ok(Value::not_implemented());
    };
    if let Some(other) = plain(b) {
        let days = i128::from(day.ordinal() - other.ordinal());
        return from_total(vm, days * 86_400_000_000);
    }
    match total_of(b) {
        // Only whole days count, those of the difference itself.
        Some(delta) => {
            let days = delta.div_euclid(86_400_000_000);
            moved(vm, a, day, -days * 86_400_000_000)
        }
        None => Ok(Value::not_implemented()),
    }
}

// ---- isocalendar ----

static ISO_DATE: TypeObject = Type::declare("datetime.IsoCalendarDate");

static ISO_SPEC: TypeSpec = TypeSpec {
    name: "datetime.IsoCalendarDate",
    base: Some(&TUPLE),
    slots: Slots {
        new: Some(iso_new),
        repr: Some(iso_repr),
        ..Slots::NONE
    },
    methods: &ISO_METHODS,
    getset: &ISO_GETSET,
    doc: "The result of date.isocalendar() or datetime.isocalendar()\n\n\
          This object may be accessed either as a tuple of\n  ((year, week, weekday))\n\
          or via the object attributes as named in the above tuple.",
    ..TypeSpec::DEFAULT
};
static ISO_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    |_, this| {
        let items = tuple_object::items(this).unwrap_or_default();
        let plain = new_tuple(items.iter().cloned());
        Ok(new_tuple([TUPLE.to_value(), new_tuple([plain])]))
    },
    "",
)];
static ISO_GETSET: [GetSetDef; 3] = [
    getter("year", |_, this| Ok(iso_part(this, 0)), ""),
    getter("week", |_, this| Ok(iso_part(this, 1)), ""),
    getter("weekday", |_, this| Ok(iso_part(this, 2)), ""),
];

fn iso_part(this: &Value, at: usize) -> Value {
    let items = tuple_object::items(this).unwrap_or_default();
    items.get(at).cloned().unwrap_or_else(Value::none)
}

static ISO_NEW: MethodDef = signature("IsoCalendarDate(year, week, weekday)");

fn iso_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let bound = taipan_core::bind::bind(vm, &ISO_NEW, args)?;
    let mut parts = [0; 3];
    for (at, part) in parts.iter_mut().enumerate() {
        *part = c_int(vm, bound.req(at))?;
    }
    Ok(new_tuple_of(cls, parts.map(Value::from_i32).into_iter()))
}

fn iso_repr(vm: &mut Vm, this: &Value) -> Py {
    let mut parts = Vec::new();
    for at in 0..3 {
        parts.push(vm.str_string(&iso_part(this, at))?);
    }
    let name = this.type_of().name();
    Ok(new_str(&format!(
        "{name}(year={}, week={}, weekday={})",
        parts[0], parts[1], parts[2]
    )))
}

fn iso_calendar(_vm: &mut Vm, this: &Value) -> Py {
    let (year, week, weekday) = day_of(this).iso_week();
    let parts = [Value::from_i32(year), Value::int(week), Value::int(weekday)];
    Ok(new_tuple_of(&ISO_DATE, parts.into_iter()))
}
