//! `_abc`: what `abc.ABCMeta` is made of. Each abstract base class has a registry of virtual subclasses and two caches, all of which
//! refer to classes weakly.

use crate::ModuleDef;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use taipan_core::builtin_types as types;
use taipan_core::latch::LatchCell;
use taipan_core::str_object::is_str;
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::weakref::{self, WeakRef};
use taipan_core::{
    Layout, MethodDef, Payload, Py, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, alloc, f0,
    f1, f2, name,
};
use taipan_types::list::list_of;

/// The module `_abc`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_abc",
    doc: "What abc.ABCMeta is made of.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 8] = [
    f0(
        "get_cache_token(module, /)",
        get_cache_token,
        "The token changes with every registration of a virtual subclass.",
    ),
    f1(
        "_abc_init(module, self, /)",
        abc_init,
        "Set up a new abstract base class.",
    ),
    f2(
        "_abc_register(module, self, subclass, /)",
        abc_register,
        "Register a virtual subclass.",
    ),
    f2(
        "_abc_instancecheck(module, self, instance, /)",
        abc_instancecheck,
        "isinstance() of an abstract base class.",
    ),
    f2(
        "_abc_subclasscheck(module, self, subclass, /)",
        abc_subclasscheck,
        "issubclass() of an abstract base class.",
    ),
    f1(
        "_get_dump(module, self, /)",
        get_dump,
        "Registry, cache, negative cache and its version, for debugging.",
    ),
    f1(
        "_reset_registry(module, self, /)",
        reset_registry,
        "Empty the registry, for debugging.",
    ),
    f1(
        "_reset_caches(module, self, /)",
        reset_caches,
        "Empty both caches, for debugging.",
    ),
];

fn init(_vm: &mut Vm, _dict: &Value) -> Py<()> {
    ABC_DATA.define(&ABC_DATA_SPEC);
    Ok(())
}

// ---- the data of a class ----

/// The type `_abc._abc_data`.
pub static ABC_DATA: TypeObject = Type::declare("_abc._abc_data");

static LAYOUT: Layout = Layout::of::<AbcData>();

static ABC_DATA_SPEC: TypeSpec = TypeSpec {
    name: "_abc._abc_data",
    layout: Some(&LAYOUT),
    slots: taipan_core::Slots {
        new: Some(new_data),
        ..taipan_core::Slots::NONE
    },
    doc: "Internal state of abstract base classes.",
    ..TypeSpec::DEFAULT
};

/// Payload of the state that an abstract base class keeps in `_abc_impl`.
#[derive(Default)]
pub struct AbcData(Mutex<State>);

#[expect(unsafe_code, reason = "the contract of payloads")]
// SAFETY: the only references are to plain weak references, which refer to nothing: no cycle leads through them.
unsafe impl Payload for AbcData {
    fn type_object() -> &'static TypeObject {
        &ABC_DATA
    }
}

#[derive(Default)]
struct State {
    registry: WeakSet,
    cache: WeakSet,
    negative: WeakSet,
    /// The negative cache is valid as long as the interpreter's counter is the same.
    negative_version: u64,
}

/// Classes, weakly referenced, by address. An entry whose class is gone counts as absent, so addresses may be used again.
#[derive(Default)]
struct WeakSet {
    entries: HashMap<u64, Value>,
    /// Size at which dead entries are looked for.
    prune_at: usize,
}

impl WeakSet {
    fn contains(&self, class: &Value) -> bool {
        self.entries
            .get(&class.bits())
            .is_some_and(|entry| target(entry).is_some_and(|target| target.is(class)))
    }

    fn insert(&mut self, class: &Value, reference: Value) -> Option<Value> {
        if self.entries.len() >= self.prune_at.max(16) {
            self.entries.retain(|_, entry| target(entry).is_some());
            self.prune_at = self.entries.len() * 2;
        }
        self.entries.insert(class.bits(), reference)
    }

