//! `str_iterator`.

use super::text;
use taipan_core::alloc::new_object;
use taipan_core::builtin_types::STR_ITERATOR;
use taipan_core::lock::{HasState, Locked};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Layout, MethodDef, Payload, Py, Slots, Tracer, TypeObject, TypeSpec, Value, Vm, f0, f1, name,
};

/// Position and, until exhausted, the string.
pub struct Position {
    text: Option<Value>,
    at: usize,
}

/// Payload of string iterators.
pub struct StrIterator(Locked<Position>);

impl HasState for StrIterator {
    type State = Position;
    fn cell(&self) -> &Locked<Position> {
        &self.0
    }
}

// SAFETY: the string is the only reference.
unsafe impl Payload for StrIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &STR_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        tracer.visit_option(unsafe { &self.0.get_unlocked().text });
    }
}

pub(super) fn iter(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new_object(StrIterator(Locked::new(Position {
        text: Some(this.clone()),
        at: 0,
    }))))
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iterator = this.expect::<StrIterator>();
    let (whole, at) = {
        let mut state = iterator.lock(vm);
        let Some(whole) = &state.text else {
            return Ok(None);
        };
        let whole = whole.clone();
        let at = state.at;
        if at >= text::text(&whole).len() {
            state.text = None;
            drop(state);
            return Ok(None);
        }
        state.at = at + 1;
        (whole, at)
    };
    super::char_at(vm, &whole, at as i64).map(Some)
}

fn length_hint(vm: &mut Vm, this: &Value) -> Py {
    let state = this.expect::<StrIterator>().lock(vm);
    let left = state
        .text
        .as_ref()
        .map_or(0, |whole| text::text(whole).len().saturating_sub(state.at));
    Ok(Value::int(left as i64))
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let builtins = vm.interpreter().builtins.get();
    let iter = match builtins {
        Some(builtins) => vm.get_item(&builtins, name!("iter"))?,
        None => Value::none(),
    };
    let (whole, at) = {
        let state = this.expect::<StrIterator>().lock(vm);
        (state.text.clone(), state.at)
    };
    Ok(match whole {
        Some(whole) => new_tuple([iter, new_tuple([whole]), Value::int(at as i64)]),
        None => new_tuple([iter, new_tuple([taipan_core::str_object::empty_str()])]),
    })
}

fn setstate(vm: &mut Vm, this: &Value, at: &Value) -> Py {
    let at = vm.index_i64(at)?.max(0) as usize;
    let mut state = this.expect::<StrIterator>().lock(vm);
    if let Some(whole) = &state.text {
        state.at = at.min(text::text(whole).len());
    }
    Ok(Value::none())
}

fn same(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

static LAYOUT: Layout = Layout::of::<StrIterator>();

static METHODS: [MethodDef; 3] = [
    f0(
        "__length_hint__(self, /)",
        length_hint,
        "How many items are left.",
    ),
    f0("__reduce__(self, /)", reduce, "State for pickling."),
    f1(
        "__setstate__(self, state, /)",
        setstate,
        "Sets the position.",
    ),
];

pub(super) static SPEC: TypeSpec = TypeSpec {
    name: "str_iterator",
    layout: Some(&LAYOUT),
    slots: Slots {
        iter: Some(same),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};
