//! Views of `OrderedDict` and the iterator over them: unlike those of `dict` they notice keys that moved, and look each key up again
//! to find its value (a key whose hash has changed meanwhile is a `KeyError`).
#![expect(unsafe_code, reason = "a payload that holds a reference")]

use super::ordered_dict::ORDERED_DICT;
use taipan_core::alloc::new_object;
use taipan_core::builtin_types::{DICT_ITEMS, DICT_KEYS, DICT_VALUES};
use taipan_core::dict_object::Dict;
use taipan_core::lock::{HasState, Locked};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Layout, MethodDef, Obj, Payload, Py, Slots, Tracer, Type, TypeObject, TypeSpec, Value, Vm, f0,
};
use taipan_types::dict::iterators::{ITEMS, KEYS, VALUES};
use taipan_types::dict::views::{View, new_view_of};
use taipan_types::iterators::{itself, reduce_exhausted};
use taipan_types::list::new_list;

/// The type `odict_iterator`.
pub static ITERATOR: TypeObject = Type::declare("odict_iterator");
static KEYS_VIEW: TypeObject = Type::declare("odict_keys");
static VALUES_VIEW: TypeObject = Type::declare("odict_values");
static ITEMS_VIEW: TypeObject = Type::declare("odict_items");

/// A walk over the items of a dict that ends with an error once keys come, go or move.
#[derive(Clone)]
pub(super) struct Walk {
    at: usize,
    reversed: bool,
    state: (usize, usize, u32),
}

impl Walk {
    pub(super) fn new(dict: &Obj<Dict>, reversed: bool) -> Walk {
        Walk {
            at: if reversed { dict.end() } else { 0 },
            reversed,
            state: dict.order_state(),
        }
    }

    /// `RuntimeError` if the dict's keys are not those the walk began with.
    pub(super) fn check(&self, vm: &mut Vm, dict: &Obj<Dict>) -> Py<()> {
        let now = dict.order_state();
        if now == self.state {
            return Ok(());
        }
        Err(vm.runtime_error(if now.0 == self.state.0 {
            "OrderedDict mutated during iteration"
        } else {
            "OrderedDict changed size during iteration"
        }))
    }

    /// Has nothing come, gone or moved?
    pub(super) fn is_undisturbed(&self, dict: &Obj<Dict>) -> bool {
        dict.order_state() == self.state
    }

    /// The next item as it stands in the dict.
    pub(super) fn next(&mut self, dict: &Obj<Dict>) -> Option<(Value, Value)> {
        if self.reversed {
            dict.prev_entry(&mut self.at)
        } else {
            dict.next_entry(&mut self.at)
        }
    }
}

/// Payload of `odict_iterator`.
pub struct Iterator {
    what: u8,
    state: Locked<State>,
}

/// Where an iterator is; without a dict at its end.
pub struct State {
    dict: Option<Value>,
    walk: Walk,
}

impl HasState for Iterator {
    type State = State;
    fn cell(&self) -> &Locked<State> {
        &self.state
    }
}

// SAFETY: the dict is the only reference.
unsafe impl Payload for Iterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        tracer.visit_option(unsafe { &self.state.get_unlocked().dict });
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        out.extend(unsafe { self.state.get_unlocked() }.dict.take());
    }
}

fn new_iterator(dict: &Value, what: u8, reversed: bool) -> Value {
    let walk = Walk::new(dict.expect::<Dict>(), reversed);
    new_object(Iterator {
        what,
        state: Locked::new(State {
            dict: Some(dict.clone()),
            walk,
        }),
    })
}

/// What an iterator over keys, values or items gives for an entry.
fn element(vm: &mut Vm, dict: &Value, what: u8, entry: (Value, Value)) -> Py {
    let (key, value) = entry;
    if what == KEYS {
        return Ok(key);
    }
    let value = look_up(vm, dict, &key, value)?;
    Ok(match what {
        VALUES => value,
        _ => new_tuple([key, value]),
    })
}

