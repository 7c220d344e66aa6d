//! Strings: code points in 1, 2 or 4 bytes each, inline behind the payload; hash cached; interning.
//!
//! A string of code points below 128 only has the ASCII flag, and its bytes are UTF-8 as they are. Lone surrogates are allowed.
//! Kinds are canonical (I-STR-1): the narrowest that holds all code points.

use crate::builtin_types;
use crate::header::Obj;
use crate::payload::Payload;
use crate::type_object::{TypeFlags, TypeObject};
use crate::value::Value;
use hashbrown::HashTable;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};

const KIND: u8 = 0b011;
const ASCII: u8 = 0b100;
const INTERNED: u8 = 0b1000;

/// Payload of strings; the code units follow inline.
#[repr(C)]
pub struct Str {
    /// 0 until computed.
    hash: AtomicI64,
    /// Length in code points, 48 bits.
    len_low: u32,
    len_high: u16,
    flags: AtomicU8,
}

const _: () = assert!(size_of::<Str>() == 16);

/// A string's code units.
#[derive(Clone, Copy)]
pub enum Units<'a> {
    /// Code points below 128: valid UTF-8.
    Ascii(&'a [u8]),
    /// Latin-1, with at least one code point above 127.
    Latin1(&'a [u8]),
    Ucs2(&'a [u16]),
    Ucs4(&'a [u32]),
}

// SAFETY: holds no references.
unsafe impl Payload for Str {
    fn type_object() -> &'static TypeObject {
        &builtin_types::STR
    }
    fn inline_size(&self) -> usize {
        self.len() << self.kind()
    }
}

impl Str {
    /// log2 of the bytes per code point.
    #[inline(always)]
    pub fn kind(&self) -> u8 {
        self.flags.load(Relaxed) & KIND
    }

    /// Length in code points.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len_low as usize | (self.len_high as usize) << 32
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline(always)]
    pub fn is_ascii(&self) -> bool {
        self.flags.load(Relaxed) & ASCII != 0
    }

    #[inline(always)]
    pub fn is_interned(&self) -> bool {
        self.flags.load(Relaxed) & INTERNED != 0
    }

    #[inline(always)]
    fn data(&self) -> *const u8 {
        (self as *const Str).wrapping_add(1).cast()
    }

    /// The raw bytes of all code units.
    #[inline(always)]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the units lie behind the payload and never change (I-STR-2).
        unsafe { std::slice::from_raw_parts(self.data(), self.len() << self.kind()) }
    }

    /// The code units.
    #[inline]
    pub fn units(&self) -> Units<'_> {
        let len = self.len();
        // SAFETY: as for `bytes`; the payload's size keeps the alignment of 8.
        unsafe {
            match self.kind() {
                0 if self.is_ascii() => Units::Ascii(std::slice::from_raw_parts(self.data(), len)),
                0 => Units::Latin1(std::slice::from_raw_parts(self.data(), len)),
                1 => Units::Ucs2(std::slice::from_raw_parts(self.data().cast(), len)),
                _ => Units::Ucs4(std::slice::from_raw_parts(self.data().cast(), len)),
            }
        }
    }

    /// The text, if it is ASCII.
    #[inline(always)]
    pub fn ascii(&self) -> Option<&str> {
        if self.is_ascii() {
            // SAFETY: ASCII bytes are UTF-8.
            Some(unsafe { std::str::from_utf8_unchecked(self.bytes()) })
        } else {
            None
        }
    }

    /// The code point at `index`, which is in range.
    #[inline]
    pub fn at(&self, index: usize) -> u32 {
        match self.units() {
            Units::Ascii(units) | Units::Latin1(units) => units[index] as u32,
            Units::Ucs2(units) => units[index] as u32,
            Units::Ucs4(units) => units[index],
        }
    }

    /// All code points.
    pub fn code_points(&self) -> impl DoubleEndedIterator<Item = u32> + ExactSizeIterator + '_ {
        (0..self.len()).map(|index| self.at(index))
    }

    /// The text as UTF-8, lone surrogates encoded like other code points (WTF-8 generalised).
    pub fn to_wtf8(&self) -> Vec<u8> {
        match self.units() {
            Units::Ascii(bytes) => bytes.to_vec(),
            _ => {
                let mut out = Vec::with_capacity(self.len() * 2);
                for c in self.code_points() {
                    push_wtf8(&mut out, c);
                }
                out
            }
        }
    }

    /// The text as a Rust string, if it has no lone surrogate.
    pub fn to_utf8(&self) -> Option<String> {
        String::from_utf8(self.to_wtf8()).ok()
    }

    /// The text with lone surrogates replaced by U+FFFD; for messages.
    pub fn to_lossy(&self) -> String {
        self.code_points()
            .map(|c| char::from_u32(c).unwrap_or('\u{FFFD}'))
            .collect()
    }
}

