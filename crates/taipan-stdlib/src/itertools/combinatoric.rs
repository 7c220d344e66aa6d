//! `product`, `permutations`, `combinations`, `combinations_with_replacement`. None of them runs Python code while it steps, so each
//! step is made under its guard.

use super::{ITERATOR, ITERATOR_SLOTS, Types};
use crate::support::{native_type, signature};
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::lock::Locked;
use taipan_core::str_object::str_eq;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, Layout, MethodDef, Py, Slots, TypeObject, TypeSpec, Value, Vm, f0, name};

pub(super) fn types() -> Types {
    vec![
        (&COMBINATIONS, &COMBINATIONS_SPEC),
        (&REPLACEMENT, &REPLACEMENT_SPEC),
        (&PERMUTATIONS, &PERMUTATIONS_SPEC),
        (&PRODUCT, &PRODUCT_SPEC),
    ]
}

/// Room for `count` indices, or `MemoryError`.
fn indices(vm: &mut Vm, count: usize) -> Py<Vec<usize>> {
    let mut row = Vec::new();
    match row.try_reserve_exact(count) {
        Ok(()) => Ok(row),
        Err(_) => Err(vm.memory_error()),
    }
}

/// The argument `r`.
fn length(vm: &mut Vm, r: &Value) -> Py<usize> {
    let r = vm.index_i64(r)?;
    match usize::try_from(r) {
        Ok(r) => Ok(r),
        Err(_) => Err(vm.value_error("r must be non-negative")),
    }
}

fn pick(pool: &[Value], indices: &[usize]) -> Value {
    new_tuple(indices.iter().map(|at| pool[*at].clone()))
}

/// How far a combinatoric iterator is.
#[derive(Clone, Copy, PartialEq)]
enum Phase {
    New,
    Running,
    Done,
}

impl crate::support::Holds for Phase {}

fn sizeof(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::int(taipan_core::alloc::usable_size(this) as i64))
}

static SIZEOF: [MethodDef; 1] = [f0(
    "__sizeof__(self, /)",
    sizeof,
    "Returns size in memory, in bytes.",
)];

// ---- combinations ----

native_type! {
    /// Payload of `combinations`.
    COMBINATIONS "itertools.combinations" Combinations { pool: Vec<Value>, length: usize }
    CombinationsState { indices: Vec<usize>, phase: Phase }
}

static COMBINATIONS_SPEC: TypeSpec = TypeSpec {
    name: "itertools.combinations",
    layout: Some(&COMBINATIONS_LAYOUT),
    slots: Slots {
        new: Some(combinations_new),
        next: Some(combinations_next),
        ..ITERATOR_SLOTS
    },
    methods: &SIZEOF,
    doc: "combinations(iterable, r)\n--\n\nReturn successive r-length combinations of elements in the iterable.\n\n\
          combinations(range(4), 3) --> (0,1,2), (0,1,3), (0,2,3), (1,2,3)",
    ..ITERATOR
};
static COMBINATIONS_LAYOUT: Layout = Layout::of::<Combinations>();
static COMBINATIONS_NEW: MethodDef = signature("combinations(iterable, r)");

fn combinations_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &COMBINATIONS_NEW, args)?;
    let pool = vm.to_vec(args.req(0))?;
    let length = length(vm, args.req(1))?;
    let fits = length <= pool.len();
    let mut row = Vec::new();
    if fits {
        row = indices(vm, length)?;
        row.extend(0..length);
    }
    let combinations = Combinations {
        pool,
        length,
        state: Locked::new(CombinationsState {
            indices: row,
            phase: if fits { Phase::New } else { Phase::Done },
        }),
    };
    Ok(new_instance(cls, combinations))
}

fn combinations_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<Combinations>();
    let last = own.pool.len().wrapping_sub(own.length);
    let mut state = own.lock(vm);
    match state.phase {
        Phase::Done => return Ok(None),
        Phase::New => state.phase = Phase::Running,
        Phase::Running => {
            let row = &mut state.indices;
            let Some(at) = (0..row.len()).rev().find(|at| row[*at] != at + last) else {
                state.phase = Phase::Done;
                return Ok(None);
            };
            row[at] += 1;
            for next in at + 1..row.len() {
                row[next] = row[next - 1] + 1;
            }
        }
    }
    Ok(Some(pick(&own.pool, &state.indices)))
}

// ---- combinations_with_replacement ----

