//! Type objects: builtin ones are statics that `taipan-types` and `taipan-stdlib` define from a [`TypeSpec`]; classes of
//! Python programs are made on the heap. Types are never freed by counting: every type sits in a cycle with its own MRO, so only
//! the collector ends one, and it keeps a type as long as an instance lives (I-TYPE-1). So instances count no reference to their type.

use crate::dict_object::Dict;
use crate::header::{Header, Obj};
use crate::native::{GetSetDef, MethodDef};
use crate::payload::{EMPTY_LAYOUT, Layout, Payload, Tracer};
use crate::shape::{self, Shape};
use crate::slots::Slots;
use crate::value::Value;
use crate::vm::Vm;
use std::cell::{Cell, UnsafeCell};
use std::collections::HashSet;
use std::ptr::{null, null_mut};
use std::sync::atomic::{
    AtomicU8, AtomicU32,
    Ordering::{Acquire, Relaxed, Release},
};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

bitflags::bitflags! {
    /// What kind of type it is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct TypeFlags: u32 {
        /// May be subclassed.
        const BASE = 1;
        /// Made by a class statement or `type()`; attributes may be set.
        const HEAP = 2;
        /// Instances have a `__dict__` (attribute storage with shapes).
        const DICT = 4;
        /// Instances may be weakly referenced.
        const WEAKREF = 8;
        /// Instances may be called by `CALL_METHOD` with the receiver as first argument.
        const METHOD_DESCRIPTOR = 16;
        /// `type.__call__` refuses to make instances.
        const NO_INSTANTIATION = 32;
        /// Pattern matching treats instances as sequences / mappings.
        const SEQUENCE = 64;
        const MAPPING = 128;
        /// Abstract methods are left (`abc`).
        const ABSTRACT = 256;
        /// Attributes cannot be set even though it is a heap type.
        const IMMUTABLE = 512;
        /// Fast subclass tests.
        const INT_SUBCLASS = 1 << 16;
        const STR_SUBCLASS = 1 << 17;
        const BYTES_SUBCLASS = 1 << 18;
        const LIST_SUBCLASS = 1 << 19;
        const TUPLE_SUBCLASS = 1 << 20;
        const DICT_SUBCLASS = 1 << 21;
        const EXCEPTION_SUBCLASS = 1 << 22;
        const TYPE_SUBCLASS = 1 << 23;
        const FLOAT_SUBCLASS = 1 << 24;
        const SET_SUBCLASS = 1 << 25;
        /// A class-level `match` pattern with one positional argument matches the object itself.
        const MATCH_SELF = 1 << 26;
        /// Its MRO has types that are bases of none of its bases (a metaclass's `mro` put them there). They do not know it, so
        /// nothing about it may be cached.
        const STRANGE_MRO = 1 << 27;
        /// A metaclass's `mro` is computing the MRO for the first time; what it has meanwhile is for look-ups only.
        const MRO_PENDING = 1 << 28;
    }
}

/// Flags that subclasses inherit.
pub const INHERITED_FLAGS: TypeFlags = TypeFlags::DICT
    .union(TypeFlags::WEAKREF)
    .union(TypeFlags::SEQUENCE)
    .union(TypeFlags::MAPPING)
    .union(TypeFlags::INT_SUBCLASS)
    .union(TypeFlags::STR_SUBCLASS)
    .union(TypeFlags::BYTES_SUBCLASS)
    .union(TypeFlags::LIST_SUBCLASS)
    .union(TypeFlags::TUPLE_SUBCLASS)
    .union(TypeFlags::DICT_SUBCLASS)
    .union(TypeFlags::EXCEPTION_SUBCLASS)
    .union(TypeFlags::TYPE_SUBCLASS)
    .union(TypeFlags::FLOAT_SUBCLASS)
    .union(TypeFlags::SET_SUBCLASS)
    .union(TypeFlags::MATCH_SELF);

/// The declaration of a builtin type.
pub struct TypeSpec {
    /// `"list"`, or with its module, `"collections.deque"`.
    pub name: &'static str,
    /// `None` means `object`.
    pub base: Option<&'static TypeObject>,
    pub flags: TypeFlags,
    /// `None`: the base's.
    pub layout: Option<&'static Layout>,
    pub slots: Slots,
    pub methods: &'static [MethodDef],
    pub getset: &'static [GetSetDef],
    pub doc: &'static str,
}

