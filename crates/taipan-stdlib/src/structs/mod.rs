//! `_struct`: values to bytes and back by format strings. `layout` compiles formats and moves single values.

mod layout;

use crate::ModuleDef;
use crate::support::{Holds, add, add_type, native_type, signature};
use layout::{Layout, Refusal};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use taipan_core::alloc::{new_instance, new_object};
use taipan_core::bind::bind;
use taipan_core::buffer::Buffer;
use taipan_core::builtin_types::EXCEPTION;
use taipan_core::lock::Locked;
use taipan_core::str_object::{new_ascii, new_str, str_of};
use taipan_core::{
    Args, Bound, GetSetDef, Layout as Memory, MethodDef, Obj, Py, Raised, Slots, Tracer, Type,
    TypeFlags, TypeObject, TypeSpec, Value, Vm, bound, f0, f1, f2, getter, name, raw,
};
use taipan_types::buffer::{BytesLike, bytes_like};
use taipan_types::iterators::itself;
use taipan_types::{buffer, bytes, check};

/// `_struct`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_struct",
    doc: "Functions to convert between Python values and C structs.\n\
          Python bytes objects are used to hold the data representing the C struct.\n\
          The format string (explained below) describes the layout of data in the C struct.\n\n\
          The optional first format char indicates byte order, size and alignment:\n\
          \x20 @: native order, size & alignment (default)\n  =: native order, std. size & alignment\n\
          \x20 <: little-endian, std. size & alignment\n  >: big-endian, std. size & alignment\n  !: same as >\n\n\
          The remaining chars indicate types of args and must match exactly;\n\
          these can be preceded by a decimal repeat count:\n\
          \x20 x: pad byte (no data); c:char; b:signed byte; B:unsigned byte;\n\
          \x20 ?: _Bool; h:short; H:unsigned short; i:int; I:unsigned int;\n\
          \x20 l:long; L:unsigned long; q:long long; Q:unsigned long long;\n\
          \x20 e:half-float; f:float; d:double; F:float complex; D:double complex.\n\
          Special cases (preceding decimal count indicates length):\n\
          \x20 s:string (array of char); p: pascal string (with count byte).\n\
          Special cases (only available in native format):\n\
          \x20 n:ssize_t; N:size_t; P:an integer type that is wide enough to hold a pointer.\n\
          Whitespace between formats is ignored.\n\n\
          The variable struct.error is an exception raised on errors.\n",
    functions: &FUNCTIONS,
    init,
};

static FUNCTIONS: [MethodDef; 7] = [
    f0(
        "_clearcache(module, /)",
        clear_cache,
        "Clear the internal cache.",
    ),
    f1(
        "calcsize(module, format, /)",
        calcsize,
        "Return size in bytes of the struct described by the format string.",
    ),
    raw(
        "pack(module, format, /, *values)",
        pack,
        "Return a bytes object containing values packed according to the format string.\n\nSee help(struct) for more on format strings.",
    ),
    raw(
        "pack_into(module, format, buffer, offset, /, *values)",
        pack_into,
        "Pack values according to the format string and write the packed bytes into a writable buffer.\n\nWrite the packed bytes starting at position offset.  Note that the\noffset is a required argument.  See help(struct) for more on format\nstrings.",
    ),
    f2(
        "unpack(module, format, buffer, /)",
        unpack,
        "Return a tuple containing values unpacked according to the format string.\n\nThe buffer's size in bytes must be calcsize(format).\n\nSee help(struct) for more on format strings.",
    ),
    bound(
        "unpack_from(module, format, /, buffer, offset=0)",
        unpack_from,
        "Return a tuple containing values unpacked according to the format string.\n\nThe buffer's size, minus offset, must be at least calcsize(format).\n\nSee help(struct) for more on format strings.",
    ),
    f2(
        "iter_unpack(module, format, buffer, /)",
        iter_unpack,
        "Return an iterator yielding tuples unpacked from the given bytes.\n\nThe bytes are unpacked according to the format string, like\na repeated invocation of unpack_from().\n\nRequires that the bytes length be a multiple of the format struct size.",
    ),
];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    ERROR.define(&ERROR_SPEC);
    STRUCT.define(&STRUCT_SPEC);
    UNPACK_ITERATOR.define(&UNPACK_ITERATOR_SPEC);
    add(dict, "error", ERROR.to_value());
    add_type(dict, &STRUCT);
    Ok(())
}

