//! The end of the interpreter: threads, `atexit` functions, the streams, and the program's objects.

use taipan_core::dict_object::Dict;
use taipan_core::gc::Order;
use taipan_core::weakref::{self, WeakRef};
use taipan_core::{Obj, Value, Vm, name, str_object};
use taipan_interp::function::Function;
use taipan_interp::module::Module;

/// The exit status of a program whose output could not be written.
const OUTPUT_LOST: i32 = 120;

/// What of `sys` goes before modules do: it refers to the program's objects, or makes imports work.
const SYS_NAMES: &[&str] = &[
    "path",
    "argv",
    "ps1",
    "ps2",
    "last_exc",
    "last_type",
    "last_value",
    "last_traceback",
    "path_hooks",
    "path_importer_cache",
    "meta_path",
    "__interactivehook__",
];

/// Ends the interpreter; gives the process's exit status.
pub fn finish(vm: &mut Vm, status: i32) -> i32 {
    wait_for_threads(vm);
    taipan_stdlib::atexit::run(vm);
    let written = flush_streams(vm);
    taipan_stdlib::sys::hooks::set_finalizing(vm);
    vm.close_world();
    // The process takes all memory with it. Objects are ended one by one only where somebody can see it.
    if is_seen(vm) {
        end_objects(vm);
    }
    taipan_stdlib::faulthandler::finish();
    if written { status } else { OUTPUT_LOST }
}

/// Would the program see its objects end? The standard streams do nothing at their end that [`flush_streams`] has not done.
fn is_seen(vm: &mut Vm) -> bool {
    let collector = &vm.interpreter().gc;
    let watched = collector
        .callbacks()
        .is_some_and(|list| vm.truth(&list).is_ok_and(|some| some));
    if watched || collector.debug_flags() != 0 {
        return true;
    }
    let mut streams = Vec::new();
    for name in ["__stdin__", "__stdout__", "__stderr__"] {
        let mut layer = stream(vm, name);
        for below in ["buffer", "raw", ""] {
            let Some(object) = layer.filter(|layer| !layer.type_of().is_heap()) else {
                break;
            };
            layer = match vm.get_attr_str(&object, below) {
                Ok(below) => Some(below),
                Err(raised) => {
                    drop(vm.take_raised(raised));
                    None
                }
            };
            streams.push(object);
        }
    }
    taipan_core::gc::ends_are_seen(vm, &|object| {
        streams.iter().any(|stream| stream.is(object)) || is_of_library(object)
    })
}

/// Functions of the library that are called when objects go (`WeakSet` has one) only put its own things in order.
fn is_of_library(object: &Value) -> bool {
    let Some(function) = object.cast_exact::<Function>() else {
        return false;
    };
    str_object::str_of(&function.code().filename)
        .is_some_and(|file| file.to_lossy().starts_with(taipan_lib::ROOT))
}

/// Ends all objects in CPython's order: cycles that are garbage already; then modules are let go, and with them what only they
/// hold, whose finalisers still find all globals; then those that somebody holds are emptied, `sys` and `builtins` last.
fn end_objects(vm: &mut Vm) {
    let outputs = ["__stdout__", "__stderr__"].map(|name| stream(vm, name));
    if vm.interpreter().gc.is_enabled()
        && let Err(raised) = taipan_core::gc::collect(vm, 2)
    {
        drop(vm.take_raised(raised));
    }
    empty_sys(vm);
    let order = places(vm);
    let modules = release_modules(vm);
    empty_builtins(vm);
    collect(vm, &order);
    for module in modules.iter().rev() {
        let module = module
            .cast::<WeakRef>()
            .and_then(|module| weakref::get(module));
        if let Some(module) = module.as_ref().and_then(|module| module.cast::<Module>()) {
            clear_namespace(module.dict());
        }
    }
    let builtins = vm.interpreter().builtins.get();
    let sys = vm.interpreter().sys_dict.get();
    for dict in [sys, builtins].iter().flatten() {
        if let Some(dict) = dict.cast::<Dict>() {
            clear_namespace(dict);
        }
    }
    if is_seen(vm) {
        collect(vm, &Order::default());
    }
    // What finalisers wrote; whether that fails is nobody's business any more.
    for stream in outputs.iter().flatten() {
        if let Err(raised) = vm.call_method(stream, name!("flush"), &[]) {
            drop(vm.take_raised(raised));
        }
    }
}

