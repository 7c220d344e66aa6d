//! `marshal`: constants as bytes, in CPython's format (version 5). Code objects are in Taipan's own portable form inside of it.

use crate::ModuleDef;
use crate::support::add;
use std::collections::HashMap;
use std::sync::Arc;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::number::int_from_big;
use taipan_core::refcount;
use taipan_core::str_object::{intern, new_ascii, new_from_wtf8, str_of};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Bound, MethodDef, Py, Raised, Value, Vm, bound, name};
use taipan_interp::code_object::CodeObject;
use taipan_types::bytes::{bytearray_copy, bytes_of, new_bytes};
use taipan_types::list::{list_of, new_list};

/// The module `marshal`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "marshal",
    doc: "This module contains functions that can read and write Python values in\na binary format. The format is specific to Python, but independent of\nmachine architecture issues.",
    functions: &FUNCTIONS,
    init,
};

const VERSION: i64 = 5;
/// Nesting beyond this is refused.
const MAX_DEPTH: usize = 2000;
/// The bit of a type code that gives the object a number for later references.
const REF: u8 = 0x80;

static FUNCTIONS: [MethodDef; 4] = [
    bound(
        "dump(module, value, file, version=5, /, *, allow_code=True)",
        dump,
        "Write the value on the open file.",
    ),
    bound(
        "dumps(module, value, version=5, /, *, allow_code=True)",
        dumps,
        "Return the bytes object that would be written to a file by dump(value, file).",
    ),
    bound(
        "load(module, file, /, *, allow_code=True)",
        load,
        "Read one value from the open file and return it.",
    ),
    bound(
        "loads(module, bytes, /, *, allow_code=True)",
        loads,
        "Convert the bytes-like object to a value.",
    ),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    add(dict, "version", Value::int(VERSION));
    Ok(())
}

fn allow_code(vm: &mut Vm, flag: Option<&Value>) -> Py<bool> {
    match flag {
        Some(flag) => vm.truth(flag),
        None => Ok(true),
    }
}

fn version(vm: &mut Vm, version: Option<&Value>) -> Py<i64> {
    match version {
        Some(version) => vm.index_i64(version),
        None => Ok(VERSION),
    }
}

fn dumps(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let version = version(vm, args.get(1))?;
    let allow_code = allow_code(vm, args.get(2))?;
    let out = write(vm, args.req(0), version, allow_code)?;
    new_bytes(vm, &out)
}

fn dump(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let version = version(vm, args.get(2))?;
    let allow_code = allow_code(vm, args.get(3))?;
    let out = write(vm, args.req(0), version, allow_code)?;
    let bytes = new_bytes(vm, &out)?;
    vm.call_method(args.req(1), name!("write"), &[bytes])
}

