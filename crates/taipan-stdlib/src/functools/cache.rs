//! The cache of `functools.lru_cache`.
//!
//! Results lie in rows of one table, linked from the least to the most recently used; a dict leads from a call's key to its row. The
//! dict's values are tickets: row number and how often the row was used anew, so that a ticket read before Python code ran is
//! known to be stale.

use crate::support::{Holds, native_type, signature};
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::builtin_types::{INT, OBJECT};
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::lock::Locked;
use taipan_core::method::{get_dict, new_method, set_dict};
use taipan_core::str_object::is_exact_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Py, Slots, Tracer, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, f0, f1, getset, name,
};

/// No row.
const NONE: usize = usize::MAX;
/// Bits of a ticket that number the row.
const ROW_BITS: u32 = 36;

/// One remembered call.
struct Row {
    key: Value,
    hash: i64,
    result: Value,
    older: usize,
    newer: usize,
    uses: i64,
}

/// The rows and the ends of the chain through them.
pub struct Rows {
    rows: Vec<Row>,
    oldest: usize,
    newest: usize,
}

impl Holds for Rows {
    fn report(&self, tracer: &mut Tracer<'_>) {
        for row in &self.rows {
            tracer.visit(&row.key);
            tracer.visit(&row.result);
        }
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        for row in std::mem::replace(self, Rows::new()).rows {
            out.push(row.key);
            out.push(row.result);
        }
    }
}

impl Rows {
    const fn new() -> Rows {
        Rows {
            rows: Vec::new(),
            oldest: NONE,
            newest: NONE,
        }
    }

    fn ticket(&self, at: usize) -> i64 {
        self.rows[at].uses << ROW_BITS | at as i64
    }

    /// The row of a ticket that is still good.
    fn row_of(&self, ticket: i64) -> Option<usize> {
        let at = (ticket & ((1 << ROW_BITS) - 1)) as usize;
        let row = self.rows.get(at)?;
        (row.uses == ticket >> ROW_BITS).then_some(at)
    }

    fn unlink(&mut self, at: usize) {
        let (older, newer) = (self.rows[at].older, self.rows[at].newer);
        match self.rows.get_mut(older) {
            Some(row) => row.newer = newer,
            None => self.oldest = newer,
        }
        match self.rows.get_mut(newer) {
            Some(row) => row.older = older,
            None => self.newest = older,
        }
    }

    fn link_newest(&mut self, at: usize) {
        let last = self.newest;
        self.rows[at].older = last;
        self.rows[at].newer = NONE;
        match self.rows.get_mut(last) {
            Some(row) => row.newer = at,
            None => self.oldest = at,
        }
        self.newest = at;
    }
}

native_type! {
    /// Payload of cached functions.
    CACHE "functools._lru_cache_wrapper" Cache {
        function: Value,
        // None: without limit.
        limit: Option<usize>,
        typed: bool,
        info: Value,
        // Stands between positional and keyword arguments in keys.
        mark: Value,
        // From keys to tickets, or without a limit to results.
        dict: Value,
    }
    CacheState { hits: i64, misses: i64, rows: Rows }
}

static SPEC: TypeSpec = TypeSpec {
    name: "functools._lru_cache_wrapper",
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF)
        .union(TypeFlags::METHOD_DESCRIPTOR),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        call: Some(call),
        descr_get: Some(descr_get),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Create a cached callable that wraps another function.\n\n\
          user_function:      the function being cached\n\n\
          maxsize:  0         for no caching\n          None      for unlimited cache size\n\
          \x20         n         for a bounded cache\n\n\
          typed:    False     cache f(3) and f(3.0) as identical calls\n\
          \x20         True      cache f(3) and f(3.0) as distinct calls\n\n\
          cache_info_type:    namedtuple class with the fields:\n\
          \x20                       hits misses currsize maxsize\n",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Cache>();
static METHODS: [MethodDef; 5] = [
    f0("cache_info(self, /)", cache_info, "Report cache statistics"),
    f0(
        "cache_clear(self, /)",
        cache_clear,
        "Clear the cache and cache statistics",
    ),
    f0("__reduce__(self, /)", reduce, ""),
    f0("__copy__(self, /)", itself, ""),
    f1("__deepcopy__(self, memo, /)", deepcopy, ""),
];
static GETSET: [GetSetDef; 1] = [getset("__dict__", get_dict, set_dict, "")];
static NEW: MethodDef =
    signature("_lru_cache_wrapper(user_function, maxsize, typed, cache_info_type)");

pub(super) fn define() {
    CACHE.define(&SPEC);
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW, args)?;
    let (function, maxsize) = (args.req(0), args.req(1));
    if !vm.is_callable(function) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let limit = if maxsize.is_none() {
        None
    } else if maxsize.type_of().slots().index.is_some() {
        Some(vm.index_i64(maxsize)?.max(0) as usize)
    } else {
        return Err(vm.type_error("maxsize should be integer or None"));
    };
    let typed = vm.truth(args.req(2))?;
    let mark = vm.call(&OBJECT.to_value(), &[])?;
    let cache = Cache {
        function: function.clone(),
        limit,
        typed,
        info: args.req(3).clone(),
        mark,
        dict: new_dict(),
        state: Locked::new(CacheState {
            hits: 0,
            misses: 0,
            rows: Rows::new(),
        }),
    };
    Ok(new_instance(cls, cache))
}

