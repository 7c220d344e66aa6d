//! Work on paths as text, and `fspath`.

use crate::path;
use taipan_core::str_object::{self, new_from_code_points};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Bound, MethodDef, Py, Value, Vm, bound, f1};
use taipan_types::bytes::{bytes_of, new_bytes};

pub(super) static FUNCTIONS: [MethodDef; 3] = [
    bound(
        "fspath($module, /, path)",
        |vm, _, args| path::fspath(vm, args.req(0)),
        "The str or bytes that a path object stands for.",
    ),
    bound(
        "_path_normpath($module, /, path)",
        normpath,
        "A path without empty, '.' and '..' parts.",
    ),
    f1(
        "_path_splitroot_ex($module, path, /)",
        splitroot,
        "A path as (drive, root, tail).",
    ),
];

/// The units of a path argument.
enum Text {
    Bytes(Vec<u32>),
    Str(Vec<u32>),
}

impl Text {
    fn of(vm: &mut Vm, value: &Value) -> Py<Text> {
        let value = path::fspath(vm, value)?;
        Ok(match bytes_of(&value) {
            Some(bytes) => Text::Bytes(bytes.iter().copied().map(u32::from).collect()),
            None => Text::Str(
                str_object::str_of(&value)
                    .map(|text| text.code_points().collect())
                    .unwrap_or_default(),
            ),
        })
    }

    fn units(&self) -> &[u32] {
        match self {
            Text::Bytes(units) | Text::Str(units) => units,
        }
    }

    /// A value of the same kind.
    fn value(&self, vm: &mut Vm, units: &[u32]) -> Py {
        match self {
            Text::Bytes(_) => new_bytes(
                vm,
                &units.iter().map(|unit| *unit as u8).collect::<Vec<u8>>(),
            ),
            Text::Str(_) => Ok(new_from_code_points(units)),
        }
    }
}

const SLASH: u32 = '/' as u32;

/// How many slashes the root has: two exactly are kept, as POSIX lets them mean something.
fn root_length(units: &[u32]) -> usize {
    match units.iter().take_while(|unit| **unit == SLASH).count() {
        0 => 0,
        2 => 2,
        _ => 1,
    }
}

fn splitroot(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    let text = Text::of(vm, value)?;
    let units = text.units();
    let root = root_length(units);
    let parts = [
        text.value(vm, &[])?,
        text.value(vm, &units[..root])?,
        text.value(vm, &units[root..])?,
    ];
    Ok(new_tuple(parts))
}

fn normpath(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let text = Text::of(vm, args.req(0))?;
    let units = text.units();
    let root = root_length(units);
    let dot = ['.' as u32];
    let up = ['.' as u32; 2];
    let mut kept: Vec<&[u32]> = Vec::new();
    for part in units[root..].split(|unit| *unit == SLASH) {
        if part.is_empty() || part == dot {
            continue;
        }
        if part != up || (root == 0 && kept.last().is_none_or(|last| *last == up)) {
            kept.push(part);
        } else {
            kept.pop();
        }
    }
    let mut out = units[..root].to_vec();
    out.extend(kept.join(&SLASH));
    if out.is_empty() {
        out.push(dot[0]);
    }
    text.value(vm, &out)
}
