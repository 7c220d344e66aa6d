//! The moment that a callback is told of: where its frame is, and where it wants the frame to go on (`f_lineno = n`).

use super::parts;
use super::tools::Event;
use super::unwatched;
use crate::code_object::CodeObject;
use crate::frame::Frame;
use std::cell::Cell;
use taipan_bytecode::Op;
use taipan_bytecode::landing::{self, Landing, Refusal};
use taipan_core::{Obj, Py, Value, Vm, builtin_types};

/// An event in a frame.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub frame: *mut Frame,
    pub event: Event,
    /// The instruction that it is about: `f_lasti`.
    pub unit: Option<u32>,
    /// The instruction before which the frame is, and how many of its operands are gone already.
    state: (u32, u32),
}

impl Moment {
    /// Of the running instruction.
    pub fn here(frame: *mut Frame, event: Event) -> Moment {
        // SAFETY: callers pass live frames.
        let unit = unsafe { (*frame).unit() };
        let mut state = (unit.unwrap_or(0), 0);
        let at = |unit: u32| {
            // SAFETY: as above.
            let code = &unsafe { (*frame).code() }.code;
            code.bytecode
                .get(2 * unit as usize)
                .and_then(|op| Op::from_u8(*op))
        };
        if event == Event::PyYield && at(state.0) == Some(Op::YieldValue) {
            state.1 = 1;
        }
        if event == Event::PyResume && at(state.0 + 1) == Some(Op::YieldFrom) {
            // It will run once more.
            state.0 += 1;
        }
        Moment {
            frame,
            event,
            unit,
            state,
        }
    }

    /// Of an instruction that is about to run, or (`unit`) of the jump that led to it.
    pub fn before(frame: *mut Frame, event: Event, unit: u32, next: u32) -> Moment {
        Moment {
            frame,
            event,
            unit: Some(unit),
            state: (next, 0),
        }
    }
}

/// What happens on this thread.
#[derive(Default)]
struct Now {
    moment: Cell<Option<Moment>>,
    landing: Cell<Option<Landing>>,
    /// The part of a fused instruction with which the watched loop begins.
    part: Cell<usize>,
}

/// Runs a callback for an event, unwatched.
pub(super) fn during<T>(vm: &mut Vm, moment: Moment, run: impl FnOnce(&mut Vm) -> T) -> T {
    let now = vm.thread_state::<Now>();
    let before = now.moment.replace(Some(moment));
    let result = unwatched(vm, run);
    now.moment.set(before);
    result
}

/// Where the last callback wants its frame to go on.
pub(super) fn take_landing(vm: &Vm) -> Option<Landing> {
    vm.thread_state::<Now>().landing.take()
}

/// The unit of the instruction that a callback is being told of, if it is about this frame.
pub(crate) fn unit_of(frame: *mut Frame) -> Option<u32> {
    // SAFETY: looked at only.
    let vm = unsafe { Vm::current() }?;
    let moment = vm.thread_state::<Now>().moment.get()?;
    if std::ptr::eq(moment.frame, frame) {
        moment.unit
    } else {
        None
    }
}

/// `f_lineno = line`: the frame that a callback is being told of will go on at another line.
pub(crate) fn set_line(vm: &mut Vm, frame: Option<*mut Frame>, line: i64) -> Py<()> {
    let now = vm.thread_state::<Now>();
    let Some(mut moment) = now
        .moment
        .get()
        .filter(|moment| Some(moment.frame) == frame)
    else {
        return Err(vm.value_error("f_lineno can only be set in a trace function"));
    };
    let refused = match moment.event {
        Event::Line
        | Event::Instruction
        | Event::Jump
        | Event::BranchLeft
        | Event::BranchRight
        | Event::PyResume
        | Event::PyYield => None,
        Event::PyStart => Some("can't jump from the 'call' trace event of a new frame"),
        Event::Call | Event::CReturn => Some("can't jump during a call"),
        _ => Some("can only jump from a 'line' trace event"),
    };
    if let Some(message) = refused {
        return Err(vm.value_error(message));
    }
    // SAFETY: a live frame.
    let code = unsafe { (*moment.frame).code() };
    let earlier = now.landing.get();
    let (from, popped) = earlier.map_or(moment.state, |landing| (landing.unit, 0));
    let mut landing = match landing::find(&code.code, from, popped, line) {
        Ok(landing) => landing,
        Err(refusal) => return Err(vm.value_error(wording(refusal, line))),
    };
    bind_unbound(vm, moment.frame, code)?;
    landing.handled = landing
        .handled
        .or(earlier.and_then(|earlier| earlier.handled));
    now.landing.set(Some(landing));
    moment.unit = Some(landing.unit);
    now.moment.set(Some(moment));
    Ok(())
}

