//! Messages with ancillary data: descriptors, credentials and what else travels beside the bytes.

use super::address::{self, Address};
use super::object::{State, state};
use super::transfer::{room, size};
use super::wait::{self, Budget, Until};
use super::{arguments, int_or, os_error};
use crate::audit::audit;
use crate::support::{int_argument, writable_opt};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Args, MethodDef, Py, Value, Vm, bind, builtin_types, raw};
use taipan_types::buffer::{BytesLike, bytes_like};
use taipan_types::bytes::new_bytes;
use taipan_types::list::new_list;

pub(super) static FUNCTIONS: [MethodDef; 2] = [
    raw(
        "CMSG_LEN($module, length, /)",
        |vm, _, args| cmsg_size(vm, args, "CMSG_LEN", item_len),
        "The length of an item of ancillary data with that many bytes, without padding behind it.",
    ),
    raw(
        "CMSG_SPACE($module, length, /)",
        |vm, _, args| cmsg_size(vm, args, "CMSG_SPACE", item_space),
        "The room that recvmsg() needs for an item of ancillary data with that many bytes.",
    ),
];

pub(super) const RECVMSG_DOC: &str = "Receive at most bufsize bytes and ancillary data of at most ancbufsize bytes.\n\n\
     The result is (data, ancdata, msg_flags, address). ancdata is a list of (cmsg_level, cmsg_type, cmsg_data);\n\
     CMSG_SPACE() and CMSG_LEN() tell how much room it needs.";

pub(super) const SENDMSG_DOC: &str = "Send the data of a row of buffers as one message, with ancillary data: an iterable of\n\
     (cmsg_level, cmsg_type, cmsg_data). Give how many bytes of data were sent.";

/// Lengths are a `socklen_t`, but must fit an `int` too.
const LIMIT: usize = i32::MAX as usize;

/// The length of an item with `len` bytes, without padding.
fn item_len(len: usize) -> Option<usize> {
    // SAFETY: arithmetic.
    let head = unsafe { libc::CMSG_LEN(0) } as usize;
    let total = len.checked_add(head)?;
    (total <= LIMIT).then_some(total)
}

/// The length of an item with `len` bytes and padding.
fn item_space(len: usize) -> Option<usize> {
    // SAFETY: arithmetic.
    let most = LIMIT - unsafe { libc::CMSG_SPACE(1) } as usize;
    if len > most {
        return None;
    }
    // SAFETY: arithmetic that was checked.
    Some(unsafe { libc::CMSG_SPACE(len as u32) } as usize)
}

fn cmsg_size(vm: &mut Vm, args: Args<'_>, name: &str, measure: fn(usize) -> Option<usize>) -> Py {
    let args = arguments(vm, name, args, 1, 1)?;
    let len = size(vm, &args[0])?;
    match usize::try_from(len).ok().and_then(measure) {
        Some(total) => Ok(Value::int(total as i64)),
        None => Err(vm.overflow_error(format!("{name}() argument out of range"))),
    }
}

/// The head of an item.
fn head_of(len: usize, level: i32, kind: i32) -> libc::cmsghdr {
    // SAFETY: plain numbers.
    let mut head: libc::cmsghdr = unsafe { std::mem::zeroed() };
    head.cmsg_len = len as _;
    head.cmsg_level = level;
    head.cmsg_type = kind;
    head
}

/// The members of an iterable, or the `TypeError` that says which argument has to be one.
fn members(vm: &mut Vm, value: &Value, message: &str) -> Py<Vec<Value>> {
    match vm.to_vec(value) {
        Ok(rows) => Ok(rows),
        Err(raised) => {
            vm.catch(raised, &builtin_types::TYPE_ERROR)?;
            Err(vm.type_error(message))
        }
    }
}

// ---- receiving ----

/// What came beside the data.
struct Received {
    count: usize,
    ancillary: Value,
    flags: i32,
    from: Value,
}

/// One item of received ancillary data.
struct Item<'a> {
    level: i32,
    kind: i32,
    data: &'a [u8],
    /// Is it cut off, or no item at all?
    damaged: bool,
}

