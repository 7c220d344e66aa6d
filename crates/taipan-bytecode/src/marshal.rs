//! The file form of code: a reader that trusts nothing and its writer.
//!
//! A file is the header ([`HEADER_LEN`] bytes: [`MAGIC`], flags, and eight bytes that depend on the flags) and one
//! code object. In the body, numbers are base-128 varints, strings and lists are preceded by their length, and a
//! string that occurred before is a reference to it. [`read_code`] gives an error on any damage; what it returns has
//! still to pass [`crate::verify::verify`] before it may run, which [`read_file`] does.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::code::{BigInt, Code, CodeFlags, Constant};
use crate::line_table::{read_varint, write_varint};
use crate::ops::TABLE_HASH;
use crate::verify;

/// Raised by one whenever the body's form changes.
const FORM: u8 = 1;

/// First bytes of a file: they change with the instruction set and with the form, and end in a line break that a text
/// transfer would damage.
pub const MAGIC: [u8; 4] = {
    let hash = (TABLE_HASH ^ TABLE_HASH >> 16) as u16;
    [hash as u8 ^ FORM, (hash >> 8) as u8, b'\r', b'\n']
};

/// Length of the header.
pub const HEADER_LEN: usize = 16;

/// Nesting of constants and code that is refused.
const MAX_DEPTH: u32 = 200;

/// Why a file was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReadError {
    /// It does not start with [`MAGIC`].
    BadMagic,
    /// It ends too early.
    Truncated,
    /// Something in it cannot be.
    Damaged(&'static str),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::BadMagic => f.write_str("bad magic number"),
            ReadError::Truncated => f.write_str("EOF read where object expected"),
            ReadError::Damaged(what) => write!(f, "bad marshal data ({what})"),
        }
    }
}

impl std::error::Error for ReadError {}

type Result<T> = std::result::Result<T, ReadError>;

mod tag {
    pub const NONE: u8 = b'N';
    pub const TRUE: u8 = b'T';
    pub const FALSE: u8 = b'F';
    pub const ELLIPSIS: u8 = b'.';
    pub const INT: u8 = b'i';
    pub const BIG: u8 = b'l';
    pub const BIG_NEGATIVE: u8 = b'L';
    pub const FLOAT: u8 = b'g';
    pub const COMPLEX: u8 = b'y';
    pub const STR: u8 = b'u';
    pub const BYTES: u8 = b's';
    pub const TUPLE: u8 = b'(';
    pub const FROZEN_SET: u8 = b'>';
    pub const SLICE: u8 = b':';
    pub const CODE: u8 = b'c';
}

// ---- writing ----

#[derive(Default)]
struct Writer {
    out: Vec<u8>,
    strings: HashMap<Arc<[u8]>, u32>,
}

/// The bytes of a code object, without a header.
pub fn write_code(code: &Code) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.code(code);
    writer.out
}

/// The bytes of a constant.
pub fn write_constant(value: &Constant) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.constant(value);
    writer.out
}

/// A whole file; `stamp` is what follows the flags in the header.
pub fn write_file(code: &Code, flags: u32, stamp: [u8; 8]) -> Vec<u8> {
    let mut file = MAGIC.to_vec();
    file.extend(flags.to_le_bytes());
    file.extend(stamp);
    file.extend(write_code(code));
    file
}

