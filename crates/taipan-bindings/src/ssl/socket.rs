//! `_ssl._SSLSocket`: one connection, over a socket or over two buffers.
//!
//! The protocol's state is under a mutex that is held while the engine works, which neither waits nor runs Python.

use super::bio::Bio;
use super::config::{Identity, Settings};
use super::context::{self, Context, PROTOCOL_CLIENT, PROTOCOL_SERVER};
use super::engine::{Engine, Step, Transport};
use super::problem::Problem;
use super::session::Store;
use super::transport::{Buffers, Descriptor};
use super::{error, known};
use crate::support::{Shared, text_argument, utf8};
use rustls::pki_types::{IpAddr, Ipv4Addr, ServerName};
use rustls::{ClientConnection, HandshakeKind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use taipan_core::lock::Locked;
use taipan_core::str_object::new_str;
use taipan_core::weakref::{self, WeakRef};
use taipan_core::{
    Bound, GetSetDef, Layout, MethodDef, Obj, Py, Raised, Slots, TypeFlags, TypeSpec, Value, Vm,
    bound, builtin_types, f0, f1, getset, getter, slice,
};
use taipan_stdlib::socket::Patience;
use taipan_stdlib::support::native_type;
use taipan_types::buffer::{bytes_like, writable};
use taipan_types::bytes::{empty_bytes, new_bytes};

/// Where the records go.
enum Way {
    Socket,
    Memory {
        incoming: super::transport::SharedMemory,
        outgoing: super::transport::SharedMemory,
    },
}

native_type! {
    /// Payload of connections.
    SOCKET "_ssl._SSLSocket" SslSocket {
        // `None` until the first operation of a client, which takes the context as it is then.
        engine: Shared<Mutex<Option<Engine>>>,
        is_server: bool,
        way: Shared<Way>,
        host: Value,
    }
    SslSocketState {
        context: Value,
        // Weak references: to the socket object that has this one, and to the object of the program.
        socket: Option<Value>,
        owner: Option<Value>,
        store: Shared<Arc<Store>>,
    }
}

static METHODS: [MethodDef; 14] = [
    f0("do_handshake(self, /)", do_handshake, ""),
    slice("read(self, size, buffer=None, /)", read, READ_DOC),
    f1(
        "write(self, b, /)",
        write,
        "Writes the bytes-like object b into the SSL object.\n\nReturns the number of bytes written.",
    ),
    f0(
        "shutdown(self, /)",
        shutdown,
        "Does the SSL shutdown handshake with the remote end.",
    ),
    f0(
        "pending(self, /)",
        |_, this| {
            Ok(Value::int(
                engine(this).as_ref().map_or(0, Engine::pending) as i64
            ))
        },
        "Returns the number of already decrypted bytes available for read, pending on the connection.",
    ),
    slice(
        "getpeercert(self, der=False, /)",
        known::getpeercert,
        GETPEERCERT_DOC,
    ),
    f0("get_verified_chain(self, /)", known::get_verified_chain, ""),
    f0(
        "get_unverified_chain(self, /)",
        known::get_unverified_chain,
        "",
    ),
    f0("cipher(self, /)", known::cipher, ""),
    f0("shared_ciphers(self, /)", known::shared_ciphers, ""),
    f0("version(self, /)", known::version, ""),
    f0(
        "selected_alpn_protocol(self, /)",
        known::selected_alpn_protocol,
        "",
    ),
    f0(
        "compression(self, /)",
        // Records are never compressed.
        |_, _| Ok(Value::none()),
        "",
    ),
    bound(
        "get_channel_binding(self, /, cb_type='tls-unique')",
        known::get_channel_binding,
        "Get channel binding data for current connection.\n\n\
         Raise ValueError if the requested `cb_type` is not supported.  Return bytes\n\
         of the data or None if the data is not available (e.g. before the handshake).",
    ),
];

const READ_DOC: &str = "Read up to size bytes from the SSL socket.";
const GETPEERCERT_DOC: &str = "Returns the certificate for the peer.\n\n\
    If no certificate was provided, returns None.  If a certificate was\n\
    provided, but not validated, returns an empty dictionary.  Otherwise\n\
    returns a dict containing information about the peer certificate.\n\n\
    If the optional argument is True, returns a DER-encoded copy of the\n\
    peer certificate, or None if no certificate was provided.  This will\n\
    return the certificate even if it wasn't validated.";

static GETSET: [GetSetDef; 6] = [
    getset(
        "context",
        |vm, this| Ok(own(this).lock(vm).context.clone()),
        set_context,
        "This changes the context associated with the SSLSocket.",
    ),
    getter(
        "server_side",
        |_, this| Ok(Value::bool(own(this).is_server)),
        "Whether this is a server-side socket.",
    ),
    getter(
        "server_hostname",
        |_, this| Ok(own(this).host.clone()),
        "The currently set server hostname (for SNI).",
    ),
    getset(
        "owner",
        |vm, this| Ok(target(&own(this).lock(vm).owner).unwrap_or_else(Value::none)),
        |vm, this, value| {
            let value = context::given(vm, this, "owner", value)?;
            let owner = reference(vm, Some(value))?;
            let before = std::mem::replace(&mut own(this).lock(vm).owner, owner);
            drop(before);
            Ok(())
        },
        "The Python-level owner of this object.",
    ),
    getset(
        "session",
        known::get_session,
        known::set_session,
        "The underlying SSLSession object.",
    ),
    getter(
        "session_reused",
        known::session_reused,
        "Was the client session reused during handshake?",
    ),
];

static SPEC: TypeSpec = TypeSpec {
    name: "_ssl._SSLSocket",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<SslSocket>() }),
    slots: Slots::NONE,
    methods: &METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};

