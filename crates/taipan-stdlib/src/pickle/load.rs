//! Bytes to objects: the stack machine, and the opcodes of builtin values. Nothing in the bytes is trusted.

use super::globals::Globals;
use super::input::truncated;
use super::opcode as op;
use super::unpickler::Unpickler;
use super::{HIGHEST_PROTOCOL, unpickling_error};
use dashu_int::IBig;
use std::borrow::Cow;
use taipan_base::codecs::escape::decode_raw_unicode_escape;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::new_dict;
use taipan_core::number::int_from_big;
use taipan_core::str_object::{latin1_char, new_str, try_new_ascii};
use taipan_core::tuple_object::{empty_tuple, new_tuple};
use taipan_core::{Obj, Py, Raised, Value, Vm};
use taipan_types::bytes::{new_bytearray, new_bytes};
use taipan_types::{codec, list, memoryview, set};

/// Where the bytes come from.
pub(super) trait Input {
    /// The next opcode; `None` at the end.
    fn opcode(&mut self, vm: &mut Vm) -> Py<Option<u8>>;
    /// The next `count` bytes.
    fn take(&mut self, vm: &mut Vm, count: usize) -> Py<&[u8]>;
    /// The next bytes up to a line feed, which is skipped.
    fn line(&mut self, vm: &mut Vm) -> Py<Cow<'_, [u8]>>;
    /// A frame of `count` bytes begins.
    fn frame(&mut self, vm: &mut Vm, count: usize) -> Py<()>;
}

/// An unpickling under way.
pub(super) struct Loader<'a, I> {
    /// The unpickler as a value, and as what it is: it has the memo.
    pub owner: &'a Value,
    pub unpickler: &'a Obj<Unpickler>,
    pub globals: &'static Globals,
    pub input: I,
    pub stack: Vec<Value>,
    /// Heights of the stack at the marks.
    pub marks: Vec<usize>,
    /// The last mark: what lies below cannot be taken.
    pub fence: usize,
    pub encoding: String,
    pub errors: String,
    pub buffers: Option<Value>,
    pub persistent_load: Option<Value>,
    /// `find_class` is not overridden.
    pub plain_find_class: bool,
}

