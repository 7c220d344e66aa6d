//! `_ssl._SSLContext`: settings, certificates and keys for connections. Loading them is in `load`.

use super::config::{Material, Settings, TLS12, TLS13};
use super::verify::Policy;
use super::{error, load, suites};
use crate::support::{Shared, c_int, utf8};
use std::sync::atomic::Ordering::Relaxed;
use taipan_core::builtin_types::{DEPRECATION_WARNING, NOT_IMPLEMENTED_ERROR};
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::lock::Locked;
use taipan_core::str_object::{is_str, name};
use taipan_core::{
    Args, GetSetDef, Layout, MethodDef, Obj, Py, Slots, TypeFlags, TypeObject, TypeSpec, Value, Vm,
    bound, f0, f1, getset, getter,
};
use taipan_stdlib::support::native_type;
use taipan_types::buffer::bytes_like;
use taipan_types::check;
use taipan_types::list::new_list;

native_type! {
    /// Payload of contexts.
    CONTEXT "_ssl._SSLContext" Context { protocol: i64 }
    ContextState {
        options: i64,
        verify_mode: i64,
        check_hostname: bool,
        verify_flags: i64,
        host_flags: i64,
        minimum: i64,
        maximum: i64,
        tickets: i64,
        sni_callback: Option<Value>,
        key_log: Option<Value>,
        material: Shared<Material>,
    }
}

pub const PROTOCOL_TLS: i64 = 2;
pub const PROTOCOL_TLS12: i64 = 5;
pub const PROTOCOL_CLIENT: i64 = 16;
pub const PROTOCOL_SERVER: i64 = 17;
/// What OpenSSL sets for each context, and CPython on top of it.
const DEFAULT_OPTIONS: i64 = 0x8252_0050;
const CHECK_LEAF: i64 = 4;
const CHECK_CHAIN: i64 = 12;
const STRICT: i64 = 32;
const NEVER_CHECK_SUBJECT: i64 = 32;
const MINIMUM: i64 = -2;
const MAXIMUM: i64 = -1;
const OP_NO_VERSIONS: i64 = 0x3e00_0000;

impl ContextState {
    /// The numbers that a connection goes by.
    pub fn settings(&self) -> Settings {
        Settings {
            minimum: self.minimum,
            maximum: self.maximum,
            options: self.options,
            policy: self.policy(),
            tickets: usize::try_from(self.tickets).unwrap_or(0),
        }
    }

    pub fn policy(&self) -> Policy {
        Policy {
            mode: self.verify_mode,
            common_name: self.host_flags & NEVER_CHECK_SUBJECT == 0,
            revocation: (
                self.verify_flags & CHECK_LEAF != 0,
                self.verify_flags & CHECK_CHAIN == CHECK_CHAIN,
            ),
            strict: self.verify_flags & STRICT != 0,
        }
    }

    pub fn material(&mut self) -> &mut Material {
        &mut self.material
    }

    pub fn checks_hosts(&self) -> bool {
        self.check_hostname
    }

    pub fn verify_mode(&self) -> i64 {
        self.verify_mode
    }

    pub fn set_key_log(&mut self, path: Option<Value>) {
        self.key_log = path;
    }

    pub fn sni_callback(&self) -> Option<Value> {
        self.sni_callback.clone()
    }
}

impl Context {
    pub fn protocol(&self) -> i64 {
        self.protocol
    }
}

pub fn own(this: &Value) -> &Obj<Context> {
    this.expect::<Context>()
}

static METHODS: [MethodDef; 12] = [
    bound(
        "load_cert_chain(self, /, certfile, keyfile=None, password=None)",
        load::load_cert_chain,
        "",
    ),
    bound(
        "load_verify_locations(self, /, cafile=None, capath=None, cadata=None)",
        load::load_verify_locations,
        "",
    ),
    f0(
        "set_default_verify_paths(self, /)",
        load::set_default_verify_paths,
        "",
    ),
    f0(
        "cert_store_stats(self, /)",
        load::cert_store_stats,
        load::STATS_DOC,
    ),
    bound(
        "get_ca_certs(self, /, binary_form=False)",
        load::get_ca_certs,
        load::GET_CA_CERTS_DOC,
    ),
    f1("set_ciphers(self, cipherlist, /)", set_ciphers, ""),
    f0("get_ciphers(self, /)", get_ciphers, ""),
    f1(
        "_set_alpn_protocols(self, protos, /)",
        set_alpn_protocols,
        "",
    ),
    f1("set_ecdh_curve(self, name, /)", set_ecdh_curve, ""),
    f0("session_stats(self, /)", session_stats, ""),
    bound(
        "_wrap_socket(self, /, sock, server_side, server_hostname=None, *, owner=None, session=None)",
        super::socket::wrap_socket,
        "",
    ),
    bound(
        "_wrap_bio(self, /, incoming, outgoing, server_side, server_hostname=None, *, owner=None, session=None)",
        super::socket::wrap_bio,
        "",
    ),
];

