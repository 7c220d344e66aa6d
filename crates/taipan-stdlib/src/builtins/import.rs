//! `__import__`: the fast path for modules that are there, and the way to `importlib._bootstrap` for all others.

use crate::config;
use std::time::{Duration, Instant};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of};
use taipan_core::latch::{Latch, LatchCell};
use taipan_core::str_object::{is_str, new_from_code_points, str_of};
use taipan_core::{Bound, Py, Raised, Value, Vm, exception, name};
use taipan_interp::frame_object::FrameObject;
use taipan_interp::traceback::Traceback;

/// The module `importlib._bootstrap`, once it runs.
#[derive(Default)]
struct Bootstrap(Latch<Option<Value>>);

/// Tells the import statement which module finds and loads modules.
pub fn set_bootstrap(vm: &Vm, module: Value) {
    let old = vm
        .interpreter_state::<Bootstrap>()
        .0
        .borrow_mut()
        .replace(module);
    drop(old);
}

fn bootstrap(vm: &mut Vm) -> Py {
    if let Some(module) = vm.interpreter_state::<Bootstrap>().0.borrow().clone() {
        return Ok(module);
    }
    match loaded(vm, name!("_frozen_importlib"))? {
        Some(module) => Ok(module),
        None => Err(vm.raise(&types::IMPORT_ERROR, "the import system is not set up")),
    }
}

/// `sys.modules.get(name)`, `None` entries included as such.
pub fn loaded(vm: &mut Vm, name: &Value) -> Py<Option<Value>> {
    let modules = vm.interpreter().modules.get();
    let Some(modules) = modules else {
        return Err(vm.runtime_error("unable to get sys.modules"));
    };
    if let Some(dict) = modules.cast_exact::<Dict>() {
        return dict.get(vm, name);
    }
    match vm.get_item(&modules, name) {
        Ok(module) => Ok(Some(module)),
        Err(raised) => {
            vm.catch(raised, &types::KEY_ERROR)?;
            Ok(None)
        }
    }
}

/// Imports a module by its full name and gives that very module, not its top package.
pub fn import_module(vm: &mut Vm, name: &str) -> Py {
    let name = taipan_core::str_object::name(name);
    module_named(vm, &name)
}

fn module_named(vm: &mut Vm, name: &Value) -> Py {
    match loaded(vm, name)? {
        Some(module) if !module.is_none() => {
            tell_of_cached(vm, name);
            wait_until_initialized(vm, &module, name)?;
            Ok(module)
        }
        _ => find_and_load(vm, name),
    }
}

/// A module that another thread is still running is waited for.
fn wait_until_initialized(vm: &mut Vm, module: &Value, name: &Value) -> Py<()> {
    let Some(spec) = vm.get_attr_opt(module, name!("__spec__"))? else {
        return Ok(());
    };
    if spec.is_none() {
        return Ok(());
    }
    let Some(flag) = vm.get_attr_opt(&spec, name!("_initializing"))? else {
        return Ok(());
    };
    if vm.truth(&flag)? {
        let bootstrap = bootstrap(vm)?;
        vm.call_method(
            &bootstrap,
            name!("_lock_unlock_module"),
            std::slice::from_ref(name),
        )?;
    }
    Ok(())
}

fn find_and_load(vm: &mut Vm, name: &Value) -> Py {
    crate::audit::audit(vm, "import", || vec![name.clone()])?;
    let bootstrap = bootstrap(vm)?;
    let builtins = vm.interpreter().builtins.get();
    let import = builtins
        .as_ref()
        .and_then(|builtins| dict_of(builtins)?.get_name(name!("__import__")))
        .unwrap_or_else(Value::none);
    let started = (config::read(vm, |config| config.imports.time) > 0).then(|| start_clock(vm));
    let found = vm.call_method(&bootstrap, name!("_find_and_load"), &[name.clone(), import]);
    if let Some(started) = started {
        stop_clock(vm, name, &started);
    }
    found.map_err(|raised| trim_traceback(vm, raised))
}

// ---- -X importtime ----

/// The imports under way, and the time that those inside of the innermost one took.
#[derive(Default)]
struct Clock {
    level: LatchCell<usize>,
    inner: LatchCell<Duration>,
    announced: LatchCell<bool>,
}

struct Started {
    at: Instant,
    /// The time of the imports before, inside of the same import.
    siblings: Duration,
}

fn start_clock(vm: &mut Vm) -> Started {
    let clock = vm.interpreter_state::<Clock>();
    if !clock.announced.replace(true) {
        eprintln!("import time: self [us] | cumulative | imported package");
    }
    clock.level.set(clock.level.get() + 1);
    Started {
        at: Instant::now(),
        siblings: clock.inner.take(),
    }
}

