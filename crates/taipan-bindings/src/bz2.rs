//! `_bz2`: bzip2 streams in parts.

use crate::incremental::{Incremental, decompressor_methods};
use crate::numbers::c_int;
use crate::output::{Decoder, Decompression, NoMemory, Output, Step};
use libbz2_rs_sys as lib;
use std::ptr::{null, null_mut};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::{EOF_ERROR, OS_ERROR};
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Layout, MethodDef, Obj, Payload, Py, Raised, Slots, Type, TypeObject, TypeSpec, Value,
    Vm, f0, f1,
};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::add_type;
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;
use taipan_types::check;

// ---- what can go wrong ----

/// A failure that is not raised yet.
enum Failure {
    NoMemory,
    Library(i32),
}

impl From<NoMemory> for Failure {
    fn from(_: NoMemory) -> Failure {
        Failure::NoMemory
    }
}

#[cold]
fn raise(vm: &mut Vm, failure: Failure) -> Raised {
    let code = match failure {
        Failure::NoMemory | Failure::Library(lib::BZ_MEM_ERROR) => return vm.memory_error(),
        Failure::Library(code) => code,
    };
    match code {
        lib::BZ_PARAM_ERROR => {
            vm.value_error("Internal error - invalid parameters passed to libbzip2")
        }
        lib::BZ_DATA_ERROR | lib::BZ_DATA_ERROR_MAGIC => vm.raise(&OS_ERROR, "Invalid data stream"),
        lib::BZ_IO_ERROR => vm.raise(&OS_ERROR, "Unknown I/O error"),
        lib::BZ_UNEXPECTED_EOF => vm.raise(
            &EOF_ERROR,
            "Compressed file ended before the logical end-of-stream was detected",
        ),
        lib::BZ_SEQUENCE_ERROR => {
            vm.runtime_error("Internal error - Invalid sequence of commands sent to libbzip2")
        }
        code => {
            let message = format!("Unrecognized error from libbzip2: {code}");
            vm.raise(&OS_ERROR, message)
        }
    }
}

// ---- streams of the library ----

/// The library's struct, which stays where it is.
struct Raw(Box<lib::bz_stream>);

// SAFETY: the library's state belongs to the stream alone and knows no thread.
unsafe impl Send for Raw {}

impl Raw {
    fn new() -> Raw {
        Raw(Box::new(lib::bz_stream {
            next_in: null(),
            avail_in: 0,
            total_in_lo32: 0,
            total_in_hi32: 0,
            next_out: null_mut(),
            avail_out: 0,
            total_out_lo32: 0,
            total_out_hi32: 0,
            state: null_mut(),
            bzalloc: None,
            bzfree: None,
            opaque: null_mut(),
        }))
    }

    /// Runs `call` on as much of input and space as the library takes at a time.
    fn run(
        &mut self,
        input: &[u8],
        space: &mut [u8],
        call: impl FnOnce(*mut lib::bz_stream) -> i32,
    ) -> (i32, Step) {
        let stream = &mut *self.0;
        let input_len = u32::try_from(input.len()).unwrap_or(u32::MAX);
        let space_len = u32::try_from(space.len()).unwrap_or(u32::MAX);
        stream.next_in = input.as_ptr().cast();
        stream.avail_in = input_len;
        stream.next_out = space.as_mut_ptr().cast();
        stream.avail_out = space_len;
        let code = call(stream);
        let step = Step {
            consumed: (input_len - stream.avail_in) as usize,
            produced: (space_len - stream.avail_out) as usize,
            end: code == lib::BZ_STREAM_END,
        };
        stream.next_in = null();
        stream.avail_in = 0;
        stream.next_out = null_mut();
        stream.avail_out = 0;
        (code, step)
    }
}

/// A compressing stream.
struct Packer {
    raw: Raw,
    flushed: bool,
}

impl Packer {
    fn new(level: i32) -> Result<Packer, Failure> {
        let mut raw = Raw::new();
        // SAFETY: a fresh stream struct without allocator of its own.
        match unsafe { lib::BZ2_bzCompressInit(&mut *raw.0, level, 0, 0) } {
            lib::BZ_OK => Ok(Packer {
                raw,
                flushed: false,
            }),
            code => Err(Failure::Library(code)),
        }
    }

    fn step(&mut self, input: &[u8], space: &mut [u8], action: i32) -> Result<Step, Failure> {
        let (code, step) = self.raw.run(input, space, |stream| {
            // SAFETY: initialised for compression; the pointers go with lengths of live slices.
            unsafe { lib::BZ2_bzCompress(stream, action) }
        });
        match code {
            lib::BZ_OK
            | lib::BZ_RUN_OK
            | lib::BZ_FLUSH_OK
            | lib::BZ_FINISH_OK
            | lib::BZ_STREAM_END => Ok(step),
            code => Err(Failure::Library(code)),
        }
    }

    fn compress(&mut self, data: &[u8]) -> Result<Vec<u8>, Failure> {
        let mut output = Output::new(None);
        let mut rest = data;
        while !rest.is_empty() {
            let step = self.step(rest, output.space()?, lib::BZ_RUN)?;
            rest = rest.get(step.consumed..).unwrap_or(&[]);
            output.advance(step.produced);
        }
        Ok(output.finish())
    }

    fn flush(&mut self) -> Result<Vec<u8>, Failure> {
        self.flushed = true;
        let mut output = Output::new(None);
        loop {
            let step = self.step(&[], output.space()?, lib::BZ_FINISH)?;
            output.advance(step.produced);
            if step.end {
                return Ok(output.finish());
            }
        }
    }
}

impl Drop for Packer {
    fn drop(&mut self) {
        // SAFETY: the stream was initialised for compression and is ended once.
        unsafe { lib::BZ2_bzCompressEnd(&mut *self.raw.0) };
    }
}

