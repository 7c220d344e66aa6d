//! How the interpreter was started: command line, flags, paths. The facade fills it in before the modules `sys` and `builtins` are made.

use std::cell::RefCell;
use taipan_core::Vm;

/// The command line's flags, as `sys.flags` shows them.
#[derive(Clone, Debug)]
pub struct Flags {
    pub debug: bool,
    pub inspect: bool,
    pub interactive: bool,
    pub optimize: u8,
    pub dont_write_bytecode: bool,
    pub no_user_site: bool,
    pub no_site: bool,
    pub ignore_environment: bool,
    pub verbose: u8,
    pub bytes_warning: u8,
    pub quiet: bool,
    pub hash_randomization: bool,
    pub isolated: bool,
    pub dev_mode: bool,
    pub utf8_mode: bool,
    pub warn_default_encoding: bool,
    pub safe_path: bool,
    /// -1: the default limit.
    pub int_max_str_digits: i32,
}

impl Default for Flags {
    fn default() -> Flags {
        Flags {
            debug: false,
            inspect: false,
            interactive: false,
            optimize: 0,
            dont_write_bytecode: false,
            no_user_site: false,
            no_site: false,
            ignore_environment: false,
            verbose: 0,
            bytes_warning: 0,
            quiet: false,
            hash_randomization: true,
            isolated: false,
            dev_mode: false,
            utf8_mode: false,
            warn_default_encoding: false,
            safe_path: false,
            int_max_str_digits: -1,
        }
    }
}

/// Everything the command line and the environment decide.
#[derive(Clone, Debug, Default)]
pub struct Config {
    pub flags: Flags,
    pub argv: Vec<String>,
    pub orig_argv: Vec<String>,
    pub path: Vec<String>,
    pub executable: String,
    pub prefix: String,
    pub exec_prefix: String,
    pub base_prefix: String,
    pub base_exec_prefix: String,
    /// Where the standard library lies (`sys._stdlib_dir`).
    pub stdlib_dir: String,
    pub platlibdir: String,
    pub pycache_prefix: Option<String>,
    pub warn_options: Vec<String>,
    /// `-X` options: name, and value if one was given.
    pub x_options: Vec<(String, Option<String>)>,
    pub filesystem_encoding: Option<String>,
    pub filesystem_errors: Option<String>,
}

#[derive(Default)]
struct Cell(RefCell<Config>);

/// Sets the configuration.
pub fn set(vm: &Vm, config: Config) {
    *vm.interpreter_state::<Cell>().0.borrow_mut() = config;
}

/// Reads from the configuration.
pub fn read<T>(vm: &Vm, reader: impl FnOnce(&Config) -> T) -> T {
    reader(&vm.interpreter_state::<Cell>().0.borrow())
}
