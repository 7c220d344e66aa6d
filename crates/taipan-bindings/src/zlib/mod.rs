//! `zlib`: deflate in its three containers, and two checksums.

mod compressor;
mod decompressor;
mod failure;
mod incremental;
mod stream;

use crate::numbers::{c_int, low_word};
use crate::output::Output;
use failure::Failure;
use libz_rs_sys as lib;
use stream::{Code, Deflate, Inflate};
use taipan_core::builtin_types::EXCEPTION;
use taipan_core::str_object::new_str;
use taipan_core::{
    Bound, MethodDef, Py, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, bound, slice,
};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::add;
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;

/// `zlib.error`
pub static ERROR: TypeObject = Type::declare("zlib.error");

static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "zlib.error",
    base: Some(&EXCEPTION),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    ..TypeSpec::DEFAULT
};

const MAX_WBITS: i32 = 15;
const BUFFER_SIZE: usize = 16 * 1024;
const MEMORY_LEVEL: i32 = 8;

static FUNCTIONS: [MethodDef; 6] = [
    slice(
        "adler32(module, data, value=1, /)",
        adler32,
        "The Adler-32 checksum of data, going on from value.",
    ),
    bound(
        "compress(module, data, /, level=Z_DEFAULT_COMPRESSION, wbits=MAX_WBITS)",
        compress,
        "Data compressed.\n\n  level\n    From 0 to 9, or -1.\n  wbits\n    Size of the window, and the container.",
    ),
    bound(
        "compressobj(module, /, level=Z_DEFAULT_COMPRESSION, method=DEFLATED, wbits=MAX_WBITS, memLevel=DEF_MEM_LEVEL, strategy=Z_DEFAULT_STRATEGY, zdict=<unrepresentable>)",
        compressor::compressobj,
        "A compressor object.",
    ),
    slice(
        "crc32(module, data, value=0, /)",
        crc32,
        "The CRC-32 checksum of data, going on from value.",
    ),
    bound(
        "decompress(module, data, /, wbits=MAX_WBITS, bufsize=DEF_BUF_SIZE)",
        decompress,
        "Compressed data decompressed.\n\n  wbits\n    Size of the window, and the container.\n  bufsize\n    Size of the output to begin with.",
    ),
    bound(
        "decompressobj(module, /, wbits=MAX_WBITS, zdict=b'')",
        decompressor::decompressobj,
        "A decompressor object.",
    ),
];

fn int_or(vm: &mut Vm, value: Option<&Value>, default: i32) -> Py<i32> {
    match value {
        Some(value) => c_int(vm, value),
        None => Ok(default),
    }
}

fn adler32(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let data = bytes_like(vm, &args[0])?;
    let start = match args.get(1) {
        Some(value) => low_word(vm, value)?,
        None => 1,
    };
    Ok(Value::int(zlib_rs::adler32::adler32(start, &data) as i64))
}

fn crc32(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let data = bytes_like(vm, &args[0])?;
    let start = match args.get(1) {
        Some(value) => low_word(vm, value)?,
        None => 0,
    };
    Ok(Value::int(zlib_rs::crc32::crc32(start, &data) as i64))
}

fn compress(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, args.req(0))?;
    let level = int_or(vm, args.get(1), lib::Z_DEFAULT_COMPRESSION)?;
    let wbits = int_or(vm, args.get(2), MAX_WBITS)?;
    let made = Deflate::new(
        level,
        lib::Z_DEFLATED,
        wbits,
        MEMORY_LEVEL,
        lib::Z_DEFAULT_STRATEGY,
    );
    let mut stream = match made {
        Ok(stream) => stream,
        Err(Code::STREAM_ERROR) => return Err(vm.raise(&ERROR, "Bad compression level")),
        Err(code) => {
            return Err(Failure::Library(code, None).raise(vm, "while compressing data"));
        }
    };
    match compress_all(&mut stream, &data, lib::Z_FINISH) {
        Ok(compressed) => new_bytes(vm, &compressed),
        Err(failure) => Err(failure.raise(vm, "while compressing data")),
    }
}

/// Compresses all of the data, and then what `flush` asks for.
fn compress_all(stream: &mut Deflate, data: &[u8], flush: i32) -> Result<Vec<u8>, Failure> {
    let mut output = Output::new(None);
    let mut rest = data;
    loop {
        let space = output.space()?;
        let size = space.len();
        // The library takes 4 GiB at most at a time: only the last call flushes.
        let last = rest.len() <= u32::MAX as usize;
        let mode = if last { flush } else { lib::Z_NO_FLUSH };
        let (code, step) = stream.run(rest, space, mode);
        rest = rest.get(step.consumed..).unwrap_or(&[]);
        output.advance(step.produced);
        match code {
            Code::STREAM_END => break,
            // No progress was possible: all is done, as the space never is empty.
            Code::BUF_ERROR => break,
            Code::OK if rest.is_empty() && step.produced < size => break,
            Code::OK => {}
            code => return Err(Failure::Library(code, stream.message())),
        }
    }
    Ok(output.finish())
}

