//! `cmp_to_key`: a comparison function as a key function.

use crate::support::{native_type, signature};
use taipan_core::alloc::new_object;
use taipan_core::bind::bind;
use taipan_core::lock::Locked;
use taipan_core::str_object::new_str;
use taipan_core::{
    Args, Bound, CompareOp, GetSetDef, Layout, MethodDef, Py, Slots, TypeFlags, TypeSpec, Value,
    Vm, getset, getter,
};

native_type! {
    /// Payload of the key function, and of the keys it makes, which have an object.
    KEY_WRAPPER "functools.KeyWrapper" KeyWrapper { function: Value }
    KeyWrapperState { object: Option<Value> }
}

static SPEC: TypeSpec = TypeSpec {
    name: "functools.KeyWrapper",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LAYOUT),
    slots: Slots {
        call: Some(call),
        compare: Some(compare),
        ..Slots::NONE
    },
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<KeyWrapper>();
static GETSET: [GetSetDef; 2] = [
    getset(
        "obj",
        get_object,
        set_object,
        "Value wrapped by a key function.",
    ),
    getter("__text_signature__", |_, _| Ok(new_str("(obj)")), ""),
];
static CALL: MethodDef = signature("K(obj)");

pub(super) fn define() {
    KEY_WRAPPER.define(&SPEC);
}

fn new_key(function: Value, object: Option<Value>) -> Value {
    new_object(KeyWrapper {
        function,
        state: Locked::new(KeyWrapperState { object }),
    })
}

pub(super) fn cmp_to_key(_vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    Ok(new_key(args.req(0).clone(), None))
}

fn call(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = bind(vm, &CALL, args)?;
    let function = this.expect::<KeyWrapper>().function.clone();
    Ok(new_key(function, Some(args.req(0).clone())))
}

fn compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (Some(left), Some(right)) = (a.cast::<KeyWrapper>(), b.cast::<KeyWrapper>()) else {
        return Err(vm.type_error("other argument must be K instance"));
    };
    let x = left.lock(vm).object.clone();
    let y = right.lock(vm).object.clone();
    let (Some(x), Some(y)) = (x, y) else {
        return Err(vm.attribute_error("object"));
    };
    let order = vm.call(&left.function, &[x, y])?;
    vm.compare(&order, &Value::from_i32(0), op)
}

fn get_object(vm: &mut Vm, this: &Value) -> Py {
    let object = this.expect::<KeyWrapper>().lock(vm).object.clone();
    Ok(object.unwrap_or_else(Value::none))
}

fn set_object(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let old = std::mem::replace(
        &mut this.expect::<KeyWrapper>().lock(vm).object,
        value.cloned(),
    );
    drop(old);
    Ok(())
}
