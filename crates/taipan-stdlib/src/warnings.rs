//! `_warnings`: filters, registries, and the two ways to issue a warning.

use crate::builtins::output::sys_attribute;
use crate::locks::Reentrant;
use crate::support::add;
use crate::{ModuleDef, contextvars};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::latch::{Latch, LatchCell};
use taipan_core::str_object::{is_exact_str, is_str, new_from_code_points, new_str, str_of};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Bound, MethodDef, Py, Raised, Type, TypeObject, Value, Vm, bound, f0, name};
use taipan_interp::frame_object::{self, FrameObject};
use taipan_interp::function::Function;
use taipan_types::list::{list_of, new_list};

/// The module `_warnings`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_warnings",
    doc: "_warnings provides basic warning filtering support.\nIt is a helper module to speed up interpreter start-up.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 5] = [
    bound(
        "warn(module, /, message, category=None, stacklevel=1, source=None, *, skip_file_prefixes=())",
        warn_function,
        "Issue a warning, or maybe ignore it or raise an exception.",
    ),
    bound(
        "warn_explicit(module, /, message, category, filename, lineno, module=None, registry=None, module_globals=None, source=None)",
        warn_explicit_function,
        "Issue a warning, or maybe ignore it or raise an exception.",
    ),
    f0("_filters_mutated_lock_held(module, /)", filters_mutated, ""),
    f0("_acquire_lock(module, /)", acquire_lock, ""),
    f0("_release_lock(module, /)", release_lock, ""),
];

/// An interpreter's warning state.
#[derive(Default)]
struct State {
    /// A list of 5-tuples.
    filters: Latch<Option<Value>>,
    /// A dict.
    once: Latch<Option<Value>>,
    default_action: Latch<Option<Value>>,
    /// The context variable that may hold filters of its own.
    context: Latch<Option<Value>>,
    /// Changes with the filters: registries of another version are void.
    version: LatchCell<i64>,
    lock: Reentrant,
}

fn state(vm: &Vm) -> &'static State {
    let state = vm.interpreter_state::<State>();
    if state.filters.borrow().is_none() {
        *state.filters.borrow_mut() = Some(default_filters());
        *state.once.borrow_mut() = Some(new_dict());
        *state.default_action.borrow_mut() = Some(new_str("default"));
        *state.context.borrow_mut() = Some(contextvars::new_var("_warnings_context", None));
    }
    state
}

fn get(cell: &Latch<Option<Value>>) -> Value {
    cell.borrow().clone().unwrap_or_else(Value::none)
}

fn default_filters() -> Value {
    let filter = |action: &str, category: &TypeObject, module: Option<&str>| {
        new_tuple([
            taipan_core::str_object::name(action),
            Value::none(),
            category.to_value(),
            module.map_or_else(Value::none, new_str),
            Value::from_i32(0),
        ])
    };
    new_list(vec![
        filter("default", &types::DEPRECATION_WARNING, Some("__main__")),
        filter("ignore", &types::DEPRECATION_WARNING, None),
        filter("ignore", &types::PENDING_DEPRECATION_WARNING, None),
        filter("ignore", &types::IMPORT_WARNING, None),
        filter("ignore", &types::RESOURCE_WARNING, None),
    ])
}

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    let state = state(vm);
    add(dict, "filters", get(&state.filters));
    add(dict, "_onceregistry", get(&state.once));
    add(dict, "_defaultaction", get(&state.default_action));
    add(dict, "_warnings_context", get(&state.context));
    Ok(())
}

fn filters_mutated(vm: &mut Vm, _module: &Value) -> Py {
    let state = state(vm);
    if !state.lock.is_mine() {
        return Err(vm.runtime_error("warnings lock is not held"));
    }
    state.version.set(state.version.get() + 1);
    Ok(Value::none())
}

fn acquire_lock(vm: &mut Vm, _module: &Value) -> Py {
    state(vm).lock.acquire_detached(vm);
    Ok(Value::none())
}

fn release_lock(vm: &mut Vm, _module: &Value) -> Py {
    if state(vm).lock.release() {
        return Ok(Value::none());
    }
    Err(vm.runtime_error("cannot release un-acquired lock"))
}

// ---- the attributes of module `warnings`, once it is there ----

