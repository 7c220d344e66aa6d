//! `itemgetter`, `attrgetter`, `methodcaller`

use crate::support::native_type;
use taipan_core::alloc::new_object;
use taipan_core::lock::Locked;
use taipan_core::str_object::{self, is_str, new_str, str_of};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Py, Slots, TypeObject, TypeSpec, Value, Vm, f0, getter,
};
use taipan_types::check;
use taipan_types::text::Builder;

pub(super) fn types() -> [(&'static TypeObject, &'static TypeSpec); 3] {
    [
        (&ITEM_GETTER, &ITEM_GETTER_SPEC),
        (&ATTR_GETTER, &ATTR_GETTER_SPEC),
        (&METHOD_CALLER, &METHOD_CALLER_SPEC),
    ]
}

/// The one argument of a call.
fn only_argument<'a>(vm: &mut Vm, name: &str, args: Args<'a>) -> Py<&'a Value> {
    check::no_keywords(vm, name, args)?;
    match args.pos() {
        [object] => Ok(object),
        more => Err(check::wrong_count(vm, name, more.len(), 1, 1)),
    }
}

/// `type(a, b, key=c)`, with care for an object that is among its own arguments.
fn repr_call(vm: &mut Vm, this: &Value, args: &[Value], names: &[Value], values: &[Value]) -> Py {
    let name = this.type_of().full_name();
    if !vm.repr_enter(this) {
        return Ok(str_object::new_str(&format!("{name}(...)")));
    }
    let result = repr_arguments(vm, name, args, names, values);
    vm.repr_leave();
    result
}

fn repr_arguments(
    vm: &mut Vm,
    name: &str,
    args: &[Value],
    names: &[Value],
    values: &[Value],
) -> Py {
    let mut out = Builder::new();
    out.push_str(name);
    out.push_str("(");
    let mut first = true;
    let mut comma = |out: &mut Builder| {
        if !std::mem::take(&mut first) {
            out.push_str(", ");
        }
    };
    for value in args {
        comma(&mut out);
        out.push_value(&vm.repr(value)?);
    }
    for (name, value) in names.iter().zip(values) {
        comma(&mut out);
        out.push_value(name);
        out.push_str("=");
        out.push_value(&vm.repr(value)?);
    }
    out.push_str(")");
    out.finish(vm)
}

/// What `inspect.signature` shows for the instances.
static SIGNATURE: [GetSetDef; 1] = [getter(
    "__text_signature__",
    |_, _| Ok(new_str("(obj, /)")),
    "",
)];

// ---- itemgetter ----

native_type! {
    /// Payload of `itemgetter`.
    ITEM_GETTER "operator.itemgetter" ItemGetter { items: Vec<Value> }
    ItemGetterState {}
}

static ITEM_GETTER_SPEC: TypeSpec = TypeSpec {
    name: "operator.itemgetter",
    layout: Some(&ITEM_GETTER_LAYOUT),
    slots: Slots {
        new: Some(item_getter_new),
        call: Some(item_getter_call),
        repr: Some(item_getter_repr),
        ..Slots::NONE
    },
    methods: &ITEM_GETTER_METHODS,
    getset: &SIGNATURE,
    doc: "itemgetter(item, /, *items)\n--\n\nReturn a callable object that fetches the given item(s) from its operand.\n\
          After f = itemgetter(2), the call f(r) returns r[2].\n\
          After g = itemgetter(2, 5, 3), the call g(r) returns (r[2], r[5], r[3])",
    ..TypeSpec::DEFAULT
};
static ITEM_GETTER_LAYOUT: Layout = Layout::of::<ItemGetter>();
static ITEM_GETTER_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    item_getter_reduce,
    "Return state information for pickling",
)];

fn item_getter_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "itemgetter", args)?;
    if args.pos().is_empty() {
        return Err(check::wrong_count(vm, "itemgetter", 0, 1, 1));
    }
    Ok(new_object(ItemGetter {
        items: args.pos().to_vec(),
        state: Locked::new(ItemGetterState {}),
    }))
}

