//! `ZstdCompressor`.

use super::dictionary::{self, Use};
use super::failure::{Failure, check};
use super::parameters::{self, Direction, check_level, compression_parameter, refused};
use crate::numbers::c_int;
use crate::output::Output;
use std::ptr::NonNull;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::builtin_types::DICT;
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Slots, Type, TypeObject, TypeSpec,
    Value, Vm, bound, f1, getter,
};
use taipan_stdlib::support::{add_type, signature};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;
use zstd_safe::zstd_sys as lib;

static COMPRESSOR: TypeObject = Type::declare("compression.zstd.ZstdCompressor");

static SPEC: TypeSpec = TypeSpec {
    name: "compression.zstd.ZstdCompressor",
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "ZstdCompressor(level=None, options=None, zstd_dict=None)\n--\n\nA compressor for data in parts.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Compressor>();

static METHODS: [MethodDef; 3] = [
    bound(
        "compress(self, /, data, mode=ZstdCompressor.CONTINUE)",
        compress,
        "Go on with data. Gives what is compressed so far; with CONTINUE some may be held back.",
    ),
    bound(
        "flush(self, /, mode=ZstdCompressor.FLUSH_FRAME)",
        flush,
        "What was held back. FLUSH_FRAME ends the frame, and new data begins another.",
    ),
    f1(
        "set_pledged_input_size(self, size, /)",
        set_pledged_input_size,
        "Tells how much data the next frame will have.",
    ),
];

static GETSET: [GetSetDef; 1] = [getter("last_mode", last_mode, "The mode of the last call.")];

const CONTINUE: i32 = 0;
const FLUSH_BLOCK: i32 = 1;
const FLUSH_FRAME: i32 = 2;

pub(super) fn define(dict: &Value) {
    COMPRESSOR.define(&SPEC);
    add_type(dict, &COMPRESSOR);
    for (name, mode) in [
        ("CONTINUE", CONTINUE),
        ("FLUSH_BLOCK", FLUSH_BLOCK),
        ("FLUSH_FRAME", FLUSH_FRAME),
    ] {
        let name = taipan_core::str_object::name(name);
        COMPRESSOR
            .namespace()
            .set_name(&name, Value::from_i32(mode));
    }
}

/// The library's compressor, with the prefix that it may refer to.
struct Packer {
    context: NonNull<lib::ZSTD_CCtx>,
    prefix: Vec<u8>,
    last_mode: i32,
    /// Worker threads may be at work between two calls.
    workers: bool,
}

// SAFETY: the context belongs to this object alone and knows no thread.
unsafe impl Send for Packer {}

impl Drop for Packer {
    fn drop(&mut self) {
        if self.workers {
            self.drain();
        }
        // SAFETY: made by the library, freed once.
        unsafe { lib::ZSTD_freeCCtx(self.context.as_ptr()) };
    }
}

impl Packer {
    /// Waits until the workers are done: the library frees the dictionary they read before it stops them.
    fn drain(&mut self) {
        let mut scratch = vec![0u8; 1 << 16];
        loop {
            let mut input = lib::ZSTD_inBuffer {
                src: scratch.as_ptr().cast(),
                size: 0,
                pos: 0,
            };
            let mut target = lib::ZSTD_outBuffer {
                dst: scratch.as_mut_ptr().cast(),
                size: scratch.len(),
                pos: 0,
            };
            let end = lib::ZSTD_EndDirective::ZSTD_e_end;
            // SAFETY: a live context; the output buffer is a live slice, the input is empty.
            let result = unsafe {
                lib::ZSTD_compressStream2(self.context.as_ptr(), &mut target, &mut input, end)
            };
            if !matches!(check(result), Ok(left) if left > 0) {
                return;
            }
        }
    }

    fn new() -> Result<Packer, Failure> {
        // SAFETY: plain call.
        let context = NonNull::new(unsafe { lib::ZSTD_createCCtx() }).ok_or(Failure::NoMemory)?;
        Ok(Packer {
            context,
            prefix: Vec::new(),
            last_mode: FLUSH_FRAME,
            workers: false,
        })
    }

    fn set(&mut self, number: i32, value: i32) -> Result<(), Failure> {
        let unknown = || Failure::Library("Unsupported parameter".to_string());
        let parameter = compression_parameter(number).ok_or_else(unknown)?;
        // SAFETY: a live context.
        check(unsafe { lib::ZSTD_CCtx_setParameter(self.context.as_ptr(), parameter, value) })?;
        if parameter as i32 == lib::ZSTD_cParameter::ZSTD_c_nbWorkers as i32 {
            self.workers = value > 0;
        }
        Ok(())
    }

    fn load(&mut self, content: Vec<u8>, how: Use) -> Result<(), Failure> {
        let context = self.context.as_ptr();
        if how == Use::Prefix {
            self.prefix = content;
            let (start, len) = (self.prefix.as_ptr(), self.prefix.len());
            // SAFETY: a live context; the prefix lives as long as it and does not change.
            check(unsafe { lib::ZSTD_CCtx_refPrefix(context, start.cast(), len) })?;
        } else {
            let (start, len) = (content.as_ptr(), content.len());
            // SAFETY: a live context; the library copies the content.
            check(unsafe { lib::ZSTD_CCtx_loadDictionary(context, start.cast(), len) })?;
        }
        Ok(())
    }

    fn run(&mut self, data: &[u8], mode: i32) -> Result<Vec<u8>, Failure> {
        let result = self.run_once(data, mode);
        self.last_mode = mode;
        if result.is_err() {
            self.last_mode = FLUSH_FRAME;
            let session = lib::ZSTD_ResetDirective::ZSTD_reset_session_only;
            // SAFETY: a live context.
            unsafe { lib::ZSTD_CCtx_reset(self.context.as_ptr(), session) };
        }
        result
    }

    fn run_once(&mut self, data: &[u8], mode: i32) -> Result<Vec<u8>, Failure> {
        let directive = || match mode {
            CONTINUE => lib::ZSTD_EndDirective::ZSTD_e_continue,
            FLUSH_BLOCK => lib::ZSTD_EndDirective::ZSTD_e_flush,
            _ => lib::ZSTD_EndDirective::ZSTD_e_end,
        };
        let mut input = lib::ZSTD_inBuffer {
            src: data.as_ptr().cast(),
            size: data.len(),
            pos: 0,
        };
        let mut output = Output::new(None);
        loop {
            let space = output.space()?;
            let mut target = lib::ZSTD_outBuffer {
                dst: space.as_mut_ptr().cast(),
                size: space.len(),
                pos: 0,
            };
            // SAFETY: a live context; the buffers go with lengths of live slices.
            let result = unsafe {
                lib::ZSTD_compressStream2(
                    self.context.as_ptr(),
                    &mut target,
                    &mut input,
                    directive(),
                )
            };
            let left = check(result)?;
            output.advance(target.pos);
            let done = if mode == CONTINUE {
                input.pos == input.size
            } else {
                left == 0
            };
            if done {
                return Ok(output.finish());
            }
        }
    }
}

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

static NEW: MethodDef = signature("ZstdCompressor(level=None, options=None, zstd_dict=None)");

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW, args)?;
    let (level, options) = (args.get_not_none(0), args.get_not_none(1));
    if let Some(options) = options
        && !options.is_instance(&DICT)
    {
        let message = format!(
            "ZstdCompressor() argument 'options' must be dict, not {}",
            taipan_types::arguments::type_name(options)
        );
        return Err(vm.type_error(message));
    }
    if level.is_some() && options.is_some() {
        return Err(vm.type_error("Only one of level or options should be used."));
    }
    let mut packer = Packer::new().map_err(|_| vm.memory_error())?;
    let level_number = lib::ZSTD_cParameter::ZSTD_c_compressionLevel as i32;
    if let Some(level) = level {
        let level = parameters::level(vm, level)?;
        set(vm, &mut packer, level_number, level)?;
    }
    if let Some(options) = options {
        for (number, value) in parameters::options(vm, options, Direction::Compression)? {
            if number == level_number {
                check_level(vm, value)?;
            }
            set(vm, &mut packer, number, value)?;
        }
    }
    if let Some(argument) = args.get_not_none(2) {
        let (content, how) = dictionary::argument(vm, argument, Use::Undigested)?;
        if let Err(failure) = packer.load(content, how) {
            let doing = "Unable to load Zstandard dictionary or prefix for compression";
            return Err(failure.raise(vm, doing));
        }
    }
    let compressor = Compressor {
        packer: Locked::new(packer),
    };
    Ok(new_instance(cls, compressor))
}

