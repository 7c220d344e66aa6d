//! The `taipan` command. `entry` is where the process starts, `arguments` the command line.

#![cfg_attr(not(test), no_main)]

use std::ffi::OsString;
use taipan::{Program, Runtime};

#[global_allocator]
static ALLOCATOR: taipan::Mimalloc = taipan::Mimalloc;

mod arguments;
#[cfg(not(test))]
mod entry;
mod failure;
mod help;
mod locale;
mod places;
mod settings;

#[cfg(test)]
fn main() {
    run(Vec::new());
}

/// Runs the command; gives its exit status.
fn run(args: Vec<OsString>) -> u8 {
    let arguments = match arguments::parse(args) {
        Ok(arguments::Action::Run(arguments)) => arguments,
        Ok(arguments::Action::Print(text)) => {
            use std::io::Write;
            let _ = std::io::stdout().write_all(text.as_bytes());
            return 0;
        }
        Err(failure) => return failure.report(),
    };
    let config = match settings::config(&arguments) {
        Ok(config) => config,
        Err(failure) => return failure.report(),
    };
    let program = arguments.program.unwrap_or(Program::Stdin);
    match Runtime::new(config) {
        Ok(mut runtime) => {
            let status = runtime.run(&program);
            if runtime.was_interrupted() {
                die_of_interrupt();
            }
            status as u8
        }
        Err(message) => {
            eprintln!("{message}");
            1
        }
    }
}

/// Ends the process as the interrupt would have, so that a shell sees that it was interrupted.
fn die_of_interrupt() {
    // SAFETY: plain calls.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
        libc::kill(libc::getpid(), libc::SIGINT);
    }
}
