//! `chain`, `zip_longest`, `accumulate`

use super::{ITERATOR, ITERATOR_SLOTS, Types};
use crate::support::{native_type, signature};
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::lock::Locked;
use taipan_core::slots::BinaryOp;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, Layout, MethodDef, Py, Slots, TypeObject, TypeSpec, Value, Vm, f1, name};
use taipan_types::check;

pub(super) fn types() -> Types {
    vec![
        (&ACCUMULATE, &ACCUMULATE_SPEC),
        (&CHAIN, &CHAIN_SPEC),
        (&ZIP_LONGEST, &ZIP_LONGEST_SPEC),
    ]
}

// ---- accumulate ----

native_type! {
    /// Payload of `accumulate`.
    ACCUMULATE "itertools.accumulate" Accumulate { source: Value, function: Option<Value> }
    AccumulateState { total: Option<Value>, initial: Option<Value> }
}

static ACCUMULATE_SPEC: TypeSpec = TypeSpec {
    name: "itertools.accumulate",
    layout: Some(&ACCUMULATE_LAYOUT),
    slots: Slots {
        new: Some(accumulate_new),
        next: Some(accumulate_next),
        ..ITERATOR_SLOTS
    },
    doc: "accumulate(iterable, func=None, *, initial=None)\n--\n\nReturn series of accumulated sums.",
    ..ITERATOR
};
static ACCUMULATE_LAYOUT: Layout = Layout::of::<Accumulate>();
static ACCUMULATE_NEW: MethodDef = signature("accumulate(iterable, func=None, *, initial=None)");

fn accumulate_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &ACCUMULATE_NEW, args)?;
    let source = vm.iter(args.req(0))?;
    let accumulate = Accumulate {
        source,
        function: args.get_not_none(1).cloned(),
        state: Locked::new(AccumulateState {
            total: None,
            initial: args.get_not_none(2).cloned(),
        }),
    };
    Ok(new_instance(cls, accumulate))
}

fn accumulate_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let accumulate = this.expect::<Accumulate>();
    let initial = {
        let mut state = accumulate.lock(vm);
        let initial = state.initial.take();
        if initial.is_some() {
            state.total = initial.clone();
        }
        initial
    };
    if initial.is_some() {
        return Ok(initial);
    }
    let Some(item) = vm.next(&accumulate.source)? else {
        return Ok(None);
    };
    let total = accumulate.lock(vm).total.clone();
    let total = match (total, &accumulate.function) {
        (None, _) => item,
        (Some(total), Some(function)) => vm.call(function, &[total, item])?,
        (Some(total), None) => match total.add_small_ints(&item) {
            Some(sum) => sum,
            None => vm.binary(BinaryOp::Add, &total, &item)?,
        },
    };
    let old = accumulate.lock(vm).total.replace(total.clone());
    drop(old);
    Ok(Some(total))
}

// ---- chain ----

native_type! {
    /// Payload of `chain`.
    CHAIN "itertools.chain" Chain {}
    ChainState { source: Option<Value>, active: Option<Value> }
}

static CHAIN_SPEC: TypeSpec = TypeSpec {
    name: "itertools.chain",
    layout: Some(&CHAIN_LAYOUT),
    slots: Slots {
        new: Some(chain_new),
        next: Some(chain_next),
        ..ITERATOR_SLOTS
    },
    methods: &CHAIN_METHODS,
    doc: "chain(*iterables)\n--\n\nReturn a chain object whose .__next__() method returns elements from the\n\
          first iterable until it is exhausted, then elements from the next\n\
          iterable, until all of the iterables are exhausted.",
    ..ITERATOR
};
static CHAIN_LAYOUT: Layout = Layout::of::<Chain>();
static CHAIN_METHODS: [MethodDef; 2] = [
    f1(
        "from_iterable(type, iterable, /)",
        from_iterable,
        "Alternative chain() constructor taking a single iterable argument that evaluates lazily.",
    )
    .class_method(),
    check::class_getitem_row(),
];

fn new_chain(cls: &TypeObject, source: Value) -> Value {
    new_instance(
        cls,
        Chain {
            state: Locked::new(ChainState {
                source: Some(source),
                active: None,
            }),
        },
    )
}

