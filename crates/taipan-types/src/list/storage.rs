//! A list's elements: one block `{kind, len, capacity, words}`, replaced as a whole.
//!
//! All kinds have 8-byte elements: raw doubles, raw 64-bit ints, or values. Raw kinds hold only numbers whose value is an
//! immediate (I-LIST-1), so reading one never allocates and identity survives a stay in a list; everything else (NaN,
//! infinities, huge ints, `True`) makes the list generic.

use std::alloc::{Layout, alloc, realloc};
use std::mem::ManuallyDrop;
use std::ptr::{NonNull, copy, copy_nonoverlapping};
use std::sync::atomic::{AtomicUsize, Ordering::Release, fence};
use taipan_core::{Value, refcount, retire, world};

/// How elements are stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Kind {
    Empty,
    Float,
    Int,
    Generic,
}

/// Memory for more elements is not to be had.
#[derive(Debug)]
pub struct NoMemory;

/// The head of a block; the words follow.
#[repr(C)]
pub struct Block {
    len: usize,
    capacity: usize,
    kind: Kind,
}

/// Bytes in front of the words.
pub const HEAD: usize = size_of::<Block>();
const _: () = assert!(HEAD == 24);

/// What lists without elements point to; never written, as its capacity is 0.
static EMPTY: Block = Block {
    len: 0,
    capacity: 0,
    kind: Kind::Empty,
};

/// What a list points to while it is being sorted: whatever is done to it meanwhile leaves something else there.
static SORTING: Block = Block {
    len: 0,
    capacity: 0,
    kind: Kind::Empty,
};

/// An owned row of elements.
pub struct Storage(NonNull<Block>);

// SAFETY: owns its block like a `Vec<Value>`.
unsafe impl Send for Storage {}

/// The kind that can hold `value` with the least.
#[inline(always)]
pub fn kind_of(value: &Value) -> Kind {
    if value.is_small_float() {
        Kind::Float
    } else if value.is_small_int() {
        Kind::Int
    } else {
        Kind::Generic
    }
}

/// The word for `value` in a raw kind; `None` if that kind cannot hold it.
#[inline(always)]
fn raw_word(kind: Kind, value: &Value) -> Option<u64> {
    match kind {
        Kind::Float => value.small_float().map(f64::to_bits),
        Kind::Int => value.small_int().map(|i| i as u64),
        _ => None,
    }
}

/// The value of a word, counted anew.
///
/// # Safety
/// The word is an element of a block of this kind.
#[inline(always)]
unsafe fn decode(kind: Kind, word: u64) -> Value {
    match kind {
        Kind::Float => Value::float(f64::from_bits(word)),
        Kind::Int => Value::int(word as i64),
        // SAFETY: words of generic blocks are values; the block's own reference is not touched.
        _ => Value::clone(&ManuallyDrop::new(unsafe { Value::from_bits(word) })),
    }
}

/// The value of a word, whose reference is taken over.
///
/// # Safety
/// The word was an element of a block of this kind and is not used again.
#[inline(always)]
unsafe fn take(kind: Kind, word: u64) -> Value {
    match kind {
        Kind::Float => Value::float(f64::from_bits(word)),
        Kind::Int => Value::int(word as i64),
        // SAFETY: the caller gives the reference up.
        _ => unsafe { Value::from_bits(word) },
    }
}

fn layout(capacity: usize) -> Result<Layout, NoMemory> {
    let size = capacity
        .checked_mul(8)
        .and_then(|size| size.checked_add(HEAD))
        .ok_or(NoMemory)?;
    Layout::from_size_align(size, 8).map_err(|_| NoMemory)
}

impl Storage {
    /// No elements, no memory.
    #[inline(always)]
    pub const fn new() -> Storage {
        // SAFETY: the address of a static is not null.
        Storage(unsafe { NonNull::new_unchecked((&raw const EMPTY).cast_mut()) })
    }

    /// An empty block for `capacity` elements of `kind`.
    pub fn with_capacity(kind: Kind, capacity: usize) -> Result<Storage, NoMemory> {
        if capacity == 0 {
            return Ok(Storage::new());
        }
        let layout = layout(capacity)?;
        // SAFETY: the layout's size is not zero.
        let block = NonNull::new(unsafe { alloc(layout) }.cast::<Block>()).ok_or(NoMemory)?;
        // SAFETY: fresh memory with room for the head.
        unsafe {
            block.write(Block {
                len: 0,
                capacity,
                kind,
            })
        };
        Ok(Storage(block))
    }

