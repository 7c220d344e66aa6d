//! Decompressor objects: `decompressobj()`.

use super::failure::Failure;
use super::stream::{Code, Inflate};
use super::{BUFFER_SIZE, MAX_WBITS, int_or};
use crate::output::{Output, try_extend, try_to_vec};
use libz_rs_sys as lib;
use taipan_core::alloc::new_object;
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Bound, GetSetDef, Layout, MethodDef, Obj, Payload, Py, Raised, Type, TypeFlags, TypeObject,
    TypeSpec, Value, Vm, bound, f0, f1, getter, slice,
};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;

static DECOMPRESS: TypeObject = Type::declare("zlib.Decompress");

static SPEC: TypeSpec = TypeSpec {
    name: "zlib.Decompress",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LAYOUT),
    methods: &METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Decompressor>();

static METHODS: [MethodDef; 5] = [
    bound(
        "decompress(self, data, /, max_length=0)",
        decompress,
        "Go on with data. Gives at most max_length bytes, unless it is 0; what was not needed for them\nis left in unconsumed_tail.",
    ),
    slice(
        "flush(self, length=zlib.DEF_BUF_SIZE, /)",
        flush,
        "What unconsumed_tail gives. After that, the object is done.",
    ),
    f0("copy(self, /)", copy, "A copy of the object."),
    f0("__copy__(self, /)", copy, ""),
    f1("__deepcopy__(self, memo, /)", deep_copy, ""),
];

static GETSET: [GetSetDef; 3] = [
    getter("unused_data", unused_data, ""),
    getter("unconsumed_tail", unconsumed_tail, ""),
    getter("eof", eof, ""),
];

pub(super) fn define() {
    DECOMPRESS.define(&SPEC);
}

/// A decompressing stream with the dictionary that it may ask for.
pub struct Dictionary {
    pub stream: Inflate,
    bytes: Option<Vec<u8>>,
}

impl Dictionary {
    /// The stream of a `wbits` argument. One without container takes the dictionary at once.
    pub fn open(vm: &mut Vm, wbits: i32, dictionary: Option<Vec<u8>>) -> Py<Dictionary> {
        let stream = match Inflate::new(wbits) {
            Ok(stream) => stream,
            Err((Code::STREAM_ERROR, _)) => {
                return Err(vm.value_error("Invalid initialization option"));
            }
            Err((code, message)) => {
                let failure = Failure::Library(code, message);
                return Err(failure.raise(vm, "while creating decompression object"));
            }
        };
        let mut opened = Dictionary {
            stream,
            bytes: dictionary,
        };
        if wbits < 0 && opened.bytes.is_some() {
            opened
                .give()
                .map_err(|failure| failure.raise(vm, "while setting zdict"))?;
        }
        Ok(opened)
    }

    /// Gives the dictionary to the stream.
    pub fn give(&mut self) -> Result<(), Failure> {
        let Some(bytes) = &self.bytes else {
            return Err(Failure::Library(Code::NEED_DICT, self.stream.message()));
        };
        match self.stream.set_dictionary(bytes) {
            Code::OK => Ok(()),
            code => Err(Failure::Dictionary(code)),
        }
    }

    fn copy(&self) -> Result<Dictionary, Failure> {
        let stream = self
            .stream
            .copy()
            .map_err(|code| Failure::Library(code, None))?;
        let bytes = match &self.bytes {
            Some(bytes) => Some(try_to_vec(bytes)?),
            None => None,
        };
        Ok(Dictionary { stream, bytes })
    }
}

struct State {
    source: Dictionary,
    unused: Vec<u8>,
    tail: Vec<u8>,
    eof: bool,
}

struct Decompressor {
    state: Locked<State>,
}

impl HasState for Decompressor {
    type State = State;
    fn cell(&self) -> &Locked<State> {
        &self.state
    }
}

// SAFETY: holds no references.
#[expect(unsafe_code, reason = "the contract of payloads")]
unsafe impl Payload for Decompressor {
    fn type_object() -> &'static TypeObject {
        &DECOMPRESS
    }
}

fn own(this: &Value) -> &Obj<Decompressor> {
    this.expect::<Decompressor>()
}

fn new(state: State) -> Value {
    new_object(Decompressor {
        state: Locked::new(state),
    })
}

/// A `zdict` argument.
fn dictionary_argument(vm: &mut Vm, dictionary: &Value) -> Py<Vec<u8>> {
    if dictionary.type_of().slots().buffer.is_none() {
        return Err(vm.type_error("zdict argument must support the buffer protocol"));
    }
    let bytes = bytes_like(vm, dictionary)?;
    try_to_vec(&bytes).map_err(|_| vm.memory_error())
}

/// `decompressobj(...)`
pub fn decompressobj(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let wbits = int_or(vm, args.get(0), MAX_WBITS)?;
    let dictionary = match args.get(1) {
        Some(dictionary) => Some(dictionary_argument(vm, dictionary)?),
        None => None,
    };
    let source = Dictionary::open(vm, wbits, dictionary)?;
    Ok(new(State {
        source,
        unused: Vec::new(),
        tail: Vec::new(),
        eof: false,
    }))
}

