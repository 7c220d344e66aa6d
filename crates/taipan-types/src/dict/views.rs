//! `dict_keys`, `dict_values`, `dict_items`

use super::iterators::{ITEMS, KEYS, VALUES, new_iterator};
use super::own;
use crate::list::list_from;
use crate::set::{self, any_set};
use taipan_core::alloc::{new_instance, new_object};
use taipan_core::builtin_types::{DICT_ITEMS, DICT_KEYS, DICT_VALUES};
use taipan_core::str_object::new_str;
use taipan_core::{
    BinaryOp, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeObject,
    TypeSpec, Value, Vm, f0, f1, getter,
};

/// Payload of the views.
pub struct View<const WHAT: u8> {
    dict: Value,
}

// SAFETY: the dict is the only reference.
unsafe impl<const WHAT: u8> Payload for View<WHAT> {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        match WHAT {
            KEYS => &DICT_KEYS,
            VALUES => &DICT_VALUES,
            _ => &DICT_ITEMS,
        }
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.dict);
    }
}

/// A view of a dict.
pub fn new_view<const WHAT: u8>(dict: &Value) -> Value {
    new_object(View::<WHAT> { dict: dict.clone() })
}

/// A view of a dict that is an instance of `ty`, a type derived from the view's own.
pub fn new_view_of<const WHAT: u8>(ty: &TypeObject, dict: &Value) -> Value {
    new_instance(ty, View::<WHAT> { dict: dict.clone() })
}

impl<const WHAT: u8> View<WHAT> {
    /// The dict that is seen.
    pub fn dict(&self) -> &Value {
        &self.dict
    }

    fn iter(_vm: &mut Vm, this: &Value) -> Py {
        Ok(new_iterator::<WHAT, false>(&this.expect::<Self>().dict))
    }

    fn reversed(_vm: &mut Vm, this: &Value) -> Py {
        Ok(new_iterator::<WHAT, true>(&this.expect::<Self>().dict))
    }

    fn len(_vm: &mut Vm, this: &Value) -> Py<usize> {
        Ok(own(&this.expect::<Self>().dict).len())
    }

    fn mapping(vm: &mut Vm, this: &Value) -> Py {
        super::proxy::new_proxy(vm, &this.expect::<Self>().dict)
    }

    fn contains(vm: &mut Vm, this: &Value, item: &Value) -> Py<bool> {
        let dict = own(&this.expect::<Self>().dict);
        if WHAT == KEYS {
            return dict.contains(vm, item);
        }
        let Some([key, value]) = taipan_core::tuple_object::items(item) else {
            return Ok(false);
        };
        match dict.get(vm, key)? {
            Some(found) => vm.equal(&found, value),
            None => Ok(false),
        }
    }

    fn repr(vm: &mut Vm, this: &Value) -> Py {
        if !vm.repr_enter(this) {
            return Ok(new_str("..."));
        }
        let inner = list_from(vm, this).and_then(|list| vm.repr(&list));
        vm.repr_leave();
        let mut text = crate::text::Builder::new();
        text.push_str(this.type_of().name());
        text.push_str("(");
        text.push_value(&inner?);
        text.push_str(")");
        text.finish(vm)
    }

    const SLOTS: Slots = Slots {
        repr: Some(Self::repr),
        iter: Some(Self::iter),
        len: Some(Self::len),
        ..Slots::NONE
    };

    /// Keys and items behave as sets.
    const SET_SLOTS: Slots = Slots {
        contains: Some(Self::contains),
        compare: Some(compare),
        hash: None,
        ..Self::SLOTS
    }
    .with_binary(BinaryOp::And, and)
    .with_binary(BinaryOp::Or, or)
    .with_binary(BinaryOp::Xor, xor)
    .with_binary(BinaryOp::Subtract, subtract);
}

/// Is it a view that behaves as a set?
fn is_set_view(value: &Value) -> bool {
    value.is_instance(&DICT_KEYS) || value.is_instance(&DICT_ITEMS)
}

