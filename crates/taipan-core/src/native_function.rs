//! Native functions as Python objects: functions of modules, and methods bound to their receivers.

use crate::Py;
use crate::args::Args;
use crate::bind::{Home, call_native};
use crate::builtin_types as types;
use crate::descriptor::{NEW, doc_or_none, reduce_to_getattr};
use crate::header::Obj;
use crate::name;
use crate::native::{MethodDef, MethodKind, getter};
use crate::payload::{Layout, Payload, Tracer};
use crate::slots::{CompareOp, Slots};
use crate::str_object::{self, new_str};
use crate::type_object::{Type, TypeFlags, TypeObject, TypeSpec};
use crate::value::Value;
use crate::vm::Vm;

/// Payload of native functions and of methods bound to their receivers.
pub struct NativeFunction {
    pub def: &'static MethodDef,
    /// The object, class or module the function is bound to.
    pub receiver: Option<Value>,
    /// The builtin type that has the method.
    pub owner: Option<&'static TypeObject>,
    /// The module's name, for functions of modules.
    pub module: Option<Value>,
}

// SAFETY: `receiver` and `module` are the only counted references.
unsafe impl Payload for NativeFunction {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::NATIVE_FUNCTION
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit_option(&self.receiver);
        tracer.visit_option(&self.module);
    }
}

/// A function of a module: `receiver` is the module (or nothing), `module` its name.
pub fn new_native_function(
    def: &'static MethodDef,
    receiver: Option<Value>,
    module: Option<Value>,
) -> Value {
    crate::alloc::new_object(NativeFunction {
        def,
        receiver,
        owner: None,
        module,
    })
}

/// A method of `owner` bound to `receiver`.
pub fn new_bound_native(
    def: &'static MethodDef,
    owner: &'static TypeObject,
    receiver: Value,
) -> Value {
    crate::alloc::new_object(NativeFunction {
        def,
        receiver: Some(receiver),
        owner: Some(owner),
        module: None,
    })
}

fn native_call(vm: &mut Vm, callee: &Value, args: Args<'_>) -> Py {
    // SAFETY: the slot is called on instances of this type only; it has no subclasses.
    let function = unsafe { callee.cast_unchecked::<NativeFunction>() };
    let none;
    let receiver = match &function.receiver {
        Some(receiver) => receiver,
        None => {
            none = Value::none();
            &none
        }
    };
    let module;
    let class = match (function.def.kind, &function.receiver) {
        (MethodKind::Class, Some(class)) => class.cast::<Type>(),
        _ => None,
    };
    let home = match (class.or(function.owner), &function.module) {
        (Some(owner), _) => Home::Type(owner),
        (None, Some(name)) => {
            module = str_object::str_of(name)
                .and_then(|text| text.ascii())
                .unwrap_or("");
            Home::Module(module)
        }
        (None, None) => Home::None,
    };
    call_native(vm, function.def, receiver, args, home)
}

fn native_repr(_vm: &mut Vm, callee: &Value) -> Py {
    let function = callee.expect::<NativeFunction>();
    let name = function.def.name();
    let text = match &function.receiver {
        Some(receiver) if !receiver.is_exact(&types::MODULE) => {
            format!(
                "<built-in method {name} of {} object at {:#x}>",
                receiver.type_of().name(),
                receiver.bits()
            )
        }
        _ => format!("<built-in function {name}>"),
    };
    Ok(new_str(&text))
}

