//! What the library's modules give to pickling: registries of `copyreg`, name maps of `_compat_pickle`, a few functions.

use std::sync::OnceLock;
use taipan_core::builtin_types::DICT;
use taipan_core::{Py, Value, Vm, name};
use taipan_types::codec::registry::import;

/// The tables and functions, as they were when the module was first imported.
pub(super) struct Globals {
    pub dispatch_table: Value,
    pub extension_registry: Value,
    pub inverted_registry: Value,
    pub extension_cache: Value,
    /// `(module, name)` of Python 2 to that of Python 3, and modules alone.
    pub names_2to3: Value,
    pub modules_2to3: Value,
    pub names_3to2: Value,
    pub modules_3to2: Value,
    pub encode: Value,
    pub partial: Value,
    pub getattr: Value,
}

#[derive(Default)]
struct State(OnceLock<Globals>);

/// The tables of this interpreter.
pub(super) fn get(vm: &mut Vm) -> Py<&'static Globals> {
    let state = vm.interpreter_state::<State>();
    if let Some(globals) = state.0.get() {
        return Ok(globals);
    }
    let made = load(vm)?;
    Ok(state.0.get_or_init(|| made))
}

fn load(vm: &mut Vm) -> Py<Globals> {
    let copyreg = import(vm, "copyreg")?;
    let codecs = import(vm, "codecs")?;
    let functools = import(vm, "functools")?;
    let compat = import(vm, "_compat_pickle")?;
    Ok(Globals {
        dispatch_table: table(vm, &copyreg, "copyreg", "dispatch_table")?,
        extension_registry: table(vm, &copyreg, "copyreg", "_extension_registry")?,
        inverted_registry: table(vm, &copyreg, "copyreg", "_inverted_registry")?,
        extension_cache: table(vm, &copyreg, "copyreg", "_extension_cache")?,
        names_2to3: table(vm, &compat, "_compat_pickle", "NAME_MAPPING")?,
        modules_2to3: table(vm, &compat, "_compat_pickle", "IMPORT_MAPPING")?,
        names_3to2: table(vm, &compat, "_compat_pickle", "REVERSE_NAME_MAPPING")?,
        modules_3to2: table(vm, &compat, "_compat_pickle", "REVERSE_IMPORT_MAPPING")?,
        encode: vm.get_attr(&codecs, name!("encode"))?,
        partial: vm.get_attr(&functools, name!("partial"))?,
        getattr: taipan_core::class::builtin(vm, name!("getattr"))?,
    })
}

fn table(vm: &mut Vm, module: &Value, of: &str, name: &str) -> Py {
    let table = vm.get_attr_str(module, name)?;
    if !table.is_exact(&DICT) {
        let message = format!(
            "{of}.{name} should be a dict, not {}",
            table.type_of().name()
        );
        return Err(vm.runtime_error(message));
    }
    Ok(table)
}
