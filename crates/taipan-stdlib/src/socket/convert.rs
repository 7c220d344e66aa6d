//! Byte order, addresses as text and as bytes, network interfaces.

use super::{arguments, fail, os_error};
use crate::path::{self, errno};
use crate::support::{c_text_argument, int_argument, unsigned_argument};
use std::ffi::{CStr, CString};
use std::net::{Ipv4Addr, Ipv6Addr};
use taipan_core::str_object::{is_str, new_str};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Args, MethodDef, Py, Value, Vm, f0, f1, raw};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;
use taipan_types::exceptions::os_error::raise_errno;
use taipan_types::list::new_list;

pub(super) static FUNCTIONS: [MethodDef; 11] = [
    f1(
        "htons($module, integer, /)",
        swap16,
        "A 16-bit number in network byte order.",
    ),
    f1(
        "ntohs($module, integer, /)",
        swap16,
        "A 16-bit number of the network in the host's byte order.",
    ),
    f1(
        "htonl($module, integer, /)",
        swap32,
        "A 32-bit number in network byte order.",
    ),
    f1(
        "ntohl($module, integer, /)",
        swap32,
        "A 32-bit number of the network in the host's byte order.",
    ),
    f1(
        "inet_aton($module, ip_addr, /)",
        inet_aton,
        "The 4 bytes of an IPv4 address in text (123.45.67.89).",
    ),
    f1(
        "inet_ntoa($module, packed_ip, /)",
        inet_ntoa,
        "The text of an IPv4 address in 4 bytes.",
    ),
    raw(
        "inet_pton($module, af, ip, /)",
        inet_pton,
        "The bytes of an address in text, of the family af.",
    ),
    raw(
        "inet_ntop($module, af, packed_ip, /)",
        inet_ntop,
        "The text of an address in bytes, of the family af.",
    ),
    f0(
        "if_nameindex($module, /)",
        if_nameindex,
        "A list of (index, name) of all network interfaces.",
    ),
    f1(
        "if_nametoindex($module, oname, /)",
        if_nametoindex,
        "The index of a network interface.",
    ),
    f1(
        "if_indextoname($module, if_index, /)",
        if_indextoname,
        "The name of the network interface with an index.",
    ),
];

fn swap16(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    let number = unsigned_argument(vm, value, 16, "uint16_t")? as u16;
    Ok(Value::int(number.to_be().into()))
}

fn swap32(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    let number = unsigned_argument(vm, value, 32, "uint32_t")? as u32;
    Ok(Value::int(number.to_be().into()))
}

fn inet_aton(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    let text = c_text_argument(vm, "inet_aton", None, value)?;
    let mut packed = libc::in_addr { s_addr: 0 };
    // SAFETY: a C string and a structure of ours.
    if unsafe { inet_aton_c(text.as_ptr(), &mut packed) } == 0 {
        return Err(os_error(
            vm,
            "illegal IP address string passed to inet_aton",
        ));
    }
    new_bytes(vm, &packed.s_addr.to_ne_bytes())
}

// SAFETY: declared as the C library defines it.
unsafe extern "C" {
    #[link_name = "inet_aton"]
    fn inet_aton_c(text: *const libc::c_char, packed: *mut libc::in_addr) -> libc::c_int;
    #[link_name = "inet_pton"]
    fn inet_pton_c(
        family: libc::c_int,
        text: *const libc::c_char,
        packed: *mut libc::c_void,
    ) -> libc::c_int;
}

/// The bytes of an address in text; `None` if it is none.
pub(super) fn parse_address(family: i32, text: &CStr) -> Option<Vec<u8>> {
    let mut packed = [0u8; 16];
    // SAFETY: a C string and room for an address of either family.
    let result = unsafe { inet_pton_c(family, text.as_ptr(), packed.as_mut_ptr().cast()) };
    let length = if family == libc::AF_INET { 4 } else { 16 };
    (result == 1).then(|| packed[..length].to_vec())
}

fn inet_ntoa(vm: &mut Vm, _module: &Value, value: &Value) -> Py {
    let packed = bytes_like(vm, value)?;
    match <[u8; 4]>::try_from(&packed[..]) {
        Ok(packed) => Ok(new_str(&Ipv4Addr::from(packed).to_string())),
        Err(_) => Err(os_error(vm, "packed IP wrong length for inet_ntoa")),
    }
}