impl Drop for Str {
    fn drop(&mut self) {
        if self.is_interned() {
            forget_interned(self);
        }
    }
}

/// Appends one code point (surrogates too).
pub fn push_wtf8(out: &mut Vec<u8>, c: u32) {
    match c {
        0..0x80 => out.push(c as u8),
        0x80..0x800 => out.extend([0xC0 | (c >> 6) as u8, 0x80 | (c & 0x3F) as u8]),
        0x800..0x10000 => {
            out.extend([
                0xE0 | (c >> 12) as u8,
                0x80 | (c >> 6 & 0x3F) as u8,
                0x80 | (c & 0x3F) as u8,
            ]);
        }
        _ => out.extend([
            0xF0 | (c >> 18) as u8,
            0x80 | (c >> 12 & 0x3F) as u8,
            0x80 | (c >> 6 & 0x3F) as u8,
            0x80 | (c & 0x3F) as u8,
        ]),
    }
}

/// Makes a string of `len` code points of `kind` whose units `fill` writes. `None` if memory ran out.
fn build(
    cls: &TypeObject,
    len: usize,
    kind: u8,
    ascii: bool,
    fill: impl FnOnce(*mut u8),
) -> Option<Value> {
    let size = len.checked_mul(1 << kind)?;
    let flags = AtomicU8::new(kind | if ascii { ASCII } else { 0 });
    let payload = Str {
        hash: AtomicI64::new(0),
        len_low: len as u32,
        len_high: u16::try_from(len >> 32).ok()?,
        flags,
    };
    let value = crate::alloc::try_new_variable(cls, payload, size)?;
    // `fill` writes exactly the inline bytes of the fresh object.
    fill((value.bits() as *mut u8).wrapping_add(size_of::<Obj<Str>>()));
    Some(value)
}

fn out_of_memory() -> ! {
    std::alloc::handle_alloc_error(std::alloc::Layout::new::<Obj<Str>>())
}

/// A `str` of ASCII bytes.
///
/// # Panics
/// In debug builds, if a byte is not ASCII.
pub fn try_new_ascii(bytes: &[u8]) -> Option<Value> {
    debug_assert!(bytes.is_ascii());
    build(&builtin_types::STR, bytes.len(), 0, true, |to| {
        // SAFETY: room for exactly these bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
    })
}

/// A `str` of ASCII bytes.
pub fn new_ascii(bytes: &[u8]) -> Value {
    if let [byte] = bytes {
        return latin1_char(*byte);
    }
    try_new_ascii(bytes).unwrap_or_else(|| out_of_memory())
}

/// A `str` with the text of a Rust string.
pub fn new_str(text: &str) -> Value {
    if text.is_ascii() {
        return new_ascii(text.as_bytes());
    }
    new_wide(text)
}

/// A `str` of text that is not all ASCII, in one pass over it after its kind is known.
fn new_wide(text: &str) -> Value {
    let mut chars = text.chars();
    if let (Some(c @ ..='\u{FF}'), None) = (chars.next(), chars.next()) {
        return latin1_char(c as u32 as u8);
    }
    let bytes = text.as_bytes();
    let len = bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    // In UTF-8 the greatest first byte tells how wide the widest code point is.
    let kind = match bytes.iter().max() {
        Some(0xF0..) => 2,
        Some(0xC4..) => 1,
        _ => 0,
    };
    let made = build(&builtin_types::STR, len, kind, false, |to| {
        for (index, c) in text.chars().enumerate() {
            // SAFETY: room for as many units of this kind as the text has code points, aligned as string data is (I-STR-2).
            unsafe {
                match kind {
                    0 => to.add(index).write(c as u32 as u8),
                    1 => to.cast::<u16>().add(index).write(c as u32 as u16),
                    _ => to.cast::<u32>().add(index).write(c as u32),
                }
            }
        }
    });
    made.unwrap_or_else(|| out_of_memory())
}