/// The value of a key that stands in the dict with `value`: found by its present hash.
pub(super) fn look_up(vm: &mut Vm, dict: &Value, key: &Value, value: Value) -> Py {
    if taipan_core::dict_object::simple_hash(key).is_some() {
        return Ok(value);
    }
    match dict.expect::<Dict>().get(vm, key)? {
        Some(found) => Ok(found),
        None => Err(vm.key_error(key)),
    }
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<Iterator>();
    let (dict, mut walk) = {
        let state = iterator.lock(vm);
        let Some(dict) = state.dict.clone() else {
            return Ok(None);
        };
        (dict, state.walk.clone())
    };
    let checked = walk.check(vm, dict.expect::<Dict>());
    let entry = walk.next(dict.expect::<Dict>());
    match (checked, entry) {
        (Ok(()), Some(entry)) => {
            iterator.lock(vm).walk = walk;
            element(vm, &dict, iterator.what, entry).map(Some)
        }
        (checked, _) => {
            let done = iterator.lock(vm).dict.take();
            drop(done);
            checked.map(|()| None)
        }
    }
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let iterator = this.expect::<Iterator>();
    let mut rest = Vec::new();
    let (dict, mut walk) = {
        let state = iterator.lock(vm);
        (state.dict.clone(), state.walk.clone())
    };
    if let Some(dict) = dict {
        walk.check(vm, dict.expect::<Dict>())?;
        while let Some(entry) = walk.next(dict.expect::<Dict>()) {
            rest.push(element(vm, &dict, iterator.what, entry)?);
            walk.check(vm, dict.expect::<Dict>())?;
        }
    }
    reduce_exhausted(vm, new_list(rest))
}

pub(super) fn iter(_vm: &mut Vm, dict: &Value) -> Py {
    Ok(new_iterator(dict, KEYS, false))
}

pub(super) fn reversed(_vm: &mut Vm, dict: &Value) -> Py {
    Ok(new_iterator(dict, KEYS, true))
}

pub(super) fn keys(_vm: &mut Vm, dict: &Value) -> Py {
    Ok(new_view_of::<KEYS>(&KEYS_VIEW, dict))
}

pub(super) fn values(_vm: &mut Vm, dict: &Value) -> Py {
    Ok(new_view_of::<VALUES>(&VALUES_VIEW, dict))
}

pub(super) fn items(_vm: &mut Vm, dict: &Value) -> Py {
    Ok(new_view_of::<ITEMS>(&ITEMS_VIEW, dict))
}

fn view_iter<const WHAT: u8>(_vm: &mut Vm, view: &Value) -> Py {
    let dict = view.expect::<View<WHAT>>().dict();
    debug_assert!(dict.is_instance(&ORDERED_DICT));
    Ok(new_iterator(dict, WHAT, false))
}

fn view_reversed<const WHAT: u8>(_vm: &mut Vm, view: &Value) -> Py {
    Ok(new_iterator(view.expect::<View<WHAT>>().dict(), WHAT, true))
}

const fn view_methods<const WHAT: u8>() -> [MethodDef; 1] {
    [f0("__reversed__(self, /)", view_reversed::<WHAT>, "")]
}

static KEYS_METHODS: [MethodDef; 1] = view_methods::<KEYS>();
static VALUES_METHODS: [MethodDef; 1] = view_methods::<VALUES>();
static ITEMS_METHODS: [MethodDef; 1] = view_methods::<ITEMS>();

const fn view_slots<const WHAT: u8>() -> Slots {
    Slots {
        iter: Some(view_iter::<WHAT>),
        ..Slots::NONE
    }
}

static KEYS_SPEC: TypeSpec = TypeSpec {
    name: "odict_keys",
    base: Some(&DICT_KEYS),
    slots: view_slots::<KEYS>(),
    methods: &KEYS_METHODS,
    ..TypeSpec::DEFAULT
};
static VALUES_SPEC: TypeSpec = TypeSpec {
    name: "odict_values",
    base: Some(&DICT_VALUES),
    slots: view_slots::<VALUES>(),
    methods: &VALUES_METHODS,
    ..TypeSpec::DEFAULT
};
static ITEMS_SPEC: TypeSpec = TypeSpec {
    name: "odict_items",
    base: Some(&DICT_ITEMS),
    slots: view_slots::<ITEMS>(),
    methods: &ITEMS_METHODS,
    ..TypeSpec::DEFAULT
};
static ITERATOR_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    reduce,
    "Return state information for pickling",
)];
static ITERATOR_LAYOUT: Layout = Layout::of::<Iterator>();
static ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "odict_iterator",
    layout: Some(&ITERATOR_LAYOUT),
    slots: Slots {
        iter: Some(itself),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &ITERATOR_METHODS,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    ITERATOR.define(&ITERATOR_SPEC);
    KEYS_VIEW.define(&KEYS_SPEC);
    VALUES_VIEW.define(&VALUES_SPEC);
    ITEMS_VIEW.define(&ITEMS_SPEC);
}