impl Writer {
    fn number(&mut self, n: usize) {
        write_varint(&mut self.out, n as u32);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    /// `0` and the string, or one more than its number.
    fn string(&mut self, text: &[u8]) {
        if let Some(&seen) = self.strings.get(text) {
            write_varint(&mut self.out, seen + 1);
            return;
        }
        let number = self.strings.len() as u32;
        self.strings.insert(text.into(), number);
        self.number(0);
        self.bytes(text);
    }

    fn names(&mut self, names: &[Arc<str>]) {
        self.number(names.len());
        for name in names {
            self.string(name.as_bytes());
        }
    }

    fn constants(&mut self, values: &[Constant]) {
        self.number(values.len());
        for value in values {
            self.constant(value);
        }
    }

    fn constant(&mut self, value: &Constant) {
        match value {
            Constant::None => self.out.push(tag::NONE),
            Constant::Bool(true) => self.out.push(tag::TRUE),
            Constant::Bool(false) => self.out.push(tag::FALSE),
            Constant::Ellipsis => self.out.push(tag::ELLIPSIS),
            Constant::Int(i) => {
                self.out.push(tag::INT);
                self.out.extend(i.to_le_bytes());
            }
            Constant::BigInt(big) => {
                self.out.push(if big.negative {
                    tag::BIG_NEGATIVE
                } else {
                    tag::BIG
                });
                self.bytes(&big.magnitude);
            }
            Constant::Float(bits) => {
                self.out.push(tag::FLOAT);
                self.out.extend(bits.to_le_bytes());
            }
            Constant::Complex(re, im) => {
                self.out.push(tag::COMPLEX);
                self.out.extend(re.to_le_bytes());
                self.out.extend(im.to_le_bytes());
            }
            Constant::Str(text) => {
                self.out.push(tag::STR);
                self.string(text);
            }
            Constant::Bytes(bytes) => {
                self.out.push(tag::BYTES);
                self.bytes(bytes);
            }
            Constant::Tuple(items) => {
                self.out.push(tag::TUPLE);
                self.constants(items);
            }
            Constant::FrozenSet(items) => {
                self.out.push(tag::FROZEN_SET);
                self.constants(items);
            }
            Constant::Slice(parts) => {
                self.out.push(tag::SLICE);
                parts.iter().for_each(|part| self.constant(part));
            }
            Constant::Code(code) => {
                self.out.push(tag::CODE);
                self.code(code);
            }
        }
    }

    fn code(&mut self, code: &Code) {
        for text in [&code.name, &code.qualname, &code.filename] {
            self.string(text.as_bytes());
        }
        let numbers = [
            code.flags.bits(),
            code.argcount,
            code.posonlyargcount,
            code.kwonlyargcount,
            code.stacksize,
            code.firstlineno,
        ];
        numbers.iter().for_each(|n| write_varint(&mut self.out, *n));
        for names in [&code.varnames, &code.cellvars, &code.freevars, &code.names] {
            self.names(names);
        }
        for bytes in [&code.bytecode, &code.linetable, &code.exceptiontable] {
            self.bytes(bytes);
        }
        self.constants(&code.consts);
    }
}

// ---- reading ----

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    strings: Vec<Arc<[u8]>>,
    /// The strings that were used as names.
    names: Vec<Option<Arc<str>>>,
    depth: u32,
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Reader {
            bytes,
            at: 0,
            strings: Vec::new(),
            names: Vec::new(),
            depth: 0,
        }
    }
}

/// Reads a code object that fills the bytes.
pub fn read_code(bytes: &[u8]) -> Result<Code> {
    let mut reader = Reader::new(bytes);
    let code = reader.code()?;
    if reader.at == bytes.len() {
        Ok(code)
    } else {
        Err(ReadError::Damaged("extra bytes"))
    }
}

/// Reads a constant that fills the bytes.
pub fn read_constant(bytes: &[u8]) -> Result<Constant> {
    let mut reader = Reader::new(bytes);
    let value = reader.constant()?;
    if reader.at == bytes.len() {
        Ok(value)
    } else {
        Err(ReadError::Damaged("extra bytes"))
    }
}

