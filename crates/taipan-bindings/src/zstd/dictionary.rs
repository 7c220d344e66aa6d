//! `ZstdDict`, and how dictionaries are made from samples.

use super::failure::check;
use crate::numbers::c_int;
use crate::output::{NoMemory, try_to_vec};
use taipan_core::alloc::new_instance;
use taipan_core::bind::bind;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Slots, Type, TypeObject, TypeSpec, Value,
    Vm, getter,
};
use taipan_stdlib::support::{add_type, signature};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::{bytes_of, new_bytes};
use zstd_safe::zstd_sys as lib;

static DICT: TypeObject = Type::declare("compression.zstd.ZstdDict");

static SPEC: TypeSpec = TypeSpec {
    name: "compression.zstd.ZstdDict",
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        len: Some(len),
        ..Slots::NONE
    },
    getset: &GETSET,
    doc: "ZstdDict(dict_content, /, *, is_raw=False)\n--\n\n\
          A dictionary for compression and decompression.\n\n  \
          is_raw\n    The content is any data, without the header that trained dictionaries have.",
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<ZstdDict>();

static GETSET: [GetSetDef; 5] = [
    getter(
        "dict_id",
        dict_id,
        "The number of the dictionary; 0 if it is raw content.",
    ),
    getter("dict_content", dict_content, "The content as bytes."),
    getter(
        "as_digested_dict",
        |_vm, this| Ok(with_use(this, Use::Digested)),
        "To be used with the settings that it is loaded with.",
    ),
    getter(
        "as_undigested_dict",
        |_vm, this| Ok(with_use(this, Use::Undigested)),
        "To be used with the compressor's settings.",
    ),
    getter(
        "as_prefix",
        |_vm, this| Ok(with_use(this, Use::Prefix)),
        "To be used as if it stood in front of the first frame's data.",
    ),
];

pub(super) fn define(dict: &Value) {
    DICT.define(&SPEC);
    add_type(dict, &DICT);
}

/// Payload of `ZstdDict`.
pub struct ZstdDict {
    id: u32,
    content: Box<[u8]>,
}

// SAFETY: holds no references.
#[expect(unsafe_code, reason = "the contract of payloads")]
unsafe impl Payload for ZstdDict {
    fn type_object() -> &'static TypeObject {
        &DICT
    }
    fn outside_size(&self) -> usize {
        self.content.len()
    }
}

fn own(this: &Value) -> &Obj<ZstdDict> {
    this.expect::<ZstdDict>()
}

/// How a stream is to use a dictionary.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Digested = 0,
    Undigested = 1,
    Prefix = 2,
}

fn with_use(this: &Value, how: Use) -> Value {
    new_tuple([this.clone(), Value::from_i32(how as i32)])
}

static NEW: MethodDef = signature("ZstdDict(dict_content, /, *, is_raw=False)");

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW, args)?;
    let content = bytes_like(vm, args.req(0))?;
    let is_raw = taipan_types::arguments::flag(vm, args.get(1), false)?;
    if content.len() < 8 {
        return Err(vm.value_error(
            "Zstandard dictionary content too short (must have at least eight bytes)",
        ));
    }
    // SAFETY: pointer and length are of a live slice.
    let id = unsafe { lib::ZSTD_getDictID_fromDict(content.as_ptr().cast(), content.len()) };
    if !is_raw && id == 0 {
        return Err(vm.value_error("invalid Zstandard dictionary"));
    }
    let content = try_to_vec(&content).map_err(|NoMemory| vm.memory_error())?;
    let dictionary = ZstdDict {
        id,
        content: content.into_boxed_slice(),
    };
    Ok(new_instance(cls, dictionary))
}

fn repr(_vm: &mut Vm, this: &Value) -> Py {
    let dictionary = own(this);
    Ok(new_str(&format!(
        "<ZstdDict dict_id={} dict_size={}>",
        dictionary.id,
        dictionary.content.len()
    )))
}

fn len(_vm: &mut Vm, this: &Value) -> Py<usize> {
    Ok(own(this).content.len())
}

fn dict_id(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::int(own(this).id as i64))
}

fn dict_content(vm: &mut Vm, this: &Value) -> Py {
    new_bytes(vm, &own(this).content)
}

/// A `zstd_dict` argument: a dictionary, or one with the way it is to be used. Gives a copy of the content.
pub fn argument(vm: &mut Vm, argument: &Value, default: Use) -> Py<(Vec<u8>, Use)> {
    let found = match items(argument) {
        Some([dictionary, how]) => {
            let how = match how.as_i64() {
                Some(0) if how.is_int() => Some(Use::Digested),
                Some(1) if how.is_int() => Some(Use::Undigested),
                Some(2) if how.is_int() => Some(Use::Prefix),
                _ => None,
            };
            dictionary.cast::<ZstdDict>().zip(how)
        }
        _ => argument
            .cast::<ZstdDict>()
            .map(|dictionary| (dictionary, default)),
    };
    let Some((dictionary, how)) = found else {
        return Err(vm.type_error("zstd_dict argument should be a ZstdDict object."));
    };
    let content = try_to_vec(&dictionary.content).map_err(|NoMemory| vm.memory_error())?;
    Ok((content, how))
}