fn warnings_attribute(vm: &mut Vm, attribute: &Value, import: bool) -> Py<Option<Value>> {
    let module = if import {
        match crate::builtins::import::import_module(vm, "warnings") {
            Ok(module) => Some(module),
            Err(raised) => {
                vm.catch(raised, &types::IMPORT_ERROR)?;
                None
            }
        }
    } else {
        crate::builtins::import::loaded(vm, name!("warnings"))?
    };
    match module.filter(|module| !module.is_none()) {
        Some(module) => vm.get_attr_opt(&module, attribute),
        None => Ok(None),
    }
}

fn once_registry(vm: &mut Vm) -> Py {
    match warnings_attribute(vm, name!("onceregistry"), false)? {
        Some(registry) if dict_of(&registry).is_some() => Ok(registry),
        Some(other) => {
            let given = other.type_of().name();
            Err(vm.type_error(format!(
                "_warnings.onceregistry must be a dict, not '{given}'"
            )))
        }
        None => Ok(get(&state(vm).once)),
    }
}

fn default_action(vm: &mut Vm) -> Py {
    match warnings_attribute(vm, name!("defaultaction"), false)? {
        Some(action) if is_str(&action) => Ok(action),
        Some(other) => {
            let given = other.type_of().name();
            Err(vm.type_error(format!(
                "_warnings.defaultaction must be a string, not '{given}'"
            )))
        }
        None => Ok(get(&state(vm).default_action)),
    }
}

// ---- filters ----

/// What is being warned about.
struct Warning<'a> {
    text: &'a Value,
    category: &'a Value,
    lineno: i64,
    module: &'a Value,
}

/// The action of the first filter that matches, with the filter.
fn action_for(vm: &mut Vm, warning: &Warning<'_>) -> Py<(Value, Value)> {
    let variable = get(&state(vm).context);
    if let Some(context) = contextvars::value_of(vm, &variable).filter(|found| !found.is_none()) {
        let filters = vm.get_attr(&context, name!("_filters"))?;
        if list_of(&filters).is_none() {
            return Err(vm.type_error("_filters of warnings.warnings_context must be a list"));
        }
        if let Some(found) = search(vm, &filters, warning)? {
            return Ok(found);
        }
    }
    let filters = match warnings_attribute(vm, name!("filters"), false)? {
        Some(filters) => filters,
        None => get(&state(vm).filters),
    };
    if list_of(&filters).is_none() {
        return Err(vm.value_error("warnings.filters must be a list"));
    }
    if let Some(found) = search(vm, &filters, warning)? {
        return Ok(found);
    }
    Ok((default_action(vm)?, Value::none()))
}

fn search(vm: &mut Vm, filters: &Value, warning: &Warning<'_>) -> Py<Option<(Value, Value)>> {
    for (index, filter) in vm.to_vec(filters)?.into_iter().enumerate() {
        let Some([action, message, category, module, line]) = items(&filter) else {
            return Err(vm.value_error(format!("warnings.filters item {index} isn't a 5-tuple")));
        };
        if !is_str(action) {
            let given = action.type_of().name();
            return Err(vm.type_error(format!("action must be a string, not '{given}'")));
        }
        if !matches(vm, message, warning.text)? || !matches(vm, module, warning.module)? {
            continue;
        }
        if !vm.is_subclass(warning.category, category)? {
            continue;
        }
        let line = vm.index_i64(line)?;
        if line == 0 || line == warning.lineno {
            return Ok(Some((action.clone(), filter.clone())));
        }
    }
    Ok(None)
}

/// Does part of a filter accept a text? `None` accepts all, a string its equal, anything else is a regular expression.
fn matches(vm: &mut Vm, filter: &Value, text: &Value) -> Py<bool> {
    if filter.is_none() {
        return Ok(true);
    }
    if is_exact_str(filter) {
        return vm.equal(filter, text);
    }
    let matched = vm.call_method(filter, name!("match"), std::slice::from_ref(text))?;
    vm.truth(&matched)
}

/// Was this key seen since the filters changed? Notes it if asked to.
fn already_warned(vm: &mut Vm, registry: &Value, key: &Value, note: bool) -> Py<bool> {
    let Some(dict) = registry.cast::<Dict>() else {
        return Ok(false);
    };
    let version = state(vm).version.get();
    let known = dict.get(vm, name!("version"))?;
    if known.as_ref().and_then(Value::as_i64) != Some(version) {
        dict.clear(vm);
        dict.insert(vm, name!("version"), Value::int(version))?;
    } else if let Some(seen) = dict.get(vm, key)?
        && vm.truth(&seen)?
    {
        return Ok(true);
    }
    if note {
        dict.insert(vm, key, Value::bool(true))?;
    }
    Ok(false)
}

