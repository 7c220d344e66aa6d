//! `compress`, `dropwhile`, `takewhile`, `filterfalse`, `starmap`, `islice`

use super::{ITERATOR, ITERATOR_SLOTS, Types};
use crate::support::{native_type, signature};
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::lock::Locked;
use taipan_core::{Args, Layout, MethodDef, Obj, Py, Slots, TypeObject, TypeSpec, Value, Vm};
use taipan_types::check;

pub(super) fn types() -> Types {
    vec![
        (&COMPRESS, &COMPRESS_SPEC),
        (&DROP_WHILE, &DROP_WHILE_SPEC),
        (&FILTER_FALSE, &FILTER_FALSE_SPEC),
        (&ISLICE, &ISLICE_SPEC),
        (&STARMAP, &STARMAP_SPEC),
        (&TAKE_WHILE, &TAKE_WHILE_SPEC),
    ]
}

// ---- compress ----

native_type! {
    /// Payload of `compress`.
    COMPRESS "itertools.compress" Compress { data: Value, selectors: Value }
    CompressState {}
}

static COMPRESS_SPEC: TypeSpec = TypeSpec {
    name: "itertools.compress",
    layout: Some(&COMPRESS_LAYOUT),
    slots: Slots {
        new: Some(compress_new),
        next: Some(compress_next),
        ..ITERATOR_SLOTS
    },
    doc: "compress(data, selectors)\n--\n\nReturn data elements corresponding to true selector elements.\n\n\
          Forms a shorter iterator from selected data elements using the selectors to\nchoose the data elements.",
    ..ITERATOR
};
static COMPRESS_LAYOUT: Layout = Layout::of::<Compress>();
static COMPRESS_NEW: MethodDef = signature("compress(data, selectors)");

fn compress_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &COMPRESS_NEW, args)?;
    let compress = Compress {
        data: vm.iter(args.req(0))?,
        selectors: vm.iter(args.req(1))?,
        state: Locked::new(CompressState {}),
    };
    Ok(new_instance(cls, compress))
}

fn compress_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<Compress>();
    loop {
        let Some(item) = vm.next(&own.data)? else {
            return Ok(None);
        };
        let Some(selector) = vm.next(&own.selectors)? else {
            return Ok(None);
        };
        if vm.truth(&selector)? {
            return Ok(Some(item));
        }
    }
}

// ---- a function and an iterable ----

/// `(function, iter(iterable))` of a constructor that takes just these two.
fn function_and_source(
    vm: &mut Vm,
    cls: &TypeObject,
    own: &TypeObject,
    args: Args<'_>,
) -> Py<(Value, Value)> {
    let name = own.short_name();
    check::no_keywords_for(vm, name, cls, own, args)?;
    check::count(vm, name, args.pos().len(), 2, 2)?;
    let [function, iterable] = args.pos() else {
        return Err(check::wrong_count(vm, name, args.pos().len(), 2, 2));
    };
    Ok((function.clone(), vm.iter(iterable)?))
}

fn holds(vm: &mut Vm, predicate: &Value, item: &Value) -> Py<bool> {
    let answer = vm.call(predicate, std::slice::from_ref(item))?;
    vm.truth(&answer)
}

// ---- dropwhile ----

native_type! {
    /// Payload of `dropwhile`.
    DROP_WHILE "itertools.dropwhile" DropWhile { predicate: Value, source: Value }
    DropWhileState { started: bool }
}

static DROP_WHILE_SPEC: TypeSpec = TypeSpec {
    name: "itertools.dropwhile",
    layout: Some(&DROP_WHILE_LAYOUT),
    slots: Slots {
        new: Some(drop_while_new),
        next: Some(drop_while_next),
        ..ITERATOR_SLOTS
    },
    doc: "dropwhile(predicate, iterable, /)\n--\n\nDrop items from the iterable while predicate(item) is true.\n\n\
          Afterwards, return every element until the iterable is exhausted.",
    ..ITERATOR
};
static DROP_WHILE_LAYOUT: Layout = Layout::of::<DropWhile>();

fn drop_while_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let (predicate, source) = function_and_source(vm, cls, &DROP_WHILE, args)?;
    let own = DropWhile {
        predicate,
        source,
        state: Locked::new(DropWhileState { started: false }),
    };
    Ok(new_instance(cls, own))
}

