//! Values to bytes.

use super::{MAX_DEPTH, tag};
use std::collections::HashMap;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::dict_of;
use taipan_core::str_object::{Str, is_interned, new_str, str_of};
use taipan_core::{Py, Value, Vm, name, refcount, tuple_object};
use taipan_interp::code_object::CodeObject;
use taipan_types::slice::Slice;
use taipan_types::{bytes, complex, list, set};

/// Bits of a digit of a big int.
const DIGIT_BITS: usize = 15;

struct Writer {
    out: Vec<u8>,
    /// Numbers of the objects written so far; they are kept alive, so that addresses stay theirs.
    seen: HashMap<u64, u32>,
    alive: Vec<Value>,
    /// The slices being written: they cannot be made before their parts, so these must not refer to them.
    open: Vec<u64>,
    version: i64,
    allow_code: bool,
    depth: u32,
}

/// The bytes of a value.
pub(super) fn write(vm: &mut Vm, value: &Value, version: i64, allow_code: bool) -> Py<Vec<u8>> {
    vm.check_stack()?;
    let mut writer = Writer {
        out: Vec::new(),
        seen: HashMap::new(),
        alive: Vec::new(),
        open: Vec::new(),
        version,
        allow_code,
        depth: 0,
    };
    writer.value(vm, value)?;
    Ok(writer.out)
}

