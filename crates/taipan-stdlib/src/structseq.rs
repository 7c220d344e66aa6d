//! Records: tuples whose items have names (`os.stat_result`, `time.struct_time`, `sys.flags`).
//!
//! Visible fields are the items of the tuple; hidden ones are reached by name only and lie in the instance's fixed places. A field
//! without a name is reached by index only; as many hidden fields take its value if none is given (`os.stat_result`: the times).

use std::sync::{Mutex, PoisonError};
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{immortal_name, name, new_str, str_of};
use taipan_core::tuple_object::{items, new_tuple, new_tuple_of};
use taipan_core::{
    Args, GetSetDef, MethodDef, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    builtin_types, f0, getter, instance, raw,
};

/// The declaration of a record type.
pub struct Fields {
    /// With its module: `"os.stat_result"`.
    pub name: &'static str,
    pub doc: &'static str,
    /// Names and descriptions, visible fields first; `""` for a field without a name.
    pub fields: &'static [(&'static str, &'static str)],
    /// How many have an index.
    pub visible: usize,
    /// May programs make instances?
    pub instantiable: bool,
}

static RECORDS: Mutex<Vec<(&'static TypeObject, &'static Fields)>> = Mutex::new(Vec::new());

fn record_of(ty: &TypeObject) -> Option<&'static Fields> {
    let records = RECORDS.lock().unwrap_or_else(PoisonError::into_inner);
    records
        .iter()
        .find(|(own, _)| std::ptr::eq(*own, ty))
        .map(|(_, record)| *record)
}

/// Field `N` of a record.
fn field<const N: usize>(_vm: &mut Vm, this: &Value) -> Py {
    Ok(field_at(this, N))
}

fn field_at(this: &Value, index: usize) -> Value {
    let visible = items(this).unwrap_or(&[]);
    match visible.get(index) {
        Some(item) => item.clone(),
        None => instance::fixed(this, (index - visible.len()) as u32).unwrap_or_else(Value::none),
    }
}

macro_rules! field_table {
    ($($n:literal)*) => { [$(field::<$n>),*] };
}

static FIELDS: [fn(&mut Vm, &Value) -> Py; 24] =
    field_table!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23);

static METHODS: [MethodDef; 2] = [
    f0("__reduce__(self, /)", reduce, "Helper for pickle."),
    raw(
        "__replace__(self, /, **changes)",
        replace,
        "Return a copy of the structure with new values for the specified fields.",
    ),
];

/// Defines a record type. Does nothing the second time.
pub fn define(ty: &'static TypeObject, record: &'static Fields) {
    if ty.spec().is_some() {
        return;
    }
    RECORDS
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push((ty, record));
    let getters: Vec<GetSetDef> = record
        .fields
        .iter()
        .zip(FIELDS)
        .filter(|((text, _), _)| !text.is_empty())
        .map(|((text, doc), get)| getter(text, get, doc).member())
        .collect();
    let spec = TypeSpec {
        name: record.name,
        base: Some(&builtin_types::TUPLE),
        flags: if record.instantiable {
            TypeFlags::empty()
        } else {
            TypeFlags::NO_INSTANTIATION
        },
        slots: Slots {
            new: Some(new),
            repr: Some(repr),
            ..Slots::NONE
        },
        methods: &METHODS,
        getset: Box::leak(getters.into_boxed_slice()),
        doc: record.doc,
        ..TypeSpec::DEFAULT
    };
    // Types live as long as the process, and so do their declarations.
    ty.set_storage((record.fields.len() - record.visible) as u32, 0);
    ty.define(Box::leak(Box::new(spec)));
    let class = ty.namespace();
    let unnamed = record
        .fields
        .iter()
        .filter(|(text, _)| text.is_empty())
        .count();
    let set = |key: &str, value: Value| drop(class.set_name(&immortal_name(key), value));
    set("n_sequence_fields", Value::int(record.visible as i64));
    set("n_fields", Value::int(record.fields.len() as i64));
    set("n_unnamed_fields", Value::int(unnamed as i64));
    let match_args: Vec<Value> = record.fields[..record.visible]
        .iter()
        .filter(|(text, _)| !text.is_empty())
        .map(|(text, _)| name(text))
        .collect();
    set("__match_args__", new_tuple(match_args));
}

/// An instance; `values` are all fields, the hidden ones behind the visible ones. Hidden ones that are missing are `None`.
pub fn create(ty: &TypeObject, visible: usize, mut values: Vec<Value>) -> Value {
    let hidden = values.split_off(visible.min(values.len()));
    let made = new_tuple_of(ty, values.into_iter());
    for (index, value) in hidden.into_iter().enumerate() {
        drop(instance::set_fixed(&made, index as u32, Some(value)));
    }
    made
}

/// A text field; missing text is `None`.
pub fn text(value: Option<&str>) -> Value {
    value.map_or_else(Value::none, new_str)
}

