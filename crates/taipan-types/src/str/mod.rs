//! `str`: the type, its operators, and the functions on strings that the interpreter calls directly.
//!
//! Storage is `taipan_core::str_object`, algorithms are `taipan_base::text`. Methods are in `methods`, the format languages in
//! `format` and `percent`, encodings in [`crate::codec`].

pub mod format;
mod iterator;
mod methods;
pub mod percent;
mod table;
pub mod text;

use crate::slice;
use taipan_base::text::{self as algorithms, Text, TextBuf};
use taipan_core::builtin_types::{STR, STR_ITERATOR};
use taipan_core::str_object::{self, Str, empty_str, is_exact_str, str_of};
use taipan_core::{
    Args, BinaryOp, CompareOp, Layout, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
};

pub use text::{exact, from_buf, from_text, text_of, view};

// ---- construction ----

/// `str(object)`, `str(object, encoding, errors)`
fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    crate::check::count(vm, "str", args.pos().len(), 0, 3)?;
    let [object, encoding, errors] =
        crate::arguments::take(vm, "str", args, ["object", "encoding", "errors"], 0)?;
    let Some(object) = object else {
        return of_class(vm, cls, &empty_str());
    };
    let value = match (encoding, errors) {
        (None, None) => vm.str(object)?,
        _ => {
            let encoding = text_argument(vm, "str", "encoding", encoding)?;
            let errors = text_argument(vm, "str", "errors", errors)?;
            crate::codec::decode_object(vm, object, encoding.as_deref(), errors.as_deref())?
        }
    };
    of_class(vm, cls, &value)
}

