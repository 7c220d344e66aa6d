//! Questions to the resolver: names of hosts, services and protocols.

use super::address::{self, Address};
use super::convert::is_text_or_bytes;
use super::{GAIERROR, HERROR, arguments, int_or, os_error, wrapped_argument};
use crate::audit::audit;
use crate::path;
use crate::support::{c_text_argument, int_argument};
use std::ffi::{CStr, CString};
use taipan_core::str_object::{is_str, new_str, str_of};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Args, Bound, MethodDef, Py, Raised, Value, Vm, bound, f0, raw};
use taipan_types::bytes::bytes_of;
use taipan_types::exceptions::os_error::raise_errno;
use taipan_types::list::new_list;

pub(super) static FUNCTIONS: [MethodDef; 10] = [
    bound(
        "getaddrinfo($module, /, host, port, family=0, type=0, proto=0, flags=0)",
        getaddrinfo,
        "A list of (family, type, proto, canonname, sockaddr) for a host and port.",
    ),
    raw(
        "getnameinfo($module, sockaddr, flags, /)",
        getnameinfo,
        "Host and port of an address, as text.",
    ),
    raw(
        "gethostbyname($module, host, /)",
        gethostbyname,
        "The IPv4 address of a host, as text.",
    ),
    raw(
        "gethostbyname_ex($module, host, /)",
        gethostbyname_ex,
        "(name, list of other names, list of IPv4 addresses) of a host.",
    ),
    raw(
        "gethostbyaddr($module, host, /)",
        gethostbyaddr,
        "(name, list of other names, list of addresses) of the host with an address.",
    ),
    f0(
        "gethostname($module, /)",
        gethostname,
        "The name of this host.",
    ),
    raw(
        "sethostname($module, name, /)",
        sethostname,
        "Set the name of this host.",
    ),
    raw(
        "getservbyname($module, servicename, protocolname=None, /)",
        getservbyname,
        "The port of a service; without protocolname any protocol will do.",
    ),
    raw(
        "getservbyport($module, port, protocolname=None, /)",
        getservbyport,
        "The service at a port; without protocolname any protocol will do.",
    ),
    raw(
        "getprotobyname($module, name, /)",
        getprotobyname,
        "The number of a protocol.",
    ),
];

/// The exception of a failed `getaddrinfo` or `getnameinfo`.
#[cold]
pub(super) fn lookup_failed(vm: &mut Vm, error: i32) -> Raised {
    if error == libc::EAI_SYSTEM {
        return raise_errno(vm, path::errno(), None);
    }
    // SAFETY: gives a text that is never freed.
    let text = unsafe { CStr::from_ptr(libc::gai_strerror(error)) };
    let text = new_str(&text.to_string_lossy());
    vm.raise_with(&GAIERROR, &[Value::from_i32(error), text])
}

/// The exception of a failed question for a host.
#[cold]
fn host_failed(vm: &mut Vm, error: i32) -> Raised {
    // SAFETY: gives a text that is never freed.
    let text = unsafe { CStr::from_ptr(libc::hstrerror(error)) };
    let text = new_str(&text.to_string_lossy());
    vm.raise_with(&HERROR, &[Value::from_i32(error), text])
}

/// The bytes of an argument up to the first null byte, as C code reads them.
fn c_string(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|byte| *byte == 0);
    CString::new(&bytes[..end.unwrap_or(bytes.len())]).unwrap_or_default()
}

/// The host argument of `getaddrinfo`.
fn host_text(vm: &mut Vm, host: &Value) -> Py<Option<CString>> {
    if host.is_none() {
        return Ok(None);
    }
    if let Some(text) = str_of(host) {
        if let Some(ascii) = text.ascii() {
            return Ok(Some(c_string(ascii.as_bytes())));
        }
        let encoded = taipan_types::codec::encode_str(vm, host, Some("idna"), None)?;
        return Ok(Some(c_string(bytes_of(&encoded).unwrap_or(&[]))));
    }
    match bytes_of(host) {
        Some(bytes) => Ok(Some(c_string(bytes))),
        None => Err(vm.type_error("getaddrinfo() argument 1 must be string or None")),
    }
}

