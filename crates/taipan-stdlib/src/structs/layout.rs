//! Format strings of `struct`, compiled to a row of fields, and the fields' way to bytes and back.

use dashu_int::IBig;
use taipan_core::builtin_types::{BYTEARRAY, BYTES, OVERFLOW_ERROR, TYPE_ERROR};
use taipan_core::number::int_from_u64;
use taipan_core::{Py, Value, Vm};
use taipan_types::memory_format::{f64_to_half, half_to_f64};
use taipan_types::{buffer, bytes, complex, int};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Char,
    /// Text of fixed length.
    String,
    /// Text behind a byte that tells its length.
    Pascal,
    Int {
        signed: bool,
    },
    Pointer,
    Bool,
    Half,
    Float,
    Double,
    FloatComplex,
    DoubleComplex,
}

/// One value's place.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    pub kind: Kind,
    pub letter: u8,
    pub offset: usize,
    pub size: usize,
}

/// A compiled format.
#[derive(Debug)]
pub struct Layout {
    pub format: Vec<u8>,
    pub fields: Vec<Field>,
    pub size: usize,
    big_endian: bool,
}

/// Why a format is refused.
pub enum Refusal {
    Text(&'static str),
    Memory,
}

/// Kind and size of a letter. `native` letters have the machine's sizes.
fn letter(letter: u8, native: bool) -> Option<(Kind, usize)> {
    let signed = |size| Some((Kind::Int { signed: true }, size));
    let unsigned = |size| Some((Kind::Int { signed: false }, size));
    let long = if native {
        size_of::<std::ffi::c_long>()
    } else {
        4
    };
    match letter {
        b'c' => Some((Kind::Char, 1)),
        b'b' => signed(1),
        b'B' => unsigned(1),
        b'?' => Some((Kind::Bool, 1)),
        b'h' => signed(2),
        b'H' => unsigned(2),
        b'i' => signed(4),
        b'I' => unsigned(4),
        b'l' => signed(long),
        b'L' => unsigned(long),
        b'q' => signed(8),
        b'Q' => unsigned(8),
        b'n' if native => signed(size_of::<isize>()),
        b'N' if native => unsigned(size_of::<usize>()),
        b'P' if native => Some((Kind::Pointer, size_of::<usize>())),
        b'e' => Some((Kind::Half, 2)),
        b'f' => Some((Kind::Float, 4)),
        b'd' => Some((Kind::Double, 8)),
        b'F' => Some((Kind::FloatComplex, 8)),
        b'D' => Some((Kind::DoubleComplex, 16)),
        _ => None,
    }
}

fn alignment(kind: Kind, size: usize) -> usize {
    match kind {
        Kind::FloatComplex | Kind::DoubleComplex => size / 2,
        _ => size,
    }
}

const TOO_LONG: Refusal = Refusal::Text("total struct size too long");

impl Layout {
    /// Compiles a format.
    pub fn parse(format: &[u8]) -> Result<Layout, Refusal> {
        let (mode, rest) = match format {
            [mode @ (b'@' | b'=' | b'<' | b'>' | b'!'), rest @ ..] => (*mode, rest),
            _ => (b'@', format),
        };
        let native = mode == b'@';
        let big_endian = match mode {
            b'<' => false,
            b'>' | b'!' => true,
            _ => cfg!(target_endian = "big"),
        };
        let mut layout = Layout {
            format: format.to_vec(),
            fields: Vec::new(),
            size: 0,
            big_endian,
        };
        // The size comes first: the fields of a format that is too long might not fit into memory.
        layout.read(rest, native, false)?;
        layout.size = 0;
        layout.read(rest, native, true)?;
        Ok(layout)
    }

    /// Adds up the sizes, and keeps the fields if told to.
    fn read(&mut self, rest: &[u8], native: bool, keep: bool) -> Result<(), Refusal> {
        let mut at = 0;
        while let Some(&byte) = rest.get(at) {
            at += 1;
            if byte.is_ascii_whitespace() || byte == 0x0b {
                continue;
            }
            let mut count: Option<usize> = None;
            let mut code = byte;
            while code.is_ascii_digit() {
                let digit = (code - b'0') as usize;
                let next = count
                    .unwrap_or(0)
                    .checked_mul(10)
                    .and_then(|count| count.checked_add(digit))
                    .filter(|count| *count <= isize::MAX as usize);
                count = Some(next.ok_or(TOO_LONG)?);
                code = *rest
                    .get(at)
                    .ok_or(Refusal::Text("repeat count given without format specifier"))?;
                at += 1;
            }
            self.add(code, count.unwrap_or(1), native, keep)?;
        }
        Ok(())
    }