    fn alive(&self) -> Vec<Value> {
        self.entries.values().filter_map(target).collect()
    }

    fn references(&self) -> Vec<Value> {
        self.entries.values().cloned().collect()
    }
}

fn target(reference: &Value) -> Option<Value> {
    weakref::get(reference.cast::<WeakRef>()?)
}

impl AbcData {
    /// No Python code runs while the state is locked.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn new_data(vm: &mut Vm, cls: &TypeObject, _args: taipan_core::Args<'_>) -> Py {
    let data = AbcData::default();
    data.lock().negative_version = counter(vm).get();
    Ok(alloc::new_instance(cls, data))
}

/// An interpreter's count of registrations.
#[derive(Default)]
struct Counter(LatchCell<u64>);

fn counter(vm: &Vm) -> &'static LatchCell<u64> {
    &vm.interpreter_state::<Counter>().0
}

/// The data of an abstract base class, as an object of type `_abc_data`.
fn data_of(vm: &mut Vm, class: &Value) -> Py {
    let data = vm.get_attr(class, name!("_abc_impl"))?;
    if !data.is_exact(&ABC_DATA) {
        return Err(vm.type_error("_abc_impl is set to a wrong type"));
    }
    Ok(data)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    Registry,
    Cache,
    Negative,
}

fn is_in(data: &Value, which: Which, class: &Value) -> bool {
    let state = data.expect::<AbcData>().lock();
    match which {
        Which::Registry => state.registry.contains(class),
        Which::Cache => state.cache.contains(class),
        Which::Negative => state.negative.contains(class),
    }
}

fn add(vm: &mut Vm, data: &Value, which: Which, class: &Value) -> Py<()> {
    let reference = weakref::new_ref(vm, class, None)?;
    let mut state = data.expect::<AbcData>().lock();
    let set = match which {
        Which::Registry => &mut state.registry,
        Which::Cache => &mut state.cache,
        Which::Negative => &mut state.negative,
    };
    let old = set.insert(class, reference);
    drop(state);
    drop(old);
    Ok(())
}

// ---- the functions ----

fn get_cache_token(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::int(counter(vm).get() as i64))
}

fn abc_init(vm: &mut Vm, _module: &Value, class: &Value) -> Py {
    compute_abstract_methods(vm, class)?;
    let data = new_data(vm, &ABC_DATA, taipan_core::Args::NONE)?;
    vm.set_attr(class, name!("_abc_impl"), Some(&data))?;
    if let Some(ty) = class.cast::<Type>() {
        take_collection_flags(vm, ty)?;
    }
    Ok(Value::none())
}

/// CPython's numbers of the two flags that `__abc_tpflags__` may have.
const SEQUENCE_BIT: i64 = 1 << 5;
const MAPPING_BIT: i64 = 1 << 6;
const COLLECTION: TypeFlags = TypeFlags::SEQUENCE.union(TypeFlags::MAPPING);

/// `__abc_tpflags__` in a class body of `collections.abc` makes the class a sequence or a mapping for pattern matching.
fn take_collection_flags(vm: &mut Vm, class: &TypeObject) -> Py<()> {
    let Some(flags) = class.namespace().remove_name(name!("__abc_tpflags__")) else {
        return Ok(());
    };
    let Some(bits) = flags.as_i64() else {
        return Ok(());
    };
    let added = match (bits & SEQUENCE_BIT != 0, bits & MAPPING_BIT != 0) {
        (true, true) => {
            return Err(vm.type_error(
                "__abc_tpflags__ cannot be both Py_TPFLAGS_SEQUENCE and Py_TPFLAGS_MAPPING",
            ));
        }
        (true, false) => TypeFlags::SEQUENCE,
        (false, true) => TypeFlags::MAPPING,
        (false, false) => return Ok(()),
    };
    class.set_flags(class.flags() | added);
    Ok(())
}

