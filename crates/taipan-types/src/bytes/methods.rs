//! The methods that `bytes` and `bytearray` have in common. Arguments are converted first (which may run Python code), then the
//! work is done over the plain bytes.

use super::{byte_value, each_affix, like, like_or_same, with_data};
use crate::arguments::{self, fit};
use crate::buffer::{BytesLike, bytes_like};
use crate::list::new_list;
use crate::str::text;
use std::ops::Range;
use taipan_base::text::{self as algorithms, Text};
use taipan_core::builtin_types::{BYTEARRAY, BYTES, LIST, TUPLE};
use taipan_core::str_object::new_ascii;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, f0, f1, f2, slice};

pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | 9..=13)
}

// ---- case and classes ----

/// A method that maps all bytes to as many others.
fn mapped(vm: &mut Vm, this: &Value, f: impl FnOnce(&mut Vec<u8>)) -> Py {
    let mut data = with_data(vm, this, <[u8]>::to_vec);
    f(&mut data);
    like(vm, this, &data)
}

fn upper(vm: &mut Vm, this: &Value) -> Py {
    mapped(vm, this, |data| data.make_ascii_uppercase())
}

fn lower(vm: &mut Vm, this: &Value) -> Py {
    mapped(vm, this, |data| data.make_ascii_lowercase())
}

fn swapcase(vm: &mut Vm, this: &Value) -> Py {
    mapped(vm, this, |data| {
        for byte in data {
            if byte.is_ascii_alphabetic() {
                *byte ^= 0x20;
            }
        }
    })
}

fn capitalize(vm: &mut Vm, this: &Value) -> Py {
    mapped(vm, this, |data| {
        data.make_ascii_lowercase();
        if let Some(first) = data.first_mut() {
            first.make_ascii_uppercase();
        }
    })
}

fn title(vm: &mut Vm, this: &Value) -> Py {
    mapped(vm, this, |data| {
        let mut in_word = false;
        for byte in data {
            if in_word {
                byte.make_ascii_lowercase();
            } else {
                byte.make_ascii_uppercase();
            }
            in_word = byte.is_ascii_alphabetic();
        }
    })
}

fn all(vm: &mut Vm, this: &Value, test: impl Fn(u8) -> bool) -> Py {
    Ok(Value::bool(with_data(vm, this, |data| {
        !data.is_empty() && data.iter().all(|byte| test(*byte))
    })))
}

fn isalnum(vm: &mut Vm, this: &Value) -> Py {
    all(vm, this, |byte| byte.is_ascii_alphanumeric())
}

fn isalpha(vm: &mut Vm, this: &Value) -> Py {
    all(vm, this, |byte| byte.is_ascii_alphabetic())
}

fn isdigit(vm: &mut Vm, this: &Value) -> Py {
    all(vm, this, |byte| byte.is_ascii_digit())
}

fn isspace(vm: &mut Vm, this: &Value) -> Py {
    all(vm, this, is_space)
}

fn isascii(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(with_data(vm, this, <[u8]>::is_ascii)))
}

fn islower(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(with_data(vm, this, |data| {
        !data.iter().any(u8::is_ascii_uppercase) && data.iter().any(u8::is_ascii_lowercase)
    })))
}

fn isupper(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(with_data(vm, this, |data| {
        !data.iter().any(u8::is_ascii_lowercase) && data.iter().any(u8::is_ascii_uppercase)
    })))
}

fn istitle(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(with_data(vm, this, |data| {
        let (mut in_word, mut cased) = (false, false);
        for byte in data {
            if byte.is_ascii_uppercase() {
                if in_word {
                    return false;
                }
                (in_word, cased) = (true, true);
            } else if byte.is_ascii_lowercase() {
                if !in_word {
                    return false;
                }
                cased = true;
            } else {
                in_word = false;
            }
        }
        cased
    })))
}

// ---- searching ----

/// What to search for: bytes, or one byte as an int.
fn needle(vm: &mut Vm, value: &Value) -> Py<BytesLike> {
    if value.type_of().slots().buffer.is_some() {
        return bytes_like(vm, value);
    }
    if value.is_int() || value.type_of().slots().index.is_some() {
        let byte = byte_value(vm, value)?;
        return Ok(BytesLike::Bytes(super::new_bytes(vm, &[byte])?));
    }
    let message = format!(
        "argument should be integer or bytes-like object, not '{}'",
        value.type_of().name()
    );
    Err(vm.type_error(message))
}

