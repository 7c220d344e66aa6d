//! `types.GenericAlias`: `list[int]` and the like; substitution of type parameters, which unions share.

use std::sync::OnceLock;
use taipan_core::builtin_types as types;
use taipan_core::dict_object::Dict;
use taipan_core::lock::{HasState, Locked};
use taipan_core::protocol::attribute::generic_get_attr;
use taipan_core::str_object::{self, is_str, new_str};
use taipan_core::tuple_object::{self, new_tuple};
use taipan_core::type_object::Type;
use taipan_core::{
    Args, BinaryOp, CompareOp, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags,
    TypeObject, TypeSpec, Value, Vm, f0, f1, getter, name,
};

/// Payload of generic aliases.
pub struct GenericAlias {
    origin: Value,
    /// A tuple.
    args: Value,
    /// It was unpacked: `*tuple[int]`.
    starred: bool,
    parameters: OnceLock<Value>,
}

// SAFETY: the three references are reported; `parameters` is written once.
unsafe impl Payload for GenericAlias {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &types::GENERIC_ALIAS
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        tracer.visit(&self.origin);
        tracer.visit(&self.args);
        if let Some(parameters) = self.parameters.get() {
            tracer.visit(parameters);
        }
    }
}

fn as_tuple(value: &Value) -> Value {
    if tuple_object::items(value).is_some() {
        value.clone()
    } else {
        new_tuple([value.clone()])
    }
}

fn make(cls: &TypeObject, origin: Value, args: Value, starred: bool) -> Value {
    let alias = GenericAlias {
        origin,
        args,
        starred,
        parameters: OnceLock::new(),
    };
    taipan_core::alloc::new_instance(cls, alias)
}

/// `origin[args]`; `args` need not be a tuple.
pub fn new_generic_alias(origin: &Value, args: &Value) -> Value {
    make(&types::GENERIC_ALIAS, origin.clone(), as_tuple(args), false)
}

/// For the interpreter's hook: `cls[item]` of a builtin class.
pub fn generic_alias_hook(_vm: &mut Vm, cls: &Value, item: &Value) -> Py {
    Ok(new_generic_alias(cls, item))
}

fn alias_new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if args.has_keywords() {
        return Err(vm.type_error("GenericAlias() takes no keyword arguments"));
    }
    let [origin, arguments] = args.all() else {
        return Err(vm.type_error(format!(
            "GenericAlias expected 2 arguments, got {}",
            args.all().len()
        )));
    };
    Ok(make(cls, origin.clone(), as_tuple(arguments), false))
}

fn this(value: &Value) -> &GenericAlias {
    value.expect::<GenericAlias>()
}

// ---- text ----

/// A type as annotations show it: `int`, `module.Class`, `...`, else its `repr`.
pub fn type_text(vm: &mut Vm, value: &Value) -> Py<String> {
    if value.is(&Value::ellipsis()) {
        return Ok("...".to_owned());
    }
    if value.is_exact(&types::NONE_TYPE) || value.is(&types::NONE_TYPE.to_value()) {
        return Ok("None".to_owned());
    }
    if vm.get_attr_opt(value, name!("__origin__"))?.is_some()
        && vm.get_attr_opt(value, name!("__args__"))?.is_some()
    {
        return vm.repr_string(value);
    }
    let Some(qualname) = vm.get_attr_opt(value, name!("__qualname__"))? else {
        return vm.repr_string(value);
    };
    let Some(module) = vm
        .get_attr_opt(value, name!("__module__"))?
        .filter(|module| !module.is_none())
    else {
        return vm.repr_string(value);
    };
    let qualname = vm.str_string(&qualname)?;
    let module = vm.str_string(&module)?;
    Ok(if module == "builtins" {
        qualname
    } else {
        format!("{module}.{qualname}")
    })
}

/// An argument: lists (of `Callable` and the like) show their items as types.
fn argument_text(vm: &mut Vm, value: &Value) -> Py<String> {
    if !value.is_exact(&types::LIST) {
        return type_text(vm, value);
    }
    vm.check_stack()?;
    let mut parts = Vec::new();
    // Showing an item may shorten the list: then a later one is an IndexError.
    for at in 0..vm.length(value)? {
        let item = vm.get_item(value, &Value::int(at as i64))?;
        parts.push(argument_text(vm, &item)?);
    }
    Ok(format!("[{}]", parts.join(", ")))
}