pub fn define() {
    SOCKET.define(&SPEC);
}

fn own(this: &Value) -> &Obj<SslSocket> {
    this.expect::<SslSocket>()
}

/// The protocol's state; not to be held while Python runs.
pub fn engine(this: &Value) -> MutexGuard<'_, Option<Engine>> {
    own(this)
        .engine
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

pub fn is_server(this: &Value) -> bool {
    own(this).is_server
}

pub fn context_of(vm: &mut Vm, this: &Value) -> Value {
    own(this).lock(vm).context.clone()
}

pub fn store_of(vm: &mut Vm, this: &Value) -> Arc<Store> {
    own(this).lock(vm).store.clone()
}

pub fn set_store(vm: &mut Vm, this: &Value, store: Arc<Store>) {
    own(this).lock(vm).store = Shared(store);
}

fn reference(vm: &mut Vm, object: Option<&Value>) -> Py<Option<Value>> {
    match object.filter(|object| !object.is_none()) {
        Some(object) => Ok(Some(weakref::new_ref(vm, object, None)?)),
        None => Ok(None),
    }
}

fn target(reference: &Option<Value>) -> Option<Value> {
    weakref::get(reference.as_ref()?.cast::<WeakRef>()?)
}

// ---- making ----

/// What both ways of making have in common: server side, host name, owner and session, from argument `first` on.
fn make(
    vm: &mut Vm,
    this: &Value,
    args: &Bound,
    first: usize,
    way: Way,
    socket: Option<Value>,
) -> Py {
    let is_server = vm.truth(args.req(first))?;
    let protocol = this.expect::<Context>().protocol();
    if is_server && protocol == PROTOCOL_CLIENT {
        let text = "Cannot create a server socket with a PROTOCOL_TLS_CLIENT context";
        return Err(error::plain(vm, 0, text));
    }
    if !is_server && protocol == PROTOCOL_SERVER {
        let text = "Cannot create a client socket with a PROTOCOL_TLS_SERVER context";
        return Err(error::plain(vm, 0, text));
    }
    let host = args.get_not_none(first + 1);
    if is_server && host.is_some() {
        return Err(vm.value_error("server_hostname can only be specified in client mode"));
    }
    if is_server && args.get_not_none(first + 3).is_some() {
        return Err(vm.value_error("session can only be specified in client mode"));
    }
    let empty = host.is_none_or(|host| crate::support::is_text(host, ""));
    if !is_server && empty && context::own(this).lock(vm).checks_hosts() {
        return Err(vm.value_error("check_hostname requires server_hostname"));
    }
    let host = match host {
        Some(host) => {
            let host = text_argument(vm, "server_hostname", host)?;
            let text = utf8(vm, &host)?;
            if text.is_empty() || text.starts_with(b".") {
                return Err(vm.value_error(
                    "server_hostname cannot be an empty string or start with a leading dot.",
                ));
            }
            if text.contains(&0) {
                return Err(vm.type_error("embedded null character"));
            }
            host
        }
        None => Value::none(),
    };
    let owner = reference(vm, args.get(first + 2))?;
    let made = taipan_core::alloc::new_object(SslSocket {
        engine: Shared(Mutex::new(is_server.then(Engine::server))),
        is_server,
        way: Shared(way),
        host,
        state: Locked::new(SslSocketState {
            context: this.clone(),
            socket,
            owner,
            store: Shared(Arc::default()),
        }),
    });
    if let Some(session) = args.get_not_none(first + 3) {
        known::set_session(vm, &made, Some(session))?;
    }
    Ok(made)
}

