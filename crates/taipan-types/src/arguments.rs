//! Arguments of constructors, and conversions of arguments that several types share.

use taipan_core::builtin_types::OVERFLOW_ERROR;
use taipan_core::str_object::str_of;
use taipan_core::{Args, Py, Value, Vm};

/// Sorts arguments by parameter names. The first `positional_only` parameters cannot be given by name.
pub fn take<'a, const N: usize>(
    vm: &mut Vm,
    function: &str,
    args: Args<'a>,
    names: [&str; N],
    positional_only: usize,
) -> Py<[Option<&'a Value>; N]> {
    let given = args.all().len();
    if given > N {
        let plural = if N == 1 { "" } else { "s" };
        let message = format!("{function}() takes at most {N} argument{plural} ({given} given)");
        return Err(vm.type_error(message));
    }
    let mut out = [None; N];
    for (slot, value) in out.iter_mut().zip(args.pos()) {
        *slot = Some(value);
    }
    for (name, value) in args.keywords() {
        let text = str_of(name).map(|text| text.to_lossy()).unwrap_or_default();
        match names.iter().position(|own| *own == text) {
            Some(at) if at >= positional_only => {
                if out[at].is_some() {
                    let message = format!(
                        "argument for {function}() given by name ('{text}') and position ({})",
                        at + 1
                    );
                    return Err(vm.type_error(message));
                }
                out[at] = Some(value);
            }
            _ => {
                let message = format!("{function}() got an unexpected keyword argument '{text}'");
                return Err(vm.type_error(message));
            }
        }
    }
    Ok(out)
}

/// The number of a sequence's repetition: negative ones are 0, too large ones an `OverflowError`.
pub fn repeat_count(vm: &mut Vm, times: &Value) -> Py<usize> {
    if let Some(i) = times.small_int() {
        return Ok(i.max(0) as usize);
    }
    let index = vm.index(times)?;
    match index.as_i64() {
        Some(i) => Ok(i.max(0) as usize),
        None => {
            let message = format!(
                "cannot fit '{}' into an index-sized integer",
                times.type_of().name()
            );
            Err(vm.raise(&OVERFLOW_ERROR, message))
        }
    }
}

/// `start` and `end` arguments of searches, at `args[at]` and `args[at + 1]`: may be missing or `None`. Not yet fitted to a length.
pub fn range(vm: &mut Vm, args: &[Value], at: usize) -> Py<(i64, i64)> {
    let bound = |vm: &mut Vm, value: Option<&Value>, default: i64| match value {
        Some(value) if !value.is_none() => crate::slice::slice_index(vm, value),
        _ => Ok(default),
    };
    Ok((
        bound(vm, args.get(at), 0)?,
        bound(vm, args.get(at + 1), i64::MAX)?,
    ))
}

/// A search range fitted to a length. The start may lie beyond the end: then nothing is found, not even empty text.
pub fn fit((start, end): (i64, i64), len: usize) -> (usize, usize) {
    let len = len as i64;
    let fix = |i: i64| {
        if i < 0 {
            i.saturating_add(len).max(0)
        } else {
            i
        }
    };
    (fix(start) as usize, fix(end).min(len) as usize)
}

/// A boolean flag argument.
pub fn flag(vm: &mut Vm, value: Option<&Value>, default: bool) -> Py<bool> {
    match value {
        Some(value) => vm.truth(value),
        None => Ok(default),
    }
}

/// The name of a type for messages about arguments: `None` is called that.
pub fn type_name(value: &Value) -> &str {
    if value.is_none() {
        "None"
    } else {
        value.type_of().name()
    }
}