impl TypeSpec {
    /// For literals: `TypeSpec { name: "x", ..TypeSpec::DEFAULT }`.
    pub const DEFAULT: TypeSpec = TypeSpec {
        name: "",
        base: None,
        flags: TypeFlags::empty(),
        layout: None,
        slots: Slots::NONE,
        methods: &[],
        getset: &[],
        doc: "",
    };
}

/// [`Type::ready`]: builtin methods are not in the namespace yet, are being put there, are there.
const EMPTY: u8 = 0;
const FILLING: u8 = 1;
const READY: u8 = 2;

/// A type object.
pub type TypeObject = Obj<Type>;

/// The payload of type objects. Fields are cells that are written before the type is visible to other threads, with the world
/// stopped, or (subclasses, shapes, version) with the lock of types held.
pub struct Type {
    name: Cell<&'static str>,
    flags: Cell<TypeFlags>,
    base: Cell<Option<&'static TypeObject>>,
    spec: Cell<Option<&'static TypeSpec>>,
    slots: UnsafeCell<Slots>,
    layout: Cell<&'static Layout>,
    root_shape: Cell<u32>,
    /// Shape of instances that keep their attributes in a dict.
    dict_shape: Cell<u32>,
    version: AtomicU32,
    /// Slots of `__slots__`, from the layout's end on.
    fixed_slots: Cell<u32>,
    /// Slots for attributes inside the instance.
    inline_slots: Cell<u32>,
    mro: UnsafeCell<Vec<&'static TypeObject>>,
    bases: UnsafeCell<Vec<&'static TypeObject>>,
    subclasses: UnsafeCell<Vec<*const TypeObject>>,
    shapes: UnsafeCell<Vec<u32>>,
    /// The namespace, an exact dict.
    dict: OnceLock<Value>,
    /// Builtin methods have been put into the namespace.
    ready: AtomicU8,
    /// For heap types: `__qualname__`, `__type_params__` and the like live in the namespace or here.
    qualname: UnsafeCell<Option<Value>>,
}

// SAFETY: see the struct's comment.
unsafe impl Sync for Type {}
// SAFETY: as above.
unsafe impl Send for Type {}

// SAFETY: reports the references of `mro`, `bases`, dict; builtin types are immortal, and references to heap types in these
// rows are counted by `set_bases`/`set_mro`.
unsafe impl Payload for Type {
    const GC: bool = true;

    fn type_object() -> &'static TypeObject {
        &crate::builtin_types::TYPE
    }

    fn trace(&self, tracer: &mut Tracer<'_>) {
        for ty in self.mro().iter().chain(self.bases()) {
            tracer.visit(&std::mem::ManuallyDrop::new(type_word(ty)));
        }
        if let Some(dict) = self.dict.get() {
            tracer.visit(dict);
        }
        // SAFETY: written only while the world cannot be collected.
        if let Some(qualname) = unsafe { &*self.qualname.get() } {
            tracer.visit(qualname);
        }
    }

    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the type is garbage: nobody reads these rows any more.
        unsafe {
            out.extend((*self.mro.get()).drain(..).map(type_word));
            out.extend((*self.bases.get()).drain(..).map(type_word));
        }
    }
}

impl Drop for Type {
    fn drop(&mut self) {
        let mro = std::mem::take(self.mro.get_mut());
        let bases = std::mem::take(self.bases.get_mut());
        for ty in mro.into_iter().chain(bases) {
            drop(type_word(ty));
        }
        for shape in self.shapes.get_mut().drain(..) {
            shape::free_entry(shape);
        }
    }
}

/// A type's word as a value, without counting.
fn type_word(ty: &'static TypeObject) -> Value {
    // SAFETY: the callers balance it: either the row held a count that is now given up, or the result is never dropped.
    unsafe { Value::steal(ty.header()) }
}

impl Type {
    /// A builtin type before it is defined.
    pub const fn declare(name: &'static str) -> TypeObject {
        Obj::immortal(Type::blank(name))
    }

    const fn blank(name: &'static str) -> Type {
        Type {
            name: Cell::new(name),
            flags: Cell::new(TypeFlags::empty()),
            base: Cell::new(None),
            spec: Cell::new(None),
            slots: UnsafeCell::new(Slots::NONE),
            layout: Cell::new(&EMPTY_LAYOUT),
            root_shape: Cell::new(0),
            dict_shape: Cell::new(0),
            version: AtomicU32::new(0),
            fixed_slots: Cell::new(0),
            inline_slots: Cell::new(0),
            mro: UnsafeCell::new(Vec::new()),
            bases: UnsafeCell::new(Vec::new()),
            subclasses: UnsafeCell::new(Vec::new()),
            shapes: UnsafeCell::new(Vec::new()),
            dict: OnceLock::new(),
            ready: AtomicU8::new(EMPTY),
            qualname: UnsafeCell::new(None),
        }
    }

