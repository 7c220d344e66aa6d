//! `_taipan_library`: the modules embedded in the executable, for the importer in `lib/_taipan_importer.py` and for `_imp`.

use crate::ModuleDef;
use std::sync::Arc;
use taipan_core::dict_object::Dict;
use taipan_core::latch::LatchCell;
use taipan_core::{
    MethodDef, Py, Value, Vm, builtin_types, f0, f1, name, str_object, tuple_object,
};
use taipan_interp::code_object::CodeObject;

/// One embedded module, as the embedder gives it.
#[derive(Clone, Copy)]
pub struct Embedded {
    pub is_package: bool,
    /// A code file's body.
    pub code: &'static [u8],
    pub source: &'static [u8],
}

/// Where embedded modules come from.
#[derive(Clone, Copy)]
pub struct Source {
    /// The entry on `sys.path` that stands for them.
    pub root: &'static str,
    pub find: fn(&str) -> Option<Embedded>,
    pub names: fn() -> Vec<&'static str>,
    /// The content of a package's data file.
    pub file: fn(&str) -> Option<&'static [u8]>,
    /// The paths of all data files.
    pub files: fn() -> Vec<&'static str>,
}

impl Source {
    const EMPTY: Source = Source {
        root: "/<taipan>",
        find: |_| None,
        names: Vec::new,
        file: |_| None,
        files: Vec::new,
    };
}

struct State {
    source: LatchCell<Source>,
}

impl Default for State {
    fn default() -> State {
        State {
            source: LatchCell::new(Source::EMPTY),
        }
    }
}

/// Sets where embedded modules come from.
pub fn set_source(vm: &mut Vm, source: Source) {
    vm.interpreter_state::<State>().source.set(source);
}

/// The embedded module with this dotted name.
pub fn find(vm: &Vm, module: &str) -> Option<Embedded> {
    (vm.interpreter_state::<State>().source.get().find)(module)
}

/// The `sys.path` entry of the embedded library.
pub fn root(vm: &Vm) -> &'static str {
    vm.interpreter_state::<State>().source.get().root
}

/// The code object of an embedded module.
pub fn load(vm: &mut Vm, module: &str) -> Py {
    let Some(embedded) = find(vm, module) else {
        let message = format!("No embedded module named '{module}'");
        return Err(vm.raise(&builtin_types::IMPORT_ERROR, message));
    };
    match taipan_bytecode::marshal::read_embedded(embedded.code) {
        Ok(code) if crate::config::read(vm, |config| config.imports.no_debug_ranges) => {
            Ok(CodeObject::create(&Arc::new(code.without_columns())))
        }
        Ok(code) => Ok(CodeObject::create(&Arc::new(code))),
        Err(_) => {
            let message = format!("embedded module '{module}' is damaged");
            Err(vm.raise(&builtin_types::IMPORT_ERROR, message))
        }
    }
}

fn text(vm: &mut Vm, value: &Value) -> Py<String> {
    match str_object::str_of(value) {
        Some(text) => Ok(text.to_lossy()),
        None => {
            let message = format!("module name must be str, not {}", value.type_of().name());
            Err(vm.type_error(message))
        }
    }
}

fn library_find(vm: &mut Vm, _module: &Value, module_name: &Value) -> Py {
    let module_name = text(vm, module_name)?;
    Ok(
        find(vm, &module_name)
            .map_or_else(Value::none, |embedded| Value::bool(embedded.is_package)),
    )
}

fn library_code(vm: &mut Vm, _module: &Value, module_name: &Value) -> Py {
    let module_name = text(vm, module_name)?;
    load(vm, &module_name)
}

fn library_source(vm: &mut Vm, _module: &Value, module_name: &Value) -> Py {
    let module_name = text(vm, module_name)?;
    match find(vm, &module_name) {
        Some(embedded) => taipan_types::bytes::new_bytes(vm, embedded.source),
        None => Ok(Value::none()),
    }
}

fn library_file(vm: &mut Vm, _module: &Value, path: &Value) -> Py {
    let path = text(vm, path)?;
    match (vm.interpreter_state::<State>().source.get().file)(&path) {
        Some(data) => taipan_types::bytes::new_bytes(vm, data),
        None => Ok(Value::none()),
    }
}

fn library_files(vm: &mut Vm, _module: &Value) -> Py {
    let paths = (vm.interpreter_state::<State>().source.get().files)();
    Ok(tuple_object::new_tuple(
        paths
            .into_iter()
            .map(str_object::new_str)
            .collect::<Vec<_>>(),
    ))
}

fn library_names(vm: &mut Vm, _module: &Value) -> Py {
    let names = (vm.interpreter_state::<State>().source.get().names)();
    Ok(tuple_object::new_tuple(
        names
            .into_iter()
            .map(str_object::new_str)
            .collect::<Vec<_>>(),
    ))
}

static FUNCTIONS: [MethodDef; 6] = [
    f1(
        "find($module, name, /)",
        library_find,
        "True for a package, False for a module, None if there is none.",
    ),
    f1(
        "get_code($module, name, /)",
        library_code,
        "The code object of an embedded module.",
    ),
    f1(
        "get_source($module, name, /)",
        library_source,
        "The source of an embedded module, as bytes.",
    ),
    f1(
        "get_file($module, path, /)",
        library_file,
        "The content of an embedded data file, as bytes; None if there is none.",
    ),
    f0(
        "files($module, /)",
        library_files,
        "The paths of all embedded data files, relative to the library.",
    ),
    f0(
        "names($module, /)",
        library_names,
        "The names of all embedded modules.",
    ),
];

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    let root = str_object::new_str(root(vm));
    dict.expect::<Dict>().set_name(name!("ROOT"), root);
    Ok(())
}

/// The module.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_taipan_library",
    doc: "The modules embedded in the executable.",
    functions: &FUNCTIONS,
    init,
};
