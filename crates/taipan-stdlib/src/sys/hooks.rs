//! The hooks of `sys`: what is done with results, uncaught exceptions, breakpoints, asynchronous generators.

use super::attribute;
use crate::audit::audit;
use crate::builtins::import::import_module;
use crate::structseq::{self, Fields};
use crate::traceback_print;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::dict_of;
use taipan_core::str_object::{name as text_name, new_str};
use taipan_core::{Args, Bound, Py, Type, TypeObject, Value, Vm, exception, name};
use taipan_interp::generator_type::async_hooks;

/// Is the interpreter shutting down?
#[derive(Default)]
struct Finalizing(AtomicBool);

/// Notes that the interpreter begins to shut down.
pub fn set_finalizing(vm: &Vm) {
    vm.interpreter_state::<Finalizing>().0.store(true, Relaxed);
}

/// Has the interpreter begun to shut down? Then what is about to make a process or a thread has to refuse.
pub(crate) fn refuse_when_finalizing(vm: &mut Vm, message: &str) -> Py<()> {
    if finalizing(vm) {
        return Err(vm.raise(&types::PYTHON_FINALIZATION_ERROR, message));
    }
    Ok(())
}

/// Does the interpreter end?
pub(crate) fn finalizing(vm: &Vm) -> bool {
    vm.interpreter_state::<Finalizing>().0.load(Relaxed)
}

pub(super) fn is_finalizing(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::bool(finalizing(vm)))
}

// ---- displayhook ----

pub(super) fn displayhook(vm: &mut Vm, _module: &Value, object: &Value) -> Py {
    let builtins = vm.interpreter().builtins.get();
    let Some(builtins) = builtins else {
        return Err(vm.runtime_error("lost builtins module"));
    };
    if object.is_none() {
        return Ok(Value::none());
    }
    let set_last = |value: Value| {
        if let Some(dict) = dict_of(&builtins) {
            drop(dict.set_name(name!("_"), value));
        }
    };
    set_last(Value::none());
    let Some(stdout) = attribute(vm, name!("stdout")).filter(|file| !file.is_none()) else {
        return Err(vm.runtime_error("lost sys.stdout"));
    };
    let text = vm.repr(object)?;
    if let Err(raised) = vm.call_method(&stdout, name!("write"), std::slice::from_ref(&text)) {
        vm.catch(raised, &types::UNICODE_ENCODE_ERROR)?;
        write_escaped(vm, &stdout, &text)?;
    }
    vm.call_method(&stdout, name!("write"), &[new_str("\n")])?;
    set_last(object.clone());
    Ok(Value::none())
}

/// Writes a text whose characters the stream cannot encode all.
fn write_escaped(vm: &mut Vm, stdout: &Value, text: &Value) -> Py<()> {
    let encoding = vm.get_attr(stdout, name!("encoding"))?;
    let encoding = vm.str_string(&encoding)?;
    let encoded =
        taipan_types::codec::encode_str(vm, text, Some(&encoding), Some("backslashreplace"))?;
    if let Some(buffer) = vm.get_attr_opt(stdout, name!("buffer"))? {
        vm.call_method(&buffer, name!("write"), &[encoded])?;
        return Ok(());
    }
    let bytes = taipan_types::bytes::bytes_of(&encoded)
        .unwrap_or(&[])
        .to_vec();
    let escaped = taipan_types::codec::decode(vm, &bytes, Some(&encoding), None)?;
    vm.call_method(stdout, name!("write"), &[escaped])?;
    Ok(())
}

// ---- excepthook ----

pub(super) fn excepthook(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let (value, traceback) = (&args[1], &args[2]);
    if !value.is_instance(&types::BASE_EXCEPTION) {
        let message = format!(
            "TypeError: print_exception(): Exception expected for value, {} found\n",
            value.type_of().name()
        );
        traceback_print::write_error(vm, &message);
        return Ok(Value::none());
    }
    if traceback.is_instance(&types::TRACEBACK) && exception::traceback(vm, value).is_none() {
        exception::set_traceback(vm, value, Some(traceback.clone()));
    }
    traceback_print::print_exception(vm, value);
    Ok(Value::none())
}

