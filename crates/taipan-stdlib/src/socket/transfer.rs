//! Sending and receiving plain data.

use super::address::{self, Address};
use super::object::{State, state};
use super::wait::{self, Budget, Until};
use super::{arguments, int_or};
use crate::audit::audit;
use crate::support::{int_argument, writable_opt};
use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use taipan_core::buffer::Buffer;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, MethodDef, Py, Value, Vm, bind};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;

/// A size argument; the caller refuses negative ones.
pub(super) fn size(vm: &mut Vm, value: &Value) -> Py<i64> {
    vm.index_i64(value)
}

thread_local! {
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Room for as many bytes as the program wants to receive. Most ask for much more than comes, again and again, so a thread keeps one
/// block of it: its pages are there already.
pub(super) struct Room(Vec<u8>);

/// The largest block that is kept: what transports of asyncio read at a time.
const KEPT: usize = 256 * 1024;

pub(super) fn room(vm: &mut Vm, len: usize) -> Py<Room> {
    let mut room = SPARE.take();
    room.clear();
    if room.try_reserve_exact(len).is_err() {
        return Err(vm.memory_error());
    }
    Ok(Room(room))
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.0.capacity() <= KEPT {
            SPARE.set(std::mem::take(&mut self.0));
        }
    }
}

impl Deref for Room {
    type Target = Vec<u8>;
    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Room {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

/// Receives into memory of the given length.
fn receive(vm: &mut Vm, own: State, into: *mut u8, len: usize, flags: i32) -> Py<usize> {
    let budget = Budget::new(own.timeout);
    wait::run(vm, own.fd, Until::Readable, &budget, || {
        // SAFETY: the callers' memory of that length, which stays in place.
        unsafe { libc::recv(own.fd, into.cast(), len, flags) }
    })
}

/// As [`receive`], with the address of the sender.
fn receive_from(
    vm: &mut Vm,
    own: State,
    into: *mut u8,
    len: usize,
    flags: i32,
) -> Py<(usize, Value)> {
    let mut from = Address::room();
    let budget = Budget::new(own.timeout);
    let count = wait::run(vm, own.fd, Until::Readable, &budget, || {
        from = Address::room();
        let pointer = from.as_mut_ptr();
        // SAFETY: the callers' memory of that length, which stays in place, and room for any address.
        unsafe { libc::recvfrom(own.fd, into.cast(), len, flags, pointer, &mut from.len) }
    })?;
    Ok((count, address::to_python(vm, &from, own.proto)?))
}

pub(super) fn recv(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "recv", args, 1, 2)?;
    let len = size(vm, &args[0])?;
    let flags = int_or(vm, args.get(1), 0)?;
    let Ok(len) = usize::try_from(len) else {
        return Err(vm.value_error("negative buffersize in recv"));
    };
    let own = state(vm, this);
    let mut data = room(vm, len)?;
    let count = receive(vm, own, data.as_mut_ptr(), len, flags)?;
    // SAFETY: the system wrote so many bytes.
    unsafe { data.set_len(count.min(len)) };
    new_bytes(vm, &data)
}

pub(super) fn recvfrom(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "recvfrom", args, 1, 2)?;
    let len = size(vm, &args[0])?;
    let flags = int_or(vm, args.get(1), 0)?;
    let Ok(len) = usize::try_from(len) else {
        return Err(vm.value_error("negative buffersize in recvfrom"));
    };
    let own = state(vm, this);
    let mut data = room(vm, len)?;
    let (count, from) = receive_from(vm, own, data.as_mut_ptr(), len, flags)?;
    // SAFETY: the system wrote so many bytes.
    unsafe { data.set_len(count.min(len)) };
    let data = new_bytes(vm, &data)?;
    Ok(new_tuple([data, from]))
}

static RECV_INTO: MethodDef = crate::support::signature("recv_into(buffer, nbytes=0, flags=0)");
static RECVFROM_INTO: MethodDef =
    crate::support::signature("recvfrom_into(buffer, nbytes=0, flags=0)");

