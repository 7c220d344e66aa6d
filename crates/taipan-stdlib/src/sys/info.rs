//! The constants of `sys`: versions, limits of the platform, the command line.

use super::names::NAMES;
use crate::config::{self, Config, Flags};
use crate::structseq::{self, Fields};
use crate::support::add;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{name, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, Type, TypeObject, Value, Vm};
use taipan_interp::module::Module;
use taipan_types::list::new_list;

/// The version of the language that is implemented.
pub const VERSION: (u8, u8, u8) = (3, 14, 10);
/// The version of this implementation.
const OWN_VERSION: &str = env!("CARGO_PKG_VERSION");

static VERSION_INFO: TypeObject = Type::declare("sys.version_info");
static VERSION_FIELDS: Fields = Fields {
    name: "sys.version_info",
    doc: "sys.version_info\n\nVersion information as a named tuple.",
    fields: &[
        ("major", "Major release number"),
        ("minor", "Minor release number"),
        ("micro", "Patch release number"),
        ("releaselevel", "'alpha', 'beta', 'candidate', or 'final'"),
        ("serial", "Serial release number"),
    ],
    visible: 5,
    instantiable: false,
};

static FLAGS: TypeObject = Type::declare("sys.flags");
static FLAGS_FIELDS: Fields = Fields {
    name: "sys.flags",
    doc: "sys.flags\n\nFlags provided through command line arguments or environment vars.",
    fields: &[
        ("debug", "-d"),
        ("inspect", "-i"),
        ("interactive", "-i"),
        ("optimize", "-O or -OO"),
        ("dont_write_bytecode", "-B"),
        ("no_user_site", "-s"),
        ("no_site", "-S"),
        ("ignore_environment", "-E"),
        ("verbose", "-v"),
        ("bytes_warning", "-b"),
        ("quiet", "-q"),
        ("hash_randomization", "-R"),
        ("isolated", "-I"),
        ("dev_mode", "-X dev"),
        ("utf8_mode", "-X utf8"),
        ("warn_default_encoding", "-X warn_default_encoding"),
        ("safe_path", "-P"),
        ("int_max_str_digits", "-X int_max_str_digits"),
        ("gil", "-X gil"),
        ("thread_inherit_context", "-X thread_inherit_context"),
        ("context_aware_warnings", "-X context_aware_warnings"),
    ],
    visible: 18,
    instantiable: false,
};

static FLOAT_INFO: TypeObject = Type::declare("sys.float_info");
static FLOAT_FIELDS: Fields = Fields {
    name: "sys.float_info",
    doc: "sys.float_info\n\nA named tuple holding information about the float type.",
    fields: &[
        ("max", "maximum representable finite float"),
        (
            "max_exp",
            "maximum int e such that radix**(e-1) is representable",
        ),
        (
            "max_10_exp",
            "maximum int e such that 10**e is representable",
        ),
        ("min", "minimum positive normalized float"),
        (
            "min_exp",
            "minimum int e such that radix**(e-1) is a normalized float",
        ),
        (
            "min_10_exp",
            "minimum int e such that 10**e is a normalized float",
        ),
        (
            "dig",
            "maximum number of decimal digits that can be faithfully represented in a float",
        ),
        ("mant_dig", "mantissa digits"),
        (
            "epsilon",
            "difference between 1 and the next representable float",
        ),
        ("radix", "radix of exponent"),
        ("rounds", "rounding mode used for arithmetic operations"),
    ],
    visible: 11,
    instantiable: true,
};

static INT_INFO: TypeObject = Type::declare("sys.int_info");
static INT_FIELDS: Fields = Fields {
    name: "sys.int_info",
    doc: "sys.int_info\n\nA named tuple that holds information about Python's\ninternal representation of integers.  The attributes are read only.",
    fields: &[
        ("bits_per_digit", "size of a digit in bits"),
        (
            "sizeof_digit",
            "size in bytes of the C type used to represent a digit",
        ),
        (
            "default_max_str_digits",
            "maximum string conversion digits limitation",
        ),
        (
            "str_digits_check_threshold",
            "minimum positive value for int_max_str_digits",
        ),
    ],
    visible: 4,
    instantiable: true,
};

