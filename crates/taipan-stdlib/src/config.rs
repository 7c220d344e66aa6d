//! How the interpreter was started: command line, flags, paths. The facade fills it in before the modules `sys` and `builtins` are made.

use std::ffi::OsString;
use taipan_core::Vm;
use taipan_core::latch::Latch;

/// The command line's flags, as `sys.flags` shows them.
#[derive(Clone, Debug)]
pub struct Flags {
    pub debug: u8,
    pub inspect: u8,
    pub interactive: u8,
    pub optimize: u8,
    pub dont_write_bytecode: bool,
    pub no_user_site: bool,
    pub no_site: bool,
    pub ignore_environment: bool,
    pub verbose: u8,
    pub bytes_warning: u8,
    pub quiet: u8,
    pub hash_randomization: bool,
    pub isolated: bool,
    pub dev_mode: bool,
    pub utf8_mode: bool,
    pub warn_default_encoding: bool,
    pub safe_path: bool,
    /// -1: the default limit.
    pub int_max_str_digits: i32,
    /// Whether threads start with a copy of their starter's context.
    pub thread_inherit_context: bool,
    pub context_aware_warnings: bool,
    /// What was asked for: a global lock, or none.
    pub gil: Option<bool>,
    /// Hashes are random, whatever the environment says.
    pub force_random_hashes: bool,
}

impl Default for Flags {
    fn default() -> Flags {
        Flags {
            debug: 0,
            inspect: 0,
            interactive: 0,
            optimize: 0,
            dont_write_bytecode: false,
            no_user_site: false,
            no_site: false,
            ignore_environment: false,
            verbose: 0,
            bytes_warning: 0,
            quiet: 0,
            hash_randomization: true,
            isolated: false,
            dev_mode: false,
            utf8_mode: false,
            warn_default_encoding: false,
            safe_path: false,
            int_max_str_digits: -1,
            thread_inherit_context: true,
            context_aware_warnings: true,
            gil: None,
            force_random_hashes: false,
        }
    }
}

/// What the import system and `_imp` are told.
#[derive(Clone, Debug, Default)]
pub struct Imports {
    /// 1: report the time that each import takes; 2: report modules that are there already, too.
    pub time: u8,
    /// `--check-hash-based-pycs`
    pub check_hash_based_pycs: Option<String>,
    /// Whether frozen modules other than the import system's own are to be found.
    pub without_frozen: bool,
    pub pycache_prefix: Option<OsString>,
    pub no_debug_ranges: bool,
}

/// The encodings of text outside; `None` is UTF-8.
#[derive(Clone, Debug, Default)]
pub struct Encodings {
    pub filesystem: Option<String>,
    pub filesystem_errors: Option<String>,
    /// For the standard streams.
    pub streams: Option<String>,
    /// For standard input and output; `None` is "strict".
    pub stream_errors: Option<String>,
    /// The locale was settled by the embedder: start-up leaves it as it is.
    pub locale_is_set: bool,
}

/// Everything the command line and the environment decide.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub flags: Flags,
    pub argv: Vec<OsString>,
    pub orig_argv: Vec<OsString>,
    pub path: Vec<OsString>,
    pub executable: OsString,
    /// The executable that a virtual environment was made with; empty: the same.
    pub base_executable: OsString,
    pub prefix: OsString,
    pub exec_prefix: OsString,
    pub base_prefix: OsString,
    pub base_exec_prefix: OsString,
    pub platlibdir: String,
    pub warn_options: Vec<OsString>,
    /// `-X` options: name, and value if one was given.
    pub x_options: Vec<(OsString, Option<OsString>)>,
    pub encodings: Encodings,
    pub imports: Imports,
    /// `sys.stdout` and `sys.stderr` write through.
    pub unbuffered: bool,
    /// The first line of the program is not Python.
    pub skip_first_line: bool,
    pub faulthandler: bool,
    /// The number of frames `tracemalloc` keeps; 0: it is not started.
    pub tracemalloc: u32,
    /// What `os.cpu_count` says; -1: what there is.
    pub cpu_count: i32,
}

#[derive(Default)]
struct Cell(Latch<Config>);

/// Sets the configuration.
pub fn set(vm: &Vm, config: Config) {
    *vm.interpreter_state::<Cell>().0.borrow_mut() = config;
}

/// Reads from the configuration.
pub fn read<T>(vm: &Vm, reader: impl FnOnce(&Config) -> T) -> T {
    reader(&vm.interpreter_state::<Cell>().0.borrow())
}