/// An attribute that is a number of the state.
macro_rules! number {
    ($name:literal, $field:ident, $set:expr) => {
        getset(
            $name,
            |vm, this| Ok(Value::int(own(this).lock(vm).$field)),
            $set,
            "",
        )
    };
}

static GETSET: [GetSetDef; 13] = [
    number!("options", options, set_options),
    number!("verify_mode", verify_mode, set_verify_mode),
    number!("verify_flags", verify_flags, |vm, this, value| {
        let flags = given_int(vm, this, "verify_flags", value)?;
        own(this).lock(vm).verify_flags = flags;
        Ok(())
    }),
    number!("_host_flags", host_flags, |vm, this, value| {
        let flags = given_int(vm, this, "_host_flags", value)?;
        own(this).lock(vm).host_flags = flags;
        Ok(())
    }),
    number!("minimum_version", minimum, |vm, this, value| {
        let version = version_argument(vm, this, "minimum_version", value)?;
        // There is nothing beyond the newest.
        own(this).lock(vm).minimum = if version == MAXIMUM { TLS13 } else { version };
        Ok(())
    }),
    number!("maximum_version", maximum, |vm, this, value| {
        let version = version_argument(vm, this, "maximum_version", value)?;
        own(this).lock(vm).maximum = if version == MINIMUM { TLS12 } else { version };
        Ok(())
    }),
    number!("num_tickets", tickets, set_tickets),
    getset(
        "check_hostname",
        |vm, this| Ok(Value::bool(own(this).lock(vm).check_hostname)),
        |vm, this, value| {
            let flag = given(vm, this, "check_hostname", value)?;
            let check = vm.truth(flag)?;
            let mut state = own(this).lock(vm);
            state.check_hostname = check;
            if check && state.verify_mode == 0 {
                state.verify_mode = 2;
            }
            Ok(())
        },
        "",
    ),
    getset(
        "sni_callback",
        |vm, this| {
            Ok(own(this)
                .lock(vm)
                .sni_callback()
                .unwrap_or_else(Value::none))
        },
        set_sni_callback,
        "Set a callback that will be called when a server name is provided by the SSL/TLS client in the SNI extension.\n\n\
         If the argument is None then the callback is disabled. The method is called\n\
         with the SSLSocket, the server name as a string, and the SSLContext object.\n\n\
         See RFC 6066 for details of the SNI extension.",
    ),
    getset(
        "keylog_filename",
        |vm, this| {
            Ok(own(this)
                .lock(vm)
                .key_log
                .clone()
                .unwrap_or_else(Value::none))
        },
        load::set_key_log,
        "",
    ),
    getset(
        "post_handshake_auth",
        |_, _| Ok(Value::none()),
        |vm, this, value| {
            given(vm, this, "post_handshake_auth", value)?;
            let text = "authentication after the handshake is not supported";
            Err(vm.raise(&NOT_IMPLEMENTED_ERROR, text))
        },
        "None: authentication after the handshake is not supported.",
    ),
    getter("protocol", |_, this| Ok(Value::int(own(this).protocol)), ""),
    getter(
        "security_level",
        // No key or cipher weaker than 112 bits is taken.
        |_, _| Ok(Value::int(2)),
        "The current security level.",
    ),
];

static SPEC: TypeSpec = TypeSpec {
    name: "_ssl._SSLContext",
    flags: TypeFlags::BASE,
    layout: Some(const { &Layout::of::<Context>() }),
    slots: Slots {
        new: Some(new),
        ..Slots::NONE
    },
    methods: &METHODS,
    getset: &GETSET,
    ..TypeSpec::DEFAULT
};

