//! `_tuplegetter`: the descriptor behind the fields of named tuples.

use crate::support::native_type;
use taipan_core::alloc::new_instance;
use taipan_core::lock::Locked;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm, f0,
    getset,
};
use taipan_types::check;

native_type! {
    /// Payload of `_tuplegetter`.
    TUPLE_GETTER "collections._tuplegetter" TupleGetter { at: usize }
    TupleGetterState { doc: Value }
}

static SPEC: TypeSpec = TypeSpec {
    name: "collections._tuplegetter",
    flags: TypeFlags::empty(),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        repr: Some(repr),
        descr_get: Some(descr_get),
        descr_set: Some(descr_set),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<TupleGetter>();
static METHODS: [MethodDef; 1] = [f0("__reduce__(self, /)", reduce, "")];
static GETSET: [GetSetDef; 1] = [getset("__doc__", get_doc, set_doc, "")];

pub(super) fn define() {
    TUPLE_GETTER.define(&SPEC);
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "_tuplegetter", args)?;
    let [at, doc] = args.pos() else {
        return Err(check::wrong_count(
            vm,
            "_tuplegetter",
            args.pos().len(),
            2,
            2,
        ));
    };
    let at = vm.index_i64(at)?;
    let getter = TupleGetter {
        at: usize::try_from(at).unwrap_or(usize::MAX),
        state: Locked::new(TupleGetterState { doc: doc.clone() }),
    };
    Ok(new_instance(cls, getter))
}

fn descr_get(vm: &mut Vm, this: &Value, object: Option<&Value>, _ty: &TypeObject) -> Py {
    let Some(object) = object else {
        return Ok(this.clone());
    };
    let at = this.expect::<TupleGetter>().at;
    let Some(row) = items(object) else {
        if object.is_none() {
            return Ok(this.clone());
        }
        let message = format!(
            "descriptor for index '{at}' for tuple subclasses doesn't apply to '{}' object",
            object.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    match row.get(at) {
        Some(item) => Ok(item.clone()),
        None => Err(vm.index_error("tuple index out of range")),
    }
}

fn descr_set(vm: &mut Vm, _this: &Value, _object: &Value, value: Option<&Value>) -> Py<()> {
    Err(vm.attribute_error(match value {
        Some(_) => "can't set attribute",
        None => "can't delete attribute",
    }))
}

fn get_doc(vm: &mut Vm, this: &Value) -> Py {
    Ok(this.expect::<TupleGetter>().lock(vm).doc.clone())
}

fn set_doc(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let new = value.cloned().unwrap_or_else(Value::none);
    let old = std::mem::replace(&mut this.expect::<TupleGetter>().lock(vm).doc, new);
    drop(old);
    Ok(())
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let doc = get_doc(vm, this)?;
    let doc = vm.repr_string(&doc)?;
    let (name, at) = (this.type_of().short_name(), this.expect::<TupleGetter>().at);
    Ok(new_str(&format!("{name}({at}, {doc})")))
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let doc = get_doc(vm, this)?;
    let at = Value::int(this.expect::<TupleGetter>().at as i64);
    Ok(new_tuple([this.type_of().to_value(), new_tuple([at, doc])]))
}
