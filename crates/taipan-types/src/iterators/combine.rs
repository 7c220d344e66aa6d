//! `zip`, `map`, `filter`

use super::itself;
use crate::check;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::{BOOL, FILTER, MAP, ZIP};
use taipan_core::str_object::str_eq;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Layout, MethodDef, Payload, Py, Raised, Slots, Tracer, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, f0, f1, name,
};

/// Payload of `zip`.
pub struct Zip {
    sources: Box<[Value]>,
    strict: AtomicBool,
}

// SAFETY: the sources are the only references.
unsafe impl Payload for Zip {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ZIP
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_all(&self.sources);
    }
    fn outside_size(&self) -> usize {
        self.sources.len() * 8
    }
}

/// The `strict` keyword of `zip` and `map`, the only one they take.
fn strict_argument(vm: &mut Vm, function: &str, args: Args<'_>) -> Py<bool> {
    let mut strict = false;
    for (keyword, value) in args.keywords() {
        if !str_eq(keyword, name!("strict")) {
            let keyword = vm.str_string(keyword)?;
            return Err(vm.type_error(format!(
                "{function}() got an unexpected keyword argument '{keyword}'"
            )));
        }
        strict = vm.truth(value)?;
    }
    Ok(strict)
}

fn iterators_of(vm: &mut Vm, iterables: &[Value]) -> Py<Box<[Value]>> {
    let mut sources = Vec::with_capacity(iterables.len());
    for iterable in iterables {
        sources.push(vm.iter(iterable)?);
    }
    Ok(sources.into_boxed_slice())
}

/// One item of each source; `None` when one is exhausted.
fn next_row(
    vm: &mut Vm,
    function: &str,
    sources: &[Value],
    strict: bool,
) -> Py<Option<Vec<Value>>> {
    let mut row = Vec::with_capacity(sources.len());
    for (at, source) in sources.iter().enumerate() {
        match vm.next(source)? {
            Some(item) => row.push(item),
            None if strict => {
                check_lengths(vm, function, sources, at)?;
                return Ok(None);
            }
            None => return Ok(None),
        }
    }
    Ok(Some(row))
}

/// Source number `ended` is exhausted first: the others must be, too.
fn check_lengths(vm: &mut Vm, function: &str, sources: &[Value], ended: usize) -> Py<()> {
    if ended > 0 {
        return Err(wrong_length(vm, function, ended, "shorter"));
    }
    for (at, source) in sources.iter().enumerate().skip(1) {
        if vm.next(source)?.is_some() {
            return Err(wrong_length(vm, function, at, "longer"));
        }
    }
    Ok(())
}

#[cold]
fn wrong_length(vm: &mut Vm, function: &str, at: usize, than: &str) -> Raised {
    let others = if at == 1 {
        " 1".to_string()
    } else {
        format!("s 1-{at}")
    };
    vm.value_error(format!(
        "{function}() argument {} is {than} than argument{others}",
        at + 1
    ))
}

fn zip_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let strict = strict_argument(vm, "zip", args)?;
    let sources = iterators_of(vm, args.pos())?;
    Ok(new_instance(
        cls,
        Zip {
            sources,
            strict: AtomicBool::new(strict),
        },
    ))
}

fn zip_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let zip = this.expect::<Zip>();
    if zip.sources.is_empty() {
        return Ok(None);
    }
    if let [first, second] = &zip.sources[..]
        && !zip.strict.load(Relaxed)
    {
        let Some(a) = vm.next(first)? else {
            return Ok(None);
        };
        let Some(b) = vm.next(second)? else {
            return Ok(None);
        };
        return Ok(Some(new_tuple([a, b])));
    }
    Ok(next_row(vm, "zip", &zip.sources, zip.strict.load(Relaxed))?.map(new_tuple))
}

fn zip_reduce(_vm: &mut Vm, this: &Value) -> Py {
    let zip = this.expect::<Zip>();
    let ty = this.type_of().to_value();
    let sources = new_tuple(zip.sources.to_vec());
    Ok(if zip.strict.load(Relaxed) {
        new_tuple([ty, sources, Value::bool(true)])
    } else {
        new_tuple([ty, sources])
    })
}

fn zip_set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let strict = vm.truth(state)?;
    this.expect::<Zip>().strict.store(strict, Relaxed);
    Ok(Value::none())
}

static ZIP_METHODS: [MethodDef; 2] = [
    f0(
        "__reduce__(self, /)",
        zip_reduce,
        "Return state information for pickling.",
    ),
    f1(
        "__setstate__(self, object, /)",
        zip_set_state,
        "Set state information for unpickling.",
    ),
];

static ZIP_LAYOUT: Layout = Layout::of::<Zip>();
static ZIP_SPEC: TypeSpec = TypeSpec {
    name: "zip",
    flags: TypeFlags::BASE,
    layout: Some(&ZIP_LAYOUT),
    slots: Slots {
        new: Some(zip_new),
        iter: Some(itself),
        next: Some(zip_next),
        ..Slots::NONE
    },
    methods: &ZIP_METHODS,
    doc: "The zip object yields n-length tuples, where n is the number of iterables\npassed as positional arguments to zip().  The i-th element in every tuple\ncomes from the i-th iterable argument to zip().  This continues until the\nshortest argument is exhausted.\n\nIf strict is true and one of the arguments is exhausted before the others,\nraise a ValueError.\n\n   >>> list(zip('abcdefg', range(3), range(4)))\n   [('a', 0, 0), ('b', 1, 1), ('c', 2, 2)]",
    ..TypeSpec::DEFAULT
};

