//! `_md5`, `_sha1`, `_sha2`: functions that make hash objects; the types themselves cannot be called.

use super::algorithm::{self, Algorithm};
use super::arguments::{GIL_MINSIZE, initial};
use super::object::{GETSET, LAYOUT, METHODS, start};
use taipan_core::{Bound, MethodDef, Py, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, bound};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::support::add;

/// What the functions do: bind `data`, `usedforsecurity` and `string`, and start a hash object.
pub fn construct(
    vm: &mut Vm,
    cls: &'static TypeObject,
    algorithm: &'static Algorithm,
    args: &Bound,
) -> Py {
    if let Some(flag) = args.get(1) {
        vm.truth(flag)?;
    }
    let data = initial(vm, args.get(0), args.get(2))?;
    start(vm, cls, algorithm, data)
}

macro_rules! plain_type {
    ($ty:ident $spec:ident $name:literal $make:ident) => {
        #[doc = concat!("The type `", $name, "`.")]
        pub static $ty: TypeObject = Type::declare($name);

        static $spec: TypeSpec = TypeSpec {
            name: $name,
            flags: TypeFlags::NO_INSTANTIATION,
            layout: Some(&LAYOUT),
            methods: &METHODS,
            getset: &GETSET,
            ..TypeSpec::DEFAULT
        };

        fn $make(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
            construct(vm, &$ty, &algorithm::$ty, args)
        }
    };
}

plain_type!(MD5 MD5_SPEC "_md5.md5" md5);
plain_type!(SHA1 SHA1_SPEC "_sha1.sha1" sha1);
plain_type!(SHA224 SHA224_SPEC "_sha2.SHA224Type" sha224);
plain_type!(SHA256 SHA256_SPEC "_sha2.SHA256Type" sha256);
plain_type!(SHA384 SHA384_SPEC "_sha2.SHA384Type" sha384);
plain_type!(SHA512 SHA512_SPEC "_sha2.SHA512Type" sha512);

static MD5_FUNCTIONS: [MethodDef; 1] = [bound(
    "md5(module, /, data=b'', *, usedforsecurity=True, string=None)",
    md5,
    "A new MD5 hash object, which has seen data.",
)];

static SHA1_FUNCTIONS: [MethodDef; 1] = [bound(
    "sha1(module, /, data=b'', *, usedforsecurity=True, string=None)",
    sha1,
    "A new SHA-1 hash object, which has seen data.",
)];

static SHA2_FUNCTIONS: [MethodDef; 4] = [
    bound(
        "sha224(module, /, data=b'', *, usedforsecurity=True, string=None)",
        sha224,
        "A new SHA-224 hash object, which has seen data.",
    ),
    bound(
        "sha256(module, /, data=b'', *, usedforsecurity=True, string=None)",
        sha256,
        "A new SHA-256 hash object, which has seen data.",
    ),
    bound(
        "sha384(module, /, data=b'', *, usedforsecurity=True, string=None)",
        sha384,
        "A new SHA-384 hash object, which has seen data.",
    ),
    bound(
        "sha512(module, /, data=b'', *, usedforsecurity=True, string=None)",
        sha512,
        "A new SHA-512 hash object, which has seen data.",
    ),
];

fn init_md5(_vm: &mut Vm, dict: &Value) -> Py<()> {
    MD5.define(&MD5_SPEC);
    add(dict, "MD5Type", MD5.to_value());
    add(dict, "_GIL_MINSIZE", Value::from_i32(GIL_MINSIZE));
    Ok(())
}

fn init_sha1(_vm: &mut Vm, dict: &Value) -> Py<()> {
    SHA1.define(&SHA1_SPEC);
    add(dict, "SHA1Type", SHA1.to_value());
    add(dict, "_GIL_MINSIZE", Value::from_i32(GIL_MINSIZE));
    Ok(())
}

fn init_sha2(_vm: &mut Vm, dict: &Value) -> Py<()> {
    for (name, ty, spec) in [
        ("SHA224Type", &SHA224, &SHA224_SPEC),
        ("SHA256Type", &SHA256, &SHA256_SPEC),
        ("SHA384Type", &SHA384, &SHA384_SPEC),
        ("SHA512Type", &SHA512, &SHA512_SPEC),
    ] {
        ty.define(spec);
        add(dict, name, ty.to_value());
    }
    add(dict, "_GIL_MINSIZE", Value::from_i32(GIL_MINSIZE));
    Ok(())
}

/// `_md5`.
pub static MD5_MODULE: ModuleDef = ModuleDef {
    name: "_md5",
    doc: "",
    functions: &MD5_FUNCTIONS,
    init: init_md5,
};

/// `_sha1`.
pub static SHA1_MODULE: ModuleDef = ModuleDef {
    name: "_sha1",
    doc: "",
    functions: &SHA1_FUNCTIONS,
    init: init_sha1,
};

/// `_sha2`.
pub static SHA2_MODULE: ModuleDef = ModuleDef {
    name: "_sha2",
    doc: "",
    functions: &SHA2_FUNCTIONS,
    init: init_sha2,
};
