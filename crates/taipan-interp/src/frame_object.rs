//! Frames as Python sees them. While the frame lives the object looks into it; when it ends, the object takes its locals over.
//! What Python sees of it is in `frame_type`.

use crate::code_object::CodeObject;
use crate::frame::Frame;
use std::cell::{Cell, UnsafeCell};
use taipan_core::payload::{Payload, Tracer};
use taipan_core::{Obj, TypeObject, Value, Vm, alloc, builtin_types};

/// Payload of frame objects.
pub struct FrameObject {
    live: Cell<*mut Frame>,
    /// The locals, once the frame has ended.
    owned: UnsafeCell<Vec<Option<Value>>>,
    pub function: Value,
    locals_map: UnsafeCell<Option<Value>>,
    /// The caller's frame object, once the frame has ended.
    back: UnsafeCell<Option<Value>>,
    /// Unit index of the last instruction, once the frame has ended.
    last_unit: Cell<Option<u32>>,
    /// `f_trace`, and whether lines and opcodes are traced.
    pub trace: UnsafeCell<Option<Value>>,
    pub trace_lines: Cell<bool>,
    pub trace_opcodes: Cell<bool>,
    /// Names that were put into `f_locals` beyond the code's own.
    pub extra_locals: UnsafeCell<Option<Value>>,
}

// SAFETY: cells of one word; a frame runs on one thread.
unsafe impl Sync for FrameObject {}

// SAFETY: all counted references are reported; those of a live frame belong to the frame.
unsafe impl Payload for FrameObject {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &builtin_types::FRAME
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        unsafe {
            (*self.owned.get())
                .iter()
                .for_each(|value| tracer.visit_option(value));
            tracer.visit(&self.function);
            tracer.visit_option(&*self.locals_map.get());
            tracer.visit_option(&*self.back.get());
            tracer.visit_option(&*self.trace.get());
            tracer.visit_option(&*self.extra_locals.get());
        }
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        unsafe {
            out.extend((*self.owned.get()).drain(..).flatten());
            out.extend((*self.locals_map.get()).take());
            out.extend((*self.back.get()).take());
            out.extend((*self.trace.get()).take());
            out.extend((*self.extra_locals.get()).take());
        }
    }
}

impl FrameObject {
    /// The live frame.
    pub fn live(&self) -> Option<*mut Frame> {
        let frame = self.live.get();
        if frame.is_null() { None } else { Some(frame) }
    }

    pub fn code(&self) -> &Obj<CodeObject> {
        self.function.expect::<crate::function::Function>().code()
    }

    /// Unit index of the current (or last) instruction.
    pub fn unit(&self) -> Option<u32> {
        match self.live() {
            Some(frame) => {
                // SAFETY: a live frame.
                crate::monitor::unit_of(frame).or_else(|| unsafe { (*frame).unit() })
            }
            None => self.last_unit.get(),
        }
    }

    /// The current line.
    pub fn line(&self) -> Option<u32> {
        let code = &self.code().code;
        match self.unit() {
            Some(unit) => {
                taipan_bytecode::line_table::position_at(&code.linetable, code.firstlineno, unit)
                    .line()
            }
            None => Some(code.line_of_beginning()),
        }
    }

    /// The locals mapping of code that is not optimised.
    pub fn locals_map(&self) -> Option<Value> {
        match self.live() {
            // SAFETY: a live frame.
            Some(frame) => unsafe { (*frame).locals_map.clone() },
            // SAFETY: cloned before anything else runs.
            None => unsafe { (*self.locals_map.get()).clone() },
        }
    }

    /// The value in a fast slot.
    pub fn local(&self, slot: usize) -> Option<Value> {
        match self.live() {
            // SAFETY: callers pass slots of the code.
            Some(frame) => unsafe {
                let word = Frame::locals(frame).add(slot);
                if *word == 0 {
                    None
                } else {
                    Some((*word.cast::<Value>()).clone())
                }
            },
            // SAFETY: cloned before anything else runs.
            None => unsafe { &*self.owned.get() }.get(slot).cloned().flatten(),
        }
    }