/// Passes a registered class's collection flag on to its subclasses.
fn set_collection_flag(class: &TypeObject, flag: TypeFlags) {
    if !class.is_heap() || class.has(TypeFlags::IMMUTABLE) || class.flags() & COLLECTION == flag {
        return;
    }
    class.set_flags((class.flags() - COLLECTION) | flag);
    for subclass in class.subclasses() {
        if let Some(subclass) = subclass.cast::<Type>() {
            set_collection_flag(subclass, flag);
        }
    }
}

/// Sets `__abstractmethods__`: abstract things in the class body, and inherited ones that are still abstract.
fn compute_abstract_methods(vm: &mut Vm, class: &Value) -> Py<()> {
    let namespace = vm.get_attr(class, name!("__dict__"))?;
    let pairs = vm.call_method(&namespace, name!("items"), &[])?;
    let mut names = Vec::new();
    for pair in vm.to_vec(&pairs)? {
        if let Some([name, value]) = items(&pair)
            && is_abstract(vm, value)?
        {
            names.push(name.clone());
        }
    }
    let bases = vm.get_attr(class, name!("__bases__"))?;
    let Some(bases) = items(&bases) else {
        return Err(vm.type_error("__bases__ is not tuple"));
    };
    for base in bases {
        let Some(inherited) = vm.get_attr_opt(base, name!("__abstractmethods__"))? else {
            continue;
        };
        for name in vm.to_vec(&inherited)? {
            if is_str(&name)
                && let Some(value) = vm.get_attr_opt(class, &name)?
                && is_abstract(vm, &value)?
            {
                names.push(name);
            }
        }
    }
    let names = vm.call(&types::FROZENSET.to_value(), &[new_tuple(names)])?;
    vm.set_attr(class, name!("__abstractmethods__"), Some(&names))
}

fn is_abstract(vm: &mut Vm, value: &Value) -> Py<bool> {
    match vm.get_attr_opt(value, name!("__isabstractmethod__"))? {
        Some(flag) => vm.truth(&flag),
        None => Ok(false),
    }
}

fn abc_register(vm: &mut Vm, _module: &Value, class: &Value, subclass: &Value) -> Py {
    let Some(subtype) = subclass.cast::<Type>() else {
        return Err(vm.type_error("Can only register classes"));
    };
    if vm.is_subclass(subclass, class)? {
        return Ok(subclass.clone());
    }
    // Only after the test above, so that registering a class with itself changes nothing.
    if vm.is_subclass(class, subclass)? {
        return Err(vm.runtime_error("Refusing to create an inheritance cycle"));
    }
    let data = data_of(vm, class)?;
    add(vm, &data, Which::Registry, subclass)?;
    let counter = counter(vm);
    counter.set(counter.get() + 1);
    if let Some(class) = class.cast::<Type>() {
        let flag = class.flags() & COLLECTION;
        if !flag.is_empty() {
            set_collection_flag(subtype, flag);
        }
    }
    Ok(subclass.clone())
}

fn abc_instancecheck(vm: &mut Vm, _module: &Value, class: &Value, instance: &Value) -> Py {
    let data = data_of(vm, class)?;
    let subclass = match vm.get_attr_opt(instance, name!("__class__"))? {
        Some(claimed) => claimed,
        None => instance.type_of().to_value(),
    };
    if is_in(&data, Which::Cache, &subclass) {
        return Ok(Value::bool(true));
    }
    let subtype = instance.type_of().to_value();
    if subtype.is(&subclass) {
        let current = data.expect::<AbcData>().lock().negative_version == counter(vm).get();
        if current && is_in(&data, Which::Negative, &subclass) {
            return Ok(Value::bool(false));
        }
        return vm.call_method(class, name!("__subclasscheck__"), &[subclass]);
    }
    let result = vm.call_method(class, name!("__subclasscheck__"), &[subclass])?;
    if vm.truth(&result)? {
        return Ok(result);
    }
    vm.call_method(class, name!("__subclasscheck__"), &[subtype])
}

