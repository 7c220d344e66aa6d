//! `AttributeError` and `NameError`: the name that was not found, and where.

use super::{base, member, own_dict};
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::exception::{self, field, set_field};
use taipan_core::protocol::attribute::{FIELD_NAME, FIELD_OBJ};
use taipan_core::str_object::str_of;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, GetSetDef, MethodDef, Py, Value, Vm, f0, name};

/// Stores keyword arguments in fields: `names[i]` goes to field `fields[i]`.
pub(super) fn keywords(
    vm: &mut Vm,
    this: &Value,
    function: &str,
    args: Args<'_>,
    names: &[(&str, usize)],
) -> Py<()> {
    for (keyword, _) in args.keywords() {
        let text = str_of(keyword)
            .map(|text| text.to_lossy())
            .unwrap_or_default();
        if !names.iter().any(|(name, _)| *name == text) {
            let message = format!("{function}() got an unexpected keyword argument '{text}'");
            return Err(vm.type_error(message));
        }
    }
    base::set_args(vm, this, args.pos());
    for (name, index) in names {
        let given = args
            .keywords()
            .find(|(keyword, _)| str_of(keyword).is_some_and(|text| text.ascii() == Some(name)));
        set_field(vm, this, *index, given.map(|(_, value)| value.clone()));
    }
    Ok(())
}

pub(super) fn init_attribute(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let names = [("name", FIELD_NAME), ("obj", FIELD_OBJ)];
    keywords(vm, this, "AttributeError", args, &names)
}

pub(super) fn init_name(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    keywords(vm, this, "NameError", args, &[("name", FIELD_NAME)])
}

/// The state of an `AttributeError` for pickling: its dict, name and arguments; the object stays behind.
fn get_state(vm: &mut Vm, this: &Value) -> Py {
    let state = match own_dict(this) {
        Some(dict) => dict.expect::<Dict>().copy(vm),
        None => new_dict(),
    };
    let dict = state.expect::<Dict>();
    if let Some(name) = field(vm, this, FIELD_NAME) {
        drop(dict.set_name(name!("name"), name));
    }
    let args = exception::args(vm, this);
    drop(dict.set_name(name!("args"), args));
    Ok(state)
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let state = get_state(vm, this)?;
    let args = exception::args(vm, this);
    Ok(new_tuple([this.type_of().to_value(), args, state]))
}

pub(super) static ATTRIBUTE_METHODS: [MethodDef; 2] = [
    f0("__getstate__(self, /)", get_state, ""),
    f0("__reduce__(self, /)", reduce, ""),
];

pub(super) static ATTRIBUTE_GETSET: [GetSetDef; 2] = [
    member::<FIELD_NAME>("name", "attribute name"),
    member::<FIELD_OBJ>("obj", "object"),
];

pub(super) static NAME_GETSET: [GetSetDef; 1] = [member::<FIELD_NAME>("name", "name")];