type Search = fn(&[u8], &[u8]) -> Option<usize>;

fn forward(data: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [byte] => memchr::memchr(*byte, data),
        _ => memchr::memmem::find(data, needle),
    }
}

fn backward(data: &[u8], needle: &[u8]) -> Option<usize> {
    match needle {
        [byte] => memchr::memrchr(*byte, data),
        _ => memchr::memmem::rfind(data, needle),
    }
}

fn search(vm: &mut Vm, this: &Value, args: &[Value], with: Search) -> Py<Option<usize>> {
    let _held = super::hold(vm, this)?;
    let needle = needle(vm, &args[0])?;
    let range = arguments::range(vm, args, 1)?;
    Ok(with_data(vm, this, |data| {
        let (from, to) = fit(range, data.len());
        let at = with(data.get(from..to)?, &needle)?;
        Some(at + from)
    }))
}

fn position(found: Option<usize>) -> Value {
    Value::int(found.map_or(-1, |at| at as i64))
}

fn find(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    search(vm, this, args, forward).map(position)
}

fn rfind(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    search(vm, this, args, backward).map(position)
}

fn index(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    match search(vm, this, args, forward)? {
        None => Err(vm.value_error("subsection not found")),
        found => Ok(position(found)),
    }
}

fn rindex(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    match search(vm, this, args, backward)? {
        None => Err(vm.value_error("subsection not found")),
        found => Ok(position(found)),
    }
}

fn count(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let _held = super::hold(vm, this)?;
    let needle = needle(vm, &args[0])?;
    let range = arguments::range(vm, args, 1)?;
    let times = with_data(vm, this, |data| {
        let (from, to) = fit(range, data.len());
        match data.get(from..to) {
            Some(part) => algorithms::count(Text::Latin1(part), Text::Latin1(&needle), usize::MAX),
            None => 0,
        }
    });
    Ok(Value::int(times as i64))
}

