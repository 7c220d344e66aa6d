//! Limits and settings of the system, asked for by name: `sysconf`, `confstr`, `pathconf`.

use super::fail;
use crate::path::{self, PathKind, c_int, errno};
use crate::support::add;
use taipan_core::dict_object::{Dict, new_dict};
use taipan_core::str_object::{self, name};
use taipan_core::{Bound, MethodDef, Py, Value, Vm, f1, f2};

pub(super) static FUNCTIONS: [MethodDef; 3] = [
    f1(
        "sysconf($module, name, /)",
        sysconf,
        "A number that the system is set up with.",
    ),
    f1(
        "confstr($module, name, /)",
        confstr,
        "A text that the system is set up with.",
    ),
    f2(
        "fpathconf($module, fd, name, /)",
        fpathconf,
        "A limit of the file system that an open file is on.",
    ),
];

macro_rules! names {
    ($($text:literal $number:ident)*) => { &[$(($text, libc::$number)),*] };
}

static SYSCONF: &[(&str, i32)] = names! {
    "SC_2_CHAR_TERM" _SC_2_CHAR_TERM  "SC_2_C_BIND" _SC_2_C_BIND  "SC_2_C_DEV" _SC_2_C_DEV  "SC_2_C_VERSION"
    _SC_2_C_VERSION  "SC_2_FORT_DEV" _SC_2_FORT_DEV  "SC_2_FORT_RUN" _SC_2_FORT_RUN  "SC_2_LOCALEDEF"
    _SC_2_LOCALEDEF  "SC_2_SW_DEV" _SC_2_SW_DEV  "SC_2_UPE" _SC_2_UPE  "SC_2_VERSION" _SC_2_VERSION
    "SC_AIO_LISTIO_MAX" _SC_AIO_LISTIO_MAX  "SC_AIO_MAX" _SC_AIO_MAX  "SC_AIO_PRIO_DELTA_MAX"
    _SC_AIO_PRIO_DELTA_MAX  "SC_ARG_MAX" _SC_ARG_MAX  "SC_ASYNCHRONOUS_IO" _SC_ASYNCHRONOUS_IO  "SC_ATEXIT_MAX"
    _SC_ATEXIT_MAX  "SC_AVPHYS_PAGES" _SC_AVPHYS_PAGES  "SC_BC_BASE_MAX" _SC_BC_BASE_MAX  "SC_BC_DIM_MAX"
    _SC_BC_DIM_MAX  "SC_BC_SCALE_MAX" _SC_BC_SCALE_MAX  "SC_BC_STRING_MAX" _SC_BC_STRING_MAX
    "SC_CHARCLASS_NAME_MAX" _SC_CHARCLASS_NAME_MAX  "SC_CHAR_BIT" _SC_CHAR_BIT  "SC_CHAR_MAX" _SC_CHAR_MAX
    "SC_CHAR_MIN" _SC_CHAR_MIN  "SC_CHILD_MAX" _SC_CHILD_MAX  "SC_CLK_TCK" _SC_CLK_TCK  "SC_COLL_WEIGHTS_MAX"
    _SC_COLL_WEIGHTS_MAX  "SC_DELAYTIMER_MAX" _SC_DELAYTIMER_MAX  "SC_EQUIV_CLASS_MAX" _SC_EQUIV_CLASS_MAX
    "SC_EXPR_NEST_MAX" _SC_EXPR_NEST_MAX  "SC_FSYNC" _SC_FSYNC  "SC_GETGR_R_SIZE_MAX" _SC_GETGR_R_SIZE_MAX
    "SC_GETPW_R_SIZE_MAX" _SC_GETPW_R_SIZE_MAX  "SC_INT_MAX" _SC_INT_MAX  "SC_INT_MIN" _SC_INT_MIN  "SC_IOV_MAX"
    _SC_IOV_MAX  "SC_JOB_CONTROL" _SC_JOB_CONTROL  "SC_LINE_MAX" _SC_LINE_MAX  "SC_LOGIN_NAME_MAX"
    _SC_LOGIN_NAME_MAX  "SC_LONG_BIT" _SC_LONG_BIT  "SC_MAPPED_FILES" _SC_MAPPED_FILES  "SC_MB_LEN_MAX"
    _SC_MB_LEN_MAX  "SC_MEMLOCK" _SC_MEMLOCK  "SC_MEMLOCK_RANGE" _SC_MEMLOCK_RANGE  "SC_MEMORY_PROTECTION"
    _SC_MEMORY_PROTECTION  "SC_MESSAGE_PASSING" _SC_MESSAGE_PASSING  "SC_MQ_OPEN_MAX" _SC_MQ_OPEN_MAX
    "SC_MQ_PRIO_MAX" _SC_MQ_PRIO_MAX  "SC_NGROUPS_MAX" _SC_NGROUPS_MAX  "SC_NL_ARGMAX" _SC_NL_ARGMAX
    "SC_NL_LANGMAX" _SC_NL_LANGMAX  "SC_NL_MSGMAX" _SC_NL_MSGMAX  "SC_NL_NMAX" _SC_NL_NMAX  "SC_NL_SETMAX"
    _SC_NL_SETMAX  "SC_NL_TEXTMAX" _SC_NL_TEXTMAX  "SC_NPROCESSORS_CONF" _SC_NPROCESSORS_CONF
    "SC_NPROCESSORS_ONLN" _SC_NPROCESSORS_ONLN  "SC_NZERO" _SC_NZERO  "SC_OPEN_MAX" _SC_OPEN_MAX  "SC_PAGESIZE"
    _SC_PAGESIZE  "SC_PAGE_SIZE" _SC_PAGE_SIZE  "SC_PASS_MAX" _SC_PASS_MAX  "SC_PHYS_PAGES" _SC_PHYS_PAGES
    "SC_PII" _SC_PII  "SC_PII_INTERNET" _SC_PII_INTERNET  "SC_PII_INTERNET_DGRAM" _SC_PII_INTERNET_DGRAM
    "SC_PII_INTERNET_STREAM" _SC_PII_INTERNET_STREAM  "SC_PII_OSI" _SC_PII_OSI  "SC_PII_OSI_CLTS"
    _SC_PII_OSI_CLTS  "SC_PII_OSI_COTS" _SC_PII_OSI_COTS  "SC_PII_OSI_M" _SC_PII_OSI_M  "SC_PII_SOCKET"
    _SC_PII_SOCKET  "SC_PII_XTI" _SC_PII_XTI  "SC_POLL" _SC_POLL  "SC_PRIORITIZED_IO" _SC_PRIORITIZED_IO
    "SC_PRIORITY_SCHEDULING" _SC_PRIORITY_SCHEDULING  "SC_REALTIME_SIGNALS" _SC_REALTIME_SIGNALS
    "SC_RE_DUP_MAX" _SC_RE_DUP_MAX  "SC_RTSIG_MAX" _SC_RTSIG_MAX  "SC_SAVED_IDS" _SC_SAVED_IDS  "SC_SCHAR_MAX"
    _SC_SCHAR_MAX  "SC_SCHAR_MIN" _SC_SCHAR_MIN  "SC_SELECT" _SC_SELECT  "SC_SEMAPHORES" _SC_SEMAPHORES
    "SC_SEM_NSEMS_MAX" _SC_SEM_NSEMS_MAX  "SC_SEM_VALUE_MAX" _SC_SEM_VALUE_MAX  "SC_SHARED_MEMORY_OBJECTS"
    _SC_SHARED_MEMORY_OBJECTS  "SC_SHRT_MAX" _SC_SHRT_MAX  "SC_SHRT_MIN" _SC_SHRT_MIN  "SC_SIGQUEUE_MAX"
    _SC_SIGQUEUE_MAX  "SC_SSIZE_MAX" _SC_SSIZE_MAX  "SC_STREAM_MAX" _SC_STREAM_MAX  "SC_SYNCHRONIZED_IO"
    _SC_SYNCHRONIZED_IO  "SC_THREADS" _SC_THREADS  "SC_THREAD_ATTR_STACKADDR" _SC_THREAD_ATTR_STACKADDR
    "SC_THREAD_ATTR_STACKSIZE" _SC_THREAD_ATTR_STACKSIZE  "SC_THREAD_DESTRUCTOR_ITERATIONS"
    _SC_THREAD_DESTRUCTOR_ITERATIONS  "SC_THREAD_KEYS_MAX" _SC_THREAD_KEYS_MAX  "SC_THREAD_PRIORITY_SCHEDULING"
    _SC_THREAD_PRIORITY_SCHEDULING  "SC_THREAD_PRIO_INHERIT" _SC_THREAD_PRIO_INHERIT  "SC_THREAD_PRIO_PROTECT"
    _SC_THREAD_PRIO_PROTECT  "SC_THREAD_PROCESS_SHARED" _SC_THREAD_PROCESS_SHARED  "SC_THREAD_SAFE_FUNCTIONS"
    _SC_THREAD_SAFE_FUNCTIONS  "SC_THREAD_STACK_MIN" _SC_THREAD_STACK_MIN  "SC_THREAD_THREADS_MAX"
    _SC_THREAD_THREADS_MAX  "SC_TIMERS" _SC_TIMERS  "SC_TIMER_MAX" _SC_TIMER_MAX  "SC_TTY_NAME_MAX"
    _SC_TTY_NAME_MAX  "SC_TZNAME_MAX" _SC_TZNAME_MAX  "SC_T_IOV_MAX" _SC_T_IOV_MAX  "SC_UCHAR_MAX" _SC_UCHAR_MAX
    "SC_UINT_MAX" _SC_UINT_MAX  "SC_UIO_MAXIOV" _SC_UIO_MAXIOV  "SC_ULONG_MAX" _SC_ULONG_MAX  "SC_USHRT_MAX"
    _SC_USHRT_MAX  "SC_VERSION" _SC_VERSION  "SC_WORD_BIT" _SC_WORD_BIT  "SC_XBS5_ILP32_OFF32"
    _SC_XBS5_ILP32_OFF32  "SC_XBS5_ILP32_OFFBIG" _SC_XBS5_ILP32_OFFBIG  "SC_XBS5_LP64_OFF64" _SC_XBS5_LP64_OFF64
    "SC_XBS5_LPBIG_OFFBIG" _SC_XBS5_LPBIG_OFFBIG  "SC_XOPEN_CRYPT" _SC_XOPEN_CRYPT  "SC_XOPEN_ENH_I18N"
    _SC_XOPEN_ENH_I18N  "SC_XOPEN_LEGACY" _SC_XOPEN_LEGACY  "SC_XOPEN_REALTIME" _SC_XOPEN_REALTIME
    "SC_XOPEN_REALTIME_THREADS" _SC_XOPEN_REALTIME_THREADS  "SC_XOPEN_SHM" _SC_XOPEN_SHM  "SC_XOPEN_UNIX"
    _SC_XOPEN_UNIX  "SC_XOPEN_VERSION" _SC_XOPEN_VERSION  "SC_XOPEN_XCU_VERSION" _SC_XOPEN_XCU_VERSION
    "SC_XOPEN_XPG2" _SC_XOPEN_XPG2  "SC_XOPEN_XPG3" _SC_XOPEN_XPG3  "SC_XOPEN_XPG4" _SC_XOPEN_XPG4
};

