//! Addresses: from Python objects to the system's structures and back, for each family.

use super::convert::{ipv6_text, parse_address};
use super::resolve::lookup_failed;
use super::{os_error, wrapped_argument};
use crate::path;
use std::ffi::{CStr, CString};
use std::mem::{offset_of, size_of};
use std::net::Ipv4Addr;
use taipan_core::str_object::{new_str, str_of};
use taipan_core::tuple_object::{items, new_tuple};
use taipan_core::{Py, Value, Vm};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::{bytearray_copy, bytes_of, new_bytes};

/// An address in the system's form.
#[derive(Clone, Copy)]
pub(super) struct Address {
    storage: libc::sockaddr_storage,
    pub(super) len: libc::socklen_t,
}

impl Address {
    /// Room for any address.
    pub(super) fn room() -> Address {
        Address {
            // SAFETY: plain numbers.
            storage: unsafe { std::mem::zeroed() },
            len: size_of::<libc::sockaddr_storage>() as libc::socklen_t,
        }
    }

    /// An address that is one of the system's structures.
    pub(super) fn of<T: Copy>(part: T, len: usize) -> Address {
        let mut address = Address::room();
        const { assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>()) };
        // SAFETY: the structure fits into the storage, which is aligned for all of them.
        unsafe { std::ptr::write((&raw mut address.storage).cast::<T>(), part) };
        address.len = len as libc::socklen_t;
        address
    }

    /// An address that the resolver made.
    ///
    /// # Safety
    /// `from` points to `len` bytes of an address.
    pub(super) unsafe fn copied(from: *const libc::sockaddr, len: libc::socklen_t) -> Address {
        let mut address = Address::room();
        address.len = len.min(address.len);
        // SAFETY: the caller's promise; the storage is as large as any address.
        unsafe {
            std::ptr::copy_nonoverlapping(
                from.cast::<u8>(),
                (&raw mut address.storage).cast::<u8>(),
                address.len as usize,
            );
        }
        address
    }

    pub(super) fn part<T: Copy>(&self) -> T {
        const { assert!(size_of::<T>() <= size_of::<libc::sockaddr_storage>()) };
        // SAFETY: the storage is all initialised, larger than any family's structure, and aligned for it.
        unsafe { std::ptr::read((&raw const self.storage).cast::<T>()) }
    }

    pub(super) fn as_ptr(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }

    pub(super) fn family(&self) -> i32 {
        self.storage.ss_family.into()
    }

    /// Sets what an IPv6 address has besides host and port.
    pub(super) fn with_scope(self, flowinfo: u32, scope: u32) -> Address {
        let mut own = self.part::<libc::sockaddr_in6>();
        own.sin6_flowinfo = flowinfo;
        own.sin6_scope_id = scope;
        Address::of(own, size_of::<libc::sockaddr_in6>())
    }
}

// ---- hosts ----

/// The host part of an address argument as bytes, international names encoded.
pub(super) fn host_bytes(vm: &mut Vm, value: &Value) -> Py<CString> {
    let bytes = if let Some(bytes) = bytes_of(value) {
        bytes.to_vec()
    } else if let Some(bytes) = bytearray_copy(vm, value) {
        bytes
    } else if let Some(text) = str_of(value) {
        match text.ascii() {
            Some(ascii) => ascii.as_bytes().to_vec(),
            None => match taipan_types::codec::encode_str(vm, value, Some("idna"), None) {
                Ok(encoded) => bytes_of(&encoded).unwrap_or(&[]).to_vec(),
                Err(raised) => {
                    drop(vm.take_raised(raised));
                    return Err(vm.type_error("encoding of hostname failed"));
                }
            },
        }
    } else {
        let given = value.type_of().name();
        return Err(vm.type_error(format!("str, bytes or bytearray expected, not {given}")));
    };
    match CString::new(bytes) {
        Ok(host) => Ok(host),
        Err(_) => Err(vm.type_error("host name must not contain null character")),
    }
}

/// The address of a host, port 0: a number, a name, nothing for any address, `<broadcast>`.
pub(super) fn host_address(vm: &mut Vm, host: &CStr, family: i32) -> Py<Address> {
    let text = host.to_bytes();
    if text.is_empty() {
        return wildcard(vm, family);
    }
    if text == b"255.255.255.255" || text == b"<broadcast>" {
        if family != libc::AF_INET && family != libc::AF_UNSPEC {
            return Err(os_error(vm, "address family mismatched"));
        }
        return Ok(ipv4([255; 4]));
    }
    if (family == libc::AF_UNSPEC || family == libc::AF_INET)
        && let Some(packed) = parse_address(libc::AF_INET, host)
        && let Ok(packed) = <[u8; 4]>::try_from(&packed[..])
    {
        return Ok(ipv4(packed));
    }
    if (family == libc::AF_UNSPEC || family == libc::AF_INET6)
        && !text.contains(&b'%')
        && let Some(packed) = parse_address(libc::AF_INET6, host)
        && let Ok(packed) = <[u8; 16]>::try_from(&packed[..])
    {
        return Ok(ipv6(packed, 0, 0, 0));
    }
    // SAFETY: plain numbers and null pointers.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_family = family;
    first_result(vm, host.as_ptr(), std::ptr::null(), &hints, false)
}