/// Takes received ancillary data apart. A damaged item is the last one.
fn items_of(control: &[u8]) -> Vec<Item<'_>> {
    // SAFETY: arithmetic.
    let head_len = unsafe { libc::CMSG_LEN(0) } as usize;
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = control.get(at..).filter(|rest| rest.len() >= head_len) {
        // SAFETY: at least a head's bytes are there; the read needs no alignment.
        let head = unsafe { rest.as_ptr().cast::<libc::cmsghdr>().read_unaligned() };
        let len: usize = head.cmsg_len as _;
        let Some(data_len) = len.checked_sub(head_len) else {
            found.push(Item {
                level: 0,
                kind: 0,
                data: &[],
                damaged: true,
            });
            break;
        };
        let damaged = len > rest.len();
        found.push(Item {
            level: head.cmsg_level,
            kind: head.cmsg_type,
            data: &rest[head_len..len.min(rest.len())],
            damaged,
        });
        match item_space(data_len) {
            Some(space) if !damaged => at += space,
            _ => break,
        }
    }
    found
}

/// Closes the descriptors that were received: the program will never learn of them.
fn close_received(control: &[u8]) {
    for item in items_of(control) {
        if item.level == libc::SOL_SOCKET && item.kind == libc::SCM_RIGHTS {
            for fd in item.data.chunks_exact(size_of::<i32>()) {
                if let Ok(fd) = <[u8; 4]>::try_from(fd) {
                    // SAFETY: the system gave it to this process just now.
                    unsafe { libc::close(i32::from_ne_bytes(fd)) };
                }
            }
        }
    }
}

/// The list of received items.
fn ancillary_list(vm: &mut Vm, control: &[u8]) -> Py {
    let mut rows = Vec::new();
    for item in items_of(control) {
        if item.damaged {
            vm.warn(
                &builtin_types::RUNTIME_WARNING,
                "received malformed or improperly-truncated ancillary data",
                1,
            )?;
            if item.data.is_empty() {
                break;
            }
        }
        let data = new_bytes(vm, item.data)?;
        rows.push(new_tuple([
            Value::from_i32(item.level),
            Value::from_i32(item.kind),
            data,
        ]));
    }
    Ok(new_list(rows))
}

/// Receives a message into these vectors.
fn receive(
    vm: &mut Vm,
    own: State,
    vectors: &mut [libc::iovec],
    control_len: usize,
    flags: i32,
) -> Py<Received> {
    let mut control = room(vm, control_len)?;
    control.resize(control_len, 0);
    let mut from = Address::room();
    // SAFETY: plain numbers and null pointers.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    let budget = Budget::new(own.timeout);
    let count = wait::run(vm, own.fd, Until::Readable, &budget, || {
        from = Address::room();
        message.msg_name = from.as_mut_ptr().cast();
        message.msg_namelen = from.len;
        message.msg_iov = vectors.as_mut_ptr();
        message.msg_iovlen = vectors.len() as _;
        message.msg_control = if control.is_empty() {
            std::ptr::null_mut()
        } else {
            control.as_mut_ptr().cast()
        };
        message.msg_controllen = control.len() as _;
        // SAFETY: memory of the callers and of ours, with the lengths of all parts.
        unsafe { libc::recvmsg(own.fd, &mut message, flags) }
    })?;
    from.len = message.msg_namelen.min(from.len);
    control.truncate(message.msg_controllen as usize);
    let made = ancillary_list(vm, &control).and_then(|ancillary| {
        let from = address::to_python(vm, &from, own.proto)?;
        Ok((ancillary, from))
    });
    match made {
        Ok((ancillary, from)) => Ok(Received {
            count,
            ancillary,
            flags: message.msg_flags,
            from,
        }),
        Err(raised) => {
            close_received(&control);
            Err(raised)
        }
    }
}

impl Received {
    fn tuple(self, data: Value) -> Value {
        new_tuple([data, self.ancillary, Value::from_i32(self.flags), self.from])
    }
}

/// The room for ancillary data that the program wants.
fn control_size(vm: &mut Vm, value: Option<&Value>) -> Py<usize> {
    let len = value.map_or(Ok(0), |value| size(vm, value))?;
    match usize::try_from(len) {
        Ok(len) if len <= LIMIT => Ok(len),
        _ => Err(vm.value_error("invalid ancillary data buffer length")),
    }
}

