//! `open` and the other functions of the module.

use super::{
    BUFFERED_RANDOM, BUFFERED_READER, BUFFERED_WRITER, DEFAULT_BUFFER_SIZE, FILE_IO,
    TEXT_IO_WRAPPER,
};
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, builtin_types, name, str_object};

struct Mode {
    reading: bool,
    writing: bool,
    creating: bool,
    appending: bool,
    updating: bool,
    text: bool,
    binary: bool,
}

fn parse(vm: &mut Vm, mode: &str) -> Py<Mode> {
    let has = |c| mode.contains(c);
    let unknown = mode.chars().any(|c| !"axrwb+t".contains(c));
    let repeated = mode
        .chars()
        .enumerate()
        .any(|(at, c)| mode.chars().skip(at + 1).any(|other| other == c));
    if unknown || repeated {
        let message = format!("invalid mode: '{mode}'");
        return Err(vm.value_error(message));
    }
    let parsed = Mode {
        reading: has('r'),
        writing: has('w'),
        creating: has('x'),
        appending: has('a'),
        updating: has('+'),
        text: has('t'),
        binary: has('b'),
    };
    if parsed.text && parsed.binary {
        return Err(vm.value_error("can't have text and binary mode at once"));
    }
    let kinds = [
        parsed.reading,
        parsed.writing,
        parsed.creating,
        parsed.appending,
    ];
    if kinds.into_iter().filter(|kind| *kind).count() != 1 {
        return Err(vm.value_error("must have exactly one of create/read/write/append mode"));
    }
    Ok(parsed)
}

