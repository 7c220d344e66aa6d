//! Running a program as `__main__`, and reporting what it did not catch.

use crate::bootstrap::import;
use crate::program::Program;
use crate::startup;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use taipan_core::dict_object::Dict;
use taipan_core::{Py, Raised, Value, Vm, builtin_types, exception, name, str_object};
use taipan_interp::module::Module;
use taipan_stdlib::audit::audit;
use taipan_stdlib::builtins::source::{self, Request};
use taipan_stdlib::config;
use taipan_stdlib::sys::hooks::report_uncaught;
use taipan_stdlib::{path, traceback_print};
use taipan_syntax::Mode;

/// How a program ended.
#[derive(Clone, Copy, Default)]
pub struct Ended {
    pub status: i32,
    /// By an interrupt that nobody caught.
    pub interrupted: bool,
    /// By `SystemExit`: nothing follows.
    pub exits: bool,
}

/// Why a program does not go on.
pub enum Stop {
    Raised(Raised),
    /// It could not be started; the user knows already.
    Status(i32),
}

impl From<Raised> for Stop {
    fn from(raised: Raised) -> Stop {
        Stop::Raised(raised)
    }
}

/// Runs the program, and the prompt behind it if that is asked for.
pub fn run(vm: &mut Vm, program: &Program) -> Ended {
    startup::banner(vm, program);
    let at_prompt = matches!(program, Program::Stdin) && startup::is_interactive(vm);
    let inspect = config::read(vm, |config| config.flags.inspect > 0);
    let ended = match run_program(vm, program, at_prompt) {
        Ok(()) => Ended::default(),
        Err(Stop::Status(status)) => Ended {
            status,
            ..Ended::default()
        },
        Err(Stop::Raised(raised)) => report(vm, raised, inspect && !at_prompt),
    };
    let goes_on = !ended.exits && !at_prompt && (inspect || startup::inspect_is_wished(vm));
    if !goes_on || !startup::is_interactive(vm) {
        return ended;
    }
    match startup::interactive(vm, false) {
        Ok(()) => Ended::default(),
        Err(raised) => report(vm, raised, false),
    }
}

fn run_program(vm: &mut Vm, program: &Program, at_prompt: bool) -> Result<(), Stop> {
    let globals = main_module(vm)?;
    match program {
        Program::Command(text) => {
            path_first(vm, OsStr::new(""))?;
            run_command(vm, text, &globals)
        }
        Program::Module(module) => {
            let folder = std::env::current_dir().unwrap_or_default();
            path_first(vm, folder.as_os_str())?;
            let module = path::decode(vm, module.as_bytes())?;
            audit(vm, "cpython.run_module", || vec![module.clone()])?;
            Ok(run_as_main(vm, &[module])?)
        }
        Program::File(file) => run_file(vm, file, &globals),
        Program::Stdin => {
            path_first(vm, OsStr::new(""))?;
            if at_prompt {
                return Ok(startup::interactive(vm, true)?);
            }
            audit(vm, "cpython.run_stdin", Vec::new)?;
            let mut text = Vec::new();
            // What cannot be read is not there.
            let _ = std::io::Read::read_to_end(&mut std::io::stdin(), &mut text);
            let filename = str_object::new_str("<stdin>");
            set_file(&globals, &filename);
            let done = run_source(vm, &text, &filename, &globals);
            unset_file(&globals);
            Ok(done?)
        }
    }
}

/// `runpy` runs a module, or `__main__` of `sys.path[0]`.
fn run_as_main(vm: &mut Vm, args: &[Value]) -> Py<()> {
    let runpy = import(vm, "runpy")?;
    let run = vm.get_attr_str(&runpy, "_run_module_as_main")?;
    vm.call(&run, args).map(drop)
}

