//! The type `Context`.

use super::signals::{self, SignalBits, bits_of};
use super::{bind, context_methods, state};
use taipan_core::alloc::new_instance;
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::{name, new_str, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, GetSetDef, Layout, Payload, Py, Raised, Slots, Tracer, Type, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, generic_get_attr, generic_set_attr, getset, name,
};
use taipan_decimal::{Context, MAX_EMAX, MAX_PREC, MIN_EMIN, NoMemory, Rounding, status};

/// Most bits of an interchange format.
pub(super) const MAX_BITS: i64 = 512;

/// Names of the ways of rounding, in the order of [`Rounding::ALL`].
pub(super) const ROUNDINGS: [&str; 8] = [
    "ROUND_UP",
    "ROUND_DOWN",
    "ROUND_CEILING",
    "ROUND_FLOOR",
    "ROUND_HALF_UP",
    "ROUND_HALF_DOWN",
    "ROUND_HALF_EVEN",
    "ROUND_05UP",
];

/// `decimal.Context`
pub(super) static CONTEXT: TypeObject = Type::declare("decimal.Context");

/// Payload of contexts. The mappings of flags and traps hold the bits.
pub(super) struct ContextObject {
    state: Locked<Context>,
    traps: Value,
    flags: Value,
}

impl Drop for ContextObject {
    /// Mappings that are still held know that they belong to nothing any more.
    fn drop(&mut self) {
        for mapping in [&self.traps, &self.flags] {
            if let Some(bits) = bits_of(mapping) {
                bits.invalidate();
            }
        }
    }
}

impl HasState for ContextObject {
    type State = Context;
    fn cell(&self) -> &Locked<Context> {
        &self.state
    }
}

// SAFETY: both references are reported.
unsafe impl Payload for ContextObject {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &CONTEXT
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.traps);
        tracer.visit(&self.flags);
    }
}

static LAYOUT: Layout = Layout::of::<ContextObject>();
static SPEC: TypeSpec = TypeSpec {
    name: "decimal.Context",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        get_attr: Some(get_attr),
        set_attr: Some(set_attr),
        ..Slots::NONE
    },
    methods: &context_methods::METHODS,
    getset: &GETSET,
    doc: "Context(prec=None, rounding=None, Emin=None, Emax=None, capitals=None, clamp=None, flags=None, traps=None)\n--\n\n\
          Settings of decimal arithmetic: precision, range of exponents, rounding, which\n\
          signals raise (traps), and which have occurred (flags).\n\n\
          What is not given is taken from DefaultContext:\n\n\
          \x20   Context(prec=9, rounding=ROUND_HALF_UP, traps=[InvalidOperation])\n",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    CONTEXT.define(&SPEC);
}

// ---- what operations need ----

/// The settings.
#[inline]
pub(super) fn settings(vm: &mut Vm, context: &Value) -> Context {
    *context.expect::<ContextObject>().lock(vm)
}

/// Adds conditions to the flags; raises what is trapped.
#[inline]
pub(super) fn report(vm: &mut Vm, context: &Value, st: u32) -> Py<()> {
    if st == 0 {
        return Ok(());
    }
    report_some(vm, context, st)
}

fn report_some(vm: &mut Vm, context: &Value, st: u32) -> Py<()> {
    let object = context.expect::<ContextObject>();
    if let Some(flags) = bits_of(&object.flags) {
        flags.add(st);
    }
    let trapped = bits_of(&object.traps).map_or(0, SignalBits::get) & st;
    if trapped != 0 {
        return Err(signals::raise(vm, trapped));
    }
    Ok(())
}

/// The result of an operation: reports what it met.
#[inline]
pub(super) fn finish<T>(
    vm: &mut Vm,
    context: &Value,
    result: Result<T, NoMemory>,
    st: u32,
) -> Py<T> {
    match result {
        Ok(result) => {
            report(vm, context, st)?;
            Ok(result)
        }
        Err(error) => Err(super::no_memory(vm, error)),
    }
}