pub fn define() {
    CONTEXT.define(&SPEC);
}

fn new(vm: &mut Vm, cls: &TypeObject, args: Args<'_>) -> Py {
    check::no_keywords(vm, "_SSLContext", args)?;
    check::count(vm, "_SSLContext", args.pos().len(), 1, 1)?;
    let protocol = i64::from(c_int(vm, &args.pos()[0])?);
    let (minimum, maximum) = match protocol {
        PROTOCOL_TLS12 => (TLS12, TLS12),
        PROTOCOL_TLS | PROTOCOL_CLIENT | PROTOCOL_SERVER => (MINIMUM, MAXIMUM),
        _ => {
            let text = format!("invalid or unsupported protocol version {protocol}");
            return Err(vm.value_error(text));
        }
    };
    match protocol {
        PROTOCOL_TLS => vm.warn(&DEPRECATION_WARNING, "ssl.PROTOCOL_TLS is deprecated", 2)?,
        PROTOCOL_TLS12 => vm.warn(
            &DEPRECATION_WARNING,
            "ssl.PROTOCOL_TLSv1_2 is deprecated",
            2,
        )?,
        _ => {}
    }
    let is_client = protocol == PROTOCOL_CLIENT;
    let context = Context {
        protocol,
        state: Locked::new(ContextState {
            options: DEFAULT_OPTIONS,
            verify_mode: if is_client { 2 } else { 0 },
            check_hostname: is_client,
            verify_flags: 0x8000,
            host_flags: 4,
            minimum,
            maximum,
            tickets: 2,
            sni_callback: None,
            key_log: None,
            material: Shared(Material::new()),
        }),
    };
    Ok(taipan_core::alloc::new_instance(cls, context))
}

/// The new value of an attribute; deleting is refused.
pub fn given<'a>(
    vm: &mut Vm,
    this: &Value,
    attribute: &str,
    value: Option<&'a Value>,
) -> Py<&'a Value> {
    match value {
        Some(value) => Ok(value),
        None => {
            let text = format!(
                "attribute '{attribute}' of '{}' objects cannot be deleted",
                this.type_of().name()
            );
            Err(vm.attribute_error(text))
        }
    }
}

fn given_int(vm: &mut Vm, this: &Value, attribute: &str, value: Option<&Value>) -> Py<i64> {
    let value = given(vm, this, attribute, value)?;
    Ok(i64::from(c_int(vm, value)?))
}

fn set_options(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let value = given(vm, this, "options", value)?;
    let number = vm.index(value)?;
    let options = match number.as_i64() {
        Some(options) if options >= 0 => options,
        Some(_) => return Err(vm.value_error("Cannot convert negative int")),
        None => return Err(vm.overflow_error("Python int too large to convert to C unsigned long")),
    };
    let before = own(this).lock(vm).options;
    if options & !before & OP_NO_VERSIONS != 0 {
        let text = "ssl.OP_NO_SSL*/ssl.OP_NO_TLS* options are deprecated";
        vm.warn(&DEPRECATION_WARNING, text, 2)?;
    }
    own(this).lock(vm).options = options;
    Ok(())
}

fn set_verify_mode(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let mode = given_int(vm, this, "verify_mode", value)?;
    if !(0..=2).contains(&mode) {
        return Err(vm.value_error("invalid value for verify_mode"));
    }
    if mode == 0 && own(this).lock(vm).check_hostname {
        let text = "Cannot set verify_mode to CERT_NONE when check_hostname is enabled.";
        return Err(vm.value_error(text));
    }
    own(this).lock(vm).verify_mode = mode;
    Ok(())
}

fn version_argument(vm: &mut Vm, this: &Value, attribute: &str, value: Option<&Value>) -> Py<i64> {
    let version = given_int(vm, this, attribute, value)?;
    if own(this).protocol == PROTOCOL_TLS12 {
        let text =
            "The context's protocol doesn't support modification of highest and lowest version.";
        return Err(vm.value_error(text));
    }
    let old = match version {
        0x300 => Some("SSLv3"),
        0x301 => Some("TLSv1"),
        0x302 => Some("TLSv1_1"),
        TLS12 | TLS13 | MINIMUM | MAXIMUM => None,
        _ => return Err(vm.value_error(format!("Unsupported TLS/SSL version 0x{version:x}"))),
    };
    if let Some(old) = old {
        let text = format!("ssl.TLSVersion.{old} is deprecated");
        vm.warn(&DEPRECATION_WARNING, &text, 2)?;
    }
    Ok(version)
}