/// A `str` of Latin-1 bytes.
pub fn try_new_latin1(bytes: &[u8]) -> Option<Value> {
    if bytes.is_ascii() {
        return try_new_ascii(bytes);
    }
    build(&builtin_types::STR, bytes.len(), 0, false, |to| {
        // SAFETY: room for exactly these bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
    })
}

/// A `str` of 2-byte units (code points, not UTF-16), narrowed if possible.
pub fn try_new_ucs2(units: &[u16]) -> Option<Value> {
    if units.iter().all(|c| *c < 256) {
        let bytes: Vec<u8> = units.iter().map(|c| *c as u8).collect();
        return try_new_latin1(&bytes);
    }
    build(&builtin_types::STR, units.len(), 1, false, |to| {
        // SAFETY: room for exactly these units.
        unsafe { std::ptr::copy_nonoverlapping(units.as_ptr(), to.cast(), units.len()) }
    })
}

/// A `str` of code points, narrowed as far as possible.
pub fn try_new_from_code_points(points: &[u32]) -> Option<Value> {
    let max = points.iter().copied().max().unwrap_or(0);
    if max < 256 {
        let bytes: Vec<u8> = points.iter().map(|c| *c as u8).collect();
        return match bytes[..] {
            [byte] => Some(latin1_char(byte)),
            _ => try_new_latin1(&bytes),
        };
    }
    if max < 0x10000 {
        let units: Vec<u16> = points.iter().map(|c| *c as u16).collect();
        return try_new_ucs2(&units);
    }
    build(&builtin_types::STR, points.len(), 2, false, |to| {
        // SAFETY: room for exactly these units.
        unsafe { std::ptr::copy_nonoverlapping(points.as_ptr(), to.cast(), points.len()) }
    })
}

/// A `str` of code points.
pub fn new_from_code_points(points: &[u32]) -> Value {
    try_new_from_code_points(points).unwrap_or_else(|| out_of_memory())
}

/// A `str` from (generalised) WTF-8, such as constants of code objects; malformed bytes become U+FFFD.
pub fn new_from_wtf8(bytes: &[u8]) -> Value {
    if bytes.is_ascii() {
        return new_ascii(bytes);
    }
    let mut points = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&first) = bytes.get(at) {
        let (len, initial) = match first {
            0..0x80 => (1, first as u32),
            0xC0..0xE0 => (2, first as u32 & 0x1F),
            0xE0..0xF0 => (3, first as u32 & 0x0F),
            0xF0..0xF8 => (4, first as u32 & 0x07),
            _ => (1, 0xFFFD),
        };
        let tail = bytes.get(at + 1..at + len).unwrap_or(&[]);
        let c = if tail.len() + 1 == len && tail.iter().all(|b| b & 0xC0 == 0x80) {
            tail.iter()
                .fold(initial, |c, b| c << 6 | (*b as u32 & 0x3F))
        } else {
            0xFFFD
        };
        points.push(c.min(0x10FFFF));
        at += len;
    }
    new_from_code_points(&points)
}

/// A copy of `text` as an instance of `cls`, a subclass of `str`.
pub fn new_str_of(cls: &TypeObject, text: &Str) -> Option<Value> {
    let bytes = text.bytes();
    build(cls, text.len(), text.kind(), text.is_ascii(), |to| {
        // SAFETY: room for exactly these bytes.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) }
    })
}

/// The one-character string of a code point below 256, shared.
pub fn latin1_char(byte: u8) -> Value {
    static CHARS: OnceLock<Vec<Value>> = OnceLock::new();
    let chars = CHARS.get_or_init(|| {
        (0..=255u8)
            .map(|byte| {
                let made = build(&builtin_types::STR, 1, 0, byte < 128, |to| {
                    // SAFETY: room for one byte.
                    unsafe { to.write(byte) }
                });
                let value = made.unwrap_or_else(|| out_of_memory());
                if let Some(header) = value.header() {
                    header.make_immortal();
                }
                intern(&value)
            })
            .collect()
    });
    chars[byte as usize].clone()
}

