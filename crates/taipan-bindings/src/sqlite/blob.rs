//! `sqlite3.Blob`: reading and writing parts of a blob in its place.

use super::connection::{self, checked};
use super::error::{programming, raise_last, raise_result};
use super::{BLOB, Blob};
use crate::support::c_int;
use libsqlite3_sys as sql;
use taipan_core::{
    Args, Layout, MethodDef, Obj, Py, Raised, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    f0, f1, slice as positional,
};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;
use taipan_types::slice;

static SPEC: TypeSpec = TypeSpec {
    name: "sqlite3.Blob",
    flags: TypeFlags::WEAKREF,
    layout: Some(const { &Layout::of::<Blob>() }),
    slots: Slots {
        new: Some(new),
        len: Some(|vm, this| {
            check(vm, this)?;
            Ok(size(this) as usize)
        }),
        get_item: Some(get_item),
        set_item: Some(set_item),
        // Without it, an object with items would be taken for a sequence.
        iter: Some(no_iteration),
        ..Slots::NONE
    },
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};

static METHODS: [MethodDef; 7] = [
    f0("close(self, /)", close, "Close the blob."),
    f0(
        "__enter__(self, /)",
        |vm, this| {
            check(vm, this)?;
            Ok(this.clone())
        },
        "Return the blob.",
    ),
    positional(
        "__exit__(self, type, val, tb, /)",
        |vm, this, _| {
            check(vm, this)?;
            own(this).open.close();
            Ok(Value::bool(false))
        },
        "Close the blob.",
    ),
    positional(
        "read(self, length=-1, /)",
        read,
        "Read from the current position.\n\n  length\n    How many bytes; by default all that are left.",
    ),
    positional(
        "seek(self, offset, origin=0, /)",
        seek,
        "Set the current position, counted from the start, the current position or the end.",
    ),
    f0(
        "tell(self, /)",
        |vm, this| {
            check(vm, this)?;
            Ok(Value::int(own(this).lock(vm).offset))
        },
        "Return the current position.",
    ),
    f1(
        "write(self, data, /)",
        write,
        "Write at the current position. The size of the blob cannot be changed.",
    ),
];

pub fn define() {
    BLOB.define(&SPEC);
}

fn new(vm: &mut Vm, _cls: &TypeObject, _args: Args<'_>) -> Py {
    Err(vm.type_error("cannot create 'sqlite3.Blob' instances"))
}

fn no_iteration(vm: &mut Vm, _this: &Value) -> Py {
    Err(vm.type_error("'sqlite3.Blob' object is not iterable"))
}

fn own(this: &Value) -> &Obj<Blob> {
    this.expect::<Blob>()
}

fn size(this: &Value) -> i64 {
    own(this).open.size().into()
}

fn check(vm: &mut Vm, this: &Value) -> Py<()> {
    checked(vm, &own(this).connection)?;
    if own(this).open.is_open() {
        Ok(())
    } else {
        Err(programming(vm, "Cannot operate on a closed blob."))
    }
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    checked(vm, &own(this).connection)?;
    own(this).open.close();
    Ok(Value::none())
}

/// The exception of a failed read or write.
#[cold]
fn failed(vm: &mut Vm, this: &Value, code: i32) -> Raised {
    let database = match connection::database(vm, &own(this).connection) {
        Ok(database) => database,
        Err(raised) => return raised,
    };
    match database.error_code() {
        sql::SQLITE_OK => raise_result(vm, code),
        _ => raise_last(vm, &database),
    }
}

fn read_at(vm: &mut Vm, this: &Value, offset: i64, length: i64) -> Py<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = usize::try_from(length).unwrap_or(0);
    if bytes.try_reserve_exact(length).is_err() {
        return Err(vm.memory_error());
    }
    bytes.resize(length, 0);
    match own(this).open.read(&mut bytes, offset as i32) {
        sql::SQLITE_OK => Ok(bytes),
        code => Err(failed(vm, this, code)),
    }
}

fn write_at(vm: &mut Vm, this: &Value, offset: i64, bytes: &[u8]) -> Py<()> {
    let room = size(this) - offset;
    if bytes.len() as i64 > room {
        return Err(vm.value_error("data longer than blob length"));
    }
    match own(this).open.write(bytes, offset as i32) {
        sql::SQLITE_OK => Ok(()),
        code => Err(failed(vm, this, code)),
    }
}

fn read(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let length = match args.first() {
        Some(length) => c_int(vm, length)?,
        None => -1,
    };
    check(vm, this)?;
    let offset = own(this).lock(vm).offset;
    let left = size(this) - offset;
    let length = match i64::from(length) {
        length if length < 0 => left,
        length => length.min(left),
    };
    let bytes = read_at(vm, this, offset, length)?;
    own(this).lock(vm).offset = offset + length;
    new_bytes(vm, &bytes)
}

