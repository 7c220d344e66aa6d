//! `bytes` and `bytearray`. Their methods are the same code (`methods`) over the bytes of either.
//!
//! `bytes` keeps its data inline behind the payload, with the hash cached. `bytearray` keeps a vector behind the object's lock
//! and refuses to resize it while buffers of it are lent.

mod bytearray;
mod iterator;
mod methods;
mod percent;
pub mod warning;

use crate::{buffer, slice};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use taipan_core::alloc::{new_immortal, try_new_variable};
use taipan_core::buffer::Buffer;
use taipan_core::builtin_types::{BYTEARRAY, BYTES, TYPE_ERROR};
use taipan_core::str_object::bytes_hash;
use taipan_core::tuple_object::items;
use taipan_core::{
    Args, BinaryOp, CompareOp, Layout, Obj, Payload, Py, Slots, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, name,
};

pub use bytearray::{ByteArray, bytearray_copy, new_bytearray};
pub use methods::{hex_digits, hex_text};

/// Payload of `bytes`; the data follows inline.
#[repr(C)]
pub struct Bytes {
    len: usize,
    /// 0 until computed.
    hash: AtomicI64,
}

// SAFETY: holds no references.
unsafe impl Payload for Bytes {
    fn type_object() -> &'static TypeObject {
        &BYTES
    }
    fn inline_size(&self) -> usize {
        self.len
    }
}

impl Bytes {
    /// The data.
    #[inline(always)]
    pub fn data(&self) -> &[u8] {
        // SAFETY: `len` bytes lie behind the payload, written before anybody sees the object, and never change.
        unsafe { std::slice::from_raw_parts((self as *const Bytes).add(1).cast::<u8>(), self.len) }
    }
}

/// The data of a `bytes` object or an instance of a subclass.
#[inline]
pub fn bytes_of(value: &Value) -> Option<&[u8]> {
    if value.is_object() && value.type_of().has(TypeFlags::BYTES_SUBCLASS) {
        // SAFETY: subclasses of bytes have its layout.
        Some(unsafe { value.cast_unchecked::<Bytes>() }.data())
    } else {
        None
    }
}

/// The empty `bytes`, shared.
pub fn empty_bytes() -> Value {
    static EMPTY: OnceLock<Value> = OnceLock::new();
    EMPTY
        .get_or_init(|| {
            new_immortal(Bytes {
                len: 0,
                hash: AtomicI64::new(0),
            })
        })
        .clone()
}

/// A `bytes` object; `None` if memory ran out.
pub fn try_new_bytes(data: &[u8]) -> Option<Value> {
    match data {
        [] => Some(empty_bytes()),
        [byte] => single(*byte),
        _ => new_of(&BYTES, data),
    }
}

/// A `bytes` object.
#[inline]
pub fn new_bytes(vm: &mut Vm, data: &[u8]) -> Py {
    try_new_bytes(data).ok_or_else(|| vm.memory_error())
}

/// The shared object of one byte.
fn single(byte: u8) -> Option<Value> {
    static SINGLE: OnceLock<Vec<Value>> = OnceLock::new();
    let all = SINGLE.get_or_init(|| {
        let made = (0..=255u8).filter_map(|byte| {
            let value = new_of(&BYTES, &[byte])?;
            value.header()?.make_immortal();
            Some(value)
        });
        made.collect()
    });
    all.get(byte as usize).cloned()
}

fn new_of(cls: &TypeObject, data: &[u8]) -> Option<Value> {
    let payload = Bytes {
        len: data.len(),
        hash: AtomicI64::new(0),
    };
    let value = try_new_variable(cls, payload, data.len())?;
    let to = (value.bits() as *mut u8).wrapping_add(size_of::<Obj<Bytes>>());
    // SAFETY: a fresh object with room for the data behind its payload.
    unsafe { std::ptr::copy_nonoverlapping(data.as_ptr(), to, data.len()) };
    Some(value)
}

