//! `array`: rows of numbers or characters of one machine type.

use crate::ModuleDef;
use crate::support::{add, add_type};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use taipan_base::text::Text;
use taipan_core::alloc::new_instance;
use taipan_core::buffer::{Buffer, flags};
use taipan_core::builtin_types::{BUFFER_ERROR, DEPRECATION_WARNING};
use taipan_core::lock::{HasState, Locked};
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, CompareOp, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Raised, Slots, Tracer, Type,
    TypeFlags, TypeObject, TypeSpec, Value, Vm, f0, f1, f2, getter, name, slice as positional,
};
use taipan_types::buffer::{bytes_like, gather};
use taipan_types::bytes::{bytes_of, new_bytes};
use taipan_types::list::{list_of, new_list};
use taipan_types::memory_format::{self as fmt, Code, PackError};
use taipan_types::slice::{self, Span};
use taipan_types::str::text::{self, text_of};

static ARRAY: TypeObject = Type::declare("array.array");
static ITERATOR: TypeObject = Type::declare("array.arrayiterator");

const CODES: &str = "bBuwhHiIlLqQfd";

/// The element type of a type code. Characters are stored as 32-bit numbers.
fn element(letter: char) -> Option<Code> {
    match letter {
        'u' | 'w' => Code::parse("I"),
        letter if CODES.contains(letter) => Code::parse(letter.encode_utf8(&mut [0; 4])),
        _ => None,
    }
}

/// Payload of arrays.
pub struct Array {
    letter: char,
    code: Code,
    data: Locked<Vec<u8>>,
    /// Buffers that are lent now: the data may not move meanwhile.
    exports: AtomicUsize,
}

impl HasState for Array {
    type State = Vec<u8>;
    fn cell(&self) -> &Locked<Vec<u8>> {
        &self.data
    }
}

// SAFETY: holds no references.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for Array {
    fn type_object() -> &'static TypeObject {
        &ARRAY
    }
    fn outside_size(&self) -> usize {
        // SAFETY: one word is read; a racy size is still a size.
        unsafe { self.data.get_unlocked() }.capacity()
    }
}

impl Array {
    fn is_text(&self) -> bool {
        matches!(self.letter, 'u' | 'w')
    }

    fn size(&self) -> usize {
        self.code.size()
    }
}

fn own(this: &Value) -> &Obj<Array> {
    this.expect::<Array>()
}

fn make(cls: &TypeObject, letter: char, code: Code, data: Vec<u8>) -> Value {
    new_instance(
        cls,
        Array {
            letter,
            code,
            data: Locked::new(data),
            exports: AtomicUsize::new(0),
        },
    )
}

/// An array like `this`.
fn like(this: &Value, data: Vec<u8>) -> Value {
    make(&ARRAY, own(this).letter, own(this).code, data)
}

fn count(vm: &mut Vm, this: &Value) -> usize {
    own(this).lock(vm).len() / own(this).size()
}

fn copy_data(vm: &mut Vm, this: &Value) -> Vec<u8> {
    own(this).lock(vm).clone()
}

/// Changes the size, unless buffers are lent. `f` answers false if memory ran out.
fn resizing(vm: &mut Vm, this: &Value, f: impl FnOnce(&mut Vec<u8>) -> bool) -> Py<()> {
    if own(this).exports.load(Relaxed) > 0 {
        let message = "cannot resize an array that is exporting buffers";
        return Err(vm.raise(&BUFFER_ERROR, message));
    }
    let done = f(&mut own(this).lock(vm));
    if done { Ok(()) } else { Err(vm.memory_error()) }
}

// ---- elements ----

fn unpack(vm: &mut Vm, array: &Array, bytes: &[u8]) -> Py {
    if array.is_text() {
        let mut word = [0; 4];
        word.copy_from_slice(&bytes[..4]);
        let code = u32::from_ne_bytes(word);
        if code > 0x10FFFF {
            let message = format!("character U+{code:x} is not in range [U+0000; U+10ffff]");
            return Err(vm.value_error(message));
        }
        return text::from_code(vm, code);
    }
    fmt::unpack(vm, array.code, bytes)
}

fn pack(vm: &mut Vm, array: &Array, value: &Value) -> Py<[u8; 8]> {
    if array.is_text() {
        return pack_character(vm, value);
    }
    match fmt::pack(vm, array.code, value) {
        Ok(bytes) => Ok(bytes),
        // Half-open ranges: infinities are stored as such, so only ints overflow.
        Err(PackError::Range) if array.letter == 'f' => {
            let x = vm.to_f64(value)?;
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&(x as f32).to_ne_bytes());
            Ok(bytes)
        }
        Err(PackError::Range) => Err(overflow(vm, array.letter, value)),
        Err(PackError::Type) => match array.letter {
            'f' | 'd' => {
                let message = format!("must be real number, not {}", value.type_of().name());
                Err(vm.type_error(message))
            }
            _ => {
                let message = format!(
                    "'{}' object cannot be interpreted as an integer",
                    value.type_of().name()
                );
                Err(vm.type_error(message))
            }
        },
        Err(PackError::Raised(raised)) => Err(raised),
    }
}

