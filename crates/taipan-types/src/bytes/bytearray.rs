//! `bytearray`: its payload, operators and the methods that change it.

use super::{byte_value, with_data};
use crate::buffer::{self, bytes_like};
use crate::slice::{self, Span};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use taipan_core::alloc::new_instance;
use taipan_core::buffer::Buffer;
use taipan_core::builtin_types::{BUFFER_ERROR, BYTEARRAY};
use taipan_core::lock::{HasState, Locked};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, BinaryOp, Layout, Obj, Payload, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
};

/// The state: bytes from `start` on are the contents, so that cutting from the front costs nothing.
pub struct ByteRow {
    bytes: Vec<u8>,
    start: usize,
}

impl ByteRow {
    /// The contents.
    #[inline]
    pub fn data(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    #[inline]
    fn data_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// The vector with nothing in front of the contents.
    fn plain(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        &mut self.bytes
    }

    /// Puts `new` in the place of `from..to`; false if memory ran out.
    fn splice(&mut self, from: usize, to: usize, new: &[u8]) -> bool {
        if from == 0 && new.is_empty() {
            self.start += to;
            if self.start > self.bytes.len() / 2 {
                self.plain();
            }
            return true;
        }
        let bytes = self.plain();
        if bytes.try_reserve(new.len()).is_err() {
            return false;
        }
        if to == bytes.len() {
            bytes.truncate(from);
            bytes.extend_from_slice(new);
        } else {
            bytes.splice(from..to, new.iter().copied());
        }
        true
    }
}

/// Payload of `bytearray`.
pub struct ByteArray {
    row: Locked<ByteRow>,
    /// Buffers that are lent now: while there are any, the memory neither moves nor shrinks (I-BUFFER-1).
    exports: AtomicUsize,
}

impl HasState for ByteArray {
    type State = ByteRow;
    fn cell(&self) -> &Locked<ByteRow> {
        &self.row
    }
}

// SAFETY: holds no references.
unsafe impl Payload for ByteArray {
    fn type_object() -> &'static TypeObject {
        &BYTEARRAY
    }
    fn outside_size(&self) -> usize {
        // SAFETY: a racy size is still a size; the vector's capacity is one word.
        unsafe { self.row.get_unlocked() }.bytes.capacity()
    }
}

impl ByteArray {
    fn new(bytes: Vec<u8>) -> ByteArray {
        ByteArray {
            row: Locked::new(ByteRow { bytes, start: 0 }),
            exports: AtomicUsize::new(0),
        }
    }
}

/// A `bytearray` of the given bytes.
pub fn new_bytearray(_vm: &mut Vm, bytes: Vec<u8>) -> Py {
    Ok(new_instance(&BYTEARRAY, ByteArray::new(bytes)))
}

/// The contents of a `bytearray`, copied; `None` for anything else.
pub fn bytearray_copy(vm: &mut Vm, value: &Value) -> Option<Vec<u8>> {
    value
        .cast::<ByteArray>()
        .map(|array| array.lock(vm).data().to_vec())
}

fn array(this: &Value) -> &Obj<ByteArray> {
    this.expect::<ByteArray>()
}

/// Refuses to change the size while buffers are lent.
fn may_resize(vm: &mut Vm, this: &Value) -> Py<()> {
    if array(this).exports.load(Relaxed) > 0 {
        let message = "Existing exports of data: object cannot be re-sized";
        return Err(vm.raise(&BUFFER_ERROR, message));
    }
    Ok(())
}

/// Changes the size under the lock, where the export count is read again; `f` answers false if memory ran out.
fn resizing(vm: &mut Vm, this: &Value, f: impl FnOnce(&mut ByteRow) -> bool) -> Py<()> {
    may_resize(vm, this)?;
    let done = f(&mut array(this).lock(vm));
    if done { Ok(()) } else { Err(vm.memory_error()) }
}

