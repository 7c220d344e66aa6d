//! `_sha3`: SHA-3 and SHAKE. Here the types are the constructors.

use super::algorithm::{self, Algorithm};
use super::arguments::{GIL_MINSIZE, initial};
use super::object::{
    EXTENDABLE_METHODS, LAYOUT, METHODS, block_size, digest_size, name, own, start,
};
use taipan_core::bind::bind;
use taipan_core::{
    Args, GetSetDef, MethodDef, Py, Slots, Type, TypeObject, TypeSpec, Value, Vm, getter,
};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::{add, add_type, signature};
use taipan_types::bytes::new_bytes;

fn construct(
    vm: &mut Vm,
    cls: &TypeObject,
    algorithm: &'static Algorithm,
    signature: &'static MethodDef,
    args: Args<'_>,
) -> Py {
    let args = bind(vm, signature, args)?;
    if let Some(flag) = args.get(1) {
        vm.truth(flag)?;
    }
    let data = initial(vm, args.get(0), args.get(2))?;
    start(vm, cls, algorithm, data)
}

macro_rules! sha3_type {
    ($ty:ident $name:literal $methods:ident $module:ident) => {
        mod $module {
            use super::*;

            pub static TYPE: TypeObject = Type::declare(concat!("_sha3.", $name));

            pub static SPEC: TypeSpec = TypeSpec {
                name: concat!("_sha3.", $name),
                layout: Some(&LAYOUT),
                slots: Slots {
                    new: Some(new),
                    ..Slots::NONE
                },
                methods: &$methods,
                getset: &GETSET,
                doc: concat!(
                    $name,
                    "([data], *, usedforsecurity=True)\n\nA new hash object, which has seen data."
                ),
                ..TypeSpec::DEFAULT
            };

            static NEW: MethodDef = signature(concat!(
                $name,
                "(data=b'', *, usedforsecurity=True, string=None)"
            ));

            fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
                construct(vm, cls, &algorithm::$ty, &NEW, args)
            }
        }
    };
}

sha3_type!(SHA3_224 "sha3_224" METHODS sha3_224);
sha3_type!(SHA3_256 "sha3_256" METHODS sha3_256);
sha3_type!(SHA3_384 "sha3_384" METHODS sha3_384);
sha3_type!(SHA3_512 "sha3_512" METHODS sha3_512);
sha3_type!(SHAKE_128 "shake_128" EXTENDABLE_METHODS shake_128);
sha3_type!(SHAKE_256 "shake_256" EXTENDABLE_METHODS shake_256);

static GETSET: [GetSetDef; 6] = [
    getter("block_size", block_size, ""),
    getter("name", name, ""),
    getter("digest_size", digest_size, ""),
    getter("_capacity_bits", capacity_bits, ""),
    getter("_rate_bits", rate_bits, ""),
    getter("_suffix", suffix, ""),
];

/// Bits of the state that the sponge works on.
const STATE_BITS: usize = 1600;

fn rate_bits(_vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::int(own(this).algorithm.block_size as i64 * 8))
}

fn capacity_bits(_vm: &mut Vm, this: &Value) -> Py {
    let rate = own(this).algorithm.block_size * 8;
    Ok(Value::int(STATE_BITS.saturating_sub(rate) as i64))
}

/// The bits that separate the two families, with the first bit of padding.
fn suffix(vm: &mut Vm, this: &Value) -> Py {
    let suffix = if own(this).algorithm.is_extendable() {
        0x1F
    } else {
        0x06
    };
    new_bytes(vm, &[suffix])
}

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    for (ty, spec) in [
        (&sha3_224::TYPE, &sha3_224::SPEC),
        (&sha3_256::TYPE, &sha3_256::SPEC),
        (&sha3_384::TYPE, &sha3_384::SPEC),
        (&sha3_512::TYPE, &sha3_512::SPEC),
        (&shake_128::TYPE, &shake_128::SPEC),
        (&shake_256::TYPE, &shake_256::SPEC),
    ] {
        ty.define(spec);
        add_type(dict, ty);
    }
    let implementation = taipan_core::str_object::new_str("RustCrypto");
    add(dict, "implementation", implementation);
    add(dict, "_GIL_MINSIZE", Value::from_i32(GIL_MINSIZE));
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_sha3",
    doc: "",
    functions: &[],
    init,
};
