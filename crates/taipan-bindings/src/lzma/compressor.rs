//! `LZMACompressor`.

use super::filters::{Chain, bad_preset, preset_options, setting};
use super::stream::{Failure, Stream, raise};
use super::{FORMAT_ALONE, FORMAT_RAW, FORMAT_XZ};
use crate::numbers::c_int;
use crate::output::Output;
use liblzma_sys as lib;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Bound, Layout, MethodDef, Obj, Payload, Py, Slots, Type, TypeObject, TypeSpec, Value, Vm,
    f0, f1,
};
use taipan_stdlib::support::{add_type, signature};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;

static COMPRESSOR: TypeObject = Type::declare("_lzma.LZMACompressor");

static SPEC: TypeSpec = TypeSpec {
    name: "_lzma.LZMACompressor",
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    methods: &METHODS,
    doc: "LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)\n\n\
          A compressor for data in parts.\n\n\
          format is the container: FORMAT_XZ, FORMAT_ALONE or FORMAT_RAW.\n\
          check is the kind of checksum, for FORMAT_XZ only.\n\
          preset is a level from 0 to 9, with PRESET_EXTREME or without.\n\
          filters is a sequence of dicts, one for each filter; for FORMAT_RAW it must be given.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Compressor>();

static METHODS: [MethodDef; 2] = [
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

pub(super) fn define(dict: &Value) {
    COMPRESSOR.define(&SPEC);
    add_type(dict, &COMPRESSOR);
}

struct State {
    stream: Stream,
    flushed: bool,
}

struct Compressor {
    state: Locked<State>,
}

impl HasState for Compressor {
    type State = State;
    fn cell(&self) -> &Locked<State> {
        &self.state
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

static NEW: MethodDef =
    signature("LZMACompressor(format=FORMAT_XZ, check=-1, preset=None, filters=None)");

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW, args)?;
    let stream = open(vm, &args)?;
    let compressor = Compressor {
        state: Locked::new(State {
            stream,
            flushed: false,
        }),
    };
    Ok(new_instance(cls, compressor))
}

fn open(vm: &mut Vm, args: &Bound) -> Py<Stream> {
    let format = match args.get(0) {
        Some(format) => c_int(vm, format)?,
        None => FORMAT_XZ,
    };
    let check = match args.get(1) {
        Some(check) => c_int(vm, check)?,
        None => -1,
    };
    let (preset, filters) = (args.get_not_none(2), args.get_not_none(3));
    if preset.is_some() && filters.is_some() {
        return Err(vm.value_error("Cannot specify both preset and filter chain"));
    }
    let preset = match preset {
        Some(preset) => setting(vm, preset)?,
        None => lib::LZMA_PRESET_DEFAULT,
    };
    if format != FORMAT_XZ && check != -1 && check != lib::LZMA_CHECK_NONE as i32 {
        return Err(vm.value_error("Integrity checks are only supported by FORMAT_XZ"));
    }
    let chain = match filters {
        Some(filters) if matches!(format, FORMAT_XZ | FORMAT_ALONE | FORMAT_RAW) => {
            Some(Chain::parse(vm, filters)?)
        }
        _ => None,
    };
    let check = if check == -1 {
        lib::LZMA_CHECK_CRC64
    } else {
        check as u32
    };
    let opened = match (format, chain) {
        (FORMAT_XZ, None) => Stream::easy_encoder(preset, check),
        (FORMAT_XZ, Some(mut chain)) => Stream::encoder(&mut chain, check),
        (FORMAT_ALONE, None) => match preset_options(preset) {
            Some(options) => Stream::alone_encoder(&options),
            None => return Err(bad_preset(vm, preset)),
        },
        (FORMAT_ALONE, Some(chain)) => match chain.only().and_then(|filter| filter.lzma1()) {
            Some(options) => Stream::alone_encoder(options),
            None => {
                return Err(vm.value_error(
                    "Invalid filter chain for FORMAT_ALONE - must be a single LZMA1 filter",
                ));
            }
        },
        (FORMAT_RAW, Some(mut chain)) => Stream::raw_encoder(&mut chain),
        (FORMAT_RAW, None) => {
            return Err(vm.value_error("Must specify filters for FORMAT_RAW"));
        }
        (format, _) => {
            return Err(vm.value_error(format!("Invalid container format: {format}")));
        }
    };
    opened.map_err(|failure| raise(vm, failure))
}

impl State {
    fn run(&mut self, data: &[u8], action: lib::lzma_action) -> Result<Vec<u8>, Failure> {
        let mut output = Output::new(None);
        let mut rest = data;
        loop {
            let space = output.space()?;
            let size = space.len();
            let (code, step) = self.stream.run(rest, space, action);
            rest = rest.get(step.consumed..).unwrap_or(&[]);
            output.advance(step.produced);
            match code {
                lib::LZMA_STREAM_END => break,
                // The library complains if there was nothing to do.
                lib::LZMA_OK | lib::LZMA_BUF_ERROR
                    if action == lib::LZMA_RUN && rest.is_empty() && step.produced < size =>
                {
                    break;
                }
                lib::LZMA_OK => {}
                code => return Err(Failure::Library(code)),
            }
        }
        Ok(output.finish())
    }
}

fn compress(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    let data = bytes_like(vm, data)?;
    if own(this).lock(vm).flushed {
        return Err(vm.value_error("Compressor has been flushed"));
    }
    let compressed = own(this).lock(vm).run(&data, lib::LZMA_RUN);
    match compressed {
        Ok(compressed) => new_bytes(vm, &compressed),
        Err(failure) => Err(raise(vm, failure)),
    }
}

fn flush(vm: &mut Vm, this: &Value) -> Py {
    if own(this).lock(vm).flushed {
        return Err(vm.value_error("Repeated call to flush()"));
    }
    let flushed = {
        let mut state = own(this).lock(vm);
        state.flushed = true;
        state.run(&[], lib::LZMA_FINISH)
    };
    match flushed {
        Ok(flushed) => new_bytes(vm, &flushed),
        Err(failure) => Err(raise(vm, failure)),
    }
}
