//! What a connection knows: the other end's certificates, what was agreed on, the session.

use super::certificate_type::{new_certificate, to_dict};
use super::engine::Engine;
use super::session::{Session, Store, new_session};
use super::socket::{context_of, engine, is_server, set_store, store_of};
use super::{context, suites};
use crate::support::utf8;
use rustls::pki_types::CertificateDer;
use rustls::{HandshakeKind, ProtocolVersion};
use taipan_core::str_object::new_str;
use taipan_core::{Bound, Py, Value, Vm};
use taipan_types::bytes::new_bytes;
use taipan_types::list::new_list;

/// The certificates that the other end sent, its own first.
fn sent_chain(this: &Value) -> Option<Vec<CertificateDer<'static>>> {
    let engine = engine(this);
    let connection = engine.as_ref()?.connection()?;
    Some(connection.peer_certificates()?.to_vec())
}

pub fn handshake_is_done(this: &Value) -> bool {
    engine(this)
        .as_ref()
        .is_some_and(|engine| engine.handshake_done)
}

pub fn getpeercert(vm: &mut Vm, this: &Value, args: &[Value]) -> Py {
    let binary = args.first().map_or(Ok(false), |flag| vm.truth(flag))?;
    if !handshake_is_done(this) {
        return Err(vm.value_error("handshake not done yet"));
    }
    let Some(chain) = sent_chain(this) else {
        return Ok(Value::none());
    };
    let Some(first) = chain.first() else {
        return Ok(Value::none());
    };
    if binary {
        return new_bytes(vm, first);
    }
    let context = context_of(vm, this);
    if context::own(&context).lock(vm).verify_mode() == 0 {
        return Ok(taipan_core::dict_object::new_dict());
    }
    to_dict(vm, first)
}

pub fn get_verified_chain(vm: &mut Vm, this: &Value) -> Py {
    let Some(sent) = sent_chain(this) else {
        return Ok(Value::none());
    };
    let context = context_of(vm, this);
    let verifier = {
        let mut state = context::own(&context).lock(vm);
        let policy = state.policy();
        state.material().verifier(policy)
    };
    let chain = verifier.chain(&sent);
    Ok(new_list(chain.into_iter().map(new_certificate).collect()))
}

pub fn get_unverified_chain(_vm: &mut Vm, this: &Value) -> Py {
    let Some(sent) = sent_chain(this) else {
        return Ok(Value::none());
    };
    let rows = sent.iter().map(|one| new_certificate(one.to_vec()));
    Ok(new_list(rows.collect()))
}

pub fn cipher(_vm: &mut Vm, this: &Value) -> Py {
    let engine = engine(this);
    let suite = engine
        .as_ref()
        .and_then(Engine::connection)
        .and_then(|connection| connection.negotiated_cipher_suite());
    Ok(suite.map_or_else(Value::none, |suite| suites::to_tuple(suite.suite())))
}

pub fn shared_ciphers(vm: &mut Vm, this: &Value) -> Py {
    if !is_server(this) || !handshake_is_done(this) {
        return Ok(Value::none());
    }
    let context = context_of(vm, this);
    let chosen = context::own(&context).lock(vm).material().suites.clone();
    let engine = engine(this);
    let offered = engine.as_ref().map_or(&[][..], |engine| &engine.offered);
    let shared = chosen
        .iter()
        .filter(|suite| offered.contains(&suite.suite()));
    Ok(new_list(
        shared
            .map(|suite| suites::to_tuple(suite.suite()))
            .collect(),
    ))
}

pub fn version(_vm: &mut Vm, this: &Value) -> Py {
    let engine = engine(this);
    let version = engine
        .as_ref()
        .filter(|engine| engine.handshake_done)
        .and_then(Engine::connection)
        .and_then(|connection| connection.protocol_version());
    Ok(match version {
        Some(ProtocolVersion::TLSv1_3) => new_str("TLSv1.3"),
        Some(ProtocolVersion::TLSv1_2) => new_str("TLSv1.2"),
        _ => Value::none(),
    })
}

pub fn selected_alpn_protocol(_vm: &mut Vm, this: &Value) -> Py {
    let engine = engine(this);
    let name = engine
        .as_ref()
        .and_then(Engine::connection)
        .and_then(|connection| connection.alpn_protocol());
    Ok(name.map_or_else(Value::none, |name| new_str(&String::from_utf8_lossy(name))))
}

pub fn get_channel_binding(vm: &mut Vm, this: &Value, args: &Bound) -> Py {
    let kind = match args.get(0) {
        Some(kind) => String::from_utf8_lossy(&utf8(vm, kind)?).into_owned(),
        None => "tls-unique".to_owned(),
    };
    if kind != "tls-unique" {
        let text = format!("'{kind}' channel binding type not implemented");
        return Err(vm.value_error(text));
    }
    if !handshake_is_done(this) {
        return Ok(Value::none());
    }
    // The library does not tell the messages that it is made of.
    Err(vm.value_error("'tls-unique' channel binding data is not available"))
}

// ---- sessions ----

pub fn get_session(vm: &mut Vm, this: &Value) -> Py {
    if is_server(this) || !handshake_is_done(this) {
        return Ok(Value::none());
    }
    let (context, store) = (context_of(vm, this), store_of(vm, this));
    Ok(new_session(store.snapshot(), context))
}

pub fn set_session(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let value = context::given(vm, this, "session", value)?;
    let Some(session) = value.cast::<Session>() else {
        return Err(vm.type_error("Value is not a SSLSession."));
    };
    let context = context_of(vm, this);
    if !session.context().is(&context) {
        return Err(vm.value_error("Session refers to a different SSLContext."));
    }
    if is_server(this) {
        return Err(vm.value_error("Cannot set session for server-side SSLSocket."));
    }
    if engine(this).is_some() {
        return Err(vm.value_error("Cannot set session after handshake."));
    }
    let store = Store::with(session.tickets().clone());
    set_store(vm, this, store);
    Ok(())
}

pub fn session_reused(_vm: &mut Vm, this: &Value) -> Py {
    let engine = engine(this);
    let kind = engine
        .as_ref()
        .and_then(Engine::connection)
        .and_then(|connection| connection.handshake_kind());
    Ok(Value::bool(kind == Some(HandshakeKind::Resumed)))
}