fn pack_character(vm: &mut Vm, value: &Value) -> Py<[u8; 8]> {
    let Some(text) = text_of(value) else {
        let message = format!(
            "array item must be a unicode character, not {}",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    match (text.len(), text.get(0)) {
        (1, Some(code)) => {
            let mut bytes = [0; 8];
            bytes[..4].copy_from_slice(&code.to_ne_bytes());
            Ok(bytes)
        }
        (len, _) => {
            let message =
                format!("array item must be a unicode character, not a string of length {len}");
            Err(vm.type_error(message))
        }
    }
}

#[cold]
fn overflow(vm: &mut Vm, letter: char, value: &Value) -> Raised {
    let negative = match vm.index(value) {
        Ok(index) => match index.as_i64() {
            Some(i) => i < 0,
            None => index
                .as_big()
                .is_some_and(|big| big < dashu_int::IBig::ZERO),
        },
        Err(raised) => return raised,
    };
    let message = match (letter, negative) {
        ('b', true) => "signed char is less than minimum",
        ('b', false) => "signed char is greater than maximum",
        ('B', true) => "unsigned byte integer is less than minimum",
        ('B', false) => "unsigned byte integer is greater than maximum",
        ('h', true) => "signed short integer is less than minimum",
        ('h', false) => "signed short integer is greater than maximum",
        ('H', true) => "unsigned short is less than minimum",
        ('H', false) => "unsigned short is greater than maximum",
        ('i', true) => "signed integer is less than minimum",
        ('i', false) => "signed integer is greater than maximum",
        ('I' | 'L', true) => "can't convert negative value to unsigned int",
        ('I', false) => "unsigned int is greater than maximum",
        ('L', false) => "Python int too large to convert to C unsigned long",
        ('l', _) => "Python int too large to convert to C long",
        ('Q', true) => "can't convert negative int to unsigned",
        _ => "int too big to convert",
    };
    vm.overflow_error(message)
}

fn item_at(vm: &mut Vm, this: &Value, index: usize) -> Py<Option<Value>> {
    let size = own(this).size();
    let mut bytes = [0u8; 8];
    let found = {
        let data = own(this).lock(vm);
        match data.get(index * size..(index + 1) * size) {
            Some(part) => {
                bytes[..size].copy_from_slice(part);
                true
            }
            None => false,
        }
    };
    if !found {
        return Ok(None);
    }
    unpack(vm, own(this), &bytes[..size]).map(Some)
}

fn push(vm: &mut Vm, this: &Value, bytes: &[u8]) -> Py<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    resizing(vm, this, |data| {
        let room = data.try_reserve(bytes.len()).is_ok();
        if room {
            data.extend_from_slice(bytes);
        }
        room
    })
}

// ---- construction ----

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if args.has_keywords() && std::ptr::eq(cls, &ARRAY) {
        return Err(vm.type_error("array.array() takes no keyword arguments"));
    }
    let given = args.pos().len();
    if !(1..=2).contains(&given) {
        let (bound, number, plural) = if given < 1 {
            ("least", 1, "")
        } else {
            ("most", 2, "s")
        };
        let message = format!("array() takes at {bound} {number} argument{plural} ({given} given)");
        return Err(vm.type_error(message));
    }
    let letter = letter_argument(vm, &args.pos()[0])?;
    let Some(code) = element(letter) else {
        let message = "bad typecode (must be b, B, u, w, h, H, i, I, l, L, q, Q, f or d)";
        return Err(vm.value_error(message));
    };
    if letter == 'u' {
        let message = "The 'u' type code is deprecated and will be removed in Python 3.16";
        vm.warn(&DEPRECATION_WARNING, message, 1)?;
    }
    let made = make(cls, letter, code, Vec::new());
    if let Some(initial) = args.pos().get(1) {
        fill(vm, &made, initial)?;
    }
    Ok(made)
}

fn letter_argument(vm: &mut Vm, value: &Value) -> Py<char> {
    let Some(text) = text_of(value) else {
        let message = format!(
            "array() argument 1 must be a unicode character, not {}",
            taipan_types::arguments::type_name(value)
        );
        return Err(vm.type_error(message));
    };
    match (text.len(), text.get(0).and_then(char::from_u32)) {
        (1, Some(letter)) => Ok(letter),
        (len, _) => {
            let message = format!(
                "array() argument 1 must be a unicode character, not a string of length {len}"
            );
            Err(vm.type_error(message))
        }
    }
}

fn fill(vm: &mut Vm, this: &Value, initial: &Value) -> Py<()> {
    let array = own(this);
    if let Some(text) = text_of(initial) {
        if !array.is_text() {
            let message = format!(
                "cannot use a str to initialize an array with typecode '{}'",
                array.letter
            );
            return Err(vm.type_error(message));
        }
        return push_text(vm, this, text);
    }
    if let Some(source) = initial.cast::<Array>()
        && source.is_text()
        && !array.is_text()
    {
        let message = format!(
            "cannot use a unicode array to initialize an array with typecode '{}'",
            array.letter
        );
        return Err(vm.type_error(message));
    }
    if let Some(other) = initial.cast::<Array>() {
        if array.is_text() && !other.is_text() {
            return Err(vm.type_error("array item must be a unicode character, not int"));
        }
        if other.is_text() && !array.is_text() {
            let message = format!(
                "cannot use a unicode array to initialize an array with typecode '{}'",
                array.letter
            );
            return Err(vm.type_error(message));
        }
        if other.letter == array.letter {
            let data = copy_data(vm, initial);
            return push(vm, this, &data);
        }
    }
    let raw =
        bytes_of(initial).is_some() || initial.cast::<taipan_types::bytes::ByteArray>().is_some();
    if raw && initial.cast::<Array>().is_none() {
        let data = bytes_like(vm, initial)?;
        return push_bytes(vm, this, &data);
    }
    push_items(vm, this, initial)
}

