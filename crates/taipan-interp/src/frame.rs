//! Frames: what a running call needs, on the thread's VM stack (or, for generators, in a block of their own).
//!
//! ```text
//! [Frame][fast locals: varnames, cellvars, freevars][operand stack ...]
//! ```
//!
//! A slot is the word of an owned [`Value`], or 0 for "unbound" (locals) and NULL (stack).

use crate::code_object::CodeObject;
use crate::frame_object;
use crate::function::Function;
use crate::quick::{Instr, QuickCode};
use std::ptr::null_mut;
use taipan_core::dict_object::Dict;
use taipan_core::{Obj, Py, Thread, Value, Vm, builtin_types};

/// The loop that runs the frame was entered from native code: leaving the frame leaves the loop.
pub const ENTRY: u32 = 1;
/// The frame belongs to a generator-like object and lives in its block.
pub const GENERATOR: u32 = 2;
/// Its result is an instance under construction: the caller wants `self`, and `__init__` must have given None.
pub const INIT: u32 = 4;
/// Resumed by `FOR_ITER` in the same loop: yielding continues the caller.
pub const INLINE_GENERATOR: u32 = 8;
/// Resumed by `YIELD_FROM` in the same loop: the caller yields what it yields.
pub const DELEGATE: u32 = 16;

/// A call in progress.
#[repr(C)]
pub struct Frame {
    /// The caller's frame.
    pub previous: *mut Frame,
    /// The instruction to run next; while one runs that can raise, call or suspend, the one after it.
    pub ip: *mut Instr,
    /// The quickened copy that the instructions are of: the running thread's.
    quick: *const QuickCode,
    /// Number of words on the operand stack while the frame does not run.
    pub depth: u32,
    pub flags: u32,
    /// The function that runs: keeps code, globals and builtins alive. Module and class code runs as a function too.
    pub function: Value,
    code: *const Obj<CodeObject>,
    globals: *const Obj<Dict>,
    builtins: *const Obj<Dict>,
    /// The locals mapping of code that is not optimised.
    pub locals_map: Option<Value>,
    /// The Python-visible frame, once somebody asked for it.
    pub frame_object: Option<Value>,
    /// The generator-like object whose frame this is; not counted (it owns the frame).
    pub generator: u64,
}

/// Size of a frame's fixed part in words.
pub const FRAME_WORDS: usize = size_of::<Frame>() / 8;

impl Frame {
    #[inline(always)]
    pub fn code(&self) -> &Obj<CodeObject> {
        // SAFETY: kept alive by `function`.
        unsafe { &*self.code }
    }

    /// The quickened copy that the frame runs.
    #[inline(always)]
    pub fn quick(&self) -> &QuickCode {
        // SAFETY: as for `code`, whose copy it is.
        unsafe { &*self.quick }
    }

    /// Slot 0 of the fast locals.
    #[inline(always)]
    pub(crate) fn locals(this: *mut Frame) -> *mut u64 {
        this.wrapping_add(1).cast()
    }

    /// The bottom of the operand stack.
    #[inline(always)]
    pub(crate) fn stack(this: *mut Frame) -> *mut u64 {
        // SAFETY: callers pass live frames.
        let slots = unsafe { (*this).code().slots };
        Frame::locals(this).wrapping_add(slots)
    }

    #[inline(always)]
    pub fn globals(&self) -> &Obj<Dict> {
        // SAFETY: kept alive by `function`.
        unsafe { &*self.globals }
    }

    #[inline(always)]
    pub fn builtins(&self) -> &Obj<Dict> {
        // SAFETY: kept alive by `function`.
        unsafe { &*self.builtins }
    }

    /// The portable unit index of the instruction that runs (`f_lasti / 2`).
    pub fn unit(&self) -> Option<u32> {
        let quick = self.quick();
        match quick.index(self.ip) {
            0 => quick.unit_of_beginning(),
            index => Some(quick.unit(index - 1)),
        }
    }

    /// The current line.
    pub fn line(&self) -> u32 {
        let code = &self.code().code;
        match self.unit() {
            Some(unit) => {
                taipan_bytecode::line_table::position_at(&code.linetable, code.firstlineno, unit)
                    .line
            }
            None => code.firstlineno,
        }
    }
}

/// Words a frame of this code takes.
#[inline(always)]
pub fn frame_words(code: &CodeObject) -> usize {
    FRAME_WORDS + code.slots + code.code.stacksize as usize
}

/// Bytes of address space for a thread's VM stack.
const STACK_SIZE: usize = 1 << 29;