fn write(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    let data = bytes_like(vm, data)?;
    check(vm, this)?;
    let offset = own(this).lock(vm).offset;
    write_at(vm, this, offset, &data)?;
    own(this).lock(vm).offset = offset + data.len() as i64;
    Ok(Value::none())
}

fn seek(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let offset = c_int(vm, &args[0])?;
    let origin = match args.get(1) {
        Some(origin) => c_int(vm, origin)?,
        None => 0,
    };
    check(vm, this)?;
    let length = size(this);
    let from = match origin {
        0 => 0,
        1 => own(this).lock(vm).offset,
        2 => length,
        _ => {
            let message = "'origin' should be os.SEEK_SET, os.SEEK_CUR, or os.SEEK_END";
            return Err(vm.value_error(message));
        }
    };
    let goal = from + i64::from(offset);
    if goal > i64::from(i32::MAX) {
        return Err(vm.overflow_error("seek offset results in offset overflow"));
    }
    if !(0..=length).contains(&goal) {
        return Err(vm.value_error("offset out of blob range"));
    }
    own(this).lock(vm).offset = goal;
    Ok(Value::none())
}

// ---- subscripts ----

fn is_index(key: &Value) -> bool {
    key.is_int() || key.type_of().slots().index.is_some()
}

fn index(vm: &mut Vm, this: &Value, key: &Value) -> Py<i64> {
    let index = vm.subscript_index(key)?;
    let length = size(this);
    let at = if index < 0 { index + length } else { index };
    if (0..length).contains(&at) {
        Ok(at)
    } else {
        Err(vm.index_error("Blob index out of range"))
    }
}

fn get_item(vm: &mut Vm, this: &Value, key: &Value) -> Py {
    check(vm, this)?;
    if is_index(key) {
        let at = index(vm, this, key)?;
        let byte = read_at(vm, this, at, 1)?;
        return Ok(Value::int(byte.first().copied().unwrap_or(0).into()));
    }
    let places = places(vm, this, key)?;
    let row = row_around(vm, this, &places)?;
    let first = places.first().copied().unwrap_or(0);
    let bytes: Vec<u8> = places.iter().map(|place| row[place - first]).collect();
    new_bytes(vm, &bytes)
}

/// The places of a slice, in rising order.
fn places(vm: &mut Vm, this: &Value, key: &Value) -> Py<Vec<usize>> {
    let Some(bounds) = slice::bounds_of(vm, key)? else {
        return Err(vm.type_error("Blob indices must be integers"));
    };
    let span = bounds.fit(size(this) as usize);
    let places: Vec<usize> = span.indices().collect();
    if !places.is_sorted() {
        return Err(vm.value_error("Blob doesn't support slices with a negative step"));
    }
    check(vm, this)?;
    Ok(places)
}

/// The part of the blob from the first to the last of some places.
fn row_around(vm: &mut Vm, this: &Value, places: &[usize]) -> Py<Vec<u8>> {
    match (places.first(), places.last()) {
        (Some(first), Some(last)) => read_at(vm, this, *first as i64, (last - first + 1) as i64),
        _ => Ok(Vec::new()),
    }
}

fn set_item(vm: &mut Vm, this: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    check(vm, this)?;
    if is_index(key) {
        return set_byte(vm, this, key, value);
    }
    if !key.is_instance(&taipan_core::builtin_types::SLICE) {
        return Err(vm.type_error("Blob indices must be integers"));
    }
    let Some(value) = value else {
        return Err(vm.type_error("Blob doesn't support slice deletion"));
    };
    let places = places(vm, this, key)?;
    let data = bytes_like(vm, value)?;
    if data.len() != places.len() {
        return Err(vm.index_error("Blob slice assignment is wrong size"));
    }
    check(vm, this)?;
    let mut row = row_around(vm, this, &places)?;
    let Some(first) = places.first() else {
        return Ok(());
    };
    for (place, byte) in places.iter().zip(data.iter()) {
        row[place - first] = *byte;
    }
    write_at(vm, this, *first as i64, &row)
}

fn set_byte(vm: &mut Vm, this: &Value, key: &Value, value: Option<&Value>) -> Py<()> {
    let Some(value) = value else {
        return Err(vm.type_error("Blob doesn't support item deletion"));
    };
    let at = index(vm, this, key)?;
    if !value.is_int() {
        let got = value.type_of().name();
        let message = format!("'{got}' object cannot be interpreted as an integer");
        return Err(vm.type_error(message));
    }
    let Some(byte) = value.as_i64().and_then(|number| u8::try_from(number).ok()) else {
        return Err(vm.value_error("byte must be in range(0, 256)"));
    };
    write_at(vm, this, at, &[byte])
}
