//! `syslog`: messages to the system's log.

use crate::ModuleDef;
use crate::audit::audit;
use crate::support::{add, c_text_argument, int_argument};
use std::ffi::{CStr, CString};
use std::sync::{Mutex, PoisonError};
use taipan_core::str_object::{new_str, str_of};
use taipan_core::{Args, Bound, MethodDef, Py, Value, Vm, bound, f0, f1, name, raw};

static FUNCTIONS: [MethodDef; 6] = [
    bound(
        "openlog($module, /, ident=<unrepresentable>, logoption=0, facility=LOG_USER)",
        openlog,
        "Set what later syslog() calls write in front of messages, how, and from which part of the system they come.",
    ),
    raw(
        "syslog($module, priority_or_message, message=None, /)",
        syslog,
        "syslog([priority=LOG_INFO,] message)\n\nSend a message to the system's log.",
    ),
    f0(
        "closelog($module, /)",
        closelog,
        "Close the log and forget what openlog() set.",
    ),
    f1(
        "setlogmask($module, maskpri, /)",
        setlogmask,
        "Set which priorities are logged; give the mask before.",
    ),
    f1(
        "LOG_MASK($module, pri, /)",
        |vm, _, priority| Ok(Value::from_i32(bit(int_argument(vm, priority)?))),
        "The mask of one priority.",
    ),
    f1(
        "LOG_UPTO($module, pri, /)",
        |vm, _, priority| {
            let priority = int_argument(vm, priority)?;
            Ok(Value::from_i32(
                bit(priority.wrapping_add(1)).wrapping_sub(1),
            ))
        },
        "The mask of all priorities up to this one.",
    ),
];

/// The module `syslog`.
pub static MODULE: ModuleDef = ModuleDef {
    name: "syslog",
    doc: "",
    functions: &FUNCTIONS,
    init,
};

macro_rules! numbers {
    ($($name:ident)*) => { &[$((stringify!($name), libc::$name as i64)),*] };
}

static NUMBERS: &[(&str, i64)] = numbers! {
    LOG_ALERT LOG_AUTH LOG_CONS LOG_CRIT LOG_CRON LOG_DAEMON LOG_DEBUG LOG_EMERG LOG_ERR LOG_INFO LOG_KERN LOG_LOCAL0
    LOG_LOCAL1 LOG_LOCAL2 LOG_LOCAL3 LOG_LOCAL4 LOG_LOCAL5 LOG_LOCAL6 LOG_LOCAL7 LOG_LPR LOG_MAIL LOG_NDELAY LOG_NEWS
    LOG_NOTICE LOG_NOWAIT LOG_ODELAY LOG_PERROR LOG_PID LOG_SYSLOG LOG_USER LOG_UUCP LOG_WARNING
};

#[cfg(target_os = "linux")]
static MORE: &[(&str, i64)] = &[("LOG_AUTHPRIV", 10 << 3), ("LOG_FTP", 11 << 3)];
#[cfg(not(target_os = "linux"))]
static MORE: &[(&str, i64)] = &[];

fn init(_vm: &mut Vm, dict: &Value) -> Py<()> {
    for (name, number) in NUMBERS.iter().chain(MORE) {
        add(dict, name, Value::int(*number));
    }
    Ok(())
}

/// What is set for later messages. The C library keeps a pointer to the name, so it lives here while the log is open.
struct Log {
    open: bool,
    #[expect(dead_code, reason = "the C library reads it")]
    ident: Option<CString>,
}

static LOG: Mutex<Log> = Mutex::new(Log {
    open: false,
    ident: None,
});

/// A bit by its number, which wraps as the processor's shift does.
fn bit(number: i32) -> i32 {
    1i32.wrapping_shl(number as u32)
}

/// The name that messages bear if the program gives none: that of its script.
fn script_name(vm: &mut Vm) -> Option<CString> {
    let argv = crate::sys::attribute(vm, name!("argv"))?;
    let first = match taipan_types::list::list_of(&argv) {
        Some(list) => list.lock(vm).get(0),
        None => None,
    };
    let text = str_of(first.as_ref()?)?.to_utf8()?;
    let base = text.rsplit('/').next().unwrap_or(&text);
    (!base.is_empty())
        .then(|| CString::new(base).ok())
        .flatten()
}

