//! Struct sequences: tuples whose items have names too (`sys.version_info`, `os.stat_result`, `time.struct_time`). Fields beyond the
//! visible ones have names but no index.

use taipan_core::builtin_types as types;
use taipan_core::dict_object::{Dict, dict_of, new_dict};
use taipan_core::instance;
use taipan_core::str_object::{self, new_str, str_eq, str_of};
use taipan_core::tuple_object::{items, new_tuple, new_tuple_of};
use taipan_core::{
    Args, GetSetDef, MethodDef, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm, f0, getter,
    name, raw,
};

/// The declaration of a struct sequence.
pub struct Fields {
    /// `"sys.version_info"`
    pub name: &'static str,
    pub doc: &'static str,
    /// Name and documentation; visible ones first. A name of `""` is an unnamed field.
    pub fields: &'static [(&'static str, &'static str)],
    /// How many have an index.
    pub visible: usize,
    /// May programs make instances?
    pub instantiable: bool,
}

type Getter = fn(&mut Vm, &Value) -> Py;

fn visible<const N: usize>(_vm: &mut Vm, this: &Value) -> Py {
    Ok(items(this)
        .and_then(|items| items.get(N))
        .cloned()
        .unwrap_or_else(Value::none))
}

fn hidden<const N: usize>(_vm: &mut Vm, this: &Value) -> Py {
    Ok(instance::fixed(this, N as u32).unwrap_or_else(Value::none))
}

macro_rules! getters {
    ($function:ident: $($n:literal)*) => { [$($function::<$n> as Getter),*] };
}

static VISIBLE: [Getter; 24] =
    getters!(visible: 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23);
static HIDDEN: [Getter; 12] = getters!(hidden: 0 1 2 3 4 5 6 7 8 9 10 11);

/// Defines the type of a struct sequence. Doing it a second time changes nothing.
pub fn define(ty: &'static TypeObject, fields: &'static Fields) {
    if ty.spec().is_some() {
        return;
    }
    let hidden = fields.fields.len() - fields.visible;
    let mut rows: Vec<GetSetDef> = Vec::with_capacity(fields.fields.len());
    for (index, (name, doc)) in fields.fields.iter().enumerate() {
        let get = if index < fields.visible {
            VISIBLE.get(index)
        } else {
            HIDDEN.get(index - fields.visible)
        };
        if let Some(get) = get.filter(|_| !name.is_empty()) {
            rows.push(getter(name, *get, doc));
        }
    }
    let flags = if fields.instantiable {
        TypeFlags::empty()
    } else {
        TypeFlags::NO_INSTANTIATION
    };
    // Types live as long as the process, and so do their declarations.
    let spec: &'static TypeSpec = Box::leak(Box::new(TypeSpec {
        name: fields.name,
        base: Some(&types::TUPLE),
        flags,
        slots: Slots {
            new: Some(new),
            repr: Some(repr),
            ..Slots::NONE
        },
        methods: &METHODS,
        getset: Box::leak(rows.into_boxed_slice()),
        doc: fields.doc,
        ..TypeSpec::DEFAULT
    }));
    ty.set_storage(hidden as u32, 0);
    ty.define(spec);
    let namespace = ty.namespace();
    let number = |count: usize| Value::int(count as i64);
    let unnamed = fields
        .fields
        .iter()
        .filter(|(name, _)| name.is_empty())
        .count();
    let named = fields.fields[..fields.visible]
        .iter()
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, _)| str_object::name(name));
    for (name, value) in [
        (name!("n_sequence_fields"), number(fields.visible)),
        (name!("n_fields"), number(fields.fields.len())),
        (name!("n_unnamed_fields"), number(unnamed)),
        (
            name!("__match_args__"),
            new_tuple(named.collect::<Vec<_>>()),
        ),
    ] {
        drop(namespace.set_name(name, value));
    }
    let all = fields.fields.iter().map(|(name, _)| str_object::name(name));
    drop(namespace.set_name(
        name!("_fields_in_order"),
        new_tuple(all.collect::<Vec<_>>()),
    ));
}

/// An instance of all fields, the hidden ones behind the visible ones.
pub fn create(ty: &TypeObject, visible: usize, mut values: Vec<Value>) -> Value {
    let rest = values.split_off(visible.min(values.len()));
    let made = new_tuple_of(ty, values.into_iter());
    for (index, value) in rest.into_iter().enumerate() {
        drop(instance::set_fixed(&made, index as u32, Some(value)));
    }
    made
}

/// A number that the type's namespace keeps about its fields.
fn count(ty: &TypeObject, name: &Value) -> usize {
    let found = ty
        .lookup_with_owner(name)
        .and_then(|(value, _)| value.as_i64());
    found.unwrap_or(0) as usize
}

