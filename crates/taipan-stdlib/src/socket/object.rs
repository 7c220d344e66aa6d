//! The socket type: making, closing, connecting, options. Sending and receiving are in `transfer` and `message`.

use super::address::{self, Address};
use super::wait::{self, Budget, Failure, Timeout, Until};
use super::{arguments, fail, int_or, message, os_error, transfer};
use crate::audit::audit;
use crate::path::{c_int, check, errno};
use crate::support::int_argument;
use std::sync::Mutex;
use std::sync::PoisonError;
use taipan_core::lock::{HasState, Locked};
use taipan_core::number::int_from_u64;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Payload, Py, Slots, Type, TypeFlags, TypeObject, TypeSpec,
    Value, Vm, alloc, bind, builtin_types, f0, f1, getter, raw,
};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;
use taipan_types::exceptions::os_error::raise_errno;

/// The type `_socket.socket`.
pub(super) static SOCKET: TypeObject = Type::declare("_socket.socket");

/// What a socket knows.
#[derive(Clone, Copy)]
pub(super) struct State {
    /// -1 when closed.
    pub(super) fd: i32,
    pub(super) family: i32,
    kind: i32,
    pub(super) proto: i32,
    pub(super) timeout: Timeout,
}

/// Payload of sockets.
pub(super) struct Socket {
    state: Locked<State>,
}

impl HasState for Socket {
    type State = State;
    fn cell(&self) -> &Locked<State> {
        &self.state
    }
}

// SAFETY: holds no references.
unsafe impl Payload for Socket {
    const GC: bool = true;
    fn type_object() -> &'static TypeObject {
        &SOCKET
    }
}

/// What a socket knows now.
pub(super) fn state(vm: &mut Vm, this: &Value) -> State {
    *this.expect::<Socket>().lock(vm)
}

/// The timeout of new sockets.
static DEFAULT_TIMEOUT: Mutex<Timeout> = Mutex::new(Timeout::Blocking);

fn default_timeout() -> Timeout {
    *DEFAULT_TIMEOUT
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

pub(super) static FUNCTIONS: [MethodDef; 5] = [
    raw(
        "socketpair($module, family=AF_UNIX, type=SOCK_STREAM, proto=0, /)",
        socketpair,
        "Two sockets that are connected to each other.",
    ),
    f1(
        "close($module, object, /)",
        close_descriptor,
        "Close a socket's descriptor.",
    ),
    f1(
        "dup($module, object, /)",
        dup,
        "Another descriptor of the same socket; it is not inherited.",
    ),
    f0(
        "getdefaulttimeout($module, /)",
        |_, _| Ok(default_timeout().value()),
        "The timeout of new sockets in seconds; None if they have none.",
    ),
    f1(
        "setdefaulttimeout($module, object, /)",
        |vm, _, value| {
            let timeout = Timeout::parse(vm, value)?;
            *DEFAULT_TIMEOUT
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = timeout;
            Ok(Value::none())
        },
        "Set the timeout of new sockets in seconds; None for none.",
    ),
];

fn new(_vm: &mut Vm, cls: &TypeObject, _args: Args<'_>) -> Py {
    let state = State {
        fd: -1,
        family: 0,
        kind: 0,
        proto: 0,
        timeout: default_timeout(),
    };
    Ok(alloc::new_instance(
        cls,
        Socket {
            state: Locked::new(state),
        },
    ))
}

static INIT: MethodDef =
    crate::support::signature("socket(family=-1, type=-1, proto=-1, fileno=None)");

fn init(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py<()> {
    let args = bind::bind(vm, &INIT, args)?;
    let mut family = int_or(vm, args.get(0), -1)?;
    let mut kind = int_or(vm, args.get(1), -1)?;
    let mut proto = int_or(vm, args.get(2), -1)?;
    audit(vm, "socket.__new__", || {
        let numbers = [family, kind, proto].map(Value::from_i32);
        std::iter::once(this.clone()).chain(numbers).collect()
    })?;
    let fd = match args.get_not_none(3) {
        Some(value) => {
            let fd = adopted(vm, value, &mut family, &mut kind, &mut proto)?;
            return fill(vm, this, fd, family, kind, proto);
        }
        None => {
            family = if family == -1 { libc::AF_INET } else { family };
            kind = if kind == -1 { libc::SOCK_STREAM } else { kind };
            proto = if proto == -1 { 0 } else { proto };
            // SAFETY: a plain call.
            let made = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, proto) };
            check(vm, made)?
        }
    };
    let filled = fill(vm, this, fd, family, kind, proto);
    if filled.is_err() {
        this.expect::<Socket>().lock(vm).fd = -1;
        // SAFETY: made here.
        unsafe { libc::close(fd) };
    }
    filled
}

