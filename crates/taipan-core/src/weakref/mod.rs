//! Weak references. An object does not know its weak references: a process-wide side table does, keyed by the object's address;
//! `BIT_WEAKLY_REFERENCED` in the header tells that there are some, or were, or that a [`Members`] list has the object.
//!
//! I-WEAK-1: a reference's target is written under the lock of its target's shard only, and a target with references is destroyed
//! only after its list was taken from the table. So under that lock a target that is not null points to memory that is still an
//! object, though it may be a dying one: [`get`] revives nothing whose count has reached zero.

mod members;
mod proxy;

pub use members::Members;
pub use proxy::{WeakProxy, new_proxy, proxy_function};

use crate::args::Args;
use crate::builtin_types as types;
use crate::header::{BIT_COLLECTING, BIT_WEAKLY_REFERENCED, Header};
use crate::native::{GetSetDef, MethodDef, f1, getter};
use crate::payload::{Layout, Payload, Tracer};
use crate::raise::Raised;
use crate::refcount;
use crate::slots::{CompareOp, Slots};
use crate::str_object::{new_str, str_of};
use crate::type_object::{TypeFlags, TypeObject, TypeSpec};
use crate::value::Value;
use crate::vm::Vm;
use crate::world;
use crate::{Py, name};
use std::collections::HashMap;
use std::sync::atomic::{
    AtomicI64, AtomicUsize, Ordering::Acquire, Ordering::Relaxed, Ordering::Release,
};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

/// Payload of weak references and (in a wrapper) of proxies.
pub struct WeakRef {
    /// The header's address; 0 once the target is gone.
    target: AtomicUsize,
    /// The target's hash; -1 until asked for.
    hash: AtomicI64,
    callback: Mutex<Option<Value>>,
}

// SAFETY: the callback is the only counted reference.
unsafe impl Payload for WeakRef {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::WEAKREF_TYPE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_option(&self.lock_callback());
    }
    fn clear(&self, out: &mut Vec<Value>) {
        self.detach();
        out.extend(self.lock_callback().take());
    }
}

/// A weak reference in the table; not counted, for each takes itself out when it dies.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry(*const Header);
// SAFETY: only dereferenced under the shard's lock, where the reference is known to live.
unsafe impl Send for Entry {}

type Shard = HashMap<usize, Vec<Entry>, foldhash::fast::FixedState>;

const SHARDS: usize = 64;

static TABLE: LazyLock<[Mutex<Shard>; SHARDS]> =
    LazyLock::new(|| std::array::from_fn(|_| Mutex::default()));

fn shard(target: usize) -> MutexGuard<'static, Shard> {
    // Objects are at least 16 bytes apart; neighbours go to different shards.
    TABLE[(target >> 4) % SHARDS]
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// The call of a weak reference's callback, to be made when its target is gone.
pub(crate) struct Call {
    reference: Value,
    callback: Value,
}

impl WeakRef {
    fn new(target: &Header, callback: Option<Value>) -> WeakRef {
        WeakRef {
            target: AtomicUsize::new(target as *const Header as usize),
            hash: AtomicI64::new(-1),
            callback: Mutex::new(callback),
        }
    }

    fn lock_callback(&self) -> MutexGuard<'_, Option<Value>> {
        self.callback.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The header in front of this payload.
    fn header(&self) -> *const Header {
        (self as *const WeakRef).cast::<Header>().wrapping_sub(1)
    }

    /// Is the target gone (or going)?
    pub fn is_dead(&self) -> bool {
        get(self).is_none()
    }

    /// The callback, as long as it has not been called.
    pub fn callback(&self) -> Option<Value> {
        self.lock_callback().clone()
    }

    /// Forgets the target, without a call.
    fn detach(&self) {
        let address = self.target.load(Acquire);
        if address == 0 {
            return;
        }
        let mut shard = shard(address);
        if self.target.swap(0, Release) == 0 {
            return;
        }
        if let Some(entries) = shard.get_mut(&address) {
            entries.retain(|entry| *entry != Entry(self.header()));
            // The bit stays: another thread may have seen it, or a list of members rely on it.
            if entries.is_empty() {
                shard.remove(&address);
            }
        }
    }
}

impl Drop for WeakRef {
    fn drop(&mut self) {
        self.detach();
    }
}

/// The payload of a weak reference or proxy in the table.
///
/// # Safety
/// The reference lives: its shard is locked and it is in the table.
unsafe fn payload<'a>(entry: Entry) -> &'a WeakRef {
    // SAFETY: the caller's promise; proxies wrap a WeakRef transparently.
    unsafe { &*entry.0.wrapping_add(1).cast::<WeakRef>() }
}

