//! `StringIO`: a text file in memory.

use super::newline::{Newline, Seen, translate};
use super::{STRING_IO, TEXT_IO_BASE, closed_file, size_argument};
use taipan_base::text::{Text, replace};
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Payload, Py, Slots, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, alloc, bound, f0, f1, getter, name, str_object, tuple_object,
};

struct State {
    /// `None` when closed.
    text: Option<Vec<u32>>,
    at: usize,
    newline: Newline,
    seen: Seen,
}

struct StringIo {
    state: Locked<State>,
}

impl HasState for StringIo {
    type State = State;
    fn cell(&self) -> &Locked<State> {
        &self.state
    }
}

// SAFETY: holds no references.
unsafe impl Payload for StringIo {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &STRING_IO
    }
}

static LAYOUT: Layout = Layout::of::<StringIo>();

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    let state = State {
        text: Some(Vec::new()),
        at: 0,
        newline: Newline::Lf,
        seen: Seen::default(),
    };
    Ok(alloc::new_instance(
        cls,
        StringIo {
            state: Locked::new(state),
        },
    ))
}

static INIT: MethodDef = crate::support::signature("StringIO(initial_value='', newline='\\n')");

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = taipan_core::bind::bind(vm, &INIT, args)?;
    let newline = match args.get(1) {
        Some(newline) => Newline::parse(vm, Some(newline))?,
        None => Newline::Lf,
    };
    *this.expect::<StringIo>().lock(vm) = State {
        text: Some(Vec::new()),
        at: 0,
        newline,
        seen: Seen::default(),
    };
    match args.get(0) {
        Some(initial) if !initial.is_none() => {
            if !str_object::is_str(initial) {
                let message = format!(
                    "initial_value must be str or None, not {}",
                    initial.type_of().name()
                );
                return Err(vm.type_error(message));
            }
            put(vm, this, initial)?;
            this.expect::<StringIo>().lock(vm).at = 0;
            Ok(())
        }
        _ => Ok(()),
    }
}

fn with<R>(
    vm: &mut Vm,
    this: &Value,
    work: impl FnOnce(&mut Vec<u32>, &mut usize, Newline) -> R,
) -> Py<R> {
    {
        let mut state = this.expect::<StringIo>().lock(vm);
        let State {
            text, at, newline, ..
        } = &mut *state;
        if let Some(text) = text {
            return Ok(work(text, at, *newline));
        }
    }
    Err(closed_file(vm))
}

/// Writes at the position, line ends treated.
fn put(vm: &mut Vm, this: &Value, value: &Value) -> Py<()> {
    let given = taipan_types::str::text::text(value);
    let (newline, mut seen) = {
        let state = this.expect::<StringIo>().lock(vm);
        (state.newline, state.seen)
    };
    let changed = match newline.written() {
        _ if newline == Newline::Universal => translate(given, &mut false, true, true, &mut seen),
        Some(end) => replace(
            given,
            Text::Ascii(b"\n"),
            Text::Ascii(end.as_bytes()),
            usize::MAX,
        ),
        None => None,
    };
    let points: Vec<u32> = match &changed {
        Some(changed) => changed.as_text().chars().collect(),
        None => given.chars().collect(),
    };
    this.expect::<StringIo>().lock(vm).seen = seen;
    let fits = with(vm, this, |text, at, _| {
        if points.is_empty() {
            return true;
        }
        let end = *at + points.len();
        if end > text.len() {
            if text.try_reserve(end - text.len()).is_err() {
                return false;
            }
            text.resize(end, 0);
        }
        text[*at..end].copy_from_slice(&points);
        *at = end;
        true
    })?;
    if fits { Ok(()) } else { Err(vm.memory_error()) }
}

fn write(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    if !str_object::is_str(value) {
        let message = format!("string argument expected, got '{}'", value.type_of().name());
        return Err(vm.type_error(message));
    }
    put(vm, this, value)?;
    Ok(Value::int(vm.length(value)? as i64))
}