fn collect(vm: &mut Vm, order: &Order) {
    if let Err(raised) = taipan_core::gc::collect_at_end(vm, order) {
        drop(vm.take_raised(raised));
    }
}

/// The objects with finalisers among the globals of all modules, in the order of their definition, those of the program last.
fn places(vm: &Vm) -> Order {
    let modules = vm.interpreter().modules.get();
    let modules = modules.as_ref().and_then(|modules| modules.cast::<Dict>());
    let mut modules = modules.map_or_else(Vec::new, |modules| modules.items());
    modules.sort_by_key(|(name, _)| is_one_of(name, &["__main__"]));
    let globals = modules
        .iter()
        .filter_map(|(_, module)| Some(module.cast::<Module>()?.dict().items()));
    let finalised = globals
        .flatten()
        .filter(|(_, value)| value.type_of().slots().finalize.is_some());
    let mut order = Order::default();
    for (_, value) in finalised {
        let next = order.len();
        order.entry(value.bits()).or_insert(next);
    }
    order
}

/// Lets go what `sys` holds of the program, and gives the streams back that it may have replaced.
fn empty_sys(vm: &mut Vm) {
    let sys = vm.interpreter().sys_dict.get();
    if let Some(sys) = sys.as_ref().and_then(|sys| sys.cast::<Dict>()) {
        for name in SYS_NAMES {
            drop(sys.set_name(&str_object::name(name), Value::none()));
        }
        for name in ["stdin", "stdout", "stderr"] {
            let first = sys.get_name(&str_object::name(&format!("__{name}__")));
            let first = first.unwrap_or_else(Value::none);
            drop(sys.set_name(&str_object::name(name), first));
        }
    }
    let builtins = vm.interpreter().builtins.get();
    if let Some(builtins) = builtins.as_ref().and_then(|dict| dict.cast::<Dict>()) {
        drop(builtins.set_name(name!("_"), Value::none()));
    }
}

/// Takes out of `builtins` what is not the interpreter's.
fn empty_builtins(vm: &Vm) {
    let builtins = vm.interpreter().builtins.get();
    if let Some(builtins) = builtins.as_ref().and_then(|dict| dict.cast::<Dict>()) {
        for (name, value) in builtins.items() {
            // Ours are of built-in types.
            if value.type_of().is_heap() && str_object::str_of(&name).is_some() {
                drop(builtins.remove_name(&name));
            }
        }
    }
}

/// Takes all modules out of `sys.modules`; gives weak references to them.
fn release_modules(vm: &mut Vm) -> Vec<Value> {
    let modules = vm.interpreter().modules.get();
    let Some(modules) = modules.as_ref().and_then(|modules| modules.cast::<Dict>()) else {
        return Vec::new();
    };
    let mut references = Vec::new();
    for (name, module) in modules.items() {
        if module.cast::<Module>().is_some() && !is_one_of(&name, &["sys", "builtins"]) {
            match weakref::new_ref(vm, &module, None) {
                Ok(reference) => references.push(reference),
                Err(raised) => drop(vm.take_raised(raised)),
            }
        }
        if str_object::str_of(&name).is_some() {
            drop(modules.set_name(&name, Value::none()));
        }
    }
    modules.clear(vm);
    references
}

fn is_one_of(name: &Value, wanted: &[&str]) -> bool {
    str_object::str_of(name).is_some_and(|text| wanted.contains(&&text.to_lossy()[..]))
}

fn module(vm: &Vm, name: &str) -> Option<Value> {
    let modules = vm.interpreter().modules.get()?;
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
    let sys = vm.interpreter().sys_dict.get()?;
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

/// Empties a module's namespace as CPython does: private names first, then the others, `__builtins__` last.
fn clear_namespace(dict: &Obj<Dict>) {
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
