//! `FrameLocalsProxy`: the locals of a function's frame as a mapping that reads and writes the fast slots (PEP 667).

use crate::code_object::CodeObject;
use crate::frame_object::FrameObject;
use crate::function::Cell;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::payload::{Payload, Tracer};
use taipan_core::str_object::{is_str, new_str, str_eq};
use taipan_core::{
    Args, BinaryOp, CompareOp, Layout, MethodDef, Obj, Py, Slots, Type, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, alloc, builtin_types, f0, slice,
};
use taipan_types::list::new_list;

static PROXY: TypeObject = Type::declare("FrameLocalsProxy");

/// Payload of the view.
struct Proxy {
    frame: Value,
}

// SAFETY: the reference is reported.
unsafe impl Payload for Proxy {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &PROXY
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.frame);
    }
}

/// The view on a frame object's locals.
pub fn new_proxy(frame: Value) -> Value {
    alloc::new_object(Proxy { frame })
}

fn frame_of(value: &Value) -> &Obj<FrameObject> {
    value.expect::<Proxy>().frame.expect::<FrameObject>()
}

/// The fast slots in the order of `locals()`, each name once: a parameter that closures share is found in its cell.
fn slots(code: &CodeObject) -> impl Iterator<Item = usize> + '_ {
    let nlocals = code.code.varnames.len();
    let cell_of = move |slot: usize| {
        code.cell_to_arg
            .iter()
            .position(|arg| *arg == Some(slot as u32))
    };
    (0..code.slot_names.len()).filter_map(move |slot| {
        if slot < nlocals {
            return Some(cell_of(slot).map_or(slot, |cell| nlocals + cell));
        }
        let taken = code
            .cell_to_arg
            .get(slot - nlocals)
            .is_some_and(Option::is_some);
        if taken { None } else { Some(slot) }
    })
}

/// Is the variable in a cell?
fn is_cell(code: &CodeObject, slot: usize) -> bool {
    slot >= code.code.varnames.len()
}

/// The value of the variable in a slot.
fn read(frame: &FrameObject, slot: usize) -> Option<Value> {
    let value = frame.local(slot)?;
    if is_cell(frame.code(), slot) {
        return value.cast_exact::<Cell>()?.get();
    }
    Some(value)
}

/// The slot that a key means. A name may have two: that of an inlined comprehension counts while it is bound.
fn slot_of(vm: &mut Vm, frame: &FrameObject, key: &Value) -> Py<Option<usize>> {
    let hash = vm.hash(key)?;
    let code = frame.code();
    let mut found = None;
    for slot in slots(code) {
        let name = &code.slot_names[slot];
        let same = if is_str(key) {
            str_eq(name, key)
        } else {
            vm.hash(name)? == hash && vm.compare_bool(name, key, CompareOp::Eq)?
        };
        if same {
            found = Some(slot);
            if read(frame, slot).is_some() {
                break;
            }
        }
    }
    Ok(found)
}

fn extra(frame: &FrameObject) -> Option<Value> {
    frame.extra_locals.borrow().clone()
}

/// Has something been put into the mapping under names the code does not have?
pub(crate) fn has_extra(frame: &Value) -> bool {
    extra(frame.expect::<FrameObject>()).is_some()
}

/// What was put into the mapping under names the code does not have.
fn extra_or_make(frame: &FrameObject) -> Value {
    match extra(frame) {
        Some(extra) => extra,
        None => {
            let made = new_dict();
            frame.extra_locals.borrow_mut().get_or_insert(made).clone()
        }
    }
}

fn lookup(vm: &mut Vm, frame: &FrameObject, key: &Value) -> Py<Option<Value>> {
    if let Some(slot) = slot_of(vm, frame, key)?
        && let Some(value) = read(frame, slot)
    {
        return Ok(Some(value));
    }
    match extra(frame) {
        Some(extra) => extra.expect::<Dict>().get(vm, key),
        None => Ok(None),
    }
}

fn store(vm: &mut Vm, frame: &FrameObject, key: &Value, value: &Value) -> Py<()> {
    let Some(slot) = slot_of(vm, frame, key)? else {
        let extra = extra_or_make(frame);
        drop(extra.expect::<Dict>().insert(vm, key, value.clone())?);
        return Ok(());
    };
    if is_cell(frame.code(), slot)
        && let Some(holder) = frame.local(slot)
        && let Some(cell) = holder.cast_exact::<Cell>()
    {
        drop(cell.set(Some(value.clone())));
        return Ok(());
    }
    drop(frame.set_local(slot, Some(value.clone())));
    Ok(())
}