fn set(vm: &mut Vm, packer: &mut Packer, number: i32, value: i32) -> Py<()> {
    match packer.set(number, value) {
        Ok(()) => Ok(()),
        Err(_) => Err(refused(vm, Direction::Compression, number, value)),
    }
}

fn mode_argument(vm: &mut Vm, mode: Option<&Value>, default: i32) -> Py<i32> {
    match mode {
        Some(mode) => c_int(vm, mode),
        None => Ok(default),
    }
}

fn run(vm: &mut Vm, this: &Value, data: &[u8], mode: i32) -> Py {
    let compressed = own(this).lock(vm).run(data, mode);
    match compressed {
        Ok(compressed) => new_bytes(vm, &compressed),
        Err(failure) => Err(failure.raise(vm, "Unable to compress Zstandard data")),
    }
}

fn compress(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, args.req(0))?;
    let mode = mode_argument(vm, args.get(1), CONTINUE)?;
    if !(CONTINUE..=FLUSH_FRAME).contains(&mode) {
        return Err(vm.value_error(
            "mode argument wrong value, it should be one of ZstdCompressor.CONTINUE, ZstdCompressor.FLUSH_BLOCK, ZstdCompressor.FLUSH_FRAME.",
        ));
    }
    run(vm, this, &data, mode)
}

