//! `str.maketrans` and `str.translate`.

use super::text::{self, exact, from_buf, from_text, text_of};
use taipan_base::text::{Text, TextBuf};
use taipan_core::builtin_types::LOOKUP_ERROR;
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::{Py, Value, Vm};

/// `str.maketrans(x, y, z)`
pub(super) fn maketrans(vm: &mut Vm, _cls: &Value, args: &[Value]) -> Py {
    let table = new_dict();
    let dict = table.expect::<Dict>();
    if let [pairs] = args {
        let Some(pairs) =
            dict_of(pairs).filter(|_| pairs.is_exact(&taipan_core::builtin_types::DICT))
        else {
            return Err(
                vm.type_error("if you give only one argument to maketrans it must be a dict")
            );
        };
        for (key, value) in pairs.items() {
            let code = match text_of(&key) {
                Some(text) => match (text.len(), text.get(0)) {
                    (1, Some(code)) => Value::int(code as i64),
                    _ => {
                        return Err(
                            vm.value_error("string keys in translatetable must be of length 1")
                        );
                    }
                },
                None if key.is_int() => key,
                None => {
                    return Err(vm.type_error("keys in translate table mustbe strings or integers"));
                }
            };
            dict.insert(vm, &code, value)?;
        }
        return Ok(table);
    }
    let Some(from) = text_of(&args[0]) else {
        return Err(vm.type_error(
            "first maketrans argument must be a string if there is a second argument",
        ));
    };
    let wanted = |vm: &mut Vm, at: usize| {
        let message = format!(
            "maketrans() argument {} must be str, not {}",
            at + 1,
            args[at].type_of().name()
        );
        vm.type_error(message)
    };
    let Some(to) = text_of(&args[1]) else {
        return Err(wanted(vm, 1));
    };
    if from.len() != to.len() {
        return Err(vm.value_error("the first two maketrans arguments must have equal length"));
    }
    for (from, to) in from.chars().zip(to.chars()) {
        dict.insert(vm, &Value::int(from as i64), Value::int(to as i64))?;
    }
    if let Some(gone) = args.get(2) {
        let Some(gone) = text_of(gone) else {
            return Err(wanted(vm, 2));
        };
        for code in gone.chars() {
            dict.insert(vm, &Value::int(code as i64), Value::none())?;
        }
    }
    Ok(table)
}

/// What a table makes of one character.
pub enum Mapped {
    Same,
    Gone,
    Code(u32),
    Text(Value),
}

/// Looks a character up in a translation table.
pub fn look_up(vm: &mut Vm, table: &Value, code: u32) -> Py<Mapped> {
    let found = match vm.get_item(table, &Value::int(code as i64)) {
        Ok(found) => found,
        Err(raised) => {
            vm.catch(raised, &LOOKUP_ERROR)?;
            return Ok(Mapped::Same);
        }
    };
    if found.is_none() {
        return Ok(Mapped::Gone);
    }
    if found.is_int() {
        return match found.as_i64() {
            Some(code) if (0..0x110000).contains(&code) => Ok(Mapped::Code(code as u32)),
            _ => Err(vm.value_error("character mapping must be in range(0x110000)")),
        };
    }
    if text_of(&found).is_some() {
        return Ok(Mapped::Text(found));
    }
    Err(vm.type_error("character mapping must return integer, None or str"))
}

/// `str.translate(table)`
pub(super) fn translate(vm: &mut Vm, this: &Value, table: &Value) -> Py {
    let text = text::text(this);
    if text.is_empty() {
        return exact(vm, this);
    }
    if let Text::Ascii(units) = text {
        return translate_ascii(vm, units, table);
    }
    let mut out = TextBuf::with_capacity(text.len());
    for code in text.chars() {
        push_mapped(&mut out, code, look_up(vm, table, code)?);
    }
    from_buf(vm, out)
}

fn push_mapped(out: &mut TextBuf, code: u32, mapped: Mapped) {
    match mapped {
        Mapped::Same => out.push(code),
        Mapped::Gone => {}
        Mapped::Code(code) => out.push(code),
        Mapped::Text(value) => out.push_text(text::text(&value)),
    }
}

/// ASCII text: each character is looked up once, as long as the replacements are single ASCII characters or nothing.
fn translate_ascii(vm: &mut Vm, units: &[u8], table: &Value) -> Py {
    const UNKNOWN: u8 = 0xFF;
    const GONE: u8 = 0xFE;
    let mut known = [UNKNOWN; 128];
    let mut out: Vec<u8> = Vec::new();
    if out.try_reserve(units.len()).is_err() {
        return Err(vm.memory_error());
    }
    for (i, unit) in units.iter().enumerate() {
        if known[*unit as usize] == UNKNOWN {
            let mapped = look_up(vm, table, *unit as u32)?;
            known[*unit as usize] = match &mapped {
                Mapped::Same => *unit,
                Mapped::Gone => GONE,
                Mapped::Code(code) if *code < 128 => *code as u8,
                _ => {
                    let mut wide = TextBuf::with_capacity(units.len());
                    wide.push_text(Text::Ascii(&out));
                    push_mapped(&mut wide, *unit as u32, mapped);
                    for unit in &units[i + 1..] {
                        let mapped = look_up(vm, table, *unit as u32)?;
                        push_mapped(&mut wide, *unit as u32, mapped);
                    }
                    return from_buf(vm, wide);
                }
            };
        }
        if known[*unit as usize] != GONE {
            out.push(known[*unit as usize]);
        }
    }
    from_text(vm, Text::Ascii(&out))
}