fn drop_while_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<DropWhile>();
    let started = own.lock(vm).started;
    loop {
        let Some(item) = vm.next(&own.source)? else {
            return Ok(None);
        };
        if started {
            return Ok(Some(item));
        }
        if !holds(vm, &own.predicate, &item)? {
            own.lock(vm).started = true;
            return Ok(Some(item));
        }
    }
}

// ---- takewhile ----

native_type! {
    /// Payload of `takewhile`.
    TAKE_WHILE "itertools.takewhile" TakeWhile { predicate: Value, source: Value }
    TakeWhileState { done: bool }
}

static TAKE_WHILE_SPEC: TypeSpec = TypeSpec {
    name: "itertools.takewhile",
    layout: Some(&TAKE_WHILE_LAYOUT),
    slots: Slots {
        new: Some(take_while_new),
        next: Some(take_while_next),
        ..ITERATOR_SLOTS
    },
    doc: "takewhile(predicate, iterable, /)\n--\n\nReturn successive entries from an iterable as long as the predicate evaluates to true for each entry.",
    ..ITERATOR
};
static TAKE_WHILE_LAYOUT: Layout = Layout::of::<TakeWhile>();

fn take_while_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let (predicate, source) = function_and_source(vm, cls, &TAKE_WHILE, args)?;
    let own = TakeWhile {
        predicate,
        source,
        state: Locked::new(TakeWhileState { done: false }),
    };
    Ok(new_instance(cls, own))
}

fn take_while_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<TakeWhile>();
    if own.lock(vm).done {
        return Ok(None);
    }
    let Some(item) = vm.next(&own.source)? else {
        return Ok(None);
    };
    if holds(vm, &own.predicate, &item)? {
        return Ok(Some(item));
    }
    own.lock(vm).done = true;
    Ok(None)
}

// ---- filterfalse ----

native_type! {
    /// Payload of `filterfalse`.
    FILTER_FALSE "itertools.filterfalse" FilterFalse { predicate: Value, source: Value }
    FilterFalseState {}
}

static FILTER_FALSE_SPEC: TypeSpec = TypeSpec {
    name: "itertools.filterfalse",
    layout: Some(&FILTER_FALSE_LAYOUT),
    slots: Slots {
        new: Some(filter_false_new),
        next: Some(filter_false_next),
        ..ITERATOR_SLOTS
    },
    doc: "filterfalse(function, iterable, /)\n--\n\nReturn those items of iterable for which function(item) is false.\n\n\
          If function is None, return the items that are false.",
    ..ITERATOR
};
static FILTER_FALSE_LAYOUT: Layout = Layout::of::<FilterFalse>();

fn filter_false_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let (predicate, source) = function_and_source(vm, cls, &FILTER_FALSE, args)?;
    let own = FilterFalse {
        predicate,
        source,
        state: Locked::new(FilterFalseState {}),
    };
    Ok(new_instance(cls, own))
}

fn filter_false_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<FilterFalse>();
    let plain = own.predicate.is_none()
        || own
            .predicate
            .is(&taipan_core::builtin_types::BOOL.to_value());
    loop {
        let Some(item) = vm.next(&own.source)? else {
            return Ok(None);
        };
        let found = if plain {
            vm.truth(&item)?
        } else {
            holds(vm, &own.predicate, &item)?
        };
        if !found {
            return Ok(Some(item));
        }
    }
}

// ---- starmap ----

native_type! {
    /// Payload of `starmap`.
    STARMAP "itertools.starmap" Starmap { function: Value, source: Value }
    StarmapState {}
}

static STARMAP_SPEC: TypeSpec = TypeSpec {
    name: "itertools.starmap",
    layout: Some(&STARMAP_LAYOUT),
    slots: Slots {
        new: Some(starmap_new),
        next: Some(starmap_next),
        ..ITERATOR_SLOTS
    },
    doc: "starmap(function, iterable, /)\n--\n\nReturn an iterator whose values are returned from the function evaluated with an argument tuple taken from the given sequence.",
    ..ITERATOR
};
static STARMAP_LAYOUT: Layout = Layout::of::<Starmap>();

fn starmap_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let (function, source) = function_and_source(vm, cls, &STARMAP, args)?;
    let own = Starmap {
        function,
        source,
        state: Locked::new(StarmapState {}),
    };
    Ok(new_instance(cls, own))
}

