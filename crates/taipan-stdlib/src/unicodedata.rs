//! `unicodedata`: the Unicode character database, today's and that of version 3.2.0.
//!
//! The functions are those of the module and the methods of `ucd_3_2_0`; the receiver tells which data is meant.

use crate::ModuleDef;
use crate::support::{add, add_type};
use taipan_base::normalization::{self, Form};
use taipan_base::text::TextBuf;
use taipan_base::unicode::{self, old};
use taipan_base::unicode_names::{self, Named};
use taipan_core::alloc::new_object;
use taipan_core::builtin_types::KEY_ERROR;
use taipan_core::str_object::new_str;
use taipan_core::{
    GetSetDef, Layout, MethodDef, Payload, Py, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    f1, f2, getter, slice,
};
use taipan_types::str::text::{self, text_of};

static UCD: TypeObject = Type::declare("unicodedata.UCD");

/// Payload of `ucd_3_2_0`.
struct Database;

// SAFETY: holds no references.
#[expect(unsafe_code, reason = "payloads report their references")]
unsafe impl Payload for Database {
    fn type_object() -> &'static TypeObject {
        &UCD
    }
}

/// Is the old database asked?
fn is_old(this: &Value) -> bool {
    this.cast::<Database>().is_some()
}

/// The character argument.
fn character(vm: &mut Vm, function: &str, value: &Value, numbered: bool) -> Py<u32> {
    let number = if numbered { " 1" } else { "" };
    match text_of(value) {
        Some(text) => match (text.len(), text.get(0)) {
            (1, Some(code)) => Ok(code),
            (len, _) => {
                let message = format!(
                    "{function}(): argument{number} must be a unicode character, not a string of length {len}"
                );
                Err(vm.type_error(message))
            }
        },
        None => {
            let message = format!(
                "{function}() argument{number} must be a unicode character, not {}",
                taipan_types::arguments::type_name(value)
            );
            Err(vm.type_error(message))
        }
    }
}

fn or_default(vm: &mut Vm, args: &[Value], found: Option<Value>, message: &str) -> Py {
    match (found, args.get(1)) {
        (Some(value), _) => Ok(value),
        (None, Some(default)) => Ok(default.clone()),
        (None, None) => Err(vm.value_error(message)),
    }
}

fn decimal(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let c = character(vm, "decimal", &args[0], true)?;
    let found = if is_old(this) {
        old::decimal(c)
    } else {
        unicode::decimal(c)
    };
    let found = found.map(|digit| Value::from_i32(digit as i32));
    or_default(vm, args, found, "not a decimal")
}

fn digit(vm: &mut Vm, _this: &Value, args: &[Value]) -> Py {
    let c = character(vm, "digit", &args[0], true)?;
    let found = unicode::digit(c).map(|digit| Value::from_i32(digit as i32));
    or_default(vm, args, found, "not a digit")
}

fn numeric(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let c = character(vm, "numeric", &args[0], true)?;
    let found = if is_old(this) {
        old::numeric(c)
    } else {
        unicode::numeric(c)
    };
    or_default(vm, args, found.map(Value::float), "not a numeric character")
}

fn category(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let c = character(vm, "category", value, false)?;
    Ok(new_str(if is_old(this) {
        old::category(c)
    } else {
        unicode::category(c)
    }))
}

fn bidirectional(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let c = character(vm, "bidirectional", value, false)?;
    Ok(new_str(if is_old(this) {
        old::bidirectional(c)
    } else {
        unicode::bidirectional(c)
    }))
}

fn combining(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let c = character(vm, "combining", value, false)?;
    let class = if is_old(this) {
        old::combining(c)
    } else {
        unicode::combining(c)
    };
    Ok(Value::from_i32(class as i32))
}

fn mirrored(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let c = character(vm, "mirrored", value, false)?;
    let mirrored = if is_old(this) {
        old::is_mirrored(c)
    } else {
        unicode::is_mirrored(c)
    };
    Ok(Value::from_i32(mirrored as i32))
}

fn east_asian_width(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let c = character(vm, "east_asian_width", value, false)?;
    Ok(new_str(if is_old(this) {
        old::east_asian_width(c)
    } else {
        unicode::east_asian_width(c)
    }))
}

fn decomposition(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let c = character(vm, "decomposition", value, false)?;
    let found = if is_old(this) {
        old::decomposition(c)
    } else {
        unicode::decomposition(c)
    };
    let Some((tag, parts)) = found else {
        return Ok(new_str(""));
    };
    let mut words = Vec::with_capacity(parts.len() + 1);
    if !tag.is_empty() {
        words.push(format!("<{tag}>"));
    }
    words.extend(parts.iter().map(|part| format!("{part:04X}")));
    Ok(new_str(&words.join(" ")))
}

fn name(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let c = character(vm, "name", &args[0], true)?;
    let known = !is_old(this) || old::is_assigned(c);
    let found = if known { unicode_names::name(c) } else { None };
    let found = found.map(|name| new_str(&name));
    or_default(vm, args, found, "no such name")
}

