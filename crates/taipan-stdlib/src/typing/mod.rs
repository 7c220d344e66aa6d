//! `_typing`: type parameters, type aliases and `Generic`; what the syntax of PEP 695 makes, and module `typing` builds upon.

mod alias;
mod evaluator;
mod generic;
mod param;
mod param_spec_args;

use crate::ModuleDef;
use crate::builtins::import::import_module;
use crate::support::{add, add_type};
use crate::sys::frame_at;
use taipan_core::builtin_types as types;
use taipan_core::str_object::{new_str, str_of};
use taipan_core::{Args, MethodDef, Py, Value, Vm, f1, instance, name, slice};
use taipan_interp::frame_object::FrameObject;
use taipan_interp::function::Function;

/// The module `_typing`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_typing",
    doc: "Primitives and accelerators for the typing module.",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 1] = [f1("_idfunc(module, x, /)", identity, "")];

/// What the interpreter's instructions call; found by [`function`], not seen by programs.
static INTRINSICS: [MethodDef; 6] = [
    slice(
        "_make_typevar(name, bound, constraints, /)",
        param::make_typevar,
        "",
    ),
    f1("_make_paramspec(name, /)", param::make_paramspec, ""),
    f1("_make_typevartuple(name, /)", param::make_typevartuple, ""),
    f1("_make_typealias(parts, /)", alias::make, ""),
    f1("_subscript_generic(params, /)", generic::subscript, ""),
    slice(
        "_set_typeparam_default(param, evaluate, /)",
        param::set_default,
        "",
    ),
];

fn identity(_vm: &mut Vm, _module: &Value, x: &Value) -> Py {
    Ok(x.clone())
}

/// Defines the types; doing it a second time changes nothing.
fn define_types() {
    param::define();
    param_spec_args::define();
    evaluator::define();
    alias::define();
    generic::define();
    for ty in [
        &param::TYPE_VAR,
        &param::PARAM_SPEC,
        &param::TYPE_VAR_TUPLE,
        &param_spec_args::ARGS,
        &param_spec_args::KWARGS,
        &generic::GENERIC,
    ] {
        // Instances have the attribute too, so it must be in the namespace.
        let namespace = ty.namespace();
        if !namespace.contains_name(name!("__module__")) {
            drop(namespace.set_name(name!("__module__"), new_str("typing")));
        }
    }
}

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    define_types();
    add_type(dict, &param::TYPE_VAR);
    add_type(dict, &param::PARAM_SPEC);
    add_type(dict, &param::TYPE_VAR_TUPLE);
    add_type(dict, &param_spec_args::ARGS);
    add_type(dict, &param_spec_args::KWARGS);
    add_type(dict, &alias::TYPE_ALIAS);
    add_type(dict, &generic::GENERIC);
    add(dict, "Union", types::UNION.to_value());
    add(dict, "NoDefault", generic::no_default());
    Ok(())
}

/// The hook behind the interpreter's type parameter instructions: a function by name.
pub fn function(vm: &mut Vm, function: &str) -> Py {
    define_types();
    match INTRINSICS.iter().find(|def| def.name() == function) {
        Some(def) => Ok(taipan_core::descriptor::new_native_function(
            def, None, None,
        )),
        None => Err(vm.system_error("unknown intrinsic")),
    }
}

// ---- shared by the types ----

/// Calls a function of the module `typing`.
fn call_typing(vm: &mut Vm, function: &Value, args: &[Value]) -> Py {
    let typing = import_module(vm, "typing")?;
    vm.call_method(&typing, function, args)
}

/// `typing.Unpack[value]`
fn unpacked(vm: &mut Vm, value: &Value) -> Py {
    let typing = import_module(vm, "typing")?;
    let unpack = vm.get_attr(&typing, name!("Unpack"))?;
    vm.get_item(&unpack, value)
}

/// The module of the Python code that runs.
fn calling_module(vm: &mut Vm) -> Value {
    let module = frame_at(vm, 0).and_then(|frame| {
        let frame = frame.cast::<FrameObject>()?;
        frame.function.cast::<Function>()?.lock(vm).module.clone()
    });
    module.unwrap_or_else(Value::none)
}

/// Sets `__module__` of a new instance.
fn set_module(object: &Value, module: Value) {
    if let instance::Stored::Done(old) = instance::set(object, name!("__module__"), module) {
        drop(old);
    }
}

/// Arguments taken apart: positional ones for the first `most` of `names`, others by keyword; `rest` takes further positional ones.
fn take_apart<const N: usize>(
    vm: &mut Vm,
    function: &str,
    args: Args<'_>,
    names: [&str; N],
    most: usize,
    rest: Option<&mut Vec<Value>>,
) -> Py<[Option<Value>; N]> {
    let mut found = [const { None }; N];
    let given = args.pos();
    for (place, value) in found.iter_mut().zip(given).take(most) {
        *place = Some(value.clone());
    }
    if let Some(extra) = given.get(most..).filter(|extra| !extra.is_empty()) {
        match rest {
            Some(rest) => rest.extend_from_slice(extra),
            None => {
                let plural = if most == 1 { "" } else { "s" };
                return Err(vm.type_error(format!(
                    "{function}() takes exactly {most} positional argument{plural} ({} given)",
                    given.len()
                )));
            }
        }
    }
    for (keyword, value) in args.keywords() {
        let Some(at) = names
            .iter()
            .position(|name| str_of(keyword).is_some_and(|text| text.ascii() == Some(name)))
        else {
            let keyword = vm.str_string(keyword)?;
            let message = format!("{function}() got an unexpected keyword argument '{keyword}'");
            return Err(vm.type_error(message));
        };
        if found[at].is_some() {
            let message = format!(
                "argument for {function}() given by name ('{}') and position ({})",
                names[at],
                at + 1
            );
            return Err(vm.type_error(message));
        }
        found[at] = Some(value.clone());
    }
    if let Some(at) = (0..most).find(|at| found[*at].is_none()) {
        let message = format!(
            "{function}() missing required argument '{}' (pos {})",
            names[at],
            at + 1
        );
        return Err(vm.type_error(message));
    }
    Ok(found)
}

/// The name argument of a constructor, which must be a string.
fn name_argument(vm: &mut Vm, function: &str, value: Option<Value>) -> Py {
    match value {
        Some(name) if str_of(&name).is_some() => Ok(name),
        Some(other) => {
            let given = other.type_of().name();
            let message = format!("{function}() argument 'name' must be str, not {given}");
            Err(vm.type_error(message))
        }
        None => Ok(new_str("")),
    }
}

fn flag(vm: &mut Vm, value: Option<&Value>) -> Py<bool> {
    match value {
        Some(value) => vm.truth(value),
        None => Ok(false),
    }
}

/// Refuses to be a base class.
fn no_base(vm: &mut Vm, this: &Value, _bases: &Value) -> Py {
    let name = this.type_of().short_name();
    Err(vm.type_error(format!("Cannot subclass an instance of {name}")))
}

/// `left | right` where one is a type parameter or alias.
fn union_or(vm: &mut Vm, left: &Value, right: &Value) -> Py {
    taipan_types::union_type::union_of(vm, &[left.clone(), right.clone()])
}
