//! Universal newlines: the translation itself, and `IncrementalNewlineDecoder`.

use super::NEWLINE_DECODER;
use taipan_base::text::{Text, TextBuf, find_char};
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, alloc, bound, f0, f1, getter, name, str_object, tuple_object,
};
use taipan_types::str::{from_buf, view};

const CR: u32 = 13;
const LF: u32 = 10;

/// Which line ends were seen.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub cr: bool,
    pub lf: bool,
    pub crlf: bool,
}

impl Seen {
    /// The `newlines` attribute: None, a string, or a tuple.
    pub(super) fn value(self) -> Value {
        let kinds: Vec<Value> = [(self.cr, "\r"), (self.lf, "\n"), (self.crlf, "\r\n")]
            .into_iter()
            .filter(|(seen, _)| *seen)
            .map(|(_, text)| str_object::new_str(text))
            .collect();
        match kinds.len() {
            0 => Value::none(),
            1 => kinds.into_iter().next().unwrap_or_else(Value::none),
            _ => tuple_object::new_tuple(kinds),
        }
    }
}

/// Notes line ends and, if asked, turns `\r\n` and `\r` into `\n`; `None` if the text stays as it is. A `\r` at the end of text
/// that is not the last is held back in `pending`.
pub(super) fn translate(
    text: Text<'_>,
    pending: &mut bool,
    last: bool,
    change: bool,
    seen: &mut Seen,
) -> Option<TextBuf> {
    if !*pending && find_char(text, CR).is_none() {
        seen.lf = seen.lf || find_char(text, LF).is_some();
        return None;
    }
    let mut out = TextBuf::with_capacity(text.len() + 1);
    let mut cr = std::mem::take(pending);
    for c in text.chars() {
        if cr {
            cr = false;
            if c == LF {
                seen.crlf = true;
                if !change {
                    out.push(CR);
                }
                out.push(LF);
                continue;
            }
            seen.cr = true;
            out.push(if change { LF } else { CR });
        }
        match c {
            CR => cr = true,
            LF => {
                seen.lf = true;
                out.push(LF);
            }
            c => out.push(c),
        }
    }
    if cr && last {
        seen.cr = true;
        out.push(if change { LF } else { CR });
    } else {
        *pending = cr;
    }
    Some(out)
}

/// How line ends are treated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Newline {
    /// None: read any line end as `\n`, write `\n` as the system's.
    Universal,
    /// '': lines end at any line end, which is kept.
    Kept,
    Lf,
    Cr,
    CrLf,
}

impl Newline {
    /// The argument of a text file's function `caller`; its words differ from those of a `StringIO`.
    pub(super) fn of_text(vm: &mut Vm, caller: &str, value: Option<&Value>) -> Py<Newline> {
        let given = value.filter(|value| !value.is_none());
        let Some(text) = given.and_then(str_object::str_of) else {
            let Some(given) = given else {
                return Ok(Newline::Universal);
            };
            let message = format!(
                "{caller}() argument 'newline' must be str or None, not {}",
                given.type_of().name()
            );
            return Err(vm.type_error(message));
        };
        let text = text.to_lossy();
        if text.contains('\0') {
            return Err(vm.value_error("embedded null character"));
        }
        match Newline::named(&text) {
            Some(newline) => Ok(newline),
            None => Err(vm.value_error(format!("illegal newline value: {text}"))),
        }
    }

    fn named(text: &str) -> Option<Newline> {
        match text {
            "" => Some(Newline::Kept),
            "\n" => Some(Newline::Lf),
            "\r" => Some(Newline::Cr),
            "\r\n" => Some(Newline::CrLf),
            _ => None,
        }
    }

    pub(super) fn parse(vm: &mut Vm, value: Option<&Value>) -> Py<Newline> {
        let Some(value) = value.filter(|value| !value.is_none()) else {
            return Ok(Newline::Universal);
        };
        let Some(text) = str_object::str_of(value) else {
            let message = format!(
                "newline must be str or None, not {}",
                value.type_of().name()
            );
            return Err(vm.type_error(message));
        };
        match Newline::named(&text.to_lossy()) {
            Some(newline) => Ok(newline),
            None => {
                let message = format!("illegal newline value: {}", vm.repr_string(value)?);
                Err(vm.value_error(message))
            }
        }
    }

    /// Are line ends of all kinds seen?
    pub(super) fn is_universal(self) -> bool {
        matches!(self, Newline::Universal | Newline::Kept)
    }

    /// Where the first line of `text` ends (behind its line end), if it does. `after_cr`: a `\r` stands in front of it.
    pub(super) fn end_in(self, text: Text<'_>, after_cr: bool) -> Option<usize> {
        let behind = |at: usize| at + 1;
        match self {
            Newline::Universal | Newline::Lf => find_char(text, LF).map(behind),
            Newline::Cr => find_char(text, CR).map(behind),
            Newline::CrLf => {
                if after_cr && text.get(0) == Some(LF) {
                    return Some(1);
                }
                let mut from = 0;
                while let Some(at) = find_char(text.slice(from..text.len()), LF) {
                    let at = from + at;
                    if at > 0 && text.get(at - 1) == Some(CR) {
                        return Some(at + 1);
                    }
                    from = at + 1;
                }
                None
            }
            Newline::Kept => {
                let lf = find_char(text, LF);
                let before = text.slice(0..lf.unwrap_or(text.len()));
                match (find_char(before, CR), lf) {
                    (Some(cr), Some(lf)) if cr + 1 == lf => Some(lf + 1),
                    (Some(cr), _) => Some(cr + 1),
                    (None, lf) => lf.map(behind),
                }
            }
        }
    }

