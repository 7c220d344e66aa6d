//! Weak proxies: objects that forward every operation to their target, and raise `ReferenceError` once it is gone.

use super::{WeakRef, enter, get, is_plain_proxy, object_and_callback, reuse, target_header};
use crate::args::Args;
use crate::builtin_types as types;
use crate::native::{MethodDef, f0};
use crate::payload::{Layout, Payload, Tracer};
use crate::slots::{BINARY_OPS, BinaryFn, BinaryOp, CompareOp, Slots};
use crate::str_object::new_str;
use crate::type_object::{TypeFlags, TypeObject, TypeSpec};
use crate::value::Value;
use crate::vm::Vm;
use crate::{Py, name};

/// Payload of both proxy types.
#[repr(transparent)]
pub struct WeakProxy(WeakRef);

// SAFETY: as for WeakRef.
unsafe impl Payload for WeakProxy {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::WEAK_PROXY_TYPE
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        self.0.trace(tracer);
    }
    fn clear(&self, out: &mut Vec<Value>) {
        self.0.clear(out);
    }
}

static LAYOUT: Layout = Layout::of::<WeakProxy>();

/// The reference inside a proxy.
pub(super) fn reference_of(value: &Value) -> Option<&WeakRef> {
    if value.is_exact(&types::WEAK_PROXY_TYPE) || value.is_exact(&types::WEAK_CALLABLE_PROXY_TYPE) {
        // SAFETY: both types, which cannot be subclassed, have this payload.
        Some(&unsafe { value.cast_unchecked::<WeakProxy>() }.0)
    } else {
        None
    }
}

/// A proxy of `object`; without a callback the same one as long as it lives.
pub fn new_proxy(vm: &mut Vm, object: &Value, callback: Option<Value>) -> Py {
    let header = target_header(vm, object)?;
    let plain = callback.is_none();
    if plain && let Some(known) = reuse(header, is_plain_proxy) {
        return Ok(known);
    }
    let cls = if vm.is_callable(object) {
        &types::WEAK_CALLABLE_PROXY_TYPE
    } else {
        &types::WEAK_PROXY_TYPE
    };
    let proxy = crate::alloc::new_instance(cls, WeakProxy(WeakRef::new(header, callback)));
    enter(header, &proxy, plain, true);
    Ok(proxy)
}

/// `weakref.proxy(object, callback=None, /)`
pub fn proxy_function(vm: &mut Vm, args: &[Value]) -> Py {
    let (object, callback) = object_and_callback(vm, "proxy", args)?;
    new_proxy(vm, object, callback)
}

/// A proxy's target; other objects are their own.
fn target(vm: &mut Vm, value: &Value) -> Py {
    match reference_of(value) {
        None => Ok(value.clone()),
        Some(reference) => match get(reference) {
            Some(target) => Ok(target),
            None => Err(vm.raise(
                &types::REFERENCE_ERROR,
                "weakly-referenced object no longer exists",
            )),
        },
    }
}

const SLOTS: Slots = Slots {
    repr: Some(proxy_repr),
    str: Some(|vm, proxy| {
        let target = target(vm, proxy)?;
        vm.str(&target)
    }),
    hash: Some(crate::slot_generic::hash_not_implemented),
    compare: Some(proxy_compare),
    get_attr: Some(|vm, proxy, name| {
        let target = target(vm, proxy)?;
        vm.get_attr(&target, name)
    }),
    set_attr: Some(|vm, proxy, name, value| {
        let target = target(vm, proxy)?;
        vm.set_attr(&target, name, value)
    }),
    iter: Some(|vm, proxy| {
        let target = target(vm, proxy)?;
        vm.iter(&target)
    }),
    next: Some(proxy_next),
    bool: Some(|vm, proxy| {
        let target = target(vm, proxy)?;
        vm.truth(&target)
    }),
    len: Some(|vm, proxy| {
        let target = target(vm, proxy)?;
        vm.length(&target)
    }),
    contains: Some(|vm, proxy, item| {
        let target = target(vm, proxy)?;
        vm.contains(&target, item)
    }),
    get_item: Some(|vm, proxy, key| {
        let target = target(vm, proxy)?;
        vm.get_item(&target, key)
    }),
    set_item: Some(|vm, proxy, key, value| {
        let target = target(vm, proxy)?;
        match value {
            Some(value) => vm.set_item(&target, key, value),
            None => vm.del_item(&target, key),
        }
    }),
    int: Some(|vm, proxy| {
        let target = target(vm, proxy)?;
        vm.call(&types::INT.to_value(), &[target])
    }),
    float: Some(|vm, proxy| {
        let target = target(vm, proxy)?;
        vm.call(&types::FLOAT.to_value(), &[target])
    }),
    index: Some(|vm, proxy| {
        let target = target(vm, proxy)?;
        vm.index(&target)
    }),
    negative: Some(|vm, proxy| {
        let target = target(vm, proxy)?;
        vm.unary(&target, |slots| slots.negative, "-")
    }),
    positive: Some(|vm, proxy| {
        let target = target(vm, proxy)?;
        vm.unary(&target, |slots| slots.positive, "+")
    }),
    absolute: Some(proxy_absolute),
    invert: Some(|vm, proxy| {
        let target = target(vm, proxy)?;
        vm.unary(&target, |slots| slots.invert, "~")
    }),
    binary: BINARY,
    inplace: INPLACE,
    power: Some(|vm, base, exponent, modulus| {
        let (base, exponent, modulus) = (
            target(vm, base)?,
            target(vm, exponent)?,
            target(vm, modulus)?,
        );
        vm.power(&base, &exponent, &modulus)
    }),
    inplace_power: Some(|vm, base, exponent, _modulus| {
        let (base, exponent) = (target(vm, base)?, target(vm, exponent)?);
        vm.inplace_power(&base, &exponent)
    }),
    ..Slots::NONE
};

