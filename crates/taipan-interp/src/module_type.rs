//! `types.ModuleType`: what Python sees of modules.

use crate::module::Module;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::protocol::attribute::generic_lookup;
use taipan_core::str_object::{is_str, new_str, str_of};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Py, Raised, Slots, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, bind, builtin_types, f0, getset, getter, name, raw,
};

fn dict_of(value: &Value) -> &Obj<Dict> {
    value.expect::<Module>().dict()
}

fn lossy(value: &Value) -> String {
    str_of(value)
        .map(|text| text.to_lossy())
        .unwrap_or_default()
}

// ---- making ----

fn module_new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(Module::create_of(cls))
}

static INIT: MethodDef = raw(
    "module(name, doc=None)",
    |vm, _, _| Err(vm.system_error("not a function to call")),
    "",
);

fn module_init(vm: &mut Vm, object: &Value, args: Args<'_>) -> Py<()> {
    let bound = bind::bind(vm, &INIT, args)?;
    let module_name = bound.req(0);
    if !is_str(module_name) {
        let message = format!(
            "module() argument 'name' must be str, not {}",
            module_name.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let doc = bound.get(1).cloned().unwrap_or_else(Value::none);
    let dict = dict_of(object);
    let old = [
        dict.set_name(name!("__name__"), module_name.clone()),
        dict.set_name(name!("__doc__"), doc),
        dict.set_name(name!("__package__"), Value::none()),
        dict.set_name(name!("__loader__"), Value::none()),
        dict.set_name(name!("__spec__"), Value::none()),
    ];
    drop(old);
    Ok(())
}

// ---- attributes ----

/// As for any object; then the module's own `__getattr__`; then an error that says what may be wrong.
fn module_get_attr(vm: &mut Vm, object: &Value, attribute: &Value) -> Py {
    if let Some(value) = generic_lookup(vm, object, attribute)? {
        return Ok(value);
    }
    if let Some(hook) = dict_of(object).get_name(name!("__getattr__")) {
        return vm.call(&hook, std::slice::from_ref(attribute));
    }
    let message = missing_message(vm, object, attribute)?;
    Err(missing(vm, object, attribute, &message))
}

#[cold]
fn missing(vm: &mut Vm, object: &Value, attribute: &Value, message: &str) -> Raised {
    vm.attribute_error_for(object, attribute, message)
}

#[cold]
fn missing_message(vm: &mut Vm, object: &Value, attribute: &Value) -> Py<String> {
    let wanted = lossy(attribute);
    let dict = dict_of(object);
    let Some(module_name) = dict.get_name(name!("__name__")).filter(is_str) else {
        return Ok(format!("module has no attribute '{wanted}'"));
    };
    let module = lossy(&module_name);
    let plain = format!("module '{module}' has no attribute '{wanted}'");
    let Some(spec) = dict
        .get_name(name!("__spec__"))
        .filter(|spec| !spec.is_none())
    else {
        return Ok(plain);
    };
    let origin = spec_origin(vm, &spec)?;
    let shadowing = match &origin {
        Some(origin) => shadows(vm, origin)?,
        None => false,
    };
    if shadowing
        && let Some(origin) = &origin
        && is_stdlib_name(vm, &module_name)?
    {
        return Ok(format!(
            "{plain} (consider renaming '{origin}' since it has the same name as the standard library module named \
             '{module}' and prevents importing that standard library module)"
        ));
    }
    if is_initializing(vm, &spec)? {
        return Ok(match origin {
            Some(origin) if shadowing => format!(
                "{plain} (consider renaming '{origin}' if it has the same name as a library you intended to import)"
            ),
            Some(origin) => format!(
                "partially initialized module '{module}' from '{origin}' has no attribute '{wanted}' (most likely due \
                 to a circular import)"
            ),
            None => format!(
                "partially initialized module '{module}' has no attribute '{wanted}' (most likely due to a circular \
                 import)"
            ),
        });
    }
    if let Some(pending) = vm.get_attr_opt(&spec, name!("_uninitialized_submodules"))?
        && vm.contains(&pending, attribute)?
    {
        return Ok(format!(
            "cannot access submodule '{wanted}' of module '{module}' (most likely due to a circular import)"
        ));
    }
    Ok(plain)
}

/// `spec._initializing`
pub fn is_initializing(vm: &mut Vm, spec: &Value) -> Py<bool> {
    match vm.get_attr_opt(spec, name!("_initializing"))? {
        Some(flag) => vm.truth(&flag),
        None => Ok(false),
    }
}

/// `spec.origin`, if it is a place.
pub fn spec_origin(vm: &mut Vm, spec: &Value) -> Py<Option<String>> {
    let has_location = match vm.get_attr_opt(spec, name!("has_location"))? {
        Some(flag) => vm.truth(&flag)?,
        None => false,
    };
    if !has_location {
        return Ok(None);
    }
    let origin = vm.get_attr_opt(spec, name!("origin"))?;
    Ok(origin.filter(is_str).map(|origin| lossy(&origin)))
}

fn sys_item(vm: &mut Vm, item: &Value) -> Option<Value> {
    let sys = vm.interpreter().sys_dict.get();
    sys.and_then(|sys| sys.cast::<Dict>()?.get_name(item))
}

/// The program's own folder: what was put in front of `sys.path` when the program was started.
#[derive(Default)]
struct ProgramFolder(taipan_core::latch::Latch<Option<String>>);

/// Notes the program's own folder.
pub fn set_program_folder(vm: &Vm, folder: &str) {
    let state = &vm.interpreter_state::<ProgramFolder>().0;
    *state.borrow_mut() = Some(folder.to_owned());
}

/// Was a module found in the program's own folder, so that it may hide another of the same name?
pub fn shadows(vm: &mut Vm, origin: &str) -> Py<bool> {
    let Some(mut first) = vm.interpreter_state::<ProgramFolder>().0.borrow().clone() else {
        return Ok(false);
    };
    if first.is_empty() {
        match std::env::current_dir() {
            Ok(here) => first = here.to_string_lossy().into_owned(),
            Err(_) => return Ok(false),
        }
    }
    let place = std::path::Path::new(origin);
    let mut folder = place.parent();
    if place.file_name().is_some_and(|file| file == "__init__.py") {
        folder = folder.and_then(std::path::Path::parent);
    }
    Ok(folder.is_some_and(|folder| folder == std::path::Path::new(&first)))
}

/// Is it in `sys.stdlib_module_names`?
pub fn is_stdlib_name(vm: &mut Vm, module: &Value) -> Py<bool> {
    match sys_item(vm, name!("stdlib_module_names")) {
        Some(names) => vm.contains(&names, module),
        None => Ok(false),
    }
}

/// `vars(module)`
fn get_dict(_vm: &mut Vm, object: &Value) -> Py {
    Ok(dict_of(object).to_value())
}

fn module_dir(vm: &mut Vm, object: &Value) -> Py {
    let namespace = vm.get_attr(object, name!("__dict__"))?;
    let Some(dict) = namespace.cast::<Dict>() else {
        let module = vm.get_attr(object, name!("__name__"))?;
        return Err(vm.type_error(format!("{}.__dict__ is not a dictionary", lossy(&module))));
    };
    match dict.get_name(name!("__dir__")) {
        Some(hook) => vm.call(&hook, &[]),
        None => Ok(taipan_types::list::new_list(dict.keys())),
    }
}

fn get_annotations(vm: &mut Vm, object: &Value) -> Py {
    let dict = dict_of(object);
    if let Some(known) = dict.get_name(name!("__annotations__")) {
        return Ok(known);
    }
    let spec = dict
        .get_name(name!("__spec__"))
        .filter(|spec| !spec.is_none());
    let initializing = match &spec {
        Some(spec) => is_initializing(vm, spec)?,
        None => false,
    };
    let annotate = dict
        .get_name(name!("__annotate__"))
        .filter(|annotate| vm.is_callable(annotate));
    let made = match annotate {
        None => new_dict(),
        Some(annotate) => {
            let made = vm.call(&annotate, &[Value::int(1)])?;
            if !made.is_instance(&builtin_types::DICT) {
                let message = format!(
                    "__annotate__ returned non-dict of type '{}'",
                    made.type_of().name()
                );
                return Err(vm.type_error(message));
            }
            made
        }
    };
    if !initializing {
        drop(dict.set_name(name!("__annotations__"), made.clone()));
    }
    Ok(made)
}

fn set_annotations(vm: &mut Vm, object: &Value, new: Option<&Value>) -> Py<()> {
    let dict = dict_of(object);
    match new {
        Some(new) => drop(dict.set_name(name!("__annotations__"), new.clone())),
        None => {
            if dict.remove_name(name!("__annotations__")).is_none() {
                return Err(vm.attribute_error("__annotations__"));
            }
        }
    }
    drop(dict.remove_name(name!("__annotate__")));
    Ok(())
}

fn get_annotate(_vm: &mut Vm, object: &Value) -> Py {
    let dict = dict_of(object);
    if let Some(known) = dict.get_name(name!("__annotate__")) {
        return Ok(known);
    }
    drop(dict.set_name(name!("__annotate__"), Value::none()));
    Ok(Value::none())
}

fn set_annotate(vm: &mut Vm, object: &Value, new: Option<&Value>) -> Py<()> {
    let Some(new) = new else {
        return Err(vm.type_error("cannot delete __annotate__ attribute"));
    };
    if !new.is_none() && !vm.is_callable(new) {
        return Err(vm.type_error("__annotate__ must be callable or None"));
    }
    let dict = dict_of(object);
    drop(dict.set_name(name!("__annotate__"), new.clone()));
    if !new.is_none() {
        drop(dict.remove_name(name!("__annotations__")));
    }
    Ok(())
}

/// What `importlib` makes of it; before there is an `importlib`, the bare name.
fn module_repr(vm: &mut Vm, object: &Value) -> Py {
    let modules = vm.interpreter().modules.get();
    let importlib = modules
        .as_ref()
        .and_then(|modules| modules.cast::<Dict>())
        .and_then(|modules| {
            modules
                .get_name(name!("_frozen_importlib"))
                .or_else(|| modules.get_name(name!("importlib._bootstrap")))
        });
    if let Some(importlib) = importlib.filter(|importlib| !importlib.is_none())
        && let Some(show) = vm.get_attr_opt(&importlib, name!("_module_repr"))?
    {
        return vm.call(&show, std::slice::from_ref(object));
    }
    let shown = match dict_of(object).get_name(name!("__name__")) {
        Some(module_name) => vm.repr_string(&module_name)?,
        None => "'?'".to_owned(),
    };
    Ok(new_str(&format!("<module {shown}>")))
}

static MODULE_METHODS: [MethodDef; 1] = [f0(
    "__dir__(self, /)",
    module_dir,
    "__dir__() -> list\nspecialized dir() implementation",
)];

static MODULE_GETSET: [GetSetDef; 3] = [
    getter("__dict__", get_dict, ""),
    getset("__annotations__", get_annotations, set_annotations, ""),
    getset("__annotate__", get_annotate, set_annotate, ""),
];

static MODULE_SPEC: TypeSpec = TypeSpec {
    name: "module",
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    layout: Some(const { &Layout::of::<Module>() }),
    slots: Slots {
        new: Some(module_new),
        init: Some(module_init),
        get_attr: Some(module_get_attr),
        repr: Some(module_repr),
        ..Slots::NONE
    },
    methods: &MODULE_METHODS,
    getset: &MODULE_GETSET,
    doc: "module(name, doc=None)\n--\n\nCreate a module object.\n\nThe name must be a string; the optional docstring \
          can have any type.",
    ..TypeSpec::DEFAULT
};

/// Defines `module`.
pub fn define() {
    builtin_types::MODULE.define(&MODULE_SPEC);
}
