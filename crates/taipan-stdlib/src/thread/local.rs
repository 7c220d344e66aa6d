//! `_thread._local`: an object with attributes of its own for each thread.

use std::cell::RefCell;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::str_eq;
use taipan_core::weakref::{self, WeakRef};
use taipan_core::{
    Args, Layout, Payload, Py, Slots, Tracer, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    alloc, name,
};

/// The type `_thread._local`.
pub static LOCAL: TypeObject = Type::declare("_thread._local");

#[derive(Default)]
struct State {
    /// Serial number of a thread, and its dict.
    dicts: Vec<(u64, Value)>,
    /// What a subclass's `__init__` is called with in each thread.
    args: Vec<Value>,
    names: Vec<Value>,
}

/// Payload of thread-local objects.
struct Local {
    state: Locked<State>,
}

impl HasState for Local {
    type State = State;
    fn cell(&self) -> &Locked<State> {
        &self.state
    }
}

// SAFETY: all references are reported.
unsafe impl Payload for Local {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &LOCAL
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        tracer.visit_all(state.dicts.iter().map(|(_, dict)| dict));
        tracer.visit_all(&state.args);
        tracer.visit_all(&state.names);
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        let state = unsafe { self.state.get_unlocked() };
        out.extend(state.dicts.drain(..).map(|(_, dict)| dict));
        out.append(&mut state.args);
        out.append(&mut state.names);
    }
}

fn overrides_init(cls: &TypeObject) -> bool {
    let plain = taipan_core::builtin_types::OBJECT.slots().init;
    cls.slots().init.map(|f| f as usize) != plain.map(|f| f as usize)
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if !args.is_empty() && !overrides_init(cls) {
        return Err(vm.type_error("Initialization arguments are not supported"));
    }
    let state = State {
        dicts: vec![(vm.thread().serial, new_dict())],
        args: args.all().to_vec(),
        names: args.names().to_vec(),
    };
    let made = alloc::new_instance(
        cls,
        Local {
            state: Locked::new(state),
        },
    );
    remember(vm, &made)?;
    Ok(made)
}

/// Weak references to the objects in which a thread has a dict, until it ends.
#[derive(Default)]
struct Used(RefCell<Vec<Value>>);

fn remember(vm: &mut Vm, local: &Value) -> Py<()> {
    let reference = weakref::new_ref(vm, local, None)?;
    vm.thread_state::<Used>().0.borrow_mut().push(reference);
    Ok(())
}

/// Drops the dicts of a thread that ends.
pub(super) fn forget(vm: &mut Vm) {
    let used = vm.thread_state::<Used>().0.take();
    let serial = vm.thread().serial;
    for reference in used {
        let target = reference
            .cast::<WeakRef>()
            .and_then(|reference| weakref::get(reference));
        let Some(local) = target.filter(|target| target.is_instance(&LOCAL)) else {
            continue;
        };
        let mut state = local.expect::<Local>().lock(vm);
        let mine = state.dicts.iter().position(|(own, _)| *own == serial);
        let dict = mine.map(|at| state.dicts.swap_remove(at));
        drop(state);
        drop(dict);
    }
}

/// This thread's dict; in a thread that has none yet, `__init__` is called on it.
fn dict_of(vm: &mut Vm, this: &Value) -> Py {
    let serial = vm.thread().serial;
    let object = this.expect::<Local>();
    let mut state = object.lock(vm);
    if let Some((_, dict)) = state.dicts.iter().find(|(own, _)| *own == serial) {
        return Ok(dict.clone());
    }
    let dict = new_dict();
    state.dicts.push((serial, dict.clone()));
    let (args, names) = (state.args.clone(), state.names.clone());
    drop(state);
    remember(vm, this)?;
    if overrides_init(this.type_of())
        && let Some(init) = this.type_of().slots().init
        && let Err(raised) = init(vm, this, Args::new(&args, &names))
    {
        let mut state = object.lock(vm);
        state.dicts.retain(|(own, _)| *own != serial);
        drop(state);
        return Err(raised);
    }
    Ok(dict)
}

fn get_attr(vm: &mut Vm, this: &Value, name: &Value) -> Py {
    let dict = dict_of(vm, this)?;
    if str_eq(name, name!("__dict__")) {
        return Ok(dict);
    }
    let ty = this.type_of();
    let found = ty.lookup(vm, name);
    if let Some(descriptor) = &found {
        let slots = descriptor.type_of().slots();
        if let (Some(get), Some(_)) = (slots.descr_get, slots.descr_set) {
            return get(vm, descriptor, Some(this), ty);
        }
    }
    if let Some(value) = dict.expect::<Dict>().get(vm, name)? {
        return Ok(value);
    }
    match found {
        Some(found) => match found.type_of().slots().descr_get {
            Some(get) => get(vm, &found, Some(this), ty),
            None => Ok(found),
        },
        None => Err(vm.no_attribute(this, name)),
    }
}

fn set_attr(vm: &mut Vm, this: &Value, name: &Value, value: Option<&Value>) -> Py<()> {
    let dict = dict_of(vm, this)?;
    if str_eq(name, name!("__dict__")) {
        let message = format!(
            "'{}' object attribute '__dict__' is read-only",
            this.type_of().full_name()
        );
        return Err(vm.attribute_error(message));
    }
    if let Some(descriptor) = this.type_of().lookup(vm, name)
        && let Some(set) = descriptor.type_of().slots().descr_set
    {
        return set(vm, &descriptor, this, value);
    }
    match value {
        Some(value) => {
            dict.expect::<Dict>().insert(vm, name, value.clone())?;
            Ok(())
        }
        None => match dict.expect::<Dict>().remove(vm, name)? {
            Some(_) => Ok(()),
            None => Err(vm.no_attribute(this, name)),
        },
    }
}

static LAYOUT: Layout = Layout::of::<Local>();
static SPEC: TypeSpec = TypeSpec {
    name: "_thread._local",
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        get_attr: Some(get_attr),
        set_attr: Some(set_attr),
        ..Slots::NONE
    },
    doc: "Thread-local data",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    LOCAL.define(&SPEC);
}
