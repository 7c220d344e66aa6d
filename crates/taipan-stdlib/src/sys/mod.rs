//! `sys`: what programs may know and change about the interpreter.

mod frames;
pub use frames::frame_at;
pub mod hooks;
pub mod info;
mod limits;
mod monitor;
mod names;

use crate::ModuleDef;
use crate::audit;
use crate::support::add;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{dict_of, new_dict};
use taipan_core::str_object::{is_str, new_str, str_of};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::type_object::{Type, TypeFlags};
use taipan_core::{Args, Bound, MethodDef, Py, Value, Vm, bound, f0, f1, f2, name, raw, slice};

/// The module `sys`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "sys",
    doc: "This module provides access to some objects used or maintained by the\ninterpreter and to functions that interact strongly with the interpreter.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 48] = [
    monitor::SETTRACE,
    monitor::GETTRACE,
    monitor::SETPROFILE,
    monitor::GETPROFILE,
    monitor::SETTRACE_ALL,
    monitor::SETPROFILE_ALL,
    bound(
        "addaudithook(module, /, hook)",
        addaudithook,
        "Adds a new audit hook callback.",
    ),
    raw(
        "audit(module, event, /, *args)",
        audit_function,
        "Passes the event to any hooks that are attached.",
    ),
    raw(
        "breakpointhook(module, /, *args, **kwargs)",
        hooks::breakpointhook,
        "This hook function is called by built-in breakpoint().",
    ),
    f2(
        "call_tracing(module, func, args, /)",
        call_tracing,
        "Call func(*args), while tracing is enabled.",
    ),
    f0(
        "_clear_internal_caches(module, /)",
        nothing,
        "Clear all internal performance-related caches.",
    ),
    f0(
        "_clear_type_cache(module, /)",
        nothing,
        "Clear the internal type lookup cache.",
    ),
    f1(
        "_clear_type_descriptors(module, type, /)",
        clear_type_descriptors,
        "Private function for clearing certain descriptors from a type's dictionary.\n\nSee gh-135228 for context.",
    ),
    f0(
        "_current_exceptions(module, /)",
        frames::current_exceptions,
        "Return a dict mapping each thread's identifier to its current raised exception.",
    ),
    f0(
        "_current_frames(module, /)",
        frames::current_frames,
        "Return a dict mapping each thread's thread id to its current stack frame.",
    ),
    f1(
        "displayhook(module, object, /)",
        hooks::displayhook,
        "Print an object to sys.stdout and also save it in builtins._",
    ),
    f0(
        "exception(module, /)",
        exception,
        "Return the current exception.\n\nReturn the most recent exception caught by an except clause\nin the current stack frame or in an older stack frame, or None\nif no such clause exists.",
    ),
    f0(
        "exc_info(module, /)",
        exc_info,
        "Return current exception information: (type, value, traceback).\n\nReturn information about the most recent exception caught by an except\nclause in the current stack frame or in an older stack frame.",
    ),
    slice(
        "excepthook(module, exctype, value, traceback, /)",
        hooks::excepthook,
        "Handle an exception by displaying it with a traceback on sys.stderr.",
    ),
    slice(
        "exit(module, status=None, /)",
        exit,
        "Exit the interpreter by raising SystemExit(status).\n\nIf the status is omitted or None, it defaults to zero (i.e., success).\nIf the status is an integer, it will be used as the system exit status.\nIf it is another kind of object, it will be printed and the system\nexit status will be one (i.e., failure).",
    ),
    f0(
        "getdefaultencoding(module, /)",
        getdefaultencoding,
        "Return the current default encoding used by the Unicode implementation.",
    ),
    f0(
        "getdlopenflags(module, /)",
        limits::getdlopenflags,
        "Return the current value of the flags that are used for dlopen calls.",
    ),
    f0(
        "getfilesystemencoding(module, /)",
        getfilesystemencoding,
        "Return the encoding used to convert Unicode filenames to OS filenames.",
    ),
    f0(
        "getfilesystemencodeerrors(module, /)",
        getfilesystemencodeerrors,
        "Return the error mode used for Unicode to OS filename conversion.",
    ),
    slice(
        "_getframe(module, depth=0, /)",
        frames::getframe,
        "Return a frame object from the call stack.\n\nIf optional integer depth is given, return the frame object that many\ncalls below the top of the stack.  If that is deeper than the call\nstack, ValueError is raised.  The default for depth is zero, returning\nthe frame at the top of the call stack.",
    ),
    bound(
        "_getframemodulename(module, /, depth=0)",
        frames::getframemodulename,
        "Return the name of the module for a calling frame.\n\nThe default depth returns the module containing the call to this API.\nIf no frame, module, or name can be found returns None.",
    ),
    f0(
        "get_asyncgen_hooks(module, /)",
        hooks::get_asyncgen_hooks,
        "Return the installed asynchronous generators hooks.\n\nThis returns a namedtuple of the form (firstiter, finalizer).",
    ),
    bound(
        "set_asyncgen_hooks(module, /, firstiter=None, finalizer=None)",
        hooks::set_asyncgen_hooks,
        "Set a finalizer for async generators objects.",
    ),
    f0(
        "get_coroutine_origin_tracking_depth(module, /)",
        hooks::get_origin_depth,
        "Check status of origin tracking for coroutine objects in this thread.",
    ),
    bound(
        "set_coroutine_origin_tracking_depth(module, /, depth)",
        hooks::set_origin_depth,
        "Enable or disable origin tracking for coroutine objects in this thread.\n\nCoroutine objects will track 'depth' frames of traceback information\nabout where they came from, available in their cr_origin attribute.\n\nSet a depth of 0 to disable.",
    ),
    f0(
        "_get_cpu_count_config(module, /)",
        limits::cpu_count_config,
        "Private function for getting the configured CPU count.",
    ),
    f1(
        "getrefcount(module, object, /)",
        limits::getrefcount,
        "Return the reference count of object.\n\nThe count returned is generally one higher than you might expect,\nbecause it includes the (temporary) reference as an argument to\ngetrefcount().",
    ),
    f0(
        "getrecursionlimit(module, /)",
        limits::getrecursionlimit,
        "Return the current value of the recursion limit.\n\nThe recursion limit is the maximum depth of the Python interpreter\nstack.  This limit prevents infinite recursion from causing an overflow\nof the C stack and crashing Python.",
    ),
    f1(
        "setrecursionlimit(module, limit, /)",
        limits::setrecursionlimit,
        "Set the maximum depth of the Python interpreter stack to n.\n\nThis limit prevents infinite recursion from causing an overflow of the\nstack and crashing Python.  The highest possible limit is platform-\ndependent.",
    ),
    bound(
        "getsizeof(module, object, default=None)",
        limits::getsizeof,
        "getsizeof(object [, default]) -> int\n\nReturn the size of object in bytes.",
    ),
    f0(
        "getswitchinterval(module, /)",
        limits::getswitchinterval,
        "Return the current thread switch interval; see sys.setswitchinterval().",
    ),
    f1(
        "setswitchinterval(module, interval, /)",
        limits::setswitchinterval,
        "Set the ideal thread switching delay inside the Python interpreter.\n\nThe actual frequency of switching threads can be lower if the\ninterpreter executes long sequences of uninterruptible code\n(this is implementation-specific and workload-dependent).",
    ),
    f1(
        "setdlopenflags(module, flags, /)",
        limits::setdlopenflags,
        "Set the flags used by the interpreter for dlopen calls.",
    ),
    f0(
        "get_int_max_str_digits(module, /)",
        limits::get_int_max_str_digits,
        "Return the maximum string digits limit for non-binary int<->str conversions.",
    ),
    bound(
        "set_int_max_str_digits(module, /, maxdigits)",
        limits::set_int_max_str_digits,
        "Set the maximum string digits limit for non-binary int<->str conversions.",
    ),
    f1(
        "intern(module, string, /)",
        intern,
        "``Intern'' the given string.\n\nThis enters the string in the (global) table of interned strings whose\npurpose is to speed up dictionary lookups.  Return the string itself or\nthe previously interned string object with the same value.",
    ),
    f1(
        "_is_interned(module, string, /)",
        is_interned,
        "Return True if the given string is \"interned\".",
    ),
    f1(
        "_is_immortal(module, op, /)",
        limits::is_immortal,
        "Return True if the given object is \"immortal\" per PEP 683.",
    ),
    f0(
        "is_finalizing(module, /)",
        hooks::is_finalizing,
        "Return True if Python is exiting.",
    ),
    f0(
        "_is_gil_enabled(module, /)",
        info::is_gil_enabled,
        "Return True if the GIL is currently enabled.",
    ),
    f0(
        "is_stack_trampoline_active(module, /)",
        never,
        "Return *True* if a stack profiler trampoline is active.",
    ),
    f0(
        "is_remote_debug_enabled(module, /)",
        never,
        "Return True if remote debugging is enabled, False otherwise.",
    ),
    f1(
        "unraisablehook(module, unraisable, /)",
        hooks::unraisablehook,
        "Handle an unraisable exception.",
    ),
];

