//! `SyntaxError` and its subclasses.

use super::{base, member, shown};
use crate::text::Builder;
use taipan_core::exception::{field, set_field};
use taipan_core::str_object::{is_str, new_from_code_points, str_of};
use taipan_core::{Args, GetSetDef, Py, Value, Vm};

const MSG: usize = 0;
const FILENAME: usize = 1;
const LINENO: usize = 2;
const OFFSET: usize = 3;
const TEXT: usize = 4;
const END_LINENO: usize = 5;
const END_OFFSET: usize = 6;
const METADATA: usize = 7;
const PRINT_FILE_AND_LINE: usize = 8;

pub(super) fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    base::init(vm, this, args)?;
    let given = args.pos();
    if let Some(message) = given.first() {
        set_field(vm, this, MSG, Some(message.clone()));
    }
    let [_, info] = given else { return Ok(()) };
    let info = vm.to_vec(info)?;
    if info.len() < 4 || info.len() > 7 {
        let (bound, number) = if info.len() < 4 {
            ("at least", 4)
        } else {
            ("at most", 7)
        };
        let message = format!(
            "function takes {bound} {number} arguments ({} given)",
            info.len()
        );
        return Err(vm.type_error(message));
    }
    let count = info.len();
    for index in [
        FILENAME, LINENO, OFFSET, TEXT, END_LINENO, END_OFFSET, METADATA,
    ] {
        set_field(vm, this, index, info.get(index - 1).cloned());
    }
    if count == 5 {
        return Err(vm.type_error("end_offset must be provided when end_lineno is provided"));
    }
    Ok(())
}

/// What stands behind the last slash of a path.
fn base_name(path: &Value) -> Option<Value> {
    let text = str_of(path)?;
    let points: Vec<u32> = text.code_points().collect();
    match points.iter().rposition(|c| *c == '/' as u32) {
        Some(slash) => Some(new_from_code_points(&points[slash + 1..])),
        None => Some(path.clone()),
    }
}

pub(super) fn str(vm: &mut Vm, this: &Value) -> Py {
    let message = field(vm, this, MSG);
    let message = shown(vm, message.as_ref())?;
    let filename = field(vm, this, FILENAME)
        .filter(is_str)
        .and_then(|filename| base_name(&filename));
    let lineno =
        field(vm, this, LINENO).filter(|lineno| lineno.is_exact(&taipan_core::builtin_types::INT));
    let lineno = lineno.map(|lineno| lineno.as_i64().unwrap_or(-1));
    if filename.is_none() && lineno.is_none() {
        return Ok(message);
    }
    let mut out = Builder::new();
    out.push_value(&message);
    out.push_str(" (");
    if let Some(filename) = &filename {
        out.push_value(filename);
    }
    if let Some(lineno) = lineno {
        let comma = if filename.is_some() { ", " } else { "" };
        out.push_str(&format!("{comma}line {lineno}"));
    }
    out.push_str(")");
    out.finish(vm)
}

pub(super) static GETSET: [GetSetDef; 9] = [
    member::<MSG>("msg", "exception msg"),
    member::<FILENAME>("filename", "exception filename"),
    member::<LINENO>("lineno", "exception lineno"),
    member::<OFFSET>("offset", "exception offset"),
    member::<TEXT>("text", "exception text"),
    member::<END_LINENO>("end_lineno", "exception end lineno"),
    member::<END_OFFSET>("end_offset", "exception end offset"),
    member::<PRINT_FILE_AND_LINE>("print_file_and_line", "exception print_file_and_line"),
    member::<METADATA>("_metadata", "exception private metadata"),
];
