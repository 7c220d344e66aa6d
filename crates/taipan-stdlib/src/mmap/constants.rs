//! The numbers of `mmap`.

use super::mapping::{Access, page_size};
use crate::support::add;
use taipan_core::Value;

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

static COMMON: &[(&str, i64)] = numbers! {
    MADV_DONTNEED MADV_NORMAL MADV_RANDOM MADV_SEQUENTIAL MADV_WILLNEED MAP_ANON MAP_ANONYMOUS MAP_PRIVATE MAP_SHARED
    PROT_EXEC PROT_READ PROT_WRITE
};

#[cfg(target_os = "linux")]
static LINUX: &[(&str, i64)] = numbers! {
    MADV_DODUMP MADV_DOFORK MADV_DONTDUMP MADV_DONTFORK MADV_FREE MADV_HUGEPAGE MADV_HWPOISON MADV_MERGEABLE
    MADV_NOHUGEPAGE MADV_REMOVE MADV_UNMERGEABLE MAP_DENYWRITE MAP_EXECUTABLE MAP_NORESERVE MAP_POPULATE MAP_STACK
};
#[cfg(not(target_os = "linux"))]
static LINUX: &[(&str, i64)] = &[];

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
static PROCESSOR: &[(&str, i64)] = numbers! { MAP_32BIT };
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
static PROCESSOR: &[(&str, i64)] = &[];

pub(super) fn define(dict: &Value) {
    for (name, number) in COMMON.iter().chain(LINUX).chain(PROCESSOR) {
        add(dict, name, Value::int(*number));
    }
    for access in Access::ALL {
        add(dict, access.name(), Value::from_i32(access as i32));
    }
    let page = Value::int(page_size() as i64);
    add(dict, "PAGESIZE", page.clone());
    add(dict, "ALLOCATIONGRANULARITY", page);
}
