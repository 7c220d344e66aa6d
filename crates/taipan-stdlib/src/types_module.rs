//! `_types`: types that have no name among the builtins, for `types`.

use crate::ModuleDef;
use crate::support::add;
use taipan_core::builtin_types as types;
use taipan_core::{Py, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm};

/// The module `_types`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_types",
    doc: "Define names for built-in types.",
    functions: &[],
    init,
};

/// The type of pointers that C extensions hand to each other. Nothing makes one here; programs ask whether a value is one.
static CAPSULE: TypeObject = Type::declare("PyCapsule");
static CAPSULE_SPEC: TypeSpec = TypeSpec {
    name: "PyCapsule",
    flags: TypeFlags::NO_INSTANTIATION,
    doc: "A pointer that one C extension hands to another.",
    ..TypeSpec::DEFAULT
};

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    CAPSULE.define(&CAPSULE_SPEC);
    let rows: [(&str, &'static TypeObject); 27] = [
        ("AsyncGeneratorType", &types::ASYNC_GENERATOR),
        ("BuiltinFunctionType", &types::NATIVE_FUNCTION),
        ("BuiltinMethodType", &types::NATIVE_FUNCTION),
        ("CapsuleType", &CAPSULE),
        ("CellType", &types::CELL),
        ("ClassMethodDescriptorType", &types::CLASSMETHOD_DESCRIPTOR),
        ("CodeType", &types::CODE),
        ("CoroutineType", &types::COROUTINE),
        ("EllipsisType", &types::ELLIPSIS_TYPE),
        ("FrameType", &types::FRAME),
        ("FunctionType", &types::FUNCTION),
        ("GeneratorType", &types::GENERATOR),
        ("GenericAlias", &types::GENERIC_ALIAS),
        ("GetSetDescriptorType", &types::GETSET_DESCRIPTOR),
        ("LambdaType", &types::FUNCTION),
        ("MappingProxyType", &types::MAPPING_PROXY),
        ("MemberDescriptorType", &types::MEMBER_DESCRIPTOR),
        ("MethodDescriptorType", &types::METHOD_DESCRIPTOR),
        ("MethodType", &types::METHOD),
        ("MethodWrapperType", &types::METHOD_WRAPPER),
        ("ModuleType", &types::MODULE),
        ("NoneType", &types::NONE_TYPE),
        ("NotImplementedType", &types::NOT_IMPLEMENTED_TYPE),
        ("SimpleNamespace", &types::SIMPLE_NAMESPACE),
        ("TracebackType", &types::TRACEBACK),
        ("UnionType", &types::UNION),
        ("WrapperDescriptorType", &types::WRAPPER_DESCRIPTOR),
    ];
    for (name, ty) in rows {
        add(dict, name, ty.to_value());
    }
    Ok(())
}
