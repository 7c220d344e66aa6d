//! `deque`

use super::deque_iterators::{new_iterator, new_reverse_iterator};
use crate::support::{native_type, signature};
use std::collections::VecDeque;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::builtin_types::{INDEX_ERROR, RUNTIME_ERROR};
use taipan_core::dict_object::simple_equal;
use taipan_core::lock::Locked;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, CompareOp, GetSetDef, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, f0, f1, f2, getter, name, slice,
};
use taipan_types::text::Builder;
use taipan_types::{check, tuple};

native_type! {
    /// Payload of `deque`.
    DEQUE "collections.deque" Deque {}
    DequeState {
        items: VecDeque<Value>,
        limit: Option<usize>,
        // Changes with every insertion and deletion.
        version: u64,
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "collections.deque",
    flags: TypeFlags::BASE
        .union(TypeFlags::WEAKREF)
        .union(TypeFlags::SEQUENCE),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        compare: Some(compare),
        iter: Some(iter),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        set_item: Some(set_item),
        concat: Some(concat),
        repeat: Some(repeat),
        inplace_concat: Some(inplace_concat),
        inplace_repeat: Some(inplace_repeat),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "deque([iterable[, maxlen]])\n--\n\nA list-like sequence optimized for data accesses near its endpoints.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Deque>();

static METHODS: [MethodDef; 19] = [
    f1(
        "append(self, item, /)",
        append,
        "Add an element to the right side of the deque.",
    ),
    f1(
        "appendleft(self, item, /)",
        append_left,
        "Add an element to the left side of the deque.",
    ),
    f0(
        "clear(self, /)",
        clear,
        "Remove all elements from the deque.",
    ),
    f0(
        "__copy__(self, /)",
        copy,
        "Return a shallow copy of a deque.",
    ),
    f0("copy(self, /)", copy, "Return a shallow copy of a deque."),
    f1(
        "count(self, value, /)",
        count,
        "Return number of occurrences of value.",
    ),
    f1(
        "extend(self, iterable, /)",
        extend,
        "Extend the right side of the deque with elements from the iterable.",
    ),
    f1(
        "extendleft(self, iterable, /)",
        extend_left,
        "Extend the left side of the deque with elements from the iterable.",
    ),
    slice(
        "index(self, value, start=0, stop=9223372036854775807, /)",
        index,
        "Return first index of value.\n\nRaises ValueError if the value is not present.",
    ),
    f2(
        "insert(self, index, value, /)",
        insert,
        "Insert value before index.",
    ),
    f0(
        "pop(self, /)",
        pop,
        "Remove and return the rightmost element.",
    ),
    f0(
        "popleft(self, /)",
        pop_left,
        "Remove and return the leftmost element.",
    ),
    f0(
        "__reduce__(self, /)",
        reduce,
        "Return state information for pickling.",
    ),
    f1(
        "remove(self, value, /)",
        remove,
        "Remove first occurrence of value.",
    ),
    f0(
        "__reversed__(self, /)",
        reversed,
        "Return a reverse iterator over the deque.",
    ),
    f0("reverse(self, /)", reverse, "Reverse *IN PLACE*."),
    slice(
        "rotate(self, n=1, /)",
        rotate,
        "Rotate the deque n steps to the right.  If n is negative, rotates left.",
    ),
    f0(
        "__sizeof__(self, /)",
        sizeof,
        "Return the size of the deque in memory, in bytes.",
    ),
    check::class_getitem_row(),
];

static GETSET: [GetSetDef; 1] = [getter(
    "maxlen",
    maxlen,
    "maximum size of a deque or None if unbounded",
)];

pub(super) fn define() {
    DEQUE.define(&SPEC);
}

fn own(this: &Value) -> &Obj<Deque> {
    this.expect::<Deque>()
}

impl DequeState {
    fn new(limit: Option<usize>) -> DequeState {
        DequeState {
            items: VecDeque::new(),
            limit,
            version: 0,
        }
    }

    /// Adds an item on the right; gives what fell out on the left, or the item if there is no memory.
    fn push_back(&mut self, item: Value) -> Result<Option<Value>, Value> {
        self.version += 1;
        if self.limit == Some(0) {
            return Ok(Some(item));
        }
        if self.items.try_reserve(1).is_err() {
            return Err(item);
        }
        self.items.push_back(item);
        Ok(match self.limit {
            Some(limit) if self.items.len() > limit => self.items.pop_front(),
            _ => None,
        })
    }

    /// As `push_back`, at the other end.
    fn push_front(&mut self, item: Value) -> Result<Option<Value>, Value> {
        self.version += 1;
        if self.limit == Some(0) {
            return Ok(Some(item));
        }
        if self.items.try_reserve(1).is_err() {
            return Err(item);
        }
        self.items.push_front(item);
        Ok(match self.limit {
            Some(limit) if self.items.len() > limit => self.items.pop_back(),
            _ => None,
        })
    }
}

impl Deque {
    /// A deque without elements.
    fn empty(limit: Option<usize>) -> Deque {
        Deque {
            state: Locked::new(DequeState::new(limit)),
        }
    }
}

/// The version and length, for iterators.
pub(super) fn state_of(vm: &mut Vm, deque: &Value) -> (u64, usize) {
    let state = own(deque).lock(vm);
    (state.version, state.items.len())
}

/// The item at a place, if the deque is still of that version.
pub(super) fn item_of(vm: &mut Vm, deque: &Value, version: u64, at: usize) -> Option<Value> {
    let state = own(deque).lock(vm);
    if state.version != version {
        return None;
    }
    state.items.get(at).cloned()
}

fn items(vm: &mut Vm, deque: &Obj<Deque>) -> Vec<Value> {
    deque.lock(vm).items.iter().cloned().collect()
}

/// The element at a place, as the deque is now.
fn item_at(vm: &mut Vm, deque: &Obj<Deque>, at: usize) -> Option<Value> {
    deque.lock(vm).items.get(at).cloned()
}

/// `deque.append(item)`
pub fn push_right(vm: &mut Vm, deque: &Obj<Deque>, item: Value) -> Py<()> {
    let pushed = deque.lock(vm).push_back(item);
    match pushed {
        Ok(old) => {
            drop(old);
            Ok(())
        }
        Err(_) => Err(vm.memory_error()),
    }
}

fn push_left(vm: &mut Vm, deque: &Obj<Deque>, item: Value) -> Py<()> {
    let pushed = deque.lock(vm).push_front(item);
    match pushed {
        Ok(old) => {
            drop(old);
            Ok(())
        }
        Err(_) => Err(vm.memory_error()),
    }
}

// ---- construction ----

static INIT: MethodDef = signature("deque(iterable=(), maxlen=None)");

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(cls, Deque::empty(None)))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = bind(vm, &INIT, args)?;
    let limit = match args.get_not_none(1) {
        Some(limit) if !limit.is_int() => return Err(vm.type_error("an integer is required")),
        Some(limit) => match usize::try_from(vm.index_i64(limit)?) {
            Ok(limit) => Some(limit),
            Err(_) => return Err(vm.value_error("maxlen must be non-negative")),
        },
        None => None,
    };
    let deque = own(this);
    let old = {
        let mut state = deque.lock(vm);
        state.limit = limit;
        state.version += 1;
        std::mem::take(&mut state.items)
    };
    drop(old);
    match args.get(0) {
        Some(iterable) => extend_right(vm, this, iterable),
        None => Ok(()),
    }
}

