//! `UnicodeEncodeError`, `UnicodeDecodeError`, `UnicodeTranslateError`.

use super::{base, get_field, member};
use crate::bytes::{bytes_of, new_bytes};
use crate::text::Builder;
use taipan_core::builtin_types as types;
use taipan_core::exception::{field, set_field};
use taipan_core::str_object::{is_str, str_of};
use taipan_core::{Args, GetSetDef, Py, Raised, TypeObject, Value, Vm, getset};

/// Fields of the three errors.
pub const ENCODING: usize = 0;
pub const OBJECT: usize = 1;
pub const START: usize = 2;
pub const END: usize = 3;
pub const REASON: usize = 4;

fn wrong_count(vm: &mut Vm, want: usize, given: usize) -> Raised {
    vm.type_error(format!(
        "function takes exactly {want} arguments ({given} given)"
    ))
}

fn check_text(vm: &mut Vm, value: &Value, position: usize) -> Py<()> {
    if is_str(value) {
        return Ok(());
    }
    let message = format!(
        "argument {position} must be str, not {}",
        value.type_of().name()
    );
    Err(vm.type_error(message))
}

/// Checks the arguments in order and stores them in fields; `encoding` is missing for translation.
fn fill(vm: &mut Vm, this: &Value, args: Args<'_>, with_encoding: bool, text: bool) -> Py<()> {
    base::init(vm, this, args)?;
    let given = args.pos();
    let want = 4 + with_encoding as usize;
    if given.len() != want {
        return Err(wrong_count(vm, want, given.len()));
    }
    let rest = if with_encoding {
        check_text(vm, &given[0], 1)?;
        &given[1..]
    } else {
        given
    };
    let first = 1 + with_encoding as usize;
    if text {
        check_text(vm, &rest[0], first)?;
    }
    let start = vm.index_i64(&rest[1])?;
    let end = vm.index_i64(&rest[2])?;
    check_text(vm, &rest[3], first + 3)?;
    let object = if text {
        rest[0].clone()
    } else {
        plain_bytes(vm, &rest[0])?
    };
    if with_encoding {
        set_field(vm, this, ENCODING, Some(given[0].clone()));
    }
    set_field(vm, this, OBJECT, Some(object));
    set_field(vm, this, START, Some(Value::int(start)));
    set_field(vm, this, END, Some(Value::int(end)));
    set_field(vm, this, REASON, Some(rest[3].clone()));
    Ok(())
}

