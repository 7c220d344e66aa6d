//! The plain prompt: reads statements line by line, with `>>> ` and `... `, and runs each as it is complete.

use crate::run::{flush, show};
use std::io::{BufRead, Write};
use taipan_core::dict_object::Dict;
use taipan_core::{Py, Value, Vm, builtin_types, name};
use taipan_stdlib::builtins::source;
use taipan_syntax::ast::Stmt;
use taipan_syntax::{ErrorKind, Mode};

/// Reads and runs until the end of the input or `SystemExit`.
pub fn run(vm: &mut Vm, globals: &Value) -> Py<()> {
    let mut text = String::new();
    loop {
        let Some(line) = read_line(vm, text.is_empty())? else {
            if text.is_empty() {
                println!();
                return Ok(());
            }
            text.push('\n');
            run_statement(vm, &text, globals)?;
            println!();
            return Ok(());
        };
        text.push_str(&line);
        if text.trim().is_empty() {
            text.clear();
            continue;
        }
        if is_complete(&text) {
            run_statement(vm, &text, globals)?;
            text.clear();
        }
    }
}

/// One line with its newline; `None` at the end of the input.
fn read_line(vm: &mut Vm, first: bool) -> Py<Option<String>> {
    let prompt = prompt_text(vm, first)?;
    // The program's own output comes first.
    let _ = flush(vm, "stdout");
    print!("{prompt}");
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line) {
        Ok(0) => Ok(None),
        Ok(_) => Ok(Some(line)),
        Err(error) => Err(vm.raise(&builtin_types::OS_ERROR, error.to_string())),
    }
}

/// `sys.ps1` or `sys.ps2`.
fn prompt_text(vm: &mut Vm, first: bool) -> Py<String> {
    let sys = vm.interpreter().sys_dict.borrow().clone();
    let (key, default) = if first {
        (name!("ps1"), ">>> ")
    } else {
        (name!("ps2"), "... ")
    };
    match sys.and_then(|sys| sys.cast::<Dict>()?.get_name(key)) {
        Some(text) => vm.str_string(&text),
        None => Ok(default.into()),
    }
}

/// Can the text be run (or refused) as it stands, or does the statement go on?
fn is_complete(text: &str) -> bool {
    let options = taipan_syntax::Options {
        allow_incomplete: true,
        dont_imply_dedent: true,
    };
    match taipan_syntax::parse(text, Mode::Single, &options) {
        // A compound statement may go on until an empty line ends it.
        Ok(parsed) => {
            let compound = parsed.body().iter().any(|statement| {
                matches!(
                    statement,
                    Stmt::If(_)
                        | Stmt::For(_)
                        | Stmt::While(_)
                        | Stmt::With(_)
                        | Stmt::Try(_)
                        | Stmt::FunctionDef(_)
                        | Stmt::ClassDef(_)
                        | Stmt::Match(_)
                )
            });
            !compound
                || text
                    .lines()
                    .next_back()
                    .is_none_or(|line| line.trim().is_empty())
        }
        Err(error) => error.kind != ErrorKind::IncompleteInput,
    }
}

/// Runs one statement and shows what it raises; only `SystemExit` goes on.
fn run_statement(vm: &mut Vm, text: &str, globals: &Value) -> Py<()> {
    let result = source::run_text(vm, text, "<stdin>", Mode::Single, globals);
    if let Err(raised) = result {
        if vm.pending_is(&builtin_types::SYSTEM_EXIT) {
            return Err(raised);
        }
        let error = vm.take_raised(raised);
        show(vm, &error);
    }
    Ok(())
}