/// Runs `f` over the bytes of a `bytes` or `bytearray`. A bytearray is locked meanwhile.
#[inline]
pub(crate) fn with_data<R>(vm: &mut Vm, this: &Value, f: impl FnOnce(&[u8]) -> R) -> R {
    match bytes_of(this) {
        Some(data) => f(data),
        None => match this.cast::<ByteArray>() {
            Some(array) => f(array.lock(vm).data()),
            None => f(&[]),
        },
    }
}

/// Keeps a `bytearray` from changing its size while the result lives: for work in which Python code may run.
pub(crate) fn hold(vm: &mut Vm, this: &Value) -> Py<Option<Buffer>> {
    match this.cast::<ByteArray>() {
        Some(_) => bytearray::lend(vm, this, 0).map(Some),
        None => Ok(None),
    }
}

/// An object of the same builtin type as `this` (never a subclass).
pub(crate) fn like(vm: &mut Vm, this: &Value, data: &[u8]) -> Py {
    if bytes_of(this).is_some() {
        return new_bytes(vm, data);
    }
    new_bytearray(vm, data.to_vec())
}

/// As [`like`], where the data may be all that `this` has: an exact `bytes` is then given itself.
pub(crate) fn like_or_same(vm: &mut Vm, this: &Value, data: &[u8]) -> Py {
    if this.is_exact(&BYTES) && bytes_of(this).is_some_and(|own| own.len() == data.len()) {
        return Ok(this.clone());
    }
    like(vm, this, data)
}

// ---- construction from any object ----

/// What `bytes(source, encoding, errors)` and `bytearray(...)` are made of.
pub(crate) fn from_arguments(
    vm: &mut Vm,
    function: &str,
    source: Option<&Value>,
    encoding: Option<&Value>,
    errors: Option<&Value>,
) -> Py<Vec<u8>> {
    let encoding_text = crate::str::text_argument(vm, function, "encoding", encoding)?;
    let errors_text = crate::str::text_argument(vm, function, "errors", errors)?;
    let without_text = |vm: &mut Vm| {
        let message = if encoding.is_some() {
            "encoding without a string argument"
        } else {
            "errors without a string argument"
        };
        vm.type_error(message)
    };
    let Some(source) = source else {
        if encoding.is_some() || errors.is_some() {
            return Err(without_text(vm));
        }
        return Ok(Vec::new());
    };
    if taipan_core::str_object::is_str(source) {
        if encoding.is_none() {
            return Err(vm.type_error("string argument without an encoding"));
        }
        let made =
            crate::codec::encode_str(vm, source, encoding_text.as_deref(), errors_text.as_deref())?;
        return Ok(bytes_of(&made).unwrap_or(&[]).to_vec());
    }
    if encoding.is_some() || errors.is_some() {
        return Err(without_text(vm));
    }
    from_object(vm, source, function)
}