#[cfg(target_os = "linux")]
static CONFSTR: &[(&str, i32)] = &[
    ("CS_PATH", libc::_CS_PATH),
    ("CS_GNU_LIBC_VERSION", 2),
    ("CS_GNU_LIBPTHREAD_VERSION", 3),
    ("CS_LFS64_CFLAGS", 1004),
    ("CS_LFS64_LDFLAGS", 1005),
    ("CS_LFS64_LIBS", 1006),
    ("CS_LFS64_LINTFLAGS", 1007),
    ("CS_LFS_CFLAGS", 1000),
    ("CS_LFS_LDFLAGS", 1001),
    ("CS_LFS_LIBS", 1002),
    ("CS_LFS_LINTFLAGS", 1003),
    ("CS_XBS5_ILP32_OFF32_CFLAGS", 1100),
    ("CS_XBS5_ILP32_OFF32_LDFLAGS", 1101),
    ("CS_XBS5_ILP32_OFF32_LIBS", 1102),
    ("CS_XBS5_ILP32_OFF32_LINTFLAGS", 1103),
    ("CS_XBS5_ILP32_OFFBIG_CFLAGS", 1104),
    ("CS_XBS5_ILP32_OFFBIG_LDFLAGS", 1105),
    ("CS_XBS5_ILP32_OFFBIG_LIBS", 1106),
    ("CS_XBS5_ILP32_OFFBIG_LINTFLAGS", 1107),
    ("CS_XBS5_LP64_OFF64_CFLAGS", 1108),
    ("CS_XBS5_LP64_OFF64_LDFLAGS", 1109),
    ("CS_XBS5_LP64_OFF64_LIBS", 1110),
    ("CS_XBS5_LP64_OFF64_LINTFLAGS", 1111),
    ("CS_XBS5_LPBIG_OFFBIG_CFLAGS", 1112),
    ("CS_XBS5_LPBIG_OFFBIG_LDFLAGS", 1113),
    ("CS_XBS5_LPBIG_OFFBIG_LIBS", 1114),
    ("CS_XBS5_LPBIG_OFFBIG_LINTFLAGS", 1115),
];

