//! `_imp`: what `importlib` needs from the interpreter: native modules, frozen modules, the import lock.

use crate::{MODULES, ModuleDef, library};
use std::cell::{Cell, RefCell};
use taipan_core::dict_object::Dict;
use taipan_core::{
    Bound, MethodDef, Py, Value, Vm, bound, builtin_types, descriptor, f0, f1, f2, name,
    str_object, tuple_object,
};
use taipan_interp::module::Module;

/// Native modules that the embedder adds, and the depth of the import lock.
#[derive(Default)]
struct State {
    more: RefCell<Vec<&'static ModuleDef>>,
    lock_depth: Cell<usize>,
    /// The native module whose `init` runs.
    making: RefCell<Option<Value>>,
}

/// The native module whose `init` runs now.
pub(crate) fn module_in_making(vm: &Vm) -> Option<Value> {
    vm.interpreter_state::<State>().making.borrow().clone()
}

/// Adds a native module.
pub fn add_module(vm: &mut Vm, module: &'static ModuleDef) {
    vm.interpreter_state::<State>()
        .more
        .borrow_mut()
        .push(module);
}

/// The native module with this name.
pub fn find_native(vm: &Vm, module: &str) -> Option<&'static ModuleDef> {
    MODULES
        .iter()
        .copied()
        .chain(
            vm.interpreter_state::<State>()
                .more
                .borrow()
                .iter()
                .copied(),
        )
        .find(|own| own.name == module)
}

/// The names of all native modules.
pub fn native_names(vm: &Vm) -> Vec<&'static str> {
    let more = vm.interpreter_state::<State>().more.borrow();
    MODULES
        .iter()
        .copied()
        .chain(more.iter().copied())
        .map(|own| own.name)
        .collect()
}

/// Makes a native module and fills it. It is not put into `sys.modules`.
pub fn make_native(vm: &mut Vm, def: &'static ModuleDef) -> Py {
    let doc = if def.doc.is_empty() {
        None
    } else {
        Some(def.doc)
    };
    let module = Module::create(def.name, doc);
    let dict = module.expect::<Module>().dict().to_value();
    let own_name = str_object::name(def.name);
    for function in def.functions {
        let value =
            descriptor::new_native_function(function, Some(module.clone()), Some(own_name.clone()));
        let old = dict
            .expect::<Dict>()
            .set_name(&str_object::name(function.name()), value);
        drop(old);
    }
    let state = vm.interpreter_state::<State>();
    let outer = state.making.borrow_mut().replace(module.clone());
    let made = (def.init)(vm, &dict);
    *vm.interpreter_state::<State>().making.borrow_mut() = outer;
    made.map(|()| module)
}

/// Modules that are loaded before the path importer works: their names for `import`, and those in the embedded library.
const FROZEN: &[(&str, &str)] = &[
    ("_frozen_importlib", "importlib._bootstrap"),
    (
        "_frozen_importlib_external",
        "importlib._bootstrap_external",
    ),
    ("zipimport", "zipimport"),
    ("_taipan_importer", "_taipan_importer"),
];

fn frozen(module: &str) -> Option<&'static str> {
    FROZEN
        .iter()
        .find(|(own, _)| *own == module)
        .map(|(_, library)| *library)
}

fn text(vm: &mut Vm, value: &Value) -> Py<String> {
    match str_object::str_of(value) {
        Some(text) => Ok(text.to_lossy()),
        None => {
            let message = format!("expected str, got {}", value.type_of().name());
            Err(vm.type_error(message))
        }
    }
}

fn is_builtin(vm: &mut Vm, _module: &Value, module: &Value) -> Py {
    let module = text(vm, module)?;
    // -1: built in, but it cannot be made a second time.
    Ok(Value::from_i32(match find_native(vm, &module) {
        Some(_) if module == "sys" || module == "builtins" => -1,
        Some(_) => 1,
        None => 0,
    }))
}

fn create_builtin(vm: &mut Vm, _module: &Value, spec: &Value) -> Py {
    let wanted = vm.get_attr(spec, name!("name"))?;
    let wanted = text(vm, &wanted)?;
    let loaded = vm.interpreter().modules.borrow().clone();
    if matches!(&*wanted, "sys" | "builtins")
        && let Some(own) =
            loaded.and_then(|modules| modules.cast::<Dict>()?.get_name(&str_object::name(&wanted)))
    {
        return Ok(own);
    }
    match find_native(vm, &wanted) {
        Some(def) => make_native(vm, def),
        None => Ok(Value::none()),
    }
}

fn exec_builtin(_vm: &mut Vm, _module: &Value, _target: &Value) -> Py {
    Ok(Value::from_i32(0))
}

fn is_frozen(vm: &mut Vm, _module: &Value, module: &Value) -> Py {
    let module = text(vm, module)?;
    Ok(Value::bool(frozen(&module).is_some()))
}

fn is_frozen_package(vm: &mut Vm, _module: &Value, module: &Value) -> Py {
    let wanted = text(vm, module)?;
    match frozen(&wanted) {
        Some(_) => Ok(Value::bool(false)),
        None => Err(not_frozen(vm, &wanted)),
    }
}