static HASH_INFO: TypeObject = Type::declare("sys.hash_info");
static HASH_FIELDS: Fields = Fields {
    name: "sys.hash_info",
    doc: "hash_info\n\nA named tuple providing parameters used for computing\nhashes. The attributes are read only.",
    fields: &[
        ("width", "width of the type used for hashing, in bits"),
        (
            "modulus",
            "prime number giving the modulus on which the hash function is based",
        ),
        ("inf", "value to be used for hash of a positive infinity"),
        ("nan", "value to be used for hash of a nan"),
        (
            "imag",
            "multiplier used for the imaginary part of a complex number",
        ),
        (
            "algorithm",
            "name of the algorithm for hashing of str, bytes and memoryviews",
        ),
        ("hash_bits", "internal output size of hash algorithm"),
        ("seed_bits", "seed size of hash algorithm"),
        ("cutoff", "small string optimization cutoff"),
    ],
    visible: 9,
    instantiable: true,
};

static THREAD_INFO: TypeObject = Type::declare("sys.thread_info");
static THREAD_FIELDS: Fields = Fields {
    name: "sys.thread_info",
    doc: "sys.thread_info\n\nA named tuple holding information about the thread implementation.",
    fields: &[
        ("name", "name of the thread implementation"),
        ("lock", "name of the lock implementation"),
        ("version", "name and version of the thread library"),
    ],
    visible: 3,
    instantiable: true,
};

fn int(i: impl Into<i64>) -> Value {
    Value::int(i.into())
}

fn flag(flag: bool) -> Value {
    Value::int(flag.into())
}

fn version_info() -> Value {
    structseq::define(&VERSION_INFO, &VERSION_FIELDS);
    let (major, minor, micro) = VERSION;
    let row = vec![int(major), int(minor), int(micro), new_str("final"), int(0)];
    structseq::create(&VERSION_INFO, 5, row)
}

fn hex_version() -> i64 {
    let (major, minor, micro) = VERSION;
    i64::from(major) << 24 | i64::from(minor) << 16 | i64::from(micro) << 8 | 0xf0
}

fn flags(flags: &Flags, digits: i64) -> Value {
    structseq::define(&FLAGS, &FLAGS_FIELDS);
    let row = vec![
        flag(flags.debug > 0),
        flag(flags.inspect > 0),
        flag(flags.interactive > 0),
        int(flags.optimize),
        flag(flags.dont_write_bytecode),
        flag(flags.no_user_site),
        flag(flags.no_site),
        flag(flags.ignore_environment),
        int(flags.verbose),
        int(flags.bytes_warning),
        flag(flags.quiet > 0),
        flag(flags.hash_randomization),
        flag(flags.isolated),
        Value::bool(flags.dev_mode),
        flag(flags.utf8_mode),
        flag(flags.warn_default_encoding),
        Value::bool(flags.safe_path),
        int(digits),
        flags.gil.map_or_else(Value::none, flag),
        flag(flags.thread_inherit_context),
        flag(flags.context_aware_warnings),
    ];
    structseq::create(&FLAGS, 18, row)
}

fn float_info() -> Value {
    structseq::define(&FLOAT_INFO, &FLOAT_FIELDS);
    let row = vec![
        Value::float(f64::MAX),
        int(f64::MAX_EXP),
        int(f64::MAX_10_EXP),
        Value::float(f64::MIN_POSITIVE),
        int(f64::MIN_EXP),
        int(f64::MIN_10_EXP),
        int(f64::DIGITS),
        int(f64::MANTISSA_DIGITS),
        Value::float(f64::EPSILON),
        int(f64::RADIX),
        int(1),
    ];
    structseq::create(&FLOAT_INFO, 11, row)
}

