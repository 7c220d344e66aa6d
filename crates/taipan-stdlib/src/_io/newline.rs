//! Universal newlines: the translation itself, and `IncrementalNewlineDecoder`.

use super::NEWLINE_DECODER;
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, Bound, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, alloc, bound, f0, f1, getter, name, str_object, tuple_object,
};

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

/// Notes line ends and, if asked, turns `\r\n` and `\r` into `\n`. A `\r` at the end of text that is not the last is held back
/// in `pending`.
pub(super) fn translate(
    text: &[u32],
    pending: &mut bool,
    last: bool,
    change: bool,
    seen: &mut Seen,
) -> Vec<u32> {
    let mut input: Vec<u32> = Vec::with_capacity(text.len() + 1);
    if std::mem::take(pending) {
        input.push(CR);
    }
    input.extend_from_slice(text);
    if !last && input.last() == Some(&CR) {
        input.pop();
        *pending = true;
    }
    let mut out = Vec::with_capacity(input.len());
    let mut at = 0;
    while at < input.len() {
        match input[at] {
            CR if input.get(at + 1) == Some(&LF) => {
                seen.crlf = true;
                if !change {
                    out.push(CR);
                }
                out.push(LF);
                at += 1;
            }
            CR => {
                seen.cr = true;
                out.push(if change { LF } else { CR });
            }
            LF => {
                seen.lf = true;
                out.push(LF);
            }
            c => out.push(c),
        }
        at += 1;
    }
    out
}

struct State {
    decoder: Value,
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
        tracer.visit(&state.decoder);
        tracer.visit(&state.errors);
    }
}

static LAYOUT: Layout = Layout::of::<NewlineDecoder>();
static NEW: MethodDef =
    crate::support::signature("IncrementalNewlineDecoder(decoder, translate, errors='strict')");

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    let args = taipan_core::bind::bind(vm, &NEW, args)?;
    let translate = vm.truth(args.req(1))?;
    let errors = args
        .get(2)
        .cloned()
        .unwrap_or_else(|| str_object::new_str("strict"));
    let state = State {
        decoder: args.req(0).clone(),
        translate,
        pending: false,
        seen: Seen::default(),
        errors,
    };
    Ok(alloc::new_instance(
        cls,
        NewlineDecoder {
            state: Locked::new(state),
        },
    ))
}

fn decode(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let last = match args.get(1) {
        Some(last) => vm.truth(last)?,
        None => false,
    };
    let object = this.expect::<NewlineDecoder>();
    let decoder = object.lock(vm).decoder.clone();
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
    let points: Vec<u32> = units.code_points().collect();
    let mut state = object.lock(vm);
    let State {
        translate: change,
        pending,
        seen,
        ..
    } = &mut *state;
    let out = translate(&points, pending, last, *change, seen);
    drop(state);
    Ok(str_object::new_from_code_points(&out))
}

fn getstate(vm: &mut Vm, this: &Value) -> Py {
    let (decoder, pending) = {
        let state = this.expect::<NewlineDecoder>().lock(vm);
        (state.decoder.clone(), state.pending)
    };
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
    let Some([buffer, flag]) = tuple_object::items(state) else {
        return Err(vm.type_error("state argument must be a tuple"));
    };
    let flag = vm.index_i64(flag)?;
    let decoder = {
        let mut state = this.expect::<NewlineDecoder>().lock(vm);
        state.pending = flag & 1 == 1;
        state.decoder.clone()
    };
    if !decoder.is_none() {
        let inner = tuple_object::new_tuple([buffer.clone(), Value::int(flag >> 1)]);
        vm.call_method(&decoder, name!("setstate"), &[inner])?;
    }
    Ok(Value::none())
}

fn reset(vm: &mut Vm, this: &Value) -> Py {
    let decoder = {
        let mut state = this.expect::<NewlineDecoder>().lock(vm);
        state.pending = false;
        state.seen = Seen::default();
        state.decoder.clone()
    };
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
