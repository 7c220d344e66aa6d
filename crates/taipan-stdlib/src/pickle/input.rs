//! Where the unpickler's bytes come from: bytes, or a file of which no byte behind the pickle may be consumed.

use super::load::Input;
use super::unpickling_error;
use crate::support::Holds;
use std::borrow::Cow;
use taipan_core::{Py, Raised, Tracer, Value, Vm};
use taipan_types::buffer::bytes_like;

/// A file that can be peeked into is asked for as many bytes at a time.
const PREFETCH: usize = 128 * 1024;
/// Larger pieces are read in steps that grow, so that a pickle that only claims to be large takes no memory.
const STEP: usize = 1 << 20;

#[cold]
pub(super) fn truncated(vm: &mut Vm) -> Raised {
    unpickling_error(vm, "pickle data was truncated")
}

/// What an opcode that reaches over the end of its frame gets.
#[cold]
fn end_of_frame(vm: &mut Vm) -> Raised {
    unpickling_error(vm, "pickle exhausted before end of frame")
}

#[cold]
fn nested_frame(vm: &mut Vm) -> Raised {
    let message = "beginning of a new frame before end of current frame";
    unpickling_error(vm, message)
}

/// Bytes in memory.
pub(super) struct BytesInput<'a> {
    data: &'a [u8],
    at: usize,
    /// The end of the current frame; without one, that of the data.
    end: usize,
    framed: bool,
}

impl<'a> BytesInput<'a> {
    pub fn new(data: &'a [u8]) -> BytesInput<'a> {
        BytesInput {
            data,
            at: 0,
            end: data.len(),
            framed: false,
        }
    }

    /// The bytes that may be taken now: a frame that is used up is left.
    fn rest(&mut self) -> &'a [u8] {
        if self.at == self.end {
            self.end = self.data.len();
            self.framed = false;
        }
        self.data.get(self.at..self.end).unwrap_or_default()
    }

    /// The error of asking for more than is there.
    #[cold]
    fn short(&self, vm: &mut Vm) -> Raised {
        if self.framed {
            end_of_frame(vm)
        } else {
            truncated(vm)
        }
    }
}

impl Input for BytesInput<'_> {
    #[inline]
    fn opcode(&mut self, _vm: &mut Vm) -> Py<Option<u8>> {
        let byte = self.rest().first().copied();
        self.at += usize::from(byte.is_some());
        Ok(byte)
    }

    #[inline]
    fn take(&mut self, vm: &mut Vm, count: usize) -> Py<&[u8]> {
        match self.rest().get(..count) {
            Some(taken) => {
                self.at += count;
                Ok(taken)
            }
            None => Err(self.short(vm)),
        }
    }

    fn line(&mut self, vm: &mut Vm) -> Py<Cow<'_, [u8]>> {
        let rest = self.rest();
        match memchr::memchr(b'\n', rest) {
            Some(end) => {
                self.at += end + 1;
                Ok(Cow::Borrowed(&rest[..end]))
            }
            None => Err(self.short(vm)),
        }
    }

    fn frame(&mut self, vm: &mut Vm, count: usize) -> Py<()> {
        if self.framed && self.at < self.end {
            return Err(nested_frame(vm));
        }
        self.take(vm, count)?;
        (self.at, self.end) = (self.at - count, self.at);
        self.framed = true;
        Ok(())
    }
}

/// A file, and what was read of it but is not used yet.
pub(super) struct FileInput {
    peek: Option<Value>,
    read: Value,
    readline: Value,
    buffer: Vec<u8>,
    at: usize,
    /// The buffer was peeked at: what is used of it is still to be read from the file.
    peeked: bool,
    /// The end in the buffer of the current frame.
    frame: Option<usize>,
}

impl Holds for Option<FileInput> {
    fn report(&self, tracer: &mut Tracer<'_>) {
        if let Some(file) = self {
            tracer.visit_option(&file.peek);
            tracer.visit(&file.read);
            tracer.visit(&file.readline);
        }
    }
    fn release(&mut self, out: &mut Vec<Value>) {
        if let Some(file) = self.take() {
            out.extend(file.peek);
            out.extend([file.read, file.readline]);
        }
    }
}

impl FileInput {
    pub fn new(peek: Option<Value>, read: Value, readline: Value) -> FileInput {
        FileInput {
            peek,
            read,
            readline,
            buffer: Vec::new(),
            at: 0,
            peeked: false,
            frame: None,
        }
    }

    /// The same file with nothing read.
    pub fn methods(&self) -> FileInput {
        FileInput::new(self.peek.clone(), self.read.clone(), self.readline.clone())
    }