pub fn wrap_socket(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let socket = args.req(0);
    if Patience::of(vm, socket).is_none() {
        let given = socket.type_of().name();
        return Err(vm.type_error(format!(
            "_wrap_socket() argument 'sock' must be _socket.socket, not {given}"
        )));
    }
    let socket = reference(vm, Some(socket))?;
    make(vm, this, args, 1, Way::Socket, socket)
}

pub fn wrap_bio(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let mut memories = Vec::new();
    for (index, title) in ["incoming", "outgoing"].into_iter().enumerate() {
        let Some(bio) = args.req(index).cast::<Bio>() else {
            let given = args.req(index).type_of().name();
            return Err(vm.type_error(format!(
                "_wrap_bio() argument '{title}' must be _ssl.MemoryBIO, not {given}"
            )));
        };
        memories.push(bio.memory());
    }
    let (Some(outgoing), Some(incoming)) = (memories.pop(), memories.pop()) else {
        return Ok(Value::none());
    };
    make(vm, this, args, 2, Way::Memory { incoming, outgoing }, None)
}

fn set_context(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let value = context::given(vm, this, "context", value)?;
    if value.cast::<Context>().is_none() {
        return Err(vm.type_error("The value must be a SSLContext"));
    }
    let before = std::mem::replace(&mut own(this).lock(vm).context, value.clone());
    drop(before);
    Ok(())
}

// ---- operations ----

/// Makes a client's protocol state, from the context as it is now.
fn begin(vm: &mut Vm, this: &Value) -> Py<()> {
    if engine(this).is_some() {
        return Ok(());
    }
    let host = if own(this).host.is_none() {
        None
    } else {
        Some(String::from_utf8_lossy(&utf8(vm, &own(this).host)?).into_owned())
    };
    let (context, store) = (context_of(vm, this), store_of(vm, this));
    let (config, checked) = {
        let mut state = context::own(&context).lock(vm);
        let settings = state.settings();
        let checked = state.checks_hosts();
        state.material().counters.connect.fetch_add(1, Relaxed);
        (state.material().client(settings, store.clone()), checked)
    };
    if checked && host.is_none() {
        return Err(vm.value_error("check_hostname requires server_hostname"));
    }
    let made = config.and_then(|mut config| {
        let name = host
            .as_deref()
            .and_then(|host| ServerName::try_from(host.to_owned()).ok());
        // A connection has to have a name; without one this address stands for it, which is not sent.
        let name = name.unwrap_or_else(|| {
            config.enable_sni = false;
            ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([0, 0, 0, 0])))
        });
        ClientConnection::new(Arc::new(config), name)
            .map_err(|error| super::problem::of_error(&error))
    });
    match made {
        Ok(connection) => {
            let host = host.filter(|_| checked);
            engine(this).get_or_insert_with(|| Engine::client(connection, host));
            Ok(())
        }
        Err(problem) => Err(error::raise(vm, problem)),
    }
}

/// How an operation ended that neither failed nor has to wait.
enum Outcome {
    Done(usize),
    Closed,
}

#[cold]
fn timed_out(vm: &mut Vm, doing: &str) -> Raised {
    let text = format!("The {doing} operation timed out");
    vm.raise(&builtin_types::TIMEOUT_ERROR, text)
}

