//! Taipan, a Python 3.14: the embedding interface, and the wiring of the crates below.
//!
//! ```no_run
//! let mut python = taipan::Runtime::new(taipan::Config::default())?;
//! let status = python.run(&taipan::Program::Command("print(6 * 7)".into()));
//! assert_eq!(status, 0);
//! # Ok::<(), String>(())
//! ```
//!
//! See `docs/architecture.md`.

mod bootstrap;
mod finish;
mod hooks;
mod program;
mod prompt;
mod run;
mod startup;
mod streams;
mod stress;

pub use program::Program;

pub use taipan_core::alloc::{Mimalloc, stop_releasing};
pub use taipan_stdlib::config::{Config, Encodings, Flags, Imports};
pub use taipan_stdlib::sys::info::{language_version, version};

use taipan_core::{Interpreter, Vm};

/// A Python interpreter on the current thread.
pub struct Runtime {
    vm: Vm,
    interrupted: bool,
}

impl Runtime {
    /// Makes an interpreter: types, native modules, the import system, standard streams.
    ///
    /// # Errors
    /// What went wrong during start-up, as text that was or can be printed.
    pub fn new(config: Config) -> Result<Runtime, String> {
        let interpreter = Interpreter::create(hooks::hooks());
        let mut vm = taipan_core::vm::attach(interpreter, native_stack());
        if config.flags.gil == Some(true) {
            vm.take_turns();
        }
        bootstrap::define_types();
        stress::before_start(&mut vm);
        interpreter.gc.postpone();
        match bootstrap::start(&mut vm, config) {
            Ok(()) => {
                interpreter.gc.start();
                Ok(Runtime {
                    vm,
                    interrupted: false,
                })
            }
            Err(failure) => Err(failure.describe(&mut vm)),
        }
    }

    /// Runs a program as `__main__` and finishes the interpreter; the result is the process's exit status.
    pub fn run(&mut self, program: &Program) -> i32 {
        stress::before_program(&mut self.vm);
        let ended = run::run(&mut self.vm, program);
        self.interrupted = ended.interrupted;
        let mut status = ended.status;
        if !stress::after_program(&mut self.vm) {
            status = 99;
        }
        finish::finish(&mut self.vm, status)
    }

    /// Did the program end because nobody caught a `KeyboardInterrupt`?
    pub fn was_interrupted(&self) -> bool {
        self.interrupted
    }

    /// The token that gives access to everything else.
    pub fn vm(&mut self) -> &mut Vm {
        &mut self.vm
    }
}

/// Bytes of native stack that the current thread may use, with a reserve for handling its exhaustion.
fn native_stack() -> usize {
    const RESERVE: usize = 256 * 1024;
    let mut limit = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: the structure is ours.
    let size = match unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) } {
        0 if limit.rlim_cur != libc::RLIM_INFINITY => limit.rlim_cur as usize,
        _ => 8 << 20,
    };
    size.min(64 << 20).saturating_sub(RESERVE).max(256 * 1024)
}

/// Fixes the key of string hashes as `PYTHONHASHSEED=seed` does. Only before the first runtime is made.
pub fn set_hash_seed(seed: u32) -> bool {
    let key = taipan_base::hash::HashKey::from_seed(seed);
    taipan_core::str_object::set_hash_key(key.words())
}
