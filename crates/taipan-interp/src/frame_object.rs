//! Frames as Python sees them. While the frame lives the object looks into it; when it ends, the object takes its locals over.
//! What Python sees of it is in `frame_type`.

use crate::code_object::CodeObject;
use crate::frame::{Frame, GENERATOR};
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{
    AtomicBool, AtomicPtr,
    Ordering::{Acquire, Release},
};
use taipan_core::latch::Latch;
use taipan_core::payload::{Payload, Tracer};
use taipan_core::{Obj, TypeObject, Value, Vm, alloc, builtin_types, refcount, world};

/// Payload of frame objects.
pub struct FrameObject {
    live: AtomicPtr<Frame>,
    /// The owner id of the thread whose frame it is; 0 if it may be another one's the next time, as that of a generator.
    home: u16,
    /// The locals, once the frame has ended.
    owned: UnsafeCell<Vec<Option<Value>>>,
    pub function: Value,
    locals_map: UnsafeCell<Option<Value>>,
    /// The caller's frame object, once the frame has ended.
    back: UnsafeCell<Option<Value>>,
    /// Unit index of the last instruction, once the frame has ended.
    last_unit: Cell<Option<u32>>,
    /// `f_trace`, and whether lines and opcodes are traced.
    pub trace: Latch<Option<Value>>,
    pub trace_lines: AtomicBool,
    pub trace_opcodes: AtomicBool,
    /// Names that were put into `f_locals` beyond the code's own.
    pub extra_locals: Latch<Option<Value>>,
}

// SAFETY: cells are written by the frame's thread before `live` is null, and not afterwards, or with the world stopped.
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
            tracer.visit_option(&self.trace.borrow());
            tracer.visit_option(&self.extra_locals.borrow());
        }
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        unsafe {
            out.extend((*self.owned.get()).drain(..).flatten());
            out.extend((*self.locals_map.get()).take());
            out.extend((*self.back.get()).take());
            out.extend(self.trace.take());
            out.extend(self.extra_locals.take());
        }
    }
}

impl FrameObject {
    /// The live frame.
    pub fn live(&self) -> Option<*mut Frame> {
        let frame = self.live.load(Acquire);
        if frame.is_null() { None } else { Some(frame) }
    }

    /// Looks at the live frame, if it still lives; if it is another thread's, while that stands still.
    pub fn look<R>(&self, look: impl FnOnce(Option<*mut Frame>) -> R) -> R {
        let frame = self.live();
        if frame.is_none() || !world::is_shared() || self.home == refcount::current_owner() {
            look(frame)
        } else {
            self.alone(look)
        }
    }

    /// Changes the live frame, or what is left of it.
    fn change<R>(&self, change: impl FnOnce(Option<*mut Frame>) -> R) -> R {
        let frame = self.live();
        if !world::is_shared() || frame.is_some() && self.home == refcount::current_owner() {
            change(frame)
        } else {
            self.alone(change)
        }
    }

    /// While all other threads stand still.
    #[cold]
    fn alone<R>(&self, work: impl FnOnce(Option<*mut Frame>) -> R) -> R {
        // SAFETY: frame objects are looked at where Python code may run.
        match unsafe { Vm::current() } {
            Some(mut vm) => vm.stop_the_world(|_| work(self.live())),
            None => work(self.live()),
        }
    }

    pub fn code(&self) -> &Obj<CodeObject> {
        self.function.expect::<crate::function::Function>().code()
    }

    /// Unit index of the current (or last) instruction.
    pub fn unit(&self) -> Option<u32> {
        self.look(|live| match live {
            Some(frame) => {
                // SAFETY: a live frame.
                crate::monitor::unit_of(frame).or_else(|| unsafe { (*frame).unit() })
            }
            None => self.last_unit.get(),
        })
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
        self.look(|live| match live {
            // SAFETY: a live frame.
            Some(frame) => unsafe { (*frame).locals_map.clone() },
            // SAFETY: cloned before anything else runs.
            None => unsafe { (*self.locals_map.get()).clone() },
        })
    }

    /// The value in a fast slot.
    pub fn local(&self, slot: usize) -> Option<Value> {
        self.look(|live| match live {
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
        })
    }

    /// Stores into a fast slot; gives the old value.
    pub fn set_local(&self, slot: usize, value: Option<Value>) -> Option<Value> {
        self.change(|live| match live {
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
        })
    }

    /// The caller's frame object.
    pub fn back(&self, vm: &mut Vm) -> Option<Value> {
        self.look(|live| match live {
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
        })
    }

    /// Drops the locals of an ended frame (`frame.clear()`).
    pub fn clear_locals(&self) {
        // SAFETY: the vector is taken out before its items are dropped.
        let old = self.change(|_| unsafe { std::mem::take(&mut *self.owned.get()) });
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
            live: AtomicPtr::new(frame),
            home: if (*frame).flags & GENERATOR == 0 {
                (*frame).quick().owner()
            } else {
                0
            },
            owned: UnsafeCell::new(Vec::new()),
            function: (*frame).function.clone(),
            locals_map: UnsafeCell::new(None),
            back: UnsafeCell::new(None),
            last_unit: Cell::new(None),
            trace: Latch::new(None),
            trace_lines: AtomicBool::new(true),
            trace_opcodes: AtomicBool::new(false),
            extra_locals: Latch::new(None),
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
        let alone = value
            .header()
            .is_some_and(|header| taipan_core::refcount::count(header) == 1);
        if alone {
            object.live.store(std::ptr::null_mut(), Release);
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
        object.live.store(std::ptr::null_mut(), Release);
    }
}
