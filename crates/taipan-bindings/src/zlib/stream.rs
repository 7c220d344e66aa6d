//! Streams of the zlib library, with safe calls.

use crate::output::Step;
use libz_rs_sys as lib;
use std::ffi::CStr;

/// Where a stream's pointers lead between calls, with a length of 0: the library refuses to copy streams without.
static NOTHING: [u8; 0] = [];

/// What a call of the library came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code(pub i32);

impl Code {
    pub const OK: Code = Code(lib::Z_OK);
    pub const STREAM_END: Code = Code(lib::Z_STREAM_END);
    pub const NEED_DICT: Code = Code(lib::Z_NEED_DICT);
    pub const STREAM_ERROR: Code = Code(lib::Z_STREAM_ERROR);
    pub const DATA_ERROR: Code = Code(lib::Z_DATA_ERROR);
    pub const MEM_ERROR: Code = Code(lib::Z_MEM_ERROR);
    pub const BUF_ERROR: Code = Code(lib::Z_BUF_ERROR);
}

/// What the streams of both directions share: the library's struct, which stays where it is, and whether it is in use.
struct Raw {
    stream: Box<lib::z_stream>,
    alive: bool,
    /// What was wrong with the data: later calls are told the same, where the library itself only says that it was.
    fault: Option<String>,
}

// SAFETY: the library's state belongs to the stream alone and knows no thread.
unsafe impl Send for Raw {}

type Call = unsafe extern "C" fn(*mut lib::z_stream, i32) -> i32;
type Set = unsafe extern "C" fn(*mut lib::z_stream, *const u8, u32) -> i32;

impl Raw {
    fn new() -> Raw {
        let mut stream: Box<lib::z_stream> = Box::default();
        stream.next_in = NOTHING.as_ptr();
        stream.next_out = NOTHING.as_ptr().cast_mut();
        Raw {
            stream,
            alive: false,
            fault: None,
        }
    }

    /// Runs the library on as much of input and space as it takes at a time.
    fn run(&mut self, call: Call, input: &[u8], space: &mut [u8], flush: i32) -> (Code, Step) {
        if !self.alive {
            return (Code::STREAM_ERROR, Step::default());
        }
        let stream = &mut *self.stream;
        let input_len = u32::try_from(input.len()).unwrap_or(u32::MAX);
        let space_len = u32::try_from(space.len()).unwrap_or(u32::MAX);
        stream.next_in = input.as_ptr();
        stream.avail_in = input_len;
        stream.next_out = space.as_mut_ptr();
        stream.avail_out = space_len;
        // SAFETY: the stream was initialised for this direction, and the pointers go with lengths of live slices.
        let code = Code(unsafe { call(stream, flush) });
        let step = Step {
            consumed: (input_len - stream.avail_in) as usize,
            produced: (space_len - stream.avail_out) as usize,
            end: code == Code::STREAM_END,
        };
        stream.next_in = NOTHING.as_ptr();
        stream.avail_in = 0;
        stream.next_out = NOTHING.as_ptr().cast_mut();
        stream.avail_out = 0;
        if code == Code::DATA_ERROR && self.fault.is_none() {
            self.fault = self.library_message();
        }
        (code, step)
    }

    fn set_dictionary(&mut self, call: Set, dictionary: &[u8]) -> Code {
        if !self.alive {
            return Code::STREAM_ERROR;
        }
        // Only the last 32 KiB can matter, so the length fits.
        let len = u32::try_from(dictionary.len()).unwrap_or(u32::MAX);
        // SAFETY: the stream was initialised for this direction; pointer and length are of a live slice.
        Code(unsafe { call(&mut *self.stream, dictionary.as_ptr(), len) })
    }

    fn message(&self) -> Option<String> {
        self.fault.clone().or_else(|| self.library_message())
    }

    fn library_message(&self) -> Option<String> {
        if self.stream.msg.is_null() {
            return None;
        }
        // SAFETY: messages of the library are strings that live for ever.
        let message = unsafe { CStr::from_ptr(self.stream.msg) };
        Some(message.to_string_lossy().into_owned())
    }
}

const STREAM_SIZE: i32 = size_of::<lib::z_stream>() as i32;