/// The key of a call: its single argument if that is an exact `int` or `str`, else a tuple.
fn make_key(own: &Cache, args: Args<'_>) -> Value {
    if !own.typed
        && let ([only], []) = (args.all(), args.names())
        && (is_exact_str(only) || only.is_exact(&INT))
    {
        return only.clone();
    }
    if !own.typed && !args.has_keywords() {
        return new_tuple(args.all().iter().cloned());
    }
    let mut row: Vec<Value> = args.pos().to_vec();
    if args.has_keywords() {
        row.push(own.mark.clone());
        for (name, value) in args.keywords() {
            row.push(name.clone());
            row.push(value.clone());
        }
    }
    if own.typed {
        row.extend(args.all().iter().map(|value| value.type_of().to_value()));
    }
    new_tuple(row)
}

fn call(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let own = this.expect::<Cache>();
    match own.limit {
        Some(0) => {
            own.lock(vm).misses += 1;
            vm.call_args(&own.function, args)
        }
        None => call_unlimited(vm, own, args),
        Some(limit) => call_limited(vm, own, args, limit),
    }
}

fn call_unlimited(vm: &mut Vm, own: &Obj<Cache>, args: Args<'_>) -> Py {
    let key = make_key(own, args);
    let hash = vm.hash(&key)?;
    let dict = own.dict.expect::<Dict>();
    if let Some(result) = dict.get_with_hash(vm, &key, hash)? {
        own.lock(vm).hits += 1;
        return Ok(result);
    }
    own.lock(vm).misses += 1;
    let result = vm.call_args(&own.function, args)?;
    dict.insert_with_hash(vm, &key, hash, result.clone())?;
    Ok(result)
}

/// The remembered result behind a ticket, which becomes the most recently used one.
fn touch(vm: &mut Vm, own: &Obj<Cache>, ticket: Option<Value>, hit: bool) -> Option<Value> {
    let ticket = ticket?.small_int()?;
    let mut state = own.lock(vm);
    let at = state.rows.row_of(ticket)?;
    if hit {
        state.hits += 1;
        if state.rows.newest != at {
            state.rows.unlink(at);
            state.rows.link_newest(at);
        }
    }
    Some(state.rows.rows[at].result.clone())
}

fn call_limited(vm: &mut Vm, own: &Obj<Cache>, args: Args<'_>, limit: usize) -> Py {
    let key = make_key(own, args);
    let hash = vm.hash(&key)?;
    let dict = own.dict.expect::<Dict>();
    let ticket = dict.get_with_hash(vm, &key, hash)?;
    if let Some(result) = touch(vm, own, ticket, true) {
        return Ok(result);
    }
    own.lock(vm).misses += 1;
    let result = vm.call_args(&own.function, args)?;
    // The call itself, or another thread, may have put the key in meanwhile.
    let ticket = dict.get_with_hash(vm, &key, hash)?;
    if touch(vm, own, ticket, false).is_some() {
        return Ok(result);
    }
    remember(vm, own, key, hash, result.clone(), limit)?;
    Ok(result)
}

fn remember(
    vm: &mut Vm,
    own: &Obj<Cache>,
    key: Value,
    hash: i64,
    result: Value,
    limit: usize,
) -> Py<()> {
    let dict = own.dict.expect::<Dict>();
    let (ticket, evicted) = {
        let mut state = own.lock(vm);
        let rows = &mut state.rows;
        if rows.rows.len() < limit {
            if rows.rows.try_reserve(1).is_err() {
                drop(state);
                return Err(vm.memory_error());
            }
            let at = rows.rows.len();
            rows.rows.push(Row {
                key: key.clone(),
                hash,
                result,
                older: NONE,
                newer: NONE,
                uses: taipan_core::vm::next_id() as i64 & ((1 << 24) - 1),
            });
            rows.link_newest(at);
            (rows.ticket(at), None)
        } else {
            let at = rows.oldest;
            rows.unlink(at);
            let row = &mut rows.rows[at];
            let old_key = std::mem::replace(&mut row.key, key.clone());
            let old_hash = std::mem::replace(&mut row.hash, hash);
            let old_result = std::mem::replace(&mut row.result, result);
            row.uses = (row.uses + 1) & ((1 << 24) - 1);
            rows.link_newest(at);
            (rows.ticket(at), Some((old_key, old_hash, old_result)))
        }
    };
    if let Some((old_key, old_hash, old_result)) = evicted {
        dict.remove_with_hash(vm, &old_key, old_hash)?;
        drop(old_result);
    }
    dict.insert_with_hash(vm, &key, hash, Value::int(ticket))?;
    Ok(())
}

fn cache_info(vm: &mut Vm, this: &Value) -> Py {
    let own = this.expect::<Cache>();
    let (hits, misses) = {
        let state = own.lock(vm);
        (state.hits, state.misses)
    };
    let limit = own
        .limit
        .map_or_else(Value::none, |limit| Value::int(limit as i64));
    let size = Value::int(own.dict.expect::<Dict>().len() as i64);
    vm.call(
        &own.info,
        &[Value::int(hits), Value::int(misses), limit, size],
    )
}

fn cache_clear(vm: &mut Vm, this: &Value) -> Py {
    let own = this.expect::<Cache>();
    let old = {
        let mut state = own.lock(vm);
        state.hits = 0;
        state.misses = 0;
        std::mem::replace(&mut state.rows, Rows::new())
    };
    own.dict.expect::<Dict>().clear(vm);
    drop(old);
    Ok(Value::none())
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    vm.get_attr(this, name!("__qualname__"))
}

fn itself(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

fn deepcopy(_vm: &mut Vm, this: &Value, _memo: &Value) -> Py {
    Ok(this.clone())
}

fn descr_get(_vm: &mut Vm, this: &Value, object: Option<&Value>, _ty: &TypeObject) -> Py {
    Ok(match object {
        Some(object) if !object.is_none() => new_method(this.clone(), object.clone()),
        _ => this.clone(),
    })
}