/// The empty string, shared.
pub fn empty_str() -> Value {
    static EMPTY: OnceLock<Value> = OnceLock::new();
    EMPTY.get_or_init(|| name("")).clone()
}

/// The text of a `str` or an instance of a subclass.
#[inline(always)]
pub fn str_of(value: &Value) -> Option<&Obj<Str>> {
    if is_str(value) {
        // SAFETY: subclasses of str have its layout.
        Some(unsafe { value.cast_unchecked::<Str>() })
    } else {
        None
    }
}

/// Is it a `str` or an instance of a subclass?
#[inline(always)]
pub fn is_str(value: &Value) -> bool {
    value.is_object() && value.type_of().has(TypeFlags::STR_SUBCLASS)
}

/// Is it exactly a `str`?
#[inline(always)]
pub fn is_exact_str(value: &Value) -> bool {
    value.is_object() && value.shape() == builtin_types::STR.root_shape()
}

/// Is it a string that is equal to others by its text alone: exact, or of a subclass with the `__eq__` of `str`?
#[inline]
pub fn compares_as_str(value: &Value) -> bool {
    is_exact_str(value)
        || is_str(value)
            && match (
                value.type_of().slots().compare,
                builtin_types::STR.slots().compare,
            ) {
                (Some(own), Some(of_str)) => std::ptr::fn_addr_eq(own, of_str),
                _ => false,
            }
}

/// Are two strings (exact or not) the same text?
#[inline]
pub fn str_eq(a: &Value, b: &Value) -> bool {
    if a.is(b) {
        return true;
    }
    match (str_of(a), str_of(b)) {
        (Some(a), Some(b)) => a.len() == b.len() && a.kind() == b.kind() && a.bytes() == b.bytes(),
        _ => false,
    }
}

/// The hash of a string's text, cached. Not for other values.
#[inline]
pub fn str_hash(value: &Value) -> i64 {
    match str_of(value) {
        Some(text) => text_hash(text),
        None => 0,
    }
}

/// The hash of a string's text, cached.
#[inline]
pub fn text_hash(text: &Str) -> i64 {
    let cached = text.hash.load(Relaxed);
    if cached != 0 {
        return cached;
    }
    // 0 means "not computed"; the empty string's hash is 0 and is simply computed anew.
    let hash = bytes_hash(text.bytes());
    text.hash.store(hash, Relaxed);
    hash
}

/// Python's hash of bytes (and of a string's code units): SipHash-1-3 under the process's key; -1 becomes -2, no bytes 0.
pub fn bytes_hash(bytes: &[u8]) -> i64 {
    use std::hash::Hasher;
    if bytes.is_empty() {
        return 0;
    }
    let (k0, k1) = *HASH_KEY.get_or_init(random_hash_key);
    let mut hasher = siphasher::sip::SipHasher13::new_with_keys(k0, k1);
    hasher.write(bytes);
    match hasher.finish() as i64 {
        -1 => -2,
        hash => hash,
    }
}

static HASH_KEY: OnceLock<(u64, u64)> = OnceLock::new();

/// Sets the key of string hashes (`PYTHONHASHSEED`). Only before the first string is hashed; false if that is past.
pub fn set_hash_key(key: (u64, u64)) -> bool {
    HASH_KEY.set(key).is_ok()
}

fn random_hash_key() -> (u64, u64) {
    let mut bytes = [0u8; 16];
    // SAFETY: the buffer has 16 bytes.
    unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), 16, 0) };
    let (a, b) = bytes.split_at(8);
    let word = |half: &[u8]| {
        half.iter()
            .fold(0u64, |word, byte| word << 8 | *byte as u64)
    };
    (word(a), word(b))
}

// ---- making strings from strings ----

/// A `str` of `len` units of `kind` (log2 of their width), written by `fill`.
///
/// # Safety
/// `fill` writes every byte; `kind` is the narrowest that holds the text, and `ascii` tells whether all of it is below 128.
pub unsafe fn try_new_with(
    len: usize,
    kind: u8,
    ascii: bool,
    fill: impl FnOnce(*mut u8),
) -> Option<Value> {
    build(&builtin_types::STR, len, kind, ascii, fill)
}