fn wording(refusal: Refusal, line: i64) -> String {
    match refusal {
        Refusal::Before => format!("line {line} comes before the current code block"),
        Refusal::After => format!("line {line} comes after the current code block"),
        Refusal::Stack(text) => text.to_owned(),
    }
}

/// Code may rely on locals that were bound on every way to it: they become None.
fn bind_unbound(vm: &mut Vm, frame: *mut Frame, code: &Obj<CodeObject>) -> Py<()> {
    let unbound: Vec<usize> = (0..code.code.varnames.len())
        .filter(|slot| !code.cell_to_arg.contains(&Some(*slot as u32)))
        // SAFETY: a slot of the frame.
        .filter(|slot| unsafe { *Frame::locals(frame).add(*slot) } == 0)
        .collect();
    if unbound.is_empty() {
        return Ok(());
    }
    let s = if unbound.len() == 1 { "" } else { "s" };
    let message = format!("assigning None to {} unbound local{s}", unbound.len());
    vm.warn(&builtin_types::RUNTIME_WARNING, &message, 1)?;
    for slot in unbound {
        // SAFETY: a slot of the frame; the warning may have run Python, which may have bound it.
        unsafe {
            let word = Frame::locals(frame).add(slot);
            if *word == 0 {
                *word = Value::none().into_bits();
            }
        }
    }
    Ok(())
}

/// Moves the frame, whose stack ends at `sp`, to where a callback wants it. The number of the part of the fused instruction to
/// go on with; if it is not the first, `ip` is behind that instruction.
///
/// # Safety
/// `frame` is the thread's top frame, `landing` comes from the callback just run for it.
#[cold]
pub(crate) unsafe fn land(vm: &mut Vm, frame: *mut Frame, sp: *mut u64, landing: Landing) -> usize {
    // SAFETY: the caller's promise; `landing::find` made sure that the slots exist and hold what the code there expects.
    unsafe {
        let stack = Frame::stack(frame);
        let handled = landing
            .handled
            .map(|slot| (*stack.add(slot as usize).cast::<Value>()).clone());
        crate::unwind::cut(sp, stack.add(landing.depth as usize));
        if let Some(previous) = handled {
            drop(vm.swap_handled(Some(previous).filter(|previous| !previous.is_none())));
        }
        let code = (*frame).code();
        let quick = (*frame).quick();
        let (index, part) = parts::place_of_unit(quick, &code.code, landing.unit);
        (*frame).depth = landing.depth;
        (*frame).ip = quick.at(index + u32::from(part > 0));
        part
    }
}

/// [`land`] for a frame that no loop runs yet; the watched loop asks [`take_part`] where to begin.
///
/// # Safety
/// As for [`land`]; the watched loop is the next to run, on this frame.
#[cold]
pub(crate) unsafe fn land_outside(vm: &mut Vm, frame: *mut Frame, landing: Landing) {
    // SAFETY: the caller's promise.
    let part = unsafe {
        let sp = Frame::stack(frame).add((*frame).depth as usize);
        land(vm, frame, sp, landing)
    };
    vm.thread_state::<Now>().part.set(part);
}

/// With which part of a fused instruction the watched loop begins.
pub(crate) fn take_part(vm: &Vm) -> usize {
    vm.thread_state::<Now>().part.take()
}