/// Reserves the thread's VM stack. Pages are committed when touched.
fn make_stack(vm: &mut Vm) {
    // SAFETY: an anonymous mapping; a failure is tested for.
    let block = unsafe {
        libc::mmap(
            null_mut(),
            STACK_SIZE,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
            -1,
            0,
        )
    };
    if block != libc::MAP_FAILED {
        vm.thread().stack_top.set(block.cast());
        vm.thread()
            .stack_end
            .set(block.cast::<u64>().wrapping_add(STACK_SIZE / 8));
    }
}

/// Gives the VM stack of a thread that ends back to the system.
pub fn release_stack(vm: &mut Vm) {
    let thread = vm.thread();
    let end = thread.stack_end.replace(null_mut());
    thread.stack_top.set(null_mut());
    if !end.is_null() && thread.frame.get().is_null() {
        let block = end.wrapping_sub(STACK_SIZE / 8);
        // SAFETY: mapped by `make_stack` with that size, and no frame is left on it.
        unsafe { libc::munmap(block.cast(), STACK_SIZE) };
    }
}

/// Takes space for a frame of this code on the VM stack and makes the frame the top one. Fast locals are not initialised.
#[inline(always)]
pub fn push_frame(vm: &mut Vm, function: Value, flags: u32) -> Py<*mut Frame> {
    // SAFETY: callers pass functions.
    let target = unsafe { function.cast_unchecked::<Function>() };
    let words = frame_words(target.code());
    let thread = vm.thread();
    let top = thread.stack_top.get();
    let depth = thread.depth.get() + 1;
    if (thread.stack_end.get() as usize).wrapping_sub(top as usize) / 8 < words
        || depth
            > thread
                .interpreter
                .recursion_limit
                .load(std::sync::atomic::Ordering::Relaxed)
    {
        return push_frame_slow(vm, function, flags);
    }
    thread.depth.set(depth);
    thread.stack_top.set(top.wrapping_add(words));
    let frame: *mut Frame = top.cast();
    let previous = thread.frame.get() as *mut Frame;
    // SAFETY: the space was just taken.
    unsafe { write_frame(thread, frame, function, flags, previous) };
    thread.frame.set(frame.cast());
    Ok(frame)
}

/// # Safety
/// `frame` points to room for a frame; `function` is a function.
#[inline(always)]
unsafe fn write_frame(
    thread: &Thread,
    frame: *mut Frame,
    function: Value,
    flags: u32,
    previous: *mut Frame,
) {
    // SAFETY: the caller's promise; code, globals and builtins live as long as the function, which the frame holds.
    unsafe {
        let target: *const Function = &**function.cast_unchecked::<Function>();
        let code: *const Obj<CodeObject> = (*target).code();
        let quick = (*code).quick_of(thread);
        frame.write(Frame {
            previous,
            ip: quick.start(),
            quick,
            depth: 0,
            flags,
            function,
            code,
            globals: (*target).globals.bits() as *const Obj<Dict>,
            builtins: (*target).builtins.bits() as *const Obj<Dict>,
            locals_map: None,
            frame_object: None,
            generator: 0,
        });
    }
}

#[cold]
#[inline(never)]
fn push_frame_slow(vm: &mut Vm, function: Value, flags: u32) -> Py<*mut Frame> {
    if vm.thread().stack_top.get().is_null() {
        make_stack(vm);
        if !vm.thread().stack_top.get().is_null() {
            return push_frame(vm, function, flags);
        }
        return Err(vm.memory_error());
    }
    Err(too_deep(vm))
}

/// Makes a generator's frame in a block of its own, with all fast locals unbound. It is not linked to a caller.
pub fn heap_frame(vm: &Vm, function: Value) -> *mut Frame {
    // SAFETY: callers pass functions.
    let words = frame_words(unsafe { function.cast_unchecked::<Function>() }.code());
    let block = Box::into_raw(vec![0u64; words].into_boxed_slice());
    let frame: *mut Frame = block.cast();
    // SAFETY: the block has room for it.
    unsafe { write_frame(vm.thread(), frame, function, GENERATOR, null_mut()) };
    frame
}

/// Makes a suspended frame go on in the thread's own quickened copy. All copies of a code have the same instructions.
///
/// # Safety
/// The frame is live, and is going to be run by this thread.
#[inline(always)]
pub unsafe fn bring_to(thread: &Thread, frame: *mut Frame) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*frame).quick().owner() != thread.owner {
            exchange_quick(thread, frame);
        }
    }
}