    /// The given values.
    pub fn from_values(values: Vec<Value>) -> Result<Storage, NoMemory> {
        let storage = Storage::copy_of(&values)?;
        // The references went over.
        let mut values = values;
        // SAFETY: the elements were copied as words and are not dropped twice.
        unsafe { values.set_len(0) };
        Ok(storage)
    }

    /// The given values, counted anew.
    pub fn from_slice(values: &[Value]) -> Result<Storage, NoMemory> {
        let storage = Storage::copy_of(values)?;
        if storage.kind() == Kind::Generic {
            values
                .iter()
                .for_each(|value| std::mem::forget(value.clone()));
        }
        Ok(storage)
    }

    /// The words of the given values; their references are not counted.
    fn copy_of(values: &[Value]) -> Result<Storage, NoMemory> {
        let Some(first) = values.first() else {
            return Ok(Storage::new());
        };
        let mut kind = kind_of(first);
        if kind != Kind::Generic && !values.iter().all(|value| kind_of(value) == kind) {
            kind = Kind::Generic;
        }
        let mut storage = Storage::with_capacity(kind, values.len())?;
        let to = storage.words_mut();
        match kind {
            // SAFETY: the block has room for all; values are words.
            Kind::Generic => unsafe {
                copy_nonoverlapping(values.as_ptr().cast::<u64>(), to, values.len())
            },
            _ => {
                for (at, value) in values.iter().enumerate() {
                    // SAFETY: as above.
                    unsafe { to.add(at).write(raw_word(kind, value).unwrap_or(0)) };
                }
            }
        }
        storage.set_len(values.len());
        Ok(storage)
    }

    /// A row of raw doubles, all of them immediates as values.
    pub fn from_floats(floats: &[f64]) -> Result<Storage, NoMemory> {
        let mut storage = Storage::with_capacity(Kind::Float, floats.len())?;
        // SAFETY: the block has room for all.
        unsafe {
            copy_nonoverlapping(
                floats.as_ptr().cast::<u64>(),
                storage.words_mut(),
                floats.len(),
            )
        };
        storage.set_len(floats.len());
        Ok(storage)
    }

    /// `len` ints from `start` on, `step` apart, all of them immediates as values.
    pub fn from_steps(start: i64, step: i64, len: usize) -> Result<Storage, NoMemory> {
        let mut storage = Storage::with_capacity(Kind::Int, len)?;
        let to = storage.words_mut();
        let mut number = start;
        for at in 0..len {
            // SAFETY: the block has room for all.
            unsafe { to.add(at).write(number as u64) };
            number = number.wrapping_add(step);
        }
        storage.set_len(len);
        Ok(storage)
    }

    /// `len` times the same value.
    pub fn filled(value: &Value, len: usize) -> Result<Storage, NoMemory> {
        let one = Storage::from_slice(std::slice::from_ref(value))?;
        one.repeated(len)
    }

    #[inline(always)]
    fn block(&self) -> &Block {
        // SAFETY: the block lives as long as its storage.
        unsafe { self.0.as_ref() }
    }

    #[inline(always)]
    pub fn kind(&self) -> Kind {
        self.block().kind
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.block().len
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline(always)]
    pub fn capacity(&self) -> usize {
        self.block().capacity
    }

    /// The empty row of a list that is being sorted.
    pub fn sorting() -> Storage {
        // SAFETY: the address of a static is not null.
        Storage(unsafe { NonNull::new_unchecked((&raw const SORTING).cast_mut()) })
    }

    /// Is this still what [`Storage::sorting`] gave?
    pub fn is_sorting(&self) -> bool {
        std::ptr::eq(self.0.as_ptr(), &raw const SORTING)
    }

    #[inline(always)]
    fn words(&self) -> *const u64 {
        self.0.as_ptr().cast::<u8>().wrapping_add(HEAD).cast()
    }

    #[inline(always)]
    fn words_mut(&mut self) -> *mut u64 {
        self.0.as_ptr().cast::<u8>().wrapping_add(HEAD).cast()
    }

    #[inline(always)]
    fn set_len(&mut self, len: usize) {
        if self.capacity() > 0 {
            // SAFETY: an owned block, not the static one. Who reads the length sees the words below it.
            unsafe { AtomicUsize::from_ptr(&raw mut (*self.0.as_ptr()).len).store(len, Release) };
        }
    }