/// One operator; `OP` is its number.
fn proxy_binary<const OP: usize>(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = (target(vm, a)?, target(vm, b)?);
    vm.binary(BinaryOp::ALL[OP], &a, &b)
}

fn proxy_inplace<const OP: usize>(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (a, b) = (target(vm, a)?, target(vm, b)?);
    vm.inplace(BinaryOp::ALL[OP], &a, &b)
}

macro_rules! per_operator {
    ($function:ident) => {
        [
            Some($function::<0>),
            Some($function::<1>),
            Some($function::<2>),
            Some($function::<3>),
            Some($function::<4>),
            Some($function::<5>),
            Some($function::<6>),
            Some($function::<7>),
            Some($function::<8>),
            Some($function::<9>),
            Some($function::<10>),
            Some($function::<11>),
            Some($function::<12>),
        ]
    };
}

const BINARY: [Option<BinaryFn>; BINARY_OPS] = per_operator!(proxy_binary);
const INPLACE: [Option<BinaryFn>; BINARY_OPS] = {
    let mut row: [Option<BinaryFn>; BINARY_OPS] = per_operator!(proxy_inplace);
    // There is no in-place divmod.
    row[BinaryOp::Divmod as usize] = None;
    row
};

static METHODS: [MethodDef; 2] = [
    f0("__bytes__(self, /)", proxy_bytes, ""),
    f0("__reversed__(self, /)", proxy_reversed, ""),
];

static PROXY_SPEC: TypeSpec = TypeSpec {
    name: "weakref.ProxyType",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LAYOUT),
    slots: SLOTS,
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

static CALLABLE_PROXY_SPEC: TypeSpec = TypeSpec {
    name: "weakref.CallableProxyType",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LAYOUT),
    slots: Slots {
        call: Some(proxy_call),
        ..SLOTS
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    types::WEAK_PROXY_TYPE.define(&PROXY_SPEC);
    types::WEAK_CALLABLE_PROXY_TYPE.define(&CALLABLE_PROXY_SPEC);
}

fn proxy_repr(_vm: &mut Vm, proxy: &Value) -> Py {
    let at = proxy.bits();
    let text = match reference_of(proxy).and_then(get) {
        Some(target) => {
            format!(
                "<weakproxy at {at:#x}; to '{}' at {:#x}>",
                target.type_of().full_name(),
                target.bits()
            )
        }
        None => format!("<weakproxy at {at:#x}; dead>"),
    };
    Ok(new_str(&text))
}

fn proxy_compare(vm: &mut Vm, a: &Value, b: &Value, op: CompareOp) -> Py {
    let (a, b) = (target(vm, a)?, target(vm, b)?);
    vm.compare(&a, &b, op)
}

fn proxy_next(vm: &mut Vm, proxy: &Value) -> Py<Option<Value>> {
    let target = target(vm, proxy)?;
    if target.type_of().slots().next.is_none() {
        let message = format!(
            "Weakref proxy referenced a non-iterator '{}' object",
            target.type_of().full_name()
        );
        return Err(vm.type_error(message));
    }
    vm.next_or_stop(&target)
}

fn proxy_absolute(vm: &mut Vm, proxy: &Value) -> Py {
    let target = target(vm, proxy)?;
    match target.type_of().slots().absolute {
        Some(absolute) => absolute(vm, &target),
        None => Err(vm.type_error(format!(
            "bad operand type for abs(): '{}'",
            target.type_of().full_name()
        ))),
    }
}

fn proxy_call(vm: &mut Vm, proxy: &Value, args: Args<'_>) -> Py {
    let target = target(vm, proxy)?;
    vm.call_args(&target, args)
}

fn proxy_bytes(vm: &mut Vm, proxy: &Value) -> Py {
    let target = target(vm, proxy)?;
    vm.call_method(&target, name!("__bytes__"), &[])
}

fn proxy_reversed(vm: &mut Vm, proxy: &Value) -> Py {
    let target = target(vm, proxy)?;
    vm.call_method(&target, name!("__reversed__"), &[])
}