fn nothing(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::none())
}

/// Takes the descriptors out of a class that a class made from its namespace must not get.
fn clear_type_descriptors(vm: &mut Vm, _module: &Value, class: &Value) -> Py {
    let Some(ty) = class.cast::<Type>() else {
        let given = class.type_of().name();
        return Err(vm.type_error(format!(
            "_clear_type_descriptors() argument must be type, not {given}"
        )));
    };
    if !ty.is_heap() || ty.has(TypeFlags::IMMUTABLE) {
        return Err(vm.type_error("argument is immutable"));
    }
    ty.changed();
    let namespace = ty.namespace();
    drop(namespace.remove_name(name!("__dict__")));
    let weakref = namespace.get_name(name!("__weakref__"));
    if weakref.is_some_and(|found| found.is_exact(&types::GETSET_DESCRIPTOR)) {
        drop(namespace.remove_name(name!("__weakref__")));
    }
    Ok(Value::none())
}

/// Threads take turns: one of them runs Python code at a time.
fn never(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::bool(false))
}

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    drop(vm.interpreter().sys_dict.set(Some(dict.clone())));
    let modules = vm.interpreter().modules.get();
    let modules = modules.unwrap_or_else(new_dict);
    drop(vm.interpreter().modules.set(Some(modules.clone())));
    add(dict, "modules", modules);
    if let Some(dict) = dict_of(dict) {
        for (saved, own) in [
            ("__breakpointhook__", "breakpointhook"),
            ("__displayhook__", "displayhook"),
            ("__excepthook__", "excepthook"),
            ("__unraisablehook__", "unraisablehook"),
        ] {
            let own = dict.get_name(&taipan_core::str_object::name(own));
            if let Some(own) = own {
                drop(dict.set_name(&taipan_core::str_object::name(saved), own));
            }
        }
    }
    info::fill(vm, dict);
    limits::apply(vm);
    monitor::fill(vm, dict)
}