/// A descriptor of the program's; what is not given is asked of the system.
fn adopted(
    vm: &mut Vm,
    value: &Value,
    family: &mut i32,
    kind: &mut i32,
    proto: &mut i32,
) -> Py<i32> {
    let number = vm.index(value)?;
    let Some(number) = number.as_i64() else {
        return Err(vm.overflow_error("Python int too large to convert to C long"));
    };
    let fd = number as i32;
    if fd < 0 {
        return Err(vm.value_error("negative file descriptor"));
    }
    let mut own = Address::room();
    let mut len = own.len;
    // SAFETY: room for any address with its length.
    if unsafe { libc::getsockname(fd, own.as_mut_ptr(), &mut len) } < 0 {
        if *family == -1 {
            return Err(fail(vm));
        }
    } else if *family == -1 {
        *family = own.family();
    }
    #[cfg(target_os = "linux")]
    let questions = [(kind, libc::SO_TYPE), (proto, libc::SO_PROTOCOL)];
    #[cfg(not(target_os = "linux"))]
    let questions = [(kind, libc::SO_TYPE)];
    for (number, option) in questions {
        if *number == -1 {
            *number = match option_number(fd, libc::SOL_SOCKET, option) {
                Ok(number) => number,
                Err(error) => return Err(raise_errno(vm, error, None)),
            };
        }
    }
    Ok(fd)
}

/// Makes the object a socket with this descriptor.
fn fill(vm: &mut Vm, this: &Value, fd: i32, family: i32, kind: i32, proto: i32) -> Py<()> {
    let mut timeout = default_timeout();
    let mut plain = kind;
    #[cfg(target_os = "linux")]
    {
        plain &= !(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC);
        if kind & libc::SOCK_NONBLOCK != 0 {
            timeout = Timeout::NonBlocking;
        }
    }
    *this.expect::<Socket>().lock(vm) = State {
        fd,
        family,
        kind: plain,
        proto,
        timeout,
    };
    if timeout.wants_nonblocking() {
        set_nonblocking(vm, fd, true)?;
    }
    Ok(())
}

fn set_nonblocking(vm: &mut Vm, fd: i32, on: bool) -> Py<()> {
    let mut flag = libc::c_int::from(on);
    // SAFETY: a number of ours.
    let result = unsafe { libc::ioctl(fd, libc::FIONBIO, &mut flag) };
    check(vm, result)?;
    Ok(())
}

/// A new socket object of a descriptor.
fn object_of(vm: &mut Vm, fd: i32, family: i32, kind: i32, proto: i32) -> Py {
    let this = new(vm, &SOCKET, Args::NONE)?;
    fill(vm, &this, fd, family, kind, proto)?;
    Ok(this)
}

