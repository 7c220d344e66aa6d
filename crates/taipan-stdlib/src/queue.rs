//! `_queue`: a first-in, first-out queue without bounds that threads may share, and that may be used from a signal handler or a
//! finaliser which interrupts another use of it.

use crate::ModuleDef;
use crate::locks::Bell;
use crate::support::{Holds, add_type, native_type};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use taipan_core::alloc::new_instance;
use taipan_core::lock::Locked;
use taipan_core::{
    Args, Bound, Layout, MethodDef, Py, Raised, Slots, Type, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, bound, builtin_types, f0,
};
use taipan_types::check;

/// The module `_queue`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_queue",
    doc: "C implementation of the Python queue module.\nThis module is an implementation detail, please do not use it directly.",
    functions: &[],
    init,
};

static EMPTY: TypeObject = Type::declare("_queue.Empty");

static EMPTY_SPEC: TypeSpec = TypeSpec {
    name: "_queue.Empty",
    base: Some(&builtin_types::EXCEPTION),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    doc: "Exception raised by Queue.get(block=0)/get_nowait().",
    ..TypeSpec::DEFAULT
};

impl Holds for Bell {}

native_type! {
    /// Payload of queues.
    QUEUE "_queue.SimpleQueue"
    SimpleQueue { arrivals: Bell }
    QueueState { items: VecDeque<Value> }
}

static LAYOUT: Layout = Layout::of::<SimpleQueue>();

static METHODS: [MethodDef; 7] = [
    f0(
        "empty($self, /)",
        |vm, this| Ok(Value::bool(count(vm, this) == 0)),
        "Is the queue empty now? Another thread may change that at once.",
    ),
    bound(
        "get($self, /, block=True, timeout=None)",
        get,
        "Remove and return the first item, waiting for one at most timeout seconds.\n\n\
         If there is none in time, or at once if block is false, raise Empty.",
    ),
    f0(
        "get_nowait($self, /)",
        |vm, this| match pop(vm, this) {
            Some(item) => Ok(item),
            None => Err(empty(vm)),
        },
        "Remove and return the first item; raise Empty if there is none.",
    ),
    bound(
        "put($self, /, item, block=True, timeout=None)",
        put,
        "Add an item. block and timeout are ignored: there is always room.",
    ),
    bound("put_nowait($self, /, item)", put, "Add an item."),
    f0(
        "qsize($self, /)",
        |vm, this| Ok(Value::int(count(vm, this) as i64)),
        "How many items are in the queue now? Another thread may change that at once.",
    ),
    check::class_getitem_row(),
];

static SPEC: TypeSpec = TypeSpec {
    name: "_queue.SimpleQueue",
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    methods: &METHODS,
    doc: "SimpleQueue()\n--\n\nA first-in, first-out queue without bounds.",
    ..TypeSpec::DEFAULT
};

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    EMPTY.define(&EMPTY_SPEC);
    QUEUE.define(&SPEC);
    add_type(dict, &EMPTY);
    add_type(dict, &QUEUE);
    Ok(())
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if std::ptr::eq(cls, &QUEUE) {
        if args.has_keywords() {
            return Err(vm.type_error("SimpleQueue() takes no keyword arguments"));
        }
        if !args.is_empty() {
            return Err(vm.type_error("SimpleQueue() takes no positional arguments"));
        }
    }
    Ok(new_instance(
        cls,
        SimpleQueue {
            arrivals: Bell::default(),
            state: Locked::new(QueueState {
                items: VecDeque::new(),
            }),
        },
    ))
}

#[cold]
fn empty(vm: &mut Vm) -> Raised {
    vm.raise_with(&EMPTY, &[])
}

fn count(vm: &mut Vm, this: &Value) -> usize {
    this.expect::<SimpleQueue>().lock(vm).items.len()
}

fn pop(vm: &mut Vm, this: &Value) -> Option<Value> {
    this.expect::<SimpleQueue>().lock(vm).items.pop_front()
}

fn put(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let item = args.req(0).clone();
    let queue = this.expect::<SimpleQueue>();
    let fits = {
        let mut state = queue.lock(vm);
        let fits = state.items.try_reserve(1).is_ok();
        if fits {
            state.items.push_back(item);
        }
        fits
    };
    if !fits {
        return Err(vm.memory_error());
    }
    queue.arrivals.ring();
    Ok(Value::none())
}

fn get(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let block = args.get(0).map_or(Ok(true), |flag| vm.truth(flag))?;
    let mut deadline = None;
    if block && let Some(timeout) = args.get_not_none(1) {
        let nanos = crate::time::nanoseconds(vm, timeout, |x| x.signum() * x.abs().ceil())?;
        let Ok(nanos) = u64::try_from(nanos) else {
            return Err(vm.value_error("'timeout' must be a non-negative number"));
        };
        deadline = Instant::now().checked_add(Duration::from_nanos(nanos));
    }
    loop {
        let seen = this.expect::<SimpleQueue>().arrivals.count();
        if let Some(item) = pop(vm, this) {
            return Ok(item);
        }
        let left = match deadline {
            _ if !block => Duration::ZERO,
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        if left.is_zero() {
            return Err(empty(vm));
        }
        let bell = &this.expect::<SimpleQueue>().arrivals;
        let left = deadline.map(|_| left);
        crate::thread::wait(vm, left, |step| bell.wait_after(seen, step))?;
    }
}