fn all_in(vm: &mut Vm, a: &Value, b: &Value) -> Py<bool> {
    let iterator = vm.iter(a)?;
    while let Some(item) = vm.next(&iterator)? {
        if !vm.contains(b, &item)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    if any_set(b).is_none() && !is_set_view(b) {
        return Ok(Value::not_implemented());
    }
    let (left, right) = (vm.length(a)?, vm.length(b)?);
    let holds = match op {
        CompareOp::Eq => left == right && all_in(vm, a, b)?,
        CompareOp::Ne => !(left == right && all_in(vm, a, b)?),
        CompareOp::Lt => left < right && all_in(vm, a, b)?,
        CompareOp::Le => left <= right && all_in(vm, a, b)?,
        CompareOp::Gt => left > right && all_in(vm, b, a)?,
        CompareOp::Ge => left >= right && all_in(vm, b, a)?,
    };
    Ok(Value::bool(holds))
}

fn and(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    // The smaller side is looped over, unless only the other one can tell what it contains.
    let (view, other) = if is_set_view(a) { (a, b) } else { (b, a) };
    let (view, other) = if is_set_view(other) && vm.length(other)? > vm.length(view)? {
        (other, view)
    } else {
        (view, other)
    };
    let result = set::new_empty();
    let Some(found) = any_set(&result) else {
        return Ok(result);
    };
    let iterator = vm.iter(other)?;
    while let Some(item) = vm.next(&iterator)? {
        if vm.contains(view, &item)? {
            set::add(vm, found, &item)?;
        }
    }
    Ok(result)
}

/// Copies `a` into a set and changes that by `b`.
fn changed_copy(
    vm: &mut Vm,
    a: &Value,
    b: &Value,
    change: fn(&mut Vm, &set::SetObject, &Value) -> Py<()>,
) -> Py {
    let result = set::set_from(vm, a)?;
    if let Some(object) = any_set(&result) {
        change(vm, object, b)?;
    }
    Ok(result)
}

fn or(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    changed_copy(vm, a, b, set::update)
}

fn xor(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    changed_copy(vm, a, b, set::symmetric_difference_update)
}

fn subtract(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    changed_copy(vm, a, b, set::difference_update)
}

fn is_disjoint(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    let mut this = this;
    let mut other = other;
    if this.is(other) {
        return Ok(Value::bool(vm.length(this)? == 0));
    }
    if (any_set(other).is_some() || is_set_view(other)) && vm.length(other)? > vm.length(this)? {
        std::mem::swap(&mut this, &mut other);
    }
    let iterator = vm.iter(other)?;
    while let Some(item) = vm.next(&iterator)? {
        if vm.contains(this, &item)? {
            return Ok(Value::bool(false));
        }
    }
    Ok(Value::bool(true))
}

const fn set_methods<const WHAT: u8>() -> [MethodDef; 2] {
    [
        f1(
            "isdisjoint(self, object, /)",
            is_disjoint,
            "Return True if the view and the given iterable have a null intersection.",
        ),
        f0(
            "__reversed__(self, /)",
            View::<WHAT>::reversed,
            "Return a reverse iterator over the dict view.",
        ),
    ]
}

const fn mapping_row<const WHAT: u8>() -> [GetSetDef; 1] {
    [getter(
        "mapping",
        View::<WHAT>::mapping,
        "dictionary that this view refers to",
    )]
}

static KEY_METHODS: [MethodDef; 2] = set_methods::<KEYS>();
static ITEM_METHODS: [MethodDef; 2] = set_methods::<ITEMS>();
static VALUE_METHODS: [MethodDef; 1] = [f0(
    "__reversed__(self, /)",
    View::<VALUES>::reversed,
    "Return a reverse iterator over the dict values.",
)];

static KEY_GETSET: [GetSetDef; 1] = mapping_row::<KEYS>();
static ITEM_GETSET: [GetSetDef; 1] = mapping_row::<ITEMS>();
static VALUE_GETSET: [GetSetDef; 1] = mapping_row::<VALUES>();

static LAYOUT: Layout = Layout::of::<View<KEYS>>();
static ITEM_LAYOUT: Layout = Layout::of::<View<ITEMS>>();
static VALUE_LAYOUT: Layout = Layout::of::<View<VALUES>>();

static KEY_SPEC: TypeSpec = TypeSpec {
    name: "dict_keys",
    layout: Some(&LAYOUT),
    slots: View::<KEYS>::SET_SLOTS,
    methods: &KEY_METHODS,
    getset: &KEY_GETSET,
    ..TypeSpec::DEFAULT
};

static ITEM_SPEC: TypeSpec = TypeSpec {
    name: "dict_items",
    layout: Some(&ITEM_LAYOUT),
    slots: View::<ITEMS>::SET_SLOTS,
    methods: &ITEM_METHODS,
    getset: &ITEM_GETSET,
    ..TypeSpec::DEFAULT
};

static VALUE_SPEC: TypeSpec = TypeSpec {
    name: "dict_values",
    layout: Some(&VALUE_LAYOUT),
    slots: View::<VALUES>::SLOTS,
    methods: &VALUE_METHODS,
    getset: &VALUE_GETSET,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    DICT_KEYS.define(&KEY_SPEC);
    DICT_VALUES.define(&VALUE_SPEC);
    DICT_ITEMS.define(&ITEM_SPEC);
}