    fn set_kind(&mut self, kind: Kind) {
        if self.capacity() > 0 {
            // SAFETY: an owned block, not the static one.
            unsafe { (*self.0.as_ptr()).kind = kind };
        }
    }

    /// The doubles, if that is what is stored.
    #[inline(always)]
    pub fn floats(&self) -> Option<&[f64]> {
        if self.kind() == Kind::Float {
            // SAFETY: `len` words of a float block are doubles.
            Some(unsafe { std::slice::from_raw_parts(self.words().cast(), self.len()) })
        } else {
            None
        }
    }

    /// The ints, if they are stored raw.
    #[inline(always)]
    pub fn ints(&self) -> Option<&[i64]> {
        if self.kind() == Kind::Int {
            // SAFETY: `len` words of an int block are ints.
            Some(unsafe { std::slice::from_raw_parts(self.words().cast(), self.len()) })
        } else {
            None
        }
    }

    /// The values, if they are stored as such.
    #[inline(always)]
    pub fn values(&self) -> Option<&[Value]> {
        if self.kind() == Kind::Generic {
            // SAFETY: `len` words of a generic block are values.
            Some(unsafe { std::slice::from_raw_parts(self.words().cast(), self.len()) })
        } else {
            None
        }
    }

    /// The doubles to be changed in place; the new ones must be immediates as values (I-LIST-1).
    pub fn floats_mut(&mut self) -> Option<&mut [f64]> {
        if self.kind() == Kind::Float {
            // SAFETY: as for `floats`; `&mut self` is exclusive.
            Some(unsafe { std::slice::from_raw_parts_mut(self.words_mut().cast(), self.len()) })
        } else {
            None
        }
    }

    /// The ints to be changed in place; the new ones must be immediates as values (I-LIST-1).
    pub fn ints_mut(&mut self) -> Option<&mut [i64]> {
        if self.kind() == Kind::Int {
            // SAFETY: as for `ints`; `&mut self` is exclusive.
            Some(unsafe { std::slice::from_raw_parts_mut(self.words_mut().cast(), self.len()) })
        } else {
            None
        }
    }

    /// The values to be rearranged.
    pub fn values_mut(&mut self) -> Option<&mut [Value]> {
        if self.kind() == Kind::Generic {
            // SAFETY: as for `values`; `&mut self` is exclusive.
            Some(unsafe { std::slice::from_raw_parts_mut(self.words_mut().cast(), self.len()) })
        } else {
            None
        }
    }

    /// The element at `at`, if there is one.
    #[inline(always)]
    pub fn get(&self, at: usize) -> Option<Value> {
        if at < self.len() {
            // SAFETY: in range.
            Some(unsafe { decode(self.kind(), *self.words().add(at)) })
        } else {
            None
        }
    }

    /// All elements, counted anew.
    pub fn to_vec(&self) -> Vec<Value> {
        match self.values() {
            Some(values) => values.to_vec(),
            None => (0..self.len()).filter_map(|at| self.get(at)).collect(),
        }
    }

    /// All elements; the references go over.
    pub fn into_vec(self) -> Vec<Value> {
        let mut this = self;
        let kind = this.kind();
        let len = this.len();
        this.set_len(0);
        // SAFETY: the words are read once; the length is 0 already, so the block drops none of them.
        (0..len)
            .map(|at| unsafe { take(kind, *this.words().add(at)) })
            .collect()
    }

    /// Replaces the element at `at` (in range); gives the old one.
    #[inline(always)]
    pub fn set(&mut self, at: usize, value: Value) -> Result<Value, NoMemory> {
        debug_assert!(at < self.len());
        let kind = self.kind();
        let word = if kind == Kind::Generic {
            value.into_bits()
        } else {
            match raw_word(kind, &value) {
                Some(word) => word,
                None => {
                    self.make_generic(0)?;
                    return self.set(at, value);
                }
            }
        };
        // SAFETY: in range; the old word's reference goes to the caller.
        unsafe {
            let cell = self.words_mut().add(at);
            let old = take(kind, *cell);
            *cell = word;
            Ok(old)
        }
    }