// ---- construction ----

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(cls, ByteArray::new(Vec::new())))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let [source, encoding, errors] =
        crate::arguments::take(vm, "bytearray", args, ["source", "encoding", "errors"], 0)?;
    if !array(this).lock(vm).data().is_empty() {
        resizing(vm, this, |row| {
            *row = ByteRow {
                bytes: Vec::new(),
                start: 0,
            };
            true
        })?;
    }
    if let Some(source) = source
        && encoding.is_none()
        && errors.is_none()
        && is_plain_iterable(source)
    {
        // Item by item, as the iterator may look at the array.
        let iterator = vm.iter(source)?;
        while let Some(item) = vm.next(&iterator)? {
            append(vm, this, &item)?;
        }
        return Ok(());
    }
    let bytes = super::from_arguments(vm, "bytearray", source, encoding, errors)?;
    let unchanged = bytes.is_empty() && array(this).lock(vm).data().is_empty();
    if unchanged {
        return Ok(());
    }
    resizing(vm, this, |row| {
        *row = ByteRow { bytes, start: 0 };
        true
    })
}

/// An iterable that is neither a number nor a buffer, nor a list or tuple, whose items are there already.
fn is_plain_iterable(source: &Value) -> bool {
    let slots = source.type_of().slots();
    slots.iter.is_some()
        && slots.index.is_none()
        && slots.buffer.is_none()
        && !taipan_core::str_object::is_str(source)
        && !source.is_exact(&taipan_core::builtin_types::LIST)
        && !source.is_exact(&taipan_core::builtin_types::TUPLE)
}

// ---- operators ----

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let name = this.type_of().name();
    let text = with_data(vm, this, |data| {
        // Unlike the repr of bytes, single quotes are escaped even where double quotes stand around.
        let mut body = String::new();
        taipan_base::text::push_bytes_repr(&mut body, data);
        if body.starts_with("b\"") {
            body = body.replace('\'', "\\'");
        }
        format!("{name}({body})")
    });
    Ok(taipan_core::str_object::new_str(&text))
}

fn len(vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(array(this).lock(vm).data().len())
}

/// The index a subscript names; `IndexError` if there is none such.
fn position(vm: &mut Vm, this: &Value, key: &Value) -> Py<usize> {
    let index = vm.subscript_index(key)?;
    let len = array(this).lock(vm).data().len() as i64;
    let at = if index < 0 { index + len } else { index };
    if at < 0 || at >= len {
        return Err(vm.index_error("bytearray index out of range"));
    }
    Ok(at as usize)
}

fn bad_key(vm: &mut Vm, key: &Value) -> taipan_core::Raised {
    let message = format!(
        "bytearray indices must be integers or slices, not {}",
        key.type_of().name()
    );
    vm.type_error(message)
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    if key.is_int() || key.type_of().slots().index.is_some() {
        let at = position(vm, this, key)?;
        let byte = array(this).lock(vm).data().get(at).copied();
        return match byte {
            Some(byte) => Ok(Value::from_i32(byte as i32)),
            None => Err(vm.index_error("bytearray index out of range")),
        };
    }
    let Some(bounds) = slice::bounds_of(vm, key)? else {
        return Err(bad_key(vm, key));
    };
    let picked: Vec<u8> = with_data(vm, this, |data| {
        let span = bounds.fit(data.len());
        if span.step == 1 {
            let from = span.start as usize;
            return data[from..from + span.count].to_vec();
        }
        span.indices().map(|i| data[i]).collect()
    });
    new_bytearray(vm, picked)
}

fn set_item(vm: &mut Vm, this: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    if key.is_int() || key.type_of().slots().index.is_some() {
        let Some(value) = value else {
            let at = position(vm, this, key)?;
            return resizing(vm, this, |row| {
                at >= row.data().len() || row.splice(at, at + 1, b"")
            });
        };
        let at = position(vm, this, key)?;
        let byte = byte_value(vm, value)?;
        // The value's `__index__` may have changed the array.
        let done = match array(this).lock(vm).data_mut().get_mut(at) {
            Some(place) => {
                *place = byte;
                true
            }
            None => false,
        };
        if done {
            return Ok(());
        }
        return Err(vm.index_error("bytearray index out of range"));
    }
    let Some(bounds) = slice::bounds_of(vm, key)? else {
        return Err(bad_key(vm, key));
    };
    let new = match value {
        None => Vec::new(),
        Some(value) => assigned(vm, value)?,
    };
    let len = array(this).lock(vm).data().len();
    set_span(vm, this, bounds.fit(len), &new, value.is_none())
}