fn loads(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let allow_code = allow_code(vm, args.get(1))?;
    let source = args.req(0);
    let bytes = if let Some(bytes) = bytes_of(source) {
        bytes.to_vec()
    } else if let Some(bytes) = bytearray_copy(vm, source) {
        bytes
    } else if source.type_of().slots().buffer.is_some() {
        let copy = vm.call(&types::BYTES.to_value(), std::slice::from_ref(source))?;
        bytes_of(&copy).unwrap_or(&[]).to_vec()
    } else {
        let message = format!(
            "a bytes-like object is required, not '{}'",
            source.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    read(vm, Source::Bytes { bytes, at: 0 }, allow_code)
}

fn load(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let allow_code = allow_code(vm, args.get(1))?;
    read(vm, Source::File(args.req(0).clone()), allow_code)
}

// ---- writing ----

struct Writer {
    out: Vec<u8>,
    version: i64,
    allow_code: bool,
    /// Numbers of objects that may come again.
    refs: HashMap<u64, u32>,
    depth: usize,
    /// References that the writer itself holds to the value that comes next.
    held: u64,
}

/// The bytes of a value.
pub fn write(vm: &mut Vm, value: &Value, version: i64, allow_code: bool) -> Py<Vec<u8>> {
    let mut writer = Writer {
        out: Vec::new(),
        version,
        allow_code,
        refs: HashMap::new(),
        depth: 0,
        held: 0,
    };
    writer.value(vm, value)?;
    Ok(writer.out)
}

impl Writer {
    fn len(&mut self, vm: &mut Vm, len: usize) -> Py<()> {
        match i32::try_from(len) {
            Ok(len) => {
                self.out.extend(len.to_le_bytes());
                Ok(())
            }
            Err(_) => Err(vm.value_error("unmarshallable object")),
        }
    }

    /// Writes a reference if the object was written before; else gives it a number and tells the bit for its type code.
    fn reference(&mut self, value: &Value) -> Option<u8> {
        let held = std::mem::take(&mut self.held);
        let Some(header) = value.header() else {
            return Some(0);
        };
        if self.version < 3 || (!header.is_immortal() && refcount::count(header) == 1 + held) {
            return Some(0);
        }
        if let Some(number) = self.refs.get(&value.bits()) {
            self.out.push(b'r');
            self.out.extend(number.to_le_bytes());
            return None;
        }
        let number = self.refs.len() as u32;
        self.refs.insert(value.bits(), number);
        Some(REF)
    }

    fn value(&mut self, vm: &mut Vm, value: &Value) -> Py<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(vm.value_error("object too deeply nested to marshal"));
        }
        self.any(vm, value)?;
        self.depth -= 1;
        Ok(())
    }

    fn any(&mut self, vm: &mut Vm, value: &Value) -> Py<()> {
        let single = match value {
            v if v.is_none() => b'N',
            v if v.is_true() => b'T',
            v if v.is_false() => b'F',
            v if v.is(&Value::ellipsis()) => b'.',
            v if v.is(&types::STOP_ITERATION.to_value()) => b'S',
            _ => 0,
        };
        if single != 0 {
            self.out.push(single);
            return Ok(());
        }
        let Some(flag) = self.reference(value) else {
            return Ok(());
        };
        if value.is_exact(&types::INT) {
            self.int(value, flag);
        } else if value.is_exact(&types::FLOAT) {
            self.float(b'g', b'f', flag, &[value.as_float().unwrap_or(0.0)]);
        } else if let Some((re, im)) = Some(value)
            .filter(|value| value.is_exact(&types::COMPLEX))
            .and_then(taipan_types::complex::parts_of)
        {
            self.float(b'y', b'x', flag, &[re, im]);
        } else if value.is_exact(&types::STR) {
            self.text(vm, value, flag)?;
        } else if let Some(code) = value.cast::<CodeObject>() {
            if !self.allow_code {
                return Err(vm.value_error("marshalling code objects is disallowed"));
            }
            let bytes = taipan_bytecode::marshal::write_code(&code.code);
            self.out.push(b'c' | flag);
            self.len(vm, bytes.len())?;
            self.out.extend(bytes);
        } else if let Some(bytes) = bytes_of(value).filter(|_| value.is_exact(&types::BYTES)) {
            self.out.push(b's' | flag);
            self.len(vm, bytes.len())?;
            self.out.extend(bytes);
        } else {
            self.container(vm, value, flag)?;
        }
        Ok(())
    }

    fn int(&mut self, value: &Value, flag: u8) {
        if let Some(small) = value.as_i64().and_then(|i| i32::try_from(i).ok()) {
            self.out.push(b'i' | flag);
            self.out.extend(small.to_le_bytes());
            return;
        }
        let big = match value.as_i64() {
            Some(i) => i.into(),
            None => value.as_big().unwrap_or_default(),
        };
        let (sign, magnitude) = big.into_parts();
        let digits = digits_of(&magnitude.to_le_bytes());
        let count = digits.len() as i32;
        let negative = sign == dashu_int::Sign::Negative;
        self.out.push(b'l' | flag);
        self.out
            .extend((if negative { -count } else { count }).to_le_bytes());
        for digit in digits {
            self.out.extend(digit.to_le_bytes());
        }
    }

    /// Floats are binary from version 2 on, text before.
    fn float(&mut self, binary: u8, text: u8, flag: u8, parts: &[f64]) {
        if self.version > 1 {
            self.out.push(binary | flag);
            for part in parts {
                self.out.extend(part.to_bits().to_le_bytes());
            }
            return;
        }
        self.out.push(text | flag);
        for part in parts {
            let shown = taipan_base::float_text::repr(*part);
            self.out.push(shown.len() as u8);
            self.out.extend(shown.as_bytes());
        }
    }

    fn text(&mut self, vm: &mut Vm, value: &Value, flag: u8) -> Py<()> {
        let Some(text) = str_of(value) else {
            return Ok(());
        };
        let interned = text.is_interned() && self.version >= 3;
        match text.ascii() {
            Some(ascii) if self.version >= 4 => {
                if let Ok(len) = u8::try_from(ascii.len()) {
                    self.out.push(if interned { b'Z' } else { b'z' } | flag);
                    self.out.push(len);
                } else {
                    self.out.push(if interned { b'A' } else { b'a' } | flag);
                    self.len(vm, ascii.len())?;
                }
                self.out.extend(ascii.as_bytes());
            }
            _ => {
                let bytes = text.to_wtf8();
                self.out.push(if interned { b't' } else { b'u' } | flag);
                self.len(vm, bytes.len())?;
                self.out.extend(bytes);
            }
        }
        Ok(())
    }

    fn row(&mut self, vm: &mut Vm, code: u8, row: &[Value], held: u64) -> Py<()> {
        self.out.push(code);
        self.len(vm, row.len())?;
        row.iter().try_for_each(|item| {
            self.held = held;
            self.value(vm, item)
        })
    }

    fn container(&mut self, vm: &mut Vm, value: &Value, flag: u8) -> Py<()> {
        if let Some(row) = items(value).filter(|_| value.is_exact(&types::TUPLE)) {
            return match u8::try_from(row.len()) {
                Ok(len) if self.version >= 4 => {
                    self.out.extend([b')' | flag, len]);
                    row.iter().try_for_each(|item| self.value(vm, item))
                }
                _ => self.row(vm, b'(' | flag, row, 0),
            };
        }
        if value.is_exact(&types::LIST) {
            let row = list_of(value)
                .map(|list| list.lock(vm).to_vec())
                .unwrap_or_default();
            return self.row(vm, b'[' | flag, &row, 1);
        }
        if let Some(dict) = value.cast_exact::<Dict>() {
            self.out.push(b'{' | flag);
            for (key, value) in dict.items() {
                self.held = 1;
                self.value(vm, &key)?;
                self.held = 1;
                self.value(vm, &value)?;
            }
            self.out.push(b'0');
            return Ok(());
        }
        if let Some(set) = taipan_types::set::any_set(value) {
            let code = if value.is_instance(&types::SET) {
                b'<'
            } else {
                b'>'
            };
            let mut parts = Vec::new();
            // The order is that of the written items, so that equal sets have equal bytes.
            for item in taipan_types::set::keys(vm, set) {
                parts.push((write(vm, &item, self.version, self.allow_code)?, item));
            }
            parts.sort_by(|a, b| a.0.cmp(&b.0));
            let row: Vec<Value> = parts.into_iter().map(|(_, item)| item).collect();
            return self.row(vm, code | flag, &row, 1);
        }
        if value.is_exact(&types::SLICE) && self.version >= 5 {
            self.out.push(b':' | flag);
            for part in [name!("start"), name!("stop"), name!("step")] {
                let part = vm.get_attr(value, part)?;
                self.held = 1;
                self.value(vm, &part)?;
            }
            return Ok(());
        }
        if value.type_of().slots().buffer.is_some() {
            let copy = vm.call(&types::BYTES.to_value(), std::slice::from_ref(value))?;
            let bytes = bytes_of(&copy).unwrap_or(&[]);
            self.out.push(b's' | flag);
            self.len(vm, bytes.len())?;
            self.out.extend(bytes);
            return Ok(());
        }
        Err(vm.value_error("unmarshallable object"))
    }
}