fn socketpair(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "socketpair", args, 0, 3)?;
    let family = int_or(vm, args.first(), libc::AF_UNIX)?;
    let kind = int_or(vm, args.get(1), libc::SOCK_STREAM)?;
    let proto = int_or(vm, args.get(2), 0)?;
    let mut ends = [0i32; 2];
    // SAFETY: room for two descriptors.
    let result =
        unsafe { libc::socketpair(family, kind | libc::SOCK_CLOEXEC, proto, ends.as_mut_ptr()) };
    check(vm, result)?;
    let first = object_of(vm, ends[0], family, kind, proto);
    let second = object_of(vm, ends[1], family, kind, proto);
    Ok(new_tuple([first?, second?]))
}

/// A descriptor argument of a module function.
fn descriptor(vm: &mut Vm, value: &Value) -> Py<i32> {
    let number = vm.index(value)?;
    match number.as_i64() {
        Some(number) => Ok(number as i32),
        None => Err(vm.overflow_error("Python int too large to convert to C long")),
    }
}

fn close_descriptor(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    let fd = descriptor(vm, value)?;
    close_fd(vm, fd)?;
    Ok(Value::none())
}

/// Closes; that the other end has gone is no error.
fn close_fd(vm: &mut Vm, fd: i32) -> Py<()> {
    // SAFETY: the descriptor is the socket's own, or the program asked for it.
    if unsafe { libc::close(fd) } < 0 && errno() != libc::ECONNRESET {
        return Err(fail(vm));
    }
    Ok(())
}

fn dup(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    let fd = descriptor(vm, value)?;
    // SAFETY: a plain call.
    let made = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    check(vm, made).map(Value::from_i32)
}

// ---- life ----

fn close(vm: &mut Vm, this: &Value) -> Py {
    let fd = std::mem::replace(&mut this.expect::<Socket>().lock(vm).fd, -1);
    if fd >= 0 {
        close_fd(vm, fd)?;
    }
    Ok(Value::none())
}

fn detach(vm: &mut Vm, this: &Value) -> Py {
    let fd = std::mem::replace(&mut this.expect::<Socket>().lock(vm).fd, -1);
    Ok(Value::from_i32(fd))
}

fn finalize(vm: &mut Vm, this: &Value) {
    let Some(socket) = this.cast_layout::<Socket>() else {
        return;
    };
    if socket.lock(vm).fd < 0 {
        return;
    }
    let text = vm.repr_string(this).unwrap_or_else(|raised| {
        drop(vm.take_raised(raised));
        String::new()
    });
    let message = format!("unclosed {text}");
    if let Err(raised) = vm.warn(&builtin_types::RESOURCE_WARNING, &message, 1) {
        vm.unraisable(raised, "in", Some(this));
    }
    let fd = std::mem::replace(&mut socket.lock(vm).fd, -1);
    if fd >= 0 {
        // SAFETY: the descriptor is this object's own.
        unsafe { libc::close(fd) };
    }
}

fn repr(vm: &mut Vm, this: &Value) -> Py {
    let own = state(vm, this);
    Ok(new_str(&format!(
        "<socket object, fd={}, family={}, type={}, proto={}>",
        own.fd, own.family, own.kind, own.proto
    )))
}

// ---- connections ----

fn bind_to(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let own = state(vm, this);
    let to = address::parse(vm, own.family, own.proto, value, "bind")?;
    audit(vm, "socket.bind", || vec![this.clone(), value.clone()])?;
    // SAFETY: an address with its length.
    let result = unsafe { libc::bind(own.fd, to.as_ptr(), to.len) };
    check(vm, result)?;
    Ok(Value::none())
}