/// All variables that have a value, as a new dict: `locals()`.
pub fn snapshot(vm: &mut Vm, frame: &Value) -> Py {
    let frame = frame.expect::<FrameObject>();
    let dict = new_dict();
    let target = dict.expect::<Dict>();
    let code = frame.code();
    for slot in slots(code) {
        let name = &code.slot_names[slot];
        if let Some(value) = read(frame, slot)
            && target.get_name(name).is_none()
        {
            target.set_name(name, value);
        }
    }
    if let Some(extra) = extra(frame) {
        for (key, value) in extra.expect::<Dict>().items() {
            target.insert(vm, &key, value)?;
        }
    }
    Ok(dict)
}

fn copy(vm: &mut Vm, value: &Value) -> Py {
    snapshot(vm, &value.expect::<Proxy>().frame.clone())
}

fn entries(vm: &mut Vm, value: &Value) -> Py<Vec<(Value, Value)>> {
    Ok(copy(vm, value)?.expect::<Dict>().items())
}

// ---- slots ----

fn proxy_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    let ([frame], false) = (args.pos(), args.has_keywords()) else {
        let message = format!(
            "FrameLocalsProxy expected 1 argument, got {}",
            args.all().len()
        );
        return Err(vm.type_error(message));
    };
    if !frame.is_exact(&builtin_types::FRAME) {
        return Err(vm.type_error(format!("expect frame, not {}", frame.type_of().name())));
    }
    Ok(new_proxy(frame.clone()))
}

fn get_item(vm: &mut Vm, value: &Value, key: &Value) -> Py {
    match lookup(vm, frame_of(value), key)? {
        Some(found) => Ok(found),
        None => {
            let shown = vm.repr_string(key)?;
            Err(vm.raise(
                &builtin_types::KEY_ERROR,
                format!("local variable '{shown}' is not defined"),
            ))
        }
    }
}

/// Takes what was put in under a name that the code does not have.
fn remove(vm: &mut Vm, frame: &FrameObject, key: &Value) -> Py<Option<Value>> {
    if slot_of(vm, frame, key)?.is_some() {
        return Err(vm.value_error("cannot remove local variables from FrameLocalsProxy"));
    }
    match extra(frame) {
        Some(extra) => extra.expect::<Dict>().remove(vm, key),
        None => Ok(None),
    }
}

fn set_item(vm: &mut Vm, value: &Value, key: &Value, new: Option<&Value>) -> Py<()> {
    match new {
        Some(new) => store(vm, frame_of(value), key, new),
        None => match remove(vm, frame_of(value), key)? {
            Some(_) => Ok(()),
            None => Err(vm.key_error(key)),
        },
    }
}

fn len(vm: &mut Vm, value: &Value) -> Py<usize> {
    Ok(entries(vm, value)?.len())
}

fn contains(vm: &mut Vm, value: &Value, key: &Value) -> Py<bool> {
    Ok(lookup(vm, frame_of(value), key)?.is_some())
}

fn keys(vm: &mut Vm, value: &Value) -> Py {
    let keys = entries(vm, value)?
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    Ok(new_list(keys))
}

fn values(vm: &mut Vm, value: &Value) -> Py {
    let values = entries(vm, value)?
        .into_iter()
        .map(|(_, value)| value)
        .collect();
    Ok(new_list(values))
}

fn items(vm: &mut Vm, value: &Value) -> Py {
    let rows = entries(vm, value)?
        .into_iter()
        .map(|(key, value)| taipan_core::tuple_object::new_tuple([key, value]))
        .collect();
    Ok(new_list(rows))
}

fn iterate(vm: &mut Vm, value: &Value) -> Py {
    let keys = keys(vm, value)?;
    vm.iter(&keys)
}

fn reversed(vm: &mut Vm, value: &Value) -> Py {
    let keys = entries(vm, value)?
        .into_iter()
        .rev()
        .map(|(key, _)| key)
        .collect();
    Ok(new_list(keys))
}

fn repr(vm: &mut Vm, value: &Value) -> Py {
    if !vm.repr_enter(value) {
        return Ok(new_str("{...}"));
    }
    let text = copy(vm, value).and_then(|dict| vm.repr(&dict));
    vm.repr_leave();
    text
}