/// A compressing stream.
pub struct Deflate(Raw);

impl Deflate {
    pub fn new(
        level: i32,
        method: i32,
        wbits: i32,
        memory_level: i32,
        strategy: i32,
    ) -> Result<Deflate, Code> {
        let mut raw = Raw::new();
        // SAFETY: a fresh stream struct without allocator of its own; version and size are the library's.
        let code = Code(unsafe {
            lib::deflateInit2_(
                &mut *raw.stream,
                level,
                method,
                wbits,
                memory_level,
                strategy,
                lib::zlibVersion(),
                STREAM_SIZE,
            )
        });
        raw.alive = code == Code::OK;
        if raw.alive {
            Ok(Deflate(raw))
        } else {
            Err(code)
        }
    }

    pub fn run(&mut self, input: &[u8], space: &mut [u8], flush: i32) -> (Code, Step) {
        self.0.run(lib::deflate, input, space, flush)
    }

    pub fn set_dictionary(&mut self, dictionary: &[u8]) -> Code {
        self.0.set_dictionary(lib::deflateSetDictionary, dictionary)
    }

    pub fn message(&self) -> Option<String> {
        self.0.message()
    }

    /// Another stream in the same state.
    pub fn copy(&mut self) -> Result<Deflate, Code> {
        if !self.0.alive {
            return Err(Code::STREAM_ERROR);
        }
        let mut raw = Raw::new();
        // SAFETY: the source is an initialised compressing stream, the target is not initialised.
        let code = Code(unsafe { lib::deflateCopy(&mut *raw.stream, &mut *self.0.stream) });
        raw.alive = code == Code::OK;
        if raw.alive {
            Ok(Deflate(raw))
        } else {
            Err(code)
        }
    }

    /// Gives the library's memory back; from then on every call is a stream error.
    pub fn end(&mut self) -> Code {
        if !self.0.alive {
            return Code::STREAM_ERROR;
        }
        self.0.alive = false;
        // SAFETY: the stream was initialised and is ended once.
        Code(unsafe { lib::deflateEnd(&mut *self.0.stream) })
    }
}

impl Drop for Deflate {
    fn drop(&mut self) {
        self.end();
    }
}

/// A decompressing stream.
pub struct Inflate(Raw);

impl Inflate {
    pub fn new(wbits: i32) -> Result<Inflate, (Code, Option<String>)> {
        let mut raw = Raw::new();
        // SAFETY: as for `Deflate::new`.
        let code = Code(unsafe {
            lib::inflateInit2_(&mut *raw.stream, wbits, lib::zlibVersion(), STREAM_SIZE)
        });
        raw.alive = code == Code::OK;
        if raw.alive {
            Ok(Inflate(raw))
        } else {
            Err((code, raw.message()))
        }
    }

    pub fn run(&mut self, input: &[u8], space: &mut [u8], flush: i32) -> (Code, Step) {
        self.0.run(lib::inflate, input, space, flush)
    }

    pub fn set_dictionary(&mut self, dictionary: &[u8]) -> Code {
        self.0.set_dictionary(lib::inflateSetDictionary, dictionary)
    }

    pub fn message(&self) -> Option<String> {
        self.0.message()
    }

    /// Another stream in the same state.
    pub fn copy(&self) -> Result<Inflate, Code> {
        if !self.0.alive {
            return Err(Code::STREAM_ERROR);
        }
        let mut raw = Raw::new();
        // SAFETY: the source is an initialised decompressing stream, the target is not initialised.
        let code = Code(unsafe { lib::inflateCopy(&mut *raw.stream, &*self.0.stream) });
        raw.alive = code == Code::OK;
        if raw.alive {
            Ok(Inflate(raw))
        } else {
            Err(code)
        }
    }

    /// Gives the library's memory back; from then on every call is a stream error.
    pub fn end(&mut self) -> Code {
        if !self.0.alive {
            return Code::STREAM_ERROR;
        }
        self.0.alive = false;
        // SAFETY: the stream was initialised and is ended once.
        Code(unsafe { lib::inflateEnd(&mut *self.0.stream) })
    }
}

impl Drop for Inflate {
    fn drop(&mut self) {
        self.end();
    }
}