fn abc_subclasscheck(vm: &mut Vm, _module: &Value, class: &Value, subclass: &Value) -> Py {
    vm.check_stack()?;
    let Some(subtype) = subclass.cast::<Type>() else {
        return Err(vm.type_error("issubclass() arg 1 must be a class"));
    };
    let data = data_of(vm, class)?;
    if is_in(&data, Which::Cache, subclass) {
        return Ok(Value::bool(true));
    }
    if known_negative(vm, &data, subclass) {
        return Ok(Value::bool(false));
    }
    let hook = vm.call_method(
        class,
        name!("__subclasshook__"),
        std::slice::from_ref(subclass),
    )?;
    if !hook.is_not_implemented() {
        let which = match (hook.is_true(), hook.is_false()) {
            (true, _) => Which::Cache,
            (_, true) => Which::Negative,
            _ => {
                let message = "__subclasshook__ must return either False, True, or NotImplemented";
                return Err(vm.raise(&types::ASSERTION_ERROR, message));
            }
        };
        add(vm, &data, which, subclass)?;
        return Ok(hook);
    }
    if is_in(&data, Which::Registry, subclass) && !inherits(class, subtype) {
        return Ok(Value::bool(true));
    }
    let found = inherits(class, subtype)
        || subclass_of_registered(vm, &data, subclass)?
        || subclass_of_subclass(vm, class, subclass)?;
    add(
        vm,
        &data,
        if found { Which::Cache } else { Which::Negative },
        subclass,
    )?;
    Ok(Value::bool(found))
}

fn inherits(class: &Value, subtype: &TypeObject) -> bool {
    class
        .cast::<Type>()
        .is_some_and(|class| subtype.is_subtype(class))
}

/// Is the class in the negative cache? A cache from before the last registration is emptied.
fn known_negative(vm: &Vm, data: &Value, subclass: &Value) -> bool {
    let current = counter(vm).get();
    let mut state = data.expect::<AbcData>().lock();
    if state.negative_version == current {
        return state.negative.contains(subclass);
    }
    let stale = std::mem::take(&mut state.negative);
    state.negative_version = current;
    drop(state);
    drop(stale);
    false
}

fn subclass_of_registered(vm: &mut Vm, data: &Value, subclass: &Value) -> Py<bool> {
    let registered = data.expect::<AbcData>().lock().registry.alive();
    for class in registered {
        if vm.is_subclass(subclass, &class)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn subclass_of_subclass(vm: &mut Vm, class: &Value, subclass: &Value) -> Py<bool> {
    let subclasses = vm.call_method(class, name!("__subclasses__"), &[])?;
    if list_of(&subclasses).is_none() {
        return Err(vm.type_error("__subclasses__() must return a list"));
    }
    for class in vm.to_vec(&subclasses)? {
        if vm.is_subclass(subclass, &class)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn get_dump(vm: &mut Vm, _module: &Value, class: &Value) -> Py {
    let data = data_of(vm, class)?;
    let state = data.expect::<AbcData>().lock();
    let rows = [&state.registry, &state.cache, &state.negative].map(WeakSet::references);
    let version = state.negative_version;
    drop(state);
    let mut parts = Vec::with_capacity(4);
    for row in rows {
        parts.push(vm.call(&types::SET.to_value(), &[new_tuple(row)])?);
    }
    parts.push(Value::int(version as i64));
    Ok(new_tuple(parts))
}

fn reset_registry(vm: &mut Vm, _module: &Value, class: &Value) -> Py {
    let data = data_of(vm, class)?;
    let old = std::mem::take(&mut data.expect::<AbcData>().lock().registry);
    drop(old);
    Ok(Value::none())
}

fn reset_caches(vm: &mut Vm, _module: &Value, class: &Value) -> Py {
    let data = data_of(vm, class)?;
    let mut state = data.expect::<AbcData>().lock();
    let old = (
        std::mem::take(&mut state.cache),
        std::mem::take(&mut state.negative),
    );
    drop(state);
    drop(old);
    Ok(Value::none())
}
