//! `typing.Union`, which is also `types.UnionType`: `int | str`.

use crate::generic_alias::{GenericAlias, collect_parameters, substitute, type_text};
use std::sync::OnceLock;
use taipan_core::builtin_types as types;
use taipan_core::protocol::attribute::generic_get_attr;
use taipan_core::str_object::{is_str, new_str, str_eq};
use taipan_core::tuple_object::{self, new_tuple};
use taipan_core::type_object::Type;
use taipan_core::{
    BinaryOp, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, f1, getter, name,
};

/// Payload of unions.
pub struct Union {
    /// A tuple of the different members, two at least.
    args: Value,
    /// How many members had no hash.
    unhashable: usize,
    parameters: OnceLock<Value>,
}

// SAFETY: both references are reported; `parameters` is written once.
unsafe impl Payload for Union {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::UNION
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.args);
        if let Some(parameters) = self.parameters.get() {
            tracer.visit(parameters);
        }
    }
}

fn members(value: &Value) -> &[Value] {
    tuple_object::items(&value.expect::<Union>().args).unwrap_or(&[])
}

/// Can `|` join it to a class?
fn is_unionable(value: &Value) -> bool {
    value.is_none()
        || value.cast::<Type>().is_some()
        || value.is_instance(&types::GENERIC_ALIAS)
        || value.is_exact(&types::UNION)
        || value.type_of().full_name() == "typing.TypeAliasType"
}

/// Collects members, each once.
struct Builder {
    members: Vec<Value>,
    /// The members' hashes; `None` for unhashable ones.
    hashes: Vec<Option<i64>>,
}

impl Builder {
    fn new() -> Builder {
        Builder {
            members: Vec::new(),
            hashes: Vec::new(),
        }
    }

    fn add(&mut self, vm: &mut Vm, value: &Value) -> Py<()> {
        if value.is_none() {
            return self.add_one(vm, types::NONE_TYPE.to_value());
        }
        if value.is_exact(&types::UNION) {
            for member in members(value) {
                self.add_one(vm, member.clone())?;
            }
            return Ok(());
        }
        if is_str(value) {
            let reference = forward_reference(vm, value)?;
            return self.add_one(vm, reference);
        }
        self.add_one(vm, value.clone())
    }

    fn add_one(&mut self, vm: &mut Vm, value: Value) -> Py<()> {
        let hash = match vm.hash(&value) {
            Ok(hash) => Some(hash),
            Err(raised) => {
                vm.catch(raised, &types::TYPE_ERROR)?;
                None
            }
        };
        for (member, known) in self.members.iter().zip(&self.hashes) {
            if *known == hash && vm.equal(member, &value)? {
                return Ok(());
            }
        }
        self.members.push(value);
        self.hashes.push(hash);
        Ok(())
    }

    fn finish(mut self) -> Option<Value> {
        let unhashable = self.hashes.iter().filter(|hash| hash.is_none()).count();
        match self.members.len() {
            0 | 1 => self.members.pop(),
            _ => Some(taipan_core::alloc::new_object(Union {
                args: new_tuple(self.members),
                unhashable,
                parameters: OnceLock::new(),
            })),
        }
    }
}

/// A string among the members stands for a type of that name.
fn forward_reference(vm: &mut Vm, text: &Value) -> Py {
    let import = taipan_core::class::builtin(vm, name!("__import__"))?;
    let module = vm.call(&import, &[name!("annotationlib").clone()])?;
    vm.call_method(&module, name!("ForwardRef"), std::slice::from_ref(text))
}

/// `left | right` for classes, generic aliases, unions and `None`.
pub fn union_or(vm: &mut Vm, left: &Value, right: &Value) -> Py {
    let has_union = left.is_exact(&types::UNION) || right.is_exact(&types::UNION);
    if !(has_union || is_unionable(left) && is_unionable(right)) {
        return Ok(Value::not_implemented());
    }
    let mut builder = Builder::new();
    builder.add(vm, left)?;
    builder.add(vm, right)?;
    Ok(builder.finish().unwrap_or_else(Value::not_implemented))
}

/// The union of a row of members; a single one is itself.
pub fn union_of(vm: &mut Vm, row: &[Value]) -> Py {
    let mut builder = Builder::new();
    for member in row {
        builder.add(vm, member)?;
    }
    match builder.finish() {
        Some(union) => Ok(union),
        None => Err(vm.type_error("Cannot take a Union of no types.")),
    }
}

fn union_class_getitem(vm: &mut Vm, _cls: &Value, item: &Value) -> Py {
    match tuple_object::items(item) {
        Some(row) => union_of(vm, row),
        None => union_of(vm, std::slice::from_ref(item)),
    }
}

fn union_repr(vm: &mut Vm, value: &Value) -> Py {
    let mut parts = Vec::new();
    for member in members(value) {
        parts.push(type_text(vm, member)?);
    }
    Ok(new_str(&parts.join(" | ")))
}

