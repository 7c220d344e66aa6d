//! `ZstdDecompressor`.

use super::dictionary::{self, Use};
use super::failure::{Failure, check};
use super::parameters::{self, Direction, decompression_parameter, refused};
use crate::incremental::{Incremental, decompressor_methods};
use crate::output::{Decoder, Decompression, Step};
use std::ptr::NonNull;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::builtin_types::DICT;
use taipan_core::{
    Args, Layout, MethodDef, Py, Raised, Slots, Type, TypeObject, TypeSpec, Value, Vm,
};
use taipan_stdlib::support::{add_type, signature};
use zstd_safe::zstd_sys as lib;

static DECOMPRESSOR: TypeObject = Type::declare("compression.zstd.ZstdDecompressor");

static SPEC: TypeSpec = TypeSpec {
    name: "compression.zstd.ZstdDecompressor",
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: GETSET,
    doc: "ZstdDecompressor(zstd_dict=None, options=None)\n--\n\nA decompressor for one frame in parts.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Incremental<Unpacker>>();

decompressor_methods!(
    Unpacker,
    DECOMPRESSOR,
    "Already at the end of a Zstandard frame."
);

pub(super) fn define(dict: &Value) {
    DECOMPRESSOR.define(&SPEC);
    add_type(dict, &DECOMPRESSOR);
}

/// The library's decompressor, with the prefix that it may refer to.
struct Unpacker {
    context: NonNull<lib::ZSTD_DCtx>,
    prefix: Vec<u8>,
}

// SAFETY: the context belongs to this object alone and knows no thread.
unsafe impl Send for Unpacker {}

impl Drop for Unpacker {
    fn drop(&mut self) {
        // SAFETY: made by the library, freed once.
        unsafe { lib::ZSTD_freeDCtx(self.context.as_ptr()) };
    }
}

impl Unpacker {
    fn new() -> Result<Unpacker, Failure> {
        // SAFETY: plain call.
        let context = NonNull::new(unsafe { lib::ZSTD_createDCtx() }).ok_or(Failure::NoMemory)?;
        Ok(Unpacker {
            context,
            prefix: Vec::new(),
        })
    }

    fn set(&mut self, number: i32, value: i32) -> Result<(), Failure> {
        let unknown = || Failure::Library("Unsupported parameter".to_string());
        let parameter = decompression_parameter(number).ok_or_else(unknown)?;
        // SAFETY: a live context.
        check(unsafe { lib::ZSTD_DCtx_setParameter(self.context.as_ptr(), parameter, value) })?;
        Ok(())
    }

    fn load(&mut self, content: Vec<u8>, how: Use) -> Result<(), Failure> {
        let context = self.context.as_ptr();
        if how == Use::Prefix {
            self.prefix = content;
            let (start, len) = (self.prefix.as_ptr(), self.prefix.len());
            // SAFETY: a live context; the prefix lives as long as it and does not change.
            check(unsafe { lib::ZSTD_DCtx_refPrefix(context, start.cast(), len) })?;
        } else {
            let (start, len) = (content.as_ptr(), content.len());
            // SAFETY: a live context; the library copies the content.
            check(unsafe { lib::ZSTD_DCtx_loadDictionary(context, start.cast(), len) })?;
        }
        Ok(())
    }
}

impl Decoder for Unpacker {
    type Error = Failure;
    const HOLDS_OUTPUT: bool = true;

    fn step(&mut self, input: &[u8], space: &mut [u8]) -> Result<Step, Failure> {
        let mut source = lib::ZSTD_inBuffer {
            src: input.as_ptr().cast(),
            size: input.len(),
            pos: 0,
        };
        let mut target = lib::ZSTD_outBuffer {
            dst: space.as_mut_ptr().cast(),
            size: space.len(),
            pos: 0,
        };
        // SAFETY: a live context; the buffers go with lengths of live slices.
        let result =
            unsafe { lib::ZSTD_decompressStream(self.context.as_ptr(), &mut target, &mut source) };
        match check(result) {
            Ok(left) => Ok(Step {
                consumed: source.pos,
                produced: target.pos,
                end: left == 0,
            }),
            Err(failure) => {
                let session = lib::ZSTD_ResetDirective::ZSTD_reset_session_only;
                // SAFETY: a live context.
                unsafe { lib::ZSTD_DCtx_reset(self.context.as_ptr(), session) };
                Err(failure)
            }
        }
    }
}

fn raise(vm: &mut Vm, failure: Failure) -> Raised {
    failure.raise(vm, "Unable to decompress Zstandard data")
}

static NEW: MethodDef = signature("ZstdDecompressor(zstd_dict=None, options=None)");

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW, args)?;
    let options = args.get_not_none(1);
    if let Some(options) = options
        && !options.is_instance(&DICT)
    {
        let message = format!(
            "ZstdDecompressor() argument 'options' must be dict, not {}",
            taipan_types::arguments::type_name(options)
        );
        return Err(vm.type_error(message));
    }
    let mut unpacker = Unpacker::new().map_err(|_| vm.memory_error())?;
    if let Some(argument) = args.get_not_none(0) {
        let (content, how) = dictionary::argument(vm, argument, Use::Digested)?;
        if let Err(failure) = unpacker.load(content, how) {
            let doing = "Unable to load Zstandard dictionary or prefix for decompression";
            return Err(failure.raise(vm, doing));
        }
    }
    if let Some(options) = options {
        for (number, value) in parameters::options(vm, options, Direction::Decompression)? {
            if unpacker.set(number, value).is_err() {
                return Err(refused(vm, Direction::Decompression, number, value));
            }
        }
    }
    let decompressor = Incremental::new(Decompression::new(unpacker));
    Ok(new_instance(cls, decompressor))
}
