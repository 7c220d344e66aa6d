//! Running a program as `__main__`, reporting what it did not catch, and the end of the interpreter.

use crate::bootstrap::import;
use crate::program::Program;
use crate::prompt;
use std::sync::Arc;
use taipan_core::dict_object::Dict;
use taipan_core::{Py, Raised, Value, Vm, builtin_types, exception, name, str_object};
use taipan_interp::code_object::CodeObject;
use taipan_interp::module::Module;
use taipan_stdlib::builtins::source;
use taipan_syntax::Mode;

/// Runs the program; the result is the exit status.
pub fn run(vm: &mut Vm, program: &Program) -> i32 {
    match run_program(vm, program) {
        Ok(()) => 0,
        Err(raised) => report(vm, raised),
    }
}

fn run_program(vm: &mut Vm, program: &Program) -> Py<()> {
    let globals = main_module(vm)?;
    match program {
        Program::Command(text) => {
            path_first(vm, "")?;
            run_text(vm, text.as_bytes(), "<string>", &globals)
        }
        Program::Module(module) => {
            path_first(vm, &current_folder())?;
            let runpy = import(vm, "runpy")?;
            let run = vm.get_attr_str(&runpy, "_run_module_as_main")?;
            vm.call(&run, &[str_object::new_str(module)]).map(drop)
        }
        Program::File(path) => run_file(vm, path, &globals),
        Program::Stdin => {
            path_first(vm, "")?;
            let mut text = Vec::new();
            if std::io::Read::read_to_end(&mut std::io::stdin(), &mut text).is_err() {
                return Err(vm.raise(&builtin_types::OS_ERROR, "standard input cannot be read"));
            }
            run_text(vm, &text, "<stdin>", &globals)
        }
        Program::Interactive => {
            path_first(vm, "")?;
            prompt::run(vm, &globals)
        }
    }
}