/// Names of all fields in order.
fn names(ty: &TypeObject) -> Vec<Value> {
    ty.lookup_with_owner(name!("_fields_in_order"))
        .and_then(|(value, _)| items(&value).map(<[Value]>::to_vec))
        .unwrap_or_default()
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let mut sequence = args.pos().first().cloned();
    let mut dict = args.pos().get(1).cloned();
    for (keyword, value) in args.keywords() {
        if str_eq(keyword, name!("sequence")) {
            sequence = Some(value.clone());
        } else if str_eq(keyword, name!("dict")) {
            dict = Some(value.clone());
        } else {
            let keyword = vm.str_string(keyword)?;
            let message = format!(
                "{}() got an unexpected keyword argument '{keyword}'",
                cls.name()
            );
            return Err(vm.type_error(message));
        }
    }
    let Some(sequence) = sequence else {
        let message = format!(
            "{}() missing required argument 'sequence' (pos 1)",
            cls.name()
        );
        return Err(vm.type_error(message));
    };
    let full = cls.full_name();
    if sequence.type_of().slots().iter.is_none() && sequence.type_of().slots().get_item.is_none() {
        return Err(vm.type_error("constructor requires a sequence"));
    }
    if let Some(dict) = &dict
        && dict_of(dict).is_none()
    {
        return Err(vm.type_error(format!("{full}() takes a dict as second arg, if any")));
    }
    let mut values = vm.to_vec(&sequence)?;
    let least = count(cls, name!("n_sequence_fields"));
    let most = count(cls, name!("n_fields"));
    if values.len() < least || values.len() > most {
        let bound = match (least == most, values.len() < least) {
            (true, _) => format!("a {least}-sequence"),
            (false, true) => format!("an at least {least}-sequence"),
            (false, false) => format!("an at most {most}-sequence"),
        };
        return Err(vm.type_error(format!(
            "{full}() takes {bound} ({}-sequence given)",
            values.len()
        )));
    }
    let names = names(cls);
    for name in names.iter().skip(values.len()) {
        let found = match dict.as_ref().and_then(|dict| dict.cast::<Dict>()) {
            Some(dict) => dict.get(vm, name)?,
            None => None,
        };
        values.push(found.unwrap_or_else(Value::none));
    }
    Ok(create(cls, least, values))
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let ty = this.type_of();
    let row = items(this).unwrap_or(&[]);
    let mut out = taipan_types::text::Builder::new();
    out.push_str(ty.full_name());
    out.push_str("(");
    for (index, (name, value)) in names(ty).iter().zip(row).enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        let shown = vm.repr(value)?;
        out.push_value(name);
        out.push_str("=");
        out.push_value(&shown);
    }
    out.push_str(")");
    out.finish(vm)
}

/// The hidden fields of an instance, by name.
fn hidden_fields(this: &Value) -> Vec<(Value, Value)> {
    let ty = this.type_of();
    let first = count(ty, name!("n_sequence_fields"));
    names(ty)
        .into_iter()
        .skip(first)
        .enumerate()
        .map(|(index, name)| {
            let value = instance::fixed(this, index as u32).unwrap_or_else(Value::none);
            (name, value)
        })
        .collect()
}

fn reduce(_vm: &mut Vm, this: &Value) -> Py {
    let row = new_tuple(items(this).unwrap_or(&[]).to_vec());
    let dict = new_dict();
    for (name, value) in hidden_fields(this) {
        drop(dict.expect::<Dict>().set_name(&name, value));
    }
    Ok(new_tuple([
        this.type_of().to_value(),
        new_tuple([row, dict]),
    ]))
}

fn replace(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    if !args.pos().is_empty() {
        return Err(vm.type_error("__replace__() takes no positional arguments"));
    }
    let ty = this.type_of();
    let names = names(ty);
    let visible = count(ty, name!("n_sequence_fields"));
    let mut values = items(this).unwrap_or(&[]).to_vec();
    values.extend(hidden_fields(this).into_iter().map(|(_, value)| value));
    for (keyword, value) in args.keywords() {
        match names.iter().position(|name| str_eq(name, keyword)) {
            Some(index) => values[index] = value.clone(),
            None => {
                let shown = vm.repr_string(&new_tuple([keyword.clone()]))?;
                let inner = shown.trim_start_matches('(').trim_end_matches([',', ')']);
                return Err(vm.type_error(format!("Got unexpected field name(s): [{inner}]")));
            }
        }
    }
    Ok(create(ty, visible, values))
}

static METHODS: [MethodDef; 2] = [
    f0("__reduce__(self, /)", reduce, ""),
    raw(
        "__replace__(self, /, **changes)",
        replace,
        "Return a copy of the structure with new values for the specified fields.",
    ),
];

/// A text field; missing text is `None`.
pub fn text(value: Option<&str>) -> Value {
    value.map_or_else(Value::none, new_str)
}

/// The text of a string value.
pub fn string_of(value: &Value) -> Option<String> {
    str_of(value).map(|text| text.to_lossy())
}
