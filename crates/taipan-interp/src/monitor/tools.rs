//! The state behind `sys.monitoring` (PEP 669): six tools, each with events, for all code or for single code objects, and a
//! callback for each event.

use super::moment::{Moment, during};
use super::refresh;
use crate::code_object::CodeObject;
use crate::frame::Frame;
use std::collections::{HashMap, HashSet};
use taipan_core::latch::{Latch, LatchCell};
use taipan_core::{Payload, Py, Type, TypeObject, TypeSpec, Value, Vm, alloc, builtin_types};

/// Number of tools that programs may use.
pub const TOOLS: usize = 6;

macro_rules! events {
    ($($name:ident $text:literal)*) => {
        /// What can be watched; the number is the bit in an event set.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        pub enum Event { $($name),* }

        impl Event {
            /// All events in the order of their bits.
            pub const ALL: &[Event] = &[$(Event::$name),*];

            /// The name in `sys.monitoring.events`.
            pub fn name(self) -> &'static str {
                match self { $(Event::$name => $text),* }
            }
        }
    };
}

events! {
    PyStart "PY_START"
    PyResume "PY_RESUME"
    PyReturn "PY_RETURN"
    PyYield "PY_YIELD"
    Call "CALL"
    Line "LINE"
    Instruction "INSTRUCTION"
    Jump "JUMP"
    BranchLeft "BRANCH_LEFT"
    BranchRight "BRANCH_RIGHT"
    StopIteration "STOP_ITERATION"
    Raise "RAISE"
    ExceptionHandled "EXCEPTION_HANDLED"
    PyUnwind "PY_UNWIND"
    PyThrow "PY_THROW"
    Reraise "RERAISE"
    CReturn "C_RETURN"
    CRaise "C_RAISE"
    Branch "BRANCH"
}

impl Event {
    /// Its bit in an event set.
    pub const fn bit(self) -> u32 {
        1 << self as u8
    }

    /// Does it happen at a place in the code, so that it can be switched off there and set for single code objects?
    pub const fn is_local(self) -> bool {
        (self as u8) <= Event::StopIteration as u8
    }
}

/// All bits.
pub const ALL_EVENTS: u32 = (1 << Event::ALL.len()) - 1;
const LOCAL_EVENTS: u32 = (1 << (Event::StopIteration as u32 + 1)) - 1;
const C_EVENTS: u32 = Event::CReturn.bit() | Event::CRaise.bit();

/// One tool.
#[derive(Default)]
struct Tool {
    name: Option<Value>,
    events: u32,
    callbacks: HashMap<u8, Value>,
    /// The callback for branches was registered for both ways at once.
    both_ways: bool,
    /// By the address of the code object, which is kept alive.
    local: HashMap<u64, (Value, u32)>,
    /// `(code, unit, event)` where a callback answered `DISABLE`. The code objects are kept alive.
    disabled: HashSet<(u64, u32, u8)>,
    kept: HashMap<u64, Value>,
}

#[derive(Default)]
struct State {
    tools: Latch<[Tool; TOOLS]>,
    active: LatchCell<bool>,
}

fn state(vm: &Vm) -> &'static State {
    vm.interpreter_state::<State>()
}

/// Does any tool watch anything?
pub(super) fn active(vm: &Vm) -> bool {
    state(vm).active.get()
}

fn changed(vm: &Vm) {
    let state = state(vm);
    let active = state
        .tools
        .borrow()
        .iter()
        .any(|tool| tool.events != 0 || !tool.local.is_empty());
    state.active.set(active);
    refresh(vm);
    super::ask_all(vm);
}

// ---- sentinels ----

static SENTINEL: TypeObject = Type::declare("object");

struct Marker;

// SAFETY: no references.
unsafe impl Payload for Marker {
    fn type_object() -> &'static TypeObject {
        &SENTINEL
    }
}

static SENTINEL_SPEC: TypeSpec = TypeSpec {
    name: "object",
    layout: Some(const { &taipan_core::Layout::of::<Marker>() }),
    ..TypeSpec::DEFAULT
};

