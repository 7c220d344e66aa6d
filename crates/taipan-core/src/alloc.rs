//! Memory for objects. Objects that can be part of cycles live in the collector's own mimalloc heap, so that the collector
//! finds them by walking it; all others, and all buffers, come from the default heap.

use crate::gc::Collector;
use crate::header::{BIT_GC, BIT_UNTRACKED, Header, Obj};
use crate::payload::Payload;
use crate::type_object::TypeObject;
use crate::value::Value;
use crate::vm::{breaker, current_thread};
use libmimalloc_sys as mi;
use std::alloc::{GlobalAlloc, Layout as RustLayout};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::null_mut;

unsafe extern "C" {
    fn mi_heap_theap(heap: *mut mi::mi_heap_t) -> *mut mi::mi_theap_t;
    fn mi_theap_malloc(theap: *mut mi::mi_theap_t, size: usize) -> *mut c_void;
}

/// Is this more than the machine has? The allocator reserves addresses without asking for memory, so it would say yes, and the
/// process would be killed when it writes.
#[inline(always)]
fn hopeless(size: usize) -> bool {
    const SUSPECT: usize = 1 << 30;
    size >= SUSPECT && exceeds_machine(size)
}

#[cold]
fn exceeds_machine(size: usize) -> bool {
    // SAFETY: an all-zero struct is valid, and the call fills it in.
    let (info, failed) = unsafe {
        let mut info: libc::sysinfo = std::mem::zeroed();
        let failed = libc::sysinfo(&mut info) != 0;
        (info, failed)
    };
    let units = (info.totalram as u128) + (info.totalswap as u128);
    !failed && size as u128 > units * info.mem_unit as u128
}

/// Buffers from this size on are mappings of their own: they grow without being copied, and go back to the system when freed.
const LARGE: usize = 256 * 1024;

fn is_large(layout: &RustLayout) -> bool {
    layout.size() >= LARGE && layout.align() <= 4096
}

