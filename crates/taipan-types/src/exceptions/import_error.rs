//! `ImportError`

use super::{base, member, name_error, own_dict};
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::exception::{self, field, set_field};
use taipan_core::str_object::is_exact_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, GetSetDef, MethodDef, Py, Value, Vm, f0, name};

const MSG: usize = 0;
const NAME: usize = 1;
const PATH: usize = 2;
const NAME_FROM: usize = 3;

pub(super) fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let names = [("name", NAME), ("path", PATH), ("name_from", NAME_FROM)];
    name_error::keywords(vm, this, "ImportError", args, &names)?;
    let message = match args.pos() {
        [only] => Some(only.clone()),
        _ => None,
    };
    set_field(vm, this, MSG, message);
    Ok(())
}

/// Sets the members of an `ImportError` that was raised with its message alone.
pub fn set_import_error(
    vm: &mut Vm,
    error: &Value,
    name: Option<Value>,
    path: Option<Value>,
    name_from: Option<Value>,
) {
    set_field(vm, error, NAME, name);
    set_field(vm, error, PATH, path);
    set_field(vm, error, NAME_FROM, name_from);
}

pub(super) fn str(vm: &mut Vm, this: &Value) -> Py {
    match field(vm, this, MSG) {
        Some(message) if is_exact_str(&message) => Ok(message),
        _ => base::str(vm, this),
    }
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let members = [
        (name!("name"), field(vm, this, NAME)),
        (name!("path"), field(vm, this, PATH)),
        (name!("name_from"), field(vm, this, NAME_FROM)),
    ];
    let args = exception::args(vm, this);
    let class = this.type_of().to_value();
    let own = own_dict(this);
    let state = if members.iter().any(|(_, value)| value.is_some()) {
        let state = match &own {
            Some(dict) => dict.expect::<Dict>().copy(vm),
            None => new_dict(),
        };
        for (name, value) in members {
            if let Some(value) = value {
                drop(state.expect::<Dict>().set_name(name, value));
            }
        }
        Some(state)
    } else {
        own
    };
    Ok(match state {
        Some(state) => new_tuple([class, args, state]),
        None => new_tuple([class, args]),
    })
}

pub(super) static METHODS: [MethodDef; 1] = [f0("__reduce__(self, /)", reduce, "")];

pub(super) static GETSET: [GetSetDef; 4] = [
    member::<MSG>("msg", "exception message"),
    member::<NAME>("name", "module name"),
    member::<PATH>("path", "module path"),
    member::<NAME_FROM>("name_from", "name imported from module"),
];
