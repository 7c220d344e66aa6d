//! `groupby`, `batched`, `pairwise`

use super::{ITERATOR, ITERATOR_SLOTS, Types};
use crate::support::{native_type, signature};
use taipan_core::alloc::{new_instance, new_object};
use taipan_core::bind::bind;
use taipan_core::lock::Locked;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
};
use taipan_types::check;

pub(super) fn types() -> Types {
    vec![
        (&BATCHED, &BATCHED_SPEC),
        (&GROUP_BY, &GROUP_BY_SPEC),
        (&GROUPER, &GROUPER_SPEC),
        (&PAIRWISE, &PAIRWISE_SPEC),
    ]
}

// ---- batched ----

native_type! {
    /// Payload of `batched`.
    BATCHED "itertools.batched" Batched { source: Value, size: usize, strict: bool }
    BatchedState { done: bool }
}

static BATCHED_SPEC: TypeSpec = TypeSpec {
    name: "itertools.batched",
    layout: Some(&BATCHED_LAYOUT),
    slots: Slots {
        new: Some(batched_new),
        next: Some(batched_next),
        ..ITERATOR_SLOTS
    },
    doc: "batched(iterable, n, *, strict=False)\n--\n\nBatch data into tuples of length n. The last batch may be shorter than n.\n\n\
          Loops over the input iterable and accumulates data into tuples\n\
          up to size n.  The input is consumed lazily, just enough to\n\
          fill a batch.  The result is yielded as soon as a batch is full\n\
          or when the input iterable is exhausted.\n\n\
          \x20   >>> for batch in batched('ABCDEFG', 3):\n    ...     print(batch)\n    ...\n\
          \x20   ('A', 'B', 'C')\n    ('D', 'E', 'F')\n    ('G',)\n\n\
          If \"strict\" is True, raises a ValueError if the final batch is shorter\nthan n.",
    ..ITERATOR
};
static BATCHED_LAYOUT: Layout = Layout::of::<Batched>();
static BATCHED_NEW: MethodDef = signature("batched(iterable, n, *, strict=False)");

fn batched_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &BATCHED_NEW, args)?;
    let size = vm.index_i64(args.req(1))?;
    let strict = match args.get(2) {
        Some(strict) => vm.truth(strict)?,
        None => false,
    };
    if size < 1 {
        return Err(vm.value_error("n must be at least one"));
    }
    let source = vm.iter(args.req(0))?;
    let batched = Batched {
        source,
        size: size as usize,
        strict,
        state: Locked::new(BatchedState { done: false }),
    };
    Ok(new_instance(cls, batched))
}

fn batched_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let batched = this.expect::<Batched>();
    if batched.lock(vm).done {
        return Ok(None);
    }
    let mut row = Vec::with_capacity(batched.size.min(64));
    while row.len() < batched.size {
        match vm.next(&batched.source) {
            Ok(Some(item)) => row.push(item),
            Ok(None) => break,
            Err(raised) => {
                batched.lock(vm).done = true;
                return Err(raised);
            }
        }
    }
    if row.len() < batched.size {
        batched.lock(vm).done = true;
        if row.is_empty() {
            return Ok(None);
        }
        if batched.strict {
            return Err(vm.value_error("batched(): incomplete batch"));
        }
    }
    Ok(Some(new_tuple(row)))
}

// ---- groupby ----

native_type! {
    /// Payload of `groupby`.
    GROUP_BY "itertools.groupby" GroupBy { source: Value, key: Option<Value> }
    GroupByState {
        // Key of the group that was given out, and key and value of the element read ahead.
        target: Option<Value>,
        current_key: Option<Value>,
        current_value: Option<Value>,
        // Number of the group that may still be read.
        grouper: u64,
    }
}

native_type! {
    /// Payload of the groups of `groupby`.
    GROUPER "itertools._grouper" Grouper { parent: Value, target: Value, number: u64 }
    GrouperState {}
}

static GROUP_BY_SPEC: TypeSpec = TypeSpec {
    name: "itertools.groupby",
    layout: Some(&GROUP_BY_LAYOUT),
    slots: Slots {
        new: Some(group_by_new),
        next: Some(group_by_next),
        ..ITERATOR_SLOTS
    },
    doc: "groupby(iterable, key=None)\n--\n\nmake an iterator that returns consecutive keys and groups from the iterable\n\n\
          \x20 iterable\n    Elements to divide into groups according to the key function.\n\
          \x20 key\n    A function for computing the group category for each element.\n\
          \x20   If the key function is not specified or is None, the element itself\n    is used for grouping.",
    ..ITERATOR
};
static GROUP_BY_LAYOUT: Layout = Layout::of::<GroupBy>();
static GROUP_BY_NEW: MethodDef = signature("groupby(iterable, key=None)");

static GROUPER_SPEC: TypeSpec = TypeSpec {
    name: "itertools._grouper",
    flags: TypeFlags::empty(),
    layout: Some(&GROUPER_LAYOUT),
    slots: Slots {
        new: Some(grouper_new),
        next: Some(grouper_next),
        ..ITERATOR_SLOTS
    },
    ..ITERATOR
};
static GROUPER_LAYOUT: Layout = Layout::of::<Grouper>();

fn group_by_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &GROUP_BY_NEW, args)?;
    let source = vm.iter(args.req(0))?;
    let group_by = GroupBy {
        source,
        key: args.get_not_none(1).cloned(),
        state: Locked::new(GroupByState {
            target: None,
            current_key: None,
            current_value: None,
            grouper: 0,
        }),
    };
    Ok(new_instance(cls, group_by))
}

