//! `_elementtree`: elements, the builder of trees, and a parser that makes trees without handlers in Python.

mod builder;
mod copying;
mod element;
mod find;
mod items;
mod iterators;
mod methods;
mod parser;

use std::sync::OnceLock;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::latch::Latch;
use taipan_core::str_object::name;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{MethodDef, Py, Value, Vm, f2, raw};
use taipan_stdlib::ModuleDef;
use taipan_stdlib::builtins::import::import_module;
use taipan_stdlib::support::{add, add_type};
use taipan_types::arguments::type_name;

/// `_elementtree`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_elementtree",
    doc: "",
    functions: &FUNCTIONS,
    init,
};

/// What belongs to an interpreter.
#[derive(Default)]
struct Module {
    error: Latch<Option<Value>>,
    /// What makes comments and processing instructions if a builder has nothing of its own.
    comment_factory: Latch<Option<Value>>,
    pi_factory: Latch<Option<Value>>,
    paths: OnceLock<Value>,
    deep_copy: OnceLock<Value>,
}

fn state(vm: &Vm) -> &'static Module {
    vm.interpreter_state::<Module>()
}

static FUNCTIONS: [MethodDef; 2] = [
    raw(
        "SubElement(module, parent, tag, attrib={}, /, **extra)",
        element::sub_element,
        "",
    ),
    f2(
        "_set_factories(module, comment_factory, pi_factory, /)",
        set_factories,
        "Change the factories used to create comments and processing instructions.\n\nFor internal use only.",
    ),
];

fn set_factories(vm: &mut Vm, _module: &Value, comment: &Value, pi: &Value) -> Py {
    for (factory, what) in [(comment, "Comment"), (pi, "PI")] {
        if !factory.is_none() && !vm.is_callable(factory) {
            let got = type_name(factory);
            let message = format!("{what} factory must be callable, not {got}");
            return Err(vm.type_error(message));
        }
    }
    let module = state(vm);
    let exchange = |place: &Latch<Option<Value>>, factory: &Value| {
        let factory = (!factory.is_none()).then(|| factory.clone());
        place.replace(factory).unwrap_or_else(Value::none)
    };
    let old_comment = exchange(&module.comment_factory, comment);
    let old_pi = exchange(&module.pi_factory, pi);
    Ok(new_tuple([old_comment, old_pi]))
}

/// `xml.etree.ElementTree.ParseError`, made on first use.
fn error_class(vm: &mut Vm) -> Py {
    if let Some(class) = state(vm).error.borrow().clone() {
        return Ok(class);
    }
    let namespace = new_dict();
    namespace
        .expect::<Dict>()
        .set_name(&name("__module__"), name("xml.etree.ElementTree"));
    let bases = new_tuple([types::SYNTAX_ERROR.to_value()]);
    let class = vm.call(
        &types::TYPE.to_value(),
        &[name("ParseError"), bases, namespace],
    )?;
    *state(vm).error.borrow_mut() = Some(class.clone());
    Ok(class)
}

/// `xml.etree.ElementPath`.
fn paths(vm: &mut Vm) -> Py {
    if let Some(module) = state(vm).paths.get() {
        return Ok(module.clone());
    }
    let module = import_module(vm, "xml.etree.ElementPath")?;
    Ok(state(vm).paths.get_or_init(|| module).clone())
}

/// `copy.deepcopy`.
fn deep_copy_function(vm: &mut Vm) -> Py {
    if let Some(function) = state(vm).deep_copy.get() {
        return Ok(function.clone());
    }
    let module = import_module(vm, "copy")?;
    let function = vm.get_attr(&module, &name("deepcopy"))?;
    Ok(state(vm).deep_copy.get_or_init(|| function).clone())
}

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    element::define();
    iterators::define();
    builder::define();
    parser::define();
    let error = error_class(vm)?;
    add(dict, "ParseError", error);
    for ty in [&element::ELEMENT, &builder::BUILDER, &parser::PARSER] {
        add_type(dict, ty);
    }
    Ok(())
}
