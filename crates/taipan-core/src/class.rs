//! Making classes: what a class statement and `type(name, bases, namespace)` do, and what assignments to a class's bases or an
//! object's class must check.

use crate::args::Args;
use crate::builtin_types as types;
use crate::descriptor::{member_place, new_getset, new_member};
use crate::dict_object::{Dict, dict_of};
use crate::header::Obj;
use crate::method;
use crate::name;
use crate::native::{GetSetDef, getset, getter};
use crate::slot_table;
use crate::str_object::{self, is_exact_str, is_str, new_str};
use crate::super_object;
use crate::tuple_object;
use crate::type_object::{INHERITED_FLAGS, Type, TypeFlags, TypeObject};
use crate::value::Value;
use crate::vm::Vm;
use crate::{Py, Raised};
use std::collections::HashSet;

/// Most attribute places inside an instance.
const MAX_INLINE: u32 = 30;

/// A name from module `builtins`.
pub fn builtin(vm: &mut Vm, name: &Value) -> Py {
    let builtins = vm.interpreter().builtins.get();
    match builtins.and_then(|dict| dict_of(&dict).and_then(|dict| dict.get_name(name))) {
        Some(value) => Ok(value),
        None => Err(vm.raise(
            &types::NAME_ERROR,
            format!("name '{}' is not defined", text_of(name)),
        )),
    }
}

/// The text of a string for messages.
pub(crate) fn text_of(value: &Value) -> String {
    str_object::str_of(value)
        .map(|text| text.to_lossy())
        .unwrap_or_default()
}

/// The most derived metaclass of `metatype` and the types of all bases.
pub fn calculate_metaclass(
    vm: &mut Vm,
    metatype: &TypeObject,
    bases: &[Value],
) -> Py<&'static TypeObject> {
    let mut winner = metatype.as_static();
    for base in bases {
        let own = base.type_of();
        if winner.is_subtype(own) {
            continue;
        }
        if own.is_subtype(winner) {
            winner = own.as_static();
            continue;
        }
        return Err(vm.type_error(
            "metaclass conflict: the metaclass of a derived class must be a (non-strict) subclass of the \
             metaclasses of all its bases",
        ));
    }
    Ok(winner)
}

// ---- instance layout ----

/// Does `ty` add data to what instances of `base` hold (attribute dicts and weak references not counted)?
fn adds_data(ty: &TypeObject, base: &TypeObject) -> bool {
    !std::ptr::eq(ty.layout(), base.layout()) || ty.fixed_slots() != base.fixed_slots()
}