// ---- error ----

/// The exception `struct.error`.
pub static ERROR: TypeObject = Type::declare("struct.error");

static ERROR_SPEC: TypeSpec = TypeSpec {
    name: "struct.error",
    base: Some(&EXCEPTION),
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    ..TypeSpec::DEFAULT
};

/// Raises `struct.error`.
#[cold]
fn error(vm: &mut Vm, message: &str) -> Raised {
    vm.raise(&ERROR, message)
}

// ---- compiled formats ----

type Compiled = Arc<Layout>;

impl Holds for Option<Compiled> {}

/// Formats compiled lately.
#[derive(Default)]
struct Cache(Mutex<HashMap<Vec<u8>, Compiled>>);

/// Formats kept before all are thrown away.
const CACHED: usize = 100;

fn format_bytes(vm: &mut Vm, format: &Value) -> Py<Vec<u8>> {
    if let Some(bytes) = bytes::bytes_of(format) {
        return Ok(bytes.to_vec());
    }
    let Some(text) = str_of(format) else {
        let message = format!(
            "Struct() argument 1 must be a str or bytes object, not {}",
            format.type_of().name()
        );
        return Err(vm.type_error(message));
    };
    if let Some(ascii) = text.ascii() {
        return Ok(ascii.as_bytes().to_vec());
    }
    // Raises `UnicodeEncodeError`.
    let encoded = vm.call_method(format, name!("encode"), &[new_str("ascii")])?;
    Ok(bytes::bytes_of(&encoded).unwrap_or(&[]).to_vec())
}

fn compile(vm: &mut Vm, format: &Value) -> Py<Compiled> {
    let format = format_bytes(vm, format)?;
    let cache = vm.interpreter_state::<Cache>();
    if let Ok(known) = cache.0.lock()
        && let Some(compiled) = known.get(&format)
    {
        return Ok(compiled.clone());
    }
    if format.contains(&0) {
        return Err(error(vm, "embedded null character"));
    }
    let compiled = match Layout::parse(&format) {
        Ok(layout) => Arc::new(layout),
        Err(Refusal::Text(text)) => return Err(error(vm, text)),
        Err(Refusal::Memory) => return Err(vm.memory_error()),
    };
    if let Ok(mut known) = cache.0.lock() {
        if known.len() >= CACHED {
            known.clear();
        }
        known.insert(format, compiled.clone());
    }
    Ok(compiled)
}

fn clear_cache(vm: &mut Vm, _module: &Value) -> Py {
    if let Ok(mut known) = vm.interpreter_state::<Cache>().0.lock() {
        known.clear();
    }
    Ok(Value::none())
}

// ---- work, shared by functions and methods ----

fn pack_values(vm: &mut Vm, layout: &Layout, function: &str, values: &[Value]) -> Py<Vec<u8>> {
    if values.len() != layout.fields.len() {
        let message = format!(
            "{function} expected {} items for packing (got {})",
            layout.fields.len(),
            values.len()
        );
        return Err(error(vm, &message));
    }
    layout.pack(vm, values)
}

fn do_pack(vm: &mut Vm, layout: &Layout, values: &[Value]) -> Py {
    let packed = pack_values(vm, layout, "pack", values)?;
    bytes::new_bytes(vm, &packed)
}

