//! The standard streams: `sys.stdin`, `stdout`, `stderr`.

use crate::bootstrap::{Failure, import, set};
use taipan_core::{
    Args, MethodDef, Py, Raised, Value, Vm, builtin_types, descriptor, f0, f1, name, str_object,
};
use taipan_stdlib::config;

/// One of the streams, as it is to be made.
struct Plan {
    fd: i32,
    name: &'static str,
    writes: bool,
    errors: String,
}

/// Makes the streams of the descriptors that are open; `None` stands for the others.
pub fn start(vm: &mut Vm, sys: &Value) -> Result<(), Failure> {
    import(vm, "encodings")?;
    let io = import(vm, "io")?;
    let open = vm.get_attr_str(&io, "open")?;
    let builtins = vm.interpreter().builtins.get();
    if let Some(builtins) = builtins {
        set(&builtins, "open", open.clone());
    }
    if is_folder(0) {
        return Err(Failure::Message(
            "init_sys_streams: <stdin> is a directory, cannot continue".into(),
        ));
    }
    let encoding = encoding(vm).map_err(|raised| {
        Failure::Raised(
            "init_stdio_encoding: failed to get the Python codec name of the stdio encoding",
            raised,
        )
    })?;
    let errors = config::read(vm, |config| config.encodings.stream_errors.clone())
        .unwrap_or_else(|| "strict".into());
    let plans = [
        (0, "stdin", errors.clone()),
        (1, "stdout", errors),
        (2, "stderr", "backslashreplace".into()),
    ];
    set(sys, "__stdin__", Value::none());
    for (fd, name, errors) in plans {
        let plan = Plan {
            fd,
            name,
            writes: fd != 0,
            errors,
        };
        let stream = if is_open(fd) {
            make(vm, &io, &open, &encoding, &plan)?
        } else {
            Value::none()
        };
        set(sys, name, stream.clone());
        set(sys, &format!("__{name}__"), stream);
    }
    Ok(())
}

static EARLY_WRITE: MethodDef = f1(
    "write($module, text, /)",
    |vm, _, text| {
        use std::io::Write;
        let shown = vm.str_string(text)?;
        let _ = std::io::stderr().write_all(shown.as_bytes());
        Ok(Value::none())
    },
    "Write to the standard error output.",
);
static EARLY_FLUSH: MethodDef = f0(
    "flush($module, /)",
    |_, _| Ok(Value::none()),
    "Do nothing: nothing is held back.",
);

/// What stands for `sys.stderr` until streams can be made: the import system tells about its first imports, too.
pub fn early_stderr(vm: &mut Vm, sys: &Value) -> Py<()> {
    let names = ["write", "flush"].map(str_object::name);
    let values = [&EARLY_WRITE, &EARLY_FLUSH]
        .map(|function| descriptor::new_native_function(function, None, None));
    let namespace = builtin_types::SIMPLE_NAMESPACE.to_value();
    let file = vm.call_args(&namespace, Args::new(&values, &names))?;
    set(sys, "stderr", file);
    Ok(())
}

fn is_open(fd: i32) -> bool {
    // SAFETY: a plain query.
    unsafe { libc::fcntl(fd, libc::F_GETFD) >= 0 }
}

fn is_folder(fd: i32) -> bool {
    // SAFETY: the structure is ours, and any bytes are a valid one.
    unsafe {
        let mut found: libc::stat = std::mem::zeroed();
        libc::fstat(fd, &mut found) == 0 && found.st_mode & libc::S_IFMT == libc::S_IFDIR
    }
}

/// The codec's own name for the encoding of the streams.
fn encoding(vm: &mut Vm) -> Py {
    let Some(wish) = config::read(vm, |config| config.encodings.streams.clone()) else {
        return Ok(str_object::new_str("utf-8"));
    };
    let codecs = import(vm, "_codecs")?;
    let lookup = vm.get_attr_str(&codecs, "lookup")?;
    let info = vm.call(&lookup, &[str_object::new_str(&wish)])?;
    vm.get_attr_str(&info, "name")
}

fn make(vm: &mut Vm, io: &Value, open: &Value, encoding: &Value, plan: &Plan) -> Py {
    let unbuffered = plan.writes && config::read(vm, |config| config.unbuffered);
    let mode = if plan.writes { "wb" } else { "rb" };
    let none = Value::none;
    let values = [
        Value::from_i32(plan.fd),
        str_object::new_str(mode),
        Value::from_i32(if unbuffered { 0 } else { -1 }),
        none(),
        none(),
        none(),
        Value::bool(false),
    ];
    let buffer = match vm.call(open, &values) {
        Ok(buffer) => buffer,
        Err(raised) => return absent_if_closed(vm, raised),
    };
    let raw = if unbuffered {
        buffer.clone()
    } else {
        vm.get_attr_str(&buffer, "raw")?
    };
    let shown = str_object::new_str(&format!("<{}>", plan.name));
    vm.set_attr_str(&raw, "name", &shown)?;
    let is_terminal = vm.call_method(&raw, name!("isatty"), &[])?;
    let lines = !unbuffered && plan.writes && (plan.fd == 2 || vm.truth(&is_terminal)?);
    let newline = if plan.writes {
        str_object::new_str("\n")
    } else {
        none()
    };
    let values = [
        buffer,
        encoding.clone(),
        str_object::new_str(&plan.errors),
        newline,
        Value::bool(lines),
        Value::bool(unbuffered),
    ];
    let wrapper = vm.get_attr_str(io, "TextIOWrapper")?;
    let stream = vm.call_args(&wrapper, Args::new(&values, &[]))?;
    let mode = str_object::new_str(if plan.writes { "w" } else { "r" });
    vm.set_attr_str(&stream, "mode", &mode)?;
    Ok(stream)
}

/// A descriptor that was closed meanwhile gives no stream.
fn absent_if_closed(vm: &mut Vm, raised: Raised) -> Py {
    vm.catch(raised, &builtin_types::OS_ERROR)?;
    Ok(Value::none())
}