impl State {
    /// Runs the stream until input or space are used up, and keeps what was not taken. The code is that of the last call.
    fn run(
        &mut self,
        input: &[u8],
        limit: Option<usize>,
        flush: i32,
    ) -> Result<(Code, Vec<u8>), Failure> {
        let mut output = Output::new(limit);
        let mut rest = input;
        let code = loop {
            let space = output.space()?;
            let size = space.len();
            let (code, step) = self.source.stream.run(rest, space, flush);
            rest = rest.get(step.consumed..).unwrap_or(&[]);
            output.advance(step.produced);
            match code {
                Code::NEED_DICT => {
                    if let Err(failure) = self.source.give() {
                        self.keep(rest, false)?;
                        return Err(failure);
                    }
                }
                Code::OK | Code::BUF_ERROR => {
                    let stuck = step.consumed == 0 && step.produced == 0;
                    let done = rest.is_empty() && step.produced < size;
                    if stuck || done || output.is_full() {
                        break code;
                    }
                }
                code => break code,
            }
        };
        self.keep(rest, code == Code::STREAM_END)?;
        Ok((code, output.finish()))
    }

    /// Keeps input that was not taken: behind the end it is unused, before it the rest of the input.
    fn keep(&mut self, rest: &[u8], end: bool) -> Result<(), Failure> {
        if end {
            try_extend(&mut self.unused, rest)?;
            self.tail = Vec::new();
        } else {
            self.tail = try_to_vec(rest)?;
        }
        Ok(())
    }
}

fn decompress(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let data = bytes_like(vm, args.req(0))?;
    let limit = match args.get(1) {
        Some(limit) => vm.index_i64(limit)?,
        None => 0,
    };
    let limit = match usize::try_from(limit) {
        Ok(0) => None,
        Ok(limit) => Some(limit),
        Err(_) => return Err(vm.value_error("max_length must be non-negative")),
    };
    let result = {
        let mut state = own(this).lock(vm);
        let result = state.run(&data, limit, lib::Z_SYNC_FLUSH);
        match result {
            Ok((Code::STREAM_END, plain)) => {
                state.eof = true;
                Ok(plain)
            }
            Ok((Code::OK | Code::BUF_ERROR, plain)) => Ok(plain),
            Ok((code, _)) => Err(Failure::Library(code, state.source.stream.message())),
            Err(failure) => Err(failure),
        }
    };
    match result {
        Ok(plain) => new_bytes(vm, &plain),
        Err(failure) => Err(failure.raise(vm, "while decompressing data")),
    }
}

fn flush(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let length = match args.first() {
        Some(length) => vm.index_i64(length)?,
        None => BUFFER_SIZE as i64,
    };
    if length <= 0 {
        return Err(vm.value_error("length must be greater than zero"));
    }
    let result = {
        let mut state = own(this).lock(vm);
        let tail = std::mem::take(&mut state.tail);
        match state.run(&tail, None, lib::Z_FINISH) {
            Ok((Code::STREAM_END, plain)) => {
                state.eof = true;
                state.source.stream.end();
                Ok(plain)
            }
            // A stream that was ended by an earlier call has nothing more to give.
            Ok((Code::OK | Code::BUF_ERROR | Code::STREAM_ERROR, plain)) => Ok(plain),
            Ok((code, _)) => Err(Failure::Library(code, state.source.stream.message())),
            Err(failure) => Err(failure),
        }
    };
    match result {
        Ok(plain) => new_bytes(vm, &plain),
        Err(failure) => Err(failure.raise(vm, "while decompressing data")),
    }
}

fn copy(vm: &mut Vm, this: &Value) -> Py {
    let copied = {
        let state = own(this).lock(vm);
        copy_state(&state)
    };
    match copied {
        Ok(state) => Ok(new(state)),
        Err(failure) => Err(copy_failed(vm, failure)),
    }
}

fn copy_state(state: &State) -> Result<State, Failure> {
    Ok(State {
        source: state.source.copy()?,
        unused: try_to_vec(&state.unused)?,
        tail: try_to_vec(&state.tail)?,
        eof: state.eof,
    })
}

#[cold]
fn copy_failed(vm: &mut Vm, failure: Failure) -> Raised {
    match failure {
        Failure::Library(Code::STREAM_ERROR, _) => vm.value_error("Inconsistent stream state"),
        failure => failure.raise(vm, "while copying decompression object"),
    }
}

fn deep_copy(vm: &mut Vm, this: &Value, _memo: &Value) -> Py {
    copy(vm, this)
}

fn unused_data(vm: &mut Vm, this: &Value) -> Py {
    let made = taipan_types::bytes::try_new_bytes(&own(this).lock(vm).unused);
    made.ok_or_else(|| vm.memory_error())
}

fn unconsumed_tail(vm: &mut Vm, this: &Value) -> Py {
    let made = taipan_types::bytes::try_new_bytes(&own(this).lock(vm).tail);
    made.ok_or_else(|| vm.memory_error())
}

fn eof(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(own(this).lock(vm).eof))
}