/// Reports an uncaught exception through `sys.excepthook`; gives the `SystemExit` that the hook may raise.
pub fn report_uncaught(vm: &mut Vm, raised: &Value) -> Option<Value> {
    let Some(hook) = attribute(vm, name!("excepthook")) else {
        traceback_print::write_error(vm, "sys.excepthook is missing\n");
        traceback_print::print_exception(vm, raised);
        return None;
    };
    let traceback = exception::traceback(vm, raised).unwrap_or_else(Value::none);
    let args = [raised.type_of().to_value(), raised.clone(), traceback];
    let told = audit(vm, "sys.excepthook", || {
        let mut all = vec![hook.clone()];
        all.extend(args.iter().cloned());
        all
    });
    if let Err(error) = told
        && let Err(error) = vm.catch(error, &types::RUNTIME_ERROR)
    {
        vm.unraisable(error, "", Some(&hook));
    }
    if let Err(failed) = vm.call(&hook, &args) {
        let failed = vm.take_raised(failed);
        if failed.is_instance(&types::SYSTEM_EXIT) {
            return Some(failed);
        }
        traceback_print::write_error(vm, "Error in sys.excepthook:\n");
        traceback_print::print_exception(vm, &failed);
        traceback_print::write_error(vm, "\nOriginal exception was:\n");
        traceback_print::print_exception(vm, raised);
    }
    None
}

// ---- unraisablehook ----

static UNRAISABLE_ARGS: TypeObject = Type::declare("UnraisableHookArgs");
static UNRAISABLE_FIELDS: Fields = Fields {
    name: "UnraisableHookArgs",
    doc: "UnraisableHookArgs\n\nType used to pass arguments to sys.unraisablehook.",
    fields: &[
        ("exc_type", "Exception type"),
        ("exc_value", "Exception value"),
        ("exc_traceback", "Exception traceback"),
        ("err_msg", "Error message"),
        ("object", "Object causing the exception"),
    ],
    visible: 5,
    instantiable: true,
};

/// The hook behind [`Vm::unraisable`]: hands the exception to `sys.unraisablehook`.
pub fn unraisable(vm: &mut Vm, raised: Value, doing: &str, object: Option<&Value>) {
    structseq::define(&UNRAISABLE_ARGS, &UNRAISABLE_FIELDS);
    let traceback = exception::traceback(vm, &raised)
        .or_else(|| taipan_interp::traceback::here(vm))
        .unwrap_or_else(Value::none);
    let message = structseq::text(Some(doing).filter(|doing| !doing.is_empty()));
    let args = structseq::create(
        &UNRAISABLE_ARGS,
        5,
        vec![
            raised.type_of().to_value(),
            raised,
            traceback,
            message,
            object.cloned().unwrap_or_else(Value::none),
        ],
    );
    let hook = attribute(vm, name!("unraisablehook")).filter(|hook| !hook.is_none());
    let done = match hook {
        Some(hook) => match audit(vm, "sys.unraisablehook", || {
            vec![hook.clone(), args.clone()]
        }) {
            Ok(()) => vm.call(&hook, std::slice::from_ref(&args)).map(|_| ()),
            Err(raised) => Err(raised),
        },
        None => print_unraisable(vm, &args),
    };
    if let Err(failed) = done {
        let failed = vm.take_raised(failed);
        traceback_print::write_error(vm, "Exception ignored in sys.unraisablehook:\n");
        traceback_print::print_exception(vm, &failed);
    }
}

fn print_unraisable(vm: &mut Vm, args: &Value) -> Py<()> {
    let value = vm.get_attr(args, name!("exc_value"))?;
    let class = vm.get_attr(args, name!("exc_type"))?;
    let traceback = vm.get_attr(args, name!("exc_traceback"))?;
    let message = vm.get_attr(args, name!("err_msg"))?;
    let object = vm.get_attr(args, name!("object"))?;
    let shown = match vm.repr_string(&object) {
        _ if object.is_none() => None,
        Ok(shown) => Some(shown),
        Err(raised) => {
            drop(vm.take_raised(raised));
            Some("<object repr() failed>".to_owned())
        }
    };
    let mut text = String::new();
    match (message.is_none(), shown) {
        (false, Some(shown)) => text = format!("{}: {shown}\n", vm.str_string(&message)?),
        (false, None) => text = format!("{}:\n", vm.str_string(&message)?),
        (true, Some(shown)) => text = format!("Exception ignored in: {shown}\n"),
        (true, None) => {}
    }
    if !class.is_none() {
        text.push_str(&traceback_print::format_unraisable(
            vm, &class, &value, &traceback,
        ));
    }
    traceback_print::write_error(vm, &text);
    Ok(())
}

