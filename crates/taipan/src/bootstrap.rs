//! Start-up: types, the first modules, the import system, the standard streams.

use taipan_core::dict_object::{self, Dict};
use taipan_core::{Py, Raised, Value, Vm, str_object};
use taipan_interp::module::Module;
use taipan_stdlib::config::{self, Config};
use taipan_stdlib::{_imp, library};

/// Defines all types of all crates. Does nothing the second time.
pub fn define_types() {
    taipan_types::define_types();
    taipan_interp::define_types();
}

fn embedded(module: &str) -> Option<library::Embedded> {
    let found = taipan_lib::find(module)?;
    Some(library::Embedded {
        is_package: found.is_package,
        code: found.code,
        source: found.source,
    })
}

fn embedded_names() -> Vec<&'static str> {
    taipan_lib::modules().map(|module| module.name).collect()
}

/// Why an interpreter did not start.
pub enum Failure {
    /// What was being done, and the exception that it ended with.
    Raised(&'static str, Raised),
    /// A reason without an exception.
    Message(String),
}

impl From<Raised> for Failure {
    fn from(raised: Raised) -> Failure {
        Failure::Raised("the interpreter cannot start", raised)
    }
}

impl Failure {
    /// The failure as text for the user.
    pub fn describe(self, vm: &mut Vm) -> String {
        match self {
            Failure::Raised(doing, raised) => {
                let exception = vm.take_raised(raised);
                let text = crate::run::describe(vm, &exception);
                format!(
                    "Fatal Python error: {doing}\nPython runtime state: core initialized\n{text}"
                )
            }
            Failure::Message(message) => format!(
                "Fatal Python error: {message}\nPython runtime state: core initialized\n\n\
                 Current thread (most recent call first):\n  <no Python frame>"
            ),
        }
    }
}

/// Brings a fresh interpreter to the point where programs can run.
pub fn start(vm: &mut Vm, mut settings: Config) -> Result<(), Failure> {
    library::set_source(
        vm,
        library::Source {
            root: taipan_lib::ROOT,
            find: embedded,
            names: embedded_names,
            file: taipan_lib::file,
            files: || taipan_lib::files().collect(),
        },
    );
    if !settings.path.iter().any(|entry| entry == taipan_lib::ROOT) {
        settings.path.push(taipan_lib::ROOT.into());
    }
    let no_site = settings.flags.no_site;
    let with_warnings = !settings.warn_options.is_empty();
    let verbose = settings.flags.verbose > 0;
    let locale_is_set = settings.encodings.locale_is_set;
    let (faulthandler, tracemalloc) = (settings.faulthandler, settings.tracemalloc);
    taipan_types::bytes::warning::want(vm, settings.flags.bytes_warning > 0);
    if settings.flags.dev_mode {
        taipan_types::codec::check_names();
    }
    config::set(vm, settings);
    for module in taipan_bindings::MODULES {
        _imp::add_module(vm, module);
    }
    let modules = dict_object::new_dict();
    drop(vm.interpreter().modules.set(Some(modules.clone())));
    let builtins = native(vm, "builtins")?;
    drop(
        vm.interpreter()
            .builtins
            .set(Some(builtins.expect::<Module>().dict().to_value())),
    );
    let sys = native(vm, "sys")?;
    let sys_dict = sys.expect::<Module>().dict().to_value();
    drop(vm.interpreter().sys_dict.set(Some(sys_dict.clone())));
    set(&sys_dict, "modules", modules);
    crate::prompt::install(&sys_dict);
    if !locale_is_set {
        taipan_stdlib::_locale::start();
    }
    taipan_stdlib::_signal::install_interrupt_handler(vm)?;
    if faulthandler {
        taipan_stdlib::faulthandler::enable_at_start(vm)?;
    }
    if verbose {
        crate::streams::early_stderr(vm, &sys_dict)?;
    }
    start_imports(vm, &sys)?;
    if tracemalloc > 0 {
        call_if_native(
            vm,
            "_tracemalloc",
            "start",
            &[Value::int(i64::from(tracemalloc))],
        )?;
    }
    crate::streams::start(vm, &sys_dict)?;
    crate::run::main_module(vm)?;
    if with_warnings {
        import(vm, "warnings")?;
    }
    if !no_site {
        let site = import(vm, "site");
        site.map_err(|raised| {
            Failure::Raised("init_import_site: Failed to import the site module", raised)
        })?;
    }
    Ok(())
}

/// Calls a function of a native module, if this build has the module.
fn call_if_native(vm: &mut Vm, module: &str, function: &str, args: &[Value]) -> Py<()> {
    if _imp::find_native(vm, module).is_none() {
        return Ok(());
    }
    let module = import(vm, module)?;
    let function = vm.get_attr_str(&module, function)?;
    vm.call(&function, args).map(drop)
}

pub(crate) fn set(dict: &Value, key: &str, value: Value) {
    let old = dict
        .expect::<Dict>()
        .set_name(&str_object::name(key), value);
    drop(old);
}

/// Makes a native module and registers it.
fn native(vm: &mut Vm, module: &str) -> Py {
    let Some(def) = _imp::find_native(vm, module) else {
        let message = format!("native module '{module}' is missing");
        return Err(vm.system_error(message));
    };
    let made = _imp::make_native(vm, def)?;
    register(vm, module, &made);
    Ok(made)
}

fn register(vm: &mut Vm, module: &str, value: &Value) {
    if let Some(modules) = &vm.interpreter().modules.get() {
        set(modules, module, value.clone());
    }
}

/// Runs an embedded module's code as a module of the given name.
fn run_embedded(vm: &mut Vm, library_name: &str, module: &str) -> Py {
    let code = library::load(vm, library_name)?;
    let made = Module::create(module, None);
    register(vm, module, &made);
    let globals = made.expect::<Module>().dict().to_value();
    let builtins = vm
        .interpreter()
        .builtins
        .get()
        .clone()
        .unwrap_or_else(dict_object::new_dict);
    set(&globals, "__builtins__", builtins.clone());
    // The import system takes a frozen module over by the name it has in the library.
    set(&globals, "__origname__", str_object::new_str(library_name));
    let function = taipan_interp::ops::build::make_function(code, globals.clone(), builtins, None);
    taipan_interp::call::run_with_locals(vm, &function, globals)?;
    Ok(made)
}

/// `importlib` itself comes from the library: its two halves, then the importer for embedded modules.
fn start_imports(vm: &mut Vm, sys: &Value) -> Py<()> {
    let imp = native(vm, "_imp")?;
    let first = run_embedded(vm, "importlib._bootstrap", "_frozen_importlib")?;
    taipan_stdlib::builtins::import::set_bootstrap(vm, first.clone());
    let install = vm.get_attr_str(&first, "_install")?;
    vm.call(&install, &[sys.clone(), imp])?;
    let external = vm.get_attr_str(&first, "_install_external_importers")?;
    vm.call(&external, &[])?;
    let importer = import(vm, "_taipan_importer")?;
    let install = vm.get_attr_str(&importer, "install")?;
    let zipimport = import(vm, "zipimport")?;
    let archives = vm.get_attr_str(&zipimport, "zipimporter")?;
    vm.call(&install, &[archives])?;
    Ok(())
}

/// `import module`; gives the module itself, not its top package.
pub fn import(vm: &mut Vm, module: &str) -> Py {
    taipan_stdlib::builtins::import::import_module(vm, module)
}