fn not_frozen(vm: &mut Vm, module: &str) -> taipan_core::Raised {
    let message = format!("No such frozen object named {module}");
    vm.raise(&builtin_types::IMPORT_ERROR, message)
}

fn find_frozen(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let wanted = text(vm, args.req(0))?;
    let Some(original) = frozen(&wanted) else {
        return Ok(Value::none());
    };
    let origin = str_object::new_str(original);
    Ok(tuple_object::new_tuple([
        Value::none(),
        Value::bool(false),
        origin,
    ]))
}

fn get_frozen_object(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let wanted = text(vm, &args[0])?;
    match frozen(&wanted) {
        Some(original) => library::load(vm, original),
        None => Err(not_frozen(vm, &wanted)),
    }
}

fn frozen_names(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(taipan_types::list::new_list(
        FROZEN
            .iter()
            .map(|(own, _)| str_object::new_str(own))
            .collect(),
    ))
}

fn extension_suffixes(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(taipan_types::list::new_list(Vec::new()))
}

fn acquire_lock(vm: &mut Vm, _module: &Value) -> Py {
    let depth = &vm.interpreter_state::<State>().lock_depth;
    depth.set(depth.get() + 1);
    Ok(Value::none())
}

fn release_lock(vm: &mut Vm, _module: &Value) -> Py {
    let depth = &vm.interpreter_state::<State>().lock_depth;
    if depth.get() == 0 {
        return Err(vm.runtime_error("not holding the import lock"));
    }
    depth.set(depth.get() - 1);
    Ok(Value::none())
}

fn lock_held(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::bool(
        vm.interpreter_state::<State>().lock_depth.get() > 0,
    ))
}

fn fix_co_filename(_vm: &mut Vm, _module: &Value, _code: &Value, _path: &Value) -> Py {
    // Code objects cannot change; files are compiled with the path they are loaded from.
    Ok(Value::none())
}

/// SipHash-1-3 of a source file under the import system's key (PEP 552).
fn source_hash(vm: &mut Vm, _module: &Value, key: &Value, source: &Value) -> Py {
    let key = vm.index_i64(key)? as u64;
    let Some(bytes) = taipan_types::bytes::bytes_of(source) else {
        let message = format!(
            "a bytes-like object is required, not '{}'",
            source.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let mut seed = [0u8; 16];
    seed[..8].copy_from_slice(&key.to_le_bytes());
    let hash = taipan_base::hash::HashKey::from_random(seed).hash_bytes(bytes);
    taipan_types::bytes::new_bytes(vm, &hash.to_le_bytes())
}

fn override_frozen(_vm: &mut Vm, _module: &Value, _value: &Value) -> Py {
    Ok(Value::none())
}

static FUNCTIONS: [MethodDef; 15] = [
    f1(
        "is_builtin($module, name, /)",
        is_builtin,
        "Returns True if the module name corresponds to a built-in module.",
    ),
    f1(
        "create_builtin($module, spec, /)",
        create_builtin,
        "Create an extension module.",
    ),
    f1(
        "exec_builtin($module, mod, /)",
        exec_builtin,
        "Initialize a built-in module.",
    ),
    f1(
        "is_frozen($module, name, /)",
        is_frozen,
        "Returns True if the module name corresponds to a frozen module.",
    ),
    f1(
        "is_frozen_package($module, name, /)",
        is_frozen_package,
        "Returns True if the module name is of a frozen package.",
    ),
    bound(
        "find_frozen($module, name, /, *, withdata=False)",
        find_frozen,
        "Return info about the corresponding frozen module.",
    ),
    taipan_core::slice(
        "get_frozen_object($module, name, data=None, /)",
        get_frozen_object,
        "Create a code object for a frozen module.",
    ),
    f0(
        "_get_frozen_module_names($module, /)",
        frozen_names,
        "Returns the list of available frozen modules.",
    ),
    f0(
        "extension_suffixes($module, /)",
        extension_suffixes,
        "Returns the list of file suffixes used to identify extension modules.",
    ),
    f0(
        "acquire_lock($module, /)",
        acquire_lock,
        "Acquires the interpreter's import lock for the current thread.",
    ),
    f0(
        "release_lock($module, /)",
        release_lock,
        "Release the interpreter's import lock.",
    ),
    f0(
        "lock_held($module, /)",
        lock_held,
        "Return True if the import lock is currently held, else False.",
    ),
    f2(
        "_fix_co_filename($module, code, path, /)",
        fix_co_filename,
        "Changes code.co_filename to specify the passed-in file path.",
    ),
    f2(
        "source_hash($module, key, source, /)",
        source_hash,
        "The hash of a source file.",
    ),
    f1(
        "_override_frozen_modules_for_tests($module, override, /)",
        override_frozen,
        "(internal-only) Override frozen modules.",
    ),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    let dict = dict.expect::<Dict>();
    dict.set_name(name!("check_hash_based_pycs"), str_object::name("default"));
    let magic = u32::from_le_bytes(taipan_bytecode::marshal::MAGIC);
    dict.set_name(
        name!("pyc_magic_number_token"),
        Value::int(i64::from(magic)),
    );
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_imp",
    doc: "(Extremely) low-level import machinery bits as used by importlib.",
    functions: &FUNCTIONS,
    init,
};
