//! `_zoneinfo`: time zones from the system's files.
//!
//! `ZoneInfo` derives from the `tzinfo` of native `datetime`, as the library expects; without that module this one cannot be imported
//! and the library uses its own.

mod cache;
mod rules;
mod tz_string;

use crate::ModuleDef;
use crate::builtins::import::import_module;
use crate::support::{Holds, add_type, native_type, signature};
use rules::{Offset, Rules};
use std::collections::HashMap;
use std::sync::OnceLock;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::builtin_types as types;
use taipan_core::latch::Latch;
use taipan_core::lock::Locked;
use taipan_core::str_object::{new_str, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, BinaryOp, Bound, GetSetDef, Layout, MethodDef, Obj, Py, Raised, Slots, Type, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, bound, f0, f1, getset, name, slice,
};
use taipan_types::bytes::bytes_of;

/// `_zoneinfo`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_zoneinfo",
    doc: "C implementation of the zoneinfo module",
    functions: &[],
    init,
};

/// How an object came to be, which pickling has to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Fresh,
    Cache,
    File,
}

impl Holds for Origin {}

native_type! {
    /// Payload of time zones.
    ZONE "zoneinfo.ZoneInfo" Zone { key: Value, file: Value, rules: Rules }
    ZoneState { origin: Origin }
}

/// What an interpreter keeps.
#[derive(Default)]
struct ZoneInfo {
    weak_cache: OnceLock<Value>,
    /// Zones used last, with their keys; the latest first.
    strong_cache: Latch<Vec<(Value, Value)>>,
    /// `timedelta`s by seconds: there are few different ones.
    offsets: Latch<HashMap<i64, Value>>,
    /// The classes `datetime` and `timedelta`.
    classes: OnceLock<[Value; 2]>,
}

fn state(vm: &Vm) -> &'static ZoneInfo {
    vm.interpreter_state::<ZoneInfo>()
}

static METHODS: [MethodDef; 10] = [
    bound(
        "clear_cache(cls, /, *, only_keys=None)",
        cache::clear,
        "Forget cached zones, or those with the given keys.",
    )
    .class_method(),
    bound(
        "no_cache(cls, /, key)",
        |vm, cls, args| load(vm, cls.expect::<Type>(), args.req(0)),
        "Make a zone that is not taken from the cache.",
    )
    .class_method(),
    bound(
        "from_file(cls, file_obj, /, key=None)",
        from_file,
        "Make a zone from an open file.",
    )
    .class_method(),
    f1(
        "utcoffset(self, dt, /)",
        |vm, this, when| find(vm, this, when, 0),
        "The offset from UTC at a local time.",
    ),
    f1(
        "dst(self, dt, /)",
        |vm, this, when| find(vm, this, when, 1),
        "How much of the offset at a local time is summer time.",
    ),
    f1(
        "tzname(self, dt, /)",
        |vm, this, when| find(vm, this, when, 2),
        "The abbreviation that is used at a local time.",
    ),
    f1(
        "fromutc(self, object, /)",
        from_utc,
        "The local time of a time in UTC.",
    ),
    f0("__reduce__(self, /)", reduce, "For pickling."),
    slice(
        "_unpickle(cls, key, from_cache, /)",
        unpickle,
        "For unpickling.",
    )
    .class_method(),
    bound(
        "__init_subclass__(cls, **kwargs)",
        cache::init_subclass,
        "Give a subclass a cache of its own.",
    )
    .class_method(),
];

static GETSET: [GetSetDef; 1] = [getset(
    "key",
    |_, this| Ok(own(this).key.clone()),
    |vm, _, _| Err(vm.attribute_error("readonly attribute")),
    "",
)];

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    let module = import_module(vm, "_datetime")?;
    let base = vm.get_attr(&module, name!("tzinfo"))?;
    let classes = [
        vm.get_attr(&module, name!("datetime"))?,
        vm.get_attr(&module, name!("timedelta"))?,
    ];
    let _ = state(vm).classes.set(classes);
    let Some(base) = base
        .cast::<Type>()
        .filter(|base| base.spec().is_some() && base.layout().size == 0)
    else {
        let message = "_zoneinfo needs the tzinfo of native datetime";
        return Err(vm.raise(&types::IMPORT_ERROR, message));
    };
    if ZONE.spec().is_none() {
        ZONE.define(Box::leak(Box::new(TypeSpec {
            name: "zoneinfo.ZoneInfo",
            base: Some(base.as_static()),
            flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
            layout: Some(const { &Layout::of::<Zone>() }),
            slots: Slots {
                new: Some(new),
                init: Some(|_, _, _| Ok(())),
                repr: Some(repr),
                str: Some(str),
                ..Slots::NONE
            },
            methods: &METHODS,
            getset: &GETSET,
            ..TypeSpec::DEFAULT
        })));
    }
    add_type(dict, &ZONE);
    Ok(())
}

fn own(this: &Value) -> &Obj<Zone> {
    this.expect::<Zone>()
}

// ---- making zones ----

static NEW: MethodDef = signature("ZoneInfo(type, key)");

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW, args)?;
    cache::get(vm, cls, args.req(0))
}