fn do_pack_into(vm: &mut Vm, layout: &Layout, args: &[Value]) -> Py {
    let (Some(target), offset) = (args.first(), args.get(1)) else {
        return Err(error(vm, "pack_into expected buffer argument"));
    };
    let Some(offset) = offset else {
        return Err(error(vm, "pack_into expected offset argument"));
    };
    let values = &args[2..];
    if values.len() != layout.fields.len() {
        return pack_values(vm, layout, "pack_into", values).map(|_| Value::none());
    }
    let mut memory = buffer::writable_argument(vm, target, "argument")?;
    let (size, len) = (layout.size, memory.len);
    let at = vm.index_i64(offset)?;
    let start = if at < 0 {
        if at + size as i64 > 0 {
            let message = format!("no space to pack {size} bytes at offset {at}");
            return Err(error(vm, &message));
        }
        at + len as i64
    } else {
        at
    };
    if start < 0 {
        let message = format!("offset {at} out of range for {len}-byte buffer");
        return Err(error(vm, &message));
    }
    let start = start as usize;
    if start > len || len - start < size {
        let message = format!(
            "pack_into requires a buffer of at least {} bytes for packing {size} bytes at offset {start} \
             (actual buffer size is {len})",
            start + size
        );
        return Err(error(vm, &message));
    }
    let packed = layout.pack(vm, values)?;
    if let Some(bytes) = memory.as_mut_slice() {
        bytes[start..start + size].copy_from_slice(&packed);
    }
    Ok(Value::none())
}

fn do_unpack(vm: &mut Vm, layout: &Layout, source: &Value) -> Py {
    let source = bytes_like(vm, source)?;
    if source.len() != layout.size {
        let message = format!("unpack requires a buffer of {} bytes", layout.size);
        return Err(error(vm, &message));
    }
    layout.unpack(vm, &source)
}

fn do_unpack_from(vm: &mut Vm, layout: &Layout, source: &Value, offset: Option<&Value>) -> Py {
    let source: BytesLike = bytes_like(vm, source)?;
    let at = match offset {
        Some(offset) => vm.index_i64(offset)?,
        None => 0,
    };
    let (size, len) = (layout.size, source.len());
    let start = if at < 0 {
        if at + size as i64 > 0 {
            let message = format!("not enough data to unpack {size} bytes at offset {at}");
            return Err(error(vm, &message));
        }
        if at + (len as i64) < 0 {
            let message = format!("offset {at} out of range for {len}-byte buffer");
            return Err(error(vm, &message));
        }
        (at + len as i64) as usize
    } else {
        at as usize
    };
    if start > len || len - start < size {
        let message = format!(
            "unpack_from requires a buffer of at least {} bytes for unpacking {size} bytes at offset {start} \
             (actual buffer size is {len})",
            start.saturating_add(size)
        );
        return Err(error(vm, &message));
    }
    layout.unpack(vm, &source[start..start + size])
}

fn do_iter_unpack(vm: &mut Vm, layout: Compiled, source: &Value) -> Py {
    if layout.size == 0 {
        return Err(error(
            vm,
            "cannot iteratively unpack with a struct of length 0",
        ));
    }
    let memory = buffer::get(vm, source, taipan_core::buffer::flags::SIMPLE)?;
    if memory.len % layout.size != 0 {
        let message = format!(
            "iterative unpacking requires a buffer of a multiple of {} bytes",
            layout.size
        );
        return Err(error(vm, &message));
    }
    Ok(new_object(UnpackIterator {
        layout: Some(layout),
        state: Locked::new(UnpackIteratorState {
            memory: Some(memory),
            at: 0,
        }),
    }))
}

// ---- functions ----

fn calcsize(vm: &mut Vm, _module: &Value, format: &Value) -> Py {
    let layout = compile(vm, format)?;
    Ok(Value::int(layout.size as i64))
}

/// The compiled format that a function's first argument is, and the other arguments.
fn with_format<'a>(vm: &mut Vm, function: &str, args: Args<'a>) -> Py<(Compiled, &'a [Value])> {
    check::no_keywords(vm, &format!("_struct.{function}"), args)?;
    let Some((format, rest)) = args.pos().split_first() else {
        return Err(vm.type_error("missing format argument"));
    };
    Ok((compile(vm, format)?, rest))
}

fn pack(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let (layout, values) = with_format(vm, "pack", args)?;
    do_pack(vm, &layout, values)
}

fn pack_into(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let (layout, rest) = with_format(vm, "pack_into", args)?;
    do_pack_into(vm, &layout, rest)
}