fn push_text(vm: &mut Vm, this: &Value, text: Text<'_>) -> Py<()> {
    let bytes: Vec<u8> = text.chars().flat_map(u32::to_ne_bytes).collect();
    push(vm, this, &bytes)
}

fn push_bytes(vm: &mut Vm, this: &Value, bytes: &[u8]) -> Py<()> {
    if !bytes.len().is_multiple_of(own(this).size()) {
        return Err(vm.value_error("bytes length not a multiple of item size"));
    }
    push(vm, this, bytes)
}

fn push_items(vm: &mut Vm, this: &Value, iterable: &Value) -> Py<()> {
    let iterator = vm.iter(iterable)?;
    while let Some(item) = vm.next(&iterator)? {
        let bytes = pack(vm, own(this), &item)?;
        push(vm, this, &bytes[..own(this).size()])?;
    }
    Ok(())
}

// ---- operators ----

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let array = own(this);
    let name = this.type_of().name();
    let name = name.rsplit('.').next().unwrap_or(name);
    if count(vm, this) == 0 {
        return Ok(new_str(&format!("{name}('{}')", array.letter)));
    }
    let inside = if array.is_text() {
        tounicode(vm, this)?
    } else {
        tolist(vm, this)?
    };
    let shown = vm.repr(&inside)?;
    let mut out = taipan_base::text::TextBuf::from(format!("{name}('{}', ", array.letter));
    out.push_text(text::text(&shown));
    out.push_str(")");
    text::from_buf(vm, out)
}

fn len(vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(count(vm, this))
}

fn bad_key(vm: &mut Vm) -> Raised {
    vm.type_error("array indices must be integers")
}

fn is_index(key: &Value) -> bool {
    key.is_int() || key.type_of().slots().index.is_some()
}

fn position(vm: &mut Vm, this: &Value, key: &Value, message: &str) -> Py<usize> {
    let index = vm.subscript_index(key)?;
    let len = count(vm, this) as i64;
    let at = if index < 0 { index + len } else { index };
    if at < 0 || at >= len {
        return Err(vm.index_error(message));
    }
    Ok(at as usize)
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    if is_index(key) {
        let at = position(vm, this, key, "array index out of range")?;
        return match item_at(vm, this, at)? {
            Some(item) => Ok(item),
            None => Err(vm.index_error("array index out of range")),
        };
    }
    let Some(bounds) = slice::bounds_of(vm, key)? else {
        return Err(bad_key(vm));
    };
    let size = own(this).size();
    let picked = {
        let data = own(this).lock(vm);
        let span = bounds.fit(data.len() / size);
        let mut picked = Vec::with_capacity(span.count * size);
        for i in span.indices() {
            picked.extend_from_slice(&data[i * size..(i + 1) * size]);
        }
        picked
    };
    Ok(like(this, picked))
}

fn set_item(vm: &mut Vm, this: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    let size = own(this).size();
    if is_index(key) {
        const MESSAGE: &str = "array assignment index out of range";
        let at = position(vm, this, key, MESSAGE)?;
        let Some(value) = value else {
            return resizing(vm, this, |data| {
                if (at + 1) * size <= data.len() {
                    data.drain(at * size..(at + 1) * size);
                }
                true
            });
        };
        let bytes = pack(vm, own(this), value)?;
        let done = match own(this).lock(vm).get_mut(at * size..(at + 1) * size) {
            Some(place) => {
                place.copy_from_slice(&bytes[..size]);
                true
            }
            None => false,
        };
        return if done {
            Ok(())
        } else {
            Err(vm.index_error(MESSAGE))
        };
    }
    let Some(bounds) = slice::bounds_of(vm, key)? else {
        return Err(bad_key(vm));
    };
    let new = match value {
        None => Vec::new(),
        Some(value) => {
            let Some(other) = value.cast::<Array>() else {
                let message = format!(
                    "can only assign array (not \"{}\") to array slice",
                    value.type_of().name()
                );
                return Err(vm.type_error(message));
            };
            if other.letter != own(this).letter {
                return Err(vm.type_error("bad argument type for built-in operation"));
            }
            copy_data(vm, value)
        }
    };
    let len = count(vm, this);
    set_span(vm, this, bounds.fit(len), &new, value.is_none())
}