fn extend_right(vm: &mut Vm, this: &Value, iterable: &Value) -> Py<()> {
    let deque = own(this);
    if iterable.is(this) {
        for item in items(vm, deque) {
            push_right(vm, deque, item)?;
        }
        return Ok(());
    }
    let iterator = vm.iter(iterable)?;
    while let Some(item) = vm.next(&iterator)? {
        push_right(vm, deque, item)?;
    }
    Ok(())
}

/// A new deque of the same class, made by calling the class unless it is `deque` itself.
fn copy(vm: &mut Vm, this: &Value) -> Py {
    let deque = own(this);
    let limit = deque.lock(vm).limit;
    if this.is_exact(&DEQUE) {
        let copied = Deque::empty(limit);
        let all: VecDeque<Value> = items(vm, deque).into();
        let value = new_instance(&DEQUE, copied);
        own(&value).lock(vm).items = all;
        return Ok(value);
    }
    let cls = this.type_of().to_value();
    match limit {
        Some(limit) => vm.call(&cls, &[this.clone(), Value::int(limit as i64)]),
        None => vm.call(&cls, std::slice::from_ref(this)),
    }
}

// ---- basics ----

fn repr(vm: &mut Vm, this: &Value) -> Py {
    if !vm.repr_enter(this) {
        return Ok(new_str("[...]"));
    }
    let result = repr_inside(vm, this);
    vm.repr_leave();
    result
}