/// Connects, waiting as long as the timeout allows.
fn connect_to(vm: &mut Vm, own: State, to: &Address) -> Result<(), Failure> {
    // SAFETY: an address with its length.
    if vm.detached(|| unsafe { libc::connect(own.fd, to.as_ptr(), to.len) }) >= 0 {
        return Ok(());
    }
    let error = errno();
    let goes_on = if error == libc::EINTR {
        // The system goes on connecting; calling again would be an error.
        vm.safepoint()?;
        own.timeout != Timeout::NonBlocking
    } else {
        matches!(own.timeout, Timeout::After(_)) && error == libc::EINPROGRESS
    };
    if !goes_on {
        return Err(Failure::Errno(error));
    }
    let budget = Budget::new(own.timeout);
    let mut outcome = 0;
    wait::attempt(vm, own.fd, Until::Connected, &budget, || {
        outcome = match option_number(own.fd, libc::SOL_SOCKET, libc::SO_ERROR) {
            Ok(libc::EISCONN) => 0,
            Ok(error) | Err(error) => error,
        };
        0
    })?;
    match outcome {
        0 => Ok(()),
        error => Err(Failure::Errno(error)),
    }
}

fn connect(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let own = state(vm, this);
    let to = address::parse(vm, own.family, own.proto, value, "connect")?;
    audit(vm, "socket.connect", || vec![this.clone(), value.clone()])?;
    match connect_to(vm, own, &to) {
        Ok(()) => Ok(Value::none()),
        Err(failure) => Err(failure.raise(vm)),
    }
}

fn connect_ex(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let own = state(vm, this);
    let to = address::parse(vm, own.family, own.proto, value, "connect_ex")?;
    audit(vm, "socket.connect", || vec![this.clone(), value.clone()])?;
    match connect_to(vm, own, &to) {
        Ok(()) => Ok(Value::from_i32(0)),
        Err(Failure::Errno(error)) => Ok(Value::from_i32(error)),
        Err(Failure::TimedOut) => Ok(Value::from_i32(libc::EWOULDBLOCK)),
        Err(failure) => Err(failure.raise(vm)),
    }
}

fn listen(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "listen", args, 0, 1)?;
    let backlog = int_or(vm, args.first(), libc::SOMAXCONN.min(128))?;
    let fd = state(vm, this).fd;
    // SAFETY: a plain call.
    let result = unsafe { libc::listen(fd, backlog.max(0)) };
    check(vm, result)?;
    Ok(Value::none())
}

fn accept(vm: &mut Vm, this: &Value) -> Py {
    let own = state(vm, this);
    let mut from = Address::room();
    let budget = Budget::new(own.timeout);
    let made = wait::run(vm, own.fd, Until::Readable, &budget, || {
        from = Address::room();
        let pointer = from.as_mut_ptr();
        // SAFETY: room for any address with its length.
        unsafe { accept_cloexec(own.fd, pointer, &mut from.len) as isize }
    })?;
    let from = match address::to_python(vm, &from, own.proto) {
        Ok(from) => from,
        Err(raised) => {
            // SAFETY: made here.
            unsafe { libc::close(made as i32) };
            return Err(raised);
        }
    };
    Ok(new_tuple([Value::from_i32(made as i32), from]))
}

/// # Safety
/// `pointer` points to room of `len` bytes.
unsafe fn accept_cloexec(fd: i32, pointer: *mut libc::sockaddr, len: &mut libc::socklen_t) -> i32 {
    #[cfg(target_os = "linux")]
    // SAFETY: the caller's promise.
    return unsafe { libc::accept4(fd, pointer, len, libc::SOCK_CLOEXEC) };
    #[cfg(not(target_os = "linux"))]
    // SAFETY: the caller's promise.
    unsafe {
        let made = libc::accept(fd, pointer, len);
        if made >= 0 {
            libc::fcntl(made, libc::F_SETFD, libc::FD_CLOEXEC);
        }
        made
    }
}

fn shutdown(vm: &mut Vm, this: &Value, how: &Value) -> Py {
    let how = c_int(vm, how)?;
    let fd = state(vm, this).fd;
    // SAFETY: a plain call.
    let result = unsafe { libc::shutdown(fd, how) };
    check(vm, result)?;
    Ok(Value::none())
}