    /// An unfinished class of a Python program; `finish_class` in `class` fills it. The metaclass gives the instance layout.
    pub fn blank_heap(name: &str) -> Type {
        Type::blank(leak_name(name))
    }

    /// The name as in messages: a builtin type's with its module unless that is `builtins` (`collections.deque`), a class's
    /// bare name.
    #[inline]
    pub fn name(&self) -> &'static str {
        self.name.get()
    }

    /// The name without module: `__name__`.
    pub fn short_name(&self) -> &'static str {
        let full = self.name.get();
        if self.is_heap() {
            full
        } else {
            full.rsplit('.').next().unwrap_or(full)
        }
    }

    /// As [`Type::name`].
    pub fn full_name(&self) -> &'static str {
        self.name.get()
    }

    pub fn set_name(&self, name: &str) {
        self.name.set(leak_name(name));
    }

    #[inline(always)]
    pub fn flags(&self) -> TypeFlags {
        self.flags.get()
    }

    #[inline(always)]
    pub fn has(&self, flag: TypeFlags) -> bool {
        self.flags.get().contains(flag)
    }

    pub fn set_flags(&self, flags: TypeFlags) {
        self.flags.set(flags);
    }

    #[inline]
    pub fn is_heap(&self) -> bool {
        self.has(TypeFlags::HEAP)
    }

    #[inline(always)]
    pub fn slots(&self) -> &Slots {
        // SAFETY: slots change only in `set_slots`, which other readers tolerate: each is one word.
        unsafe { &*self.slots.get() }
    }

    /// Replaces the slots (class creation, assignment of special methods).
    pub fn set_slots(&self, slots: Slots) {
        // SAFETY: `Slots` is plain data.
        unsafe { *self.slots.get() = slots }
    }

    #[inline(always)]
    pub fn layout(&self) -> &'static Layout {
        self.layout.get()
    }

    pub fn set_layout(&self, layout: &'static Layout) {
        self.layout.set(layout);
    }

    pub fn base(&self) -> Option<&'static TypeObject> {
        self.base.get()
    }

    pub fn set_base(&self, base: Option<&'static TypeObject>) {
        self.base.set(base);
    }

    pub fn spec(&self) -> Option<&'static TypeSpec> {
        self.spec.get()
    }

    /// The method resolution order, the type itself first.
    #[inline(always)]
    pub fn mro(&self) -> &[&'static TypeObject] {
        // SAFETY: replaced as a whole by `set_mro` only, on assignment to `__bases__`.
        unsafe { &*self.mro.get() }
    }

    pub fn bases(&self) -> &[&'static TypeObject] {
        // SAFETY: as for `mro`.
        unsafe { &*self.bases.get() }
    }

    /// Sets the MRO, counting a reference to each type in it.
    pub fn set_mro(&self, mro: Vec<&'static TypeObject>) {
        replace_row(&self.mro, mro);
    }

    /// Sets the bases, counting a reference to each.
    pub fn set_bases(&self, bases: Vec<&'static TypeObject>) {
        replace_row(&self.bases, bases);
    }

    /// Direct subclasses that are still alive.
    pub fn subclasses(&self) -> Vec<Value> {
        let _locked = lock();
        // SAFETY: locked; dying types take themselves out first (`forget_subclass`).
        unsafe {
            (*self.subclasses.get())
                .iter()
                .map(|ty| (**ty).to_value())
                .collect()
        }
    }

    pub fn add_subclass(&self, ty: &TypeObject) {
        let _locked = lock();
        // SAFETY: locked.
        unsafe { (*self.subclasses.get()).push(ty) }
    }

    pub fn forget_subclass(&self, ty: *const TypeObject) {
        let _locked = lock();
        // SAFETY: locked.
        unsafe { (*self.subclasses.get()).retain(|own| !std::ptr::eq(*own, ty)) }
    }

    #[inline(always)]
    pub fn root_shape(&self) -> u32 {
        self.root_shape.get()
    }

    /// Shape of instances that keep their attributes in a dict.
    pub fn dict_shape(&self) -> u32 {
        self.dict_shape.get()
    }

    /// Makes a shape one of this type's, with the type's version.
    pub(crate) fn register_shape(&self, id: u32) {
        let _locked = lock();
        shape::entry(id).set_version(self.version());
        // SAFETY: locked.
        unsafe { (*self.shapes.get()).push(id) }
    }

    pub fn fixed_slots(&self) -> u32 {
        self.fixed_slots.get()
    }

    pub fn inline_slots(&self) -> u32 {
        self.inline_slots.get()
    }

    /// Sets the number of `__slots__` places and of places for attributes inside an instance.
    pub fn set_storage(&self, fixed: u32, inline: u32) {
        self.fixed_slots.set(fixed);
        self.inline_slots.set(inline);
    }

    /// Bytes of attribute storage behind payload and inline data.
    #[inline(always)]
    pub fn storage_size(&self) -> usize {
        let dict = if self.has(TypeFlags::DICT) {
            8 + 8 * self.inline_slots.get() as usize
        } else {
            0
        };
        8 * self.fixed_slots.get() as usize + dict
    }

    /// Do instances belong to the collector's heap? Those of classes all do, for only there the collector finds what keeps a
    /// class alive (I-TYPE-1).
    #[inline(always)]
    pub fn instances_collected(&self) -> bool {
        self.layout.get().gc || self.is_heap() || self.storage_size() > 0
    }

    /// The version that changes with every change of the type or its bases; 0 if it has none now.
    #[inline(always)]
    pub fn version(&self) -> u32 {
        self.version.load(Relaxed)
    }

    #[inline]
    pub fn is_subtype(&self, other: &TypeObject) -> bool {
        self.mro().iter().any(|ty| std::ptr::eq(*ty, other))
    }

    /// The namespace. Filled with the builtin methods on first use.
    pub fn qualname(&self) -> Option<Value> {
        // SAFETY: read only.
        unsafe { (*self.qualname.get()).clone() }
    }

    pub fn set_qualname(&self, qualname: Option<Value>) {
        drop(self.replace_qualname(qualname));
    }

    /// Sets the qualified name of a class that no other thread looks at now; gives the former one.
    pub fn replace_qualname(&self, qualname: Option<Value>) -> Option<Value> {
        // SAFETY: the caller's promise.
        unsafe { std::mem::replace(&mut *self.qualname.get(), qualname) }
    }
}