/// Sets flags without looking at traps.
pub(super) fn add_flags(context: &Value, st: u32) {
    if let Some(flags) = bits_of(&context.expect::<ContextObject>().flags) {
        flags.add(st);
    }
}

// ---- making ----

fn make(vm: &mut Vm, cls: &TypeObject, cx: Context, traps: u32, flags: u32) -> Py {
    let traps = signals::new_mapping(vm, traps)?;
    let flags = signals::new_mapping(vm, flags)?;
    Ok(new_instance(
        cls,
        ContextObject {
            state: Locked::new(cx),
            traps,
            flags,
        },
    ))
}

/// The contexts that the module offers: default, basic, extended.
pub(super) fn templates(vm: &mut Vm) -> Py<Vec<Value>> {
    let default = Context {
        prec: 28,
        emax: 999_999,
        emin: -999_999,
        rounding: Rounding::HalfEven,
        capitals: true,
        clamp: false,
    };
    let usual = status::INVALID | status::DIVISION_BY_ZERO | status::OVERFLOW;
    let basic = Context {
        prec: 9,
        rounding: Rounding::HalfUp,
        ..default
    };
    let all = usual | status::UNDERFLOW | status::CLAMPED;
    Ok(vec![
        make(vm, &CONTEXT, default, usual, 0)?,
        make(vm, &CONTEXT, basic, all, 0)?,
        make(vm, &CONTEXT, Context { prec: 9, ..default }, 0, 0)?,
    ])
}

/// A context with the same settings, traps and flags.
pub(super) fn copy(vm: &mut Vm, context: &Value) -> Py {
    let cx = settings(vm, context);
    let object = context.expect::<ContextObject>();
    let [traps, flags] =
        [&object.traps, &object.flags].map(|own| bits_of(own).map_or(0, SignalBits::get));
    make(vm, &CONTEXT, cx, traps, flags)
}

/// As [`copy`], without flags.
pub(super) fn copy_cleared(vm: &mut Vm, context: &Value) -> Py {
    let made = copy(vm, context)?;
    clear(&made, false);
    Ok(made)
}

/// Clears flags, or traps.
pub(super) fn clear(context: &Value, traps: bool) {
    let object = context.expect::<ContextObject>();
    if let Some(bits) = bits_of(if traps { &object.traps } else { &object.flags }) {
        bits.set(0);
    }
}

pub(super) fn ieee(vm: &mut Vm, _module: &Value, width: &Value) -> Py {
    let width = integer(vm, width)?;
    if width <= 0 || width > MAX_BITS || width % 32 != 0 {
        let message = format!("argument must be a multiple of 32, with a maximum of {MAX_BITS}");
        return Err(vm.value_error(message));
    }
    let emax = 3 * (1 << (width / 16 + 3));
    let cx = Context {
        prec: 9 * (width / 32) - 2,
        emax,
        emin: 1 - emax,
        rounding: Rounding::HalfEven,
        capitals: true,
        clamp: true,
    };
    make(vm, &CONTEXT, cx, 0, 0)
}

fn new(vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    let template = state(vm).templates.borrow().first().cloned();
    let (cx, traps) = match template {
        Some(template) => {
            let traps =
                bits_of(&template.expect::<ContextObject>().traps).map_or(0, SignalBits::get);
            (settings(vm, &template), traps)
        }
        None => return Err(vm.runtime_error("_decimal is not initialised")),
    };
    make(
        vm,
        cls,
        Context {
            capitals: true,
            ..cx
        },
        traps,
        0,
    )
}

const NAMES: [&str; 8] = [
    "prec", "rounding", "Emin", "Emax", "capitals", "clamp", "flags", "traps",
];

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let bound = bind(vm, args, NAMES, 0)?;
    for (name, value) in NAMES.iter().zip(bound) {
        let Some(value) = value.filter(|value| !value.is_none()) else {
            continue;
        };
        match *name {
            "flags" | "traps" => {
                let set = signals::bits_from(vm, value, true)?;
                set_bits(this, name, set);
            }
            _ => set_by_name(vm, this, name, value)?,
        }
    }
    Ok(())
}