fn alias_repr(vm: &mut Vm, value: &Value) -> Py {
    let alias = this(value);
    let origin = type_text(vm, &alias.origin)?;
    let mut parts = Vec::new();
    for item in tuple_object::items(&alias.args).unwrap_or(&[]) {
        parts.push(argument_text(vm, item)?);
    }
    let star = if alias.starred { "*" } else { "" };
    let inside = if parts.is_empty() {
        "()".to_owned()
    } else {
        parts.join(", ")
    };
    Ok(new_str(&format!("{star}{origin}[{inside}]")))
}

// ---- type parameters ----

/// Is it a class, which never is a type parameter itself?
fn is_class(value: &Value) -> bool {
    value.cast::<Type>().is_some()
}

fn is_row(value: &Value) -> bool {
    value.is_instance(&types::TUPLE) || value.is_instance(&types::LIST)
}

fn add_unique(row: &mut Vec<Value>, value: Value) {
    if !row.iter().any(|known| known.is(&value)) {
        row.push(value);
    }
}

/// The type parameters in a row of arguments, each once, as a tuple.
pub fn collect_parameters(vm: &mut Vm, args: &[Value]) -> Py {
    vm.check_stack()?;
    let mut found = Vec::new();
    for arg in args {
        if is_class(arg) {
            continue;
        }
        if is_row(arg) {
            let inner = vm.to_vec(arg)?;
            let inner = collect_parameters(vm, &inner)?;
            tuple_object::items(&inner)
                .unwrap_or(&[])
                .iter()
                .for_each(|p| add_unique(&mut found, p.clone()));
        } else if vm.get_attr_opt(arg, name!("__typing_subst__"))?.is_some() {
            add_unique(&mut found, arg.clone());
        } else if let Some(inner) = vm.get_attr_opt(arg, name!("__parameters__"))? {
            tuple_object::items(&inner)
                .unwrap_or(&[])
                .iter()
                .for_each(|p| add_unique(&mut found, p.clone()));
        }
    }
    Ok(new_tuple(found))
}

/// Flattens `*tuple[...]` among the items of a subscript.
fn unpack_items(vm: &mut Vm, item: &Value) -> Py<Vec<Value>> {
    let mut row = Vec::new();
    let tuple = as_tuple(item);
    for item in tuple_object::items(&tuple).unwrap_or(&[]) {
        if !is_class(item)
            && let Some(inner) = vm.get_attr_opt(item, name!("__typing_unpacked_tuple_args__"))?
            && let Some(inner) = tuple_object::items(&inner)
            && !inner.last().is_some_and(|last| last.is(&Value::ellipsis()))
        {
            row.extend(inner.iter().cloned());
        } else {
            row.push(item.clone());
        }
    }
    Ok(row)
}

/// The arguments of `owner` with its type parameters replaced by what `item` holds.
pub fn substitute(
    vm: &mut Vm,
    owner: &Value,
    args: &[Value],
    parameters: &[Value],
    item: &Value,
) -> Py<Vec<Value>> {
    if parameters.is_empty() {
        let text = vm.repr_string(owner)?;
        return Err(vm.type_error(format!("{text} is not a generic class")));
    }
    let mut items = unpack_items(vm, item)?;
    for parameter in parameters {
        let prepare = vm.get_attr_opt(parameter, name!("__typing_prepare_subst__"))?;
        if let Some(prepare) = prepare.filter(|prepare| !prepare.is_none()) {
            let row = new_tuple(items);
            let prepared = vm.call(&prepare, &[owner.clone(), row])?;
            items = tuple_object::items(&as_tuple(&prepared))
                .unwrap_or(&[])
                .to_vec();
        }
    }
    if items.len() != parameters.len() {
        let word = if items.len() > parameters.len() {
            "many"
        } else {
            "few"
        };
        let text = vm.repr_string(owner)?;
        let message = format!(
            "Too {word} arguments for {text}; actual {}, expected {}",
            items.len(),
            parameters.len()
        );
        return Err(vm.type_error(message));
    }
    substitute_row(vm, args, parameters, &items)
}