/// Payload of `map`.
pub struct Map {
    function: Value,
    sources: Box<[Value]>,
    strict: AtomicBool,
}

// SAFETY: all references are reported.
unsafe impl Payload for Map {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &MAP
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.function);
        tracer.visit_all(&self.sources);
    }
    fn outside_size(&self) -> usize {
        self.sources.len() * 8
    }
}

fn map_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let strict = strict_argument(vm, "map", args)?;
    let [function, iterables @ ..] = args.pos() else {
        return Err(vm.type_error("map() must have at least two arguments."));
    };
    if iterables.is_empty() {
        return Err(vm.type_error("map() must have at least two arguments."));
    }
    let sources = iterators_of(vm, iterables)?;
    Ok(new_instance(
        cls,
        Map {
            function: function.clone(),
            sources,
            strict: AtomicBool::new(strict),
        },
    ))
}

fn map_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let map = this.expect::<Map>();
    if let [source] = &map.sources[..] {
        let Some(item) = vm.next(source)? else {
            return Ok(None);
        };
        return vm.call(&map.function, &[item]).map(Some);
    }
    match next_row(vm, "map", &map.sources, map.strict.load(Relaxed))? {
        Some(row) => vm.call(&map.function, &row).map(Some),
        None => Ok(None),
    }
}

fn map_reduce(_vm: &mut Vm, this: &Value) -> Py {
    let map = this.expect::<Map>();
    let ty = this.type_of().to_value();
    let parts: Vec<Value> = std::iter::once(&map.function)
        .chain(&map.sources)
        .cloned()
        .collect();
    Ok(if map.strict.load(Relaxed) {
        new_tuple([ty, new_tuple(parts), Value::bool(true)])
    } else {
        new_tuple([ty, new_tuple(parts)])
    })
}

fn map_set_state(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let strict = vm.truth(state)?;
    this.expect::<Map>().strict.store(strict, Relaxed);
    Ok(Value::none())
}

static MAP_METHODS: [MethodDef; 2] = [
    f0(
        "__reduce__(self, /)",
        map_reduce,
        "Return state information for pickling.",
    ),
    f1(
        "__setstate__(self, object, /)",
        map_set_state,
        "Set state information for unpickling.",
    ),
];

static MAP_LAYOUT: Layout = Layout::of::<Map>();
static MAP_SPEC: TypeSpec = TypeSpec {
    name: "map",
    flags: TypeFlags::BASE,
    layout: Some(&MAP_LAYOUT),
    slots: Slots {
        new: Some(map_new),
        iter: Some(itself),
        next: Some(map_next),
        ..Slots::NONE
    },
    methods: &MAP_METHODS,
    doc: "map(function, iterable, /, *iterables, strict=False)\n--\n\nMake an iterator that computes the function using arguments from\neach of the iterables.  Stops when the shortest iterable is exhausted.\n\nIf strict is true and one of the arguments is exhausted before the others,\nraise a ValueError.",
    ..TypeSpec::DEFAULT
};

/// Payload of `filter`.
pub struct Filter {
    function: Value,
    source: Value,
}

// SAFETY: both references are reported.
unsafe impl Payload for Filter {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &FILTER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.function);
        tracer.visit(&self.source);
    }
}

fn filter_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords_for(vm, "filter", cls, &FILTER, args)?;
    let [function, iterable] = args.pos() else {
        return Err(check::wrong_count(vm, "filter", args.pos().len(), 2, 2));
    };
    let source = vm.iter(iterable)?;
    Ok(new_instance(
        cls,
        Filter {
            function: function.clone(),
            source,
        },
    ))
}

fn filter_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let filter = this.expect::<Filter>();
    let by_truth = filter.function.is_none() || filter.function.is(&BOOL.to_value());
    loop {
        let Some(item) = vm.next(&filter.source)? else {
            return Ok(None);
        };
        let keep = if by_truth {
            vm.truth(&item)?
        } else {
            let answer = vm.call(&filter.function, std::slice::from_ref(&item))?;
            vm.truth(&answer)?
        };
        if keep {
            return Ok(Some(item));
        }
        vm.safepoint()?;
    }
}

fn filter_reduce(_vm: &mut Vm, this: &Value) -> Py {
    let filter = this.expect::<Filter>();
    let parts = [filter.function.clone(), filter.source.clone()];
    Ok(new_tuple([this.type_of().to_value(), new_tuple(parts)]))
}

static FILTER_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    filter_reduce,
    "Return state information for pickling.",
)];

static FILTER_LAYOUT: Layout = Layout::of::<Filter>();
static FILTER_SPEC: TypeSpec = TypeSpec {
    name: "filter",
    flags: TypeFlags::BASE,
    layout: Some(&FILTER_LAYOUT),
    slots: Slots {
        new: Some(filter_new),
        iter: Some(itself),
        next: Some(filter_next),
        ..Slots::NONE
    },
    methods: &FILTER_METHODS,
    doc: "filter(function, iterable, /)\n--\n\nReturn an iterator yielding those items of iterable for which function(item)\nis true.  If function is None, return the items that are true.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    ZIP.define(&ZIP_SPEC);
    MAP.define(&MAP_SPEC);
    FILTER.define(&FILTER_SPEC);
}