fn inet_pton(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "inet_pton", args, 2, 2)?;
    let family = int_argument(vm, &args[0])?;
    let text = c_text_argument(vm, "inet_pton", Some(2), &args[1])?;
    if family != libc::AF_INET && family != libc::AF_INET6 {
        return Err(raise_errno(vm, libc::EAFNOSUPPORT, None));
    }
    match parse_address(family, &text) {
        Some(packed) => new_bytes(vm, &packed),
        None => Err(os_error(
            vm,
            "illegal IP address string passed to inet_pton",
        )),
    }
}

fn inet_ntop(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let args = arguments(vm, "inet_ntop", args, 2, 2)?;
    let family = int_argument(vm, &args[0])?;
    let packed = bytes_like(vm, &args[1])?;
    let text = match family {
        libc::AF_INET => <[u8; 4]>::try_from(&packed[..]).map(|ip| Ipv4Addr::from(ip).to_string()),
        libc::AF_INET6 => <[u8; 16]>::try_from(&packed[..]).map(ipv6_text),
        _ => return Err(vm.value_error(format!("unknown address family {family}"))),
    };
    match text {
        Ok(text) => Ok(new_str(&text)),
        Err(_) => Err(vm.value_error("invalid length of packed IP address string")),
    }
}

/// The text of an IPv6 address as the C library writes it.
pub(super) fn ipv6_text(packed: [u8; 16]) -> String {
    let mut text = [0u8; 46];
    // SAFETY: 16 bytes, and room for the longest text.
    unsafe {
        inet_ntop_c(
            libc::AF_INET6,
            packed.as_ptr().cast(),
            text.as_mut_ptr().cast(),
            text.len() as libc::socklen_t,
        );
    }
    match CStr::from_bytes_until_nul(&text) {
        Ok(text) => text.to_string_lossy().into_owned(),
        Err(_) => Ipv6Addr::from(packed).to_string(),
    }
}

// SAFETY: declared as the C library defines it.
unsafe extern "C" {
    #[link_name = "inet_ntop"]
    fn inet_ntop_c(
        family: libc::c_int,
        packed: *const libc::c_void,
        text: *mut libc::c_char,
        size: libc::socklen_t,
    ) -> *const libc::c_char;
}

// ---- interfaces ----

fn if_nameindex(vm: &mut Vm, _module: &Value) -> Py {
    // SAFETY: a plain call.
    let first = unsafe { libc::if_nameindex() };
    if first.is_null() {
        return Err(fail(vm));
    }
    let mut rows = Vec::new();
    let mut at = first;
    let mut failed = None;
    // SAFETY: the system's array ends with an index of 0.
    unsafe {
        while (*at).if_index != 0 {
            match path::c_text(vm, (*at).if_name) {
                Ok(name) => rows.push(new_tuple([Value::int((*at).if_index.into()), name])),
                Err(raised) => {
                    failed = Some(raised);
                    break;
                }
            }
            at = at.add(1);
        }
        libc::if_freenameindex(first);
    }
    match failed {
        Some(raised) => Err(raised),
        None => Ok(new_list(rows)),
    }
}

fn if_nametoindex(vm: &mut Vm, _module: &Value, name: &Value) -> Py {
    let name = path::fs_string(vm, name)?;
    // SAFETY: a C string.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(fail(vm)),
        index => Ok(Value::int(index.into())),
    }
}

fn if_indextoname(vm: &mut Vm, _module: &Value, index: &Value) -> Py {
    let index = unsigned_argument(vm, index, 32, "unsigned int")? as u32;
    match interface_name(index) {
        Some(name) => path::decode(vm, name.as_bytes()),
        None => Err(raise_errno(vm, errno(), None)),
    }
}

/// The name of the interface with this index.
pub(super) fn interface_name(index: u32) -> Option<CString> {
    let mut name = [0u8; libc::IF_NAMESIZE + 1];
    // SAFETY: room for the longest name.
    let found = unsafe { libc::if_indextoname(index, name.as_mut_ptr().cast()) };
    if found.is_null() {
        return None;
    }
    CStr::from_bytes_until_nul(&name).ok().map(CStr::to_owned)
}

/// Is it text or bytes?
pub(super) fn is_text_or_bytes(value: &Value) -> bool {
    is_str(value) || taipan_types::bytes::bytes_of(value).is_some()
}