    /// Reads what was used of a peeked-at buffer; a buffer that was read stays.
    pub fn skip_consumed(&mut self, vm: &mut Vm) -> Py<()> {
        if !self.peeked {
            return Ok(());
        }
        let used = std::mem::take(&mut self.at);
        self.peeked = false;
        self.buffer.clear();
        if used > 0 {
            vm.call(&self.read.clone(), &[Value::int(used as i64)])?;
        }
        Ok(())
    }

    fn left(&self) -> usize {
        self.buffer.len() - self.at
    }

    /// Makes `count` bytes available.
    #[inline]
    fn fill(&mut self, vm: &mut Vm, count: usize) -> Py<()> {
        if let Some(end) = self.frame {
            if self.at == end {
                self.frame = None;
            } else if self.at + count > end {
                return Err(end_of_frame(vm));
            }
        }
        if self.left() >= count {
            return Ok(());
        }
        self.refill(vm, count)
    }

    #[inline(never)]
    fn refill(&mut self, vm: &mut Vm, count: usize) -> Py<()> {
        self.skip_consumed(vm)?;
        if count < PREFETCH
            && self.left() == 0
            && let Some(peek) = self.peek.clone()
        {
            match vm.call(&peek, &[Value::int(PREFETCH as i64)]) {
                Ok(data) => {
                    let data = read_result(vm, &data, "peek")?;
                    if data.len() >= count {
                        self.buffer = data;
                        self.at = 0;
                        self.peeked = true;
                        return Ok(());
                    }
                }
                Err(raised) => {
                    vm.catch(raised, &taipan_core::builtin_types::NOT_IMPLEMENTED_ERROR)?;
                    self.peek = None;
                }
            }
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let mut step = STEP;
        while self.buffer.len() < count {
            let wanted = (count - self.buffer.len()).min(step);
            let data = vm.call(&self.read.clone(), &[Value::int(wanted as i64)])?;
            let data = read_result(vm, &data, "read")?;
            if data.len() < wanted {
                return Err(truncated(vm));
            }
            if self.buffer.is_empty() {
                self.buffer = data;
            } else if self.buffer.try_reserve(data.len()).is_err() {
                return Err(vm.memory_error());
            } else {
                self.buffer.extend_from_slice(&data);
            }
            step = step.saturating_mul(2);
        }
        Ok(())
    }
}

/// The bytes that a method of the file returned.
fn read_result(vm: &mut Vm, data: &Value, method: &str) -> Py<Vec<u8>> {
    if let Some(bytes) = taipan_types::bytes::bytes_of(data) {
        return Ok(bytes.to_vec());
    }
    if data.type_of().slots().buffer.is_some() {
        return Ok(bytes_like(vm, data)?.to_vec());
    }
    let shown = vm.repr_string(data)?;
    Err(vm.value_error(format!("{method}() returned non-bytes object ({shown})")))
}

impl Input for FileInput {
    #[inline]
    fn opcode(&mut self, vm: &mut Vm) -> Py<Option<u8>> {
        if let Err(raised) = self.fill(vm, 1) {
            if vm.pending_is(&super::UNPICKLING_ERROR) {
                drop(vm.take_raised(raised));
                return Ok(None);
            }
            return Err(raised);
        }
        let byte = self.buffer.get(self.at).copied();
        self.at += 1;
        Ok(byte)
    }

    #[inline]
    fn take(&mut self, vm: &mut Vm, count: usize) -> Py<&[u8]> {
        self.fill(vm, count)?;
        let start = self.at;
        self.at += count;
        Ok(&self.buffer[start..start + count])
    }

    fn line(&mut self, vm: &mut Vm) -> Py<Cow<'_, [u8]>> {
        if self.frame == Some(self.at) {
            self.frame = None;
        }
        let end = self.frame.unwrap_or(self.buffer.len());
        if let Some(len) = memchr::memchr(b'\n', &self.buffer[self.at..end]) {
            let start = self.at;
            self.at += len + 1;
            return Ok(Cow::Borrowed(&self.buffer[start..start + len]));
        }
        if self.frame.is_some() {
            return Err(end_of_frame(vm));
        }
        let mut line = Vec::new();
        if self.peeked {
            self.skip_consumed(vm)?;
        } else {
            line.extend_from_slice(&self.buffer[self.at..]);
            self.buffer.clear();
            self.at = 0;
        }
        let data = vm.call(&self.readline.clone(), &[])?;
        line.extend(read_result(vm, &data, "readline")?);
        match line.pop() {
            Some(b'\n') => Ok(Cow::Owned(line)),
            _ => Err(truncated(vm)),
        }
    }

    fn frame(&mut self, vm: &mut Vm, count: usize) -> Py<()> {
        if self.frame.is_some_and(|end| self.at < end) {
            return Err(nested_frame(vm));
        }
        self.frame = None;
        self.fill(vm, count)?;
        self.frame = Some(self.at + count);
        Ok(())
    }
}