/// The object of a decoding error as `bytes`.
fn plain_bytes(vm: &mut Vm, object: &Value) -> Py {
    if object.is_instance(&types::BYTES) {
        return Ok(object.clone());
    }
    if object.type_of().slots().buffer.is_none() {
        let message = format!(
            "a bytes-like object is required, not '{}'",
            object.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let data = vm.call(&types::BYTES.to_value(), std::slice::from_ref(object))?;
    match bytes_of(&data) {
        Some(bytes) => new_bytes(vm, bytes),
        None => Ok(data),
    }
}

pub(super) fn init_encode(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    fill(vm, this, args, true, true)
}

pub(super) fn init_decode(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    fill(vm, this, args, true, false)
}

pub(super) fn init_translate(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    fill(vm, this, args, false, true)
}

/// Start and end as numbers.
fn range(vm: &mut Vm, this: &Value) -> (i64, i64) {
    let number = |value: Option<Value>| value.and_then(|value| value.as_i64()).unwrap_or(0);
    (number(field(vm, this, START)), number(field(vm, this, END)))
}

fn described(vm: &mut Vm, this: &Value, action: &str, many: &str, one: Option<String>) -> Py {
    let reason = field(vm, this, REASON);
    let reason = match &reason {
        Some(reason) => Some(vm.str(reason)?),
        None => None,
    };
    let (start, end) = range(vm, this);
    let mut out = Builder::new();
    if !std::ptr::eq(this.type_of(), &types::UNICODE_TRANSLATE_ERROR)
        && !this.is_instance(&types::UNICODE_TRANSLATE_ERROR)
    {
        out.push_str("'");
        match field(vm, this, ENCODING) {
            Some(encoding) => {
                let encoding = vm.str(&encoding)?;
                out.push_value(&encoding);
            }
            None => out.push_str("<NULL>"),
        }
        out.push_str("' codec ");
    }
    match one {
        Some(one) => out.push_str(&format!("can't {action} {one} in position {start}: ")),
        None => out.push_str(&format!(
            "can't {action} {many} in position {start}-{}: ",
            end.saturating_sub(1)
        )),
    }
    match reason {
        Some(reason) => out.push_value(&reason),
        None => out.push_str("<NULL>"),
    }
    out.finish(vm)
}

/// The single character the error is about, if it is one.
fn single_character(vm: &mut Vm, this: &Value, object: &Value) -> Option<String> {
    let (start, end) = range(vm, this);
    let text = str_of(object)?;
    let at = usize::try_from(start).ok().filter(|at| *at < text.len())?;
    if end != start + 1 {
        return None;
    }
    let c = text.at(at);
    Some(match c {
        0..=0xff => format!("character '\\x{c:02x}'"),
        0x100..=0xffff => format!("character '\\u{c:04x}'"),
        _ => format!("character '\\U{c:08x}'"),
    })
}

fn text_error(vm: &mut Vm, this: &Value, action: &str) -> Py {
    let Some(object) = field(vm, this, OBJECT) else {
        return base::text("");
    };
    let one = single_character(vm, this, &object);
    described(vm, this, action, "characters", one)
}

pub(super) fn str_encode(vm: &mut Vm, this: &Value) -> Py {
    text_error(vm, this, "encode")
}

pub(super) fn str_translate(vm: &mut Vm, this: &Value) -> Py {
    text_error(vm, this, "translate")
}

pub(super) fn str_decode(vm: &mut Vm, this: &Value) -> Py {
    let Some(object) = field(vm, this, OBJECT) else {
        return base::text("");
    };
    let (start, end) = range(vm, this);
    let one = bytes_of(&object).and_then(|bytes| {
        let byte = bytes.get(usize::try_from(start).ok()?)?;
        if end == start + 1 {
            Some(format!("byte 0x{byte:02x}"))
        } else {
            None
        }
    });
    described(vm, this, "decode", "bytes", one)
}

fn get_number<const N: usize>(vm: &mut Vm, this: &Value) -> Py {
    Ok(field(vm, this, N).unwrap_or_else(|| Value::from_i32(0)))
}

fn set_number<const N: usize>(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let Some(value) = value else {
        return Err(vm.type_error("can't delete numeric/char attribute"));
    };
    if !value.is_int() && value.type_of().slots().index.is_none() {
        return Err(vm.type_error("an integer is required"));
    }
    let number = vm.index_i64(value)?;
    set_field(vm, this, N, Some(Value::int(number)));
    Ok(())
}

pub(super) static GETSET: [GetSetDef; 5] = [
    member::<ENCODING>("encoding", "exception encoding"),
    member::<OBJECT>("object", "exception object"),
    getset(
        "start",
        get_number::<START>,
        set_number::<START>,
        "exception start",
    ),
    getset("end", get_number::<END>, set_number::<END>, "exception end"),
    getset(
        "reason",
        get_field::<REASON>,
        super::set_field::<REASON>,
        "exception reason",
    ),
];

/// Makes a Unicode error without going through its constructor's checks: codecs use it.
pub fn create(
    vm: &mut Vm,
    class: &TypeObject,
    encoding: Option<Value>,
    object: Value,
    range: (usize, usize),
    reason: Value,
) -> Py {
    let mut args: Vec<Value> = Vec::with_capacity(5);
    args.extend(encoding);
    args.extend([
        object,
        Value::int(range.0 as i64),
        Value::int(range.1 as i64),
        reason,
    ]);
    vm.call(&class.to_value(), &args)
}
