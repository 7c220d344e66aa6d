//! What stands in for the function of a bound or default that was given as a value.

use super::call_typing;
use crate::builtins::import::import_module;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::items;
use taipan_core::{
    Args, Layout, Payload, Py, Slots, Tracer, Type, TypeObject, TypeSpec, Value, Vm, alloc, name,
};

static EVALUATOR: TypeObject = Type::declare("typing._ConstEvaluator");

struct Evaluator {
    value: Value,
}

// SAFETY: the reference is reported.
unsafe impl Payload for Evaluator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &EVALUATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.value);
    }
}

/// A callable that gives `value`, in the format it is asked for.
pub(super) fn create(value: Value) -> Value {
    alloc::new_object(Evaluator { value })
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let shown = vm.repr_string(&this.expect::<Evaluator>().value)?;
    Ok(new_str(&format!("<constevaluator {shown}>")))
}

/// The number of `annotationlib.Format.STRING`.
const STRING: i64 = 4;

fn call(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let [format] = args.all() else {
        let given = args.all().len();
        return Err(vm.type_error(format!(
            "_ConstEvaluator.__call__() takes exactly one argument ({given} given)"
        )));
    };
    let value = this.expect::<Evaluator>().value.clone();
    if vm.index_i64(format)? != STRING {
        return Ok(value);
    }
    let Some(row) = items(&value) else {
        return type_text(vm, &value);
    };
    let mut parts = Vec::with_capacity(row.len());
    for item in row {
        let text = type_text(vm, item)?;
        parts.push(vm.str_string(&text)?);
    }
    let comma = if parts.len() == 1 { "," } else { "" };
    Ok(new_str(&format!("({}{comma})", parts.join(", "))))
}

fn type_text(vm: &mut Vm, value: &Value) -> Py {
    let annotations = import_module(vm, "annotationlib")?;
    vm.call_method(
        &annotations,
        name!("type_repr"),
        std::slice::from_ref(value),
    )
}

static LAYOUT: Layout = Layout::of::<Evaluator>();
static SPEC: TypeSpec = TypeSpec {
    name: "typing._ConstEvaluator",
    layout: Some(&LAYOUT),
    slots: Slots {
        call: Some(call),
        repr: Some(repr),
        ..Slots::NONE
    },
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    EVALUATOR.define(&SPEC);
}

/// `typing._type_check(value, message)`
pub(super) fn type_check(vm: &mut Vm, value: &Value, message: &str) -> Py {
    call_typing(vm, name!("_type_check"), &[value.clone(), new_str(message)])
}