    /// Appends.
    #[inline(always)]
    pub fn push(&mut self, value: Value) -> Result<(), NoMemory> {
        let len = self.len();
        if len == 0
            || len == self.capacity()
            || kind_of(&value) != self.kind() && self.kind() != Kind::Generic
        {
            self.accept(kind_of(&value), 1)?;
        }
        let kind = self.kind();
        let word = match kind {
            Kind::Generic => value.into_bits(),
            _ => raw_word(kind, &value).unwrap_or(0),
        };
        // SAFETY: `accept` made room (or there was some), and the kind holds the value.
        unsafe { self.words_mut().add(len).write(word) };
        self.set_len(len + 1);
        Ok(())
    }

    /// Makes the block able to take `more` elements of `kind`.
    #[inline(never)]
    pub fn accept(&mut self, kind: Kind, more: usize) -> Result<(), NoMemory> {
        if self.is_empty() {
            if kind != self.kind() && self.capacity() > 0 && world::is_shared() {
                // A reader without a lock must not find words of another kind in a block that it knows.
                let wanted = self.capacity().max(more);
                return self.put(Storage::with_capacity(kind, wanted)?);
            }
            self.set_kind(kind);
        } else if kind != self.kind() && kind != Kind::Empty && self.kind() != Kind::Generic {
            return self.make_generic(more);
        }
        let wanted = self.len().checked_add(more).ok_or(NoMemory)?;
        if wanted > self.capacity() {
            self.grow(kind, wanted)
        } else {
            Ok(())
        }
    }

    fn grow(&mut self, kind: Kind, wanted: usize) -> Result<(), NoMemory> {
        // An eighth more than needed, in whole groups of four: appending costs constant time on average.
        let capacity = wanted.checked_add((wanted >> 3) + 3).ok_or(NoMemory)? & !3;
        if self.capacity() == 0 {
            *self = Storage::with_capacity(kind, capacity)?;
            return Ok(());
        }
        self.resize_block(capacity)
    }

    /// Puts another block in place of this one, filled before anybody sees it.
    fn put(&mut self, new: Storage) -> Result<(), NoMemory> {
        fence(Release);
        drop(std::mem::replace(self, new));
        Ok(())
    }

    fn resize_block(&mut self, capacity: usize) -> Result<(), NoMemory> {
        if world::is_shared() {
            let mut moved = Storage::with_capacity(self.kind(), capacity)?;
            let len = self.len();
            // SAFETY: both blocks have room for `len` words, whose references go over.
            unsafe { copy_nonoverlapping(self.words(), moved.words_mut(), len) };
            moved.set_len(len);
            fence(Release);
            let old = std::mem::replace(&mut self.0, moved.0);
            moved.0 = old;
            moved.retire();
            return Ok(());
        }
        let (old, new) = (layout(self.capacity())?, layout(capacity)?);
        // SAFETY: the block was allocated with layout `old`.
        let block = unsafe { realloc(self.0.as_ptr().cast(), old, new.size()) };
        self.0 = NonNull::new(block.cast()).ok_or(NoMemory)?;
        // SAFETY: an owned block.
        unsafe { (*self.0.as_ptr()).capacity = capacity };
        Ok(())
    }

    /// Gives memory back when far fewer elements are left than there is room for.
    pub fn shrink(&mut self) {
        if self.capacity() > 16 && self.len() < self.capacity() / 2 {
            // If it fails, the block is as it was.
            let _ = self.resize_block((self.len() + (self.len() >> 3) + 3) & !3);
        }
    }

    /// Turns a raw block into a generic one with room for `more` elements.
    #[cold]
    #[inline(never)]
    pub fn make_generic(&mut self, more: usize) -> Result<(), NoMemory> {
        if self.kind() == Kind::Generic {
            return Ok(());
        }
        let (kind, len) = (self.kind(), self.len());
        let wanted = len.checked_add(more).ok_or(NoMemory)?;
        let mut wide = Storage::with_capacity(Kind::Generic, wanted.max(self.capacity()))?;
        for at in 0..len {
            // SAFETY: in range of both blocks.
            unsafe {
                wide.words_mut()
                    .add(at)
                    .write(decode(kind, *self.words().add(at)).into_bits())
            };
        }
        wide.set_len(len);
        self.put(wide)
    }

    /// Takes the last element out.
    #[inline]
    pub fn pop(&mut self) -> Option<Value> {
        let len = self.len().checked_sub(1)?;
        self.set_len(len);
        // SAFETY: it was in range; the block no longer owns it.
        let value = unsafe { take(self.kind(), *self.words().add(len)) };
        if len < self.capacity() / 2 {
            self.shrink();
        }
        Some(value)
    }

