//! Start-up: types, the first modules, the import system, the standard streams.

use taipan_core::dict_object::{self, Dict};
use taipan_core::{Py, Value, Vm, str_object};
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

/// Brings a fresh interpreter to the point where programs can run.
pub fn start(vm: &mut Vm, mut settings: Config) -> Py<()> {
    library::set_source(
        vm,
        library::Source {
            root: taipan_lib::ROOT,
            find: embedded,
            names: embedded_names,
        },
    );
    if !settings.path.iter().any(|entry| entry == taipan_lib::ROOT) {
        settings.path.push(taipan_lib::ROOT.into());
    }
    let no_site = settings.flags.no_site;
    config::set(vm, settings);
    for module in taipan_bindings::MODULES {
        _imp::add_module(vm, module);
    }
    let modules = dict_object::new_dict();
    *vm.interpreter().modules.borrow_mut() = Some(modules.clone());
    let builtins = native(vm, "builtins")?;
    *vm.interpreter().builtins.borrow_mut() = Some(builtins.expect::<Module>().dict().to_value());
    let sys = native(vm, "sys")?;
    let sys_dict = sys.expect::<Module>().dict().to_value();
    *vm.interpreter().sys_dict.borrow_mut() = Some(sys_dict.clone());
    set(&sys_dict, "modules", modules);
    taipan_stdlib::_locale::start();
    taipan_stdlib::_signal::install_interrupt_handler(vm)?;
    if wants_fault_handlers(vm) {
        taipan_stdlib::faulthandler::enable_at_start(vm)?;
    }
    start_imports(vm, &sys)?;
    start_streams(vm, &sys_dict)?;
    if !no_site {
        import(vm, "site")?;
    }
    Ok(())
}

/// `-X faulthandler`, `-X dev` or a non-empty `PYTHONFAULTHANDLER`.
fn wants_fault_handlers(vm: &Vm) -> bool {
    config::read(vm, |config| {
        let option = |(name, _): &(String, Option<String>)| name == "faulthandler";
        let variable = || std::env::var_os("PYTHONFAULTHANDLER").is_some_and(|v| !v.is_empty());
        config.flags.dev_mode
            || config.x_options.iter().any(option)
            || (!config.flags.ignore_environment && variable())
    })
}

fn set(dict: &Value, key: &str, value: Value) {
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
    if let Some(modules) = &*vm.interpreter().modules.borrow() {
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
        .borrow()
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
    vm.call(&install, &[])?;
    Ok(())
}

/// `import module`; gives the module itself, not its top package.
pub fn import(vm: &mut Vm, module: &str) -> Py {
    taipan_stdlib::builtins::import::import_module(vm, module)
}

/// `sys.stdin`, `stdout`, `stderr`.
fn start_streams(vm: &mut Vm, sys: &Value) -> Py<()> {
    import(vm, "encodings")?;
    let io = import(vm, "io")?;
    let open = vm.get_attr_str(&io, "open")?;
    set(sys, "__stdin__", Value::none());
    let buffering = Value::from_i32(-1);
    for (fd, variable, mode, errors) in [
        (0, "stdin", "r", "strict"),
        (1, "stdout", "w", "strict"),
        (2, "stderr", "w", "backslashreplace"),
    ] {
        // SAFETY: a plain query.
        let stream = if unsafe { libc::fcntl(fd, libc::F_GETFD) } < 0 {
            Value::none()
        } else {
            let values = [
                Value::from_i32(fd),
                str_object::new_str(mode),
                buffering.clone(),
                str_object::new_str("utf-8"),
                str_object::new_str(errors),
                if fd == 0 {
                    Value::none()
                } else {
                    str_object::new_str("\n")
                },
                Value::bool(false),
            ];
            let stream = vm.call(&open, &values)?;
            // SAFETY: a plain query.
            if fd == 2 || (fd == 1 && unsafe { libc::isatty(fd) } == 1) {
                let reconfigure = vm.get_attr_str(&stream, "reconfigure")?;
                let names = [str_object::name("line_buffering")];
                vm.call_args(
                    &reconfigure,
                    taipan_core::Args::new(&[Value::bool(true)], &names),
                )?;
            }
            vm.set_attr_str(&stream, "mode", &str_object::new_str(mode))?;
            stream
        };
        set(sys, variable, stream.clone());
        set(sys, &format!("__{variable}__"), stream);
    }
    let builtins = vm.interpreter().builtins.borrow().clone();
    if let Some(builtins) = builtins {
        set(&builtins, "open", open);
    }
    Ok(())
}