fn read(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let size = size_argument(vm, args.get(0))?;
    let part = with(vm, this, |text, at, _| {
        let start = (*at).min(text.len());
        let end = size.map_or(text.len(), |size| {
            text.len().min(start.saturating_add(size))
        });
        *at = (*at).max(end);
        text[start..end].to_vec()
    })?;
    Ok(str_object::new_from_code_points(&part))
}

fn line(vm: &mut Vm, this: &Value, limit: Option<usize>) -> Py<Vec<u32>> {
    with(vm, this, |text, at, newline| {
        let start = (*at).min(text.len());
        let rest = &text[start..];
        let wanted = newline
            .end_in(Text::Ucs4(rest), false)
            .unwrap_or(rest.len());
        let taken = limit.map_or(wanted, |limit| wanted.min(limit));
        *at = (*at).max(start + taken);
        rest[..taken].to_vec()
    })
}

fn readline(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let limit = size_argument(vm, args.get(0))?;
    let part = line(vm, this, limit)?;
    Ok(str_object::new_from_code_points(&part))
}

fn next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    if !this.is_exact(&STRING_IO) {
        let line = vm.call_method(this, name!("readline"), &[])?;
        return Ok(if vm.length(&line)? == 0 {
            None
        } else {
            Some(line)
        });
    }
    let part = line(vm, this, None)?;
    Ok(if part.is_empty() {
        None
    } else {
        Some(str_object::new_from_code_points(&part))
    })
}

fn seek(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let offset = vm.index_i64(args.req(0))?;
    let whence = match args.get(1) {
        Some(whence) => vm.index_i64(whence)?,
        None => 0,
    };
    match whence {
        0 if offset < 0 => {
            let message = format!("Negative seek position {offset}");
            return Err(vm.value_error(message));
        }
        1 | 2 if offset != 0 => {
            return Err(vm.raise(
                &taipan_core::builtin_types::OS_ERROR,
                "Can't do nonzero cur-relative seeks",
            ));
        }
        0..=2 => {}
        _ => {
            let message = format!("Invalid whence ({whence}, should be 0, 1 or 2)");
            return Err(vm.value_error(message));
        }
    }
    let at = with(vm, this, |text, at, _| {
        match whence {
            0 => *at = offset as usize,
            2 => *at = text.len(),
            _ => {}
        }
        *at
    })?;
    Ok(Value::int(at as i64))
}

fn tell(vm: &mut Vm, this: &Value) -> Py {
    let at = with(vm, this, |_, at, _| *at)?;
    Ok(Value::int(at as i64))
}

fn truncate(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let size = match args.get(0) {
        Some(size) if !size.is_none() => Some(vm.index_i64(size)?),
        _ => None,
    };
    if let Some(size) = size
        && size < 0
    {
        let message = format!("Negative size value {size}");
        return Err(vm.value_error(message));
    }
    let size = with(vm, this, |text, at, _| {
        let size = size.map_or(*at, |size| size as usize);
        text.truncate(size);
        size
    })?;
    Ok(Value::int(size as i64))
}

fn getvalue(vm: &mut Vm, this: &Value) -> Py {
    let all = with(vm, this, |text, _, _| text.clone())?;
    Ok(str_object::new_from_code_points(&all))
}

fn close(vm: &mut Vm, this: &Value) -> Py {
    this.expect::<StringIo>().lock(vm).text = None;
    Ok(Value::none())
}

fn answer_true(vm: &mut Vm, this: &Value) -> Py {
    with(vm, this, |_, _, _| Value::bool(true))
}

fn closed_get(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(
        this.expect::<StringIo>().lock(vm).text.is_none(),
    ))
}

fn newlines_get(vm: &mut Vm, this: &Value) -> Py {
    let state = this.expect::<StringIo>().lock(vm);
    Ok(if state.newline == Newline::Universal {
        state.seen.value()
    } else {
        Value::none()
    })
}