fn flush(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let mode = mode_argument(vm, args.get(0), FLUSH_FRAME)?;
    if !(FLUSH_BLOCK..=FLUSH_FRAME).contains(&mode) {
        return Err(vm.value_error(
            "mode argument wrong value, it should be ZstdCompressor.FLUSH_FRAME or ZstdCompressor.FLUSH_BLOCK.",
        ));
    }
    run(vm, this, &[], mode)
}

/// The two largest numbers stand for sizes that are not known, or in error.
const UNKNOWN_SIZE: u64 = u64::MAX;

fn set_pledged_input_size(vm: &mut Vm, this: &Value, size: &Value) -> Py {
    let size = if size.is_none() {
        UNKNOWN_SIZE
    } else {
        if !size.is_int() {
            return Err(vm.type_error("an integer is required"));
        }
        match u64::try_from(&size.as_big().unwrap_or_default()) {
            Ok(size) if size < UNKNOWN_SIZE - 1 => size,
            _ => {
                return Err(vm.value_error(format!(
                    "size argument should be a positive int less than {}",
                    UNKNOWN_SIZE - 1
                )));
            }
        }
    };
    let result = {
        let packer = own(this).lock(vm);
        if packer.last_mode == FLUSH_FRAME {
            // SAFETY: a live context.
            let result = unsafe { lib::ZSTD_CCtx_setPledgedSrcSize(packer.context.as_ptr(), size) };
            Some(check(result))
        } else {
            None
        }
    };
    match result {
        Some(Ok(_)) => Ok(Value::none()),
        Some(Err(failure)) => {
            Err(failure.raise(vm, "Unable to set pledged uncompressed content size"))
        }
        None => Err(vm.value_error(
            "set_pledged_input_size() method must be called when last_mode == FLUSH_FRAME",
        )),
    }
}

fn last_mode(vm: &mut Vm, this: &Value) -> Py {
    let mode = own(this).lock(vm).last_mode;
    Ok(Value::from_i32(mode))
}