fn set_bits(this: &Value, name: &str, set: u32) {
    let object = this.expect::<ContextObject>();
    let mapping = if name == "flags" {
        &object.flags
    } else {
        &object.traps
    };
    if let Some(bits) = bits_of(mapping) {
        bits.set(set);
    }
}

/// Sets an attribute by its name.
pub(super) fn set_by_name(vm: &mut Vm, this: &Value, name: &str, value: &Value) -> Py<()> {
    match name {
        "prec" => set_prec(vm, this, Some(value)),
        "rounding" => set_rounding(vm, this, Some(value)),
        "Emin" => set_emin(vm, this, Some(value)),
        "Emax" => set_emax(vm, this, Some(value)),
        "capitals" => set_capitals(vm, this, Some(value)),
        "clamp" => set_clamp(vm, this, Some(value)),
        _ => {
            let set = signals::bits_from(vm, value, true)?;
            set_bits(this, name, set);
            Ok(())
        }
    }
}

// ---- attributes ----

fn integer(vm: &mut Vm, value: &Value) -> Py<i64> {
    if !value.is_int() {
        return Err(vm.type_error("an integer is required"));
    }
    vm.index_i64(value)
}

/// The value of an attribute that is set; deleting is refused.
fn given<'a>(vm: &mut Vm, value: Option<&'a Value>) -> Py<&'a Value> {
    match value {
        Some(value) => Ok(value),
        None => Err(no_deletion(vm)),
    }
}

#[cold]
fn no_deletion(vm: &mut Vm) -> Raised {
    vm.attribute_error("context attributes cannot be deleted")
}

fn set_prec(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let value = given(vm, value)?;
    let prec = integer(vm, value)?;
    if !(1..=MAX_PREC).contains(&prec) {
        return Err(vm.value_error("valid range for prec is [1, MAX_PREC]"));
    }
    this.expect::<ContextObject>().lock(vm).prec = prec;
    Ok(())
}

fn set_emin(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let value = given(vm, value)?;
    let emin = integer(vm, value)?;
    if !(MIN_EMIN..=0).contains(&emin) {
        return Err(vm.value_error("valid range for Emin is [MIN_EMIN, 0]"));
    }
    this.expect::<ContextObject>().lock(vm).emin = emin;
    Ok(())
}

fn set_emax(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let value = given(vm, value)?;
    let emax = integer(vm, value)?;
    if !(0..=MAX_EMAX).contains(&emax) {
        return Err(vm.value_error("valid range for Emax is [0, MAX_EMAX]"));
    }
    this.expect::<ContextObject>().lock(vm).emax = emax;
    Ok(())
}

fn zero_or_one(vm: &mut Vm, value: Option<&Value>, message: &str) -> Py<bool> {
    let value = given(vm, value)?;
    match integer(vm, value)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(vm.value_error(message)),
    }
}

fn set_capitals(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let on = zero_or_one(vm, value, "valid values for capitals are 0 or 1")?;
    this.expect::<ContextObject>().lock(vm).capitals = on;
    Ok(())
}

fn set_clamp(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let on = zero_or_one(vm, value, "valid values for clamp are 0 or 1")?;
    this.expect::<ContextObject>().lock(vm).clamp = on;
    Ok(())
}

/// A way of rounding by its name.
pub(super) fn rounding_argument(vm: &mut Vm, value: &Value) -> Py<Rounding> {
    let text = str_of(value).and_then(|text| text.ascii());
    match text.and_then(|text| ROUNDINGS.iter().position(|own| *own == text)) {
        Some(at) => Ok(Rounding::ALL[at]),
        None => Err(vm.type_error(
            "valid values for rounding are:\n  [ROUND_CEILING, ROUND_FLOOR, ROUND_UP, ROUND_DOWN,\n   \
             ROUND_HALF_UP, ROUND_HALF_DOWN, ROUND_HALF_EVEN,\n   ROUND_05UP]",
        )),
    }
}