fn line_buffering(vm: &mut Vm, this: &Value) -> Py {
    with(vm, this, |_, _, _| Value::bool(false))
}

fn getstate(vm: &mut Vm, this: &Value) -> Py {
    let (value, at) = (getvalue(vm, this)?, tell(vm, this)?);
    let newline = match this.expect::<StringIo>().lock(vm).newline {
        Newline::Universal => Value::none(),
        Newline::Kept => str_object::new_str(""),
        Newline::Lf => str_object::new_str("\n"),
        Newline::Cr => str_object::new_str("\r"),
        Newline::CrLf => str_object::new_str("\r\n"),
    };
    let dict = if taipan_core::instance::has_dict(this) {
        taipan_core::instance::dict(this)
    } else {
        Value::none()
    };
    Ok(tuple_object::new_tuple([value, newline, at, dict]))
}

fn setstate(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    with(vm, this, |_, _, _| ())?;
    let Some([value, newline, at, dict]) = tuple_object::items(state) else {
        let message = format!(
            "{}.__setstate__ argument should be 4-tuple, got {}",
            this.type_of().short_name(),
            state.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    if !str_object::is_str(value) && !value.is_none() {
        let message = format!(
            "initial_value must be str or None, not {}",
            value.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let newline = Newline::parse(vm, Some(newline))?;
    let text = str_object::str_of(value)
        .map(|text| text.code_points().collect())
        .unwrap_or_default();
    if !at.is_int() {
        let message = format!(
            "third item of state must be an integer, got {}",
            at.type_of().name()
        );
        return Err(vm.type_error(message));
    }
    let at = vm.index_i64(at)?;
    let Ok(at) = usize::try_from(at) else {
        return Err(vm.value_error("position value cannot be negative"));
    };
    *this.expect::<StringIo>().lock(vm) = State {
        text: Some(text),
        at,
        newline,
        seen: Seen::default(),
    };
    super::restore_dict(vm, this, dict, "fourth")
}

static METHODS: [MethodDef; 13] = [
    bound(
        "read($self, size=-1, /)",
        read,
        "Read at most size characters, returned as a string.",
    ),
    bound(
        "readline($self, size=-1, /)",
        readline,
        "Read until newline or EOF.",
    ),
    f1("write($self, s, /)", write, "Write string to file."),
    bound(
        "seek($self, pos, whence=0, /)",
        seek,
        "Change stream position.",
    ),
    f0("tell($self, /)", tell, "Tell the current file position."),
    bound(
        "truncate($self, pos=None, /)",
        truncate,
        "Truncate size to pos.",
    ),
    f0(
        "getvalue($self, /)",
        getvalue,
        "Retrieve the entire contents of the object.",
    ),
    f0("close($self, /)", close, "Close the IO object."),
    f0(
        "readable($self, /)",
        answer_true,
        "Returns True if the IO object can be read.",
    ),
    f0(
        "writable($self, /)",
        answer_true,
        "Returns True if the IO object can be written.",
    ),
    f0(
        "seekable($self, /)",
        answer_true,
        "Returns True if the IO object can be seeked.",
    ),
    f0("__getstate__($self, /)", getstate, ""),
    f1("__setstate__($self, state, /)", setstate, ""),
];

static GETSET: [GetSetDef; 3] = [
    getter("closed", closed_get, ""),
    getter("newlines", newlines_get, ""),
    getter("line_buffering", line_buffering, ""),
];

static SPEC: TypeSpec = TypeSpec {
    name: "_io.StringIO",
    base: Some(&TEXT_IO_BASE),
    flags: TypeFlags::BASE
        .union(TypeFlags::DICT)
        .union(TypeFlags::WEAKREF),
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        next: Some(next),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Text I/O implementation using an in-memory buffer.",
};

pub(super) fn define() {
    STRING_IO.define(&SPEC);
}