    /// Stores into a fast slot; gives the old value.
    pub fn set_local(&self, slot: usize, value: Option<Value>) -> Option<Value> {
        match self.live() {
            // SAFETY: callers pass slots of the code.
            Some(frame) => unsafe {
                let word = Frame::locals(frame).add(slot);
                let old = std::mem::replace(&mut *word, value.map_or(0, Value::into_bits));
                if old == 0 {
                    None
                } else {
                    Some(Value::from_bits(old))
                }
            },
            // SAFETY: one word.
            None => unsafe { &mut *self.owned.get() }
                .get_mut(slot)
                .and_then(|own| std::mem::replace(own, value)),
        }
    }

    /// The caller's frame object.
    pub fn back(&self, vm: &mut Vm) -> Option<Value> {
        match self.live() {
            Some(frame) => {
                // SAFETY: a live frame's caller is live, or null.
                let previous = unsafe { (*frame).previous };
                if previous.is_null() {
                    None
                } else {
                    Some(object_of(vm, previous))
                }
            }
            // SAFETY: cloned before anything else runs.
            None => unsafe { (*self.back.get()).clone() },
        }
    }

    /// Drops the locals of an ended frame (`frame.clear()`).
    pub fn clear_locals(&self) {
        // SAFETY: the vector is taken out before its items are dropped.
        let old = unsafe { std::mem::take(&mut *self.owned.get()) };
        drop(old);
    }
}

/// The object of the frame `depth` calls up.
pub fn nth(vm: &mut Vm, depth: usize) -> Option<Value> {
    let mut frame = crate::frame::top(vm);
    for _ in 0..depth {
        if frame.is_null() {
            return None;
        }
        // SAFETY: the thread's frames are live.
        frame = unsafe { (*frame).previous };
    }
    if frame.is_null() {
        None
    } else {
        Some(object_of(vm, frame))
    }
}

/// The object of the innermost frame of a thread. For whoever has the turn.
pub fn top_of(vm: &mut Vm, thread: &taipan_core::Thread) -> Option<Value> {
    let frame = thread.frame.get() as *mut Frame;
    (!frame.is_null()).then(|| object_of(vm, frame))
}

/// The Python-visible object of a frame, made on first use.
pub(crate) fn object_of(_vm: &mut Vm, frame: *mut Frame) -> Value {
    // SAFETY: callers pass live frames.
    unsafe {
        if let Some(object) = &(*frame).frame_object {
            return object.clone();
        }
        let object = alloc::new_object(FrameObject {
            live: Cell::new(frame),
            owned: UnsafeCell::new(Vec::new()),
            function: (*frame).function.clone(),
            locals_map: UnsafeCell::new(None),
            back: UnsafeCell::new(None),
            last_unit: Cell::new(None),
            trace: UnsafeCell::new(None),
            trace_lines: Cell::new(true),
            trace_opcodes: Cell::new(false),
            extra_locals: UnsafeCell::new(None),
        });
        (*frame).frame_object = Some(object.clone());
        object
    }
}

/// The frame ends: its object, if others hold it, takes the locals over.
///
/// # Safety
/// The frame is live, has an object, and ends now.
#[cold]
pub unsafe fn detach(frame: *mut Frame) {
    // SAFETY: the caller's promise.
    unsafe {
        let Some(value) = (*frame).frame_object.take() else {
            return;
        };
        let object = value.expect::<FrameObject>();
        object.last_unit.set((*frame).unit());
        object.live.set(std::ptr::null_mut());
        let alone = value
            .header()
            .is_some_and(|header| taipan_core::refcount::count(header) == 1);
        if alone {
            return;
        }
        *object.locals_map.get() = (*frame).locals_map.clone();
        let previous = (*frame).previous;
        if !previous.is_null()
            && let Some(mut vm) = Vm::current()
        {
            *object.back.get() = Some(object_of(&mut vm, previous));
        }
        let slots = (*frame).code().slots;
        let locals = Frame::locals(frame);
        let owned: Vec<Option<Value>> = (0..slots)
            .map(|slot| {
                let word = std::mem::replace(&mut *locals.add(slot), 0);
                if word == 0 {
                    None
                } else {
                    Some(Value::from_bits(word))
                }
            })
            .collect();
        *object.owned.get() = owned;
    }
}