/// The port argument of `getaddrinfo`.
fn service_text(vm: &mut Vm, port: &Value) -> Py<Option<CString>> {
    if port.is_none() {
        return Ok(None);
    }
    if port.is_int() || (!is_text_or_bytes(port) && port.type_of().slots().index.is_some()) {
        let number = vm.index(port)?;
        let text = match number.as_big() {
            Some(big) => big.to_string(),
            None => number.as_i64().unwrap_or(0).to_string(),
        };
        return Ok(Some(c_string(text.as_bytes())));
    }
    if is_str(port) {
        let encoded = taipan_types::codec::encode_str(vm, port, Some("utf-8"), None)?;
        return Ok(Some(c_string(bytes_of(&encoded).unwrap_or(&[]))));
    }
    match bytes_of(port) {
        Some(bytes) => Ok(Some(c_string(bytes))),
        None => Err(os_error(vm, "Int or String expected")),
    }
}

fn as_ptr(text: &Option<CString>) -> *const libc::c_char {
    text.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
}

/// The results of the resolver, freed at the end.
struct Results(*mut libc::addrinfo);

impl Results {
    fn find(
        vm: &mut Vm,
        host: &Option<CString>,
        service: &Option<CString>,
        hints: &libc::addrinfo,
    ) -> Py<Results> {
        let mut list = std::ptr::null_mut();
        // SAFETY: C strings or null, structures of ours.
        let call = || unsafe { libc::getaddrinfo(as_ptr(host), as_ptr(service), hints, &mut list) };
        match vm.detached(call) {
            0 => Ok(Results(list)),
            error => Err(lookup_failed(vm, error)),
        }
    }

    fn iter(&self) -> impl Iterator<Item = &libc::addrinfo> {
        let mut at = self.0;
        std::iter::from_fn(move || {
            // SAFETY: the list's members live as long as the list and end with null.
            let here = unsafe { at.as_ref() }?;
            at = here.ai_next;
            Some(here)
        })
    }
}

impl Drop for Results {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: the list is ours and nobody refers to it any more.
            unsafe { libc::freeaddrinfo(self.0) };
        }
    }
}

fn no_hints() -> libc::addrinfo {
    // SAFETY: plain numbers and null pointers.
    unsafe { std::mem::zeroed() }
}

fn getaddrinfo(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let (host, port) = (args.req(0), args.req(1));
    let mut hints = no_hints();
    hints.ai_family = int_or(vm, args.get(2), 0)?;
    hints.ai_socktype = int_or(vm, args.get(3), 0)?;
    hints.ai_protocol = int_or(vm, args.get(4), 0)?;
    hints.ai_flags = int_or(vm, args.get(5), 0)?;
    let host_name = host_text(vm, host)?;
    let service = service_text(vm, port)?;
    audit(vm, "socket.getaddrinfo", || {
        vec![
            host.clone(),
            port.clone(),
            Value::from_i32(hints.ai_family),
            Value::from_i32(hints.ai_socktype),
            Value::from_i32(hints.ai_protocol),
            Value::from_i32(hints.ai_flags),
        ]
    })?;
    let results = Results::find(vm, &host_name, &service, &hints)?;
    let mut rows = Vec::new();
    for result in results.iter() {
        // SAFETY: the resolver's address with its length.
        let found = unsafe { Address::copied(result.ai_addr, result.ai_addrlen) };
        let found = address::to_python(vm, &found, result.ai_protocol)?;
        let name = if result.ai_canonname.is_null() {
            new_str("")
        } else {
            // SAFETY: a C string of the result.
            unsafe { path::c_text(vm, result.ai_canonname) }?
        };
        rows.push(new_tuple([
            Value::from_i32(result.ai_family),
            Value::from_i32(result.ai_socktype),
            Value::from_i32(result.ai_protocol),
            name,
            found,
        ]));
    }
    Ok(new_list(rows))
}