/// The text of a string value.
pub fn string_of(value: &Value) -> Option<String> {
    str_of(value).map(|text| text.to_lossy())
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let Some(record) = record_of(cls).filter(|record| record.instantiable) else {
        return Err(vm.type_error(format!("cannot create '{}' instances", cls.name())));
    };
    let own_name = record.name.rsplit('.').next().unwrap_or(record.name);
    if let [(only, _)] = record.fields {
        // A record of one field is made from the field itself.
        let [value] = taipan_types::check::bind(vm, own_name, args, [*only], 1)?;
        return Ok(create(cls, 1, value.into_iter().collect()));
    }
    let row = taipan_types::check::bind(vm, own_name, args, ["sequence", "dict"], 1)?;
    let [sequence, dict] = row;
    let sequence = sequence.unwrap_or_else(Value::none);
    if sequence.type_of().slots().iter.is_none() && sequence.type_of().slots().get_item.is_none() {
        return Err(vm.type_error("constructor requires a sequence"));
    }
    let mut values = vm.to_vec(&sequence)?;
    if let Some(dict) = &dict
        && dict.cast::<Dict>().is_none()
    {
        let message = format!("{}() takes a dict as second arg, if any", record.name);
        return Err(vm.type_error(message));
    }
    check_length(vm, record, values.len())?;
    let unnamed: Vec<usize> = (0..record.visible)
        .filter(|at| record.fields[*at].0.is_empty())
        .collect();
    let mut named = 0;
    for (text, _) in &record.fields[values.len()..] {
        let given = dict
            .as_ref()
            .and_then(|dict| dict.cast::<Dict>()?.get_name(&name(text)));
        named += given.is_some() as usize;
        let stand_in = unnamed
            .get(values.len() - record.visible)
            .map(|at| values[*at].clone());
        values.push(given.or(stand_in).unwrap_or_else(Value::none));
    }
    let offered = dict.and_then(|dict| Some(dict.cast::<Dict>()?.len()));
    if offered.is_some_and(|offered| offered > named) {
        let message = format!(
            "{}() got duplicate or unexpected field name(s)",
            record.name
        );
        return Err(vm.type_error(message));
    }
    Ok(create(cls, record.visible, values))
}

fn check_length(vm: &mut Vm, record: &Fields, given: usize) -> Py<()> {
    let (least, most) = (record.visible, record.fields.len());
    let text = record.name;
    if least == most {
        if given != least {
            let message = format!("{text}() takes a {least}-sequence ({given}-sequence given)");
            return Err(vm.type_error(message));
        }
    } else if given < least {
        let message =
            format!("{text}() takes an at least {least}-sequence ({given}-sequence given)");
        return Err(vm.type_error(message));
    } else if given > most {
        let message = format!("{text}() takes an at most {most}-sequence ({given}-sequence given)");
        return Err(vm.type_error(message));
    }
    Ok(())
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let Some(record) = record_of(this.type_of()) else {
        return Ok(new_str("()"));
    };
    if !vm.repr_enter(this) {
        return Ok(new_str(&format!("{}(...)", record.name)));
    }
    let names = record
        .fields
        .iter()
        .map(|(text, _)| *text)
        .filter(|text| !text.is_empty());
    let mut out = format!("{}(", record.name);
    let mut failed = None;
    for (index, (item, text)) in items(this).unwrap_or(&[]).iter().zip(names).enumerate() {
        match vm.repr_string(item) {
            Ok(item) => {
                if index > 0 {
                    out.push_str(", ");
                }
                out.push_str(text);
                out.push('=');
                out.push_str(&item);
            }
            Err(raised) => {
                failed = Some(raised);
                break;
            }
        }
    }
    vm.repr_leave();
    match failed {
        Some(raised) => Err(raised),
        None => Ok(new_str(&(out + ")"))),
    }
}

fn reduce(_vm: &mut Vm, this: &Value) -> Py {
    let visible = items(this).unwrap_or(&[]);
    if let [only] = visible {
        return Ok(new_tuple([
            this.type_of().to_value(),
            new_tuple([only.clone()]),
        ]));
    }
    let hidden = new_dict();
    if let Some(record) = record_of(this.type_of()) {
        for (index, (text, _)) in record.fields.iter().enumerate().skip(visible.len()) {
            hidden
                .expect::<Dict>()
                .set_name(&name(text), field_at(this, index));
        }
    }
    Ok(new_tuple([
        this.type_of().to_value(),
        new_tuple([new_tuple(visible.to_vec()), hidden]),
    ]))
}

fn replace(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    if !args.pos().is_empty() {
        let message = format!(
            "__replace__() takes 0 positional arguments but {} were given",
            args.pos().len()
        );
        return Err(vm.type_error(message));
    }
    let Some(record) = record_of(this.type_of()) else {
        return Err(vm.type_error("not a structure"));
    };
    if record.fields.iter().any(|(text, _)| text.is_empty()) {
        let message = format!(
            "__replace__() is not supported for {} because it has unnamed field(s)",
            record.name
        );
        return Err(vm.type_error(message));
    }
    let mut values: Vec<Value> = (0..record.fields.len())
        .map(|index| field_at(this, index))
        .collect();
    let mut unknown = Vec::new();
    for (key, value) in args.keywords() {
        let text = vm.str_string(key)?;
        match record.fields.iter().position(|(own, _)| *own == text) {
            Some(at) => values[at] = value.clone(),
            None => unknown.push(key.clone()),
        }
    }
    if !unknown.is_empty() {
        let unknown = taipan_types::list::new_list(unknown);
        let unknown = vm.repr_string(&unknown)?;
        return Err(vm.type_error(format!("Got unexpected field name(s): {unknown}")));
    }
    Ok(create(this.type_of(), record.visible, values))
}