    fn add(&mut self, code: u8, count: usize, native: bool, keep: bool) -> Result<(), Refusal> {
        let grown = |size: usize, more: usize| {
            size.checked_add(more)
                .filter(|size| *size <= isize::MAX as usize)
                .ok_or(TOO_LONG)
        };
        match code {
            b'x' => {
                self.size = grown(self.size, count)?;
                return Ok(());
            }
            b's' | b'p' => {
                let kind = if code == b's' {
                    Kind::String
                } else {
                    Kind::Pascal
                };
                if keep {
                    self.push(kind, code, count)?;
                }
                self.size = grown(self.size, count)?;
                return Ok(());
            }
            _ => {}
        }
        let Some((kind, size)) = letter(code, native) else {
            return Err(Refusal::Text("bad char in struct format"));
        };
        if native {
            let aligned = self.size.checked_next_multiple_of(alignment(kind, size));
            self.size = aligned.ok_or(TOO_LONG)?;
        }
        let total = count.checked_mul(size).ok_or(TOO_LONG)?;
        let end = grown(self.size, total)?;
        if !keep {
            self.size = end;
            return Ok(());
        }
        if self.fields.try_reserve(count).is_err() {
            return Err(Refusal::Memory);
        }
        for _ in 0..count {
            self.push(kind, code, size)?;
            self.size += size;
        }
        self.size = end;
        Ok(())
    }

    fn push(&mut self, kind: Kind, letter: u8, size: usize) -> Result<(), Refusal> {
        if self.fields.try_reserve(1).is_err() {
            return Err(Refusal::Memory);
        }
        self.fields.push(Field {
            kind,
            letter,
            offset: self.size,
            size,
        });
        Ok(())
    }

    /// The bytes of `values`, one for each field.
    pub fn pack(&self, vm: &mut Vm, values: &[Value]) -> Py<Vec<u8>> {
        let mut out: Vec<u8> = Vec::new();
        if out.try_reserve_exact(self.size).is_err() {
            return Err(vm.memory_error());
        }
        out.resize(self.size, 0);
        for (field, value) in self.fields.iter().zip(values) {
            let target = &mut out[field.offset..field.offset + field.size];
            self.pack_field(vm, field, value, target)?;
        }
        Ok(out)
    }

    /// The values in `bytes`, which are as many as the layout's size.
    pub fn unpack(&self, vm: &mut Vm, bytes: &[u8]) -> Py {
        let mut row = Vec::with_capacity(self.fields.len());
        for field in &self.fields {
            let source = &bytes[field.offset..field.offset + field.size];
            row.push(self.unpack_field(vm, field, source)?);
        }
        Ok(taipan_core::tuple_object::new_tuple(row))
    }

    /// Copies little-endian bytes of one number into place.
    fn put(&self, target: &mut [u8], little: &[u8]) {
        target.copy_from_slice(&little[..target.len()]);
        if self.big_endian {
            target.reverse();
        }
    }

    /// The bytes of one number as little-endian ones.
    fn take<const N: usize>(&self, source: &[u8]) -> [u8; N] {
        let mut little = [0; N];
        little[..source.len()].copy_from_slice(source);
        if self.big_endian {
            little[..source.len()].reverse();
        }
        little
    }

    fn pack_field(&self, vm: &mut Vm, field: &Field, value: &Value, target: &mut [u8]) -> Py<()> {
        match field.kind {
            Kind::Char => match bytes::bytes_of(value) {
                Some([byte]) => target[0] = *byte,
                _ => {
                    return Err(super::error(
                        vm,
                        "char format requires a bytes object of length 1",
                    ));
                }
            },
            Kind::String | Kind::Pascal => pack_text(vm, field, value, target)?,
            Kind::Bool => target[0] = vm.truth(value)? as u8,
            Kind::Int { signed } => {
                let little = pack_int(vm, field, value, signed)?;
                self.put(target, &little);
            }
            Kind::Pointer => {
                let little = pack_pointer(vm, value)?;
                self.put(target, &little);
            }
            Kind::Half => {
                let x = pack_float(vm, value)?;
                match f64_to_half(x) {
                    Some(half) => self.put(target, &half.to_le_bytes()),
                    None => return Err(too_large(vm, 'e')),
                }
            }
            Kind::Float => {
                let x = pack_float(vm, value)?;
                let narrow = narrow(vm, x, 'f')?;
                self.put(target, &narrow.to_le_bytes());
            }
            Kind::Double => {
                let x = pack_float(vm, value)?;
                self.put(target, &x.to_le_bytes());
            }
            Kind::FloatComplex => {
                let (real, imag) = pack_complex(vm, value)?;
                let (real, imag) = (narrow(vm, real, 'f')?, narrow(vm, imag, 'f')?);
                self.put(&mut target[..4], &real.to_le_bytes());
                self.put(&mut target[4..], &imag.to_le_bytes());
            }
            Kind::DoubleComplex => {
                let (real, imag) = pack_complex(vm, value)?;
                self.put(&mut target[..8], &real.to_le_bytes());
                self.put(&mut target[8..], &imag.to_le_bytes());
            }
        }
        Ok(())
    }

