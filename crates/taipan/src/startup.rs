//! Going to the prompt: the banner, `PYTHONSTARTUP`, `sys.__interactivehook__`, and which prompt it is.

use crate::bootstrap::import;
use crate::program::Program;
use crate::run::{run_source, show};
use crate::{prompt, run};
use std::os::unix::ffi::OsStrExt;
use taipan_core::dict_object::Dict;
use taipan_core::{Args, Py, Raised, Value, Vm, builtin_types, name, str_object};
use taipan_stdlib::audit::audit;
use taipan_stdlib::{config, path, traceback_print};

/// Is standard input a terminal?
fn is_terminal() -> bool {
    std::io::IsTerminal::is_terminal(&std::io::stdin())
}

/// Does standard input stand for somebody at the prompt?
pub fn is_interactive(vm: &Vm) -> bool {
    config::read(vm, |config| config.flags.interactive > 0) || is_terminal()
}

/// A variable with a value, unless the environment is to be ignored.
fn variable(vm: &Vm, name: &str) -> Option<std::ffi::OsString> {
    let used = config::read(vm, |config| !config.flags.ignore_environment);
    std::env::var_os(name).filter(|value| used && !value.is_empty())
}

/// Programs can ask for the prompt, too.
pub fn inspect_is_wished(vm: &Vm) -> bool {
    variable(vm, "PYTHONINSPECT").is_some()
}

/// The lines before the first prompt.
pub fn banner(vm: &mut Vm, program: &Program) {
    let flags = config::read(vm, |config| config.flags.clone());
    let wanted = flags.verbose > 0 || (matches!(program, Program::Stdin) && is_interactive(vm));
    if flags.quiet > 0 || !wanted {
        return;
    }
    let mut text = format!(
        "Python {} on {}\n",
        taipan_stdlib::sys::info::version(),
        std::env::consts::OS
    );
    if !flags.no_site {
        text += "Type \"help\", \"copyright\", \"credits\" or \"license\" for more information.\n";
    }
    eprint!("{text}");
}

/// Reads and runs what is typed until the end of the input; only `SystemExit` comes out. With `first`, nothing has run before.
pub fn interactive(vm: &mut Vm, first: bool) -> Py<()> {
    if first {
        run_startup(vm)?;
    }
    run_hook(vm)?;
    if first {
        audit(vm, "cpython.run_stdin", Vec::new)?;
    }
    if !is_terminal() || variable(vm, "PYTHON_BASIC_REPL").is_some() {
        let globals = run::main_module(vm)?;
        return prompt::run(vm, &globals);
    }
    full_prompt(vm)
}

/// The library's prompt, with history and editing.
fn full_prompt(vm: &mut Vm) -> Py<()> {
    let main = import(vm, "__main__")?;
    let module = import(vm, "_pyrepl.main")?;
    let console = vm.get_attr_str(&module, "interactive_console")?;
    let names = ["mainmodule", "quiet", "pythonstartup"].map(str_object::name);
    let values = [main, Value::bool(false), Value::bool(false)];
    vm.call_args(&console, Args::new(&values, &names)).map(drop)
}

/// Shows an exception, unless it is `SystemExit`.
pub fn settle(vm: &mut Vm, raised: Raised) -> Py<()> {
    if vm.pending_is(&builtin_types::SYSTEM_EXIT) {
        return Err(raised);
    }
    let error = vm.take_raised(raised);
    match show(vm, &error) {
        Some(exit) => Err(vm.raise_value(exit)),
        None => Ok(()),
    }
}

/// Runs the file that `PYTHONSTARTUP` names.
fn run_startup(vm: &mut Vm) -> Py<()> {
    let Some(file) = variable(vm, "PYTHONSTARTUP") else {
        return Ok(());
    };
    let filename = path::decode(vm, file.as_bytes())?;
    audit(vm, "cpython.run_startup", || vec![filename.clone()])?;
    let text = match std::fs::read(&file) {
        Ok(text) => text,
        Err(error) => {
            let number = error.raw_os_error().unwrap_or(0);
            let raised =
                taipan_types::exceptions::os_error::raise_errno(vm, number, Some(&filename));
            traceback_print::write_error(vm, "Could not open PYTHONSTARTUP\n");
            return settle(vm, raised);
        }
    };
    let globals = run::main_module(vm)?;
    let dict = globals.expect::<Dict>();
    dict.set_name(name!("__file__"), filename.clone());
    let done = run_source(vm, &text, &filename, &globals);
    drop(dict.remove_name(name!("__file__")));
    done.or_else(|raised| settle(vm, raised))
}

/// Calls the function that `site` prepares the prompt with.
fn run_hook(vm: &mut Vm) -> Py<()> {
    let sys = vm.interpreter().sys_dict.get();
    let hook = sys
        .as_ref()
        .and_then(|sys| sys.cast::<Dict>()?.get_name(name!("__interactivehook__")));
    let Some(hook) = hook else { return Ok(()) };
    audit(vm, "cpython.run_interactivehook", || vec![hook.clone()])?;
    if let Err(raised) = vm.call(&hook, &[]) {
        if !vm.pending_is(&builtin_types::SYSTEM_EXIT) {
            traceback_print::write_error(vm, "Failed calling sys.__interactivehook__\n");
        }
        return settle(vm, raised);
    }
    Ok(())
}