/// Runs an operation of the engine until it is done: waits as the socket allows, and serves signals and greetings.
fn operate(
    vm: &mut Vm,
    this: &Value,
    doing: &str,
    mut operation: impl FnMut(&mut Engine, &mut dyn Transport) -> Step,
) -> Py<Outcome> {
    begin(vm, this)?;
    // The socket object is kept while its descriptor is used.
    let (mut patience, _socket) = match &*own(this).way {
        Way::Socket => {
            let reference = own(this).lock(vm).socket.clone();
            let Some(socket) = target(&reference) else {
                return Err(error::plain(vm, 9, "Underlying socket connection gone"));
            };
            match Patience::of(vm, &socket) {
                Some(patience) if patience.fd() >= 0 => (Some(patience), Some(socket)),
                _ => return Err(error::plain(vm, 9, "Underlying socket has been closed.")),
            }
        }
        Way::Memory { .. } => (None, None),
    };
    loop {
        let fd = patience.as_ref().map_or(-1, Patience::fd);
        let step = vm.detached(|| {
            let mut engine = engine(this);
            let Some(engine) = engine.as_mut() else {
                return Step::Failed(Problem::ssl("UNINITIALIZED"));
            };
            match &*own(this).way {
                Way::Socket => operation(engine, &mut Descriptor(fd)),
                Way::Memory { incoming, outgoing } => {
                    let mut buffers = Buffers {
                        incoming: incoming.clone(),
                        outgoing: outgoing.clone(),
                    };
                    operation(engine, &mut buffers)
                }
            }
        });
        let to_write = match step {
            Step::Done(count) => return Ok(Outcome::Done(count)),
            Step::Closed => return Ok(Outcome::Closed),
            Step::Failed(problem) => return Err(error::raise(vm, problem)),
            Step::Greeted => {
                answer(vm, this, fd)?;
                continue;
            }
            Step::WantRead => false,
            Step::WantWrite => true,
        };
        match &mut patience {
            Some(patience) if patience.waits() => {
                if !patience.wait(vm, to_write)? {
                    return Err(timed_out(vm, doing));
                }
            }
            _ if to_write => return Err(error::want_write(vm)),
            _ => return Err(error::want_read(vm)),
        }
        vm.safepoint()?;
    }
}

/// Gives a connection up: tells the other end, if that goes at once.
fn abort(this: &Value, fd: i32, alert: u8) {
    if let Some(engine) = engine(this).as_mut() {
        engine.abort(alert);
        match &*own(this).way {
            Way::Socket => _ = engine.flush(&mut Descriptor(fd)),
            Way::Memory { incoming, outgoing } => {
                let (incoming, outgoing) = (incoming.clone(), outgoing.clone());
                engine.flush(&mut Buffers { incoming, outgoing });
            }
        }
    }
}

const HANDSHAKE_FAILURE: u8 = 40;
const INTERNAL_ERROR: u8 = 80;

/// A server's answer to a greeting: asks the program's callback, and takes the configuration of the context.
fn answer(vm: &mut Vm, this: &Value, fd: i32) -> Py<()> {
    let (name, offered) = {
        let engine = engine(this);
        let Some(accepted) = engine.as_ref().and_then(Engine::greeting) else {
            return Ok(());
        };
        let hello = accepted.client_hello();
        let offered: Vec<Vec<u8>> = hello
            .alpn()
            .map_or_else(Vec::new, |names| names.map(<[u8]>::to_vec).collect());
        (hello.server_name().map(str::to_owned), offered)
    };
    let before = own(this).lock(vm).context.clone();
    let callback = context::own(&before).lock(vm).sni_callback();
    if let Some(callback) = callback
        && let Some(alert) = ask(vm, this, &before, &callback, name.as_deref())
    {
        abort(this, fd, alert);
        return Err(error::raise(vm, Problem::ssl("CALLBACK_FAILED")));
    }
    let now = own(this).lock(vm).context.clone();
    let identity: Identity = context::own(&now).lock(vm).material().identity.clone();
    if identity.keys.is_empty() {
        abort(this, fd, HANDSHAKE_FAILURE);
        return Err(error::raise(vm, Problem::ssl("NO_SHARED_CIPHER")));
    }
    let config = {
        let mut state = context::own(&before).lock(vm);
        let settings: Settings = state.settings();
        state.material().counters.accept.fetch_add(1, Relaxed);
        state
            .material()
            .server(settings, Arc::new(identity), &offered)
    };
    let started = match config {
        Ok(config) => vm.detached(|| match engine(this).as_mut() {
            Some(engine) => engine.start(Arc::new(config)),
            None => Ok(()),
        }),
        Err(problem) => Err(problem),
    };
    if let Err(problem) = started {
        if let Some(engine) = engine(this).as_mut() {
            match &*own(this).way {
                Way::Socket => _ = engine.flush(&mut Descriptor(fd)),
                Way::Memory { incoming, outgoing } => {
                    let (incoming, outgoing) = (incoming.clone(), outgoing.clone());
                    engine.flush(&mut Buffers { incoming, outgoing });
                }
            }
        }
        return Err(error::raise(vm, problem));
    }
    Ok(())
}

