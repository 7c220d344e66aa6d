//! A shorter way for `call_soon`. Every step of a task goes through it, and the library's own (`asyncio.base_events`) takes five calls of
//! Python functions to append a `Handle` to a deque. If the loop's methods, `Handle` and what they refer to are surely those of the
//! embedded library, the handle is made and appended here, with the same contents.
//!
//! What "surely" means: the loop's shape has the version it had when everything was looked at, so neither its class nor the names of
//! its attributes have changed; `Handle` has its version; the two modules still refer to it; the functions still have their code. And
//! nobody traces, as the calls would be seen. `tests/stdlib/asyncio_loops.py` compares what both ways do.

use crate::collections::deque;
use std::any::TypeId;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use taipan_core::alloc::new_instance;
use taipan_core::descriptor::MemberDescriptor;
use taipan_core::dict_object::Dict;
use taipan_core::payload::Empty;
use taipan_core::shape::{Shape, entry};
use taipan_core::str_object::str_eq;
use taipan_core::tuple_object::{empty_tuple, new_tuple};
use taipan_core::{Py, Type, TypeFlags, TypeObject, Value, Vm, builtin_types, instance, name};
use taipan_interp::function::Function;

/// What was looked at.
struct Known {
    /// That of the loop's shape.
    version: u32,
    handle_class: Value,
    handle_version: u32,
    /// `asyncio.events`, as `asyncio.base_events` calls it.
    events: Value,
    /// `events` in `asyncio.base_events`, `Handle` in `asyncio.events`.
    names: [Place; 2],
    /// Functions and their code.
    functions: [(Value, Value); 6],
    /// The places of `PLACES` in a handle.
    places: [u32; 7],
}

/// A thread's.
#[derive(Default)]
struct Cache {
    known: RefCell<Option<Rc<Known>>>,
    /// The version of a loop's shape that had something else.
    refused: Cell<u32>,
}

/// A global name of a module: its dict, the version of its keys and the entry's number.
struct Place {
    dict: Value,
    version: u32,
    entry: usize,
}

impl Place {
    fn of(dict: Value, name: &Value) -> Option<Place> {
        let globals = dict.cast::<Dict>()?;
        let version = globals.assign_keys_version();
        let entry = globals.index_of_name(name)?;
        (version != 0).then_some(Place {
            version,
            entry,
            dict,
        })
    }

    fn refers_to(&self, value: &Value) -> bool {
        let globals = self.dict.expect::<Dict>();
        globals
            .cached_value(self.version, self.entry)
            .is_some_and(|found| found.is(value))
    }
}

fn code_of(function: &Value) -> Option<Value> {
    let function = function.cast_exact::<Function>()?;
    Some(function.code().to_value())
}

impl Known {
    /// Is everything but the loop as it was?
    fn holds(&self) -> bool {
        self.handle_class.expect::<Type>().version() == self.handle_version
            && self.names[0].refers_to(&self.events)
            && self.names[1].refers_to(&self.handle_class)
            && self.functions.iter().all(|(function, code)| {
                let now = function.cast_exact::<Function>().map(|now| now.code());
                now.is_some_and(|now| std::ptr::from_ref(now) as u64 == code.bits())
            })
    }
}

/// The function `name` of `class`, if it is that of the library's module `file`.
fn library_function(vm: &mut Vm, class: &TypeObject, name: &Value, file: &str) -> Option<Value> {
    let found = class.lookup(vm, name)?;
    let function = found.cast_exact::<Function>()?;
    let code = function.code();
    let path = taipan_core::str_object::str_of(&code.filename)?;
    let from_library = path.ascii().is_some_and(|path| path == file);
    (from_library && str_eq(&code.name, name)).then(|| found.clone())
}

/// Looks at everything.
fn look(vm: &mut Vm, event_loop: &Value, version: u32) -> Option<Known> {
    const LOOPS: &str = "/<taipan>/asyncio/base_events.py";
    const EVENTS: &str = "/<taipan>/asyncio/events.py";
    let shape = Shape::get(event_loop.shape())?;
    let class = event_loop.type_of();
    let methods = [
        name!("call_soon"),
        name!("_call_soon"),
        name!("_check_closed"),
        name!("get_debug"),
        name!("is_running"),
    ];
    let mut functions = Vec::with_capacity(methods.len() + 1);
    for method in methods {
        if shape.slot_of(method).is_some() {
            return None;
        }
        functions.push(library_function(vm, class, method, LOOPS)?);
    }
    for attribute in [
        name!("_closed"),
        name!("_debug"),
        name!("_ready"),
        name!("_thread_id"),
    ] {
        if class.lookup(vm, attribute).is_some() {
            return None;
        }
    }
    let loop_globals = functions[1].cast_exact::<Function>()?.globals.clone();
    let events = loop_globals.cast::<Dict>()?.get_name(name!("events"))?;
    if !events.is_exact(&builtin_types::MODULE) {
        return None;
    }
    let handle_class = events_attribute(vm, &events, name!("Handle"))?;
    let handle_type = handle_class.cast::<Type>()?;
    let init = library_function(vm, handle_type, name!("__init__"), EVENTS)?;
    let event_globals = init.cast_exact::<Function>()?.globals.clone();
    functions.push(init);
    let places = handle_places(vm, handle_type)?;
    let functions = functions
        .into_iter()
        .map(|function| {
            let code = code_of(&function)?;
            Some((function, code))
        })
        .collect::<Option<Vec<_>>>()?;
    let known = Known {
        version,
        handle_version: handle_type.version(),
        events,
        names: [
            Place::of(loop_globals, name!("events"))?,
            Place::of(event_globals, name!("Handle"))?,
        ],
        functions: functions.try_into().ok()?,
        places,
        handle_class,
    };
    (known.handle_version != 0 && known.holds()).then_some(known)
}