/// The dict of the module `__main__`, which is made if it is not there.
pub fn main_module(vm: &mut Vm) -> Py {
    let modules = vm.interpreter().modules.get();
    let known = |key: &Value| modules.as_ref()?.cast::<Dict>()?.get_name(key);
    if let Some(main) = known(name!("__main__"))
        && let Some(module) = main.cast::<Module>()
    {
        return Ok(module.dict().to_value());
    }
    let module = Module::create("__main__", None);
    let dict = module.expect::<Module>().dict();
    if let Some(bootstrap) = known(name!("_frozen_importlib")) {
        let loader = vm.get_attr_str(&bootstrap, "BuiltinImporter")?;
        dict.set_name(name!("__loader__"), loader);
    }
    if let Some(builtins) = known(name!("builtins")) {
        dict.set_name(name!("__builtins__"), builtins);
    }
    let value = dict.to_value();
    if let Some(modules) = modules.as_ref().and_then(|modules| modules.cast::<Dict>()) {
        modules.set_name(name!("__main__"), module.clone());
    }
    Ok(value)
}

/// Puts the program's folder in front of `sys.path`, unless the command line forbids it.
fn path_first(vm: &mut Vm, folder: &OsStr) -> Py<()> {
    if config::read(vm, |config| config.flags.safe_path) {
        return Ok(());
    }
    taipan_interp::module_type::set_program_folder(vm, &folder.to_string_lossy());
    put_first(vm, folder)
}

fn put_first(vm: &mut Vm, entry: &OsStr) -> Py<()> {
    let sys = vm.interpreter().sys_dict.get();
    if let Some(path) = sys.and_then(|sys| sys.cast::<Dict>()?.get_name(name!("path"))) {
        let entry = path::decode(vm, entry.as_bytes())?;
        let insert = vm.get_attr_str(&path, "insert")?;
        vm.call(&insert, &[Value::from_i32(0), entry])?;
    }
    Ok(())
}

// ---- -c ----

fn run_command(vm: &mut Vm, text: &OsStr, globals: &Value) -> Result<(), Stop> {
    let command = path::decode(vm, text.as_bytes())?;
    audit(vm, "cpython.run_command", || vec![command.clone()])?;
    let encoded = taipan_types::codec::encode_str(vm, &command, Some("utf-8"), None);
    if let Err(raised) = encoded {
        traceback_print::write_error(vm, "Unable to decode the command from the command line:\n");
        return Err(raised.into());
    }
    let text = str_object::str_of(&command)
        .map(|text| text.to_lossy())
        .unwrap_or_default();
    let text = dedent(&text);
    let filename = str_object::new_str("<string>");
    let request = Request::new(vm, Mode::Exec);
    let code = source::compile_text(vm, &text, &filename, &request)?;
    remember(vm, &code, &text, "<string>", "<string>")?;
    source::run_code(vm, &code, globals, globals, None)?;
    Ok(())
}

/// Makes the text of a program that is in no file known to tracebacks: its code has the file name `file`, shown as `shown`.
pub fn remember(vm: &mut Vm, code: &Value, text: &str, file: &str, shown: &str) -> Py<()> {
    traceback_print::register_source(vm, file, text);
    let linecache = import(vm, "linecache")?;
    let register = vm.get_attr_str(&linecache, "_register_code")?;
    let values = [
        code.clone(),
        str_object::new_str(text),
        str_object::new_str(shown),
    ];
    vm.call(&register, &values).map(drop)
}

/// Takes the indentation that all lines have in common off; lines of white space become empty.
fn dedent(text: &str) -> String {
    const SPACE: [char; 2] = [' ', '\t'];
    let mut common: Option<&str> = None;
    for line in text.lines() {
        let body = line.trim_start_matches(SPACE);
        if body.is_empty() {
            continue;
        }
        let indent = &line[..line.len() - body.len()];
        common = Some(match common {
            None => indent,
            Some(old) => {
                let same = old.bytes().zip(indent.bytes());
                &old[..same.take_while(|(a, b)| a == b).count()]
            }
        });
    }
    let common = common.unwrap_or("");
    if common.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        match line.strip_prefix(common) {
            Some(rest) if !line.trim_matches([' ', '\t', '\r', '\n']).is_empty() => out += rest,
            _ => out.push('\n'),
        }
    }
    out
}

// ---- files ----