fn lookup(vm: &mut Vm, this: &Value, wanted: &Value) -> Py {
    let name = match text_of(wanted) {
        Some(text) => text::lossy(text),
        None => {
            let data = taipan_types::buffer::bytes_like(vm, wanted)?;
            String::from_utf8_lossy(&data).into_owned()
        }
    };
    let refuse = |vm: &mut Vm, message: &str| {
        let message = new_str(message);
        Err(vm.raise_with(&KEY_ERROR, &[message]))
    };
    if name.len() > 256 {
        return refuse(vm, "name too long");
    }
    let found = unicode_names::lookup(&name).filter(|found| match found {
        // Unicode 3.2 had no aliases.
        Named::Char(c) => {
            !is_old(this)
                || old::is_assigned(*c)
                    && unicode_names::name(*c).is_some_and(|own| own.eq_ignore_ascii_case(&name))
        }
        _ => !is_old(this),
    });
    match found {
        Some(Named::Char(c)) => text::from_code(vm, c),
        Some(Named::Sequence(codes)) => {
            let text: TextBuf = codes.iter().copied().collect();
            text::from_buf(vm, text)
        }
        None => refuse(vm, &format!("undefined character name '{name}'")),
    }
}

fn form_and_text<'a>(
    vm: &mut Vm,
    function: &str,
    form: &Value,
    value: &'a Value,
) -> Py<(Form, &'a Value)> {
    for (number, value) in [(1, form), (2, value)] {
        if text_of(value).is_none() {
            let message = format!(
                "{function}() argument {number} must be str, not {}",
                taipan_types::arguments::type_name(value)
            );
            return Err(vm.type_error(message));
        }
    }
    match Form::parse(&text::lossy(text::text(form))) {
        Some(form) => Ok((form, value)),
        None => Err(vm.value_error("invalid normalization form")),
    }
}

fn normalized(this: &Value, form: Form, value: &Value) -> Option<TextBuf> {
    if is_old(this) {
        normalization::normalize_3_2(text::text(value), form)
    } else {
        normalization::normalize(text::text(value), form)
    }
}

fn is_normalized(vm: &mut Vm, this: &Value, form: &Value, value: &Value) -> Py {
    let (form, value) = form_and_text(vm, "is_normalized", form, value)?;
    Ok(Value::bool(normalized(this, form, value).is_none()))
}

fn normalize(vm: &mut Vm, this: &Value, form: &Value, value: &Value) -> Py {
    let (form, value) = form_and_text(vm, "normalize", form, value)?;
    match normalized(this, form, value) {
        Some(text) => text::from_buf(vm, text),
        None => text::exact(vm, value),
    }
}

macro_rules! functions {
    () => {
        [
            slice(
                "decimal(self, chr, default=<unrepresentable>, /)",
                decimal,
                "The value of a decimal digit.",
            ),
            slice(
                "digit(self, chr, default=<unrepresentable>, /)",
                digit,
                "The value of a digit.",
            ),
            slice(
                "numeric(self, chr, default=<unrepresentable>, /)",
                numeric,
                "The numeric value of a character.",
            ),
            f1(
                "category(self, chr, /)",
                category,
                "The general category, such as 'Lu'.",
            ),
            f1(
                "bidirectional(self, chr, /)",
                bidirectional,
                "The bidirectional class, or an empty string.",
            ),
            f1(
                "combining(self, chr, /)",
                combining,
                "The canonical combining class; 0 if there is none.",
            ),
            f1(
                "mirrored(self, chr, /)",
                mirrored,
                "1 if the character is mirrored in text that runs from right to left, else 0.",
            ),
            f1(
                "east_asian_width(self, chr, /)",
                east_asian_width,
                "The width in East Asian text, such as 'W'.",
            ),
            f1(
                "decomposition(self, chr, /)",
                decomposition,
                "One step of decomposition, as hexadecimal numbers.",
            ),
            slice(
                "name(self, chr, default=<unrepresentable>, /)",
                name,
                "The name of a character.",
            ),
            f1(
                "lookup(self, name, /)",
                lookup,
                "The character (or sequence) of a name; KeyError if there is none.",
            ),
            f2(
                "is_normalized(self, form, unistr, /)",
                is_normalized,
                "Is the text in the given normal form?",
            ),
            f2(
                "normalize(self, form, unistr, /)",
                normalize,
                "The text in the given normal form: NFC, NFKC, NFD or NFKD.",
            ),
        ]
    };
}

static FUNCTIONS: [MethodDef; 13] = functions!();
static METHODS: [MethodDef; 13] = functions!();

static GETSET: [GetSetDef; 1] = [getter("unidata_version", |_, _| Ok(new_str("3.2.0")), "")];

static LAYOUT: Layout = Layout::of::<Database>();

static SPEC: TypeSpec = TypeSpec {
    name: "unicodedata.UCD",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LAYOUT),
    methods: &METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    UCD.define(&SPEC);
    add_type(dict, &UCD);
    add(dict, "ucd_3_2_0", new_object(Database));
    add(dict, "unidata_version", new_str(unicode::VERSION));
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "unicodedata",
    doc: "The Unicode character database.",
    functions: &FUNCTIONS,
    init,
};