/// Ints beyond 62 bits are made of 64-bit digits, but what `sys.int_info` says is read as advice on sizes of digits of 30 bits.
fn int_info() -> Value {
    structseq::define(&INT_INFO, &INT_FIELDS);
    let row = vec![int(30), int(4), int(4300), int(640)];
    structseq::create(&INT_INFO, 4, row)
}

fn hash_info() -> Value {
    structseq::define(&HASH_INFO, &HASH_FIELDS);
    let row = vec![
        int(64),
        int((1i64 << 61) - 1),
        int(314159),
        int(0),
        int(1000003),
        new_str("siphash13"),
        int(64),
        int(128),
        int(0),
    ];
    structseq::create(&HASH_INFO, 9, row)
}

fn thread_info() -> Value {
    structseq::define(&THREAD_INFO, &THREAD_FIELDS);
    let row = vec![new_str("pthread"), new_str("mutex+cond"), Value::none()];
    structseq::create(&THREAD_INFO, 3, row)
}

fn implementation(vm: &mut Vm) -> Value {
    let keys: Vec<Value> = [
        "name",
        "cache_tag",
        "version",
        "hexversion",
        "_multiarch",
        "supports_isolated_interpreters",
    ]
    .iter()
    .map(|key| name(key))
    .collect();
    let row = [
        new_str("taipan"),
        new_str("taipan-314"),
        version_info(),
        Value::int(hex_version()),
        new_str(&format!("{}-linux-gnu", std::env::consts::ARCH)),
        Value::bool(true),
    ];
    match vm.call_args(&types::SIMPLE_NAMESPACE.to_value(), Args::new(&row, &keys)) {
        Ok(namespace) => namespace,
        Err(raised) => {
            drop(vm.take_raised(raised));
            Value::none()
        }
    }
}

/// A text of the system, with surrogates for bytes that are no text.
fn system_text(vm: &mut Vm, text: &OsStr) -> Value {
    match text.to_str() {
        Some(text) if text.is_ascii() => new_str(text),
        _ => match crate::path::decode(vm, text.as_bytes()) {
            Ok(text) => text,
            Err(raised) => {
                drop(vm.take_raised(raised));
                new_str(&text.to_string_lossy())
            }
        },
    }
}

fn strings(vm: &mut Vm, texts: &[OsString]) -> Value {
    new_list(texts.iter().map(|text| system_text(vm, text)).collect())
}

/// The version of the language, as text.
pub fn language_version() -> String {
    let (major, minor, micro) = VERSION;
    format!("{major}.{minor}.{micro}")
}

/// `sys.version`
pub fn version() -> String {
    format!("{} (Taipan {OWN_VERSION}) [Rust]", language_version())
}

/// Puts all constants into the module's dict.
pub(super) fn fill(vm: &mut Vm, dict: &Value) {
    let config = config::read(vm, Config::clone);
    let put = |name: &str, value: Value| add(dict, name, value);
    put("version", new_str(&version()));
    put("version_info", version_info());
    put("hexversion", Value::int(hex_version()));
    put("api_version", int(1013));
    put("maxsize", Value::int(i64::MAX));
    put("maxunicode", int(0x10_ffff));
    put(
        "byteorder",
        new_str(if cfg!(target_endian = "big") {
            "big"
        } else {
            "little"
        }),
    );
    put("platform", new_str(std::env::consts::OS));
    put("float_repr_style", new_str("short"));
    // Packages for a Python without a global lock go into folders of their own.
    put("abiflags", new_str("t"));
    put(
        "copyright",
        new_str("Copyright (c) 2026 the Taipan developers.\nAll Rights Reserved."),
    );
    put("float_info", float_info());
    put("int_info", int_info());
    put("hash_info", hash_info());
    put("thread_info", thread_info());
    let digits = super::limits::digits_of(&config.flags);
    put("flags", flags(&config.flags, digits));
    put(
        "dont_write_bytecode",
        Value::bool(config.flags.dont_write_bytecode),
    );
    put(
        "_git",
        new_tuple([new_str("Taipan"), new_str(""), new_str("")]),
    );
    put("_framework", new_str(""));
    put("_home", Value::none());
    fill_paths(vm, &config, dict);
    let names = new_tuple(NAMES.iter().map(|text| name(text)).collect::<Vec<_>>());
    let implementation = implementation(vm);
    let names = vm.call(&types::FROZENSET.to_value(), &[names]);
    let put = |name: &str, value: Value| add(dict, name, value);
    put("implementation", implementation);
    match names {
        Ok(names) => put("stdlib_module_names", names),
        Err(raised) => drop(vm.take_raised(raised)),
    }
    let mut native = crate::_imp::native_names(vm);
    native.sort_unstable();
    native.dedup();
    let native = new_tuple(native.iter().map(|text| name(text)).collect::<Vec<_>>());
    add(dict, "builtin_module_names", native);
    add(dict, "_jit", jit_module());
}