/// The one lock for versions, shapes and subclasses of types. No Python code runs under it.
fn lock() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn replace_row(row: &UnsafeCell<Vec<&'static TypeObject>>, new: Vec<&'static TypeObject>) {
    for ty in &new {
        std::mem::forget(ty.to_value());
    }
    // SAFETY: with the type lock held; nobody keeps a reference to the row over calls that change it.
    let old = unsafe { std::mem::replace(&mut *row.get(), new) };
    for ty in old {
        drop(type_word(ty));
    }
}

/// Class names are kept for ever, each text once.
fn leak_name(name: &str) -> &'static str {
    static NAMES: Mutex<Option<HashSet<&'static str>>> = Mutex::new(None);
    let Ok(mut names) = NAMES.lock() else {
        return "?";
    };
    let names = names.get_or_insert_with(HashSet::new);
    match names.get(name) {
        Some(known) => known,
        None => {
            let leaked: &'static str = Box::leak(name.into());
            names.insert(leaked);
            leaked
        }
    }
}

impl TypeObject {
    /// Defines a builtin type from its declaration: slots, base, MRO, shapes. Methods enter the namespace on first look-up.
    /// Doing it a second time changes nothing.
    pub fn define(&'static self, spec: &'static TypeSpec) {
        if self.spec.get().is_some() {
            return;
        }
        self.spec.set(Some(spec));
        self.name.set(spec.name);
        let is_object = std::ptr::eq(self, &crate::builtin_types::OBJECT);
        let base = if is_object {
            None
        } else {
            Some(spec.base.unwrap_or(&crate::builtin_types::OBJECT))
        };
        let mut flags = spec.flags;
        let mut layout = spec.layout;
        let mut mro: Vec<&'static TypeObject> = vec![self];
        if let Some(base) = base {
            debug_assert!(
                base.spec.get().is_some(),
                "{} is defined before its base",
                spec.name
            );
            flags |= base.flags() & INHERITED_FLAGS;
            layout = layout.or(Some(base.layout()));
            mro.extend(base.mro());
            self.set_bases(vec![base]);
            base.add_subclass(self);
        }
        self.base.set(base);
        self.set_mro(mro);
        self.layout.set(layout.unwrap_or(&EMPTY_LAYOUT));
        self.flags.set(flags);
        let mut slots = spec.slots;
        if let Some(base) = base {
            crate::slot_table::inherit(&mut slots, base.slots());
        }
        self.set_slots(slots);
        if self.header().shape() == 0 {
            self.header()
                .set_shape(crate::builtin_types::TYPE.root_shape_or_make());
        }
        self.root_shape_or_make();
    }

