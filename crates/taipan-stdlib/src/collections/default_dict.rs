//! `defaultdict`
#![expect(unsafe_code, reason = "a payload that begins with that of dict")]

use taipan_core::alloc::new_instance;
use taipan_core::builtin_types::DICT;
use taipan_core::dict_object::{Dict, dict_of};
use taipan_core::lock::{HasState, Locked};
use taipan_core::slots::BinaryOp;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Slots, Tracer, Type, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, f0, f1, getset, name,
};
use taipan_types::check;
use taipan_types::text::Builder;

/// The type `collections.defaultdict`.
pub static DEFAULT_DICT: TypeObject = Type::declare("collections.defaultdict");

/// Payload of `defaultdict`: that of `dict`, and the factory.
#[repr(C)]
pub struct DefaultDict {
    dict: Dict,
    factory: Locked<Option<Value>>,
}

impl HasState for DefaultDict {
    type State = Option<Value>;
    fn cell(&self) -> &Locked<Option<Value>> {
        &self.factory
    }
}

// SAFETY: the references are those of the dict and the factory.
unsafe impl Payload for DefaultDict {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &DEFAULT_DICT
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        self.dict.trace(tracer);
        // SAFETY: the world is stopped.
        tracer.visit_option(unsafe { self.factory.get_unlocked() });
    }
    fn clear(&self, out: &mut Vec<Value>) {
        self.dict.clear(out);
        // SAFETY: the object is garbage.
        out.extend(unsafe { self.factory.get_unlocked() }.take());
    }
    fn outside_size(&self) -> usize {
        self.dict.outside_size()
    }
}

static SPEC: TypeSpec = TypeSpec {
    name: "collections.defaultdict",
    base: Some(&DICT),
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, or),
    methods: &METHODS,
    getset: &GETSET,
    doc: "defaultdict(default_factory=None, /, [...]) --> dict with default factory\n\n\
          The default factory is called without arguments to produce\n\
          a new value when a key is not present, in __getitem__ only.\n\
          A defaultdict compares equal to a dict with the same items.\n\
          All remaining arguments are treated the same as if they were\n\
          passed to the dict constructor, including keyword arguments.",
};
static LAYOUT: Layout = Layout::of::<DefaultDict>();
static METHODS: [MethodDef; 5] = [
    f1(
        "__missing__(self, key, /)",
        missing,
        "__missing__(key) # Called by __getitem__ for missing key; pseudo-code:\n  \
         if self.default_factory is None: raise KeyError((key,))\n  \
         self[key] = value = self.default_factory()\n  return value\n",
    ),
    f0("copy(self, /)", copy, "D.copy() -> a shallow copy of D."),
    f0(
        "__copy__(self, /)",
        copy,
        "D.copy() -> a shallow copy of D.",
    ),
    f0(
        "__reduce__(self, /)",
        reduce,
        "Return state information for pickling.",
    ),
    check::class_getitem_row(),
];
static GETSET: [GetSetDef; 1] = [getset(
    "default_factory",
    get_factory,
    set_factory,
    "Factory for default value called by __missing__().",
)];

pub(super) fn define() {
    DEFAULT_DICT.define(&SPEC);
}

fn own(this: &Value) -> &Obj<DefaultDict> {
    this.expect::<DefaultDict>()
}

fn factory(vm: &mut Vm, this: &Value) -> Option<Value> {
    own(this).lock(vm).clone()
}

fn get_factory(vm: &mut Vm, this: &Value) -> Py {
    Ok(factory(vm, this).unwrap_or_else(Value::none))
}

fn set_factory(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let new = value.filter(|value| !value.is_none()).cloned();
    let old = std::mem::replace(&mut *own(this).lock(vm), new);
    drop(old);
    Ok(())
}

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(
        cls,
        DefaultDict {
            dict: Dict::empty(),
            factory: Locked::new(None),
        },
    ))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let rest = match args.pos().first() {
        Some(factory) => {
            if !factory.is_none() && !vm.is_callable(factory) {
                return Err(vm.type_error("first argument must be callable or None"));
            }
            set_factory(vm, this, Some(factory))?;
            args.skip_first()
        }
        None => {
            set_factory(vm, this, None)?;
            args
        }
    };
    match DICT.slots().init {
        Some(init) => init(vm, this, rest),
        None => Ok(()),
    }
}

fn missing(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    let Some(factory) = factory(vm, this) else {
        return Err(vm.key_error(key));
    };
    let value = vm.call(&factory, &[])?;
    // The factory may have stored the key itself: what it stored stays.
    let dict: &Obj<Dict> = this.expect::<Dict>();
    dict.set_default(vm, key, value)
}

/// A defaultdict of the same class with the items of `items`.
fn same_class(vm: &mut Vm, this: &Value, items: &Value) -> Py {
    let factory = get_factory(vm, this)?;
    vm.call(&this.type_of().to_value(), &[factory, items.clone()])
}

fn copy(vm: &mut Vm, this: &Value) -> Py {
    same_class(vm, this, this)
}

fn or(vm: &mut Vm, a: &Value, b: &Value) -> Py {
    let (Some(_), Some(_)) = (dict_of(a), dict_of(b)) else {
        return Ok(Value::not_implemented());
    };
    let this = if a.is_instance(&DEFAULT_DICT) { a } else { b };
    let joined = same_class(vm, this, a)?;
    vm.call_method(&joined, name!("update"), std::slice::from_ref(b))?;
    Ok(joined)
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let items = match DICT.slots().repr {
        Some(repr) => repr(vm, this)?,
        None => Value::none(),
    };
    let factory = get_factory(vm, this)?;
    let mut out = Builder::new();
    out.push_str(this.type_of().short_name());
    out.push_str("(");
    // The factory may be a bound method of this very object.
    if !factory.is_object() || vm.repr_enter(&factory) {
        let text = vm.repr(&factory);
        if factory.is_object() {
            vm.repr_leave();
        }
        out.push_value(&text?);
    } else {
        out.push_str("...");
    }
    out.push_str(", ");
    out.push_value(&items);
    out.push_str(")");
    out.finish(vm)
}

fn reduce(vm: &mut Vm, this: &Value) -> Py {
    let args = match factory(vm, this) {
        Some(factory) => new_tuple([factory]),
        None => new_tuple([]),
    };
    let items = vm.call_method(this, name!("items"), &[])?;
    let iterator = vm.iter(&items)?;
    Ok(new_tuple([
        this.type_of().to_value(),
        args,
        Value::none(),
        Value::none(),
        iterator,
    ]))
}