pub(super) fn unraisablehook(vm: &mut Vm, _module: &Value, args: &Value) -> Py {
    if !args.is_exact(&UNRAISABLE_ARGS) {
        let message = "sys.unraisablehook argument type must be UnraisableHookArgs";
        return Err(vm.type_error(message));
    }
    print_unraisable(vm, args)?;
    Ok(Value::none())
}

// ---- breakpointhook ----

pub(super) fn breakpointhook(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let target = std::env::var("PYTHONBREAKPOINT").unwrap_or_default();
    let target = match &target[..] {
        "0" => return Ok(Value::none()),
        "" => "pdb.set_trace",
        other => other,
    };
    let (module, attribute) = target.rsplit_once('.').unwrap_or(("builtins", target));
    let found = match import_module(vm, module) {
        Ok(module) => vm.get_attr(&module, &text_name(attribute)),
        Err(raised) => Err(raised),
    };
    match found {
        Ok(hook) => vm.call_args(&hook, args),
        Err(raised) => {
            if !vm.pending_is(&types::IMPORT_ERROR) && !vm.pending_is(&types::ATTRIBUTE_ERROR) {
                return Err(raised);
            }
            drop(vm.take_raised(raised));
            let message = format!("Ignoring unimportable $PYTHONBREAKPOINT: \"{target}\"");
            vm.warn(&types::RUNTIME_WARNING, &message, 0)?;
            Ok(Value::none())
        }
    }
}

// ---- coroutines and asynchronous generators ----

static ASYNCGEN_HOOKS: TypeObject = Type::declare("asyncgen_hooks");
static ASYNCGEN_FIELDS: Fields = Fields {
    name: "asyncgen_hooks",
    doc: "asyncgen_hooks",
    fields: &[
        ("firstiter", "Hook to intercept first iteration"),
        ("finalizer", "Hook to intercept finalization"),
    ],
    visible: 2,
    instantiable: true,
};

pub(super) fn get_asyncgen_hooks(vm: &mut Vm, _module: &Value) -> Py {
    structseq::define(&ASYNCGEN_HOOKS, &ASYNCGEN_FIELDS);
    let hooks = async_hooks(vm);
    let get = |hook: &std::cell::RefCell<Option<Value>>| {
        hook.borrow().clone().unwrap_or_else(Value::none)
    };
    let row = vec![get(&hooks.first_iter), get(&hooks.finalizer)];
    Ok(structseq::create(&ASYNCGEN_HOOKS, 2, row))
}

pub(super) fn set_asyncgen_hooks(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    for (index, what) in [(1, "finalizer"), (0, "firstiter")] {
        if let Some(hook) = args.get_not_none(index)
            && !vm.is_callable(hook)
        {
            let given = hook.type_of().name();
            return Err(vm.type_error(format!("callable {what} expected, got {given}")));
        }
    }
    let hooks = async_hooks(vm);
    for (index, cell) in [(1, &hooks.finalizer), (0, &hooks.first_iter)] {
        if let Some(hook) = args.get(index) {
            let hook = Some(hook.clone()).filter(|hook| !hook.is_none());
            let old = std::mem::replace(&mut *cell.borrow_mut(), hook);
            drop(old);
        }
    }
    Ok(Value::none())
}

pub(super) fn get_origin_depth(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::int(async_hooks(vm).origin_depth.get().into()))
}

pub(super) fn set_origin_depth(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let depth = vm.index_i64(args.req(0))?;
    match u32::try_from(depth) {
        Ok(depth) => async_hooks(vm).origin_depth.set(depth),
        Err(_) => return Err(vm.value_error("depth must be >= 0")),
    }
    Ok(Value::none())
}