fn getnameinfo(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "getnameinfo", args, 2, 2)?;
    let flags = int_argument(vm, &args[1])?;
    let Some(parts) = items(&args[0]) else {
        return Err(vm.type_error("getnameinfo() argument 1 must be a tuple"));
    };
    if !(2..=4).contains(&parts.len()) {
        return Err(vm.type_error("getnameinfo(): illegal sockaddr argument"));
    }
    let host = c_text_argument(vm, "getnameinfo", Some(1), &parts[0])?;
    let port = int_argument(vm, &parts[1])?;
    let mut more = [0; 2];
    for (number, part) in more.iter_mut().zip(&parts[2..]) {
        *number = wrapped_argument(vm, part)?;
    }
    let [flowinfo, scope] = more;
    if flowinfo > 0xfffff {
        return Err(vm.overflow_error("getnameinfo(): flowinfo must be 0-1048575."));
    }
    audit(vm, "socket.getnameinfo", || vec![args[0].clone()])?;
    let mut hints = no_hints();
    hints.ai_socktype = libc::SOCK_DGRAM;
    hints.ai_flags = libc::AI_NUMERICHOST;
    let service = c_string(port.to_string().as_bytes());
    let results = Results::find(vm, &Some(host), &Some(service), &hints)?;
    let mut all = results.iter();
    let (Some(first), None) = (all.next(), all.next()) else {
        return Err(os_error(vm, "sockaddr resolved to multiple addresses"));
    };
    // SAFETY: the resolver's address with its length.
    let mut found = unsafe { Address::copied(first.ai_addr, first.ai_addrlen) };
    match first.ai_family {
        libc::AF_INET if parts.len() != 2 => {
            return Err(os_error(vm, "IPv4 sockaddr must be 2 tuple"));
        }
        libc::AF_INET6 => found = found.with_scope(flowinfo.to_be(), scope),
        _ => {}
    }
    name_info(vm, &found, flags)
}

fn name_info(vm: &mut Vm, found: &Address, flags: i32) -> Py {
    let mut host = [0u8; libc::NI_MAXHOST as usize];
    let mut service = [0u8; 32];
    // SAFETY: an address with its length, rooms with theirs.
    let error = vm.detached(|| unsafe {
        libc::getnameinfo(
            found.as_ptr(),
            found.len,
            host.as_mut_ptr().cast(),
            host.len() as libc::socklen_t,
            service.as_mut_ptr().cast(),
            service.len() as libc::socklen_t,
            flags,
        )
    });
    if error != 0 {
        return Err(lookup_failed(vm, error));
    }
    let text = |room: &[u8]| {
        CStr::from_bytes_until_nul(room)
            .unwrap_or_default()
            .to_owned()
    };
    let host = path::decode(vm, text(&host).as_bytes())?;
    let service = path::decode(vm, text(&service).as_bytes())?;
    Ok(new_tuple([host, service]))
}

// ---- hosts ----

/// A host argument: international names are encoded.
fn host_argument(vm: &mut Vm, function: &str, value: &Value) -> Py<CString> {
    if !is_text_or_bytes(value) && taipan_types::bytes::bytearray_copy(vm, value).is_none() {
        let given = value.type_of().name();
        return Err(vm.type_error(format!(
            "{function}() argument 1 must be str, bytes or bytearray, not {given}"
        )));
    }
    if let Some(text) = str_of(value)
        && text.ascii().is_none()
    {
        let encoded = taipan_types::codec::encode_str(vm, value, Some("idna"), None)?;
        return address::host_bytes(vm, &encoded);
    }
    address::host_bytes(vm, value)
}

fn gethostbyname(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "gethostbyname", args, 1, 1)?;
    let host = host_argument(vm, "gethostbyname", &args[0])?;
    audit(vm, "socket.gethostbyname", || vec![args[0].clone()])?;
    let found = address::host_address(vm, &host, libc::AF_INET)?;
    Ok(new_str(&address::host_text(&found)))
}