/// Digits of 15 bits, least first, from little-endian bytes.
fn digits_of(bytes: &[u8]) -> Vec<u16> {
    let mut digits = Vec::with_capacity(bytes.len() * 8 / 15 + 1);
    let (mut held, mut bits) = (0u32, 0);
    for byte in bytes {
        held |= u32::from(*byte) << bits;
        bits += 8;
        if bits >= 15 {
            digits.push((held & 0x7fff) as u16);
            held >>= 15;
            bits -= 15;
        }
    }
    if held != 0 {
        digits.push(held as u16);
    }
    while digits.last() == Some(&0) {
        digits.pop();
    }
    digits
}

fn bytes_from_digits(digits: &[u16]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(digits.len() * 2);
    let (mut held, mut bits) = (0u32, 0);
    for digit in digits {
        held |= u32::from(*digit) << bits;
        bits += 15;
        while bits >= 8 {
            bytes.push(held as u8);
            held >>= 8;
            bits -= 8;
        }
    }
    bytes.push(held as u8);
    bytes
}

// ---- reading ----

enum Source {
    Bytes {
        bytes: Vec<u8>,
        at: usize,
    },
    /// An object with `read`.
    File(Value),
}

struct Reader {
    source: Source,
    allow_code: bool,
    /// Numbered objects; one that is still being read is missing.
    refs: Vec<Option<Value>>,
    depth: usize,
}