#[cold]
unsafe fn exchange_quick(thread: &Thread, frame: *mut Frame) {
    // SAFETY: as for `bring_to`.
    unsafe {
        let index = (*frame).quick().index((*frame).ip);
        let quick: *const QuickCode = (*frame).code().quick_of(thread);
        (*frame).quick = quick;
        (*frame).ip = (*quick).at(index);
    }
}

/// `RecursionError`, with some room to handle it.
#[cold]
pub fn too_deep(vm: &mut Vm) -> taipan_core::Raised {
    let depth = vm.thread().depth.get();
    vm.thread().depth.set(depth.saturating_sub(50));
    let raised = vm.raise(
        &builtin_types::RECURSION_ERROR,
        "maximum recursion depth exceeded",
    );
    vm.thread().depth.set(depth);
    raised
}

/// Frees a generator's block; the frame was cleared.
///
/// # Safety
/// `frame` came from [`heap_frame`], `words` are its code's, and nobody refers to it.
pub unsafe fn free_heap_frame(frame: *mut Frame, words: usize) {
    let block = std::ptr::slice_from_raw_parts_mut(frame.cast::<u64>(), words);
    // SAFETY: made by Box::into_raw of a slice of that length.
    drop(unsafe { Box::from_raw(block) });
}

/// Drops what a frame holds: operand stack (`depth` words), locals, references. A Python-visible frame that others still hold
/// takes the locals over.
///
/// # Safety
/// The frame has ended; its memory stays valid for the call.
#[inline(always)]
pub unsafe fn clear_frame(frame: *mut Frame, depth: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*frame).frame_object.is_some() {
            frame_object::detach(frame);
        }
        let slots = (*frame).code().slots;
        let locals = Frame::locals(frame);
        let mut at = locals.wrapping_add(slots + depth);
        while at > locals {
            at = at.wrapping_sub(1);
            let word = *at;
            if word != 0 {
                *at = 0;
                drop(Value::from_bits(word));
            }
        }
        std::ptr::drop_in_place(frame);
    }
}

/// Ends the top frame of the VM stack: clears it and gives its space back.
///
/// # Safety
/// `frame` is the thread's top frame, made by [`push_frame`].
#[inline(always)]
pub unsafe fn pop_frame(vm: &mut Vm, frame: *mut Frame, depth: usize) {
    let thread = vm.thread();
    // SAFETY: the caller's promise. The frame stays the top one while its locals die, so that what runs meanwhile stays above it.
    unsafe {
        let previous = (*frame).previous;
        thread.frame.set(previous.cast());
        clear_frame(frame, depth);
    }
    thread.stack_top.set(frame.cast());
    thread.depth.set(thread.depth.get() - 1);
}

/// The thread's running frame.
pub fn top(vm: &Vm) -> *mut Frame {
    vm.thread().frame.get() as *mut Frame
}

/// A number that tells apart the places in code where the thread can be; 0 outside of frames.
pub fn place(vm: &Vm) -> usize {
    let frame = top(vm);
    if frame.is_null() {
        return 0;
    }
    // SAFETY: the thread's frames are live.
    unsafe { (*frame).ip as usize }
}

/// Reports all counted references of a suspended frame.
///
/// # Safety
/// The frame is live and does not run; the world is stopped.
pub unsafe fn trace(frame: *mut Frame, tracer: &mut taipan_core::Tracer<'_>) {
    // SAFETY: the caller's promise.
    unsafe {
        let this = &*frame;
        let words = this.code().slots + this.depth as usize;
        for index in 0..words {
            let slot = Frame::locals(frame).add(index);
            if *slot != 0 {
                tracer.visit(&*slot.cast::<Value>());
            }
        }
        tracer.visit(&this.function);
        tracer.visit_option(&this.locals_map);
        tracer.visit_option(&this.frame_object);
    }
}

/// The generators running on this thread whose local variables include something `wanted`, innermost first. They report no references
/// to the collector themselves, as their frames are roots.
pub fn running_generators_holding(vm: &Vm, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    let mut found = Vec::new();
    let mut at = top(vm);
    while !at.is_null() {
        // SAFETY: the chain of running frames; a local's slot is empty or an owned value, and a generator lives while it runs.
        unsafe {
            let this = &*at;
            if this.flags & GENERATOR != 0 {
                let slots = this.code().slots;
                let holds = (0..slots).any(|index| {
                    let slot = Frame::locals(at).add(index);
                    *slot != 0 && wanted(&*slot.cast::<Value>())
                });
                if holds {
                    found.push(Value::new_ref(
                        this.generator as *const taipan_core::header::Header,
                    ));
                }
            }
            at = this.previous;
        }
    }
    found
}
