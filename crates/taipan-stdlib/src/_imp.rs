//! `_imp`: what `importlib` needs from the interpreter: native modules, frozen modules, the import lock.

use crate::locks::Reentrant;
use crate::{MODULES, ModuleDef, library};
use std::sync::Arc;
use taipan_core::dict_object::Dict;
use taipan_core::latch::{Latch, LatchCell};
use taipan_core::{
    Bound, MethodDef, Py, Value, Vm, bound, builtin_types, descriptor, f0, f1, f2, name,
    str_object, tuple_object,
};
use taipan_interp::code_object::CodeObject;
use taipan_interp::module::Module;

/// Native modules that the embedder adds, and the import lock.
#[derive(Default)]
struct State {
    more: Latch<Vec<&'static ModuleDef>>,
    lock: Reentrant,
    /// The native module whose `init` runs.
    making: Latch<Option<Value>>,
    /// 1: frozen modules are found, -1: they are not, 0: as the command line says.
    frozen_override: LatchCell<i64>,
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

/// A frozen module: one of the embedded library that is found without `sys.path`.
struct Frozen {
    name: &'static str,
    /// The module of the embedded library that it is made of.
    library: &'static str,
    /// The name that it says it has: that of the library's module, unless it is an alias that hides it.
    original: Option<&'static str>,
    is_package: bool,
    /// Without these there is no import system.
    essential: bool,
}

const fn frozen_module(
    name: &'static str,
    library: &'static str,
    original: Option<&'static str>,
    is_package: bool,
    essential: bool,
) -> Frozen {
    Frozen {
        name,
        library,
        original,
        is_package,
        essential,
    }
}

/// The import system, which is loaded before the path importer works; and modules to try frozen modules with.
#[rustfmt::skip]
static FROZEN: &[Frozen] = &[
    frozen_module("_frozen_importlib", "importlib._bootstrap", Some("importlib._bootstrap"), false, true),
    frozen_module(
        "_frozen_importlib_external", "importlib._bootstrap_external", Some("importlib._bootstrap_external"), false, true,
    ),
    frozen_module("zipimport", "zipimport", Some("zipimport"), false, true),
    frozen_module("_taipan_importer", "_taipan_importer", Some("_taipan_importer"), false, true),
    frozen_module("__hello__", "__hello__", Some("__hello__"), false, false),
    frozen_module("__hello_alias__", "__hello__", Some("__hello__"), false, false),
    frozen_module("__phello_alias__", "__hello__", Some("__hello__"), true, false),
    frozen_module("__phello_alias__.spam", "__hello__", Some("__hello__"), false, false),
    frozen_module("__phello__", "__phello__", Some("__phello__"), true, false),
    frozen_module("__phello__.__init__", "__phello__", Some("<__phello__"), false, false),
    frozen_module("__phello__.spam", "__phello__.spam", Some("__phello__.spam"), false, false),
    frozen_module("__phello__.ham", "__phello__.ham", Some("__phello__.ham"), true, false),
    frozen_module("__phello__.ham.__init__", "__phello__.ham", Some("<__phello__.ham"), false, false),
    frozen_module("__phello__.ham.eggs", "__phello__.ham.eggs", Some("__phello__.ham.eggs"), false, false),
    frozen_module("__hello_only__", "__hello__", None, false, false),
];

/// The frozen module of this name, if frozen modules are to be found.
fn frozen(vm: &Vm, module: &str) -> Option<&'static Frozen> {
    let found = FROZEN.iter().find(|own| own.name == module)?;
    let wanted = match vm.interpreter_state::<State>().frozen_override.get() {
        0 => !crate::config::read(vm, |config| config.imports.without_frozen),
        way => way > 0,
    };
    (found.essential || wanted).then_some(found)
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
    let loaded = vm.interpreter().modules.get();
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
    Ok(Value::bool(frozen(vm, &module).is_some()))
}

fn is_frozen_package(vm: &mut Vm, _module: &Value, module: &Value) -> Py {
    let wanted = text(vm, module)?;
    match frozen(vm, &wanted) {
        Some(found) => Ok(Value::bool(found.is_package)),
        None => Err(not_frozen(vm, module, "No such frozen object named ", "")),
    }
}