fn events_attribute(vm: &mut Vm, events: &Value, name: &Value) -> Option<Value> {
    match vm.get_attr_opt(events, name) {
        Ok(found) => found,
        Err(raised) => {
            drop(vm.take_raised(raised));
            None
        }
    }
}

/// Where a `Handle` keeps what, if its instances are made as those of any plain class are.
fn handle_places(vm: &mut Vm, class: &TypeObject) -> Option<[u32; 7]> {
    let slots = class.slots();
    let plain = class.to_value().is_exact(&builtin_types::TYPE)
        && class.layout().id == TypeId::of::<Empty>()
        && !class.has(TypeFlags::DICT)
        && slots.set_attr.map(|set| set as usize)
            == builtin_types::OBJECT
                .slots()
                .set_attr
                .map(|set| set as usize)
        && slots.new.map(|new| new as usize)
            == builtin_types::OBJECT.slots().new.map(|new| new as usize);
    if !plain {
        return None;
    }
    let names = [
        name!("_callback"),
        name!("_args"),
        name!("_cancelled"),
        name!("_loop"),
        name!("_source_traceback"),
        name!("_repr"),
        name!("_context"),
    ];
    let mut places = [0; 7];
    for (place, name) in places.iter_mut().zip(names) {
        let found = class.lookup(vm, name)?;
        let member = found.cast_exact::<MemberDescriptor>()?;
        if !std::ptr::eq(member.owner(), class) || member.slot()? >= class.fixed_slots() {
            return None;
        }
        *place = member.slot()?;
    }
    Some(places)
}

/// What is known of a loop, if it may be used now.
fn known(vm: &mut Vm, event_loop: &Value) -> Option<Rc<Known>> {
    if vm.thread().tracing.get() != 0 || !event_loop.is_object() {
        return None;
    }
    let version = entry(event_loop.shape()).version();
    let cache = vm.thread_state::<Cache>();
    if version == 0 || cache.refused.get() == version {
        return None;
    }
    let cached = cache.known.borrow().clone();
    if let Some(known) = cached.filter(|known| known.version == version && known.holds()) {
        return Some(known);
    }
    let found = look(vm, event_loop, version).map(Rc::new);
    if found.is_none() {
        cache.refused.set(version);
    }
    let old = cache.known.replace(found.clone());
    drop(old);
    found
}

fn is_false(event_loop: &Value, attribute: &Value) -> bool {
    instance::get(event_loop, attribute).is_some_and(|value| value.is_false())
}

/// `event_loop.get_debug()`, if it is surely false.
pub(super) fn surely_not_debugging(vm: &mut Vm, event_loop: &Value) -> bool {
    known(vm, event_loop).is_some() && is_false(event_loop, name!("_debug"))
}

/// `event_loop.is_running()`, if it is surely true.
pub(super) fn surely_running(vm: &mut Vm, event_loop: &Value) -> bool {
    known(vm, event_loop).is_some()
        && instance::get(event_loop, name!("_thread_id")).is_some_and(|id| !id.is_none())
}

/// `event_loop.call_soon(callback, *argument, context=context)`; false if that must be called.
pub(super) fn call_soon(
    vm: &mut Vm,
    event_loop: &Value,
    callback: &Value,
    argument: Option<&Value>,
    context: &Value,
) -> Py<bool> {
    let Some(known) = known(vm, event_loop) else {
        return Ok(false);
    };
    if context.is_none()
        || !is_false(event_loop, name!("_closed"))
        || !is_false(event_loop, name!("_debug"))
    {
        return Ok(false);
    }
    let ready = instance::get(event_loop, name!("_ready"));
    let Some(ready) = ready.filter(|ready| ready.is_exact(&deque::DEQUE)) else {
        return Ok(false);
    };
    let handle = new_instance(known.handle_class.expect::<Type>(), Empty);
    let contents = [
        callback.clone(),
        match argument {
            Some(argument) => new_tuple([argument.clone()]),
            None => empty_tuple(),
        },
        Value::bool(false),
        event_loop.clone(),
        Value::none(),
        Value::none(),
        context.clone(),
    ];
    for (place, value) in known.places.iter().zip(contents) {
        instance::set_fixed(&handle, *place, Some(value));
    }
    deque::push_right(vm, ready.expect::<deque::Deque>(), handle)?;
    Ok(true)
}
