//! `ast.AST`: construction with checks of the fields, `repr`, copying.

use super::single;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::method::{get_dict, set_dict};
use taipan_core::str_object::{name, new_str, str_eq};
use taipan_core::tuple_object::{empty_tuple, new_tuple};
use taipan_core::{
    Args, GetSetDef, MethodDef, Py, Slots, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm, f0,
    getset, raw,
};
use taipan_types::list::new_empty;

/// The type `ast.AST`.
pub static AST: TypeObject = Type::declare("ast.AST");

static SPEC: TypeSpec = TypeSpec {
    name: "ast.AST",
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    slots: Slots {
        init: Some(init),
        repr: Some(|vm, this| Ok(new_str(&repr(vm, this, MAX_DEPTH)?))),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};
static METHODS: [MethodDef; 2] = [
    f0("__reduce__(self, /)", reduce, ""),
    raw(
        "__replace__(self, /, **fields)",
        replace,
        "Return a copy of the AST node with new values for the specified fields.",
    ),
];
static GETSET: [GetSetDef; 1] = [getset("__dict__", get_dict, set_dict, "")];

/// Levels that `repr` shows.
const MAX_DEPTH: u32 = 3;

pub(super) fn define() {
    AST.define(&SPEC);
    let namespace = AST.namespace();
    for attribute in ["_fields", "_attributes", "__match_args__"] {
        if !namespace.contains_name(&name(attribute)) {
            drop(namespace.set_name(&name(attribute), empty_tuple()));
        }
    }
    AST.changed();
}

/// The strings in a tuple attribute of the object's class.
fn names(vm: &mut Vm, this: &Value, attribute: &str) -> Py<Vec<Value>> {
    match vm.get_attr_opt(this, &name(attribute))? {
        Some(row) => vm.to_vec(&row),
        None => Ok(Vec::new()),
    }
}

fn contains(vm: &mut Vm, row: &[Value], wanted: &Value) -> Py<bool> {
    for item in row {
        if str_eq(item, wanted) || vm.equal(item, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn deprecated(vm: &mut Vm, message: &str) -> Py<()> {
    vm.warn(&types::DEPRECATION_WARNING, message, 1)
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let class = this.type_of().short_name().to_owned();
    let fields = names(vm, this, "_fields")?;
    let given = args.pos();
    if given.len() > fields.len() {
        let plural = if fields.len() == 1 { "" } else { "s" };
        let message = format!(
            "{class} constructor takes at most {} positional argument{plural}",
            fields.len()
        );
        return Err(vm.type_error(message));
    }
    for (field, value) in fields.iter().zip(given) {
        vm.set_attr(this, field, Some(value))?;
    }
    let mut remaining: Vec<Value> = fields[given.len()..].to_vec();
    for (key, value) in args.keywords() {
        if contains(vm, &fields, key)? {
            match remaining.iter().position(|field| str_eq(field, key)) {
                Some(at) => drop(remaining.remove(at)),
                None => {
                    let key = vm.repr_string(key)?;
                    let message = format!("{class} got multiple values for argument {key}");
                    return Err(vm.type_error(message));
                }
            }
        } else {
            let attributes = names(vm, this, "_attributes")?;
            if !contains(vm, &attributes, key)? {
                let key = vm.repr_string(key)?;
                let message = format!(
                    "{class}.__init__ got an unexpected keyword argument {key}. Support for arbitrary \
                     keyword arguments is deprecated and will be removed in Python 3.15."
                );
                deprecated(vm, &message)?;
            }
        }
        vm.set_attr(this, key, Some(value))?;
    }
    fill_defaults(vm, this, &class, &remaining)
}

/// Fields that were not given: lists are empty, contexts `Load`, optional ones `None`.
fn fill_defaults(vm: &mut Vm, this: &Value, class: &str, remaining: &[Value]) -> Py<()> {
    if remaining.is_empty() {
        return Ok(());
    }
    let Some(field_types) = vm.get_attr_opt(this, &name("_field_types"))? else {
        return Ok(());
    };
    for field in remaining {
        let field_type = match dict_of(&field_types) {
            Some(dict) => dict.get(vm, field)?,
            None => None,
        };
        let Some(field_type) = field_type else {
            let field = vm.repr_string(field)?;
            let message = format!(
                "Field {field} is missing from {class}._field_types. This will become an error in Python 3.15."
            );
            deprecated(vm, &message)?;
            continue;
        };
        if field_type.is_exact(&types::UNION) {
            // `None` is an attribute of the class.
        } else if field_type.is_exact(&types::GENERIC_ALIAS) {
            vm.set_attr(this, field, Some(&new_empty()))?;
        } else if field_type.is(&super::class(vm, "expr_context")?) {
            let load = single(vm, "Load")?;
            vm.set_attr(this, field, Some(&load))?;
        } else {
            let field = vm.repr_string(field)?;
            let message = format!(
                "{class}.__init__ missing 1 required positional argument: {field}. This will become an \
                 error in Python 3.15."
            );
            deprecated(vm, &message)?;
        }
    }
    Ok(())
}

fn own_dict(vm: &mut Vm, this: &Value) -> Py {
    let dict = get_dict(vm, this)?;
    match dict_of(&dict) {
        Some(dict) => Ok(dict.copy(vm)),
        None => Ok(new_dict()),
    }
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let dict = own_dict(vm, this)?;
    let mut positional = Vec::new();
    for field in names(vm, this, "_fields")? {
        if dict.expect::<Dict>().get(vm, &field)?.is_none() {
            break;
        }
        positional.push(Value::none());
    }
    Ok(new_tuple([
        this.type_of().to_value(),
        new_tuple(positional),
        dict,
    ]))
}

fn replace(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    if !args.pos().is_empty() {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    let fields = names(vm, this, "_fields")?;
    let attributes = names(vm, this, "_attributes")?;
    let dict = own_dict(vm, this)?;
    let class = this.type_of().short_name().to_owned();
    for (key, value) in args.keywords() {
        if !contains(vm, &fields, key)? && !contains(vm, &attributes, key)? {
            let key = vm.repr_string(key)?;
            let message = format!("{class}.__replace__ got an unexpected keyword argument {key}.");
            return Err(vm.type_error(message));
        }
        dict.expect::<Dict>().insert(vm, key, value.clone())?;
    }
    let mut missing = Vec::new();
    for field in &fields {
        let set = dict.expect::<Dict>().get(vm, field)?.is_some();
        let default = set
            || vm
                .get_attr_opt(&this.type_of().to_value(), field)?
                .is_some();
        if !default {
            missing.push(vm.repr_string(field)?);
        }
    }
    if !missing.is_empty() {
        let plural = if missing.len() == 1 { "" } else { "s" };
        let message = format!(
            "{class}.__replace__ missing {} keyword argument{plural}: {}.",
            missing.len(),
            missing.join(", ")
        );
        return Err(vm.type_error(message));
    }
    let (names, values): (Vec<Value>, Vec<Value>) =
        dict.expect::<Dict>().items().into_iter().unzip();
    vm.call_args(&this.type_of().to_value(), Args::new(&values, &names))
}

/// The node with `depth` levels of what is inside; deeper ones and the middle of long lists are `...`.
fn repr(vm: &mut Vm, this: &Value, depth: u32) -> Py<String> {
    vm.check_stack()?;
    let class = this.type_of().short_name().to_owned();
    let fields = names(vm, this, "_fields")?;
    if depth == 0 {
        return Ok(format!("{class}(...)"));
    }
    let mut parts = Vec::new();
    for field in fields {
        let value = vm.get_attr(this, &field)?;
        let text = if value.is_exact(&types::LIST) || value.is_exact(&types::TUPLE) {
            row(vm, &value, depth)?
        } else {
            part(vm, &value, depth)?
        };
        let field = vm.str_string(&field)?;
        parts.push(format!("{field}={text}"));
    }
    Ok(format!("{class}({})", parts.join(", ")))
}

fn part(vm: &mut Vm, value: &Value, depth: u32) -> Py<String> {
    if value.is_instance(&AST) {
        repr(vm, value, depth - 1)
    } else {
        vm.repr_string(value)
    }
}

fn row(vm: &mut Vm, value: &Value, depth: u32) -> Py<String> {
    let items = vm.to_vec(value)?;
    let mut parts = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let inside = at > 0 && at + 1 < items.len();
        if !inside {
            parts.push(part(vm, item, depth)?);
        } else if at == 1 {
            parts.push("...".to_owned());
        }
    }
    let text = parts.join(", ");
    Ok(if value.is_exact(&types::LIST) {
        format!("[{text}]")
    } else if items.len() == 1 {
        format!("({text},)")
    } else {
        format!("({text})")
    })
}
