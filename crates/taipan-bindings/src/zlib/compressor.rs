//! Compressor objects: `compressobj()`.

use super::failure::Failure;
use super::stream::{Code, Deflate};
use super::{MAX_WBITS, MEMORY_LEVEL, compress_all, int_or};
use libz_rs_sys as lib;
use taipan_core::alloc::new_object;
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Bound, Layout, MethodDef, Obj, Payload, Py, Type, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    f0, f1, slice,
};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;

static COMPRESS: TypeObject = Type::declare("zlib.Compress");

static SPEC: TypeSpec = TypeSpec {
    name: "zlib.Compress",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&LAYOUT),
    methods: &METHODS,
    ..TypeSpec::DEFAULT
};
static LAYOUT: Layout = Layout::of::<Compressor>();

static METHODS: [MethodDef; 5] = [
    f1(
        "compress(self, data, /)",
        compress,
        "Go on with data. Gives what is compressed so far; some may be held back until later.",
    ),
    slice(
        "flush(self, mode=zlib.Z_FINISH, /)",
        flush,
        "What was held back. After Z_FINISH, which is the default, the object is done.",
    ),
    f0("copy(self, /)", copy, "A copy of the object."),
    f0("__copy__(self, /)", copy, ""),
    f1("__deepcopy__(self, memo, /)", deep_copy, ""),
];

pub(super) fn define() {
    COMPRESS.define(&SPEC);
}

struct Compressor {
    stream: Locked<Deflate>,
}

impl HasState for Compressor {
    type State = Deflate;
    fn cell(&self) -> &Locked<Deflate> {
        &self.stream
    }
}

// SAFETY: holds no references.
#[expect(unsafe_code, reason = "the contract of payloads")]
unsafe impl Payload for Compressor {
    fn type_object() -> &'static TypeObject {
        &COMPRESS
    }
}

fn own(this: &Value) -> &Obj<Compressor> {
    this.expect::<Compressor>()
}

fn new(stream: Deflate) -> Value {
    new_object(Compressor {
        stream: Locked::new(stream),
    })
}

/// `compressobj(...)`
pub fn compressobj(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let level = int_or(vm, args.get(0), lib::Z_DEFAULT_COMPRESSION)?;
    let method = int_or(vm, args.get(1), lib::Z_DEFLATED)?;
    let wbits = int_or(vm, args.get(2), MAX_WBITS)?;
    let memory_level = int_or(vm, args.get(3), MEMORY_LEVEL)?;
    let strategy = int_or(vm, args.get(4), lib::Z_DEFAULT_STRATEGY)?;
    let dictionary = match args.get(5) {
        Some(dictionary) => Some(bytes_like(vm, dictionary)?),
        None => None,
    };
    let mut stream = match Deflate::new(level, method, wbits, memory_level, strategy) {
        Ok(stream) => stream,
        Err(Code::STREAM_ERROR) => return Err(vm.value_error("Invalid initialization option")),
        Err(code) => {
            let failure = Failure::Library(code, None);
            return Err(failure.raise(vm, "while creating compression object"));
        }
    };
    if let Some(dictionary) = dictionary {
        match stream.set_dictionary(&dictionary) {
            Code::OK => {}
            Code::STREAM_ERROR => return Err(vm.value_error("Invalid dictionary")),
            _ => return Err(vm.value_error("deflateSetDictionary()")),
        }
    }
    Ok(new(stream))
}

fn compress(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    let data = bytes_like(vm, data)?;
    let compressed = compress_all(&mut own(this).lock(vm), &data, lib::Z_NO_FLUSH);
    match compressed {
        Ok(compressed) => new_bytes(vm, &compressed),
        Err(failure) => Err(failure.raise(vm, "while compressing data")),
    }
}

fn flush(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let mode = int_or(vm, args.first(), lib::Z_FINISH)?;
    if mode == lib::Z_NO_FLUSH {
        return new_bytes(vm, &[]);
    }
    let flushed = {
        let mut stream = own(this).lock(vm);
        let flushed = compress_all(&mut stream, &[], mode);
        if mode == lib::Z_FINISH && flushed.is_ok() {
            stream.end();
        }
        flushed
    };
    match flushed {
        Ok(flushed) => new_bytes(vm, &flushed),
        Err(failure) => Err(failure.raise(vm, "while flushing")),
    }
}

fn copy(vm: &mut Vm, this: &Value) -> Py {
    let copied = own(this).lock(vm).copy();
    match copied {
        Ok(stream) => Ok(new(stream)),
        Err(Code::STREAM_ERROR) => Err(vm.value_error("Inconsistent stream state")),
        Err(code) => {
            let failure = Failure::Library(code, None);
            Err(failure.raise(vm, "while copying compression object"))
        }
    }
}

fn deep_copy(vm: &mut Vm, this: &Value, _memo: &Value) -> Py {
    copy(vm, this)
}
