//! `sqlite3.Row`: a row that answers to positions and to names of columns.

use super::{CURSOR, Cursor, ROW, Row, RowState};
use taipan_core::alloc::new_instance;
use taipan_core::builtin_types as types;
use taipan_core::lock::Locked;
use taipan_core::str_object::{is_str, str_of};
use taipan_core::tuple_object::items;
use taipan_core::{
    Args, CompareOp, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    f0,
};
use taipan_types::arguments::type_name;
use taipan_types::list::new_list;

static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Row",
    flags: TypeFlags::BASE,
    layout: Some(const { &Layout::of::<Row>() }),
    slots: Slots {
        new: Some(new),
        hash: Some(|vm, this| {
            let row = own(this);
            Ok(vm.hash(&row.description)? ^ vm.hash(&row.data)?)
        }),
        compare: Some(compare),
        iter: Some(|vm, this| vm.iter(&own(this).data)),
        len: Some(|_, this| Ok(items(&own(this).data).map_or(0, <[Value]>::len))),
        get_item: Some(get_item),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

static METHODS: [MethodDef; 1] = [f0(
    "keys(self, /)",
    |_, this| Ok(new_list(names(this).collect())),
    "Return the names of the columns.",
)];

pub fn define() {
    ROW.define(&SPEC);
}

fn own(this: &Value) -> &Obj<Row> {
    this.expect::<Row>()
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    if args.has_keywords() && std::ptr::eq(cls, &ROW) {
        return Err(vm.type_error("Row() takes no keyword arguments"));
    }
    let [cursor, data] = args.pos() else {
        let given = args.pos().len();
        return Err(vm.type_error(format!("Row expected 2 arguments, got {given}")));
    };
    let (Some(cursor), true) = (cursor.cast::<Cursor>(), cursor.is_instance(&CURSOR)) else {
        let got = type_name(cursor);
        let message = format!("Row() argument 1 must be sqlite3.Cursor, not {got}");
        return Err(vm.type_error(message));
    };
    if !data.is_instance(&types::TUPLE) {
        let got = type_name(data);
        let message = format!("Row() argument 2 must be tuple, not {got}");
        return Err(vm.type_error(message));
    }
    let description = Cursor::description(cursor, vm);
    Ok(new_instance(
        cls,
        Row {
            data: data.clone(),
            description,
            state: Locked::new(RowState {}),
        },
    ))
}

/// The names of the columns; none if the cursor has run no statement with rows.
fn names(this: &Value) -> impl Iterator<Item = Value> + use<'_> {
    items(&own(this).description)
        .unwrap_or(&[])
        .iter()
        .filter_map(|column| items(column)?.first().cloned())
}

/// Equal but for the case of ASCII letters.
fn same_name(a: &Value, b: &Value) -> bool {
    if taipan_core::str_object::str_eq(a, b) {
        return true;
    }
    let ascii = |value: &Value| {
        str_of(value)
            .and_then(|text| text.ascii())
            .map(str::to_owned)
    };
    match (ascii(a), ascii(b)) {
        (Some(a), Some(b)) => a.eq_ignore_ascii_case(&b),
        _ => false,
    }
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    let row = own(this);
    if key.is_int() {
        let Some(index) = key.as_i64() else {
            return Err(vm.index_error("cannot fit 'int' into an index-sized integer"));
        };
        let values = items(&row.data).unwrap_or(&[]);
        let at = if index < 0 {
            index + values.len() as i64
        } else {
            index
        };
        return match usize::try_from(at).ok().and_then(|at| values.get(at)) {
            Some(value) => Ok(value.clone()),
            None => Err(vm.index_error("tuple index out of range")),
        };
    }
    if is_str(key) {
        let found = names(this).position(|name| same_name(&name, key));
        let value = found.and_then(|at| items(&row.data)?.get(at).cloned());
        return match value {
            Some(value) => Ok(value),
            None if row.description.is_none() => {
                let shown = vm.repr_string(key)?;
                Err(vm.index_error(format!("No item with key {shown}")))
            }
            None => Err(vm.index_error("No item with that key")),
        };
    }
    if key.is_instance(&types::SLICE) {
        return vm.get_item(&row.data, key);
    }
    Err(vm.index_error("Index must be int or string"))
}

fn compare(vm: &mut Vm, this: &Value, other: &Value, op: CompareOp) -> Py {
    if !matches!(op, CompareOp::Eq | CompareOp::Ne) {
        return Ok(Value::not_implemented());
    }
    let (Some(a), Some(b)) = (this.cast::<Row>(), other.cast::<Row>()) else {
        return Ok(Value::not_implemented());
    };
    if !vm.equal(&a.description, &b.description)? {
        return Ok(Value::bool(op == CompareOp::Ne));
    }
    vm.compare(&a.data, &b.data, op)
}