#[derive(Default)]
struct Sentinels {
    disable: std::sync::OnceLock<Value>,
    missing: std::sync::OnceLock<Value>,
}

fn sentinel() -> Value {
    SENTINEL.define(&SENTINEL_SPEC);
    alloc::new_object(Marker)
}

/// `sys.monitoring.DISABLE`
pub fn disable(vm: &Vm) -> Value {
    vm.interpreter_state::<Sentinels>()
        .disable
        .get_or_init(sentinel)
        .clone()
}

/// `sys.monitoring.MISSING`
pub fn missing(vm: &Vm) -> Value {
    vm.interpreter_state::<Sentinels>()
        .missing
        .get_or_init(sentinel)
        .clone()
}

// ---- what `sys.monitoring` does ----

fn check_tool(vm: &mut Vm, tool: i64) -> Py<usize> {
    match usize::try_from(tool) {
        Ok(tool) if tool < TOOLS => Ok(tool),
        _ => Err(vm.value_error(format!("invalid tool {tool} (must be between 0 and 5)"))),
    }
}

fn check_used(vm: &mut Vm, tool: i64) -> Py<usize> {
    let tool = check_tool(vm, tool)?;
    if state(vm).tools.borrow()[tool].name.is_none() {
        return Err(vm.value_error(format!("tool {tool} is not in use")));
    }
    Ok(tool)
}

/// `use_tool_id(tool, name)`
pub fn use_tool(vm: &mut Vm, tool: i64, name: &Value) -> Py<()> {
    let tool = check_tool(vm, tool)?;
    if !taipan_core::str_object::is_str(name) {
        return Err(vm.value_error("tool name must be a str"));
    }
    if state(vm).tools.borrow()[tool].name.is_some() {
        return Err(vm.value_error(format!("tool {tool} is already in use")));
    }
    state(vm).tools.borrow_mut()[tool].name = Some(name.clone());
    Ok(())
}

/// `clear_tool_id(tool)`: forgets events and callbacks.
pub fn clear_tool(vm: &mut Vm, tool: i64) -> Py<()> {
    let tool = check_tool(vm, tool)?;
    let old = {
        let mut tools = state(vm).tools.borrow_mut();
        let name = tools[tool].name.clone();
        std::mem::replace(
            &mut tools[tool],
            Tool {
                name,
                ..Tool::default()
            },
        )
    };
    drop(old);
    changed(vm);
    Ok(())
}

/// `free_tool_id(tool)`
pub fn free_tool(vm: &mut Vm, tool: i64) -> Py<()> {
    clear_tool(vm, tool)?;
    let tool = check_tool(vm, tool)?;
    let old = state(vm).tools.borrow_mut()[tool].name.take();
    drop(old);
    Ok(())
}

/// `get_tool(tool)`: its name.
pub fn get_tool(vm: &mut Vm, tool: i64) -> Py<Option<Value>> {
    let tool = check_tool(vm, tool)?;
    Ok(state(vm).tools.borrow()[tool].name.clone())
}

/// `register_callback(tool, event, function)`: the callback there was.
pub fn register_callback(
    vm: &mut Vm,
    tool: i64,
    event: i64,
    function: Option<Value>,
) -> Py<Option<Value>> {
    let tool = check_tool(vm, tool)?;
    let index = u32::try_from(event)
        .ok()
        .filter(|event| event.is_power_of_two() && event & ALL_EVENTS != 0);
    let Some(event) = index.map(u32::trailing_zeros) else {
        let message = if event == 0 || event > 0 && event.count_ones() > 1 {
            "The callback can only be set for one event at a time".to_owned()
        } else {
            format!("invalid event {event}")
        };
        return Err(vm.value_error(message));
    };
    let events: &[u8] = if event == Event::Branch as u32 {
        &[Event::BranchLeft as u8, Event::BranchRight as u8]
    } else {
        &[event as u8]
    };
    let mut tools = state(vm).tools.borrow_mut();
    let mut old = None;
    if events.contains(&(Event::BranchLeft as u8)) || events.contains(&(Event::BranchRight as u8)) {
        tools[tool].both_ways = events.len() > 1;
    }
    for event in events {
        old = match &function {
            Some(function) => tools[tool].callbacks.insert(*event, function.clone()),
            None => tools[tool].callbacks.remove(event),
        };
    }
    Ok(old)
}

