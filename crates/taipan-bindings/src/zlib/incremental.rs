//! `_ZlibDecompressor`: a decompressor with the interface that `gzip` and its like read through.

use super::decompressor::Dictionary;
use super::failure::Failure;
use super::stream::Code;
use super::{MAX_WBITS, int_or};
use crate::incremental::{Incremental, decompressor_methods};
use crate::output::{Decoder, Decompression, Step, try_to_vec};
use libz_rs_sys as lib;
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::{
    Args, Layout, MethodDef, Py, Raised, Slots, Type, TypeObject, TypeSpec, Value, Vm,
};
use taipan_stdlib::support::{add, signature};
use taipan_types::buffer::bytes_like;

static ZLIB_DECOMPRESSOR: TypeObject = Type::declare("zlib._ZlibDecompressor");

static SPEC: TypeSpec = TypeSpec {
    name: "zlib._ZlibDecompressor",
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: GETSET,
    doc: "_ZlibDecompressor(wbits=15, zdict=b'')\n--\n\nA decompressor for data in parts.\n\n  zdict\n    The dictionary that the data was compressed with.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Incremental<Dictionary>>();

decompressor_methods!(
    Dictionary,
    ZLIB_DECOMPRESSOR,
    "End of stream already reached"
);

pub(super) fn define(dict: &Value) {
    ZLIB_DECOMPRESSOR.define(&SPEC);
    add(dict, "_ZlibDecompressor", ZLIB_DECOMPRESSOR.to_value());
}

impl Decoder for Dictionary {
    type Error = Failure;
    const HOLDS_OUTPUT: bool = false;

    fn step(&mut self, input: &[u8], space: &mut [u8]) -> Result<Step, Failure> {
        let (code, step) = self.stream.run(input, space, lib::Z_SYNC_FLUSH);
        match code {
            Code::OK | Code::STREAM_END | Code::BUF_ERROR => Ok(step),
            Code::NEED_DICT => {
                self.give()?;
                let rest = input.get(step.consumed..).unwrap_or(&[]);
                let (code, more) = self.stream.run(rest, space, lib::Z_SYNC_FLUSH);
                match code {
                    Code::OK | Code::STREAM_END | Code::BUF_ERROR => Ok(Step {
                        consumed: step.consumed + more.consumed,
                        ..more
                    }),
                    code => Err(Failure::Library(code, self.stream.message())),
                }
            }
            code => Err(Failure::Library(code, self.stream.message())),
        }
    }
}

fn raise(vm: &mut Vm, failure: Failure) -> Raised {
    failure.raise(vm, "while decompressing data")
}

static NEW: MethodDef = signature("_ZlibDecompressor(wbits=15, zdict=b'')");

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW, args)?;
    let wbits = int_or(vm, args.get(0), MAX_WBITS)?;
    let dictionary = match args.get(1) {
        // Without container it is needed at once; otherwise anything will do until it is.
        Some(dictionary) if wbits < 0 || dictionary.type_of().slots().buffer.is_some() => {
            let bytes = bytes_like(vm, dictionary)?;
            Some(try_to_vec(&bytes).map_err(|_| vm.memory_error())?)
        }
        _ => None,
    };
    let source = Dictionary::open(vm, wbits, dictionary)?;
    Ok(new_instance(
        cls,
        Incremental::new(Decompression::new(source)),
    ))
}