/// Reads one element ahead; false at the end.
fn step(vm: &mut Vm, own: &Obj<GroupBy>) -> Py<bool> {
    let Some(value) = vm.next(&own.source)? else {
        return Ok(false);
    };
    let key = match &own.key {
        Some(function) => vm.call(function, std::slice::from_ref(&value))?,
        None => value.clone(),
    };
    let old = {
        let mut state = own.lock(vm);
        (
            state.current_key.replace(key),
            state.current_value.replace(value),
        )
    };
    drop(old);
    Ok(true)
}

fn group_by_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<GroupBy>();
    own.lock(vm).grouper = 0;
    loop {
        let (target, current) = {
            let state = own.lock(vm);
            (state.target.clone(), state.current_key.clone())
        };
        match (target, current) {
            (None, Some(_)) => break,
            (Some(target), Some(current)) => {
                if !vm.equal(&target, &current)? {
                    break;
                }
            }
            (_, None) => {}
        }
        if !step(vm, own)? {
            return Ok(None);
        }
    }
    let number = taipan_core::vm::next_id();
    let (key, old) = {
        let mut state = own.lock(vm);
        state.grouper = number;
        let key = state.current_key.clone();
        let old = std::mem::replace(&mut state.target, key.clone());
        (key, old)
    };
    drop(old);
    let Some(key) = key else { return Ok(None) };
    let group = new_object(Grouper {
        parent: this.clone(),
        target: key.clone(),
        number,
        state: Locked::new(GrouperState {}),
    });
    Ok(Some(new_tuple([key, group])))
}

fn grouper_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "_grouper", args)?;
    check::count(vm, "_grouper", args.pos().len(), 2, 2)?;
    let [parent, target] = args.pos() else {
        return Err(vm.type_error("_grouper expected 2 arguments"));
    };
    if !parent.is_instance(&GROUP_BY) {
        let message = format!(
            "_grouper() argument 1 must be itertools.groupby, not {}",
            parent.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let number = taipan_core::vm::next_id();
    parent.expect::<GroupBy>().lock(vm).grouper = number;
    Ok(new_object(Grouper {
        parent: parent.clone(),
        target: target.clone(),
        number,
        state: Locked::new(GrouperState {}),
    }))
}

fn grouper_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<Grouper>();
    let parent = own.parent.expect::<GroupBy>();
    let (live, ready) = {
        let state = parent.lock(vm);
        (state.grouper == own.number, state.current_value.is_some())
    };
    if !live || (!ready && !step(vm, parent)?) {
        return Ok(None);
    }
    let current = parent.lock(vm).current_key.clone();
    let Some(current) = current else {
        return Ok(None);
    };
    if !vm.equal(&own.target, &current)? {
        return Ok(None);
    }
    let (value, key) = {
        let mut state = parent.lock(vm);
        (state.current_value.take(), state.current_key.take())
    };
    drop(key);
    Ok(value)
}

// ---- pairwise ----

native_type! {
    /// Payload of `pairwise`.
    PAIRWISE "itertools.pairwise" Pairwise {}
    PairwiseState { source: Option<Value>, old: Option<Value> }
}

static PAIRWISE_SPEC: TypeSpec = TypeSpec {
    name: "itertools.pairwise",
    layout: Some(&PAIRWISE_LAYOUT),
    slots: Slots {
        new: Some(pairwise_new),
        next: Some(pairwise_next),
        ..ITERATOR_SLOTS
    },
    doc: "pairwise(iterable, /)\n--\n\nReturn an iterator of overlapping pairs taken from the input iterator.\n\n\
          \x20   s -> (s0,s1), (s1,s2), (s2, s3), ...",
    ..ITERATOR
};
static PAIRWISE_LAYOUT: Layout = Layout::of::<Pairwise>();

fn pairwise_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "pairwise", args)?;
    check::count(vm, "pairwise", args.pos().len(), 1, 1)?;
    let source = vm.iter(&args.pos()[0])?;
    let pairwise = Pairwise {
        state: Locked::new(PairwiseState {
            source: Some(source),
            old: None,
        }),
    };
    Ok(new_instance(cls, pairwise))
}

/// Ends the iteration.
fn pairwise_end(vm: &mut Vm, own: &Obj<Pairwise>) {
    let old = {
        let mut state = own.lock(vm);
        (state.source.take(), state.old.take())
    };
    drop(old);
}

fn pairwise_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<Pairwise>();
    let (source, old) = {
        let state = own.lock(vm);
        (state.source.clone(), state.old.clone())
    };
    let Some(source) = source else {
        return Ok(None);
    };
    let old = match old {
        Some(old) => old,
        None => {
            let first = vm.next(&source)?;
            let Some(first) = first else {
                pairwise_end(vm, own);
                return Ok(None);
            };
            let replaced = own.lock(vm).old.replace(first.clone());
            drop(replaced);
            // Stepping the source may have stepped this iterator to its end.
            if own.lock(vm).source.is_none() {
                let replaced = own.lock(vm).old.take();
                drop(replaced);
                return Ok(None);
            }
            first
        }
    };
    let Some(new) = vm.next(&source)? else {
        pairwise_end(vm, own);
        return Ok(None);
    };
    let replaced = own.lock(vm).old.replace(new.clone());
    drop(replaced);
    Ok(Some(new_tuple([old, new])))
}