fn run_file(vm: &mut Vm, file: &OsStr, globals: &Value) -> Result<(), Stop> {
    let full = std::path::absolute(file).unwrap_or_else(|_| file.into());
    let filename = path::decode(vm, full.as_os_str().as_bytes())?;
    if full.is_dir() || is_archive(&full) {
        put_first(vm, full.as_os_str())?;
        let args = [str_object::new_str("__main__"), Value::bool(false)];
        return Ok(run_as_main(vm, &args)?);
    }
    let folder = std::fs::canonicalize(&full).unwrap_or_else(|_| full.clone());
    path_first(vm, folder.parent().unwrap_or(Path::new("")).as_os_str())?;
    audit(vm, "cpython.run_file", || vec![filename.clone()])?;
    let text = match std::fs::read(&full) {
        Ok(text) => text,
        Err(error) => return Err(Stop::Status(cannot_open(vm, &filename, &error)?)),
    };
    set_file(globals, &filename);
    let compiled = full.extension().is_some_and(|ending| ending == "pyc")
        || text.starts_with(&taipan_bytecode::marshal::MAGIC);
    set_loader(vm, globals, &filename, compiled)?;
    let done = if compiled {
        run_compiled(vm, &text, globals)
    } else {
        let skip = config::read(vm, |config| config.skip_first_line);
        let line_end = text.iter().position(|byte| *byte == b'\n');
        let start = if skip {
            line_end.unwrap_or(text.len())
        } else {
            0
        };
        run_source(vm, &text[start..], &filename, globals)
    };
    unset_file(globals);
    Ok(done?)
}

/// Is the file a zip archive? Those end with a table of contents and its own end record.
fn is_archive(file: &Path) -> bool {
    use std::io::{Read, Seek, SeekFrom};
    const RECORD: u64 = 22;
    const LONGEST_COMMENT: u64 = 65535;
    const SIGNATURE: &[u8] = b"PK\x05\x06";
    let read = || -> std::io::Result<bool> {
        // A pipe is opened once: who writes to it is gone when it is opened again.
        let meta = std::fs::metadata(file)?;
        if !meta.is_file() || meta.len() < RECORD {
            return Ok(false);
        }
        let mut file = std::fs::File::open(file)?;
        let mut start = [0; 2];
        file.read_exact(&mut start)?;
        let tail = meta.len().min(RECORD + LONGEST_COMMENT);
        file.seek(SeekFrom::End(-(tail as i64)))?;
        let mut bytes = Vec::with_capacity(tail as usize);
        file.take(tail).read_to_end(&mut bytes)?;
        let end = bytes.len().saturating_sub(RECORD as usize);
        Ok(bytes.get(end..end + 4) == Some(SIGNATURE)
            || bytes.windows(4).any(|window| window == SIGNATURE))
    };
    read().unwrap_or(false)
}

/// Tells the user that the program cannot be read; the exit status.
fn cannot_open(vm: &mut Vm, filename: &Value, error: &std::io::Error) -> Py<i32> {
    let program = config::read(vm, |config| config.orig_argv.first().cloned());
    let program = program.unwrap_or_else(|| "taipan".into());
    let shown = vm.repr_string(filename)?;
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default();
    let number = error.raw_os_error().unwrap_or(0);
    eprintln!(
        "{}: can't open file {shown}: [Errno {number}] {reason}",
        program.to_string_lossy()
    );
    Ok(2)
}

fn set_file(globals: &Value, filename: &Value) {
    let dict = globals.expect::<Dict>();
    dict.set_name(name!("__file__"), filename.clone());
    dict.set_name(name!("__cached__"), Value::none());
}

fn unset_file(globals: &Value) {
    let dict = globals.expect::<Dict>();
    for key in [name!("__file__"), name!("__cached__")] {
        drop(dict.remove_name(key));
    }
}

fn set_loader(vm: &mut Vm, globals: &Value, filename: &Value, compiled: bool) -> Py<()> {
    let external = import(vm, "_frozen_importlib_external")?;
    let class = if compiled {
        "SourcelessFileLoader"
    } else {
        "SourceFileLoader"
    };
    let class = vm.get_attr_str(&external, class)?;
    let loader = vm.call(&class, &[str_object::new_str("__main__"), filename.clone()])?;
    globals
        .expect::<Dict>()
        .set_name(name!("__loader__"), loader);
    Ok(())
}

