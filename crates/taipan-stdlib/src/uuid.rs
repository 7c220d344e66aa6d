//! `_uuid`: universally unique identifiers made of the time and this machine's network address (RFC 9562, version 1).

use crate::ModuleDef;
use crate::support::add;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};
use taipan_core::tuple_object::new_tuple;
use taipan_core::{MethodDef, Py, Value, Vm, f0};
use taipan_types::bytes::new_bytes;

static FUNCTIONS: [MethodDef; 1] = [f0(
    "generate_time_safe($module, /)",
    generate_time_safe,
    "(bytes of a new identifier, -1): -1 says that no other process on this machine was asked whether it makes the same.",
)];

/// The module `_uuid`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "_uuid",
    doc: "",
    functions: &FUNCTIONS,
    init: |_, dict| {
        add(dict, "has_uuid_generate_time_safe", Value::from_i32(1));
        // The node is random on a machine without network, so programs must not take it out of an identifier.
        add(dict, "has_stable_extractable_node", Value::from_i32(0));
        Ok(())
    },
};

/// What identifiers of this process are made of.
struct Source {
    node: [u8; 6],
    clock: u16,
    /// The last time used, in units of 100 ns since 15 October 1582.
    last: u64,
    process: u32,
}

static SOURCE: Mutex<Option<Source>> = Mutex::new(None);

/// 100 ns units between the calendar's start and 1970.
const EPOCH: u64 = 0x01B2_1DD2_1381_4000;

fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    EPOCH.wrapping_add((since.as_nanos() / 100) as u64)
}

/// The hardware address of a network interface; a random one with the multicast bit if there is none.
fn node() -> Option<[u8; 6]> {
    if let Some(node) = hardware_address() {
        return Some(node);
    }
    let mut random = [0u8; 6];
    getrandom::fill(&mut random).ok()?;
    random[0] |= 1;
    Some(random)
}

#[cfg(target_os = "linux")]
fn hardware_address() -> Option<[u8; 6]> {
    let mut first = std::ptr::null_mut();
    // SAFETY: a pointer of ours that is set to a list.
    if unsafe { libc::getifaddrs(&mut first) } != 0 {
        return None;
    }
    let mut found = None;
    let mut at = first;
    // SAFETY: the list's members live until it is freed and end with null; an address of that family is a `sockaddr_ll`.
    unsafe {
        while let Some(row) = at.as_ref() {
            at = row.ifa_next;
            if row.ifa_addr.is_null() || i32::from((*row.ifa_addr).sa_family) != libc::AF_PACKET {
                continue;
            }
            let address = row.ifa_addr.cast::<libc::sockaddr_ll>().read_unaligned();
            if address.sll_halen == 6
                && let [a, b, c, d, e, f, ..] = address.sll_addr
                && [a, b, c, d, e, f] != [0; 6]
            {
                found = Some([a, b, c, d, e, f]);
                break;
            }
        }
        libc::freeifaddrs(first);
    }
    found
}

#[cfg(not(target_os = "linux"))]
fn hardware_address() -> Option<[u8; 6]> {
    None
}

/// A new identifier; `None` if the system gives no random bytes.
fn generate() -> Option<[u8; 16]> {
    let mut source = SOURCE.lock().unwrap_or_else(PoisonError::into_inner);
    let process = std::process::id();
    // A child of a fork must not go on with its parent's numbers.
    if source.as_ref().is_none_or(|known| known.process != process) {
        let mut random = [0u8; 2];
        getrandom::fill(&mut random).ok()?;
        *source = Some(Source {
            node: node()?,
            clock: u16::from_ne_bytes(random),
            last: 0,
            process,
        });
    }
    let source = source.as_mut()?;
    let time = now();
    if time > source.last {
        source.last = time;
    } else if source.last - time > 10_000_000 {
        // The clock was set back.
        source.clock = source.clock.wrapping_add(1);
        source.last = time;
    } else {
        source.last += 1;
    }
    let time = source.last;
    let mut made = [0u8; 16];
    made[..4].copy_from_slice(&(time as u32).to_be_bytes());
    made[4..6].copy_from_slice(&((time >> 32) as u16).to_be_bytes());
    made[6..8].copy_from_slice(&((time >> 48) as u16 & 0x0fff | 0x1000).to_be_bytes());
    made[8..10].copy_from_slice(&(source.clock & 0x3fff | 0x8000).to_be_bytes());
    made[10..].copy_from_slice(&source.node);
    Some(made)
}

fn generate_time_safe(vm: &mut Vm, _module: &Value) -> Py {
    let Some(made) = generate() else {
        return Err(vm.raise(
            &taipan_core::builtin_types::OS_ERROR,
            "no random bytes to be had",
        ));
    };
    let made = new_bytes(vm, &made)?;
    Ok(new_tuple([made, Value::from_i32(-1)]))
}