/// The value that bytes describe.
fn read(vm: &mut Vm, source: Source, allow_code: bool) -> Py {
    let mut reader = Reader {
        source,
        allow_code,
        refs: Vec::new(),
        depth: 0,
    };
    match reader.value(vm)? {
        Some(value) => Ok(value),
        None => Err(vm.type_error("NULL object in marshal data for object")),
    }
}

#[cold]
fn bad(vm: &mut Vm, what: &str) -> Raised {
    vm.value_error(format!("bad marshal data ({what})"))
}

impl Reader {
    fn bytes(&mut self, vm: &mut Vm, count: usize) -> Py<Vec<u8>> {
        match &mut self.source {
            Source::Bytes { bytes, at } => {
                let part = bytes.get(*at..).and_then(|rest| rest.get(..count));
                match part {
                    Some(part) => {
                        *at += count;
                        Ok(part.to_vec())
                    }
                    None => Err(vm.raise(&types::EOF_ERROR, "marshal data too short")),
                }
            }
            Source::File(file) => {
                let file = file.clone();
                if count == 0 {
                    return Ok(Vec::new());
                }
                let data = vm.call_method(&file, name!("read"), &[Value::int(count as i64)])?;
                let Some(bytes) = bytes_of(&data) else {
                    let message = format!(
                        "file.read() returned not bytes but {}",
                        data.type_of().name()
                    );
                    return Err(vm.type_error(message));
                };
                if bytes.len() < count {
                    return Err(vm.raise(&types::EOF_ERROR, "marshal data too short"));
                }
                Ok(bytes.to_vec())
            }
        }
    }

    fn byte(&mut self, vm: &mut Vm) -> Py<u8> {
        Ok(self.bytes(vm, 1)?[0])
    }