fn compare(vm: &mut Vm, left: &Value, right: &Value, op: CompareOp) -> Py {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) || left.cast_exact::<Proxy>().is_none() {
        return Ok(Value::not_implemented());
    }
    let equal = if let Some(other) = right.cast_exact::<Proxy>() {
        other.frame.is(&left.expect::<Proxy>().frame)
    } else if right.is_instance(&builtin_types::DICT) {
        let own = copy(vm, left)?;
        vm.compare_bool(&own, right, CompareOp::Eq)?
    } else {
        return Ok(Value::not_implemented());
    };
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

/// A mapping as a dict to merge from.
fn is_mapping(value: &Value) -> bool {
    value.is_instance(&builtin_types::DICT) || value.is_exact(&PROXY)
}

fn or(vm: &mut Vm, left: &Value, right: &Value) -> Py {
    if !is_mapping(left) || !is_mapping(right) {
        return Ok(Value::not_implemented());
    }
    let result = new_dict();
    for side in [left, right] {
        let side = if side.is_exact(&PROXY) {
            copy(vm, side)?
        } else {
            side.clone()
        };
        for (key, value) in side.expect::<Dict>().items() {
            result.expect::<Dict>().insert(vm, &key, value)?;
        }
    }
    Ok(result)
}

fn merge(vm: &mut Vm, value: &Value, other: &Value) -> Py<()> {
    let keys = vm.call_method(other, taipan_core::name!("keys"), &[])?;
    for key in vm.to_vec(&keys)? {
        let item = vm.get_item(other, &key)?;
        store(vm, frame_of(value), &key, &item)?;
    }
    Ok(())
}

fn inplace_or(vm: &mut Vm, left: &Value, right: &Value) -> Py {
    if !is_mapping(right) {
        return Ok(Value::not_implemented());
    }
    merge(vm, left, right)?;
    Ok(left.clone())
}

// ---- methods ----

fn get(vm: &mut Vm, value: &Value, args: &[Value]) -> Py {
    let found = lookup(vm, frame_of(value), &args[0])?;
    Ok(found
        .or_else(|| args.get(1).cloned())
        .unwrap_or_else(Value::none))
}

fn set_default(vm: &mut Vm, value: &Value, args: &[Value]) -> Py {
    if let Some(found) = lookup(vm, frame_of(value), &args[0])? {
        return Ok(found);
    }
    let default = args.get(1).cloned().unwrap_or_else(Value::none);
    store(vm, frame_of(value), &args[0], &default)?;
    Ok(default)
}

fn update(vm: &mut Vm, value: &Value, other: &Value) -> Py {
    if !is_mapping(other)
        && vm
            .get_attr_opt(other, taipan_core::name!("keys"))?
            .is_none()
    {
        return Err(vm.type_error("update() argument must be dict or another FrameLocalsProxy"));
    }
    merge(vm, value, other)?;
    Ok(Value::none())
}

fn pop(vm: &mut Vm, value: &Value, args: &[Value]) -> Py {
    let removed = remove(vm, frame_of(value), &args[0])?;
    match removed.or_else(|| args.get(1).cloned()) {
        Some(found) => Ok(found),
        None => Err(vm.key_error(&args[0])),
    }
}

static METHODS: [MethodDef; 9] = [
    f0("__reversed__(self, /)", reversed, ""),
    f0("copy(self, /)", copy, ""),
    f0("keys(self, /)", keys, ""),
    f0("values(self, /)", values, ""),
    f0("items(self, /)", items, ""),
    taipan_core::f1("update(self, other, /)", update, ""),
    slice("get(self, key, default=None, /)", get, ""),
    slice("pop(self, key, default=<unrepresentable>, /)", pop, ""),
    slice("setdefault(self, key, default=None, /)", set_default, ""),
];

static SPEC: TypeSpec = TypeSpec {
    name: "FrameLocalsProxy",
    flags: TypeFlags::MAPPING,
    layout: Some(const { &Layout::of::<Proxy>() }),
    slots: Slots {
        new: Some(proxy_new),
        repr: Some(repr),
        compare: Some(compare),
        iter: Some(iterate),
        len: Some(len),
        contains: Some(contains),
        get_item: Some(get_item),
        set_item: Some(set_item),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, or)
    .with_inplace(BinaryOp::Or, inplace_or),
    methods: &METHODS,
    doc: "Create a write-through view of the locals dictionary for a frame.\n\n  frame\n    the frame object to wrap.",
    ..TypeSpec::DEFAULT
};

/// Defines `FrameLocalsProxy`.
pub fn define() {
    PROXY.define(&SPEC);
}
