//! `print`, `input`, `open`, `breakpoint`: builtin functions that go through `sys` and `_io`.

use super::import::import_module;
use crate::audit::audit;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::dict_of;
use taipan_core::str_object::{is_str, new_from_code_points, str_eq, str_of};
use taipan_core::{Args, Py, Value, Vm, name};

/// `sys.name`, if there.
pub(crate) fn sys_attribute(vm: &Vm, name: &Value) -> Option<Value> {
    let sys = vm.interpreter().sys_dict.get()?;
    dict_of(&sys)?.get_name(name)
}

/// A separator argument: a string, or `None` for the default.
fn separator(vm: &mut Vm, what: &str, value: &Value) -> Py<Option<Value>> {
    if value.is_none() {
        return Ok(None);
    }
    if is_str(value) {
        return Ok(Some(value.clone()));
    }
    let message = format!(
        "{what} must be None or a string, not {}",
        value.type_of().name()
    );
    Err(vm.type_error(message))
}

pub(super) fn print(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let (mut sep, mut end, mut file, mut flush) = (None, None, None, false);
    for (keyword, value) in args.keywords() {
        if str_eq(keyword, name!("sep")) {
            sep = separator(vm, "sep", value)?;
        } else if str_eq(keyword, name!("end")) {
            end = separator(vm, "end", value)?;
        } else if str_eq(keyword, name!("file")) {
            file = Some(value.clone()).filter(|file| !file.is_none());
        } else if str_eq(keyword, name!("flush")) {
            flush = vm.truth(value)?;
        } else {
            let keyword = vm.str_string(keyword)?;
            return Err(vm.type_error(format!(
                "print() got an unexpected keyword argument '{keyword}'"
            )));
        }
    }
    let file = match file {
        Some(file) => file,
        None => match sys_attribute(vm, name!("stdout")) {
            Some(file) if file.is_none() => return Ok(Value::none()),
            Some(file) => file,
            None => return Err(vm.runtime_error("lost sys.stdout")),
        },
    };
    for (index, item) in args.pos().iter().enumerate() {
        if index > 0 {
            let sep = sep.as_ref().unwrap_or(name!(" "));
            write(vm, &file, sep)?;
        }
        let text = vm.str(item)?;
        write(vm, &file, &text)?;
    }
    write(vm, &file, end.as_ref().unwrap_or(name!("\n")))?;
    if flush {
        vm.call_method(&file, name!("flush"), &[])?;
    }
    Ok(Value::none())
}

fn write(vm: &mut Vm, file: &Value, text: &Value) -> Py<()> {
    vm.call_method(file, name!("write"), std::slice::from_ref(text))?;
    Ok(())
}

// ---- input ----

/// A standard stream, which must be there.
fn stream(vm: &mut Vm, stream: &Value, shown: &str) -> Py {
    match sys_attribute(vm, stream) {
        Some(file) if !file.is_none() => Ok(file),
        _ => Err(vm.runtime_error(format!("input(): lost sys.{shown}"))),
    }
}

pub(super) fn input(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let prompt = args.first();
    let stdin = stream(vm, name!("stdin"), "stdin")?;
    let stdout = stream(vm, name!("stdout"), "stdout")?;
    let stderr = stream(vm, name!("stderr"), "stderr")?;
    audit(vm, "builtins.input", || {
        vec![prompt.cloned().unwrap_or_else(Value::none)]
    })?;
    if let Err(raised) = vm.call_method(&stderr, name!("flush"), &[]) {
        vm.catch(raised, &types::EXCEPTION)?;
    }
    if let Some(prompt) = prompt {
        let text = vm.str(prompt)?;
        write(vm, &stdout, &text)?;
    }
    if let Err(raised) = vm.call_method(&stdout, name!("flush"), &[]) {
        vm.catch(raised, &types::EXCEPTION)?;
    }
    let line = vm.call_method(&stdin, name!("readline"), &[])?;
    let Some(text) = str_of(&line) else {
        return Err(vm.type_error("object.readline() returned non-string"));
    };
    let len = text.len();
    if len == 0 {
        return Err(vm.raise(&types::EOF_ERROR, "EOF when reading a line"));
    }
    if text.at(len - 1) != '\n' as u32 {
        return Ok(line.clone());
    }
    let kept: Vec<u32> = text.code_points().take(len - 1).collect();
    let result = new_from_code_points(&kept);
    audit(vm, "builtins.input/result", || vec![result.clone()])?;
    Ok(result)
}

/// `open`: the function of module `_io`.
pub(super) fn open(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let io = import_module(vm, "_io")?;
    let open = vm.get_attr(&io, name!("open"))?;
    vm.call_args(&open, args)
}

pub(super) fn breakpoint(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let Some(hook) = sys_attribute(vm, name!("breakpointhook")) else {
        return Err(vm.runtime_error("lost sys.breakpointhook"));
    };
    audit(vm, "builtins.breakpoint", || vec![hook.clone()])?;
    vm.call_args(&hook, args)
}
