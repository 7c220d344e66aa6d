//! The file form of code: a reader that trusts nothing and its writer.
//!
//! A file is the header ([`HEADER_LEN`] bytes: [`MAGIC`], flags, and eight bytes that depend on the flags), a table of
//! strings, and one code object. The table is the number of strings, the end of each behind the table (words of 32 bits),
//! and the strings. In code, numbers are base-128 varints, lists are preceded by their length, strings are numbers in
//! the table, and a code object's body is preceded by its length, so that it can be read later.
//! [`read_code`] gives an error on any damage; what it returns has still to pass [`crate::verify::verify`] before it
//! may run, which [`read_file`] does. [`read_embedded`] reads bodies when they are looked at.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use crate::body::{Body, LazyBody, Slots};
use crate::code::{BigInt, Code, CodeFlags, Constant};
use crate::line_table::{read_varint, write_varint};
use crate::ops::TABLE_HASH;
use crate::shared::{Bytes, Name, Shared};
use crate::verify;

/// Raised by one whenever the body's form changes.
const FORM: u8 = 2;

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

/// Items for which a list gets room in advance; a damaged length may say anything.
const PLAUSIBLE: usize = 256;

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
    /// The strings in a row, and where each ends.
    texts: Vec<u8>,
    ends: Vec<u32>,
}

/// The bytes of a code object, without a header.
pub fn write_code(code: &Code) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.code(code);
    writer.finish()
}

/// The bytes of a constant.
pub fn write_constant(value: &Constant) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.constant(value);
    writer.finish()
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

    /// The table and what was written.
    fn finish(self) -> Vec<u8> {
        let mut file = (self.ends.len() as u32).to_le_bytes().to_vec();
        file.extend(self.ends.iter().flat_map(|end| end.to_le_bytes()));
        file.extend(self.texts);
        file.extend(self.out);
        file
    }

    fn string(&mut self, text: &[u8]) {
        let number = match self.strings.get(text) {
            Some(seen) => *seen,
            None => {
                let number = self.ends.len() as u32;
                self.strings.insert(text.into(), number);
                self.texts.extend_from_slice(text);
                self.ends.push(self.texts.len() as u32);
                number
            }
        };
        write_varint(&mut self.out, number);
    }

    fn names(&mut self, names: &[Name]) {
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
        let slots = code.body.slots();
        for count in [slots.locals, slots.cells, slots.free] {
            write_varint(&mut self.out, count);
        }
        let outer = std::mem::take(&mut self.out);
        self.body(&code.body);
        let body = std::mem::replace(&mut self.out, outer);
        self.bytes(&body);
    }

    fn body(&mut self, body: &Body) {
        for names in [&body.varnames, &body.cellvars, &body.freevars] {
            names.iter().for_each(|name| self.string(name.as_bytes()));
        }
        self.names(&body.names);
        for bytes in [&body.bytecode, &body.linetable, &body.exceptiontable] {
            self.bytes(bytes);
        }
        self.constants(&body.consts);
    }
}

// ---- reading ----

struct Reader<'a> {
    bytes: &'a [u8],
    /// The same bytes where they are part of the executable: then nothing is copied, and inner bodies are left unread.
    embedded: Option<&'static [u8]>,
    at: usize,
    /// Where the ends of strings are, how many there are, and where strings begin.
    table: Table,
    /// The strings that were used, as text and as names.
    strings: Vec<Option<Bytes>>,
    names: Vec<Option<Name>>,
    depth: u32,
}

#[derive(Clone, Copy)]
struct Table {
    count: usize,
    texts: usize,
}

/// A word of the table of strings.
fn word(bytes: &[u8], index: usize) -> Result<usize> {
    let word = bytes.get(4 * index..).and_then(|rest| rest.first_chunk());
    word.map(|word| u32::from_le_bytes(*word) as usize)
        .ok_or(ReadError::Truncated)
}

impl Table {
    fn find(bytes: &[u8]) -> Result<Table> {
        let count = word(bytes, 0)?;
        let texts = count.checked_mul(4).and_then(|size| size.checked_add(4));
        match texts {
            Some(texts) if texts <= bytes.len() => Ok(Table { count, texts }),
            _ => Err(ReadError::Truncated),
        }
    }

    /// Where a string lies.
    fn range(self, bytes: &[u8], number: usize) -> Result<std::ops::Range<usize>> {
        if number >= self.count {
            return Err(ReadError::Damaged("invalid reference"));
        }
        let start = if number == 0 { 0 } else { word(bytes, number)? };
        let end = word(bytes, number + 1)?;
        if start > end || end > bytes.len() - self.texts {
            return Err(ReadError::Truncated);
        }
        Ok(self.texts + start..self.texts + end)
    }

    /// Where what uses the strings begins.
    fn end(self, bytes: &[u8]) -> Result<usize> {
        match self.count {
            0 => Ok(self.texts),
            count => Ok(self.range(bytes, count - 1)?.end),
        }
    }
}

impl<'a> Reader<'a> {
    /// A reader of bytes that were not written by us, perhaps.
    fn new(bytes: &'a [u8]) -> Result<Self> {
        let table = Table::find(bytes)?;
        Ok(Reader {
            bytes,
            embedded: None,
            at: table.end(bytes)?,
            table,
            strings: vec![None; table.count],
            names: vec![None; table.count],
            depth: 0,
        })
    }

    fn finish<T>(self, value: T) -> Result<T> {
        if self.at == self.bytes.len() {
            Ok(value)
        } else {
            Err(ReadError::Damaged("extra bytes"))
        }
    }
}

