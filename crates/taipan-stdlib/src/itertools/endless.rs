//! `count`, `cycle`, `repeat`

use super::{ITERATOR, ITERATOR_SLOTS, Types};
use crate::support::{native_type, signature};
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::lock::Locked;
use taipan_core::slots::BinaryOp;
use taipan_core::str_object::new_str;
use taipan_core::{Args, Layout, MethodDef, Py, Slots, TypeObject, TypeSpec, Value, Vm, f0};
use taipan_types::{check, text::Builder};

pub(super) fn types() -> Types {
    vec![
        (&COUNT, &COUNT_SPEC),
        (&CYCLE, &CYCLE_SPEC),
        (&REPEAT, &REPEAT_SPEC),
    ]
}

// ---- count ----

native_type! {
    /// Payload of `count`.
    COUNT "itertools.count" Count { step: Value }
    CountState { next: Value }
}

static COUNT_SPEC: TypeSpec = TypeSpec {
    name: "itertools.count",
    layout: Some(&COUNT_LAYOUT),
    slots: Slots {
        new: Some(count_new),
        repr: Some(count_repr),
        next: Some(count_next),
        ..ITERATOR_SLOTS
    },
    doc: "count(start=0, step=1)\n--\n\nReturn a count object whose .__next__() method returns consecutive values.\n\n\
          Equivalent to:\n    def count(firstval=0, step=1):\n        x = firstval\n        while 1:\n            yield x\n            x += step",
    ..ITERATOR
};
static COUNT_LAYOUT: Layout = Layout::of::<Count>();
static COUNT_NEW: MethodDef = signature("count(start=0, step=1)");

fn check_number(vm: &mut Vm, value: &Value) -> Py<()> {
    let slots = value.type_of().slots();
    let number = slots.int.is_some()
        || slots.float.is_some()
        || slots.index.is_some()
        || value.is_instance(&taipan_core::builtin_types::COMPLEX);
    if number {
        return Ok(());
    }
    Err(vm.type_error("a number is required"))
}

fn count_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &COUNT_NEW, args)?;
    let next = args.get(0).cloned().unwrap_or(Value::from_i32(0));
    let step = args.get(1).cloned().unwrap_or(Value::from_i32(1));
    check_number(vm, &next)?;
    check_number(vm, &step)?;
    let count = Count {
        step,
        state: Locked::new(CountState { next }),
    };
    Ok(new_instance(cls, count))
}

fn count_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let count = this.expect::<Count>();
    let current = {
        let mut state = count.lock(vm);
        let current = state.next.clone();
        if let Some(sum) = current.add_small_ints(&count.step) {
            state.next = sum;
            return Ok(Some(current));
        }
        current
    };
    let next = vm.binary(BinaryOp::Add, &current, &count.step)?;
    let old = std::mem::replace(&mut count.lock(vm).next, next);
    drop(old);
    Ok(Some(current))
}

fn count_repr(vm: &mut Vm, this: &Value) -> Py {
    let count = this.expect::<Count>();
    let next = count.lock(vm).next.clone();
    let mut out = Builder::new();
    out.push_str(this.type_of().short_name());
    out.push_str("(");
    out.push_value(&vm.repr(&next)?);
    if !(count.step.is_int() && count.step.as_i64() == Some(1)) {
        out.push_str(", ");
        out.push_value(&vm.repr(&count.step)?);
    }
    out.push_str(")");
    out.finish(vm)
}

// ---- cycle ----

native_type! {
    /// Payload of `cycle`.
    CYCLE "itertools.cycle" Cycle {}
    CycleState { source: Option<Value>, saved: Vec<Value>, at: usize }
}

static CYCLE_SPEC: TypeSpec = TypeSpec {
    name: "itertools.cycle",
    layout: Some(&CYCLE_LAYOUT),
    slots: Slots {
        new: Some(cycle_new),
        next: Some(cycle_next),
        ..ITERATOR_SLOTS
    },
    doc: "cycle(iterable, /)\n--\n\nReturn elements from the iterable until it is exhausted. Then repeat the sequence indefinitely.",
    ..ITERATOR
};
static CYCLE_LAYOUT: Layout = Layout::of::<Cycle>();