    fn long(&mut self, vm: &mut Vm) -> Py<i32> {
        let bytes = self.bytes(vm, 4)?;
        Ok(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn double(&mut self, vm: &mut Vm) -> Py<f64> {
        let bytes = self.bytes(vm, 8)?;
        let mut word = [0; 8];
        word.copy_from_slice(&bytes);
        Ok(f64::from_le_bytes(word))
    }

    fn text_double(&mut self, vm: &mut Vm) -> Py<f64> {
        let len = self.byte(vm)?;
        let bytes = self.bytes(vm, len.into())?;
        match std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.parse().ok())
        {
            Some(x) => Ok(x),
            None => Err(bad(vm, "invalid float")),
        }
    }

    fn size(&mut self, vm: &mut Vm, what: &str) -> Py<usize> {
        let size = self.long(vm)?;
        match usize::try_from(size) {
            Ok(size) => Ok(size),
            Err(_) => Err(bad(vm, &format!("{what} size out of range"))),
        }
    }

    /// One object; `None` is the mark that ends a dict.
    fn value(&mut self, vm: &mut Vm) -> Py<Option<Value>> {
        let code = match self.byte(vm) {
            Ok(code) => code,
            Err(raised) => {
                vm.catch(raised, &types::EOF_ERROR)?;
                return Err(vm.raise(&types::EOF_ERROR, "EOF read where object expected"));
            }
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(bad(vm, "recursion limit exceeded"));
        }
        let place = if code & REF != 0 && code & !REF != b'0' {
            self.refs.push(None);
            Some(self.refs.len() - 1)
        } else {
            None
        };
        let made = self.object(vm, code & !REF, place)?;
        if let (Some(place), Some(made)) = (place, &made) {
            self.refs[place] = Some(made.clone());
        }
        self.depth -= 1;
        Ok(made)
    }

    /// An object that must be there.
    fn present(&mut self, vm: &mut Vm, container: &str) -> Py {
        match self.value(vm)? {
            Some(value) => Ok(value),
            None => Err(vm.type_error(format!("NULL object in marshal data for {container}"))),
        }
    }

    fn row(&mut self, vm: &mut Vm, count: usize, container: &str) -> Py<Vec<Value>> {
        let mut row = Vec::new();
        for _ in 0..count {
            row.push(self.present(vm, container)?);
        }
        Ok(row)
    }

    fn object(&mut self, vm: &mut Vm, code: u8, place: Option<usize>) -> Py<Option<Value>> {
        let made = match code {
            b'0' => return Ok(None),
            b'N' => Value::none(),
            b'T' => Value::bool(true),
            b'F' => Value::bool(false),
            b'.' => Value::ellipsis(),
            b'S' => types::STOP_ITERATION.to_value(),
            b'i' => Value::int(self.long(vm)?.into()),
            b'I' => {
                let low = self.long(vm)? as u32;
                let high = self.long(vm)?;
                Value::int(i64::from(high) << 32 | i64::from(low))
            }
            b'l' => self.int(vm)?,
            b'g' => Value::float(self.double(vm)?),
            b'f' => Value::float(self.text_double(vm)?),
            b'y' => {
                let real = self.double(vm)?;
                taipan_types::complex::new_complex(real, self.double(vm)?)
            }
            b'x' => {
                let real = self.text_double(vm)?;
                taipan_types::complex::new_complex(real, self.text_double(vm)?)
            }
            b's' => {
                let size = self.size(vm, "bytes object")?;
                let bytes = self.bytes(vm, size)?;
                new_bytes(vm, &bytes)?
            }
            b'a' | b'A' | b'z' | b'Z' | b'u' | b't' => self.text(vm, code)?,
            b'r' => return self.reference(vm).map(Some),
            b'c' => self.code(vm)?,
            b':' => {
                let row = self.row(vm, 3, "slice")?;
                let [start, stop, step] = &row[..] else {
                    return Err(bad(vm, "slice"));
                };
                taipan_types::slice::new_slice(start.clone(), stop.clone(), step.clone())
            }
            _ => self.container(vm, code, place)?,
        };
        Ok(Some(made))
    }

    fn int(&mut self, vm: &mut Vm) -> Py {
        let count = self.long(vm)?;
        let mut digits = Vec::new();
        for _ in 0..count.unsigned_abs() {
            let bytes = self.bytes(vm, 2)?;
            let digit = u16::from_le_bytes([bytes[0], bytes[1]]);
            if digit > 0x7fff {
                return Err(bad(vm, "digit out of range in long"));
            }
            digits.push(digit);
        }
        if digits.last() == Some(&0) {
            return Err(bad(vm, "unnormalized long data"));
        }
        let magnitude = dashu_int::UBig::from_le_bytes(&bytes_from_digits(&digits));
        let sign = if count < 0 {
            dashu_int::Sign::Negative
        } else {
            dashu_int::Sign::Positive
        };
        Ok(int_from_big(dashu_int::IBig::from_parts(sign, magnitude)))
    }

    fn text(&mut self, vm: &mut Vm, code: u8) -> Py {
        let size = match code {
            b'z' | b'Z' => self.byte(vm)?.into(),
            _ => self.size(vm, "string")?,
        };
        let bytes = self.bytes(vm, size)?;
        let ascii = !matches!(code, b'u' | b't');
        let text = if ascii && bytes.is_ascii() {
            new_ascii(&bytes)
        } else if !ascii && taipan_bytecode::marshal::is_wtf8(&bytes) {
            new_from_wtf8(&bytes)
        } else {
            return Err(bad(vm, "invalid text"));
        };
        Ok(if matches!(code, b'A' | b'Z' | b't') {
            intern(&text)
        } else {
            text
        })
    }

    fn reference(&mut self, vm: &mut Vm) -> Py {
        let number = self.long(vm)?;
        let found = usize::try_from(number)
            .ok()
            .and_then(|number| self.refs.get(number).cloned());
        match found {
            Some(Some(value)) => Ok(value),
            _ => Err(bad(vm, "invalid reference")),
        }
    }

    fn code(&mut self, vm: &mut Vm) -> Py {
        if !self.allow_code {
            return Err(vm.value_error("unmarshalling code objects is disallowed"));
        }
        let size = self.size(vm, "code")?;
        let bytes = self.bytes(vm, size)?;
        let code = match taipan_bytecode::marshal::read_code(&bytes) {
            Ok(code) => code,
            Err(error) => return Err(bad(vm, &error.to_string())),
        };
        if let Err(error) = taipan_bytecode::verify::verify(&code) {
            return Err(bad(vm, &error.to_string()));
        }
        CodeObject::create(vm, &Arc::new(code))
    }

    fn container(&mut self, vm: &mut Vm, code: u8, place: Option<usize>) -> Py {
        let number = |reader: &mut Reader, made: &Value| {
            if let Some(place) = place {
                reader.refs[place] = Some(made.clone());
            }
        };
        match code {
            b'(' | b')' => {
                let count = if code == b')' {
                    self.byte(vm)?.into()
                } else {
                    self.size(vm, "tuple")?
                };
                Ok(new_tuple(self.row(vm, count, "tuple")?))
            }
            b'[' => {
                let count = self.size(vm, "list")?;
                let made = new_list(Vec::new());
                number(self, &made);
                for _ in 0..count {
                    let item = self.present(vm, "list")?;
                    vm.call_method(&made, name!("append"), &[item])?;
                }
                Ok(made)
            }
            b'{' => {
                let made = new_dict();
                number(self, &made);
                while let Some(key) = self.value(vm)? {
                    let Some(value) = self.value(vm)? else { break };
                    made.expect::<Dict>().insert(vm, &key, value)?;
                }
                Ok(made)
            }
            b'<' | b'>' => {
                let count = self.size(vm, "set")?;
                let row = new_list(self.row(vm, count, "set")?);
                if code == b'<' {
                    taipan_types::set::set_from(vm, &row)
                } else {
                    taipan_types::set::frozenset_from(vm, &row)
                }
            }
            _ => Err(bad(vm, "unknown type code")),
        }
    }
}
