//! Bytes to values. Nothing in the bytes is trusted.

use super::{MAX_DEPTH, tag};
use std::sync::Arc;
use taipan_bytecode::marshal::{ReadError, is_wtf8, read_code};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::number::int_from_big;
use taipan_core::str_object::{self, intern, new_from_wtf8, try_new_latin1};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Py, Raised, Value, Vm, name};
use taipan_interp::code_object::CodeObject;
use taipan_types::{bytes, complex, list, set, slice};

/// Where the bytes come from.
pub(super) enum Source<'a> {
    Bytes {
        bytes: &'a [u8],
        at: usize,
    },
    /// An object with `read`, of which no byte too many is taken.
    File(Value),
}

struct Reader<'a> {
    source: Source<'a>,
    /// What references refer to; `None` while the object is being read.
    references: Vec<Option<Value>>,
    allow_code: bool,
    depth: u32,
}

/// Reads one value.
pub(super) fn read(vm: &mut Vm, source: Source<'_>, allow_code: bool) -> Py {
    let mut reader = Reader {
        source,
        references: Vec::new(),
        allow_code,
        depth: 0,
    };
    reader.required(vm, "object")
}

fn eof(vm: &mut Vm, message: &str) -> Raised {
    vm.raise(&types::EOF_ERROR, message)
}

fn bad(vm: &mut Vm, what: &str) -> Raised {
    vm.value_error(format!("bad marshal data ({what})"))
}