/// A set of events with `BRANCH` for its two halves.
fn check_events(vm: &mut Vm, events: i64, allowed: u32) -> Py<u32> {
    let local = if allowed == ALL_EVENTS { "" } else { "local " };
    let mut set = match u32::try_from(events) {
        Ok(set) if set & !ALL_EVENTS == 0 => set,
        _ => {
            let bits = events as u32;
            return Err(vm.value_error(format!("invalid {local}event set 0x{bits:x}")));
        }
    };
    if set & Event::Branch.bit() != 0 {
        set = set & !Event::Branch.bit() | Event::BranchLeft.bit() | Event::BranchRight.bit();
    }
    if set & C_EVENTS != 0 {
        if set & (C_EVENTS | Event::Call.bit()) != C_EVENTS | Event::Call.bit() {
            return Err(vm.value_error("cannot set C_RETURN or C_RAISE events independently"));
        }
        set &= !C_EVENTS;
    }
    if set & !allowed != 0 {
        return Err(vm.value_error(format!("invalid local event set 0x{events:x}")));
    }
    Ok(set)
}

/// `get_events(tool)`
pub fn get_events(vm: &mut Vm, tool: i64) -> Py<u32> {
    let tool = check_tool(vm, tool)?;
    Ok(state(vm).tools.borrow()[tool].events)
}

/// `set_events(tool, set)`
pub fn set_events(vm: &mut Vm, tool: i64, events: i64) -> Py<()> {
    let tool = check_used(vm, tool)?;
    let events = check_events(vm, events, ALL_EVENTS)?;
    {
        let mut tools = state(vm).tools.borrow_mut();
        let removed = std::mem::replace(&mut tools[tool].events, events) & !events;
        // What is switched off and on again is not disabled any more.
        tools[tool]
            .disabled
            .retain(|(_, _, event)| removed & 1 << event == 0);
    }
    changed(vm);
    Ok(())
}

/// The tools that watch an event everywhere, as a set of bits.
pub fn watched_by(vm: &Vm, event: Event) -> u32 {
    let tools = state(vm).tools.borrow();
    tools
        .iter()
        .enumerate()
        .filter(|(_, tool)| tool.events & event.bit() != 0)
        .map(|(index, _)| 1 << index)
        .sum()
}

fn check_code(vm: &mut Vm, code: &Value) -> Py<()> {
    if code.is_exact(&builtin_types::CODE) {
        return Ok(());
    }
    Err(vm.type_error("code must be a code object"))
}

/// `get_local_events(tool, code)`
pub fn get_local_events(vm: &mut Vm, tool: i64, code: &Value) -> Py<u32> {
    check_code(vm, code)?;
    let tool = check_tool(vm, tool)?;
    Ok(state(vm).tools.borrow()[tool]
        .local
        .get(&code.bits())
        .map_or(0, |(_, events)| *events))
}

/// `set_local_events(tool, code, set)`
pub fn set_local_events(vm: &mut Vm, tool: i64, code: &Value, events: i64) -> Py<()> {
    check_code(vm, code)?;
    let tool = check_used(vm, tool)?;
    let events = check_events(vm, events, LOCAL_EVENTS)?;
    let old = {
        let mut tools = state(vm).tools.borrow_mut();
        let before = tools[tool].local.get(&code.bits());
        let removed = before.map_or(0, |(_, events)| *events) & !events;
        let here = code.bits();
        tools[tool]
            .disabled
            .retain(|(code, _, event)| *code != here || removed & 1 << event == 0);
        if events == 0 {
            tools[tool].local.remove(&code.bits())
        } else {
            tools[tool]
                .local
                .insert(code.bits(), (code.clone(), events))
        }
    };
    drop(old);
    changed(vm);
    Ok(())
}