#[cfg(not(target_os = "linux"))]
static CONFSTR: &[(&str, i32)] = &[("CS_PATH", libc::_CS_PATH)];

static PATHCONF: &[(&str, i32)] = names! {
    "PC_ASYNC_IO" _PC_ASYNC_IO  "PC_CHOWN_RESTRICTED" _PC_CHOWN_RESTRICTED  "PC_FILESIZEBITS" _PC_FILESIZEBITS
    "PC_LINK_MAX" _PC_LINK_MAX  "PC_MAX_CANON" _PC_MAX_CANON  "PC_MAX_INPUT" _PC_MAX_INPUT  "PC_NAME_MAX"
    _PC_NAME_MAX  "PC_NO_TRUNC" _PC_NO_TRUNC  "PC_PATH_MAX" _PC_PATH_MAX  "PC_PIPE_BUF" _PC_PIPE_BUF
    "PC_PRIO_IO" _PC_PRIO_IO  "PC_SOCK_MAXBUF" _PC_SOCK_MAXBUF  "PC_SYNC_IO" _PC_SYNC_IO  "PC_VDISABLE"
    _PC_VDISABLE  "PC_ALLOC_SIZE_MIN" _PC_ALLOC_SIZE_MIN  "PC_REC_INCR_XFER_SIZE" _PC_REC_INCR_XFER_SIZE
    "PC_REC_MAX_XFER_SIZE" _PC_REC_MAX_XFER_SIZE  "PC_REC_MIN_XFER_SIZE" _PC_REC_MIN_XFER_SIZE
    "PC_REC_XFER_ALIGN" _PC_REC_XFER_ALIGN  "PC_SYMLINK_MAX" _PC_SYMLINK_MAX
};