impl Reader<'_> {
    /// Exactly `count` bytes.
    fn take(&mut self, vm: &mut Vm, count: usize) -> Py<Vec<u8>> {
        match &mut self.source {
            Source::Bytes { bytes, at } => {
                let end = at.checked_add(count);
                match end.and_then(|end| bytes.get(*at..end)) {
                    Some(taken) => {
                        *at += count;
                        Ok(taken.to_vec())
                    }
                    None => Err(eof(vm, "marshal data too short")),
                }
            }
            Source::File(file) => {
                let file = file.clone();
                read_file(vm, &file, count)
            }
        }
    }

    fn array<const N: usize>(&mut self, vm: &mut Vm) -> Py<[u8; N]> {
        let taken = self.take(vm, N)?;
        let mut array = [0; N];
        array.copy_from_slice(&taken);
        Ok(array)
    }

    fn byte(&mut self, vm: &mut Vm, expected: &str) -> Py<u8> {
        if let Source::Bytes { bytes, at } = &mut self.source {
            if let Some(&byte) = bytes.get(*at) {
                *at += 1;
                return Ok(byte);
            }
            let message = format!("EOF read where {expected}");
            return Err(eof(vm, &message));
        }
        match self.take(vm, 1) {
            Ok(taken) => Ok(taken.first().copied().unwrap_or_default()),
            Err(raised) => {
                vm.catch(raised, &types::EOF_ERROR)?;
                let message = format!("EOF read where {expected}");
                Err(eof(vm, &message))
            }
        }
    }

    fn int(&mut self, vm: &mut Vm) -> Py<i32> {
        Ok(i32::from_le_bytes(self.array(vm)?))
    }

    fn size(&mut self, vm: &mut Vm, of: &str) -> Py<usize> {
        match usize::try_from(self.int(vm)?) {
            Ok(size) => Ok(size),
            Err(_) => Err(bad(vm, &format!("{of} size out of range"))),
        }
    }

    /// A value where the format allows no end mark.
    fn required(&mut self, vm: &mut Vm, of: &str) -> Py {
        match self.value(vm)? {
            Some(value) => Ok(value),
            None => {
                let message = format!("NULL object in marshal data for {of}");
                Err(vm.type_error(message))
            }
        }
    }

    fn items(&mut self, vm: &mut Vm, count: usize, of: &str) -> Py<Vec<Value>> {
        let mut row = Vec::new();
        for _ in 0..count {
            row.push(self.required(vm, of)?);
        }
        Ok(row)
    }

    /// The next value, or the end mark.
    fn value(&mut self, vm: &mut Vm) -> Py<Option<Value>> {
        let byte = self.byte(vm, "object expected")?;
        self.depth += 1;
        if self.depth > MAX_DEPTH || vm.stack_is_low() {
            return Err(vm.value_error("recursion limit exceeded"));
        }
        let value = self.tagged(vm, byte & !tag::REF_FLAG, byte & tag::REF_FLAG != 0);
        self.depth -= 1;
        value
    }

    fn reserve(&mut self, flagged: bool) -> Option<usize> {
        flagged.then(|| {
            self.references.push(None);
            self.references.len() - 1
        })
    }

    fn fill(&mut self, number: Option<usize>, value: &Value) {
        if let Some(number) = number {
            self.references[number] = Some(value.clone());
        }
    }

    fn tagged(&mut self, vm: &mut Vm, byte: u8, flagged: bool) -> Py<Option<Value>> {
        let value = match byte {
            tag::NULL => return Ok(None),
            tag::NONE => Value::none(),
            tag::FALSE => Value::bool(false),
            tag::TRUE => Value::bool(true),
            tag::ELLIPSIS => Value::ellipsis(),
            tag::STOP_ITERATION => types::STOP_ITERATION.to_value(),
            tag::REF => return self.reference(vm).map(Some),
            tag::LIST
            | tag::DICT
            | tag::SET
            | tag::FROZEN_SET
            | tag::TUPLE
            | tag::SMALL_TUPLE
            | tag::SLICE
            | tag::CODE => {
                let number = self.reserve(flagged);
                let value = self.container(vm, byte, number)?;
                self.fill(number, &value);
                value
            }
            _ => {
                let value = self.plain(vm, byte)?;
                if flagged {
                    self.references.push(Some(value.clone()));
                }
                value
            }
        };
        Ok(Some(value))
    }

    fn reference(&mut self, vm: &mut Vm) -> Py {
        let number = usize::try_from(self.int(vm)?).ok();
        match number.and_then(|number| self.references.get(number)?.clone()) {
            Some(value) => Ok(value),
            None => Err(bad(vm, "invalid reference")),
        }
    }

    /// Numbers and strings.
    fn plain(&mut self, vm: &mut Vm, byte: u8) -> Py {
        match byte {
            tag::INT => Ok(Value::from_i32(self.int(vm)?)),
            tag::INT64 => Ok(Value::int(i64::from_le_bytes(self.array(vm)?))),
            tag::LONG => self.long(vm),
            tag::FLOAT => Ok(Value::float(f64::from_le_bytes(self.array(vm)?))),
            tag::TEXT_FLOAT => Ok(Value::float(self.text_float(vm)?)),
            tag::COMPLEX => {
                let real = f64::from_le_bytes(self.array(vm)?);
                Ok(complex::new_complex(
                    real,
                    f64::from_le_bytes(self.array(vm)?),
                ))
            }
            tag::TEXT_COMPLEX => {
                let real = self.text_float(vm)?;
                Ok(complex::new_complex(real, self.text_float(vm)?))
            }
            tag::BYTES => {
                let size = self.size(vm, "bytes object")?;
                let data = self.take(vm, size)?;
                bytes::new_bytes(vm, &data)
            }
            tag::STR | tag::INTERNED => {
                let size = self.size(vm, "string")?;
                let data = self.take(vm, size)?;
                self.text(vm, &data, byte == tag::INTERNED)
            }
            tag::ASCII | tag::ASCII_INTERNED => {
                let size = self.size(vm, "string")?;
                self.latin1(vm, size, byte == tag::ASCII_INTERNED)
            }
            tag::SHORT_ASCII | tag::SHORT_ASCII_INTERNED => {
                let size = usize::from(self.byte(vm, "not expected")?);
                self.latin1(vm, size, byte == tag::SHORT_ASCII_INTERNED)
            }
            _ => Err(bad(vm, "unknown type code")),
        }
    }

    fn text(&mut self, vm: &mut Vm, data: &[u8], interned: bool) -> Py {
        if !is_wtf8(data) {
            let data = bytes::new_bytes(vm, data)?;
            let arguments = [
                str_object::new_str("utf-8"),
                str_object::new_str("surrogatepass"),
            ];
            return vm.call_method(&data, name!("decode"), &arguments);
        }
        let text = new_from_wtf8(data);
        Ok(if interned { intern(&text) } else { text })
    }

    fn latin1(&mut self, vm: &mut Vm, size: usize, interned: bool) -> Py {
        let data = self.take(vm, size)?;
        match try_new_latin1(&data) {
            Some(text) if interned => Ok(intern(&text)),
            Some(text) => Ok(text),
            None => Err(vm.memory_error()),
        }
    }

    fn text_float(&mut self, vm: &mut Vm) -> Py<f64> {
        let size = usize::from(self.byte(vm, "not expected")?);
        let data = self.take(vm, size)?;
        let data = bytes::new_bytes(vm, &data)?;
        let text = vm.call_method(&data, name!("decode"), &[str_object::new_str("latin-1")])?;
        let number = vm.call(&types::FLOAT.to_value(), &[text])?;
        vm.to_f64(&number)
    }

    fn long(&mut self, vm: &mut Vm) -> Py {
        let count = self.int(vm)?;
        if count == i32::MIN {
            return Err(bad(vm, "long size out of range"));
        }
        let data = self.take(vm, 2 * count.unsigned_abs() as usize)?;
        let (mut magnitude, mut held, mut bits) = (Vec::with_capacity(data.len()), 0u32, 0);
        let mut last = 1;
        for digit in data.chunks_exact(2) {
            last = u16::from_le_bytes([digit[0], digit[1]]);
            if last > 0x7fff {
                return Err(bad(vm, "digit out of range in long"));
            }
            held |= u32::from(last) << bits;
            bits += 15;
            while bits >= 8 {
                magnitude.push(held as u8);
                held >>= 8;
                bits -= 8;
            }
        }
        magnitude.push(held as u8);
        if last == 0 {
            return Err(bad(vm, "unnormalized long data"));
        }
        let sign = if count < 0 {
            dashu_int::Sign::Negative
        } else {
            dashu_int::Sign::Positive
        };
        let magnitude = dashu_int::UBig::from_le_bytes(&magnitude);
        Ok(int_from_big(dashu_int::IBig::from_parts(sign, magnitude)))
    }

    fn container(&mut self, vm: &mut Vm, byte: u8, number: Option<usize>) -> Py {
        match byte {
            tag::TUPLE => {
                let size = self.size(vm, "tuple")?;
                Ok(new_tuple(self.items(vm, size, "tuple")?))
            }
            tag::SMALL_TUPLE => {
                let size = usize::from(self.byte(vm, "not expected")?);
                Ok(new_tuple(self.items(vm, size, "tuple")?))
            }
            tag::LIST => self.list(vm, number),
            tag::DICT => self.dict(vm, number),
            tag::SET | tag::FROZEN_SET => self.set(vm, byte, number),
            tag::SLICE => {
                let start = self.required(vm, "object")?;
                let stop = self.required(vm, "object")?;
                let step = self.required(vm, "object")?;
                Ok(slice::new_slice(start, stop, step))
            }
            _ => self.code(vm),
        }
    }

    fn list(&mut self, vm: &mut Vm, number: Option<usize>) -> Py {
        let size = self.size(vm, "list")?;
        let value = list::new_empty();
        self.fill(number, &value);
        for _ in 0..size {
            let item = self.required(vm, "list")?;
            let pushed = match list::list_of(&value) {
                Some(list) => list.lock(vm).push(item).is_ok(),
                None => false,
            };
            if !pushed {
                return Err(vm.memory_error());
            }
        }
        Ok(value)
    }

    fn dict(&mut self, vm: &mut Vm, number: Option<usize>) -> Py {
        let dict = new_dict();
        self.fill(number, &dict);
        while let Some(key) = self.value(vm)? {
            let Some(value) = self.value(vm)? else {
                break;
            };
            dict.expect::<Dict>().insert(vm, &key, value)?;
        }
        Ok(dict)
    }

    fn set(&mut self, vm: &mut Vm, byte: u8, number: Option<usize>) -> Py {
        let size = self.size(vm, "set")?;
        if byte == tag::FROZEN_SET {
            let items = self.items(vm, size, "set")?;
            return set::frozenset_from(vm, &new_tuple(items));
        }
        let value = set::new_empty();
        self.fill(number, &value);
        for _ in 0..size {
            let item = self.required(vm, "set")?;
            if let Some(set) = set::any_set(&value) {
                set::add(vm, set, &item)?;
            }
        }
        Ok(value)
    }

    fn code(&mut self, vm: &mut Vm) -> Py {
        if !self.allow_code {
            return Err(vm.value_error("unmarshalling code objects is disallowed"));
        }
        let size = self.size(vm, "code")?;
        let body = self.take(vm, size)?;
        match read_code(&body) {
            Ok(code) if taipan_bytecode::verify::verify(&code).is_ok() => {
                let lines_only = crate::config::read(vm, |config| config.imports.no_debug_ranges);
                let code = if lines_only {
                    code.without_columns()
                } else {
                    code
                };
                Ok(CodeObject::create(&Arc::new(code)))
            }
            Ok(_) => Err(bad(vm, "invalid code")),
            Err(ReadError::Damaged(what)) => Err(bad(vm, what)),
            Err(_) => Err(eof(vm, "marshal data too short")),
        }
    }
}

/// Reads `count` bytes of a file.
fn read_file(vm: &mut Vm, file: &Value, count: usize) -> Py<Vec<u8>> {
    let memory = vm.call(&types::BYTEARRAY.to_value(), &[Value::int(count as i64)])?;
    let view = taipan_types::memoryview::new_memoryview(vm, &memory)?;
    let read = vm.call_method(file, name!("readinto"), &[view])?;
    let read = vm.index_i64(&read)?;
    if read > count as i64 {
        let message =
            format!("read() returned too much data: {count} bytes requested, {read} returned");
        return Err(vm.value_error(message));
    }
    match bytes::bytearray_copy(vm, &memory) {
        Some(data) if read == count as i64 && data.len() == count => Ok(data),
        _ => Err(eof(vm, "EOF read where not expected")),
    }
}