/// `restart_events()`: undoes all `DISABLE` answers.
pub fn restart_events(vm: &mut Vm) {
    let old: Vec<_> = state(vm)
        .tools
        .borrow_mut()
        .iter_mut()
        .map(|tool| {
            tool.disabled.clear();
            std::mem::take(&mut tool.kept)
        })
        .collect();
    drop(old);
}

// ---- events ----

/// Reports an event to all tools that want it: `callback(code, offset, *more)`.
pub(super) fn at(vm: &mut Vm, moment: Moment, more: &[Value]) -> Py<()> {
    report(vm, moment, true, more)
}

/// Reports that a line begins: `callback(code, line)`.
pub(super) fn line(vm: &mut Vm, moment: Moment, line: u32) -> Py<()> {
    report(vm, moment, false, &[Value::int(i64::from(line))])
}

/// Reports that a jump will lead to a unit: `callback(code, offset, destination)`.
pub(super) fn jumped(vm: &mut Vm, moment: Moment, to: u32) -> Py<()> {
    report(vm, moment, true, &[Value::int(2 * i64::from(to))])
}

/// Reports what the conditional jump at `from` has led to: left is the way straight on.
pub(super) fn branched(vm: &mut Vm, frame: *mut Frame, from: u32, to: u32) -> Py<()> {
    let event = if to == from + 1 {
        Event::BranchLeft
    } else {
        Event::BranchRight
    };
    jumped(vm, Moment::before(frame, event, from, to), to)
}

/// Which tools want the event here, with their callbacks.
fn wanting(vm: &Vm, code: u64, event: Event, unit: u32) -> Vec<(usize, Value)> {
    let wanted = match event {
        // These come with CALL.
        Event::CReturn | Event::CRaise => Event::Call.bit(),
        _ => event.bit(),
    };
    let tools = state(vm).tools.borrow();
    tools
        .iter()
        .enumerate()
        .filter(|(_, tool)| {
            let local = tool.local.get(&code).map_or(0, |(_, events)| *events);
            (tool.events | local) & wanted != 0
                && !tool.disabled.contains(&(code, unit, event as u8))
        })
        .filter_map(|(index, tool)| Some((index, tool.callbacks.get(&(event as u8))?.clone())))
        .collect()
}

fn report(vm: &mut Vm, moment: Moment, offset: bool, more: &[Value]) -> Py<()> {
    // SAFETY: a live frame; the code is kept by the value.
    let code = unsafe { &*moment.frame }.code().to_value();
    debug_assert!(code.cast::<CodeObject>().is_some());
    let unit = moment.unit.unwrap_or(0);
    for (tool, callback) in wanting(vm, code.bits(), moment.event, unit) {
        let mut args = Vec::with_capacity(more.len() + 2);
        args.push(code.clone());
        args.extend(offset.then(|| Value::int(2 * i64::from(unit))));
        args.extend(more.iter().cloned());
        let answer = during(vm, moment, |vm| vm.call(&callback, &args))?;
        if answer.is(&disable(vm)) {
            disable_here(vm, tool, &code, moment.event, unit)?;
        }
    }
    Ok(())
}

fn disable_here(vm: &mut Vm, tool: usize, code: &Value, event: Event, unit: u32) -> Py<()> {
    if event.is_local() {
        let mut tools = state(vm).tools.borrow_mut();
        let ways = [Event::BranchLeft, Event::BranchRight];
        let events: &[Event] = if tools[tool].both_ways && ways.contains(&event) {
            &ways
        } else {
            &[event]
        };
        for event in events {
            tools[tool]
                .disabled
                .insert((code.bits(), unit, *event as u8));
        }
        tools[tool].kept.insert(code.bits(), code.clone());
        return Ok(());
    }
    let old = state(vm).tools.borrow_mut()[tool]
        .callbacks
        .remove(&(event as u8));
    drop(old);
    let message = format!("Cannot disable {} events. Callback removed.", event.name());
    Err(vm.value_error(message))
}