    /// Takes the element at `at` (in range) out.
    pub fn remove(&mut self, at: usize) -> Value {
        let len = self.len();
        assert!(at < len, "remove in range");
        // SAFETY: in range; the words behind move up.
        let value = unsafe {
            let cell = self.words_mut().add(at);
            let value = take(self.kind(), *cell);
            copy(cell.add(1), cell, len - at - 1);
            value
        };
        self.set_len(len - 1);
        if len - 1 < self.capacity() / 2 {
            self.shrink();
        }
        value
    }

    /// Puts an element in front of the one at `at` (at most the length).
    pub fn insert(&mut self, at: usize, value: Value) -> Result<(), NoMemory> {
        let len = self.len();
        assert!(at <= len, "insert in range");
        self.push(value)?;
        // SAFETY: the new last word goes to its place, the others move back by one.
        unsafe {
            let words = self.words_mut();
            let word = *words.add(len);
            copy(words.add(at), words.add(at + 1), len - at);
            *words.add(at) = word;
        }
        Ok(())
    }

    /// A copy of `count` elements from `start` on, `step` apart, all in range.
    pub fn slice(&self, start: usize, step: i64, count: usize) -> Result<Storage, NoMemory> {
        let mut copied = Storage::with_capacity(self.kind(), count)?;
        if count == 0 {
            return Ok(copied);
        }
        debug_assert!(start < self.len());
        let (from, to) = (self.words(), copied.words_mut());
        if step == 1 {
            // SAFETY: in range of both blocks.
            unsafe { copy_nonoverlapping(from.add(start), to, count) };
        } else {
            for k in 0..count {
                // SAFETY: the caller's indices are in range.
                unsafe {
                    to.add(k)
                        .write(*from.add((start as i64 + k as i64 * step) as usize))
                };
            }
        }
        copied.set_len(count);
        copied.count_again();
        Ok(copied)
    }

    /// Counts a reference for each word, after words were copied.
    fn count_again(&self) {
        if let Some(values) = self.values() {
            values
                .iter()
                .for_each(|value| std::mem::forget(value.clone()));
        }
    }

    /// A copy.
    pub fn duplicate(&self) -> Result<Storage, NoMemory> {
        self.slice(0, 1, self.len())
    }

    /// The elements `times` over.
    pub fn repeated(&self, times: usize) -> Result<Storage, NoMemory> {
        let len = self.len();
        let total = len.checked_mul(times).ok_or(NoMemory)?;
        let mut copied = Storage::with_capacity(self.kind(), total)?;
        if total == 0 {
            return Ok(copied);
        }
        let to = copied.words_mut();
        // SAFETY: the block has room for `total` words; the filled part doubles until it is full.
        unsafe {
            copy_nonoverlapping(self.words(), to, len);
            let mut filled = len;
            while filled < total {
                let more = filled.min(total - filled);
                copy_nonoverlapping(to, to.add(filled), more);
                filled += more;
            }
        }
        copied.set_len(total);
        copied.count_again();
        Ok(copied)
    }

    /// Appends all elements of `other`, whose references go over.
    pub fn append(&mut self, other: Storage) -> Result<(), NoMemory> {
        if other.is_empty() {
            return Ok(());
        }
        let mut other = other;
        if self.is_empty() && self.capacity() < other.len() {
            *self = other;
            return Ok(());
        }
        self.accept(other.kind(), other.len())?;
        if other.kind() != self.kind() {
            other.make_generic(0)?;
        }
        let (len, more) = (self.len(), other.len());
        // SAFETY: `accept` made room; kinds agree; `other` forgets its elements.
        unsafe { copy_nonoverlapping(other.words(), self.words_mut().add(len), more) };
        other.set_len(0);
        self.set_len(len + more);
        Ok(())
    }