type NameCall =
    unsafe extern "C" fn(libc::c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

/// The own address, or the other end's.
fn name_by(vm: &mut Vm, this: &Value, call: NameCall) -> Py {
    let own = state(vm, this);
    let mut found = Address::room();
    let pointer = found.as_mut_ptr();
    // SAFETY: room for any address with its length.
    let result = unsafe { call(own.fd, pointer, &mut found.len) };
    check(vm, result)?;
    address::to_python(vm, &found, own.proto)
}

// ---- timeouts ----

fn change_timeout(vm: &mut Vm, this: &Value, timeout: Timeout) -> Py {
    let fd = {
        let mut own = this.expect::<Socket>().lock(vm);
        own.timeout = timeout;
        own.fd
    };
    set_nonblocking(vm, fd, timeout.wants_nonblocking())?;
    Ok(Value::none())
}

fn setblocking(vm: &mut Vm, this: &Value, flag: &Value) -> Py {
    let timeout = if vm.truth(flag)? {
        Timeout::Blocking
    } else {
        Timeout::NonBlocking
    };
    change_timeout(vm, this, timeout)
}

fn settimeout(vm: &mut Vm, this: &Value, value: &Value) -> Py {
    let timeout = Timeout::parse(vm, value)?;
    change_timeout(vm, this, timeout)
}

fn getblocking(vm: &mut Vm, this: &Value) -> Py {
    Ok(Value::bool(state(vm, this).timeout != Timeout::NonBlocking))
}

fn gettimeout(vm: &mut Vm, this: &Value) -> Py {
    Ok(state(vm, this).timeout.value())
}

// ---- options ----

/// An option that is a number.
fn option_number(fd: i32, level: i32, option: i32) -> Result<i32, i32> {
    let mut number = 0i32;
    let mut len = size_of::<i32>() as libc::socklen_t;
    // SAFETY: room with its length.
    let result = unsafe { libc::getsockopt(fd, level, option, (&raw mut number).cast(), &mut len) };
    if result < 0 { Err(errno()) } else { Ok(number) }
}

fn getsockopt(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "getsockopt", args, 2, 3)?;
    let (level, option) = (int_argument(vm, &args[0])?, int_argument(vm, &args[1])?);
    let length = int_or(vm, args.get(2), 0)?;
    let State { fd, family, .. } = state(vm, this);
    if length == 0 && is_vsock(family) {
        // These have options of 64 bits.
        let mut number = 0u64;
        let mut len = size_of::<u64>() as libc::socklen_t;
        // SAFETY: room with its length.
        let result =
            unsafe { libc::getsockopt(fd, level, option, (&raw mut number).cast(), &mut len) };
        check(vm, result)?;
        return Ok(int_from_u64(number));
    }
    if length == 0 {
        return match option_number(fd, level, option) {
            Ok(number) => Ok(Value::from_i32(number)),
            Err(error) => Err(raise_errno(vm, error, None)),
        };
    }
    if !(1..=1024).contains(&length) {
        return Err(os_error(vm, "getsockopt buflen out of range"));
    }
    let mut room = [0u8; 1024];
    let mut len = length as libc::socklen_t;
    // SAFETY: room that is at least as large as said.
    let result = unsafe { libc::getsockopt(fd, level, option, room.as_mut_ptr().cast(), &mut len) };
    check(vm, result)?;
    new_bytes(vm, &room[..(len as usize).min(room.len())])
}