fn fill_paths(vm: &mut Vm, config: &Config, dict: &Value) {
    for (attribute, texts) in [
        ("argv", &config.argv),
        ("orig_argv", &config.orig_argv),
        ("path", &config.path),
        ("warnoptions", &config.warn_options),
    ] {
        let texts = strings(vm, texts);
        add(dict, attribute, texts);
    }
    let base = if config.base_executable.is_empty() {
        &config.executable
    } else {
        &config.base_executable
    };
    for (attribute, text) in [
        ("executable", &config.executable),
        ("_base_executable", base),
        ("prefix", &config.prefix),
        ("exec_prefix", &config.exec_prefix),
        ("base_prefix", &config.base_prefix),
        ("base_exec_prefix", &config.base_exec_prefix),
    ] {
        let text = system_text(vm, text);
        add(dict, attribute, text);
    }
    add(dict, "_stdlib_dir", new_str(crate::library::root(vm)));
    let platlibdir = if config.platlibdir.is_empty() {
        "lib"
    } else {
        &config.platlibdir
    };
    add(dict, "platlibdir", new_str(platlibdir));
    let prefix = match &config.imports.pycache_prefix {
        Some(prefix) => system_text(vm, prefix),
        None => Value::none(),
    };
    add(dict, "pycache_prefix", prefix);
    add(dict, "meta_path", new_list(Vec::new()));
    add(dict, "path_hooks", new_list(Vec::new()));
    add(dict, "path_importer_cache", new_dict());
    let options = new_dict();
    for (key, value) in &config.x_options {
        let key = system_text(vm, key);
        let value = match value {
            Some(value) => system_text(vm, value),
            None => Value::bool(true),
        };
        let key = taipan_core::str_object::intern(&key);
        drop(options.expect::<Dict>().set_name(&key, value));
    }
    add(dict, "_xoptions", options);
}

/// `sys._jit`
fn jit_module() -> Value {
    let module = Module::create("sys._jit", None);
    let dict = module.expect::<Module>().dict();
    for def in &JIT_FUNCTIONS {
        let function = taipan_core::descriptor::new_native_function(
            def,
            Some(module.clone()),
            Some(name("sys._jit")),
        );
        drop(dict.set_name(&name(def.name()), function));
    }
    module
}

static JIT_FUNCTIONS: [taipan_core::MethodDef; 3] = [
    taipan_core::f0(
        "is_available(module, /)",
        super::never,
        "Return True if the current Python executable supports JIT compilation, and False otherwise.",
    ),
    taipan_core::f0(
        "is_enabled(module, /)",
        super::never,
        "Return True if JIT compilation is enabled for the current Python process, and False otherwise.",
    ),
    taipan_core::f0(
        "is_active(module, /)",
        super::never,
        "Return True if the topmost Python frame is currently executing JIT code, and False otherwise.",
    ),
];

pub(super) fn is_gil_enabled(vm: &mut Vm, _module: &Value) -> taipan_core::Py {
    Ok(Value::bool(vm.interpreter().takes_turns()))
}