    /// Replaces `count` elements from `start` on (in range) by those of `new`; gives the old ones.
    pub fn splice(
        &mut self,
        start: usize,
        count: usize,
        new: Storage,
    ) -> Result<Storage, NoMemory> {
        let len = self.len();
        assert!(start + count <= len, "splice in range");
        if count == len {
            return Ok(std::mem::replace(self, new));
        }
        let mut new = new;
        let mut old = Storage::with_capacity(self.kind(), count)?;
        if new.len() > count {
            self.accept(new.kind(), new.len() - count)?;
        } else if !new.is_empty() && new.kind() != self.kind() {
            self.make_generic(0)?;
        }
        if !new.is_empty() && new.kind() != self.kind() {
            new.make_generic(0)?;
        }
        old.set_kind(self.kind());
        let more = new.len();
        // SAFETY: all ranges are inside the blocks; words move, and each has one owner at the end.
        unsafe {
            let words = self.words_mut();
            copy_nonoverlapping(words.add(start), old.words_mut(), count);
            copy(
                words.add(start + count),
                words.add(start + more),
                len - start - count,
            );
            copy_nonoverlapping(new.words(), words.add(start), more);
        }
        new.set_len(0);
        old.set_len(count);
        self.set_len(len - count + more);
        if more < count {
            self.shrink();
        }
        Ok(old)
    }

    /// Takes out `count` elements from `start` on, `step` (positive) apart, all in range.
    pub fn remove_steps(
        &mut self,
        start: usize,
        step: usize,
        count: usize,
    ) -> Result<Storage, NoMemory> {
        let mut old = Storage::with_capacity(self.kind(), count)?;
        if count == 0 {
            return Ok(old);
        }
        let len = self.len();
        // SAFETY: in range; each kept word is moved up once.
        unsafe {
            let words = self.words_mut();
            let mut to = start;
            let mut taken = 0;
            for from in start..len {
                if taken < count && from == start + taken * step {
                    old.words_mut().add(taken).write(*words.add(from));
                    taken += 1;
                } else {
                    *words.add(to) = *words.add(from);
                    to += 1;
                }
            }
        }
        old.set_len(count);
        self.set_len(len - count);
        self.shrink();
        Ok(old)
    }

    /// Reverses the order.
    pub fn reverse(&mut self) {
        let len = self.len();
        if len > 1 {
            // SAFETY: words are plain data.
            unsafe { std::slice::from_raw_parts_mut(self.words_mut(), len) }.reverse();
        }
    }

    /// Puts the elements into the order of `order`, a permutation of their indices.
    pub fn permute(&mut self, order: &[usize]) -> Result<(), NoMemory> {
        assert_eq!(order.len(), self.len(), "a permutation");
        let mut moved = Storage::with_capacity(self.kind(), self.len())?;
        for (to, from) in order.iter().enumerate() {
            assert!(*from < self.len(), "a permutation");
            // SAFETY: in range; each word moves once.
            unsafe { moved.words_mut().add(to).write(*self.words().add(*from)) };
        }
        moved.set_len(self.len());
        self.set_len(0);
        self.put(moved)
    }

    /// Takes everything out.
    pub fn take(&mut self) -> Storage {
        // What is empty stays what it is: that of a list being sorted, too.
        if self.capacity() == 0 {
            return Storage::new();
        }
        std::mem::take(self)
    }

    /// Bytes the block occupies.
    pub fn bytes(&self) -> usize {
        if self.capacity() == 0 {
            0
        } else {
            HEAD + 8 * self.capacity()
        }
    }
}

impl Default for Storage {
    fn default() -> Storage {
        Storage::new()
    }
}

impl Drop for Storage {
    #[inline]
    fn drop(&mut self) {
        if self.capacity() == 0 {
            return;
        }
        if self.kind() == Kind::Generic {
            let row =
                std::ptr::slice_from_raw_parts_mut(self.words_mut().cast::<Value>(), self.len());
            // SAFETY: the block owns these values.
            unsafe { std::ptr::drop_in_place(row) };
        }
        self.free_block();
    }
}

impl Storage {
    /// Gives the block's memory back; its elements are gone already.
    fn free_block(&mut self) {
        if let Ok(layout) = layout(self.capacity()) {
            // SAFETY: allocated with this layout, and the storage is not used again.
            unsafe { retire::buffer(self.0.as_ptr().cast(), layout) };
        }
    }

    /// Gives the block up without its elements.
    fn retire(self) {
        let mut this = ManuallyDrop::new(self);
        if this.capacity() > 0 {
            this.free_block();
        }
    }
}

/// A look at a list's block without a lock: it may be out of date, but is readable until the thread's next safepoint (see
/// `taipan_core::world`).
pub struct Peek {
    block: *const Block,
    len: usize,
}