fn starmap_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<Starmap>();
    let Some(arguments) = vm.next(&own.source)? else {
        return Ok(None);
    };
    if arguments.is_exact(&taipan_core::builtin_types::TUPLE)
        && let Some(items) = taipan_core::tuple_object::items(&arguments)
    {
        return vm.call(&own.function, items).map(Some);
    }
    let items = vm.to_vec(&arguments)?;
    vm.call(&own.function, &items).map(Some)
}

// ---- islice ----

native_type! {
    /// Payload of `islice`.
    ISLICE "itertools.islice" Islice { stop: Option<usize>, step: usize }
    IsliceState { source: Option<Value>, next: usize, count: usize }
}

static ISLICE_SPEC: TypeSpec = TypeSpec {
    name: "itertools.islice",
    layout: Some(&ISLICE_LAYOUT),
    slots: Slots {
        new: Some(islice_new),
        next: Some(islice_next),
        ..ITERATOR_SLOTS
    },
    doc: "islice(iterable, stop) --> islice object\n\
          islice(iterable, start, stop[, step]) --> islice object\n\n\
          Return an iterator whose next() method returns selected values from an\n\
          iterable.  If start is specified, will skip all preceding elements;\n\
          otherwise, start defaults to zero.  Step defaults to one.  If\n\
          specified as another value, step determines how many values are\n\
          skipped between successive calls.  Works like a slice() on a list\nbut returns an iterator.",
    ..ITERATOR
};
static ISLICE_LAYOUT: Layout = Layout::of::<Islice>();

/// A bound: `None` for "not given"; anything that is no size is a `ValueError`.
fn islice_bound(vm: &mut Vm, value: &Value, message: &str) -> Py<Option<usize>> {
    if value.is_none() {
        return Ok(None);
    }
    let size = match vm.index(value) {
        Ok(index) => index.as_i64().and_then(|i| usize::try_from(i).ok()),
        Err(raised) => {
            drop(vm.take_raised(raised));
            None
        }
    };
    match size {
        Some(size) => Ok(Some(size)),
        None => Err(vm.value_error(message)),
    }
}

fn islice_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    const STOP: &str =
        "Stop argument for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
    const INDICES: &str = "Indices for islice() must be None or an integer: 0 <= x <= sys.maxsize.";
    const STEP: &str = "Step for islice() must be a positive integer or None.";
    check::no_keywords_for(vm, "islice", cls, &ISLICE, args)?;
    check::count(vm, "islice", args.pos().len(), 2, 4)?;
    let args = args.pos();
    let (start, stop) = if args.len() == 2 {
        (0, islice_bound(vm, &args[1], STOP)?)
    } else {
        let stop = islice_bound(vm, &args[2], STOP)?;
        let start = islice_bound(vm, &args[1], INDICES)?.unwrap_or(0);
        (start, stop)
    };
    let step = match args.get(3) {
        Some(step) => match islice_bound(vm, step, STEP)? {
            Some(0) => return Err(vm.value_error(STEP)),
            step => step.unwrap_or(1),
        },
        None => 1,
    };
    let source = vm.iter(&args[0])?;
    let own = Islice {
        stop,
        step,
        state: Locked::new(IsliceState {
            source: Some(source),
            next: start,
            count: 0,
        }),
    };
    Ok(new_instance(cls, own))
}

fn islice_end(vm: &mut Vm, own: &Obj<Islice>) -> Option<Value> {
    let source = own.lock(vm).source.take();
    drop(source);
    None
}

fn islice_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<Islice>();
    let source = own.lock(vm).source.clone();
    let Some(source) = source else {
        return Ok(None);
    };
    loop {
        let (next, count) = {
            let state = own.lock(vm);
            (state.next, state.count)
        };
        if own.stop.is_some_and(|stop| count >= stop) {
            return Ok(islice_end(vm, own));
        }
        let Some(item) = vm.next(&source)? else {
            return Ok(islice_end(vm, own));
        };
        let mut state = own.lock(vm);
        state.count += 1;
        if count >= next {
            state.next = next
                .saturating_add(own.step)
                .min(own.stop.unwrap_or(usize::MAX));
            return Ok(Some(item));
        }
        drop(state);
        drop(item);
    }
}