fn open(ident: Option<CString>, option: i32, facility: i32) {
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    let pointer = ident
        .as_ref()
        .map_or(std::ptr::null(), |ident| ident.as_ptr());
    // SAFETY: null or a C string that `LOG` keeps until the next `openlog` or `closelog`.
    unsafe { libc::openlog(pointer, option, facility) };
    *log = Log { open: true, ident };
}

fn openlog(vm: &mut Vm, _module: &Value, args: &Bound) -> Py {
    let given = match args.get(0) {
        Some(value) => {
            let Some(text) = str_of(value) else {
                let given = value.type_of().name();
                return Err(vm.type_error(format!(
                    "openlog() argument 'ident' must be str, not {given}"
                )));
            };
            let encoded = match text.to_utf8() {
                Some(text) => text,
                // Encoding raises what a lone surrogate is worth.
                None => {
                    taipan_types::codec::encode_str(vm, value, Some("utf-8"), None)?;
                    String::new()
                }
            };
            let end = encoded.find('\0').unwrap_or(encoded.len());
            CString::new(&encoded[..end]).ok()
        }
        None => None,
    };
    let option = args.get(1).map_or(Ok(0), |value| int_argument(vm, value))?;
    let facility = args
        .get(2)
        .map_or(Ok(libc::LOG_USER), |value| int_argument(vm, value))?;
    let ident = match given {
        Some(ident) => Some(ident),
        None => script_name(vm),
    };
    audit(vm, "syslog.openlog", || {
        vec![
            ident_value(&ident),
            Value::from_i32(option),
            Value::from_i32(facility),
        ]
    })?;
    open(ident, option, facility);
    Ok(Value::none())
}

fn ident_value(ident: &Option<CString>) -> Value {
    match ident {
        Some(ident) => new_str(&ident.to_string_lossy()),
        None => Value::none(),
    }
}

fn syslog(vm: &mut Vm, _module: &Value, args: Args<'_>) -> Py {
    let (priority, message) = match args.pos() {
        _ if args.has_keywords() => {
            return Err(vm.type_error("syslog.syslog() takes no keyword arguments"));
        }
        [message] => {
            let text = c_text_argument(vm, "syslog", Some(1), message)?;
            (libc::LOG_INFO, text)
        }
        [priority, message] => {
            let priority = int_argument(vm, priority)?;
            (priority, c_text_argument(vm, "syslog", Some(2), message)?)
        }
        _ => return Err(vm.type_error("syslog.syslog requires 1 to 2 arguments")),
    };
    audit(vm, "syslog.syslog", || {
        vec![
            Value::from_i32(priority),
            new_str(&message.to_string_lossy()),
        ]
    })?;
    let is_open = LOG.lock().unwrap_or_else(PoisonError::into_inner).open;
    if !is_open {
        let ident = script_name(vm);
        audit(vm, "syslog.openlog", || {
            vec![
                ident_value(&ident),
                Value::from_i32(0),
                Value::from_i32(libc::LOG_USER),
            ]
        })?;
        open(ident, 0, libc::LOG_USER);
    }
    let format: &CStr = c"%s";
    // SAFETY: a format for one text, and the text.
    unsafe { libc::syslog(priority, format.as_ptr(), message.as_ptr()) };
    Ok(Value::none())
}

fn closelog(vm: &mut Vm, _module: &Value) -> Py {
    audit(vm, "syslog.closelog", Vec::new)?;
    let mut log = LOG.lock().unwrap_or_else(PoisonError::into_inner);
    if log.open {
        // SAFETY: a plain call.
        unsafe { libc::closelog() };
        *log = Log {
            open: false,
            ident: None,
        };
    }
    Ok(Value::none())
}

fn setlogmask(vm: &mut Vm, _module: &Value, mask: &Value) -> Py {
    let mask = int_argument(vm, mask)?;
    audit(vm, "syslog.setlogmask", || vec![Value::from_i32(mask)])?;
    // SAFETY: a plain call.
    Ok(Value::from_i32(unsafe { libc::setlogmask(mask) }))
}
