//! From the command line and the `PYTHON*` variables to the interpreter's configuration.

use crate::arguments::Arguments;
use crate::failure::Failure;
use crate::locale::{self, Coercion, Wishes};
use crate::places;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use taipan::{Config, Flags, Imports};

/// The environment, unless it is to be ignored. Variables without a value do not count.
#[derive(Clone, Copy)]
pub struct Environment {
    pub used: bool,
}

impl Environment {
    pub fn get(self, name: &str) -> Option<OsString> {
        std::env::var_os(name).filter(|value| self.used && !value.is_empty())
    }

    pub fn is_set(self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The level that a variable asks for: its number, or 1 if it is none.
    fn level(self, name: &str) -> u8 {
        let Some(value) = self.get(name) else {
            return 0;
        };
        let number = value.to_str().and_then(|text| text.parse::<i32>().ok());
        match number {
            Some(number) if number >= 0 => number.min(255) as u8,
            _ => 1,
        }
    }
}

/// The configuration that a command line asks for.
pub fn config(arguments: &Arguments) -> Result<Config, Failure> {
    let mut flags = arguments.flags.clone();
    let environment = Environment {
        used: !flags.ignore_environment,
    };
    let dev = arguments.x_option("dev").is_some() || environment.is_set("PYTHONDEVMODE");
    flags.dev_mode = dev;
    let utf8 = utf8_mode(arguments, environment)?;
    let settled = locale::settle(&Wishes {
        utf8,
        coercion: coercion(environment),
        streams: environment.get("PYTHONIOENCODING"),
    });
    flags.utf8_mode = settled.utf8_mode;
    environment_flags(&mut flags, environment);
    x_flags(&mut flags, arguments, environment)?;
    hash_seed(&mut flags, environment)?;
    let imports = imports(arguments, environment)?;
    let places = places::find(arguments, environment);
    let mut path = Vec::new();
    if let Some(text) = environment.get("PYTHONPATH") {
        let parts = text.as_bytes().split(|byte| *byte == b':');
        path.extend(parts.map(|part| OsStr::from_bytes(part).to_owned()));
    }
    Ok(Config {
        argv: arguments.argv.clone(),
        orig_argv: arguments.words.clone(),
        path,
        executable: places.executable,
        base_executable: places.base_executable,
        prefix: places.prefix,
        exec_prefix: places.exec_prefix,
        base_prefix: places.base_prefix,
        base_exec_prefix: places.base_exec_prefix,
        platlibdir: environment
            .get("PYTHONPLATLIBDIR")
            .map(|text| text.to_string_lossy().into_owned())
            .unwrap_or_default(),
        warn_options: warn_options(arguments, environment, &flags),
        x_options: arguments.x_options.clone(),
        encodings: settled.encodings,
        imports,
        unbuffered: arguments.unbuffered || environment.level("PYTHONUNBUFFERED") > 0,
        skip_first_line: arguments.skip_first_line,
        faulthandler: dev
            || arguments.x_option("faulthandler").is_some()
            || environment.is_set("PYTHONFAULTHANDLER"),
        tracemalloc: tracemalloc(arguments, environment)?,
        cpu_count: cpu_count(arguments, environment)?,
        flags,
    })
}

/// Is the UTF-8 mode asked for, or refused?
fn utf8_mode(arguments: &Arguments, environment: Environment) -> Result<Option<bool>, Failure> {
    const PLACE: &str = "preconfig_init_utf8_mode";
    if let Some(value) = arguments.x_option("utf8") {
        return match value.map(OsStr::as_bytes) {
            None | Some(b"1") => Ok(Some(true)),
            Some(b"0") => Ok(Some(false)),
            Some(_) => Err(Failure::early(PLACE, "invalid -X utf8 option value")),
        };
    }
    match environment
        .get("PYTHONUTF8")
        .as_deref()
        .map(OsStr::as_bytes)
    {
        None => Ok(None),
        Some(b"1") => Ok(Some(true)),
        Some(b"0") => Ok(Some(false)),
        Some(_) => Err(Failure::early(
            PLACE,
            "invalid PYTHONUTF8 environment variable value",
        )),
    }
}

fn coercion(environment: Environment) -> Coercion {
    let wish = environment.get("PYTHONCOERCECLOCALE");
    match wish.as_deref().map(OsStr::as_bytes) {
        Some(b"0") => Coercion::Off,
        Some(b"warn") => Coercion::Warn,
        _ => Coercion::On,
    }
}

fn environment_flags(flags: &mut Flags, environment: Environment) {
    for (level, name) in [
        (&mut flags.debug, "PYTHONDEBUG"),
        (&mut flags.verbose, "PYTHONVERBOSE"),
        (&mut flags.optimize, "PYTHONOPTIMIZE"),
        (&mut flags.inspect, "PYTHONINSPECT"),
    ] {
        *level = environment.level(name).max(*level);
    }
    flags.dont_write_bytecode |= environment.level("PYTHONDONTWRITEBYTECODE") > 0;
    flags.no_user_site |= environment.level("PYTHONNOUSERSITE") > 0;
    flags.safe_path |= environment.is_set("PYTHONSAFEPATH");
}

/// A number in an option or a variable.
fn number<T: std::str::FromStr>(text: &OsStr) -> Option<T> {
    text.to_str()?.parse().ok()
}

fn x_flags(
    flags: &mut Flags,
    arguments: &Arguments,
    environment: Environment,
) -> Result<(), Failure> {
    flags.warn_default_encoding = arguments.x_option("warn_default_encoding").is_some()
        || environment.is_set("PYTHONWARNDEFAULTENCODING");
    let digits = |text: &OsStr, source: &str| match number::<i32>(text) {
        Some(digits) if digits == 0 || digits >= 640 => Ok(digits),
        _ => Err(Failure::setting(
            "config_init_int_max_str_digits",
            format!("{source}: invalid limit; must be >= 640 or 0 for unlimited."),
        )),
    };
    if let Some(text) = environment.get("PYTHONINTMAXSTRDIGITS") {
        flags.int_max_str_digits = digits(&text, "PYTHONINTMAXSTRDIGITS")?;
    }
    if let Some(value) = arguments.x_option("int_max_str_digits") {
        let text = value.unwrap_or_default();
        flags.int_max_str_digits = digits(text, "-X int_max_str_digits")?;
    }
    flags.thread_inherit_context = switch(
        arguments,
        environment,
        ("thread_inherit_context", "PYTHON_THREAD_INHERIT_CONTEXT"),
        "config_init_thread_inherit_context",
    )?;
    flags.context_aware_warnings = switch(
        arguments,
        environment,
        ("context_aware_warnings", "PYTHON_CONTEXT_AWARE_WARNINGS"),
        "config_init_context_aware_warnings",
    )?;
    flags.gil = gil(arguments, environment)?;
    // Bytecode is always shared between threads.
    switch(
        arguments,
        environment,
        ("tlbc", "PYTHON_TLBC"),
        "config_init_tlbc",
    )?;
    Ok(())
}

/// A setting that is on unless it is switched off.
fn switch(
    arguments: &Arguments,
    environment: Environment,
    (option, variable): (&str, &str),
    place: &'static str,
) -> Result<bool, Failure> {
    if let Some(value) = arguments.x_option(option) {
        return match value.map(OsStr::as_bytes) {
            Some(b"0") => Ok(false),
            Some(b"1") => Ok(true),
            _ => Err(Failure::setting(
                place,
                format!("-X {option}=n: n is missing or invalid"),
            )),
        };
    }
    match environment.get(variable).as_deref().map(OsStr::as_bytes) {
        None | Some(b"1") => Ok(true),
        Some(b"0") => Ok(false),
        Some(_) => Err(Failure::setting(
            place,
            format!("{variable}=N: N is missing or invalid"),
        )),
    }
}

/// Is a global lock asked for, or refused? There is none either way; `sys.flags.gil` says what was asked for.
fn gil(arguments: &Arguments, environment: Environment) -> Result<Option<bool>, Failure> {
    let bad = || {
        Failure::setting(
            "config_read_gil",
            "PYTHON_GIL / -X gil must be \"0\" or \"1\"",
        )
    };
    let text = match arguments.x_option("gil") {
        Some(value) => Some(value.unwrap_or_default().to_owned()),
        None => environment.get("PYTHON_GIL"),
    };
    match text.as_deref().map(OsStr::as_bytes) {
        None => Ok(None),
        Some(b"0") => Ok(Some(false)),
        Some(b"1") => Ok(Some(true)),
        Some(_) => Err(bad()),
    }
}

fn hash_seed(flags: &mut Flags, environment: Environment) -> Result<(), Failure> {
    let Some(text) = environment.get("PYTHONHASHSEED") else {
        return Ok(());
    };
    if flags.force_random_hashes || text == "random" {
        return Ok(());
    }
    let Some(seed) = number::<u32>(&text) else {
        return Err(Failure::setting(
            "config_init_hash_seed",
            "PYTHONHASHSEED must be \"random\" or an integer in range [0; 4294967295]",
        ));
    };
    flags.hash_randomization = seed != 0;
    taipan::set_hash_seed(seed);
    Ok(())
}

fn imports(arguments: &Arguments, environment: Environment) -> Result<Imports, Failure> {
    let time = match arguments.x_option("importtime") {
        None => environment.level("PYTHONPROFILEIMPORTTIME").min(2),
        Some(None) => 1,
        Some(Some(text)) => match number::<i64>(text) {
            Some(level @ 1..=2) => level as u8,
            Some(_) => {
                return Err(Failure::setting(
                    "config_init_import_time",
                    "-X importtime: values other than 1 and 2 are reserved for future use.",
                ));
            }
            None => 1,
        },
    };
    let frozen = match arguments.x_option("frozen_modules") {
        Some(value) => Some(value.unwrap_or_default().to_owned()),
        None => environment.get("PYTHON_FROZEN_MODULES"),
    };
    let without_frozen = match frozen.as_deref().map(OsStr::as_bytes) {
        None | Some(b"" | b"on") => false,
        Some(b"off") => true,
        Some(_) => {
            return Err(Failure::setting(
                "",
                "bad value for option -X frozen_modules (expected \"on\" or \"off\")",
            ));
        }
    };
    let pycache_prefix = match arguments.x_option("pycache_prefix") {
        Some(value) => value.map(OsStr::to_owned),
        None => environment.get("PYTHONPYCACHEPREFIX"),
    };
    Ok(Imports {
        time,
        check_hash_based_pycs: arguments.check_hash_based_pycs.clone(),
        without_frozen,
        pycache_prefix: pycache_prefix.filter(|prefix| !prefix.is_empty()),
        no_debug_ranges: arguments.x_option("no_debug_ranges").is_some()
            || environment.is_set("PYTHONNODEBUGRANGES"),
    })
}

fn warn_options(arguments: &Arguments, environment: Environment, flags: &Flags) -> Vec<OsString> {
    let mut wished: Vec<OsString> = Vec::new();
    if flags.dev_mode {
        wished.push("default".into());
    }
    if let Some(text) = environment.get("PYTHONWARNINGS") {
        let parts = text.as_bytes().split(|byte| *byte == b',');
        wished.extend(parts.map(|part| OsStr::from_bytes(part).to_owned()));
    }
    wished.extend(arguments.warn_options.iter().cloned());
    match flags.bytes_warning {
        0 => {}
        1 => wished.push("default::BytesWarning".into()),
        _ => wished.push("error::BytesWarning".into()),
    }
    let mut options: Vec<OsString> = Vec::new();
    for option in wished {
        if !options.contains(&option) {
            options.push(option);
        }
    }
    options
}

fn tracemalloc(arguments: &Arguments, environment: Environment) -> Result<u32, Failure> {
    const MOST_FRAMES: u32 = 65535;
    let frames = |text: &OsStr, source: &str| match number::<u32>(text) {
        Some(frames) if frames <= MOST_FRAMES => Ok(frames),
        _ => Err(Failure::setting(
            "config_init_tracemalloc",
            format!("{source}: invalid number of frames"),
        )),
    };
    match (
        arguments.x_option("tracemalloc"),
        environment.get("PYTHONTRACEMALLOC"),
    ) {
        (Some(None), _) => Ok(1),
        (Some(Some(text)), _) => frames(text, "-X tracemalloc=NFRAME"),
        (None, Some(text)) => frames(&text, "PYTHONTRACEMALLOC"),
        (None, None) => Ok(0),
    }
}

fn cpu_count(arguments: &Arguments, environment: Environment) -> Result<i32, Failure> {
    let text = match arguments.x_option("cpu_count") {
        Some(value) => value.unwrap_or_default().to_owned(),
        None => match environment.get("PYTHON_CPU_COUNT") {
            Some(text) => text,
            None => return Ok(-1),
        },
    };
    if text == "default" {
        return Ok(-1);
    }
    match number::<i32>(&text) {
        Some(count) if count > 0 => Ok(count),
        _ => Err(Failure::setting(
            "config_init_cpu_count",
            "-X cpu_count=n option: n is missing or an invalid number, n must be greater than 0",
        )),
    }
}