/// An argument that is text without null characters, if given.
pub(crate) fn text_argument(
    vm: &mut Vm,
    function: &str,
    name: &str,
    value: Option<&Value>,
) -> Py<Option<String>> {
    let Some(value) = value else { return Ok(None) };
    let Some(text) = text_of(value) else {
        let message = format!(
            "{function}() argument '{name}' must be str, not {}",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    if algorithms::find_char(text, 0).is_some() {
        return Err(vm.value_error("embedded null character"));
    }
    Ok(Some(text::lossy(text)))
}

/// The text as an instance of `cls`.
fn of_class(vm: &mut Vm, cls: &TypeObject, value: &Value) -> Py {
    if std::ptr::eq(cls, &STR) {
        return Ok(value.clone());
    }
    match str_of(value).and_then(|text| str_object::new_str_of(cls, text)) {
        Some(made) => Ok(made),
        None => Err(vm.memory_error()),
    }
}

// ---- operators ----

fn repr(vm: &mut Vm, this: &Value) -> Py {
    from_buf(vm, algorithms::repr(text::text(this)))
}

fn to_str(vm: &mut Vm, this: &Value) -> Py {
    exact(vm, this)
}

fn hash(_vm: &mut Vm, this: &Value) -> Py<i64> {
    Ok(str_object::str_hash(this))
}

fn compare(_vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (str_of(a), str_of(b)) else {
        return Ok(Value::not_implemented());
    };
    Ok(Value::bool(match op {
        CompareOp::Eq => str_object::str_eq(a, b),
        CompareOp::Ne => !str_object::str_eq(a, b),
        _ => op.holds(order(left, right)),
    }))
}

/// Order by code points.
pub fn order(a: &Str, b: &Str) -> std::cmp::Ordering {
    match (a.kind(), b.kind()) {
        (0, 0) => a.bytes().cmp(b.bytes()),
        _ => view(a).cmp(&view(b)),
    }
}

fn len(_vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(text::text(this).len())
}

fn contains(vm: &mut Vm, this: &Value, item: &Value) -> Py<bool> {
    let Some(needle) = text_of(item) else {
        let message = format!(
            "'in <string>' requires string as left operand, not {}",
            item.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    Ok(algorithms::contains(text::text(this), needle))
}

/// `text[key]`
pub fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    if key.is_int() || key.type_of().slots().index.is_some() {
        let index = vm.subscript_index(key)?;
        return char_at(vm, this, index);
    }
    let Some(bounds) = slice::bounds_of(vm, key)? else {
        let message = format!(
            "string indices must be integers, not '{}'",
            key.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let whole = text::text(this);
    let span = bounds.fit(whole.len());
    if span.step == 1 {
        if span.count == whole.len() {
            return exact(vm, this);
        }
        let from = span.start as usize;
        return substring(vm, this, from, from + span.count);
    }
    match whole {
        Text::Ascii(units) => {
            let units: Vec<u8> = span.indices().map(|i| units[i]).collect();
            from_text(vm, Text::Ascii(&units))
        }
        _ => {
            let codes: Vec<u32> = span.indices().filter_map(|i| whole.get(i)).collect();
            from_text(vm, Text::Ucs4(&codes))
        }
    }
}

/// `text[index]`, a negative index from the end.
#[inline]
pub fn char_at(vm: &mut Vm, this: &Value, index: i64) -> Py {
    let text = text::text(this);
    let len = text.len();
    let at = if index < 0 { index + len as i64 } else { index };
    if at < 0 || at as usize >= len {
        return Err(vm.index_error("string index out of range"));
    }
    match text {
        Text::Ascii(units) | Text::Latin1(units) => Ok(str_object::latin1_char(units[at as usize])),
        _ => substring(vm, this, at as usize, at as usize + 1),
    }
}

/// `text[from:to]` of a range within the text.
pub fn substring(vm: &mut Vm, this: &Value, from: usize, to: usize) -> Py {
    let made = str_of(this).and_then(|text| str_object::try_substring(text, from, to));
    made.ok_or_else(|| vm.memory_error())
}

/// `a + b` of strings; the error of `+` if `b` is none.
pub fn concat(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (Some(left), Some(right)) = (str_of(a), str_of(b)) else {
        let message = format!(
            "can only concatenate str (not \"{}\") to str",
            b.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    if left.is_empty() {
        return exact(vm, b);
    }
    if right.is_empty() {
        return exact(vm, a);
    }
    str_object::try_concat(left, right).ok_or_else(|| vm.memory_error())
}

/// `a + b` where the caller gives up its reference to `a`: appends in place if that was the last one.
pub fn append_in_place(vm: &mut Vm, a: Value, b: &Value) -> Py {
    if let Some(right) = str_of(b)
        && is_exact_str(&a)
        && !right.is_empty()
        && !text::text(&a).is_empty()
    {
        return match str_object::try_append(a, right) {
            Ok(joined) => Ok(joined),
            Err(a) => concat(vm, &a, b),
        };
    }
    concat(vm, &a, b)
}

fn repeat(vm: &mut Vm, this: &Value, times: &Value) -> Py {
    let times = match crate::arguments::repeat_count(vm, times)? {
        0 => return Ok(empty_str()),
        1 => return exact(vm, this),
        times => times,
    };
    let Some(text) = str_of(this) else {
        return Ok(empty_str());
    };
    if text.is_empty() {
        return Ok(empty_str());
    }
    str_object::try_repeat(text, times).ok_or_else(|| vm.memory_error())
}

/// `separator.join(items)` of strings; `items` may hold anything else, which is an error.
pub fn join(vm: &mut Vm, separator: &Value, items: &[Value]) -> Py {
    if let [item] = items
        && is_exact_str(item)
    {
        return Ok(item.clone());
    }
    let between = text::text(separator);
    let mut total = between.len().checked_mul(items.len().saturating_sub(1));
    let mut bound = if items.len() > 1 { between.bound() } else { 0 };
    for (i, item) in items.iter().enumerate() {
        let Some(text) = text_of(item) else {
            let message = format!(
                "sequence item {i}: expected str instance, {} found",
                item.type_of().name()
            );
            return Err(vm.type_error(message));
        };
        total = total.and_then(|total| total.checked_add(text.len()));
        bound |= text.bound();
    }
    let Some(total) = total.filter(|total| *total < 1 << 46) else {
        return Err(vm.overflow_error("join() result is too long for a Python string"));
    };
    if bound < 0x100 {
        let mut out: Vec<u8> = Vec::new();
        if out.try_reserve_exact(total).is_err() {
            return Err(vm.memory_error());
        }
        let bytes = |text: Text<'_>, out: &mut Vec<u8>| {
            if let Text::Ascii(units) | Text::Latin1(units) = text {
                out.extend_from_slice(units);
            }
        };
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                bytes(between, &mut out);
            }
            bytes(text::text(item), &mut out);
        }
        return from_text(
            vm,
            if bound < 0x80 {
                Text::Ascii(&out)
            } else {
                Text::Latin1(&out)
            },
        );
    }
    let mut out = TextBuf::with_capacity(0);
    for (i, item) in items.iter().enumerate() {
        if i > 0 {
            out.push_text(between);
        }
        out.push_text(text::text(item));
    }
    from_buf(vm, out)
}

fn remainder(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    if !str_object::is_str(a) {
        return Ok(Value::not_implemented());
    }
    percent::format(vm, a, b)
}

static LAYOUT: Layout = Layout::variable::<Str>();

static SPEC: TypeSpec = TypeSpec {
    name: "str",
    flags: TypeFlags::BASE
        .union(TypeFlags::STR_SUBCLASS)
        .union(TypeFlags::MATCH_SELF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        str: Some(to_str),
        hash: Some(hash),
        compare: Some(compare),
        iter: Some(iterator::iter),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        concat: Some(concat),
        repeat: Some(repeat),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Remainder, remainder),
    methods: &methods::METHODS,
    doc: "str(object='') -> str\nstr(object=b'', encoding='utf-8', errors='strict') -> str\n\n\
          Text made of an object: what its __str__ answers, or bytes decoded with the given\nencoding and error handler.",
    ..TypeSpec::DEFAULT
};

/// Defines `str` and its iterator.
pub fn define() {
    STR.define(&SPEC);
    STR_ITERATOR.define(&iterator::SPEC);
}