fn item_getter_call(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let object = only_argument(vm, "itemgetter", args)?;
    let own = this.expect::<ItemGetter>();
    if let [item] = &own.items[..] {
        return vm.get_item(object, item);
    }
    let mut row = Vec::with_capacity(own.items.len());
    for item in &own.items {
        row.push(vm.get_item(object, item)?);
    }
    Ok(new_tuple(row))
}

fn item_getter_repr(vm: &mut Vm, this: &Value) -> Py {
    repr_call(vm, this, &this.expect::<ItemGetter>().items, &[], &[])
}

fn item_getter_reduce(_vm: &mut Vm, this: &Value) -> Py {
    let items = this.expect::<ItemGetter>().items.iter().cloned();
    Ok(new_tuple([this.type_of().to_value(), new_tuple(items)]))
}

// ---- attrgetter ----

native_type! {
    /// Payload of `attrgetter`: the names as given, and taken apart at their dots.
    ATTR_GETTER "operator.attrgetter" AttrGetter { names: Vec<Value>, paths: Vec<Vec<Value>> }
    AttrGetterState {}
}

static ATTR_GETTER_SPEC: TypeSpec = TypeSpec {
    name: "operator.attrgetter",
    layout: Some(&ATTR_GETTER_LAYOUT),
    slots: Slots {
        new: Some(attr_getter_new),
        call: Some(attr_getter_call),
        repr: Some(attr_getter_repr),
        ..Slots::NONE
    },
    methods: &ATTR_GETTER_METHODS,
    getset: &SIGNATURE,
    doc: "attrgetter(attr, /, *attrs)\n--\n\nReturn a callable object that fetches the given attribute(s) from its operand.\n\
          After f = attrgetter('name'), the call f(r) returns r.name.\n\
          After g = attrgetter('name', 'date'), the call g(r) returns (r.name, r.date).\n\
          After h = attrgetter('name.first', 'name.last'), the call h(r) returns\n(r.name.first, r.name.last).",
    ..TypeSpec::DEFAULT
};
static ATTR_GETTER_LAYOUT: Layout = Layout::of::<AttrGetter>();
static ATTR_GETTER_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    attr_getter_reduce,
    "Return state information for pickling",
)];

/// The parts of a dotted name, interned.
fn path_of(name: &Value) -> Vec<Value> {
    let Some(text) = str_of(name) else {
        return Vec::new();
    };
    let points: Vec<u32> = text.code_points().collect();
    points
        .split(|c| *c == u32::from('.'))
        .map(|part| str_object::intern(&str_object::new_from_code_points(part)))
        .collect()
}

fn attr_getter_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "attrgetter", args)?;
    if args.pos().is_empty() {
        return Err(check::wrong_count(vm, "attrgetter", 0, 1, 1));
    }
    if !args.pos().iter().all(is_str) {
        return Err(vm.type_error("attribute name must be a string"));
    }
    Ok(new_object(AttrGetter {
        names: args.pos().to_vec(),
        paths: args.pos().iter().map(path_of).collect(),
        state: Locked::new(AttrGetterState {}),
    }))
}

fn follow(vm: &mut Vm, object: &Value, path: &[Value]) -> Py {
    let mut at = object.clone();
    for name in path {
        at = vm.get_attr(&at, name)?;
    }
    Ok(at)
}

fn attr_getter_call(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let object = only_argument(vm, "attrgetter", args)?;
    let own = this.expect::<AttrGetter>();
    if let [path] = &own.paths[..] {
        return follow(vm, object, path);
    }
    let mut row = Vec::with_capacity(own.paths.len());
    for path in &own.paths {
        row.push(follow(vm, object, path)?);
    }
    Ok(new_tuple(row))
}