    fn unpack_field(&self, vm: &mut Vm, field: &Field, source: &[u8]) -> Py {
        Ok(match field.kind {
            Kind::Char | Kind::String => return bytes::new_bytes(vm, source),
            Kind::Pascal => {
                let len = source.first().map_or(0, |len| *len as usize);
                let text = source.get(1..).unwrap_or(&[]);
                return bytes::new_bytes(vm, &text[..len.min(text.len())]);
            }
            Kind::Bool => Value::bool(source[0] != 0),
            Kind::Int { signed: true } => {
                let wide = i64::from_le_bytes(self.take(source));
                let unused = 64 - 8 * field.size as u32;
                Value::int(wide << unused >> unused)
            }
            Kind::Int { signed: false } | Kind::Pointer => {
                int_from_u64(u64::from_le_bytes(self.take(source)))
            }
            Kind::Half => Value::float(half_to_f64(u16::from_le_bytes(self.take(source)))),
            Kind::Float => Value::float(self.single(source)),
            Kind::Double => Value::float(f64::from_le_bytes(self.take(source))),
            Kind::FloatComplex => {
                complex::new_complex(self.single(&source[..4]), self.single(&source[4..]))
            }
            Kind::DoubleComplex => complex::new_complex(
                f64::from_le_bytes(self.take(&source[..8])),
                f64::from_le_bytes(self.take(&source[8..])),
            ),
        })
    }

    fn single(&self, source: &[u8]) -> f64 {
        f32::from_le_bytes(self.take(source)) as f64
    }
}

fn pack_text(vm: &mut Vm, field: &Field, value: &Value, target: &mut [u8]) -> Py<()> {
    if !value.is_instance(&BYTES) && !value.is_instance(&BYTEARRAY) {
        let message = format!(
            "argument for '{}' must be a bytes object",
            field.letter as char
        );
        return Err(super::error(vm, &message));
    }
    let text = buffer::bytes_like(vm, value)?;
    if field.kind == Kind::String {
        let len = text.len().min(target.len());
        target[..len].copy_from_slice(&text[..len]);
        return Ok(());
    }
    let Some(room) = target.len().checked_sub(1) else {
        return Ok(());
    };
    let len = text.len().min(room);
    target[0] = len.min(255) as u8;
    target[1..1 + len].copy_from_slice(&text[..len]);
    Ok(())
}

/// The argument as an int.
fn integer(vm: &mut Vm, value: &Value) -> Py {
    if value.is_int() || value.type_of().slots().index.is_some() {
        return vm.index(value);
    }
    Err(super::error(vm, "required argument is not an integer"))
}

/// Little-endian two's complement bytes of an int in the field's range.
fn pack_int(vm: &mut Vm, field: &Field, value: &Value, signed: bool) -> Py<[u8; 8]> {
    let index = integer(vm, value)?;
    let bits = 8 * field.size as u32;
    let (least, most): (i128, i128) = if signed {
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    } else {
        (0, (1i128 << bits) - 1)
    };
    let number = match int::operand(&index) {
        Some(int::Operand::Small(i)) => Some(i as i128),
        Some(int::Operand::Big(big)) => i128::try_from(big).ok(),
        None => None,
    };
    match number {
        Some(number) if (least..=most).contains(&number) => Ok((number as u64).to_le_bytes()),
        _ => {
            let message = format!(
                "'{}' format requires {least} <= number <= {most}",
                field.letter as char
            );
            Err(super::error(vm, &message))
        }
    }
}

fn pack_pointer(vm: &mut Vm, value: &Value) -> Py<[u8; 8]> {
    let index = integer(vm, value)?;
    let big = index.as_big().unwrap_or(IBig::ZERO);
    if let Ok(word) = u64::try_from(&big) {
        return Ok(word.to_le_bytes());
    }
    match i64::try_from(&big) {
        Ok(word) => Ok(word.to_le_bytes()),
        Err(_) => Err(super::error(vm, "int too large to convert")),
    }
}

fn pack_float(vm: &mut Vm, value: &Value) -> Py<f64> {
    match vm.to_f64(value) {
        Ok(x) => Ok(x),
        Err(raised) => {
            vm.catch(raised, &TYPE_ERROR)?;
            Err(super::error(vm, "required argument is not a float"))
        }
    }
}

fn pack_complex(vm: &mut Vm, value: &Value) -> Py<(f64, f64)> {
    match complex::number_parts(vm, value)? {
        Some(parts) => Ok(parts),
        None => Err(super::error(vm, "required argument is not a complex")),
    }
}

#[cold]
fn too_large(vm: &mut Vm, letter: char) -> taipan_core::Raised {
    vm.raise(
        &OVERFLOW_ERROR,
        format!("float too large to pack with {letter} format"),
    )
}

fn narrow(vm: &mut Vm, x: f64, letter: char) -> Py<f32> {
    let narrow = x as f32;
    if narrow.is_infinite() && x.is_finite() {
        return Err(too_large(vm, letter));
    }
    Ok(narrow)
}