/// The nearest type in the chain of first bases that defines the data of instances.
fn solid_base(ty: &'static TypeObject) -> &'static TypeObject {
    let mut at = ty;
    while let Some(base) = at.base() {
        if adds_data(at, base) {
            return at;
        }
        at = base;
    }
    at
}

/// The base that determines the layout of instances.
fn best_base(vm: &mut Vm, bases: &[&'static TypeObject]) -> Py<&'static TypeObject> {
    let mut best: Option<(&'static TypeObject, &'static TypeObject)> = None;
    for base in bases.iter().copied() {
        if !base.has(TypeFlags::BASE) {
            return Err(vm.type_error(format!(
                "type '{}' is not an acceptable base type",
                base.full_name()
            )));
        }
        let solid = solid_base(base);
        best = match best {
            None => Some((base, solid)),
            Some((_, winner)) if solid.is_subtype(winner) && !std::ptr::eq(winner, solid) => {
                Some((base, solid))
            }
            Some((known, winner)) if winner.is_subtype(solid) => Some((known, winner)),
            Some(_) => return Err(vm.type_error("multiple bases have instance lay-out conflict")),
        };
    }
    Ok(best.map_or(&types::OBJECT, |(base, _)| base))
}

/// Do instances of both types have the same layout, so that `__class__` or `__bases__` may change from one to the other?
pub fn compatible_layout(a: &'static TypeObject, b: &'static TypeObject) -> bool {
    let (solid_a, solid_b) = (solid_base(a), solid_base(b));
    let same_solid = std::ptr::eq(solid_a, solid_b) || same_slots(solid_a, solid_b);
    let features = TypeFlags::DICT.union(TypeFlags::WEAKREF);
    same_solid && a.flags().intersection(features) == b.flags().intersection(features)
}

/// Have two classes added the same `__slots__` to the same base?
fn same_slots(a: &'static TypeObject, b: &'static TypeObject) -> bool {
    let (Some(base_a), Some(base_b)) = (a.base(), b.base()) else {
        return false;
    };
    if !std::ptr::eq(a.layout(), b.layout()) || a.fixed_slots() != b.fixed_slots() {
        return false;
    }
    let same_base = std::ptr::eq(solid_base(base_a), solid_base(base_b));
    let (own, other) = (places(a), places(b));
    same_base
        && own.len() == other.len()
        && own
            .iter()
            .zip(&other)
            .all(|((_, a), (_, b))| str_object::str_eq(a, b))
}

/// The names of the places that a class adds, in the order of the places.
fn places(ty: &TypeObject) -> Vec<(u32, Value)> {
    let mut names: Vec<(u32, Value)> = ty
        .namespace()
        .items()
        .into_iter()
        .filter_map(|(name, value)| Some((member_place(&value, ty)?, name)))
        .collect();
    names.sort_by_key(|(place, _)| *place);
    names
}

// ---- method resolution order ----

/// The C3 linearisation of a class with the given bases.
pub fn linearise(
    vm: &mut Vm,
    ty: &'static TypeObject,
    bases: &[&'static TypeObject],
) -> Py<Vec<&'static TypeObject>> {
    for (at, base) in bases.iter().enumerate() {
        if bases[..at].iter().any(|other| std::ptr::eq(*other, *base)) {
            return Err(vm.type_error(format!("duplicate base class {}", base.short_name())));
        }
    }
    let mut mro = vec![ty];
    if let [base] = bases {
        mro.extend(base.mro());
        return Ok(mro);
    }
    let mut rows: Vec<Vec<&'static TypeObject>> =
        bases.iter().map(|base| base.mro().to_vec()).collect();
    rows.push(bases.to_vec());
    let mut heads = vec![0; rows.len()];
    loop {
        let mut left = false;
        let mut next = None;
        for (row, head) in rows.iter().zip(&heads) {
            let Some(candidate) = row.get(*head) else {
                continue;
            };
            left = true;
            let in_tail = |(row, head): (&Vec<&'static TypeObject>, &usize)| {
                row.iter()
                    .skip(head + 1)
                    .any(|other| std::ptr::eq(*other, *candidate))
            };
            if !rows.iter().zip(&heads).any(in_tail) {
                next = Some(*candidate);
                break;
            }
        }
        let Some(next) = next else {
            return if left {
                Err(inconsistent(vm, &rows, &heads))
            } else {
                Ok(mro)
            };
        };
        mro.push(next);
        for (row, head) in rows.iter().zip(&mut heads) {
            if row
                .get(*head)
                .is_some_and(|first| std::ptr::eq(*first, next))
            {
                *head += 1;
            }
        }
    }
}

#[cold]
fn inconsistent(vm: &mut Vm, rows: &[Vec<&'static TypeObject>], heads: &[usize]) -> Raised {
    let mut names: Vec<&str> = Vec::new();
    let mut seen: Vec<*const TypeObject> = Vec::new();
    for (row, head) in rows.iter().zip(heads) {
        if let Some(first) = row.get(*head)
            && !seen.contains(&std::ptr::from_ref(*first))
        {
            seen.push(*first);
            names.push(first.short_name());
        }
    }
    let names = names.join(", ");
    vm.type_error(format!(
        "Cannot create a consistent method resolution order (MRO) for bases {names}"
    ))
}

/// Computes and sets the MRO of a class, through its metaclass's `mro()` if that is overridden.
pub(crate) fn set_mro(vm: &mut Vm, ty: &'static TypeObject) -> Py<()> {
    let meta = ty.type_of();
    let own_mro = types::TYPE.namespace().get_name(name!("mro"));
    let custom = meta
        .lookup(vm, name!("mro"))
        .filter(|found| !own_mro.is_some_and(|own| own.is(found)));
    let bases = ty.bases().to_vec();
    let Some(custom) = custom else {
        let mro = linearise(vm, ty, &bases)?;
        take_mro(vm, ty, mro);
        return Ok(());
    };
    // Until then the class must be able to look itself up.
    let first = ty.mro().is_empty();
    if first {
        let mro = linearise(vm, ty, &bases)?;
        ty.set_mro(mro);
        ty.set_flags(ty.flags() | TypeFlags::MRO_PENDING);
    }
    let result = vm.call_unbound(&custom, &ty.to_value(), &[]);
    if first {
        ty.set_flags(ty.flags() - TypeFlags::MRO_PENDING);
    }
    let result = result?;
    let mut mro = Vec::new();
    for item in vm.to_vec(&result)? {
        let Some(class) = item.cast::<Type>() else {
            return Err(vm.type_error(format!(
                "mro() returned a non-class ('{}')",
                item.type_of().name()
            )));
        };
        if !solid_base(ty).is_subtype(solid_base(class.as_static())) {
            return Err(vm.type_error(format!(
                "mro() returned base with unsuitable layout ('{}')",
                class.name()
            )));
        }
        mro.push(class.as_static());
    }
    if mro.is_empty() {
        return Err(vm.type_error("type MRO must not be empty"));
    }
    take_mro(vm, ty, mro);
    Ok(())
}

/// Gives a class its MRO. If it had one, others may be looking at it.
fn take_mro(vm: &mut Vm, ty: &'static TypeObject, mro: Bases) {
    let take = |_: &mut Vm| {
        note_strangers(ty, &mro);
        ty.set_mro(mro);
    };
    if ty.mro().is_empty() {
        take(vm);
    } else {
        vm.stop_the_world(take);
    }
}

/// Keeps in a flag whether the MRO has types that the bases do not lead to.
fn note_strangers(ty: &'static TypeObject, mro: &[&'static TypeObject]) {
    let known = |class: &&TypeObject| {
        let among = |base: &&TypeObject| base.mro().iter().any(|own| std::ptr::eq(*own, *class));
        std::ptr::eq(*class, ty) || ty.bases().iter().any(among)
    };
    let mut flags = ty.flags();
    flags.set(TypeFlags::STRANGE_MRO, !mro.iter().all(known));
    ty.changed();
    ty.set_flags(flags);
}

// ---- __slots__ ----

/// What `__slots__` asks for.
#[derive(Default)]
struct SlotPlan {
    /// Mangled names of member descriptors, sorted.
    names: Vec<Value>,
    dict: bool,
    weakref: bool,
}

/// `__name` inside class `class` is `_class__name`.
pub fn mangle(class: &str, name: &str) -> String {
    let class = class.trim_start_matches('_');
    if class.is_empty() || !name.starts_with("__") || name.ends_with("__") || name.contains('.') {
        return name.to_owned();
    }
    format!("_{class}{name}")
}

fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    let first = |c: char| c == '_' || c.is_alphabetic();
    chars.next().is_some_and(first) && chars.all(|c| first(c) || c.is_alphanumeric())
}

/// Types whose instances have data of variable length, behind which nothing else fits in CPython.
fn has_variable_data(ty: &TypeObject) -> bool {
    let variable = TypeFlags::INT_SUBCLASS
        .union(TypeFlags::TUPLE_SUBCLASS)
        .union(TypeFlags::BYTES_SUBCLASS)
        .union(TypeFlags::TYPE_SUBCLASS);
    ty.flags().intersects(variable)
}

fn plan_slots(vm: &mut Vm, class: &str, base: &TypeObject, namespace: &Obj<Dict>) -> Py<SlotPlan> {
    let may_add_dict = !base.has(TypeFlags::DICT) && !base.has(TypeFlags::TYPE_SUBCLASS);
    let may_add_weakref = !base.has(TypeFlags::WEAKREF) && !has_variable_data(base);
    let Some(slots) = namespace.get_name(name!("__slots__")) else {
        return Ok(SlotPlan {
            names: Vec::new(),
            dict: may_add_dict,
            weakref: may_add_weakref,
        });
    };
    let names = if is_str(&slots) {
        vec![slots]
    } else {
        vm.to_vec(&slots)?
    };
    if !names.is_empty() && has_variable_data(base) {
        let message = format!(
            "nonempty __slots__ not supported for subtype of '{}'",
            base.name()
        );
        return Err(vm.type_error(message));
    }
    let mut plan = SlotPlan::default();
    let mut texts = Vec::new();
    for name in names {
        if !is_str(&name) {
            let message = format!(
                "__slots__ items must be strings, not '{}'",
                name.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        let text = text_of(&name);
        if !is_identifier(&text) {
            return Err(vm.type_error("__slots__ must be identifiers"));
        }
        let feature = match &text[..] {
            "__dict__" => Some((&mut plan.dict, may_add_dict)),
            "__weakref__" => Some((&mut plan.weakref, may_add_weakref)),
            _ => None,
        };
        match feature {
            Some((wanted, allowed)) if *wanted || !allowed => {
                return Err(vm.type_error(format!("{text} slot disallowed: we already got one")));
            }
            Some((wanted, _)) => *wanted = true,
            None => texts.push(mangle(class, &text)),
        }
    }
    texts.sort();
    for text in texts {
        let name = str_object::name(&text);
        let allowed = matches!(
            &text[..],
            "__qualname__" | "__classcell__" | "__classdictcell__"
        );
        if namespace.contains_name(&name) && !allowed {
            return Err(vm.value_error(format!(
                "'{text}' in __slots__ conflicts with class variable"
            )));
        }
        plan.names.push(name);
    }
    Ok(plan)
}

/// How many attribute places instances get, from the attributes that the methods of the class and its bases assign.
fn inline_slots(ty: &TypeObject, base: &TypeObject) -> u32 {
    let mut names = HashSet::new();
    for class in ty.mro() {
        if let Some(row) = class.namespace().get_name(name!("__static_attributes__")) {
            names.extend(tuple_object::items(&row).unwrap_or(&[]).iter().map(text_of));
        }
    }
    (names.len() as u32)
        .max(base.inline_slots())
        .min(MAX_INLINE)
}

// ---- the class itself ----

static DICT_GETSET: GetSetDef = getset(
    "__dict__",
    method::class_get_dict,
    method::class_set_dict,
    "dictionary for instance variables",
);
static WEAKREF_GETSET: GetSetDef = getter(
    "__weakref__",
    get_weakref,
    "list of weak references to the object",
);

fn get_weakref(_vm: &mut Vm, object: &Value) -> Py {
    Ok(crate::weakref::references(object)
        .into_iter()
        .next()
        .unwrap_or_else(Value::none))
}

const UNRESOLVED_BASE: &str = "type() doesn't support MRO entry resolution; use types.new_class()";

/// The types that `bases` are, or the error for what is no type.
fn base_types(vm: &mut Vm, bases: &[Value]) -> Py<Vec<&'static TypeObject>> {
    let mut row = Vec::with_capacity(bases.len().max(1));
    for base in bases {
        match base.cast::<Type>() {
            Some(ty) => row.push(ty.as_static()),
            None => return Err(vm.type_error("bases must be types")),
        }
    }
    if row.is_empty() {
        row.push(&types::OBJECT);
    }
    Ok(row)
}

/// `type.__new__(metatype, name, bases, namespace, **keywords)` once `metatype` is known to be the right metaclass. The
/// namespace, a dict, is copied; `keywords` (only the named ones count) go to `__init_subclass__`.
pub fn new_class(
    vm: &mut Vm,
    metatype: &TypeObject,
    name: &Value,
    bases: &[Value],
    namespace: &Value,
    keywords: Args<'_>,
) -> Py {
    let bases = base_types(vm, bases)?;
    let incomplete = |ty: &&&'static TypeObject| ty.has(TypeFlags::MRO_PENDING);
    if let Some(incomplete) = bases.iter().find(incomplete) {
        let name = incomplete.short_name();
        return Err(vm.type_error(format!("Cannot extend an incomplete type '{name}'")));
    }
    let base = best_base(vm, &bases)?;
    let class_name = check_name(vm, name)?;
    let Some(source) = dict_of(namespace) else {
        return Err(vm.type_error("the namespace of a class must be a dict"));
    };
    let copy = source.copy(vm);
    let dict = copy.expect::<Dict>();
    let plan = plan_slots(vm, &class_name, base, dict)?;

    let class = crate::alloc::new_instance(metatype, Type::blank_heap(&class_name));
    let ty = class.expect::<Type>().as_static();
    let collection = TypeFlags::SEQUENCE | TypeFlags::MAPPING;
    let mut flags = base.flags().intersection(INHERITED_FLAGS) | TypeFlags::HEAP | TypeFlags::BASE;
    // The first base that is a sequence or a mapping decides.
    flags.remove(collection);
    for other in &bases {
        let shared = TypeFlags::DICT | TypeFlags::WEAKREF;
        flags |= other.flags().intersection(shared);
        if !flags.intersects(collection) {
            flags |= other.flags().intersection(collection);
        }
    }
    flags.set(
        TypeFlags::DICT,
        flags.contains(TypeFlags::DICT) || plan.dict,
    );
    flags.set(
        TypeFlags::WEAKREF,
        flags.contains(TypeFlags::WEAKREF) || plan.weakref,
    );
    ty.set_flags(flags);
    ty.set_base(Some(base));
    ty.set_bases(bases);
    ty.set_layout(base.layout());
    let cells = fill_class_namespace(vm, ty, dict, name, &plan, base.fixed_slots())?;
    ty.set_namespace(copy);
    cells.fill(vm, &class)?;
    set_mro(vm, ty)?;
    let inline = if ty.has(TypeFlags::DICT) {
        inline_slots(ty, base)
    } else {
        0
    };
    ty.set_storage(base.fixed_slots() + plan.names.len() as u32, inline);
    if !ty.make_shapes() {
        return Err(vm.memory_error());
    }
    slot_table::set_slots_of_new_class(vm, ty);
    for base in ty.bases() {
        base.add_subclass(ty);
    }
    if !ty.namespace().keys().iter().all(is_str) {
        let message = format!(
            "non-string key in the __dict__ of class {}",
            ty.short_name()
        );
        vm.warn(&types::RUNTIME_WARNING, &message, 1)?;
    }
    call_set_name(vm, &class)?;
    super_object::init_subclass(vm, ty, keywords)?;
    Ok(class)
}

fn check_name(vm: &mut Vm, name: &Value) -> Py<String> {
    let text = utf8_of(vm, name)?;
    if text.contains('\0') {
        return Err(vm.value_error("type name must not contain null characters"));
    }
    Ok(text)
}

/// The text of a string that has to be UTF-8: with a lone surrogate in it, `UnicodeEncodeError`.
pub(crate) fn utf8_of(vm: &mut Vm, value: &Value) -> Py<String> {
    let Some(text) = str_object::str_of(value) else {
        return Ok(text_of(value));
    };
    if let Some(text) = text.to_utf8() {
        return Ok(text);
    }
    let lone = |c: u32| char::from_u32(c).is_none();
    let start = text.code_points().take_while(|&c| !lone(c)).count();
    let length = text
        .code_points()
        .skip(start)
        .take_while(|&c| lone(c))
        .count();
    let args = [
        new_str("utf-8"),
        value.clone(),
        Value::int(start as i64),
        Value::int((start + length) as i64),
        new_str("surrogates not allowed"),
    ];
    Err(vm.raise_with(&types::UNICODE_ENCODE_ERROR, &args))
}

/// The cells through which methods reach their class and its namespace.
struct Cells {
    class: Option<Value>,
    namespace: Option<Value>,
}

impl Cells {
    fn fill(&self, vm: &mut Vm, class: &Value) -> Py<()> {
        if let Some(cell) = &self.class {
            vm.set_attr(cell, name!("cell_contents"), Some(class))?;
        }
        if let Some(cell) = &self.namespace {
            let namespace = class.expect::<Type>().namespace().to_value();
            vm.set_attr(cell, name!("cell_contents"), Some(&namespace))?;
        }
        Ok(())
    }
}

/// Turns the body's namespace into that of the class.
fn fill_class_namespace(
    vm: &mut Vm,
    ty: &'static TypeObject,
    dict: &Obj<Dict>,
    name: &Value,
    plan: &SlotPlan,
    first_slot: u32,
) -> Py<Cells> {
    if !dict.contains_name(name!("__module__"))
        && let Some(module) = calling_module(vm)?
    {
        dict.set_name(name!("__module__"), module);
    }
    match dict.get_name(name!("__qualname__")) {
        Some(qualname) if !is_str(&qualname) => {
            let message = format!(
                "type __qualname__ must be a str, not {}",
                qualname.type_of().name()
            );
            return Err(vm.type_error(message));
        }
        Some(qualname) => {
            dict.remove_name(name!("__qualname__"));
            ty.set_qualname(Some(qualname));
        }
        None => ty.set_qualname(Some(name.clone())),
    }
    let wrap = |special: &Value, make: fn(Value) -> Value| {
        if let Some(function) = dict.get_name(special)
            && function.is_exact(&types::FUNCTION)
        {
            dict.set_name(special, make(function));
        }
    };
    wrap(name!("__new__"), method::new_static_method);
    wrap(name!("__init_subclass__"), method::new_class_method);
    wrap(name!("__class_getitem__"), method::new_class_method);
    let cells = Cells {
        class: take_cell(vm, dict, name!("__classcell__"))?,
        namespace: take_cell(vm, dict, name!("__classdictcell__"))?,
    };
    for (at, slot) in plan.names.iter().enumerate() {
        dict.set_name(slot, new_member(slot.clone(), ty, first_slot + at as u32));
    }
    if plan.dict && !dict.contains_name(name!("__dict__")) {
        dict.set_name(name!("__dict__"), new_getset(&DICT_GETSET, ty));
    }
    if plan.weakref && !dict.contains_name(name!("__weakref__")) {
        dict.set_name(name!("__weakref__"), new_getset(&WEAKREF_GETSET, ty));
    }
    match dict.get_name(name!("__doc__")) {
        Some(doc) if is_str(&doc) => drop(utf8_of(vm, &doc)?),
        Some(_) => {}
        None => drop(dict.set_name(name!("__doc__"), Value::none())),
    }
    if dict.contains_name(name!("__eq__")) && !dict.contains_name(name!("__hash__")) {
        dict.set_name(name!("__hash__"), Value::none());
    }
    Ok(cells)
}

fn take_cell(vm: &mut Vm, dict: &Obj<Dict>, name: &Value) -> Py<Option<Value>> {
    let Some(cell) = dict.remove_name(name) else {
        return Ok(None);
    };
    if cell.is_exact(&types::CELL) {
        return Ok(Some(cell));
    }
    let ty = vm.repr_string(&cell.type_of().to_value())?;
    Err(vm.type_error(format!(
        "{} must be a nonlocal cell, not {ty}",
        text_of(name)
    )))
}

/// `__name__` of the globals that the calling Python function runs in.
pub(crate) fn calling_module(vm: &mut Vm) -> Py<Option<Value>> {
    let frame = vm.interpreter().hooks.frame;
    let Some(frame) = frame(vm, 0)? else {
        return Ok(None);
    };
    let globals = vm.get_attr(&frame, name!("f_globals"))?;
    Ok(dict_of(&globals).and_then(|globals| globals.get_name(name!("__name__"))))
}

/// Tells descriptors in a new class's namespace their names.
fn call_set_name(vm: &mut Vm, class: &Value) -> Py<()> {
    for (key, value) in class.expect::<Type>().namespace().items() {
        let Some(method) = vm.lookup_special(&value, name!("__set_name__")) else {
            continue;
        };
        if let Err(raised) = vm.call_unbound(&method, &value, &[class.clone(), key.clone()]) {
            return Err(note_set_name(vm, raised, class, &key, &value));
        }
    }
    Ok(())
}

#[cold]
fn note_set_name(vm: &mut Vm, raised: Raised, class: &Value, key: &Value, value: &Value) -> Raised {
    let exception = vm.take_raised(raised);
    let noted = match vm.repr_string(key) {
        Ok(key) => {
            let note = format!(
                "Error calling __set_name__ on '{}' instance {key} in '{}'",
                value.type_of().name(),
                class.expect::<Type>().name()
            );
            vm.call_method(&exception, name!("add_note"), &[new_str(&note)])
        }
        Err(raised) => Err(raised),
    };
    match noted {
        Ok(_) => vm.set_pending(exception),
        Err(raised) => raised,
    }
}

// ---- changing classes ----

/// `type.__new__` as a slot: `args` are name, bases, namespace, and keywords for `__init_subclass__`.
pub(crate) fn type_new(vm: &mut Vm, metatype: &TypeObject, args: Args<'_>) -> Py {
    let [name, bases, namespace] = args.pos() else {
        let given = args.pos().len();
        return Err(vm.type_error(format!(
            "type.__new__() takes exactly 3 arguments ({given} given)"
        )));
    };
    let wrong = |at: usize, wanted: &str, value: &Value| {
        format!(
            "type.__new__() argument {at} must be {wanted}, not {}",
            value.type_of().name()
        )
    };
    if !is_str(name) {
        return Err(vm.type_error(wrong(1, "str", name)));
    }
    let Some(base_row) = tuple_object::items(bases) else {
        return Err(vm.type_error(wrong(2, "tuple", bases)));
    };
    if dict_of(namespace).is_none() {
        return Err(vm.type_error(wrong(3, "dict", namespace)));
    }
    for base in base_row {
        if base.cast::<Type>().is_none()
            && vm.get_attr_opt(base, name!("__mro_entries__"))?.is_some()
        {
            return Err(vm.type_error(UNRESOLVED_BASE));
        }
    }
    let winner = calculate_metaclass(vm, metatype, base_row)?;
    if !std::ptr::eq(winner, metatype)
        && let Some(new) = winner.slots().new
        && new as usize != type_new as *const () as usize
    {
        return new(vm, winner, args);
    }
    let name = if is_exact_str(name) {
        name.clone()
    } else {
        new_str(&text_of(name))
    };
    let keyword_values = &args.all()[args.pos().len()..];
    new_class(
        vm,
        winner,
        &name,
        base_row,
        namespace,
        Args::new(keyword_values, args.names()),
    )
}

/// Assignment to `__bases__`.
pub(crate) fn set_bases(vm: &mut Vm, ty: &'static TypeObject, value: &Value) -> Py<()> {
    let name = ty.name();
    let Some(items) = tuple_object::items(value) else {
        let given = value.type_of().name();
        return Err(vm.type_error(format!(
            "can only assign tuple to {name}.__bases__, not {given}"
        )));
    };
    if items.is_empty() {
        return Err(vm.type_error(format!(
            "can only assign non-empty tuple to {name}.__bases__, not ()"
        )));
    }
    let mut bases = Vec::with_capacity(items.len());
    for item in items {
        let Some(base) = item.cast::<Type>() else {
            let given = item.type_of().name();
            return Err(vm.type_error(format!(
                "{name}.__bases__ must be tuple of classes, not '{given}'"
            )));
        };
        if base.is_subtype(ty) || derives_from(base, ty) {
            return Err(vm.type_error("a __bases__ item causes an inheritance cycle"));
        }
        bases.push(base.as_static());
    }
    let base = best_base(vm, &bases)?;
    let old_base = ty.base().unwrap_or(&types::OBJECT);
    if !compatible_layout(base, old_base) {
        let message = format!(
            "__bases__ assignment: '{}' object layout differs from '{}'",
            base.name(),
            old_base.name()
        );
        return Err(vm.type_error(message));
    }
    let old_bases = ty.bases().to_vec();
    vm.stop_the_world(|_| {
        ty.changed();
        ty.set_bases(bases.clone());
        ty.set_base(Some(base));
    });
    let done = set_mro_tree(vm, ty);
    // A metaclass's `mro` may have assigned other bases meanwhile: those stay.
    let replaced = !ty
        .bases()
        .iter()
        .copied()
        .map(std::ptr::from_ref)
        .eq(bases.iter().copied().map(std::ptr::from_ref));
    if let Err(raised) = done {
        if !replaced {
            vm.stop_the_world(|_| {
                ty.set_bases(old_bases);
                ty.set_base(Some(old_base));
            });
        }
        return Err(raised);
    }
    vm.stop_the_world(|vm| {
        for old in &old_bases {
            old.forget_subclass(ty);
        }
        for new in ty.bases() {
            new.forget_subclass(ty);
            new.add_subclass(ty);
        }
        ty.changed();
        slot_table::update_slots(vm, ty);
    });
    Ok(())
}

/// Is `ty` among the bases of `from`, their bases, and so on? The MRO does not tell while bases are being assigned.
fn derives_from(from: &TypeObject, ty: &TypeObject) -> bool {
    let mut seen: Vec<*const TypeObject> = vec![from];
    let mut queue = vec![from];
    while let Some(at) = queue.pop() {
        if std::ptr::eq(at, ty) {
            return true;
        }
        for base in at.bases() {
            if !seen.contains(&std::ptr::from_ref(*base)) {
                seen.push(*base);
                queue.push(*base);
            }
        }
    }
    false
}

type Bases = Vec<&'static TypeObject>;

/// Recomputes the MROs of a class and its subclasses; all stay as they were if one cannot be computed.
fn set_mro_tree(vm: &mut Vm, ty: &'static TypeObject) -> Py<()> {
    let mut done: Vec<(&'static TypeObject, Bases, Bases)> = Vec::new();
    let mut queue = vec![ty];
    while let Some(at) = queue.pop() {
        let old = at.mro().to_vec();
        // The types of the old order stay alive until all is done.
        done.push((at, old, at.bases().to_vec()));
        if let Err(raised) = set_mro(vm, at) {
            for (class, old, bases) in done {
                // A metaclass's `mro` may have assigned other bases, which go with another order.
                let mut pairs = class.bases().iter().zip(&bases);
                if class.bases().len() == bases.len() && pairs.all(|(a, b)| std::ptr::eq(*a, *b)) {
                    vm.stop_the_world(|_| class.set_mro(old));
                }
            }
            return Err(raised);
        }
        queue.extend(
            at.subclasses()
                .iter()
                .map(|sub| sub.expect::<Type>().as_static()),
        );
    }
    Ok(())
}

/// Assignment to an object's `__class__`.
pub(crate) fn set_class(vm: &mut Vm, object: &Value, value: Option<&Value>) -> Py<()> {
    let Some(value) = value else {
        return Err(vm.type_error("can't delete __class__ attribute"));
    };
    let Some(new) = value.cast::<Type>() else {
        let message = format!(
            "__class__ must be set to a class, not '{}' object",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let old = object.type_of().as_static();
    let new = new.as_static();
    let both_modules = old.is_subtype(&types::MODULE) && new.is_subtype(&types::MODULE);
    let mutable = |ty: &TypeObject| ty.is_heap() && !ty.has(TypeFlags::IMMUTABLE);
    if !both_modules && (!mutable(old) || !mutable(new)) {
        return Err(vm.type_error(
            "__class__ assignment only supported for mutable types or ModuleType subclasses",
        ));
    }
    if !compatible_layout(old, new) {
        let message = format!(
            "__class__ assignment: '{}' object layout differs from '{}'",
            new.name(),
            old.name()
        );
        return Err(vm.type_error(message));
    }
    vm.stop_the_world(|_| crate::instance::set_type(object, new));
    Ok(())
}