fn gethostbyname_ex(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "gethostbyname_ex", args, 1, 1)?;
    let host = host_argument(vm, "gethostbyname_ex", &args[0])?;
    audit(vm, "socket.gethostbyname", || vec![args[0].clone()])?;
    let found = address::host_address(vm, &host, libc::AF_INET)?;
    let family = found.family();
    ask_host(vm, family, |entry, room, out, error| {
        // SAFETY: C strings and rooms of ours, as the function wants them.
        unsafe {
            gethostbyname_r(
                host.as_ptr(),
                entry,
                room.as_mut_ptr().cast(),
                room.len(),
                out,
                error,
            )
        }
    })
}

fn gethostbyaddr(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "gethostbyaddr", args, 1, 1)?;
    let host = host_argument(vm, "gethostbyaddr", &args[0])?;
    audit(vm, "socket.gethostbyaddr", || vec![args[0].clone()])?;
    let found = address::host_address(vm, &host, libc::AF_UNSPEC)?;
    let family = found.family();
    if family != libc::AF_INET && family != libc::AF_INET6 {
        return Err(os_error(vm, "unsupported address family"));
    }
    let packed = address::packed(&found);
    ask_host(vm, family, |entry, room, out, error| {
        // SAFETY: an address with its length and rooms of ours, as the function wants them.
        unsafe {
            gethostbyaddr_r(
                packed.as_ptr().cast(),
                packed.len() as libc::socklen_t,
                family,
                entry,
                room.as_mut_ptr().cast(),
                room.len(),
                out,
                error,
            )
        }
    })
}

// SAFETY: declared as the GNU C library defines them.
unsafe extern "C" {
    fn gethostbyname_r(
        name: *const libc::c_char,
        entry: *mut libc::hostent,
        room: *mut libc::c_char,
        size: libc::size_t,
        out: *mut *mut libc::hostent,
        error: *mut libc::c_int,
    ) -> libc::c_int;
    fn gethostbyaddr_r(
        address: *const libc::c_void,
        length: libc::socklen_t,
        family: libc::c_int,
        entry: *mut libc::hostent,
        room: *mut libc::c_char,
        size: libc::size_t,
        out: *mut *mut libc::hostent,
        error: *mut libc::c_int,
    ) -> libc::c_int;
}

/// Asks for a host, with as much room as the answer needs.
fn ask_host(
    vm: &mut Vm,
    family: i32,
    mut ask: impl FnMut(*mut libc::hostent, &mut [u8], *mut *mut libc::hostent, *mut i32) -> i32,
) -> Py {
    let mut room = vec![0u8; 16384];
    loop {
        // SAFETY: plain numbers and null pointers.
        let mut entry: libc::hostent = unsafe { std::mem::zeroed() };
        let (mut out, mut error) = (std::ptr::null_mut(), 0);
        let result = ask(&mut entry, &mut room, &mut out, &mut error);
        if result == libc::ERANGE && room.len() < 1 << 24 {
            room.resize(room.len() * 2, 0);
            continue;
        }
        // SAFETY: null, or the entry that was filled in, which refers to `room`.
        return match unsafe { out.as_ref() } {
            Some(entry) => host_entry(vm, entry, family),
            None => Err(host_failed(vm, error)),
        };
    }
}

/// `(name, aliases, addresses)` of an answer.
fn host_entry(vm: &mut Vm, entry: &libc::hostent, family: i32) -> Py {
    if entry.h_addrtype != family {
        return Err(raise_errno(vm, libc::EAFNOSUPPORT, None));
    }
    // SAFETY: C strings of the answer.
    let name = unsafe { path::c_text(vm, entry.h_name) }?;
    let mut aliases = Vec::new();
    let mut at = entry.h_aliases;
    // SAFETY: an array of C strings that ends with null.
    while !at.is_null() && unsafe { !(*at).is_null() } {
        // SAFETY: as above.
        unsafe {
            aliases.push(path::c_text(vm, *at)?);
            at = at.add(1);
        }
    }
    let length = if family == libc::AF_INET { 4 } else { 16 };
    let mut addresses = Vec::new();
    let mut at = entry.h_addr_list;
    // SAFETY: an array of addresses of the family's length that ends with null.
    while !at.is_null() && unsafe { !(*at).is_null() } {
        // SAFETY: as above.
        let packed = unsafe { std::slice::from_raw_parts((*at).cast::<u8>(), length) };
        addresses.push(new_str(&packed_text(packed)));
        // SAFETY: as above.
        at = unsafe { at.add(1) };
    }
    Ok(new_tuple([name, new_list(aliases), new_list(addresses)]))
}