fn native_compare(_vm: &mut Vm, left: &Value, right: &Value, op: CompareOp) -> Py {
    let (CompareOp::Eq | CompareOp::Ne, Some(a), Some(b)) = (
        op,
        left.cast::<NativeFunction>(),
        right.cast::<NativeFunction>(),
    ) else {
        return Ok(Value::not_implemented());
    };
    let same_receiver = match (&a.receiver, &b.receiver) {
        (Some(a), Some(b)) => a.is(b),
        (a, b) => a.is_none() && b.is_none(),
    };
    let equal = same_receiver && std::ptr::eq(a.def, b.def);
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

fn native_hash(_vm: &mut Vm, callee: &Value) -> Py<i64> {
    let function = callee.expect::<NativeFunction>();
    let receiver = function.receiver.as_ref().map_or(0, Value::bits);
    Ok((receiver.rotate_right(4) ^ function.def as *const MethodDef as u64) as i64 >> 1)
}

fn native_name(_vm: &mut Vm, callee: &Value) -> Py {
    Ok(str_object::name(
        callee.expect::<NativeFunction>().def.name(),
    ))
}

fn native_qualname(vm: &mut Vm, callee: &Value) -> Py {
    let function = callee.expect::<NativeFunction>();
    let name = function.def.name();
    let class = match &function.receiver {
        Some(receiver) if receiver.is_exact(&types::MODULE) => None,
        Some(receiver) if receiver.is_instance(&types::TYPE) => Some(receiver.clone()),
        Some(receiver) => Some(receiver.type_of().to_value()),
        None => None,
    };
    match class {
        Some(class) => {
            let qualname = vm.get_attr(&class, name!("__qualname__"))?;
            let text = vm.str_string(&qualname)?;
            Ok(new_str(&format!("{text}.{name}")))
        }
        None => Ok(str_object::name(name)),
    }
}

fn native_module(_vm: &mut Vm, callee: &Value) -> Py {
    Ok(callee
        .expect::<NativeFunction>()
        .module
        .clone()
        .unwrap_or_else(Value::none))
}

fn native_self(_vm: &mut Vm, callee: &Value) -> Py {
    Ok(callee
        .expect::<NativeFunction>()
        .receiver
        .clone()
        .unwrap_or_else(Value::none))
}

fn native_doc(_vm: &mut Vm, callee: &Value) -> Py {
    Ok(doc_or_none(callee.expect::<NativeFunction>().def.doc))
}

fn native_text_signature(_vm: &mut Vm, callee: &Value) -> Py {
    let function = callee.expect::<NativeFunction>();
    if std::ptr::eq(function.def, &NEW) {
        return Ok(new_str("($type, *args, **kwargs)"));
    }
    let receiver = match (
        function.def.kind,
        function.owner.is_some(),
        function.receiver.is_some(),
    ) {
        (MethodKind::Static, ..) => None,
        (MethodKind::Class, ..) => Some("type"),
        (_, true, _) => Some("self"),
        (_, false, true) => Some("module"),
        _ => None,
    };
    Ok(new_str(&function.def.parsed().text_signature(receiver)))
}

/// Pickled as `getattr(receiver, name)`, or by name if it is a module's.
fn native_reduce(vm: &mut Vm, callee: &Value) -> Py {
    let function = callee.expect::<NativeFunction>();
    let name = str_object::name(function.def.name());
    match &function.receiver {
        Some(receiver) if !receiver.is_exact(&types::MODULE) => {
            reduce_to_getattr(vm, receiver.clone(), name)
        }
        _ => Ok(name),
    }
}

static NATIVE_METHODS: [MethodDef; 1] = [crate::native::f0(
    "__reduce__(self, /)",
    native_reduce,
    "Helper for pickle.",
)];

static NATIVE_SPEC: TypeSpec = TypeSpec {
    name: "builtin_function_or_method",
    flags: TypeFlags::WEAKREF.union(TypeFlags::NO_INSTANTIATION),
    layout: Some(const { &Layout::of::<NativeFunction>() }),
    slots: Slots {
        call: Some(native_call),
        repr: Some(native_repr),
        hash: Some(native_hash),
        compare: Some(native_compare),
        ..Slots::NONE
    },
    methods: &NATIVE_METHODS,
    getset: const {
        &[
            getter("__doc__", native_doc, ""),
            getter("__name__", native_name, ""),
            getter("__qualname__", native_qualname, ""),
            getter("__module__", native_module, ""),
            getter("__self__", native_self, ""),
            getter("__text_signature__", native_text_signature, ""),
        ]
    },
    ..TypeSpec::DEFAULT
};

/// The payload of a native function or bound native method.
pub fn native_function(value: &Value) -> Option<&Obj<NativeFunction>> {
    value.cast_exact::<NativeFunction>()
}

/// Defines `builtin_function_or_method`.
pub fn define() {
    types::NATIVE_FUNCTION.define(&NATIVE_SPEC);
}