fn substitute_row(
    vm: &mut Vm,
    args: &[Value],
    parameters: &[Value],
    items: &[Value],
) -> Py<Vec<Value>> {
    vm.check_stack()?;
    let mut row = Vec::with_capacity(args.len());
    for arg in args {
        if is_class(arg) {
            row.push(arg.clone());
            continue;
        }
        if is_row(arg) {
            let inner = vm.to_vec(arg)?;
            let inner = new_tuple(substitute_row(vm, &inner, parameters, items)?);
            let is_list = arg.is_instance(&types::LIST);
            row.push(if is_list {
                vm.call(&types::LIST.to_value(), &[inner])?
            } else {
                inner
            });
            continue;
        }
        let unpack = match vm.get_attr_opt(arg, name!("__typing_is_unpacked_typevartuple__"))? {
            Some(flag) => vm.truth(&flag)?,
            None => false,
        };
        let new = match vm.get_attr_opt(arg, name!("__typing_subst__"))? {
            Some(subst) => {
                let at = parameters.iter().position(|parameter| parameter.is(arg));
                match at.and_then(|at| items.get(at)) {
                    Some(item) => vm.call(&subst, std::slice::from_ref(item))?,
                    None => {
                        let text = vm.repr_string(arg)?;
                        let message = format!("argument {text} is not found in __parameters__");
                        return Err(vm.type_error(message));
                    }
                }
            }
            None => substitute_inside(vm, arg, parameters, items)?,
        };
        if unpack {
            let Some(inner) = tuple_object::items(&new) else {
                let message = format!(
                    "expected __typing_subst__ of {} objects to return a tuple, not {}",
                    arg.type_of().name(),
                    new.type_of().name()
                );
                return Err(vm.type_error(message));
            };
            row.extend(inner.iter().cloned());
        } else {
            row.push(new);
        }
    }
    Ok(row)
}

/// Substitutes inside an argument that is generic itself.
fn substitute_inside(vm: &mut Vm, arg: &Value, parameters: &[Value], items: &[Value]) -> Py {
    let Some(inner) = vm.get_attr_opt(arg, name!("__parameters__"))? else {
        return Ok(arg.clone());
    };
    let Some(inner) = tuple_object::items(&inner).filter(|inner| !inner.is_empty()) else {
        return Ok(arg.clone());
    };
    let mut row = Vec::new();
    for parameter in inner {
        match parameters
            .iter()
            .position(|known| known.is(parameter))
            .and_then(|at| items.get(at))
        {
            // What replaces a type variable tuple is a row of its own.
            Some(item)
                if parameter.type_of().slots().iter.is_some()
                    && tuple_object::items(item).is_some() =>
            {
                row.extend(tuple_object::items(item).unwrap_or(&[]).iter().cloned());
            }
            Some(item) => row.push(item.clone()),
            None => row.push(parameter.clone()),
        }
    }
    let key = new_tuple(row);
    vm.get_item(arg, &key)
}

fn parameters(vm: &mut Vm, value: &Value) -> Py {
    let alias = this(value);
    if let Some(parameters) = alias.parameters.get() {
        return Ok(parameters.clone());
    }
    let args = tuple_object::items(&alias.args).unwrap_or(&[]);
    let found = collect_parameters(vm, args)?;
    Ok(alias.parameters.get_or_init(|| found).clone())
}

fn alias_get_item(vm: &mut Vm, value: &Value, item: &Value) -> Py {
    let alias = this(value);
    let parameters = parameters(vm, value)?;
    let args = tuple_object::items(&alias.args).unwrap_or(&[]);
    let row = substitute(
        vm,
        value,
        args,
        tuple_object::items(&parameters).unwrap_or(&[]),
        item,
    )?;
    Ok(make(
        &types::GENERIC_ALIAS,
        alias.origin.clone(),
        new_tuple(row),
        alias.starred,
    ))
}

// ---- behaving like the origin ----

/// Attributes of the alias itself; all others are the origin's.
const OWN: [&str; 9] = [
    "__class__",
    "__origin__",
    "__args__",
    "__unpacked__",
    "__parameters__",
    "__typing_unpacked_tuple_args__",
    "__mro_entries__",
    "__reduce_ex__",
    "__reduce__",
];

/// Attributes that the alias does not take over from its origin.
const BLOCKED: [&str; 3] = ["__bases__", "__copy__", "__deepcopy__"];

