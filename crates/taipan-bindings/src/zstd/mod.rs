//! `_zstd`: Zstandard frames in parts, dictionaries, and what frames tell about themselves.

mod compressor;
mod decompressor;
mod dictionary;
mod failure;
mod parameters;

use failure::{Failure, check};
use taipan_core::builtin_types::EXCEPTION;
use taipan_core::number::int_from_u64;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Bound, MethodDef, Py, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, bound, slice,
};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::{add, add_type};
use taipan_types::buffer::bytes_like;
use zstd_safe::zstd_sys as lib;

static ERROR: TypeObject = Type::declare("compression.zstd.ZstdError");

static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "compression.zstd.ZstdError",
    base: Some(&EXCEPTION),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    doc: "A call of the library failed.",
    ..TypeSpec::DEFAULT
};

static FUNCTIONS: [MethodDef; 6] = [
    slice(
        "train_dict(module, samples_bytes, samples_sizes, dict_size, /)",
        dictionary::train_dict,
        "A dictionary made from samples.",
    ),
    slice(
        "finalize_dict(module, custom_dict_bytes, samples_bytes, samples_sizes, dict_size, compression_level, /)",
        dictionary::finalize_dict,
        "A dictionary with a content of the caller's, made complete with samples.",
    ),
    bound(
        "get_param_bounds(module, /, parameter, is_compress)",
        parameters::get_param_bounds,
        "The least and the greatest value of a parameter.",
    ),
    bound(
        "get_frame_size(module, /, frame_buffer)",
        get_frame_size,
        "How long the compressed frame is that the data begins with.",
    ),
    bound(
        "get_frame_info(module, /, frame_buffer)",
        get_frame_info,
        "The size of a frame's plain data (or None), and the number of its dictionary.",
    ),
    bound(
        "set_parameter_types(module, /, c_parameter_type, d_parameter_type)",
        parameters::set_parameter_types,
        "Makes the enumerations of parameters known.",
    ),
];

fn get_frame_size(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, args.req(0))?;
    // SAFETY: pointer and length are of a live slice.
    let result = unsafe { lib::ZSTD_findFrameCompressedSize(data.as_ptr().cast(), data.len()) };
    match check(result) {
        Ok(size) => Ok(int_from_u64(size as u64)),
        Err(Failure::NoMemory) => Err(vm.memory_error()),
        Err(Failure::Library(message)) => {
            let message = format!(
                "Error when finding the compressed size of a Zstandard frame. Ensure the frame_buffer argument starts from the beginning of a frame, and its length is not less than this complete frame. Zstd error message: {message}."
            );
            Err(parameters::error(vm, &message))
        }
    }
}

/// What the library answers for a frame that does not tell its size, and for no frame.
const SIZE_UNKNOWN: u64 = u64::MAX;
const SIZE_ERROR: u64 = u64::MAX - 1;

fn get_frame_info(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, args.req(0))?;
    // SAFETY: pointer and length are of a live slice.
    let size = unsafe { lib::ZSTD_getFrameContentSize(data.as_ptr().cast(), data.len()) };
    let size = match size {
        SIZE_UNKNOWN => Value::none(),
        SIZE_ERROR => {
            return Err(parameters::error(
                vm,
                "Error when getting information from the header of a Zstandard frame. Ensure the frame_buffer argument starts from the beginning of a frame, and its length is not less than the frame header (6~18 bytes).",
            ));
        }
        size => int_from_u64(size),
    };
    // SAFETY: as above.
    let id = unsafe { lib::ZSTD_getDictID_fromFrame(data.as_ptr().cast(), data.len()) };
    Ok(new_tuple([size, Value::int(id as i64)]))
}

/// The strategies, from fast to strong; numbered from 1.
static STRATEGIES: [&str; 9] = [
    "ZSTD_fast",
    "ZSTD_dfast",
    "ZSTD_greedy",
    "ZSTD_lazy",
    "ZSTD_lazy2",
    "ZSTD_btlazy2",
    "ZSTD_btopt",
    "ZSTD_btultra",
    "ZSTD_btultra2",
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    ERROR.define(&ERROR_SPEC);
    add_type(dict, &ERROR);
    dictionary::define(dict);
    compressor::define(dict);
    decompressor::define(dict);
    for (name, _, parameter) in parameters::COMPRESSION {
        add(dict, name, Value::from_i32(parameter as i32));
    }
    for (name, _, parameter) in parameters::DECOMPRESSION {
        add(dict, name, Value::from_i32(parameter as i32));
    }
    for (number, name) in (1..).zip(STRATEGIES) {
        add(dict, name, Value::from_i32(number));
    }
    add(
        dict,
        "ZSTD_CLEVEL_DEFAULT",
        Value::from_i32(zstd_safe::CLEVEL_DEFAULT),
    );
    // SAFETY: plain call.
    let size = unsafe { lib::ZSTD_DStreamOutSize() };
    add(dict, "ZSTD_DStreamOutSize", Value::int(size as i64));
    add(dict, "zstd_version", new_str(zstd_safe::version_string()));
    add(
        dict,
        "zstd_version_number",
        Value::int(zstd_safe::version_number() as i64),
    );
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_zstd",
    doc: "Zstandard compression, as compression.zstd uses it.",
    functions: &FUNCTIONS,
    init,
};
