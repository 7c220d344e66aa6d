//! `_ssl.MemoryBIO`: bytes on their way between a connection and the program.

use super::error;
use super::transport::{SharedMemory, open};
use crate::support::Shared;
use std::io::Read;
use std::sync::Arc;
use taipan_core::lock::Locked;
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm, f0,
    f1, getter, slice,
};
use taipan_stdlib::support::native_type;
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;
use taipan_types::check;

native_type! {
    /// Payload of buffers.
    BIO "_ssl.MemoryBIO" Bio { memory: Shared<SharedMemory> }
    BioState {}
}

impl Bio {
    pub fn memory(&self) -> SharedMemory {
        self.memory.clone()
    }
}

static METHODS: [MethodDef; 3] = [
    slice(
        "read(self, size=-1, /)",
        read,
        "Read up to size bytes from the memory BIO.\n\n\
         If size is not specified, read the entire buffer.\n\
         If the return value is an empty bytes instance, this means either\n\
         EOF or that no data is available. Use the \"eof\" property to\n\
         distinguish between the two.",
    ),
    f1(
        "write(self, b, /)",
        write,
        "Writes the bytes b into the memory BIO.\n\nReturns the number of bytes written.",
    ),
    f0(
        "write_eof(self, /)",
        |_, this| {
            open(&this.expect::<Bio>().memory).eof = true;
            Ok(Value::none())
        },
        "Write an EOF marker to the memory BIO.\n\n\
         When all data has been read, the \"eof\" property will be True.",
    ),
];

static GETSET: [GetSetDef; 2] = [
    getter(
        "pending",
        |_, this| {
            Ok(Value::int(
                open(&this.expect::<Bio>().memory).data.len() as i64
            ))
        },
        "The number of bytes pending in the memory BIO.",
    ),
    getter(
        "eof",
        |_, this| {
            let memory = open(&this.expect::<Bio>().memory);
            Ok(Value::bool(memory.eof && memory.data.is_empty()))
        },
        "Whether the memory BIO is at EOF.",
    ),
];

static SPEC: TypeSpec = TypeSpec {
    name: "_ssl.MemoryBIO",
    flags: TypeFlags::BASE,
    layout: Some(const { &Layout::of::<Bio>() }),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};

pub fn define() {
    BIO.define(&SPEC);
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "MemoryBIO", args)?;
    if !args.pos().is_empty() {
        return Err(vm.type_error("MemoryBIO() takes no positional arguments"));
    }
    let bio = Bio {
        memory: Shared(Arc::default()),
        state: Locked::new(BioState {}),
    };
    Ok(taipan_core::alloc::new_instance(cls, bio))
}

fn read(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let size = match args.first() {
        Some(size) => i64::from(crate::support::c_int(vm, size)?),
        None => -1,
    };
    let mut taken = Vec::new();
    {
        let mut memory = open(&this.expect::<Bio>().memory);
        let all = memory.data.len();
        let count = usize::try_from(size).map_or(all, |size| size.min(all));
        if taken.try_reserve_exact(count).is_ok() {
            let _ = memory
                .data
                .by_ref()
                .take(count as u64)
                .read_to_end(&mut taken);
        }
    }
    new_bytes(vm, &taken)
}

fn write(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    let data = bytes_like(vm, data)?;
    let outcome = {
        let mut memory = open(&this.expect::<Bio>().memory);
        if memory.eof {
            Err(true)
        } else if memory.data.try_reserve(data.len()).is_err() {
            Err(false)
        } else {
            memory.data.extend(&data[..]);
            Ok(Value::int(data.len() as i64))
        }
    };
    outcome.map_err(|ended| {
        if ended {
            error::plain(vm, 0, "cannot write() after write_eof()")
        } else {
            vm.memory_error()
        }
    })
}