fn alias_get_attr(vm: &mut Vm, value: &Value, name: &Value) -> Py {
    let text = str_object::str_of(name)
        .and_then(|text| text.ascii())
        .unwrap_or("");
    if is_str(name) && !OWN.contains(&text) && !BLOCKED.contains(&text) {
        let origin = this(value).origin.clone();
        return vm.get_attr(&origin, name);
    }
    generic_get_attr(vm, value, name)
}

fn alias_call(vm: &mut Vm, value: &Value, args: Args<'_>) -> Py {
    let object = vm.call_args(&this(value).origin.clone(), args)?;
    if let Err(raised) = vm.set_attr(&object, name!("__orig_class__"), Some(value)) {
        if vm.pending_is(&types::ATTRIBUTE_ERROR) || vm.pending_is(&types::TYPE_ERROR) {
            drop(vm.take_raised(raised));
        } else {
            return Err(raised);
        }
    }
    Ok(object)
}

fn alias_compare(vm: &mut Vm, left: &Value, right: &Value, op: CompareOp) -> Py {
    let (CompareOp::Eq | CompareOp::Ne, Some(a), Some(b)) = (
        op,
        left.cast::<GenericAlias>(),
        right.cast::<GenericAlias>(),
    ) else {
        return Ok(Value::not_implemented());
    };
    let equal =
        a.starred == b.starred && vm.equal(&a.origin, &b.origin)? && vm.equal(&a.args, &b.args)?;
    Ok(Value::bool(equal == (op == CompareOp::Eq)))
}

fn alias_hash(vm: &mut Vm, value: &Value) -> Py<i64> {
    let alias = this(value);
    let hash = vm.hash(&alias.origin)? ^ vm.hash(&alias.args)?;
    Ok(if hash == -1 { -2 } else { hash })
}

/// Unpacking (`*tuple[int]`) gives the starred alias once.
fn alias_iter(vm: &mut Vm, value: &Value) -> Py {
    vm.check_stack()?;
    Ok(taipan_core::alloc::new_object(AliasIterator {
        alias: Locked::new(Some(value.clone())),
    }))
}

/// Payload of the iterator that gives the starred alias; empty once it has.
struct AliasIterator {
    alias: Locked<Option<Value>>,
}

static ALIAS_ITERATOR: TypeObject = Type::declare("generic_alias_iterator");

impl HasState for AliasIterator {
    type State = Option<Value>;
    fn cell(&self) -> &Locked<Option<Value>> {
        &self.alias
    }
}

// SAFETY: the alias is the only reference.
unsafe impl Payload for AliasIterator {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &ALIAS_ITERATOR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        tracer.visit_option(unsafe { self.alias.get_unlocked() });
    }
    fn clear(&self, out: &mut Vec<Value>) {
        // SAFETY: the object is garbage.
        out.extend(unsafe { self.alias.get_unlocked() }.take());
    }
}

fn alias_next(vm: &mut Vm, iterator: &Value) -> Py<Option<Value>> {
    let Some(value) = iterator.expect::<AliasIterator>().lock(vm).take() else {
        return Ok(None);
    };
    let alias = this(&value);
    let (origin, args) = (alias.origin.clone(), alias.args.clone());
    Ok(Some(make(&types::GENERIC_ALIAS, origin, args, true)))
}

fn alias_iterator_reduce(vm: &mut Vm, iterator: &Value) -> Py {
    // Looking `iter` up may run code that exhausts the iterator.
    let function = crate::iterators::builtin(vm, name!("iter"))?;
    let left = iterator.expect::<AliasIterator>().lock(vm).clone();
    let source = left.unwrap_or_else(tuple_object::empty_tuple);
    Ok(new_tuple([function, new_tuple([source])]))
}

static ALIAS_ITERATOR_METHODS: [MethodDef; 1] = [f0(
    "__reduce__(self, /)",
    alias_iterator_reduce,
    "Return state information for pickling.",
)];

static ALIAS_ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "generic_alias_iterator",
    layout: Some(const { &Layout::of::<AliasIterator>() }),
    slots: Slots {
        iter: Some(crate::iterators::itself),
        next: Some(alias_next),
        ..Slots::NONE
    },
    methods: &ALIAS_ITERATOR_METHODS,
    ..TypeSpec::DEFAULT
};