fn unpack(vm: &mut Vm, _module: &Value, format: &Value, source: &Value) -> Py {
    let layout = compile(vm, format)?;
    do_unpack(vm, &layout, source)
}

fn unpack_from(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let layout = compile(vm, args.req(0))?;
    do_unpack_from(vm, &layout, args.req(1), args.get(2))
}

fn iter_unpack(vm: &mut Vm, _module: &Value, format: &Value, source: &Value) -> Py {
    let layout = compile(vm, format)?;
    do_iter_unpack(vm, layout, source)
}

// ---- Struct ----

native_type! {
    /// Payload of `Struct`.
    STRUCT "_struct.Struct" Struct {}
    StructState { layout: Option<Compiled> }
}

static STRUCT_SPEC: TypeSpec = TypeSpec {
    name: "_struct.Struct",
    flags: TypeFlags::BASE.union(TypeFlags::WEAKREF),
    layout: Some(&STRUCT_LAYOUT),
    slots: Slots {
        new: Some(struct_new),
        init: Some(struct_init),
        repr: Some(struct_repr),
        ..Slots::NONE
    },
    methods: &STRUCT_METHODS,
    getset: &STRUCT_GETSET,
    doc: "Struct(fmt) --> compiled struct object\n\n",
    ..TypeSpec::DEFAULT
};
static STRUCT_LAYOUT: Memory = Memory::of::<Struct>();
static STRUCT_METHODS: [MethodDef; 6] = [
    f1(
        "iter_unpack(self, buffer, /)",
        struct_iter_unpack,
        "Return an iterator yielding tuples.\n\nTuples are unpacked from the given bytes source, like a repeated\ninvocation of unpack_from().\n\nRequires that the bytes length be a multiple of the struct size.",
    ),
    raw(
        "pack(self, /, *values)",
        struct_pack,
        "Return a bytes object containing values packed according to this struct's format.",
    ),
    raw(
        "pack_into(self, buffer, offset, /, *values)",
        struct_pack_into,
        "Pack values according to the struct's format into a writable buffer at an offset.",
    ),
    f1(
        "unpack(self, buffer, /)",
        struct_unpack,
        "Return a tuple containing unpacked values.\n\nUnpack according to the format string Struct.format. The buffer's size\nin bytes must be Struct.size.\n\nSee help(struct) for more on format strings.",
    ),
    bound(
        "unpack_from(self, /, buffer, offset=0)",
        struct_unpack_from,
        "Return a tuple containing unpacked values.\n\nValues are unpacked according to the format string Struct.format.\n\nThe buffer's size in bytes, starting at position offset, must be\nat least Struct.size.\n\nSee help(struct) for more on format strings.",
    ),
    f0(
        "__sizeof__(self, /)",
        struct_sizeof,
        "S.__sizeof__() -> size of S in memory, in bytes",
    ),
];
static STRUCT_GETSET: [GetSetDef; 2] = [
    getter("format", struct_format, "struct format string"),
    getter("size", struct_size, "struct size in bytes"),
];
static STRUCT_INIT: MethodDef = signature("Struct(format)");

fn struct_new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(new_instance(
        cls,
        Struct {
            state: Locked::new(StructState { layout: None }),
        },
    ))
}

fn struct_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = bind(vm, &STRUCT_INIT, args)?;
    let layout = compile(vm, args.req(0))?;
    this.expect::<Struct>().lock(vm).layout = Some(layout);
    Ok(())
}

fn layout_of(vm: &mut Vm, this: &Value) -> Py<Compiled> {
    let layout = this.expect::<Struct>().lock(vm).layout.clone();
    match layout {
        Some(layout) => Ok(layout),
        None => Err(vm.runtime_error("Struct object is not initialized")),
    }
}

fn struct_format(vm: &mut Vm, this: &Value) -> Py {
    let layout = layout_of(vm, this)?;
    Ok(new_ascii(&layout.format))
}

/// Without a format the size is -1.
fn struct_size(vm: &mut Vm, this: &Value) -> Py {
    let layout = this.expect::<Struct>().lock(vm).layout.clone();
    Ok(Value::int(layout.map_or(-1, |layout| layout.size as i64)))
}

