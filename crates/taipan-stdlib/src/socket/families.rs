//! Addresses of the families that only Linux has: netlink, packets, CAN, virtual machines, crypto, TIPC, Qualcomm's IPC router.

use super::address::{Address, host_address, host_bytes, raw_address, tuple};
use super::convert::interface_name;
use super::{fail, os_error, wrapped_argument};
use crate::path;
use crate::support::{c_text_argument, int_argument};
use std::ffi::CString;
use std::mem::{size_of, zeroed};
use taipan_core::number::int_from_u64;
use taipan_core::str_object::new_str;
use taipan_core::tuple_object::new_tuple;
use taipan_core::{Py, Value, Vm};
use taipan_types::buffer::bytes_like;
use taipan_types::bytes::new_bytes;

const AF_QIPCRTR: i32 = 42;
const TIPC_ADDR_NAMESEQ: u32 = 1;
const TIPC_ADDR_NAME: u32 = 2;
const TIPC_ADDR_ID: u32 = 3;

/// `struct sockaddr_tipc`: what the three numbers mean depends on the kind.
#[repr(C)]
#[derive(Clone, Copy)]
struct Tipc {
    family: u16,
    kind: u8,
    scope: i8,
    numbers: [u32; 3],
}

/// `struct sockaddr_qrtr`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Qrtr {
    family: u16,
    node: u32,
    port: u32,
}

fn whole<T: Copy>(own: T) -> Address {
    Address::of(own, size_of::<T>())
}

/// Two unsigned numbers.
fn pair(vm: &mut Vm, value: &Value, caller: &str, family: &str, shape: &str) -> Py<(u32, u32)> {
    let [first, second] = tuple(vm, value, caller, family)? else {
        return Err(vm.type_error(format!("{family} address must be a pair {shape}")));
    };
    Ok((wrapped_argument(vm, first)?, wrapped_argument(vm, second)?))
}

pub(super) fn parse(
    vm: &mut Vm,
    family: i32,
    proto: i32,
    value: &Value,
    caller: &str,
) -> Py<Address> {
    match family {
        libc::AF_NETLINK => {
            let (pid, groups) = pair(vm, value, caller, "AF_NETLINK", "(pid, groups)")?;
            // SAFETY: plain numbers.
            let mut own: libc::sockaddr_nl = unsafe { zeroed() };
            own.nl_family = libc::AF_NETLINK as _;
            own.nl_pid = pid;
            own.nl_groups = groups;
            Ok(whole(own))
        }
        AF_QIPCRTR => {
            let (node, port) = pair(vm, value, caller, "AF_QIPCRTR", "(node, port)")?;
            Ok(whole(Qrtr {
                family: AF_QIPCRTR as u16,
                node,
                port,
            }))
        }
        libc::AF_VSOCK => {
            let (cid, port) = pair(vm, value, caller, "AF_VSOCK", "(CID, port)")?;
            // SAFETY: plain numbers.
            let mut own: libc::sockaddr_vm = unsafe { zeroed() };
            own.svm_family = libc::AF_VSOCK as _;
            own.svm_cid = cid;
            own.svm_port = port;
            Ok(whole(own))
        }
        libc::AF_RDS => rds(vm, value, caller),
        libc::AF_PACKET => packet(vm, value, caller),
        libc::AF_CAN => can(vm, proto, value, caller),
        libc::AF_ALG => alg(vm, value, caller),
        libc::AF_TIPC => tipc(vm, value, caller),
        _ => Err(os_error(vm, format!("{caller}(): bad family"))),
    }
}

fn rds(vm: &mut Vm, value: &Value, caller: &str) -> Py<Address> {
    let [host, port] = tuple(vm, value, caller, "AF_RDS")? else {
        return Err(vm.type_error("AF_RDS address must be a pair (host, port)"));
    };
    let host = host_bytes(vm, host)?;
    let port = int_argument(vm, port)?;
    let found = host_address(vm, &host, libc::AF_INET)?;
    let Ok(port) = u16::try_from(port) else {
        return Err(vm.overflow_error(format!("{caller}(): port must be 0-65535.")));
    };
    let mut own = found.part::<libc::sockaddr_in>();
    own.sin_family = libc::AF_RDS as _;
    own.sin_port = port.to_be();
    Ok(whole(own))
}

/// The index of an interface by name; 0 for the empty name.
fn interface_index(vm: &mut Vm, name: &CString) -> Py<u32> {
    if name.is_empty() {
        return Ok(0);
    }
    // SAFETY: a C string.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(fail(vm)),
        index => Ok(index),
    }
}