/// A mapping of its own.
#[cold]
fn map(size: usize) -> *mut u8 {
    // SAFETY: a fresh anonymous mapping.
    let block = unsafe {
        libc::mmap(
            null_mut(),
            size,
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if block == libc::MAP_FAILED {
        null_mut()
    } else {
        block.cast()
    }
}

/// Changes a mapping's size; it may move.
#[cold]
fn remap(ptr: *mut u8, size: usize, new_size: usize) -> *mut u8 {
    // SAFETY: `ptr` is a mapping of `size` bytes made by `map`.
    let block = unsafe { libc::mremap(ptr.cast(), size, new_size, libc::MREMAP_MAYMOVE) };
    if block == libc::MAP_FAILED {
        null_mut()
    } else {
        block.cast()
    }
}

/// Gives the system back what freed blocks leave unused. Takes the time of a look at all pages, so only for moments that are
/// slow anyway.
pub fn release_unused() {
    // SAFETY: plain call; it frees no block that is in use.
    unsafe { mi::mi_collect(true) }
}

/// From here on freed pages are kept: the process is about to end, and giving them back one by one is in vain.
pub fn stop_releasing() {
    /// `mi_option_purge_delay` of mimalloc 3; the bindings leave it out.
    const PURGE_DELAY: mi::mi_option_t = 15;
    // SAFETY: plain call; a negative delay means never.
    unsafe { mi::mi_option_set(PURGE_DELAY, -1) }
}

/// The process's allocator: mimalloc, and mappings for large buffers. The binary names it in `#[global_allocator]`.
pub struct Mimalloc;

// SAFETY: mimalloc meets the contract of GlobalAlloc.
unsafe impl GlobalAlloc for Mimalloc {
    #[inline]
    unsafe fn alloc(&self, layout: RustLayout) -> *mut u8 {
        if hopeless(layout.size()) {
            return null_mut();
        }
        if is_large(&layout) {
            return map(layout.size());
        }
        if layout.align() <= 16 && layout.align() <= layout.size() {
            // SAFETY: plain call; blocks are aligned to 16 bytes or their size.
            unsafe { mi::mi_malloc(layout.size()).cast() }
        } else {
            // SAFETY: plain call.
            unsafe { mi::mi_malloc_aligned(layout.size(), layout.align()).cast() }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, ptr: *mut u8, layout: RustLayout) {
        if is_large(&layout) {
            // SAFETY: large blocks are mappings of that size.
            unsafe { libc::munmap(ptr.cast(), layout.size()) };
            return;
        }
        // SAFETY: `ptr` came from mimalloc.
        unsafe { mi::mi_free(ptr.cast()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: RustLayout) -> *mut u8 {
        if hopeless(layout.size()) {
            return null_mut();
        }
        if is_large(&layout) {
            // Fresh mappings are zero.
            return map(layout.size());
        }
        if layout.align() <= 16 && layout.align() <= layout.size() {
            // SAFETY: as in `alloc`.
            unsafe { mi::mi_zalloc(layout.size()).cast() }
        } else {
            // SAFETY: plain call.
            unsafe { mi::mi_zalloc_aligned(layout.size(), layout.align()).cast() }
        }
    }

    #[inline]
    unsafe fn realloc(&self, ptr: *mut u8, layout: RustLayout, new_size: usize) -> *mut u8 {
        if hopeless(new_size) {
            return null_mut();
        }
        let Ok(new_layout) = RustLayout::from_size_align(new_size, layout.align()) else {
            return null_mut();
        };
        match (is_large(&layout), is_large(&new_layout)) {
            (true, true) => return remap(ptr, layout.size(), new_size),
            (false, false) => {}
            _ => {
                // SAFETY: both blocks are at least as long as what is copied; the old one is given up.
                unsafe {
                    let new = self.alloc(new_layout);
                    if !new.is_null() {
                        std::ptr::copy_nonoverlapping(ptr, new, layout.size().min(new_size));
                        self.dealloc(ptr, layout);
                    }
                    return new;
                }
            }
        }
        // SAFETY: `ptr` came from mimalloc.
        unsafe { mi::mi_realloc_aligned(ptr.cast(), new_size, layout.align()).cast() }
    }
}

thread_local! {
    static GC_HEAP: Cell<*mut mi::mi_theap_t> = const { Cell::new(null_mut()) };
    /// Collected objects this thread may still make before it asks for a collection.
    static YOUNG: Cell<i64> = const { Cell::new(0) };
}

pub(crate) fn attach(collector: &Collector) {
    // SAFETY: the heap lives as long as the process.
    let theap = unsafe { mi_heap_theap(collector.heap()) };
    GC_HEAP.with(|heap| heap.set(theap));
    YOUNG.with(|young| young.set(collector.young_limit()));
}

/// Sets how many collected objects may be made before the next collection.
pub(crate) fn set_young(count: i64) {
    YOUNG.with(|young| young.set(count));
}

/// Collected objects made minus those freed since the last collection, given what the limit was.
pub(crate) fn young_left() -> i64 {
    YOUNG.with(Cell::get)
}

#[inline(always)]
fn gc_block(size: usize) -> *mut u8 {
    YOUNG.with(|young| {
        let left = young.get() - 1;
        young.set(left);
        if left < 0 {
            ask_for_collection();
        }
    });
    // SAFETY: this thread's own heap.
    unsafe { mi_theap_malloc(GC_HEAP.with(Cell::get), size).cast() }
}

#[cold]
#[inline(never)]
fn ask_for_collection() {
    if let Some(thread) = current_thread()
        && thread.interpreter.gc.is_enabled()
    {
        thread
            .breaker
            .fetch_or(breaker::COLLECT, std::sync::atomic::Ordering::Relaxed);
    }
}

#[cold]
fn out_of_memory(size: usize) -> ! {
    std::alloc::handle_alloc_error(
        RustLayout::from_size_align(size, 8).unwrap_or(RustLayout::new::<Header>()),
    )
}

/// A new object of exactly `T`'s type.
#[inline(always)]
pub fn new_object<T: Payload>(payload: T) -> Value {
    let ty = T::type_object();
    let size = size_of::<Obj<T>>() + if T::GC { ty.storage_size() } else { 0 };
    let block = if T::GC {
        gc_block(size)
    } else {
        // SAFETY: plain call.
        unsafe { mi::mi_malloc(size).cast::<u8>() }
    };
    if block.is_null() {
        out_of_memory(size);
    }
    let header = Header::new(ty.root_shape(), if T::GC { BIT_GC } else { 0 });
    // SAFETY: the block has room for header, payload and attribute storage, and is nobody else's.
    unsafe {
        block
            .cast::<Obj<T>>()
            .write(Obj::from_parts(header, payload));
        if T::GC && size > size_of::<Obj<T>>() {
            std::ptr::write_bytes(
                block.add(size_of::<Obj<T>>()),
                0,
                size - size_of::<Obj<T>>(),
            );
        }
        Value::steal(block.cast())
    }
}

/// A new object of type `cls`, whose layout is `T` (exactly, or by inheritance).
#[inline]
pub fn new_instance<T: Payload>(cls: &TypeObject, payload: T) -> Value {
    match try_new_variable(cls, payload, 0) {
        Some(value) => value,
        None => out_of_memory(cls.storage_size()),
    }
}

/// A new object of type `cls` with `inline` bytes of data behind the payload (left uninitialised; the caller fills
/// them before anything else sees the object). `None` if memory ran out: the payload is dropped then.
#[inline]
pub fn try_new_variable<T: Payload>(cls: &TypeObject, payload: T, inline: usize) -> Option<Value> {
    let fixed = (size_of::<Obj<T>>())
        .checked_add(inline)?
        .checked_next_multiple_of(8)?;
    let storage = cls.storage_size();
    let size = fixed.checked_add(storage)?;
    if size > isize::MAX as usize || hopeless(size) {
        return None;
    }
    let gc = T::GC || cls.instances_collected();
    let block = if gc {
        gc_block(size)
    } else {
        // SAFETY: plain call.
        unsafe { mi::mi_malloc(size).cast::<u8>() }
    };
    if block.is_null() {
        return None;
    }
    let header = Header::new(cls.root_shape(), if gc { BIT_GC } else { 0 });
    // SAFETY: as in `new_object`.
    unsafe {
        block
            .cast::<Obj<T>>()
            .write(Obj::from_parts(header, payload));
        if storage > 0 {
            std::ptr::write_bytes(block.add(fixed), 0, storage);
        }
        Some(Value::steal(block.cast()))
    }
}

/// An object of exactly `T`'s type that lives for ever and is in no collector's heap.
pub fn new_immortal<T: Payload>(payload: T) -> Value {
    let value = new_object(payload);
    if let Some(header) = value.header() {
        header.make_immortal();
        header.set_bit(BIT_UNTRACKED);
    }
    value
}

/// Gives an object's memory back.
///
/// # Safety
/// The object's contents were dropped and nobody refers to it.
#[inline]
pub(crate) unsafe fn free(ptr: *const Header) {
    // SAFETY: still readable.
    let header = unsafe { &*ptr };
    if header.has_bit(BIT_GC) {
        YOUNG.with(|young| young.set(young.get() + 1));
    }
    header.set_owner(crate::header::OWNER_FREED);
    // SAFETY: the block came from mimalloc, through this file.
    unsafe { crate::retire::object(ptr as *mut c_void) }
}

/// Enlarges the memory of an object of the default heap, moving it if need be. `None` (and nothing happened) if memory ran out
/// or the object is the collector's. The caller holds the only reference and forgets its old word.
pub(crate) fn grow(value: &Value, size: usize) -> Option<*mut u8> {
    let header = value.header()?;
    if header.has_bit(BIT_GC) || header.is_immortal() {
        return None;
    }
    if hopeless(size) {
        return None;
    }
    let block = value.bits() as *mut c_void;
    // SAFETY: the block came from mimalloc; nobody else refers to it.
    let grown = unsafe {
        let usable = mi::mi_usable_size(block);
        if usable >= size {
            block
        } else if !crate::world::is_shared() {
            mi::mi_realloc(block, size)
        } else {
            let grown = mi::mi_malloc(size);
            if !grown.is_null() {
                std::ptr::copy_nonoverlapping(block.cast::<u8>(), grown.cast::<u8>(), usable);
                crate::refcount::end(header);
                crate::retire::object(block);
            }
            grown
        }
    };
    (!grown.is_null()).then_some(grown.cast())
}

/// Bytes an object occupies itself, as allocated for it.
pub fn usable_size(value: &Value) -> usize {
    match value.header() {
        // SAFETY: immortal statics are not in the heap and are not asked for.
        Some(header) if !header.is_immortal() => unsafe {
            mi::mi_usable_size(value.bits() as *const c_void)
        },
        _ => 0,
    }
}