impl Reader<'static> {
    fn embedded(bytes: &'static [u8]) -> Result<Self> {
        let table = Table::find(bytes)?;
        Ok(Reader {
            bytes,
            embedded: Some(bytes),
            at: table.end(bytes)?,
            table,
            strings: Vec::new(),
            names: Vec::new(),
            depth: 0,
        })
    }
}

/// Reads a code object that fills the bytes.
pub fn read_code(bytes: &[u8]) -> Result<Code> {
    let mut reader = Reader::new(bytes)?;
    let code = reader.code()?;
    reader.finish(code)
}

/// Reads a constant that fills the bytes.
pub fn read_constant(bytes: &[u8]) -> Result<Constant> {
    let mut reader = Reader::new(bytes)?;
    let value = reader.constant()?;
    reader.finish(value)
}

/// Reads a code object that is part of the executable; bodies are read when somebody looks at them. The bytes must be
/// undamaged ([`read_code`] reads them): what is found wrong later is a fault of whoever embedded them, and panics.
pub fn read_embedded(bytes: &'static [u8]) -> Result<Code> {
    let mut reader = Reader::embedded(bytes)?;
    let code = reader.code()?;
    reader.finish(code)
}

/// Reads a body that [`read_embedded`] left unread.
pub(crate) fn read_body(bytes: &'static [u8], at: usize, slots: Slots) -> Result<Body> {
    let mut reader = Reader::embedded(bytes)?;
    reader.at = at;
    reader.body(slots)
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

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let end = self.at.checked_add(count).ok_or(ReadError::Truncated)?;
        let taken = self.bytes.get(self.at..end).ok_or(ReadError::Truncated)?;
        self.at = end;
        Ok(taken)
    }

    /// A part of the bytes as what keeps it.
    fn keep(&self, range: std::ops::Range<usize>) -> Result<Bytes> {
        let kept = match self.embedded {
            Some(bytes) => bytes.get(range).map(Shared::Static),
            None => self.bytes.get(range).map(Bytes::from),
        };
        kept.ok_or(ReadError::Truncated)
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

    fn bytes(&mut self) -> Result<Bytes> {
        let length = self.length()?;
        let start = self.at;
        self.take(length)?;
        self.keep(start..start + length)
    }

    fn string(&mut self) -> Result<Bytes> {
        let number = self.number()? as usize;
        if let Some(Some(known)) = self.strings.get(number) {
            return Ok(known.clone());
        }
        let text = self.keep(self.table.range(self.bytes, number)?)?;
        if let Some(place) = self.strings.get_mut(number) {
            *place = Some(text.clone());
        }
        Ok(text)
    }

    fn name(&mut self) -> Result<Name> {
        let number = self.number()? as usize;
        if let Some(Some(known)) = self.names.get(number) {
            return Ok(known.clone());
        }
        let range = self.table.range(self.bytes, number)?;
        let name = match self.embedded {
            Some(bytes) => std::str::from_utf8(&bytes[range]).map(Shared::Static),
            None => std::str::from_utf8(&self.bytes[range]).map(Name::from),
        };
        let name = name.map_err(|_| ReadError::Damaged("invalid name"))?;
        if let Some(place) = self.names.get_mut(number) {
            *place = Some(name.clone());
        }
        Ok(name)
    }

    /// Names whose number is known; each takes a byte at least, so that a damaged number allocates nothing.
    fn names(&mut self, count: usize) -> Result<Vec<Name>> {
        if count > self.bytes.len() - self.at {
            return Err(ReadError::Truncated);
        }
        let mut names = Vec::with_capacity(count.min(PLAUSIBLE));
        for _ in 0..count {
            names.push(self.name()?);
        }
        Ok(names)
    }

    fn name_list(&mut self) -> Result<Vec<Name>> {
        let length = self.length()?;
        self.names(length)
    }

    fn constants(&mut self) -> Result<Vec<Constant>> {
        let length = self.length()?;
        let mut list = Vec::with_capacity(length.min(PLAUSIBLE));
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
                let text = self.string()?;
                if self.embedded.is_none() && !is_wtf8(&text) {
                    return Err(ReadError::Damaged("invalid text"));
                }
                Constant::Str(text)
            }
            tag::BYTES => Constant::Bytes(self.bytes()?),
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
            magnitude: (*magnitude).into(),
        }))
    }

    fn code(&mut self) -> Result<Code> {
        let (name, qualname, filename) = (self.name()?, self.name()?, self.name()?);
        let flags =
            CodeFlags::from_bits(self.number()?).ok_or(ReadError::Damaged("unknown code flags"))?;
        let mut code = Code {
            name,
            qualname,
            filename,
            flags,
            argcount: self.number()?,
            posonlyargcount: self.number()?,
            kwonlyargcount: self.number()?,
            stacksize: self.number()?,
            firstlineno: self.number()?,
            body: LazyBody::from(Body::default()),
        };
        let slots = Slots {
            locals: self.number()?,
            cells: self.number()?,
            free: self.number()?,
        };
        let length = self.length()?;
        let end = self.at + length;
        code.body = match self.embedded {
            Some(bytes) => {
                let unread = LazyBody::unread(slots, bytes, self.at);
                self.at = end;
                unread
            }
            None => LazyBody::from(self.body(slots)?),
        };
        if self.at != end {
            return Err(ReadError::Damaged("code of another length"));
        }
        Ok(code)
    }

    fn body(&mut self, slots: Slots) -> Result<Body> {
        Ok(Body {
            varnames: self.names(slots.locals as usize)?,
            cellvars: self.names(slots.cells as usize)?,
            freevars: self.names(slots.free as usize)?,
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
            Constant::Str(vec![0xed, 0xa0, 0x80].into()),
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