fn packet(vm: &mut Vm, value: &Value, caller: &str) -> Py<Address> {
    let parts = tuple(vm, value, caller, "AF_PACKET")?;
    if !(2..=5).contains(&parts.len()) {
        return Err(vm.type_error("AF_PACKET address must be a tuple of two to five elements"));
    }
    let name = c_text_argument(vm, caller, Some(1), &parts[0])?;
    let proto = int_argument(vm, &parts[1])?;
    let kind = super::int_or(vm, parts.get(2), 0)?;
    let hardware = super::int_or(vm, parts.get(3), 0)?;
    let own_address = match parts.get(4) {
        Some(part) => bytes_like(vm, part)?.to_vec(),
        None => Vec::new(),
    };
    let index = interface_index(vm, &name)?;
    if own_address.len() > 8 {
        return Err(vm.value_error("hardware address must be 8 bytes or less"));
    }
    let Ok(proto) = u16::try_from(proto) else {
        return Err(vm.overflow_error(format!("{caller}(): proto argument must be 0-65535.")));
    };
    // SAFETY: plain numbers.
    let mut own: libc::sockaddr_ll = unsafe { zeroed() };
    own.sll_family = libc::AF_PACKET as _;
    own.sll_protocol = proto.to_be();
    own.sll_ifindex = index as i32;
    own.sll_pkttype = kind as u8;
    own.sll_hatype = hardware as u16;
    own.sll_halen = own_address.len() as u8;
    for (to, from) in own.sll_addr.iter_mut().zip(&own_address) {
        *to = *from;
    }
    Ok(whole(own))
}

fn can(vm: &mut Vm, proto: i32, value: &Value, caller: &str) -> Py<Address> {
    let parts = tuple(vm, value, caller, "AF_CAN")?;
    let (count, shape) = match proto {
        libc::CAN_RAW | libc::CAN_BCM => (1, "(interface, )"),
        libc::CAN_ISOTP => (3, "(interface, rx_addr, tx_addr)"),
        libc::CAN_J1939 => (4, "(interface, name, pgn, addr)"),
        _ => {
            return Err(os_error(
                vm,
                format!("{caller}(): unsupported CAN protocol"),
            ));
        }
    };
    if parts.len() != count {
        return Err(vm.type_error(format!("AF_CAN address must be a tuple {shape}")));
    }
    let name = path::fs_string(vm, &parts[0])?;
    if name.as_bytes().len() >= libc::IF_NAMESIZE {
        return Err(os_error(vm, "AF_CAN interface name too long"));
    }
    // SAFETY: plain numbers.
    let mut own: libc::sockaddr_can = unsafe { zeroed() };
    own.can_family = libc::AF_CAN as _;
    match proto {
        libc::CAN_ISOTP => {
            own.can_addr.tp.rx_id = wrapped_argument(vm, &parts[1])?;
            own.can_addr.tp.tx_id = wrapped_argument(vm, &parts[2])?;
        }
        libc::CAN_J1939 => {
            let low = wrapped_argument(vm, &parts[1])?;
            let shift = Value::from_i32(32);
            let high = vm.binary(taipan_core::BinaryOp::RightShift, &parts[1], &shift)?;
            let high = wrapped_argument(vm, &high)?;
            own.can_addr.j1939.name = u64::from(high) << 32 | u64::from(low);
            own.can_addr.j1939.pgn = wrapped_argument(vm, &parts[2])?;
            own.can_addr.j1939.addr = wrapped_argument(vm, &parts[3])? as u8;
        }
        _ => {}
    }
    own.can_ifindex = interface_index(vm, &name)? as i32;
    Ok(whole(own))
}

fn alg(vm: &mut Vm, value: &Value, caller: &str) -> Py<Address> {
    let parts = tuple(vm, value, caller, "AF_ALG")?;
    if !(2..=4).contains(&parts.len()) {
        return Err(vm.type_error("AF_ALG address must be a tuple (type, name[, feat[, mask]])"));
    }
    let kind = c_text_argument(vm, caller, Some(1), &parts[0])?;
    let name = c_text_argument(vm, caller, Some(2), &parts[1])?;
    // SAFETY: plain numbers.
    let mut own: libc::sockaddr_alg = unsafe { zeroed() };
    own.salg_family = libc::AF_ALG as _;
    own.salg_feat = parts
        .get(2)
        .map_or(Ok(0), |part| wrapped_argument(vm, part))?
        & 0xffff;
    own.salg_mask = parts
        .get(3)
        .map_or(Ok(0), |part| wrapped_argument(vm, part))?
        & 0xffff;
    for (text, room, what) in [
        (&kind, &mut own.salg_type[..], "type"),
        (&name, &mut own.salg_name[..], "name"),
    ] {
        // The null byte behind the text has to fit too.
        if text.as_bytes().len() >= room.len() {
            return Err(vm.value_error(format!("AF_ALG {what} too long.")));
        }
        room[..text.as_bytes().len()].copy_from_slice(text.as_bytes());
    }
    Ok(whole(own))
}