/// A buffer to receive into, how much of it, and flags.
fn target(
    vm: &mut Vm,
    def: &'static MethodDef,
    args: Args<'_>,
    too_long: &str,
) -> Py<(Buffer, usize, i32)> {
    let args = bind::bind(vm, def, args)?;
    let object = args.req(0);
    let Some(mut buffer) = writable_opt(vm, object)? else {
        let (name, given) = (def.name(), object.type_of().name());
        return Err(vm.type_error(format!(
            "{name}() argument 1 must be read-write bytes-like object, not {given}"
        )));
    };
    let len = args.get(1).map_or(Ok(0), |value| size(vm, value))?;
    let flags = int_or(vm, args.get(2), 0)?;
    let Ok(len) = usize::try_from(len) else {
        let name = def.name();
        return Err(vm.value_error(format!("negative buffersize in {name}")));
    };
    let most = buffer.as_mut_slice().map_or(0, |memory| memory.len());
    if len > most {
        return Err(vm.value_error(too_long));
    }
    Ok((buffer, if len == 0 { most } else { len }, flags))
}

pub(super) fn recv_into(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let too_long = "buffer too small for requested bytes";
    let (buffer, len, flags) = target(vm, &RECV_INTO, args, too_long)?;
    let own = state(vm, this);
    let count = receive(vm, own, buffer.data, len, flags)?;
    drop(buffer);
    Ok(Value::int(count as i64))
}

pub(super) fn recvfrom_into(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let too_long = "nbytes is greater than the length of the buffer";
    let (buffer, len, flags) = target(vm, &RECVFROM_INTO, args, too_long)?;
    let own = state(vm, this);
    let (count, from) = receive_from(vm, own, buffer.data, len, flags)?;
    drop(buffer);
    Ok(new_tuple([Value::int(count as i64), from]))
}

// ---- sending ----

/// Sends some of the data.
fn send_some(vm: &mut Vm, own: State, budget: &Budget, data: &[u8], flags: i32) -> Py<usize> {
    wait::run(vm, own.fd, Until::Writable, budget, || {
        // SAFETY: memory with its length, which stays in place.
        unsafe { libc::send(own.fd, data.as_ptr().cast(), data.len(), flags) }
    })
}

pub(super) fn send(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "send", args, 1, 2)?;
    let data = bytes_like(vm, &args[0])?;
    let flags = int_or(vm, args.get(1), 0)?;
    let own = state(vm, this);
    let count = send_some(vm, own, &Budget::new(own.timeout), &data, flags)?;
    Ok(Value::int(count as i64))
}

pub(super) fn sendall(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "sendall", args, 1, 2)?;
    let data = bytes_like(vm, &args[0])?;
    let flags = int_or(vm, args.get(1), 0)?;
    let own = state(vm, this);
    // The time is for all parts together.
    let budget = Budget::new(own.timeout);
    let mut left = &data[..];
    loop {
        let count = send_some(vm, own, &budget, left, flags)?;
        left = left.get(count..).unwrap_or(&[]);
        vm.safepoint()?;
        if left.is_empty() {
            return Ok(Value::none());
        }
    }
}

pub(super) fn sendto(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    if args.has_keywords() {
        return Err(vm.type_error("sendto() takes no keyword arguments"));
    }
    let (data, flags, value) = match args.pos() {
        [data, value] => (data, None, value),
        [data, flags, value] => (data, Some(flags), value),
        other => {
            let given = other.len();
            return Err(vm.type_error(format!("sendto() takes 2 or 3 arguments ({given} given)")));
        }
    };
    let data = bytes_like(vm, data)?;
    let flags = flags.map_or(Ok(0), |flags| int_argument(vm, flags))?;
    let own = state(vm, this);
    let to = address::parse(vm, own.family, own.proto, value, "sendto")?;
    audit(vm, "socket.sendto", || vec![this.clone(), value.clone()])?;
    let budget = Budget::new(own.timeout);
    let count = wait::run(vm, own.fd, Until::Writable, &budget, || {
        // SAFETY: memory and an address with their lengths.
        unsafe {
            libc::sendto(
                own.fd,
                data.as_ptr().cast(),
                data.len(),
                flags,
                to.as_ptr(),
                to.len,
            )
        }
    })?;
    Ok(Value::int(count as i64))
}