fn run_compiled(vm: &mut Vm, bytes: &[u8], globals: &Value) -> Py<()> {
    if bytes.len() < taipan_bytecode::marshal::MAGIC.len() {
        return Err(vm.raise(&builtin_types::EOF_ERROR, "EOF read where not expected"));
    }
    if !bytes.starts_with(&taipan_bytecode::marshal::MAGIC) {
        return Err(vm.runtime_error("Bad magic number in .pyc file"));
    }
    let Some(body) = bytes.get(taipan_bytecode::marshal::HEADER_LEN..) else {
        return Err(vm.raise(&builtin_types::EOF_ERROR, "EOF read where not expected"));
    };
    match taipan_stdlib::marshal::read_code(vm, body) {
        Some(code) => source::run_code(vm, &code, globals, globals, None).map(drop),
        None => Err(vm.runtime_error("Bad code object in .pyc file")),
    }
}

/// Compiles and runs the text of a file.
pub fn run_source(vm: &mut Vm, bytes: &[u8], filename: &Value, globals: &Value) -> Py<()> {
    let shown = str_object::str_of(filename)
        .map(|text| text.to_lossy())
        .unwrap_or_default();
    let text = source::decode_source(vm, bytes, filename, Some(&shown))?;
    let request = Request::new(vm, Mode::Exec);
    let code = source::compile_text(vm, &text, filename, &request)?;
    source::run_code(vm, &code, globals, globals, None).map(drop)
}

// ---- what was not caught ----

/// Reports an exception that nobody caught. With `inspect`, `SystemExit` is an exception like any other.
pub fn report(vm: &mut Vm, raised: Raised, inspect: bool) -> Ended {
    let error = vm.take_raised(raised);
    if error.is_instance(&builtin_types::SYSTEM_EXIT) && !inspect {
        return exit(vm, &error);
    }
    if let Some(exit_request) = show(vm, &error).filter(|_| !inspect) {
        return exit(vm, &exit_request);
    }
    Ended {
        status: 1,
        interrupted: error.is_instance(&builtin_types::KEYBOARD_INTERRUPT),
        exits: false,
    }
}

/// Shows an exception through `sys.excepthook`; gives the `SystemExit` that the hook may have raised.
pub fn show(vm: &mut Vm, error: &Value) -> Option<Value> {
    let _ = flush(vm, "stdout");
    let sys = vm.interpreter().sys_dict.get();
    if let Some(sys) = &sys {
        let dict = sys.expect::<Dict>();
        dict.set_name(name!("last_exc"), error.clone());
        dict.set_name(name!("last_type"), error.type_of().to_value());
        dict.set_name(name!("last_value"), error.clone());
        let traceback = exception::traceback(vm, error).unwrap_or_else(Value::none);
        dict.set_name(name!("last_traceback"), traceback);
    }
    let exit = report_uncaught(vm, error);
    let _ = flush(vm, "stderr");
    exit
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

fn exit(vm: &mut Vm, error: &Value) -> Ended {
    Ended {
        status: exit_status(vm, error),
        interrupted: false,
        exits: true,
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
    if code.is_int() {
        // An int beyond the machine's counts as -1.
        return code.as_i64().unwrap_or(-1) as i32;
    }
    let _ = flush(vm, "stdout");
    if let Err(raised) = write_to_stderr(vm, &code) {
        let error = vm.take_raised(raised);
        let text = describe(vm, &error);
        traceback_print::write_error(vm, &format!("{text}\n"));
    }
    1
}

fn write_to_stderr(vm: &mut Vm, message: &Value) -> Py<()> {
    let text = vm.str(message)?;
    let sys = vm.interpreter().sys_dict.get();
    match sys.and_then(|sys| sys.cast::<Dict>()?.get_name(name!("stderr"))) {
        Some(file) if !file.is_none() => {
            vm.call_method(&file, name!("write"), &[text])?;
            vm.call_method(&file, name!("write"), &[str_object::new_str("\n")])?;
        }
        _ => {
            let text = str_object::str_of(&text).map(|text| text.to_lossy());
            eprintln!("{}", text.unwrap_or_default());
        }
    }
    Ok(())
}

/// Flushes a standard stream; its errors are the stream's.
pub fn flush(vm: &mut Vm, stream: &str) -> Result<(), ()> {
    let sys = vm.interpreter().sys_dict.get();
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
