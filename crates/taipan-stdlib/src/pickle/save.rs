//! Objects to bytes: the frame, the memo's opcodes, and the builtin types. The rest is in [`super::reduce`].

use super::buffer::PickleBuffer;
use super::globals::Globals;
use super::opcode as op;
use super::pickler::Pickler;
use super::{BATCH, pickling_error, type_text};
use crate::support::noted;
use taipan_base::codecs::escape::encode_raw_unicode_escape;
use taipan_base::text::Text;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of};
use taipan_core::str_object::{Str, str_of};
use taipan_core::tuple_object::{self, empty_tuple, new_tuple};
use taipan_core::{Obj, Py, Raised, Value, Vm};
use taipan_types::buffer::gather;
use taipan_types::bytes::{ByteArray, bytearray_copy, bytes_of, new_bytes};
use taipan_types::list::{List, ListExt, Storage, list_of, new_list};
use taipan_types::{int, set};

/// A frame is closed once it has this many bytes.
const FRAME_TARGET: usize = 64 * 1024;
/// Shorter frames go without a frame opcode.
const FRAME_MIN: usize = 4;
/// The frame opcode and its length.
const FRAME_HEADER: usize = 9;
/// From this nesting on the fast mode looks for cycles.
const FAST_NESTING: usize = 50;

/// A pickling under way.
pub(super) struct Saver<'a> {
    /// Has the memo.
    pub pickler: &'a Obj<Pickler>,
    pub globals: &'static Globals,
    pub out: Vec<u8>,
    /// Are there frames, and where does the current one begin?
    pub framing: bool,
    pub frame: Option<usize>,
    pub proto: u8,
    /// Binary opcodes (protocol 1 and later).
    pub bin: bool,
    /// No memo.
    pub fast: bool,
    pub fix_imports: bool,
    /// The file's `write`; all is kept without one.
    pub write: Option<Value>,
    pub buffer_callback: Option<Value>,
    pub persistent_id: Option<Value>,
    pub reducer_override: Option<Value>,
    pub dispatch_table: Option<Value>,
    /// Nested lists and dicts in the fast mode.
    pub nested: Vec<u64>,
}

/// Opcodes around the items of a container.
pub(super) struct Batch {
    pub one: u8,
    pub many: u8,
}

pub(super) const LIST_BATCH: Batch = Batch {
    one: op::APPEND,
    many: op::APPENDS,
};
pub(super) const DICT_BATCH: Batch = Batch {
    one: op::SETITEM,
    many: op::SETITEMS,
};

