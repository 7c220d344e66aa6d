//! Exceptions, one for each signal and for each sort of invalid operation, and the mappings of signals to flags or traps.

use super::state;
use crate::support::add;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::str_object::{name, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, CompareOp, Layout, MethodDef, Payload, Py, Raised, Slots, Type, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, f0, name,
};
use taipan_decimal::status;
use taipan_types::list::{self, new_list};

/// Number of signals.
pub(super) const COUNT: usize = 9;

/// The signals in the order of the mappings, with the conditions that each stands for.
const SIGNALS: [(&str, u32); COUNT] = [
    ("InvalidOperation", status::INVALID),
    ("FloatOperation", status::FLOAT_OPERATION),
    ("DivisionByZero", status::DIVISION_BY_ZERO),
    ("Overflow", status::OVERFLOW),
    ("Underflow", status::UNDERFLOW),
    ("Subnormal", status::SUBNORMAL),
    ("Inexact", status::INEXACT),
    ("Rounded", status::ROUNDED),
    ("Clamped", status::CLAMPED),
];

/// The sorts of invalid operation. The first one is the signal itself.
const CONDITIONS: [(&str, u32); 5] = [
    ("InvalidOperation", status::INVALID_OPERATION),
    ("ConversionSyntax", status::CONVERSION_SYNTAX),
    ("DivisionImpossible", status::DIVISION_IMPOSSIBLE),
    ("DivisionUndefined", status::DIVISION_UNDEFINED),
    ("InvalidContext", status::INVALID_CONTEXT),
];

/// The order in which a context's `repr` names signals: indices into [`SIGNALS`].
const SHOWN: [usize; COUNT] = [8, 0, 2, 6, 1, 3, 7, 5, 4];

const WRONG_KEY: &str = "valid values for signals are:\n  [InvalidOperation, FloatOperation, DivisionByZero,\n   \
                         Overflow, Underflow, Subnormal, Inexact, Rounded,\n   Clamped]";

/// The classes of an interpreter.
pub(super) struct Signals {
    base: Value,
    signals: [Value; COUNT],
    conditions: [Value; 5],
    /// The class of the mappings.
    mapping: Value,
}

/// The classes, which the module made when it was imported.
fn signals(vm: &mut Vm) -> Py<&'static Signals> {
    let found = *state(vm).signals.borrow();
    match found {
        Some(signals) => Ok(signals),
        None => Err(vm.runtime_error("_decimal is not initialised")),
    }
}

// ---- the mapping ----

/// The part of the mappings that knows the bits.
pub(super) static MIXIN: TypeObject = Type::declare("decimal.SignalDictMixin");

/// Payload of mappings: the bits of a context's flags or traps.
pub(super) struct SignalBits(AtomicU32);

/// The bit of a mapping that belongs to no context: made by calling the class, or left over.
const INVALID: u32 = 1 << 31;

// SAFETY: holds no references.
unsafe impl Payload for SignalBits {
    fn type_object() -> &'static TypeObject {
        &MIXIN
    }
}

impl SignalBits {
    #[inline]
    pub fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }
    pub fn set(&self, bits: u32) {
        self.0.store(bits, Relaxed);
    }
    #[inline]
    pub fn add(&self, bits: u32) {
        if self.get() & bits != bits {
            self.0.fetch_or(bits, Relaxed);
        }
    }
    pub fn invalidate(&self) {
        self.add(INVALID);
    }
}