/// Reads a file made by [`write_file`] and verifies its code.
pub fn read_file(bytes: &[u8]) -> Result<Code> {
    if bytes.len() < HEADER_LEN {
        return Err(ReadError::Truncated);
    }
    let (header, body) = bytes.split_at(HEADER_LEN);
    if !header.starts_with(&MAGIC) {
        return Err(ReadError::BadMagic);
    }
    let code = read_code(body)?;
    match verify::verify(&code) {
        Ok(()) => Ok(code),
        Err(_) => Err(ReadError::Damaged("invalid code")),
    }
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(count).ok_or(ReadError::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(ReadError::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn number(&mut self) -> Result<u32> {
        read_varint(self.bytes, &mut self.at).ok_or(ReadError::Truncated)
    }

    /// A length of a list; each item takes a byte at least, so that a damaged length allocates nothing.
    fn length(&mut self) -> Result<usize> {
        let length = self.number()? as usize;
        if length > self.bytes.len() - self.at {
            Err(ReadError::Truncated)
        } else {
            Ok(length)
        }
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        let length = self.length()?;
        Ok(self.take(length)?.to_vec())
    }

    /// The number of a string, read if it is new.
    fn string_number(&mut self) -> Result<u32> {
        match self.number()? {
            0 => {
                let length = self.length()?;
                let text = self.take(length)?.into();
                self.strings.push(text);
                self.names.push(None);
                Ok(self.strings.len() as u32 - 1)
            }
            seen if seen as usize <= self.strings.len() => Ok(seen - 1),
            _ => Err(ReadError::Damaged("invalid reference")),
        }
    }

    fn name(&mut self) -> Result<Arc<str>> {
        let number = self.string_number()?;
        if let Some(known) = &self.names[number as usize] {
            return Ok(Arc::clone(known));
        }
        let text = std::str::from_utf8(&self.strings[number as usize]);
        let name: Arc<str> = text.map_err(|_| ReadError::Damaged("invalid name"))?.into();
        self.names[number as usize] = Some(Arc::clone(&name));
        Ok(name)
    }

    fn name_list(&mut self) -> Result<Vec<Arc<str>>> {
        let length = self.length()?;
        (0..length).map(|_| self.name()).collect()
    }

    fn constants(&mut self) -> Result<Vec<Constant>> {
        let length = self.length()?;
        let mut list = Vec::new();
        for _ in 0..length {
            list.push(self.constant()?);
        }
        Ok(list)
    }

    fn constant(&mut self) -> Result<Constant> {
        if self.depth == MAX_DEPTH {
            return Err(ReadError::Damaged("nested too deeply"));
        }
        self.depth += 1;
        let value = self.constant_here();
        self.depth -= 1;
        value
    }

    fn constant_here(&mut self) -> Result<Constant> {
        let [kind] = self.array()?;
        Ok(match kind {
            tag::NONE => Constant::None,
            tag::TRUE => Constant::Bool(true),
            tag::FALSE => Constant::Bool(false),
            tag::ELLIPSIS => Constant::Ellipsis,
            tag::INT => Constant::Int(i64::from_le_bytes(self.array()?)),
            tag::BIG | tag::BIG_NEGATIVE => self.big_int(kind == tag::BIG_NEGATIVE)?,
            tag::FLOAT => Constant::Float(u64::from_le_bytes(self.array()?)),
            tag::COMPLEX => Constant::Complex(
                u64::from_le_bytes(self.array()?),
                u64::from_le_bytes(self.array()?),
            ),
            tag::STR => {
                let number = self.string_number()?;
                let text = Arc::clone(&self.strings[number as usize]);
                if !is_wtf8(&text) {
                    return Err(ReadError::Damaged("invalid text"));
                }
                Constant::Str(text)
            }
            tag::BYTES => Constant::Bytes(self.bytes()?.into()),
            tag::TUPLE => Constant::Tuple(self.constants()?.into()),
            tag::FROZEN_SET => {
                let items = self.constants()?;
                if !items.iter().all(hashable) {
                    return Err(ReadError::Damaged("unhashable set item"));
                }
                Constant::FrozenSet(items.into())
            }
            tag::SLICE => Constant::Slice(Arc::new([
                self.constant()?,
                self.constant()?,
                self.constant()?,
            ])),
            tag::CODE => Constant::Code(Arc::new(self.code()?)),
            _ => return Err(ReadError::Damaged("unknown type code")),
        })
    }

    fn big_int(&mut self, negative: bool) -> Result<Constant> {
        let magnitude = self.bytes()?;
        let small = magnitude.len() < 8 || magnitude.len() == 8 && magnitude[7] < 0x80;
        if small || magnitude.last() == Some(&0) {
            return Err(ReadError::Damaged("int is not in normal form"));
        }
        Ok(Constant::BigInt(BigInt {
            negative,
            magnitude: magnitude.into(),
        }))
    }

    fn code(&mut self) -> Result<Code> {
        let (name, qualname, filename) = (self.name()?, self.name()?, self.name()?);
        let flags =
            CodeFlags::from_bits(self.number()?).ok_or(ReadError::Damaged("unknown code flags"))?;
        Ok(Code {
            name,
            qualname,
            filename,
            flags,
            argcount: self.number()?,
            posonlyargcount: self.number()?,
            kwonlyargcount: self.number()?,
            stacksize: self.number()?,
            firstlineno: self.number()?,
            varnames: self.name_list()?,
            cellvars: self.name_list()?,
            freevars: self.name_list()?,
            names: self.name_list()?,
            bytecode: self.bytes()?,
            linetable: self.bytes()?,
            exceptiontable: self.bytes()?,
            consts: self.constants()?,
        })
    }
}

fn hashable(value: &Constant) -> bool {
    match value {
        Constant::Tuple(items) => items.iter().all(hashable),
        _ => true,
    }
}

/// Whether bytes are UTF-8 in which lone surrogates may be encoded as well.
pub fn is_wtf8(mut bytes: &[u8]) -> bool {
    loop {
        let Err(error) = std::str::from_utf8(bytes) else {
            return true;
        };
        let rest = &bytes[error.valid_up_to()..];
        match rest {
            [0xed, 0xa0..=0xbf, 0x80..=0xbf, tail @ ..] => bytes = tail,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_survive() {
        let nested = Constant::Tuple(
            [
                Constant::str("a"),
                Constant::float(-0.0),
                Constant::Bool(true),
            ]
            .into(),
        );
        let values = [
            nested.clone(),
            Constant::FrozenSet([Constant::Int(1), nested].into()),
            Constant::BigInt(BigInt {
                negative: true,
                magnitude: [0, 0, 0, 0, 0, 0, 0, 0x80].into(),
            }),
            Constant::Str([0xed, 0xa0, 0x80].into()),
            Constant::Complex(1, 2),
        ];
        for value in values {
            assert_eq!(read_constant(&write_constant(&value)), Ok(value));
        }
    }

    #[test]
    fn damage_is_an_error() {
        let value =
            Constant::Tuple([Constant::str("abc"), Constant::Int(5), Constant::Ellipsis].into());
        let bytes = write_constant(&value);
        for cut in 0..bytes.len() {
            assert!(read_constant(&bytes[..cut]).is_err());
        }
        assert!(read_constant(&[tag::TUPLE, 1].repeat(10_000)).is_err());
        assert!(read_constant(&[tag::TUPLE, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err());
    }
}