pub(super) fn recvmsg(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "recvmsg", args, 1, 3)?;
    let len = size(vm, &args[0])?;
    let flags = int_or(vm, args.get(2), 0)?;
    let Ok(len) = usize::try_from(len) else {
        return Err(vm.value_error("negative buffer size in recvmsg()"));
    };
    let control_len = control_size(vm, args.get(1))?;
    let own = state(vm, this);
    let mut data = room(vm, len)?;
    let mut vectors = [libc::iovec {
        iov_base: data.as_mut_ptr().cast(),
        iov_len: len,
    }];
    let received = receive(vm, own, &mut vectors, control_len, flags)?;
    // SAFETY: the system wrote so many bytes.
    unsafe { data.set_len(received.count.min(len)) };
    let data = new_bytes(vm, &data)?;
    Ok(received.tuple(data))
}

pub(super) fn recvmsg_into(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "recvmsg_into", args, 1, 3)?;
    let flags = int_or(vm, args.get(2), 0)?;
    let rows = members(
        vm,
        &args[0],
        "recvmsg_into() argument 1 must be an iterable",
    )?;
    let mut buffers = Vec::with_capacity(rows.len());
    for row in &rows {
        let Some(buffer) = writable_opt(vm, row)? else {
            return Err(vm.type_error(
                "recvmsg_into() argument 1 must be an iterable of single-segment read-write buffers",
            ));
        };
        buffers.push(buffer);
    }
    let control_len = control_size(vm, args.get(1))?;
    let own = state(vm, this);
    let mut vectors: Vec<libc::iovec> = buffers
        .iter()
        .map(|buffer| libc::iovec {
            iov_base: buffer.data.cast(),
            iov_len: buffer.len,
        })
        .collect();
    let received = receive(vm, own, &mut vectors, control_len, flags)?;
    drop(buffers);
    let count = Value::int(received.count as i64);
    Ok(received.tuple(count))
}

// ---- sending ----

/// Buffers to send and the vectors that point to them.
fn sources(vm: &mut Vm, value: &Value, name: &str) -> Py<(Vec<BytesLike>, Vec<libc::iovec>)> {
    let rows = members(
        vm,
        value,
        &format!("{name}() argument 1 must be an iterable"),
    )?;
    let mut held = Vec::with_capacity(rows.len());
    for row in &rows {
        held.push(bytes_like(vm, row)?);
    }
    let vectors = held
        .iter()
        .map(|data| libc::iovec {
            iov_base: data.as_ptr().cast_mut().cast(),
            iov_len: data.len(),
        })
        .collect();
    Ok((held, vectors))
}

/// Ancillary data as the system wants it.
#[derive(Default)]
struct Control(Vec<u8>);

impl Control {
    fn push(&mut self, vm: &mut Vm, level: i32, kind: i32, data: &[u8]) -> Py<()> {
        let (Some(len), Some(space)) = (item_len(data.len()), item_space(data.len())) else {
            return Err(os_error(vm, "ancillary data item too large"));
        };
        let start = self.0.len();
        if start + space > LIMIT {
            return Err(os_error(vm, "too much ancillary data"));
        }
        if self.0.try_reserve(space).is_err() {
            return Err(vm.memory_error());
        }
        self.0.resize(start + space, 0);
        let head = head_of(len, level, kind);
        let place = &mut self.0[start..];
        // SAFETY: room for the item was made; the write needs no alignment.
        unsafe {
            place
                .as_mut_ptr()
                .cast::<libc::cmsghdr>()
                .write_unaligned(head)
        };
        place[len - data.len()..len].copy_from_slice(data);
        Ok(())
    }

    /// The items of an argument.
    fn parse(vm: &mut Vm, value: Option<&Value>) -> Py<Control> {
        const WHAT: &str = "[sendmsg() ancillary data items]() argument must be";
        let mut control = Control::default();
        let Some(value) = value else {
            return Ok(control);
        };
        for row in members(vm, value, "sendmsg() argument 2 must be an iterable")? {
            let Some(parts) = items(&row) else {
                let given = row.type_of().name();
                return Err(vm.type_error(format!("{WHAT} 3-item tuple, not {given}")));
            };
            let [level, kind, data] = parts else {
                let given = parts.len();
                return Err(vm.type_error(format!("{WHAT} tuple of length 3, not {given}")));
            };
            let level = int_argument(vm, level)?;
            let kind = int_argument(vm, kind)?;
            let data = bytes_like(vm, data)?;
            control.push(vm, level, kind, &data)?;
        }
        Ok(control)
    }
}