fn current_folder() -> String {
    std::env::current_dir()
        .map(|path| path.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The module `__main__`; gives its dict.
fn main_module(vm: &mut Vm) -> Py {
    let module = Module::create("__main__", None);
    let dict = module.expect::<Module>().dict();
    let builtins = vm
        .interpreter()
        .modules
        .borrow()
        .as_ref()
        .and_then(|modules| modules.cast::<Dict>()?.get_name(name!("builtins")));
    if let Some(builtins) = builtins {
        dict.set_name(name!("__builtins__"), builtins);
    }
    if let Some(modules) = &*vm.interpreter().modules.borrow() {
        modules
            .expect::<Dict>()
            .set_name(name!("__main__"), module.clone());
    }
    Ok(module.expect::<Module>().dict().to_value())
}

/// Puts the program's folder in front of `sys.path`, unless the command line forbids it.
fn path_first(vm: &mut Vm, folder: &str) -> Py<()> {
    if taipan_stdlib::config::read(vm, |config| config.flags.safe_path || config.flags.isolated) {
        return Ok(());
    }
    let sys = vm.interpreter().sys_dict.borrow().clone();
    if let Some(path) = sys.and_then(|sys| sys.cast::<Dict>()?.get_name(name!("path"))) {
        let insert = vm.get_attr_str(&path, "insert")?;
        vm.call(&insert, &[Value::from_i32(0), str_object::new_str(folder)])?;
    }
    Ok(())
}

/// Compiles and runs source text.
fn run_text(vm: &mut Vm, source: &[u8], filename: &str, globals: &Value) -> Py<()> {
    let text = source::decode_source(vm, source, &str_object::new_str(filename), Some(filename))?;
    source::run_text(vm, &text, filename, Mode::Exec, globals).map(drop)
}

fn run_file(vm: &mut Vm, path: &str, globals: &Value) -> Py<()> {
    let file = std::path::Path::new(path);
    if file.is_dir() || path.ends_with(".zip") || path.ends_with(".pyz") {
        path_first(vm, path)?;
        let runpy = import(vm, "runpy")?;
        let run = vm.get_attr_str(&runpy, "_run_module_as_main")?;
        return vm
            .call(&run, &[str_object::new_str("__main__"), Value::bool(false)])
            .map(drop);
    }
    let source = match std::fs::read(file) {
        Ok(source) => source,
        Err(error) => {
            let executable = taipan_stdlib::config::read(vm, |config| config.executable.clone());
            let reason = error.to_string();
            let reason = reason.split(" (os error").next().unwrap_or_default();
            eprintln!(
                "{executable}: can't open file '{}': [Errno {}] {reason}",
                std::path::absolute(file)
                    .unwrap_or_else(|_| file.into())
                    .display(),
                error.raw_os_error().unwrap_or(0)
            );
            return Err(vm.raise_with(&builtin_types::SYSTEM_EXIT, &[Value::from_i32(2)]));
        }
    };
    let folder = std::fs::canonicalize(file)
        .ok()
        .and_then(|full| {
            full.parent()
                .map(|folder| folder.to_string_lossy().into_owned())
        })
        .unwrap_or_default();
    path_first(vm, &folder)?;
    let dict = globals.expect::<Dict>();
    dict.set_name(name!("__file__"), str_object::new_str(path));
    dict.set_name(name!("__cached__"), Value::none());
    if source.starts_with(&taipan_bytecode::marshal::MAGIC) {
        return match taipan_bytecode::marshal::read_file(&source) {
            Ok(code) => {
                let code = CodeObject::create(&Arc::new(code));
                source::run_code(vm, &code, globals, globals, None).map(drop)
            }
            Err(_) => Err(vm.runtime_error("Bad magic number in .pyc file")),
        };
    }
    run_text(vm, &source, path, globals)
}

/// Reports an exception that nobody caught; gives the exit status.
pub fn report(vm: &mut Vm, raised: Raised) -> i32 {
    let error = vm.take_raised(raised);
    if error.is_instance(&builtin_types::SYSTEM_EXIT) {
        return exit_status(vm, &error);
    }
    show(vm, &error);
    if error.is_instance(&builtin_types::KEYBOARD_INTERRUPT) {
        130
    } else {
        1
    }
}

/// Shows an exception through `sys.excepthook`.
pub fn show(vm: &mut Vm, error: &Value) {
    let _ = flush(vm, "stdout");
    let sys = vm.interpreter().sys_dict.borrow().clone();
    let hook = sys
        .as_ref()
        .and_then(|sys| sys.cast::<Dict>()?.get_name(name!("excepthook")));
    if let Some(sys) = &sys {
        let dict = sys.expect::<Dict>();
        dict.set_name(name!("last_exc"), error.clone());
        dict.set_name(name!("last_type"), error.type_of().to_value());
        dict.set_name(name!("last_value"), error.clone());
        let traceback = exception::traceback(vm, error).unwrap_or_else(Value::none);
        dict.set_name(name!("last_traceback"), traceback);
    }
    let Some(hook) = hook else {
        eprintln!("{}", describe(vm, error));
        return;
    };
    let traceback = exception::traceback(vm, error).unwrap_or_else(Value::none);
    if let Err(raised) = vm.call(
        &hook,
        &[error.type_of().to_value(), error.clone(), traceback],
    ) {
        let second = vm.take_raised(raised);
        eprintln!("Error in sys.excepthook:\n{}", describe(vm, &second));
        eprintln!("\nOriginal exception was:\n{}", describe(vm, error));
    }
    let _ = flush(vm, "stderr");
}

/// An exception as text, with what is needed of its traceback, without the help of any library.
pub fn describe(vm: &mut Vm, error: &Value) -> String {
    let mut text = String::from("Traceback (most recent call last):\n");
    let mut entry = exception::traceback(vm, error);
    while let Some(value) = entry {
        let traceback = value.expect::<taipan_interp::traceback::Traceback>();
        let frame = traceback
            .frame
            .expect::<taipan_interp::frame_object::FrameObject>();
        let code = &frame.code().code;
        text += &format!(
            "  File \"{}\", line {}, in {}\n",
            code.filename,
            traceback.lineno().unwrap_or(0),
            code.qualname
        );
        entry = traceback.next();
    }
    text += error.type_of().name();
    match vm.str_string(error) {
        Ok(message) if message.is_empty() => text,
        Ok(message) => text + ": " + &message,
        Err(raised) => {
            drop(vm.take_raised(raised));
            text + ": <exception str() failed>"
        }
    }
}

fn exit_status(vm: &mut Vm, error: &Value) -> i32 {
    let code = vm.get_attr(error, name!("code")).unwrap_or_else(|raised| {
        drop(vm.take_raised(raised));
        Value::none()
    });
    if code.is_none() {
        return 0;
    }
    if let Some(status) = code.as_i64() {
        return status as i32;
    }
    let _ = flush(vm, "stdout");
    let text = vm.str_string(&code).unwrap_or_else(|raised| {
        drop(vm.take_raised(raised));
        String::new()
    });
    eprintln!("{text}");
    1
}

/// Flushes a standard stream; its errors are the stream's.
pub fn flush(vm: &mut Vm, stream: &str) -> Result<(), ()> {
    let sys = vm.interpreter().sys_dict.borrow().clone();
    let Some(stream) = sys.and_then(|sys| sys.cast::<Dict>()?.get_name(&str_object::name(stream)))
    else {
        return Ok(());
    };
    if stream.is_none() {
        return Ok(());
    }
    match taipan_stdlib::_io::is_closed(vm, &stream) {
        Ok(true) => return Ok(()),
        Ok(false) => {}
        Err(raised) => drop(vm.take_raised(raised)),
    }
    match vm.call_method(&stream, name!("flush"), &[]) {
        Ok(_) => Ok(()),
        Err(raised) => {
            drop(vm.take_raised(raised));
            Err(())
        }
    }
}

/// The end: `atexit` functions, the program's globals, a last collection, the streams.
pub fn finish(vm: &mut Vm, status: i32) -> i32 {
    taipan_stdlib::atexit::run(vm);
    let stdout = flush(vm, "stdout");
    let modules = vm.interpreter().modules.borrow().clone();
    let modules = modules.and_then(|modules| Some(modules.cast::<Dict>()?.items()));
    let (main, others): (Vec<_>, Vec<_>) = modules
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| !str_eq_any(name, &["sys", "builtins"]))
        .partition(|(name, _)| str_eq_any(name, &["__main__"]));
    // The program's own names go first, then modules, those first that were imported last.
    for (_, module) in main.iter().chain(others.iter().rev()) {
        if let Some(module) = module.cast::<Module>() {
            clear_module(module);
        }
    }
    drop((main, others));
    let _ = taipan_core::gc::collect(vm, 2).map_err(|raised| drop(vm.take_raised(raised)));
    let stdout = stdout.and(flush(vm, "stdout"));
    let _ = flush(vm, "stderr");
    taipan_stdlib::faulthandler::finish();
    if stdout.is_err() && status == 0 {
        120
    } else {
        status
    }
}

fn str_eq_any(text: &Value, wanted: &[&str]) -> bool {
    str_object::str_of(text).is_some_and(|text| wanted.contains(&&text.to_lossy()[..]))
}

/// Empties a module's namespace as CPython does: private names first, then the others, `__builtins__` last.
fn clear_module(module: &Module) {
    let dict = module.dict();
    for private in [true, false] {
        for key in dict.keys() {
            let Some(text) = str_object::str_of(&key).map(|text| text.to_lossy()) else {
                continue;
            };
            let is_private = text.starts_with('_') && !text.starts_with("__");
            if text != "__builtins__" && is_private == private {
                let old = dict.set_name(&key, Value::none());
                drop(old);
            }
        }
    }
}
