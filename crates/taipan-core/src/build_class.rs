//! The class statement: what `__build_class__` does around running the body.

use crate::Py;
use crate::args::Args;
use crate::builtin_types as types;
use crate::class::{calculate_metaclass, text_of};
use crate::name;
use crate::str_object::str_eq;
use crate::tuple_object::{self, new_tuple};
use crate::type_object::Type;
use crate::value::Value;
use crate::vm::Vm;

/// Replaces bases that are no classes by what their `__mro_entries__` give. `None` if all stay as they are.
pub fn resolve_bases(vm: &mut Vm, bases: &[Value]) -> Py<Option<Vec<Value>>> {
    let mut resolved: Option<Vec<Value>> = None;
    for (at, base) in bases.iter().enumerate() {
        let entries = match base.cast::<Type>() {
            Some(_) => None,
            None => vm.get_attr_opt(base, name!("__mro_entries__"))?,
        };
        let Some(entries) = entries else {
            resolved.iter_mut().for_each(|row| row.push(base.clone()));
            continue;
        };
        let new = vm.call(&entries, &[new_tuple(bases.to_vec())])?;
        let Some(new) = tuple_object::items(&new) else {
            return Err(vm.type_error("__mro_entries__ must return a tuple"));
        };
        resolved
            .get_or_insert_with(|| bases[..at].to_vec())
            .extend(new.iter().cloned());
    }
    Ok(resolved)
}

/// Makes a class. `args` are the bases and the keywords of the class statement; `body` runs the class body in the namespace it
/// is given and returns the `__class__` cell, or `None`.
pub fn build_class(
    vm: &mut Vm,
    name: &Value,
    args: Args<'_>,
    body: impl FnOnce(&mut Vm, &Value) -> Py,
) -> Py {
    let original = args.pos();
    let resolved = resolve_bases(vm, original)?;
    let bases = resolved.as_deref().unwrap_or(original);
    let mut metaclass = None;
    let mut keyword_values = Vec::new();
    let mut keyword_names = Vec::new();
    for (key, value) in args.keywords() {
        if str_eq(key, name!("metaclass")) {
            metaclass = Some(value.clone());
        } else {
            keyword_names.push(key.clone());
            keyword_values.push(value.clone());
        }
    }
    let metaclass = metaclass.unwrap_or_else(|| match bases.first() {
        Some(base) => base.type_of().to_value(),
        None => types::TYPE.to_value(),
    });
    let metaclass = match metaclass.cast::<Type>() {
        Some(ty) => calculate_metaclass(vm, ty, bases)?.to_value(),
        None => metaclass,
    };
    let bases_tuple = new_tuple(bases.to_vec());
    let namespace = prepare(
        vm,
        &metaclass,
        name,
        &bases_tuple,
        &keyword_values,
        &keyword_names,
    )?;
    let cell = body(vm, &namespace)?;
    if resolved.is_some() {
        let original = new_tuple(original.to_vec());
        vm.set_item(&namespace, name!("__orig_bases__"), &original)?;
    }
    let mut row = vec![name.clone(), bases_tuple, namespace];
    row.extend(keyword_values);
    let class = vm.call_args(&metaclass, Args::new(&row, &keyword_names))?;
    check_cell(vm, &class, &cell, name)?;
    Ok(class)
}

/// The namespace that the metaclass's `__prepare__` gives.
fn prepare(
    vm: &mut Vm,
    metaclass: &Value,
    name: &Value,
    bases: &Value,
    keyword_values: &[Value],
    keyword_names: &[Value],
) -> Py {
    if metaclass.is(&types::TYPE.to_value()) {
        return Ok(crate::dict_object::new_dict());
    }
    let Some(prepare) = vm.get_attr_opt(metaclass, name!("__prepare__"))? else {
        return Ok(crate::dict_object::new_dict());
    };
    let mut row = vec![name.clone(), bases.clone()];
    row.extend(keyword_values.iter().cloned());
    let namespace = vm.call_args(&prepare, Args::new(&row, keyword_names))?;
    if namespace.type_of().slots().get_item.is_none() {
        let owner = metaclass
            .cast::<Type>()
            .map_or("<metaclass>", |ty| ty.name());
        let given = namespace.type_of().name();
        return Err(vm.type_error(format!(
            "{owner}.__prepare__() must return a mapping, not {given}"
        )));
    }
    Ok(namespace)
}

/// The `__class__` cell of the body must have come to hold the new class.
fn check_cell(vm: &mut Vm, class: &Value, cell: &Value, name: &Value) -> Py<()> {
    if class.cast::<Type>().is_none() || !cell.is_exact(&types::CELL) {
        return Ok(());
    }
    let found = vm.get_attr_opt(cell, name!("cell_contents"));
    let found = match found {
        Ok(found) => found,
        Err(raised) => {
            vm.catch(raised, &types::VALUE_ERROR)?;
            None
        }
    };
    match found {
        Some(found) if found.is(class) => Ok(()),
        Some(found) => {
            let (found, class) = (vm.repr_string(&found)?, vm.repr_string(class)?);
            let message = format!(
                "__class__ set to {found} defining '{}' as {class}",
                text_of(name)
            );
            Err(vm.type_error(message))
        }
        None => {
            let class = vm.repr_string(class)?;
            Err(vm.runtime_error(format!(
                "__class__ not set defining '{}' as {class}. Was __classcell__ propagated to type.__new__?",
                text_of(name)
            )))
        }
    }
}
