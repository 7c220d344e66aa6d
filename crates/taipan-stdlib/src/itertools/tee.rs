//! `tee`: iterators that share what they read. The elements lie in a chain of blocks that each iterator walks along; what all have
//! passed is freed with its block.

use super::{ITERATOR, ITERATOR_SLOTS, Types};
use crate::support::native_type;
use taipan_core::alloc::{new_instance, new_object};
use taipan_core::lock::Locked;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm, f0,
};
use taipan_types::check;

pub(super) fn types() -> Types {
    vec![(&TEE, &TEE_SPEC), (&TEE_DATA, &TEE_DATA_SPEC)]
}

/// Elements in a block.
const BLOCK: usize = 57;

native_type! {
    /// Payload of the iterators that `tee` makes.
    TEE "itertools._tee" Tee {}
    TeeState { block: Value, at: usize }
}

native_type! {
    /// Payload of the blocks of elements.
    TEE_DATA "itertools._tee_dataobject" TeeData { source: Value }
    TeeDataState { items: Vec<Value>, next: Option<Value>, running: bool }
}

static TEE_SPEC: TypeSpec = TypeSpec {
    name: "itertools._tee",
    flags: TypeFlags::WEAKREF,
    layout: Some(&TEE_LAYOUT),
    slots: Slots {
        new: Some(tee_new),
        next: Some(tee_next),
        ..ITERATOR_SLOTS
    },
    methods: &TEE_METHODS,
    doc: "_tee(iterable, /)\n--\n\nIterator wrapped to make it copyable.",
    ..ITERATOR
};
static TEE_LAYOUT: Layout = Layout::of::<Tee>();
static TEE_METHODS: [MethodDef; 1] = [f0(
    "__copy__(self, /)",
    copy,
    "Returns an independent iterator.",
)];

static TEE_DATA_SPEC: TypeSpec = TypeSpec {
    name: "itertools._tee_dataobject",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&TEE_DATA_LAYOUT),
    doc: "teedataobject(iterable, values, next, /)\n--\n\nData container common to multiple tee objects.",
    ..TypeSpec::DEFAULT
};
static TEE_DATA_LAYOUT: Layout = Layout::of::<TeeData>();

fn new_block(source: Value) -> Value {
    new_object(TeeData {
        source,
        state: Locked::new(TeeDataState {
            items: Vec::new(),
            next: None,
            running: false,
        }),
    })
}

/// An iterator over an iterable whose elements can be shared; another one over the same elements if it is one already.
fn from_iterable(vm: &mut Vm, cls: &TypeObject, iterable: &Value) -> Py {
    let iterator = vm.iter(iterable)?;
    let (block, at) = match iterator.cast::<Tee>() {
        Some(tee) => {
            let state = tee.lock(vm);
            (state.block.clone(), state.at)
        }
        None => (new_block(iterator), 0),
    };
    Ok(new_instance(
        cls,
        Tee {
            state: Locked::new(TeeState { block, at }),
        },
    ))
}

fn tee_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "_tee", args)?;
    check::count(vm, "_tee", args.pos().len(), 1, 1)?;
    from_iterable(vm, cls, &args.pos()[0])
}

fn copy(vm: &mut Vm, this: &Value) -> Py {
    from_iterable(vm, &TEE, this)
}

/// Element `at` of a block, read from the source if no iterator has come so far yet.
fn item_at(vm: &mut Vm, data: &Obj<TeeData>, at: usize) -> Py<Option<Value>> {
    {
        let mut state = data.lock(vm);
        if let Some(item) = state.items.get(at) {
            return Ok(Some(item.clone()));
        }
        if state.running {
            drop(state);
            return Err(vm.runtime_error("cannot re-enter the tee iterator"));
        }
        state.running = true;
    }
    let next = vm.next(&data.source);
    let mut state = data.lock(vm);
    state.running = false;
    if let Ok(Some(item)) = &next {
        state.items.push(item.clone());
    }
    drop(state);
    next
}

fn tee_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = this.expect::<Tee>();
    let (mut block, mut at) = {
        let state = own.lock(vm);
        (state.block.clone(), state.at)
    };
    if at >= BLOCK {
        let data = block.expect::<TeeData>();
        let fresh = new_block(data.source.clone());
        let next = data.lock(vm).next.get_or_insert(fresh).clone();
        block = next;
        at = 0;
    }
    let Some(item) = item_at(vm, block.expect::<TeeData>(), at)? else {
        return Ok(None);
    };
    let old = {
        let mut state = own.lock(vm);
        state.at = at + 1;
        std::mem::replace(&mut state.block, block)
    };
    drop(old);
    Ok(Some(item))
}

/// `tee(iterable, n=2)`
pub(super) fn tee(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let count = match args.get(1) {
        Some(n) => vm.index_i64(n)?,
        None => 2,
    };
    let Ok(count) = usize::try_from(count) else {
        return Err(vm.value_error("n must be >= 0"));
    };
    let mut row = Vec::new();
    if count > 1 << 40 || row.try_reserve_exact(count).is_err() {
        return Err(vm.memory_error());
    }
    if let (Some(iterable), true) = (args.first(), count > 0) {
        row.push(from_iterable(vm, &TEE, iterable)?);
        for _ in 1..count {
            let another = copy(vm, &row[0])?;
            row.push(another);
        }
    }
    Ok(new_tuple(row))
}