    fn root_shape_or_make(&self) -> u32 {
        if self.root_shape.get() == 0 {
            self.make_shapes();
        }
        self.root_shape.get()
    }

    /// Makes the shapes of instances. Called once flags are final; false if the shape table is full.
    pub fn make_shapes(&self) -> bool {
        let dict = self.has(TypeFlags::DICT);
        let root = if dict {
            Shape::root(self).map(Shape::id)
        } else {
            shape::new_entry(self)
        };
        let Some(root) = root else { return false };
        if !dict {
            self.register_shape(root);
        }
        self.root_shape.set(root);
        if dict {
            let Some(dict_shape) = shape::new_entry(self) else {
                return false;
            };
            self.register_shape(dict_shape);
            self.dict_shape.set(dict_shape);
        }
        true
    }

    /// Gives the type a version if it has none. 0: do not cache anything about it.
    pub fn assign_version(&self) -> u32 {
        match self.version() {
            0 => {
                let _locked = lock();
                self.assign_version_locked()
            }
            version => version,
        }
    }

    /// The caller holds the lock of types.
    fn assign_version_locked(&self) -> u32 {
        if self.has(TypeFlags::STRANGE_MRO) {
            return 0;
        }
        if self.version() == 0 {
            // A change of a base must find this type by its own non-zero version.
            for base in self.bases() {
                if base.assign_version_locked() == 0 {
                    return 0;
                }
            }
            let version = shape::fresh_version();
            self.version.store(version, Relaxed);
            // SAFETY: locked.
            for id in unsafe { &*self.shapes.get() } {
                shape::entry(*id).set_version(version);
            }
        }
        self.version()
    }

    /// Makes every cache about this type and its subclasses stale.
    pub fn changed(&self) {
        if self.version() != 0 {
            let _locked = lock();
            self.changed_locked();
        }
    }

    /// The caller holds the lock of types.
    fn changed_locked(&self) {
        if self.version() == 0 {
            return;
        }
        self.version.store(0, Relaxed);
        // SAFETY: locked.
        unsafe {
            for id in &*self.shapes.get() {
                shape::entry(*id).set_version(0);
            }
            for ty in &*self.subclasses.get() {
                (**ty).changed_locked();
            }
        }
    }

    /// The namespace (an exact dict), with builtin methods in it.
    #[inline]
    pub fn namespace(&self) -> &Obj<Dict> {
        if self.ready.load(Acquire) != READY {
            self.make_ready();
        }
        let value = self.dict.get_or_init(crate::dict_object::new_dict);
        // SAFETY: made by `new_dict` or given to `set_namespace`, which takes exact dicts only.
        unsafe { value.cast_unchecked::<Dict>() }
    }

    /// Puts builtin methods into the namespace. Other threads wait; the one that is at it sees what is there already.
    #[cold]
    fn make_ready(&self) {
        static FILLER: Mutex<Option<std::thread::ThreadId>> = Mutex::new(None);
        static FREE: Condvar = Condvar::new();
        let me = std::thread::current().id();
        let mut filler = FILLER.lock().unwrap_or_else(PoisonError::into_inner);
        let outermost = *filler != Some(me);
        while filler.is_some_and(|other| other != me) {
            filler = FREE.wait(filler).unwrap_or_else(PoisonError::into_inner);
        }
        if self.ready.load(Acquire) != EMPTY {
            return;
        }
        *filler = Some(me);
        drop(filler);
        self.ready.store(FILLING, Relaxed);
        self.dict.get_or_init(crate::dict_object::new_dict);
        if let Some(spec) = self.spec.get() {
            crate::descriptor::fill_namespace(self, spec);
        }
        self.ready.store(READY, Release);
        if outermost {
            *FILLER.lock().unwrap_or_else(PoisonError::into_inner) = None;
            FREE.notify_all();
        }
    }