fn setsockopt(vm: &mut Vm, this: &Value, args: Args<'_>) -> Py {
    let given = args.pos().len();
    let null = given == 4 && args.pos()[2].is_none();
    let args = arguments(vm, "setsockopt", args, 3, if null { 4 } else { 3 })?;
    let (level, option) = (int_argument(vm, &args[0])?, int_argument(vm, &args[1])?);
    let State { fd, family, .. } = state(vm, this);
    let result = if null {
        let length = super::wrapped_argument(vm, &args[3])?;
        // SAFETY: the program asks for no memory.
        unsafe { libc::setsockopt(fd, level, option, std::ptr::null(), length) }
    } else if let Some(number) = wide_option(vm, family, &args[2])? {
        let len = size_of::<u64>() as libc::socklen_t;
        // SAFETY: a number with its length.
        unsafe { libc::setsockopt(fd, level, option, (&raw const number).cast(), len) }
    } else if let Some(number) = option_argument(vm, &args[2])? {
        let len = size_of::<i32>() as libc::socklen_t;
        // SAFETY: a number with its length.
        unsafe { libc::setsockopt(fd, level, option, (&raw const number).cast(), len) }
    } else {
        let data = bytes_like(vm, &args[2])?;
        let len = data.len().min(i32::MAX as usize) as libc::socklen_t;
        // SAFETY: memory with its length.
        unsafe { libc::setsockopt(fd, level, option, data.as_ptr().cast(), len) }
    };
    check(vm, result)?;
    Ok(Value::none())
}

/// Is it the family of sockets between virtual machines, whose options may have 64 bits?
fn is_vsock(family: i32) -> bool {
    #[cfg(target_os = "linux")]
    let is_vsock = family == libc::AF_VSOCK;
    #[cfg(not(target_os = "linux"))]
    let is_vsock = {
        let _ = family;
        false
    };
    is_vsock
}

/// An option of 64 bits; `None` if it is not one.
fn wide_option(vm: &mut Vm, family: i32, value: &Value) -> Py<Option<u64>> {
    if !is_vsock(family) || !value.is_int() {
        return Ok(None);
    }
    let number = vm.index(value)?;
    Ok(number.as_big().and_then(|big| u64::try_from(big).ok()))
}

/// An option's value as a number; `None` if it is no C `int`, and so has to be bytes.
fn option_argument(vm: &mut Vm, value: &Value) -> Py<Option<i32>> {
    if !value.is_int() && value.type_of().slots().index.is_none() {
        return Ok(None);
    }
    let number = vm.index(value)?;
    Ok(number
        .as_i64()
        .and_then(|number| i32::try_from(number).ok()))
}