impl Peek {
    /// The block of the storage at that place, which another thread may be replacing.
    #[inline(always)]
    pub(super) fn at(place: *const Storage) -> Peek {
        // SAFETY: the place is alive, and holds the address of a block or of a static.
        unsafe {
            let block = place.cast::<*const Block>().read_volatile();
            Peek {
                block,
                len: (&raw const (*block).len).read_volatile(),
            }
        }
    }

    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The word at `at` and its kind, as they were at some moment.
    #[inline(always)]
    fn word(&self, at: usize) -> (Kind, u64) {
        debug_assert!(at < self.len);
        // SAFETY: in range of the block, whose kind never changes while it has elements.
        unsafe {
            let words = self.block.wrapping_byte_add(HEAD).cast::<u64>();
            (
                (&raw const (*self.block).kind).read_volatile(),
                words.wrapping_add(at).read_volatile(),
            )
        }
    }

    /// The element at `at`, if there is one.
    #[inline(always)]
    pub fn get(&self, at: usize) -> Option<Value> {
        if at >= self.len {
            return None;
        }
        loop {
            match self.word(at) {
                (Kind::Float, word) => return Some(Value::float(f64::from_bits(word))),
                (Kind::Int, word) => return Some(Value::int(word as i64)),
                (_, word) => {
                    // SAFETY: a value's word; what it led to is an object's memory until the next safepoint.
                    if let Some(value) = unsafe { refcount::count_word(word) } {
                        return Some(value);
                    }
                    // It was replaced meanwhile, and is dying; or taken out for good.
                    if self.word(at).1 == word {
                        return None;
                    }
                }
            }
        }
    }

    /// The element at an index that may be negative.
    #[inline(always)]
    pub fn get_signed(&self, at: i64) -> Option<Value> {
        self.index(at).and_then(|at| self.get(at))
    }

    #[inline(always)]
    fn index(&self, at: i64) -> Option<usize> {
        let at = if at < 0 { at + self.len as i64 } else { at };
        usize::try_from(at).ok().filter(|at| *at < self.len)
    }

    /// The word of an element that is no raw number; its object is readable until the next safepoint, but not counted.
    #[inline(always)]
    pub fn uncounted(&self, at: i64) -> Option<u64> {
        match self.word(self.index(at)?) {
            (Kind::Generic, word) => Some(word),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ints(storage: &Storage) -> Vec<i64> {
        storage
            .to_vec()
            .iter()
            .map(|value| value.small_int().expect("an int"))
            .collect()
    }

    fn row(numbers: &[i64]) -> Storage {
        Storage::from_values(numbers.iter().map(|i| Value::int(*i)).collect()).expect("memory")
    }

    #[test]
    fn kinds_follow_contents() {
        let mut storage = Storage::new();
        storage.push(Value::int(1)).expect("memory");
        assert_eq!(storage.kind(), Kind::Int);
        storage.push(Value::float(1.0)).expect("memory");
        assert_eq!(storage.kind(), Kind::Generic);
        assert_eq!(storage.get(0).and_then(|v| v.small_int()), Some(1));
        assert_eq!(storage.get(1).and_then(|v| v.small_float()), Some(1.0));
        storage.pop();
        storage.pop();
        storage.push(Value::float(2.0)).expect("memory");
        assert_eq!(storage.kind(), Kind::Float);
    }

    #[test]
    fn splices() {
        let mut storage = row(&[0, 1, 2, 3, 4, 5]);
        let old = storage.splice(1, 2, row(&[7, 8, 9])).expect("memory");
        assert_eq!(ints(&old), [1, 2]);
        assert_eq!(ints(&storage), [0, 7, 8, 9, 3, 4, 5]);
        storage.remove_steps(0, 2, 3).expect("memory");
        assert_eq!(ints(&storage), [7, 9, 4, 5]);
        storage.insert(1, Value::int(1)).expect("memory");
        assert_eq!(storage.remove(0).small_int(), Some(7));
        assert_eq!(ints(&storage), [1, 9, 4, 5]);
        storage.reverse();
        storage.append(row(&[2])).expect("memory");
        assert_eq!(ints(&storage), [5, 4, 9, 1, 2]);
        assert_eq!(
            ints(&storage.repeated(2).expect("memory")),
            [5, 4, 9, 1, 2, 5, 4, 9, 1, 2]
        );
        assert_eq!(ints(&storage.slice(4, -2, 3).expect("memory")), [2, 9, 5]);
    }
}