// ---- exceptions ----

fn exception(vm: &mut Vm, _module: &Value) -> Py {
    Ok(vm.handled().unwrap_or_else(Value::none))
}

fn exc_info(vm: &mut Vm, _module: &Value) -> Py {
    let Some(handled) = vm.handled() else {
        return Ok(new_tuple([Value::none(), Value::none(), Value::none()]));
    };
    let traceback = taipan_core::exception::traceback(vm, &handled).unwrap_or_else(Value::none);
    Ok(new_tuple([
        handled.type_of().to_value(),
        handled,
        traceback,
    ]))
}

fn exit(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let status = args.first().filter(|status| !status.is_none());
    let args = match status {
        None => Vec::new(),
        Some(status) => match items(status) {
            Some(all) => all.to_vec(),
            None => vec![status.clone()],
        },
    };
    if let [only] = &args[..]
        && only.is_instance(&types::SYSTEM_EXIT)
    {
        return Err(vm.raise_value(only.clone()));
    }
    Err(vm.raise_with(&types::SYSTEM_EXIT, &args))
}

// ---- audit ----

fn addaudithook(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    audit::add(vm, args.req(0))?;
    Ok(Value::none())
}

fn audit_function(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    if args.has_keywords() {
        return Err(vm.type_error("sys.audit() takes no keyword arguments"));
    }
    let Some((event, rest)) = args.pos().split_first() else {
        return Err(vm.type_error("audit expected at least 1 argument, got 0"));
    };
    if !is_str(event) {
        let message = format!(
            "expected str for argument 'event', not {}",
            event.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    if audit::enabled(vm) {
        audit::tell(vm, event, new_tuple(rest.to_vec()))?;
    }
    Ok(Value::none())
}

// ---- text ----

fn getdefaultencoding(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(new_str("utf-8"))
}

fn getfilesystemencoding(vm: &mut Vm, _module: &Value) -> Py {
    let encoding = crate::config::read(vm, |config| config.encodings.filesystem.clone());
    Ok(new_str(encoding.as_deref().unwrap_or("utf-8")))
}

fn getfilesystemencodeerrors(vm: &mut Vm, _module: &Value) -> Py {
    let errors = crate::config::read(vm, |config| config.encodings.filesystem_errors.clone());
    Ok(new_str(errors.as_deref().unwrap_or("surrogateescape")))
}

fn intern(vm: &mut Vm, _module: &Value, string: &Value) -> Py {
    if !is_str(string) {
        let message = format!(
            "intern() argument must be str, not {}",
            string.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    if !string.is_exact(&types::STR) {
        let message = format!("can't intern {}", string.type_of().name());
        return Err(vm.type_error(message));
    }
    Ok(taipan_core::str_object::intern(string))
}

fn is_interned(vm: &mut Vm, _module: &Value, string: &Value) -> Py {
    match str_of(string) {
        Some(text) => Ok(Value::bool(text.is_interned())),
        None => {
            let message = format!(
                "_is_interned() argument must be str, not {}",
                string.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

fn call_tracing(vm: &mut Vm, _module: &Value, function: &Value, args: &Value) -> Py {
    match items(args) {
        Some(args) => taipan_interp::monitor::call_tracing(vm, function, args),
        None => {
            let message = format!(
                "call_tracing() argument 2 must be tuple, not {}",
                args.type_of().name()
            );
            Err(vm.type_error(message))
        }
    }
}

/// An attribute of `sys`, if there.
pub fn attribute(vm: &Vm, name: &Value) -> Option<Value> {
    crate::builtins::output::sys_attribute(vm, name)
}

/// Sets an attribute of `sys`.
pub fn set_attribute(vm: &Vm, name: &str, value: Value) {
    let sys = vm.interpreter().sys_dict.get();
    if let Some(sys) = sys {
        add(&sys, name, value);
    }
}

/// `sys.modules`
pub fn modules(vm: &Vm) -> Option<Value> {
    attribute(vm, name!("modules"))
}