fn wildcard(vm: &mut Vm, family: i32) -> Py<Address> {
    // SAFETY: plain numbers and null pointers.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_family = family;
    hints.ai_socktype = libc::SOCK_DGRAM;
    hints.ai_flags = libc::AI_PASSIVE;
    first_result(vm, std::ptr::null(), c"0".as_ptr(), &hints, true)
}

fn first_result(
    vm: &mut Vm,
    host: *const libc::c_char,
    service: *const libc::c_char,
    hints: &libc::addrinfo,
    only: bool,
) -> Py<Address> {
    let mut list = std::ptr::null_mut();
    // SAFETY: C strings or null, structures of ours.
    let error = vm.detached(|| unsafe { libc::getaddrinfo(host, service, hints, &mut list) });
    if error != 0 {
        return Err(lookup_failed(vm, error));
    }
    // SAFETY: success gives a list with one result at least, freed here.
    let (address, more) = unsafe {
        let first = &*list;
        let address = Address::copied(first.ai_addr, first.ai_addrlen);
        let more = !first.ai_next.is_null();
        libc::freeaddrinfo(list);
        (address, more)
    };
    if only && more {
        return Err(os_error(vm, "wildcard resolved to multiple address"));
    }
    Ok(address)
}

fn ipv4(packed: [u8; 4]) -> Address {
    // SAFETY: plain numbers.
    let mut own: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    own.sin_family = libc::AF_INET as _;
    own.sin_addr.s_addr = u32::from_ne_bytes(packed);
    Address::of(own, size_of::<libc::sockaddr_in>())
}

fn ipv6(packed: [u8; 16], port: u16, flowinfo: u32, scope: u32) -> Address {
    // SAFETY: plain numbers.
    let mut own: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
    own.sin6_family = libc::AF_INET6 as _;
    own.sin6_addr.s6_addr = packed;
    own.sin6_port = port.to_be();
    own.sin6_flowinfo = flowinfo.to_be();
    own.sin6_scope_id = scope;
    Address::of(own, size_of::<libc::sockaddr_in6>())
}

// ---- from Python ----

/// The address argument of `caller`, for a socket of a family and protocol.
pub(super) fn parse(
    vm: &mut Vm,
    family: i32,
    proto: i32,
    value: &Value,
    caller: &str,
) -> Py<Address> {
    match family {
        libc::AF_UNIX => unix(vm, value),
        libc::AF_INET => {
            let parts = tuple(vm, value, caller, "AF_INET")?;
            let [host, port] = parts else {
                return Err(vm.type_error("AF_INET address must be a pair (host, port)"));
            };
            let host = host_bytes(vm, host)?;
            let port = port_argument(vm, port, caller)?;
            let found = host_address(vm, &host, libc::AF_INET)?;
            let mut own = found.part::<libc::sockaddr_in>();
            own.sin_family = libc::AF_INET as _;
            own.sin_port = port?.to_be();
            Ok(Address::of(own, size_of::<libc::sockaddr_in>()))
        }
        libc::AF_INET6 => parse_ipv6(vm, value, caller),
        #[cfg(target_os = "linux")]
        _ => super::families::parse(vm, family, proto, value, caller),
        #[cfg(not(target_os = "linux"))]
        _ => {
            let _ = proto;
            Err(os_error(vm, format!("{caller}(): bad family")))
        }
    }
}

/// The members of an address that has to be a tuple.
pub(super) fn tuple<'a>(
    vm: &mut Vm,
    value: &'a Value,
    caller: &str,
    family: &str,
) -> Py<&'a [Value]> {
    match items(value) {
        Some(parts) => Ok(parts),
        None => {
            let given = value.type_of().name();
            Err(vm.type_error(format!(
                "{caller}(): {family} address must be tuple, not {given}"
            )))
        }
    }
}

/// A port; one out of range is an error only after the host was looked up, so it is given as a result in a result.
fn port_argument(vm: &mut Vm, value: &Value, caller: &str) -> Py<Py<u16>> {
    let number = vm.index(value)?;
    let message = format!("{caller}(): port must be 0-65535.");
    let Some(number) = number.as_i64().and_then(|port| i32::try_from(port).ok()) else {
        return Err(vm.overflow_error(message));
    };
    Ok(u16::try_from(number).map_err(|_| vm.overflow_error(message)))
}