native_type! {
    /// Payload of `combinations_with_replacement`.
    REPLACEMENT "itertools.combinations_with_replacement" Replacement { pool: Vec<Value> }
    ReplacementState { indices: Vec<usize>, phase: Phase }
}

static REPLACEMENT_SPEC: TypeSpec = TypeSpec {
    name: "itertools.combinations_with_replacement",
    layout: Some(&REPLACEMENT_LAYOUT),
    slots: Slots {
        new: Some(replacement_new),
        next: Some(replacement_next),
        ..ITERATOR_SLOTS
    },
    methods: &SIZEOF,
    doc: "combinations_with_replacement(iterable, r)\n--\n\nReturn successive r-length combinations of elements in the \
          iterable allowing individual elements to have successive repeats.\n\n\
          combinations_with_replacement('ABC', 2) --> ('A','A'), ('A','B'), ('A','C'), ('B','B'), ('B','C'), ('C','C')",
    ..ITERATOR
};
static REPLACEMENT_LAYOUT: Layout = Layout::of::<Replacement>();
static REPLACEMENT_NEW: MethodDef = signature("combinations_with_replacement(iterable, r)");

fn replacement_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &REPLACEMENT_NEW, args)?;
    let pool = vm.to_vec(args.req(0))?;
    let length = length(vm, args.req(1))?;
    let fits = length == 0 || !pool.is_empty();
    let mut row = Vec::new();
    if fits {
        row = indices(vm, length)?;
        row.resize(length, 0);
    }
    let replacement = Replacement {
        pool,
        state: Locked::new(ReplacementState {
            indices: row,
            phase: if fits { Phase::New } else { Phase::Done },
        }),
    };
    Ok(new_instance(cls, replacement))
}

fn replacement_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<Replacement>();
    let last = own.pool.len().wrapping_sub(1);
    let mut state = own.lock(vm);
    match state.phase {
        Phase::Done => return Ok(None),
        Phase::New => state.phase = Phase::Running,
        Phase::Running => {
            let row = &mut state.indices;
            let Some(at) = (0..row.len()).rev().find(|at| row[*at] != last) else {
                state.phase = Phase::Done;
                return Ok(None);
            };
            let next = row[at] + 1;
            row[at..].fill(next);
        }
    }
    Ok(Some(pick(&own.pool, &state.indices)))
}

// ---- permutations ----

native_type! {
    /// Payload of `permutations`.
    PERMUTATIONS "itertools.permutations" Permutations { pool: Vec<Value>, length: usize }
    PermutationsState { indices: Vec<usize>, cycles: Vec<usize>, phase: Phase }
}

static PERMUTATIONS_SPEC: TypeSpec = TypeSpec {
    name: "itertools.permutations",
    layout: Some(&PERMUTATIONS_LAYOUT),
    slots: Slots {
        new: Some(permutations_new),
        next: Some(permutations_next),
        ..ITERATOR_SLOTS
    },
    methods: &SIZEOF,
    doc: "permutations(iterable, r=None)\n--\n\nReturn successive r-length permutations of elements in the iterable.\n\n\
          permutations(range(3), 2) --> (0,1), (0,2), (1,0), (1,2), (2,0), (2,1)",
    ..ITERATOR
};
static PERMUTATIONS_LAYOUT: Layout = Layout::of::<Permutations>();
static PERMUTATIONS_NEW: MethodDef = signature("permutations(iterable, r=None)");

fn permutations_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &PERMUTATIONS_NEW, args)?;
    let pool = vm.to_vec(args.req(0))?;
    let length = match args.get_not_none(1) {
        Some(r) if !r.is_int() => return Err(vm.type_error("Expected int as r")),
        Some(r) => length(vm, r)?,
        None => pool.len(),
    };
    let n = pool.len();
    let fits = length <= n;
    let mut row = indices(vm, n)?;
    let mut cycles = Vec::new();
    if fits {
        row.extend(0..n);
        cycles = (0..length).map(|at| n - at).collect();
    }
    let permutations = Permutations {
        pool,
        length,
        state: Locked::new(PermutationsState {
            indices: row,
            cycles,
            phase: if fits { Phase::New } else { Phase::Done },
        }),
    };
    Ok(new_instance(cls, permutations))
}

