//! `_ast`: the classes of syntax trees, and what `compile` does with trees.

mod expr_from_python;
mod from_python;
mod hook;
mod node;
mod patterns;
mod table;
mod to_python;

use crate::ModuleDef;
use crate::support::{add, add_type};
use std::collections::HashMap;
use table::{Field, GROUPS, Group, fields};
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::latch::Latch;
use taipan_core::str_object::{name, new_str};
use taipan_core::tuple_object::{empty_tuple, new_tuple};
use taipan_core::{Py, Type, TypeObject, Value, Vm};
use taipan_types::generic_alias::new_generic_alias;
use taipan_types::union_type::union_of;

/// `_ast`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_ast",
    doc: "",
    functions: &[],
    init,
};

/// The classes of an interpreter, by name, and the single instances of those without fields.
#[derive(Default)]
struct Classes {
    classes: Latch<HashMap<&'static str, Value>>,
    singles: Latch<HashMap<&'static str, Value>>,
}

fn init(vm: &mut Vm, dict: &Value) -> Py<()> {
    ensure_classes(vm)?;
    add_type(dict, &node::AST);
    let classes = vm.interpreter_state::<Classes>();
    for group in &GROUPS {
        let names = std::iter::once(group.name).chain(group.nodes.iter().map(|(name, _)| *name));
        for class in names {
            if let Some(value) = classes.classes.borrow().get(class) {
                add(dict, class, value.clone());
            }
        }
    }
    for (flag, value) in [
        ("PyCF_ONLY_AST", 0x400),
        ("PyCF_TYPE_COMMENTS", 0x1000),
        ("PyCF_ALLOW_TOP_LEVEL_AWAIT", 0x2000),
        ("PyCF_OPTIMIZED_AST", 0x8400),
    ] {
        add(dict, flag, Value::from_i32(value));
    }
    Ok(())
}

/// Installs trees into `compile`.
pub fn install(vm: &Vm) {
    crate::builtins::source::set_ast_hook(vm, hook::hook);
}

/// Makes the classes of this interpreter, once.
fn ensure_classes(vm: &mut Vm) -> Py<()> {
    if !vm
        .interpreter_state::<Classes>()
        .classes
        .borrow()
        .is_empty()
    {
        return Ok(());
    }
    node::define();
    let mut made = HashMap::new();
    for group in &GROUPS {
        let base = make_class(vm, group.name, &node::AST.to_value(), &group_doc(group))?;
        made.insert(group.name, base.clone());
        for (class, fields) in group.nodes {
            let value = make_class(vm, class, &base, &node_doc(class, fields))?;
            made.insert(*class, value);
        }
    }
    for group in &GROUPS {
        describe(vm, &made, group.name, group.fields, Some(group))?;
        for (class, fields) in group.nodes {
            describe(vm, &made, class, fields, None)?;
        }
    }
    let mut singles = HashMap::new();
    for group in GROUPS.iter().filter(|group| is_enumeration(group)) {
        for (class, _) in group.nodes {
            singles.insert(*class, new_node(vm, &made[class])?);
        }
    }
    let classes = vm.interpreter_state::<Classes>();
    *classes.singles.borrow_mut() = singles;
    *classes.classes.borrow_mut() = made;
    Ok(())
}

/// A group whose nodes are no more than names.
fn is_enumeration(group: &Group) -> bool {
    !group.located && !group.nodes.is_empty() && group.nodes.iter().all(|(_, f)| f.is_empty())
}

fn node_doc(class: &str, fields: &str) -> String {
    if fields.is_empty() {
        class.to_owned()
    } else {
        format!("{class}({fields})")
    }
}

fn group_doc(group: &Group) -> String {
    if group.nodes.is_empty() {
        return node_doc(group.name, group.fields);
    }
    let parts: Vec<String> = group
        .nodes
        .iter()
        .map(|(class, fields)| node_doc(class, fields))
        .collect();
    let separator = if is_enumeration(group) {
        " | ".to_owned()
    } else {
        format!("\n{}| ", " ".repeat(group.name.len() + 1))
    };
    format!("{} = {}", group.name, parts.join(&separator))
}

fn make_class(vm: &mut Vm, class: &str, base: &Value, doc: &str) -> Py {
    let namespace = new_dict();
    let dict = namespace.expect::<Dict>();
    dict.set_name(&name("__module__"), name("ast"));
    dict.set_name(&name("__doc__"), new_str(doc));
    vm.call(
        &types::TYPE.to_value(),
        &[name(class), new_tuple([base.clone()]), namespace],
    )
}

/// The type that a field's annotation says.
fn field_type(vm: &mut Vm, made: &HashMap<&'static str, Value>, field: Field) -> Py {
    let plain = match field.kind {
        "identifier" | "string" => types::STR.to_value(),
        "int" => types::INT.to_value(),
        "constant" => types::OBJECT.to_value(),
        other => made
            .get(other)
            .cloned()
            .unwrap_or_else(|| types::OBJECT.to_value()),
    };
    if field.list {
        return Ok(new_generic_alias(&types::LIST.to_value(), &plain));
    }
    if field.optional {
        return union_of(vm, &[plain, Value::none()]);
    }
    Ok(plain)
}

/// Gives a class its `_fields` and the like.
fn describe(
    vm: &mut Vm,
    made: &HashMap<&'static str, Value>,
    class: &str,
    text: &'static str,
    group: Option<&Group>,
) -> Py<()> {
    let this = made[class].clone();
    let field_types = new_dict();
    let mut names = Vec::new();
    for field in fields(text) {
        let field_type = field_type(vm, made, field)?;
        names.push(name(field.name));
        field_types
            .expect::<Dict>()
            .set_name(&name(field.name), field_type);
        if field.optional {
            vm.set_attr_str(&this, field.name, &Value::none())?;
        }
    }
    let names = new_tuple(names);
    vm.set_attr_str(&this, "_fields", &names)?;
    vm.set_attr_str(&this, "__match_args__", &names)?;
    if group.is_none_or(|group| group.nodes.is_empty()) {
        vm.set_attr_str(&this, "_field_types", &field_types)?;
        vm.set_attr_str(&this, "__annotations__", &field_types)?;
    }
    let Some(group) = group else { return Ok(()) };
    let attributes = if group.located {
        new_tuple(["lineno", "col_offset", "end_lineno", "end_col_offset"].map(name))
    } else {
        empty_tuple()
    };
    vm.set_attr_str(&this, "_attributes", &attributes)?;
    if group.located && !group.end_required {
        vm.set_attr_str(&this, "end_lineno", &Value::none())?;
        vm.set_attr_str(&this, "end_col_offset", &Value::none())?;
    }
    Ok(())
}

/// The class of that name.
fn class(vm: &mut Vm, name: &str) -> Py {
    ensure_classes(vm)?;
    let found = vm
        .interpreter_state::<Classes>()
        .classes
        .borrow()
        .get(name)
        .cloned();
    found.ok_or_else(|| vm.system_error("unknown class of nodes"))
}

/// The single instance of a class without fields.
fn single(vm: &mut Vm, name: &str) -> Py {
    ensure_classes(vm)?;
    let found = vm
        .interpreter_state::<Classes>()
        .singles
        .borrow()
        .get(name)
        .cloned();
    found.ok_or_else(|| vm.system_error("unknown class of nodes"))
}

/// An instance of a class without fields set.
fn new_node(vm: &mut Vm, class: &Value) -> Py {
    let ty: &TypeObject = class.expect::<Type>();
    match ty.slots().new {
        Some(new) => new(vm, ty, taipan_core::Args::NONE),
        None => Err(vm.type_error("cannot make instances")),
    }
}