// ---- issuing ----

/// A file name without `.py`: the module's name where nothing better is known.
fn module_from(filename: &Value) -> Value {
    let Some(text) = str_of(filename) else {
        return new_str("<unknown>");
    };
    let points: Vec<u32> = text.code_points().collect();
    let ending: Vec<u32> = ".py".chars().map(u32::from).collect();
    if points.is_empty() {
        new_str("<unknown>")
    } else if points.ends_with(&ending) {
        new_from_code_points(&points[..points.len() - 3])
    } else {
        filename.clone()
    }
}

/// Where a warning is issued.
struct Place {
    filename: Value,
    lineno: i64,
    module: Option<Value>,
    /// A dict, or nothing.
    registry: Option<Value>,
}

/// Issues a warning at a place, as the filters say.
fn issue(
    vm: &mut Vm,
    category: &Value,
    message: &Value,
    place: &Place,
    line: Option<&Value>,
    source: Option<&Value>,
) -> Py<()> {
    let registry = place.registry.as_ref();
    if let Some(registry) = registry
        && dict_of(registry).is_none()
    {
        return Err(vm.type_error("'registry' must be a dict or None"));
    }
    let module = match &place.module {
        Some(module) => module.clone(),
        None => module_from(&place.filename),
    };
    let (text, category, message) = if message.is_instance(&types::WARNING) {
        (
            vm.str(message)?,
            message.type_of().to_value(),
            message.clone(),
        )
    } else {
        let made = vm.call(category, std::slice::from_ref(message))?;
        (message.clone(), category.clone(), made)
    };
    let lineno = Value::int(place.lineno);
    let key = new_tuple([text.clone(), category.clone(), lineno.clone()]);
    if let Some(registry) = registry
        && already_warned(vm, registry, &key, false)?
    {
        return Ok(());
    }
    let warning = Warning {
        text: &text,
        category: &category,
        lineno: place.lineno,
        module: &module,
    };
    let (action, filter) = action_for(vm, &warning)?;
    let action_text = str_of(&action)
        .map(|text| text.to_lossy())
        .unwrap_or_default();
    match &action_text[..] {
        "error" => return Err(vm.raise_value(message)),
        "ignore" => return Ok(()),
        _ => {}
    }
    let mut seen = false;
    if !matches!(&action_text[..], "always" | "all") {
        if let Some(dict) = registry.and_then(|registry| registry.cast::<Dict>()) {
            dict.insert(vm, &key, Value::bool(true))?;
        }
        seen = match (&action_text[..], registry) {
            ("once", _) => {
                let registry = match registry {
                    Some(registry) => registry.clone(),
                    None => once_registry(vm)?,
                };
                let key = new_tuple([text.clone(), category.clone()]);
                already_warned(vm, &registry, &key, true)?
            }
            ("module", Some(registry)) => {
                let key = new_tuple([text.clone(), category.clone(), Value::from_i32(0)]);
                already_warned(vm, registry, &key, true)?
            }
            ("module", None) | ("default", _) => false,
            _ => {
                let (action, filter) = (vm.repr_string(&action)?, vm.repr_string(&filter)?);
                return Err(vm.runtime_error(format!(
                    "Unrecognized action ({action}) in warnings.filters:\n {filter}"
                )));
            }
        };
    }
    if seen {
        return Ok(());
    }
    show(vm, &category, &text, &message, place, &lineno, line, source)
}

/// Hands a warning to `warnings._showwarnmsg`, or prints it if that module is not there.
#[expect(
    clippy::too_many_arguments,
    reason = "all that is known about one warning"
)]
fn show(
    vm: &mut Vm,
    category: &Value,
    text: &Value,
    message: &Value,
    place: &Place,
    lineno: &Value,
    line: Option<&Value>,
    source: Option<&Value>,
) -> Py<()> {
    let source = source.filter(|source| !source.is_none());
    let Some(show) = warnings_attribute(vm, name!("_showwarnmsg"), source.is_some())? else {
        return print(vm, category, text, place, line);
    };
    if !vm.is_callable(&show) {
        return Err(vm.type_error("warnings._showwarnmsg() must be set to a callable"));
    }
    let Some(class) = warnings_attribute(vm, name!("WarningMessage"), false)? else {
        return Err(vm.runtime_error("unable to get warnings.WarningMessage"));
    };
    let record = vm.call(
        &class,
        &[
            message.clone(),
            category.clone(),
            place.filename.clone(),
            lineno.clone(),
            Value::none(),
            Value::none(),
            source.cloned().unwrap_or_else(Value::none),
        ],
    )?;
    vm.call(&show, &[record])?;
    Ok(())
}