fn repr_inside(vm: &mut Vm, this: &Value) -> Py {
    let deque = own(this);
    let mut out = Builder::new();
    out.push_str(this.type_of().short_name());
    out.push_str("([");
    let mut at = 0;
    while let Some(item) = item_at(vm, deque, at) {
        if at > 0 {
            out.push_str(", ");
        }
        out.push_value(&vm.repr(&item)?);
        at += 1;
    }
    out.push_str("]");
    let limit = deque.lock(vm).limit;
    if let Some(limit) = limit {
        out.push_str(&format!(", maxlen={limit}"));
    }
    out.push_str(")");
    out.finish(vm)
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (a.cast::<Deque>(), b.cast::<Deque>()) else {
        return Ok(Value::not_implemented());
    };
    let (left, right) = (items(vm, left), items(vm, right));
    tuple::compare_rows(vm, &left, &right, op)
}

fn iter(vm: &mut Vm, this: &Value) -> Py {
    Ok(new_iterator(vm, this, 0))
}

fn reversed(vm: &mut Vm, this: &Value) -> Py {
    Ok(new_reverse_iterator(vm, this, 0))
}

fn len(vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(own(this).lock(vm).items.len())
}

fn maxlen(vm: &mut Vm, this: &Value) -> Py {
    let limit = own(this).lock(vm).limit;
    Ok(limit.map_or_else(Value::none, |limit| Value::int(limit as i64)))
}

fn sizeof(vm: &mut Vm, this: &Value) -> Py {
    let outside = own(this).lock(vm).items.capacity() * 8;
    let inside = taipan_core::alloc::usable_size(this);
    Ok(Value::int((inside + outside) as i64))
}

// ---- by place ----

