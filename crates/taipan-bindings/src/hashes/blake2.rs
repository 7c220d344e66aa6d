//! `_blake2`: BLAKE2b and BLAKE2s with their whole parameter block.

use super::algorithm::{self, Hasher};
use super::arguments::{GIL_MINSIZE, data, initial};
use super::object::{GETSET, LAYOUT, METHODS, new_hash};
use crate::numbers::{c_int, unsigned};
use taipan_core::bind::bind;
use taipan_core::dict_object::Dict;
use taipan_core::{Args, Bound, MethodDef, Py, Slots, Type, TypeObject, TypeSpec, Value, Vm};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::{add, add_type, signature};
use taipan_types::buffer::{BytesLike, bytes_like};

static BLAKE2B: TypeObject = Type::declare("_blake2.blake2b");
static BLAKE2S: TypeObject = Type::declare("_blake2.blake2s");

static BLAKE2B_SPEC: TypeSpec = TypeSpec {
    name: "_blake2.blake2b",
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new_b),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "A new BLAKE2b hash object.",
    ..TypeSpec::DEFAULT
};

static BLAKE2S_SPEC: TypeSpec = TypeSpec {
    name: "_blake2.blake2s",
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new_s),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "A new BLAKE2s hash object.",
    ..TypeSpec::DEFAULT
};

/// The bounds of one of the two variants.
struct Variant {
    title: &'static str,
    digest_size: usize,
    key_size: usize,
    salt_size: usize,
    person_size: usize,
    /// The largest offset of a node is below `1 << offset_bits`.
    offset_bits: u32,
}

static B: Variant = Variant {
    title: "Blake2b",
    digest_size: blake2b_simd::OUTBYTES,
    key_size: blake2b_simd::KEYBYTES,
    salt_size: blake2b_simd::SALTBYTES,
    person_size: blake2b_simd::PERSONALBYTES,
    offset_bits: 64,
};

static S: Variant = Variant {
    title: "Blake2s",
    digest_size: blake2s_simd::OUTBYTES,
    key_size: blake2s_simd::KEYBYTES,
    salt_size: blake2s_simd::SALTBYTES,
    person_size: blake2s_simd::PERSONALBYTES,
    offset_bits: 48,
};

static NEW_B: MethodDef = signature(
    "blake2b(data=b'', *, digest_size=64, key=b'', salt=b'', person=b'', fanout=1, depth=1, leaf_size=0, node_offset=0, node_depth=0, inner_size=0, last_node=False, usedforsecurity=True, string=None)",
);
static NEW_S: MethodDef = signature(
    "blake2s(data=b'', *, digest_size=32, key=b'', salt=b'', person=b'', fanout=1, depth=1, leaf_size=0, node_offset=0, node_depth=0, inner_size=0, last_node=False, usedforsecurity=True, string=None)",
);

/// The parameter block, checked.
struct Parameters {
    digest_size: usize,
    key: Option<BytesLike>,
    salt: Option<BytesLike>,
    person: Option<BytesLike>,
    fanout: u8,
    depth: u8,
    leaf_size: u32,
    node_offset: u64,
    node_depth: u8,
    inner_size: usize,
    last_node: bool,
}

fn int_or(vm: &mut Vm, value: Option<&Value>, default: i32) -> Py<i32> {
    match value {
        Some(value) => c_int(vm, value),
        None => Ok(default),
    }
}

fn byte(vm: &mut Vm, value: Option<&Value>, name: &str, least: i32, default: u8) -> Py<u8> {
    let number = int_or(vm, value, default as i32)?;
    match u8::try_from(number) {
        Ok(byte) if number >= least => Ok(byte),
        _ => Err(vm.value_error(format!("{name} must be between {least} and 255"))),
    }
}

/// A bytes-like argument of at most `most` bytes.
fn short(vm: &mut Vm, value: Option<&Value>, name: &str, most: usize) -> Py<Option<BytesLike>> {
    let Some(value) = value else {
        return Ok(None);
    };
    let bytes = bytes_like(vm, value)?;
    if bytes.len() > most {
        return Err(vm.value_error(format!("maximum {name} length is {most} bytes")));
    }
    Ok(Some(bytes))
}

