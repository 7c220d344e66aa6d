//! The `taipan` command.

use std::io::IsTerminal;
use std::process::ExitCode;
use taipan::{Program, Runtime};

#[global_allocator]
static ALLOCATOR: taipan::Mimalloc = taipan::Mimalloc;

mod arguments;

fn main() -> ExitCode {
    taipan::default_fault_actions();
    let (config, program) = match arguments::parse(std::env::args_os().collect()) {
        Ok(arguments::Action::Run(config, program)) => (*config, program),
        Ok(arguments::Action::Print(text)) => {
            println!("{text}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::from(2);
        }
    };
    let program = match program {
        Program::Stdin if std::io::stdin().is_terminal() || config.flags.interactive => {
            Program::Interactive
        }
        other => other,
    };
    if matches!(program, Program::Interactive) && !config.flags.quiet {
        eprintln!("{}", arguments::banner());
    }
    match Runtime::new(config) {
        Ok(mut runtime) => ExitCode::from(runtime.run(&program) as u8),
        Err(message) => {
            eprintln!("Fatal Python error: the interpreter cannot start\n{message}");
            ExitCode::FAILURE
        }
    }
}