/// A line of a source file, if it can be read.
fn line_of_file(filename: &str, lineno: i64) -> Option<String> {
    let bytes = std::fs::read(filename).ok()?;
    let index = usize::try_from(lineno - 1).ok()?;
    let line = bytes.split(|byte| *byte == b'\n').nth(index)?;
    Some(String::from_utf8_lossy(line).into_owned())
}

fn print(
    vm: &mut Vm,
    category: &Value,
    text: &Value,
    place: &Place,
    line: Option<&Value>,
) -> Py<()> {
    let Some(stderr) = sys_attribute(vm, name!("stderr")).filter(|file| !file.is_none()) else {
        return Ok(());
    };
    let filename = vm.str_string(&place.filename)?;
    let text = vm.str_string(text)?;
    let category = category.cast::<Type>().map_or("Warning", |ty| ty.name());
    let mut out = format!("{filename}:{}: {category}: {text}\n", place.lineno);
    let line = match line {
        Some(line) => Some(vm.str_string(line)?),
        None => line_of_file(&filename, place.lineno),
    };
    if let Some(line) = line
        .as_deref()
        .map(str::trim)
        .filter(|line| !line.is_empty())
    {
        out.push_str(&format!("  {line}\n"));
    }
    vm.call_method(&stderr, name!("write"), &[new_str(&out)])?;
    Ok(())
}

// ---- warn ----

fn code_file(frame: &Value) -> Value {
    frame
        .cast::<FrameObject>()
        .map_or_else(Value::none, |frame| frame.code().filename.clone())
}

/// Frames of the import system are passed over.
fn is_internal(frame: &Value) -> bool {
    str_of(&code_file(frame)).is_some_and(|name| {
        let name = name.to_lossy();
        name.contains("importlib") && name.contains("_bootstrap")
            || name.ends_with("/_taipan_importer.py")
    })
}