fn cycle_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords_for(vm, "cycle", cls, &CYCLE, args)?;
    check::count(vm, "cycle", args.pos().len(), 1, 1)?;
    let source = vm.iter(&args.pos()[0])?;
    let cycle = Cycle {
        state: Locked::new(CycleState {
            source: Some(source),
            saved: Vec::new(),
            at: 0,
        }),
    };
    Ok(new_instance(cls, cycle))
}

fn cycle_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let cycle = this.expect::<Cycle>();
    let source = cycle.lock(vm).source.clone();
    if let Some(source) = source {
        if let Some(item) = vm.next(&source)? {
            let mut state = cycle.lock(vm);
            let room = state.saved.try_reserve(1).is_ok();
            if room {
                state.saved.push(item.clone());
            }
            drop(state);
            return if room {
                Ok(Some(item))
            } else {
                Err(vm.memory_error())
            };
        }
        let old = cycle.lock(vm).source.take();
        drop(old);
    }
    let mut state = cycle.lock(vm);
    let at = state.at;
    let Some(item) = state.saved.get(at).cloned() else {
        return Ok(None);
    };
    state.at = if at + 1 == state.saved.len() {
        0
    } else {
        at + 1
    };
    Ok(Some(item))
}

// ---- repeat ----

native_type! {
    /// Payload of `repeat`.
    REPEAT "itertools.repeat" Repeat { element: Value }
    // Less than zero is without end.
    RepeatState { left: i64 }
}

static REPEAT_SPEC: TypeSpec = TypeSpec {
    name: "itertools.repeat",
    layout: Some(&REPEAT_LAYOUT),
    slots: Slots {
        new: Some(repeat_new),
        repr: Some(repeat_repr),
        next: Some(repeat_next),
        ..ITERATOR_SLOTS
    },
    methods: &REPEAT_METHODS,
    doc: "repeat(object [,times]) -> create an iterator which returns the object\n\
          for the specified number of times.  If not specified, returns the object\nendlessly.",
    ..ITERATOR
};
static REPEAT_LAYOUT: Layout = Layout::of::<Repeat>();
static REPEAT_METHODS: [MethodDef; 1] = [f0(
    "__length_hint__(self, /)",
    repeat_hint,
    "Private method returning an estimate of len(list(it)).",
)];
static REPEAT_NEW: MethodDef = signature("repeat(object, times=None)");

fn repeat_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &REPEAT_NEW, args)?;
    let left = match args.get(1) {
        Some(times) => vm.index_i64(times)?.max(0),
        None => -1,
    };
    let repeat = Repeat {
        element: args.req(0).clone(),
        state: Locked::new(RepeatState { left }),
    };
    Ok(new_instance(cls, repeat))
}

fn repeat_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let repeat = this.expect::<Repeat>();
    let mut state = repeat.lock(vm);
    if state.left == 0 {
        return Ok(None);
    }
    if state.left > 0 {
        state.left -= 1;
    }
    Ok(Some(repeat.element.clone()))
}

fn repeat_repr(vm: &mut Vm, this: &Value) -> Py {
    let repeat = this.expect::<Repeat>();
    let left = repeat.lock(vm).left;
    let mut out = Builder::new();
    out.push_str(this.type_of().short_name());
    out.push_str("(");
    out.push_value(&vm.repr(&repeat.element)?);
    if left >= 0 {
        out.push_str(&format!(", {left}"));
    }
    out.push_str(")");
    out.finish(vm)
}

fn repeat_hint(vm: &mut Vm, this: &Value) -> Py {
    let left = this.expect::<Repeat>().lock(vm).left;
    if left < 0 {
        let text = new_str("len() of unsized object");
        return Err(vm.raise_with(&taipan_core::builtin_types::TYPE_ERROR, &[text]));
    }
    Ok(Value::int(left))
}
