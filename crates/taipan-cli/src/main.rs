//! The `taipan` command.

use std::process::ExitCode;
use taipan::{Program, Runtime};

#[global_allocator]
static ALLOCATOR: taipan::Mimalloc = taipan::Mimalloc;

mod arguments;
mod failure;
mod help;
mod locale;
mod places;
mod settings;

fn main() -> ExitCode {
    taipan::default_fault_actions();
    let arguments = match arguments::parse(std::env::args_os().collect()) {
        Ok(arguments::Action::Run(arguments)) => arguments,
        Ok(arguments::Action::Print(text)) => {
            use std::io::Write;
            let _ = std::io::stdout().write_all(text.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(failure) => return ExitCode::from(failure.report()),
    };
    let config = match settings::config(&arguments) {
        Ok(config) => config,
        Err(failure) => return ExitCode::from(failure.report()),
    };
    let program = arguments.program.unwrap_or(Program::Stdin);
    match Runtime::new(config) {
        Ok(mut runtime) => {
            let status = runtime.run(&program);
            if runtime.was_interrupted() {
                die_of_interrupt();
            }
            ExitCode::from(status as u8)
        }
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
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