static LAYOUT: Layout = Layout::of::<SignalBits>();
static METHODS: [MethodDef; 1] = [f0(
    "copy(self, /)",
    |vm, this| {
        let dict = new_dict();
        let classes = signals(vm)?;
        let bits = valid_bits(vm, this)?;
        for (class, (_, bit)) in classes.signals.iter().zip(SIGNALS) {
            dict.expect::<Dict>()
                .insert(vm, class, Value::bool(bits & bit != 0))?;
        }
        Ok(dict)
    },
    "A dict with the same signals.",
)];
static SPEC: TypeSpec = TypeSpec {
    name: "decimal.SignalDictMixin",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(|_, cls, _| Ok(new_instance(cls, SignalBits(AtomicU32::new(INVALID))))),
        repr: Some(repr),
        compare: Some(compare),
        iter: Some(iter),
        len: Some(|vm, this| valid_bits(vm, this).map(|_| COUNT)),
        get_item: Some(get_item),
        set_item: Some(set_item),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

/// A mapping with these bits.
pub(super) fn new_mapping(vm: &mut Vm, bits: u32) -> Py {
    let class = &signals(vm)?.mapping;
    let bits = SignalBits(AtomicU32::new(bits));
    Ok(new_instance(class.expect::<Type>(), bits))
}

/// The bits in a mapping of ours.
#[inline]
pub(super) fn bits_of(mapping: &Value) -> Option<&SignalBits> {
    mapping.cast_layout::<SignalBits>().map(|object| &**object)
}

fn valid_bits(vm: &mut Vm, this: &Value) -> Py<u32> {
    match bits_of(this) {
        Some(bits) if bits.get() & INVALID == 0 => Ok(bits.get()),
        _ => Err(vm.value_error("invalid signal dict")),
    }
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let bits = valid_bits(vm, this)?;
    let classes = signals(vm)?;
    let mut parts = Vec::new();
    for (class, (_, bit)) in classes.signals.iter().zip(SIGNALS) {
        let shown = vm.repr_string(class)?;
        parts.push(format!(
            "{shown}:{}",
            if bits & bit != 0 { "True" } else { "False" }
        ));
    }
    Ok(new_str(&format!("{{{}}}", parts.join(", "))))
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let own = valid_bits(vm, a)?;
    let other = if bits_of(b).is_some() {
        valid_bits(vm, b)?
    } else if dict_of(b).is_some() {
        match dict_bits(vm, b) {
            Ok(bits) => bits,
            Err(raised) if vm.pending_is(&types::KEY_ERROR) => {
                drop(vm.take_raised(raised));
                return Ok(Value::not_implemented());
            }
            Err(raised) => return Err(raised),
        }
    } else {
        return Ok(Value::not_implemented());
    };
    Ok(Value::bool((own == other) == (op == CompareOp::Eq)))
}

fn iter(vm: &mut Vm, this: &Value) -> Py {
    valid_bits(vm, this)?;
    let classes = new_tuple(signals(vm)?.signals.iter().cloned());
    vm.iter(&classes)
}

/// The conditions of a signal's class.
fn bit_of(vm: &mut Vm, key: &Value) -> Py<u32> {
    let classes = signals(vm)?;
    match classes.signals.iter().position(|class| class.is(key)) {
        Some(at) => Ok(SIGNALS[at].1),
        None => {
            let message = new_str(WRONG_KEY);
            Err(vm.key_error(&message))
        }
    }
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    let bits = valid_bits(vm, this)?;
    let bit = bit_of(vm, key)?;
    Ok(Value::bool(bits & bit != 0))
}

fn set_item(vm: &mut Vm, this: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    valid_bits(vm, this)?;
    let Some(value) = value else {
        return Err(vm.value_error("signal keys cannot be deleted"));
    };
    let bit = bit_of(vm, key)?;
    let on = vm.truth(value)?;
    if let Some(bits) = bits_of(this) {
        bits.set(if on {
            bits.get() | bit
        } else {
            bits.get() & !bit
        });
    }
    Ok(())
}

/// The bits that a dict of all signals stands for.
fn dict_bits(vm: &mut Vm, dict: &Value) -> Py<u32> {
    let items = dict.expect::<Dict>().items();
    if items.len() != COUNT {
        let message = new_str("invalid signal dict");
        return Err(vm.key_error(&message));
    }
    let mut bits = 0;
    for (key, value) in &items {
        let bit = bit_of(vm, key)?;
        if vm.truth(value)? {
            bits |= bit;
        }
    }
    Ok(bits)
}

/// The bits of a mapping or a dict; with `lists`, of a list of signals too.
pub(super) fn bits_from(vm: &mut Vm, value: &Value, lists: bool) -> Py<u32> {
    if bits_of(value).is_some() {
        return valid_bits(vm, value);
    }
    if dict_of(value).is_some() {
        return dict_bits(vm, value);
    }
    if lists && list::list_of(value).is_some() {
        let mut bits = 0;
        for key in vm.to_vec(value)? {
            bits |= bit_of(vm, &key)?;
        }
        return Ok(bits);
    }
    Err(vm.type_error("argument must be a signal dict"))
}

/// The signals that are set, as a list.
pub(super) fn list_of_signals(vm: &mut Vm, bits: u32) -> Py {
    let classes = signals(vm)?;
    let set = classes.signals.iter().zip(SIGNALS);
    let set = set.filter(|(_, (_, bit))| bits & bit != 0);
    Ok(new_list(set.map(|(class, _)| class.clone()).collect()))
}

/// The names of the signals that are set, for a context's `repr`.
pub(super) fn names(bits: u32) -> String {
    let set = SHOWN.iter().map(|&at| SIGNALS[at]);
    let set = set.filter(|(_, bit)| bits & bit != 0);
    set.map(|(name, _)| name).collect::<Vec<_>>().join(", ")
}

/// Raises the first of the signals in `bits` with the list of conditions.
#[cold]
pub(super) fn raise(vm: &mut Vm, bits: u32) -> Raised {
    let classes = match signals(vm) {
        Ok(classes) => classes,
        Err(raised) => return raised,
    };
    let mut list = Vec::new();
    for (class, (_, bit)) in classes.conditions.iter().zip(CONDITIONS) {
        if bits & bit != 0 {
            list.push(class.clone());
        }
    }
    for (class, (_, bit)) in classes.signals.iter().zip(SIGNALS).skip(1) {
        if bits & bit != 0 {
            list.push(class.clone());
        }
    }
    let first = SIGNALS
        .iter()
        .position(|(_, bit)| bits & bit != 0)
        .unwrap_or(0);
    vm.raise_with(classes.signals[first].expect::<Type>(), &[new_list(list)])
}

// ---- making the classes ----

fn new_class(vm: &mut Vm, class: &str, bases: &[Value]) -> Py {
    let namespace = new_dict();
    namespace
        .expect::<Dict>()
        .set_name(&name("__module__"), name("decimal"));
    let bases = new_tuple(bases.iter().cloned());
    vm.call_args(
        &types::TYPE.to_value(),
        Args::positional(&[new_str(class), bases, namespace]),
    )
}

/// Makes the classes.
pub(super) fn define(vm: &mut Vm) -> Py<()> {
    MIXIN.define(&SPEC);
    let base = new_class(
        vm,
        "DecimalException",
        &[types::ARITHMETIC_ERROR.to_value()],
    )?;
    let one = std::slice::from_ref(&base);
    let zero = types::ZERO_DIVISION_ERROR.to_value();
    let invalid = new_class(vm, "InvalidOperation", one)?;
    let float = new_class(
        vm,
        "FloatOperation",
        &[base.clone(), types::TYPE_ERROR.to_value()],
    )?;
    let by_zero = new_class(vm, "DivisionByZero", &[base.clone(), zero.clone()])?;
    let inexact = new_class(vm, "Inexact", one)?;
    let rounded = new_class(vm, "Rounded", one)?;
    let subnormal = new_class(vm, "Subnormal", one)?;
    let clamped = new_class(vm, "Clamped", one)?;
    let overflow = new_class(vm, "Overflow", &[inexact.clone(), rounded.clone()])?;
    let all = [inexact.clone(), rounded.clone(), subnormal.clone()];
    let underflow = new_class(vm, "Underflow", &all)?;
    let only_invalid = std::slice::from_ref(&invalid);
    let syntax = new_class(vm, "ConversionSyntax", only_invalid)?;
    let impossible = new_class(vm, "DivisionImpossible", only_invalid)?;
    let undefined = new_class(vm, "DivisionUndefined", &[invalid.clone(), zero])?;
    let context = new_class(vm, "InvalidContext", only_invalid)?;
    let abc = super::import(vm, "collections.abc")?;
    let mutable = vm.get_attr(&abc, name!("MutableMapping"))?;
    let bases = new_tuple([MIXIN.to_value(), mutable]);
    let mapping = vm.call(
        &types::TYPE.to_value(),
        &[new_str("SignalDict"), bases, new_dict()],
    )?;
    let made = Signals {
        base,
        conditions: [invalid.clone(), syntax, impossible, undefined, context],
        signals: [
            invalid, float, by_zero, overflow, underflow, subnormal, inexact, rounded, clamped,
        ],
        mapping,
    };
    // One set of classes for each interpreter, for as long as that lives.
    *state(vm).signals.borrow_mut() = Some(Box::leak(Box::new(made)));
    Ok(())
}

/// Puts the exceptions into the module.
pub(super) fn add_classes(vm: &mut Vm, dict: &Value) -> Py<()> {
    let classes = signals(vm)?;
    add(dict, "DecimalException", classes.base.clone());
    for (class, (name, _)) in classes.signals.iter().zip(SIGNALS) {
        add(dict, name, class.clone());
    }
    for (class, (name, _)) in classes.conditions.iter().zip(CONDITIONS) {
        add(dict, name, class.clone());
    }
    Ok(())
}