fn parameters(vm: &mut Vm, variant: &Variant, args: &Bound) -> Py<Parameters> {
    let most = variant.digest_size as i32;
    let digest_size = int_or(vm, args.get(1), most)?;
    if !(1..=most).contains(&digest_size) {
        return Err(vm.value_error(format!(
            "digest_size for {} must be between 1 and {most} bytes, here it is {digest_size}",
            variant.title
        )));
    }
    let salt = short(vm, args.get(3), "salt", variant.salt_size)?;
    let person = short(vm, args.get(4), "person", variant.person_size)?;
    let fanout = byte(vm, args.get(5), "fanout", 0, 1)?;
    let depth = byte(vm, args.get(6), "depth", 1, 1)?;
    let leaf_size = match args.get(7) {
        Some(size) => unsigned(vm, size, "unsigned long")?,
        None => 0,
    };
    let Ok(leaf_size) = u32::try_from(leaf_size) else {
        return Err(vm.overflow_error("leaf_size is too large"));
    };
    let node_offset = match args.get(8) {
        Some(offset) => unsigned(vm, offset, "unsigned long long")?,
        None => 0,
    };
    if variant.offset_bits < 64 && node_offset >> variant.offset_bits > 0 {
        return Err(vm.overflow_error("node_offset is too large"));
    }
    let node_depth = byte(vm, args.get(9), "node_depth", 0, 0)?;
    let inner_size = int_or(vm, args.get(10), 0)?;
    if !(0..=most).contains(&inner_size) {
        return Err(vm.value_error(format!("inner_size must be between 0 and is {most}")));
    }
    let last_node = taipan_types::arguments::flag(vm, args.get(11), false)?;
    let key = short(vm, args.get(2), "key", variant.key_size)?;
    Ok(Parameters {
        digest_size: digest_size as usize,
        key,
        salt,
        person,
        fanout,
        depth,
        leaf_size,
        node_offset,
        node_depth,
        inner_size: inner_size as usize,
        last_node,
    })
}

/// Fills in the builder of either library, which have the same methods.
macro_rules! keyed_state {
    ($library:ident, $parameters:expr) => {{
        let given = $parameters;
        let mut builder = $library::Params::new();
        builder
            .hash_length(given.digest_size)
            .fanout(given.fanout)
            .max_depth(given.depth)
            .max_leaf_length(given.leaf_size)
            .node_offset(given.node_offset)
            .node_depth(given.node_depth)
            .inner_hash_length(given.inner_size)
            .last_node(given.last_node);
        if let Some(key) = &given.key {
            builder.key(key);
        }
        if let Some(salt) = &given.salt {
            builder.salt(salt);
        }
        if let Some(person) = &given.person {
            builder.personal(person);
        }
        builder.to_state()
    }};
}

/// Binds what all constructors have: the data, and the flag that changes nothing here.
fn bind_all<'a>(vm: &mut Vm, args: &'a Bound) -> Py<Option<&'a Value>> {
    if let Some(flag) = args.get(12) {
        vm.truth(flag)?;
    }
    initial(vm, args.get(0), args.get(13))
}

fn new_b(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW_B, args)?;
    let source = bind_all(vm, &args)?;
    let parameters = parameters(vm, &B, &args)?;
    let mut hasher = Hasher::Blake2b(keyed_state!(blake2b_simd, &parameters));
    if let Some(source) = source {
        hasher.update(&data(vm, source)?);
    }
    Ok(new_hash(
        cls,
        &algorithm::BLAKE2B,
        parameters.digest_size,
        hasher,
    ))
}

fn new_s(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = bind(vm, &NEW_S, args)?;
    let source = bind_all(vm, &args)?;
    let parameters = parameters(vm, &S, &args)?;
    let mut hasher = Hasher::Blake2s(keyed_state!(blake2s_simd, &parameters));
    if let Some(source) = source {
        hasher.update(&data(vm, source)?);
    }
    Ok(new_hash(
        cls,
        &algorithm::BLAKE2S,
        parameters.digest_size,
        hasher,
    ))
}

/// Puts the bounds of a variant into the module's dict and the type's.
fn add_bounds(dict: &Value, ty: &'static TypeObject, prefix: &str, variant: &Variant) {
    for (name, size) in [
        ("SALT_SIZE", variant.salt_size),
        ("PERSON_SIZE", variant.person_size),
        ("MAX_KEY_SIZE", variant.key_size),
        ("MAX_DIGEST_SIZE", variant.digest_size),
    ] {
        let size = Value::int(size as i64);
        add(dict, &format!("{prefix}_{name}"), size.clone());
        let name = taipan_core::str_object::name(name);
        let namespace: &taipan_core::Obj<Dict> = ty.namespace();
        namespace.set_name(&name, size);
    }
}

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    BLAKE2B.define(&BLAKE2B_SPEC);
    BLAKE2S.define(&BLAKE2S_SPEC);
    add_type(dict, &BLAKE2B);
    add_type(dict, &BLAKE2S);
    add_bounds(dict, &BLAKE2B, "BLAKE2B", &B);
    add_bounds(dict, &BLAKE2S, "BLAKE2S", &S);
    add(dict, "_GIL_MINSIZE", Value::from_i32(GIL_MINSIZE));
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_blake2",
    doc: "_blake2b provides BLAKE2b for hashlib\n",
    functions: &[],
    init,
};