fn send(
    vm: &mut Vm,
    own: State,
    vectors: &mut [libc::iovec],
    mut control: Control,
    to: Option<&mut Address>,
    flags: i32,
) -> Py {
    // SAFETY: plain numbers and null pointers.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    if let Some(to) = to {
        message.msg_namelen = to.len;
        message.msg_name = to.as_mut_ptr().cast();
    }
    message.msg_iov = vectors.as_mut_ptr();
    message.msg_iovlen = vectors.len() as _;
    if !control.0.is_empty() {
        message.msg_control = control.0.as_mut_ptr().cast();
        message.msg_controllen = control.0.len() as _;
    }
    let budget = Budget::new(own.timeout);
    let count = wait::run(vm, own.fd, Until::Writable, &budget, || {
        // SAFETY: memory of the callers and of ours, with the lengths of all parts.
        unsafe { libc::sendmsg(own.fd, &message, flags) }
    })?;
    Ok(Value::int(count as i64))
}

pub(super) fn sendmsg(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "sendmsg", args, 1, 4)?;
    let flags = int_or(vm, args.get(2), 0)?;
    let own = state(vm, this);
    let to_value = args.get(3).filter(|value| !value.is_none());
    let mut to = match to_value {
        Some(value) => Some(address::parse(vm, own.family, own.proto, value, "sendmsg")?),
        None => None,
    };
    audit(vm, "socket.sendmsg", || {
        vec![this.clone(), to_value.cloned().unwrap_or_else(Value::none)]
    })?;
    let (held, mut vectors) = sources(vm, &args[0], "sendmsg")?;
    let control = Control::parse(vm, args.get(1))?;
    let sent = send(vm, own, &mut vectors, control, to.as_mut(), flags);
    drop(held);
    sent
}

#[cfg(target_os = "linux")]
static AFALG: MethodDef =
    crate::support::signature("sendmsg_afalg(msg=(), *, op=-1, iv=None, assoclen=None, flags=0)");

#[cfg(target_os = "linux")]
pub(super) fn sendmsg_afalg(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let own = state(vm, this);
    if own.family != libc::AF_ALG {
        return Err(os_error(vm, "algset is only supported for AF_ALG"));
    }
    let args = bind::bind(vm, &AFALG, args)?;
    let operation = int_or(vm, args.get(1), -1)?;
    let Ok(operation) = u32::try_from(operation) else {
        return Err(vm.type_error("invalid or missing argument 'op'"));
    };
    let associated = match args.get(3) {
        Some(value) => match u32::try_from(int_argument(vm, value)?) {
            Ok(len) => Some(len),
            Err(_) => return Err(vm.type_error("assoclen must be positive")),
        },
        None => None,
    };
    let flags = int_or(vm, args.get(4), 0)?;
    let mut control = Control::default();
    control.push(
        vm,
        libc::SOL_ALG,
        libc::ALG_SET_OP,
        &operation.to_ne_bytes(),
    )?;
    if let Some(value) = args.get_not_none(2) {
        let vector = bytes_like(vm, value)?;
        let mut data = (vector.len() as u32).to_ne_bytes().to_vec();
        data.extend_from_slice(&vector);
        control.push(vm, libc::SOL_ALG, libc::ALG_SET_IV, &data)?;
    }
    if let Some(len) = associated {
        let kind = libc::ALG_SET_AEAD_ASSOCLEN;
        control.push(vm, libc::SOL_ALG, kind, &len.to_ne_bytes())?;
    }
    let (held, mut vectors) = match args.get(0) {
        Some(value) => sources(vm, value, "sendmsg_afalg")?,
        None => Default::default(),
    };
    let sent = send(vm, own, &mut vectors, control, None, flags);
    drop(held);
    sent
}
