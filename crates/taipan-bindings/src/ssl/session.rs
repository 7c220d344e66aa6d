//! Sessions that a client can resume.

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use taipan_core::{
    CompareOp, GetSetDef, Layout, Py, Slots, TypeFlags, TypeSpec, Value, Vm, getter,
};
use taipan_stdlib::support::native_type;
use taipan_types::bytes::new_bytes;

use crate::support::Shared;

/// What a server gave to resume a session with.
#[derive(Clone, Default, Debug)]
pub struct Tickets {
    old: Option<Tls12ClientSessionValue>,
    /// Each is used once. Copies share them, so that those which a resumed session is given serve the next.
    new: Arc<Mutex<Vec<Tls13ClientSessionValue>>>,
    group: Option<NamedGroup>,
    pub id: [u8; 32],
    pub time: u64,
}

impl Tickets {
    fn is_empty(&self) -> bool {
        self.old.is_none() && self.unused().is_empty()
    }

    fn unused(&self) -> MutexGuard<'_, Vec<Tls13ClientSessionValue>> {
        self.new.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tickets of one connection: what it begins with and what it is given.
#[derive(Default, Debug)]
pub struct Store(Mutex<Tickets>);

impl Store {
    pub fn with(tickets: Tickets) -> Arc<Store> {
        Arc::new(Store(Mutex::new(tickets)))
    }

    pub fn open(&self) -> MutexGuard<'_, Tickets> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new session has begun: it has a name of its own.
    pub fn begin(&self) {
        let mut tickets = self.open();
        let _ = rustls::crypto::ring::default_provider()
            .secure_random
            .fill(&mut tickets.id);
        tickets.time = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |span| span.as_secs());
    }

    /// A copy. Tickets of TLS 1.3 that come later are in it too.
    pub fn snapshot(&self) -> Tickets {
        self.open().clone()
    }
}

/// How many tickets are kept; the newest.
const KEPT: usize = 4;

impl ClientSessionStore for Store {
    fn set_kx_hint(&self, _name: ServerName<'static>, group: NamedGroup) {
        self.open().group = Some(group);
    }

    fn kx_hint(&self, _name: &ServerName<'_>) -> Option<NamedGroup> {
        self.open().group
    }

    fn set_tls12_session(&self, _name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.open().old = Some(value);
    }

    fn tls12_session(&self, _name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.open().old.clone()
    }

    fn remove_tls12_session(&self, _name: &ServerName<'static>) {
        self.open().old = None;
    }

    fn insert_tls13_ticket(&self, _name: ServerName<'static>, value: Tls13ClientSessionValue) {
        let tickets = self.open();
        let mut kept = tickets.unused();
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(value);
    }

    fn take_tls13_ticket(&self, _name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.open().unused().pop()
    }
}

native_type! {
    /// Payload of sessions.
    SESSION "_ssl.SSLSession" Session { tickets: Shared<Tickets>, context: Value }
    SessionState {}
}

impl Session {
    pub fn tickets(&self) -> &Tickets {
        &self.tickets
    }

    pub fn context(&self) -> &Value {
        &self.context
    }
}

pub fn new_session(tickets: Tickets, context: Value) -> Value {
    let session = Session {
        tickets: Shared(tickets),
        context,
        state: taipan_core::lock::Locked::new(SessionState {}),
    };
    taipan_core::alloc::new_object(session)
}

static GETSET: [GetSetDef; 5] = [
    getter("id", |vm, this| new_bytes(vm, &own(this).id), "Session ID."),
    getter(
        "time",
        |_, this| Ok(Value::int(own(this).time as i64)),
        "Session creation time (seconds since epoch).",
    ),
    getter(
        "timeout",
        |_, _| Ok(Value::int(LIFETIME)),
        "Session timeout (delta in seconds).",
    ),
    getter(
        "ticket_lifetime_hint",
        |_, _| Ok(Value::int(LIFETIME)),
        "Ticket life time hint.",
    ),
    getter(
        "has_ticket",
        |_, this| Ok(Value::bool(!own(this).is_empty())),
        "Does the session contain a ticket?",
    ),
];

/// Seconds after which a session is not offered any more, whatever longer time a server allows.
const LIFETIME: i64 = 7200;

fn own(this: &Value) -> &Tickets {
    &this.expect::<Session>().tickets
}

fn compare(_vm: &mut Vm, this: &Value, other: &Value, op: CompareOp) -> Py {
    let Some(other) = other.cast::<Session>() else {
        return Ok(Value::not_implemented());
    };
    let same = own(this).id == other.tickets.id;
    Ok(match op {
        CompareOp::Eq => Value::bool(same),
        CompareOp::Ne => Value::bool(!same),
        _ => Value::not_implemented(),
    })
}

static SPEC: TypeSpec = TypeSpec {
    name: "_ssl.SSLSession",
    flags: TypeFlags::NO_INSTANTIATION,
    layout: Some(const { &Layout::of::<Session>() }),
    slots: Slots {
        compare: Some(compare),
        hash: Some(|_, this| {
            let start: [u8; 8] = own(this).id.first_chunk().copied().unwrap_or_default();
            Ok(i64::from_ne_bytes(start) >> 1)
        }),
        ..Slots::NONE
    },
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};

pub fn define() {
    SESSION.define(&SPEC);
}