fn not_frozen(vm: &mut Vm, module: &Value, before: &str, behind: &str) -> taipan_core::Raised {
    let shown = match vm.str_string(module) {
        Ok(shown) => shown,
        Err(raised) => return raised,
    };
    let message = str_object::new_str(&format!("{before}{shown}{behind}"));
    let names = [name!("name").clone()];
    let values = [message, module.clone()];
    let class = builtin_types::IMPORT_ERROR.to_value();
    match vm.call_args(&class, taipan_core::Args::new(&values, &names)) {
        Ok(error) => vm.raise_value(error),
        Err(raised) => raised,
    }
}

fn find_frozen(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let wanted = text(vm, args.req(0))?;
    let with_data = match args.get(1) {
        Some(flag) => vm.truth(flag)?,
        None => false,
    };
    let Some(found) = frozen(vm, &wanted) else {
        return Ok(Value::none());
    };
    let data = match library::find(vm, found.library).filter(|_| with_data) {
        Some(embedded) => {
            let bytes = taipan_types::bytes::new_bytes(vm, embedded.code)?;
            vm.call(&builtin_types::MEMORYVIEW.to_value(), &[bytes])?
        }
        None => Value::none(),
    };
    let original = found.original.map_or_else(Value::none, str_object::new_str);
    Ok(tuple_object::new_tuple([
        data,
        Value::bool(found.is_package),
        original,
    ]))
}

fn get_frozen_object(vm: &mut Vm, _module: &Value, args: &[Value]) -> Py {
    let wanted = text(vm, &args[0])?;
    if let Some(data) = args.get(1).filter(|data| !data.is_none()) {
        let bytes = vm.call(&builtin_types::BYTES.to_value(), std::slice::from_ref(data))?;
        let bytes = taipan_types::bytes::bytes_of(&bytes)
            .unwrap_or(&[])
            .to_vec();
        return match taipan_bytecode::marshal::read_code(&bytes) {
            Ok(code) if taipan_bytecode::verify::verify(&code).is_ok() => {
                Ok(CodeObject::create(&Arc::new(code)))
            }
            _ => {
                let shown = vm.repr(&args[0])?;
                Err(not_frozen(
                    vm,
                    &shown,
                    "Frozen object named ",
                    " is invalid",
                ))
            }
        };
    }
    match frozen(vm, &wanted) {
        Some(found) => library::load(vm, found.library),
        None => Err(not_frozen(vm, &args[0], "No such frozen object named ", "")),
    }
}

fn frozen_names(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(taipan_types::list::new_list(
        FROZEN
            .iter()
            .map(|own| str_object::new_str(own.name))
            .collect(),
    ))
}

fn extension_suffixes(_vm: &mut Vm, _module: &Value) -> Py {
    Ok(taipan_types::list::new_list(Vec::new()))
}

fn import_lock(vm: &Vm) -> &'static Reentrant {
    &vm.interpreter_state::<State>().lock
}

fn acquire_lock(vm: &mut Vm, _module: &Value) -> Py {
    import_lock(vm).acquire_detached(vm);
    Ok(Value::none())
}

fn release_lock(vm: &mut Vm, _module: &Value) -> Py {
    if import_lock(vm).release() {
        return Ok(Value::none());
    }
    Err(vm.runtime_error("not holding the import lock"))
}

fn lock_held(vm: &mut Vm, _module: &Value) -> Py {
    Ok(Value::bool(import_lock(vm).holder().1 > 0))
}

/// Before a fork: no other thread is in the middle of what the import lock guards.
pub(crate) fn before_fork(vm: &mut Vm) {
    import_lock(vm).acquire_detached(vm);
}

/// After a fork, in parent and child.
pub(crate) fn after_fork(vm: &Vm) {
    import_lock(vm).release();
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

fn override_frozen(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    let way = vm.index_i64(value)?.signum();
    vm.interpreter_state::<State>().frozen_override.set(way);
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

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    let dict = dict.expect::<Dict>();
    let checks = crate::config::read(vm, |config| config.imports.check_hash_based_pycs.clone());
    let checks = str_object::name(checks.as_deref().unwrap_or("default"));
    dict.set_name(name!("check_hash_based_pycs"), checks);
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