fn set_span(vm: &mut Vm, this: &Value, span: Span, new: &[u8], delete: bool) -> Py<()> {
    let size = own(this).size();
    if span.step == 1 {
        let (from, to) = (
            span.start as usize * size,
            (span.start as usize + span.count) * size,
        );
        if new.len() == to - from {
            if let Some(place) = own(this).lock(vm).get_mut(from..to) {
                place.copy_from_slice(new);
            }
            return Ok(());
        }
        return resizing(vm, this, |data| {
            if to > data.len() || data.try_reserve(new.len()).is_err() {
                return to > data.len();
            }
            data.splice(from..to, new.iter().copied());
            true
        });
    }
    if delete {
        if span.count == 0 {
            return Ok(());
        }
        let up = span.ascending();
        return resizing(vm, this, |data| {
            let mut kept = Vec::with_capacity(data.len());
            let mut k = 0;
            for (i, item) in data.chunks_exact(size).enumerate() {
                if k < up.count && up.at(k) == i {
                    k += 1;
                } else {
                    kept.extend_from_slice(item);
                }
            }
            *data = kept;
            true
        });
    }
    if new.len() != span.count * size {
        let message = format!(
            "attempt to assign array of size {} to extended slice of size {}",
            new.len() / size,
            span.count
        );
        return Err(vm.value_error(message));
    }
    let mut data = own(this).lock(vm);
    for (i, item) in span.indices().zip(new.chunks_exact(size)) {
        if let Some(place) = data.get_mut(i * size..(i + 1) * size) {
            place.copy_from_slice(item);
        }
    }
    Ok(())
}

