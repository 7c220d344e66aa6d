//! `_lzma`: xz and the older containers of LZMA, in parts.

mod compressor;
mod decompressor;
mod filters;
mod stream;

use crate::numbers::c_int;
use liblzma_sys as lib;
use taipan_core::builtin_types::EXCEPTION;
use taipan_core::number::int_from_u64;
use taipan_core::{MethodDef, Py, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, f1, f2};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::{add, add_type};

static ERROR: TypeObject = Type::declare("_lzma.LZMAError");

static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "_lzma.LZMAError",
    base: Some(&EXCEPTION),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    doc: "A call of the library failed.",
    ..TypeSpec::DEFAULT
};

const FORMAT_AUTO: i32 = 0;
const FORMAT_XZ: i32 = 1;
const FORMAT_ALONE: i32 = 2;
const FORMAT_RAW: i32 = 3;

/// Greatest number of a kind of checksum.
const CHECK_ID_MAX: u32 = 15;
/// Stands for a kind that is not known yet.
const CHECK_UNKNOWN: u32 = CHECK_ID_MAX + 1;

static FUNCTIONS: [MethodDef; 3] = [
    f1(
        "is_check_supported(module, check_id, /)",
        is_check_supported,
        "Can this kind of checksum be computed?",
    ),
    f1(
        "_encode_filter_properties(module, filter, /)",
        filters::encode_properties,
        "The settings of a filter as the containers store them.",
    ),
    f2(
        "_decode_filter_properties(module, filter_id, encoded_props, /)",
        filters::decode_properties,
        "The settings of a filter, from what containers store.",
    ),
];

fn is_check_supported(vm: &mut Vm, _module: &Value, id: &Value) -> Py {
    let id = c_int(vm, id)?;
    // SAFETY: any number will do.
    let supported = unsafe { lib::lzma_check_is_supported(id as u32) };
    Ok(Value::bool(supported != 0))
}

static CONSTANTS: [(&str, u64); 28] = [
    ("FORMAT_AUTO", FORMAT_AUTO as u64),
    ("FORMAT_XZ", FORMAT_XZ as u64),
    ("FORMAT_ALONE", FORMAT_ALONE as u64),
    ("FORMAT_RAW", FORMAT_RAW as u64),
    ("CHECK_NONE", lib::LZMA_CHECK_NONE as u64),
    ("CHECK_CRC32", lib::LZMA_CHECK_CRC32 as u64),
    ("CHECK_CRC64", lib::LZMA_CHECK_CRC64 as u64),
    ("CHECK_SHA256", lib::LZMA_CHECK_SHA256 as u64),
    ("CHECK_ID_MAX", CHECK_ID_MAX as u64),
    ("CHECK_UNKNOWN", CHECK_UNKNOWN as u64),
    ("FILTER_LZMA1", lib::LZMA_FILTER_LZMA1),
    ("FILTER_LZMA2", lib::LZMA_FILTER_LZMA2),
    ("FILTER_DELTA", lib::LZMA_FILTER_DELTA),
    ("FILTER_X86", lib::LZMA_FILTER_X86),
    ("FILTER_POWERPC", lib::LZMA_FILTER_POWERPC),
    ("FILTER_IA64", lib::LZMA_FILTER_IA64),
    ("FILTER_ARM", lib::LZMA_FILTER_ARM),
    ("FILTER_ARMTHUMB", lib::LZMA_FILTER_ARMTHUMB),
    ("FILTER_SPARC", lib::LZMA_FILTER_SPARC),
    ("MF_HC3", lib::LZMA_MF_HC3 as u64),
    ("MF_HC4", lib::LZMA_MF_HC4 as u64),
    ("MF_BT2", lib::LZMA_MF_BT2 as u64),
    ("MF_BT3", lib::LZMA_MF_BT3 as u64),
    ("MF_BT4", lib::LZMA_MF_BT4 as u64),
    ("MODE_FAST", lib::LZMA_MODE_FAST as u64),
    ("MODE_NORMAL", lib::LZMA_MODE_NORMAL as u64),
    ("PRESET_DEFAULT", lib::LZMA_PRESET_DEFAULT as u64),
    ("PRESET_EXTREME", lib::LZMA_PRESET_EXTREME as u64),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    ERROR.define(&ERROR_SPEC);
    add_type(dict, &ERROR);
    compressor::define(dict);
    decompressor::define(dict);
    for (name, value) in CONSTANTS {
        add(dict, name, int_from_u64(value));
    }
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_lzma",
    doc: "",
    functions: &FUNCTIONS,
    init,
};