// ---- making dictionaries ----

/// The samples of an argument pair: their bytes one behind the other, and their sizes.
fn samples<'a>(
    vm: &mut Vm,
    function: &str,
    args: &'a [Value],
    at: usize,
) -> Py<(&'a [u8], Vec<usize>)> {
    let data = bytes_argument(vm, function, args, at)?;
    let Some(rows) = items(&args[at + 1]) else {
        let message = format!(
            "{function}() argument {} must be tuple, not {}",
            at + 2,
            taipan_types::arguments::type_name(&args[at + 1])
        );
        return Err(vm.type_error(message));
    };
    let mut sizes = Vec::new();
    let mut total = Some(0usize);
    for row in rows {
        if !row.is_int() {
            return Err(vm.type_error("an integer is required"));
        }
        let size = row.as_i64().and_then(|size| usize::try_from(size).ok());
        total = total
            .zip(size)
            .and_then(|(total, size)| total.checked_add(size));
        sizes.extend(size);
    }
    if total != Some(data.len()) {
        return Err(
            vm.value_error("The samples size tuple doesn't match the concatenation's size.")
        );
    }
    Ok((data, sizes))
}

fn bytes_argument<'a>(vm: &mut Vm, function: &str, args: &'a [Value], at: usize) -> Py<&'a [u8]> {
    match bytes_of(&args[at]) {
        Some(data) => Ok(data),
        None => {
            let message = format!(
                "{function}() argument {} must be bytes, not {}",
                at + 1,
                taipan_types::arguments::type_name(&args[at])
            );
            Err(vm.type_error(message))
        }
    }
}

/// An empty vector with room for a dictionary of the size asked for.
fn room(vm: &mut Vm, size: i64) -> Py<Vec<u8>> {
    if size <= 0 {
        return Err(vm.value_error("dict_size argument should be positive number."));
    }
    let mut room = Vec::new();
    if room.try_reserve_exact(size as usize).is_err() {
        return Err(vm.memory_error());
    }
    Ok(room)
}

/// The bytes of a finished dictionary, which the library wrote into the room.
fn made(vm: &mut Vm, mut room: Vec<u8>, result: usize, doing: &str) -> Py {
    match check(result) {
        Ok(size) => {
            // SAFETY: the library wrote that many bytes, which the capacity bounds.
            unsafe { room.set_len(size.min(room.capacity())) };
            new_bytes(vm, &room)
        }
        Err(failure) => Err(failure.raise(vm, doing)),
    }
}

/// `train_dict(samples_bytes, samples_sizes, dict_size)`
pub fn train_dict(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let size = vm.index_i64(&args[2])?;
    bytes_argument(vm, "train_dict", args, 0)?;
    let mut room = room(vm, size)?;
    let (data, sizes) = samples(vm, "train_dict", args, 0)?;
    let count = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
    // SAFETY: pointers go with lengths of live memory; the sizes add up to the data's length.
    let result = unsafe {
        lib::ZDICT_trainFromBuffer(
            room.as_mut_ptr().cast(),
            size as usize,
            data.as_ptr().cast(),
            sizes.as_ptr(),
            count,
        )
    };
    made(vm, room, result, "Unable to train the Zstandard dictionary")
}

/// `finalize_dict(custom_dict_bytes, samples_bytes, samples_sizes, dict_size, compression_level)`
pub fn finalize_dict(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let size = vm.index_i64(&args[3])?;
    let level = c_int(vm, &args[4])?;
    let content = bytes_argument(vm, "finalize_dict", args, 0)?;
    let mut room = room(vm, size)?;
    let (data, sizes) = samples(vm, "finalize_dict", args, 1)?;
    let count = u32::try_from(sizes.len()).unwrap_or(u32::MAX);
    let parameters = lib::ZDICT_params_t {
        compressionLevel: level,
        notificationLevel: 0,
        dictID: 0,
    };
    // SAFETY: as above.
    let result = unsafe {
        lib::ZDICT_finalizeDictionary(
            room.as_mut_ptr().cast(),
            size as usize,
            content.as_ptr().cast(),
            content.len(),
            data.as_ptr().cast(),
            sizes.as_ptr(),
            count,
            parameters,
        )
    };
    made(
        vm,
        room,
        result,
        "Unable to finalize the Zstandard dictionary",
    )
}