/// Copies the units of `text` to `to`, widened to `kind`, which is not narrower.
///
/// # Safety
/// There is room for all units at `to`.
unsafe fn copy_units(text: &Str, to: *mut u8, kind: u8) {
    // SAFETY: the caller's promise: room for `len` units of `kind`, aligned as string data is.
    unsafe {
        match (text.units(), kind) {
            (Units::Ascii(from) | Units::Latin1(from), 1) => {
                let to = to.cast::<u16>();
                for (i, unit) in from.iter().enumerate() {
                    to.add(i).write(*unit as u16);
                }
            }
            (Units::Ascii(from) | Units::Latin1(from), 2) => {
                let to = to.cast::<u32>();
                for (i, unit) in from.iter().enumerate() {
                    to.add(i).write(*unit as u32);
                }
            }
            (Units::Ucs2(from), 2) => {
                let to = to.cast::<u32>();
                for (i, unit) in from.iter().enumerate() {
                    to.add(i).write(*unit as u32);
                }
            }
            _ => {
                let from = text.bytes();
                std::ptr::copy_nonoverlapping(from.as_ptr(), to, from.len());
            }
        }
    }
}

/// `a + b`
pub fn try_concat(a: &Str, b: &Str) -> Option<Value> {
    let kind = a.kind().max(b.kind());
    let len = a.len().checked_add(b.len())?;
    build(
        &builtin_types::STR,
        len,
        kind,
        a.is_ascii() && b.is_ascii(),
        |to| {
            // SAFETY: room for both texts in `kind`; the second begins where the first ends.
            unsafe {
                copy_units(a, to, kind);
                copy_units(b, to.add(a.len() << kind), kind);
            }
        },
    )
}

/// `text * n`
pub fn try_repeat(text: &Str, n: usize) -> Option<Value> {
    let bytes = text.bytes();
    let len = text.len().checked_mul(n)?;
    build(
        &builtin_types::STR,
        len,
        text.kind(),
        text.is_ascii(),
        |to| {
            // SAFETY: room for `n` copies.
            unsafe {
                if let [byte] = bytes {
                    std::ptr::write_bytes(to, *byte, n);
                    return;
                }
                for i in 0..n {
                    let to = to.add(i * bytes.len());
                    std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
                }
            }
        },
    )
}

/// `text[from..to]` for a range within the text.
pub fn try_substring(text: &Str, from: usize, to: usize) -> Option<Value> {
    match text.units() {
        Units::Ascii(units) => match &units[from..to] {
            [] => Some(empty_str()),
            [byte] => Some(latin1_char(*byte)),
            part => try_new_ascii(part),
        },
        Units::Latin1(units) => match &units[from..to] {
            [] => Some(empty_str()),
            [byte] => Some(latin1_char(*byte)),
            part => try_new_latin1(part),
        },
        Units::Ucs2(units) => match &units[from..to] {
            [] => Some(empty_str()),
            [unit] if *unit < 256 => Some(latin1_char(*unit as u8)),
            part => try_new_ucs2(part),
        },
        Units::Ucs4(units) => match &units[from..to] {
            [] => Some(empty_str()),
            part => try_new_from_code_points(part),
        },
    }
}

/// Appends `b` to `a` in `a`'s own memory (which may move) if nobody else refers to `a` and `b` is not wider; else gives `a` back.
pub fn try_append(a: Value, b: &Str) -> Result<Value, Value> {
    if !is_exact_str(&a) {
        return Err(a);
    }
    // SAFETY: just tested.
    let text = unsafe { a.cast_unchecked::<Str>() };
    let header = text.header();
    if !crate::refcount::is_only(header) || text.is_interned() || b.kind() > text.kind() {
        return Err(a);
    }
    let (old_len, kind) = (text.len(), text.kind());
    let ascii = text.is_ascii() && b.is_ascii();
    let size = old_len
        .checked_add(b.len())
        .filter(|len| *len < 1 << 47)
        .and_then(|len| len.checked_mul(1 << kind))
        .and_then(|size| size.checked_add(size_of::<Obj<Str>>() + 7));
    let Some(size) = size else { return Err(a) };
    let Some(block) = crate::alloc::grow(&a, size & !7) else {
        return Err(a);
    };
    let _moved = a.into_bits();
    let object = block.cast::<Obj<Str>>();
    // SAFETY: this thread holds the only reference, so the memory is ours to change; `grow` kept the contents and made room.
    unsafe {
        copy_units(
            b,
            block.add(size_of::<Obj<Str>>() + (old_len << kind)),
            kind,
        );
        let payload = &raw mut *object.cast::<u8>().add(size_of::<crate::header::Header>());
        let payload = payload.cast::<Str>();
        let len = old_len + b.len();
        (*payload).len_low = len as u32;
        (*payload).len_high = (len >> 32) as u16;
        (*payload).hash.store(0, Relaxed);
        (*payload)
            .flags
            .store(kind | if ascii { ASCII } else { 0 }, Relaxed);
        Ok(Value::steal(block.cast()))
    }
}

