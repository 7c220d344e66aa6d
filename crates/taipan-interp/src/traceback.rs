//! Tracebacks: one entry for each frame an exception passed. Lines and carets are worked out only when somebody looks.

use crate::frame::Frame;
use crate::frame_object::{self, FrameObject};
use std::cell::UnsafeCell;
use taipan_core::payload::{Payload, Tracer};
use taipan_core::{TypeObject, Value, Vm, alloc, builtin_types, exception};

/// Payload of traceback objects.
pub struct Traceback {
    next: UnsafeCell<Option<Value>>,
    pub frame: Value,
    /// Unit index of the instruction that raised.
    pub unit: u32,
    /// A line given by hand (`types.TracebackType(...)`).
    pub line: Option<u32>,
    /// `tb_lasti` given by hand.
    lasti: Option<i32>,
}

// SAFETY: one word.
unsafe impl Sync for Traceback {}

// SAFETY: all references are reported.
unsafe impl Payload for Traceback {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &builtin_types::TRACEBACK
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        tracer.visit_option(unsafe { &*self.next.get() });
        tracer.visit(&self.frame);
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        out.extend(unsafe { (*self.next.get()).take() });
    }
}

impl Traceback {
    pub fn create(next: Option<Value>, frame: Value, unit: u32, line: Option<u32>) -> Value {
        alloc::new_object(Traceback {
            next: UnsafeCell::new(next),
            frame,
            unit,
            line,
            lasti: None,
        })
    }

    /// An entry as `types.TracebackType` makes it.
    pub fn by_hand(next: Option<Value>, frame: Value, lasti: i32, line: Option<u32>) -> Value {
        alloc::new_object(Traceback {
            next: UnsafeCell::new(next),
            frame,
            unit: lasti.max(0) as u32 / 2,
            line,
            lasti: Some(lasti),
        })
    }

    /// `tb_lasti`
    pub fn lasti(&self) -> i64 {
        self.lasti
            .map_or_else(|| 2 * i64::from(self.unit), i64::from)
    }

    pub fn next(&self) -> Option<Value> {
        // SAFETY: cloned before anything else runs.
        unsafe { (*self.next.get()).clone() }
    }

    pub fn set_next(&self, next: Option<Value>) {
        // SAFETY: one word; the old value is dropped after the exchange.
        drop(unsafe { std::mem::replace(&mut *self.next.get(), next) });
    }

    /// `tb_lineno`
    pub fn lineno(&self) -> Option<u32> {
        if self.line.is_some() {
            return self.line;
        }
        let frame = self.frame.expect::<FrameObject>();
        let code = &frame.code().code;
        taipan_bytecode::line_table::position_at(&code.linetable, code.firstlineno, self.unit)
            .line()
    }
}

/// Adds an entry for `frame` in front of the exception's traceback.
pub(crate) fn add_here(vm: &mut Vm, raised: &Value, frame: *mut Frame) {
    let next = exception::traceback(vm, raised);
    let entry = entry(vm, next, frame);
    exception::set_traceback(vm, raised, Some(entry));
}

/// A traceback of the running frame alone, if one runs.
pub fn here(vm: &mut Vm) -> Option<Value> {
    let frame = crate::frame::top(vm);
    (!frame.is_null()).then(|| entry(vm, None, frame))
}

fn entry(vm: &mut Vm, next: Option<Value>, frame: *mut Frame) -> Value {
    let object = frame_object::object_of(vm, frame);
    // SAFETY: a live frame.
    let unit = unsafe { (*frame).unit() };
    let line = unit
        .is_none()
        .then(|| object.expect::<FrameObject>().line())
        .flatten();
    Traceback::create(next, object, unit.unwrap_or(0), line)
}