/// The bytes assigned to a slice.
fn assigned(vm: &mut Vm, value: &Value) -> Py<Vec<u8>> {
    if let Some(data) = super::bytes_of(value) {
        return Ok(data.to_vec());
    }
    let slots = value.type_of().slots();
    let number = value.is_int() || slots.index.is_some() && slots.iter.is_none();
    let iterable = slots.iter.is_some() || slots.get_item.is_some();
    let text = taipan_core::str_object::is_str(value);
    if slots.buffer.is_none() && (number || text || !iterable) {
        let message = "can assign only bytes, buffers, or iterables of ints in range(0, 256)";
        return Err(vm.type_error(message));
    }
    if slots.buffer.is_some() {
        let lent = buffer::get(vm, value, taipan_core::buffer::flags::FULL_RO)?;
        return Ok(buffer::gather(&lent));
    }
    super::from_iterable(vm, value, "byte must be in range(0, 256)")
}

fn set_span(vm: &mut Vm, this: &Value, span: Span, new: &[u8], delete: bool) -> Py<()> {
    if span.step == 1 {
        let from = span.start as usize;
        let to = from + span.count;
        if new.len() == span.count && !delete {
            let mut row = array(this).lock(vm);
            if let Some(place) = row.data_mut().get_mut(from..to) {
                place.copy_from_slice(new);
            }
            return Ok(());
        }
        if span.count == 0 && new.is_empty() {
            return Ok(());
        }
        return resizing(vm, this, |row| {
            to > row.data().len() || row.splice(from, to, new)
        });
    }
    if delete || (new.is_empty() && span.count > 0) {
        // Assigning nothing to a slice with a step takes its bytes out, too.
        if span.count == 0 {
            return Ok(());
        }
        return resizing(vm, this, |row| {
            let up = span.ascending();
            let mut k = 0;
            let mut at = 0;
            row.plain().retain(|_| {
                let gone = k < up.count && up.at(k) == at;
                k += usize::from(gone);
                at += 1;
                !gone
            });
            true
        });
    }
    if new.len() != span.count {
        return Err(wrong_size(vm, new.len(), span.count));
    }
    let mut row = array(this).lock(vm);
    for (i, byte) in span.indices().zip(new) {
        if let Some(place) = row.data_mut().get_mut(i) {
            *place = *byte;
        }
    }
    Ok(())
}

fn wrong_size(vm: &mut Vm, got: usize, wanted: usize) -> taipan_core::Raised {
    vm.value_error(format!(
        "attempt to assign bytes of size {got} to extended slice of size {wanted}"
    ))
}