// ---- interning ----

struct Interned(HashTable<u64>);

impl Interned {
    /// Room for what start-up interns.
    fn new() -> Interned {
        Interned(HashTable::with_capacity(7000))
    }

    /// The string with that text, counted. One that is dying on another thread is passed over: it only waits for the lock to take
    /// itself out, and another one may have its text already.
    fn find(&self, hash: u64, kind: u8, bytes: &[u8]) -> Option<Value> {
        let same = |word: &u64| {
            let other = interned_text(*word);
            other.kind() == kind
                && other.bytes() == bytes
                && crate::refcount::try_incref(other.header())
        };
        let word = self.0.find(hash, same)?;
        // SAFETY: the reference was just counted.
        Some(unsafe { Value::steal(interned_text(*word).header()) })
    }
}

/// One table for the process: names in static types are shared by all interpreters. Entries are uncounted words; a dying
/// string takes itself out.
static TABLE: Mutex<Option<Interned>> = Mutex::new(None);

fn interned_text<'a>(word: u64) -> &'a Obj<Str> {
    // SAFETY: entries are live strings: a dying one is taken out, with the table locked.
    unsafe { &*(word as *const Obj<Str>) }
}

/// The one string with this text that stands for all of them. `value` is an exact `str`; others are given back as they are.
pub fn intern(value: &Value) -> Value {
    let Some(text) = str_of(value) else {
        return value.clone();
    };
    if text.is_interned() || !is_exact_str(value) {
        return value.clone();
    }
    let hash = text_hash(text) as u64;
    let Ok(mut table) = TABLE.lock() else {
        return value.clone();
    };
    let table = table.get_or_insert_with(Interned::new);
    if let Some(known) = table.find(hash, text.kind(), text.bytes()) {
        return known;
    }
    let table = &mut table.0;
    table.insert_unique(hash, value.bits(), |word| {
        text_hash(interned_text(*word)) as u64
    });
    text.flags.fetch_or(INTERNED, Relaxed);
    value.clone()
}

/// The interned string with the given text. One that is known already is found without making another.
pub fn name(text: &str) -> Value {
    if !text.is_ascii() {
        return intern(&new_str(text));
    }
    let hash = bytes_hash(text.as_bytes());
    if let Ok(table) = TABLE.lock()
        && let Some(table) = table.as_ref()
        && let Some(known) = table.find(hash as u64, 0, text.as_bytes())
    {
        return known;
    }
    let value = try_new_ascii(text.as_bytes()).unwrap_or_else(|| out_of_memory());
    if let Some(text) = str_of(&value) {
        text.hash.store(hash, Relaxed);
    }
    intern(&value)
}

/// An interned string that lives for ever: for names that statics of Rust code keep.
pub fn immortal_name(text: &str) -> Value {
    let value = name(text);
    if let Some(header) = value.header() {
        header.make_immortal();
    }
    value
}

#[inline(always)]
pub fn is_interned(value: &Value) -> bool {
    str_of(value).is_some_and(|text| text.is_interned())
}

#[cold]
fn forget_interned(text: &Str) {
    let word = (text as *const Str as u64) - size_of::<crate::header::Header>() as u64;
    if let Ok(mut table) = TABLE.lock()
        && let Some(table) = table.as_mut()
        && let Ok(entry) = table
            .0
            .find_entry(text_hash(text) as u64, |own| *own == word)
    {
        entry.remove();
    }
}
