//! `TypeAliasType`: what the `type` statement makes.

use super::{calling_module, evaluator, name_argument, param, take_apart, union_or, unpacked};
use taipan_core::lock::{HasState, Locked};
use taipan_core::tuple_object::{empty_tuple, items, new_tuple};
use taipan_core::{
    Args, BinaryOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, Type, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, alloc, f0, getter,
};
use taipan_interp::function::Function;

/// The type `typing.TypeAliasType`.
pub static TYPE_ALIAS: TypeObject = Type::declare("typing.TypeAliasType");

/// Payload of type aliases.
struct Alias {
    name: Value,
    /// A tuple, or nothing for an alias without parameters.
    params: Option<Value>,
    /// The function that works the value out.
    compute: Option<Value>,
    module: Option<Value>,
    value: Locked<Option<Value>>,
}

impl HasState for Alias {
    type State = Option<Value>;
    fn cell(&self) -> &Locked<Option<Value>> {
        &self.value
    }
}

// SAFETY: all references are reported.
unsafe impl Payload for Alias {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &TYPE_ALIAS
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.name);
        tracer.visit_option(&self.params);
        tracer.visit_option(&self.compute);
        tracer.visit_option(&self.module);
        // SAFETY: the world is stopped.
        tracer.visit_option(unsafe { self.value.get_unlocked() });
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        out.extend(unsafe { self.value.get_unlocked() }.take());
    }
}

fn this(value: &Value) -> &Alias {
    value.expect::<Alias>()
}

/// An alias from `(name, type parameters or None, function)`.
pub(super) fn make(vm: &mut Vm, _module: &Value, parts: &Value) -> Py {
    let Some([name, params, compute]) = items(parts) else {
        return Err(vm.system_error("a type alias needs three parts"));
    };
    Ok(alloc::new_object(Alias {
        name: name.clone(),
        params: Some(params.clone()).filter(|params| !params.is_none()),
        compute: Some(compute.clone()),
        module: None,
        value: Locked::new(None),
    }))
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let names = ["name", "value", "type_params"];
    let [name, value, params] = take_apart(vm, "typealias", args, names, 2, None)?;
    let name = name_argument(vm, "typealias", name)?;
    if let Some(params) = &params {
        check_params(vm, params)?;
    }
    let params = params.filter(|params| items(params).is_some_and(|row| !row.is_empty()));
    let module = calling_module(vm);
    Ok(alloc::new_instance(
        cls,
        Alias {
            name,
            params,
            compute: None,
            module: Some(module),
            value: Locked::new(value),
        },
    ))
}

fn check_params(vm: &mut Vm, params: &Value) -> Py<()> {
    let Some(row) = items(params) else {
        return Err(vm.type_error("type_params must be a tuple"));
    };
    let mut defaults = false;
    for param in row {
        if !param::is_param(param) {
            let shown = vm.repr_string(param)?;
            return Err(vm.type_error(format!("Expected a type param, got {shown}")));
        }
        if param::has_default_value(vm, param) {
            defaults = true;
        } else if defaults {
            let shown = vm.str_string(&param::name_of(param))?;
            return Err(vm.type_error(format!(
                "non-default type parameter '{shown}' follows default type parameter"
            )));
        }
    }
    Ok(())
}

fn get_value(vm: &mut Vm, object: &Value) -> Py {
    let alias = object.expect::<Alias>();
    if let Some(value) = alias.lock(vm).clone() {
        return Ok(value);
    }
    let Some(compute) = &alias.compute else {
        return Ok(Value::none());
    };
    let value = vm.call(compute, &[Value::from_i32(1)])?;
    let old = alias.lock(vm).replace(value.clone());
    drop(old);
    Ok(value)
}

fn evaluate_value(vm: &mut Vm, object: &Value) -> Py {
    match &this(object).compute {
        Some(compute) => Ok(compute.clone()),
        None => Ok(evaluator::create(get_value(vm, object)?)),
    }
}

fn get_name(_vm: &mut Vm, object: &Value) -> Py {
    Ok(this(object).name.clone())
}

fn get_type_params(_vm: &mut Vm, object: &Value) -> Py {
    Ok(this(object).params.clone().unwrap_or_else(empty_tuple))
}

fn get_parameters(vm: &mut Vm, object: &Value) -> Py {
    match &this(object).params {
        Some(params) => param::unpack_tuples(vm, params),
        None => Ok(empty_tuple()),
    }
}

fn get_module(vm: &mut Vm, object: &Value) -> Py {
    let alias = this(object);
    if let Some(module) = &alias.module {
        return Ok(module.clone());
    }
    let module = alias
        .compute
        .as_ref()
        .and_then(|compute| compute.cast::<Function>()?.lock(vm).module.clone());
    Ok(module.unwrap_or_else(Value::none))
}

fn repr(vm: &mut Vm, object: &Value) -> Py {
    vm.str(&this(object).name)
}

fn get_item(vm: &mut Vm, object: &Value, key: &Value) -> Py {
    if this(object).params.is_none() {
        return Err(vm.type_error("Only generic type aliases are subscriptable"));
    }
    Ok(taipan_types::generic_alias::new_generic_alias(object, key))
}

fn iter(vm: &mut Vm, object: &Value) -> Py {
    let item = unpacked(vm, object)?;
    vm.iter(&new_tuple([item]))
}

static METHODS: [MethodDef; 1] = [f0("__reduce__(self, /)", get_name, "")];

static GETSET: [GetSetDef; 6] = [
    getter("__name__", get_name, ""),
    getter("__parameters__", get_parameters, ""),
    getter("__type_params__", get_type_params, ""),
    getter("__value__", get_value, ""),
    getter("evaluate_value", evaluate_value, ""),
    getter("__module__", get_module, ""),
];

static LAYOUT: Layout = Layout::of::<Alias>();
static SPEC: TypeSpec = TypeSpec {
    name: "typing.TypeAliasType",
    flags: TypeFlags::empty(),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        iter: Some(iter),
        get_item: Some(get_item),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, union_or),
    methods: &METHODS,
    getset: &GETSET,
    doc: "Type alias.\n\nType aliases are created through the type statement.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    TYPE_ALIAS.define(&SPEC);
}