pub(super) fn define(dict: &Value) {
    for (table_name, table) in [
        ("sysconf_names", SYSCONF),
        ("confstr_names", CONFSTR),
        ("pathconf_names", PATHCONF),
    ] {
        let names = new_dict();
        for (text, number) in table {
            names
                .expect::<Dict>()
                .set_name(&name(text), Value::from_i32(*number));
        }
        add(dict, table_name, names);
    }
}

/// The number that a name, or a number itself, stands for.
fn number(vm: &mut Vm, value: &Value, table: &[(&str, i32)]) -> Py<i32> {
    if let Some(text) = str_object::str_of(value) {
        let text = text.to_lossy();
        return match table.iter().find(|(known, _)| *known == text) {
            Some((_, number)) => Ok(*number),
            None => Err(vm.value_error("unrecognized configuration name")),
        };
    }
    if !value.is_int() && value.type_of().slots().index.is_none() {
        return Err(vm.type_error("configuration names must be strings or integers"));
    }
    c_int(vm, value)
}

/// -1 is a result too: "no limit". The error number tells it from a failure.
fn limit(
    vm: &mut Vm,
    call: impl FnOnce() -> libc::c_long,
    path: Option<&path::PathArgument>,
) -> Py {
    // SAFETY: the thread's own error number.
    unsafe { *libc::__errno_location() = 0 };
    let result = call();
    if result == -1 && errno() != 0 {
        return Err(match path {
            Some(path) => path.fail(vm),
            None => fail(vm),
        });
    }
    Ok(Value::int(result))
}

fn sysconf(vm: &mut Vm, _module: &Value, what: &Value) -> Py {
    let what = number(vm, what, SYSCONF)?;
    // SAFETY: a plain query.
    limit(vm, || unsafe { libc::sysconf(what) }, None)
}

fn confstr(vm: &mut Vm, _module: &Value, what: &Value) -> Py {
    let what = number(vm, what, CONFSTR)?;
    // SAFETY: asks for the length only.
    let len = unsafe {
        *libc::__errno_location() = 0;
        libc::confstr(what, std::ptr::null_mut(), 0)
    };
    if len == 0 {
        return if errno() != 0 {
            Err(fail(vm))
        } else {
            Ok(Value::none())
        };
    }
    let mut text = vec![0u8; len];
    // SAFETY: a buffer with its length.
    unsafe { libc::confstr(what, text.as_mut_ptr().cast(), text.len()) };
    text.pop();
    path::decode(vm, &text)
}

pub(super) fn pathconf(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let path = path::parse(vm, args.get(0), PathKind::or_descriptor("pathconf"))?;
    let what = number(vm, args.req(1), PATHCONF)?;
    // SAFETY: a descriptor or a C string.
    let call = || unsafe {
        match path.descriptor {
            Some(fd) => libc::fpathconf(fd, what),
            None => libc::pathconf(path.as_ptr(), what),
        }
    };
    limit(vm, call, Some(&path))
}

fn fpathconf(vm: &mut Vm, _module: &Value, fd: &Value, what: &Value) -> Py {
    let fd = path::fileno(vm, fd)?;
    let what = number(vm, what, PATHCONF)?;
    // SAFETY: a plain query.
    limit(vm, || unsafe { libc::fpathconf(fd, what) }, None)
}
