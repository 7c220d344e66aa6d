//! `list`: a sequence that knows what it holds (see [`storage`]).
//!
//! Everything that may run Python code (comparisons, iteration, destruction of what was displaced) happens without the list's
//! guard; loops re-read length and element each time round.

pub mod iterators;
mod methods;
pub mod search;
mod slots;
pub mod sort;
pub mod storage;

pub use methods::{sort_arguments, sorted};
pub use search::{max_of, min_of, sum_of};
pub use slots::{repeat_count, repr_items};
pub use storage::{Kind, NoMemory, Peek, Storage};

use taipan_core::alloc::{new_instance, new_object};
use taipan_core::builtin_types::{DICT, FROZENSET, LIST, RANGE, SET, TUPLE};
use taipan_core::lock::{HasState, Locked};
use taipan_core::world;
use taipan_core::{Obj, Payload, Py, Tracer, TypeFlags, TypeObject, Value, Vm};

/// Payload of lists.
pub struct List {
    storage: Locked<Storage>,
}

impl HasState for List {
    type State = Storage;
    #[inline(always)]
    fn cell(&self) -> &Locked<Storage> {
        &self.storage
    }
}

// SAFETY: the values of a generic storage are the only references.
unsafe impl Payload for List {
    const GC: bool = true;

    fn type_object() -> &'static TypeObject {
        &LIST
    }

    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the collector stops the world, and no guard lives at a safepoint.
        if let Some(values) = unsafe { self.storage.get_unlocked() }.values() {
            tracer.visit_all(values);
        }
    }

    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: as in `trace`.
        let storage = unsafe { self.storage.get_unlocked() }.take();
        if storage.kind() == Kind::Generic {
            out.extend(storage.into_vec());
        }
    }

    fn outside_size(&self) -> usize {
        // SAFETY: reads a size only.
        unsafe { self.storage.get_unlocked() }.bytes()
    }
}

/// A new list with the given elements.
pub fn new_list(values: Vec<Value>) -> Value {
    match Storage::from_values(values) {
        Ok(storage) => from_storage(storage),
        Err(NoMemory) => std::alloc::handle_alloc_error(std::alloc::Layout::new::<List>()),
    }
}

/// A new list of copies of the given values.
pub fn new_list_of(values: &[Value]) -> Value {
    match Storage::from_slice(values) {
        Ok(storage) => from_storage(storage),
        Err(NoMemory) => std::alloc::handle_alloc_error(std::alloc::Layout::new::<List>()),
    }
}

/// A new empty list.
#[inline]
pub fn new_empty() -> Value {
    from_storage(Storage::new())
}

/// A new list with this storage.
#[inline(always)]
pub fn from_storage(storage: Storage) -> Value {
    new_object(List {
        storage: Locked::new(storage),
    })
}

/// A new empty list of class `cls`, which is `list` or derives from it.
pub fn new_empty_of(cls: &TypeObject) -> Value {
    new_instance(
        cls,
        List {
            storage: Locked::new(Storage::new()),
        },
    )
}

/// The list of a `list` or an instance of a subclass.
#[inline(always)]
pub fn list_of(value: &Value) -> Option<&Obj<List>> {
    if value.is_object() && value.type_of().has(TypeFlags::LIST_SUBCLASS) {
        // SAFETY: subclasses of list have its layout.
        Some(unsafe { value.cast_unchecked::<List>() })
    } else {
        None
    }
}

/// Is it exactly a `list`?
#[inline(always)]
pub fn is_exact_list(value: &Value) -> bool {
    value.is_object() && value.shape() == LIST.root_shape()
}

/// What can be done with a list without running Python code.
pub trait ListExt {
    /// Looks at the storage. `look` neither drops values nor reaches another object's lock.
    fn read<R>(&self, vm: &mut Vm, look: impl FnOnce(&Storage) -> R) -> R;
    /// Changes the storage under the guard; what is displaced is returned by `change` and so dropped afterwards.
    fn change<R>(
        &self,
        vm: &mut Vm,
        change: impl FnOnce(&mut Storage) -> Result<R, NoMemory>,
    ) -> Py<R>;
    fn len(&self, vm: &mut Vm) -> usize;
    /// The element at `at`, if there is one.
    fn get(&self, vm: &mut Vm, at: usize) -> Option<Value>;
    /// The element at an index that may be negative.
    fn get_signed(&self, vm: &mut Vm, at: i64) -> Option<Value>;
    /// Replaces the element at `at`; `Ok(None)` if there is none. Gives the old one.
    fn set(&self, vm: &mut Vm, at: usize, value: Value) -> Py<Option<Value>>;
    fn append(&self, vm: &mut Vm, value: Value) -> Py<()>;
    /// Takes the last element out.
    fn pop(&self, vm: &mut Vm) -> Option<Value>;
    /// All elements, as they are now.
    fn to_vec(&self, vm: &mut Vm) -> Vec<Value>;
}

impl List {
    /// A look at the elements without a lock, while there are several threads.
    #[inline(always)]
    pub fn peek(&self) -> Peek {
        // SAFETY: the list is alive; its storage is one word.
        Peek::at(self.storage.as_ptr())
    }
}

impl ListExt for Obj<List> {
    #[inline(always)]
    fn read<R>(&self, vm: &mut Vm, look: impl FnOnce(&Storage) -> R) -> R {
        if world::is_shared() {
            return look(&self.lock(vm));
        }
        // SAFETY: this is the only thread, and `look` cannot come back here.
        look(unsafe { self.cell().get_unlocked() })
    }