fn stop_clock(vm: &mut Vm, name: &Value, started: &Started) {
    let took = started.at.elapsed();
    let clock = vm.interpreter_state::<Clock>();
    let own = took.saturating_sub(clock.inner.get());
    clock.inner.set(started.siblings + took);
    let level = clock.level.get().saturating_sub(1);
    clock.level.set(level);
    eprintln!(
        "import time: {:9} | {:10} | {}{}",
        own.as_micros(),
        took.as_micros(),
        "  ".repeat(level),
        shown(name)
    );
}

/// Tells of an import that has nothing to do, if even that is asked for.
fn tell_of_cached(vm: &mut Vm, name: &Value) {
    if config::read(vm, |config| config.imports.time) < 2 {
        return;
    }
    let level = vm.interpreter_state::<Clock>().level.get();
    eprintln!(
        "import time: cached    | cached     | {}{}",
        "  ".repeat(level),
        shown(name)
    );
}

/// A module's name, with escapes for what is no text.
fn shown(name: &Value) -> String {
    let points = points(name);
    let one = |point: u32| match char::from_u32(point) {
        Some(c) => c.to_string(),
        None => format!("\\u{point:04x}"),
    };
    points.into_iter().map(one).collect()
}

/// Takes the entries of the import system itself out of a traceback: all of them for an `ImportError`, else those in front of
/// code that the import system ran for somebody.
fn trim_traceback(vm: &mut Vm, raised: Raised) -> Raised {
    let error = vm.take_raised(raised);
    let always = error.is_instance(&types::IMPORT_ERROR);
    if config::read(vm, |config| config.flags.verbose) == 0 {
        let mut kept: Vec<Value> = Vec::new();
        let mut chunk: Vec<Value> = Vec::new();
        let mut next = exception::traceback(vm, &error);
        while let Some(entry) = next {
            let (internal, ends_chunk) = importlib_entry(&entry);
            next = entry.cast::<Traceback>().and_then(|entry| entry.next());
            if internal {
                chunk.push(entry);
                if always || ends_chunk {
                    chunk.clear();
                }
            } else {
                kept.append(&mut chunk);
                kept.push(entry);
            }
        }
        kept.append(&mut chunk);
        relink(vm, &error, &kept);
    }
    vm.set_pending(error)
}

/// Is the traceback entry one of the import system, and is it where that runs the code of a module?
fn importlib_entry(entry: &Value) -> (bool, bool) {
    let Some(frame) = entry
        .cast::<Traceback>()
        .and_then(|entry| entry.frame.cast::<FrameObject>())
    else {
        return (false, false);
    };
    let code = &frame.code().code;
    let internal = matches!(
        &*code.filename,
        "<frozen importlib._bootstrap>"
            | "<frozen importlib._bootstrap_external>"
            | "<frozen _taipan_importer>"
    );
    (internal, &*code.name == "_call_with_frames_removed")
}

fn relink(vm: &mut Vm, error: &Value, entries: &[Value]) {
    let mut next = None;
    for entry in entries.iter().rev() {
        if let Some(entry) = entry.cast::<Traceback>() {
            entry.set_next(next.take());
        }
        next = Some(entry.clone());
    }
    exception::set_traceback(vm, error, next);
}

// ---- relative names ----

fn points(text: &Value) -> Vec<u32> {
    str_of(text)
        .map(|text| text.code_points().collect())
        .unwrap_or_default()
}

/// The package that relative imports in this namespace start from.
fn package_of(vm: &mut Vm, globals: &Value) -> Py {
    let Some(globals) = dict_of(globals) else {
        return Err(vm.type_error("globals must be a dict"));
    };
    let present = |value: Option<Value>| value.filter(|value| !value.is_none());
    let package = present(globals.get_name(name!("__package__")));
    let spec = present(globals.get_name(name!("__spec__")));
    let parent = match &spec {
        Some(spec) => Some(vm.get_attr(spec, name!("parent"))?),
        None => None,
    };
    if let Some(package) = package {
        if !is_str(&package) {
            return Err(vm.type_error("package must be a string"));
        }
        if let Some(parent) = parent
            && !vm.equal(&package, &parent)?
        {
            vm.warn(
                &types::DEPRECATION_WARNING,
                "__package__ != __spec__.parent",
                1,
            )?;
        }
        return Ok(package);
    }
    if let Some(parent) = parent {
        if !is_str(&parent) {
            return Err(vm.type_error("__spec__.parent must be a string"));
        }
        return Ok(parent);
    }
    vm.warn(
        &types::IMPORT_WARNING,
        "can't resolve package from __spec__ or __package__, falling back on __name__ and __path__",
        1,
    )?;
    let Some(own) = globals.get_name(name!("__name__")) else {
        return Err(vm.raise(&types::KEY_ERROR, "'__name__' not in globals"));
    };
    if !is_str(&own) {
        return Err(vm.type_error("__name__ must be a string"));
    }
    if globals.contains_name(name!("__path__")) {
        return Ok(own);
    }
    let text = points(&own);
    match text.iter().rposition(|c| *c == '.' as u32) {
        Some(dot) => Ok(new_from_code_points(&text[..dot])),
        None => Err(no_parent(vm)),
    }
}