fn skipped(frame: &Value, prefixes: &[String]) -> bool {
    let name = code_file(frame);
    let name = str_of(&name)
        .map(|name| name.to_lossy())
        .unwrap_or_default();
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

fn back(vm: &mut Vm, frame: &Value, prefixes: &[String]) -> Option<Value> {
    let mut next = frame.cast::<FrameObject>()?.back(vm);
    while let Some(frame) = &next
        && (is_internal(frame) || skipped(frame, prefixes))
    {
        next = frame.cast::<FrameObject>()?.back(vm);
    }
    next
}

/// The place `level` frames up, of those that count.
fn place_at(vm: &mut Vm, level: i64, prefixes: &[String]) -> Py<Place> {
    let mut at = frame_object::nth(vm, 0);
    let mut left = level - 1;
    let plain = level <= 0 || at.as_ref().is_some_and(is_internal);
    while left > 0
        && let Some(frame) = at
    {
        at = if plain {
            frame.cast::<FrameObject>().and_then(|frame| frame.back(vm))
        } else {
            back(vm, &frame, prefixes)
        };
        left -= 1;
    }
    let (globals, filename, lineno) = match at.as_ref().and_then(|at| at.cast::<FrameObject>()) {
        Some(frame) => {
            let globals = frame.function.expect::<Function>().globals.clone();
            (
                Some(globals),
                frame.code().filename.clone(),
                frame.line().unwrap_or(0).into(),
            )
        }
        None => (vm.interpreter().sys_dict.get(), new_str("<sys>"), 0),
    };
    let mut place = Place {
        filename,
        lineno,
        module: Some(new_str("<string>")),
        registry: None,
    };
    if let Some(globals) = globals.as_ref().and_then(dict_of) {
        let registry = match globals.get_name(name!("__warningregistry__")) {
            Some(registry) => registry,
            None => {
                let registry = new_dict();
                drop(globals.set_name(name!("__warningregistry__"), registry.clone()));
                registry
            }
        };
        place.registry = Some(registry).filter(|registry| !registry.is_none());
        if let Some(module) = globals.get_name(name!("__name__"))
            && (module.is_none() || is_str(&module))
        {
            place.module = Some(module);
        }
    }
    Ok(place)
}

/// The hook behind [`Vm::warn`]: a warning about the running Python code.
pub fn warn(vm: &mut Vm, category: &TypeObject, message: &str, stack_level: usize) -> Py<()> {
    let place = place_at(vm, stack_level as i64, &[])?;
    issue(
        vm,
        &category.to_value(),
        &new_str(message),
        &place,
        None,
        None,
    )
}

/// A warning about a place in a file.
pub fn warn_explicit(
    vm: &mut Vm,
    category: &TypeObject,
    message: &Value,
    filename: &Value,
    lineno: u32,
) -> Py<()> {
    let place = Place {
        filename: filename.clone(),
        lineno: lineno.into(),
        module: None,
        registry: None,
    };
    issue(vm, &category.to_value(), message, &place, None, None)
}

/// A `ResourceWarning` about an object that was not closed.
pub fn warn_resource(vm: &mut Vm, source: &Value, message: &str, stack_level: usize) -> Py<()> {
    let place = place_at(vm, stack_level as i64, &[])?;
    let category = types::RESOURCE_WARNING.to_value();
    issue(vm, &category, &new_str(message), &place, None, Some(source))
}

fn bad_category(vm: &mut Vm, category: &Value) -> Raised {
    let given = category.type_of().name();
    vm.type_error(format!(
        "category must be a Warning subclass, not '{given}'"
    ))
}

fn category_of(vm: &mut Vm, message: &Value, category: Option<&Value>) -> Py {
    if message.is_instance(&types::WARNING) {
        return Ok(message.type_of().to_value());
    }
    match category {
        None => Ok(types::USER_WARNING.to_value()),
        Some(category) => {
            let fits = category
                .cast::<Type>()
                .is_some_and(|ty| ty.is_subtype(&types::WARNING));
            if fits {
                Ok(category.clone())
            } else {
                Err(bad_category(vm, category))
            }
        }
    }
}

fn warn_function(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let message = args.req(0);
    let mut level = match args.get(2) {
        Some(level) => vm.index_i64(level)?,
        None => 1,
    };
    let mut prefixes = Vec::new();
    if let Some(given) = args.get(4) {
        let Some(given) = items(given) else {
            let message = format!(
                "warn() argument 'skip_file_prefixes' must be tuple, not {}",
                given.type_of().name()
            );
            return Err(vm.type_error(message));
        };
        for prefix in given {
            let Some(text) = str_of(prefix) else {
                let message = format!(
                    "Found non-str '{}' in skip_file_prefixes.",
                    prefix.type_of().name()
                );
                return Err(vm.type_error(message));
            };
            prefixes.push(text.to_lossy());
        }
        if !given.is_empty() && level < 2 {
            level = 2;
        }
    }
    let category = category_of(vm, message, args.get_not_none(1))?;
    let place = place_at(vm, level, &prefixes)?;
    issue(vm, &category, message, &place, None, args.get(3))?;
    Ok(Value::none())
}

/// Checks the loader in a module's globals, and lets `linecache` know where the source is: the loader may have what no file has.
fn prime_lines(vm: &mut Vm, globals: &Value, filename: &Value) -> Py<()> {
    if dict_of(globals).is_none() {
        let given = globals.type_of().name();
        return Err(vm.type_error(format!("module_globals must be a dict, not '{given}'")));
    }
    let external = crate::builtins::import::import_module(vm, "importlib._bootstrap_external")?;
    let bless = vm.get_attr_str(&external, "_bless_my_loader")?;
    vm.call(&bless, std::slice::from_ref(globals))?;
    let primed = crate::builtins::import::import_module(vm, "linecache").and_then(|linecache| {
        let lines = vm.get_attr_str(&linecache, "getlines")?;
        vm.call(&lines, &[filename.clone(), globals.clone()])
    });
    if let Err(raised) = primed {
        // A warning without its line is better than none.
        drop(vm.catch(raised, &types::EXCEPTION)?);
    }
    Ok(())
}

fn warn_explicit_function(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let filename = args.req(2);
    if !is_str(filename) {
        let message = format!(
            "warn_explicit() argument 'filename' must be str, not {}",
            filename.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let lineno = vm.index_i64(args.req(3))?;
    if let Some(globals) = args.get_not_none(6) {
        prime_lines(vm, globals, filename)?;
    }
    let place = Place {
        filename: filename.clone(),
        lineno,
        module: args.get(4).cloned(),
        registry: args.get_not_none(5).cloned(),
    };
    issue(vm, args.req(1), args.req(0), &place, None, args.get(7))?;
    Ok(Value::none())
}
