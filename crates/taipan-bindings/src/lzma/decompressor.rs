//! `LZMADecompressor`.

use super::filters::Chain;
use super::stream::{Failure, Stream, raise};
use super::{CHECK_UNKNOWN, FORMAT_ALONE, FORMAT_AUTO, FORMAT_RAW, FORMAT_XZ};
use crate::incremental::{Incremental, decompressor_methods};
use crate::numbers::{c_int, unsigned};
use crate::output::{Decoder, Decompression, Step};
use liblzma_sys as lib;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::{
    Args, Bound, Layout, MethodDef, Py, Slots, Type, TypeObject, TypeSpec, Value, Vm, getter,
};
use taipan_stdlib::support::{add_type, signature};

static DECOMPRESSOR: TypeObject = Type::declare("_lzma.LZMADecompressor");

static SPEC: TypeSpec = TypeSpec {
    name: "_lzma.LZMADecompressor",
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: GETSET,
    doc: "LZMADecompressor(format=FORMAT_AUTO, memlimit=None, filters=None)\n--\n\n\
          A decompressor for data in parts.\n\n  \
          format\n    The container; FORMAT_AUTO takes FORMAT_XZ and FORMAT_ALONE.\n  \
          memlimit\n    Data that needs more memory is refused.\n  \
          filters\n    The filter chain, for FORMAT_RAW only.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Incremental<Unpacker>>();

decompressor_methods!(
    Unpacker,
    DECOMPRESSOR,
    "Already at end of stream",
    getter(
        "check",
        check_id,
        "The kind of checksum, as far as it is known."
    )
);

pub(super) fn define(dict: &Value) {
    DECOMPRESSOR.define(&SPEC);
    add_type(dict, &DECOMPRESSOR);
}

struct Unpacker {
    stream: Stream,
    check: u32,
}

impl Decoder for Unpacker {
    type Error = Failure;
    const HOLDS_OUTPUT: bool = true;

    fn step(&mut self, input: &[u8], space: &mut [u8]) -> Result<Step, Failure> {
        let mut done = Step::default();
        loop {
            let rest = input.get(done.consumed..).unwrap_or(&[]);
            let room = space.get_mut(done.produced..).unwrap_or(&mut []);
            let (code, step) = self.stream.run(rest, room, lib::LZMA_RUN);
            done.consumed += step.consumed;
            done.produced += step.produced;
            done.end = step.end;
            match code {
                // The library stops to tell about the check.
                lib::LZMA_GET_CHECK | lib::LZMA_NO_CHECK => self.check = self.stream.check_id(),
                // That nothing could be done is no error: more input may come.
                lib::LZMA_OK | lib::LZMA_STREAM_END | lib::LZMA_BUF_ERROR => return Ok(done),
                code => return Err(Failure::Library(code)),
            }
        }
    }
}

fn check_id(vm: &mut Vm, this: &Value) -> Py {
    let check = this
        .expect::<Incremental<Unpacker>>()
        .lock(vm)
        .decoder
        .check;
    Ok(Value::int(check as i64))
}

static NEW: MethodDef =
    signature("LZMADecompressor(format=FORMAT_AUTO, memlimit=None, filters=None)");

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW, args)?;
    let unpacker = open(vm, &args)?;
    let decompressor = Incremental::new(Decompression::new(unpacker));
    Ok(new_instance(cls, decompressor))
}

fn open(vm: &mut Vm, args: &Bound) -> Py<Unpacker> {
    let format = match args.get(0) {
        Some(format) => c_int(vm, format)?,
        None => FORMAT_AUTO,
    };
    let limit = match args.get_not_none(1) {
        Some(_) if format == FORMAT_RAW => {
            return Err(vm.value_error("Cannot specify memory limit with FORMAT_RAW"));
        }
        Some(limit) => unsigned(vm, limit, "uint64_t")?,
        None => u64::MAX,
    };
    let filters = args.get_not_none(2);
    if format == FORMAT_RAW && filters.is_none() {
        return Err(vm.value_error("Must specify filters for FORMAT_RAW"));
    }
    if format != FORMAT_RAW && filters.is_some() {
        return Err(vm.value_error("Cannot specify filters except with FORMAT_RAW"));
    }
    let (opened, check) = match (format, filters) {
        (FORMAT_AUTO, _) => (Stream::auto_decoder(limit), CHECK_UNKNOWN),
        (FORMAT_XZ, _) => (Stream::decoder(limit), CHECK_UNKNOWN),
        (FORMAT_ALONE, _) => (Stream::alone_decoder(limit), lib::LZMA_CHECK_NONE),
        (FORMAT_RAW, Some(filters)) => {
            let mut chain = Chain::parse(vm, filters)?;
            (Stream::raw_decoder(&mut chain), lib::LZMA_CHECK_NONE)
        }
        (format, _) => {
            return Err(vm.value_error(format!("Invalid container format: {format}")));
        }
    };
    match opened {
        Ok(stream) => Ok(Unpacker { stream, check }),
        Err(failure) => Err(raise(vm, failure)),
    }
}