fn has_affix(
    vm: &mut Vm,
    this: &Value,
    args: &[Value],
    name: &str,
    test: fn(&[u8], &[u8]) -> bool,
) -> Py {
    let range = arguments::range(vm, args, 1)?;
    let is_tuple = args[0].is_instance(&TUPLE);
    for affix in each_affix(&args[0]) {
        if !is_tuple && affix.type_of().slots().buffer.is_none() {
            let message = format!(
                "{name} first arg must be bytes or a tuple of bytes, not {}",
                affix.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        let affix = bytes_like(vm, affix)?;
        let holds = with_data(vm, this, |data| {
            let (from, to) = fit(range, data.len());
            data.get(from..to).is_some_and(|part| test(part, &affix))
        });
        if holds {
            return Ok(Value::bool(true));
        }
    }
    Ok(Value::bool(false))
}

fn startswith(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    has_affix(vm, this, args, "startswith", |data, affix| {
        data.starts_with(affix)
    })
}

fn endswith(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    has_affix(vm, this, args, "endswith", |data, affix| {
        data.ends_with(affix)
    })
}

/// The part of the data that `part` picks, as an object like `this`.
fn piece(vm: &mut Vm, this: &Value, part: impl FnOnce(&[u8]) -> Range<usize>) -> Py {
    if let Some(data) = super::bytes_of(this) {
        return like_or_same(vm, this, &data[part(data)]);
    }
    let data = with_data(vm, this, |data| data[part(data)].to_vec());
    super::new_bytearray(vm, data)
}

fn removeprefix(vm: &mut Vm, this: &Value, prefix: &Value) -> Py {
    let prefix = bytes_like(vm, prefix)?;
    piece(vm, this, |data| {
        let cut = if data.starts_with(&prefix) {
            prefix.len()
        } else {
            0
        };
        cut..data.len()
    })
}

fn removesuffix(vm: &mut Vm, this: &Value, suffix: &Value) -> Py {
    let suffix = bytes_like(vm, suffix)?;
    piece(vm, this, |data| {
        let cut = if data.ends_with(&suffix) {
            suffix.len()
        } else {
            0
        };
        0..data.len() - cut
    })
}

// ---- splitting ----

fn limit(vm: &mut Vm, value: Option<&Value>) -> Py<usize> {
    match value {
        Some(value) => Ok(usize::try_from(vm.index_i64(value)?).unwrap_or(usize::MAX)),
        None => Ok(usize::MAX),
    }
}

/// A list of the parts of `this` that `cut` gives.
fn pieces(vm: &mut Vm, this: &Value, cut: impl FnOnce(&[u8]) -> Vec<Range<usize>>) -> Py {
    let mut out = Vec::new();
    if let Some(data) = super::bytes_of(this) {
        for range in cut(data) {
            out.push(like_or_same(vm, this, &data[range])?);
        }
    } else {
        let parts: Vec<Vec<u8>> = with_data(vm, this, |data| {
            cut(data)
                .into_iter()
                .map(|range| data[range].to_vec())
                .collect()
        });
        for part in parts {
            out.push(super::new_bytearray(vm, part)?);
        }
    }
    Ok(new_list(out))
}

fn separator(vm: &mut Vm, args: &Bound) -> Py<Option<BytesLike>> {
    match args.get(0).filter(|sep| !sep.is_none()) {
        None => Ok(None),
        Some(sep) => {
            let sep = bytes_like(vm, sep)?;
            if sep.is_empty() {
                return Err(vm.value_error("empty separator"));
            }
            Ok(Some(sep))
        }
    }
}

fn split(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let _held = super::hold(vm, this)?;
    let limit = limit(vm, args.get(1))?;
    match separator(vm, args)? {
        None => pieces(vm, this, |data| split_space(data, limit)),
        Some(sep) => pieces(vm, this, |data| {
            algorithms::split_on(Text::Latin1(data), Text::Latin1(&sep), limit)
        }),
    }
}

fn rsplit(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let _held = super::hold(vm, this)?;
    let limit = limit(vm, args.get(1))?;
    match separator(vm, args)? {
        None => pieces(vm, this, |data| rsplit_space(data, limit)),
        Some(sep) => pieces(vm, this, |data| {
            algorithms::rsplit_on(Text::Latin1(data), Text::Latin1(&sep), limit)
        }),
    }
}

fn split_space(data: &[u8], limit: usize) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut at = 0;
    loop {
        while at < data.len() && is_space(data[at]) {
            at += 1;
        }
        if at == data.len() {
            return out;
        }
        let from = at;
        if out.len() == limit {
            out.push(from..data.len());
            return out;
        }
        while at < data.len() && !is_space(data[at]) {
            at += 1;
        }
        out.push(from..at);
    }
}

fn rsplit_space(data: &[u8], limit: usize) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut at = data.len();
    loop {
        while at > 0 && is_space(data[at - 1]) {
            at -= 1;
        }
        if at == 0 {
            break;
        }
        let end = at;
        if out.len() == limit {
            out.push(0..end);
            break;
        }
        while at > 0 && !is_space(data[at - 1]) {
            at -= 1;
        }
        out.push(at..end);
    }
    out.reverse();
    out
}

fn splitlines(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let keep = arguments::flag(vm, args.get(0), false)?;
    pieces(vm, this, |data| {
        let mut out = Vec::new();
        let mut from = 0;
        while from < data.len() {
            let Some(at) = memchr::memchr2(b'\n', b'\r', &data[from..]) else {
                out.push(from..data.len());
                break;
            };
            let end = from + at;
            let next = end + 1 + usize::from(data[end..].starts_with(b"\r\n"));
            out.push(from..if keep { next } else { end });
            from = next;
        }
        out
    })
}

fn partition_with(vm: &mut Vm, this: &Value, sep: &Value, with: Search) -> Py<Option<Value>> {
    let needle = bytes_like(vm, sep)?;
    if needle.is_empty() {
        return Err(vm.value_error("empty separator"));
    }
    let parts = with_data(vm, this, |data| {
        let at = with(data, &needle)?;
        Some((data[..at].to_vec(), data[at + needle.len()..].to_vec()))
    });
    match parts {
        Some((before, after)) => {
            let before = like(vm, this, &before)?;
            let middle = if sep.is_exact(&BYTES) && this.is_instance(&BYTES) {
                sep.clone()
            } else {
                like(vm, this, &needle)?
            };
            let after = like(vm, this, &after)?;
            Ok(Some(new_tuple([before, middle, after])))
        }
        None => Ok(None),
    }
}

fn whole(vm: &mut Vm, this: &Value) -> Py {
    piece(vm, this, |data| 0..data.len())
}

fn partition(vm: &mut Vm, this: &Value, sep: &Value) -> Py {
    if let Some(parts) = partition_with(vm, this, sep, forward)? {
        return Ok(parts);
    }
    let parts = [whole(vm, this)?, like(vm, this, b"")?, like(vm, this, b"")?];
    Ok(new_tuple(parts))
}