fn chain_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords_for(vm, "chain", cls, &CHAIN, args)?;
    let sources = new_tuple(args.pos().iter().cloned());
    let source = vm.iter(&sources)?;
    Ok(new_chain(cls, source))
}

fn from_iterable(vm: &mut Vm, cls: &Value, iterable: &Value) -> Py {
    let source = vm.iter(iterable)?;
    Ok(new_chain(cls.expect::<taipan_core::Type>(), source))
}

fn chain_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let chain = this.expect::<Chain>();
    loop {
        let active = chain.lock(vm).active.clone();
        if let Some(active) = active {
            if let Some(item) = vm.next(&active)? {
                return Ok(Some(item));
            }
            let old = chain.lock(vm).active.take();
            drop(old);
        }
        let source = chain.lock(vm).source.clone();
        let Some(source) = source else {
            return Ok(None);
        };
        let next = match vm.next(&source) {
            Ok(Some(iterable)) => vm.iter(&iterable).map(Some),
            other => other,
        };
        match next {
            Ok(Some(iterator)) => {
                let old = chain.lock(vm).active.replace(iterator);
                drop(old);
            }
            other => {
                let old = chain.lock(vm).source.take();
                drop(old);
                return other;
            }
        }
    }
}

// ---- zip_longest ----

native_type! {
    /// Payload of `zip_longest`.
    ZIP_LONGEST "itertools.zip_longest" ZipLongest { fill: Value, width: usize }
    ZipLongestState { sources: Vec<Option<Value>>, active: usize }
}

static ZIP_LONGEST_SPEC: TypeSpec = TypeSpec {
    name: "itertools.zip_longest",
    layout: Some(&ZIP_LONGEST_LAYOUT),
    slots: Slots {
        new: Some(zip_longest_new),
        next: Some(zip_longest_next),
        ..ITERATOR_SLOTS
    },
    doc: "Return a zip_longest object whose .__next__() method returns a tuple where\n\
          the i-th element comes from the i-th iterable argument.  The .__next__()\n\
          method continues until the longest iterable in the argument sequence\n\
          is exhausted and then it raises StopIteration.  When the shorter iterables\n\
          are exhausted, the fillvalue is substituted in their place.  The fillvalue\n\
          defaults to None or can be specified by a keyword argument.\n",
    ..ITERATOR
};
static ZIP_LONGEST_LAYOUT: Layout = Layout::of::<ZipLongest>();

fn zip_longest_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let mut fill = Value::none();
    for (keyword, value) in args.keywords() {
        if !taipan_core::str_object::str_eq(keyword, name!("fillvalue")) {
            return Err(vm.type_error("zip_longest() got an unexpected keyword argument"));
        }
        fill = value.clone();
    }
    let mut sources = Vec::with_capacity(args.pos().len());
    for iterable in args.pos() {
        sources.push(Some(vm.iter(iterable)?));
    }
    let width = sources.len();
    let zip = ZipLongest {
        fill,
        width,
        state: Locked::new(ZipLongestState {
            sources,
            active: width,
        }),
    };
    Ok(new_instance(cls, zip))
}

fn zip_longest_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let zip = this.expect::<ZipLongest>();
    if zip.width == 0 || zip.lock(vm).active == 0 {
        return Ok(None);
    }
    let mut row = Vec::with_capacity(zip.width);
    for at in 0..zip.width {
        let source = zip.lock(vm).sources[at].clone();
        let Some(source) = source else {
            row.push(zip.fill.clone());
            continue;
        };
        match vm.next(&source) {
            Ok(Some(item)) => row.push(item),
            Ok(None) => {
                let (old, active) = {
                    let mut state = zip.lock(vm);
                    let old = state.sources[at].take();
                    state.active = state.active.saturating_sub(old.is_some() as usize);
                    (old, state.active)
                };
                drop(old);
                if active == 0 {
                    return Ok(None);
                }
                row.push(zip.fill.clone());
            }
            Err(raised) => {
                zip.lock(vm).active = 0;
                return Err(raised);
            }
        }
    }
    Ok(Some(new_tuple(row)))
}