fn parse_ipv6(vm: &mut Vm, value: &Value, caller: &str) -> Py<Address> {
    let parts = tuple(vm, value, caller, "AF_INET6")?;
    if !(2..=4).contains(&parts.len()) {
        return Err(
            vm.type_error("AF_INET6 address must be a tuple (host, port[, flowinfo[, scopeid]])")
        );
    }
    let host = host_bytes(vm, &parts[0])?;
    let port = port_argument(vm, &parts[1], caller)?;
    let flowinfo = parts
        .get(2)
        .map_or(Ok(0), |part| wrapped_argument(vm, part))?;
    let scope = parts
        .get(3)
        .map_or(Ok(0), |part| wrapped_argument(vm, part))?;
    let found = host_address(vm, &host, libc::AF_INET6)?;
    let port = port?;
    if flowinfo > 0xfffff {
        return Err(vm.overflow_error(format!("{caller}(): flowinfo must be 0-1048575.")));
    }
    let own = found.part::<libc::sockaddr_in6>();
    Ok(ipv6(own.sin6_addr.s6_addr, port, flowinfo, scope))
}

const PATH_START: usize = offset_of!(libc::sockaddr_un, sun_path);

fn unix(vm: &mut Vm, value: &Value) -> Py<Address> {
    let path = if str_of(value).is_some() {
        path::encode(vm, value)?
    } else {
        bytes_like(vm, value)?.to_vec()
    };
    // SAFETY: plain numbers.
    let mut own: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    own.sun_family = libc::AF_UNIX as _;
    // A name of the abstract name space starts with a null byte and has no end mark.
    let is_abstract = cfg!(target_os = "linux") && path.first().is_none_or(|first| *first == 0);
    let room = own.sun_path.len() - usize::from(!is_abstract);
    if path.len() > room {
        return Err(os_error(vm, "AF_UNIX path too long"));
    }
    for (to, from) in own.sun_path.iter_mut().zip(&path) {
        *to = *from as libc::c_char;
    }
    Ok(Address::of(
        own,
        PATH_START + path.len() + usize::from(!is_abstract),
    ))
}

// ---- to Python ----

/// The Python form of an address; `None` if there is none.
pub(super) fn to_python(vm: &mut Vm, address: &Address, proto: i32) -> Py {
    if address.len == 0 {
        return Ok(Value::none());
    }
    match address.family() {
        libc::AF_INET => {
            let own = address.part::<libc::sockaddr_in>();
            let host = Ipv4Addr::from(own.sin_addr.s_addr.to_ne_bytes()).to_string();
            let port = u16::from_be(own.sin_port);
            Ok(new_tuple([new_str(&host), Value::from_i32(port.into())]))
        }
        libc::AF_INET6 => {
            let own = address.part::<libc::sockaddr_in6>();
            Ok(new_tuple([
                new_str(&ipv6_text(own.sin6_addr.s6_addr)),
                Value::from_i32(u16::from_be(own.sin6_port).into()),
                Value::int(u32::from_be(own.sin6_flowinfo).into()),
                Value::int(own.sin6_scope_id.into()),
            ]))
        }
        libc::AF_UNIX => unix_name(vm, address),
        #[cfg(target_os = "linux")]
        family => super::families::to_python(vm, address, family, proto),
        #[cfg(not(target_os = "linux"))]
        _ => {
            let _ = proto;
            raw_address(vm, address)
        }
    }
}

/// An address of an unknown family: its number and its bytes.
pub(super) fn raw_address(vm: &mut Vm, address: &Address) -> Py {
    let own = address.part::<libc::sockaddr>();
    let data = own.sa_data.map(|byte| byte as u8);
    let data = new_bytes(vm, &data)?;
    Ok(new_tuple([Value::from_i32(address.family()), data]))
}

fn unix_name(vm: &mut Vm, address: &Address) -> Py {
    let own = address.part::<libc::sockaddr_un>();
    let path = own.sun_path.map(|byte| byte as u8);
    let given = (address.len as usize)
        .saturating_sub(PATH_START)
        .min(path.len());
    if cfg!(target_os = "linux") && given > 0 && path[0] == 0 {
        return new_bytes(vm, &path[..given]);
    }
    let end = path[..given]
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(given);
    path::decode(vm, &path[..end])
}

/// The text of an IPv4 or IPv6 address.
pub(super) fn host_text(address: &Address) -> String {
    match address.family() {
        libc::AF_INET6 => ipv6_text(address.part::<libc::sockaddr_in6>().sin6_addr.s6_addr),
        _ => {
            let own = address.part::<libc::sockaddr_in>();
            Ipv4Addr::from(own.sin_addr.s_addr.to_ne_bytes()).to_string()
        }
    }
}

/// The bytes of an IPv4 or IPv6 address, as the resolver wants them.
pub(super) fn packed(address: &Address) -> Vec<u8> {
    match address.family() {
        libc::AF_INET6 => address
            .part::<libc::sockaddr_in6>()
            .sin6_addr
            .s6_addr
            .to_vec(),
        _ => {
            let own = address.part::<libc::sockaddr_in>();
            own.sin_addr.s_addr.to_ne_bytes().to_vec()
        }
    }
}
