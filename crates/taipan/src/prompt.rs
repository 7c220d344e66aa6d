//! The plain prompt: reads statements line by line, with `>>> ` and `... `, and runs each as it is complete.
//!
//! The prompts go to the standard error output, as those of CPython do. The editing prompt is the library's `_pyrepl`; it comes back here
//! (`sys._baserepl`) where the terminal can do too little for it.

use crate::run::{flush, main_module, remember};
use crate::startup::settle;
use std::io::Write;
use taipan_core::dict_object::Dict;
use taipan_core::latch::{Latch, LatchCell};
use taipan_core::{MethodDef, Py, Value, Vm, builtin_types, descriptor, f0, name, str_object};
use taipan_stdlib::builtins::source::{self, Request};
use taipan_stdlib::path::errno;
use taipan_syntax::ast::Stmt;
use taipan_syntax::{ErrorKind, Mode};

static BASE_REPL: MethodDef = f0(
    "_baserepl(module, /)",
    |vm, _| {
        let globals = main_module(vm)?;
        run(vm, &globals)?;
        Ok(Value::none())
    },
    "Private function for getting the base REPL",
);

/// Makes the prompt known as `sys._baserepl`.
pub fn install(sys: &Value) {
    let owner = Some(str_object::name("sys"));
    let function = descriptor::new_native_function(&BASE_REPL, None, owner);
    crate::bootstrap::set(sys, "_baserepl", function);
}

/// What the prompt remembers between statements.
#[derive(Default)]
struct State {
    /// What has been read beyond the last line.
    ahead: Latch<Vec<u8>>,
    /// How many statements there were.
    count: LatchCell<u64>,
}

/// Reads and runs until the end of the input or `SystemExit`.
pub fn run(vm: &mut Vm, globals: &Value) -> Py<()> {
    for (key, default) in [(name!("ps1"), ">>> "), (name!("ps2"), "... ")] {
        if sys_item(vm, key).is_none() {
            taipan_stdlib::sys::set_attribute(
                vm,
                if default == ">>> " { "ps1" } else { "ps2" },
                str_object::new_str(default),
            );
        }
    }
    loop {
        match read_statement(vm) {
            Ok(Some(bytes)) => run_statement(vm, &bytes, globals)?,
            Ok(None) => return Ok(()),
            Err(raised) => {
                if vm.pending_is(&builtin_types::KEYBOARD_INTERRUPT) {
                    eprintln!();
                }
                settle(vm, raised)?;
            }
        }
    }
}

/// The lines of one statement; `None` at the end of the input.
fn read_statement(vm: &mut Vm) -> Py<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    loop {
        let prompt = prompt_text(vm, bytes.is_empty())?;
        let Some(line) = read_line(vm, &prompt)? else {
            eprintln!();
            if bytes.is_empty() {
                return Ok(None);
            }
            bytes.push(b'\n');
            return Ok(Some(bytes));
        };
        bytes.extend_from_slice(&line);
        if !line.ends_with(b"\n") {
            continue;
        }
        // What is no text is refused when it is compiled.
        let Ok(text) = std::str::from_utf8(&bytes) else {
            return Ok(Some(bytes));
        };
        if !has_code(text) {
            bytes.clear();
        } else if is_complete(text) {
            return Ok(Some(bytes));
        }
    }
}

/// One line, with its newline unless the input ends without one; `None` at the end of the input.
fn read_line(vm: &mut Vm, prompt: &str) -> Py<Option<Vec<u8>>> {
    // The program's own output comes first.
    let _ = flush(vm, "stderr");
    let _ = flush(vm, "stdout");
    let mut terminal = std::io::stderr();
    let _ = terminal
        .write_all(prompt.as_bytes())
        .and_then(|()| terminal.flush());
    loop {
        let taken = {
            let mut ahead = vm.interpreter_state::<State>().ahead.borrow_mut();
            let end = ahead.iter().position(|byte| *byte == b'\n');
            end.map(|end| ahead.drain(..=end).collect::<Vec<u8>>())
        };
        if taken.is_some() {
            return Ok(taken);
        }
        let mut buffer = [0u8; 4096];
        // SAFETY: the buffer is ours, of the length given.
        let count = unsafe { libc::read(0, buffer.as_mut_ptr().cast(), buffer.len()) };
        let state = vm.interpreter_state::<State>();
        match count {
            1.. => {
                let read = buffer.get(..count as usize).unwrap_or(&[]);
                state.ahead.borrow_mut().extend_from_slice(read);
            }
            0 => {
                let rest = std::mem::take(&mut *state.ahead.borrow_mut());
                return Ok(Some(rest).filter(|rest| !rest.is_empty()));
            }
            _ if errno() == libc::EINTR => vm.safepoint()?,
            _ => return Ok(None),
        }
    }
}

fn sys_item(vm: &Vm, key: &Value) -> Option<Value> {
    let sys = vm.interpreter().sys_dict.get()?;
    sys.cast::<Dict>()?.get_name(key)
}

/// `sys.ps1` or `sys.ps2`; nothing if that cannot be shown.
fn prompt_text(vm: &mut Vm, first: bool) -> Py<String> {
    let key = if first { name!("ps1") } else { name!("ps2") };
    let Some(value) = sys_item(vm, key) else {
        return Ok(String::new());
    };
    vm.str_string(&value).or_else(|raised| {
        vm.catch(raised, &builtin_types::EXCEPTION)?;
        Ok(String::new())
    })
}

/// Is there more than comments?
fn has_code(text: &str) -> bool {
    text.lines()
        .map(str::trim_start)
        .any(|line| !line.is_empty() && !line.starts_with('#'))
}

fn ends_blank(text: &str) -> bool {
    text.lines()
        .next_back()
        .is_none_or(|line| line.trim().is_empty())
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
            !compound || ends_blank(text)
        }
        Err(error) => error.kind != ErrorKind::IncompleteInput,
    }
}

/// Runs one statement and shows what it raises; only `SystemExit` goes on.
fn run_statement(vm: &mut Vm, bytes: &[u8], globals: &Value) -> Py<()> {
    let done = compile(vm, bytes)
        .and_then(|code| source::run_code(vm, &code, globals, globals, None).map(drop));
    done.or_else(|raised| settle(vm, raised))
}

/// The code of a statement. Each has a file name of its own, so that tracebacks find its lines; all are shown as `<stdin>`.
fn compile(vm: &mut Vm, bytes: &[u8]) -> Py {
    let shown = str_object::new_str("<stdin>");
    let text = source::decode_source(vm, bytes, &shown, Some("<stdin>"))?;
    let counter = &vm.interpreter_state::<State>().count;
    let file = format!("<stdin-{}>", counter.get());
    let request = Request::new(vm, Mode::Single);
    let code = source::compile_text_as(vm, &text, &file, &shown, &request)?;
    counter.set(counter.get() + 1);
    remember(vm, &code, &text, &file, "<stdin>")?;
    Ok(code)
}