/// Can be given out again instead of a new one: of the very type, without callback.
fn is_plain(entry: Entry, ty: &TypeObject) -> bool {
    // SAFETY: called under the shard's lock.
    unsafe {
        std::ptr::eq((*entry.0).type_object(), ty) && payload(entry).lock_callback().is_none()
    }
}

fn is_plain_proxy(entry: Entry) -> bool {
    is_plain(entry, &types::WEAK_PROXY_TYPE) || is_plain(entry, &types::WEAK_CALLABLE_PROXY_TYPE)
}

/// A counted reference to an object that may be dying; none if its count has reached zero.
///
/// # Safety
/// The memory is still an object (I-WEAK-1).
unsafe fn upgrade(target: *const Header) -> Option<Value> {
    // SAFETY: the caller's promise; the count is taken over by the value.
    unsafe {
        if refcount::try_incref(&*target) {
            Some(Value::steal(target))
        } else {
            None
        }
    }
}

/// The target of a weak reference, if it is alive.
#[inline]
pub fn get(reference: &WeakRef) -> Option<Value> {
    let address = reference.target.load(Acquire);
    if address == 0 {
        return None;
    }
    if !world::is_shared() {
        // SAFETY: no other thread can end the target meanwhile.
        return unsafe { upgrade(address as *const Header) };
    }
    let _held = shard(address);
    match reference.target.load(Acquire) {
        0 => None,
        // SAFETY: I-WEAK-1.
        address => unsafe { upgrade(address as *const Header) },
    }
}

/// The header of an object that can be weakly referenced; else an error.
fn target_header<'a>(vm: &mut Vm, object: &'a Value) -> Py<&'a Header> {
    match object.header() {
        Some(header) if object.type_of().has(TypeFlags::WEAKREF) => Ok(header),
        _ => {
            let message = format!(
                "cannot create weak reference to '{}' object",
                object.type_of().full_name()
            );
            Err(vm.type_error(message))
        }
    }
}

/// Finds an entry that can be given out again.
fn reuse(header: &Header, plain: fn(Entry) -> bool) -> Option<Value> {
    if !header.has_bit(BIT_WEAKLY_REFERENCED) {
        return None;
    }
    let address = header as *const Header as usize;
    let shard = shard(address);
    let entries = shard.get(&address)?;
    // SAFETY: in the table, under its lock.
    entries
        .iter()
        .take(2)
        .copied()
        .find(|entry| plain(*entry))
        .and_then(|entry| unsafe { upgrade(entry.0) })
}

/// Puts a new reference into the table: the plain one first, the plain proxy behind it, then the others, newest first.
fn enter(header: &Header, reference: &Value, plain: bool, proxy: bool) {
    let Some(own) = reference.header() else {
        return;
    };
    let address = header as *const Header as usize;
    let mut shard = shard(address);
    let entries = shard.entry(address).or_default();
    let refs = usize::from(
        entries
            .first()
            .is_some_and(|entry| is_plain(*entry, &types::WEAKREF_TYPE)),
    );
    let proxies = usize::from(
        entries
            .get(refs)
            .is_some_and(|entry| is_plain_proxy(*entry)),
    );
    let at = match (plain, proxy) {
        (true, false) => 0,
        (true, true) => refs,
        _ => refs + proxies,
    };
    entries.insert(at, Entry(own));
    header.set_bit(BIT_WEAKLY_REFERENCED);
}

/// A weak reference to `object`; without a callback the same one as long as it lives.
pub fn new_ref(vm: &mut Vm, object: &Value, callback: Option<Value>) -> Py {
    new_ref_of(vm, &types::WEAKREF_TYPE, object, callback)
}

/// An instance of `weakref.ref` or a subclass.
pub fn new_ref_of(vm: &mut Vm, cls: &TypeObject, object: &Value, callback: Option<Value>) -> Py {
    let header = target_header(vm, object)?;
    let exact = std::ptr::eq(cls, &types::WEAKREF_TYPE);
    let plain = exact && callback.is_none();
    if plain && let Some(known) = reuse(header, |entry| is_plain(entry, &types::WEAKREF_TYPE)) {
        return Ok(known);
    }
    let reference = crate::alloc::new_instance(cls, WeakRef::new(header, callback));
    enter(header, &reference, plain, false);
    Ok(reference)
}