/// The bytes of a count, a buffer, or an iterable of ints.
fn from_object(vm: &mut Vm, source: &Value, function: &str) -> Py<Vec<u8>> {
    if source.is_int() || source.type_of().slots().index.is_some() {
        match count_of(vm, source) {
            Ok(count) => {
                let mut zeros = Vec::new();
                if zeros.try_reserve_exact(count).is_err() {
                    return Err(vm.memory_error());
                }
                zeros.resize(count, 0);
                return Ok(zeros);
            }
            // An object that is no number after all may still be iterable.
            Err(raised) => {
                let error = vm.catch(raised, &TYPE_ERROR)?;
                if source.is_int() {
                    return Err(vm.raise_value(error));
                }
            }
        }
    }
    if source.type_of().slots().buffer.is_some() {
        let lent = buffer::get(vm, source, taipan_core::buffer::flags::FULL_RO)?;
        return Ok(buffer::gather(&lent));
    }
    let slots = source.type_of().slots();
    if slots.iter.is_none() && slots.get_item.is_none() {
        let message = format!(
            "cannot convert '{}' object to {function}",
            source.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let words = match function {
        "bytes" => "bytes must be in range(0, 256)",
        _ => "byte must be in range(0, 256)",
    };
    from_iterable(vm, source, words)
}

fn count_of(vm: &mut Vm, source: &Value) -> Py<usize> {
    let index = vm.index(source)?;
    match index.as_i64() {
        Some(count) if count >= 0 => Ok(count as usize),
        Some(_) => Err(vm.value_error("negative count")),
        None if index
            .as_big()
            .is_some_and(|big| big < dashu_int::IBig::ZERO) =>
        {
            Err(vm.overflow_error(format!(
                "cannot fit '{}' into an index-sized integer",
                source.type_of().name()
            )))
        }
        None => {
            let message = format!(
                "cannot fit '{}' into an index-sized integer",
                source.type_of().name()
            );
            Err(vm.overflow_error(message))
        }
    }
}

/// The bytes of an iterable of ints; `words` tell of one out of range.
fn from_iterable(vm: &mut Vm, source: &Value, words: &str) -> Py<Vec<u8>> {
    let iterator = vm.iter(source)?;
    let hint = vm.length_hint(source, 0)?;
    let mut out = Vec::new();
    if out.try_reserve(hint.min(1 << 24)).is_err() {
        return Err(vm.memory_error());
    }
    while let Some(item) = vm.next(&iterator)? {
        out.push(byte_in_range(vm, &item, words)?);
    }
    Ok(out)
}

/// An int from 0 to 255.
pub(crate) fn byte_value(vm: &mut Vm, value: &Value) -> Py<u8> {
    byte_in_range(vm, value, "byte must be in range(0, 256)")
}

fn byte_in_range(vm: &mut Vm, value: &Value, words: &str) -> Py<u8> {
    if let Some(i) = value.small_int()
        && let Ok(byte) = u8::try_from(i)
    {
        return Ok(byte);
    }
    let index = vm.index(value)?;
    match index.as_i64().and_then(|i| u8::try_from(i).ok()) {
        Some(byte) => Ok(byte),
        None => Err(vm.value_error(words)),
    }
}

/// `bytes(source, encoding, errors)`
fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let [source, encoding, errors] =
        crate::arguments::take(vm, "bytes", args, ["source", "encoding", "errors"], 0)?;
    if encoding.is_none()
        && errors.is_none()
        && let Some(source) = source
    {
        if source.is_exact(&BYTES) {
            return of_class(vm, cls, source);
        }
        if let Some(made) = call_dunder_bytes(vm, source)? {
            return of_class(vm, cls, &made);
        }
    }
    let data = from_arguments(vm, "bytes", source, encoding, errors)?;
    if std::ptr::eq(cls, &BYTES) {
        return new_bytes(vm, &data);
    }
    new_of(cls, &data).ok_or_else(|| vm.memory_error())
}

/// `object.__bytes__()`, if its type has that.
pub fn call_dunder_bytes(vm: &mut Vm, object: &Value) -> Py<Option<Value>> {
    match vm.call_special(object, name!("__bytes__"), &[])? {
        Some(made) if bytes_of(&made).is_some() => Ok(Some(made)),
        Some(other) => {
            let message = format!(
                "__bytes__ returned non-bytes (type {})",
                other.type_of().name()
            );
            Err(vm.type_error(message))
        }
        None => Ok(None),
    }
}

fn of_class(vm: &mut Vm, cls: &TypeObject, value: &Value) -> Py {
    if std::ptr::eq(cls, &BYTES) {
        return Ok(value.clone());
    }
    new_of(cls, bytes_of(value).unwrap_or(&[])).ok_or_else(|| vm.memory_error())
}

// ---- operators of bytes ----

fn repr(_vm: &mut Vm, this: &Value) -> Py {
    let mut text = String::new();
    taipan_base::text::push_bytes_repr(&mut text, bytes_of(this).unwrap_or(&[]));
    Ok(taipan_core::str_object::new_str(&text))
}

fn hash(_vm: &mut Vm, this: &Value) -> Py<i64> {
    let object = this.expect::<Bytes>();
    let cached = object.hash.load(Relaxed);
    if cached != 0 {
        return Ok(cached);
    }
    let hash = bytes_hash(object.data());
    object.hash.store(hash, Relaxed);
    Ok(hash)
}

/// Comparison of `bytes` and `bytearray` with anything that lends a buffer.
fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    if let (Some(a), Some(b)) = (bytes_of(a), bytes_of(b)) {
        return Ok(Value::bool(compare_data(a, b, op)));
    }
    // Only a bytearray compares with whatever lends a buffer.
    let array = |value: &Value| value.cast::<ByteArray>().is_some();
    if matches!(op, CompareOp::Eq | CompareOp::Ne) && warning::is_on(vm) {
        warning::compared(vm, array(a) || array(b), a, b)?;
    }
    if !(array(a) || array(b))
        || b.type_of().slots().buffer.is_none()
        || a.type_of().slots().buffer.is_none()
    {
        return Ok(Value::not_implemented());
    }
    let lend = |vm: &mut Vm, value: &Value| match buffer::bytes_like(vm, value) {
        Ok(data) => Ok(Some(data)),
        Err(raised) => {
            drop(vm.catch(raised, &taipan_core::builtin_types::BUFFER_ERROR)?);
            Ok(None)
        }
    };
    let (Some(left), Some(right)) = (lend(vm, a)?, lend(vm, b)?) else {
        return Ok(Value::not_implemented());
    };
    Ok(Value::bool(compare_data(&left, &right, op)))
}