fn inplace_concat(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    if other.type_of().slots().buffer.is_none() {
        let message = format!(
            "can't concat {} to {}",
            other.type_of().name(),
            this.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let data = copy_of(vm, other)?;
    push_all(vm, this, &data)?;
    Ok(this.clone())
}

/// The bytes of a bytes-like object, copied, so that no buffer is lent while the array changes.
fn copy_of(vm: &mut Vm, value: &Value) -> Py<Vec<u8>> {
    Ok(bytes_like(vm, value)?.to_vec())
}

fn push_all(vm: &mut Vm, this: &Value, data: &[u8]) -> Py<()> {
    if data.is_empty() {
        return Ok(());
    }
    resizing(vm, this, |row| {
        let len = row.data().len();
        row.splice(len, len, data)
    })
}

fn inplace_repeat(vm: &mut Vm, this: &Value, times: &Value) -> Py {
    let times = crate::arguments::repeat_count(vm, times)?;
    let made = with_data(vm, this, |data| {
        if times == 1 || data.is_empty() {
            return Some(None);
        }
        super::repeated(data, times).map(Some)
    });
    match made {
        None => return Err(vm.memory_error()),
        Some(None) => {}
        Some(Some(bytes)) => resizing(vm, this, |row| {
            *row = ByteRow { bytes, start: 0 };
            true
        })?,
    }
    Ok(this.clone())
}

pub(super) fn lend(vm: &mut Vm, this: &Value, _flags: u32) -> Py<Buffer> {
    let object = array(this);
    object.exports.fetch_add(1, Relaxed);
    let mut row = object.lock(vm);
    let (data, len) = (row.data_mut().as_mut_ptr(), row.data().len());
    drop(row);
    Ok(Buffer::bytes(
        this.clone(),
        data,
        len,
        false,
        Some(|owner| {
            if let Some(array) = owner.cast::<ByteArray>() {
                array.exports.fetch_sub(1, Relaxed);
            }
        }),
    ))
}

// ---- methods ----

pub(super) fn alloc(vm: &mut Vm, this: &Value) -> Py {
    let row = array(this).lock(vm);
    let reserved = row.bytes.capacity();
    drop(row);
    // One byte more than asked for, as with a terminating zero.
    Ok(Value::int(if reserved == 0 {
        0
    } else {
        reserved as i64 + 1
    }))
}

pub(super) fn sizeof(vm: &mut Vm, this: &Value) -> Py {
    let reserved = array(this).lock(vm).bytes.capacity();
    Ok(Value::int((size_of::<Obj<ByteArray>>() + reserved) as i64))
}

pub(super) fn append(vm: &mut Vm, this: &Value, item: &Value) -> Py {
    let byte = byte_value(vm, item)?;
    resizing(vm, this, |row| {
        let bytes = &mut row.bytes;
        let room = bytes.try_reserve(1).is_ok();
        if room {
            bytes.push(byte);
        }
        room
    })?;
    Ok(Value::none())
}

pub(super) fn clear(vm: &mut Vm, this: &Value) -> Py {
    resizing(vm, this, |row| {
        *row = ByteRow {
            bytes: Vec::new(),
            start: 0,
        };
        true
    })?;
    Ok(Value::none())
}

pub(super) fn copy(vm: &mut Vm, this: &Value) -> Py {
    let data = with_data(vm, this, <[u8]>::to_vec);
    new_bytearray(vm, data)
}

pub(super) fn extend(vm: &mut Vm, this: &Value, items: &Value) -> Py {
    let slots = items.type_of().slots();
    let data = if slots.buffer.is_some() {
        // Lending the buffer may change the array: the bytes go where its end was, if it still is there.
        let end = array(this).lock(vm).data().len();
        let data = copy_of(vm, items)?;
        if !data.is_empty() {
            resizing(vm, this, |row| {
                let at = end.min(row.data().len());
                row.splice(at, at, &data)
            })?;
        }
        return Ok(Value::none());
    } else if slots.iter.is_none() && slots.get_item.is_none() {
        let message = format!("can't extend bytearray with {}", items.type_of().name());
        return Err(vm.type_error(message));
    } else if taipan_core::str_object::is_str(items) {
        return Err(vm.type_error("expected iterable of integers; got: 'str'"));
    } else {
        super::from_iterable(vm, items, "byte must be in range(0, 256)")?
    };
    push_all(vm, this, &data)?;
    Ok(Value::none())
}

pub(super) fn insert(vm: &mut Vm, this: &Value, index: &Value, item: &Value) -> Py {
    let index = vm.index_i64(index)?;
    let byte = byte_value(vm, item)?;
    resizing(vm, this, |row| {
        let len = row.data().len();
        let at = slice::clamp_to(index, len);
        row.splice(at, at, &[byte])
    })?;
    Ok(Value::none())
}

pub(super) fn pop(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let index = match args.first() {
        Some(index) => vm.index_i64(index)?,
        None => -1,
    };
    let len = array(this).lock(vm).data().len() as i64;
    if len == 0 {
        return Err(vm.index_error("pop from empty bytearray"));
    }
    let at = if index < 0 { index + len } else { index };
    if at < 0 || at >= len {
        return Err(vm.index_error("pop index out of range"));
    }
    let at = at as usize;
    let mut byte = 0;
    resizing(vm, this, |row| match row.data().get(at) {
        Some(found) => {
            byte = *found;
            row.splice(at, at + 1, b"")
        }
        None => true,
    })?;
    Ok(Value::from_i32(byte as i32))
}

pub(super) fn remove(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let byte = byte_value(vm, value)?;
    let Some(at) = with_data(vm, this, |data| memchr::memchr(byte, data)) else {
        return Err(vm.value_error("value not found in bytearray"));
    };
    resizing(vm, this, |row| {
        at >= row.data().len() || row.splice(at, at + 1, b"")
    })?;
    Ok(Value::none())
}

pub(super) fn resize(vm: &mut Vm, this: &Value, size: &Value) -> Py {
    let size = vm.index_i64(size)?;
    if size < 0 {
        let message = format!("Can only resize to positive sizes, got {size}");
        return Err(vm.value_error(message));
    }
    let size = size as usize;
    if array(this).lock(vm).data().len() == size {
        return Ok(Value::none());
    }
    resizing(vm, this, |row| {
        let bytes = row.plain();
        if bytes.try_reserve(size.saturating_sub(bytes.len())).is_err() {
            return false;
        }
        bytes.resize(size, 0);
        true
    })?;
    Ok(Value::none())
}

pub(super) fn reverse(vm: &mut Vm, this: &Value) -> Py {
    array(this).lock(vm).data_mut().reverse();
    Ok(Value::none())
}

/// The instance's state for pickling: its attributes, or `None`.
fn attributes(vm: &mut Vm, this: &Value) -> Py {
    vm.call_method(this, taipan_core::name!("__getstate__"), &[])
}

pub(super) fn reduce(vm: &mut Vm, this: &Value) -> Py {
    reduce_for(vm, this, 2)
}

pub(super) fn reduce_ex(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let protocol = match args.first() {
        Some(protocol) => vm.index_i64(protocol)?,
        None => 0,
    };
    reduce_for(vm, this, protocol)
}

fn reduce_for(vm: &mut Vm, this: &Value, protocol: i64) -> Py {
    let dict = attributes(vm, this)?;
    let data = with_data(vm, this, <[u8]>::to_vec);
    let class = this.type_of().to_value();
    let args = if protocol < 3 {
        let text = crate::str::from_text(vm, taipan_base::text::Text::from_latin1(&data))?;
        if data.is_empty() {
            taipan_core::tuple_object::empty_tuple()
        } else {
            new_tuple([text, taipan_core::str_object::new_str("latin-1")])
        }
    } else {
        new_tuple([super::new_bytes(vm, &data)?])
    };
    Ok(new_tuple([class, args, dict]))
}

static LAYOUT: Layout = Layout::of::<ByteArray>();

static SPEC: TypeSpec = TypeSpec {
    name: "bytearray",
    flags: TypeFlags::BASE.union(TypeFlags::MATCH_SELF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        str: Some(|vm, this| {
            super::warning::shown(vm, "bytearray")?;
            repr(vm, this)
        }),
        compare: Some(super::compare),
        iter: Some(super::iterator::iter_bytearray),
        len: Some(len),
        contains: Some(super::contains),
        get_item: Some(get_item),
        set_item: Some(set_item),
        concat: Some(super::concat),
        repeat: Some(super::repeat),
        inplace_concat: Some(inplace_concat),
        inplace_repeat: Some(inplace_repeat),
        buffer: Some(lend),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Remainder, super::remainder),
    methods: &super::methods::BYTEARRAY_METHODS,
    doc: "bytearray(iterable_of_ints) -> bytearray\nbytearray(string, encoding[, errors]) -> bytearray\nbytearray(bytes_or_buffer) -> bytearray\nbytearray(int) -> bytearray of zeros\nbytearray() -> empty bytearray\n\nA row of bytes that can be changed.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    BYTEARRAY.define(&SPEC);
}