fn alias_or(vm: &mut Vm, left: &Value, right: &Value) -> Py {
    crate::union_type::union_or(vm, left, right)
}

fn no_instance_check(vm: &mut Vm, _value: &Value, _object: &Value) -> Py {
    Err(vm.type_error("isinstance() argument 2 cannot be a parameterized generic"))
}

fn no_subclass_check(vm: &mut Vm, _value: &Value, _object: &Value) -> Py {
    Err(vm.type_error("issubclass() argument 2 cannot be a parameterized generic"))
}

fn mro_entries(_vm: &mut Vm, value: &Value, _bases: &Value) -> Py {
    Ok(new_tuple([this(value).origin.clone()]))
}

fn alias_reduce(vm: &mut Vm, value: &Value) -> Py {
    let alias = this(value);
    if alias.starred {
        let plain = make(
            &types::GENERIC_ALIAS,
            alias.origin.clone(),
            alias.args.clone(),
            false,
        );
        let next = taipan_core::class::builtin(vm, name!("next"))?;
        return Ok(new_tuple([next, new_tuple([vm.iter(&plain)?])]));
    }
    Ok(new_tuple([
        types::GENERIC_ALIAS.to_value(),
        new_tuple([alias.origin.clone(), alias.args.clone()]),
    ]))
}

fn alias_dir(vm: &mut Vm, value: &Value) -> Py {
    let dir = taipan_core::class::builtin(vm, name!("dir"))?;
    let own = vm.call(&dir, &[this(value).origin.clone()])?;
    let names = taipan_core::dict_object::new_dict();
    for name in vm.to_vec(&own)? {
        names.expect::<Dict>().insert(vm, &name, Value::none())?;
    }
    for name in OWN {
        names
            .expect::<Dict>()
            .set_name(&str_object::name(name), Value::none());
    }
    let names = new_tuple(names.expect::<Dict>().keys());
    vm.call(&types::LIST.to_value(), &[names])
}

fn unpacked_tuple_args(_vm: &mut Vm, value: &Value) -> Py {
    let alias = this(value);
    let unpacked_tuple = alias.starred && alias.origin.is(&types::TUPLE.to_value());
    Ok(if unpacked_tuple {
        alias.args.clone()
    } else {
        Value::none()
    })
}

static METHODS: [MethodDef; 5] = [
    f1("__mro_entries__(self, bases, /)", mro_entries, ""),
    f1(
        "__instancecheck__(self, instance, /)",
        no_instance_check,
        "",
    ),
    f1("__subclasscheck__(self, cls, /)", no_subclass_check, ""),
    f0("__reduce__(self, /)", alias_reduce, ""),
    f0("__dir__(self, /)", alias_dir, ""),
];

static GETSET: [GetSetDef; 5] = [
    getter("__origin__", |_, v| Ok(this(v).origin.clone()), ""),
    getter("__args__", |_, v| Ok(this(v).args.clone()), ""),
    getter("__unpacked__", |_, v| Ok(Value::bool(this(v).starred)), ""),
    getter(
        "__parameters__",
        parameters,
        "Type variables in the GenericAlias.",
    ),
    getter("__typing_unpacked_tuple_args__", unpacked_tuple_args, ""),
];

static SPEC: TypeSpec = TypeSpec {
    name: "types.GenericAlias",
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    layout: Some(const { &Layout::of::<GenericAlias>() }),
    slots: Slots {
        new: Some(alias_new),
        repr: Some(alias_repr),
        hash: Some(alias_hash),
        call: Some(alias_call),
        get_attr: Some(alias_get_attr),
        compare: Some(alias_compare),
        iter: Some(alias_iter),
        get_item: Some(alias_get_item),
        ..Slots::NONE
    }
    .with_binary(BinaryOp::Or, alias_or),
    methods: &METHODS,
    getset: &GETSET,
    doc: "GenericAlias(origin, args, /)\n--\n\nRepresent a PEP 585 generic type\n\n\
          For t = list[int], t.__origin__ is list and t.__args__ is (int,).",
    ..TypeSpec::DEFAULT
};

/// Defines `types.GenericAlias`.
pub fn define_all() {
    types::GENERIC_ALIAS.define(&SPEC);
    ALIAS_ITERATOR.define(&ALIAS_ITERATOR_SPEC);
}