fn tipc(vm: &mut Vm, value: &Value, caller: &str) -> Py<Address> {
    let parts = tuple(vm, value, caller, "AF_TIPC")?;
    if !(4..=5).contains(&parts.len()) {
        return Err(
            vm.type_error("AF_TIPC address must be a tuple (addr_type, v1, v2, v3[, scope])")
        );
    }
    let kind = wrapped_argument(vm, &parts[0])?;
    let mut numbers = [0; 3];
    for (number, part) in numbers.iter_mut().zip(&parts[1..]) {
        *number = wrapped_argument(vm, part)?;
    }
    let scope = parts
        .get(4)
        .map_or(Ok(2), |part| wrapped_argument(vm, part))?;
    match kind {
        TIPC_ADDR_NAMESEQ => {}
        TIPC_ADDR_NAME | TIPC_ADDR_ID => numbers[2] = 0,
        _ => return Err(vm.type_error("Invalid address type")),
    }
    if kind == TIPC_ADDR_ID {
        // The structure has the reference first.
        numbers.swap(0, 1);
    }
    Ok(whole(Tipc {
        family: libc::AF_TIPC as u16,
        kind: kind as u8,
        scope: scope as i8,
        numbers,
    }))
}

// ---- to Python ----

/// The name of an interface; empty if it has none.
fn interface_text(vm: &mut Vm, index: i32) -> Py {
    match interface_name(index as u32) {
        Some(name) if index != 0 => path::decode(vm, name.as_bytes()),
        _ => Ok(new_str("")),
    }
}

fn number(number: u32) -> Value {
    Value::int(number.into())
}

pub(super) fn to_python(vm: &mut Vm, address: &Address, family: i32, proto: i32) -> Py {
    match family {
        libc::AF_NETLINK => {
            let own = address.part::<libc::sockaddr_nl>();
            Ok(new_tuple([number(own.nl_pid), number(own.nl_groups)]))
        }
        AF_QIPCRTR => {
            let own = address.part::<Qrtr>();
            Ok(new_tuple([number(own.node), number(own.port)]))
        }
        libc::AF_VSOCK => {
            let own = address.part::<libc::sockaddr_vm>();
            Ok(new_tuple([number(own.svm_cid), number(own.svm_port)]))
        }
        libc::AF_PACKET => {
            let own = address.part::<libc::sockaddr_ll>();
            let name = interface_text(vm, own.sll_ifindex)?;
            let length = usize::from(own.sll_halen).min(own.sll_addr.len());
            let hardware = new_bytes(vm, &own.sll_addr[..length])?;
            Ok(new_tuple([
                name,
                number(u16::from_be(own.sll_protocol).into()),
                number(own.sll_pkttype.into()),
                number(own.sll_hatype.into()),
                hardware,
            ]))
        }
        libc::AF_CAN => can_to_python(vm, address, proto),
        libc::AF_ALG => {
            let own = address.part::<libc::sockaddr_alg>();
            let text = |bytes: &[u8]| {
                let end = bytes.iter().position(|byte| *byte == 0);
                new_str(&String::from_utf8_lossy(
                    &bytes[..end.unwrap_or(bytes.len())],
                ))
            };
            Ok(new_tuple([
                text(&own.salg_type),
                text(&own.salg_name),
                number(own.salg_feat & 0xffff),
                number(own.salg_mask & 0xffff),
            ]))
        }
        libc::AF_TIPC => {
            let own = address.part::<Tipc>();
            let [first, second, third] = own.numbers;
            let numbers = match u32::from(own.kind) {
                TIPC_ADDR_NAMESEQ => [first, second, third],
                TIPC_ADDR_NAME => [first, second, second],
                TIPC_ADDR_ID => [second, first, 0],
                _ => return Err(vm.type_error("Invalid address type")),
            };
            let [first, second, third] = numbers.map(number);
            let scope = Value::from_i32(own.scope.into());
            Ok(new_tuple([
                number(own.kind.into()),
                first,
                second,
                third,
                scope,
            ]))
        }
        _ => raw_address(vm, address),
    }
}

fn can_to_python(vm: &mut Vm, address: &Address, proto: i32) -> Py {
    let own = address.part::<libc::sockaddr_can>();
    let name = interface_text(vm, own.can_ifindex)?;
    match proto {
        libc::CAN_ISOTP => {
            // SAFETY: all variants are plain numbers.
            let tp = unsafe { own.can_addr.tp };
            Ok(new_tuple([name, number(tp.rx_id), number(tp.tx_id)]))
        }
        libc::CAN_J1939 => {
            // SAFETY: all variants are plain numbers.
            let j1939 = unsafe { own.can_addr.j1939 };
            Ok(new_tuple([
                name,
                int_from_u64(j1939.name),
                number(j1939.pgn),
                number(j1939.addr.into()),
            ]))
        }
        _ => Ok(new_tuple([name])),
    }
}