impl<I: Input> Loader<'_, I> {
    /// Runs until the end of the pickle.
    pub fn run(&mut self, vm: &mut Vm) -> Py {
        loop {
            let Some(opcode) = self.input.opcode(vm)? else {
                return Err(vm.raise(&types::EOF_ERROR, "Ran out of input"));
            };
            match opcode {
                op::STOP => return self.pop(vm),
                op::MARK => self.mark(vm)?,
                op::BININT1 => {
                    let byte = self.byte(vm)?;
                    self.stack.push(Value::from_i32(byte.into()));
                }
                op::BININT2 => {
                    let number = u16::from_le_bytes(self.array(vm)?);
                    self.stack.push(Value::from_i32(number.into()));
                }
                op::BININT => {
                    let number = i32::from_le_bytes(self.array(vm)?);
                    self.stack.push(Value::from_i32(number));
                }
                op::BINFLOAT => {
                    let x = f64::from_be_bytes(self.array(vm)?);
                    self.stack.push(Value::float(x));
                }
                op::NONE => self.stack.push(Value::none()),
                op::NEWTRUE => self.stack.push(Value::bool(true)),
                op::NEWFALSE => self.stack.push(Value::bool(false)),
                op::SHORT_BINUNICODE => {
                    let count = self.byte(vm)?;
                    self.text(vm, count.into())?;
                }
                op::BINUNICODE => {
                    let count = u32::from_le_bytes(self.array(vm)?);
                    self.text(vm, count as usize)?;
                }
                op::MEMOIZE => {
                    let value = self.top(vm)?.clone();
                    let put = self.unpickler.lock(vm).memo().push(value);
                    stored(vm, put)?;
                }
                op::BINPUT => {
                    let number = self.byte(vm)?;
                    self.put(vm, number.into())?;
                }
                op::BINGET => {
                    let number = self.byte(vm)?;
                    self.get(vm, number.into())?;
                }
                op::LONG_BINGET => {
                    let number = u32::from_le_bytes(self.array(vm)?);
                    self.get(vm, number as usize)?;
                }
                op::LONG_BINPUT => {
                    let number = u32::from_le_bytes(self.array(vm)?);
                    self.put(vm, number as usize)?;
                }
                op::EMPTY_LIST => self.stack.push(list::new_empty()),
                op::EMPTY_DICT => self.stack.push(new_dict()),
                op::EMPTY_TUPLE => self.stack.push(empty_tuple()),
                op::TUPLE1 => self.tuple_of(vm, 1)?,
                op::TUPLE2 => self.tuple_of(vm, 2)?,
                op::TUPLE3 => self.tuple_of(vm, 3)?,
                op::TUPLE => {
                    let items = self.pop_mark(vm)?;
                    self.stack.push(new_tuple(items));
                }
                op::APPEND => self.append(vm)?,
                op::APPENDS => self.appends(vm)?,
                op::SETITEM => self.set_item(vm)?,
                op::SETITEMS => self.set_items(vm)?,
                op::ADDITEMS => self.add_items(vm)?,
                op::REDUCE => self.reduce(vm)?,
                op::BUILD => self.build(vm)?,
                op::NEWOBJ => self.new_object(vm)?,
                op::STACK_GLOBAL => self.stack_global(vm)?,
                op::GLOBAL => self.global(vm)?,
                _ => self.less_frequent(vm, opcode)?,
            }
        }
    }

    #[inline(never)]
    fn less_frequent(&mut self, vm: &mut Vm, opcode: u8) -> Py<()> {
        match opcode {
            op::PROTO => self.protocol(vm),
            op::FRAME => {
                let what = "FRAME length exceeds system's maximum of";
                let count = self.count8(vm, what)?;
                self.input.frame(vm, count)
            }
            op::POP => {
                // A mark on top is popped as such.
                if self.marks.last() == Some(&self.stack.len()) {
                    self.pop_mark(vm)?;
                } else {
                    self.pop(vm)?;
                }
                Ok(())
            }
            op::POP_MARK => self.pop_mark(vm).map(drop),
            op::DUP => {
                let top = self.top(vm)?.clone();
                self.push(top)
            }
            op::INT => self.int_line(vm),
            op::LONG => self.long_line(vm),
            op::LONG1 => {
                let count = self.byte(vm)?;
                self.long(vm, count.into())
            }
            op::LONG4 => {
                let count = self.signed_count(vm, "LONG")?;
                self.long(vm, count)
            }
            op::FLOAT => self.float_line(vm),
            op::STRING => self.string_line(vm),
            op::BINSTRING => {
                let count = self.signed_count(vm, "BINSTRING")?;
                self.string(vm, count)
            }
            op::SHORT_BINSTRING => {
                let count = self.byte(vm)?;
                self.string(vm, count.into())
            }
            op::UNICODE => self.unicode_line(vm),
            op::BINUNICODE8 => {
                let what = "BINUNICODE exceeds system's maximum size of";
                let count = self.count8(vm, what)?;
                self.text(vm, count)
            }
            op::SHORT_BINBYTES => {
                let count = self.byte(vm)?;
                self.bytes(vm, count.into())
            }
            op::BINBYTES => {
                let count = u32::from_le_bytes(self.array(vm)?);
                self.bytes(vm, count as usize)
            }
            op::BINBYTES8 => {
                let what = "BINBYTES exceeds system's maximum size of";
                let count = self.count8(vm, what)?;
                self.bytes(vm, count)
            }
            op::BYTEARRAY8 => {
                let what = "BYTEARRAY8 exceeds system's maximum size of";
                let count = self.count8(vm, what)?;
                let data = self.owned(vm, count)?;
                let made = new_bytearray(vm, data)?;
                self.push(made)
            }
            op::NEXT_BUFFER => self.next_buffer(vm),
            op::READONLY_BUFFER => self.readonly_buffer(vm),
            op::LIST => {
                let items = self.pop_mark(vm)?;
                self.push(list::new_list(items))
            }
            op::DICT => self.dict(vm),
            op::EMPTY_SET => self.push(set::new_empty()),
            op::FROZENSET => {
                let items = new_tuple(self.pop_mark(vm)?);
                let made = set::frozenset_from(vm, &items)?;
                self.push(made)
            }
            op::GET => {
                let line = self.line(vm)?;
                let number = self.memo_number(vm, &line)?;
                match usize::try_from(number) {
                    Ok(number) => self.get(vm, number),
                    Err(_) => Err(not_in_memo(vm, &number.to_string())),
                }
            }
            op::PUT => {
                let line = self.line(vm)?;
                self.top(vm)?;
                match usize::try_from(self.memo_number(vm, &line)?) {
                    Ok(number) => self.put(vm, number),
                    Err(_) => Err(vm.value_error("negative PUT argument")),
                }
            }
            _ => self.object_opcode(vm, opcode),
        }
    }

    // ---- stack ----

    #[inline]
    pub fn push(&mut self, value: Value) -> Py<()> {
        self.stack.push(value);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    pub fn underflow(&self, vm: &mut Vm) -> Raised {
        let message = if self.marks.is_empty() {
            "unpickling stack underflow"
        } else {
            "unexpected MARK found"
        };
        unpickling_error(vm, message)
    }

    #[inline]
    pub fn pop(&mut self, vm: &mut Vm) -> Py {
        if self.stack.len() > self.fence
            && let Some(value) = self.stack.pop()
        {
            return Ok(value);
        }
        Err(self.underflow(vm))
    }

    #[inline]
    pub fn top(&self, vm: &mut Vm) -> Py<&Value> {
        match self.stack.last() {
            Some(value) if self.stack.len() > self.fence => Ok(value),
            _ => Err(self.underflow(vm)),
        }
    }

    /// Puts a value in the place of the topmost one, which is there.
    pub fn replace_top(&mut self, value: Value) {
        let old = self.stack.pop();
        self.stack.push(value);
        drop(old);
    }

    fn mark(&mut self, vm: &mut Vm) -> Py<()> {
        if self.marks.try_reserve(1).is_err() {
            return Err(vm.memory_error());
        }
        self.fence = self.stack.len();
        self.marks.push(self.fence);
        Ok(())
    }

    /// Takes the last mark away; gives the stack's height there.
    pub fn unmark(&mut self, vm: &mut Vm) -> Py<usize> {
        match self.marks.pop() {
            Some(at) => {
                self.fence = self.marks.last().copied().unwrap_or(0);
                Ok(at)
            }
            None => Err(unpickling_error(vm, "could not find MARK")),
        }
    }

    /// Takes the last mark and all above it away.
    pub fn pop_mark(&mut self, vm: &mut Vm) -> Py<Vec<Value>> {
        let at = self.unmark(vm)?;
        Ok(self.stack.split_off(at))
    }

    // ---- memo ----

    #[inline]
    fn get(&mut self, vm: &mut Vm, number: usize) -> Py<()> {
        let found = self.unpickler.lock(vm).memo().get(number);
        match found {
            Some(value) => self.push(value),
            None => Err(not_in_memo(vm, &number.to_string())),
        }
    }

    #[inline]
    fn put(&mut self, vm: &mut Vm, number: usize) -> Py<()> {
        let value = self.top(vm)?.clone();
        let put = self.unpickler.lock(vm).memo().put(number, value);
        stored(vm, put)
    }

    fn memo_number(&mut self, vm: &mut Vm, line: &[u8]) -> Py<i64> {
        let mut text = line.to_vec();
        text.push(b'\n');
        let number = decimal(vm, &text)?;
        vm.index_i64(&number)
    }

    // ---- arguments ----

    #[inline]
    pub fn byte(&mut self, vm: &mut Vm) -> Py<u8> {
        let [byte] = self.array(vm)?;
        Ok(byte)
    }

    #[inline]
    pub fn array<const N: usize>(&mut self, vm: &mut Vm) -> Py<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.input.take(vm, N)?);
        Ok(array)
    }

    /// A line that has at least one byte.
    pub fn line(&mut self, vm: &mut Vm) -> Py<Vec<u8>> {
        let line = self.input.line(vm)?.into_owned();
        if line.is_empty() {
            return Err(truncated(vm));
        }
        Ok(line)
    }

    fn count8(&mut self, vm: &mut Vm, what: &str) -> Py<usize> {
        let count = u64::from_le_bytes(self.array(vm)?);
        match i64::try_from(count) {
            Ok(count) => Ok(count as usize),
            Err(_) => Err(vm.overflow_error(format!("{what} {} bytes", i64::MAX))),
        }
    }

    fn signed_count(&mut self, vm: &mut Vm, what: &str) -> Py<usize> {
        let count = i32::from_le_bytes(self.array(vm)?);
        usize::try_from(count)
            .map_err(|_| unpickling_error(vm, format!("{what} pickle has negative byte count")))
    }

    fn owned(&mut self, vm: &mut Vm, count: usize) -> Py<Vec<u8>> {
        let data = self.input.take(vm, count)?;
        let mut owned = Vec::new();
        if owned.try_reserve_exact(count).is_err() {
            return Err(vm.memory_error());
        }
        owned.extend_from_slice(data);
        Ok(owned)
    }

    fn protocol(&mut self, vm: &mut Vm) -> Py<()> {
        let proto = self.byte(vm)?;
        if proto > HIGHEST_PROTOCOL {
            let message = format!("unsupported pickle protocol: {proto}");
            return Err(vm.value_error(message));
        }
        self.unpickler.lock(vm).set_protocol(proto);
        Ok(())
    }

    // ---- numbers ----

    fn int_line(&mut self, vm: &mut Vm) -> Py<()> {
        let line = self.line(vm)?;
        let value = match decimal(vm, &line) {
            Ok(value) => value,
            Err(raised) => {
                vm.catch(raised, &types::VALUE_ERROR)?;
                return Err(vm.value_error("could not convert string to int"));
            }
        };
        // Booleans are ints of two characters.
        match (line.len(), value.small_int()) {
            (2, Some(i @ (0 | 1))) => self.push(Value::bool(i == 1)),
            _ => self.push(value),
        }
    }

    fn long_line(&mut self, vm: &mut Vm) -> Py<()> {
        let mut line = self.line(vm)?;
        if line.last() == Some(&b'L') {
            line.pop();
        }
        let value = decimal(vm, &line)?;
        self.push(value)
    }

    fn long(&mut self, vm: &mut Vm, count: usize) -> Py<()> {
        let data = self.input.take(vm, count)?;
        let value = if data.is_empty() {
            Value::from_i32(0)
        } else {
            int_from_big(IBig::from_le_bytes(data))
        };
        self.push(value)
    }

    fn float_line(&mut self, vm: &mut Vm) -> Py<()> {
        let line = self.line(vm)?;
        let shown = || String::from_utf8_lossy(&line).into_owned();
        match taipan_base::float_text::parse_float(&line) {
            Some(x) if x.is_infinite() && line.iter().any(u8::is_ascii_digit) => {
                let message = format!("value too large to convert to float: '{}\n'", shown());
                Err(vm.overflow_error(message))
            }
            Some(x) => self.push(Value::float(x)),
            None => {
                let message = format!("could not convert string to float: '{}\n'", shown());
                Err(vm.value_error(message))
            }
        }
    }

    // ---- text and bytes ----

    #[inline]
    fn text(&mut self, vm: &mut Vm, count: usize) -> Py<()> {
        let data = self.input.take(vm, count)?;
        let value = if let [byte] = data
            && byte.is_ascii()
        {
            latin1_char(*byte)
        } else if data.is_ascii() {
            match try_new_ascii(data) {
                Some(text) => text,
                None => return Err(vm.memory_error()),
            }
        } else {
            codec::decode(vm, data, None, Some("surrogatepass"))?
        };
        self.push(value)
    }

    fn bytes(&mut self, vm: &mut Vm, count: usize) -> Py<()> {
        let data = self.input.take(vm, count)?;
        let value = new_bytes(vm, data)?;
        self.push(value)
    }

    /// An 8-bit string of Python 2.
    fn string(&mut self, vm: &mut Vm, count: usize) -> Py<()> {
        let data = self.input.take(vm, count)?;
        let value = if self.encoding == "bytes" {
            new_bytes(vm, data)?
        } else {
            codec::decode(vm, data, Some(&self.encoding), Some(&self.errors))?
        };
        self.push(value)
    }

    fn string_line(&mut self, vm: &mut Vm) -> Py<()> {
        let line = self.line(vm)?;
        let data = match &line[..] {
            [quote @ (b'"' | b'\''), inside @ .., last] if quote == last => inside,
            _ => {
                let message = "the STRING opcode argument must be quoted";
                return Err(unpickling_error(vm, message));
            }
        };
        let data = new_bytes(vm, data)?;
        let codecs = codec::registry::import(vm, "_codecs")?;
        let unescaped = vm.call_method(&codecs, taipan_core::name!("escape_decode"), &[data])?;
        let data = vm.get_item(&unescaped, &Value::from_i32(0))?;
        let data = taipan_types::bytes::bytes_of(&data).unwrap_or_default();
        let value = if self.encoding == "bytes" {
            new_bytes(vm, data)?
        } else {
            codec::decode(vm, data, Some(&self.encoding), Some(&self.errors))?
        };
        self.push(value)
    }

    fn unicode_line(&mut self, vm: &mut Vm) -> Py<()> {
        let line = self.input.line(vm)?.into_owned();
        let text = codec::decode_loop(
            vm,
            &line,
            0,
            "rawunicodeescape",
            None,
            true,
            &mut decode_raw_unicode_escape,
        )?;
        let value = taipan_types::str::from_buf(vm, text.0)?;
        self.push(value)
    }

    fn next_buffer(&mut self, vm: &mut Vm) -> Py<()> {
        let Some(buffers) = self.buffers.clone() else {
            let message = "pickle stream refers to out-of-band data \
                           but no *buffers* argument was given";
            return Err(unpickling_error(vm, message));
        };
        match vm.next(&buffers)? {
            Some(buffer) => self.push(buffer),
            None => Err(unpickling_error(vm, "not enough out-of-band buffers")),
        }
    }

    fn readonly_buffer(&mut self, vm: &mut Vm) -> Py<()> {
        let top = self.top(vm)?.clone();
        let view = memoryview::new_memoryview(vm, &top)?;
        let readonly = vm.get_attr_str(&view, "readonly")?;
        if !vm.truth(&readonly)? {
            let view = vm.call_method(&view, taipan_core::name!("toreadonly"), &[])?;
            self.replace_top(view);
        }
        Ok(())
    }

    #[inline]
    fn tuple_of(&mut self, vm: &mut Vm, count: usize) -> Py<()> {
        if self.stack.len() < self.fence + count {
            return Err(self.underflow(vm));
        }
        let tuple = new_tuple(self.stack.drain(self.stack.len() - count..));
        self.push(tuple)
    }
}

/// What became of storing to the memo: the old value is dropped when no guard is held.
#[inline]
fn stored(vm: &mut Vm, put: Result<Option<Value>, ()>) -> Py<()> {
    match put {
        Ok(old) => {
            drop(old);
            Ok(())
        }
        Err(()) => Err(vm.memory_error()),
    }
}

#[cold]
fn not_in_memo(vm: &mut Vm, number: &str) -> Raised {
    unpickling_error(vm, format!("Memo value not found at index {number}"))
}

/// `int(text)`
fn decimal(vm: &mut Vm, text: &[u8]) -> Py {
    let shown = new_str(&String::from_utf8_lossy(text));
    taipan_types::int::parse_bytes(vm, &shown, text, 10)
}