/// A decompressing stream.
struct Unpacker(Raw);

impl Unpacker {
    fn new() -> Result<Unpacker, Failure> {
        let mut raw = Raw::new();
        // SAFETY: a fresh stream struct without allocator of its own.
        match unsafe { lib::BZ2_bzDecompressInit(&mut *raw.0, 0, 0) } {
            lib::BZ_OK => Ok(Unpacker(raw)),
            code => Err(Failure::Library(code)),
        }
    }
}

impl Drop for Unpacker {
    fn drop(&mut self) {
        // SAFETY: the stream was initialised for decompression and is ended once.
        unsafe { lib::BZ2_bzDecompressEnd(&mut *self.0.0) };
    }
}

impl Decoder for Unpacker {
    type Error = Failure;
    const HOLDS_OUTPUT: bool = false;

    fn step(&mut self, input: &[u8], space: &mut [u8]) -> Result<Step, Failure> {
        let (code, step) = self.0.run(input, space, |stream| {
            // SAFETY: initialised for decompression; the pointers go with lengths of live slices.
            unsafe { lib::BZ2_bzDecompress(stream) }
        });
        match code {
            lib::BZ_OK | lib::BZ_STREAM_END => Ok(step),
            code => Err(Failure::Library(code)),
        }
    }
}

// ---- compressor objects ----

static COMPRESSOR: TypeObject = Type::declare("_bz2.BZ2Compressor");

static COMPRESSOR_SPEC: TypeSpec = TypeSpec {
    name: "_bz2.BZ2Compressor",
    layout: Some(&COMPRESSOR_LAYOUT),
    slots: Slots {
        new: Some(new_compressor),
        ..Slots::NONE
    },
    methods: &COMPRESSOR_METHODS,
    doc: "BZ2Compressor(compresslevel=9, /)\n--\n\nA compressor for data in parts.\n\n  compresslevel\n    From 1 to 9.",
    ..TypeSpec::DEFAULT
};
static COMPRESSOR_LAYOUT: Layout = Layout::of::<Compressor>();

static COMPRESSOR_METHODS: [MethodDef; 2] = [
    f1(
        "compress(self, data, /)",
        compress,
        "Go on with data. Gives what is compressed so far; some may be held back until later.",
    ),
    f0(
        "flush(self, /)",
        flush,
        "What was held back. After that, the object is done.",
    ),
];

struct Compressor {
    packer: Locked<Packer>,
}

impl HasState for Compressor {
    type State = Packer;
    fn cell(&self) -> &Locked<Packer> {
        &self.packer
    }
}

// SAFETY: holds no references.
#[expect(unsafe_code, reason = "the contract of payloads")]
unsafe impl Payload for Compressor {
    fn type_object() -> &'static TypeObject {
        &COMPRESSOR
    }
}

fn own(this: &Value) -> &Obj<Compressor> {
    this.expect::<Compressor>()
}

fn new_compressor(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "BZ2Compressor", args)?;
    check::count(vm, "BZ2Compressor", args.pos().len(), 0, 1)?;
    let level = match args.pos().first() {
        Some(level) => c_int(vm, level)?,
        None => 9,
    };
    if !(1..=9).contains(&level) {
        return Err(vm.value_error("compresslevel must be between 1 and 9"));
    }
    let packer = Packer::new(level).map_err(|failure| raise(vm, failure))?;
    let compressor = Compressor {
        packer: Locked::new(packer),
    };
    Ok(new_instance(cls, compressor))
}

fn compress(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    let data = bytes_like(vm, data)?;
    if own(this).lock(vm).flushed {
        return Err(vm.value_error("Compressor has been flushed"));
    }
    let compressed = own(this).lock(vm).compress(&data);
    match compressed {
        Ok(compressed) => new_bytes(vm, &compressed),
        Err(failure) => Err(raise(vm, failure)),
    }
}

fn flush(vm: &mut Vm, this: &Value) -> Py {
    if own(this).lock(vm).flushed {
        return Err(vm.value_error("Repeated call to flush()"));
    }
    let flushed = own(this).lock(vm).flush();
    match flushed {
        Ok(flushed) => new_bytes(vm, &flushed),
        Err(failure) => Err(raise(vm, failure)),
    }
}

// ---- decompressor objects ----

static DECOMPRESSOR: TypeObject = Type::declare("_bz2.BZ2Decompressor");

static DECOMPRESSOR_SPEC: TypeSpec = TypeSpec {
    name: "_bz2.BZ2Decompressor",
    layout: Some(&DECOMPRESSOR_LAYOUT),
    slots: Slots {
        new: Some(new_decompressor),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: GETSET,
    doc: "BZ2Decompressor()\n--\n\nA decompressor for data in parts.",
    ..TypeSpec::DEFAULT
};
static DECOMPRESSOR_LAYOUT: Layout = Layout::of::<Incremental<Unpacker>>();

decompressor_methods!(Unpacker, DECOMPRESSOR, "End of stream already reached");

fn new_decompressor(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "BZ2Decompressor", args)?;
    if !args.pos().is_empty() {
        return Err(vm.type_error("BZ2Decompressor() takes no positional arguments"));
    }
    let unpacker = Unpacker::new().map_err(|failure| raise(vm, failure))?;
    let decompressor = Incremental::new(Decompression::new(unpacker));
    Ok(new_instance(cls, decompressor))
}

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    COMPRESSOR.define(&COMPRESSOR_SPEC);
    DECOMPRESSOR.define(&DECOMPRESSOR_SPEC);
    add_type(dict, &COMPRESSOR);
    add_type(dict, &DECOMPRESSOR);
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_bz2",
    doc: "",
    functions: &[],
    init,
};