/// Number of weak references to (and proxies of) an object.
pub fn count(object: &Value) -> usize {
    match object.header() {
        Some(header) if header.has_bit(BIT_WEAKLY_REFERENCED) => {
            let address = header as *const Header as usize;
            shard(address).get(&address).map_or(0, Vec::len)
        }
        _ => 0,
    }
}

/// All weak references to (and proxies of) an object.
pub fn references(object: &Value) -> Vec<Value> {
    match object.header() {
        Some(header) if header.has_bit(BIT_WEAKLY_REFERENCED) => {
            let address = header as *const Header as usize;
            let shard = shard(address);
            let entries = shard.get(&address).map_or(&[][..], Vec::as_slice);
            // SAFETY: in the table, under its lock.
            entries
                .iter()
                .filter_map(|entry| unsafe { upgrade(entry.0) })
                .collect()
        }
        _ => Vec::new(),
    }
}

// ---- the end of targets ----

/// Clears all weak references to an object that is about to be destroyed, then calls their callbacks.
pub(crate) fn clear_all(header: &Header) {
    let calls = take_calls(header);
    if calls.is_empty() {
        return;
    }
    // SAFETY: destruction happens where Python code may run.
    let Some(mut vm) = (unsafe { Vm::current() }) else {
        return;
    };
    let pending = park_pending(&mut vm);
    run_callbacks(&mut vm, calls);
    unpark_pending(&mut vm, pending);
}

/// Clears all weak references to an object, and calls nothing.
pub(crate) fn clear_silently(header: &Header) {
    drop(take_calls(header));
}

/// Clears all weak references to an object; gives the calls to make, newest reference first.
pub(crate) fn take_calls(header: &Header) -> Vec<Call> {
    let address = header as *const Header as usize;
    let mut shard = shard(address);
    header.clear_bit(BIT_WEAKLY_REFERENCED);
    let Some(entries) = shard.remove(&address) else {
        return Vec::new();
    };
    let mut calls = Vec::new();
    let mut others = Vec::new();
    for entry in entries {
        // SAFETY: in the table until now, under its lock.
        let reference = unsafe { payload(entry) };
        reference.target.store(0, Release);
        // SAFETY: as above; a reference that is dying itself is left alone, and its callback is not called.
        if let Some(value) = unsafe { upgrade(entry.0) } {
            let callback = reference.lock_callback().take();
            match callback {
                Some(callback) => calls.push(Call {
                    reference: value,
                    callback,
                }),
                None => others.push(value),
            }
        }
    }
    // Another thread may have given its reference up meanwhile, and destruction must not happen under the lock.
    drop(shard);
    drop(others);
    calls
}

/// Calls callbacks of weak references; errors are reported.
pub(crate) fn run_callbacks(vm: &mut Vm, calls: Vec<Call>) {
    for Call {
        reference,
        callback,
    } in calls
    {
        if let Err(raised) = vm.call(&callback, &[reference]) {
            vm.unraisable_in(
                raised,
                "Exception ignored while calling weakref callback",
                &callback,
            );
        }
    }
}

/// If `object` is a weak reference that the collector is about to free, makes it forget its target.
pub(crate) fn detach(object: &Value) {
    if let Some(reference) = any_reference(object) {
        debug_assert!(
            object
                .header()
                .is_some_and(|header| header.has_bit(BIT_COLLECTING))
        );
        reference.detach();
    }
}

/// Takes the pending exception away while code runs that is not part of what it interrupts.
pub fn park_pending(vm: &mut Vm) -> Option<Value> {
    if vm.pending_is(&types::BASE_EXCEPTION) {
        Some(vm.take_raised(Raised::new()))
    } else {
        None
    }
}

/// Undoes [`park_pending`].
pub fn unpark_pending(vm: &mut Vm, pending: Option<Value>) {
    if let Some(exception) = pending {
        let _ = vm.set_pending(exception);
    }
}

/// The weak reference inside a `weakref.ref` or a proxy.
fn any_reference(value: &Value) -> Option<&WeakRef> {
    match value.cast::<WeakRef>() {
        Some(reference) => Some(reference),
        None => proxy::reference_of(value),
    }
}

// ---- the type ----

static LAYOUT: Layout = Layout::of::<WeakRef>();

static SPEC: TypeSpec = TypeSpec {
    name: "weakref.ReferenceType",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(ref_new),
        init: Some(ref_init),
        call: Some(ref_call),
        repr: Some(ref_repr),
        hash: Some(ref_hash),
        compare: Some(ref_compare),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};