/// Moves on to the next permutation; false behind the last one.
fn permute(state: &mut PermutationsState) -> bool {
    let n = state.indices.len();
    for at in (0..state.cycles.len()).rev() {
        state.cycles[at] -= 1;
        if state.cycles[at] == 0 {
            state.indices[at..].rotate_left(1);
            state.cycles[at] = n - at;
        } else {
            let other = n - state.cycles[at];
            state.indices.swap(at, other);
            return true;
        }
    }
    false
}

fn permutations_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<Permutations>();
    let mut state = own.lock(vm);
    match state.phase {
        Phase::Done => return Ok(None),
        Phase::New => state.phase = Phase::Running,
        Phase::Running => {
            if own.pool.is_empty() || !permute(&mut state) {
                state.phase = Phase::Done;
                return Ok(None);
            }
        }
    }
    Ok(Some(pick(&own.pool, &state.indices[..own.length])))
}

// ---- product ----

native_type! {
    /// Payload of `product`.
    PRODUCT "itertools.product" Product { pools: Vec<Vec<Value>> }
    ProductState { indices: Vec<usize>, phase: Phase }
}

static PRODUCT_SPEC: TypeSpec = TypeSpec {
    name: "itertools.product",
    layout: Some(&PRODUCT_LAYOUT),
    slots: Slots {
        new: Some(product_new),
        next: Some(product_next),
        ..ITERATOR_SLOTS
    },
    methods: &SIZEOF,
    doc: "product(*iterables, repeat=1)\n--\n\nCartesian product of input iterables.  Equivalent to nested for-loops.\n\n\
          For example, product(A, B) returns the same as:  ((x,y) for x in A for y in B).\n\
          The leftmost iterators are in the outermost for-loop, so the output tuples\n\
          cycle in a manner similar to an odometer (with the rightmost element changing\n\
          on every iteration).\n\n\
          To compute the product of an iterable with itself, specify the number\n\
          of repetitions with the optional repeat keyword argument. For example,\n\
          product(A, repeat=4) means the same as product(A, A, A, A).\n\n\
          product('ab', range(3)) --> ('a',0) ('a',1) ('a',2) ('b',0) ('b',1) ('b',2)\n\
          product((0,1), (0,1), (0,1)) --> (0,0,0) (0,0,1) (0,1,0) (0,1,1) (1,0,0) ...",
    ..ITERATOR
};
static PRODUCT_LAYOUT: Layout = Layout::of::<Product>();

fn product_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let mut repeat = 1;
    for (keyword, value) in args.keywords() {
        if !str_eq(keyword, name!("repeat")) {
            let keyword = vm.str_string(keyword)?;
            return Err(vm.type_error(format!(
                "product() got an unexpected keyword argument '{keyword}'"
            )));
        }
        repeat = vm.index_i64(value)?;
    }
    let Ok(repeat) = usize::try_from(repeat) else {
        return Err(vm.value_error("repeat argument cannot be negative"));
    };
    let mut pools: Vec<Vec<Value>> = Vec::new();
    if repeat > 0 {
        for iterable in args.pos() {
            pools.push(vm.to_vec(iterable)?);
        }
    }
    let count = pools.len();
    let width = match count.checked_mul(repeat) {
        Some(width) if width < 1 << 40 => width,
        _ => return Err(vm.memory_error()),
    };
    if pools.try_reserve_exact(width - count).is_err() {
        return Err(vm.memory_error());
    }
    let mut row = indices(vm, width)?;
    row.resize(width, 0);
    for at in count..width {
        let again = pools[at - count].clone();
        pools.push(again);
    }
    let fits = pools.iter().all(|pool| !pool.is_empty());
    let product = Product {
        pools,
        state: Locked::new(ProductState {
            indices: row,
            phase: if fits { Phase::New } else { Phase::Done },
        }),
    };
    Ok(new_instance(cls, product))
}

fn product_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<Product>();
    let mut state = own.lock(vm);
    match state.phase {
        Phase::Done => return Ok(None),
        Phase::New => state.phase = Phase::Running,
        Phase::Running => {
            let mut moved = false;
            for (index, pool) in state.indices.iter_mut().zip(&own.pools).rev() {
                *index += 1;
                if *index < pool.len() {
                    moved = true;
                    break;
                }
                *index = 0;
            }
            if !moved {
                state.phase = Phase::Done;
                return Ok(None);
            }
        }
    }
    let row = state.indices.iter().zip(&own.pools);
    Ok(Some(new_tuple(row.map(|(at, pool)| pool[*at].clone()))))
}
