//! The end of the interpreter: threads, `atexit` functions, the program's globals, a last collection, the streams.

use taipan_core::dict_object::Dict;
use taipan_core::{Value, Vm, name, str_object};
use taipan_interp::module::Module;

/// The exit status of a program whose output could not be written.
const OUTPUT_LOST: i32 = 120;

/// Ends the interpreter; gives the process's exit status.
pub fn finish(vm: &mut Vm, status: i32) -> i32 {
    wait_for_threads(vm);
    taipan_stdlib::atexit::run(vm);
    let written = flush_streams(vm);
    taipan_stdlib::sys::hooks::set_finalizing(vm);
    empty_modules(vm);
    let _ = taipan_core::gc::collect(vm, 2).map_err(|raised| drop(vm.take_raised(raised)));
    // What finalisers wrote; whether that fails is nobody's business any more.
    for name in ["stdout", "stderr"] {
        if let Some(stream) = stream(vm, name)
            && let Err(raised) = vm.call_method(&stream, name!("flush"), &[])
        {
            drop(vm.take_raised(raised));
        }
    }
    taipan_stdlib::faulthandler::finish();
    if written { status } else { OUTPUT_LOST }
}

fn module(vm: &Vm, name: &str) -> Option<Value> {
    let modules = vm.interpreter().modules.borrow().clone()?;
    modules.cast::<Dict>()?.get_name(&str_object::name(name))
}

/// `threading` waits for the threads that are no daemons.
fn wait_for_threads(vm: &mut Vm) {
    let Some(threading) = module(vm, "threading").filter(|found| !found.is_none()) else {
        return;
    };
    let done = match vm.get_attr_str(&threading, "_shutdown") {
        Ok(shutdown) => vm.call(&shutdown, &[]).map(drop),
        Err(raised) => Err(raised),
    };
    if let Err(raised) = done {
        vm.unraisable(
            raised,
            "Exception ignored on threading shutdown",
            Some(&threading),
        );
    }
}

fn stream(vm: &Vm, name: &str) -> Option<Value> {
    let sys = vm.interpreter().sys_dict.borrow().clone()?;
    sys.cast::<Dict>()?
        .get_name(&str_object::name(name))
        .filter(|stream| !stream.is_none())
}

/// Flushes both output streams; false if something could not be written.
fn flush_streams(vm: &mut Vm) -> bool {
    let mut done = true;
    if let Some(stdout) = stream(vm, "stdout").filter(|stdout| !is_closed(vm, stdout))
        && let Err(raised) = vm.call_method(&stdout, name!("flush"), &[])
    {
        vm.unraisable(raised, "Exception ignored while flushing sys.stdout", None);
        done = false;
    }
    if let Some(stderr) = stream(vm, "stderr").filter(|stderr| !is_closed(vm, stderr))
        && let Err(raised) = vm.call_method(&stderr, name!("flush"), &[])
    {
        // There is nowhere left to say it.
        drop(vm.take_raised(raised));
        done = false;
    }
    done
}

fn is_closed(vm: &mut Vm, stream: &Value) -> bool {
    let closed = match vm.get_attr_str(stream, "closed") {
        Ok(closed) => vm.truth(&closed),
        Err(raised) => Err(raised),
    };
    closed.unwrap_or_else(|raised| {
        drop(vm.take_raised(raised));
        false
    })
}

/// Empties all modules but `sys` and `builtins`: the program's own names go first, then modules, those first that were imported last.
fn empty_modules(vm: &mut Vm) {
    let modules = vm.interpreter().modules.borrow().clone();
    let modules = modules.and_then(|modules| Some(modules.cast::<Dict>()?.items()));
    let is_one_of = |name: &Value, wanted: &[&str]| {
        str_object::str_of(name).is_some_and(|text| wanted.contains(&&text.to_lossy()[..]))
    };
    let (main, others): (Vec<_>, Vec<_>) = modules
        .unwrap_or_default()
        .into_iter()
        .filter(|(name, _)| !is_one_of(name, &["sys", "builtins"]))
        .partition(|(name, _)| is_one_of(name, &["__main__"]));
    for (_, module) in main.iter().chain(others.iter().rev()) {
        if let Some(module) = module.cast::<Module>() {
            clear_module(module);
        }
    }
}

/// Empties a module's namespace as CPython does: private names first, then the others, `__builtins__` last.
fn clear_module(module: &Module) {
    let dict = module.dict();
    for private in [true, false] {
        for key in dict.keys() {
            let Some(text) = str_object::str_of(&key) else {
                continue;
            };
            let mut letters = text.code_points();
            let mut underscore = || letters.next() == Some(u32::from('_'));
            let is_private = underscore() && !underscore();
            if is_private == private && !key.is(name!("__builtins__")) {
                let old = dict.set_name(&key, Value::none());
                drop(old);
            }
        }
    }
}