fn struct_sizeof(vm: &mut Vm, this: &Value) -> Py {
    let layout = layout_of(vm, this)?;
    let fields = layout.fields.capacity() * size_of::<layout::Field>();
    Ok(Value::int(
        (taipan_core::alloc::usable_size(this) + fields) as i64,
    ))
}

fn struct_repr(vm: &mut Vm, this: &Value) -> Py {
    let format = struct_format(vm, this)?;
    let format = vm.repr_string(&format)?;
    let name = this.type_of().short_name();
    Ok(new_str(&format!("{name}({format})")))
}

fn struct_pack(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    check::no_keywords(vm, "Struct.pack", args)?;
    let layout = layout_of(vm, this)?;
    do_pack(vm, &layout, args.pos())
}

fn struct_pack_into(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    check::no_keywords(vm, "Struct.pack_into", args)?;
    let layout = layout_of(vm, this)?;
    do_pack_into(vm, &layout, args.pos())
}

fn struct_unpack(vm: &mut Vm, this: &Value, source: &Value) -> Py {
    let layout = layout_of(vm, this)?;
    do_unpack(vm, &layout, source)
}

fn struct_unpack_from(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let layout = layout_of(vm, this)?;
    do_unpack_from(vm, &layout, args.req(0), args.get(1))
}

fn struct_iter_unpack(vm: &mut Vm, this: &Value, source: &Value) -> Py {
    let layout = layout_of(vm, this)?;
    do_iter_unpack(vm, layout, source)
}

// ---- unpack_iterator ----

impl Holds for Option<Buffer> {
    fn report(&self, tracer: &mut Tracer<'_>) {
        if let Some(buffer) = self {
            tracer.visit(&buffer.owner);
        }
    }
}

native_type! {
    /// Payload of the iterator that `iter_unpack` gives.
    UNPACK_ITERATOR "_struct.unpack_iterator" UnpackIterator { layout: Option<Compiled> }
    UnpackIteratorState { memory: Option<Buffer>, at: usize }
}

static UNPACK_ITERATOR_SPEC: TypeSpec = TypeSpec {
    name: "_struct.unpack_iterator",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(&UNPACK_ITERATOR_LAYOUT),
    slots: Slots {
        iter: Some(itself),
        next: Some(iterator_next),
        ..Slots::NONE
    },
    methods: &UNPACK_ITERATOR_METHODS,
    ..TypeSpec::DEFAULT
};
static UNPACK_ITERATOR_LAYOUT: Memory = Memory::of::<UnpackIterator>();
static UNPACK_ITERATOR_METHODS: [MethodDef; 1] =
    [f0("__length_hint__(self, /)", iterator_hint, "")];

fn own_iterator(this: &Value) -> &Obj<UnpackIterator> {
    this.expect::<UnpackIterator>()
}

fn iterator_next(vm: &mut Vm, this: &Value) -> Py<Option<Value>> {
    let own = own_iterator(this);
    let Some(layout) = &own.layout else {
        return Ok(None);
    };
    let (piece, ended) = {
        let mut state = own.lock(vm);
        let at = state.at;
        let piece = state
            .memory
            .as_ref()
            .and_then(|memory| memory.as_slice().get(at..at + layout.size))
            .map(<[u8]>::to_vec);
        state.at += layout.size;
        let ended = if piece.is_none() {
            state.memory.take()
        } else {
            None
        };
        (piece, ended)
    };
    drop(ended);
    match piece {
        Some(piece) => layout.unpack(vm, &piece).map(Some),
        None => Ok(None),
    }
}

fn iterator_hint(vm: &mut Vm, this: &Value) -> Py {
    let own = own_iterator(this);
    let size = own.layout.as_ref().map_or(1, |layout| layout.size);
    let state = own.lock(vm);
    let left = state
        .memory
        .as_ref()
        .map_or(0, |memory| memory.len.saturating_sub(state.at) / size);
    drop(state);
    Ok(Value::int(left as i64))
}