fn library(vm: &mut Vm, module: &str, function: &Value, argument: &Value) -> Py {
    let module = import_module(vm, module)?;
    let function = vm.get_attr(&module, function)?;
    vm.call(&function, std::slice::from_ref(argument))
}

/// Reads the zone with a key from the system's files, or from the package `tzdata`.
fn load(vm: &mut Vm, cls: &TypeObject, key: &Value) -> Py {
    let path = library(vm, "zoneinfo._tzpath", name!("find_tzfile"), key)?;
    let file = if path.is_none() {
        library(vm, "zoneinfo._common", name!("load_tzdata"), key)?
    } else {
        let io = import_module(vm, "io")?;
        vm.call_method(&io, name!("open"), &[path, new_str("rb")])?
    };
    let raised = match read(vm, &file) {
        Ok(rules) => {
            vm.call_method(&file, name!("close"), &[])?;
            return Ok(make(cls, key.clone(), Value::none(), rules, Origin::Fresh));
        }
        Err(raised) => raised,
    };
    // The first error is the one to tell.
    let error = vm.take_raised(raised);
    if let Err(raised) = vm.call_method(&file, name!("close"), &[]) {
        drop(vm.take_raised(raised));
    }
    Err(vm.set_pending(error))
}

fn make(cls: &TypeObject, key: Value, file: Value, rules: Rules, origin: Origin) -> Value {
    let state = Locked::new(ZoneState { origin });
    new_instance(
        cls,
        Zone {
            key,
            file,
            rules,
            state,
        },
    )
}

fn from_file(vm: &mut Vm, cls: &Value, args: &Bound) -> Py {
    let file = args.req(0);
    let shown = vm.repr(file)?;
    let rules = read(vm, file)?;
    let key = args.get(1).cloned().unwrap_or_else(Value::none);
    Ok(make(cls.expect::<Type>(), key, shown, rules, Origin::File))
}

#[cold]
fn bad_data(vm: &mut Vm) -> Raised {
    vm.value_error("Invalid TZif data")
}

/// Reads an open file.
fn read(vm: &mut Vm, file: &Value) -> Py<Rules> {
    let data = library(vm, "zoneinfo._common", name!("load_data"), file)?;
    let parts = vm.to_vec(&data)?;
    let [indices, times, utc, is_dst, names, text] = parts.as_slice() else {
        return Err(bad_data(vm));
    };
    let utc = numbers(vm, utc)?;
    let is_dst: Vec<bool> = numbers(vm, is_dst)?.iter().map(|flag| *flag != 0).collect();
    let names = vm.to_vec(names)?;
    if utc.len() != is_dst.len() || utc.len() != names.len() {
        return Err(bad_data(vm));
    }
    let mut transitions = Vec::new();
    let times = numbers(vm, times)?;
    for (time, index) in times.into_iter().zip(numbers(vm, indices)?) {
        match usize::try_from(index).ok().filter(|at| *at < utc.len()) {
            Some(kind) => transitions.push((time, kind)),
            None => {
                let message = format!("Invalid transition index found while reading TZif: {index}");
                return Err(vm.value_error(message));
            }
        }
    }
    let kinds: Vec<usize> = transitions.iter().map(|(_, kind)| *kind).collect();
    let summer = rules::summer_parts(&kinds, &utc, &is_dst);
    let mut offsets = Vec::new();
    for ((utc, dst), name) in utc.iter().zip(&summer).zip(&names) {
        let Some(name) = str_of(name) else {
            return Err(bad_data(vm));
        };
        offsets.push(offset(vm, *utc, *dst, &name.to_lossy())?);
    }
    let after = after(vm, text)?;
    match Rules::new(transitions, &is_dst, offsets, after) {
        Some(rules) => Ok(rules),
        None => Err(vm.value_error("No time zone information found.")),
    }
}

fn numbers(vm: &mut Vm, values: &Value) -> Py<Vec<i64>> {
    let values = vm.to_vec(values)?;
    values.iter().map(|value| vm.index_i64(value)).collect()
}

/// The rule in the text at the file's end, if there is one.
fn after(vm: &mut Vm, text: &Value) -> Py<Option<rules::After>> {
    let Some(bytes) = bytes_of(text).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    match tz_string::parse(bytes) {
        Ok(parsed) => rules::after(&parsed, |utc, dst, name| offset(vm, utc, dst, name)).map(Some),
        Err(fault) => {
            let shown = vm.repr_string(text)?;
            Err(vm.value_error(fault.message(&shown)))
        }
    }
}

fn offset(vm: &mut Vm, utc: i64, dst: i64, title: &str) -> Py<Offset> {
    Ok(Offset {
        utc,
        dst,
        name: title.to_owned(),
        values: [seconds(vm, utc)?, seconds(vm, dst)?, new_str(title)],
    })
}