static METHODS: [MethodDef; 1] = [f1(
    "__class_getitem__(cls, object, /)",
    ref_class_getitem,
    "See PEP 585",
)
.class_method()];

static GETSET: [GetSetDef; 1] = [getter("__callback__", ref_callback, "")];

/// Defines the types of this module.
pub fn define() {
    types::WEAKREF_TYPE.define(&SPEC);
    proxy::define();
}

/// `(object, callback=None)` as `ref` and `proxy` take them.
fn object_and_callback<'a>(
    vm: &mut Vm,
    function: &str,
    args: &'a [Value],
) -> Py<(&'a Value, Option<Value>)> {
    match args {
        [object] => Ok((object, None)),
        [object, callback] => Ok((
            object,
            if callback.is_none() {
                None
            } else {
                Some(callback.clone())
            },
        )),
        [] => Err(vm.type_error(format!("{function} expected at least 1 argument, got 0"))),
        _ => Err(vm.type_error(format!(
            "{function} expected at most 2 arguments, got {}",
            args.len()
        ))),
    }
}

/// Keyword arguments are `__init__`'s business: subclasses may take some.
fn ref_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let (object, callback) = object_and_callback(vm, "__new__", args.pos())?;
    new_ref_of(vm, cls, object, callback)
}

fn ref_init(vm: &mut Vm, _reference: &Value, args: Args<'_>) -> Py<()> {
    if args.has_keywords() {
        return Err(vm.type_error("ref() takes no keyword arguments"));
    }
    object_and_callback(vm, "__init__", args.pos())?;
    Ok(())
}

fn ref_call(vm: &mut Vm, reference: &Value, args: Args<'_>) -> Py {
    if args.has_keywords() {
        return Err(vm.type_error("weakref() takes no keyword arguments"));
    }
    if !args.is_empty() {
        return Err(vm.type_error(format!(
            "weakref expected 0 arguments, got {}",
            args.pos().len()
        )));
    }
    Ok(get(reference.expect::<WeakRef>()).unwrap_or_else(Value::none))
}

fn ref_repr(vm: &mut Vm, reference: &Value) -> Py {
    let at = reference.bits();
    let Some(target) = get(reference.expect::<WeakRef>()) else {
        return Ok(new_str(&format!("<weakref at {at:#x}; dead>")));
    };
    let own_name = name_of(vm, &target)?;
    let class = target.type_of().full_name();
    let to = target.bits();
    let text = match own_name.as_ref().and_then(str_of) {
        Some(own_name) => format!(
            "<weakref at {at:#x}; to '{class}' at {to:#x} ({})>",
            own_name.to_lossy()
        ),
        None => format!("<weakref at {at:#x}; to '{class}' at {to:#x}>"),
    };
    Ok(new_str(&text))
}

/// The `__name__` that the object's class gives it; `__getattr__` is not asked.
fn name_of(vm: &mut Vm, target: &Value) -> Py<Option<Value>> {
    let ty = target.type_of();
    let Some(found) = ty.lookup(vm, name!("__name__")) else {
        return Ok(None);
    };
    match found.type_of().slots().descr_get {
        Some(get) => get(vm, &found, Some(target), ty).map(Some),
        None => Ok(Some(found)),
    }
}

fn ref_hash(vm: &mut Vm, reference: &Value) -> Py<i64> {
    let reference = reference.expect::<WeakRef>();
    let known = reference.hash.load(Relaxed);
    if known != -1 {
        return Ok(known);
    }
    let Some(target) = get(reference) else {
        return Err(vm.type_error("weak object has gone away"));
    };
    let hash = vm.hash(&target)?;
    reference.hash.store(hash, Relaxed);
    Ok(hash)
}

/// Living references compare as their targets, dead ones by identity.
fn ref_compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (a.cast::<WeakRef>(), b.cast::<WeakRef>()) else {
        return Ok(Value::not_implemented());
    };
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Value::not_implemented());
    }
    match (get(left), get(right)) {
        (Some(left), Some(right)) => vm.compare(&left, &right, op),
        _ => Ok(Value::bool(a.is(b) == (op == CompareOp::Eq))),
    }
}

fn ref_callback(_vm: &mut Vm, reference: &Value) -> Py {
    Ok(reference
        .expect::<WeakRef>()
        .callback()
        .unwrap_or_else(Value::none))
}

fn ref_class_getitem(vm: &mut Vm, cls: &Value, key: &Value) -> Py {
    (vm.interpreter().hooks.generic_alias)(vm, cls, key)
}