fn concat(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let Some(other) = b.cast::<Array>() else {
        let message = format!(
            "can only append array (not \"{}\") to array",
            b.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    if other.letter != own(a).letter {
        return Err(vm.type_error("bad argument type for built-in operation"));
    }
    let mut data = copy_data(vm, a);
    let more = copy_data(vm, b);
    if data.try_reserve(more.len()).is_err() {
        return Err(vm.memory_error());
    }
    data.extend_from_slice(&more);
    Ok(like(a, data))
}

fn repeated(data: &[u8], times: usize) -> Option<Vec<u8>> {
    let total = data.len().checked_mul(times)?;
    let mut out = Vec::new();
    out.try_reserve_exact(total).ok()?;
    for _ in 0..if data.is_empty() { 0 } else { times } {
        out.extend_from_slice(data);
    }
    Some(out)
}

fn repeat(vm: &mut Vm, this: &Value, times: &Value) -> Py {
    let times = taipan_types::arguments::repeat_count(vm, times)?;
    let data = copy_data(vm, this);
    match repeated(&data, times) {
        Some(made) => Ok(like(this, made)),
        None => Err(vm.memory_error()),
    }
}

fn inplace_repeat(vm: &mut Vm, this: &Value, times: &Value) -> Py {
    let times = taipan_types::arguments::repeat_count(vm, times)?;
    let data = copy_data(vm, this);
    if times != 1 && !data.is_empty() {
        match repeated(&data, times) {
            Some(made) => resizing(vm, this, |data| {
                *data = made;
                true
            })?,
            None => return Err(vm.memory_error()),
        }
    }
    Ok(this.clone())
}

fn inplace_concat(vm: &mut Vm, this: &Value, other: &Value) -> Py {
    if other.cast::<Array>().is_none() {
        let message = format!(
            "can only extend array with array (not \"{}\")",
            other.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    extend(vm, this, other)?;
    Ok(this.clone())
}

fn contains(vm: &mut Vm, this: &Value, item: &Value) -> Py<bool> {
    Ok(find(vm, this, item, 0, usize::MAX)?.is_some())
}

/// The first index from `from` on, before `to`, whose element equals `item`.
fn find(vm: &mut Vm, this: &Value, item: &Value, from: usize, to: usize) -> Py<Option<usize>> {
    let mut at = from;
    while at < to
        && let Some(own) = item_at(vm, this, at)?
    {
        if vm.equal(&own, item)? {
            return Ok(Some(at));
        }
        at += 1;
    }
    Ok(None)
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (a.cast::<Array>(), b.cast::<Array>()) else {
        return Ok(Value::not_implemented());
    };
    let equality = matches!(op, CompareOp::Eq | CompareOp::Ne);
    if equality && count(vm, a) != count(vm, b) {
        return Ok(Value::bool(op == CompareOp::Ne));
    }
    if equality && left.letter == right.letter && matches!(left.code, Code::Int { .. }) {
        let same = copy_data(vm, a) == copy_data(vm, b);
        return Ok(Value::bool(same == (op == CompareOp::Eq)));
    }
    let mut at = 0;
    loop {
        let (one, two) = (item_at(vm, a, at)?, item_at(vm, b, at)?);
        let (Some(one), Some(two)) = (one, two) else {
            let order = count(vm, a).cmp(&count(vm, b));
            return Ok(Value::bool(op.holds(order)));
        };
        if !vm.compare_bool(&one, &two, CompareOp::Eq)? {
            return match op {
                CompareOp::Eq => Ok(Value::bool(false)),
                CompareOp::Ne => Ok(Value::bool(true)),
                _ => vm.compare(&one, &two, op),
            };
        }
        at += 1;
    }
}

fn lend(vm: &mut Vm, this: &Value, _request: u32) -> Py<Buffer> {
    let array = own(this);
    array.exports.fetch_add(1, Relaxed);
    let size = array.size();
    let (data, len) = {
        let mut data = array.lock(vm);
        (data.as_mut_ptr(), data.len())
    };
    let format = match array.letter {
        'u' | 'w' => "w".to_owned(),
        letter => letter.to_string(),
    };
    Ok(Buffer {
        owner: this.clone(),
        data,
        len,
        item_size: size,
        readonly: false,
        format: format.into(),
        shape: vec![len / size],
        strides: vec![size as isize],
        release: Some(|owner| {
            if let Some(array) = owner.cast::<Array>() {
                array.exports.fetch_sub(1, Relaxed);
            }
        }),
    })
}

// ---- methods ----

fn append(vm: &mut Vm, this: &Value, item: &Value) -> Py {
    let bytes = pack(vm, own(this), item)?;
    push(vm, this, &bytes[..own(this).size()])?;
    Ok(Value::none())
}

fn buffer_info(vm: &mut Vm, this: &Value) -> Py {
    let address = own(this).lock(vm).as_ptr() as usize;
    let count = count(vm, this);
    let address = taipan_core::number::int_from_u64(address as u64);
    Ok(new_tuple([address, Value::int(count as i64)]))
}

fn byteswap(vm: &mut Vm, this: &Value) -> Py {
    let size = own(this).size();
    for item in own(this).lock(vm).chunks_exact_mut(size) {
        item.reverse();
    }
    Ok(Value::none())
}

fn clear(vm: &mut Vm, this: &Value) -> Py {
    resizing(vm, this, |data| {
        *data = Vec::new();
        true
    })?;
    Ok(Value::none())
}

fn copy(vm: &mut Vm, this: &Value) -> Py {
    let data = copy_data(vm, this);
    Ok(like(this, data))
}

fn deepcopy(vm: &mut Vm, this: &Value, _memo: &Value) -> Py {
    copy(vm, this)
}

fn count_method(vm: &mut Vm, this: &Value, item: &Value) -> Py {
    let (mut found, mut at) = (0, 0);
    while let Some(own) = item_at(vm, this, at)? {
        found += vm.equal(&own, item)? as i64;
        at += 1;
    }
    Ok(Value::int(found))
}

fn extend(vm: &mut Vm, this: &Value, items: &Value) -> Py {
    match items.cast::<Array>() {
        Some(other) => {
            if other.letter != own(this).letter {
                return Err(vm.type_error("can only extend with array of same kind"));
            }
            let data = copy_data(vm, items);
            push(vm, this, &data)?;
        }
        None => push_items(vm, this, items)?,
    }
    Ok(Value::none())
}

fn fromfile(vm: &mut Vm, this: &Value, file: &Value, n: &Value) -> Py {
    let n = vm.index_i64(n)?;
    if n < 0 {
        return Err(vm.value_error("negative count"));
    }
    let size = own(this).size() as i64;
    let Some(wanted) = n.checked_mul(size) else {
        return Err(vm.memory_error());
    };
    let read = vm.call_method(file, name!("read"), &[Value::int(wanted)])?;
    let Some(data) = bytes_of(&read) else {
        return Err(vm.type_error("read() didn't return bytes"));
    };
    let short = (data.len() as i64) < wanted;
    push_bytes(vm, this, data)?;
    if short {
        let message = "read() didn't return enough bytes";
        return Err(vm.raise(&taipan_core::builtin_types::EOF_ERROR, message));
    }
    Ok(Value::none())
}

fn fromlist(vm: &mut Vm, this: &Value, list: &Value) -> Py {
    if list_of(list).is_none() {
        return Err(vm.type_error("arg must be list"));
    }
    let mut data = Vec::new();
    for item in vm.to_vec(list)? {
        let bytes = pack(vm, own(this), &item)?;
        data.extend_from_slice(&bytes[..own(this).size()]);
    }
    push(vm, this, &data)?;
    Ok(Value::none())
}

fn frombytes(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    let lent = taipan_types::buffer::get(vm, data, flags::FULL_RO)?;
    let data = gather(&lent);
    drop(lent);
    push_bytes(vm, this, &data)?;
    Ok(Value::none())
}

fn text_only(vm: &mut Vm, this: &Value, name: &str) -> Py<()> {
    if own(this).is_text() {
        return Ok(());
    }
    let message = format!("{name}() may only be called on unicode type arrays ('u' or 'w')");
    Err(vm.value_error(message))
}

fn fromunicode(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let Some(text) = text_of(value) else {
        let message = format!(
            "fromunicode() argument must be str, not {}",
            taipan_types::arguments::type_name(value)
        );
        return Err(vm.type_error(message));
    };
    text_only(vm, this, "fromunicode")?;
    push_text(vm, this, text)?;
    Ok(Value::none())
}

fn index(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let len = count(vm, this);
    let bound = |vm: &mut Vm, value: Option<&Value>, default: usize| match value {
        Some(value) => {
            let bound = slice::slice_index(vm, value)?;
            Ok(slice::clamp_to(bound, len))
        }
        None => Ok(default),
    };
    let from = bound(vm, args.get(1), 0)?;
    let to = bound(vm, args.get(2), usize::MAX)?;
    match find(vm, this, &args[0], from, to)? {
        Some(at) => Ok(Value::int(at as i64)),
        None => Err(vm.value_error("array.index(x): x not in array")),
    }
}

fn insert(vm: &mut Vm, this: &Value, index: &Value, item: &Value) -> Py {
    let index = vm.index_i64(index)?;
    let bytes = pack(vm, own(this), item)?;
    let size = own(this).size();
    resizing(vm, this, |data| {
        let at = slice::clamp_to(index, data.len() / size) * size;
        let room = data.try_reserve(size).is_ok();
        if room {
            data.splice(at..at, bytes[..size].iter().copied());
        }
        room
    })?;
    Ok(Value::none())
}

fn take_out(vm: &mut Vm, this: &Value, at: usize) -> Py<()> {
    let size = own(this).size();
    resizing(vm, this, |data| {
        if (at + 1) * size <= data.len() {
            data.drain(at * size..(at + 1) * size);
        }
        true
    })
}

fn pop(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let index = match args.first() {
        Some(index) => vm.index_i64(index)?,
        None => -1,
    };
    let len = count(vm, this) as i64;
    if len == 0 {
        return Err(vm.index_error("pop from empty array"));
    }
    let at = if index < 0 { index + len } else { index };
    let item = match usize::try_from(at) {
        Ok(at) => item_at(vm, this, at)?,
        Err(_) => None,
    };
    let Some(item) = item else {
        return Err(vm.index_error("pop index out of range"));
    };
    take_out(vm, this, at as usize)?;
    Ok(item)
}

fn remove(vm: &mut Vm, this: &Value, item: &Value) -> Py {
    match find(vm, this, item, 0, usize::MAX)? {
        Some(at) => take_out(vm, this, at)?,
        None => return Err(vm.value_error("array.remove(x): x not in array")),
    }
    Ok(Value::none())
}

fn reverse(vm: &mut Vm, this: &Value) -> Py {
    let size = own(this).size();
    let mut data = own(this).lock(vm);
    // Reversing all bytes reverses the items too: they are turned back one by one.
    data.reverse();
    for item in data.chunks_exact_mut(size) {
        item.reverse();
    }
    Ok(Value::none())
}

fn tofile(vm: &mut Vm, this: &Value, file: &Value) -> Py {
    const BLOCK: usize = 64 * 1024;
    let data = copy_data(vm, this);
    for block in data.chunks(BLOCK) {
        let block = new_bytes(vm, block)?;
        vm.call_method(file, name!("write"), &[block])?;
    }
    if data.is_empty() {
        // An object that cannot be written to is noticed all the same.
        vm.get_attr(file, name!("write"))?;
    }
    Ok(Value::none())
}

fn tolist(vm: &mut Vm, this: &Value) -> Py {
    let data = copy_data(vm, this);
    let mut out = Vec::with_capacity(data.len() / own(this).size());
    for item in data.chunks_exact(own(this).size()) {
        out.push(unpack(vm, own(this), item)?);
    }
    Ok(new_list(out))
}

fn tobytes(vm: &mut Vm, this: &Value) -> Py {
    let data = copy_data(vm, this);
    new_bytes(vm, &data)
}

fn tounicode(vm: &mut Vm, this: &Value) -> Py {
    text_only(vm, this, "tounicode")?;
    let data = copy_data(vm, this);
    let codes: Vec<u32> = data
        .as_chunks::<4>()
        .0
        .iter()
        .map(|word| u32::from_ne_bytes(*word))
        .collect();
    if let Some(bad) = codes.iter().find(|code| **code > 0x10FFFF) {
        let message = format!("character U+{bad:x} is not in range [U+0000; U+10ffff]");
        return Err(vm.value_error(message));
    }
    text::from_text(vm, Text::Ucs4(&codes))
}

fn sizeof(vm: &mut Vm, this: &Value) -> Py {
    let reserved = own(this).lock(vm).capacity();
    Ok(Value::int((size_of::<Obj<Array>>() + reserved) as i64))
}

// ---- pickling ----

/// Machine formats of pickled arrays, by their numbers: size, signed, float.
fn machine_format(letter: char, code: Code) -> i64 {
    let big = cfg!(target_endian = "big") as i64;
    match (letter, code) {
        ('u' | 'w', _) => 20 + big,
        (_, Code::Float) => 14 + big,
        (_, Code::Double) => 16 + big,
        (_, Code::Int { size: 1, signed }) => signed as i64,
        (_, Code::Int { size, signed }) => {
            let base = match size {
                2 => 2,
                4 => 6,
                _ => 10,
            };
            base + 2 * signed as i64 + big
        }
        _ => -1,
    }
}

fn reduce_ex(vm: &mut Vm, this: &Value, protocol: &Value) -> Py {
    let protocol = vm.index_i64(protocol)?;
    let dict = match vm.get_attr_opt(this, name!("__dict__"))? {
        Some(dict) => dict,
        None => Value::none(),
    };
    let class = this.type_of().to_value();
    let letter = new_str(own(this).letter.encode_utf8(&mut [0; 4]));
    if protocol < 3 {
        let list = tolist(vm, this)?;
        return Ok(new_tuple([class, new_tuple([letter, list]), dict]));
    }
    let module = taipan_types::codec::registry::import(vm, "array")?;
    let function = vm.get_attr(&module, name!("_array_reconstructor"))?;
    let format = machine_format(own(this).letter, own(this).code);
    let data = tobytes(vm, this)?;
    let args = new_tuple([class, letter, Value::int(format), data]);
    Ok(new_tuple([function, args, dict]))
}

/// The items of foreign machine data, as values.
fn foreign_items(vm: &mut Vm, format: i64, data: &[u8]) -> Py<Vec<Value>> {
    let big = format % 2 == 1;
    let (code, size) = match format {
        0 => (Code::parse("B"), 1),
        1 => (Code::parse("b"), 1),
        2 | 3 => (Code::parse("H"), 2),
        4 | 5 => (Code::parse("h"), 2),
        6 | 7 => (Code::parse("I"), 4),
        8 | 9 => (Code::parse("i"), 4),
        10 | 11 => (Code::parse("Q"), 8),
        12 | 13 => (Code::parse("q"), 8),
        14 | 15 => (Code::parse("f"), 4),
        _ => (Code::parse("d"), 8),
    };
    let Some(code) = code else {
        return Ok(Vec::new());
    };
    let swap = size > 1 && big != cfg!(target_endian = "big");
    let mut out = Vec::with_capacity(data.len() / size);
    for item in data.chunks_exact(size) {
        let mut bytes = item.to_vec();
        if swap {
            bytes.reverse();
        }
        out.push(fmt::unpack(vm, code, &bytes)?);
    }
    Ok(out)
}

fn reconstructor(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let Some(class) = args[0].cast::<Type>() else {
        let message = format!(
            "first argument must be a type object, not {}",
            args[0].type_of().name()
        );
        return Err(vm.type_error(message));
    };
    if !class.is_subtype(&ARRAY) {
        let message = format!("{} is not a subtype of array.array", class.full_name());
        return Err(vm.type_error(message));
    }
    let letter = match text_of(&args[1]).map(|text| (text.len(), text.get(0))) {
        Some((1, Some(code))) => char::from_u32(code).unwrap_or('?'),
        _ => return Err(vm.value_error("second argument must be a valid type code")),
    };
    let Some(code) = element(letter) else {
        return Err(vm.value_error("second argument must be a valid type code"));
    };
    let format = vm.index_i64(&args[2])?;
    if !(0..=21).contains(&format) {
        let message = "third argument must be a valid machine format code.";
        return Err(vm.value_error(message));
    }
    let Some(data) = bytes_of(&args[3]) else {
        let message = format!(
            "fourth argument should be bytes, not {}",
            args[3].type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let made = make(class, letter, code, Vec::new());
    if format == machine_format(letter, code) {
        push_bytes(vm, &made, data)?;
        return Ok(made);
    }
    if (18..=21).contains(&format) {
        let encoding = ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"][format as usize - 18];
        let decoded = taipan_types::codec::decode(vm, data, Some(encoding), None)?;
        push_text(vm, &made, text::text(&decoded))?;
        return Ok(made);
    }
    for item in foreign_items(vm, format, data)? {
        append(vm, &made, &item)?;
    }
    Ok(made)
}

// ---- iteration ----

/// Payload of array iterators: position, and the array until exhausted.
struct Iter {
    array: Value,
    at: Locked<usize>,
}

impl HasState for Iter {
    type State = usize;
    fn cell(&self) -> &Locked<usize> {
        &self.at
    }
}

// SAFETY: the array is the only reference.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for Iter {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.array);
    }
}

fn iter(_vm: &mut Vm, this: &Value) -> Py {
    Ok(new_instance(
        &ITERATOR,
        Iter {
            array: this.clone(),
            at: Locked::new(0),
        },
    ))
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let iter = this.expect::<Iter>();
    let at = *iter.lock(vm);
    if at == usize::MAX {
        return Ok(None);
    }
    let item = item_at(vm, &iter.array, at)?;
    // Once exhausted an iterator stays so, even if the array grows.
    *iter.lock(vm) = if item.is_some() { at + 1 } else { usize::MAX };
    Ok(item)
}

fn same(_vm: &mut Vm, this: &Value) -> Py {
    Ok(this.clone())
}

fn iter_reduce(vm: &mut Vm, this: &Value) -> Py {
    let iter = this.expect::<Iter>();
    let at = *iter.lock(vm);
    let builtins = vm.interpreter().builtins.get();
    let function = match builtins {
        Some(builtins) => vm.get_item(&builtins, name!("iter"))?,
        None => Value::none(),
    };
    if at == usize::MAX {
        return Ok(new_tuple([function, new_tuple([new_list(Vec::new())])]));
    }
    let args = new_tuple([iter.array.clone()]);
    Ok(new_tuple([function, args, Value::int(at as i64)]))
}

fn iter_setstate(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let at = vm.index_i64(state)?.max(0) as usize;
    let iter = this.expect::<Iter>();
    let len = count(vm, &iter.array);
    let mut place = iter.lock(vm);
    if *place != usize::MAX {
        *place = at.min(len);
    }
    Ok(Value::none())
}

static METHODS: [MethodDef; 24] = [
    f1("append(self, v, /)", append, "Adds an item at the end."),
    f0(
        "buffer_info(self, /)",
        buffer_info,
        "The address of the memory and the number of items.",
    ),
    f0(
        "byteswap(self, /)",
        byteswap,
        "Reverses the bytes of each item.",
    ),
    f0("clear(self, /)", clear, "Takes all items away."),
    f0("__copy__(self, /)", copy, "A copy."),
    f1("count(self, v, /)", count_method, "How many items equal v."),
    f1("__deepcopy__(self, unused, /)", deepcopy, "A copy."),
    f1(
        "extend(self, bb, /)",
        extend,
        "Adds the items of an iterable at the end.",
    ),
    f2(
        "fromfile(self, f, n, /)",
        fromfile,
        "Adds n items read from a file as machine values.",
    ),
    f1(
        "fromlist(self, list, /)",
        fromlist,
        "Adds the items of a list, all or none.",
    ),
    f1(
        "frombytes(self, buffer, /)",
        frombytes,
        "Adds items from their machine values.",
    ),
    f1(
        "fromunicode(self, ustr, /)",
        fromunicode,
        "Adds the characters of a string.",
    ),
    positional(
        "index(self, v, start=0, stop=sys.maxsize, /)",
        index,
        "The first index of v; ValueError if there is none.",
    ),
    f2(
        "insert(self, i, v, /)",
        insert,
        "Puts an item in front of the one at index i.",
    ),
    positional(
        "pop(self, i=-1, /)",
        pop,
        "Takes the item at index i away and gives it.",
    ),
    f1(
        "__reduce_ex__(self, value, /)",
        reduce_ex,
        "State for pickling.",
    ),
    f1(
        "remove(self, v, /)",
        remove,
        "Takes the first item that equals v away.",
    ),
    f0(
        "reverse(self, /)",
        reverse,
        "Reverses the order of the items.",
    ),
    f1(
        "tofile(self, f, /)",
        tofile,
        "Writes all items to a file as machine values.",
    ),
    f0("tolist(self, /)", tolist, "The items as a list."),
    f0("tobytes(self, /)", tobytes, "The items as machine values."),
    f0(
        "tounicode(self, /)",
        tounicode,
        "The characters as a string.",
    ),
    f0("__sizeof__(self, /)", sizeof, "Bytes that the array takes."),
    f1(
        "__class_getitem__(type, object, /)",
        taipan_types::check::class_getitem,
        "See PEP 585.",
    )
    .class_method(),
];

static GETSET: [GetSetDef; 2] = [
    getter(
        "typecode",
        |_, this| Ok(new_str(own(this).letter.encode_utf8(&mut [0; 4]))),
        "The letter of the item type.",
    ),
    getter(
        "itemsize",
        |_, this| Ok(Value::int(own(this).size() as i64)),
        "Bytes of one item.",
    ),
];

static ITER_METHODS: [MethodDef; 2] = [
    f0("__reduce__(self, /)", iter_reduce, "State for pickling."),
    f1(
        "__setstate__(self, state, /)",
        iter_setstate,
        "Sets the position.",
    ),
];

static LAYOUT: Layout = Layout::of::<Array>();
static ITER_LAYOUT: Layout = Layout::of::<Iter>();

static SPEC: TypeSpec = TypeSpec {
    name: "array.array",
    flags: TypeFlags::BASE
        .union(TypeFlags::WEAKREF)
        .union(TypeFlags::SEQUENCE),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        compare: Some(compare),
        iter: Some(iter),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        set_item: Some(set_item),
        concat: Some(concat),
        repeat: Some(repeat),
        inplace_concat: Some(inplace_concat),
        inplace_repeat: Some(inplace_repeat),
        buffer: Some(lend),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "array(typecode [, initializer]) -> array\n\nA row of items of one machine type: b B h H i I l L q Q integers, f d floats,\nu w characters.",
    ..TypeSpec::DEFAULT
};

static ITER_SPEC: TypeSpec = TypeSpec {
    name: "array.arrayiterator",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&ITER_LAYOUT),
    slots: Slots {
        iter: Some(same),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &ITER_METHODS,
    ..TypeSpec::DEFAULT
};

static FUNCTIONS: [MethodDef; 1] = [positional(
    "_array_reconstructor(module, arraytype, typecode, mformat_code, items, /)",
    reconstructor,
    "Makes an array from pickled machine values.",
)];

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    ARRAY.define(&SPEC);
    ITERATOR.define(&ITER_SPEC);
    add_type(dict, &ARRAY);
    add(dict, "ArrayType", ARRAY.to_value());
    add(dict, "typecodes", new_str(CODES));
    // The class is registered as a mutable sequence, as list is.
    let abc = taipan_types::codec::registry::import(vm, "collections.abc")?;
    let abc = vm.get_attr(&abc, name!("abc"))?;
    let sequence = vm.get_attr(&abc, name!("MutableSequence"))?;
    vm.call_method(&sequence, name!("register"), &[ARRAY.to_value()])?;
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "array",
    doc: "Efficient arrays of one machine type.",
    functions: &FUNCTIONS,
    init,
};