fn rpartition(vm: &mut Vm, this: &Value, sep: &Value) -> Py {
    if let Some(parts) = partition_with(vm, this, sep, backward)? {
        return Ok(parts);
    }
    let parts = [like(vm, this, b"")?, like(vm, this, b"")?, whole(vm, this)?];
    Ok(new_tuple(parts))
}

fn strip_with(vm: &mut Vm, this: &Value, args: &[Value], left: bool, right: bool) -> Py {
    let set = match args.first().filter(|set| !set.is_none()) {
        Some(set) => Some(bytes_like(vm, set)?),
        None => None,
    };
    piece(vm, this, |data| {
        let gone = |byte: u8| match &set {
            Some(set) => set.contains(&byte),
            None => is_space(byte),
        };
        let (mut from, mut to) = (0, data.len());
        while left && from < to && gone(data[from]) {
            from += 1;
        }
        while right && from < to && gone(data[to - 1]) {
            to -= 1;
        }
        from..to
    })
}

fn strip(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    strip_with(vm, this, args, true, true)
}

fn lstrip(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    strip_with(vm, this, args, true, false)
}

fn rstrip(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    strip_with(vm, this, args, false, true)
}

// ---- joining, replacing, filling ----

fn join(vm: &mut Vm, this: &Value, iterable: &Value) -> Py {
    let slots = iterable.type_of().slots();
    if slots.iter.is_none() && slots.get_item.is_none() {
        return Err(vm.type_error("can only join an iterable"));
    }
    let _held = super::hold(vm, this)?;
    let items = vm.to_vec(iterable)?;
    if let [item] = &items[..]
        && item.is_exact(&BYTES)
        && this.is_instance(&BYTES)
    {
        return Ok(item.clone());
    }
    let between = with_data(vm, this, <[u8]>::to_vec);
    let mut parts = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        if item.type_of().slots().buffer.is_none() {
            let message = format!(
                "sequence item {i}: expected a bytes-like object, {} found",
                item.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        parts.push(bytes_like(vm, item)?);
        if iterable.is_exact(&LIST) && vm.length(iterable)? != items.len() {
            return Err(vm.runtime_error("sequence changed size during iteration"));
        }
    }
    let mut total = between.len().checked_mul(items.len().saturating_sub(1));
    for part in &parts {
        total = total.and_then(|total| total.checked_add(part.len()));
    }
    let Some(total) = total.filter(|total| *total <= isize::MAX as usize) else {
        return Err(vm.overflow_error("join() result is too long"));
    };
    let mut out: Vec<u8> = Vec::new();
    if out.try_reserve_exact(total).is_err() {
        return Err(vm.memory_error());
    }
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(&between);
        }
        out.extend_from_slice(part);
    }
    drop(parts);
    like(vm, this, &out)
}

fn replace(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let old = bytes_like(vm, &args[0])?;
    let new = bytes_like(vm, &args[1])?;
    let limit = limit(vm, args.get(2))?;
    let made = with_data(vm, this, |data| replaced(data, &old, &new, limit));
    match made {
        None => Err(vm.memory_error()),
        Some(None) => whole(vm, this),
        Some(Some(made)) => like(vm, this, &made),
    }
}

/// `None`: no memory; `Some(None)`: nothing to replace.
fn replaced(data: &[u8], old: &[u8], new: &[u8], limit: usize) -> Option<Option<Vec<u8>>> {
    let times = algorithms::count(Text::Latin1(data), Text::Latin1(old), limit);
    if times == 0 {
        return Some(None);
    }
    let total = data.len() - old.len() * times;
    let total = total.checked_add(new.len().checked_mul(times)?)?;
    let mut out = Vec::new();
    out.try_reserve_exact(total).ok()?;
    if old.is_empty() {
        for (i, byte) in data.iter().enumerate() {
            if i < times {
                out.extend_from_slice(new);
            }
            out.push(*byte);
        }
        if times > data.len() {
            out.extend_from_slice(new);
        }
        return Some(Some(out));
    }
    let mut done = 0;
    for at in memchr::memmem::find_iter(data, old).take(times) {
        out.extend_from_slice(&data[done..at]);
        out.extend_from_slice(new);
        done = at + old.len();
    }
    out.extend_from_slice(&data[done..]);
    Some(Some(out))
}

