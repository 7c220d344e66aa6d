//! Streams of liblzma, with safe calls, and what can go wrong in them.

use super::ERROR;
use super::filters::{Chain, LzmaOptions};
use crate::output::{NoMemory, Step};
use liblzma_sys as lib;
use std::ptr::{null, null_mut};
use taipan_core::{Raised, Vm};

/// A failure that is not raised yet.
pub enum Failure {
    NoMemory,
    Library(lib::lzma_ret),
}

impl From<NoMemory> for Failure {
    fn from(_: NoMemory) -> Failure {
        Failure::NoMemory
    }
}

/// Raises `LZMAError`, or what else it is.
#[cold]
pub fn raise(vm: &mut Vm, failure: Failure) -> Raised {
    let message = match failure {
        Failure::NoMemory | Failure::Library(lib::LZMA_MEM_ERROR) => return vm.memory_error(),
        Failure::Library(lib::LZMA_UNSUPPORTED_CHECK) => "Unsupported integrity check",
        Failure::Library(lib::LZMA_MEMLIMIT_ERROR) => "Memory usage limit exceeded",
        Failure::Library(lib::LZMA_FORMAT_ERROR) => "Input format not supported by decoder",
        Failure::Library(lib::LZMA_OPTIONS_ERROR) => "Invalid or unsupported options",
        Failure::Library(lib::LZMA_DATA_ERROR) => "Corrupt input data",
        Failure::Library(lib::LZMA_BUF_ERROR) => "Insufficient buffer space",
        Failure::Library(lib::LZMA_PROG_ERROR) => "Internal error",
        Failure::Library(code) => {
            let message = format!("Unrecognized error from liblzma: {code}");
            return vm.raise(&ERROR, message);
        }
    };
    vm.raise(&ERROR, message)
}

/// Did the library do as it was told?
pub fn check(code: lib::lzma_ret) -> Result<(), Failure> {
    match code {
        lib::LZMA_OK => Ok(()),
        code => Err(Failure::Library(code)),
    }
}

/// A stream of either direction.
pub struct Stream(Box<lib::lzma_stream>);

// SAFETY: the library's state belongs to the stream alone and knows no thread.
unsafe impl Send for Stream {}

impl Stream {
    fn new() -> Stream {
        // SAFETY: all zeros is the library's initial value of the struct.
        Stream(Box::new(unsafe { std::mem::zeroed() }))
    }

    /// Compresses to the container of the day, with the settings of a level.
    pub fn easy_encoder(preset: u32, check_id: lib::lzma_check) -> Result<Stream, Failure> {
        let mut stream = Stream::new();
        // SAFETY: a fresh stream.
        check(unsafe { lib::lzma_easy_encoder(&mut *stream.0, preset, check_id) })?;
        Ok(stream)
    }

    /// Compresses to the container of the day.
    pub fn encoder(chain: &mut Chain, check_id: lib::lzma_check) -> Result<Stream, Failure> {
        let mut stream = Stream::new();
        let filters = chain.as_raw();
        // SAFETY: a fresh stream; the filters end with the mark and are copied by the library.
        check(unsafe { lib::lzma_stream_encoder(&mut *stream.0, filters.as_ptr(), check_id) })?;
        Ok(stream)
    }

    /// Compresses to the old container.
    pub fn alone_encoder(options: &LzmaOptions) -> Result<Stream, Failure> {
        let mut stream = Stream::new();
        // SAFETY: a fresh stream; the options are copied by the library.
        check(unsafe { lib::lzma_alone_encoder(&mut *stream.0, options) })?;
        Ok(stream)
    }

    /// Compresses without container.
    pub fn raw_encoder(chain: &mut Chain) -> Result<Stream, Failure> {
        let mut stream = Stream::new();
        let filters = chain.as_raw();
        // SAFETY: as for `encoder`.
        check(unsafe { lib::lzma_raw_encoder(&mut *stream.0, filters.as_ptr()) })?;
        Ok(stream)
    }

    /// Decompresses either container.
    pub fn auto_decoder(limit: u64) -> Result<Stream, Failure> {
        let mut stream = Stream::new();
        // SAFETY: a fresh stream.
        check(unsafe { lib::lzma_auto_decoder(&mut *stream.0, limit, TELL) })?;
        Ok(stream)
    }

    /// Decompresses the container of the day.
    pub fn decoder(limit: u64) -> Result<Stream, Failure> {
        let mut stream = Stream::new();
        // SAFETY: a fresh stream.
        check(unsafe { lib::lzma_stream_decoder(&mut *stream.0, limit, TELL) })?;
        Ok(stream)
    }

    /// Decompresses the old container.
    pub fn alone_decoder(limit: u64) -> Result<Stream, Failure> {
        let mut stream = Stream::new();
        // SAFETY: a fresh stream.
        check(unsafe { lib::lzma_alone_decoder(&mut *stream.0, limit) })?;
        Ok(stream)
    }

    /// Decompresses without container.
    pub fn raw_decoder(chain: &mut Chain) -> Result<Stream, Failure> {
        let mut stream = Stream::new();
        let filters = chain.as_raw();
        // SAFETY: as for `encoder`.
        check(unsafe { lib::lzma_raw_decoder(&mut *stream.0, filters.as_ptr()) })?;
        Ok(stream)
    }

    /// Runs the library once.
    pub fn run(
        &mut self,
        input: &[u8],
        space: &mut [u8],
        action: lib::lzma_action,
    ) -> (lib::lzma_ret, Step) {
        let stream = &mut *self.0;
        stream.next_in = input.as_ptr();
        stream.avail_in = input.len();
        stream.next_out = space.as_mut_ptr();
        stream.avail_out = space.len();
        // SAFETY: the stream was initialised; the pointers go with lengths of live slices.
        let code = unsafe { lib::lzma_code(stream, action) };
        let step = Step {
            consumed: input.len() - stream.avail_in,
            produced: space.len() - stream.avail_out,
            end: code == lib::LZMA_STREAM_END,
        };
        stream.next_in = null();
        stream.avail_in = 0;
        stream.next_out = null_mut();
        stream.avail_out = 0;
        (code, step)
    }

    /// The check of the data that is being decompressed.
    pub fn check_id(&self) -> lib::lzma_check {
        // SAFETY: the stream was initialised for decompression.
        unsafe { lib::lzma_get_check(&*self.0) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: initialised, or all zeros: the library takes both.
        unsafe { lib::lzma_end(&mut *self.0) };
    }
}

/// Decoders stop once the check is known.
const TELL: u32 = lib::LZMA_TELL_ANY_CHECK | lib::LZMA_TELL_NO_CHECK;