    /// Sets the namespace of a class under construction.
    pub fn set_namespace(&self, dict: Value) {
        debug_assert!(dict.is_exact(&crate::builtin_types::DICT));
        let _ = self.dict.set(dict);
        self.ready.store(READY, Release);
    }

    /// The attribute `name` (an interned string) along the MRO, without descriptors.
    #[inline]
    pub fn lookup(&self, vm: &mut Vm, name: &Value) -> Option<Value> {
        let version = self.version();
        let cache = &vm.thread().type_cache;
        if version != 0
            && let Some(found) = cache.get(version, name)
        {
            return found;
        }
        self.lookup_slow(vm, name)
    }

    #[inline(never)]
    fn lookup_slow(&self, vm: &mut Vm, name: &Value) -> Option<Value> {
        let mut found = None;
        for ty in self.mro() {
            found = ty.namespace().get_name(name);
            if found.is_some() {
                break;
            }
        }
        let version = self.assign_version();
        if version != 0 && crate::str_object::is_interned(name) {
            vm.thread().type_cache.put(version, name, found.as_ref());
        }
        found
    }

    /// Where `lookup` finds the name, with the type whose namespace has it.
    pub fn lookup_with_owner(&self, name: &Value) -> Option<(Value, &'static TypeObject)> {
        self.mro()
            .iter()
            .find_map(|ty| ty.namespace().get_name(name).map(|value| (value, *ty)))
    }

    /// The type as one that lives for ever. Types live as long as their instances and references; callers store the
    /// result only where a counted reference or an instance keeps the type alive.
    pub fn as_static(&self) -> &'static TypeObject {
        // SAFETY: see above (I-TYPE-1).
        unsafe { &*(self as *const TypeObject) }
    }
}

/// The per-thread cache of look-ups along MROs, keyed by type version and name.
pub struct TypeCache {
    rows: Box<[Cell<(u32, u64, u64)>]>,
}

const CACHE_ROWS: usize = 4096;

struct FreeCache(&'static TypeCache);

// SAFETY: a free cache belongs to nobody; whoever takes it out of the list is the only one that has it.
unsafe impl Send for FreeCache {}

static FREE_CACHES: Mutex<Vec<FreeCache>> = Mutex::new(Vec::new());

impl TypeCache {
    /// An empty cache: that of a thread that has ended, or a new one.
    pub(crate) fn of_new_thread() -> &'static TypeCache {
        if let Some(free) = FREE_CACHES.lock().ok().and_then(|mut free| free.pop()) {
            return free.0;
        }
        let rows = Box::<[Cell<(u32, u64, u64)>]>::new_zeroed_slice(CACHE_ROWS);
        Box::leak(Box::new(TypeCache {
            // SAFETY: zeros are valid numbers. (Pages nobody looks at are not even touched.)
            rows: unsafe { rows.assume_init() },
        }))
    }

    /// Empties the cache, and keeps it for another thread. The thread that had it does not look at it any more.
    pub(crate) fn give_back(&'static self) {
        self.rows.iter().for_each(|row| row.set((0, 0, 0)));
        if let Ok(mut free) = FREE_CACHES.lock() {
            free.push(FreeCache(self));
        }
    }

    #[inline(always)]
    fn row(&self, version: u32, name: &Value) -> &Cell<(u32, u64, u64)> {
        &self.rows
            [((name.bits() >> 4) as usize ^ (version as usize).wrapping_mul(31)) & (CACHE_ROWS - 1)]
    }

    #[inline(always)]
    fn get(&self, version: u32, name: &Value) -> Option<Option<Value>> {
        let (row_version, row_name, found) = self.row(version, name).get();
        if row_version != version || row_name != name.bits() {
            return None;
        }
        if found == 0 {
            return Some(None);
        }
        // SAFETY: the value is in the namespace of a type of this version: it was not replaced since, for that would have
        // changed the version. So it is alive; the clone counts a reference of its own.
        let value = std::mem::ManuallyDrop::new(unsafe { Value::from_bits(found) });
        Some(Some(Value::clone(&value)))
    }

    fn put(&self, version: u32, name: &Value, found: Option<&Value>) {
        self.row(version, name)
            .set((version, name.bits(), found.map_or(0, Value::bits)));
    }
}

/// An unused null, for rows of raw pointers.
pub const NO_TYPE: *const TypeObject = null();
const _: *mut Header = null_mut();