fn fill_byte(vm: &mut Vm, args: &[Value], name: &str) -> Py<u8> {
    let Some(fill) = args.get(1) else {
        return Ok(b' ');
    };
    let known = fill.is_instance(&BYTES) || fill.is_instance(&BYTEARRAY);
    if !known {
        let message = format!(
            "{name}() argument 2 must be a byte string of length 1, not {}",
            fill.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let (byte, len) = with_data(vm, fill, |data| (data.first().copied(), data.len()));
    match byte {
        Some(byte) if len == 1 => Ok(byte),
        _ => {
            let message = format!(
                "{name}(): argument 2 must be a byte string of length 1, not a {} object of length {len}",
                fill.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

fn padded(
    vm: &mut Vm,
    this: &Value,
    width: usize,
    fill: u8,
    left_of: impl FnOnce(usize) -> usize,
) -> Py {
    let made = with_data(vm, this, |data| {
        let missing = width.saturating_sub(data.len());
        if missing == 0 {
            return Some(None);
        }
        let mut out = Vec::new();
        out.try_reserve_exact(width).ok()?;
        let left = left_of(missing);
        out.resize(left, fill);
        out.extend_from_slice(data);
        out.resize(width, fill);
        Some(Some(out))
    });
    match made {
        None => Err(vm.memory_error()),
        Some(None) => whole(vm, this),
        Some(Some(made)) => like(vm, this, &made),
    }
}

fn width(vm: &mut Vm, value: &Value) -> Py<usize> {
    Ok(vm.index_i64(value)?.max(0) as usize)
}

fn center(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let width = width(vm, &args[0])?;
    let fill = fill_byte(vm, args, "center")?;
    padded(vm, this, width, fill, |missing| {
        missing / 2 + (missing & width & 1)
    })
}

fn ljust(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let width = width(vm, &args[0])?;
    let fill = fill_byte(vm, args, "ljust")?;
    padded(vm, this, width, fill, |_| 0)
}

fn rjust(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let width = width(vm, &args[0])?;
    let fill = fill_byte(vm, args, "rjust")?;
    padded(vm, this, width, fill, |missing| missing)
}

fn zfill(vm: &mut Vm, this: &Value, size: &Value) -> Py {
    let width = width(vm, size)?;
    let len = with_data(vm, this, <[u8]>::len);
    if width <= len {
        return whole(vm, this);
    }
    let made = with_data(vm, this, |data| {
        let mut out = Vec::new();
        out.try_reserve_exact(width).ok()?;
        let signed = matches!(data.first(), Some(b'+' | b'-')) as usize;
        out.extend_from_slice(&data[..signed]);
        out.resize(width - data.len() + signed, b'0');
        out.extend_from_slice(&data[signed..]);
        Some(out)
    });
    match made {
        Some(made) => like(vm, this, &made),
        None => Err(vm.memory_error()),
    }
}

fn expandtabs(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let size = match args.get(0) {
        Some(size) => vm.index_i64(size)?.max(0) as usize,
        None => 8,
    };
    let made = with_data(vm, this, |data| {
        let mut out = Vec::new();
        out.try_reserve(data.len()).ok()?;
        let mut column = 0;
        for byte in data {
            match byte {
                b'\t' if size > 0 => {
                    let fill = size - column % size;
                    out.try_reserve(fill).ok()?;
                    out.resize(out.len() + fill, b' ');
                    column += fill;
                }
                b'\t' => {}
                _ => {
                    out.push(*byte);
                    column = if matches!(byte, b'\n' | b'\r') {
                        0
                    } else {
                        column + 1
                    };
                }
            }
        }
        Some(out)
    });
    match made {
        Some(made) => like(vm, this, &made),
        None => Err(vm.memory_error()),
    }
}

// ---- tables ----

fn translate(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let table = match args.req(0) {
        none if none.is_none() => None,
        table => {
            let table = bytes_like(vm, table)?;
            if table.len() != 256 {
                return Err(vm.value_error("translation table must be 256 characters long"));
            }
            Some(table)
        }
    };
    let gone = match args.get(1) {
        Some(gone) => Some(bytes_like(vm, gone)?),
        None => None,
    };
    let mut dropped = [false; 256];
    for byte in gone.as_deref().unwrap_or(&[]) {
        dropped[*byte as usize] = true;
    }
    let made: Vec<u8> = with_data(vm, this, |data| {
        data.iter()
            .filter(|byte| !dropped[**byte as usize])
            .map(|byte| table.as_ref().map_or(*byte, |table| table[*byte as usize]))
            .collect()
    });
    let same = super::bytes_of(this).is_some_and(|data| data == made);
    if same {
        whole(vm, this)
    } else {
        like(vm, this, &made)
    }
}

fn maketrans(vm: &mut Vm, _cls: &Value, from: &Value, to: &Value) -> Py {
    let from = bytes_like(vm, from)?;
    let to = bytes_like(vm, to)?;
    if from.len() != to.len() {
        return Err(vm.value_error("maketrans arguments must have same length"));
    }
    let mut table: Vec<u8> = (0..=255).collect();
    for (from, to) in from.iter().zip(to.iter()) {
        table[*from as usize] = *to;
    }
    super::new_bytes(vm, &table)
}

// ---- text ----

fn decode(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let encoding = crate::str::text_argument(vm, "decode", "encoding", args.get(0))?;
    let errors = crate::str::text_argument(vm, "decode", "errors", args.get(1))?;
    let data = bytes_like(vm, this)?;
    crate::codec::decode(vm, &data, encoding.as_deref(), errors.as_deref())
}

fn hex(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, this)?;
    hex_text(vm, &data, args.get(0), args.get(1))
}

/// `data.hex(sep, bytes_per_sep)`: also of memoryviews and `binascii.hexlify`.
pub fn hex_digits(
    vm: &mut Vm,
    data: &[u8],
    sep: Option<&Value>,
    per_sep: Option<&Value>,
) -> Py<Vec<u8>> {
    let sep = match sep {
        None => None,
        Some(sep) => {
            let byte = if let Some(text) = text::text_of(sep) {
                match (text.len(), text.get(0)) {
                    (1, code) => code,
                    _ => return Err(vm.value_error("sep must be length 1.")),
                }
            } else {
                if vm.length(sep)? != 1 {
                    return Err(vm.value_error("sep must be length 1."));
                }
                match super::bytes_of(sep) {
                    Some(data) => data.first().map(|byte| *byte as u32),
                    None => return Err(vm.type_error("sep must be str or bytes.")),
                }
            };
            match byte {
                Some(code) if code < 128 => Some(code as u8),
                _ => return Err(vm.value_error("sep must be ASCII.")),
            }
        }
    };
    let group = match per_sep {
        Some(per_sep) => vm.index_i64(per_sep)?,
        None => 1,
    };
    let mut out = Vec::new();
    if out.try_reserve(data.len().saturating_mul(2)).is_err() {
        return Err(vm.memory_error());
    }
    let size = group.unsigned_abs() as usize;
    for (i, byte) in data.iter().enumerate() {
        if let Some(sep) = sep
            && i > 0
            && size > 0
        {
            // Positive group sizes count from the right end.
            let from_start = if group > 0 { data.len() - i } else { i };
            if from_start % size == 0 {
                out.push(sep);
            }
        }
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        out.extend([DIGITS[(byte >> 4) as usize], DIGITS[(byte & 15) as usize]]);
    }
    Ok(out)
}

/// [`hex_digits`] as a string.
pub fn hex_text(vm: &mut Vm, data: &[u8], sep: Option<&Value>, per_sep: Option<&Value>) -> Py {
    let digits = hex_digits(vm, data, sep, per_sep)?;
    Ok(new_ascii(&digits))
}

fn fromhex(vm: &mut Vm, cls: &Value, source: &Value) -> Py {
    let data = if let Some(text) = text::text_of(source) {
        let codes: Vec<u32> = text.chars().collect();
        parse_hex(vm, &codes)?
    } else if source.type_of().slots().buffer.is_some() {
        let data = bytes_like(vm, source)?;
        let codes: Vec<u32> = data.iter().map(|byte| *byte as u32).collect();
        parse_hex(vm, &codes)?
    } else {
        let message = format!(
            "fromhex() argument must be str or bytes-like, not {}",
            source.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let is_array = cls
        .cast::<taipan_core::Type>()
        .is_some_and(|cls| cls.is_subtype(&BYTEARRAY));
    let made = if is_array {
        super::new_bytearray(vm, data)?
    } else {
        super::new_bytes(vm, &data)?
    };
    if cls.is(&made.type_of().to_value()) {
        return Ok(made);
    }
    vm.call(cls, &[made])
}

fn parse_hex(vm: &mut Vm, codes: &[u32]) -> Py<Vec<u8>> {
    let digit = |code: u32| char::from_u32(code).and_then(|c| c.to_digit(16));
    let mut out = Vec::with_capacity(codes.len() / 2);
    let mut at = 0;
    loop {
        while at < codes.len() && u8::try_from(codes[at]).is_ok_and(is_space) {
            at += 1;
        }
        if at == codes.len() {
            return Ok(out);
        }
        let high = digit(codes[at]);
        let bad = match (high, codes.get(at + 1)) {
            (None, _) => at,
            (Some(_), None) => {
                return Err(vm.value_error(
                    "fromhex() arg must contain an even number of hexadecimal digits",
                ));
            }
            (Some(high), Some(low)) => match digit(*low) {
                Some(low) => {
                    out.push((high << 4 | low) as u8);
                    at += 2;
                    continue;
                }
                None => at + 1,
            },
        };
        let message = format!("non-hexadecimal number found in fromhex() arg at position {bad}");
        return Err(vm.value_error(message));
    }
}

fn getnewargs(vm: &mut Vm, this: &Value) -> Py {
    let copy = with_data(vm, this, <[u8]>::to_vec);
    let copy = super::new_bytes(vm, &copy)?;
    Ok(new_tuple([copy]))
}

fn dunder_bytes(vm: &mut Vm, this: &Value) -> Py {
    if this.is_exact(&BYTES) {
        return Ok(this.clone());
    }
    let copy = with_data(vm, this, <[u8]>::to_vec);
    super::new_bytes(vm, &copy)
}

macro_rules! with_shared_methods {
    ($($own:expr),* $(,)?) => {
        [
            $($own,)*
            f0("capitalize(self, /)", capitalize, "A copy whose first byte is in upper case (ASCII) and the rest in lower case."),
            slice("center(self, width, fillchar=b' ', /)", center, "The bytes in the middle of a field of the given width."),
            slice("count(self, sub[, start[, end]], /)", count, "How often sub occurs (in self[start:end]) without overlap; sub may be an int."),
            bound("decode(self, /, encoding='utf-8', errors='strict')", decode, "The text that the bytes encode.\n\nerrors names the handler for bytes that cannot be decoded: 'strict' (raise\nUnicodeDecodeError), 'ignore', 'replace', or any name known to codecs.register_error."),
            slice("endswith(self, suffix[, start[, end]], /)", endswith, "Do the bytes (or self[start:end]) end with suffix, bytes or a tuple of them?"),
            bound("expandtabs(self, /, tabsize=8)", expandtabs, "A copy with tabs replaced by spaces up to the next column divisible by tabsize."),
            slice("find(self, sub[, start[, end]], /)", find, "The lowest index at which sub is found (within self[start:end]), or -1."),
            f1("fromhex(type, string, /)", fromhex, "The bytes that pairs of hexadecimal digits write; white space between pairs is skipped.").class_method(),
            bound("hex(self, /, sep=<unrepresentable>, bytes_per_sep=1)", hex, "The bytes as hexadecimal digits.\n\nsep is put between groups of bytes_per_sep bytes, counted from the right if positive.\n\n>>> bytes(range(4)).hex(':')\n'00:01:02:03'"),
            slice("index(self, sub[, start[, end]], /)", index, "The lowest index at which sub is found (within self[start:end]); ValueError if nowhere."),
            f0("isalnum(self, /)", isalnum, "Are there only ASCII letters and digits, and some?"),
            f0("isalpha(self, /)", isalpha, "Are there only ASCII letters, and some?"),
            f0("isascii(self, /)", isascii, "Are all bytes below 128?"),
            f0("isdigit(self, /)", isdigit, "Are there only ASCII digits, and some?"),
            f0("islower(self, /)", islower, "Are there ASCII letters, all of them in lower case?"),
            f0("isspace(self, /)", isspace, "Is there only ASCII white space, and some?"),
            f0("istitle(self, /)", istitle, "Are the bytes in title case (ASCII)?"),
            f0("isupper(self, /)", isupper, "Are there ASCII letters, all of them in upper case?"),
            f1("join(self, iterable_of_bytes, /)", join, "The bytes-like objects of an iterable in one, with these bytes between them."),
            slice("ljust(self, width, fillchar=b' ', /)", ljust, "The bytes at the left of a field of the given width."),
            f0("lower(self, /)", lower, "A copy with ASCII letters in lower case."),
            slice("lstrip(self, bytes=None, /)", lstrip, "A copy without ASCII white space (or the given bytes) at the start."),
            f2("maketrans(frm, to, /)", maketrans, "A table for translate: each byte of frm becomes the byte at the same place of to.").static_method(),
            f1("partition(self, sep, /)", partition, "The part before the first sep, sep itself, and the part behind it.\n\nWithout a sep in it, the whole and two empty objects."),
            slice("replace(self, old, new, count=-1, /)", replace, "A copy with occurrences of old replaced by new, the first count ones if count is given."),
            f1("removeprefix(self, prefix, /)", removeprefix, "A copy without the prefix, if it is there."),
            f1("removesuffix(self, suffix, /)", removesuffix, "A copy without the suffix, if it is there."),
            slice("rfind(self, sub[, start[, end]], /)", rfind, "The highest index at which sub is found (within self[start:end]), or -1."),
            slice("rindex(self, sub[, start[, end]], /)", rindex, "The highest index at which sub is found (within self[start:end]); ValueError if nowhere."),
            slice("rjust(self, width, fillchar=b' ', /)", rjust, "The bytes at the right of a field of the given width."),
            f1("rpartition(self, sep, /)", rpartition, "The part before the last sep, sep itself, and the part behind it.\n\nWithout a sep in it, two empty objects and the whole."),
            bound("rsplit(self, /, sep=None, maxsplit=-1)", rsplit, "The parts between separators, as a list; at most maxsplit cuts are made, from the right."),
            slice("rstrip(self, bytes=None, /)", rstrip, "A copy without ASCII white space (or the given bytes) at the end."),
            bound("split(self, /, sep=None, maxsplit=-1)", split, "The parts between separators, as a list.\n\nsep=None means ASCII white space. At most maxsplit cuts are made, from the left."),
            bound("splitlines(self, /, keepends=False)", splitlines, "The lines, as a list; with their ends if keepends is true."),
            slice("startswith(self, prefix[, start[, end]], /)", startswith, "Do the bytes (or self[start:end]) begin with prefix, bytes or a tuple of them?"),
            slice("strip(self, bytes=None, /)", strip, "A copy without ASCII white space (or the given bytes) at both ends."),
            f0("swapcase(self, /)", swapcase, "A copy with upper and lower case of ASCII letters exchanged."),
            f0("title(self, /)", title, "A copy in which each ASCII word begins in upper case and goes on in lower case."),
            bound("translate(self, table, /, delete=b'')", translate, "A copy with each byte replaced by what the table of 256 bytes says, after those in delete are taken away."),
            f0("upper(self, /)", upper, "A copy with ASCII letters in upper case."),
            f1("zfill(self, width, /)", zfill, "The bytes with zeros at the left (behind a sign) to fill a field of the given width."),
        ]
    };
}

pub(super) static BYTES_METHODS: [MethodDef; 44] = with_shared_methods![
    f0("__getnewargs__(self, /)", getnewargs, ""),
    f0(
        "__bytes__(self, /)",
        dunder_bytes,
        "The object as exact bytes."
    ),
];

use super::bytearray as own;

pub(super) static BYTEARRAY_METHODS: [MethodDef; 55] = with_shared_methods![
    f0(
        "__alloc__(self, /)",
        own::alloc,
        "Bytes of memory reserved."
    ),
    f0("__reduce__(self, /)", own::reduce, "State for pickling."),
    slice(
        "__reduce_ex__(self, proto=0, /)",
        own::reduce_ex,
        "State for pickling."
    ),
    f0(
        "__sizeof__(self, /)",
        own::sizeof,
        "Bytes that the object takes."
    ),
    f1(
        "append(self, item, /)",
        own::append,
        "Adds one byte, an int, at the end."
    ),
    f0("clear(self, /)", own::clear, "Takes all bytes away."),
    f0("copy(self, /)", own::copy, "A copy."),
    f1(
        "extend(self, iterable_of_ints, /)",
        own::extend,
        "Adds the bytes of an iterable of ints or a bytes-like object at the end."
    ),
    f2(
        "insert(self, index, item, /)",
        own::insert,
        "Puts one byte, an int, in front of the one at index."
    ),
    slice(
        "pop(self, index=-1, /)",
        own::pop,
        "Takes the byte at index away and gives it as an int."
    ),
    f1(
        "remove(self, value, /)",
        own::remove,
        "Takes the first byte of the given value away."
    ),
    f1(
        "resize(self, size, /)",
        own::resize,
        "Cuts the bytearray, or fills it with zeros, to the given size."
    ),
    f0(
        "reverse(self, /)",
        own::reverse,
        "Reverses the order of the bytes in place."
    ),
];