fn open(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let file = args.req(0).clone();
    let mode_text = match args.get(1) {
        Some(mode) if str_object::is_str(mode) => vm.str_string(mode)?,
        Some(other) => {
            let message = format!(
                "open() argument 'mode' must be str, not {}",
                other.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        None => "r".into(),
    };
    let mut buffering = match args.get(2) {
        Some(buffering) => vm.index_i64(buffering)?,
        None => -1,
    };
    let given = |at: usize| args.get(at).filter(|value| !value.is_none()).cloned();
    let (encoding, errors, newline, opener) = (given(3), given(4), given(5), given(7));
    let close_fd = match args.get(6) {
        Some(flag) => vm.truth(flag)?,
        None => true,
    };
    let path = if file.is_int() {
        file
    } else {
        path_or_number(vm, &file)?
    };
    let mode = parse(vm, &mode_text)?;
    for (value, what) in [
        (&encoding, "an encoding"),
        (&errors, "an errors"),
        (&newline, "a newline"),
    ] {
        if mode.binary && value.is_some() {
            let message = format!("binary mode doesn't take {what} argument");
            return Err(vm.value_error(message));
        }
    }
    if mode.binary && buffering == 1 {
        vm.warn(
            &builtin_types::RUNTIME_WARNING,
            "line buffering (buffering=1) isn't supported in binary mode, the default buffer size will be used",
            1,
        )?;
    }
    let raw_mode = str_object::new_str(&mode_text.replace(['b', 't'], ""));
    let mut values = vec![path, raw_mode, Value::bool(close_fd)];
    values.push(opener.unwrap_or_else(Value::none));
    // A newline that is none of text is refused before the file is there.
    if let Some(newline) = newline
        .as_ref()
        .filter(|newline| !str_object::is_str(newline))
    {
        let message = format!(
            "open() argument 'newline' must be str or None, not {}",
            newline.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let raw = vm.call(&FILE_IO.to_value(), &values)?;
    let mut layer = raw.clone();
    let opened = wrap(
        vm,
        &raw,
        &mut layer,
        &mode,
        &mode_text,
        &mut buffering,
        [encoding, errors, newline],
    );
    if opened.is_err() {
        let pending = opened.err();
        if let Some(raised) = pending {
            let error = vm.take_raised(raised);
            if let Err(second) = vm.call_method(&layer, name!("close"), &[]) {
                drop(vm.take_raised(second));
            }
            return Err(vm.set_pending(error));
        }
        return Ok(Value::none());
    }
    opened
}

fn path_or_number(vm: &mut Vm, file: &Value) -> Py {
    if str_object::is_str(file) || taipan_types::bytes::bytes_of(file).is_some() {
        return Ok(file.clone());
    }
    let has_path = vm
        .lookup_special(file, name!("__fspath__"))
        .is_some_and(|method| !method.is_none());
    if !has_path && file.type_of().slots().index.is_some() {
        return vm.index(file);
    }
    crate::path::fspath(vm, file)
}

/// Puts buffer and text layer on a raw file; `layer` is what there is of them if the next one fails.
fn wrap(
    vm: &mut Vm,
    raw: &Value,
    layer: &mut Value,
    mode: &Mode,
    mode_text: &str,
    buffering: &mut i64,
    [encoding, errors, newline]: [Option<Value>; 3],
) -> Py {
    let is_tty = vm.call_method(raw, name!("_isatty_open_only"), &[])?;
    let mut line_buffering = false;
    if *buffering == 1 || (*buffering < 0 && is_tty.is_true()) {
        *buffering = -1;
        line_buffering = true;
    }
    if *buffering < 0 {
        let block = vm.get_attr_str(raw, "_blksize")?;
        *buffering = vm.index_i64(&block)?.max(DEFAULT_BUFFER_SIZE as i64);
    }
    if *buffering == 0 {
        if mode.binary {
            return Ok(raw.clone());
        }
        return Err(vm.value_error("can't have unbuffered text I/O"));
    }
    let class = if mode.updating {
        &BUFFERED_RANDOM
    } else if mode.reading {
        &BUFFERED_READER
    } else {
        &BUFFERED_WRITER
    };
    let buffer = vm.call(&class.to_value(), &[raw.clone(), Value::int(*buffering)])?;
    *layer = buffer.clone();
    if mode.binary {
        return Ok(buffer);
    }
    let none = Value::none;
    let values = [
        buffer,
        encoding.unwrap_or_else(none),
        errors.unwrap_or_else(none),
        newline.unwrap_or_else(none),
        Value::bool(line_buffering),
    ];
    let text = vm.call(&TEXT_IO_WRAPPER.to_value(), &values)?;
    *layer = text.clone();
    vm.set_attr(&text, name!("mode"), Some(&str_object::new_str(mode_text)))?;
    Ok(text)
}

fn open_code(vm: &mut Vm, module: &Value, args: &Bound) -> Py {
    let path = args.req(0).clone();
    let open = vm.get_attr_str(module, "open")?;
    vm.call(&open, &[path, str_object::new_str("rb")])
}

fn text_encoding(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    if !args[0].is_none() {
        return Ok(args[0].clone());
    }
    let (warn, utf8) = crate::config::read(vm, |config| {
        (config.flags.warn_default_encoding, config.flags.utf8_mode)
    });
    if warn {
        let level = match args.get(1) {
            Some(level) => vm.index_i64(level)?,
            None => 2,
        };
        vm.warn(
            &builtin_types::ENCODING_WARNING,
            "'encoding' argument not specified",
            usize::try_from(level).unwrap_or(0),
        )?;
    }
    Ok(str_object::new_str(if utf8 { "utf-8" } else { "locale" }))
}

/// The module's functions.
pub(super) static FUNCTIONS: [MethodDef; 3] = [
    bound(
        "open($module, file, mode='r', buffering=-1, encoding=None, errors=None, newline=None, closefd=True, opener=None)",
        open,
        "Open file and return a stream.  Raise OSError upon failure.",
    ),
    bound(
        "open_code($module, path)",
        open_code,
        "Opens the provided file with the intent to import the contents.",
    ),
    taipan_core::slice(
        "text_encoding($module, encoding, stacklevel=2, /)",
        text_encoding,
        "A helper function to choose the text encoding.",
    ),
];