impl Saver<'_> {
    /// The whole pickle of one object; what no file has taken is left in `out`.
    pub fn dump(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        if self.proto >= 2 {
            self.out.extend([op::PROTO, self.proto]);
            if self.proto >= 4 {
                self.framing = true;
                self.open_frame();
            }
        }
        self.save(vm, object)?;
        self.out.push(op::STOP);
        self.close_frame();
        self.framing = false;
        self.flush(vm)
    }

    // ---- frames ----

    fn open_frame(&mut self) {
        self.frame = Some(self.out.len());
        self.out.extend([0; FRAME_HEADER]);
    }

    fn close_frame(&mut self) {
        let Some(start) = self.frame.take() else {
            return;
        };
        let content = start + FRAME_HEADER;
        let len = self.out.len() - content;
        if len < FRAME_MIN {
            self.out.drain(start..content);
            return;
        }
        self.out[start] = op::FRAME;
        self.out[start + 1..content].copy_from_slice(&(len as u64).to_le_bytes());
    }

    /// Between two opcodes: a full frame is closed and given to the file.
    #[inline]
    fn boundary(&mut self, vm: &mut Vm) -> Py<()> {
        match self.frame {
            Some(start) if self.out.len() - start >= FRAME_TARGET + FRAME_HEADER => {
                self.close_frame();
                self.flush(vm)?;
                self.open_frame();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Gives the file what was written so far.
    fn flush(&mut self, vm: &mut Vm) -> Py<()> {
        let Some(write) = &self.write else {
            return Ok(());
        };
        if self.out.is_empty() {
            return Ok(());
        }
        let write = write.clone();
        let bytes = new_bytes(vm, &self.out)?;
        self.out.clear();
        vm.call(&write, &[bytes])?;
        Ok(())
    }

    /// A length and as many bytes. Large ones get no frame, and the file gets them by themselves: `payload`, if it is an object
    /// of just these bytes.
    fn data(&mut self, vm: &mut Vm, header: &[u8], data: &[u8], payload: Option<&Value>) -> Py<()> {
        if data.len() < FRAME_TARGET {
            self.out.extend_from_slice(header);
            self.out.extend_from_slice(data);
            return Ok(());
        }
        self.close_frame();
        self.out.extend_from_slice(header);
        match self.write.clone() {
            Some(write) => {
                let payload = match payload {
                    Some(payload) => payload.clone(),
                    None => new_bytes(vm, data)?,
                };
                self.flush(vm)?;
                vm.call(&write, &[payload])?;
            }
            None => {
                if self.out.try_reserve(data.len()).is_err() {
                    return Err(vm.memory_error());
                }
                self.out.extend_from_slice(data);
            }
        }
        if self.framing {
            self.open_frame();
        }
        Ok(())
    }

    // ---- memo ----

    #[inline]
    pub fn number_of(&self, vm: &mut Vm, object: &Value) -> Option<usize> {
        self.pickler.lock(vm).memo().get(object)
    }

    /// Notes an object that is on the stack of the pickle's reader now.
    #[inline]
    pub fn memoize(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        if self.fast {
            return Ok(());
        }
        let number = self.pickler.lock(vm).memo().add(object);
        let Some(number) = number else {
            return Err(vm.memory_error());
        };
        if self.proto >= 4 {
            self.out.push(op::MEMOIZE);
            return Ok(());
        }
        self.numbered(vm, number, [op::PUT, op::BINPUT, op::LONG_BINPUT])
    }

    /// Fetches an object that was pickled before.
    #[inline]
    pub fn recall(&mut self, vm: &mut Vm, number: usize) -> Py<()> {
        self.numbered(vm, number, [op::GET, op::BINGET, op::LONG_BINGET])
    }

    /// An opcode with a memo's number, as text or in one byte or in four.
    fn numbered(&mut self, vm: &mut Vm, number: usize, [text, short, long]: [u8; 3]) -> Py<()> {
        if !self.bin {
            self.out.push(text);
            self.line(&number.to_string());
        } else if let Ok(number) = u8::try_from(number) {
            self.out.extend([short, number]);
        } else if let Ok(number) = u32::try_from(number) {
            self.out.push(long);
            self.out.extend(number.to_le_bytes());
        } else {
            return Err(pickling_error(vm, "memo id too large for LONG_BINPUT"));
        }
        Ok(())
    }

    fn line(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
        self.out.push(b'\n');
    }

    // ---- any object ----

    /// Pickles an object.
    #[inline]
    pub fn save(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        self.boundary(vm)?;
        if self.persistent_id.is_some() && self.persistent(vm, object)? {
            return Ok(());
        }
        self.save_here(vm, object)
    }

    /// Pickles an object that has no persistent id.
    #[inline]
    fn save_here(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        if let Some(i) = object.small_int() {
            return self.small_int(i);
        }
        if let Some(x) = object.small_float() {
            return self.float(x);
        }
        self.save_object(vm, object)
    }

    fn save_object(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        if object.is_none() {
            self.out.push(op::NONE);
            return Ok(());
        }
        let ty = object.type_of();
        let is = |other: &taipan_core::TypeObject| std::ptr::eq(ty, other);
        if is(&types::BOOL) {
            return self.bool(object.is_true());
        }
        if is(&types::INT) {
            return self.big_int(vm, object);
        }
        if let (true, Some(x)) = (is(&types::FLOAT), object.as_float()) {
            return self.float(x);
        }
        if let Some(number) = self.number_of(vm, object) {
            return self.recall(vm, number);
        }
        if let (true, Some(text)) = (is(&types::STR), str_of(object)) {
            return self.text(vm, object, text);
        }
        if is(&types::BYTES) {
            return self.bytes(vm, object);
        }
        vm.check_stack()?;
        if let (true, Some(dict)) = (is(&types::DICT), dict_of(object)) {
            return self.dict(vm, object, dict);
        }
        if let (true, Some(list)) = (is(&types::LIST), list_of(object)) {
            return self.list(vm, object, list);
        }
        if is(&types::TUPLE) {
            return self.tuple(vm, object);
        }
        if is(&types::SET) {
            return self.set(vm, object);
        }
        if is(&types::FROZENSET) {
            return self.frozenset(vm, object);
        }
        if is(&types::BYTEARRAY) {
            return self.bytearray(vm, object);
        }
        if object.cast::<PickleBuffer>().is_some() {
            return self.buffer(vm, object);
        }
        self.reducible(vm, object)
    }

    /// Writes the persistent id of an object, if it has one.
    fn persistent(&mut self, vm: &mut Vm, object: &Value) -> Py<bool> {
        let Some(persistent_id) = self.persistent_id.clone() else {
            return Ok(false);
        };
        let id = vm.call(&persistent_id, std::slice::from_ref(object))?;
        if id.is_none() {
            return Ok(false);
        }
        if self.bin {
            vm.check_stack()?;
            self.boundary(vm)?;
            self.save_here(vm, &id)?;
            self.out.push(op::BINPERSID);
            return Ok(true);
        }
        let text = vm.str(&id)?;
        let Some(ascii) = str_of(&text).and_then(|text| text.ascii()) else {
            let message = "persistent IDs in protocol 0 must be ASCII strings";
            return Err(pickling_error(vm, message));
        };
        self.out.push(op::PERSID);
        self.line(ascii);
        Ok(true)
    }

    // ---- numbers ----

    fn bool(&mut self, value: bool) -> Py<()> {
        match (self.proto >= 2, value) {
            (true, true) => self.out.push(op::NEWTRUE),
            (true, false) => self.out.push(op::NEWFALSE),
            (false, true) => self.out.extend(b"I01\n"),
            (false, false) => self.out.extend(b"I00\n"),
        }
        Ok(())
    }

    #[inline]
    fn small_int(&mut self, i: i64) -> Py<()> {
        let Ok(short) = i32::try_from(i) else {
            return self.long(&i.to_le_bytes(), || taipan_base::int_text::format_i64(i));
        };
        if !self.bin {
            self.out.push(op::INT);
            self.line(&short.to_string());
            return Ok(());
        }
        let [a, b, c, d] = short.to_le_bytes();
        if c != 0 || d != 0 {
            self.out.extend([op::BININT, a, b, c, d]);
        } else if b != 0 {
            self.out.extend([op::BININT2, a, b]);
        } else {
            self.out.extend([op::BININT1, a]);
        }
        Ok(())
    }

    fn big_int(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        let Some(big) = object.as_big() else {
            return Ok(());
        };
        if self.proto >= 2 {
            return self.long(&big.to_le_bytes(), String::new);
        }
        let text = int::decimal(vm, object)?;
        self.long(&[], || text)
    }

    /// An int of more than 32 bits, given as two's complement and as decimal text.
    fn long(&mut self, bytes: &[u8], text: impl FnOnce() -> String) -> Py<()> {
        if self.proto < 2 {
            self.out.push(op::LONG);
            let text = text();
            self.out.extend_from_slice(text.as_bytes());
            self.line("L");
            return Ok(());
        }
        let bytes = shortest(bytes);
        match u8::try_from(bytes.len()) {
            Ok(len) => self.out.extend([op::LONG1, len]),
            Err(_) => {
                self.out.push(op::LONG4);
                self.out.extend((bytes.len() as u32).to_le_bytes());
            }
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    fn float(&mut self, x: f64) -> Py<()> {
        if self.bin {
            self.out.push(op::BINFLOAT);
            self.out.extend(x.to_be_bytes());
        } else {
            self.out.push(op::FLOAT);
            self.line(&taipan_base::float_text::repr(x));
        }
        Ok(())
    }

    // ---- text and bytes ----

    #[inline]
    fn text(&mut self, vm: &mut Vm, object: &Value, text: &Str) -> Py<()> {
        if !self.bin {
            self.out.push(op::UNICODE);
            raw_unicode(taipan_types::str::view(text), &mut self.out);
            self.out.push(b'\n');
        } else if let (Some(ascii), Ok(len), true) =
            (text.ascii(), u8::try_from(text.len()), self.proto >= 4)
        {
            self.out.extend([op::SHORT_BINUNICODE, len]);
            self.out.extend_from_slice(ascii.as_bytes());
        } else {
            self.long_text(vm, text)?;
        }
        self.memoize(vm, object)
    }

    fn long_text(&mut self, vm: &mut Vm, text: &Str) -> Py<()> {
        let encoded;
        let data = match text.ascii() {
            Some(ascii) => ascii.as_bytes(),
            None => {
                encoded = text.to_wtf8();
                &encoded
            }
        };
        let opcodes = [op::SHORT_BINUNICODE, op::BINUNICODE, op::BINUNICODE8];
        self.sized(vm, opcodes, 4, "a string", data, None)
    }

    /// Bytes behind their length in one byte (from a protocol on), four or eight bytes.
    fn sized(
        &mut self,
        vm: &mut Vm,
        [short, medium, long]: [u8; 3],
        short_from: u8,
        what: &str,
        data: &[u8],
        payload: Option<&Value>,
    ) -> Py<()> {
        let mut header = [0; 9];
        header[1..].copy_from_slice(&(data.len() as u64).to_le_bytes());
        let width = if data.len() <= 0xff && self.proto >= short_from {
            header[0] = short;
            2
        } else if u32::try_from(data.len()).is_ok() {
            header[0] = medium;
            5
        } else if self.proto >= 4 {
            header[0] = long;
            9
        } else {
            return Err(vm.overflow_error(format!(
                "serializing {what} larger than 4 GiB requires pickle protocol 4 or higher"
            )));
        };
        self.data(vm, &header[..width], data, payload)
    }

    fn bytes(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        let data = bytes_of(object).unwrap_or_default();
        if self.proto >= 3 {
            self.bytes_data(vm, data, Some(object))?;
            return self.memoize(vm, object);
        }
        vm.check_stack()?;
        if data.is_empty() {
            let parts = [types::BYTES.to_value(), empty_tuple()];
            return self.reduced(vm, &new_tuple(parts), Some(object));
        }
        let encoding = taipan_core::str_object::new_str("latin1");
        let text = taipan_types::codec::decode(vm, data, Some("latin-1"), None)?;
        let parts = [self.globals.encode.clone(), new_tuple([text, encoding])];
        self.reduced(vm, &new_tuple(parts), Some(object))
    }

    fn bytes_data(&mut self, vm: &mut Vm, data: &[u8], payload: Option<&Value>) -> Py<()> {
        let opcodes = [op::SHORT_BINBYTES, op::BINBYTES, op::BINBYTES8];
        self.sized(vm, opcodes, 3, "a bytes object", data, payload)
    }

    fn bytearray_data(&mut self, vm: &mut Vm, data: &[u8], payload: Option<&Value>) -> Py<()> {
        let mut header = [op::BYTEARRAY8; 9];
        header[1..].copy_from_slice(&(data.len() as u64).to_le_bytes());
        self.data(vm, &header, data, payload)
    }

    fn bytearray(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        debug_assert!(object.cast::<ByteArray>().is_some());
        let data = bytearray_copy(vm, object).unwrap_or_default();
        if self.proto >= 5 {
            self.bytearray_data(vm, &data, Some(object))?;
            return self.memoize(vm, object);
        }
        let args = if data.is_empty() {
            empty_tuple()
        } else {
            new_tuple([new_bytes(vm, &data)?])
        };
        let parts = new_tuple([types::BYTEARRAY.to_value(), args]);
        self.reduced(vm, &parts, Some(object))
    }

    fn buffer(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        if self.proto < 5 {
            let message = "PickleBuffer can only be pickled with protocol >= 5";
            return Err(pickling_error(vm, message));
        }
        let lent = super::buffer::lend(vm, object)?;
        if !super::buffer::is_contiguous(&lent) {
            let message =
                "PickleBuffer can not be pickled when pointing to a non-contiguous buffer";
            return Err(pickling_error(vm, message));
        }
        let in_band = match self.buffer_callback.clone() {
            Some(callback) => {
                let answer = vm.call(&callback, std::slice::from_ref(object))?;
                vm.truth(&answer)?
            }
            None => true,
        };
        if !in_band {
            self.out.push(op::NEXT_BUFFER);
            if lent.readonly {
                self.out.push(op::READONLY_BUFFER);
            }
            return Ok(());
        }
        let data = if lent.is_c_contiguous() {
            gather(&lent)
        } else {
            lent.as_slice().to_vec()
        };
        if lent.readonly {
            self.bytes_data(vm, &data, None)?;
        } else {
            self.bytearray_data(vm, &data, None)?;
        }
        self.memoize(vm, object)
    }

    // ---- containers ----

    /// In the fast mode: notes that a container begins, refuses cycles.
    fn enter(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        if !self.fast {
            return Ok(());
        }
        if self.nested.len() >= FAST_NESTING && self.nested.contains(&object.bits()) {
            let message = format!(
                "fast mode: can't pickle cyclic objects including object type {} at {:#x}",
                object.type_of().name(),
                object.bits()
            );
            return Err(vm.value_error(message));
        }
        self.nested.push(object.bits());
        Ok(())
    }

    fn leave(&mut self) {
        self.nested.pop();
    }

    fn begin(&mut self, vm: &mut Vm, object: &Value, binary: u8, text: u8) -> Py<()> {
        self.enter(vm, object)?;
        if self.bin {
            self.out.push(binary);
        } else {
            self.out.extend([op::MARK, text]);
        }
        self.memoize(vm, object)
    }

    fn list(&mut self, vm: &mut Vm, object: &Value, list: &Obj<List>) -> Py<()> {
        self.begin(vm, object, op::EMPTY_LIST, op::LIST)?;
        let len = list.len(vm);
        let result = if len == 0 {
            Ok(())
        } else if self.proto == 0 || !self.bin {
            match vm.iter(object) {
                Ok(iterator) => self.append_all(vm, &iterator, object),
                Err(raised) => Err(raised),
            }
        } else {
            self.list_items(vm, object, list, len)
        };
        self.leave();
        result
    }

    fn list_items(&mut self, vm: &mut Vm, object: &Value, list: &Obj<List>, len: usize) -> Py<()> {
        if let (1, Some(item)) = (len, list.get(vm, 0)) {
            self.item(vm, &item, object, 0)?;
            self.out.push(LIST_BATCH.one);
            return Ok(());
        }
        let mut at = 0;
        loop {
            self.out.push(op::MARK);
            let end = at + BATCH;
            if self.persistent_id.is_none() {
                at += self.numbers(vm, list, at)?;
            }
            while at < end
                && let Some(item) = list.get(vm, at)
            {
                self.item(vm, &item, object, at)?;
                at += 1;
            }
            self.out.push(LIST_BATCH.many);
            if at >= list.len(vm) {
                return Ok(());
            }
        }
    }

    /// A batch of a list that stores raw numbers; gives how many were written.
    fn numbers(&mut self, vm: &mut Vm, list: &Obj<List>, from: usize) -> Py<usize> {
        let batch = |storage: &Storage| {
            let to = storage.len().min(from + BATCH);
            let ints = storage.ints().and_then(|row| row.get(from..to));
            let floats = storage.floats().and_then(|row| row.get(from..to));
            (ints.map(<[i64]>::to_vec), floats.map(<[f64]>::to_vec))
        };
        match list.read(vm, batch) {
            (Some(ints), _) => {
                for i in &ints {
                    self.boundary(vm)?;
                    self.small_int(*i)?;
                }
                Ok(ints.len())
            }
            (_, Some(floats)) => {
                for x in &floats {
                    self.boundary(vm)?;
                    self.float(*x)?;
                }
                Ok(floats.len())
            }
            _ => Ok(0),
        }
    }

    /// An item of a sequence; errors get a note that says which.
    #[inline]
    pub fn item(&mut self, vm: &mut Vm, item: &Value, of: &Value, at: usize) -> Py<()> {
        match self.save(vm, item) {
            Ok(()) => Ok(()),
            Err(raised) => Err(note(vm, raised, of, &format!("item {at}"))),
        }
    }

    fn tuple(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        let items = tuple_object::items(object).unwrap_or_default();
        let len = items.len();
        if len == 0 {
            if self.bin {
                self.out.push(op::EMPTY_TUPLE);
            } else {
                self.out.extend([op::MARK, op::TUPLE]);
            }
            return Ok(());
        }
        let short = len <= 3 && self.proto >= 2;
        if !short {
            self.out.push(op::MARK);
        }
        for (at, item) in items.iter().enumerate() {
            self.item(vm, item, object, at)?;
        }
        // A tuple in a cycle through itself has been pickled by now: what lies on the stack is dropped.
        if let Some(number) = self.number_of(vm, object) {
            if short {
                self.out.extend(std::iter::repeat_n(op::POP, len));
            } else if self.bin {
                self.out.push(op::POP_MARK);
            } else {
                self.out.extend(std::iter::repeat_n(op::POP, len + 1));
            }
            return self.recall(vm, number);
        }
        self.out.push(match (short, len) {
            (true, 1) => op::TUPLE1,
            (true, 2) => op::TUPLE2,
            (true, _) => op::TUPLE3,
            _ => op::TUPLE,
        });
        self.memoize(vm, object)
    }

    fn dict(&mut self, vm: &mut Vm, object: &Value, dict: &Obj<Dict>) -> Py<()> {
        self.begin(vm, object, op::EMPTY_DICT, op::DICT)?;
        let len = dict.len();
        let result = if len == 0 {
            Ok(())
        } else if self.proto == 0 || !self.bin {
            self.plain_dict_items(vm, object)
        } else {
            self.dict_items(vm, object, dict, len)
        };
        self.leave();
        result
    }

    fn plain_dict_items(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        let items = vm.call_method(object, taipan_core::name!("items"), &[])?;
        let iterator = vm.iter(&items)?;
        self.set_all(vm, &iterator, object)
    }

    fn dict_items(&mut self, vm: &mut Vm, object: &Value, dict: &Obj<Dict>, len: usize) -> Py<()> {
        let mut at = 0;
        if len == 1 {
            if let Some((key, value)) = dict.next_entry(&mut at) {
                self.pair(vm, &key, &value, object)?;
            }
            self.out.push(DICT_BATCH.one);
            return Ok(());
        }
        loop {
            self.out.push(op::MARK);
            let mut count = 0;
            while count < BATCH
                && let Some((key, value)) = dict.next_entry(&mut at)
            {
                self.pair(vm, &key, &value, object)?;
                count += 1;
            }
            self.out.push(DICT_BATCH.many);
            if dict.len() != len {
                return Err(vm.runtime_error("dictionary changed size during iteration"));
            }
            if count < BATCH {
                return Ok(());
            }
        }
    }

    /// A key and its value; errors in the value get a note that names the key.
    #[inline]
    pub fn pair(&mut self, vm: &mut Vm, key: &Value, value: &Value, of: &Value) -> Py<()> {
        self.save(vm, key)?;
        match self.save(vm, value) {
            Ok(()) => Ok(()),
            Err(raised) => Err(self.pair_note(vm, raised, key, of)),
        }
    }

    #[cold]
    fn pair_note(&self, vm: &mut Vm, raised: Raised, key: &Value, of: &Value) -> Raised {
        let exception = vm.take_raised(raised);
        match vm.repr_string(key) {
            Ok(key) => {
                let raised = vm.set_pending(exception);
                note(vm, raised, of, &format!("item {key}"))
            }
            Err(raised) => raised,
        }
    }

    fn element(&mut self, vm: &mut Vm, key: &Value, of: &Value) -> Py<()> {
        match self.save(vm, key) {
            Ok(()) => Ok(()),
            Err(raised) => Err(note(vm, raised, of, "element")),
        }
    }

    /// Sets before protocol 4: called with a list.
    fn old_set(&mut self, vm: &mut Vm, object: &Value, keys: Vec<Value>) -> Py<()> {
        let args = new_tuple([new_list(keys)]);
        let parts = new_tuple([object.type_of().to_value(), args]);
        self.reduced(vm, &parts, Some(object))
    }

    fn set(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        let Some(own) = set::any_set(object) else {
            return Ok(());
        };
        let keys = set::keys(vm, own);
        if self.proto < 4 {
            return self.old_set(vm, object, keys);
        }
        self.out.push(op::EMPTY_SET);
        self.memoize(vm, object)?;
        if keys.is_empty() {
            return Ok(());
        }
        let mut rest = &keys[..];
        loop {
            let (batch, more) = rest.split_at(rest.len().min(BATCH));
            self.out.push(op::MARK);
            for key in batch {
                self.element(vm, key, object)?;
            }
            self.out.push(op::ADDITEMS);
            if set::len(vm, own) != keys.len() {
                return Err(vm.runtime_error("set changed size during iteration"));
            }
            if batch.len() < BATCH {
                return Ok(());
            }
            rest = more;
        }
    }

    fn frozenset(&mut self, vm: &mut Vm, object: &Value) -> Py<()> {
        let Some(own) = set::any_set(object) else {
            return Ok(());
        };
        let keys = set::keys(vm, own);
        if self.proto < 4 {
            return self.old_set(vm, object, keys);
        }
        self.out.push(op::MARK);
        for key in &keys {
            self.element(vm, key, object)?;
        }
        if let Some(number) = self.number_of(vm, object) {
            self.out.push(op::POP_MARK);
            return self.recall(vm, number);
        }
        self.out.push(op::FROZENSET);
        self.memoize(vm, object)
    }
}

/// Adds "when serializing TYPE WHAT" to an error.
#[cold]
pub(super) fn note(vm: &mut Vm, raised: Raised, object: &Value, what: &str) -> Raised {
    let exception = vm.take_raised(raised);
    let text = type_text(vm, object);
    let raised = vm.set_pending(exception);
    noted(vm, raised, &format!("when serializing {text} {what}"))
}

/// Text on a line of its own: what would end or garble the line is escaped too.
fn raw_unicode(text: Text<'_>, out: &mut Vec<u8>) {
    for c in text.chars() {
        match c {
            0 | 0x0a | 0x0d | 0x1a | 0x5c => out.extend(format!("\\u{c:04x}").bytes()),
            _ => encode_raw_unicode_escape(Text::Ucs4(&[c]), out),
        }
    }
}

/// Two's complement without superfluous bytes.
fn shortest(bytes: &[u8]) -> &[u8] {
    let mut len = bytes.len();
    while len > 1 {
        let (top, next) = (bytes[len - 1], bytes[len - 2]);
        let superfluous = top == 0 && next & 0x80 == 0 || top == 0xff && next & 0x80 != 0;
        if !superfluous {
            break;
        }
        len -= 1;
    }
    &bytes[..len]
}