    #[inline(always)]
    fn change<R>(
        &self,
        vm: &mut Vm,
        change: impl FnOnce(&mut Storage) -> Result<R, NoMemory>,
    ) -> Py<R> {
        let result = change(&mut self.lock(vm));
        match result {
            Ok(result) => Ok(result),
            Err(NoMemory) => Err(vm.memory_error()),
        }
    }

    #[inline(always)]
    fn len(&self, vm: &mut Vm) -> usize {
        if world::is_shared() {
            return self.peek().len();
        }
        self.read(vm, Storage::len)
    }

    #[inline(always)]
    fn get(&self, vm: &mut Vm, at: usize) -> Option<Value> {
        if world::is_shared() {
            return self.peek().get(at);
        }
        self.read(vm, |storage| storage.get(at))
    }

    #[inline(always)]
    fn get_signed(&self, vm: &mut Vm, at: i64) -> Option<Value> {
        if world::is_shared() {
            return self.peek().get_signed(at);
        }
        self.read(vm, |storage| {
            let at = if at < 0 {
                at + storage.len() as i64
            } else {
                at
            };
            if at < 0 {
                None
            } else {
                storage.get(at as usize)
            }
        })
    }

    #[inline(always)]
    fn set(&self, vm: &mut Vm, at: usize, value: Value) -> Py<Option<Value>> {
        self.change(vm, |storage| {
            if at < storage.len() {
                storage.set(at, value).map(Some)
            } else {
                Ok(None)
            }
        })
    }

    #[inline(always)]
    fn append(&self, vm: &mut Vm, value: Value) -> Py<()> {
        self.change(vm, |storage| storage.push(value))
    }

    #[inline(always)]
    fn pop(&self, vm: &mut Vm) -> Option<Value> {
        self.lock(vm).pop()
    }

    fn to_vec(&self, vm: &mut Vm) -> Vec<Value> {
        self.read(vm, Storage::to_vec)
    }
}

/// Looks at two raw storages at once; `None` if one is not raw or memory ran out. `look` is as in [`ListExt::read`].
fn read_both<R>(
    vm: &mut Vm,
    a: &Obj<List>,
    b: &Obj<List>,
    look: impl FnOnce(&Storage, &Storage) -> Option<R>,
) -> Option<R> {
    if !world::is_shared() {
        // SAFETY: this is the only thread, `look` cannot come back here, and shared references may be to the same list.
        let (left, right): (&Storage, &Storage) =
            unsafe { (a.cell().get_unlocked(), b.cell().get_unlocked()) };
        return look(left, right);
    }
    // Two locks at a time are not to be had, so of one list a copy is looked at.
    let left = a.read(vm, |storage| match storage.kind() {
        Kind::Generic => None,
        _ => storage.duplicate().ok(),
    })?;
    b.read(vm, |right| look(&left, right))
}

/// The items of a builtin container that are to be had without iterating.
fn items_at_once(vm: &mut Vm, iterable: &Value) -> Option<Result<Storage, NoMemory>> {
    if !iterable.is_object() {
        return None;
    }
    let ty = iterable.type_of();
    if std::ptr::eq(ty, &LIST) {
        return Some(list_of(iterable)?.read(vm, Storage::duplicate));
    }
    if std::ptr::eq(ty, &TUPLE) {
        return taipan_core::tuple_object::items(iterable).map(Storage::from_slice);
    }
    if std::ptr::eq(ty, &RANGE) {
        let (start, step, len) = iterable.cast::<crate::range::Range>()?.small()?;
        return Some(Storage::from_steps(start, step, len as usize));
    }
    if std::ptr::eq(ty, &DICT) {
        return taipan_core::dict_object::dict_of(iterable)
            .map(|dict| Storage::from_values(dict.keys()));
    }
    let set = crate::set::any_set(iterable)?;
    if std::ptr::eq(ty, &SET) || std::ptr::eq(ty, &FROZENSET) {
        return Some(Storage::from_values(crate::set::keys(vm, set)));
    }
    None
}

/// Appends all items of `iterable`.
pub fn extend(vm: &mut Vm, list: &Obj<List>, iterable: &Value) -> Py<()> {
    match items_at_once(vm, iterable) {
        Some(Ok(items)) => return list.change(vm, |storage| storage.append(items)),
        Some(Err(NoMemory)) => return Err(vm.memory_error()),
        None => {}
    }
    let iterator = vm.iter(iterable)?;
    let hint = vm.length_hint(iterable, 0)?;
    if hint > 8 {
        let reserved = list.change(vm, |storage| {
            // An empty block takes the kind of its first element.
            let kind = if storage.is_empty() {
                Kind::Int
            } else {
                storage.kind()
            };
            storage.accept(kind, hint)
        });
        // A hint may promise anything: without the room, the items decide.
        if let Err(raised) = reserved {
            vm.catch(raised, &taipan_core::builtin_types::MEMORY_ERROR)?;
        }
    }
    while let Some(item) = vm.next(&iterator)? {
        list.append(vm, item)?;
    }
    if hint > 8 {
        list.lock(vm).shrink();
    }
    Ok(())
}

/// A new list of all items of `iterable`.
pub fn list_from(vm: &mut Vm, iterable: &Value) -> Py {
    let list = new_empty();
    extend(vm, list.expect::<List>(), iterable)?;
    Ok(list)
}

/// All items of an iterable, as they are now.
pub fn items_of(vm: &mut Vm, iterable: &Value) -> Py<Vec<Value>> {
    match items_at_once(vm, iterable) {
        Some(Ok(items)) => Ok(items.into_vec()),
        Some(Err(NoMemory)) => Err(vm.memory_error()),
        None => vm.to_vec(iterable),
    }
}

/// Defines the types.
pub fn define_all() {
    LIST.define(&slots::SPEC);
    iterators::define();
}