    /// What `\n` becomes when written.
    pub(super) fn written(self) -> Option<&'static str> {
        match self {
            Newline::Cr => Some("\r"),
            Newline::CrLf => Some("\r\n"),
            _ => None,
        }
    }
}

struct State {
    /// Nothing until `__init__`.
    decoder: Option<Value>,
    translate: bool,
    pending: bool,
    seen: Seen,
    errors: Value,
}

struct NewlineDecoder {
    state: Locked<State>,
}

impl HasState for NewlineDecoder {
    type State = State;
    fn cell(&self) -> &Locked<State> {
        &self.state
    }
}

// SAFETY: both references are reported.
unsafe impl Payload for NewlineDecoder {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &NEWLINE_DECODER
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        let state = unsafe { self.state.get_unlocked() };
        tracer.visit_option(&state.decoder);
        tracer.visit(&state.errors);
    }
}

static LAYOUT: Layout = Layout::of::<NewlineDecoder>();
static INIT: MethodDef =
    crate::support::signature("IncrementalNewlineDecoder(decoder, translate, errors='strict')");

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    let state = State {
        decoder: None,
        translate: false,
        pending: false,
        seen: Seen::default(),
        errors: Value::none(),
    };
    Ok(alloc::new_instance(
        cls,
        NewlineDecoder {
            state: Locked::new(state),
        },
    ))
}

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = taipan_core::bind::bind(vm, &INIT, args)?;
    let translate = vm.truth(args.req(1))?;
    let errors = args
        .get(2)
        .cloned()
        .unwrap_or_else(|| str_object::new_str("strict"));
    let fresh = State {
        decoder: Some(args.req(0).clone()),
        translate,
        pending: false,
        seen: Seen::default(),
        errors,
    };
    let old = std::mem::replace(&mut *this.expect::<NewlineDecoder>().lock(vm), fresh);
    drop(old);
    Ok(())
}

/// The decoder behind; `None` if there is none.
fn inner(vm: &mut Vm, this: &Value) -> Py {
    let decoder = this.expect::<NewlineDecoder>().lock(vm).decoder.clone();
    match decoder {
        Some(decoder) => Ok(decoder),
        None => Err(vm.value_error("IncrementalNewlineDecoder.__init__() not called")),
    }
}

fn decode(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let last = match args.get(1) {
        Some(last) => vm.truth(last)?,
        None => false,
    };
    let object = this.expect::<NewlineDecoder>();
    let decoder = inner(vm, this)?;
    let text = if decoder.is_none() {
        args.req(0).clone()
    } else {
        vm.call_method(
            &decoder,
            name!("decode"),
            &[args.req(0).clone(), Value::bool(last)],
        )?
    };
    let Some(units) = str_object::str_of(&text) else {
        let message = format!(
            "decoder should return a string result, not '{}'",
            text.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    let mut state = object.lock(vm);
    let State {
        translate: change,
        pending,
        seen,
        ..
    } = &mut *state;
    let changed = translate(view(units), pending, last, *change, seen);
    drop(state);
    match changed {
        Some(changed) => from_buf(vm, changed),
        None => Ok(text),
    }
}

fn getstate(vm: &mut Vm, this: &Value) -> Py {
    let decoder = inner(vm, this)?;
    let pending = this.expect::<NewlineDecoder>().lock(vm).pending;
    let (buffer, flag) = if decoder.is_none() {
        (taipan_types::bytes::empty_bytes(), 0)
    } else {
        let inner = vm.call_method(&decoder, name!("getstate"), &[])?;
        match tuple_object::items(&inner) {
            Some([buffer, flag]) => (buffer.clone(), vm.index_i64(flag)?),
            _ => return Err(vm.type_error("illegal decoder state")),
        }
    };
    Ok(tuple_object::new_tuple([
        buffer,
        Value::int(flag << 1 | i64::from(pending)),
    ]))
}

fn setstate(vm: &mut Vm, this: &Value, state: &Value) -> Py {
    let decoder = inner(vm, this)?;
    let Some([buffer, flag]) = tuple_object::items(state) else {
        return Err(vm.type_error("state argument must be a tuple"));
    };
    let flag = vm.index_i64(flag)?;
    this.expect::<NewlineDecoder>().lock(vm).pending = flag & 1 == 1;
    if !decoder.is_none() {
        let inner = tuple_object::new_tuple([buffer.clone(), Value::int(flag >> 1)]);
        vm.call_method(&decoder, name!("setstate"), &[inner])?;
    }
    Ok(Value::none())
}

fn reset(vm: &mut Vm, this: &Value) -> Py {
    let decoder = inner(vm, this)?;
    {
        let mut state = this.expect::<NewlineDecoder>().lock(vm);
        state.pending = false;
        state.seen = Seen::default();
    }
    if decoder.is_none() {
        Ok(decoder)
    } else {
        vm.call_method(&decoder, name!("reset"), &[])
    }
}

fn newlines(vm: &mut Vm, this: &Value) -> Py {
    let seen = this.expect::<NewlineDecoder>().lock(vm).seen;
    Ok(seen.value())
}

static METHODS: [MethodDef; 4] = [
    bound("decode($self, input, final=False)", decode, ""),
    f0("getstate($self, /)", getstate, ""),
    f1("setstate($self, state, /)", setstate, ""),
    f0("reset($self, /)", reset, ""),
];

static GETSET: [GetSetDef; 1] = [getter("newlines", newlines, "")];

static SPEC: TypeSpec = TypeSpec {
    name: "_io.IncrementalNewlineDecoder",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "Codec used when reading a file in universal newlines mode.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    NEWLINE_DECODER.define(&SPEC);
}