fn decompress(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, args.req(0))?;
    let wbits = int_or(vm, args.get(1), MAX_WBITS)?;
    let size = match args.get(2) {
        Some(size) => vm.index_i64(size)?,
        None => BUFFER_SIZE as i64,
    };
    let Ok(size) = usize::try_from(size) else {
        return Err(vm.value_error("bufsize must be non-negative"));
    };
    let mut stream = match Inflate::new(wbits) {
        Ok(stream) => stream,
        Err((code, message)) => {
            let failure = Failure::Library(code, message);
            return Err(failure.raise(vm, "while preparing to decompress data"));
        }
    };
    match decompress_all(&mut stream, &data, size.max(1)) {
        Ok(plain) => new_bytes(vm, &plain),
        Err(failure) => Err(failure.raise(vm, "while decompressing data")),
    }
}

/// Decompresses one whole stream; what comes behind it does not matter.
fn decompress_all(stream: &mut Inflate, data: &[u8], size: usize) -> Result<Vec<u8>, Failure> {
    let mut output = Output::sized(size)?;
    let mut rest = data;
    loop {
        let space = output.space()?;
        let size = space.len();
        let (code, step) = stream.run(rest, space, lib::Z_SYNC_FLUSH);
        rest = rest.get(step.consumed..).unwrap_or(&[]);
        output.advance(step.produced);
        match code {
            Code::STREAM_END => return Ok(output.finish()),
            Code::OK | Code::BUF_ERROR if rest.is_empty() && step.produced < size => {
                return Err(Failure::Library(Code::BUF_ERROR, None));
            }
            Code::OK | Code::BUF_ERROR => {}
            code => return Err(Failure::Library(code, stream.message())),
        }
    }
}

static CONSTANTS: [(&str, i32); 20] = [
    ("DEFLATED", lib::Z_DEFLATED),
    ("DEF_BUF_SIZE", BUFFER_SIZE as i32),
    ("DEF_MEM_LEVEL", MEMORY_LEVEL),
    ("MAX_WBITS", MAX_WBITS),
    ("Z_BEST_COMPRESSION", lib::Z_BEST_COMPRESSION),
    ("Z_BEST_SPEED", lib::Z_BEST_SPEED),
    ("Z_BLOCK", lib::Z_BLOCK),
    ("Z_DEFAULT_COMPRESSION", lib::Z_DEFAULT_COMPRESSION),
    ("Z_DEFAULT_STRATEGY", lib::Z_DEFAULT_STRATEGY),
    ("Z_FILTERED", lib::Z_FILTERED),
    ("Z_FINISH", lib::Z_FINISH),
    ("Z_FIXED", lib::Z_FIXED),
    ("Z_FULL_FLUSH", lib::Z_FULL_FLUSH),
    ("Z_HUFFMAN_ONLY", lib::Z_HUFFMAN_ONLY),
    ("Z_NO_COMPRESSION", lib::Z_NO_COMPRESSION),
    ("Z_NO_FLUSH", lib::Z_NO_FLUSH),
    ("Z_PARTIAL_FLUSH", lib::Z_PARTIAL_FLUSH),
    ("Z_RLE", lib::Z_RLE),
    ("Z_SYNC_FLUSH", lib::Z_SYNC_FLUSH),
    ("Z_TREES", lib::Z_TREES),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    ERROR.define(&ERROR_SPEC);
    add(dict, "error", ERROR.to_value());
    compressor::define();
    decompressor::define();
    incremental::define(dict);
    for (name, value) in CONSTANTS {
        add(dict, name, Value::from_i32(value));
    }
    // SAFETY: the library gives a string that lives for ever.
    let version = unsafe { std::ffi::CStr::from_ptr(lib::zlibVersion()) };
    let version = version.to_string_lossy();
    add(dict, "ZLIB_VERSION", new_str(&version));
    add(dict, "ZLIB_RUNTIME_VERSION", new_str(&version));
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "zlib",
    doc: "Compression with deflate, in the containers of zlib and gzip or without one.\n\n\
          compress() and decompress() work on whole data, the objects that compressobj() and\n\
          decompressobj() make on data in parts. adler32() and crc32() are checksums.",
    functions: &FUNCTIONS,
    init,
};