fn set_rounding(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let value = given(vm, value)?;
    let rounding = rounding_argument(vm, value)?;
    this.expect::<ContextObject>().lock(vm).rounding = rounding;
    Ok(())
}

static GETSET: [GetSetDef; 6] = [
    getset(
        "prec",
        |vm, this| Ok(Value::int(settings(vm, this).prec)),
        set_prec,
        "",
    ),
    getset(
        "Emax",
        |vm, this| Ok(Value::int(settings(vm, this).emax)),
        set_emax,
        "",
    ),
    getset(
        "Emin",
        |vm, this| Ok(Value::int(settings(vm, this).emin)),
        set_emin,
        "",
    ),
    getset(
        "rounding",
        |vm, this| Ok(name(ROUNDINGS[settings(vm, this).rounding as usize])),
        set_rounding,
        "",
    ),
    getset(
        "capitals",
        |vm, this| Ok(Value::int(i64::from(settings(vm, this).capitals))),
        set_capitals,
        "",
    ),
    getset(
        "clamp",
        |vm, this| Ok(Value::int(i64::from(settings(vm, this).clamp))),
        set_clamp,
        "",
    ),
];

fn get_attr(vm: &mut Vm, this: &Value, name: &Value) -> Py {
    let object = this.expect::<ContextObject>();
    match str_of(name).and_then(|text| text.ascii()) {
        Some("traps") => Ok(object.traps.clone()),
        Some("flags") => Ok(object.flags.clone()),
        _ => generic_get_attr(vm, this, name),
    }
}

fn set_attr(vm: &mut Vm, this: &Value, name: &Value, value: Option<&Value>) -> Py<()> {
    match str_of(name).and_then(|text| text.ascii()) {
        Some(own @ ("traps" | "flags")) => {
            let value = given(vm, value)?;
            let set = signals::bits_from(vm, value, false)?;
            set_bits(this, own, set);
            Ok(())
        }
        _ if value.is_none() && this.is_exact(&CONTEXT) => Err(no_deletion(vm)),
        _ if this.is_exact(&CONTEXT) && CONTEXT.lookup(vm, name).is_none() => {
            Err(vm.no_attribute(this, name))
        }
        _ => generic_set_attr(vm, this, name, value),
    }
}

// ---- text and pickles ----

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let cx = settings(vm, this);
    let object = this.expect::<ContextObject>();
    let [traps, flags] = [&object.traps, &object.flags]
        .map(|own| signals::names(bits_of(own).map_or(0, SignalBits::get)));
    Ok(new_str(&format!(
        "Context(prec={}, rounding={}, Emin={}, Emax={}, capitals={}, clamp={}, flags=[{flags}], traps=[{traps}])",
        cx.prec,
        ROUNDINGS[cx.rounding as usize],
        cx.emin,
        cx.emax,
        u8::from(cx.capitals),
        u8::from(cx.clamp),
    )))
}

pub(super) fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let cx = settings(vm, this);
    let object = this.expect::<ContextObject>();
    let [traps, flags] =
        [&object.traps, &object.flags].map(|own| bits_of(own).map_or(0, SignalBits::get));
    let flags = signals::list_of_signals(vm, flags)?;
    let traps = signals::list_of_signals(vm, traps)?;
    let class = vm.get_attr(this, name!("__class__"))?;
    Ok(new_tuple([
        class,
        new_tuple([
            Value::int(cx.prec),
            name(ROUNDINGS[cx.rounding as usize]),
            Value::int(cx.emin),
            Value::int(cx.emax),
            Value::int(i64::from(cx.capitals)),
            Value::int(i64::from(cx.clamp)),
            flags,
            traps,
        ]),
    ]))
}