/// The place that a subscript names.
fn place(vm: &mut Vm, this: &Value, key: &Value) -> Py<usize> {
    if !key.is_int() && key.type_of().slots().index.is_none() {
        let message = format!(
            "sequence index must be integer, not '{}'",
            key.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let at = vm.subscript_index(key)?;
    let len = own(this).lock(vm).items.len() as i64;
    let at = if at < 0 { at + len } else { at };
    if at < 0 || at >= len {
        return Err(vm.index_error("deque index out of range"));
    }
    Ok(at as usize)
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    let at = place(vm, this, key)?;
    match item_at(vm, own(this), at) {
        Some(item) => Ok(item),
        None => Err(vm.index_error("deque index out of range")),
    }
}

fn set_item(vm: &mut Vm, this: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    let at = place(vm, this, key)?;
    let old = {
        let mut state = own(this).lock(vm);
        match (value, state.items.get_mut(at)) {
            (_, None) => None,
            (Some(value), Some(item)) => Some(std::mem::replace(item, value.clone())),
            (None, Some(_)) => {
                state.version += 1;
                state.items.remove(at)
            }
        }
    };
    match old {
        Some(old) => {
            drop(old);
            Ok(())
        }
        None => Err(vm.index_error("deque index out of range")),
    }
}

fn insert(vm: &mut Vm, this: &Value, index: &Value, value: &Value) -> Py {
    let at = vm.index_i64(index)?;
    let deque = own(this);
    let done = {
        let mut state = deque.lock(vm);
        let len = state.items.len() as i64;
        if state.limit.is_some_and(|limit| len as usize >= limit) {
            Err(true)
        } else if state.items.try_reserve(1).is_err() {
            Err(false)
        } else {
            let at = if at < 0 {
                (at + len).max(0)
            } else {
                at.min(len)
            };
            state.version += 1;
            state.items.insert(at as usize, value.clone());
            Ok(())
        }
    };
    match done {
        Ok(()) => Ok(Value::none()),
        Err(true) => Err(vm.index_error("deque already at its maximum size")),
        Err(false) => Err(vm.memory_error()),
    }
}

// ---- by value ----

/// The first place in the range where `value` is; the outer `None`: Python code would have to tell.
fn search(
    items: &VecDeque<Value>,
    value: &Value,
    range: std::ops::Range<usize>,
) -> Option<Option<usize>> {
    let places = items.iter().enumerate();
    for (at, item) in places.take(range.end).skip(range.start) {
        if simple_equal(item, value)? {
            return Some(Some(at));
        }
    }
    Some(None)
}

/// The first place in the range where `value` is. `changed` raises if the deque changes meanwhile.
fn find(
    vm: &mut Vm,
    deque: &Obj<Deque>,
    value: &Value,
    range: std::ops::Range<usize>,
    changed: (&TypeObject, &str),
) -> Py<Option<usize>> {
    if let Some(found) = search(&deque.lock(vm).items, value, range.clone()) {
        return Ok(found);
    }
    let version = deque.lock(vm).version;
    for at in range {
        let Some(item) = item_at(vm, deque, at) else {
            return Ok(None);
        };
        let equal = vm.equal(&item, value)?;
        if deque.lock(vm).version != version {
            return Err(vm.raise(changed.0, changed.1));
        }
        if equal {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

const MUTATED: &str = "deque mutated during iteration";

fn contains(vm: &mut Vm, this: &Value, value: &Value) -> Py<bool> {
    let found = find(
        vm,
        own(this),
        value,
        0..usize::MAX,
        (&RUNTIME_ERROR, MUTATED),
    )?;
    Ok(found.is_some())
}

fn count(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let deque = own(this);
    let (mut total, mut from) = (0, 0);
    while let Some(at) = find(
        vm,
        deque,
        value,
        from..usize::MAX,
        (&RUNTIME_ERROR, MUTATED),
    )? {
        total += 1;
        from = at + 1;
    }
    Ok(Value::int(total))
}

fn index(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let Some(value) = args.first() else {
        return Err(check::wrong_count(vm, "index", 0, 1, 3));
    };
    let deque = own(this);
    let len = deque.lock(vm).items.len();
    let mut bounds = [0, len];
    for (bound, value) in bounds.iter_mut().zip(&args[1..]) {
        *bound = taipan_types::slice::clamp_to(vm.index_clamped(value)?, len);
    }
    let found = find(
        vm,
        deque,
        value,
        bounds[0]..bounds[1],
        (&RUNTIME_ERROR, MUTATED),
    )?;
    match found {
        Some(at) => Ok(Value::int(at as i64)),
        None => Err(vm.value_error("deque.index(x): x not in deque")),
    }
}

fn remove(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let deque = own(this);
    let at_once = {
        let mut state = deque.lock(vm);
        match search(&state.items, value, 0..usize::MAX) {
            Some(Some(at)) => {
                state.version += 1;
                state.items.remove(at)
            }
            _ => None,
        }
    };
    if at_once.is_some() {
        return Ok(Value::none());
    }
    let changed: (&TypeObject, &str) = (&INDEX_ERROR, "deque mutated during remove().");
    let Some(at) = find(vm, deque, value, 0..usize::MAX, changed)? else {
        return Err(vm.value_error("deque.remove(x): x not in deque"));
    };
    let old = {
        let mut state = deque.lock(vm);
        state.version += 1;
        state.items.remove(at)
    };
    drop(old);
    Ok(Value::none())
}

// ---- the ends ----

fn append(vm: &mut Vm, this: &Value, item: &Value) -> Py {
    push_right(vm, own(this), item.clone())?;
    Ok(Value::none())
}

fn append_left(vm: &mut Vm, this: &Value, item: &Value) -> Py {
    push_left(vm, own(this), item.clone())?;
    Ok(Value::none())
}

fn popped(vm: &mut Vm, item: Option<Value>) -> Py {
    match item {
        Some(item) => Ok(item),
        None => Err(vm.index_error("pop from an empty deque")),
    }
}

fn pop(vm: &mut Vm, this: &Value) -> Py {
    let item = {
        let mut state = own(this).lock(vm);
        state.version += 1;
        state.items.pop_back()
    };
    popped(vm, item)
}

fn pop_left(vm: &mut Vm, this: &Value) -> Py {
    let item = {
        let mut state = own(this).lock(vm);
        state.version += 1;
        state.items.pop_front()
    };
    popped(vm, item)
}

fn extend(vm: &mut Vm, this: &Value, iterable: &Value) -> Py {
    extend_right(vm, this, iterable)?;
    Ok(Value::none())
}

fn extend_left(vm: &mut Vm, this: &Value, iterable: &Value) -> Py {
    let deque = own(this);
    if iterable.is(this) {
        for item in items(vm, deque) {
            push_left(vm, deque, item)?;
        }
        return Ok(Value::none());
    }
    let iterator = vm.iter(iterable)?;
    while let Some(item) = vm.next(&iterator)? {
        push_left(vm, deque, item)?;
    }
    Ok(Value::none())
}

fn clear(vm: &mut Vm, this: &Value) -> Py {
    let old = {
        let mut state = own(this).lock(vm);
        state.version += 1;
        std::mem::take(&mut state.items)
    };
    drop(old);
    Ok(Value::none())
}

fn reverse(vm: &mut Vm, this: &Value) -> Py {
    let mut state = own(this).lock(vm);
    state.version += 1;
    state.items.make_contiguous().reverse();
    drop(state);
    Ok(Value::none())
}

fn rotate(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let steps = match args.first() {
        Some(n) => vm.index_i64(n)?,
        None => 1,
    };
    let mut state = own(this).lock(vm);
    let len = state.items.len() as i64;
    if len > 1 {
        state.version += 1;
        state.items.rotate_right(steps.rem_euclid(len) as usize);
    }
    drop(state);
    Ok(Value::none())
}

// ---- as a sequence ----

fn concat(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    if !other.is_instance(&DEQUE) {
        let message = format!(
            "can only concatenate deque (not \"{}\") to deque",
            other.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let joined = copy(vm, this)?;
    extend_right(vm, &joined, other)?;
    Ok(joined)
}

fn inplace_concat(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    extend_right(vm, this, other)?;
    Ok(this.clone())
}

fn repeat(vm: &mut Vm, this: &Value, times: &Value) -> Py {
    let copied = copy(vm, this)?;
    inplace_repeat(vm, &copied, times)
}

fn inplace_repeat(vm: &mut Vm, this: &Value, times: &Value) -> Py {
    let times = vm.index_i64(times)?.max(0) as usize;
    let deque = own(this);
    let row = items(vm, deque);
    let limit = deque.lock(vm).limit;
    let total = match row.len().checked_mul(times) {
        Some(total) if total < 1 << 40 => total,
        _ => return Err(vm.memory_error()),
    };
    let kept = limit.map_or(total, |limit| limit.min(total));
    let mut repeated: VecDeque<Value> = VecDeque::new();
    if repeated.try_reserve_exact(kept).is_err() {
        return Err(vm.memory_error());
    }
    repeated.extend((total - kept..total).map(|at| row[at % row.len()].clone()));
    let old = {
        let mut state = deque.lock(vm);
        state.version += 1;
        std::mem::replace(&mut state.items, repeated)
    };
    drop(old);
    Ok(this.clone())
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let limit = own(this).lock(vm).limit;
    let state = vm.call_method(this, name!("__getstate__"), &[])?;
    let iterator = vm.iter(this)?;
    let args = match limit {
        Some(limit) => new_tuple([new_tuple([]), Value::int(limit as i64)]),
        None => new_tuple([]),
    };
    Ok(new_tuple([
        this.type_of().to_value(),
        args,
        state,
        iterator,
    ]))
}