#[cold]
fn no_parent(vm: &mut Vm) -> Raised {
    vm.raise(
        &types::IMPORT_ERROR,
        "attempted relative import with no known parent package",
    )
}

fn resolve(vm: &mut Vm, name: &Value, globals: &Value, level: i64) -> Py {
    let package = package_of(vm, globals)?;
    let package = points(&package);
    if package.is_empty() {
        return Err(no_parent(vm));
    }
    let mut base = &package[..];
    for _ in 1..level {
        match base.iter().rposition(|c| *c == '.' as u32) {
            Some(dot) => base = &base[..dot],
            None => {
                return Err(vm.raise(
                    &types::IMPORT_ERROR,
                    "attempted relative import beyond top-level package",
                ));
            }
        }
    }
    let name = points(name);
    if name.is_empty() {
        return Ok(new_from_code_points(base));
    }
    let mut full = base.to_vec();
    full.push('.' as u32);
    full.extend(name);
    Ok(new_from_code_points(&full))
}

// ---- __import__ ----

/// `__import__(name, globals, locals, fromlist, level)`
pub fn import(
    vm: &mut Vm,
    name: &Value,
    globals: Option<&Value>,
    from: Option<&Value>,
    level: i64,
) -> Py {
    if !is_str(name) {
        return Err(vm.type_error("module name must be a string"));
    }
    if level < 0 {
        return Err(vm.value_error("level must be >= 0"));
    }
    let full = if level > 0 {
        match globals {
            Some(globals) => resolve(vm, name, globals, level)?,
            None => {
                return Err(vm.key_error(&taipan_core::str_object::new_str(
                    "'__name__' not in globals",
                )));
            }
        }
    } else {
        if str_of(name).is_some_and(|text| text.is_empty()) {
            return Err(vm.value_error("Empty module name"));
        }
        taipan_core::str_object::intern(name)
    };
    let module = module_named(vm, &full)?;
    let has_from = match from {
        Some(from) if !from.is_none() => vm.truth(from)?,
        _ => false,
    };
    if !has_from {
        return top_package(vm, module, name, &full, level);
    }
    if vm.get_attr_opt(&module, name!("__path__"))?.is_none() {
        return Ok(module);
    }
    let bootstrap = bootstrap(vm)?;
    let builtins = vm.interpreter().builtins.get();
    let import = builtins
        .as_ref()
        .and_then(|builtins| dict_of(builtins)?.get_name(name!("__import__")))
        .unwrap_or_else(Value::none);
    let from = from.cloned().unwrap_or_else(Value::none);
    let done = vm.call_method(
        &bootstrap,
        name!("_handle_fromlist"),
        &[module, from, import],
    );
    done.map_err(|raised| trim_traceback(vm, raised))
}

/// What `import a.b.c` binds: `a`, or for relative imports the part that the name began with.
fn top_package(vm: &mut Vm, module: Value, name: &Value, full: &Value, level: i64) -> Py {
    let text = points(name);
    if level > 0 && text.is_empty() {
        return Ok(module);
    }
    let Some(dot) = text.iter().position(|c| *c == '.' as u32) else {
        return Ok(module);
    };
    if level == 0 {
        let front = taipan_core::str_object::intern(&new_from_code_points(&text[..dot]));
        return module_named(vm, &front);
    }
    let full = points(full);
    let front = new_from_code_points(&full[..full.len() - (text.len() - dot)]);
    match loaded(vm, &front)? {
        Some(module) => Ok(module),
        None => {
            let shown = vm.repr_string(&front)?;
            let message = format!("{shown} not in sys.modules as expected");
            Err(vm.raise(&types::KEY_ERROR, message))
        }
    }
}

pub(super) fn import_function(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let level = match args.get(4) {
        Some(level) => vm.index_i64(level)?,
        None => 0,
    };
    import(vm, args.req(0), args.get_not_none(1), args.get(3), level)
}