static METHODS: [MethodDef; 28] = [
    f0(
        "_accept($self, /)",
        accept,
        "Wait for a connection; give its descriptor and the address of the other end.",
    ),
    f1(
        "bind($self, object, /)",
        bind_to,
        "Bind the socket to an address of this host.",
    ),
    f0("close($self, /)", close, "Close the socket."),
    f1(
        "connect($self, object, /)",
        connect,
        "Connect the socket to an address.",
    ),
    f1(
        "connect_ex($self, object, /)",
        connect_ex,
        "As connect(), but give the error number, or 0, in place of raising an OSError.",
    ),
    f0(
        "detach($self, /)",
        detach,
        "Close the object but not its descriptor; give the descriptor.",
    ),
    f0(
        "fileno($self, /)",
        |vm, this| Ok(Value::from_i32(state(vm, this).fd)),
        "The socket's descriptor; -1 if it is closed.",
    ),
    f0(
        "getpeername($self, /)",
        |vm, this| name_by(vm, this, libc::getpeername),
        "The address of the other end.",
    ),
    f0(
        "getsockname($self, /)",
        |vm, this| name_by(vm, this, libc::getsockname),
        "The socket's own address.",
    ),
    raw(
        "getsockopt($self, level, option, buffersize=0, /)",
        getsockopt,
        "An option: an int, or bytes of at most buffersize if that is given.",
    ),
    raw(
        "listen($self, backlog=128, /)",
        listen,
        "Let others connect; at most backlog connections wait for being accepted.",
    ),
    raw(
        "recv($self, bufsize, flags=0, /)",
        transfer::recv,
        "Receive at most bufsize bytes; none if the other end has closed.",
    ),
    raw(
        "recv_into($self, /, buffer, nbytes=0, flags=0)",
        transfer::recv_into,
        "Receive into a buffer, at most nbytes; give the number of bytes.",
    ),
    raw(
        "recvfrom($self, bufsize, flags=0, /)",
        transfer::recvfrom,
        "As recv(), but give (data, address of the sender).",
    ),
    raw(
        "recvfrom_into($self, /, buffer, nbytes=0, flags=0)",
        transfer::recvfrom_into,
        "As recv_into(), but give (number of bytes, address of the sender).",
    ),
    raw(
        "recvmsg($self, bufsize, ancbufsize=0, flags=0, /)",
        message::recvmsg,
        message::RECVMSG_DOC,
    ),
    raw(
        "recvmsg_into($self, buffers, ancbufsize=0, flags=0, /)",
        message::recvmsg_into,
        "As recvmsg(), but receive into a row of buffers; the first of the four results is the number of bytes.",
    ),
    raw(
        "send($self, data, flags=0, /)",
        transfer::send,
        "Send data; give how many bytes were sent.",
    ),
    raw(
        "sendall($self, data, flags=0, /)",
        transfer::sendall,
        "Send all data.",
    ),
    raw(
        "sendmsg($self, buffers, ancdata=(), flags=0, address=None, /)",
        message::sendmsg,
        message::SENDMSG_DOC,
    ),
    raw(
        "sendto($self, data, flags_or_address, address=None, /)",
        transfer::sendto,
        "Send data to an address; give how many bytes were sent.",
    ),
    f1(
        "setblocking($self, object, /)",
        setblocking,
        "True: as settimeout(None). False: as settimeout(0.0).",
    ),
    f0("getblocking($self, /)", getblocking, "Do calls wait?"),
    f1(
        "settimeout($self, object, /)",
        settimeout,
        "Set how many seconds calls may wait; None is for ever, 0 not at all.",
    ),
    f0(
        "gettimeout($self, /)",
        gettimeout,
        "How many seconds calls may wait; None is for ever.",
    ),
    raw(
        "setsockopt($self, level, option, value, optlen=None, /)",
        setsockopt,
        "Set an option: an int, bytes, or None with a length.",
    ),
    f1(
        "shutdown($self, object, /)",
        shutdown,
        "End reading (SHUT_RD), writing (SHUT_WR) or both (SHUT_RDWR).",
    ),
    #[cfg(target_os = "linux")]
    raw(
        "sendmsg_afalg($self, /, msg=(), *, op, iv=None, assoclen=None, flags=0)",
        message::sendmsg_afalg,
        "Set operation, initial vector and length of associated data of an AF_ALG socket, and send data.",
    ),
];

static GETSET: [GetSetDef; 4] = [
    getter(
        "family",
        |vm, this| Ok(Value::from_i32(state(vm, this).family)),
        "the socket family",
    ),
    getter(
        "type",
        |vm, this| Ok(Value::from_i32(state(vm, this).kind)),
        "the socket type",
    ),
    getter(
        "proto",
        |vm, this| Ok(Value::from_i32(state(vm, this).proto)),
        "the socket protocol",
    ),
    getter("timeout", gettimeout, "the socket timeout"),
];

static LAYOUT: Layout = Layout::of::<Socket>();

static SPEC: TypeSpec = TypeSpec {
    name: "_socket.socket",
    flags: TypeFlags::BASE,
    layout: Some(&LAYOUT),
    slots: Slots {
        new: Some(new),
        init: Some(init),
        repr: Some(repr),
        finalize: Some(finalize),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    doc: "socket(family=AF_INET, type=SOCK_STREAM, proto=0) -> socket object\n\
          socket(family=-1, type=-1, proto=-1, fileno=None) -> socket object\n\n\
          A socket of a family, type and protocol. It is not inherited by other programs.\n\n\
          With fileno the object takes over that descriptor, and what is not given is asked of the system.",
    ..TypeSpec::DEFAULT
};

pub(super) fn define() {
    SOCKET.define(&SPEC);
}