fn set_tickets(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let tickets = given_int(vm, this, "num_tickets", value)?;
    if tickets < 0 {
        return Err(vm.value_error("value must be non-negative"));
    }
    if own(this).protocol != PROTOCOL_SERVER {
        return Err(vm.value_error("SSLContext is not a server context."));
    }
    own(this).lock(vm).tickets = tickets;
    Ok(())
}

fn set_sni_callback(vm: &mut Vm, this: &Value, value: Option<&Value>) -> Py<()> {
    let callback = given(vm, this, "sni_callback", value)?;
    if own(this).protocol == PROTOCOL_CLIENT {
        return Err(vm.value_error("sni_callback cannot be set on TLS_CLIENT context"));
    }
    let callback = (!callback.is_none()).then(|| callback.clone());
    if let Some(callback) = &callback
        && callback.type_of().slots().call.is_none()
    {
        return Err(vm.type_error("not a callable object"));
    }
    let before = std::mem::replace(&mut own(this).lock(vm).sni_callback, callback);
    drop(before);
    Ok(())
}

fn set_ciphers(vm: &mut Vm, this: &Value, list: &Value) -> Py {
    if !is_str(list) {
        let given = list.type_of().name();
        return Err(vm.type_error(format!("set_ciphers() argument must be str, not {given}")));
    }
    let text = String::from_utf8_lossy(&utf8(vm, list)?).into_owned();
    let Some(chosen) = suites::choose(&text) else {
        return Err(error::plain(vm, 0, "No cipher can be selected."));
    };
    let mut state = own(this).lock(vm);
    state.material.suites = chosen;
    state.material.changed();
    Ok(Value::none())
}

fn get_ciphers(vm: &mut Vm, this: &Value) -> Py {
    let chosen = own(this).lock(vm).material.suites.clone();
    let rows = chosen.iter().map(|suite| suites::to_dict(suite.suite()));
    Ok(new_list(rows.collect()))
}

/// Names, each behind its length.
fn set_alpn_protocols(vm: &mut Vm, this: &Value, data: &Value) -> Py {
    let data = bytes_like(vm, data)?;
    let mut names = Vec::new();
    let mut rest = &data[..];
    while let Some((&len, tail)) = rest.split_first() {
        let Some((name, tail)) = tail.split_at_checked(len.into()) else {
            break;
        };
        names.push(name.to_vec());
        rest = tail;
    }
    own(this).lock(vm).material.alpn = names;
    Ok(Value::none())
}

fn set_ecdh_curve(vm: &mut Vm, this: &Value, curve: &Value) -> Py {
    if !is_str(curve) && taipan_types::bytes::bytes_of(curve).is_none() {
        let given = curve.type_of().name();
        return Err(vm.type_error(format!(
            "expected str, bytes or os.PathLike object, not {given}"
        )));
    }
    let text = taipan_stdlib::path::encode(vm, curve)?;
    let Some(group) = suites::group(&String::from_utf8_lossy(&text)) else {
        let shown = vm.repr_string(curve)?;
        return Err(vm.value_error(format!("unknown elliptic curve name {shown}")));
    };
    let mut state = own(this).lock(vm);
    state.material.groups = vec![group];
    state.material.changed();
    Ok(Value::none())
}

fn session_stats(vm: &mut Vm, this: &Value) -> Py {
    let counters = own(this).lock(vm).material.counters.clone();
    let dict = new_dict();
    let rows = [
        ("number", 0),
        ("connect", counters.connect.load(Relaxed)),
        ("connect_good", counters.connect_good.load(Relaxed)),
        ("connect_renegotiate", 0),
        ("accept", counters.accept.load(Relaxed)),
        ("accept_good", counters.accept_good.load(Relaxed)),
        ("accept_renegotiate", 0),
        ("hits", counters.hits.load(Relaxed)),
        ("misses", counters.misses.load(Relaxed)),
        ("timeouts", 0),
        ("cache_full", 0),
    ];
    for (key, count) in rows {
        let fill = dict.expect::<Dict>();
        fill.set_name(&name(key), Value::int(count as i64));
    }
    Ok(dict)
}