/// Calls the callback for server names; gives the alert that refuses the connection, if it does.
fn ask(
    vm: &mut Vm,
    this: &Value,
    context: &Value,
    callback: &Value,
    name: Option<&str>,
) -> Option<u8> {
    let (owner, socket) = {
        let state = own(this).lock(vm);
        (state.owner.clone(), state.socket.clone())
    };
    let Some(object) = target(&owner).or_else(|| target(&socket)) else {
        return Some(HANDSHAKE_FAILURE);
    };
    let name = name.map_or_else(Value::none, new_str);
    match vm.call(callback, &[object, name, context.clone()]) {
        Ok(result) if result.is_none() => None,
        Ok(result) => match crate::support::c_int(vm, &result) {
            Ok(alert) => Some(alert as u8),
            Err(raised) => {
                vm.unraisable(raised, "ssl servername callback", Some(&result));
                Some(INTERNAL_ERROR)
            }
        },
        Err(raised) => {
            vm.unraisable(raised, "ssl servername callback", Some(callback));
            Some(HANDSHAKE_FAILURE)
        }
    }
}

fn do_handshake(vm: &mut Vm, this: &Value) -> Py {
    let done = known::handshake_is_done(this);
    operate(vm, this, "handshake", |engine, transport| {
        engine.handshake(transport)
    })?;
    if !done {
        greeted(vm, this);
    }
    Ok(Value::none())
}

/// Counts a handshake that is done, and begins a session if none was resumed.
fn greeted(vm: &mut Vm, this: &Value) {
    let resumed = {
        let engine = engine(this);
        let kind = engine
            .as_ref()
            .and_then(Engine::connection)
            .and_then(|connection| connection.handshake_kind());
        kind == Some(HandshakeKind::Resumed)
    };
    let (context, store) = (context_of(vm, this), store_of(vm, this));
    if !resumed {
        store.begin();
    }
    let counters = context::own(&context).lock(vm).material().counters.clone();
    if own(this).is_server {
        counters.accept_good.fetch_add(1, Relaxed);
    } else {
        counters.connect_good.fetch_add(1, Relaxed);
    }
    if resumed {
        counters.hits.fetch_add(1, Relaxed);
    }
}

/// What one call of the engine gives at most.
const MOST: usize = 16_384;

fn read(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let size = vm.index_i64(&args[0])?;
    let target = args.get(1).filter(|buffer| !buffer.is_none());
    let Some(target) = target else {
        let Ok(size) = usize::try_from(size) else {
            return Err(vm.value_error("size should not be negative"));
        };
        if size == 0 {
            return Ok(empty_bytes());
        }
        let mut room = vec![0; size.min(MOST)];
        let count = read_into(vm, this, &mut room)?;
        return new_bytes(vm, room.get(..count).unwrap_or(&[]));
    };
    let mut buffer = writable(vm, target)?;
    let memory = buffer.as_mut_slice().unwrap_or(&mut []);
    let most = memory.len();
    let size = match usize::try_from(size) {
        Ok(size) if size > 0 => size.min(most),
        _ => most,
    };
    if size == 0 {
        return Ok(Value::from_i32(0));
    }
    let count = read_into(vm, this, memory.get_mut(..size).unwrap_or(&mut []))?;
    Ok(Value::int(count as i64))
}

fn read_into(vm: &mut Vm, this: &Value, into: &mut [u8]) -> Py<usize> {
    let outcome = operate(vm, this, "read", |engine, transport| {
        engine.read(transport, into)
    })?;
    match outcome {
        Outcome::Done(count) => Ok(count),
        Outcome::Closed if engine(this).as_ref().is_none_or(Engine::is_half_closed) => Ok(0),
        Outcome::Closed => Err(error::zero_return(vm)),
    }
}

fn write(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    let data = bytes_like(vm, data)?;
    let outcome = operate(vm, this, "write", |engine, transport| {
        engine.write(transport, &data)
    })?;
    match outcome {
        Outcome::Done(count) => Ok(Value::int(count as i64)),
        Outcome::Closed => Err(error::zero_return(vm)),
    }
}

fn shutdown(vm: &mut Vm, this: &Value) -> Py {
    let outcome = operate(vm, this, "read", |engine, transport| {
        engine.shutdown(transport)
    });
    outcome?;
    let reference = own(this).lock(vm).socket.clone();
    Ok(target(&reference).unwrap_or_else(Value::none))
}