/// A `timedelta` of some seconds.
fn seconds(vm: &mut Vm, seconds: i64) -> Py {
    if let Some(known) = state(vm).offsets.borrow().get(&seconds) {
        return Ok(known.clone());
    }
    let class = class(vm, 1)?;
    let made = vm.call(&class, &[Value::int(0), Value::int(seconds)])?;
    let mut offsets = state(vm).offsets.borrow_mut();
    // Files made up for it could have any number of them.
    if offsets.len() < 512 {
        offsets.insert(seconds, made.clone());
    }
    Ok(made)
}

fn class(vm: &mut Vm, index: usize) -> Py {
    match state(vm).classes.get() {
        Some(classes) => Ok(classes[index].clone()),
        None => Err(vm.system_error("_zoneinfo is not initialised")),
    }
}

// ---- asking zones ----

fn int_attribute(vm: &mut Vm, object: &Value, name: &Value) -> Py<i64> {
    let value = vm.get_attr(object, name)?;
    vm.index_i64(&value)
}

/// Seconds from 1970 to what a `datetime` shows, and its year.
fn local_time(vm: &mut Vm, when: &Value) -> Py<(i64, i64)> {
    let day = vm.call_method(when, name!("toordinal"), &[])?;
    let day = vm.index_i64(&day)?;
    let hour = int_attribute(vm, when, name!("hour"))?;
    let minute = int_attribute(vm, when, name!("minute"))?;
    let second = int_attribute(vm, when, name!("second"))?;
    let year = int_attribute(vm, when, name!("year"))?;
    let seconds = day
        .checked_sub(719163)
        .and_then(|day| day.checked_mul(86400))
        .and_then(|days| days.checked_add(hour.checked_mul(3600)?))
        .and_then(|time| {
            time.checked_add(minute.checked_mul(60)?)?
                .checked_add(second)
        });
    match seconds {
        // Years beyond those of `datetime` would overflow in the rules.
        Some(seconds) if (-1_000_000..=1_000_000).contains(&year) => Ok((seconds, year)),
        _ => Err(vm.overflow_error("date value out of range")),
    }
}

fn find(vm: &mut Vm, this: &Value, when: &Value, which: usize) -> Py {
    let rules = &own(this).rules;
    let found = if when.is_none() {
        rules.always()
    } else {
        let (time, year) = local_time(vm, when)?;
        let fold = int_attribute(vm, when, name!("fold"))?;
        rules.at_local(time, year, fold != 0)
    };
    Ok(found.map_or_else(Value::none, |offset| offset.values[which].clone()))
}

fn from_utc(vm: &mut Vm, this: &Value, when: &Value) -> Py {
    let datetime = class(vm, 0)?;
    if !vm.is_instance(when, &datetime)? {
        return Err(vm.type_error("fromutc: argument must be a datetime"));
    }
    if !vm.get_attr(when, name!("tzinfo"))?.is(this) {
        return Err(vm.value_error("fromutc: dt.tzinfo is not self"));
    }
    let (time, year) = local_time(vm, when)?;
    let Some((offset, again)) = own(this).rules.at_utc(time, year) else {
        return Ok(when.clone());
    };
    let gain = offset.values[0].clone();
    let local = vm.binary(BinaryOp::Add, when, &gain)?;
    if !again {
        return Ok(local);
    }
    let replace = vm.get_attr(&local, name!("replace"))?;
    let names = [name!("fold").clone()];
    vm.call_args(&replace, Args::new(&[Value::int(1)], &names))
}

// ---- text and pickling ----

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let zone = own(this);
    let class = this.type_of().name();
    if zone.key.is_none() {
        let file = vm.str_string(&zone.file)?;
        return Ok(new_str(&format!("{class}.from_file({file})")));
    }
    let key = vm.repr_string(&zone.key)?;
    Ok(new_str(&format!("{class}(key={key})")))
}

fn str(vm: &mut Vm, this: &Value) -> Py {
    let key = own(this).key.clone();
    if key.is_none() {
        return repr(vm, this);
    }
    if !taipan_core::str_object::is_str(&key) {
        let got = key.type_of().name();
        return Err(vm.type_error(format!("__str__ returned non-string (type {got})")));
    }
    Ok(key)
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let origin = own(this).lock(vm).origin;
    if origin == Origin::File {
        let pickle = import_module(vm, "pickle")?;
        let error = vm.get_attr(&pickle, name!("PicklingError"))?;
        let message = new_str("Cannot pickle a ZoneInfo file from a file stream.");
        return Err(match vm.call(&error, &[message]) {
            Ok(exception) => vm.raise_value(exception),
            Err(raised) => raised,
        });
    }
    let class = this.type_of().to_value();
    let again = vm.get_attr(&class, name!("_unpickle"))?;
    let cached = Value::int((origin == Origin::Cache).into());
    Ok(new_tuple([
        again,
        new_tuple([own(this).key.clone(), cached]),
    ]))
}

fn unpickle(vm: &mut Vm, cls: &Value, args: &[Value]) -> Py {
    let [key, cached] = args else {
        return Err(vm.type_error("_unpickle() takes exactly 2 positional arguments"));
    };
    if vm.index_i64(cached)? != 0 {
        return vm.call(cls, std::slice::from_ref(key));
    }
    load(vm, cls.expect::<Type>(), key)
}