fn attr_getter_repr(vm: &mut Vm, this: &Value) -> Py {
    repr_call(vm, this, &this.expect::<AttrGetter>().names, &[], &[])
}

fn attr_getter_reduce(_vm: &mut Vm, this: &Value) -> Py {
    let names = this.expect::<AttrGetter>().names.iter().cloned();
    Ok(new_tuple([this.type_of().to_value(), new_tuple(names)]))
}

// ---- methodcaller ----

native_type! {
    /// Payload of `methodcaller`: the method's name, and its arguments as a call takes them.
    METHOD_CALLER "operator.methodcaller" MethodCaller { name: Value, values: Vec<Value>, names: Vec<Value> }
    MethodCallerState {}
}

static METHOD_CALLER_SPEC: TypeSpec = TypeSpec {
    name: "operator.methodcaller",
    layout: Some(&METHOD_CALLER_LAYOUT),
    slots: Slots {
        new: Some(method_caller_new),
        call: Some(method_caller_call),
        repr: Some(method_caller_repr),
        ..Slots::NONE
    },
    methods: &METHOD_CALLER_METHODS,
    getset: &SIGNATURE,
    doc: "methodcaller(name, /, *args, **kwargs)\n--\n\nReturn a callable object that calls the given method on its operand.\n\
          After f = methodcaller('name'), the call f(r) returns r.name().\n\
          After g = methodcaller('name', 'date', foo=1), the call g(r) returns\nr.name('date', foo=1).",
    ..TypeSpec::DEFAULT
};
static METHOD_CALLER_LAYOUT: Layout = Layout::of::<MethodCaller>();
static METHOD_CALLER_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    method_caller_reduce,
    "Return state information for pickling",
)];

fn method_caller_new(vm: &mut Vm, _cls: &TypeObject, args: Args<'_>) -> Py {
    let Some(name) = args.pos().first() else {
        return Err(vm.type_error("methodcaller needs at least one argument, the method name"));
    };
    if !is_str(name) {
        return Err(vm.type_error("method name must be a string"));
    }
    Ok(new_object(MethodCaller {
        name: vm.attribute_name(name)?,
        values: args.all()[1..].to_vec(),
        names: args.names().to_vec(),
        state: Locked::new(MethodCallerState {}),
    }))
}

fn method_caller_call(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let object = only_argument(vm, "methodcaller", args)?;
    let own = this.expect::<MethodCaller>();
    let method = vm.get_attr(object, &own.name)?;
    vm.call_args(&method, Args::new(&own.values, &own.names))
}

fn method_caller_repr(vm: &mut Vm, this: &Value) -> Py {
    let own = this.expect::<MethodCaller>();
    let args = Args::new(&own.values, &own.names);
    let mut row = vec![own.name.clone()];
    row.extend(args.pos().iter().cloned());
    let values = &args.all()[args.pos().len()..];
    repr_call(vm, this, &row, args.names(), values)
}

fn method_caller_reduce(vm: &mut Vm, this: &Value) -> Py {
    let own = this.expect::<MethodCaller>();
    let args = Args::new(&own.values, &own.names);
    let cls = this.type_of().to_value();
    if !args.has_keywords() {
        let mut row = vec![own.name.clone()];
        row.extend(args.pos().iter().cloned());
        return Ok(new_tuple([cls, new_tuple(row)]));
    }
    // `partial(methodcaller, name, **keywords)(*args)`
    let functools = taipan_types::codec::registry::import(vm, "functools")?;
    let partial = vm.get_attr(&functools, taipan_core::name!("partial"))?;
    let mut row = vec![cls, own.name.clone()];
    row.extend(args.all()[args.pos().len()..].iter().cloned());
    let constructor = vm.call_args(&partial, Args::new(&row, args.names()))?;
    Ok(new_tuple([
        constructor,
        new_tuple(args.pos().iter().cloned()),
    ]))
}