fn compare_data(a: &[u8], b: &[u8], op: CompareOp) -> bool {
    match op {
        CompareOp::Eq => a == b,
        CompareOp::Ne => a != b,
        _ => op.holds(a.cmp(b)),
    }
}

fn len(_vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(this.expect::<Bytes>().len)
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    let data = this.expect::<Bytes>().data();
    if key.is_int() || key.type_of().slots().index.is_some() {
        let index = vm.subscript_index(key)?;
        let at = if index < 0 {
            index + data.len() as i64
        } else {
            index
        };
        return match usize::try_from(at).ok().and_then(|at| data.get(at)) {
            Some(byte) => Ok(Value::from_i32(*byte as i32)),
            None => Err(vm.index_error("index out of range")),
        };
    }
    let Some(bounds) = slice::bounds_of(vm, key)? else {
        let message = format!(
            "byte indices must be integers or slices, not {}",
            key.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let span = bounds.fit(data.len());
    if span.step == 1 {
        if span.count == data.len() && this.is_exact(&BYTES) {
            return Ok(this.clone());
        }
        let from = span.start as usize;
        return new_bytes(vm, &data[from..from + span.count]);
    }
    let picked: Vec<u8> = span.indices().map(|i| data[i]).collect();
    new_bytes(vm, &picked)
}

/// `a + b` of bytes-like objects, of `a`'s builtin type.
fn concat(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    if b.type_of().slots().buffer.is_none() {
        let message = format!(
            "can't concat {} to {}",
            b.type_of().name(),
            a.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let right = buffer::bytes_like(vm, b)?;
    if a.is_exact(&BYTES) && right.is_empty() {
        return Ok(a.clone());
    }
    if b.is_exact(&BYTES) && bytes_of(a).is_some_and(<[u8]>::is_empty) {
        return Ok(b.clone());
    }
    let joined = with_data(vm, a, |left| join_two(left, &right));
    match joined {
        Some(joined) if bytes_of(a).is_some() => new_bytes(vm, &joined),
        Some(joined) => new_bytearray(vm, joined),
        None => Err(vm.memory_error()),
    }
}

fn join_two(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    out.try_reserve_exact(a.len().checked_add(b.len())?).ok()?;
    out.extend_from_slice(a);
    out.extend_from_slice(b);
    Some(out)
}

/// The data `times` over; `None` if memory does not suffice.
fn repeated(data: &[u8], times: usize) -> Option<Vec<u8>> {
    let total = data.len().checked_mul(times)?;
    let mut out = Vec::new();
    out.try_reserve_exact(total).ok()?;
    if let [byte] = data {
        out.resize(total, *byte);
    } else {
        for _ in 0..times {
            out.extend_from_slice(data);
        }
    }
    Some(out)
}

fn repeat(vm: &mut Vm, this: &Value, times: &Value) -> Py {
    let times = crate::arguments::repeat_count(vm, times)?;
    if times == 1 && this.is_exact(&BYTES) {
        return Ok(this.clone());
    }
    match with_data(vm, this, |data| {
        if data.is_empty() {
            Some(Vec::new())
        } else {
            repeated(data, times)
        }
    }) {
        Some(made) if bytes_of(this).is_some() => new_bytes(vm, &made),
        Some(made) => new_bytearray(vm, made),
        None => Err(vm.memory_error()),
    }
}

/// `item in this`: a number or bytes.
fn contains(vm: &mut Vm, this: &Value, item: &Value) -> Py<bool> {
    let _held = hold(vm, this)?;
    if item.is_int() || item.type_of().slots().index.is_some() {
        let byte = byte_value(vm, item)?;
        return Ok(with_data(vm, this, |data| {
            memchr::memchr(byte, data).is_some()
        }));
    }
    let needle = buffer::bytes_like(vm, item)?;
    Ok(with_data(vm, this, |data| {
        memchr::memmem::find(data, &needle).is_some()
    }))
}

fn remainder(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    if !a.is_instance(&BYTES) && !a.is_instance(&BYTEARRAY) {
        return Ok(Value::not_implemented());
    }
    percent::format(vm, a, b)
}

fn lend(_vm: &mut Vm, this: &Value, flags: u32) -> Py<Buffer> {
    let data = this.expect::<Bytes>().data();
    if flags & taipan_core::buffer::flags::WRITABLE != 0 {
        return Err(_vm.raise(
            &taipan_core::builtin_types::BUFFER_ERROR,
            "Object is not writable.",
        ));
    }
    Ok(Buffer::bytes(
        this.clone(),
        data.as_ptr().cast_mut(),
        data.len(),
        true,
        None,
    ))
}

static LAYOUT: Layout = Layout::variable::<Bytes>();

static SPEC: TypeSpec = TypeSpec {
    name: "bytes",
    flags: TypeFlags::BASE
        .union(TypeFlags::BYTES_SUBCLASS)
        .union(TypeFlags::MATCH_SELF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(|vm, this| {
            warning::shown(vm, "bytes")?;
            repr(vm, this)
        }),
        hash: Some(hash),
        compare: Some(compare),
        iter: Some(iterator::iter_bytes),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        concat: Some(concat),
        repeat: Some(repeat),
        buffer: Some(lend),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Remainder, remainder),
    methods: &methods::BYTES_METHODS,
    doc: "bytes(iterable_of_ints) -> bytes\nbytes(string, encoding[, errors]) -> bytes\nbytes(bytes_or_buffer) -> bytes\nbytes(int) -> bytes of zeros\nbytes() -> empty bytes\n\nAn immutable row of bytes.",
    ..TypeSpec::DEFAULT
};

/// Items of a tuple argument, or the argument alone.
pub(crate) fn each_affix(value: &Value) -> &[Value] {
    items(value).unwrap_or(std::slice::from_ref(value))
}

/// Defines `bytes`, `bytearray` and their iterators.
pub fn define() {
    BYTES.define(&SPEC);
    bytearray::define();
    iterator::define();
}
