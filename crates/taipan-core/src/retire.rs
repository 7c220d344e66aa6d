//! Memory that another thread may still be looking at, and when it is freed. See `world` for what readers may count on.

use crate::vm::{Thread, current_thread};
use crate::world;
use libmimalloc_sys as mi;
use std::alloc::Layout;
use std::collections::VecDeque;
use std::ffi::c_void;

/// A batch is full with so many blocks,
const BLOCKS: usize = 256;
/// or with so many bytes.
const BYTES: usize = 1 << 20;

/// Blocks to free.
#[derive(Default)]
struct Batch {
    objects: Vec<*mut c_void>,
    buffers: Vec<(*mut u8, Layout)>,
    bytes: usize,
}

// SAFETY: the blocks belong to nobody but the batch.
unsafe impl Send for Batch {}

impl Drop for Batch {
    fn drop(&mut self) {
        for object in self.objects.drain(..) {
            // SAFETY: retired once, and no reader is left.
            unsafe { mi::mi_free(object) }
        }
        for (buffer, layout) in self.buffers.drain(..) {
            // SAFETY: as above; allocated with that layout.
            unsafe { std::alloc::dealloc(buffer, layout) }
        }
    }
}

/// What a thread has retired and not freed yet.
#[derive(Default)]
pub(crate) struct Limbo {
    filling: Batch,
    /// Full batches, each with the demand for quiescent states that frees it.
    waiting: VecDeque<(u64, Batch)>,
}

impl Limbo {
    pub(crate) const fn new() -> Limbo {
        Limbo {
            filling: Batch {
                objects: Vec::new(),
                buffers: Vec::new(),
                bytes: 0,
            },
            waiting: VecDeque::new(),
        }
    }
}

/// Frees the memory of a destroyed object, now or later.
///
/// # Safety
/// The block came from mimalloc and belongs to the caller.
#[inline]
pub(crate) unsafe fn object(block: *mut c_void) {
    if world::is_shared()
        && let Some(thread) = current_thread()
    {
        // SAFETY: only this thread touches its limbo, and freeing comes back to nothing here.
        let limbo = unsafe { &mut *thread.limbo.get() };
        limbo.filling.objects.push(block);
        if limbo.filling.objects.len() >= BLOCKS {
            turn_over(thread, limbo);
        }
    } else {
        // SAFETY: the caller's promise.
        unsafe { mi::mi_free(block) }
    }
}

/// Frees a buffer that an object has given up, now or later.
///
/// # Safety
/// The buffer was allocated with that layout and belongs to the caller; what is in it was moved out or dropped.
#[inline]
pub unsafe fn buffer(buffer: *mut u8, layout: Layout) {
    if layout.size() == 0 {
        return;
    }
    if world::is_shared()
        && let Some(thread) = current_thread()
    {
        // SAFETY: as in `object`.
        let limbo = unsafe { &mut *thread.limbo.get() };
        limbo.filling.buffers.push((buffer, layout));
        limbo.filling.bytes += layout.size();
        if limbo.filling.buffers.len() >= BLOCKS || limbo.filling.bytes >= BYTES {
            turn_over(thread, limbo);
        }
    } else {
        // SAFETY: the caller's promise.
        unsafe { std::alloc::dealloc(buffer, layout) }
    }
}

/// Begins a new batch, and frees those that every reader is done with.
#[cold]
fn turn_over(thread: &Thread, limbo: &mut Limbo) {
    let full = std::mem::take(&mut limbo.filling);
    limbo.waiting.push_back((world::demand(thread), full));
    while let Some((demand, _)) = limbo.waiting.front()
        && world::is_answered(thread, *demand)
    {
        limbo.waiting.pop_front();
    }
    if let Ok(mut left) = thread.interpreter.left_behind.try_lock() {
        left.0
            .retain(|(demand, _)| !world::is_answered(thread, *demand));
    }
}

/// What threads that have ended retired.
#[derive(Default)]
pub(crate) struct LeftBehind(Vec<(u64, Batch)>);

/// A thread ends: others free what it retired.
pub(crate) fn leave_behind(thread: &Thread) {
    // SAFETY: as in `object`.
    let limbo = std::mem::take(unsafe { &mut *thread.limbo.get() });
    let demand = world::demand(thread);
    if let Ok(mut left) = thread.interpreter.left_behind.lock() {
        left.0.extend(limbo.waiting);
        left.0.push((demand, limbo.filling));
    }
}

/// Frees everything: no other thread is left.
pub(crate) fn free_all(thread: &Thread) {
    // SAFETY: as in `object`.
    drop(std::mem::take(unsafe { &mut *thread.limbo.get() }));
    if let Ok(mut left) = thread.interpreter.left_behind.lock() {
        left.0.clear();
    }
}
