//! `BufferedRWPair`: a reader and a writer, each with a raw stream of its own.

use super::super::{BUFFERED_RW_PAIR, both};
use super::{BUFFERED_IO_BASE, BUFFERED_READER, BUFFERED_WRITER, DEFAULT_BUFFER_SIZE, FLAGS};
use taipan_core::lock::{HasState, Locked};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Tracer, TypeObject, TypeSpec, Value,
    Vm, alloc, f0, getter, name,
};

/// Payload of a pair of one-way streams.
struct Pair {
    state: Locked<Option<(Value, Value)>>,
}

impl HasState for Pair {
    type State = Option<(Value, Value)>;
    fn cell(&self) -> &Locked<Option<(Value, Value)>> {
        &self.state
    }
}

// SAFETY: both references are reported.
unsafe impl Payload for Pair {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &BUFFERED_RW_PAIR
    }
    fn trace(&self, tracer: &mut Tracer<'_>) {
        // SAFETY: the world is stopped.
        if let Some((reader, writer)) = unsafe { self.state.get_unlocked() } {
            tracer.visit(reader);
            tracer.visit(writer);
        }
    }
}

static PAIR_LAYOUT: Layout = Layout::of::<Pair>();

fn pair_new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    Ok(alloc::new_instance(
        cls,
        Pair {
            state: Locked::new(None),
        },
    ))
}

static PAIR_INIT: MethodDef =
    crate::support::signature("BufferedRWPair(reader, writer, buffer_size=131072, /)");

fn pair_init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = taipan_core::bind::bind(vm, &PAIR_INIT, args)?;
    let size = args
        .get(2)
        .cloned()
        .unwrap_or_else(|| Value::int(DEFAULT_BUFFER_SIZE as i64));
    let reader = vm.call(
        &BUFFERED_READER.to_value(),
        &[args.req(0).clone(), size.clone()],
    )?;
    let writer = vm.call(&BUFFERED_WRITER.to_value(), &[args.req(1).clone(), size])?;
    let old = this.expect::<Pair>().lock(vm).replace((reader, writer));
    drop(old);
    Ok(())
}

fn part(vm: &mut Vm, this: &Value, writer: bool) -> Py {
    let pair = this.expect::<Pair>().lock(vm).clone();
    match pair {
        Some(pair) => Ok(if writer { pair.1 } else { pair.0 }),
        None => Err(vm.value_error("I/O operation on uninitialized object")),
    }
}

macro_rules! pair_forward {
    ($($function:ident $method:literal $writer:literal;)*) => {
        $(fn $function(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
            let part = part(vm, this, $writer)?;
            vm.call_method(&part, name!($method), args)
        })*
    };
}

pair_forward! {
    pair_read "read" false;
    pair_peek "peek" false;
    pair_read1 "read1" false;
    pair_readinto "readinto" false;
    pair_readinto1 "readinto1" false;
    pair_write "write" true;
    pair_flush "flush" true;
    pair_readable "readable" false;
    pair_writable "writable" true;
}

fn pair_close(vm: &mut Vm, this: &Value) -> Py {
    let (writer, reader) = (part(vm, this, true)?, part(vm, this, false)?);
    let written = vm.call_method(&writer, name!("close"), &[]);
    both(vm, written, |vm| {
        vm.call_method(&reader, name!("close"), &[])
    })
}

fn pair_isatty(vm: &mut Vm, this: &Value) -> Py {
    for writer in [true, false] {
        let part = part(vm, this, writer)?;
        let answer = vm.call_method(&part, name!("isatty"), &[])?;
        if vm.truth(&answer)? {
            return Ok(Value::bool(true));
        }
    }
    Ok(Value::bool(false))
}

fn pair_closed(vm: &mut Vm, this: &Value) -> Py {
    let writer = part(vm, this, true)?;
    vm.get_attr(&writer, name!("closed"))
}

static PAIR_METHODS: [MethodDef; 11] = [
    taipan_core::slice("read($self, size=-1, /)", pair_read, ""),
    taipan_core::slice("peek($self, size=0, /)", pair_peek, ""),
    taipan_core::slice("read1($self, size=-1, /)", pair_read1, ""),
    taipan_core::slice("readinto($self, buffer, /)", pair_readinto, ""),
    taipan_core::slice("readinto1($self, buffer, /)", pair_readinto1, ""),
    taipan_core::slice("write($self, b, /)", pair_write, ""),
    taipan_core::slice("flush($self, /)", pair_flush, ""),
    taipan_core::slice("readable($self, /)", pair_readable, ""),
    taipan_core::slice("writable($self, /)", pair_writable, ""),
    f0("close($self, /)", pair_close, ""),
    f0("isatty($self, /)", pair_isatty, ""),
];

static PAIR_GETSET: [GetSetDef; 1] = [getter("closed", pair_closed, "")];

static PAIR_SPEC: TypeSpec = TypeSpec {
    name: "_io.BufferedRWPair",
    base: Some(&BUFFERED_IO_BASE),
    flags: FLAGS,
    layout: Some(&PAIR_LAYOUT),
    slots: Slots {
        new: Some(pair_new),
        init: Some(pair_init),
        ..Slots::NONE
    },
    methods: &PAIR_METHODS,
    getset: &PAIR_GETSET,
    doc: "A buffered reader and writer object together.",
};

pub(super) fn define() {
    BUFFERED_RW_PAIR.define(&PAIR_SPEC);
}