/// Equal unions have the same members in any order.
fn union_compare(vm: &mut Vm, left: &Value, right: &Value, op: CompareOp) -> Py {
    let both = left.is_exact(&types::UNION) && right.is_exact(&types::UNION);
    if !both || !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let (a, b) = (members(left), members(right));
    let mut equal = a.len() == b.len();
    for member in a {
        if !equal {
            break;
        }
        equal = contains(vm, b, member)?;
    }
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

fn contains(vm: &mut Vm, row: &[Value], wanted: &Value) -> Py<bool> {
    for member in row {
        if vm.equal(member, wanted)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The hash of the members as a set. Members that had no hash when the union was made leave it without one for ever.
fn union_hash(vm: &mut Vm, value: &Value) -> Py<i64> {
    let unhashable = value.expect::<Union>().unhashable;
    if unhashable > 0 {
        for member in members(value) {
            vm.hash(member)?;
        }
        let plural = if unhashable == 1 { "" } else { "s" };
        return Err(vm.type_error(format!(
            "union contains {unhashable} unhashable element{plural}"
        )));
    }
    let set = vm.call(
        &types::FROZENSET.to_value(),
        &[value.expect::<Union>().args.clone()],
    )?;
    vm.hash(&set)
}

fn parameters(vm: &mut Vm, value: &Value) -> Py {
    let union = value.expect::<Union>();
    if let Some(parameters) = union.parameters.get() {
        return Ok(parameters.clone());
    }
    let found = collect_parameters(vm, members(value))?;
    Ok(union.parameters.get_or_init(|| found).clone())
}

fn union_get_item(vm: &mut Vm, value: &Value, item: &Value) -> Py {
    let parameters = parameters(vm, value)?;
    let row = substitute(
        vm,
        value,
        members(value),
        tuple_object::items(&parameters).unwrap_or(&[]),
        item,
    )?;
    union_of(vm, &row)
}

fn instance_check(vm: &mut Vm, value: &Value, object: &Value) -> Py {
    for member in members(value) {
        if member.cast::<GenericAlias>().is_some() {
            return Err(vm.type_error("isinstance() argument 2 cannot be a parameterized generic"));
        }
        if vm.is_instance(object, member)? {
            return Ok(Value::bool(true));
        }
    }
    Ok(Value::bool(false))
}

fn subclass_check(vm: &mut Vm, value: &Value, class: &Value) -> Py {
    for member in members(value) {
        if member.cast::<GenericAlias>().is_some() {
            return Err(vm.type_error("issubclass() argument 2 cannot be a parameterized generic"));
        }
        if vm.is_subclass(class, member)? {
            return Ok(Value::bool(true));
        }
    }
    Ok(Value::bool(false))
}

fn mro_entries(vm: &mut Vm, value: &Value, _bases: &Value) -> Py {
    let text = vm.repr_string(value)?;
    Err(vm.type_error(format!("Cannot subclass {text}")))
}

/// The module is that of the type, as typing's code expects of its forms.
fn union_get_attr(vm: &mut Vm, value: &Value, name: &Value) -> Py {
    if str_eq(name, name!("__module__")) {
        return vm.get_attr(&types::UNION.to_value(), name);
    }
    generic_get_attr(vm, value, name)
}

static METHODS: [MethodDef; 4] = [
    f1("__mro_entries__(self, bases, /)", mro_entries, ""),
    f1(
        "__class_getitem__(cls, item, /)",
        union_class_getitem,
        "See PEP 585",
    )
    .class_method(),
    f1("__instancecheck__(self, instance, /)", instance_check, ""),
    f1("__subclasscheck__(self, cls, /)", subclass_check, ""),
];

static GETSET: [GetSetDef; 5] = [
    getter("__args__", |_, v| Ok(v.expect::<Union>().args.clone()), ""),
    getter(
        "__name__",
        |_, _| Ok(name!("Union").clone()),
        "Name of the type",
    ),
    getter(
        "__qualname__",
        |_, _| Ok(name!("Union").clone()),
        "Qualified name of the type",
    ),
    getter(
        "__origin__",
        |_, _| Ok(types::UNION.to_value()),
        "Always returns the type",
    ),
    getter(
        "__parameters__",
        parameters,
        "Type variables in the types.UnionType.",
    ),
];

static SPEC: TypeSpec = TypeSpec {
    name: "typing.Union",
    flags: TypeFlags::WEAKREF.union(TypeFlags::NO_INSTANTIATION),
    layout: Some(const { &Layout::of::<Union>() }),
    slots: Slots {
        repr: Some(union_repr),
        get_attr: Some(union_get_attr),
        hash: Some(union_hash),
        compare: Some(union_compare),
        get_item: Some(union_get_item),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, union_or),
    methods: &METHODS,
    getset: &GETSET,
    doc: "Represent a union type\n\nE.g. for int | str",
    ..TypeSpec::DEFAULT
};

/// Defines `typing.Union`.
pub fn define_all() {
    types::UNION.define(&SPEC);
}