fn packed_text(packed: &[u8]) -> String {
    if let Ok(packed) = <[u8; 4]>::try_from(packed) {
        return std::net::Ipv4Addr::from(packed).to_string();
    }
    <[u8; 16]>::try_from(packed).map_or_else(|_| String::new(), super::convert::ipv6_text)
}

fn gethostname(vm: &mut Vm, _module: &Value) -> Py {
    audit(vm, "socket.gethostname", Vec::new)?;
    let mut name = [0u8; 1024];
    // SAFETY: room with its length; the last byte stays a null byte.
    let result = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    path::check(vm, result)?;
    let name = CStr::from_bytes_until_nul(&name).unwrap_or_default();
    path::decode(vm, name.to_bytes())
}

fn sethostname(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "sethostname", args, 1, 1)?;
    let name = path::fs_string(vm, &args[0])?;
    audit(vm, "socket.sethostname", || vec![args[0].clone()])?;
    // SAFETY: a text with its length.
    let result = unsafe { libc::sethostname(name.as_ptr(), name.as_bytes().len()) };
    path::check(vm, result)?;
    Ok(Value::none())
}

// ---- services ----

fn protocol_argument(vm: &mut Vm, function: &str, value: Option<&Value>) -> Py<Option<CString>> {
    value
        .map(|value| c_text_argument(vm, function, Some(2), value))
        .transpose()
}

fn audited(value: Option<&Value>) -> Value {
    value.cloned().unwrap_or_else(|| new_str(""))
}

fn getservbyname(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "getservbyname", args, 1, 2)?;
    let name = c_text_argument(vm, "getservbyname", Some(1), &args[0])?;
    let proto = protocol_argument(vm, "getservbyname", args.get(1))?;
    audit(vm, "socket.getservbyname", || {
        vec![args[0].clone(), audited(args.get(1))]
    })?;
    // SAFETY: C strings; the answer is read before the next question.
    let port = unsafe {
        libc::getservbyname(name.as_ptr(), as_ptr(&proto))
            .as_ref()
            .map(|entry| entry.s_port)
    };
    match port {
        Some(port) => Ok(Value::from_i32(u16::from_be(port as u16).into())),
        None => Err(os_error(vm, "service/proto not found")),
    }
}

fn getservbyport(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "getservbyport", args, 1, 2)?;
    let port = int_argument(vm, &args[0])?;
    let proto = protocol_argument(vm, "getservbyport", args.get(1))?;
    let Ok(port) = u16::try_from(port) else {
        return Err(vm.overflow_error("getservbyport: port must be 0-65535."));
    };
    audit(vm, "socket.getservbyport", || {
        vec![Value::from_i32(port.into()), audited(args.get(1))]
    })?;
    // SAFETY: a C string; the answer is copied before the next question.
    let name = unsafe {
        libc::getservbyport(port.to_be().into(), as_ptr(&proto))
            .as_ref()
            .map(|entry| CStr::from_ptr(entry.s_name).to_owned())
    };
    match name {
        Some(name) => path::decode(vm, name.as_bytes()),
        None => Err(os_error(vm, "port/proto not found")),
    }
}

fn getprotobyname(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "getprotobyname", args, 1, 1)?;
    let name = c_text_argument(vm, "getprotobyname", Some(1), &args[0])?;
    // SAFETY: a C string; the answer is read before the next question.
    let number = unsafe {
        libc::getprotobyname(name.as_ptr())
            .as_ref()
            .map(|entry| entry.p_proto)
    };
    match number {
        Some(number) => Ok(Value::from_i32(number)),
        None => Err(os_error(vm, "protocol not found")),
    }
}