impl Writer {
    fn value(&mut self, vm: &mut Vm, value: &Value) -> Py<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH || vm.stack_is_low() {
            return Err(vm.value_error("object too deeply nested to marshal"));
        }
        match singleton(value) {
            Some(byte) => self.out.push(byte),
            None => {
                if let Some(flag) = self.reference(vm, value)? {
                    self.complex(vm, value, flag)?;
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Writes a reference to an object that was written before, or gives the flag for its type byte.
    fn reference(&mut self, vm: &mut Vm, value: &Value) -> Py<Option<u8>> {
        if self.version < 3 {
            return Ok(Some(0));
        }
        // Small ints have no identity; CPython's are shared up to 256.
        let Some(header) = value.header() else {
            let shared = matches!(value.small_int(), Some(-5..=256));
            if !shared {
                return Ok(Some(0));
            }
            return self.number_of(vm, value);
        };
        if !header.is_immortal() && refcount::count(header) <= 1 {
            return Ok(Some(0));
        }
        self.number_of(vm, value)
    }

    fn number_of(&mut self, vm: &mut Vm, value: &Value) -> Py<Option<u8>> {
        if self.open.contains(&value.bits()) {
            return Err(unmarshallable(vm));
        }
        if let Some(number) = self.seen.get(&value.bits()) {
            self.out.push(tag::REF);
            self.out.extend(number.to_le_bytes());
            return Ok(None);
        }
        let Ok(number) = u32::try_from(self.alive.len()) else {
            return Err(vm.value_error("too many objects"));
        };
        self.seen.insert(value.bits(), number);
        self.alive.push(value.clone());
        Ok(Some(tag::REF_FLAG))
    }

    fn size(&mut self, vm: &mut Vm, size: usize) -> Py<()> {
        match i32::try_from(size) {
            Ok(size) => {
                self.out.extend(size.to_le_bytes());
                Ok(())
            }
            Err(_) => Err(unmarshallable(vm)),
        }
    }

    fn sized(&mut self, vm: &mut Vm, byte: u8, bytes: &[u8]) -> Py<()> {
        self.out.push(byte);
        self.size(vm, bytes.len())?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn complex(&mut self, vm: &mut Vm, value: &Value, flag: u8) -> Py<()> {
        let is = |ty: &taipan_core::TypeObject| value.is_exact(ty);
        if is(&types::INT) {
            return self.int(vm, value, flag);
        }
        if is(&types::FLOAT) {
            return self.float(vm, value, flag);
        }
        if is(&types::COMPLEX) {
            return self.complex_number(vm, value, flag);
        }
        if is(&types::BYTES) {
            let data = bytes::bytes_of(value).unwrap_or(&[]);
            return self.sized(vm, tag::BYTES | flag, data);
        }
        if is(&types::STR) {
            return match str_of(value) {
                Some(text) => self.text(vm, value, text, flag),
                None => Err(unmarshallable(vm)),
            };
        }
        if is(&types::TUPLE) {
            return self.tuple(vm, tuple_object::items(value).unwrap_or(&[]), flag);
        }
        if is(&types::LIST) {
            let items = list::items_of(vm, value)?;
            self.out.push(tag::LIST | flag);
            self.size(vm, items.len())?;
            return self.all(vm, &items);
        }
        if is(&types::DICT) {
            return self.dict(vm, value, flag);
        }
        if is(&types::SET) || is(&types::FROZENSET) {
            return self.set(vm, value, flag);
        }
        self.rare(vm, value, flag)
    }

    fn rare(&mut self, vm: &mut Vm, value: &Value, flag: u8) -> Py<()> {
        if let Some(code) = value.cast::<CodeObject>() {
            if !self.allow_code {
                return Err(vm.value_error("marshalling code objects is disallowed"));
            }
            let body = taipan_bytecode::marshal::write_code(&code.code);
            return self.sized(vm, tag::CODE | flag, &body);
        }
        if let Some(slice) = value.cast::<Slice>()
            && self.version >= 5
        {
            self.out.push(tag::SLICE | flag);
            let parts = [slice.start.clone(), slice.stop.clone(), slice.step.clone()];
            self.open.push(value.bits());
            let written = self.all(vm, &parts);
            self.open.pop();
            return written;
        }
        if value.type_of().slots().buffer.is_some() {
            let buffer = taipan_types::buffer::bytes_like(vm, value)?;
            return self.sized(vm, tag::BYTES | flag, &buffer);
        }
        Err(unmarshallable(vm))
    }

    fn all(&mut self, vm: &mut Vm, items: &[Value]) -> Py<()> {
        items.iter().try_for_each(|item| self.value(vm, item))
    }

    fn int(&mut self, vm: &mut Vm, value: &Value, flag: u8) -> Py<()> {
        if let Some(small) = value.as_i64().and_then(|i| i32::try_from(i).ok()) {
            self.out.push(tag::INT | flag);
            self.out.extend(small.to_le_bytes());
            return Ok(());
        }
        let big = value.as_big().unwrap_or_default();
        let negative = big.sign() == dashu_int::Sign::Negative;
        let (_, magnitude) = big.into_parts();
        let digits = digits(&magnitude.to_le_bytes());
        let Ok(count) = i32::try_from(digits.len()) else {
            return Err(unmarshallable(vm));
        };
        self.out.push(tag::LONG | flag);
        let count = if negative { -count } else { count };
        self.out.extend(count.to_le_bytes());
        for digit in digits {
            self.out.extend(digit.to_le_bytes());
        }
        Ok(())
    }

    /// A float in the text form of the oldest versions.
    fn text_float(&mut self, vm: &mut Vm, x: f64) -> Py<()> {
        let text = vm.call_method(&new_str("%.17g"), name!("__mod__"), &[Value::float(x)])?;
        let text = vm.str_string(&text)?;
        self.out.push(text.len() as u8);
        self.out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn float(&mut self, vm: &mut Vm, value: &Value, flag: u8) -> Py<()> {
        let x = value.as_float().unwrap_or_default();
        if self.version > 1 {
            self.out.push(tag::FLOAT | flag);
            self.out.extend(x.to_le_bytes());
            return Ok(());
        }
        self.out.push(tag::TEXT_FLOAT | flag);
        self.text_float(vm, x)
    }

    fn complex_number(&mut self, vm: &mut Vm, value: &Value, flag: u8) -> Py<()> {
        let (real, imag) = complex::parts_of(value).unwrap_or_default();
        if self.version > 1 {
            self.out.push(tag::COMPLEX | flag);
            self.out.extend(real.to_le_bytes());
            self.out.extend(imag.to_le_bytes());
            return Ok(());
        }
        self.out.push(tag::TEXT_COMPLEX | flag);
        self.text_float(vm, real)?;
        self.text_float(vm, imag)
    }

    fn text(&mut self, vm: &mut Vm, value: &Value, text: &Str, flag: u8) -> Py<()> {
        let interned = is_interned(value);
        if self.version < 4 || !text.is_ascii() {
            let byte = if self.version >= 3 && interned {
                tag::INTERNED
            } else {
                tag::STR
            };
            return self.sized(vm, byte | flag, &text.to_wtf8());
        }
        if let Ok(length) = u8::try_from(text.len()) {
            let byte = if interned {
                tag::SHORT_ASCII_INTERNED
            } else {
                tag::SHORT_ASCII
            };
            self.out.extend([byte | flag, length]);
            self.out.extend_from_slice(text.bytes());
            return Ok(());
        }
        let byte = if interned {
            tag::ASCII_INTERNED
        } else {
            tag::ASCII
        };
        self.sized(vm, byte | flag, text.bytes())
    }

    fn tuple(&mut self, vm: &mut Vm, items: &[Value], flag: u8) -> Py<()> {
        match u8::try_from(items.len()) {
            Ok(size) if self.version >= 4 => self.out.extend([tag::SMALL_TUPLE | flag, size]),
            _ => {
                self.out.push(tag::TUPLE | flag);
                self.size(vm, items.len())?;
            }
        }
        self.all(vm, items)
    }

    fn dict(&mut self, vm: &mut Vm, value: &Value, flag: u8) -> Py<()> {
        self.out.push(tag::DICT | flag);
        let items = dict_of(value).map_or_else(Vec::new, |dict| dict.items());
        for (key, value) in items {
            self.value(vm, &key)?;
            self.value(vm, &value)?;
        }
        self.out.push(tag::NULL);
        Ok(())
    }

    /// The items in the order of their own bytes, so that equal sets have equal bytes.
    fn set(&mut self, vm: &mut Vm, value: &Value, flag: u8) -> Py<()> {
        let byte = if value.is_exact(&types::SET) {
            tag::SET
        } else {
            tag::FROZEN_SET
        };
        self.out.push(byte | flag);
        let items = match set::any_set(value) {
            Some(set) => set::keys(vm, set),
            None => Vec::new(),
        };
        let count = items.len();
        self.size(vm, count)?;
        let mut sorted = Vec::with_capacity(count);
        for item in items {
            let bytes = write(vm, &item, self.version, self.allow_code)?;
            sorted.push((bytes, item));
        }
        let now = set::any_set(value).map_or(count, |set| set::len(vm, set));
        if now != count {
            return Err(vm.runtime_error("set changed size during iteration"));
        }
        sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        sorted.iter().try_for_each(|(_, item)| self.value(vm, item))
    }
}

fn unmarshallable(vm: &mut Vm) -> taipan_core::Raised {
    vm.value_error("unmarshallable object")
}

fn singleton(value: &Value) -> Option<u8> {
    if value.is_none() {
        Some(tag::NONE)
    } else if value.is_true() {
        Some(tag::TRUE)
    } else if value.is_false() {
        Some(tag::FALSE)
    } else if value.is(&Value::ellipsis()) {
        Some(tag::ELLIPSIS)
    } else if value.is(&types::STOP_ITERATION.to_value()) {
        Some(tag::STOP_ITERATION)
    } else {
        None
    }
}

/// The digits of a number given as little-endian bytes, the least one first.
fn digits(bytes: &[u8]) -> Vec<u16> {
    let mut digits = Vec::with_capacity(bytes.len() * 8 / DIGIT_BITS + 1);
    let (mut held, mut bits) = (0u32, 0);
    for &byte in bytes {
        held |= u32::from(byte) << bits;
        bits += 8;
        if bits >= DIGIT_BITS {
            digits.push((held & 0x7fff) as u16);
            held >>= DIGIT_BITS;
            bits -= DIGIT_BITS;
        }
    }
    if held > 0 {
        digits.push(held as u16);
    }
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}
